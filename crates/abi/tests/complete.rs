//! Every error and event of `gage_core` has its Solidity form, and the other way round.
#![allow(clippy::unwrap_used, clippy::too_many_lines, reason = "tests, one line for each variant")]

use alloy_primitives::{Address, B256, Bytes, U256};
use gage_abi::{IGageErrors, decode_error, encode_error, encode_event, interfaces};
use gage_core::bids::Tier;
use gage_core::delegation::{Credit, CreditId, Operator, Permission, Permissions};
use gage_core::doubt::Cause;
use gage_core::feed::FeedTerms;
use gage_core::groups::GroupTerms;
use gage_core::listing::{CollateralTerms, MarketTerms};
use gage_core::sweep::SweepReason;
use gage_core::terms::Subject;
use gage_core::{
    AccountId, AssetId, Assets, BidId, Bps, BreakerTerms, Cap, Error, Event, FactorId, FactorKind,
    FeedId, FeedKind, FeedSubject, GroupId, GrowthCap, InterestModel, Label, MarketId, PauseLevel,
    PlaceId, PoolTerms, PoolToken, Ppm, QueueId, Ray, RiskFactor, Role, Shares, Sigma, SignerSetId,
    Source, SourceId, SourceKind, SourceTerms, StakeId, Timestamp, Token, Units, VaultId, Wad,
};
use std::collections::{BTreeMap, BTreeSet};

/// Errors of the shell, which `gage_core` does not know.
const SHELL: [&str; 9] = [
    "AmountTooLarge",
    "DirectCallOnly",
    "InvalidMessage",
    "MalformedCall",
    "NotNativeContract",
    "NotPayable",
    "SystemOnly",
    "UnknownFunction",
    "UnknownPauseLevel",
];

fn source() -> Source {
    let terms = SourceTerms { weight: 1, max_age: 60 };
    Source { id: SourceId::publisher(Address::repeat_byte(7)), terms }
}

fn pool_terms() -> PoolTerms {
    PoolTerms {
        pool: Address::repeat_byte(8),
        priced: PoolToken::One,
        decimals: 18,
        quote_decimals: 6,
        window: 600,
        drift: Bps::new(500),
        reserve_min: 10,
        quote: FeedId::new(5),
    }
}

