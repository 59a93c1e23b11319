//! `gage deposit` and `gage redeem`.

use alloy_primitives::U256;
use anyhow::ensure;
use gage_abi::{IERC20Permit, IVault};
use serde_json::json;

use super::{Desk, amount, balance, client, wallet};
use crate::{
    amounts::{all_digits, tokens},
    cli::VaultArgs,
    contracts::call,
    decimal::Quantity,
    reading::{Names, ask},
};

/// Lends to a vault.
pub(crate) fn deposit(args: &VaultArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let names = Names::read(&client)?;
    let vault = names.vault(&args.vault)?;
    let owner = wallet.address();
    let assets =
        amount(&args.amount, &vault.asset, || balance(&client, vault.asset.address, owner))?;
    let deposit = IVault::depositCall { assets, receiver: owner };
    let receipt = wallet.send(&call(vault.token.address, &deposit, "deposit"))?;
    let shares = balance(&client, vault.token.address, owner)?;
    let worth = ask(&client, vault.token.address, &IVault::convertToAssetsCall { shares })?;
    let symbol = &vault.asset.symbol;
    let text = format!(
        "lent {} {symbol} to {}; {} {symbol} there now",
        tokens(assets, vault.asset.decimals),
        vault.token.symbol,
        tokens(worth, vault.asset.decimals),
    );
    let told =
        json!({ "assets": all_digits(assets, vault.asset.decimals), "shares": shares.to_string() });
    Desk { client: &client, json: args.signing.remote.json }.report(&text, &receipt, told)
}

/// Takes lent assets out of a vault.
pub(crate) fn redeem(args: &VaultArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let names = Names::read(&client)?;
    let vault = names.vault(&args.vault)?;
    let (owner, address) = (wallet.address(), vault.token.address);
    let before = balance(&client, vault.asset.address, owner)?;
    let call = match Quantity::parse(&args.amount, vault.asset.decimals)? {
        Quantity::Exactly(units) => {
            let assets = U256::from(units);
            call(address, &IVault::withdrawCall { assets, receiver: owner, owner }, "withdraw")
        }
        Quantity::All => {
            let shares = ask(&client, address, &IVault::maxRedeemCall { owner })?;
            let held = ask(&client, address, &IERC20Permit::balanceOfCall { account: owner })?;
            ensure!(!held.is_zero(), "nothing is lent to {}", vault.token.symbol);
            ensure!(
                !shares.is_zero(),
                "{0} has no cash: it is all lent out; `gage exit request {0} max` takes a place in \
                 its exit queue",
                vault.token.symbol
            );
            call(address, &IVault::redeemCall { shares, receiver: owner, owner }, "redeem")
        }
    };
    let receipt = wallet.send(&call)?;
    let got = balance(&client, vault.asset.address, owner)?.saturating_sub(before);
    let (symbol, decimals) = (&vault.asset.symbol, vault.asset.decimals);
    let text = format!("took {} {symbol} out of {}", tokens(got, decimals), vault.token.symbol);
    let told = json!({ "assets": all_digits(got, decimals) });
    Desk { client: &client, json: args.signing.remote.json }.report(&text, &receipt, told)
}
