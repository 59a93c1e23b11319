//! `gage node` from files, and what files it refuses.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

/// Longest time that a command may take; a node that should be refused would run for ever.
const SECONDS_MAX: u64 = 60;

fn gage(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gage"));
    command.current_dir(folder).args(arguments).env_remove("RUST_LOG");
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.expect("gage starts");
    let deadline = Instant::now() + Duration::from_secs(SECONDS_MAX);
    while child.try_wait().expect("a child can be asked").is_none() && Instant::now() < deadline {
        std::thread::park_timeout(Duration::from_millis(20));
    }
    // Nothing is left to kill if it has ended.
    let _ = child.kill();
    child.wait_with_output().expect("a child can be waited for")
}

fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = gage(folder, arguments);
    assert!(!output.status.success(), "{arguments:?} was not refused");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).expect("a file can be written");
}

const QUIET: &str = "block_time = 0.05\n[rpc]\nport = 0\n[metrics]\nenabled = false\n";

/// What a quiet node starts from; its genesis.
fn prepare(folder: &Path) -> String {
    let genesis = String::from_utf8(gage(folder, &["genesis"]).stdout).expect("text");
    write(folder, "genesis.json", &genesis);
    write(folder, "gage.toml", QUIET);
    genesis
}

/// Runs a node until it says where it listens: the node, what it says, and its address.
fn running(folder: &Path) -> (Child, String, String) {
    let mut node = Command::new(env!("CARGO_BIN_EXE_gage"))
        .current_dir(folder)
        .args(["node", "--genesis", "genesis.json", "--config", "gage.toml"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("gage starts");
    let mut line = String::new();
    BufReader::new(node.stdout.take().expect("piped")).read_line(&mut line).expect("text");
    let url = line.split_whitespace().nth(1).expect("an address").to_owned();
    (node, line, url)
}

/// What a node says when it starts; it answers one request.
fn chain_id(folder: &Path) -> String {
    let (mut node, line, url) = running(folder);
    let asked = gage(folder, &["vaults", "--rpc-url", &url, "--json"]);
    // SIGKILL, as nodes die.
    node.kill().expect("a child can be killed");
    node.wait().expect("a child can be waited for");
    assert_eq!(String::from_utf8_lossy(&asked.stdout).trim(), "[]", "{line}");
    line
}

#[test]
fn a_node_starts_from_the_examples_and_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    prepare(folder.path());
    assert!(chain_id(folder.path()).contains("chain id 4244"));
    assert!(chain_id(folder.path()).contains("chain id 4244"));
    let checked = gage(folder.path(), &["db", "check", "--data-dir", "gage-node"]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

/// The head's line of what `gage db check` says.
fn checked(folder: &Path, data: &str) -> String {
    let checked = gage(folder, &["db", "check", "--data-dir", data]);
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    said.split_once(": ").expect("a folder and what is in it").1.to_owned()
}

#[test]
fn a_chain_is_carried_by_a_snapshot() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    prepare(folder);
    chain_id(folder);
    let export = ["snapshot", "export", "--data-dir", "gage-node", "--out", "snapshot"];
    let exported = gage(folder, &export);
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    assert!(refused(folder, &export).contains("exists already"));

    let root = format!("0x{}", "11".repeat(32));
    let import = ["snapshot", "import", "snapshot", "--data-dir", "copy"];
    let said = refused(folder, &[&import[..], &["--state-root", &root]].concat());
    assert!(said.contains(&root), "{said}");
    let file = folder.join("snapshot/state.gz");
    let whole = fs::read(&file).expect("a snapshot");
    // Cut in the middle or in gzip's own end, and with more behind it, which gzip would leave alone or go on with.
    let cut = |less: usize| whole[..whole.len() - less].to_vec();
    let more = |behind: &[u8]| [&whole, behind].concat();
    for damaged in [cut(whole.len() / 2), cut(8), cut(1), more(b"x"), more(&[0; 512]), more(&whole)]
    {
        fs::write(&file, damaged).expect("a file can be written");
        let said = refused(folder, &import);
        assert!(said.contains("state.gz") && said.contains("damaged"), "{said}");
        assert!(!folder.join("copy/chain.redb").exists());
    }
    fs::write(&file, whole).expect("a file can be written");
    write(&folder.join("snapshot"), "demo.json", "{}");
    assert!(refused(folder, &import).contains("demo.json"));
    fs::remove_file(folder.join("snapshot/demo.json")).expect("a file can be removed");

    // Whose transactions these are is as much part of a chain as what they did.
    let papers = folder.join("snapshot");
    let genesis = fs::read_to_string(papers.join("genesis.json")).expect("a genesis");
    write(&papers, "genesis.json", &genesis.replace("4244", "9999"));
    assert!(refused(folder, &import).contains("genesis block"));
    write(&papers, "genesis.json", &genesis);

    let imported = gage(folder, &import);
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    assert!(refused(folder, &import).contains("holds a chain already"));
    assert_eq!(checked(folder, "copy"), checked(folder, "gage-node"));
    fs::remove_dir_all(folder.join("gage-node")).expect("a folder can be removed");
    fs::rename(folder.join("copy"), folder.join("gage-node")).expect("a folder can be renamed");
    assert!(chain_id(folder).contains("chain id 4244"));
    assert!(
        refused(folder, &["snapshot", "import", "nothing", "--data-dir", "new"])
            .contains("nothing")
    );
}

/// Nobody reads what a node prints, or not all that a command prints: neither panics.
#[test]
fn printing_needs_no_reader() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port");
    let url = format!("http://{port}");
    let spawn = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gage"));
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("gage starts")
    };
    let mut node =
        spawn(&["dev", "--ephemeral", "--no-metrics", "--port", &port.port().to_string()]);
    drop(node.stdout.take());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let deadline = Instant::now() + Duration::from_secs(SECONDS_MAX);
    while !gage(folder.path(), &["vaults", "--rpc-url", &url]).status.success() {
        assert!(Instant::now() < deadline, "the node does not answer");
    }
    for arguments in [&["vaults", "--rpc-url", &url][..], &["genesis"], &["history", "list"]] {
        let mut command = spawn(arguments);
        drop(command.stdout.take());
        let output = command.wait_with_output().expect("a child can be waited for");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !said.contains("panicked"), "{arguments:?}: {said}");
    }
    assert!(node.try_wait().expect("a child can be asked").is_none(), "the node has ended");
    node.kill().expect("a child can be killed");
    node.wait().expect("a child can be waited for");
}

