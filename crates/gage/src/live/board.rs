//! What the screen shows: prices, vaults, the bid queue, accounts near the edge, liquidations.

use alloy_primitives::U256;

use super::{Moment, queues, sold};
use crate::{
    amounts::{blocks, bps, gas_price, per_year, percent, price, tokens, usd},
    calendar::minute,
    demo::world::ASSETS,
    depth::Depth,
    reading::{Answers, Names, VaultReading, exits_waiting, vaults},
    table::{Column, table},
    tally::{Sum, Tally, Way},
    ties::TieLog,
};

/// Prices in one row.
const PRICES_IN_ROW: usize = 5;

/// Characters of the progress bar.
const BAR: usize = 24;

/// Liquidations that are listed where there is room.
const SOLD_MAX: usize = 24;

/// What was read of the chain for one picture.
pub(crate) struct Board {
    vaults: Vec<VaultReading>,
    names: Names,
    depth: Depth,
    /// What waits in exit queues, by vault.
    waiting: Vec<String>,
    url: String,
    ties: TieLog,
}

impl Board {
    /// Reads the vaults and the bid queue of a chain.
    pub(crate) fn read(
        of: &dyn Answers,
        tally: &Tally,
        (url, ties): (&str, &TieLog),
    ) -> anyhow::Result<Self> {
        let vaults = vaults(of)?;
        let depth = Depth::read(of, tally, &vaults)?;
        let mut waiting = Vec::new();
        for VaultReading { token, asset, .. } in &vaults {
            let worth = exits_waiting(of, token.address)?;
            if !worth.is_zero() {
                waiting.push(format!("{} {}", tokens(worth, asset.decimals), asset.symbol));
            }
        }
        let (url, ties) = (url.to_owned(), ties.clone());
        Ok(Self { waiting, vaults, names: Names::read(of)?, depth, url, ties })
    }

    /// The picture's lines, for a terminal of so many.
    pub(crate) fn lines(&self, moment: &Moment<'_>, rows: usize) -> Vec<String> {
        let Moment { header, tally, .. } = moment;
        let mut lines = vec![self.heading(moment), String::new()];
        lines.extend(price_rows(tally));
        lines.push(String::new());
        lines.extend(self.vault_rows());
        if !self.waiting.is_empty() {
            lines.push(format!(" Waiting to leave: {}", self.waiting.join(", ")));
        }
        lines.push(String::new());
        lines.extend(queues::rows(&self.depth));
        lines.push(String::new());
        lines.extend(account_rows(moment));
        lines.push(format!(
            " Blocks {}   transactions {}   gas {} M   base fee {}   totals {}",
            tally.blocks(),
            tally.transactions,
            tally.gas / 1_000_000,
            gas_price(header.base_fee_per_gas.unwrap_or_default()),
            self.totals(),
        ));
        lines.push(String::new());
        let room = rows.saturating_sub(lines.len() + 1).min(SOLD_MAX);
        let recent = tally.sales.recent.iter().take(room);
        lines.extend(recent.map(|sold| sold::row(&self.names, sold, header.timestamp)));
        lines.push(" Ctrl-C ends; a second start goes on (unless --ephemeral)".to_owned());
        lines
    }

    fn heading(&self, moment: &Moment<'_>) -> String {
        let Moment { header, progress: (passed, steps), .. } = moment;
        let done = BAR * passed / (*steps).max(1);
        format!(
            " Gage · {} UTC · block {} · {} [{:<BAR$}] {passed}/{steps}",
            minute(header.timestamp),
            header.number,
            self.url,
            "=".repeat(done)
        )
    }

    fn totals(&self) -> String {
        let TieLog { checks, broken } = &self.ties;
        match broken.len() {
            0 => format!("tie ({checks} checks)"),
            count => format!("DO NOT TIE ({count} of them)"),
        }
    }

    fn vault_rows(&self) -> Vec<String> {
        let columns = [
            Column::Left("vault"),
            Column::Right("lent in"),
            Column::Right("borrowed"),
            Column::Right("utilisation"),
            Column::Right("borrow rate"),
            Column::Right("supply rate"),
            Column::Right("losses"),
        ];
        let row = |vault: &VaultReading| {
            let VaultReading { state, asset, .. } = vault;
            vec![
                asset.symbol.clone(),
                tokens(state.totalAssets, asset.decimals),
                tokens(state.debt, asset.decimals),
                percent(state.utilisation),
                per_year(state.borrowRate),
                per_year(state.supplyRate),
                tokens(state.losses, asset.decimals),
            ]
        };
        let table = table(&columns, self.vaults.iter().map(row).collect());
        table.lines().map(|line| format!(" {line}")).collect()
    }
}

/// Who stands where, and what was sold to whom.
fn account_rows(moment: &Moment<'_>) -> Vec<String> {
    let Moment { tally, edges, .. } = moment;
    let (swept, orders) = (tally.sales.swept(), tally.sales.of(Way::StopLoss));
    let open = tally.sales.of(Way::Open);
    let line = |name: &str, sum: Sum, gain: String| {
        format!(
            " {name:<11}{:>4} accounts, {:>10} repaid, {gain}, longest wait {}",
            sum.accounts,
            usd(sum.repaid),
            blocks(sum.longest_wait)
        )
    };
    let off = |sum: Sum| format!("mean discount {:>6}", bps(sum.mean_discount_bps()));
    let losses = tally.losses.iter().map(|(vault, loss)| {
        let value = |amount| tally.vault_value(*vault, amount);
        [loss.from_first_loss, loss.from_reserves, loss.from_lenders].map(value)
    });
    let [stakes, reserves, lenders] = losses
        .fold([U256::ZERO; 3], |sum, loss| [sum[0] + loss[0], sum[1] + loss[1], sum[2] + loss[2]]);
    vec![
        format!(
            " Accounts   in debt {}   health < 1.1: {}   < 1.05: {}   < 1: {}   stop-loss orders {}",
            edges.in_debt,
            edges.below_1_1,
            edges.below_1_05,
            edges.below_1,
            tally.orders.len(),
        ),
        line("Swept", swept, off(swept)),
        line("Stop-losses", orders, off(orders)),
        line("Keeper", open, format!("mean bonus    {:>6}", bps(open.mean_bonus_bps()))),
        format!(
            " Bad debt   {}: stakes bore {}, reserves {}, lenders {}",
            usd(bad_debt(tally)),
            usd(stakes),
            usd(reserves),
            usd(lenders)
        ),
    ]
}

/// Dollars that no collateral covered, at today's prices.
pub(crate) fn bad_debt(tally: &Tally) -> U256 {
    tally
        .losses
        .iter()
        .fold(U256::ZERO, |sum, (vault, loss)| sum + tally.vault_value(*vault, loss.shortfall))
}

fn price_rows(tally: &Tally) -> Vec<String> {
    let cells: Vec<String> = (1..)
        .zip(&ASSETS)
        .map(|(feed, asset)| format!("{:>7} {:<12}", asset.symbol, price(tally.price(feed))))
        .collect();
    cells.chunks(PRICES_IN_ROW).map(|row| format!(" {}", row.concat())).collect()
}
