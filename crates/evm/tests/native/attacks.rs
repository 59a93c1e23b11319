//! Attacks that need contracts of the attacker's own: receivers that would call back, tokens that are none of ours,
//! messages that nobody signed. Each test is named by the row of the attack catalogue that it replays.

use crate::borders::{sensible, wide_words};
use crate::entries::{VIEW, entries, is_view};
use crate::feeds::rejections;
use crate::support::bytecode::{By, End, Step, steps};
use crate::support::*;
use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall;
use gage_abi::IOracle::{PriceReport, SignedReport};
use gage_abi::addresses::{MARKET, ORACLE, REGISTRY};
use gage_abi::{IAsset, IERC20Permit, IMarket, IRegistry, IVault};
use revm::bytecode::opcode as op;

/// Remembers that it was called, whatever for, and how often.
fn recorder() -> Vec<u8> {
    vec![op::PUSH1, 1, op::PUSH0, op::SLOAD, op::ADD, op::PUSH0, op::SSTORE, op::STOP]
}

impl World {
    /// A contract that would draw on whatever it is told of, if anything called it.
    fn hostile(&mut self) -> Address {
        self.deploy(0xc7, recorder())
    }

    fn calls_of(&self, contract: Address) -> U256 {
        let account = &self.db.cache.accounts[&contract];
        account.storage.get(&U256::ZERO).copied().unwrap_or_default()
    }

    /// What the attacker and its contract own, in units.
    fn sheet(&mut self, who: [Address; 2]) -> [u128; 3] {
        [USD, GOLD, VAULT].map(|token| who.map(|who| self.balance(token, who)).iter().sum())
    }
}

/// R-01 (Lendf.Me), R-02 (Cream), R-04 (Bacon), R-05 (Hundred), R-06 (Agave), R-07 (Ola), R-08 (Fei), R-09 (Omni), R-11
/// (Paribus), R-13 (Sumer), R-16 (GMX): a receiver is called before the books are written, and acts on what they said.
/// Every payout of the engine goes to a contract that remembers being called: none calls it. Another one ends every frame
/// that it is called in: no payout fails by it.
#[test]
fn reg_r01_no_receiver_is_called() {
    for fails in [false, true] {
        let mut world = World::loan();
        let trap = if fails { world.batch(End::Invalid) } else { world.hostile() };
        let before = world.sheet([LENDER, trap]);
        world.ok(
            LENDER,
            VAULT,
            IVault::withdrawCall { assets: u(1_000 * DOLLAR), receiver: trap, owner: LENDER },
        );
        world.ok(
            LENDER,
            VAULT,
            IVault::redeemCall { shares: u(WAD / 1_000), receiver: trap, owner: LENDER },
        );
        world.ok(LENDER, VAULT, IVault::depositCall { assets: u(DOLLAR), receiver: trap });
        world.ok(LENDER, VAULT, IVault::mintCall { shares: u(WAD / 1_000_000), receiver: trap });
        world.ok(LENDER, USD, IERC20Permit::transferCall { to: trap, value: u(1) });
        world.ok(BORROWER, MARKET, IMarket::borrowCall { receiver: trap, ..borrow(100 * DOLLAR) });
        let release = IMarket::withdrawCollateralCall { receiver: trap, ..release(u(WAD / 10)) };
        world.ok(BORROWER, MARKET, release);
        let request =
            IVault::requestRedeemCall { shares: u(WAD / 1_000), controller: trap, owner: LENDER };
        world.ok(LENDER, VAULT, request);
        world.prices(1_480 * WAD, WAD);
        let taken = IMarket::liquidateCall { receiver: trap, ..liquidate(u(1_000 * DOLLAR)) };
        world.ok(LIQUIDATOR, MARKET, taken);
        // More than is owed: the rest is not taken, so nothing has to be given back.
        world.ok(OWNER, USD, IAsset::mintCall { to: BORROWER, value: u(100_000 * DOLLAR) });
        let held = world.balance(USD, BORROWER);
        let owed: u128 = world.ok(BORROWER, MARKET, repay(u(50_000 * DOLLAR))).to();
        assert!(owed < 12_000 * DOLLAR && world.balance(USD, BORROWER) == held - owed);
        if !fails {
            assert_eq!(world.calls_of(trap), U256::ZERO, "somebody called the receiver");
        }
        let after = world.sheet([LENDER, trap]);
        // What lender and contract have together is what came from others: 100 dollars drawn, and gold.
        assert!(after[0] > before[0] && after[1] > before[1]);
        world.check_ties();
    }
}

