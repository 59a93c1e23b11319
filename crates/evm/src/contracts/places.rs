//! The token of an exit queue's places: ERC-721 with metadata.

use super::exits::place_id;
use super::{Answer, Frame, misrouted};
use crate::gas;
use alloy_primitives::{Address, Bytes, FixedBytes, U256};
use alloy_sol_types::{SolCall, SolInterface};
use core::fmt::Write;
use gage_abi::IExit::{self, IExitCalls as Call};
use gage_core::exits::places::{self, Handover};
use gage_core::exits::{self, PlaceView};
use gage_core::{Error, Ledger, PlaceId, Vault, VaultId, address};

/// The interfaces that the contract says it supports: ERC-165, ERC-721, and ERC-721's metadata.
const INTERFACES: [FixedBytes<4>; 3] = [
    FixedBytes([0x01, 0xff, 0xc9, 0xa7]),
    FixedBytes([0x80, 0xac, 0x58, 0xcd]),
    FixedBytes([0x5b, 0x5e, 0x13, 0x9f]),
];

pub(super) fn call(frame: &mut Frame<'_>, vault: VaultId, call: Call) -> Answer {
    match call {
        Call::approve(IExit::approveCall { to, tokenId }) => {
            let (ledger, caller) = frame.act(gas::SMALL)?;
            places::approve(ledger, caller, place_id(vault, tokenId)?, to)?;
        }
        Call::setApprovalForAll(IExit::setApprovalForAllCall { operator, approved }) => {
            let (ledger, caller) = frame.act(gas::SMALL)?;
            places::set_operator(ledger, caller, vault, (operator, approved))?;
        }
        Call::transferFrom(IExit::transferFromCall { from, to, tokenId }) => {
            let (ledger, caller) = frame.act(gas::SMALL)?;
            let place = place_id(vault, tokenId)?;
            places::transfer(ledger, caller, &Handover { place, from, to })?;
        }
        Call::safeTransferFrom_0(IExit::safeTransferFrom_0Call { from, to, tokenId }) => {
            transfer_safely(frame, vault, (from, to), tokenId)?;
        }
        Call::safeTransferFrom_1(IExit::safeTransferFrom_1Call { from, to, tokenId, .. }) => {
            transfer_safely(frame, vault, (from, to), tokenId)?;
        }
        view => return read(frame, vault, view),
    }
    Ok(Bytes::new().to_vec())
}

/// A receiver with code would have to be asked, which a native contract cannot: it is refused.
fn transfer_safely(
    frame: &mut Frame<'_>,
    vault: VaultId,
    (from, to): (Address, Address),
    token: U256,
) -> Answer<()> {
    let (ledger, caller) = frame.act(gas::SMALL)?;
    let place = place_id(vault, token)?;
    if ledger.slots().is_contract(to)? {
        return Err(Error::InvalidPlaceReceiver { receiver: to }.into());
    }
    Ok(places::transfer(ledger, caller, &Handover { place, from, to })?)
}

