//! What a vault's shares stand on, so that no money counts twice.
//!
//! A vault *rests on* another if a market that draws on the first takes shares of the second as
//! collateral. Were there a circle, shares would back debt that pays for themselves, through others
//! perhaps: a loss in one vault would lower what secures its own claims. Therefore configuration
//! refuses the step that would close one (SHR-3): listing a share where a lender already stands on the
//! market, and opening a line to a market that takes shares. What is configured has no circle.
//!
//! A line counts while it has a cap or a debt. Vaults and markets are looked at one after the other,
//! [`VAULTS_BEHIND_MAX`] vaults at most; a larger web cannot be extended.

use crate::error::{Error, Stop};
use crate::ids::{MarketId, VaultId};
use crate::ledger::Ledger;
use crate::market::{Line, Market};
use alloc::vec;
use alloc::vec::Vec;

/// The most vaults that one search for a circle looks at.
pub const VAULTS_BEHIND_MAX: u8 = 32;

/// Whether a vault pays for debt in a market, or may.
pub(crate) fn is_open(line: &Line) -> bool {
    !line.cap.is_zero() || !line.owed.is_zero()
}

/// Checks that shares of `share` may be collateral in a market: that this vault rests on none of those
/// that lend there.
///
/// # Errors
/// [`Error::CircularBacking`], [`Error::TooManyVaultsBehind`], or a fault of the ledger.
pub(crate) fn check_share<L: Ledger + ?Sized>(
    ledger: &mut L,
    (id, market): (MarketId, &Market),
    share: VaultId,
) -> Result<(), Stop> {
    let mut lenders = Vec::new();
    for vault in market.vaults.iter().copied() {
        if is_open(&ledger.line(id, vault)?) {
            lenders.push(vault);
        }
    }
    // Where nobody lends yet, opening the lines will look.
    if lenders.is_empty() { Ok(()) } else { search(ledger, id, share, &lenders) }
}

/// Checks that `lender` may open a line to a market: that none of the vaults whose shares are
/// collateral there rests on it.
///
/// # Errors
/// [`Error::CircularBacking`], [`Error::TooManyVaultsBehind`], [`Error::UnknownMarket`], or a fault.
pub(crate) fn check_line<L: Ledger + ?Sized>(
    ledger: &mut L,
    market: MarketId,
    lender: VaultId,
) -> Result<(), Stop> {
    for share in shares_in(&ledger.market(market)?) {
        search(ledger, market, share, &[lender])?;
    }
    Ok(())
}

/// The vaults whose shares a market takes.
fn shares_in(market: &Market) -> impl Iterator<Item = VaultId> + '_ {
    market.collaterals.iter().filter_map(|asset| asset.as_share())
}

/// Walks from `share` to all that it rests on, and refuses to meet a lender.
fn search<L: Ledger + ?Sized>(
    ledger: &mut L,
    market: MarketId,
    share: VaultId,
    lenders: &[VaultId],
) -> Result<(), Stop> {
    let circular =
        |lender, closing| Err(Error::CircularBacking { market, share, lender, closing }.into());
    if lenders.contains(&share) {
        return circular(share, market);
    }
    let mut seen = vec![share];
    let mut next = 0_usize;
    while let Some(vault) = seen.get(next).copied() {
        next = next.saturating_add(1);
        for backed in ledger.vault_lines(vault)? {
            if !is_open(&ledger.line(backed, vault)?) {
                continue;
            }
            for behind in shares_in(&ledger.market(backed)?) {
                if lenders.contains(&behind) {
                    return circular(behind, backed);
                }
                if seen.contains(&behind) {
                    continue;
                }
                if seen.len() >= usize::from(VAULTS_BEHIND_MAX) {
                    return Err(Error::TooManyVaultsBehind { most: VAULTS_BEHIND_MAX }.into());
                }
                seen.push(behind);
            }
        }
    }
    Ok(())
}
