//! Why an operation stops: the caller's fault ([`Error`]), or the ledger's ([`Fault`]).

use crate::delegation::Permission;
use crate::fixed::{Assets, Bps, Shares, Timestamp, Units, Wad};
use crate::ids::{AssetId, FactorId, FeedId, GroupId, MarketId, VaultId};
use crate::market::PauseLevel;
use crate::signers::SignerSetId;
use crate::sources::SourceId;
use alloy_primitives::{Address, U256};

/// What an actor must be to do what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The protocol's governance.
    Governance,
    /// The protocol's guardian, who may only stop things, for a while.
    Guardian,
    /// A vault's curator.
    Curator,
    /// A market's owner.
    MarketOwner,
    /// A feed's owner.
    FeedOwner,
    /// An asset's issuer.
    Issuer,
}

impl Role {
    /// The role in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Governance => "governance",
            Self::Guardian => "guardian",
            Self::Curator => "curator",
            Self::MarketOwner => "market owner",
            Self::FeedOwner => "feed owner",
            Self::Issuer => "issuer",
        }
    }
}

impl core::fmt::Display for Role {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

/// Which bound would be exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cap {
    /// What a vault lends at most.
    Borrow,
    /// What a market draws on one vault at most.
    Line,
    /// What is pledged of one collateral in one market at most.
    Collateral,
}

impl Cap {
    /// The cap in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Borrow => "borrow",
            Self::Line => "line",
            Self::Collateral => "collateral",
        }
    }
}

impl core::fmt::Display for Cap {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

/// Why the protocol refused. One variant for each cause, with the values that explain it; each has
/// one Solidity error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A number left its range.
    #[error("a number left its range")]
    Overflow,
    /// Nothing would move, or only on one side.
    #[error("the amount is zero")]
    ZeroAmount,
    /// The zero address was named.
    #[error("the address is zero")]
    ZeroAddress,
    /// A parameter is outside what the protocol allows.
    #[error("{name} must not be {value}")]
    InvalidParameter {
        /// The parameter.
        name: &'static str,
        /// Its value.
        value: u128,
    },