fn errors() -> Vec<Error> {
    let (market, asset, vault, feed) =
        (MarketId::new(2), AssetId::new(3), VaultId::new(4), FeedId::new(5));
    let (sender, a, s) = (Address::repeat_byte(7), Assets::new(8), Shares::new(9));
    let (wad, time, group) = (Wad::new(10), Timestamp::new(11), GroupId::new(1));
    let factor = FactorId::new(6);
    let source = source();
    vec![
        Error::Overflow,
        Error::ZeroAmount,
        Error::ZeroAddress,
        Error::InvalidParameter { name: "kink", value: 12 },
        Error::UnknownAsset { asset },
        Error::UnknownVault { vault },
        Error::UnknownMarket { market },
        Error::UnknownFeed { feed },
        Error::UnknownFactor { factor },
        Error::CollateralNotListed { market, asset },
        Error::VaultNotListed { market, vault },
        Error::UnknownGroup { market, group },
        Error::SameGroup { market, group },
        Error::OutsideGroup { market, group, vault },
        Error::TooManyKept { market, most: 8 },
        Error::NothingToMove { market },
        Error::MoveNotOver { ends_at: time },
        Error::AlreadyListed { market, id: 3 },
        Error::TooManyListed { market, most: 16 },
        Error::TooManyLines { vault, most: 32 },
        Error::TooManyTagged { factor, most: 64 },
        Error::TooManyFactorCaps { vault, most: 32 },
        Error::NotAuthorised { actor: sender, role: Role::Curator },
        Error::NotPermitted { actor: sender, owner: sender, permission: Permission::Borrow },
        Error::AuthorisationExpired { expired_at: time },
        Error::InsufficientCredit { delegatee: sender, limit: a, asked: a },
        Error::InsufficientBalance { sender, balance: 1, needed: 2 },
        Error::InsufficientAllowance { spender: sender, allowance: U256::MAX, needed: 2 },
        Error::InvalidReceiver { receiver: sender },
        Error::ExpiredSignature { deadline: U256::MAX },
        Error::InvalidSigner { signer: sender, owner: sender },
        Error::NotMintable { asset },
        Error::NotRebasing { asset },
        Error::RebasingExists { asset },
        Error::NotWrapper { asset },
        Error::ExceededMaxDeposit { receiver: sender, assets: a, most: a },
        Error::ExceededMaxMint { receiver: sender, shares: s, most: s },
        Error::ExceededMaxWithdraw { owner: sender, assets: a, most: a },
        Error::ExceededMaxRedeem { owner: sender, shares: s, most: s },
        Error::ZeroShares { assets: a },
        Error::Illiquid { cash: a, asked: a },
        Error::VaultPaused { vault },
        Error::VaultWipedOut { vault },
        Error::ReservesTooLow { reserves: a, asked: a },
        Error::MarketPaused { market, level: PauseLevel::Frozen, until: time },
        Error::GuardianRests { until: time },
        Error::FeedAlreadyFrozen { feed, until: time },
        Error::FeedNotFrozen { feed },
        Error::DrawLimitReached { left: a, refills_at: time },
        Error::CapExceeded { cap: Cap::Line, most: a, would: a },
        Error::FactorCapExceeded { vault, factor, most: a, would: a },
        Error::CeilingExceeded { vault, asset, most: a, would: a },
        Error::InsufficientCollateral { pledged: a, asked: a },
        Error::AboveLimit { debt_value: wad, limit: wad },
        Error::DebtBelowMinimum { debt: a, minimum: a },
        Error::CovarianceNotPositive { asset },
        Error::MarginRampRunning { until: time },
        Error::NoDebt,
        Error::NothingToRehome,
        Error::DebtLeftBehind { vault },
        Error::NamedTwice { vault },
        Error::AssetsDiffer { from: vault, to: vault },
        Error::Healthy { health_factor: wad },
        Error::LiquidationPaused { resumes_at: time },
        Error::LiquidationWouldWorsen { health_factor: wad, threshold: Bps::new(8_000) },
        Error::CloseOutNeeds { repay: a, offered: a },
        Error::NoBid,
        Error::BidTooSmall { worth: a, minimum: a },
        Error::TierAboveMaximum { discount: Bps::new(500), most: Bps::new(50) },
        Error::InsufficientBid { shares: s, asked: s },
        Error::NoticeNotGiven,
        Error::NoticeRunning { opens_at: time },
        Error::NoticeExpired { closed_at: time },
        Error::NoStake,
        Error::StakeTooSmall { worth: a, minimum: a },
        Error::InsufficientStake { units: Units::new(1), asked: Units::new(2) },
        Error::LossPending { until: time },
        Error::Solvent { health_factor: wad },
        Error::NonexistentPlace { place: 7 },
        Error::NotPlaceOwner { sender, place: 7, owner: sender },
        Error::PlaceNotApproved { operator: sender, place: 7 },
        Error::InvalidPlaceApprover { approver: sender },
        Error::InvalidPlaceReceiver { receiver: sender },
        Error::NothingToClaim { place: 7, ahead: s },
        Error::StalePrice { feed, updated_at: time, max_age: 60 },
        Error::PriceOutOfBounds { feed, price: wad },
        Error::WrongFeed { feed, wanted: "rate" },
        Error::ThinVault { vault, assets: a, minimum: a },
        Error::CircularBacking { market, share: vault, lender: vault, closing: market },
        Error::TooManyVaultsBehind { most: 32 },
        Error::ReportNotNewer { feed, round: 1, last_round: 2 },
        Error::ReportFromFuture { feed, time, now: time },
        Error::UnknownSource { feed, id: source.id },
        Error::TooManySources { feed, most: 16 },
        Error::NotAPool { pool: sender },
        Error::WrongPoolToken { pool: sender, token: sender, wanted: sender },
        Error::TooManyPoolFeeds { most: 64 },
        Error::UnknownSigners { id: SignerSetId { provider: SourceKind::Pyth, name: B256::ZERO } },
        Error::PriceDoubtful { feed, until: time },
        Error::FeedFrozen { feed, until: time },
    ]
}

