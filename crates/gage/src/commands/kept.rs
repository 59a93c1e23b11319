//! What accounts keep of earlier terms, as commands show it.

use gage_abi::IMarket::{KeptTerms, TermsMove};
use serde_json::{Value, json};

use crate::{amounts::bps, calendar::minute};

/// The thresholds that are kept, and the move that ends that.
pub(crate) fn text(kept: &[KeptTerms], moving: &TermsMove) -> String {
    let Some(last) = kept.last() else {
        return "everybody is on these terms".to_owned();
    };
    let thresholds: Vec<_> = kept.iter().map(|kept| bps(kept.threshold)).collect();
    let who = format!("accounts up to version {} keep {}", last.until, thresholds.join(", "));
    if moving.end == 0 {
        return format!("{who}; no move is announced");
    }
    format!("{who}; move from {} to {} UTC", minute(moving.start), minute(moving.end))
}

/// The same for machines.
pub(crate) fn told(kept: &[KeptTerms], moving: &TermsMove) -> Value {
    let earlier = |kept: &KeptTerms| {
        json!({
            "untilVersion": kept.until,
            "thresholdBps": kept.threshold,
            "bonusMinBps": kept.bonusMin,
            "bonusMaxBps": kept.bonusMax,
        })
    };
    let announced = moving.end != 0;
    json!({
        "terms": kept.iter().map(earlier).collect::<Vec<_>>(),
        "move": announced.then(|| json!({
            "start": moving.start,
            "end": moving.end,
            "belowVersion": moving.below,
        })),
    })
}
