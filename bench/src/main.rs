//! Gage beside Morpho Blue and Aave v3.6: microseconds and gas of the same operations on the same revm, one run.
//!
//! A subject is anything that implements [`scenario::Subject`]; [`Contestant`] lists them.

mod aave;
mod crash;
mod crashes;
#[cfg(feature = "databases")]
mod databases;
mod floor;
mod gage;
mod guards;
mod liquidation;
mod load;
mod margin;
mod morpho;
mod oracle;
mod population;
mod prices;
mod report;
mod scenario;
mod startup;
mod state;
mod token;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;
use gage_peers::{artifact, chain, engine};

use crate::artifact::Artifacts;
use crate::floor::Bare;
use crate::report::{Column, Report, Round};
use crate::scenario::{Plan, Samples, Subject};

/// Microseconds and gas per operation, beside Morpho Blue and Aave v3.6 on the same revm.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Lenders, and as many borrowers.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(2..))]
    users: u32,

    /// Measured passes; one more comes first and is thrown away.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    passes: u32,

    /// Transactions that share a block, of which only the first accrues interest; one table for each.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 100], value_parser = clap::value_parser!(u32).range(1..))]
    per_block: Vec<u32>,

    /// Accounts among which the sweep finds those that are due.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000, 1_000_000], value_parser = clap::value_parser!(u32).range(100..))]
    accounts: Vec<u32>,

    /// Borrowers in each replayed crash.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(100..))]
    borrowers: u32,

    /// Borrowers in each crash that is replayed with guards of prices.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1_000..))]
    guarded: u32,

    /// Users of the nodes under load.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(100..))]
    load_users: u32,

    /// Open accounts in the state, from few to many.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000, 1_000_000], value_parser = clap::value_parser!(u64).range(100..))]
    open: Vec<u64>,

    /// Blocks that are committed for each figure of the state.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    blocks: u64,

    /// Where databases are made, each in a folder of its own that is removed.
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    disk: PathBuf,

    /// Prices of the crashes: a folder like the project's `data/`, one with whole histories
    /// (`prices/1h/ASSET.csv.gz`), or a file with a column `asset`.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../data"))]
    data: PathBuf,

    /// Replay this crash only, by its name in the results: 2022-06, 2024-08-05.
    #[arg(long)]
    crash: Option<String>,

    /// Measure this part only; the file's other parts stay as they are.
    #[arg(long)]
    only: Option<Part>,

    /// Also write the results to this file.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// A part of the results, with a heading of its own.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Each operation, beside the peers.
    Operations,
    /// The index and the sweep.
    Liquidation,
    /// Both models of margin.
    Margin,
    /// One crash beside the peers.
    Crash,
    /// Every recorded crash, with a queue of bids and without.
    Crashes,
    /// Every recorded crash, by spot prices and by guarded ones.
    Guards,
    /// Signed prices, verified and applied, beside the providers' contracts.
    Prices,
    /// Whole nodes under load, beside Anvil.
    Node,
    /// Root, commit, memory, disk and opening of the state.
    State,
    /// The state on other databases.
    #[cfg(feature = "databases")]
    Databases,
}

