//! No set of actors gains at constant honest prices, whatever they do and whatever keys they hold.
//!
//! `GAGE_SEEDS` lengthens a run, `GAGE_SEED` repeats one seed or names the first.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::bids::{self, Tier, place_bid};
use gage_core::curation::{self, Caps};
use gage_core::exits::{self, Request};
use gage_core::invariants::{check_invariants, check_step};
use gage_core::lending::{self, Exit};
use gage_core::listing::{self, MarketTerms};
use gage_core::recognition::{self, Listed};
use gage_core::{
    AccountId, Address, Assets, Bps, Error, MemoryLedger, PauseLevel, QueueId, Shares, Stop, Token,
    U256, Units, WAD, Wad, borrowing, first_loss, pause, protocol, token,
};
use world::acts::*;
use world::*;

const COALITION: [Address; 2] = [MALLORY, FRIEND];

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn seeds() -> std::ops::Range<u64> {
    match std::env::var("GAGE_SEED").ok().and_then(|text| text.parse().ok()) {
        Some(first) => first..first + setting("GAGE_SEEDS", 1),
        None => 0..setting("GAGE_SEEDS", 40),
    }
}

/// Two vaults that lent to Alice, who is healthy; everyone's decimals differ.
fn market(dice: &mut Dice) -> World {
    let decimals = [dice.pick(&[0, 2, 6, 8, 18]), dice.pick(&[0, 6, 18]), 18];
    let mut world = World::new(&decimals, 2);
    for lent in 1..=2 {
        let whole = unit(decimals[lent as usize - 1]);
        deposit(&mut world, LENDER, lent, 200_000 * whole).unwrap();
    }
    pledge(&mut world, ALICE, 3, 10_000 * WAD);
    borrow(&mut world, ALICE, 1, 5_000 * unit(decimals[0])).unwrap();
    // Interest so far makes shares and debts uneven.
    world.pass(1 + dice.below(10_000_000));
    world.report_all_again();
    world
}

/// One act of a member of the coalition, at amounts that may be anything.
fn act(world: &mut World, dice: &mut Dice) -> Result<(), Stop> {
    let (who, other) = (dice.pick(&COALITION), dice.pick(&COALITION));
    let (lent, pledged) = (1 + dice.below(2) as u32, 1 + dice.below(3) as u32);
    let share = Token::Share(vault(lent));
    let funds = Assets::new(dice.amount(world.held(Token::Asset(asset(lent)), who)));
    let shares = Shares::new(dice.amount(world.held(share, who)));
    let gift = dice.amount(world.held(Token::Asset(asset(pledged)), who) / 100);
    let queue = QueueId { market: MARKET, vault: vault(lent), asset: asset(pledged) };
    let tier = Tier::new(dice.below(20) as u8).unwrap();
    let exit = Exit { receiver: other, owner: who };
    let choice = dice.below(16);
    world.ledger.atomically(|l| {
        match choice {
            0 | 1 => lending::deposit(l, who, vault(lent), funds, other).map(drop),
            2 => lending::mint(l, who, vault(lent), shares, other).map(drop),
            3 => lending::withdraw(l, who, vault(lent), funds, exit).map(drop),
            4 => lending::redeem(l, who, vault(lent), shares, exit).map(drop),
            5 => {
                borrowing::supply_collateral(l, who, &of(other), asset(pledged), Assets::new(gift))
            }
            6 => take(l, who, pledged, Assets::new(gift)),
            7 | 8 => draw(l, who, lent, Assets::new(funds.get() / 50)),
            9 => borrowing::repay(l, who, &of(other), vault(lent), funds).map(drop),
            10 => place_bid(l, who, queue, tier, shares),
            11 => bids::announce_bid_withdrawal(l, who, queue, tier).map(drop),
            12 => first_loss::stake(l, who, (MARKET, vault(lent)), shares).map(drop),
            13 => first_loss::unstake(l, who, (MARKET, vault(lent)), Units::MAX, other).map(drop),
            14 => {
                let request = Request { shares, controller: other, owner: who };
                exits::request_redeem(l, who, vault(lent), &request).map(drop)
            }
            // A gift to a vault, to the market, or to who waits.
            _ => {
                let to = gage_core::address::custody(vault(lent));
                token::transfer(l, who, Token::Asset(asset(pledged)), to, gift)
            }
        }
    })
}

