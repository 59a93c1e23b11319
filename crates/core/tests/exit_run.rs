//! The worked example of `docs/exit-queue.md`: a run on a vault that is lent out to the last unit, with
//! a default on the way. The page's tables are printed here, line by line.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use gage_core::liquidation::{self, Liquidation, Payment};
use gage_core::{AccountId, Address, Assets, Event, Token, WAD, borrowing, lending, token};
use world::acts::*;
use world::exits::*;
use world::*;

const DOLLAR: u128 = 1_000_000;
const DORA: Address = Address::repeat_byte(0x31);
const BUYER: Address = Address::repeat_byte(0x32);
const NEWCOMER: Address = Address::repeat_byte(0x33);

fn lender(number: u8) -> Address {
    Address::repeat_byte(0x40 + number)
}

/// Dollars and cents, rounded to the nearest.
fn shown(units: u128) -> String {
    let cents = (units + 5_000) / 10_000;
    let whole = (cents / 100).to_string();
    let mut text = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{text}.{:02}", cents % 100)
}

struct Example {
    world: World,
    /// What each lender received.
    paid: [u128; 10],
    /// On which day each place was filled to its end.
    done: [Option<u64>; 10],
    day: u64,
    lines: Vec<String>,
}

impl Example {
    /// Ten lenders have 1,000 dollars each in the vault; four borrowers have all of it.
    fn new() -> Self {
        let mut world = World::new(&[6, 18, 18], 1);
        world.report(1, WAD).unwrap();
        for number in 1..=10 {
            let whole = Assets::new(1_000 * DOLLAR);
            token::mint(&mut world.ledger, ISSUER, asset(1), lender(number), whole).unwrap();
            deposit(&mut world, lender(number), 1, whole.get()).unwrap();
        }
        let whole = Assets::new(1_000 * unit(18));
        token::mint(&mut world.ledger, ISSUER, asset(3), DORA, whole).unwrap();
        for (who, what, pledged, drawn) in [
            (ALICE, 2, 1_000, 4_000),
            (MALLORY, 2, 1_000, 3_000),
            (FRIEND, 2, 1_000, 2_000),
            (DORA, 3, 14, 1_000),
        ] {
            pledge(&mut world, who, what, pledged * unit(18));
            borrow(&mut world, who, 1, drawn * DOLLAR).unwrap();
        }
        let number = Assets::new(2_000 * DOLLAR);
        token::mint(&mut world.ledger, ISSUER, asset(1), NEWCOMER, number).unwrap();
        Self { world, paid: [0; 10], done: [None; 10], day: 0, lines: Vec::new() }
    }

    fn until(&mut self, day: u64) {
        let start = START + 1_000;
        self.day = day;
        self.world.ledger.now = gage_core::Timestamp::new(start + day * 86_400);
        self.world.report_all_again();
    }

    /// One line of the run's table.
    fn note(&mut self, what: &str) {
        let mut set_aside = 0;
        let events = core::mem::take(&mut self.world.ledger.events);
        for event in events {
            if let Event::ExitsFilled { assets, .. } = event {
                set_aside += assets.get();
            }
        }
        for number in 1..=10_u8 {
            let place = place(number.into());
            let view = gage_core::exits::exit_place(&mut self.world.ledger, place);
            let filled = view.is_ok_and(|view| view.waiting.is_zero());
            let done = &mut self.done[usize::from(number) - 1];
            if filled && done.is_none() {
                *done = Some(self.day);
            }
        }
        let gone = self.done.iter().flatten().count();
        let now = self.world.ledger.now;
        let vault = self.world.ledger.vaults[&vault(1)].accrue(now);
        let yearly = vault.borrow_rate().get() * 31_536_000 / (gage_core::RAY / 10_000);
        let used = vault.utilisation().get() * 100 / WAD;
        self.lines.push(format!(
            "| {} | {what} | {} | {gone} of 10 | {used} % | {} % |",
            self.day,
            shown(set_aside),
            yearly / 100
        ));
        sound(&self.world);
    }

    fn claim(&mut self, number: u8, who: Address) {
        let before = self.world.held(Token::Asset(asset(1)), who);
        claim(&mut self.world, who, number.into()).unwrap();
        let got = self.world.held(Token::Asset(asset(1)), who) - before;
        self.paid[usize::from(number) - 1] += got;
    }
}

