//! What the state costs: root and commit by how much there is and by how much changes, memory, disk, opening.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::startup;
use alloy_primitives::{Address, B256, U256, keccak256};
use anyhow::{Context as _, Result, ensure};
use gage_state::{AccountChange, AccountInfo, Changes, OpenCheck, Options, Record, Store, Table};

/// Accounts that one block opens while a state is filled.
const FILLED_AT_ONCE: u64 = 20_000;

/// Slots of the market that hold one account: its record, its collateral, its debt.
const SLOTS_EACH: u64 = 3;

/// Bytes of a block's header, and of a transaction and its receipt.
const HEADER_BYTES: usize = 600;
const TRANSACTION_BYTES: usize = 180;
const RECEIPT_BYTES: usize = 420;

/// How many accounts a block changes where the size of the state is varied.
const USUAL: u64 = 100;

/// Slots of the contracts that share them, and how many of these a block changes.
const SHARED_SLOTS: u64 = 100_000;
const SHARED_CHANGED: u64 = 1_000;

/// How many contracts share them.
const SHARERS: [u64; 4] = [1, 10, 100, 1_000];

/// How many accounts a block changes where that is varied.
const CHANGED: [u64; 5] = [1, 10, 100, 1_000, 10_000];

/// A number that depends on a label and an index, and looks random.
pub(crate) fn word(label: u64, index: u64) -> U256 {
    U256::from_be_bytes(keccak256([label, index].map(u64::to_be_bytes).concat()).0)
}

pub(crate) fn owner(index: u64) -> Address {
    Address::from_word(B256::from(word(1, index)))
}

pub(crate) fn market() -> Address {
    Address::repeat_byte(0x67)
}

pub(crate) fn slot(index: u64, part: u64) -> U256 {
    word(10 + part, index)
}

/// The block workload of a lending chain: each transaction is one owner's, and changes the owner's nonce and
/// balance and the slots of the account in the market, whose totals change with every block.
pub(crate) fn block(number: u64, accounts: impl Iterator<Item = u64>) -> Changes {
    let mut changes = Changes::default();
    let info = AccountInfo { nonce: 1, ..AccountInfo::default() };
    let mut books = AccountChange::new(info);
    for total in 0..4 {
        books.storage.insert(U256::from(total), word(2, number));
    }
    for index in accounts {
        let balance = word(3, number ^ index) >> 190;
        let info = AccountInfo { nonce: number + 1, balance, ..AccountInfo::default() };
        changes.accounts.insert(owner(index), AccountChange::new(info));
        for part in 0..SLOTS_EACH {
            // Packed records fill half of a slot, more or less.
            books.storage.insert(slot(index, part), word(4 + part, number ^ index) >> 100);
        }
    }
    changes.accounts.insert(market(), books);
    changes
}

/// What the chain keeps of a block beside the state.
pub(crate) fn records(number: u64, transactions: u64) -> Vec<Record> {
    let key = number.to_be_bytes();
    let filled = |bytes: usize| {
        let words = (0..bytes as u64 / 32 + 1).flat_map(|n| word(number, n).to_be_bytes::<32>());
        words.take(bytes).collect::<Vec<u8>>()
    };
    let many = transactions as usize;
    let mut records = vec![
        Record::put(Table::Headers, key, filled(HEADER_BYTES)),
        Record::put(Table::Bodies, key, filled(TRANSACTION_BYTES * many)),
        Record::put(Table::Receipts, key, filled(RECEIPT_BYTES * many)),
        Record::put(Table::BlockNumbers, keccak256(key).to_vec(), key),
    ];
    for index in 0..transactions {
        let hash = B256::from(word(number, index)).to_vec();
        records.push(Record::put(Table::Transactions, hash, [key, index.to_be_bytes()].concat()));
    }
    records
}

/// So many of `size` accounts, others in each block.
pub(crate) fn some(number: u64, many: u64, size: u64) -> impl Iterator<Item = u64> {
    (0..many).map(move |n| (word(100 + number, n) % U256::from(size)).to::<u64>())
}

/// Root and commit of one block.
pub(crate) struct Times {
    pub(crate) root: Duration,
    pub(crate) commit: Duration,
}

/// Commits the next block.
pub(crate) fn commit(store: &Store, accounts: impl Iterator<Item = u64>) -> Result<Times> {
    let number = store.head().map_or(0, |head| head.number + 1);
    let changes = block(number, accounts);
    let records = records(number, changes.accounts.len() as u64 - 1);
    let began = Instant::now();
    let prepared = store.prepare(&changes)?;
    let root = began.elapsed();
    store.commit(prepared, number, keccak256(number.to_be_bytes()), records)?;
    Ok(Times { root, commit: began.elapsed() - root })
}

