//! A market with many open accounts, written as records: ten collaterals, one debt, health spread as
//! real books are.

use alloy_primitives::Address;
use anyhow::{Result, anyhow};
use gage_core::bids::{self, Tier};
use gage_core::curation::{self, Caps, Naming, VaultTerms};
use gage_core::feed::{FeedSubject, FeedTerms, creation};
use gage_core::listing::{self, CollateralTerms, LineTerms, MarketTerms};
use gage_core::protocol::{self, AssetTerms};
use gage_core::{
    Account, AccountId, AssetId, Assets, Bps, Debt, FeedId, InterestModel, Label, Ledger, MarketId,
    QueueId, Ray, Shares, Stop, Token, VaultId, WAD, Wad, address, lending, token,
};
use gage_peers::dice::Dice;

pub(crate) const MARKET: MarketId = MarketId::new(1);
pub(crate) const VAULT: VaultId = VaultId::new(1);
/// Collaterals are assets 1 to 10, with the feeds of the same numbers.
pub(crate) const COLLATERALS: u32 = 10;
const USDC: AssetId = AssetId::new(11);
const UNLIMITED: Assets = gage_core::fixed::AMOUNT_MAX;
/// Everybody who is somebody: issuer, curator, owner, publisher, bidder.
pub(crate) const ADMIN: Address = Address::repeat_byte(0xad);

/// An account and its health factor when everything costs what it cost at first.
pub(crate) struct Opened {
    pub(crate) id: AccountId,
    pub(crate) health: f64,
}

/// Lognormal around 1.8, above 1.02.
fn health(dice: &mut Dice) -> f64 {
    loop {
        let health = (0.6 + 0.35 * dice.normal()).exp();
        if health > 1.02 {
            return health;
        }
    }
}

fn stopped(stop: Stop) -> anyhow::Error {
    anyhow!("the ledger refused: {stop}")
}

/// Creates the assets, feeds (all at 100 dollars, USDC at one), the vault and the market.
fn found<L: Ledger>(ledger: &mut L) -> Result<(), Stop> {
    let label = |text: &str| Label::new(text);
    for number in 1..=COLLATERALS + 1 {
        let decimals = if number > COLLATERALS { 6 } else { 18 };
        let terms = AssetTerms { name: label("A")?, symbol: label("A")?, decimals };
        protocol::create_asset(ledger, ADMIN, &terms)?;
        let terms = FeedTerms::unguarded(86_400, Wad::new(1), Wad::new(1 << 100));
        let subject = FeedSubject { asset: Some(AssetId::new(number)), description: label("F")? };
        creation::create_feed(ledger, ADMIN, subject, &terms)?;
        set_price(ledger, number, if number > COLLATERALS { WAD } else { 100 * WAD })?;
    }
    let terms = MarketTerms {
        target_health: Wad::new(WAD * 105 / 100),
        full_bonus_health: Wad::new(WAD * 9 / 10),
    };
    listing::create_market(ledger, ADMIN, &terms)?;
    for number in 1..=COLLATERALS {
        let terms = CollateralTerms {
            feed: FeedId::new(number),
            ltv: Bps::new(7_500),
            threshold: Bps::new(8_000),
            bonus_min: Bps::new(500),
            bonus_max: Bps::new(1_000),
            risk_weight: Bps::ZERO,
            cap: UNLIMITED,
        };
        listing::add_collateral(ledger, ADMIN, MARKET, AssetId::new(number), &terms)?;
    }
    let naming = Naming { name: label("V")?, symbol: label("V")? };
    let terms = VaultTerms {
        reserve_fee: Bps::new(1_000),
        caps: Caps { supply: UNLIMITED, borrow: UNLIMITED },
        model: InterestModel::Adaptive { rate_at_target: Ray::new(1_268_391_679_350_583_460) },
    };
    curation::create_vault(ledger, ADMIN, USDC, naming, &terms)?;
    let line = LineTerms { feed: FeedId::new(COLLATERALS + 1), min_debt: Assets::new(100_000_000) };
    listing::list_vault(ledger, ADMIN, MARKET, VAULT, &line)?;
    curation::set_line_cap(ledger, ADMIN, VAULT, MARKET, UNLIMITED)
}

/// Writes a price as if its report had just come in.
pub(crate) fn set_price<L: Ledger>(ledger: &mut L, number: u32, price: u128) -> Result<(), Stop> {
    let id = FeedId::new(number);
    let mut feed = ledger.feed(id)?;
    (feed.price, feed.smoothed) = (Wad::new(price), Wad::new(price));
    feed.updated_at = ledger.now();
    ledger.set_feed(id, &feed)
}

/// What waits at a discount of so many half percents, in basis points of the debt that the collateral
/// secures.
pub(crate) type Depth = (u8, u128);

