//! What models do: their curves, and their rates along a path, as charts and numbers.

use std::fmt::Write as _;

use gage_core::{
    Bps, InterestModel, RAY, Ray, WAD, Wad,
    fixed::YEAR_SECONDS,
    rates::{CurvePoint, Stretch, along, curve},
};

use super::{Path, name_of};
use crate::{
    calendar::{DAY, minute},
    chart::{Chart, Line, Panel, Style},
};

/// A model along a path.
pub(crate) struct Study {
    pub(crate) model: InterestModel,
    pub(crate) stretches: Vec<Stretch>,
}

/// A rate per second in percent a year, as simple interest.
pub(crate) fn yearly(rate: Ray) -> f64 {
    rate.get().saturating_mul(YEAR_SECONDS) as f64 / RAY as f64 * 100.0
}

fn percent(used: Wad) -> f64 {
    used.get() as f64 / WAD as f64 * 100.0
}

impl Study {
    /// Runs a model over a path.
    pub(crate) fn of(model: InterestModel, fee: Bps, path: &Path) -> Self {
        Self { model, stretches: along(model, fee, path.stretches()).collect() }
    }

    /// The mean of a rate over the time of the path, in percent a year.
    pub(crate) fn mean(&self, rate: impl Fn(&Stretch) -> Ray) -> f64 {
        let seconds: u64 = self.stretches.iter().map(|stretch| stretch.seconds).sum();
        let part = |stretch: &Stretch| yearly(rate(stretch)) * stretch.seconds as f64;
        self.stretches.iter().map(part).sum::<f64>() / seconds.max(1) as f64
    }

    /// The lowest, the highest and the last borrow rate, in percent a year.
    pub(crate) fn range(&self) -> [f64; 3] {
        let rates = || self.stretches.iter().map(|stretch| yearly(stretch.borrow_rate));
        let last = rates().next_back().unwrap_or_default();
        [rates().fold(f64::INFINITY, f64::min), rates().fold(0.0, f64::max), last]
    }

    /// What a debt grew by over the path, in percent.
    pub(crate) fn growth(&self) -> f64 {
        let index = self.stretches.last().map_or(RAY, |stretch| stretch.index.get());
        (index - RAY) as f64 / RAY as f64 * 100.0
    }

    fn line(
        &self,
        path: &Path,
        (name, style): (&'static str, Style),
        value: impl Fn(&Stretch) -> f64,
    ) -> Line {
        let points = path.times().zip(&self.stretches);
        let points = points.map(|(time, stretch)| [time as f64, value(stretch)]).collect();
        Line { name, style, points }
    }

    fn panel(&self, path: &Path) -> Panel {
        let mut lines = vec![
            self.line(path, ("borrow rate", Style::Solid), |s| yearly(s.borrow_rate)),
            self.line(path, ("supply rate", Style::Dotted), |s| yearly(s.supply_rate)),
        ];
        if matches!(self.model, InterestModel::Adaptive { .. }) {
            lines.push(self.line(path, ("rate at target", Style::Dashed), |s| match s.model {
                InterestModel::Adaptive { rate_at_target } => yearly(rate_at_target),
                InterestModel::Kinked { .. } => 0.0,
            }));
        }
        Panel { title: name_of(&self.model), lines, mark: None }
    }
}

/// Utilisation and each model's rates over the time of a path.
pub(crate) fn path_chart(path: &Path, studies: &[Study]) -> Chart {
    let times: Vec<u64> = path.times().collect();
    let (first, last) = (times.first().copied().unwrap_or(0), times.last().copied().unwrap_or(1));
    let mut panels = Vec::new();
    if let Some(study) = studies.first() {
        let line = study.line(path, ("utilisation", Style::Solid), |s| percent(s.utilisation));
        panels.push(Panel { title: "Utilisation".to_owned(), lines: vec![line], mark: None });
    }
    panels.extend(studies.iter().map(|study| study.panel(path)));
    // Midnights, no more than nine of them.
    let days = (first.div_ceil(DAY)..=last / DAY).map(|day| day * DAY).collect::<Vec<_>>();
    let every = days.len().div_ceil(9).max(1);
    let tick = |day: &u64| (*day as f64, minute(*day).get(5..10).unwrap_or_default().to_owned());
    Chart {
        title: format!("Interest models along the utilisation of {}", path.name),
        span: [first as f64, last as f64],
        ticks: days.iter().step_by(every).map(tick).collect(),
        x_name: "month-day, 00:00 UTC; rates in percent a year",
        panels,
    }
}

/// A panel of a curve.
fn curve_panel(title: String, points: &[CurvePoint], mark: Option<[f64; 2]>) -> Panel {
    let line = |name, style, rate: fn(&CurvePoint) -> Ray| {
        let points = points.iter().map(|p| [percent(p.utilisation), yearly(rate(p))]).collect();
        Line { name, style, points }
    };
    let lines = vec![
        line("borrow rate", Style::Solid, |point| point.borrow_rate),
        line("supply rate", Style::Dotted, |point| point.supply_rate),
    ];
    Panel { title, lines, mark }
}

/// Curves over utilisation: each with its title and where one stands on it.
pub(crate) fn curve_chart(
    title: &str,
    curves: Vec<(String, Vec<CurvePoint>, Option<[f64; 2]>)>,
) -> Chart {
    let panels = curves.into_iter().map(|(title, points, mark)| curve_panel(title, &points, mark));
    Chart {
        title: title.to_owned(),
        span: [0.0, 100.0],
        ticks: (0..=5).map(|mark| (f64::from(mark * 20), format!("{} %", mark * 20))).collect(),
        x_name: "utilisation; rates in percent a year",
        panels: panels.collect(),
    }
}

/// The chart of the curves of models.
pub(crate) fn models_chart(models: &[InterestModel], fee: Bps) -> anyhow::Result<Chart> {
    let of = |model: &InterestModel| Ok((name_of(model), curve(model, fee, 20)?, None));
    let curves = models.iter().map(of).collect::<Result<_, gage_core::Error>>()?;
    Ok(curve_chart("Interest models: rate by utilisation", curves))
}

/// A path and what each model did, as CSV: rates in percent a year.
pub(crate) fn csv(path: &Path, studies: &[Study]) -> String {
    let mut text = "ts,utilisation".to_owned();
    for (number, _) in (1..).zip(studies) {
        let _ = write!(text, ",borrow_rate_{number},supply_rate_{number},index_{number}");
    }
    text.push('\n');
    for (at, time) in path.times().enumerate() {
        let used = studies.first().map_or(0.0, |study| percent(study.stretches[at].utilisation));
        let _ = write!(text, "{time},{:.6}", used / 100.0);
        for study in studies {
            let stretch = &study.stretches[at];
            let index = stretch.index.get() as f64 / RAY as f64;
            let (borrow, supply) = (yearly(stretch.borrow_rate), yearly(stretch.supply_rate));
            let _ = write!(text, ",{borrow:.6},{supply:.6},{index:.12}");
        }
        text.push('\n');
    }
    text
}
