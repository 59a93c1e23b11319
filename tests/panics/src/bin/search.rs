//! Searches the machine code of `roots` for panics that the protocol can reach, and fails on any that `allowed.txt`
//! does not explain.
//!
//! Reads `objdump -d --demangle`. A function reaches what it calls, jumps to or takes the address of; a *site* is a
//! function that does one of these with a function of the standard library that only panics. Pointers that lie in
//! data are not followed: the ledger's own functions, and how errors are written in words.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, ExitCode};

/// Where the allowed sites are listed, each with its reason.
const ALLOWED: &str = include_str!("../../allowed.txt");

/// Whose functions are reached from outside.
const PROTOCOL: &str = "gage_core::";

/// Functions of the standard library that panic and do nothing else.
const PANICKING: [&str; 12] = [
    "core::panicking::",
    "core::option::unwrap_failed",
    "core::option::expect_failed",
    "core::result::unwrap_failed",
    "core::slice::index::slice_",
    "core::str::slice_error_fail",
    "core::cell::panic_",
    "copy_from_slice_impl::len_mismatch_fail",
    "alloc::raw_vec::handle_error",
    "alloc::raw_vec::capacity_overflow",
    "alloc::alloc::handle_alloc_error",
    "panic_on_ord_violation",
];

/// What each function mentions.
type Graph = BTreeMap<String, BTreeSet<String>>;

fn main() -> ExitCode {
    let Some(binary) = std::env::args().nth(1) else {
        eprintln!("usage: search BINARY");
        return ExitCode::FAILURE;
    };
    match disassembled(&binary) {
        Ok(text) => report(&graph(&text)),
        Err(error) => {
            eprintln!("objdump {binary}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn disassembled(binary: &str) -> Result<String, String> {
    let arguments = ["-d", "--demangle", "--no-show-raw-insn", binary];
    let output = Command::new("objdump").args(arguments).output().map_err(|e| e.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    String::from_utf8(output.stdout).map_err(|error| error.to_string())
}

fn graph(text: &str) -> Graph {
    let mut graph = Graph::new();
    let mut function = String::new();
    for line in text.lines() {
        if let Some(name) = line.strip_suffix(">:").and_then(|line| line.split_once(" <")) {
            function = plain(name.1).to_owned();
            graph.entry(function.clone()).or_default();
        } else if let Some((_, rest)) = line.split_once('<')
            && let Some(mentioned) = rest.strip_suffix('>')
        {
            let mentioned = plain(mentioned);
            if mentioned != function {
                graph.entry(function.clone()).or_default().insert(mentioned.to_owned());
            }
        }
    }
    graph
}

/// A name without the distance into the function and without the compiler's hash.
fn plain(name: &str) -> &str {
    let name = name.rsplit_once("+0x").map_or(name, |(name, _)| name);
    match name.rsplit_once("::h") {
        Some((path, hash)) if hash.len() == 16 && hash.chars().all(|c| c.is_ascii_hexdigit()) => {
            path
        }
        _ => name,
    }
}

fn panics(function: &str) -> bool {
    PANICKING.iter().any(|name| function.contains(name))
}

/// All that is reached from the protocol's functions, except through what only panics.
fn reached(graph: &Graph) -> BTreeSet<&str> {
    let mut waiting: Vec<&str> =
        graph.keys().map(String::as_str).filter(|name| name.contains(PROTOCOL)).collect();
    let mut reached = BTreeSet::new();
    while let Some(function) = waiting.pop() {
        if panics(function) || !reached.insert(function) {
            continue;
        }
        waiting.extend(graph.get(function).into_iter().flatten().map(String::as_str));
    }
    reached
}

/// Lines of `allowed.txt`: a part of the function's name, the end of what it calls, and why that is no panic.
fn allowed() -> Vec<[&'static str; 3]> {
    let lines = ALLOWED.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let fields = |line: &'static str| {
        let mut fields = line.splitn(3, " | ").map(str::trim);
        [(); 3].map(|()| fields.next().unwrap_or_default())
    };
    lines.map(fields).collect()
}

fn report(graph: &Graph) -> ExitCode {
    let reached = reached(graph);
    let own = reached.iter().filter(|name| name.contains(PROTOCOL)).count();
    let allowed = allowed();
    let (mut explained, mut unexplained, mut used) = (0, 0, BTreeSet::new());
    for function in &reached {
        for callee in graph.get(*function).into_iter().flatten().filter(|callee| panics(callee)) {
            let place = allowed
                .iter()
                .position(|[site, call, _]| function.contains(site) && callee.ends_with(call));
            match place {
                Some(place) => {
                    explained += 1;
                    used.insert(place);
                    println!("{function}\n    calls {callee}: {}", allowed[place][2]);
                }
                None => {
                    unexplained += 1;
                    println!("{function}\n    calls {callee}: NOT EXPLAINED");
                }
            }
        }
    }
    let idle = allowed.len() - used.len();
    println!(
        "{own} functions of the protocol and {} more that they reach: {explained} panic sites explained, \
         {unexplained} not; {idle} explanations without a site",
        reached.len() - own
    );
    for (_, [site, call, _]) in
        allowed.iter().enumerate().filter(|(place, _)| !used.contains(place))
    {
        println!("no site: {site} | {call}");
    }
    // Less than this would mean that the search, not the protocol, is empty.
    let searched = own >= 100;
    if unexplained == 0 && idle == 0 && searched { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
