//! Attacks on accounts and on what they hold: objects put in the place of others, records that outlive what they are of,
//! exits beside the check, somebody else's tokens. Each test is named by the row of the attack catalogue that it replays.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::bids::{self, Tier};
use gage_core::borrowing::{self, Draw};
use gage_core::curation::{self, Caps, Naming, VaultTerms};
use gage_core::delegation::{self, Credit, CreditId, Operator, Permission, Permissions, Signed};
use gage_core::exits::places::{self, Handover};
use gage_core::exits::{self, Request};
use gage_core::feed::{self, creation};
use gage_core::first_loss;
use gage_core::lending::{self, Exit};
use gage_core::liquidation::{self, Kind, Liquidation, Payment};
use gage_core::listing::{self, CollateralTerms, MarketTerms};
use gage_core::rehoming::{self, Pair, Route};
use gage_core::token::{self, Movement};
use gage_core::{
    AccountId, Address, AssetId, Assets, Cap, Error, FeedId, MarketId, MemoryLedger, PauseLevel,
    PlaceId, QueueId, Shares, Source, SourceId, SourceTerms, Stop, Timestamp, Token, U256, Units,
    VaultId, WAD, Wad, address, pause, sources,
};
use world::acts::*;
use world::staking::{bounds, new_market, open_line};
use world::*;

/// An operation to try.
type Act<'a> = &'a dyn Fn(&mut MemoryLedger) -> Result<(), Stop>;

const NOBODY: u32 = 77;
const QUEUE: QueueId = QueueId { market: MARKET, vault: VaultId::new(1), asset: AssetId::new(2) };

fn manager(permissions: u8, receiver: Address) -> Operator {
    let permissions = Permissions::new(permissions).unwrap();
    Operator { permissions, expires_at: Timestamp::new(u64::MAX), receiver }
}

fn coins(world: &World, who: Address) -> u128 {
    world.held(Token::Asset(asset(1)), who)
}

/// Tries an operation; what is refused leaves no trace.
fn denied<T: core::fmt::Debug>(
    world: &mut World,
    act: impl FnOnce(&mut MemoryLedger) -> Result<T, Stop>,
) -> Error {
    let before = world.ledger.clone();
    let error = refused(world.ledger.atomically(act));
    assert_eq!(world.ledger, before, "a refusal left a trace");
    error
}

fn draw_in(market: MarketId, amount: u128) -> Draw {
    let (vault, receiver) = (vault(1), MALLORY);
    Draw { market, sub: 0, vault, amount: Assets::new(amount), receiver }
}

/// What Mallory made herself: a token, feeds of it and of asset 2 that say a million dollars, and a market that takes both
/// against vault 1, where she has pledged plenty of them.
struct Fakes {
    token: AssetId,
    own_feed: FeedId,
    gold: FeedId,
    market: MarketId,
}

impl Fakes {
    fn new(l: &mut MemoryLedger) -> Self {
        let token = gage_core::protocol::create_asset(l, MALLORY, &protocol_terms()).unwrap();
        token::mint(l, MALLORY, token, MALLORY, Assets::new(1 << 90)).unwrap();
        let [own_feed, gold] = [token, asset(2)].map(|priced| {
            let terms = bounds(7_200, 1, 1 << 100);
            let feed = creation::create_feed(l, MALLORY, about(priced, "A/USD"), &terms).unwrap();
            let terms = SourceTerms { weight: 1, max_age: 7_200 };
            let source = Source { id: SourceId::publisher(MALLORY), terms };
            sources::set_source(l, MALLORY, feed, &source).unwrap();
            let (time, price) = (l.now, Wad::new(1_000_000 * WAD));
            let report = gage_core::Report { feed, round: 1, time, price, confidence: Wad::ZERO };
            apply_report(l, &report, MALLORY).unwrap();
            feed
        });
        let market = listing::create_market(l, MALLORY, &market_terms()).unwrap();
        let line = listing::LineTerms { feed: FeedId::new(1), min_debt: Assets::new(1) };
        listing::list_vault(l, MALLORY, market, vault(1), &line).unwrap();
        let id = AccountId { market, ..of(MALLORY) };
        for (asset, feed) in [(token, own_feed), (asset(2), gold)] {
            listing::add_collateral(l, MALLORY, market, asset, &generous(feed)).unwrap();
            let amount = Assets::new(100_000 * WAD);
            borrowing::supply_collateral(l, MALLORY, &id, asset, amount).unwrap();
        }
        Self { token, own_feed, gold, market }
    }
}

fn generous(feed: FeedId) -> CollateralTerms {
    world::terms(9_000, 9_300, [100, 400], 1 << 100, feed.get())
}

