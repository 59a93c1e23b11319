//! What liquidation costs: finding who is due among many accounts, and a whole sweep inside the block.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use alloy_evm::{Evm, EvmEnv};
use alloy_primitives::U256;
use anyhow::{Result, anyhow, ensure};
use gage_core::address::MARKET as CONTRACT;
use gage_core::sweep::plan_sweep;
use gage_core::watch::Watch;
use gage_core::{AccountId, Ledger, MemoryLedger, Stop, Timestamp, Wad};
use gage_evm::{MARKER, SlotLedger, sweep_call, view};
use revm::DatabaseCommit;
use revm::bytecode::Bytecode;
use revm::context::{BlockEnv, CfgEnv};
use revm::database::{CacheDB, EmptyDB};
use revm::inspector::NoOpInspector;
use revm::state::AccountInfo;

use crate::engine::SPEC;
use crate::population::{COLLATERALS, Depth, Opened, PLENTY, populate, price_for, set_price};

/// When the first prices came in.
pub(crate) const START: Timestamp = Timestamp::new(1_700_000_000);
/// Gas for a sweep: more than the largest needs.
const GAS: u64 = 10_000_000_000;
/// Accounts read between two clearings of a ledger's cache, as a node does.
pub(crate) const BATCH: usize = 128;

/// How many accounts a price update endangers.
const DUE: [usize; 4] = [0, 100, 1_000, 10_000];

