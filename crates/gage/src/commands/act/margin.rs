//! `gage market margin`: how a market's assets move together.

use std::path::Path;

use anyhow::{Context as _, bail};
use gage_abi::IMarket;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Desk, client, wallet};
use crate::{
    amounts::bps,
    calendar::minute,
    cli::{MarginArgs, MarginCommand, SetMarginArgs},
    client::Client,
    commands::print_json,
    contracts::{MARKET, call},
    reading::{Names, ask},
    table::{Column, table},
};

/// Basis points of one.
const BPS: f64 = 10_000.0;
/// Millionths of one.
const MILLIONTHS: f64 = 1_000_000.0;

/// Carries out one of the owner's commands.
pub(crate) fn margin(command: &MarginCommand) -> anyhow::Result<()> {
    match command {
        MarginCommand::Show(args) => show(args),
        MarginCommand::Set(args) => set(args),
    }
}

/// A set as people write it: parts of one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    k_borrow: f64,
    #[serde(default)]
    k_liquidation: f64,
    #[serde(default)]
    floor: f64,
    ramp_seconds: u32,
    #[serde(default)]
    factors: Vec<WrittenFactor>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFactor {
    asset: String,
    sigma: f64,
    #[serde(default)]
    cost: f64,
    #[serde(default)]
    hedge: u8,
    #[serde(default)]
    hedge_threshold: f64,
    #[serde(default)]
    correlations: Vec<f64>,
}

impl Written {
    fn read(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        let is_json = file.extension().is_some_and(|end| end == "json");
        let read = if is_json {
            serde_json::from_str(&text).map_err(anyhow::Error::from)
        } else {
            toml::from_str(&text).map_err(anyhow::Error::from)
        };
        read.with_context(|| format!("{} is no margin file", file.display()))
    }

    fn terms(&self) -> anyhow::Result<IMarket::MarginTerms> {
        if self.factors.is_empty() {
            return Ok(IMarket::MarginTerms::default());
        }
        Ok(IMarket::MarginTerms {
            kBorrow: points("k_borrow", self.k_borrow)?,
            kLiquidation: points("k_liquidation", self.k_liquidation)?,
            floor: points("floor", self.floor)?,
        })
    }
}

impl WrittenFactor {
    fn factor(&self, names: &Names) -> anyhow::Result<IMarket::MarginFactor> {
        let asset = names.asset(&self.asset)?;
        let within = || format!("of factor {}", self.asset);
        let correlations = self.correlations.iter().map(|part| whole("a correlation", *part, BPS));
        let correlations = correlations.collect::<anyhow::Result<Vec<_>>>().with_context(within)?;
        let sigma = whole("sigma", self.sigma, MILLIONTHS).with_context(within)?;
        Ok(IMarket::MarginFactor {
            asset: asset.address,
            sigma: u32::try_from(sigma).context("sigma is negative").with_context(within)?,
            cost: points("cost", self.cost).with_context(within)?,
            hedge: self.hedge,
            hedgeThreshold: points("hedge_threshold", self.hedge_threshold).with_context(within)?,
            correlations: correlations
                .into_iter()
                .map(|part| i16::try_from(part).context("a correlation is between -1 and 1"))
                .collect::<anyhow::Result<_>>()?,
        })
    }
}

/// So many of `steps` of one: what is finer than a step is refused, not cut.
fn whole(name: &str, part: f64, steps: f64) -> anyhow::Result<i32> {
    let scaled = part * steps;
    let rounded = scaled.round();
    if !scaled.is_finite() || (scaled - rounded).abs() > 1e-6 || rounded.abs() > 1e9 {
        bail!("{name} must be a number in steps of {}, not {part}", 1.0 / steps);
    }
    Ok(rounded as i32)
}

fn points(name: &str, part: f64) -> anyhow::Result<u16> {
    let whole = whole(name, part, BPS)?;
    u16::try_from(whole).with_context(|| format!("{name} is out of range"))
}

fn state(client: &Client, market: u32) -> anyhow::Result<IMarket::MarginState> {
    ask(client, MARKET, &IMarket::marginStateCall { market })
}

fn set(args: &SetMarginArgs) -> anyhow::Result<()> {
    let written = Written::read(&args.file)?;
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let names = Names::read(&client)?;
    let factors = written.factors.iter().map(|factor| factor.factor(&names));
    let call_data = IMarket::setPortfolioMarginCall {
        market: args.market,
        terms: written.terms()?,
        factors: factors.collect::<anyhow::Result<_>>()?,
        rampSeconds: written.ramp_seconds,
    };
    let receipt = wallet.send(&call(MARKET, &call_data, "set portfolio margin"))?;
    let state = state(&client, args.market)?;
    let model = if state.factors.is_empty() { "thresholds" } else { "portfolio margin" };
    let text = format!(
        "market {} goes to {model}, in force whole from {} UTC",
        args.market,
        minute(state.rampEnd)
    );
    let told = margin_json(&names, args.market, &state);
    Desk { client: &client, json: args.signing.remote.json }.report(&text, &receipt, told)
}

