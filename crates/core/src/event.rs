//! What happened, for those who watch.

use crate::bids::Tier;
use crate::breaker::BreakerTerms;
use crate::delegation::{Credit, CreditId, Operator};
use crate::doubt::Cause;
use crate::factor::FactorKind;
use crate::feed::{FeedKind, FeedSubject, FeedTerms};
use crate::fixed::{Assets, Bps, Ppm, Ray, Shares, Timestamp, Units, Wad};
use crate::groups::GroupTerms;
use crate::growth::GrowthCap;
use crate::ids::{
    AccountId, AssetId, BidId, FactorId, FeedId, GroupId, MarketId, PlaceId, QueueId, StakeId,
    Token, VaultId,
};
use crate::interest::InterestModel;
use crate::label::Label;
use crate::listing::{CollateralTerms, MarketTerms};
use crate::market::PauseLevel;
use crate::meter::MeterTerms;
use crate::pool::PoolTerms;
use crate::portfolio::{MarginTerms, RiskFactor};
use crate::signers::SignerSetId;
use crate::sources::{Source, SourceId};
use crate::stop_loss::StopLoss;
use crate::sweep::SweepReason;
use crate::terms::Subject;
use alloy_primitives::{Address, U256};

/// One thing that happened. Each variant has one Solidity event, emitted by the contract of the
/// token, asset, vault, market, feed or registry that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are the event's, named by what they hold")]
pub enum Event {
    /// Tokens moved (ERC-20); from zero when minted, to zero when burned.
    Transfer { token: Token, from: Address, to: Address, value: u128 },
    /// An allowance was set (ERC-20).
    Approval { token: Token, owner: Address, spender: Address, value: U256 },

    /// An asset's issuer changed.
    IssuerChanged { asset: AssetId, issuer: Address },
    /// Native coins were wrapped.
    Wrapped { asset: AssetId, account: Address, value: Assets },
    /// Native coins were unwrapped.
    Unwrapped { asset: AssetId, account: Address, value: Assets },

    /// A vault took assets for shares (ERC-4626).
    Deposit { vault: VaultId, sender: Address, owner: Address, assets: Assets, shares: Shares },
    /// A vault paid assets for shares (ERC-4626).
    Withdraw {
        vault: VaultId,
        sender: Address,
        receiver: Address,
        owner: Address,
        assets: Assets,
        shares: Shares,
    },
    /// Shares were put into a vault's exit queue for a place (ERC-7540).
    ExitRequested {
        place: PlaceId,
        sender: Address,
        owner: Address,
        controller: Address,
        shares: Shares,
    },
    /// A vault's exit queue was filled from the front: `assets` were set aside for `shares`.
    ExitsFilled { vault: VaultId, shares: Shares, assets: Assets, waiting: Shares },
    /// What was set aside for `shares` of a place was paid out.
    ExitClaimed { place: PlaceId, receiver: Address, shares: Shares, assets: Assets },
    /// A place changed hands (ERC-721); from zero when given, to zero when it ended.
    PlaceMoved { place: PlaceId, from: Address, to: Address },
    /// An address may move a place (ERC-721).
    PlaceApproved { place: PlaceId, owner: Address, approved: Address },
    /// An address may move all of an owner's places, or no longer (ERC-721).
    PlaceOperatorChanged { vault: VaultId, owner: Address, operator: Address, allowed: bool },
    /// A vault's debt grew; `fee` of the interest went to its reserves.
    Accrued { vault: VaultId, interest: Assets, fee: Assets, borrow_index: Ray },
    /// A vault wrote off debt; the line's first-loss capital bore it first, then the reserves, then
    /// its lenders.
    LossRealised {
        vault: VaultId,
        market: MarketId,
        shortfall: Assets,
        from_first_loss: Assets,
        from_reserves: Assets,
        from_lenders: Assets,
    },
    /// A vault's curator changed.
    CuratorChanged { vault: VaultId, curator: Address },
    /// A vault's share of interest for reserves changed.
    ReserveFeeChanged { vault: VaultId, reserve_fee: Bps },
    /// A vault's caps changed.
    CapsChanged { vault: VaultId, supply_cap: Assets, borrow_cap: Assets },
    /// A vault's interest model changed.
    RatesChanged { vault: VaultId, rates: InterestModel },
    /// A vault was paused or resumed.
    VaultPauseChanged { vault: VaultId, paused: bool },
    /// A vault's credit to a market changed.
    LineCapChanged { vault: VaultId, market: MarketId, cap: Assets },
    /// What a vault lends at most against assets with a common factor changed; `None` ends the cap.
    FactorCapChanged { vault: VaultId, factor: FactorId, cap: Option<Assets> },
    /// What a vault lends at most through one line against one asset changed; `None` ends the ceiling.
    CeilingChanged { vault: VaultId, market: MarketId, asset: AssetId, cap: Option<Assets> },
    /// A vault's reserves were paid out.
    ReservesCollected { vault: VaultId, to: Address, assets: Assets },

