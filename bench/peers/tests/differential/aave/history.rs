//! What a step of a history does to both, and how both are compared.

use alloy_primitives::Address;
use gage_peers::dice::Dice;

use super::pair::{ASSETS, COLLATERALS, Lent, Pair, Reserve, Standing, Twice};
use crate::figures::Figures;
use crate::history::History;
use crate::signed;

/// Units that the treasury lends more in every step, so that interest is counted on both.
const TOUCH: u128 = 100_000;

/// A reserve and its vault as they were when they were last compared, and by how much they may differ.
#[derive(Clone, Copy, Default)]
struct Track {
    ours: Lent,
    theirs: Lent,
    /// Gage's cash less Aave's, by what each was paid.
    cash_gap: i128,
    /// By how many units Gage's debts may exceed Aave's, and fall short of them.
    above: f64,
    below: f64,
    /// By which part Gage's index may exceed Aave's, and fall short of it.
    index_apart: [f64; 2],
    /// The logarithm of how much faster a lender's unit has grown on Gage than on Aave, by the rules.
    ahead: f64,
    /// What rounding adds to that.
    ahead_apart: f64,
}

/// A pair in mid-life.
pub(super) struct AaveHistory {
    pair: Pair,
    dice: Dice,
    figures: Figures,
    seed: u64,
    step: u64,
    tracks: [Track; ASSETS],
    /// Seconds since interest was counted.
    waiting: u64,
}

impl History for AaveHistory {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed ^ 0xaa7e);
        let mut pair = Pair::new(&mut dice);
        let mut tracks = [Track::default(); ASSETS];
        for (place, track) in tracks.iter_mut().enumerate().skip(COLLATERALS) {
            (track.ours, track.theirs) = (pair.gage_lent(place), pair.aave_lent(place));
            (track.above, track.below) = (4.0, 2.0);
        }
        Self { pair, dice, figures: Figures::default(), seed, step: 0, tracks, waiting: 0 }
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
        for place in COLLATERALS..ASSETS {
            self.compare_lent(place);
        }
        self.waiting = 0;
    }

    fn compare_account(&mut self, who: Address) {
        let (ours, theirs) = (self.pair.gage_standing(who), self.pair.aave_standing(who));
        let at = format!("{}: {ours:?} {theirs:?}", self.place());
        assert_eq!(ours.pledged, theirs.pledged, "{at}");
        // Units of Aave's values: one for each leg, and what the amounts of debts differ by.
        let legs = ours.pledged.iter().filter(|amount| **amount > 0).count() as f64;
        let mut owed = 1.0;
        let mut debts = 0;
        for place in COLLATERALS..ASSETS {
            let debt = (signed(ours.debts[place]) - signed(theirs.debts[place])) as f64;
            self.figures.compare(
                "an account's debt, units",
                [ours.debts[place], theirs.debts[place]],
                self.tracks[place].theirs.debt,
            );
            let Track { above, below, .. } = self.tracks[place];
            assert!(debt <= above && -debt <= below, "{at}: asset {place} {debt} {above} {below}");
            let unit = self.pair.reserves[place].unit() as f64;
            owed += 1.0 + debt.abs() * self.pair.prices[place] as f64 / unit;
            debts += usize::from(ours.debts[place] > 0);
        }
        self.figures.compare_ratio(
            "collateral's value, of 1e8 a dollar",
            ours.collateral,
            theirs.collateral,
        );
        let collateral = ours.collateral - theirs.collateral;
        assert!(collateral > -1e-3 && collateral < legs + 1.0, "{at}");
        self.figures.compare_ratio("debt's value, of 1e8 a dollar", ours.debt, theirs.debt);
        assert!((ours.debt - theirs.debt).abs() <= owed, "{at}: {owed}");
        if legs > 1.0 && debts > 1 {
            self.figures.count("accounts with several collaterals and debts");
        }
        let blur = 1e-9 + 2.0 * (legs + 1.0) / theirs.collateral.max(1.0);
        if theirs.collateral > 1e6 {
            // Aave's averages are cut to whole basis points.
            for (ours, theirs) in [(ours.ltv, theirs.ltv), (ours.threshold, theirs.threshold)] {
                self.figures.compare_ratio("average LTV and threshold, basis points", ours, theirs);
                let more = ours - theirs;
                assert!(more > -1e4 * blur && more < 1.0 + 1e4 * blur, "{at}: {ours} {theirs}");
            }
        }
        if theirs.debt > 1e6 && theirs.collateral > 1e6 {
            self.figures.compare_ratio("health factor", ours.health, theirs.health);
            let part = ours.health / theirs.health - 1.0;
            let most = blur + owed / theirs.debt;
            assert!(part.abs() <= most, "{at}: {part:e} {most:e}");
            if ours.health < 1.0 {
                self.figures.count("unhealthy accounts");
            }
        } else if theirs.debt == 0.0 {
            assert_eq!(ours.debt, 0.0, "{at}");
        }
    }

    fn compare_everybody(&mut self) {
        for who in self.pair.users.clone() {
            self.compare_account(who);
        }
    }

    fn end(self) -> Figures {
        self.figures
    }
}

