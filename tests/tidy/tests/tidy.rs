//! House rules that lints do not check.

use std::path::Path;

use gage_tidy::sources::sources;

/// A file of more lines of code than this, tests, comments and blank lines aside, holds more than one
/// concept.
const LINES_MAX: usize = 600;

/// Names that say nothing about what a module holds.
const FORBIDDEN_MODULES: [&str; 5] = ["utils", "helpers", "common", "misc", "types"];

fn offenders(rule: impl Fn(&Path, &str) -> Option<String>) -> Vec<String> {
    sources()
        .iter()
        .filter_map(|(path, text)| rule(path, text).map(|why| format!("{}: {why}", path.display())))
        .collect()
}

#[test]
fn files_hold_one_concept() {
    let long = offenders(|path, text| {
        let production = text.lines().map(str::trim).take_while(|line| *line != "#[cfg(test)]");
        let lines = production.filter(|line| !line.is_empty() && !line.starts_with("//")).count();
        let in_tests = path.components().any(|part| part.as_os_str() == "tests");
        (lines > LINES_MAX && !in_tests).then(|| format!("{lines} lines of code before its tests"))
    });
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn modules_are_named_by_their_concept() {
    let vague = offenders(|path, _| {
        let stem = path.file_stem()?.to_str()?;
        let parent = path.parent()?.file_name()?.to_str()?;
        let name = if stem == "mod" { parent } else { stem };
        FORBIDDEN_MODULES.contains(&name).then(|| format!("a module called {name}"))
    });
    assert!(vague.is_empty(), "{vague:#?}");
}

#[test]
fn every_file_opens_with_its_concept() {
    let mute = offenders(|_, text| {
        let opens = text
            .lines()
            .next()
            .is_some_and(|line| line.starts_with("//!") || line.starts_with("#!"));
        (!opens).then(|| "no module documentation in its first line".to_owned())
    });
    assert!(mute.is_empty(), "{mute:#?}");
}

#[test]
fn nothing_is_left_unfinished() {
    // Spelled in two parts, so that this file does not find itself.
    let marks = [["to", "do!"], ["unimple", "mented!"], ["FIX", "ME"], ["XX", "X:"]]
        .map(|part| part.concat());
    let unfinished = offenders(|_, text| {
        marks
            .iter()
            .find(|mark| text.contains(mark.as_str()))
            .map(|mark| format!("contains {mark}"))
    });
    assert!(unfinished.is_empty(), "{unfinished:#?}");
}

#[test]
fn no_test_is_skipped() {
    let mark = ["#[ign", "ore"].concat();
    let skipped = offenders(|_, text| text.contains(&mark).then(|| "an ignored test".to_owned()));
    assert!(skipped.is_empty(), "{skipped:#?}");
}