/// V-04 (Cashio): a chain of objects is checked against each other, not against what is trusted: a fake bank with fake
/// collateral. Mallory makes an asset, a feed, a vault and a market of her own and puts each in the place of a real one.
/// Catches a check that something exists instead of what it is.
#[test]
fn reg_v04_self_made_objects_at_every_link() {
    let mut world = indebted([6, 18]);
    let before = wealth(&world.ledger, &[MALLORY]);
    let Fakes { token: fake, own_feed, gold, market: hers } = Fakes::new(&mut world.ledger);
    let at = |market| AccountId { market, ..of(MALLORY) };
    // Fake collateral in the real market, real vault in the fake market, fake feeds for real assets.
    let one = Assets::new(unit(6));
    let out =
        denied(&mut world, |l| borrowing::supply_collateral(l, MALLORY, &at(MARKET), fake, one));
    assert!(matches!(out, Error::CollateralNotListed { .. }));
    let out = denied(&mut world, |l| borrowing::borrow(l, MALLORY, &draw_in(hers, unit(6))));
    assert!(matches!(out, Error::CapExceeded { cap: Cap::Line, most: Assets::ZERO, .. }));
    let not_hers: [Act<'_>; 5] = [
        &|l| listing::add_collateral(l, MALLORY, MARKET, fake, &generous(own_feed)),
        &|l| curation::set_line_cap(l, MALLORY, vault(1), hers, Assets::new(1)),
        &|l| feed::set_fallback(l, MALLORY, FeedId::new(2), Some(gold)),
        &|l| {
            let terms = SourceTerms { weight: 9, max_age: 7_200 };
            let source = Source { id: SourceId::publisher(MALLORY), terms };
            sources::set_source(l, MALLORY, FeedId::new(2), &source)
        },
        &|l| listing::set_market_owner(l, MALLORY, MARKET, MALLORY),
    ];
    for act in not_hers {
        assert!(matches!(denied(&mut world, act), Error::NotAuthorised { .. }));
    }
    let report = world.next_report(FeedId::new(2), 1_000_000 * WAD);
    let out = denied(&mut world, |l| apply_report(l, &report, MALLORY));
    assert!(matches!(out, Error::UnknownSource { .. }));
    // Even who is authorised cannot price a real asset by a feed of another's.
    let out = denied(&mut world, |l| {
        listing::set_collateral(l, OWNER, MARKET, asset(2), &generous(gold))
    });
    assert!(matches!(out, Error::InvalidParameter { name: "feed", .. }));
    assert_eq!(
        world.ledger.vaults[&vault(1)].owed,
        indebted([6, 18]).ledger.vaults[&vault(1)].owed
    );
    let back = borrowing::Release {
        market: hers,
        sub: 0,
        asset: asset(2),
        amount: Assets::MAX,
        receiver: MALLORY,
    };
    borrowing::withdraw_collateral(&mut world.ledger, MALLORY, &back).unwrap();
    let own = Token::Asset(fake);
    // What she made herself is worth nothing: the rest is what she had.
    let mut real = world.clone();
    real.ledger.balances.retain(|(token, _), _| *token != own);
    real.ledger.accounts.remove(&at(hers));
    assert!(wealth(&real.ledger, &[MALLORY]) <= before);
    sound(&world);
}

fn protocol_terms() -> gage_core::protocol::AssetTerms {
    gage_core::protocol::AssetTerms { name: label("Asset"), symbol: label("A"), decimals: 18 }
}

fn market_terms() -> MarketTerms {
    MarketTerms {
        target_health: Wad::new(WAD * 105 / 100),
        full_bonus_health: Wad::new(WAD * 9 / 10),
    }
}

