//! Every public function of the protocol, in one binary: what `search` looks for panics in.
//!
//! The operations are made for a ledger behind a pointer, so that the machine code is theirs and no ledger's.
#![allow(unreachable_pub, reason = "a binary has no outside")]

use std::hint::black_box;

use gage_core::exits::places;
use gage_core::feed::{creation, freeze};
use gage_core::pool::observing;
use gage_core::{
    AccountId, Ledger, Wad, address, aggregate, bids, borrowing, breaker, curation, delegation,
    doubt, exits, explain, exposure, factor, feed, first_loss, fixed, groups, interest, lending,
    liquidation, listing, margin, meter, pause, portfolio, premium, protocol, quote, rates,
    rebasing, recognition, rehoming, shares, signers, sources, stop_loss, sweep, terms, token,
    watch::Watch,
};

/// Names public functions of a module that take a ledger, each with as many places as it takes arguments.
macro_rules! operations {
    ($($module:ident { $($name:ident($($argument:tt),*);)* })*) => {
        $($(black_box($module::$name::<dyn Ledger> as fn($($argument),*) -> _);)*)*
    };
}

/// Names public functions of a module that take values only.
macro_rules! formulas {
    ($($module:ident { $($name:ident($($argument:tt),*);)* })*) => {
        $($(black_box($module::$name as fn($($argument),*) -> _);)*)*
    };
}

fn main() {
    operations();
    formulas();
    index();
}

/// The index of accounts, and what is computed along a path, take iterators.
fn index() {
    type Suspects = fn(&Watch, &mut dyn Ledger) -> Result<Vec<AccountId>, gage_core::Stop>;
    let suspects: Suspects = |watch, ledger| watch.suspects(ledger);
    black_box(suspects);
    type File =
        fn(&mut Watch, &mut dyn Ledger, Vec<(AccountId, Wad)>) -> Result<(), gage_core::Stop>;
    let file: File = |watch, ledger, alerts| watch.file(ledger, alerts);
    black_box(file);
    type Along = fn(gage_core::InterestModel, Vec<(u64, Wad)>) -> Vec<rates::Stretch>;
    let along: Along = |model, path| rates::along(model, gage_core::Bps::ONE, path).collect();
    black_box(along);
}

