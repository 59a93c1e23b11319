//! Every recorded crash, with many borrowers: liquidated by the block's sweep into a queue of bids, and
//! by polling keepers alone.
//!
//! A price holds for a quarter of an hour and comes at once, in the first block of its time. Blocks
//! follow until nobody is left to liquidate at it. The keeper polls every [`POLL_BLOCKS`] blocks, sees
//! everybody who is unhealthy then, and has its transactions in the next blocks, as many as fit.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use alloy_evm::{Evm, EvmEnv};
use alloy_primitives::{Address, Log, U256};
use alloy_sol_types::{SolCall, SolEvent};
use anyhow::{Result, anyhow, ensure};
use gage_abi::IMarket::{self, BidsFilled, Liquidated, Swept};
use gage_abi::IVault::LossRealised;
use gage_core::address::{self, MARKET as CONTRACT};
use gage_core::liquidation::{Aim, preview_liquidation};
use gage_core::sweep::plan_sweep;
use gage_core::watch::Watch;
use gage_core::{AccountId, AssetId, Assets, Ledger, Stop, Timestamp, Wad, margin, token};
use gage_evm::{SlotLedger, sweep_call, view};
use indicatif::{ProgressBar, ProgressStyle};
use revm::DatabaseCommit;
use revm::context::result::ExecutionResult;
use revm::context::{BlockEnv, CfgEnv, TxEnv};
use revm::database::{CacheDB, EmptyDB};
use revm::inspector::NoOpInspector;
use revm::primitives::TxKind;

use crate::engine::SPEC;
use crate::liquidation::{BATCH, START, state, stopped};
use crate::population::{ADMIN, COLLATERALS, Depth, MARKET, VAULT, set_price};
use crate::prices::{CRASHES, Path4, STEP_SECONDS, path};

/// A block's gas, and the half of it that a sweep may take.
const BLOCK_GAS: u64 = 60_000_000;
/// Seconds between two blocks.
const BLOCK_SECONDS: u64 = 2;
/// Blocks between two looks of the keeper: twelve seconds.
const POLL_BLOCKS: u64 = 6;
/// Accounts in one sweep.
const ACCOUNTS_MAX: usize = 10_000;
/// Gas for one of the keeper's transactions.
const KEEPER_GAS: u64 = 1_000_000;
const KEEPER: Address = Address::repeat_byte(0xee);
const USDC: AssetId = AssetId::new(11);

/// The queue of bids: a fifth of all debt, at discounts from 1 to 7.5 %, most of it in the middle.
const QUEUE: [Depth; 9] =
    [(2, 120), (3, 160), (4, 200), (5, 240), (6, 280), (8, 320), (10, 280), (12, 240), (15, 160)];

const READING: &str = "
The keeper here is an ideal: an endless purse at the fixed bonus, also for a coin that is failing. That is why
it leaves less bad debt than the queue in the two windows with such a coin among the collaterals (LUNA, FTT):
bids for it run out, bids for the sound ones do not, and what stays with the accounts is the failing one.
Without that coin the same windows end at or below the keeper's figure.
";

type Db = CacheDB<EmptyDB>;
type Book<'a> = SlotLedger<view::ViewSlots<&'a Db>>;

/// What happened in one run.
#[derive(Default)]
struct Outcome {
    swept: u64,
    open: u64,
    repaid: f64,
    given_away: f64,
    bad_debt: f64,
    longest: u64,
    seconds: f64,
    left: usize,
}

