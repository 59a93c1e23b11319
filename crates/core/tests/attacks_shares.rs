//! Attacks on shares and on what they are worth, tried on vaults that are new, empty, resumed or nearly so. Each test is
//! named by the row of the attack catalogue that it replays, and weighs the attacker before and after.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::borrowing::{self, Draw};
use gage_core::feed::creation::{self, ShareTerms};
use gage_core::lending::{self, Exit};
use gage_core::liquidation::{self, Liquidation, Payment};
use gage_core::shares::Pool;
use gage_core::token;
use gage_core::{
    AccountId, Accrued, Address, AssetId, Assets, Error, FeedId, MarketId, Ray, Shares, Stop,
    Token, U256, VaultId, WAD, Wad, address, curation, listing,
};
use world::acts::*;
use world::staking::*;
use world::*;

/// Sends tokens to a vault's custody without a call.
fn donate(world: &mut World, who: Address, vault: VaultId, amount: u128) {
    let token = Token::Asset(world.ledger.vaults[&vault].asset);
    token::transfer(&mut world.ledger, who, token, address::custody(vault), amount).unwrap();
}

/// What a holder's shares of a vault are worth.
fn worth(world: &World, who: Address, from: u32) -> u128 {
    let shares = Shares::new(world.held(Token::Share(vault(from)), who));
    lending::preview_redeem(&mut world.ledger.clone(), vault(from), shares).unwrap().get()
}

fn accrued(world: &World, number: u32) -> Accrued {
    Accrued::load(&mut world.ledger.clone(), vault(number)).unwrap()
}

/// S-02 (Midas): a market is attacked in the block of its listing, on whatever terms are legal: mint, donate many times
/// the cash, borrow. Catches a share price that counts the vault's token balance, and a threshold above one.
#[test]
fn reg_s02_attacked_in_the_block_of_its_listing() {
    for (ltv, threshold, bonus) in
        [(0, 100, [0, 0]), (7_500, 8_000, [400, 1_000]), (9_000, 9_300, [100, 400])]
    {
        for (seed, own) in [(WAD / 1_000, 1_000), (WAD, WAD / 100), (WAD, 10 * WAD)] {
            let mut world = staking();
            let fresh = new_vault(&mut world, asset(2));
            deposit(&mut world, LENDER, 4, seed).unwrap();
            let l = &mut world.ledger;
            let share =
                ShareTerms { vault: fresh, base: FeedId::new(2), growth: per_year(SHARE_GROWTH) };
            let terms = bounds(7_200, 1, 1 << 100);
            let feed =
                creation::create_share_feed(l, OWNER, label("share"), &terms, &share).unwrap();
            let limits = world::terms(ltv, threshold, bonus, 1 << 100, feed.get());
            listing::add_collateral(l, OWNER, MARKET, AssetId::share_of(fresh), &limits).unwrap();
            let before = wealth(&world.ledger, &[MALLORY]);
            let shares = deposit(&mut world, MALLORY, 4, own).unwrap().get();
            let price = quoted(&world, feed.get());
            donate(&mut world, MALLORY, fresh, 100_000 * WAD);
            assert_eq!(quoted(&world, feed.get()), price, "SHR-2: a donation moved the price");
            pledge(&mut world, MALLORY, share_number(4), shares);
            let drawn = draw_all(&mut world, MALLORY);
            let most = part_of(own, 3_000 * unit(6) * u128::from(ltv), WAD * 10_000);
            assert!(drawn <= most, "{ltv} {own}: {drawn} of {most}");
            assert!(
                most < unit(6) || drawn + unit(6) > most,
                "nothing was lent: {drawn} of {most}"
            );
            assert!(wealth(&world.ledger, &[MALLORY]) < before);
            sound(&world);
        }
    }
}

