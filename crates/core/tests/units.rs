//! Quantities of different kinds do not meet: neither in the types nor in what fees and bonuses come to.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use gage_core::fixed::BPS;
use gage_core::{Token, WAD};
use world::acts::*;
use world::*;

/// The types of quantities, and whether they have sums of their own.
const QUANTITIES: [(&str, bool); 8] = [
    ("Assets", true),
    ("Shares", true),
    ("Units", true),
    ("Wad", true),
    ("Ray", true),
    ("Bps", false),
    ("Ppm", false),
    ("Timestamp", false),
];

/// What may be done with two of one kind, and must not be with two kinds: sums, if it has them, and the rest.
const SUMS: [&str; 2] = ["let _ = a.add(b);", "let _ = a.saturating_sub(b);"];
const OF_ONE_KIND: [&str; 2] = ["let _ = a < b;", "let _ = [a, b];"];
/// What is not done with any two: operators say nothing of rounding and of overflow.
const NEVER: [&str; 4] = ["let _ = a + b;", "let _ = a - b;", "let _ = a * b;", "let _ = a / b;"];

/// A program with one function in each line, and the lines that must not compile.
#[derive(Default)]
struct Program {
    text: String,
    lines: usize,
    wrong: BTreeMap<usize, String>,
}

impl Program {
    fn line(&mut self, text: &str) {
        writeln!(self.text, "{text}").unwrap();
        self.lines += 1;
    }

    fn function(&mut self, (a, b): (&str, &str), body: &str, compiles: bool) {
        let number = self.lines + 1;
        let text = format!("pub fn f{number}(a: {a}, b: {b}) {{ {body} }}");
        self.line(&text);
        if !compiles {
            self.wrong.insert(number, text);
        }
    }

    fn of_all_pairs() -> Self {
        let mut program = Self::default();
        program.line("#![allow(unused)] use gage_core::*;");
        for (a, has_sums) in QUANTITIES {
            for (b, _) in QUANTITIES {
                let alike = a == b;
                // Points are parts of a million, too, and that is written `Ppm::from`.
                let written = (a, b) == ("Ppm", "Bps");
                for (bodies, compiles) in
                    [(&SUMS[..], alike && has_sums), (&OF_ONE_KIND, alike), (&NEVER, false)]
                {
                    bodies.iter().for_each(|body| program.function((a, b), body, compiles));
                }
                program.function((a, b), &format!("let _ = {a}::from(b);"), alike || written);
            }
            program.function((a, "u128"), "let _ = [a, b];", false);
            program.function((a, "u128"), &format!("let _ = {a}::from(b);"), false);
            program.function((a, "u128"), "let _: u128 = a.into();", false);
        }
        program
    }
}

/// The library that this test was built with: the newest beside it.
fn library() -> PathBuf {
    let test = env::current_exe().unwrap();
    let built = fs::read_dir(test.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    let is_core = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("libgage_core-") && name.ends_with(".rlib")
    };
    built.filter(is_core).max_by_key(|path| path.metadata().unwrap().modified().unwrap()).unwrap()
}

/// The lines at which a program does not compile because of a type, with the compiler's words.
fn refused(program: &str, library: &Path) -> BTreeMap<usize, String> {
    let folder = env::temp_dir().join(format!("gage-units-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("pairs.rs"), program).unwrap();
    let compiler = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(compiler)
        .args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "--error-format=short"])
        .arg(format!("--extern=gage_core={}", library.display()))
        .arg(format!("-Ldependency={}", library.parent().unwrap().display()))
        .arg("pairs.rs")
        .current_dir(&folder)
        .output()
        .unwrap();
    fs::remove_dir_all(&folder).unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    // Mismatched types, an operator, a conversion or a method that there is not.
    let types = ["error[E0308]", "error[E0369]", "error[E0277]", "error[E0599]"];
    let place = |line: &str| {
        let mut parts = line.strip_prefix("pairs.rs:")?.splitn(3, ':');
        let number = parts.next()?.parse().ok()?;
        let error = parts.nth(1)?.trim();
        let known = types.iter().any(|kind| error.starts_with(kind));
        assert!(known || !error.starts_with("error"), "{line}");
        Some((number, error.to_owned()))
    };
    told.lines().filter_map(place).collect()
}

