//! What the demo's actors send, each a fixed list: the sender's nonce says how far it has come, so
//! that a set-up that was cut off anywhere goes on where it stopped.

mod governor;
mod people;

use alloy_primitives::{Address, U256};
use alloy_signer_local::PrivateKeySigner;
use gage_abi::IERC20Permit;

use super::{
    bidders, borrowers,
    world::{WAD, asset_of, id, vault_of},
};
use crate::{
    contracts::{self, call},
    keys::{Call, actor_key, dev, dev_key},
};
use governor::governor;
pub(super) use people::keeper;
use people::{KEEPER_COINS, bidder, borrower, lender, vault_assets};

/// Lenders to each vault.
const LENDERS: u32 = 8;

/// Whole coins that each actor gets for gas: what all its waiting transactions may cost at most.
const GAS_COINS: u128 = 5;

/// One sender and all that it sends.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) key: PrivateKeySigner,
    pub(crate) calls: Vec<Call>,
}

/// All scripts, in phases: a phase starts when the one before is mined.
#[derive(Clone, Debug)]
pub(crate) struct Scripts {
    /// Assets, feeds, vaults, markets. Prices are published after it.
    pub(crate) world: Vec<Script>,
    /// Money for everyone.
    pub(crate) funding: Vec<Script>,
    /// Deposits.
    pub(crate) lending: Vec<Script>,
    /// Bids. A share is worth what it cost until somebody borrows, so that they can be counted out
    /// beforehand.
    pub(crate) bidding: Vec<Script>,
    /// Pledges and debts.
    pub(crate) borrowing: Vec<Script>,
}

/// Who lives in the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct People {
    /// What they are drawn from.
    pub(crate) seed: u64,
    pub(crate) borrowers: u32,
    /// Whether there are bidders.
    pub(crate) bids: bool,
    /// How many sources each feed has.
    pub(crate) sources: u8,
}

impl Scripts {
    /// The scripts of these people at these prices (wads, by asset id from 1).
    pub(crate) fn new(people: People, prices: &[u128]) -> anyhow::Result<Self> {
        let People { seed, borrowers, bids, sources } = people;
        let plan = borrowers::plan(seed, borrowers, prices);
        let bids = if bids { bidders::plan(seed, &plan, prices) } else { Vec::new() };
        let mut lent = borrowers::lent(&plan);
        // Bidders are lenders too: with and without them the vaults hold the same.
        for (vault, amount) in bids.iter().flat_map(|bids| bidders::lent(bids)) {
            let others = &mut lent[vault as usize - 1];
            *others = others.saturating_sub(amount);
        }
        let bidders = (0..)
            .zip(&bids)
            .filter(|(_, bids)| !bids.is_empty())
            .map(|(index, bids)| Ok((actor_key(seed, "bidder", index)?, bids)))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let lenders = (0..LENDERS)
            .map(|index| actor_key(seed, "lender", index))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let people = (0..borrowers)
            .map(|index| actor_key(seed, "borrower", index))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let deposits: Vec<u128> = lent.iter().map(|amount| amount / u128::from(LENDERS)).collect();
        let mut calls =
            vec![coins(dev_key(dev::KEEPER)?.address(), KEEPER_COINS * WAD, "the keeper")];
        for lender in &lenders {
            calls.extend(fund(lender.address(), &vault_assets(&deposits), "a lender"));
        }
        for (bidder, bids) in &bidders {
            let lent = bidders::lent(bids);
            let tokens: Vec<_> =
                lent.iter().map(|(vault, amount)| (vault_of(*vault).asset, *amount)).collect();
            calls.extend(fund(bidder.address(), &tokens, "a bidder"));
        }
        for (person, borrower) in people.iter().zip(&plan) {
            calls.extend(fund(person.address(), &borrower.pledges, "a borrower"));
        }
        let treasury = Script { key: dev_key(dev::TREASURY)?, calls };
        let lending = lenders.into_iter().map(|key| lender(key, &deposits)).collect();
        let bidding = bidders.into_iter().map(|(key, bids)| bidder(key, bids)).collect();
        let borrowing =
            people.into_iter().zip(plan).map(|(key, plan)| borrower(key, &plan)).collect();
        Ok(Self {
            world: vec![governor(sources)?],
            funding: vec![treasury],
            lending,
            bidding,
            borrowing,
        })
    }

    /// Transactions in all phases.
    pub(crate) fn len(&self) -> usize {
        let Self { world, funding, lending, bidding, borrowing } = self;
        let phases = [world, funding, lending, bidding, borrowing];
        phases.into_iter().flatten().map(|script| script.calls.len()).sum()
    }
}

/// Coins for gas and for what is to be wrapped, and tokens.
fn fund(to: Address, tokens: &[(u32, u128)], who: &str) -> Vec<Call> {
    let wrapped: u128 = tokens.iter().filter(|(asset, _)| *asset == id::WETH).map(|(_, v)| v).sum();
    let mut calls = vec![coins(to, wrapped + GAS_COINS * WAD, who)];
    for (asset, value) in tokens.iter().filter(|(asset, _)| *asset != id::WETH) {
        let transfer = IERC20Permit::transferCall { to, value: U256::from(*value) };
        let what = format!("send {} to {who}", asset_of(*asset).symbol);
        calls.push(call(contracts::asset(*asset), &transfer, what));
    }
    calls
}

fn coins(to: Address, wei: u128, who: &str) -> Call {
    let what = format!("send coins to {who}");
    Call { to, value: U256::from(wei), input: Default::default(), what }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::{
        prices::Prices,
        world::{ASSETS, MARKETS, VAULTS, market_of},
    };

    #[test]
    fn scripts_are_the_same_each_time() {
        let prices: Vec<u128> = Prices::new(0).at(0, None).into_iter().map(|(_, p)| p).collect();
        let people = People { seed: 1, borrowers: 20, bids: true, sources: 1 };
        let scripts = Scripts::new(people, &prices).unwrap();
        let again = Scripts::new(people, &prices).unwrap();
        assert_eq!(scripts.funding[0].calls, again.funding[0].calls);
        assert_eq!(scripts.borrowing.len(), 20);
        assert_eq!(scripts.len(), again.len());
        let without = Scripts::new(People { bids: false, ..people }, &prices).unwrap();
        assert!(without.bidding.is_empty() && !scripts.bidding.is_empty());
        let calls = |scripts: &Scripts| -> Vec<_> {
            scripts.borrowing.iter().map(|script| script.calls.clone()).collect()
        };
        assert_eq!(calls(&scripts), calls(&without));
    }

    #[test]
    fn tables_refer_to_what_exists() {
        for market in &MARKETS {
            for terms in market.collaterals {
                assert!(terms.asset as usize <= ASSETS.len());
                assert!(terms.ltv + 100 <= terms.threshold);
                let seized = u32::from(terms.threshold) * (10_000 + u32::from(terms.bonus_max));
                assert!(seized <= 100_000_000);
            }
            assert!(market.lines.iter().all(|(vault, _)| *vault as usize <= VAULTS.len()));
            assert!(market_of(1).lines.len() <= 8);
        }
    }
}
