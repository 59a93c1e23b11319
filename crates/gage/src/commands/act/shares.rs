//! Shares of a vault, as users write them: by what they are worth.

use alloy_primitives::U256;
use anyhow::{bail, ensure};
use gage_abi::{IERC20Permit, IVault};

use crate::{
    amounts::tokens,
    client::{Client, Wallet},
    contracts::call,
    decimal::Quantity,
    reading::{Token, VaultReading, ask},
};

/// Shares that are worth an amount of the vault's asset, rounded up so that they are worth no less;
/// `None` for all. With `raw`, the amount is shares already.
pub(super) fn parse(
    client: &Client,
    vault: &VaultReading,
    text: &str,
    raw: bool,
) -> anyhow::Result<Option<U256>> {
    let token = if raw { &vault.token } else { &vault.asset };
    match Quantity::parse(text, token.decimals)? {
        Quantity::All => Ok(None),
        Quantity::Exactly(units) if raw => Ok(Some(U256::from(units))),
        Quantity::Exactly(units) => {
            let preview = IVault::previewWithdrawCall { assets: U256::from(units) };
            Ok(Some(ask(client, vault.token.address, &preview)?))
        }
    }
}

/// What shares are worth in the vault's asset.
pub(super) fn worth(client: &Client, vault: &VaultReading, shares: U256) -> anyhow::Result<U256> {
    ask(client, vault.token.address, &IVault::convertToAssetsCall { shares })
}

/// `1,000 USDC`.
pub(super) fn lent(vault: &VaultReading, assets: U256) -> String {
    let Token { symbol, decimals, .. } = &vault.asset;
    format!("{} {symbol}", tokens(assets, *decimals))
}

/// The shares to use: those that were written, or all that are held. Lends what is missing with
/// `deposit`, after `check` has passed on them.
pub(super) fn provide(
    wallet: &Wallet<'_>,
    vault: &VaultReading,
    (text, raw): (&str, bool),
    (deposit, json): (bool, bool),
    check: impl FnOnce(U256) -> anyhow::Result<()>,
) -> anyhow::Result<U256> {
    let client = wallet.client;
    let of = IERC20Permit::balanceOfCall { account: wallet.address() };
    let held = ask(client, vault.token.address, &of)?;
    let asked = parse(client, vault, text, raw)?;
    ensure!(
        asked.is_some() || !held.is_zero(),
        "nothing is lent to {}: `gage deposit {} AMOUNT` first, or add --deposit and an amount",
        vault.token.symbol,
        vault.asset.symbol,
    );
    let shares = asked.unwrap_or(held);
    if shares <= held {
        return Ok(shares);
    }
    if !deposit {
        bail!(
            "{} is more than is lent to {}, which is {}: add --deposit, or \
             `gage deposit {} AMOUNT` first",
            lent(vault, worth(client, vault, shares)?),
            vault.token.symbol,
            lent(vault, worth(client, vault, held)?),
            vault.asset.symbol,
        );
    }
    // What would be refused is refused before anything is lent for it.
    check(shares)?;
    let missing = shares - held;
    let assets = ask(client, vault.token.address, &IVault::previewMintCall { shares: missing })?;
    let mint = IVault::mintCall { shares: missing, receiver: wallet.address() };
    let what = format!("lend to {}", vault.token.symbol);
    wallet.send(&call(vault.token.address, &mint, what))?;
    if !json {
        println!("lent {} to {}", lent(vault, assets), vault.token.symbol);
    }
    Ok(shares)
}