/// Opens so many accounts, in large blocks; how long that took.
pub(crate) fn fill(store: &Store, from: u64, to: u64) -> Result<Duration> {
    let began = Instant::now();
    for first in (from..to).step_by(FILLED_AT_ONCE as usize) {
        commit(store, first..to.min(first + FILLED_AT_ONCE))?;
        eprint!("\r{} of {to} accounts", to.min(first + FILLED_AT_ONCE));
    }
    eprintln!();
    Ok(began.elapsed())
}

/// The value at a percentile.
///
/// # Panics
/// Without values.
pub(crate) fn percentile(times: impl Iterator<Item = Duration>, percent: usize) -> Duration {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
}

/// What a commit takes, with its part of what the tables get now and then.
pub(crate) fn mean(times: &[Times]) -> Duration {
    times.iter().map(|times| times.commit).sum::<Duration>() / times.len().max(1) as u32
}

pub(crate) fn millis(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1e3)
}

/// Bytes that a file or a folder takes on the disk.
pub(crate) fn disk_bytes(path: &Path) -> Result<u64> {
    if !path.is_dir() {
        return Ok(path.metadata()?.blocks() * 512);
    }
    fs::read_dir(path)?.map(|entry| disk_bytes(&entry?.path())).sum()
}

/// Bytes of memory that the process has of its own.
fn memory_bytes() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kib: u64 = line
        .and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok())
        .context("no figure of the memory in use")?;
    Ok(kib << 10)
}

fn measure(store: &Store, blocks: u64, many: u64, size: u64) -> Result<Vec<Times>> {
    let next = |_| {
        let number = store.head().map_or(0, |head| head.number + 1);
        commit(store, some(number, many, size))
    };
    (0..blocks).map(next).collect()
}

fn row(page: &mut String, first: &str, times: &[Times]) -> Result<()> {
    let root = |percent| millis(percentile(times.iter().map(|times| times.root), percent));
    let commit = |percent| millis(percentile(times.iter().map(|times| times.commit), percent));
    let (root, root99, commit, commit99) = (root(50), root(99), commit(50), commit(99));
    let mean = millis(mean(times));
    write!(page, "| {first} | {root} | {root99} | {commit} | {commit99} | {mean} |")?;
    Ok(())
}

/// The section of the results. `folder` is where the databases are made.
pub(crate) fn report(sizes: &[u64], blocks: u64, folder: &Path) -> Result<String> {
    let mut page = format!(
        "# State\n\n\
         An open account is an owner's account and {SLOTS_EACH} slots of the market. A transaction changes all of one;\n\
         every block also changes 4 totals of the market and stores its header, transactions, receipts and index.\n\
         Root: from the changes to the state root. Commit: everything durably on the disk; of most blocks in the\n\
         journal, of some in the tables, with what the journal has: the mean counts both. {blocks} blocks each.\n\
         Made by `make bench ARGS=\"--only state\"`.\n\n\
         ## By the size of the state: {USUAL} accounts change in a block\n\n\
         | accounts | root p50, ms | p99 | commit p50, ms | p99 | mean | disk, B each | memory, MB | fill, s | open, ms | after a crash | checked |\n\
         | -------: | -----------: | --: | -------------: | --: | ---: | -----------: | ---------: | ------: | -------: | ------------: | ------: |\n",
    );
    let directory = tempfile::tempdir_in(folder)?;
    let path = directory.path().join("state");
    let mut filled = 0;
    let mut spent = Duration::ZERO;
    for size in sizes {
        let memory = memory_bytes()?;
        let store = Store::open(&path)?;
        spent += fill(&store, filled, *size)?;
        filled = *size;
        row(&mut page, &size.to_string(), &measure(&store, blocks, USUAL, *size)?)?;
        let memory = memory_bytes()?.saturating_sub(memory) >> 20;
        drop(store);
        let each = disk_bytes(&path)? / size;
        write!(page, " {each} | {memory} | {:.0} |", spent.as_secs_f64())?;
        opening(&mut page, &path)?;
    }
    let Some(size) = sizes.last() else { return Ok(page) };
    by_changes(&mut page, &path, *size, blocks)?;
    startup::report(&mut page, sizes, folder)?;
    Ok(page)
}

