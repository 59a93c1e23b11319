//! Legs of a position, from the few numbers that a vector has.

use gage_core::first_loss::Settled;
use gage_core::margin::{CollateralLeg, DebtLeg};
use gage_core::terms::Keeping;
use gage_core::{
    Address, AssetId, Assets, Bps, Collateral, Debt, FeedId, InterestModel, Label, Line, Ray,
    Shares, Timestamp, Vault, VaultId, Wad,
};

pub(crate) fn collateral_leg(
    place: u8,
    amount: u128,
    price: u128,
    decimals: u8,
    limits: [u16; 4],
) -> CollateralLeg {
    let [ltv, threshold, bonus_min, bonus_max] = limits.map(Bps::new);
    let terms = Collateral {
        feed: FeedId::new(1),
        decimals,
        ltv,
        threshold,
        bonus_min,
        bonus_max,
        kept: Keeping::default(),
        risk_weight: Bps::ZERO,
        cap: Assets::MAX,
        total: Assets::new(amount),
    };
    let (asset, amount, price) =
        (AssetId::new(u32::from(place) + 1), Assets::new(amount), Wad::new(price));
    CollateralLeg {
        index: place,
        asset,
        amount,
        terms,
        ltv,
        threshold,
        bonus_min,
        bonus_max,
        price,
    }
}

pub(crate) fn debt_leg(place: u8, shares: u128, index: u128, price: u128, decimals: u8) -> DebtLeg {
    let shares = Shares::new(shares);
    let owed = Debt { shares, offset: Assets::ZERO };
    let vault = Vault {
        asset: AssetId::new(u32::from(place) + 1),
        decimals: decimals + 6,
        name: Label::default(),
        symbol: Label::default(),
        curator: Address::ZERO,
        cash: Assets::ZERO,
        shares,
        owed,
        index: Ray::new(index),
        reserves: Assets::ZERO,
        losses: Assets::ZERO,
        updated_at: Timestamp::ZERO,
        reserve_fee: Bps::ZERO,
        supply_cap: Assets::ZERO,
        borrow_cap: Assets::ZERO,
        paused: false,
        exits_waiting: false,
        model: InterestModel::Kinked { base: 0, slope1: 0, slope2: 0, kink: Bps::new(1) },
    };
    let line = Line {
        feed: FeedId::new(2),
        decimals,
        cap: Assets::ZERO,
        owed,
        min_debt: Assets::new(1),
        staked: false,
        tracked: false,
        metered: false,
    };
    let vault_id = VaultId::new(u32::from(place) + 1);
    DebtLeg {
        index: place,
        vault: vault_id,
        accrued: vault.accrue(Timestamp::ZERO),
        line,
        debt: owed,
        price: Wad::new(price),
        first_loss: Settled::default(),
        rewritten: false,
    }
}
