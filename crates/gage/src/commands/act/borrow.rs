//! `gage borrow`, `gage repay`, `gage refresh`, `gage liquidate`: debts.

use alloy_primitives::U256;
use anyhow::bail;
use gage_abi::IMarket;
use serde_json::json;

use super::{Desk, amount, client, market_events, wallet};
use crate::{
    amounts::{all_digits, bps, tokens},
    cli::{BorrowArgs, LiquidateArgs, RefreshArgs, RepayArgs},
    contracts::{MARKET, call},
    reading::{AccountKey, Names, account},
};

/// Borrows from a vault.
pub(crate) fn borrow(args: &BorrowArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let names = Names::read(&client)?;
    let vault = names.vault(&args.vault)?;
    let (sender, owner) = (wallet.address(), args.owner.unwrap_or_else(|| wallet.address()));
    let (market, sub) = (args.account.market, args.account.sub);
    let no_most = || bail!("say how much to borrow; `gage explain` shows what the limit leaves");
    let amount = amount(&args.amount, &vault.asset, no_most)?;
    let what = format!("borrow {}", vault.asset.symbol);
    let vault_address = vault.token.address;
    let borrow = if owner == sender {
        let receiver = owner;
        let own = IMarket::borrowCall { market, sub, vault: vault_address, amount, receiver };
        call(MARKET, &own, what)
    } else {
        let others = IMarket::borrowForCall { market, owner, sub, vault: vault_address, amount };
        call(MARKET, &others, what)
    };
    let receipt = wallet.send(&borrow)?;
    let desk = Desk { client: &client, json: args.signing.remote.json };
    let (health, told_health) = desk.health(AccountKey { market, owner, sub })?;
    let (symbol, decimals) = (&vault.asset.symbol, vault.asset.decimals);
    let text = format!("borrowed {} {symbol}{health}", tokens(amount, decimals));
    let told = json!({ "amount": all_digits(amount, decimals), "healthFactor": told_health });
    desk.report(&text, &receipt, told)
}

/// Repays a debt.
pub(crate) fn repay(args: &RepayArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let names = Names::read(&client)?;
    let vault = names.vault(&args.vault)?;
    let owner = args.owner.unwrap_or_else(|| wallet.address());
    let (market, sub) = (args.account.market, args.account.sub);
    let amount = amount(&args.amount, &vault.asset, || Ok(U256::MAX))?;
    let repay = IMarket::repayCall { market, owner, sub, vault: vault.token.address, amount };
    let what = format!("repay {}", vault.asset.symbol);
    let receipt = wallet.send(&call(MARKET, &repay, what))?;
    let desk = Desk { client: &client, json: args.signing.remote.json };
    let (health, told_health) = desk.health(AccountKey { market, owner, sub })?;
    let repaid = market_events::<IMarket::Repaid>(&receipt).first().map(|event| event.amount);
    let repaid = repaid.unwrap_or_default();
    let (symbol, decimals) = (&vault.asset.symbol, vault.asset.decimals);
    let text = format!("repaid {} {symbol}{health}", tokens(repaid, decimals));
    let told = json!({ "repaid": all_digits(repaid, decimals), "healthFactor": told_health });
    desk.report(&text, &receipt, told)
}

/// Writes an account's debts at the risk premium of what backs them now.
pub(crate) fn refresh(args: &RefreshArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let owner = args.owner.unwrap_or_else(|| wallet.address());
    let (market, sub) = (args.account.market, args.account.sub);
    let refresh = IMarket::refreshRiskPremiumCall { market, owner, sub };
    let receipt = wallet.send(&call(MARKET, &refresh, "refresh the risk premium".to_owned()))?;
    let changed = market_events::<IMarket::RiskPremiumChanged>(&receipt);
    let state = account(&client, AccountKey { market, owner, sub })?;
    let text = match changed.first() {
        Some(event) => format!("the risk premium is {} of the base rates now", bps(event.premium)),
        None => format!("the risk premium stays {} of the base rates", bps(state.riskPremium)),
    };
    let told = json!({ "riskPremiumBps": state.riskPremium, "changed": !changed.is_empty() });
    Desk { client: &client, json: args.signing.remote.json }.report(&text, &receipt, told)
}

/// Liquidates an account.
pub(crate) fn liquidate(args: &LiquidateArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let names = Names::read(&client)?;
    let (vault, asset) = (names.vault(&args.vault)?, names.asset(&args.asset)?);
    let (market, sub) = (args.account.market, args.account.sub);
    let max_repay = amount(&args.amount, &vault.asset, || Ok(U256::MAX))?;
    let (owner, receiver, what) =
        (args.owner, wallet.address(), format!("liquidate {}", args.owner));
    let (debt, asset) = (vault.token.address, asset.address);
    let liquidate = if args.with_shares {
        let paid = IMarket::liquidateWithSharesCall {
            market,
            owner,
            sub,
            vault: debt,
            asset,
            maxRepay: max_repay,
            receiver,
        };
        call(MARKET, &paid, what)
    } else {
        let paid = IMarket::liquidateCall {
            market,
            owner,
            sub,
            vault: debt,
            asset,
            maxRepay: max_repay,
            receiver,
        };
        call(MARKET, &paid, what)
    };
    let receipt = wallet.send(&liquidate)?;
    let desk = Desk { client: &client, json: args.signing.remote.json };
    let (health, told_health) = desk.health(AccountKey { market, owner: args.owner, sub })?;
    let mut parts = Vec::new();
    let mut told = Vec::new();
    for event in market_events::<IMarket::Liquidated>(&receipt) {
        let debt = names.vaults().iter().find(|vault| vault.token.address == event.vault);
        let (owed, decimals) =
            debt.map_or(("?", 0), |debt| (debt.asset.symbol.as_str(), debt.asset.decimals));
        let seized_decimals = names.decimals(event.asset);
        parts.push(format!(
            "repaid {} {owed}, took {} {} (bonus {})",
            tokens(event.repaid, decimals),
            tokens(event.seized, seized_decimals),
            names.symbol(event.asset),
            bps(event.bonus),
        ));
        told.push(json!({
            "vault": event.vault,
            "asset": event.asset,
            "repaid": all_digits(event.repaid, decimals),
            "seized": all_digits(event.seized, seized_decimals),
            "bonusBps": event.bonus,
        }));
    }
    let text = format!("{}{health}", parts.join("\n"));
    desk.report(&text, &receipt, json!({ "liquidated": told, "healthFactor": told_health }))
}