/// F-08 (Futureswap, where a fee of one unit was taken from another): the compiler refuses to add, compare, exchange or
/// convert quantities of different kinds, and to make one of a bare number without saying so. Catches any operator or
/// conversion between two of them.
#[test]
fn reg_f08_units_do_not_mix() {
    let program = Program::of_all_pairs();
    let refused = refused(&program.text, &library());
    let [wrong, found] = [
        program.wrong.keys().copied().collect::<BTreeSet<_>>(),
        refused.keys().copied().collect::<BTreeSet<_>>(),
    ];
    let mixed: Vec<_> = wrong.difference(&found).map(|line| &program.wrong[line]).collect();
    assert!(mixed.is_empty(), "these compile: {mixed:#?}");
    let lost: Vec<_> = found.difference(&wrong).map(|line| &refused[line]).collect();
    assert!(lost.is_empty(), "these should compile: {lost:#?}");
}

/// What a loan comes to, in dollars of 18 decimals.
#[derive(Debug, PartialEq, Eq)]
struct Sums {
    interest: u128,
    fee: u128,
    repaid: u128,
    seized: u128,
}

/// A loan of a year, and its liquidation.
fn sums(decimals: [u8; 2]) -> Sums {
    let mut world = indebted(decimals);
    let lent = vault(1);
    let worth = |world: &World, asset: u32, units: u128| -> u128 {
        let decimals = world.decimals[asset as usize - 1];
        units * 1_000_000 / unit(decimals) * (price_of(world, asset) / 1_000_000)
    };
    let before = world.settled().vaults[&lent];
    world.pass(365 * 86_400);
    let after = world.settled().vaults[&lent];
    world.report_all_again();
    world.report(2, 90 * WAD).unwrap();
    let [rich, held] = [1, 2].map(|number| world.held(Token::Asset(asset(number)), MALLORY));
    let plan = liquidate(&mut world, MALLORY, ALICE, u128::MAX).unwrap();
    let paid = rich - world.held(Token::Asset(asset(1)), MALLORY);
    let got = world.held(Token::Asset(asset(2)), MALLORY) - held;
    assert_eq!((plan.repaid().get(), plan.seized().get()), (paid, got));
    let debt = |vault: &gage_core::Vault| vault.accrue(vault.updated_at).debt().get();
    Sums {
        interest: worth(&world, 1, debt(&after) - debt(&before)),
        fee: worth(&world, 1, after.reserves.get() - before.reserves.get()),
        repaid: worth(&world, 1, paid),
        seized: worth(&world, 2, got),
    }
}

fn price_of(world: &World, asset: u32) -> u128 {
    world.ledger.feeds[&gage_core::FeedId::new(asset)].price.get()
}

/// F-08: a fee is a part of the interest in the asset that is lent, and a bonus a part of the debt in the asset that is
/// seized: the same dollars whatever decimals both have. Catches a fee taken in shares, and a bonus in the debt's units.
#[test]
fn reg_f08_a_fee_is_in_the_unit_it_is_taken_from() {
    let close = |one: u128, other: u128| one.abs_diff(other) <= one.max(other) / 100_000;
    let usual = sums([6, 18]);
    assert!(close(usual.fee, usual.interest / 10), "a tenth is kept: {usual:?}");
    let bonus = usual.seized * BPS / usual.repaid - BPS;
    assert!((300..=1_000).contains(&bonus), "{bonus} bps: {usual:?}");
    for decimals in [[6, 6], [6, 8], [8, 18], [18, 6], [18, 18], [18, 27], [27, 8]] {
        let other = sums(decimals);
        let pairs = [
            (usual.interest, other.interest),
            (usual.fee, other.fee),
            (usual.repaid, other.repaid),
            (usual.seized, other.seized),
        ];
        assert!(pairs.iter().all(|(one, other)| close(*one, *other)), "{decimals:?}: {other:?}");
    }
}
