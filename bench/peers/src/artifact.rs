//! The peers' compiled contracts: asks `compile.mjs` for them, reads and links them, names their errors.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use alloy_primitives::{Address, hex, keccak256};
use alloy_sol_types::decode_revert_reason;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// A compiled contract as `compile.mjs` writes it.
#[derive(Deserialize)]
pub struct Artifact {
    #[serde(deserialize_with = "hex::deserialize")]
    bytecode: Vec<u8>,
    links: Vec<Link>,
    errors: Vec<ErrorAbi>,
}

/// Where the address of a library belongs, in bytes.
#[derive(Deserialize)]
struct Link {
    library: String,
    offsets: Vec<usize>,
}

#[derive(Deserialize)]
struct ErrorAbi {
    name: String,
    inputs: Vec<String>,
}

impl Artifact {
    /// The libraries that it calls.
    pub fn libraries(&self) -> impl Iterator<Item = &str> {
        self.links.iter().map(|link| link.library.as_str())
    }

    /// The creation code with the addresses of its libraries.
    ///
    /// # Panics
    /// A library has no address.
    pub fn link(&self, libraries: &HashMap<String, Address>) -> Vec<u8> {
        let mut code = self.bytecode.clone();
        for Link { library, offsets } in &self.links {
            let address = libraries.get(library).expect("a library is deployed before its user");
            for offset in offsets {
                code[*offset..*offset + Address::len_bytes()].copy_from_slice(address.as_slice());
            }
        }
        code
    }
}

/// All compiled contracts, by name, and the signatures of their errors.
pub struct Artifacts {
    contracts: HashMap<String, Artifact>,
    errors: HashMap<[u8; 4], String>,
}

impl Artifacts {
    /// Compiles what is not yet in `bench/cache` and reads all of it.
    ///
    /// # Errors
    /// Node.js is missing, a package cannot be fetched, a contract does not compile.
    pub fn load() -> Result<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let status = Command::new("node")
            .arg(here.join("compile.mjs"))
            .status()
            .context("node compiles the peers' contracts and must be installed")?;
        ensure!(status.success(), "compile.mjs failed with {status}");

        let mut contracts = HashMap::new();
        let mut errors = HashMap::new();
        for entry in fs::read_dir(here.join("../cache"))? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let artifact: Artifact = serde_json::from_slice(&fs::read(&path)?)
                .with_context(|| format!("reading {}", path.display()))?;
            for ErrorAbi { name, inputs } in &artifact.errors {
                let signature = format!("{name}({})", inputs.join(","));
                let hash = keccak256(&signature);
                errors.insert([hash[0], hash[1], hash[2], hash[3]], signature);
            }
            contracts.insert(name, artifact);
        }
        Ok(Self { contracts, errors })
    }

    /// A contract by name.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn get(&self, name: &str) -> Result<&Artifact> {
        self.contracts.get(name).with_context(|| format!("no contract {name} in bench/cache"))
    }

    /// What a revert said: its text, its error's signature, or its bytes.
    pub fn revert_reason(&self, output: &[u8]) -> String {
        if let Some(signature) = output.first_chunk().and_then(|selector| self.errors.get(selector))
        {
            return format!("{signature} {}", hex::encode_prefixed(&output[4..]));
        }
        // Any bytes that are UTF-8 count as a text there.
        decode_revert_reason(output)
            .filter(|text| !text.chars().any(char::is_control))
            .unwrap_or_else(|| hex::encode_prefixed(output))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use alloy_sol_types::{Revert, SolError};

    use super::*;

    /// One contract, `Code`, with this creation code.
    pub(crate) fn only(bytecode: Vec<u8>) -> Artifacts {
        let code = Artifact { bytecode, links: Vec::new(), errors: Vec::new() };
        Artifacts { contracts: HashMap::from([("Code".to_owned(), code)]), errors: HashMap::new() }
    }

    #[test]
    fn a_library_is_linked_wherever_it_is_called() {
        let links = vec![Link { library: "Logic".to_owned(), offsets: vec![1, 22] }];
        let artifact = Artifact { bytecode: vec![0; 43], links, errors: Vec::new() };
        let address = Address::repeat_byte(0xaa);
        let code = artifact.link(&HashMap::from([("Logic".to_owned(), address)]));
        assert_eq!((code[0], code[21], code[42]), (0, 0, 0));
        assert_eq!((&code[1..21], &code[22..42]), (address.as_slice(), address.as_slice()));
    }

    #[test]
    fn reverts_are_named() {
        let mut artifacts = only(Vec::new());
        artifacts.errors.insert([1, 2, 3, 4], "MustNotLeaveDust()".to_owned());
        assert_eq!(artifacts.revert_reason(&[1, 2, 3, 4]), "MustNotLeaveDust() 0x");
        let text = Revert::from("position is healthy").abi_encode();
        assert!(artifacts.revert_reason(&text).contains("position is healthy"));
        assert_eq!(artifacts.revert_reason(&[9, 9, 9, 9]), "0x09090909");
    }
}
