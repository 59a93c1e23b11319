//! All that a state's storage says of the protocol, as a ledger in memory: what `gage_core::invariants`
//! checks.

use crate::ledger::SlotLedger;
use crate::records::entries::{Entry, Hashed, entry_of};
use crate::records::keys;
use crate::view::{self, ViewSlots};
use alloy_primitives::{Address, B256, U256};
use gage_core::address::Native;
use gage_core::delegation::CreditId;
use gage_core::invariants::Report;
use gage_core::{
    AccountId, AssetId, BidId, Event, FeedId, GuardLedger, Guarded, Ledger, MemoryLedger, PlaceId,
    PriceLedger, Stop, Timestamp, Token, VaultId,
};
use revm::DatabaseRef;
use revm::bytecode::Bytecode;
use revm::state::AccountInfo;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::convert::Infallible;

/// Names of records whose keys are hashes, as events told them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    bids: BTreeSet<BidId>,
    operators: BTreeSet<(AccountId, Address)>,
    credits: BTreeSet<CreditId>,
}

impl Names {
    /// Takes down what an event names.
    pub fn hear(&mut self, event: &Event) {
        match event {
            Event::BidPlaced { bid, .. } => {
                self.bids.insert(*bid);
            }
            Event::OperatorChanged { account, operator, .. } => {
                self.operators.insert((*account, *operator));
            }
            Event::CreditDelegated { id, .. } => {
                self.credits.insert(*id);
            }
            _ => {}
        }
    }
}

/// The records of a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Census {
    /// Everything that invariants are about. Left out is what none is about: allowances, permits, sources
    /// and what they said, signers, pools, rebasing views.
    pub ledger: MemoryLedger,
    /// How many bids, operators and credits no event had named.
    pub nameless: usize,
}

impl Census {
    /// Checks what was counted, and that it is all.
    #[must_use]
    pub fn report(&self) -> Report {
        let mut report = Report::of_state(&self.ledger);
        report.check("SOL-3", self.nameless == 0, || {
            format!("{} bids, operators or credits that no event told of", self.nameless)
        });
        report
    }
}

/// Counts the records of a state at the moment `now`. `storage_of` lists all slots of an account that are
/// not zero; `names` are those that events told up to this state.
///
/// # Errors
/// Those of `storage_of`; a record that does not read.
pub fn census<E: From<Stop>>(
    mut storage_of: impl FnMut(Address) -> Result<Vec<(U256, U256)>, E>,
    now: Timestamp,
    names: &Names,
) -> Result<Census, E> {
    let mut scan = Scan::default();
    scan.add(Native::Registry, &mut storage_of)?;
    let protocol = view::ledger_at(scan.clone(), now).protocol()?;
    let assets = (1..=protocol.assets).map(|id| Native::Asset(AssetId::new(id)));
    let vaults = (1..=protocol.vaults).map(VaultId::new);
    let vaults = vaults.flat_map(|id| [Native::Vault(id), Native::Exit(id)]);
    for contract in [Native::Oracle, Native::Market].into_iter().chain(assets).chain(vaults) {
        scan.add(contract, &mut storage_of)?;
    }
    let entries: Vec<_> =
        scan.0.iter().map(|(contract, slots)| (*contract, entries(slots))).collect();
    let mut count = Count {
        view: view::ledger_at(scan, now),
        ledger: MemoryLedger { protocol, ..MemoryLedger::at(now) },
        hashes: BTreeSet::new(),
    };
    for (contract, entries) in entries {
        count.contract(contract, &entries)?;
    }
    let named = count.named(names)?;
    Ok(Census { nameless: count.hashes.len().saturating_sub(named), ledger: count.ledger })
}

/// The records that some slots are parts of.
fn entries(slots: &HashMap<U256, U256>) -> BTreeSet<Entry> {
    slots.keys().filter_map(|key| entry_of(*key)).collect()
}

/// Storage of native contracts, read at once.
#[derive(Clone, Debug, Default)]
struct Scan(BTreeMap<Native, HashMap<U256, U256>>);

impl Scan {
    fn add<E>(
        &mut self,
        contract: Native,
        storage_of: &mut impl FnMut(Address) -> Result<Vec<(U256, U256)>, E>,
    ) -> Result<(), E> {
        let slots = storage_of(contract.address())?;
        let written = slots.into_iter().filter(|(_, value)| !value.is_zero());
        self.0.insert(contract, written.collect());
        Ok(())
    }
}

