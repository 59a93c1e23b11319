//! The same liquidation on both: Gage says how much, and Morpho repays that.

use alloy_primitives::{Address, U256};
use gage_abi::IMarket;
use gage_peers::chain::Receipt;
use gage_peers::morpho::IMorpho;

use super::history::{MorphoHistory, event, written_off};
use super::pair::{Outcome, Standing, Twice, WAD, wide};

/// What one side did.
#[derive(Clone, Copy, Debug)]
struct Done {
    repaid: u128,
    seized: u128,
    bad_debt: u128,
}

impl Done {
    fn on_gage(receipt: &Receipt) -> (Self, u16) {
        let event: IMarket::Liquidated = event(receipt).unwrap();
        let (repaid, seized) = (event.repaid.to(), event.seized.to());
        (Self { repaid, seized, bad_debt: written_off(receipt) }, event.bonus)
    }

    fn on_morpho(receipt: &Receipt) -> Self {
        let event: IMorpho::Liquidate = event(receipt).unwrap();
        Self {
            repaid: event.repaidAssets.to(),
            seized: event.seizedAssets.to(),
            bad_debt: event.badDebtAssets.to(),
        }
    }
}

impl MorphoHistory {
    /// The least healthy account of all, or anybody's.
    fn victim(&mut self) -> Address {
        let users = self.pair.users.clone();
        if self.dice.below(4) == 0 {
            return self.dice.pick(&users);
        }
        let mut worst = (users[0], 0.0);
        for who in users {
            let Standing { debt, collateral, .. } = self.pair.gage_standing(who);
            let owed = debt as f64 / self.value(collateral).max(1) as f64;
            if owed > worst.1 {
                worst = (who, owed);
            }
        }
        worst.0
    }

    pub(super) fn liquidate(&mut self, by: Address) {
        // Sizes rest on what is owed now.
        self.accrue();
        let owner = self.victim();
        let (ours, theirs) = (self.pair.gage_standing(owner), self.pair.morpho_standing(owner));
        let most = match self.dice.below(3) {
            0 => wide(self.dice.amount(ours.debt)),
            _ => U256::MAX,
        };
        let gage = self.pair.gage_liquidation(owner, most, by);
        let receipt = match self.pair.gage_alone(by, gage) {
            Ok(receipt) => receipt,
            Err(why) => {
                return self.gage_does_not_liquidate((owner, by), [ours, theirs], most, &why);
            }
        };
        let (planned, _) = Done::on_gage(&receipt);
        let sizes = self.sizes(&planned, [ours, theirs]);
        if sizes == [0, 0] {
            // Less than a share of Morpho's.
            return;
        }
        let twice = Twice {
            gage: self.pair.gage_liquidation(owner, most, by),
            morpho: self.pair.morpho_liquidation(owner, sizes),
        };
        match self.pair.both(by, twice) {
            Outcome::Done(receipts) => self.liquidated((owner, by), [ours, theirs], &receipts),
            Outcome::Refused(None, Some(why)) => {
                self.morpho_does_not_liquidate([ours, theirs], &why);
            }
            Outcome::Refused(why, _) => panic!("{}: planned but {why:?}", self.place()),
        }
    }

    /// Morpho's arguments for what Gage does: all collateral where there is bad debt, else shares of debt.
    fn sizes(&mut self, planned: &Done, [ours, theirs]: [Standing; 2]) -> [u128; 2] {
        if planned.bad_debt > 0 {
            return [planned.seized, 0];
        }
        if planned.repaid >= ours.debt {
            return [0, theirs.debt_shares];
        }
        let market = self.pair.morpho_market();
        let shares = wide(planned.repaid) * (wide(market.borrowShares) + wide(1_000_000))
            / (wide(market.borrowAssets) + U256::ONE);
        [0, shares.to::<u128>().min(theirs.debt_shares)]
    }

    /// Value of collateral over debt, on one side.
    fn covered(&self, standing: Standing) -> f64 {
        self.value(standing.collateral) as f64 / standing.debt.max(1) as f64
    }

    /// How near a ratio of collateral and debt may come to a border and be on either side of it.
    fn doubt(&self, standing: Standing) -> f64 {
        (self.above + 4.0) / standing.debt.max(1) as f64 + 1e-9
    }

    fn gage_does_not_liquidate(
        &mut self,
        (owner, by): (Address, Address),
        [ours, theirs]: [Standing; 2],
        most: U256,
        why: &str,
    ) {
        let name = why.split('(').next().unwrap_or_default();
        let place = self.place();
        let bonus = 1.0 + f64::from(self.pair.terms.bonus()) / 1e4;
        let reason = match name {
            "Healthy" => {
                let twice = Twice {
                    gage: self.pair.gage_liquidation(owner, most, by),
                    morpho: self.pair.morpho_liquidation(owner, [1, 0]),
                };
                let Outcome::Refused(_, theirs_why) = self.pair.both(by, twice) else {
                    panic!("{place}: healthy, then not")
                };
                assert!(
                    theirs_why.is_some(),
                    "{place}: only Morpho liquidates {ours:?} {theirs:?}"
                );
                "both refuse: healthy"
            }
            "NoDebt" | "InsufficientCollateral" => {
                assert!(theirs.debt == 0 || theirs.collateral == 0, "{place}: {why} {theirs:?}");
                "both refuse: nothing owed"
            }
            "CloseOutNeeds" => {
                let covered = self.covered(ours);
                assert!(covered < bonus + self.doubt(ours), "{place}: {why} at {covered}");
                "Gage alone refuses: insolvent, goes whole"
            }
            "ZeroAmount" | "ZeroShares" | "LiquidationWouldWorsen" => {
                let index = self.pair.gage_totals().index;
                let tiny = most.saturating_to::<u128>().min(ours.debt) as f64;
                let unit = 2.0 * self.value(1) as f64;
                assert!(tiny <= 8.0 * index + unit, "{place}: {why} {ours:?}");
                "Gage alone refuses: too little to count"
            }
            _ => panic!("{place}: {why} {ours:?}"),
        };
        self.figures.count(format!("liquidation: {reason}"));
    }