/// V-05 (XCarnival): a record of collateral is used after the collateral left: released, seized, moved to another market,
/// claimed from a bid or from the exit queue. Each is gone with what it is of.
#[test]
fn reg_v05_records_end_with_what_they_are_of() {
    // Released.
    let mut world = indebted([6, 18]);
    pledge(&mut world, MALLORY, 2, unit(18));
    release(&mut world, MALLORY, 2, u128::MAX).unwrap();
    let l = &world.ledger;
    assert!(!l.accounts.contains_key(&of(MALLORY)), "an empty account is none");
    let nothing = denied(&mut world, |l| borrowing::borrow(l, MALLORY, &draw_in(MARKET, unit(6))));
    assert!(matches!(nothing, Error::AboveLimit { limit: Wad::ZERO, .. }));
    // Seized, all of it.
    world.report(2, 40 * WAD).unwrap();
    let before = wealth(&world.ledger, &[ALICE]);
    let plan = liquidate(&mut world, MALLORY, ALICE, u128::MAX).unwrap();
    assert_eq!(plan.kind, Kind::CloseOut);
    let again = refused(liquidate(&mut world, MALLORY, ALICE, u128::MAX));
    assert!(matches!(again, Error::Healthy { .. } | Error::NoDebt), "{again}");
    for amount in [1, unit(18)] {
        let out = refused(release(&mut world, ALICE, 2, amount));
        assert!(matches!(out, Error::InsufficientCollateral { pledged: Assets::ZERO, .. }));
    }
    assert!(wealth(&world.ledger, &[ALICE]) <= before);
    sound(&world);
    // Moved.
    let mut world = indebted([6, 18]);
    let there = new_market(&mut world.ledger);
    let limits = terms(7_500, 8_100, [400, 1_000], 1 << 100, 2);
    listing::add_collateral(&mut world.ledger, OWNER, there, asset(2), &limits).unwrap();
    open_line(&mut world.ledger, there, vault(1), 1).unwrap();
    let pairs = [Pair { from: vault(1), to: vault(1) }];
    let route = Route { owner: ALICE, from: (MARKET, 0), to: (there, 0), pairs: &pairs };
    rehoming::rehome(&mut world.ledger, ALICE, &route).unwrap();
    let out = denied(&mut world, |l| rehoming::rehome(l, ALICE, &route));
    assert!(matches!(out, Error::NothingToRehome | Error::NoDebt), "{out}");
    let out = refused(release(&mut world, ALICE, 2, 1));
    assert!(matches!(out, Error::InsufficientCollateral { .. }));
    assert!(matches!(refused(borrow(&mut world, ALICE, 1, unit(6))), Error::AboveLimit { .. }));
    sound(&world);
    // Bought by a bid and claimed; queued, filled and claimed.
    let mut world = indebted([6, 18]);
    let shares = deposit(&mut world, MALLORY, 1, 100 * unit(6)).unwrap();
    let tier = Tier::new(2).unwrap();
    bids::place_bid(&mut world.ledger, MALLORY, QUEUE, tier, shares).unwrap();
    world.report(2, 90 * WAD).unwrap();
    gage_core::sweep::sweep(&mut world.ledger, &of(ALICE)).unwrap().unwrap();
    let l = &mut world.ledger;
    assert!(bids::claim_bid(l, MALLORY, (QUEUE, tier), MALLORY).unwrap() > Assets::ZERO);
    let again = refused(l.atomically(|l| bids::claim_bid(l, MALLORY, (QUEUE, tier), MALLORY)));
    assert!(matches!(again, Error::ZeroAmount | Error::NoBid));
    let request = Request { shares: Shares::new(unit(6)), controller: LENDER, owner: LENDER };
    let place = exits::request_redeem(l, LENDER, vault(1), &request).unwrap();
    exits::claim(l, LENDER, place, LENDER).unwrap();
    let again = refused(l.atomically(|l| exits::claim(l, LENDER, place, LENDER)));
    assert!(matches!(again, Error::NonexistentPlace { .. }));
    sound(&world);
}

/// V-06, V-07 (Platypus, twice): a way out for emergencies looked at the account before it took from it. Every way by
/// which collateral leaves or debt comes, at every pause, through every hand: one unit beyond the limit is refused.
#[test]
fn reg_v06_every_way_out_is_judged_afterwards() {
    let levels = [PauseLevel::Open, PauseLevel::Restricted, PauseLevel::Frozen];
    for level in levels {
        let mut world = indebted([6, 18]);
        let there = new_market(&mut world.ledger);
        // The same on lower terms: what fits here does not fit there.
        let limits = terms(7_000, 8_000, [400, 1_000], 1 << 100, 2);
        listing::add_collateral(&mut world.ledger, OWNER, there, asset(2), &limits).unwrap();
        open_line(&mut world.ledger, there, vault(1), 1).unwrap();
        let l = &mut world.ledger;
        delegation::set_operator(l, ALICE, (MARKET, 0), MALLORY, &manager(7, MALLORY)).unwrap();
        delegation::set_operator(l, ALICE, (there, 0), MALLORY, &manager(7, MALLORY)).unwrap();
        let id = CreditId { account: of(ALICE), vault: vault(1), delegatee: MALLORY };
        let expires_at = Timestamp::new(u64::MAX);
        let credit = Credit { limit: Assets::MAX, expires_at, receiver: MALLORY };
        delegation::delegate_credit(l, ALICE, &id, &credit).unwrap();
        pause::set_pause(l, OWNER, MARKET, level).unwrap();
        let before = wealth(l, &[ALICE, MALLORY]);
        let pairs = [Pair { from: vault(1), to: vault(1) }];
        let route = Route { owner: ALICE, from: (MARKET, 0), to: (there, 0), pairs: &pairs };
        let one = Assets::new(unit(18) / 1_000);
        let coin = Assets::new(1);
        let ways: [Act<'_>; 7] = [
            &|l| {
                let (market, sub, receiver) = (MARKET, 0, ALICE);
                let release =
                    borrowing::Release { market, sub, asset: asset(2), amount: one, receiver };
                borrowing::withdraw_collateral(l, ALICE, &release).map(drop)
            },
            &|l| {
                delegation::withdraw_collateral_for(l, MALLORY, &of(ALICE), asset(2), one).map(drop)
            },
            &|l| {
                delegation::withdraw_collateral_for(l, MALLORY, &of(ALICE), asset(2), Assets::MAX)
                    .map(drop)
            },
            &|l| delegation::borrow_for(l, MALLORY, &of(ALICE), vault(1), coin),
            &|l| delegation::draw_credit(l, MALLORY, &of(ALICE), vault(1), coin),
            &|l| rehoming::rehome(l, ALICE, &route).map(drop),
            &|l| rehoming::rehome(l, MALLORY, &route).map(drop),
        ];
        for (number, way) in ways.into_iter().enumerate() {
            let out = denied(&mut world, way);
            let judged = matches!(out, Error::AboveLimit { .. } | Error::MarketPaused { .. });
            assert!(judged, "{level:?} {number}: {out}");
            assert!(level != PauseLevel::Open || matches!(out, Error::AboveLimit { .. }));
        }
        assert_eq!(wealth(&world.ledger, &[ALICE, MALLORY]), before);
        repay(&mut world, ALICE, ALICE, 1, u128::MAX).unwrap();
        release(&mut world, ALICE, 2, u128::MAX).unwrap();
        sound(&world);
    }
}