/// Each error of the core has its own Solidity error, whose values are read back, and each Solidity
/// error is the core's or the shell's.
#[test]
fn errors_map_one_to_one() {
    let encoded: BTreeMap<Bytes, Error> =
        errors().iter().map(|error| (encode_error(error), *error)).collect();
    let mut names = BTreeSet::new();
    for (data, error) in &encoded {
        let text = decode_error(data).unwrap_or_else(|| panic!("{error:?} has no Solidity error"));
        let (name, values) = text.split_once('(').unwrap();
        assert!(names.insert(name.to_owned()), "{name} stands for two errors");
        let debug = format!("{error:?}");
        let has_values = debug.contains('{');
        assert_eq!(values != ")", has_values, "{debug} {text}");
    }
    names.extend(SHELL.map(str::to_owned));
    let abi = IGageErrors::abi::contract();
    let declared: BTreeSet<_> = abi.errors.keys().cloned().collect();
    assert_eq!(names, declared);
}

/// The variants listed above are all there are: as many as `core` declares messages for. The
/// compiler cannot say so while the enum is non-exhaustive.
#[test]
fn the_list_of_errors_is_complete() {
    let source = include_str!("../../core/src/error.rs");
    let (_, after) = source.split_once("pub enum Error {").unwrap();
    let (variants, _) = after.split_once("pub enum Fault {").unwrap();
    assert_eq!(errors().len(), variants.matches("#[error(").count());
}

