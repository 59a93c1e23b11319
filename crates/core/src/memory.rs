//! A ledger in memory: for tests, simulation and previews.

use crate::account::Account;
use crate::asset::Asset;
use crate::bids::{Bid, Queue, Tier, TierState};
use crate::breaker::Breaker;
use crate::debt::Debt;
use crate::delegation::{Credit, CreditId, Operator};
use crate::doubt::Track;
use crate::error::{Error, Stop};
use crate::event::Event;
use crate::exits::{Checkpoint, ExitQueue, Place};
use crate::factor::{Factor, Tags};
use crate::feed::{Feed, FeedInfo, FeedTerms};
use crate::first_loss::{Stake, Tranche};
use crate::fixed::{Assets, Timestamp};
use crate::groups::Group;
use crate::growth::GrowthCap;
use crate::guardian::{Guarded, Spell};
use crate::ids::{
    AccountId, AssetId, BidId, ExposureCapId, ExposureId, FactorId, FeedId, GroupId, MarketId,
    PlaceId, QueueId, StakeId, Token, VaultId,
};
use crate::ledger::Ledger;
use crate::market::{Collateral, Line, Market};
use crate::meter::Meter;
use crate::pool::{PoolTerms, PoolTrail};
use crate::portfolio::{Portfolio, RiskFactor, SetPlace};
use crate::protocol::Protocol;
use crate::rebasing::Rebasing;
use crate::signers::{SignerSet, SignerSetId};
use crate::sources::{Observation, Source, SourceId};
use crate::stop_loss::StopLoss;
use crate::terms::{Kept, Subject};
use crate::vault::Vault;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use alloy_primitives::{Address, U256};

mod guards;
mod prices;

