// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

// The native contracts of a Gage chain. Every address is 0x67616765 ("gage"), a kind byte,
// eleven zero bytes and a 32-bit id: registry 01, oracle 02, market 03 (id 0 each),
// vaults 04, assets 05, exit queues 06 and rebasing views 07 (ids from 1; a queue has its vault's, a view
// its asset's).
//
// Amounts are base units. Prices, values and health factors are wads (1e18), indexes and
// per-second rates rays (1e27), ratios basis points (1e4), times Unix seconds.

/// Why the protocol refused. One error for each cause, with the values that explain it.
interface IGageErrors {
    // Arithmetic and arguments.
    error Overflow();
    error ZeroAmount();
    error AmountTooLarge(uint256 amount);
    error ZeroAddress();
    error InvalidParameter(string name, uint256 value);
    error UnknownPauseLevel(uint8 level);
    // Objects.
    error UnknownAsset(uint32 asset);
    error UnknownVault(uint32 vault);
    error UnknownMarket(uint32 market);
    error UnknownFeed(uint32 feed);
    error UnknownFactor(uint32 factor);
    /// What is named there must be one and is none; so is every call, and every payment, to an address of
    /// theirs at which no contract is.
    error NotNativeContract(address account);
    error CollateralNotListed(uint32 market, uint32 asset);
    error VaultNotListed(uint32 market, uint32 vault);
    error UnknownGroup(uint32 market, uint8 group);
    /// The account is in that group already, or in none (0) when it would leave one.
    error SameGroup(uint32 market, uint8 group);
    error OutsideGroup(uint32 market, uint8 group, uint32 vault);
    /// Accounts still keep as many earlier terms as there can be: schedule a move and let it end.
    error TooManyKept(uint32 market, uint256 most);
    error NothingToMove(uint32 market);
    error MoveNotOver(uint256 endsAt);
    error AlreadyListed(uint32 market, uint32 id);
    error TooManyListed(uint32 market, uint256 most);
    error TooManyLines(uint32 vault, uint256 most);
    error TooManyTagged(uint32 factor, uint256 most);
    error TooManyFactorCaps(uint32 vault, uint256 most);
    // Authority.
    error NotAuthorised(address actor, string role);
    error NotPermitted(address actor, address owner, string permission);
    error AuthorisationExpired(uint256 expiredAt);
    error InsufficientCredit(address delegatee, uint256 limit, uint256 asked);
    // Tokens (ERC-6093, EIP-2612).
    error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed);
    error ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed);
    error ERC20InvalidReceiver(address receiver);
    error ERC2612ExpiredSignature(uint256 deadline);
    error ERC2612InvalidSigner(address signer, address owner);
    error NotMintable(uint32 asset);
    error NotWrapper(uint32 asset);
    error NotRebasing(uint32 asset);
    error RebasingExists(uint32 asset);
    // Vaults.
    error ERC4626ExceededMaxDeposit(address receiver, uint256 assets, uint256 most);
    error ERC4626ExceededMaxMint(address receiver, uint256 shares, uint256 most);
    error ERC4626ExceededMaxWithdraw(address owner, uint256 assets, uint256 most);
    error ERC4626ExceededMaxRedeem(address owner, uint256 shares, uint256 most);
    error ZeroShares(uint256 assets);
    error Illiquid(uint256 cash, uint256 asked);
    error VaultPaused(uint32 vault);
    error VaultWipedOut(uint32 vault);
    error ReservesTooLow(uint256 reserves, uint256 asked);
    /// The vault holds too little for its shares to be collateral.
    error ThinVault(uint32 vault, uint256 assets, uint256 minimum);
    /// In `market` shares of vault `share` would back debt to vault `lender`, which they stand on already: the
    /// circle closes in market `closing`.
    error CircularBacking(uint32 market, uint32 share, uint32 lender, uint32 closing);
    error TooManyVaultsBehind(uint256 most);
    // Markets and accounts.
    /// `until` is 0 if it lasts until it is changed.
    error MarketPaused(uint32 market, uint8 level, uint256 until);
    /// What the guardian stopped it may not stop again before.
    error GuardianRests(uint256 until);
    /// The line's meter has `left`; it has what was asked for, or is full, at `refillsAt`.
    error DrawLimitReached(uint256 left, uint256 refillsAt);
    error CapExceeded(string cap, uint256 most, uint256 would);
    error FactorCapExceeded(uint32 vault, uint32 factor, uint256 most, uint256 would);
    error CeilingExceeded(uint32 vault, uint32 asset, uint256 most, uint256 would);
    error InsufficientCollateral(uint256 pledged, uint256 asked);
    error AboveLimit(uint256 debtValue, uint256 limit);
    error DebtBelowMinimum(uint256 debt, uint256 minimum);
    // Portfolio margin.
    error CovarianceNotPositive(uint32 asset);
    error MarginRampRunning(uint256 until);
    error NoDebt();
    // Moving an account.
    error NothingToRehome();
    error DebtLeftBehind(uint32 vault);
    error NamedTwice(uint32 vault);
    error AssetsDiffer(uint32 from, uint32 to);
    // Liquidation.
    error Healthy(uint256 healthFactor);
    error LiquidationPaused(uint256 resumesAt);
    error LiquidationWouldWorsen(uint256 healthFactor, uint256 thresholdBps);
    error CloseOutNeeds(uint256 repay, uint256 offered);
    // Bids.
    error NoBid();
    error BidTooSmall(uint256 worth, uint256 minimum);
    error TierAboveMaximum(uint256 discountBps, uint256 mostBps);
    error InsufficientBid(uint256 shares, uint256 asked);
    error NoticeNotGiven();
    error NoticeRunning(uint256 opensAt);
    error NoticeExpired(uint256 closedAt);
    // First-loss capital.
    error NoStake();
    error StakeTooSmall(uint256 worth, uint256 minimum);
    error InsufficientStake(uint256 units, uint256 asked);
    error LossPending(uint256 until);
    error Solvent(uint256 healthFactor);
    // Exit queues (ERC-6093).
    error ERC721NonexistentToken(uint256 tokenId);
    error ERC721IncorrectOwner(address sender, uint256 tokenId, address owner);
    error ERC721InsufficientApproval(address operator, uint256 tokenId);
    error ERC721InvalidApprover(address approver);
    error ERC721InvalidReceiver(address receiver);
    error NothingToClaim(uint256 requestId, uint256 ahead);
    // Prices.
    error StalePrice(uint32 feed, uint256 updatedAt, uint256 maxAge);
    error PriceOutOfBounds(uint32 feed, uint256 price);
    error ReportNotNewer(uint32 feed, uint256 round, uint256 lastRound);
    error ReportFromFuture(uint32 feed, uint256 time, uint256 now);
    /// Nobody of that identity may report to the feed.
    error UnknownSource(uint32 feed, uint8 kind, bytes32 key);
    error TooManySources(uint32 feed, uint256 most);
    /// What lies there is not laid out as a pair of Uniswap v2.
    error NotAPool(address pool);
    /// The pool trades `token` where the feed is the price of `wanted`.
    error WrongPoolToken(address pool, address token, address wanted);
    error TooManyPoolFeeds(uint256 most);
    /// Nobody is believed to sign for that provider under that name, or not any more.
    error UnknownSigners(uint8 provider, bytes32 name);
    /// A message of another oracle that does not verify, and why.
    error InvalidMessage(uint8 provider, string reason);
    /// No new risk is taken on the price, and until then bids buy nothing.
    error PriceDoubtful(uint32 feed, uint256 until);
    error FeedFrozen(uint32 feed, uint256 until);
    error FeedAlreadyFrozen(uint32 feed, uint256 until);
    error FeedNotFrozen(uint32 feed);
    error WrongFeed(uint32 feed, string wanted);
    // The shell.
    error UnknownFunction(bytes4 selector);
    error MalformedCall();
    error DirectCallOnly();
    error NotPayable();
    error SystemOnly();
}

