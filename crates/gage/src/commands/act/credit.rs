//! `gage credit`: debt that others may draw on an owner's account.

use std::{fs, io::Read as _, path::Path};

use alloy_primitives::{Address, B256, U256};
use alloy_signer::SignerSync as _;
use anyhow::{Context as _, bail};
use gage_abi::IMarket;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Desk, amount, client, market_events, operator::authorisations, wallet};
use crate::{
    amounts::{all_digits, tokens},
    calendar::minute,
    cli::{
        AuthorisationsArgs, CreditCommand, DelegateArgs, DrawArgs, SignCreditArgs, SubmitArgs,
        VoidArgs,
    },
    client::Client,
    commands::print_json,
    contracts::{MARKET, call},
    reading::{AccountKey, Names, VaultReading, ask},
    table::{Column, table},
};

/// Carries out one of the commands of owners and delegatees.
pub(crate) fn credit(command: &CreditCommand) -> anyhow::Result<()> {
    match command {
        CreditCommand::Delegate(args) => delegate(args),
        CreditCommand::List(args) => list(args),
        CreditCommand::Draw(args) => draw(args),
        CreditCommand::Sign(args) => sign(args),
        CreditCommand::Submit(args) => submit(args),
        CreditCommand::Void(args) => void(args),
    }
}

/// What a delegation's words mean on the chain.
struct Terms {
    vault: VaultReading,
    limit: U256,
    expires_at: u64,
    receiver: Address,
}

impl Terms {
    fn read(client: &Client, args: &DelegateArgs) -> anyhow::Result<Self> {
        let vault = Names::read(client)?.vault(&args.vault)?.clone();
        let no_most = || bail!("say how much may be drawn: a limit keeps a delegation small");
        let limit = amount(&args.limit, &vault.asset, no_most)?;
        let (_, now) = client.head()?;
        let receiver = args.receiver.unwrap_or_default();
        Ok(Self { vault, limit, expires_at: args.until.unix(now), receiver })
    }

    fn words(&self, delegatee: Address, account: AccountKey) -> String {
        let AccountKey { market, sub, .. } = account;
        let asset = &self.vault.asset;
        if self.limit.is_zero() {
            return format!("{delegatee} may draw no {} any more", asset.symbol);
        }
        let to = if self.receiver.is_zero() { delegatee } else { self.receiver };
        format!(
            "{delegatee} may draw {} {} from {} on account {sub} in market {market} until {} UTC, \
             paid to {to}",
            tokens(self.limit, asset.decimals),
            asset.symbol,
            self.vault.token.symbol,
            minute(self.expires_at),
        )
    }
}

fn delegate(args: &DelegateArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let terms = Terms::read(&client, args)?;
    let (market, sub) = (args.account.market, args.account.sub);
    let delegate = IMarket::delegateCreditCall {
        market,
        sub,
        vault: terms.vault.token.address,
        delegatee: args.delegatee,
        limit: terms.limit,
        expiresAt: terms.expires_at,
        receiver: terms.receiver,
    };
    let receipt = wallet.send(&call(MARKET, &delegate, "delegate the credit"))?;
    let text = terms.words(args.delegatee, AccountKey { market, owner: wallet.address(), sub });
    let told = json!({
        "delegatee": args.delegatee,
        "limit": all_digits(terms.limit, terms.vault.asset.decimals),
        "expiresAt": terms.expires_at,
    });
    Desk { client: &client, json: args.signing.remote.json }.report(&text, &receipt, told)
}

fn draw(args: &DrawArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let vault = Names::read(&client)?.vault(&args.vault)?.clone();
    let (market, owner, sub) = (args.account.market, args.owner, args.account.sub);
    let (address, delegatee) = (vault.token.address, wallet.address());
    let allowed = || {
        let state = IMarket::creditAllowanceCall { market, owner, sub, vault: address, delegatee };
        Ok(ask(&client, MARKET, &state)?.limit)
    };
    let amount = amount(&args.amount, &vault.asset, allowed)?;
    let draw = IMarket::drawCreditCall { market, owner, sub, vault: address, amount };
    let what = format!("draw {}", vault.asset.symbol);
    let receipt = wallet.send(&call(MARKET, &draw, what))?;
    let left = market_events::<IMarket::CreditDrawn>(&receipt).first().map(|event| event.left);
    let paid = market_events::<IMarket::Borrowed>(&receipt).first().map(|event| event.receiver);
    let (left, paid) = (left.unwrap_or_default(), paid.unwrap_or_default());
    let desk = Desk { client: &client, json: args.signing.remote.json };
    let (health, told_health) = desk.health(AccountKey { market, owner, sub })?;
    let (symbol, decimals) = (&vault.asset.symbol, vault.asset.decimals);
    let text = format!(
        "drew {} {symbol}, paid to {paid}; {} {symbol} may still be drawn{health}",
        tokens(amount, decimals),
        tokens(left, decimals),
    );
    let told = json!({
        "amount": all_digits(amount, decimals),
        "receiver": paid,
        "left": all_digits(left, decimals),
        "healthFactor": told_health,
    });
    desk.report(&text, &receipt, told)
}

