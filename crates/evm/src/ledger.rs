//! The ledger of `gage_core` over storage slots.

use crate::records::{
    Record, account_from_words, account_slots, account_words, keys, market_from_words,
    market_slots, market_words,
};
use crate::slots::Slots;
use alloy_primitives::{Address, U256};
use gage_abi::encode_event;
use gage_core::address::Native;
use gage_core::{
    Account, AccountId, Asset, AssetId, Collateral, Error, Event, Fault, Feed, FeedId, Ledger,
    Line, Market, MarketId, Protocol, Stop, Timestamp, Token, Vault, VaultId,
};

/// Records in storage slots. Every slot is read once, when it is first needed, and written once, if
/// it changed, by [`SlotLedger::commit`]; until then nothing but logs and code markers has left.
#[derive(Debug)]
pub struct SlotLedger<S> {
    slots: S,
    cached: Vec<Cached>,
}

/// A slot that was read.
#[derive(Clone, Copy, Debug)]
struct Cached {
    contract: Native,
    key: U256,
    stored: U256,
    value: U256,
}

/// Slots that a typical operation reads.
const SLOTS_EXPECTED: usize = 48;

impl<S: Slots> SlotLedger<S> {
    /// A ledger over `slots`.
    #[must_use]
    pub fn new(slots: S) -> Self {
        Self { slots, cached: Vec::with_capacity(SLOTS_EXPECTED) }
    }

    /// Writes what changed.
    ///
    /// # Errors
    /// A fault of the slots; what was written before it has to be taken back.
    pub fn commit(&mut self) -> Result<(), Fault> {
        self.cached.retain(|slot| slot.value != slot.stored);
        self.cached.sort_by_key(|slot| slot.contract);
        for group in self.cached.chunk_by(|one, other| one.contract == other.contract) {
            let mut changes = group.iter().map(|slot| (slot.key, slot.value));
            if let Some(first) = group.first() {
                self.slots.store(first.contract, &mut changes)?;
            }
        }
        self.cached.clear();
        Ok(())
    }

    /// Forgets what changed since the last commit.
    pub fn discard(&mut self) {
        self.cached.clear();
    }

    /// The slots below.
    pub fn slots(&mut self) -> &mut S {
        &mut self.slots
    }

    /// The slots below.
    pub fn into_slots(self) -> S {
        self.slots
    }

    fn place(&self, contract: Native, key: U256) -> Option<usize> {
        self.cached.iter().position(|slot| slot.key == key && slot.contract == contract)
    }

    /// Reads consecutive slots, from memory if the first of them was read before.
    fn read(&mut self, contract: Native, first: U256, words: &mut [U256]) -> Result<(), Fault> {
        let known = self.place(contract, first).unwrap_or(self.cached.len());
        let mut cached = self.cached.get(known..).unwrap_or_default().iter();
        let mut filled = 0;
        for (word, key) in words.iter_mut().zip(keys_from(first)) {
            match cached.next() {
                Some(slot) if slot.contract == contract && slot.key == key => *word = slot.value,
                _ => break,
            }
            filled += 1;
        }
        let missing = words.get_mut(filled..).unwrap_or_default();
        if missing.is_empty() {
            return Ok(());
        }
        self.slots.load(contract, first + U256::from(filled), missing)?;
        for (word, key) in words.iter_mut().zip(keys_from(first)).skip(filled) {
            match self.place(contract, key) {
                Some(place) => *word = self.cached[place].value,
                None => {
                    self.cached.push(Cached { contract, key, stored: *word, value: *word });
                }
            }
        }
        Ok(())
    }

    /// Writes consecutive slots, reading first what was never read.
    fn write(&mut self, contract: Native, first: U256, words: &[U256]) -> Result<(), Fault> {
        let mut before = vec![U256::ZERO; words.len()];
        self.read(contract, first, &mut before)?;
        for ((word, old), key) in words.iter().zip(&before).zip(keys_from(first)) {
            if word != old
                && let Some(place) = self.place(contract, key)
            {
                self.cached[place].value = *word;
            }
        }
        Ok(())
    }

    fn read_one(&mut self, contract: Native, key: U256) -> Result<U256, Fault> {
        let mut word = [U256::ZERO];
        self.read(contract, key, &mut word)?;
        Ok(word[0])
    }

    /// The record at `first`, if it was ever written.
    fn record<R: Record<N>, const N: usize>(
        &mut self,
        contract: Native,
        first: U256,
    ) -> Result<Option<R>, Stop> {
        let mut words = [U256::ZERO; N];
        self.read(contract, first, &mut words)?;
        if words[0].is_zero() {
            return Ok(None);
        }
        Ok(Some(R::from_words(words)?))
    }

