//! A small world to act in: assets, feeds, vaults, markets and users, with the sums that tests
//! need, computed without the operations' code.
#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod acts;
pub(crate) mod exits;
pub(crate) mod feed_model;
pub(crate) mod limits;
pub(crate) mod margin;
pub(crate) mod oracle;
pub(crate) mod staking;

use gage_core::curation::{self, Caps, Naming, VaultTerms};
use gage_core::feed::{self, FeedTerms, creation};
use gage_core::listing::{self, CollateralTerms, LineTerms, MarketTerms};
use gage_core::protocol::{self, AssetTerms};
use gage_core::terms::{Binding, Subject};
use gage_core::{
    Account, AccountId, Address, AssetId, Assets, Bps, Feed, FeedId, FeedKind, FeedSubject,
    InterestModel, Label, Ledger, MarginModel, MarketId, MemoryLedger, Ray, Report, Source,
    SourceId, SourceTerms, Stop, Timestamp, Token, U256, VaultId, WAD, Wad, address, lending,
    sources, token,
};

pub(crate) const GOVERNANCE: Address = Address::repeat_byte(0xa0);
pub(crate) const GUARDIAN: Address = Address::repeat_byte(0xa1);
pub(crate) const CURATOR: Address = Address::repeat_byte(0xa2);
pub(crate) const OWNER: Address = Address::repeat_byte(0xa3);
pub(crate) const PUBLISHER: Address = Address::repeat_byte(0xa4);
pub(crate) const ISSUER: Address = Address::repeat_byte(0xa5);
pub(crate) const USERS: [Address; 4] = [
    Address::repeat_byte(1),
    Address::repeat_byte(2),
    Address::repeat_byte(3),
    Address::repeat_byte(4),
];
pub(crate) const START: u64 = 1_700_000_000;
pub(crate) const MARKET: MarketId = MarketId::new(1);

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) ledger: MemoryLedger,
    pub(crate) decimals: Vec<u8>,
    pub(crate) vaults: usize,
}

pub(crate) fn unit(decimals: u8) -> u128 {
    10_u128.pow(decimals.into())
}

/// A cap of so many whole tokens, within what amounts may be.
pub(crate) fn cap(whole: u128, decimals: u8) -> u128 {
    (whole * unit(decimals)).min(gage_core::fixed::AMOUNT_MAX.get())
}

pub(crate) fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

pub(crate) fn terms(
    ltv: u16,
    threshold: u16,
    bonus: [u16; 2],
    cap: u128,
    feed: u32,
) -> CollateralTerms {
    CollateralTerms {
        feed: FeedId::new(feed),
        ltv: Bps::new(ltv),
        threshold: Bps::new(threshold),
        bonus_min: Bps::new(bonus[0]),
        bonus_max: Bps::new(bonus[1]),
        risk_weight: Bps::ZERO,
        cap: Assets::new(cap),
    }
}

pub(crate) const KINKED: InterestModel =
    InterestModel::Kinked { base: 100, slope1: 500, slope2: 30_000, kink: Bps::new(8_000) };

/// A feed of an asset's price.
pub(crate) fn about(asset: AssetId, description: &str) -> FeedSubject {
    FeedSubject { asset: Some(asset), description: label(description) }
}

/// Makes PUBLISHER a feed's source.
pub(crate) fn name_publisher(l: &mut MemoryLedger, feed: FeedId) {
    let terms = SourceTerms { weight: 1, max_age: 7_200 };
    let source = Source { id: SourceId::publisher(PUBLISHER), terms };
    sources::set_source(l, OWNER, feed, &source).unwrap();
}

/// What the block's prelude does with a report.
pub(crate) fn apply_report(
    l: &mut MemoryLedger,
    report: &Report,
    signer: Address,
) -> Result<(), Stop> {
    sources::record(l, report, &SourceId::publisher(signer))?;
    feed::update(l, report.feed)
}