/// A signed delegation, as it is handed around.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SignedCredit {
    chain_id: u64,
    owner: Address,
    market: u32,
    sub: u32,
    vault: Address,
    delegatee: Address,
    limit: U256,
    expires_at: u64,
    receiver: Address,
    nonce: U256,
    deadline: U256,
    v: u8,
    r: B256,
    s: B256,
}

fn sign(args: &SignCreditArgs) -> anyhow::Result<()> {
    let SignCreditArgs { credit, deadline, nonce } = args;
    let client = client(&credit.signing);
    let key = credit.signing.key()?;
    let terms = Terms::read(&client, credit)?;
    let (owner, (_, now)) = (key.address(), client.head()?);
    let nonce = match nonce {
        Some(nonce) => U256::from(*nonce),
        None => ask(&client, MARKET, &IMarket::noncesCall { owner })?,
    };
    let data = IMarket::CreditDelegation {
        owner,
        market: credit.account.market,
        sub: credit.account.sub,
        vault: terms.vault.token.address,
        delegatee: credit.delegatee,
        limit: terms.limit,
        expiresAt: terms.expires_at,
        receiver: terms.receiver,
        nonce,
        deadline: U256::from(deadline.unix(now)),
    };
    let chain_id = client.chain_id()?;
    let signature = key.sign_hash_sync(&gage_evm::authorisation_hash(chain_id, &data))?;
    let signed = SignedCredit {
        chain_id,
        owner,
        market: data.market,
        sub: data.sub,
        vault: data.vault,
        delegatee: data.delegatee,
        limit: data.limit,
        expires_at: data.expiresAt,
        receiver: data.receiver,
        nonce,
        deadline: data.deadline,
        v: 27 + u8::from(signature.v()),
        r: signature.r().into(),
        s: signature.s().into(),
    };
    print_json(&serde_json::to_value(signed)?)
}

fn read_signed(file: &Path) -> anyhow::Result<SignedCredit> {
    let text = if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        text
    } else {
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?
    };
    let signed = serde_json::from_str(&text);
    signed.with_context(|| format!("{} holds no signed delegation", file.display()))
}

fn submit(args: &SubmitArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let signed = read_signed(&args.file)?;
    let chain = client.chain_id()?;
    if signed.chain_id != chain {
        bail!("this was signed for chain {}, the node is of chain {chain}", signed.chain_id);
    }
    let submit = IMarket::delegateCreditWithSigCall {
        owner: signed.owner,
        market: signed.market,
        sub: signed.sub,
        vault: signed.vault,
        delegatee: signed.delegatee,
        limit: signed.limit,
        expiresAt: signed.expires_at,
        receiver: signed.receiver,
        deadline: signed.deadline,
        v: signed.v,
        r: signed.r,
        s: signed.s,
    };
    let receipt = wallet.send(&call(MARKET, &submit, "hand the delegation in"))?;
    let text = format!(
        "{} may draw on {}'s account {} in market {} until {} UTC",
        signed.delegatee,
        signed.owner,
        signed.sub,
        signed.market,
        minute(signed.expires_at),
    );
    let told = json!({ "owner": signed.owner, "delegatee": signed.delegatee });
    Desk { client: &client, json: args.signing.remote.json }.report(&text, &receipt, told)
}

fn void(args: &VoidArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let wallet = wallet(&client, &args.signing)?;
    let present = ask(&client, MARKET, &IMarket::noncesCall { owner: wallet.address() })?;
    let next = args.next.unwrap_or_else(|| present.saturating_to::<u64>().saturating_add(1));
    let receipt =
        wallet.send(&call(MARKET, &IMarket::voidSignaturesCall { next }, "void the signatures"))?;
    let text = format!("signatures over nonces below {next} are void");
    let told = json!({ "next": next });
    Desk { client: &client, json: args.signing.remote.json }.report(&text, &receipt, told)
}

fn list(args: &AuthorisationsArgs) -> anyhow::Result<()> {
    let client = client(&args.signing);
    let owner = args.signing.or_sender(args.owner)?;
    let mut credits = Vec::new();
    let found = authorisations(&client, owner, args.from_block)?;
    let nonce = found.first().map(|one| one.nonce).unwrap_or_default();
    for one in found.into_iter().flat_map(|one| one.credits) {
        if !credits.contains(&one) {
            credits.push(one);
        }
    }
    if args.signing.remote.json {
        return print_json(&json!({ "owner": owner, "nonce": nonce, "credits": credits }));
    }
    println!("Credit on {owner}'s accounts; the next signature bears nonce {nonce}\n");
    if credits.is_empty() {
        println!("None. `gage credit --help` says how to delegate some.");
        return Ok(());
    }
    let columns = [
        Column::Right("market"),
        Column::Right("account"),
        Column::Left("delegatee"),
        Column::Left("from"),
        Column::Right("left"),
        Column::Left("until (UTC)"),
        Column::Left("paid to"),
    ];
    let rows = credits.iter().map(|one| {
        let (asset, until) = (&one.vault.asset, minute(one.expires_at));
        vec![
            one.market.to_string(),
            one.sub.to_string(),
            one.delegatee.to_string(),
            one.vault.symbol.clone(),
            format!("{} {}", one.limit.tokens(asset.decimals), asset.symbol),
            if one.expired { format!("{until} (expired)") } else { until },
            one.receiver.to_string(),
        ]
    });
    println!("{}", table(&columns, rows.collect()));
    Ok(())
}
