//! `core`'s terms, models and orders in their Solidity form.

use crate::events::wide;
use crate::interfaces::{IMarket, IOracle, IVault};
use alloy_primitives::{Address, U256};
use gage_core::feed::FeedTerms;
use gage_core::groups::GroupTerms;
use gage_core::listing::{CollateralTerms, MarketTerms};
use gage_core::stop_loss::StopLoss;
use gage_core::{
    AssetId, Guards, InterestModel, MarginTerms, PoolTerms, PoolToken, RiskFactor, Source, address,
};

impl From<Option<StopLoss>> for IMarket::StopLoss {
    /// All zero without an order.
    fn from(order: Option<StopLoss>) -> Self {
        order.map_or_else(Self::default, |order| Self {
            asset: address::asset(order.asset),
            vault: address::vault(order.vault),
            trigger: U256::from(order.trigger.get()),
            target: U256::from(order.target.get()),
            tierMax: order.tier_max.get(),
        })
    }
}

/// `kind` of [`IVault::Rates`] for [`InterestModel::Kinked`].
const KINKED: u8 = 0;
/// `kind` of [`IVault::Rates`] for [`InterestModel::Adaptive`].
const ADAPTIVE: u8 = 1;

impl From<InterestModel> for IVault::Rates {
    fn from(model: InterestModel) -> Self {
        match model {
            InterestModel::Kinked { base, slope1, slope2, kink } => {
                Self { kind: KINKED, base, slope1, slope2, kink: kink.get(), rateAtTarget: 0 }
            }
            InterestModel::Adaptive { rate_at_target } => {
                Self { kind: ADAPTIVE, rateAtTarget: rate_at_target.get(), ..Self::default() }
            }
        }
    }
}

impl IVault::Rates {
    /// The interest model that these rates describe, unchecked; `None` if the kind is unknown.
    #[must_use]
    pub fn model(&self) -> Option<InterestModel> {
        match self.kind {
            KINKED => Some(InterestModel::Kinked {
                base: self.base,
                slope1: self.slope1,
                slope2: self.slope2,
                kink: gage_core::Bps::new(self.kink),
            }),
            ADAPTIVE => Some(InterestModel::Adaptive {
                rate_at_target: gage_core::Ray::new(self.rateAtTarget),
            }),
            _ => None,
        }
    }
}

impl From<MarketTerms> for IMarket::MarketTerms {
    fn from(terms: MarketTerms) -> Self {
        Self {
            targetHealth: U256::from(terms.target_health.get()),
            fullBonusHealth: U256::from(terms.full_bonus_health.get()),
        }
    }
}

impl From<Option<MarginTerms>> for IMarket::MarginTerms {
    /// All zero for a market of thresholds.
    fn from(terms: Option<MarginTerms>) -> Self {
        terms.map_or_else(Self::default, |terms| Self {
            kBorrow: terms.k_borrow.get(),
            kLiquidation: terms.k_liquidation.get(),
            floor: terms.floor.get(),
        })
    }
}

impl From<(AssetId, &RiskFactor)> for IMarket::MarginFactor {
    fn from((asset, factor): (AssetId, &RiskFactor)) -> Self {
        let before = usize::from(factor.place);
        Self {
            asset: address::asset(asset),
            sigma: factor.sigma.get(),
            cost: factor.cost.get(),
            hedge: factor.hedge,
            hedgeThreshold: factor.hedge_threshold.get(),
            correlations: factor.correlations.iter().copied().take(before).collect(),
        }
    }
}

impl From<CollateralTerms> for IMarket::CollateralTerms {
    fn from(terms: CollateralTerms) -> Self {
        Self {
            feed: terms.feed.get(),
            ltv: terms.ltv.get(),
            threshold: terms.threshold.get(),
            bonusMin: terms.bonus_min.get(),
            bonusMax: terms.bonus_max.get(),
            riskWeight: terms.risk_weight.get(),
            cap: wide(terms.cap),
        }
    }
}

impl From<GroupTerms> for IMarket::GroupTerms {
    fn from(terms: GroupTerms) -> Self {
        Self {
            ltv: terms.ltv.get(),
            threshold: terms.threshold.get(),
            bonusMin: terms.bonus_min.get(),
            bonusMax: terms.bonus_max.get(),
            band: terms.band.get(),
        }
    }
}

impl From<FeedTerms> for IOracle::FeedTerms {
    fn from(terms: FeedTerms) -> Self {
        let Guards { quorum, outlier, spread, jump, confirm, smoothing, budget, window } =
            terms.guards;
        Self {
            maxAge: terms.max_age,
            priceMin: U256::from(terms.price_min.get()),
            priceMax: U256::from(terms.price_max.get()),
            guards: IOracle::Guards {
                quorum,
                outlier: outlier.get(),
                spread: spread.get(),
                jump: jump.get(),
                confirm,
                smoothing,
                budget,
                window,
            },
        }
    }
}

impl IOracle::FeedTerms {
    /// Terms that believe one source, within bounds in wads.
    #[must_use]
    pub fn unguarded(max_age: u32, price_min: U256, price_max: U256) -> Self {
        let guards = IOracle::Guards { quorum: 1, ..IOracle::Guards::default() };
        Self { maxAge: max_age, priceMin: price_min, priceMax: price_max, guards }
    }
}

impl IOracle::Source {
    /// A publisher that signs with secp256k1, of weight one.
    #[must_use]
    pub fn publisher(address: Address, max_age: u32) -> Self {
        Self { kind: 0, key: address.into_word(), weight: 1, maxAge: max_age }
    }
}

impl From<PoolTerms> for IOracle::PoolTerms {
    fn from(terms: PoolTerms) -> Self {
        Self {
            pool: terms.pool,
            isToken0: terms.priced == PoolToken::Zero,
            decimals: terms.decimals,
            quoteDecimals: terms.quote_decimals,
            window: terms.window,
            drift: terms.drift.get(),
            reserveMin: U256::from(terms.reserve_min),
            quoteFeed: terms.quote.get(),
        }
    }
}

impl From<Source> for IOracle::Source {
    fn from(source: Source) -> Self {
        let Source { id, terms } = source;
        let (kind, weight) = (id.kind.number(), terms.weight);
        Self { kind, key: id.key, weight, maxAge: terms.max_age }
    }
}
