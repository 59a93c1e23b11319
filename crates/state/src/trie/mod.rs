//! The part of a Merkle-Patricia trie that one block touches.
//!
//! Nodes are stored by their path from the root, whatever their size; a parent refers to a child by
//! its RLP if that is shorter than a hash, else by its hash. A [`Trie`] starts with the reference to
//! the root and reads the nodes along the paths that are changed, and no others: the cost of a root
//! depends on what changed and only by the depth of the trie on what did not.
//!
//! A node that is not changed never moves to another path. What moves is a leaf or an extension
//! whose own key grows or shrinks, and that changes it.

#[cfg(test)]
mod published;
#[cfg(test)]
mod tests;

use crate::{Damage, StateError, snapshot::Snapshot};
use alloy_primitives::{Address, B256, Bytes, keccak256};
use alloy_rlp::Decodable;
use alloy_trie::{
    EMPTY_ROOT_HASH, Nibbles, TrieMask,
    nodes::{BranchNodeRef, ExtensionNodeRef, LeafNodeRef, RlpNode, TrieNode},
};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Changes from which on the subtrees below the root are worked on beside each other.
const PARALLEL_MIN: usize = 32;

/// Where nodes that were not read yet come from.
pub(crate) trait NodeSource: Sync {
    /// The RLP of the node at `path`, which exists.
    fn node(&self, path: &Nibbles) -> Result<Vec<u8>, StateError>;

    /// Whose storage trie this is, `None` for the account trie.
    fn owner(&self) -> Option<Address>;
}

impl<S: NodeSource> NodeSource for &S {
    fn node(&self, path: &Nibbles) -> Result<Vec<u8>, StateError> {
        (*self).node(path)
    }

    fn owner(&self) -> Option<Address> {
        (*self).owner()
    }
}

/// The nodes of one trie in the database.
pub(crate) struct StoredNodes<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) owner: Option<Address>,
}

impl NodeSource for StoredNodes<'_> {
    fn node(&self, path: &Nibbles) -> Result<Vec<u8>, StateError> {
        self.snapshot.node(self.owner, path)
    }

    fn owner(&self) -> Option<Address> {
        self.owner
    }
}

/// The key under which the tries of the state hold an address or a slot.
pub(crate) fn key(preimage: impl AsRef<[u8]>) -> Nibbles {
    Nibbles::unpack(keccak256(preimage))
}

/// New and removed nodes by path, `None` for removed.
pub(crate) type NodeChanges = BTreeMap<Nibbles, Option<Vec<u8>>>;

enum Node {
    /// Stored at its path, not read yet.
    Stored(RlpNode),
    /// Read or made here; without a reference if it is not the stored one.
    Open { reference: Option<RlpNode>, body: Body },
}

enum Body {
    Leaf(Box<Leaf>),
    Extension(Box<Extension>),
    Branch(Box<Branch>),
}

struct Leaf {
    suffix: Nibbles,
    value: Vec<u8>,
}

struct Extension {
    key: Nibbles,
    child: Node,
}

#[derive(Default)]
struct Branch {
    children: [Option<Node>; 16],
}

impl Node {
    const fn changed(body: Body) -> Self {
        Self::Open { reference: None, body }
    }

    fn leaf(suffix: Nibbles, value: Vec<u8>) -> Self {
        Self::changed(Body::Leaf(Box::new(Leaf { suffix, value })))
    }

    /// `child` under `key`; an extension without a key is its child.
    fn extension(key: Nibbles, child: Self) -> Self {
        if key.is_empty() {
            return child;
        }
        Self::changed(Body::Extension(Box::new(Extension { key, child })))
    }
}

impl Body {
    fn decode(rlp: &[u8]) -> Result<Self, alloy_rlp::Error> {
        match TrieNode::decode(&mut &*rlp)? {
            TrieNode::EmptyRoot => Err(alloy_rlp::Error::Custom("an empty node is not stored")),
            TrieNode::Leaf(leaf) => {
                Ok(Self::Leaf(Box::new(Leaf { suffix: leaf.key, value: leaf.value })))
            }
            TrieNode::Extension(node) => {
                let child = Node::Stored(node.child);
                Ok(Self::Extension(Box::new(Extension { key: node.key, child })))
            }
            TrieNode::Branch(node) => {
                let mut branch = Box::<Branch>::default();
                for (nibble, child) in node.as_ref().children() {
                    let slot = &mut branch.children[usize::from(nibble)];
                    *slot = child.cloned().map(Node::Stored);
                }
                Ok(Self::Branch(branch))
            }
        }
    }

