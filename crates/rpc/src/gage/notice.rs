//! How far an announced withdrawal has come: of a bid, or of a stake.

use gage_core::Timestamp;
use serde::Serialize;

/// How far a withdrawal has come; times in Unix seconds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub(super) enum Notice {
    /// It was not announced.
    None,
    /// The shares may be withdrawn from `opensAt` on.
    #[serde(rename_all = "camelCase")]
    Running { announced_at: u64, opens_at: u64, closes_at: u64 },
    /// The shares may be withdrawn now, until `closesAt`.
    #[serde(rename_all = "camelCase")]
    Open { announced_at: u64, opens_at: u64, closes_at: u64 },
    /// It must be announced anew.
    #[serde(rename_all = "camelCase")]
    Expired { announced_at: u64, opens_at: u64, closes_at: u64 },
}

impl Notice {
    /// Of what was announced at `announced`, with a notice and a window of so many seconds.
    pub(super) fn of(announced: Timestamp, (notice, window): (u64, u64), now: Timestamp) -> Self {
        if announced == Timestamp::ZERO {
            return Self::None;
        }
        let opens = announced.after(notice);
        let closes = opens.after(window);
        let (announced_at, opens_at, closes_at) = (announced.get(), opens.get(), closes.get());
        if now < opens {
            Self::Running { announced_at, opens_at, closes_at }
        } else if now <= closes {
            Self::Open { announced_at, opens_at, closes_at }
        } else {
            Self::Expired { announced_at, opens_at, closes_at }
        }
    }
}
