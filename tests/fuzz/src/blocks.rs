//! Transactions and blocks as bytes.
//!
//! A transaction that is read has one spelling. A block that does not follow from the chain's rules is refused, and
//! leaves the chain as it was; one that follows is taken (XCH-2's rule of canonical form, for our own wire). Several may
//! follow: who is paid the fees, the time and some bytes more are for whoever builds a block to say.

use alloy_consensus::TxEnvelope;
use alloy_eips::eip2718::Encodable2718;
use alloy_rlp::Decodable;
use gage_chain::{
    Chain, ImportError, SealedBlock, check_init_code, decode_transaction, intrinsic_gas, recover,
    sender,
};
use parking_lot::Mutex;
use std::sync::LazyLock;

use crate::worlds::chain::lending::World;
use crate::worlds::chain::{CHAIN_ID, chain, one_of_each};

/// A transaction's bytes.
pub(crate) fn transaction(data: &[u8]) {
    let Ok(tx) = decode_transaction(data) else { return };
    assert_eq!(tx.encoded_2718(), data, "two spellings of one transaction");
    drop(check_init_code(&tx));
    assert!(intrinsic_gas(&tx) >= 21_000);
    drop(sender(&tx));
    if let Ok(recovered) = recover(tx.clone(), CHAIN_ID) {
        assert_eq!(sender(&tx).unwrap(), recovered.signer());
    }
}

/// Each type of transaction, and calls of lending.
pub(crate) fn transactions() -> Vec<Vec<u8>> {
    let each = one_of_each().into_iter().map(|tx| tx.encoded_2718());
    let lent = HISTORY[HISTORY.len() - 2].transactions.iter();
    each.chain(lent.map(|tx| tx.inner().encoded_2718())).collect()
}

/// A lending chain's blocks.
static HISTORY: LazyLock<Vec<SealedBlock>> = LazyLock::new(|| {
    let mut world = World::new(chain());
    world.lend();
    world.bid(2, 20_000);
    world.price(1_600);
    let chain = &world.chain;
    (1..=chain.head().number).map(|number| chain.block(number).unwrap().unwrap()).collect()
});

/// A chain that lacks the last blocks of the history, one at a time.
struct Importer {
    chain: Chain,
    next: usize,
    refused: u32,
}

impl Importer {
    /// A chain before the block that has a sweep, or one of its parents.
    fn before(next: usize) -> Self {
        let chain = chain();
        for block in &HISTORY[..next] {
            chain.import(&block.rlp()).unwrap();
        }
        Self { chain, next, refused: 0 }
    }

    fn offer(&mut self, data: &[u8]) {
        let before = self.chain.head();
        match self.chain.import(data) {
            Ok((block, _)) => {
                assert_eq!(block.header.parent_hash, before.hash(), "it does not follow");
                assert_eq!(block.header.number, before.number + 1, "it does not follow");
                assert_eq!(data, block.rlp(), "two spellings of one block");
                *self = Self::before(HISTORY.len() - 1 - self.next % 3);
            }
            Err(ImportError::Invalid(_)) => {
                assert_eq!(self.chain.head(), before, "a refused block moved the head");
                self.refused += 1;
            }
            Err(ImportError::Chain(error)) => panic!("a block broke the chain: {error}"),
        }
    }
}

static IMPORTER: LazyLock<Mutex<Importer>> =
    LazyLock::new(|| Mutex::new(Importer::before(HISTORY.len() - 1)));

/// How many refusals a chain takes before it is shown to go on.
const REFUSALS: u32 = 200;

/// A block's bytes.
pub(crate) fn block(data: &[u8]) {
    let mut importer = IMPORTER.lock();
    importer.offer(data);
    if importer.refused >= REFUSALS {
        let rlp = HISTORY[importer.next].rlp();
        importer.offer(&rlp);
        assert_eq!(importer.refused, 0, "the chain has not gone on");
    }
    if let Ok(block) = alloy_consensus::Block::<TxEnvelope>::decode(&mut &*data) {
        let encoded = alloy_rlp::encode(&block);
        assert_eq!(
            alloy_rlp::encode(
                alloy_consensus::Block::<TxEnvelope>::decode(&mut &*encoded).unwrap()
            ),
            encoded
        );
    }
}

pub(crate) fn blocks() -> Vec<Vec<u8>> {
    HISTORY.iter().rev().take(3).map(SealedBlock::rlp).collect()
}
