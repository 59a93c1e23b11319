//! `gage factor`: what assets have in common, and how much vaults lend against it.

use alloy_primitives::U256;
use anyhow::{Context as _, bail};
use gage_abi::{IRegistry, IVault};
use serde_json::json;

use super::{Desk, amount, client, wallet};
use crate::{
    amounts::{all_digits, tokens},
    cli::{
        AddFactorArgs, CeilingArgs, FactorCapArgs, FactorCommand, Kind, Remote, Signing, TagArgs,
        UntagArgs,
    },
    client::Client,
    commands::print_json,
    contracts::{REGISTRY, call},
    reading::{Answers, Names, Token, ask},
    table::{Column, table},
};

const KINDS: [&str; 4] = ["issuer", "bridge", "oracle", "underlying"];

/// Carries out one of the commands about factors.
pub(crate) fn factor(command: &FactorCommand) -> anyhow::Result<()> {
    match command {
        FactorCommand::List(args) => list(args),
        FactorCommand::Add(args) => add(args),
        FactorCommand::Tag(args) => tag(args),
        FactorCommand::Untag(args) => untag(args),
        FactorCommand::Cap(args) => cap(args),
        FactorCommand::Ceiling(args) => ceiling(args),
    }
}

fn number(kind: Kind) -> u8 {
    kind as u8
}

fn kind_name(kind: u8) -> &'static str {
    KINDS.get(usize::from(kind)).copied().unwrap_or("other")
}

/// Every factor, by number from 1.
fn factors(of: &dyn Answers) -> anyhow::Result<Vec<(u32, IRegistry::FactorState)>> {
    let count = ask(of, REGISTRY, &IRegistry::factorCountCall {})?;
    let state = |factor| ask(of, REGISTRY, &IRegistry::factorStateCall { factor });
    (1..=count).map(|factor| Ok((factor, state(factor)?))).collect()
}

/// The factor that `text` names, by number or label.
fn find(of: &dyn Answers, text: &str) -> anyhow::Result<(u32, IRegistry::FactorState)> {
    let all = factors(of)?;
    let known: Vec<_> = all.iter().map(|(id, factor)| format!("{id} {}", factor.label)).collect();
    let matches = |(id, factor): &(u32, IRegistry::FactorState)| match text.parse::<u32>() {
        Ok(asked) => asked == *id,
        Err(_) => factor.label.eq_ignore_ascii_case(text),
    };
    let mut named = all.into_iter().filter(matches);
    match (named.next(), named.next()) {
        (Some(factor), None) => Ok(factor),
        (Some(_), Some(_)) => bail!("several factors are called `{text}`: say which number"),
        _ if known.is_empty() => bail!("there is no factor yet: `gage factor add` registers one"),
        _ => bail!("no factor is called `{text}`; there are {}", known.join(", ")),
    }
}

fn list(args: &Remote) -> anyhow::Result<()> {
    let client = Client::new(&args.rpc_url);
    let names = Names::read(&client)?;
    let all = factors(&client)?;
    let symbols = |factor: &IRegistry::FactorState| -> Vec<String> {
        factor.assets.iter().map(|asset| names.symbol(*asset)).collect()
    };
    if args.json {
        let told = all.iter().map(|(id, factor)| {
            let kind = kind_name(factor.kind);
            json!({ "id": id, "kind": kind, "label": factor.label, "assets": symbols(factor) })
        });
        return print_json(&told.collect());
    }
    if all.is_empty() {
        println!("No factors. `gage factor --help` says what they are.");
        return Ok(());
    }
    let columns =
        [Column::Right("id"), Column::Left("kind"), Column::Left("factor"), Column::Left("assets")];
    let row = |(id, factor): &(u32, IRegistry::FactorState)| {
        let kind = kind_name(factor.kind).to_owned();
        vec![id.to_string(), kind, factor.label.clone(), symbols(factor).join(" ")]
    };
    println!("{}", table(&columns, all.iter().map(row).collect()));
    Ok(())
}

fn add(args: &AddFactorArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let (kind, label) = (number(args.kind), args.label.clone());
    let register = IRegistry::registerFactorCall { kind, label };
    let receipt = wallet.send(&call(REGISTRY, &register, "register the factor"))?;
    let (id, factor) = factors(&client)?.pop().context("the factor is not there")?;
    let text = format!("{} {} is factor {id}", kind_name(kind), factor.label);
    let told = json!({ "id": id, "kind": kind_name(kind), "label": factor.label });
    Desk { client: &client, json: args.signing.remote.json }.report(&text, &receipt, told)
}

