//! `core`'s events in their Solidity form, one for one.

use crate::authority;
use crate::guards;
use crate::interfaces::{IAsset, IERC20Permit, IExit, IMarket, IRegistry, IVault};
use crate::prices;
use alloy_primitives::{Address, LogData, U256};
use alloy_sol_types::SolEvent;
use gage_core::address::{self, MARKET, ORACLE, REGISTRY};
use gage_core::terms::Subject;
use gage_core::{Assets, Event, FactorId, Shares, StakeId, VaultId, Wad};

/// An amount in 256 bits.
pub(crate) fn wide(assets: Assets) -> U256 {
    U256::from(assets.get())
}

fn wide_shares(shares: Shares) -> U256 {
    U256::from(shares.get())
}

/// A cap; the largest number of 256 bits for none.
fn wide_cap(cap: Option<Assets>) -> U256 {
    cap.map_or(U256::MAX, wide)
}

fn of_vault(vault: VaultId, event: &impl SolEvent) -> (Address, LogData) {
    (address::vault(vault), event.encode_log_data())
}

fn of_exits(vault: VaultId, event: &impl SolEvent) -> (Address, LogData) {
    (address::exits(vault), event.encode_log_data())
}

fn of_market(event: &impl SolEvent) -> (Address, LogData) {
    (MARKET, event.encode_log_data())
}

fn of_registry(event: &impl SolEvent) -> (Address, LogData) {
    (REGISTRY, event.encode_log_data())
}

/// A health factor; the largest number of 256 bits without debt.
pub(crate) fn health(factor: Wad) -> U256 {
    if factor == Wad::MAX { U256::MAX } else { U256::from(factor.get()) }
}

