//! The main job, end to end: the binary replays the crash of August 2024, is killed on the way, and
//! goes on; the totals tie.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// Longest time that a replay may take here.
const SECONDS_MAX: u64 = 600;

fn gage(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gage"));
    command.args(arguments).env_remove("RUST_LOG").env_remove("GAGE_PRIVATE_KEY");
    command
}

fn replay_at(speed: &str, arguments: &[&str]) -> Command {
    let mut command = gage(&["dev", "--replay", "2024-08", "--speed", speed, "--borrowers", "50"]);
    command.args(["--port", "0", "--no-metrics", "--exit", "--no-live"]).args(arguments);
    command
}

fn replay(arguments: &[&str]) -> Command {
    replay_at("max", arguments)
}

fn wait(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + Duration::from_secs(SECONDS_MAX);
    loop {
        match child.try_wait().expect("a child can be asked") {
            Some(status) => return status,
            None if Instant::now() > deadline => {
                child.kill().expect("a child can be killed");
                panic!("not done after {SECONDS_MAX} s");
            }
            None => std::thread::park_timeout(Duration::from_millis(50)),
        }
    }
}

/// Runs to the end; its output.
fn output(mut command: Command) -> String {
    let mut child = command.stdout(Stdio::piped()).spawn().expect("gage starts");
    let mut stdout = child.stdout.take().expect("piped");
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).expect("gage prints text");
        text
    });
    let status = wait(&mut child);
    let text = reader.join().expect("the reader ends with the child");
    assert!(status.success(), "{status}\n{text}");
    text
}

/// The number after a name in the summary.
fn fact(text: &str, name: &str) -> u64 {
    let line = text.lines().find(|line| line.trim_start().starts_with(name));
    let line = line.unwrap_or_else(|| panic!("no line says {name}:\n{text}"));
    let digits: String = line.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("no number in {line}"))
}

/// The first number of the row that begins with a name.
fn row(text: &str, name: &str) -> u64 {
    let line = text.lines().find(|line| line.trim_start().starts_with(name));
    let number = line.and_then(|line| line.split_whitespace().find_map(|word| word.parse().ok()));
    number.unwrap_or_else(|| panic!("no number after {name}:\n{text}"))
}

fn assert_summary(text: &str) {
    assert!(text.contains("Replay of 2024-08: complete"), "{text}");
    assert!(fact(text, "Liquidations") > 0, "{text}");
    assert_eq!(fact(text, "Accounts that borrowed"), 50);
    assert_eq!(fact(text, "Price reports refused"), 0);
    assert!(text.contains("(0 refused)"), "{text}");
    assert!(text.contains("All totals tie"), "{text}");
    assert!(!text.contains("NOT TIE"), "{text}");
}

/// SYS-1: every invariant holds after every block.
#[test]
fn a_replay_liquidates_and_the_totals_tie() {
    let text = output(replay(&["--ephemeral", "--check"]));
    assert_summary(&text);
    assert!(text.contains("invariants hold after each of"), "{text}");
    // The block itself sells to the bids; the keeper has what they leave.
    let swept = row(&text, "unhealthy accounts");
    assert!(2 * swept > fact(&text, "Liquidations"), "{text}");
    assert!(text.contains("bids, in the price's block"), "{text}");
    assert!(text.contains("The bid queue"), "{text}");
}

#[test]
fn without_bids_the_keeper_liquidates() {
    let text = output(replay(&["--ephemeral", "--no-bids"]));
    assert_summary(&text);
    assert_eq!(row(&text, "what bids left"), fact(&text, "Liquidations"));
    assert!(!text.contains("unhealthy accounts") && !text.contains("The bid queue"), "{text}");
}

