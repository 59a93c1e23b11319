//! The ledger of `gage_core` over storage slots.

use crate::records::{
    Record, account_from_words, account_slots, account_words, add_stops, cap_from_word, cap_word,
    debt_from_word, debt_word, factor_from_words, factor_slots, factor_words, has_stops,
    kept_from_words, kept_slots, kept_words, keys, market_from_words, market_slots, market_words,
    stops_word, tags_from_word, tags_word,
};
use crate::slots::Slots;
use alloy_primitives::{Address, U256};
use gage_abi::encode_event;
use gage_core::address::Native;
use gage_core::bids::{Bid, Queue, Tier, TierState};
use gage_core::delegation::{Credit, CreditId, Operator};
use gage_core::exits::{Checkpoint, ExitQueue, Place};
use gage_core::exposure::FACTOR_CAPS_MAX;
use gage_core::factor::FACTOR_ASSETS_MAX;
use gage_core::first_loss::{Stake, Tranche};
use gage_core::groups::Group;
use gage_core::market::LINES_MAX;
use gage_core::stop_loss::StopLoss;
use gage_core::terms::{Kept, Subject};
use gage_core::{
    Account, AccountId, Asset, AssetId, Assets, BidId, Collateral, Debt, Error, Event,
    ExposureCapId, ExposureId, Factor, FactorId, Fault, GroupId, Ledger, Line, Market, MarketId,
    PlaceId, Portfolio, Protocol, QueueId, Rebasing, RiskFactor, SetPlace, StakeId, Stop, Tags,
    Timestamp, Token, Vault, VaultId,
};

mod cells;
mod guards;
mod prices;

pub use cells::SlotLedger;

/// The slots of a vault before its name.
const VAULT_FIGURES: usize = 6;
/// The slots of an asset before its name.
const ASSET_FIGURES: usize = 2;
/// The slots of a rebasing view before its name.
const REBASING_FIGURES: usize = 1;
/// The slots of a group before its name.
const GROUP_FIGURES: usize = 1;

const fn contract(token: Token) -> Native {
    match token {
        Token::Asset(id) => Native::Asset(id),
        Token::Share(id) => Native::Vault(id),
        Token::Rebasing(id) => Native::Rebasing(id),
    }
}

impl<S: Slots> Ledger for SlotLedger<S> {
    fn now(&self) -> Timestamp {
        self.slots.now()
    }

    fn protocol(&mut self) -> Result<Protocol, Stop> {
        Ok(self.record(Native::Registry, keys::OWN, 2)?.unwrap_or_default())
    }

    fn set_protocol(&mut self, protocol: &Protocol) -> Result<(), Stop> {
        self.set_record(Native::Registry, keys::OWN, protocol)
    }

    fn asset(&mut self, id: AssetId) -> Result<Asset, Stop> {
        let found = self.record(Native::Asset(id), keys::OWN, ASSET_FIGURES)?;
        Ok(found.ok_or(Error::UnknownAsset { asset: id })?)
    }

    fn set_asset(&mut self, id: AssetId, asset: &Asset) -> Result<(), Stop> {
        self.set_own(Native::Asset(id), asset, ASSET_FIGURES)
    }

    fn rebasing(&mut self, asset: AssetId) -> Result<Option<Rebasing>, Stop> {
        self.record(Native::Rebasing(asset), keys::OWN, REBASING_FIGURES)
    }

    fn set_rebasing(&mut self, asset: AssetId, rebasing: &Rebasing) -> Result<(), Stop> {
        self.set_own(Native::Rebasing(asset), rebasing, REBASING_FIGURES)
    }

    fn vault(&mut self, id: VaultId) -> Result<Vault, Stop> {
        let found = self.record(Native::Vault(id), keys::OWN, VAULT_FIGURES)?;
        Ok(found.ok_or(Error::UnknownVault { vault: id })?)
    }

    fn set_vault(&mut self, id: VaultId, vault: &Vault) -> Result<(), Stop> {
        self.set_own(Native::Vault(id), vault, VAULT_FIGURES)
    }

    fn market(&mut self, id: MarketId) -> Result<Market, Stop> {
        let first = keys::market(id);
        let head = self.read_one(Native::Market, first)?;
        if head.is_zero() {
            return Err(Error::UnknownMarket { market: id }.into());
        }
        let mut words = vec![U256::ZERO; market_slots(head)];
        self.read(Native::Market, first, &mut words)?;
        let mut market = market_from_words(&words)?;
        if has_stops(head) {
            add_stops(&mut market, self.read_one(Native::Market, keys::market_stops(id))?)?;
        }
        Ok(market)
    }

