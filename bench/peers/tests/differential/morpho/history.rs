//! What a step of a history does to both, and how both are compared.

use alloy_primitives::Address;
use alloy_sol_types::SolEvent;
use gage_abi::{IMarket, IVault};
use gage_peers::chain::Receipt;
use gage_peers::dice::Dice;
use gage_peers::morpho::IMorpho;

use super::pair::{Outcome, Pair, Standing, Totals, Twice, WAD};
use super::terms::Terms;
use crate::figures::Figures;
use crate::history::History;
use crate::signed;

/// A pair in mid-life.
pub(super) struct MorphoHistory {
    pub(super) pair: Pair,
    pub(super) dice: Dice,
    pub(super) figures: Figures,
    pub(super) seed: u64,
    step: u64,
    /// Gage's cash less Morpho's, by what each was paid.
    pub(super) cash_gap: i128,
    /// What lenders who left took out of Gage and not of Morpho.
    paid_more: i128,
    /// By how many units Gage's debts may exceed Morpho's, and fall short of them.
    pub(super) above: f64,
    below: f64,
    /// What one lender may have less: where all have more, each earns a smaller part of the same interest.
    dilution: f64,
    /// By how much all lenders have more than Morpho's.
    ahead: f64,
    /// By which part Gage's index may exceed Morpho's, and fall short of it: a unit weighs more when little
    /// is owed.
    index_apart: [f64; 2],
    /// Interest's part taken for the fee on Gage and on Morpho, whatever became of it.
    fees: [u128; 2],
    /// How often interest was counted.
    accruals: u64,
    before: Totals,
    /// Seconds since both counted interest.
    pub(super) waiting: u64,
}

impl History for MorphoHistory {
    fn new(seed: u64) -> Self {
        let mut pair = Pair::new(Terms::of(seed));
        let before = pair.morpho_totals();
        Self {
            pair,
            dice: Dice(seed),
            figures: Figures::default(),
            seed,
            step: 0,
            cash_gap: 0,
            paid_more: 0,
            above: 4.0,
            below: 2.0,
            index_apart: [0.0; 2],
            dilution: 0.0,
            ahead: 0.0,
            fees: [0; 2],
            accruals: 0,
            before,
            waiting: 0,
        }
    }

    fn step(&mut self) -> Address {
        self.step += 1;
        self.pass();
        let who = self.dice.pick(&self.pair.users);
        self.act(who);
        self.accrue();
        who
    }

    fn compare_totals(&mut self) {
        let (ours, theirs) = (self.pair.gage_totals(), self.pair.morpho_totals());
        let place = self.place();
        let cash = signed(ours.cash) - signed(theirs.cash);
        assert_eq!(cash, self.cash_gap, "{place}: {ours:?} {theirs:?}");
        let debt = signed(ours.debt) - signed(theirs.debt);
        self.tell("all debt", [ours.debt, theirs.debt], theirs.debt);
        assert!(debt as f64 <= self.above, "{place}: {ours:?} {theirs:?}");
        // Morpho's total has the virtual share's interest in it.
        assert!(-debt as f64 <= self.below + theirs.index, "{place}: {ours:?} {theirs:?}");
        let lent = signed(ours.assets + ours.fee) - signed(theirs.assets + theirs.fee);
        assert_eq!(lent, debt + cash, "{place}: {ours:?} {theirs:?}");
        let ahead = signed(ours.assets) - signed(theirs.assets);
        self.tell("all lenders' assets", [ours.assets, theirs.assets], theirs.assets);
        let earned = ahead + self.paid_more;
        assert!(-earned as f64 <= self.below + theirs.index, "{place}: {ours:?} {theirs:?}");
        self.ahead = ahead.max(0) as f64;
        // The fee's part earns on Morpho and bears losses last; both are the lenders' on Gage.
        assert!(ours.fee as f64 <= theirs.fee as f64 + self.above, "{place}: {ours:?} {theirs:?}");
        let [most, least] = self.index_apart;
        self.tell_ratio("borrow index", ours.index, theirs.index);
        let index = ours.index / theirs.index - 1.0;
        assert!(index < most + 1e-14 && index > -least - 1e-14, "{place}: {ours:?} {theirs:?}");
        self.tell_ratio("share price", ours.share_price, theirs.share_price);
        let price = ours.share_price / theirs.share_price - 1.0;
        let least = 1e-14 + (self.below + self.dilution + 2.0) / theirs.assets as f64;
        assert!(price > -least, "{place}: {ours:?} {theirs:?}");
        self.tell("taken for the fee", [self.fees[0], self.fees[1]], theirs.assets);
        let fees = self.fees.map(|fee| fee as f64);
        let most = self.above + self.below + self.accruals as f64;
        assert!((fees[0] - fees[1]).abs() <= most, "{place} {fees:?}");
        self.before = theirs;
    }