/// S-03 (Onyx): the listing and the attack in one block, in either order: first in, donate, borrow, then take the
/// collateral back by liquidating oneself. Without a seed the listing is refused; with one the team of borrower and
/// liquidator gains nothing.
#[test]
fn reg_s03_listing_and_attack_in_one_block() {
    for attacker_first in [true, false] {
        let mut world = staking();
        let fresh = new_vault(&mut world, asset(2));
        let team = [MALLORY, FRIEND];
        let before = wealth(&world.ledger, &team);
        if attacker_first {
            deposit(&mut world, MALLORY, 4, 2).unwrap();
            donate(&mut world, MALLORY, fresh, 1_000 * WAD);
        }
        let unseeded = refused(list_share(&mut world.ledger, MARKET, fresh, 2));
        assert!(matches!(unseeded, Error::ThinVault { vault, .. } if vault == fresh));
        deposit(&mut world, LENDER, 4, WAD).unwrap();
        list_share(&mut world.ledger, MARKET, fresh, 2).unwrap();
        let own = WAD;
        let shares = deposit(&mut world, MALLORY, 4, own).unwrap().get();
        donate(&mut world, MALLORY, fresh, 1_000 * WAD);
        pledge(&mut world, MALLORY, share_number(4), shares);
        let drawn = draw_all(&mut world, MALLORY);
        assert!(drawn <= 2_250 * unit(6), "{drawn}");
        // The price falls, and the friend liquidates.
        world.report(2, 2_750 * WAD).unwrap();
        let idle = wealth(&world.ledger, &team);
        let aim = (1, share_number(4));
        liquidate_pair(&mut world, (FRIEND, MALLORY), aim, u128::MAX).unwrap();
        // The unit of each asset that rounding may move.
        assert!(wealth(&world.ledger, &team) <= idle + U256::from(2 * WAD));
        assert!(idle < before);
        assert!(world.ledger.vaults[&vault(1)].losses.is_zero());
        sound(&world);
    }
}

/// What has to be done for a share of a fresh vault to be borrowed against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Seed,
    Feed,
    Collateral,
    List,
    Open,
}

struct Listing {
    world: World,
    fresh: VaultId,
    market: MarketId,
    feed: FeedId,
}

impl Listing {
    fn new() -> Self {
        let mut world = staking();
        let fresh = new_vault(&mut world, asset(2));
        let market = new_market(&mut world.ledger);
        Self { world, fresh, market, feed: FeedId::new(2) }
    }

    /// Does a step in somebody's name, if its rules let them.
    fn take(&mut self, who: [Address; 2], step: Step) -> Result<(), Stop> {
        let ([owner, curator], fresh, market) = (who, self.fresh, self.market);
        let l = &mut self.world.ledger;
        let line = listing::LineTerms { feed: FeedId::new(1), min_debt: Assets::new(unit(6) / 10) };
        match step {
            Step::Seed => l
                .atomically(|l| lending::deposit(l, LENDER, fresh, Assets::new(WAD), LENDER))
                .map(drop),
            Step::Feed => {
                let share = ShareTerms { vault: fresh, base: FeedId::new(2), growth: Ray::ZERO };
                let terms = bounds(7_200, 1, 1 << 100);
                self.feed = l.atomically(|l| {
                    creation::create_share_feed(l, owner, label("share"), &terms, &share)
                })?;
                Ok(())
            }
            Step::Collateral => {
                let limits = terms(7_500, 8_000, [400, 1_000], 1 << 100, self.feed.get());
                let share = AssetId::share_of(fresh);
                l.atomically(|l| listing::add_collateral(l, owner, market, share, &limits))
            }
            Step::List => l.atomically(|l| listing::list_vault(l, owner, market, vault(1), &line)),
            Step::Open => {
                let cap = Assets::new(1_000 * unit(6));
                l.atomically(|l| curation::set_line_cap(l, curator, vault(1), market, cap))
            }
        }
    }

    /// Mallory tries whatever is not hers to do, then to borrow against a unit.
    fn attack(&mut self) -> Result<(), Stop> {
        for step in [Step::Collateral, Step::List, Step::Open] {
            assert!(self.take([MALLORY; 2], step).is_err(), "{step:?} is not hers");
        }
        let fresh = self.fresh;
        let _dust = deposit(&mut self.world, MALLORY, fresh.get(), 1);
        donate(&mut self.world, MALLORY, fresh, WAD);
        self.borrow(MALLORY)
    }

    fn borrow(&mut self, who: Address) -> Result<(), Stop> {
        let (share, market) = (AssetId::share_of(self.fresh), self.market);
        let id = AccountId { market, owner: who, sub: 0 };
        let held = Assets::new(self.world.held(Token::of(share), who));
        let amount = Assets::new(unit(6));
        let draw = Draw { market, sub: 0, vault: vault(1), amount, receiver: who };
        self.world.ledger.atomically(|l| {
            borrowing::supply_collateral(l, who, &id, share, held)?;
            borrowing::borrow(l, who, &draw)
        })
    }
}