/// R-08 (Fei): native coins were sent with all gas, and the receiver took its collateral back. Unwrapping pays coins to a
/// contract whose code would fail if it ran with nothing to call: it is paid, and does not run.
#[test]
fn reg_r08_coins_are_paid_without_a_call() {
    let mut world = World::loan();
    let proxy = world.proxy(By::Call);
    let done = world.send(STRANGER, proxy, u(7), Vec::new());
    assert!(!done.is_success(), "a call without input makes this contract fail");
    let wrap = IAsset::depositCall {}.abi_encode();
    assert!(world.send(STRANGER, WRAPPED, u(100), wrap).is_success());
    world.ok(STRANGER, WRAPPED, IERC20Permit::transferCall { to: proxy, value: u(100) });
    let unwrap = IAsset::withdrawCall { value: u(60) }.abi_encode();
    let (success, output) = world.by(By::Call, STRANGER, WRAPPED, &unwrap);
    assert!(success, "{output}");
    assert_eq!((world.coins(proxy), world.balance(WRAPPED, proxy)), (u(60), 40));
    world.check_ties();
}

/// R-16 (GMX), E-08, R-24: one transaction goes through the engine's contracts again and again, from frames that fail and
/// frames that do not, against accounts of its own. Whatever it does, the books balance at its end, and it has no more
/// than it brought.
#[test]
fn reg_r16_one_transaction_through_every_door() {
    for inner in [End::Stop, End::Revert, End::Invalid] {
        let mut world = World::loan();
        let outer = world.batch(End::Stop);
        let nested = world.deploy(0xc3, crate::support::bytecode::batch(inner));
        for holder in [outer, nested] {
            world.ok(OWNER, USD, IAsset::mintCall { to: holder, value: u(10_000 * DOLLAR) });
            world.ok(OWNER, GOLD, IAsset::mintCall { to: holder, value: u(10 * WAD) });
        }
        let before = [outer, nested].map(|who| world.sheet([who, who])[0]);
        let acts = |who: Address| {
            let supply = IMarket::supplyCollateralCall { owner: who, ..supply(10 * WAD) };
            let draw = IMarket::borrowCall { receiver: who, ..borrow(9_000 * DOLLAR) };
            let deposit = IVault::depositCall { assets: u(9_000 * DOLLAR), receiver: who };
            let assets = u(9_000 * DOLLAR - 1);
            let out = IVault::withdrawCall { assets, receiver: who, owner: who };
            let repay = IMarket::repayCall { owner: who, ..repay(U256::MAX) };
            let free = IMarket::withdrawCollateralCall { receiver: who, ..release(U256::MAX) };
            vec![
                Step::new(MARKET, supply.abi_encode()),
                Step::new(MARKET, draw.abi_encode()),
                Step::new(VAULT, deposit.abi_encode()),
                // Under its debt: refused.
                Step::new(MARKET, free.abi_encode()),
                Step::new(VAULT, out.abi_encode()),
                Step::new(MARKET, repay.abi_encode()),
                Step::new(MARKET, free.abi_encode()),
                // Nothing left: refused.
                Step::new(MARKET, free.abi_encode()),
            ]
        };
        let mut all = acts(outer);
        let inside = Step { gas: 4_000_000, ..Step::new(nested, steps(&acts(nested))) };
        all.insert(3, inside);
        let mut tx = World::tx(STRANGER, outer, U256::ZERO, steps(&all));
        tx.gas_limit = 30_000_000;
        assert!(world.transact(tx).is_success());
        for (who, coins) in [outer, nested].into_iter().zip(before) {
            let sheet = world.sheet([who, who]);
            assert!(sheet[0] <= coins && sheet[0] + 4 >= coins, "{inner:?}: {coins} {sheet:?}");
            assert_eq!(sheet[1], 20 * WAD, "{inner:?}: the gold is back");
        }
        world.check_ties();
    }
}

