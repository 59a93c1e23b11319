//! The demo's world: assets, feeds, vaults and markets, as tables. Ids follow from the order.
//!
//! Assets, vaults, markets and feeds are numbered from 1 in the order in which they are created;
//! asset 1 is the wrapped native coin of genesis. What is reported of an asset goes to the feed of its own
//! number: its price, or of a staked coin its rate. The composite prices of these follow after all.

/// Seconds of a year, as interest counts them.
const YEAR_SECONDS: u128 = 31_536_000;

/// One, as a wad.
pub(crate) const WAD: u128 = 10_u128.pow(18);

/// How long a price is good for.
pub(crate) const PRICE_AGE_SECONDS_MAX: u32 = 7_200;

/// Where an asset's price comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A series of the history; its price in wads while the history has none.
    History { series: &'static str, otherwise: u128 },
    /// A claim whose rate to `series` grows steadily; `None` stands for the dollar.
    Growing { series: Option<(&'static str, u128)>, rate: u128, growth_per_year_bps: u128 },
}

/// One asset of the world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asset {
    pub(crate) symbol: &'static str,
    pub(crate) name: &'static str,
    pub(crate) decimals: u8,
    pub(crate) source: Source,
}

impl Asset {
    /// One whole token in base units.
    pub(crate) fn one(&self) -> u128 {
        10_u128.pow(self.decimals.into())
    }
}

const ETH_AT_START: u128 = 3_232_740_000_000_000_000_000;

/// Assets by id, from 1.
pub(crate) const ASSETS: [Asset; 9] = [
    asset("WETH", "Wrapped Ether", 18, series("ETH", ETH_AT_START)),
    asset("WBTC", "Demo Wrapped Bitcoin", 8, series("BTC", 64_628_010_000_000_000_000_000)),
    asset("USDC", "Demo USD Coin", 6, series("USDC", WAD)),
    asset("DAI", "Demo Dai", 18, series("DAI", WAD)),
    asset(
        "wstETH",
        "Demo Staked Ether",
        18,
        Source::Growing {
            series: Some(("ETH", ETH_AT_START)),
            rate: 1_174_000_000_000_000_000,
            growth_per_year_bps: 320,
        },
    ),
    asset(
        "sDAI",
        "Demo Savings Dollar",
        18,
        Source::Growing { series: None, rate: 1_095_000_000_000_000_000, growth_per_year_bps: 700 },
    ),
    asset("SOL", "Demo Solana", 9, series("SOL", 171_700_000_000_000_000_000)),
    asset("AAVE", "Demo Aave", 18, series("AAVE", 107_520_000_000_000_000_000)),
    asset("XRP", "Demo XRP", 6, series("XRP", 623_000_000_000_000_000)),
];

/// Ids of [`ASSETS`].
pub(crate) mod id {
    pub(crate) const WETH: u32 = 1;
    pub(crate) const WBTC: u32 = 2;
    pub(crate) const USDC: u32 = 3;
    pub(crate) const DAI: u32 = 4;
    pub(crate) const WSTETH: u32 = 5;
    pub(crate) const SDAI: u32 = 6;
    pub(crate) const SOL: u32 = 7;
    pub(crate) const AAVE: u32 = 8;
    pub(crate) const XRP: u32 = 9;
}

impl Asset {
    /// The asset that a staked coin is a claim on; its feed reports how much of it the coin is.
    pub(crate) fn underlying(&self) -> Option<u32> {
        let Source::Growing { series: Some((name, _)), .. } = self.source else { return None };
        let is_it = |other: &Asset| matches!(other.source, Source::History { series, .. } if series == name);
        (1..).zip(&ASSETS).find(|(_, other)| is_it(other)).map(|(id, _)| id)
    }
}

/// What a staked coin's rate may grow by in a year, in basis points: three times what it does.
pub(crate) const RATE_GROWTH_MAX_BPS: u128 = 1_000;

/// The staked coins, each with what it is a claim on.
pub(crate) fn staked() -> impl Iterator<Item = (u32, u32)> {
    (1..).zip(&ASSETS).filter_map(|(id, asset)| Some((id, asset.underlying()?)))
}

/// The feed of an asset's price: the one of its number, or the composite of a staked coin.
pub(crate) fn price_feed(asset: u32) -> u32 {
    let composite = (ASSETS.len() as u32 + 1..).zip(staked()).find(|(_, (id, _))| *id == asset);
    composite.map_or(asset, |(feed, _)| feed)
}

/// A vault, and how much is lent to it at least, in whole tokens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vault {
    pub(crate) asset: u32,
    pub(crate) name: &'static str,
    pub(crate) symbol: &'static str,
    pub(crate) lent_at_least: u128,
    pub(crate) model: Model,
    /// Smallest debt, in thousandths of a token.
    pub(crate) min_debt_milli: u128,
}

/// How a vault's borrow rate follows utilisation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Model {
    /// Basis points a year.
    Kinked { base: u32, slope1: u32, slope2: u32, kink: u16 },
    /// Basis points a year at the target, to begin with.
    Adaptive { at_target: u128 },
}

impl Model {
    /// A yearly rate in basis points as a ray per second.
    pub(crate) fn ray_per_second(bps_per_year: u128) -> u128 {
        bps_per_year * 10_u128.pow(23) / YEAR_SECONDS
    }
}

