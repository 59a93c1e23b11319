//! The mempool's promises, on random transactions and by name.

use std::collections::BTreeMap;

use alloy_consensus::{
    SignableTransaction, Transaction, TxEip1559, TxEnvelope, transaction::Recovered,
};
use alloy_eips::eip1559::calc_next_block_base_fee;
use alloy_primitives::{Address, Bytes, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use gage_chain::{BASE_FEE_PARAMS, Rejection, Room, TxSource};
use gage_node::{AccountFacts, NextBlock, Pool, PoolError, PoolLimits};
use proptest::prelude::*;

const CHAIN_ID: u64 = 4243;
const GAS_LIMIT: u64 = 30_000_000;
const RICH: U256 = U256::from_limbs([0, 0, 1, 0]);

#[derive(Clone, Debug)]
struct Draft {
    from: u8,
    nonce: u64,
    fee_max: u128,
    tip_max: u128,
    gas: u64,
    value: u64,
    chain_id: u64,
}

fn draft(from: u8, nonce: u64) -> Draft {
    Draft { from, nonce, fee_max: 1_000, tip_max: 10, gas: 21_000, value: 0, chain_id: CHAIN_ID }
}

fn signer(from: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&[from + 1; 32].into()).expect("a key in range")
}

impl Draft {
    fn tip(self, tip_max: u128) -> Self {
        Self { tip_max, ..self }
    }

    fn fee(self, fee_max: u128) -> Self {
        Self { fee_max, ..self }
    }

    fn sign(&self) -> Recovered<TxEnvelope> {
        let tx = TxEip1559 {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_limit: self.gas,
            max_fee_per_gas: self.fee_max,
            max_priority_fee_per_gas: self.tip_max,
            to: TxKind::Call(Address::repeat_byte(1)),
            value: U256::from(self.value),
            access_list: Default::default(),
            input: Bytes::new(),
        };
        let signature = signer(self.from).sign_hash_sync(&tx.signature_hash()).expect("signed");
        let tx = TxEnvelope::from(tx.into_signed(signature));
        Recovered::new_unchecked(tx, signer(self.from).address())
    }
}

fn pool(limits: PoolLimits) -> Pool {
    Pool::new(limits, CHAIN_ID, next(1))
}

fn next(base_fee: u64) -> NextBlock {
    NextBlock { gas_limit: GAS_LIMIT, base_fee }
}

fn add(pool: &mut Pool, draft: &Draft) -> Result<Option<Recovered<TxEnvelope>>, PoolError> {
    pool.add(draft.sign(), AccountFacts { nonce: 0, balance: RICH })
}

/// What a block with this base fee would be offered, as (sender, nonce).
fn offered(pool: &Pool, base_fee: u64) -> Vec<(Address, u64)> {
    let mut selection = pool.select(base_fee);
    let room = Room { base_fee, gas_left: GAS_LIMIT };
    std::iter::from_fn(|| selection.next(room)).map(|tx| (tx.signer(), tx.nonce())).collect()
}

fn address(from: u8) -> Address {
    signer(from).address()
}

#[test]
fn the_best_tip_is_first_then_the_earliest_and_nonces_stay_in_order() {
    let mut pool = pool(PoolLimits::default());
    for draft in [
        draft(0, 1).tip(90),
        draft(0, 0).tip(20),
        draft(1, 0).tip(30),
        draft(2, 0).tip(20),
        draft(3, 0).fee(105).tip(100),
    ] {
        add(&mut pool, &draft).unwrap();
    }
    // With a base fee of 100, sender 3 tips 5 only.
    let order: Vec<_> = offered(&pool, 100);
    let expected = [(1, 0), (0, 0), (0, 1), (2, 0), (3, 0)];
    assert_eq!(order, expected.map(|(from, nonce)| (address(from), nonce)));
    // Who does not pay the base fee waits.
    assert_eq!(offered(&pool, 200).len(), 4);
}

#[test]
fn what_is_behind_a_gap_waits_until_the_gap_is_filled() {
    let mut pool = pool(PoolLimits::default());
    for nonce in [0, 2, 3] {
        add(&mut pool, &draft(0, nonce)).unwrap();
    }
    assert_eq!(offered(&pool, 1), [(address(0), 0)]);
    assert_eq!(pool.next_nonce(address(0)), Some(1));
    let ready: Vec<_> = pool.iter().map(|(tx, ready)| (tx.nonce(), ready)).collect();
    assert_eq!(ready, [(0, true), (2, false), (3, false)]);
    add(&mut pool, &draft(0, 1)).unwrap();
    assert_eq!(offered(&pool, 1).len(), 4);
    assert_eq!(pool.next_nonce(address(0)), Some(4));
}

