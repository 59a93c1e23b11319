//! Accounts: what they owe and have pledged, their premium, limits and health.

use gage_core::{AccountId, MarginModel, MemoryLedger, margin};
use gage_model::{Bound, Exact, Standing, health_between, premium_between, whole, written};
use num_traits::Zero;

use super::book::Book;
use super::reading::{self, shares, units};
use super::{Beside, Scene};

impl Beside {
    /// Holds an account after a step against the book.
    pub(crate) fn account(&mut self, book: &Book, scene: &Scene<'_>, id: &AccountId) {
        let empty = gage_core::Account::default();
        let account = scene.after.accounts.get(id).unwrap_or(&empty);
        let market = &scene.after.markets[&id.market];
        let borrower = book.borrowers.get(id).cloned().unwrap_or_default();
        for (place, asset) in (0_u8..).zip(&market.collaterals) {
            let exact = borrower.pledged.get(asset).cloned().unwrap_or_else(Exact::zero);
            let pledged = units(account.collateral(place));
            self.tally.check("pledged", &Bound::just(exact), &pledged);
        }
        let nothing = Bound::just(Exact::zero());
        for (place, vault) in (0_u8..).zip(&market.vaults) {
            let index = reading::index(&scene.after, *vault);
            let owed = borrower.owed.get(vault).unwrap_or(&nothing);
            let debt = reading::debt(account.debt(place), &index);
            self.tally.check("owed", owed, &debt);
            if borrower.written.contains(vault) && !account.debt(place).is_zero() {
                self.written(owed, account, (place, &index));
            }
        }
        if account.has_debt() {
            self.premium(scene, (id, account), &borrower);
        }
    }

    /// A debt that was written anew: how fast it grows from now on.
    fn written(
        &mut self,
        owed: &Bound,
        account: &gage_core::Account,
        (place, index): (u8, &Exact),
    ) {
        let premium = account.risk_premium.get().into();
        let debt = account.debt(place);
        let (low, offset_low) = written(&owed.low, premium, index);
        let (high, offset_high) = written(&owed.high, premium, index);
        let (exact, offset) = written(&owed.exact, premium, index);
        let bound = Bound { exact, low, high: high + whole(2) };
        self.tally.check("debt shares", &bound, &shares(debt.shares));
        // It takes off the worth of ghost shares, which were rounded up as all shares are.
        let high = offset_high + index * whole(2);
        let bound = Bound { exact: offset, low: offset_low - whole(1), high };
        self.tally.check("debt's offset", &bound, &units(debt.offset));
    }

    fn premium(
        &mut self,
        scene: &Scene<'_>,
        (id, account): (&AccountId, &gage_core::Account),
        borrower: &super::book::Borrower,
    ) {
        let present = whole(account.risk_premium.get());
        let old = scene.before.accounts.get(id).map(|account| account.risk_premium);
        if !borrower.reprices {
            let old = old.map_or_else(Exact::zero, |old| whole(old.get()));
            self.tally.check("premium kept", &Bound::just(old), &present);
            return;
        }
        if borrower.sold && old == Some(account.risk_premium) {
            return;
        }
        let (pledged, owed) = reading::position(self, &scene.after, id);
        let after = Standing::of(&pledged, &owed).debt.high;
        // It was found for the debts before these were written at it.
        let before = borrower.owed.iter().map(|(vault, owed)| {
            &owed.low * reading::debt_price(&scene.after, (id.market, *vault))
        });
        let before = before.fold(Exact::zero(), |sum, value| sum + value).ceil();
        self.tally.check("premium", &premium_between(&pledged, (&before, &after)), &present);
    }

    /// What the engine says of every account against the formulas.
    pub(crate) fn standings(&mut self, ledger: &MemoryLedger) {
        let mut scratch = MemoryLedger { events: Vec::new(), ..ledger.clone() };
        for id in ledger.accounts.keys() {
            let position = margin::position(&mut scratch, id).unwrap();
            let (pledged, owed) = reading::position(self, ledger, id);
            let model = Standing::of(&pledged, &owed);
            for (leg, one) in position.collaterals.iter().zip(&pledged) {
                let said = [leg.ltv, leg.threshold, leg.bonus_min, leg.bonus_max];
                let said = said.map(|points| u32::from(points.get()));
                let [low, high] = one.bonus;
                assert_eq!(said, [one.ltv, one.threshold, low, high], "terms of {id:?}");
            }
            let totals = position.totals();
            let most = whole(u128::MAX / 4);
            if model.collateral.exact > most || model.debt.high > most {
                self.tally.decide("values saturate", None, true);
                continue;
            }
            let mut check = |what, bound: &Bound, said: gage_core::Wad| {
                self.tally.check(what, bound, &whole(said.get()));
            };
            check("collateral value", &model.collateral, totals.collateral_value);
            check("debt value", &model.debt, totals.debt_value);
            check("cover", &model.cover, totals.cover);
            if ledger.markets[&id.market].margin == MarginModel::Portfolio {
                continue;
            }
            check("borrow limit", &model.borrow_limit, totals.borrow_limit);
            check("liquidation limit", &model.liquidation_limit, totals.liquidation_limit);
            if model.debt.low.is_zero() {
                continue;
            }
            let health = health_between(&model);
            let said = totals.health_factor().get();
            if said < u128::MAX {
                self.tally.check("health factor", &health, &reading::from_wad(said));
            }
            self.tally.decide(
                "healthy",
                model.healthy(),
                totals.debt_value <= totals.liquidation_limit,
            );
            self.tally.decide("within the limit", model.within_limit(), {
                totals.debt_value <= totals.borrow_limit
            });
        }
    }
}
