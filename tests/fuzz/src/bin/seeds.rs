//! Writes the corpus of every target from real traffic; with a folder, unpacks it there for libFuzzer, one file an
//! input.

use std::path::PathBuf;
use std::{env, fs, io};

use gage_fuzz::{TARGETS, corpus, regressions, write_corpus};

fn main() -> io::Result<()> {
    let Some(folder) = env::args_os().nth(1).map(PathBuf::from) else {
        for target in &TARGETS {
            println!("{}: {} seeds", target.name, write_corpus(target)?);
        }
        return Ok(());
    };
    for target in &TARGETS {
        let folder = folder.join(target.name);
        fs::create_dir_all(&folder)?;
        let inputs = corpus(target).into_iter().chain(regressions(target));
        for (number, input) in inputs.enumerate() {
            fs::write(folder.join(format!("seed-{number:04}")), input)?;
        }
    }
    Ok(())
}
