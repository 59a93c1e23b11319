//! The mempool, the block producer and the wiring of one running node.
//!
//! A [`Node`] puts a [`Pool`] of transactions and a [`ReportPool`] of price reports in front of a
//! [`Chain`](gage_chain::Chain) and makes its blocks: by hand with [`Node::produce`], or at an
//! interval with [`Node::run`]. Time comes from a [`Clock`]. To the RPC server it is a
//! [`NodeHandle`](gage_rpc::NodeHandle). [`settings`] reads what an operator wrote.
mod clock;
mod feeds;
mod handle;
mod messages;
mod meters;
mod node;
mod pool;
mod reports;
mod selection;
pub mod settings;
mod turns;

pub use clock::Clock;
pub use messages::{MESSAGES_WAITING_MAX, MessageError, MessagePool, News};
pub use node::{Node, NodeConfig, ProduceError, SubmitError, TIMESTAMP_MAX, TimeError};
pub use pool::{
    AccountFacts, NextBlock, Pool, PoolError, PoolLimits, Pooled, REPLACEMENT_BUMP_PERCENT,
};
pub use reports::{AHEAD_SECONDS_MAX, REPORTS_WAITING_MAX, ReportError, ReportPool, SourceFacts};
pub use selection::Selection;
pub use settings::Settings;
pub use turns::{Turn, Turns};
