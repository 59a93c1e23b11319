//! Transactions: Ethereum's, less blobs, plus the prelude and the sweep.

use alloy_consensus::{
    SignableTransaction, Transaction, TxEnvelope, TxLegacy, TxType,
    transaction::{Recovered, SignerRecoverable},
};
use alloy_eips::eip2718::{Decodable2718, EIP4844_TX_TYPE_ID, Eip2718Error};
use alloy_primitives::{Address, Bytes, Signature, TxKind, U256};
use alloy_sol_types::SolCall;
use gage_abi::IOracle;
use gage_core::{
    AccountId,
    address::{MARKET, ORACLE},
};
use revm::{
    context_interface::{cfg::gas::calculate_initial_tx_gas, result::InvalidTransaction},
    primitives::eip3860::MAX_INITCODE_SIZE,
};

use crate::rules::{
    MESSAGE_BYTES_MAX, MESSAGE_FEEDS_MAX, PRELUDE_GAS_LIMIT, PRELUDE_MESSAGES_MAX,
    PRELUDE_REPORTS_MAX, SPEC, SYSTEM, TX_BYTES_MAX,
};

/// Why a transaction cannot be part of the next block, now or ever.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// The bytes are no transaction.
    #[error("rlp: {0}")]
    Malformed(alloy_rlp::Error),
    /// The bytes are a transaction of a type this chain does not know.
    #[error("transaction type not supported: {0}")]
    Type(u8),
    /// There is more after the transaction.
    #[error("rlp: {0} bytes after the transaction")]
    TrailingBytes(usize),
    /// More bytes than [`TX_BYTES_MAX`].
    #[error("oversized data: transaction size {0}, limit {TX_BYTES_MAX}")]
    Oversized(usize),
    /// Blobs (EIP-4844) have no place on this chain.
    #[error("transaction type not supported: blob transactions are refused")]
    Blob,
    /// The signature is nobody's.
    #[error("invalid sender: the signature recovers to no address")]
    Signature,
    /// Signed for another chain, or for all of them.
    #[error("{}, this chain's is {expected}", chain_id_name(.got))]
    ChainId {
        /// The transaction's.
        got: Option<u64>,
        /// Ours.
        expected: u64,
    },
    /// Already used.
    #[error("nonce too low: next nonce {expected}, tx nonce {got}")]
    NonceTooLow {
        /// The account's next.
        expected: u64,
        /// The transaction's.
        got: u64,
    },
    /// Others of the sender come first.
    #[error("nonce too high: next nonce {expected}, tx nonce {got}")]
    NonceTooHigh {
        /// The account's next.
        expected: u64,
        /// The transaction's.
        got: u64,
    },
    /// Value and the most it may cost are more than the sender has.
    #[error("insufficient funds for gas * price + value: balance {balance}, tx cost {cost}")]
    InsufficientFunds {
        /// The sender's balance.
        balance: U256,
        /// What must be there.
        cost: U256,
    },
    /// Below what the block asks.
    #[error("max fee per gas less than block base fee: maxFeePerGas {fee_max}, baseFee {base_fee}")]
    FeeBelowBase {
        /// The most that the transaction pays for a unit.
        fee_max: u128,
        /// What the block asks.
        base_fee: u64,
    },
    /// A tip above the whole fee.
    #[error("max priority fee per gas higher than max fee per gas")]
    TipAboveFee,
    /// Less than any run would use (including EIP-7623's floor).
    #[error("intrinsic gas too low: gas {limit}, minimum needed {needed}")]
    IntrinsicGas {
        /// The transaction's limit.
        limit: u64,
        /// What it must at least be.
        needed: u64,
    },
    /// More than a transaction may use (EIP-7825).
    #[error("exceeds the gas limit of one transaction: gas {limit}, most {most}")]
    GasLimit {
        /// The transaction's limit.
        limit: u64,
        /// The most allowed.
        most: u64,
    },
    /// No room in this block; the next may have it.
    #[error("gas limit reached: gas {limit}, left in the block {left}")]
    NoRoom {
        /// The transaction's limit.
        limit: u64,
        /// What the block has left.
        left: u64,
    },
    /// EIP-3860.
    #[error("max initcode size exceeded")]
    InitcodeSize,
    /// EIP-3607.
    #[error("sender not an eoa")]
    SenderHasCode,
    /// The prelude or another transaction of the system, sent by a user.
    #[error("invalid sender: the system address takes no transactions")]
    System,
    /// Another rule of the EVM.
    #[error("{0}")]
    Evm(InvalidTransaction),
}

