//! What must hold in every state, and from one state to the next, recomputed from the records of a
//! [`MemoryLedger`].
//!
//! The sums and products here are written anew, in 256 bits, and share no code with the operations; only
//! what an account may owe (HLT-1) is asked of [`crate::margin`], which tests compare with a model of its
//! own. Each check bears the id of its invariant; [`CHECKED`] lists them.

use crate::account::Owed;
use crate::address;
use crate::asset::Asset;
use crate::bids::{Tier, TierState};
use crate::debt::Debt;
use crate::error::Error;
use crate::event::Event;
use crate::fixed::{Assets, Bps, RAY, Shares, Timestamp};
use crate::ids::{AssetId, MarketId, QueueId, Token, VaultId};
use crate::market::{Collateral, LINES_MAX, MarginModel};
use crate::memory::MemoryLedger;
use crate::terms::{Binding, Generation, Kept, Subject};
use crate::vault::Vault;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use alloy_primitives::U256;

mod exits;
mod exposure;
mod guards;
mod outcomes;
mod step;

/// The invariants that a [`Report`] is of, and what each says of a state or of a step. All are checked here
/// but LIQ-5, which is checked by who keeps an index ([`crate::watch`]).
pub const CHECKED: [(&str, &str); 30] = [
    ("SOL-1", "a vault's claims are backed by cash and debt"),
    ("SOL-2", "what the books hold is in custody"),
    ("SOL-3", "parts sum to totals, to the unit"),
    ("SOL-4", "lenders' claims in an asset are covered in that asset"),
    ("SOL-5", "a vault is drawn on by its lines only, within their caps"),
    ("SHR-1", "no lender's share price falls but by a loss that was told"),
    ("SHR-3", "no vault's shares back what that vault lends"),
    ("SHR-6", "cash moves against shares or debt"),
    ("INT-1", "indexes and their times only rise"),
    ("INT-2", "what accounts owe covers what vaults are owed"),
    ("INT-3", "no index grows faster than the largest rate"),
    ("HLT-1", "who drew or took collateral back is within the limit"),
    ("HLT-3", "collateral is counted once, by entries that mirror amounts"),
    ("HLT-4", "debt has collateral"),
    ("HLT-5", "an account is in one group that exists"),
    ("HLT-6", "exit queues pay in order, and no cash lies beside them"),
    ("LIQ-1", "only the unhealthy were liquidated"),
    ("LIQ-2", "liquidation improved health or closed"),
    ("LIQ-3", "nothing was seized for nothing, the bonus is bounded"),
    ("LIQ-5", "the liquidation index misses nobody"),
    ("BID-1", "bids are backed by their tiers"),
    ("BID-2", "no bid bought below its tier's price"),
    ("BID-3", "queues know which tiers hold shares"),
    ("BAD-1", "bad debt was recognised at once and in full"),
    ("BAD-2", "losses ran down the waterfall"),
    ("ORC-3", "rates grew within their caps"),
    ("CFG-1", "caps bind on what grew"),
    ("CFG-2", "parameters are ordered and bounded"),
    ("GOV-4", "stops end, and grace follows"),
    ("AUT-1", "nonces only rise, credit changes by consent"),
];

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which one.
    pub id: &'static str,
    /// What is wrong, with numbers.
    pub detail: String,
}

/// What was checked and what is broken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many things were compared for each invariant.
    pub checked: BTreeMap<&'static str, u64>,
    /// What did not hold.
    pub broken: Vec<Violation>,
}

impl Report {
    /// Checks a state as it stands between two operations.
    #[must_use]
    pub fn of_state(ledger: &MemoryLedger) -> Self {
        let mut report = Self::default();
        report.check_state(ledger);
        report
    }

    /// Checks the step from a state to the one after a single operation, whose events `after` has.
    #[must_use]
    pub fn of_step(before: &MemoryLedger, after: &MemoryLedger) -> Self {
        let told = after.events.get(before.events.len()..).unwrap_or_default();
        let mut report = Self::default();
        step::check(before, (after, told), step::Span::Operation, &mut report);
        report
    }

    /// Checks the step from the state after a block to the one after the next, which told `told`: those
    /// events at least that are of liquidations, losses and credit. What holds of single operations
    /// only is left out.
    #[must_use]
    pub fn of_block(before: &MemoryLedger, after: &MemoryLedger, told: &[Event]) -> Self {
        let mut report = Self::default();
        step::check(before, (after, told), step::Span::Block, &mut report);
        report
    }