/// More bids than all debt: what is due is sold in one sweep.
pub(crate) const PLENTY: [Depth; 2] = [(2, 7_500), (4, 7_500)];

/// Opens `count` accounts: seven of ten with one collateral, the others with two or three; debts of
/// some thousand dollars; health lognormal around 1.8, above 1.02. `pause` is called now and then so
/// that a ledger may write what it holds.
pub(crate) fn populate<L: Ledger>(
    ledger: &mut L,
    count: usize,
    depths: &[Depth],
    mut pause: impl FnMut(&mut L) -> Result<()>,
) -> Result<Vec<Opened>> {
    found(ledger).map_err(stopped)?;
    let mut dice = Dice(7);
    let mut opened = Vec::with_capacity(count);
    let mut pledged = [0_u128; COLLATERALS as usize];
    let mut owed = 0_u128;
    for number in 0..count {
        let mut account = Account::default();
        let legs = if dice.part() < 0.7 { 1 } else { 2 + dice.roll() % 2 };
        for _ in 0..legs {
            let place = (dice.roll() % u64::from(COLLATERALS)) as u8;
            let before = account.collateral(place).get();
            let amount = (10.0 * (0.5 * dice.normal()).exp() * 1e18) as u128;
            account.set_collateral(place, Assets::new(before + amount));
            pledged[usize::from(place)] += amount;
        }
        let units: u128 = account.collaterals.iter().map(|leg| leg.amount.get()).sum();
        let health = health(&mut dice);
        let debt = (units as f64 / 1e18 * 100.0 * 0.8 / health * 1e6) as u128;
        let shares = Debt { shares: Shares::new(debt), offset: Assets::ZERO };
        account.set_debt(0, shares);
        owed += debt;
        let owner = Address::from_word(alloy_primitives::keccak256(number.to_be_bytes()));
        let id = AccountId { market: MARKET, owner, sub: 0 };
        ledger.set_account(&id, &account).map_err(stopped)?;
        opened.push(Opened { id, health });
        if number % 64 == 0 {
            pause(ledger)?;
        }
    }
    settle(ledger, (&pledged, owed), depths).map_err(stopped)?;
    pause(ledger)?;
    Ok(opened)
}

/// Writes the totals that the accounts sum to, lends three times as much as is owed, and bids for
/// every collateral.
fn settle<L: Ledger>(
    ledger: &mut L,
    (pledged, owed): (&[u128], u128),
    depths: &[Depth],
) -> Result<(), Stop> {
    let supply = Assets::new(owed * 3);
    token::mint(ledger, ADMIN, USDC, ADMIN, supply)?;
    lending::deposit(ledger, ADMIN, VAULT, supply, ADMIN)?;
    let mut vault = ledger.vault(VAULT)?;
    vault.cash = vault.cash.sub(Assets::new(owed))?;
    vault.owed.shares = Shares::new(owed);
    ledger.set_vault(VAULT, &vault)?;
    let mut line = ledger.line(MARKET, VAULT)?;
    line.owed.shares = Shares::new(owed);
    ledger.set_line(MARKET, VAULT, &line)?;
    let shares_each = vault.shares.get() / supply.get();
    let units: u128 = pledged.iter().map(|amount| amount >> 20).sum();
    for (number, amount) in (1..=COLLATERALS).zip(pledged) {
        let asset = AssetId::new(number);
        let mut collateral = ledger.collateral(MARKET, asset)?;
        collateral.total = Assets::new(*amount);
        ledger.set_collateral(MARKET, asset, &collateral)?;
        token::mint(ledger, ADMIN, asset, address::market_custody(), Assets::new(*amount))?;
        let secured = owed * (amount >> 20) / units;
        for (tier, part) in depths {
            let held = secured * part / 10_000 * shares_each;
            let queue = QueueId { market: MARKET, vault: VAULT, asset };
            bids::place_bid(ledger, ADMIN, queue, Tier::new(*tier)?, Shares::new(held))?;
        }
    }
    let drawn = Token::Asset(USDC);
    let custody = address::custody(VAULT);
    let left = ledger.balance(drawn, custody)?.saturating_sub(owed);
    ledger.set_balance(drawn, custody, left)?;
    ledger.set_balance(drawn, ADMIN, owed)
}

/// The price, of 100 dollars at first, at which so many accounts are unhealthy.
pub(crate) fn price_for(opened: &[Opened], due: usize) -> u128 {
    let mut healths: Vec<f64> = opened.iter().map(|account| account.health).collect();
    healths.sort_by(f64::total_cmp);
    let part = match due {
        0 => 1.0 / healths[0] * 1.001,
        due => 2.0 / (healths[due - 1] + healths[due.min(healths.len() - 1)]),
    };
    (part * 100.0 * 1e18) as u128
}
