//! `gage send`, `gage wrap`, `gage unwrap`, `gage faucet`: coins and tokens.

use alloy_primitives::{B256, U256};
use gage_abi::{IAsset, IERC20Permit};
use serde_json::json;

use super::{Desk, amount, balance, client, wallet};
use crate::{
    amounts::{all_digits, tokens},
    cli::{FaucetArgs, SendArgs, WrapArgs},
    client::Client,
    commands::print_json,
    contracts::{self, call},
    decimal::{COIN_DECIMALS, parse_units},
    keys::Call,
    reading::{Names, Token, token},
};

/// Sends coins or tokens.
pub(crate) fn send(args: &SendArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let to = args.to;
    let (token, call, amount) = match &args.asset {
        None => {
            let value = U256::from(parse_units(&args.amount, COIN_DECIMALS)?);
            let what = "send coins".to_owned();
            (coins(), Call { to, value, input: Default::default(), what }, value)
        }
        Some(name) => {
            let names = Names::read(&client)?;
            let token = match names.asset(name) {
                Ok(asset) => asset.clone(),
                // The shares of a vault are a token, too.
                Err(no_asset) => names.vault(name).map_err(|_| no_asset)?.token.clone(),
            };
            let all = || balance(&client, token.address, wallet.address());
            let value = amount(&args.amount, &token, all)?;
            let what = format!("send {}", token.symbol);
            let call = call(token.address, &IERC20Permit::transferCall { to, value }, what);
            (token, call, value)
        }
    };
    let receipt = wallet.send(&call)?;
    let text = format!("sent {} {} to {to}", tokens(amount, token.decimals), token.symbol);
    let told =
        json!({ "amount": all_digits(amount, token.decimals), "token": token.symbol, "to": to });
    Desk { client: &client, json: args.signing.remote.json }.report(&text, &receipt, told)
}

/// Wraps coins.
pub(crate) fn wrap(args: &WrapArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let wrapped = token(&client, contracts::asset(1))?;
    let value = U256::from(parse_units(&args.amount, COIN_DECIMALS)?);
    let mut wrap = call(wrapped.address, &IAsset::depositCall {}, "wrap coins");
    wrap.value = value;
    let receipt = wallet.send(&wrap)?;
    let text = format!("wrapped {} coins into {}", tokens(value, COIN_DECIMALS), wrapped.symbol);
    let told = json!({ "amount": all_digits(value, COIN_DECIMALS) });
    Desk { client: &client, json: args.signing.remote.json }.report(&text, &receipt, told)
}

/// Unwraps coins.
pub(crate) fn unwrap(args: &WrapArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let wrapped = token(&client, contracts::asset(1))?;
    let all = || balance(&client, wrapped.address, wallet.address());
    let value = amount(&args.amount, &wrapped, all)?;
    let what = "unwrap coins";
    let receipt = wallet.send(&call(wrapped.address, &IAsset::withdrawCall { value }, what))?;
    let text = format!("unwrapped {} {} into coins", tokens(value, COIN_DECIMALS), wrapped.symbol);
    let told = json!({ "amount": all_digits(value, COIN_DECIMALS) });
    Desk { client: &client, json: args.signing.remote.json }.report(&text, &receipt, told)
}

/// Asks a dev chain for coins.
pub(crate) fn faucet(args: &FaucetArgs) -> anyhow::Result<()> {
    let client = Client::new(&args.remote.rpc_url);
    let wei = U256::from(parse_units(&args.amount, COIN_DECIMALS)?);
    let answer = client.request("gage_faucet", json!([args.to, wei]))?;
    let hash: B256 = serde_json::from_value(answer)?;
    if args.remote.json {
        return print_json(&json!({ "hash": hash, "amount": all_digits(wei, COIN_DECIMALS) }));
    }
    println!(
        "{} coins are on their way to {}\ntransaction {hash}",
        tokens(wei, COIN_DECIMALS),
        args.to
    );
    Ok(())
}

fn coins() -> Token {
    Token { address: Default::default(), symbol: "coins".to_owned(), decimals: COIN_DECIMALS }
}