    /// Counts a check, and keeps what does not hold.
    pub fn check(&mut self, id: &'static str, holds: bool, detail: impl FnOnce() -> String) {
        let count = self.checked.entry(id).or_default();
        *count = count.saturating_add(1);
        if !holds {
            self.broken.push(Violation { id, detail: detail() });
        }
    }

    /// Adds another report to this one.
    pub fn add(&mut self, other: Self) {
        for (id, times) in other.checked {
            let count = self.checked.entry(id).or_default();
            *count = count.saturating_add(times);
        }
        self.broken.extend(other.broken);
    }

    /// Whether everything holds.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.broken.is_empty()
    }
}

/// Every broken invariant of a state.
#[must_use]
pub fn check_invariants(ledger: &MemoryLedger) -> Vec<Violation> {
    Report::of_state(ledger).broken
}

/// Every invariant broken between a state and the one after a single operation.
#[must_use]
pub fn check_step(before: &MemoryLedger, after: &MemoryLedger) -> Vec<Violation> {
    Report::of_step(before, after).broken
}

/// A 256-bit number.
fn wide(number: u128) -> U256 {
    U256::from(number)
}

/// What a vault is owed at its stored index, rounded up.
fn debt(vault: &Vault) -> U256 {
    let Debt { shares, offset } = vault.owed;
    let product = wide(shares.get()).saturating_mul(wide(vault.index.get()));
    let worth = product.saturating_add(wide(RAY - 1)).checked_div(wide(RAY)).unwrap_or_default();
    worth.saturating_sub(wide(offset.get()))
}

/// Cash and debt less reserves; `None` if that is negative.
fn claims(vault: &Vault) -> Option<U256> {
    wide(vault.cash.get()).saturating_add(debt(vault)).checked_sub(wide(vault.reserves.get()))
}

impl Report {
    fn check_state(&mut self, ledger: &MemoryLedger) {
        conservation(ledger, self);
        debts(ledger, self);
        coverage(ledger, self);
        in_kind(ledger, self);
        collateral(ledger, self);
        bids(ledger, self);
        first_loss(ledger, self);
        lines(ledger, self);
        exposure::exposures(ledger, self);
        exposure::factors(ledger, self);
        exits::state(ledger, self);
        custody(ledger, self);
        backing(ledger, self);
        accounts(ledger, self);
        kept_terms(ledger, self);
        groups(ledger, self);
        margins(ledger, self);
        authorisations(ledger, self);
        guards::stops(ledger, self);
        guards::limits(ledger, self);
        for (id, vault) in &ledger.vaults {
            solvency(ledger, *id, vault, self);
        }
    }
}

/// SOL-3: balances sum to supplies.
fn conservation(ledger: &MemoryLedger, findings: &mut Report) {
    let mut sums: BTreeMap<Token, U256> = BTreeMap::new();
    for ((token, _), balance) in &ledger.balances {
        let sum = sums.entry(*token).or_default();
        *sum = sum.saturating_add(wide(*balance));
    }
    let mut expect = |token: Token, supply: u128| {
        let sum = sums.remove(&token).unwrap_or_default();
        findings.check("SOL-3", sum == wide(supply), || {
            format!("balances of {token:?} sum to {sum}, its supply is {supply}")
        });
    };
    for (id, Asset { supply, .. }) in &ledger.assets {
        expect(Token::Asset(*id), supply.get());
    }
    for (id, vault) in &ledger.vaults {
        expect(Token::Share(*id), vault.shares.get());
    }
    findings.check("SOL-3", sums.is_empty(), || format!("balances of unknown tokens {sums:?}"));
}

/// A sum of debts, shares and offsets, with one more.
fn plus((shares, offsets): (U256, U256), debt: Debt) -> (U256, U256) {
    let Debt { shares: more, offset } = debt;
    (shares.saturating_add(wide(more.get())), offsets.saturating_add(wide(offset.get())))
}