fn orders(steps: &[Step]) -> Vec<Vec<Step>> {
    if steps.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for first in steps {
        let rest: Vec<_> = steps.iter().copied().filter(|step| step != first).collect();
        for mut order in orders(&rest) {
            order.insert(0, *first);
            all.push(order);
        }
    }
    all
}

/// S-04 (Sonne): a listing in several steps, in every order, with the attacker acting between any two. Steps out of order
/// are refused, none is anybody's, and nothing can be drawn on the share before the vault has its seed.
#[test]
fn reg_s04_a_listing_in_every_order() {
    let steps = [Step::Seed, Step::Feed, Step::Collateral, Step::List, Step::Open];
    let (mut completed, mut refusals) = (0, 0);
    for order in orders(&steps) {
        let mut listing = Listing::new();
        let coins = listing.world.held(Token::Asset(asset(1)), MALLORY);
        for step in &order {
            let taken = listing.take([OWNER, CURATOR], *step);
            refusals += usize::from(taken.is_err());
            listing.attack().unwrap_err();
        }
        assert_eq!(listing.world.held(Token::Asset(asset(1)), MALLORY), coins);
        deposit(&mut listing.world, FRIEND, listing.fresh.get(), WAD).unwrap();
        completed += usize::from(listing.borrow(FRIEND).is_ok());
        sound(&listing.world);
    }
    // Only where the seed came before the feed, the feed before the collateral, the vault before its line.
    assert_eq!(completed, 120 / 6 / 2);
    assert!(refusals > 100, "{refusals}");
}

/// S-07 (MahaLend): a forgotten vault that was paused and resumed, with dust in it and an index far from one. Rounds of
/// deposits and withdrawals leak nothing. Catches burning rounded down.
#[test]
fn reg_s07_a_resumed_vault_with_dust() {
    for decimals in [0, 6, 18] {
        let mut world = World::new(&[decimals, 18], 1);
        let one = unit(decimals);
        deposit(&mut world, LENDER, 1, 10 * one).unwrap();
        pledge(&mut world, ALICE, 2, 1_000 * unit(18));
        borrow(&mut world, ALICE, 1, 9 * one).unwrap();
        world.pass(3 * 31_536_000);
        repay(&mut world, ALICE, ALICE, 1, u128::MAX).unwrap();
        let shares = world.held(Token::Share(vault(1)), LENDER) - 3;
        let exit = Exit { receiver: LENDER, owner: LENDER };
        let l = &mut world.ledger;
        lending::redeem(l, LENDER, vault(1), Shares::new(shares), exit).unwrap();
        curation::pause_vault(l, CURATOR, vault(1)).unwrap();
        let closed = refused(deposit(&mut world, MALLORY, 1, one));
        assert!(matches!(closed, Error::VaultPaused { .. }));
        curation::resume_vault(&mut world.ledger, CURATOR, vault(1)).unwrap();
        let before = wealth(&world.ledger, &[MALLORY]);
        let mut dice = Dice(7);
        for _ in 0..120 {
            let amount = dice.amount(100 * one).clamp(1, 100 * one);
            world.ledger.events.clear();
            if deposit(&mut world, MALLORY, 1, amount).is_err() {
                continue;
            }
            let exit = Exit { receiver: MALLORY, owner: MALLORY };
            for _ in 0..2 {
                let part = Assets::new(1 + u128::from(dice.below(3)));
                let l = &mut world.ledger;
                let _refused_or_not =
                    l.atomically(|l| lending::withdraw(l, MALLORY, vault(1), part, exit));
            }
            for _ in 0..3 {
                let third = Shares::new(world.held(Token::Share(vault(1)), MALLORY) / 3);
                let l = &mut world.ledger;
                let _worthless_or_not =
                    l.atomically(|l| lending::redeem(l, MALLORY, vault(1), third, exit));
            }
            let _worthless_or_not = redeem_all(&mut world, MALLORY, 1);
            assert!(wealth(&world.ledger, &[MALLORY]) <= before, "decimals {decimals}");
        }
        sound(&world);
    }
}

