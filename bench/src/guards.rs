//! What the guards of prices do in every recorded crash, by one source's spot price and by five guarded sources.

mod faults;
mod principles;
mod run;
mod tape;
mod truth;

use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, anyhow, ensure};
use gage_core::{Bps, Guards};
use indicatif::{ProgressBar, ProgressStyle};

use faults::{Fault, SOURCES, Scene};
use run::{Outcome, Run, Setup};
use tape::Tape;

const FULL: Guards = Guards {
    quorum: 3,
    outlier: Bps::new(50),
    spread: Bps::new(100),
    jump: Bps::new(300),
    confirm: 60,
    smoothing: 600,
    budget: 600,
    window: 86_400,
};

/// The median alone: nothing is doubted.
const MEDIAN: Guards = Guards {
    spread: Bps::ZERO,
    jump: Bps::ZERO,
    confirm: 0,
    smoothing: 0,
    budget: 0,
    window: 0,
    ..FULL
};

const SPOT: Setup = Setup { name: "spot", sources: 1, guards: UNGUARDED };
const DOUBT: Setup =
    Setup { name: "spot, doubted", sources: 1, guards: Guards { quorum: 1, ..FULL } };
const MIDDLE: Setup = Setup { name: "median", sources: SOURCES, guards: MEDIAN };
const GUARDED: Setup = Setup { name: "guarded", sources: SOURCES, guards: FULL };
const SETUPS: [Setup; 4] = [SPOT, DOUBT, MIDDLE, GUARDED];

/// What [`Guards::default`] is.
const UNGUARDED: Guards = Guards { quorum: 1, outlier: Bps::ZERO, ..MEDIAN };

const HEAD: &str = " in each replay, with one to three of ten collaterals and one debt, health lognormal around 1.8, threshold 80 %,
bonus 5 to 10 %; bids worth a fifth of all debt, then a keeper who knows the honest price; nobody reacts. A price every
20 s, for 12 hours before each crash's deepest point and six after it. *Spot*: one source, believed at once. *Median*:
five sources, 1 to 8 s late. *Doubted*, *guarded*: the same two with jumps of 3 % a minute and spreads of 1 % doubted, and
relief for ten minutes a day. Hourly bars cannot show a wick; that they are hourly is in the second column.
*Wrongful*: something was sold, and at the honest price the account would have been healthy then or within ten minutes;
*clearly*: by 2 %. *Missed*: unhealthy at the honest price for more than ten minutes, and nothing was sold. *Bad debt*:
written off, and uncovered at the end. *Drawn on*: the highest price at which one might have drawn, over the honest one.
*Closed*, *relief*: the part of the time in which a feed allowed no new debt, or relieved. `docs/crash-guards.md` reads the
tables. Made by `make bench ARGS=\"--only guards\"`.

";

/// One recording with one fault, by prices of one kind.
struct Replay<'a> {
    tape: &'a Tape,
    fault: Fault,
    setup: Setup,
    done: Outcome,
}

/// The section of the results.
pub(crate) fn report(data: &Path, only: Option<&str>, accounts: usize) -> Result<String> {
    let tapes = tape::all(data, only)?;
    ensure!(!tapes.is_empty(), "{} has no crash's prices", data.display());
    let replays = play(&tapes, accounts)?;
    let mut page = format!("# Guards, replayed\n\n{accounts} borrowers{HEAD}");
    by_crash(&mut page, &tapes, &replays);
    by_fault(&mut page, &replays);
    page += &principles::section(data)?;
    Ok(page)
}

/// Every fault on every recording that it fits, as many at a time as there are threads. Each replay is of one thread
/// and its own dice, so the results do not depend on how many there are.
fn play(tapes: &[Tape], accounts: usize) -> Result<Vec<Replay<'_>>> {
    let scenes = Fault::ALL.into_iter().flat_map(|fault| {
        tapes.iter().filter(move |tape| fault.fits(tape)).map(move |tape| (tape, fault))
    });
    let jobs: Vec<_> =
        scenes.flat_map(|(tape, fault)| SETUPS.map(|setup| (tape, fault, setup))).collect();
    let bar = ProgressBar::new(jobs.len() as u64);
    bar.set_style(ProgressStyle::with_template(
        "replays {pos} of {len}, {elapsed}, {eta} left  {msg}",
    )?);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Vec::new();
        while let Some(&(tape, fault, setup)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            bar.set_message(format!("{}: {}", tape.name, fault.name()));
            let done = Run::new(&Scene::new(tape, fault), setup, accounts)?.replay()?;
            found.push(Replay { tape, fault, setup, done });
            bar.inc(1);
        }
        Ok(found)
    };
    let threads = std::thread::available_parallelism()?.get();
    let parts: Vec<Result<Vec<Replay<'_>>>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let joined = workers.into_iter().map(|worker| worker.join());
        joined.map(|part| part.unwrap_or_else(|_| Err(anyhow!("a replay panicked")))).collect()
    });
    bar.finish_and_clear();
    let mut replays = Vec::new();
    for part in parts {
        replays.extend(part?);
    }
    let place = |fault| Fault::ALL.iter().position(|one| *one == fault);
    replays.sort_by_key(|replay| {
        let order = tapes.iter().position(|tape| std::ptr::eq(tape, replay.tape));
        (place(replay.fault), order)
    });
    Ok(replays)
}

