//! Attacks with somebody's authority: a key that was stolen, an owner who turned, a parameter that stops everything. Each
//! test is named by the row of the attack catalogue that it replays; the adversary is given the very role of the row.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::borrowing::{self, Draw};
use gage_core::breaker::{self, BreakerTerms};
use gage_core::curation::{self, Caps, Naming, VaultTerms};
use gage_core::exposure::{set_ceiling, set_factor_cap};
use gage_core::factor::{register_factor, tag_asset};
use gage_core::feed::freeze::{FREEZE_MAX, freeze};
use gage_core::feed::{self, FeedTerms, creation};
use gage_core::first_loss;
use gage_core::lending::{self, Exit};
use gage_core::listing::{self, CollateralTerms, LineTerms, MarketTerms};
use gage_core::meter::{self, MeterTerms};
use gage_core::pause::{self, PAUSE_MAX};
use gage_core::portfolio::PortfolioTerms;
use gage_core::protocol::{self, AssetTerms};
use gage_core::signers::{self, SignerSet, SignerSetId};
use gage_core::terms::{self, Subject};
use gage_core::token::{self, Permit};
use gage_core::{
    AccountId, Accrued, Address, Assets, B256, Bps, Cap, Error, Factor, FactorKind, FeedId,
    InterestModel, Label, MemoryLedger, PauseLevel, Ray, Report, Source, SourceId, SourceKind,
    SourceTerms, Stop, Timestamp, Token, U256, WAD, Wad, portfolio, sources,
};
use world::acts::*;
use world::staking::{bounds, new_market, open_line};
use world::*;

/// A role's act.
type Act = fn(&mut MemoryLedger) -> Result<(), Stop>;

const PLEDGED: FeedId = FeedId::new(2);

fn harsh() -> CollateralTerms {
    world::terms(0, 100, [0, 5_000], 1, 2)
}

fn no_caps() -> Caps {
    Caps { supply: Assets::ZERO, borrow: Assets::ZERO }
}

fn dearest() -> InterestModel {
    InterestModel::Kinked { base: 100_000, slope1: 0, slope2: 0, kink: Bps::new(1) }
}

fn publisher_of(key: Address) -> Source {
    Source { id: SourceId::publisher(key), terms: SourceTerms { weight: 1, max_age: 7_200 } }
}

/// A set of risk factors that costs as much as one may.
fn dear_margin() -> PortfolioTerms {
    let factors = vec![world::margin::factor(2, 150_000, 3_000, &[])];
    world::margin::set([30_000, 20_000], 900, factors)
}

/// The worst that each role may do at once, by its name. Reports are no act: prices are another family's.
fn powers() -> Vec<(&'static str, Act)> {
    let mut all: Vec<(&'static str, Act)> = vec![
        ("governance freezes the market", |l| {
            pause::set_pause(l, GOVERNANCE, MARKET, PauseLevel::Frozen)
        }),
        ("governance freezes the feed", |l| freeze(l, GOVERNANCE, PLEDGED, FREEZE_MAX)),
        ("governance gives itself away", |l| protocol::set_governance(l, GOVERNANCE, MALLORY)),
        ("governance names a factor", |l| {
            let factor = Factor { kind: FactorKind::Bridge, label: label("bridge") };
            let factor = register_factor(l, GOVERNANCE, &factor)?;
            tag_asset(l, GOVERNANCE, asset(2), factor)?;
            set_factor_cap(l, CURATOR, vault(1), factor, Some(Assets::ZERO))
        }),
        ("the guardian pauses", |l| {
            pause::pause_for(l, GUARDIAN, MARKET, PauseLevel::Frozen, PAUSE_MAX)
        }),
        ("the guardian freezes a feed", |l| freeze(l, GUARDIAN, FeedId::new(1), FREEZE_MAX)),
    ];
    all.extend(of_market_and_feed());
    all.extend(of_vault_and_asset());
    all
}

