//! Being asked to stop: Ctrl-C and SIGTERM, seen by threads and tasks.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};
use tokio::sync::watch;

/// Raised once, for good. Clones share it.
#[derive(Clone)]
pub(crate) struct Stop(Arc<Inner>);

struct Inner {
    raised: Mutex<bool>,
    woken: Condvar,
    tasks: watch::Sender<bool>,
}

impl Stop {
    /// Not raised.
    pub(crate) fn new() -> Self {
        let tasks = watch::channel(false).0;
        Self(Arc::new(Inner { raised: Mutex::new(false), woken: Condvar::new(), tasks }))
    }

    /// Raised when the process is asked to end.
    pub(crate) fn on_signals(runtime: &tokio::runtime::Runtime) -> Self {
        let stop = Self::new();
        let raised = stop.clone();
        runtime.spawn(async move {
            signal().await;
            raised.raise();
            // Who asks twice does not want to wait.
            signal().await;
            std::process::exit(130);
        });
        stop
    }

    /// Asks everyone to stop.
    pub(crate) fn raise(&self) {
        *self.0.raised.lock() = true;
        self.0.woken.notify_all();
        self.0.tasks.send_replace(true);
    }

    /// Whether it is raised.
    pub(crate) fn is_raised(&self) -> bool {
        *self.0.raised.lock()
    }

    /// Waits for `time` or until raised; returns whether it is.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        let deadline = Instant::now() + time;
        let mut raised = self.0.raised.lock();
        while !*raised && !self.0.woken.wait_until(&mut raised, deadline).timed_out() {}
        *raised
    }

    /// Done when raised.
    pub(crate) async fn raised(self) {
        let mut tasks = self.0.tasks.subscribe();
        // The sender lives as long as `self`.
        let _ = tasks.wait_for(|raised| *raised).await;
    }
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}

#[cfg(not(unix))]
async fn signal() {
    drop(tokio::signal::ctrl_c().await);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_ends_when_raised() {
        let stop = Stop::new();
        assert!(!stop.wait(Duration::from_millis(1)));
        let other = stop.clone();
        let waiting = std::thread::spawn(move || other.wait(Duration::from_secs(60)));
        stop.raise();
        assert!(waiting.join().unwrap());
        assert!(stop.is_raised());
    }
}
