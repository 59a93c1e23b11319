//! Stop-loss orders: a borrower's instruction to sell collateral to the bid queue before the
//! liquidation threshold is reached, at a discount of their choosing.

use crate::bids::Tier;
use crate::error::{Error, Stop};
use crate::event::Event;
use crate::fixed::{WAD, Wad};
use crate::ids::{AccountId, AssetId, MarketId, VaultId};
use crate::ledger::Ledger;
use alloy_primitives::Address;

/// The largest health factor that an order may aim at: 10.
pub const TARGET_MAX: Wad = Wad::new(10 * WAD);

/// What to sell, for what, when, and at which discount at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopLoss {
    /// The collateral to sell.
    pub asset: AssetId,
    /// The vault whose debt to repay.
    pub vault: VaultId,
    /// Below which health factor; above one.
    pub trigger: Wad,
    /// Up to which health factor; above the trigger.
    pub target: Wad,
    /// The largest discount.
    pub tier_max: Tier,
}

/// Leaves an order on one of the caller's accounts, or takes it back (`None`). It is carried out by
/// the sweep, as often as the health factor falls below its trigger, until it is taken back.
///
/// # Errors
/// [`Error::InvalidParameter`] for a trigger at or below one, or a target at or below the trigger
/// or above [`TARGET_MAX`]; [`Error::CollateralNotListed`], [`Error::VaultNotListed`],
/// [`Error::UnknownMarket`], or a fault of the ledger.
pub fn set_stop_loss<L: Ledger + ?Sized>(
    ledger: &mut L,
    caller: Address,
    (market, sub): (MarketId, u32),
    order: Option<&StopLoss>,
) -> Result<(), Stop> {
    let rules = ledger.market(market)?;
    if let Some(order) = order {
        rules.collateral_index(market, order.asset)?;
        rules.vault_index(market, order.vault)?;
        let (trigger, target) = (order.trigger, order.target);
        if trigger <= Wad::ONE {
            let value = trigger.get();
            return Err(Error::InvalidParameter { name: "trigger", value }.into());
        }
        if target <= trigger || target > TARGET_MAX {
            let value = target.get();
            return Err(Error::InvalidParameter { name: "target", value }.into());
        }
    }
    let account = AccountId { market, owner: caller, sub };
    ledger.set_stop_loss(&account, order)?;
    ledger.emit(Event::StopLossChanged { account, order: order.copied() })
}