fn read(frame: &mut Frame<'_>, vault: VaultId, call: Call) -> Answer {
    let ledger = frame.view()?;
    Ok(match call {
        Call::name(_) => {
            let name = format!("Exits of {}", ledger.vault(vault)?.name);
            IExit::nameCall::abi_encode_returns(&name)
        }
        Call::symbol(_) => {
            let symbol = format!("{}-EXIT", ledger.vault(vault)?.symbol);
            IExit::symbolCall::abi_encode_returns(&symbol)
        }
        Call::tokenURI(IExit::tokenURICall { tokenId }) => {
            let id = place_id(vault, tokenId)?;
            let place = exits::exit_place(ledger, id)?;
            let uri = data_uri(&json(&ledger.vault(vault)?, id, &place));
            IExit::tokenURICall::abi_encode_returns(&uri)
        }
        Call::vault(_) => IExit::vaultCall::abi_encode_returns(&address::vault(vault)),
        Call::balanceOf(IExit::balanceOfCall { owner }) => {
            if owner.is_zero() {
                return Err(Error::ZeroAddress.into());
            }
            let held = U256::from(ledger.places_held(vault, owner)?);
            IExit::balanceOfCall::abi_encode_returns(&held)
        }
        Call::ownerOf(IExit::ownerOfCall { tokenId }) => {
            let owner = places::place(ledger, place_id(vault, tokenId)?)?.owner;
            IExit::ownerOfCall::abi_encode_returns(&owner)
        }
        Call::tokenOfOwnerByIndex(IExit::tokenOfOwnerByIndexCall { owner, index }) => {
            let number = match u32::try_from(index) {
                Ok(index) => ledger.place_at(vault, (owner, index))?,
                Err(_) => 0,
            };
            if number == 0 {
                return Err(Error::NonexistentPlace { place: 0 }.into());
            }
            IExit::tokenOfOwnerByIndexCall::abi_encode_returns(&U256::from(number))
        }
        Call::getApproved(IExit::getApprovedCall { tokenId }) => {
            let id = place_id(vault, tokenId)?;
            places::place(ledger, id)?;
            IExit::getApprovedCall::abi_encode_returns(&ledger.place_approval(id)?)
        }
        Call::isApprovedForAll(IExit::isApprovedForAllCall { owner, operator }) => {
            let allowed = ledger.is_place_operator(vault, owner, operator)?;
            IExit::isApprovedForAllCall::abi_encode_returns(&allowed)
        }
        Call::supportsInterface(IExit::supportsInterfaceCall { interfaceId }) => {
            let supported = INTERFACES.contains(&interfaceId);
            IExit::supportsInterfaceCall::abi_encode_returns(&supported)
        }
        other => return Err(misrouted(other.selector())),
    })
}

/// What a place stands for, in JSON; amounts are base units.
fn json(vault: &Vault, id: PlaceId, place: &PlaceView) -> String {
    let (name, number) = (escaped(vault.name.as_str()), id.number);
    let rows = [
        ("shares waiting", place.waiting.get()),
        ("worth", place.worth.get()),
        ("shares ahead", place.ahead.get()),
        ("shares filled", place.filled.get()),
        ("assets claimable", place.claimable.get()),
    ];
    let rows =
        rows.map(|(what, amount)| format!(r#"{{"trait_type":"{what}","value":"{amount}"}}"#));
    let rows = rows.join(",");
    format!(
        concat!(
            r#"{{"name":"Place {} in the exit queue of {}","#,
            r#""description":"Vault shares that wait to be paid, first in, first out. "#,
            r#"Whoever owns the place claims what was set aside for it.","#,
            r#""attributes":[{}]}}"#,
        ),
        number, name, rows
    )
}

/// A text inside a JSON string.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '"' | '\\' => safe.extend(['\\', letter]),
            control if control.is_control() => {
                // Writing to a string does not fail.
                let _ = write!(safe, "\\u{:04x}", u32::from(control));
            }
            plain => safe.push(plain),
        }
    }
    safe
}

/// A data URI of JSON in base 64 (RFC 2397, RFC 4648).
fn data_uri(json: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut uri = String::from("data:application/json;base64,");
    for group in json.as_bytes().chunks(3) {
        let byte = |place: usize| u32::from(group.get(place).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4_usize {
            let index = bits >> (18 - 6 * digit) & 63;
            let filled = digit <= group.len();
            uri.push(if filled { char::from(DIGITS[index as usize]) } else { '=' });
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_64_is_rfc_4648_s() {
        for (text, encoded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(data_uri(text), format!("data:application/json;base64,{encoded}"));
        }
    }

    #[test]
    fn names_stay_inside_their_string() {
        assert_eq!(escaped("a\"b\\c\nd é"), "a\\\"b\\\\c\\u000ad é");
    }
}
