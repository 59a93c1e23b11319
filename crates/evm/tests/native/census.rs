//! The records of a state, counted; and a state that was tampered with.

use crate::support::*;
use alloy_primitives::{Address, U256};
use gage_abi::IMarket;
use gage_abi::addresses::MARKET;
use gage_core::invariants::Report;
use gage_core::{MarketId, Stop, Timestamp, Token};
use gage_evm::census::{Census, Names, census};

impl World {
    fn count(&self, names: &Names) -> Result<Census, Stop> {
        let storage_of = |address: Address| {
            let account = self.db.cache.accounts.get(&address);
            let slots = account.into_iter().flat_map(|account| &account.storage);
            Ok::<_, Stop>(slots.map(|(key, value)| (*key, *value)).collect())
        };
        census(storage_of, Timestamp::new(self.now), names)
    }

    fn report(&self) -> Report {
        self.count(&self.names).unwrap().report()
    }
}

/// A loan, a bid, a stake, credit and an operator.
fn busy() -> World {
    let mut world = World::loan();
    let shares = world.balance(VAULT, LENDER);
    let asset = GOLD;
    let (market, vault) = (1, VAULT);
    let placed = IMarket::placeBidCall { market, vault, asset, tier: 4, shares: u(shares / 8) };
    world.ok(LENDER, MARKET, placed);
    world.ok(LENDER, MARKET, IMarket::stakeCall { market, vault, shares: u(shares / 8) });
    let until = world.now + 100;
    world.ok(
        BORROWER,
        MARKET,
        IMarket::delegateCreditCall {
            market,
            sub: 0,
            vault,
            delegatee: STRANGER,
            limit: u(DOLLAR),
            expiresAt: until,
            receiver: STRANGER,
        },
    );
    world
}

/// SOL-3: the count holds every record, those behind hashes by the names that logs told; without a name
/// it says that something is there.
#[test]
fn a_count_is_complete() {
    let world = busy();
    let Census { ledger, nameless } = world.count(&world.names).unwrap();
    assert_eq!(nameless, 0);
    assert_eq!((ledger.bids.len(), ledger.credits.len(), ledger.stakes.len()), (1, 1, 1));
    assert_eq!((ledger.accounts.len(), ledger.feeds.len(), ledger.assets.len()), (1, 2, 3));
    assert_eq!(ledger.balances[&(Token::Asset(gage_core::AssetId::new(2)), BORROWER)], 90 * WAD);
    assert!(ledger.markets.contains_key(&MarketId::new(1)));
    assert!(world.report().holds());
    let blind = world.count(&Names::default()).unwrap();
    assert_eq!(blind.nameless, 2);
    assert_eq!(blind.report().broken[0].id, "BID-1", "{:#?}", blind.report().broken);
    assert!(blind.report().broken.iter().any(|one| one.id == "SOL-3"));
}

/// SYS-1: whichever slot of a balance, a vault, an account or a line is changed, the check finds it.
#[test]
fn a_tampered_state_is_found() {
    let world = busy();
    let mut tampered = 0;
    for contract in [MARKET, VAULT, USD, GOLD] {
        let slots: Vec<_> =
            world.db.cache.accounts[&contract].storage.clone().into_iter().collect();
        for (key, value) in slots.into_iter().filter(|(_, value)| !value.is_zero()) {
            let tag = key.byte(31);
            // Amounts: balances; a collateral's and a line's second slot; a vault's shares.
            let amounts = tag == 1 || (matches!(tag, 5 | 6) && key.byte(0) == 1);
            if !amounts {
                continue;
            }
            let mut other = world.clone();
            let more = value + U256::from(1_u64 << 40);
            other.db.insert_account_storage(contract, key, more).unwrap();
            let report = other.report();
            assert!(!report.holds(), "{contract} {key:#x}: {value:#x} may be {more:#x}");
            tampered += 1;
        }
    }
    assert!(tampered >= 8, "{tampered}");
}

/// A record that no longer reads is an error, not a panic.
#[test]
fn a_record_that_does_not_read_is_an_error() {
    let mut world = busy();
    assert!(world.count(&world.names).is_ok());
    world.db.insert_account_storage(VAULT, U256::ZERO, U256::ZERO).unwrap();
    assert!(world.count(&world.names).is_err());
}
