//! A recorded crash with 300 borrowers, by one source's spot price and by the guarded one: the guards spare borrowers,
//! cost lenders nothing, and their relief ends.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use std::collections::BTreeSet;

use gage_core::curation::{self, Caps, Naming, VaultTerms};
use gage_core::feed::{self, FeedSubject, FeedTerms, creation};
use gage_core::liquidation::{Liquidation, Payment, liquidate};
use gage_core::listing::{self, CollateralTerms, LineTerms, MarketTerms};
use gage_core::protocol::{self, AssetTerms};
use gage_core::sources::{self, Report};
use gage_core::watch::Watch;
use gage_core::{
    Account, AccountId, Address, AssetId, Assets, Bps, Debt, Event, FeedId, Guards, InterestModel,
    Label, Ledger, MarketId, MemoryLedger, Ray, Shares, Source, SourceId, SourceTerms, Stop,
    Timestamp, Token, VaultId, WAD, Wad, address, lending, margin, quote, token,
};

/// ETH on 2022-06-15, 17:00 to 19:05 UTC: open, high, low, close of every five minutes (Binance).
const BARS: [[f64; 4]; 26] = [
    [1078.66, 1082.82, 1073.37, 1075.83],
    [1075.73, 1076.46, 1060.0, 1060.15],
    [1060.0, 1076.7, 1058.58, 1074.87],
    [1074.87, 1094.4, 1074.22, 1093.57],
    [1093.57, 1100.1, 1084.12, 1089.22],
    [1089.22, 1089.36, 1073.78, 1074.75],
    [1074.75, 1084.8, 1060.22, 1080.69],
    [1080.69, 1082.6, 1073.0, 1078.02],
    [1078.02, 1087.61, 1078.01, 1082.63],
    [1082.62, 1088.64, 1079.1, 1079.82],
    [1080.13, 1114.0, 1078.13, 1111.95],
    [1111.37, 1134.99, 1098.1, 1114.25],
    [1114.24, 1135.0, 1067.7, 1078.84],
    [1078.85, 1089.07, 1051.04, 1062.38],
    [1062.38, 1075.42, 1045.0, 1064.44],
    [1064.39, 1099.0, 1057.41, 1078.79],
    [1078.49, 1089.66, 1068.43, 1073.91],
    [1073.91, 1108.86, 1071.43, 1094.96],
    [1094.96, 1096.31, 1069.63, 1082.92],
    [1082.95, 1125.91, 1081.83, 1114.62],
    [1114.62, 1187.56, 1107.42, 1183.33],
    [1183.71, 1227.29, 1163.3, 1188.85],
    [1188.85, 1195.0, 1145.01, 1165.35],
    [1165.35, 1187.68, 1158.5, 1171.97],
    [1172.13, 1187.0, 1166.45, 1173.53],
    [1173.52, 1190.0, 1169.08, 1183.91],
];

/// Seconds between two prices.
const STEP: u64 = 20;
const ADMIN: Address = Address::repeat_byte(0xad);
const KEEPER: Address = Address::repeat_byte(0xee);
const MARKET: MarketId = MarketId::new(1);
const VAULT: VaultId = VaultId::new(1);
const ETH: AssetId = AssetId::new(1);
const USD: AssetId = AssetId::new(2);
const FEED: FeedId = FeedId::new(1);
const ACCOUNTS: u64 = 300;

const GUARDED: Guards = Guards {
    quorum: 3,
    outlier: Bps::new(50),
    spread: Bps::new(100),
    jump: Bps::new(300),
    confirm: 60,
    smoothing: 600,
    budget: 600,
    window: 86_400,
};

/// The recorded path: open, the extreme on the way, the other, close, in equal steps.
fn path() -> Vec<f64> {
    let mut prices = Vec::new();
    for [open, high, low, close] in BARS {
        let knots = if close < open { [open, high, low, close] } else { [open, low, high, close] };
        for leg in 0..3 {
            let parts = (0..5).map(|at| f64::from(at) / 5.0);
            prices.extend(parts.map(|part| knots[leg] + (knots[leg + 1] - knots[leg]) * part));
        }
    }
    prices
}

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    /// The first source says 30 % less for a minute, every half hour.
    Lie,
    /// Every market loses 15 % for 40 seconds, every half hour.
    Flash,
    /// Every market loses 12 % after an hour, and stays there.
    Collapse,
}

impl Fault {
    /// The honest price's part at a step, and the first source's.
    fn parts(self, step: usize) -> (f64, f64) {
        let within = |steps: usize| (45..45 + steps).contains(&(step % 90));
        match self {
            Self::Lie if within(3) => (1.0, 0.7),
            Self::Flash if within(2) => (0.85, 0.85),
            Self::Collapse if step >= 180 => (0.88, 0.88),
            _ => (1.0, 1.0),
        }
    }
}