/// Kills the replay once it has printed so many lines of progress.
fn kill_on_the_way(folder: &Path, lines: usize) {
    let folder = folder.to_str().expect("a path in UTF-8");
    let mut child =
        replay(&["--data-dir", folder]).stdout(Stdio::piped()).spawn().expect("gage starts");
    let stdout = BufReader::new(child.stdout.take().expect("piped"));
    let mut progress = stdout
        .lines()
        .map(|line| line.expect("gage prints text"))
        .filter(|line| line.contains("step "));
    assert!(progress.nth(lines).is_some(), "the replay ended before it was killed");
    // SIGKILL: nothing is flushed, nothing is said.
    child.kill().expect("a child can be killed");
    child.wait().expect("a child can be waited for");
}

#[test]
fn a_killed_replay_goes_on_and_the_totals_tie() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    kill_on_the_way(folder.path(), 3);
    kill_on_the_way(folder.path(), 2);
    let path = folder.path().to_str().expect("a path in UTF-8");
    let text = output(replay(&["--data-dir", path]));
    assert!(text.contains("going on at step"), "{text}");
    assert_summary(&text);
    let checked = output(gage(&["db", "check", "--data-dir", path]));
    assert!(checked.contains("are sound"), "{checked}");
}

/// Everyone knows the demo's keys: who publishes a price by hand takes a source's round, and the replay goes on.
#[test]
fn a_price_by_hand_does_not_end_a_replay() {
    // A step each 3 s: time to publish between two.
    let mut command = replay_at("300", &["--ephemeral"]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("gage starts");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut lines = lines.map(|line| line.expect("gage prints text"));
    let mut first = |word| lines.find(|line| line.starts_with(word)).expect("it is said");
    let (key, rpc) = (first("(8)"), first("RPC"));
    let word = |line: &str, index| line.split_whitespace().nth(index).expect("a word").to_owned();
    let (key, url) = (word(&key, 2), word(&rpc, 1));
    let ask = |arguments: &[&str]| {
        gage(&[arguments, &["--rpc-url", &url]].concat()).output().expect("gage starts")
    };
    let round = || {
        let told = ask(&["feeds", "--json"]).stdout;
        let told: serde_json::Value = serde_json::from_slice(&told).expect("JSON");
        let feeds = told.as_array().into_iter().flatten();
        let rounds = feeds.flat_map(|feed| feed["sources"].as_array().expect("a list"));
        rounds.filter_map(|source| source["round"].as_u64()).max().unwrap_or_default()
    };
    let deadline = Instant::now() + Duration::from_secs(SECONDS_MAX);
    let mut until = |holds: &dyn Fn() -> bool| {
        while !holds() {
            assert!(child.try_wait().expect("a child can be asked").is_none(), "the replay ended");
            assert!(Instant::now() < deadline, "not done after {SECONDS_MAX} s");
            std::thread::park_timeout(Duration::from_millis(50));
        }
    };
    until(&|| round() > 1);
    until(&|| ask(&["price", "WETH", "3210", "--private-key", &key]).status.success());
    let before = round();
    until(&|| round() > before + 1);
    child.kill().expect("a child can be killed");
    child.wait().expect("a child can be waited for");
}

#[test]
fn a_folder_refuses_another_demo() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    kill_on_the_way(folder.path(), 0);
    let path = folder.path().to_str().expect("a path in UTF-8");
    for other in [["--seed", "2"].as_slice(), &["--no-bids"]] {
        let mut other = replay(&[&["--data-dir", path], other].concat());
        let other = other.output().expect("gage starts");
        let said = String::from_utf8_lossy(&other.stderr);
        assert!(!other.status.success() && said.contains("holds another demo"), "{said}");
    }
}

#[test]
fn bad_histories_are_refused_before_anything_starts() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("bad.csv");
    std::fs::write(&file, "ts,asset,open,high,low,close\n1722470400,ETH,1,2,3,1\n")
        .expect("written");
    let path = file.to_str().expect("a path in UTF-8");
    let refused =
        gage(&["dev", "--replay", path, "--ephemeral", "--exit"]).output().expect("starts");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("line 2"), "{said}");
}
