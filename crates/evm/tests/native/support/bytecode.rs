//! Contracts written by hand, to reach native contracts from other frames.

use super::{World, u};
use alloy_primitives::{Address, Bytes, U256};
use revm::bytecode::Bytecode;
use revm::bytecode::opcode as op;
use revm::state::AccountInfo;

/// How a proxy calls on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Call,
    CallCode,
    DelegateCall,
    StaticCall,
}

/// How a frame ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Stop,
    Revert,
    Invalid,
}

/// Calls the address in the first word of its input with the rest of it and all its value; returns
/// a word that says whether that succeeded, and what it returned.
pub fn proxy(by: By) -> Vec<u8> {
    let size = [op::PUSH1, 0x20, op::CALLDATASIZE, op::SUB];
    let mut code = size.to_vec();
    code.extend([op::PUSH1, 0x20, op::PUSH0, op::CALLDATACOPY, op::PUSH0, op::PUSH0]);
    code.extend(size);
    code.push(op::PUSH0);
    if matches!(by, By::Call | By::CallCode) {
        code.push(op::CALLVALUE);
    }
    code.extend([op::PUSH0, op::CALLDATALOAD, op::GAS]);
    code.push(match by {
        By::Call => op::CALL,
        By::CallCode => op::CALLCODE,
        By::DelegateCall => op::DELEGATECALL,
        By::StaticCall => op::STATICCALL,
    });
    code.extend([op::PUSH0, op::MSTORE]);
    code.extend([op::RETURNDATASIZE, op::PUSH0, op::PUSH1, 0x20, op::RETURNDATACOPY]);
    code.extend([op::RETURNDATASIZE, op::PUSH1, 0x20, op::ADD, op::PUSH0, op::RETURN]);
    code
}

/// Makes the calls listed in its input (see [`Step`]) whatever becomes of them, then ends.
pub fn batch(end: End) -> Vec<u8> {
    let body = [
        op::JUMPDEST,
        op::CALLDATASIZE,
        op::DUP2,
        op::LT,
        op::ISZERO,
        op::PUSH1,
        0,
        op::JUMPI,
        op::DUP1,
        op::PUSH1,
        0x60,
        op::ADD,
        op::CALLDATALOAD,
        op::DUP1,
        op::DUP3,
        op::PUSH1,
        0x80,
        op::ADD,
        op::PUSH0,
        op::CALLDATACOPY,
        op::PUSH0,
        op::PUSH0,
        op::DUP3,
        op::PUSH0,
        op::DUP6,
        op::PUSH1,
        0x40,
        op::ADD,
        op::CALLDATALOAD,
        op::DUP7,
        op::CALLDATALOAD,
        op::DUP8,
        op::PUSH1,
        0x20,
        op::ADD,
        op::CALLDATALOAD,
        op::CALL,
        op::POP,
        op::ADD,
        op::PUSH1,
        0x80,
        op::ADD,
        op::PUSH1,
        1,
        op::JUMP,
    ];
    let mut code = vec![op::PUSH0];
    code.extend(body);
    code[7] = code.len() as u8;
    code.push(op::JUMPDEST);
    code.extend(match end {
        End::Stop => vec![op::STOP],
        End::Revert => vec![op::PUSH0, op::PUSH0, op::REVERT],
        End::Invalid => vec![op::INVALID],
    });
    code
}

/// One call of a batch.
#[derive(Clone, Debug)]
pub struct Step {
    pub to: Address,
    pub gas: u64,
    pub value: U256,
    pub data: Vec<u8>,
}

impl Step {
    pub fn new(to: Address, data: Vec<u8>) -> Self {
        Self { to, gas: 1_000_000, value: U256::ZERO, data }
    }
}

pub fn steps(steps: &[Step]) -> Vec<u8> {
    let mut input = Vec::new();
    for step in steps {
        input.extend(step.to.into_word());
        input.extend(U256::from(step.gas).to_be_bytes::<32>());
        input.extend(step.value.to_be_bytes::<32>());
        input.extend(U256::from(step.data.len()).to_be_bytes::<32>());
        input.extend(&step.data);
    }
    input
}

/// The input of a proxy that is to call `to` with `data`.
pub fn through(to: Address, data: &[u8]) -> Vec<u8> {
    [to.into_word().as_slice(), data].concat()
}

impl World {
    pub fn deploy(&mut self, at: u8, code: Vec<u8>) -> Address {
        let address = Address::with_last_byte(at);
        let code = Bytecode::new_raw(Bytes::from(code));
        self.db.insert_account_info(address, AccountInfo::from_bytecode(code).with_nonce(1));
        address
    }

    pub fn proxy(&mut self, by: By) -> Address {
        self.deploy(0xd0 + by as u8, proxy(by))
    }

    pub fn batch(&mut self, end: End) -> Address {
        self.deploy(0xe0 + end as u8, batch(end))
    }

    /// Calls `to` through a proxy: whether that succeeded, and the output.
    pub fn by(&mut self, by: By, from: Address, to: Address, data: &[u8]) -> (bool, Bytes) {
        let proxy = self.proxy(by);
        let done = self.send(from, proxy, u(0), through(to, data));
        assert!(done.is_success(), "{:?}", done.result);
        let output = done.output();
        (output[31] == 1, output.slice(32..))
    }
}
