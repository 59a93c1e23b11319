//! Solidity's structs from and to the protocol's.

use super::Answer;
use super::margin::requirement;
use super::numbers::{assets, wad, wide};
use alloy_primitives::U256;
use gage_abi::{IMarket, IVault};
use gage_core::explain::Explanation;
use gage_core::groups::{Group, GroupTerms};
use gage_core::liquidation::{Kind, Plan};
use gage_core::listing::{CollateralTerms, MarketTerms};
use gage_core::rates::CurvePoint;
use gage_core::terms::{Binding, Generation, Kept, Move};
use gage_core::{
    Accrued, Bps, Collateral, Error, FeedId, InterestModel, Market, Timestamp, Wad, address,
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
    })
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

pub(super) fn rate_point(point: &CurvePoint) -> IVault::RatePoint {
    IVault::RatePoint {
        utilisation: U256::from(point.utilisation.get()),
        borrowRate: U256::from(point.borrow_rate.get()),
        supplyRate: U256::from(point.supply_rate.get()),
    }
}

pub(super) fn market_state(market: &Market, now: Timestamp) -> IMarket::MarketState {
    IMarket::MarketState {
        owner: market.owner,
        pause: market.pause.at(now).level as u8,
        liquidationResumesAt: market.liquidation_resumes_at.get(),
        targetHealth: U256::from(market.target_health.get()),
        fullBonusHealth: U256::from(market.full_bonus_health.get()),
        collaterals: market.collaterals.iter().copied().map(address::asset).collect(),
        vaults: market.vaults.iter().copied().map(address::vault).collect(),
        termsVersion: market.terms_version,
        groups: market.groups,
        recognised: market.recognised,
    }
}

pub(super) fn collateral_state(terms: &Collateral, kept: &Kept) -> IMarket::CollateralState {
    IMarket::CollateralState {
        feed: terms.feed.get(),
        ltv: terms.ltv.get(),
        threshold: terms.threshold.get(),
        bonusMin: terms.bonus_min.get(),
        bonusMax: terms.bonus_max.get(),
        riskWeight: terms.risk_weight.get(),
        cap: wide(terms.cap),
        total: wide(terms.total),
        kept: kept_terms(kept),
        moving: terms_move(kept),
    }
}

fn kept_terms(kept: &Kept) -> Vec<IMarket::KeptTerms> {
    let shown = |kept: &Generation| IMarket::KeptTerms {
        until: kept.until,
        threshold: kept.binding.threshold.get(),
        bonusMin: kept.binding.bonus_min.get(),
        bonusMax: kept.binding.bonus_max.get(),
    };
    kept.generations.iter().map(shown).collect()
}

fn terms_move(kept: &Kept) -> IMarket::TermsMove {
    let Move { start, end, below } = kept.moving.unwrap_or_default();
    IMarket::TermsMove { start: start.get(), end: end.get(), below }
}

pub(super) fn group_terms(terms: &IMarket::GroupTerms) -> GroupTerms {
    GroupTerms {
        ltv: Bps::new(terms.ltv),
        threshold: Bps::new(terms.threshold),
        bonus_min: Bps::new(terms.bonusMin),
        bonus_max: Bps::new(terms.bonusMax),
        band: Bps::new(terms.band),
    }
}

pub(super) fn group_state(market: &Market, group: &Group, kept: &Kept) -> IMarket::GroupState {
    let Group { ltv, binding, band, .. } = *group;
    let Binding { threshold, bonus_min, bonus_max } = binding;
    let terms = GroupTerms { ltv, threshold, bonus_min, bonus_max, band };
    let collaterals = (0..).zip(&market.collaterals).filter(|(place, _)| group.takes(*place));
    let vaults = (0..).zip(&market.vaults).filter(|(place, _)| group.lends(*place));
    IMarket::GroupState {
        name: group.label.as_str().to_owned(),
        terms: terms.into(),
        collaterals: collaterals.map(|(_, asset)| address::asset(*asset)).collect(),
        vaults: vaults.map(|(_, vault)| address::vault(*vault)).collect(),
        kept: kept_terms(kept),
        moving: terms_move(kept),
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
        thresholdNewest: view.newest.threshold.get(),
        moveStart: view.moving.map_or(0, |moving| moving.start.get()),
        moveEnd: view.moving.map_or(0, |moving| moving.end.get()),
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
        termsVersion: account.terms_version,
        group: account.group.get(),
        borrowRequirement: requirement(account.requirements.map(|both| both.borrow)),
        liquidationRequirement: requirement(account.requirements.map(|both| both.liquidation)),
    }
}

fn price_or_zero(price: Option<Wad>) -> U256 {
    price.map_or(U256::ZERO, |price| U256::from(price.get()))
}
