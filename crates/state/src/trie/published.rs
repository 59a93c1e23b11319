//! Ethereum's published trie tests, for this trie and for `alloy_trie`.
//!
//! Both hold values under keys of one length only, as the tries of the state do, where every key is
//! a hash. Of the tests whose keys are not hashed first, those are left out in which a key is the
//! start of another; all the others are run.

use super::tests::{Leaves, Nodes, full_root};
use super::*;
use alloy_primitives::hex;
use alloy_rlp::Decodable;
use alloy_trie::proof::verify_proof;
use serde_json::Value;

/// What to write, `None` to remove.
type Write = (Vec<u8>, Option<Vec<u8>>);

struct Case {
    name: String,
    writes: Vec<Write>,
    /// Whether the order of the writes is part of the test.
    ordered: bool,
    root: B256,
}

fn bytes(text: &str) -> Vec<u8> {
    match text.strip_prefix("0x") {
        Some(digits) => hex::decode(digits).unwrap(),
        None => text.as_bytes().to_vec(),
    }
}

fn cases(text: &str) -> Vec<Case> {
    let file: serde_json::Map<String, Value> = serde_json::from_str(text).unwrap();
    let case = |(name, case): (String, Value)| {
        let write = |key: &str, value: &Value| (bytes(key), value.as_str().map(bytes));
        let (writes, ordered) = match &case["in"] {
            Value::Array(list) => {
                let entry = |entry: &Value| write(entry[0].as_str().unwrap(), &entry[1]);
                (list.iter().map(entry).collect(), true)
            }
            set => {
                let set = set.as_object().unwrap();
                (set.iter().map(|(key, value)| write(key, value)).collect(), false)
            }
        };
        let root = case["root"].as_str().unwrap().parse().unwrap();
        Case { name, writes, ordered, root }
    };
    file.into_iter().map(case).collect()
}

/// Every order of a few writes.
fn orders(writes: &[Write]) -> Vec<Vec<Write>> {
    if writes.is_empty() {
        return vec![Vec::new()];
    }
    let first = |index: usize| {
        let mut rest = writes.to_vec();
        let first = rest.remove(index);
        orders(&rest).into_iter().map(move |rest| [vec![first.clone()], rest].concat())
    };
    (0..writes.len()).flat_map(first).collect()
}

impl Case {
    /// Whether each key can stand in a trie whose values are all at its leaves.
    fn has_leaves_only(&self) -> bool {
        let keys = || self.writes.iter().map(|(key, _)| key);
        keys().all(|key| keys().all(|other| key == other || !other.starts_with(key)))
    }

    fn run(&self, to_path: impl Fn(&[u8]) -> Nibbles) {
        let orders = if self.ordered { vec![self.writes.clone()] } else { orders(&self.writes) };
        for order in orders {
            let order: Vec<_> =
                order.into_iter().map(|(key, value)| (to_path(&key), value)).collect();
            self.run_in_order(&order);
        }
    }

    /// All in one block, each in a block of its own, and from all leaves at once.
    fn run_in_order(&self, writes: &[(Nibbles, Option<Vec<u8>>)]) {
        let name = &self.name;
        let mut at_once = Nodes::default();
        let root = at_once.apply(EMPTY_ROOT_HASH, writes.to_vec());
        assert_eq!(root, self.root, "{name}, in one block");
        let (mut nodes, mut root) = (Nodes::default(), EMPTY_ROOT_HASH);
        let mut leaves = Leaves::new();
        for (key, value) in writes {
            root = nodes.apply(root, [(*key, value.clone())]);
            match value {
                Some(value) => leaves.insert(*key, value.clone()),
                None => leaves.remove(key),
            };
            assert_eq!(root, full_root(&leaves), "{name}, after some blocks");
        }
        assert_eq!(root, self.root, "{name}, in many blocks");
        for (key, _) in writes {
            let proof = Trie::new(&nodes, Node::stored(root)).proof(*key).unwrap();
            verify_proof(root, *key, leaves.get(key).cloned(), &proof).unwrap();
        }
    }
}

#[test]
fn keys_that_are_hashed_first() {
    let files = [
        include_str!("../../tests/published/trietest_secureTrie.json"),
        include_str!("../../tests/published/trieanyorder_secureTrie.json"),
        include_str!("../../tests/published/hex_encoded_securetrie_test.json"),
    ];
    let cases: Vec<Case> = files.into_iter().flat_map(cases).collect();
    assert_eq!(cases.len(), 13);
    for case in cases {
        case.run(|bytes| key(bytes));
    }
}

#[test]
fn keys_as_they_are() {
    let files = [
        include_str!("../../tests/published/trietest.json"),
        include_str!("../../tests/published/trieanyorder.json"),
    ];
    let run: Vec<Case> = files.into_iter().flat_map(cases).filter(Case::has_leaves_only).collect();
    let names: Vec<&str> = run.iter().map(|case| &*case.name).collect();
    assert_eq!(names, ["branchingTests", "jeff", "hex", "singleItem"]);
    for case in run {
        case.run(|bytes| Nibbles::unpack(bytes));
    }
}

/// The account records among the published tests are what this crate writes as the leaf of an
/// account.
#[test]
fn published_accounts_are_encoded_alike() {
    for case in cases(include_str!("../../tests/published/hex_encoded_securetrie_test.json")) {
        for (_, leaf) in case.writes {
            let leaf = leaf.unwrap();
            let account = alloy_trie::TrieAccount::decode(&mut &*leaf).unwrap();
            let alloy_trie::TrieAccount { nonce, balance, storage_root, code_hash, .. } = account;
            let info = crate::AccountInfo { nonce, balance, code_hash };
            assert_eq!(crate::Account { info, storage_root }.trie_value(), leaf);
        }
    }
}
