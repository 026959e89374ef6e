//! Rows that are read: by their keys, and in the order of an index.
//!
//! Invariant: a page ends where DynamoDB ends it: at the limit, or before the row that would make it a megabyte.

use super::calls::{BatchGet, Get, Query, Select};
use super::engine::Answered;
use super::expression::{Condition, KeyRange, is_plain, whole};
use super::packed::Packed;
use super::table::{Direction, Span, Table};
use crate::cloud::reply::Reply;
use dynoxide::AttributeValue;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html>
const PAGE_BYTES_MAX: usize = 1_048_576;
/// Rows of one `BatchGetItem`.
const BATCH_MAX: usize = 100;

/// The row under a key.
pub(super) fn got(call: &Get, table: &Table) -> Option<Answered> {
    let row = table.row(table.key_in(&call.key)?);
    let reply = match row {
        Some(row) => Reply::ok(&BTreeMap::from([("Item", Wanted(None).part_of(row))])),
        None => Reply::ok(&json!({})),
    };
    Some(Answered { reply, write: None })
}

/// The rows under some keys of one table.
pub(super) fn got_many(name: &str, call: &BatchGet, table: &Table) -> Option<Answered> {
    let keys: BTreeSet<&str> = call.keys.iter().map(|key| table.key_in(key)).collect::<Option<_>>()?;
    if keys.len() < call.keys.len() || keys.len() > BATCH_MAX {
        return None;
    }
    let wanted = Wanted::of(call.projection_expression.as_deref(), &call.expression_attribute_names)?;
    // In the order in which they were asked for: DynamoDB promises none.
    let rows = call.keys.iter().filter_map(|key| table.row(table.key_in(key)?));
    let items: Vec<_> = rows.map(|row| wanted.part_of(row)).collect();
    Some(Answered {
        reply: Reply::ok(&json!({ "Responses": { name: items }, "UnprocessedKeys": {} })),
        write: None,
    })
}

/// The rows of an index that a condition on its key asks for.
pub(super) fn found(call: &Query, condition: &Condition, table: &Table) -> Option<Answered> {
    let KeyRange { hash, equal, range, at_most } = KeyRange::of(condition)?;
    let (names, values) = (&call.expression_attribute_names, &call.expression_attribute_values);
    let (hash_name, range_name) = table.order_of(&call.index_name)?;
    if names.get(hash)? != hash_name || names.get(range)? != range_name || !values.values().all(is_plain) {
        return None;
    }
    let AttributeValue::S(equal) = values.get(equal)? else { return None };
    let after = match &call.exclusive_start_key {
        Some(key) => Some((whole(key.get(range_name)?)?, table.key_of(key)?)),
        None => None,
    };
    let direction = if call.scan_index_forward { Direction::Forward } else { Direction::Backward };
    let span = Span { hash: equal, at_most: whole(values.get(at_most)?)?, after, direction };
    let (rows, is_cut_off) =
        page(table.span(&call.index_name, span, call.limit.unwrap_or(usize::MAX)), call.limit);
    let mut answer = json!({ "Count": rows.len(), "ScannedCount": rows.len() });
    if call.select == Select::AllAttributes {
        let wanted = Wanted::of(call.projection_expression.as_deref(), names)?;
        answer["Items"] = json!(rows.iter().map(|row| wanted.part_of(row)).collect::<Vec<_>>());
    }
    if let Some(last) = rows.last().filter(|_| is_cut_off) {
        let key = [table.key(), hash_name, range_name].map(|name| (name, last.get(name)));
        answer["LastEvaluatedKey"] = json!(BTreeMap::from(key));
    }
    Some(Answered { reply: Reply::ok(&answer), write: None })
}

/// As many of these rows as a page takes, and whether there may be more.
fn page(mut rows: Vec<&Packed>, limit: Option<usize>) -> (Vec<&Packed>, bool) {
    let (mut sum, mut taken) = (0, 0);
    for row in &rows {
        sum += row.bytes();
        if sum > PAGE_BYTES_MAX && taken > 0 {
            break;
        }
        taken += 1;
    }
    let is_cut_off = taken < rows.len() || Some(taken) == limit;
    rows.truncate(taken);
    (rows, is_cut_off)
}

/// The attributes that a call asks for.
#[derive(Debug)]
struct Wanted<'a>(Option<BTreeSet<&'a str>>);

impl<'a> Wanted<'a> {
    /// Those that a projection names; all without one.
    fn of(projection: Option<&str>, names: &'a BTreeMap<String, String>) -> Option<Self> {
        let Some(projection) = projection else { return Some(Self(None)) };
        let name = |placeholder: &str| names.get(placeholder.trim()).map(String::as_str);
        projection.split(',').map(name).collect::<Option<_>>().map(|wanted| Self(Some(wanted)))
    }

    fn part_of<'r>(&self, row: &'r Packed) -> BTreeMap<&'r str, &'r AttributeValue> {
        row.attributes()
            .filter(|(name, _)| self.0.as_ref().is_none_or(|wanted| wanted.contains(name)))
            .collect()
    }
}