/// V-09 (Pawnfi): what was said to be handed over was believed. An account is credited with what its payer's balance lost
/// and the custody's gained, to the unit, or with nothing.
#[test]
fn reg_v09_only_what_arrived_is_credited() {
    let mut world = indebted([6, 18]);
    let token = Token::Asset(asset(2));
    let held = world.held(token, MALLORY);
    let custody = |world: &World| world.held(token, address::market_custody());
    for (payer, whose) in [(MALLORY, MALLORY), (MALLORY, FRIEND), (ISSUER, MALLORY)] {
        for amount in [1, unit(18), held, held + 1, u128::MAX] {
            let mut world = world.clone();
            let [before, mine] = [custody(&world), world.held(token, payer)];
            let pledged = Assets::new(amount);
            let l = &mut world.ledger;
            let outcome = l.atomically(|l| {
                borrowing::supply_collateral(l, payer, &of(whose), asset(2), pledged)
            });
            let credited = world
                .ledger
                .accounts
                .get(&of(whose))
                .map_or(0, |account| account.collateral(1).get());
            let moved = if outcome.is_ok() { amount } else { 0 };
            assert_eq!((credited, outcome.is_ok()), (moved, amount <= mine), "{amount}");
            assert_eq!(custody(&world), before + moved);
            assert_eq!(world.held(token, payer), mine - moved);
        }
    }
    // Shares alike: bids, stakes and places in the queue take what their giver has.
    let shares = Shares::new(world.held(Token::Share(vault(1)), LENDER) + 1);
    let tier = Tier::new(1).unwrap();
    let request = Request { shares, controller: LENDER, owner: LENDER };
    let acts: [Act<'_>; 3] = [
        &|l| bids::place_bid(l, LENDER, QUEUE, tier, shares),
        &|l| first_loss::stake(l, LENDER, (MARKET, vault(1)), shares).map(drop),
        &|l| exits::request_redeem(l, LENDER, vault(1), &request).map(drop),
    ];
    for act in acts {
        assert!(matches!(denied(&mut world, act), Error::InsufficientBalance { .. }));
    }
    sound(&world);
}

/// V-10 (Exactly): a helper took the account to act for from a permit, and the market from its caller. A signature stands
/// for the account of who signed, and a market that does not exist or did not list the vault is none.
#[test]
fn reg_v10_who_signed_is_who_acts() {
    let mut world = indebted([6, 18]);
    let before = wealth(&world.ledger, &[MALLORY]);
    let signed = Signed { signer: MALLORY, deadline: U256::MAX };
    let terms = manager(7, MALLORY);
    let out = denied(&mut world, |l| {
        delegation::set_operator_signed(l, &of(ALICE), MALLORY, &terms, &signed)
    });
    assert_eq!(out, Error::InvalidSigner { signer: MALLORY, owner: ALICE });
    let id = CreditId { account: of(ALICE), vault: vault(1), delegatee: MALLORY };
    let expires_at = Timestamp::new(u64::MAX);
    let credit = Credit { limit: Assets::MAX, expires_at, receiver: MALLORY };
    let out = denied(&mut world, |l| delegation::delegate_credit_signed(l, &id, &credit, &signed));
    assert_eq!(out, Error::InvalidSigner { signer: MALLORY, owner: ALICE });
    let out = denied(&mut world, |l| delegation::delegate_credit(l, MALLORY, &id, &credit));
    assert!(matches!(out, Error::NotPermitted { actor: MALLORY, owner: ALICE, .. }));
    // Her own signature on an account of her own, for a market or vault that is none.
    for (market, lender) in [(MarketId::new(NOBODY), vault(1)), (MARKET, vault(NOBODY))] {
        let account = AccountId { market, ..of(MALLORY) };
        let id = CreditId { account, vault: lender, delegatee: MALLORY };
        let out =
            denied(&mut world, |l| delegation::delegate_credit_signed(l, &id, &credit, &signed));
        let unknown = matches!(out, Error::UnknownMarket { .. } | Error::VaultNotListed { .. });
        assert!(unknown, "{out}");
    }
    for permission in [Permission::Borrow, Permission::Release] {
        let out = denied(&mut world, |l| match permission {
            Permission::Borrow => {
                delegation::borrow_for(l, MALLORY, &of(ALICE), vault(1), Assets::new(1))
            }
            _ => delegation::withdraw_collateral_for(
                l,
                MALLORY,
                &of(ALICE),
                asset(2),
                Assets::new(1),
            )
            .map(drop),
        });
        assert_eq!(out, Error::NotPermitted { actor: MALLORY, owner: ALICE, permission });
    }
    assert_eq!(wealth(&world.ledger, &[MALLORY]), before);
}

