//! What the screen shows: prices, vaults, accounts near the edge, liquidations.

use alloy_primitives::U256;

use super::Moment;
use crate::{
    amounts::{bps, gas_price, per_year, percent, price, short, tokens, usd},
    calendar::minute,
    demo::world::ASSETS,
    reading::{Answers, Names, VaultReading, vaults},
    table::{Column, table},
    tally::{Liquidation, Tally},
    ties::TieLog,
};

/// Prices in one row.
const PRICES_IN_ROW: usize = 5;

/// Characters of the progress bar.
const BAR: usize = 40;

/// What was read of the chain for one picture.
pub(crate) struct Board {
    vaults: Vec<VaultReading>,
    names: Names,
    url: String,
    ties: TieLog,
}

impl Board {
    /// Reads the vaults of a chain.
    pub(crate) fn read(of: &dyn Answers, url: &str, ties: &TieLog) -> anyhow::Result<Self> {
        Ok(Self {
            vaults: vaults(of)?,
            names: Names::read(of)?,
            url: url.to_owned(),
            ties: ties.clone(),
        })
    }

    /// The picture's lines.
    pub(crate) fn lines(&self, moment: &Moment<'_>) -> Vec<String> {
        let Moment { header, tally, edges, progress: (passed, steps) } = moment;
        let done = BAR * passed / (*steps).max(1);
        let mut lines = vec![
            format!(
                " Gage · {} UTC · block {} · {}",
                minute(header.timestamp),
                header.number,
                self.url
            ),
            format!(" [{:<BAR$}] {passed}/{steps} steps", "=".repeat(done)),
            String::new(),
        ];
        lines.extend(price_rows(tally));
        lines.push(String::new());
        lines.extend(self.vault_rows());
        lines.push(String::new());
        lines.push(format!(
            " Accounts   in debt {}   health < 1.1: {}   < 1.05: {}   < 1: {}",
            edges.in_debt, edges.below_1_1, edges.below_1_05, edges.below_1
        ));
        lines.push(format!(
            " Liquidations {}   repaid {}   seized {}   mean bonus {}",
            tally.liquidations,
            usd(tally.repaid_value),
            usd(tally.seized_value),
            bps(tally.mean_bonus_bps().saturating_to()),
        ));
        lines.push(format!(" Bad debt {}", usd(bad_debt(tally))));
        lines.push(format!(
            " Blocks {}   transactions {}   gas {} M   base fee {}   totals {}",
            tally.blocks(),
            tally.transactions,
            tally.gas / 1_000_000,
            gas_price(header.base_fee_per_gas.unwrap_or_default()),
            self.totals(),
        ));
        lines.push(String::new());
        lines.extend(tally.recent.iter().map(|liquidation| self.liquidation_row(liquidation)));
        lines.push(String::new());
        lines
            .push(" Ctrl-C ends; a second start goes on from here (unless --ephemeral)".to_owned());
        lines
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

    fn liquidation_row(&self, liquidation: &Liquidation) -> String {
        let Liquidation { time, account, pairs } = liquidation;
        let pairs: Vec<String> = pairs
            .iter()
            .map(|pair| {
                let vault = self.vaults.iter().find(|vault| vault.id == pair.vault);
                let (owed, decimals) = vault
                    .map_or(("?", 0), |vault| (vault.asset.symbol.as_str(), vault.asset.decimals));
                format!(
                    "repaid {} {owed}, seized {} {} (+{})",
                    tokens(pair.repaid, decimals),
                    tokens(pair.seized, self.names.decimals(pair.asset)),
                    self.names.symbol(pair.asset),
                    bps(pair.bonus),
                )
            })
            .collect();
        format!(" {}  {}  {}", minute(*time), short(account.owner), pairs.join("; "))
    }
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
