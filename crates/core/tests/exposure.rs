//! Exposure: what backs a vault's debt, by collateral and by what collaterals have in common.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::borrowing::{self, Draw};
use gage_core::curation;
use gage_core::exposure::{
    Exposure, FACTOR_CAPS_MAX, backing, exposure_to_collateral, exposure_to_factor, set_ceiling,
    set_factor_cap, sums_moved_at_most,
};
use gage_core::factor::{FACTOR_ASSETS_MAX, register_factor, tag_asset, untag_asset};
use gage_core::listing::{self, LineTerms, MarketTerms};
use gage_core::market::LINES_MAX;
use gage_core::pause::PAUSE_MAX;
use gage_core::premium::refresh_risk_premium;
use gage_core::protocol::{self, AssetTerms};
use gage_core::{
    AccountId, Address, AssetId, Assets, Bps, Debt, Error, Event, Factor, FactorId, FactorKind,
    FeedId, InterestModel, MarketId, PauseLevel, Stop, Token, WAD, Wad, address, first_loss, pause,
    sweep, token,
};
use world::acts::*;
use world::*;

/// The bridge that carried asset 3 here.
const BRIDGE: FactorId = FactorId::new(1);
/// Units of a whole token of asset 1, which vault 1 lends.
const ONE: u128 = 1_000_000;

/// A lender with 100,000 in vault 1; assets 2 and 3 at 100 dollars like the vault's own, weights 0 and
/// 10 %, asset 3 behind the bridge.
fn bridged() -> World {
    let mut world = World::new(&[6, 18, 18], 1);
    world.weigh([0, 0, 1_000]);
    deposit(&mut world, LENDER, 1, 100_000 * ONE).unwrap();
    let factor = Factor { kind: FactorKind::Bridge, label: label("Bridge") };
    assert_eq!(register_factor(&mut world.ledger, GOVERNANCE, &factor), Ok(BRIDGE));
    tag_asset(&mut world.ledger, GOVERNANCE, asset(3), BRIDGE).unwrap();
    world
}

fn cap_bridge(world: &mut World, tokens: u128) {
    let cap = Some(Assets::new(tokens * ONE));
    set_factor_cap(&mut world.ledger, CURATOR, vault(1), BRIDGE, cap).unwrap();
}

fn ceiling(world: &mut World, what: u32, tokens: u128) {
    let cap = Some(Assets::new(tokens * ONE));
    set_ceiling(&mut world.ledger, CURATOR, (MARKET, vault(1)), asset(what), cap).unwrap();
}

/// In units: what the bridge backs, and what of that is not tracked.
fn behind_bridge(world: &mut World) -> [u128; 2] {
    let found = exposure_to_factor(&mut world.ledger, vault(1), BRIDGE).unwrap();
    [found.amount.get(), found.untracked.get()]
}

fn parts(world: &mut World, who: Address) -> Vec<(u32, u16)> {
    let parts = backing(&mut world.ledger, &of(who)).unwrap();
    parts.into_iter().map(|(asset, part)| (asset.get(), part.get())).collect()
}

fn supply(world: &mut World, who: Address, what: u32, tokens: u128) -> Result<(), Stop> {
    let amount = Assets::new(tokens * unit(18));
    let l = &mut world.ledger;
    l.atomically(|l| borrowing::supply_collateral(l, who, &of(who), asset(what), amount))
}

fn draw_in(
    world: &mut World,
    (market, who, sub): (MarketId, Address, u32),
    amount: u128,
) -> Result<(), Stop> {
    let draw = Draw { market, sub, vault: vault(1), amount: Assets::new(amount), receiver: who };
    world.ledger.atomically(|l| borrowing::borrow(l, who, &draw))
}

/// Another market that lists vault 1.
fn another_market(world: &mut World) -> MarketId {
    let terms = MarketTerms {
        target_health: Wad::new(WAD * 105 / 100),
        full_bonus_health: Wad::new(WAD * 9 / 10),
    };
    let market = listing::create_market(&mut world.ledger, OWNER, &terms).unwrap();
    let line = LineTerms { feed: FeedId::new(1), min_debt: Assets::new(1) };
    listing::list_vault(&mut world.ledger, OWNER, market, vault(1), &line).unwrap();
    market
}

/// SOL-5: a vault knows its lines, as its curator opened them; nobody else fills the list, and a
/// closed line leaves it.
#[test]
fn a_vault_knows_its_lines() {
    let mut world = World::new(&[6, 18], 1);
    let markets: Vec<_> = (0..LINES_MAX).map(|_| another_market(&mut world)).collect();
    assert_eq!(world.ledger.vault_lines[&vault(1)], [MARKET], "listing opens nothing");
    let open = |world: &mut World, market, cap| {
        let cap = Assets::new(cap);
        let l = &mut world.ledger;
        l.atomically(|l| curation::set_line_cap(l, CURATOR, vault(1), market, cap))
    };
    for market in &markets[1..] {
        open(&mut world, *market, 5).unwrap();
        open(&mut world, *market, 6).unwrap();
    }
    assert_eq!(world.ledger.vault_lines[&vault(1)].len(), LINES_MAX);
    let full = refused(open(&mut world, markets[0], 1));
    assert_eq!(full, Error::TooManyLines { vault: vault(1), most: 32 });
    open(&mut world, markets[0], 0).unwrap();
    sound(&world);
    open(&mut world, markets[9], 0).unwrap();
    open(&mut world, markets[0], 1).unwrap();
    assert_eq!(world.ledger.vault_lines[&vault(1)].last(), Some(&markets[0]));
    // A line that is owed something stays known, whatever its cap.
    deposit(&mut world, LENDER, 1, 100 * unit(6)).unwrap();
    pledge(&mut world, ALICE, 2, unit(18));
    borrow(&mut world, ALICE, 1, unit(6) / 2).unwrap();
    open(&mut world, MARKET, 0).unwrap();
    assert!(world.ledger.vault_lines[&vault(1)].contains(&MARKET));
    repay(&mut world, ALICE, ALICE, 1, u128::MAX).unwrap();
    open(&mut world, MARKET, 0).unwrap();
    assert!(!world.ledger.vault_lines[&vault(1)].contains(&MARKET));
    sound(&world);
}