impl Rejection {
    /// Whether a later block may take the same transaction.
    pub fn may_pass_later(&self) -> bool {
        matches!(
            self,
            Self::NonceTooHigh { .. }
                | Self::InsufficientFunds { .. }
                | Self::FeeBelowBase { .. }
                | Self::NoRoom { .. }
        )
    }

    /// The EVM's refusal of a transaction with this offer, in our words.
    pub(crate) fn of(invalid: InvalidTransaction, offer: GasOffer, base_fee: u64) -> Self {
        let GasOffer { limit, fee_max } = offer;
        match invalid {
            InvalidTransaction::NonceTooLow { tx, state } => {
                Self::NonceTooLow { expected: state, got: tx }
            }
            InvalidTransaction::NonceTooHigh { tx, state } => {
                Self::NonceTooHigh { expected: state, got: tx }
            }
            InvalidTransaction::LackOfFundForMaxFee { fee, balance } => {
                Self::InsufficientFunds { balance: *balance, cost: *fee }
            }
            InvalidTransaction::GasPriceLessThanBasefee => Self::FeeBelowBase { fee_max, base_fee },
            InvalidTransaction::PriorityFeeGreaterThanMaxFee => Self::TipAboveFee,
            InvalidTransaction::CallGasCostMoreThanGasLimit { initial_gas: needed, .. }
            | InvalidTransaction::GasFloorMoreThanGasLimit { gas_floor: needed, .. } => {
                Self::IntrinsicGas { limit, needed }
            }
            InvalidTransaction::TxGasLimitGreaterThanCap { gas_limit, cap } => {
                Self::GasLimit { limit: gas_limit, most: cap }
            }
            InvalidTransaction::CreateInitCodeSizeLimit => Self::InitcodeSize,
            InvalidTransaction::RejectCallerWithCode => Self::SenderHasCode,
            other => Self::Evm(other),
        }
    }
}

fn chain_id_name(got: &Option<u64>) -> String {
    got.map_or_else(
        || "no chain id (unprotected transaction)".to_owned(),
        |id| format!("invalid chain id {id}"),
    )
}

/// From here on a first byte begins an RLP list, and with it a legacy transaction.
const LIST: u8 = 0xc0;

/// What a transaction offers for its execution.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GasOffer {
    /// Units.
    pub(crate) limit: u64,
    /// Wei per unit, at most.
    pub(crate) fee_max: u128,
}

/// Reads a transaction from the bytes that wallets send (EIP-2718).
///
/// # Errors
/// Malformed, oversized or trailing bytes, and blob transactions.
pub fn decode_transaction(bytes: &[u8]) -> Result<TxEnvelope, Rejection> {
    if bytes.len() > TX_BYTES_MAX {
        return Err(Rejection::Oversized(bytes.len()));
    }
    // Judged by its type byte, since a blob transaction comes in forms that need not decode here.
    match bytes.first() {
        Some(&EIP4844_TX_TYPE_ID) => return Err(Rejection::Blob),
        Some(&ty) if ty < LIST && TxType::try_from(ty).is_err() => return Err(Rejection::Type(ty)),
        _ => {}
    }
    let mut rest = bytes;
    let tx = TxEnvelope::decode_2718(&mut rest).map_err(|error| match error {
        Eip2718Error::RlpError(error) => Rejection::Malformed(error),
        _ => Rejection::Malformed(alloy_rlp::Error::Custom("malformed legacy transaction")),
    })?;
    if !rest.is_empty() {
        return Err(Rejection::TrailingBytes(rest.len()));
    }
    Ok(tx)
}

/// Refuses creation code that no block could run (EIP-3860).
///
/// # Errors
/// [`Rejection::InitcodeSize`].
pub fn check_init_code(tx: &impl Transaction) -> Result<(), Rejection> {
    let too_long = tx.is_create() && tx.input().len() > MAX_INITCODE_SIZE;
    if too_long { Err(Rejection::InitcodeSize) } else { Ok(()) }
}