impl World {
    /// One asset for each entry of `decimals`, each with a feed (same number) at 100 dollars, all
    /// of them collateral in market 1, the first `vaults` of them lent by vaults on open lines.
    pub(crate) fn new(decimals: &[u8], vaults: usize) -> Self {
        let mut ledger = MemoryLedger::at(Timestamp::new(START));
        ledger.protocol.governance = GOVERNANCE;
        ledger.protocol.guardian = GUARDIAN;
        let l = &mut ledger;
        let market = listing::create_market(
            l,
            OWNER,
            &MarketTerms {
                target_health: Wad::new(WAD * 105 / 100),
                full_bonus_health: Wad::new(WAD * 9 / 10),
            },
        )
        .unwrap();
        assert_eq!(market, MARKET);
        for (place, decimals) in decimals.iter().enumerate() {
            let asset = protocol::create_asset(
                l,
                ISSUER,
                &AssetTerms { name: label("Asset"), symbol: label("A"), decimals: *decimals },
            )
            .unwrap();
            let bounds = FeedTerms::unguarded(7_200, Wad::new(1), Wad::new(1 << 100));
            let feed = creation::create_feed(l, OWNER, about(asset, "A/USD"), &bounds).unwrap();
            assert_eq!(feed.get(), asset.get());
            name_publisher(l, feed);
            let cap = cap(10_000_000, *decimals);
            let limits = terms(7_500, 8_000 + 100 * place as u16, [400, 1_000], cap, feed.get());
            listing::add_collateral(l, OWNER, market, asset, &limits).unwrap();
            for user in USERS {
                let whole = Assets::new(1_000_000 * unit(*decimals));
                token::mint(l, ISSUER, asset, user, whole).unwrap();
            }
        }
        let mut world = Self { ledger, decimals: decimals.to_vec(), vaults: 0 };
        for place in 0..vaults {
            world.add_vault(AssetId::new(place as u32 + 1), KINKED);
        }
        for place in 0..decimals.len() {
            world.report(place as u32 + 1, 100 * WAD).unwrap();
        }
        world
    }

    /// Gives each collateral a risk weight.
    pub(crate) fn weigh(&mut self, weights: impl IntoIterator<Item = u16>) {
        for (asset, weight) in self.assets().zip(weights) {
            let terms = self.ledger.collaterals.get_mut(&(MARKET, asset)).unwrap();
            terms.risk_weight = Bps::new(weight);
        }
    }

    pub(crate) fn add_vault(&mut self, asset: AssetId, model: InterestModel) -> VaultId {
        let cap = Assets::new(cap(5_000_000, self.decimals[asset.get() as usize - 1]));
        let terms = VaultTerms {
            reserve_fee: Bps::new(1_000),
            caps: Caps { supply: cap, borrow: cap },
            model,
        };
        let naming = Naming { name: label("Vault"), symbol: label("V") };
        let l = &mut self.ledger;
        let vault = curation::create_vault(l, CURATOR, asset, naming, &terms).unwrap();
        let feed = FeedId::new(asset.get());
        let line = LineTerms { feed, min_debt: Assets::new(self.dust(asset)) };
        let l = &mut self.ledger;
        listing::list_vault(l, OWNER, MARKET, vault, &line).unwrap();
        curation::set_line_cap(l, CURATOR, vault, MARKET, cap).unwrap();
        self.vaults += 1;
        vault
    }

    /// The minimum debt of vaults of an asset: a tenth of a token, one unit at least.
    pub(crate) fn dust(&self, asset: AssetId) -> u128 {
        (unit(self.decimals[asset.get() as usize - 1]) / 10).max(1)
    }

    pub(crate) fn report(&mut self, feed: u32, price: u128) -> Result<(), Stop> {
        let now = self.ledger.now;
        let feed = FeedId::new(feed);
        if self.ledger.feeds[&feed].updated_at == now {
            self.ledger.now = now.after(1);
        }
        let report = self.next_report(feed, price);
        apply_report(&mut self.ledger, &report, PUBLISHER)
    }

