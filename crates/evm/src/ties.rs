//! Totals that must agree with the parts they sum, recomputed from storage.

use crate::ledger::SlotLedger;
use crate::records::keys;
use crate::view::{self, ViewSlots};
use alloy_primitives::{Address, U256};
use gage_core::address::{self, MARKET, market_custody};
use gage_core::{AssetId, Ledger, PlaceId, Stop, Token, VaultId, exits};
use revm::DatabaseRef;
use std::collections::BTreeMap;

/// How two numbers must relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Both are the same.
    Equal,
    /// The left one is at most the right one.
    AtMost,
}

/// Two numbers that must agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tie {
    /// What is compared, in words.
    pub name: String,
    /// The first number.
    pub left: U256,
    /// The second number.
    pub right: U256,
    /// How they must relate.
    pub relation: Relation,
}

impl Tie {
    /// Whether the numbers agree.
    #[must_use]
    pub fn holds(&self) -> bool {
        match self.relation {
            Relation::Equal => self.left == self.right,
            Relation::AtMost => self.left <= self.right,
        }
    }
}

/// Every total of the protocol in `state` against the sum of its parts; `storage_of` lists all
/// slots of an account. Checks SOL-2, SOL-3 and BID-1: balances sum to supply, cash, pledged collateral,
/// bids, stakes and exits are held, lines' debt shares sum to their vault's, wrapped coins have native ones.
///
/// # Errors
/// The state cannot be read.
pub fn ties<D: DatabaseRef>(
    state: D,
    storage_of: impl Fn(Address) -> Vec<(U256, U256)>,
) -> Result<Vec<Tie>, Stop> {
    let mut ledger = view::ledger(state);
    let protocol = ledger.protocol()?;
    let mut ties = Vec::new();
    let market = storage_of(MARKET);
    let entrusted = entrusted(&market);
    for id in (1..=protocol.assets).map(AssetId::new) {
        let token = Token::Asset(id);
        let supply = ledger.asset(id)?.supply.get();
        let held = ledger.balance(token, market_custody())?;
        let pledged = entrusted.get(&token).copied().unwrap_or_default();
        ties.push(supply_tie(token, &storage_of(address::asset(id)), supply));
        let name = format!("collateral pledged, or bought by bids, of asset {id}");
        ties.push(tie(name, pledged, held, Relation::AtMost));
    }
    for id in (1..=protocol.vaults).map(VaultId::new) {
        vault_ties(&mut ledger, id, &market, &storage_of, &mut ties)?;
        let token = Token::Share(id);
        let kept = entrusted.get(&token).copied().unwrap_or_default();
        let held = ledger.balance(token, market_custody())?;
        let name = format!("shares bid, staked, pledged, or bought by bids, of vault {id}");
        ties.push(tie(name, kept, held, Relation::AtMost));
        exit_ties(&mut ledger, id, &storage_of(address::exits(id)), &mut ties)?;
    }
    Ok(ties)
}

fn vault_ties<D: DatabaseRef>(
    ledger: &mut SlotLedger<ViewSlots<D>>,
    id: VaultId,
    market: &[(U256, U256)],
    storage_of: &impl Fn(Address) -> Vec<(U256, U256)>,
    ties: &mut Vec<Tie>,
) -> Result<(), Stop> {
    let vault = ledger.vault(id)?;
    let (shares, cash) = (vault.shares.get(), vault.cash.get());
    let held = ledger.balance(Token::Asset(vault.asset), address::custody(id))?;
    ties.push(supply_tie(Token::Share(id), &storage_of(address::vault(id)), shares));
    ties.push(tie(format!("cash of vault {id}"), U256::from(cash), held, Relation::AtMost));
    let lines = market.iter().filter(|(key, _)| keys::line_amounts_of(*key) == Some(id));
    let drawn = lines.fold([U256::ZERO; 2], |[shares, offsets], (_, amounts)| {
        let offset: U256 = *amounts >> 128;
        [shares.saturating_add(low_half(*amounts)), offsets.saturating_add(offset)]
    });
    let owed = vault.owed;
    for (what, sum, kept) in
        [("shares", drawn[0], owed.shares.get()), ("offsets", drawn[1], owed.offset.get())]
    {
        ties.push(tie(format!("debt {what} of lines of vault {id}"), sum, kept, Relation::Equal));
    }
    Ok(())
}

/// Places sum to what waits; that, and what was set aside for them, is in escrow.
fn exit_ties<D: DatabaseRef>(
    ledger: &mut SlotLedger<ViewSlots<D>>,
    vault: VaultId,
    storage: &[(U256, U256)],
    ties: &mut Vec<Tie>,
) -> Result<(), Stop> {
    let (mut waiting, mut claimable) = (U256::ZERO, U256::ZERO);
    let written = storage.iter().filter(|(_, word)| !word.is_zero());
    for number in written.filter_map(|(key, _)| keys::place_of(*key)) {
        let place = exits::exit_place(ledger, PlaceId { vault, number })?;
        add(&mut waiting, U256::from(place.waiting.get()));
        add(&mut claimable, U256::from(place.claimable.get()));
    }
    let queued = ledger.exit_queue(vault)?.waiting();
    let escrow = address::exits(vault);
    let shares = ledger.balance(Token::Share(vault), escrow)?;
    let asset = ledger.vault(vault)?.asset;
    let assets = ledger.balance(Token::Asset(asset), escrow)?;
    let name = |what: &str| format!("{what} of the exit queue of vault {vault}");
    ties.push(tie(name("places"), waiting, queued.get(), Relation::Equal));
    ties.push(tie(name("shares"), waiting, shares, Relation::AtMost));
    ties.push(tie(name("assets set aside"), claimable, assets, Relation::AtMost));
    Ok(())
}

fn tie(name: String, left: U256, right: u128, relation: Relation) -> Tie {
    Tie { name, left, right: U256::from(right), relation }
}

fn supply_tie(token: Token, storage: &[(U256, U256)], supply: u128) -> Tie {
    let balances = storage.iter().filter(|(key, _)| keys::holder_of(*key).is_some());
    let sum = balances.fold(U256::ZERO, |sum, (_, balance)| sum.saturating_add(*balance));
    let name = match token {
        Token::Asset(id) => format!("balances of asset {id}"),
        Token::Share(id) => format!("balances of shares of vault {id}"),
        Token::Rebasing(id) => format!("balances of the view over asset {id}"),
    };
    tie(name, sum, supply, Relation::Equal)
}

/// What the market contract holds for others, as its records say: pledged by accounts and bought by
/// bids; of shares, also what waits in bids and what is staked.
fn entrusted(market: &[(U256, U256)]) -> BTreeMap<Token, U256> {
    let mut all = BTreeMap::new();
    for (key, amounts) in market {
        if let Some(asset) = keys::collateral_amounts_of(*key) {
            add(all.entry(Token::of(asset)).or_default(), low_half(*amounts));
        }
        if let Some(vault) = keys::tranche_amounts_of(*key) {
            add(all.entry(Token::Share(vault)).or_default(), *amounts >> 128);
        }
        if let Some((vault, asset)) = keys::tier_amounts_of(*key) {
            add(all.entry(Token::Share(vault)).or_default(), *amounts >> 128);
            add(all.entry(Token::of(asset)).or_default(), low_half(*amounts));
        }
    }
    all
}

fn add(sum: &mut U256, amount: U256) {
    *sum = sum.saturating_add(amount);
}

/// The second of the two amounts in a slot.
fn low_half(amounts: U256) -> U256 {
    amounts & U256::from(u128::MAX)
}
