//! `gage check`: every invariant of the protocol, on a node that runs or on a stored chain.

use std::path::Path;

use anyhow::ensure;
use gage_core::invariants::{CHECKED, Report, Violation};
use gage_state::StateError;
use serde::Deserialize;
use serde_json::{Value, json};

use super::print_json;
use crate::{
    cli::InspectArgs,
    client::Client,
    home::Home,
    stored,
    table::{Column, table},
    told,
};

/// What a node answers to `gage_check`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Checked {
    chain_id: u64,
    block_number: u64,
    holds: bool,
    invariants: Vec<Invariant>,
}

#[derive(Debug, Deserialize)]
struct Invariant {
    id: String,
    name: String,
    checked: u64,
    broken: Vec<String>,
}

/// Checks, shows, and says whether everything holds.
pub(crate) fn check(args: &InspectArgs) -> anyhow::Result<bool> {
    let stored = args.data_dir.as_deref().map(|folder| stored_answer(folder, args.block));
    let (told, checked) = match stored {
        Some(Ok(told)) => (told.clone(), serde_json::from_value(told)?),
        Some(Err(error)) if is_in_use(&error) => {
            eprintln!("{error}: asking the node at {}", args.remote.rpc_url);
            let answer = ask(args)?;
            same_chain(args, &answer.1)?;
            answer
        }
        Some(Err(error)) => return Err(error),
        None => ask(args)?,
    };
    if args.remote.json {
        print_json(&told)?;
    } else {
        print(&checked);
    }
    Ok(checked.holds)
}

fn is_in_use(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<StateError>(), Some(StateError::InUse { .. }))
}

fn ask(args: &InspectArgs) -> anyhow::Result<(Value, Checked)> {
    let client = Client::patient(&args.remote.rpc_url);
    told::ask(&client, "gage_check", json!([args.block.map(|number| format!("{number:#x}"))]))
}

/// Whether the node that answered can be the one that has the folder open.
fn same_chain(args: &InspectArgs, answer: &Checked) -> anyhow::Result<()> {
    let Some(folder) = &args.data_dir else { return Ok(()) };
    let genesis = Home::folder(folder)?.genesis()?;
    let stored = genesis.map(|genesis| genesis.chain_id);
    ensure!(
        stored.is_none_or(|id| id == answer.chain_id),
        "the node at {} runs chain {}, not the one in {}; give its --rpc-url",
        args.remote.rpc_url,
        answer.chain_id,
        folder.display()
    );
    Ok(())
}

/// The same answer as a node's, of a chain that no node has open.
fn stored_answer(folder: &Path, block: Option<u64>) -> anyhow::Result<Value> {
    let (_, chain) = stored::open(folder, None)?;
    let number = block.unwrap_or_else(|| chain.head().number);
    let hash = chain.header(number)?.map(|header| header.hash());
    let Report { checked, broken } = chain.check_block(number)?;
    let of = |id: &str| -> Vec<&String> {
        let own = broken.iter().filter(|Violation { id: other, .. }| *other == id);
        own.map(|violation| &violation.detail).collect()
    };
    let invariants: Vec<_> = CHECKED
        .iter()
        .map(|(id, name)| {
            let times = checked.get(id).copied().unwrap_or_default();
            json!({ "id": id, "name": name, "checked": times, "broken": of(id) })
        })
        .collect();
    Ok(json!({
        "chainId": chain.chain_id(),
        "blockNumber": number,
        "blockHash": hash,
        "holds": broken.is_empty(),
        "invariants": invariants,
    }))
}

fn print(answer: &Checked) {
    let columns =
        [Column::Left("id"), Column::Left("invariant"), Column::Right("checked"), Column::Left("")];
    let result = |one: &Invariant| match (one.broken.len(), one.checked) {
        (0, 0) => "nothing to check".to_owned(),
        (0, _) => "holds".to_owned(),
        (times, _) => format!("BROKEN, {times} times"),
    };
    let row = |one: &Invariant| {
        vec![one.id.clone(), one.name.clone(), one.checked.to_string(), result(one)]
    };
    println!("{}", table(&columns, answer.invariants.iter().map(row).collect()));
    for one in &answer.invariants {
        one.broken.iter().for_each(|detail| println!("{}: {detail}", one.id));
    }
    let checks: u64 = answer.invariants.iter().map(|one| one.checked).sum();
    let verdict = if answer.holds { "every invariant holds" } else { "INVARIANTS ARE BROKEN" };
    println!("Block {}: {checks} checks, {verdict}.", answer.block_number);
}
