//! The market contract's operators and delegated credit, and the signatures that give them.

use super::bids::order;
use super::numbers::{asset_id, assets, assets_or_all, vault_id, wide};
use super::token::DOMAIN_FIELDS;
use super::{Answer, Frame, misrouted};
use crate::gas;
use crate::signing::{self, MARKET_NAME, Signature, VERSION, market_domain};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{SolCall, SolInterface};
use gage_abi::IMarket::{self, IMarketCalls as Call};
use gage_core::address::MARKET;
use gage_core::delegation::{self, Credit, CreditId, Operator, Permissions, Signed};
use gage_core::{AccountId, Ledger, MarketId, Timestamp};

const fn account(market: u32, owner: Address, sub: u32) -> AccountId {
    AccountId { market: MarketId::new(market), owner, sub }
}

fn operator(permissions: u8, expires_at: u64, receiver: Address) -> Answer<Operator> {
    let permissions = Permissions::new(permissions)?;
    Ok(Operator { permissions, expires_at: Timestamp::new(expires_at), receiver })
}

fn credit(limit: U256, expires_at: u64, receiver: Address) -> Answer<Credit> {
    let limit = assets_or_all(limit)?;
    Ok(Credit { limit, expires_at: Timestamp::new(expires_at), receiver })
}

/// What owners decide, and what those do whom they let.
pub(super) fn act(frame: &mut Frame<'_>, call: Call) -> Answer {
    let cost = match call {
        Call::borrowFor(_) | Call::withdrawCollateralFor(_) | Call::drawCredit(_) => gas::OPERATION,
        _ => gas::SMALL,
    };
    let (ledger, caller) = frame.act(cost)?;
    match call {
        Call::setOperator(call) => {
            let terms = operator(call.permissions, call.expiresAt, call.receiver)?;
            let place = (MarketId::new(call.market), call.sub);
            delegation::set_operator(ledger, caller, place, call.operator, &terms)?;
        }
        Call::delegateCredit(call) => {
            let credit = credit(call.limit, call.expiresAt, call.receiver)?;
            let account = account(call.market, caller, call.sub);
            let (vault, delegatee) = (vault_id(call.vault)?, call.delegatee);
            let id = CreditId { account, vault, delegatee };
            delegation::delegate_credit(ledger, caller, &id, &credit)?;
        }
        Call::voidSignatures(IMarket::voidSignaturesCall { next }) => {
            delegation::void_signatures(ledger, caller, next)?;
        }
        Call::setStopLossFor(call) => {
            let id = account(call.market, call.owner, call.sub);
            let order = order((call.asset, call.vault), [call.trigger, call.target], call.tierMax)?;
            delegation::set_stop_loss_for(ledger, caller, &id, Some(&order))?;
        }
        Call::clearStopLossFor(IMarket::clearStopLossForCall { market, owner, sub }) => {
            delegation::set_stop_loss_for(ledger, caller, &account(market, owner, sub), None)?;
        }
        Call::borrowFor(IMarket::borrowForCall { market, owner, sub, vault, amount }) => {
            let (id, vault) = (account(market, owner, sub), vault_id(vault)?);
            delegation::borrow_for(ledger, caller, &id, vault, assets(amount)?)?;
        }
        Call::drawCredit(IMarket::drawCreditCall { market, owner, sub, vault, amount }) => {
            let (id, vault) = (account(market, owner, sub), vault_id(vault)?);
            delegation::draw_credit(ledger, caller, &id, vault, assets(amount)?)?;
        }
        Call::withdrawCollateralFor(call) => {
            let IMarket::withdrawCollateralForCall { market, owner, sub, asset, amount } = call;
            let (id, asset) = (account(market, owner, sub), asset_id(asset)?);
            let amount = assets_or_all(amount)?;
            let released = delegation::withdraw_collateral_for(ledger, caller, &id, asset, amount)?;
            return Ok(IMarket::withdrawCollateralForCall::abi_encode_returns(&wide(released)));
        }
        other => return Err(misrouted(other.selector())),
    }
    Ok(Vec::new())
}