    fn set_market(&mut self, id: MarketId, market: &Market) -> Result<(), Stop> {
        let (first, words) = (keys::market(id), market_words(market)?);
        let had_stops = has_stops(self.read_one(Native::Market, first)?);
        if had_stops || words.first().copied().is_some_and(has_stops) {
            let stops = [stops_word(market)?];
            self.write(Native::Market, keys::market_stops(id), &stops)?;
        }
        Ok(self.write(Native::Market, first, &words)?)
    }

    fn collateral(&mut self, market: MarketId, asset: AssetId) -> Result<Collateral, Stop> {
        let found = self.record(Native::Market, keys::collateral(market, asset), 2)?;
        Ok(found.ok_or(Error::CollateralNotListed { market, asset })?)
    }

    fn set_collateral(
        &mut self,
        market: MarketId,
        asset: AssetId,
        collateral: &Collateral,
    ) -> Result<(), Stop> {
        self.set_record(Native::Market, keys::collateral(market, asset), collateral)
    }

    fn kept(&mut self, market: MarketId, subject: Subject) -> Result<Kept, Stop> {
        let first = keys::kept(market, subject);
        let head = self.read_one(Native::Market, first)?;
        let mut words = vec![U256::ZERO; kept_slots(head)];
        self.read(Native::Market, first, &mut words)?;
        Ok(kept_from_words(&words)?)
    }

    fn set_kept(&mut self, market: MarketId, subject: Subject, kept: &Kept) -> Result<(), Stop> {
        let first = keys::kept(market, subject);
        let before = kept_slots(self.read_one(Native::Market, first)?);
        let mut words = kept_words(kept)?;
        words.resize(words.len().max(before), U256::ZERO);
        Ok(self.write(Native::Market, first, &words)?)
    }

    fn group(&mut self, market: MarketId, id: GroupId) -> Result<Group, Stop> {
        let found = self.record(Native::Market, keys::group(market, id), GROUP_FIGURES)?;
        Ok(found.ok_or(Error::UnknownGroup { market, group: id })?)
    }

    fn set_group(&mut self, market: MarketId, id: GroupId, group: &Group) -> Result<(), Stop> {
        let (first, words) = (keys::group(market, id), group.to_words()?);
        // The name is written once, and may not have been read since.
        let is_new = self.read_one(Native::Market, first)?.is_zero();
        let written = if is_new { words.len() } else { GROUP_FIGURES };
        Ok(self.write(Native::Market, first, &words[..written])?)
    }

    fn line(&mut self, market: MarketId, vault: VaultId) -> Result<Line, Stop> {
        let found = self.record(Native::Market, keys::line(market, vault), 2)?;
        Ok(found.ok_or(Error::VaultNotListed { market, vault })?)
    }

    fn set_line(&mut self, market: MarketId, vault: VaultId, line: &Line) -> Result<(), Stop> {
        self.set_record(Native::Market, keys::line(market, vault), line)
    }

    fn vault_lines(&mut self, vault: VaultId) -> Result<Vec<MarketId>, Stop> {
        let list = self.numbers((Native::Market, keys::vault_lines(vault)), LINES_MAX)?;
        Ok(list.into_iter().map(MarketId::new).collect())
    }

    fn set_vault_lines(&mut self, vault: VaultId, markets: &[MarketId]) -> Result<(), Stop> {
        let list: Vec<_> = markets.iter().map(|market| market.get()).collect();
        self.set_numbers((Native::Market, keys::vault_lines(vault)), &list, LINES_MAX)
    }

    fn portfolio(&mut self, market: MarketId) -> Result<Portfolio, Stop> {
        Ok(self.record(Native::Market, keys::portfolio(market), 1)?.unwrap_or_default())
    }

    fn set_portfolio(&mut self, market: MarketId, portfolio: &Portfolio) -> Result<(), Stop> {
        self.set_record(Native::Market, keys::portfolio(market), portfolio)
    }

    fn risk_factor(
        &mut self,
        market: MarketId,
        place: SetPlace,
        asset: AssetId,
    ) -> Result<Option<RiskFactor>, Stop> {
        let first = keys::risk_factor(market, place, asset);
        let head = self.read_one(Native::Market, first)?;
        let mut words = vec![U256::ZERO; factor_slots(head)];
        self.read(Native::Market, first, &mut words)?;
        Ok(factor_from_words(&words)?)
    }