/// S-08 (Wise Lending): deposit `2·T − 1`, withdraw all but a residue, donate, sixty-four times. A share's price rises by
/// less than a unit an operation, and the attacker has less. Catches shares without virtual ones, and minting rounded up.
#[test]
fn reg_s08_residues_that_double() {
    for residue in [0, 1, 2] {
        let mut world = World::new(&[6, 18], 1);
        deposit(&mut world, LENDER, 1, 2).unwrap();
        let before = wealth(&world.ledger, &[MALLORY]);
        let mut rounds = 0;
        for _ in 0..64 {
            let total = accrued(&world, 1).total_assets().get();
            let held = worth(&world, LENDER, 1);
            if deposit(&mut world, MALLORY, 1, 2 * total - 1).is_err() {
                break;
            }
            donate(&mut world, MALLORY, vault(1), 1_000);
            let l = &mut world.ledger;
            let most = lending::max_withdraw(l, vault(1), MALLORY).unwrap().get();
            let amount = Assets::new(most.saturating_sub(residue));
            let exit = Exit { receiver: MALLORY, owner: MALLORY };
            let _nothing_left =
                l.atomically(|l| lending::withdraw(l, MALLORY, vault(1), amount, exit));
            rounds += 1;
            assert!(worth(&world, LENDER, 1) <= held + 2, "the price rose: {held}");
            assert!(wealth(&world.ledger, &[MALLORY]) < before);
        }
        assert!(rounds == 64 || residue > 0, "{rounds}");
        redeem_all(&mut world, MALLORY, 1).unwrap_or_default();
        assert!(wealth(&world.ledger, &[MALLORY]) < before);
        sound(&world);
    }
}

/// S-09 (zkLend): what is repaid beyond the debt feeds an accumulator, whose rounding is then drained. Only what is owed is
/// taken, neither index nor share price moves, and deposits around each multiple of the price gain nothing. Catches a
/// repayment that is not cut to the debt.
#[test]
fn reg_s09_repaying_too_much() {
    for extra in [1, 2, 1_000, 1_000_000, u128::MAX / 2] {
        let mut world = indebted([6, 18]);
        world.pass(86_400 * 400);
        lending::accrue(&mut world.ledger, vault(1)).unwrap();
        let before = accrued(&world, 1);
        let owed = before.debt_of(world.ledger.accounts[&of(ALICE)].debt(0));
        let wealthy = wealth(&world.ledger, &[MALLORY]);
        let asked = owed.get().saturating_add(extra);
        assert_eq!(repay(&mut world, MALLORY, ALICE, 1, asked), Ok(owed));
        let after = accrued(&world, 1);
        assert_eq!(after.record().index, before.record().index);
        assert_eq!(after.pool(), before.pool());
        assert_eq!(after.record().cash.get(), before.record().cash.get() + owed.get());
        // Around what whole numbers of virtual shares are worth.
        for factor in 1..300_u128 {
            let price = accrued(&world, 1).pool().share_price().get();
            for amount in [factor * price / WAD, factor * price / WAD + 1, factor] {
                let paid = deposit(&mut world, MALLORY, 1, amount.max(1))
                    .and_then(|_| redeem_all(&mut world, MALLORY, 1));
                assert!(paid.unwrap_or_default().get() <= amount.max(1));
            }
        }
        assert!(wealth(&world.ledger, &[MALLORY]) < wealthy);
        sound(&world);
    }
}

