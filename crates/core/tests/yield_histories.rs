//! Random histories with computed prices and vault shares as collateral.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::bids::{self, Tier};
use gage_core::borrowing::{self, Draw, Release};
use gage_core::invariants::{check_invariants, check_step};
use gage_core::lending::{self, Exit};
use gage_core::liquidation::{self, Liquidation, Payment};
use gage_core::sweep;
use gage_core::token::{self};
use gage_core::watch::Watch;
use gage_core::{
    AccountId, Address, AssetId, Assets, Event, FeedId, MemoryLedger, QueueId, Shares, Stop, Token,
    U256, WAD, Wad, address,
};
use world::acts::*;
use world::staking::*;
use world::*;

/// Who does what to whom in one random step.
struct Step {
    user: Address,
    id: AccountId,
    number: u32,
    what: AssetId,
}

impl Step {
    fn roll(dice: &mut Dice) -> Self {
        let (market, number, what) = match dice.below(5) {
            0 => (PAIR, 2, asset(3)),
            1 => (MARKET, 1, asset(2)),
            2 => (MARKET, 3, asset(SHARE)),
            3 => (MARKET, 1, asset(SHARE)),
            _ => (dice.pick(&[MARKET, PAIR]), dice.pick(&[1, 2, 3]), asset(3)),
        };
        let (user, owner) = (dice.pick(&USERS), dice.pick(&USERS));
        Self { user, id: AccountId { market, owner, sub: 0 }, number, what }
    }

    fn take(&self, world: &mut World, dice: &mut Dice) -> Result<(), Stop> {
        match dice.below(15) {
            0..3 => self.lend(world, dice),
            3..9 => self.borrow(world, dice),
            9 => {
                let token = dice.pick(&[Token::Share(vault(2)), Token::Asset(asset(2))]);
                let custody = address::custody(vault(2));
                let to = dice.pick(&[custody, address::market_custody(), self.id.owner]);
                let value = dice.amount(world.held(token, self.user) / 8);
                world.ledger.atomically(|l| token::transfer(l, self.user, token, to, value))
            }
            10 => report(world, dice),
            11 => {
                let queue =
                    QueueId { market: self.id.market, vault: vault(self.number), asset: self.what };
                let tier = Tier::new(dice.pick(&[2, 8])).unwrap();
                let shares = world.held(Token::Share(vault(self.number)), self.user) / 10;
                let l = &mut world.ledger;
                l.atomically(|l| bids::place_bid(l, self.user, queue, tier, Shares::new(shares)))?;
                let _ = l.atomically(|l| bids::claim_bid(l, self.user, (queue, tier), self.user));
                Ok(())
            }
            12 => {
                let l = &mut world.ledger;
                everyone().try_for_each(|id| {
                    l.atomically(|l| sweep::sweep(l, &id))?;
                    // What nothing covers any more is written off in the same block.
                    let _ = l.atomically(|l| sweep::write_off(l, &id));
                    Ok(())
                })
            }
            _ => self.liquidate_all(world),
        }
    }

    fn lend(&self, world: &mut World, dice: &mut Dice) -> Result<(), Stop> {
        let Self { user, number, .. } = *self;
        if dice.below(3) > 0 {
            let most = world.held(Token::Asset(asset(number)), user) / 10;
            let amount = Assets::new(dice.amount(most));
            let l = &mut world.ledger;
            return l
                .atomically(|l| lending::deposit(l, user, vault(number), amount, user))
                .map(drop);
        }
        let shares = Shares::new(dice.amount(world.held(Token::Share(vault(number)), user)));
        let exit = Exit { receiver: user, owner: user };
        let l = &mut world.ledger;
        l.atomically(|l| lending::redeem(l, user, vault(number), shares, exit)).map(drop)
    }

    fn borrow(&self, world: &mut World, dice: &mut Dice) -> Result<(), Stop> {
        let Self { user, id, number, what } = *self;
        let AccountId { market, owner, sub } = id;
        let l = &mut world.ledger;
        match dice.below(6) {
            0 | 1 => {
                let whole = if what == asset(SHARE) { WHOLE_SHARE } else { WAD };
                let most = (world.held(Token::of(what), user) / 4).min(20 * whole);
                let amount = Assets::new(dice.amount(most));
                let l = &mut world.ledger;
                l.atomically(|l| borrowing::supply_collateral(l, user, &id, what, amount))
            }
            2 => {
                let amount = Assets::new(dice.amount(100 * WAD));
                let release = Release { market, sub, asset: what, amount, receiver: user };
                l.atomically(|l| borrowing::withdraw_collateral(l, user, &release)).map(drop)
            }
            3 => {
                let amounts = [Assets::MAX, Assets::new(dice.amount(WAD))];
                let amount = dice.pick(&amounts);
                l.atomically(|l| borrowing::repay(l, user, &id, vault(number), amount)).map(drop)
            }
            _ => {
                // All that the account may draw, a half or a third of it, or anything.
                let Standing { limit, debt, .. } = standing(&world.settled(), &id);
                let feed = [1, 2, STAKED][number as usize - 1];
                let one = U256::from(if number == 1 { unit(6) } else { WAD });
                let worth = price(&world.ledger, FeedId::new(feed)).max(U256::ONE);
                let most: u128 = (limit.saturating_sub(debt) * one / worth).saturating_to();
                let most = most / u128::from(1 + dice.below(3));
                let other = dice.amount(most);
                let amount = Assets::new(dice.pick(&[most, other]));
                let draw = Draw { market, sub, vault: vault(number), amount, receiver: owner };
                world.ledger.atomically(|l| borrowing::borrow(l, owner, &draw))
            }
        }
    }