/// The log of `event`: which native contract emits it, and its topics and data.
#[must_use]
#[allow(clippy::too_many_lines, reason = "one arm for each variant, and nothing else")]
pub fn encode_event(event: &Event) -> (Address, LogData) {
    match *event {
        Event::Transfer { token, from, to, value } => {
            let log = IERC20Permit::Transfer { from, to, value: U256::from(value) };
            (address::token(token), log.encode_log_data())
        }
        Event::Approval { token, owner, spender, value } => {
            let log = IERC20Permit::Approval { owner, spender, value };
            (address::token(token), log.encode_log_data())
        }
        Event::IssuerChanged { asset, issuer } => {
            (address::asset(asset), IAsset::IssuerChanged { issuer }.encode_log_data())
        }
        Event::Wrapped { asset, account, value } => {
            let log = IAsset::Deposit { account, value: wide(value) };
            (address::asset(asset), log.encode_log_data())
        }
        Event::Unwrapped { asset, account, value } => {
            let log = IAsset::Withdrawal { account, value: wide(value) };
            (address::asset(asset), log.encode_log_data())
        }
        Event::Deposit { vault, sender, owner, assets, shares } => {
            let (assets, shares) = (wide(assets), wide_shares(shares));
            of_vault(vault, &IVault::Deposit { sender, owner, assets, shares })
        }
        Event::Withdraw { vault, sender, receiver, owner, assets, shares } => {
            let (assets, shares) = (wide(assets), wide_shares(shares));
            of_vault(vault, &IVault::Withdraw { sender, receiver, owner, assets, shares })
        }
        Event::ExitRequested { place, sender, owner, controller, shares } => {
            let (request, shares) = (U256::from(place.number), wide_shares(shares));
            let log =
                IVault::RedeemRequest { controller, owner, requestId: request, sender, shares };
            of_vault(place.vault, &log)
        }
        Event::ExitsFilled { vault, shares, assets, waiting } => {
            let (shares, waiting) = (wide_shares(shares), wide_shares(waiting));
            of_vault(vault, &IVault::ExitsFilled { shares, assets: wide(assets), waiting })
        }
        Event::ExitClaimed { place, receiver, shares, assets } => {
            let (request, shares) = (U256::from(place.number), wide_shares(shares));
            let assets = wide(assets);
            of_vault(
                place.vault,
                &IVault::ExitClaimed { requestId: request, receiver, shares, assets },
            )
        }
        Event::PlaceMoved { place, from, to } => {
            of_exits(place.vault, &IExit::Transfer { from, to, tokenId: U256::from(place.number) })
        }
        Event::PlaceApproved { place, owner, approved } => {
            let token = U256::from(place.number);
            of_exits(place.vault, &IExit::Approval { owner, approved, tokenId: token })
        }
        Event::PlaceOperatorChanged { vault, owner, operator, allowed } => {
            of_exits(vault, &IExit::ApprovalForAll { owner, operator, approved: allowed })
        }
        Event::Accrued { vault, interest, fee, borrow_index } => {
            let (interest, fee) = (wide(interest), wide(fee));
            let borrow_index = U256::from(borrow_index.get());
            of_vault(vault, &IVault::Accrued { interest, fee, borrowIndex: borrow_index })
        }
        Event::LossRealised {
            vault,
            market,
            shortfall,
            from_first_loss,
            from_reserves,
            from_lenders,
        } => {
            let log = IVault::LossRealised {
                market: market.get(),
                shortfall: wide(shortfall),
                fromFirstLoss: wide(from_first_loss),
                fromReserves: wide(from_reserves),
                fromLenders: wide(from_lenders),
            };
            of_vault(vault, &log)
        }
        Event::CuratorChanged { vault, curator } => {
            of_vault(vault, &IVault::CuratorChanged { curator })
        }
        Event::ReserveFeeChanged { vault, reserve_fee } => {
            of_vault(vault, &IVault::ReserveFeeChanged { reserveFee: reserve_fee.get() })
        }
        Event::CapsChanged { vault, supply_cap, borrow_cap } => {
            let (supply_cap, borrow_cap) = (wide(supply_cap), wide(borrow_cap));
            let log = IVault::CapsChanged { supplyCap: supply_cap, borrowCap: borrow_cap };
            of_vault(vault, &log)
        }
        Event::RatesChanged { vault, rates } => {
            of_vault(vault, &IVault::RatesChanged { rates: rates.into() })
        }
        Event::VaultPauseChanged { vault, paused } => {
            of_vault(vault, &IVault::PauseChanged { paused })
        }
        Event::LineCapChanged { vault, market, cap } => {
            of_vault(vault, &IVault::LineCapChanged { market: market.get(), cap: wide(cap) })
        }
        Event::FactorCapChanged { vault, factor, cap } => {
            let (factor, cap) = (factor.get(), wide_cap(cap));
            of_vault(vault, &IVault::FactorCapChanged { factor, cap })
        }
        Event::CeilingChanged { vault, market, asset, cap } => {
            let (market, asset, cap) = (market.get(), address::asset(asset), wide_cap(cap));
            of_vault(vault, &IVault::CeilingChanged { market, asset, cap })
        }
        Event::ReservesCollected { vault, to, assets } => {
            of_vault(vault, &IVault::ReservesCollected { to, assets: wide(assets) })
        }
        Event::MarketCreated { market, owner } => {
            of_market(&IMarket::MarketCreated { market: market.get(), owner })
        }
        Event::MarketTermsChanged { market, terms } => {
            let terms = IMarket::MarketTerms::from(terms);
            of_market(&IMarket::MarketTermsChanged {
                market: market.get(),
                targetHealth: terms.targetHealth,
                fullBonusHealth: terms.fullBonusHealth,
            })
        }
        Event::MarketOwnerChanged { market, owner } => {
            of_market(&IMarket::MarketOwnerChanged { market: market.get(), owner })
        }
        Event::RecognitionChanged { market, recognised } => {
            of_market(&IMarket::RecognitionChanged { market: market.get(), recognised })
        }
        Event::MarketPauseChanged { .. }
        | Event::BreakerChanged { .. }
        | Event::BreakerTripped { .. }
        | Event::BreakerRecovered { .. }
        | Event::DrawMeterChanged { .. }
        | Event::DrawMeterLow { .. } => (MARKET, guards::log(event)),
        Event::CollateralListed { market, asset, terms } => {
            let (asset, terms) = (address::asset(asset), terms.into());
            of_market(&IMarket::CollateralListed { market: market.get(), asset, terms })
        }
        Event::CollateralChanged { market, asset, terms } => {
            let (asset, terms) = (address::asset(asset), terms.into());
            of_market(&IMarket::CollateralChanged { market: market.get(), asset, terms })
        }
        Event::MoveScheduled { market, subject: Subject::Collateral(asset), start, end } => {
            let (asset, start, end) = (address::asset(asset), start.get(), end.get());
            let market = market.get();
            of_market(&IMarket::CollateralMoveScheduled { market, asset, start, end })
        }
        Event::MoveScheduled { market, subject: Subject::Group(group), start, end } => {
            let (group, start, end) = (group.get(), start.get(), end.get());
            of_market(&IMarket::GroupMoveScheduled { market: market.get(), group, start, end })
        }
        Event::GroupCreated { market, group, label, terms } => {
            let (market, group, terms) = (market.get(), group.get(), terms.into());
            let name = label.as_str().into();
            of_market(&IMarket::GroupCreated { market, group, name, terms })
        }
        Event::GroupTermsChanged { market, group, terms } => {
            let (market, group, terms) = (market.get(), group.get(), terms.into());
            of_market(&IMarket::GroupTermsChanged { market, group, terms })
        }
        Event::GroupMembersChanged { market, group, collaterals, vaults } => {
            let (market, group) = (market.get(), group.get());
            of_market(&IMarket::GroupMembersChanged { market, group, collaterals, vaults })
        }
        Event::GroupChanged { account, group } => of_market(&IMarket::GroupChanged {
            market: account.market.get(),
            owner: account.owner,
            sub: account.sub,
            group: group.get(),
        }),
        Event::MarginChanged { market, generation, margin, ramp_start, ramp_end } => {
            of_market(&IMarket::MarginChanged {
                market: market.get(),
                generation,
                terms: margin.into(),
                rampStart: ramp_start.get(),
                rampEnd: ramp_end.get(),
            })
        }
        Event::MarginFactorSet { market, generation, asset, ref factor } => {
            let factor = IMarket::MarginFactor::from((asset, factor));
            let (market, asset) = (market.get(), address::asset(asset));
            of_market(&IMarket::MarginFactorSet { market, asset, generation, factor })
        }
        Event::VaultListed { market, vault, feed, min_debt } => of_market(&IMarket::VaultListed {
            market: market.get(),
            vault: address::vault(vault),
            feed: feed.get(),
            minDebt: wide(min_debt),
        }),
        Event::CollateralSupplied { account, asset, payer, amount } => {
            of_market(&IMarket::CollateralSupplied {
                market: account.market.get(),
                owner: account.owner,
                asset: address::asset(asset),
                sub: account.sub,
                payer,
                amount: wide(amount),
            })
        }
        Event::CollateralWithdrawn { account, asset, receiver, amount } => {
            of_market(&IMarket::CollateralWithdrawn {
                market: account.market.get(),
                owner: account.owner,
                asset: address::asset(asset),
                sub: account.sub,
                receiver,
                amount: wide(amount),
            })
        }
        Event::Borrowed { account, vault, receiver, amount } => of_market(&IMarket::Borrowed {
            market: account.market.get(),
            owner: account.owner,
            vault: address::vault(vault),
            sub: account.sub,
            receiver,
            amount: wide(amount),
        }),
        Event::RiskPremiumChanged { account, premium } => of_market(&IMarket::RiskPremiumChanged {
            market: account.market.get(),
            owner: account.owner,
            sub: account.sub,
            premium: premium.get(),
        }),
        Event::Repaid { account, vault, payer, amount } => of_market(&IMarket::Repaid {
            market: account.market.get(),
            owner: account.owner,
            vault: address::vault(vault),
            sub: account.sub,
            payer,
            amount: wide(amount),
        }),
        Event::Liquidated {
            account,
            liquidator,
            vault,
            asset,
            repaid,
            seized,
            health_factor,
            bonus,
        } => of_market(&IMarket::Liquidated {
            market: account.market.get(),
            owner: account.owner,
            liquidator,
            sub: account.sub,
            vault: address::vault(vault),
            asset: address::asset(asset),
            repaid: wide(repaid),
            seized: wide(seized),
            healthFactor: U256::from(health_factor.get()),
            bonus: bonus.get(),
        }),
        Event::BidPlaced { bid, shares } => of_market(&IMarket::BidPlaced {
            market: bid.queue.market.get(),
            bidder: bid.bidder,
            vault: address::vault(bid.queue.vault),
            asset: address::asset(bid.queue.asset),
            tier: bid.tier.get(),
            shares: wide_shares(shares),
        }),
        Event::BidWithdrawalAnnounced { bid, opens_at } => {
            of_market(&IMarket::BidWithdrawalAnnounced {
                market: bid.queue.market.get(),
                bidder: bid.bidder,
                vault: address::vault(bid.queue.vault),
                asset: address::asset(bid.queue.asset),
                tier: bid.tier.get(),
                opensAt: U256::from(opens_at.get()),
            })
        }
        Event::BidWithdrawn { bid, receiver, shares } => of_market(&IMarket::BidWithdrawn {
            market: bid.queue.market.get(),
            bidder: bid.bidder,
            vault: address::vault(bid.queue.vault),
            asset: address::asset(bid.queue.asset),
            tier: bid.tier.get(),
            receiver,
            shares: wide_shares(shares),
        }),
        Event::BidClaimed { bid, receiver, amount } => of_market(&IMarket::BidClaimed {
            market: bid.queue.market.get(),
            bidder: bid.bidder,
            vault: address::vault(bid.queue.vault),
            asset: address::asset(bid.queue.asset),
            tier: bid.tier.get(),
            receiver,
            amount: wide(amount),
        }),
        Event::BidsFilled { account, queue, tier, shares, repaid, seized, price, debt_price } => {
            of_market(&IMarket::BidsFilled {
                market: account.market.get(),
                owner: account.owner,
                vault: address::vault(queue.vault),
                sub: account.sub,
                asset: address::asset(queue.asset),
                discount: tier.discount().get(),
                shares: wide_shares(shares),
                repaid: wide(repaid),
                seized: wide(seized),
                price: U256::from(price.get()),
                debtPrice: U256::from(debt_price.get()),
            })
        }
        Event::Swept {
            account,
            reason,
            health_before,
            health_after,
            collateral_value,
            debt_value,
        } => of_market(&IMarket::Swept {
            market: account.market.get(),
            owner: account.owner,
            sub: account.sub,
            reason: reason as u8,
            healthBefore: health(health_before),
            healthAfter: health(health_after),
            collateralValue: U256::from(collateral_value.get()),
            debtValue: U256::from(debt_value.get()),
        }),
        Event::StopLossChanged { account, order } => of_market(&IMarket::StopLossChanged {
            market: account.market.get(),
            owner: account.owner,
            sub: account.sub,
            order: IMarket::StopLoss::from(order),
        }),
        Event::OperatorChanged { account, operator, terms } => {
            of_market(&authority::operator_changed(&account, operator, &terms))
        }
        Event::CreditDelegated { id, credit } => {
            of_market(&authority::credit_delegated(&id, &credit))
        }
        Event::CreditDrawn { id, amount, left } => {
            of_market(&authority::credit_drawn(&id, amount, left))
        }
        Event::SignaturesVoided { owner, next } => {
            of_market(&IMarket::SignaturesVoided { owner, next })
        }
        Event::Rehomed { from, to, health_factor } => of_market(&IMarket::Rehomed {
            market: from.market.get(),
            owner: from.owner,
            toMarket: to.market.get(),
            sub: from.sub,
            toSub: to.sub,
            healthFactor: health(health_factor),
        }),
        Event::CollateralRehomed { from, to, asset, amount } => {
            of_market(&authority::collateral_rehomed((&from, &to), asset, amount))
        }
        Event::DebtRehomed { from, to, vaults, amount } => {
            of_market(&authority::debt_rehomed((&from, &to), vaults, amount))
        }
        Event::FirstLossStaked { stake, shares, units } => {
            let StakeId { market, vault, staker } = stake;
            of_market(&IMarket::FirstLossStaked {
                market: market.get(),
                staker,
                vault: address::vault(vault),
                shares: wide_shares(shares),
                units: U256::from(units.get()),
            })
        }
        Event::UnstakeAnnounced { stake, opens_at } => {
            let StakeId { market, vault, staker } = stake;
            of_market(&IMarket::UnstakeAnnounced {
                market: market.get(),
                staker,
                vault: address::vault(vault),
                opensAt: U256::from(opens_at.get()),
            })
        }
        Event::FirstLossUnstaked { stake, receiver, units, shares } => {
            let StakeId { market, vault, staker } = stake;
            of_market(&IMarket::FirstLossUnstaked {
                market: market.get(),
                staker,
                vault: address::vault(vault),
                receiver,
                units: U256::from(units.get()),
                shares: wide_shares(shares),
            })
        }
        Event::FirstLossRewarded { market, vault, assets, shares } => {
            of_market(&IMarket::FirstLossRewarded {
                market: market.get(),
                vault: address::vault(vault),
                assets: wide(assets),
                shares: wide_shares(shares),
            })
        }
        Event::FirstLossPremiumChanged { market, vault, premium } => {
            of_market(&IMarket::FirstLossPremiumChanged {
                market: market.get(),
                vault: address::vault(vault),
                premium: premium.get(),
            })
        }
        Event::LossPending { account, vault, until } => of_market(&IMarket::LossPending {
            market: account.market.get(),
            owner: account.owner,
            vault: address::vault(vault),
            sub: account.sub,
            until: U256::from(until.get()),
        }),
        Event::BadDebt { account, vault, amount } => of_market(&IMarket::BadDebt {
            market: account.market.get(),
            owner: account.owner,
            vault: address::vault(vault),
            sub: account.sub,
            amount: wide(amount),
        }),
        Event::FeedCreated { .. }
        | Event::FeedTermsChanged { .. }
        | Event::SourceChanged { .. }
        | Event::SourceRemoved { .. }
        | Event::PoolTermsChanged { .. }
        | Event::FallbackChanged { .. }
        | Event::FeedFrozen { .. }
        | Event::FeedUnfrozen { .. }
        | Event::ComputedFeedCreated { .. }
        | Event::ShareFeedCreated { .. }
        | Event::GrowthCapChanged { .. }
        | Event::RateCapped { .. }
        | Event::PriceUpdated { .. }
        | Event::OutlierRejected { .. }
        | Event::QuorumMissed { .. }
        | Event::SignersChanged { .. }
        | Event::DoubtBegan { .. }
        | Event::DoubtEnded { .. } => (ORACLE, prices::log(event)),
        Event::AssetCreated { asset, issuer, name, symbol, decimals } => {
            of_registry(&IRegistry::AssetCreated {
                asset: address::asset(asset),
                issuer,
                name: name.as_str().into(),
                symbol: symbol.as_str().into(),
                decimals,
            })
        }
        Event::VaultCreated { vault, asset, curator, name, symbol } => {
            of_registry(&IRegistry::VaultCreated {
                vault: address::vault(vault),
                asset: address::asset(asset),
                curator,
                name: name.as_str().into(),
                symbol: symbol.as_str().into(),
            })
        }
        Event::FactorRegistered { factor, kind, label } => {
            let (factor, kind, label) = (factor.get(), kind as u8, label.as_str().into());
            of_registry(&IRegistry::FactorRegistered { factor, kind, label })
        }
        Event::AssetTagged { asset, kind, factor } => {
            let factor = factor.map_or(0, FactorId::get);
            let (asset, kind) = (address::asset(asset), kind as u8);
            of_registry(&IRegistry::AssetTagged { asset, kind, factor })
        }

        Event::RebasingCreated { asset, name, symbol, rate } => {
            of_registry(&IRegistry::RebasingCreated {
                token: address::rebasing(asset),
                asset: address::asset(asset),
                name: name.as_str().into(),
                symbol: symbol.as_str().into(),
                rateFeed: rate.get(),
            })
        }
        Event::GovernanceChanged { governance } => {
            of_registry(&IRegistry::GovernanceChanged { governance })
        }
        Event::GuardianChanged { guardian } => {
            of_registry(&IRegistry::GuardianChanged { guardian })
        }
    }
}
