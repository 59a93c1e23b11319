//! Building the demo world: each script's transactions through the mempool, block after block,
//! until every sender's nonce stands at its script's end.

use std::sync::Arc;

use alloy_consensus::Transaction as _;
use anyhow::{Context as _, bail, ensure};
use gage_node::Node;
use gage_publisher::faults::Faults;
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    prices::Prices,
    script::{People, Script, Scripts, keeper},
    world::{ASSETS, MARKETS, VAULTS, staked},
};
use crate::{
    clock::SetClock,
    contracts::ORACLE,
    local::{Actor, AtBlock},
    publisher::Publishers,
    reading::{counts, feed},
    stop::Stop,
};

/// Gas that each transaction of the set-up may use.
const GAS_LIMIT: u64 = 500_000;

/// Transactions handed in before a block is made: about what fits.
const BATCH: usize = 400;

/// Transactions of one sender that the mempool is given at once.
const BATCH_OF_SENDER: usize = 400;

/// Blocks without any progress before the set-up gives up.
const IDLE_BLOCKS_MAX: u32 = 200;

/// The round in which the first prices are published; a replay's steps follow.
pub(crate) const FIRST_ROUND: u64 = 1;

/// What it takes to build the world.
pub(crate) struct Setup<'a> {
    pub(crate) node: &'a Node,
    /// History's clock, moved on by a second for each block; the node's own time if `None`.
    pub(crate) clock: Option<&'a Arc<SetClock>>,
    pub(crate) stop: &'a Stop,
    pub(crate) people: People,
    /// The prices before the first step.
    pub(crate) prices: Prices,
    /// Whether to say how far it is where no progress bar can be drawn.
    pub(crate) told: bool,
}

/// A script and how far it has come, in transactions.
struct Played<'a> {
    script: &'a Script,
    mined: usize,
    sent: usize,
}

impl Played<'_> {
    fn missing(&self) -> u64 {
        self.script.calls.len().saturating_sub(self.mined) as u64
    }
}

/// How a set-up ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Complete,
    /// Stopped on the way; the next start goes on.
    Stopped,
}