    fn liquidate_all(&self, world: &mut World) -> Result<(), Stop> {
        for (id, what) in everyone().flat_map(|id| [(id, SHARE), (id, 3), (id, 2)]) {
            let asked = Liquidation {
                vault: vault(self.number),
                asset: asset(what),
                max_repay: Assets::MAX,
                receiver: self.user,
                payment: Payment::Assets,
            };
            let l = &mut world.ledger;
            let _ = l.atomically(|l| liquidation::liquidate(l, self.user, &id, &asked));
        }
        Ok(())
    }
}

/// Moves a price or the rate, downwards rather; one that ran away comes back.
fn report(world: &mut World, dice: &mut Dice) -> Result<(), Stop> {
    let part = u128::from(800 + dice.below(250));
    let feed = dice.pick(&[2, 2, RATE]);
    let price = world.ledger.feeds[&FeedId::new(feed)].price.get() / 1_000 * part;
    let [low, high] = if feed == 2 { [500 * WAD, 9_000 * WAD] } else { [WAD * 8 / 10, 3 * WAD] };
    world.report(feed, price.clamp(low, high))
}

/// LIQ-5: files the accounts that the step changed; the index then misses none that is unhealthy, though
/// its references are older and rates and share prices have moved since.
fn watched(watch: &mut Watch, before: &MemoryLedger, ledger: &mut MemoryLedger) {
    let changed: Vec<_> =
        everyone().filter(|id| before.accounts.get(id) != ledger.accounts.get(id)).collect();
    watch.file(ledger, changed.into_iter().map(|id| (id, Wad::ONE))).unwrap();
    let suspects = watch.suspects(ledger).unwrap();
    for id in everyone() {
        let healthy = gage_core::margin::health(ledger, &id).unwrap() >= Wad::ONE;
        assert!(healthy || suspects.contains(&id), "{id:?} is missing");
    }
}

/// SOL-3, SHR-3, ORC-3, LIQ-5, HLT-1: random histories with computed prices and shares as collateral; every
/// invariant after every step, quotes and health against their recomputation.
#[test]
fn random_histories_stay_sound() {
    let (mut pledged, mut sold) = (0, 0);
    for seed in 0..24 {
        let mut dice = Dice(seed);
        let mut world = staking();
        for who in [ALICE, FRIEND] {
            // Near its limit from the start, so that falls find something to sell.
            let shares = deposit(&mut world, who, 2, 20 * WAD).unwrap().get();
            pledge(&mut world, who, SHARE, shares);
            borrow(&mut world, who, 1, 44_000 * unit(6)).unwrap();
        }
        let mut watch = Watch::new();
        watch.file(&mut world.ledger, everyone().map(|id| (id, Wad::ONE))).unwrap();
        for step in 0..250 {
            if dice.below(20) == 0 {
                world.pass(dice.below(30 * 86_400));
                world.report_all_again();
            }
            let before = world.ledger.clone();
            let outcome = Step::roll(&mut dice).take(&mut world, &mut dice);
            let broken = [check_invariants(&world.ledger), check_step(&before, &world.ledger)];
            assert!(broken.iter().all(Vec::is_empty), "seed {seed}, step {step}: {broken:#?}");
            assert!(!matches!(outcome, Err(Stop::Fault(_))), "{outcome:?}");
            for feed in [2, RATE, STAKED, SHARES] {
                assert_eq!(
                    U256::from(quoted(&world, feed)),
                    price(&world.ledger, FeedId::new(feed))
                );
            }
            watched(&mut watch, &before, &mut world.ledger);
            let told = &world.ledger.events[before.events.len()..];
            sold += told
                .iter()
                .filter(|event| match event {
                    Event::Liquidated { asset, .. } => asset.as_share().is_some(),
                    Event::BidsFilled { queue, .. } => queue.asset.as_share().is_some(),
                    _ => false,
                })
                .count();
            for id in everyone() {
                let expected = standing(&world.settled(), &id);
                let totals = gage_core::margin::position(&mut world.ledger, &id).unwrap().totals();
                assert_eq!(U256::from(totals.collateral_value.get()), expected.collateral);
                assert_eq!(U256::from(totals.debt_value.get()), expected.debt, "{id:?}");
            }
        }
        let total = world.ledger.collaterals[&(MARKET, asset(SHARE))].total;
        pledged += usize::from(!total.is_zero());
    }
    assert!(pledged > 12 && sold > 12, "{pledged} histories with pledged shares, {sold} sales");
}