/// Best first, the order of the premium: what backs a debt follows what its owner does, and the sums
/// follow what backs it, to the unit and with interest.
#[test]
fn debts_are_attributed_best_first() {
    let mut world = bridged();
    ceiling(&mut world, 3, 5_000);
    pledge(&mut world, ALICE, 3, 500 * unit(18));
    borrow(&mut world, ALICE, 1, 300 * ONE).unwrap();
    assert_eq!(parts(&mut world, ALICE), [(3, 10_000)]);
    assert_eq!(behind_bridge(&mut world), [300 * ONE, 0]);
    // Better collateral takes over as far as it reaches.
    supply(&mut world, ALICE, 2, 225).unwrap();
    assert_eq!(parts(&mut world, ALICE), [(2, 7_500), (3, 2_500)]);
    assert_eq!(behind_bridge(&mut world), [75 * ONE, 0]);
    release(&mut world, ALICE, 2, 75 * unit(18)).unwrap();
    assert_eq!(behind_bridge(&mut world), [150 * ONE, 0]);
    // A repayment is of all parts alike, a refresh attributes anew.
    repay(&mut world, FRIEND, ALICE, 1, 200 * ONE).unwrap();
    assert_eq!(behind_bridge(&mut world), [50 * ONE, 0]);
    refresh_risk_premium(&mut world.ledger, &of(ALICE)).unwrap();
    assert_eq!(parts(&mut world, ALICE), [(2, 10_000)]);
    assert_eq!(behind_bridge(&mut world), [0, 0]);
    // A price moves nothing until somebody acts on it; interest grows the parts.
    borrow(&mut world, ALICE, 1, 100 * ONE).unwrap();
    let [before, _] = behind_bridge(&mut world);
    assert_eq!(before, 50 * ONE);
    world.report(2, 10 * WAD).unwrap();
    world.pass(31_536_000);
    let [after, _] = behind_bridge(&mut world);
    assert!(before < after && after < before * 11 / 10, "{after}");
    sound(&world);
    // Nothing is left of it after the last unit.
    world.report_all_again();
    repay(&mut world, FRIEND, ALICE, 1, u128::MAX).unwrap();
    assert!(world.ledger.exposures.is_empty());
    assert!(world.ledger.accounts[&of(ALICE)].backing.is_empty());
    sound(&world);
}

/// An account's debts to several vaults are backed by the same parts; each vault's caps are its own.
#[test]
fn each_vault_has_its_own_exposure() {
    let mut world = World::new(&[6, 18, 18], 2);
    deposit(&mut world, LENDER, 1, 1_000 * ONE).unwrap();
    deposit(&mut world, LENDER, 2, 1_000 * unit(18)).unwrap();
    ceiling(&mut world, 3, 60);
    pledge(&mut world, ALICE, 3, 400 * unit(18));
    borrow(&mut world, ALICE, 2, 100 * unit(18)).unwrap();
    assert_eq!(world.ledger.accounts[&of(ALICE)].tracked, 0, "vault 2 tracks nothing");
    borrow(&mut world, ALICE, 1, 60 * ONE).unwrap();
    assert_eq!(world.ledger.accounts[&of(ALICE)].tracked, 1);
    let more = refused(borrow(&mut world, ALICE, 1, 1));
    let (most, would) = (Assets::new(60 * ONE), Assets::new(60 * ONE + 1));
    assert_eq!(more, Error::CeilingExceeded { vault: vault(1), asset: asset(3), most, would });
    borrow(&mut world, ALICE, 2, 50 * unit(18)).unwrap();
    let line = (MARKET, vault(2));
    let cap = Some(Assets::new(150 * unit(18)));
    set_ceiling(&mut world.ledger, CURATOR, line, asset(3), cap).unwrap();
    let found = exposure_to_collateral(&mut world.ledger, line, asset(3)).unwrap();
    let all = Assets::new(150 * unit(18));
    assert_eq!(found, Exposure { amount: all, untracked: all, cap });
    refresh_risk_premium(&mut world.ledger, &of(ALICE)).unwrap();
    assert_eq!(world.ledger.accounts[&of(ALICE)].tracked, 3);
    let found = exposure_to_collateral(&mut world.ledger, line, asset(3)).unwrap();
    assert_eq!(found, Exposure { amount: all, untracked: Assets::ZERO, cap });
    // Two debts, one collateral: by line and asset, by asset, by line, by vault.
    assert_eq!(sums_moved_at_most(&mut world.ledger, &of(ALICE)), Ok(8));
    assert_eq!(world.ledger.exposures.len(), 8);
    assert_eq!(sums_moved_at_most(&mut world.ledger, &of(FRIEND)), Ok(0));
    sound(&world);
}

