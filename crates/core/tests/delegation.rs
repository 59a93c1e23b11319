//! Acting on another's account: operators, delegated credit, and the signatures that give them.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::bids::Tier;
use gage_core::delegation::{
    self, Credit, CreditId, NONCES_VOIDED_MAX, Operator, Permission, Permissions, Signed,
};
use gage_core::invariants::{check_invariants, check_step};
use gage_core::stop_loss::StopLoss;
use gage_core::{
    AccountId, Address, Assets, Error, Event, MarketId, PauseLevel, Stop, Timestamp, Token, U256,
    WAD, Wad, borrowing, listing, pause,
};
use world::acts::*;
use world::*;

const SAFE: Address = Address::repeat_byte(0x5a);
const LATER: Timestamp = Timestamp::new(START + 100_000);

/// Alice with ten times the collateral that she needs for her debt of 10 tokens; a lender.
fn alice() -> World {
    let mut world = World::new(&[6, 18], 1);
    deposit(&mut world, LENDER, 1, 10_000 * unit(6)).unwrap();
    pledge(&mut world, ALICE, 2, 100 * unit(18));
    borrow(&mut world, ALICE, 1, 10 * unit(6)).unwrap();
    world
}

fn operator(bits: u8, receiver: Address) -> Operator {
    Operator { permissions: Permissions::new(bits).unwrap(), expires_at: LATER, receiver }
}

fn permit(world: &mut World, who: Address, terms: &Operator) {
    delegation::set_operator(&mut world.ledger, ALICE, (MARKET, 0), who, terms).unwrap();
}

fn credit_id(delegatee: Address) -> CreditId {
    CreditId { account: of(ALICE), vault: vault(1), delegatee }
}

fn delegate(world: &mut World, who: Address, tokens: u128, receiver: Address) {
    let credit = Credit { limit: Assets::new(tokens * unit(6)), expires_at: LATER, receiver };
    delegation::delegate_credit(&mut world.ledger, ALICE, &credit_id(who), &credit).unwrap();
}

fn draw_for(world: &mut World, who: Address, whose: &AccountId, units: u128) -> Result<(), Stop> {
    let l = &mut world.ledger;
    l.atomically(|l| delegation::borrow_for(l, who, whose, vault(1), Assets::new(units)))
}

fn release_for(world: &mut World, who: Address, whose: &AccountId) -> Result<Assets, Stop> {
    let amount = Assets::new(unit(18));
    let l = &mut world.ledger;
    l.atomically(|l| delegation::withdraw_collateral_for(l, who, whose, asset(2), amount))
}

fn order_for(world: &mut World, who: Address, whose: &AccountId) -> Result<(), Stop> {
    let order = StopLoss {
        asset: asset(2),
        vault: vault(1),
        trigger: Wad::new(WAD * 11 / 10),
        target: Wad::new(WAD * 13 / 10),
        tier_max: Tier::new(4).unwrap(),
    };
    let l = &mut world.ledger;
    l.atomically(|l| delegation::set_stop_loss_for(l, who, whose, Some(&order)))
}

fn draw_credit(world: &mut World, who: Address, units: u128) -> Result<(), Stop> {
    let l = &mut world.ledger;
    l.atomically(|l| delegation::draw_credit(l, who, &of(ALICE), vault(1), Assets::new(units)))
}

fn held(world: &World, what: u32, who: Address) -> u128 {
    world.held(Token::Asset(asset(what)), who)
}

/// AUT-1: each permission allows its acts and no other; the owner needs none.
#[test]
fn an_operator_does_what_was_permitted() {
    for bits in 0..8 {
        let mut world = alice();
        permit(&mut world, FRIEND, &operator(bits, Address::ZERO));
        let before = [1, 2].map(|what| held(&world, what, ALICE));
        let acts: [(Permission, Result<(), Stop>); 3] = [
            (Permission::Borrow, draw_for(&mut world, FRIEND, &of(ALICE), 5 * unit(6))),
            (Permission::Release, release_for(&mut world, FRIEND, &of(ALICE)).map(drop)),
            (Permission::Manage, order_for(&mut world, FRIEND, &of(ALICE))),
        ];
        for (permission, outcome) in acts {
            let allowed = Permissions::new(bits).unwrap().include(permission);
            let refusal = Error::NotPermitted { actor: FRIEND, owner: ALICE, permission };
            let expected = if allowed { Ok(()) } else { Err(Stop::Refused(refusal)) };
            assert_eq!(outcome, expected, "{bits} {permission}");
        }
        // What came out is the owner's.
        let after = [1, 2].map(|what| held(&world, what, ALICE));
        assert_eq!(after[0] - before[0], if bits & 2 == 2 { 5 * unit(6) } else { 0 });
        assert_eq!(after[1] - before[1], if bits & 1 == 1 { unit(18) } else { 0 });
        sound(&world);
    }
    let mut world = alice();
    draw_for(&mut world, ALICE, &of(ALICE), unit(6)).unwrap();
    release_for(&mut world, ALICE, &of(ALICE)).unwrap();
    order_for(&mut world, ALICE, &of(ALICE)).unwrap();
}

