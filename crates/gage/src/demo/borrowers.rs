//! The demo's borrowers: who pledges what and owes what, told from a seed in whole numbers.
//!
//! Sizes and distances to liquidation follow log-normal distributions, given by their quantiles:
//! most accounts are small and well covered, a few are large, some live near the edge.

use alloy_primitives::U256;

use super::{
    draw::Draw,
    world::{self, ISOLATED_LINE, WAD, asset_of, id, market, market_of, vault, vault_of},
};

/// Quantiles at 0, 1/16, … 1 of a debt in dollars (median 20,000, σ 1.3).
const DEBT_DOLLARS: [u128; 17] = [
    2_000, 2_720, 4_480, 6_310, 8_330, 10_590, 13_210, 16_310, 20_000, 24_530, 30_280, 37_770,
    48_030, 63_360, 89_200, 146_900, 600_000,
];

/// Quantiles of what is pledged beyond the borrowing limit, in basis points of it
/// (median 80 %, σ 0.6).
const EXCESS_BPS: [u128; 17] = [
    200, 3_190, 4_010, 4_700, 5_340, 5_970, 6_610, 7_280, 8_000, 8_790, 9_680, 10_720, 11_980,
    13_620, 15_960, 20_100, 50_000,
];

/// Basis points in one.
const BPS: u128 = 10_000;

/// How much smaller the debts of the isolated market are.
const ISOLATED_DIVISOR: u128 = 4;

/// One borrower in so many leaves a stop-loss order.
const STOP_LOSS_OF: u64 = 6;

/// What those pledge beyond their limit at least, in basis points: an order is no way to begin.
const STOP_LOSS_EXCESS: u128 = 1_500;

/// Utilisation that the lenders' deposits aim at, in basis points.
const UTILISATION_BPS: u128 = 8_000;

/// What one borrower does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Borrower {
    pub(crate) market: u32,
    /// Asset and base units.
    pub(crate) pledges: Vec<(u32, u128)>,
    /// Vault and base units.
    pub(crate) debts: Vec<(u32, u128)>,
    /// The order that the borrower leaves with the chain.
    pub(crate) stop_loss: Option<StopLoss>,
}

/// An order to sell the first pledge for the first debt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StopLoss {
    /// Health factors, as wads.
    pub(crate) trigger: u128,
    pub(crate) target: u128,
    /// In half percents of discount.
    pub(crate) tier_max: u8,
}

/// Why people borrow.
#[derive(Clone, Copy)]
enum Profile {
    /// Keeps a coin and takes dollars.
    Long,
    /// Earns staking yield on borrowed ether.
    Looped,
    /// Bets on a falling coin.
    Short,
    /// Keeps a yielding dollar and takes a plain one.
    Carry,
    /// Pledges what the main market does not take.
    Isolated,
}

const PROFILES: [(Profile, u64); 5] = [
    (Profile::Long, 55),
    (Profile::Looped, 10),
    (Profile::Short, 9),
    (Profile::Carry, 8),
    (Profile::Isolated, 18),
];

/// The plan of `count` borrowers at these prices (wads, by asset id from 1).
pub(crate) fn plan(seed: u64, count: u32, prices: &[u128]) -> Vec<Borrower> {
    let mut isolated_left = ISOLATED_LINE * WAD;
    (0..count)
        .map(|index| borrower(&mut Draw::new(seed, "borrower", index), prices, &mut isolated_left))
        .collect()
}

/// What is lent to each vault, in base units by id from 1: enough for the borrowers at the
/// utilisation aimed at, and no less than the tables say.
pub(crate) fn lent(borrowers: &[Borrower]) -> Vec<u128> {
    (1..)
        .zip(&world::VAULTS)
        .map(|(id, vault)| {
            let owed: u128 =
                borrowers.iter().flat_map(|b| &b.debts).filter(|d| d.0 == id).map(|d| d.1).sum();
            (owed * BPS / UTILISATION_BPS).max(vault.lent_at_least * asset_of(vault.asset).one())
        })
        .collect()
}

fn borrower(draw: &mut Draw, prices: &[u128], isolated_left: &mut u128) -> Borrower {
    let dollars = draw.quantile(&DEBT_DOLLARS) * WAD;
    let excess = draw.quantile(&EXCESS_BPS);
    let mut profile = draw.pick(&PROFILES);
    if matches!(profile, Profile::Isolated) && dollars / ISOLATED_DIVISOR > *isolated_left {
        profile = Profile::Long;
    }
    let (market, owed, pledged) = match profile {
        Profile::Long => (market::MAIN, long_debts(draw, dollars), long_pledges(draw)),
        Profile::Looped => (market::MAIN, vec![(vault::WETH, dollars)], vec![(id::WSTETH, BPS)]),
        Profile::Short => {
            let debt = draw.pick(&[(vault::WETH, 3), (vault::WBTC, 2)]);
            let pledge = draw.pick(&[(id::USDC, 1), (id::SDAI, 2)]);
            (market::MAIN, vec![(debt, dollars)], vec![(pledge, BPS)])
        }
        Profile::Carry => (market::MAIN, vec![(vault::USDC, dollars)], vec![(id::SDAI, BPS)]),
        Profile::Isolated => {
            *isolated_left -= dollars / ISOLATED_DIVISOR;
            let pledge = draw.pick(&[(id::SOL, 5), (id::XRP, 3), (id::AAVE, 2)]);
            (market::ISOLATED, vec![(vault::USDC, dollars / ISOLATED_DIVISOR)], vec![(pledge, BPS)])
        }
    };
    let debt_value: u128 = owed.iter().map(|(_, dollars)| dollars).sum();
    let limit = debt_value * (BPS + excess) / BPS;
    let pledges = pledged.into_iter().map(|(asset, part)| {
        let value = limit * part / u128::from(ltv(market, asset));
        (asset, amount(value, asset, prices))
    });
    let debts = owed
        .into_iter()
        .map(|(vault, dollars)| (vault, amount(dollars, vault_of(vault).asset, prices)));
    let (pledges, debts) = (pledges.collect(), debts.collect());
    Borrower { market, pledges, debts, stop_loss: stop_loss(draw, excess) }
}

