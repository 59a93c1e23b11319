//! What the load sends: the story of `scenario`, played once in memory and written down, transaction by transaction.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use alloy_primitives::{Address, Bytes, TxKind, keccak256};
use alloy_signer_local::PrivateKeySigner;
use anyhow::{Result, ensure};
use gage_abi::SYSTEM_ADDRESS;
use revm::context::result::{ExecutionResult, ResultAndState};
use revm::context::{BlockEnv, TxEnv};
use revm::state::EvmState;

use crate::artifact::Artifacts;
use crate::chain::Chain;
use crate::engine::Engine;
use crate::scenario::{Action, Cast, Operation, Subject};

/// A transaction without nonce and signature.
#[derive(Clone)]
pub(super) struct Sent {
    pub(super) from: Address,
    pub(super) to: TxKind,
    pub(super) data: Bytes,
    pub(super) value: alloy_primitives::U256,
    /// What it used.
    pub(super) gas: u64,
}

/// A protocol's transactions.
pub(super) struct Script {
    /// Contracts, terms, endowments, collateral: before anything is measured.
    pub(super) setup: Vec<Sent>,
    /// Borrowing, lending, withdrawal and repayment by turns.
    pub(super) mix: Vec<Sent>,
    /// Collateral that is taken back, one for each borrower.
    pub(super) releases: Vec<Sent>,
}

/// How often everybody takes part.
const ROUNDS: usize = 4;

/// Everyone, with keys.
pub(super) struct People {
    pub(super) cast: Cast,
    keys: HashMap<Address, PrivateKeySigner>,
}

impl People {
    /// So many users: one half lends, the other borrows.
    pub(super) fn new(users: usize) -> Result<Self> {
        let mut keys = HashMap::new();
        let mut person = |role: &str, index: usize| -> Result<Address> {
            let secret = keccak256(format!("{role} {index}"));
            let key = PrivateKeySigner::from_bytes(&secret)?;
            let address = key.address();
            keys.insert(address, key);
            Ok(address)
        };
        let cast = Cast {
            admin: person("admin", 0)?,
            treasury: person("treasury", 0)?,
            liquidator: person("liquidator", 0)?,
            lenders: (0..users / 2).map(|at| person("lender", at)).collect::<Result<_>>()?,
            borrowers: (0..users / 2).map(|at| person("borrower", at)).collect::<Result<_>>()?,
        };
        Ok(Self { cast, keys })
    }

    /// The key of one of them.
    pub(super) fn key(&self, who: Address) -> Option<&PrivateKeySigner> {
        self.keys.get(&who)
    }

    /// All of them.
    pub(super) fn everyone(&self) -> impl Iterator<Item = Address> {
        self.keys.keys().copied()
    }
}

/// An engine that writes down what it runs.
struct Recorder {
    engine: Box<dyn Engine>,
    sent: Rc<RefCell<Vec<Sent>>>,
}

impl Engine for Recorder {
    fn begin_block(&mut self, block: BlockEnv) {
        self.engine.begin_block(block);
    }

    fn run(&mut self, tx: TxEnv) -> Result<ExecutionResult> {
        let (from, to, data, value) = (tx.caller, tx.kind, tx.data.clone(), tx.value);
        let result = self.engine.run(tx)?;
        let gas = result.tx_gas_used();
        self.sent.borrow_mut().push(Sent { from, to, data, value, gas });
        Ok(result)
    }

    fn attempt(&mut self, tx: TxEnv) -> Result<ResultAndState> {
        self.engine.attempt(tx)
    }

    fn commit(&mut self, changes: EvmState) {
        self.engine.commit(changes);
    }
}

/// Plays a protocol's part and writes it down.
pub(super) fn script(
    subject: &mut dyn Subject,
    artifacts: &Artifacts,
    cast: &Cast,
) -> Result<Script> {
    let sent = Rc::new(RefCell::new(Vec::new()));
    let engine = Recorder { engine: subject.engine(cast), sent: Rc::clone(&sent) };
    let mut chain = Chain::new(Box::new(engine), artifacts);
    subject.setup(&mut chain, cast)?;
    let mut play = |actions: &[Action]| -> Result<()> {
        for action in actions {
            let receipt = chain.send(action.sender, subject.call(action))?;
            ensure!(!receipt.logs.is_empty(), "{} did nothing", action.operation);
        }
        Ok(())
    };
    play(&cast.actions(Operation::SupplyCollateral))?;
    let setup = sent.take();
    for round in 0..ROUNDS {
        let turns = turns(cast, round);
        for turn in 0..cast.borrowers.len() {
            for actions in &turns {
                play(&actions[turn..=turn])?;
            }
        }
    }
    let mix = sent.take();
    play(&cast.actions(Operation::WithdrawCollateral))?;
    Ok(Script { setup, mix, releases: sent.take() })
}

/// What everybody does in a round: a borrower draws and repays, a lender deposits or, in every other round, withdraws.
fn turns(cast: &Cast, round: usize) -> [Vec<Action>; 3] {
    let like = |operation, amounts| {
        let actions = cast.actions(amounts).into_iter();
        actions.map(|action| Action { operation, ..action }).collect()
    };
    use Operation::{Borrow, Repay, Supply, Withdraw};
    let (drawn, lent) = match round {
        0 => (cast.actions(Borrow), cast.actions(Supply)),
        // What was repaid before, what was withdrawn before.
        _ if round.is_multiple_of(2) => (like(Borrow, Repay), like(Supply, Withdraw)),
        _ => (like(Borrow, Repay), cast.actions(Withdraw)),
    };
    [drawn, lent, cast.actions(Repay)]
}

/// One transfer of a wei by each user.
pub(super) fn transfers(cast: &Cast) -> Vec<Sent> {
    let users = cast.lenders.iter().chain(&cast.borrowers);
    let transfer = |from: &Address| Sent {
        from: *from,
        to: TxKind::Call(cast.treasury),
        data: Bytes::new(),
        value: alloy_primitives::U256::ONE,
        gas: 21_000,
    };
    users.map(transfer).collect()
}

impl Sent {
    /// Whether the chain itself sent it: a block's prelude.
    pub(super) fn is_prelude(&self) -> bool {
        self.from == SYSTEM_ADDRESS
    }
}
