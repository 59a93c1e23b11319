//! Random histories of lenders, borrowers and liquidators beside the reference model: each operation is
//! accepted or refused as the model says, for a reason that the model knows, and leaves what it says.
//!
//! `stateful` and `sweeps.rs` have the model beside their histories too, of everything else that happens.
//! `GAGE_SEEDS` and `GAGE_STEPS` lengthen a run, `GAGE_SEED` repeats one seed or names the first.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod beside;
mod world;

use beside::Beside;
use beside::tally::Tally;
use beside::verdict::Act;
use gage_core::groups::{self, GroupTerms, Members};
use gage_core::liquidation::Payment;
use gage_core::{
    AccountId, AssetId, Assets, Bps, Error, FeedId, GroupId, InterestModel, Shares, Stop, Token,
    U256, VaultId, WAD, interest, token,
};
use world::*;

struct Run {
    world: World,
    dice: Dice,
    model: Beside,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let decimals: Vec<u8> = (0..4).map(|_| dice.pick(&[0, 2, 6, 8, 18, 27])).collect();
        let mut world = World::new(&decimals, 2);
        let adaptive = InterestModel::Adaptive { rate_at_target: interest::RATE_AT_TARGET_INITIAL };
        world.add_vault(AssetId::new(1), adaptive);
        world.weigh([0; 4].map(|_| dice.pick(&[0, 1_000, 5_000, 50_000])));
        let mut model = Beside::new(&world.ledger);
        let before = world.ledger.clone();
        let terms = GroupTerms {
            ltv: Bps::new(9_000),
            threshold: Bps::new(9_300),
            bonus_min: Bps::new(100),
            bonus_max: Bps::new(200),
            band: Bps::new(300),
        };
        let assets = [1, 2].map(AssetId::new);
        let vaults = [1, 3].map(VaultId::new);
        let members = Members { collaterals: &assets, vaults: &vaults };
        let named = (label("Alike"), &terms);
        groups::create_group(&mut world.ledger, OWNER, MARKET, named, members).unwrap();
        model.observe(&before, &world.ledger);
        Self { world, dice, model }
    }

    /// Time passes and prices move; all are fresh.
    fn advance(&mut self) {
        let jump = self.dice.pick(&[1, 12, 600, 86_400, 604_800, 31_536_000]);
        let often = self.dice.below(20) == 0;
        self.world.pass(if often { jump } else { jump.min(600) });
        for feed in 1..=self.world.decimals.len() as u32 {
            let id = FeedId::new(feed);
            let old = self.world.ledger.feeds[&id].price.get();
            let percent = match self.dice.below(30) {
                0 => self.dice.pick(&[60, 80, 90, 95]),
                1 => self.dice.pick(&[105, 110, 125, 160]),
                _ => 100,
            };
            let price = (old / 100 * percent).clamp(WAD / 100, 10_000 * WAD);
            self.world.set_price(feed, price);
            self.world.ledger.feeds.get_mut(&id).unwrap().updated_at = self.world.ledger.now;
        }
    }

    fn step(&mut self) {
        self.advance();
        let actor = self.dice.pick(&USERS);
        let sub = self.dice.below(2) as u32;
        let own = AccountId { market: MARKET, owner: actor, sub };
        let act = self.act(actor, own);
        let before = self.world.ledger.clone();
        let outcome = act.run(&mut self.world.ledger, actor);
        self.model.judge(&before, (actor, act), &outcome);
        self.model.offered = match act {
            Act::Liquidate(_, _, most, _) => Some(most.get()),
            _ => None,
        };
        match outcome {
            Err(Stop::Refused(_)) => self.world.ledger = before,
            outcome => {
                outcome.unwrap();
                self.model.observe(&before, &self.world.ledger);
            }
        }
        self.world.ledger.events.clear();
    }

    fn act(&mut self, actor: gage_core::Address, own: AccountId) -> Act {
        let vault = VaultId::new(1 + self.dice.below(self.world.vaults as u64) as u32);
        let asset = AssetId::new(1 + self.dice.below(self.world.decimals.len() as u64) as u32);
        let lent = self.world.ledger.vaults[&vault].asset;
        let funds = self.world.held(Token::Asset(lent), actor);
        let held = self.world.held(Token::Share(vault), actor);
        let cash = self.world.ledger.vaults[&vault].cash.get();
        let assets = |dice: &mut Dice, most: u128| Assets::new(dice.amount(most));
        let dice = &mut self.dice;
        match dice.below(16) {
            0 | 1 => Act::Deposit(vault, assets(dice, funds / 4)),
            2 => Act::Mint(vault, Shares::new(dice.amount(held))),
            3 => Act::Withdraw(vault, assets(dice, cash)),
            4 => Act::Redeem(vault, Shares::new(dice.amount(held))),
            5 => Act::RequestExit(vault, Shares::new(dice.amount(held / 4))),
            6 | 7 => {
                let funds = self.world.held(Token::Asset(asset), actor);
                Act::Supply(own, asset, assets(&mut self.dice, funds / 10))
            }
            8 => {
                let pledged = self.pledged(&own, asset);
                Act::Release(own, asset, assets(&mut self.dice, pledged))
            }
            9..12 => Act::Borrow(own, vault, self.most_to_draw(&own, vault)),
            12 => {
                let id = self.debtor().unwrap_or(own);
                let settled = self.world.settled();
                let debt = gage_core::borrowing::debt_of(&mut settled.clone(), &id, vault);
                Act::Repay(id, vault, assets(&mut self.dice, debt.unwrap().get()))
            }
            13 => Act::Group(own, GroupId::new(self.dice.below(3) as u8)),
            _ => self.liquidation(actor, own, (vault, asset)),
        }
    }

    fn pledged(&self, id: &AccountId, asset: AssetId) -> u128 {
        let account = self.world.ledger.accounts.get(id).cloned().unwrap_or_default();
        account.collateral(asset.get() as u8 - 1).get()
    }

    fn debtor(&mut self) -> Option<AccountId> {
        let accounts = self.world.ledger.accounts.iter();
        let owing: Vec<_> = accounts.filter(|(_, one)| one.has_debt()).map(|(id, _)| *id).collect();
        (!owing.is_empty()).then(|| self.dice.pick(&owing))
    }

    /// What is left up to the borrow limit, or a part of it, or a little more.
    fn most_to_draw(&mut self, id: &AccountId, vault: VaultId) -> Assets {
        let settled = self.world.settled();
        let standing = standing(&settled, id);
        let room = standing.limit.saturating_sub(standing.debt);
        let lent = settled.vaults[&vault].asset;
        let price = U256::from(settled.feeds[&FeedId::new(lent.get())].price.get());
        let one = U256::from(unit(self.world.decimals[lent.get() as usize - 1]));
        let most: u128 = (room * one / price).saturating_to();
        match self.dice.below(3) {
            0 => Assets::new(self.dice.amount(most)),
            _ => Assets::new(most / 100 * u128::from(80 + self.dice.below(22))),
        }
    }

    fn liquidation(
        &mut self,
        actor: gage_core::Address,
        own: AccountId,
        (mut vault, mut asset): (VaultId, AssetId),
    ) -> Act {
        let settled = self.world.settled();
        let weak = |id: &&AccountId| standing(&settled, id).unhealthy();
        let weak: Vec<_> = settled.accounts.keys().filter(weak).copied().collect();
        let mut id = self.debtor().unwrap_or(own);
        if !weak.is_empty() {
            id = self.dice.pick(&weak);
            let account = &settled.accounts[&id];
            let market = &settled.markets[&MARKET];
            asset = market.collaterals[usize::from(self.dice.pick(&account.collaterals).index)];
            vault = market.vaults[usize::from(self.dice.pick(&account.debts).index)];
        }
        for place in 1..=self.world.decimals.len() as u32 {
            let whole = unit(self.world.decimals[place as usize - 1]);
            let more = Assets::new(whole * 10_000);
            token::mint(&mut self.world.ledger, ISSUER, AssetId::new(place), actor, more).unwrap();
        }
        let debt = gage_core::borrowing::debt_of(&mut settled.clone(), &id, vault).unwrap().get();
        let most = if self.dice.below(2) == 0 { u128::MAX } else { self.dice.amount(debt) };
        let payment = self.dice.pick(&[Payment::Assets, Payment::Shares]);
        Act::Liquidate(id, (vault, asset), Assets::new(most), payment)
    }
}

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// INT-1, INT-2, INT-3, SHR-4, HLT-1, LIQ-2, LIQ-3, BAD-1, BAD-2: in every step interest, fees, premiums, conversions,
/// limits, bonuses, sizes and losses are the exact ones, but for roundings to the stated side.
#[test]
fn the_engine_does_as_the_model_says() {
    let steps = setting("GAGE_STEPS", 1_000);
    let only = std::env::var("GAGE_SEED").ok().and_then(|text| text.parse().ok());
    let seeds = match only {
        Some(first) => first..first + setting("GAGE_SEEDS", 1),
        None => 0..setting("GAGE_SEEDS", 4),
    };
    let mut tally = Tally::default();
    for seed in seeds {
        println!("seed {seed}");
        let mut run = Run::new(seed);
        for _ in 0..steps {
            run.step();
        }
        tally.add(run.model.tally);
    }
    tally.print();
    if only.is_some() {
        return;
    }
    for (what, [refused, all]) in &tally.verdicts {
        assert!(*refused > 0 && refused < all, "{what}: refused {refused} of {all}");
    }
    for what in ["bonus", "repaid", "seized", "premium", "lost", "health factor", "exit filled"] {
        assert!(tally.compared.contains_key(what), "never compared: {what}");
    }
}

