//! A replay: history's prices, step after step, each in the prelude of its own block, and the
//! keeper after each.
//!
//! The position is in the chain itself: step `i` is published as round `i + 2` of its feeds (round
//! 1 is the set-up's), so a chain that was cut off anywhere says which step comes next.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use gage_chain::Inspector;
use gage_core::invariants::{Report, Violation};
use gage_node::{Clock as _, Node};

use crate::{
    cli::Speed,
    clock::SetClock,
    demo::{
        prices::Prices,
        setup::FIRST_ROUND,
        world::{ASSETS, VAULTS, staked},
    },
    history::{History, Step},
    keeper::Keeper,
    keys::{dev, dev_key},
    live::{Board, Live, Moment},
    local::AtBlock,
    publisher::Publishers,
    reading::{Token, feed, newest_round},
    stop::Stop,
    summary::Summary,
    tally::{Scale, Tally},
    ties::TieLog,
};

/// Totals are compared whenever this many blocks were made.
const BLOCKS_PER_CHECK: u64 = 100;

/// Rounds of liquidations after one step, at most: one usually suffices.
const KEEPER_ROUNDS_MAX: usize = 4;

/// Seconds of history from one block of a step to the next.
const BLOCK_SECONDS: u64 = 12;

/// Longest time of history that is waited for: gaps are passed over.
const WAIT_HISTORY_SECONDS_MAX: u64 = 3_600;

/// Between two looks for waiting transactions.
const POLL: Duration = Duration::from_millis(20);

/// A replay under way.
pub(crate) struct Replay<'a> {
    node: &'a Node,
    clock: &'a Arc<SetClock>,
    stop: &'a Stop,
    steps: Vec<Step>,
    prices: Prices,
    assets: Vec<Token>,
    keeper: Keeper,
    tally: Tally,
    ties: TieLog,
    /// Checks every invariant after every block, if asked to.
    inspector: Option<Inspector>,
    live: Live,
    url: String,
    speed: Speed,
    publishers: Publishers,
}

/// What a replay is started with.
pub(crate) struct Setting<'a> {
    pub(crate) node: &'a Node,
    pub(crate) clock: &'a Arc<SetClock>,
    pub(crate) stop: &'a Stop,
    pub(crate) history: &'a History,
    pub(crate) prices: Prices,
    pub(crate) speed: Speed,
    pub(crate) publishers: Publishers,
    pub(crate) live: Live,
    pub(crate) url: String,
    /// Whether to check every invariant after every block.
    pub(crate) check: bool,
}

/// The step that comes next on a chain whose world is built.
pub(crate) fn position(node: &Node, history: &History) -> anyhow::Result<usize> {
    let head = AtBlock::head(node.chain());
    let mut round = FIRST_ROUND;
    for id in (1..).take(ASSETS.len()) {
        round = round.max(newest_round(&head, id)?);
    }
    let passed = usize::try_from(round - FIRST_ROUND)?;
    Ok(passed.min(history.steps().len()))
}

impl<'a> Replay<'a> {
    /// Reads what has happened so far.
    pub(crate) fn new(setting: Setting<'a>) -> anyhow::Result<Self> {
        let Setting { node, clock, stop, history, prices, speed, publishers, live, url, check } =
            setting;
        let assets = crate::reading::assets(&AtBlock::head(node.chain()))?;
        let mut tally = Tally::new(scale(&assets));
        tally.catch_up(node.chain())?;
        let keeper = Keeper::new(dev_key(dev::KEEPER)?);
        let (steps, ties) = (history.steps(), TieLog::default());
        let next = node.chain().head().number + 1;
        let inspector = check.then(|| Inspector::at(node.chain(), next)).transpose()?;
        Ok(Self {
            node,
            clock,
            stop,
            steps,
            prices,
            assets,
            keeper,
            tally,
            ties,
            inspector,
            live,
            url,
            speed,
            publishers,
        })
    }

    /// Replays from the step `next` to the end, or until stopped; returns whether it came to the
    /// end.
    pub(crate) fn run(&mut self, next: usize) -> anyhow::Result<bool> {
        for step in self.steps.iter().take(next) {
            self.prices.update(&step.prices);
        }
        // What the last run had no time for.
        self.keep(next)?;
        for index in next..self.steps.len() {
            let Some(step) = self.steps.get(index).cloned() else { break };
            let time = step.time;
            if !self.wait_for(time)? {
                return Ok(false);
            }
            self.prices.update(&step.prices);
            self.clock.set(time);
            let round = FIRST_ROUND + 1 + index as u64;
            let prices = self.prices.reports(time, Some(&step.prices));
            self.publishers
                .publish_step(self.node, round, &prices, &step)
                .with_context(|| format!("step {index}"))?;
            self.produce(index + 1)?;
            self.keep(index + 1)?;
        }
        Ok(true)
    }

    /// The last look: all totals, and the text that says what happened.
    pub(crate) fn finish(&mut self, title: String) -> anyhow::Result<(String, bool)> {
        self.live.end();
        self.tally.catch_up(self.node.chain())?;
        let head = AtBlock::head(self.node.chain());
        let ties = self.ties.check(&head, &self.tally, &self.assets)?;
        let summary = Summary::new(&head, title, &self.tally, (&self.ties, &ties))?;
        let (mut text, mut holds) = (summary.text(), summary.ties_hold());
        if let Some(inspector) = &self.inspector {
            text.push_str(&verdict(inspector));
            holds &= inspector.report().holds();
        }
        Ok((text, holds))
    }

