//! One crash on all three: the same borrowers and the same recorded prices, an ideal keeper on the
//! peers, the block's sweep on Gage.
//!
//! The keeper knows every unhealthy position and sends one transaction for each right after the price,
//! for as much as the protocol lets it repay. On Gage the sweep sells to the bids first, and the same
//! keeper takes what they leave.

use std::fmt::Write as _;
use std::path::Path;

use alloy_primitives::{Address, U256};
use anyhow::{Context, Result, ensure};

use crate::artifact::Artifacts;
use crate::chain::{Call, Chain, Receipt};
use crate::prices::{CRASHES, Crash, path};
use crate::scenario::{Action, Cast, Operation, PRICE, Sample, Subject};
use crate::token::{Asset, IToken};
use crate::{aave, gage, morpho};

/// WETH that each borrower supplies.
const COLLATERAL: u64 = 10;
/// Accounts in one sweep: as many as one transaction's gas here has room for.
const SWEEP_ACCOUNTS: usize = 200;

const READING: &str = "
Gage takes less from borrowers and, selling only back to the target health, leaves them more of their
position; a position that was closed whole cannot fail at the next price. Where a quarter of an hour brought
a fifth (March 2020), that shows as more bad debt beside less given away: compare the sums.
";

/// What an account has, in USD at the present price.
#[derive(Clone, Copy, Default)]
pub(crate) struct Standing {
    pub(crate) collateral: f64,
    pub(crate) debt: f64,
    pub(crate) is_unhealthy: bool,
}