/// AUT-1: what an operator releases or draws goes where the owner said, and the account owes it.
#[test]
fn proceeds_go_to_the_named_receiver() {
    let mut world = alice();
    permit(&mut world, FRIEND, &operator(3, SAFE));
    let friend = [1, 2].map(|what| held(&world, what, FRIEND));
    draw_for(&mut world, FRIEND, &of(ALICE), 7 * unit(6)).unwrap();
    release_for(&mut world, FRIEND, &of(ALICE)).unwrap();
    assert_eq!([1, 2].map(|what| held(&world, what, SAFE)), [7 * unit(6), unit(18)]);
    assert_eq!([1, 2].map(|what| held(&world, what, FRIEND)), friend);
    let owed = borrowing::debt_of(&mut world.ledger, &of(ALICE), vault(1)).unwrap();
    assert_eq!(owed, Assets::new(17 * unit(6)));
    // HLT-1 holds for an operator as for the owner.
    let over = draw_for(&mut world, FRIEND, &of(ALICE), 9_000 * unit(6));
    assert!(matches!(refused(over), Error::AboveLimit { .. }));
    sound(&world);
}

#[test]
fn an_authorisation_ends_at_once_or_at_its_last_second() {
    let mut world = alice();
    permit(&mut world, FRIEND, &operator(7, Address::ZERO));
    delegate(&mut world, FRIEND, 50, Address::ZERO);
    world.ledger.now = LATER;
    world.report_all_again();
    world.ledger.now = LATER;
    draw_for(&mut world, FRIEND, &of(ALICE), unit(6)).unwrap();
    draw_credit(&mut world, FRIEND, unit(6)).unwrap();
    world.pass(1);
    let expired = Error::AuthorisationExpired { expired_at: LATER };
    assert_eq!(refused(draw_for(&mut world, FRIEND, &of(ALICE), unit(6))), expired);
    assert_eq!(refused(release_for(&mut world, FRIEND, &of(ALICE))), expired);
    assert_eq!(refused(order_for(&mut world, FRIEND, &of(ALICE))), expired);
    assert_eq!(refused(draw_credit(&mut world, FRIEND, unit(6))), expired);
    // Again, then taken back: nothing of it is kept.
    let again = Operator { expires_at: LATER.after(9_000), ..operator(7, SAFE) };
    permit(&mut world, FRIEND, &again);
    draw_for(&mut world, FRIEND, &of(ALICE), unit(6)).unwrap();
    permit(&mut world, FRIEND, &Operator::default());
    delegation::delegate_credit(
        &mut world.ledger,
        ALICE,
        &credit_id(FRIEND),
        &Credit { expires_at: LATER, receiver: SAFE, ..Credit::default() },
    )
    .unwrap();
    assert!(world.ledger.operators.is_empty() && world.ledger.credits.is_empty());
    assert!(draw_for(&mut world, FRIEND, &of(ALICE), unit(6)).is_err());
    sound(&world);
}

