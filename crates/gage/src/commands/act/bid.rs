//! `gage bid`: bids for collateral of accounts that are liquidated.

use alloy_primitives::{Address, U256};
use anyhow::ensure;
use gage_abi::IMarket;
use serde_json::{Value, json};

use super::{Desk, client, market_events, shares, wallet, with_receipt};
use crate::{
    amounts::{all_digits, tokens},
    calendar::minute,
    cli::{BidCommand, ClaimArgs, Discount, ListArgs, PlaceArgs, TierArgs, WithdrawArgs},
    client::Client,
    commands::print_json,
    contracts::{MARKET, call},
    reading::{Names, Token, VaultReading, ask},
    table::{Column, table},
    told::{self, Bid, Queue},
};

/// Carries out one of the bidder's commands.
pub(crate) fn bid(command: &BidCommand) -> anyhow::Result<()> {
    match command {
        BidCommand::Place(args) => place(args),
        BidCommand::Announce(args) => announce(args),
        BidCommand::Withdraw(args) => withdraw(args),
        BidCommand::Claim(args) => claim(args),
        BidCommand::List(args) => list(args),
    }
}

/// What a command's names mean.
struct Place {
    market: u32,
    vault: VaultReading,
    asset: Token,
    discount: Discount,
}

impl Place {
    fn read(client: &Client, args: &TierArgs) -> anyhow::Result<Self> {
        let names = Names::read(client)?;
        Ok(Self {
            market: args.market,
            vault: names.vault(&args.vault)?.clone(),
            asset: names.asset(&args.asset)?.clone(),
            discount: args.discount,
        })
    }

    fn tier(&self) -> u8 {
        self.discount.0
    }

    fn state(&self, of: &Client, bidder: Address) -> anyhow::Result<IMarket::BidState> {
        let call = IMarket::bidStateCall {
            market: self.market,
            vault: self.vault.token.address,
            asset: self.asset.address,
            tier: self.tier(),
            bidder,
        };
        ask(of, MARKET, &call)
    }

    /// Checks what the protocol would refuse.
    fn check(&self, of: &Client, (bidder, shares): (Address, U256)) -> anyhow::Result<()> {
        let params = json!([self.market, self.vault.token.address, self.asset.address]);
        let (_, queue): (_, Queue) = told::ask(of, "gage_queue", params)?;
        let most = queue.discount_max.units();
        ensure!(
            U256::from(self.discount.bps()) <= most,
            "no liquidation gives more than {} off {} away: bid that or less",
            queue.discount_max.formatted,
            self.asset.symbol
        );
        let worth = self.assets_of(of, shares + self.state(of, bidder)?.shares)?;
        ensure!(
            worth >= queue.bid_min.units(),
            "a bid is worth at least {}",
            self.lent(queue.bid_min.units())
        );
        Ok(())
    }

    fn assets_of(&self, of: &Client, amount: U256) -> anyhow::Result<U256> {
        shares::worth(of, &self.vault, amount)
    }

    fn lent(&self, assets: U256) -> String {
        shares::lent(&self.vault, assets)
    }

    /// `WETH at 5 % below its price`.
    fn aim(&self) -> String {
        format!("{} at {} below its price", self.asset.symbol, self.discount.name())
    }
}

fn place(args: &PlaceArgs) -> anyhow::Result<()> {
    let client = client(&args.tier.signing);
    let wallet = wallet(&client, &args.tier.signing)?;
    let place = Place::read(&client, &args.tier)?;
    let bidder = wallet.address();
    let (vault, json) = (&place.vault, args.tier.signing.remote.json);
    let check = |shares| place.check(&client, (bidder, shares));
    let written = (args.amount.as_str(), args.shares);
    let shares = shares::provide(&wallet, vault, written, (args.deposit, json), check)?;
    let call = call(
        MARKET,
        &IMarket::placeBidCall {
            market: place.market,
            vault: vault.token.address,
            asset: place.asset.address,
            tier: place.tier(),
            shares,
        },
        "place the bid",
    );
    let receipt = wallet.send(&call)?;
    let state = place.state(&client, bidder)?;
    let text = format!(
        "bid {} for {}; {} there now, eligible from the next block on",
        place.lent(place.assets_of(&client, shares)?),
        place.aim(),
        place.lent(state.worth),
    );
    Desk { client: &client, json }.report(&text, &receipt, told(&place, &state))
}

/// A bid for machines.
fn told(place: &Place, state: &IMarket::BidState) -> Value {
    json!({
        "tier": place.tier(),
        "shares": all_digits(state.shares, place.vault.token.decimals),
        "worth": all_digits(state.worth, place.vault.asset.decimals),
        "bought": all_digits(state.bought, place.asset.decimals),
    })
}

