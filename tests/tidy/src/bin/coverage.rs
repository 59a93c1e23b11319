//! Writes docs/coverage.md, and takes off the list of owed tests what is carried now.

use std::fs;

use gage_tidy::catalogue::Catalogue;
use gage_tidy::coverage::{carriers, checked, page};
use gage_tidy::sources::{root, sources};

fn main() -> std::io::Result<()> {
    let (sources, root) = (sources(), root());
    let carriers = carriers(&sources);
    let list = root.join("tests/tidy/catalogue.toml");
    let text = Catalogue::paid(&fs::read_to_string(&list)?, |id| carriers.contains_key(id));
    fs::write(&list, &text)?;
    let page = page(&Catalogue::parse(&text), &carriers, &checked(&sources));
    fs::write(root.join("docs/coverage.md"), page)
}
