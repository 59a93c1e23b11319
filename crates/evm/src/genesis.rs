//! The native contracts in the first block's state.

use crate::view;
use alloy_primitives::{Address, Bytes, U256};
use gage_core::address::Native;
use gage_core::protocol::{AssetTerms, create_wrapped_native};
use gage_core::{AssetId, Error, Label, Ledger, Protocol, Stop};
use revm::database_interface::EmptyDB;

/// The code of every native contract: one invalid instruction, so that `extcodesize` is not zero.
pub const MARKER: [u8; 1] = [0xfe];

/// The asset that wraps the native coin.
const WRAPPED_NATIVE: AssetId = AssetId::new(1);
/// Decimals of the native coin.
const NATIVE_DECIMALS: u8 = 18;

/// Who governs at the start, and what the wrapped native coin is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtocolGenesis {
    /// May set any market's pause level and hand over roles.
    pub governance: Address,
    /// May raise any market's pause level.
    pub guardian: Address,
    /// What the wrapped native coin is called; at most 31 bytes.
    pub wrapped_native_name: String,
    /// What it is called in short; at most 31 bytes.
    pub wrapped_native_symbol: String,
}

/// One native contract: its address, code and storage.
pub type GenesisAccount = (Address, Bytes, Vec<(U256, U256)>);

impl ProtocolGenesis {
    /// Checks what a genesis file may get wrong.
    ///
    /// # Errors
    /// [`Error::ZeroAddress`], or [`Error::InvalidParameter`] for a name that is too long.
    pub fn check(&self) -> Result<(), Error> {
        if self.governance.is_zero() || self.guardian.is_zero() {
            return Err(Error::ZeroAddress);
        }
        Label::new(&self.wrapped_native_name)?;
        Label::new(&self.wrapped_native_symbol)?;
        Ok(())
    }
}

/// The native contracts of a new chain: registry, oracle, market, and asset 1, the wrapped native
/// coin.
///
/// # Panics
/// If [`ProtocolGenesis::check`] fails.
#[must_use]
pub fn genesis_accounts(genesis: &ProtocolGenesis) -> Vec<GenesisAccount> {
    let mut ledger = view::ledger(EmptyDB::default());
    write(&mut ledger, genesis).expect("the genesis was checked");
    ledger.commit().expect("an empty state can be read");
    let slots = ledger.into_slots();
    let natives = [Native::Registry, Native::Oracle, Native::Market, Native::Asset(WRAPPED_NATIVE)];
    natives
        .into_iter()
        .map(|native| {
            let written = slots.written().iter().filter(|((contract, _), _)| *contract == native);
            let storage = written.map(|((_, key), value)| (*key, *value)).collect();
            (native.address(), Bytes::from_static(&MARKER), storage)
        })
        .collect()
}

fn write(ledger: &mut impl Ledger, genesis: &ProtocolGenesis) -> Result<(), Stop> {
    let ProtocolGenesis { governance, guardian, .. } = *genesis;
    ledger.set_protocol(&Protocol { governance, guardian, ..Protocol::default() })?;
    let terms = AssetTerms {
        name: Label::new(&genesis.wrapped_native_name)?,
        symbol: Label::new(&genesis.wrapped_native_symbol)?,
        decimals: NATIVE_DECIMALS,
    };
    create_wrapped_native(ledger, &terms)?;
    Ok(())
}