impl AaveHistory {
    fn place(&self) -> String {
        format!("seed {}, step {}", self.seed, self.step)
    }

    fn pass(&mut self) {
        let seconds = match self.dice.below(20) {
            0..4 => return,
            4..12 => 1 + self.dice.below(60),
            12..17 => 1 + self.dice.below(7_200),
            17..19 => 1 + self.dice.below(86_400),
            _ => 1 + self.dice.below(20) * self.dice.below(86_400),
        };
        for place in 0..ASSETS {
            let by = 1.0 + self.dice.pick(&[0.0, 0.01, 0.01, 0.05]) * self.dice.normal();
            let price = self.pair.prices[place] as f64 * by;
            // Within what Gage and Aave count without loss.
            self.pair.prices[place] = (price as u64).clamp(10_000_000, 100_000_000_000_000);
        }
        self.waiting += seconds;
        self.pair.pass(seconds);
    }

    fn act(&mut self, who: Address) {
        let standing = self.pair.gage_standing(who);
        let pledge = self.dice.below(COLLATERALS as u64) as usize;
        let lent = COLLATERALS + self.dice.below((ASSETS - COLLATERALS) as u64) as usize;
        match self.dice.below(20) {
            0..5 => {
                let most = self.units(pledge, 20_000);
                let amount = self.dice.amount(most);
                let twice = self.pair.supply(pledge, amount, who);
                self.play("supply collateral", (pledge, amount), who, twice);
            }
            5..7 => {
                let amount = self.dice.amount(standing.pledged[pledge]);
                let twice = self.pair.withdraw(pledge, amount, who);
                self.play("withdraw collateral", (pledge, amount), who, twice);
            }
            7..13 => {
                let room = (standing.limit - standing.debt).max(0.0) / 1e8;
                let most = (self.units(lent, 1_000) as f64 / 1_000.0 * room) as u128;
                let amount = self.dice.amount(most);
                self.play("borrow", (lent, amount), who, self.pair.borrow(lent, amount, who));
            }
            13 => {
                let theirs = self.pair.aave_standing(who).debts[lent];
                let owed = standing.debts[lent].min(theirs);
                let amount = self.dice.amount(owed).min(owed.saturating_sub(1));
                self.play("repay", (lent, amount), who, self.pair.repay(lent, Some(amount), who));
            }
            14 => self.repay_all(lent, who),
            15..18 => {
                let most = self.units(lent, 500_000);
                let amount = self.dice.amount(most);
                self.play("supply", (lent, amount), who, self.pair.supply(lent, amount, who));
            }
            _ => {
                let [ours, theirs] = self.pair.supplied(lent, who);
                let amount = self.dice.amount(ours.min(theirs));
                self.play("withdraw", (lent, amount), who, self.pair.withdraw(lent, amount, who));
            }
        }
    }

    /// Units of an asset for so many dollars.
    fn units(&self, place: usize, dollars: u64) -> u128 {
        let unit = self.pair.reserves[place].unit() as f64;
        (unit * dollars as f64 * 1e8 / self.pair.prices[place] as f64) as u128
    }

    fn play(
        &mut self,
        what: &'static str,
        (place, amount): (usize, u128),
        who: Address,
        twice: Twice,
    ) -> bool {
        let (ours, theirs) = self.pair.both(who, twice);
        let outcome = match (&ours, &theirs) {
            (None, None) => {
                self.round(place);
                format!("{what}: done")
            }
            (Some(_), Some(_)) => format!("{what}: both refuse"),
            (Some(why), None) => {
                let reason = self.gage_alone_refuses(what, (place, amount), who, why);
                format!("Gage alone refuses: {reason}")
            }
            (None, Some(why)) => {
                let reason = self.aave_alone_refuses(what, (place, amount), who, why);
                format!("Aave alone refuses: {reason}")
            }
        };
        self.figures.count(outcome);
        ours.is_none() && theirs.is_none()
    }

