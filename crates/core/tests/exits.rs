//! The exit queue: order, shares of a loss, partial fills, and what cannot be done to it.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::bids::{self, Tier};
use gage_core::curation;
use gage_core::exits::places;
use gage_core::exits::{self, Request};
use gage_core::lending::{self, Exit};
use gage_core::liquidation::{self, Liquidation, Payment};
use gage_core::{
    Address, Assets, Error, Event, InterestModel, QueueId, RAY, Shares, Stop, Token, U256, VaultId,
    WAD, Wad, interest, sweep, token,
};
use world::acts::*;
use world::exits::*;
use world::*;

const CAROL: Address = Address::repeat_byte(0x21);
const DAN: Address = Address::repeat_byte(0x22);
const ERIN: Address = Address::repeat_byte(0x23);

fn fund(world: &mut World, who: Address, whole: u128) {
    let amount = Assets::new(whole * unit(6));
    token::mint(&mut world.ledger, ISSUER, asset(1), who, amount).unwrap();
}

/// Carol, Dan and Erin lent 400, 400 and 200 tokens; Alice owes 600 and Mallory 400: no cash is
/// left.
fn full() -> World {
    let mut world = World::new(&[6, 18, 18], 1);
    for (who, whole) in [(CAROL, 400), (DAN, 400), (ERIN, 200)] {
        fund(&mut world, who, whole);
        deposit(&mut world, who, 1, whole * unit(6)).unwrap();
    }
    for (who, whole) in [(ALICE, 600), (MALLORY, 400)] {
        pledge(&mut world, who, 2, 10_000 * unit(18));
        borrow(&mut world, who, 1, whole * unit(6)).unwrap();
    }
    assert_eq!(cash(&mut world), 0);
    world
}

fn tokens(whole: u128) -> u128 {
    whole * unit(6)
}

fn worth(world: &mut World, shares: u128) -> u128 {
    lending::preview_redeem(&mut world.ledger, vault(1), Shares::new(shares)).unwrap().get()
}

fn near(one: u128, other: u128, most: u128) {
    assert!(one.abs_diff(other) <= most, "{one} and {other}");
}

/// D-08: at full utilisation lenders leave in the order in which they asked, in parts, and nobody
/// later is paid before.
#[test]
fn reg_d08_first_in_first_out_at_full_utilisation() {
    let mut world = full();
    let [carol, dan] = [CAROL, DAN].map(|who| queue_all(&mut world, who).number);
    assert_eq!((carol, dan), (1, 2));
    let half = shares_of(&world, ERIN) / 2;
    let erin = queue(&mut world, ERIN, half).unwrap().number;
    let view = look(&mut world, erin);
    assert_eq!((view.ahead_worth.get(), view.worth.get()), (tokens(800), tokens(100)));
    assert_eq!(
        refused(claim(&mut world, DAN, dan)),
        Error::NothingToClaim { place: dan, ahead: Shares::new(tokens(400) * 1_000_000) }
    );
    sound(&world);
    // 500 for 900: Carol's 400 in full, 100 of Dan's 400, none of Erin's.
    repay(&mut world, ALICE, ALICE, 1, tokens(500)).unwrap();
    sound(&world);
    assert_eq!(cash(&mut world), 0);
    let views = [carol, dan, erin].map(|number| look(&mut world, number));
    assert_eq!(views.map(|view| view.claimable.get()), [tokens(400), tokens(100), 0]);
    assert_eq!(views.map(|view| view.ahead_worth.get()), [0, 0, tokens(300)]);
    assert_eq!(claim(&mut world, DAN, dan).unwrap().get(), tokens(100));
    let error = Error::NothingToClaim { place: dan, ahead: Shares::ZERO };
    assert_eq!(refused(claim(&mut world, DAN, dan)), error);
    // A deposit serves the queue as well, and its shares stand behind it.
    deposit(&mut world, LENDER, 1, tokens(350)).unwrap();
    assert_eq!(cash(&mut world), 0);
    assert_eq!(claim(&mut world, DAN, dan).unwrap().get(), tokens(300));
    gone(&mut world, dan);
    assert_eq!(claim(&mut world, ERIN, erin).unwrap().get(), tokens(50));
    sound(&world);
    repay(&mut world, MALLORY, MALLORY, 1, u128::MAX).unwrap();
    assert_eq!(cash(&mut world), tokens(350), "the queue is empty and cash stays");
    assert!(!world.ledger.vaults[&vault(1)].exits_waiting);
    assert_eq!(claim(&mut world, ERIN, erin).unwrap().get(), tokens(50));
    // Carol was first and claims last, after others have long gone.
    assert_eq!(claim(&mut world, CAROL, carol).unwrap().get(), tokens(400));
    assert_eq!(escrow(&world), [0, 0]);
    assert!(world.ledger.places.is_empty() && world.ledger.place_lists.is_empty());
    sound(&world);
    // The next run begins anew, with numbers that go on.
    borrow(&mut world, MALLORY, 1, tokens(350)).unwrap();
    assert_eq!(queue_all(&mut world, ERIN).number, 4);
    let record = world.ledger.exit_queues[&vault(1)];
    assert_eq!((record.run, record.filled, record.checkpoints), (2, Shares::ZERO, 0));
    sound(&world);
}

