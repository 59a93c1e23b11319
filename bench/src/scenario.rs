//! The story that every subject lives through, in operations of the same size, each one transaction:
//!
//! Lenders supply USDC; borrowers supply WETH and borrow, every other one close to what is allowed. A day later all
//! repay a part and withdraw a part. WETH then falls and the daring half is liquidated, in part, one by one.

use std::collections::BTreeMap;
use std::fmt;

use alloy_primitives::{Address, U256, keccak256};
use anyhow::{Context, Result, ensure};

use crate::artifact::Artifacts;
use crate::chain::{Call, Chain, Receipt};
use crate::engine::{Engine, ethereum};
use crate::token::{Asset, IToken};

/// USD per WETH until the fall.
pub(crate) const PRICE: u64 = 2_000;

/// USD per WETH after the fall.
const PRICE_FALLEN: u64 = 1_650;

/// USDC that each lender supplies.
const SUPPLIED: u64 = 10_000;

/// USDC that the treasury supplies for each lender, before anything is measured.
const SUPPLIED_BEFORE: u64 = 10_000;

/// USDC that each lender withdraws.
const WITHDRAWN: u64 = 1_000;

/// WETH that each borrower supplies, in tenths.
const COLLATERAL_TENTHS: u64 = 100;

/// WETH that each borrower withdraws, in tenths.
const COLLATERAL_WITHDRAWN_TENTHS: u64 = 5;

/// USDC that a careful borrower draws: 40 % of the collateral.
const BORROWED_CAREFULLY: u64 = 8_000;

/// USDC that a daring borrower draws: 75 % of the collateral.
const BORROWED_DARINGLY: u64 = 15_000;

/// USDC that each borrower repays.
const REPAID: u64 = 1_000;

/// USDC that the liquidator repays for each daring borrower.
const LIQUIDATED: u64 = 5_000;

/// Seconds between two blocks.
const BLOCK_SECONDS: u64 = 12;

/// Seconds that pass before borrowers repay.
const DAY_SECONDS: u64 = 86_400;

/// What is measured, in the order of the story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    Supply,
    SupplyCollateral,
    Borrow,
    Repay,
    WithdrawCollateral,
    Withdraw,
    Liquidate,
}

impl Operation {
    /// All of them, in the order of the story.
    pub(crate) const ALL: [Self; 7] = [
        Self::Supply,
        Self::SupplyCollateral,
        Self::Borrow,
        Self::Repay,
        Self::WithdrawCollateral,
        Self::Withdraw,
        Self::Liquidate,
    ];
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Supply => "supply",
            Self::SupplyCollateral => "supply collateral",
            Self::Borrow => "borrow",
            Self::Repay => "repay",
            Self::WithdrawCollateral => "withdraw collateral",
            Self::Withdraw => "withdraw",
            Self::Liquidate => "liquidate",
        })
    }
}

/// One transaction of the story.
pub(crate) struct Action {
    pub(crate) operation: Operation,
    /// Who signs: the account's owner, or the liquidator.
    pub(crate) sender: Address,
    /// Whose supply, collateral or debt it is.
    pub(crate) account: Address,
    /// In base units of WETH for collateral, of USDC otherwise; in a liquidation the debt to repay.
    pub(crate) amount: U256,
}

/// Everyone in the story.
pub(crate) struct Cast {
    /// Owns and configures contracts.
    pub(crate) admin: Address,
    /// Supplies the first USDC.
    pub(crate) treasury: Address,
    /// Liquidates everyone.
    pub(crate) liquidator: Address,
    pub(crate) lenders: Vec<Address>,
    pub(crate) borrowers: Vec<Address>,
}

impl Cast {
    /// A cast with `users` lenders and as many borrowers.
    pub(crate) fn new(users: usize) -> Self {
        let person =
            |role: &str, index: usize| Address::from_word(keccak256(format!("{role} {index}")));
        Self {
            admin: person("admin", 0),
            treasury: person("treasury", 0),
            liquidator: person("liquidator", 0),
            lenders: (0..users).map(|index| person("lender", index)).collect(),
            borrowers: (0..users).map(|index| person("borrower", index)).collect(),
        }
    }

