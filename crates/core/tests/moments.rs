//! Every moment at which something begins or ends: one second earlier it is otherwise.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::bids::{self, Tier};
use gage_core::feed::freeze::freeze;
use gage_core::pause::{pause_for, set_pause};
use gage_core::portfolio::set_portfolio_margin;
use gage_core::quote::quote;
use gage_core::signers::{self, SignerSet, SignerSetId};
use gage_core::token::{self, Permit};
use gage_core::{
    Address, B256, FeedId, Ledger, MarketId, PauseLevel, QueueId, Shares, SourceKind, Timestamp,
    Token, U256, Units, VaultId, WAD, feed, first_loss, market, sources,
};
use world::acts::*;
use world::margin::{factor, set};
use world::*;

const TOKEN: u128 = 1_000_000;
const PLEDGED: FeedId = FeedId::new(2);
const LINE: (MarketId, VaultId) = (MARKET, VaultId::new(1));
const PYTH: SignerSetId = SignerSetId { provider: SourceKind::Pyth, name: B256::repeat_byte(7) };

/// Alice is below her threshold, her friend far above.
fn scene() -> World {
    let mut world = World::new(&[6, 18], 1);
    deposit(&mut world, LENDER, 1, 100_000 * TOKEN).unwrap();
    pledge(&mut world, ALICE, 2, 100 * WAD);
    borrow(&mut world, ALICE, 1, 75 * TOKEN).unwrap();
    pledge(&mut world, FRIEND, 2, 100 * WAD);
    borrow(&mut world, FRIEND, 1, 10 * TOKEN).unwrap();
    world.report(2, 92 * WAD).unwrap();
    world
}

fn queue() -> (QueueId, Tier) {
    let queue = QueueId { market: MARKET, vault: vault(1), asset: asset(2) };
    (queue, Tier::new(1).unwrap())
}

/// A bid whose withdrawal is announced; when it may leave.
fn announced_bid(world: &mut World) -> Timestamp {
    let shares = deposit(world, LENDER, 1, 1_000 * TOKEN).unwrap();
    let (queue, tier) = queue();
    bids::place_bid(&mut world.ledger, LENDER, queue, tier, shares).unwrap();
    bids::announce_bid_withdrawal(&mut world.ledger, LENDER, queue, tier).unwrap()
}

/// A stake whose withdrawal is announced; when it may leave.
fn announced_stake(world: &mut World) -> Timestamp {
    let shares = deposit(world, LENDER, 1, 1_000 * TOKEN).unwrap();
    first_loss::stake(&mut world.ledger, LENDER, LINE, shares).unwrap();
    first_loss::announce_unstake(&mut world.ledger, LENDER, LINE).unwrap()
}

fn draws(world: &mut World) -> bool {
    world.report(1, 100 * WAD).unwrap();
    world.report(2, 92 * WAD).unwrap();
    borrow(world, FRIEND, 1, TOKEN).is_ok()
}

fn draws_on_the_old_price(world: &mut World) -> bool {
    world.report(1, 100 * WAD).unwrap();
    borrow(world, FRIEND, 1, TOKEN).is_ok()
}

fn liquidates(world: &mut World) -> bool {
    liquidate(world, MALLORY, ALICE, TOKEN).is_ok()
}

fn takes_its_bid_back(world: &mut World) -> bool {
    bids::withdraw_bid(&mut world.ledger, LENDER, queue(), Shares::MAX, LENDER).is_ok()
}

fn unstakes(world: &mut World) -> bool {
    first_loss::unstake(&mut world.ledger, LENDER, LINE, Units::MAX, LENDER).is_ok()
}

fn guardian_pauses(world: &mut World) -> bool {
    pause_for(&mut world.ledger, GUARDIAN, MARKET, PauseLevel::Restricted, 60).is_ok()
}