/// What owners signed: the signature must be over all arguments and the owner's present nonce.
pub(super) fn act_signed(frame: &mut Frame<'_>, call: Call) -> Answer {
    let chain_id = frame.chain_id();
    let (ledger, _) = frame.act(gas::SMALL + gas::TYPED_HASH + gas::RECOVER)?;
    match call {
        Call::setOperatorWithSig(call) => {
            let terms = operator(call.permissions, call.expiresAt, call.receiver)?;
            let nonce = U256::from(ledger.authorisation_nonce(call.owner)?);
            let hash = signing::authorisation_hash(
                chain_id,
                &IMarket::OperatorAuthorisation {
                    owner: call.owner,
                    market: call.market,
                    sub: call.sub,
                    operator: call.operator,
                    permissions: call.permissions,
                    expiresAt: call.expiresAt,
                    receiver: call.receiver,
                    nonce,
                    deadline: call.deadline,
                },
            );
            let signer = Signature { v: call.v, r: call.r, s: call.s }.signer(hash);
            let signed = Signed { signer, deadline: call.deadline };
            let id = account(call.market, call.owner, call.sub);
            delegation::set_operator_signed(ledger, &id, call.operator, &terms, &signed)?;
        }
        Call::delegateCreditWithSig(call) => {
            let credit = credit(call.limit, call.expiresAt, call.receiver)?;
            let nonce = U256::from(ledger.authorisation_nonce(call.owner)?);
            let hash = signing::authorisation_hash(
                chain_id,
                &IMarket::CreditDelegation {
                    owner: call.owner,
                    market: call.market,
                    sub: call.sub,
                    vault: call.vault,
                    delegatee: call.delegatee,
                    limit: call.limit,
                    expiresAt: call.expiresAt,
                    receiver: call.receiver,
                    nonce,
                    deadline: call.deadline,
                },
            );
            let signer = Signature { v: call.v, r: call.r, s: call.s }.signer(hash);
            let signed = Signed { signer, deadline: call.deadline };
            let account = account(call.market, call.owner, call.sub);
            let (vault, delegatee) = (vault_id(call.vault)?, call.delegatee);
            let id = CreditId { account, vault, delegatee };
            delegation::delegate_credit_signed(ledger, &id, &credit, &signed)?;
        }
        other => return Err(misrouted(other.selector())),
    }
    Ok(Vec::new())
}

/// Who may do what, and what signatures must bear.
pub(super) fn read(frame: &mut Frame<'_>, call: Call) -> Answer {
    let chain_id = frame.chain_id();
    let ledger = frame.view()?;
    let now = ledger.now();
    Ok(match call {
        Call::operatorState(call) => {
            let id = account(call.market, call.owner, call.sub);
            let Operator { permissions, expires_at, receiver } =
                ledger.operator(&id, call.operator)?;
            let state = IMarket::OperatorState {
                permissions: permissions.bits(),
                expiresAt: expires_at.get(),
                receiver,
                live: permissions != Permissions::NONE && expires_at >= now,
            };
            IMarket::operatorStateCall::abi_encode_returns(&state)
        }
        Call::creditAllowance(call) => {
            let account = account(call.market, call.owner, call.sub);
            let (vault, delegatee) = (vault_id(call.vault)?, call.delegatee);
            let Credit { limit, expires_at, receiver } =
                ledger.credit(&CreditId { account, vault, delegatee })?;
            let state = IMarket::CreditState {
                limit: wide(limit),
                expiresAt: expires_at.get(),
                receiver,
                live: !limit.is_zero() && expires_at >= now,
            };
            IMarket::creditAllowanceCall::abi_encode_returns(&state)
        }
        Call::nonces(IMarket::noncesCall { owner }) => {
            let nonce = U256::from(ledger.authorisation_nonce(owner)?);
            IMarket::noncesCall::abi_encode_returns(&nonce)
        }
        Call::DOMAIN_SEPARATOR(_) => {
            let separator = market_domain(chain_id).separator();
            IMarket::DOMAIN_SEPARATORCall::abi_encode_returns(&separator)
        }
        Call::eip712Domain(_) => {
            IMarket::eip712DomainCall::abi_encode_returns(&IMarket::eip712DomainReturn {
                fields: DOMAIN_FIELDS,
                name: MARKET_NAME.to_owned(),
                version: VERSION.to_owned(),
                chainId: U256::from(chain_id),
                verifyingContract: MARKET,
                salt: B256::ZERO,
                extensions: Vec::new(),
            })
        }
        other => return Err(misrouted(other.selector())),
    })
}
