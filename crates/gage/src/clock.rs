//! The node's time: the machine's, or history's.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use gage_node::Clock;
use parking_lot::Mutex;

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemClock(Instant);

impl SystemClock {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now_millis(&self) -> u64 {
        millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
    }

    fn steady_millis(&self) -> u64 {
        millis(self.0.elapsed())
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
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
        let passed = hands.running_since.map_or(0, |since| millis(since.elapsed()));
        hands.millis.saturating_add(passed)
    }

    /// History passes as it is set.
    fn steady_millis(&self) -> u64 {
        self.now_millis()
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
