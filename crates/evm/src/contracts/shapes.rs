//! Solidity's structs from and to the protocol's.

use super::Answer;
use super::numbers::{assets, wad, wide};
use alloy_primitives::U256;
use gage_abi::{IMarket, IOracle, IVault};
use gage_core::explain::Explanation;
use gage_core::feed::FeedTerms;
use gage_core::liquidation::{Kind, Plan};
use gage_core::listing::{CollateralTerms, MarketTerms};
use gage_core::{
    Accrued, Bps, Collateral, Error, Feed, FeedId, InterestModel, Market, Timestamp, Wad, address,
};

/// The interest model that `rates` describe; its numbers are `gage_core`'s to check.
pub(super) fn model(rates: &IVault::Rates) -> Result<InterestModel, Error> {
    let value = u128::from(rates.kind);
    rates.model().ok_or(Error::InvalidParameter { name: "kind", value })
}

pub(super) fn market_terms(terms: &IMarket::MarketTerms) -> Answer<MarketTerms> {
    Ok(MarketTerms {
        target_health: wad(terms.targetHealth)?,
        full_bonus_health: wad(terms.fullBonusHealth)?,
    })
}

pub(super) fn collateral_terms(terms: &IMarket::CollateralTerms) -> Answer<CollateralTerms> {
    Ok(CollateralTerms {
        feed: FeedId::new(terms.feed),
        ltv: Bps::new(terms.ltv),
        threshold: Bps::new(terms.threshold),
        bonus_min: Bps::new(terms.bonusMin),
        bonus_max: Bps::new(terms.bonusMax),
        risk_weight: Bps::new(terms.riskWeight),
        cap: assets(terms.cap)?,
        ramp_seconds: terms.rampSeconds,
    })
}

pub(super) fn feed_terms(terms: &IOracle::FeedTerms) -> Answer<FeedTerms> {
    Ok(FeedTerms {
        max_age: terms.maxAge,
        price_min: wad(terms.priceMin)?,
        price_max: wad(terms.priceMax)?,
    })
}

pub(super) fn feed_state(id: FeedId, feed: &Feed, now: Timestamp) -> IOracle::FeedState {
    IOracle::FeedState {
        owner: feed.owner,
        description: feed.description.as_str().to_owned(),
        price: U256::from(feed.price.get()),
        updatedAt: feed.updated_at.get(),
        round: feed.round,
        maxAge: feed.max_age,
        priceMin: U256::from(feed.price_min.get()),
        priceMax: U256::from(feed.price_max.get()),
        fresh: feed.fresh_price(id, now).is_ok(),
        liquidationResumesAt: feed.liquidation_resumes_at.get(),
    }
}

pub(super) fn vault_state(accrued: &Accrued) -> IVault::VaultState {
    let vault = accrued.record();
    IVault::VaultState {
        asset: address::asset(vault.asset),
        curator: vault.curator,
        cash: U256::from(vault.cash.get()),
        debt: U256::from(accrued.debt().get()),
        reserves: U256::from(vault.reserves.get()),
        totalAssets: U256::from(accrued.total_assets().get()),
        totalShares: U256::from(vault.shares.get()),
        losses: U256::from(vault.losses.get()),
        borrowIndex: U256::from(vault.index.get()),
        borrowRate: U256::from(accrued.borrow_rate().get()),
        supplyRate: U256::from(accrued.supply_rate().get()),
        utilisation: U256::from(accrued.utilisation().get()),
        supplyCap: U256::from(vault.supply_cap.get()),
        borrowCap: U256::from(vault.borrow_cap.get()),
        reserveFee: vault.reserve_fee.get(),
        paused: vault.paused,
        rates: vault.model.into(),
    }
}

pub(super) fn market_state(market: &Market) -> IMarket::MarketState {
    IMarket::MarketState {
        owner: market.owner,
        pause: market.pause as u8,
        liquidationResumesAt: market.liquidation_resumes_at.get(),
        targetHealth: U256::from(market.target_health.get()),
        fullBonusHealth: U256::from(market.full_bonus_health.get()),
        collaterals: market.collaterals.iter().copied().map(address::asset).collect(),
        vaults: market.vaults.iter().copied().map(address::vault).collect(),
    }
}

pub(super) fn collateral_state(terms: &Collateral, now: Timestamp) -> IMarket::CollateralState {
    IMarket::CollateralState {
        feed: terms.feed.get(),
        ltv: terms.ltv.get(),
        threshold: terms.threshold.get(),
        thresholdNow: terms.threshold_at(now).get(),
        rampEnd: terms.ramp_end.get(),
        bonusMin: terms.bonus_min.get(),
        bonusMax: terms.bonus_max.get(),
        riskWeight: terms.risk_weight.get(),
        cap: wide(terms.cap),
        total: wide(terms.total),
    }
}

pub(super) fn liquidation_plan(plan: &Plan) -> IMarket::LiquidationPlan {
    IMarket::LiquidationPlan {
        repay: wide(plan.repaid()),
        seize: wide(plan.seized()),
        bonus: plan.bonus_bps().get(),
        badDebtValue: U256::from(plan.bad_debt_value.get()),
        closeOut: plan.kind == Kind::CloseOut,
        healthAfter: health(plan.health_after),
    }
}

/// A health factor; the largest number of 256 bits without debt.
pub(super) fn health(factor: Wad) -> U256 {
    if factor == Wad::MAX { U256::MAX } else { U256::from(factor.get()) }
}

pub(super) fn account_state(account: &Explanation) -> IMarket::AccountState {
    let collaterals = account.collaterals.iter().map(|view| IMarket::CollateralView {
        asset: address::asset(view.asset),
        amount: wide(view.amount),
        price: U256::from(view.price.get()),
        value: U256::from(view.value.get()),
        ltv: view.ltv.get(),
        threshold: view.threshold.get(),
        liquidationPrice: price_or_zero(view.liquidation_price),
    });
    let debts = account.debts.iter().map(|view| IMarket::DebtView {
        vault: address::vault(view.vault),
        asset: address::asset(view.asset),
        amount: wide(view.amount),
        price: U256::from(view.price.get()),
        value: U256::from(view.value.get()),
        rate: U256::from(view.rate.get()),
        liquidationPrice: price_or_zero(view.liquidation_price),
    });
    IMarket::AccountState {
        collaterals: collaterals.collect(),
        debts: debts.collect(),
        collateralValue: U256::from(account.totals.collateral_value.get()),
        debtValue: U256::from(account.totals.debt_value.get()),
        borrowLimit: U256::from(account.totals.borrow_limit.get()),
        liquidationLimit: U256::from(account.totals.liquidation_limit.get()),
        healthFactor: health(account.health_factor),
        riskPremium: account.risk_premium.get(),
        riskPremiumNow: account.risk_premium_now.get(),
    }
}

fn price_or_zero(price: Option<Wad>) -> U256 {
    price.map_or(U256::ZERO, |price| U256::from(price.get()))
}