/// The section of the results.
pub(crate) fn report(data: &Path, only: Option<&str>, borrowers: usize) -> Result<String> {
    let mut page = format!(
        "# Every crash, replayed\n\n\
         {borrowers} borrowers with one to three of ten collaterals and one debt, health lognormal around 1.8,\n\
         nobody reacts. Hourly candles as four prices an hour; the ten collaterals follow the window's assets\n\
         in turn. *Queue*: bids worth a fifth of all debt at 1 to 7.5 %, and what they leave is open to a\n\
         keeper. *Keepers*: no bids; a keeper that polls every {POLL_BLOCKS} blocks. Blocks of {} Mgas every\n\
         {BLOCK_SECONDS} s, in revm with the state in memory; each sweep is the chain's system call, each\n\
         liquidation a transaction. Discounts are weighted by what was repaid; a bonus `b` counts as\n\
         `b / (1 + b)`. Waits are blocks from the price to the last liquidation that it caused.\n\
         Made by `make bench ARGS=\"--only crashes\"`.\n\n\
         | crash | assets | prices | fall | by | swept | open | mean discount | given away | bad debt | longest wait | s |\n\
         | ----- | -----: | -----: | ---: | -- | ----: | ---: | ------------: | ---------: | -------: | -----------: | -: |\n",
        BLOCK_GAS / 1_000_000
    );
    let mut found = 0;
    for crash in CRASHES.iter().filter(|crash| crash.is(only)) {
        let Some(path) = path(data, crash)? else {
            continue;
        };
        found += 1;
        for (name, depths) in [("queue", &QUEUE[..]), ("keepers", &[])] {
            let done = Run::new(borrowers, depths)?.replay(&path, crash.name, name)?;
            ensure!(done.left == 0, "{} accounts are left unhealthy in {}", done.left, crash.name);
            row(&mut page, (crash.name, name), &path, &done)?;
        }
    }
    ensure!(found > 0, "{} has no crash's prices", data.display());
    page.push_str(READING);
    Ok(page)
}

fn row(page: &mut String, (crash, by): (&str, &str), path: &Path4, done: &Outcome) -> Result<()> {
    let discount = 100.0 * done.given_away / (done.repaid + done.given_away).max(1.0);
    writeln!(
        page,
        "| {crash} | {} | {} | {:.0} % | {by} | {} | {} | {discount:.2} % | ${:.1} M | ${} | {} | {:.1} |",
        path.assets.len(),
        path.prices.len(),
        path.fall(),
        done.swept,
        done.open,
        done.given_away / 1e6,
        done.bad_debt.round(),
        done.longest,
        done.seconds
    )?;
    Ok(())
}

struct Run {
    db: Db,
    watch: Watch,
    now: Timestamp,
    blocks: u64,
    done: Outcome,
}

impl Run {
    fn new(borrowers: usize, depths: &[Depth]) -> Result<Self> {
        let (mut db, opened) = state(borrowers, depths)?;
        let mut watch = Watch::new();
        let mut ledger = view::ledger_at(&db, START);
        for batch in opened.chunks(BATCH) {
            ledger.discard();
            let accounts = batch.iter().map(|account| (account.id, Wad::ONE));
            watch.file(&mut ledger, accounts).map_err(stopped)?;
        }
        drop(ledger);
        write(&mut db, START, |ledger| {
            let supply = Assets::new(1 << 100);
            token::mint(ledger, ADMIN, USDC, KEEPER, supply)
        })?;
        Ok(Self { db, watch, now: START, blocks: 0, done: Outcome::default() })
    }