#[test]
fn a_replacement_pays_a_tenth_more_on_fee_and_tip() {
    let mut pool = pool(PoolLimits::default());
    let first = draft(0, 0).fee(1_001).tip(100);
    add(&mut pool, &first).unwrap();
    for (fee, tip) in [(1_001, 100), (1_102, 109), (1_101, 110), (5_000, 109)] {
        let other = Draft { value: 1, ..draft(0, 0).fee(fee).tip(tip) };
        let refused = add(&mut pool, &other);
        assert!(matches!(refused, Err(PoolError::ReplacementUnderpriced { .. })), "{fee} {tip}");
    }
    let replaced = add(&mut pool, &draft(0, 0).fee(1_102).tip(110)).unwrap();
    assert_eq!(replaced, Some(first.sign()));
    assert_eq!(pool.len(), 1);
    assert!(pool.get(*first.sign().tx_hash()).is_none());
    let message = add(&mut pool, &draft(0, 0).fee(1_103)).unwrap_err().to_string();
    assert!(message.starts_with("replacement transaction underpriced"), "{message}");
}

#[test]
fn what_no_block_takes_is_refused_with_its_reason() {
    let mut pool = pool(PoolLimits { nonce_ahead_max: 10, ..PoolLimits::default() });
    let known = draft(0, 0);
    add(&mut pool, &known).unwrap();
    let mut refused = |draft: Draft| add(&mut pool, &draft).unwrap_err();
    assert_eq!(refused(known), PoolError::Known);
    assert!(matches!(
        refused(Draft { chain_id: 1, ..draft(1, 0) }),
        PoolError::Rejected(Rejection::ChainId { got: Some(1), expected: CHAIN_ID })
    ));
    let other = refused(Draft { chain_id: 1, ..draft(1, 0) }).to_string();
    assert_eq!(other, "invalid chain id 1, this chain's is 4243");
    let none = Rejection::ChainId { got: None, expected: CHAIN_ID }.to_string();
    assert_eq!(none, "no chain id (unprotected transaction), this chain's is 4243");
    let large = refused(Draft { gas: 16_777_217, ..draft(1, 0) }).to_string();
    assert_eq!(large, "exceeds the gas limit of one transaction: gas 16777217, most 16777216");
    assert!(matches!(
        refused(Draft { gas: 20_999, ..draft(1, 0) }),
        PoolError::Rejected(Rejection::IntrinsicGas { limit: 20_999, needed: 21_000 })
    ));
    assert!(matches!(
        refused(Draft { gas: 20_000_000, ..draft(1, 0) }),
        PoolError::Rejected(Rejection::GasLimit { most: 16_777_216, .. })
    ));
    assert!(matches!(refused(draft(1, 0).tip(1_001)), PoolError::Rejected(Rejection::TipAboveFee)));
    assert!(matches!(
        refused(draft(1, 11)),
        PoolError::NonceTooFar { expected: 0, got: 11, most: 10 }
    ));
    let late = AccountFacts { nonce: 3, balance: RICH };
    assert!(matches!(
        pool.add(draft(1, 2).sign(), late),
        Err(PoolError::Rejected(Rejection::NonceTooLow { expected: 3, got: 2 }))
    ));
}

/// A block without gas lowers the base fee, until it is so low that a part of it is nothing.
#[test]
fn who_offers_less_than_any_base_fee_to_come_is_underpriced() {
    for first in [1, 3, 7, 8, 9, 63, 1_000_000_000] {
        let mut pool = Pool::new(PoolLimits::default(), CHAIN_ID, next(first));
        let lower = |fee: &u64| {
            let after = calc_next_block_base_fee(0, GAS_LIMIT, *fee, BASE_FEE_PARAMS);
            (after < *fee).then_some(after)
        };
        let lowest = std::iter::successors(Some(first), lower).last().expect("at least the first");
        let least = u128::from(lowest);
        let mut offer = |fee_max| add(&mut pool, &draft(0, 0).fee(fee_max).tip(0));
        for fee_max in [0, least - 1] {
            assert_eq!(offer(fee_max), Err(PoolError::Underpriced { fee_max, least }), "{first}");
        }
        assert_eq!(offer(least), Ok(None), "{first}");
    }
    let mut pool = pool(PoolLimits::default());
    pool.set_next(next(1_000));
    assert_eq!(
        add(&mut pool, &draft(0, 0).fee(0).tip(0)).unwrap_err().to_string(),
        "transaction underpriced: max fee per gas 0, but the base fee never falls below 7"
    );
}

#[test]
fn a_sender_can_pay_for_all_that_waits_or_the_last_is_refused() {
    let mut pool = pool(PoolLimits::default());
    let account = AccountFacts { nonce: 0, balance: U256::from(21_000 * 1_000 * 2) };
    pool.add(draft(0, 0).sign(), account).unwrap();
    pool.add(draft(0, 1).sign(), account).unwrap();
    assert!(matches!(
        pool.add(draft(0, 2).sign(), account),
        Err(PoolError::Rejected(Rejection::InsufficientFunds { .. }))
    ));
    // A replacement counts instead of what it replaces.
    assert!(matches!(
        pool.add(draft(0, 1).fee(1_100).tip(11).sign(), account),
        Err(PoolError::Rejected(Rejection::InsufficientFunds { .. }))
    ));
}

