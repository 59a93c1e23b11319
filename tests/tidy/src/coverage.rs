//! Which tests carry which ids, and the page that says so.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use crate::catalogue::{Catalogue, Item};
use crate::sources::root;

/// What looks like an invariant's id and is a standard's.
const STANDARDS: [&str; 2] = ["EIP", "ERC"];

/// The classes of attacks; the last one is of scenarios, in which several come together.
const CLASSES: [&str; 18] =
    ["S", "O", "C", "R", "V", "F", "Q", "G", "D", "X", "U", "L", "T", "Z", "P", "N", "E", "SC"];

/// A test that names ids.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Test {
    /// Its file, from the workspace's folder.
    pub file: String,
    /// Its function.
    pub name: String,
}

/// The tests that carry each id, known or not.
pub type Carriers = BTreeMap<String, BTreeSet<Test>>;

/// Reads the ids out of the documentation of every test.
#[must_use]
pub fn carriers(sources: &[(std::path::PathBuf, String)]) -> Carriers {
    let mut carriers = Carriers::new();
    for (path, text) in sources {
        let file = path.strip_prefix(root()).unwrap_or(path).display().to_string();
        for (name, doc) in tests(text) {
            for id in ids(&doc) {
                let test = Test { file: file.clone(), name: name.clone() };
                carriers.entry(id).or_default().insert(test);
            }
        }
    }
    carriers
}

/// The tests of a file, each with its documentation.
#[must_use]
pub fn tests(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let (mut doc, mut is_test) = (String::new(), false);
    for line in text.lines().map(str::trim) {
        if let Some(words) = line.strip_prefix("///") {
            doc.push_str(words);
            doc.push('\n');
        } else if line.starts_with("#[") {
            is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        } else {
            let name = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
            if let Some(name) = name.filter(|_| is_test) {
                let end = name.find(|c: char| !c.is_alphanumeric() && c != '_');
                found.push((name[..end.unwrap_or(name.len())].to_owned(), doc.clone()));
            }
            (doc, is_test) = (String::new(), false);
        }
    }
    found
}

/// The ids in some words: three capitals or a class's letters, a hyphen and a number.
#[must_use]
pub fn ids(words: &str) -> BTreeSet<String> {
    let tokens = words.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    tokens.filter(|token| is_id(token)).map(str::to_owned).collect()
}

fn is_id(token: &str) -> bool {
    let Some((family, number)) = token.split_once('-') else { return false };
    let numeric = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let capitals = family.bytes().all(|byte| byte.is_ascii_uppercase());
    let attack = number.len() == 2 && CLASSES.contains(&family);
    let invariant = family.len() == 3 && !STANDARDS.contains(&family);
    numeric && capitals && (attack || invariant)
}

/// The invariants that `gage check` and every history check, by the list in the engine.
#[must_use]
pub fn checked(sources: &[(std::path::PathBuf, String)]) -> BTreeSet<String> {
    let list = sources.iter().find(|(path, _)| path.ends_with(Path::new("core/src/invariants.rs")));
    let text = list.map_or("", |(_, text)| text);
    let list = text.split_once("pub const CHECKED").and_then(|(_, rest)| rest.split_once("];"));
    list.map_or_else(BTreeSet::new, |(list, _)| ids(list))
}

/// What is wrong with the tests or with the catalogue; nothing if every applicable id is carried.
#[must_use]
pub fn faults(catalogue: &Catalogue, carriers: &Carriers) -> Vec<String> {
    let mut faults = Vec::new();
    for (id, tests) in carriers {
        match catalogue.get(id) {
            None => faults.push(format!("{id} is in no catalogue, yet named by {tests:?}")),
            Some(Item { missing: Some(part), .. }) => {
                faults.push(format!("{id} has tests: is there no part of {part} here? {tests:?}"));
            }
            Some(_) => {}
        }
        if catalogue.owed.contains(id) {
            faults.push(format!("{id} is carried now and no longer owed: make coverage"));
        }
    }
    for (id, item) in catalogue.invariants.iter().chain(&catalogue.attacks) {
        let owed = catalogue.owed.contains(id);
        if item.missing.is_none() && !carriers.contains_key(id) && !owed {
            faults.push(format!("no test carries {id}: {}", item.name));
        }
    }
    for id in &catalogue.owed {
        let applicable = catalogue.attacks.get(id).is_some_and(|item| item.missing.is_none());
        if !applicable {
            faults.push(format!("{id} is owed, but is no applicable attack"));
        }
    }
    faults
}

