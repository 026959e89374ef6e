//! dynoxide, which knows what DynamoDB answers: asked whatever the tables in memory have not been proved to know.
//!
//! It is given the rows that a call can see, and what the call makes of them is taken back.
//! Invariant: it holds those rows of a table and no others while it answers.

use super::packed::{Names, Packed};
use super::{Row, read_error, refused};
use crate::clock::Clock;
use crate::cloud::config::TableConfig;
use crate::cloud::reply::Reply;
use dynoxide::actions::create_table::CreateTableRequest;
use dynoxide::actions::delete_item::DeleteItemRequest;
use dynoxide::actions::put_item::PutItemRequest;
use dynoxide::actions::scan::ScanRequest;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The database, and what it holds.
pub(super) struct Oracle {
    tables: Tables,
    /// By table and key.
    held: BTreeMap<String, BTreeMap<String, Packed>>,
    names: Names,
}

/// Tables that are made when something is first asked of them: that takes as long as a small run.
struct Tables {
    configs: Vec<TableConfig>,
    clock: Clock,
    made: OnceCell<Database>,
}

impl Tables {
    fn database(&self) -> &Database {
        let proved = "whoever proved something of these tables had made them";
        self.made.get_or_init(|| self.make().expect(proved))
    }

    fn make(&self) -> Result<Database, String> {
        let clock = Arc::new(DatabaseClock(self.clock));
        let database = Database::memory_with_clock(clock).map_err(|error| error.to_string())?;
        for config in &self.configs {
            let request: CreateTableRequest = serde_json::from_value(config.create.clone())
                .map_err(|error| format!("table {}: {}", config.name, read_error(&error)))?;
            database.create_table(request).map_err(|error| format!("table {}: {error}", config.name))?;
        }
        Ok(database)
    }
}

/// What it says to a call.
#[derive(Debug)]
pub(super) enum Said {
    /// It was carried out.
    Done(Reply),
    /// Its condition does not hold.
    Refused(Reply),
    /// It is not as DynamoDB wants it.
    Wrong(Reply),
}

impl Oracle {
    /// The tables of `configs`, empty.
    pub(super) fn of(configs: &[TableConfig], clock: Clock) -> Self {
        let tables = Tables { configs: configs.to_vec(), clock, made: OnceCell::new() };
        Self { tables, held: BTreeMap::new(), names: Names::default() }
    }

    /// Makes the tables, as they are made anyway when something is asked.
    ///
    /// # Errors
    /// What is wrong with a table's `CreateTable` request, with the table's name.
    pub(super) fn make(&mut self) -> Result<(), String> {
        self.tables.made = OnceCell::from(self.tables.make()?);
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn is_made(&self) -> bool {
        self.tables.made.get().is_some()
    }

    /// Carries out `operation` as it is; `None` for one that is not supported.
    pub(super) fn answer(&self, operation: &str, body: &[u8]) -> Option<Said> {
        let database = self.tables.database();
        Some(match operation {
            "GetItem" => said(body, |call| database.get_item(call)),
            "Query" => said(body, |call| database.query(call)),
            "BatchGetItem" => said(body, |call| database.batch_get_item(call)),
            "Scan" => said(body, |call| database.scan(call)),
            "PutItem" => said(body, |call| database.put_item(call)),
            "UpdateItem" => said(body, |call| database.update_item(call)),
            "DeleteItem" => said(body, |call| database.delete_item(call)),
            _ => return None,
        })
    }

    /// Makes a table hold these rows.
    pub(super) fn hold<'a>(
        &mut self,
        table: &str,
        key: &str,
        rows: impl IntoIterator<Item = (&'a String, &'a Packed)>,
    ) -> Result<(), DynoxideError> {
        let wanted: BTreeMap<&String, &Packed> = rows.into_iter().collect();
        let held = self.held.entry(table.to_owned()).or_default();
        for gone in held.keys().filter(|held| !wanted.contains_key(held)) {
            let key = [(key.to_owned(), dynoxide::AttributeValue::S(gone.clone()))].into();
            let call =
                DeleteItemRequest { table_name: table.to_owned(), key, ..DeleteItemRequest::default() };
            self.tables.database().delete_item(call)?;
        }
        held.retain(|held, _| wanted.contains_key(held));
        for (id, row) in wanted {
            if held.get(id) != Some(row) {
                let item = row.row().into_iter().collect();
                let call = PutItemRequest { table_name: table.to_owned(), item, ..PutItemRequest::default() };
                self.tables.database().put_item(call)?;
                held.insert(id.clone(), row.clone());
            }
        }
        Ok(())
    }

    /// Every row that a table holds now, which is what a call left there.
    pub(super) fn rows(&self, table: &str) -> Result<Vec<Row>, DynoxideError> {
        let mut rows = Vec::new();
        let mut exclusive_start_key = None;
        loop {
            let call =
                ScanRequest { table_name: table.to_owned(), exclusive_start_key, ..ScanRequest::default() };
            let page = self.tables.database().scan(call)?;
            rows.extend(page.items.unwrap_or_default().into_iter().map(Row::from_iter));
            exclusive_start_key = page.last_evaluated_key;
            if exclusive_start_key.is_none() {
                return Ok(rows);
            }
        }
    }

    /// Takes note of what a call left.
    pub(super) fn holds_now<'a>(&mut self, table: &str, rows: impl Iterator<Item = (String, &'a Row)>) {
        let rows = rows.map(|(id, row)| (id, Packed::of(row, &mut self.names)));
        self.held.insert(table.to_owned(), rows.collect());
    }
}

impl std::fmt::Debug for Oracle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Oracle").field("held", &self.held).finish_non_exhaustive()
    }
}

fn said<C: DeserializeOwned, A: Serialize>(
    body: &[u8],
    carry_out: impl FnOnce(C) -> Result<A, DynoxideError>,
) -> Said {
    let call = serde_json::from_slice(body).map_err(|error| read_error(&error));
    match call.and_then(carry_out) {
        Ok(answer) => Said::Done(Reply::ok(&answer)),
        Err(error @ DynoxideError::ConditionalCheckFailedException(..)) => Said::Refused(refused(&error)),
        Err(error) => Said::Wrong(refused(&error)),
    }
}

impl Said {
    pub(super) fn reply(self) -> Reply {
        match self {
            Self::Done(reply) | Self::Refused(reply) | Self::Wrong(reply) => reply,
        }
    }
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
