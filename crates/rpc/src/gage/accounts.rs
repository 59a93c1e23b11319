//! `gage_account`: everything that an address has and owes.

use alloy_eips::BlockId;
use alloy_primitives::Address;
use gage_core::{
    Stop,
    ids::{AccountId, AssetId, MarketId, Token, VaultId},
    ledger::Ledger,
    vault::Accrued,
};
use serde::Serialize;

use super::{
    Book, book,
    explain::{Explained, explained},
    names::{AssetName, VaultName},
    numbers::Shown,
};
use crate::{arguments::Number, context::Context, methods::Answer};

/// Decimals of the native coin.
const NATIVE_DECIMALS: u8 = 18;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Holdings {
    address: Address,
    /// Wei.
    native: Shown,
    balances: Vec<Balance>,
    deposits: Vec<Deposit>,
    accounts: Vec<Explained>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Balance {
    asset: AssetName,
    amount: Shown,
}

/// Shares of a vault, and what they would be paid now.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Deposit {
    vault: VaultName,
    shares: Shown,
    assets: Shown,
}

type Whose = (Address, Option<Number<u32>>, Option<Number<u32>>, Option<BlockId>);

/// What `address` holds, and its account `sub` (0 by default) in the given market, or in every
/// market where it has one.
pub(super) fn account(context: &Context, (address, market, sub, id): Whose) -> Answer<Holdings> {
    let mut book = book(context, id)?;
    let native = context.state(id)?.account(address)?.unwrap_or_default().info.balance;
    let protocol = book.protocol()?;
    let sub = sub.map_or(0, |sub| sub.0);
    let accounts = match market {
        Some(market) => {
            let market = MarketId::new(market.0);
            vec![explained(&mut book, &AccountId { market, owner: address, sub })?]
        }
        None => every_account(&mut book, address, sub)?,
    };
    let mut balances = Vec::new();
    for id in (1..=protocol.assets).map(AssetId::new) {
        book.discard();
        balances.extend(balance(&mut book, address, id)?);
    }
    let mut deposits = Vec::new();
    for id in (1..=protocol.vaults).map(VaultId::new) {
        book.discard();
        deposits.extend(deposit(&mut book, address, id)?);
    }
    let native = Shown::amount(native.saturating_to(), NATIVE_DECIMALS);
    Ok(Holdings { address, native, balances, deposits, accounts })
}

fn every_account(book: &mut Book, owner: Address, sub: u32) -> Answer<Vec<Explained>> {
    let mut accounts = Vec::new();
    for market in (1..=book.protocol()?.markets).map(MarketId::new) {
        book.discard();
        let id = AccountId { market, owner, sub };
        let account = book.account(&id)?;
        if !account.collaterals.is_empty() || !account.debts.is_empty() {
            accounts.push(explained(book, &id)?);
        }
    }
    Ok(accounts)
}

fn balance(book: &mut Book, holder: Address, id: AssetId) -> Result<Option<Balance>, Stop> {
    let amount = book.balance(Token::Asset(id), holder)?;
    if amount == 0 {
        return Ok(None);
    }
    let asset = AssetName::of(book, id)?;
    Ok(Some(Balance { amount: Shown::amount(amount, asset.decimals), asset }))
}

fn deposit(book: &mut Book, holder: Address, id: VaultId) -> Result<Option<Deposit>, Stop> {
    let shares = book.balance(Token::Share(id), holder)?;
    if shares == 0 {
        return Ok(None);
    }
    let pool = Accrued::load(book, id)?.pool();
    let assets = pool.assets_to_pay(gage_core::Shares::new(shares))?;
    let vault = VaultName::of(book, id)?;
    Ok(Some(Deposit {
        shares: Shown::amount(shares, vault.decimals),
        assets: Shown::amount(assets.get(), vault.asset.decimals),
        vault,
    }))
}
