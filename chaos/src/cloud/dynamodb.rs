//! Embedded DynamoDB: the tables of `dynoxide-rs`, in memory, on the world's clock.
//!
//! Every write to the ledger, or to the responder's records, is journaled with the item as it stands afterwards.
//! Invariant: this module decides nothing about items; conditions, updates and errors are dynoxide's.
//! Rows outlive every run (their TTL is 400 days), so nothing here removes expired ones.

mod incident;

use super::config::TableConfig;
use super::iam::Denied;
use super::names;
use super::reply::Reply;
use crate::clock::Clock;
use crate::journal::{Event, Journal};
use dynoxide::actions::create_table::CreateTableRequest;
use dynoxide::actions::delete_item::DeleteItemRequest;
use dynoxide::actions::get_item::GetItemRequest;
use dynoxide::actions::put_item::PutItemRequest;
use dynoxide::actions::scan::ScanRequest;
use dynoxide::actions::update_item::UpdateItemRequest;
use dynoxide::{Database, DynoxideError, Item};
use payments::UnixMs;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use std::collections::BTreeMap;
use std::sync::Arc;

pub use dynoxide::AttributeValue;

/// Key attribute of the ledger; an item without it is not a payment's row.
const KEY: &str = "payment_id";

/// All tables of the account.
pub struct DynamoDb {
    database: Database,
    journal: Journal,
}

impl DynamoDb {
    /// The tables of `configs`, empty.
    ///
    /// # Errors
    /// What is wrong with a table's `CreateTable` request, with the table's name.
    pub fn new(configs: &[TableConfig], clock: Clock, journal: Journal) -> Result<Self, String> {
        let database =
            Database::memory_with_clock(Arc::new(DatabaseClock(clock))).map_err(|error| error.to_string())?;
        for config in configs {
            let request: CreateTableRequest = serde_json::from_value(config.create.clone())
                .map_err(|error| format!("table {}: {}", config.name, read_error(&error)))?;
            database.create_table(request).map_err(|error| format!("table {}: {error}", config.name))?;
        }
        Ok(Self { database, journal })
    }

    /// Carries out `operation`, the part of `x-amz-target` after the dot, for the invocation `request`.
    pub fn answer(&self, operation: &str, body: &[u8], request: &str, now: UnixMs) -> Reply {
        let outcome = match operation {
            "GetItem" => {
                parse(body).and_then(|call| self.database.get_item(call)).map(|answer| Reply::ok(&answer))
            }
            "Query" => {
                parse(body).and_then(|call| self.database.query(call)).map(|answer| Reply::ok(&answer))
            }
            "BatchGetItem" => parse(body)
                .and_then(|call| self.database.batch_get_item(call))
                .map(|answer| Reply::ok(&answer)),
            "Scan" => parse(body).and_then(|call| self.database.scan(call)).map(|answer| Reply::ok(&answer)),
            "PutItem" => parse(body).and_then(|call| self.put(call, request, now)),
            "UpdateItem" => parse(body).and_then(|call| self.update(call, request, now)),
            "DeleteItem" => parse(body).and_then(|call| self.delete(call, request, now)),
            other => return unsupported(other),
        };
        outcome.unwrap_or_else(|error| refused(&error))
    }

    /// Every item of a table, ordered by `payment_id` and then by content: for the checks.
    ///
    /// # Errors
    /// DynamoDB's own text, for an unknown table.
    pub fn items(&self, table: &str) -> Result<Vec<BTreeMap<String, AttributeValue>>, String> {
        let mut items = Vec::new();
        let mut exclusive_start_key = None;
        loop {
            let request =
                ScanRequest { table_name: table.to_owned(), exclusive_start_key, ..ScanRequest::default() };
            let page = self.database.scan(request).map_err(|error| error.to_string())?;
            items.extend(page.items.unwrap_or_default().into_iter().map(BTreeMap::from_iter));
            exclusive_start_key = page.last_evaluated_key;
            if exclusive_start_key.is_none() {
                break;
            }
        }
        items.sort_by_cached_key(|item: &BTreeMap<_, _>| {
            (text(item.get(KEY)).map(str::to_owned), format!("{item:?}"))
        });
        Ok(items)
    }

