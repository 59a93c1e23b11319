//! Where each record lies in its contract's storage.
//!
//! A key is a tag byte and the record's number, holder or account, written out: two records cannot
//! share a key, nothing is hashed to find one, and whoever walks a contract's storage sees what each
//! slot is. Only allowances, bids, authorisations, sources and signers, whose names are longer than a key, take a hash. The trie hashes keys anyway.
//!
//! | tag | contract | rest of the key | slots |
//! |---|---|---|---|
//! | 0 | registry, vault, asset, rebasing view | slot number | the contract's own record |
//! | 1 | vault, asset | holder | balance |
//! | 2 | vault, asset, rebasing view, market | owner | nonce of permits, or of authorisations |
//! | 3 | vault, asset, rebasing view | 31 bytes of keccak(owner, spender) | allowance |
//! | 4 | market | market, slot number | the market |
//! | 5 | market | market, asset, slot number | a collateral's terms and total |
//! | 6 | market | market, vault, slot number | a line |
//! | 7 | market | owner, market, sub-account, slot number | an account |
//! | 8 | oracle | feed, slot number | a feed: two slots of what valuations read, two of whose it is, two of its terms, two of its past, and its growth cap |
//! | 9 | oracle | 31 bytes of keccak(feed, kind, key) | one more than the place of a source |
//! | 38 | oracle | feed, slot number | how its sources count, by their places |
//! | 39 | oracle | feed, place | what a source said last |
//! | 40 | oracle | feed, place, slot number; with no feed, slot number | how a pool is read; which feeds have pools |
//! | 41 | oracle | feed, place, slot number | what is kept of a pool's readings |
//! | 42 | oracle | feed, place | a source's key |
//! | 43 | oracle | 31 bytes of keccak(provider, name), the last six bits the slot number | who signs for another oracle |
//! | 10 | market | market, vault, asset | a bid queue's tiers |
//! | 11 | market | tier, market, vault, asset, slot number | a tier |
//! | 12 | market | tier, scale, market, vault, asset | the sum of an ended scale |
//! | 13 | market | 31 bytes of keccak(market, vault, asset, tier, bidder), the last two bits the slot number | a bid |
//! | 14 | market | owner, market, sub-account, slot number | an account's stop-loss order |
//! | 15 | market | market, vault, slot number | a line's first-loss capital |
//! | 16 | market | staker, market, vault | a stake |
//! | 17 | market | vault, slot number | the markets to which a vault has lines |
//! | 18 | market | market, group, slot number | a group |
//! | 19 | market | market, asset, slot number | what accounts keep of a collateral's earlier terms |
//! | 20 | market | market, group, slot number | what accounts keep of a group's earlier terms |
//! | 22 | market | market | its portfolio margin |
//! | 23 | market | place of the set, market, asset, slot number | how an asset moves |
//! | 24 | exits | run, number | a fill of an exit queue |
//! | 25 | exits | number, slot number | a place in it |
//! | 26 | exits | number | who may move the place besides its owner |
//! | 27 | exits | index, owner | a place of the owner's list |
//! | 28 | market | 31 bytes of keccak(owner, market, sub-account, operator) | what an operator may do |
//! | 29 | market | 31 bytes of keccak(owner, market, sub-account, vault, delegatee), the last bit the slot number | what a delegatee may draw |
//! | 32 | registry | factor, slot number | a factor |
//! | 33 | registry | factor, slot number | the assets that have a factor |
//! | 34 | registry | asset | the factors that an asset has |
//! | 35 | market | vault, slot number | the factors that a vault caps |
//! | 36 | market | vault, market, asset; or vault, 0, factor | a cap on what backs a vault's debt |
//! | 37 | market | vault, market or 0, asset or 0 | a sum of tracked debt |
//!
//! An exit queue's own record lies in its contract's first slots; how many places an address holds lies where
//! tokens have balances, and who may move all of an owner's places where they have allowances.

