//! How much memory the liquidation index takes. Alone in its file: the allocator counts for all
//! tests of a process.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use std::alloc::System;

use cap::Cap;
use gage_core::market::Market;
use gage_core::terms::Keeping;
use gage_core::watch::Watch;
use gage_core::{
    Account, AccountId, Address, AssetId, Assets, Bps, Collateral, Debt, Feed, FeedId,
    InterestModel, Label, Ledger, Line, MarketId, MemoryLedger, Pauses, RAY, Ray, Shares,
    Timestamp, U256, Vault, VaultId, WAD, Wad,
};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

const MARKET: MarketId = MarketId::new(1);
const COLLATERALS: u32 = 10;

/// One market with ten collaterals and one vault, all at one dollar for 10^18 units.
fn ledger() -> MemoryLedger {
    let mut ledger = MemoryLedger::at(Timestamp::new(1));
    let (label, owner) = (Label::default(), Address::ZERO);
    let market = Market {
        owner,
        pause: Pauses::default(),
        breaker: false,
        recognised: false,
        terms_version: 1,
        groups: 0,
        liquidation_resumes_at: Timestamp::ZERO,
        target_health: Wad::new(WAD * 105 / 100),
        full_bonus_health: Wad::new(WAD * 9 / 10),
        margin: gage_core::MarginModel::Threshold,
        collaterals: (1..=COLLATERALS).map(AssetId::new).collect(),
        vaults: vec![VaultId::new(1)],
    };
    for number in 1..=COLLATERALS {
        let feed = Feed {
            price: Wad::ONE,
            smoothed: Wad::ONE,
            updated_at: Timestamp::new(1),
            max_age: 1,
            ..Feed::default()
        };
        ledger.feeds.insert(FeedId::new(number), feed);
        let terms = Collateral {
            feed: FeedId::new(number),
            decimals: 18,
            ltv: Bps::ZERO,
            threshold: Bps::new(8_000),
            bonus_min: Bps::ZERO,
            bonus_max: Bps::ZERO,
            kept: Keeping::default(),
            risk_weight: Bps::ZERO,
            cap: Assets::MAX,
            total: Assets::new(1 << 104),
        };
        ledger.collaterals.insert((MARKET, AssetId::new(number)), terms);
    }
    let vault = Vault {
        asset: AssetId::new(1),
        decimals: 24,
        name: label,
        symbol: label,
        curator: owner,
        cash: Assets::ZERO,
        shares: Shares::ZERO,
        owed: Debt::ZERO,
        index: Ray::new(RAY),
        reserves: Assets::ZERO,
        losses: Assets::ZERO,
        updated_at: Timestamp::ZERO,
        reserve_fee: Bps::ZERO,
        supply_cap: Assets::ZERO,
        borrow_cap: Assets::ZERO,
        paused: false,
        exits_waiting: false,
        model: InterestModel::Adaptive { rate_at_target: Ray::ONE },
    };
    ledger.vaults.insert(VaultId::new(1), vault);
    let line = Line::new(FeedId::new(1), 18, Assets::ZERO);
    ledger.lines.insert((MARKET, VaultId::new(1)), line);
    ledger.markets.insert(MARKET, market);
    ledger
}

/// Every account has one collateral, every third two; in the worst order for a tree, and in none.
#[test]
fn an_account_takes_at_most_200_bytes() {
    let accounts = 50_000;
    for spread in [1_u64, 0x9e37_79b9_7f4a_7c15] {
        let mut ledger = ledger();
        let ids: Vec<_> = (1..=accounts)
            .map(|number: u64| {
                let word = U256::from(number.wrapping_mul(spread));
                AccountId { market: MARKET, owner: Address::from_word(word.into()), sub: 0 }
            })
            .collect();
        for (number, id) in (0..).zip(&ids) {
            let mut account = Account::default();
            let place = u8::try_from(number % COLLATERALS).unwrap();
            account.set_collateral(place, Assets::new(WAD * 2));
            if number % 3 == 0 {
                account.set_collateral((place + 3) % 10, Assets::new(WAD));
            }
            let shares = Shares::new(WAD - u128::from(number) * 1_000);
            account.set_debt(0, Debt { shares, offset: Assets::ZERO });
            ledger.set_account(id, &account).unwrap();
        }
        let before = ALLOCATOR.allocated();
        let mut watch = Watch::new();
        watch.file(&mut ledger, ids.iter().map(|id| (*id, Wad::ONE))).unwrap();
        let taken = ALLOCATOR.allocated() - before;
        assert_eq!(watch.len(), ids.len());
        println!("{} bytes for each account", taken / ids.len());
        assert!(taken <= 200 * ids.len(), "{taken} bytes for {accounts} accounts");
    }
}
