//! Liquidations, sweeps, bids and what becomes of bad debt.

use std::collections::BTreeMap;

use gage_core::sweep::SweepReason;
use gage_core::{
    AccountId, Address, AssetId, Event, MarginModel, MemoryLedger, Token, VaultId, bids,
};
use gage_model::{
    Aim, Bound, Exact, Owed, Sale, Standing, bear, bonus, curve_bonus, ratio, repayment, seizable,
    ulp, whole,
};
use num_traits::Zero;

use super::book::Book;
use super::reading::{self, shares, units};
use super::{Beside, Scene};

/// What the liquidation of an account says of itself.
struct Told {
    liquidator: Address,
    bonus_points: Exact,
    repaid: BTreeMap<VaultId, Exact>,
    seized: BTreeMap<AssetId, Exact>,
}

impl Told {
    fn of(scene: &Scene<'_>, id: &AccountId) -> Self {
        let mut told = Self {
            liquidator: Address::ZERO,
            bonus_points: Exact::zero(),
            repaid: BTreeMap::new(),
            seized: BTreeMap::new(),
        };
        for event in scene.events {
            if let Event::Liquidated {
                account,
                liquidator,
                vault,
                asset,
                repaid,
                seized,
                bonus,
                ..
            } = event
                && account == id
            {
                (told.liquidator, told.bonus_points) = (*liquidator, whole(bonus.get()));
                *told.repaid.entry(*vault).or_insert_with(Exact::zero) += units(*repaid);
                *told.seized.entry(*asset).or_insert_with(Exact::zero) += units(*seized);
            }
        }
        told
    }
}

/// So many units of a debt, or fewer, may move one side of a sale only: what is worth a few units of either side, shares
/// of the debt, or 10^-18 dollars.
pub(crate) fn coarse(ledger: &MemoryLedger, sale: &Sale, vault: VaultId) -> Exact {
    let unit = (&sale.pledged.1 + whole(1)) / &sale.owed.1;
    (unit + reading::index(ledger, vault) + whole(1)) * whole(4)
}

impl Beside {
    /// The values of an account in the middle of a step.
    fn standing(&self, book: &Book, scene: &Scene<'_>, id: &AccountId) -> Standing {
        let account = &scene.before.accounts[id];
        let borrower = &book.borrowers[id];
        let pledged = borrower.pledged.iter().map(|(asset, amount)| {
            reading::pledged(self, &scene.before, (id, account), (*asset, amount))
        });
        let owed = borrower.owed.iter().map(|(vault, amount)| Owed {
            amount: amount.clone(),
            price: reading::debt_price(&scene.before, (id.market, *vault)),
        });
        Standing::of(&pledged.collect::<Vec<_>>(), &owed.collect::<Vec<_>>())
    }

    /// A sale of one collateral for one debt as things stand in the book.
    pub(crate) fn sale(
        &self,
        book: &Book,
        scene: &Scene<'_>,
        id: &AccountId,
        (vault, asset): (VaultId, AssetId),
    ) -> Sale {
        let ledger = &scene.before;
        let market = &ledger.markets[&id.market];
        let borrower = &book.borrowers[id];
        let amount = borrower.pledged[&asset].clone();
        let account = &ledger.accounts[id];
        let terms = reading::pledged(self, ledger, (id, account), (asset, &amount));
        let price = reading::collateral_price(ledger, (id.market, asset));
        let debt_price = reading::debt_price(ledger, (id.market, vault));
        Sale {
            standing: self.standing(book, scene, id),
            target: reading::from_wad(market.target_health.get()),
            full: reading::from_wad(market.full_bonus_health.get()),
            threshold: terms.threshold,
            bonus: terms.bonus,
            pledged: (amount, price),
            owed: (borrower.owed[&vault].high.ceil(), debt_price),
            min_debt: units(ledger.lines[&(id.market, vault)].min_debt),
        }
    }

    /// Follows a liquidation whole, at its first event.
    pub(crate) fn liquidated(&mut self, book: &mut Book, scene: &Scene<'_>, id: &AccountId) {
        if core::mem::replace(&mut book.liquidated, true) {
            return;
        }
        let told = Told::of(scene, id);
        let standing = self.standing(book, scene, id);
        let by_thresholds = scene.before.markets[&id.market].margin == MarginModel::Threshold;
        if by_thresholds {
            let unhealthy = standing.healthy().map(|healthy| !healthy);
            self.tally.decide("liquidatable", unhealthy, true);
        }
        let account = scene.after.accounts.get(id);
        let emptied = account.is_none_or(|account| !account.has_debt());
        let closed = emptied && told.repaid.len() == book.borrowers[id].owed.len();
        let partial = standing.covered().unwrap_or(!closed);
        if partial {
            self.partial(book, scene, id, (&told, by_thresholds));
        } else {
            self.close_out(book, scene, id, (&told, &standing));
        }
        let borrower = book.borrower(id);
        (borrower.reprices, borrower.sold) = (true, true);
    }