    fn replay(mut self, path: &Path4, crash: &str, by: &str) -> Result<Outcome> {
        let style = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} {eta}")?;
        let bar = ProgressBar::new(path.prices.len() as u64).with_style(style);
        bar.set_prefix(format!("{crash}, {by}"));
        let began = Instant::now();
        for (step, prices) in (0_u64..).zip(&path.prices) {
            self.now = Timestamp::new(START.get() + step * STEP_SECONDS);
            self.prices(&path.prices[0], prices)?;
            self.settle()?;
            bar.inc(1);
        }
        bar.finish_and_clear();
        self.done.seconds = began.elapsed().as_secs_f64();
        self.done.left = self.unhealthy()?.len();
        Ok(self.done)
    }

    /// Sets every collateral's price, of 100 dollars at first, and the dollar's.
    fn prices(&mut self, first: &[f64], prices: &[f64]) -> Result<()> {
        write(&mut self.db, self.now, |ledger| {
            for number in 0..COLLATERALS {
                let place = number as usize % prices.len();
                let price = (prices[place] / first[place] * 100.0 * 1e18) as u128;
                set_price(ledger, number + 1, price.max(1))?;
            }
            set_price(ledger, COLLATERALS + 1, gage_core::WAD)
        })
    }

    /// Blocks until nobody is left to liquidate at this price.
    fn settle(&mut self) -> Result<()> {
        let mut seen: Vec<AccountId> = Vec::new();
        let most = STEP_SECONDS / BLOCK_SECONDS;
        for wait in 0..most {
            let gas = self.sweep(wait)?;
            let gas = self.keep(&mut seen, BLOCK_GAS - gas, wait)?;
            let looks = self.blocks.is_multiple_of(POLL_BLOCKS);
            if looks {
                seen = self.unhealthy()?;
            }
            self.blocks += 1;
            self.now = self.now.after(BLOCK_SECONDS);
            if gas == BLOCK_GAS && seen.is_empty() && (looks || self.unhealthy()?.is_empty()) {
                break;
            }
        }
        Ok(())
    }

    /// The accounts that the index suspects and that are judged as `due` says; the others are filed
    /// anew.
    fn judged<T>(
        &mut self,
        due: impl Fn(&mut Book<'_>, &AccountId) -> Result<Option<T>, Stop>,
    ) -> Result<Vec<(T, AccountId)>> {
        let mut ledger = view::ledger_at(&self.db, self.now);
        let suspects = self.watch.suspects(&mut ledger).map_err(stopped)?;
        let (mut found, mut healthy) = (Vec::new(), Vec::new());
        for batch in suspects.chunks(BATCH) {
            ledger.discard();
            for id in batch {
                match due(&mut ledger, id).map_err(stopped)? {
                    Some(why) => found.push((why, *id)),
                    None => healthy.push(*id),
                }
            }
        }
        drop(ledger);
        self.file(&healthy)?;
        Ok(found)
    }

    fn file(&mut self, ids: &[AccountId]) -> Result<()> {
        let mut ledger = view::ledger_at(&self.db, self.now);
        for batch in ids.chunks(BATCH) {
            ledger.discard();
            let accounts = batch.iter().map(|id| (*id, Wad::ONE));
            self.watch.file(&mut ledger, accounts).map_err(stopped)?;
        }
        Ok(())
    }

    fn unhealthy(&mut self) -> Result<Vec<AccountId>> {
        let below = |ledger: &mut Book<'_>, id: &AccountId| {
            Ok((margin::health(ledger, id)? < Wad::ONE).then_some(()))
        };
        Ok(self.judged(below)?.into_iter().map(|((), id)| id).collect())
    }

    /// The block's sweep; the gas that it used.
    fn sweep(&mut self, wait: u64) -> Result<u64> {
        let due = |ledger: &mut Book<'_>, id: &AccountId| {
            Ok(plan_sweep(ledger, id)?.map(|plan| std::cmp::Reverse(plan.value_at_risk())))
        };
        let mut due = self.judged(due)?;
        if due.is_empty() {
            return Ok(0);
        }
        due.sort_unstable();
        due.truncate(ACCOUNTS_MAX);
        let list: Vec<AccountId> = due.into_iter().map(|(_, id)| id).collect();
        let evm = gage_evm::evm(std::mem::take(&mut self.db), self.env(), NoOpInspector {});
        let data = (sweep_call(&list), BLOCK_GAS / 2);
        let (mut evm, done) = gage_evm::system_call(evm, CONTRACT, data);
        let done = done.map_err(|error| anyhow!("{error:?}"))?;
        evm.db_mut().commit(done.state);
        (self.db, _) = evm.finish();
        self.count(&done.result, wait)?;
        self.file(&list)?;
        Ok(done.result.tx_gas_used())
    }

    /// The keeper's transactions, as long as there is gas; the gas that is left.
    fn keep(&mut self, seen: &mut Vec<AccountId>, mut gas: u64, wait: u64) -> Result<u64> {
        if seen.is_empty() {
            return Ok(gas);
        }
        let mut evm = gage_evm::evm(std::mem::take(&mut self.db), self.env(), NoOpInspector {});
        let mut results = Vec::new();
        let mut tried = Vec::new();
        while let Some(id) = seen.pop() {
            let mut ledger = view::ledger_at(&*evm.db_mut(), self.now);
            let Some(data) = aim(&mut ledger, &id).map_err(stopped)? else {
                tried.push(id);
                continue;
            };
            drop(ledger);
            let tx = TxEnv {
                caller: KEEPER,
                kind: TxKind::Call(CONTRACT),
                data: data.into(),
                gas_limit: KEEPER_GAS,
                gas_price: 0,
                chain_id: Some(1),
                ..TxEnv::default()
            };
            let done = evm.transact(tx).map_err(|error| anyhow!("{error:?}"))?;
            let used = done.result.tx_gas_used();
            if used > gas {
                seen.push(id);
                break;
            }
            gas -= used;
            evm.db_mut().commit(done.state);
            results.push(done.result);
            tried.push(id);
        }
        (self.db, _) = evm.finish();
        for result in &results {
            ensure!(result.is_success(), "a liquidation failed: {result:?}");
            self.count(result, wait)?;
        }
        self.file(&tried)?;
        Ok(gas)
    }

    fn env(&self) -> EvmEnv {
        let mut cfg_env = CfgEnv::new_with_spec(SPEC).with_chain_id(1);
        cfg_env.disable_nonce_check = true;
        let block_env = BlockEnv {
            timestamp: U256::from(self.now.get()),
            gas_limit: BLOCK_GAS,
            ..BlockEnv::default()
        };
        EvmEnv { cfg_env, block_env }
    }

    /// Adds up what the logs of a sweep or a liquidation tell.
    fn count(&mut self, result: &ExecutionResult, wait: u64) -> Result<()> {
        ensure!(result.is_success(), "{result:?}");
        let before = self.done.swept + self.done.open;
        let mut opened = false;
        for log in result.logs() {
            self.count_log(log, &mut opened);
        }
        self.done.open += u64::from(opened);
        if self.done.swept + self.done.open > before {
            self.done.longest = self.done.longest.max(wait);
        }
        Ok(())
    }

    fn count_log(&mut self, log: &Log, opened: &mut bool) {
        let dollars = |amount: U256| amount.saturating_to::<u128>() as f64 / 1e6;
        let sold = |done: &mut Outcome, repaid: f64, bonus: f64| {
            done.repaid += repaid;
            done.given_away += repaid * bonus;
        };
        if let Ok(fill) = BidsFilled::decode_log(log) {
            let discount = f64::from(fill.discount) / 1e4;
            sold(&mut self.done, dollars(fill.repaid), discount / (1.0 - discount));
        } else if Swept::decode_log(log).is_ok() {
            self.done.swept += 1;
        } else if let Ok(sale) = Liquidated::decode_log(log) {
            *opened = true;
            sold(&mut self.done, dollars(sale.repaid), f64::from(sale.bonus) / 1e4);
        } else if let Ok(loss) = LossRealised::decode_log(log) {
            self.done.bad_debt += dollars(loss.shortfall);
        }
    }
}

