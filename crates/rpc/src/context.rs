//! What every method works with, and where its work runs.
//!
//! Methods read a database and run the EVM, so none runs on the threads that serve connections.
//! Each goes to a blocking thread through a [`Lane`]: a slow lane for work that a caller can make
//! long, with a bounded queue, and a wide one for plain reads, which slow work thus never stalls.

use std::sync::Arc;

use alloy_eips::{BlockId, BlockNumberOrTag};
use gage_chain::{BlockOverride, Chain, SealedBlock, SealedHeader};
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    Limits, NodeHandle,
    error::{InternalError, LimitError, RpcError},
    filters::Filters,
};

/// What every method works with.
pub(crate) struct Context {
    pub(crate) chain: Chain,
    pub(crate) node: Arc<dyn NodeHandle>,
    pub(crate) limits: Limits,
    pub(crate) filters: Mutex<Filters>,
    /// Held by who has the whole state read.
    pub(crate) checking: Mutex<()>,
    reads: Arc<Semaphore>,
    heavy: Arc<Semaphore>,
    heavy_queue: Arc<Semaphore>,
}

/// Where a method's work runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Less than it takes to hand it to another thread, or little more.
    Quick,
    /// A few reads.
    Read,
    /// Work whose length the caller chooses.
    Heavy,
}

/// A block that a request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// One that exists.
    Block(u64),
    /// The one after the head, of which the state is the head's and the environment the next one's.
    Pending,
}

impl Context {
    pub(crate) fn new(chain: Chain, node: Arc<dyn NodeHandle>, limits: Limits) -> Self {
        let room = |permits| Arc::new(Semaphore::new(permits));
        Self {
            chain,
            node,
            filters: Mutex::new(Filters::new(limits.filters_max, limits.filter_ttl)),
            checking: Mutex::new(()),
            reads: room(limits.reads_running_max),
            heavy: room(limits.heavy_running_max),
            heavy_queue: room(limits.heavy_running_max + limits.heavy_waiting_max),
            limits,
        }
    }

    /// Runs `work` and encodes its result: on a blocking thread once its lane has room, but at once if it is quick.
    pub(crate) async fn run<R: Serialize>(
        self: Arc<Self>,
        lane: Lane,
        work: impl FnOnce(&Self) -> Result<R, RpcError> + Send + 'static,
    ) -> Result<Box<RawValue>, RpcError> {
        let turn = self.turn(lane).await?;
        let work = move || {
            // Held to the end of the work, which goes on when its caller has gone.
            let _turn = turn;
            let result = work(&self)?;
            let encoded = serde_json::value::to_raw_value(&result);
            Ok(encoded.map_err(InternalError::Encoding)?)
        };
        match lane {
            Lane::Quick => {
                let answer = work();
                // Other connections come in between a batch's calls.
                tokio::task::consume_budget().await;
                answer
            }
            Lane::Read | Lane::Heavy => {
                tokio::task::spawn_blocking(work).await.map_err(InternalError::Panicked)?
            }
        }
    }

    async fn turn(&self, lane: Lane) -> Result<Turn, RpcError> {
        let stopping = |_| InternalError::Stopping;
        match lane {
            Lane::Quick => Ok(Turn::default()),
            Lane::Read => {
                let running = Arc::clone(&self.reads).acquire_owned().await.map_err(stopping)?;
                Ok(Turn { _running: Some(running), _queued: None })
            }
            Lane::Heavy => {
                let busy = |_| LimitError::Busy(self.limits.heavy_waiting_max);
                let queued = Arc::clone(&self.heavy_queue).try_acquire_owned().map_err(busy)?;
                let running = Arc::clone(&self.heavy).acquire_owned().await.map_err(stopping)?;
                Ok(Turn { _running: Some(running), _queued: Some(queued) })
            }
        }
    }

    /// The block that `id` names; the head if it names none. Every block is final once it exists,
    /// so `safe` and `finalized` are the head.
    pub(crate) fn at(&self, id: Option<BlockId>) -> Result<At, RpcError> {
        let head = self.chain.head().number;
        let id = id.unwrap_or_default();
        match id {
            BlockId::Number(BlockNumberOrTag::Pending) => Ok(At::Pending),
            BlockId::Number(BlockNumberOrTag::Earliest) => Ok(At::Block(0)),
            BlockId::Number(BlockNumberOrTag::Number(number)) if number <= head => {
                Ok(At::Block(number))
            }
            BlockId::Number(BlockNumberOrTag::Number(_)) => Err(RpcError::UnknownBlock(id)),
            BlockId::Number(_) => Ok(At::Block(head)),
            BlockId::Hash(hash) => {
                let number = self.chain.number_of(hash.block_hash)?;
                number.map(At::Block).ok_or(RpcError::UnknownBlock(id))
            }
        }
    }

    /// As [`at`](Self::at), with nothing where there is no such block.
    pub(crate) fn find(&self, id: BlockId) -> Result<Option<At>, RpcError> {
        match self.at(Some(id)) {
            Ok(at) => Ok(Some(at)),
            Err(RpcError::UnknownBlock(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The number of a block whose state stands for `at`'s.
    pub(crate) fn number(&self, at: At) -> u64 {
        match at {
            At::Block(number) => number,
            At::Pending => self.chain.head().number,
        }
    }

    /// The state that a request names, by its block's number.
    pub(crate) fn state(&self, id: Option<BlockId>) -> Result<gage_state::View, RpcError> {
        let at = self.at(id)?;
        Ok(self.chain.state(self.number(at))?)
    }

    pub(crate) fn header(&self, number: u64) -> Result<SealedHeader, RpcError> {
        let header = self.chain.header(number)?;
        header.ok_or_else(|| InternalError::Incomplete(number).into())
    }

    pub(crate) fn block(&self, number: u64) -> Result<SealedBlock, RpcError> {
        let block = self.chain.block(number)?;
        block.ok_or_else(|| InternalError::Incomplete(number).into())
    }

    /// What the block after the head shows to the EVM. Its time is later than the head's, since the
    /// interest of that second changes what an operation costs.
    pub(crate) fn next_block(&self) -> BlockOverride {
        let head = self.chain.head();
        BlockOverride {
            number: Some(head.number + 1),
            timestamp: Some(self.node.next_timestamp().max(head.timestamp + 1)),
            base_fee: Some(self.chain.next_base_fee()),
            beneficiary: Some(self.node.beneficiary()),
            ..BlockOverride::default()
        }
    }
}

/// A place in a lane.
#[derive(Default)]
struct Turn {
    _running: Option<OwnedSemaphorePermit>,
    _queued: Option<OwnedSemaphorePermit>,
}
