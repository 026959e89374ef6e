//! A row at rest, in a third of what it takes up as a map of its own.
//!
//! Invariant: unpacked, it is the row that was packed.

use super::Row;
use dynoxide::AttributeValue;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The attributes of a row, in the order of their names.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Packed(Box<[(Arc<str>, AttributeValue)]>);

/// The names of a table's attributes, each of which its rows share.
#[derive(Clone, Debug, Default)]
pub(super) struct Names(BTreeSet<Arc<str>>);

impl Packed {
    pub(super) fn of(row: &Row, names: &mut Names) -> Self {
        Self(row.iter().map(|(name, value)| (names.shared(name), value.clone())).collect())
    }

    /// The row, to be worked on.
    pub(super) fn row(&self) -> Row {
        self.attributes().map(|(name, value)| (name.to_owned(), value.clone())).collect()
    }

    pub(super) fn get(&self, name: &str) -> Option<&AttributeValue> {
        self.attributes().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    pub(super) fn attributes(&self) -> impl Iterator<Item = (&str, &AttributeValue)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// What it counts for.
    pub(super) fn bytes(&self) -> usize {
        self.attributes().map(|(name, value)| name.len() + value.size()).sum()
    }
}

impl Names {
    fn shared(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        self.0.insert(Arc::clone(&name));
        name
    }
}
