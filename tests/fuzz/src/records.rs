//! Records in storage: whatever words lie in an entity's slots, reading them gives an entity or says that there is none,
//! and an entity that was read is written so that it reads back the same.
//!
//! The slots below the ledger hold the input, word after word in the order in which they are first asked for.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::Debug;

use alloy_primitives::{Address, B256, U256};
use gage_core::bids::{Queue, Tier};
use gage_core::delegation::CreditId;
use gage_core::terms::Subject;
use gage_core::{
    AccountId, AssetId, BidId, ExposureCapId, ExposureId, FactorId, FeedId, GroupId, GuardLedger,
    Guarded, Ledger, MarketId, PlaceId, PriceLedger, QueueId, SetPlace, SignerSetId, SourceKind,
    StakeId, Stop, VaultId,
};
use gage_evm::SlotLedger;
use gage_evm::view::{self, ViewSlots};
use revm::DatabaseRef;
use revm::bytecode::Bytecode;
use revm::state::AccountInfo;

/// A state whose words are given.
#[derive(Debug, Default)]
struct Words {
    /// What is left of the input.
    rest: RefCell<Vec<u8>>,
    known: RefCell<BTreeMap<(Address, U256), U256>>,
}

impl DatabaseRef for Words {
    type Error = Infallible;

    fn basic_ref(&self, _: Address) -> Result<Option<AccountInfo>, Infallible> {
        Ok(None)
    }

    fn code_by_hash_ref(&self, _: B256) -> Result<Bytecode, Infallible> {
        Ok(Bytecode::default())
    }

    fn storage_ref(&self, address: Address, key: U256) -> Result<U256, Infallible> {
        let next = || {
            let mut rest = self.rest.borrow_mut();
            let many = rest.len().min(32);
            let mut word = [0; 32];
            word[..many].copy_from_slice(&rest[..many]);
            rest.drain(..many);
            U256::from_be_bytes(word)
        };
        Ok(*self.known.borrow_mut().entry((address, key)).or_insert_with(next))
    }

    fn block_hash_ref(&self, _: u64) -> Result<B256, Infallible> {
        Ok(B256::ZERO)
    }
}

type Slots = SlotLedger<ViewSlots<Words>>;

fn ledger_of(bytes: &[u8]) -> Slots {
    view::ledger(Words { rest: RefCell::new(bytes.to_vec()), ..Words::default() })
}

/// A ledger over what another one has written.
fn reopened(mut ledger: Slots) -> Slots {
    ledger.commit().unwrap();
    let written = ledger.slots().written().iter();
    let known =
        written.map(|((contract, key), word)| ((contract.address(), *key), *word)).collect();
    view::ledger(Words { known: RefCell::new(known), ..Words::default() })
}

/// What is read where an entity was written is written and read alike from then on. The words of the input may be none
/// that an operation writes, so the first reading may be of an entity that is kept in another form.
fn reads_back<T: PartialEq + Debug>(
    bytes: &[u8],
    read: impl Fn(&mut Slots) -> Result<T, Stop>,
    write: impl Fn(&mut Slots, &T) -> Result<(), Stop>,
) {
    let kept = |mut ledger: Slots| {
        let entity = read(&mut ledger).ok()?;
        let mut empty = ledger_of(&[]);
        write(&mut empty, &entity)
            .unwrap_or_else(|why| panic!("{entity:?} was read, not written: {why:?}"));
        Some((entity, reopened(empty)))
    };
    let Some((_, ledger)) = kept(ledger_of(bytes)) else { return };
    let Some((entity, mut ledger)) = kept(ledger) else { return };
    assert_eq!(read(&mut ledger).unwrap(), entity);
}

const MARKET: MarketId = MarketId::new(1);
const VAULT: VaultId = VaultId::new(1);
const ASSET: AssetId = AssetId::new(2);
const FEED: FeedId = FeedId::new(3);
const SOMEBODY: Address = Address::repeat_byte(1);
const ACCOUNT: AccountId = AccountId { market: MARKET, owner: SOMEBODY, sub: 1 };
const QUEUE: QueueId = QueueId { market: MARKET, vault: VAULT, asset: ASSET };

