//! Who acts in the attacks, and how: one short call for each operation.

use gage_core::borrowing::{self, Draw, Release};
use gage_core::invariants::check_invariants;
use gage_core::lending::{self, Exit};
use gage_core::liquidation::{self, Liquidation, Payment, Plan};
use gage_core::{AccountId, Address, AssetId, Assets, Error, Shares, Stop, Token, VaultId};

use super::*;

pub(crate) const ALICE: Address = USERS[0];
pub(crate) const MALLORY: Address = USERS[1];
pub(crate) const FRIEND: Address = USERS[2];
pub(crate) const LENDER: Address = USERS[3];

pub(crate) fn asset(number: u32) -> AssetId {
    AssetId::new(number)
}

pub(crate) fn vault(number: u32) -> VaultId {
    VaultId::new(number)
}

pub(crate) fn of(owner: Address) -> AccountId {
    AccountId { market: MARKET, owner, sub: 0 }
}

pub(crate) fn deposit(
    world: &mut World,
    who: Address,
    to: u32,
    assets: u128,
) -> Result<Shares, Stop> {
    lending::deposit(&mut world.ledger, who, vault(to), Assets::new(assets), who)
}

pub(crate) fn redeem_all(world: &mut World, who: Address, from: u32) -> Result<Assets, Stop> {
    let shares = Shares::new(world.held(Token::Share(vault(from)), who));
    let exit = Exit { receiver: who, owner: who };
    lending::redeem(&mut world.ledger, who, vault(from), shares, exit)
}

pub(crate) fn pledge(world: &mut World, who: Address, what: u32, amount: u128) {
    let amount = Assets::new(amount);
    borrowing::supply_collateral(&mut world.ledger, who, &of(who), asset(what), amount).unwrap();
}

pub(crate) fn borrow(world: &mut World, who: Address, from: u32, amount: u128) -> Result<(), Stop> {
    let draw = Draw {
        market: MARKET,
        sub: 0,
        vault: vault(from),
        amount: Assets::new(amount),
        receiver: who,
    };
    world.ledger.atomically(|l| borrowing::borrow(l, who, &draw))
}

/// Draws from vault 1 as much as the protocol allows, in halves, to a tenth of a token.
pub(crate) fn draw_all(world: &mut World, who: Address) -> u128 {
    let one = unit(world.decimals[0]);
    let (mut drawn, mut next) = (0, one << 20);
    while next > one / 10 {
        if borrow(world, who, 1, next).is_ok() {
            drawn += next;
        } else {
            next /= 2;
        }
    }
    drawn
}

pub(crate) fn release(
    world: &mut World,
    who: Address,
    what: u32,
    amount: u128,
) -> Result<Assets, Stop> {
    let release = Release {
        market: MARKET,
        sub: 0,
        asset: asset(what),
        amount: Assets::new(amount),
        receiver: who,
    };
    world.ledger.atomically(|l| borrowing::withdraw_collateral(l, who, &release))
}

pub(crate) fn repay(
    world: &mut World,
    who: Address,
    whose: Address,
    to: u32,
    amount: u128,
) -> Result<Assets, Stop> {
    let amount = Assets::new(amount);
    world.ledger.atomically(|l| borrowing::repay(l, who, &of(whose), vault(to), amount))
}

pub(crate) fn liquidate(
    world: &mut World,
    who: Address,
    whose: Address,
    max: u128,
) -> Result<Plan, Stop> {
    liquidate_pair(world, (who, whose), (1, 2), max)
}

/// Liquidates a debt to the first-named vault for the second-named asset.
pub(crate) fn liquidate_pair(
    world: &mut World,
    (who, whose): (Address, Address),
    (debt, collateral): (u32, u32),
    max: u128,
) -> Result<Plan, Stop> {
    let asked = Liquidation {
        vault: vault(debt),
        asset: asset(collateral),
        max_repay: Assets::new(max),
        receiver: who,
        payment: Payment::Assets,
    };
    world.ledger.atomically(|l| liquidation::liquidate(l, who, &of(whose), &asked))
}

pub(crate) fn refused<T: core::fmt::Debug>(outcome: Result<T, Stop>) -> Error {
    match outcome {
        Err(Stop::Refused(error)) => error,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

pub(crate) fn sound(world: &World) {
    let broken = check_invariants(&world.ledger);
    assert!(broken.is_empty(), "{broken:#?}");
}

/// A lender in vault 1, whose asset 1 and asset 2 have `decimals`, and Alice owing most of what
/// ten tokens of asset 2 allow.
pub(crate) fn indebted(decimals: [u8; 2]) -> World {
    let mut world = World::new(&decimals, 1);
    let [lent, pledged] = decimals.map(unit);
    deposit(&mut world, LENDER, 1, 1_000 * lent).unwrap();
    pledge(&mut world, ALICE, 2, 100 * pledged);
    borrow(&mut world, ALICE, 1, 75 * lent).unwrap();
    world
}
