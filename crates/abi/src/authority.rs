//! Events of those who act on another's account, and of accounts that move.

use crate::events::wide;
use crate::interfaces::IMarket;
use alloy_primitives::Address;
use gage_core::delegation::{Credit, CreditId, Operator};
use gage_core::{AccountId, AssetId, Assets, VaultId, address};

pub(crate) fn operator_changed(
    account: &AccountId,
    operator: Address,
    terms: &Operator,
) -> IMarket::OperatorChanged {
    IMarket::OperatorChanged {
        market: account.market.get(),
        owner: account.owner,
        operator,
        sub: account.sub,
        permissions: terms.permissions.bits(),
        expiresAt: terms.expires_at.get(),
        receiver: terms.receiver,
    }
}

pub(crate) fn credit_delegated(id: &CreditId, credit: &Credit) -> IMarket::CreditDelegated {
    IMarket::CreditDelegated {
        market: id.account.market.get(),
        owner: id.account.owner,
        delegatee: id.delegatee,
        sub: id.account.sub,
        vault: address::vault(id.vault),
        limit: wide(credit.limit),
        expiresAt: credit.expires_at.get(),
        receiver: credit.receiver,
    }
}

pub(crate) fn credit_drawn(id: &CreditId, amount: Assets, left: Assets) -> IMarket::CreditDrawn {
    IMarket::CreditDrawn {
        market: id.account.market.get(),
        owner: id.account.owner,
        delegatee: id.delegatee,
        sub: id.account.sub,
        vault: address::vault(id.vault),
        amount: wide(amount),
        left: wide(left),
    }
}

pub(crate) fn collateral_rehomed(
    (from, to): (&AccountId, &AccountId),
    asset: AssetId,
    amount: Assets,
) -> IMarket::CollateralRehomed {
    IMarket::CollateralRehomed {
        market: from.market.get(),
        owner: from.owner,
        asset: address::asset(asset),
        sub: from.sub,
        toMarket: to.market.get(),
        toSub: to.sub,
        amount: wide(amount),
    }
}

pub(crate) fn debt_rehomed(
    (from, to): (&AccountId, &AccountId),
    (vault, to_vault): (VaultId, VaultId),
    amount: Assets,
) -> IMarket::DebtRehomed {
    IMarket::DebtRehomed {
        market: from.market.get(),
        owner: from.owner,
        vault: address::vault(vault),
        sub: from.sub,
        toMarket: to.market.get(),
        toSub: to.sub,
        toVault: address::vault(to_vault),
        amount: wide(amount),
    }
}
