//! A data directory: the database, the genesis it began with, and what the demo was told.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use alloy_primitives::{B256, keccak256};
use anyhow::{Context as _, anyhow, bail, ensure};
use gage_chain::{Chain, Genesis};
use gage_state::{Options, StateError, Store};
use serde::{Deserialize, Serialize};

use crate::history::History;

/// The database's file.
const DATABASE: &str = "chain.redb";

/// The genesis, as JSON.
const GENESIS: &str = "genesis.json";

/// The genesis of a chain whose first block may not be durable yet.
const BEGUN: &str = "genesis.begun.json";

/// What the demo was told, as JSON.
const DEMO: &str = "demo.json";

/// What the demo world of a chain is made from. A chain keeps it for life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DemoOrder {
    pub(crate) seed: u64,
    pub(crate) borrowers: u32,
    /// Whether bidders wait for collateral.
    pub(crate) bids: bool,
    /// How many sources each feed has.
    #[serde(default = "one")]
    pub(crate) sources: u8,
    /// The name and the hash of the history that is replayed.
    pub(crate) history: Option<(String, B256)>,
}

const fn one() -> u8 {
    1
}

/// What a history is, whatever it is called.
pub(crate) fn fingerprint(history: &History) -> B256 {
    keccak256(format!("{:?} {:?}", history.bars, history.own))
}

/// Where a chain is kept.
pub(crate) enum Home {
    Folder(PathBuf),
    Memory,
}

impl Home {
    /// A folder, made if need be.
    pub(crate) fn folder(path: &Path) -> anyhow::Result<Self> {
        ensure!(!path.as_os_str().is_empty(), "a folder for the chain has no name");
        ensure!(!path.is_file(), "{} is a file, and a chain is kept in a folder", path.display());
        fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self::Folder(path.to_owned()))
    }

    /// The genesis that the chain began with, if it began.
    pub(crate) fn genesis(&self) -> anyhow::Result<Option<Genesis>> {
        self.read_genesis(GENESIS)
    }

    /// The genesis that the chain began with, or was to begin with when its first start was cut off.
    pub(crate) fn genesis_begun(&self) -> anyhow::Result<Option<Genesis>> {
        match self.genesis()? {
            Some(genesis) => Ok(Some(genesis)),
            None => self.read_genesis(BEGUN),
        }
    }

    fn read_genesis(&self, name: &str) -> anyhow::Result<Option<Genesis>> {
        let Some(text) = self.read(name)? else { return Ok(None) };
        let genesis = Genesis::from_json(&text);
        Ok(Some(genesis.with_context(|| format!("{name} in {self}"))?))
    }

    /// The database's file, if there is a folder for one.
    pub(crate) fn database(&self) -> Option<PathBuf> {
        match self {
            Self::Memory => None,
            Self::Folder(folder) => Some(folder.join(DATABASE)),
        }
    }

    /// Copies to another folder what the chain began with and what the demo was told.
    pub(crate) fn copy_papers(&self, folder: &Path) -> anyhow::Result<()> {
        let copy = Self::folder(folder)?;
        for name in [GENESIS, DEMO] {
            if let Some(text) = self.read(name)? {
                copy.write(name, &text)?;
            }
        }
        Ok(())
    }

    /// Opens the chain that is here, and begins with `genesis`; begins none.
    pub(crate) fn open_existing(&self, genesis: &Genesis) -> anyhow::Result<Chain> {
        self.chain(self.existing(Options::default())?, genesis)
    }

    /// Opens the chain that begins with `genesis`; a second start must give the same.
    pub(crate) fn open(&self, genesis: &Genesis) -> anyhow::Result<Chain> {
        self.open_with(genesis, Options::default())
    }

    /// The same with a store that is opened like this.
    pub(crate) fn open_with(&self, genesis: &Genesis, options: Options) -> anyhow::Result<Chain> {
        let Self::Folder(folder) = self else { return self.chain(Store::in_memory()?, genesis) };
        if self.genesis()?.is_some() {
            return self.chain(self.existing(options)?, genesis);
        }
        // Before the first block, so that a start that was cut off is repeated as it was; the
        // genesis itself after it, so that whoever has one has had a database.
        let text = serde_json::to_string_pretty(genesis)?;
        self.write(BEGUN, &text)?;
        let chain = self.chain(Store::open_with(folder.join(DATABASE), options)?, genesis)?;
        self.write(GENESIS, &text)?;
        self.remove(BEGUN)?;
        Ok(chain)
    }

    /// The store that is here.
    fn existing(&self, options: Options) -> anyhow::Result<Store> {
        let path = self.database().context("a store in memory is always new")?;
        Store::open_existing(path, options).map_err(|error| match error {
            StateError::Missing { path } => anyhow!(
                "no database here: {} is missing or empty. Put it back; or move {GENESIS} out of {self}, \
                 and take a snapshot in or begin again at block 0",
                path.display()
            ),
            error => error.into(),
        })
    }

    fn chain(&self, store: Store, genesis: &Genesis) -> anyhow::Result<Chain> {
        Chain::open(store, genesis).with_context(|| format!("cannot open the chain in {self}"))
    }

    /// What the demo is made from, if there is one.
    pub(crate) fn kept_order(&self) -> anyhow::Result<Option<DemoOrder>> {
        let Some(text) = self.read(DEMO)? else { return Ok(None) };
        let order = serde_json::from_str(&text);
        Ok(Some(order.with_context(|| format!("{DEMO} in {self} is damaged"))?))
    }

    /// Takes down what the demo is made from. A chain that has a demo keeps its own; asking for
    /// another is an error.
    pub(crate) fn order(&self, order: &DemoOrder) -> anyhow::Result<()> {
        let Some(kept) = self.kept_order()? else {
            return self.write(DEMO, &serde_json::to_string_pretty(order)?);
        };
        let same_prices = kept.history.as_ref().map(|h| h.1) == order.history.as_ref().map(|h| h.1);
        let people = |order: &DemoOrder| (order.seed, order.borrowers, order.bids, order.sources);
        if same_prices && people(&kept) == people(order) {
            return Ok(());
        }
        bail!(
            "{self} holds another demo: --seed {} --borrowers {}{}{}. Say the same, name another \
             --data-dir, or use --ephemeral",
            kept.seed,
            kept.borrowers,
            if kept.bids { "" } else { " --no-bids" },
            kept.history.map_or_else(String::new, |(name, _)| format!(" --replay {name}")),
        )
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) -> anyhow::Result<()> {
        [DEMO, DATABASE, BEGUN, GENESIS].into_iter().try_for_each(|name| self.remove(name))
    }

    fn remove(&self, name: &str) -> anyhow::Result<()> {
        let Self::Folder(folder) = self else { return Ok(()) };
        let path = folder.join(name);
        if !path.exists() {
            return Ok(());
        }
        fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))
    }

    fn read(&self, name: &str) -> anyhow::Result<Option<String>> {
        let Self::Folder(folder) = self else { return Ok(None) };
        let path = folder.join(name);
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path);
        Ok(Some(text.with_context(|| format!("cannot read {}", path.display()))?))
    }

    /// Whole or not at all, also when the machine stops.
    fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let Self::Folder(folder) = self else { return Ok(()) };
        let (partial, path) = (folder.join(format!("{name}.partial")), folder.join(name));
        let write = || {
            let mut file = fs::File::create(&partial)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&partial, &path)?;
            fs::File::open(folder)?.sync_all()
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    }
}