/// Vaults by id, from 1.
pub(crate) const VAULTS: [Vault; 4] = [
    Vault {
        asset: id::USDC,
        name: "Gage USDC Vault",
        symbol: "gUSDC",
        lent_at_least: 5_000_000,
        model: Model::Kinked { base: 0, slope1: 550, slope2: 6_000, kink: 9_000 },
        min_debt_milli: 100_000,
    },
    Vault {
        asset: id::DAI,
        name: "Gage DAI Vault",
        symbol: "gDAI",
        lent_at_least: 2_500_000,
        model: Model::Adaptive { at_target: 600 },
        min_debt_milli: 100_000,
    },
    Vault {
        asset: id::WETH,
        name: "Gage WETH Vault",
        symbol: "gWETH",
        lent_at_least: 1_000,
        model: Model::Kinked { base: 50, slope1: 220, slope2: 8_000, kink: 9_000 },
        min_debt_milli: 30,
    },
    Vault {
        asset: id::WBTC,
        name: "Gage WBTC Vault",
        symbol: "gWBTC",
        lent_at_least: 40,
        model: Model::Kinked { base: 10, slope1: 300, slope2: 8_000, kink: 8_000 },
        min_debt_milli: 2,
    },
];

/// Ids of [`VAULTS`].
pub(crate) mod vault {
    pub(crate) const USDC: u32 = 1;
    pub(crate) const DAI: u32 = 2;
    pub(crate) const WETH: u32 = 3;
    pub(crate) const WBTC: u32 = 4;
}

/// A collateral's terms in a market, in basis points.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Collateral {
    pub(crate) asset: u32,
    pub(crate) ltv: u16,
    pub(crate) threshold: u16,
    pub(crate) bonus_min: u16,
    pub(crate) bonus_max: u16,
    /// What debt that it backs pays beyond the base rate, in basis points of that rate.
    pub(crate) risk_weight: u16,
    /// Most that may be pledged, in whole tokens.
    pub(crate) cap: u128,
}

/// A market: what it takes, and what may be drawn through it, in whole tokens of each vault.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Market {
    pub(crate) name: &'static str,
    pub(crate) target_health: u128,
    pub(crate) full_bonus_health: u128,
    pub(crate) collaterals: &'static [Collateral],
    pub(crate) lines: &'static [(u32, u128)],
}

/// Ids of [`MARKETS`].
pub(crate) mod market {
    pub(crate) const MAIN: u32 = 1;
    pub(crate) const ISOLATED: u32 = 2;
}

/// What the isolated market may draw, in whole dollars.
pub(crate) const ISOLATED_LINE: u128 = 3_000_000;

/// Markets by id, from 1.
pub(crate) const MARKETS: [Market; 2] = [
    Market {
        name: "main",
        target_health: 1_050_000_000_000_000_000,
        full_bonus_health: 900_000_000_000_000_000,
        collaterals: &[
            collateral(id::WETH, [8_000, 8_300, 500, 1_000], 0, 1_000_000),
            collateral(id::WBTC, [7_300, 7_800, 500, 1_000], 0, 20_000),
            collateral(id::WSTETH, [7_850, 8_100, 600, 1_000], 500, 500_000),
            collateral(id::SDAI, [7_700, 8_000, 400, 800], 200, 200_000_000),
            collateral(id::USDC, [7_700, 8_000, 400, 800], 0, 200_000_000),
        ],
        lines: &[
            (vault::USDC, 500_000_000),
            (vault::DAI, 500_000_000),
            (vault::WETH, 500_000),
            (vault::WBTC, 10_000),
        ],
    },
    Market {
        name: "isolated",
        target_health: 1_080_000_000_000_000_000,
        full_bonus_health: 900_000_000_000_000_000,
        collaterals: &[
            collateral(id::SOL, [6_000, 6_500, 700, 1_200], 1_500, 200_000),
            collateral(id::AAVE, [6_000, 6_500, 700, 1_200], 3_000, 200_000),
            collateral(id::XRP, [5_500, 6_000, 700, 1_200], 2_000, 50_000_000),
        ],
        lines: &[(vault::USDC, ISOLATED_LINE)],
    },
];

/// An asset of the tables by its id.
pub(crate) fn asset_of(id: u32) -> &'static Asset {
    &ASSETS[id as usize - 1]
}

/// A vault of the tables by its id.
pub(crate) fn vault_of(id: u32) -> &'static Vault {
    &VAULTS[id as usize - 1]
}

/// A market of the tables by its id.
pub(crate) fn market_of(id: u32) -> &'static Market {
    &MARKETS[id as usize - 1]
}

const fn asset(symbol: &'static str, name: &'static str, decimals: u8, source: Source) -> Asset {
    Asset { symbol, name, decimals, source }
}

const fn series(series: &'static str, otherwise: u128) -> Source {
    Source::History { series, otherwise }
}

const fn collateral(asset: u32, terms: [u16; 4], risk_weight: u16, cap: u128) -> Collateral {
    let [ltv, threshold, bonus_min, bonus_max] = terms;
    Collateral { asset, ltv, threshold, bonus_min, bonus_max, risk_weight, cap }
}
