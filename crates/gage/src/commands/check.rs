//! `gage check`: every invariant of the protocol, on a node that runs or on a stored chain.

use std::path::Path;

use anyhow::{Context as _, ensure};
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
            eprintln!("a node has it open: asking the one at {}", args.remote.rpc_url);
            same_chain(args)?;
            ask(args)?
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

/// Whether the node that is asked has the chain of the folder: both begin with one block, whose hash depends on all of a
/// genesis, the chain's id included.
fn same_chain(args: &InspectArgs) -> anyhow::Result<()> {
    let Some(folder) = &args.data_dir else { return Ok(()) };
    let genesis = Home::folder(folder)?.genesis()?.with_context(|| {
        format!("{} does not say which chain it holds: genesis.json is missing", folder.display())
    })?;
    let first = Home::Memory.open(&genesis)?.head().hash();
    let client = Client::new(&args.remote.rpc_url);
    let block = client.request("eth_getBlockByNumber", json!(["0x0", false]))?;
    ensure!(
        block["hash"] == json!(first),
        "the node at {} runs another chain than the one in {}: give the --rpc-url of the node that has it open",
        args.remote.rpc_url,
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