use alloy_primitives::{Address, U256, keccak256};
use gage_core::bids::Tier;
use gage_core::delegation::CreditId;
use gage_core::terms::Subject;
use gage_core::{
    AccountId, AssetId, BidId, ExposureCapId, ExposureId, FactorId, FeedId, GroupId, Guarded,
    MarketId, QueueId, SetPlace, SignerSetId, SourceId, StakeId, VaultId,
};

/// What a slot holds: the first byte of its key. Zero is a contract's own record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Tag {
    Balance = 1,
    Nonce = 2,
    Allowance = 3,
    Market = 4,
    Collateral = 5,
    Line = 6,
    Account = 7,
    Feed = 8,
    SourcePlace = 9,
    Queue = 10,
    Tier = 11,
    TierSum = 12,
    Bid = 13,
    StopLoss = 14,
    Tranche = 15,
    Stake = 16,
    VaultLines = 17,
    Group = 18,
    KeptOfCollateral = 19,
    KeptOfGroup = 20,
    Portfolio = 22,
    RiskFactor = 23,
    Factor = 32,
    FactorAssets = 33,
    Tags = 34,
    CappedFactors = 35,
    ExposureCap = 36,
    Exposure = 37,
    SourceTerms = 38,
    Observation = 39,
    PoolTerms = 40,
    PoolTrail = 41,
    SourceKey = 42,
    Signers = 43,
    Spell = 44,
    Meter = 45,
    Breaker = 46,
    Operator = 28,
    Credit = 29,
    ExitCheckpoint = 24,
    Place = 25,
    PlaceApproval = 26,
    PlaceAt = 27,
}

/// The first slot of a contract's own record.
pub(crate) const OWN: U256 = U256::ZERO;

fn key_of_holder(tag: Tag, number: u32, holder: Address) -> U256 {
    let mut bytes = [0; 32];
    bytes[0] = tag as u8;
    bytes[8..12].copy_from_slice(&number.to_be_bytes());
    bytes[12..].copy_from_slice(holder.as_slice());
    U256::from_be_bytes(bytes)
}

fn key_of_pair(tag: Tag, first: u32, second: u32) -> U256 {
    let mut bytes = [0; 32];
    bytes[0] = tag as u8;
    bytes[20..24].copy_from_slice(&first.to_be_bytes());
    bytes[24..28].copy_from_slice(&second.to_be_bytes());
    U256::from_be_bytes(bytes)
}

/// The balance of `holder`.
pub(crate) fn balance(holder: Address) -> U256 {
    key_of_holder(Tag::Balance, 0, holder)
}

/// The permit nonce of `owner`.
pub(crate) fn nonce(owner: Address) -> U256 {
    key_of_holder(Tag::Nonce, 0, owner)
}

/// What `spender` may move of `owner`'s tokens.
pub(crate) fn allowance(owner: Address, spender: Address) -> U256 {
    let mut pair = [0; 40];
    pair[..20].copy_from_slice(owner.as_slice());
    pair[20..].copy_from_slice(spender.as_slice());
    let mut hash = keccak256(pair);
    hash[0] = Tag::Allowance as u8;
    hash.into()
}

/// The first slot of a market.
pub(crate) fn market(id: MarketId) -> U256 {
    key_of_pair(Tag::Market, id.get(), 0)
}

/// What a market says of its stops beyond its first slots.
pub(crate) fn market_stops(id: MarketId) -> U256 {
    market(id) + U256::from(8)
}

/// The guardian's last stop of something, in the contract of the thing.
pub(crate) fn spell(what: Guarded) -> U256 {
    let number = match what {
        Guarded::Market(id) => id.get(),
        Guarded::Feed(id) => id.get(),
    };
    key_of_pair(Tag::Spell, number, 0)
}

/// The first slot of a line's draw meter.
pub(crate) fn meter(market: MarketId, vault: VaultId) -> U256 {
    key_of_pair(Tag::Meter, market.get(), vault.get())
}

/// The first slot of a market's breaker.
pub(crate) fn breaker(id: MarketId) -> U256 {
    key_of_pair(Tag::Breaker, id.get(), 0)
}

/// The first slot of a collateral of a market.
pub(crate) fn collateral(market: MarketId, asset: AssetId) -> U256 {
    key_of_pair(Tag::Collateral, market.get(), asset.get())
}

