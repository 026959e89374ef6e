//! Embedded DynamoDB: tables in memory, with `dynoxide-rs` as their oracle, on the world's clock.
//!
//! Every write to the ledger, or to the responder's records, is journaled with the item as it stands afterwards.
//! Invariant: nothing is answered that dynoxide was not asked, but calls of a form to which it said the same before, of
//! these very tables.
//! Rows outlive every run (their TTL is 400 days), so nothing here removes expired ones.

mod calls;
mod engine;
mod expression;
mod incident;
mod oracle;
mod packed;
mod read;
pub mod stream;
mod table;
mod tokens;
mod update;

use super::config::TableConfig;
use super::iam::Denied;
use super::names;
use super::reply::Reply;
use super::services::Caller;
use crate::clock::Clock;
use crate::journal::{Journal, TableEvent};
use dynoxide::DynoxideError;
use engine::{Answered, Engine, Outcome, Trust, Write};
use payments::UnixMs;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use stream::Stream;

pub use dynoxide::AttributeValue;
pub use engine::Proven;

/// Key attribute of the ledger; an item without it is not a payment's row.
const KEY: &str = "payment_id";

const SUPPORTED: &str = "GetItem, BatchGetItem, Query, Scan, PutItem, UpdateItem and DeleteItem";

/// A seed that this divides trusts nothing.
const DOUBTED: u64 = 16;

/// An item, by attribute.
type Row = BTreeMap<String, AttributeValue>;

/// All tables of the account.
#[derive(Debug)]
pub struct DynamoDb {
    engine: Mutex<Engine>,
    journal: Journal,
}

impl DynamoDb {
    /// The tables of `configs`, empty, of which others may have `proven` something. In one seed of sixteen every call is put
    /// to dynoxide whatever was.
    ///
    /// # Errors
    /// What is wrong with a table's `CreateTable` request, with the table's name.
    pub fn new(
        configs: &[TableConfig],
        proven: Proven,
        seed: u64,
        clock: Clock,
        journal: Journal,
    ) -> Result<Self, String> {
        let trust = if seed.is_multiple_of(DOUBTED) { Trust::Nothing } else { Trust::Known };
        Ok(Self { engine: Mutex::new(Engine::new(configs, proven, clock, trust)?), journal })
    }

    /// Carries out `operation`, the part of `x-amz-target` after the dot, for a caller.
    pub fn answer(&self, operation: &str, body: &[u8], caller: Caller<'_>, now: UnixMs) -> Reply {
        let Answered { reply, write } = match operation {
            // Only an index is written later than its table.
            "Query" if caller.behind_ms > 0 => {
                self.engine().answer_as_of(now.plus_ms(-caller.behind_ms), operation, body)
            }
            _ => self.engine().answer(operation, body, now),
        };
        if let Some(Write { key, outcome, .. }) = write {
            self.journal_write(&key, &outcome, caller.request, now);
        }
        reply
    }

    /// Every item of a table, ordered by its key: for the checks.
    ///
    /// # Errors
    /// DynamoDB's own text, for an unknown table.
    pub fn items(&self, table: &str) -> Result<Vec<BTreeMap<String, AttributeValue>>, String> {
        self.read(table, |item| item)
    }

    /// What `read` makes of every item of a table, in the same order. No more than one item is unpacked at a time.
    ///
    /// # Errors
    /// As [`DynamoDb::items`].
    pub fn read<T>(
        &self,
        table: &str,
        read: impl FnMut(BTreeMap<String, AttributeValue>) -> T,
    ) -> Result<Vec<T>, String> {
        self.engine().read(table, read).map_err(|error| error.to_string())
    }

    /// The stream of a table, if it has one, with what changes from now on: one that nobody follows keeps nothing.
    pub fn follow(&self, table: &str) -> Option<Stream> {
        self.engine().follow(table)
    }

    /// Calls that dynoxide would have answered otherwise: then no run can be believed.
    pub fn disagreements(&self) -> Vec<String> {
        self.engine().disagreements().to_vec()
    }

