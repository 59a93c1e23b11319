//! Where inputs lie: one text file for each target, one input a line, in hex.

use std::path::PathBuf;

use alloy_primitives::hex;

use crate::Target;

/// The committed seeds of a target.
#[must_use]
pub fn corpus(target: &Target) -> Vec<Vec<u8>> {
    read("corpus", target)
}

/// Every input of a target that ever failed.
#[must_use]
pub fn regressions(target: &Target) -> Vec<Vec<u8>> {
    read("regressions", target)
}

/// Writes the seeds that a target makes of real traffic, and returns how many.
///
/// # Errors
/// The file's.
pub fn write_corpus(target: &Target) -> std::io::Result<usize> {
    let seeds = (target.seeds)();
    let lines: String = seeds.iter().map(|seed| hex::encode(seed) + "\n").collect();
    std::fs::write(path("corpus", target), lines)?;
    Ok(seeds.len())
}

fn path(folder: &str, target: &Target) -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.join(folder).join(target.name).with_extension("txt")
}

/// Lines that begin with `#` say what an input is.
fn read(folder: &str, target: &Target) -> Vec<Vec<u8>> {
    let path = path(folder, target);
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let input = |line: &str| hex::decode(line).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    lines.map(input).collect()
}
