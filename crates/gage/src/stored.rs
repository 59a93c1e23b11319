//! `gage db` and `gage snapshot`: a stored chain is checked, carried away, and taken in elsewhere.
//!
//! A snapshot is a folder: the genesis, what the demo was told if there is one, and all values and blocks.

use std::{
    fs,
    io::{BufRead as _, BufReader, BufWriter, Write as _},
    path::Path,
};

use anyhow::{Context as _, ensure};
use flate2::{Compression, bufread::GzDecoder, write::GzEncoder};
use gage_chain::{Chain, Checked};
use gage_state::{SnapshotInfo, Store};

use crate::{
    cli::{CheckArgs, DbCommand, ExportArgs, ImportArgs, SnapshotCommand},
    home::Home,
    node_command::read_genesis,
    telemetry,
};

/// Values and blocks in a snapshot's folder.
const STATE: &str = "state.gz";

/// `gage db`.
pub(crate) fn db(command: &DbCommand) -> anyhow::Result<()> {
    telemetry::log("warn");
    match command {
        DbCommand::Check(args) => check(args),
    }
}

/// `gage snapshot`.
pub(crate) fn snapshot(command: &SnapshotCommand) -> anyhow::Result<()> {
    telemetry::log("warn");
    match command {
        SnapshotCommand::Export(args) => export(args),
        SnapshotCommand::Import(args) => import(args),
    }
}

/// Opens the chain in a folder that has one.
pub(crate) fn open(folder: &Path, genesis: Option<&Path>) -> anyhow::Result<(Home, Chain)> {
    ensure!(folder.is_dir(), "{} is no folder", folder.display());
    let home = Home::folder(folder)?;
    let genesis = match genesis {
        Some(path) => read_genesis(path)?,
        None => {
            home.genesis()?.with_context(|| format!("{home} holds no chain; or give --genesis"))?
        }
    };
    let chain = home.open_existing(&genesis)?;
    Ok((home, chain))
}

fn sound(home: &Home, chain: &Chain) -> anyhow::Result<Checked> {
    chain.check().with_context(|| format!("the chain in {home} is not sound"))
}

fn check(args: &CheckArgs) -> anyhow::Result<()> {
    let (home, chain) = open(&args.data_dir, args.genesis.as_deref())?;
    let Checked { blocks, transactions, invariants } = sound(&home, &chain)?;
    let checks: u64 = invariants.checked.values().sum();
    if args.json {
        let checked = serde_json::json!({
            "blocks": blocks,
            "transactions": transactions,
            "invariants": invariants.checked,
            "stateRoot": chain.head().state_root,
        });
        println!("{checked}");
    } else {
        println!(
            "{home}: {blocks} blocks with {transactions} transactions are sound, {checks} checks of invariants hold, head {}, \
             state root {}",
            chain.head().hash(),
            chain.head().state_root,
        );
    }
    Ok(())
}

fn export(args: &ExportArgs) -> anyhow::Result<()> {
    let (home, chain) = open(&args.data_dir, None)?;
    let state = args.out.join(STATE);
    ensure!(!state.exists(), "{} exists already", state.display());
    fs::create_dir_all(&args.out).with_context(|| format!("cannot make {}", args.out.display()))?;
    let partial = state.with_extension("partial");
    let written = || -> anyhow::Result<SnapshotInfo> {
        let file = BufWriter::new(fs::File::create(&partial)?);
        let mut packed = GzEncoder::new(file, Compression::fast());
        let info = chain.store().export(&mut packed)?;
        let mut file = packed.finish()?;
        file.flush()?;
        file.get_ref().sync_all()?;
        home.copy_papers(&args.out)?;
        fs::rename(&partial, &state)?;
        Ok(info)
    };
    let info = written().with_context(|| format!("cannot write {}", state.display()))?;
    tell(&info, &args.out);
    Ok(())
}

fn import(args: &ImportArgs) -> anyhow::Result<()> {
    ensure!(args.snapshot.is_dir(), "{} is no folder", args.snapshot.display());
    let papers = Home::folder(&args.snapshot)?;
    let genesis = papers.genesis()?;
    let genesis = genesis.with_context(|| format!("{papers} is no snapshot: no genesis"))?;
    papers.kept_order()?;
    let state = args.snapshot.join(STATE);
    let file =
        fs::File::open(&state).with_context(|| format!("cannot read {}", state.display()))?;
    let home = Home::folder(&args.data_dir)?;
    ensure!(home.genesis()?.is_none(), "{home} holds a chain already");
    let path = home.database().context("a snapshot is taken in by a folder")?;
    // What fails below is cleared away.
    ensure!(!path.exists(), "{} exists already", path.display());
    let taken = || -> anyhow::Result<SnapshotInfo> {
        let mut unpacked = GzDecoder::new(BufReader::new(file));
        let info = Store::import(&mut unpacked, path, args.state_root)?;
        let behind = unpacked.get_mut().fill_buf()?;
        ensure!(behind.is_empty(), "the snapshot is damaged: something follows its end");
        papers.copy_papers(&args.data_dir)?;
        sound(&home, &home.open_existing(&genesis)?)?;
        Ok(info)
    };
    match taken() {
        Ok(info) => {
            tell(&info, &args.data_dir);
            Ok(())
        }
        Err(error) => {
            home.clear()?;
            Err(error.context(format!("{} is not taken in", state.display())))
        }
    }
}

fn tell(info: &SnapshotInfo, folder: &Path) {
    let SnapshotInfo { head, accounts, slots, records } = info;
    println!(
        "{}: block {} {}, state root {}: {accounts} accounts, {slots} slots, {records} records of blocks",
        folder.display(),
        head.number,
        head.hash,
        head.state_root,
    );
}