    /// What the publisher would say now.
    pub(crate) fn next_report(&self, feed: FeedId, price: u128) -> Report {
        let last = self.ledger.observations.get(&(feed, 0)).copied().unwrap_or_default();
        let (time, price) = (self.ledger.now, Wad::new(price));
        Report { feed, round: last.round + 1, time, price, confidence: Wad::ZERO }
    }

    /// Puts a feed at a price, as if it had always been there.
    pub(crate) fn set_price(&mut self, feed: u32, price: u128) {
        let feed = self.ledger.feeds.get_mut(&FeedId::new(feed)).unwrap();
        (feed.price, feed.smoothed) = (Wad::new(price), Wad::new(price));
    }

    /// Makes every price fresh again, and waits until accounts may be liquidated on them.
    pub(crate) fn report_all_again(&mut self) {
        self.report_all();
        if self.ledger.feeds.values().any(|feed| feed.liquidation_resumes_at > self.ledger.now) {
            self.pass(feed::GRACE_SECONDS);
            self.report_all();
        }
    }

    fn report_all(&mut self) {
        let reported =
            |(_, feed): &(&FeedId, &Feed)| feed.kind.is_reported() && !feed.price.is_zero();
        let feeds = self.ledger.feeds.iter().filter(reported);
        let last: Vec<_> = feeds.map(|(id, feed)| (id.get(), feed.price.get())).collect();
        for (feed, price) in last {
            self.report(feed, price).unwrap();
        }
    }

    pub(crate) fn pass(&mut self, seconds: u64) {
        self.ledger.now = self.ledger.now.after(seconds);
    }

    pub(crate) fn held(&self, token: Token, holder: Address) -> u128 {
        self.ledger.balances.get(&(token, holder)).copied().unwrap_or_default()
    }

    pub(crate) fn assets(&self) -> impl Iterator<Item = AssetId> + use<> {
        (1..=self.decimals.len() as u32).map(AssetId::new)
    }

    pub(crate) fn vaults(&self) -> impl Iterator<Item = VaultId> + use<> {
        (1..=self.vaults as u32).map(VaultId::new)
    }

    /// The same state with all interest counted.
    pub(crate) fn settled(&self) -> MemoryLedger {
        let mut ledger = self.ledger.clone();
        for vault in self.vaults() {
            lending::accrue(&mut ledger, vault).unwrap();
        }
        ledger
    }
}

/// What an account is worth, in 10^-18 dollars, computed apart from the margin module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) collateral: U256,
    pub(crate) weighted: U256,
    pub(crate) limit: U256,
    pub(crate) cover: U256,
    pub(crate) debt: U256,
}

impl Standing {
    pub(crate) fn unhealthy(&self) -> bool {
        self.weighted < self.debt
    }
}

/// A feed's last price, computed apart from the protocol's quotes.
pub(crate) fn price(ledger: &MemoryLedger, id: FeedId) -> U256 {
    let feed = ledger.feeds[&id];
    let wad = U256::from(WAD);
    match feed.kind {
        FeedKind::Reported | FeedKind::Rate | FeedKind::NetAssetValue => {
            U256::from(feed.price.get())
        }
        FeedKind::Product { base, rate } => price(ledger, base) * price(ledger, rate) / wad,
        FeedKind::Ratio { base, rate } => price(ledger, base) * wad / price(ledger, rate),
        FeedKind::Lesser { one, other } => price(ledger, one).min(price(ledger, other)),
        FeedKind::Pegged { base } => {
            price(ledger, base).min(U256::from(ledger.feed_terms[&id].price_max.get()))
        }
        FeedKind::SharePrice { vault, base } => {
            let cap = ledger.growth_caps[&id];
            let accrued = ledger.vaults[&vault].accrue(ledger.now);
            let assets = U256::from(accrued.total_assets().get());
            let whole = U256::from(unit(accrued.record().decimals - 6));
            if assets < (whole / U256::from(1_000)).max(U256::from(1_000_000)) {
                return U256::ZERO;
            }
            let shares = U256::from(accrued.record().shares.get()) + U256::from(1_000_000);
            let rate = (assets + U256::ONE) * wad * U256::from(1_000_000) / shares;
            let ray = U256::from(gage_core::RAY);
            let elapsed = U256::from(ledger.now.since(cap.since));
            let grown = ray + U256::from(cap.growth.get()) * elapsed;
            let limit = U256::from(cap.anchor.get()) * grown / ray;
            price(ledger, base) * rate.min(limit) / wad
        }
    }
}