    /// A market came to be.
    MarketCreated { market: MarketId, owner: Address },
    /// A market's liquidation terms changed.
    MarketTermsChanged { market: MarketId, terms: MarketTerms },
    /// A market's owner changed.
    MarketOwnerChanged { market: MarketId, owner: Address },
    /// A market stands still to another degree; until then, or until changed if that is zero.
    MarketPauseChanged { market: MarketId, level: PauseLevel, until: Timestamp, actor: Address },
    /// Governance vouches for a market's prices, or no more.
    RecognitionChanged { market: MarketId, recognised: bool },
    /// A market has another breaker, or none any more.
    BreakerChanged { market: MarketId, terms: Option<BreakerTerms> },
    /// So much was liquidated, of so much debt, that a market is restricted for a while; in US dollars.
    BreakerTripped { market: MarketId, liquidated: Wad, debt: Wad, until: Timestamp },
    /// The restriction by a market's breaker is over.
    BreakerRecovered { market: MarketId },
    /// A line has another draw meter, or none any more.
    DrawMeterChanged { market: MarketId, vault: VaultId, terms: Option<MeterTerms> },
    /// Less than a tenth is left of what may be drawn on a line; all of it is there again at `full_at`.
    DrawMeterLow { market: MarketId, vault: VaultId, left: Assets, full_at: Timestamp },
    /// A market takes another asset as collateral.
    CollateralListed { market: MarketId, asset: AssetId, terms: CollateralTerms },
    /// A collateral's terms changed.
    CollateralChanged { market: MarketId, asset: AssetId, terms: CollateralTerms },
    /// Accounts that keep earlier terms of a collateral or group go to the present ones.
    MoveScheduled { market: MarketId, subject: Subject, start: Timestamp, end: Timestamp },
    /// A market has another group.
    GroupCreated { market: MarketId, group: GroupId, label: Label, terms: GroupTerms },
    /// A group's terms changed.
    GroupTermsChanged { market: MarketId, group: GroupId, terms: GroupTerms },
    /// A group has more members: bit i of each is place i in the market's lists.
    GroupMembersChanged { market: MarketId, group: GroupId, collaterals: u16, vaults: u8 },
    /// An account is in another group, or in none.
    GroupChanged { account: AccountId, group: GroupId },
    /// Another set of margin parameters replaces the one before; `None` is the threshold model.
    MarginChanged {
        market: MarketId,
        generation: u32,
        margin: Option<MarginTerms>,
        ramp_start: Timestamp,
        ramp_end: Timestamp,
    },
    /// How an asset moves in a set of margin parameters.
    MarginFactorSet { market: MarketId, generation: u32, asset: AssetId, factor: RiskFactor },
    /// A market may draw on another vault, once its curator opens the line.
    VaultListed { market: MarketId, vault: VaultId, feed: FeedId, min_debt: Assets },
    /// Collateral was pledged for an account.
    CollateralSupplied { account: AccountId, asset: AssetId, payer: Address, amount: Assets },
    /// Collateral was released.
    CollateralWithdrawn { account: AccountId, asset: AssetId, receiver: Address, amount: Assets },
    /// An account drew on a vault.
    Borrowed { account: AccountId, vault: VaultId, receiver: Address, amount: Assets },
    /// A debt was repaid, in part or whole.
    Repaid { account: AccountId, vault: VaultId, payer: Address, amount: Assets },
    /// From now on an account pays `1 + premium` times the base rates.
    RiskPremiumChanged { account: AccountId, premium: Bps },
    /// One for each pair of debt and collateral that a liquidation touched; amounts add up.
    Liquidated {
        account: AccountId,
        liquidator: Address,
        vault: VaultId,
        asset: AssetId,
        repaid: Assets,
        seized: Assets,
        /// Before the liquidation.
        health_factor: Wad,
        bonus: Bps,
    },
    /// Vault shares were put into a tier of a bid queue.
    BidPlaced { bid: BidId, shares: Shares },
    /// A bid may be withdrawn from `opens_at` on.
    BidWithdrawalAnnounced { bid: BidId, opens_at: Timestamp },
    /// Shares of a bid were taken back.
    BidWithdrawn { bid: BidId, receiver: Address, shares: Shares },
    /// Collateral that a bid had bought was paid out.
    BidClaimed { bid: BidId, receiver: Address, amount: Assets },
    /// The bids of a tier bought collateral of an account: `shares` were burned against `repaid` of
    /// its debt.
    BidsFilled {
        account: AccountId,
        queue: QueueId,
        tier: Tier,
        shares: Shares,
        repaid: Assets,
        seized: Assets,
        /// Of the collateral, in US dollars per whole token.
        price: Wad,
        /// Of the debt's asset.
        debt_price: Wad,
    },
    /// The sweep sold collateral of an account to bids; one [`Event::BidsFilled`] for each fill
    /// comes before it. Values are what remains.
    Swept {
        account: AccountId,
        reason: SweepReason,
        health_before: Wad,
        health_after: Wad,
        collateral_value: Wad,
        debt_value: Wad,
    },
    /// An owner's order to sell before the threshold is reached was left, or taken back (`None`).
    StopLossChanged { account: AccountId, order: Option<StopLoss> },
    /// Vault shares were staked on a line.
    FirstLossStaked { stake: StakeId, shares: Shares, units: Units },
    /// A stake may leave from `opens_at` on.
    UnstakeAnnounced { stake: StakeId, opens_at: Timestamp },
    /// A stake left, in part or whole.
    FirstLossUnstaked { stake: StakeId, receiver: Address, units: Units, shares: Shares },
    /// A vault's reserves paid premium to a line's stakers, in new shares.
    FirstLossRewarded { market: MarketId, vault: VaultId, assets: Assets, shares: Shares },
    /// The part of the interest on a line's debt that stakers earn changed.
    FirstLossPremiumChanged { market: MarketId, vault: VaultId, premium: Bps },
    /// An account on a line is insolvent: no stake leaves the line before `until`.
    LossPending { account: AccountId, vault: VaultId, until: Timestamp },
    /// An operator may do something else with an account; nothing if there are no permissions.
    OperatorChanged { account: AccountId, operator: Address, terms: Operator },
    /// A delegatee may draw something else; nothing if the limit is zero.
    CreditDelegated { id: CreditId, credit: Credit },
    /// A delegatee drew; `left` is what may still be drawn.
    CreditDrawn { id: CreditId, amount: Assets, left: Assets },
    /// Signatures of an owner over nonces below `next` are void.
    SignaturesVoided { owner: Address, next: u64 },
    /// All of an account moved to another; one [`Event::CollateralRehomed`] or
    /// [`Event::DebtRehomed`] for each part comes before it.
    Rehomed { from: AccountId, to: AccountId, health_factor: Wad },
    /// Collateral moved between accounts of one owner.
    CollateralRehomed { from: AccountId, to: AccountId, asset: AssetId, amount: Assets },
    /// A debt moved between accounts or vaults: what was owed, rounded up.
    DebtRehomed { from: AccountId, to: AccountId, vaults: (VaultId, VaultId), amount: Assets },
    /// A debt that nothing covers any more was written off.
    BadDebt { account: AccountId, vault: VaultId, amount: Assets },

