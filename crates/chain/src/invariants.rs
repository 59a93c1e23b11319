//! The protocol's invariants after a block, and from one block to the next, over the state as it is stored.

use alloy_primitives::{Address, U256};
use alloy_sol_types::SolEvent;
use gage_abi::{IMarket, decode_event};
use gage_core::address::{self, MARKET};
use gage_core::invariants::Report;
use gage_core::{AccountId, AssetKind, Event, MemoryLedger, Stop, Timestamp, WAD, margin};
use gage_evm::census::{Census, Names, census};
use gage_evm::view;
use gage_state::{StateError, View};

use crate::{Chain, ChainError, LogError, LogFilter, lookout::BATCH};

/// Follows a chain and checks every block: the state after it, and the step to that from the state before.
#[derive(Debug)]
pub struct Inspector {
    next: u64,
    /// The state before the next block, if it is kept.
    before: Option<MemoryLedger>,
    names: Names,
    report: Report,
    blocks: u64,
}

impl Inspector {
    /// An inspector of the block `next` and of those that follow.
    ///
    /// # Errors
    /// The store failed, or a record does not read.
    pub fn at(chain: &Chain, next: u64) -> Result<Self, ChainError> {
        let (mut names, mut before) = (Names::default(), None);
        if let Some(parent) = next.checked_sub(1) {
            names = chain.names(parent)?;
            before = match chain.census(parent, &names) {
                Ok((census, _)) => Some(census.ledger),
                Err(ChainError::State(StateError::Pruned { .. })) => None,
                Err(error) => return Err(error),
            };
        }
        Ok(Self { next, before, names, report: Report::default(), blocks: 0 })
    }

    /// Checks the next block.
    ///
    /// # Errors
    /// The state is not kept, or cannot be read. A broken invariant is no error.
    pub fn inspect(&mut self, chain: &Chain) -> Result<(), ChainError> {
        let told = chain.told(self.next)?;
        told.iter().for_each(|event| self.names.hear(event));
        let (census, coins) = chain.census(self.next, &self.names)?;
        self.report.add(census.report());
        self.report.add(coins);
        if let Some(before) = &self.before {
            self.report.add(Report::of_block(before, &census.ledger, &told));
        }
        self.before = Some(census.ledger);
        self.next += 1;
        self.blocks += 1;
        Ok(())
    }

    /// Checks all blocks up to the head that were not yet.
    ///
    /// # Errors
    /// As [`inspect`](Self::inspect).
    pub fn follow(&mut self, chain: &Chain) -> Result<(), ChainError> {
        while self.next <= chain.head().number {
            self.inspect(chain)?;
        }
        Ok(())
    }

    /// What was found so far.
    pub const fn report(&self) -> &Report {
        &self.report
    }

    /// How many blocks were checked.
    pub const fn blocks(&self) -> u64 {
        self.blocks
    }
}

impl Chain {
    /// Checks every invariant in the state after a block, and from its parent's state if that is kept; at
    /// the head, also that the liquidation index misses nobody. Takes time in proportion to the state.
    ///
    /// # Errors
    /// The state is not kept, or cannot be read. A broken invariant is no error.
    pub fn check_block(&self, number: u64) -> Result<Report, ChainError> {
        self.header(number)?.ok_or(ChainError::UnknownBlock(number))?;
        let mut inspector = Inspector::at(self, number)?;
        inspector.inspect(self)?;
        let mut report = inspector.report;
        if self.head().number == number {
            self.check_index(number, &mut report)?;
        }
        Ok(report)
    }

    /// The records of the state after a block, and what of them is checked against coins.
    fn census(&self, number: u64, names: &Names) -> Result<(Census, Report), ChainError> {
        let header = self.header(number)?.ok_or(ChainError::UnknownBlock(number))?;
        let state = self.state(number)?;
        let slots = |address: Address| -> Result<Vec<(U256, U256)>, ChainError> {
            Ok(state.storage_of(address)?.collect::<Result<_, _>>()?)
        };
        let census = census(slots, Timestamp::new(header.timestamp), names)?;
        let mut report = Report::default();
        wrapped_coins(&state, &census.ledger, &mut report)?;
        Ok((census, report))
    }

    /// What the blocks up to `number` named of that which is stored by hashes.
    fn names(&self, number: u64) -> Result<Names, ChainError> {
        let mut filter = LogFilter { to: number, addresses: vec![MARKET], ..LogFilter::default() };
        filter.topics[0] = vec![
            IMarket::BidPlaced::SIGNATURE_HASH,
            IMarket::OperatorChanged::SIGNATURE_HASH,
            IMarket::CreditDelegated::SIGNATURE_HASH,
        ];
        let found = self.logs(&filter, usize::MAX).map_err(|error| match error {
            LogError::Chain(error) => error,
            LogError::TooMany(_) => ChainError::UnknownBlock(number),
        })?;
        let mut names = Names::default();
        found
            .iter()
            .filter_map(|found| decode_event(&found.log))
            .for_each(|event| names.hear(&event));
        Ok(names)
    }

    /// What a block's logs told, as far as it decodes.
    fn told(&self, number: u64) -> Result<Vec<Event>, ChainError> {
        let receipts = self.receipts(number)?.ok_or(ChainError::UnknownBlock(number))?;
        let logs = receipts.iter().flat_map(|found| found.receipt.logs());
        Ok(logs.filter_map(decode_event).collect())
    }

    /// LIQ-5: whoever is below health one is among those whom the index suspects.
    fn check_index(&self, number: u64, report: &mut Report) -> Result<(), ChainError> {
        let header = self.header(number)?.ok_or(ChainError::UnknownBlock(number))?;
        let (state, now) = (self.state(number)?, Timestamp::new(header.timestamp));
        let suspects = self.lookout().suspects(state.clone(), now)?;
        // The index follows the store: if that has moved on, what it says is of another state.
        if self.store().head().map(|head| head.number) != Some(number) {
            return Ok(());
        }
        let mut accounts: Vec<AccountId> = Vec::new();
        for slot in state.storage_of(MARKET)? {
            accounts.extend(view::account_of(slot?.0));
        }
        accounts.sort_unstable();
        accounts.dedup();
        let mut ledger = view::ledger_at(state, now);
        for batch in accounts.chunks(BATCH) {
            ledger.discard();
            for id in batch {
                let health = match margin::health(&mut ledger, id) {
                    Ok(health) => health,
                    Err(stop @ Stop::Fault(_)) => return Err(ChainError::Ledger(stop)),
                    Err(Stop::Refused(_)) => continue,
                };
                let seen = health.get() >= WAD || suspects.binary_search(id).is_ok();
                report.check("LIQ-5", seen, || format!("{id:?} is at {health}, unsuspected"));
            }
        }
        Ok(())
    }
}

/// SOL-2: coins that wrapped ones stand for are there.
fn wrapped_coins(
    state: &View,
    ledger: &MemoryLedger,
    report: &mut Report,
) -> Result<(), ChainError> {
    for (id, asset) in &ledger.assets {
        if asset.kind != AssetKind::WrappedNative {
            continue;
        }
        let held = state.account(address::asset(*id))?;
        let coins = held.map(|account| account.info.balance).unwrap_or_default();
        report.check("SOL-2", coins.saturating_to::<u128>() >= asset.supply.get(), || {
            format!("{coins} coins stand for {} wrapped ones", asset.supply)
        });
    }
    Ok(())
}
