//! What a block does before its users' transactions: the publishers' price reports, then the
//! liquidations at the new prices.

use alloy_primitives::{Address, Bytes};
use alloy_sol_types::SolCall;
use gage_abi::IMarket::sweepCall;
use gage_abi::IOracle::{ProviderMessage, SignedReport, preludeCall};
use gage_core::{AccountId, MarketId};

/// Bytes of one account in a sweep: market, owner, sub.
const ACCOUNT_BYTES: usize = 28;

/// The calldata of a prelude that carries `reports` and other oracles' `messages`; sent by the system address to the oracle.
#[must_use]
pub fn prelude_call(reports: &[SignedReport], messages: &[ProviderMessage]) -> Bytes {
    preludeCall { reports: reports.to_vec(), messages: messages.to_vec() }.abi_encode().into()
}

/// The calldata of a sweep of `accounts`, in this order; sent by the system address to the market
/// contract.
#[must_use]
pub fn sweep_call(accounts: &[AccountId]) -> Bytes {
    let mut packed = Vec::with_capacity(accounts.len() * ACCOUNT_BYTES);
    for AccountId { market, owner, sub } in accounts {
        packed.extend_from_slice(&market.get().to_be_bytes());
        packed.extend_from_slice(owner.as_slice());
        packed.extend_from_slice(&sub.to_be_bytes());
    }
    sweepCall { accounts: packed.into() }.abi_encode().into()
}

/// The accounts in the argument of a sweep; `None` if its length is none of theirs.
pub(crate) fn sweep_accounts(packed: &[u8]) -> Option<Vec<AccountId>> {
    let accounts = packed.chunks_exact(ACCOUNT_BYTES);
    if !accounts.remainder().is_empty() {
        return None;
    }
    let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
    let account = |bytes: &[u8]| AccountId {
        market: MarketId::new(number(&bytes[..4])),
        owner: Address::from_slice(&bytes[4..24]),
        sub: number(&bytes[24..]),
    };
    Some(accounts.map(account).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_read_back() {
        let account = |number| AccountId {
            market: MarketId::new(number),
            owner: Address::repeat_byte(number as u8),
            sub: number << 20,
        };
        let accounts: Vec<_> = (1..5).map(account).collect();
        let call = sweepCall::abi_decode(&sweep_call(&accounts)).unwrap();
        assert_eq!(sweep_accounts(&call.accounts).unwrap(), accounts);
        assert_eq!(sweep_accounts(&[]).unwrap(), []);
        assert_eq!(sweep_accounts(&call.accounts[1..]), None);
    }
}