/// Which entity; then its words.
pub(crate) fn run(data: &[u8]) {
    let [which, bytes @ ..] = data else { return };
    let group = usize::from(*which) % GROUPS.len();
    GROUPS[group](bytes, which / GROUPS.len() as u8);
}

const GROUPS: [fn(&[u8], u8); 4] = [books, people, prices, sales];

/// What lenders and borrowers share.
fn books(bytes: &[u8], which: u8) {
    match which % 14 {
        0 => reads_back(bytes, Slots::protocol, Slots::set_protocol),
        1 => reads_back(bytes, |l| l.asset(ASSET), |l, it| l.set_asset(ASSET, it)),
        2 => reads_back(bytes, |l| l.vault(VAULT), |l, it| l.set_vault(VAULT, it)),
        3 => reads_back(bytes, |l| l.market(MARKET), |l, it| l.set_market(MARKET, it)),
        4 => reads_back(
            bytes,
            |l| l.collateral(MARKET, ASSET),
            |l, it| l.set_collateral(MARKET, ASSET, it),
        ),
        5 => reads_back(bytes, |l| l.line(MARKET, VAULT), |l, it| l.set_line(MARKET, VAULT, it)),
        6 => reads_back(bytes, |l| l.vault_lines(VAULT), |l, it| l.set_vault_lines(VAULT, it)),
        7 => {
            let subject = Subject::Collateral(ASSET);
            reads_back(bytes, |l| l.kept(MARKET, subject), |l, it| l.set_kept(MARKET, subject, it));
        }
        8 => {
            let id = GroupId::new(1);
            reads_back(bytes, |l| l.group(MARKET, id), |l, it| l.set_group(MARKET, id, it));
        }
        9 => reads_back(bytes, |l| l.portfolio(MARKET), |l, it| l.set_portfolio(MARKET, it)),
        10 => reads_back(
            bytes,
            |l| l.risk_factor(MARKET, SetPlace::Even, ASSET),
            |l, it| l.set_risk_factor(MARKET, SetPlace::Even, ASSET, it.as_ref()),
        ),
        11 => reads_back(
            bytes,
            |l| l.factor(FactorId::new(1)),
            |l, it| l.set_factor(FactorId::new(1), it),
        ),
        12 => reads_back(bytes, |l| l.tags(ASSET), |l, it| l.set_tags(ASSET, it)),
        _ => reads_back(
            bytes,
            |l| l.rebasing(ASSET),
            |l, it| it.as_ref().map_or(Ok(()), |it| l.set_rebasing(ASSET, it)),
        ),
    }
}

/// What one of them has.
fn people(bytes: &[u8], which: u8) {
    match which % 11 {
        0 => reads_back(bytes, |l| l.account(&ACCOUNT), |l, it| l.set_account(&ACCOUNT, it)),
        1 => {
            let id = StakeId { market: MARKET, vault: VAULT, staker: SOMEBODY };
            reads_back(bytes, |l| l.stake(&id), |l, it| l.set_stake(&id, it));
        }
        2 => reads_back(
            bytes,
            |l| l.stop_loss(&ACCOUNT),
            |l, it| l.set_stop_loss(&ACCOUNT, it.as_ref()),
        ),
        3 => reads_back(
            bytes,
            |l| l.operator(&ACCOUNT, SOMEBODY),
            |l, it| l.set_operator(&ACCOUNT, SOMEBODY, it),
        ),
        4 => {
            let id = CreditId { account: ACCOUNT, vault: VAULT, delegatee: SOMEBODY };
            reads_back(bytes, |l| l.credit(&id), |l, it| l.set_credit(&id, it));
        }
        5 => {
            let id = PlaceId { vault: VAULT, number: 1 };
            reads_back(bytes, |l| l.place(id), |l, it| l.set_place(id, it.as_ref()));
        }
        6 => reads_back(bytes, |l| l.exit_queue(VAULT), |l, it| l.set_exit_queue(VAULT, it)),
        7 => reads_back(
            bytes,
            |l| l.exit_checkpoint(VAULT, (1, 1)),
            |l, it| l.set_exit_checkpoint(VAULT, (1, 1), it),
        ),
        8 => {
            let id = ExposureId { vault: VAULT, market: None, asset: Some(ASSET) };
            reads_back(bytes, |l| l.exposure(id), |l, it| l.set_exposure(id, *it));
        }
        9 => {
            let id = ExposureCapId::Collateral(MARKET, VAULT, ASSET);
            reads_back(bytes, |l| l.exposure_cap(id), |l, it| l.set_exposure_cap(id, *it));
        }
        _ => reads_back(
            bytes,
            |l| l.tranche(MARKET, VAULT),
            |l, it| it.as_ref().map_or(Ok(()), |it| l.set_tranche(MARKET, VAULT, it)),
        ),
    }
}

