//! Every applicable id of the catalogue has a test, and the page says which.

use std::collections::BTreeSet;
use std::fs;

use gage_tidy::catalogue::Catalogue;
use gage_tidy::coverage::{Carriers, Test, carriers, checked, faults, ids, page, tests};
use gage_tidy::sources::{root, sources};

#[test]
fn applicable_ids_are_carried() {
    let faults = faults(&Catalogue::read(), &carriers(&sources()));
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_page_is_what_the_tests_say() {
    let sources = sources();
    let page = page(&Catalogue::read(), &carriers(&sources), &checked(&sources));
    let written = fs::read_to_string(root().join("docs/coverage.md")).unwrap_or_default();
    assert!(written == page, "docs/coverage.md is stale: make coverage");
}

#[test]
fn what_histories_check_is_in_the_catalogue() {
    let (checked, catalogue) = (checked(&sources()), Catalogue::read());
    assert!(checked.len() > 20, "{checked:?}");
    for id in checked {
        let item = catalogue.invariants.get(&id);
        assert!(item.is_some_and(|item| item.missing.is_none()), "{id} is checked: {item:?}");
    }
}

#[test]
fn tests_and_their_ids_are_read() {
    let text = "/// SOL-3, S-01: a gift (EIP-712, 1e-18, A-1, S-1).\n#[test]\nfn one() {\n    /// Not a test's: V-01.\n\
                fn inner() {}\n}\n#[test]\n/// ORC-4.\n#[allow(x)]\nasync fn two() {}\n/// T-03.\nfn three() {}";
    let found = tests(text);
    let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["one", "two"]);
    let of = |words: &str| ids(words).into_iter().collect::<Vec<_>>();
    assert_eq!(of(&found[0].1), ["S-01", "SOL-3"]);
    assert_eq!(of(&found[1].1), ["ORC-4"]);
}

#[test]
fn what_is_carried_is_no_longer_owed() {
    let text = "# A list.\nowed = [\n    \"S-01\", \"S-02\",\n    \"S-03\",\n]\n[attack]\n";
    let paid = Catalogue::paid(text, |id| id == "S-02");
    assert_eq!(paid, "# A list.\nowed = [\n    \"S-01\", \"S-03\",\n]\n[attack]\n");
    assert_eq!(Catalogue::paid(&paid, |_| false), paid);
    assert_eq!(Catalogue::paid(&paid, |_| true), "# A list.\nowed = [\n]\n[attack]\n");
}

fn named(names: &[&str]) -> Carriers {
    let test = Test { file: "a.rs".into(), name: "a".into() };
    names.iter().map(|id| ((*id).to_owned(), BTreeSet::from([test.clone()]))).collect()
}

#[test]
fn gaps_and_strangers_are_faults() {
    let catalogue = Catalogue::parse(
        "owed = ['S-02']\n[invariant]\nSOL-1 = { name = 'a' }\nFLS-1 = { name = 'b', missing = 'c' }\n\
         [attack]\nS-01 = ['P0', 'd']\nS-02 = ['P1', 'e']\nS-03 = ['P1', 'f', 'g']",
    );
    assert!(faults(&catalogue, &named(&["SOL-1", "S-01"])).is_empty());
    for (carried, fault) in [
        (&["SOL-1"][..], "no test carries S-01"),
        (&["S-01"], "no test carries SOL-1"),
        (&["SOL-1", "S-01", "S-04"], "S-04 is in no catalogue"),
        (&["SOL-1", "S-01", "S-02"], "S-02 is carried now"),
        (&["SOL-1", "S-01", "FLS-1"], "FLS-1 has tests"),
    ] {
        let faults = faults(&catalogue, &named(carried));
        assert!(faults.len() == 1 && faults[0].contains(fault), "{faults:?}");
    }
    let owed = Catalogue { owed: BTreeSet::from(["S-03".to_owned()]), ..catalogue };
    assert!(faults(&owed, &named(&["SOL-1", "S-01", "S-02"]))[0].contains("S-03 is owed"));
}
