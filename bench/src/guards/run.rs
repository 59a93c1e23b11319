//! One replay: the protocol's own code on a ledger in memory.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use alloy_primitives::Address;
use anyhow::{Result, anyhow};
use gage_core::feed::{self, FeedTerms};
use gage_core::liquidation::{Aim, Liquidation, Payment, liquidate, preview_liquidation};
use gage_core::portfolio::Side;
use gage_core::sources::{self, Report};
use gage_core::sweep::{plan_sweep, sweep, write_off};
use gage_core::{
    AccountId, Accrued, AssetId, Assets, Event, FeedId, Guards, Ledger, MemoryLedger, Source,
    SourceId, SourceTerms, Stop, Timestamp, WAD, Wad, quote, token,
};

use super::faults::{SOURCES, Scene};
use super::tape::STEP;
use super::truth::{Holding, TEN_MINUTES, Truth};
use crate::population::{ADMIN, COLLATERALS, Depth, VAULT, populate, set_price};

const START: u64 = 1_700_000_000;
const KEEPER: Address = Address::repeat_byte(0xee);
const USDC: AssetId = AssetId::new(11);
/// How old a source's report and a feed's price may be, in seconds.
const MAX_AGE: u32 = 60;
/// Sales of one account at one price at most; each but the last exhausts something.
const SALES_MAX: usize = 8;

/// The health that is beyond doubt.
const CLEAR: f64 = 1.02;
/// The queue of bids: a fifth of all debt, at discounts from 1 to 7.5 %.
const QUEUE: [Depth; 9] =
    [(2, 120), (3, 160), (4, 200), (5, 240), (6, 280), (8, 320), (10, 280), (12, 240), (15, 160)];

/// How feeds are set up.
#[derive(Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) name: &'static str,
    pub(crate) sources: usize,
    pub(crate) guards: Guards,
}

/// What came of a replay, or of several.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) accounts: usize,
    pub(crate) liquidated: usize,
    pub(crate) repaid: f64,
    pub(crate) wrongful: usize,
    pub(crate) wrongful_repaid: f64,
    /// Those wrongful ones that were healthy again by two percent.
    pub(crate) clearly: usize,
    pub(crate) missed: usize,
    pub(crate) delays: Vec<u64>,
    pub(crate) bad_debt: f64,
    pub(crate) cost: f64,
    /// Seconds for which nobody could borrow against a feed, over all feeds.
    pub(crate) closed: u64,
    /// Seconds for which doubt relieved, over all feeds.
    pub(crate) relieved: u64,
    /// Feeds times seconds.
    pub(crate) watched: u64,
    /// The dearest at which collateral could be drawn on, as a part of the honest price.
    pub(crate) dearest: f64,
}

impl Outcome {
    pub(crate) fn add(&mut self, other: &Self) {
        self.accounts += other.accounts;
        self.liquidated += other.liquidated;
        self.repaid += other.repaid;
        self.wrongful += other.wrongful;
        self.wrongful_repaid += other.wrongful_repaid;
        self.clearly += other.clearly;
        self.missed += other.missed;
        self.delays.extend(&other.delays);
        self.bad_debt += other.bad_debt;
        self.cost += other.cost;
        self.closed += other.closed;
        self.relieved += other.relieved;
        self.watched += other.watched;
        self.dearest = self.dearest.max(other.dearest);
    }
}

pub(crate) fn stopped(stop: Stop) -> anyhow::Error {
    anyhow!("the ledger refused: {stop}")
}

/// Of an operation that may be refused, what it did; faults go on.
fn allowed<T>(done: Result<T, Stop>) -> Result<Option<T>> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(Stop::Refused(_)) => Ok(None),
        Err(fault) => Err(stopped(fault)),
    }
}

pub(crate) struct Run<'a> {
    scene: &'a Scene<'a>,
    setup: Setup,
    ledger: MemoryLedger,
    truth: Truth,
    dice: gage_peers::dice::Dice,
    /// Honest prices of the collaterals, in the world's dollars.
    honest: Vec<Vec<f64>>,
    hit: BTreeSet<AccountId>,
    wronged: BTreeSet<AccountId>,
    clearly: BTreeSet<AccountId>,
    done: Outcome,
}