    fn put(&self, call: PutItemRequest, request: &str, now: UnixMs) -> Result<Reply, DynoxideError> {
        let item = call.item.clone();
        let outcome = self.database.put_item(call);
        self.journal_write(&item, outcome.as_ref().map(|_| &item), request, now);
        Ok(Reply::ok(&outcome?))
    }

    /// The journal needs the row as it is afterwards. Who asked for all of it gets the answer; otherwise it is read
    /// back: an update may touch state and version, one of them, or neither.
    fn update(&self, call: UpdateItemRequest, request: &str, now: UnixMs) -> Result<Reply, DynoxideError> {
        let (table_name, key) = (call.table_name.clone(), call.key.clone());
        let asked_for_all = call.return_values.as_deref() == Some("ALL_NEW");
        let outcome = self.database.update_item(call);
        let after = match &outcome {
            Ok(answer) if asked_for_all => answer.attributes.clone().unwrap_or_default(),
            Ok(_) => {
                let look = GetItemRequest { table_name, key: key.clone(), ..GetItemRequest::default() };
                self.database.get_item(look)?.item.unwrap_or_default()
            }
            Err(_) => Item::new(),
        };
        self.journal_write(&key, outcome.as_ref().map(|_| &after), request, now);
        Ok(Reply::ok(&outcome?))
    }

    fn delete(&self, call: DeleteItemRequest, request: &str, now: UnixMs) -> Result<Reply, DynoxideError> {
        let key = call.key.clone();
        let outcome = self.database.delete_item(call);
        // A row that is gone has no state to journal; a refusal is a fact all the same.
        self.journal_write(&key, outcome.as_ref().map(|_| &key), request, now);
        Ok(Reply::ok(&outcome?))
    }

    fn journal_write(&self, key: &Item, written: Result<&Item, &DynoxideError>, request: &str, now: UnixMs) {
        let Some(payment) = text(key.get(KEY)).map(str::to_owned) else {
            let saved = written.ok().and_then(|item| incident::saved(item, request));
            return saved.into_iter().for_each(|event| self.journal.record(now, event));
        };
        let request = request.to_owned();
        match written {
            Ok(item) => {
                if let (Some(state), Some(version)) = (text(item.get("state")), number(item.get("version"))) {
                    let state = state.to_owned();
                    self.journal.record(now, Event::LedgerWritten { request, payment, state, version });
                }
            }
            Err(DynoxideError::ConditionalCheckFailedException(..)) => {
                self.journal.record(now, Event::LedgerRefused { request, payment });
            }
            Err(_) => {}
        }
    }
}

impl std::fmt::Debug for DynamoDb {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("DynamoDb").finish_non_exhaustive()
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

struct DatabaseClock(Clock);

impl dynoxide::storage_backend::Clock for DatabaseClock {
    fn now_unix_secs(&self) -> u64 {
        u64::try_from(self.0.now().0 / 1000).unwrap_or(0)
    }

    fn now_unix_secs_f64(&self) -> f64 {
        self.0.now().0 as f64 / 1000.0
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, DynoxideError> {
    serde_json::from_slice(body).map_err(|error| read_error(&error))
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
    let text = format!("The embedded DynamoDB does not support {operation}.");
    Reply::error(400, "com.amazon.coral.service#UnknownOperationException", &text)
}

fn text(value: Option<&AttributeValue>) -> Option<&str> {
    value.and_then(|value| if let AttributeValue::S(text) = value { Some(text.as_str()) } else { None })
}

fn number(value: Option<&AttributeValue>) -> Option<u64> {
    value.and_then(|value| if let AttributeValue::N(digits) = value { digits.parse().ok() } else { None })
}