/// V-12 (Zest): the caller listed the assets by which an account was valued, one of them five times. The state says what
/// is pledged: in one piece or in many, in one account or in several, it carries the same debt. Catches a second entry for
/// what is pledged already.
#[test]
fn reg_v12_pieces_are_worth_what_the_whole_is() {
    let drawn: Vec<u128> = [1, 2, 5, 10]
        .map(|pieces| {
            let mut world = indebted([6, 18]);
            for _ in 0..pieces {
                pledge(&mut world, MALLORY, 2, 10 * unit(18) / pieces);
            }
            let drawn = draw_all(&mut world, MALLORY);
            assert!(
                wealth(&world.ledger, &[MALLORY]) <= wealth(&indebted([6, 18]).ledger, &[MALLORY])
            );
            sound(&world);
            drawn
        })
        .into();
    assert!(drawn[0] > 7 * unit(6) && drawn.iter().all(|amount| *amount == drawn[0]), "{drawn:?}");
    // Nothing of it backs another account of hers.
    let mut world = indebted([6, 18]);
    pledge(&mut world, MALLORY, 2, 10 * unit(18));
    let draw = Draw { sub: 1, ..draw_in(MARKET, unit(6) / 10) };
    let out = denied(&mut world, |l| borrowing::borrow(l, MALLORY, &draw));
    assert!(matches!(out, Error::AboveLimit { limit: Wad::ZERO, .. }));
}

/// V-13 (Predy): who opened a market of their own had the right over a pool that all share. Mallory's market draws on a
/// vault what its curator gave her market, to the unit, whatever its rules say, and that is all that lenders can lose.
#[test]
fn reg_v13_a_market_of_one_s_own_reaches_its_line_only() {
    let mut world = indebted([6, 18]);
    let hers = Fakes::new(&mut world.ledger).market;
    let lenders = world.ledger.vaults[&vault(1)].accrue(world.ledger.now).total_assets().get();
    for most in [0, 1, 100 * unit(6)] {
        let mut world = world.clone();
        let cap = Assets::new(most);
        curation::set_line_cap(&mut world.ledger, CURATOR, vault(1), hers, cap).unwrap();
        let over = denied(&mut world, |l| borrowing::borrow(l, MALLORY, &draw_in(hers, most + 1)));
        assert!(matches!(over, Error::CapExceeded { cap: Cap::Line, .. }), "{over}");
        let before = coins(&world, MALLORY);
        if most > 0 {
            borrowing::borrow(&mut world.ledger, MALLORY, &draw_in(hers, most)).unwrap();
        }
        assert_eq!(coins(&world, MALLORY), before + most);
        // The others' line and its cap are as they were, and lenders lose the line and no more.
        let vault = world.ledger.vaults[&vault(1)].accrue(world.ledger.now);
        let safe = vault.total_assets().get() - most;
        assert!(safe >= lenders - most);
        borrow(&mut world, FRIEND, 1, unit(6)).unwrap_err();
        pledge(&mut world, FRIEND, 2, unit(18));
        borrow(&mut world, FRIEND, 1, unit(6) / 2).unwrap();
        sound(&world);
    }
}

