//! `gage dev`: a development chain in one process.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use gage_chain::{Chain, Genesis};
use gage_node::{Clock, Node, NodeConfig};
use gage_publisher::faults::Faults;
use tokio::runtime::Runtime;

use crate::{
    calendar::{HOUR, unix_now},
    cli::DevArgs,
    clock::{SetClock, SystemClock},
    demo::{
        prices::Prices,
        script::People,
        setup::{Outcome, Setup},
    },
    genesis::{DEV_CHAIN_ID, DEV_COINS, development},
    history::History,
    home::{DemoOrder, Home, fingerprint},
    keys::{DEV_ACCOUNTS, DEV_MNEMONIC, dev, dev_key, key_hex},
    live::{Live, Style},
    publisher::{Publishers, source_names},
    replay::{Replay, Reposting, Setting, position},
    serve::{self, Server},
    stop::Stop,
    telemetry,
};

/// Borrowers of a replay unless told otherwise.
const REPLAY_BORROWERS: u32 = 1_000;

/// Below which folder replays are kept.
const REPLAYS: &str = "gage-data";

/// Time of history before the first step, in which the world is set up.
const SETUP_SECONDS: u64 = HOUR;

/// A chain in this process and all that runs with it.
struct Session {
    node: Node,
    server: Server,
    stop: Stop,
    runtime: Runtime,
    home: Home,
}

/// Runs until it is stopped, or to the end of the replay; returns whether all totals tied, and
/// every invariant held that was checked.
pub(crate) fn run(args: &DevArgs) -> anyhow::Result<bool> {
    telemetry::log("warn");
    let history = args.replay.as_deref().map(History::open).transpose()?;
    match &history {
        Some(history) => replay(args, history),
        None => plain(args).map(|()| true),
    }
}

fn plain(args: &DevArgs) -> anyhow::Result<()> {
    let home = match (&args.data_dir, args.ephemeral) {
        (Some(folder), false) => Home::folder(folder)?,
        _ => Home::Memory,
    };
    let genesis = match home.genesis_begun()? {
        Some(genesis) => genesis,
        None => development(unix_now())?,
    };
    let prices = Prices::new(genesis.timestamp);
    let order = demo_order(args, None);
    if !args.no_demo {
        home.order(&order)?;
    }
    let chain = home.open(&genesis)?;
    let session = Session::start(args, chain, Arc::new(SystemClock::new()), home)?;
    if !args.no_demo {
        let outcome = session.setup(args, &order, None, prices.clone())?;
        if outcome == Outcome::Stopped {
            return Ok(());
        }
    }
    session.announce(args)?;
    let blocks = session.run_blocks();
    let publishers = Publishers::new(order.sources, Faults::default())?;
    let mut reposting = Reposting { node: &session.node, prices, publishers };
    while !session.stop.wait(Duration::from_secs(1)) && !blocks.is_finished() {
        if !args.no_demo {
            reposting.refresh()?;
        }
    }
    session.end(Some(blocks))
}

fn replay(args: &DevArgs, history: &History) -> anyhow::Result<bool> {
    // Before a world is built for nothing.
    faults(args, history)?;
    let start = history.span().0;
    if start < SETUP_SECONDS {
        bail!(
            "the history begins {start} seconds after 1970, too early to set a chain up before it"
        );
    }
    let genesis = development(start - SETUP_SECONDS)?;
    let order = demo_order(args, Some(history));
    let home = replay_home(args, &order, &genesis, history)?;
    home.order(&order)?;
    let chain = home.open(&genesis)?;
    let clock = Arc::new(SetClock::at(chain.head().timestamp));
    let session = Session::start(args, chain, clock.clone(), home)?;
    session.announce(args)?;
    let prices = Prices::before(history, genesis.timestamp);
    for unused in prices.unused() {
        eprintln!("the demo world has no asset for {unused}; its prices are left out");
    }
    let outcome = session.setup(args, &order, Some(&clock), prices.clone())?;
    if outcome == Outcome::Stopped {
        return session.end(None).map(|()| true);
    }
    play(args, session, (history, &clock, prices))
}

