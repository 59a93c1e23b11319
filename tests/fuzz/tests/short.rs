//! The short form of fuzzing, without the guidance of coverage: every target on its corpus, on every input that ever
//! failed, and on mutations of these that follow from a seed. `GAGE_RUNS` lengthens it, `GAGE_SEED` changes it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use alloy_primitives::hex;
use gage_fuzz::{Dice, Target, corpus, mutated, regressions, target};

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Runs the body; what fails is told as a line for `regressions`.
fn run(target: &Target, input: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_err() {
        panic!(
            "{} fails; add this line to regressions/{0}.txt:\n{}",
            target.name,
            hex::encode(input)
        );
    }
}

fn fuzz(name: &str) {
    let target = target(name).expect("a target");
    let mut inputs = corpus(&target);
    assert!(!inputs.is_empty(), "{name} has no corpus: cargo run -p gage-fuzz --bin seeds");
    // The committed traffic may be of an earlier protocol.
    inputs.extend((target.seeds)());
    inputs.extend(regressions(&target));
    for input in &inputs {
        run(&target, input);
    }
    run(&target, &[]);
    let mut dice = Dice(setting("GAGE_SEED", 1));
    let runs = setting("GAGE_RUNS", 4_000) * target.pace / 1_000;
    let mut kept = inputs.clone();
    for _ in 0..runs {
        let (one, other) = (dice.below(kept.len()), dice.below(inputs.len()));
        let input = mutated(&kept[one], &inputs[other], &mut dice);
        run(&target, &input);
        // Without coverage nothing says which mutation leads on; some are kept at random.
        if dice.below(20) == 0 && input.len() < 20_000 {
            kept.push(input);
        }
    }
    println!("{name}: {} inputs, {runs} mutations", inputs.len());
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                fuzz(stringify!($name));
            }
        )*

        #[test]
        fn every_target_is_fuzzed() {
            let named = [$(stringify!($name)),*];
            let all: Vec<_> = gage_fuzz::TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(named.as_slice(), all);
        }
    };
}

targets! { dispatch records transaction block rpc proof snapshot config message }
