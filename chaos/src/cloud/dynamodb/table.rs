//! Rows in memory: a table with one key and sparse indexes in the order of a number.
//!
//! Invariant: an index holds exactly the rows that have both of its attributes, as DynamoDB's does once it has caught up.

use super::Row;
use super::expression::whole;
use super::packed::{Names, Packed};
use dynoxide::AttributeValue;
use payments::UnixMs;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;

/// One table.
#[derive(Clone, Debug)]
pub(super) struct Table {
    key: String,
    rows: BTreeMap<String, Packed>,
    names: Names,
    indexes: BTreeMap<String, Index>,
    /// What writes of the last minute replaced, oldest first.
    replaced: VecDeque<Replaced>,
}

/// What a write replaced, when, and under which key.
#[derive(Clone, Debug)]
struct Replaced {
    at: UnixMs,
    key: String,
    row: Option<Packed>,
}

/// What a table forgot when it was set back, newest first.
pub(super) type Newer = Vec<(String, Option<Packed>)>;

/// How far back an index is ever seen, ms.
const INDEX_BEHIND_MS_MAX: i64 = 60_000;

#[derive(Clone, Debug)]
struct Index {
    hash: String,
    range: String,
    /// By hash key, range key and the table's own key.
    order: BTreeSet<(String, i64, String)>,
}

