//! JSON-RPC over HTTP and WebSocket, on one port.
//!
//! [`serve`] offers a [`Chain`](gage_chain::Chain) and a node, seen through [`NodeHandle`], to
//! clients such as wallets, viem, ethers, web3.py and cast.
//!
//! | Namespace | Module | What |
//! |---|---|---|
//! | `eth_*` | `eth` | Ethereum's methods, filters and subscriptions |
//! | `debug_*` | `debug` | traces of transactions, blocks and calls |
//! | `net_*`, `web3_*`, `txpool_*` | `net` | the node, hashing, the pool |
//! | `gage_*` | `gage` | the lending protocol, computed by `gage_core` over a block's state |
//! | `evm_*`, `gage_faucet` | `dev` | development nodes only |
//!
//! A method is a function over the `context`, listed by name in its module's `register`;
//! `arguments` reads what it takes, `shapes` gives Ethereum's JSON, `error` the codes and words.
//! All of them run on blocking threads with bounded room; see `context`.
//!
//! Blocks are final when they exist: `safe` and `finalized` are `latest`. The state of `pending` is
//! the head's; its number, time and base fee are the next block's, and its nonces count the pool.

mod arguments;
mod bodies;
mod config;
mod connections;
mod context;
mod debug;
mod dev;
mod error;
mod eth;
mod filters;
mod gage;
mod methods;
mod net;
mod node;
mod requests;
mod server;
mod shapes;

pub use config::{Config, Cors, Limits, PORT};
pub use node::{DevHandle, Head, NodeError, NodeHandle, PoolContent, PoolStatus, Syncing, Waiting};
pub use server::{ServeError, Server, serve};