    fn compare_account(&mut self, who: Address) {
        let (ours, theirs) = (self.pair.gage_standing(who), self.pair.morpho_standing(who));
        let place = self.place();
        assert_eq!(ours.collateral, theirs.collateral, "{place}: {ours:?} {theirs:?}");
        self.tell("an account's debt", [ours.debt, theirs.debt], self.before.debt);
        let debt = signed(ours.debt) - signed(theirs.debt);
        assert!(debt as f64 <= self.above, "{place}: {ours:?} {theirs:?}");
        assert!(-debt as f64 <= self.below, "{place}: {ours:?} {theirs:?}");
        self.tell("a lender's assets", [ours.supplied, theirs.supplied], self.before.assets);
        let supplied = signed(ours.supplied) - signed(theirs.supplied);
        assert!(-supplied as f64 <= self.below + self.dilution, "{place}: {ours:?} {theirs:?}");
    }

    fn compare_everybody(&mut self) {
        self.compare_accounts();
        let (ours, theirs) = (self.pair.gage_totals(), self.pair.morpho_totals());
        self.compare_sums(ours, theirs);
        assert_eq!(self.pair.custody(), [ours.cash, theirs.cash], "{}", self.place());
    }

    fn end(mut self) -> Figures {
        self.compare_accounts();
        self.figures
    }
}

impl MorphoHistory {
    fn compare_accounts(&mut self) {
        for who in self.pair.users.clone() {
            self.compare_account(who);
        }
    }

    /// Notes a comparison, apart for terms that differ by rule.
    pub(super) fn tell(&mut self, what: &str, pair: [u128; 2], whole: u128) {
        self.figures.compare(format!("{what}, units; {}", self.pair.terms.kind()), pair, whole);
    }

    fn tell_ratio(&mut self, what: &str, ours: f64, theirs: f64) {
        self.figures.compare_ratio(format!("{what}; {}", self.pair.terms.kind()), ours, theirs);
    }

    /// Where a failure is.
    pub(super) fn place(&self) -> String {
        let Self { seed, step, above, below, cash_gap, .. } = self;
        format!("seed {seed}, step {step} (above {above:.1}, below {below:.1}, cash {cash_gap})")
    }

    fn pass(&mut self) {
        let seconds = match self.dice.below(20) {
            0..6 => return,
            6..14 => 1 + self.dice.below(60),
            14..18 => self.dice.below(3_600),
            18 => self.dice.below(86_400),
            _ => self.dice.below(10) * self.dice.below(86_400),
        };
        let seconds = seconds / self.pair.terms.slower + 1;
        let move_by = match self.dice.below(12) {
            0..4 => 1.0,
            4..10 => 1.0 + 0.02 * self.dice.normal(),
            _ => 1.0 + 0.15 * self.dice.normal(),
        };
        // Back to where it began, in the long run.
        let (now, home) = (self.pair.price as f64 / WAD as f64, 1_000.0_f64);
        let price = (now * move_by * (home / now).powf(0.01)).clamp(50.0, 20_000.0);
        self.waiting += seconds;
        self.pair.pass(seconds, (price * 1e6) as u128 * (WAD / 1_000_000));
    }