/// What every token of the chain can do: assets and vault shares alike.
interface IERC20Permit {
    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    function name() external view returns (string memory);
    function symbol() external view returns (string memory);
    function decimals() external view returns (uint8);
    function totalSupply() external view returns (uint256);
    function balanceOf(address account) external view returns (uint256);
    function allowance(address owner, address spender) external view returns (uint256);
    function transfer(address to, uint256 value) external returns (bool);
    function approve(address spender, uint256 value) external returns (bool);
    function transferFrom(address from, address to, uint256 value) external returns (bool);
    function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external;
    function nonces(address owner) external view returns (uint256);
    function DOMAIN_SEPARATOR() external view returns (bytes32);
    function eip712Domain() external view returns (bytes1 fields, string memory name, string memory version, uint256 chainId, address verifyingContract, bytes32 salt, uint256[] memory extensions);
}

/// A rebasing view over an asset, an ERC-20 besides: balances are shares of the asset times a reported rate, so
/// whoever holds the one holds the other. Transfers round shares up against the sender.
interface IRebasing {
    function asset() external view returns (address);
    function rateFeed() external view returns (uint32);
    function getTotalShares() external view returns (uint256);
    function sharesOf(address account) external view returns (uint256);
    function getPooledTokenByShares(uint256 shares) external view returns (uint256);
    function getSharesByPooledToken(uint256 amount) external view returns (uint256);
    /// Moves shares, and returns what they are worth.
    function transferShares(address to, uint256 shares) external returns (uint256 amount);
}

/// An asset. `mint` and `burn` are the issuer's and holders' ways in and out of an issued asset;
/// `deposit` and `withdraw` those of the wrapped native coin.
interface IAsset {
    event IssuerChanged(address indexed issuer);
    event Deposit(address indexed account, uint256 value);
    event Withdrawal(address indexed account, uint256 value);

    function issuer() external view returns (address);
    function setIssuer(address issuer) external;
    function mint(address to, uint256 value) external;
    function burn(uint256 value) external;
    function deposit() external payable;
    function withdraw(uint256 value) external;
}

/// A lenders' pool of one asset: ERC-4626, plus what borrowers owe it. Depositing needs no
/// approval: a native contract moves only its caller's own tokens.
interface IVault {
    /// How the borrow rate follows utilisation. `kind` 0 is kinked, 1 adaptive.
    /// Kinked: rates in basis points per year. Adaptive: `rateAtTarget` in ray per second.
    struct Rates {
        uint8 kind;
        uint32 base;
        uint32 slope1;
        uint32 slope2;
        uint16 kink;
        uint128 rateAtTarget;
    }

    struct VaultState {
        address asset;
        address curator;
        uint256 cash;
        uint256 debt;
        uint256 reserves;
        uint256 totalAssets;
        uint256 totalShares;
        uint256 losses;
        uint256 borrowIndex;
        uint256 borrowRate;
        uint256 supplyRate;
        uint256 utilisation;
        uint256 supplyCap;
        uint256 borrowCap;
        uint16 reserveFee;
        bool paused;
        Rates rates;
    }

    /// A vault's exit queue.
    struct ExitQueueState {
        /// The ERC-721 contract of its places.
        address token;
        /// Shares that wait.
        uint256 waiting;
        /// What they are worth.
        uint256 worth;
        /// Places ever given; the next one's number is one more.
        uint256 places;
        /// How many times it began.
        uint32 run;
        /// Since it began: shares queued, shares filled, fills, and assets set aside for them.
        uint256 queued;
        uint256 filled;
        uint256 fills;
        uint256 paid;
    }

    /// A place in the exit queue.
    struct ExitState {
        address owner;
        /// Its shares that wait, and what they are worth.
        uint256 waiting;
        uint256 worth;
        /// Others' shares that come before, and what they are worth.
        uint256 ahead;
        uint256 aheadWorth;
        /// Its shares that were filled and not claimed.
        uint256 filled;
        /// The assets set aside for them.
        uint256 claimable;
    }

    /// A point of the rate curve: what borrowers without a risk premium pay and what lenders earn
    /// at a utilisation (1e18 is all), in ray per second.
    struct RatePoint {
        uint256 utilisation;
        uint256 borrowRate;
        uint256 supplyRate;
    }

    event Deposit(address indexed sender, address indexed owner, uint256 assets, uint256 shares);
    event Withdraw(address indexed sender, address indexed receiver, address indexed owner, uint256 assets, uint256 shares);
    /// Shares were put into the exit queue for a place (ERC-7540).
    event RedeemRequest(address indexed controller, address indexed owner, uint256 indexed requestId, address sender, uint256 shares);
    /// The exit queue was filled from the front: `assets` were set aside for `shares`; `waiting` are left.
    event ExitsFilled(uint256 shares, uint256 assets, uint256 waiting);
    /// What was set aside for `shares` of a place was paid out.
    event ExitClaimed(uint256 indexed requestId, address indexed receiver, uint256 shares, uint256 assets);
    event Accrued(uint256 interest, uint256 fee, uint256 borrowIndex);
    event LossRealised(uint32 indexed market, uint256 shortfall, uint256 fromFirstLoss, uint256 fromReserves, uint256 fromLenders);
    event CuratorChanged(address indexed curator);
    event ReserveFeeChanged(uint16 reserveFee);
    event CapsChanged(uint256 supplyCap, uint256 borrowCap);
    event RatesChanged(Rates rates);
    event PauseChanged(bool paused);
    event LineCapChanged(uint32 indexed market, uint256 cap);
    /// What the vault lends at most against assets with a factor; type(uint256).max ends the cap.
    event FactorCapChanged(uint32 indexed factor, uint256 cap);
    /// What the vault lends at most through one line against one asset; type(uint256).max ends it.
    event CeilingChanged(uint32 indexed market, address indexed asset, uint256 cap);
    event ReservesCollected(address indexed to, uint256 assets);

    function asset() external view returns (address);
    function totalAssets() external view returns (uint256);
    function convertToShares(uint256 assets) external view returns (uint256);
    function convertToAssets(uint256 shares) external view returns (uint256);
    function maxDeposit(address receiver) external view returns (uint256);
    function maxMint(address receiver) external view returns (uint256);
    function maxWithdraw(address owner) external view returns (uint256);
    function maxRedeem(address owner) external view returns (uint256);
    function previewDeposit(uint256 assets) external view returns (uint256);
    function previewMint(uint256 shares) external view returns (uint256);
    function previewWithdraw(uint256 assets) external view returns (uint256);
    function previewRedeem(uint256 shares) external view returns (uint256);
    function deposit(uint256 assets, address receiver) external returns (uint256 shares);
    function mint(uint256 shares, address receiver) external returns (uint256 assets);
    function withdraw(uint256 assets, address receiver, address owner) external returns (uint256 shares);
    function redeem(uint256 shares, address receiver, address owner) external returns (uint256 assets);

    /// Puts shares of `owner` into the exit queue, whatever the cash; `controller` gets the place, an
    /// ERC-721 token of `IExit` numbered `requestId`. The queue has all cash that comes in before
    /// anybody else; shares in it earn and bear losses like all others until they are filled.
    function requestRedeem(uint256 shares, address controller, address owner) external returns (uint256 requestId);
    /// Pays out what was set aside for a place. Its owner and whoever may move it can.
    function claimExit(uint256 requestId, address receiver) external returns (uint256 assets);
    /// A place's shares that wait; 0 unless `controller` owns it (ERC-7540).
    function pendingRedeemRequest(uint256 requestId, address controller) external view returns (uint256 shares);
    /// A place's shares that were filled and not claimed; 0 unless `controller` owns it (ERC-7540).
    function claimableRedeemRequest(uint256 requestId, address controller) external view returns (uint256 shares);
    function exitState(uint256 requestId) external view returns (ExitState memory);
    function exitQueue() external view returns (ExitQueueState memory);

