//! Commands that send a transaction: each reads names and amounts, sends, and says what came of it.

pub(crate) mod bid;
pub(crate) mod borrow;
pub(crate) mod coins;
pub(crate) mod credit;
pub(crate) mod exit;
pub(crate) mod factor;
pub(crate) mod group;
pub(crate) mod guards;
pub(crate) mod lend;
pub(crate) mod margin;
pub(crate) mod operator;
pub(crate) mod pledge;
pub(crate) mod price;
pub(crate) mod rehome;
mod shares;
pub(crate) mod stake;
pub(crate) mod stop_loss;
pub(crate) mod terms;

use alloy_primitives::{Address, U256};
use serde_json::{Value, json};

use super::print_json;
use crate::{
    amounts::health,
    cli::Signing,
    client::{Client, Receipt, Wallet},
    contracts::MARKET,
    decimal::Quantity,
    reading::{AccountKey, Token, ask},
};
use gage_abi::{IERC20Permit, IMarket};

/// A client and what the node calls things, for one command.
struct Desk<'a> {
    client: &'a Client,
    json: bool,
}

impl Desk<'_> {
    /// Says what was done: `text` for people, `told` with the transaction for machines.
    fn report(&self, text: &str, receipt: &Receipt, told: Value) -> anyhow::Result<()> {
        if self.json {
            return print_json(&with_receipt(told, receipt));
        }
        println!("{text}");
        println!(
            "transaction {} in block {}, gas {}",
            receipt.hash, receipt.block, receipt.gas_used
        );
        Ok(())
    }

    /// The account's health, as a sentence and for machines.
    fn health(&self, key: AccountKey) -> anyhow::Result<(String, Value)> {
        let AccountKey { market, owner, sub } = key;
        let factor = ask(self.client, MARKET, &IMarket::healthFactorCall { market, owner, sub });
        Ok(match factor {
            Ok(factor) if factor == U256::MAX => ("; no debt".to_owned(), Value::Null),
            Ok(factor) => (format!("; health {}", health(factor)), json!(health(factor))),
            // A stale price does not hinder a repayment.
            Err(_) => ("; health unknown (a price is stale)".to_owned(), Value::Null),
        })
    }
}

/// What was done, with its transaction.
fn with_receipt(mut told: Value, receipt: &Receipt) -> Value {
    told["hash"] = json!(receipt.hash);
    told["block"] = json!(receipt.block);
    told["gasUsed"] = json!(receipt.gas_used);
    told
}

/// Opens a wallet for a command's signer.
fn wallet<'a>(client: &'a Client, signing: &Signing) -> anyhow::Result<Wallet<'a>> {
    Ok(Wallet { client, key: signing.key()? })
}

fn client(signing: &Signing) -> Client {
    Client::new(&signing.remote.rpc_url)
}

fn balance(client: &Client, token: Address, account: Address) -> anyhow::Result<U256> {
    ask(client, token, &IERC20Permit::balanceOfCall { account })
}

/// The market contract's events of one kind.
fn market_events<E: alloy_sol_types::SolEvent>(receipt: &Receipt) -> Vec<E> {
    let of_market = receipt.logs.iter().filter(|(emitter, _)| *emitter == MARKET);
    of_market.filter_map(|(_, log)| E::decode_log_data(log).ok()).collect()
}

/// An amount of a token: as written, or all that `most` says.
fn amount(
    text: &str,
    token: &Token,
    most: impl FnOnce() -> anyhow::Result<U256>,
) -> anyhow::Result<U256> {
    match Quantity::parse(text, token.decimals)? {
        Quantity::Exactly(units) => Ok(U256::from(units)),
        Quantity::All => most(),
    }
}
