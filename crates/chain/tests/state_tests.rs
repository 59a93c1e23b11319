//! Ethereum's state tests: one transaction on a small state, through our transaction decoder, our EVM and our
//! store, must give the state root, the logs, the gas and the refusals that Ethereum's do.
//!
//! `osaka.json` holds programs of ours with the results of Ethereum's executable specification (see
//! `fill.py`); `ethereum_tests.json` some of Ethereum's own GeneralStateTests.

use std::collections::BTreeMap;

use alloy_evm::{Evm, EvmEnv, IntoTxEnv};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use gage_chain::{SPEC, decode_transaction, recover};
use gage_state::{AccountChange, AccountInfo, Changes, Store};
use revm::{
    DatabaseCommit,
    context::{BlockEnv, CfgEnv},
    context_interface::{
        block::BlobExcessGasAndPrice,
        result::{EVMError, ResultAndState},
    },
    database::{State, states::bundle_state::BundleRetention},
    inspector::NoOpInspector,
};
use serde::Deserialize;

/// The chain that the transactions are signed for.
const CHAIN_ID: u64 = 1;

#[derive(Deserialize)]
struct Suite {
    env: Env,
    tests: Vec<StateTest>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Env {
    current_coinbase: Address,
    current_gas_limit: U256,
    current_number: U256,
    current_timestamp: U256,
    current_base_fee: U256,
    current_random: B256,
    block_hashes: BTreeMap<U256, B256>,
}

#[derive(Deserialize)]
struct StateTest {
    name: String,
    env: Option<Env>,
    pre: BTreeMap<Address, Account>,
    tx: Bytes,
    post: Expected,
}

#[derive(Deserialize)]
struct Account {
    balance: U256,
    nonce: U256,
    code: Bytes,
    storage: BTreeMap<U256, U256>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Expected {
    hash: B256,
    logs: B256,
    #[serde(default)]
    rejected: bool,
    gas_used: Option<U256>,
    status: Option<bool>,
}

/// What a test gave.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    root: B256,
    logs: B256,
    /// Gas and success; nothing if the transaction was refused.
    ran: Option<(u64, bool)>,
}

fn change(account: &Account) -> AccountChange {
    let code = Some(account.code.clone()).filter(|code| !code.is_empty());
    AccountChange {
        info: Some(AccountInfo {
            nonce: account.nonce.to(),
            balance: account.balance,
            code_hash: code.as_ref().map_or(KECCAK256_EMPTY, keccak256),
        }),
        code,
        storage: account.storage.clone(),
        wipe_storage: false,
    }
}

fn evm_env(env: &Env) -> EvmEnv {
    let cfg_env = CfgEnv::new_with_spec(SPEC).with_chain_id(CHAIN_ID);
    let blobs = BlobExcessGasAndPrice { excess_blob_gas: 0, blob_gasprice: 1 };
    let block_env = BlockEnv {
        number: env.current_number,
        beneficiary: env.current_coinbase,
        timestamp: env.current_timestamp,
        gas_limit: env.current_gas_limit.to(),
        basefee: env.current_base_fee.to(),
        difficulty: U256::ZERO,
        prevrandao: Some(env.current_random),
        blob_excess_gas_and_price: Some(blobs),
        ..BlockEnv::default()
    };
    EvmEnv { cfg_env, block_env }
}

fn run(test: &StateTest, env: &Env) -> Outcome {
    let store = Store::in_memory().expect("memory");
    let pre = test.pre.iter().map(|(address, account)| (*address, change(account)));
    let prepared = store.prepare(&Changes { accounts: pre.collect() }).expect("a state");
    let before = Outcome {
        root: prepared.root(),
        logs: keccak256(alloy_rlp::encode(Vec::<alloy_primitives::Log>::new())),
        ran: None,
    };
    store.commit(prepared, 0, B256::ZERO, Vec::new()).expect("committed");
    let Ok(tx) = decode_transaction(&test.tx).and_then(|tx| recover(tx, CHAIN_ID)) else {
        return before;
    };
    let view = store.at(0).expect("the state before");
    let mut db = State::builder().with_database_ref(view).with_bundle_update().build();
    for (number, hash) in &env.block_hashes {
        db.block_hashes.insert(number.to(), *hash);
    }
    let mut evm = gage_evm::evm(db, evm_env(env), NoOpInspector {});
    let ResultAndState { result, state } = match evm.transact_raw((&tx).into_tx_env()) {
        Ok(done) => done,
        Err(EVMError::Transaction(_)) => return before,
        Err(error) => panic!("{}: {error}", test.name),
    };
    evm.db_mut().commit(state);
    let (mut db, _) = evm.finish();
    db.merge_transitions(BundleRetention::PlainState);
    let changes = Changes::from(&db.take_bundle());
    let root = store.prepare(&changes).expect("changes of this state").root();
    let ran = Some((result.tx_gas_used(), result.is_success()));
    Outcome { root, logs: keccak256(alloy_rlp::encode(result.into_logs())), ran }
}

/// Runs all tests of a file and returns how many there are; each must pass.
fn pass_all(suite: &str) -> usize {
    let suite: Suite = serde_json::from_str(suite).expect("a suite");
    let mut failed = Vec::new();
    for test in &suite.tests {
        let outcome = run(test, test.env.as_ref().unwrap_or(&suite.env));
        let Expected { hash, logs, rejected, gas_used, status } = test.post;
        let told = gas_used.zip(status).map(|(gas, status)| (gas.to::<u64>(), status));
        let ran = if rejected { None } else { told.or(outcome.ran) };
        let expected = Outcome { root: hash, logs, ran };
        if outcome != expected {
            failed.push(format!("{}: {outcome:?}, not {expected:?}", test.name));
        }
    }
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), suite.tests.len(), failed.join("\n"));
    suite.tests.len()
}

#[test]
fn ethereum_s_executable_specification_agrees() {
    assert_eq!(pass_all(include_str!("state_tests/osaka.json")), 281);
}

#[test]
fn ethereum_s_own_state_tests_pass() {
    assert_eq!(pass_all(include_str!("state_tests/ethereum_tests.json")), 10);
}
