//! What signed prices cost: to verify and to apply, in a block of Gage and beside the providers' own contracts.

mod beside;
mod blocks;
mod contracts;
mod recordings;

use std::time::Instant;

use anyhow::Result;

use crate::artifact::Artifacts;
use crate::report::{Spread, machine, microseconds};

/// The section of the results.
pub(crate) fn report(artifacts: &Artifacts, passes: usize) -> Result<String> {
    let mut page = format!(
        "# Prices: verify and apply\n\n\
         Times are medians, in brackets the tenth percentile. {}\nMade by `make bench ARGS=\"--only prices\"`.\n\n",
        machine("all used to recover a prelude's signatures, one for the rest"),
    );
    page += &blocks::section(passes)?;
    page += &beside::section(artifacts, passes)?;
    Ok(page)
}

/// What `work` gives, and the nanoseconds that it took.
fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, u64)> {
    let started = Instant::now();
    let done = work()?;
    Ok((done, started.elapsed().as_nanos() as u64))
}

/// Median and tenth percentile of so many nanoseconds for each of so many, in microseconds.
fn each(nanoseconds: &[u64], count: usize) -> String {
    let Spread { median, p10, .. } = Spread::of(nanoseconds.iter().copied());
    let [median, p10] = [median, p10].map(|sum| microseconds(sum / count as u64));
    format!("{median} ({p10})")
}