/// D-08, SC-06: most of a forged batch of a bridged asset is pledged within half an hour, by as many accounts
/// as the thief likes, and as much borrowed as the vault gives. When the forgery is known and the asset
/// worth nothing, the vault has lost what the bridge's cap was, to the unit, and no more.
#[test]
fn reg_d08_a_forged_batch_costs_the_bridge_s_cap() {
    let mut world = bridged();
    // Without interest, which is on top of what was lent, the bound is exact.
    let kink = Bps::new(8_000);
    let free = InterestModel::Kinked { base: 0, slope1: 0, slope2: 0, kink };
    curation::set_model(&mut world.ledger, CURATOR, vault(1), free).unwrap();
    cap_bridge(&mut world, 2_000);
    // An honest borrower on the same bridge, and one on other collateral.
    pledge(&mut world, ALICE, 3, 1_000 * unit(18));
    borrow(&mut world, ALICE, 1, 400 * ONE).unwrap();
    pledge(&mut world, FRIEND, 2, 1_000 * unit(18));
    borrow(&mut world, FRIEND, 1, 700 * ONE).unwrap();
    let forged = Assets::new(116_500 * unit(18));
    token::mint(&mut world.ledger, ISSUER, asset(3), MALLORY, forged).unwrap();
    let mut stolen = 0;
    // 18 accounts, a batch every hundred seconds, 4,854 tokens each: 75 % of what was forged.
    for sub in 0..18 {
        world.pass(100);
        let id = AccountId { market: MARKET, owner: MALLORY, sub };
        let amount = Assets::new(116_500 * unit(18) / 24);
        borrowing::supply_collateral(&mut world.ledger, MALLORY, &id, asset(3), amount).unwrap();
        let mut step = 2_048 * ONE;
        while step > 0 {
            match draw_in(&mut world, (MARKET, MALLORY, sub), step) {
                Ok(()) => stolen += step,
                Err(Stop::Refused(
                    Error::FactorCapExceeded { .. } | Error::DebtBelowMinimum { .. },
                )) => step /= 2,
                other => panic!("{other:?}"),
            }
        }
    }
    let [exposed, untracked] = behind_bridge(&mut world);
    assert!(exposed <= 2_000 * ONE && untracked == 0, "{exposed}");
    // The cap is used but for less than the least debt that a new account may have.
    assert!(stolen + 400 * ONE > 2_000 * ONE - 2 * world.dust(asset(1)), "{stolen}");
    assert!(stolen + 400 * ONE <= 2_000 * ONE);
    sound(&world);
    // Found out: the asset is worth next to nothing, nobody buys it, every account is closed.
    world.report(3, 2).unwrap();
    let owed = exposure_to_factor(&mut world.ledger, vault(1), BRIDGE).unwrap().amount.get();
    world.ledger.events.clear();
    let ids: Vec<_> = world.ledger.accounts.keys().copied().collect();
    let mut paid = 0;
    for id in ids.into_iter().filter(|id| id.owner != FRIEND) {
        if !world.ledger.accounts[&id].has_debt() {
            continue;
        }
        let asked = gage_core::liquidation::Liquidation {
            vault: vault(1),
            asset: asset(3),
            max_repay: Assets::MAX,
            receiver: LENDER,
            payment: gage_core::liquidation::Payment::Assets,
        };
        let l = &mut world.ledger;
        let plan = gage_core::liquidation::liquidate(l, LENDER, &id, &asked).unwrap();
        paid += plan.repaid().get();
    }
    let losses = world.ledger.events.iter().filter_map(|event| match event {
        Event::LossRealised { shortfall, .. } => Some(shortfall.get()),
        _ => None,
    });
    let lost: u128 = losses.sum();
    assert_eq!(lost + paid, owed, "all of it, and nothing else");
    assert!(lost <= 2_000 * ONE, "D-08: BOUNDED by the cap: {lost}");
    assert_eq!(behind_bridge(&mut world), [0, 0]);
    sound(&world);
    // The others go on, and lenders take out what is there.
    borrow(&mut world, FRIEND, 1, 40 * ONE).unwrap();
    assert!(redeem_all(&mut world, LENDER, 1).is_err(), "some of it is lent to Friend");
    repay(&mut world, FRIEND, FRIEND, 1, u128::MAX).unwrap();
    let back = redeem_all(&mut world, LENDER, 1).unwrap().get();
    assert!(back + 2_000 * ONE >= 100_000 * ONE, "{back}");
    sound(&world);
}

