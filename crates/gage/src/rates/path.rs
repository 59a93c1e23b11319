//! A recorded path of utilisation. The format is described in `data/README.md`.

use anyhow::{Context as _, ensure};
use gage_core::{WAD, Wad};

use crate::decimal::{WAD_DECIMALS, parse_units};

/// The recorded path in the binary. Source: `data/README.md`.
const AUGUST_2024: &str = include_str!("../../../../data/2024-08-utilisation.csv");

/// Names of the paths in the binary.
const BUILTIN: [(&str, &str); 1] = [("2024-08", AUGUST_2024)];

/// The first line of a file.
const HEADER: &str = "ts,utilisation";
/// The last second of the year 2200: more is mostly milliseconds.
const TIME_MAX: u64 = 7_289_654_399;

/// Utilisation over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    /// What the user called it.
    pub(crate) name: String,
    /// Unix seconds, and the utilisation from then on; at least two, in the order of time.
    samples: Vec<(u64, Wad)>,
}

impl Path {
    /// A path of the binary by its name, or a file.
    pub(crate) fn open(name: &str) -> anyhow::Result<Self> {
        if let Some((name, text)) = BUILTIN.iter().find(|(builtin, _)| *builtin == name) {
            return Self::parse(name, text);
        }
        let text = std::fs::read_to_string(name).with_context(|| {
            format!(
                "`{name}` is neither a recorded path of the binary (2024-08) nor a readable file"
            )
        })?;
        Self::parse(name, &text).with_context(|| format!("cannot read {name}"))
    }

    fn parse(name: &str, text: &str) -> anyhow::Result<Self> {
        let mut lines = (1..).zip(text.lines());
        let header = lines.next().map(|(_, line)| line.trim_end());
        ensure!(header == Some(HEADER), "the first line is not `{HEADER}`");
        let mut samples: Vec<(u64, Wad)> = Vec::new();
        for (number, line) in lines {
            let sample = sample(line.trim_end()).with_context(|| format!("line {number}"))?;
            let follows = samples.last().is_none_or(|last| last.0 < sample.0);
            ensure!(follows, "line {number}: the time is not after the line's before");
            samples.push(sample);
        }
        ensure!(samples.len() >= 2, "a path has at least two lines of numbers");
        Ok(Self { name: name.to_owned(), samples })
    }

    /// The time of each sample.
    pub(crate) fn times(&self) -> impl Iterator<Item = u64> {
        self.samples.iter().map(|(time, _)| *time)
    }

    /// How long each utilisation lasted: up to the next sample, the last as long as the one before.
    pub(crate) fn stretches(&self) -> impl Iterator<Item = (u64, Wad)> {
        let times: Vec<u64> = self.times().collect();
        let mut lengths: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        lengths.extend(lengths.last().copied());
        let used = self.samples.iter().map(|(_, used)| *used);
        lengths.into_iter().zip(used).collect::<Vec<_>>().into_iter()
    }
}

fn sample(line: &str) -> anyhow::Result<(u64, Wad)> {
    let (time, used) =
        line.split_once(',').context("two fields, `ts,utilisation`, are expected")?;
    let time: u64 = time.parse().with_context(|| format!("`{time}` is no time in Unix seconds"))?;
    ensure!(time <= TIME_MAX, "{time} is beyond the year 2200; times are in Unix seconds");
    let units = parse_units(used, WAD_DECIMALS)?;
    ensure!(units <= WAD, "a utilisation is between 0 and 1, not {used}");
    Ok((time, Wad::new(units)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recorded_path_is_hourly_and_whole() {
        let path = Path::open("2024-08").unwrap();
        assert_eq!(path.samples.len(), 192);
        assert!(path.stretches().all(|(seconds, _)| seconds == 3_600));
        assert_eq!(path.times().next(), Some(1_722_470_400));
    }

    #[test]
    fn broken_files_are_refused_with_their_line() {
        for (text, why) in [
            ("", "first line"),
            ("time,use\n", "first line"),
            ("ts,utilisation\n", "two lines"),
            ("ts,utilisation\n1,0.5\n", "two lines"),
            ("ts,utilisation\n1,0.5\n1,0.6\n", "line 3"),
            ("ts,utilisation\n1,0.5\n0,0.6\n", "line 3"),
            ("ts,utilisation\n1,1.01\n", "line 2"),
            ("ts,utilisation\n1\n", "line 2"),
            ("ts,utilisation\nx,0.1\n", "line 2"),
            ("ts,utilisation\n1,-0.1\n", "line 2"),
            ("ts,utilisation\n1722470400000,0.1\n", "Unix seconds"),
            ("ts,utilisation\n1,0.1,5\n", "line 2"),
        ] {
            let refused = format!("{:#}", Path::parse("x", text).unwrap_err());
            assert!(refused.contains(why), "{text}: {refused}");
        }
        let path = Path::parse("x", "ts,utilisation\r\n5,0\r\n8,1\r\n").unwrap();
        assert_eq!(path.stretches().collect::<Vec<_>>(), [(3, Wad::ZERO), (3, Wad::ONE)]);
    }
}