/// V-21 (Juicebox): what nobody had registered was registered by its first use. An operation on what does not exist is
/// refused in words, and nothing of it is known afterwards.
#[test]
fn reg_v21_nothing_is_registered_by_use() {
    let mut world = indebted([6, 18]);
    let (market, lender, what) = (MarketId::new(NOBODY), vault(NOBODY), asset(NOBODY));
    let nowhere = AccountId { market, owner: MALLORY, sub: 0 };
    let one = Assets::new(1);
    let unknown = QueueId { market: MARKET, vault: lender, asset: asset(2) };
    let tier = Tier::new(1).unwrap();
    let report = gage_core::Report {
        feed: FeedId::new(NOBODY),
        round: 1,
        time: world.ledger.now,
        price: Wad::ONE,
        confidence: Wad::ZERO,
    };
    let limits = terms(7_500, 8_000, [400, 1_000], 1, NOBODY);
    let exit = Exit { receiver: MALLORY, owner: MALLORY };
    let draw = Draw { vault: lender, ..draw_in(MARKET, 1) };
    let hers = listing::create_market(&mut world.ledger, MALLORY, &market_terms()).unwrap();
    let acts: [Act<'_>; 15] = [
        &|l| borrowing::supply_collateral(l, MALLORY, &nowhere, asset(2), one),
        &|l| borrowing::supply_collateral(l, MALLORY, &of(MALLORY), what, one),
        &|l| borrowing::borrow(l, MALLORY, &draw),
        &|l| borrowing::borrow(l, MALLORY, &draw_in(market, 1)),
        &|l| borrowing::repay(l, MALLORY, &of(ALICE), lender, one).map(drop),
        &|l| lending::deposit(l, MALLORY, lender, one, MALLORY).map(drop),
        &|l| lending::redeem(l, MALLORY, lender, Shares::new(1), exit).map(drop),
        &|l| bids::place_bid(l, MALLORY, unknown, tier, Shares::new(1)),
        &|l| first_loss::stake(l, MALLORY, (MARKET, lender), Shares::new(1)).map(drop),
        &|l| apply_report(l, &report, MALLORY),
        &|l| token::mint(l, MALLORY, what, MALLORY, one),
        &|l| listing::add_collateral(l, MALLORY, hers, what, &limits),
        &|l| listing::add_collateral(l, MALLORY, hers, asset(2), &limits),
        &|l| {
            let line = listing::LineTerms { feed: FeedId::new(1), min_debt: one };
            listing::list_vault(l, MALLORY, hers, lender, &line)
        },
        &|l| {
            let terms = VaultTerms {
                reserve_fee: gage_core::Bps::ZERO,
                caps: Caps { supply: one, borrow: one },
                model: KINKED,
            };
            let naming = Naming { name: label("V"), symbol: label("V") };
            curation::create_vault(l, MALLORY, what, naming, &terms).map(drop)
        },
    ];
    for act in acts {
        let error = denied(&mut world, act);
        let text = error.to_string();
        assert!(!text.is_empty());
    }
}

/// O-24 (Sharwa): what backs an open position was taken out in the same transaction. Collateral beyond what the debt
/// leaves free, shares in a bid, in a stake or in the queue: refused in the block and in the next one.
#[test]
fn reg_o24_what_backs_something_stays() {
    let mut world = indebted([6, 18]);
    let shares = deposit(&mut world, MALLORY, 1, 400 * unit(6)).unwrap().get();
    let part = Shares::new(shares / 4);
    let tier = Tier::new(1).unwrap();
    let key = (MARKET, vault(1));
    pledge(&mut world, MALLORY, 2, 10 * unit(18));
    borrow(&mut world, MALLORY, 1, 7 * unit(6)).unwrap();
    let l = &mut world.ledger;
    bids::place_bid(l, MALLORY, QUEUE, tier, part).unwrap();
    first_loss::stake(l, MALLORY, key, part).unwrap();
    for _ in 0..2 {
        let over = refused(release(&mut world, MALLORY, 2, unit(18)));
        assert!(matches!(over, Error::AboveLimit { .. }), "{over}");
        let out = denied(&mut world, |l| {
            bids::withdraw_bid(l, MALLORY, (QUEUE, tier), Shares::MAX, MALLORY)
        });
        assert!(matches!(out, Error::NoticeNotGiven), "{out}");
        let out = denied(&mut world, |l| first_loss::unstake(l, MALLORY, key, Units::MAX, MALLORY));
        assert!(matches!(out, Error::NoticeNotGiven), "{out}");
        let exit = Exit { receiver: MALLORY, owner: MALLORY };
        let all = Shares::new(shares);
        let out = denied(&mut world, |l| lending::redeem(l, MALLORY, vault(1), all, exit));
        assert!(matches!(out, Error::ExceededMaxRedeem { .. }), "{out}");
        world.pass(12);
    }
    sound(&world);
}

/// F-05 (yETH): kept sums drifted from what they are sums of, after extreme amounts in and out. After every operation of
/// histories of the smallest and the largest amounts all sums are computed anew and are equal.
#[test]
fn reg_f05_sums_are_what_they_sum() {
    for seed in 0..6 {
        let mut world = World::new(&[0, 6, 18], 3);
        let mut dice = Dice(seed);
        let (mut passed, mut tried) = (0, 0);
        for _ in 0..250 {
            let who = dice.pick(&USERS);
            let (lent, pledged) = (1 + dice.below(3) as u32, 1 + dice.below(3) as u32);
            let held = world.held(Token::Asset(asset(lent)), who);
            let amount = dice.pick(&[1, 2, held, held / 2, held.saturating_sub(1)]);
            let done = match dice.below(6) {
                0 => deposit(&mut world, who, lent, amount).map(drop),
                1 => redeem_all(&mut world, who, lent).map(drop),
                2 => {
                    let amount = Assets::new(amount);
                    world.ledger.atomically(|l| {
                        borrowing::supply_collateral(l, who, &of(who), asset(lent), amount)
                    })
                }
                3 => borrow(&mut world, who, lent, amount),
                4 => repay(&mut world, who, who, lent, amount).map(drop),
                _ => release(&mut world, who, pledged, amount).map(drop),
            };
            tried += 1;
            passed += u32::from(done.is_ok());
            sound(&world);
            world.pass(dice.below(2));
        }
        assert!(passed * 4 > tried, "{passed} of {tried}");
        world.report_all_again();
        for who in USERS {
            for number in 1..=3 {
                let _nothing_owed = repay(&mut world, who, who, number, u128::MAX);
            }
        }
        let dust = world.vaults().all(|id| world.ledger.vaults[&id].owed.is_zero());
        assert!(dust || world.ledger.accounts.values().any(|account| account.has_debt()));
        sound(&world);
    }
}

