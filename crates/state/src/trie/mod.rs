//! The part of a Merkle-Patricia trie that one block touches.
//!
//! Nodes are stored by their path from the root, whatever their size; a parent refers to a child by
//! its RLP if that is shorter than a hash, else by its hash. A [`Trie`] starts with the reference to
//! the root and reads the nodes along the paths that are changed, and no others: the cost of a root
//! depends on what changed and only by the depth of the trie on what did not.
//!
//! A node that is not changed never moves to another path. What moves is a leaf or an extension
//! whose own key grows or shrinks, and that changes it.

mod node;
#[cfg(test)]
mod published;
#[cfg(test)]
mod tests;

pub(crate) use node::Node;

use crate::{Damage, StateError, snapshot::Snapshot};
use alloy_primitives::{Address, B256, Bytes, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles, nodes::RlpNode};
use node::{Body, Branch, Extension, Open, below};
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

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

/// A trie that is changed, or proves what is in it.
pub(crate) struct Trie<S> {
    editor: Editor<S>,
    root: Option<Node>,
}

/// Changes the nodes at and below a path.
struct Editor<S> {
    source: S,
    /// Paths at which a node was removed, or moved away from.
    vacated: BTreeSet<Nibbles>,
    /// How many values were set or removed.
    edits: usize,
    /// How many nodes were read.
    reads: usize,
    /// How many nodes were made that take no unwritten one's place, about.
    made: usize,
}

/// What became of a trie.
#[derive(Debug)]
pub(crate) struct Grown {
    /// Its nodes, as far as they were read or made; `None` for an empty trie.
    pub(crate) root: Option<Node>,
    /// Paths at which a node was removed, or moved away from. There may be another now.
    pub(crate) vacated: BTreeSet<Nibbles>,
    /// How many more nodes are in memory, about.
    pub(crate) opened: usize,
    /// How many more of these the database does not have, about.
    pub(crate) unwritten: usize,
}

impl Node {
    /// The root of a stored trie that is not empty.
    pub(crate) fn stored(root: B256) -> Option<Self> {
        (root != EMPTY_ROOT_HASH).then(|| Self::Stored(RlpNode::word_rlp(&root)))
    }

    /// Calls `row` with the path and the RLP of each node of a sealed trie that the database does not have.
    pub(crate) fn unwritten(&self, mut row: impl FnMut(Nibbles, Vec<u8>)) {
        self.each_unwritten(Nibbles::new(), &mut |path, node| row(path, node.body.rlp()));
    }

    /// Notes that the database has all of a trie.
    pub(crate) fn mark_written(&self) {
        self.each_unwritten(Nibbles::new(), &mut |_, node| node.mark_written());
    }

    /// The trie without the nodes that the database has, and how many are left in memory.
    pub(crate) fn shrunk(mut self) -> (Self, usize) {
        let left = self.shrink();
        (self, left)
    }
}

