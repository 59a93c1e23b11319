//! Rate views through real calls.

use super::support::*;
use alloy_primitives::U256;
use gage_abi::IVault;

/// INT-3: the curve, a point of it and the present rate agree; bad parts are refused; more points cost
/// more gas.
#[test]
fn contracts_read_the_curve() {
    let mut world = World::loan();
    let state = world.ok(STRANGER, VAULT, IVault::stateCall {});
    let at = |world: &mut World, utilisation| {
        world.ok(STRANGER, VAULT, IVault::rateAtCall { utilisation })
    };
    let here = at(&mut world, state.utilisation);
    assert_eq!(here.borrowRate, state.borrowRate);
    let slack = state.supplyRate / u(1_000_000_000) + u(1_000);
    assert!(here.supplyRate.abs_diff(state.supplyRate) <= slack);
    let full = at(&mut world, u(WAD));
    for beyond in [u(WAD + 1), u(u128::MAX)] {
        let found = at(&mut world, beyond);
        assert_eq!((found.borrowRate, found.supplyRate), (full.borrowRate, full.supplyRate));
    }
    let wide = IVault::rateAtCall { utilisation: U256::MAX };
    assert!(world.refused(STRANGER, VAULT, wide).starts_with("AmountTooLarge("));
    let points = world.ok(STRANGER, VAULT, IVault::rateCurveCall { intervals: 10 });
    assert!(points.len() == 11 || points.len() == 12);
    for point in &points {
        let found = at(&mut world, point.utilisation);
        assert_eq!((found.borrowRate, found.supplyRate), (point.borrowRate, point.supplyRate));
    }
    for intervals in [0, 101, u16::MAX] {
        let refused = world.refused(STRANGER, VAULT, IVault::rateCurveCall { intervals });
        assert!(refused.starts_with("InvalidParameter("), "{refused}");
    }
    let few = world.call(STRANGER, VAULT, IVault::rateCurveCall { intervals: 1 }).gas();
    let many = world.call(STRANGER, VAULT, IVault::rateCurveCall { intervals: 100 }).gas();
    assert!(many >= few + 99 * 50, "{few} {many}");
}

/// Only an adaptive model drifts, as it does when the time has come.
#[test]
fn contracts_foresee_the_drift() {
    let mut world = World::loan();
    let ahead =
        |world: &mut World, elapsed| world.ok(STRANGER, VAULT, IVault::ratesAfterCall { elapsed });
    let (now, later) = (ahead(&mut world, 0), ahead(&mut world, u64::MAX));
    assert_eq!((now.rates.kind, now.borrowRate), (0, later.borrowRate));
    let rates = IVault::Rates {
        kind: 1,
        base: 0,
        slope1: 0,
        slope2: 0,
        kink: 0,
        rateAtTarget: 4 * 10_u128.pow(25) / 31_536_000,
    };
    world.ok(OWNER, VAULT, IVault::setRatesCall { rates });
    let day = ahead(&mut world, 86_400);
    let borrow_rate = day.borrowRate;
    world.now += 86_400;
    let state = world.ok(STRANGER, VAULT, IVault::stateCall {});
    assert_eq!(state.rates.rateAtTarget, day.rates.rateAtTarget);
    // The day's interest raised utilisation by a little.
    assert!(state.borrowRate.abs_diff(borrow_rate) <= borrow_rate / u(1_000));
    let gone = ahead(&mut world, u64::MAX);
    assert_eq!(gone.rates.rateAtTarget, 10_u128.pow(24) / 31_536_000);
}