    fn set_risk_factor(
        &mut self,
        market: MarketId,
        place: SetPlace,
        asset: AssetId,
        factor: Option<&RiskFactor>,
    ) -> Result<(), Stop> {
        let first = keys::risk_factor(market, place, asset);
        let before = factor_slots(self.read_one(Native::Market, first)?);
        let mut words = factor.map_or(Ok(vec![U256::ZERO]), factor_words)?;
        words.resize(words.len().max(before), U256::ZERO);
        Ok(self.write(Native::Market, first, &words)?)
    }

    fn factor(&mut self, id: FactorId) -> Result<Factor, Stop> {
        let found = self.record(Native::Registry, keys::factor(id), 2)?;
        Ok(found.ok_or(Error::UnknownFactor { factor: id })?)
    }

    fn set_factor(&mut self, id: FactorId, factor: &Factor) -> Result<(), Stop> {
        self.set_record(Native::Registry, keys::factor(id), factor)
    }

    fn factor_assets(&mut self, id: FactorId) -> Result<Vec<AssetId>, Stop> {
        let place = (Native::Registry, keys::factor_assets(id));
        Ok(self.numbers(place, FACTOR_ASSETS_MAX)?.into_iter().map(AssetId::new).collect())
    }

    fn set_factor_assets(&mut self, id: FactorId, assets: &[AssetId]) -> Result<(), Stop> {
        let list: Vec<_> = assets.iter().map(|asset| asset.get()).collect();
        let place = (Native::Registry, keys::factor_assets(id));
        self.set_numbers(place, &list, FACTOR_ASSETS_MAX)
    }

    fn tags(&mut self, asset: AssetId) -> Result<Tags, Stop> {
        Ok(tags_from_word(self.read_one(Native::Registry, keys::tags(asset))?))
    }

    fn set_tags(&mut self, asset: AssetId, tags: &Tags) -> Result<(), Stop> {
        Ok(self.write(Native::Registry, keys::tags(asset), &[tags_word(tags)])?)
    }

    fn capped_factors(&mut self, vault: VaultId) -> Result<Vec<FactorId>, Stop> {
        let place = (Native::Market, keys::capped_factors(vault));
        Ok(self.numbers(place, FACTOR_CAPS_MAX)?.into_iter().map(FactorId::new).collect())
    }

    fn set_capped_factors(&mut self, vault: VaultId, factors: &[FactorId]) -> Result<(), Stop> {
        let list: Vec<_> = factors.iter().map(|factor| factor.get()).collect();
        let place = (Native::Market, keys::capped_factors(vault));
        self.set_numbers(place, &list, FACTOR_CAPS_MAX)
    }

    fn exposure_cap(&mut self, id: ExposureCapId) -> Result<Option<Assets>, Stop> {
        Ok(cap_from_word(self.read_one(Native::Market, keys::exposure_cap(id))?))
    }

    fn set_exposure_cap(&mut self, id: ExposureCapId, cap: Option<Assets>) -> Result<(), Stop> {
        Ok(self.write(Native::Market, keys::exposure_cap(id), &[cap_word(cap)?])?)
    }

    fn exposure(&mut self, id: ExposureId) -> Result<Debt, Stop> {
        Ok(debt_from_word(self.read_one(Native::Market, keys::exposure(id))?))
    }

    fn set_exposure(&mut self, id: ExposureId, debt: Debt) -> Result<(), Stop> {
        Ok(self.write(Native::Market, keys::exposure(id), &[debt_word(debt)])?)
    }

    fn account(&mut self, id: &AccountId) -> Result<Account, Stop> {
        let first = keys::account(id);
        let head = self.read_one(Native::Market, first)?;
        let mut words = vec![U256::ZERO; account_slots(head)];
        self.read(Native::Market, first, &mut words)?;
        Ok(account_from_words(&words)?)
    }

    fn set_account(&mut self, id: &AccountId, account: &Account) -> Result<(), Stop> {
        let first = keys::account(id);
        let before = account_slots(self.read_one(Native::Market, first)?);
        let mut words = account_words(account)?;
        words.resize(words.len().max(before), U256::ZERO);
        Ok(self.write(Native::Market, first, &words)?)
    }

    fn queue(&mut self, id: QueueId) -> Result<Queue, Stop> {
        let tiers = self.read_one(Native::Market, keys::queue(id))?;
        Ok(Queue { tiers: u64::try_from(tiers).map_err(|_| Fault::Unreadable)? })
    }

    fn set_queue(&mut self, id: QueueId, queue: &Queue) -> Result<(), Stop> {
        Ok(self.write(Native::Market, keys::queue(id), &[U256::from(queue.tiers)])?)
    }

