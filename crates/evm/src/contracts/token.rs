//! What every token does: ERC-20, with permits (EIP-2612).

use super::numbers::narrow;
use super::{Answer, Frame, misrouted};
use crate::gas;
use crate::signing::{self, Signature, VERSION, token_domain};
use alloy_primitives::{B256, FixedBytes, U256};
use alloy_sol_types::{SolCall, SolInterface};
use gage_abi::IERC20Permit::{self, IERC20PermitCalls as Call};
use gage_core::rebasing;
use gage_core::token::{self, Movement, Permit};
use gage_core::{Label, Ledger, Stop, Token, address};

/// EIP-5267: name, version, chain id and contract are in the domain.
pub(super) const DOMAIN_FIELDS: FixedBytes<1> = FixedBytes([0x0f]);

pub(super) fn call(frame: &mut Frame<'_>, token: Token, call: Call) -> Answer {
    match call {
        Call::transfer(IERC20Permit::transferCall { to, value }) => {
            let (ledger, caller) = frame.act(gas::SMALL)?;
            token::transfer(ledger, caller, token, to, narrow(value)?)?;
            Ok(IERC20Permit::transferCall::abi_encode_returns(&true))
        }
        Call::approve(IERC20Permit::approveCall { spender, value }) => {
            let (ledger, caller) = frame.act(gas::SMALL)?;
            token::approve(ledger, caller, token, spender, value)?;
            Ok(IERC20Permit::approveCall::abi_encode_returns(&true))
        }
        Call::transferFrom(IERC20Permit::transferFromCall { from, to, value }) => {
            let (ledger, caller) = frame.act(gas::SMALL)?;
            let value = narrow(value)?;
            token::transfer_from(ledger, caller, &Movement { token, from, to, value })?;
            Ok(IERC20Permit::transferFromCall::abi_encode_returns(&true))
        }
        Call::permit(call) => permit(frame, token, &call),
        view => read(frame, token, view),
    }
}

fn read(frame: &mut Frame<'_>, token: Token, call: Call) -> Answer {
    let chain_id = frame.chain_id();
    let ledger = frame.view()?;
    Ok(match call {
        Call::name(_) => {
            IERC20Permit::nameCall::abi_encode_returns(&description(ledger, token)?.name())
        }
        Call::symbol(_) => {
            let symbol = description(ledger, token)?.symbol.as_str().to_owned();
            IERC20Permit::symbolCall::abi_encode_returns(&symbol)
        }
        Call::decimals(_) => {
            let decimals = description(ledger, token)?.decimals;
            IERC20Permit::decimalsCall::abi_encode_returns(&decimals)
        }
        Call::totalSupply(_) => {
            let supply = U256::from(description(ledger, token)?.supply);
            IERC20Permit::totalSupplyCall::abi_encode_returns(&supply)
        }
        Call::balanceOf(IERC20Permit::balanceOfCall { account }) => {
            let balance = U256::from(token::balance_of(ledger, token, account)?);
            IERC20Permit::balanceOfCall::abi_encode_returns(&balance)
        }
        Call::allowance(IERC20Permit::allowanceCall { owner, spender }) => {
            let allowance = ledger.allowance(token, owner, spender)?;
            IERC20Permit::allowanceCall::abi_encode_returns(&allowance)
        }
        Call::nonces(IERC20Permit::noncesCall { owner }) => {
            let nonce = U256::from(ledger.permit_nonce(token, owner)?);
            IERC20Permit::noncesCall::abi_encode_returns(&nonce)
        }
        Call::DOMAIN_SEPARATOR(_) => {
            let name = description(ledger, token)?.name;
            let domain = token_domain(&name, chain_id, address::token(token));
            IERC20Permit::DOMAIN_SEPARATORCall::abi_encode_returns(&domain.separator())
        }
        Call::eip712Domain(_) => {
            IERC20Permit::eip712DomainCall::abi_encode_returns(&IERC20Permit::eip712DomainReturn {
                fields: DOMAIN_FIELDS,
                name: description(ledger, token)?.name(),
                version: VERSION.to_owned(),
                chainId: U256::from(chain_id),
                verifyingContract: address::token(token),
                salt: B256::ZERO,
                extensions: Vec::new(),
            })
        }
        other => return Err(misrouted(other.selector())),
    })
}

/// Checks the signature over the owner's next nonce, then lets `gage_core` judge the signer.
fn permit(frame: &mut Frame<'_>, token: Token, call: &IERC20Permit::permitCall) -> Answer {
    let chain_id = frame.chain_id();
    let IERC20Permit::permitCall { owner, spender, value, deadline, v, r, s } = *call;
    let (ledger, _) = frame.act(gas::SMALL + gas::TYPED_HASH + gas::RECOVER)?;
    let name = description(ledger, token)?.name;
    let nonce = U256::from(ledger.permit_nonce(token, owner)?);
    let domain = token_domain(&name, chain_id, address::token(token));
    let hash = signing::signing_hash(
        domain.separator(),
        &signing::Permit { owner, spender, value, nonce, deadline },
    );
    let signer = Signature { v, r, s }.signer(hash);
    token::permit(ledger, token, &Permit { owner, spender, value, deadline }, signer)?;
    Ok(Vec::new())
}

/// What a token says of itself.
struct Description {
    name: Label,
    symbol: Label,
    decimals: u8,
    supply: u128,
}

impl Description {
    fn name(&self) -> String {
        self.name.as_str().to_owned()
    }
}

fn description(ledger: &mut impl Ledger, token: Token) -> Result<Description, Stop> {
    Ok(match token {
        Token::Asset(id) => {
            let asset = ledger.asset(id)?;
            Description {
                name: asset.name,
                symbol: asset.symbol,
                decimals: asset.decimals,
                supply: asset.supply.get(),
            }
        }
        Token::Rebasing(id) => {
            let view = rebasing::rebasing(ledger, id)?;
            let asset = ledger.asset(id)?;
            Description {
                name: view.name,
                symbol: view.symbol,
                decimals: asset.decimals,
                supply: rebasing::pooled(ledger, id, asset.supply.get())?,
            }
        }
        Token::Share(id) => {
            let vault = ledger.vault(id)?;
            Description {
                name: vault.name,
                symbol: vault.symbol,
                decimals: vault.decimals,
                supply: vault.shares.get(),
            }
        }
    })
}