fn of_market_and_feed() -> Vec<(&'static str, Act)> {
    vec![
        ("the owner takes the collateral's terms", |l| {
            listing::set_collateral(l, OWNER, MARKET, asset(2), &harsh())
        }),
        ("the owner announces it", |l| {
            let lower = world::terms(7_000, 7_200, [400, 1_000], 1 << 100, 2);
            listing::set_collateral(l, OWNER, MARKET, asset(2), &lower)?;
            let times = (l.now.after(86_400), l.now.after(2 * 86_400));
            terms::schedule_move(l, OWNER, MARKET, Subject::Collateral(asset(2)), times)
        }),
        ("the owner sets the market's terms", |l| {
            let terms = MarketTerms {
                target_health: Wad::new(2 * WAD),
                full_bonus_health: Wad::new(WAD - 1),
            };
            listing::set_market_terms(l, OWNER, MARKET, &terms)
        }),
        ("the owner sells the market", |l| listing::set_market_owner(l, OWNER, MARKET, MALLORY)),
        ("the owner freezes it", |l| pause::set_pause(l, OWNER, MARKET, PauseLevel::Frozen)),
        ("the owner changes the model", |l| {
            portfolio::set_portfolio_margin(l, OWNER, MARKET, &dear_margin())
        }),
        ("the owner limits draws", |l| {
            let terms = MeterTerms { limit: Assets::new(60), window: 60 };
            meter::set_meter(l, OWNER, (MARKET, vault(1)), Some(terms))
        }),
        ("the owner sets a breaker", |l| {
            let terms = BreakerTerms { part: Bps::new(1), window: 60, pause: 60 };
            breaker::set_breaker(l, OWNER, MARKET, Some(terms))
        }),
        ("the owner gives the interest away", |l| {
            first_loss::set_first_loss_premium(l, OWNER, (MARKET, vault(1)), Bps::new(1)).or_else(
                |_| first_loss::set_first_loss_premium(l, CURATOR, (MARKET, vault(1)), Bps::new(1)),
            )
        }),
        ("the feed's owner names a source", |l| {
            sources::set_source(l, OWNER, PLEDGED, &publisher_of(MALLORY))
        }),
        ("the feed's owner removes the source", |l| {
            sources::remove_source(l, OWNER, PLEDGED, &SourceId::publisher(PUBLISHER))
        }),
        ("the feed's owner takes another's price", |l| {
            let terms = bounds(7_200, 1, 1 << 100);
            let other = creation::create_feed(l, OWNER, about(asset(2), "A/USD"), &terms)?;
            feed::set_fallback(l, OWNER, PLEDGED, Some(other))
        }),
        ("the feed's owner sets its terms", |l| {
            let terms = FeedTerms::unguarded(1, Wad::new(1), Wad::new(3));
            feed::set_feed_terms(l, OWNER, PLEDGED, &terms)
        }),
    ]
}

fn of_vault_and_asset() -> Vec<(&'static str, Act)> {
    vec![
        ("the curator closes the vault", |l| {
            curation::set_caps(l, CURATOR, vault(1), no_caps())?;
            curation::set_line_cap(l, CURATOR, vault(1), MARKET, Assets::ZERO)?;
            curation::pause_vault(l, CURATOR, vault(1))
        }),
        ("the curator takes the highest rate", |l| {
            curation::set_model(l, CURATOR, vault(1), dearest())?;
            curation::set_reserve_fee(l, CURATOR, vault(1), curation::RESERVE_FEE_MAX)
        }),
        ("the curator limits exposure", |l| {
            set_ceiling(l, CURATOR, (MARKET, vault(1)), asset(2), Some(Assets::ZERO))
        }),
        ("the curator hands over", |l| curation::set_curator(l, CURATOR, vault(1), MALLORY)),
        ("the issuer mints", |l| {
            token::mint(l, ISSUER, asset(1), MALLORY, Assets::new(1_000_000 * unit(6)))
        }),
        ("the issuer hands over", |l| token::set_issuer(l, ISSUER, asset(2), MALLORY)),
    ]
}

/// What a healthy borrower and a lender have, in units and not at prices.
fn holdings(world: &World) -> (Vec<u128>, u128, Option<gage_core::Account>) {
    let tokens = [Token::Asset(asset(1)), Token::Asset(asset(2)), Token::Share(vault(1))];
    let held = tokens.iter().flat_map(|token| [ALICE, LENDER].map(|who| world.held(*token, who)));
    let owed = world.ledger.vaults[&vault(1)].accrue(world.ledger.now).debt().get();
    (held.collect(), owed, world.ledger.accounts.get(&of(ALICE)).cloned())
}

