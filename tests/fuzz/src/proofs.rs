//! Proofs of accounts and slots: what is proven is what is there, whatever is done to the proof.

use std::sync::LazyLock;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_trie::proof::verify_proof;
use alloy_trie::{Nibbles, TrieAccount};
use gage_state::{AccountChange, AccountInfo, Changes, Store, View};

/// A hundred accounts, most with storage of different depth.
static STATE: LazyLock<View> = LazyLock::new(|| {
    let accounts = (0..100_u8).map(|number| {
        let info = AccountInfo {
            nonce: number.into(),
            balance: U256::from(number) << usize::from(number),
            ..AccountInfo::default()
        };
        let storage = (0..u64::from(number))
            .map(|slot| (U256::from(slot), U256::from(slot + 1) << (2 * usize::from(number))))
            .collect();
        (address(number), AccountChange { info: Some(info), storage, ..AccountChange::default() })
    });
    let store = Store::in_memory().unwrap();
    let prepared = store.prepare(&Changes { accounts: accounts.collect() }).unwrap();
    store.commit(prepared, 0, B256::with_last_byte(1), Vec::new()).unwrap();
    store.at_head().unwrap()
});

fn address(number: u8) -> Address {
    Address::from_word(keccak256([number]))
}

/// A key of a trie, the value that is there, and the proof of it.
struct Claim {
    root: B256,
    key: B256,
    value: Option<Vec<u8>>,
    nodes: Vec<Bytes>,
}

impl Claim {
    fn holds(&self, value: Option<&Vec<u8>>, nodes: &[Bytes]) -> bool {
        verify_proof(self.root, Nibbles::unpack(self.key), value.cloned(), nodes).is_ok()
    }
}

/// What the state says of an account and of one of its slots, which need not exist.
fn claims(number: u8, slot: u8) -> [Claim; 2] {
    let address = address(number);
    let slot = U256::from(slot);
    let proof = STATE.proof(address, &[slot]).unwrap();
    let account = proof.exists.then_some(TrieAccount {
        nonce: proof.info.nonce,
        balance: proof.info.balance,
        storage_root: proof.storage_hash,
        code_hash: proof.info.code_hash,
    });
    let [stored] = proof.storage_proofs.try_into().unwrap();
    assert_eq!(stored.value, STATE.storage(address, slot).unwrap());
    let value = (!stored.value.is_zero()).then(|| alloy_rlp::encode(stored.value));
    [
        Claim {
            root: STATE.root(),
            key: keccak256(address),
            value: account.map(alloy_rlp::encode),
            nodes: proof.account_proof,
        },
        Claim {
            root: proof.storage_hash,
            key: keccak256(B256::from(slot)),
            value,
            nodes: stored.proof,
        },
    ]
}

/// Which account, which slot; how to change the proof, and what to claim instead.
pub(crate) fn run(data: &[u8]) {
    let [number, slot, edits @ ..] = data else { return };
    let claims = claims(*number, *slot);
    for claim in &claims {
        assert!(claim.holds(claim.value.as_ref(), &claim.nodes), "a true proof is refused");
    }
    let (place, edits) = edits.split_first().unwrap_or((&0, &[]));
    let [one, other] =
        if place & 1 == 0 { [&claims[0], &claims[1]] } else { [&claims[1], &claims[0]] };
    let mut nodes = one.nodes.clone();
    let mut claimed = one.value.clone();
    for edit in edits.chunks_exact(4) {
        change(&mut nodes, &mut claimed, other, [edit[0], edit[1], edit[2], edit[3]]);
    }
    if claimed != one.value {
        assert!(!one.holds(claimed.as_ref(), &nodes), "a false claim is proven");
    }
}

fn change(nodes: &mut Vec<Bytes>, claimed: &mut Option<Vec<u8>>, other: &Claim, edit: [u8; 4]) {
    let [what, which, at, with] = edit.map(usize::from);
    let place = which.checked_rem(nodes.len()).unwrap_or_default();
    match what % 8 {
        0 => *claimed = None,
        1 => claimed.clone_from(&other.value),
        2 => {
            let mut value = claimed.take().unwrap_or_else(|| vec![1]);
            let at = at.checked_rem(value.len()).unwrap_or_default();
            if let Some(byte) = value.get_mut(at) {
                *byte ^= with as u8;
            }
            *claimed = Some(value);
        }
        3 if !nodes.is_empty() => drop(nodes.remove(place)),
        4 if !nodes.is_empty() => nodes.push(nodes[place].clone()),
        5 => nodes.extend(other.nodes.get(which % 8).cloned()),
        6 => nodes.reverse(),
        _ => {
            let Some(node) = nodes.get_mut(place) else { return };
            let mut bytes = node.to_vec();
            let at = (at * 4).checked_rem(bytes.len()).unwrap_or_default();
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= with as u8;
            }
            *node = bytes.into();
        }
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let seed =
        |number: u8| vec![number, number / 2, number & 1, number % 8, 1, 7, 1, 7, 0, 9, 0x80];
    (0..=120).step_by(7).map(seed).collect()
}
