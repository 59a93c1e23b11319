//! What the node's `gage_*` methods tell, as far as the commands show it.

use alloy_primitives::{Address, U256};
use anyhow::Context as _;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{amounts, calendar::minute, client::Client};

/// A quantity in base units.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Quantity {
    raw: String,
    /// As the node writes it.
    pub(crate) formatted: String,
}

impl Quantity {
    /// In base units.
    pub(crate) fn units(&self) -> U256 {
        self.raw.parse().unwrap_or_default()
    }

    /// As so many tokens.
    pub(crate) fn tokens(&self, decimals: u8) -> String {
        amounts::tokens(self.units(), decimals)
    }

    /// As US dollars.
    pub(crate) fn usd(&self) -> String {
        amounts::usd(self.units())
    }

    /// As a price.
    pub(crate) fn price(&self) -> String {
        amounts::price(self.units())
    }

    /// As a health factor, which the node writes as `∞` without debt.
    pub(crate) fn health(&self) -> String {
        if self.formatted == "∞" { "∞".to_owned() } else { amounts::health(self.units()) }
    }

    /// A percentage as the node writes it, with two decimals.
    pub(crate) fn rounded(&self) -> String {
        let number = self.formatted.trim_end_matches(" %").parse::<f64>();
        number.map_or_else(|_| self.formatted.clone(), |number| format!("{number:.2} %"))
    }

    /// A wad between 0 and 1 as a percentage.
    pub(crate) fn percent(&self) -> String {
        amounts::percent(self.units())
    }
}

/// An asset's names.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Asset {
    pub(crate) address: Address,
    pub(crate) symbol: String,
    pub(crate) decimals: u8,
}

/// A vault's names.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Vault {
    pub(crate) address: Address,
    pub(crate) symbol: String,
    pub(crate) asset: Asset,
}

/// `gage_rates`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct VaultRates {
    pub(crate) vault: Vault,
    pub(crate) now: RatePoint,
    pub(crate) bend: Quantity,
    pub(crate) curve: Vec<RatePoint>,
    pub(crate) drift: Option<Drift>,
}

/// A point of a rate curve.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RatePoint {
    pub(crate) utilisation: Quantity,
    pub(crate) borrow_rate: Quantity,
    pub(crate) supply_rate: Quantity,
    pub(crate) borrow_apy: Quantity,
    pub(crate) supply_apy: Quantity,
}

/// Where an adaptive model will be.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Drift {
    pub(crate) next_hour: Ahead,
    pub(crate) next_day: Ahead,
}

/// The rates in some time.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ahead {
    pub(crate) rate_at_target: Quantity,
    pub(crate) borrow_rate: Quantity,
}

/// A price.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Quote {
    pub(crate) price: Quantity,
}

/// `gage_queue`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Queue {
    pub(crate) vault: Vault,
    pub(crate) asset: Asset,
    pub(crate) quote: Quote,
    pub(crate) discount_max: Quantity,
    pub(crate) bid_min: Quantity,
    pub(crate) depth: Quantity,
    pub(crate) depth_value: Quantity,
    pub(crate) tiers: Vec<Tier>,
}

/// One discount of a queue.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tier {
    pub(crate) discount: Quantity,
    pub(crate) price: Quantity,
    pub(crate) bids: u32,
    pub(crate) worth: Quantity,
    pub(crate) cumulated: Quantity,
}

/// One of `gage_bids`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Bid {
    pub(crate) market: u32,
    pub(crate) vault: Vault,
    pub(crate) asset: Asset,
    pub(crate) tier: u8,
    pub(crate) discount: Quantity,
    pub(crate) worth: Quantity,
    pub(crate) bought: Quantity,
    pub(crate) bought_value: Quantity,
    pub(crate) notice: Notice,
}

/// One of `gage_stakes`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stake {
    pub(crate) market: u32,
    pub(crate) vault: Vault,
    pub(crate) worth: Quantity,
    pub(crate) part: Quantity,
    pub(crate) notice: Notice,
    pub(crate) line: FirstLoss,
}