/// V-07 (Platypus, again): a new function had an old mistake. Every function of the ABI, so those to come as well, called by a
/// borrower at its limit with amounts of one, of a dollar and of everything: if anything of the account changed, its debt
/// is within its limit, or it owes no more on no less.
#[test]
fn reg_v07_every_function_leaves_accounts_within_their_limits() {
    let mut world = World::viewed();
    world.ok(BORROWER, MARKET, borrow(2_999 * DOLLAR));
    let state = |world: &mut World| {
        let account = IMarket::accountStateCall { market: 1, owner: BORROWER, sub: 0 };
        let state = world.ok(STRANGER, MARKET, account);
        (state.debtValue, state.borrowLimit)
    };
    let (debt, limit) = state(&mut world);
    assert!(debt <= limit && limit - debt < u(2 * WAD), "{debt} {limit}");
    let (mut tried, mut passed) = (0, 0);
    for (contract, function) in entries().into_iter().filter(|(_, function)| !is_view(function)) {
        for amount in [U256::ONE, u(DOLLAR), u(WAD / 10), U256::MAX] {
            let mut data = sensible(&function);
            for place in wide_words(&function) {
                data[4 + 32 * place..][..32].copy_from_slice(&amount.to_be_bytes::<32>());
            }
            let mut world = world.clone();
            passed += u32::from(world.send(BORROWER, contract, U256::ZERO, data).is_success());
            tried += 1;
            let (debt_after, limit_after) = state(&mut world);
            let harmed = debt_after > debt || limit_after < limit;
            assert!(
                !harmed || debt_after <= limit_after,
                "{} {amount}: {debt_after} of {limit_after}",
                function.signature()
            );
        }
    }
    assert!(tried > 250 && passed > 30, "{passed} of {tried}");
}

/// T-01 (Balancer), T-04 (ZABU), T-06 (Compound's TUSD), T-07 (Ampleforth), L-08: tokens that take a fee, shrink, rebase or are
/// another name of one that is listed. None of these is an asset: neither vault, collateral nor feed is made of it.
#[test]
fn reg_t01_only_the_chain_s_own_tokens_are_listed() {
    let mut world = World::viewed();
    let foreign = world.deploy(0xc9, recorder());
    let before = world.state();
    let terms = || IRegistry::VaultTerms {
        rates: IVault::Rates { kink: 5_000, ..IVault::Rates::default() },
        ..IRegistry::VaultTerms::default()
    };
    let limits = IMarket::CollateralTerms {
        feed: GOLD_FEED,
        ltv: 7_000,
        threshold: 8_000,
        bonusMin: 300,
        bonusMax: 800,
        riskWeight: 0,
        cap: u(WAD),
    };
    let native = [VIEW, EXITS, MARKET, ORACLE, REGISTRY];
    for token in native.into_iter().chain([foreign, STRANGER, Address::ZERO]) {
        let vault = IRegistry::createVaultCall {
            asset: token,
            name: "V".into(),
            symbol: "V".into(),
            terms: terms(),
        };
        let refused = world.refused(OWNER, REGISTRY, vault);
        assert_eq!(refused, format!("NotNativeContract(account: {token})"));
        let terms = limits.clone();
        let list = IMarket::addCollateralCall { market: 1, asset: token, terms };
        let refused = world.refused(OWNER, MARKET, list);
        assert_eq!(refused, format!("NotNativeContract(account: {token})"));
        let pledge = IMarket::supplyCollateralCall { asset: token, ..supply(1) };
        let refused = world.refused(BORROWER, MARKET, pledge);
        assert_eq!(refused, format!("NotNativeContract(account: {token})"));
        assert_eq!(world.state(), before);
    }
    assert_eq!(world.calls_of(foreign), U256::ZERO);
}

/// T-02 (Opyn): one payment was counted in every round of a loop. Three deposits are paid with one value: as many coins are
/// wrapped as came.
#[test]
fn reg_t02_one_value_is_credited_once() {
    let mut world = World::market();
    let batch = world.batch(End::Stop);
    let wrap = Step { value: u(100), ..Step::new(WRAPPED, IAsset::depositCall {}.abi_encode()) };
    let before = world.coins(STRANGER);
    let data = steps(&[wrap.clone(), wrap.clone(), wrap]);
    assert!(world.send(STRANGER, batch, u(150), data).is_success());
    assert_eq!(world.balance(WRAPPED, batch), 100);
    assert_eq!((world.coins(WRAPPED), world.coins(batch)), (u(100), u(50)));
    assert_eq!(before - world.coins(STRANGER), u(150));
    world.check_ties();
}