    /// The RLP of the node at `path`, after that of the changed nodes below it, which are added
    /// to `changes`.
    fn encode(&mut self, path: &Nibbles, changes: &mut NodeChanges) -> Vec<u8> {
        let mut rlp = Vec::new();
        match self {
            Self::Leaf(leaf) => {
                LeafNodeRef::new(&leaf.suffix, &leaf.value).rlp(&mut rlp);
            }
            Self::Extension(node) => {
                let child = seal(&mut node.child, path.join(&node.key), changes);
                ExtensionNodeRef::new(&node.key, &child).rlp(&mut rlp);
            }
            Self::Branch(branch) => {
                let mut stack = Vec::with_capacity(16);
                let mut mask = TrieMask::default();
                for (nibble, child) in (0..16).zip(&mut branch.children) {
                    if let Some(child) = child {
                        stack.push(seal(child, below(path, nibble), changes));
                        mask.set_bit(nibble);
                    }
                }
                BranchNodeRef::new(&stack, mask).rlp(&mut rlp);
            }
        }
        rlp
    }
}

/// The reference to a node, adding it and what changed below it to `changes`.
fn seal(node: &mut Node, path: Nibbles, changes: &mut NodeChanges) -> RlpNode {
    match node {
        Node::Stored(reference) | Node::Open { reference: Some(reference), .. } => {
            reference.clone()
        }
        Node::Open { reference, body } => {
            let rlp = body.encode(&path, changes);
            let sealed = RlpNode::from_rlp(&rlp);
            *reference = Some(sealed.clone());
            changes.insert(path, Some(rlp));
            sealed
        }
    }
}

/// The path of the child `nibble` of a branch at `path`.
fn below(path: &Nibbles, nibble: u8) -> Nibbles {
    let mut path = *path;
    path.push(nibble);
    path
}

/// A trie with the changes of one block.
pub(crate) struct Trie<S> {
    editor: Editor<S>,
    root: Option<Node>,
    changes: NodeChanges,
}

/// Changes the nodes at and below a path.
struct Editor<S> {
    source: S,
    /// Paths at which a node was removed, or moved away from.
    vacated: BTreeSet<Nibbles>,
    /// How many values were set or removed.
    edits: usize,
}

impl<S: NodeSource> Trie<S> {
    /// The stored trie with this root.
    pub(crate) fn new(source: S, root: B256) -> Self {
        let root = (root != EMPTY_ROOT_HASH).then(|| Node::Stored(RlpNode::word_rlp(&root)));
        Self { editor: Editor::new(source), root, changes: NodeChanges::new() }
    }

    /// Sets or, with `None`, removes the value of a key. Keys are of one length, so that none is
    /// the start of another: see [`key`].
    pub(crate) fn set(&mut self, key: Nibbles, value: Option<Vec<u8>>) -> Result<(), StateError> {
        let root = self.root.take();
        self.root = self.editor.set(root, Nibbles::new(), key, value)?;
        Ok(())
    }

    /// [`Self::set`] for many keys, in their order: what is below the root's children beside each
    /// other, if there is enough of it.
    pub(crate) fn set_all(
        &mut self,
        changes: BTreeMap<Nibbles, Option<Vec<u8>>>,
    ) -> Result<(), StateError> {
        if changes.len() >= PARALLEL_MIN
            && let Some(root) = self.root.take()
        {
            match self.editor.open(root, &Nibbles::new())? {
                (_, Body::Branch(branch)) => return self.set_below(branch, changes),
                (reference, body) => self.root = Some(Node::Open { reference, body }),
            }
        }
        changes.into_iter().try_for_each(|(key, value)| self.set(key, value))
    }

    fn set_below(
        &mut self,
        mut root: Box<Branch>,
        changes: BTreeMap<Nibbles, Option<Vec<u8>>>,
    ) -> Result<(), StateError> {
        let mut parts: [Vec<_>; 16] = Default::default();
        for (key, value) in changes {
            parts[usize::from(key.get_unchecked(0))].push((key.slice(1..), value));
        }
        let source = &self.editor.source;
        let children = root.children.par_iter_mut().zip(parts).enumerate();
        let done: Vec<_> = children
            .map(|(nibble, (child, part))| {
                let path = Nibbles::from_nibbles([nibble as u8]);
                let mut below = Editor::new(source);
                for (rest, value) in part {
                    *child = below.set(child.take(), path, rest, value)?;
                }
                Ok::<_, StateError>((below.edits, below.vacated))
            })
            .collect::<Result<_, _>>()?;
        for (edits, vacated) in done {
            self.editor.edits += edits;
            self.editor.vacated.extend(vacated);
        }
        self.root = self.editor.settle(root, Nibbles::new())?;
        Ok(())
    }

