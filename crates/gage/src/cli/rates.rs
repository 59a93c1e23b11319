//! The command about interest rates.

use std::path::PathBuf;

use clap::Args;
use gage_core::InterestModel;

use super::user::Remote;
use crate::rates::parse_model;

/// Whose rates, or which models along which path.
#[derive(Debug, Args)]
#[command(after_help = "\
With a vault: its curve, where it stands on it, and where an adaptive model drifts. Without: what\n\
models would have done along a recorded path of utilisation; no node is needed. A model is typed\n\
in percent: kinked:BASE,SLOPE1,SLOPE2,KINK or adaptive:RATE (at the target of 90 %, to begin with).\n\n\
Examples:\n  gage rates USDC\n  \
gage rates --model kinked:0,5.5,60,90 --model adaptive:4 --path 2024-08\n  \
gage rates --model adaptive:4 --path mine.csv --plot rates.svg --csv rates.csv\n  \
gage rates --plot docs/rates-path.svg --plot-curves docs/rates-curves.svg")]
pub(crate) struct RatesArgs {
    /// The vault: its symbol, its asset's symbol, or an address
    #[arg(conflicts_with_all = ["models", "path", "plot", "plot_curves", "csv", "reserve_fee"])]
    pub(crate) vault: Option<String>,
    /// A model to run along the path; may be given several times
    /// [default: kinked:0,5.5,60,90 and adaptive:4]
    #[arg(long = "model", value_name = "MODEL", value_parser = parse_model)]
    pub(crate) models: Vec<InterestModel>,
    /// A recorded path of utilisation: 2024-08, or a CSV file, see data/README.md [default: 2024-08]
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) path: Option<String>,
    /// The part of interest that goes to the reserves, in percent [default: 10]
    #[arg(long, value_parser = parse_fee)]
    pub(crate) reserve_fee: Option<u16>,
    /// Write the rates along the path to this file, as SVG
    #[arg(long, value_name = "FILE")]
    pub(crate) plot: Option<PathBuf>,
    /// Write the models' curves to this file, as SVG
    #[arg(long, value_name = "FILE")]
    pub(crate) plot_curves: Option<PathBuf>,
    /// Write the rates along the path to this file, as CSV
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

fn parse_fee(text: &str) -> Result<u16, String> {
    let points = crate::decimal::parse_units(text.trim_end_matches('%'), 2);
    let points = points.map_err(|why| format!("a fee is a percentage like 10: {why}"))?;
    let points = u16::try_from(points).ok().filter(|points| *points <= 10_000);
    points.ok_or_else(|| "a fee is at most 100 %".to_owned())
}