fn show(args: &MarginArgs) -> anyhow::Result<()> {
    let client = Client::new(&args.remote.rpc_url);
    let names = Names::read(&client)?;
    let state = state(&client, args.market)?;
    if args.remote.json {
        return print_json(&margin_json(&names, args.market, &state));
    }
    if state.generation == 0 {
        println!("Market {}: thresholds; it never had portfolio margin.", args.market);
        return Ok(());
    }
    println!(
        "Market {}: set {}, in force whole from {} UTC",
        args.market,
        state.generation,
        minute(state.rampEnd)
    );
    print_set(&names, &state.terms, &state.factors);
    if state.termsBefore != IMarket::MarginTerms::default() {
        println!("It replaces:");
        print_set(&names, &state.termsBefore, &state.factorsBefore);
    }
    Ok(())
}

/// Basis points as a factor of one.
fn times(points: u16) -> String {
    (f64::from(points) / BPS).to_string()
}

/// Millionths in percent.
fn deviation(millionths: u32) -> String {
    format!("{} %", f64::from(millionths) * 100.0 / MILLIONTHS)
}

fn print_set(names: &Names, terms: &IMarket::MarginTerms, factors: &[IMarket::MarginFactor]) {
    if factors.is_empty() {
        println!("thresholds only");
        return;
    }
    println!(
        "k {} to draw, {} to stay; at least {} of all that is owned and owed",
        times(terms.kBorrow),
        times(terms.kLiquidation),
        bps(terms.floor)
    );
    let rows = factors.iter().map(|factor| {
        let hedge = match factor.hedge {
            0 => "-".to_owned(),
            number => format!("{number} at {}", bps(factor.hedgeThreshold)),
        };
        let correlations =
            factor.correlations.iter().map(|part| (f64::from(*part) / BPS).to_string());
        vec![
            names.symbol(factor.asset),
            deviation(factor.sigma),
            bps(factor.cost),
            hedge,
            correlations.collect::<Vec<_>>().join(" "),
        ]
    });
    let columns = [
        Column::Left("asset"),
        Column::Right("sigma"),
        Column::Right("cost"),
        Column::Right("hedge"),
        Column::Left("correlations with the ones above"),
    ];
    println!("{}", table(&columns, rows.collect()));
}

fn set_json(
    names: &Names,
    terms: &IMarket::MarginTerms,
    factors: &[IMarket::MarginFactor],
) -> Value {
    let factors: Vec<_> = factors
        .iter()
        .map(|factor| {
            json!({
                "asset": factor.asset,
                "symbol": names.symbol(factor.asset),
                "sigmaMillionths": factor.sigma,
                "costBps": factor.cost,
                "hedge": factor.hedge,
                "hedgeThresholdBps": factor.hedgeThreshold,
                "correlationsBps": factor.correlations,
            })
        })
        .collect();
    json!({
        "kBorrowBps": terms.kBorrow,
        "kLiquidationBps": terms.kLiquidation,
        "floorBps": terms.floor,
        "factors": factors,
    })
}

fn margin_json(names: &Names, market: u32, state: &IMarket::MarginState) -> Value {
    json!({
        "market": market,
        "generation": state.generation,
        "rampStart": state.rampStart,
        "rampEnd": state.rampEnd,
        "now": set_json(names, &state.terms, &state.factors),
        "before": set_json(names, &state.termsBefore, &state.factorsBefore),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_finer_than_a_step_are_refused() {
        assert_eq!(points("floor", 0.02).unwrap(), 200);
        assert_eq!(points("k_borrow", 4.5).unwrap(), 45_000);
        assert_eq!(whole("sigma", 0.005_195, MILLIONTHS).unwrap(), 5_195);
        assert_eq!(whole("a correlation", -0.25, BPS).unwrap(), -2_500);
        for part in [0.020_05, f64::NAN, f64::INFINITY, 7.0, -0.01] {
            assert!(points("floor", part).is_err(), "{part}");
        }
    }

    /// The example of the help is a file that can be set.
    #[test]
    fn the_help_s_example_is_read() {
        let mut command = <crate::cli::Cli as clap::CommandFactory>::command();
        let market = command.find_subcommand_mut("market").unwrap();
        let set = market.find_subcommand_mut("margin").unwrap().find_subcommand_mut("set").unwrap();
        let help = set.get_after_help().unwrap().to_string();
        let start = help.find("  k_borrow").unwrap();
        let end = help.find("Example:").unwrap();
        let written: Written = toml::from_str(&help[start..end]).unwrap();
        assert_eq!(written.factors.len(), 2);
        assert_eq!(written.terms().unwrap().kBorrow, 40_000);
        assert!(toml::from_str::<Written>("ramp_seconds = 1\nsigma = 2").is_err());
    }
}