/// How many publishers each feed has.
fn sources(args: &DevArgs, history: Option<&History>) -> u8 {
    let last =
        history.and_then(|history| history.sources().into_iter().next_back()?.bytes().next());
    args.sources.unwrap_or(last.map_or(1, |letter| letter - b'a' + 1))
}

/// What is wrong with the replay's publishers.
fn faults(args: &DevArgs, history: &History) -> anyhow::Result<Faults> {
    let known = source_names(sources(args, Some(history)));
    for source in history.sources() {
        ensure!(
            known.iter().any(|name| name == source),
            "the history has prices of source {source}: give more --sources than {}",
            known.len()
        );
    }
    Faults::new(&known, &args.drop, &args.lag, &args.lie).map_err(anyhow::Error::msg)
}

/// The replay itself, its summary, and serving on.
fn play(
    args: &DevArgs,
    session: Session,
    (history, clock, prices): (&History, &Arc<SetClock>, Prices),
) -> anyhow::Result<bool> {
    let style = match (args.quiet, args.no_live) {
        (true, _) => Style::Quiet,
        (false, true) => Style::Lines,
        (false, false) => Style::Automatic,
    };
    let faults = faults(args, history)?;
    let mut replay = Replay::new(Setting {
        node: &session.node,
        clock,
        stop: &session.stop,
        history,
        prices,
        speed: args.speed,
        publishers: Publishers::new(sources(args, Some(history)), faults)?,
        live: Live::new(style),
        url: session.server.url(),
        check: args.check,
    })?;
    let next = position(&session.node, history)?;
    if next > 0 && !args.quiet {
        announce!("going on at step {next} of {}", history.steps().len());
    }
    let complete = replay.run(next)?;
    let title = match complete {
        true => format!("Replay of {}: complete", history.name),
        false => format!("Replay of {}: stopped on the way", history.name),
    };
    let (summary, holds) = replay.finish(title)?;
    announce!("{summary}");
    if !complete || args.exit {
        if !complete && let Home::Folder(folder) = &session.home {
            announce!("Start again to go on: everything is in {}.", folder.display());
        }
        drop(replay);
        return session.end(None).map(|()| holds);
    }
    announce!("RPC stays open at {}; Ctrl-C ends.", session.server.url());
    clock.run();
    let blocks = session.run_blocks();
    replay.stay()?;
    drop(replay);
    session.end(Some(blocks)).map(|()| holds)
}

fn demo_order(args: &DevArgs, history: Option<&History>) -> DemoOrder {
    DemoOrder {
        seed: args.seed.unwrap_or(1),
        bids: !args.no_bids,
        sources: sources(args, history),
        borrowers: args.borrowers.unwrap_or(if history.is_some() { REPLAY_BORROWERS } else { 0 }),
        history: history.map(|history| (history.name.clone(), fingerprint(history))),
    }
}

/// Where a replay is kept. In a folder of our own choice, one that has come to its end starts over.
fn replay_home(
    args: &DevArgs,
    order: &DemoOrder,
    genesis: &Genesis,
    history: &History,
) -> anyhow::Result<Home> {
    if args.ephemeral {
        return Ok(Home::Memory);
    }
    if let Some(folder) = &args.data_dir {
        return Home::folder(folder);
    }
    let home = Home::folder(&default_folder(order))?;
    if home.genesis()?.is_some() && is_complete(&home, genesis, history) {
        announce!("the replay in {home} is complete: starting over (keep one with --data-dir)");
        home.clear()?;
    }
    Ok(home)
}

fn default_folder(order: &DemoOrder) -> PathBuf {
    let name = order.history.as_ref().map_or("plain", |(name, _)| name.as_str());
    let stem = Path::new(name).file_stem().and_then(|stem| stem.to_str()).unwrap_or("replay");
    let bids = if order.bids { "" } else { "-no-bids" };
    let sources = match order.sources {
        1 => String::new(),
        sources => format!("-sources-{sources}"),
    };
    Path::new(REPLAYS)
        .join(format!("{stem}-{}-seed-{}{bids}{sources}", order.borrowers, order.seed))
}