    /// After the replay: history's last prices stay fresh, and the keeper goes on, until stopped.
    pub(crate) fn stay(&mut self) -> anyhow::Result<()> {
        let publishers = self.publishers.honest()?;
        let mut publisher = Reposting { node: self.node, prices: self.prices.clone(), publishers };
        while !self.stop.wait(Duration::from_secs(1)) {
            publisher.refresh()?;
            self.tally.catch_up(self.node.chain())?;
            self.keeper.look(&AtBlock::head(self.node.chain()), &mut self.tally)?;
            self.keeper.liquidate(self.node)?;
        }
        Ok(())
    }

    /// Looks and liquidates until nobody is below health 1, or nothing more can be done.
    fn keep(&mut self, passed: usize) -> anyhow::Result<()> {
        for _ in 0..KEEPER_ROUNDS_MAX {
            self.keeper.look(&AtBlock::head(self.node.chain()), &mut self.tally)?;
            if self.keeper.liquidate(self.node)?.is_done() {
                break;
            }
            self.clock.set(self.clock.now() + BLOCK_SECONDS);
            self.produce(passed)?;
        }
        self.show(passed)
    }

    /// Makes a block, counts what happened, and compares the totals when it is time.
    fn produce(&mut self, passed: usize) -> anyhow::Result<()> {
        let block = self.node.produce()?;
        self.catch_up()?;
        if block.number().is_multiple_of(BLOCKS_PER_CHECK) {
            let at = AtBlock { chain: self.node.chain(), number: block.number() };
            self.ties.check(&at, &self.tally, &self.assets)?;
        }
        self.show(passed)
    }

    /// Counts what happened in new blocks, and checks them.
    fn catch_up(&mut self) -> anyhow::Result<()> {
        let chain = self.node.chain();
        self.tally.catch_up(chain)?;
        if let Some(inspector) = &mut self.inspector {
            inspector.follow(chain)?;
        }
        Ok(())
    }

    fn show(&mut self, passed: usize) -> anyhow::Result<()> {
        let chain = self.node.chain();
        let header = chain.head();
        if !self.live.is_due(header.number) {
            return Ok(());
        }
        let progress = (passed, self.steps.len());
        let edges = self.keeper.edges();
        let moment = Moment { header: &header, tally: &self.tally, edges, progress };
        let (url, ties) = (&self.url, &self.ties);
        let tally = &self.tally;
        self.live.show(&moment, || Board::read(&AtBlock::head(chain), tally, (url, ties)))
    }

    /// Lets real time pass until history is at `time`; waiting transactions get blocks meanwhile.
    /// Returns false when stopped.
    fn wait_for(&mut self, time: u64) -> anyhow::Result<bool> {
        let Speed::Times(speed) = self.speed else { return Ok(!self.stop.is_raised()) };
        let from = self.clock.now();
        let history = time.saturating_sub(from).min(WAIT_HISTORY_SECONDS_MAX);
        let started = Instant::now();
        let whole = Duration::from_secs(history) / speed;
        while started.elapsed() < whole {
            let left = whole.saturating_sub(started.elapsed());
            if self.stop.wait(left.min(POLL)) {
                return Ok(false);
            }
            if self.node.pool_len() > 0 {
                let millis = u64::try_from(started.elapsed().as_millis())?;
                let passed = millis.saturating_mul(speed.into()) / 1_000;
                self.clock.set((from + passed).min(time.saturating_sub(1)).max(from));
                self.node.produce()?;
                self.catch_up()?;
            }
        }
        Ok(!self.stop.is_raised())
    }
}

/// Keeps prices that nobody moves from growing stale.
pub(crate) struct Reposting<'a> {
    pub(crate) node: &'a Node,
    pub(crate) prices: Prices,
    pub(crate) publishers: Publishers,
}

impl Reposting<'_> {
    /// Publishes every feed anew when the oldest is a quarter of its age old.
    pub(crate) fn refresh(&mut self) -> anyhow::Result<()> {
        let head = AtBlock::head(self.node.chain());
        let (mut round, mut oldest, mut max_age) = (0, u64::MAX, u64::MAX);
        for id in (1..).take(ASSETS.len()) {
            let feed = feed(&head, id)?;
            round = round.max(newest_round(&head, id)?);
            oldest = oldest.min(feed.updatedAt);
            max_age = max_age.min(feed.terms.maxAge.into());
        }
        let now = self.node.now();
        if self.node.reports_len() > 0 || now.saturating_sub(oldest) < max_age / 4 {
            return Ok(());
        }
        let prices = self.prices.reports(now, None);
        // Someone with the publisher's key was faster, or moved the clock.
        if let Err(why) = self.publishers.publish(self.node, round + 1, &prices) {
            tracing::debug!(%why, "prices were not posted again");
        }
        Ok(())
    }
}

/// What came of checking every block.
fn verdict(inspector: &Inspector) -> String {
    let Report { checked, broken } = inspector.report();
    let (blocks, checks) = (inspector.blocks(), checked.values().sum::<u64>());
    let kinds = checked.len();
    let mut text = match broken.len() {
        0 => {
            format!("All {kinds} invariants hold after each of {blocks} blocks: {checks} checks.\n")
        }
        times => format!("INVARIANTS ARE BROKEN: {times} times in {blocks} blocks.\n"),
    };
    text.extend(broken.iter().map(|Violation { id, detail }| format!("  {id}: {detail}\n")));
    text
}

/// Reports go to the feeds of their assets' numbers, and vaults lend what the tables say.
fn scale(assets: &[Token]) -> Scale {
    let feeds = (1..).zip(assets.iter().take(ASSETS.len()));
    let vaults = (1..).zip(&VAULTS).map(|(id, vault)| (id, crate::contracts::asset(vault.asset)));
    Scale {
        assets: feeds.map(|(feed, token)| (token.address, (feed, token.decimals))).collect(),
        vaults: vaults.collect(),
        rates: staked().collect(),
    }
}
