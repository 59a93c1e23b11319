//! How long a node with many open accounts takes to start: its database is opened, and every account is filed in the
//! index of those to watch.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use alloy_consensus::Header;
use alloy_primitives::{Bytes, U256};
use anyhow::{Result, ensure};
use gage_chain::{Chain, Genesis, ProtocolRoles, WrappedNative};
use gage_state::{AccountChange, AccountInfo, Changes, Record, Store, Table};

use crate::gage::CHAIN_ID;
use crate::liquidation::{self, START};
use crate::population::{ADMIN, PLENTY};

fn genesis() -> Genesis {
    Genesis {
        chain_id: CHAIN_ID,
        timestamp: START.get() - 1,
        gas_limit: 1_000_000_000,
        base_fee_per_gas: 1_000_000_000,
        extra_data: Bytes::new(),
        beneficiary: ADMIN,
        alloc: Default::default(),
        protocol: ProtocolRoles {
            governance: ADMIN,
            guardian: ADMIN,
            wrapped_native: WrappedNative::default(),
        },
    }
}

/// Makes a chain whose second block has the whole population, at a path.
fn prepare(path: &Path, size: usize) -> Result<()> {
    let store = Store::open(path)?;
    let chain = Chain::open(store.clone(), &genesis())?;
    let (db, _) = liquidation::state(size, &PLENTY)?;
    let mut changes = Changes::default();
    for (address, account) in db.cache.accounts {
        let info = AccountInfo { nonce: 1, code_hash: account.info.code_hash, balance: U256::ZERO };
        let code = account.info.code.map(|code| code.original_bytes());
        let storage = account.storage.into_iter().collect();
        let change = AccountChange { code, storage, ..AccountChange::new(info) };
        changes.accounts.insert(address, change);
    }
    let prepared = store.prepare(&changes)?;
    let parent = chain.head();
    let header = Header {
        number: 1,
        parent_hash: parent.hash(),
        state_root: prepared.root(),
        timestamp: START.get(),
        ..parent.clone_inner()
    };
    let hash = header.hash_slow();
    let records = vec![
        Record::put(Table::Headers, 1_u64.to_be_bytes(), alloy_rlp::encode(&header)),
        Record::put(Table::BlockNumbers, hash.as_slice(), 1_u64.to_be_bytes()),
    ];
    store.commit(prepared, 1, hash, records)?;
    Ok(())
}

/// The section of the results.
pub(crate) fn report(page: &mut String, sizes: &[u64], folder: &Path) -> Result<()> {
    page.push_str(
        "\n## Starting\n\n\
         Accounts with one to three of ten collaterals and one debt; the whole start of a chain: its database, and the\n\
         index of accounts, which is kept in memory only.\n\n\
         | open accounts | database, ms | with the index, s |\n\
         | ------------: | -----------: | ----------------: |\n",
    );
    for size in sizes {
        eprintln!("starting with {size} accounts");
        let directory = tempfile::tempdir_in(folder)?;
        let path = directory.path().join("state");
        prepare(&path, usize::try_from(*size)?)?;
        let began = Instant::now();
        let store = Store::open(&path)?;
        let opened = began.elapsed();
        let chain = Chain::open(store, &genesis())?;
        let started = began.elapsed();
        ensure!(chain.head().number == 1, "another head");
        writeln!(
            page,
            "| {size} | {:.1} | {:.2} |",
            opened.as_secs_f64() * 1e3,
            started.as_secs_f64()
        )?;
    }
    Ok(())
}