/// What came of it.
#[derive(Debug, Default)]
struct Outcome {
    liquidated: BTreeSet<AccountId>,
    wrongful: BTreeSet<AccountId>,
    bad_debt: u128,
    relieved: u64,
    /// Those who are due at the end.
    left: usize,
}

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

fn source(place: u8) -> SourceId {
    SourceId::publisher(Address::repeat_byte(place + 1))
}

fn wad(number: f64) -> Wad {
    Wad::new((number * 1e18) as u128)
}

/// Assets, feeds, one vault and one market with a threshold of 83 %.
fn found(guards: Guards, sources: u8) -> Result<MemoryLedger, Stop> {
    let now = Timestamp::new(1_700_000_000);
    let mut ledger = MemoryLedger { now, ..MemoryLedger::default() };
    let guarded = |asset| FeedTerms {
        guards: if asset == ETH { guards } else { Guards::default() },
        ..FeedTerms::unguarded(86_400, Wad::new(1), Wad::new(1 << 100))
    };
    for (asset, decimals) in [(ETH, 18), (USD, 6)] {
        let terms = AssetTerms { name: label("A"), symbol: label("A"), decimals };
        protocol::create_asset(&mut ledger, ADMIN, &terms)?;
        let subject = FeedSubject { asset: Some(asset), description: label("F") };
        creation::create_feed(&mut ledger, ADMIN, subject, &guarded(asset))?;
        for place in 0..if asset == ETH { sources } else { 1 } {
            let terms = SourceTerms { weight: 1, max_age: 86_400 };
            let source = Source { id: source(place), terms };
            sources::set_source(&mut ledger, ADMIN, FeedId::new(asset.get()), &source)?;
        }
    }
    let full_bonus_health = Wad::new(WAD * 9 / 10);
    let terms = MarketTerms { target_health: Wad::new(WAD * 105 / 100), full_bonus_health };
    listing::create_market(&mut ledger, ADMIN, &terms)?;
    let most = gage_core::fixed::AMOUNT_MAX;
    let terms = CollateralTerms {
        feed: FEED,
        ltv: Bps::new(8_000),
        threshold: Bps::new(8_300),
        bonus_min: Bps::new(500),
        bonus_max: Bps::new(500),
        risk_weight: Bps::ZERO,
        cap: most,
    };
    listing::add_collateral(&mut ledger, ADMIN, MARKET, ETH, &terms)?;
    let naming = Naming { name: label("V"), symbol: label("V") };
    let terms = VaultTerms {
        reserve_fee: Bps::ZERO,
        caps: Caps { supply: most, borrow: most },
        model: InterestModel::Adaptive { rate_at_target: Ray::new(1_268_391_679_350_583_460) },
    };
    curation::create_vault(&mut ledger, ADMIN, USD, naming, &terms)?;
    let line = LineTerms { feed: FeedId::new(2), min_debt: Assets::new(1_000_000) };
    listing::list_vault(&mut ledger, ADMIN, MARKET, VAULT, &line)?;
    curation::set_line_cap(&mut ledger, ADMIN, VAULT, MARKET, most)?;
    Ok(ledger)
}

/// Accounts with ten ETH each and health factors from 1.02 on, each a third of a percent above the one before.
fn populate(ledger: &mut MemoryLedger, price: f64) -> Result<Vec<AccountId>, Stop> {
    let (mut ids, mut owed) = (Vec::new(), 0_u128);
    for number in 0..ACCOUNTS {
        let mut account = Account::default();
        account.set_collateral(0, Assets::new(10 * WAD));
        let health = 1.02 + number as f64 / 300.0;
        let debt = (price * 10.0 * 0.83 / health * 1e6) as u128;
        account.set_debt(0, Debt { shares: Shares::new(debt), offset: Assets::ZERO });
        owed += debt;
        let owner = Address::left_padding_from(&(number + 1).to_be_bytes());
        let id = AccountId { market: MARKET, owner, sub: 0 };
        ledger.set_account(&id, &account)?;
        ids.push(id);
    }
    token::mint(ledger, ADMIN, USD, ADMIN, Assets::new(owed * 3))?;
    token::mint(ledger, ADMIN, USD, KEEPER, Assets::new(1 << 80))?;
    lending::deposit(ledger, ADMIN, VAULT, Assets::new(owed * 3), ADMIN)?;
    let mut vault = ledger.vault(VAULT)?;
    vault.cash = vault.cash.sub(Assets::new(owed))?;
    vault.owed.shares = Shares::new(owed);
    ledger.set_vault(VAULT, &vault)?;
    let mut line = ledger.line(MARKET, VAULT)?;
    line.owed.shares = Shares::new(owed);
    ledger.set_line(MARKET, VAULT, &line)?;
    let custody = address::custody(VAULT);
    let left = ledger.balance(Token::Asset(USD), custody)?.saturating_sub(owed);
    ledger.set_balance(Token::Asset(USD), custody, left)?;
    let pledged = Assets::new(u128::from(ACCOUNTS) * 10 * WAD);
    let mut collateral = ledger.collateral(MARKET, ETH)?;
    collateral.total = pledged;
    ledger.set_collateral(MARKET, ETH, &collateral)?;
    token::mint(ledger, ADMIN, ETH, address::market_custody(), pledged)?;
    Ok(ids)
}

