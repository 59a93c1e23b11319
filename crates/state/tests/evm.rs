//! The EVM on top of a view, and its bundle as changes.

#![allow(clippy::unwrap_used)] // a test stops at the first surprise

mod model;

use alloy_primitives::{Address, Bytes, TxKind, U256};
use gage_state::{AccountChange, AccountInfo, Changes, Store, View};
use model::{address, block_hash};
use revm::{
    Context, DatabaseCommit, ExecuteCommitEvm, MainBuilder, MainContext,
    context::TxEnv,
    database::State,
    database_interface::WrapDatabaseRef,
    primitives::AddressMap,
    state::{Account, AccountInfo as EvmInfo, AccountStatus, Bytecode, EvmStorageSlot},
};

type Db = State<WrapDatabaseRef<View>>;

fn database(store: &Store) -> Db {
    State::builder()
        .with_database(WrapDatabaseRef(store.at_head().unwrap()))
        .with_bundle_update()
        .build()
}

fn take_changes(db: &mut Db) -> Changes {
    db.merge_transitions(revm::database::states::bundle_state::BundleRetention::PlainState);
    Changes::from(&db.take_bundle())
}

fn commit(store: &Store, changes: &Changes) {
    let number = store.head().map_or(0, |head| head.number + 1);
    let prepared = store.prepare(changes).unwrap();
    store.commit(prepared, number, block_hash(number), Vec::new()).unwrap();
    store.check().unwrap();
}

/// A store whose genesis has a rich account 1, and account 2 with slots 1 and 2 set.
fn genesis() -> Store {
    let store = Store::in_memory().unwrap();
    let mut changes = Changes::default();
    let rich = AccountInfo { balance: U256::from(1u64 << 60), ..AccountInfo::default() };
    changes.accounts.insert(address(1), AccountChange::new(rich));
    let mut two = AccountChange::new(AccountInfo { nonce: 1, ..AccountInfo::default() });
    two.storage.insert(U256::from(1), U256::from(11));
    two.storage.insert(U256::from(2), U256::from(22));
    changes.accounts.insert(address(2), two);
    commit(&store, &changes);
    store
}

fn slots(store: &Store, address: Address) -> Vec<(u64, u64)> {
    let rows = store.at_head().unwrap().storage_of(address).unwrap();
    rows.map(|row| row.map(|(slot, value)| (slot.to(), value.to())).unwrap()).collect()
}

/// Initialisation code that stores 5 in slot 3 and deploys `runtime`.
fn deploying(runtime: &[u8]) -> Bytes {
    let length = runtime.len() as u8;
    let mut code = vec![0x60, 5, 0x60, 3, 0x55]; // SSTORE(3, 5)
    code.extend([0x60, length, 0x60, 17, 0x5f, 0x39]); // CODECOPY(0, 17, length)
    code.extend([0x60, length, 0x5f, 0xf3]); // RETURN(0, length)
    code.extend([0x00, 0x00]);
    assert_eq!(code.len(), 17);
    code.extend(runtime);
    code.into()
}

fn run(store: &Store, kind: TxKind, data: Bytes) {
    let mut db = database(store);
    let nonce = store.at_head().unwrap().account(address(1)).unwrap().unwrap().info.nonce;
    let mut evm = Context::mainnet().with_db(&mut db).build_mainnet();
    let tx = TxEnv::builder()
        .caller(address(1))
        .kind(kind)
        .data(data)
        .nonce(nonce)
        .gas_limit(1_000_000)
        .build()
        .unwrap();
    let result = evm.transact_commit(tx).unwrap();
    assert!(result.is_success(), "{result:?}");
    commit(store, &take_changes(&mut db));
}

