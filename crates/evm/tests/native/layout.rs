//! Where everything lies in storage. A change of these files is a change of consensus.

use crate::support::*;
use gage_abi::{IERC20Permit, IMarket, addresses::MARKET};
use std::fmt::Write;

/// The storage of a small world, slot by slot.
#[test]
fn storage_layout() {
    let mut world = World::loan();
    world.ok(LENDER, USD, IERC20Permit::approveCall { spender: STRANGER, value: u(7) });
    let shares = u(1_000_000_000 * DOLLAR);
    world.ok(LENDER, MARKET, IMarket::stakeCall { market: 1, vault: VAULT, shares });
    let mut text = String::new();
    for (address, coins, _, slots) in world.state() {
        if !gage_evm::is_native(address) {
            continue;
        }
        writeln!(text, "{address} coins {coins}").unwrap();
        for (key, value) in slots {
            writeln!(text, "  {key:064x} {value:064x}").unwrap();
        }
    }
    insta::assert_snapshot!(text);
}