/// What prices are made of.
fn prices(bytes: &[u8], which: u8) {
    match which % 10 {
        0 => reads_back(bytes, |l| l.feed(FEED), |l, it| l.set_feed(FEED, it)),
        1 => reads_back(bytes, |l| l.feed_info(FEED), |l, it| l.set_feed_info(FEED, it)),
        2 => reads_back(bytes, |l| l.feed_terms(FEED), |l, it| l.set_feed_terms(FEED, it)),
        3 => reads_back(bytes, |l| l.track(FEED), |l, it| l.set_track(FEED, it)),
        4 => reads_back(bytes, |l| l.source(FEED, 0), |l, it| l.set_source(FEED, 0, it)),
        5 => reads_back(bytes, |l| l.observation(FEED, 0), |l, it| l.set_observation(FEED, 0, it)),
        6 => {
            let id = SignerSetId { provider: SourceKind::Pyth, name: B256::ZERO };
            reads_back(bytes, |l| l.signer_set(&id), |l, it| l.set_signer_set(&id, it));
        }
        7 => reads_back(bytes, |l| l.growth_cap(FEED), |l, it| l.set_growth_cap(FEED, it)),
        8 => reads_back(
            bytes,
            |l| l.pool_terms(FEED, 0),
            |l, it| l.set_pool_terms(FEED, 0, it.as_ref()),
        ),
        _ => reads_back(bytes, |l| l.pool_trail(FEED, 0), |l, it| l.set_pool_trail(FEED, 0, it)),
    }
}

/// What liquidation and guards remember.
fn sales(bytes: &[u8], which: u8) {
    let tier = Tier::default();
    match which % 7 {
        0 => reads_back(bytes, |l| l.tier(QUEUE, tier), |l, it| l.set_tier(QUEUE, tier, it)),
        1 => {
            let id = BidId { queue: QUEUE, tier, bidder: SOMEBODY };
            reads_back(bytes, |l| l.bid(&id), |l, it| l.set_bid(&id, it));
        }
        2 => reads_back(bytes, |l| l.queue(QUEUE), |l, it: &Queue| l.set_queue(QUEUE, it)),
        3 => reads_back(
            bytes,
            |l| l.tier_sum(QUEUE, tier, 1),
            |l, it| l.set_tier_sum(QUEUE, tier, 1, *it),
        ),
        4 => {
            let what = Guarded::Market(MARKET);
            reads_back(bytes, |l| l.spell(what), |l, it| l.set_spell(what, *it));
        }
        5 => reads_back(bytes, |l| l.meter(MARKET, VAULT), |l, it| l.set_meter(MARKET, VAULT, it)),
        _ => reads_back(bytes, |l| l.breaker(MARKET), |l, it| l.set_breaker(MARKET, it)),
    }
}

/// Words of every size in the slots of every entity.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let words: [[u8; 32]; 4] = [[1; 32], [0xff; 32], U256::ONE.to_be_bytes(), [0; 32]];
    let entities = 0..(14 * GROUPS.len()) as u8;
    let with = |which: u8| words.map(|word| [&[which], &word.repeat(6)[..]].concat());
    entities.flat_map(with).collect()
}
