//! `core`'s errors in their Solidity form, one for one.

use crate::{events::health, interfaces::IGageErrors as Sol};
use alloy_primitives::{Bytes, U256};
use alloy_sol_types::SolError;
use gage_core::Error;

fn data(error: &impl SolError) -> Bytes {
    error.abi_encode().into()
}

fn wide(number: u128) -> U256 {
    U256::from(number)
}

/// The revert data of `error`: the selector and values of the Solidity error of the same cause.
#[must_use]
#[allow(clippy::too_many_lines, reason = "one arm for each variant, and nothing else")]
pub fn encode_error(error: &Error) -> Bytes {
    match *error {
        Error::Overflow => data(&Sol::Overflow {}),
        Error::ZeroAmount => data(&Sol::ZeroAmount {}),
        Error::ZeroAddress => data(&Sol::ZeroAddress {}),
        Error::InvalidParameter { name, value } => {
            data(&Sol::InvalidParameter { name: name.into(), value: wide(value) })
        }
        Error::UnknownAsset { asset } => data(&Sol::UnknownAsset { asset: asset.get() }),
        Error::UnknownVault { vault } => data(&Sol::UnknownVault { vault: vault.get() }),
        Error::UnknownMarket { market } => data(&Sol::UnknownMarket { market: market.get() }),
        Error::UnknownFeed { feed } => data(&Sol::UnknownFeed { feed: feed.get() }),
        Error::UnknownFactor { factor } => data(&Sol::UnknownFactor { factor: factor.get() }),
        Error::CollateralNotListed { market, asset } => {
            data(&Sol::CollateralNotListed { market: market.get(), asset: asset.get() })
        }
        Error::VaultNotListed { market, vault } => {
            data(&Sol::VaultNotListed { market: market.get(), vault: vault.get() })
        }
        Error::UnknownGroup { market, group } => {
            data(&Sol::UnknownGroup { market: market.get(), group: group.get() })
        }
        Error::SameGroup { market, group } => {
            data(&Sol::SameGroup { market: market.get(), group: group.get() })
        }
        Error::OutsideGroup { market, group, vault } => data(&Sol::OutsideGroup {
            market: market.get(),
            group: group.get(),
            vault: vault.get(),
        }),
        Error::TooManyKept { market, most } => {
            data(&Sol::TooManyKept { market: market.get(), most: U256::from(most) })
        }
        Error::NothingToMove { market } => data(&Sol::NothingToMove { market: market.get() }),
        Error::MoveNotOver { ends_at } => {
            data(&Sol::MoveNotOver { endsAt: U256::from(ends_at.get()) })
        }
        Error::AlreadyListed { market, id } => {
            data(&Sol::AlreadyListed { market: market.get(), id })
        }
        Error::TooManyListed { market, most } => {
            data(&Sol::TooManyListed { market: market.get(), most: U256::from(most) })
        }
        Error::TooManyLines { vault, most } => {
            data(&Sol::TooManyLines { vault: vault.get(), most: U256::from(most) })
        }
        Error::TooManyTagged { factor, most } => {
            data(&Sol::TooManyTagged { factor: factor.get(), most: U256::from(most) })
        }
        Error::TooManyFactorCaps { vault, most } => {
            data(&Sol::TooManyFactorCaps { vault: vault.get(), most: U256::from(most) })
        }
        Error::NotAuthorised { actor, role } => {
            data(&Sol::NotAuthorised { actor, role: role.name().into() })
        }
        Error::NotPermitted { actor, owner, permission } => {
            data(&Sol::NotPermitted { actor, owner, permission: permission.name().into() })
        }
        Error::AuthorisationExpired { expired_at } => {
            data(&Sol::AuthorisationExpired { expiredAt: U256::from(expired_at.get()) })
        }
        Error::InsufficientCredit { delegatee, limit, asked } => {
            let (limit, asked) = (wide(limit.get()), wide(asked.get()));
            data(&Sol::InsufficientCredit { delegatee, limit, asked })
        }
        Error::InsufficientBalance { sender, balance, needed } => {
            let (balance, needed) = (wide(balance), wide(needed));
            data(&Sol::ERC20InsufficientBalance { sender, balance, needed })
        }
        Error::InsufficientAllowance { spender, allowance, needed } => {
            let needed = wide(needed);
            data(&Sol::ERC20InsufficientAllowance { spender, allowance, needed })
        }
        Error::InvalidReceiver { receiver } => data(&Sol::ERC20InvalidReceiver { receiver }),
        Error::ExpiredSignature { deadline } => data(&Sol::ERC2612ExpiredSignature { deadline }),
        Error::InvalidSigner { signer, owner } => {
            data(&Sol::ERC2612InvalidSigner { signer, owner })
        }
        Error::NotMintable { asset } => data(&Sol::NotMintable { asset: asset.get() }),
        Error::NotRebasing { asset } => data(&Sol::NotRebasing { asset: asset.get() }),
        Error::RebasingExists { asset } => data(&Sol::RebasingExists { asset: asset.get() }),
        Error::NotWrapper { asset } => data(&Sol::NotWrapper { asset: asset.get() }),
        Error::ExceededMaxDeposit { receiver, assets, most } => {
            let (assets, most) = (wide(assets.get()), wide(most.get()));
            data(&Sol::ERC4626ExceededMaxDeposit { receiver, assets, most })
        }
        Error::ExceededMaxMint { receiver, shares, most } => {
            let (shares, most) = (wide(shares.get()), wide(most.get()));
            data(&Sol::ERC4626ExceededMaxMint { receiver, shares, most })
        }
        Error::ExceededMaxWithdraw { owner, assets, most } => {
            let (assets, most) = (wide(assets.get()), wide(most.get()));
            data(&Sol::ERC4626ExceededMaxWithdraw { owner, assets, most })
        }
        Error::ExceededMaxRedeem { owner, shares, most } => {
            let (shares, most) = (wide(shares.get()), wide(most.get()));
            data(&Sol::ERC4626ExceededMaxRedeem { owner, shares, most })
        }
        Error::ZeroShares { assets } => data(&Sol::ZeroShares { assets: wide(assets.get()) }),
        Error::Illiquid { cash, asked } => {
            data(&Sol::Illiquid { cash: wide(cash.get()), asked: wide(asked.get()) })
        }
        Error::VaultPaused { vault } => data(&Sol::VaultPaused { vault: vault.get() }),
        Error::VaultWipedOut { vault } => data(&Sol::VaultWipedOut { vault: vault.get() }),
        Error::ReservesTooLow { reserves, asked } => {
            data(&Sol::ReservesTooLow { reserves: wide(reserves.get()), asked: wide(asked.get()) })
        }
        Error::MarketPaused { market, level, until } => {
            let until = U256::from(until.get());
            data(&Sol::MarketPaused { market: market.get(), level: level as u8, until })
        }
        Error::GuardianRests { until } => {
            data(&Sol::GuardianRests { until: U256::from(until.get()) })
        }
        Error::DrawLimitReached { left, refills_at } => data(&Sol::DrawLimitReached {
            left: wide(left.get()),
            refillsAt: U256::from(refills_at.get()),
        }),
        Error::CapExceeded { cap, most, would } => data(&Sol::CapExceeded {
            cap: cap.name().into(),
            most: wide(most.get()),
            would: wide(would.get()),
        }),
        Error::FactorCapExceeded { vault, factor, most, would } => data(&Sol::FactorCapExceeded {
            vault: vault.get(),
            factor: factor.get(),
            most: wide(most.get()),
            would: wide(would.get()),
        }),
        Error::CeilingExceeded { vault, asset, most, would } => data(&Sol::CeilingExceeded {
            vault: vault.get(),
            asset: asset.get(),
            most: wide(most.get()),
            would: wide(would.get()),
        }),
        Error::InsufficientCollateral { pledged, asked } => {
            let (pledged, asked) = (wide(pledged.get()), wide(asked.get()));
            data(&Sol::InsufficientCollateral { pledged, asked })
        }
        Error::AboveLimit { debt_value, limit } => {
            data(&Sol::AboveLimit { debtValue: wide(debt_value.get()), limit: wide(limit.get()) })
        }
        Error::DebtBelowMinimum { debt, minimum } => {
            data(&Sol::DebtBelowMinimum { debt: wide(debt.get()), minimum: wide(minimum.get()) })
        }
        Error::CovarianceNotPositive { asset } => {
            data(&Sol::CovarianceNotPositive { asset: asset.get() })
        }
        Error::MarginRampRunning { until } => {
            data(&Sol::MarginRampRunning { until: U256::from(until.get()) })
        }
        Error::NoDebt => data(&Sol::NoDebt {}),
        Error::NothingToRehome => data(&Sol::NothingToRehome {}),
        Error::DebtLeftBehind { vault } => data(&Sol::DebtLeftBehind { vault: vault.get() }),
        Error::NamedTwice { vault } => data(&Sol::NamedTwice { vault: vault.get() }),
        Error::AssetsDiffer { from, to } => {
            data(&Sol::AssetsDiffer { from: from.get(), to: to.get() })
        }
        Error::Healthy { health_factor } => {
            data(&Sol::Healthy { healthFactor: health(health_factor) })
        }
        Error::LiquidationPaused { resumes_at } => {
            data(&Sol::LiquidationPaused { resumesAt: U256::from(resumes_at.get()) })
        }
        Error::LiquidationWouldWorsen { health_factor, threshold } => {
            data(&Sol::LiquidationWouldWorsen {
                healthFactor: health(health_factor),
                thresholdBps: U256::from(threshold.get()),
            })
        }
        Error::CloseOutNeeds { repay, offered } => {
            data(&Sol::CloseOutNeeds { repay: wide(repay.get()), offered: wide(offered.get()) })
        }
        Error::NoBid => data(&Sol::NoBid {}),
        Error::BidTooSmall { worth, minimum } => {
            data(&Sol::BidTooSmall { worth: wide(worth.get()), minimum: wide(minimum.get()) })
        }
        Error::TierAboveMaximum { discount, most } => data(&Sol::TierAboveMaximum {
            discountBps: U256::from(discount.get()),
            mostBps: U256::from(most.get()),
        }),
        Error::InsufficientBid { shares, asked } => {
            data(&Sol::InsufficientBid { shares: wide(shares.get()), asked: wide(asked.get()) })
        }
        Error::NoticeNotGiven => data(&Sol::NoticeNotGiven {}),
        Error::NoticeRunning { opens_at } => {
            data(&Sol::NoticeRunning { opensAt: U256::from(opens_at.get()) })
        }
        Error::NoticeExpired { closed_at } => {
            data(&Sol::NoticeExpired { closedAt: U256::from(closed_at.get()) })
        }
        Error::NoStake => data(&Sol::NoStake {}),
        Error::StakeTooSmall { worth, minimum } => {
            data(&Sol::StakeTooSmall { worth: wide(worth.get()), minimum: wide(minimum.get()) })
        }
        Error::InsufficientStake { units, asked } => {
            data(&Sol::InsufficientStake { units: wide(units.get()), asked: wide(asked.get()) })
        }
        Error::LossPending { until } => data(&Sol::LossPending { until: U256::from(until.get()) }),
        Error::Solvent { health_factor } => {
            data(&Sol::Solvent { healthFactor: health(health_factor) })
        }
        Error::NonexistentPlace { place } => {
            data(&Sol::ERC721NonexistentToken { tokenId: U256::from(place) })
        }
        Error::NotPlaceOwner { sender, place, owner } => {
            data(&Sol::ERC721IncorrectOwner { sender, tokenId: U256::from(place), owner })
        }
        Error::PlaceNotApproved { operator, place } => {
            data(&Sol::ERC721InsufficientApproval { operator, tokenId: U256::from(place) })
        }
        Error::InvalidPlaceApprover { approver } => data(&Sol::ERC721InvalidApprover { approver }),
        Error::InvalidPlaceReceiver { receiver } => data(&Sol::ERC721InvalidReceiver { receiver }),
        Error::NothingToClaim { place, ahead } => {
            data(&Sol::NothingToClaim { requestId: U256::from(place), ahead: wide(ahead.get()) })
        }
        Error::StalePrice { feed, updated_at, max_age } => data(&Sol::StalePrice {
            feed: feed.get(),
            updatedAt: U256::from(updated_at.get()),
            maxAge: U256::from(max_age),
        }),
        Error::PriceOutOfBounds { feed, price } => {
            data(&Sol::PriceOutOfBounds { feed: feed.get(), price: wide(price.get()) })
        }
        Error::WrongFeed { feed, wanted } => {
            data(&Sol::WrongFeed { feed: feed.get(), wanted: wanted.into() })
        }
        Error::ThinVault { vault, assets, minimum } => data(&Sol::ThinVault {
            vault: vault.get(),
            assets: wide(assets.get()),
            minimum: wide(minimum.get()),
        }),
        Error::CircularBacking { market, share, lender, closing } => data(&Sol::CircularBacking {
            market: market.get(),
            share: share.get(),
            lender: lender.get(),
            closing: closing.get(),
        }),
        Error::TooManyVaultsBehind { most } => {
            data(&Sol::TooManyVaultsBehind { most: U256::from(most) })
        }
        Error::ReportNotNewer { feed, round, last_round } => data(&Sol::ReportNotNewer {
            feed: feed.get(),
            round: U256::from(round),
            lastRound: U256::from(last_round),
        }),
        Error::ReportFromFuture { feed, time, now } => data(&Sol::ReportFromFuture {
            feed: feed.get(),
            time: U256::from(time.get()),
            now: U256::from(now.get()),
        }),
        Error::UnknownSource { feed, id } => {
            data(&Sol::UnknownSource { feed: feed.get(), kind: id.kind.number(), key: id.key })
        }
        Error::TooManySources { feed, most } => {
            data(&Sol::TooManySources { feed: feed.get(), most: U256::from(most) })
        }
        Error::NotAPool { pool } => data(&Sol::NotAPool { pool }),
        Error::WrongPoolToken { pool, token, wanted } => {
            data(&Sol::WrongPoolToken { pool, token, wanted })
        }
        Error::TooManyPoolFeeds { most } => data(&Sol::TooManyPoolFeeds { most: U256::from(most) }),
        Error::UnknownSigners { id } => {
            data(&Sol::UnknownSigners { provider: id.provider.number(), name: id.name })
        }
        Error::PriceDoubtful { feed, until } => {
            data(&Sol::PriceDoubtful { feed: feed.get(), until: U256::from(until.get()) })
        }
        Error::FeedFrozen { feed, until } => {
            data(&Sol::FeedFrozen { feed: feed.get(), until: U256::from(until.get()) })
        }
        Error::FeedAlreadyFrozen { feed, until } => {
            data(&Sol::FeedAlreadyFrozen { feed: feed.get(), until: U256::from(until.get()) })
        }
        Error::FeedNotFrozen { feed } => data(&Sol::FeedNotFrozen { feed: feed.get() }),
        // `Error` is non-exhaustive for other crates; `tests/complete.rs` counts the variants.
        #[allow(unreachable_patterns, reason = "reachable only by a variant added tomorrow")]
        _ => Bytes::new(),
    }
}
