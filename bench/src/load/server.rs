//! Nodes under load: processes of their own, each with an empty chain and funded users.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use alloy_primitives::{Address, U256};
use anyhow::{Context, Result, bail, ensure};
use gage_chain::{Genesis, GenesisAccount, ProtocolRoles, WrappedNative};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::client::Client;
use super::script::People;
use crate::gage::CHAIN_ID;

/// How long a node may take to answer.
const START: Duration = Duration::from_secs(60);
/// Where Gage listens; the peers take other ports.
const PORT: u16 = 18_545;

/// A node that runs until it is dropped.
pub(super) struct Server {
    child: Child,
    pub(super) client: Client,
    /// Its files.
    _folder: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ether(whole: u64) -> U256 {
    U256::from(whole) * U256::from(10).pow(U256::from(18))
}

fn started(mut command: Command, port: u16, folder: TempDir) -> Result<Server> {
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let child = child.with_context(|| format!("cannot start {:?}", command.get_program()))?;
    let client = Client::new(format!("http://127.0.0.1:{port}"));
    let mut server = Server { child, client, _folder: folder };
    let began = Instant::now();
    while server.client.ask("eth_chainId", &json!([])).is_err() {
        if let Some(status) = server.child.try_wait()? {
            bail!("{:?} ended at once: {status}", command.get_program());
        }
        ensure!(began.elapsed() < START, "{:?} does not answer", command.get_program());
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(server)
}

/// `gage node` on a chain where everybody has coins, with its database on disk.
pub(super) fn gage(people: &People) -> Result<Server> {
    let folder = tempfile::tempdir()?;
    let alloc = people.everyone().map(|who| {
        (who, GenesisAccount { balance: ether(1_000_000_000), ..GenesisAccount::default() })
    });
    let admin = people.cast.admin;
    let genesis = Genesis {
        chain_id: CHAIN_ID,
        timestamp: 1_750_000_000,
        gas_limit: 1_000_000_000,
        base_fee_per_gas: 1_000_000_000,
        extra_data: Default::default(),
        beneficiary: Address::ZERO,
        alloc: alloc.collect(),
        protocol: ProtocolRoles {
            governance: admin,
            guardian: admin,
            wrapped_native: WrappedNative::default(),
        },
    };
    let [genesis_file, config_file] =
        ["genesis.json", "node.toml"].map(|name| folder.path().join(name));
    std::fs::write(&genesis_file, serde_json::to_string(&genesis)?)?;
    let data = folder.path().join("data");
    let config = format!(
        "data_dir = {:?}\nblock_time = 0.1\nbuild_time = 0.1\n[rpc]\nport = {PORT}\n[metrics]\nenabled = false\n",
        data.display().to_string()
    );
    std::fs::write(&config_file, config)?;
    let mut command = Command::new(binary()?);
    command.arg("node").arg("--genesis").arg(&genesis_file).arg("--config").arg(&config_file);
    command.env("RUST_LOG", "error");
    started(command, PORT, folder)
}

/// The binary that was built beside this one.
fn binary() -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("gage");
    ensure!(path.exists(), "build `gage` in the same profile first: {} is missing", path.display());
    Ok(path)
}

/// Anvil, which keeps its chain in memory, and of its states the last.
pub(super) fn anvil(people: &People) -> Result<Server> {
    let folder = tempfile::tempdir()?;
    let port = PORT + 1;
    let mut command = Command::new(anvil_binary()?);
    command.args(["--silent", "--accounts", "1", "--chain-id"]).arg(CHAIN_ID.to_string());
    command.args(["--port"]).arg(port.to_string());
    command.args(["--hardfork", "osaka", "--gas-limit", "10000000000", "--no-request-size-limit"]);
    // A block whenever something waits stops making any with a thousand that wait. Old states would go to disk.
    command.args(["--block-time", "0.1", "--prune-history"]).current_dir(folder.path());
    let server = started(command, port, folder)?;
    let everyone: Vec<Address> = people.everyone().collect();
    for some in everyone.chunks(100) {
        let calls: Vec<Value> =
            some.iter().map(|who| json!([who, format!("{:#x}", ether(1_000_000_000))])).collect();
        server.client.ask_all("anvil_setBalance", &calls)?;
    }
    Ok(server)
}

fn anvil_binary() -> Result<PathBuf> {
    let machine = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "linux-amd64",
        ("linux", "aarch64") => "linux-arm64",
        ("macos", "aarch64") => "darwin-arm64",
        (system, machine) => bail!("no Anvil is known for {system} on {machine}"),
    };
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/node_modules/@foundry-rs");
    let path = modules.join(format!("anvil-{machine}/bin/anvil"));
    ensure!(path.exists(), "{} is missing: npm ci in bench/peers", path.display());
    Ok(path)
}
