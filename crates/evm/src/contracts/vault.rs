//! A vault: ERC-4626, and its curator's decisions.

use super::numbers::{asset_id, assets, cap_or_none, shares, wad, wide};
use super::shapes::{model, rate_point, vault_state};
use super::{Answer, Frame, exits, misrouted};
use crate::gas;
use alloy_primitives::U256;
use alloy_sol_types::{SolCall, SolInterface};
use gage_abi::IVault::{self, IVaultCalls as Call};
use gage_core::curation::{self, Caps};
use gage_core::lending::{self, Exit};
use gage_core::{
    Accrued, Bps, FactorId, Ledger, MarketId, Shares, VaultId, address, exposure, rates,
};

pub(super) fn call(frame: &mut Frame<'_>, id: VaultId, call: Call) -> Answer {
    match call {
        Call::deposit(IVault::depositCall { assets: amount, receiver }) => {
            let (ledger, caller) = frame.act(gas::OPERATION)?;
            let minted = lending::deposit(ledger, caller, id, assets(amount)?, receiver)?;
            Ok(IVault::depositCall::abi_encode_returns(&wide_shares(minted)))
        }
        Call::mint(IVault::mintCall { shares: amount, receiver }) => {
            let (ledger, caller) = frame.act(gas::OPERATION)?;
            let paid = lending::mint(ledger, caller, id, shares(amount)?, receiver)?;
            Ok(IVault::mintCall::abi_encode_returns(&wide(paid)))
        }
        Call::withdraw(IVault::withdrawCall { assets: amount, receiver, owner }) => {
            let (ledger, caller) = frame.act(gas::OPERATION)?;
            let exit = Exit { receiver, owner };
            let burned = lending::withdraw(ledger, caller, id, assets(amount)?, exit)?;
            Ok(IVault::withdrawCall::abi_encode_returns(&wide_shares(burned)))
        }
        Call::redeem(IVault::redeemCall { shares: amount, receiver, owner }) => {
            let (ledger, caller) = frame.act(gas::OPERATION)?;
            let exit = Exit { receiver, owner };
            let paid = lending::redeem(ledger, caller, id, shares(amount)?, exit)?;
            Ok(IVault::redeemCall::abi_encode_returns(&wide(paid)))
        }
        Call::requestRedeem(_) | Call::claimExit(_) => exits::act(frame, id, call),
        Call::accrue(_) => {
            let (ledger, _) = frame.act(gas::SMALL)?;
            lending::accrue(ledger, id)?;
            Ok(Vec::new())
        }
        Call::setCurator(_)
        | Call::setReserveFee(_)
        | Call::setCaps(_)
        | Call::setRates(_)
        | Call::setPaused(_)
        | Call::setLineCap(_)
        | Call::setFactorCap(_)
        | Call::setCeiling(_)
        | Call::collectReserves(_) => curate(frame, id, call),
        Call::pendingRedeemRequest(_)
        | Call::claimableRedeemRequest(_)
        | Call::exitState(_)
        | Call::exitQueue(_) => exits::read(frame, id, call),
        view => read(frame, id, view),
    }
}

/// What only the curator may do.
fn curate(frame: &mut Frame<'_>, id: VaultId, call: Call) -> Answer {
    let (ledger, caller) = frame.act(gas::SMALL)?;
    match call {
        Call::setCurator(IVault::setCuratorCall { curator }) => {
            curation::set_curator(ledger, caller, id, curator)?;
        }
        Call::setReserveFee(IVault::setReserveFeeCall { reserveFee }) => {
            curation::set_reserve_fee(ledger, caller, id, Bps::new(reserveFee))?;
        }
        Call::setCaps(IVault::setCapsCall { supplyCap, borrowCap }) => {
            let caps = Caps { supply: assets(supplyCap)?, borrow: assets(borrowCap)? };
            curation::set_caps(ledger, caller, id, caps)?;
        }
        Call::setRates(IVault::setRatesCall { rates }) => {
            curation::set_model(ledger, caller, id, model(&rates)?)?;
        }
        Call::setPaused(IVault::setPausedCall { paused: true }) => {
            curation::pause_vault(ledger, caller, id)?;
        }
        Call::setPaused(IVault::setPausedCall { paused: false }) => {
            curation::resume_vault(ledger, caller, id)?;
        }
        Call::setLineCap(IVault::setLineCapCall { market, cap }) => {
            let market = MarketId::new(market);
            curation::set_line_cap(ledger, caller, id, market, assets(cap)?)?;
        }
        Call::setFactorCap(IVault::setFactorCapCall { factor, cap }) => {
            let (factor, cap) = (FactorId::new(factor), cap_or_none(cap)?);
            exposure::set_factor_cap(ledger, caller, id, factor, cap)?;
        }
        Call::setCeiling(IVault::setCeilingCall { market, asset, cap }) => {
            let line = (MarketId::new(market), id);
            exposure::set_ceiling(ledger, caller, line, asset_id(asset)?, cap_or_none(cap)?)?;
        }
        Call::collectReserves(IVault::collectReservesCall { to, assets: amount }) => {
            curation::collect_reserves(ledger, caller, id, to, assets(amount)?)?;
        }
        other => return Err(misrouted(other.selector())),
    }
    Ok(Vec::new())
}

