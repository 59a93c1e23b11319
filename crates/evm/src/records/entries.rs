//! Which records a contract's storage holds: keys read backwards.

use super::keys::{Tag, number, pair_of};
use alloy_primitives::{Address, U256};
use gage_core::bids::Tier;
use gage_core::terms::Subject;
use gage_core::{
    AccountId, AssetId, ExposureCapId, ExposureId, FactorId, FeedId, GroupId, MarketId, QueueId,
    SetPlace, StakeId, VaultId,
};

/// A record, by its place in its contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Entry {
    Balance(Address),
    Nonce(Address),
    Market(MarketId),
    Collateral(MarketId, AssetId),
    Line(MarketId, VaultId),
    Account(AccountId),
    StopLoss(AccountId),
    Queue(QueueId),
    Tier(QueueId, Tier),
    TierSum(QueueId, Tier, u32),
    Tranche(MarketId, VaultId),
    Stake(StakeId),
    VaultLines(VaultId),
    Group(MarketId, GroupId),
    Kept(MarketId, Subject),
    Portfolio(MarketId),
    RiskFactor(MarketId, SetPlace, AssetId),
    Factor(FactorId),
    FactorAssets(FactorId),
    Tags(AssetId),
    CappedFactors(VaultId),
    ExposureCap(ExposureCapId),
    Exposure(ExposureId),
    Feed(FeedId),
    /// Of a market or a feed, as its contract is.
    Spell(u32),
    Meter(MarketId, VaultId),
    Breaker(MarketId),
    ExitCheckpoint(u32, u64),
    Place(u64),
    PlaceApproval(u64),
    PlaceAt(Address, u32),
    /// A bid, an operator or a credit: a hash of its name, without the slot's number.
    Hashed(Hashed, U256),
}

/// Records whose keys are hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hashed {
    Bid,
    Operator,
    Credit,
}

/// The record that the slot at `key` is a part of. `None` for a contract's own record, for what nobody
/// counts (allowances, sources, signers, pools), and for keys that no record has.
pub(crate) fn entry_of(key: U256) -> Option<Entry> {
    let bytes: [u8; 32] = key.to_be_bytes();
    let tag = bytes[0];
    let is = |other: Tag| tag == other as u8;
    let holder = Address::from_slice(&bytes[12..]);
    let [first, second, _] = pair_of(key);
    let market = MarketId::new(first);
    if let Some(entry) = hashed(key) {
        return Some(entry);
    }
    Some(match tag {
        _ if is(Tag::Balance) => Entry::Balance(holder),
        _ if is(Tag::Nonce) => Entry::Nonce(holder),
        _ if is(Tag::PlaceAt) => Entry::PlaceAt(holder, number(&bytes[8..12])),
        _ if is(Tag::Market) => Entry::Market(market),
        _ if is(Tag::Collateral) => Entry::Collateral(market, AssetId::new(second)),
        _ if is(Tag::Line) => Entry::Line(market, VaultId::new(second)),
        _ if is(Tag::Tranche) => Entry::Tranche(market, VaultId::new(second)),
        _ if is(Tag::Meter) => Entry::Meter(market, VaultId::new(second)),
        _ if is(Tag::VaultLines) => Entry::VaultLines(VaultId::new(first)),
        _ if is(Tag::CappedFactors) => Entry::CappedFactors(VaultId::new(first)),
        _ if is(Tag::Portfolio) => Entry::Portfolio(market),
        _ if is(Tag::Breaker) => Entry::Breaker(market),
        _ if is(Tag::Spell) => Entry::Spell(first),
        _ if is(Tag::Feed) => Entry::Feed(FeedId::new(first)),
        _ if is(Tag::Factor) => Entry::Factor(FactorId::new(first)),
        _ if is(Tag::FactorAssets) => Entry::FactorAssets(FactorId::new(first)),
        _ if is(Tag::Tags) => Entry::Tags(AssetId::new(first)),
        _ if is(Tag::Group) => Entry::Group(market, group(second)?),
        _ if is(Tag::KeptOfCollateral) => {
            Entry::Kept(market, Subject::Collateral(AssetId::new(second)))
        }
        _ if is(Tag::KeptOfGroup) => Entry::Kept(market, Subject::Group(group(second)?)),
        _ if is(Tag::RiskFactor) => {
            let place = if bytes[1] == 0 { SetPlace::Even } else { SetPlace::Odd };
            Entry::RiskFactor(market, place, AssetId::new(second))
        }
        _ if is(Tag::Place) => Entry::Place(place(&bytes)),
        _ if is(Tag::PlaceApproval) => Entry::PlaceApproval(place(&bytes)),
        _ if is(Tag::ExitCheckpoint) => {
            Entry::ExitCheckpoint(number(&bytes[12..16]), place(&bytes))
        }
        _ => return of_people(&bytes).or_else(|| of_queue(&bytes)).or_else(|| of_exposure(&bytes)),
    })
}

