//! The cost of a block by what it changes and by how much state there is.
//!
//! `cargo bench -p gage-state` measures; any other run only shows that it works.

use alloy_primitives::{Address, B256, U256, keccak256};
use gage_state::{AccountChange, AccountInfo, Changes, Store};
use revm::DatabaseRef;
use std::{
    hint::black_box,
    time::{Duration, Instant},
};

fn word(label: u64, n: u64) -> U256 {
    U256::from_be_bytes(keccak256([label, n].map(u64::to_be_bytes).concat()).0)
}

fn vault() -> Address {
    Address::repeat_byte(7)
}

fn account(n: u64) -> Address {
    Address::from_word(B256::from(word(1, n)))
}

fn info(nonce: u64) -> AccountInfo {
    AccountInfo { nonce, balance: U256::from(1_000_000), ..AccountInfo::default() }
}

/// Slots of one contract, in the places mappings put them.
fn slots(of: impl Iterator<Item = u64>, value: u64) -> Changes {
    let mut change = AccountChange::new(info(1));
    change.storage = of.map(|n| (word(2, n), word(3, value ^ n))).collect();
    Changes { accounts: [(vault(), change)].into() }
}

fn accounts(of: impl Iterator<Item = u64>, nonce: u64) -> Changes {
    let change = |n| (account(n), AccountChange::new(info(nonce)));
    Changes { accounts: of.map(change).collect() }
}

fn commit(store: &Store, changes: &Changes) -> (Duration, Duration) {
    let number = store.head().map_or(0, |head| head.number + 1);
    let start = Instant::now();
    let prepared = store.prepare(changes).expect("storage works");
    let prepare = start.elapsed();
    let hash = keccak256(number.to_be_bytes());
    store.commit(prepared, number, hash, Vec::new()).expect("storage works");
    (prepare, start.elapsed() - prepare)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn measure(name: &str, store: &Store, rounds: u64, changes: impl Fn(u64) -> Changes) {
    let (prepare, commit): (Vec<_>, Vec<_>) =
        (1..=rounds).map(|round| commit(store, &changes(round))).unzip();
    println!("state::prepare/{name}: {:?}", median(prepare));
    println!("state::commit/{name}: {:?}", median(commit));
}

fn main() {
    let measuring = std::env::args().any(|argument| argument == "--bench");
    let (state, chunk, changed, rounds) =
        if measuring { (1_000_000, 50_000, 1_000, 15) } else { (2_000, 500, 50, 3) };
    let directory = tempfile::tempdir().expect("a temporary directory");
    for kind in ["memory", "file"] {
        let store = match kind {
            "memory" => Store::in_memory(),
            _ => Store::open(directory.path().join("state")),
        }
        .expect("a new store");
        for from in (0..state).step_by(chunk) {
            let mut changes = slots(from..from + chunk as u64, 0);
            changes.accounts.extend(accounts(from..from + chunk as u64, 1).accounts);
            commit(&store, &changes);
        }
        let random = |round: u64| (0..changed).map(move |n| word(round, n));
        let pick = |round| random(round).map(|random| (random % U256::from(state)).to::<u64>());
        let sizes = format!("{kind},changed={changed},state={state}");
        measure(&format!("slots,{sizes}"), &store, rounds, |round| slots(pick(round), round));
        measure(&format!("accounts,{sizes}"), &store, rounds, |round| {
            accounts(pick(round), round + 1)
        });
        measure(&format!("few,{kind},changed=10,state={state}"), &store, rounds, |round| {
            slots(pick(round + rounds).take(10), round + rounds)
        });
        let view = store.at_head().expect("a head");
        let start = Instant::now();
        for n in pick(99) {
            black_box(view.storage_ref(vault(), word(2, n)).expect("storage works"));
        }
        println!("view::storage/{kind},state={state}: {:?}", start.elapsed() / changed as u32);
        let start = Instant::now();
        for _ in 0..100 {
            black_box(store.at_head().expect("a head"));
        }
        println!("store::at_head/{kind}: {:?}", start.elapsed() / 100);
        let start = Instant::now();
        black_box(view.proof(vault(), &[word(2, 0)]).expect("storage works"));
        println!("view::proof/{kind},height=head: {:?}", start.elapsed());
        let start = Instant::now();
        let past = store.at(view.number() - 2).expect("in the window");
        black_box(past.proof(vault(), &[word(2, 0)]).expect("storage works"));
        println!("view::proof/{kind},height=head-2: {:?}", start.elapsed());
    }
}