impl Setup<'_> {
    /// Builds what is not there yet.
    pub(crate) fn run(&self) -> anyhow::Result<Outcome> {
        let genesis = self.node.chain().genesis().timestamp;
        let first = self.prices.at(genesis, None);
        let prices: Vec<u128> = first.iter().map(|(_, price)| *price).collect();
        let scripts = Scripts::new(self.people, &prices)?;
        let style =
            ProgressStyle::with_template("setting up {msg:22} [{bar:32}] {pos}/{len} {eta}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let progress =
            ProgressBar::new(scripts.len() as u64).with_style(style.progress_chars("=> "));
        let phases = [
            ("the markets", scripts.world),
            ("everyone's funds", scripts.funding),
            ("the keeper", vec![keeper()?]),
            ("the lenders", scripts.lending),
            ("the bidders", scripts.bidding),
            ("the borrowers", scripts.borrowing),
        ];
        for (index, (name, scripts)) in phases.into_iter().enumerate() {
            progress.set_message(name);
            if self.told && progress.is_hidden() && scripts.len() > 1 {
                eprintln!("setting up {name}");
            }
            if self.play(&scripts, &progress)? == Outcome::Stopped {
                return Ok(Outcome::Stopped);
            }
            if index == 0 {
                self.check_world()?;
                self.publish_first(&self.prices.reports(genesis, None))?;
            }
        }
        progress.finish_and_clear();
        Ok(Outcome::Complete)
    }

    /// Hands in what each script has left, a batch for each block, until all is mined.
    fn play(&self, scripts: &[Script], progress: &ProgressBar) -> anyhow::Result<Outcome> {
        let mut left = self.unfinished(scripts)?;
        progress.inc(scripts.iter().map(|script| script.calls.len() as u64).sum());
        progress.dec(left.iter().map(Played::missing).sum());
        let mut idle = 0;
        while !left.is_empty() {
            if self.stop.is_raised() {
                return Ok(Outcome::Stopped);
            }
            let mut batch = 0;
            for played in left.iter_mut().filter(|played| played.sent == played.mined) {
                if batch < BATCH {
                    batch += self.submit(played)?;
                }
            }
            self.produce()?;
            let before: u64 = left.iter().map(Played::missing).sum();
            self.refresh(&mut left)?;
            let mined = before - left.iter().map(Played::missing).sum::<u64>();
            progress.inc(mined);
            idle = if mined == 0 { idle + 1 } else { 0 };
            ensure!(idle < IDLE_BLOCKS_MAX, "the set-up's transactions are not mined");
        }
        Ok(Outcome::Complete)
    }

    fn unfinished<'s>(&self, scripts: &'s [Script]) -> anyhow::Result<Vec<Played<'s>>> {
        let played = |script| Played { script, mined: 0, sent: 0 };
        let mut left: Vec<_> = scripts.iter().map(played).collect();
        self.refresh(&mut left)?;
        for played in &mut left {
            played.sent = played.mined;
        }
        Ok(left)
    }

    /// Reads how far each sender has come, and drops those that are done.
    fn refresh(&self, left: &mut Vec<Played<'_>>) -> anyhow::Result<()> {
        let head = AtBlock::head(self.node.chain());
        for played in left.iter_mut() {
            played.mined = usize::try_from(head.nonce(played.script.key.address())?)?;
        }
        left.retain(|played| played.missing() > 0);
        Ok(())
    }

    fn submit(&self, played: &mut Played<'_>) -> anyhow::Result<usize> {
        let actor = Actor { node: self.node, key: &played.script.key };
        let next = played.script.calls.iter().enumerate().skip(played.sent).take(BATCH_OF_SENDER);
        for (nonce, call) in next {
            actor
                .submit(call, nonce as u64, GAS_LIMIT)
                .with_context(|| format!("the mempool refused to {}", call.what))?;
            played.sent = nonce + 1;
        }
        Ok(played.sent - played.mined)
    }

    /// Makes one block; every transaction in it must succeed.
    fn produce(&self) -> anyhow::Result<()> {
        if let Some(clock) = self.clock {
            clock.set(self.node.chain().head().timestamp + 1);
        }
        let block = self.node.produce()?;
        for found in self.node.chain().receipts(block.number())?.unwrap_or_default() {
            if !found.receipt.status() {
                bail!(
                    "block {}: transaction {} of {} was refused; was this chain used for something \
                     else?",
                    block.number(),
                    found.transaction.nonce(),
                    found.transaction.signer(),
                );
            }
        }
        Ok(())
    }

    /// The world must be what its scripts say: ids follow from the order of creation.
    fn check_world(&self) -> anyhow::Result<()> {
        let counts = counts(&AtBlock::head(self.node.chain()))?;
        let found =
            [counts.assets, counts.vaults, counts.markets, counts.feeds].map(|n| n as usize);
        let least = [ASSETS.len(), VAULTS.len(), MARKETS.len(), ASSETS.len() + staked().count()];
        ensure!(
            found.iter().zip(least).all(|(found, least)| *found >= least),
            "this chain is not the demo's: its governance has sent other transactions. Use another \
             --data-dir, or --no-demo"
        );
        Ok(())
    }

    /// Every feed's first price, if it has none.
    fn publish_first(&self, prices: &[(u32, u128)]) -> anyhow::Result<()> {
        let head = AtBlock::head(self.node.chain());
        let mut missing = Vec::new();
        for (id, price) in prices {
            if feed(&head, *id).with_context(|| format!("{ORACLE}"))?.rounds == 0 {
                missing.push((*id, *price));
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        if let Some(clock) = self.clock {
            clock.set(self.node.chain().head().timestamp + 1);
        }
        let mut publishers = Publishers::new(self.people.sources, Faults::default())?;
        publishers.publish(self.node, FIRST_ROUND, &missing)?;
        self.node.produce()?;
        Ok(())
    }
}
