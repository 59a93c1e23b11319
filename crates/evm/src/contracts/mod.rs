//! The native contracts: Solidity calldata in, operations of `gage_core`, Solidity values out.
//!
//! A contract's module decodes and encodes, and nothing else: every rule is `gage_core`'s. What a
//! call may do is decided in one place, [`Frame`].

mod asset;
mod bids;
mod delegation;
mod exits;
mod exposure;
mod first_loss;
mod frame;
mod groups;
mod guards;
mod margin;
mod market;
mod numbers;
mod oracle;
mod places;
mod pools;
mod prelude;
mod prices;
mod rebasing;
mod registry;
mod rehoming;
mod search;
mod shapes;
mod token;
mod vault;

pub(crate) use frame::Frame;

use crate::gas;
use alloy_evm::precompiles::PrecompileInput;
use alloy_primitives::Bytes;
use alloy_sol_types::abi::AbiDecoderConfig;
use alloy_sol_types::{SolError, SolInterface};
use gage_abi::{IGageErrors, encode_error};
use gage_core::address::Native;
use gage_core::{Error, Fault, Stop, Token};
use revm::precompile::{
    PrecompileError, PrecompileHalt, PrecompileOutput, PrecompileResult, PrecompileStatus,
};

/// Why a call does not succeed: with revert data, or by a fault that halts it.
#[derive(Debug)]
pub(crate) enum Stopped {
    Refused(Bytes),
    Fault(Fault),
}

pub(crate) type Answer<T = Vec<u8>> = Result<T, Stopped>;

impl From<Stop> for Stopped {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Refused(error) => error.into(),
            Stop::Fault(fault) => fault.into(),
        }
    }
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Refused(encode_error(&error))
    }
}

impl From<Fault> for Stopped {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// A refusal of the shell's own.
pub(crate) fn refused(error: &impl SolError) -> Stopped {
    Stopped::Refused(error.abi_encode().into())
}

/// Runs a call to an address that is kept for native contracts.
pub(crate) fn run(input: PrecompileInput<'_>) -> PrecompileResult {
    let PrecompileInput { data, reservoir, target_address, bytecode_address, .. } = input;
    let gas_limit = input.gas;
    // At an empty account a call would succeed, and keep what it brings.
    let nobody = || {
        let error = IGageErrors::NotNativeContract { account: bytecode_address };
        Ok(PrecompileOutput::revert(0, error.abi_encode().into(), reservoir))
    };
    let Some(contract) = Native::at(bytecode_address) else { return nobody() };
    let mut frame = Frame::new(contract, input);
    match frame.exists() {
        Ok(true) => {}
        Ok(false) => return nobody(),
        Err(_) => return Err(PrecompileError::Fatal(frame.failure())),
    }
    let answer = if target_address == bytecode_address {
        frame.charge(gas::CALL).and_then(|()| dispatch(&mut frame, data))
    } else {
        Err(refused(&IGageErrors::DirectCallOnly {}))
    };
    let answer = answer.and_then(|output| frame.finish().map(|()| output));
    let meter = frame.meter();
    match answer {
        Ok(output) => Ok(PrecompileOutput {
            gas_refunded: meter.refunded(),
            ..PrecompileOutput::new(meter.used(), output.into(), reservoir)
        }),
        Err(Stopped::Refused(data)) => Ok(PrecompileOutput::revert(meter.used(), data, reservoir)),
        Err(Stopped::Fault(Fault::Unreadable)) => Err(PrecompileError::Fatal(frame.failure())),
        Err(Stopped::Fault(fault)) => {
            let reason = match fault {
                Fault::OutOfGas => PrecompileHalt::OutOfGas,
                _ => PrecompileHalt::other_static("write in a static frame"),
            };
            Ok(PrecompileOutput {
                gas_used: gas_limit,
                status: PrecompileStatus::Halt(reason),
                ..PrecompileOutput::new(0, Bytes::new(), reservoir)
            })
        }
    }
}

fn dispatch(frame: &mut Frame<'_>, data: &[u8]) -> Answer {
    match frame.contract() {
        Native::Registry => registry::call(frame, expect(data)?),
        Native::Oracle => oracle::call(frame, expect(data)?),
        Native::Market => market::call(frame, expect(data)?),
        Native::Vault(id) => match decode(data)? {
            Some(call) => vault::call(frame.figures(), id, call),
            None => token::call(frame, Token::Share(id), expect(data)?),
        },
        Native::Asset(id) => match decode(data)? {
            Some(call) => token::call(frame, Token::Asset(id), call),
            None => asset::call(frame.figures(), id, expect(data)?),
        },
        Native::Exit(id) => places::call(frame, id, expect(data)?),
        Native::Rebasing(id) => match decode(data)? {
            Some(call) => token::call(frame, Token::Rebasing(id), call),
            None => rebasing::call(frame.figures(), id, expect(data)?),
        },
    }
}

/// The call in `data`, whose selector must be of the interface.
fn expect<C: SolInterface>(data: &[u8]) -> Answer<C> {
    decode(data)?.ok_or_else(|| misrouted(data.first_chunk::<4>().copied().unwrap_or_default()))
}

/// The call in `data`; `None` if its selector is not of the interface. As Solidity does, this
/// refuses arguments that are cut short or wider than their types, and ignores bytes after them.
fn decode<C: SolInterface>(data: &[u8]) -> Answer<Option<C>> {
    const RULES: AbiDecoderConfig = AbiDecoderConfig::new().validate(true);
    let malformed = || refused(&IGageErrors::MalformedCall {});
    let (selector, arguments) = data.split_first_chunk::<4>().ok_or_else(malformed)?;
    if !C::valid_selector(*selector) {
        return Ok(None);
    }
    let call = C::abi_decode_raw_with_config(*selector, arguments, RULES);
    call.map(Some).map_err(|_| malformed())
}

/// A function that no arm takes. For those of the ABI a test proves that there is one.
fn misrouted(selector: [u8; 4]) -> Stopped {
    refused(&IGageErrors::UnknownFunction { selector: selector.into() })
}