/// INT-2: what accounts owe, each rounded up, covers what vaults are owed.
fn coverage(ledger: &MemoryLedger, findings: &mut Report) {
    let mut sums: BTreeMap<VaultId, U256> = BTreeMap::new();
    for (id, account) in &ledger.accounts {
        for owed in &account.debts {
            let vaults = ledger.markets.get(&id.market).map(|market| &market.vaults);
            let vault = vaults.and_then(|vaults| vaults.get(usize::from(owed.index)));
            let Some((id, record)) = vault.and_then(|id| Some((id, ledger.vaults.get(id)?))) else {
                continue;
            };
            let sum = sums.entry(*id).or_default();
            *sum = sum.saturating_add(debt(&Vault { owed: owed.debt, ..*record }));
        }
    }
    for (id, vault) in &ledger.vaults {
        let (owed, total) = (sums.remove(id).unwrap_or_default(), debt(vault));
        findings.check("INT-2", total <= owed, || {
            format!("vault {id} is owed {total}, accounts owe {owed}")
        });
    }
}

/// SOL-4: what lenders of an asset may claim is covered by units of that asset in custody and by debts in
/// it. Nothing else counts, a token of the chain's own as little as any other.
fn in_kind(ledger: &MemoryLedger, findings: &mut Report) {
    let mut covered: BTreeMap<AssetId, (U256, U256)> = BTreeMap::new();
    for (id, vault) in &ledger.vaults {
        let held = ledger.balances.get(&(Token::Asset(vault.asset), address::custody(*id)));
        let (claimed, backing) = covered.entry(vault.asset).or_default();
        *claimed = claimed.saturating_add(claims(vault).unwrap_or_default());
        *backing = backing.saturating_add(wide(held.copied().unwrap_or_default()));
        for (_, line) in ledger.lines.iter().filter(|((_, lender), _)| lender == id) {
            *backing = backing.saturating_add(debt(&Vault { owed: line.owed, ..*vault }));
        }
    }
    for (asset, (claimed, backing)) in covered {
        findings.check("SOL-4", claimed <= backing, || {
            format!("lenders of asset {asset} may claim {claimed}, {backing} is there")
        });
    }
}

/// SOL-3: debts of accounts, shares and offsets, sum to lines, of lines to vaults.
fn debts(ledger: &MemoryLedger, findings: &mut Report) {
    let mut by_line = BTreeMap::new();
    for (id, account) in &ledger.accounts {
        for owed in &account.debts {
            let vaults = ledger.markets.get(&id.market).map(|market| &market.vaults);
            let vault = vaults.and_then(|vaults| vaults.get(usize::from(owed.index)));
            findings.check("HLT-3", vault.is_some(), || format!("{id:?} owes nobody: {owed:?}"));
            if let Some(vault) = vault {
                let sum: &mut (U256, U256) = by_line.entry((id.market, *vault)).or_default();
                *sum = plus(*sum, owed.debt);
            }
        }
    }
    let mut by_vault: BTreeMap<VaultId, (U256, U256)> = BTreeMap::new();
    for (key, line) in &ledger.lines {
        let sum = by_line.remove(key).unwrap_or_default();
        let kept = plus(Default::default(), line.owed);
        findings
            .check("SOL-3", sum == kept, || format!("line {key:?}: {sum:?} owed, {kept:?} kept"));
        let total = by_vault.entry(key.1).or_default();
        *total = plus(*total, line.owed);
    }
    findings.check("SOL-3", by_line.is_empty(), || format!("debt without a line: {by_line:?}"));
    for (id, vault) in &ledger.vaults {
        let sum = by_vault.remove(id).unwrap_or_default();
        let kept = plus(Default::default(), vault.owed);
        findings.check("SOL-3", sum == kept, || {
            format!("vault {id}: lines owe {sum:?}, it counts {kept:?}")
        });
    }
}

/// SOL-3, HLT-3: pledges sum to totals.
fn collateral(ledger: &MemoryLedger, findings: &mut Report) {
    let mut pledged = BTreeMap::new();
    for (id, account) in &ledger.accounts {
        for pledge in &account.collaterals {
            let assets = ledger.markets.get(&id.market).map(|market| &market.collaterals);
            let asset = assets.and_then(|assets| assets.get(usize::from(pledge.index)));
            findings.check("HLT-3", asset.is_some(), || format!("{id:?} pledged {pledge:?}"));
            if let Some(asset) = asset {
                let sum: &mut U256 = pledged.entry((id.market, *asset)).or_default();
                *sum = sum.saturating_add(wide(pledge.amount.get()));
            }
        }
    }
    for (key, terms) in &ledger.collaterals {
        let sum = pledged.remove(key).unwrap_or_default();
        let kept = wide(terms.total.get());
        findings.check("SOL-3", sum == kept, || format!("{key:?}: {sum} pledged, {kept} kept"));
    }
    findings.check("SOL-3", pledged.is_empty(), || format!("unlisted pledges {pledged:?}"));
}