/// T-05 (Multichain): a token without permits swallowed the call, and its silence was taken for success. A contract that has
/// no such function says so, and no call without one passes for something.
#[test]
fn reg_t05_no_call_is_swallowed() {
    let mut world = World::viewed();
    let before = world.state();
    let permit = IERC20Permit::permitCall {
        owner: LENDER,
        spender: STRANGER,
        value: u(1),
        deadline: U256::MAX,
        v: 27,
        r: alloy_primitives::B256::ZERO,
        s: alloy_primitives::B256::ZERO,
    };
    let pull = IERC20Permit::transferFromCall { from: LENDER, to: STRANGER, value: u(1) };
    for contract in [MARKET, ORACLE, REGISTRY] {
        for data in [permit.abi_encode(), pull.abi_encode()] {
            let error = world.send(STRANGER, contract, U256::ZERO, data).error();
            assert!(error.starts_with("UnknownFunction("), "{contract}: {error}");
        }
    }
    for contract in [USD, VAULT, VIEW] {
        let error = world.refused(STRANGER, contract, permit.clone());
        assert!(error.starts_with("ERC2612InvalidSigner("), "{contract}: {error}");
        let error = world.refused(STRANGER, contract, pull.clone());
        assert!(error.starts_with("ERC20InsufficientAllowance("), "{contract}: {error}");
    }
    assert_eq!(world.state(), before);
}

/// F-09 (Dango): an amount with a sign. No function of the ABI takes one, correlations of prices aside.
#[test]
fn reg_f09_no_amount_has_a_sign() {
    fn walk(parameters: &[alloy_json_abi::Param], found: &mut Vec<String>) {
        for parameter in parameters {
            if parameter.ty.starts_with("int") {
                found.push(parameter.name.clone());
            }
            walk(&parameter.components, found);
        }
    }
    let mut signed = Vec::new();
    for (_, function) in entries() {
        walk(&function.inputs, &mut signed);
    }
    assert_eq!(signed, ["correlations"]);
}

/// X-16 (THORChain), O-17, P-01: what the signature did not cover was changed on the way: a flag, a chain, an amount. Every
/// word of a report is signed, and so is the chain: each changed alone, the report is nobody's.
#[test]
fn reg_x16_every_word_of_a_report_is_signed() {
    let mut world = World::market();
    world.now += 10;
    let good = report(GOLD_FEED, 9, world.now, 2_001 * WAD);
    let sealed = signed(&publisher(), good.clone());
    let with = |report: PriceReport| SignedReport { report, ..sealed.clone() };
    let mut elsewhere = sealed.clone();
    let hash = gage_evm::report_hash(CHAIN_ID + 1, &good);
    (elsewhere.v, elsewhere.r, elsewhere.s) = sign(&publisher(), hash);
    let changed = [
        with(PriceReport { feed: USD_FEED, ..good.clone() }),
        with(PriceReport { round: 10, ..good.clone() }),
        with(PriceReport { time: good.time - 1, ..good.clone() }),
        with(PriceReport { price: u(4_000 * WAD), ..good.clone() }),
        with(PriceReport { confidence: u(1), ..good.clone() }),
        elsewhere,
    ];
    let before = world.state_of(GOLD_FEED);
    let done = world.prelude(&changed);
    let found = rejections(&done);
    assert_eq!(found.len(), changed.len());
    for (.., reason) in found {
        assert!(reason.starts_with("UnknownSource("), "{reason}");
    }
    let after = world.state_of(GOLD_FEED);
    assert_eq!((before.price, before.rounds), (after.price, after.rounds));
    world.prelude(&[sealed]);
    assert_eq!(world.state_of(GOLD_FEED).price, u(2_001 * WAD));
}

/// L-06 (Pike), L-13 (Renegade): an initialiser was left open. There is none: what belongs to the beginning of a block is
/// the block's alone, whoever governs, and no contract is initialised by a call.
#[test]
fn reg_l06_nothing_is_initialised_by_a_call() {
    let world = World::viewed();
    let before = world.state();
    for actor in [STRANGER, OWNER, GUARDIAN, GOVERNOR] {
        let mut world = world.clone();
        let sweep = IMarket::sweepCall { accounts: vec![0; 28].into() };
        assert_eq!(world.refused(actor, MARKET, sweep), "SystemOnly()");
        let prelude = gage_evm::prelude_call(&[], &[]);
        let done = world.send(actor, ORACLE, U256::ZERO, prelude.to_vec());
        assert_eq!(done.error(), "SystemOnly()");
        assert_eq!(world.state(), before);
    }
    let named =
        |word: &str| entries().into_iter().any(|(_, function)| function.name.starts_with(word));
    assert!(!named("init") && !named("upgrade") && !named("migrate"));
}