    /// One collateral for one debt, back to the target.
    fn partial(
        &mut self,
        book: &mut Book,
        scene: &Scene<'_>,
        id: &AccountId,
        (told, by_thresholds): (&Told, bool),
    ) {
        let ((vault, repaid), (asset, seized)) =
            (told.repaid.first_key_value().unwrap(), told.seized.first_key_value().unwrap());
        assert_eq!((told.repaid.len(), told.seized.len()), (1, 1), "one pair");
        let sale = self.sale(book, scene, id, (*vault, *asset));
        if by_thresholds {
            let gain = bonus(&sale);
            let points = |part: &Exact| (part * whole(10_000)).floor();
            let in_points = Bound {
                exact: points(&gain.exact),
                low: points(&gain.low),
                high: points(&gain.high),
            };
            self.tally.check("bonus", &in_points, &told.bonus_points);
            self.tally.check("seized", &seizable(&sale, repaid, &gain), seized);
            let offered = self.offered.map(whole);
            let without = Exact::from_integer(num_bigint::BigInt::from(1) << 200);
            let aim = Aim { max_repay: offered.clone().unwrap_or(without) };
            let mut wanted = repayment(&sale, &aim, &gain);
            if offered.is_none() {
                // What the liquidator offered is not known: no more than the rules allow.
                wanted.low = Exact::zero();
            }
            if wanted.low < coarse(&scene.before, &sale, *vault) {
                // So little may repay no share of the debt, or improve nothing: then all goes that can.
                let all = repayment(&Sale { target: whole(1_u64 << 40), ..sale }, &aim, &gain);
                wanted.high = wanted.high.max(all.high);
            }
            self.tally.check("repaid", &wanted, repaid);
        }
        self.pay(book, scene, told.liquidator, (*vault, repaid));
        book.owe(id, *vault, &-repaid);
        book.pledge(id, *asset, -seized.clone());
    }

    /// All collateral for a part of every debt; the rest is lost.
    fn close_out(
        &mut self,
        book: &mut Book,
        scene: &Scene<'_>,
        id: &AccountId,
        (told, standing): (&Told, &Standing),
    ) {
        for (asset, amount) in book.borrowers[id].pledged.clone() {
            let seized = told.seized.get(&asset).cloned().unwrap_or_else(Exact::zero);
            self.tally.check("seized of an insolvent", &Bound::just(amount), &seized);
            book.pledge(id, asset, -seized);
        }
        let (cover, debt) = (&standing.cover, &standing.debt);
        for (vault, owed) in book.borrowers[id].owed.clone() {
            let repaid = told.repaid.get(&vault).cloned().unwrap_or_else(Exact::zero);
            let part = Bound {
                exact: &owed.exact * &cover.exact / &debt.exact,
                low: &owed.low * &cover.low / &debt.high,
                high: owed.high.ceil() * &cover.high / &debt.low + whole(1),
            };
            self.tally.check("repaid of an insolvent", &part, &repaid);
            self.lose(book, scene, (id, vault), &repaid);
            self.pay(book, scene, told.liquidator, (vault, &repaid));
            book.change(id, vault, Bound::just(Exact::zero()));
        }
    }

    /// Follows a liquidator's payment: assets are cash, shares are burned at the price of now.
    fn pay(
        &mut self,
        book: &mut Book,
        scene: &Scene<'_>,
        liquidator: Address,
        (vault, repaid): (VaultId, &Exact),
    ) {
        let burned = scene.events.iter().find_map(|event| match event {
            Event::Transfer { token, from, to, value }
                if *token == Token::Share(vault) && *from == liquidator && to.is_zero() =>
            {
                Some(whole(*value))
            }
            _ => None,
        });
        let lender = book.lender(vault);
        if let Some(burned) = burned {
            self.tally.check("paid in shares", &lender.shares_up(repaid), &burned);
            lender.shares -= burned;
        } else {
            lender.cash += repaid;
        }
    }

