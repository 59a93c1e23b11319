//! The boundary to whatever holds the protocol's records.

use crate::account::Account;
use crate::asset::Asset;
use crate::bids::{Bid, Queue, Tier, TierState};
use crate::debt::Debt;
use crate::delegation::{Credit, CreditId, Operator};
use crate::error::Stop;
use crate::event::Event;
use crate::exits::{Checkpoint, ExitQueue, Place};
use crate::factor::{Factor, Tags};
use crate::first_loss::{Stake, Tranche};
use crate::fixed::{Assets, Timestamp};
use crate::groups::Group;
use crate::ids::{
    AccountId, AssetId, BidId, ExposureCapId, ExposureId, FactorId, GroupId, MarketId, PlaceId,
    QueueId, StakeId, Token, VaultId,
};
use crate::market::{Collateral, Line, Market};
use crate::portfolio::{Portfolio, RiskFactor, SetPlace};
use crate::protocol::Protocol;
use crate::rebasing::Rebasing;
use crate::stop_loss::StopLoss;
use crate::terms::{Kept, Subject};
use crate::vault::Vault;
use alloc::vec::Vec;
use alloy_primitives::{Address, U256};

mod guards;
mod prices;

pub use guards::GuardLedger;
pub use prices::PriceLedger;

/// Where records are read and written.
///
/// A read returns [`crate::Error`] when the record does not exist and [`crate::Fault`] when it
/// cannot be reached; both are [`Stop`]s. Operations that stop may have written: whoever calls them
/// takes the writes back.
pub trait Ledger: PriceLedger + GuardLedger {
    /// The present moment; it does not change during an operation.
    fn now(&self) -> Timestamp;

    /// The protocol's roles and counts.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn protocol(&mut self) -> Result<Protocol, Stop>;
    /// Writes the protocol's roles and counts.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_protocol(&mut self, protocol: &Protocol) -> Result<(), Stop>;

    /// An asset.
    ///
    /// # Errors
    /// [`crate::Error::UnknownAsset`], or a fault of the ledger.
    fn asset(&mut self, id: AssetId) -> Result<Asset, Stop>;
    /// Writes an asset.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_asset(&mut self, id: AssetId, asset: &Asset) -> Result<(), Stop>;

    /// The rebasing view over an asset, if it has one.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn rebasing(&mut self, asset: AssetId) -> Result<Option<Rebasing>, Stop>;
    /// Writes the rebasing view over an asset.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_rebasing(&mut self, asset: AssetId, rebasing: &Rebasing) -> Result<(), Stop>;

    /// A vault.
    ///
    /// # Errors
    /// [`crate::Error::UnknownVault`], or a fault of the ledger.
    fn vault(&mut self, id: VaultId) -> Result<Vault, Stop>;
    /// Writes a vault.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_vault(&mut self, id: VaultId, vault: &Vault) -> Result<(), Stop>;

    /// A market.
    ///
    /// # Errors
    /// [`crate::Error::UnknownMarket`], or a fault of the ledger.
    fn market(&mut self, id: MarketId) -> Result<Market, Stop>;
    /// Writes a market.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_market(&mut self, id: MarketId, market: &Market) -> Result<(), Stop>;