/// One of `gage_exits`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Exit {
    pub(crate) vault: Vault,
    pub(crate) place: u64,
    pub(crate) worth: Quantity,
    pub(crate) ahead_worth: Quantity,
    pub(crate) filled: Quantity,
    pub(crate) claimable: Quantity,
}

/// What is staked on a line.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FirstLoss {
    pub(crate) worth: Quantity,
    pub(crate) premium: Quantity,
    pub(crate) pending_until: Option<u64>,
}

/// One of `gage_exposures`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct VaultExposures {
    pub(crate) vault: Vault,
    pub(crate) debt: Quantity,
    pub(crate) untracked: Quantity,
    pub(crate) factors: Vec<FactorExposure>,
    pub(crate) lines: Vec<LineExposures>,
}

/// How much of a vault's debt something backs.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Backed {
    pub(crate) exposure: Quantity,
    pub(crate) cap: Option<Quantity>,
    pub(crate) share: Quantity,
}

/// What assets with a factor back.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct FactorExposure {
    pub(crate) factor: Factor,
    pub(crate) assets: Vec<Asset>,
    #[serde(flatten)]
    pub(crate) backed: Backed,
}

/// What assets have in common.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Factor {
    pub(crate) kind: String,
    pub(crate) label: String,
}

/// What backs the debt through one line.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct LineExposures {
    pub(crate) market: u32,
    pub(crate) tracked: bool,
    pub(crate) collaterals: Vec<CollateralExposure>,
}

/// What one collateral backs.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct CollateralExposure {
    pub(crate) asset: Asset,
    #[serde(flatten)]
    pub(crate) backed: Backed,
}

/// How far a withdrawal has come.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub(crate) enum Notice {
    None,
    #[serde(rename_all = "camelCase")]
    Running {
        opens_at: u64,
    },
    #[serde(rename_all = "camelCase")]
    Open {
        closes_at: u64,
    },
    #[serde(rename_all = "camelCase")]
    Expired {
        closes_at: u64,
    },
}

impl Notice {
    /// In words, in UTC.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::None => "not announced".to_owned(),
            Self::Running { opens_at } => format!("from {}", minute(*opens_at)),
            Self::Open { closes_at } => format!("open until {}", minute(*closes_at)),
            Self::Expired { closes_at } => format!("lapsed at {}", minute(*closes_at)),
        }
    }
}

/// Where and for whom something happened.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Place {
    pub(crate) block_number: u64,
    pub(crate) timestamp: u64,
    pub(crate) market: u32,
    pub(crate) owner: Address,
}

/// `gage_liquidations`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Liquidations {
    pub(crate) liquidations: Vec<Liquidation>,
}

/// What one transaction did to one account.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Liquidation {
    #[serde(flatten)]
    pub(crate) place: Place,
    pub(crate) reason: Reason,
    pub(crate) liquidator: Option<Address>,
    pub(crate) health_before: Quantity,
    pub(crate) health_after: Option<Quantity>,
    pub(crate) collateral_value: Option<Quantity>,
    pub(crate) debt_value: Option<Quantity>,
    pub(crate) sales: Vec<Sale>,
}

/// Why an account was liquidated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Reason {
    Unhealthy,
    Insolvent,
    StopLoss,
}

impl Reason {
    /// In words.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unhealthy => "unhealthy",
            Self::Insolvent => "insolvent",
            Self::StopLoss => "stop-loss",
        }
    }
}

/// Debt that was repaid, and the collateral that went for it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sale {
    pub(crate) vault: Vault,
    pub(crate) asset: Asset,
    pub(crate) repaid: Quantity,
    pub(crate) seized: Quantity,
    pub(crate) price: Option<Quantity>,
    pub(crate) bonus: Quantity,
    pub(crate) bids: Option<Bids>,
}

/// The tier that bought.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Bids {
    pub(crate) discount: Quantity,
}

/// `gage_losses`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Losses {
    pub(crate) losses: Vec<Loss>,
    pub(crate) totals: Vec<Total>,
}

