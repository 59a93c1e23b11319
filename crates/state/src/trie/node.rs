//! Nodes of a trie in memory.
//!
//! Nodes are shared: a trie that is changed has nodes of its own along the changed paths, and all others in
//! common with the trie before.

use alloy_rlp::{Decodable, Encodable};
use alloy_trie::{
    Nibbles, TrieMask,
    nodes::{BranchNodeRef, ExtensionNodeRef, LeafNodeRef, RlpNode, TrieNode},
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

#[derive(Debug, Clone)]
pub(crate) enum Node {
    /// In the database at its path, and not read yet.
    Stored(RlpNode),
    /// In memory.
    Open(Arc<Open>),
}

#[derive(Debug)]
pub(crate) struct Open {
    /// What a parent refers to it by; empty until it is sealed.
    reference: RlpNode,
    /// Whether the database has it at its path.
    written: AtomicBool,
    pub(super) body: Body,
}

#[derive(Debug, Clone)]
pub(super) enum Body {
    Leaf(Leaf),
    Extension(Extension),
    Branch(Box<Branch>),
}

#[derive(Debug, Clone)]
pub(super) struct Leaf {
    pub(super) suffix: Nibbles,
    pub(super) value: Vec<u8>,
}

#[derive(Debug, Clone)]
pub(super) struct Extension {
    pub(super) key: Nibbles,
    pub(super) child: Node,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Branch {
    pub(super) children: [Option<Node>; 16],
}

impl Clone for Open {
    fn clone(&self) -> Self {
        let written = AtomicBool::new(self.is_written());
        Self { reference: self.reference.clone(), written, body: self.body.clone() }
    }
}

impl Open {
    /// What was read from the database.
    pub(super) const fn read(reference: RlpNode, body: Body) -> Self {
        Self { reference, written: AtomicBool::new(true), body }
    }

    pub(super) fn is_written(&self) -> bool {
        self.written.load(Ordering::Relaxed)
    }

    pub(super) fn is_sealed(&self) -> bool {
        !self.reference.is_empty()
    }
}

impl Node {
    pub(super) fn changed(body: Body) -> Self {
        let (reference, written) = (RlpNode::default(), AtomicBool::new(false));
        Self::Open(Arc::new(Open { reference, written, body }))
    }

    pub(super) fn leaf(suffix: Nibbles, value: Vec<u8>) -> Self {
        Self::changed(Body::Leaf(Leaf { suffix, value }))
    }

    /// `child` under `key`; an extension without a key is its child.
    pub(super) fn extension(key: Nibbles, child: Self) -> Self {
        if key.is_empty() {
            return child;
        }
        Self::changed(Body::Extension(Extension { key, child }))
    }

    /// What a parent refers to it by; empty before it is sealed.
    pub(super) fn reference(&self) -> &RlpNode {
        match self {
            Self::Stored(reference) => reference,
            Self::Open(open) => &open.reference,
        }
    }

    /// Gives it and all that changed below it their references.
    pub(super) fn seal(&mut self) {
        if let Self::Open(open) = self
            && !open.is_sealed()
        {
            let open = Arc::make_mut(open);
            open.body.seal_children();
            open.reference = RlpNode::from_rlp(&open.body.rlp());
        }
    }

    /// Calls `found` with each node at and below `path` that the database does not have: below first. A node
    /// that it has has only such below it.
    pub(super) fn each_unwritten(&self, path: Nibbles, found: &mut impl FnMut(Nibbles, &Open)) {
        let Self::Open(open) = self else { return };
        if open.is_written() {
            return;
        }
        match &open.body {
            Body::Leaf(_) => {}
            Body::Extension(node) => node.child.each_unwritten(path.join(&node.key), found),
            Body::Branch(branch) => {
                for (nibble, child) in (0..16).zip(&branch.children) {
                    if let Some(child) = child {
                        child.each_unwritten(below(&path, nibble), found);
                    }
                }
            }
        }
        found(path, open);
    }

    /// Forgets what the database has, and returns how many nodes stay.
    pub(super) fn shrink(&mut self) -> usize {
        let Self::Open(open) = self else { return 0 };
        if open.is_written() {
            *self = Self::Stored(open.reference.clone());
            return 0;
        }
        1 + match &mut Arc::make_mut(open).body {
            Body::Leaf(_) => 0,
            Body::Extension(node) => node.child.shrink(),
            Body::Branch(branch) => branch.children.iter_mut().flatten().map(Self::shrink).sum(),
        }
    }
}

impl Open {
    /// Notes that the database has it.
    pub(super) fn mark_written(&self) {
        self.written.store(true, Ordering::Relaxed);
    }
}

impl Body {
    pub(super) fn decode(rlp: &[u8]) -> Result<Self, alloy_rlp::Error> {
        match TrieNode::decode(&mut &*rlp)? {
            TrieNode::EmptyRoot => Err(alloy_rlp::Error::Custom("an empty node is not stored")),
            TrieNode::Leaf(leaf) => Ok(Self::Leaf(Leaf { suffix: leaf.key, value: leaf.value })),
            TrieNode::Extension(node) => {
                let child = Node::Stored(node.child);
                Ok(Self::Extension(Extension { key: node.key, child }))
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

    pub(super) fn seal_children(&mut self) {
        match self {
            Self::Leaf(_) => {}
            Self::Extension(node) => node.child.seal(),
            Self::Branch(branch) => branch.children.iter_mut().flatten().for_each(Node::seal),
        }
    }

    /// Its RLP; what is below it is sealed.
    pub(super) fn rlp(&self) -> Vec<u8> {
        let mut rlp = Vec::new();
        match self {
            Self::Leaf(leaf) => LeafNodeRef::new(&leaf.suffix, &leaf.value).encode(&mut rlp),
            Self::Extension(node) => {
                ExtensionNodeRef::new(&node.key, node.child.reference()).encode(&mut rlp);
            }
            Self::Branch(branch) => {
                let mut stack = Vec::with_capacity(16);
                let mut mask = TrieMask::default();
                for (nibble, child) in (0..16).zip(&branch.children) {
                    if let Some(child) = child {
                        stack.push(child.reference().clone());
                        mask.set_bit(nibble);
                    }
                }
                BranchNodeRef::new(&stack, mask).encode(&mut rlp);
            }
        }
        rlp
    }
}

/// The path of the child `nibble` of a branch at `path`.
pub(super) fn below(path: &Nibbles, nibble: u8) -> Nibbles {
    let mut path = *path;
    path.push(nibble);
    path
}
