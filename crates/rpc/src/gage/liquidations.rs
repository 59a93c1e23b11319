//! `gage_liquidations`: which accounts were liquidated, why, at which prices, and who bought.

use std::collections::BTreeSet;

use alloy_eips::BlockId;
use alloy_primitives::{Address, B256};
use alloy_sol_types::SolEvent;
use gage_abi::IMarket::{BadDebt, BidsFilled, Liquidated, Swept};
use gage_chain::FoundLog;
use gage_core::{
    Assets, Bps, Stop, Wad,
    bids::{TIER_STEP, Tier},
    explain::explain,
    ids::{AccountId, AssetId, MarketId, VaultId},
    ledger::Ledger,
    margin::collateral_value,
    quote::quote,
};
use serde::Serialize;

use super::{
    Book, book,
    names::{AssetName, VaultName, asset_at, vault_at},
    numbers::Shown,
    past::{Place, Range, Whose, amount, event, kept, logs},
};
use crate::{context::Context, methods::Answer};

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Liquidations {
    liquidations: Vec<Liquidation>,
    bad_debts: Vec<Unpaid>,
}

/// Who made it happen.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Kind {
    /// The block itself, selling to bids.
    Sweep,
    /// A liquidator's transaction.
    Open,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Reason {
    /// The health factor was below one.
    Unhealthy,
    /// The collateral did not cover the debt.
    Insolvent,
    /// The owner's stop-loss order said so.
    StopLoss,
}

/// What one transaction did to one account. Values are US dollars.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Liquidation {
    #[serde(flatten)]
    place: Place,
    kind: Kind,
    reason: Reason,
    /// Null for a sweep.
    liquidator: Option<Address>,
    health_before: Shown,
    /// What remained: right after a sweep; after an open liquidation at the end of its block, null
    /// where that block's state is pruned.
    #[serde(flatten)]
    remained: Remained,
    repaid_value: Option<Shown>,
    seized_value: Option<Shown>,
    /// In the order in which they were made.
    sales: Vec<Sale>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Remained {
    health_after: Option<Shown>,
    collateral_value: Option<Shown>,
    debt_value: Option<Shown>,
}

/// Debt that was repaid and the collateral that went for it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sale {
    vault: VaultName,
    asset: AssetName,
    repaid: Shown,
    seized: Shown,
    /// The collateral's, in US dollars; null where the block's state is pruned.
    price: Option<Shown>,
    /// The debt's.
    debt_price: Option<Shown>,
    /// What the buyers gained per value repaid.
    bonus: Shown,
    /// The bids that bought; null if a liquidator did.
    bids: Option<Bids>,
    #[serde(skip)]
    values: Option<(Wad, Wad)>,
}

/// The tier that bought.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bids {
    tier: u8,
    discount: Shown,
    /// Vault shares burned.
    shares: Shown,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Unpaid {
    #[serde(flatten)]
    place: Place,
    vault: VaultName,
    amount: Shown,
}

/// Liquidations of the blocks of a range, both by sweeps and by liquidators.
pub(super) fn liquidations(context: &Context, range: Range) -> Answer<Liquidations> {
    // Names never change, so those of today serve for every block.
    let mut names = book(context, None)?;
    let topics = vec![
        Liquidated::SIGNATURE_HASH,
        BidsFilled::SIGNATURE_HASH,
        Swept::SIGNATURE_HASH,
        BadDebt::SIGNATURE_HASH,
    ];
    let found = logs(context, &mut names, range, topics)?;
    let mut told = Told::default();
    for log in &found {
        names.discard();
        told.take(context, &mut names, log)?;
    }
    told.end()
}

/// What was read so far.
#[derive(Default)]
struct Told {
    done: Liquidations,
    /// Fills of the sweep whose own event comes next.
    filled: Vec<Sale>,
    /// Accounts whose debt was written off, by transaction.
    unpaid: BTreeSet<(B256, Whose)>,
    /// The past block that was read last.
    past: Option<(u64, Book)>,
}

impl Told {
    fn take(&mut self, context: &Context, names: &mut Book, log: &FoundLog) -> Answer<()> {
        if let Some(event) = event::<Liquidated>(log)? {
            self.open(context, names, log, &event)?;
        } else if let Some(event) = event::<BidsFilled>(log)? {
            self.filled.push(fill(names, &event)?);
        } else if let Some(event) = event::<Swept>(log)? {
            self.swept(log, &event);
        } else if let Some(event) = event::<BadDebt>(log)? {
            let whose = Whose { market: event.market, owner: event.owner, sub: event.sub };
            let vault = VaultName::of(names, vault_at(event.vault)?)?;
            let amount = amount(event.amount, vault.asset.decimals);
            self.unpaid.insert((log.transaction_hash, whose));
            self.done.bad_debts.push(Unpaid { place: Place::of(log, whose), vault, amount });
        }
        Ok(())
    }

    fn swept(&mut self, log: &FoundLog, event: &Swept) {
        let whose = Whose { market: event.market, owner: event.owner, sub: event.sub };
        let wad = |number: alloy_primitives::U256| Wad::new(number.saturating_to());
        self.done.liquidations.push(Liquidation {
            place: Place::of(log, whose),
            kind: Kind::Sweep,
            reason: match event.reason {
                0 => Reason::Unhealthy,
                1 => Reason::Insolvent,
                _ => Reason::StopLoss,
            },
            liquidator: None,
            health_before: Shown::health(wad(event.healthBefore)),
            remained: Remained {
                health_after: Some(Shown::health(wad(event.healthAfter))),
                collateral_value: Some(Shown::wad(wad(event.collateralValue))),
                debt_value: Some(Shown::wad(wad(event.debtValue))),
            },
            repaid_value: None,
            seized_value: None,
            sales: std::mem::take(&mut self.filled),
        });
    }