/// Credit is lowered by draws, not raised by repayments, and replaced by a new delegation.
#[test]
fn credit_is_drawn_up_to_its_limit() {
    let mut world = alice();
    delegate(&mut world, FRIEND, 50, Address::ZERO);
    let before = held(&world, 1, FRIEND);
    draw_credit(&mut world, FRIEND, 30 * unit(6)).unwrap();
    let told = Event::CreditDrawn {
        id: credit_id(FRIEND),
        amount: Assets::new(30 * unit(6)),
        left: Assets::new(20 * unit(6)),
    };
    assert!(world.ledger.events.contains(&told));
    assert_eq!(held(&world, 1, FRIEND), before + 30 * unit(6));
    repay(&mut world, FRIEND, ALICE, 1, 30 * unit(6)).unwrap();
    let limit = Assets::new(20 * unit(6));
    let asked = Assets::new(20 * unit(6) + 1);
    let over = Error::InsufficientCredit { delegatee: FRIEND, limit, asked };
    assert_eq!(refused(draw_credit(&mut world, FRIEND, 20 * unit(6) + 1)), over);
    assert_eq!(refused(draw_credit(&mut world, FRIEND, 0)), Error::ZeroAmount);
    draw_credit(&mut world, FRIEND, 20 * unit(6)).unwrap();
    assert!(world.ledger.credits.is_empty());
    for units in [0, 1, u128::MAX] {
        let none = refused(draw_credit(&mut world, FRIEND, units));
        assert!(matches!(none, Error::InsufficientCredit { limit: Assets::ZERO, .. }));
    }
    // A limit of everything is no way around the account's own limit.
    let all = Credit { limit: Assets::MAX, expires_at: LATER, receiver: SAFE };
    delegation::delegate_credit(&mut world.ledger, ALICE, &credit_id(FRIEND), &all).unwrap();
    let refusal = refused(draw_credit(&mut world, FRIEND, 9_000 * unit(6)));
    assert!(matches!(refusal, Error::AboveLimit { .. }));
    draw_credit(&mut world, FRIEND, unit(6)).unwrap();
    assert_eq!(held(&world, 1, SAFE), unit(6), "the owner named a receiver");
    sound(&world);
}

/// The table of `docs/delegation.md`.
#[test]
fn the_worked_example_of_the_documentation() {
    let mut world = alice();
    let start = held(&world, 1, FRIEND);
    delegate(&mut world, FRIEND, 50, Address::ZERO);
    let row = |world: &mut World| {
        let limit = world.ledger.credits.get(&credit_id(FRIEND)).copied().unwrap_or_default().limit;
        let owed = borrowing::debt_of(&mut world.ledger, &of(ALICE), vault(1)).unwrap();
        [limit.get(), owed.get(), held(world, 1, FRIEND) - start].map(|units| units / unit(6))
    };
    assert_eq!(row(&mut world), [50, 10, 0]);
    draw_credit(&mut world, FRIEND, 30 * unit(6)).unwrap();
    assert_eq!(row(&mut world), [20, 40, 30]);
    repay(&mut world, FRIEND, ALICE, 1, 30 * unit(6)).unwrap();
    assert_eq!(row(&mut world), [20, 10, 0]);
    draw_credit(&mut world, FRIEND, 20 * unit(6)).unwrap();
    assert_eq!(row(&mut world), [0, 30, 20]);
    let more = refused(draw_credit(&mut world, FRIEND, unit(6)));
    assert!(matches!(more, Error::InsufficientCredit { .. }));
    assert_eq!(row(&mut world), [0, 30, 20]);
}

#[test]
fn bad_authorisations_are_refused() {
    let mut world = alice();
    let l = &mut world.ledger;
    let past = Operator { expires_at: Timestamp::new(START - 1), ..operator(1, SAFE) };
    let good = operator(1, SAFE);
    let mut set = |market, who, terms| {
        let market = MarketId::new(market);
        refused(l.atomically(|l| delegation::set_operator(l, ALICE, (market, 0), who, terms)))
    };
    assert_eq!(set(1, Address::ZERO, &good), Error::ZeroAddress);
    assert!(matches!(set(1, FRIEND, &past), Error::InvalidParameter { name: "expiry", .. }));
    assert!(matches!(set(9, FRIEND, &good), Error::UnknownMarket { .. }));
    let credit = |expiry| Credit {
        limit: Assets::new(1),
        expires_at: Timestamp::new(expiry),
        receiver: Address::ZERO,
    };
    let mut set = |caller, id: CreditId, credit: Credit| {
        refused(l.atomically(|l| delegation::delegate_credit(l, caller, &id, &credit)))
    };
    let live = credit(START + 9);
    assert_eq!(set(ALICE, credit_id(Address::ZERO), live), Error::ZeroAddress);
    let expiry = set(ALICE, credit_id(FRIEND), credit(START - 1));
    assert!(matches!(expiry, Error::InvalidParameter { name: "expiry", .. }));
    let id = CreditId { vault: vault(9), ..credit_id(FRIEND) };
    assert!(matches!(set(ALICE, id, live), Error::VaultNotListed { .. }));
    let stranger = set(MALLORY, credit_id(MALLORY), live);
    let permission = Permission::Borrow;
    assert_eq!(stranger, Error::NotPermitted { actor: MALLORY, owner: ALICE, permission });
}

