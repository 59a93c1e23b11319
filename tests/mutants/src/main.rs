//! `make mutants`: puts each flaw back in a copy of the tree, and demands that its tests fail.
//!
//! The copy has a build of its own, so that only what a patch touches is built again. Flaws are named by the first
//! letters of their patches (`S-04`); without a name all are tried.

use anyhow::{Context, Result, bail, ensure};
use gage_mutants::{Mutant, Test, mutants, root, succeeded};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};
use std::{env, fs};

/// What became of a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Caught,
    Survived,
    DoesNotApply,
    DoesNotBuild,
}

impl Outcome {
    const fn in_words(self) -> &'static str {
        match self {
            Self::Caught => "caught",
            Self::Survived => "SURVIVED",
            Self::DoesNotApply => "does not apply",
            Self::DoesNotBuild => "does not build",
        }
    }
}

/// How a run of tests ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Passed,
    Failed,
    NotBuilt,
}

/// A copy of the workspace that is patched and built.
struct Tree {
    folder: PathBuf,
    target: PathBuf,
}

impl Tree {
    /// The copy, made like the workspace: what is alike is not touched, so that builds are kept.
    fn like(root: &Path) -> Result<Self> {
        let target =
            env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
        let base = target.join("mutants");
        let tree = Self { folder: base.join("tree"), target: base.join("target") };
        let listed = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()?;
        succeeded("git ls-files", &listed)?;
        let names = String::from_utf8(listed.stdout)?;
        let names: BTreeSet<PathBuf> =
            names.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect();
        for name in &names {
            let (from, to) = (root.join(name), tree.folder.join(name));
            // A file that was deleted and not committed yet is listed.
            let Ok(content) = fs::read(&from) else { continue };
            if fs::read(&to).ok().as_ref() != Some(&content) {
                fs::create_dir_all(to.parent().context("a file lies in a folder")?)?;
                fs::write(&to, content)?;
            }
        }
        remove_others(&tree.folder, &tree.folder, &names)?;
        Ok(tree)
    }

    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.arg("test").args(arguments).current_dir(&self.folder);
        cargo.env("CARGO_TARGET_DIR", &self.target).env("CARGO_INCREMENTAL", "1");
        // A flaw is found, and how small it can be made is not asked.
        cargo.env("PROPTEST_MAX_SHRINK_ITERS", "0").env("RUST_BACKTRACE", "0");
        cargo
    }

    /// Runs tests of one target, and says whether all passed. Every named test must have run.
    fn run(&self, tests: &[&Test]) -> Result<Verdict> {
        let first = tests.first().context("a test")?;
        let target = first.cargo_arguments();
        let built = self.cargo(&[&target[..], &["--no-run", "--quiet"]].concat()).output()?;
        if !built.status.success() {
            eprintln!("{}", String::from_utf8_lossy(&built.stderr));
            return Ok(Verdict::NotBuilt);
        }
        let names: Vec<_> = tests.iter().map(|test| test.function.as_str()).collect();
        let run = self.cargo(&[&target[..], &["--"], &names[..]].concat()).output()?;
        let told = String::from_utf8_lossy(&run.stdout);
        for name in &names {
            let ran = told.lines().any(|line| line.starts_with("test ") && line.contains(name));
            ensure!(ran, "{name} did not run:\n{told}{}", String::from_utf8_lossy(&run.stderr));
        }
        Ok(if run.status.success() { Verdict::Passed } else { Verdict::Failed })
    }

    /// Puts a flaw in, runs its tests one by one, and takes it out again.
    fn try_mutant(&self, mutant: &Mutant) -> Result<Outcome> {
        if let Err(problem) = mutant.apply(&self.folder, &[]) {
            eprintln!("{problem:#}");
            return Ok(Outcome::DoesNotApply);
        }
        let verdicts: Result<Vec<_>> = mutant.tests.iter().map(|test| self.run(&[test])).collect();
        mutant.apply(&self.folder, &["--reverse"])?;
        let verdicts = verdicts?;
        Ok(if verdicts.contains(&Verdict::NotBuilt) {
            Outcome::DoesNotBuild
        } else if verdicts.contains(&Verdict::Passed) {
            Outcome::Survived
        } else {
            Outcome::Caught
        })
    }

    /// Checks that without a flaw all of the tests pass: else their failing would say nothing.
    fn check_unharmed(&self, mutants: &[Mutant]) -> Result<()> {
        let mut targets: BTreeMap<(&str, &str), BTreeSet<&Test>> = BTreeMap::new();
        for test in mutants.iter().flat_map(|mutant| &mutant.tests) {
            targets.entry((&test.package, &test.target)).or_default().insert(test);
        }
        for ((package, target), tests) in targets {
            let started = Instant::now();
            let tests: Vec<_> = tests.into_iter().collect();
            let verdict = self.run(&tests)?;
            ensure!(verdict == Verdict::Passed, "without a flaw: {package} {target}: {verdict:?}");
            println!("{:>7.1} s  {package} {target} passes unharmed", seconds(started.elapsed()));
        }
        Ok(())
    }
}

/// Removes files that the workspace has no more, and what tests left.
fn remove_others(base: &Path, folder: &Path, names: &BTreeSet<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_others(base, &path, names)?;
        } else if !names.contains(path.strip_prefix(base)?) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

fn chosen(all: Vec<Mutant>, names: &[String]) -> Result<Vec<Mutant>> {
    if names.is_empty() {
        return Ok(all);
    }
    for name in names {
        if !all.iter().any(|mutant| mutant.name().starts_with(name)) {
            bail!("no patch is called {name}…");
        }
    }
    let wanted = |mutant: &Mutant| names.iter().any(|name| mutant.name().starts_with(name));
    Ok(all.into_iter().filter(wanted).collect())
}

fn run() -> Result<bool> {
    let names: Vec<String> = env::args().skip(1).collect();
    let root = root()?;
    let mutants = chosen(mutants(&root)?, &names)?;
    let tree = Tree::like(&root)?;
    tree.check_unharmed(&mutants)?;
    let mut outcomes = Vec::new();
    for (number, mutant) in mutants.iter().enumerate() {
        let started = Instant::now();
        let outcome = tree.try_mutant(mutant).with_context(|| mutant.name())?;
        let place = format!("{}/{}", number + 1, mutants.len());
        let time = seconds(started.elapsed());
        println!("{time:>7.1} s  {place:>7}  {:<15} {}", outcome.in_words(), mutant.name());
        outcomes.push(outcome);
    }
    println!();
    for (mutant, outcome) in mutants.iter().zip(&outcomes) {
        println!("{:<5} {:<15} {}", mutant.id, outcome.in_words(), mutant.flaw);
    }
    let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
    let caught = count(Outcome::Caught);
    println!(
        "\n{} mutants: {caught} caught, {} survived, {} do not apply, {} do not build",
        mutants.len(),
        count(Outcome::Survived),
        count(Outcome::DoesNotApply),
        count(Outcome::DoesNotBuild),
    );
    Ok(caught == mutants.len())
}

fn main() -> Result<ExitCode> {
    Ok(if run()? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