/// F-09 (Dango): a negative amount was taken for a gift. Amounts are whole numbers without sign; nothing, and more than
/// there is, are refused without a trace or taken for what they are.
#[test]
fn reg_f09_nothing_and_everything() {
    let world = indebted([6, 18]);
    let before = wealth(&world.ledger, &[MALLORY]);
    let exit = Exit { receiver: MALLORY, owner: MALLORY };
    let tier = Tier::new(1).unwrap();
    let key = (MARKET, vault(1));
    for number in [0, 1, u128::MAX >> 1, (u128::MAX >> 1) + 1, u128::MAX - 1, u128::MAX] {
        let (amount, shares) = (Assets::new(number), Shares::new(number));
        let acts: [Act<'_>; 14] = [
            &|l| lending::deposit(l, MALLORY, vault(1), amount, MALLORY).map(drop),
            &|l| lending::mint(l, MALLORY, vault(1), shares, MALLORY).map(drop),
            &|l| lending::withdraw(l, MALLORY, vault(1), amount, exit).map(drop),
            &|l| lending::redeem(l, MALLORY, vault(1), shares, exit).map(drop),
            &|l| borrowing::supply_collateral(l, MALLORY, &of(MALLORY), asset(2), amount),
            &|l| borrowing::borrow(l, MALLORY, &Draw { amount, ..draw_in(MARKET, 0) }),
            &|l| borrowing::repay(l, MALLORY, &of(ALICE), vault(1), amount).map(drop),
            &|l| bids::place_bid(l, MALLORY, QUEUE, tier, shares),
            &|l| first_loss::stake(l, MALLORY, key, shares).map(drop),
            &|l| token::burn(l, MALLORY, asset(1), amount),
            &|l| token::mint(l, MALLORY, asset(1), MALLORY, amount),
            &|l| token::transfer(l, MALLORY, Token::Asset(asset(1)), ALICE, number),
            &|l| {
                let request = Request { shares, controller: MALLORY, owner: MALLORY };
                exits::request_redeem(l, MALLORY, vault(1), &request).map(drop)
            },
            &|l| {
                let asked = Liquidation {
                    vault: vault(1),
                    asset: asset(2),
                    max_repay: amount,
                    receiver: MALLORY,
                    payment: Payment::Assets,
                };
                liquidation::liquidate(l, MALLORY, &of(ALICE), &asked).map(drop)
            },
        ];
        for (place, act) in acts.into_iter().enumerate() {
            let mut world = world.clone();
            let state = world.ledger.clone();
            let outcome = world.ledger.atomically(act);
            assert!(outcome.is_ok() || world.ledger == state, "{place} {number}");
            // Moving or burning nothing, and paying all that is owed: nothing else takes these.
            let taken = number == 1 || [6, 9, 11].contains(&place);
            assert!(outcome.is_err() || taken, "{place} took {number}");
            assert!(wealth(&world.ledger, &[MALLORY]) <= before);
            sound(&world);
        }
    }
}