    /// The root.
    pub(crate) fn root(&mut self) -> B256 {
        let Some(root) = &mut self.root else { return EMPTY_ROOT_HASH };
        if self.editor.edits >= PARALLEL_MIN
            && let Node::Open { reference: None, body: Body::Branch(branch) } = root
        {
            let children = branch.children.par_iter_mut().enumerate();
            let sealed = children.map(|(nibble, child)| {
                let mut changes = NodeChanges::new();
                if let Some(child) = child {
                    seal(child, Nibbles::from_nibbles([nibble as u8]), &mut changes);
                }
                changes
            });
            for mut changes in sealed.collect::<Vec<_>>() {
                self.changes.append(&mut changes);
            }
        }
        let reference = seal(root, Nibbles::new(), &mut self.changes);
        // Only the root is referred to by its hash even if it is short.
        reference.as_hash().unwrap_or_else(|| keccak256(&reference))
    }

    /// The root, and the nodes to write and to delete.
    pub(crate) fn finish(mut self) -> (B256, NodeChanges) {
        let root = self.root();
        for path in self.editor.vacated {
            self.changes.entry(path).or_insert(None);
        }
        (root, self.changes)
    }

    /// The nodes on the way to `key`, from the root, without those inside their parent: a proof
    /// of its value, or of its absence.
    pub(crate) fn proof(&mut self, key: Nibbles) -> Result<Vec<Bytes>, StateError> {
        let Self { editor, root, changes } = self;
        let mut rest = key;
        let mut path = Nibbles::new();
        let mut proof: Vec<Bytes> = Vec::new();
        let mut next = root.as_mut();
        while let Some(node) = next.take() {
            let body = open_in_place(&editor.source, node, &path)?;
            let rlp = body.encode(&path, changes);
            if proof.is_empty() || rlp.len() >= B256::len_bytes() {
                proof.push(rlp.into());
            }
            match body {
                Body::Leaf(_) => {}
                Body::Extension(node) => {
                    if rest.starts_with(&node.key) {
                        path.extend(&node.key);
                        rest = rest.slice(node.key.len()..);
                        next = Some(&mut node.child);
                    }
                }
                Body::Branch(branch) => {
                    if let Some(nibble) = rest.first() {
                        path.push(nibble);
                        rest = rest.slice(1..);
                        next = branch.children[usize::from(nibble)].as_mut();
                    }
                }
            }
        }
        Ok(proof)
    }
}

impl<S: NodeSource> Editor<S> {
    const fn new(source: S) -> Self {
        Self { source, vacated: BTreeSet::new(), edits: 0 }
    }

    /// Sets or removes the value of a key, of which `rest` is below `path`, where `node` is.
    fn set(
        &mut self,
        node: Option<Node>,
        path: Nibbles,
        rest: Nibbles,
        value: Option<Vec<u8>>,
    ) -> Result<Option<Node>, StateError> {
        self.edits += 1;
        match (node, value) {
            (None, None) => Ok(None),
            (None, Some(value)) => Ok(Some(Node::leaf(rest, value))),
            (Some(node), Some(value)) => self.insert(node, path, rest, value).map(Some),
            (Some(node), None) => self.remove(node, path, rest),
        }
    }

    fn open(&self, node: Node, path: &Nibbles) -> Result<(Option<RlpNode>, Body), StateError> {
        match node {
            Node::Stored(reference) => Ok((Some(reference), read(&self.source, path)?)),
            Node::Open { reference, body } => Ok((reference, body)),
        }
    }

    fn insert(
        &self,
        node: Node,
        path: Nibbles,
        rest: Nibbles,
        value: Vec<u8>,
    ) -> Result<Node, StateError> {
        let (_, body) = self.open(node, &path)?;
        match body {
            Body::Leaf(leaf) => {
                let shared = leaf.suffix.common_prefix_length(&rest);
                if shared == rest.len() {
                    return Ok(Node::leaf(rest, value));
                }
                let old = Node::leaf(leaf.suffix.slice(shared + 1..), leaf.value);
                Ok(fork(rest, shared, (leaf.suffix.get_unchecked(shared), old), value))
            }
            Body::Extension(node) => {
                let Extension { key, child } = *node;
                let shared = key.common_prefix_length(&rest);
                if shared == key.len() {
                    let child = self.insert(child, path.join(&key), rest.slice(shared..), value)?;
                    return Ok(Node::extension(key, child));
                }
                let old = Node::extension(key.slice(shared + 1..), child);
                Ok(fork(rest, shared, (key.get_unchecked(shared), old), value))
            }
            Body::Branch(mut branch) => {
                let nibble = rest.get_unchecked(0);
                let rest = rest.slice(1..);
                let slot = &mut branch.children[usize::from(nibble)];
                *slot = Some(match slot.take() {
                    None => Node::leaf(rest, value),
                    Some(child) => self.insert(child, below(&path, nibble), rest, value)?,
                });
                Ok(Node::changed(Body::Branch(branch)))
            }
        }
    }

