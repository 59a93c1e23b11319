//! `gage stop-loss`: an owner's order to sell before the account can be liquidated.

use alloy_primitives::U256;
use anyhow::Context as _;
use gage_abi::IMarket;
use serde_json::{Value, json};

use super::{Desk, client, wallet};
use crate::{
    cli::{ClearArgs, SetArgs, ShowArgs, StopLossCommand},
    commands::{print_json, prospect},
    contracts::{MARKET, call},
    decimal::{WAD_DECIMALS, parse_units},
    reading::{AccountKey, Names},
    told::{self, Prospect},
};

/// Carries out one of the owner's commands.
pub(crate) fn stop_loss(command: &StopLossCommand) -> anyhow::Result<()> {
    match command {
        StopLossCommand::Set(args) => set(args),
        StopLossCommand::Clear(args) => clear(args),
        StopLossCommand::Show(args) => show(args),
    }
}

fn health_factor(name: &str, text: &str) -> anyhow::Result<U256> {
    let units = parse_units(text, WAD_DECIMALS);
    units.map(U256::from).with_context(|| format!("--{name} is a health factor like 1.2"))
}

fn set(args: &SetArgs) -> anyhow::Result<()> {
    let (trigger, target) =
        (health_factor("trigger", &args.trigger)?, health_factor("target", &args.target)?);
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let names = Names::read(&client)?;
    let (asset, vault) = (names.asset(&args.asset)?, names.vault(&args.vault)?);
    let (market, sub) = (args.account.market, args.account.sub);
    let set = IMarket::setStopLossCall {
        market,
        sub,
        asset: asset.address,
        vault: vault.token.address,
        trigger,
        target,
        tierMax: args.max_discount.0,
    };
    let receipt = wallet.send(&call(MARKET, &set, "leave the stop-loss order"))?;
    let desk = Desk { client: &client, json: args.signing.remote.json };
    let (health, told_health) = desk.health(AccountKey { market, owner: wallet.address(), sub })?;
    let text = format!(
        "below health {} the next block sells {} for {} debt at up to {} off, until health is \
         {}{health}",
        args.trigger,
        asset.symbol,
        vault.asset.symbol,
        args.max_discount.name(),
        args.target,
    );
    desk.report(&text, &receipt, json!({ "healthFactor": told_health }))
}

fn clear(args: &ClearArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let clear = IMarket::clearStopLossCall { market: args.account.market, sub: args.account.sub };
    let receipt = wallet.send(&call(MARKET, &clear, "take the stop-loss order back"))?;
    let desk = Desk { client: &client, json: args.signing.remote.json };
    desk.report("the stop-loss order is gone", &receipt, json!({}))
}

fn show(args: &ShowArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let owner = args.signing.or_sender(args.owner)?;
    let params = json!([args.account.market, owner, args.account.sub]);
    let (told, prospect): (Value, Prospect) = told::ask(&client, "gage_explain", params)?;
    if args.signing.remote.json {
        return print_json(&json!({
            "stopLoss": told["stopLoss"],
            "healthFactor": told["healthFactor"],
            "sweep": told["sweep"],
            "sweepWaits": told["sweepWaits"],
        }));
    }
    println!("Account {owner} in market {}\n", args.account.market);
    println!("Health factor {}", prospect.health_factor.health());
    if prospect.stop_loss.is_none() {
        println!("No stop-loss order; `gage stop-loss --help` says how to leave one.");
    }
    prospect::print(&prospect);
    Ok(())
}
