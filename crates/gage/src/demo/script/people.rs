//! Lenders, bidders, borrowers and the keeper: what each sends.

use alloy_primitives::U256;
use alloy_signer_local::PrivateKeySigner;
use gage_abi::{IAsset, IMarket, IVault};
use gage_core::shares::VIRTUAL_SHARES;

use super::Script;
use crate::{
    contracts::{self, MARKET, call},
    demo::{
        bidders::{self, Bid},
        borrowers::Borrower,
        world::{VAULTS, WAD, asset_of, id, vault_of},
    },
    keys::{Call, dev, dev_key},
};

/// Whole coins of the keeper; it wraps four fifths of them.
pub(super) const KEEPER_COINS: u128 = 50_000;

/// What each lender deposits, as assets.
pub(super) fn vault_assets(deposits: &[u128]) -> Vec<(u32, u128)> {
    VAULTS.iter().zip(deposits).map(|(vault, amount)| (vault.asset, *amount)).collect()
}

/// Lends to every vault.
pub(super) fn lender(key: PrivateKeySigner, deposits: &[u128]) -> Script {
    let receiver = key.address();
    let mut calls: Vec<Call> = wrap(&vault_assets(deposits)).into_iter().collect();
    for ((vault, terms), amount) in (1..).zip(&VAULTS).zip(deposits) {
        let deposit = IVault::depositCall { assets: U256::from(*amount), receiver };
        let what = format!("deposit into {}", terms.symbol);
        calls.push(call(contracts::vault(vault), &deposit, what));
    }
    Script { key, calls }
}

/// Lends, offers the shares for collateral, and stakes some of them.
pub(super) fn bidder(key: PrivateKeySigner, bids: &[Bid]) -> Script {
    let receiver = key.address();
    let lent = bidders::lent(bids);
    let tokens: Vec<_> =
        lent.iter().map(|(vault, amount)| (vault_of(*vault).asset, *amount)).collect();
    let mut calls: Vec<Call> = wrap(&tokens).into_iter().collect();
    for (vault, amount) in &lent {
        let deposit = IVault::depositCall { assets: U256::from(*amount), receiver };
        let what = format!("deposit into {}", vault_of(*vault).symbol);
        calls.push(call(contracts::vault(*vault), &deposit, what));
    }
    for Bid { market, vault, asset, tier, amount } in bids {
        let place = IMarket::placeBidCall {
            market: *market,
            vault: contracts::vault(*vault),
            asset: contracts::asset(*asset),
            tier: *tier,
            shares: U256::from(*amount) * U256::from(VIRTUAL_SHARES.get()),
        };
        calls.push(call(MARKET, &place, format!("bid for {}", asset_of(*asset).symbol)));
    }
    for ((market, vault), amount) in bidders::staked(bids) {
        let shares = U256::from(amount) * U256::from(VIRTUAL_SHARES.get());
        let stake = IMarket::stakeCall { market, vault: contracts::vault(vault), shares };
        calls.push(call(MARKET, &stake, format!("stake on {}", vault_of(vault).symbol)));
    }
    Script { key, calls }
}

/// Pledges, borrows, and leaves an order.
pub(super) fn borrower(key: PrivateKeySigner, plan: &Borrower) -> Script {
    let owner = key.address();
    let mut calls: Vec<Call> = wrap(&plan.pledges).into_iter().collect();
    for (asset, amount) in &plan.pledges {
        let supply = IMarket::supplyCollateralCall {
            market: plan.market,
            owner,
            sub: 0,
            asset: contracts::asset(*asset),
            amount: U256::from(*amount),
        };
        calls.push(call(MARKET, &supply, format!("pledge {}", asset_of(*asset).symbol)));
    }
    for (vault, amount) in &plan.debts {
        let borrow = IMarket::borrowCall {
            market: plan.market,
            sub: 0,
            vault: contracts::vault(*vault),
            amount: U256::from(*amount),
            receiver: owner,
        };
        calls.push(call(MARKET, &borrow, format!("borrow from {}", vault_of(*vault).symbol)));
    }
    let first = plan.pledges.first().zip(plan.debts.first());
    if let (Some(order), Some(((asset, _), (vault, _)))) = (plan.stop_loss, first) {
        let set = IMarket::setStopLossCall {
            market: plan.market,
            sub: 0,
            asset: contracts::asset(*asset),
            vault: contracts::vault(*vault),
            trigger: U256::from(order.trigger),
            target: U256::from(order.target),
            tierMax: order.tier_max,
        };
        calls.push(call(MARKET, &set, "leave a stop-loss order"));
    }
    Script { key, calls }
}

/// Wraps the coins among `tokens`.
fn wrap(tokens: &[(u32, u128)]) -> Option<Call> {
    let (_, value) = tokens.iter().find(|(asset, value)| *asset == id::WETH && *value > 0)?;
    let mut wrap = call(contracts::asset(id::WETH), &IAsset::depositCall {}, "wrap coins");
    wrap.value = U256::from(*value);
    Some(wrap)
}

/// The keeper's first step: coins to repay wrapped ones with.
pub(in crate::demo) fn keeper() -> anyhow::Result<Script> {
    let wrapped = [(id::WETH, KEEPER_COINS * 4 / 5 * WAD)];
    Ok(Script { key: dev_key(dev::KEEPER)?, calls: wrap(&wrapped).into_iter().collect() })
}
