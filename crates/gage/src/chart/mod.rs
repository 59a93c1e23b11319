//! Line charts: what they hold, and their scales. [`svg`] and [`braille`] draw them.

pub(crate) mod braille;
pub(crate) mod svg;

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Whole.
    Solid,
    /// In dots.
    Dotted,
    /// In dashes.
    Dashed,
}

/// One line.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) style: Style,
    /// In the order of `x`.
    pub(crate) points: Vec<[f64; 2]>,
}

/// Lines over one scale, in percent from zero.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    pub(crate) title: String,
    pub(crate) lines: Vec<Line>,
    /// Where one stands.
    pub(crate) mark: Option<[f64; 2]>,
}

/// Panels over the same `x`.
#[derive(Clone, Debug)]
pub(crate) struct Chart {
    pub(crate) title: String,
    /// The first and the last `x`.
    pub(crate) span: [f64; 2],
    /// What stands below an `x`.
    pub(crate) ticks: Vec<(f64, String)>,
    pub(crate) x_name: &'static str,
    pub(crate) panels: Vec<Panel>,
}

/// Marks on a scale from zero: round numbers, the last at or above all values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    pub(crate) step: f64,
    pub(crate) steps: u32,
}

impl Scale {
    /// About `wanted` steps up to `most`.
    fn up_to(most: f64, wanted: u32) -> Self {
        let rough = (most / f64::from(wanted)).max(1e-6);
        let mut unit = 1e-6;
        while unit * 10.0 <= rough {
            unit *= 10.0;
        }
        let nice = [1.0, 2.0, 2.5, 5.0, 10.0];
        let step = nice.map(|times| times * unit).into_iter().find(|step| *step >= rough);
        let step = step.unwrap_or(10.0 * unit);
        let mut steps = 1;
        while step * f64::from(steps) < most - 1e-9 {
            steps += 1;
        }
        Self { step, steps }
    }

    /// The largest value on it.
    pub(crate) fn top(self) -> f64 {
        self.step * f64::from(self.steps)
    }

    /// A mark, with as many digits as the step has.
    pub(crate) fn label(self, mark: u32) -> String {
        let value = self.step * f64::from(mark);
        let text = format!("{value:.3}");
        format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl Panel {
    /// The scale that all lines fit.
    pub(crate) fn scale(&self, wanted: u32) -> Scale {
        let values = self.lines.iter().flat_map(|line| &line.points).map(|point| point[1]);
        let marked = self.mark.map(|mark| mark[1]);
        Scale::up_to(values.chain(marked).fold(0.0, f64::max), wanted)
    }
}

/// The value of a line at `x`, straight between its points; `None` outside them.
pub(crate) fn value_at(points: &[[f64; 2]], x: f64) -> Option<f64> {
    let after = points.partition_point(|point| point[0] < x);
    let next = points.get(after)?;
    if (next[0] - x).abs() < 1e-9 || after == 0 {
        return ((next[0] - x).abs() < 1e-9).then_some(next[1]);
    }
    let before = points.get(after - 1)?;
    Some(before[1] + (next[1] - before[1]) * (x - before[0]) / (next[0] - before[0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_end_on_round_numbers() {
        for (most, wanted, top, last) in [
            (65.5, 4, 80.0, "80 %"),
            (100.0, 4, 100.0, "100 %"),
            (16.0, 4, 20.0, "20 %"),
            (4.84, 4, 6.0, "6 %"),
            (0.31, 4, 0.4, "0.4 %"),
            (0.0, 4, 1e-6, "0 %"),
        ] {
            let scale = Scale::up_to(most, wanted);
            assert!((scale.top() - top).abs() < 1e-9, "{most}: {scale:?}");
            assert_eq!(scale.label(scale.steps), last);
        }
    }

    #[test]
    fn values_are_straight_between_points() {
        let points = [[0.0, 1.0], [1.0, 3.0], [2.0, 3.0]];
        let found = [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, -1.0].map(|x| value_at(&points, x));
        let expected = [Some(1.0), Some(2.0), Some(3.0), Some(3.0), Some(3.0), None, None];
        assert_eq!(found, expected);
    }
}