    /// Widens the bounds by what an operation may be rounded differently.
    fn round(&mut self, place: usize) {
        let track = &mut self.tracks[place];
        let index = track.theirs.index as f64 / 1e27;
        track.above += 2.0 * index + 2.0;
        track.ahead_apart += (2.0 * index + 2.0) / track.ours.assets.max(1) as f64;
    }

    /// An account's values as an operation would leave them on Gage: limits and debt.
    fn after(&self, what: &str, (place, amount): (usize, u128), ours: &Standing) -> [f64; 3] {
        let Reserve { ltv, threshold, .. } = self.pair.reserves[place];
        let unit = self.pair.reserves[place].unit() as f64;
        let value = amount as f64 / unit * self.pair.prices[place] as f64;
        if what == "borrow" {
            return [ours.limit, ours.liquidation_limit, ours.debt + value];
        }
        let part = |points: u16| value * f64::from(points) / 1e4;
        [ours.limit - part(ltv), ours.liquidation_limit - part(threshold), ours.debt]
    }

    fn gage_alone_refuses(
        &mut self,
        what: &str,
        asked: (usize, u128),
        who: Address,
        why: &str,
    ) -> &'static str {
        let ours = self.pair.gage_standing(who);
        let (place, amount) = asked;
        let [limit, liquidation_limit, debt] = self.after(what, asked, &ours);
        let (at, near) = (self.place(), 4.0 + debt * 1e-9);
        match (what, why.split('(').next().unwrap_or_default()) {
            ("withdraw collateral", "AboveLimit") => {
                assert!(debt > limit - near, "{at}: {debt} {limit} {why}");
                assert!(debt <= liquidation_limit + near, "{at}: {debt} {liquidation_limit}");
                "to release, above the LTV"
            }
            ("borrow", "AboveLimit") => {
                assert!((debt - limit).abs() <= near, "{at}: {debt} {limit} {why}");
                "above the LTV by rounding"
            }
            ("repay", "ZeroShares") => {
                let index = self.tracks[place].ours.index as f64 / 1e27;
                assert!(amount as f64 <= index + 1.0, "{at}: {why}");
                "less than a debt share"
            }
            _ => panic!("{at}: Gage alone refuses to {what} {amount}: {why}"),
        }
    }

    fn aave_alone_refuses(
        &mut self,
        what: &str,
        asked: (usize, u128),
        who: Address,
        why: &str,
    ) -> &'static str {
        let ours = self.pair.gage_standing(who);
        let (place, amount) = asked;
        let [limit, _, debt] = self.after(what, asked, &ours);
        let (at, track) = (self.place(), self.tracks[place]);
        match (what, why.split('(').next().unwrap_or_default()) {
            ("borrow", "CollateralCannotCoverNewBorrow") => {
                // A basis point of all collateral, and the units of Aave's values.
                let point = ours.collateral / 1e4 + 8.0;
                assert!(debt > limit - point, "{at}: {debt} {limit} {why}");
                "above its average LTV, cut to a basis point"
            }
            ("borrow", "LtvValidationFailed") => {
                assert!(ours.collateral < 1.0, "{at}: {ours:?} {why}");
                "collateral that is worth none of its units"
            }
            ("withdraw", "NotEnoughAvailableUserBalance") => {
                let [most, least] = self.pair.supplied(place, who);
                assert!(least < amount && amount <= most, "{at}: {amount} {most} {least}");
                "its lender has earned less"
            }
            ("supply" | "borrow", "InvalidAmount") => {
                assert!(amount as f64 <= track.theirs.liquidity.max(1.0), "{at}: {why}");
                "less than a share of its"
            }
            _ => panic!("{at}: Aave alone refuses to {what} {amount}: {why} {ours:?}"),
        }
    }

    fn repay_all(&mut self, place: usize, who: Address) {
        let twice = self.pair.repay(place, None, who);
        let before = [self.pair.gage_lent(place).cash, self.pair.aave_lent(place).cash];
        if self.play("repay all", (place, u128::MAX), who, twice) {
            let after = [self.pair.gage_lent(place).cash, self.pair.aave_lent(place).cash];
            let paid = [0, 1].map(|side| after[side] - before[side]);
            self.figures.compare("paid for all debt, units", paid, paid[0]);
            self.tracks[place].cash_gap += signed(paid[0]) - signed(paid[1]);
        }
    }

    /// Counts interest on both, everywhere.
    fn accrue(&mut self) {
        let treasury = self.pair.treasury;
        for place in COLLATERALS..ASSETS {
            let twice = self.pair.supply(place, TOUCH, treasury);
            assert_eq!(self.pair.both(treasury, twice), (None, None), "{}", self.place());
        }
    }

    /// Follows by how much two reserves may differ since they were last compared.
    fn follow(&mut self, place: usize, ours: Lent, theirs: Lent) {
        let reserve = self.pair.reserves[place];
        let track = &mut self.tracks[place];
        let seconds = self.waiting as f64;
        let (was, debt) = (track.theirs, track.theirs.debt as f64);
        let all = debt + was.cash as f64;
        let grown = theirs.index as f64 / was.index as f64 - 1.0;
        assert!(grown < 0.5, "steps are too long to compare: {grown}");
        let steep = reserve.steepness() * seconds;
        // The utilisation has 18 decimals, the rate 27 a second; what is owed more is lent more.
        let digits = steep * 1e-18 + (seconds + 4.0) * 1e-27;
        let gap = track.cash_gap as f64;
        let (more, less) = (track.above + (-gap).max(0.0), track.below + gap.max(0.0));
        let faster = [digits + steep * more / all, digits + steep * less / all];
        track.index_apart[0] += faster[0];
        track.index_apart[1] += faster[1];
        track.above = track.above * (1.0 + grown) + debt * faster[0] + 1.0;
        track.below = track.below * (1.0 + grown) + debt * faster[1];
        if grown > 0.0 {
            // Aave credits its lenders what the rate gives in one piece, ours all that is owed more.
            let used = debt / all;
            let kept = 1.0 - f64::from(reserve.fee) / 1e4;
            let linear = linear_part(grown) * used * kept;
            let earned = grown * track.ours.debt as f64 * kept / track.ours.assets as f64;
            track.ahead += (1.0 + earned).ln() - (1.0 + linear).ln();
            let units = 2.0 / track.ours.assets as f64;
            track.ahead_apart += faster[0].max(faster[1]) + units + 4e-16;
        }
        (track.ours, track.theirs) = (ours, theirs);
    }

    fn compare_lent(&mut self, place: usize) {
        let (ours, theirs) = (self.pair.gage_lent(place), self.pair.aave_lent(place));
        self.follow(place, ours, theirs);
        self.round(place);
        let (at, track) = (self.place(), self.tracks[place]);
        let at =
            format!("{at}, asset {place}: {ours:?} {theirs:?} {:?}", self.pair.reserves[place]);
        assert_eq!(signed(ours.cash) - signed(theirs.cash), track.cash_gap, "{at}");
        self.figures.compare("all debt, units", [ours.debt, theirs.debt], theirs.debt);
        let debt = (signed(ours.debt) - signed(theirs.debt)) as f64;
        assert!(
            debt <= track.above && -debt <= track.below,
            "{at}: {debt} {} {}",
            track.above,
            track.below
        );
        let [most, least] = track.index_apart;
        let index = (signed(ours.index) - signed(theirs.index)) as f64 / theirs.index as f64;
        self.figures.compare("borrow index, rays", [ours.index, theirs.index], theirs.index);
        assert!(index <= most && -index <= least, "{at}: {index:e} {most:e} {least:e}");
        self.figures.compare_ratio("liquidity index", ours.liquidity, theirs.liquidity);
        let ahead = (ours.liquidity / theirs.liquidity).ln();
        // What floating point cannot tell apart comes on top.
        let apart = track.ahead_apart + 1e-15;
        assert!(
            (ahead - track.ahead).abs() <= apart,
            "{at}: {ahead:e} {:e} {apart:e}",
            track.ahead
        );
        assert!(ahead >= -apart, "{at}: {ahead:e} {apart:e}");
        let by_the_rules = theirs.liquidity * track.ahead.exp();
        let what = "liquidity index, beside what the rules make of Aave's";
        self.figures.compare_ratio(what, ours.liquidity, by_the_rules);
    }
}

/// The `x` of which `x + x²/2 + x³/6` is `grown`.
fn linear_part(grown: f64) -> f64 {
    let mut x = grown;
    for _ in 0..60 {
        x = grown / (1.0 + x / 2.0 + x * x / 6.0);
    }
    x
}