    function accrue() external;
    function state() external view returns (VaultState memory);
    /// The markets to which the curator opened lines.
    function lines() external view returns (uint32[] memory markets);
    /// The factors with a cap.
    function cappedFactors() external view returns (uint32[] memory factors);

    /// The rates if utilisation were this (above 1e18 counts as 1e18) and all else as now.
    function rateAt(uint256 utilisation) external view returns (uint256 borrowRate, uint256 supplyRate);
    /// The curve in 1 to 100 equal parts: their borders, and the bend. Straight between the points.
    function rateCurve(uint16 intervals) external view returns (RatePoint[] memory);
    /// The rates after `elapsed` seconds at today's utilisation; only an adaptive model moves.
    function ratesAfter(uint64 elapsed) external view returns (Rates memory rates, uint256 borrowRate);

    function setCurator(address curator) external;
    function setReserveFee(uint16 reserveFee) external;
    function setCaps(uint256 supplyCap, uint256 borrowCap) external;
    function setRates(Rates calldata rates) external;
    function setPaused(bool paused) external;
    /// Not above what it is while the market stands still to any degree.
    function setLineCap(uint32 market, uint256 cap) external;
    /// Caps what the vault lends, over all its lines, against assets with a factor;
    /// type(uint256).max ends the cap. A cap below what there is stops growth and nothing else.
    function setFactorCap(uint32 factor, uint256 cap) external;
    /// Caps what the vault lends through its line to a market against one collateral;
    /// type(uint256).max ends the ceiling.
    function setCeiling(uint32 market, address asset, uint256 cap) external;
    function collectReserves(address to, uint256 assets) external;
}

/// The places of a vault's exit queue (ERC-721 with metadata). The contract exists from the first
/// request on. What was set aside for a place goes with it.
interface IExit {
    event Transfer(address indexed from, address indexed to, uint256 indexed tokenId);
    event Approval(address indexed owner, address indexed approved, uint256 indexed tokenId);
    event ApprovalForAll(address indexed owner, address indexed operator, bool approved);

    function name() external view returns (string memory);
    function symbol() external view returns (string memory);
    /// JSON that says what the place stands for, as a data URI.
    function tokenURI(uint256 tokenId) external view returns (string memory);
    function vault() external view returns (address);
    function balanceOf(address owner) external view returns (uint256);
    function ownerOf(uint256 tokenId) external view returns (address);
    /// The owner's places, in no order, by an index below the balance.
    function tokenOfOwnerByIndex(address owner, uint256 index) external view returns (uint256 tokenId);
    function getApproved(uint256 tokenId) external view returns (address);
    function isApprovedForAll(address owner, address operator) external view returns (bool);
    function approve(address to, uint256 tokenId) external;
    function setApprovalForAll(address operator, bool approved) external;
    function transferFrom(address from, address to, uint256 tokenId) external;
    /// As `transferFrom`, to accounts without code only: a native contract never calls out, so it cannot
    /// ask a contract whether it can handle the token.
    function safeTransferFrom(address from, address to, uint256 tokenId) external;
    function safeTransferFrom(address from, address to, uint256 tokenId, bytes calldata data) external;
    function supportsInterface(bytes4 interfaceId) external view returns (bool);
}

/// The borrowers' side: every market, every account.
interface IMarket {
    struct MarketTerms {
        uint256 targetHealth;
        uint256 fullBonusHealth;
    }

    struct CollateralTerms {
        uint32 feed;
        uint16 ltv;
        uint16 threshold;
        uint16 bonusMin;
        uint16 bonusMax;
        /// What debt that it backs pays beyond the base rate, in basis points of that rate.
        uint16 riskWeight;
        uint256 cap;
    }

    struct MarketState {
        address owner;
        /// The level in force: 0 open, 1 restricted, 2 frozen. `guardState` says whose word it is.
        uint8 pause;
        uint64 liquidationResumesAt;
        uint256 targetHealth;
        uint256 fullBonusHealth;
        address[] collaterals;
        address[] vaults;
        /// How often its binding terms were set; accounts carry the version of their last new risk.
        uint32 termsVersion;
        /// How many groups it has; they are numbered from 1 on.
        uint8 groups;
        /// Whether governance vouches for its prices: the sweep serves its accounts before those of other markets.
        bool recognised;
    }

    /// A level, and until when; 0 if until changed.
    struct Pause {
        uint8 level;
        uint64 until;
    }

    /// What stops a market, and what may.
    struct GuardState {
        /// What is in force now.
        Pause now;
        Pause own;
        Pause guardian;
        /// When the guardian may stop the market again, if it is not stopping it now.
        uint64 guardianRestsUntil;
        /// Until when the breaker restricts it, past or not.
        uint64 trippedUntil;
        BreakerTerms breaker;
        /// When the breaker's window began (0: none has), the debt then and what was liquidated since (wads of
        /// US dollars).
        uint64 windowBegan;
        uint256 windowDebt;
        uint256 windowLiquidated;
    }

    /// More liquidated than this part of the debt (basis points) within `window` seconds restricts the market for
    /// `pause` seconds. All zero: none.
    struct BreakerTerms {
        uint16 part;
        uint32 window;
        uint32 pause;
    }

    /// A line's meter: at most `limit` at once, refilled by `limit / window` a second. All zero: none.
    struct MeterState {
        uint256 limit;
        uint32 window;
        /// What may be drawn now.
        uint256 left;
        /// When all of it may be drawn.
        uint64 fullAt;
    }

    /// Earlier terms, which accounts of version `until` and before keep while no move ends it.
    struct KeptTerms {
        uint32 until;
        uint16 threshold;
        uint16 bonusMin;
        uint16 bonusMax;
    }

    /// A scheduled move: kept thresholds of accounts of versions below `below` go linearly, from
    /// `start` to `end`, to that version's. All zero if none is announced.
    struct TermsMove {
        uint64 start;
        uint64 end;
        uint32 below;
    }

    /// Collaterals and debts whose prices move together, in basis points.
    struct GroupTerms {
        uint16 ltv;
        uint16 threshold;
        uint16 bonusMin;
        uint16 bonusMax;
        /// The relative price error that the group must bear.
        uint16 band;
    }

    struct GroupState {
        string name;
        GroupTerms terms;
        address[] collaterals;
        address[] vaults;
        /// From the oldest on.
        KeptTerms[] kept;
        TermsMove moving;
    }

    struct CollateralState {
        uint32 feed;
        uint16 ltv;
        uint16 threshold;
        uint16 bonusMin;
        uint16 bonusMax;
        uint16 riskWeight;
        uint256 cap;
        uint256 total;
        /// From the oldest on.
        KeptTerms[] kept;
        TermsMove moving;
    }

    struct LineState {
        uint32 feed;
        uint256 cap;
        uint256 drawn;
        uint256 minDebt;
    }

    struct CollateralView {
        address asset;
        uint256 amount;
        uint256 price;
        uint256 value;
        uint16 ltv;
        /// In force for this account.
        uint16 threshold;
        /// What it will be as soon as the account takes new risk.
        uint16 thresholdNewest;
        /// The move that takes it there without that; 0 if none is announced.
        uint64 moveStart;
        uint64 moveEnd;
        /// The price at which health would reach 1 with all else fixed; 0 if no price does.
        uint256 liquidationPrice;
    }

    struct DebtView {
        address vault;
        address asset;
        uint256 amount;
        uint256 price;
        uint256 value;
        /// Ray per second, the account's risk premium included.
        uint256 rate;
        /// The price at which health would reach 1 with all else fixed; 0 if no price does.
        uint256 liquidationPrice;
    }

    /// A set of portfolio margin: standard deviations to cover and the least share of all that is owned
    /// and owed, all in basis points. All zero for a market of thresholds.
    struct MarginTerms {
        uint16 kBorrow;
        uint16 kLiquidation;
        uint16 floor;
    }