/// The first slot of a group of a market.
pub(crate) fn group(market: MarketId, group: GroupId) -> U256 {
    key_of_pair(Tag::Group, market.get(), group.get().into())
}

/// The first slot of what accounts keep of a collateral's or group's earlier terms.
pub(crate) fn kept(market: MarketId, subject: Subject) -> U256 {
    match subject {
        Subject::Collateral(asset) => key_of_pair(Tag::KeptOfCollateral, market.get(), asset.get()),
        Subject::Group(group) => key_of_pair(Tag::KeptOfGroup, market.get(), group.get().into()),
    }
}

/// The first slot of a line.
pub(crate) fn line(market: MarketId, vault: VaultId) -> U256 {
    key_of_pair(Tag::Line, market.get(), vault.get())
}

/// A market's portfolio margin.
pub(crate) fn portfolio(market: MarketId) -> U256 {
    key_of_pair(Tag::Portfolio, market.get(), 0)
}

/// The first slot of how an asset of a market moves.
pub(crate) fn risk_factor(market: MarketId, place: SetPlace, asset: AssetId) -> U256 {
    let mut bytes: [u8; 32] = key_of_pair(Tag::RiskFactor, market.get(), asset.get()).to_be_bytes();
    bytes[1] = match place {
        SetPlace::Even => 0,
        SetPlace::Odd => 1,
    };
    U256::from_be_bytes(bytes)
}

fn key_of_account(tag: Tag, id: &AccountId) -> U256 {
    let mut bytes = [0; 32];
    bytes[0] = tag as u8;
    bytes[1..21].copy_from_slice(id.owner.as_slice());
    bytes[21..25].copy_from_slice(&id.market.get().to_be_bytes());
    bytes[25..29].copy_from_slice(&id.sub.to_be_bytes());
    U256::from_be_bytes(bytes)
}

/// The first slot of an account.
pub(crate) fn account(id: &AccountId) -> U256 {
    key_of_account(Tag::Account, id)
}

/// The first slot of an account's stop-loss order.
pub(crate) fn stop_loss(id: &AccountId) -> U256 {
    key_of_account(Tag::StopLoss, id)
}

/// The account that a slot of the market contract is of, its stop-loss order's slots included.
pub(crate) fn account_of(key: U256) -> Option<AccountId> {
    let bytes: [u8; 32] = key.to_be_bytes();
    if bytes[0] != Tag::Account as u8 && bytes[0] != Tag::StopLoss as u8 {
        return None;
    }
    Some(AccountId {
        owner: Address::from_slice(&bytes[1..21]),
        market: MarketId::new(number(&bytes[21..25])),
        sub: number(&bytes[25..29]),
    })
}

fn key_of_queue(tag: Tag, (tier, scale): (u8, u32), queue: QueueId) -> U256 {
    let mut bytes = [0; 32];
    bytes[0] = tag as u8;
    bytes[1] = tier;
    bytes[4..8].copy_from_slice(&scale.to_be_bytes());
    bytes[8..12].copy_from_slice(&queue.market.get().to_be_bytes());
    bytes[12..16].copy_from_slice(&queue.vault.get().to_be_bytes());
    bytes[16..20].copy_from_slice(&queue.asset.get().to_be_bytes());
    U256::from_be_bytes(bytes)
}

/// A bid queue.
pub(crate) fn queue(id: QueueId) -> U256 {
    key_of_queue(Tag::Queue, (0, 0), id)
}

/// The first slot of a tier.
pub(crate) fn tier(queue: QueueId, tier: Tier) -> U256 {
    key_of_queue(Tag::Tier, (tier.get(), 0), queue)
}

/// The sum of an ended scale of a tier.
pub(crate) fn tier_sum(queue: QueueId, tier: Tier, scale: u32) -> U256 {
    key_of_queue(Tag::TierSum, (tier.get(), scale), queue)
}