/// Dora's collateral falls to `dollars`; a keeper closes her. Returns what the lenders bore.
fn default(world: &mut World, dollars: u128) -> u128 {
    world.report(3, dollars * WAD).unwrap();
    let id = AccountId { market: MARKET, owner: DORA, sub: 0 };
    let asked = Liquidation {
        vault: vault(1),
        asset: asset(3),
        max_repay: Assets::MAX,
        receiver: LENDER,
        payment: Payment::Assets,
    };
    liquidation::liquidate(&mut world.ledger, LENDER, &id, &asked).unwrap();
    let mut told = world.ledger.events.iter();
    let lost = told.find_map(|event| match event {
        Event::LossRealised { from_lenders, .. } => Some(from_lenders.get()),
        _ => None,
    });
    lost.unwrap()
}

/// D-08, SC-11: everybody wants out of a vault without cash; they leave in order while borrowers repay, share a
/// default that comes on the way, and nothing strands.
#[test]
fn a_run_on_full_utilisation() {
    let mut run = Example::new();
    run.note("nothing yet");
    for number in 1..=10 {
        queue_all(&mut run.world, lender(number));
    }
    run.note("all ten ask for everything");
    run.until(1);
    repay(&mut run.world, ALICE, ALICE, 1, 1_500 * DOLLAR).unwrap();
    run.note("Alice repays 1,500");
    run.claim(1, lender(1));
    run.claim(2, lender(2));
    run.until(3);
    repay(&mut run.world, MALLORY, MALLORY, 1, 2_000 * DOLLAR).unwrap();
    run.note("Bob repays 2,000");
    hand_over(&mut run.world, lender(6), 6, (lender(6), BUYER)).unwrap();
    run.until(5);
    let first = gage_core::Shares::new(1_000 * DOLLAR * 1_000_000);
    let worth = |run: &mut Example| {
        let worth = lending::preview_redeem(&mut run.world.ledger, vault(1), first);
        shown(worth.unwrap().get())
    };
    let before = worth(&mut run);
    let lost = default(&mut run.world, 60);
    let after = worth(&mut run);
    run.note("Dora defaults, a keeper pays for her collateral");
    run.until(7);
    deposit(&mut run.world, NEWCOMER, 1, 1_000 * DOLLAR).unwrap();
    run.note("a newcomer deposits 1,000");
    run.until(10);
    repay(&mut run.world, ALICE, ALICE, 1, u128::MAX).unwrap();
    run.note("Alice repays the rest");
    run.until(12);
    repay(&mut run.world, MALLORY, MALLORY, 1, u128::MAX).unwrap();
    run.note("Bob repays the rest");
    repay(&mut run.world, FRIEND, FRIEND, 1, u128::MAX).unwrap();
    run.note("Carl repays all");
    for number in 2..=10_u8 {
        run.claim(number, if number == 6 { BUYER } else { lender(number) });
    }
    // Nothing is left but the newcomer's deposit with its interest, and the reserves.
    assert!(run.world.ledger.places.is_empty());
    assert_eq!(escrow(&run.world), [0, 0]);
    let record = run.world.ledger.vaults[&vault(1)];
    assert!(!record.exits_waiting && record.owed.is_zero());
    let kept = redeem_all(&mut run.world, NEWCOMER, 1).unwrap().get();
    let record = run.world.ledger.vaults[&vault(1)];
    let dust = record.cash.get() - record.reserves.get();
    assert!(record.shares.is_zero() && dust < 20, "{dust}");
    let total: u128 = run.paid.iter().sum();
    assert_eq!(total, run.world.ledger.exit_queues[&vault(1)].paid.get());
    let mut lines = run.lines.clone();
    for (number, (paid, done)) in (1..).zip(run.paid.iter().zip(run.done)) {
        lines.push(format!("| {number} | {} | {} |", shown(*paid), done.unwrap()));
    }
    lines.push(format!("| all | {} | |", shown(total)));
    lines.push(format!("lenders bore {}", shown(lost)));
    lines.push(format!("fall from {before} to {after}"));
    lines.push(format!("the newcomer has {}", shown(kept)));
    lines.push(format!("reserves of {}", shown(record.reserves.get())));
    let page = include_str!("../../../docs/exit-queue.md");
    println!("{}", lines.join("\n"));
    for line in lines {
        assert!(page.contains(&line), "the page lacks: {line}");
    }
    let l = &mut run.world.ledger;
    assert_eq!(lending::max_redeem(l, vault(1), lender(1)).unwrap().get(), 0);
    assert_eq!(borrowing::debt_of(l, &of(ALICE), vault(1)).unwrap(), Assets::ZERO);
}