    fn remove(
        &mut self,
        node: Node,
        path: Nibbles,
        rest: Nibbles,
    ) -> Result<Option<Node>, StateError> {
        let (reference, body) = self.open(node, &path)?;
        match body {
            Body::Leaf(leaf) if leaf.suffix == rest => {
                self.vacated.insert(path);
                Ok(None)
            }
            Body::Extension(node) if rest.starts_with(&node.key) => {
                let Extension { key, child } = *node;
                let child_path = path.join(&key);
                match self.remove(child, child_path, rest.slice(key.len()..))? {
                    Some(child) => self.join(key, child, child_path).map(Some),
                    None => {
                        self.vacated.insert(path);
                        Ok(None)
                    }
                }
            }
            Body::Branch(mut branch) => {
                let nibble = rest.get_unchecked(0);
                let index = usize::from(nibble);
                if let Some(child) = branch.children[index].take() {
                    branch.children[index] =
                        self.remove(child, below(&path, nibble), rest.slice(1..))?;
                }
                self.settle(branch, path)
            }
            body => Ok(Some(Node::Open { reference, body })),
        }
    }

    /// A branch that may have lost children: with one left it gives way to that one.
    fn settle(
        &mut self,
        mut branch: Box<Branch>,
        path: Nibbles,
    ) -> Result<Option<Node>, StateError> {
        let mut left = (0..16).zip(&mut branch.children).filter(|(_, child)| child.is_some());
        let Some((nibble, child)) = left.next() else {
            self.vacated.insert(path);
            return Ok(None);
        };
        if left.next().is_none()
            && let Some(child) = child.take()
        {
            let key = Nibbles::from_nibbles([nibble]);
            return self.join(key, child, below(&path, nibble)).map(Some);
        }
        Ok(Some(Node::changed(Body::Branch(branch))))
    }

    /// `child`, stored at `child_path`, under `key`: leaves and extensions take the key over.
    fn join(&mut self, key: Nibbles, child: Node, child_path: Nibbles) -> Result<Node, StateError> {
        let (reference, body) = self.open(child, &child_path)?;
        Ok(match body {
            Body::Leaf(leaf) => {
                self.vacated.insert(child_path);
                Node::leaf(key.join(&leaf.suffix), leaf.value)
            }
            Body::Extension(node) => {
                self.vacated.insert(child_path);
                Node::extension(key.join(&node.key), node.child)
            }
            body => Node::extension(key, Node::Open { reference, body }),
        })
    }
}

/// A branch after the first `shared` nibbles of `rest`, between `old` and a new leaf.
fn fork(rest: Nibbles, shared: usize, old: (u8, Node), value: Vec<u8>) -> Node {
    let mut branch = Box::<Branch>::default();
    let (nibble, node) = old;
    branch.children[usize::from(nibble)] = Some(node);
    let leaf = Node::leaf(rest.slice(shared + 1..), value);
    branch.children[usize::from(rest.get_unchecked(shared))] = Some(leaf);
    Node::extension(rest.slice(..shared), Node::changed(Body::Branch(branch)))
}

fn read(source: &impl NodeSource, path: &Nibbles) -> Result<Body, StateError> {
    let invalid =
        |error| Damage::NodeInvalid { address: source.owner(), path: *path, source: error };
    Ok(Body::decode(&source.node(path)?).map_err(invalid)?)
}

fn open_in_place<'a>(
    source: &impl NodeSource,
    node: &'a mut Node,
    path: &Nibbles,
) -> Result<&'a mut Body, StateError> {
    if let Node::Stored(reference) = node {
        let reference = Some(reference.clone());
        *node = Node::Open { reference, body: read(source, path)? };
    }
    match node {
        Node::Open { body, .. } => Ok(body),
        Node::Stored(_) => Err(Damage::NodeMissing { address: source.owner(), path: *path }.into()),
    }
}