/// The sum of those replays that `is` says.
fn sum(replays: &[Replay<'_>], is: impl Fn(&Replay<'_>) -> bool) -> Outcome {
    let mut sum = Outcome::default();
    for replay in replays.iter().filter(|replay| is(replay)) {
        sum.add(&replay.done);
    }
    sum
}

/// Each crash without faults, and with each of them in turn.
fn by_crash(page: &mut String, tapes: &[Tape], replays: &[Replay<'_>]) {
    page.push_str(
        "## Every crash: without a fault, and the sum over all faults\n\n\
         | crash | bars | fall | prices | liquidated | wrongful | missed | bad debt, $ | with faults: liquidated | wrongful | missed | bad debt, $ |\n\
         | ----- | ---: | ---: | ------ | ---------: | -------: | -----: | ----------: | ----------------------: | -------: | -----: | ----------: |\n",
    );
    for tape in tapes.iter().filter(|tape| tape.pool.is_none()) {
        for setup in [SPOT, GUARDED] {
            // The pool's recording is a part of its crash's.
            let of = |replay: &Replay<'_>| {
                (&replay.tape.name, replay.tape.bar) == (&tape.name, tape.bar)
                    && replay.setup.name == setup.name
            };
            let clean = sum(replays, |replay| of(replay) && replay.fault == Fault::None);
            let faulty = sum(replays, |replay| of(replay) && replay.fault != Fault::None);
            let _ = write!(
                page,
                "| {} | {} min | -{:.0} % | {} |",
                tape.name,
                tape.bar / 60,
                100.0 * tape.fall(),
                setup.name
            );
            for Outcome { liquidated, wrongful, missed, bad_debt, .. } in [clean, faulty] {
                let _ = write!(page, " {liquidated} | {wrongful} | {missed} | {bad_debt:.0} |");
            }
            page.push('\n');
        }
    }
}

/// Each fault, over all crashes.
fn by_fault(page: &mut String, replays: &[Replay<'_>]) {
    page.push_str(
        "\n## Every fault, over all crashes\n\n\
         | fault | prices | accounts | liquidated | $ M | wrongful | $ M | clearly | missed | p99, s | bad debt, $ | borrowers lost, $ M | drawn on at most at | closed | relief |\n\
         | ----- | ------ | -------: | ---------: | --: | -------: | --: | ------: | -----: | -----: | ----------: | ------------------: | ------------------: | -----: | -----: |\n",
    );
    for fault in Fault::ALL {
        for setup in SETUPS {
            let is = |replay: &Replay<'_>| replay.fault == fault && replay.setup.name == setup.name;
            let done = sum(replays, is);
            if done.accounts > 0 {
                row(page, fault.name(), setup.name, &done);
            }
        }
    }
}

fn row(page: &mut String, fault: &str, prices: &str, done: &Outcome) {
    let mut delays = done.delays.clone();
    delays.sort_unstable();
    let late = delays.get(delays.len() * 99 / 100).copied().unwrap_or_default();
    let part = |seconds: u64| 100.0 * seconds as f64 / done.watched.max(1) as f64;
    let _ = writeln!(
        page,
        "| {fault} | {prices} | {} | {} | {:.2} | {} | {:.2} | {} | {} | {late} | {:.0} | {:.2} | {:.1} % | {:.2} % | {:.2} % |",
        done.accounts,
        done.liquidated,
        done.repaid / 1e6,
        done.wrongful,
        done.wrongful_repaid / 1e6,
        done.clearly,
        done.missed,
        done.bad_debt,
        done.cost / 1e6,
        100.0 * done.dearest,
        part(done.closed),
        part(done.relieved)
    );
}