fn announce(args: &TierArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let place = Place::read(&client, args)?;
    let call = call(
        MARKET,
        &IMarket::announceBidWithdrawalCall {
            market: place.market,
            vault: place.vault.token.address,
            asset: place.asset.address,
            tier: place.tier(),
        },
        "announce the withdrawal",
    );
    let receipt = wallet.send(&call)?;
    let state = place.state(&client, wallet.address())?;
    let text = format!(
        "announced: {} may leave from {} to {} UTC, and stay eligible until they do",
        place.lent(state.worth),
        minute(state.opensAt),
        minute(state.closesAt),
    );
    let mut told = told(&place, &state);
    told["opensAt"] = json!(state.opensAt);
    told["closesAt"] = json!(state.closesAt);
    Desk { client: &client, json: args.signing.remote.json }.report(&text, &receipt, told)
}

fn withdraw(args: &WithdrawArgs) -> anyhow::Result<()> {
    let signing = &args.tier.signing;
    let client = client(signing);
    let wallet = wallet(&client, signing)?;
    let place = Place::read(&client, &args.tier)?;
    let receiver = wallet.address();
    let asked = shares::parse(&client, &place.vault, &args.amount, args.shares)?;
    let asked = asked.unwrap_or(U256::MAX);
    let call = call(
        MARKET,
        &IMarket::withdrawBidCall {
            market: place.market,
            vault: place.vault.token.address,
            asset: place.asset.address,
            tier: place.tier(),
            shares: asked,
            receiver,
        },
        "withdraw the bid",
    );
    let receipt = wallet.send(&call)?;
    let taken = market_events::<IMarket::BidWithdrawn>(&receipt);
    let shares = taken.first().map(|event| event.shares).unwrap_or_default();
    let state = place.state(&client, receiver)?;
    let text = format!(
        "took back shares of {} worth {}; {} stay for {}",
        place.vault.token.symbol,
        place.lent(place.assets_of(&client, shares)?),
        place.lent(state.worth),
        place.aim(),
    );
    let mut told = told(&place, &state);
    told["withdrawn"] = json!(all_digits(shares, place.vault.token.decimals));
    Desk { client: &client, json: signing.remote.json }.report(&text, &receipt, told)
}

fn claim(args: &ClaimArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let receiver = wallet.address();
    let bids = match (&args.vault, &args.asset, args.discount) {
        (Some(vault), Some(asset), Some(discount)) => {
            let names = Names::read(&client)?;
            let (vault, asset) = (names.vault(vault)?.token.address, names.asset(asset)?.address);
            vec![(args.market, vault, asset, discount.0)]
        }
        _ => bought(&client, receiver)?,
    };
    ensure!(!bids.is_empty(), "no bid of {receiver} has bought anything that is not claimed yet");
    let names = Names::read(&client)?;
    let json = args.signing.remote.json;
    let mut all = Vec::new();
    for (market, vault, asset, tier) in bids {
        let claim = IMarket::claimBidCall { market, vault, asset, tier, receiver };
        let receipt = wallet.send(&call(MARKET, &claim, "claim what the bid bought"))?;
        let claimed = market_events::<IMarket::BidClaimed>(&receipt);
        let amount = claimed.first().map(|event| event.amount).unwrap_or_default();
        let (symbol, decimals) = (names.symbol(asset), names.decimals(asset));
        let told = json!({ "asset": asset, "amount": all_digits(amount, decimals) });
        if json {
            all.push(with_receipt(told, &receipt));
        } else {
            let text = format!("claimed {} {symbol}", tokens(amount, decimals));
            Desk { client: &client, json }.report(&text, &receipt, told)?;
        }
    }
    if json { print_json(&all.into()) } else { Ok(()) }
}

/// A bidder's bids that have something to claim: market, vault, asset, tier.
fn bought(client: &Client, bidder: Address) -> anyhow::Result<Vec<(u32, Address, Address, u8)>> {
    let (_, bids): (_, Vec<Bid>) = told::ask(client, "gage_bids", json!([bidder]))?;
    let bought = bids.into_iter().filter(|bid| !bid.bought.units().is_zero());
    Ok(bought.map(|bid| (bid.market, bid.vault.address, bid.asset.address, bid.tier)).collect())
}

fn list(args: &ListArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let bidder = args.signing.or_sender(args.bidder)?;
    let (told, bids): (_, Vec<Bid>) = told::ask(&client, "gage_bids", json!([bidder]))?;
    if args.signing.remote.json {
        return print_json(&told);
    }
    println!("Bids of {bidder}\n");
    if bids.is_empty() {
        println!("None. `gage bid --help` says how to place one.");
        return Ok(());
    }
    let columns = [
        Column::Right("market"),
        Column::Left("with"),
        Column::Left("for"),
        Column::Right("discount"),
        Column::Right("waiting"),
        Column::Right("bought"),
        Column::Right("worth"),
        Column::Left("withdrawal (UTC)"),
    ];
    let row = |bid: &Bid| {
        vec![
            bid.market.to_string(),
            bid.vault.symbol.clone(),
            bid.asset.symbol.clone(),
            bid.discount.formatted.clone(),
            format!("{} {}", bid.worth.tokens(bid.vault.asset.decimals), bid.vault.asset.symbol),
            format!("{} {}", bid.bought.tokens(bid.asset.decimals), bid.asset.symbol),
            bid.bought_value.usd(),
            bid.notice.words(),
        ]
    };
    println!("{}", table(&columns, bids.iter().map(row).collect()));
    Ok(())
}
