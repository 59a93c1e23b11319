//! What accounts have in common that are filed together: a class is known by its composition.

use crate::account::Account;
use crate::fixed::BPS;
use crate::ids::{GroupId, MarketId};

/// Which collaterals and debts of a market an account has, by their places in its lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Composition {
    pub(super) market: MarketId,
    collaterals: u16,
    debts: u8,
    /// How many times faster than the index its debts grow at most, `k`.
    pub(super) growth: u8,
    /// The group that it is in.
    pub(super) group: GroupId,
    /// The earliest terms version whose accounts are on the same terms as it, now and ever after.
    pub(super) version: u32,
    /// By which model of margin its accounts were filed.
    portfolio: bool,
}

impl Composition {
    /// None of this market is before this one.
    pub(super) const fn first_of(market: MarketId) -> Self {
        Self {
            market,
            collaterals: 0,
            debts: 0,
            growth: 0,
            group: GroupId::NONE,
            version: 0,
            portfolio: false,
        }
    }

    pub(super) fn of(market: MarketId, account: &Account, version: u32, portfolio: bool) -> Self {
        let bit = |place: u8| 1_u16.checked_shl(place.into()).unwrap_or_default();
        let collaterals = account.collaterals.iter().fold(0, |all, leg| all | bit(leg.index));
        let debts = account.debts.iter().fold(0, |all, leg| all | bit(leg.index));
        let growth = match account.risk_premium.get() {
            0 => 1,
            premium => u128::from(premium).div_euclid(BPS).saturating_add(2).to_le_bytes()[0],
        };
        let debts = debts.to_le_bytes()[0];
        let group = account.group;
        Self { market, collaterals, debts, growth, group, version, portfolio }
    }

    pub(super) fn collaterals(self) -> impl Iterator<Item = usize> {
        places(self.collaterals)
    }

    pub(super) fn debts(self) -> impl Iterator<Item = usize> {
        places(self.debts.into())
    }
}

/// The places whose bits are set.
fn places(bits: u16) -> impl Iterator<Item = usize> {
    let is_set = move |place: &u8| bits.wrapping_shr((*place).into()) & 1 == 1;
    (0..16_u8).filter(is_set).map(usize::from)
}
