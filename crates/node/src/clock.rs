//! Where a node's time comes from.

use parking_lot::Mutex;

/// Time, given from outside: the machine's in production, history's in a replay, a counter in tests.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since the Unix epoch.
    fn now_millis(&self) -> u64;

    /// Seconds since the Unix epoch.
    fn now(&self) -> u64 {
        self.now_millis() / 1_000
    }
}

/// What a development node adds to its clock.
#[derive(Debug, Default)]
pub(crate) struct Shift(Mutex<Shifted>);

#[derive(Clone, Copy, Debug, Default)]
struct Shifted {
    ahead_seconds: u64,
    next: Option<u64>,
}

impl Shift {
    /// Moves time ahead; returns by how much in all.
    pub(crate) fn increase(&self, seconds: u64) -> u64 {
        let mut shifted = self.0.lock();
        shifted.ahead_seconds = shifted.ahead_seconds.saturating_add(seconds);
        shifted.ahead_seconds
    }

    /// Fixes the next block's time.
    pub(crate) fn set_next(&self, timestamp: u64) {
        self.0.lock().next = Some(timestamp);
    }

    /// The time that a clock showing `now` means.
    pub(crate) fn apply(&self, now: u64) -> u64 {
        now.saturating_add(self.0.lock().ahead_seconds)
    }

    /// The next block's time.
    pub(crate) fn next(&self, now: u64) -> u64 {
        let shifted = *self.0.lock();
        shifted.next.unwrap_or(now.saturating_add(shifted.ahead_seconds))
    }

    /// The next block's time, used up. If it was fixed, time goes on from it afterwards.
    pub(crate) fn take_next(&self, now: u64) -> u64 {
        let mut shifted = self.0.lock();
        if let Some(next) = shifted.next.take() {
            shifted.ahead_seconds = next.saturating_sub(now);
            return next;
        }
        now.saturating_add(shifted.ahead_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_from_a_fixed_block() {
        let shift = Shift::default();
        assert_eq!(shift.increase(10), 10);
        assert_eq!(shift.increase(5), 15);
        assert_eq!(shift.take_next(100), 115);
        shift.set_next(500);
        assert_eq!(shift.take_next(100), 500);
        assert_eq!(shift.take_next(103), 503);
        assert_eq!(shift.apply(104), 504);
    }
}
