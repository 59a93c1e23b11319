//! Our formulas and operations beside the numbers that Morpho Blue's and Aave v3.6's contracts gave: every
//! vector is compared, or counted under the reason why it says nothing about Gage.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod aave;
mod legs;
mod morpho;
#[path = "../world/mod.rs"]
mod world;

use std::collections::BTreeMap;
use std::io::Read as _;

use flate2::read::GzDecoder;
use serde_json::Value;

/// The vectors of a file.
fn unpack(bytes: &[u8]) -> Value {
    let mut text = String::new();
    GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn list<'a>(vectors: &'a Value, key: &str) -> &'a [Value] {
    vectors[key].as_array().unwrap()
}

/// A number, if it has 128 bits.
fn number(value: &Value) -> Option<u128> {
    value.as_str().map_or_else(|| value.as_u64().map(u128::from), |text| text.parse().ok())
}

fn all(values: &Value) -> Option<Vec<u128>> {
    values.as_array()?.iter().map(number).collect()
}

/// A number that must have 128 bits.
fn field(value: &Value, key: &str) -> u128 {
    number(&value[key]).unwrap_or_else(|| panic!("no {key} in {value}"))
}

/// What became of each vector of a list.
#[derive(Default)]
struct Tally(BTreeMap<String, usize>);

const COMPARED: &str = "compared";

impl Tally {
    /// One that was compared.
    fn compared(&mut self) {
        self.apart(COMPARED);
    }

    /// One that differs, or says nothing, for a reason.
    fn apart(&mut self, why: &str) {
        *self.0.entry(why.to_owned()).or_default() += 1;
    }

    /// Every vector has been counted, and so many were compared at least.
    fn close(&self, what: &str, total: usize, least: usize) {
        println!("{what}: {total}");
        for (why, times) in &self.0 {
            println!("  {times:>4} {why}");
        }
        assert_eq!(self.0.values().sum::<usize>(), total, "{what}: not all were counted");
        let compared = self.0.get(COMPARED).copied().unwrap_or_default();
        assert!(compared >= least, "{what}: only {compared} were compared");
    }
}
