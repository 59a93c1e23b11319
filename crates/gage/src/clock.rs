//! The node's time: the machine's, or history's.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use gage_node::Clock;
use parking_lot::Mutex;

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now_millis(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}

/// A clock that stands where it is set, or runs on from there.
#[derive(Debug)]
pub(crate) struct SetClock(Mutex<Hands>);

#[derive(Clone, Copy, Debug)]
struct Hands {
    millis: u64,
    running_since: Option<Instant>,
}

impl SetClock {
    /// Stands at `time`, in Unix seconds.
    pub(crate) fn at(time: u64) -> Self {
        Self(Mutex::new(Hands { millis: time * 1_000, running_since: None }))
    }

    /// Stands at `time` from now on.
    pub(crate) fn set(&self, time: u64) {
        *self.0.lock() = Hands { millis: time * 1_000, running_since: None };
    }

    /// Runs on from where it stands, as fast as the machine's.
    pub(crate) fn run(&self) {
        self.0.lock().running_since.get_or_insert_with(Instant::now);
    }
}

impl Clock for SetClock {
    fn now_millis(&self) -> u64 {
        let hands = *self.0.lock();
        let passed = hands.running_since.map_or(0, |since| since.elapsed().as_millis());
        hands.millis.saturating_add(u64::try_from(passed).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stands_until_it_runs() {
        let clock = SetClock::at(100);
        assert_eq!((clock.now(), clock.now_millis()), (100, 100_000));
        clock.set(200);
        assert_eq!(clock.now_millis(), 200_000);
        clock.run();
        assert!(clock.now() >= 200);
    }
}