/// D-08, Q-10: whatever cash comes in, in the very operation that brings it the queue has it: no draw,
/// withdrawal or payment of reserves in the same block finds any.
#[test]
fn reg_d08_nothing_jumps_the_queue() {
    let mut world = full();
    world.pass(3_600);
    world.report_all_again();
    let number = queue_all(&mut world, CAROL).number;
    deposit(&mut world, MALLORY, 1, tokens(10)).unwrap();
    let none = |asked| Error::Illiquid { cash: Assets::ZERO, asked: Assets::new(asked) };
    // A sandwich: deposit, then draw or leave with the deposit.
    assert_eq!(refused(borrow(&mut world, MALLORY, 1, tokens(10))), none(tokens(10)));
    let exit = Exit { receiver: MALLORY, owner: MALLORY };
    let l = &mut world.ledger;
    let taken = lending::withdraw(l, MALLORY, vault(1), Assets::new(1), exit);
    assert_eq!(refused(taken), none(1));
    assert_eq!(lending::max_withdraw(l, vault(1), MALLORY), Ok(Assets::ZERO));
    assert_eq!(lending::max_redeem(l, vault(1), MALLORY), Ok(Shares::ZERO));
    // Rates as after a flash: repay and draw again in one block.
    let before = look(&mut world, number).claimable.get();
    repay(&mut world, MALLORY, MALLORY, 1, tokens(100)).unwrap();
    assert_eq!(refused(borrow(&mut world, MALLORY, 1, tokens(100))), none(tokens(100)));
    near(look(&mut world, number).claimable.get() - before, tokens(100), 0);
    // The curator's reserves wait like everyone.
    let reserves = world.settled().vaults[&vault(1)].reserves;
    assert!(!reserves.is_zero());
    let taken =
        curation::collect_reserves(&mut world.ledger, CURATOR, vault(1), CURATOR, Assets::new(1));
    assert_eq!(refused(taken), none(1));
    // A later request of a larger lender does not come before.
    let late = queue_all(&mut world, DAN).number;
    repay(&mut world, ALICE, ALICE, 1, tokens(50)).unwrap();
    assert_eq!(look(&mut world, late).claimable, Assets::ZERO);
    sound(&world);
}

/// HLT-6: the previews and the `max` functions tell the truth at every cash, and a request with cash
/// is filled at once.
#[test]
fn previews_tell_the_truth_and_a_request_takes_what_cash_there_is() {
    let mut world = full();
    repay(&mut world, ALICE, ALICE, 1, tokens(150)).unwrap();
    let l = &mut world.ledger;
    assert_eq!(lending::max_withdraw(l, vault(1), CAROL).unwrap().get(), tokens(150));
    let shares = Shares::new(tokens(400) * 1_000_000);
    assert_eq!(lending::preview_redeem(l, vault(1), shares).unwrap().get(), tokens(400));
    let number = queue_all(&mut world, CAROL).number;
    let view = look(&mut world, number);
    assert_eq!((view.claimable.get(), view.worth.get()), (tokens(150), tokens(250)));
    let l = &mut world.ledger;
    assert_eq!(lending::max_withdraw(l, vault(1), DAN), Ok(Assets::ZERO));
    assert_eq!(lending::max_redeem(l, vault(1), DAN), Ok(Shares::ZERO));
    assert_eq!(lending::preview_redeem(l, vault(1), shares).unwrap().get(), tokens(400));
    let queue = exits::exit_queue(l, vault(1)).unwrap();
    assert_eq!(queue.worth.get(), tokens(250));
    assert_eq!(claim(&mut world, CAROL, number).unwrap().get(), tokens(150));
    sound(&world);
}