fn report(ledger: &mut MemoryLedger, feed: FeedId, id: &SourceId, price: f64) -> Result<(), Stop> {
    let time = ledger.now;
    let (round, price, confidence) = (time.get(), wad(price), Wad::ZERO);
    sources::record(ledger, &Report { feed, round, time, price, confidence }, id)
}

/// Health at a price, in the best of the steps.
fn best(ledger: &mut MemoryLedger, id: &AccountId, prices: &[f64]) -> Result<f64, Stop> {
    let position = margin::position(ledger, id)?;
    let debt = position.totals().debt_value.get() as f64 / 1e18;
    let held: f64 = position.collaterals.iter().map(|leg| leg.amount.get() as f64 / 1e18).sum();
    Ok(prices.iter().map(|price| held * price * 0.83 / debt).fold(0.0, f64::max))
}

/// Replays the path; the keeper liquidates whoever is due in every block.
fn replay(fault: Fault, guards: Guards, sources: u8) -> Result<Outcome, Stop> {
    let honest: Vec<f64> =
        path().iter().enumerate().map(|(step, price)| price * fault.parts(step).0).collect();
    let mut ledger = found(guards, sources)?;
    let ids = populate(&mut ledger, honest[0])?;
    let mut done = Outcome::default();
    let mut watch = Watch::new();
    watch.file(&mut ledger, ids.iter().map(|id| (*id, Wad::ONE)))?;
    for (step, price) in honest.iter().enumerate() {
        ledger.now = ledger.now.after(STEP);
        ledger.events.clear();
        let (part, lie) = fault.parts(step);
        for place in 0..sources {
            // Sources are a basis point apart.
            let own = 1.0 + (f64::from(place) - 2.0) * 1e-4;
            let said = if place == 0 { price / part * lie } else { *price };
            report(&mut ledger, FEED, &source(place), said * own)?;
        }
        report(&mut ledger, FeedId::new(2), &source(0), 1.0)?;
        feed::update(&mut ledger, FEED)?;
        feed::update(&mut ledger, FeedId::new(2))?;
        done.relieved += if quote::quote(&mut ledger, FEED)?.relieves() { STEP } else { 0 };
        let suspects = watch.suspects(&mut ledger)?;
        for id in &suspects {
            if margin::health(&mut ledger, id)? >= Wad::ONE {
                continue;
            }
            let later = &honest[step..(step + 31).min(honest.len())];
            let best = best(&mut ledger, id, later)?;
            let asked = Liquidation {
                vault: VAULT,
                asset: ETH,
                max_repay: Assets::MAX,
                receiver: KEEPER,
                payment: Payment::Assets,
            };
            liquidate(&mut ledger, KEEPER, id, &asked)?;
            done.liquidated.insert(*id);
            if best >= 1.0 {
                done.wrongful.insert(*id);
            }
        }
        watch.file(&mut ledger, suspects.into_iter().map(|id| (id, Wad::ONE)))?;
        for event in &ledger.events {
            if let Event::BadDebt { amount, .. } = event {
                done.bad_debt += amount.get();
            }
        }
    }
    for id in &ids {
        done.left += usize::from(margin::health(&mut ledger, id)? < Wad::ONE);
    }
    Ok(done)
}

fn both(fault: Fault) -> (Outcome, Outcome) {
    let spot = replay(fault, Guards::default(), 1).unwrap();
    let guarded = replay(fault, GUARDED, 5).unwrap();
    (spot, guarded)
}

#[test]
fn a_lie_and_a_wick_liquidate_few_that_the_spot_price_does() {
    for fault in [Fault::Lie, Fault::Flash] {
        let (spot, guarded) = both(fault);
        let [were, are] = [&spot, &guarded].map(|done| done.wrongful.len());
        assert!(are < were, "{are} of {were}");
        assert!(guarded.liquidated.len() * 2 < spot.liquidated.len());
        assert!(guarded.bad_debt <= spot.bad_debt, "{} of {}", guarded.bad_debt, spot.bad_debt);
        assert!(guarded.relieved <= 600, "{} s", guarded.relieved);
        assert_eq!(guarded.left, 0);
    }
}

#[test]
fn a_collapse_is_liquidated_all_the_same() {
    let (spot, guarded) = both(Fault::Collapse);
    assert!(guarded.wrongful.len() <= spot.wrongful.len());
    assert_eq!([spot.left, guarded.left], [0, 0]);
    assert_eq!([spot.bad_debt, guarded.bad_debt], [0, 0]);
    let [were, are] = [&spot, &guarded].map(|done| done.liquidated.len());
    assert!(are + 3 >= were, "{are} of {were}");
    assert!(guarded.relieved > 0 && guarded.relieved <= 80, "{} s", guarded.relieved);
}
