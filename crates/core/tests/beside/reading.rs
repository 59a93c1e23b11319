//! A ledger's records in exact numbers.

use gage_core::{
    Account, AccountId, AssetId, Assets, Debt, FeedId, InterestModel, MarketId, MemoryLedger,
    Shares, U256, VaultId,
};
use gage_model::{Bound, Curve, Exact, Owed, Pledged, Pool, bps, debt_of, ratio, ray, whole};

use super::Beside;
use crate::world;
use gage_core::terms::Subject;

pub(crate) fn units(amount: Assets) -> Exact {
    whole(amount.get())
}

pub(crate) fn shares(amount: Shares) -> Exact {
    whole(amount.get())
}

pub(crate) fn wide(number: U256) -> Exact {
    Exact::from_integer(number.to_string().parse().unwrap())
}

/// A vault's index, one at the start.
pub(crate) fn index(ledger: &MemoryLedger, vault: VaultId) -> Exact {
    whole(ledger.vaults[&vault].index.get()) / ray()
}

/// What a debt amounts to.
pub(crate) fn debt(debt: Debt, index: &Exact) -> Exact {
    debt_of(&shares(debt.shares), &units(debt.offset), index)
}

pub(crate) fn curve(model: InterestModel) -> Curve {
    match model {
        InterestModel::Kinked { base, slope1, slope2, kink } => Curve::Kinked {
            base: bps(base),
            slope1: bps(slope1),
            slope2: bps(slope2),
            kink: bps(kink.get().into()),
        },
        InterestModel::Adaptive { rate_at_target } => {
            Curve::Adaptive { rate_at_target: whole(rate_at_target.get()) / ray() }
        }
    }
}

/// What lenders own, by a vault's record; its debt counts rounded up.
pub(crate) fn pool(ledger: &MemoryLedger, vault: VaultId) -> Pool {
    let record = &ledger.vaults[&vault];
    let owed = debt(record.owed, &index(ledger, vault)).ceil();
    Pool {
        assets: units(record.cash) + owed - units(record.reserves),
        shares: shares(record.shares),
    }
}

/// 10^-18 dollars for a unit of an asset at a feed.
pub(crate) fn unit_price(ledger: &MemoryLedger, feed: FeedId, decimals: u8) -> Exact {
    wide(world::price(ledger, feed)) / whole(world::unit(decimals))
}

pub(crate) fn collateral_price(ledger: &MemoryLedger, key: (MarketId, AssetId)) -> Exact {
    let listed = &ledger.collaterals[&key];
    unit_price(ledger, listed.feed, listed.decimals)
}

pub(crate) fn debt_price(ledger: &MemoryLedger, key: (MarketId, VaultId)) -> Exact {
    let line = &ledger.lines[&key];
    unit_price(ledger, line.feed, line.decimals)
}

/// The terms of a collateral for an account that bind it, by all that was ever set.
pub(crate) fn pledged(
    model: &Beside,
    ledger: &MemoryLedger,
    (id, account): (&AccountId, &Account),
    (asset, amount): (AssetId, &Exact),
) -> Pledged {
    let listed = ledger.collaterals[&(id.market, asset)];
    let now = ledger.now.get();
    let version = if account.has_debt() { account.terms_version } else { u32::MAX };
    let own = model.histories[&(id.market, Subject::Collateral(asset))].in_force(version, now);
    let place = ledger.markets[&id.market].collaterals.iter().position(|one| *one == asset);
    let group = ledger.groups.get(&(id.market, account.group));
    let group = group.filter(|group| group.collaterals >> place.unwrap() & 1 == 1);
    let (mut ltv, mut binding) = (listed.ltv.get(), own);
    if let Some(group) = group {
        let subject = Subject::Group(account.group);
        let theirs = model.histories[&(id.market, subject)].in_force(version, now);
        (ltv, binding) = (ltv.max(group.ltv.get()), binding.best(theirs));
    }
    Pledged {
        value: amount * collateral_price(ledger, (id.market, asset)),
        ltv: ltv.into(),
        threshold: binding.threshold,
        bonus: [binding.bonus_min, binding.bonus_max],
        weight: listed.risk_weight.get().into(),
    }
}

/// All that an account has pledged and owes, by the ledger's records.
pub(crate) fn position(
    model: &Beside,
    ledger: &MemoryLedger,
    id: &AccountId,
) -> (Vec<Pledged>, Vec<Owed>) {
    let account = ledger.accounts.get(id).cloned().unwrap_or_default();
    let market = &ledger.markets[&id.market];
    let collaterals = account.collaterals.iter().map(|pledge| {
        let asset = market.collaterals[usize::from(pledge.index)];
        pledged(model, ledger, (id, &account), (asset, &units(pledge.amount)))
    });
    let debts = account.debts.iter().map(|owed| {
        let vault = market.vaults[usize::from(owed.index)];
        let amount = debt(owed.debt, &index(ledger, vault));
        Owed { amount: Bound::just(amount), price: debt_price(ledger, (id.market, vault)) }
    });
    (collaterals.collect(), debts.collect())
}

/// So many parts of a number written with 18 decimals.
pub(crate) fn from_wad(number: u128) -> Exact {
    ratio(number, 10_u64.pow(18))
}