/// An order to sell a little above the threshold, from those who think of it.
fn stop_loss(draw: &mut Draw, excess: u128) -> Option<StopLoss> {
    let leaves_one = draw.below(STOP_LOSS_OF) == 0 && excess >= STOP_LOSS_EXCESS;
    let trigger = WAD + WAD * u128::from(3 + draw.below(8)) / 100;
    let tier_max = 3 + draw.below(6) as u8;
    leaves_one.then_some(StopLoss { trigger, target: trigger + WAD / 10, tier_max })
}

/// One dollar or two: vaults and dollars as wads.
fn long_debts(draw: &mut Draw, dollars: u128) -> Vec<(u32, u128)> {
    match draw.pick(&[(0, 55), (1, 30), (2, 15)]) {
        0 => vec![(vault::USDC, dollars)],
        1 => vec![(vault::DAI, dollars)],
        _ => vec![(vault::USDC, dollars * 3 / 5), (vault::DAI, dollars * 2 / 5)],
    }
}

/// One coin or two: assets and their parts of the borrowing limit in basis points.
fn long_pledges(draw: &mut Draw) -> Vec<(u32, u128)> {
    let first = draw.pick(&[(id::WETH, 45), (id::WBTC, 25), (id::WSTETH, 30)]);
    let second = draw.pick(&[(id::WETH, 40), (id::WBTC, 40), (id::SDAI, 20)]);
    if first == second || draw.below(10) < 7 {
        vec![(first, BPS)]
    } else {
        vec![(first, 6_500), (second, 3_500)]
    }
}

fn ltv(market: u32, asset: u32) -> u16 {
    let terms = market_of(market).collaterals.iter().find(|terms| terms.asset == asset);
    terms.map_or(1, |terms| terms.ltv)
}

/// Base units of `asset` worth `value` (a wad), rounded down.
fn amount(value: u128, asset: u32, prices: &[u128]) -> u128 {
    let price = prices[asset as usize - 1].max(1);
    let one = asset_of(asset).one();
    (U256::from(value) * U256::from(one) / U256::from(price)).saturating_to()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::prices::Prices;

    fn prices() -> Vec<u128> {
        Prices::new(0).at(0, None).into_iter().map(|(_, price)| price).collect()
    }

    fn value(amount: u128, asset: u32) -> u128 {
        (U256::from(amount) * U256::from(prices()[asset as usize - 1])
            / U256::from(asset_of(asset).one()))
        .to()
    }

    #[test]
    fn the_same_seed_gives_the_same_borrowers() {
        assert_eq!(plan(7, 50, &prices()), plan(7, 50, &prices()));
        assert_ne!(plan(7, 50, &prices()), plan(8, 50, &prices()));
        assert_eq!(plan(7, 50, &prices())[..10], plan(7, 10, &prices())[..]);
    }

    #[test]
    fn every_borrower_may_borrow_what_the_plan_says() {
        for borrower in plan(1, 1_000, &prices()) {
            let limit: u128 = borrower
                .pledges
                .iter()
                .map(|(asset, amount)| {
                    value(*amount, *asset) * u128::from(ltv(borrower.market, *asset)) / BPS
                })
                .sum();
            let debt: u128 =
                borrower.debts.iter().map(|(id, amount)| value(*amount, vault_of(*id).asset)).sum();
            assert!(debt <= limit, "{borrower:?}");
            for (id, amount) in &borrower.debts {
                let least =
                    vault_of(*id).min_debt_milli * asset_of(vault_of(*id).asset).one() / 1_000;
                assert!(*amount >= least, "{borrower:?}");
            }
        }
    }

    #[test]
    fn health_varies_and_the_isolated_line_suffices() {
        let borrowers = plan(1, 2_000, &prices());
        let drawn: u128 =
            borrowers.iter().filter(|b| b.market == market::ISOLATED).map(|b| b.debts[0].1).sum();
        assert!(drawn > 0 && drawn <= ISOLATED_LINE * 1_000_000);
        let distinct: std::collections::BTreeSet<_> = borrowers.iter().map(|b| &b.debts).collect();
        assert!(distinct.len() > 1_990);
    }
}