#[test]
fn bad_files_are_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let start = ["node", "--genesis", "genesis.json", "--config", "gage.toml"];
    assert!(refused(folder, &start).contains("genesis.json"));
    write(folder, "genesis.json", "{\"chainId\": 1}");
    let said = refused(folder, &start);
    assert!(said.contains("genesis.json") && said.contains("protocol"), "{said}");
    let genesis = String::from_utf8(gage(folder, &["genesis"]).stdout).expect("text");
    write(folder, "genesis.json", &genesis.replace("\"extraData\"", "\"extraDate\""));
    assert!(refused(folder, &start).contains("extraDate"));
    write(folder, "genesis.json", &genesis);
    assert!(refused(folder, &start).contains("gage.toml"));
    write(folder, "gage.toml", "blocktime = 1");
    assert!(refused(folder, &start).contains("blocktime"));

    // A database of something else, and one of another chain.
    write(folder, "gage.toml", QUIET);
    fs::create_dir(folder.join("gage-node")).expect("a folder can be made");
    write(&folder.join("gage-node"), "chain.redb", "not a database at all");
    assert!(refused(folder, &start).contains("chain.redb"));
    fs::remove_dir_all(folder.join("gage-node")).expect("a folder can be removed");
    chain_id(folder);
    write(folder, "genesis.json", &genesis.replace("4244", "4245"));
    assert!(refused(folder, &start).contains("genesis"));
}

/// A database that is damaged is told in a line, where the library itself panics.
#[test]
fn damaged_pages_are_told_without_a_panic() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    prepare(folder);
    chain_id(folder);
    checked(folder, "gage-node");
    let database = folder.join("gage-node/chain.redb");
    let intact = fs::read(&database).expect("a database");
    let used = |page: &usize| intact[page * 4096..][..4096].iter().any(|byte| *byte != 0);
    let mut refused = 0;
    for page in (1..intact.len() / 4096).filter(used).take(16) {
        let mut damaged = intact.clone();
        damaged[page * 4096..][..4096].fill(0);
        fs::write(&database, &damaged).expect("a file can be written");
        let output = gage(folder, &["db", "check", "--data-dir", "gage-node"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("panicked"), "page {page}: {said}");
        if !output.status.success() {
            assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{said}");
            refused += 1;
        }
    }
    assert!(refused > 0);
}

