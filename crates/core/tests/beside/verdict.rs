//! Which operations the model accepts, and for which reasons it refuses the others.

use gage_core::borrowing::{self, Draw, Release};
use gage_core::lending::{self, Exit};
use gage_core::liquidation::{self, Liquidation, Payment};
use gage_core::{
    Account, AccountId, Address, AssetId, Assets, Error, GroupId, MemoryLedger, Shares, Stop,
    Token, VaultId, exits, groups,
};
use gage_model::{Bound, Exact, Owed, Standing, bonus, bps, health_between, whole};
use num_traits::Zero;

use super::book::Book;
use super::reading::{self, shares, units};
use super::sales::coarse;
use super::{Beside, settled};

/// What somebody asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    Deposit(VaultId, Assets),
    Mint(VaultId, Shares),
    Withdraw(VaultId, Assets),
    Redeem(VaultId, Shares),
    RequestExit(VaultId, Shares),
    Supply(AccountId, AssetId, Assets),
    Release(AccountId, AssetId, Assets),
    Borrow(AccountId, VaultId, Assets),
    Repay(AccountId, VaultId, Assets),
    Group(AccountId, GroupId),
    Liquidate(AccountId, (VaultId, AssetId), Assets, Payment),
}

impl Act {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Deposit(..) => "deposit",
            Self::Mint(..) => "mint",
            Self::Withdraw(..) => "withdraw",
            Self::Redeem(..) => "redeem",
            Self::RequestExit(..) => "request_exit",
            Self::Supply(..) => "supply_collateral",
            Self::Release(..) => "withdraw_collateral",
            Self::Borrow(..) => "borrow",
            Self::Repay(..) => "repay",
            Self::Group(..) => "group",
            Self::Liquidate(..) => "liquidate",
        }
    }

    /// The number in it.
    fn amount(&self) -> u128 {
        match self {
            Self::Deposit(_, amount)
            | Self::Withdraw(_, amount)
            | Self::Supply(_, _, amount)
            | Self::Release(_, _, amount)
            | Self::Borrow(_, _, amount)
            | Self::Repay(_, _, amount)
            | Self::Liquidate(_, _, amount, _) => amount.get(),
            Self::Mint(_, shares) | Self::Redeem(_, shares) | Self::RequestExit(_, shares) => {
                shares.get()
            }
            Self::Group(..) => 0,
        }
    }

    /// Has the engine do it.
    pub(crate) fn run(self, l: &mut MemoryLedger, actor: Address) -> Result<(), Stop> {
        let exit = Exit { receiver: actor, owner: actor };
        let receiver = actor;
        match self {
            Self::Deposit(vault, assets) => {
                lending::deposit(l, actor, vault, assets, actor).map(drop)
            }
            Self::Mint(vault, shares) => lending::mint(l, actor, vault, shares, actor).map(drop),
            Self::Withdraw(vault, assets) => {
                lending::withdraw(l, actor, vault, assets, exit).map(drop)
            }
            Self::Redeem(vault, shares) => lending::redeem(l, actor, vault, shares, exit).map(drop),
            Self::RequestExit(vault, shares) => {
                let request = exits::Request { shares, controller: actor, owner: actor };
                exits::request_redeem(l, actor, vault, &request).map(drop)
            }
            Self::Supply(id, asset, amount) => {
                borrowing::supply_collateral(l, actor, &id, asset, amount)
            }
            Self::Release(AccountId { market, sub, .. }, asset, amount) => {
                let release = Release { market, sub, asset, amount, receiver };
                borrowing::withdraw_collateral(l, actor, &release).map(drop)
            }
            Self::Borrow(AccountId { market, sub, .. }, vault, amount) => {
                borrowing::borrow(l, actor, &Draw { market, sub, vault, amount, receiver })
            }
            Self::Repay(id, vault, amount) => {
                borrowing::repay(l, actor, &id, vault, amount).map(drop)
            }
            Self::Group(AccountId { market, sub, .. }, group) if group.is_none() => {
                groups::leave_group(l, actor, (market, sub))
            }
            Self::Group(AccountId { market, sub, .. }, group) => {
                groups::enter_group(l, actor, (market, sub), group)
            }
            Self::Liquidate(id, (vault, asset), max_repay, payment) => {
                let asked = Liquidation { vault, asset, max_repay, receiver, payment };
                liquidation::liquidate(l, actor, &id, &asked).map(drop)
            }
        }
    }
}

