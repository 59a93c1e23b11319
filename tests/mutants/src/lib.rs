//! Mutants: patches that put a known flaw back, each with the tests that must fail then.
//!
//! A patch opens with what the flaw is, and with one line for each test:
//!
//! ```text
//! S-01: cash is what lies on the vault's address
//! test: gage-core attacks reg_s01_empty_market_donation
//! ```
//!
//! that is a package, one of its test targets (`lib` for its unit tests), and a function.

use anyhow::{Context, Result, bail, ensure};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A test by its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Test {
    /// The package.
    pub package: String,
    /// The test target; `lib` for the library's own.
    pub target: String,
    /// The function.
    pub function: String,
}

impl Test {
    fn parse(line: &str) -> Result<Self> {
        let words: Vec<_> = line.split_whitespace().collect();
        let [package, target, function] = words.as_slice() else {
            bail!("`{line}` is not a package, a target and a function");
        };
        let [package, target, function] = [package, target, function].map(|word| word.to_string());
        Ok(Self { package, target, function })
    }

    /// The arguments of cargo that choose its target.
    #[must_use]
    pub fn cargo_arguments(&self) -> Vec<&str> {
        match self.target.as_str() {
            "lib" => vec!["-p", &self.package, "--lib"],
            target => vec!["-p", &self.package, "--test", target],
        }
    }

    /// Where its source is, below the workspace's root.
    fn sources(&self, root: &Path) -> Result<Vec<PathBuf>> {
        let folder = self.package.strip_prefix("gage-").context("a package of this workspace")?;
        let package = root.join("crates").join(folder);
        if self.target == "lib" {
            return rust_files(&package.join("src"));
        }
        let tests = package.join("tests");
        let file = tests.join(format!("{}.rs", self.target));
        if file.is_file() { Ok(vec![file]) } else { rust_files(&tests.join(&self.target)) }
    }

    /// Checks that the function is there and that its documentation begins with the attack's id, or names it among
    /// those that it replays.
    ///
    /// # Errors
    /// If not, in words.
    pub fn check(&self, root: &Path, id: &str) -> Result<()> {
        let head = format!("fn {}(", self.function);
        for path in self.sources(root)? {
            let text = fs::read_to_string(&path)?;
            let Some(place) = text.find(&head) else { continue };
            let before = text.get(..place).unwrap_or_default();
            let documentation =
                before.lines().rev().map(str::trim).skip_while(|line| line.is_empty());
            let documentation = documentation.take_while(|line| line.starts_with(['/', '#']));
            let named = documentation.into_iter().any(|line| line.contains(id));
            ensure!(named, "the documentation of {} does not name {id}", self.function);
            return Ok(());
        }
        bail!("{} {} has no function {}", self.package, self.target, self.function)
    }
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(rust_files(&path)?);
        } else if path.extension() == Some(OsStr::new("rs")) {
            found.push(path);
        }
    }
    Ok(found)
}

/// A flaw, and the tests that must see it.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// The patch.
    pub path: PathBuf,
    /// The attack's row in the catalogue.
    pub id: String,
    /// What the flaw is.
    pub flaw: String,
    /// What must fail.
    pub tests: Vec<Test>,
}

impl Mutant {
    /// Reads a patch's head.
    ///
    /// # Errors
    /// If the head or the name of the file is not of the form that the crate's documentation says.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path)?;
        let mut lines = text.lines().take_while(|line| !line.starts_with("diff "));
        let title = lines.next().context("an empty patch")?;
        let (id, flaw) = title.split_once(": ").context("no `ID: flaw` in the first line")?;
        let tests = lines.filter_map(|line| line.strip_prefix("test: "));
        let tests = tests.map(Test::parse).collect::<Result<Vec<_>>>()?;
        ensure!(!tests.is_empty(), "no `test:` line");
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        ensure!(name.starts_with(&format!("{id}-")), "the file is not called {id}-….patch");
        Ok(Self { path: path.to_owned(), id: id.to_owned(), flaw: flaw.to_owned(), tests })
    }

    /// Its name: the file's, without its end.
    #[must_use]
    pub fn name(&self) -> String {
        self.path.file_stem().and_then(OsStr::to_str).unwrap_or_default().to_owned()
    }

    /// Hands the patch to `git apply` in a folder.
    ///
    /// # Errors
    /// What git says if it does not apply.
    pub fn apply(&self, folder: &Path, options: &[&str]) -> Result<()> {
        let mut git = Command::new("git");
        // The folder is patched as it is, whatever repository it lies in.
        git.arg("apply").args(options).arg(&self.path).current_dir(folder);
        git.env("GIT_CEILING_DIRECTORIES", folder.parent().unwrap_or(folder));
        succeeded("git apply", &git.output()?)
    }
}

/// Every mutant below a workspace's root, by name.
///
/// # Errors
/// What is wrong with one of them.
pub fn mutants(root: &Path) -> Result<Vec<Mutant>> {
    let folder = root.join("tests/mutants/patches");
    let mut all = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("patch")) {
            all.push(Mutant::read(&path).with_context(|| path.display().to_string())?);
        }
    }
    all.sort_by_key(Mutant::name);
    Ok(all)
}

/// The workspace's root.
///
/// # Errors
/// If this crate does not lie two folders below it.
pub fn root() -> Result<PathBuf> {
    Ok(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?)
}

/// What a program says that did not succeed.
///
/// # Errors
/// That, if so.
pub fn succeeded(what: &str, output: &Output) -> Result<()> {
    ensure!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}
