//! What a history is played on: one market of Morpho Blue's published LLTVs, a curve, a fee.

use gage_abi::IVault;

/// Morpho Blue's LLTVs that leave room for an incentive, in basis points.
const LLTVS: [u16; 6] = [3_850, 6_250, 7_700, 8_600, 9_150, 9_450];
/// Decimals of collateral and debt.
const DECIMALS: [[u8; 2]; 4] = [[18, 6], [18, 18], [8, 18], [6, 6]];
/// Kinked curves: base and slopes a year, and the kink, in basis points.
const CURVES: [([u32; 3], u16); 4] = [
    ([0, 400, 6_000], 9_000),
    // Exactly 1e-7 a second: both keep every digit of it.
    ([31_536, 0, 0], 8_000),
    ([100, 1_500, 3_000], 5_000),
    ([0, 0, 10_000], 8_000),
];
/// The fee on interest.
const FEES: [u16; 3] = [0, 1_000, 2_500];
/// One, in Morpho's wads.
const WAD: u128 = 1_000_000_000_000_000_000;

/// A market's terms, the same on both sides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) collateral_decimals: u8,
    pub(super) debt_decimals: u8,
    /// Debt per collateral value at which liquidation starts.
    pub(super) lltv: u16,
    /// Base and slopes.
    pub(super) rates: [u32; 3],
    pub(super) kink: u16,
    pub(super) fee: u16,
    /// Time passes so many times more slowly: for the curve at 315 % a year.
    pub(super) slower: u64,
}

impl Terms {
    /// Terms of a seed: consecutive seeds differ in each.
    pub(super) fn of(seed: u64) -> Self {
        let seed = seed as usize;
        let [collateral_decimals, debt_decimals] = DECIMALS[(seed / 2) % DECIMALS.len()];
        let (rates, kink) = CURVES[(seed + seed / LLTVS.len()) % CURVES.len()];
        let (lltv, fee) = (LLTVS[seed % LLTVS.len()], FEES[(seed / 6 + seed / 2) % FEES.len()]);
        let slower = if rates[0] > 10_000 { 20 } else { 1 };
        Self { collateral_decimals, debt_decimals, lltv, rates, kink, fee, slower }
    }

    /// Whether a rule makes a difference on these terms, or rounding alone.
    pub(super) fn kind(&self) -> &'static str {
        let is_exact = self.incentive() == WAD + u128::from(self.bonus()) * WAD / 10_000;
        match (is_exact, self.fee) {
            (true, 0) => "rounding alone",
            (true, _) => "with a fee",
            (false, 0) => "with a smaller bonus",
            (false, _) => "with a fee and a smaller bonus",
        }
    }

    /// What a liquidator gets per value repaid on Morpho: `min(1.15, 1 / (1 − 0.3 · (1 − LLTV)))`, in wads.
    pub(super) fn incentive(&self) -> u128 {
        let kept = 3 * WAD / 10 * u128::from(10_000 - self.lltv) / 10_000;
        (WAD * WAD / (WAD - kept)).min(115 * WAD / 100)
    }

    /// Gage's bonus: the same in whole basis points, rounded down.
    pub(super) fn bonus(&self) -> u16 {
        ((self.incentive() - WAD) / 100_000_000_000_000) as u16
    }

    /// Gage's most debt per collateral value for new risk: one percent below the threshold, as near as it may be.
    pub(super) fn ltv(&self) -> u16 {
        self.lltv - 100
    }

    /// The curve as a vault's.
    pub(super) fn curve(&self) -> IVault::Rates {
        let [base, slope1, slope2] = self.rates;
        IVault::Rates { kind: 0, base, slope1, slope2, kink: self.kink, rateAtTarget: 0 }
    }

    /// How much the rate per second changes at most with utilisation.
    pub(super) fn steepness(&self) -> f64 {
        let [_, slope1, slope2] = self.rates.map(f64::from);
        let kink = f64::from(self.kink);
        let per_year = (slope1 / kink).max(slope2 / (10_000.0 - kink));
        per_year / 31_536_000.0
    }

    /// A whole unit of the debt's asset.
    pub(super) fn debt_unit(&self) -> u128 {
        10_u128.pow(self.debt_decimals.into())
    }

    /// A whole unit of the collateral.
    pub(super) fn collateral_unit(&self) -> u128 {
        10_u128.pow(self.collateral_decimals.into())
    }
}