    /// How an asset moves in a set.
    struct MarginFactor {
        /// A collateral of the market, or the asset of one of its vaults.
        address asset;
        /// Standard deviation over the liquidation horizon, in millionths.
        uint32 sigma;
        /// What liquidating it costs, in basis points of its size.
        uint16 cost;
        /// Debts and collaterals of the same number match; 0 is none.
        uint8 hedge;
        /// What a collateral counts while a debt of its hedge matches it.
        uint16 hedgeThreshold;
        /// In basis points, with each of the factors before it.
        int16[] correlations;
    }

    /// A market's portfolio margin: the newest set, and the one that it replaces until the ramp ends.
    struct MarginState {
        /// How many sets there have been; 0 if the market never had one.
        uint32 generation;
        uint64 rampStart;
        uint64 rampEnd;
        MarginTerms terms;
        MarginFactor[] factors;
        MarginTerms termsBefore;
        MarginFactor[] factorsBefore;
    }

    /// What an account must keep beyond its debt in a market with portfolio margin, in wads of US
    /// dollars: its total, and the parts that make it.
    struct Requirement {
        uint256 total;
        uint256 risk;
        uint256 cost;
        uint256 floor;
        uint256 linear;
    }

    struct AccountState {
        CollateralView[] collaterals;
        DebtView[] debts;
        uint256 collateralValue;
        uint256 debtValue;
        uint256 borrowLimit;
        uint256 liquidationLimit;
        /// Wad; type(uint256).max without debt.
        uint256 healthFactor;
        /// What the account pays beyond the base rates, in basis points of them.
        uint16 riskPremium;
        /// What `refreshRiskPremium` would make of it at the last prices.
        uint16 riskPremiumNow;
        /// The market's terms version when it last took new risk; 0 without debt.
        uint32 termsVersion;
        /// The group that it is in; 0 if none.
        uint8 group;
        /// What equity must cover: to draw or release, and not to be liquidated. All zero in a market
        /// of thresholds.
        Requirement borrowRequirement;
        Requirement liquidationRequirement;
    }

    struct LiquidationPlan {
        uint256 repay;
        uint256 seize;
        uint16 bonus;
        uint256 badDebtValue;
        bool closeOut;
        uint256 healthAfter;
    }

    /// What waits in one tier of a queue. `discount` is in basis points, `worth` in the debt's asset.
    struct TierState {
        uint8 tier;
        uint16 discount;
        uint256 shares;
        uint256 worth;
        uint32 bids;
        uint256 unclaimed;
    }

    struct BidState {
        /// Vault shares that wait.
        uint256 shares;
        /// What they are worth in the debt's asset.
        uint256 worth;
        /// Collateral bought and not claimed.
        uint256 bought;
        /// When withdrawal was announced, and the window in which it is possible; 0 if it was not.
        uint64 announcedAt;
        uint64 opensAt;
        uint64 closesAt;
    }

    struct StopLoss {
        address asset;
        address vault;
        /// Wads: below which health factor to sell, and up to which.
        uint256 trigger;
        uint256 target;
        /// The largest discount, in steps of half a percent.
        uint8 tierMax;
    }

    struct Fill {
        address vault;
        address asset;
        uint16 discount;
        uint256 shares;
        uint256 repaid;
        uint256 seized;
    }

    struct SweepPlan {
        /// Whether a sweep would do anything now. If not, the rest is empty.
        bool due;
        /// 0 unhealthy, 1 insolvent, 2 stop-loss.
        uint8 reason;
        Fill[] fills;
        uint256 healthBefore;
        uint256 healthAfter;
        /// Whether debt would be left that nothing secures; it is written off in the same sweep.
        bool leavesBadDebt;
        /// The vaults on whose lines stakes would be kept from leaving, for an insolvent account that
        /// the bids cannot close. Nothing is sold then.
        address[] stakesBlocked;
    }

    /// What is staked on a line, its premium counted up to now.
    struct FirstLossState {
        /// Vault shares.
        uint256 shares;
        /// What they are worth in the vault's asset.
        uint256 worth;
        /// All stakers' units.
        uint256 units;
        /// Premium that the reserves could not pay yet.
        uint256 owed;
        /// The part of the interest on the line's debt that stakers earn, in basis points.
        uint16 premium;
        /// How many times losses took everything.
        uint32 epoch;
        /// No stake leaves before this moment.
        uint64 pendingUntil;
    }

    struct StakeState {
        uint256 units;
        /// The vault shares that the units stand for.
        uint256 shares;
        /// What these are worth in the vault's asset.
        uint256 worth;
        /// When withdrawal was announced, and the window in which it is possible; 0 if it was not.
        uint64 announcedAt;
        uint64 opensAt;
        uint64 closesAt;
    }

    /// How much of a vault's debt something backs, in units of the vault's asset, interest included.
    struct ExposureState {
        uint256 amount;
        /// What of it is not tracked, and counts in full.
        uint256 untracked;
        /// type(uint256).max without a cap.
        uint256 cap;
    }

    /// What backs an account's debts, as they were last attributed, in basis points.
    struct BackingPart {
        address asset;
        uint16 part;
    }

    /// EIP-712 typed data under the market contract's domain (name "Gage Market", version "1"): what an
    /// owner signs for `setOperatorWithSig`. `nonce` is the owner's present one.
    struct OperatorAuthorisation {
        address owner;
        uint32 market;
        uint32 sub;
        address operator;
        uint8 permissions;
        uint64 expiresAt;
        address receiver;
        uint256 nonce;
        uint256 deadline;
    }

    /// As `OperatorAuthorisation`, for `delegateCreditWithSig`.
    struct CreditDelegation {
        address owner;
        uint32 market;
        uint32 sub;
        address vault;
        address delegatee;
        uint256 limit;
        uint64 expiresAt;
        address receiver;
        uint256 nonce;
        uint256 deadline;
    }

    struct OperatorState {
        /// 1 release collateral, 2 borrow, 4 manage, added up.
        uint8 permissions;
        /// The last second at which it may.
        uint64 expiresAt;
        /// Who receives what it releases and draws; zero is the owner.
        address receiver;
        /// Whether it may do anything now.
        bool live;
    }

    struct CreditState {
        /// What may still be drawn, in the vault's asset.
        uint256 limit;
        /// The last second at which it may be drawn.
        uint64 expiresAt;
        /// Who receives it; zero is the delegatee.
        address receiver;
        /// Whether anything may be drawn now.
        bool live;
    }

    /// Where a debt goes in `rehome`: from the vault that is owed to one of the same asset, which may be
    /// the same.
    struct VaultPair {
        address from;
        address to;
    }