    fn morpho_does_not_liquidate(&mut self, [ours, theirs]: [Standing; 2], why: &str) {
        let place = self.place();
        let covered = self.covered(theirs);
        let threshold = 1e4 / f64::from(self.pair.terms.lltv);
        let incentive = self.pair.terms.incentive() as f64 / WAD as f64;
        let doubt = self.doubt(theirs);
        let reason = if why == "position is healthy" {
            assert!((covered - threshold).abs() <= doubt, "{place}: {ours:?} {theirs:?}");
            "Morpho alone refuses: healthy by rounding"
        } else {
            // All debt at Morpho's incentive is more than all collateral; at Gage's bonus it is not.
            assert!(covered < incentive + doubt, "{place}: {why} {ours:?} {theirs:?}");
            assert!(covered > incentive - 1e-4 - doubt, "{place}: {why} {ours:?} {theirs:?}");
            "Morpho alone refuses: its incentive is the larger"
        };
        self.figures.count(format!("liquidation: {reason}"));
    }

    fn liquidated(
        &mut self,
        (owner, by): (Address, Address),
        [ours, theirs]: [Standing; 2],
        receipts: &[Receipt; 2],
    ) {
        self.note(receipts);
        let (gage, points) = Done::on_gage(&receipts[0]);
        let morpho = Done::on_morpho(&receipts[1]);
        let place = format!("{}: {ours:?} {theirs:?} {gage:?} {morpho:?}", self.place());
        let incentive = self.pair.terms.incentive() as f64 / WAD as f64;
        self.cash_gap += gage.repaid as i128 - morpho.repaid as i128;
        self.round(2.0);
        // A unit of the debt's asset in collateral.
        let coin = self.pair.terms.collateral_unit() as f64
            / self.value(self.pair.terms.collateral_unit()) as f64;
        let apart = self.above + 4.0;
        if gage.bad_debt > 0 {
            let bonus = 1.0 + f64::from(self.pair.terms.bonus()) / 1e4;
            self.spread(gage.bad_debt);
            self.figures.count("close-out with bad debt");
            assert_eq!(gage.seized, ours.collateral, "{place}");
            assert_eq!(gage.seized, morpho.seized, "{place}");
            let due = morpho.repaid as f64 * (incentive / bonus);
            assert!((gage.repaid as f64 - due).abs() <= 4.0 + due * 1e-9, "{place}: {due}");
            assert!(gage.repaid + 3 >= morpho.repaid, "{place}");
            self.tell("bad debt", [gage.bad_debt, morpho.bad_debt], theirs.debt);
            assert!(gage.bad_debt as f64 <= morpho.bad_debt as f64 + apart, "{place}");
        } else {
            let all = gage.repaid >= ours.debt;
            self.figures.count(if all { "liquidation of all debt" } else { "liquidation in part" });
            assert_eq!(morpho.bad_debt, 0, "{place}");
            let more = if all { gage.repaid as f64 - morpho.repaid as f64 } else { 0.0 };
            let most = morpho.seized as f64 * (1.0 + 1e-12)
                + (more.max(0.0) + 3.0) * coin * incentive
                + 2.0;
            let least = morpho.seized as f64 * (1.0 + f64::from(points) / 1e4) / incentive
                - (apart + 4.0) * coin * incentive
                - 2.0;
            assert!(gage.seized as f64 <= most, "{place}: {most}");
            assert!(gage.seized as f64 >= least, "{place}: {least}");
            self.tell("collateral taken", [gage.seized, morpho.seized], theirs.collateral);
            if !all {
                self.tell("repaid in part", [gage.repaid, morpho.repaid], theirs.debt);
                assert!(
                    gage.repaid >= morpho.repaid && gage.repaid <= morpho.repaid + 2,
                    "{place}"
                );
            }
        }
        self.even_out((owner, by), &gage, &morpho);
    }

    /// Gives the owner on one side what only the other's has left, so that both go on alike.
    fn even_out(&mut self, (owner, by): (Address, Address), gage: &Done, morpho: &Done) {
        let Twice { gage: ours, morpho: theirs } =
            self.pair.supply_collateral(gage.seized.abs_diff(morpho.seized), owner);
        if gage.seized < morpho.seized {
            self.pair.morpho_alone(by, theirs);
        } else if morpho.seized < gage.seized {
            self.pair.gage_only(by, ours);
        }
    }
}