/// U-07 (a permissioned vault): one of several ways out forgot to ask whose shares they were. Every way out of everything
/// that is a lender's, tried by a stranger without allowance.
#[test]
fn reg_u07_no_way_out_for_strangers() {
    let mut world = indebted([6, 18]);
    let part = Shares::new(world.held(Token::Share(vault(1)), LENDER) / 8);
    let tier = Tier::new(1).unwrap();
    let key = (MARKET, vault(1));
    let l = &mut world.ledger;
    bids::place_bid(l, LENDER, QUEUE, tier, part).unwrap();
    first_loss::stake(l, LENDER, key, part).unwrap();
    bids::announce_bid_withdrawal(l, LENDER, QUEUE, tier).unwrap();
    first_loss::announce_unstake(l, LENDER, key).unwrap();
    let request = Request { shares: part, controller: LENDER, owner: LENDER };
    let place = exits::request_redeem(l, LENDER, vault(1), &request).unwrap();
    let all = Request { shares: part, controller: MALLORY, owner: LENDER };
    world.pass(bids::NOTICE_SECONDS);
    let before = wealth(&world.ledger, &[MALLORY]);
    let exit = Exit { receiver: MALLORY, owner: LENDER };
    let share = Token::Share(vault(1));
    let movement = |token| Movement { token, from: LENDER, to: MALLORY, value: 1 };
    let ways: [Act<'_>; 12] = [
        &|l| lending::withdraw(l, MALLORY, vault(1), Assets::new(1), exit).map(drop),
        &|l| lending::redeem(l, MALLORY, vault(1), part, exit).map(drop),
        &|l| exits::request_redeem(l, MALLORY, vault(1), &all).map(drop),
        &|l| exits::claim(l, MALLORY, place, MALLORY).map(drop),
        &|l| places::transfer(l, MALLORY, &Handover { place, from: LENDER, to: MALLORY }),
        &|l| places::approve(l, MALLORY, place, MALLORY),
        &|l| bids::withdraw_bid(l, MALLORY, (QUEUE, tier), part, MALLORY).map(drop),
        &|l| bids::claim_bid(l, MALLORY, (QUEUE, tier), MALLORY).map(drop),
        &|l| first_loss::unstake(l, MALLORY, key, Units::new(1), MALLORY).map(drop),
        &|l| token::transfer_from(l, MALLORY, &movement(share)),
        &|l| token::transfer_from(l, MALLORY, &movement(Token::Asset(asset(1)))),
        &|l| curation::collect_reserves(l, MALLORY, vault(1), MALLORY, Assets::new(1)),
    ];
    for way in ways {
        denied(&mut world, way);
    }
    let ghost = PlaceId { number: 9, ..place };
    denied(&mut world, |l| exits::claim(l, MALLORY, ghost, MALLORY));
    assert_eq!(wealth(&world.ledger, &[MALLORY]), before);
    // The lender's own ways are open.
    let l = &mut world.ledger;
    bids::withdraw_bid(l, LENDER, (QUEUE, tier), Shares::MAX, LENDER).unwrap();
    exits::claim(l, LENDER, place, LENDER).unwrap();
    let own = Exit { receiver: LENDER, owner: LENDER };
    lending::redeem(l, LENDER, vault(1), part, own).unwrap();
    sound(&world);
}

/// U-08 (Goldfinch), G-11, L-03, P-05: a module pulled from whoever had once approved it. The engine moves its caller's own
/// tokens only, so an endless allowance to every contract of it changes nothing, is not needed, and is not used up.
#[test]
fn reg_u08_old_approvals_are_worth_nothing() {
    let mut world = indebted([6, 18]);
    let contracts = [
        address::custody(vault(1)),
        address::market_custody(),
        address::exits(vault(1)),
        address::asset(asset(1)),
    ];
    let tokens = [Token::Asset(asset(1)), Token::Asset(asset(2)), Token::Share(vault(1))];
    for token in tokens {
        for spender in contracts {
            token::approve(&mut world.ledger, LENDER, token, spender, U256::MAX).unwrap();
        }
    }
    let victim = tokens.map(|token| world.held(token, LENDER));
    let held = [1, 2].map(|number| world.held(Token::Asset(asset(number)), MALLORY));
    // Mallory acts for others with what she has, then without anything.
    repay(&mut world, MALLORY, ALICE, 1, unit(6)).unwrap();
    lending::deposit(&mut world.ledger, MALLORY, vault(1), Assets::new(unit(6)), FRIEND).unwrap();
    let amount = Assets::new(unit(18));
    let id = of(LENDER);
    borrowing::supply_collateral(&mut world.ledger, MALLORY, &id, asset(2), amount).unwrap();
    assert_eq!(world.held(Token::Asset(asset(1)), MALLORY), held[0] - 2 * unit(6));
    assert_eq!(world.held(Token::Asset(asset(2)), MALLORY), held[1] - unit(18));
    for number in [1, 2] {
        let token = Token::Asset(asset(number));
        let rest = world.held(token, MALLORY);
        token::transfer(&mut world.ledger, MALLORY, token, ISSUER, rest).unwrap();
    }
    world.report(2, 90 * WAD).unwrap();
    let one = Assets::new(unit(6));
    let acts: [Act<'_>; 4] = [
        &|l| borrowing::repay(l, MALLORY, &of(ALICE), vault(1), one).map(drop),
        &|l| lending::deposit(l, MALLORY, vault(1), one, MALLORY).map(drop),
        &|l| borrowing::supply_collateral(l, MALLORY, &of(MALLORY), asset(2), one),
        &|l| {
            let asked = Liquidation {
                vault: vault(1),
                asset: asset(2),
                max_repay: Assets::MAX,
                receiver: MALLORY,
                payment: Payment::Assets,
            };
            liquidation::liquidate(l, MALLORY, &of(ALICE), &asked).map(drop)
        },
    ];
    for act in acts {
        assert!(matches!(denied(&mut world, act), Error::InsufficientBalance { .. }));
    }
    assert_eq!(tokens.map(|token| world.held(token, LENDER)), victim);
    for token in tokens {
        for spender in contracts {
            let key = (token, LENDER, spender);
            assert_eq!(world.ledger.allowances.get(&key), Some(&U256::MAX));
        }
    }
    sound(&world);
}