/// All records in ordered maps, with a clock that is set by hand. A snapshot is a clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryLedger {
    /// The present moment.
    pub now: Timestamp,
    /// Roles and counts.
    pub protocol: Protocol,
    /// Every asset.
    pub assets: BTreeMap<AssetId, Asset>,
    /// Every rebasing view, by its asset.
    pub rebasings: BTreeMap<AssetId, Rebasing>,
    /// Every vault.
    pub vaults: BTreeMap<VaultId, Vault>,
    /// Every market.
    pub markets: BTreeMap<MarketId, Market>,
    /// Every collateral listing.
    pub collaterals: BTreeMap<(MarketId, AssetId), Collateral>,
    /// Every record of earlier terms that is not empty.
    pub kept: BTreeMap<(MarketId, Subject), Kept>,
    /// Every group.
    pub groups: BTreeMap<(MarketId, GroupId), Group>,
    /// Every line.
    pub lines: BTreeMap<(MarketId, VaultId), Line>,
    /// The markets to which each vault has open lines.
    pub vault_lines: BTreeMap<VaultId, Vec<MarketId>>,
    /// The portfolio margin of every market that ever had one.
    pub portfolios: BTreeMap<MarketId, Portfolio>,
    /// How the assets of these markets move.
    pub risk_factors: BTreeMap<(MarketId, SetPlace, AssetId), RiskFactor>,
    /// Every factor.
    pub factors: BTreeMap<FactorId, Factor>,
    /// The assets that have each factor.
    pub factor_assets: BTreeMap<FactorId, Vec<AssetId>>,
    /// The factors of each asset that has any.
    pub tags: BTreeMap<AssetId, Tags>,
    /// The factors that each vault caps.
    pub capped_factors: BTreeMap<VaultId, Vec<FactorId>>,
    /// Every cap on what backs a vault's debt.
    pub exposure_caps: BTreeMap<ExposureCapId, Assets>,
    /// Every sum of tracked debt that is not zero.
    pub exposures: BTreeMap<ExposureId, Debt>,
    /// Every account that is not empty.
    pub accounts: BTreeMap<AccountId, Account>,
    /// What valuations read of every feed.
    pub feeds: BTreeMap<FeedId, Feed>,
    /// Whose every feed is.
    pub feed_infos: BTreeMap<FeedId, FeedInfo>,
    /// Every feed's terms.
    pub feed_terms: BTreeMap<FeedId, FeedTerms>,
    /// What every feed remembers.
    pub tracks: BTreeMap<FeedId, Track>,
    /// Every source, by its place.
    pub sources: BTreeMap<(FeedId, u8), Source>,
    /// The place of every source.
    pub source_places: BTreeMap<(FeedId, SourceId), u8>,
    /// What every source said last.
    pub observations: BTreeMap<(FeedId, u8), Observation>,
    /// Who signs for other oracles.
    pub signer_sets: BTreeMap<SignerSetId, SignerSet>,
    /// The feeds that have pools.
    pub pool_feeds: Vec<FeedId>,
    /// How every pool is read, by its feed and place.
    pub pool_terms: BTreeMap<(FeedId, u8), PoolTerms>,
    /// What is kept of every pool's readings.
    pub pool_trails: BTreeMap<(FeedId, u8), PoolTrail>,
    /// The storage of contracts that are not the protocol's, by address and slot.
    pub foreign: BTreeMap<(Address, U256), U256>,
    /// The growth cap of every feed that has one.
    pub growth_caps: BTreeMap<FeedId, GrowthCap>,
    /// The guardian's last stop of everything that it ever stopped.
    pub spells: BTreeMap<Guarded, Spell>,
    /// The meter of every line that has one.
    pub meters: BTreeMap<(MarketId, VaultId), Meter>,
    /// The breaker of every market that has one.
    pub breakers: BTreeMap<MarketId, Breaker>,
    /// Every bid queue in which a tier holds shares.
    pub queues: BTreeMap<QueueId, Queue>,
    /// Every tier that was bid in.
    pub tiers: BTreeMap<(QueueId, Tier), TierState>,
    /// The sum of every ended scale of every tier.
    pub tier_sums: BTreeMap<(QueueId, Tier, u32), U256>,
    /// Every bid.
    pub bids: BTreeMap<BidId, Bid>,
    /// The first-loss capital of every line on which somebody staked, or that has a premium.
    pub tranches: BTreeMap<(MarketId, VaultId), Tranche>,
    /// Every stake.
    pub stakes: BTreeMap<StakeId, Stake>,
    /// The exit queue of every vault that ever had one.
    pub exit_queues: BTreeMap<VaultId, ExitQueue>,
    /// Every fill of an exit queue, by vault, run and number.
    pub exit_checkpoints: BTreeMap<(VaultId, (u32, u64)), Checkpoint>,
    /// Every place in an exit queue.
    pub places: BTreeMap<PlaceId, Place>,
    /// Who besides its owner may move a place.
    pub place_approvals: BTreeMap<PlaceId, Address>,
    /// How many places an address holds.
    pub places_held: BTreeMap<(VaultId, Address), u64>,
    /// The places that an address holds, by index.
    pub place_lists: BTreeMap<(VaultId, (Address, u32)), u64>,
    /// Who may move all of an owner's places, by vault, owner and operator.
    pub place_operators: BTreeSet<(VaultId, Address, Address)>,
    /// Every stop-loss order.
    pub stop_losses: BTreeMap<AccountId, StopLoss>,
    /// What operators may do with which accounts.
    pub operators: BTreeMap<(AccountId, Address), Operator>,
    /// What delegatees may draw.
    pub credits: BTreeMap<CreditId, Credit>,
    /// Every nonce of authorisations that is not zero.
    pub authorisation_nonces: BTreeMap<Address, u64>,
    /// Every balance that is not zero.
    pub balances: BTreeMap<(Token, Address), u128>,
    /// Every allowance that is not zero, by token, owner and spender.
    pub allowances: BTreeMap<(Token, Address, Address), U256>,
    /// Every permit nonce that is not zero.
    pub permit_nonces: BTreeMap<(Token, Address), u64>,
    /// Everything that happened, in order.
    pub events: Vec<Event>,
}

impl MemoryLedger {
    /// An empty ledger at the moment `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self { now, ..Self::default() }
    }

    /// Runs `operation`; if it stops, takes back all that it wrote.
    ///
    /// # Errors
    /// The operation's.
    pub fn atomically<T>(
        &mut self,
        operation: impl FnOnce(&mut Self) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        let before = self.clone();
        let outcome = operation(self);
        if outcome.is_err() {
            *self = before;
        }
        outcome
    }
}