/// The value of `amount` at the last price, rounded down or up.
pub(crate) fn value(ledger: &MemoryLedger, asset: AssetId, amount: u128, up: bool) -> U256 {
    let decimals = match asset.as_share() {
        Some(vault) => ledger.vaults[&vault].decimals,
        None => ledger.assets[&asset].decimals,
    };
    let one = U256::from(unit(decimals));
    let listed = ledger.collaterals.get(&(MARKET, asset));
    let feed = listed.map_or(FeedId::new(asset.get()), |listed| listed.feed);
    let product = U256::from(amount) * price(ledger, feed);
    if up { product.div_ceil(one) } else { product / one }
}

/// Threshold and smallest bonus of a collateral or group for accounts of a version, computed apart
/// from the terms module.
fn kept_points(
    ledger: &MemoryLedger,
    key: (MarketId, Subject),
    present: Binding,
    version: u32,
) -> [u64; 2] {
    let points = |binding: Binding| [binding.threshold, binding.bonus_min].map(|b| b.get().into());
    let Some(kept) = ledger.kept.get(&key) else { return points(present) };
    let of = |version: u32| {
        let behind = kept.generations.iter().filter(|kept| kept.until >= version);
        points(behind.min_by_key(|kept| kept.until).map_or(present, |kept| kept.binding))
    };
    let (now, [from, bonus]) = (ledger.now.get(), of(version));
    match kept.moving {
        Some(moving) if version < moving.below => {
            let [to, bonus_after] = of(moving.below);
            let (start, end) = (moving.start.get(), moving.end.get());
            if now >= end {
                [to, bonus_after]
            } else if now <= start {
                [from, bonus]
            } else {
                [from - (from - to) * (now - start) / (end - start), bonus]
            }
        }
        _ => [from, bonus],
    }
}

/// LTV, threshold and smallest bonus of a collateral for an account, in basis points.
fn points_in_force(
    ledger: &MemoryLedger,
    (market, asset): (MarketId, AssetId),
    account: &Account,
) -> [u64; 3] {
    let listing = ledger.collaterals[&(market, asset)];
    let version = if account.has_debt() { account.terms_version } else { u32::MAX };
    let present = Binding {
        threshold: listing.threshold,
        bonus_min: listing.bonus_min,
        bonus_max: listing.bonus_max,
    };
    let [threshold, bonus] =
        kept_points(ledger, (market, Subject::Collateral(asset)), present, version);
    let own = [listing.ltv.get().into(), threshold, bonus];
    let Some(group) = ledger.groups.get(&(market, account.group)) else { return own };
    let place = ledger.markets[&market].collaterals.iter().position(|other| *other == asset);
    if group.collaterals >> place.unwrap() & 1 == 0 {
        return own;
    }
    let subject = Subject::Group(account.group);
    let [high, low] = kept_points(ledger, (market, subject), group.binding, version);
    [own[0].max(group.ltv.get().into()), threshold.max(high), bonus.min(low)]
}

