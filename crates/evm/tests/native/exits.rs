//! The exit queue through real transactions.

use super::support::bytecode::By;
use super::support::*;
use super::sweeps::logs;
use alloy_primitives::{Address, B256, U256, hex};
use alloy_sol_types::SolCall;
use gage_abi::addresses::MARKET;
use gage_abi::{IERC20Permit, IExit, IVault};

fn request(shares: U256) -> IVault::requestRedeemCall {
    IVault::requestRedeemCall { shares, controller: LENDER, owner: LENDER }
}

fn claim(number: u64, receiver: Address) -> IVault::claimExitCall {
    IVault::claimExitCall { requestId: U256::from(number), receiver }
}

fn deposit(dollars: u128, receiver: Address) -> IVault::depositCall {
    IVault::depositCall { assets: u(dollars * DOLLAR), receiver }
}

fn moving(number: u64, from: Address, to: Address) -> IExit::transferFromCall {
    IExit::transferFromCall { from, to, tokenId: U256::from(number) }
}

impl World {
    /// The lender has 12,000 dollars in the vault, and the borrower owes them all.
    pub(super) fn full() -> Self {
        let mut world = Self::loan();
        let exit =
            IVault::withdrawCall { assets: u(488_000 * DOLLAR), receiver: LENDER, owner: LENDER };
        world.ok(LENDER, VAULT, exit);
        world
    }

    fn shares(&mut self, who: Address) -> u128 {
        self.balance(VAULT, who)
    }

    fn place(&mut self, number: u64) -> IVault::ExitState {
        self.ok(STRANGER, VAULT, IVault::exitStateCall { requestId: U256::from(number) })
    }

    fn owner_of(&mut self, number: u64) -> Address {
        self.ok(STRANGER, EXITS, IExit::ownerOfCall { tokenId: U256::from(number) })
    }
}

/// HLT-6: a request, partial fills from a deposit and a repayment, claims; logs and views agree.
#[test]
fn lenders_leave_a_vault_without_cash() {
    let mut world = World::full();
    let all = world.shares(LENDER);
    assert_eq!(world.ok(STRANGER, VAULT, IVault::maxWithdrawCall { owner: LENDER }), U256::ZERO);
    let exit = IVault::redeemCall { shares: u(all), receiver: LENDER, owner: LENDER };
    assert!(world.refused(LENDER, VAULT, exit).starts_with("Illiquid(cash: 0, "));
    // The contract of the places is born with the first.
    assert!(world.refused(STRANGER, EXITS, IExit::nameCall {}).starts_with("NotNativeContract"));
    let done = world.call(LENDER, VAULT, request(u(all)));
    let asked: Vec<IVault::RedeemRequest> = logs(&done);
    assert_eq!((asked[0].requestId, asked[0].controller, asked[0].shares), (u(1), LENDER, u(all)));
    let given: Vec<IExit::Transfer> = logs(&done);
    assert_eq!((given.len(), given[0].from, given[0].to), (1, Address::ZERO, LENDER));
    world.check_ties();
    assert_eq!(
        world.refused(LENDER, VAULT, claim(1, LENDER)),
        "NothingToClaim(requestId: 1, ahead: 0)"
    );
    let done = world.call(LIQUIDATOR, VAULT, deposit(5_000, LIQUIDATOR));
    let fills: Vec<IVault::ExitsFilled> = logs(&done);
    assert_eq!((fills.len(), fills[0].assets), (1, u(5_000 * DOLLAR)));
    world.check_ties();
    let place = world.place(1);
    assert_eq!((place.owner, place.claimable), (LENDER, u(5_000 * DOLLAR)));
    assert_eq!((place.waiting, place.filled), (fills[0].waiting, fills[0].shares));
    let ask = |controller| IVault::pendingRedeemRequestCall { requestId: u(1), controller };
    assert_eq!(world.ok(STRANGER, VAULT, ask(LENDER)), place.waiting);
    assert_eq!(world.ok(STRANGER, VAULT, ask(STRANGER)), U256::ZERO);
    let ask = IVault::claimableRedeemRequestCall { requestId: u(1), controller: LENDER };
    assert_eq!(world.ok(STRANGER, VAULT, ask), place.filled);
    let ask = IVault::claimableRedeemRequestCall { requestId: U256::MAX, controller: LENDER };
    assert!(world.refused(STRANGER, VAULT, ask).starts_with("ERC721NonexistentToken("));
    let ask = IVault::claimableRedeemRequestCall { requestId: u(7), controller: LENDER };
    assert_eq!(world.ok(STRANGER, VAULT, ask), U256::ZERO);
    let queue = world.ok(STRANGER, VAULT, IVault::exitQueueCall {});
    assert_eq!((queue.token, queue.waiting, queue.worth), (EXITS, place.waiting, place.worth));
    let state = world.ok(STRANGER, VAULT, IVault::stateCall {});
    assert_eq!((state.cash, state.utilisation), (U256::ZERO, u(WAD)));
    let before = world.balance(USD, STRANGER);
    let done = world.call(LENDER, VAULT, claim(1, STRANGER));
    let claimed: Vec<IVault::ExitClaimed> = logs(&done);
    assert_eq!((claimed[0].receiver, claimed[0].assets), (STRANGER, u(5_000 * DOLLAR)));
    assert_eq!(world.balance(USD, STRANGER), before + 5_000 * DOLLAR);
    // Interest of a month goes to those who wait.
    world.now += 30 * 86_400;
    world.ok(
        LIQUIDATOR,
        USD,
        IERC20Permit::transferCall { to: BORROWER, value: u(5_000 * DOLLAR) },
    );
    world.ok(BORROWER, MARKET, repay(U256::MAX));
    let paid = world.ok(LENDER, VAULT, claim(1, LENDER));
    assert!(paid > u(7_000 * DOLLAR), "{paid}");
    let error = "ERC721NonexistentToken(tokenId: 1)";
    assert_eq!(world.refused(LENDER, VAULT, claim(1, LENDER)), error);
    assert_eq!(world.balance(USD, EXITS), 0);
    assert_eq!(world.balance(VAULT, EXITS), 0);
    world.check_ties();
}