    fn engine(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn journal_write(&self, key: &Row, outcome: &Outcome, request: &str, now: UnixMs) {
        let written = match outcome {
            // A row that is gone has no state to journal; a refusal is a fact all the same.
            Outcome::Made(row) => Some(row.as_ref().unwrap_or(key)),
            Outcome::Refused => None,
            Outcome::Wrong => return,
        };
        let Some(payment) = text(key.get(KEY)).map(str::to_owned) else {
            let saved = written.and_then(|item| incident::saved(item, request));
            return saved.into_iter().for_each(|event| self.journal.record(now, event));
        };
        let request = request.to_owned();
        let Some(item) = written else {
            return self.journal.record(now, TableEvent::LedgerRefused { request, payment });
        };
        if let (Some(state), Some(version)) = (text(item.get("state")), number(item.get("version"))) {
            let (state, intent) = (state.to_owned(), text(item.get("intent_id")).map(str::to_owned));
            self.journal.record(now, TableEvent::LedgerWritten { request, payment, state, version, intent });
        }
    }
}

/// The payment that a request is about, as far as its key says.
#[must_use]
pub fn payment_in(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Keyed {
        #[serde(rename = "Key")]
        key: BTreeMap<String, AttributeValue>,
    }
    let Keyed { key } = serde_json::from_slice(body).ok()?;
    text(key.get(KEY)).map(str::to_owned)
}

/// What a call needs permission for: the action, and the ARN of every table, or index, that it touches.
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html>
#[must_use]
pub fn needs(operation: &str, body: &[u8]) -> Vec<(&'static str, String)> {
    let action = match operation {
        "GetItem" => "dynamodb:GetItem",
        "Query" => "dynamodb:Query",
        "BatchGetItem" => "dynamodb:BatchGetItem",
        "Scan" => "dynamodb:Scan",
        "PutItem" => "dynamodb:PutItem",
        "UpdateItem" => "dynamodb:UpdateItem",
        "DeleteItem" => "dynamodb:DeleteItem",
        _ => return Vec::new(),
    };
    let Ok(Touched { table, index, tables }) = serde_json::from_slice(body) else { return Vec::new() };
    let table = table.map(|name| match index {
        Some(index) => format!("{}/index/{index}", names::table_arn(&name)),
        None => names::table_arn(&name),
    });
    let tables = tables.keys().map(|name| names::table_arn(name));
    table.into_iter().chain(tables).map(|arn| (action, arn)).collect()
}

/// What `dynamodb:Attributes` stands for in a call: the top of each path that the projection of a `GetItem` names. Of
/// other calls nobody may ask.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html>
#[must_use]
pub fn attributes(operation: &str, body: &[u8]) -> BTreeSet<String> {
    #[derive(Deserialize)]
    struct Projected {
        #[serde(rename = "ProjectionExpression")]
        projection: Option<String>,
        #[serde(default, rename = "ExpressionAttributeNames")]
        names: BTreeMap<String, String>,
    }
    if operation != "GetItem" {
        return BTreeSet::new();
    }
    let Ok(Projected { projection: Some(paths), names }) = serde_json::from_slice(body) else {
        return BTreeSet::new();
    };
    let top = |path: &str| {
        let name = path.trim().split(['.', '[']).next().unwrap_or_default();
        names.get(name).map_or(name, String::as_str).to_owned()
    };
    paths.split(',').map(top).collect()
}

#[derive(Deserialize)]
struct Touched {
    #[serde(rename = "TableName")]
    table: Option<String>,
    #[serde(rename = "IndexName")]
    index: Option<String>,
    #[serde(default, rename = "RequestItems")]
    tables: BTreeMap<String, IgnoredAny>,
}

/// What it says to those who may not.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>
#[must_use]
pub fn denied(denied: &Denied) -> Reply {
    Reply::error(400, "com.amazon.coral.service#AccessDeniedException", &denied.to_string())
}

/// What a table over its throughput answers; one that is paid on demand as well, while it grows.
#[must_use]
pub fn throttled() -> Reply {
    let kind = "com.amazonaws.dynamodb.v20120810#ThrottlingException";
    Reply::error(400, kind, "Throughput exceeds the current capacity of your table or index.")
}

/// Dynoxide's request types put the class of a refusal in front of serde's text, which adds a position behind it.
fn read_error(error: &serde_json::Error) -> DynoxideError {
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    match text.split_once(':') {
        Some((class, text)) if class.starts_with("VALIDATION") => {
            DynoxideError::ValidationException(text.to_owned())
        }
        Some((class, text)) if class.starts_with("SERIALIZATION") => {
            DynoxideError::SerializationException(text.to_owned())
        }
        _ => DynoxideError::SerializationException(text.to_owned()),
    }
}

fn refused(error: &DynoxideError) -> Reply {
    Reply::json_text(error.status_code(), error.to_json().into_bytes())
}

fn unsupported(operation: &str) -> Reply {
    let text = format!("The embedded DynamoDB does not support {operation}; it supports {SUPPORTED}.");
    Reply::error(400, "com.amazon.coral.service#UnknownOperationException", &text)
}

fn text(value: Option<&AttributeValue>) -> Option<&str> {
    value.and_then(|value| if let AttributeValue::S(text) = value { Some(text.as_str()) } else { None })
}

fn number(value: Option<&AttributeValue>) -> Option<u64> {
    value.and_then(|value| if let AttributeValue::N(digits) = value { digits.parse().ok() } else { None })
}
