//! The server over real sockets, on a chain in memory and a node small enough to read.

mod calls;
mod client;
mod connections;
mod delegation;
mod exits;
mod exposures;
mod filters;
mod liquidation;
mod margin;
mod nonsense;
mod protocol;
mod rates;
mod shapes;
mod simulate;
mod stakes;
mod story;
mod subscriptions;
mod terms;
mod traces;
mod world;
mod yields;