/// SOL-2, HLT-3: what the market contract holds for others is there, each unit once: pledges, what
/// bids bought, and the shares that wait in bids or are staked. A share may be any of these.
fn custody(ledger: &MemoryLedger, findings: &mut Report) {
    let mut entrusted: BTreeMap<Token, U256> = BTreeMap::new();
    let pledged =
        ledger.collaterals.iter().map(|(key, terms)| (Token::of(key.1), terms.total.get()));
    let bought = ledger
        .tiers
        .iter()
        .map(|((queue, _), tier)| (Token::of(queue.asset), tier.unclaimed.get()));
    let bid = ledger
        .tiers
        .iter()
        .map(|((queue, _), tier)| (Token::Share(queue.vault), tier.shares.get()));
    let staked = ledger
        .tranches
        .iter()
        .map(|((_, vault), tranche)| (Token::Share(*vault), tranche.shares.get()));
    for (token, amount) in pledged.chain(bought).chain(bid).chain(staked) {
        let total = entrusted.entry(token).or_default();
        *total = total.saturating_add(wide(amount));
    }
    for (token, total) in entrusted {
        let key = (token, address::market_custody());
        let held = wide(ledger.balances.get(&key).copied().unwrap_or_default());
        findings.check("SOL-2", total <= held, || {
            format!("{total} of {token:?} is entrusted to the market, {held} in custody")
        });
    }
}

/// SHR-3: no vault's shares stand, through whatever others, on debt that they back themselves. The
/// relation is closed over all vaults, edge by edge, with no search.
fn backing(ledger: &MemoryLedger, findings: &mut Report) {
    let mut rests: BTreeSet<(VaultId, VaultId)> = BTreeSet::new();
    for ((market, lender), line) in &ledger.lines {
        let open = !line.cap.is_zero() || !line.owed.is_zero();
        let listed = ledger.markets.get(market).filter(|_| open);
        let shares = listed.into_iter().flat_map(|market| &market.collaterals);
        rests.extend(shares.filter_map(|asset| Some((*lender, asset.as_share()?))));
    }
    for middle in ledger.vaults.keys() {
        let into: Vec<_> = rests.iter().filter(|(_, to)| to == middle).map(|edge| edge.0).collect();
        let out: Vec<_> =
            rests.iter().filter(|edge| edge.0 == *middle).map(|edge| edge.1).collect();
        for from in into {
            rests.extend(out.iter().map(|to| (from, *to)));
        }
    }
    let circle = rests.iter().find(|(from, to)| from == to);
    findings.check("SHR-3", circle.is_none(), || format!("{circle:?} rests on itself: {rests:?}"));
}

/// BID-1: what bids are owed is in their tiers, and what is in the tiers is in custody.
fn bids(ledger: &MemoryLedger, findings: &mut Report) {
    let mut owed: BTreeMap<(QueueId, Tier), (U256, U256, u32)> = BTreeMap::new();
    for (id, bid) in &ledger.bids {
        let tier = ledger.tiers.get(&(id.queue, id.tier)).copied().unwrap_or_default();
        let ended = |scale| {
            let sum = ledger.tier_sums.get(&(id.queue, id.tier, scale));
            Ok::<_, Error>(sum.copied().unwrap_or_default())
        };
        let bought = tier.bought(bid, ended).unwrap_or(Assets::MAX);
        let (shares, units, count) = owed.entry((id.queue, id.tier)).or_default();
        // What is left of a bid is never more than the tier holds; here that is to be seen.
        let unbounded = TierState { shares: Shares::MAX, ..tier };
        *shares = shares.saturating_add(wide(unbounded.remaining(bid).get()));
        *units = units.saturating_add(wide(bought.get())).saturating_add(wide(bid.bought.get()));
        *count = count.saturating_add(1);
    }
    for (key, tier) in &ledger.tiers {
        let (shares, units, count) = owed.remove(key).unwrap_or_default();
        let (held, unclaimed) = (wide(tier.shares.get()), wide(tier.unclaimed.get()));
        let covered = shares <= held && units <= unclaimed && count == tier.bids;
        findings.check("BID-1", covered, || {
            format!("{key:?}: {count} bids are owed {shares} and {units}, of {tier:?}")
        });
        let idle = tier.bids > 0 || (tier.shares.is_zero() && tier.carried == tier.unclaimed);
        findings.check("BID-1", idle, || format!("{key:?}: nobody's {tier:?}"));
        let marked = ledger
            .queues
            .get(&key.0)
            .is_some_and(|queue| queue.tiers_up_to(key.1).any(|tier| tier == key.1));
        findings.check("BID-3", marked != tier.shares.is_zero(), || {
            format!("{key:?}: marked {marked}, holds {}", tier.shares)
        });
    }
    findings.check("BID-1", owed.is_empty(), || format!("bids without a tier: {owed:?}"));
}