/// S-20 (Silo): the only supplier of a little donates and borrows the donation, so that utilisation is far above one and
/// the rate with it. What was donated is not lent, utilisation ends at one and the rate at the model's highest.
#[test]
fn reg_s20_borrowing_what_was_donated() {
    let mut world = World::new(&[6, 18], 1);
    deposit(&mut world, MALLORY, 1, unit(6)).unwrap();
    pledge(&mut world, FRIEND, 2, 10_000 * unit(18));
    let before = wealth(&world.ledger, &[MALLORY, FRIEND]);
    donate(&mut world, MALLORY, vault(1), 5_000 * unit(6));
    let dry = refused(borrow(&mut world, FRIEND, 1, unit(6) + 1));
    let asked = Assets::new(unit(6) + 1);
    assert_eq!(dry, Error::Illiquid { cash: Assets::new(unit(6)), asked });
    borrow(&mut world, FRIEND, 1, unit(6)).unwrap();
    donate(&mut world, MALLORY, vault(1), 5_000 * unit(6));
    let highest = accrued(&world, 1).record().model.rate(Wad::ONE);
    for _ in 0..12 {
        world.pass(30 * 86_400);
        let vault = accrued(&world, 1);
        assert!(vault.utilisation() <= Wad::ONE);
        assert!(vault.borrow_rate() <= highest);
    }
    // A year at 306 % and no more: the lender's claim is what the debt grew by.
    let claim = worth(&world, MALLORY, 1);
    assert!(claim > 10 * unit(6) && claim < 25 * unit(6), "{claim}");
    assert!(wealth(&world.ledger, &[MALLORY, FRIEND]) < before);
    sound(&world);
}

/// O-02 (Harvest): enter a vault at one price and leave it at another. A vault's share says what was lent and what is owed,
/// in its own asset: no price is in it. Catches a total that is valued by a feed.
#[test]
fn reg_o02_entering_and_leaving_around_a_skew() {
    for feed in [1, 2] {
        for (entry, exit) in [(1, 10_000), (10_000, 1), (99, 101), (50, 200)] {
            let mut world = indebted([6, 18]);
            let share = |world: &World| accrued(world, 1).pool().share_price();
            let (before, price) = (world.held(Token::Asset(asset(1)), MALLORY), share(&world));
            for _ in 0..20 {
                world.set_price(feed, WAD * entry);
                deposit(&mut world, MALLORY, 1, 777 * unit(6)).unwrap();
                assert_eq!(share(&world), price);
                world.set_price(feed, WAD * exit);
                redeem_all(&mut world, MALLORY, 1).unwrap();
                assert_eq!(share(&world), price);
            }
            assert!(world.held(Token::Asset(asset(1)), MALLORY) <= before);
            sound(&world);
        }
    }
}

/// C-22 (Chi Protocol): one direction is priced by the market, the other at par. Here both directions of each pair are one
/// number: in and out of a vault, drawing and repaying, and a liquidation paid in the asset or in shares of it.
#[test]
fn reg_c22_both_directions_have_one_price() {
    for dollars in [30, 97, 100, 105] {
        let mut world = indebted([6, 18]);
        deposit(&mut world, MALLORY, 1, 500 * unit(6)).unwrap();
        pledge(&mut world, MALLORY, 2, 500 * unit(18));
        world.set_price(1, dollars * WAD);
        let coins = |world: &World| world.held(Token::Asset(asset(1)), MALLORY);
        let before = coins(&world);
        deposit(&mut world, MALLORY, 1, 10 * unit(6)).unwrap();
        let exit = Exit { receiver: MALLORY, owner: MALLORY };
        let out = Assets::new(10 * unit(6));
        let l = &mut world.ledger;
        let paid = l.atomically(|l| lending::withdraw(l, MALLORY, vault(1), out, exit));
        assert!(paid.is_ok() && coins(&world) == before);
        borrow(&mut world, MALLORY, 1, 10 * unit(6)).unwrap();
        assert_eq!(coins(&world), before + 10 * unit(6));
        repay(&mut world, MALLORY, MALLORY, 1, u128::MAX).unwrap();
        assert!(coins(&world) <= before && coins(&world) + 1 >= before);
        // Alice's collateral falls until somebody may pay for it, either way.
        world.set_price(2, dollars * WAD * 9 / 10);
        let takes = |payment: Payment| {
            let mut world = world.clone();
            let asked = Liquidation {
                vault: vault(1),
                asset: asset(2),
                max_repay: Assets::MAX,
                receiver: MALLORY,
                payment,
            };
            let l = &mut world.ledger;
            let plan =
                l.atomically(|l| liquidation::liquidate(l, MALLORY, &of(ALICE), &asked)).unwrap();
            let claims = coins(&world) + worth(&world, MALLORY, 1);
            (plan.repaid(), plan.seized(), claims)
        };
        let (assets, shares) = (takes(Payment::Assets), takes(Payment::Shares));
        assert_eq!((assets.0, assets.1), (shares.0, shares.1));
        assert!(shares.2 <= assets.2 && assets.2 - shares.2 <= 2, "{assets:?} {shares:?}");
    }
}