    /// A feed came to be.
    FeedCreated { feed: FeedId, owner: Address, subject: FeedSubject },
    /// A feed's terms changed.
    FeedTermsChanged { feed: FeedId, terms: FeedTerms },
    /// A source may report to a feed, or counts otherwise.
    SourceChanged { feed: FeedId, source: Source },
    /// A source may not report to a feed any more.
    SourceRemoved { feed: FeedId, id: SourceId },
    /// A pool that is a source of a feed is read in another way, from the next block on.
    PoolTermsChanged { feed: FeedId, terms: PoolTerms },
    /// Another feed stands in while this one is stale; or none.
    FallbackChanged { feed: FeedId, fallback: Option<FeedId> },
    /// A feed's price is computed from others.
    ComputedFeedCreated { feed: FeedId, kind: FeedKind },
    /// A feed's price is that of a vault's share, at the asset's price of `base`.
    ShareFeedCreated { feed: FeedId, vault: VaultId, base: FeedId },
    /// A rate grows from another anchor now, or at another speed.
    GrowthCapChanged { feed: FeedId, cap: GrowthCap },
    /// A rate was reported above its growth cap, and accepted at the cap.
    RateCapped { feed: FeedId, reported: Wad, accepted: Wad },
    /// A feed has a new price. `accepted` are the places of the sources that count, as bits.
    PriceUpdated {
        feed: FeedId,
        price: Wad,
        smoothed: Wad,
        spread: Ppm,
        time: Timestamp,
        round: u32,
        accepted: u16,
    },
    /// A source's report is too far from the others', and does not count.
    OutlierRejected { feed: FeedId, id: SourceId, price: Wad, median: Wad },
    /// Too few fresh sources agree: the feed keeps its price.
    QuorumMissed { feed: FeedId, agree: u8, rejected: u8, quorum: u8 },
    /// Who signs for another oracle changed.
    SignersChanged { id: SignerSetId, count: u8, threshold: u8, expires_at: Timestamp },
    /// A feed is not used until then.
    FeedFrozen { feed: FeedId, until: Timestamp, actor: Address },
    /// A feed may be used again; liquidation waits.
    FeedUnfrozen { feed: FeedId, actor: Address, liquidation_resumes_at: Timestamp },
    /// A price is doubtful; borrowers are judged by the better of it and the smoothed one for a while.
    DoubtBegan { feed: FeedId, cause: Cause, until: Timestamp },
    /// A price is believed again.
    DoubtEnded { feed: FeedId, price: Wad },

    /// An asset came to be.
    AssetCreated { asset: AssetId, issuer: Address, name: Label, symbol: Label, decimals: u8 },
    /// A vault came to be.
    VaultCreated { vault: VaultId, asset: AssetId, curator: Address, name: Label, symbol: Label },
    /// A factor came to be.
    FactorRegistered { factor: FactorId, kind: FactorKind, label: Label },
    /// An asset has another factor of this kind; `None` if it has none any more.
    AssetTagged { asset: AssetId, kind: FactorKind, factor: Option<FactorId> },
    /// An asset has a rebasing view.
    RebasingCreated { asset: AssetId, name: Label, symbol: Label, rate: FeedId },
    /// Governance was handed over.
    GovernanceChanged { governance: Address },
    /// The guardian changed.
    GuardianChanged { guardian: Address },
}