/// Alice repays and leaves, then the lender does, in this very block.
fn both_leave(world: &World) {
    let mut world = world.clone();
    repay(&mut world, ALICE, ALICE, 1, u128::MAX).unwrap();
    release(&mut world, ALICE, 2, u128::MAX).unwrap();
    redeem_all(&mut world, LENDER, 1).unwrap();
    assert_eq!(world.held(Token::Asset(asset(2)), ALICE), 1_000_000 * unit(18));
    assert!(world.held(Token::Asset(asset(1)), LENDER) >= 1_000_000 * unit(6) - 1);
    sound(&world);
}

/// G-06 (Solend), L-01 (EasyFi): power over a user's account, by a vote or one stolen key. The worst that each role may do,
/// alone: a healthy account and a lender's shares stay what they are, nobody is liquidated by it, and both leave at once.
#[test]
fn reg_g06_no_role_moves_what_is_a_user_s() {
    for (name, act) in powers() {
        let mut world = indebted_in_two();
        let (before, start) = (holdings(&world), wealth(&world.ledger, &[MALLORY]));
        world.ledger.atomically(act).unwrap_or_else(|stop| panic!("{name}: {stop:?}"));
        assert_eq!(holdings(&world), before, "{name}");
        let spared = refused(liquidate(&mut world, FRIEND, ALICE, u128::MAX));
        let stopped = matches!(
            spared,
            Error::Healthy { .. }
                | Error::MarketPaused { .. }
                | Error::FeedFrozen { .. }
                | Error::PriceOutOfBounds { .. }
                | Error::LiquidationPaused { .. }
        );
        assert!(stopped, "{name}: {spared}");
        // An issuer can make tokens, and nobody else gains.
        assert!(name == "the issuer mints" || wealth(&world.ledger, &[MALLORY]) <= start, "{name}");
        both_leave(&world);
        sound(&world);
    }
}

/// A third asset beside the indebted ones, for a feed that is another's.
fn indebted_in_two() -> World {
    let mut world = World::new(&[6, 18, 18], 1);
    deposit(&mut world, LENDER, 1, 1_000 * unit(6)).unwrap();
    pledge(&mut world, ALICE, 2, 100 * unit(18));
    borrow(&mut world, ALICE, 1, 75 * unit(6)).unwrap();
    world
}

/// L-05 (Radiant), L-10 (CrediX), SC-13: every key at once is hostile, for a block. No share exists without what was paid in
/// for it, users' holdings are what they were, and users leave in that block and for a week after it.
#[test]
fn reg_l05_every_key_is_hostile() {
    let mut world = indebted_in_two();
    let before = holdings(&world);
    let mut done = 0;
    for (name, act) in powers() {
        // The later ones find what the earlier ones left: some have no role any more.
        done += u32::from(world.ledger.atomically(act).is_ok());
        assert_eq!(holdings(&world), before, "{name}");
        both_leave(&world);
        sound(&world);
    }
    assert!(done >= 18, "{done}");
    for _ in 0..7 {
        world.pass(86_400);
        let mut world = world.clone();
        repay(&mut world, ALICE, ALICE, 1, u128::MAX).unwrap();
        release(&mut world, ALICE, 2, u128::MAX).unwrap();
        redeem_all(&mut world, LENDER, 1).unwrap();
        assert!(world.held(Token::Asset(asset(1)), LENDER) >= 1_000_000 * unit(6) - 1);
    }
    // Shares are minted for what came in, by whoever is who they please.
    let mut world = indebted_in_two();
    for role in [GOVERNANCE, GUARDIAN, CURATOR, OWNER, ISSUER] {
        let supply = world.ledger.vaults[&vault(1)].shares;
        let l = &mut world.ledger;
        let one = Assets::new(1_000);
        let minted = l.atomically(|l| lending::deposit(l, role, vault(1), one, role));
        assert!(minted.is_err() && world.ledger.vaults[&vault(1)].shares == supply);
    }
}