/// D-08: in the block of a deposit the borrower finds no cash.
#[test]
fn reg_d08_a_draw_does_not_jump_the_queue() {
    let mut world = World::full();
    world.ok(BORROWER, MARKET, supply(90 * WAD));
    let all = world.shares(LENDER);
    world.ok(LENDER, VAULT, request(u(all)));
    world.ok(LIQUIDATOR, VAULT, deposit(1_000, LIQUIDATOR));
    let error = world.refused(BORROWER, MARKET, borrow(1_000 * DOLLAR));
    assert_eq!(error, "Illiquid(cash: 0, asked: 1000000000)");
    world.ok(BORROWER, MARKET, repay(u(500 * DOLLAR)));
    let error = world.refused(BORROWER, MARKET, borrow(500 * DOLLAR));
    assert_eq!(error, "Illiquid(cash: 0, asked: 500000000)");
    assert_eq!(world.place(1).claimable, u(1_500 * DOLLAR));
    world.check_ties();
}

/// ERC-721 by the book: metadata, balances, lists, approvals, transfers.
#[test]
fn places_are_tokens() {
    let mut world = World::full();
    let part = u(world.shares(LENDER) / 4);
    for number in 1..=3 {
        assert_eq!(world.ok(LENDER, VAULT, request(part)), u(number));
    }
    let w = &mut world;
    assert_eq!(w.ok(STRANGER, EXITS, IExit::nameCall {}), "Exits of Dollar Vault");
    assert_eq!(w.ok(STRANGER, EXITS, IExit::symbolCall {}), "vUSD-EXIT");
    assert_eq!(w.ok(STRANGER, EXITS, IExit::vaultCall {}), VAULT);
    for (id, supported) in
        [("01ffc9a7", true), ("80ac58cd", true), ("5b5e139f", true), ("ffffffff", false)]
    {
        let interface: [u8; 4] = hex::decode(id).unwrap().try_into().unwrap();
        let call = IExit::supportsInterfaceCall { interfaceId: interface.into() };
        assert_eq!(w.ok(STRANGER, EXITS, call), supported, "{id}");
    }
    let uri = w.ok(STRANGER, EXITS, IExit::tokenURICall { tokenId: u(2) });
    assert!(uri.starts_with("data:application/json;base64,eyJuYW1lIjoiUGxhY2UgMi"), "{uri}");
    let balance = |owner| IExit::balanceOfCall { owner };
    assert_eq!(w.ok(STRANGER, EXITS, balance(LENDER)), u(3));
    assert_eq!(w.refused(STRANGER, EXITS, balance(Address::ZERO)), "ZeroAddress()");
    let at = |index| IExit::tokenOfOwnerByIndexCall { owner: LENDER, index };
    let listed: Vec<_> = (0..3).map(|index| w.ok(STRANGER, EXITS, at(u(index)))).collect();
    assert_eq!(listed, [u(1), u(2), u(3)]);
    for index in [u(3), U256::MAX] {
        assert!(w.refused(STRANGER, EXITS, at(index)).starts_with("ERC721NonexistentToken("));
    }
    let none = "ERC721NonexistentToken(tokenId: 9)";
    assert_eq!(w.refused(STRANGER, EXITS, IExit::ownerOfCall { tokenId: u(9) }), none);
    assert_eq!(w.refused(STRANGER, EXITS, IExit::tokenURICall { tokenId: u(9) }), none);
    assert_eq!(w.refused(STRANGER, EXITS, IExit::getApprovedCall { tokenId: u(9) }), none);
    // A stranger moves nothing; one who is approved moves one place, once.
    let error = w.refused(STRANGER, EXITS, moving(1, LENDER, STRANGER));
    assert!(error.starts_with("ERC721InsufficientApproval("), "{error}");
    let approve = IExit::approveCall { to: STRANGER, tokenId: u(1) };
    assert!(w.refused(STRANGER, EXITS, approve.clone()).starts_with("ERC721InvalidApprover("));
    let done = w.call(LENDER, EXITS, approve);
    let told: Vec<IExit::Approval> = logs(&done);
    assert_eq!((told[0].owner, told[0].approved, told[0].tokenId), (LENDER, STRANGER, u(1)));
    assert_eq!(w.ok(STRANGER, EXITS, IExit::getApprovedCall { tokenId: u(1) }), STRANGER);
    let error = w.refused(STRANGER, EXITS, moving(1, BORROWER, STRANGER));
    assert!(error.starts_with("ERC721IncorrectOwner("), "{error}");
    w.ok(STRANGER, EXITS, moving(1, LENDER, STRANGER));
    assert_eq!(w.owner_of(1), STRANGER);
    assert_eq!(w.ok(STRANGER, EXITS, IExit::getApprovedCall { tokenId: u(1) }), Address::ZERO);
    assert_eq!(w.ok(STRANGER, EXITS, at(u(0))), u(3), "the last one moved up");
    // An operator moves all of an owner's, until taken back.
    let operate = |approved| IExit::setApprovalForAllCall { operator: LIQUIDATOR, approved };
    let done = w.call(LENDER, EXITS, operate(true));
    assert_eq!(logs::<IExit::ApprovalForAll>(&done).len(), 1);
    let ask = IExit::isApprovedForAllCall { owner: LENDER, operator: LIQUIDATOR };
    assert!(w.ok(STRANGER, EXITS, ask));
    w.ok(LIQUIDATOR, EXITS, moving(2, LENDER, LIQUIDATOR));
    w.ok(LENDER, EXITS, operate(false));
    let error = w.refused(LIQUIDATOR, EXITS, moving(3, LENDER, LIQUIDATOR));
    assert!(error.starts_with("ERC721InsufficientApproval("), "{error}");
    // What is set aside goes with the place.
    w.ok(LIQUIDATOR, VAULT, deposit(1_000, LIQUIDATOR));
    let error = w.refused(LENDER, VAULT, claim(1, LENDER));
    assert!(error.starts_with("ERC721InsufficientApproval("), "{error}");
    assert_eq!(w.ok(STRANGER, VAULT, claim(1, STRANGER)), u(1_000 * DOLLAR));
    w.check_ties();
}