/// Signatures: who signed, until when, in which order; and all that were not handed in made void.
#[test]
fn signatures_are_used_once_and_in_order() {
    let mut world = alice();
    let l = &mut world.ledger;
    let terms = operator(2, SAFE);
    let mut set = |signer, deadline: u64| {
        let signed = Signed { signer, deadline: U256::from(deadline) };
        let account = of(ALICE);
        let set = |l: &mut _| delegation::set_operator_signed(l, &account, FRIEND, &terms, &signed);
        (l.atomically(set), l.authorisation_nonces.get(&ALICE).copied().unwrap_or_default())
    };
    let late = Error::ExpiredSignature { deadline: U256::from(START - 1) };
    assert_eq!(set(ALICE, START - 1), (Err(Stop::Refused(late)), 0));
    for signer in [Address::ZERO, MALLORY, FRIEND] {
        let other = Error::InvalidSigner { signer, owner: ALICE };
        assert_eq!(set(signer, u64::MAX), (Err(Stop::Refused(other)), 0));
    }
    assert_eq!(set(ALICE, START), (Ok(()), 1));
    assert_eq!(set(ALICE, u64::MAX), (Ok(()), 2));
    let signed = Signed { signer: ALICE, deadline: U256::MAX };
    let credit = Credit { limit: Assets::new(5), expires_at: LATER, receiver: SAFE };
    let id = credit_id(FRIEND);
    delegation::delegate_credit_signed(l, &id, &credit, &signed).unwrap();
    assert_eq!((l.authorisation_nonces[&ALICE], l.credits[&id]), (3, credit));
    let mut void = |next| l.atomically(|l| delegation::void_signatures(l, ALICE, next));
    for next in [0, 3, 4 + NONCES_VOIDED_MAX, u64::MAX] {
        assert!(matches!(refused(void(next)), Error::InvalidParameter { name: "nonce", .. }));
    }
    void(4).unwrap();
    void(4 + NONCES_VOIDED_MAX).unwrap();
    assert_eq!(l.authorisation_nonces[&ALICE], 4 + NONCES_VOIDED_MAX);
    sound(&world);
}

/// P-02 (DEI): the allowance read in the wrong direction. Every owner and actor of a table: what one
/// lets another do counts for exactly this pair, account, vault and direction.
#[test]
fn reg_p02_an_authorisation_has_one_direction() {
    let mut world = alice();
    for user in [MALLORY, FRIEND] {
        pledge(&mut world, user, 2, 100 * unit(18));
    }
    permit(&mut world, FRIEND, &operator(7, Address::ZERO));
    delegate(&mut world, FRIEND, 50, Address::ZERO);
    for owner in [ALICE, MALLORY, FRIEND, LENDER] {
        for actor in [ALICE, MALLORY, FRIEND, LENDER] {
            let given = owner == ALICE && actor == FRIEND;
            let mut scratch = world.clone();
            let drawn = draw_for(&mut scratch, actor, &of(owner), unit(6));
            let released = release_for(&mut scratch, actor, &of(owner));
            if actor != owner {
                assert_eq!((drawn.is_ok(), released.is_ok()), (given, given), "{owner} {actor}");
            }
            let l = &mut scratch.ledger;
            let one = Assets::new(unit(6));
            let drawn =
                l.atomically(|l| delegation::draw_credit(l, actor, &of(owner), vault(1), one));
            assert_eq!(drawn.is_ok(), given, "{owner} {actor}");
        }
    }
}

