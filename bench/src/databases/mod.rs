//! The choice of the database: the state's own workload on redb, fjall and MDBX, each behind the same trait.

mod fjall;
mod mdbx;

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use alloy_primitives::U256;
use anyhow::{Context as _, Result, ensure};
use gage_state::{Cause, Options, StateError, Store};

use crate::state::{self, Times, mean, millis, percentile};

/// Memory for pages, of those that are told.
const CACHE_BYTES: usize = 512 << 20;

/// Blocks that a process acknowledges before it is killed.
const BEFORE_KILL: usize = 50;

/// Times that it is killed.
const KILLS: u64 = 5;

/// Names the engine and the path for the process that is killed.
const CHILD_VARIABLE: &str = "GAGE_BENCH_DATABASE";

fn failed(error: impl Into<Cause>) -> StateError {
    StateError::Database(error.into())
}

#[derive(Clone, Copy, Debug)]
enum Engine {
    Redb,
    Fjall,
    Mdbx,
}

impl Engine {
    const ALL: [Self; 3] = [Self::Redb, Self::Fjall, Self::Mdbx];

    fn open(self, path: &Path) -> Result<Store, StateError> {
        let options = Options { cache_bytes: CACHE_BYTES, ..Options::default() };
        match self {
            Self::Redb => Store::open_with(path, options),
            Self::Fjall => Store::on(Box::new(fjall::Fjall::open(path, CACHE_BYTES)?), options),
            Self::Mdbx => Store::on(Box::new(mdbx::Mdbx::open(path)?), options),
        }
    }
}

/// The section of the results.
pub(crate) fn report(size: u64, blocks: u64, folder: &Path) -> Result<String> {
    let mut page = format!(
        "# Databases\n\n\
         {size} accounts and the workload of `# State`, {blocks} blocks for each row; commits are durable before they\n\
         return. While blocks are committed a reader reads random accounts and slots at the head. Killed: {KILLS}\n\
         times with SIGKILL, while blocks of 100 are committed; then the state is rooted again.\n\n\
         | database | changed | root p50, ms | p99 | commit p50, ms | p99 | mean | read p50, µs | p99 |\n\
         | -------- | ------: | -----------: | --: | -------------: | --: | ---: | -----------: | --: |\n",
    );
    let mut rest = String::from(
        "\n| database | fill, s | disk, B per account | open, ms | open after a kill, ms | blocks lost |\n\
         | -------- | ------: | ------------------: | -------: | --------------------: | ----------: |\n",
    );
    for engine in Engine::ALL {
        eprintln!("{engine:?}");
        let directory = tempfile::tempdir_in(folder)?;
        let path = directory.path().join("state");
        let store = engine.open(&path)?;
        let fill = state::fill(&store, 0, size)?;
        for many in [10, 100, 1_000] {
            let (times, reads) = measure(&store, blocks, many, size)?;
            row(&mut page, engine, many, &times, &reads)?;
        }
        drop(store);
        let disk = state::disk_bytes(&path)? / size;
        let began = Instant::now();
        drop(engine.open(&path)?);
        let open = millis(began.elapsed());
        let (after, lost) = kill(engine, &path, size)?;
        let (fill, after) = (fill.as_secs_f64(), millis(after));
        writeln!(rest, "| {engine:?} | {fill:.0} | {disk} | {open} | {after} | {lost} |")?;
    }
    Ok(page + &rest)
}

fn row(
    page: &mut String,
    engine: Engine,
    many: u64,
    times: &[Times],
    reads: &[Duration],
) -> Result<()> {
    let root = |percent| millis(percentile(times.iter().map(|times| times.root), percent));
    let commit = |percent| millis(percentile(times.iter().map(|times| times.commit), percent));
    let read = |percent| percentile(reads.iter().copied(), percent).as_nanos() as f64 / 1e3;
    let (root, root99, commit, commit99) = (root(50), root(99), commit(50), commit(99));
    let (read, read99) = (read(50), read(99));
    let mean = millis(mean(times));
    writeln!(
        page,
        "| {engine:?} | {many} | {root} | {root99} | {commit} | {commit99} | {mean} | {read:.1} | {read99:.1} |",
    )?;
    Ok(())
}

/// Commits blocks while another thread reads.
fn measure(
    store: &Store,
    blocks: u64,
    many: u64,
    size: u64,
) -> Result<(Vec<Times>, Vec<Duration>)> {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| read(store, size, &done));
        let times: Result<_> = (0..blocks).map(|_| next(store, many, size)).collect();
        done.store(true, Ordering::Relaxed);
        let reads = reader.join().ok().context("the reader stopped")??;
        Ok((times?, reads))
    })
}

fn next(store: &Store, many: u64, size: u64) -> Result<Times> {
    let number = store.head().map_or(0, |head| head.number + 1);
    state::commit(store, state::some(number, many, size))
}

/// Reads an account and a slot of it, again and again; how long the two take together.
fn read(store: &Store, size: u64, done: &AtomicBool) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    while !done.load(Ordering::Relaxed) {
        let view = store.at_head()?;
        for index in state::some(times.len() as u64, 100, size) {
            let began = Instant::now();
            let account = view.account(state::owner(index))?;
            let slot = view.storage(state::market(), state::slot(index, 0))?;
            times.push(began.elapsed());
            ensure!(account.is_some() && slot != U256::ZERO, "account {index} is missing");
        }
    }
    Ok(times)
}

/// Kills a process that commits; how long the longest opening took, and how many acknowledged blocks were lost.
fn kill(engine: Engine, path: &Path, size: u64) -> Result<(Duration, u64)> {
    let (mut longest, mut lost) = (Duration::ZERO, 0);
    for _ in 0..KILLS {
        let place = path.to_str().context("a path in UTF-8")?;
        let mut child = Command::new(std::env::current_exe()?)
            .env(CHILD_VARIABLE, format!("{engine:?} {size} {place}"))
            .stdout(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take().context("no output of the process")?;
        let mut lines = BufReader::new(out).lines();
        let mut acknowledged = None;
        for line in lines.by_ref().take(BEFORE_KILL) {
            acknowledged = Some(line?.parse::<u64>()?);
        }
        child.kill()?;
        child.wait()?;
        for line in lines.map_while(Result::ok) {
            acknowledged = line.parse().ok().or(acknowledged);
        }
        let began = Instant::now();
        let store = engine.open(path)?;
        longest = longest.max(began.elapsed());
        let head = store.head().map(|head| head.number);
        lost += acknowledged.unwrap_or_default().saturating_sub(head.unwrap_or_default());
    }
    engine.open(path)?.check()?;
    Ok((longest, lost))
}

/// What the process does that is to be killed, if this is one: commits, and says so.
pub(crate) fn child() -> Result<bool> {
    let Ok(told) = std::env::var(CHILD_VARIABLE) else { return Ok(false) };
    let mut told = told.splitn(3, ' ');
    let name = told.next().unwrap_or_default();
    let engine = Engine::ALL.into_iter().find(|engine| format!("{engine:?}") == name);
    let size = told.next().context("no size")?.parse()?;
    let store = engine.context("no engine")?.open(Path::new(told.next().context("no path")?))?;
    loop {
        next(&store, 100, size)?;
        println!("{}", store.head().map_or(0, |head| head.number));
    }
}