    /// Follows what is lost of a debt when `repaid` of it is paid: who bears it.
    fn lose(
        &mut self,
        book: &mut Book,
        scene: &Scene<'_>,
        (id, vault): (&AccountId, VaultId),
        repaid: &Exact,
    ) {
        let told = scene.events.iter().find_map(|event| match event {
            Event::LossRealised {
                vault: of,
                shortfall,
                from_first_loss,
                from_reserves,
                from_lenders,
                ..
            } if *of == vault => Some(
                [shortfall, from_first_loss, from_reserves, from_lenders].map(|one| units(*one)),
            ),
            _ => None,
        });
        let owed = book.borrowers[id].owed[&vault].clone();
        let [shortfall, stakes, reserves, lenders] =
            told.unwrap_or_else(|| core::array::from_fn(|_| Exact::zero()));
        let lost = Bound {
            exact: &owed.exact - repaid,
            low: &owed.low - repaid,
            high: &owed.high - repaid,
        };
        self.tally.check("lost", &lost.wider(&whole(1), &whole(1)), &shortfall);
        let key = (id.market, vault);
        let lender = book.lender(vault).clone();
        let before = scene.before.tranches.get(&key);
        let staked = book.staked.get(&key).cloned().unwrap_or_else(Exact::zero);
        let units_of = whole(before.map_or(0, |tranche| tranche.units.get()));
        let left = scene
            .after
            .tranches
            .get(&key)
            .map_or_else(Exact::zero, |tranche| shares(tranche.shares));
        let burned = &staked - left;
        if !staked.is_zero() {
            let ends = lender.pools().map(|pool| bear(&shortfall, [&staked, &units_of], &pool));
            let [one, other] = &ends;
            let part = |low: &Exact, high: &Exact| Bound {
                exact: low.clone(),
                low: low.min(high) - whole(1),
                high: low.max(high) + whole(1),
            };
            let borne = part(&one.stakes, &other.stakes);
            self.tally.check("borne by stakes", &borne.wider(&Exact::zero(), &-whole(1)), &stakes);
            self.tally.check("stakes burned", &part(&one.burned, &other.burned), &burned);
            book.staked.insert(key, &staked - &burned);
        }
        let rest = &shortfall - &stakes;
        let kept = rest.clone().min(lender.reserves.clone());
        self.tally.check("borne by reserves", &Bound::just(kept.clone()), &reserves);
        self.tally.check("borne by lenders", &Bound::just(rest - kept), &lenders);
        book.change(id, vault, Bound::just(repaid.clone()));
        let lender = book.lender(vault);
        lender.debt = lender.debt.wider(&whole(1), &whole(1));
        lender.reserves -= reserves;
        lender.shares -= burned;
    }

    /// Follows a debt that nothing secures any more.
    pub(crate) fn written_off(
        &mut self,
        book: &mut Book,
        scene: &Scene<'_>,
        id: &AccountId,
        vault: VaultId,
    ) {
        let sold =
            |event: &Event| matches!(event, Event::Liquidated { account, .. } if account == id);
        if scene.events.iter().any(sold) {
            self.liquidated(book, scene, id);
        } else {
            self.lose(book, scene, (id, vault), &Exact::zero());
        }
    }

