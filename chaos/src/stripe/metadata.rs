//! The metadata of an object: what its client wants to find there again.
//!
//! Invariant: names are in order, each once.

use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// Names and values. Not a map: most objects have one entry, and every one of a million intents keeps its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Metadata(Box<[(String, String)]>);

impl Metadata {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl From<BTreeMap<String, String>> for Metadata {
    fn from(entries: BTreeMap<String, String>) -> Self {
        Self(entries.into_iter().collect())
    }
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}
