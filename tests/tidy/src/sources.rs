//! The Rust files of the workspace.

use std::fs;
use std::path::{Path, PathBuf};

/// The workspace's folder.
///
/// # Panics
/// If it is gone.
#[must_use]
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    here.canonicalize().expect("the workspace is there")
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the workspace can be read") {
        let path = entry.expect("an entry of the workspace can be read").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && name != "target" && name != "node_modules" && name != "cache" {
            rust_files(&path, found);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

/// Every Rust file of the workspace with its text, by path.
///
/// # Panics
/// If a file cannot be read, or the walk finds next to nothing.
#[must_use]
pub fn sources() -> Vec<(PathBuf, String)> {
    let mut paths = Vec::new();
    for folder in ["crates", "bench", "tests"] {
        rust_files(&root().join(folder), &mut paths);
    }
    assert!(paths.len() > 50, "the walk found only {} files", paths.len());
    paths.sort_unstable();
    paths
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a source file is UTF-8");
            (path, text)
        })
        .collect()
}