impl Part {
    const ALL: &'static [Self] = &[
        Self::Operations,
        Self::Liquidation,
        Self::Margin,
        Self::Crash,
        Self::Crashes,
        Self::Guards,
        Self::Prices,
        Self::Node,
        Self::State,
        #[cfg(feature = "databases")]
        Self::Databases,
    ];

    const fn heading(self) -> &'static str {
        match self {
            Self::Operations => "# Side by side",
            Self::Liquidation => "# Liquidation",
            Self::Margin => "# Margin",
            Self::Crash => "# One crash, side by side",
            Self::Crashes => "# Every crash, replayed",
            Self::Guards => "# Guards, replayed",
            Self::Prices => "# Prices: verify and apply",
            Self::Node => "# Nodes under load",
            Self::State => "# State",
            #[cfg(feature = "databases")]
            Self::Databases => "# Databases",
        }
    }

    fn measure(self, options: &Options) -> Result<String> {
        match self {
            Self::Operations => Ok(measure(options)?.markdown()),
            Self::Liquidation => {
                let sizes: Vec<_> = options.accounts.iter().map(|size| *size as usize).collect();
                liquidation::report(&sizes, options.passes as usize)
            }
            Self::Margin => margin::report(options.passes as usize),
            Self::Crash => {
                crash::report(&options.data, options.crash.as_deref(), options.users as usize)
            }
            Self::Crashes => {
                let only = options.crash.as_deref();
                crashes::report(&options.data, only, options.borrowers as usize)
            }
            Self::Guards => {
                guards::report(&options.data, options.crash.as_deref(), options.guarded as usize)
            }
            Self::Prices => oracle::report(&Artifacts::load()?, options.passes as usize),
            Self::Node => load::report(&Artifacts::load()?, options.load_users as usize),
            Self::State => state::report(&options.open, options.blocks, &options.disk),
            #[cfg(feature = "databases")]
            Self::Databases => {
                let size = options.open.last().copied().unwrap_or_default();
                databases::report(size, options.blocks, &options.disk)
            }
        }
    }

    /// This part of a page that has it.
    fn of(self, page: &str) -> Option<String> {
        let start = page.find(self.heading())?;
        let rest = &page[start..];
        let end = rest[1..].find("\n# ").map_or(rest.len(), |end| end + 1);
        Some(rest[..end].trim_end().to_owned() + "\n")
    }
}

/// Whoever has a column in the results; the others are compared with the first.
#[derive(Clone, Copy)]
enum Contestant {
    Gage,
    Morpho,
    Aave,
}

impl Contestant {
    const ALL: [Self; 3] = [Self::Gage, Self::Morpho, Self::Aave];

    /// A fresh one, for one pass.
    fn subject(self) -> Box<dyn Subject> {
        match self {
            Self::Gage => Box::new(gage::Gage::default()),
            Self::Morpho => Box::new(morpho::Morpho::default()),
            Self::Aave => Box::new(aave::Aave::default()),
        }
    }
}

fn main() -> Result<()> {
    #[cfg(feature = "databases")]
    if databases::child()? {
        return Ok(());
    }
    let options = Options::parse();
    let before = options.out.as_ref().and_then(|path| fs::read_to_string(path).ok());
    let mut parts = Vec::new();
    for part in Part::ALL {
        if options.only.is_none_or(|only| only == *part) {
            let text = part.measure(&options)?;
            print!("{text}");
            parts.push(text.trim_end().to_owned() + "\n");
        } else {
            parts.extend(before.as_deref().and_then(|page| part.of(page)));
        }
    }
    let page = parts.join("\n");
    if let Some(path) = &options.out {
        fs::write(path, &page).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

fn measure(options: &Options) -> Result<Report> {
    let artifacts = Artifacts::load()?;
    let (users, passes) = (options.users as usize, options.passes as usize);
    let rounds = options.per_block.iter().map(|per_block| {
        let plan = Plan { users, per_block: *per_block as usize };
        measure_round(&artifacts, plan, passes)
    });
    let rounds = rounds.collect::<Result<_>>()?;
    let floor =
        Bare::ALL.map(|bare| Ok((bare.name(), floor::measure(bare, &artifacts, users, passes)?)));
    Ok(Report { users, passes, rounds, floor: floor.into_iter().collect::<Result<_>>()? })
}

/// Runs all passes, the contestants taking turns, so that a slow spell of the machine meets them all.
fn measure_round(artifacts: &Artifacts, plan: Plan, passes: usize) -> Result<Round> {
    let mut columns: Vec<Column> = Contestant::ALL
        .map(|contestant| Column { name: contestant.subject().name(), samples: Samples::new() })
        .into();
    for pass in 0..=passes {
        for (contestant, column) in Contestant::ALL.into_iter().zip(&mut columns) {
            eprintln!("{} per block, pass {pass} of {passes}: {}", plan.per_block, column.name);
            scenario::play(contestant.subject().as_mut(), artifacts, plan, &mut column.samples)?;
            if pass == 0 {
                column.samples.clear();
            }
        }
    }
    Ok(Round { per_block: plan.per_block, columns })
}
