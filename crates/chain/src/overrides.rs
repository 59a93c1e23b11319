//! What a call may see otherwise than it is.

use std::collections::BTreeMap;

use alloy_evm::EvmEnv;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use revm::{
    Database, DatabaseCommit,
    state::{Account, AccountStatus, Bytecode, EvmStorageSlot, TransactionId},
};

use crate::{CallError, execute::BlockState};

/// What a call sees otherwise than it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// By account.
    pub accounts: BTreeMap<Address, AccountOverride>,
    /// The block's own values.
    pub block: BlockOverride,
}

/// What a call sees of an account otherwise than it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountOverride {
    /// Wei.
    pub balance: Option<U256>,
    /// Transactions sent.
    pub nonce: Option<u64>,
    /// Runtime bytecode.
    pub code: Option<Bytes>,
    /// The whole storage.
    pub state: Option<BTreeMap<B256, B256>>,
    /// Some slots of the storage, on top of `state` or of what there is.
    pub state_diff: BTreeMap<B256, B256>,
}

/// What a call sees of its block otherwise than it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are JSON-RPC's")]
pub struct BlockOverride {
    pub number: Option<u64>,
    pub timestamp: Option<u64>,
    pub gas_limit: Option<u64>,
    pub base_fee: Option<u64>,
    pub beneficiary: Option<Address>,
    pub prevrandao: Option<B256>,
}

impl BlockOverride {
    pub(crate) fn apply(&self, env: &mut EvmEnv) {
        let block = &mut env.block_env;
        if let Some(number) = self.number {
            block.number = U256::from(number);
        }
        if let Some(timestamp) = self.timestamp {
            block.timestamp = U256::from(timestamp);
        }
        block.gas_limit = self.gas_limit.unwrap_or(block.gas_limit);
        block.basefee = self.base_fee.unwrap_or(block.basefee);
        block.beneficiary = self.beneficiary.unwrap_or(block.beneficiary);
        block.prevrandao = self.prevrandao.or(block.prevrandao);
    }
}

impl AccountOverride {
    pub(crate) fn apply(&self, address: Address, db: &mut BlockState) -> Result<(), CallError> {
        let mut info = db.basic(address)?.unwrap_or_default();
        info.balance = self.balance.unwrap_or(info.balance);
        info.nonce = self.nonce.unwrap_or(info.nonce);
        if let Some(code) = &self.code {
            info.code_hash = keccak256(code);
            let code = Bytecode::new_raw_checked(code.clone());
            info.code = Some(code.map_err(|_| CallError::Code(address))?);
        }
        let fresh = info.is_empty() && !self.state_diff.is_empty();
        let mut account = Account::from(info);
        account.mark_touch();
        if self.state.is_some() {
            // Destroyed first, then created, so that no slot of the real storage shows through.
            let mut destroyed = Account::default();
            destroyed.status = AccountStatus::SelfDestructed | AccountStatus::Touched;
            db.commit([(address, destroyed)].into_iter().collect());
        }
        if self.state.is_some() || fresh {
            account.mark_created();
        }
        let whole = self.state.iter().flatten();
        for (slot, value) in whole.chain(&self.state_diff) {
            let (slot, value) = (U256::from_be_bytes(slot.0), U256::from_be_bytes(value.0));
            // The inverted original makes each slot count as changed.
            let slot_value = EvmStorageSlot::new_changed(!value, value, TransactionId::ZERO);
            account.storage.insert(slot, slot_value);
        }
        db.commit([(address, account)].into_iter().collect());
        Ok(())
    }
}