/// P-06, P-09 (Silo's and Aave's helpers): a victim trusts a helper with its credit; whoever makes the
/// helper act gains nothing, as the helper cannot choose who is paid. Catches a `receiver` argument.
#[test]
fn reg_p06_delegated_draws_pay_the_named_receiver_only() {
    let helper = Address::repeat_byte(0x4e);
    let mut world = alice();
    permit(&mut world, helper, &operator(7, SAFE));
    delegate(&mut world, helper, 100, SAFE);
    let before = wealth(&world.ledger, &[MALLORY, helper]);
    draw_credit(&mut world, helper, 30 * unit(6)).unwrap();
    draw_for(&mut world, helper, &of(ALICE), 30 * unit(6)).unwrap();
    release_for(&mut world, helper, &of(ALICE)).unwrap();
    assert_eq!(wealth(&world.ledger, &[MALLORY, helper]), before);
    assert_eq!(held(&world, 1, SAFE), 60 * unit(6));
    // Mallory herself is nobody here.
    assert!(draw_credit(&mut world, MALLORY, 1).is_err());
    assert!(draw_for(&mut world, MALLORY, &of(ALICE), 1).is_err());
    sound(&world);
}

/// P-10 (TrustedVolumes, AROS), the part that needs no curve: a signature is good for its owner's next
/// nonce; used, voided, late or another's, it is refused and uses nothing up. The rest, over real
/// signatures, is in the EVM's tests.
#[test]
fn reg_p10_a_refused_signature_uses_nothing_up() {
    let mut world = alice();
    let untouched = world.ledger.clone();
    for (signer, deadline) in [(MALLORY, u64::MAX), (Address::ZERO, u64::MAX), (ALICE, 1)] {
        let signed = Signed { signer, deadline: U256::from(deadline) };
        let credit = Credit { limit: Assets::MAX, expires_at: LATER, receiver: MALLORY };
        let id = credit_id(MALLORY);
        let l = &mut world.ledger;
        let outcome =
            l.atomically(|l| delegation::delegate_credit_signed(l, &id, &credit, &signed));
        assert!(outcome.is_err());
        assert_eq!(*l, untouched);
    }
}

/// P-11 (old approvals of retired deployments): in a market that its owner has closed, authorisations
/// move nothing; repaying and leaving go on.
#[test]
fn reg_p11_authorisations_are_void_in_a_closed_market() {
    let mut world = alice();
    permit(&mut world, FRIEND, &operator(7, FRIEND));
    delegate(&mut world, FRIEND, 100, FRIEND);
    let l = &mut world.ledger;
    pause::set_pause(l, OWNER, MARKET, PauseLevel::Restricted).unwrap();
    let before = wealth(&world.ledger, &[FRIEND]);
    for outcome in [
        draw_for(&mut world, FRIEND, &of(ALICE), unit(6)),
        draw_credit(&mut world, FRIEND, unit(6)),
        release_for(&mut world, FRIEND, &of(ALICE)).map(drop),
    ] {
        assert!(matches!(refused(outcome), Error::MarketPaused { .. }));
    }
    assert_eq!(wealth(&world.ledger, &[FRIEND]), before);
    // Revocation and exits go on.
    permit(&mut world, FRIEND, &Operator::default());
    repay(&mut world, ALICE, ALICE, 1, u128::MAX).unwrap();
    release(&mut world, ALICE, 2, 100 * unit(18)).unwrap();
    sound(&world);
}

/// L-02 (Solend): the right over one thing used on another. An operator of one account is none of the
/// owner's other accounts, in this market or another, nor of another vault's credit.
#[test]
fn reg_l02_an_operator_of_one_account_is_none_of_another() {
    let mut world = alice();
    let l = &mut world.ledger;
    let target_health = Wad::new(WAD * 105 / 100);
    let terms = listing::MarketTerms { target_health, full_bonus_health: Wad::new(WAD / 2) };
    // Mallory's own market, of which she is even the owner.
    let hers = listing::create_market(l, MALLORY, &terms).unwrap();
    delegation::set_operator(l, ALICE, (hers, 0), MALLORY, &operator(7, MALLORY)).unwrap();
    delegation::set_operator(l, ALICE, (MARKET, 1), MALLORY, &operator(7, MALLORY)).unwrap();
    let untouched = world.ledger.clone();
    for outcome in [
        draw_for(&mut world, MALLORY, &of(ALICE), unit(6)),
        release_for(&mut world, MALLORY, &of(ALICE)).map(drop),
        order_for(&mut world, MALLORY, &of(ALICE)),
        draw_credit(&mut world, MALLORY, unit(6)),
    ] {
        let refusal = refused(outcome);
        let expected = matches!(
            refusal,
            Error::NotPermitted { actor: MALLORY, .. } | Error::InsufficientCredit { .. }
        );
        assert!(expected, "{refusal}");
    }
    assert_eq!(world.ledger, untouched);
}

