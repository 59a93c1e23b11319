//! Blocks: building, executing, validating and storing them.
//!
//! A [`Chain`] is a [`Genesis`] and what followed. It takes time from the block's attributes and
//! transactions from a [`TxSource`]; it has no clock, no network, no task and no randomness, so two
//! chains fed the same bytes hold the same bytes.
//!
//! Every block starts with the **prelude**, a system transaction that carries signed price reports to
//! the oracle; see [`prelude_tx`]. Where accounts are due to be liquidated then, the **sweep** follows
//! at index 1; see [`sweep_tx`]. Headers are Ethereum's, in the shape of the Prague and Osaka forks:
//! proof of stake, empty withdrawals, no blobs, no requests. There are no system contracts for beacon
//! roots, block hashes, withdrawals or consolidations (EIP-4788, 2935, 7002, 7251).
mod block;
mod build;
mod call;
mod chain;
mod check;
mod execute;
mod genesis;
mod import;
mod invariants;
mod log_hashes;
mod log_index;
mod logs;
mod lookout;
mod overrides;
mod recognised;
mod records;
mod rules;
mod simulate;
mod trace;
mod transaction;
mod transfers;
mod turns;

pub use block::{FoundReceipt, FoundTransaction, Place, SealedBlock, SealedHeader};
pub use build::{Batch, BlockAttributes, BuildError, Room, TxSource};
pub use call::{CallError, CallOutcome, CallRequest, Called};
pub use chain::{Built, Chain, ChainError, CommitError, OpenError, Staged};
pub use check::{CheckError, Checked};
pub use genesis::{Genesis, GenesisAccount, GenesisError, ProtocolRoles, WrappedNative};
pub use import::{BlockError, HeaderField, ImportError};
pub use invariants::Inspector;
pub use logs::{FoundLog, LogError, LogFilter};
pub use overrides::{AccountOverride, BlockOverride, Overrides};
pub use rules::{
    BASE_FEE_PARAMS, EXTRA_DATA_BYTES_MAX, GAS_LIMIT_MIN, MESSAGE_BYTES_MAX, MESSAGE_FEEDS_MAX,
    PRELUDE_GAS_LIMIT, PRELUDE_MESSAGES_MAX, PRELUDE_REPORTS_MAX, SPEC, SWEEP_ACCOUNTS_MAX,
    SWEEP_GAS_DIVISOR, SWEEP_GAS_MIN, SYSTEM, TX_BYTES_MAX, TX_GAS_LIMIT_MAX,
    UNRECOGNISED_JUDGED_MAX,
};
pub use simulate::{
    SIMULATED_BLOCKS_MAX, SimulateError, SimulatedBlock, SimulatedCalls, Simulation,
};
pub use trace::{TRACE_STEPS_MAX, TraceError, Tracer};
pub use transaction::{
    Rejection, check_init_code, decode_transaction, intrinsic_gas, is_prelude, is_sweep,
    prelude_carries, prelude_fits, prelude_tx, recover, sender, sweep_tx,
};
pub use turns::Lots;