/// Reasons to refuse, and whether they apply: `None` where rounding decides.
type Reasons = Vec<(&'static str, Option<bool>)>;

fn surely(name: &'static str, applies: bool) -> (&'static str, Option<bool>) {
    (name, Some(applies))
}

fn not(decision: Option<bool>) -> Option<bool> {
    decision.map(|decision| !decision)
}

/// Whether a number is above a limit, with so much room for rounding.
fn above(number: &Bound, limit: &Exact) -> Option<bool> {
    not(number.is_at_most(&Bound::just(limit.clone())))
}

fn held(ledger: &MemoryLedger, token: Token, holder: Address) -> Exact {
    whole(ledger.balances.get(&(token, holder)).copied().unwrap_or_default())
}

impl Beside {
    /// Holds what the engine said to an act against what the model says of it.
    #[track_caller]
    pub(crate) fn judge(
        &mut self,
        ledger: &MemoryLedger,
        (actor, act): (Address, Act),
        outcome: &Result<(), Stop>,
    ) {
        let settled = settled(ledger, ledger.now);
        let reasons = self.reasons(&settled, actor, act);
        let tally = self.tally.verdicts.entry(act.name()).or_default();
        tally[0] += u64::from(outcome.is_err());
        tally[1] += 1;
        let open = reasons.iter().any(|(_, applies)| applies.is_none());
        let sure = reasons.iter().any(|(_, applies)| *applies == Some(true));
        let border = self.tally.borders.entry("accepted or refused").or_default();
        border[0] += u64::from(open && !sure);
        border[1] += 1;
        match outcome {
            Ok(()) => assert!(!sure, "the engine accepts {act:?} of {actor}: {reasons:?}"),
            Err(Stop::Refused(error)) => {
                let said = name_of(error);
                let mut known = reasons.iter().filter(|(_, applies)| *applies != Some(false));
                // Numbers beyond all use may be refused for what they are, if they are refused.
                let huge = said == "Overflow" && sure && act.amount() > 1 << 104;
                let applies = huge || known.any(|(name, _)| *name == said);
                assert!(applies, "the engine refuses {act:?} of {actor}: {error:?}; {reasons:?}");
            }
            Err(fault) => panic!("{act:?}: {fault:?}"),
        }
    }

    fn reasons(&self, ledger: &MemoryLedger, actor: Address, act: Act) -> Reasons {
        match act {
            Act::Deposit(..) | Act::Mint(..) => entering(ledger, actor, act),
            Act::Withdraw(..) | Act::Redeem(..) | Act::RequestExit(..) => {
                leaving(ledger, actor, act)
            }
            Act::Supply(id, asset, amount) => {
                let listed = ledger.collaterals[&(id.market, asset)];
                let amount = units(amount);
                vec![
                    surely("ZeroAmount", amount.is_zero()),
                    surely("CapExceeded", units(listed.total) + &amount > units(listed.cap)),
                    surely("InsufficientBalance", amount > held(ledger, Token::of(asset), actor)),
                ]
            }
            Act::Release(id, asset, amount) => self.release(ledger, &id, (asset, amount)),
            Act::Borrow(id, vault, amount) => self.draw(ledger, &id, (vault, &units(amount))),
            Act::Repay(id, vault, amount) => repay(ledger, actor, &id, (vault, amount)),
            Act::Group(id, group) => self.regroup(ledger, &id, group),
            Act::Liquidate(id, pair, max_repay, payment) => {
                let mut reasons = self.liquidate(ledger, &id, pair, max_repay);
                // What it costs is not predicted before it is accepted.
                let funds = match payment {
                    Payment::Assets => Token::of(ledger.vaults[&pair.0].asset),
                    Payment::Shares => Token::Share(pair.0),
                };
                let rich = held(ledger, funds, actor) > whole(1_u128 << 126);
                reasons.push(("InsufficientBalance", (rich).then_some(false)));
                reasons
            }
        }
    }

    /// The standing of an account on the newest terms, with one debt or pledge changed.
    fn afterwards(
        &self,
        ledger: &MemoryLedger,
        id: &AccountId,
        (book, group): (&Book, GroupId),
    ) -> Standing {
        let account = Account { group, ..ledger.accounts.get(id).cloned().unwrap_or_default() };
        let newest = Account { terms_version: u32::MAX, ..account };
        let borrower = &book.borrowers[id];
        let pledged = borrower
            .pledged
            .iter()
            .map(|(asset, amount)| reading::pledged(self, ledger, (id, &newest), (*asset, amount)));
        let owed = borrower.owed.iter().map(|(vault, amount)| Owed {
            amount: amount.clone(),
            price: reading::debt_price(ledger, (id.market, *vault)),
        });
        Standing::of(&pledged.collect::<Vec<_>>(), &owed.collect::<Vec<_>>())
    }

    fn release(
        &self,
        ledger: &MemoryLedger,
        id: &AccountId,
        (asset, amount): (AssetId, Assets),
    ) -> Reasons {
        let mut book = Book::read(ledger);
        let pledged = book.borrower(id).pledged.get(&asset).cloned().unwrap_or_else(Exact::zero);
        let amount = if amount == Assets::MAX { pledged.clone() } else { units(amount) };
        let mut reasons = vec![
            surely("ZeroAmount", amount.is_zero()),
            surely("InsufficientCollateral", amount > pledged),
        ];
        if !book.borrower(id).owed.is_empty() && amount <= pledged {
            book.pledge(id, asset, -amount);
            // The premium may change, and its debts be written anew.
            book.rewrite(id);
            let standing = self.afterwards(ledger, id, (&book, group_of(ledger, id)));
            reasons.push(("AboveLimit", not(standing.within_limit())));
        }
        reasons
    }

    fn draw(
        &self,
        ledger: &MemoryLedger,
        id: &AccountId,
        (vault, amount): (VaultId, &Exact),
    ) -> Reasons {
        let record = &ledger.vaults[&vault];
        let line = &ledger.lines[&(id.market, vault)];
        let mut book = Book::read(ledger);
        book.borrower(id);
        let before = book.lenders[&vault].debt.clone();
        book.owe(id, vault, amount);
        let own = book.borrowers[id].owed[&vault].clone();
        book.rewrite(id);
        let ceil = |bound: &Bound| Bound { high: bound.high.ceil(), ..bound.clone() };
        let grown = ceil(&book.lenders[&vault].debt);
        let index = reading::index(ledger, vault);
        let drawn = reading::debt(line.owed, &index);
        let more = Bound {
            exact: &grown.exact - &before.exact + &drawn,
            low: &grown.low - &before.exact + &drawn,
            high: &grown.high - &before.exact + &drawn + whole(1),
        };
        let capped = [above(&grown, &units(record.borrow_cap)), above(&more, &units(line.cap))];
        let capped = match capped {
            [Some(false), Some(false)] => Some(false),
            [Some(true), _] | [_, Some(true)] => Some(true),
            _ => None,
        };
        let small = not(Bound::just(units(line.min_debt)).is_at_most(&ceil(&own)));
        let group = group_of(ledger, id);
        let place = ledger.markets[&id.market].vaults.iter().position(|one| *one == vault);
        let outside = ledger
            .groups
            .get(&(id.market, group))
            .is_some_and(|group| group.vaults >> place.unwrap() & 1 == 0);
        let standing = self.afterwards(ledger, id, (&book, group));
        vec![
            surely("ZeroAmount", amount.is_zero()),
            surely("VaultPaused", record.paused),
            surely("Illiquid", *amount > units(record.cash)),
            surely("OutsideGroup", outside),
            ("CapExceeded", capped),
            ("DebtBelowMinimum", small),
            ("AboveLimit", not(standing.within_limit())),
        ]
    }

    fn regroup(&self, ledger: &MemoryLedger, id: &AccountId, group: GroupId) -> Reasons {
        let old = group_of(ledger, id);
        let mut book = Book::read(ledger);
        let owed = book.borrower(id).owed.clone();
        let known = ledger.groups.get(&(id.market, group));
        let vaults = &ledger.markets[&id.market].vaults;
        let member = |vault| {
            let place = vaults.iter().position(|one| one == vault).unwrap();
            known.is_none_or(|group| group.vaults >> place & 1 == 1)
        };
        let mut reasons = vec![
            surely("SameGroup", old == group),
            surely("UnknownGroup", !group.is_none() && known.is_none()),
            surely("OutsideGroup", !owed.keys().all(member)),
        ];
        if !owed.is_empty() {
            book.rewrite(id);
            let standing = self.afterwards(ledger, id, (&book, group));
            reasons.push(("AboveLimit", not(standing.within_limit())));
        }
        reasons
    }

    fn liquidate(
        &self,
        ledger: &MemoryLedger,
        id: &AccountId,
        (vault, asset): (VaultId, AssetId),
        max_repay: Assets,
    ) -> Reasons {
        let book = Book::read(ledger);
        let Some(borrower) = book.borrowers.get(id) else {
            return vec![surely("Healthy", true), surely("NoDebt", true)];
        };
        let (pledged, owed) = reading::position(self, ledger, id);
        let standing = Standing::of(&pledged, &owed);
        let mut reasons = vec![
            ("Healthy", standing.healthy()),
            surely("NoDebt", !borrower.owed.contains_key(&vault)),
            surely("InsufficientCollateral", !borrower.pledged.contains_key(&asset)),
        ];
        if reasons.iter().any(|(_, applies)| *applies == Some(true)) {
            return reasons;
        }
        let scene = super::Scene { before: ledger.clone(), after: ledger.clone(), events: &[] };
        let sale = self.sale(&book, &scene, id, (vault, asset));
        let gain = bonus(&sale);
        // So little may improve nothing.
        let unit = coarse(ledger, &sale, vault);
        let worth = &sale.pledged.0 * &sale.pledged.1 / &sale.owed.1;
        let sizeable = units(max_repay) > unit && sale.owed.0 > unit && worth > unit;
        let sign = |bound: &Bound| above(bound, &Exact::zero());
        let partial = standing.covered();
        let worsens = if partial == Some(false) { Some(false) } else { not(sign(&gain)) };
        // What a dollar that is repaid improves, and what all that is repaid has to.
        let threshold = bps(sale.threshold);
        let improves = health_between(&standing).low - threshold * (whole(1) + &gain.high);
        let repaid = units(max_repay).min(worth) * &sale.owed.1;
        let visible = sizeable && repaid * improves > unit * &sale.owed.1;
        let worsens = worsens.filter(|worse| if *worse { partial.is_some() } else { visible });
        reasons.push(("LiquidationWouldWorsen", worsens));
        // An offer that covers all that is owed is enough for whatever goes in one piece.
        let owed = owed.iter().fold(Exact::zero(), |sum, owed| sum + owed.amount.high.ceil());
        let enough = units(max_repay) > owed * whole(2);
        reasons.push(("CloseOutNeeds", enough.then_some(false)));
        let zero = (sizeable && sale.pledged.0 > whole(4)).then_some(false);
        reasons.push(("ZeroAmount", if max_repay.is_zero() { Some(true) } else { zero }));
        reasons.push(("ZeroShares", zero));
        reasons
    }
}

fn name_of(error: &Error) -> String {
    let text = format!("{error:?}");
    text.chars().take_while(char::is_ascii_alphanumeric).collect()
}

fn group_of(ledger: &MemoryLedger, id: &AccountId) -> GroupId {
    ledger.accounts.get(id).map_or(GroupId::NONE, |account| account.group)
}

fn entering(ledger: &MemoryLedger, actor: Address, act: Act) -> Reasons {
    let (Act::Deposit(vault, _) | Act::Mint(vault, _)) = act else { return Vec::new() };
    let record = &ledger.vaults[&vault];
    let pool = reading::pool(ledger, vault);
    let room = units(record.supply_cap) - &pool.assets;
    let funds = held(ledger, Token::of(record.asset), actor);
    let lost = !pool.shares.is_zero() && pool.assets.is_zero();
    let mut reasons = vec![surely("VaultPaused", record.paused), surely("VaultWipedOut", lost)];
    match act {
        Act::Deposit(_, assets) => {
            let assets = units(assets);
            reasons.push(surely("ZeroAmount", assets.is_zero()));
            reasons.push(surely("ExceededMaxDeposit", assets > room));
            reasons.push(surely("ZeroShares", pool.shares_for(&assets) < whole(1)));
            reasons.push(surely("InsufficientBalance", assets > funds));
        }
        Act::Mint(_, minted) => {
            let assets = pool.assets_for(&shares(minted));
            reasons.push(surely("ZeroAmount", minted.is_zero()));
            reasons.push(surely("ExceededMaxMint", assets > room));
            reasons.push(surely("InsufficientBalance", assets.ceil() > funds));
        }
        _ => {}
    }
    reasons
}

fn leaving(ledger: &MemoryLedger, actor: Address, act: Act) -> Reasons {
    let (Act::Withdraw(vault, _) | Act::Redeem(vault, _) | Act::RequestExit(vault, _)) = act else {
        return Vec::new();
    };
    let pool = reading::pool(ledger, vault);
    let cash = units(ledger.vaults[&vault].cash);
    let owned = held(ledger, Token::Share(vault), actor);
    let lost = !pool.shares.is_zero() && pool.assets.is_zero();
    match act {
        Act::Withdraw(_, assets) => {
            let assets = units(assets);
            vec![
                surely("ZeroAmount", assets.is_zero()),
                surely("Illiquid", assets > cash),
                surely("ExceededMaxWithdraw", pool.shares_for(&assets) > owned),
            ]
        }
        Act::Redeem(_, burned) => {
            let burned = shares(burned);
            let worth = pool.assets_for(&burned).floor();
            vec![
                surely("ZeroAmount", burned.is_zero() || worth.is_zero() && !lost),
                surely("Illiquid", worth > cash),
                surely("ExceededMaxRedeem", burned > owned),
            ]
        }
        Act::RequestExit(_, queued) => {
            let queued = shares(queued);
            let worth = pool.assets_for(&queued).floor();
            vec![
                surely("ZeroAmount", worth.is_zero()),
                surely("InsufficientBalance", queued > owned),
            ]
        }
        _ => Vec::new(),
    }
}

fn repay(
    ledger: &MemoryLedger,
    payer: Address,
    id: &AccountId,
    (vault, amount): (VaultId, Assets),
) -> Reasons {
    let mut book = Book::read(ledger);
    let nothing = Bound::just(Exact::zero());
    let owed = book.borrower(id).owed.get(&vault).cloned().unwrap_or(nothing);
    let paid = units(amount).min(owed.exact.ceil());
    let funds = held(ledger, Token::of(ledger.vaults[&vault].asset), payer);
    let min_debt = Bound::just(units(ledger.lines[&(id.market, vault)].min_debt));
    let mut reasons = vec![
        surely("ZeroAmount", amount.is_zero()),
        surely("NoDebt", owed.exact.is_zero()),
        surely("InsufficientBalance", paid > funds),
    ];
    if paid < owed.exact.ceil() {
        book.owe(id, vault, &-&paid);
        let left = &book.borrowers[id].owed[&vault];
        let left = Bound { high: left.high.ceil(), ..left.clone() };
        reasons.push(("DebtBelowMinimum", not(min_debt.is_at_most(&left))));
        // A share is worth the index: less than some of them may clear nothing.
        let little = reading::index(ledger, vault) * whole(4) + whole(4);
        reasons.push(("ZeroShares", (paid > little).then_some(false)));
    }
    reasons
}