impl std::fmt::Display for Home {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "{}", folder.display()),
            Self::Memory => f.write_str("memory"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genesis::development;

    fn order(seed: u64) -> DemoOrder {
        DemoOrder { seed, borrowers: 5, bids: true, sources: 1, history: None }
    }

    #[test]
    fn a_folder_keeps_its_genesis_and_its_demo() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::folder(folder.path()).unwrap();
        assert!(home.genesis().unwrap().is_none());
        let genesis = development(1_000).unwrap();
        drop(home.open(&genesis).unwrap());
        let other_id = Genesis { chain_id: 9_999, ..genesis.clone() };
        for other in [development(1_001).unwrap(), other_id] {
            for refused in [home.open(&other), home.open_existing(&other)] {
                let said = format!("{:#}", refused.unwrap_err());
                assert!(said.contains("holds the chain with genesis block"), "{said}");
            }
        }
        assert_eq!(home.genesis().unwrap(), Some(genesis));
        home.order(&order(1)).unwrap();
        home.order(&order(1)).unwrap();
        let refused = home.order(&order(2)).unwrap_err().to_string();
        assert!(refused.contains("--seed 1 --borrowers 5"), "{refused}");
        home.clear().unwrap();
        home.order(&order(2)).unwrap();
    }

    /// A chain whose database is lost does not begin again by itself.
    #[test]
    fn a_lost_database_is_no_new_chain() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::folder(folder.path()).unwrap();
        let genesis = development(1_000).unwrap();
        drop(home.open(&genesis).unwrap());
        let database = home.database().unwrap();
        let files = || fs::read_dir(folder.path()).unwrap().count();
        for lose in [|path: &Path| fs::write(path, ""), |path: &Path| fs::remove_file(path)] {
            lose(&database).unwrap();
            let before = files();
            for refused in [home.open(&genesis), home.open_existing(&genesis)] {
                let said = refused.unwrap_err().to_string();
                assert!(said.contains("no database here") && said.contains(GENESIS), "{said}");
            }
            assert_eq!(files(), before);
            assert!(fs::metadata(&database).map_or(0, |file| file.len()) == 0);
        }
    }

    /// A first start that was cut off, before or after its first block, goes on with its genesis.
    #[test]
    fn a_first_start_that_was_cut_off_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::folder(folder.path()).unwrap();
        let genesis = development(1_000).unwrap();
        home.write(BEGUN, &serde_json::to_string(&genesis).unwrap()).unwrap();
        assert!(home.open_existing(&genesis).is_err());
        for cut in [DATABASE, GENESIS] {
            assert!(home.genesis().unwrap().is_none());
            assert_eq!(home.genesis_begun().unwrap(), Some(genesis.clone()));
            drop(home.open(&genesis).unwrap());
            assert_eq!(home.genesis().unwrap(), Some(genesis.clone()), "cut before {cut}");
            fs::rename(folder.path().join(GENESIS), folder.path().join(BEGUN)).unwrap();
        }
    }

    #[test]
    fn damaged_files_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::folder(folder.path()).unwrap();
        fs::write(folder.path().join(GENESIS), "{}").unwrap();
        assert!(format!("{:#}", home.genesis().unwrap_err()).contains(GENESIS));
        fs::write(folder.path().join(DEMO), "nonsense").unwrap();
        assert!(format!("{:#}", home.order(&order(1)).unwrap_err()).contains(DEMO));
        fs::remove_file(folder.path().join(GENESIS)).unwrap();
        fs::write(folder.path().join(DATABASE), vec![7; 10_000]).unwrap();
        assert!(home.open(&development(1).unwrap()).is_err());
    }
}
