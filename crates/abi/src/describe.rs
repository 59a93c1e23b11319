//! Revert data in words.

use crate::interfaces::IGageErrors;
use alloy_json_abi::Param;
use alloy_primitives::{Address, U256, hex};
use alloy_sol_types::{Panic, Revert, SolError};
use core::fmt::Write;
use std::collections::BTreeMap;
use std::sync::LazyLock;

const WORD: usize = 32;

type NamedParameters = (String, Vec<Param>);

/// Every error of the ABI: its name and parameters, by selector.
static ERRORS: LazyLock<BTreeMap<[u8; 4], NamedParameters>> = LazyLock::new(|| {
    let abi = IGageErrors::abi::contract();
    let errors = abi.errors.into_values().flatten();
    errors.map(|error| (error.selector().into(), (error.name, error.inputs))).collect()
});

/// What `data`, the output of a reverted call, says: the error's name and its named values, such as
/// `AboveLimit(debtValue: 1200, limit: 1000)`. `Error(string)` gives its text, `Panic(uint256)` its
/// meaning. `None` if it is none of these or does not decode.
#[must_use]
pub fn decode_error(data: &[u8]) -> Option<String> {
    if let Ok(revert) = Revert::abi_decode(data) {
        return Some(revert.reason);
    }
    if let Ok(panic) = Panic::abi_decode(data) {
        return Some(panic.to_string());
    }
    let (selector, arguments) = data.split_first_chunk::<4>()?;
    let (name, parameters) = ERRORS.get(selector)?;
    let mut text = format!("{name}(");
    for (place, parameter) in parameters.iter().enumerate() {
        let separator = if place == 0 { "" } else { ", " };
        let value = value_at(arguments, place, &parameter.ty)?;
        write!(text, "{separator}{}: {value}", parameter.name).ok()?;
    }
    text.push(')');
    Some(text)
}

/// The argument at `place`, for the types that our errors use.
fn value_at(arguments: &[u8], place: usize, kind: &str) -> Option<String> {
    let word = word_at(arguments, place * WORD)?;
    match kind {
        "address" => Some(Address::from_word(word.into()).to_checksum(None)),
        "bytes4" => Some(hex::encode_prefixed(word.get(..4)?)),
        "bytes32" => Some(hex::encode_prefixed(word)),
        "string" => {
            let start = usize::try_from(U256::from_be_bytes(word)).ok()?;
            let length = usize::try_from(U256::from_be_bytes(word_at(arguments, start)?)).ok()?;
            let from = start.checked_add(WORD)?;
            let text = arguments.get(from..from.checked_add(length)?)?;
            String::from_utf8(text.to_vec()).ok()
        }
        number if number.starts_with("uint") => Some(U256::from_be_bytes(word).to_string()),
        _ => None,
    }
}

fn word_at(bytes: &[u8], start: usize) -> Option<[u8; WORD]> {
    bytes.get(start..start.checked_add(WORD)?)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::address;

    #[test]
    fn errors_read_like_calls() {
        let above = IGageErrors::AboveLimit { debtValue: U256::from(1_200), limit: U256::from(7) };
        assert_eq!(
            decode_error(&above.abi_encode()).unwrap(),
            "AboveLimit(debtValue: 1200, limit: 7)"
        );
        let actor = address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
        let stranger = IGageErrors::NotAuthorised { actor, role: "curator".into() };
        assert_eq!(
            decode_error(&stranger.abi_encode()).unwrap(),
            "NotAuthorised(actor: 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266, role: curator)"
        );
        let unknown = IGageErrors::UnknownFunction { selector: [1, 2, 3, 4].into() };
        assert_eq!(
            decode_error(&unknown.abi_encode()).unwrap(),
            "UnknownFunction(selector: 0x01020304)"
        );
        assert_eq!(decode_error(&IGageErrors::NoDebt {}.abi_encode()).unwrap(), "NoDebt()");
    }

    #[test]
    fn solidity_s_own_errors_read_too() {
        let revert = Revert::from("too bad");
        assert_eq!(decode_error(&revert.abi_encode()).unwrap(), "too bad");
        let panic = Panic::from(0x11_u64);
        assert!(decode_error(&panic.abi_encode()).unwrap().contains("overflow"));
    }

    #[test]
    fn nonsense_is_none() {
        assert_eq!(decode_error(&[]), None);
        assert_eq!(decode_error(&[1, 2, 3, 4, 5]), None);
        let mut cut = IGageErrors::Healthy { healthFactor: U256::ZERO }.abi_encode();
        cut.pop();
        assert_eq!(decode_error(&cut), None);
        let mut text =
            IGageErrors::InvalidParameter { name: "cap".into(), value: U256::ZERO }.abi_encode();
        text[4..36].fill(0xff);
        assert_eq!(decode_error(&text), None);
    }
}