/// The first of a bid's four slots.
pub(crate) fn bid(id: &BidId) -> U256 {
    let mut name = [0; 33];
    name[..4].copy_from_slice(&id.queue.market.get().to_be_bytes());
    name[4..8].copy_from_slice(&id.queue.vault.get().to_be_bytes());
    name[8..12].copy_from_slice(&id.queue.asset.get().to_be_bytes());
    name[12] = id.tier.get();
    name[13..].copy_from_slice(id.bidder.as_slice());
    let mut hash = keccak256(name);
    hash[0] = Tag::Bid as u8;
    hash[31] &= !3;
    hash.into()
}

/// The first slot of a line's first-loss capital.
pub(crate) fn tranche(market: MarketId, vault: VaultId) -> U256 {
    key_of_pair(Tag::Tranche, market.get(), vault.get())
}

/// A stake.
pub(crate) fn stake(id: &StakeId) -> U256 {
    let mut bytes = [0; 32];
    bytes[0] = Tag::Stake as u8;
    bytes[1..21].copy_from_slice(id.staker.as_slice());
    bytes[21..25].copy_from_slice(&id.market.get().to_be_bytes());
    bytes[25..29].copy_from_slice(&id.vault.get().to_be_bytes());
    U256::from_be_bytes(bytes)
}

/// The first slot of the list of a vault's lines.
pub(crate) fn vault_lines(vault: VaultId) -> U256 {
    key_of_pair(Tag::VaultLines, vault.get(), 0)
}

/// The first slot of a factor.
pub(crate) fn factor(id: FactorId) -> U256 {
    key_of_pair(Tag::Factor, id.get(), 0)
}

/// The first slot of the list of a factor's assets.
pub(crate) fn factor_assets(id: FactorId) -> U256 {
    key_of_pair(Tag::FactorAssets, id.get(), 0)
}

/// The factors of an asset.
pub(crate) fn tags(asset: AssetId) -> U256 {
    key_of_pair(Tag::Tags, asset.get(), 0)
}

/// The first slot of the list of a vault's capped factors.
pub(crate) fn capped_factors(vault: VaultId) -> U256 {
    key_of_pair(Tag::CappedFactors, vault.get(), 0)
}

fn key_of_three(tag: Tag, numbers: [u32; 3]) -> U256 {
    let mut bytes = [0; 32];
    bytes[0] = tag as u8;
    for (place, number) in bytes[16..28].chunks_exact_mut(4).zip(numbers) {
        place.copy_from_slice(&number.to_be_bytes());
    }
    U256::from_be_bytes(bytes)
}

/// A cap on what backs a vault's debt. No market has the number zero.
pub(crate) fn exposure_cap(id: ExposureCapId) -> U256 {
    let numbers = match id {
        ExposureCapId::Factor(vault, factor) => [vault.get(), 0, factor.get()],
        ExposureCapId::Collateral(market, vault, asset) => [vault.get(), market.get(), asset.get()],
    };
    key_of_three(Tag::ExposureCap, numbers)
}

/// A sum of tracked debt. Neither a market nor an asset has the number zero.
pub(crate) fn exposure(id: ExposureId) -> U256 {
    let market = id.market.map_or(0, MarketId::get);
    let asset = id.asset.map_or(0, AssetId::get);
    key_of_three(Tag::Exposure, [id.vault.get(), market, asset])
}

/// The account's owner, market and number, written out.
fn name_of(id: &AccountId) -> [u8; 28] {
    let mut name = [0; 28];
    name[..20].copy_from_slice(id.owner.as_slice());
    name[20..24].copy_from_slice(&id.market.get().to_be_bytes());
    name[24..].copy_from_slice(&id.sub.to_be_bytes());
    name
}

/// What `operator` may do with an account.
pub(crate) fn operator(account: &AccountId, operator: Address) -> U256 {
    let mut hash = keccak256([&name_of(account), operator.as_slice()].concat());
    hash[0] = Tag::Operator as u8;
    hash.into()
}

/// The first of the two slots of what a delegatee may draw.
pub(crate) fn credit(id: &CreditId) -> U256 {
    let vault = id.vault.get().to_be_bytes();
    let mut hash = keccak256([&name_of(&id.account), &vault[..], id.delegatee.as_slice()].concat());
    hash[0] = Tag::Credit as u8;
    hash[31] &= !1;
    hash.into()
}