fn guardian_freezes(world: &mut World) -> bool {
    freeze(&mut world.ledger, GUARDIAN, PLEDGED, 60).is_ok()
}

fn sets_margin(world: &mut World) -> bool {
    let terms = set([50_000, 40_000], 100, vec![factor(1, 0, 0, &[])]);
    set_portfolio_margin(&mut world.ledger, OWNER, MARKET, &terms).is_ok()
}

/// What happens, when it is otherwise than a second before, and what is possible from then on.
struct Moment {
    name: &'static str,
    at: fn(&mut World) -> Timestamp,
    act: fn(&mut World) -> bool,
    then: bool,
}

const fn begins(
    name: &'static str,
    at: fn(&mut World) -> Timestamp,
    act: fn(&mut World) -> bool,
) -> Moment {
    Moment { name, at, act, then: true }
}

const fn ends(
    name: &'static str,
    at: fn(&mut World) -> Timestamp,
    act: fn(&mut World) -> bool,
) -> Moment {
    Moment { name, at, act, then: false }
}

const PRICES: &[Moment] = &[
    ends(
        "a price is fresh",
        |w| w.ledger.feeds[&PLEDGED].updated_at.after(7_201),
        draws_on_the_old_price,
    ),
    ends(
        "a source's word counts",
        |w| w.ledger.now.after(7_201),
        |w| {
            let standings = sources::standings(&mut w.ledger, PLEDGED).unwrap();
            standings.iter().all(|standing| standing.fresh)
        },
    ),
    ends(
        "a price is renewed without grace",
        |w| {
            w.report(1, 100 * WAD).unwrap();
            w.ledger.feeds[&PLEDGED].updated_at.after(7_201)
        },
        |w| {
            w.report(1, 100 * WAD).unwrap();
            w.report(2, 92 * WAD).unwrap();
            liquidates(w)
        },
    ),
    begins(
        "liquidation after a stale price",
        |w| {
            w.pass(8_000);
            w.report(1, 100 * WAD).unwrap();
            w.report(2, 92 * WAD).unwrap();
            w.ledger.now.after(feed::GRACE_SECONDS)
        },
        liquidates,
    ),
    ends(
        "doubt relieves",
        |w| {
            let until = w.ledger.now.after(60);
            w.ledger.feeds.get_mut(&PLEDGED).unwrap().doubt_until = until;
            until
        },
        |w| quote(&mut w.ledger, PLEDGED).unwrap().relieves(),
    ),
    begins(
        "a frozen feed is used again",
        |w| {
            freeze(&mut w.ledger, GUARDIAN, PLEDGED, 600).unwrap();
            w.ledger.now.after(600)
        },
        draws,
    ),
    begins(
        "liquidation after a frozen feed",
        |w| {
            freeze(&mut w.ledger, GUARDIAN, PLEDGED, 600).unwrap();
            w.ledger.now.after(600 + feed::GRACE_SECONDS)
        },
        liquidates,
    ),
    begins(
        "the guardian freezes again",
        |w| {
            freeze(&mut w.ledger, GUARDIAN, PLEDGED, 600).unwrap();
            w.ledger.now.after(2 * (600 + feed::GRACE_SECONDS))
        },
        guardian_freezes,
    ),
    ends(
        "a set of signers is believed",
        |w| {
            let expires_at = w.ledger.now.after(60);
            let set =
                SignerSet { signers: vec![Address::repeat_byte(1)], threshold: 1, expires_at };
            signers::set_signers(&mut w.ledger, GOVERNANCE, &PYTH, &set).unwrap();
            expires_at
        },
        |w| signers::valid_set(&mut w.ledger, &PYTH).is_ok(),
    ),
];