/// Whether an account owes on terms better than the newest.
pub(crate) fn on_kept_terms(ledger: &MemoryLedger, id: &AccountId) -> bool {
    let account = &ledger.accounts[id];
    let newest = Account { terms_version: u32::MAX, ..account.clone() };
    account.collaterals.iter().any(|pledge| {
        let asset = ledger.markets[&id.market].collaterals[usize::from(pledge.index)];
        let points = |account| points_in_force(ledger, (id.market, asset), account);
        account.has_debt() && points(account) != points(&newest)
    })
}

/// The standing of an account in a ledger whose vaults are settled.
pub(crate) fn standing(ledger: &MemoryLedger, id: &AccountId) -> Standing {
    let mut sums = Standing::default();
    let Some(account) = ledger.accounts.get(id) else { return sums };
    let market = &ledger.markets[&id.market];
    let bps = U256::from(10_000);
    for pledge in &account.collaterals {
        let asset = market.collaterals[usize::from(pledge.index)];
        let worth = value(ledger, asset, pledge.amount.get(), false);
        let [ltv, threshold, bonus_min] = points_in_force(ledger, (id.market, asset), account);
        sums.collateral += worth;
        sums.weighted += worth * U256::from(threshold) / bps;
        sums.limit += worth * U256::from(ltv) / bps;
        sums.cover += worth * bps / (bps + U256::from(bonus_min));
    }
    for owed in &account.debts {
        let vault = &ledger.vaults[&market.vaults[usize::from(owed.index)]];
        let ray = U256::from(gage_core::RAY);
        let amount = (U256::from(owed.debt.shares.get()) * U256::from(vault.index.get()))
            .div_ceil(ray)
            .saturating_sub(U256::from(owed.debt.offset.get()));
        sums.debt += value(ledger, vault.asset, amount.saturating_to(), true);
    }
    if market.margin == MarginModel::Portfolio {
        sums.weighted = sums.collateral.saturating_sub(margin::required(ledger, id, false));
        sums.limit = sums.collateral.saturating_sub(margin::required(ledger, id, true));
    }
    sums
}

/// What a set of users owns at the last prices: tokens, shares at their redemption price, and
/// accounts with collateral less debt. Negative accounts count zero: liability is limited.
pub(crate) fn wealth(ledger: &MemoryLedger, users: &[Address]) -> U256 {
    let mut scratch = ledger.clone();
    for vault in ledger.vaults.keys() {
        lending::accrue(&mut scratch, *vault).unwrap();
    }
    let mut sum = U256::ZERO;
    for ((token, holder), amount) in &ledger.balances {
        if !users.contains(holder) {
            continue;
        }
        sum += match token {
            Token::Asset(asset) => value(ledger, *asset, *amount, false),
            Token::Rebasing(_) => U256::ZERO,
            Token::Share(vault) => {
                let shares = gage_core::Shares::new(*amount);
                let worth = lending::preview_redeem(&mut scratch, *vault, shares).unwrap();
                value(ledger, ledger.vaults[vault].asset, worth.get(), false)
            }
        };
    }
    for id in ledger.accounts.keys().filter(|id| users.contains(&id.owner)) {
        let standing = standing(&scratch, id);
        sum += standing.collateral.saturating_sub(standing.debt);
    }
    sum
}

pub(crate) fn custodian(holder: Address) -> bool {
    address::Native::at(holder).is_some()
}

pub(crate) fn balance(ledger: &mut MemoryLedger, token: Token, holder: Address) -> u128 {
    ledger.balance(token, holder).unwrap()
}

/// Numbers that follow from a seed (splitmix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// Up to `most`, mostly of its size, sometimes tiny or at and beyond the border.
    pub(crate) fn amount(&mut self, most: u128) -> u128 {
        match self.below(12) {
            0 => self.pick(&[0, 1, 2, 3]),
            1 => self.pick(&[most, most.saturating_add(1), most.saturating_sub(1), u128::MAX]),
            2 => 1_u128 << self.below(128),
            3 => most / (1 + u128::from(self.below(1_000_000))),
            _ => most / 10_000 * u128::from(self.below(10_000)) + u128::from(self.below(3)),
        }
    }
}
