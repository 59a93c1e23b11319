//! `gage_authorisations`: who may act on an owner's accounts, and how far.

use std::collections::BTreeSet;

use alloy_eips::BlockNumberOrTag;
use alloy_primitives::Address;
use alloy_sol_types::SolEvent;
use gage_abi::IMarket::{CreditDelegated, OperatorChanged};
use gage_chain::LogFilter;
use gage_core::{
    Stop, Timestamp,
    address::MARKET,
    delegation::{Credit, CreditId, Operator, Permission, Permissions},
    ids::{AccountId, MarketId},
    ledger::Ledger,
};
use serde::Serialize;

use super::{
    Book, book,
    names::{VaultName, vault_at},
    numbers::Shown,
    past::{Whose, blocks, event},
};
use crate::{context::Context, methods::Answer};

type Bound = Option<BlockNumberOrTag>;

/// What is in force of that which an owner gave in a range of blocks.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Authorisations {
    owner: Address,
    /// The blocks that were looked through: what was given before them, and not changed in them, is
    /// missing.
    from_block: u64,
    to_block: u64,
    /// What the next signature must bear.
    nonce: u64,
    operators: Vec<OperatorShown>,
    credits: Vec<CreditShown>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OperatorShown {
    #[serde(flatten)]
    whose: Whose,
    operator: Address,
    /// Of `release`, `borrow`, `manage`.
    permissions: Vec<&'static str>,
    expires_at: u64,
    expired: bool,
    /// Who receives what it releases and draws.
    receiver: Address,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CreditShown {
    #[serde(flatten)]
    whose: Whose,
    vault: VaultName,
    delegatee: Address,
    /// What may still be drawn.
    limit: Shown,
    expires_at: u64,
    expired: bool,
    /// Who receives it.
    receiver: Address,
}

/// Owner, first and last block: by default as many up to the head as one query spans. The answers are
/// of the head's state.
pub(super) fn authorisations(
    context: &Context,
    (owner, from, to): (Address, Bound, Bound),
) -> Answer<Authorisations> {
    let mut book = book(context, None)?;
    let (from, to) = blocks(context, (from, to))?;
    let mut filter = LogFilter { from, to, addresses: vec![MARKET], ..LogFilter::default() };
    filter.topics[0] = vec![OperatorChanged::SIGNATURE_HASH, CreditDelegated::SIGNATURE_HASH];
    filter.topics[2] = vec![owner.into_word()];
    let account = |market, sub| AccountId { market: MarketId::new(market), owner, sub };
    let (mut operators, mut credits) = (BTreeSet::new(), BTreeSet::new());
    for log in context.chain.logs(&filter, context.limits.log_results_max)? {
        if let Some(event) = event::<OperatorChanged>(&log)? {
            operators.insert((account(event.market, event.sub), event.operator));
        } else if let Some(event) = event::<CreditDelegated>(&log)? {
            let (account, vault) = (account(event.market, event.sub), vault_at(event.vault)?);
            credits.insert(CreditId { account, vault, delegatee: event.delegatee });
        }
    }
    let nonce = book.authorisation_nonce(owner)?;
    let operators = operators.iter().map(|(account, who)| operator(&mut book, account, *who));
    let operators: Vec<_> = operators.collect::<Result<_, Stop>>()?;
    let credits = credits.iter().map(|id| credit(&mut book, id));
    let credits: Vec<_> = credits.collect::<Result<_, Stop>>()?;
    Ok(Authorisations {
        owner,
        from_block: from,
        to_block: to,
        nonce,
        operators: operators.into_iter().flatten().collect(),
        credits: credits.into_iter().flatten().collect(),
    })
}

const fn whose(account: &AccountId) -> Whose {
    Whose { market: account.market.get(), owner: account.owner, sub: account.sub }
}

fn is_past(book: &Book, moment: Timestamp) -> bool {
    moment < book.now()
}

fn operator(
    book: &mut Book,
    account: &AccountId,
    who: Address,
) -> Result<Option<OperatorShown>, Stop> {
    let Operator { permissions, expires_at, receiver } = book.operator(account, who)?;
    if permissions == Permissions::NONE {
        return Ok(None);
    }
    let all = [Permission::Release, Permission::Borrow, Permission::Manage];
    let given = all.into_iter().filter(|one| permissions.include(*one));
    Ok(Some(OperatorShown {
        whose: whose(account),
        operator: who,
        permissions: given.map(Permission::name).collect(),
        expires_at: expires_at.get(),
        expired: is_past(book, expires_at),
        receiver: if receiver.is_zero() { account.owner } else { receiver },
    }))
}

fn credit(book: &mut Book, id: &CreditId) -> Result<Option<CreditShown>, Stop> {
    let Credit { limit, expires_at, receiver } = book.credit(id)?;
    if limit.is_zero() {
        return Ok(None);
    }
    let vault = VaultName::of(book, id.vault)?;
    Ok(Some(CreditShown {
        whose: whose(&id.account),
        delegatee: id.delegatee,
        limit: Shown::amount(limit.get(), vault.asset.decimals),
        expires_at: expires_at.get(),
        expired: is_past(book, expires_at),
        receiver: if receiver.is_zero() { id.delegatee } else { receiver },
        vault,
    }))
}