/// What `docs/exposure.md` tells of a forged bridge message, in its numbers.
#[test]
fn the_worked_example_of_the_documentation() {
    let mut world = bridged();
    // 8,000 of 100,000 at most behind the bridge, 5,000 of them in this market on this asset.
    cap_bridge(&mut world, 8_000);
    ceiling(&mut world, 3, 5_000);
    pledge(&mut world, ALICE, 2, 3_000 * unit(18));
    supply(&mut world, ALICE, 3, 2_000).unwrap();
    borrow(&mut world, ALICE, 1, 3_600 * ONE).unwrap();
    // 3,000 of 3,600 are backed by the better collateral, in basis points rounded down.
    assert_eq!(parts(&mut world, ALICE), [(2, 8_333), (3, 1_667)]);
    assert_eq!(behind_bridge(&mut world), [600_120_000, 0]);
    // The forger pledges 89,567 tokens, worth 8,956,700 dollars, and gets what the ceiling leaves.
    let forged = Assets::new(116_500 * unit(18));
    token::mint(&mut world.ledger, ISSUER, asset(3), MALLORY, forged).unwrap();
    supply(&mut world, MALLORY, 3, 89_567).unwrap();
    let (most, would) = (Assets::new(5_000 * ONE), Assets::new(67_775_370_000));
    let all = refused(borrow(&mut world, MALLORY, 1, 67_175_250_000));
    assert_eq!(all, Error::CeilingExceeded { vault: vault(1), asset: asset(3), most, would });
    borrow(&mut world, MALLORY, 1, 4_399_880_000).unwrap();
    assert_eq!(behind_bridge(&mut world), [5_000 * ONE, 0]);
    assert!(borrow(&mut world, MALLORY, 1, 1).is_err());
    // Worth nothing, closed by the sweep's write-off: the lenders lose what the forger drew.
    world.report(3, 2).unwrap();
    world.ledger.events.clear();
    liquidate_pair(&mut world, (LENDER, MALLORY), (1, 3), u128::MAX).unwrap();
    let told = world.ledger.events.iter().find_map(|event| match event {
        Event::LossRealised { shortfall, .. } => Some(shortfall.get()),
        _ => None,
    });
    // A second's interest of the price report, less the unit that the keeper paid.
    let lost = told.unwrap();
    assert!(lost.abs_diff(4_399_880_000) < 10, "{lost}");
    sound(&world);
}

/// D-03: one holder's correlated positions in several markets and accounts: the cap is the vault's, over
/// all its lines.
#[test]
fn reg_d03_the_cap_counts_over_all_lines() {
    let mut world = bridged();
    cap_bridge(&mut world, 1_000);
    let second = another_market(&mut world);
    for what in [2, 3] {
        let terms = terms(7_000, 8_000, [400, 1_000], cap(10_000_000, 18), what);
        listing::add_collateral(&mut world.ledger, OWNER, second, asset(what), &terms).unwrap();
    }
    let all = Assets::new(50_000 * ONE);
    curation::set_line_cap(&mut world.ledger, CURATOR, vault(1), second, all).unwrap();
    assert!(world.ledger.lines[&(second, vault(1))].tracked, "lines opened later are tracked too");
    let hold = |world: &mut World, market, owner, sub, what| {
        let id = AccountId { market, owner, sub };
        let amount = Assets::new(2_000 * unit(18));
        let l = &mut world.ledger;
        borrowing::supply_collateral(l, owner, &id, asset(what), amount).unwrap();
    };
    hold(&mut world, MARKET, ALICE, 0, 3);
    hold(&mut world, MARKET, ALICE, 1, 3);
    hold(&mut world, second, ALICE, 0, 3);
    hold(&mut world, second, FRIEND, 0, 3);
    hold(&mut world, second, ALICE, 1, 2);
    draw_in(&mut world, (MARKET, ALICE, 0), 400 * ONE).unwrap();
    draw_in(&mut world, (MARKET, ALICE, 1), 300 * ONE).unwrap();
    let over = |outcome: Result<(), Stop>| {
        matches!(outcome, Err(Stop::Refused(Error::FactorCapExceeded { factor: BRIDGE, .. })))
    };
    assert!(over(draw_in(&mut world, (second, ALICE, 0), 301 * ONE)));
    draw_in(&mut world, (second, ALICE, 0), 200 * ONE).unwrap();
    assert!(over(draw_in(&mut world, (second, FRIEND, 0), 101 * ONE)));
    draw_in(&mut world, (second, FRIEND, 0), 100 * ONE).unwrap();
    assert_eq!(behind_bridge(&mut world), [1_000 * ONE, 0]);
    // Other collateral in the same market draws on.
    draw_in(&mut world, (second, ALICE, 1), 500 * ONE).unwrap();
    assert_eq!(behind_bridge(&mut world), [1_000 * ONE, 0]);
    // Room that one market leaves is the other's.
    let id = AccountId { market: MARKET, owner: ALICE, sub: 1 };
    let amount = Assets::new(300 * ONE);
    borrowing::repay(&mut world.ledger, ALICE, &id, vault(1), amount).unwrap();
    draw_in(&mut world, (second, FRIEND, 0), 300 * ONE).unwrap();
    sound(&world);
}

/// C-18: no allocation to a market that stands still, however little it does; out of one, always.
#[test]
fn reg_c18_no_allocation_to_a_restricted_market() {
    let mut world = bridged();
    let set = |world: &mut World, tokens: u128| {
        let cap = Assets::new(tokens * ONE);
        world.ledger.atomically(|l| curation::set_line_cap(l, CURATOR, vault(1), MARKET, cap))
    };
    for level in [PauseLevel::Restricted, PauseLevel::Frozen] {
        set(&mut world, 1_000).unwrap();
        pause::set_pause(&mut world.ledger, GUARDIAN, MARKET, level).unwrap();
        let more = refused(set(&mut world, 1_001));
        let until = world.ledger.now.after(PAUSE_MAX.into());
        assert_eq!(more, Error::MarketPaused { market: MARKET, level, until });
        set(&mut world, 1_000).unwrap();
        set(&mut world, 500).unwrap();
        assert!(matches!(refused(set(&mut world, 501)), Error::MarketPaused { .. }));
        set(&mut world, 0).unwrap();
        assert!(matches!(refused(set(&mut world, 1)), Error::MarketPaused { .. }));
        pause::set_pause(&mut world.ledger, OWNER, MARKET, PauseLevel::Open).unwrap();
    }
    set(&mut world, 2_000).unwrap();
    sound(&world);
}