fn group(number: u32) -> Option<GroupId> {
    u8::try_from(number).ok().map(GroupId::new)
}

fn place(bytes: &[u8; 32]) -> u64 {
    bytes[20..28].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Keys that are hashes end in the slot's number.
fn hashed(key: U256) -> Option<Entry> {
    let (kind, slots) = match key.byte(31) {
        tag if tag == Tag::Bid as u8 => (Hashed::Bid, 3),
        tag if tag == Tag::Operator as u8 => (Hashed::Operator, 0),
        tag if tag == Tag::Credit as u8 => (Hashed::Credit, 1),
        _ => return None,
    };
    Some(Entry::Hashed(kind, key & !U256::from(slots)))
}

fn of_people(bytes: &[u8; 32]) -> Option<Entry> {
    let owner = Address::from_slice(&bytes[1..21]);
    let (market, last) = (MarketId::new(number(&bytes[21..25])), number(&bytes[25..29]));
    let account = AccountId { market, owner, sub: last };
    match bytes[0] {
        tag if tag == Tag::Account as u8 => Some(Entry::Account(account)),
        tag if tag == Tag::StopLoss as u8 => Some(Entry::StopLoss(account)),
        tag if tag == Tag::Stake as u8 => {
            Some(Entry::Stake(StakeId { market, vault: VaultId::new(last), staker: owner }))
        }
        _ => None,
    }
}

fn of_queue(bytes: &[u8; 32]) -> Option<Entry> {
    let queue = QueueId {
        market: MarketId::new(number(&bytes[8..12])),
        vault: VaultId::new(number(&bytes[12..16])),
        asset: AssetId::new(number(&bytes[16..20])),
    };
    let tier = Tier::new(bytes[1]).ok()?;
    match bytes[0] {
        tag if tag == Tag::Queue as u8 => Some(Entry::Queue(queue)),
        tag if tag == Tag::Tier as u8 => Some(Entry::Tier(queue, tier)),
        tag if tag == Tag::TierSum as u8 => Some(Entry::TierSum(queue, tier, number(&bytes[4..8]))),
        _ => None,
    }
}

fn of_exposure(bytes: &[u8; 32]) -> Option<Entry> {
    let vault = VaultId::new(number(&bytes[16..20]));
    let [market, last] = [number(&bytes[20..24]), number(&bytes[24..28])];
    let listed = (market != 0).then(|| MarketId::new(market));
    let asset = AssetId::new(last);
    match bytes[0] {
        tag if tag == Tag::ExposureCap as u8 => Some(Entry::ExposureCap(match listed {
            None => ExposureCapId::Factor(vault, FactorId::new(last)),
            Some(market) => ExposureCapId::Collateral(market, vault, asset),
        })),
        tag if tag == Tag::Exposure as u8 => {
            let asset = (last != 0).then_some(asset);
            Some(Entry::Exposure(ExposureId { vault, market: listed, asset }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys;
    use super::*;
    use gage_core::delegation::CreditId;
    use gage_core::{BidId, Guarded};
    use proptest::prelude::*;

    proptest! {
        /// Each key's own function is the reference; the record's later slots name it as well.
        #[test]
        fn keys_read_backwards(
            who in any::<[u8; 20]>().prop_map(Address::new),
            [one, two, three] in any::<[u32; 3]>(),
            (long, tier, small) in (any::<u64>(), 0..=60_u8, 1..=255_u8),
            slot in 0..4_u64,
        ) {
            let (market, vault, asset) = (MarketId::new(one), VaultId::new(two), AssetId::new(three));
            let account = AccountId { market, owner: who, sub: three };
            let queue = QueueId { market, vault, asset };
            let (tier, group) = (Tier::new(tier).unwrap(), GroupId::new(small));
            let stake = StakeId { market, vault, staker: who };
            let (factor, feed) = (FactorId::new(one), FeedId::new(two));
            let factor_cap = ExposureCapId::Factor(vault, factor);
            let listed = MarketId::new(one.max(1));
            let ceiling = ExposureCapId::Collateral(listed, vault, asset);
            let pledged = AssetId::new(three.max(1));
            let exposures = [(None, None), (Some(listed), None), (None, Some(pledged)), (Some(listed), Some(pledged))]
                .map(|(market, asset)| ExposureId { vault, market, asset });
            let subject = Subject::Collateral(asset);
            let mut expected = vec![
                (keys::market(market), Entry::Market(market)),
                (keys::collateral(market, asset), Entry::Collateral(market, asset)),
                (keys::line(market, vault), Entry::Line(market, vault)),
                (keys::account(&account), Entry::Account(account)),
                (keys::stop_loss(&account), Entry::StopLoss(account)),
                (keys::tier(queue, tier), Entry::Tier(queue, tier)),
                (keys::tranche(market, vault), Entry::Tranche(market, vault)),
                (keys::stake(&stake), Entry::Stake(stake)),
                (keys::vault_lines(vault), Entry::VaultLines(vault)),
                (keys::group(market, group), Entry::Group(market, group)),
                (keys::kept(market, subject), Entry::Kept(market, subject)),
                (keys::kept(market, Subject::Group(group)), Entry::Kept(market, Subject::Group(group))),
                (keys::portfolio(market), Entry::Portfolio(market)),
                (keys::factor(factor), Entry::Factor(factor)),
                (keys::factor_assets(factor), Entry::FactorAssets(factor)),
                (keys::capped_factors(vault), Entry::CappedFactors(vault)),
                (keys::feed(feed), Entry::Feed(feed)),
                (keys::growth_cap(feed), Entry::Feed(feed)),
                (keys::meter(market, vault), Entry::Meter(market, vault)),
                (keys::breaker(market), Entry::Breaker(market)),
                (keys::place(long), Entry::Place(long)),
            ];
            for place in [SetPlace::Even, SetPlace::Odd] {
                expected.push((keys::risk_factor(market, place, asset), Entry::RiskFactor(market, place, asset)));
            }
            for (key, entry) in expected {
                prop_assert_eq!(entry_of(key + U256::from(slot)), Some(entry));
            }
            let single = [
                (keys::balance(who), Entry::Balance(who)),
                (keys::nonce(who), Entry::Nonce(who)),
                (keys::place_at((who, one)), Entry::PlaceAt(who, one)),
                (keys::place_approval(long), Entry::PlaceApproval(long)),
                (keys::exit_checkpoint((one, long)), Entry::ExitCheckpoint(one, long)),
                (keys::queue(queue), Entry::Queue(queue)),
                (keys::tier_sum(queue, tier, one), Entry::TierSum(queue, tier, one)),
                (keys::tags(asset), Entry::Tags(asset)),
                (keys::exposure_cap(factor_cap), Entry::ExposureCap(factor_cap)),
                (keys::exposure_cap(ceiling), Entry::ExposureCap(ceiling)),
                (keys::spell(Guarded::Feed(feed)), Entry::Spell(two)),
            ];
            let exposures = exposures.map(|id| (keys::exposure(id), Entry::Exposure(id)));
            for (key, entry) in single.into_iter().chain(exposures) {
                prop_assert_eq!(entry_of(key), Some(entry));
            }
            let bid = keys::bid(&BidId { queue, tier, bidder: who });
            prop_assert_eq!(entry_of(bid + U256::from(slot)), Some(Entry::Hashed(Hashed::Bid, bid)));
            let operator = keys::operator(&account, who);
            prop_assert_eq!(entry_of(operator), Some(Entry::Hashed(Hashed::Operator, operator)));
            let credit = keys::credit(&CreditId { account, vault, delegatee: who });
            prop_assert_eq!(
                entry_of(credit + U256::from(slot % 2)),
                Some(Entry::Hashed(Hashed::Credit, credit))
            );
        }
    }

    #[test]
    fn other_slots_are_of_no_record() {
        let who = Address::repeat_byte(7);
        let own = [keys::OWN, keys::OWN + U256::from(3), keys::allowance(who, who), U256::MAX];
        assert!(own.into_iter().all(|key| entry_of(key).is_none()));
    }
}