/// The transaction with its signer.
///
/// # Errors
/// Blobs, a signature of nobody or of the wrong form (EIP-2), another chain's id.
pub fn recover(tx: TxEnvelope, chain_id: u64) -> Result<Recovered<TxEnvelope>, Rejection> {
    if tx.is_eip4844() {
        return Err(Rejection::Blob);
    }
    match tx.chain_id() {
        Some(id) if id == chain_id => {}
        got => return Err(Rejection::ChainId { got, expected: chain_id }),
    }
    let signer = tx.recover_signer().map_err(|_| Rejection::Signature)?;
    if signer == SYSTEM {
        return Err(Rejection::System);
    }
    Ok(Recovered::new_unchecked(tx, signer))
}

/// The system transaction that opens block `number`: legacy, from the system address, with an all-zero
/// signature, so that every client can parse it; its nonce is the block number, so that each has its
/// own hash.
pub fn prelude_tx(chain_id: u64, number: u64, input: Bytes) -> TxEnvelope {
    system_tx(chain_id, number, ORACLE, (input, PRELUDE_GAS_LIMIT))
}

/// The system transaction that liquidates `accounts` in block `number`, right after the prelude, in
/// the prelude's form.
pub fn sweep_tx(chain_id: u64, number: u64, accounts: &[AccountId], gas_limit: u64) -> TxEnvelope {
    system_tx(chain_id, number, MARKET, (gage_evm::sweep_call(accounts), gas_limit))
}

fn system_tx(
    chain_id: u64,
    number: u64,
    to: Address,
    (input, gas_limit): (Bytes, u64),
) -> TxEnvelope {
    let tx = TxLegacy {
        chain_id: Some(chain_id),
        nonce: number,
        gas_price: 0,
        gas_limit,
        to: TxKind::Call(to),
        value: U256::ZERO,
        input,
    };
    TxEnvelope::Legacy(tx.into_signed(Signature::new(U256::ZERO, U256::ZERO, false)))
}

/// Whether `tx` has the form of a system transaction, which only the chain itself can give it.
fn is_system(tx: &TxEnvelope) -> bool {
    tx.is_legacy() && tx.signature().r().is_zero() && tx.signature().s().is_zero()
}

/// Whether `tx` has the prelude's form. Only at index 0 is it one.
pub fn is_prelude(tx: &TxEnvelope) -> bool {
    is_system(tx) && tx.to() == Some(ORACLE)
}

/// Whether `tx` has the sweep's form. Only at index 1 is it one.
pub fn is_sweep(tx: &TxEnvelope) -> bool {
    is_system(tx) && tx.to() == Some(MARKET)
}

/// What a prelude carries; `None` if its input is not the canonical encoding of that.
pub fn prelude_carries(tx: &TxEnvelope) -> Option<IOracle::preludeCall> {
    let call = IOracle::preludeCall::abi_decode(tx.input()).ok()?;
    (call.abi_encode() == tx.input().as_ref()).then_some(call)
}

/// Whether a prelude may carry so much.
#[must_use]
pub fn prelude_fits(
    reports: &[IOracle::SignedReport],
    messages: &[IOracle::ProviderMessage],
) -> bool {
    let fits = |message: &IOracle::ProviderMessage| {
        message.data.len() <= MESSAGE_BYTES_MAX && message.feeds.len() <= MESSAGE_FEEDS_MAX
    };
    reports.len() <= PRELUDE_REPORTS_MAX
        && messages.len() <= PRELUDE_MESSAGES_MAX
        && messages.iter().all(fits)
}

/// Who sent a transaction of a block: the system address for prelude and sweep, else the signer.
///
/// # Errors
/// [`Rejection::Signature`].
pub fn sender(tx: &TxEnvelope) -> Result<Address, Rejection> {
    if is_prelude(tx) || is_sweep(tx) {
        return Ok(SYSTEM);
    }
    tx.recover_signer().map_err(|_| Rejection::Signature)
}

/// The least gas limit with which `tx` may be included: its intrinsic gas, or the floor that its data
/// sets (EIP-7623).
pub fn intrinsic_gas(tx: &TxEnvelope) -> u64 {
    let list = tx.access_list().map_or(&[][..], |list| list.0.as_slice());
    let slots: usize = list.iter().map(|item| item.storage_keys.len()).sum();
    let gas = calculate_initial_tx_gas(
        SPEC,
        tx.input(),
        tx.is_create(),
        list.len() as u64,
        slots as u64,
        tx.authorization_count().unwrap_or(0),
        None,
    );
    gas.initial_total_gas().max(gas.floor_gas())
}
