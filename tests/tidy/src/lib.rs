//! House rules that lints do not check; the rules are the tests in `tests/tidy.rs`.