/// EVM-2: a native contract asks no receiver: those with code are refused where they would have to be
/// asked, and taken where they need not be.
#[test]
fn contracts_receive_places_at_their_own_risk() {
    let mut world = World::full();
    let contract = world.proxy(By::Call);
    let part = u(world.shares(LENDER) / 4);
    world.ok(LENDER, VAULT, request(part));
    world.ok(LENDER, VAULT, request(part));
    let safely = |number: u64, to| IExit::safeTransferFrom_0Call {
        from: LENDER,
        to,
        tokenId: U256::from(number),
    };
    let error = world.refused(LENDER, EXITS, safely(1, contract));
    assert_eq!(error, format!("ERC721InvalidReceiver(receiver: {contract})"));
    for native in [VAULT, EXITS, MARKET, Address::ZERO] {
        let error = world.refused(LENDER, EXITS, moving(1, LENDER, native));
        assert!(error.starts_with("ERC721InvalidReceiver("), "{native}: {error}");
        let error = world.refused(LENDER, EXITS, safely(1, native));
        assert!(error.starts_with("ERC721InvalidReceiver("), "{native}: {error}");
    }
    world.ok(LENDER, EXITS, moving(1, LENDER, contract));
    let with = IExit::safeTransferFrom_1Call {
        from: LENDER,
        to: STRANGER,
        tokenId: u(2),
        data: B256::ZERO.to_vec().into(),
    };
    world.ok(LENDER, EXITS, with);
    assert_eq!((world.owner_of(1), world.owner_of(2)), (contract, STRANGER));
    // A contract claims as anyone does.
    world.ok(LIQUIDATOR, VAULT, deposit(1_000, LIQUIDATOR));
    let data = claim(1, BORROWER).abi_encode();
    let (success, output) = world.by(By::Call, STRANGER, VAULT, &data);
    assert!(success, "{output}");
    assert_eq!(world.balance(USD, BORROWER), 12_000 * DOLLAR + 1_000 * DOLLAR);
    world.check_ties();
}