const MARKETS: &[Moment] = &[
    begins(
        "a restricted market is open",
        |w| {
            pause_for(&mut w.ledger, GUARDIAN, MARKET, PauseLevel::Restricted, 600).unwrap();
            w.ledger.now.after(600)
        },
        draws,
    ),
    begins(
        "liquidation after a frozen market",
        |w| {
            pause_for(&mut w.ledger, GUARDIAN, MARKET, PauseLevel::Frozen, 600).unwrap();
            w.ledger.now.after(600 + market::GRACE_SECONDS)
        },
        liquidates,
    ),
    begins(
        "liquidation after a freeze that was lifted",
        |w| {
            set_pause(&mut w.ledger, OWNER, MARKET, PauseLevel::Frozen).unwrap();
            set_pause(&mut w.ledger, OWNER, MARKET, PauseLevel::Restricted).unwrap();
            w.ledger.now.after(market::GRACE_SECONDS)
        },
        liquidates,
    ),
    begins(
        "a market is open that its owner restricted for less time than the guardian",
        |w| {
            pause_for(&mut w.ledger, GUARDIAN, MARKET, PauseLevel::Restricted, 600).unwrap();
            pause_for(&mut w.ledger, OWNER, MARKET, PauseLevel::Restricted, 60).unwrap();
            w.ledger.now.after(600)
        },
        draws,
    ),
    begins(
        "the guardian pauses again",
        |w| {
            pause_for(&mut w.ledger, GUARDIAN, MARKET, PauseLevel::Restricted, 600).unwrap();
            w.ledger.now.after(1_200)
        },
        guardian_pauses,
    ),
    begins(
        "a market whose breaker tripped is open",
        |w| {
            let until = w.ledger.now.after(60);
            w.ledger.markets.get_mut(&MARKET).unwrap().pause.tripped_until = until;
            until
        },
        draws,
    ),
    begins(
        "another parameter set",
        |w| {
            assert!(sets_margin(w) && !sets_margin(w));
            w.ledger.now.after(86_400)
        },
        sets_margin,
    ),
];

const NOTICES: &[Moment] = &[
    begins("a bid may leave", announced_bid, takes_its_bid_back),
    ends(
        "a bid may leave no more",
        |w| announced_bid(w).after(bids::WINDOW_SECONDS + 1),
        takes_its_bid_back,
    ),
    begins("a stake may leave", announced_stake, unstakes),
    ends(
        "a stake may leave no more",
        |w| announced_stake(w).after(first_loss::WINDOW_SECONDS + 1),
        unstakes,
    ),
    begins(
        "a stake that a loss hung over may leave",
        |w| {
            let until = announced_stake(w).after(60);
            w.ledger.tranches.get_mut(&LINE).unwrap().pending_until = until;
            until
        },
        unstakes,
    ),
];

/// ORC-1, GOV-4, BID-3, BAD-2: what ends by time ends in its second, and not one sooner or later.
#[test]
fn everything_has_its_second() {
    for Moment { name, at, act, then } in PRICES.iter().chain(MARKETS).chain(NOTICES) {
        let mut world = scene();
        let at = at(&mut world);
        let mut before = world.clone();
        (before.ledger.now, world.ledger.now) = (Timestamp::new(at.get() - 1), at);
        assert_eq!((act(&mut before), act(&mut world)), (!then, *then), "{name}");
    }
}

/// A permit's last second is its deadline, and one that counts uses up its nonce.
#[test]
fn a_permit_counts_at_its_deadline() {
    let mut world = scene();
    let (now, value) = (world.ledger.now.get(), U256::from(1));
    for (deadline, counts) in [(now - 1, false), (now, true)] {
        let deadline = U256::from(deadline);
        let permit = Permit { owner: ALICE, spender: FRIEND, value, deadline };
        let outcome = token::permit(&mut world.ledger, Token::Asset(asset(1)), &permit, ALICE);
        assert_eq!(outcome.is_ok(), counts, "{deadline}");
        let nonce = world.ledger.permit_nonce(Token::Asset(asset(1)), ALICE);
        assert_eq!(nonce, Ok(counts.into()), "{deadline}");
    }
}
