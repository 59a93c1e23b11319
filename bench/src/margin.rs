//! What judging an account costs under both models of margin: the engine alone, over records in memory.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Instant;

use alloy_primitives::Address;
use anyhow::Result;
use gage_core::borrowing::{self, Draw};
use gage_core::curation::{self, Caps, Naming, VaultTerms};
use gage_core::feed::{self, FeedSubject, FeedTerms, creation};
use gage_core::listing::{self, CollateralTerms, LineTerms, MarketTerms};
use gage_core::portfolio::{FactorTerms, PortfolioTerms, set_portfolio_margin};
use gage_core::protocol::{self, AssetTerms};
use gage_core::sources::{self, Report, Source, SourceId, SourceTerms};
use gage_core::{
    AccountId, AssetId, Assets, Bps, FeedId, InterestModel, Label, MarginTerms, MarketId,
    MemoryLedger, Sigma, Timestamp, VaultId, WAD, Wad, lending, margin, token,
};

const OWNER: Address = Address::repeat_byte(1);
const MARKET: MarketId = MarketId::new(1);
const VAULT: VaultId = VaultId::new(1);
/// Collaterals of the market, which has a factor for each.
const ASSETS: u32 = 16;
const RAMP_SECONDS: u32 = 86_400;
/// Calls that are timed together.
const CALLS: u32 = 200;
/// Whole tokens, of which everybody has enough.
const TOKEN: u128 = 1_000_000_000_000_000_000;

/// A market of sixteen collaterals, the first of which a vault lends.
fn ledger() -> Result<MemoryLedger> {
    let mut ledger = MemoryLedger::at(Timestamp::new(1_700_000_000));
    ledger.protocol.governance = OWNER;
    let l = &mut ledger;
    let label = Label::new("A")?;
    let terms = MarketTerms {
        target_health: Wad::new(WAD / 100 * 105),
        full_bonus_health: Wad::new(WAD / 10 * 9),
    };
    listing::create_market(l, OWNER, &terms)?;
    for number in 1..=ASSETS {
        let terms = AssetTerms { name: label, symbol: label, decimals: 18 };
        let asset = protocol::create_asset(l, OWNER, &terms)?;
        let bounds = FeedTerms::unguarded(86_400, Wad::new(1), Wad::new(1 << 100));
        let subject = FeedSubject { asset: Some(asset), description: label };
        let feed = creation::create_feed(l, OWNER, subject, &bounds)?;
        let id = SourceId::publisher(OWNER);
        let terms = SourceTerms { weight: 1, max_age: 86_400 };
        sources::set_source(l, OWNER, feed, &Source { id, terms })?;
        let (time, price, confidence) = (l.now, Wad::new(100 * WAD), Wad::ZERO);
        sources::record(l, &Report { feed, round: 1, time, price, confidence }, &id)?;
        feed::update(l, feed)?;
        let terms = CollateralTerms {
            feed: FeedId::new(number),
            ltv: Bps::new(7_500),
            threshold: Bps::new(8_000),
            bonus_min: Bps::new(400),
            bonus_max: Bps::new(1_000),
            risk_weight: Bps::ZERO,
            cap: Assets::new(1 << 100),
        };
        listing::add_collateral(l, OWNER, MARKET, asset, &terms)?;
        token::mint(l, OWNER, asset, OWNER, Assets::new(1_000_000 * TOKEN))?;
    }
    let (asset, cap) = (AssetId::new(1), Assets::new(1 << 100));
    let model =
        InterestModel::Kinked { base: 100, slope1: 500, slope2: 30_000, kink: Bps::new(8_000) };
    let caps = Caps { supply: cap, borrow: cap };
    let terms = VaultTerms { reserve_fee: Bps::new(1_000), caps, model };
    let naming = Naming { name: label, symbol: label };
    curation::create_vault(l, OWNER, asset, naming, &terms)?;
    let line = LineTerms { feed: FeedId::new(1), min_debt: Assets::new(TOKEN) };
    listing::list_vault(l, OWNER, MARKET, VAULT, &line)?;
    curation::set_line_cap(l, OWNER, VAULT, MARKET, cap)?;
    lending::deposit(l, OWNER, VAULT, Assets::new(500_000 * TOKEN), OWNER)?;
    Ok(ledger)
}

/// A set in which everything moves a little with everything.
fn set() -> PortfolioTerms {
    let factors = (1..=ASSETS).map(|number| FactorTerms {
        asset: AssetId::new(number),
        sigma: Sigma::new(20_000 + 1_000 * number),
        cost: Bps::new(50),
        hedge: 1,
        hedge_threshold: Bps::new(9_000),
        correlations: (1..number)
            .map(|other| 3_000 + i16::try_from(other).unwrap_or_default())
            .collect(),
    });
    let (k_borrow, k_liquidation) = (Bps::new(40_000), Bps::new(30_000));
    let margin = MarginTerms { k_borrow, k_liquidation, floor: Bps::new(200) };
    PortfolioTerms { margin, factors: factors.collect(), ramp_seconds: RAMP_SECONDS }
}

/// An account with so many collaterals, the last ones of the list, and one debt.
fn account(ledger: &mut MemoryLedger, assets: u32) -> Result<AccountId> {
    let id = AccountId { market: MARKET, owner: OWNER, sub: assets };
    for number in ASSETS - assets + 1..=ASSETS {
        let amount = Assets::new(100 * TOKEN);
        borrowing::supply_collateral(ledger, OWNER, &id, AssetId::new(number), amount)?;
    }
    let amount = Assets::new(u128::from(assets) * 50 * TOKEN);
    let draw = Draw { market: MARKET, sub: assets, vault: VAULT, amount, receiver: OWNER };
    borrowing::borrow(ledger, OWNER, &draw)?;
    Ok(id)
}

/// Nanoseconds of one health check, the median of as many batches as there are passes times a hundred.
fn nanoseconds(ledger: &mut MemoryLedger, id: &AccountId, passes: usize) -> Result<u128> {
    let mut times = Vec::new();
    for _ in 0..passes * 100 {
        let start = Instant::now();
        for _ in 0..CALLS {
            black_box(margin::health(black_box(ledger), id)?);
        }
        times.push(start.elapsed().as_nanos() / u128::from(CALLS));
    }
    times.sort_unstable();
    Ok(times[times.len() / 2])
}

/// The part of the results about margin.
pub(crate) fn report(passes: usize) -> Result<String> {
    let mut page = String::from(
        "# Margin\n\nOne health check of an account with so many collaterals and one debt: the engine alone, over \
         records in memory,\nso that the models are compared and not the slots they read (`docs/margin.md` counts \
         those). Nanoseconds, median.\n\n| collaterals | thresholds | portfolio margin | during a ramp |\n\
         | ----------- | ---------: | ---------------: | ------------: |\n",
    );
    for assets in [1, 4, 16] {
        let mut ledger = ledger()?;
        let id = account(&mut ledger, assets)?;
        let thresholds = nanoseconds(&mut ledger, &id, passes)?;
        set_portfolio_margin(&mut ledger, OWNER, MARKET, &set())?;
        ledger.now = ledger.now.after(u64::from(RAMP_SECONDS));
        let whole = nanoseconds(&mut ledger, &id, passes)?;
        set_portfolio_margin(&mut ledger, OWNER, MARKET, &set())?;
        ledger.now = ledger.now.after(u64::from(RAMP_SECONDS) / 2);
        let ramp = nanoseconds(&mut ledger, &id, passes)?;
        let _ = writeln!(page, "| {assets:<11} | {thresholds:>10} | {whole:>16} | {ramp:>13} |");
    }
    Ok(page)
}