fn tag(args: &TagArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let asset = Names::read(&client)?.asset(&args.asset)?.clone();
    let (id, factor) = find(&client, &args.factor)?;
    let tag = IRegistry::tagAssetCall { asset: asset.address, factor: id };
    let receipt = wallet.send(&call(REGISTRY, &tag, "tag the asset"))?;
    let kind = kind_name(factor.kind);
    let text = format!("{} has {kind} {} from now on", asset.symbol, factor.label);
    let told = json!({ "asset": asset.address, "kind": kind, "factor": id });
    Desk { client: &client, json: args.signing.remote.json }.report(&text, &receipt, told)
}

fn untag(args: &UntagArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let asset = Names::read(&client)?.asset(&args.asset)?.clone();
    let untag = IRegistry::untagAssetCall { asset: asset.address, kind: number(args.kind) };
    let receipt = wallet.send(&call(REGISTRY, &untag, "untag the asset"))?;
    let kind = kind_name(number(args.kind));
    let text = format!("{} has no {kind} any more", asset.symbol);
    let told = json!({ "asset": asset.address, "kind": kind, "factor": null });
    Desk { client: &client, json: args.signing.remote.json }.report(&text, &receipt, told)
}

/// A cap as it is written: an amount of the vault's asset, or `none`.
fn written(text: &str, asset: &Token) -> anyhow::Result<U256> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(U256::MAX);
    }
    amount(text, asset, || bail!("a cap is an amount, or `none`"))
}

fn shown(cap: U256, asset: &Token) -> String {
    if cap == U256::MAX {
        return "no cap".to_owned();
    }
    format!("at most {} {}", tokens(cap, asset.decimals), asset.symbol)
}

fn digits(cap: U256, asset: &Token) -> Option<String> {
    (cap != U256::MAX).then(|| all_digits(cap, asset.decimals))
}

fn cap(args: &FactorCapArgs) -> anyhow::Result<()> {
    let FactorCapArgs { signing, .. } = args;
    let client = client(signing);
    let wallet = wallet(&client, signing)?;
    let vault = Names::read(&client)?.vault(&args.vault)?.clone();
    let (id, factor) = find(&client, &args.factor)?;
    let cap = written(&args.cap, &vault.asset)?;
    let set = IVault::setFactorCapCall { factor: id, cap };
    let receipt = wallet.send(&call(vault.token.address, &set, "cap the factor"))?;
    let (kind, limit) = (kind_name(factor.kind), shown(cap, &vault.asset));
    let text = format!("{} against {kind} {}: {limit}", vault.token.symbol, factor.label);
    let cap = digits(cap, &vault.asset);
    let told = json!({ "vault": vault.token.address, "factor": id, "cap": cap });
    report(&client, signing, (&text, &receipt, told))
}

fn ceiling(args: &CeilingArgs) -> anyhow::Result<()> {
    let CeilingArgs { signing, market, .. } = args;
    let client = client(signing);
    let wallet = wallet(&client, signing)?;
    let names = Names::read(&client)?;
    let vault = names.vault(&args.vault)?.clone();
    let asset = names.asset(&args.asset)?;
    let cap = written(&args.cap, &vault.asset)?;
    let set = IVault::setCeilingCall { market: *market, asset: asset.address, cap };
    let receipt = wallet.send(&call(vault.token.address, &set, "set the ceiling"))?;
    let limit = shown(cap, &vault.asset);
    let text =
        format!("{} against {} in market {market}: {limit}", vault.token.symbol, asset.symbol);
    let told = json!({
        "vault": vault.token.address,
        "market": market,
        "asset": asset.address,
        "cap": digits(cap, &vault.asset),
    });
    report(&client, signing, (&text, &receipt, told))
}

fn report(
    client: &Client,
    signing: &Signing,
    (text, receipt, told): (&str, &crate::client::Receipt, serde_json::Value),
) -> anyhow::Result<()> {
    Desk { client, json: signing.remote.json }.report(text, receipt, told)
}