impl DatabaseRef for Scan {
    type Error = Infallible;

    fn basic_ref(&self, _: Address) -> Result<Option<AccountInfo>, Infallible> {
        Ok(None)
    }

    fn code_by_hash_ref(&self, _: B256) -> Result<Bytecode, Infallible> {
        Ok(Bytecode::default())
    }

    fn storage_ref(&self, address: Address, key: U256) -> Result<U256, Infallible> {
        let slots = Native::at(address).and_then(|contract| self.0.get(&contract));
        Ok(slots.and_then(|slots| slots.get(&key)).copied().unwrap_or_default())
    }

    fn block_hash_ref(&self, _: u64) -> Result<B256, Infallible> {
        Ok(B256::ZERO)
    }
}

/// A count under way.
struct Count {
    view: SlotLedger<ViewSlots<Scan>>,
    ledger: MemoryLedger,
    hashes: BTreeSet<(Hashed, U256)>,
}

impl Count {
    fn contract(&mut self, contract: Native, entries: &BTreeSet<Entry>) -> Result<(), Stop> {
        let Self { view, ledger, .. } = self;
        match contract {
            Native::Asset(id) => ledger.set_asset(id, &view.asset(id)?)?,
            Native::Vault(id) => ledger.set_vault(id, &view.vault(id)?)?,
            Native::Exit(id) => ledger.set_exit_queue(id, &view.exit_queue(id)?)?,
            _ => {}
        }
        for entry in entries {
            // The ledger's cache is searched one slot after the other.
            self.view.discard();
            match contract {
                Native::Registry => self.registry(*entry)?,
                Native::Oracle => self.oracle(*entry)?,
                Native::Market => {
                    self.listing(*entry)?;
                    self.account(*entry)?;
                    self.offer(*entry)?;
                }
                Native::Asset(id) => self.token(Token::Asset(id), *entry)?,
                Native::Vault(id) => self.token(Token::Share(id), *entry)?,
                Native::Exit(id) => self.exits(id, *entry)?,
                Native::Rebasing(_) => {}
            }
        }
        Ok(())
    }

    fn registry(&mut self, entry: Entry) -> Result<(), Stop> {
        let Self { view, ledger, .. } = self;
        match entry {
            Entry::Factor(id) => ledger.set_factor(id, &view.factor(id)?),
            Entry::FactorAssets(id) => ledger.set_factor_assets(id, &view.factor_assets(id)?),
            Entry::Tags(id) => ledger.set_tags(id, &view.tags(id)?),
            _ => Ok(()),
        }
    }

    fn oracle(&mut self, entry: Entry) -> Result<(), Stop> {
        let Self { view, ledger, .. } = self;
        match entry {
            Entry::Feed(id) => {
                ledger.set_feed(id, &view.feed(id)?)?;
                ledger.set_feed_info(id, &view.feed_info(id)?)?;
                ledger.set_feed_terms(id, &view.feed_terms(id)?)?;
                ledger.set_track(id, &view.track(id)?)?;
                ledger.set_growth_cap(id, &view.growth_cap(id)?)
            }
            Entry::Spell(id) => {
                let what = Guarded::Feed(FeedId::new(id));
                ledger.set_spell(what, view.spell(what)?)
            }
            _ => Ok(()),
        }
    }

    /// What markets list and bound.
    fn listing(&mut self, entry: Entry) -> Result<(), Stop> {
        let Self { view, ledger, .. } = self;
        match entry {
            Entry::Market(id) => ledger.set_market(id, &view.market(id)?),
            Entry::Collateral(id, asset) => {
                ledger.set_collateral(id, asset, &view.collateral(id, asset)?)
            }
            Entry::Line(id, vault) => ledger.set_line(id, vault, &view.line(id, vault)?),
            Entry::VaultLines(id) => ledger.set_vault_lines(id, &view.vault_lines(id)?),
            Entry::Group(id, group) => ledger.set_group(id, group, &view.group(id, group)?),
            Entry::Kept(id, subject) => ledger.set_kept(id, subject, &view.kept(id, subject)?),
            Entry::Portfolio(id) => ledger.set_portfolio(id, &view.portfolio(id)?),
            Entry::RiskFactor(id, place, asset) => {
                let factor = view.risk_factor(id, place, asset)?;
                ledger.set_risk_factor(id, place, asset, factor.as_ref())
            }
            Entry::CappedFactors(id) => ledger.set_capped_factors(id, &view.capped_factors(id)?),
            Entry::ExposureCap(id) => ledger.set_exposure_cap(id, view.exposure_cap(id)?),
            Entry::Exposure(id) => ledger.set_exposure(id, view.exposure(id)?),
            Entry::Meter(id, vault) => ledger.set_meter(id, vault, &view.meter(id, vault)?),
            Entry::Breaker(id) => ledger.set_breaker(id, &view.breaker(id)?),
            Entry::Spell(id) => {
                let what = Guarded::Market(gage_core::MarketId::new(id));
                ledger.set_spell(what, view.spell(what)?)
            }
            _ => Ok(()),
        }
    }

