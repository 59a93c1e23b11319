//! Where a node's time comes from, and how the chain's follows it without ever going back.

use std::sync::Arc;

use parking_lot::Mutex;

/// Time, given from outside: the machine's in production, history's in a replay, a counter in tests.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since the Unix epoch. Whoever sets the clock moves it, ahead or back.
    fn now_millis(&self) -> u64;

    /// Milliseconds since a moment of the clock's own. Nobody sets these: as many go by as time passes.
    fn steady_millis(&self) -> u64;

    /// Seconds since the Unix epoch.
    fn now(&self) -> u64 {
        self.now_millis() / 1_000
    }
}

/// A step of the clock that operators are told of.
const STEP_MILLIS: u64 = 2_000;

/// While time is ahead of the clock it goes on without this part of what passes, until they meet.
const HELD_BACK: u64 = 10;

/// A node's time. It is the clock's, except that it never goes back: if the clock does, time goes on from where it was,
/// somewhat slower, until the clock has caught up. What a development node adds comes on top.
pub(crate) struct Time {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The clock's time when it was last not behind, or the tip's.
    millis: u64,
    /// When that was, by [`Clock::steady_millis`].
    steady: u64,
    /// Whether operators were told that the clock is behind.
    behind: bool,
    ahead_seconds: u64,
    next: Option<u64>,
}

impl Time {
    /// The clock's, but not before the tip's.
    pub(crate) fn new(clock: Arc<dyn Clock>, tip: u64) -> Self {
        let millis = clock.now_millis().max(tip.saturating_mul(1_000));
        let steady = clock.steady_millis();
        let state = State { millis, steady, behind: false, ahead_seconds: 0, next: None };
        Self { clock, state: Mutex::new(state) }
    }

    /// In Unix seconds.
    pub(crate) fn now(&self) -> u64 {
        self.state.lock().read(&*self.clock)
    }

    /// The next block's, if its parent's allows it.
    pub(crate) fn next(&self) -> u64 {
        let mut state = self.state.lock();
        let now = state.read(&*self.clock);
        state.next.unwrap_or(now)
    }

    /// Fixes the next block's.
    pub(crate) fn set_next(&self, timestamp: u64) {
        self.state.lock().next = Some(timestamp);
    }

    /// A block was made at this time. If one was fixed that is no later, time goes on from the block's.
    pub(crate) fn used(&self, timestamp: u64) {
        let mut state = self.state.lock();
        if state.next.is_some_and(|next| next <= timestamp) {
            state.next = None;
            state.ahead_seconds = 0;
            state.ahead_seconds = timestamp.saturating_sub(state.read(&*self.clock));
        }
    }

    /// Moves it ahead; returns by how much in all.
    pub(crate) fn increase(&self, seconds: u64) -> u64 {
        let mut state = self.state.lock();
        state.ahead_seconds = state.ahead_seconds.saturating_add(seconds);
        state.ahead_seconds
    }
}

impl State {
    fn read(&mut self, clock: &dyn Clock) -> u64 {
        let (now, steady) = (clock.now_millis(), clock.steady_millis());
        let passed = steady.saturating_sub(self.steady);
        let least = self.millis.saturating_add(passed - passed / HELD_BACK);
        self.tell_of_steps(now, (least, self.millis.saturating_add(passed)));
        if now >= least {
            (self.millis, self.steady) = (now, steady);
        }
        (now.max(least) / 1_000).saturating_add(self.ahead_seconds)
    }

    fn tell_of_steps(&mut self, now: u64, (least, expected): (u64, u64)) {
        let ahead = now.saturating_sub(expected);
        if ahead > STEP_MILLIS {
            let seconds = ahead / 1_000;
            tracing::warn!(seconds, "the clock went ahead, and the chain's time with it");
        }
        if !self.behind && least.saturating_sub(now) > STEP_MILLIS {
            self.behind = true;
            let seconds = (least - now) / 1_000;
            tracing::warn!(
                seconds,
                "the clock is behind the chain's time, which goes on more slowly"
            );
        }
        if self.behind && now >= least {
            self.behind = false;
            tracing::info!("the clock has caught up with the chain's time");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// What it shows, and how much has passed.
    #[derive(Default)]
    struct Told(AtomicU64, AtomicU64);

    impl Clock for Told {
        fn now_millis(&self) -> u64 {
            self.0.load(Ordering::Relaxed)
        }

        fn steady_millis(&self) -> u64 {
            self.1.load(Ordering::Relaxed)
        }
    }

    impl Told {
        fn at(seconds: u64) -> Arc<Self> {
            Arc::new(Self(AtomicU64::new(seconds * 1_000), AtomicU64::default()))
        }

        fn pass(&self, seconds: u64) {
            self.0.fetch_add(seconds * 1_000, Ordering::Relaxed);
            self.1.fetch_add(seconds * 1_000, Ordering::Relaxed);
        }

        fn set(&self, seconds: u64) {
            self.0.store(seconds * 1_000, Ordering::Relaxed);
        }
    }

    #[test]
    fn time_goes_on_from_a_fixed_block() {
        let clock = Told::at(100);
        let time = Time::new(clock.clone(), 0);
        assert_eq!(time.increase(10), 10);
        assert_eq!(time.increase(5), 15);
        assert_eq!(time.next(), 115);
        time.set_next(500);
        assert_eq!((time.next(), time.now()), (500, 115));
        // A block from elsewhere does not use it up.
        time.used(115);
        assert_eq!(time.next(), 500);
        time.used(500);
        clock.pass(3);
        assert_eq!((time.next(), time.now()), (503, 503));
    }

    #[test]
    fn time_waits_for_a_clock_that_is_behind_and_goes_on() {
        let clock = Told::at(10_000);
        let time = Time::new(clock.clone(), 0);
        clock.pass(100);
        assert_eq!(time.now(), 10_100);
        clock.set(9_100);
        assert_eq!(time.now(), 10_100);
        // Read often or seldom, it goes on at the same pace.
        for _ in 0..100 {
            clock.pass(1);
            time.now();
        }
        assert_eq!(time.now(), 10_190);
        // 1,000 seconds behind are made up in 10,000; then they go together.
        clock.pass(9_900);
        assert_eq!((time.now(), clock.now()), (19_100, 19_100));
        clock.pass(50);
        assert_eq!(time.now(), 19_150);
    }

    #[test]
    fn a_clock_that_was_wrong_for_a_while_leaves_nothing_behind() {
        let clock = Told::at(1_000_000);
        let time = Time::new(clock.clone(), 0);
        clock.set(900_000);
        clock.pass(1_000);
        assert_eq!(time.now(), 1_000_900);
        // It is set right.
        clock.set(1_001_000);
        assert_eq!(time.now(), 1_001_000);
    }

    #[test]
    fn a_node_that_starts_behind_its_tip_goes_on_from_there() {
        let clock = Told::at(500);
        let time = Time::new(clock.clone(), 1_000);
        assert_eq!(time.now(), 1_000);
        clock.pass(10);
        assert_eq!(time.now(), 1_009);
    }

    #[test]
    fn no_time_is_too_large() {
        let clock = Told::at(0);
        let time = Time::new(clock.clone(), u64::MAX);
        clock.0.store(u64::MAX, Ordering::Relaxed);
        clock.1.store(u64::MAX, Ordering::Relaxed);
        time.increase(u64::MAX);
        assert_eq!(time.next(), u64::MAX);
    }
}