/// S-12: caps count what the engine wrote: tokens sent to the vault or the market, shares given away
/// and collateral that backs nothing neither use a cap nor free one.
#[test]
fn reg_s12_donations_neither_use_nor_free_a_cap() {
    let mut world = bridged();
    cap_bridge(&mut world, 500);
    ceiling(&mut world, 3, 500);
    pledge(&mut world, ALICE, 3, 1_000 * unit(18));
    borrow(&mut world, ALICE, 1, 420 * ONE).unwrap();
    let exposures = world.ledger.exposures.clone();
    let give = |world: &mut World, what, to, amount| {
        let token = Token::Asset(asset(what));
        token::transfer(&mut world.ledger, MALLORY, token, to, amount).unwrap();
    };
    for to in [address::market_custody(), address::custody(vault(1))] {
        give(&mut world, 3, to, 4_000 * unit(18));
        give(&mut world, 1, to, 4_000 * ONE);
    }
    // Collateral without debt counts for nothing, five times the cap or not.
    supply(&mut world, MALLORY, 3, 2_500).unwrap();
    assert_eq!(world.ledger.exposures, exposures);
    assert_eq!(behind_bridge(&mut world), [420 * ONE, 0]);
    // A higher price allows more debt, not more behind the bridge.
    world.report(3, 500 * WAD).unwrap();
    assert!(borrow(&mut world, ALICE, 1, 81 * ONE).is_err());
    assert!(borrow(&mut world, MALLORY, 1, 81 * ONE).is_err());
    borrow(&mut world, MALLORY, 1, 79 * ONE).unwrap();
    sound(&world);
}

/// Filling a cap is a loan like any other: it takes collateral and costs interest, keeps nobody from
/// repaying, releasing, topping up, liquidating or withdrawing, and nobody with other collateral from
/// borrowing.
#[test]
fn a_full_cap_closes_no_exit() {
    let mut world = bridged();
    cap_bridge(&mut world, 1_000);
    pledge(&mut world, ALICE, 3, 1_000 * unit(18));
    borrow(&mut world, ALICE, 1, 300 * ONE).unwrap();
    pledge(&mut world, FRIEND, 2, 1_000 * unit(18));
    borrow(&mut world, FRIEND, 1, 300 * ONE).unwrap();
    let team = [MALLORY];
    let before = wealth(&world.ledger, &team);
    pledge(&mut world, MALLORY, 3, 1_000 * unit(18));
    borrow(&mut world, MALLORY, 1, 700 * ONE).unwrap();
    assert!(borrow(&mut world, ALICE, 1, ONE).is_err());
    borrow(&mut world, FRIEND, 1, 100 * ONE).unwrap();
    world.pass(604_800);
    world.report_all_again();
    // The sum has grown above its cap by interest. Everything but growth goes on.
    assert!(behind_bridge(&mut world)[0] > 1_000 * ONE);
    repay(&mut world, ALICE, ALICE, 1, 100 * ONE).unwrap();
    release(&mut world, ALICE, 3, 100 * unit(18)).unwrap();
    repay(&mut world, ALICE, ALICE, 1, u128::MAX).unwrap();
    release(&mut world, ALICE, 3, u128::MAX).unwrap();
    repay(&mut world, FRIEND, FRIEND, 1, u128::MAX).unwrap();
    release(&mut world, FRIEND, 2, u128::MAX).unwrap();
    redeem_all(&mut world, LENDER, 1).unwrap_err();
    let l = &mut world.ledger;
    let most = gage_core::lending::max_withdraw(l, vault(1), LENDER).unwrap();
    assert!(most > Assets::new(99_000 * ONE));
    // It costs the one who did it a week's interest on 700.
    assert!(wealth(&world.ledger, &team) < before);
    world.report(3, 80 * WAD).unwrap();
    liquidate_pair(&mut world, (LENDER, MALLORY), (1, 3), u128::MAX).unwrap();
    sound(&world);
}

/// A cap below what there is stops growth, and only growth; without it, all is as before.
#[test]
fn a_lowered_cap_stops_growth_only() {
    let mut world = bridged();
    cap_bridge(&mut world, 5_000);
    for who in [ALICE, FRIEND] {
        pledge(&mut world, who, 3, 1_000 * unit(18));
        supply(&mut world, who, 2, 100).unwrap();
        borrow(&mut world, who, 1, 600 * ONE).unwrap();
    }
    assert_eq!(behind_bridge(&mut world)[0], 1_000_080_000);
    cap_bridge(&mut world, 0);
    let stop = refused(borrow(&mut world, ALICE, 1, 1));
    assert!(matches!(stop, Error::FactorCapExceeded { most: Assets::ZERO, .. }));
    // Releasing what backs the debt better would leave more behind the bridge.
    assert!(release(&mut world, ALICE, 2, 50 * unit(18)).is_err());
    release(&mut world, ALICE, 3, 100 * unit(18)).unwrap();
    repay(&mut world, ALICE, ALICE, 1, 400 * ONE).unwrap();
    refresh_risk_premium(&mut world.ledger, &of(ALICE)).unwrap();
    set_factor_cap(&mut world.ledger, CURATOR, vault(1), BRIDGE, None).unwrap();
    assert!(world.ledger.capped_factors.is_empty() && world.ledger.exposure_caps.is_empty());
    borrow(&mut world, ALICE, 1, 300 * ONE).unwrap();
    sound(&world);
}