    event MarketCreated(uint32 indexed market, address indexed owner);
    event MarketTermsChanged(uint32 indexed market, uint256 targetHealth, uint256 fullBonusHealth);
    event MarketOwnerChanged(uint32 indexed market, address indexed owner);
    /// The level in force, and until when; 0 if until changed.
    event MarketPauseChanged(uint32 indexed market, uint8 level, uint64 until, address indexed actor);
    /// Governance vouches for a market's prices, or no more: by its own word, or because the market lists more now.
    event RecognitionChanged(uint32 indexed market, bool recognised);
    event BreakerChanged(uint32 indexed market, BreakerTerms terms);
    /// So much was liquidated, of so much debt (wads of US dollars), that the market is restricted.
    event BreakerTripped(uint32 indexed market, uint256 liquidated, uint256 debt, uint64 until);
    event BreakerRecovered(uint32 indexed market);
    event DrawMeterChanged(uint32 indexed market, address indexed vault, uint256 limit, uint32 window);
    /// Less than a tenth of the limit is left.
    event DrawMeterLow(uint32 indexed market, address indexed vault, uint256 left, uint64 fullAt);
    event CollateralListed(uint32 indexed market, address indexed asset, CollateralTerms terms);
    event CollateralChanged(uint32 indexed market, address indexed asset, CollateralTerms terms);
    /// Terms that accounts keep of a collateral go to the present ones between `start` and `end`.
    event CollateralMoveScheduled(uint32 indexed market, address indexed asset, uint64 start, uint64 end);
    event GroupMoveScheduled(uint32 indexed market, uint8 indexed group, uint64 start, uint64 end);
    event GroupCreated(uint32 indexed market, uint8 indexed group, string name, GroupTerms terms);
    event GroupTermsChanged(uint32 indexed market, uint8 indexed group, GroupTerms terms);
    /// All members now; bit i of each is place i in the market's lists.
    event GroupMembersChanged(uint32 indexed market, uint8 indexed group, uint16 collaterals, uint8 vaults);
    /// The account is in another group, or in none (0).
    event GroupChanged(uint32 indexed market, address indexed owner, uint32 sub, uint8 group);
    event VaultListed(uint32 indexed market, address indexed vault, uint32 feed, uint256 minDebt);
    /// Another set of margin parameters replaces the one before; all zero is the threshold model.
    event MarginChanged(uint32 indexed market, uint32 generation, MarginTerms terms, uint64 rampStart, uint64 rampEnd);
    /// How an asset moves in that set.
    event MarginFactorSet(uint32 indexed market, address indexed asset, uint32 generation, MarginFactor factor);
    event CollateralSupplied(uint32 indexed market, address indexed owner, address indexed asset, uint32 sub, address payer, uint256 amount);
    event CollateralWithdrawn(uint32 indexed market, address indexed owner, address indexed asset, uint32 sub, address receiver, uint256 amount);
    event Borrowed(uint32 indexed market, address indexed owner, address indexed vault, uint32 sub, address receiver, uint256 amount);
    event Repaid(uint32 indexed market, address indexed owner, address indexed vault, uint32 sub, address payer, uint256 amount);
    /// From now on the account pays `1 + premium` times the base rates.
    event RiskPremiumChanged(uint32 indexed market, address indexed owner, uint32 sub, uint16 premium);
    /// One for each pair of debt and collateral that a liquidation touched.
    event Liquidated(uint32 indexed market, address indexed owner, address indexed liquidator, uint32 sub, address vault, address asset, uint256 repaid, uint256 seized, uint256 healthFactor, uint16 bonus);
    event BadDebt(uint32 indexed market, address indexed owner, address indexed vault, uint32 sub, uint256 amount);

    event BidPlaced(uint32 indexed market, address indexed bidder, address indexed vault, address asset, uint8 tier, uint256 shares);
    event BidWithdrawalAnnounced(uint32 indexed market, address indexed bidder, address indexed vault, address asset, uint8 tier, uint256 opensAt);
    event BidWithdrawn(uint32 indexed market, address indexed bidder, address indexed vault, address asset, uint8 tier, address receiver, uint256 shares);
    event BidClaimed(uint32 indexed market, address indexed bidder, address indexed vault, address asset, uint8 tier, address receiver, uint256 amount);
    /// The bids of a tier bought `seized` of an account's collateral: `shares` were burned against
    /// `repaid` of its debt. Prices are wads of US dollars per whole token.
    event BidsFilled(uint32 indexed market, address indexed owner, address indexed vault, uint32 sub, address asset, uint16 discount, uint256 shares, uint256 repaid, uint256 seized, uint256 price, uint256 debtPrice);
    /// The sweep sold collateral of an account; its fills come before. Values are what remains.
    event Swept(uint32 indexed market, address indexed owner, uint32 sub, uint8 reason, uint256 healthBefore, uint256 healthAfter, uint256 collateralValue, uint256 debtValue);
    /// Vault shares were staked on the vault's line to the market.
    event FirstLossStaked(uint32 indexed market, address indexed staker, address indexed vault, uint256 shares, uint256 units);
    event UnstakeAnnounced(uint32 indexed market, address indexed staker, address indexed vault, uint256 opensAt);
    event FirstLossUnstaked(uint32 indexed market, address indexed staker, address indexed vault, address receiver, uint256 units, uint256 shares);
    /// The vault's reserves paid premium to the line's stakers, in new shares.
    event FirstLossRewarded(uint32 indexed market, address indexed vault, uint256 assets, uint256 shares);
    event FirstLossPremiumChanged(uint32 indexed market, address indexed vault, uint16 premium);
    /// An account is insolvent: no stake leaves the line before `until`.
    event LossPending(uint32 indexed market, address indexed owner, address indexed vault, uint32 sub, uint256 until);
    /// A stop-loss order was left, or taken back (all zero).
    event StopLossChanged(uint32 indexed market, address indexed owner, uint32 sub, StopLoss order);
    /// What an operator may do with an account changed; nothing without permissions.
    event OperatorChanged(uint32 indexed market, address indexed owner, address indexed operator, uint32 sub, uint8 permissions, uint64 expiresAt, address receiver);
    /// What a delegatee may draw on an account changed; nothing if the limit is zero.
    event CreditDelegated(uint32 indexed market, address indexed owner, address indexed delegatee, uint32 sub, address vault, uint256 limit, uint64 expiresAt, address receiver);
    /// A delegatee drew; `left` is what may still be drawn.
    event CreditDrawn(uint32 indexed market, address indexed owner, address indexed delegatee, uint32 sub, address vault, uint256 amount, uint256 left);
    /// Signatures of the owner's over nonces below `next` are void.
    event SignaturesVoided(address indexed owner, uint64 next);
    /// All of an account moved to another of its owner's; each collateral and debt comes before.
    event Rehomed(uint32 indexed market, address indexed owner, uint32 indexed toMarket, uint32 sub, uint32 toSub, uint256 healthFactor);
    event CollateralRehomed(uint32 indexed market, address indexed owner, address indexed asset, uint32 sub, uint32 toMarket, uint32 toSub, uint256 amount);
    event DebtRehomed(uint32 indexed market, address indexed owner, address indexed vault, uint32 sub, uint32 toMarket, uint32 toSub, address toVault, uint256 amount);
    /// A block's sweep is over: how many accounts it touched, and how many its gas did not reach.
    event SweepEnded(uint32 swept, uint32 left);
    /// An account could not be swept, with the reason's ABI encoding; nothing of it changed.
    event SweepSkipped(uint32 indexed market, address indexed owner, uint32 sub, bytes reason);

    function createMarket(MarketTerms calldata terms) external returns (uint32 market);
    function setMarketTerms(uint32 market, MarketTerms calldata terms) external;
    function setMarketOwner(uint32 market, address owner) external;
    /// Sets how much of a market stands still (0 open, 1 restricted, 2 frozen): its owner and governance until it is
    /// changed; the guardian not less than now, for as long as it may.
    function setPause(uint32 market, uint8 level) external;
    /// Lets a market stand still for so many seconds; the guardian for seven days at most, and after it has rested.
    function pauseFor(uint32 market, uint8 level, uint32 duration) external;
    /// Vouches for the prices of all that a market lists, so many collaterals and vaults; governance only. The sweep
    /// serves its accounts first, and nothing else changes. A further listing ends it.
    function recogniseMarket(uint32 market, uint8 collaterals, uint8 vaults) external;
    /// Takes that back; governance only.
    function withdrawRecognition(uint32 market) external;
    /// Gives the market a breaker, or with all zero takes it away; its owner only.
    function setBreaker(uint32 market, BreakerTerms calldata terms) external;
    /// Gives a line a draw meter, or with both zero takes it away; the market's owner only.
    function setDrawMeter(uint32 market, address vault, uint256 limit, uint32 window) external;
    function guardState(uint32 market) external view returns (GuardState memory);
    function meterState(uint32 market, address vault) external view returns (MeterState memory);
    function addCollateral(uint32 market, address asset, CollateralTerms calldata terms) external;
    function setCollateral(uint32 market, address asset, CollateralTerms calldata terms) external;
    /// Announces that the terms which accounts keep of a collateral go to the present ones between two
    /// moments: at least a day ahead, and a day long; it can be neither changed nor taken back.
    function scheduleCollateralMove(uint32 market, address asset, uint64 start, uint64 end) external;
    function scheduleGroupMove(uint32 market, uint8 group, uint64 start, uint64 end) external;
    /// Creates a group of collaterals and vaults whose prices move together. Members are only added.
    function createGroup(uint32 market, string calldata name, GroupTerms calldata terms, address[] calldata collaterals, address[] calldata vaults) external returns (uint8 group);
    function setGroupTerms(uint32 market, uint8 group, GroupTerms calldata terms) external;
    function addGroupMembers(uint32 market, uint8 group, address[] calldata collaterals, address[] calldata vaults) external;
    function listVault(uint32 market, address vault, uint32 feed, uint256 minDebt) external;
    /// Sets how assets move together, or without factors takes the market back to thresholds; its owner
    /// only. Replaces the set before along a ramp of so many seconds.
    function setPortfolioMargin(uint32 market, MarginTerms calldata terms, MarginFactor[] calldata factors, uint32 rampSeconds) external;

