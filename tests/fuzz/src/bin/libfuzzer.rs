//! A target under libFuzzer, which follows coverage; `GAGE_TARGET` names it. `make fuzz` builds and runs it.
#![no_main]

use std::sync::LazyLock;

use gage_fuzz::{Target, target};
use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("GAGE_TARGET").unwrap_or_default();
    target(&name).unwrap_or_else(|| panic!("GAGE_TARGET={name}: no such target"))
});

fuzz_target!(|data: &[u8]| (TARGET.run)(data));