/// A supply is checked where it is a choice: collateral that an account within its limit adds must not
/// take a cap's room that is not there. What an account needs is taken, and so is anything while no
/// price says what it backs (HLT-6).
#[test]
fn needed_collateral_is_never_refused() {
    let mut world = bridged();
    // Asset 3 counts before asset 2 now.
    world.weigh([0, 1_000, 0]);
    cap_bridge(&mut world, 100);
    pledge(&mut world, ALICE, 2, 200 * unit(18));
    borrow(&mut world, ALICE, 1, 140 * ONE).unwrap();
    let before = world.ledger.clone();
    let (most, would) = (Assets::new(100 * ONE), Assets::new(140 * ONE));
    assert_eq!(
        refused(supply(&mut world, ALICE, 3, 140)),
        Error::FactorCapExceeded { vault: vault(1), factor: BRIDGE, most, would }
    );
    assert_eq!(world.ledger, before, "nothing lost");
    supply(&mut world, ALICE, 3, 100).unwrap();
    assert!(behind_bridge(&mut world)[0] <= 100 * ONE);
    release(&mut world, ALICE, 3, u128::MAX).unwrap();
    // 140 owed, 150 allowed at 100 dollars, 142.5 at 95, 139.5 at 93.
    world.report(2, 93 * WAD).unwrap();
    supply(&mut world, ALICE, 3, 120).unwrap();
    assert!(behind_bridge(&mut world)[0] > 100 * ONE);
    sound(&world);
    world.pass(8_000);
    let kept = parts(&mut world, ALICE);
    supply(&mut world, ALICE, 3, 100).unwrap();
    assert_eq!(parts(&mut world, ALICE), kept);
    repay(&mut world, ALICE, ALICE, 1, u128::MAX).unwrap();
    sound(&world);
}

/// Debt from before the first cap counts in full against what its market lists, and no other market's,
/// until its account acts or anyone refreshes it.
#[test]
fn untracked_debt_counts_in_full() {
    let mut world = bridged();
    let second = another_market(&mut world);
    let limits = terms(7_000, 8_000, [400, 1_000], cap(10_000_000, 18), 2);
    listing::add_collateral(&mut world.ledger, OWNER, second, asset(2), &limits).unwrap();
    let all = Assets::new(50_000 * ONE);
    curation::set_line_cap(&mut world.ledger, CURATOR, vault(1), second, all).unwrap();
    let id = AccountId { market: second, owner: FRIEND, sub: 0 };
    let amount = Assets::new(1_000 * unit(18));
    borrowing::supply_collateral(&mut world.ledger, FRIEND, &id, asset(2), amount).unwrap();
    draw_in(&mut world, (second, FRIEND, 0), 700 * ONE).unwrap();
    pledge(&mut world, ALICE, 2, 1_000 * unit(18));
    borrow(&mut world, ALICE, 1, 500 * ONE).unwrap();
    pledge(&mut world, MALLORY, 3, 1_000 * unit(18));
    borrow(&mut world, MALLORY, 1, 200 * ONE).unwrap();
    // Without a cap nobody keeps it: all that this market owes, for all that is known.
    assert_eq!(behind_bridge(&mut world), [700 * ONE; 2]);
    cap_bridge(&mut world, 600);
    assert_eq!(behind_bridge(&mut world), [700 * ONE; 2]);
    assert!(world.ledger.exposures.is_empty());
    assert!(borrow(&mut world, MALLORY, 1, ONE).is_err(), "700 of 600");
    // Alice's turns out not to be behind the bridge.
    refresh_risk_premium(&mut world.ledger, &of(ALICE)).unwrap();
    assert_eq!(behind_bridge(&mut world), [200 * ONE; 2]);
    borrow(&mut world, MALLORY, 1, 400 * ONE).unwrap();
    assert_eq!(behind_bridge(&mut world), [600 * ONE, 0]);
    // The other market lists nothing of it; when it does, its untracked debt counts at once.
    let bridge = terms(7_000, 8_000, [400, 1_000], cap(10_000_000, 18), 3);
    listing::add_collateral(&mut world.ledger, OWNER, second, asset(3), &bridge).unwrap();
    assert_eq!(behind_bridge(&mut world), [1_300 * ONE, 700 * ONE]);
    // A repayment of untracked debt lowers it without being told.
    let part = Assets::new(300 * ONE);
    borrowing::repay(&mut world.ledger, FRIEND, &id, vault(1), part).unwrap();
    assert_eq!(behind_bridge(&mut world), [1_000 * ONE, 400 * ONE]);
    refresh_risk_premium(&mut world.ledger, &id).unwrap();
    assert_eq!(behind_bridge(&mut world), [600 * ONE, 0]);
    sound(&world);
}

/// Debt that counted in full while it was untracked has not grown when its account first acts: a cap
/// that it is above already keeps nobody from releasing what the debt does not need.
#[test]
fn tracking_an_old_debt_is_no_growth() {
    let mut world = bridged();
    pledge(&mut world, ALICE, 3, 1_000 * unit(18));
    borrow(&mut world, ALICE, 1, 400 * ONE).unwrap();
    cap_bridge(&mut world, 0);
    ceiling(&mut world, 3, 0);
    release(&mut world, ALICE, 3, 100 * unit(18)).unwrap();
    assert_eq!(behind_bridge(&mut world), [400 * ONE, 0]);
    assert!(borrow(&mut world, ALICE, 1, 1).is_err());
    sound(&world);
}