/// Something that somebody tries with someone's account, and whether they may.
fn attempt(
    world: &mut World,
    dice: &mut Dice,
    account: &AccountId,
    actor: Address,
) -> (bool, Result<(), Stop>) {
    let (owner, now) = (account.owner, world.ledger.now);
    let expires_at = now.after(dice.below(9_000));
    let receiver = dice.pick(&[Address::ZERO, SAFE]);
    let amount = Assets::new(dice.amount(20 * unit(6)));
    let id = CreditId { account: *account, vault: vault(1), delegatee: actor };
    let credit = world.ledger.credits.get(&id).copied().unwrap_or_default();
    let terms = world.ledger.operators.get(&(*account, actor)).copied().unwrap_or_default();
    let may = |permission| {
        owner == actor || terms.permissions.include(permission) && terms.expires_at >= now
    };
    let l = &mut world.ledger;
    match dice.below(5) {
        0 => {
            let permissions = Permissions::new(dice.below(8) as u8).unwrap();
            let terms = Operator { permissions, expires_at, receiver };
            let key = (account.market, account.sub);
            (true, l.atomically(|l| delegation::set_operator(l, owner, key, actor, &terms)))
        }
        1 => {
            let credit = Credit { limit: amount, expires_at, receiver };
            (true, l.atomically(|l| delegation::delegate_credit(l, owner, &id, &credit)))
        }
        2 => {
            let live = credit.limit >= amount && credit.expires_at >= now;
            let draw = |l: &mut _| delegation::draw_credit(l, actor, account, vault(1), amount);
            (live, l.atomically(draw))
        }
        3 => {
            let draw = |l: &mut _| delegation::borrow_for(l, actor, account, vault(1), amount);
            (may(Permission::Borrow), l.atomically(draw))
        }
        _ => {
            let amount = Assets::new(amount.get().saturating_mul(unit(12)));
            let release = |l: &mut _| {
                delegation::withdraw_collateral_for(l, actor, account, asset(2), amount)
            };
            (may(Permission::Release), l.atomically(release).map(drop))
        }
    }
}

/// AUT-1 in random histories: whatever is given, taken back, drawn and expired, an actor without a
/// live authorisation moves nothing, and no one is paid but the named receiver.
#[test]
fn random_authorisations_keep_their_bounds() {
    for seed in 0..6 {
        let mut dice = Dice(seed);
        let mut world = alice();
        for user in [MALLORY, FRIEND] {
            pledge(&mut world, user, 2, 100 * unit(18));
        }
        let actors = [ALICE, MALLORY, FRIEND];
        let mut passed = 0;
        for _ in 0..600 {
            if dice.below(4) == 0 {
                world.pass(dice.pick(&[1, 600, 3_600]));
                world.report_all_again();
            }
            let (owner, actor) = (dice.pick(&actors), dice.pick(&actors));
            let account = AccountId { sub: dice.pick(&[0, 0, 0, 1]), ..of(owner) };
            let before = world.ledger.clone();
            let (may, outcome) = attempt(&mut world, &mut dice, &account, actor);
            assert!(may || outcome.is_err(), "AUT-1: {actor} acted for {owner}");
            passed += u32::from(outcome.is_ok());
            for ((token, holder), balance) in &world.ledger.balances {
                let old = before.balances.get(&(*token, *holder)).copied().unwrap_or_default();
                let own = [actor, owner, SAFE].contains(holder) || custodian(*holder);
                assert!(own || *balance == old, "AUT-1: {holder} was paid");
            }
            for id in before.accounts.keys().filter(|id| **id != account) {
                assert_eq!(before.accounts.get(id), world.ledger.accounts.get(id), "AUT-1");
            }
            let broken: Vec<_> = check_invariants(&world.ledger)
                .into_iter()
                .chain(check_step(&before, &world.ledger))
                .collect();
            assert!(broken.is_empty(), "{broken:#?}");
            world.ledger.events.clear();
        }
        assert!(passed > 200, "{passed}");
    }
}
