//! Logs and metrics.

use std::{io::IsTerminal as _, net::SocketAddr};

use metrics_exporter_prometheus::PrometheusBuilder;
use tracing_subscriber::EnvFilter;

/// Logs go to stderr, at `level` unless `RUST_LOG` says otherwise.
pub(crate) fn log(level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Only the first call of a process sets it.
    let _ = log.with_ansi(std::io::stderr().is_terminal()).try_init();
}

/// Serves Prometheus metrics; a port that is taken is a warning, the node goes on without.
pub(crate) fn metrics(addr: SocketAddr) -> Option<SocketAddr> {
    match PrometheusBuilder::new().with_http_listener(addr).install() {
        Ok(()) => Some(addr),
        Err(why) => {
            tracing::warn!(%addr, %why, "no metrics");
            None
        }
    }
}