fn by_changes(page: &mut String, path: &Path, size: u64, blocks: u64) -> Result<()> {
    writeln!(
        page,
        "\n## By what changes: {size} accounts\n\n\
         | changed in a block | root p50, ms | p99 | commit p50, ms | p99 | mean |\n\
         | -----------------: | -----------: | --: | -------------: | --: | ---: |",
    )?;
    let store = Store::open(path)?;
    for many in CHANGED {
        row(page, &many.to_string(), &measure(&store, blocks, many, size)?)?;
        page.push('\n');
    }
    threads(page, &store, blocks)?;
    proofs(page, &store, size)
}

/// Slots of contracts that share [`SHARED_SLOTS`] of them.
fn shared(number: u64, contracts: u64, indexes: impl Iterator<Item = u64>) -> Changes {
    let mut changes = Changes::default();
    for index in indexes {
        let contract = Address::from_word(B256::from(word(50, contracts + index % contracts)));
        let info = AccountInfo { nonce: 1, ..AccountInfo::default() };
        let change = changes.accounts.entry(contract);
        let change = change.or_insert_with(|| AccountChange::new(info));
        change.storage.insert(word(51, index), word(52, number ^ index) >> 100);
    }
    changes
}

/// Root with one thread and with all, by how many storage tries the changed slots are in.
fn threads(page: &mut String, store: &Store, blocks: u64) -> Result<()> {
    writeln!(
        page,
        "\n## By threads: {SHARED_CHANGED} of {SHARED_SLOTS} slots change, of so many contracts\n\n\
         | contracts | root on one thread p50, ms | on all {} |\n\
         | --------: | -------------------------: | -----: |",
        rayon::current_num_threads(),
    )?;
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    for contracts in SHARERS {
        let number = store.head().map_or(0, |head| head.number + 1);
        let prepared = store.prepare(&shared(number, contracts, 0..SHARED_SLOTS))?;
        store.commit(prepared, number, keccak256(number.to_be_bytes()), Vec::new())?;
        let (mut alone, mut together) = (Vec::new(), Vec::new());
        for block in 1..=blocks {
            let some = some(block, SHARED_CHANGED, SHARED_SLOTS);
            let changes = shared(number + block, contracts, some);
            let began = Instant::now();
            let root = one.install(|| store.prepare(&changes))?.root();
            alone.push(began.elapsed());
            let began = Instant::now();
            ensure!(store.prepare(&changes)?.root() == root, "another root on other threads");
            together.push(began.elapsed());
        }
        let [alone, together] =
            [alone, together].map(|times| millis(percentile(times.into_iter(), 50)));
        writeln!(page, "| {contracts} | {alone} | {together} |")?;
    }
    Ok(())
}

/// What a proof of an owner's account and of one of the market's slots costs, now and in the past.
fn proofs(page: &mut String, store: &Store, size: u64) -> Result<()> {
    page.push_str("\n## A proof of the market and one of its slots\n\n");
    page.push_str("| blocks below the head | p50, ms |\n| --------------------: | ------: |\n");
    let head = store.head().context("an empty store")?.number;
    measure(store, 10, USUAL, size)?;
    for below in [0, 1, 10] {
        let view = store.at(head + 10 - below)?;
        let times = (0..9).map(|index| {
            let began = Instant::now();
            view.proof(market(), &[slot(index, 0)])?;
            Ok(began.elapsed())
        });
        let times: Vec<_> = times.collect::<Result<_>>()?;
        writeln!(page, "| {below} | {} |", millis(percentile(times.into_iter(), 50)))?;
    }
    Ok(())
}

/// Opens a store that was closed, one that was not, and one of which every page is checked.
fn opening(page: &mut String, path: &Path) -> Result<()> {
    let time = |path: &Path, check| {
        let began = Instant::now();
        let store = Store::open_with(path, Options { check, ..Options::default() })?;
        ensure!(store.head().is_some(), "an empty store");
        Ok::<_, anyhow::Error>((began.elapsed(), store))
    };
    let (closed, store) = time(path, OpenCheck::AfterCrash)?;
    // A copy that is taken while the store is open is what a crash leaves.
    let copy = path.with_extension("copy");
    fs::copy(path, &copy)?;
    drop(store);
    let (crashed, _) = time(&copy, OpenCheck::AfterCrash)?;
    fs::remove_file(&copy)?;
    let (checked, _) = time(path, OpenCheck::Always)?;
    writeln!(page, " {} | {} | {} |", millis(closed), millis(crashed), millis(checked))?;
    Ok(())
}