/// A tag counts from the moment it is written, for debt that is there already; several assets share a
/// factor, one asset has one of each kind.
#[test]
fn a_tag_counts_at_once() {
    let mut world = bridged();
    cap_bridge(&mut world, 500);
    pledge(&mut world, ALICE, 2, 1_000 * unit(18));
    borrow(&mut world, ALICE, 1, 400 * ONE).unwrap();
    pledge(&mut world, FRIEND, 3, 1_000 * unit(18));
    borrow(&mut world, FRIEND, 1, 200 * ONE).unwrap();
    assert_eq!(behind_bridge(&mut world), [200 * ONE, 0]);
    tag_asset(&mut world.ledger, GOVERNANCE, asset(2), BRIDGE).unwrap();
    assert_eq!(behind_bridge(&mut world), [600 * ONE, 0]);
    assert!(
        borrow(&mut world, ALICE, 1, ONE).is_err() && borrow(&mut world, FRIEND, 1, ONE).is_err()
    );
    // Moving debt from one asset of the factor to another is no growth of it.
    supply(&mut world, ALICE, 3, 1_000).unwrap();
    release(&mut world, ALICE, 2, u128::MAX).unwrap();
    assert_eq!(behind_bridge(&mut world), [600 * ONE, 0]);
    let other = Factor { kind: FactorKind::Bridge, label: label("Other bridge") };
    let other = register_factor(&mut world.ledger, GOVERNANCE, &other).unwrap();
    tag_asset(&mut world.ledger, GOVERNANCE, asset(3), other).unwrap();
    assert_eq!(behind_bridge(&mut world), [0, 0], "in place of the first");
    untag_asset(&mut world.ledger, GOVERNANCE, asset(3), FactorKind::Bridge).unwrap();
    assert!(!world.ledger.tags.contains_key(&asset(3)));
    sound(&world);
}

/// V-02, F-03: the kept sums are those of the accounts after every step of loops of single units, with
/// premiums, interest and prices between them; nothing is left when all is repaid.
#[test]
fn reg_v02_reg_f03_sums_of_parts_survive_unit_loops() {
    for (seed, weight) in [(1, 0), (2, 1), (3, 3_333), (4, 50_000)] {
        let mut world = bridged();
        world.weigh([0, weight, 1_000]);
        ceiling(&mut world, 3, 1_000_000);
        cap_bridge(&mut world, 1_000_000);
        let mut dice = Dice(seed);
        for who in [ALICE, FRIEND, MALLORY] {
            pledge(&mut world, who, 2, 333 * unit(18));
            pledge(&mut world, who, 3, 271 * unit(18));
            borrow(&mut world, who, 1, 3 * ONE).unwrap();
        }
        for _ in 0..400 {
            let who = dice.pick(&[ALICE, FRIEND, MALLORY]);
            match dice.below(6) {
                0 => drop(borrow(&mut world, who, 1, 1 + u128::from(dice.below(3)))),
                1 => drop(repay(&mut world, LENDER, who, 1, 1 + u128::from(dice.below(2)))),
                2 => drop(refresh_risk_premium(&mut world.ledger, &of(who))),
                3 => drop(release(&mut world, who, 2, u128::from(dice.below(1 << 60)))),
                4 => drop(borrow(&mut world, who, 1, u128::from(dice.below(40)) * ONE)),
                _ => {
                    world.pass(dice.pick(&[1, 60, 86_400]));
                    world.report_all_again();
                    let price = WAD * u128::from(90 + dice.below(20));
                    world.report(2 + dice.below(2) as u32, price).unwrap();
                }
            }
            sound(&world);
        }
        for who in [ALICE, FRIEND, MALLORY] {
            let _ = repay(&mut world, LENDER, who, 1, u128::MAX);
        }
        assert!(world.ledger.exposures.is_empty(), "{:?}", world.ledger.exposures);
        assert_eq!(world.ledger.vaults[&vault(1)].owed, Debt::ZERO);
        sound(&world);
    }
}

/// A loss with first-loss capital before it, by the sweep's write-off: the sums end with the debt.
#[test]
fn a_written_off_debt_leaves_the_sums() {
    let mut world = bridged();
    cap_bridge(&mut world, 1_000);
    deposit(&mut world, FRIEND, 1, 1_000 * ONE).unwrap();
    let shares = world.held(Token::Share(vault(1)), FRIEND);
    let line = (MARKET, vault(1));
    let l = &mut world.ledger;
    first_loss::stake(l, FRIEND, line, gage_core::Shares::new(shares)).unwrap();
    pledge(&mut world, ALICE, 3, 500 * unit(18));
    supply(&mut world, ALICE, 2, 100).unwrap();
    borrow(&mut world, ALICE, 1, 400 * ONE).unwrap();
    // As between a sale of everything and its write-off: no collateral is left, the debt is.
    let account = world.ledger.accounts.get_mut(&of(ALICE)).unwrap();
    for pledge in core::mem::take(&mut account.collaterals) {
        let what = AssetId::new(u32::from(pledge.index) + 1);
        let terms = world.ledger.collaterals.get_mut(&(MARKET, what)).unwrap();
        terms.total = terms.total.sub(pledge.amount).unwrap();
    }
    assert_eq!(behind_bridge(&mut world)[0], 300 * ONE);
    sweep::write_off(&mut world.ledger, &of(ALICE)).unwrap();
    assert!(world.ledger.exposures.is_empty() && world.ledger.accounts.is_empty());
    sound(&world);
}

