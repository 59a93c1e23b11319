//! The operator's integrity check: does what is stored fit together?
//!
//! The values are rooted again by `alloy_trie`, which shares no code with [`crate::trie`], and
//! compared with the roots of the head. What recent blocks changed is undone down to the oldest height
//! that can be read, whose root must come out. The stored tries are walked from the roots of the last
//! checkpoint, comparing each node with the reference in its parent, and the nodes are counted:
//! with the count right there is no node that belongs to no trie.

use crate::{
    Account, Damage, StateError, Store,
    snapshot::Snapshot,
    tables::{self, Space},
};
use alloy_primitives::{Address, B256, KECCAK256_EMPTY, keccak256};
use alloy_rlp::Decodable;
use alloy_trie::{
    EMPTY_ROOT_HASH, Nibbles,
    nodes::{RlpNode, TrieNode},
    root::{state_root_unsorted, storage_root_unsorted},
};
use std::collections::BTreeSet;

/// What was found to be in order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// The height of the state, `None` for an empty store.
    pub number: Option<u64>,
    /// The state root.
    pub root: B256,
    /// Accounts that exist.
    pub accounts: u64,
    /// Slots that are not zero.
    pub slots: u64,
    /// Trie nodes in the database, of accounts and storage: those of the last checkpoint.
    pub nodes: u64,
}

impl Store {
    /// Roots all values of the head again and compares them with the stored trie. Reads the
    /// whole state and holds the accounts in memory; commits may go on meanwhile.
    ///
    /// # Errors
    ///
    /// `Damaged` with the first contradiction found.
    pub fn check(&self) -> Result<CheckReport, StateError> {
        let snapshot = &self.snapshot()?;
        let head = snapshot.head()?;
        let stored = head.map_or(EMPTY_ROOT_HASH, |head| head.state_root);
        let number = head.map(|head| head.number);
        let mut report = CheckReport { number, root: stored, ..CheckReport::default() };
        let mut leaves = Vec::new();
        for row in snapshot.with_prefix(Space::Accounts, &[])? {
            let (address, account) = account_row(&row?)?;
            check_account(snapshot, address, &account, &mut report)?;
            leaves.push((keccak256(address), account.trie_account()));
        }
        report.accounts = leaves.len() as u64;
        let computed = state_root_unsorted(leaves);
        if computed != stored {
            let number = number.unwrap_or_default();
            return Err(Damage::StateRoot { number, stored, computed }.into());
        }
        check_counts(snapshot, &report)?;
        report.nodes = self.check_nodes()?;
        check_head(snapshot, stored)?;
        if head.is_some() {
            let view = self.at_head()?;
            self.at(view.oldest()?)?.check_history()?;
        }
        Ok(report)
    }

    /// Walks the stored tries, which are those of the values in the tables.
    fn check_nodes(&self) -> Result<u64, StateError> {
        let snapshot = Snapshot::whole(self.inner.database.on_disk().tables()?);
        let stored = snapshot.len(Space::AccountTrie)? + snapshot.len(Space::StorageTrie)?;
        let mut reachable = 0;
        if let Some(head) = snapshot.head()? {
            for row in snapshot.with_prefix(Space::Accounts, &[])? {
                let (address, account) = account_row(&row?)?;
                reachable += count_nodes(&snapshot, Some(address), account.storage_root)?;
            }
            reachable += count_nodes(&snapshot, None, head.state_root)?;
        }
        if stored != reachable {
            return Err(Damage::NodeCount { stored, reachable }.into());
        }
        Ok(reachable)
    }
}

fn account_row((key, value): &(Vec<u8>, Vec<u8>)) -> Result<(Address, Account), Damage> {
    let address = crate::account::address_of(key, Space::Accounts)?;
    Ok((address, Account::decode(value, Space::Accounts)?))
}

fn check_account(
    snapshot: &Snapshot,
    address: Address,
    account: &Account,
    report: &mut CheckReport,
) -> Result<(), StateError> {
    let code_hash = account.info.code_hash;
    if code_hash != KECCAK256_EMPTY {
        let code = snapshot.code(code_hash)?.ok_or(Damage::CodeMissing { code_hash })?;
        if keccak256(&code) != code_hash {
            return Err(Damage::CodeInvalid { code_hash }.into());
        }
    }
    let stored = account.storage_root;
    let slots = snapshot.slots(address)?.collect::<Result<Vec<_>, _>>()?;
    report.slots += slots.len() as u64;
    let hashed = slots.into_iter().map(|(slot, value)| (keccak256(B256::from(slot)), value));
    let computed = storage_root_unsorted(hashed);
    if computed != stored {
        return Err(Damage::StorageRoot { address, stored, computed }.into());
    }
    Ok(())
}

/// Every row belongs to an account or a trie.
fn check_counts(snapshot: &Snapshot, report: &CheckReport) -> Result<(), StateError> {
    if snapshot.len(Space::Storage)? == report.slots {
        return Ok(());
    }
    let mut seen = BTreeSet::new();
    for row in snapshot.with_prefix(Space::Storage, &[])? {
        let (address, _) = tables::split_slot_key(&row?.0, Space::Storage)?;
        if seen.insert(address) && snapshot.account(address)?.is_none() {
            return Err(Damage::StrayStorage { address }.into());
        }
    }
    Err(Damage::RowInvalid { table: Space::Storage.name() }.into())
}

/// The head's entry among the blocks states the same root.
fn check_head(snapshot: &Snapshot, stored: B256) -> Result<(), StateError> {
    let Some(head) = snapshot.head()? else { return Ok(()) };
    let (_, computed) = snapshot.block(head.number)?;
    if computed != stored {
        return Err(Damage::StateRoot { number: head.number, stored, computed }.into());
    }
    Ok(())
}

/// Walks a stored trie from its root and counts its nodes, comparing each with the reference in
/// its parent.
fn count_nodes(
    snapshot: &Snapshot,
    address: Option<Address>,
    root: B256,
) -> Result<u64, StateError> {
    if root == EMPTY_ROOT_HASH {
        return Ok(0);
    }
    let mut count = 0;
    let mut pending = vec![(Nibbles::new(), RlpNode::word_rlp(&root))];
    while let Some((path, reference)) = pending.pop() {
        let rlp = snapshot.node(address, &path)?;
        let is_root = path.is_empty();
        let actual =
            if is_root { RlpNode::word_rlp(&keccak256(&rlp)) } else { RlpNode::from_rlp(&rlp) };
        if actual != reference {
            return Err(Damage::NodeMismatch { address, path }.into());
        }
        count += 1;
        let invalid = |source| Damage::NodeInvalid { address, path, source };
        match TrieNode::decode(&mut &*rlp).map_err(invalid)? {
            TrieNode::EmptyRoot | TrieNode::Leaf(_) => {}
            TrieNode::Extension(node) => pending.push((path.join(&node.key), node.child)),
            TrieNode::Branch(node) => {
                for (nibble, child) in node.as_ref().children() {
                    let path = path.join(&Nibbles::from_nibbles([nibble]));
                    pending.extend(child.map(|child| (path, child.clone())));
                }
            }
        }
    }
    Ok(count)
}
