//! `gage_rehomePreview`: how an account would stand in another market or with other vaults, and what
//! stands in the way.

use alloy_eips::BlockId;
use alloy_primitives::{Address, Bytes};
use gage_core::{
    Error, Stop,
    ids::{AccountId, MarketId},
    ledger::Ledger,
    margin,
    rehoming::{Pair, Preview, Route, preview},
};
use serde::{Deserialize, Serialize};

use super::{
    Book, book,
    explain::{Collateral, Debt, collateral, debt},
    names::{VaultName, vault_at},
    numbers::Shown,
};
use crate::{arguments::Number, context::Context, error::RpcError, methods::Answer};

/// One of an owner's accounts.
#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Home {
    market: Number<u32>,
    #[serde(default)]
    sub: Option<Number<u32>>,
}

/// Where a debt goes.
#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Way {
    from: Address,
    to: Address,
}

/// The account that takes over, as it would be. Values are US dollars.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rehomed {
    possible: bool,
    /// Everything that forbids it now, what counts most first.
    reasons: Vec<Reason>,
    /// Where each debt would go.
    pairs: Vec<PairShown>,
    /// Of the account that would be left, as it stands.
    health_factor_before: Shown,
    health_factor: Shown,
    collaterals: Vec<Collateral>,
    debts: Vec<Debt>,
    collateral_value: Shown,
    debt_value: Shown,
    borrow_limit: Shown,
    liquidation_limit: Shown,
    headroom: Shown,
    risk_premium: Shown,
}

#[derive(Serialize)]
struct Reason {
    /// The error's name and values.
    error: String,
    /// The error's ABI encoding.
    data: Bytes,
}

#[derive(Serialize)]
struct PairShown {
    from: VaultName,
    to: VaultName,
}

fn place(home: Home) -> (MarketId, u32) {
    (MarketId::new(home.market.0), home.sub.map_or(0, |sub| sub.0))
}

/// Owner, the account left and the one that takes over, and where debts go: those that are not named
/// stay with their vault. Always at the head.
pub(super) fn rehome_preview(
    context: &Context,
    (owner, from, to, ways): (Address, Home, Home, Option<Vec<Way>>),
) -> Answer<Rehomed> {
    let mut book = book(context, Some(BlockId::pending()))?;
    let (from, to) = (place(from), place(to));
    let left = AccountId { market: from.0, owner, sub: from.1 };
    let pairs = pairs(&mut book, &left, &ways.unwrap_or_default())?;
    let health_factor_before = Shown::health(margin::health(&mut book, &left)?);
    let route = Route { owner, from, to, pairs: &pairs };
    let Preview { explanation, reasons } = preview(&mut book, &route)?;
    let collaterals = explanation.collaterals.iter().map(|leg| collateral(&mut book, leg));
    let collaterals = collaterals.collect::<Result<_, Stop>>()?;
    let debts = explanation.debts.iter().map(|leg| debt(&mut book, leg));
    let debts = debts.collect::<Result<_, Stop>>()?;
    let pairs = pairs.iter().map(|Pair { from, to }| {
        let (from, to) = (VaultName::of(&mut book, *from)?, VaultName::of(&mut book, *to)?);
        Ok(PairShown { from, to })
    });
    Ok(Rehomed {
        possible: reasons.is_empty(),
        reasons: reasons.iter().map(reason).collect(),
        pairs: pairs.collect::<Result<_, Stop>>()?,
        health_factor_before,
        health_factor: Shown::health(explanation.health_factor),
        collaterals,
        debts,
        collateral_value: Shown::wad(explanation.totals.collateral_value),
        debt_value: Shown::wad(explanation.totals.debt_value),
        borrow_limit: Shown::wad(explanation.totals.borrow_limit),
        liquidation_limit: Shown::wad(explanation.totals.liquidation_limit),
        headroom: Shown::wad(explanation.headroom),
        risk_premium: Shown::bps(explanation.risk_premium),
    })
}

/// The named ways, and after them the debts that stay with their vaults.
fn pairs(book: &mut Book, left: &AccountId, ways: &[Way]) -> Answer<Vec<Pair>> {
    let named =
        ways.iter().map(|Way { from, to }| Ok(Pair { from: vault_at(*from)?, to: vault_at(*to)? }));
    let mut pairs = named.collect::<Answer<Vec<_>>>()?;
    let vaults = book.market(left.market)?.vaults;
    for owed in book.account(left)?.debts {
        let vault = vaults.get(usize::from(owed.index)).copied();
        let unnamed = vault.filter(|vault| !pairs.iter().any(|pair| pair.from == *vault));
        pairs.extend(unnamed.map(|vault| Pair { from: vault, to: vault }));
    }
    Ok(pairs)
}

fn reason(error: &Error) -> Reason {
    let data = gage_abi::encode_error(error);
    Reason { error: RpcError::Protocol(data.clone()).to_string(), data }
}