#[allow(clippy::too_many_lines, reason = "a list")]
fn operations() {
    operations! {
        bids {
            bid(_, _);
            place_bid(_, _, _, _, _);
            announce_bid_withdrawal(_, _, _, _);
            withdraw_bid(_, _, _, _, _);
            claim_bid(_, _, _, _);
            tiers(_, _);
        }
        borrowing {
            supply_collateral(_, _, _, _, _);
            withdraw_collateral(_, _, _);
            borrow(_, _, _);
            repay(_, _, _, _, _);
            debt_of(_, _, _);
            collateral_of(_, _, _);
        }
        breaker {
            set_breaker(_, _, _, _);
        }
        curation {
            create_vault(_, _, _, _, _);
            set_curator(_, _, _, _);
            set_reserve_fee(_, _, _, _);
            set_caps(_, _, _, _);
            set_model(_, _, _, _);
            pause_vault(_, _, _);
            resume_vault(_, _, _);
            set_line_cap(_, _, _, _, _);
            collect_reserves(_, _, _, _, _);
        }
        delegation {
            void_signatures(_, _, _);
            set_operator(_, _, _, _, _);
            set_operator_signed(_, _, _, _, _);
            delegate_credit(_, _, _, _);
            delegate_credit_signed(_, _, _, _);
            receiver_for(_, _, _, _);
            borrow_for(_, _, _, _, _);
            withdraw_collateral_for(_, _, _, _, _);
            set_stop_loss_for(_, _, _, _);
            draw_credit(_, _, _, _, _);
        }
        exits {
            request_redeem(_, _, _, _);
            claim(_, _, _, _);
            exit_queue(_, _);
            exit_place(_, _);
        }
        places {
            place(_, _);
            transfer(_, _, _);
            approve(_, _, _, _);
            set_operator(_, _, _, _);
            places_of(_, _, _);
        }
        explain {
            explain(_, _);
            what_if(_, _, _);
        }
        exposure {
            sums_moved_at_most(_, _);
            set_factor_cap(_, _, _, _, _);
            set_ceiling(_, _, _, _, _);
            exposure_to_factor(_, _, _);
            exposure_to_collateral(_, _, _);
            backing(_, _);
        }
        factor {
            register_factor(_, _, _);
            tag_asset(_, _, _, _);
            untag_asset(_, _, _, _);
        }
        feed {
            set_growth(_, _, _, _);
            set_feed_terms(_, _, _, _);
            set_fallback(_, _, _, _);
            update(_, _);
            aggregate_now(_, _);
        }
        creation {
            create_feed(_, _, _, _);
            create_rate_feed(_, _, _, _, _);
            create_net_asset_value_feed(_, _, _, _, _);
            create_computed_feed(_, _, _, _, _);
            create_share_feed(_, _, _, _, _);
        }
        freeze {
            freeze(_, _, _, _);
            unfreeze(_, _, _);
        }
        first_loss {
            stake(_, _, _, _);
            announce_unstake(_, _, _);
            unstake(_, _, _, _, _);
            settle(_, _);
            set_first_loss_premium(_, _, _, _);
            mark_loss_pending(_, _);
            capital_of(_, _);
            claim_of(_, _);
        }
        groups {
            create_group(_, _, _, _, _);
            set_group_terms(_, _, _, _, _);
            add_group_members(_, _, _, _, _);
            enter_group(_, _, _, _);
            leave_group(_, _, _);
        }
        lending {
            deposit(_, _, _, _, _);
            mint(_, _, _, _, _);
            withdraw(_, _, _, _, _);
            redeem(_, _, _, _, _);
            accrue(_, _);
            preview_deposit(_, _, _);
            preview_mint(_, _, _);
            preview_withdraw(_, _, _);
            preview_redeem(_, _, _);
            max_deposit(_, _);
            max_mint(_, _);
            max_withdraw(_, _, _);
            max_redeem(_, _, _);
        }
        liquidation {
            liquidate(_, _, _, _);
            preview_liquidation(_, _, _);
        }
        listing {
            create_market(_, _, _);
            set_market_terms(_, _, _, _);
            set_market_owner(_, _, _, _);
            add_collateral(_, _, _, _, _);
            set_collateral(_, _, _, _, _);
            list_vault(_, _, _, _, _);
        }
        margin {
            legs_to_search(_, _, _);
            position(_, _);
            health(_, _);
        }
        meter {
            set_meter(_, _, _, _);
        }
        pause {
            set_pause(_, _, _, _);
            pause_for(_, _, _, _, _);
        }
        observing {
            set_pool_source(_, _, _, _, _);
            observe(_, _);
            pool_state(_, _, _);
        }
        portfolio {
            of_market(_, _);
            set_portfolio_margin(_, _, _, _);
            check_hedge(_, _, _, _);
        }
        premium {
            refresh_risk_premium(_, _);
        }
        protocol {
            create_asset(_, _, _);
            create_wrapped_native(_, _);
            set_governance(_, _, _);
            set_guardian(_, _, _);
        }
        quote {
            quote(_, _);
        }
        rebasing {
            create_rebasing(_, _, _, _);
            rebasing(_, _);
            pooled(_, _, _);
            shares(_, _, _);
            transfer_shares(_, _, _, _, _);
        }
        recognition {
            feeds(_, _);
            recognise(_, _, _, _);
            withdraw(_, _, _);
        }
        rehoming {
            rehome(_, _, _);
            preview(_, _);
        }
        signers {
            set_signers(_, _, _, _);
            valid_set(_, _);
        }
        sources {
            set_source(_, _, _, _);
            remove_source(_, _, _, _);
            record(_, _, _);
            standings(_, _);
        }
        stop_loss {
            set_stop_loss(_, _, _, _);
        }
        sweep {
            plan_sweep(_, _);
            sweep(_, _);
            write_off(_, _);
        }
        terms {
            schedule_move(_, _, _, _, _);
        }
        token {
            transfer(_, _, _, _, _);
            balance_of(_, _, _);
            transfer_from(_, _, _);
            approve(_, _, _, _, _);
            permit(_, _, _, _);
            mint(_, _, _, _, _);
            burn(_, _, _, _);
            set_issuer(_, _, _, _);
            wrap(_, _, _, _);
            unwrap(_, _, _, _);
        }
    }
}

fn formulas() {
    formulas! {
        address {
            vault(_);
            asset(_);
            collateral_at(_);
            exits(_);
            rebasing(_);
            token(_);
            custody(_);
            market_custody();
        }
        aggregate {
            aggregate(_, _, _);
            bit(_);
        }
        doubt {
            smoothed(_, _, _);
        }
        exposure {
            backing_of(_, _);
            split(_, _);
        }
        fixed {
            mul_div_down(_, _, _);
            mul_div_up(_, _, _);
            mul_div_down_saturating(_, _, _);
            mul_div_up_saturating(_, _, _);
            product_at_most(_, _, _, _);
        }
        interest {
            kinked_per_year(_, _, _);
            growth(_, _);
            grown(_, _);
        }
        liquidation {
            plan_liquidation(_, _, _);
            bonus_curve(_, _, _, _);
        }
        margin {
            collateral_value(_, _, _);
            debt_value(_, _, _);
            health_factor(_, _);
        }
        observing {
            source_id(_);
        }
        premium {
            premium_of(_, _);
        }
        rates {
            effective(_);
            supply_rate(_, _, _);
            places(_, _);
            curve(_, _, _);
        }
        rebasing {
            pooled_by_shares(_, _);
            shares_by_pooled(_, _);
            shares_to_move(_, _);
        }
        shares {
            shares_to_owe(_, _);
            shares_to_clear(_, _);
            debt_of_shares(_, _);
        }
    }
}