    /// No such asset.
    #[error("there is no asset {asset}")]
    UnknownAsset {
        /// The number that was named.
        asset: AssetId,
    },
    /// No such vault.
    #[error("there is no vault {vault}")]
    UnknownVault {
        /// The number that was named.
        vault: VaultId,
    },
    /// No such market.
    #[error("there is no market {market}")]
    UnknownMarket {
        /// The number that was named.
        market: MarketId,
    },
    /// No such feed.
    #[error("there is no feed {feed}")]
    UnknownFeed {
        /// The number that was named.
        feed: FeedId,
    },
    /// No such factor.
    #[error("there is no factor {factor}")]
    UnknownFactor {
        /// The number that was named.
        factor: FactorId,
    },
    /// The market does not take the asset.
    #[error("asset {asset} is not collateral in market {market}")]
    CollateralNotListed {
        /// The market.
        market: MarketId,
        /// The asset.
        asset: AssetId,
    },
    /// No such group.
    #[error("there is no group {group} in market {market}")]
    UnknownGroup {
        /// The market.
        market: MarketId,
        /// The number that was named.
        group: GroupId,
    },
    /// The account is in that group already, or in none when it would leave one.
    #[error("the account is in group {group} of market {market} already (0: in none)")]
    SameGroup {
        /// The market.
        market: MarketId,
        /// The group.
        group: GroupId,
    },
    /// Accounts of the group owe to its vaults only.
    #[error("vault {vault} is not in group {group} of market {market}")]
    OutsideGroup {
        /// The market.
        market: MarketId,
        /// The group.
        group: GroupId,
        /// The vault that is owed or would be drawn on.
        vault: VaultId,
    },
    /// Accounts still keep as many earlier terms as there can be.
    #[error(
        "accounts of market {market} keep {most} earlier terms: schedule a move and let it end"
    )]
    TooManyKept {
        /// The market.
        market: MarketId,
        /// How many there can be.
        most: u8,
    },
    /// No account keeps earlier terms.
    #[error("no account of market {market} keeps earlier terms of it")]
    NothingToMove {
        /// The market.
        market: MarketId,
    },
    /// One move is announced or runs already.
    #[error("the move that was announced ends at {ends_at}")]
    MoveNotOver {
        /// When it has ended.
        ends_at: Timestamp,
    },
    /// The market does not draw on the vault.
    #[error("vault {vault} is not listed in market {market}")]
    VaultNotListed {
        /// The market.
        market: MarketId,
        /// The vault.
        vault: VaultId,
    },
    /// The market lists the asset or vault already.
    #[error("number {id} is listed in market {market} already")]
    AlreadyListed {
        /// The market.
        market: MarketId,
        /// The number of the asset or vault.
        id: u32,
    },
    /// The market's list is full.
    #[error("market {market} lists {most} already")]
    TooManyListed {
        /// The market.
        market: MarketId,
        /// The length of the full list.
        most: u8,
    },
    /// The vault's list of lines is full.
    #[error("vault {vault} has {most} open lines already")]
    TooManyLines {
        /// The vault.
        vault: VaultId,
        /// The length of the full list.
        most: u8,
    },

    /// The factor's list of assets is full.
    #[error("{most} assets have factor {factor} already")]
    TooManyTagged {
        /// The factor.
        factor: FactorId,
        /// The length of the full list.
        most: u8,
    },
    /// The vault's list of capped factors is full.
    #[error("vault {vault} caps {most} factors already")]
    TooManyFactorCaps {
        /// The vault.
        vault: VaultId,
        /// The length of the full list.
        most: u8,
    },

    /// The actor has not the role that this takes.
    #[error("{actor} is not the {role}")]
    NotAuthorised {
        /// Who asked.
        actor: Address,
        /// Who may.
        role: Role,
    },

    /// The account's owner did not permit that.
    #[error("{actor} may not {permission} for {owner}")]
    NotPermitted {
        /// Who asked.
        actor: Address,
        /// Whose account.
        owner: Address,
        /// What it takes.
        permission: Permission,
    },
    /// The owner permitted that until a moment that has passed.
    #[error("the authorisation expired at {expired_at}")]
    AuthorisationExpired {
        /// Its last second.
        expired_at: Timestamp,
    },
    /// The owner lets the delegatee draw less.
    #[error("{delegatee} may draw {limit}, asked for were {asked}")]
    InsufficientCredit {
        /// Who was to draw.
        delegatee: Address,
        /// What may be drawn.
        limit: Assets,
        /// What was asked for.
        asked: Assets,
    },

    /// The sender holds less (ERC-6093).
    #[error("{sender} holds {balance} and needs {needed}")]
    InsufficientBalance {
        /// Whose tokens.
        sender: Address,
        /// What they hold.
        balance: u128,
        /// What was to move.
        needed: u128,
    },
    /// The owner allowed less (ERC-6093).
    #[error("{spender} may move {allowance} and needs {needed}")]
    InsufficientAllowance {
        /// Who was to move tokens.
        spender: Address,
        /// What the owner allowed.
        allowance: U256,
        /// What was to move.
        needed: u128,
    },
    /// Tokens cannot be sent there (ERC-6093).
    #[error("{receiver} cannot receive tokens")]
    InvalidReceiver {
        /// The address.
        receiver: Address,
    },
    /// The signature is too old (EIP-2612).
    #[error("the signature expired at {deadline}")]
    ExpiredSignature {
        /// Until when it was good.
        deadline: U256,
    },
    /// Someone else signed, or something else (EIP-2612).
    #[error("this is signed by {signer}, not by {owner}")]
    InvalidSigner {
        /// Who signed; zero if the signature is none.
        signer: Address,
        /// Who should have.
        owner: Address,
    },
    /// The asset wraps the native coin: it is minted by wrapping only.
    #[error("asset {asset} is not issued")]
    NotMintable {
        /// The asset.
        asset: AssetId,
    },
    /// The asset has no rebasing view.
    #[error("asset {asset} has no rebasing view")]
    NotRebasing {
        /// The asset.
        asset: AssetId,
    },
    /// The asset has a rebasing view already.
    #[error("asset {asset} has a rebasing view already")]
    RebasingExists {
        /// The asset.
        asset: AssetId,
    },
    /// The asset does not wrap the native coin.
    #[error("asset {asset} does not wrap the native coin")]
    NotWrapper {
        /// The asset.
        asset: AssetId,
    },

    /// More than the vault takes (ERC-4626).
    #[error("{assets} is more than the {most} that may be deposited")]
    ExceededMaxDeposit {
        /// For whom.
        receiver: Address,
        /// What was to be deposited.
        assets: Assets,
        /// What may be.
        most: Assets,
    },
    /// More than the vault takes (ERC-4626).
    #[error("{shares} is more than the {most} that may be minted")]
    ExceededMaxMint {
        /// For whom.
        receiver: Address,
        /// What was to be minted.
        shares: Shares,
        /// What may be.
        most: Shares,
    },
    /// More than the owner's shares are worth (ERC-4626).
    #[error("{assets} is more than the {most} that may be withdrawn")]
    ExceededMaxWithdraw {
        /// Whose shares.
        owner: Address,
        /// What was to be withdrawn.
        assets: Assets,
        /// What may be.
        most: Assets,
    },
    /// More shares than the owner has (ERC-4626).
    #[error("{shares} is more than the {most} that may be redeemed")]
    ExceededMaxRedeem {
        /// Whose shares.
        owner: Address,
        /// What was to be redeemed.
        shares: Shares,
        /// What may be.
        most: Shares,
    },
    /// The assets are worth less than one share.
    #[error("{assets} is worth no share")]
    ZeroShares {
        /// The assets.
        assets: Assets,
    },
    /// The vault has lent out what was asked for.
    #[error("the vault has {cash} of the {asked} asked for")]
    Illiquid {
        /// What it has.
        cash: Assets,
        /// What was asked for.
        asked: Assets,
    },
    /// The vault takes no deposits and lends nothing for now.
    #[error("vault {vault} is paused")]
    VaultPaused {
        /// The vault.
        vault: VaultId,
    },
    /// Losses took all assets; new deposits would pay for old shares.
    #[error("vault {vault} has shares and no assets")]
    VaultWipedOut {
        /// The vault.
        vault: VaultId,
    },
    /// The vault holds too little for its shares to be collateral.
    #[error("vault {vault} holds {assets}, its shares count from {minimum}")]
    ThinVault {
        /// The vault.
        vault: VaultId,
        /// What its lenders own.
        assets: Assets,
        /// The least that they must own.
        minimum: Assets,
    },
    /// A vault's shares would back debt that the vault itself pays for, through others perhaps.
    #[error(
        "in market {market} shares of vault {share} would back debt to vault {lender}, whose shares \
         back debt to vault {share} already, at last in market {closing}"
    )]
    CircularBacking {
        /// The market in which shares would back debt.
        market: MarketId,
        /// The vault whose shares would be collateral there.
        share: VaultId,
        /// The vault that would be owed there.
        lender: VaultId,
        /// The market that takes the lender's shares: where the circle closes.
        closing: MarketId,
    },
    /// Too many vaults depend on each other for a search for circles.
    #[error("more than {most} vaults back each other here")]
    TooManyVaultsBehind {
        /// How many are looked at.
        most: u8,
    },
    /// Less than that was kept as reserves.
    #[error("the reserves are {reserves}, asked for were {asked}")]
    ReservesTooLow {
        /// What there is.
        reserves: Assets,
        /// What was asked for.
        asked: Assets,
    },

    /// The market stands still to that degree.
    #[error("market {market} is paused ({level:?}, until {until}; 0 is until changed)")]
    MarketPaused {
        /// The market.
        market: MarketId,
        /// How much of it stands still.
        level: PauseLevel,
        /// Until when; zero if until changed.
        until: Timestamp,
    },
    /// The guardian stopped this not long enough ago to stop it again.
    #[error("the guardian may not stop this again before {until}")]
    GuardianRests {
        /// Until when.
        until: Timestamp,
    },
    /// The guardian cannot prolong a freeze.
    #[error("feed {feed} is frozen until {until} already")]
    FeedAlreadyFrozen {
        /// The feed.
        feed: FeedId,
        /// Until when.
        until: Timestamp,
    },
    /// There is no freeze to lift.
    #[error("feed {feed} is not frozen")]
    FeedNotFrozen {
        /// The feed.
        feed: FeedId,
    },
    /// More would be drawn on a line than its meter lets through in a while.
    #[error("the draw meter has {left} left; it has enough, or is full, at {refills_at}")]
    DrawLimitReached {
        /// What may be drawn now.
        left: Assets,
        /// When what was asked for may be drawn, or all of the limit if that was more.
        refills_at: Timestamp,
    },
    /// A cap would be exceeded.
    #[error("the {cap} cap is {most}, it would be {would}")]
    CapExceeded {
        /// Which cap.
        cap: Cap,
        /// What it allows.
        most: Assets,
        /// What there would be.
        would: Assets,
    },
    /// More of a vault's debt would be backed by assets with a common factor than its curator allows.
    #[error("vault {vault} would have {would} behind factor {factor}, of at most {most}")]
    FactorCapExceeded {
        /// The vault.
        vault: VaultId,
        /// What the assets have in common.
        factor: FactorId,
        /// The cap.
        most: Assets,
        /// What the debt would amount to.
        would: Assets,
    },
    /// More of a line's debt would be backed by an asset than the vault's curator allows.
    #[error("vault {vault} would have {would} behind asset {asset}, of at most {most}")]
    CeilingExceeded {
        /// The vault.
        vault: VaultId,
        /// The collateral.
        asset: AssetId,
        /// The ceiling.
        most: Assets,
        /// What the debt would amount to.
        would: Assets,
    },
    /// Less than that is pledged.
    #[error("{pledged} is pledged, asked for were {asked}")]
    InsufficientCollateral {
        /// What is pledged.
        pledged: Assets,
        /// What was asked for.
        asked: Assets,
    },
    /// The debt would be worth more than the collateral's borrow limit, in US dollars.
    #[error("the debt would be worth {debt_value}, the limit is {limit}")]
    AboveLimit {
        /// The debt's value, rounded up.
        debt_value: Wad,
        /// The sum of collateral values times LTV, rounded down.
        limit: Wad,
    },
    /// Correlations contradict each other: no assets can move like that.
    #[error("the correlations of asset {asset} contradict the others")]
    CovarianceNotPositive {
        /// One of the assets concerned.
        asset: AssetId,
    },
    /// The market's margin is still moving to its last parameter set.
    #[error("the last change of margin is under way until {until}")]
    MarginRampRunning {
        /// When the next may begin.
        until: Timestamp,
    },
    /// The debt would be neither zero nor worth the trouble of liquidating it.
    #[error("the debt would be {debt}, the minimum is {minimum}")]
    DebtBelowMinimum {
        /// What would be owed.
        debt: Assets,
        /// The least there may be.
        minimum: Assets,
    },
    /// There is nothing to repay.
    #[error("there is no debt")]
    NoDebt,

    /// The account holds nothing that would move.
    #[error("there is nothing to move")]
    NothingToRehome,
    /// A debt must move, too, and it was not said where.
    #[error("it was not said where the debt to vault {vault} goes")]
    DebtLeftBehind {
        /// The vault that is owed.
        vault: VaultId,
    },
    /// It was said twice where a debt goes.
    #[error("vault {vault} is named twice")]
    NamedTwice {
        /// The vault that is owed.
        vault: VaultId,
    },
    /// A debt cannot become one of another asset.
    #[error("vaults {from} and {to} are of different assets")]
    AssetsDiffer {
        /// The vault that is owed.
        from: VaultId,
        /// The vault that was to be owed.
        to: VaultId,
    },

    /// The account's health factor is one or more.
    #[error("the account is healthy at {health_factor}")]
    Healthy {
        /// Its health factor.
        health_factor: Wad,
    },
    /// Liquidation waits after the market was frozen.
    #[error("liquidation resumes at {resumes_at}")]
    LiquidationPaused {
        /// Until when.
        resumes_at: Timestamp,
    },
    /// Selling this collateral, or so little of it, would leave the account less healthy.
    #[error(
        "selling this collateral at threshold {threshold} worsens the health of {health_factor}"
    )]
    LiquidationWouldWorsen {
        /// The account's health factor.
        health_factor: Wad,
        /// The collateral's liquidation threshold.
        threshold: Bps,
    },
    /// The debt can only be repaid in one piece.
    #[error("closing takes {repay}, offered was {offered}")]
    CloseOutNeeds {
        /// What must be repaid to the named vault.
        repay: Assets,
        /// What the liquidator offered at most.
        offered: Assets,
    },

    /// There is no such bid, or nothing of it waits any more.
    #[error("there is no such bid")]
    NoBid,
    /// A bid could not repay the smallest debt.
    #[error("the bid is worth {worth}, the minimum is {minimum}")]
    BidTooSmall {
        /// What its shares are worth.
        worth: Assets,
        /// The least that it may be worth.
        minimum: Assets,
    },
    /// The collateral's largest bonus is below that discount.
    #[error("a discount of {discount} is above the maximum of {most}")]
    TierAboveMaximum {
        /// The tier's discount.
        discount: Bps,
        /// The largest discount that may be bid.
        most: Bps,
    },
    /// Less than that waits in the bid.
    #[error("{shares} wait in the bid, asked for were {asked}")]
    InsufficientBid {
        /// What waits.
        shares: Shares,
        /// What was asked for.
        asked: Shares,
    },
    /// A withdrawal that must be announced was not.
    #[error("the withdrawal was not announced")]
    NoticeNotGiven,
    /// The withdrawal was announced too recently.
    #[error("the notice runs until {opens_at}")]
    NoticeRunning {
        /// From when it may be withdrawn.
        opens_at: Timestamp,
    },
    /// The withdrawal was announced too long ago.
    #[error("the window for the withdrawal closed at {closed_at}")]
    NoticeExpired {
        /// Until when it could have been withdrawn.
        closed_at: Timestamp,
    },

    /// There is no such stake, or losses took it; or nothing is staked on the line.
    #[error("there is no such stake")]
    NoStake,
    /// A stake could not cover the smallest debt.
    #[error("the stake would be worth {worth}, the minimum is {minimum}")]
    StakeTooSmall {
        /// What its shares are worth.
        worth: Assets,
        /// The least that it may be worth.
        minimum: Assets,
    },
    /// Less than that is staked.
    #[error("{units} units are staked, asked for were {asked}")]
    InsufficientStake {
        /// What is staked.
        units: Units,
        /// What was asked for.
        asked: Units,
    },
    /// An account that draws on the line is insolvent: its loss may be the stake's.
    #[error("a loss is pending until {until}")]
    LossPending {
        /// Until when no stake can leave.
        until: Timestamp,
    },
    /// The account's collateral covers its debt.
    #[error("the account is solvent, its health factor is {health_factor}")]
    Solvent {
        /// Its health factor.
        health_factor: Wad,
    },

    /// No such place is in the exit queue, or it was claimed to its end.
    #[error("there is no place {place}")]
    NonexistentPlace {
        /// Its number.
        place: u64,
    },
    /// A place is not whose the caller says it is.
    #[error("place {place} is {owner}'s, not {sender}'s")]
    NotPlaceOwner {
        /// Who was said to own it.
        sender: Address,
        /// Its number.
        place: u64,
        /// Whose it is.
        owner: Address,
    },
    /// The caller may not move a place or claim for it.
    #[error("{operator} may not move place {place}")]
    PlaceNotApproved {
        /// The caller.
        operator: Address,
        /// Its number.
        place: u64,
    },
    /// The caller may not say who else may move a place.
    #[error("{approver} may not approve anyone for this place")]
    InvalidPlaceApprover {
        /// The caller.
        approver: Address,
    },
    /// An address cannot receive places.
    #[error("{receiver} cannot receive a place")]
    InvalidPlaceReceiver {
        /// The address.
        receiver: Address,
    },
    /// Nothing of a place was filled since it was last claimed.
    #[error("nothing of place {place} was filled, {ahead} shares are ahead of it")]
    NothingToClaim {
        /// Its number.
        place: u64,
        /// Others' shares that are filled before.
        ahead: Shares,
    },

    /// The price is too old, or there was never one.
    #[error("the price of feed {feed} is from {updated_at}, older than {max_age} s")]
    StalePrice {
        /// The feed.
        feed: FeedId,
        /// When the price was observed.
        updated_at: Timestamp,
        /// How old it may be, in seconds.
        max_age: u32,
    },
    /// The price is doubted: no new risk is taken on it, and bids buy nothing while doubt relieves.
    #[error("the price of feed {feed} is doubtful; relief ends at {until}")]
    PriceDoubtful {
        /// The feed.
        feed: FeedId,
        /// When doubt stops to relieve borrowers.
        until: Timestamp,
    },
    /// Somebody has frozen the feed.
    #[error("feed {feed} is frozen until {until}")]
    FeedFrozen {
        /// The feed.
        feed: FeedId,
        /// Until when.
        until: Timestamp,
    },
    /// The price stands at a bound of its feed, so the true one may be beyond it.
    #[error("the price of feed {feed} stands at its bound {price}")]
    PriceOutOfBounds {
        /// The feed.
        feed: FeedId,
        /// The price.
        price: Wad,
    },
    /// The feed has a report of that round or time, or a later one, already.
    #[error("round {round} of feed {feed} does not follow {last_round}")]
    ReportNotNewer {
        /// The feed.
        feed: FeedId,
        /// The report's round.
        round: u64,
        /// The stored round.
        last_round: u64,
    },
    /// The report's time is ahead of the clock.
    #[error("feed {feed} reports for {time} at {now}")]
    ReportFromFuture {
        /// The feed.
        feed: FeedId,
        /// The report's time.
        time: Timestamp,
        /// The present.
        now: Timestamp,
    },
    /// The feed is of another kind than what it is named for.
    #[error("feed {feed} is not {wanted}")]
    WrongFeed {
        /// The feed.
        feed: FeedId,
        /// What it should be.
        wanted: &'static str,
    },
    /// Nobody of that identity may report to the feed.
    #[error("{} {} is no source of feed {feed}", id.kind.name(), id.key)]
    UnknownSource {
        /// The feed.
        feed: FeedId,
        /// Who.
        id: SourceId,
    },
    /// Nobody is believed to sign under that name, or not any more.
    #[error("no valid signers of {} are called {}", id.provider.name(), id.name)]
    UnknownSigners {
        /// The set.
        id: SignerSetId,
    },
    /// The feed has as many sources as a feed may have.
    #[error("feed {feed} has {most} sources already")]
    TooManySources {
        /// The feed.
        feed: FeedId,
        /// The most there may be.
        most: u8,
    },
    /// What lies at the address is not laid out as a pair is.
    #[error("{pool} is no pool of two tokens")]
    NotAPool {
        /// The address.
        pool: Address,
    },
    /// The pool trades something else than what the feed is the price of.
    #[error("the pool {pool} trades {token}, not {wanted}")]
    WrongPoolToken {
        /// The pool.
        pool: Address,
        /// What it trades on that side.
        token: Address,
        /// What the feed is the price of.
        wanted: Address,
    },
    /// As many feeds have pools as may have.
    #[error("{most} feeds have pools already")]
    TooManyPoolFeeds {
        /// The most there may be.
        most: u8,
    },
}

/// Why the ledger could not serve: raised by implementations of [`crate::Ledger`], carried through
/// unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The gas of the frame is used up.
    #[error("out of gas")]
    OutOfGas,
    /// The record cannot be read.
    #[error("the state cannot be read")]
    Unreadable,
    /// A frame that must not write tried to.
    #[error("write in a static frame")]
    StaticWrite,
}

/// Why an operation stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// The protocol refused: the caller's fault.
    #[error(transparent)]
    Refused(#[from] Error),
    /// The ledger failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}
