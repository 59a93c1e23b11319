//! The summary of a replay: who was liquidated, who bore what, and whether the totals tie.

mod sales;

use std::fmt::Write as _;

use crate::{
    amounts::{all_digits, bps, per_year, percent, tokens, usd},
    depth::Depth,
    live::bad_debt,
    reading::{Answers, Names, VaultReading},
    table::{Column, facts, table},
    tally::{Loss, Tally, Way},
    ties::{Relation, Tie, TieLog},
};

/// What a summary is made from.
pub(crate) struct Summary<'a> {
    pub(crate) title: String,
    pub(crate) tally: &'a Tally,
    pub(crate) log: &'a TieLog,
    /// The totals at the end.
    pub(crate) ties: &'a [Tie],
    names: Names,
    depth: Depth,
}

impl<'a> Summary<'a> {
    /// Reads the symbols and the queues that the summary needs.
    pub(crate) fn new(
        of: &dyn Answers,
        title: String,
        tally: &'a Tally,
        (log, ties): (&'a TieLog, &'a [Tie]),
    ) -> anyhow::Result<Self> {
        let names = Names::read(of)?;
        let depth = Depth::read(of, tally, names.vaults())?;
        Ok(Self { title, tally, log, ties, names, depth })
    }

    /// Whether every total tied, at the end and on the way.
    pub(crate) fn ties_hold(&self) -> bool {
        self.log.broken.is_empty() && self.ties.iter().all(Tie::holds)
    }

    /// As text.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("\n{}\n\n", self.title);
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}\n", self.totals());
        if self.tally.sales.all().accounts > 0 {
            let _ = writeln!(text, "Who bought, and at what price\n{}\n", sales::buyers(self));
        }
        if !self.tally.bid.is_empty() {
            let _ = writeln!(text, "The bid queue\n{}\n", sales::queue(self));
        }
        let _ = writeln!(text, "Vaults\n{}\n", self.vaults());
        if !self.tally.sales.seized.is_empty() {
            let _ = writeln!(text, "Collateral seized\n{}\n", sales::seized(self));
        }
        let _ = writeln!(text, "Bad debt, and who bore it\n{}\n", self.losses());
        let _ = writeln!(text, "Totals at the end\n{}\n", self.tie_table());
        let verdict = if self.ties_hold() {
            format!(
                "All totals tie: {} at the end, and in {} checks on the way.",
                self.ties.len(),
                self.log.checks
            )
        } else {
            format!("TOTALS DO NOT TIE: {} on the way.", self.log.broken.len())
        };
        let _ = writeln!(text, "{verdict}");
        for (block, tie) in &self.log.broken {
            let _ =
                writeln!(text, "  block {block}: {}: {} against {}", tie.name, tie.left, tie.right);
        }
        text
    }

    fn totals(&self) -> comfy_table::Table {
        let Tally { transactions, refused, gas, rejected_reports, sales, .. } = self.tally;
        let (all, orders) = (sales.all(), sales.of(Way::StopLoss));
        facts(&[
            ("Blocks", self.tally.blocks().to_string()),
            ("Transactions", format!("{transactions} ({refused} refused)")),
            ("Gas", format!("{} M", gas / 1_000_000)),
            ("Price reports refused", rejected_reports.to_string()),
            ("Accounts that borrowed", self.tally.accounts.len().to_string()),
            ("Liquidations", sales.liquidated().accounts.to_string()),
            ("Stop-losses carried out", orders.accounts.to_string()),
            ("Repaid", usd(all.repaid)),
            ("Sold", usd(all.seized)),
            ("Given away", format!("{} of what was sold", bps(all.mean_discount_bps()))),
            ("Bad debt", usd(bad_debt(self.tally))),
        ])
    }

    fn vaults(&self) -> comfy_table::Table {
        let columns = [
            Column::Left("vault"),
            Column::Right("assets"),
            Column::Right("cash"),
            Column::Right("debt"),
            Column::Right("reserves"),
            Column::Right("utilisation"),
            Column::Right("borrow rate"),
            Column::Right("supply rate"),
            Column::Right("repaid by liquidation"),
        ];
        let row = |vault: &VaultReading| {
            let VaultReading { id, token, asset, state } = vault;
            let amount = |value| tokens(value, asset.decimals);
            vec![
                token.symbol.clone(),
                amount(state.totalAssets),
                amount(state.cash),
                amount(state.debt),
                amount(state.reserves),
                percent(state.utilisation),
                per_year(state.borrowRate),
                per_year(state.supplyRate),
                amount(self.tally.sales.repaid.get(id).copied().unwrap_or_default()),
            ]
        };
        table(&columns, self.names.vaults().iter().map(row).collect())
    }

    fn losses(&self) -> comfy_table::Table {
        let columns = [
            Column::Left("vault"),
            Column::Right("bad debt"),
            Column::Right("borne by stakes"),
            Column::Right("paid by reserves"),
            Column::Right("borne by lenders"),
        ];
        let row = |vault: &VaultReading| {
            let loss = self.tally.losses.get(&vault.id).copied().unwrap_or_default();
            let Loss { shortfall, from_first_loss, from_reserves, from_lenders } = loss;
            let amount =
                |value| format!("{} {}", tokens(value, vault.asset.decimals), vault.asset.symbol);
            vec![
                vault.token.symbol.clone(),
                amount(shortfall),
                amount(from_first_loss),
                amount(from_reserves),
                amount(from_lenders),
            ]
        };
        table(&columns, self.names.vaults().iter().map(row).collect())
    }

    fn tie_table(&self) -> comfy_table::Table {
        let columns = [
            Column::Left("total"),
            Column::Right("left"),
            Column::Right("right"),
            Column::Left(""),
        ];
        let row = |tie: &Tie| {
            let how = match (tie.holds(), tie.relation) {
                (true, Relation::Equal) => "ties".to_owned(),
                (true, Relation::AtMost) => "holds".to_owned(),
                (true, Relation::AboveByAtMost(_)) => {
                    format!("ties (rounded up by {} units)", tie.left.saturating_sub(tie.right))
                }
                (false, _) => "DOES NOT TIE".to_owned(),
            };
            let amount = |value| all_digits(value, tie.decimals);
            vec![tie.name.clone(), amount(tie.left), amount(tie.right), how]
        };
        table(&columns, self.ties.iter().map(row).collect())
    }
}