/// Writes `value` under `key`, or removes the key if the value is the one of an unwritten key.
fn put<K: Ord, V: Default + PartialEq>(map: &mut BTreeMap<K, V>, key: K, value: V) {
    if value == V::default() {
        map.remove(&key);
    } else {
        map.insert(key, value);
    }
}

impl Ledger for MemoryLedger {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn protocol(&mut self) -> Result<Protocol, Stop> {
        Ok(self.protocol)
    }

    fn set_protocol(&mut self, protocol: &Protocol) -> Result<(), Stop> {
        self.protocol = *protocol;
        Ok(())
    }

    fn asset(&mut self, id: AssetId) -> Result<Asset, Stop> {
        Ok(*self.assets.get(&id).ok_or(Error::UnknownAsset { asset: id })?)
    }

    fn set_asset(&mut self, id: AssetId, asset: &Asset) -> Result<(), Stop> {
        self.assets.insert(id, *asset);
        Ok(())
    }

    fn rebasing(&mut self, asset: AssetId) -> Result<Option<Rebasing>, Stop> {
        Ok(self.rebasings.get(&asset).copied())
    }

    fn set_rebasing(&mut self, asset: AssetId, rebasing: &Rebasing) -> Result<(), Stop> {
        self.rebasings.insert(asset, *rebasing);
        Ok(())
    }

    fn vault(&mut self, id: VaultId) -> Result<Vault, Stop> {
        Ok(*self.vaults.get(&id).ok_or(Error::UnknownVault { vault: id })?)
    }

    fn set_vault(&mut self, id: VaultId, vault: &Vault) -> Result<(), Stop> {
        self.vaults.insert(id, *vault);
        Ok(())
    }

    fn market(&mut self, id: MarketId) -> Result<Market, Stop> {
        Ok(self.markets.get(&id).ok_or(Error::UnknownMarket { market: id })?.clone())
    }

    fn set_market(&mut self, id: MarketId, market: &Market) -> Result<(), Stop> {
        self.markets.insert(id, market.clone());
        Ok(())
    }

    fn collateral(&mut self, market: MarketId, asset: AssetId) -> Result<Collateral, Stop> {
        let found = self.collaterals.get(&(market, asset));
        Ok(*found.ok_or(Error::CollateralNotListed { market, asset })?)
    }

    fn set_collateral(
        &mut self,
        market: MarketId,
        asset: AssetId,
        collateral: &Collateral,
    ) -> Result<(), Stop> {
        self.collaterals.insert((market, asset), *collateral);
        Ok(())
    }

    fn kept(&mut self, market: MarketId, subject: Subject) -> Result<Kept, Stop> {
        Ok(self.kept.get(&(market, subject)).cloned().unwrap_or_default())
    }

    fn set_kept(&mut self, market: MarketId, subject: Subject, kept: &Kept) -> Result<(), Stop> {
        put(&mut self.kept, (market, subject), kept.clone());
        Ok(())
    }

    fn group(&mut self, market: MarketId, id: GroupId) -> Result<Group, Stop> {
        let found = self.groups.get(&(market, id));
        Ok(*found.ok_or(Error::UnknownGroup { market, group: id })?)
    }

    fn set_group(&mut self, market: MarketId, id: GroupId, group: &Group) -> Result<(), Stop> {
        self.groups.insert((market, id), *group);
        Ok(())
    }

    fn line(&mut self, market: MarketId, vault: VaultId) -> Result<Line, Stop> {
        let found = self.lines.get(&(market, vault));
        Ok(*found.ok_or(Error::VaultNotListed { market, vault })?)
    }

    fn set_line(&mut self, market: MarketId, vault: VaultId, line: &Line) -> Result<(), Stop> {
        self.lines.insert((market, vault), *line);
        Ok(())
    }

    fn vault_lines(&mut self, vault: VaultId) -> Result<Vec<MarketId>, Stop> {
        Ok(self.vault_lines.get(&vault).cloned().unwrap_or_default())
    }

    fn set_vault_lines(&mut self, vault: VaultId, markets: &[MarketId]) -> Result<(), Stop> {
        put(&mut self.vault_lines, vault, markets.to_vec());
        Ok(())
    }