fn events() -> Vec<Event> {
    let (market, asset, vault, feed) =
        (MarketId::new(2), AssetId::new(3), VaultId::new(4), FeedId::new(5));
    let (who, amount, shares) = (Address::repeat_byte(7), Assets::new(8), Shares::new(9));
    let (wad, time) = (Wad::new(10), Timestamp::new(11));
    let account = AccountId { market, owner: who, sub: 1 };
    let label = Label::new("x").unwrap();
    let market_terms = MarketTerms { target_health: wad, full_bonus_health: wad };
    let (ltv, cap) = (Bps::new(1), amount);
    let terms = CollateralTerms {
        feed,
        ltv,
        threshold: ltv,
        bonus_min: ltv,
        bonus_max: ltv,
        risk_weight: ltv,
        cap,
    };
    let group = GroupId::new(1);
    let group_terms = GroupTerms { ltv, threshold: ltv, bonus_min: ltv, bonus_max: ltv, band: ltv };
    let feed_terms = FeedTerms::unguarded(1, wad, wad);
    let (source, id) = (source(), source().id);
    let subject = FeedSubject { asset: Some(asset), description: label };
    let signers = SignerSetId { provider: SourceKind::Pyth, name: B256::ZERO };
    let rates = InterestModel::Adaptive { rate_at_target: Ray::new(5) };
    let (queue, tier) = (QueueId { market, vault, asset }, Tier::new(3).unwrap());
    let bid = BidId { queue, tier, bidder: who };
    let (none, units) = (Assets::ZERO, Units::new(12));
    let permissions = Permissions::ALL;
    let operator = Operator { permissions, expires_at: time, receiver: who };
    let credit_id = CreditId { account, vault, delegatee: who };
    let credit = Credit { limit: amount, expires_at: time, receiver: who };
    let stake = StakeId { market, vault, staker: who };
    let risk_factor = RiskFactor {
        place: 1,
        sigma: Sigma::new(1),
        cost: ltv,
        hedge: 0,
        hedge_threshold: ltv,
        correlations: [-1; 15],
    };
    let (factor, kind) = (FactorId::new(6), FactorKind::Bridge);
    let place = PlaceId { vault, number: 7 };
    vec![
        Event::Transfer { token: Token::Asset(asset), from: who, to: who, value: 1 },
        Event::Approval { token: Token::Share(vault), owner: who, spender: who, value: U256::MAX },
        Event::IssuerChanged { asset, issuer: who },
        Event::Wrapped { asset, account: who, value: amount },
        Event::Unwrapped { asset, account: who, value: amount },
        Event::Deposit { vault, sender: who, owner: who, assets: amount, shares },
        Event::Withdraw { vault, sender: who, receiver: who, owner: who, assets: amount, shares },
        Event::ExitRequested { place, sender: who, owner: who, controller: who, shares },
        Event::ExitsFilled { vault, shares, assets: amount, waiting: shares },
        Event::ExitClaimed { place, receiver: who, shares, assets: amount },
        Event::PlaceMoved { place, from: who, to: who },
        Event::PlaceApproved { place, owner: who, approved: who },
        Event::PlaceOperatorChanged { vault, owner: who, operator: who, allowed: true },
        Event::Accrued { vault, interest: amount, fee: none, borrow_index: Ray::ONE },
        Event::LossRealised {
            vault,
            market,
            shortfall: amount,
            from_first_loss: none,
            from_reserves: none,
            from_lenders: amount,
        },
        Event::CuratorChanged { vault, curator: who },
        Event::ReserveFeeChanged { vault, reserve_fee: ltv },
        Event::CapsChanged { vault, supply_cap: cap, borrow_cap: cap },
        Event::RatesChanged { vault, rates },
        Event::VaultPauseChanged { vault, paused: true },
        Event::LineCapChanged { vault, market, cap },
        Event::FactorCapChanged { vault, factor, cap: Some(cap) },
        Event::CeilingChanged { vault, market, asset, cap: None },
        Event::ReservesCollected { vault, to: who, assets: amount },
        Event::MarketCreated { market, owner: who },
        Event::MarketTermsChanged { market, terms: market_terms },
        Event::MarketOwnerChanged { market, owner: who },
        Event::RecognitionChanged { market, recognised: true },
        Event::MarketPauseChanged { market, level: PauseLevel::Frozen, until: time, actor: who },
        Event::BreakerChanged {
            market,
            terms: Some(BreakerTerms { part: ltv, window: 60, pause: 70 }),
        },
        Event::BreakerTripped { market, liquidated: wad, debt: wad, until: time },
        Event::BreakerRecovered { market },
        Event::DrawMeterChanged { market, vault, terms: None },
        Event::DrawMeterLow { market, vault, left: amount, full_at: time },
        Event::FeedFrozen { feed, until: time, actor: who },
        Event::FeedUnfrozen { feed, actor: who, liquidation_resumes_at: time },
        Event::CollateralListed { market, asset, terms },
        Event::CollateralChanged { market, asset, terms },
        Event::MoveScheduled {
            market,
            subject: Subject::Collateral(asset),
            start: time,
            end: time,
        },
        Event::MoveScheduled { market, subject: Subject::Group(group), start: time, end: time },
        Event::GroupCreated { market, group, label, terms: group_terms },
        Event::GroupTermsChanged { market, group, terms: group_terms },
        Event::GroupMembersChanged { market, group, collaterals: 3, vaults: 1 },
        Event::GroupChanged { account, group },
        Event::VaultListed { market, vault, feed, min_debt: amount },
        Event::MarginChanged {
            market,
            generation: 1,
            margin: None,
            ramp_start: time,
            ramp_end: time,
        },
        Event::MarginFactorSet { market, generation: 1, asset, factor: risk_factor },
        Event::CollateralSupplied { account, asset, payer: who, amount },
        Event::CollateralWithdrawn { account, asset, receiver: who, amount },
        Event::RiskPremiumChanged { account, premium: ltv },
        Event::Borrowed { account, vault, receiver: who, amount },
        Event::Repaid { account, vault, payer: who, amount },
        Event::Liquidated {
            account,
            liquidator: who,
            vault,
            asset,
            repaid: amount,
            seized: amount,
            health_factor: wad,
            bonus: ltv,
        },
        Event::BidPlaced { bid, shares },
        Event::BidWithdrawalAnnounced { bid, opens_at: time },
        Event::BidWithdrawn { bid, receiver: who, shares },
        Event::BidClaimed { bid, receiver: who, amount },
        Event::BidsFilled {
            account,
            queue,
            tier,
            shares,
            repaid: amount,
            seized: amount,
            price: wad,
            debt_price: wad,
        },
        Event::Swept {
            account,
            reason: SweepReason::Insolvent,
            health_before: wad,
            health_after: Wad::MAX,
            collateral_value: wad,
            debt_value: wad,
        },
        Event::StopLossChanged { account, order: None },
        Event::OperatorChanged { account, operator: who, terms: operator },
        Event::CreditDelegated { id: credit_id, credit },
        Event::CreditDrawn { id: credit_id, amount, left: none },
        Event::SignaturesVoided { owner: who, next: 9 },
        Event::Rehomed { from: account, to: account, health_factor: wad },
        Event::CollateralRehomed { from: account, to: account, asset, amount },
        Event::DebtRehomed { from: account, to: account, vaults: (vault, vault), amount },
        Event::FirstLossStaked { stake, shares, units },
        Event::UnstakeAnnounced { stake, opens_at: time },
        Event::FirstLossUnstaked { stake, receiver: who, units, shares },
        Event::FirstLossRewarded { market, vault, assets: amount, shares },
        Event::FirstLossPremiumChanged { market, vault, premium: ltv },
        Event::LossPending { account, vault, until: time },
        Event::BadDebt { account, vault, amount },
        Event::FeedCreated { feed, owner: who, subject },
        Event::FeedTermsChanged { feed, terms: feed_terms },
        Event::SourceChanged { feed, source },
        Event::SourceRemoved { feed, id },
        Event::PoolTermsChanged { feed, terms: pool_terms() },
        Event::FallbackChanged { feed, fallback: Some(feed) },
        Event::ComputedFeedCreated { feed, kind: FeedKind::Pegged { base: feed } },
        Event::ShareFeedCreated { feed, vault, base: feed },
        Event::GrowthCapChanged { feed, cap: GrowthCap::default() },
        Event::RateCapped { feed, reported: wad, accepted: wad },
        Event::PriceUpdated {
            feed,
            price: wad,
            smoothed: wad,
            spread: Ppm::new(1),
            time,
            round: 1,
            accepted: 1,
        },
        Event::OutlierRejected { feed, id, price: wad, median: wad },
        Event::QuorumMissed { feed, agree: 1, rejected: 1, quorum: 3 },
        Event::SignersChanged { id: signers, count: 1, threshold: 1, expires_at: time },
        Event::DoubtBegan { feed, cause: Cause::Jump, until: time },
        Event::DoubtEnded { feed, price: wad },
        Event::AssetCreated { asset, issuer: who, name: label, symbol: label, decimals: 6 },
        Event::VaultCreated { vault, asset, curator: who, name: label, symbol: label },
        Event::FactorRegistered { factor, kind, label },
        Event::AssetTagged { asset, kind, factor: Some(factor) },
        Event::RebasingCreated { asset, name: label, symbol: label, rate: feed },
        Event::GovernanceChanged { governance: who },
        Event::GuardianChanged { guardian: who },
    ]
}