pub(crate) fn stopped(stop: Stop) -> anyhow::Error {
    anyhow!("the ledger refused: {stop}")
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// The section of the results.
pub(crate) fn report(sizes: &[usize], passes: usize) -> Result<String> {
    let mut page = String::from(
        "# Liquidation\n\n\
         Accounts have one to three of ten collaterals and one debt; health is lognormal around 1.8. All ten\n\
         prices fall at once, as far as it takes to endanger so many. Times are medians over fresh indexes\n\
         and states. Accounts are written as records, not opened by transactions.\n\
         Made by `make bench ARGS=\"--only liquidation\"`.\n\n\
         ## Finding who may be due: the index\n\n\
         | accounts | build, s | none endangered, µs | 100 | 1,000 | 10,000 |\n\
         | -------: | -------: | ------------------: | --: | ----: | -----: |\n",
    );
    for size in sizes {
        index(&mut page, *size, passes)?;
    }
    page.push_str(
        "\n## A whole sweep, inside the block\n\n\
         Found by the index, judged by the plan, sold to the bids and written by the system transaction in\n\
         revm with its state in memory. State root and disk come after it and are not in these figures.\n\n\
         | accounts | due | find, ms | judge, ms | sell and write, ms | each, µs | gas each |\n\
         | -------: | --: | -------: | --------: | -----------------: | -------: | -------: |\n",
    );
    for size in sizes {
        for due in DUE.iter().filter(|due| **due <= size / 10) {
            sweep(&mut page, *size, *due, passes)?;
        }
    }
    Ok(page)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn filed(ledger: &mut impl Ledger, opened: &[Opened]) -> Result<Watch> {
    let mut watch = Watch::new();
    file(&mut watch, ledger, opened)?;
    Ok(watch)
}

fn file(watch: &mut Watch, ledger: &mut impl Ledger, opened: &[Opened]) -> Result<()> {
    let accounts = opened.iter().map(|account| (account.id, Wad::ONE));
    watch.file(ledger, accounts).map_err(stopped)
}

fn index(page: &mut String, size: usize, passes: usize) -> Result<()> {
    eprintln!("index of {size} accounts");
    let mut ledger = MemoryLedger::at(START);
    let opened = populate(&mut ledger, size, &PLENTY, |_| Ok(()))?;
    let began = Instant::now();
    let watch = filed(&mut ledger, &opened)?;
    let build = began.elapsed();
    let mut row = format!("| {size} | {:.2} |", build.as_secs_f64());
    for due in DUE {
        if due > size / 10 {
            row.push_str(" |");
            continue;
        }
        let price = price_for(&opened, due);
        for number in 1..=COLLATERALS {
            set_price(&mut ledger, number, price).map_err(stopped)?;
        }
        let mut times = Vec::new();
        for _ in 0..passes.max(5) {
            let began = Instant::now();
            let suspects = watch.suspects(&mut ledger).map_err(stopped)?;
            times.push(began.elapsed());
            ensure!(suspects.len() >= due, "{} of {due} found", suspects.len());
        }
        write!(row, " {:.0} |", micros(median(times)))?;
    }
    writeln!(page, "{row}")?;
    Ok(())
}

/// The state with the whole population in it.
pub(crate) fn state(size: usize, depths: &[Depth]) -> Result<(CacheDB<EmptyDB>, Vec<Opened>)> {
    let mut ledger = view::ledger_at(EmptyDB::default(), START);
    let opened =
        populate(&mut ledger, size, depths, |l| l.commit().map_err(|fault| anyhow!("{fault}")))?;
    let slots = ledger.into_slots();
    let mut db = CacheDB::new(EmptyDB::new());
    let code = Bytecode::new_raw(MARKER.to_vec().into());
    for ((contract, key), value) in slots.written() {
        let address = contract.address();
        if !db.cache.accounts.contains_key(&address) {
            let info = AccountInfo { nonce: 1, code: Some(code.clone()), ..AccountInfo::default() };
            db.insert_account_info(address, AccountInfo { code_hash: code.hash_slow(), ..info });
        }
        db.insert_account_storage(address, *key, *value)?;
    }
    Ok((db, opened))
}

struct Pass {
    find: Duration,
    judge: Duration,
    sell: Duration,
    gas: u64,
}

fn sweep(page: &mut String, size: usize, due: usize, passes: usize) -> Result<()> {
    let (db, opened) = state(size, &PLENTY)?;
    let mut watch = Watch::new();
    let mut ledger = view::ledger_at(&db, START);
    for batch in opened.chunks(BATCH) {
        ledger.discard();
        file(&mut watch, &mut ledger, batch)?;
    }
    let price = price_for(&opened, due);
    let mut done = Vec::new();
    for pass in 0..passes {
        eprintln!("sweep of {due} among {size} accounts, pass {} of {passes}", pass + 1);
        done.push(sweep_once(db.clone(), &watch, price, due)?);
    }
    let of = |part: fn(&Pass) -> Duration| median(done.iter().map(part).collect());
    let (find, judge, sell) = (of(|pass| pass.find), of(|pass| pass.judge), of(|pass| pass.sell));
    let all = micros(find + judge + sell);
    let [find, judge, sell] = [find, judge, sell].map(|time| micros(time) / 1e3);
    let (each, gas) = match due {
        0 => (String::new(), String::new()),
        due => (format!("{:.1}", all / due as f64), (done[0].gas / due as u64).to_string()),
    };
    writeln!(page, "| {size} | {due} | {find:.2} | {judge:.2} | {sell:.2} | {each} | {gas} |")?;
    Ok(())
}

fn sweep_once(mut db: CacheDB<EmptyDB>, watch: &Watch, price: u128, due: usize) -> Result<Pass> {
    let now = Timestamp::new(START.get() + 12);
    let mut priced = view::ledger_at(db.clone(), now);
    for number in 1..=COLLATERALS {
        set_price(&mut priced, number, price).map_err(stopped)?;
    }
    priced.commit()?;
    for ((contract, key), value) in priced.into_slots().written() {
        db.insert_account_storage(contract.address(), *key, *value)?;
    }
    let mut ledger = view::ledger_at(&db, now);
    let began = Instant::now();
    let suspects = watch.suspects(&mut ledger).map_err(stopped)?;
    let find = began.elapsed();
    let began = Instant::now();
    let list = judge(&mut ledger, &suspects)?;
    let judge = began.elapsed();
    ensure!(list.len().abs_diff(due) <= due / 100 + 1, "{} of {due} are due", list.len());
    let block =
        BlockEnv { timestamp: U256::from(now.get()), gas_limit: u64::MAX, ..BlockEnv::default() };
    let env = EvmEnv { cfg_env: CfgEnv::new_with_spec(SPEC).with_chain_id(1), block_env: block };
    let began = Instant::now();
    if list.is_empty() {
        return Ok(Pass { find, judge, sell: Duration::ZERO, gas: 0 });
    }
    let evm = gage_evm::evm(db, env, NoOpInspector {});
    let (mut evm, done) = gage_evm::system_call(evm, CONTRACT, (sweep_call(&list), GAS));
    let done = done.map_err(|error| anyhow!("{error:?}"))?;
    ensure!(done.result.is_success(), "{:?}", done.result);
    evm.db_mut().commit(done.state);
    let sell = began.elapsed();
    let gas = done.result.tx_gas_used();
    let (db, _) = evm.finish();
    let mut ledger = view::ledger_at(&db, now);
    let left = judge_count(&mut ledger, &list)?;
    ensure!(left == 0, "{left} accounts are still due");
    Ok(Pass { find, judge, sell, gas })
}

fn judge<D: revm::DatabaseRef>(
    ledger: &mut SlotLedger<view::ViewSlots<D>>,
    suspects: &[AccountId],
) -> Result<Vec<AccountId>> {
    let mut due = Vec::new();
    for batch in suspects.chunks(BATCH) {
        ledger.discard();
        for id in batch {
            if let Some(plan) = plan_sweep(ledger, id).map_err(stopped)? {
                due.push((std::cmp::Reverse(plan.value_at_risk()), *id));
            }
        }
    }
    due.sort_unstable();
    Ok(due.into_iter().map(|(_, id)| id).collect())
}

fn judge_count<D: revm::DatabaseRef>(
    ledger: &mut SlotLedger<view::ViewSlots<D>>,
    list: &[AccountId],
) -> Result<usize> {
    Ok(judge(ledger, list)?.len())
}
