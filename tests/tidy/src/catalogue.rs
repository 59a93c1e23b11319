//! The ids of invariants and attacks, as `catalogue.toml` lists them.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

/// What an id stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// In a few words.
    pub name: String,
    /// Of an attack: how soon it must be covered, from `P0`.
    pub priority: Option<String>,
    /// The first of its parts that does not exist; `None` if it is applicable.
    pub missing: Option<String>,
}

/// All ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    /// What must hold.
    pub invariants: BTreeMap<String, Item>,
    /// How lenders were attacked.
    pub attacks: BTreeMap<String, Item>,
    /// Attacks that are applicable and that no test carries yet.
    pub owed: BTreeSet<String>,
}

fn word(value: &Value) -> String {
    value.as_str().expect("a name is a string").to_owned()
}

fn invariant(value: &Value) -> Item {
    let table = value.as_table().expect("an invariant is a table");
    let name = word(table.get("name").expect("an invariant has a name"));
    Item { name, priority: None, missing: table.get("missing").map(word) }
}

fn attack(value: &Value) -> Item {
    let words: Vec<_> = value.as_array().expect("an attack is a list").iter().map(word).collect();
    match words.as_slice() {
        [priority, name, missing @ ..] if missing.len() <= 1 => Item {
            name: name.clone(),
            priority: Some(priority.clone()),
            missing: missing.first().cloned(),
        },
        other => panic!("an attack is priority, name and perhaps a missing part, not {other:?}"),
    }
}

impl Catalogue {
    /// The project's own.
    ///
    /// # Panics
    /// If the file is not a catalogue.
    #[must_use]
    pub fn read() -> Self {
        Self::parse(include_str!("../catalogue.toml"))
    }

    /// A catalogue from its text.
    ///
    /// # Panics
    /// If the text is not a catalogue.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let table: Table = text.parse().expect("the catalogue is TOML");
        let list = |name: &str, item: fn(&Value) -> Item| {
            let items = table.get(name).and_then(Value::as_table).expect("a table of ids");
            items.iter().map(|(id, value)| (id.clone(), item(value))).collect()
        };
        let owed = table.get("owed").and_then(Value::as_array).expect("a list of owed ids");
        Self {
            invariants: list("invariant", invariant),
            attacks: list("attack", attack),
            owed: owed.iter().map(word).collect(),
        }
    }

    /// The catalogue's text without owed ids that are carried, and else as it was.
    #[must_use]
    pub fn paid(text: &str, is_carried: impl Fn(&str) -> bool) -> String {
        let Some((head, rest)) = text.split_once("owed = [") else { return text.to_owned() };
        let Some((list, tail)) = rest.split_once(']') else { return text.to_owned() };
        let quoted = list.split(',').map(|id| id.trim().trim_matches('"'));
        let left: Vec<_> = quoted.filter(|id| !id.is_empty() && !is_carried(id)).collect();
        let rows = left.chunks(12).map(|row| {
            let row: Vec<_> = row.iter().map(|id| format!("\"{id}\",")).collect();
            format!("    {}\n", row.join(" "))
        });
        format!("{head}owed = [\n{}]{tail}", rows.collect::<String>())
    }

    /// What an id stands for.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Item> {
        self.invariants.get(id).or_else(|| self.attacks.get(id))
    }
}