    fn tier(&mut self, queue: QueueId, tier: Tier) -> Result<TierState, Stop> {
        Ok(self.record(Native::Market, keys::tier(queue, tier), 4)?.unwrap_or_default())
    }

    fn set_tier(&mut self, queue: QueueId, tier: Tier, state: &TierState) -> Result<(), Stop> {
        self.set_record(Native::Market, keys::tier(queue, tier), state)
    }

    fn tier_sum(&mut self, queue: QueueId, tier: Tier, scale: u32) -> Result<U256, Stop> {
        Ok(self.read_one(Native::Market, keys::tier_sum(queue, tier, scale))?)
    }

    fn set_tier_sum(
        &mut self,
        queue: QueueId,
        tier: Tier,
        scale: u32,
        sum: U256,
    ) -> Result<(), Stop> {
        Ok(self.write(Native::Market, keys::tier_sum(queue, tier, scale), &[sum])?)
    }

    fn bid(&mut self, id: &BidId) -> Result<Bid, Stop> {
        Ok(self.record(Native::Market, keys::bid(id), 4)?.unwrap_or_default())
    }

    fn set_bid(&mut self, id: &BidId, bid: &Bid) -> Result<(), Stop> {
        self.set_record(Native::Market, keys::bid(id), bid)
    }

    fn tranche(&mut self, market: MarketId, vault: VaultId) -> Result<Option<Tranche>, Stop> {
        self.record(Native::Market, keys::tranche(market, vault), 3)
    }

    fn set_tranche(
        &mut self,
        market: MarketId,
        vault: VaultId,
        tranche: &Tranche,
    ) -> Result<(), Stop> {
        self.set_record(Native::Market, keys::tranche(market, vault), tranche)
    }

    fn stake(&mut self, id: &StakeId) -> Result<Stake, Stop> {
        Ok(self.record(Native::Market, keys::stake(id), 1)?.unwrap_or_default())
    }

    fn set_stake(&mut self, id: &StakeId, stake: &Stake) -> Result<(), Stop> {
        self.set_record(Native::Market, keys::stake(id), stake)
    }

    fn stop_loss(&mut self, id: &AccountId) -> Result<Option<StopLoss>, Stop> {
        self.record(Native::Market, keys::stop_loss(id), 2)
    }

    fn set_stop_loss(&mut self, id: &AccountId, order: Option<&StopLoss>) -> Result<(), Stop> {
        let words = order.map_or(Ok([U256::ZERO; 2]), StopLoss::to_words)?;
        Ok(self.write(Native::Market, keys::stop_loss(id), &words)?)
    }

    fn operator(&mut self, account: &AccountId, operator: Address) -> Result<Operator, Stop> {
        let key = keys::operator(account, operator);
        Ok(self.record(Native::Market, key, 1)?.unwrap_or_default())
    }

    fn set_operator(
        &mut self,
        account: &AccountId,
        operator: Address,
        terms: &Operator,
    ) -> Result<(), Stop> {
        self.set_record(Native::Market, keys::operator(account, operator), terms)
    }

    fn credit(&mut self, id: &CreditId) -> Result<Credit, Stop> {
        Ok(self.record(Native::Market, keys::credit(id), 2)?.unwrap_or_default())
    }

    fn set_credit(&mut self, id: &CreditId, credit: &Credit) -> Result<(), Stop> {
        self.set_record(Native::Market, keys::credit(id), credit)
    }

    fn authorisation_nonce(&mut self, owner: Address) -> Result<u64, Stop> {
        let nonce = self.number(Native::Market, keys::nonce(owner))?;
        Ok(u64::try_from(nonce).map_err(|_| Fault::Unreadable)?)
    }

    fn set_authorisation_nonce(&mut self, owner: Address, nonce: u64) -> Result<(), Stop> {
        Ok(self.write(Native::Market, keys::nonce(owner), &[U256::from(nonce)])?)
    }

    fn exit_queue(&mut self, vault: VaultId) -> Result<ExitQueue, Stop> {
        Ok(self.record(Native::Exit(vault), keys::OWN, 2)?.unwrap_or_default())
    }

    fn set_exit_queue(&mut self, vault: VaultId, queue: &ExitQueue) -> Result<(), Stop> {
        self.set_own(Native::Exit(vault), queue, 2)
    }

    fn exit_checkpoint(&mut self, vault: VaultId, fill: (u32, u64)) -> Result<Checkpoint, Stop> {
        let key = keys::exit_checkpoint(fill);
        Ok(self.record(Native::Exit(vault), key, 1)?.unwrap_or_default())
    }