fn key_of_place(tag: Tag, number: u64) -> U256 {
    let mut bytes = [0; 32];
    bytes[0] = tag as u8;
    bytes[20..28].copy_from_slice(&number.to_be_bytes());
    U256::from_be_bytes(bytes)
}

/// A fill of an exit queue.
pub(crate) fn exit_checkpoint((run, number): (u32, u64)) -> U256 {
    key_of_place(Tag::ExitCheckpoint, number) | U256::from(run) << 128
}

/// The first slot of a place in an exit queue.
pub(crate) fn place(number: u64) -> U256 {
    key_of_place(Tag::Place, number)
}

/// Who may move a place besides its owner.
pub(crate) fn place_approval(number: u64) -> U256 {
    key_of_place(Tag::PlaceApproval, number)
}

/// The place at an index of an owner's list.
pub(crate) fn place_at((owner, index): (Address, u32)) -> U256 {
    key_of_holder(Tag::PlaceAt, index, owner)
}

/// The first slot of a feed.
pub(crate) fn feed(id: FeedId) -> U256 {
    key_of_pair(Tag::Feed, id.get(), 0)
}

fn feed_part(id: FeedId, slot: u8) -> U256 {
    feed(id) + U256::from(slot)
}

/// The first slot of whose a feed is.
pub(crate) fn feed_info(id: FeedId) -> U256 {
    feed_part(id, 2)
}

/// The first slot of a feed's terms.
pub(crate) fn feed_terms(id: FeedId) -> U256 {
    feed_part(id, 4)
}

/// The first slot of what a feed remembers.
pub(crate) fn track(id: FeedId) -> U256 {
    feed_part(id, 6)
}

/// How fast a feed's rate may grow: after the feed's own slots.
pub(crate) fn growth_cap(id: FeedId) -> U256 {
    feed_part(id, 8)
}

/// The first slot of how a feed's sources count.
pub(crate) fn source_terms(feed: FeedId) -> U256 {
    key_of_pair(Tag::SourceTerms, feed.get(), 0)
}

/// What the source at a place said last.
pub(crate) fn observation(feed: FeedId, place: u8) -> U256 {
    key_of_pair(Tag::Observation, feed.get(), place.into())
}

/// The key of the source at a place.
pub(crate) fn source_key(feed: FeedId, place: u8) -> U256 {
    key_of_pair(Tag::SourceKey, feed.get(), place.into())
}

/// The first slot of how the pool at a place is read.
pub(crate) fn pool_terms(feed: FeedId, place: u8) -> U256 {
    key_of_pair(Tag::PoolTerms, feed.get(), place.into())
}

/// The first slot of the list of feeds that have pools. No feed has the number zero.
pub(crate) fn pool_feeds() -> U256 {
    key_of_pair(Tag::PoolTerms, 0, 0)
}

/// The first slot of what is kept of the readings of the pool at a place.
pub(crate) fn pool_trail(feed: FeedId, place: u8) -> U256 {
    key_of_pair(Tag::PoolTrail, feed.get(), place.into())
}

/// The place of a source.
pub(crate) fn source_place(feed: FeedId, id: &SourceId) -> U256 {
    let number = feed.get().to_be_bytes();
    let mut hash = keccak256([&number[..], &[id.kind.number()], id.key.as_slice()].concat());
    hash[0] = Tag::SourcePlace as u8;
    hash.into()
}

/// The first slot of who signs for another oracle.
pub(crate) fn signers(id: &SignerSetId) -> U256 {
    let mut hash = keccak256([&[id.provider.number()], id.name.as_slice()].concat());
    hash[0] = Tag::Signers as u8;
    hash[31] &= !63;
    hash.into()
}

/// A number as it is written out in a key.
pub(crate) fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// The two numbers and the slot number of a key of a pair.
pub(crate) fn pair_of(key: U256) -> [u32; 3] {
    let bytes: [u8; 32] = key.to_be_bytes();
    [number(&bytes[20..24]), number(&bytes[24..28]), number(&bytes[28..])]
}