    fn portfolio(&mut self, market: MarketId) -> Result<Portfolio, Stop> {
        Ok(self.portfolios.get(&market).copied().unwrap_or_default())
    }

    fn set_portfolio(&mut self, market: MarketId, portfolio: &Portfolio) -> Result<(), Stop> {
        put(&mut self.portfolios, market, *portfolio);
        Ok(())
    }

    fn risk_factor(
        &mut self,
        market: MarketId,
        place: SetPlace,
        asset: AssetId,
    ) -> Result<Option<RiskFactor>, Stop> {
        Ok(self.risk_factors.get(&(market, place, asset)).copied())
    }

    fn set_risk_factor(
        &mut self,
        market: MarketId,
        place: SetPlace,
        asset: AssetId,
        factor: Option<&RiskFactor>,
    ) -> Result<(), Stop> {
        match factor {
            Some(factor) => self.risk_factors.insert((market, place, asset), *factor),
            None => self.risk_factors.remove(&(market, place, asset)),
        };
        Ok(())
    }

    fn factor(&mut self, id: FactorId) -> Result<Factor, Stop> {
        Ok(*self.factors.get(&id).ok_or(Error::UnknownFactor { factor: id })?)
    }

    fn set_factor(&mut self, id: FactorId, factor: &Factor) -> Result<(), Stop> {
        self.factors.insert(id, *factor);
        Ok(())
    }

    fn factor_assets(&mut self, id: FactorId) -> Result<Vec<AssetId>, Stop> {
        Ok(self.factor_assets.get(&id).cloned().unwrap_or_default())
    }

    fn set_factor_assets(&mut self, id: FactorId, assets: &[AssetId]) -> Result<(), Stop> {
        put(&mut self.factor_assets, id, assets.to_vec());
        Ok(())
    }

    fn tags(&mut self, asset: AssetId) -> Result<Tags, Stop> {
        Ok(self.tags.get(&asset).copied().unwrap_or_default())
    }

    fn set_tags(&mut self, asset: AssetId, tags: &Tags) -> Result<(), Stop> {
        put(&mut self.tags, asset, *tags);
        Ok(())
    }

    fn capped_factors(&mut self, vault: VaultId) -> Result<Vec<FactorId>, Stop> {
        Ok(self.capped_factors.get(&vault).cloned().unwrap_or_default())
    }

    fn set_capped_factors(&mut self, vault: VaultId, factors: &[FactorId]) -> Result<(), Stop> {
        put(&mut self.capped_factors, vault, factors.to_vec());
        Ok(())
    }

    fn exposure_cap(&mut self, id: ExposureCapId) -> Result<Option<Assets>, Stop> {
        Ok(self.exposure_caps.get(&id).copied())
    }

    fn set_exposure_cap(&mut self, id: ExposureCapId, cap: Option<Assets>) -> Result<(), Stop> {
        match cap {
            Some(cap) => self.exposure_caps.insert(id, cap),
            None => self.exposure_caps.remove(&id),
        };
        Ok(())
    }

    fn exposure(&mut self, id: ExposureId) -> Result<Debt, Stop> {
        Ok(self.exposures.get(&id).copied().unwrap_or_default())
    }

    fn set_exposure(&mut self, id: ExposureId, debt: Debt) -> Result<(), Stop> {
        put(&mut self.exposures, id, debt);
        Ok(())
    }

    fn account(&mut self, id: &AccountId) -> Result<Account, Stop> {
        Ok(self.accounts.get(id).cloned().unwrap_or_default())
    }

    fn set_account(&mut self, id: &AccountId, account: &Account) -> Result<(), Stop> {
        put(&mut self.accounts, *id, account.clone());
        Ok(())
    }

    fn queue(&mut self, id: QueueId) -> Result<Queue, Stop> {
        Ok(self.queues.get(&id).copied().unwrap_or_default())
    }

    fn set_queue(&mut self, id: QueueId, queue: &Queue) -> Result<(), Stop> {
        put(&mut self.queues, id, *queue);
        Ok(())
    }

    fn tier(&mut self, queue: QueueId, tier: Tier) -> Result<TierState, Stop> {
        Ok(self.tiers.get(&(queue, tier)).copied().unwrap_or_default())
    }

