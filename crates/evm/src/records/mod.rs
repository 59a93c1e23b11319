//! How entities lie in storage: few slots each, at keys that cannot collide.
//!
//! A record is written as bytes, field after field, most significant first, from the left end of
//! its first slot; `eth_getStorageAt` shows them in that order. [`keys`] says where each lies.

mod account;
mod bids;
mod delegation;
pub(crate) mod entries;
mod exits;
mod exposure;
mod first_loss;
mod guards;
pub(crate) mod keys;
mod market;
mod numbers;
mod oracle;
mod pools;
mod portfolio;
mod protocol;
mod terms;
mod token;
mod vault;
mod word;

pub(crate) use account::{account_from_words, account_slots, account_words};
pub(crate) use exposure::{
    cap_from_word, cap_word, debt_from_word, debt_word, tags_from_word, tags_word,
};
pub(crate) use guards::{add_stops, stops_word};
pub(crate) use market::{has_stops, market_from_words, market_slots, market_words};
pub(crate) use numbers::{NUMBERS_PER_SLOT, number_words, numbers_from_word};
pub(crate) use oracle::{
    signer_count, signer_words, signers_from_words, source_from_word, terms_slot, with_source,
};
pub(crate) use portfolio::{factor_from_words, factor_slots, factor_words};
pub(crate) use terms::{kept_from_words, kept_slots, kept_words};

use alloy_primitives::U256;
use gage_core::Fault;

/// Bytes of an amount up to [`gage_core::fixed::AMOUNT_MAX`].
const AMOUNT_BYTES: usize = 13;
/// Bytes of a moment that `core` bounds: seconds until the year 36,000.
const TIME_BYTES: usize = 5;

/// An entity of `N` slots, the first of which is never zero once it was written.
pub(crate) trait Record<const N: usize>: Sized {
    /// The slots' contents.
    ///
    /// # Errors
    /// [`Fault::Unreadable`] if a field is wider than its place, which `core`'s limits exclude.
    fn to_words(&self) -> Result<[U256; N], Fault>;

    /// The entity that lies in these slots.
    ///
    /// # Errors
    /// [`Fault::Unreadable`] if no entity does.
    fn from_words(words: [U256; N]) -> Result<Self, Fault>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::Address;
    use core::fmt::Debug;
    use gage_core::bids::{Bid, Tier, TierState};
    use gage_core::delegation::{Credit, Operator, Permissions};
    use gage_core::doubt::Track;
    use gage_core::exits::{Checkpoint, ExitQueue, Place};
    use gage_core::first_loss::{Stake, Tranche};
    use gage_core::pool::Mark;
    use gage_core::portfolio::FACTORS_MAX;
    use gage_core::sources::Observation;
    use gage_core::stop_loss::StopLoss;
    use gage_core::terms::Keeping;
    use gage_core::{
        Asset, AssetId, AssetKind, Assets, Bps, Breaker, BreakerTerms, Collateral, Debt, Factor,
        FactorKind, Feed, FeedId, FeedInfo, FeedKind, FeedSubject, FeedTerms, GrowthCap, Guards,
        InterestModel, Label, Line, MarginModel, MarginTerms, Market, Meter, MeterTerms, Pause,
        PauseLevel, Pauses, PoolTerms, PoolToken, PoolTrail, Portfolio, Ppm, Protocol, Ray,
        Rebasing, RiskFactor, Shares, Sigma, SignerSet, SourceKind, SourceTerms, Spell, Timestamp,
        Units, Vault, VaultId, Wad,
    };
    use proptest::prelude::*;

    fn reads_back<R: Record<N> + PartialEq + Debug, const N: usize>(record: &R) {
        let words = record.to_words().unwrap();
        assert_eq!(&R::from_words(words).unwrap(), record);
    }

    fn any_model() -> impl Strategy<Value = InterestModel> {
        prop_oneof![
            any::<(u32, u32, u32, u16)>().prop_map(|(base, slope1, slope2, kink)| {
                InterestModel::Kinked { base, slope1, slope2, kink: Bps::new(kink) }
            }),
            (0..1_u128 << 80)
                .prop_map(|rate| InterestModel::Adaptive { rate_at_target: Ray::new(rate) }),
        ]
    }