/// A fill costs the same gas for one place and for forty, and nothing without a queue.
#[test]
fn forty_places_are_filled_as_one() {
    let gas = |places: u128| {
        let mut world = World::full();
        world.ok(LIQUIDATOR, VAULT, deposit(1, LIQUIDATOR));
        let part = u(world.shares(LENDER) / places.max(1));
        for _ in 0..places {
            world.ok(LENDER, VAULT, request(part));
        }
        world.ok(LIQUIDATOR, VAULT, deposit(2, LIQUIDATOR));
        let done = world.call(LIQUIDATOR, VAULT, deposit(10_000, LIQUIDATOR));
        assert!(done.is_success());
        world.check_ties();
        done.gas()
    };
    let (none, one, forty) = (gas(0), gas(1), gas(40));
    assert!(one.abs_diff(forty) < 100, "{one} {forty}");
    assert!(one < none + 80_000, "{none} {one}");
}

/// Bad input is refused by name, and changes nothing.
#[test]
fn nonsense_is_refused() {
    let mut world = World::full();
    let before = world.state();
    assert_eq!(world.refused(LENDER, VAULT, request(U256::ZERO)), "ZeroAmount()");
    assert!(world.refused(LENDER, VAULT, request(U256::MAX)).starts_with("AmountTooLarge("));
    let more = u(world.shares(LENDER) + 1);
    assert!(world.refused(LENDER, VAULT, request(more)).starts_with("ERC20InsufficientBalance("));
    let error = world.refused(STRANGER, VAULT, request(u(WAD)));
    assert!(error.starts_with("ERC20InsufficientAllowance("), "{error}");
    for number in [0, 1, u64::MAX] {
        let error = world.refused(LENDER, VAULT, claim(number, LENDER));
        assert_eq!(error, format!("ERC721NonexistentToken(tokenId: {number})"));
    }
    let call = IVault::claimExitCall { requestId: U256::MAX, receiver: LENDER };
    assert!(world.refused(LENDER, VAULT, call).starts_with("ERC721NonexistentToken("));
    let call = IVault::exitStateCall { requestId: u(1) };
    assert!(world.refused(LENDER, VAULT, call).starts_with("ERC721NonexistentToken("));
    assert_eq!(world.state(), before);
}
