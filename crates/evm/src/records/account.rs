//! An account, in the market contract: which of the market's collaterals and vaults it uses, and
//! the amounts in that order. One collateral and one debt take two slots.
//!
//! ```text
//! 0   places of collaterals 2 (bit i is place i) · places of vaults 1 · risk premium 2 · terms
//!     version 4 · group 1 · tracked vaults 1 · spread 1 · first amount 16
//! 1…  two amounts of 16 each: first the collaterals by place, then the debt shares by place, then,
//!     if the premium is not zero, the debts' offsets by place
//! n   if spread, what each of the market's collaterals backs, by place: sixteen parts of 2
//! ```
//!
//! Where the only collateral backs all of the tracked debts nothing is spread, and the parts are not
//! written.

use super::word::{Reader, Writer};
use alloy_primitives::U256;
use gage_core::{Account, Assets, Backing, Bps, Debt, Fault, GroupId, Owed, Pledge, Shares};

const AMOUNTS_PER_SLOT: usize = 2;

/// How many slots the account takes whose first slot is `head`.
pub(crate) fn account_slots(head: U256) -> usize {
    let Head { collaterals, debts, risk_premium, spread, .. } = Head::read(&mut Reader::new(head));
    let per_debt = if risk_premium == Bps::ZERO { 1 } else { 2 };
    let amounts = collaterals.count_ones() + per_debt * debts.count_ones();
    slots_of(amounts as usize) + usize::from(spread)
}

fn slots_of(amounts: usize) -> usize {
    1 + amounts.saturating_sub(1).div_ceil(AMOUNTS_PER_SLOT)
}

/// Whether what backs the tracked debts must be written: it is not just all by the only collateral.
fn is_spread(account: &Account) -> bool {
    match (account.collaterals.as_slice(), account.backing.as_slice()) {
        (_, []) => false,
        ([pledge], [backing]) => pledge.index != backing.index,
        _ => true,
    }
}

/// The slot that says what each place backs.
fn backing_word(backing: &[Backing]) -> U256 {
    let part = |index: u8| {
        let found = backing.iter().find(|entry| entry.index == index);
        found.map_or(0, |entry| entry.part.get())
    };
    (0..16).map(part).fold(Writer::new(), Writer::u16).finish()
}

fn backing_from_word(word: U256) -> Vec<Backing> {
    let mut word = Reader::new(word);
    let parts = (0..16).map(|index| Backing { index, part: Bps::new(word.u16()) });
    parts.filter(|entry| entry.part != Bps::ZERO).collect()
}

/// What the first slot holds before the first amount.
struct Head {
    collaterals: u16,
    debts: u8,
    risk_premium: Bps,
    terms_version: u32,
    group: GroupId,
    tracked: u8,
    spread: bool,
}

impl Head {
    fn write(&self) -> Writer {
        let head = Writer::new().u16(self.collaterals).u8(self.debts);
        head.u16(self.risk_premium.get())
            .u32(self.terms_version)
            .u8(self.group.get())
            .u8(self.tracked)
            .u8(u8::from(self.spread))
    }

    fn read(head: &mut Reader) -> Self {
        Self {
            collaterals: head.u16(),
            debts: head.u8(),
            risk_premium: Bps::new(head.u16()),
            terms_version: head.u32(),
            group: GroupId::new(head.u8()),
            tracked: head.u8(),
            spread: head.bool(),
        }
    }
}

/// The slots of an account; one zero slot for the empty one.
pub(crate) fn account_words(account: &Account) -> Result<Vec<U256>, Fault> {
    let mut collaterals = 0_u16;
    for pledge in &account.collaterals {
        collaterals |= 1_u16.checked_shl(pledge.index.into()).ok_or(Fault::Unreadable)?;
    }
    let mut debts = 0_u8;
    for owed in &account.debts {
        debts |= 1_u8.checked_shl(owed.index.into()).ok_or(Fault::Unreadable)?;
    }
    let pledged = account.collaterals.iter().map(|pledge| pledge.amount.get());
    let shares = account.debts.iter().map(|owed| owed.debt.shares.get());
    // Without a premium there are no offsets.
    let with_offsets = if account.risk_premium == Bps::ZERO { &[] } else { &account.debts[..] };
    let offsets = with_offsets.iter().map(|owed| owed.debt.offset.get());
    let mut amounts = pledged.chain(shares).chain(offsets);
    let count = account.collaterals.len() + account.debts.len() + with_offsets.len();
    let mut words = Vec::with_capacity(slots_of(count));
    let Account { risk_premium, terms_version, group, tracked, .. } = *account;
    let spread = is_spread(account);
    let head = Head { collaterals, debts, risk_premium, terms_version, group, tracked, spread };
    words.push(head.write().u128(amounts.next().unwrap_or_default()).finish());
    while let Some(first) = amounts.next() {
        let second = amounts.next().unwrap_or_default();
        words.push(Writer::new().u128(first).u128(second).finish());
    }
    if spread {
        words.push(backing_word(&account.backing));
    }
    Ok(words)
}