/// A chain without its database is neither sound nor carried away, nor does its node begin again.
#[test]
fn a_lost_database_is_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let genesis = prepare(folder);
    let data = folder.join("gage-node");
    fs::create_dir(&data).expect("a folder can be made");
    write(&data, "genesis.json", &genesis);
    let database = data.join("chain.redb");
    for lost in [None, Some("")] {
        if let Some(content) = lost {
            fs::write(&database, content).expect("a file can be written");
        }
        for command in [
            &["db", "check", "--data-dir", "gage-node"][..],
            &["check", "--data-dir", "gage-node"],
            &["snapshot", "export", "--data-dir", "gage-node", "--out", "snapshot"],
            &["node", "--genesis", "genesis.json", "--config", "gage.toml"],
        ] {
            let said = refused(folder, command);
            assert!(said.contains("no database here"), "{command:?}: {said}");
            assert_eq!(fs::read_to_string(&database).ok().as_deref(), lost, "{command:?}");
            assert!(!folder.join("snapshot").exists());
        }
    }
    // Nor is what lies there cleared away for a snapshot.
    fs::remove_file(data.join("genesis.json")).expect("a file can be removed");
    write(&data, "chain.redb", "precious");
    fs::create_dir(folder.join("snapshot")).expect("a folder can be made");
    write(&folder.join("snapshot"), "genesis.json", &genesis);
    write(&folder.join("snapshot"), "state.gz", "");
    let import = ["snapshot", "import", "snapshot", "--data-dir", "gage-node"];
    assert!(refused(folder, &import).contains("chain.redb exists already"));
    assert_eq!(fs::read_to_string(&database).ok().as_deref(), Some("precious"));
}

/// SYS-1: an operator checks a data directory while its node runs, through the node, and when it does not.
#[test]
fn a_data_directory_is_checked_while_its_node_runs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let genesis = prepare(folder);
    let (mut node, _, url) = running(folder);
    let live = gage(folder, &["check", "--data-dir", "gage-node", "--rpc-url", &url]);
    // The node of another chain does not stand for this folder's, even if both have one id.
    fs::create_dir(folder.join("other")).expect("a folder can be made");
    for file in ["chain.redb", "genesis.json"] {
        let from = folder.join("gage-node").join(file);
        // The same file, so that it is in use, beside another genesis.
        fs::hard_link(from, folder.join("other").join(file)).expect("a file can be linked");
    }
    fs::remove_file(folder.join("other/genesis.json")).expect("a file can be removed");
    write(&folder.join("other"), "genesis.json", &genesis.replace("1732320000", "1732320001"));
    let other = gage(folder, &["check", "--data-dir", "other", "--rpc-url", &url]);
    node.kill().expect("a child can be killed");
    node.wait().expect("a child can be waited for");

    let said = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(live.status.success(), "{}", complaint(&live));
    assert!(complaint(&live).contains("asking the one at"), "{}", complaint(&live));
    assert!(said(&live).contains("SOL-3") && said(&live).contains("every invariant holds"));
    assert!(!other.status.success(), "{}", said(&other));
    assert!(complaint(&other).contains("runs another chain"), "{}", complaint(&other));

    let stored = gage(folder, &["check", "--data-dir", "gage-node", "--json"]);
    assert!(stored.status.success() && complaint(&stored).is_empty(), "{}", complaint(&stored));
    assert!(said(&stored).contains("\"holds\": true"), "{}", said(&stored));
    let beyond = ["check", "--data-dir", "gage-node", "--block", "4000000000"];
    assert!(refused(folder, &beyond).contains("4000000000"));
    let nobody = ["check", "--rpc-url", "http://127.0.0.1:9"];
    assert!(refused(folder, &nobody).contains("no node answers"));
}

/// A breach ends the command with 2, and is named. The node here is a canned answer.
#[test]
fn a_breach_is_told_and_ends_with_two() {
    let node = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", node.local_addr().expect("an address"));
    let answering = std::thread::spawn(move || {
        let (mut caller, _) = node.accept().expect("a call");
        let mut request = [0; 4096];
        let read = caller.read(&mut request).expect("a request");
        assert!(read > 0);
        let body = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"chainId\":1,\"blockNumber\":7,\"holds\":false,\
                    \"invariants\":[{\"id\":\"SOL-1\",\"name\":\"claims\",\"checked\":3,\"broken\":[\"vault 1: gone\"]}]}}";
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        caller.write_all([head.as_str(), body].concat().as_bytes()).expect("an answer");
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let checked = gage(folder.path(), &["check", "--rpc-url", &url]);
    answering.join().expect("the answer was given");
    let said = String::from_utf8_lossy(&checked.stdout);
    assert_eq!(checked.status.code(), Some(2), "{said}");
    assert!(said.contains("SOL-1: vault 1: gone") && said.contains("BROKEN"), "{said}");
}
