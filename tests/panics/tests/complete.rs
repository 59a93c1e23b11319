//! Every public function of the protocol is among the roots of the search for panics.

use std::fs;
use std::path::{Path, PathBuf};

/// The tests' ledger and the checks of whole states: no block runs them.
const OUTSIDE: [&str; 2] = ["memory", "invariants"];

/// Functions that take iterators, which `roots` names by hand.
const BY_HAND: [&str; 1] = ["along"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The names of a file's public functions, without methods and tests.
fn functions(text: &str) -> Vec<&str> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let named = code.lines().filter_map(|line| {
        let line = line.strip_prefix("pub ")?;
        line.strip_prefix("const ").unwrap_or(line).strip_prefix("fn ")
    });
    named.filter_map(|line| line.split(['<', '(']).next()).collect()
}

/// The names in the lists of `roots`, each as often as it stands there.
fn named(roots: &'static str) -> Vec<&'static str> {
    let entry = |line: &'static str| line.strip_prefix("            ")?.strip_suffix(");");
    let listed = roots.lines().filter_map(entry);
    let names = listed.filter_map(|line| line.split_once('('));
    let is_entry = |arguments: &str| arguments.chars().all(|c| matches!(c, '_' | ',' | ' '));
    names.filter(|(_, arguments)| is_entry(arguments)).map(|(name, _)| name).collect()
}

#[test]
fn every_function_is_searched() {
    let core = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/core/src");
    let mut files = Vec::new();
    sources(&core, &mut files);
    let texts = files.into_iter().filter_map(|file| {
        let name = file.strip_prefix(&core).expect("inside").to_string_lossy().into_owned();
        let outside = OUTSIDE.iter().any(|outside| name.starts_with(outside));
        let searched = !outside && !name.ends_with("tests.rs");
        searched.then(|| fs::read_to_string(&file).expect("a source"))
    });
    let texts: Vec<String> = texts.collect();
    let public = texts.iter().flat_map(|text| functions(text));
    let mut public: Vec<&str> = public.filter(|name| !BY_HAND.contains(name)).collect();
    let mut named = named(include_str!("../src/bin/roots.rs"));
    public.sort_unstable();
    named.sort_unstable();
    assert!(public.len() > 150, "{} functions found: the search for them is broken", public.len());
    assert_eq!(named, public, "the lists in src/bin/roots.rs are not what is public");
}