    /// Who needs which tokens: every one of them must own `amount` of `asset` and let the protocol take it.
    pub(crate) fn endowments(&self) -> impl Iterator<Item = (Address, Asset, U256)> {
        let users = self.lenders.len() as u64;
        let lenders =
            self.lenders.iter().map(|lender| (*lender, Asset::Usdc, Asset::Usdc.units(SUPPLIED)));
        // Borrowers own what they borrow and must let the protocol take it back; they are given nothing of it.
        let borrowers = self.borrowers.iter().flat_map(|borrower| {
            [
                (*borrower, Asset::Weth, Asset::Weth.tenths(COLLATERAL_TENTHS)),
                (*borrower, Asset::Usdc, U256::ZERO),
            ]
        });
        let others = [
            (self.treasury, Asset::Usdc, self.first_supply()),
            (self.liquidator, Asset::Usdc, Asset::Usdc.units(LIQUIDATED * users * 4)),
        ];
        lenders.chain(borrowers).chain(others)
    }

    /// USDC that the treasury supplies before anything is measured, in base units.
    pub(crate) fn first_supply(&self) -> U256 {
        Asset::Usdc.units(SUPPLIED_BEFORE * self.lenders.len() as u64)
    }

    /// The transactions of one operation, in order.
    pub(crate) fn actions(&self, operation: Operation) -> Vec<Action> {
        let by = |people: &[Address], amount: U256| {
            let own =
                |person: &Address| Action { operation, sender: *person, account: *person, amount };
            people.iter().map(own).collect()
        };
        let usdc = |whole| Asset::Usdc.units(whole);
        let weth = |tenths| Asset::Weth.tenths(tenths);
        match operation {
            Operation::Supply => by(&self.lenders, usdc(SUPPLIED)),
            Operation::Withdraw => by(&self.lenders, usdc(WITHDRAWN)),
            Operation::SupplyCollateral => by(&self.borrowers, weth(COLLATERAL_TENTHS)),
            Operation::WithdrawCollateral => by(&self.borrowers, weth(COLLATERAL_WITHDRAWN_TENTHS)),
            Operation::Repay => by(&self.borrowers, usdc(REPAID)),
            Operation::Borrow => {
                let draw = |(index, borrower): (usize, &Address)| {
                    let amount =
                        usdc(if is_daring(index) { BORROWED_DARINGLY } else { BORROWED_CAREFULLY });
                    Action { operation, sender: *borrower, account: *borrower, amount }
                };
                self.borrowers.iter().enumerate().map(draw).collect()
            }
            Operation::Liquidate => {
                let mut actions: Vec<Action> = by(&self.borrowers, usdc(LIQUIDATED));
                actions.iter_mut().for_each(|action| action.sender = self.liquidator);
                actions
                    .into_iter()
                    .enumerate()
                    .filter(|(i, _)| is_daring(*i))
                    .map(|(_, a)| a)
                    .collect()
            }
        }
    }
}

/// Whether the borrower of this index borrows close to what is allowed.
fn is_daring(index: usize) -> bool {
    index % 2 == 1
}

/// A lending protocol that can live through the story.
pub(crate) trait Subject {
    /// The heading of its column.
    fn name(&self) -> &'static str;

    /// The EVM with the state it starts from.
    fn engine(&self, _cast: &Cast) -> Box<dyn Engine> {
        ethereum(&[])
    }

