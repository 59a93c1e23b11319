//! Movements of native coins, shown as logs of a token: what `eth_simulateV1` calls `traceTransfers`.

use alloy_primitives::{Address, Log, LogData, U256, address, b256};
use revm::{
    Inspector,
    context::JournalTr,
    context_interface::ContextTr,
    interpreter::{CallInputs, CallOutcome, CreateInputs, CreateOutcome},
};

/// The token that stands for native coins.
const EMITTER: Address = address!("0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");

/// `Transfer(address,address,uint256)` of ERC-20.
const TRANSFER: alloy_primitives::B256 =
    b256!("0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");

/// Logs each movement before what its frame logs, and takes it back if the frame fails.
#[derive(Debug, Default)]
pub(crate) struct TransferLogs {
    /// How many logs there were before each running frame.
    before: Vec<usize>,
    /// What a contract that ended itself sends: it is logged when its frame ends.
    last: Option<Log>,
}

fn log(from: Address, to: Address, value: U256) -> Option<Log> {
    let topics = vec![TRANSFER, from.into_word(), to.into_word()];
    let data = LogData::new_unchecked(topics, value.to_be_bytes_vec().into());
    (!value.is_zero()).then_some(Log { address: EMITTER, data })
}

impl TransferLogs {
    fn start(&mut self, journal: &mut impl JournalTr, moved: Option<Log>) {
        self.before.push(journal.logs().len());
        if let Some(log) = moved {
            journal.log(log);
        }
    }

    fn end(&mut self, journal: &mut impl JournalTr, succeeded: bool) {
        let before = self.before.pop().unwrap_or_default();
        let last = self.last.take();
        if succeeded {
            if let Some(log) = last {
                journal.log(log);
            }
        } else {
            let mut kept = journal.take_logs();
            kept.truncate(before);
            kept.into_iter().for_each(|log| journal.log(log));
        }
    }
}

impl<C: ContextTr> Inspector<C> for TransferLogs {
    fn call(&mut self, context: &mut C, inputs: &mut CallInputs) -> Option<CallOutcome> {
        let value = inputs.transfer_value().unwrap_or_default();
        let moved = log(inputs.transfer_from(), inputs.transfer_to(), value);
        self.start(context.journal_mut(), moved);
        None
    }

    fn call_end(&mut self, context: &mut C, _: &CallInputs, outcome: &mut CallOutcome) {
        self.end(context.journal_mut(), outcome.result.is_ok());
    }

    fn create(&mut self, context: &mut C, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        let creator = context.journal_mut().load_account(inputs.caller());
        let nonce = creator.map_or(0, |account| account.data.info.nonce);
        let created = inputs.created_address(nonce);
        let moved = log(inputs.caller(), created, inputs.value());
        self.start(context.journal_mut(), moved);
        None
    }

    fn create_end(&mut self, context: &mut C, _: &CreateInputs, outcome: &mut CreateOutcome) {
        self.end(context.journal_mut(), outcome.result.is_ok());
    }

    fn selfdestruct(&mut self, contract: Address, target: Address, value: U256) {
        self.last = log(contract, target, value);
    }
}