#[test]
fn a_new_head_drops_what_is_used_or_cannot_be_paid() {
    let mut pool = pool(PoolLimits::default());
    for nonce in 0..4 {
        add(&mut pool, &draft(0, nonce)).unwrap();
    }
    pool.refresh(address(0), AccountFacts { nonce: 1, balance: U256::from(21_000 * 1_000 * 2) });
    assert_eq!(offered(&pool, 1), [(address(0), 1), (address(0), 2)]);
    pool.refresh(address(0), AccountFacts { nonce: 1, balance: U256::ZERO });
    assert!(pool.is_empty());
}

#[test]
fn a_full_pool_gives_up_its_cheapest_tail_for_what_pays_better() {
    let mut pool = pool(PoolLimits { total_max: 3, per_sender_max: 2, ..PoolLimits::default() });
    add(&mut pool, &draft(0, 0).tip(5)).unwrap();
    add(&mut pool, &draft(0, 1).tip(50)).unwrap();
    add(&mut pool, &draft(1, 0).tip(20)).unwrap();
    assert_eq!(add(&mut pool, &draft(0, 2).tip(99)), Err(PoolError::SenderFull(2)));
    // The tip of 5 is cheaper, but another of its sender's comes after it.
    assert_eq!(add(&mut pool, &draft(2, 0).tip(20)), Err(PoolError::Full { cheapest: 20 }));
    let evicted = add(&mut pool, &draft(2, 0).tip(21)).unwrap();
    assert_eq!(evicted, Some(draft(1, 0).tip(20).sign()));
    assert_eq!(pool.len(), 3);
}

#[test]
fn a_rejected_sender_is_not_offered_again_in_the_block() {
    let mut pool = pool(PoolLimits::default());
    for nonce in 0..3 {
        add(&mut pool, &draft(0, nonce).tip(50)).unwrap();
    }
    add(&mut pool, &draft(1, 0)).unwrap();
    let room = Room { base_fee: 1, gas_left: GAS_LIMIT };
    let mut selection = pool.select(1);
    let first = selection.next(room).unwrap();
    selection.rejected(*first.tx_hash(), &Rejection::SenderHasCode);
    assert_eq!(selection.next(room).unwrap().signer(), address(1));
    assert!(selection.next(room).is_none());
    let full = Room { base_fee: 1, gas_left: 20_999 };
    assert!(pool.select(1).next(full).is_none(), "no transaction fits");
}

fn any_draft() -> impl Strategy<Value = Draft> {
    (0_u8..4, 0_u64..6, 1_u128..400, 0_u128..60)
        .prop_map(|(from, nonce, fee, tip)| draft(from, nonce).fee(fee).tip(tip.min(fee)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever comes in: bounds hold, each place is taken once, and what is offered starts at each
    /// sender's nonce, has no gap, pays the base fee, and never goes up in tip when it could come
    /// sooner.
    #[test]
    fn the_pool_keeps_its_promises(
        drafts in proptest::collection::vec(any_draft(), 1..60),
        base_fee in 1_u64..200,
    ) {
        let limits = PoolLimits { total_max: 12, per_sender_max: 4, nonce_ahead_max: 5 };
        let mut pool = pool(limits);
        for draft in &drafts {
            let before = pool.len();
            if add(&mut pool, draft).is_err() {
                prop_assert_eq!(pool.len(), before);
            }
            prop_assert!(pool.len() <= limits.total_max);
        }
        let mut places = BTreeMap::new();
        for (tx, _) in pool.iter() {
            prop_assert!(places.insert((tx.signer(), tx.nonce()), tx).is_none());
            prop_assert_eq!(pool.get(*tx.tx_hash()), Some(tx));
        }
        prop_assert_eq!(places.len(), pool.len());
        let mut next = BTreeMap::new();
        let order = offered(&pool, base_fee);
        for place in &order {
            let nonce: &mut u64 = next.entry(place.0).or_default();
            prop_assert_eq!(place.1, *nonce);
            *nonce += 1;
            prop_assert!(places[place].max_fee_per_gas() >= u128::from(base_fee));
        }
        let tip = |place: &(Address, u64)| places[place].effective_tip_per_gas(base_fee).unwrap();
        for pair in order.windows(2) {
            let follows = pair[0].0 == pair[1].0;
            prop_assert!(follows || tip(&pair[0]) >= tip(&pair[1]));
        }
        for (tx, ready) in pool.iter() {
            let place = (tx.signer(), tx.nonce());
            prop_assert!(ready || !order.contains(&place));
        }
    }
}
