//! A vault's exit queue: requests, claims, and how it stands.

use super::numbers::{shares, wide};
use super::vault::wide_shares;
use super::{Answer, Frame, misrouted, refused};
use crate::gas;
use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolCall, SolInterface};
use gage_abi::IGageErrors;
use gage_abi::IVault::{self, IVaultCalls as Call};
use gage_core::exits::{self, PlaceView, QueueView, Request};
use gage_core::{Error, Ledger, PlaceId, Shares, Stop, VaultId, address};

/// The place with a number; one that does not fit was never given.
pub(super) fn place_id(vault: VaultId, number: U256) -> Answer<PlaceId> {
    let fits = u64::try_from(number);
    let number =
        fits.map_err(|_| refused(&IGageErrors::ERC721NonexistentToken { tokenId: number }))?;
    Ok(PlaceId { vault, number })
}

/// What lenders do.
pub(super) fn act(frame: &mut Frame<'_>, vault: VaultId, call: Call) -> Answer {
    let (ledger, caller) = frame.act(gas::OPERATION)?;
    match call {
        Call::requestRedeem(IVault::requestRedeemCall { shares: amount, controller, owner }) => {
            let request = Request { shares: shares(amount)?, controller, owner };
            let id = exits::request_redeem(ledger, caller, vault, &request)?;
            Ok(IVault::requestRedeemCall::abi_encode_returns(&U256::from(id.number)))
        }
        Call::claimExit(IVault::claimExitCall { requestId, receiver }) => {
            let id = place_id(vault, requestId)?;
            let paid = exits::claim(ledger, caller, id, receiver)?;
            Ok(IVault::claimExitCall::abi_encode_returns(&wide(paid)))
        }
        other => Err(misrouted(other.selector())),
    }
}

/// How the queue and its places stand.
pub(super) fn read(frame: &mut Frame<'_>, vault: VaultId, call: Call) -> Answer {
    let ledger = frame.view()?;
    Ok(match call {
        Call::pendingRedeemRequest(call) => {
            let IVault::pendingRedeemRequestCall { requestId, controller } = call;
            let place = place_of(ledger, (vault, requestId), controller)?;
            let waiting = place.map_or(Shares::ZERO, |place| place.waiting);
            IVault::pendingRedeemRequestCall::abi_encode_returns(&wide_shares(waiting))
        }
        Call::claimableRedeemRequest(call) => {
            let IVault::claimableRedeemRequestCall { requestId, controller } = call;
            let place = place_of(ledger, (vault, requestId), controller)?;
            let filled = place.map_or(Shares::ZERO, |place| place.filled);
            IVault::claimableRedeemRequestCall::abi_encode_returns(&wide_shares(filled))
        }
        Call::exitState(IVault::exitStateCall { requestId }) => {
            let id = place_id(vault, requestId)?;
            let place = exits::exit_place(ledger, id)?;
            let state = IVault::ExitState {
                owner: place.owner,
                waiting: wide_shares(place.waiting),
                worth: wide(place.worth),
                ahead: wide_shares(place.ahead),
                aheadWorth: wide(place.ahead_worth),
                filled: wide_shares(place.filled),
                claimable: wide(place.claimable),
            };
            IVault::exitStateCall::abi_encode_returns(&state)
        }
        Call::exitQueue(_) => {
            let QueueView { queue, worth } = exits::exit_queue(ledger, vault)?;
            let state = IVault::ExitQueueState {
                token: address::exits(vault),
                waiting: wide_shares(queue.waiting()),
                worth: wide(worth),
                places: U256::from(queue.places),
                run: queue.run,
                queued: wide_shares(queue.queued),
                filled: wide_shares(queue.filled),
                fills: U256::from(queue.checkpoints),
                paid: wide(queue.paid),
            };
            IVault::exitQueueCall::abi_encode_returns(&state)
        }
        other => return Err(misrouted(other.selector())),
    })
}

/// A place if `controller` owns it.
fn place_of(
    ledger: &mut impl Ledger,
    (vault, request): (VaultId, U256),
    controller: Address,
) -> Answer<Option<PlaceView>> {
    match exits::exit_place(ledger, place_id(vault, request)?) {
        Ok(place) => Ok((place.owner == controller).then_some(place)),
        Err(Stop::Refused(Error::NonexistentPlace { .. })) => Ok(None),
        Err(other) => Err(other.into()),
    }
}