impl<S: NodeSource> Trie<S> {
    /// The trie with this root; `None` is an empty one.
    pub(crate) fn new(source: S, root: Option<Node>) -> Self {
        Self { editor: Editor::new(source), root }
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
            let root = self.editor.open(root, &Nibbles::new())?;
            if matches!(root.body, Body::Branch(_)) {
                return self.set_below(root, changes);
            }
            self.root = Some(Node::Open(root));
        }
        changes.into_iter().try_for_each(|(key, value)| self.set(key, value))
    }

    fn set_below(
        &mut self,
        root: Arc<Open>,
        changes: BTreeMap<Nibbles, Option<Vec<u8>>>,
    ) -> Result<(), StateError> {
        let Body::Branch(mut root) = self.editor.take(root) else { return Ok(()) };
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
                Ok::<_, StateError>((below.edits, below.reads, below.made, below.vacated))
            })
            .collect::<Result<_, _>>()?;
        for (edits, reads, made, vacated) in done {
            self.editor.edits += edits;
            self.editor.reads += reads;
            self.editor.made += made;
            self.editor.vacated.extend(vacated);
        }
        self.root = self.editor.settle(root, Nibbles::new())?;
        Ok(())
    }

    /// The root.
    pub(crate) fn root(&mut self) -> B256 {
        let Some(root) = &mut self.root else { return EMPTY_ROOT_HASH };
        if self.editor.edits >= PARALLEL_MIN
            && let Node::Open(open) = root
            && !open.is_sealed()
            && let Body::Branch(branch) = &mut Arc::make_mut(open).body
        {
            branch.children.par_iter_mut().flatten().for_each(Node::seal);
        }
        root.seal();
        let reference = root.reference();
        // Only the root is referred to by its hash even if it is short.
        reference.as_hash().unwrap_or_else(|| keccak256(reference))
    }

    /// The root, and what became of the trie.
    pub(crate) fn finish(mut self) -> (B256, Grown) {
        let root = self.root();
        let Editor { vacated, reads, made, .. } = self.editor;
        (root, Grown { root: self.root, vacated, opened: reads + made, unwritten: made })
    }

    /// The nodes on the way to `key`, from the root, without those inside their parent: a proof
    /// of its value, or of its absence.
    pub(crate) fn proof(&mut self, key: Nibbles) -> Result<Vec<Bytes>, StateError> {
        let Self { editor, root } = self;
        let mut rest = key;
        let mut path = Nibbles::new();
        let mut proof: Vec<Bytes> = Vec::new();
        let mut next = root.as_mut();
        while let Some(node) = next.take() {
            let body = editor.open_in_place(node, &path)?;
            body.seal_children();
            let rlp = body.rlp();
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
        Self { source, vacated: BTreeSet::new(), edits: 0, reads: 0, made: 0 }
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

    fn open(&mut self, node: Node, path: &Nibbles) -> Result<Arc<Open>, StateError> {
        match node {
            Node::Stored(reference) => Ok(Arc::new(self.read(reference, path)?)),
            Node::Open(open) => Ok(open),
        }
    }

    /// A node's own body, to be changed.
    fn take(&mut self, open: Arc<Open>) -> Body {
        self.made += usize::from(open.is_written());
        Arc::unwrap_or_clone(open).body
    }

    fn open_in_place<'a>(
        &mut self,
        node: &'a mut Node,
        path: &Nibbles,
    ) -> Result<&'a mut Body, StateError> {
        if let Node::Stored(reference) = node {
            *node = Node::Open(Arc::new(self.read(reference.clone(), path)?));
        }
        match node {
            Node::Open(open) => Ok(&mut Arc::make_mut(open).body),
            Node::Stored(_) => {
                let address = self.source.owner();
                Err(Damage::NodeMissing { address, path: *path }.into())
            }
        }
    }

    fn read(&mut self, reference: RlpNode, path: &Nibbles) -> Result<Open, StateError> {
        self.reads += 1;
        let address = self.source.owner();
        let invalid = |source| Damage::NodeInvalid { address, path: *path, source };
        let body = Body::decode(&self.source.node(path)?).map_err(invalid)?;
        Ok(Open::read(reference, body))
    }

    fn insert(
        &mut self,
        node: Node,
        path: Nibbles,
        rest: Nibbles,
        value: Vec<u8>,
    ) -> Result<Node, StateError> {
        let open = self.open(node, &path)?;
        match self.take(open) {
            Body::Leaf(leaf) => {
                let shared = leaf.suffix.common_prefix_length(&rest);
                if shared == rest.len() {
                    return Ok(Node::leaf(rest, value));
                }
                self.made += 2;
                let old = Node::leaf(leaf.suffix.slice(shared + 1..), leaf.value);
                Ok(fork(rest, shared, (leaf.suffix.get_unchecked(shared), old), value))
            }
            Body::Extension(Extension { key, child }) => {
                let shared = key.common_prefix_length(&rest);
                if shared == key.len() {
                    let child = self.insert(child, path.join(&key), rest.slice(shared..), value)?;
                    return Ok(Node::extension(key, child));
                }
                self.made += 2;
                let old = Node::extension(key.slice(shared + 1..), child);
                Ok(fork(rest, shared, (key.get_unchecked(shared), old), value))
            }
            Body::Branch(mut branch) => {
                let nibble = rest.get_unchecked(0);
                let rest = rest.slice(1..);
                let slot = &mut branch.children[usize::from(nibble)];
                *slot = Some(match slot.take() {
                    None => {
                        self.made += 1;
                        Node::leaf(rest, value)
                    }
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
        let open = self.open(node, &path)?;
        let is_here = match &open.body {
            Body::Leaf(leaf) => leaf.suffix == rest,
            Body::Extension(node) => rest.starts_with(&node.key),
            Body::Branch(_) => true,
        };
        if !is_here {
            return Ok(Some(Node::Open(open)));
        }
        match self.take(open) {
            Body::Leaf(_) => {
                self.vacated.insert(path);
                Ok(None)
            }
            Body::Extension(Extension { key, child }) => {
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
        let open = self.open(child, &child_path)?;
        Ok(match &open.body {
            Body::Branch(_) => Node::extension(key, Node::Open(open)),
            Body::Leaf(leaf) => {
                self.vacated.insert(child_path);
                Node::leaf(key.join(&leaf.suffix), leaf.value.clone())
            }
            Body::Extension(node) => {
                self.vacated.insert(child_path);
                Node::extension(key.join(&node.key), node.child.clone())
            }
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
