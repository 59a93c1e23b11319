//! Signatures over typed data (EIP-712): permits (EIP-2612), authorisations and price reports.

use alloy_primitives::{Address, B256, U256, keccak256, uint};
use alloy_sol_types::{Eip712Domain, SolStruct};
use gage_abi::IOracle::PriceReport;
use gage_abi::addresses::{MARKET, ORACLE};
use gage_core::Label;

/// The version in every domain.
pub(crate) const VERSION: &str = "1";
/// The name in the oracle's domain.
const ORACLE_NAME: &str = "Gage Oracle";
/// The name in the market contract's domain.
pub(crate) const MARKET_NAME: &str = "Gage Market";
/// Half the order of secp256k1: the larger of the two `s` that sign the same is refused (EIP-2).
const S_MAX: U256 = uint!(0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0_U256);
/// Added to the recovery bit in `v`.
const V_BASE: u8 = 27;

alloy_sol_types::sol! {
    /// What a permit's owner signs (EIP-2612).
    #[derive(Debug)]
    struct Permit {
        address owner;
        address spender;
        uint256 value;
        uint256 nonce;
        uint256 deadline;
    }
}

/// A signature as Solidity passes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signature {
    pub(crate) v: u8,
    pub(crate) r: B256,
    pub(crate) s: B256,
}

impl Signature {
    /// Who signed `hash`; the zero address if this is not the canonical signature of anyone.
    pub(crate) fn signer(&self, hash: B256) -> Address {
        let canonical = U256::from_be_bytes(self.s.0) <= S_MAX;
        let Some(recovery) = self.v.checked_sub(V_BASE).filter(|bit| *bit <= 1 && canonical) else {
            return Address::ZERO;
        };
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(self.r.as_slice());
        bytes[32..].copy_from_slice(self.s.as_slice());
        revm::precompile::crypto()
            .secp256k1_ecrecover(&bytes, recovery, &hash.0)
            .map_or(Address::ZERO, |word| Address::from_word(word.into()))
    }
}

fn domain(name: String, chain_id: u64, contract: Address) -> Eip712Domain {
    let version = Some(VERSION.into());
    Eip712Domain::new(Some(name.into()), version, Some(U256::from(chain_id)), Some(contract), None)
}

/// The domain of a token's permits.
pub(crate) fn token_domain(name: &Label, chain_id: u64, token: Address) -> Eip712Domain {
    domain(name.as_str().to_owned(), chain_id, token)
}

/// The domain of price reports.
pub(crate) fn oracle_domain(chain_id: u64) -> Eip712Domain {
    domain(ORACLE_NAME.to_owned(), chain_id, ORACLE)
}

/// The domain of authorisations.
pub(crate) fn market_domain(chain_id: u64) -> Eip712Domain {
    domain(MARKET_NAME.to_owned(), chain_id, MARKET)
}

/// What an owner signs to let somebody act on an account, on the chain `chain_id` (EIP-712): an
/// [`OperatorAuthorisation`](gage_abi::IMarket::OperatorAuthorisation) or a
/// [`CreditDelegation`](gage_abi::IMarket::CreditDelegation).
#[must_use]
pub fn authorisation_hash(chain_id: u64, data: &impl SolStruct) -> B256 {
    signing_hash(market_domain(chain_id).separator(), data)
}

/// What a publisher signs to report a price on the chain `chain_id` (EIP-712).
#[must_use]
pub fn report_hash(chain_id: u64, report: &PriceReport) -> B256 {
    signing_hash(oracle_domain(chain_id).separator(), report)
}

/// The hash to sign under a domain whose separator is known.
pub(crate) fn signing_hash(separator: B256, data: &impl SolStruct) -> B256 {
    let mut digest = [0; 66];
    digest[..2].copy_from_slice(&[0x19, 0x01]);
    digest[2..34].copy_from_slice(separator.as_slice());
    digest[34..].copy_from_slice(data.eip712_hash_struct().as_slice());
    keccak256(digest)
}