    fn act(&mut self, who: Address) {
        let ours = self.pair.gage_standing(who);
        let theirs = self.pair.morpho_standing(who);
        let (unit, supplied) = (self.pair.terms.debt_unit(), ours.supplied.min(theirs.supplied));
        match self.dice.below(20) {
            0..3 => {
                let amount = self.dice.amount(10_000 * unit);
                self.play("supply", amount, who, self.pair.supply(amount, who));
            }
            3..5 => {
                let amount = self.dice.amount(supplied);
                self.play("withdraw", amount, who, self.pair.withdraw(Ok(amount), who));
            }
            5 => self.withdraw_all(who, [ours, theirs]),
            6..9 => {
                let amount = self.dice.amount(10 * self.pair.terms.collateral_unit());
                self.play(
                    "supply collateral",
                    amount,
                    who,
                    self.pair.supply_collateral(amount, who),
                );
            }
            9 => {
                let amount = self.dice.amount(ours.collateral);
                let twice = self.pair.withdraw_collateral(amount, who);
                self.play("withdraw collateral", amount, who, twice);
            }
            10..14 => {
                let limit =
                    self.value(ours.collateral) / 10_000 * u128::from(self.pair.terms.ltv());
                let amount = self.dice.amount(limit.saturating_sub(ours.debt));
                self.play("borrow", amount, who, self.pair.borrow(amount, who));
            }
            14 => {
                let owed = ours.debt.min(theirs.debt);
                let amount = self.dice.amount(owed).min(owed.saturating_sub(1));
                self.play("repay", amount, who, self.pair.repay(Ok(amount), who));
            }
            15 if theirs.debt > 0 => self.repay_all(who, [ours, theirs]),
            15..19 => self.liquidate(who),
            _ => {}
        }
    }

    /// The value of collateral in units of the debt's asset, rounded down.
    pub(super) fn value(&self, collateral: u128) -> u128 {
        let Terms { collateral_decimals, debt_decimals, .. } = self.pair.terms;
        let whole = collateral as f64 / 10_f64.powi(collateral_decimals.into());
        let dollars = whole * (self.pair.price as f64 / 1e18);
        (dollars * 10_f64.powi(debt_decimals.into())) as u128
    }

    /// An operation of which both know the amount.
    fn play(&mut self, what: &'static str, amount: u128, who: Address, twice: Twice) -> bool {
        match self.pair.both(who, twice) {
            Outcome::Done(receipts) => {
                self.note(&receipts);
                self.round(1.0);
                self.figures.count(format!("{what}: done"));
                true
            }
            Outcome::Refused(Some(_), Some(_)) => {
                self.figures.count(format!("{what}: both refuse"));
                false
            }
            Outcome::Refused(Some(why), None) => {
                self.gage_alone_refuses(what, amount, who, &why);
                false
            }
            Outcome::Refused(None, why) => {
                self.morpho_alone_refuses(what, amount, who, &why.unwrap());
                false
            }
        }
    }

    fn gage_alone_refuses(&mut self, what: &str, amount: u128, who: Address, why: &str) {
        let standing = self.pair.gage_standing(who);
        let totals = self.pair.gage_totals();
        let name = why.split('(').next().unwrap_or_default();
        let place = self.place();
        let gap = self.cash_gap.unsigned_abs();
        let reason = match (what, name) {
            ("borrow" | "withdraw collateral", "AboveLimit") => {
                let (drawn, released) = if what == "borrow" { (amount, 0) } else { (0, amount) };
                let limit = self.value(standing.collateral.saturating_sub(released)) as f64
                    * f64::from(self.pair.terms.ltv())
                    / 1e4;
                let owed = (standing.debt + drawn) as f64;
                assert!(owed > limit * (1.0 - 1e-9) - 2.0, "{place}: {owed} {limit} {why}");
                "above the LTV"
            }
            ("borrow" | "withdraw", "Illiquid") => {
                assert!(amount > totals.cash && amount - totals.cash <= gap, "{place}: {why}");
                "less cash by rounding"
            }
            ("withdraw all", "Illiquid") => {
                let cash = totals.cash;
                let most = gap as f64 + self.above + totals.fee as f64;
                let missing = standing.supplied.saturating_sub(cash) as f64;
                assert!(missing > 0.0 && missing <= most, "{place}: {why}");
                "less cash by rounding"
            }
            ("withdraw", "ERC4626ExceededMaxWithdraw") => {
                let missing = amount.saturating_sub(standing.supplied) as f64;
                assert!(missing > 0.0 && missing <= self.below + self.dilution, "{place}: {why}");
                "less supplied by rounding"
            }
            ("withdraw all", "ZeroAmount") => {
                assert_eq!(standing.supplied, 0, "{place}: {why}");
                "shares for nothing"
            }
            ("repay", "ZeroShares") => {
                assert!(amount as f64 <= totals.index, "{place}: {why}");
                "less than a debt share"
            }
            _ => panic!("{place}: Gage alone refuses to {what} {amount}: {why}"),
        };
        self.figures.count(format!("Gage alone refuses: {reason}"));
    }