    /// What borrowers have, and let others do.
    fn account(&mut self, entry: Entry) -> Result<(), Stop> {
        let Self { view, ledger, hashes } = self;
        match entry {
            Entry::Account(id) => ledger.set_account(&id, &view.account(&id)?),
            Entry::StopLoss(id) => ledger.set_stop_loss(&id, view.stop_loss(&id)?.as_ref()),
            Entry::Nonce(owner) => {
                ledger.set_authorisation_nonce(owner, view.authorisation_nonce(owner)?)
            }
            Entry::Hashed(kind, hash) => {
                hashes.insert((kind, hash));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Bids and stakes.
    fn offer(&mut self, entry: Entry) -> Result<(), Stop> {
        let Self { view, ledger, .. } = self;
        match entry {
            Entry::Queue(id) => ledger.set_queue(id, &view.queue(id)?),
            Entry::Tier(queue, tier) => ledger.set_tier(queue, tier, &view.tier(queue, tier)?),
            Entry::TierSum(queue, tier, scale) => {
                let sum = view.tier_sum(queue, tier, scale)?;
                ledger.set_tier_sum(queue, tier, scale, sum)
            }
            Entry::Tranche(id, vault) => match view.tranche(id, vault)? {
                Some(tranche) => ledger.set_tranche(id, vault, &tranche),
                None => Ok(()),
            },
            Entry::Stake(id) => ledger.set_stake(&id, &view.stake(&id)?),
            _ => Ok(()),
        }
    }

    fn token(&mut self, token: Token, entry: Entry) -> Result<(), Stop> {
        let Self { view, ledger, .. } = self;
        match entry {
            Entry::Balance(holder) => {
                ledger.set_balance(token, holder, view.balance(token, holder)?)
            }
            _ => Ok(()),
        }
    }

    fn exits(&mut self, vault: VaultId, entry: Entry) -> Result<(), Stop> {
        let Self { view, ledger, .. } = self;
        match entry {
            Entry::Balance(owner) => {
                ledger.set_places_held(vault, owner, view.places_held(vault, owner)?)
            }
            Entry::ExitCheckpoint(run, number) => {
                let fill = (run, number);
                ledger.set_exit_checkpoint(vault, fill, &view.exit_checkpoint(vault, fill)?)
            }
            Entry::Place(number) => {
                let id = PlaceId { vault, number };
                ledger.set_place(id, view.place(id)?.as_ref())
            }
            Entry::PlaceApproval(number) => {
                let id = PlaceId { vault, number };
                ledger.set_place_approval(id, view.place_approval(id)?)
            }
            Entry::PlaceAt(owner, index) => {
                let at = (owner, index);
                ledger.set_place_at(vault, at, view.place_at(vault, at)?)
            }
            _ => Ok(()),
        }
    }

    /// Reads the records with these names, and says how many of the hashes are theirs.
    fn named(&mut self, names: &Names) -> Result<usize, Stop> {
        let Self { view, ledger, hashes } = self;
        let mut found = 0;
        let mut is_there = |kind, hash| {
            let there = hashes.contains(&(kind, hash));
            found += usize::from(there);
            there
        };
        for id in &names.bids {
            if is_there(Hashed::Bid, keys::bid(id)) {
                ledger.set_bid(id, &view.bid(id)?)?;
            }
            view.discard();
        }
        for (account, operator) in &names.operators {
            if is_there(Hashed::Operator, keys::operator(account, *operator)) {
                ledger.set_operator(account, *operator, &view.operator(account, *operator)?)?;
            }
            view.discard();
        }
        for id in &names.credits {
            if is_there(Hashed::Credit, keys::credit(id)) {
                ledger.set_credit(id, &view.credit(id)?)?;
            }
            view.discard();
        }
        Ok(found)
    }
}
