//! The command line: one binary.

// First, as what follows prints with it.
#[macro_use]
mod say;

mod abi;
mod alerts;
mod amounts;
mod calendar;
mod chart;
mod cli;
mod client;
mod clock;
mod commands;
mod contracts;
mod decimal;
mod demo;
mod depth;
mod descriptors;
mod dev;
mod genesis;
mod history;
mod home;
mod keeper;
mod keys;
mod live;
mod local;
mod node_command;
mod publisher;
mod rates;
mod reading;
mod replay;
mod serve;
mod stop;
mod stored;
mod summary;
mod table;
mod tally;
mod telemetry;
mod ties;
mod told;

use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Command, HistoryCommand, MarketCommand};
use commands::{act, show};
use history::fetch::{Order, fetch};

fn main() -> ExitCode {
    // A panic of the database's library on damaged pages is told as the error that it becomes.
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !gage_state::panics_are_caught() {
            tell(panic);
        }
    }));
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", words(&error));
            ExitCode::FAILURE
        }
    }
}

/// An error and its causes, each once: some say their cause themselves.
fn words(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |mut text, cause| {
        if text.is_empty() {
            return cause;
        }
        if !text.ends_with(&cause) {
            text.extend([": ", &cause]);
        }
        text
    })
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Dev(args) => {
            let ties_hold = dev::run(&args)?;
            return Ok(if ties_hold { ExitCode::SUCCESS } else { ExitCode::from(2) });
        }
        Command::Node(args) => node_command::run(&args)?,
        Command::Genesis { config: false } => {
            eprintln!("{}", genesis::FIELDS);
            print!("{}", genesis::EXAMPLE);
        }
        Command::Genesis { config: true } => print!("{}", gage_node::settings::EXAMPLE),
        Command::Abi(args) => {
            println!("{} files in {}", abi::write(&args.out)?, args.out.display())
        }
        Command::Check(args) => {
            let holds = commands::check::check(&args)?;
            return Ok(if holds { ExitCode::SUCCESS } else { ExitCode::from(2) });
        }
        Command::Db(command) => stored::db(&command)?,
        Command::Snapshot(command) => stored::snapshot(&command)?,
        Command::History(command) => histories(command)?,
        Command::Markets(args) => show::markets(&args)?,
        Command::Vaults(args) => show::vaults(&args)?,
        Command::Rates(args) => commands::rates::rates(&args)?,
        Command::Feeds(args) => commands::feeds::feeds(&args)?,
        Command::Account(args) => commands::account::account(&args)?,
        Command::Explain(args) => commands::account::explain(&args)?,
        Command::Queue(args) => commands::queue::queue(&args)?,
        Command::Exposure(args) => commands::exposure::exposure(&args)?,
        Command::Liquidations(args) => commands::past::liquidations(&args)?,
        Command::Losses(args) => commands::past::losses(&args)?,
        Command::Deposit(args) => act::lend::deposit(&args)?,
        Command::Redeem(args) => act::lend::redeem(&args)?,
        Command::Exit(command) => act::exit::exit(&command)?,
        Command::Supply(args) => act::pledge::supply(&args)?,
        Command::Withdraw(args) => act::pledge::withdraw(&args)?,
        Command::Borrow(args) => act::borrow::borrow(&args)?,
        Command::Repay(args) => act::borrow::repay(&args)?,
        Command::Refresh(args) => act::borrow::refresh(&args)?,
        Command::Liquidate(args) => act::borrow::liquidate(&args)?,
        Command::Bid(command) => act::bid::bid(&command)?,
        Command::Feed(command) => act::guards::act_on_feed(&command)?,
        Command::Market(MarketCommand::Margin(command)) => act::margin::margin(&command)?,
        Command::Market(MarketCommand::Guards(args)) => act::guards::show(&args)?,
        Command::Market(MarketCommand::Pause(args)) => act::guards::pause(&args)?,
        Command::Market(MarketCommand::Recognise(args)) => act::guards::recognise(&args)?,
        Command::Market(MarketCommand::Meter(args)) => act::guards::meter(&args)?,
        Command::Market(MarketCommand::Breaker(args)) => act::guards::breaker(&args)?,
        Command::Stake(command) => act::stake::stake(&command)?,
        Command::Factor(command) => act::factor::factor(&command)?,
        Command::Group(command) => act::group::group(&command)?,
        Command::Terms(command) => act::terms::terms(&command)?,
        Command::StopLoss(command) => act::stop_loss::stop_loss(&command)?,
        Command::Operator(command) => act::operator::operator(&command)?,
        Command::Credit(command) => act::credit::credit(&command)?,
        Command::Rehome(args) => act::rehome::rehome(&args)?,
        Command::Send(args) => act::coins::send(&args)?,
        Command::Wrap(args) => act::coins::wrap(&args)?,
        Command::Unwrap(args) => act::coins::unwrap(&args)?,
        Command::Price(args) => act::price::price(&args)?,
        Command::Publish(args) => {
            if !commands::publish::publish(&args)? {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Replay(args) => commands::replay::replay(&args)?,
        Command::Message(args) => commands::publish::message(&args)?,
        Command::Faucet(args) => act::coins::faucet(&args)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn histories(command: HistoryCommand) -> anyhow::Result<()> {
    match command {
        HistoryCommand::List => {
            for (name, _) in history::BUILTIN {
                let history = history::History::open(name)?;
                let (first, last) = history.span();
                let assets: Vec<_> = history.bars.keys().map(String::as_str).collect();
                println!(
                    "{name}  {} to {} UTC, {}, {} steps",
                    calendar::minute(first),
                    calendar::minute(last),
                    assets.join(" "),
                    history.steps().len(),
                );
            }
            Ok(())
        }
        HistoryCommand::Fetch(args) => {
            telemetry::log("warn");
            let (exchange, base_url) = (args.exchange, args.base_url);
            let order =
                Order { exchange, base_url, symbols: args.symbols, from: args.from, to: args.to };
            let rows = fetch(&order, &args.out)?;
            println!("{rows} bars in {}", args.out.display());
            Ok(())
        }
    }
}