/// BAD-2: stakes sum to their tranche's units, which stand for shares; the line knows of them.
fn first_loss(ledger: &MemoryLedger, findings: &mut Report) {
    let mut staked: BTreeMap<(MarketId, VaultId), U256> = BTreeMap::new();
    for (id, stake) in &ledger.stakes {
        let key = (id.market, id.vault);
        let epoch = ledger.tranches.get(&key).map(|tranche| tranche.epoch);
        findings.check("BAD-2", epoch >= Some(stake.epoch), || format!("{id:?} is of {epoch:?}"));
        if epoch == Some(stake.epoch) {
            let sum = staked.entry(key).or_default();
            *sum = sum.saturating_add(wide(stake.units.get()));
        }
    }
    for (key, tranche) in &ledger.tranches {
        let sum = staked.remove(key).unwrap_or_default();
        let units = tranche.units;
        findings.check("BAD-2", sum == wide(units.get()), || {
            format!("tranche {key:?}: {sum} staked, {units} kept")
        });
        findings.check("BAD-2", units.is_zero() == tranche.shares.is_zero(), || {
            format!("tranche {key:?}: {tranche:?}")
        });
        let known = ledger.lines.get(key).is_some_and(|line| line.staked);
        findings.check("BAD-2", known != units.is_zero(), || format!("line {key:?}: {known}"));
    }
    for (key, line) in &ledger.lines {
        let known = !line.staked || ledger.tranches.contains_key(key);
        findings.check("BAD-2", known, || format!("line {key:?} has no tranche"));
    }
}

/// SOL-5: a vault knows every market that may draw on it or owes it something.
fn lines(ledger: &MemoryLedger, findings: &mut Report) {
    for ((market, vault), line) in &ledger.lines {
        let listed = ledger.vault_lines.get(vault).map_or(&[][..], Vec::as_slice);
        let times = listed.iter().filter(|one| *one == market).count();
        let open = !line.cap.is_zero() || !line.owed.is_zero();
        findings.check("SOL-5", times == 1 || (times == 0 && !open), || {
            format!("vault {vault} knows its line to market {market} {times} times: {line:?}")
        });
    }
    for (vault, markets) in &ledger.vault_lines {
        let known = |market: &MarketId| ledger.lines.contains_key(&(*market, *vault));
        let bounded = markets.len() <= LINES_MAX && markets.iter().all(known);
        findings.check("SOL-5", bounded, || format!("vault {vault}: {markets:?}"));
    }
}

/// CFG-2: what accounts keep is ordered, bounded, better than what is newest, and fits.
fn kept_terms(ledger: &MemoryLedger, findings: &mut Report) {
    let collaterals = ledger.collaterals.iter().map(|((market, asset), listing)| {
        let Collateral { threshold, bonus_min, bonus_max, kept, .. } = *listing;
        let present = Binding { threshold, bonus_min, bonus_max };
        ((*market, Subject::Collateral(*asset)), present, kept)
    });
    let groups = ledger.groups.iter().map(|((market, group), record)| {
        ((*market, Subject::Group(*group)), record.binding, record.kept)
    });
    let none = Kept::default();
    for (key, present, mark) in collaterals.chain(groups) {
        let kept = ledger.kept.get(&key).unwrap_or(&none);
        let last = ledger.markets.get(&key.0).map_or(0, |market| market.terms_version);
        let mut next = (present, last);
        for Generation { until, binding } in kept.generations.iter().rev().copied() {
            let better = binding.threshold >= next.0.threshold
                && binding.bonus_min <= next.0.bonus_min
                && binding.bonus_max <= next.0.bonus_max;
            let ordered = until < next.1 && better && binding != next.0;
            findings.check("CFG-2", ordered, || format!("{key:?} keeps {kept:?}, has {present:?}"));
            let sold = 10_000_u64.saturating_add(binding.bonus_max.get().into());
            let product = sold.saturating_mul(binding.threshold.get().into());
            findings.check("CFG-2", product <= 100_000_000, || format!("{key:?}: {binding:?}"));
            next = (binding, until);
        }
        let newest = kept.generations.last().map_or(0, |kept| kept.until.saturating_add(1));
        let settled = mark.until != Timestamp::ZERO;
        let said = mark.below == newest
            && (!settled || kept.moving.is_some_and(|moving| moving.end == mark.until))
            && kept.generations.len() <= 8;
        findings.check("CFG-2", said, || format!("{key:?}: {mark:?} of {kept:?}"));
        if let Some(moving) = kept.moving {
            let length = moving.end.since(moving.start);
            let bounded = (86_400..=31_536_000).contains(&length) && moving.below <= last;
            findings.check("CFG-2", bounded, || format!("{key:?}: {moving:?}"));
        }
    }
}