    fn set_exit_checkpoint(
        &mut self,
        vault: VaultId,
        fill: (u32, u64),
        checkpoint: &Checkpoint,
    ) -> Result<(), Stop> {
        self.set_record(Native::Exit(vault), keys::exit_checkpoint(fill), checkpoint)
    }

    fn place(&mut self, id: PlaceId) -> Result<Option<Place>, Stop> {
        self.record(Native::Exit(id.vault), keys::place(id.number), 2)
    }

    fn set_place(&mut self, id: PlaceId, place: Option<&Place>) -> Result<(), Stop> {
        let words = place.map_or(Ok([U256::ZERO; 2]), Place::to_words)?;
        Ok(self.write(Native::Exit(id.vault), keys::place(id.number), &words)?)
    }

    fn place_approval(&mut self, id: PlaceId) -> Result<Address, Stop> {
        let word = self.read_one(Native::Exit(id.vault), keys::place_approval(id.number))?;
        Ok(Address::from_word(word.into()))
    }

    fn set_place_approval(&mut self, id: PlaceId, approved: Address) -> Result<(), Stop> {
        let word = U256::from_be_bytes(approved.into_word().0);
        Ok(self.write(Native::Exit(id.vault), keys::place_approval(id.number), &[word])?)
    }

    fn places_held(&mut self, vault: VaultId, owner: Address) -> Result<u64, Stop> {
        let held = self.number(Native::Exit(vault), keys::balance(owner))?;
        Ok(u64::try_from(held).map_err(|_| Fault::Unreadable)?)
    }

    fn set_places_held(&mut self, vault: VaultId, owner: Address, held: u64) -> Result<(), Stop> {
        Ok(self.write(Native::Exit(vault), keys::balance(owner), &[U256::from(held)])?)
    }

    fn place_at(&mut self, vault: VaultId, at: (Address, u32)) -> Result<u64, Stop> {
        let number = self.number(Native::Exit(vault), keys::place_at(at))?;
        Ok(u64::try_from(number).map_err(|_| Fault::Unreadable)?)
    }

    fn set_place_at(
        &mut self,
        vault: VaultId,
        at: (Address, u32),
        number: u64,
    ) -> Result<(), Stop> {
        Ok(self.write(Native::Exit(vault), keys::place_at(at), &[U256::from(number)])?)
    }

    fn is_place_operator(
        &mut self,
        vault: VaultId,
        owner: Address,
        operator: Address,
    ) -> Result<bool, Stop> {
        Ok(!self.read_one(Native::Exit(vault), keys::allowance(owner, operator))?.is_zero())
    }

    fn set_place_operator(
        &mut self,
        vault: VaultId,
        (owner, operator): (Address, Address),
        allowed: bool,
    ) -> Result<(), Stop> {
        let word = U256::from(u8::from(allowed));
        Ok(self.write(Native::Exit(vault), keys::allowance(owner, operator), &[word])?)
    }

    fn balance(&mut self, token: Token, holder: Address) -> Result<u128, Stop> {
        self.number(contract(token), keys::balance(holder))
    }

    fn set_balance(&mut self, token: Token, holder: Address, balance: u128) -> Result<(), Stop> {
        Ok(self.write(contract(token), keys::balance(holder), &[U256::from(balance)])?)
    }

    fn allowance(&mut self, token: Token, owner: Address, spender: Address) -> Result<U256, Stop> {
        Ok(self.read_one(contract(token), keys::allowance(owner, spender))?)
    }

    fn set_allowance(
        &mut self,
        token: Token,
        owner: Address,
        spender: Address,
        allowance: U256,
    ) -> Result<(), Stop> {
        Ok(self.write(contract(token), keys::allowance(owner, spender), &[allowance])?)
    }

    fn permit_nonce(&mut self, token: Token, owner: Address) -> Result<u64, Stop> {
        let nonce = self.number(contract(token), keys::nonce(owner))?;
        Ok(u64::try_from(nonce).map_err(|_| Fault::Unreadable)?)
    }

    fn set_permit_nonce(&mut self, token: Token, owner: Address, nonce: u64) -> Result<(), Stop> {
        Ok(self.write(contract(token), keys::nonce(owner), &[U256::from(nonce)])?)
    }

    fn emit(&mut self, event: Event) -> Result<(), Stop> {
        let (emitter, data) = encode_event(&event);
        let contract = Native::at(emitter).ok_or(Fault::Unreadable)?;
        Ok(self.slots.log(contract, data)?)
    }
}