    /// Follows a purchase of a tier's bids.
    pub(crate) fn filled(
        &mut self,
        book: &mut Book,
        scene: &Scene<'_>,
        event: &Event,
        id: &AccountId,
    ) {
        let Event::BidsFilled { queue, tier, shares: spent, repaid, seized, .. } = event else {
            return;
        };
        let (spent, repaid, seized) = (shares(*spent), units(*repaid), units(*seized));
        let pair = (queue.vault, queue.asset);
        let why = scene.events.iter().find_map(|event| match event {
            Event::Swept { account, reason, .. } if account == id => Some(*reason),
            _ => None,
        });
        let discount = ratio(u32::from(tier.get()) * 50, 10_000);
        let gain = Bound::down(&discount / (whole(1) - &discount), &ulp(18));
        let mut sale = self.sale(book, scene, id, pair);
        let mut buys = seizable(&sale, &repaid, &gain);
        if why == Some(SweepReason::Insolvent) {
            // What is sold may be given, a vault's part of the collateral: it is paid for in whole units of the debt.
            buys.low = seizable(&sale, &(&repaid - whole(1)), &gain).low;
        }
        self.tally.check("bought by bids", &buys, &seized);
        let by_thresholds = scene.before.markets[&id.market].margin == MarginModel::Threshold;
        if why == Some(SweepReason::StopLoss) {
            sale.target = reading::from_wad(scene.before.stop_losses[id].target.get());
        } else if by_thresholds {
            let judged = self.sale(&Book::read(&scene.before), scene, id, pair);
            let most = match why {
                Some(SweepReason::Insolvent) => gage_model::bps(judged.bonus[0]),
                _ => curve_bonus(&judged).high,
            };
            assert!(gain.low <= most, "{tier:?} gains more than a liquidator: {gain:?}");
        }
        if why != Some(SweepReason::Insolvent) && by_thresholds {
            let aim = Aim { max_repay: Exact::from_integer(num_bigint::BigInt::from(1) << 200) };
            let mut most = Bound { low: Exact::zero(), ..repayment(&sale, &aim, &gain) };
            // What a dollar repaid brings the account nearer to the target has eighteen digits in the engine.
            let nearer = &sale.target - gage_model::bps(sale.threshold) * (whole(1) + &gain.high);
            if nearer > Exact::zero() {
                most.high += &most.exact * ulp(18) / nearer;
            }
            self.tally.check("repaid by bids", &most, &repaid);
        }
        let all = shares(scene.before.tiers[&(*queue, *tier)].shares);
        let lender = book.lender(queue.vault);
        let needed = lender.shares_up(&repaid);
        if spent == all && !needed.holds(&spent) {
            assert!(lender.assets_down(&spent).low <= repaid, "a tier pays less than it could");
        } else {
            self.tally.check("shares spent by bids", &needed, &spent);
        }
        lender.shares -= &spent;
        book.owe(id, queue.vault, &-&repaid);
        book.pledge(id, queue.asset, -seized.clone());
        let borrower = book.borrower(id);
        (borrower.reprices, borrower.sold) = (true, true);
        let bids = self.tiers.get_mut(&(*queue, *tier)).unwrap();
        bids.fill(&spent, &seized, &all);
    }

    /// Follows what a bidder did.
    pub(crate) fn bid(&mut self, book: &mut Book, scene: &Scene<'_>, event: &Event) {
        let (id, [left, claimed]) = match event {
            Event::BidPlaced { bid, shares: placed } => {
                let tier = self.tiers.entry((bid.queue, bid.tier)).or_default();
                return tier.place(bid.bidder, &shares(*placed));
            }
            Event::BidWithdrawalAnnounced { bid, .. } => {
                let tier = self.tiers.get_mut(&(bid.queue, bid.tier)).unwrap();
                return tier.take(&bid.bidder, &Exact::zero(), &Exact::zero());
            }
            Event::BidWithdrawn { bid, shares: left, .. } => (bid, [shares(*left), Exact::zero()]),
            Event::BidClaimed { bid, amount, .. } => (bid, [Exact::zero(), units(*amount)]),
            _ => return,
        };
        let tier = self.tiers.get_mut(&(id.queue, id.tier)).unwrap();
        tier.take(&id.bidder, &left, &claimed);
        if scene.after.bids.contains_key(id) {
            return;
        }
        tier.forget(&id.bidder);
        let key = (id.queue, id.tier);
        if scene.after.tiers.get(&key).is_none_or(|tier| tier.bids == 0) {
            // With the last bid goes what rounding left of the tier's shares, to all lenders' gain.
            let held = shares(scene.before.tiers[&key].shares);
            book.lender(id.queue.vault).shares -= held - left;
        }
    }

    /// Holds every bid against its exact part of all fills.
    pub(crate) fn bids(&mut self, ledger: &MemoryLedger) {
        let mut count = 0;
        for ((queue, tier), bids) in &self.tiers {
            for (bidder, [waits, bought]) in bids.bids() {
                let id = gage_core::BidId { queue: *queue, tier: *tier, bidder };
                let state = bids::bid(&mut ledger.clone(), &id).unwrap();
                self.tally.check("bid waits", &waits, &shares(state.shares));
                self.tally.check("bid bought", &bought, &units(state.bought));
                count += 1;
            }
        }
        assert_eq!(count, ledger.bids.len(), "bids");
    }
}

/// An insolvent account is sold whole or not at all.
pub(crate) fn swept(book: &Book, id: AccountId, reason: SweepReason) {
    if reason == SweepReason::Insolvent {
        let borrower = &book.borrowers[&id];
        let sold = borrower.pledged.values().all(Zero::is_zero);
        let repaid = borrower.owed.values().all(|owed| owed.low.is_zero());
        assert!(sold || repaid, "a part of an insolvent account was sold: {borrower:?}");
    }
}
