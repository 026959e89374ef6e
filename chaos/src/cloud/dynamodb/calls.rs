//! The calls that functions make of a table, as far as they are understood here.
//!
//! Invariant: a call that asks for anything else is not read, and goes to the oracle.

use super::Row;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// An `UpdateItem`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Update {
    pub(super) table_name: String,
    pub(super) key: Row,
    pub(super) update_expression: String,
    pub(super) condition_expression: Option<String>,
    #[serde(default)]
    pub(super) expression_attribute_names: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) expression_attribute_values: Row,
    #[serde(default)]
    pub(super) return_values: Returned,
    #[serde(default)]
    pub(super) return_values_on_condition_check_failure: ReturnedOnFailure,
}

/// What an update answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Returned {
    #[default]
    None,
    AllNew,
}

/// What an update answers whose condition does not hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum ReturnedOnFailure {
    #[default]
    None,
    AllOld,
}

/// A `GetItem`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Get {
    pub(super) table_name: String,
    pub(super) key: Row,
    #[serde(default, rename = "ConsistentRead")]
    pub(super) _consistent_read: bool,
}

/// What a `BatchGetItem` asks of one table.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct BatchGet {
    pub(super) keys: Vec<Row>,
    pub(super) projection_expression: Option<String>,
    #[serde(default)]
    pub(super) expression_attribute_names: BTreeMap<String, String>,
    #[serde(default, rename = "ConsistentRead")]
    pub(super) _consistent_read: bool,
}

/// A `BatchGetItem`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Batch {
    pub(super) request_items: BTreeMap<String, BatchGet>,
}

/// A `Query` of an index.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Query {
    pub(super) table_name: String,
    pub(super) index_name: String,
    pub(super) key_condition_expression: String,
    pub(super) projection_expression: Option<String>,
    #[serde(default)]
    pub(super) expression_attribute_names: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) expression_attribute_values: Row,
    pub(super) limit: Option<usize>,
    #[serde(default = "forward")]
    pub(super) scan_index_forward: bool,
    #[serde(default)]
    pub(super) select: Select,
    pub(super) exclusive_start_key: Option<Row>,
}

const fn forward() -> bool {
    true
}

/// What a query answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Select {
    #[default]
    AllAttributes,
    Count,
}

/// A call, but for the values in it: what DynamoDB makes of its form it makes of every call of that form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Form(u64);

impl Update {
    pub(super) fn form(&self) -> Form {
        let texts = (&self.table_name, &self.update_expression, &self.condition_expression);
        let returns = (self.return_values, self.return_values_on_condition_check_failure);
        Form::of(&(
            "update",
            texts,
            &self.expression_attribute_names,
            types(&self.expression_attribute_values),
            types(&self.key),
            returns,
        ))
    }
}

impl Get {
    pub(super) fn form(&self) -> Form {
        Form::of(&("get", &self.table_name, types(&self.key)))
    }
}

impl Batch {
    pub(super) fn form(&self) -> Form {
        let of_table = |(name, call): (&String, &BatchGet)| {
            let keys: BTreeSet<_> = call.keys.iter().map(types).collect();
            Form::of(&(name, &call.projection_expression, &call.expression_attribute_names, keys))
        };
        Form::of(&("batch", self.request_items.iter().map(of_table).collect::<Vec<_>>()))
    }
}

impl Query {
    pub(super) fn form(&self) -> Form {
        let texts =
            (&self.table_name, &self.index_name, &self.key_condition_expression, &self.projection_expression);
        let shape = (
            self.limit.is_some(),
            self.scan_index_forward,
            self.select,
            self.exclusive_start_key.as_ref().map(types),
        );
        Form::of(&(
            "query",
            texts,
            &self.expression_attribute_names,
            types(&self.expression_attribute_values),
            shape,
        ))
    }
}

impl Form {
    fn of(what: &impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        what.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// The names of values, with the type of each.
fn types(values: &Row) -> Vec<(&str, &'static str)> {
    values.iter().map(|(name, value)| (name.as_str(), value.type_name())).collect()
}