fn read(frame: &mut Frame<'_>, id: VaultId, call: Call) -> Answer {
    let ledger = frame.view()?;
    Ok(match call {
        Call::asset(_) => {
            let asset = address::asset(ledger.vault(id)?.asset);
            IVault::assetCall::abi_encode_returns(&asset)
        }
        Call::totalAssets(_) => {
            let total = Accrued::load(ledger, id)?.total_assets();
            IVault::totalAssetsCall::abi_encode_returns(&wide(total))
        }
        Call::convertToShares(IVault::convertToSharesCall { assets: amount }) => {
            let pool = Accrued::load(ledger, id)?.pool();
            let worth = pool.shares_to_mint(assets(amount)?)?;
            IVault::convertToSharesCall::abi_encode_returns(&wide_shares(worth))
        }
        Call::convertToAssets(IVault::convertToAssetsCall { shares: amount }) => {
            let pool = Accrued::load(ledger, id)?.pool();
            let worth = pool.assets_to_pay(shares(amount)?)?;
            IVault::convertToAssetsCall::abi_encode_returns(&wide(worth))
        }
        Call::maxDeposit(_) => {
            let most = lending::max_deposit(ledger, id)?;
            IVault::maxDepositCall::abi_encode_returns(&wide(most))
        }
        Call::maxMint(_) => {
            let most = lending::max_mint(ledger, id)?;
            IVault::maxMintCall::abi_encode_returns(&wide_shares(most))
        }
        Call::maxWithdraw(IVault::maxWithdrawCall { owner }) => {
            let most = lending::max_withdraw(ledger, id, owner)?;
            IVault::maxWithdrawCall::abi_encode_returns(&wide(most))
        }
        Call::maxRedeem(IVault::maxRedeemCall { owner }) => {
            let most = lending::max_redeem(ledger, id, owner)?;
            IVault::maxRedeemCall::abi_encode_returns(&wide_shares(most))
        }
        Call::previewDeposit(IVault::previewDepositCall { assets: amount }) => {
            let minted = lending::preview_deposit(ledger, id, assets(amount)?)?;
            IVault::previewDepositCall::abi_encode_returns(&wide_shares(minted))
        }
        Call::previewMint(IVault::previewMintCall { shares: amount }) => {
            let paid = lending::preview_mint(ledger, id, shares(amount)?)?;
            IVault::previewMintCall::abi_encode_returns(&wide(paid))
        }
        Call::previewWithdraw(IVault::previewWithdrawCall { assets: amount }) => {
            let burned = lending::preview_withdraw(ledger, id, assets(amount)?)?;
            IVault::previewWithdrawCall::abi_encode_returns(&wide_shares(burned))
        }
        Call::previewRedeem(IVault::previewRedeemCall { shares: amount }) => {
            let paid = lending::preview_redeem(ledger, id, shares(amount)?)?;
            IVault::previewRedeemCall::abi_encode_returns(&wide(paid))
        }
        Call::lines(_) => {
            ledger.vault(id)?;
            let markets = ledger.vault_lines(id)?.into_iter().map(MarketId::get);
            IVault::linesCall::abi_encode_returns(&markets.collect())
        }
        Call::cappedFactors(_) => {
            ledger.vault(id)?;
            let factors = ledger.capped_factors(id)?.into_iter().map(FactorId::get);
            IVault::cappedFactorsCall::abi_encode_returns(&factors.collect())
        }
        Call::state(_) => {
            let state = vault_state(&Accrued::load(ledger, id)?);
            IVault::stateCall::abi_encode_returns(&state)
        }
        rates => return read_rates(frame, id, rates),
    })
}

fn read_rates(frame: &mut Frame<'_>, id: VaultId, call: Call) -> Answer {
    if let Call::rateCurve(IVault::rateCurveCall { intervals }) = call {
        let points = u64::from(intervals.min(rates::INTERVALS_MAX));
        frame.charge(points.saturating_mul(gas::CURVE_POINT))?;
    }
    let vault = Accrued::load(frame.view()?, id)?;
    Ok(match call {
        Call::rateAt(IVault::rateAtCall { utilisation }) => {
            let point = rate_point(&vault.rate_at(wad(utilisation)?));
            let IVault::RatePoint { borrowRate, supplyRate, .. } = point;
            IVault::rateAtCall::abi_encode_returns(&IVault::rateAtReturn { borrowRate, supplyRate })
        }
        Call::rateCurve(IVault::rateCurveCall { intervals }) => {
            let points = vault.curve(intervals)?;
            let points: Vec<_> = points.iter().map(rate_point).collect();
            IVault::rateCurveCall::abi_encode_returns(&points)
        }
        Call::ratesAfter(IVault::ratesAfterCall { elapsed }) => {
            let model = vault.model_after(elapsed);
            let borrow_rate = U256::from(model.rate(vault.utilisation()).get());
            let after = IVault::ratesAfterReturn { rates: model.into(), borrowRate: borrow_rate };
            IVault::ratesAfterCall::abi_encode_returns(&after)
        }
        other => return Err(misrouted(other.selector())),
    })
}

pub(super) fn wide_shares(amount: Shares) -> U256 {
    U256::from(amount.get())
}
