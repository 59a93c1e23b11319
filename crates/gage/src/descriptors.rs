//! How many connections the system lets this process have open.

use gage_rpc::Limits;

/// Descriptors that are kept for all but the RPC's connections: the database, the runtime, metrics, refusals.
#[cfg(unix)]
const OTHERS: u64 = 256;

/// What macOS gives at most, whatever it says that it allows.
#[cfg(unix)]
const OPEN_MAX: u64 = 10_240;

/// Raises the process' own limit to what the system allows, and lowers the server's to what fits in it.
#[cfg(unix)]
pub(crate) fn fit(limits: &mut Limits) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    for current in [maximum, Some(OPEN_MAX)] {
        if setrlimit(Resource::Nofile, Rlimit { current, maximum }).is_ok() {
            break;
        }
    }
    let Some(files) = getrlimit(Resource::Nofile).current else { return };
    let others = OTHERS.min(files / 2);
    let connections = u32::try_from(files - others).unwrap_or(u32::MAX);
    if connections < limits.connections_max {
        let asked = limits.connections_max;
        tracing::warn!(asked, connections, "fewer connections: the limit of open files is low");
        limits.connections_max = connections;
    }
}

/// Other systems bound sockets by memory only.
#[cfg(not(unix))]
pub(crate) fn fit(_: &mut Limits) {}
