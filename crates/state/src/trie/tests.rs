//! Random histories of a trie against one built at once, and against `alloy_trie`.

use super::*;
use alloy_trie::{HashBuilder, proof::verify_proof};
use proptest::{
    collection::{btree_map, vec},
    prelude::*,
};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What a trie holds, or is to.
pub(super) type Leaves = BTreeMap<Nibbles, Vec<u8>>;

/// Nodes in memory; a node that is not there is an error, as in the database.
#[derive(Default)]
pub(super) struct Nodes(BTreeMap<Nibbles, Vec<u8>>);

impl NodeSource for Nodes {
    fn node(&self, path: &Nibbles) -> Result<Vec<u8>, StateError> {
        let node = self.0.get(path).cloned();
        Ok(node.ok_or(Damage::NodeMissing { address: None, path: *path })?)
    }

    fn owner(&self) -> Option<Address> {
        None
    }
}

impl Nodes {
    /// One block, value by value; the new root.
    pub(super) fn apply(
        &mut self,
        root: B256,
        changes: impl IntoIterator<Item = (Nibbles, Option<Vec<u8>>)>,
    ) -> B256 {
        let mut trie = Trie::new(&*self, Node::stored(root));
        for (key, value) in changes {
            trie.set(key, value).unwrap();
        }
        let (root, grown) = trie.finish();
        self.write(&grown);
        root
    }

    /// One block at once; the new root.
    fn apply_all(&mut self, root: B256, changes: BTreeMap<Nibbles, Option<Vec<u8>>>) -> B256 {
        let mut trie = Trie::new(&*self, Node::stored(root));
        trie.set_all(changes).unwrap();
        let (root, grown) = trie.finish();
        self.write(&grown);
        root
    }

    fn write(&mut self, grown: &Grown) {
        for path in &grown.vacated {
            self.0.remove(path);
        }
        if let Some(root) = &grown.root {
            root.unwritten(|path, rlp| drop(self.0.insert(path, rlp)));
            root.mark_written();
        }
    }
}

pub(super) fn full_root(leaves: &Leaves) -> B256 {
    let mut builder = HashBuilder::default();
    for (key, value) in leaves {
        builder.add_leaf(*key, value);
    }
    builder.root()
}

/// Keys that share long prefixes and differ in few nibbles at the top, in the middle and at
/// the very end, where nodes are short enough to sit inside their parent.
fn any_key() -> impl Strategy<Value = Nibbles> {
    (0u8..3, 0u8..3, 0u8..3, 0u8..20).prop_map(key_of)
}

fn key_of((first, middle, late, last): (u8, u8, u8, u8)) -> Nibbles {
    let mut key = B256::ZERO;
    key[0] = first << 4;
    key[15] = middle;
    key[29] = late << 4;
    key[31] = last;
    Nibbles::unpack(key)
}

fn any_change() -> impl Strategy<Value = (Nibbles, Option<Vec<u8>>)> {
    let value = prop_oneof![
        2 => Just(None),
        2 => (1u8..4).prop_map(|byte| Some(vec![byte])),
        1 => (1u8..4).prop_map(|byte| Some(vec![byte; 60])),
    ];
    (any_key(), value)
}

proptest! {
    /// After any history the root is that of a full computation, the stored nodes are exactly
    /// those of a trie built at once, and every key can be proved present or absent.
    #[test]
    fn any_history_ends_in_the_trie_of_its_leaves(
        blocks in vec(vec(any_change(), 0..12), 1..12),
        absent in vec(any_key(), 4),
    ) {
        let mut nodes = Nodes::default();
        let mut leaves = Leaves::new();
        let mut root = EMPTY_ROOT_HASH;
        let mut keys = absent;
        for changes in blocks {
            root = nodes.apply(root, changes.clone());
            for (key, value) in changes {
                keys.push(key);
                match value {
                    Some(value) => leaves.insert(key, value),
                    None => leaves.remove(&key),
                };
            }
            prop_assert_eq!(root, full_root(&leaves));
            let mut fresh = Nodes::default();
            fresh.apply(EMPTY_ROOT_HASH, leaves.iter().map(|(k, v)| (*k, Some(v.clone()))));
            prop_assert_eq!(&nodes.0, &fresh.0);
        }
        for key in keys {
            let proof = Trie::new(&nodes, Node::stored(root)).proof(key).unwrap();
            let expected = leaves.get(&key).cloned();
            let verified = verify_proof(root, key, expected, &proof);
            prop_assert!(verified.is_ok(), "{:?}", verified);
        }
    }
}

/// What becomes of a trie in memory after a block: its nodes are written, and then forgotten.
#[derive(Debug, Clone, Copy)]
enum After {
    Nothing,
    Write,
    Forget,
}