fn take(l: &mut MemoryLedger, who: Address, what: u32, amount: Assets) -> Result<(), Stop> {
    let release =
        borrowing::Release { market: MARKET, sub: 0, asset: asset(what), amount, receiver: who };
    borrowing::withdraw_collateral(l, who, &release).map(drop)
}

fn draw(l: &mut MemoryLedger, who: Address, from: u32, amount: Assets) -> Result<(), Stop> {
    let draw =
        borrowing::Draw { market: MARKET, sub: 0, vault: vault(from), amount, receiver: who };
    borrowing::borrow(l, who, &draw)
}

/// What the coalition has, bids and stakes included, at the honest prices.
fn fortune(ledger: &MemoryLedger) -> U256 {
    let mut scratch = ledger.clone();
    let mut sum = wealth(ledger, &COALITION);
    let mut add = |vault, shares: Shares| {
        let worth = lending::preview_redeem(&mut scratch, vault, shares).unwrap();
        sum += value(ledger, ledger.vaults[&vault].asset, worth.get(), false);
    };
    for (id, bid) in ledger.bids.iter().filter(|(id, _)| COALITION.contains(&id.bidder)) {
        let tier = ledger.tiers[&(id.queue, id.tier)];
        add(id.queue.vault, tier.remaining(bid));
    }
    for (id, _) in ledger.stakes.iter().filter(|(id, _)| COALITION.contains(&id.staker)) {
        let claim = first_loss::claim_of(&mut ledger.clone(), id).unwrap();
        add(id.vault, claim.shares);
    }
    for (id, place) in ledger.places.iter().filter(|(_, place)| COALITION.contains(&place.owner)) {
        let view = exits::exit_place(&mut ledger.clone(), *id).unwrap();
        add(id.vault, view.waiting);
        let _ = place;
    }
    sum
}

/// SYS-2, SHR-5, SHR-2, F-04: whatever a coalition does within a moment, at whatever amounts, it has no
/// more afterwards; invariants hold after each step. Prices are honest and stand still, gifts included.
#[test]
fn no_coalition_gains_within_a_moment() {
    let (mut passed, mut refused) = (0_u32, 0_u32);
    for seed in seeds() {
        let mut dice = Dice(seed);
        let mut world = market(&mut dice);
        let start = fortune(&world.ledger);
        for _ in 0..24 {
            let before = world.ledger.clone();
            match act(&mut world, &mut dice) {
                Ok(()) => passed += 1,
                Err(Stop::Refused(_)) => refused += 1,
                Err(fault) => panic!("seed {seed}: {fault}"),
            }
            let broken = check_step(&before, &world.ledger);
            assert!(broken.is_empty(), "seed {seed}: {broken:#?}");
        }
        sound(&world);
        let end = fortune(&world.ledger);
        assert!(end <= start, "seed {seed}: {start} -> {end}");
    }
    assert!(passed > refused / 4, "{passed} acts passed, {refused} were refused");
}

/// An act of each role, with arguments as hostile as they come.
fn rule(l: &mut MemoryLedger, dice: &mut Dice) -> Result<(), Stop> {
    let lent = vault(1 + dice.below(2) as u32);
    let most = Assets::new(dice.amount(gage_core::fixed::AMOUNT_MAX.get()));
    let level = dice.pick(&[PauseLevel::Open, PauseLevel::Restricted, PauseLevel::Frozen]);
    let points = Bps::new(dice.below(11_000) as u16);
    let who = dice.pick(&[GOVERNANCE, GUARDIAN, CURATOR, OWNER, ISSUER]);
    let terms = MarketTerms {
        target_health: Wad::new(dice.amount(3 * WAD)),
        full_bonus_health: Wad::new(dice.amount(2 * WAD)),
    };
    match dice.below(12) {
        0 => curation::set_caps(l, who, lent, Caps { supply: most, borrow: most }),
        1 => curation::set_line_cap(l, who, lent, MARKET, most),
        2 => curation::set_reserve_fee(l, who, lent, points),
        3 => curation::collect_reserves(l, who, lent, who, most),
        4 => pause::set_pause(l, who, MARKET, level),
        5 => listing::set_market_terms(l, who, MARKET, &terms),
        6 => curation::pause_vault(l, who, lent),
        7 => first_loss::set_first_loss_premium(l, who, (MARKET, lent), points),
        8 => protocol::set_guardian(l, who, MALLORY),
        9 => recognition::recognise(l, who, MARKET, Listed { collaterals: 3, vaults: 2 }),
        10 => recognition::withdraw(l, who, MARKET),
        _ => curation::set_model(l, who, lent, KINKED),
    }
}