    /// One pair of debt and collateral of a liquidator's call; pairs of one account and transaction
    /// belong together.
    fn open(
        &mut self,
        context: &Context,
        names: &mut Book,
        log: &FoundLog,
        event: &Liquidated,
    ) -> Answer<()> {
        let whose = Whose { market: event.market, owner: event.owner, sub: event.sub };
        let number = log.place.block_number;
        if self.past.as_ref().is_none_or(|(past, _)| *past != number) {
            let past = kept(book(context, Some(BlockId::number(number))))?;
            self.past = past.map(|past| (number, past));
        }
        let mut past = self.past.as_mut().map(|(_, past)| past);
        let sale = sale(names, past.as_deref_mut(), event)?;
        let last = self.done.liquidations.last_mut();
        let same = last.filter(|last| {
            last.kind == Kind::Open && last.place.whose == whose && last.place.is_with(log)
        });
        if let Some(same) = same {
            same.sales.push(sale);
            return Ok(());
        }
        let health = Wad::new(event.healthFactor.saturating_to());
        self.done.liquidations.push(Liquidation {
            place: Place::of(log, whose),
            kind: Kind::Open,
            reason: Reason::Unhealthy,
            liquidator: Some(event.liquidator),
            health_before: Shown::health(health),
            remained: past.map_or_else(|| Ok(Remained::default()), |past| remained(past, whose))?,
            repaid_value: None,
            seized_value: None,
            sales: vec![sale],
        });
        Ok(())
    }

    fn end(self) -> Answer<Liquidations> {
        let Self { mut done, unpaid, .. } = self;
        for liquidation in &mut done.liquidations {
            let place = &liquidation.place;
            let was_unpaid = unpaid.contains(&(place.transaction_hash, place.whose));
            if liquidation.kind == Kind::Open && was_unpaid {
                liquidation.reason = Reason::Insolvent;
            }
            let values = liquidation.sales.iter().map(|sale| sale.values);
            let sum = values.reduce(|sum, value| {
                let ((repaid, seized), (more, also)) = (sum?, value?);
                Some((repaid.saturating_add(more), seized.saturating_add(also)))
            });
            let (repaid, seized) = sum.flatten().unzip();
            liquidation.repaid_value = repaid.map(Shown::wad);
            liquidation.seized_value = seized.map(Shown::wad);
        }
        Ok(done)
    }
}

/// The account as it is in a block's state.
fn remained(past: &mut Book, whose: Whose) -> Result<Remained, Stop> {
    let Whose { market, owner, sub } = whose;
    let left = explain(past, &AccountId { market: MarketId::new(market), owner, sub })?;
    Ok(Remained {
        health_after: Some(Shown::health(left.health_factor)),
        collateral_value: Some(Shown::wad(left.totals.collateral_value)),
        debt_value: Some(Shown::wad(left.totals.debt_value)),
    })
}

/// A sale to a liquidator. Prices change in preludes only, so those at the end of the block are
/// those that it was made at.
fn sale(names: &mut Book, past: Option<&mut Book>, event: &Liquidated) -> Answer<Sale> {
    let (vault, asset) = (vault_at(event.vault)?, asset_at(event.asset)?);
    let market = MarketId::new(event.market);
    let prices = match past {
        Some(past) => {
            let feed = past.collateral(market, asset)?.feed;
            let debt_feed = past.line(market, vault)?.feed;
            Some((quote(past, feed)?.price, quote(past, debt_feed)?.price))
        }
        None => None,
    };
    let amounts = (event.repaid.saturating_to(), event.seized.saturating_to());
    let bonus = Bps::new(event.bonus).to_wad();
    Ok(Sale::new(names, (vault, asset), amounts, prices, bonus)?)
}

/// A sale to bids.
fn fill(names: &mut Book, event: &BidsFilled) -> Answer<Sale> {
    let (vault, asset) = (vault_at(event.vault)?, asset_at(event.asset)?);
    let number = event.discount / TIER_STEP.get();
    let tier = Tier::new(u8::try_from(number).unwrap_or(u8::MAX)).map_err(Stop::from)?;
    let wad = |number: alloy_primitives::U256| Wad::new(number.saturating_to());
    let amounts = (event.repaid.saturating_to(), event.seized.saturating_to());
    let prices = Some((wad(event.price), wad(event.debtPrice)));
    let mut sale = Sale::new(names, (vault, asset), amounts, prices, tier.bonus())?;
    sale.bids = Some(Bids {
        tier: tier.get(),
        discount: Shown::bps(tier.discount()),
        shares: amount(event.shares, sale.vault.decimals),
    });
    Ok(sale)
}

impl Sale {
    /// A sale of base units at prices of the collateral and of the debt.
    fn new(
        names: &mut Book,
        (vault, asset): (VaultId, AssetId),
        (repaid, seized): (u128, u128),
        prices: Option<(Wad, Wad)>,
        bonus: Wad,
    ) -> Result<Self, Stop> {
        let (vault, asset) = (VaultName::of(names, vault)?, AssetName::of(names, asset)?);
        let value = |units, price, decimals| collateral_value(Assets::new(units), price, decimals);
        let values = prices.map(|(price, debt_price)| {
            let repaid = value(repaid, debt_price, vault.asset.decimals);
            (repaid, value(seized, price, asset.decimals))
        });
        Ok(Self {
            repaid: Shown::amount(repaid, vault.asset.decimals),
            seized: Shown::amount(seized, asset.decimals),
            price: prices.map(|(price, _)| Shown::wad(price)),
            debt_price: prices.map(|(_, price)| Shown::wad(price)),
            bonus: Shown::share(bonus),
            bids: None,
            values,
            vault,
            asset,
        })
    }
}