    fn set_record<R: Record<N>, const N: usize>(
        &mut self,
        contract: Native,
        first: U256,
        record: &R,
    ) -> Result<(), Stop> {
        Ok(self.write(contract, first, &record.to_words()?)?)
    }

    /// Writes the own record of a contract; one that is new receives its code.
    fn set_own<R: Record<N>, const N: usize>(
        &mut self,
        contract: Native,
        record: &R,
    ) -> Result<(), Stop> {
        if self.read_one(contract, keys::OWN)?.is_zero() {
            self.slots.mark(contract)?;
        }
        self.set_record(contract, keys::OWN, record)
    }

    fn number(&mut self, contract: Native, key: U256) -> Result<u128, Stop> {
        Ok(u128::try_from(self.read_one(contract, key)?).map_err(|_| Fault::Unreadable)?)
    }
}

fn keys_from(first: U256) -> impl Iterator<Item = U256> {
    core::iter::successors(Some(first), |key| Some(*key + U256::ONE))
}

const fn contract(token: Token) -> Native {
    match token {
        Token::Asset(id) => Native::Asset(id),
        Token::Share(id) => Native::Vault(id),
    }
}

impl<S: Slots> Ledger for SlotLedger<S> {
    fn now(&self) -> Timestamp {
        self.slots.now()
    }

    fn protocol(&mut self) -> Result<Protocol, Stop> {
        Ok(self.record(Native::Registry, keys::OWN)?.unwrap_or_default())
    }

    fn set_protocol(&mut self, protocol: &Protocol) -> Result<(), Stop> {
        self.set_record(Native::Registry, keys::OWN, protocol)
    }

    fn asset(&mut self, id: AssetId) -> Result<Asset, Stop> {
        let found = self.record(Native::Asset(id), keys::OWN)?;
        Ok(found.ok_or(Error::UnknownAsset { asset: id })?)
    }

    fn set_asset(&mut self, id: AssetId, asset: &Asset) -> Result<(), Stop> {
        self.set_own(Native::Asset(id), asset)
    }

    fn vault(&mut self, id: VaultId) -> Result<Vault, Stop> {
        let found = self.record(Native::Vault(id), keys::OWN)?;
        Ok(found.ok_or(Error::UnknownVault { vault: id })?)
    }

    fn set_vault(&mut self, id: VaultId, vault: &Vault) -> Result<(), Stop> {
        self.set_own(Native::Vault(id), vault)
    }

    fn market(&mut self, id: MarketId) -> Result<Market, Stop> {
        let first = keys::market(id);
        let head = self.read_one(Native::Market, first)?;
        if head.is_zero() {
            return Err(Error::UnknownMarket { market: id }.into());
        }
        let mut words = vec![U256::ZERO; market_slots(head)];
        self.read(Native::Market, first, &mut words)?;
        Ok(market_from_words(&words)?)
    }

    fn set_market(&mut self, id: MarketId, market: &Market) -> Result<(), Stop> {
        Ok(self.write(Native::Market, keys::market(id), &market_words(market)?)?)
    }

    fn collateral(&mut self, market: MarketId, asset: AssetId) -> Result<Collateral, Stop> {
        let found = self.record(Native::Market, keys::collateral(market, asset))?;
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

    fn line(&mut self, market: MarketId, vault: VaultId) -> Result<Line, Stop> {
        let found = self.record(Native::Market, keys::line(market, vault))?;
        Ok(found.ok_or(Error::VaultNotListed { market, vault })?)
    }

    fn set_line(&mut self, market: MarketId, vault: VaultId, line: &Line) -> Result<(), Stop> {
        self.set_record(Native::Market, keys::line(market, vault), line)
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

    fn feed(&mut self, id: FeedId) -> Result<Feed, Stop> {
        let found = self.record(Native::Oracle, keys::feed(id))?;
        Ok(found.ok_or(Error::UnknownFeed { feed: id })?)
    }

    fn set_feed(&mut self, id: FeedId, feed: &Feed) -> Result<(), Stop> {
        self.set_record(Native::Oracle, keys::feed(id), feed)
    }

    fn is_publisher(&mut self, feed: FeedId, publisher: Address) -> Result<bool, Stop> {
        Ok(!self.read_one(Native::Oracle, keys::publisher(feed, publisher))?.is_zero())
    }

    fn set_publisher(
        &mut self,
        feed: FeedId,
        publisher: Address,
        allowed: bool,
    ) -> Result<(), Stop> {
        let key = keys::publisher(feed, publisher);
        Ok(self.write(Native::Oracle, key, &[U256::from(u8::from(allowed))])?)
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
