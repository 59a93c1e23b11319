//! `gage exposure`: what backs vaults' debt, by factor and by collateral.

use alloy_primitives::U256;
use serde_json::json;

use super::print_json;
use crate::{
    cli::ExposureArgs,
    client::Client,
    reading::Names,
    table::{Column, table},
    told::{self, Backed, VaultExposures},
};

/// Characters of a full bar.
const BAR: usize = 24;

/// Shows the exposures of a vault, or of all.
pub(crate) fn exposure(args: &ExposureArgs) -> anyhow::Result<()> {
    let client = Client::new(&args.remote.rpc_url);
    let names = Names::read(&client)?;
    let vault = args.vault.as_deref().map(|name| names.vault(name)).transpose()?;
    let params = json!([vault.map(|vault| vault.token.address)]);
    let (told, vaults): (_, Vec<VaultExposures>) = told::ask(&client, "gage_exposures", params)?;
    if args.remote.json {
        return print_json(&told);
    }
    vaults.iter().for_each(print);
    Ok(())
}

fn print(told: &VaultExposures) {
    let (symbol, decimals) = (&told.vault.asset.symbol, told.vault.asset.decimals);
    let owed = told.debt.tokens(decimals);
    println!("{} · owed: {owed} {symbol}", told.vault.symbol);
    let is_tracked = told.lines.iter().any(|line| line.tracked);
    if is_tracked && !told.untracked.units().is_zero() {
        println!(
            "Of that {} {symbol} from before the first cap counts in full until its accounts act or are \
             refreshed (`gage refresh OWNER`).",
            told.untracked.tokens(decimals)
        );
    }
    let amounts = |backed: &Backed| {
        let cap = backed.cap.as_ref().map_or_else(|| "—".to_owned(), |cap| cap.tokens(decimals));
        [backed.exposure.tokens(decimals), cap, backed.share.percent(), bar(backed, told)]
    };
    let mut rows = Vec::new();
    for row in &told.factors {
        let assets: Vec<_> = row.assets.iter().map(|asset| asset.symbol.as_str()).collect();
        let what = format!("{} {}", row.factor.kind, row.factor.label);
        rows.push([vec![what, assets.join(" ")], amounts(&row.backed).to_vec()].concat());
    }
    for line in told.lines.iter().filter(|line| line.tracked) {
        for row in &line.collaterals {
            if row.backed.cap.is_none() && row.backed.exposure.units().is_zero() {
                continue;
            }
            let what = format!("line to market {}", line.market);
            let named = vec![what, row.asset.symbol.clone()];
            rows.push([named, amounts(&row.backed).to_vec()].concat());
        }
    }
    if rows.is_empty() {
        println!("No caps and no factors. `gage factor --help` says how to set them.\n");
        return;
    }
    let columns = [
        Column::Left("against"),
        Column::Left("assets"),
        Column::Right("lent"),
        Column::Right("cap"),
        Column::Right("of all debt"),
        Column::Left(""),
    ];
    println!("{}\n", table(&columns, rows));
}

/// How much of the cap is used; of all debt without one.
fn bar(backed: &Backed, told: &VaultExposures) -> String {
    let whole = backed.cap.as_ref().map_or_else(|| told.debt.units(), told::Quantity::units);
    let part = backed.exposure.units().saturating_mul(U256::from(BAR));
    // A cap of nothing is full.
    let filled = part.checked_div(whole).unwrap_or(U256::from(BAR)).min(U256::from(BAR));
    let filled: usize = filled.saturating_to();
    let rest = if backed.cap.is_some() { "░".repeat(BAR - filled) } else { String::new() };
    format!("{}{rest}", "█".repeat(filled))
}