    function supplyCollateral(uint32 market, address owner, uint32 sub, address asset, uint256 amount) external;
    function withdrawCollateral(uint32 market, uint32 sub, address asset, uint256 amount, address receiver) external returns (uint256 withdrawn);
    function borrow(uint32 market, uint32 sub, address vault, uint256 amount, address receiver) external;
    /// Brings one of the caller's accounts into a group, on whose vaults alone it then draws, or out of
    /// it. With debt: if it is within the borrow limit afterwards, on the newest terms.
    function enterGroup(uint32 market, uint32 sub, uint8 group) external;
    function leaveGroup(uint32 market, uint32 sub) external;
    /// Repays at most `amount`; type(uint256).max repays all. Anyone may repay for anyone.
    function repay(uint32 market, address owner, uint32 sub, address vault, uint256 amount) external returns (uint256 repaid);
    /// Writes the account's debts at the risk premium of what backs them now; anyone may.
    function refreshRiskPremium(uint32 market, address owner, uint32 sub) external returns (uint16 premium);
    /// Repays at most `maxRepay` of the account's debt to `vault` and takes collateral for it.
    function liquidate(uint32 market, address owner, uint32 sub, address vault, address asset, uint256 maxRepay, address receiver) external returns (uint256 repaid, uint256 seized);

    /// `liquidate`, paid with shares of the vault, which are burned against the debt: works when the
    /// vault has no cash.
    function liquidateWithShares(uint32 market, address owner, uint32 sub, address vault, address asset, uint256 maxRepay, address receiver) external returns (uint256 repaid, uint256 seized);

    /// Bids `shares` of the vault for the collateral, at a discount of `tier` half percents on the
    /// price. They keep earning until a sweep spends them; a sweep takes lower tiers first, and a
    /// tier's bids in proportion. Eligible from the next block.
    function placeBid(uint32 market, address vault, address asset, uint8 tier, uint256 shares) external;
    /// Announces a withdrawal; the bid stays eligible. Returns when the window for it opens.
    function announceBidWithdrawal(uint32 market, address vault, address asset, uint8 tier) external returns (uint64 opensAt);
    /// Takes shares back inside the announced window; type(uint256).max takes all.
    function withdrawBid(uint32 market, address vault, address asset, uint8 tier, uint256 shares, address receiver) external returns (uint256 withdrawn);
    /// Pays out the collateral that the caller's bid has bought.
    function claimBid(uint32 market, address vault, address asset, uint8 tier, address receiver) external returns (uint256 amount);

    /// Leaves an order on one of the caller's accounts: whenever its health factor is below `trigger`
    /// (a wad above 1e18), sell `asset` to the bids, at most `tierMax` half percents below the price,
    /// to repay `vault` until it is `target`.
    function setStopLoss(uint32 market, uint32 sub, address asset, address vault, uint256 trigger, uint256 target, uint8 tierMax) external;
    function clearStopLoss(uint32 market, uint32 sub) external;