/// F-02 (Raft): where an index is large, dust mints a share for nothing, many times. Shares are rounded down, their cost
/// up. Catches minting rounded up.
#[test]
fn reg_f02_shares_for_dust() {
    for exponent in 0..=30_u32 {
        let assets = 10_u128.pow(exponent);
        for shares in [1_000_000, 1_000_003, 10_u128.pow(18)] {
            let pool = Pool { assets: Assets::new(assets), shares: Shares::new(shares) };
            let exact = U256::from(shares + 1_000_000) / U256::from(assets + 1);
            assert_eq!(U256::from(pool.shares_to_mint(Assets::new(1)).unwrap().get()), exact);
            let cost = U256::from(assets + 1).div_ceil(U256::from(shares + 1_000_000));
            assert_eq!(U256::from(pool.assets_to_collect(Shares::new(1)).unwrap().get()), cost);
        }
    }
    for decimals in [0, 6] {
        let mut world = World::new(&[decimals, 18], 1);
        deposit(&mut world, LENDER, 1, 10 * unit(decimals)).unwrap();
        pledge(&mut world, ALICE, 2, 1_000 * unit(18));
        borrow(&mut world, ALICE, 1, 10 * unit(decimals)).unwrap();
        world.pass(30 * 31_536_000);
        lending::accrue(&mut world.ledger, vault(1)).unwrap();
        assert!(accrued(&world, 1).pool().share_price().get() > 1_000 * WAD, "the index is large");
        repay(&mut world, ALICE, ALICE, 1, u128::MAX).unwrap_or_default();
        let before = wealth(&world.ledger, &[MALLORY]);
        for _ in 0..60 {
            let held = world.held(Token::Asset(asset(1)), MALLORY);
            let l = &mut world.ledger;
            let one = Shares::new(1);
            if let Ok(cost) = l.atomically(|l| lending::mint(l, MALLORY, vault(1), one, MALLORY)) {
                assert!(!cost.is_zero() && world.held(Token::Asset(asset(1)), MALLORY) < held);
            }
        }
        let _worthless_or_not = redeem_all(&mut world, MALLORY, 1);
        assert!(wealth(&world.ledger, &[MALLORY]) <= before);
        sound(&world);
    }
}

/// F-04 (Balancer): balances of a few units, and dozens of operations in a row, each rounding once. Whatever the order,
/// who leaves with everything has no more than they came with. Catches any conversion for the caller.
#[test]
fn reg_f04_long_batches_at_a_few_units() {
    for lent in [1, 2, 3, 7, 50, 999] {
        for seed in 0..40 {
            let mut world = World::new(&[0, 18], 1);
            deposit(&mut world, LENDER, 1, lent).unwrap();
            pledge(&mut world, MALLORY, 2, 10_000 * unit(18));
            let mut dice = Dice(seed * 1_000 + lent as u64);
            let before = world.held(Token::Asset(asset(1)), MALLORY);
            for _ in 0..60 {
                let amount = 1 + u128::from(dice.below(5));
                let exit = Exit { receiver: MALLORY, owner: MALLORY };
                let shares = Shares::new(amount * 700_001);
                let id = vault(1);
                let _refused_or_not = match dice.below(6) {
                    0 => deposit(&mut world, MALLORY, 1, amount).map(drop),
                    1 => borrow(&mut world, MALLORY, 1, amount),
                    2 => repay(&mut world, MALLORY, MALLORY, 1, amount).map(drop),
                    number => world.ledger.atomically(|l| match number {
                        3 => lending::mint(l, MALLORY, id, shares, MALLORY).map(drop),
                        4 => lending::redeem(l, MALLORY, id, shares, exit).map(drop),
                        _ => lending::withdraw(l, MALLORY, id, Assets::new(amount), exit).map(drop),
                    }),
                };
            }
            let _nothing_owed = repay(&mut world, MALLORY, MALLORY, 1, u128::MAX);
            let _nothing_left = redeem_all(&mut world, MALLORY, 1);
            assert!(world.held(Token::Asset(asset(1)), MALLORY) <= before, "{lent} {seed}");
            sound(&world);
        }
    }
}