/// INT-3: while the queue waits the vault is fully used: the kinked model charges its maximum, the
/// adaptive one drifts up.
#[test]
fn rates_push_while_lenders_wait() {
    let mut world = full();
    queue_all(&mut world, CAROL);
    repay(&mut world, ALICE, ALICE, 1, tokens(100)).unwrap();
    let now = world.ledger.now;
    let accrued = world.ledger.vaults[&vault(1)].accrue(now);
    assert_eq!(accrued.utilisation(), Wad::ONE);
    // 1 % + 5 % + 300 % a year.
    near(accrued.borrow_rate().get(), RAY * 306 / 100 / 31_536_000, 3);
    let adaptive = InterestModel::Adaptive { rate_at_target: interest::RATE_AT_TARGET_INITIAL };
    curation::set_model(&mut world.ledger, CURATOR, vault(1), adaptive).unwrap();
    let rate = |world: &World| {
        let now = world.ledger.now;
        world.ledger.vaults[&vault(1)].accrue(now).borrow_rate()
    };
    let before = rate(&world);
    world.pass(86_400);
    let day = rate(&world);
    world.pass(86_400 * 9);
    assert!(before < day && day < rate(&world));
    sound(&world);
}

/// A keeper closes Alice, whose collateral is worth less than her debt; returns what lenders lose.
fn close_out(world: &mut World) -> Assets {
    let asked = Liquidation {
        vault: vault(1),
        asset: asset(2),
        max_repay: Assets::MAX,
        receiver: FRIEND,
        payment: Payment::Assets,
    };
    liquidation::liquidate(&mut world.ledger, FRIEND, &of(ALICE), &asked).unwrap();
    let told = world.ledger.events.iter().rev();
    let mut lost = told.filter_map(|event| match event {
        Event::LossRealised { from_lenders, .. } => Some(*from_lenders),
        _ => None,
    });
    lost.next().unwrap()
}

/// D-07, BAD-2: a loss met while queued is shared by all shares alike: those who wait, those who stay,
/// and those who ask to leave once it is known; what was set aside before is not touched, and what
/// comes in with the loss is paid at the price after it.
#[test]
fn reg_d07_late_leavers_do_not_shift_the_loss() {
    let mut world = full();
    // Mallory's debt is secured by asset 3 now, so that only Alice fails.
    pledge(&mut world, MALLORY, 3, 10_000 * unit(18));
    let early = queue_all(&mut world, CAROL).number;
    repay(&mut world, MALLORY, MALLORY, 1, tokens(100)).unwrap();
    let set_aside = look(&mut world, early).claimable;
    assert_eq!(set_aside.get(), tokens(100));
    let part = tokens(100) * 1_000_000;
    // 10,000 tokens at 4.50 are 45,000 dollars against 600 tokens at 100 dollars.
    world.report(2, WAD * 4_500 / 1_000).unwrap();
    let (before, stays) = (worth(&mut world, part), shares_of(&world, DAN));
    let lost = close_out(&mut world);
    assert!(lost.get() > tokens(100), "{lost}");
    let after = worth(&mut world, part);
    let share = U256::from(lost.get()) * U256::from(tokens(100)) / U256::from(tokens(900));
    near(before - after, share.to::<u128>(), 2);
    // Dan heard of it and leaves; he and Carol are paid the same for the same.
    let late = queue_all(&mut world, DAN).number;
    assert_eq!(late, early + 1);
    repay(&mut world, MALLORY, MALLORY, 1, u128::MAX).unwrap();
    assert!(claim(&mut world, CAROL, early).unwrap() >= set_aside);
    let left = look(&mut world, late);
    near(left.claimable.get() + left.worth.get(), worth(&mut world, stays), 2);
    near(worth(&mut world, part), after, 1);
    sound(&world);
}