    /// Says what `operator` may do with one of the caller's accounts (1 release collateral, 2 borrow,
    /// 4 manage, added up) until `expiresAt`, in place of what it might do before; 0 takes it back. What
    /// it releases and draws goes to `receiver`, or to the owner if that is zero.
    function setOperator(uint32 market, uint32 sub, address operator, uint8 permissions, uint64 expiresAt, address receiver) external;
    /// `setOperator`, signed by `owner` (`OperatorAuthorisation`) and handed in by anyone.
    function setOperatorWithSig(address owner, uint32 market, uint32 sub, address operator, uint8 permissions, uint64 expiresAt, address receiver, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external;
    /// Lets `delegatee` draw up to `limit` from the vault on one of the caller's accounts, which owes it,
    /// until `expiresAt`, in place of what it might draw before; 0 ends that. Draws lower the limit,
    /// repayments do not raise it. What is drawn goes to `receiver`, or to the delegatee if that is zero.
    function delegateCredit(uint32 market, uint32 sub, address vault, address delegatee, uint256 limit, uint64 expiresAt, address receiver) external;
    /// `delegateCredit`, signed by `owner` (`CreditDelegation`) and handed in by anyone.
    function delegateCreditWithSig(address owner, uint32 market, uint32 sub, address vault, address delegatee, uint256 limit, uint64 expiresAt, address receiver, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external;
    /// Voids the caller's signatures over nonces below `next`, which becomes the present one.
    function voidSignatures(uint64 next) external;
    /// As operator of the account, or its owner: the receiver is the one that the owner named.
    function borrowFor(uint32 market, address owner, uint32 sub, address vault, uint256 amount) external;
    function withdrawCollateralFor(uint32 market, address owner, uint32 sub, address asset, uint256 amount) external returns (uint256 withdrawn);
    function setStopLossFor(uint32 market, address owner, uint32 sub, address asset, address vault, uint256 trigger, uint256 target, uint8 tierMax) external;
    function clearStopLossFor(uint32 market, address owner, uint32 sub) external;
    /// Draws on credit that the account's owner delegated to the caller.
    function drawCredit(uint32 market, address owner, uint32 sub, address vault, uint256 amount) external;

    /// Moves all collateral and all debts of one account to another of the same owner's, in another
    /// market, to other vaults, or both; all or nothing. `pairs` names each debt once. A debt that stays
    /// with its vault needs no cash; another vault pays the first one. The owner may, and an operator that
    /// manages both accounts. Returns the health factor there.
    function rehome(address owner, uint32 market, uint32 sub, uint32 toMarket, uint32 toSub, VaultPair[] calldata pairs) external returns (uint256 healthFactor);

    /// Stakes shares of the vault as first-loss capital of its line to the market: they bear the
    /// line's losses before the vault's reserves and lenders do, and earn a premium out of the
    /// reserve fee. Returns the units for them.
    function stake(uint32 market, address vault, uint256 shares) external returns (uint256 units);
    /// Announces that the caller's stake may leave; it bears losses all the while. Returns when the
    /// window opens.
    function announceUnstake(uint32 market, address vault) external returns (uint64 opensAt);
    /// Takes units out inside the announced window; type(uint256).max takes all. Not while a loss is
    /// pending.
    function unstake(uint32 market, address vault, uint256 units, address receiver) external returns (uint256 shares);
    /// Pays the stakers' premium up to now. Anyone may.
    function settleFirstLoss(uint32 market, address vault) external;
    /// Sets the part of the interest on the line's debt that stakers earn, in basis points, at most
    /// the vault's reserve fee; its curator only.
    function setFirstLossPremium(uint32 market, address vault, uint16 premium) external;
    /// Keeps stakes from leaving the lines that an insolvent account draws on. Anyone may; the sweep
    /// does.
    function markLossPending(uint32 market, address owner, uint32 sub) external;

    /// The block's sweep. Only the system address calls it. 28 bytes for each account: market,
    /// owner, sub.
    function sweep(bytes calldata accounts) external;

    function bidState(uint32 market, address vault, address asset, uint8 tier, address bidder) external view returns (BidState memory);
    /// The tiers that hold shares, lowest discount first.
    function queueState(uint32 market, address vault, address asset) external view returns (TierState[] memory);
    /// All zero if there is none.
    function stopLossOf(uint32 market, address owner, uint32 sub) external view returns (StopLoss memory);
    function firstLossState(uint32 market, address vault) external view returns (FirstLossState memory);
    function stakeOf(uint32 market, address vault, address staker) external view returns (StakeState memory);
    /// How much of the vault's debt assets with a factor back, over all lines.
    function exposureState(address vault, uint32 factor) external view returns (ExposureState memory);
    /// How much of the debt through the vault's line to a market one collateral backs.
    function ceilingState(uint32 market, address vault, address asset) external view returns (ExposureState memory);
    /// Empty if none of the account's debts is tracked.
    function backingOf(uint32 market, address owner, uint32 sub) external view returns (BackingPart[] memory);
    function previewSweep(uint32 market, address owner, uint32 sub) external view returns (SweepPlan memory);

    function operatorState(uint32 market, address owner, uint32 sub, address operator) external view returns (OperatorState memory);
    function creditAllowance(uint32 market, address owner, uint32 sub, address vault, address delegatee) external view returns (CreditState memory);
    /// The nonce that the owner's next signature must bear.
    function nonces(address owner) external view returns (uint256);
    function DOMAIN_SEPARATOR() external view returns (bytes32);
    function eip712Domain() external view returns (bytes1 fields, string memory name, string memory version, uint256 chainId, address verifyingContract, bytes32 salt, uint256[] memory extensions);
    /// How the account would stand there, with rates as they would be, at the last prices; and the ABI
    /// encoding of every error that forbids the move now.
    function previewRehome(address owner, uint32 market, uint32 sub, uint32 toMarket, uint32 toSub, VaultPair[] calldata pairs) external view returns (AccountState memory there, bytes[] memory reasons);

    function marketState(uint32 market) external view returns (MarketState memory);
    function collateralState(uint32 market, address asset) external view returns (CollateralState memory);
    function groupState(uint32 market, uint8 group) external view returns (GroupState memory);
    function lineState(uint32 market, address vault) external view returns (LineState memory);
    function marginState(uint32 market) external view returns (MarginState memory);
    function accountState(uint32 market, address owner, uint32 sub) external view returns (AccountState memory);
    function healthFactor(uint32 market, address owner, uint32 sub) external view returns (uint256);
    function debtOf(uint32 market, address owner, uint32 sub, address vault) external view returns (uint256);
    function collateralOf(uint32 market, address owner, uint32 sub, address asset) external view returns (uint256);
    function previewLiquidation(uint32 market, address owner, uint32 sub, address vault, address asset, uint256 maxRepay) external view returns (LiquidationPlan memory);
}

/// Prices: signed reports of authorised publishers, applied once a block, before any transaction.
interface IOracle {
    /// How a new price is judged. Zeros, with a quorum of 1, believe one source at once; computed feeds have these.
    struct Guards {
        /// So many fresh sources must agree.
        uint8 quorum;
        /// A report at most this far from the median is no outlier (basis points).
        uint16 outlier;
        /// Doubt begins above this spread of the sources (basis points; 0: never).
        uint16 spread;
        /// Doubt begins at a larger move within `confirm` seconds (basis points; 0: never), until it has held so long.
        uint16 jump;
        uint32 confirm;
        /// Time constant of the smoothed price, in seconds.
        uint32 smoothing;
        /// For so many seconds doubt relieves borrowers, at most 3600; spent seconds come back over `window`.
        uint32 budget;
        uint32 window;
    }

    struct FeedTerms {
        uint32 maxAge;
        uint256 priceMin;
        /// Of a pegged feed the peg.
        uint256 priceMax;
        Guards guards;
    }

    /// Who may report, and how it counts. `kind` 0: an address that signs (secp256k1), from the right; 1: an ed25519
    /// public key; 2: Pyth's id of a feed; 3: RedStone's; 4: Chainlink Data Streams'; 5: the address of a pool.
    struct Source {
        uint8 kind;
        bytes32 key;
        uint16 weight;
        uint32 maxAge;
    }

    /// What a source said last. `confidence` is in parts per million of the price.
    struct SourceState {
        uint8 place;
        Source source;
        uint256 price;
        uint32 confidence;
        uint64 time;
        uint64 round;
        bool fresh;
    }

    /// EIP-712 typed data under the oracle's domain (name "Gage Oracle", version "1").
    struct PriceReport {
        uint32 feed;
        uint64 round;
        uint64 time;
        uint256 price;
        /// How far from the price the publisher holds the truth possible.
        uint256 confidence;
    }

    struct SignedReport {
        PriceReport report;
        uint8 v;
        bytes32 r;
        bytes32 s;
    }

    /// A message that is signed by others, for these feeds. `provider` is the kind of their sources.
    struct ProviderMessage {
        uint8 provider;
        uint32[] feeds;
        bytes data;
    }

    /// How a pool is read: a pair laid out as Uniswap v2's are.
    struct PoolTerms {
        address pool;
        /// Whether `token0` is what is priced.
        bool isToken0;
        /// Of the priced token, and of the other.
        uint8 decimals;
        uint8 quoteDecimals;
        /// Over so many seconds at least the price is averaged, over twice as many at most; 600 to 86400.
        uint32 window;
        /// So far from the present price the mean may be (basis points of the lower); else the pool says nothing.
        uint16 drift;
        /// With less of the other token, in base units, the pool says nothing, nor for a window after.
        uint256 reserveMin;
        /// The price of the other token: a feed with a lower number.
        uint32 quoteFeed;
    }

    struct PoolState {
        PoolTerms terms;
        /// What the pool says now in dollars, or 0; over how many seconds.
        uint256 price;
        uint64 meanSeconds;
        /// Whole other tokens per whole priced token at this moment (wad); no price of Gage's.
        uint256 spot;
        /// The oldest reading that is kept; 0 if none is.
        uint64 watchedSince;
        /// Why it says nothing. 0: it speaks, 1: a reserve is zero, 2: its clock is ahead, 3: it holds too little,
        /// 4: not watched for a window yet, 5: drifted, 6: the other token has no fresh price, 7: too large a price.
        uint8 silence;
    }

    struct FeedState {
        address owner;
        /// What it is the price of: an asset, a vault's share, or nothing that can be listed.
        address asset;
        string description;
        uint256 price;
        uint256 smoothed;
        uint64 updatedAt;
        uint32 rounds;
        FeedTerms terms;
        /// 0 live, 1 doubtful, 2 stale, 3 frozen or at a bound.
        uint8 status;
        bool fresh;
        /// Until when doubt relieves borrowers, past or not; 0 without doubt.
        uint64 doubtUntil;
        uint64 frozenUntil;
        /// No liquidation on this price before: a grace period after the feed was stale.
        uint64 liquidationResumesAt;
        /// The last price without doubt.
        uint256 settled;
        uint32 fallbackFeed;
        FeedPrices prices;
        FeedSource source;
    }

    /// A price by its use: collateral and debt of who takes new risk, and of who is judged.
    struct FeedPrices {
        uint256 openingCollateral;
        uint256 openingDebt;
        uint256 judgedCollateral;
        uint256 judgedDebt;
    }

    /// Where a feed's number comes from. `kind` 0: a reported price. 1: a reported rate, whole tokens of an
    /// underlying asset per whole token. 2: an attested net asset value. 3: the price `base` times the rate `other`.
    /// 4: `base` over the rate `other`. 5: the lesser of `base` and `other`, as debt the greater. 6: `base`, at most the
    /// peg as collateral. 7: what a share of `vault` is worth in its asset, times the price `base`.
    struct FeedSource {
        uint8 kind;
        uint32 base;
        uint32 other;
        address vault;
        /// Kinds 1, 2 and 7 grow by the part `growth` (ray) of `anchor` a second, from `since` on, and are at most
        /// `limit` now.
        uint256 growth;
        uint256 anchor;
        uint64 since;
        uint256 limit;
    }

    event FeedCreated(uint32 indexed feed, address indexed owner, address indexed asset, string description);
    event FeedTermsChanged(uint32 indexed feed, FeedTerms terms);
    event SourceChanged(uint32 indexed feed, Source source);
    event SourceRemoved(uint32 indexed feed, uint8 kind, bytes32 key);
    /// From the next block on a pool that is a source is read in this way, and watched anew.
    event PoolTermsChanged(uint32 indexed feed, PoolTerms terms);
    event FallbackChanged(uint32 indexed feed, uint32 fallbackFeed);
    event FeedFrozen(uint32 indexed feed, uint64 until, address indexed actor);
    event FeedUnfrozen(uint32 indexed feed, address indexed actor, uint64 liquidationResumesAt);
    /// `sources` are the places of those that count, as bits; `spread` is in parts per million.
    event PriceUpdated(uint32 indexed feed, uint256 price, uint256 smoothed, uint32 spread, uint64 time, uint32 round, uint16 sources);
    /// A source's report that is too far from the others' and does not count.
    event OutlierRejected(uint32 indexed feed, uint8 kind, bytes32 key, uint256 price, uint256 median);
    /// Too few fresh sources agree: the feed keeps its price, and grows older.
    event QuorumMissed(uint32 indexed feed, uint8 agree, uint8 rejected, uint8 quorum);
    /// A price is doubtful, because its sources disagree (cause 0) or after a jump (1).
    event DoubtBegan(uint32 indexed feed, uint8 cause, uint64 until);
    event DoubtEnded(uint32 indexed feed, uint256 price);
    event ComputedFeedCreated(uint32 indexed feed, uint8 kind, uint32 base, uint32 other);
    event ShareFeedCreated(uint32 indexed feed, address indexed vault, uint32 base);
    event GrowthCapChanged(uint32 indexed feed, uint256 anchor, uint64 since, uint256 growth);
    /// A rate was reported above its growth cap, and accepted at the cap.
    event RateCapped(uint32 indexed feed, uint256 reported, uint256 accepted);
    event SignersChanged(uint8 indexed provider, bytes32 indexed name, uint8 count, uint8 threshold, uint64 expiresAt);
    /// A report that was in the block and could not be applied, with the reason's ABI encoding.
    event ReportRejected(uint32 indexed feed, uint8 kind, bytes32 key, bytes reason);

    /// A market lists `asset` with feeds of this asset only. Zero: a feed that others are computed from.
    function createFeed(address asset, string calldata description, FeedTerms calldata terms) external returns (uint32 feed);
    /// A feed of exchange rates, which rise by the part `growth` (ray) a second at most. Bounds are the rate's.
    function createRateFeed(address asset, string calldata description, FeedTerms calldata terms, uint256 growth) external returns (uint32 feed);
    /// A feed of net asset values in dollars, which rise by the part `growth` (ray) a second at most.
    function createNetAssetValueFeed(address asset, string calldata description, FeedTerms calldata terms, uint256 growth) external returns (uint32 feed);
    /// A feed of one of the kinds 3 to 6 of `FeedSource`, as old as the older of what it is computed from.
    function createComputedFeed(address asset, string calldata description, FeedTerms calldata terms, uint8 kind, uint32 base, uint32 other) external returns (uint32 feed);
    /// A vault's share at the asset's price `base`. The share price rises by the part `growth` (ray) of its present
    /// a second at most. Nobody reports it, and no transfer moves it.
    function createShareFeed(string calldata description, FeedTerms calldata terms, address vault, uint32 base, uint256 growth) external returns (uint32 feed);
    /// How fast a rate or share price may grow from now and its present on. Rate and time change together.
    function setGrowth(uint32 feed, uint256 growth) external;
    function setFeedTerms(uint32 feed, FeedTerms calldata terms) external;
    /// Lets a source report, or changes how it counts. A feed has 16 at most.
    function setSource(uint32 feed, Source calldata source) external;
    /// Makes a pool on this chain a source of a feed of prices, read in every block's prelude without being called; nobody
    /// reports it. The feed's owner, who must govern.
    function setPoolSource(uint32 feed, uint16 weight, uint32 maxAge, PoolTerms calldata terms) external;
    function removeSource(uint32 feed, uint8 kind, bytes32 key) external;
    /// The feed that stands in while this one is stale; 0 for none.
    function setFallback(uint32 feed, uint32 fallbackFeed) external;
    /// Stops every use of a feed's price for so many seconds, three days at most: its owner, governance, or the guardian
    /// after it has rested. Reports are taken meanwhile.
    function freezeFeed(uint32 feed, uint32 duration) external;
    /// Ends a freeze; governance, or the feed's owner its own. Liquidation waits for ten minutes.
    function unfreezeFeed(uint32 feed) external;
    /// Governance: who signs for Pyth, RedStone or Chainlink under a name that their messages give: a guardian set's
    /// number, a data service, a configuration's digest. `expiresAt` 0: until changed.
    function setSigners(uint8 provider, bytes32 name, address[] calldata signers, uint8 threshold, uint64 expiresAt) external;
    function feedState(uint32 feed) external view returns (FeedState memory);
    function sourceStates(uint32 feed) external view returns (SourceState[] memory);
    function poolState(uint32 feed, address pool) external view returns (PoolState memory);
    function isSource(uint32 feed, uint8 kind, bytes32 key) external view returns (bool);
    function signers(uint8 provider, bytes32 name) external view returns (address[] memory, uint8 threshold, uint64 expiresAt);
    function DOMAIN_SEPARATOR() external view returns (bytes32);
    /// The block's prelude. Only the system address calls it, at index 0 of every block.
    function prelude(SignedReport[] calldata reports, ProviderMessage[] calldata messages) external;
}

/// Where everything is found, and where anyone creates assets and vaults.
interface IRegistry {
    struct VaultTerms {
        uint16 reserveFee;
        uint256 supplyCap;
        uint256 borrowCap;
        IVault.Rates rates;
    }

    struct FactorState {
        uint8 kind;
        string label;
        address[] assets;
    }

    event AssetCreated(address indexed asset, address indexed issuer, string name, string symbol, uint8 decimals);
    event VaultCreated(address indexed vault, address indexed asset, address indexed curator, string name, string symbol);
    /// What assets may have in common. Kinds: 0 issuer, 1 bridge, 2 oracle, 3 underlying.
    event FactorRegistered(uint32 indexed factor, uint8 indexed kind, string label);
    /// From now on the asset has this factor of the kind; 0 if it has none any more.
    event AssetTagged(address indexed asset, uint8 indexed kind, uint32 indexed factor);
    event RebasingCreated(address indexed token, address indexed asset, string name, string symbol, uint32 rateFeed);
    event GovernanceChanged(address indexed governance);
    event GuardianChanged(address indexed guardian);

    function createAsset(string calldata name, string calldata symbol, uint8 decimals) external returns (address asset);
    function createVault(address asset, string calldata name, string calldata symbol, VaultTerms calldata terms) external returns (address vault);
    /// Registers something that assets may have in common (kinds: 0 issuer, 1 bridge, 2 oracle,
    /// 3 underlying); governance only.
    function registerFactor(uint8 kind, string calldata label) external returns (uint32 factor);
    /// Says that an asset has a factor, in place of the one of that kind that it had; governance only.
    function tagAsset(address asset, uint32 factor) external;
    function untagAsset(address asset, uint8 kind) external;
    function factorState(uint32 factor) external view returns (FactorState memory);
    /// The asset's factor of each kind; 0 for none.
    function factorsOf(address asset) external view returns (uint32[4] memory factors);
    function factorCount() external view returns (uint32);
    /// A rebasing view over an asset at the rate of a rate feed; the asset's issuer only, once.
    function createRebasing(address asset, string calldata name, string calldata symbol, uint32 rateFeed) external returns (address token);
    function setGovernance(address governance) external;
    function setGuardian(address guardian) external;
    function governance() external view returns (address);
    function guardian() external view returns (address);
    function counts() external view returns (uint32 assets, uint32 vaults, uint32 markets, uint32 feeds);
    function assetAt(uint32 id) external view returns (address);
    function vaultAt(uint32 id) external view returns (address);
}