/// Each event of the core has its own Solidity event, with as many topics as the ABI indexes, and
/// each Solidity event is the core's, but for what the shell says of a block's own calls.
#[test]
fn events_map_one_to_one() {
    let abis = interfaces();
    let declared: BTreeMap<_, _> = abis
        .iter()
        .flat_map(|(interface, abi)| abi.events().map(move |event| (*interface, event)))
        .map(|(interface, event)| {
            ((interface, event.selector()), (event.name.clone(), event.num_topics()))
        })
        .collect();
    let mut seen = BTreeSet::new();
    for event in events() {
        let (_, data) = encode_event(&event);
        let (key, (name, topics)) = declared
            .iter()
            .find(|((_, selector), (_, topics))| {
                // ERC-20 and ERC-721 share signatures, and index different parameters.
                Some(selector) == data.topics().first() && data.topics().len() == *topics
            })
            .unwrap_or_else(|| panic!("{event:?} has no Solidity event"));
        assert_eq!(data.topics().len(), *topics, "{name}");
        assert!(seen.insert(*key), "{name} stands for two events");
    }
    let missing: Vec<_> = declared
        .iter()
        .filter(|(key, _)| !seen.contains(*key))
        .map(|(_, (name, _))| name.as_str())
        .collect();
    assert_eq!(missing, ["SweepEnded", "SweepSkipped", "ReportRejected"]);
}
