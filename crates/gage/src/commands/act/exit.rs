//! `gage exit`: places in a vault's exit queue.

use alloy_primitives::U256;
use anyhow::ensure;
use gage_abi::IVault;
use serde_json::{Value, json};

use super::{Desk, balance, client, shares, wallet, with_receipt};
use crate::{
    amounts::{all_digits, tokens},
    cli::{ClaimExitArgs, ExitCommand, PlacesArgs, RequestArgs},
    client::Receipt,
    commands::print_json,
    contracts::call,
    reading::{Names, VaultReading, ask},
    table::{Column, table},
    told::{self, Exit},
};

/// Carries out one of the leaving lender's commands.
pub(crate) fn exit(command: &ExitCommand) -> anyhow::Result<()> {
    match command {
        ExitCommand::Request(args) => request(args),
        ExitCommand::List(args) => list(args),
        ExitCommand::Claim(args) => claim(args),
    }
}

/// A vault's events of one kind.
fn events<E: alloy_sol_types::SolEvent>(receipt: &Receipt, vault: &VaultReading) -> Vec<E> {
    let logs = receipt.logs.iter().filter(|(emitter, _)| *emitter == vault.token.address);
    logs.filter_map(|(_, log)| E::decode_log_data(log).ok()).collect()
}

/// A place for machines.
fn told(vault: &VaultReading, number: U256, state: &IVault::ExitState) -> Value {
    let (share, asset) = (vault.token.decimals, vault.asset.decimals);
    json!({
        "place": number.to_string(),
        "waiting": all_digits(state.waiting, share),
        "worth": all_digits(state.worth, asset),
        "aheadWorth": all_digits(state.aheadWorth, asset),
        "claimable": all_digits(state.claimable, asset),
    })
}

fn request(args: &RequestArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let vault = Names::read(&client)?.vault(&args.vault)?.clone();
    let (owner, address) = (wallet.address(), vault.token.address);
    let held = balance(&client, address, owner)?;
    ensure!(!held.is_zero(), "nothing is lent to {}", vault.token.symbol);
    let asked = shares::parse(&client, &vault, &args.amount, args.shares)?.unwrap_or(held);
    let request = IVault::requestRedeemCall { shares: asked, controller: owner, owner };
    let receipt = wallet.send(&call(address, &request, "ask to leave"))?;
    let given = events::<IVault::RedeemRequest>(&receipt, &vault);
    let number = given.first().map(|event| event.requestId).unwrap_or_default();
    let state = ask(&client, address, &IVault::exitStateCall { requestId: number })?;
    let lent = |assets| shares::lent(&vault, assets);
    let text = format!(
        "place {number} in {}'s exit queue: {} wait, {} ahead; {} may be claimed",
        vault.token.symbol,
        lent(state.worth),
        lent(state.aheadWorth),
        lent(state.claimable),
    );
    Desk { client: &client, json: args.signing.remote.json }.report(
        &text,
        &receipt,
        told(&vault, number, &state),
    )
}

fn claim(args: &ClaimExitArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let receiver = wallet.address();
    let names = Names::read(&client)?;
    let places = match (&args.vault, args.place) {
        (Some(vault), Some(place)) => vec![(names.vault(vault)?.token.address, place)],
        _ => {
            let (_, exits): (_, Vec<Exit>) = told::ask(&client, "gage_exits", json!([receiver]))?;
            let due = exits.iter().filter(|exit| !exit.filled.units().is_zero());
            due.map(|exit| (exit.vault.address, exit.place)).collect()
        }
    };
    ensure!(!places.is_empty(), "nothing is set aside (`gage exit list`)");
    let mut claims = Vec::new();
    for (address, place) in places {
        let vault = names.vault(&address.to_string())?;
        let claim = IVault::claimExitCall { requestId: U256::from(place), receiver };
        let receipt = wallet.send(&call(address, &claim, format!("claim for place {place}")))?;
        let claimed = events::<IVault::ExitClaimed>(&receipt, vault);
        let assets = claimed.first().map(|event| event.assets).unwrap_or_default();
        if args.signing.remote.json {
            let assets = all_digits(assets, vault.asset.decimals);
            let told = json!({ "vault": vault.token.symbol, "place": place, "assets": assets });
            claims.push(with_receipt(told, &receipt));
            continue;
        }
        println!(
            "claimed {} {} for place {place} in {}'s exit queue (transaction {})",
            tokens(assets, vault.asset.decimals),
            vault.asset.symbol,
            vault.token.symbol,
            receipt.hash
        );
    }
    if args.signing.remote.json { print_json(&claims.into()) } else { Ok(()) }
}

fn list(args: &PlacesArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let owner = args.signing.or_sender(args.owner)?;
    let (told, exits): (_, Vec<Exit>) = told::ask(&client, "gage_exits", json!([owner]))?;
    if args.signing.remote.json {
        return print_json(&told);
    }
    println!("Places of {owner} in exit queues\n");
    if exits.is_empty() {
        println!("None. `gage exit --help` says how to leave a vault without cash.");
        return Ok(());
    }
    let columns = [
        Column::Left("vault"),
        Column::Right("place"),
        Column::Right("waits"),
        Column::Right("ahead"),
        Column::Right("may be claimed"),
    ];
    let row = |exit: &Exit| {
        let amount = |quantity: &told::Quantity| {
            format!("{} {}", quantity.tokens(exit.vault.asset.decimals), exit.vault.asset.symbol)
        };
        vec![
            exit.vault.symbol.clone(),
            exit.place.to_string(),
            amount(&exit.worth),
            amount(&exit.ahead_worth),
            amount(&exit.claimable),
        ]
    };
    println!("{}", table(&columns, exits.iter().map(row).collect()));
    Ok(())
}
