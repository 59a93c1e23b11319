//! `gage supply` and `gage withdraw`: collateral.

use alloy_primitives::U256;
use gage_abi::{IAsset, IMarket};
use serde_json::json;

use super::{Desk, amount, balance, client, wallet};
use crate::{
    amounts::{all_digits, tokens},
    cli::CollateralArgs,
    contracts::{self, MARKET, call},
    reading::{AccountKey, Names, ask},
};

/// Pledges collateral; what is missing of the wrapped coin is wrapped first.
pub(crate) fn supply(args: &CollateralArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let names = Names::read(&client)?;
    let asset = names.asset(&args.asset)?;
    let (sender, owner) = (wallet.address(), args.owner.unwrap_or_else(|| wallet.address()));
    let held = balance(&client, asset.address, sender)?;
    let amount = amount(&args.amount, asset, || Ok(held))?;
    if asset.address == contracts::asset(1) && held < amount {
        let missing = amount - held;
        let mut wrap = call(asset.address, &IAsset::depositCall {}, "wrap coins");
        wrap.value = missing;
        wallet.send(&wrap)?;
        if !args.signing.remote.json {
            println!("wrapped {} coins", tokens(missing, asset.decimals));
        }
    }
    let (market, sub) = (args.account.market, args.account.sub);
    let supply = IMarket::supplyCollateralCall { market, owner, sub, asset: asset.address, amount };
    let receipt = wallet.send(&call(MARKET, &supply, format!("pledge {}", asset.symbol)))?;
    let desk = Desk { client: &client, json: args.signing.remote.json };
    let (health, told_health) = desk.health(AccountKey { market, owner, sub })?;
    let (symbol, decimals) = (&asset.symbol, asset.decimals);
    let text = format!("pledged {} {symbol} in market {market}{health}", tokens(amount, decimals));
    let told = json!({ "amount": all_digits(amount, decimals), "healthFactor": told_health });
    desk.report(&text, &receipt, told)
}

/// Takes collateral back.
pub(crate) fn withdraw(args: &CollateralArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let names = Names::read(&client)?;
    let asset = names.asset(&args.asset)?;
    let (sender, owner) = (wallet.address(), args.owner.unwrap_or_else(|| wallet.address()));
    let (market, sub) = (args.account.market, args.account.sub);
    let pledged = || {
        let call = IMarket::collateralOfCall { market, owner, sub, asset: asset.address };
        ask(&client, MARKET, &call)
    };
    let amount: U256 = amount(&args.amount, asset, pledged)?;
    let what = format!("take {} back", asset.symbol);
    let address = asset.address;
    let withdraw = if owner == sender {
        let receiver = owner;
        let own = IMarket::withdrawCollateralCall { market, sub, asset: address, amount, receiver };
        call(MARKET, &own, what)
    } else {
        let others =
            IMarket::withdrawCollateralForCall { market, owner, sub, asset: address, amount };
        call(MARKET, &others, what)
    };
    let receipt = wallet.send(&withdraw)?;
    let desk = Desk { client: &client, json: args.signing.remote.json };
    let (health, told_health) = desk.health(AccountKey { market, owner, sub })?;
    let (symbol, decimals) = (&asset.symbol, asset.decimals);
    let text =
        format!("took {} {symbol} back from market {market}{health}", tokens(amount, decimals));
    let told = json!({ "amount": all_digits(amount, decimals), "healthFactor": told_health });
    desk.report(&text, &receipt, told)
}
