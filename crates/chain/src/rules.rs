//! The constants that every node of a chain must agree on.

use alloy_eips::eip1559::BaseFeeParams;
use alloy_primitives::Address;
use revm::primitives::hardfork::SpecId;

/// Who sends the prelude, as in EIP-4788. Nobody has its key.
pub const SYSTEM: Address = gage_abi::SYSTEM_ADDRESS;

/// The rules of the EVM from block 0 on.
pub const SPEC: SpecId = SpecId::OSAKA;

/// How the base fee moves: by at most an eighth per block, half full is neutral (EIP-1559).
pub const BASE_FEE_PARAMS: BaseFeeParams = BaseFeeParams::ethereum();

/// The gas that the prelude declares. It pays for none of it, but what it uses counts in the block.
pub const PRELUDE_GAS_LIMIT: u64 = 80_000_000;

/// The most reports of one prelude, so that its gas stays below its limit: five sources of 512 feeds.
pub const PRELUDE_REPORTS_MAX: usize = 2_560;

/// The most messages of other oracles in one prelude.
pub const PRELUDE_MESSAGES_MAX: usize = 64;

/// The most bytes of one of them.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024;

/// The most feeds that one of them is for.
pub const MESSAGE_FEEDS_MAX: usize = 64;

/// The most accounts of one sweep. What does not fit is due again in the next block.
pub const SWEEP_ACCOUNTS_MAX: usize = 10_000;

/// The most accounts that are judged for one sweep in all markets that are not recognised; each has an equal share, drawn
/// by lot.
pub const UNRECOGNISED_JUDGED_MAX: usize = 1_000;

/// The part of a block's gas limit that its sweep may use: a half. The rest is the users', who keep [`TX_GAS_LIMIT_MAX`]
/// of it whatever the prelude took.
pub const SWEEP_GAS_DIVISOR: u64 = 2;

/// What a sweep needs to begin with any account: 21.5 million for the largest sale that there is, and its own list.
pub const SWEEP_GAS_MIN: u64 = 23_000_000;

/// The least gas limit of a block. After the fullest prelude there is still room for a sweep that can begin with any
/// account, and for the largest transaction: were it the prelude's gas alone, whoever fills preludes would put off every
/// liquidation, and every repayment, for as long as they go on.
pub const GAS_LIMIT_MIN: u64 = PRELUDE_GAS_LIMIT + SWEEP_GAS_MIN + TX_GAS_LIMIT_MAX;

/// The most gas of one transaction (EIP-7825).
pub const TX_GAS_LIMIT_MAX: u64 = 1 << 24;

/// The most bytes of one encoded transaction, as other clients' pools have it.
pub const TX_BYTES_MAX: usize = 128 * 1024;

/// The most bytes of a header's extra data (Yellow Paper, 4.3.4).
pub const EXTRA_DATA_BYTES_MAX: usize = 32;