/// The page.
#[must_use]
pub fn page(catalogue: &Catalogue, carriers: &Carriers, checked: &BTreeSet<String>) -> String {
    let mut page = String::from(HEAD);
    summary(&mut page, catalogue, carriers);
    page.push_str("\n## Invariants\n\n| | what must hold | checked in every state | tests |\n|---|---|---|---|\n");
    for (id, item) in &catalogue.invariants {
        let always = if checked.contains(id) { "yes" } else { "" };
        row(&mut page, &[id, &item.name, always, &carried(item, carriers.get(id))]);
    }
    for class in CLASSES {
        let _ = write!(
            page,
            "\n## Attacks of class {class}\n\n| | | attack | tests |\n|---|---|---|---|\n"
        );
        let of_class = |id: &String| id.split_once('-').is_some_and(|(family, _)| family == class);
        for (id, item) in catalogue.attacks.iter().filter(|(id, _)| of_class(id)) {
            let priority = item.priority.as_deref().unwrap_or_default();
            row(&mut page, &[id, priority, &item.name, &carried(item, carriers.get(id))]);
        }
    }
    page
}

const HEAD: &str = "\
# Coverage: which tests carry which ids

`make coverage` writes this page from `tests/tidy/catalogue.toml`, which names the invariants of the protocol and
the attacks on lenders that it must withstand, and from the tests. A test carries an id when its documentation
comment names it, written out (`SOL-3`, `V-18`; no ranges). The build fails when an id whose parts exist has no
test, when a test names an id that is not in the catalogue, and when this page is not what the tests say.

Invariants that are *checked in every state* are checked by `gage_core::invariants`, each under its id: after every
step of the random histories, after every block of a replay with `--check`, and by `gage check` on a node that runs.
";

fn summary(page: &mut String, catalogue: &Catalogue, carriers: &Carriers) {
    page.push_str("\n| | ids | applicable | carried | owed |\n|---|---|---|---|---|\n");
    let mut kinds =
        vec![("invariants".to_owned(), catalogue.invariants.iter().collect::<Vec<_>>())];
    for priority in ["P0", "P1", "P2"] {
        let of =
            catalogue.attacks.iter().filter(|(_, item)| item.priority.as_deref() == Some(priority));
        kinds.push((format!("attacks, {priority}"), of.collect()));
    }
    for (kind, items) in kinds {
        let applicable: Vec<_> = items.iter().filter(|(_, item)| item.missing.is_none()).collect();
        let carried = applicable.iter().filter(|(id, _)| carriers.contains_key(*id)).count();
        let counts = [items.len(), applicable.len(), carried, applicable.len() - carried];
        let counts = counts.map(|count| count.to_string());
        row(page, &[&kind, &counts[0], &counts[1], &counts[2], &counts[3]]);
    }
}

fn row(page: &mut String, cells: &[&str]) {
    let _ = writeln!(page, "| {} |", cells.join(" | "));
}

/// The tests of an id, by file; or what is missing, or that a test is owed.
fn carried(item: &Item, tests: Option<&BTreeSet<Test>>) -> String {
    match (&item.missing, tests) {
        (Some(part), _) => format!("*no {part}*"),
        (None, None) => "**owed**".to_owned(),
        (None, Some(tests)) => {
            let mut files: BTreeMap<&str, Vec<String>> = BTreeMap::new();
            for test in tests {
                files.entry(&test.file).or_default().push(format!("`{}`", test.name));
            }
            let files = files.iter().map(|(file, names)| format!("{file}: {}", names.join(", ")));
            files.collect::<Vec<_>>().join("; ")
        }
    }
}