/// From which end, from where on and how far an index is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span<'a> {
    pub(super) hash: &'a str,
    pub(super) at_most: i64,
    /// The range and the table's key of the row that was read last.
    pub(super) after: Option<(i64, &'a str)>,
    pub(super) direction: Direction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Forward,
    Backward,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Declared {
    attribute_definitions: Vec<Attribute>,
    key_schema: Vec<Key>,
    #[serde(default)]
    global_secondary_indexes: Vec<DeclaredIndex>,
    #[serde(default)]
    local_secondary_indexes: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute {
    attribute_name: String,
    attribute_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Key {
    attribute_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeclaredIndex {
    index_name: String,
    key_schema: Vec<Key>,
    projection: Projection,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Projection {
    projection_type: String,
}

impl Table {
    /// The table of a `CreateTable` request, if it is of this kind.
    pub(super) fn of(create: &Value) -> Option<Self> {
        let declared = Declared::deserialize(create).ok()?;
        let [key] = declared.key_schema.as_slice() else { return None };
        let is = |name: &str, kind: &str| {
            let is_it = |it: &Attribute| it.attribute_name == name && it.attribute_type == kind;
            declared.attribute_definitions.iter().any(is_it)
        };
        let index = |index: &DeclaredIndex| {
            let [hash, range] = index.key_schema.as_slice() else { return None };
            let is_known = is(&hash.attribute_name, "S")
                && is(&range.attribute_name, "N")
                && index.projection.projection_type == "ALL";
            let (hash, range) = (hash.attribute_name.clone(), range.attribute_name.clone());
            is_known.then(|| (index.index_name.clone(), Index { hash, range, order: BTreeSet::new() }))
        };
        let indexes: Option<_> = declared.global_secondary_indexes.iter().map(index).collect();
        let is_known = is(&key.attribute_name, "S") && declared.local_secondary_indexes.is_empty();
        let key = key.attribute_name.clone();
        is_known.then_some(Self {
            key,
            rows: BTreeMap::new(),
            names: Names::default(),
            indexes: indexes?,
            replaced: VecDeque::new(),
        })
    }

    /// The attribute that is its key.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// The key that a row, or a call's key, has: of one attribute, which is text and not empty.
    pub(super) fn key_of<'a>(&self, row: &'a Row) -> Option<&'a str> {
        match row.get(&self.key) {
            Some(AttributeValue::S(key)) if !key.is_empty() => Some(key),
            Some(_) | None => None,
        }
    }

    /// The key of a call, which is nothing else.
    pub(super) fn key_in<'a>(&self, call: &'a Row) -> Option<&'a str> {
        self.key_of(call).filter(|_| call.len() == 1)
    }

    /// Every row, by its key.
    pub(super) const fn rows(&self) -> &BTreeMap<String, Packed> {
        &self.rows
    }

    pub(super) fn row(&self, key: &str) -> Option<&Packed> {
        self.rows.get(key)
    }

    /// From now on this is what is under the key.
    pub(super) fn put(&mut self, key: &str, row: Option<&Row>, now: UnixMs) {
        let row = row.map(|row| Packed::of(row, &mut self.names));
        let before = self.swap(key, row);
        let is_old = |replaced: &Replaced| now.since_ms(replaced.at) > INDEX_BEHIND_MS_MAX;
        while self.replaced.front().is_some_and(is_old) {
            self.replaced.pop_front();
        }
        self.replaced.push_back(Replaced { at: now, key: key.to_owned(), row: before });
    }

    /// Sets the table back to an instant of the last minute; what it forgets.
    pub(super) fn rewind(&mut self, then: UnixMs) -> Newer {
        let from = self.replaced.partition_point(|replaced| replaced.at <= then);
        let undone: Newer =
            self.replaced.range(from..).rev().map(|it| (it.key.clone(), it.row.clone())).collect();
        undone.into_iter().map(|(key, row)| (key.clone(), self.swap(&key, row))).collect()
    }

    /// Remembers it again.
    pub(super) fn replay(&mut self, newer: &[(String, Option<Packed>)]) {
        for (key, row) in newer.iter().rev() {
            self.swap(key, row.clone());
        }
    }

    /// What was under the key, where this is from now on.
    fn swap(&mut self, key: &str, row: Option<Packed>) -> Option<Packed> {
        let before = self.rows.remove(key);
        for index in self.indexes.values_mut() {
            let place = |row: &Option<Packed>| row.as_ref().and_then(|row| index.place(key, row));
            let (old, new) = (place(&before), place(&row));
            if old != new {
                old.map(|old| index.order.remove(&old));
                index.order.extend(new);
            }
        }
        self.rows.extend(row.map(|row| (key.to_owned(), row)));
        before
    }

    /// What an index is ordered by: its hash key and its range key.
    pub(super) fn order_of(&self, index: &str) -> Option<(&str, &str)> {
        self.indexes.get(index).map(|index| (index.hash.as_str(), index.range.as_str()))
    }

    /// The first rows of an index in this span, at most `limit`.
    pub(super) fn span<'a>(&'a self, index: &str, span: Span<'_>, limit: usize) -> Vec<&'a Packed> {
        let Some(index) = self.indexes.get(index) else { return Vec::new() };
        let place = |range: i64, key: &str| (span.hash.to_owned(), range, key.to_owned());
        let (mut low, mut high) = (
            Bound::Included(place(i64::MIN, "")),
            Bound::Excluded(place(span.at_most.saturating_add(1), "")),
        );
        let end = match span.direction {
            Direction::Forward => &mut low,
            Direction::Backward => &mut high,
        };
        if let Some((range, key)) = span.after {
            *end = Bound::Excluded(place(range, key));
        }
        let row = |(_, _, key): &(String, i64, String)| self.rows.get(key);
        let is_empty = matches!((&low, &high), (
            Bound::Included(low) | Bound::Excluded(low),
            Bound::Included(high) | Bound::Excluded(high),
        ) if low >= high);
        match span.direction {
            _ if is_empty => Vec::new(),
            Direction::Forward => index.order.range((low, high)).filter_map(row).take(limit).collect(),
            Direction::Backward => index.order.range((low, high)).rev().filter_map(row).take(limit).collect(),
        }
    }
}

impl Index {
    fn place(&self, key: &str, row: &Packed) -> Option<(String, i64, String)> {
        let Some(AttributeValue::S(hash)) = row.get(&self.hash) else { return None };
        Some((hash.clone(), whole(row.get(&self.range)?)?, key.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn table() -> Table {
        let create = json!({
            "AttributeDefinitions": [
                { "AttributeName": "id", "AttributeType": "S" },
                { "AttributeName": "open", "AttributeType": "S" },
                { "AttributeName": "at", "AttributeType": "N" },
            ],
            "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
            "GlobalSecondaryIndexes": [{
                "IndexName": "open",
                "KeySchema": [
                    { "AttributeName": "open", "KeyType": "HASH" },
                    { "AttributeName": "at", "KeyType": "RANGE" },
                ],
                "Projection": { "ProjectionType": "ALL" },
            }],
        });
        Table::of(&create).expect("a table of this kind")
    }

    fn row(id: &str, at: i64) -> Row {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let fields = [("id", text(id)), ("open", text("yes")), ("at", AttributeValue::N(at.to_string()))];
        fields.map(|(name, value)| (name.to_owned(), value)).into()
    }

    fn open(table: &Table) -> Vec<Row> {
        let span = Span { hash: "yes", at_most: i64::MAX, after: None, direction: Direction::Forward };
        table.span("open", span, 10).into_iter().map(Packed::row).collect()
    }

    #[test]
    fn a_table_that_is_set_back_is_as_it_was_and_knows_the_rest_again() {
        let mut table = table();
        let at = |s: i64| UnixMs(1_000 * s);
        table.put("a", Some(&row("a", 1)), at(0));
        table.put("b", Some(&row("b", 2)), at(10));
        table.put("a", Some(&row("a", 3)), at(20));
        table.put("b", None, at(30));
        let now = open(&table);
        assert_eq!(now, [row("a", 3)]);
        for (then, was) in [
            (30, vec![row("a", 3)]),
            (29, vec![row("b", 2), row("a", 3)]),
            (19, vec![row("a", 1), row("b", 2)]),
            (9, vec![row("a", 1)]),
        ] {
            let newer = table.rewind(at(then));
            assert_eq!(open(&table), was, "{then} s");
            table.replay(&newer);
            assert_eq!(open(&table), now);
        }
    }

    #[test]
    fn what_was_written_over_a_minute_ago_is_in_every_index() {
        let mut table = table();
        table.put("a", Some(&row("a", 1)), UnixMs(0));
        table.put("b", Some(&row("b", 2)), UnixMs(INDEX_BEHIND_MS_MAX + 1));
        table.rewind(UnixMs(-1));
        assert_eq!(open(&table), [row("a", 1)]);
    }
}