fn is_complete(home: &Home, genesis: &Genesis, history: &History) -> bool {
    let open = || -> anyhow::Result<bool> {
        let chain = home.open(genesis)?;
        let clock = Arc::new(SetClock::at(chain.head().timestamp));
        let node = Node::open(chain, NodeConfig::default(), clock)?;
        Ok(position(&node, history)? == history.steps().len())
    };
    // A chain that cannot be opened, or has no feeds yet, is not complete; opening it says why.
    open().unwrap_or(false)
}

impl Session {
    fn start(
        args: &DevArgs,
        chain: Chain,
        clock: Arc<dyn Clock>,
        home: Home,
    ) -> anyhow::Result<Self> {
        let runtime = Runtime::new().context("cannot start the runtime")?;
        let stop = Stop::on_signals(&runtime);
        let entered = runtime.enter();
        let metrics_addr = SocketAddr::new(args.host, args.metrics_port);
        let metrics = if args.no_metrics { None } else { telemetry::metrics(metrics_addr) };
        drop(entered);
        tracing::info!(?metrics, "metrics");
        let config = NodeConfig {
            beneficiary: dev_key(dev::GOVERNANCE)?.address(),
            block_time: args.block_time,
            dev: true,
            faucet: Some(dev_key(dev::FAUCET)?),
            ..NodeConfig::default()
        };
        let node = Node::open(chain, config, clock)?;
        let rpc = serve::dev_rpc(SocketAddr::new(args.host, args.port));
        let server = serve::start(&runtime, rpc, &node)?;
        Ok(Self { node, server, stop, runtime, home })
    }

    fn setup(
        &self,
        args: &DevArgs,
        order: &DemoOrder,
        clock: Option<&Arc<SetClock>>,
        prices: Prices,
    ) -> anyhow::Result<Outcome> {
        let setup = Setup {
            node: &self.node,
            clock,
            stop: &self.stop,
            people: People {
                seed: order.seed,
                borrowers: order.borrowers,
                bids: order.bids,
                sources: order.sources,
            },
            prices,
            told: !args.quiet,
        };
        setup.run().context("setting the demo world up")
    }

    /// What people know from other dev chains: accounts, keys, where to connect.
    fn announce(&self, args: &DevArgs) -> anyhow::Result<()> {
        if args.quiet {
            return Ok(());
        }
        announce!("Gage {}, a lending chain for development\n", env!("CARGO_PKG_VERSION"));
        announce!("Accounts ({DEV_COINS} coins each; everyone knows these keys)");
        for index in 0..DEV_ACCOUNTS {
            let key = dev_key(index)?;
            let role = match index {
                dev::KEEPER => "  keeper",
                dev::PUBLISHER => "  publisher of prices",
                dev::GOVERNANCE => "  governance, issuer, curator",
                _ => "",
            };
            announce!("({index}) {} {}{role}", key.address(), key_hex(&key));
        }
        announce!("\nMnemonic   {DEV_MNEMONIC}");
        announce!("Chain id   {DEV_CHAIN_ID}");
        announce!("Data       {}", self.home);
        announce!("RPC        {} (HTTP and WebSocket)\n", self.server.url());
        Ok(())
    }

    /// Makes blocks in the background until stopped.
    fn run_blocks(&self) -> tokio::task::JoinHandle<Result<(), gage_node::ProduceError>> {
        let (node, stop) = (self.node.clone(), self.stop.clone());
        self.runtime.spawn(async move {
            let produced = node.run(stop.clone().raised()).await;
            // Without blocks there is nothing left to serve.
            stop.raise();
            produced
        })
    }

    fn end(
        self,
        blocks: Option<tokio::task::JoinHandle<Result<(), gage_node::ProduceError>>>,
    ) -> anyhow::Result<()> {
        let Self { server, runtime, .. } = self;
        let left = server.stop(&runtime);
        let produced = blocks.map(|blocks| runtime.block_on(blocks));
        runtime.shutdown_timeout(left);
        match produced {
            Some(produced) => Ok(produced.context("the block producer failed")??),
            None => Ok(()),
        }
    }
}