    proptest! {
        #[test]
        fn records_read_back(
            numbers in prop::array::uniform16(any::<u128>()),
            owners in prop::array::uniform2(any::<[u8; 20]>().prop_map(Address::new)),
            small in prop::array::uniform8(any::<u32>()),
            points in prop::array::uniform8(any::<u16>()),
            (wrapped, paused, decimals) in any::<(bool, bool, u8)>(),
            model in any_model(),
            text in "\\PC{0,7}",
        ) {
            let [name, symbol] = [Label::new(&text).unwrap(), Label::new("X").unwrap()];
            let assets = numbers.map(Assets::new);
            let caps = numbers.map(|number| Assets::new(number >> 24));
            let shares = numbers.map(Shares::new);
            let wads = numbers.map(Wad::new);
            let times = numbers.map(|number| Timestamp::new(number as u64));
            let points = points.map(Bps::new);
            let [owner, other] = owners;
            reads_back(&Protocol {
                governance: owner,
                guardian: other,
                assets: small[0],
                vaults: small[1],
                markets: small[2],
                feeds: small[3],
                factors: small[4],
            });
            let kind = FactorKind::ALL[decimals as usize % 4];
            reads_back(&Factor { kind, label: name });
            let kind = if wrapped { AssetKind::WrappedNative } else { AssetKind::Issued };
            let supply = assets[0];
            reads_back(&Asset { name, symbol, decimals, issuer: owner, kind, supply });
            reads_back(&Rebasing { name, symbol, rate: FeedId::new(small[4]) });
            reads_back(&Vault {
                asset: AssetId::new(small[0]),
                decimals,
                name,
                symbol,
                curator: owner,
                cash: assets[0],
                shares: shares[1],
                owed: Debt { shares: shares[2], offset: assets[9] },
                index: Ray::new(numbers[3] >> 16),
                reserves: assets[4],
                losses: assets[5],
                updated_at: times[6],
                reserve_fee: points[0],
                supply_cap: caps[0],
                borrow_cap: caps[1],
                paused,
                exits_waiting: wrapped,
                model,
            });
            reads_back(&Collateral {
                feed: FeedId::new(small[0]),
                decimals,
                ltv: points[0],
                threshold: points[1],
                bonus_min: points[3],
                bonus_max: points[4],
                kept: Keeping {
                    below: small[1],
                    until: Timestamp::new(numbers[0] as u64 >> 24),
                },
                risk_weight: points[5],
                cap: caps[2],
                total: assets[3],
            });
            reads_back(&Line {
                feed: FeedId::new(small[0]),
                decimals,
                cap: caps[3],
                owed: Debt { shares: shares[1], offset: assets[10] },
                min_debt: caps[4],
                staked: paused,
                tracked: wrapped,
                metered: !paused,
            });
            let (base, rate) = (FeedId::new(small[1]), FeedId::new(small[2]));
            let vault = VaultId::new(small[3]);
            let kinds = [
                FeedKind::Reported,
                FeedKind::Rate,
                FeedKind::NetAssetValue,
                FeedKind::Product { base, rate },
                FeedKind::Ratio { base, rate },
                FeedKind::Lesser { one: base, other: rate },
                FeedKind::Pegged { base },
                FeedKind::SharePrice { vault, base },
            ];
            let kind = kinds[usize::from(decimals) % 8];
            reads_back(&GrowthCap {
                anchor: wads[6],
                since: Timestamp::new(numbers[7] as u64 >> 24),
                growth: Ray::new(numbers[8] >> 40),
            });
            let brief = numbers.map(|number| Timestamp::new(number as u64 >> 24));
            reads_back(&Feed {
                kind,
                price: if kind.is_reported() { wads[0] } else { Wad::ZERO },
                smoothed: wads[1],
                updated_at: brief[1],
                max_age: small[0],
                pinned: paused,
                doubt_until: brief[2],
                frozen_until: brief[3],
                liquidation_resumes_at: brief[5],
                fallback: wrapped.then(|| FeedId::new(small[5].max(1))),
            });
            let asset = wrapped.then(|| AssetId::new(small[0].max(1)));
            let subject = FeedSubject { asset, description: name };
            reads_back(&FeedInfo { owner, subject, sources: small[1] as u16, held: paused });
            reads_back(&FeedTerms {
                max_age: small[0],
                price_min: wads[3],
                price_max: wads[4],
                guards: Guards {
                    quorum: decimals,
                    outlier: points[0],
                    spread: points[1],
                    jump: points[2],
                    confirm: small[1],
                    smoothing: small[2],
                    budget: small[3],
                    window: small[4],
                },
            });
            reads_back(&Track {
                settled: wads[0],
                settled_at: brief[0],
                level: wads[1],
                level_at: brief[1],
                smoothed_at: brief[2],
                budget: small[0],
                budget_at: brief[3],
                rounds: small[1],
            });
            let (price, confidence) = (wads[5], Ppm::new(small[6]));
            let round = numbers[4] as u64 >> 8;
            reads_back(&Observation { price, confidence, time: brief[4], round });
            let mut word = U256::ZERO;
            let all: Vec<_> = (0..4).zip(SourceKind::ALL).map(|(place, kind)| {
                let max_age = small[usize::from(place)];
                (place, (kind, SourceTerms { weight: points[0].get().max(1), max_age }))
            }).collect();
            for (place, source) in &all {
                word = with_source(word, *place, (SourceKind::Pool, SourceTerms { weight: 1, max_age: 1 }));
                word = with_source(word, *place, *source);
            }
            for (place, source) in all {
                prop_assert_eq!(source_from_word(word, place).unwrap(), source);
            }
            let priced = if wrapped { PoolToken::Zero } else { PoolToken::One };
            reads_back(&PoolTerms {
                pool: owner,
                priced,
                decimals,
                quote_decimals: decimals / 2,
                window: small[0],
                drift: points[3],
                reserve_min: numbers[6],
                quote: FeedId::new(small[1]),
            });
            let cumulative = U256::from(numbers[7]) << 128 | U256::from(numbers[8]);
            let mark = |place: usize| Mark { cumulative: cumulative >> place, time: brief[place] };
            reads_back(&PoolTrail { marks: [mark(0), mark(1), mark(2)] });
            let set = SignerSet { signers: vec![owner, other], threshold: decimals, expires_at: times[1] };
            let words = signer_words(&set);
            prop_assert_eq!(signer_count(words[0]), 2);
            prop_assert_eq!(signers_from_words(&words), set);
            reads_back(&Spell { began: brief[0], ends: brief[1] });
            reads_back(&Meter {
                terms: MeterTerms { limit: caps[0], window: small[0] },
                drawn: caps[1],
                drawn_at: brief[2],
            });
            reads_back(&Breaker {
                terms: BreakerTerms { part: points[0], window: small[1], pause: small[2] },
                began: brief[3],
                debt: wads[0],
                liquidated: wads[1],
            });
            reads_back(&TierState {
                shares: shares[0],
                unclaimed: assets[1],
                carried: assets[2],
                bids: small[0],
                scale: small[1],
                product: U256::from(numbers[3]) << 60,
                sum: U256::from(numbers[4]) << 128,
            });
            reads_back(&Bid {
                shares: shares[0],
                bought: assets[1],
                product: U256::from(numbers[3]) << 60,
                sum: U256::from(numbers[4]) << 128,
                scale: small[1],
                announced_at: times[1],
            });
            reads_back(&Tranche {
                shares: shares[0],
                units: Units::new(numbers[1]),
                epoch: small[2],
                premium: points[4],
                index: Ray::new(numbers[3] >> 16),
                owed: assets[4],
                fraction: Ray::new(numbers[5]),
                pending_until: times[6],
            });
            reads_back(&Stake {
                units: Units::new(numbers[0]),
                epoch: small[1],
                announced_at: times[2],
            });
            let margin_terms = |place: usize| MarginTerms {
                k_borrow: points[place],
                k_liquidation: points[place + 1],
                floor: points[place + 2],
            };
            reads_back(&Portfolio {
                generation: small[0],
                ramp_start: Timestamp::new(u64::from(small[1])),
                ramp_end: Timestamp::new(u64::from(small[2]) << 8),
                before: wrapped.then(|| margin_terms(0)),
                now: paused.then(|| margin_terms(3)),
            });
            let mut correlations = [0; FACTORS_MAX - 1];
            let place = decimals % 16;
            for (kept, number) in correlations.iter_mut().zip(numbers).take(place.into()) {
                *kept = number as i16;
            }
            let factor = RiskFactor {
                place,
                sigma: Sigma::new(small[3] % 1_000_000),
                cost: points[6],
                hedge: small[4] as u8 % 16,
                hedge_threshold: points[7],
                correlations,
            };
            let words = factor_words(&factor).unwrap();
            prop_assert_eq!(words.len(), factor_slots(words[0]));
            prop_assert_eq!(factor_from_words(&words).unwrap(), Some(factor));
            prop_assert_eq!(factor_from_words(&[U256::ZERO]).unwrap(), None);
            reads_back(&Operator {
                permissions: Permissions::new(decimals % 8).unwrap(),
                expires_at: times[7],
                receiver: owner,
            });
            reads_back(&Credit { limit: assets[6], expires_at: times[8], receiver: other });
            reads_back(&ExitQueue {
                run: small[0].max(1),
                checkpoints: numbers[1] as u64 >> 24,
                places: numbers[2] as u64 >> 8,
                paid: assets[3],
                queued: shares[4],
                filled: shares[5],
            });
            reads_back(&Checkpoint { filled: shares[0], paid: assets[1] });
            reads_back(&Place {
                owner,
                index: small[0] >> 8,
                run: small[1],
                first: numbers[2] as u64 >> 24,
                start: shares[3],
                end: shares[4],
            });
            reads_back(&StopLoss {
                asset: AssetId::new(small[0]),
                vault: VaultId::new(small[1]),
                trigger: wads[0],
                target: wads[1],
                tier_max: Tier::new(decimals % 61).unwrap(),
            });
        }

        #[test]
        fn markets_read_back(
            owner in any::<[u8; 20]>(),
            level in prop::sample::select(vec![
                PauseLevel::Open, PauseLevel::Restricted, PauseLevel::Frozen,
            ]),
            health in any::<(u64, u64)>(),
            resumes in 0..1_u64 << 40,
            terms_version in any::<u32>(),
            groups in any::<u8>(),
            margin in prop::sample::select(vec![MarginModel::Threshold, MarginModel::Portfolio]),
            (guarded, times, breaker, recognised) in (
                prop::sample::select(vec![PauseLevel::Open, PauseLevel::Frozen]),
                prop::array::uniform3((0..1_u64 << 40).prop_map(Timestamp::new)),
                any::<bool>(),
                any::<bool>(),
            ),
            collaterals in prop::collection::vec(any::<u32>(), 0..=16),
            vaults in prop::collection::vec(any::<u32>(), 0..=8),
        ) {
            let guardian = Pause { level: guarded, until: times[1] };
            let market = Market {
                owner: Address::new(owner),
                pause: Pauses { own: Pause { level, until: times[0] }, guardian, tripped_until: times[2] },
                breaker,
                recognised,
                terms_version,
                groups,
                liquidation_resumes_at: Timestamp::new(resumes),
                target_health: Wad::new(health.0.into()),
                full_bonus_health: Wad::new(health.1.into()),
                margin,
                collaterals: collaterals.into_iter().map(AssetId::new).collect(),
                vaults: vaults.into_iter().map(VaultId::new).collect(),
            };
            let words = market_words(&market).unwrap();
            prop_assert_eq!(words.len(), market_slots(words[0]));
            let mut read = market_from_words(&words).unwrap();
            prop_assert_eq!(has_stops(words[0]), stops_word(&market).unwrap() != U256::ZERO);
            add_stops(&mut read, stops_word(&market).unwrap()).unwrap();
            prop_assert_eq!(read, market);
        }
    }

    /// A number that its place cannot hold stops the operation instead of being cut.
    #[test]
    fn too_wide_numbers_are_refused() {
        let market = Market {
            owner: Address::ZERO,
            pause: Pauses::default(),
            breaker: false,
            recognised: false,
            terms_version: 1,
            groups: 0,
            liquidation_resumes_at: Timestamp::ZERO,
            target_health: Wad::new(1 << 64),
            full_bonus_health: Wad::ZERO,
            margin: MarginModel::Threshold,
            collaterals: Vec::new(),
            vaults: Vec::new(),
        };
        assert_eq!(market_words(&market), Err(Fault::Unreadable));
    }
}
