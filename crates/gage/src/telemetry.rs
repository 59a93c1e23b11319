//! Logs and metrics.

use std::net::SocketAddr;

use metrics_exporter_prometheus::PrometheusBuilder;
use tracing_subscriber::EnvFilter;

/// Logs go to stderr, at `level` unless `RUST_LOG` says otherwise.
pub(crate) fn log(level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    // Only the first call of a process sets it.
    let _ =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
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
