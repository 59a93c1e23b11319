//! `gage operator`: who may act on one of the owner's accounts.

use alloy_primitives::Address;
use gage_abi::IMarket;
use serde_json::{Value, json};

use super::{Desk, client, wallet};
use crate::{
    calendar::minute,
    cli::{Allowed, AuthorisationsArgs, OperatorCommand, RevokeArgs, SetOperatorArgs},
    client::Client,
    commands::print_json,
    contracts::{MARKET, call},
    table::{Column, table},
    told::{self, Authorisations},
};

/// Blocks that one question spans.
const BLOCKS_PER_QUESTION: u64 = 5_000;

/// Carries out one of the owner's commands.
pub(crate) fn operator(command: &OperatorCommand) -> anyhow::Result<()> {
    match command {
        OperatorCommand::Set(args) => set(args),
        OperatorCommand::List(args) => list(args),
        OperatorCommand::Revoke(args) => revoke(args),
    }
}

const fn bit(allowed: Allowed) -> u8 {
    match allowed {
        Allowed::Release => 1,
        Allowed::Borrow => 2,
        Allowed::Manage => 4,
    }
}

fn set(args: &SetOperatorArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let (_, now) = client.head()?;
    let (market, sub) = (args.account.market, args.account.sub);
    let expires_at = args.until.unix(now);
    let permissions = args.allow.iter().fold(0, |bits, one| bits | bit(*one));
    let receiver = args.receiver.unwrap_or_default();
    let operator = args.operator;
    let set = IMarket::setOperatorCall {
        market,
        sub,
        operator,
        permissions,
        expiresAt: expires_at,
        receiver,
    };
    let receipt = wallet.send(&call(MARKET, &set, "permit the operator"))?;
    let names = told::permissions(permissions).join(", ");
    let paid = if receiver.is_zero() { "you".to_owned() } else { receiver.to_string() };
    let text = format!(
        "{operator} may {names} on account {sub} in market {market} until {} UTC; what comes out \
         goes to {paid}",
        minute(expires_at),
    );
    let told = json!({ "operator": operator, "permissions": permissions, "expiresAt": expires_at });
    Desk { client: &client, json: args.signing.remote.json }.report(&text, &receipt, told)
}

fn revoke(args: &RevokeArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let (market, sub, operator) = (args.account.market, args.account.sub, args.operator);
    let revoke = IMarket::setOperatorCall {
        market,
        sub,
        operator,
        permissions: 0,
        expiresAt: 0,
        receiver: Address::ZERO,
    };
    let receipt = wallet.send(&call(MARKET, &revoke, "stop the operator"))?;
    let text = format!("{operator} may do nothing on account {sub} in market {market} any more");
    let told = json!({ "operator": operator, "permissions": 0 });
    Desk { client: &client, json: args.signing.remote.json }.report(&text, &receipt, told)
}

/// What an owner gave in all blocks from `first` on: the node looks through so many at once.
pub(super) fn authorisations(
    client: &Client,
    owner: Address,
    first: u64,
) -> anyhow::Result<Vec<Authorisations>> {
    let (mut last, _) = client.head()?;
    let mut found = Vec::new();
    loop {
        let from = last.saturating_sub(BLOCKS_PER_QUESTION - 1).max(first);
        let range = json!([owner, format!("{from:#x}"), format!("{last:#x}")]);
        let (_, one): (Value, Authorisations) = told::ask(client, "gage_authorisations", range)?;
        found.push(one);
        if from <= first {
            return Ok(found);
        }
        last = from - 1;
    }
}

fn list(args: &AuthorisationsArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let owner = args.signing.or_sender(args.owner)?;
    let mut operators = Vec::new();
    for found in authorisations(&client, owner, args.from_block)? {
        for one in found.operators {
            if !operators.contains(&one) {
                operators.push(one);
            }
        }
    }
    if args.signing.remote.json {
        return print_json(&json!({ "owner": owner, "operators": operators }));
    }
    println!("Operators of {owner}'s accounts\n");
    if operators.is_empty() {
        println!("None. `gage operator --help` says how to permit one.");
        return Ok(());
    }
    let columns = [
        Column::Right("market"),
        Column::Right("account"),
        Column::Left("operator"),
        Column::Left("may"),
        Column::Left("until (UTC)"),
        Column::Left("paid to"),
    ];
    let rows = operators.iter().map(|one| {
        let until = minute(one.expires_at);
        vec![
            one.market.to_string(),
            one.sub.to_string(),
            one.operator.to_string(),
            one.permissions.join(", "),
            if one.expired { format!("{until} (expired)") } else { until },
            if one.receiver == owner { "the owner".to_owned() } else { one.receiver.to_string() },
        ]
    });
    println!("{}", table(&columns, rows.collect()));
    Ok(())
}
