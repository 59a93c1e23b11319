//! Calls of the native contracts: any calldata, to any of them, from anyone.
//!
//! A call succeeds, is refused with an error that the ABI declares, or halts. What does not succeed changes nothing;
//! after what does, the protocol's totals agree (EVM-1, EVM-4). The same call in the same state does the same.
//! Arguments that decode encode to what decodes to the same.

use std::sync::LazyLock;

use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolCall, SolInterface};
use gage_abi::addresses::{MARKET, ORACLE, REGISTRY, rebasing, vault};
use gage_abi::{
    IAsset, IERC20Permit, IExit, IMarket, IOracle, IRebasing, IRegistry, IVault, SYSTEM_ADDRESS,
};
use gage_core::VaultId;
use revm::context::result::ExecutionResult;

use crate::worlds::native::{
    BORROWER, DOLLAR, EXITS, GOLD, GOVERNOR, GUARDIAN, LENDER, LIQUIDATOR, OWNER, STRANGER, USD,
    VAULT, WAD, WRAPPED, World, borrow, liquidate, release, repay, supply, u,
};

/// A loan, and a lender who waits to leave.
static WORLD: LazyLock<World> = LazyLock::new(World::queued);

fn contracts() -> [Address; 10] {
    let absent = vault(VaultId::new(7));
    let view = rebasing(gage_core::AssetId::new(2));
    [REGISTRY, ORACLE, MARKET, VAULT, USD, GOLD, WRAPPED, EXITS, view, absent]
}

const CALLERS: [Address; 8] =
    [OWNER, LENDER, BORROWER, LIQUIDATOR, STRANGER, GOVERNOR, GUARDIAN, SYSTEM_ADDRESS];

/// Whom to call, from whom, and with how many coins; then the calldata.
pub(crate) fn run(data: &[u8]) {
    let [to, from, input @ ..] = data else { return };
    let contracts = contracts();
    let to = contracts[usize::from(*to) % contracts.len()];
    let value = U256::from(from >> 7);
    let from = CALLERS[usize::from(from & 0x7f) % CALLERS.len()];
    let mut world = WORLD.clone();
    if world.coins(from) < value {
        return;
    }
    let before = world.state();
    let done = world.send(from, to, value, input.to_vec());
    match &done.result {
        ExecutionResult::Success { .. } => world.check_ties(),
        ExecutionResult::Revert { output, .. } => {
            assert!(gage_abi::decode_error(output).is_some(), "no declared error: {output}");
            assert_eq!(world.state(), before, "a refused call has left something");
        }
        ExecutionResult::Halt { .. } => {
            assert_eq!(world.state(), before, "a halted call has left something");
        }
    }
    let mut again = WORLD.clone();
    assert_eq!(again.send(from, to, value, input.to_vec()).result, done.result);
    assert_eq!(again.state(), world.state());
    decodes_alike(input);
}

fn decodes_alike(input: &[u8]) {
    fn alike<C: SolInterface>(input: &[u8]) {
        let Ok(call) = C::abi_decode(input) else { return };
        let encoded = call.abi_encode();
        let again = C::abi_decode(&encoded).unwrap();
        assert_eq!(again.abi_encode(), encoded);
    }
    alike::<IRegistry::IRegistryCalls>(input);
    alike::<IOracle::IOracleCalls>(input);
    alike::<IMarket::IMarketCalls>(input);
    alike::<IVault::IVaultCalls>(input);
    alike::<IAsset::IAssetCalls>(input);
    alike::<IERC20Permit::IERC20PermitCalls>(input);
    alike::<IExit::IExitCalls>(input);
    alike::<IRebasing::IRebasingCalls>(input);
}

/// Calls that tests make, and each function of each interface with ones for arguments.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    fn each<C: SolInterface>(seeds: &mut Vec<Vec<u8>>, to: u8) {
        let selectors = (0..C::COUNT).filter_map(C::selector_at);
        let ones = [U256::ONE.to_be_bytes::<32>(); 6].concat();
        seeds.extend(selectors.map(|selector| [&[to, 0], &selector[..], &ones].concat()));
    }
    let call = |to: u8, from: u8, input: Vec<u8>| [&[to, from], &input[..]].concat();
    let exit = IVault::redeemCall { shares: u(WAD), receiver: LENDER, owner: LENDER };
    let mut seeds = vec![
        call(2, 2, supply(WAD).abi_encode()),
        call(2, 2, borrow(1_000 * DOLLAR).abi_encode()),
        call(2, 2, repay(u(500 * DOLLAR)).abi_encode()),
        call(2, 2, repay(U256::MAX).abi_encode()),
        call(2, 2, release(u(WAD)).abi_encode()),
        call(2, 3, liquidate(U256::MAX).abi_encode()),
        call(3, 1, IVault::depositCall { assets: u(DOLLAR), receiver: LENDER }.abi_encode()),
        call(3, 1, exit.abi_encode()),
        call(3, 1, IERC20Permit::transferCall { to: STRANGER, value: u(WAD) }.abi_encode()),
        call(4, 0, IAsset::mintCall { to: LENDER, value: u(DOLLAR) }.abi_encode()),
    ];
    each::<IRegistry::IRegistryCalls>(&mut seeds, 0);
    each::<IOracle::IOracleCalls>(&mut seeds, 1);
    each::<IMarket::IMarketCalls>(&mut seeds, 2);
    each::<IVault::IVaultCalls>(&mut seeds, 3);
    each::<IAsset::IAssetCalls>(&mut seeds, 4);
    each::<IERC20Permit::IERC20PermitCalls>(&mut seeds, 5);
    each::<IExit::IExitCalls>(&mut seeds, 7);
    each::<IRebasing::IRebasingCalls>(&mut seeds, 8);
    seeds
}
