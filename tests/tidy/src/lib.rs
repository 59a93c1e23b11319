//! House rules that lints do not check, and the page that says which tests carry which ids. The rules are
//! the tests in `tests/`.

pub mod catalogue;
pub mod coverage;
pub mod sources;