fn bid(world: &mut World, who: Address, shares: u128) {
    let queue = QueueId { market: MARKET, vault: vault(1), asset: asset(2) };
    let tier = Tier::new(4).unwrap();
    bids::place_bid(&mut world.ledger, who, queue, tier, Shares::new(shares)).unwrap();
}

/// D-08, BAD-2: a sweep at full utilisation, with a queue and a loss in the same block: the bids' shares
/// are burned against debt and wait for nobody; those who queue bear the loss like those who stay.
#[test]
fn reg_d08_a_sweep_does_not_wait_for_the_queue() {
    let mut world = full();
    pledge(&mut world, MALLORY, 3, 10_000 * unit(18));
    let number = queue_all(&mut world, CAROL).number;
    let stays = shares_of(&world, DAN);
    let bidding = shares_of(&world, ERIN);
    bid(&mut world, ERIN, bidding);
    let queued = exits::exit_queue(&mut world.ledger, vault(1)).unwrap();
    // Alice owes 60,000 dollars on collateral of 18,000, which the bids buy.
    world.report(2, WAD * 1_800 / 1_000).unwrap();
    world.ledger.events.clear();
    let (part, id) = (tokens(100) * 1_000_000, of(ALICE));
    let before = worth(&mut world, part);
    let plan = sweep::sweep(&mut world.ledger, &id).unwrap().unwrap();
    assert!(plan.leaves_bad_debt());
    sweep::write_off(&mut world.ledger, &id).unwrap();
    assert!(!filled(&world), "no cash moved");
    assert_eq!(exits::exit_queue(&mut world.ledger, vault(1)).unwrap().queue, queued.queue);
    assert!(worth(&mut world, part) * 10 < before * 6, "a loss");
    sound(&world);
    let waiting = look(&mut world, number).waiting.get();
    assert_eq!(waiting, stays, "Carol and Dan lent the same");
    let expected = worth(&mut world, waiting);
    repay(&mut world, MALLORY, MALLORY, 1, u128::MAX).unwrap();
    near(claim(&mut world, CAROL, number).unwrap().get(), expected, 1);
    let taken = lending::max_withdraw(&mut world.ledger, vault(1), DAN).unwrap();
    near(taken.get(), expected.min(cash(&mut world)), 1);
    sound(&world);
}

fn filled(world: &World) -> bool {
    world.ledger.events.iter().any(|event| matches!(event, Event::ExitsFilled { .. }))
}

/// D-08: at full utilisation a lender can still liquidate with shares, past the queue: no cash moves.
#[test]
fn reg_d08_shares_liquidate_past_the_queue() {
    let mut world = full();
    let number = queue_all(&mut world, CAROL).number;
    world.report(2, WAD * 4_500 / 1_000).unwrap();
    world.ledger.events.clear();
    let (asset, payment) = (asset(2), Payment::Shares);
    let max_repay = Assets::new(tokens(100));
    let asked = Liquidation { vault: vault(1), asset, max_repay, receiver: DAN, payment };
    let done = liquidation::liquidate(&mut world.ledger, DAN, &of(MALLORY), &asked).unwrap();
    assert!(!done.repaid().is_zero());
    assert!(!filled(&world));
    assert_eq!(look(&mut world, number).claimable, Assets::ZERO);
    sound(&world);
}