    fn morpho_alone_refuses(&mut self, what: &str, amount: u128, who: Address, why: &str) {
        let (ours, theirs) = (self.pair.gage_standing(who), self.pair.morpho_standing(who));
        let totals = self.pair.gage_totals();
        let cash = signed(totals.cash) - self.cash_gap;
        let place = self.place();
        let reason = match (what, why) {
            ("borrow" | "withdraw" | "withdraw all", "insufficient liquidity") => {
                let asked = if what == "withdraw all" { theirs.supplied } else { amount };
                assert!(signed(asked) > cash, "{place}: {asked} of {cash}");
                "less cash by rounding"
            }
            ("withdraw", _) if amount > theirs.supplied => {
                assert!(amount <= ours.supplied, "{place}");
                "less supplied by rounding"
            }
            _ => panic!("{place}: Morpho alone refuses to {what} {amount}: {why}"),
        };
        self.figures.count(format!("Morpho alone refuses: {reason}"));
    }

    fn withdraw_all(&mut self, who: Address, [ours, theirs]: [Standing; 2]) {
        let twice = self.pair.withdraw(Err([ours.shares, theirs.shares]), who);
        let before = self.cash();
        if self.play("withdraw all", ours.supplied, who, twice) {
            let after = self.cash();
            let paid = [0, 1].map(|side| before[side] - after[side]);
            self.tell("paid for all shares", [paid[0], paid[1]], self.before.assets);
            let least = paid[1] as f64 - self.below - self.dilution;
            assert!(paid[0] as f64 >= least, "{}: {paid:?}", self.place());
            self.paid_more += signed(paid[0]) - signed(paid[1]);
            self.cash_gap -= signed(paid[0]) - signed(paid[1]);
        }
    }

    fn repay_all(&mut self, who: Address, [_, theirs]: [Standing; 2]) {
        let twice = self.pair.repay(Err(theirs.debt_shares), who);
        let before = self.cash();
        if self.play("repay all", theirs.debt, who, twice) {
            let after = self.cash();
            let paid = [0, 1].map(|side| after[side] - before[side]);
            self.tell("paid for all debt", [paid[0], paid[1]], self.before.debt);
            assert!(paid[0] as f64 + self.below >= paid[1] as f64, "{}: {paid:?}", self.place());
            self.cash_gap += signed(paid[0]) - signed(paid[1]);
        }
    }

    pub(super) fn cash(&mut self) -> [u128; 2] {
        [self.pair.gage_totals().cash, self.pair.morpho_totals().cash]
    }

    /// Counts interest on both.
    pub(super) fn accrue(&mut self) {
        let outcome = self.pair.both(self.pair.treasury, self.pair.accrue());
        let Outcome::Done(receipts) = outcome else { panic!("{}: no accrual", self.place()) };
        self.note(&receipts);
    }