impl<'a> Run<'a> {
    pub(crate) fn new(scene: &'a Scene<'a>, setup: Setup, accounts: usize) -> Result<Self> {
        let mut ledger = MemoryLedger { now: Timestamp::new(START), ..MemoryLedger::default() };
        let opened = populate(&mut ledger, accounts, &QUEUE, |_| Ok(()))?;
        let supply = Assets::new(1 << 100);
        token::mint(&mut ledger, ADMIN, USDC, KEEPER, supply).map_err(stopped)?;
        let first = &scene.honest[0];
        let scaled = |prices: &Vec<f64>| -> Vec<f64> {
            let asset = |number: usize| number % first.len();
            (0..COLLATERALS as usize).map(|n| prices[asset(n)] / first[asset(n)] * 100.0).collect()
        };
        let mut run = Self {
            scene,
            setup,
            truth: Truth::default(),
            dice: gage_peers::dice::Dice(11),
            honest: scene.honest.iter().map(scaled).collect(),
            hit: BTreeSet::new(),
            wronged: BTreeSet::new(),
            clearly: BTreeSet::new(),
            done: Outcome { accounts, ..Outcome::default() },
            ledger,
        };
        run.guard().map_err(stopped)?;
        for account in &opened {
            let holding = run.holding(&account.id).map_err(stopped)?;
            run.truth.add(account.id, holding);
        }
        Ok(run)
    }

    /// Gives every collateral's feed its sources and guards.
    fn guard(&mut self) -> Result<(), Stop> {
        let Setup { sources, guards, .. } = self.setup;
        for id in (1..=COLLATERALS).map(FeedId::new) {
            let terms = FeedTerms {
                max_age: MAX_AGE,
                price_min: Wad::new(1),
                price_max: Wad::new(1 << 100),
                guards,
            };
            feed::set_feed_terms(&mut self.ledger, ADMIN, id, &terms)?;
            for place in 0..sources {
                let terms = SourceTerms { weight: 1, max_age: MAX_AGE };
                let source = Source { id: source(place), terms };
                sources::set_source(&mut self.ledger, ADMIN, id, &source)?;
            }
        }
        Ok(())
    }

    fn holding(&mut self, id: &AccountId) -> Result<Holding, Stop> {
        let account = self.ledger.account(id)?;
        let mut holding = Holding::default();
        for leg in &account.collaterals {
            holding.amounts[usize::from(leg.index)] = leg.amount.get() as f64 / 1e18;
        }
        holding.debt = account.debt(0).shares.get() as f64 / 1e6;
        Ok(holding)
    }

    fn index(&mut self) -> Result<f64, Stop> {
        let vault = Accrued::load(&mut self.ledger, VAULT)?;
        let shares = vault.record().owed.shares.get().max(1);
        Ok(vault.debt().get() as f64 / shares as f64)
    }

    pub(crate) fn replay(mut self) -> Result<Outcome> {
        for step in 0..self.honest.len() {
            self.ledger.events.clear();
            self.ledger.now = Timestamp::new(START + 1 + (step as u64 + 1) * STEP);
            let judged = self.prices(step).map_err(stopped)?;
            let index = self.index().map_err(stopped)?;
            let prices = self.honest[step].clone();
            self.truth.look(step, &prices, index);
            let suspects = self.truth.suspects(&judged, index);
            self.sweep(&suspects, (step, index))?;
            self.keep(&suspects, (step, index))?;
        }
        let index = self.index().map_err(stopped)?;
        let last = self.honest.last().cloned().unwrap_or_default();
        let Self { mut done, truth, hit, wronged, clearly, .. } = self;
        done.bad_debt += truth.uncovered(&last, index);
        (done.liquidated, done.wrongful) = (hit.len(), wronged.len());
        done.clearly = clearly.len();
        done.missed = truth.missed;
        done.delays = truth.delays;
        Ok(done)
    }

    /// The block's prelude; the prices by which collateral is judged.
    fn prices(&mut self, step: usize) -> Result<Vec<f64>, Stop> {
        let mut judged = Vec::with_capacity(COLLATERALS as usize);
        let now = self.ledger.now;
        let assets = self.scene.honest[0].len();
        for number in 0..COLLATERALS {
            let feed = FeedId::new(number + 1);
            let asset = number as usize % assets;
            let unit = 100.0 / self.scene.honest[0][asset];
            let mut heard = false;
            // Every source rolls its dice, whoever is listened to.
            for place in 0..SOURCES {
                let said = self.scene.says(place, step, asset, &mut self.dice);
                let Some(said) = said.filter(|_| place < self.setup.sources) else { continue };
                let time = Timestamp::new(now.get() - Scene::age(place));
                let price = Wad::new((said * unit * 1e18) as u128);
                let confidence = Wad::ZERO;
                let report = Report { feed, round: step as u64 + 1, time, price, confidence };
                sources::record(&mut self.ledger, &report, &source(place))?;
                heard = true;
            }
            if heard {
                feed::update(&mut self.ledger, feed)?;
            }
            let quote = quote::quote(&mut self.ledger, feed)?;
            judged.push(quote.judged_price(Side::Collateral).get() as f64 / 1e18);
            let closed = !quote.is_fresh() || quote.is_doubtful();
            self.done.closed += if closed { STEP } else { 0 };
            self.done.relieved += if quote.relieves() { STEP } else { 0 };
            self.done.watched += STEP;
            if let Ok(price) = quote.opening_price(Side::Collateral) {
                let part = price.get() as f64 / 1e18 / self.honest[step][number as usize];
                self.done.dearest = self.done.dearest.max(part);
            }
        }
        set_price(&mut self.ledger, COLLATERALS + 1, WAD)?;
        Ok(judged)
    }