    /// An asset's terms and total as collateral in a market.
    ///
    /// # Errors
    /// [`crate::Error::CollateralNotListed`], or a fault of the ledger.
    fn collateral(&mut self, market: MarketId, asset: AssetId) -> Result<Collateral, Stop>;
    /// Writes an asset's terms and total as collateral in a market.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_collateral(
        &mut self,
        market: MarketId,
        asset: AssetId,
        collateral: &Collateral,
    ) -> Result<(), Stop>;

    /// The earlier terms of a collateral or group that accounts may be on; none if it was never
    /// written.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn kept(&mut self, market: MarketId, subject: Subject) -> Result<Kept, Stop>;
    /// Writes the earlier terms of a collateral or group.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_kept(&mut self, market: MarketId, subject: Subject, kept: &Kept) -> Result<(), Stop>;

    /// A group of a market.
    ///
    /// # Errors
    /// [`crate::Error::UnknownGroup`], or a fault of the ledger.
    fn group(&mut self, market: MarketId, id: GroupId) -> Result<Group, Stop>;
    /// Writes a group of a market.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_group(&mut self, market: MarketId, id: GroupId, group: &Group) -> Result<(), Stop>;

    /// A vault's credit to a market.
    ///
    /// # Errors
    /// [`crate::Error::VaultNotListed`], or a fault of the ledger.
    fn line(&mut self, market: MarketId, vault: VaultId) -> Result<Line, Stop>;
    /// Writes a vault's credit to a market.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_line(&mut self, market: MarketId, vault: VaultId, line: &Line) -> Result<(), Stop>;

    /// The markets to which a vault's curator opened lines, in that order; at most
    /// [`crate::market::LINES_MAX`]. Every line that may be drawn or owes something is among them.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn vault_lines(&mut self, vault: VaultId) -> Result<Vec<MarketId>, Stop>;
    /// Writes the markets to which a vault has open lines.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_vault_lines(&mut self, vault: VaultId, markets: &[MarketId]) -> Result<(), Stop>;

    /// A market's portfolio margin; none was ever set if it was never written.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn portfolio(&mut self, market: MarketId) -> Result<Portfolio, Stop>;
    /// Writes a market's portfolio margin.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_portfolio(&mut self, market: MarketId, portfolio: &Portfolio) -> Result<(), Stop>;

    /// How an asset of a market moves, if the set at that place says so.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn risk_factor(
        &mut self,
        market: MarketId,
        place: SetPlace,
        asset: AssetId,
    ) -> Result<Option<RiskFactor>, Stop>;
    /// Writes or removes how an asset of a market moves.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_risk_factor(
        &mut self,
        market: MarketId,
        place: SetPlace,
        asset: AssetId,
        factor: Option<&RiskFactor>,
    ) -> Result<(), Stop>;
    /// What assets may have in common.
    ///
    /// # Errors
    /// [`crate::Error::UnknownFactor`], or a fault of the ledger.
    fn factor(&mut self, id: FactorId) -> Result<Factor, Stop>;
    /// Writes what assets may have in common.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_factor(&mut self, id: FactorId, factor: &Factor) -> Result<(), Stop>;

    /// The assets that have a factor; at most [`crate::factor::FACTOR_ASSETS_MAX`].
    ///
    /// # Errors
    /// A fault of the ledger.
    fn factor_assets(&mut self, id: FactorId) -> Result<Vec<AssetId>, Stop>;
    /// Writes the assets that have a factor.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_factor_assets(&mut self, id: FactorId, assets: &[AssetId]) -> Result<(), Stop>;

    /// The factors that an asset has; none if it was never tagged.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn tags(&mut self, asset: AssetId) -> Result<Tags, Stop>;
    /// Writes the factors that an asset has.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_tags(&mut self, asset: AssetId, tags: &Tags) -> Result<(), Stop>;

    /// The factors that a vault caps; at most [`crate::exposure::FACTOR_CAPS_MAX`].
    ///
    /// # Errors
    /// A fault of the ledger.
    fn capped_factors(&mut self, vault: VaultId) -> Result<Vec<FactorId>, Stop>;
    /// Writes the factors that a vault caps.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_capped_factors(&mut self, vault: VaultId, factors: &[FactorId]) -> Result<(), Stop>;

    /// A cap on what backs a vault's debt, if there is one.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn exposure_cap(&mut self, id: ExposureCapId) -> Result<Option<Assets>, Stop>;
    /// Writes or removes a cap on what backs a vault's debt.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_exposure_cap(&mut self, id: ExposureCapId, cap: Option<Assets>) -> Result<(), Stop>;

    /// A sum of tracked debt; zero if it was never written.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn exposure(&mut self, id: ExposureId) -> Result<Debt, Stop>;
    /// Writes a sum of tracked debt.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_exposure(&mut self, id: ExposureId, debt: Debt) -> Result<(), Stop>;

    /// An account, empty if it was never written.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn account(&mut self, id: &AccountId) -> Result<Account, Stop>;
    /// Writes an account.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_account(&mut self, id: &AccountId, account: &Account) -> Result<(), Stop>;

    /// Which tiers of a bid queue hold shares; none if it was never written.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn queue(&mut self, id: QueueId) -> Result<Queue, Stop>;
    /// Writes which tiers of a bid queue hold shares.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_queue(&mut self, id: QueueId, queue: &Queue) -> Result<(), Stop>;

    /// The bids of one discount, empty if they were never written.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn tier(&mut self, queue: QueueId, tier: Tier) -> Result<TierState, Stop>;
    /// Writes the bids of one discount.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_tier(&mut self, queue: QueueId, tier: Tier, state: &TierState) -> Result<(), Stop>;

    /// The sum at which a scale of a tier ended; zero if none did.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn tier_sum(&mut self, queue: QueueId, tier: Tier, scale: u32) -> Result<U256, Stop>;
    /// Writes the sum at which a scale of a tier ended.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_tier_sum(
        &mut self,
        queue: QueueId,
        tier: Tier,
        scale: u32,
        sum: U256,
    ) -> Result<(), Stop>;

    /// A bid, empty if it was never placed.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn bid(&mut self, id: &BidId) -> Result<Bid, Stop>;
    /// Writes a bid; an empty one is removed.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_bid(&mut self, id: &BidId, bid: &Bid) -> Result<(), Stop>;

    /// The first-loss capital of a line; `None` if it was never written.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn tranche(&mut self, market: MarketId, vault: VaultId) -> Result<Option<Tranche>, Stop>;
    /// Writes the first-loss capital of a line.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_tranche(
        &mut self,
        market: MarketId,
        vault: VaultId,
        tranche: &Tranche,
    ) -> Result<(), Stop>;

    /// A stake, empty if there is none.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn stake(&mut self, id: &StakeId) -> Result<Stake, Stop>;
    /// Writes a stake; an empty one is removed.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_stake(&mut self, id: &StakeId, stake: &Stake) -> Result<(), Stop>;

    /// A vault's exit queue, empty if it was never written.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn exit_queue(&mut self, vault: VaultId) -> Result<ExitQueue, Stop>;
    /// Writes a vault's exit queue.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_exit_queue(&mut self, vault: VaultId, queue: &ExitQueue) -> Result<(), Stop>;

    /// A fill of an exit queue, by its run and its number there from 1; zero if it was never written.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn exit_checkpoint(&mut self, vault: VaultId, fill: (u32, u64)) -> Result<Checkpoint, Stop>;
    /// Writes a fill of an exit queue.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_exit_checkpoint(
        &mut self,
        vault: VaultId,
        fill: (u32, u64),
        checkpoint: &Checkpoint,
    ) -> Result<(), Stop>;

    /// A place in an exit queue; `None` if it was never given, or has ended.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn place(&mut self, id: PlaceId) -> Result<Option<Place>, Stop>;
    /// Writes or removes a place.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_place(&mut self, id: PlaceId, place: Option<&Place>) -> Result<(), Stop>;

    /// Who besides its owner may move a place; the zero address if nobody.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn place_approval(&mut self, id: PlaceId) -> Result<Address, Stop>;
    /// Writes who besides its owner may move a place.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_place_approval(&mut self, id: PlaceId, approved: Address) -> Result<(), Stop>;

    /// How many places of a vault's exit queue an address holds.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn places_held(&mut self, vault: VaultId, owner: Address) -> Result<u64, Stop>;
    /// Writes how many places an address holds.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_places_held(&mut self, vault: VaultId, owner: Address, held: u64) -> Result<(), Stop>;

    /// The number of the place that stands at an index of an owner's list; zero beyond its end.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn place_at(&mut self, vault: VaultId, at: (Address, u32)) -> Result<u64, Stop>;
    /// Writes which place stands at an index of an owner's list.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_place_at(&mut self, vault: VaultId, at: (Address, u32), number: u64)
    -> Result<(), Stop>;

    /// Whether `operator` may move all places of `owner`.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn is_place_operator(
        &mut self,
        vault: VaultId,
        owner: Address,
        operator: Address,
    ) -> Result<bool, Stop>;
    /// Lets an operator move all places of an owner, or no longer.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_place_operator(
        &mut self,
        vault: VaultId,
        pair: (Address, Address),
        allowed: bool,
    ) -> Result<(), Stop>;

    /// The stop-loss order that an account's owner left, if any.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn stop_loss(&mut self, id: &AccountId) -> Result<Option<StopLoss>, Stop>;
    /// Writes or removes an account's stop-loss order.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_stop_loss(&mut self, id: &AccountId, order: Option<&StopLoss>) -> Result<(), Stop>;

    /// What an address may do with another's account; nothing if that was never written.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn operator(&mut self, account: &AccountId, operator: Address) -> Result<Operator, Stop>;
    /// Writes what an address may do with another's account; without permissions it is removed.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_operator(
        &mut self,
        account: &AccountId,
        operator: Address,
        terms: &Operator,
    ) -> Result<(), Stop>;

    /// What a delegatee may draw; nothing if that was never written.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn credit(&mut self, id: &CreditId) -> Result<Credit, Stop>;
    /// Writes what a delegatee may draw; nothing is removed.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_credit(&mut self, id: &CreditId, credit: &Credit) -> Result<(), Stop>;

    /// The nonce that `owner`'s next signed authorisation must bear.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn authorisation_nonce(&mut self, owner: Address) -> Result<u64, Stop>;
    /// Writes the nonce of `owner`'s next signed authorisation.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_authorisation_nonce(&mut self, owner: Address, nonce: u64) -> Result<(), Stop>;

    /// What an address holds of a token, in base units; zero if nothing was written.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn balance(&mut self, token: Token, holder: Address) -> Result<u128, Stop>;
    /// Writes what an address holds of a token.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_balance(&mut self, token: Token, holder: Address, balance: u128) -> Result<(), Stop>;

    /// What `spender` may still move of `owner`'s tokens; `U256::MAX` is without end.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn allowance(&mut self, token: Token, owner: Address, spender: Address) -> Result<U256, Stop>;
    /// Writes what `spender` may still move of `owner`'s tokens.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_allowance(
        &mut self,
        token: Token,
        owner: Address,
        spender: Address,
        allowance: U256,
    ) -> Result<(), Stop>;

    /// How many permits of `owner` were used (EIP-2612).
    ///
    /// # Errors
    /// A fault of the ledger.
    fn permit_nonce(&mut self, token: Token, owner: Address) -> Result<u64, Stop>;
    /// Writes how many permits of `owner` were used.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn set_permit_nonce(&mut self, token: Token, owner: Address, nonce: u64) -> Result<(), Stop>;

    /// Tells the world what happened.
    ///
    /// # Errors
    /// A fault of the ledger.
    fn emit(&mut self, event: Event) -> Result<(), Stop>;
}
