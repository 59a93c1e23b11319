//! What the next sweep would do to an account, in words.

use crate::told::{Planned, Prospect};

/// Prints an account's stop-loss order and what a sweep would sell now, where there is either.
pub(crate) fn print(prospect: &Prospect) {
    if let Some(order) = &prospect.stop_loss {
        println!(
            "Stop-loss: below health {} sell {} for {} debt at up to {} off, until health is {}.",
            order.trigger.formatted,
            order.asset.symbol,
            order.vault.asset.symbol,
            order.discount_max.formatted,
            order.target.formatted,
        );
    }
    if let Some(sweep) = &prospect.sweep {
        println!("The next block's sweep ({}) would sell to the queue:", sweep.reason.name());
        sweep.sales.iter().for_each(|sale| println!("  {}", planned(sale)));
        println!("  health would be {}", sweep.health_after.health());
    }
    if let Some(why) = &prospect.sweep_waits {
        println!("Nothing can be sold now: {why}");
    }
}

fn planned(sale: &Planned) -> String {
    let Planned { vault, asset, discount, repaid, seized } = sale;
    format!(
        "{} {} at {} off, repaying {} {}",
        seized.tokens(asset.decimals),
        asset.symbol,
        discount.formatted,
        repaid.tokens(vault.asset.decimals),
        vault.asset.symbol,
    )
}