/// The calldata of a liquidation that passes now: of the first collateral for which one does.
fn aim(ledger: &mut Book<'_>, id: &AccountId) -> Result<Option<Vec<u8>>, Stop> {
    for pledge in ledger.account(id)?.collaterals {
        let asset = AssetId::new(u32::from(pledge.index) + 1);
        let aim = Aim { vault: VAULT, asset, max_repay: Assets::MAX };
        match preview_liquidation(ledger, id, &aim) {
            Ok(_) => {
                let call = IMarket::liquidateCall {
                    market: MARKET.get(),
                    owner: id.owner,
                    sub: id.sub,
                    vault: address::vault(VAULT),
                    asset: address::asset(asset),
                    maxRepay: U256::MAX,
                    receiver: KEEPER,
                };
                return Ok(Some(call.abi_encode()));
            }
            Err(Stop::Refused(_)) => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(None)
}

/// Writes records as if a block had.
fn write(
    db: &mut Db,
    now: Timestamp,
    operation: impl FnOnce(&mut Book<'_>) -> Result<(), Stop>,
) -> Result<()> {
    let mut ledger = view::ledger_at(&*db, now);
    operation(&mut ledger).map_err(stopped)?;
    ledger.commit()?;
    let slots: Vec<_> = ledger.into_slots().written().clone().into_iter().collect();
    for ((contract, key), value) in slots {
        db.insert_account_storage(contract.address(), key, value)?;
    }
    Ok(())
}