/// HLT-6: a vault that lost everything burns what waits for nothing, and starts anew.
#[test]
fn a_vault_wiped_out_ends_its_queue() {
    let mut world = full();
    repay(&mut world, MALLORY, MALLORY, 1, u128::MAX).unwrap();
    for who in [DAN, ERIN] {
        let most = lending::max_redeem(&mut world.ledger, vault(1), who).unwrap();
        let exit = Exit { receiver: who, owner: who };
        if !most.is_zero() {
            lending::redeem(&mut world.ledger, who, vault(1), most, exit).unwrap();
        }
    }
    let number = queue_all(&mut world, CAROL).number;
    // All that is left is Alice's debt, on worthless collateral.
    world.report(2, 1).unwrap();
    let id = of(ALICE);
    let account = world.ledger.accounts.get_mut(&id).unwrap();
    let pledged = account.collaterals[0].amount;
    account.collaterals.clear();
    let key = (MARKET, asset(2));
    let total = &mut world.ledger.collaterals.get_mut(&key).unwrap().total;
    *total = total.sub(pledged).unwrap();
    sweep::write_off(&mut world.ledger, &id).unwrap();
    sound(&world);
    let record = world.ledger.exit_queues[&vault(1)];
    assert_eq!(record.waiting(), Shares::ZERO);
    assert_eq!(look(&mut world, number).waiting, Shares::ZERO);
    assert_eq!(claim(&mut world, CAROL, number).unwrap(), Assets::ZERO);
    gone(&mut world, number);
    for who in [DAN, ERIN] {
        let shares = shares_of(&world, who);
        if shares > 0 {
            let refusal = queue(&mut world, who, shares);
            assert_eq!(refused(refusal), Error::ZeroAmount);
            redeem_all(&mut world, who, 1).unwrap();
        }
    }
    deposit(&mut world, LENDER, 1, tokens(5)).unwrap();
    sound(&world);
}

/// AUT-1: a place is moved and claimed by its owner and whom the owner lets, and by nobody else.
#[test]
fn strangers_and_former_owners_get_nothing() {
    let mut world = full();
    let number = queue_all(&mut world, CAROL).number;
    repay(&mut world, ALICE, ALICE, 1, tokens(100)).unwrap();
    let stranger = Error::PlaceNotApproved { operator: MALLORY, place: number };
    assert_eq!(refused(claim(&mut world, MALLORY, number)), stranger);
    let stolen = hand_over(&mut world, MALLORY, number, (CAROL, MALLORY));
    assert_eq!(refused(stolen), stranger);
    let wrong = hand_over(&mut world, CAROL, number, (DAN, MALLORY));
    let error = Error::NotPlaceOwner { sender: DAN, place: number, owner: CAROL };
    assert_eq!(refused(wrong), error);
    let l = &mut world.ledger;
    let error = Error::InvalidPlaceApprover { approver: MALLORY };
    assert_eq!(refused(places::approve(l, MALLORY, place(number), MALLORY)), error);
    let nobody = hand_over(&mut world, CAROL, number, (CAROL, Address::ZERO));
    assert_eq!(refused(nobody), Error::InvalidPlaceReceiver { receiver: Address::ZERO });
    // An approval is for one place and one owner: it ends with the transfer.
    let l = &mut world.ledger;
    places::approve(l, CAROL, place(number), FRIEND).unwrap();
    hand_over(&mut world, FRIEND, number, (CAROL, DAN)).unwrap();
    let error = Error::PlaceNotApproved { operator: FRIEND, place: number };
    assert_eq!(refused(claim(&mut world, FRIEND, number)), error);
    // What was set aside before went along.
    let error = Error::PlaceNotApproved { operator: CAROL, place: number };
    assert_eq!(refused(claim(&mut world, CAROL, number)), error);
    assert_eq!(claim(&mut world, DAN, number).unwrap().get(), tokens(100));
    // Operators serve all places of an owner, until they do not.
    let l = &mut world.ledger;
    places::set_operator(l, DAN, vault(1), (FRIEND, true)).unwrap();
    repay(&mut world, ALICE, ALICE, 1, tokens(100)).unwrap();
    assert_eq!(claim(&mut world, FRIEND, number).unwrap().get(), tokens(100));
    let l = &mut world.ledger;
    places::set_operator(l, DAN, vault(1), (FRIEND, false)).unwrap();
    let taken = hand_over(&mut world, FRIEND, number, (DAN, FRIEND));
    assert_eq!(refused(taken), error_of(FRIEND, number));
    let l = &mut world.ledger;
    let zero = places::set_operator(l, DAN, vault(1), (Address::ZERO, true));
    assert_eq!(refused(zero), Error::ZeroAddress);
    // To oneself: nothing changes.
    hand_over(&mut world, DAN, number, (DAN, DAN)).unwrap();
    assert_eq!(look(&mut world, number).owner, DAN);
    sound(&world);
}

fn error_of(operator: Address, place: u64) -> Error {
    Error::PlaceNotApproved { operator, place }
}

