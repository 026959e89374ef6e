//! An update of one row.
//!
//! Invariant: a value that DynamoDB may refuse for what it is, is left to the oracle.

use super::calls::{Returned, ReturnedOnFailure, Update};
use super::engine::{Answered, Outcome, Write};
use super::expression::{Action, Condition, Placeholders, is_plain};
use super::packed::Packed;
use super::table::Table;
use super::{Row, refused};
use crate::cloud::reply::Reply;
use dynoxide::DynoxideError;
use serde_json::json;
use std::collections::BTreeMap;

/// Bytes of a row from which on DynamoDB's limit of 400 KB may be near.
const ROW_BYTES_MAX: usize = 300_000;

/// What the update comes to; `None` where that is for the oracle to say.
pub(super) fn updated(
    call: &Update,
    condition: Option<&Condition>,
    actions: &[Action],
    table: &Table,
) -> Option<Answered> {
    let before = table.row(table.key_in(&call.key)?).map(Packed::row);
    let (names, values) = (&call.expression_attribute_names, &call.expression_attribute_values);
    if !values.values().all(is_plain) {
        return None;
    }
    let with = Placeholders { names, values };
    if let Some(condition) = condition
        && !condition.holds(before.as_ref(), with)?
    {
        return Some(condition_failed(call, before));
    }
    let before = before.as_ref().unwrap_or(&call.key);
    let mut after = before.clone();
    actions.iter().try_for_each(|action| action.apply(before, &mut after, with))?;
    if bytes(&after) > ROW_BYTES_MAX {
        return None;
    }
    let reply = match call.return_values {
        Returned::AllNew => Reply::ok(&BTreeMap::from([("Attributes", &after)])),
        Returned::None => Reply::ok(&json!({})),
    };
    Some(Answered { reply, write: Some(written(call, Outcome::Made(Some(after)))) })
}

fn condition_failed(call: &Update, before: Option<Row>) -> Answered {
    let old = match call.return_values_on_condition_check_failure {
        ReturnedOnFailure::AllOld => before.map(|row| row.into_iter().collect()),
        ReturnedOnFailure::None => None,
    };
    let text = "The conditional request failed".to_owned();
    let reply = refused(&DynoxideError::ConditionalCheckFailedException(text, old));
    Answered { reply, write: Some(written(call, Outcome::Refused)) }
}

fn written(call: &Update, outcome: Outcome) -> Write {
    Write { table: call.table_name.clone(), key: call.key.clone(), outcome }
}

/// What a row counts for.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>
fn bytes(row: &Row) -> usize {
    row.iter().map(|(name, value)| name.len() + value.size()).sum()
}
