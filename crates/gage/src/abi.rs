//! `gage abi`: the contracts' interfaces as files.

use std::{fs, path::Path};

use anyhow::Context as _;

/// Writes `IVault.json`, `IMarket.json`, … and `Gage.sol` into a folder; returns how many files.
pub(crate) fn write(out: &Path) -> anyhow::Result<usize> {
    fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let put = |name: &str, text: &str| {
        let path = out.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    let interfaces = gage_abi::interfaces();
    for (name, abi) in &interfaces {
        put(&format!("{name}.json"), &format!("{}\n", serde_json::to_string_pretty(abi)?))?;
    }
    put("Gage.sol", gage_abi::SOLIDITY)?;
    Ok(interfaces.len() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_interface_becomes_a_file() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path()).unwrap();
        for name in
            ["IVault", "IMarket", "IAsset", "IERC20Permit", "IOracle", "IRegistry", "IGageErrors"]
        {
            let text = fs::read_to_string(folder.path().join(format!("{name}.json"))).unwrap();
            let abi: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert!(abi.as_array().is_some_and(|entries| !entries.is_empty()), "{name}");
        }
        assert!(folder.path().join("Gage.sol").exists());
    }
}