/// L-11 (Drift), L-08 (Ionic): the owner of a market is hostile for one block: it makes a token that looks like another, with a
/// feed of its own, lists it on the widest terms and draws. Lenders lose the line's cap less what honest borrowers have
/// of it, to the unit; the vault's other lines and what it has not lent are out of reach.
#[test]
fn reg_l11_a_hostile_owner_takes_its_line_at_most() {
    let line_cap = 500 * unit(6);
    let mut world = indebted_in_two();
    let other = new_market(&mut world.ledger);
    open_line(&mut world.ledger, other, vault(1), 1).unwrap();
    let l = &mut world.ledger;
    curation::set_line_cap(l, CURATOR, vault(1), MARKET, Assets::new(line_cap)).unwrap();
    listing::set_market_owner(l, OWNER, MARKET, MALLORY).unwrap();
    let before = wealth(l, &[MALLORY]);
    // It looks like asset 2, and is not: the real one's feed does not price it.
    let looks = l.assets[&asset(2)];
    let terms = AssetTerms { name: looks.name, symbol: looks.symbol, decimals: looks.decimals };
    let fake = protocol::create_asset(l, MALLORY, &terms).unwrap();
    token::mint(l, MALLORY, fake, MALLORY, Assets::new(1 << 90)).unwrap();
    let limits = world::terms(9_000, 9_300, [100, 400], 1 << 100, 2);
    let out = refused(l.atomically(|l| listing::add_collateral(l, MALLORY, MARKET, fake, &limits)));
    assert!(matches!(out, Error::WrongFeed { .. }), "{out}");
    let feed = creation::create_feed(l, MALLORY, about(fake, "A/USD"), &bounds(7_200, 1, 1 << 100))
        .unwrap();
    sources::set_source(l, MALLORY, feed, &publisher_of(MALLORY)).unwrap();
    let (time, price) = (l.now, Wad::new(1_000_000 * WAD));
    let report = Report { feed, round: 1, time, price, confidence: Wad::ZERO };
    apply_report(l, &report, MALLORY).unwrap();
    let limits = CollateralTerms { feed, ..limits };
    listing::add_collateral(l, MALLORY, MARKET, fake, &limits).unwrap();
    meter::set_meter(l, MALLORY, (MARKET, vault(1)), None).unwrap();
    borrowing::supply_collateral(l, MALLORY, &of(MALLORY), fake, Assets::new(1 << 80)).unwrap();
    let owed = Accrued::load(l, vault(1)).unwrap().debt().get();
    let cash = l.vaults[&vault(1)].cash.get();
    let room = line_cap - owed;
    let over = refused(borrow(&mut world, MALLORY, 1, room + 1));
    assert!(matches!(over, Error::CapExceeded { cap: Cap::Line, .. }), "{over}");
    borrow(&mut world, MALLORY, 1, room).unwrap();
    assert!(borrow(&mut world, MALLORY, 1, 1).is_err());
    assert_eq!(world.ledger.vaults[&vault(1)].cash.get(), cash - room);
    // The other line lends on.
    let id = AccountId { market: other, ..of(FRIEND) };
    let limits = world::terms(7_500, 8_000, [400, 1_000], 1 << 100, 2);
    let amount = Assets::new(unit(6) / 2);
    let draw = Draw { market: other, sub: 0, vault: vault(1), amount, receiver: FRIEND };
    let l = &mut world.ledger;
    listing::add_collateral(l, OWNER, other, asset(2), &limits).unwrap();
    borrowing::supply_collateral(l, FRIEND, &id, asset(2), Assets::new(unit(18))).unwrap();
    borrowing::borrow(l, FRIEND, &draw).unwrap();
    let mut fair = world.clone();
    fair.ledger.balances.retain(|(token, _), _| *token != Token::Asset(fake));
    fair.ledger.accounts.remove(&of(MALLORY));
    let gained = wealth(&fair.ledger, &[MALLORY]).saturating_sub(before);
    assert!(gained <= value(&fair.ledger, asset(1), room, true), "{gained}");
    sound(&world);
}