    fn set_tier(&mut self, queue: QueueId, tier: Tier, state: &TierState) -> Result<(), Stop> {
        put(&mut self.tiers, (queue, tier), *state);
        Ok(())
    }

    fn tier_sum(&mut self, queue: QueueId, tier: Tier, scale: u32) -> Result<U256, Stop> {
        Ok(self.tier_sums.get(&(queue, tier, scale)).copied().unwrap_or_default())
    }

    fn set_tier_sum(
        &mut self,
        queue: QueueId,
        tier: Tier,
        scale: u32,
        sum: U256,
    ) -> Result<(), Stop> {
        put(&mut self.tier_sums, (queue, tier, scale), sum);
        Ok(())
    }

    fn bid(&mut self, id: &BidId) -> Result<Bid, Stop> {
        Ok(self.bids.get(id).copied().unwrap_or_default())
    }

    fn set_bid(&mut self, id: &BidId, bid: &Bid) -> Result<(), Stop> {
        put(&mut self.bids, *id, *bid);
        Ok(())
    }

    fn tranche(&mut self, market: MarketId, vault: VaultId) -> Result<Option<Tranche>, Stop> {
        Ok(self.tranches.get(&(market, vault)).copied())
    }

    fn set_tranche(
        &mut self,
        market: MarketId,
        vault: VaultId,
        tranche: &Tranche,
    ) -> Result<(), Stop> {
        self.tranches.insert((market, vault), *tranche);
        Ok(())
    }

    fn stake(&mut self, id: &StakeId) -> Result<Stake, Stop> {
        Ok(self.stakes.get(id).copied().unwrap_or_default())
    }

    fn set_stake(&mut self, id: &StakeId, stake: &Stake) -> Result<(), Stop> {
        put(&mut self.stakes, *id, *stake);
        Ok(())
    }

    fn exit_queue(&mut self, vault: VaultId) -> Result<ExitQueue, Stop> {
        Ok(self.exit_queues.get(&vault).copied().unwrap_or_default())
    }

    fn set_exit_queue(&mut self, vault: VaultId, queue: &ExitQueue) -> Result<(), Stop> {
        put(&mut self.exit_queues, vault, *queue);
        Ok(())
    }

    fn exit_checkpoint(&mut self, vault: VaultId, fill: (u32, u64)) -> Result<Checkpoint, Stop> {
        Ok(self.exit_checkpoints.get(&(vault, fill)).copied().unwrap_or_default())
    }

    fn set_exit_checkpoint(
        &mut self,
        vault: VaultId,
        fill: (u32, u64),
        checkpoint: &Checkpoint,
    ) -> Result<(), Stop> {
        put(&mut self.exit_checkpoints, (vault, fill), *checkpoint);
        Ok(())
    }

    fn place(&mut self, id: PlaceId) -> Result<Option<Place>, Stop> {
        Ok(self.places.get(&id).copied())
    }

    fn set_place(&mut self, id: PlaceId, place: Option<&Place>) -> Result<(), Stop> {
        match place {
            Some(place) => self.places.insert(id, *place),
            None => self.places.remove(&id),
        };
        Ok(())
    }

    fn place_approval(&mut self, id: PlaceId) -> Result<Address, Stop> {
        Ok(self.place_approvals.get(&id).copied().unwrap_or_default())
    }

    fn set_place_approval(&mut self, id: PlaceId, approved: Address) -> Result<(), Stop> {
        put(&mut self.place_approvals, id, approved);
        Ok(())
    }

    fn places_held(&mut self, vault: VaultId, owner: Address) -> Result<u64, Stop> {
        Ok(self.places_held.get(&(vault, owner)).copied().unwrap_or_default())
    }

    fn set_places_held(&mut self, vault: VaultId, owner: Address, held: u64) -> Result<(), Stop> {
        put(&mut self.places_held, (vault, owner), held);
        Ok(())
    }

    fn place_at(&mut self, vault: VaultId, at: (Address, u32)) -> Result<u64, Stop> {
        Ok(self.place_lists.get(&(vault, at)).copied().unwrap_or_default())
    }