/// One debt that was written off.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Loss {
    #[serde(flatten)]
    pub(crate) place: Place,
    pub(crate) vault: Vault,
    #[serde(flatten)]
    pub(crate) parts: Parts,
}

/// A vault's losses.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Total {
    pub(crate) vault: Vault,
    #[serde(flatten)]
    pub(crate) parts: Parts,
}

/// What was written off and who bore it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Parts {
    pub(crate) shortfall: Quantity,
    pub(crate) borne_by: Bearers,
}

/// Who bore a loss.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Bearers {
    #[serde(rename = "firstLoss")]
    pub(crate) first_loss: Quantity,
    pub(crate) reserves: Quantity,
    pub(crate) lenders: Quantity,
}

/// The part of `gage_explain` that is about the sweep.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Prospect {
    pub(crate) stop_loss: Option<Order>,
    pub(crate) sweep: Option<Sweep>,
    pub(crate) sweep_waits: Option<String>,
    pub(crate) health_factor: Quantity,
}

/// An owner's stop-loss order.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Order {
    pub(crate) asset: Asset,
    pub(crate) vault: Vault,
    pub(crate) trigger: Quantity,
    pub(crate) target: Quantity,
    pub(crate) discount_max: Quantity,
}

/// What a sweep would do.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sweep {
    pub(crate) reason: Reason,
    pub(crate) health_after: Quantity,
    pub(crate) sales: Vec<Planned>,
}

/// A sale of a sweep.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Planned {
    pub(crate) vault: Vault,
    pub(crate) asset: Asset,
    pub(crate) discount: Quantity,
    pub(crate) repaid: Quantity,
    pub(crate) seized: Quantity,
}

/// The names of an operator's permissions.
pub(crate) fn permissions(bits: u8) -> Vec<&'static str> {
    let all = [(1, "release"), (2, "borrow"), (4, "manage")];
    all.into_iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| name).collect()
}

/// `gage_authorisations`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Authorisations {
    pub(crate) nonce: u64,
    pub(crate) operators: Vec<Operator>,
    pub(crate) credits: Vec<Credit>,
}

/// What an operator may do with an account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Operator {
    pub(crate) market: u32,
    pub(crate) sub: u32,
    pub(crate) operator: Address,
    pub(crate) permissions: Vec<String>,
    pub(crate) expires_at: u64,
    pub(crate) expired: bool,
    pub(crate) receiver: Address,
}

/// What a delegatee may draw on an account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Credit {
    pub(crate) market: u32,
    pub(crate) sub: u32,
    pub(crate) vault: Vault,
    pub(crate) delegatee: Address,
    pub(crate) limit: Quantity,
    pub(crate) expires_at: u64,
    pub(crate) expired: bool,
    pub(crate) receiver: Address,
}

/// `gage_rehomePreview`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rehoming {
    pub(crate) reasons: Vec<Refusal>,
    pub(crate) pairs: Vec<Pair>,
    pub(crate) health_factor_before: Quantity,
    pub(crate) health_factor: Quantity,
    pub(crate) debts: Vec<Owed>,
    pub(crate) debt_value: Quantity,
    pub(crate) borrow_limit: Quantity,
    pub(crate) risk_premium: Quantity,
}

/// Why something is refused.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) error: String,
}

/// Where a debt goes.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Pair {
    pub(crate) from: Vault,
    pub(crate) to: Vault,
}

/// What would be owed.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Owed {
    pub(crate) vault: Vault,
    pub(crate) amount: Quantity,
    pub(crate) value: Quantity,
    pub(crate) rate: Quantity,
}

/// An answer, as the node told it and as it is read.
pub(crate) fn ask<T: DeserializeOwned>(
    client: &Client,
    method: &str,
    params: Value,
) -> anyhow::Result<(Value, T)> {
    let told = client.request(method, params)?;
    let read = serde_json::from_value(told.clone());
    Ok((told, read.with_context(|| format!("{method} answered something else"))?))
}