/// A protocol whose accounts can be liquidated as an ideal keeper would.
pub(crate) trait Crashing: Subject {
    /// How an account stands. Not measured.
    ///
    /// # Errors
    /// A call failed.
    fn standing(&self, chain: &mut Chain<'_>, who: Address, usd: u64) -> Result<Standing>;

    /// The keeper's transaction for an unhealthy account: repays as much as it may.
    ///
    /// # Errors
    /// A call failed.
    fn liquidate(
        &self,
        chain: &mut Chain<'_>,
        who: Address,
        keeper: Address,
        standing: Standing,
    ) -> Result<Call>;

    /// Puts bids of so many USDC into the queue, if there is one. Not measured.
    ///
    /// # Errors
    /// A transaction failed.
    fn bid(&self, _chain: &mut Chain<'_>, _cast: &Cast, _usdc: u64) -> Result<()> {
        Ok(())
    }

    /// Sells these accounts' collateral to the bids, if there is a queue; what it cost, and the USD
    /// repaid.
    ///
    /// # Errors
    /// A transaction failed.
    fn sweep(&self, _chain: &mut Chain<'_>, _due: &[Address]) -> Result<Option<(Receipt, f64)>> {
        Ok(None)
    }
}

/// What a crash cost on one protocol.
#[derive(Default)]
struct Outcome {
    liquidations: u64,
    swept: u64,
    nanoseconds: u64,
    gas: u64,
    repaid: f64,
    given_away: f64,
    bad_debt: f64,
}

/// The section of the results.
pub(crate) fn report(data: &Path, only: Option<&str>, borrowers: usize) -> Result<String> {
    let artifacts = Artifacts::load()?;
    let mut page = format!(
        "# One crash, side by side\n\n\
         {borrowers} borrowers with {COLLATERAL} WETH each and debts of 30 to 79 % of it; recorded prices of\n\
         ETH, scaled to {PRICE} USD at first. On Morpho Blue and Aave v3.6 an ideal keeper sends one\n\
         transaction for each unhealthy account right after each price. On Gage the sweep sells to bids worth\n\
         a fifth of all debt at 1 to 7.5 %, and the same keeper takes the rest. Thresholds: 86 % (Aave 83 %);\n\
         fixed bonus 4.38 % on Morpho Blue, 5 % on Aave, 3 to 10 % by health on Gage. Discount is what borrowers\n\
         lost over what was repaid for them. State root and disk are in none of the figures.\n\
         Made by `make bench ARGS=\"--only crash\"`.\n\n\
         | crash | fall | on | liquidations | by the sweep | µs each | gas each | mean discount | given away | bad debt |\n\
         | ----- | ---: | -- | -----------: | -----------: | ------: | -------: | ------------: | ---------: | -------: |\n"
    );
    let mut found = 0;
    let named = |crash: &&Crash| ["2020-03-12", "2024-08-05"].contains(&crash.name);
    for crash in CRASHES.iter().filter(named).filter(|crash| crash.is(only)) {
        let Some(path) = path(data, crash)? else {
            continue;
        };
        let place = path.assets.iter().position(|asset| asset == "ETH").context("no ETH")?;
        let first = path.prices[0][place];
        let prices = path.prices.iter().map(|prices| (prices[place] / first * PRICE as f64) as u64);
        let lows = lows(prices);
        found += 1;
        let contestants: [Box<dyn Crashing>; 3] = [
            Box::new(gage::Gage::default()),
            Box::new(morpho::Morpho::default()),
            Box::new(aave::Aave::default()),
        ];
        for mut subject in contestants {
            eprintln!("{}: {} borrowers on {}", crash.name, borrowers, subject.name());
            let done = play(subject.as_mut(), &artifacts, borrowers, &lows)?;
            row(&mut page, crash.name, path.fall(), subject.name(), &done)?;
        }
    }
    ensure!(found > 0, "{} has no crash's prices", data.display());
    page.push_str(READING);
    Ok(page)
}

fn row(page: &mut String, crash: &str, fall: f64, on: &str, done: &Outcome) -> Result<()> {
    let each = done.liquidations.max(1) as f64;
    writeln!(
        page,
        "| {crash} | {fall:.0} % | {on} | {} | {} | {:.1} | {:.0} | {:.2} % | ${:.0} | ${:.0} |",
        done.liquidations,
        done.swept,
        done.nanoseconds as f64 / 1e3 / each,
        done.gas as f64 / each,
        100.0 * done.given_away / done.repaid.max(1.0),
        done.given_away,
        done.bad_debt
    )?;
    Ok(())
}

/// The prices below all before them: no other makes anybody unhealthy.
fn lows(prices: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut lowest = PRICE;
    let fresh = prices.filter(|price| {
        let is_low = *price < lowest;
        lowest = lowest.min(*price);
        is_low
    });
    fresh.collect()
}

/// What a borrower draws, in USDC: 30 to 79 % of the collateral, spread evenly.
fn draw(index: usize, borrowers: usize) -> U256 {
    let least = COLLATERAL * PRICE * 30 / 100;
    let spread = COLLATERAL * PRICE * 49 / 100;
    // Neighbours owe different amounts.
    let place = (index * 7_919) % borrowers;
    Asset::Usdc.units(least + spread * place as u64 / borrowers as u64)
}

fn play(
    subject: &mut dyn Crashing,
    artifacts: &Artifacts,
    borrowers: usize,
    lows: &[u64],
) -> Result<Outcome> {
    let cast = Cast::new(borrowers);
    let mut chain = Chain::new(subject.engine(&cast), artifacts);
    subject.setup(&mut chain, &cast).with_context(|| format!("setting up {}", subject.name()))?;
    let all: u64 = (0..borrowers).map(|index| draw(index, borrowers).to::<u64>() / 1_000_000).sum();
    let lend = |sender: Address, amount| Action {
        operation: Operation::Supply,
        sender,
        account: sender,
        amount,
    };
    // All lenders lend all they have, which together with the treasury's is more than is drawn.
    for lender in &cast.lenders {
        let amount = chain.ask(
            cast.admin,
            subject.token(Asset::Usdc),
            &IToken::balanceOfCall { owner: *lender },
        )?;
        chain.send(*lender, subject.call(&lend(*lender, amount)))?;
    }
    subject.bid(&mut chain, &cast, all / 5)?;
    for (index, borrower) in cast.borrowers.iter().enumerate() {
        let amount = Asset::Weth.units(COLLATERAL);
        for (operation, amount) in
            [(Operation::SupplyCollateral, amount), (Operation::Borrow, draw(index, borrowers))]
        {
            let action = Action { operation, sender: *borrower, account: *borrower, amount };
            chain.send(*borrower, subject.call(&action))?;
        }
    }
    let mut done = Outcome::default();
    for usd in lows {
        chain.advance(900);
        subject.set_price(&mut chain, &cast, *usd)?;
        fall(subject, &mut chain, &cast, *usd, &mut done)?;
    }
    Ok(done)
}

/// Liquidates everybody whom a price has put below the limit.
fn fall(
    subject: &dyn Crashing,
    chain: &mut Chain<'_>,
    cast: &Cast,
    usd: u64,
    done: &mut Outcome,
) -> Result<()> {
    let mut due = Vec::new();
    for borrower in &cast.borrowers {
        let standing = subject.standing(chain, *borrower, usd)?;
        if standing.is_unhealthy {
            due.push((*borrower, standing));
        }
    }
    for batch in due.chunks(SWEEP_ACCOUNTS) {
        let ids: Vec<Address> = batch.iter().map(|(who, _)| *who).collect();
        let Some((receipt, repaid)) = subject.sweep(chain, &ids)? else {
            break;
        };
        let mut all = Standing::default();
        for (who, before) in batch {
            let after = subject.standing(chain, *who, usd)?;
            done.swept += u64::from(after.debt < before.debt);
            done.liquidations += u64::from(after.debt < before.debt);
            all.collateral += before.collateral - after.collateral;
            all.debt += before.debt - after.debt;
        }
        done.add(Sample::from(&receipt), repaid, all);
    }
    for (who, _) in due {
        // A keeper may have to come twice: a protocol may allow half of the debt at a time.
        for _ in 0..8 {
            let before = subject.standing(chain, who, usd)?;
            if !before.is_unhealthy || before.debt < 1.0 {
                break;
            }
            let held = held(subject, chain, cast)?;
            let call = subject.liquidate(chain, who, cast.liquidator, before)?;
            let receipt = chain
                .send(cast.liquidator, call)
                .with_context(|| format!("{}: at {usd} USD", subject.name()))?;
            let paid = held - self::held(subject, chain, cast)?;
            let after = subject.standing(chain, who, usd)?;
            done.liquidations += 1;
            let gone = Standing {
                collateral: before.collateral - after.collateral,
                debt: before.debt - after.debt,
                is_unhealthy: false,
            };
            done.add(Sample::from(&receipt), paid, gone);
        }
    }
    Ok(())
}

/// The keeper's USDC.
fn held(subject: &dyn Crashing, chain: &mut Chain<'_>, cast: &Cast) -> Result<f64> {
    let owner = cast.liquidator;
    let held =
        chain.ask(cast.admin, subject.token(Asset::Usdc), &IToken::balanceOfCall { owner })?;
    Ok(held.to::<u128>() as f64 / 1e6)
}

impl Outcome {
    /// Counts a transaction that repaid so much, and what is gone of the accounts.
    fn add(&mut self, sample: Sample, repaid: f64, gone: Standing) {
        self.nanoseconds += sample.nanoseconds;
        self.gas += sample.gas;
        self.repaid += repaid;
        self.given_away += gone.collateral - repaid;
        // Below a cent it is rounding.
        let unpaid = gone.debt - repaid;
        self.bad_debt += if unpaid > 0.01 { unpaid } else { 0.0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_new_lows_count() {
        let prices = [2_000, 1_990, 2_010, 1_990, 1_980, 1_985, 1_500];
        assert_eq!(lows(prices.into_iter()), [1_990, 1_980, 1_500]);
    }

    #[test]
    fn debts_are_spread_between_their_bounds() {
        let mut all: Vec<u64> = (0..1_000).map(|index| draw(index, 1_000).to()).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 1_000);
        assert!(all[0] >= 6_000_000_000 && all[999] < 15_800_000_000);
    }
}