    /// Deploys and configures what is not in the first state; then everyone owns their endowment and lets the
    /// protocol take it, WETH costs [`PRICE`], and the treasury has supplied its USDC. Not measured.
    ///
    /// # Errors
    /// A transaction failed.
    fn setup(&mut self, chain: &mut Chain<'_>, cast: &Cast) -> Result<()>;

    /// WETH now costs so many USD. Not measured.
    ///
    /// # Errors
    /// A transaction failed.
    fn set_price(&self, chain: &mut Chain<'_>, cast: &Cast, usd: u64) -> Result<()>;

    /// The transaction that carries out an action.
    fn call(&self, action: &Action) -> Call;

    /// The ERC-20 of an asset.
    fn token(&self, asset: Asset) -> Address;
}

/// What one transaction cost.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) nanoseconds: u64,
    pub(crate) gas: u64,
}

impl From<&Receipt> for Sample {
    fn from(receipt: &Receipt) -> Self {
        Self { nanoseconds: receipt.took.as_nanos() as u64, gas: receipt.gas }
    }
}

/// The costs of every transaction, by operation.
pub(crate) type Samples = BTreeMap<Operation, Vec<Sample>>;

/// How a pass is run.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    /// Lenders, and borrowers.
    pub(crate) users: usize,
    /// Transactions that share a block, and so its time: only the first one accrues interest.
    pub(crate) per_block: usize,
}

/// Plays the story once, on a fresh chain, and adds what its transactions cost to `samples`.
///
/// # Errors
/// A transaction failed or did nothing, or the tokens are not where the story leaves them.
pub(crate) fn play(
    subject: &mut dyn Subject,
    artifacts: &Artifacts,
    plan: Plan,
    samples: &mut Samples,
) -> Result<()> {
    let cast = Cast::new(plan.users);
    let mut chain = Chain::new(subject.engine(&cast), artifacts);
    subject.setup(&mut chain, &cast).with_context(|| format!("setting up {}", subject.name()))?;

    for operation in Operation::ALL {
        match operation {
            Operation::Repay => chain.advance(DAY_SECONDS),
            Operation::Liquidate => subject.set_price(&mut chain, &cast, PRICE_FALLEN)?,
            _ => {}
        }
        for (index, action) in cast.actions(operation).iter().enumerate() {
            if index % plan.per_block == 0 {
                chain.advance(BLOCK_SECONDS);
            }
            let receipt = chain
                .send(action.sender, subject.call(action))
                .with_context(|| format!("{}: {operation} number {index}", subject.name()))?;
            // A call of an address without code succeeds, too.
            ensure!(
                !receipt.logs.is_empty(),
                "{}: {operation} number {index} did nothing",
                subject.name()
            );
            samples.entry(operation).or_default().push(Sample::from(&receipt));
        }
    }
    check_balances(subject, &mut chain, &cast)
}

/// The tokens are where the story leaves them, so no operation was smaller than it should be.
fn check_balances(subject: &dyn Subject, chain: &mut Chain<'_>, cast: &Cast) -> Result<()> {
    let mut balance = |asset: Asset, owner: Address| {
        chain.ask(cast.admin, subject.token(asset), &IToken::balanceOfCall { owner })
    };
    for (index, borrower) in cast.borrowers.iter().enumerate() {
        let borrowed = if is_daring(index) { BORROWED_DARINGLY } else { BORROWED_CAREFULLY };
        let usdc = balance(Asset::Usdc, *borrower)?;
        ensure!(usdc == Asset::Usdc.units(borrowed - REPAID), "borrower {index} has {usdc} USDC");
        let weth = balance(Asset::Weth, *borrower)?;
        ensure!(
            weth == Asset::Weth.tenths(COLLATERAL_WITHDRAWN_TENTHS),
            "borrower {index} has {weth} WETH"
        );
    }
    for (index, lender) in cast.lenders.iter().enumerate() {
        let usdc = balance(Asset::Usdc, *lender)?;
        ensure!(usdc == Asset::Usdc.units(WITHDRAWN), "lender {index} has {usdc} USDC");
    }

    let liquidations = cast.actions(Operation::Liquidate).len() as u64;
    let seized = balance(Asset::Weth, cast.liquidator)?;
    let worth = seized * U256::from(PRICE_FALLEN) / Asset::Weth.units(1);
    let repaid = U256::from(LIQUIDATED * liquidations);
    ensure!(worth >= repaid, "the liquidator repaid {repaid} USD for {worth} USD of WETH");
    Ok(())
}