/// The account in these slots.
pub(crate) fn account_from_words(words: &[U256]) -> Result<Account, Fault> {
    let (head, rest) = words.split_first().ok_or(Fault::Unreadable)?;
    let mut head = Reader::new(*head);
    let Head { collaterals, debts, risk_premium, terms_version, group, tracked, spread } =
        Head::read(&mut head);
    let (rest, backing) = match rest.split_last() {
        Some((parts, amounts)) if spread => (amounts, backing_from_word(*parts)),
        _ => (rest, Vec::new()),
    };
    let rest = rest.iter().flat_map(|word| {
        let mut pair = Reader::new(*word);
        [pair.u128(), pair.u128()]
    });
    let mut amounts = core::iter::once(head.u128()).chain(rest);
    let mut next = || amounts.next().ok_or(Fault::Unreadable);
    let mut account =
        Account { risk_premium, terms_version, group, tracked, backing, ..Account::default() };
    for index in (0..16).filter(|index| collaterals >> index & 1 == 1) {
        account.collaterals.push(Pledge { index, amount: Assets::new(next()?) });
    }
    for index in (0..8).filter(|index| debts >> index & 1 == 1) {
        let debt = Debt { shares: Shares::new(next()?), offset: Assets::ZERO };
        account.debts.push(Owed { index, debt });
    }
    if risk_premium != Bps::ZERO {
        for owed in &mut account.debts {
            owed.debt.offset = Assets::new(next()?);
        }
    }
    if tracked != 0 && !spread {
        let only = account.collaterals.first().ok_or(Fault::Unreadable)?;
        account.backing.push(Backing { index: only.index, part: Bps::new(10_000) });
    }
    Ok(account)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::subsequence;

    prop_compose! {
        fn any_account()(
            collaterals in subsequence((0..16).collect::<Vec<u8>>(), 0..=16),
            debts in subsequence((0..8).collect::<Vec<u8>>(), 0..=8),
            amounts in prop::collection::vec(1..=u128::MAX, 32),
            premium in prop_oneof![Just(0), 1..=u16::MAX],
            tracked in prop_oneof![Just(0), 1..=u8::MAX],
            alone in any::<bool>(),
            backing in subsequence((0..16).collect::<Vec<u8>>(), 1..=16),
            parts in prop::collection::vec(1..=10_000_u16, 16),
            terms_version in any::<u32>(),
            group in any::<u8>(),
        ) -> Account {
            let mut amounts = amounts.into_iter();
            let mut next = || amounts.next().unwrap();
            Account {
                collaterals: collaterals
                    .iter()
                    .map(|&index| Pledge { index, amount: Assets::new(next()) })
                    .collect(),
                debts: debts
                    .into_iter()
                    .map(|index| {
                        let shares = Shares::new(next());
                        let offset = if premium == 0 { 0 } else { next() };
                        Owed { index, debt: Debt { shares, offset: Assets::new(offset) } }
                    })
                    .collect(),
                risk_premium: Bps::new(premium),
                backing: match (tracked, alone && collaterals.len() == 1) {
                    (0, _) => Vec::new(),
                    (_, true) => vec![Backing { index: collaterals[0], part: Bps::new(10_000) }],
                    // The only one backs all or has others beside it.
                    _ => backing
                        .into_iter()
                        .zip(parts)
                        .filter(|(index, _)| collaterals.len() != 1 || *index != collaterals[0])
                        .map(|(index, part)| Backing { index, part: Bps::new(part) })
                        .collect(),
                },
                tracked,
                terms_version,
                group: GroupId::new(group),
            }
        }
    }

    proptest! {
        #[test]
        fn accounts_read_back(account in any_account()) {
            let words = account_words(&account).unwrap();
            prop_assert_eq!(words.len(), account_slots(words[0]));
            prop_assert_eq!(account_from_words(&words).unwrap(), account);
        }
    }

    #[test]
    fn the_usual_account_takes_two_slots_and_the_empty_one_leaves_nothing() {
        let mut account = Account::default();
        assert_eq!(account_words(&account).unwrap(), [U256::ZERO]);
        account.set_collateral(3, Assets::new(5));
        assert_eq!(account_words(&account).unwrap().len(), 1);
        let debt = Debt { shares: Shares::new(9), offset: Assets::ZERO };
        account.set_debt(7, debt);
        assert_eq!(account_words(&account).unwrap().len(), 2);
        account.risk_premium = Bps::new(1);
        account.terms_version = u32::MAX;
        account.group = GroupId::new(255);
        assert_eq!(account_words(&account).unwrap().len(), 2);
        // Tracked: no more, unless two collaterals back it.
        account.tracked = 0x80;
        account.backing = vec![Backing { index: 3, part: Bps::new(10_000) }];
        assert_eq!(account_words(&account).unwrap().len(), 2);
        account.set_collateral(4, Assets::new(1));
        assert_eq!(account_words(&account).unwrap().len(), 4);
    }
}