    fn set_place_at(
        &mut self,
        vault: VaultId,
        at: (Address, u32),
        number: u64,
    ) -> Result<(), Stop> {
        put(&mut self.place_lists, (vault, at), number);
        Ok(())
    }

    fn is_place_operator(
        &mut self,
        vault: VaultId,
        owner: Address,
        operator: Address,
    ) -> Result<bool, Stop> {
        Ok(self.place_operators.contains(&(vault, owner, operator)))
    }

    fn set_place_operator(
        &mut self,
        vault: VaultId,
        (owner, operator): (Address, Address),
        allowed: bool,
    ) -> Result<(), Stop> {
        let entry = (vault, owner, operator);
        if allowed {
            self.place_operators.insert(entry);
        } else {
            self.place_operators.remove(&entry);
        }
        Ok(())
    }

    fn stop_loss(&mut self, id: &AccountId) -> Result<Option<StopLoss>, Stop> {
        Ok(self.stop_losses.get(id).copied())
    }

    fn set_stop_loss(&mut self, id: &AccountId, order: Option<&StopLoss>) -> Result<(), Stop> {
        match order {
            Some(order) => self.stop_losses.insert(*id, *order),
            None => self.stop_losses.remove(id),
        };
        Ok(())
    }

    fn operator(&mut self, account: &AccountId, operator: Address) -> Result<Operator, Stop> {
        Ok(self.operators.get(&(*account, operator)).copied().unwrap_or_default())
    }

    fn set_operator(
        &mut self,
        account: &AccountId,
        operator: Address,
        terms: &Operator,
    ) -> Result<(), Stop> {
        put(&mut self.operators, (*account, operator), *terms);
        Ok(())
    }

    fn credit(&mut self, id: &CreditId) -> Result<Credit, Stop> {
        Ok(self.credits.get(id).copied().unwrap_or_default())
    }

    fn set_credit(&mut self, id: &CreditId, credit: &Credit) -> Result<(), Stop> {
        put(&mut self.credits, *id, *credit);
        Ok(())
    }

    fn authorisation_nonce(&mut self, owner: Address) -> Result<u64, Stop> {
        Ok(self.authorisation_nonces.get(&owner).copied().unwrap_or_default())
    }

    fn set_authorisation_nonce(&mut self, owner: Address, nonce: u64) -> Result<(), Stop> {
        put(&mut self.authorisation_nonces, owner, nonce);
        Ok(())
    }

    fn balance(&mut self, token: Token, holder: Address) -> Result<u128, Stop> {
        Ok(self.balances.get(&(token, holder)).copied().unwrap_or_default())
    }

    fn set_balance(&mut self, token: Token, holder: Address, balance: u128) -> Result<(), Stop> {
        put(&mut self.balances, (token, holder), balance);
        Ok(())
    }

    fn allowance(&mut self, token: Token, owner: Address, spender: Address) -> Result<U256, Stop> {
        Ok(self.allowances.get(&(token, owner, spender)).copied().unwrap_or_default())
    }

    fn set_allowance(
        &mut self,
        token: Token,
        owner: Address,
        spender: Address,
        allowance: U256,
    ) -> Result<(), Stop> {
        put(&mut self.allowances, (token, owner, spender), allowance);
        Ok(())
    }

    fn permit_nonce(&mut self, token: Token, owner: Address) -> Result<u64, Stop> {
        Ok(self.permit_nonces.get(&(token, owner)).copied().unwrap_or_default())
    }

    fn set_permit_nonce(&mut self, token: Token, owner: Address, nonce: u64) -> Result<(), Stop> {
        put(&mut self.permit_nonces, (token, owner), nonce);
        Ok(())
    }

    fn emit(&mut self, event: Event) -> Result<(), Stop> {
        self.events.push(event);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_operation_leaves_nothing() {
        let mut ledger = MemoryLedger::at(Timestamp::new(1));
        let before = ledger.clone();
        let outcome: Result<(), Stop> = ledger.atomically(|ledger| {
            ledger.set_balance(Token::Asset(AssetId::new(1)), Address::ZERO, 1)?;
            Err(Error::ZeroAmount.into())
        });
        assert_eq!(outcome, Err(Stop::Refused(Error::ZeroAmount)));
        assert_eq!(ledger, before);
    }
}