#[test]
fn a_deployed_contract_runs_from_the_store() {
    let store = genesis();
    // SSTORE(SLOAD(3), 9), then SSTORE(3, 0)
    let runtime = [0x60, 9, 0x60, 3, 0x54, 0x55, 0x5f, 0x60, 3, 0x55];
    run(&store, TxKind::Create, deploying(&runtime));
    let contract = address(1).create(0);
    let account = store.at_head().unwrap().account(contract).unwrap().unwrap();
    let code = store.at_head().unwrap().code(account.info.code_hash).unwrap();
    assert_eq!(code.unwrap(), Bytes::copy_from_slice(&runtime));
    assert_eq!(slots(&store, contract), [(3, 5)]);
    run(&store, TxKind::Call(contract), Bytes::new());
    assert_eq!(slots(&store, contract), [(5, 9)]);
    let before = store.at(1).unwrap();
    assert_eq!(before.storage(contract, U256::from(3)).unwrap(), U256::from(5));
}

fn touched(info: EvmInfo, extra: AccountStatus, storage: &[(u64, u64)]) -> Account {
    let mut account = Account::from(info);
    account.status = AccountStatus::Touched | extra;
    for (slot, value) in storage {
        let slot = (
            U256::from(*slot),
            EvmStorageSlot::new_changed(
                U256::ZERO,
                U256::from(*value),
                revm::state::TransactionId::ZERO,
            ),
        );
        account.storage.insert(slot.0, slot.1);
    }
    account
}

fn apply(db: &mut Db, address: Address, account: Account) {
    // The account and its slots are loaded first, as the EVM does.
    use revm::Database;
    db.basic(address).unwrap();
    for slot in account.storage.keys() {
        db.storage(address, *slot).unwrap();
    }
    db.commit(AddressMap::from_iter([(address, account)]));
}

#[test]
fn a_destroyed_account_loses_its_storage() {
    let store = genesis();
    let mut db = database(&store);
    apply(&mut db, address(2), touched(EvmInfo::default(), AccountStatus::SelfDestructed, &[]));
    let changes = take_changes(&mut db);
    assert_eq!(changes.accounts[&address(2)].info, None);
    commit(&store, &changes);
    assert_eq!(store.at_head().unwrap().account(address(2)).unwrap(), None);
    assert!(slots(&store, address(2)).is_empty());
}

#[test]
fn an_account_destroyed_and_created_again_keeps_only_its_new_storage() {
    let store = genesis();
    let mut db = database(&store);
    apply(&mut db, address(2), touched(EvmInfo::default(), AccountStatus::SelfDestructed, &[]));
    let info = EvmInfo::default().with_nonce(5);
    apply(&mut db, address(2), touched(info, AccountStatus::Created, &[(2, 7)]));
    let changes = take_changes(&mut db);
    assert!(changes.accounts[&address(2)].wipe_storage);
    commit(&store, &changes);
    assert_eq!(slots(&store, address(2)), [(2, 7)]);
    let nonce = store.at_head().unwrap().account(address(2)).unwrap().unwrap().info.nonce;
    assert_eq!(nonce, 5);
}

#[test]
fn a_delegation_is_stored_and_read_as_one() {
    let store = genesis();
    let mut db = database(&store);
    let delegation = Bytecode::new_eip7702(address(2));
    let info = EvmInfo::default().with_nonce(1).with_code(delegation.clone());
    let code_hash = info.code_hash;
    apply(&mut db, address(3), touched(info, AccountStatus::empty(), &[]));
    commit(&store, &take_changes(&mut db));
    use revm::DatabaseRef;
    let view = store.at_head().unwrap();
    assert_eq!(view.basic_ref(address(3)).unwrap().unwrap().code_hash, code_hash);
    assert_eq!(view.code_by_hash_ref(code_hash).unwrap(), delegation);
}

#[test]
fn an_untouched_bundle_changes_nothing() {
    let store = genesis();
    let mut db = database(&store);
    let info = db.load_cache_account(address(2)).unwrap().account_info().unwrap();
    apply(&mut db, address(2), touched(info, AccountStatus::empty(), &[]));
    assert_eq!(take_changes(&mut db), Changes::default());
}
