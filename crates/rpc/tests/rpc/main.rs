//! The server over real sockets, on a chain in memory and a node small enough to read.

mod calls;
mod client;
mod filters;
mod nonsense;
mod protocol;
mod shapes;
mod subscriptions;
mod world;