/// Whoever pays with more shares than a vault has is told what they lack; these histories found another answer.
#[test]
fn a_liquidator_without_shares_is_told_so() {
    let mut world = World::new(&[6, 18], 1);
    let [lender, borrower, liquidator] = [USERS[0], USERS[1], USERS[2]];
    let id = AccountId { market: MARKET, owner: borrower, sub: 0 };
    let (vault, asset) = (VaultId::new(1), AssetId::new(2));
    let tokens = |number: u128| Assets::new(number * unit(6));
    let l = &mut world.ledger;
    Act::Deposit(vault, tokens(100)).run(l, lender).unwrap();
    Act::Supply(id, asset, Assets::new(100 * unit(18))).run(l, borrower).unwrap();
    Act::Borrow(id, vault, tokens(70)).run(l, borrower).unwrap();
    // All shares together are worth less than what is to be repaid.
    l.vaults.get_mut(&vault).unwrap().reserves = tokens(60);
    world.set_price(2, 78 * WAD);
    let act = Act::Liquidate(id, (vault, asset), Assets::MAX, Payment::Shares);
    let outcome = act.run(&mut world.ledger, liquidator);
    let refused = matches!(outcome, Err(Stop::Refused(Error::InsufficientBalance { .. })));
    assert!(refused, "{outcome:?}");
}