    /// The block's sweep: the greatest value at risk first.
    fn sweep(&mut self, suspects: &[AccountId], at: (usize, f64)) -> Result<()> {
        let mut due = Vec::new();
        for id in suspects {
            let plan = allowed(plan_sweep(&mut self.ledger, id))?.flatten();
            due.extend(plan.map(|plan| (Reverse(plan.value_at_risk()), *id)));
        }
        due.sort_unstable();
        let mut left = Vec::new();
        for (_, id) in &due {
            let mark = self.ledger.events.len();
            let Some(plan) = allowed(sweep(&mut self.ledger, id))?.flatten() else { continue };
            if plan.leaves_bad_debt() {
                left.push(*id);
            }
            if !plan.fills.is_empty() {
                self.count(id, at, mark)?;
            }
        }
        for id in &left {
            let mark = self.ledger.events.len();
            write_off(&mut self.ledger, id).map_err(stopped)?;
            self.count_losses(mark);
            let holding = self.holding(id).map_err(stopped)?;
            self.truth.replace(id, holding);
        }
        Ok(())
    }

    /// The keeper, in the next block: whatever gains something at the honest price.
    fn keep(&mut self, suspects: &[AccountId], at: (usize, f64)) -> Result<()> {
        self.ledger.now = self.ledger.now.after(2);
        for id in suspects {
            for _ in 0..SALES_MAX {
                let mark = self.ledger.events.len();
                if !self.liquidate(id, at.0)? {
                    break;
                }
                self.count(id, at, mark)?;
            }
        }
        Ok(())
    }

    /// Liquidates against the first collateral that passes and pays. Whether one did.
    fn liquidate(&mut self, id: &AccountId, step: usize) -> Result<bool> {
        let account = self.ledger.account(id).map_err(stopped)?;
        for pledge in &account.collaterals {
            let asset = AssetId::new(u32::from(pledge.index) + 1);
            let aim = Aim { vault: VAULT, asset, max_repay: Assets::MAX };
            let Some(plan) = allowed(preview_liquidation(&mut self.ledger, id, &aim))? else {
                continue;
            };
            let paid: f64 = plan.repayments.iter().map(|part| part.repaid.get() as f64 / 1e6).sum();
            let prices = &self.honest[step];
            let gained = plan
                .seizures
                .iter()
                .map(|part| part.seized.get() as f64 / 1e18 * prices[usize::from(part.index)]);
            if gained.sum::<f64>() <= paid {
                continue;
            }
            let (max_repay, payment) = (Assets::MAX, Payment::Assets);
            let asked = Liquidation { vault: VAULT, asset, max_repay, receiver: KEEPER, payment };
            if allowed(liquidate(&mut self.ledger, KEEPER, id, &asked))?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Notes a sale: what it was, and whether it should have been.
    fn count(&mut self, id: &AccountId, (step, index): (usize, f64), mark: usize) -> Result<()> {
        let lost = self.count_losses(mark);
        let after = self.holding(id).map_err(stopped)?;
        let kept = after.clone();
        let before = self.truth.liquidated(id, step, after);
        let paid = (before.debt - kept.debt) * index - lost;
        self.done.repaid += paid;
        self.hit.insert(*id);
        let later = (step + TEN_MINUTES).min(self.honest.len() - 1);
        let later = &self.honest[later];
        self.done.cost += before.value(later) - kept.value(later) - paid;
        let best = before.best(&self.honest, step, index);
        if best >= 1.0 {
            self.wronged.insert(*id);
            self.done.wrongful_repaid += paid;
        }
        if best >= CLEAR {
            self.clearly.insert(*id);
        }
        Ok(())
    }

    /// Notes the bad debt of the events from `mark` on, and returns it.
    fn count_losses(&mut self, mark: usize) -> f64 {
        let losses = self.ledger.events[mark..].iter().map(|event| match event {
            Event::BadDebt { amount, .. } => amount.get() as f64 / 1e6,
            _ => 0.0,
        });
        let lost = losses.sum();
        self.done.bad_debt += lost;
        lost
    }
}

/// The source at a place.
fn source(place: usize) -> SourceId {
    SourceId::publisher(Address::repeat_byte(place as u8 + 1))
}
