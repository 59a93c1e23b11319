//! `gage stake`: first-loss capital of a vault's line to a market.

use alloy_primitives::{Address, U256};
use anyhow::ensure;
use gage_abi::IMarket;
use serde_json::{Value, json};

use super::{Desk, client, market_events, shares, wallet};
use crate::{
    amounts::all_digits,
    calendar::minute,
    cli::{AddStakeArgs, LineArgs, StakeCommand, StakesArgs, UnstakeArgs},
    client::Client,
    commands::print_json,
    contracts::{MARKET, call},
    reading::{Names, VaultReading, ask},
    table::{Column, table},
    told::{self, Stake},
};

/// Carries out one of the staker's commands.
pub(crate) fn stake(command: &StakeCommand) -> anyhow::Result<()> {
    match command {
        StakeCommand::Add(args) => add(args),
        StakeCommand::Announce(args) => announce(args),
        StakeCommand::Withdraw(args) => withdraw(args),
        StakeCommand::List(args) => list(args),
    }
}

/// What a command's names mean.
struct Line {
    market: u32,
    vault: VaultReading,
}

impl Line {
    fn read(client: &Client, args: &LineArgs) -> anyhow::Result<Self> {
        let vault = Names::read(client)?.vault(&args.vault)?.clone();
        Ok(Self { market: args.market, vault })
    }

    fn state(&self, of: &Client, staker: Address) -> anyhow::Result<IMarket::StakeState> {
        let vault = self.vault.token.address;
        ask(of, MARKET, &IMarket::stakeOfCall { market: self.market, vault, staker })
    }

    fn lent(&self, assets: U256) -> String {
        shares::lent(&self.vault, assets)
    }

    /// A stake for machines.
    fn told(&self, state: &IMarket::StakeState) -> Value {
        json!({
            "units": state.units.to_string(),
            "shares": all_digits(state.shares, self.vault.token.decimals),
            "worth": all_digits(state.worth, self.vault.asset.decimals),
        })
    }
}

fn add(args: &AddStakeArgs) -> anyhow::Result<()> {
    let signing = &args.line.signing;
    let client = client(signing);
    let wallet = wallet(&client, signing)?;
    let line = Line::read(&client, &args.line)?;
    let (staker, vault, market) = (wallet.address(), line.vault.token.address, line.market);
    let terms = ask(&client, MARKET, &IMarket::lineStateCall { market, vault })?;
    let check = |asked: U256| {
        let there = line.state(&client, staker)?.worth;
        let worth = shares::worth(&client, &line.vault, asked)?;
        let least = terms.minDebt;
        ensure!(worth + there >= least, "a stake is worth at least {}", line.lent(least));
        Ok(())
    };
    let written = (args.amount.as_str(), args.shares);
    let json = signing.remote.json;
    let shares = shares::provide(&wallet, &line.vault, written, (args.deposit, json), check)?;
    let stake = IMarket::stakeCall { market, vault, shares };
    let receipt = wallet.send(&call(MARKET, &stake, "stake"))?;
    let state = line.state(&client, staker)?;
    let text = format!(
        "staked {} on {}'s line to market {market}; {} there now, first to bear its losses",
        line.lent(shares::worth(&client, &line.vault, shares)?),
        line.vault.token.symbol,
        line.lent(state.worth),
    );
    Desk { client: &client, json }.report(&text, &receipt, line.told(&state))
}

fn announce(args: &LineArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let line = Line::read(&client, args)?;
    let (market, vault) = (line.market, line.vault.token.address);
    let announce = IMarket::announceUnstakeCall { market, vault };
    let receipt = wallet.send(&call(MARKET, &announce, "announce the withdrawal"))?;
    let state = line.state(&client, wallet.address())?;
    let text = format!(
        "announced: {} may leave from {} to {} UTC, and bear losses until they do",
        line.lent(state.worth),
        minute(state.opensAt),
        minute(state.closesAt),
    );
    let mut told = line.told(&state);
    told["opensAt"] = json!(state.opensAt);
    told["closesAt"] = json!(state.closesAt);
    Desk { client: &client, json: args.signing.remote.json }.report(&text, &receipt, told)
}

fn withdraw(args: &UnstakeArgs) -> anyhow::Result<()> {
    let signing = &args.line.signing;
    let client = client(signing);
    let wallet = wallet(&client, signing)?;
    let line = Line::read(&client, &args.line)?;
    let (receiver, market, vault) = (wallet.address(), line.market, line.vault.token.address);
    let before = line.state(&client, receiver)?;
    let asked = shares::parse(&client, &line.vault, &args.amount, args.shares)?;
    let units = match asked {
        None => U256::MAX,
        // A stake of nothing is refused by name.
        Some(_) if before.shares.is_zero() => U256::ONE,
        Some(shares) => (shares * before.units).div_ceil(before.shares),
    };
    let unstake = IMarket::unstakeCall { market, vault, units, receiver };
    let receipt = wallet.send(&call(MARKET, &unstake, "withdraw the stake"))?;
    let taken = market_events::<IMarket::FirstLossUnstaked>(&receipt);
    let shares = taken.first().map(|event| event.shares).unwrap_or_default();
    let state = line.state(&client, receiver)?;
    let text = format!(
        "took back shares of {} worth {}; {} stay staked",
        line.vault.token.symbol,
        line.lent(shares::worth(&client, &line.vault, shares)?),
        line.lent(state.worth),
    );
    let mut told = line.told(&state);
    told["withdrawn"] = json!(all_digits(shares, line.vault.token.decimals));
    Desk { client: &client, json: signing.remote.json }.report(&text, &receipt, told)
}

fn list(args: &StakesArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let staker = args.signing.or_sender(args.staker)?;
    let (told, stakes): (_, Vec<Stake>) = told::ask(&client, "gage_stakes", json!([staker]))?;
    if args.signing.remote.json {
        return print_json(&told);
    }
    println!("Stakes of {staker}\n");
    if stakes.is_empty() {
        println!("None. `gage stake --help` says how to stake.");
        return Ok(());
    }
    let columns = [
        Column::Right("market"),
        Column::Left("with"),
        Column::Right("worth"),
        Column::Right("part"),
        Column::Right("all stakes"),
        Column::Right("premium"),
        Column::Left("withdrawal (UTC)"),
    ];
    let row = |stake: &Stake| {
        let amount = |quantity: &told::Quantity| {
            format!("{} {}", quantity.tokens(stake.vault.asset.decimals), stake.vault.asset.symbol)
        };
        vec![
            stake.market.to_string(),
            stake.vault.symbol.clone(),
            amount(&stake.worth),
            stake.part.percent(),
            amount(&stake.line.worth),
            stake.line.premium.formatted.clone(),
            match (stake.line.pending_until, &stake.notice) {
                (Some(until), _) => format!("a loss is pending until {}", minute(until)),
                (None, notice) => notice.words(),
            },
        ]
    };
    println!("{}", table(&columns, stakes.iter().map(row).collect()));
    Ok(())
}
