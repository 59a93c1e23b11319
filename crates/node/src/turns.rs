//! Whose turn it is in a prelude.
//!
//! A prelude holds so much, and anyone may create feeds and report to them. If the oldest reports came first, whoever
//! has some thousand feeds would fill every prelude, and everyone else's prices would grow stale: no liquidation, or a
//! late one (N-10, LIQ-5). So what recognised markets rest on comes first ([`gage_core::recognition`]). All else takes
//! turns: whoever has waited for more blocks comes first, and among equals the lot decides. What was in a prelude waits
//! anew, and no age of a report buys a place.
//!
//! Lots are drawn from the hash of the block before, so that nobody can prepare for them.

use std::{collections::BTreeSet, sync::Arc};

use gage_chain::{Chain, Lots};
use gage_core::FeedId;

/// Where something stands among what waits for a prelude; the lowest comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turn {
    class: Class,
    /// The tip when it began to wait.
    since: u64,
    lot: u64,
    /// Whose turn it is, so that no two are equal.
    pub(crate) feed: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Recognised,
    Other,
}

/// The turns of those who begin to wait after one block.
#[derive(Clone, Debug)]
pub struct Turns {
    tip: u64,
    lots: Lots,
    recognised: Arc<BTreeSet<FeedId>>,
}

impl Turns {
    /// After block `tip`, from which `lots` are drawn, while these feeds are what recognised markets rest on.
    pub const fn new(tip: u64, lots: Lots, recognised: Arc<BTreeSet<FeedId>>) -> Self {
        Self { tip, lots, recognised }
    }

    /// After the tip of a chain.
    pub(crate) fn after_tip(chain: &Chain) -> Self {
        let tip = chain.tip();
        Self::new(tip.number, Lots(tip.hash()), chain.recognised_feeds())
    }

    /// A feed's turn.
    pub fn of(&self, feed: u32) -> Turn {
        let class = if self.is_recognised(feed) { Class::Recognised } else { Class::Other };
        Turn { class, since: self.tip, lot: self.lots.of(feed), feed }
    }

    /// Whether a recognised market rests on a feed.
    pub(crate) fn is_recognised(&self, feed: u32) -> bool {
        self.recognised.contains(&FeedId::new(feed))
    }
}

impl Turn {
    /// Whether a recognised market rests on it.
    pub(crate) fn is_recognised(self) -> bool {
        self.class == Class::Recognised
    }

    /// The same place among what no recognised market rests on.
    pub(crate) const fn among_others(self) -> Self {
        Self { class: Class::Other, ..self }
    }

    /// Whether it comes first if `other` does.
    pub(crate) fn is_at_least(self, other: Self) -> bool {
        self.class <= other.class
    }

    /// The same place in the class that it has by `newer`.
    pub(crate) const fn in_class_of(self, newer: Self) -> Self {
        Self { class: newer.class, ..self }
    }
}