/// What may become of feeds 1 and 2.
fn kills() -> [(&'static str, Act); 4] {
    [
        ("silence", |l| {
            l.now = l.now.after(31_536_000);
            Ok(())
        }),
        ("no sources", |l| {
            let publisher = SourceId::publisher(PUBLISHER);
            for feed in 1..=2 {
                sources::remove_source(l, OWNER, FeedId::new(feed), &publisher)?;
            }
            l.now = l.now.after(7_201);
            Ok(())
        }),
        ("nonsense", |l| {
            for feed in 1..=2 {
                let id = FeedId::new(feed);
                let last = l.observations[&(id, 0)].round;
                l.now = l.now.after(1);
                let (time, price) = (l.now, Wad::MAX);
                let report =
                    Report { feed: id, round: last + 1, time, price, confidence: Wad::MAX };
                apply_report(l, &report, PUBLISHER)?;
            }
            Ok(())
        }),
        ("frozen", |l| {
            freeze(l, GUARDIAN, FeedId::new(1), FREEZE_MAX)?;
            freeze(l, GUARDIAN, FeedId::new(2), FREEZE_MAX)
        }),
    ]
}

/// G-05 (Compound's proposal 62 and 117): an oracle upgrade that one market could not bear froze it for a week. Whatever
/// kills feeds, repayment, new collateral, release without debt and lenders' exits go on in every market, and nothing else.
#[test]
fn reg_g05_exits_need_no_oracle() {
    for (name, kill) in kills() {
        let mut world = indebted_in_two();
        let second = new_market(&mut world.ledger);
        let limits = world::terms(7_500, 8_000, [400, 1_000], 1 << 100, 2);
        listing::add_collateral(&mut world.ledger, OWNER, second, asset(2), &limits).unwrap();
        open_line(&mut world.ledger, second, vault(1), 1).unwrap();
        let at = |market| AccountId { market, ..of(FRIEND) };
        for market in [MARKET, second] {
            let amount = Assets::new(10 * unit(18));
            let l = &mut world.ledger;
            borrowing::supply_collateral(l, FRIEND, &at(market), asset(2), amount).unwrap();
            let amount = Assets::new(unit(6));
            let draw = Draw { market, sub: 0, vault: vault(1), amount, receiver: FRIEND };
            borrowing::borrow(l, FRIEND, &draw).unwrap();
        }
        kill(&mut world.ledger).unwrap();
        for market in [MARKET, second] {
            let id = at(market);
            let l = &mut world.ledger;
            let one = Assets::new(unit(18));
            let draw =
                Draw { market, sub: 0, vault: vault(1), amount: Assets::new(1), receiver: FRIEND };
            let release = borrowing::Release {
                market,
                sub: 0,
                asset: asset(2),
                amount: one,
                receiver: FRIEND,
            };
            assert!(l.atomically(|l| borrowing::borrow(l, FRIEND, &draw)).is_err(), "{name}");
            let early = l.atomically(|l| borrowing::withdraw_collateral(l, FRIEND, &release));
            assert!(early.is_err(), "{name}");
            borrowing::supply_collateral(l, MALLORY, &id, asset(2), one).unwrap();
            borrowing::repay(l, FRIEND, &id, vault(1), Assets::MAX).unwrap();
            let all = borrowing::Release { amount: Assets::MAX, ..release };
            let amount = borrowing::withdraw_collateral(l, FRIEND, &all).unwrap();
            assert_eq!(amount.get(), 11 * unit(18), "{name}");
        }
        let exit = Exit { receiver: LENDER, owner: LENDER };
        let part = Assets::new(100 * unit(6));
        lending::withdraw(&mut world.ledger, LENDER, vault(1), part, exit).unwrap();
        deposit(&mut world, MALLORY, 1, unit(6)).unwrap();
        sound(&world);
    }
}

/// N-02 (Aave on Polygon): a new interest model made every operation fail, and froze 110 million dollars. A model that is
/// wrong is refused and the present one stays; at the dearest legal one, fully used, for a century, everybody leaves.
#[test]
fn reg_n02_no_model_stops_a_vault() {
    let kinked = |base, slope1, slope2, kink| InterestModel::Kinked {
        base,
        slope1,
        slope2,
        kink: Bps::new(kink),
    };
    let adaptive = |rate| InterestModel::Adaptive { rate_at_target: Ray::new(rate) };
    let mut world = indebted_in_two();
    let present = world.ledger.vaults[&vault(1)].model;
    for wrong in [
        kinked(1, 1, 1, 0),
        kinked(1, 1, 1, 10_000),
        kinked(100_001, 0, 0, 1),
        kinked(u32::MAX, u32::MAX, u32::MAX, 9_999),
        adaptive(0),
        adaptive(u128::MAX),
    ] {
        let l = &mut world.ledger;
        let out = refused(l.atomically(|l| curation::set_model(l, CURATOR, vault(1), wrong)));
        assert!(matches!(out, Error::InvalidParameter { .. }), "{out}");
        assert_eq!(world.ledger.vaults[&vault(1)].model, present);
    }
    for legal in [
        kinked(100_000, 0, 0, 1),
        kinked(0, 0, 100_000, 9_999),
        kinked(0, 0, 0, 1),
        adaptive(gage_core::interest::RATE_AT_TARGET_MAX.get()),
        adaptive(gage_core::interest::RATE_AT_TARGET_MIN.get()),
    ] {
        let mut world = indebted_in_two();
        curation::set_model(&mut world.ledger, CURATOR, vault(1), legal).unwrap();
        pledge(&mut world, FRIEND, 2, 10_000 * unit(18));
        let rest = world.ledger.vaults[&vault(1)].cash.get();
        borrow(&mut world, FRIEND, 1, rest).unwrap();
        for years in [1, 9, 90] {
            world.pass(years * 31_536_000);
            lending::accrue(&mut world.ledger, vault(1)).unwrap();
            sound(&world);
        }
        for who in [ALICE, FRIEND] {
            let l = &mut world.ledger;
            let owed = borrowing::debt_of(l, &of(who), vault(1)).unwrap();
            token::mint(l, ISSUER, asset(1), who, owed).unwrap();
            assert_eq!(repay(&mut world, who, who, 1, u128::MAX), Ok(owed));
            release(&mut world, who, 2, u128::MAX).unwrap();
        }
        let paid = redeem_all(&mut world, LENDER, 1).unwrap();
        assert!(paid.get() >= 1_000 * unit(6) - 1);
        sound(&world);
    }
}

fn market_terms(target: u128, full: u128) -> MarketTerms {
    MarketTerms { target_health: Wad::new(target), full_bonus_health: Wad::new(full) }
}

fn vault_terms(fee: u16, supply: u128) -> VaultTerms {
    VaultTerms {
        reserve_fee: Bps::new(fee),
        caps: Caps { supply: Assets::new(supply), borrow: Assets::new(1) },
        model: KINKED,
    }
}

fn feed_terms(age: u32, least: u128, most: u128) -> FeedTerms {
    FeedTerms::unguarded(age, Wad::new(least), Wad::new(most))
}

/// N-09 (Semaphore): a parameter that was accepted and made its object unusable. What cannot work is refused when it is said;
/// what is accepted at the ends of its range works.
#[test]
fn reg_n09_what_cannot_work_is_refused_at_once() {
    let mut world = indebted_in_two();
    let asset_terms = |decimals| AssetTerms { name: label("A"), symbol: label("A"), decimals };
    let naming = Naming { name: label("V"), symbol: label("V") };
    let l = &mut world.ledger;
    let before = l.clone();
    let line = |least| LineTerms { feed: FeedId::new(3), min_debt: Assets::new(least) };
    let fresh = curation::create_vault(l, CURATOR, asset(3), naming, &vault_terms(0, 1)).unwrap();
    let base = l.clone();
    let wrong: Vec<Result<(), Stop>> = vec![
        protocol::create_asset(l, MALLORY, &asset_terms(28)).map(drop),
        protocol::create_asset(l, MALLORY, &asset_terms(255)).map(drop),
        listing::create_market(l, MALLORY, &market_terms(WAD, WAD / 2)).map(drop),
        listing::create_market(l, MALLORY, &market_terms(u128::MAX, WAD / 2)).map(drop),
        listing::create_market(l, MALLORY, &market_terms(2 * WAD, WAD)).map(drop),
        listing::create_market(l, MALLORY, &market_terms(2 * WAD, 0)).map(drop),
        curation::create_vault(l, MALLORY, asset(1), naming, &vault_terms(5_001, 1)).map(drop),
        curation::create_vault(l, MALLORY, asset(1), naming, &vault_terms(0, u128::MAX)).map(drop),
        creation::create_feed(l, MALLORY, about(asset(1), "x"), &feed_terms(0, 1, 9)).map(drop),
        creation::create_feed(l, MALLORY, about(asset(1), "x"), &feed_terms(1, 9, 9)).map(drop),
        creation::create_feed(l, MALLORY, about(asset(1), "x"), &feed_terms(1, 9, 10)).map(drop),
        listing::list_vault(l, OWNER, MARKET, fresh, &line(0)),
        listing::list_vault(l, OWNER, MARKET, fresh, &line(u128::MAX)),
        listing::set_collateral(
            l,
            OWNER,
            MARKET,
            asset(2),
            &world::terms(9_950, 10_000, [0, 0], 1, 2),
        ),
        listing::set_collateral(
            l,
            OWNER,
            MARKET,
            asset(2),
            &world::terms(9_000, 9_900, [200, 200], 1, 2),
        ),
        sources::set_source(
            l,
            OWNER,
            FeedId::new(3),
            &Source {
                id: SourceId::publisher(Address::ZERO),
                terms: SourceTerms { weight: 1, max_age: 1 },
            },
        ),
        sources::set_source(
            l,
            OWNER,
            FeedId::new(3),
            &Source {
                id: SourceId::publisher(MALLORY),
                terms: SourceTerms { weight: 0, max_age: 1 },
            },
        ),
        meter::set_meter(
            l,
            OWNER,
            (MARKET, vault(1)),
            Some(MeterTerms { limit: Assets::new(59), window: 60 }),
        ),
    ];
    for (number, outcome) in wrong.into_iter().enumerate() {
        assert!(outcome.is_err(), "{number} was accepted");
    }
    assert_eq!(*l, base);
    assert_ne!(base, before);
    assert!(Label::new(&"x".repeat(32)).is_err() && Label::new(&"x".repeat(31)).is_ok());
}

/// N-09: the ends of the ranges: a loan of the least debt, on the least generous terms, in assets of any decimals.
#[test]
fn reg_n09_what_is_accepted_works() {
    for decimals in [0, 27] {
        let mut world = World::new(&[decimals, decimals], 1);
        let terms = market_terms(1_010_000_000_000_000_000, WAD - 1);
        listing::set_market_terms(&mut world.ledger, OWNER, MARKET, &terms).unwrap();
        deposit(&mut world, LENDER, 1, 10 * unit(decimals)).unwrap();
        pledge(&mut world, ALICE, 2, 10 * unit(decimals));
        let least = world.dust(asset(1));
        borrow(&mut world, ALICE, 1, least).unwrap();
        repay(&mut world, ALICE, ALICE, 1, u128::MAX).unwrap();
        release(&mut world, ALICE, 2, u128::MAX).unwrap();
        assert!(redeem_all(&mut world, LENDER, 1).unwrap().get() >= 10 * unit(decimals));
        sound(&world);
    }
}

/// T-08 (Acala): a configuration minted a stablecoin that nobody had backed. A supply changes by its issuer's mint and its
/// holder's burn alone, whatever else is done, and by exactly what these say.
#[test]
fn reg_t08_supplies_change_for_a_reason() {
    for seed in 0..4 {
        let mut world = World::new(&[6, 18], 2);
        let mut dice = Dice(seed);
        let mut expected = [1, 2].map(|number| world.ledger.assets[&asset(number)].supply.get());
        for _ in 0..300 {
            let who = dice.pick(&[ALICE, MALLORY, FRIEND, LENDER, ISSUER, CURATOR]);
            let number = 1 + dice.below(2) as u32;
            let amount = dice.amount(10_000 * unit(6));
            let place = number as usize - 1;
            match dice.below(8) {
                0 => drop(deposit(&mut world, who, number, amount)),
                1 => drop(redeem_all(&mut world, who, number)),
                2 => drop(borrow(&mut world, who, number, amount).is_ok()),
                3 => drop(repay(&mut world, who, who, number, amount)),
                4 => drop(release(&mut world, who, number, amount)),
                5 => {
                    let amount = Assets::new(amount);
                    let _refused_or_not = world.ledger.atomically(|l| {
                        borrowing::supply_collateral(l, who, &of(who), asset(number), amount)
                    });
                }
                6 => {
                    let most = Assets::new(amount >> 64);
                    let l = &mut world.ledger;
                    let minted = l.atomically(|l| token::mint(l, who, asset(number), who, most));
                    assert_eq!(minted.is_ok(), who == ISSUER);
                    expected[place] += if minted.is_ok() { most.get() } else { 0 };
                }
                _ => {
                    let l = &mut world.ledger;
                    let units = Assets::new(amount);
                    let burnt = l.atomically(|l| token::burn(l, who, asset(number), units));
                    expected[place] -= if burnt.is_ok() { amount } else { 0 };
                }
            }
            let supplies = [1, 2].map(|number| world.ledger.assets[&asset(number)].supply.get());
            assert_eq!(supplies, expected);
            sound(&world);
        }
    }
}

/// X-12 (Ronin), X-08 (Nomad): an upgrade left the weight that must sign at zero, and a root that nobody had set was good. A
/// set of signers without members, with a threshold of none or of more than there are, with a key of zero or one twice,
/// is refused when it is set, and believed by nobody who finds it in the state.
#[test]
fn reg_x12_a_set_that_asks_for_nothing_is_none() {
    let mut world = indebted_in_two();
    let id = SignerSetId { provider: SourceKind::Pyth, name: B256::repeat_byte(7) };
    let keys = |count: u8| (1..=count).map(Address::repeat_byte).collect::<Vec<_>>();
    let set = |signers: Vec<Address>, threshold| SignerSet {
        signers,
        threshold,
        expires_at: Timestamp::ZERO,
    };
    let repeated = vec![Address::repeat_byte(1), Address::repeat_byte(1)];
    let zero = vec![Address::ZERO, Address::repeat_byte(1)];
    let wrong = [
        set(Vec::new(), 0),
        set(Vec::new(), 1),
        set(keys(3), 0),
        set(keys(3), 4),
        set(keys(33), 20),
        set(repeated, 1),
        set(zero, 1),
    ];
    for set in &wrong {
        let l = &mut world.ledger;
        let out = refused(l.atomically(|l| signers::set_signers(l, GOVERNANCE, &id, set)));
        assert!(matches!(out, Error::InvalidParameter { .. }), "{set:?}: {out}");
        let unknown = refused(signers::valid_set(l, &id));
        assert!(matches!(unknown, Error::UnknownSigners { .. }));
    }
    // As if a faulty upgrade had written it.
    for set in wrong.iter().take(4) {
        world.ledger.signer_sets.insert(id, set.clone());
        let out = refused(signers::valid_set(&mut world.ledger, &id));
        assert!(matches!(out, Error::UnknownSigners { .. }), "{set:?}");
    }
    signers::set_signers(&mut world.ledger, GOVERNANCE, &id, &set(keys(3), 2)).unwrap();
    assert_eq!(signers::valid_set(&mut world.ledger, &id).unwrap().threshold, 2);
    let nobody = refused(signers::set_signers(&mut world.ledger, OWNER, &id, &set(keys(3), 1)));
    assert!(matches!(nobody, Error::NotAuthorised { .. }));
}

/// P-10: only the owner's own signature permits; one that recovers to another, or to nobody, does not, whoever it names.
#[test]
fn a_permit_is_its_owners() {
    let mut world = World::new(&[6], 1);
    let (now, value) = (world.ledger.now.get(), U256::from(1));
    let mut signed = |owner, signer| {
        let permit = Permit { owner, spender: FRIEND, value, deadline: U256::from(now) };
        token::permit(&mut world.ledger, Token::Asset(asset(1)), &permit, signer)
    };
    let nobody = Address::ZERO;
    for (owner, signer) in [(ALICE, FRIEND), (ALICE, nobody), (nobody, nobody), (nobody, ALICE)] {
        let refused = Err(Stop::Refused(Error::InvalidSigner { signer, owner }));
        assert_eq!(signed(owner, signer), refused);
    }
    assert_eq!(signed(ALICE, ALICE), Ok(()));
}