    /// Reads what was taken for the fee, and widens the bounds by what interest since the last time may differ.
    pub(super) fn note(&mut self, [ours, theirs]: &[Receipt; 2]) {
        let fee = u128::from(self.pair.terms.fee);
        for event in ours.logs.iter().filter_map(|log| IVault::Accrued::decode_log(log).ok()) {
            self.fees[0] += event.fee.to::<u128>();
        }
        let mut grown = 0.0;
        for event in
            theirs.logs.iter().filter_map(|log| IMorpho::AccrueInterest::decode_log(log).ok())
        {
            let interest: u128 = event.interest.to();
            self.fees[1] += interest * fee / 10_000;
            self.accruals += 1;
            grown = interest as f64 / self.before.debt as f64;
            self.widen(grown);
            self.waiting = 0;
        }
        assert!(grown < 0.5, "{}: steps are too long to compare: {grown}", self.place());
    }

    /// Widens the bounds by what so many operations may be rounded differently.
    pub(super) fn round(&mut self, times: f64) {
        self.above += times * (self.before.index + 2.0);
        for apart in &mut self.index_apart {
            *apart += times * 2.0 / self.before.debt as f64;
        }
    }

    /// Follows by how much more one lender may bear of a loss: on Gage lenders alone do when the reserves are
    /// gone, on Morpho the fee's shares with them.
    pub(super) fn spread(&mut self, loss: u128) {
        let (ours, theirs) = (self.pair.gage_totals(), self.pair.morpho_totals());
        let missing = (theirs.assets + theirs.fee).saturating_sub(ours.assets);
        self.dilution += loss as f64 * missing as f64 / ours.assets.max(1) as f64 * 1.01;
    }

    fn widen(&mut self, grown: f64) {
        let (debt, seconds) = (self.before.debt as f64, self.waiting as f64);
        let all = debt + self.before.cash as f64;
        let steep = self.pair.terms.steepness() * debt * seconds / all;
        let digits = debt * (seconds + 4.0) * 1e-18;
        self.dilution *= 1.0 + grown;
        self.dilution += (grown * debt + self.dilution) * self.ahead / all;
        let (more, less) = (self.cash_gap.min(0), self.cash_gap.max(0));
        let above = self.above + more.unsigned_abs() as f64;
        self.index_apart[0] += (digits + above * steep + 2.0) / debt;
        self.above = (self.above + digits + above * steep) * (1.0 + grown) + 2.0;
        let below = self.below + less.unsigned_abs() as f64;
        self.index_apart[1] += (below * steep + 2.0) / debt;
        self.below = (self.below + below * steep) * (1.0 + grown);
    }

    /// All that accounts owe is the total, on Gage to a unit for each; on Morpho it falls short of the total
    /// by what the virtual share has earned.
    fn compare_sums(&mut self, ours: Totals, theirs: Totals) {
        let (mut sums, mut owing) = ([0_u128; 2], 0_u128);
        for who in self.pair.users.iter().copied().chain([self.pair.treasury]).collect::<Vec<_>>() {
            sums[0] += self.pair.gage_standing(who).debt;
            sums[1] += self.pair.morpho_standing(who).debt;
            owing += 1;
        }
        let place = self.place();
        assert!(sums[0] >= ours.debt && sums[0] <= ours.debt + owing, "{place}: {sums:?} {ours:?}");
        let missing = theirs.debt as f64 + owing as f64 - sums[1] as f64;
        assert!(missing >= -1.0, "{place}: {sums:?} {theirs:?}");
        let nobodys = [ours.debt.saturating_sub(sums[0]), theirs.debt.saturating_sub(sums[1])];
        self.tell("debt that nobody owes", nobodys, theirs.debt);
    }
}

/// Whether an event is among those of a receipt.
pub(super) fn event<E: SolEvent>(receipt: &Receipt) -> Option<E> {
    receipt.logs.iter().find_map(|log| E::decode_log_data(&log.data).ok())
}

/// What Gage wrote off in a liquidation.
pub(super) fn written_off(receipt: &Receipt) -> u128 {
    event::<IMarket::BadDebt>(receipt).map_or(0, |event| event.amount.to())
}