/// GOV-3, G-06, L-01, L-03, L-10: with every key in hostile hands for a moment, no account, no user's balance
/// and no share changes: no role reaches them, and none mints shares without units. Afterwards the healthy
/// still repay, and leave.
#[test]
fn no_role_reaches_users() {
    let mut did = 0;
    for seed in seeds() {
        let mut dice = Dice(seed);
        let mut world = market(&mut dice);
        let before = world.settled();
        for _ in 0..40 {
            let step = world.ledger.clone();
            match world.ledger.atomically(|l| rule(l, &mut dice)) {
                Ok(()) => did += 1,
                Err(Stop::Refused(_)) => {}
                Err(fault) => panic!("seed {seed}: {fault}"),
            }
            let broken = check_step(&step, &world.ledger);
            assert!(broken.is_empty(), "seed {seed}: {broken:#?}");
        }
        let broken = check_invariants(&world.ledger);
        assert!(broken.is_empty(), "seed {seed}: {broken:#?}");
        assert_eq!(before.accounts, world.ledger.accounts, "seed {seed}");
        for user in USERS {
            let of_user = |ledger: &MemoryLedger| {
                let own = ledger.balances.iter().filter(|((_, holder), _)| *holder == user);
                own.map(|(key, amount)| (*key, *amount)).collect::<Vec<_>>()
            };
            assert_eq!(of_user(&before), of_user(&world.ledger), "seed {seed}");
        }
        for (id, vault) in &before.vaults {
            assert_eq!(vault.shares, world.ledger.vaults[id].shares, "seed {seed}");
        }
        exits_stay_open(&mut world);
    }
    assert!(did > 2 * seeds().count(), "only {did} acts of roles passed");
}

/// SOL-4, D-05: what others' assets lie with a vault covers nothing of what its lenders may claim, before a loss
/// and after it: claims in an asset are cash and debts in that asset.
#[test]
fn claims_are_covered_in_kind() {
    let mut world = indebted([6, 18]);
    let claims = |world: &World| {
        let accrued = gage_core::Accrued::load(&mut world.ledger.clone(), vault(1)).unwrap();
        let leaving = lending::max_withdraw(&mut world.ledger.clone(), vault(1), LENDER).unwrap();
        (accrued.total_assets(), leaving, accrued.pool().share_price())
    };
    let (before, custody) = (claims(&world), gage_core::address::custody(vault(1)));
    for gift in [Token::Asset(asset(2)), Token::Asset(asset(1))] {
        let all = world.held(gift, MALLORY);
        token::transfer(&mut world.ledger, MALLORY, gift, custody, all).unwrap();
        assert_eq!(claims(&world), before);
    }
    // Half of what was lent is lost, and a fortune in other units makes up for nothing.
    world.report(2, WAD / 100).unwrap();
    world.report_all_again();
    liquidate(&mut world, FRIEND, ALICE, u128::MAX).unwrap();
    let lost = world.ledger.vaults[&vault(1)].losses;
    assert!(lost > Assets::ZERO);
    assert!(claims(&world).0 < before.0, "{lost} were lost");
    sound(&world);
}

fn exits_stay_open(world: &mut World) {
    let id = AccountId { market: MARKET, owner: ALICE, sub: 0 };
    let l = &mut world.ledger;
    match borrowing::repay(l, ALICE, &id, vault(1), Assets::MAX) {
        Ok(_) => {}
        Err(Stop::Refused(Error::InsufficientBalance { .. })) => panic!("Alice can pay"),
        Err(other) => panic!("repayment is refused: {other}"),
    }
    take(l, ALICE, 3, Assets::MAX).unwrap();
    let shares = lending::max_redeem(l, vault(1), LENDER).unwrap();
    assert!(!shares.is_zero(), "the lender cannot leave");
    lending::redeem(l, LENDER, vault(1), shares, Exit { receiver: LENDER, owner: LENDER }).unwrap();
}