proptest! {
    /// A trie that stays in memory over many blocks, written now and then and forgotten in part, has the roots of a
    /// full computation, the database the nodes of a trie built at once whenever they are written, and a trie of an
    /// earlier block is what it was.
    #[test]
    fn a_trie_in_memory_is_written_now_and_then(
        blocks in vec((vec(any_change(), 0..12), prop::sample::select(&[After::Nothing, After::Write, After::Forget][..])), 1..12),
    ) {
        let mut nodes = Nodes::default();
        let mut leaves = Leaves::new();
        let mut root: Option<Node> = None;
        let mut vacated = BTreeSet::new();
        let mut earlier: Vec<(Option<Node>, Leaves)> = Vec::new();
        for (changes, after) in blocks {
            let mut trie = Trie::new(&nodes, root);
            for (key, value) in changes {
                trie.set(key, value.clone()).unwrap();
                match value {
                    Some(value) => leaves.insert(key, value),
                    None => leaves.remove(&key),
                };
            }
            let (computed, grown) = trie.finish();
            prop_assert_eq!(computed, full_root(&leaves));
            root = grown.root.clone();
            vacated.extend(grown.vacated.iter().copied());
            if !matches!(after, After::Nothing) {
                nodes.write(&Grown { vacated: std::mem::take(&mut vacated), ..grown });
                let mut fresh = Nodes::default();
                fresh.apply(EMPTY_ROOT_HASH, leaves.iter().map(|(k, v)| (*k, Some(v.clone()))));
                prop_assert_eq!(&nodes.0, &fresh.0);
                // What is not in memory may be another node now.
                earlier.clear();
            }
            if matches!(after, After::Forget)
                && let Some(node) = root.take()
            {
                let (shrunk, left) = node.shrunk();
                prop_assert_eq!(left, 0);
                root = Some(shrunk);
            }
            earlier.push((root.clone(), leaves.clone()));
        }
        for (root, leaves) in earlier {
            prop_assert_eq!(Trie::new(&nodes, root.clone()).root(), full_root(&leaves));
            for (key, value) in &leaves {
                let proof = Trie::new(&nodes, root.clone()).proof(*key).unwrap();
                prop_assert!(verify_proof(full_root(&leaves), *key, Some(value.clone()), &proof).is_ok());
            }
        }
    }
}

/// Enough changes at once for the subtrees to be worked on beside each other; now and then only
/// one of these is left, or none.
fn any_large_block() -> impl Strategy<Value = BTreeMap<Nibbles, Option<Vec<u8>>>> {
    let all = |removed: u8| {
        let keys = (0..3u8, 0..3u8, 0..3u8, 0..20u8).prop_map(key_of);
        let value = move |(seed, byte): (u8, u8)| (seed >= removed).then(|| vec![byte; 40]);
        btree_map(keys, (0..100u8, 1..4u8).prop_map(value), PARALLEL_MIN..300)
    };
    let all_but = |kept: u8| {
        let every = (0..540u16).map(|n| ((n % 3) as u8, (n / 3 % 3) as u8, n / 9 % 3, n / 27));
        let every =
            every.map(|(first, middle, late, last)| (first, middle, late as u8, last as u8));
        every.filter(|key| key.0 != kept).map(|key| (key_of(key), None)).collect()
    };
    prop_oneof![4 => (0..100u8).prop_flat_map(all), 1 => (0..4u8).prop_map(all_but)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A block set at once leads to the same nodes as value by value.
    #[test]
    fn subtrees_beside_each_other_make_the_same_trie(blocks in vec(any_large_block(), 1..6)) {
        let (mut one_by_one, mut at_once) = (Nodes::default(), Nodes::default());
        let mut root = EMPTY_ROOT_HASH;
        for changes in blocks {
            let expected = one_by_one.apply(root, changes.clone());
            root = at_once.apply_all(root, changes);
            prop_assert_eq!(root, expected);
            prop_assert_eq!(&at_once.0, &one_by_one.0);
        }
    }
}

/// The cost of a block depends on what it changes: one leaf among many reads one path.
#[test]
fn one_change_reads_one_path() {
    struct Counting<'a>(&'a Nodes, &'a AtomicUsize);
    impl NodeSource for Counting<'_> {
        fn node(&self, path: &Nibbles) -> Result<Vec<u8>, StateError> {
            self.1.fetch_add(1, Relaxed);
            self.0.node(path)
        }
        fn owner(&self) -> Option<Address> {
            None
        }
    }
    let all: Vec<_> = (0u32..5_000).map(|n| (key(n.to_be_bytes()), Some(vec![1; 40]))).collect();
    let mut nodes = Nodes::default();
    let root = nodes.apply(EMPTY_ROOT_HASH, all.clone());
    let reads = AtomicUsize::new(0);
    let mut trie = Trie::new(Counting(&nodes, &reads), Node::stored(root));
    trie.set(all[17].0, Some(vec![2; 40])).unwrap();
    let (_, grown) = trie.finish();
    let reads = reads.into_inner();
    assert!(reads <= 7, "{reads} nodes read");
    let mut written = 0;
    grown.root.unwrap().unwritten(|_, _| written += 1);
    assert_eq!(written, reads);
}