/// Bad input: a clear error, and nothing changes.
#[test]
fn nonsense_is_refused() {
    let mut world = full();
    let before = world.ledger.clone();
    assert_eq!(refused(queue(&mut world, CAROL, 0)), Error::ZeroAmount);
    // A share is worth a millionth of a unit.
    assert_eq!(refused(queue(&mut world, CAROL, 999_999)), Error::ZeroAmount);
    for shares in [tokens(400) * 1_000_000 + 1, u128::MAX] {
        let refusal = refused(queue(&mut world, CAROL, shares));
        assert!(matches!(refusal, Error::InsufficientBalance { .. }), "{refusal}");
    }
    let request = Request { shares: Shares::new(1_000_000), controller: MALLORY, owner: CAROL };
    let ask = |world: &mut World, request: &Request| {
        world.ledger.atomically(|l| exits::request_redeem(l, MALLORY, vault(1), request))
    };
    let refusal = refused(ask(&mut world, &request));
    assert!(matches!(refusal, Error::InsufficientAllowance { .. }), "{refusal}");
    let zero = Request { controller: Address::ZERO, owner: CAROL, ..request };
    let refusal: Result<_, Stop> =
        world.ledger.atomically(|l| exits::request_redeem(l, CAROL, vault(1), &zero));
    assert_eq!(refused(refusal), Error::InvalidPlaceReceiver { receiver: Address::ZERO });
    let missing = exits::request_redeem(&mut world.ledger, CAROL, VaultId::new(9), &request);
    assert_eq!(refused(missing), Error::UnknownVault { vault: VaultId::new(9) });
    for number in [0, 1, u64::MAX] {
        let error = Error::NonexistentPlace { place: number };
        assert_eq!(refused(claim(&mut world, CAROL, number)), error);
        assert_eq!(refused(hand_over(&mut world, CAROL, number, (CAROL, DAN))), error);
    }
    assert_eq!(world.ledger, before);
    // Within an allowance anyone may ask for the owner, once.
    token::approve(
        &mut world.ledger,
        CAROL,
        Token::Share(vault(1)),
        MALLORY,
        U256::from(1_000_000),
    )
    .unwrap();
    let id = ask(&mut world, &request).unwrap();
    assert_eq!(look(&mut world, id.number).owner, MALLORY);
    let refusal = refused(ask(&mut world, &request));
    assert!(matches!(refusal, Error::InsufficientAllowance { .. }), "{refusal}");
    let to = exits::claim(&mut world.ledger, MALLORY, id, MALLORY);
    assert!(matches!(refused(to), Error::NothingToClaim { .. }));
    repay(&mut world, ALICE, ALICE, 1, tokens(1)).unwrap();
    let to: Result<_, Stop> =
        world.ledger.atomically(|l| exits::claim(l, MALLORY, id, Address::ZERO));
    assert_eq!(refused(to), Error::InvalidReceiver { receiver: Address::ZERO });
    assert_eq!(exits::claim(&mut world.ledger, MALLORY, id, DAN).unwrap(), Assets::new(1));
    sound(&world);
}

/// HLT-6: pauses keep nobody from asking, being filled and claiming.
#[test]
fn pauses_do_not_close_the_exit() {
    let mut world = full();
    curation::pause_vault(&mut world.ledger, CURATOR, vault(1)).unwrap();
    gage_core::pause::set_pause(&mut world.ledger, OWNER, MARKET, gage_core::PauseLevel::Frozen)
        .unwrap();
    let number = queue_all(&mut world, CAROL).number;
    repay(&mut world, ALICE, ALICE, 1, u128::MAX).unwrap();
    assert_eq!(claim(&mut world, CAROL, number).unwrap().get(), tokens(400));
    sound(&world);
}

/// N-06: a queue ends although what waits has come to be worth less than a unit.
#[test]
fn reg_n06_dust_does_not_keep_a_queue_open() {
    let mut world = full();
    let number = queue(&mut world, CAROL, 1_000_000).unwrap().number;
    world.report(2, WAD * 4_500 / 1_000).unwrap();
    // The keeper's payment comes with a loss: a share is worth less than a millionth of a unit.
    close_out(&mut world);
    assert!(cash(&mut world) > 0);
    let view = look(&mut world, number);
    assert_eq!((view.claimable.get(), view.waiting.get(), view.filled.get()), (0, 0, 1_000_000));
    assert_eq!(claim(&mut world, CAROL, number).unwrap(), Assets::ZERO);
    gone(&mut world, number);
    sound(&world);
}