/// HLT-5, CFG-2: an account is in one group that exists, owes to its vaults only, and is on a version
/// that there was; groups have members that exist.
fn groups(ledger: &MemoryLedger, findings: &mut Report) {
    for (id, account) in &ledger.accounts {
        let Some(market) = ledger.markets.get(&id.market) else { continue };
        let version = account.terms_version;
        let known = (1..=market.terms_version).contains(&version) || account.debts.is_empty();
        findings.check("CFG-2", known, || format!("{id:?} is on version {version}"));
        if account.group.get() == 0 {
            continue;
        }
        let group = ledger.groups.get(&(id.market, account.group));
        let inside = |owed: &Owed| {
            let vaults = group.map_or(0, |group| group.vaults);
            vaults.checked_shr(owed.index.into()).unwrap_or_default() & 1 == 1
        };
        let held = group.is_some() && account.debts.iter().all(inside);
        findings.check("HLT-5", held, || format!("{id:?}: {account:?} in {group:?}"));
    }
    for ((id, number), group) in &ledger.groups {
        let Some(market) = ledger.markets.get(id) else { continue };
        let beyond = |places: u32, listed: usize| {
            places.checked_shr(u32::try_from(listed).unwrap_or(u32::MAX)).unwrap_or_default() != 0
        };
        let stray = number.get() == 0
            || number.get() > market.groups
            || beyond(group.collaterals.into(), market.collaterals.len())
            || beyond(group.vaults.into(), market.vaults.len());
        findings.check("CFG-2", !stray, || format!("group {number} of market {id}: {group:?}"));
        let margin = |points: Bps, rest: u64| rest.saturating_mul(points.get().into());
        let sold = 10_000_u64.saturating_add(group.binding.bonus_max.get().into());
        let banded = 10_000_u64.saturating_add(group.band.get().into());
        let product = margin(group.binding.threshold, sold.saturating_mul(banded));
        findings.check("CFG-2", product <= 1_000_000_000_000, || format!("{id}: {group:?}"));
        let sure = 10_000_u64.saturating_sub(group.band.get().into());
        let within = margin(group.ltv, 10_000) <= margin(group.binding.threshold, sure);
        findings.check("CFG-2", within, || format!("{id}: {group:?}"));
    }
}

/// HLT-3, HLT-4, BAD-1: entries mirror amounts, and debt has collateral.
fn accounts(ledger: &MemoryLedger, findings: &mut Report) {
    for (id, account) in &ledger.accounts {
        let places: Vec<u8> = account.collaterals.iter().map(|pledge| pledge.index).collect();
        let ordered = places.windows(2).all(|pair| matches!(pair, [a, b] if a < b));
        let amounts = account.collaterals.iter().all(|pledge| !pledge.amount.is_zero());
        findings.check("HLT-3", ordered && amounts, || format!("{id:?}: {account:?}"));
        let places: Vec<u8> = account.debts.iter().map(|owed| owed.index).collect();
        let ordered = places.windows(2).all(|pair| matches!(pair, [a, b] if a < b));
        let amounts = account.debts.iter().all(|owed| !owed.debt.is_zero());
        let plain = account.debts.iter().all(|owed| owed.debt.offset.is_zero());
        let premium = account.risk_premium != Bps::ZERO;
        findings.check("INT-2", premium || plain, || format!("{id:?}: {account:?}"));
        findings.check("INT-2", !premium || account.has_debt(), || format!("{id:?}: {account:?}"));
        findings.check("HLT-3", ordered && amounts, || format!("{id:?}: {account:?}"));
        let covered = account.debts.is_empty() || !account.collaterals.is_empty();
        findings.check("HLT-4", covered, || format!("{id:?} owes without collateral"));
    }
}

