//! `gage group`: collaterals and debts whose prices move together.

use alloy_primitives::Address;
use anyhow::ensure;
use gage_abi::IMarket::{self, GroupState, GroupTerms};
use serde_json::{Value, json};

use super::{Desk, client, market_events, wallet};
use crate::{
    amounts::bps,
    cli::{
        AddMembersArgs, CreateGroupArgs, EnterGroupArgs, GroupCommand, GroupTermsArgs,
        LeaveGroupArgs, MarketArgs, MembersArgs, SetGroupArgs,
    },
    client::Client,
    commands::{kept, print_json},
    contracts::{MARKET, call},
    reading::{AccountKey, Answers, Names, ask, market},
    table::{Column, table},
};

/// Carries out one of the commands.
pub(crate) fn group(command: &GroupCommand) -> anyhow::Result<()> {
    match command {
        GroupCommand::List(args) => list(args),
        GroupCommand::Create(args) => create(args),
        GroupCommand::Set(args) => set(args),
        GroupCommand::Add(args) => add(args),
        GroupCommand::Enter(args) => enter(args),
        GroupCommand::Leave(args) => leave(args),
    }
}

/// Every group of a market, by number.
pub(crate) fn groups(of: &dyn Answers, id: u32) -> anyhow::Result<Vec<(u8, GroupState)>> {
    let count = market(of, id)?.groups;
    let state =
        |group| Ok((group, ask(of, MARKET, &IMarket::groupStateCall { market: id, group })?));
    (1..=count).map(state).collect()
}

fn list(args: &MarketArgs) -> anyhow::Result<()> {
    let client = Client::new(&args.remote.rpc_url);
    let (names, groups) = (Names::read(&client)?, groups(&client, args.market)?);
    if args.remote.json {
        return print_json(&groups.iter().map(|(id, group)| told(*id, group)).collect());
    }
    if groups.is_empty() {
        println!("None in market {}.", args.market);
        return Ok(());
    }
    let symbols =
        |all: &[Address]| all.iter().map(|one| names.symbol(*one)).collect::<Vec<_>>().join(" ");
    let row = |(id, group): &(u8, GroupState)| {
        let GroupTerms { ltv, threshold, bonusMin, bonusMax, band } = group.terms;
        vec![
            id.to_string(),
            group.name.clone(),
            bps(ltv),
            bps(threshold),
            format!("{} to {}", bps(bonusMin), bps(bonusMax)),
            bps(band),
            symbols(&group.collaterals),
            symbols(&group.vaults),
        ]
    };
    let columns = [
        Column::Right("id"),
        Column::Left("group"),
        Column::Right("LTV"),
        Column::Right("threshold"),
        Column::Right("bonus"),
        Column::Right("band"),
        Column::Left("collaterals"),
        Column::Left("vaults"),
    ];
    println!("{}", table(&columns, groups.iter().map(row).collect()));
    Ok(())
}

fn told(id: u8, group: &GroupState) -> Value {
    let GroupTerms { ltv, threshold, bonusMin, bonusMax, band } = group.terms;
    json!({
        "id": id,
        "name": group.name,
        "ltvBps": ltv,
        "thresholdBps": threshold,
        "bonusMinBps": bonusMin,
        "bonusMaxBps": bonusMax,
        "bandBps": band,
        "collaterals": group.collaterals,
        "vaults": group.vaults,
        "kept": kept::told(&group.kept, &group.moving),
    })
}

fn terms(args: &GroupTermsArgs) -> GroupTerms {
    GroupTerms {
        ltv: args.ltv.0,
        threshold: args.threshold.0,
        bonusMin: args.bonus_min.0,
        bonusMax: args.bonus_max.0,
        band: args.band.0,
    }
}

fn members(names: &Names, args: &MembersArgs) -> anyhow::Result<(Vec<Address>, Vec<Address>)> {
    let collaterals = args.collaterals.iter().map(|text| Ok(names.asset(text)?.address));
    let vaults = args.vaults.iter().map(|text| Ok(names.vault(text)?.token.address));
    Ok((collaterals.collect::<anyhow::Result<_>>()?, vaults.collect::<anyhow::Result<_>>()?))
}

fn create(args: &CreateGroupArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let (collaterals, vaults) = members(&Names::read(&client)?, &args.members)?;
    let create = IMarket::createGroupCall {
        market: args.market,
        name: args.name.clone(),
        terms: terms(&args.terms),
        collaterals,
        vaults,
    };
    let receipt = wallet.send(&call(MARKET, &create, "create the group"))?;
    let created: Vec<IMarket::GroupCreated> = market_events(&receipt);
    let id = created.first().map_or(0, |event| event.group);
    let desk = Desk { client: &client, json: args.signing.remote.json };
    let text = format!("group {id} of market {} is {}", args.market, args.name);
    desk.report(&text, &receipt, json!({ "group": id }))
}

fn set(args: &SetGroupArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let set = IMarket::setGroupTermsCall {
        market: args.market,
        group: args.group,
        terms: terms(&args.terms),
    };
    let receipt = wallet.send(&call(MARKET, &set, "set the group's terms"))?;
    let desk = Desk { client: &client, json: args.signing.remote.json };
    let text = format!(
        "group {} has a threshold of {} now; accounts keep what was better until they take new \
         risk, or a move arrives",
        args.group,
        bps(args.terms.threshold.0)
    );
    desk.report(&text, &receipt, json!({ "group": args.group }))
}

fn add(args: &AddMembersArgs) -> anyhow::Result<()> {
    let named = !args.members.collaterals.is_empty() || !args.members.vaults.is_empty();
    ensure!(named, "who joins? give --collateral or --vault");
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let (collaterals, vaults) = members(&Names::read(&client)?, &args.members)?;
    let count = collaterals.len() + vaults.len();
    let (market, group) = (args.market, args.group);
    let add = IMarket::addGroupMembersCall { market, group, collaterals, vaults };
    let receipt = wallet.send(&call(MARKET, &add, "add to the group"))?;
    let desk = Desk { client: &client, json: args.signing.remote.json };
    desk.report(&format!("{count} joined group {group}"), &receipt, json!({ "group": group }))
}

fn enter(args: &EnterGroupArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let (market, sub, group) = (args.account.market, args.account.sub, args.group);
    let enter = IMarket::enterGroupCall { market, sub, group };
    let receipt = wallet.send(&call(MARKET, &enter, "enter the group"))?;
    let desk = Desk { client: &client, json: args.signing.remote.json };
    let (health, told_health) = desk.health(AccountKey { market, owner: wallet.address(), sub })?;
    let text = format!("the account is in group {group}{health}");
    desk.report(&text, &receipt, json!({ "group": group, "healthFactor": told_health }))
}

fn leave(args: &LeaveGroupArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let (market, sub) = (args.account.market, args.account.sub);
    let leave = IMarket::leaveGroupCall { market, sub };
    let receipt = wallet.send(&call(MARKET, &leave, "leave the group"))?;
    let desk = Desk { client: &client, json: args.signing.remote.json };
    let (health, told_health) = desk.health(AccountKey { market, owner: wallet.address(), sub })?;
    let text = format!("the account is in no group{health}");
    desk.report(&text, &receipt, json!({ "group": 0, "healthFactor": told_health }))
}