/// AUT-1: factors and tags are governance's, caps the curator's; lists are bounded; unknown things are
/// named.
#[test]
fn who_may_say_what_and_how_much() {
    let mut world = bridged();
    let l = &mut world.ledger;
    let factor = Factor { kind: FactorKind::Issuer, label: label("Mint") };
    for who in [ISSUER, OWNER, CURATOR, GUARDIAN, MALLORY] {
        for outcome in [
            l.atomically(|l| register_factor(l, who, &factor).map(|_| ())),
            l.atomically(|l| tag_asset(l, who, asset(3), BRIDGE)),
            l.atomically(|l| untag_asset(l, who, asset(3), FactorKind::Bridge)),
        ] {
            assert!(matches!(refused(outcome), Error::NotAuthorised { .. }));
        }
    }
    let some = Some(Assets::new(1));
    for who in [ISSUER, OWNER, GOVERNANCE, MALLORY] {
        let cap = l.atomically(|l| set_factor_cap(l, who, vault(1), BRIDGE, some));
        assert!(matches!(refused(cap), Error::NotAuthorised { .. }));
        let cap = l.atomically(|l| set_ceiling(l, who, (MARKET, vault(1)), asset(3), some));
        assert!(matches!(refused(cap), Error::NotAuthorised { .. }));
    }
    let nameless = Factor { label: label(""), ..factor };
    let unnamed = l.atomically(|l| register_factor(l, GOVERNANCE, &nameless));
    assert!(matches!(refused(unnamed), Error::InvalidParameter { name: "label", .. }));
    let unknown = FactorId::new(9);
    let missing = Error::UnknownFactor { factor: unknown };
    assert_eq!(refused(l.atomically(|l| tag_asset(l, GOVERNANCE, asset(3), unknown))), missing);
    let cap = l.atomically(|l| set_factor_cap(l, CURATOR, vault(1), unknown, some));
    assert_eq!(refused(cap), missing);
    let nowhere = l.atomically(|l| tag_asset(l, GOVERNANCE, asset(99), BRIDGE));
    assert_eq!(refused(nowhere), Error::UnknownAsset { asset: asset(99) });
    let huge = Some(Assets::MAX);
    let cap = l.atomically(|l| set_factor_cap(l, CURATOR, vault(1), BRIDGE, huge));
    assert!(matches!(refused(cap), Error::InvalidParameter { name: "exposure cap", .. }));
    let cap = l.atomically(|l| set_ceiling(l, CURATOR, (MARKET, vault(1)), asset(99), some));
    assert!(matches!(refused(cap), Error::CollateralNotListed { .. }));
    let no_line = MarketId::new(7);
    let cap = l.atomically(|l| set_ceiling(l, CURATOR, (no_line, vault(1)), asset(3), some));
    assert!(matches!(refused(cap), Error::CollateralNotListed { .. }));
    // Again is no more than once.
    tag_asset(l, GOVERNANCE, asset(3), BRIDGE).unwrap();
    assert_eq!(l.factor_assets[&BRIDGE], [asset(3)]);
    for _ in 1..FACTOR_ASSETS_MAX {
        let new = AssetTerms { name: label("X"), symbol: label("X"), decimals: 6 };
        let id = protocol::create_asset(l, ISSUER, &new).unwrap();
        tag_asset(l, GOVERNANCE, id, BRIDGE).unwrap();
    }
    let full = refused(l.atomically(|l| tag_asset(l, GOVERNANCE, asset(1), BRIDGE)));
    assert_eq!(full, Error::TooManyTagged { factor: BRIDGE, most: 64 });
    for _ in 0..FACTOR_CAPS_MAX {
        let id = register_factor(l, GOVERNANCE, &factor).unwrap();
        set_factor_cap(l, CURATOR, vault(1), id, some).unwrap();
        set_factor_cap(l, CURATOR, vault(1), id, some).unwrap();
    }
    let full = refused(l.atomically(|l| set_factor_cap(l, CURATOR, vault(1), BRIDGE, some)));
    assert_eq!(full, Error::TooManyFactorCaps { vault: vault(1), most: 32 });
    sound(&world);
}

/// A line without caps writes and keeps what it did before there were any.
#[test]
fn lines_without_caps_keep_nothing() {
    let mut world = bridged();
    pledge(&mut world, ALICE, 3, 500 * unit(18));
    supply(&mut world, ALICE, 2, 100).unwrap();
    borrow(&mut world, ALICE, 1, 300 * ONE).unwrap();
    refresh_risk_premium(&mut world.ledger, &of(ALICE)).unwrap();
    let account = &world.ledger.accounts[&of(ALICE)];
    assert_eq!((account.tracked, account.backing.len()), (0, 0));
    assert!(world.ledger.exposures.is_empty());
    assert_eq!(account.risk_premium, Bps::new(667));
    sound(&world);
}

/// No operation writes an account past the sums of what backs its debts.
#[test]
fn accounts_are_written_in_one_place() {
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    let mut writers = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if std::fs::read_to_string(&path).unwrap().contains(".set_account(") {
                writers.push(path.file_name().unwrap().to_owned());
            }
        }
    }
    assert_eq!(writers, ["exposure.rs"]);
}