/// N-06: numbers at their ends: a run is full before its axis leaves 128 bits, and goes on filling.
#[test]
fn reg_n06_a_run_of_all_numbers_ends_in_an_error_and_goes_on() {
    let mut world = full();
    let number = queue_all(&mut world, CAROL).number;
    // As if shares had been queued and filled without end.
    let top = u128::MAX - tokens(400) * 1_000_000;
    let record = world.ledger.exit_queues.get_mut(&vault(1)).unwrap();
    record.queued = Shares::MAX;
    record.filled = Shares::new(top);
    record.paid = Assets::new(u128::MAX - tokens(200));
    record.checkpoints = 1;
    let checkpoint = exits::Checkpoint { filled: record.filled, paid: record.paid };
    world.ledger.exit_checkpoints.insert((vault(1), (1, 1)), checkpoint);
    let entry = world.ledger.places.get_mut(&place(number)).unwrap();
    (entry.start, entry.end, entry.first) = (Shares::new(top), Shares::MAX, 1);
    sound(&world);
    assert_eq!(refused(queue(&mut world, DAN, 1_000_000)), Error::Overflow);
    repay(&mut world, ALICE, ALICE, 1, tokens(150)).unwrap();
    assert_eq!(claim(&mut world, CAROL, number).unwrap().get(), tokens(150));
    sound(&world);
    // More than the count of assets can take: repayment goes on all the same.
    repay(&mut world, ALICE, ALICE, 1, tokens(100)).unwrap();
    assert_eq!(cash(&mut world), tokens(100));
}

/// Repaying is never refused for what waits, at any pile of places, and costs the same.
#[test]
fn a_thousand_places_are_filled_at_once() {
    let mut world = full();
    let part = shares_of(&world, CAROL) / 1_000;
    for _ in 0..1_000 {
        queue(&mut world, CAROL, part).unwrap();
    }
    world.ledger.events.clear();
    let before = world.ledger.clone();
    repay(&mut world, ALICE, ALICE, 1, tokens(333)).unwrap();
    let fills =
        world.ledger.events.iter().filter(|event| matches!(event, Event::ExitsFilled { .. }));
    assert_eq!(fills.count(), 1);
    assert_eq!(world.ledger.places, before.places, "no place is written");
    assert_eq!(world.ledger.exit_checkpoints.len(), 1);
    sound(&world);
    let held = places::places_of(&mut world.ledger, (vault(1), CAROL), (0, u32::MAX)).unwrap();
    assert_eq!(held.len(), 1_000);
    let some = places::places_of(&mut world.ledger, (vault(1), CAROL), (990, 100)).unwrap();
    assert_eq!(some, held[990..]);
    let mut paid = 0;
    for id in held {
        paid += claim(&mut world, CAROL, id.number).map_or(0, Assets::get);
    }
    assert_eq!(paid, tokens(333));
    sound(&world);
}

/// Claims find their fills among many, in any order, and tie to the unit.
#[test]
fn a_place_is_found_after_many_fills() {
    let mut world = full();
    let first = queue_all(&mut world, CAROL).number;
    let second = queue_all(&mut world, DAN).number;
    let mut paid = [0, 0];
    for step in 0_u64..500 {
        world.pass(7);
        repay(&mut world, MALLORY, MALLORY, 1, tokens(1) / 2 + u128::from(step)).unwrap();
        if step % 97 == 3 {
            paid[0] += claim(&mut world, CAROL, first).unwrap().get();
        }
    }
    world.report_all_again();
    repay(&mut world, ALICE, ALICE, 1, u128::MAX).unwrap();
    sound(&world);
    let total: u128 = world.ledger.exit_queues[&vault(1)].paid.get();
    paid[0] += claim(&mut world, CAROL, first).unwrap().get();
    paid[1] += claim(&mut world, DAN, second).unwrap().get();
    assert_eq!(paid[0] + paid[1], total);
    assert_eq!(escrow(&world), [0, 0]);
}