/// CFG-2: portfolio margin is kept where a market says so; sets have one factor for each place, none of
/// which would let a rising collateral hurt, and any two of them have a covariance.
fn margins(ledger: &MemoryLedger, findings: &mut Report) {
    for (id, market) in &ledger.markets {
        let kept = ledger.portfolios.contains_key(id);
        let said = market.margin == MarginModel::Portfolio;
        findings.check("CFG-2", kept == said, || format!("market {id}: {said}, kept {kept}"));
    }
    for (id, portfolio) in &ledger.portfolios {
        let newest = portfolio.place();
        for (place, terms) in [(newest, portfolio.now), (newest.other(), portfolio.before)] {
            let of = ledger.risk_factors.iter().filter(|((of, at, _), _)| of == id && *at == place);
            let mut places: Vec<u8> = of.clone().map(|(_, factor)| factor.place).collect();
            places.sort_unstable();
            let whole = (0..).zip(&places).all(|(number, place)| number == *place);
            findings.check("CFG-2", whole, || format!("market {id}, {place:?}: {places:?}"));
            // What is in no force may lie there until it is written over.
            let Some(terms) = terms else { continue };
            let ordered = Bps::ONE <= terms.k_liquidation && terms.k_liquidation <= terms.k_borrow;
            let sane = ordered && terms.floor < Bps::ONE && !places.is_empty();
            findings.check("CFG-2", sane, || format!("market {id}: {terms:?}"));
            for (key, factor) in of {
                let risk = wide(terms.k_borrow.get().into())
                    .saturating_mul(U256::from(factor.sigma.get()))
                    .saturating_add(wide(u128::from(factor.cost.get()).saturating_mul(1_000_000)));
                let mut with = factor.correlations.iter().take(factor.place.into());
                let mut beyond = factor.correlations.iter().skip(factor.place.into());
                let sane = risk < wide(10_000_000_000)
                    && with.all(|correlation| correlation.unsigned_abs() <= 10_000)
                    && beyond.all(|correlation| *correlation == 0)
                    && (factor.hedge != 0 || factor.hedge_threshold == Bps::ZERO);
                findings.check("CFG-2", sane, || format!("{key:?}: {factor:?}"));
            }
        }
    }
}

/// AUT-1: what is kept of operators and credit permits something, in a market that there is.
fn authorisations(ledger: &MemoryLedger, findings: &mut Report) {
    for ((account, operator), terms) in &ledger.operators {
        let permits = (1..8).contains(&terms.permissions.bits()) && !operator.is_zero();
        let known = ledger.markets.contains_key(&account.market);
        findings.check("AUT-1", permits && known, || format!("{account:?} {operator}: {terms:?}"));
    }
    for (id, credit) in &ledger.credits {
        let permits = !credit.limit.is_zero() && !id.delegatee.is_zero();
        let known = ledger.lines.contains_key(&(id.account.market, id.vault));
        findings.check("AUT-1", permits && known, || format!("{id:?}: {credit:?}"));
    }
}

/// SOL-1, SOL-2, INT-1: a vault's claims are backed, its cash is in custody.
fn solvency(ledger: &MemoryLedger, id: VaultId, vault: &Vault, findings: &mut Report) {
    let owned = claims(vault);
    findings.check("SOL-1", owned.is_some(), || {
        format!("vault {id}: reserves {} exceed cash {} and debt", vault.reserves, vault.cash)
    });
    let key = (Token::Asset(vault.asset), address::custody(id));
    let held = ledger.balances.get(&key).copied().unwrap_or_default();
    findings.check("SOL-2", vault.cash.get() <= held, || {
        format!("vault {id}: cash {} exceeds the {held} in custody", vault.cash)
    });
    findings.check("INT-1", vault.index.get() >= RAY, || format!("vault {id}: {}", vault.index));
    findings.check("INT-1", vault.updated_at <= ledger.now, || {
        format!("vault {id} is accrued to {}, ahead of now", vault.updated_at)
    });
}
