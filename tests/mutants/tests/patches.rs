//! Every patch still applies, and names tests that exist and say which attack they replay.

use gage_mutants::{mutants, root};

#[test]
fn every_mutant_applies_and_names_its_tests() {
    let root = root().expect("the workspace is there");
    let mutants = mutants(&root).expect("every patch has a head");
    assert!(mutants.len() > 50, "{} patches", mutants.len());
    let mut wrong = Vec::new();
    for mutant in &mutants {
        let applies = mutant.apply(&root, &["--check"]);
        let tests = mutant.tests.iter().map(|test| test.check(&root, &mutant.id));
        let problems = std::iter::once(applies).chain(tests).filter_map(Result::err);
        wrong.extend(problems.map(|problem| format!("{}: {problem:#}", mutant.name())));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
