//! The executor is deterministic (EVM-4): the same transactions make the same blocks, and the same blocks the same
//! state and receipts, on two nodes, on any number of threads, across restarts, and in debug and release builds.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use alloy_primitives::{B256, Bytes, Keccak256, b256};
use gage_chain::{Chain, FoundReceipt, SealedBlock, is_sweep};
use gage_state::Store;
use rayon::{ThreadPool, ThreadPoolBuilder};
use support::lending::World;
use support::*;

/// What [`history`] hashes to: its blocks, whose headers hold the roots of states and receipts. Debug builds check it in `make test`,
/// release builds in `make soak`. A change of what blocks do, of gas or of a record's layout changes it, and is
/// what this number is to be replaced for.
const HISTORY: B256 = b256!("0x3a29357f8c117d106d547913f9ddaa8ef0a0fd95e0224e014810a8bef5fb4e07");

fn threads(count: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(count).build().unwrap()
}

/// Blocks of everything that blocks hold: each type of transaction, logs, failures, calls of lending, prices, and
/// sweeps of several accounts.
fn history(chain: Chain) -> Chain {
    let (world, _) = first_part(chain);
    let world = second_part(world);
    world.chain
}

fn first_part(chain: Chain) -> (World, u64) {
    let mut world = World::new(chain);
    world.lend();
    world.bid(1, 30_000);
    world.bid(3, 9_000);
    world.price(1_900);
    let swept = world.price(1_600).number();
    (world, swept)
}

fn second_part(mut world: World) -> World {
    let nonces = |world: &World, who: u8| world.nonces.get(&who).copied().unwrap_or_default();
    let counts = |world: &World, who| draft(who, nonces(world, who)).to(COUNTER).dynamic();
    let mut mixed: Vec<_> =
        one_of_each().into_iter().filter(|tx| tx.signer() == user(0).address()).collect();
    mixed.extend((2..6).map(|who| counts(&world, who)));
    mixed.push(draft(7, 0).delegating(8));
    mixed.push(draft(7, 1).to(BURNER).gas(50_000).dynamic());
    let topics = Bytes::from(vec![7; 64]);
    mixed.push(Draft { input: topics, ..draft(7, 2) }.to(LOGGER).dynamic());
    let (_, rejected) = extend(&world.chain, mixed);
    assert_eq!(rejected, []);
    for who in 2..6 {
        *world.nonces.entry(who).or_default() += 1;
    }
    for price in [1_450, 1_455, 1_300, 900, 2_000] {
        world.price(price);
    }
    world
}

fn blocks(chain: &Chain) -> Vec<SealedBlock> {
    (1..=chain.head().number).map(|number| chain.block(number).unwrap().unwrap()).collect()
}

fn receipts(chain: &Chain) -> Vec<FoundReceipt> {
    let numbers = 1..=chain.head().number;
    numbers.flat_map(|number| chain.receipts(number).unwrap().unwrap()).collect()
}

fn assert_same(one: &Chain, other: &Chain, what: &str) {
    assert_eq!(one.head(), other.head(), "{what}");
    assert_eq!(blocks(one), blocks(other), "{what}");
    assert_eq!(receipts(one), receipts(other), "{what}");
}

#[test]
fn the_history_is_the_one_of_every_build() {
    let chain = history(chain());
    let mut hasher = Keccak256::new();
    for block in blocks(&chain) {
        hasher.update(block.rlp());
    }
    let sweeps = blocks(&chain)
        .iter()
        .flat_map(|block| &block.transactions)
        .filter(|tx| is_sweep(tx.inner()))
        .count();
    assert!(sweeps >= 3, "{sweeps} sweeps");
    assert_eq!(hasher.finalize(), HISTORY);
    chain.check().unwrap();
}

/// Building: signatures, prices, roots and subtrees are computed side by side, and the block is the same.
#[test]
fn any_number_of_threads_builds_the_same_blocks() {
    let once = history(chain());
    for count in [1, 2, 8] {
        let again = threads(count).install(|| history(chain()));
        assert_same(&once, &again, &format!("built on {count} threads"));
    }
}

#[test]
fn any_number_of_threads_imports_the_same_blocks() {
    let built = history(chain());
    for count in [1, 2, 8] {
        let importer = threads(count).install(|| {
            let importer = chain();
            for block in blocks(&built) {
                importer.import(&block.rlp()).unwrap();
            }
            importer
        });
        assert_same(&built, &importer, &format!("imported on {count} threads"));
    }
}

/// What a node keeps in memory beside its store (the index of accounts, the blocks' hashes) is nothing that blocks
/// depend on: a node that starts anew before each block imports the same chain, and builds the same rest of it.
#[test]
fn a_restart_changes_nothing() {
    let built = history(chain());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("imported");
    for block in blocks(&built) {
        let store = Store::open(&path).unwrap();
        Chain::open(store, &genesis()).unwrap().import(&block.rlp()).unwrap();
    }
    let imported = Chain::open(Store::open(&path).unwrap(), &genesis()).unwrap();
    assert_same(&built, &imported, "imported with restarts");
    let path = folder.path().join("built");
    let open = || Chain::open(Store::open(&path).unwrap(), &genesis()).unwrap();
    let (World { chain, nonces, round }, _) = first_part(open());
    drop(chain);
    let rebuilt = second_part(World { chain: open(), nonces, round });
    assert_same(&built, &rebuilt.chain, "built with a restart");
}
