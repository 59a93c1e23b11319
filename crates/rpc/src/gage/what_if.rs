//! `gage_whatIf`: an account after other prices and some operations.
//!
//! The operations are the chain's own, carried out on a copy in memory, so what is refused here
//! would be refused there, with the same error. The owner is lent what a step takes out of their
//! pocket.

use std::collections::BTreeMap;

use alloy_eips::BlockId;
use alloy_primitives::{Address, Bytes};
use gage_core::{
    Assets, FeedKind, Stop, Timestamp, Wad,
    borrowing::{Draw, Release, borrow, repay, supply_collateral, withdraw_collateral},
    groups::{enter_group, leave_group},
    ids::{AccountId, AssetId, FeedId, GroupId, MarketId, Token, VaultId},
    ledger::{Ledger, PriceLedger},
};
use serde::{Deserialize, Serialize};

use super::{
    Book, book,
    explain::{Explained, explained},
    names::{asset_at, vault_at},
};
use crate::{
    arguments::Number,
    context::Context,
    error::{LimitError, RequestError, RpcError},
    methods::Answer,
};

/// Steps of one question.
const STEPS_MAX: usize = 64;

/// Prices first, then the steps in the order of these fields: what helps the account comes before
/// what weighs on it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Changes {
    /// US dollars (1e18) by feed number, or by the address of an asset or vault of the market.
    prices: BTreeMap<String, Number<u128>>,
    supply: Vec<OfAsset>,
    repay: Vec<OfVault>,
    /// The group to enter; 0 leaves the present one.
    group: Option<Number<u8>>,
    borrow: Vec<OfVault>,
    withdraw: Vec<OfAsset>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfAsset {
    asset: Address,
    amount: Number<u128>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfVault {
    vault: Address,
    amount: Number<u128>,
}

/// An operation on the account.
#[derive(Clone, Copy)]
enum Step {
    Supply(AssetId, Assets),
    Repay(VaultId, Assets),
    Regroup(GroupId),
    Borrow(VaultId, Assets),
    Withdraw(AssetId, Assets),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Outcome {
    before: Explained,
    /// After the prices and every step before the refused one, if one was.
    after: Explained,
    refused: Option<Refused>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Refused {
    /// The field of the step.
    operation: &'static str,
    /// Which of all steps, from 0.
    step: usize,
    /// The error's name and values.
    error: String,
    /// The error's ABI encoding.
    data: Bytes,
}

/// Market, owner, sub-account and changes; always at the head.
pub(super) fn what_if(
    context: &Context,
    (market, owner, sub, changes): (Number<u32>, Address, Number<u32>, Changes),
) -> Answer<Outcome> {
    let mut book = book(context, Some(BlockId::pending()))?;
    let id = AccountId { market: MarketId::new(market.0), owner, sub: sub.0 };
    let before = explained(&mut book, &id)?;
    let steps = steps(&changes)?;
    for (name, price) in &changes.prices {
        let feed = feed_of(&mut book, id.market, name)?;
        suppose_price(&mut book, feed, Wad::new(price.0))?;
    }
    let mut refused = None;
    for (number, step) in steps.into_iter().enumerate() {
        match step.carry_out(&mut book, &id) {
            Ok(()) => book.commit().map_err(Stop::from)?,
            Err(Stop::Refused(error)) => {
                book.discard();
                refused = Some(step.refused(number, &error));
                break;
            }
            Err(fault) => return Err(fault.into()),
        }
    }
    Ok(Outcome { before, after: explained(&mut book, &id)?, refused })
}

fn steps(changes: &Changes) -> Answer<Vec<Step>> {
    let mut steps = Vec::new();
    let assets = |amount: &Number<u128>| Assets::new(amount.0);
    for OfAsset { asset, amount } in &changes.supply {
        steps.push(Step::Supply(asset_at(*asset)?, assets(amount)));
    }
    for OfVault { vault, amount } in &changes.repay {
        steps.push(Step::Repay(vault_at(*vault)?, assets(amount)));
    }
    steps.extend(changes.group.iter().map(|group| Step::Regroup(GroupId::new(group.0))));
    for OfVault { vault, amount } in &changes.borrow {
        steps.push(Step::Borrow(vault_at(*vault)?, assets(amount)));
    }
    for OfAsset { asset, amount } in &changes.withdraw {
        steps.push(Step::Withdraw(asset_at(*asset)?, assets(amount)));
    }
    let asked = steps.len() + changes.prices.len();
    if asked > STEPS_MAX {
        return Err(LimitError::Steps { asked, most: STEPS_MAX }.into());
    }
    Ok(steps)
}

/// The feed that `name` means: its number, or an asset or vault that it prices in this market.
fn feed_of(book: &mut Book, market: MarketId, name: &str) -> Answer<FeedId> {
    if let Ok(number) = name.parse() {
        return Ok(FeedId::new(number));
    }
    let unknown = || RequestError::NoFeed(name.to_owned());
    let address: Address = name.parse().map_err(|_| unknown())?;
    let listed = book.market(market)?;
    if let Ok(asset) = asset_at(address)
        && listed.collaterals.contains(&asset)
    {
        return Ok(book.collateral(market, asset)?.feed);
    }
    for vault in listed.vaults {
        let is_named = vault_at(address).is_ok_and(|named| named == vault)
            || asset_at(address)
                .is_ok_and(|asset| book.vault(vault).is_ok_and(|v| v.asset == asset));
        if is_named {
            return Ok(book.line(market, vault)?.feed);
        }
    }
    Err(unknown().into())
}

/// As if it had just been reported: a feed that is computed becomes a reported one.
fn suppose_price(book: &mut Book, id: FeedId, price: Wad) -> Result<(), Stop> {
    let mut feed = book.feed(id)?;
    feed.kind = FeedKind::Reported;
    (feed.price, feed.smoothed) = (price, price);
    (feed.pinned, feed.doubt_until, feed.frozen_until) = (false, Timestamp::ZERO, Timestamp::ZERO);
    feed.updated_at = book.now();
    book.set_feed(id, &feed)?;
    Ok(book.commit()?)
}

/// Lends `holder` what is missing of `amount`.
fn lend(book: &mut Book, asset: AssetId, holder: Address, amount: Assets) -> Result<(), Stop> {
    let token = Token::of(asset);
    let has = book.balance(token, holder)?;
    book.set_balance(token, holder, has.max(amount.get()))
}

impl Step {
    fn carry_out(self, book: &mut Book, id: &AccountId) -> Result<(), Stop> {
        let AccountId { market, owner, sub } = *id;
        match self {
            Self::Supply(asset, amount) => {
                lend(book, asset, owner, amount)?;
                supply_collateral(book, owner, id, asset, amount)
            }
            Self::Repay(vault, amount) => {
                let owed = gage_core::borrowing::debt_of(book, id, vault)?;
                let asset = book.vault(vault)?.asset;
                lend(book, asset, owner, amount.min(owed))?;
                repay(book, owner, id, vault, amount).map(|_| ())
            }
            Self::Regroup(GroupId::NONE) => leave_group(book, owner, (market, sub)),
            Self::Regroup(group) => enter_group(book, owner, (market, sub), group),
            Self::Borrow(vault, amount) => {
                borrow(book, owner, &Draw { market, sub, vault, amount, receiver: owner })
            }
            Self::Withdraw(asset, amount) => {
                let release = Release { market, sub, asset, amount, receiver: owner };
                withdraw_collateral(book, owner, &release).map(|_| ())
            }
        }
    }

    fn refused(self, step: usize, error: &gage_core::Error) -> Refused {
        let operation = match self {
            Self::Supply(..) => "supply",
            Self::Repay(..) => "repay",
            Self::Regroup(..) => "group",
            Self::Borrow(..) => "borrow",
            Self::Withdraw(..) => "withdraw",
        };
        let data = gage_abi::encode_error(error);
        Refused { operation, step, error: RpcError::Protocol(data.clone()).to_string(), data }
    }
}
