//! What the tables answer: from memory, once the oracle has said the same to a call of that form.
//!
//! A whole database behind every write costs a simulated payment more than all else that happens to it. So the forms of
//! calls that the functions make are carried out here, on maps. Each form is first put to the oracle, with the rows that
//! the call can see; from then on it is known. What is not understood, and what may be refused for its values, goes to the
//! oracle every time.
//! Invariant: where the two do not say the same, the run is told, and its answer is the oracle's.

use super::calls::{Batch, Form, Get, Query, Update};
use super::expression::{Action, Condition};
use super::oracle::{Oracle, Said};
use super::packed::Packed;
use super::read::{found, got, got_many};
use super::stream::Stream;
use super::table::{Newer, Table};
use super::update::updated;
use super::{Row, refused, unsupported};
use crate::clock::Clock;
use crate::cloud::config::TableConfig;
use crate::cloud::reply::Reply;
use dynoxide::{AttributeValue, DynoxideError};
use payments::UnixMs;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The form of a call that is understood, and what it comes to here, if that can be told for certain.
type Ours = (Form, Option<Answered>);

/// All tables of an account.
#[derive(Debug)]
pub(super) struct Engine {
    tables: BTreeMap<String, Table>,
    /// Names of the tables that have a stream.
    streaming: BTreeSet<String>,
    /// The streams that somebody follows: of the others nothing is kept.
    followed: BTreeMap<String, Stream>,
    oracle: Oracle,
    trust: Trust,
    proven: Proven,
    conditions: BTreeMap<String, Option<Arc<Condition>>>,
    updates: BTreeMap<String, Option<Arc<[Action]>>>,
    disagreements: Vec<String>,
}

/// What is proved of some tables, for every world that has them. Cheap to clone.
///
/// Whose world came first decides which calls are put to the oracle, and nothing of what is answered: a world in which the
/// two disagree is not believed.
#[derive(Clone, Debug, Default)]
pub struct Proven(Arc<Mutex<BTreeSet<Form>>>);

impl Proven {
    /// Whether the oracle said the same to a call of this form.
    fn knows(&self, form: &Form) -> bool {
        self.forms().contains(form)
    }

    /// Whether anything was proved: then the oracle has made these tables before.
    fn is_begun(&self) -> bool {
        !self.forms().is_empty()
    }

    fn add(&self, form: Option<Form>) {
        self.forms().extend(form);
    }

    fn forms(&self) -> MutexGuard<'_, BTreeSet<Form>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a form of call that is known is carried out here alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    Known,
    /// Only where the oracle would have to be shown many rows.
    Nothing,
}

/// Rows from which on the oracle is not shown a table for every call.
const ROWS_MANY: usize = 200;

/// An answer, and what it did to a row.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) reply: Reply,
    pub(super) write: Option<Write>,
}

/// A write that was tried.
#[derive(Debug)]
pub(super) struct Write {
    /// The table's name.
    pub(super) table: String,
    /// The row's key.
    pub(super) key: Row,
    pub(super) outcome: Outcome,
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The row as it is now; none where it was deleted.
    Made(Option<Row>),
    /// Its condition does not hold.
    Refused,
    /// It is no write.
    Wrong,
}

impl Engine {
    pub(super) fn new(
        configs: &[TableConfig],
        proven: Proven,
        clock: Clock,
        trust: Trust,
    ) -> Result<Self, String> {
        let mut oracle = Oracle::of(configs, clock);
        // What is wrong with a table is to be known at once, and was, where others have it too.
        if !proven.is_begun() {
            oracle.make()?;
        }
        let table = |config: &TableConfig| Some((config.name.clone(), Table::of(&config.create)?));
        let streaming = configs.iter().filter(|config| config.streams);
        Ok(Self {
            tables: configs.iter().filter_map(table).collect(),
            streaming: streaming.map(|config| config.name.clone()).collect(),
            followed: BTreeMap::new(),
            oracle,
            trust,
            proven,
            conditions: BTreeMap::new(),
            updates: BTreeMap::new(),
            disagreements: Vec::new(),
        })
    }

    /// What `read` makes of every row of a table, by their keys; of a table that only the oracle knows, by content.
    pub(super) fn read<T>(&self, table: &str, read: impl FnMut(Row) -> T) -> Result<Vec<T>, DynoxideError> {
        if let Some(table) = self.tables.get(table) {
            return Ok(table.rows().values().map(Packed::row).map(read).collect());
        }
        let mut rows = self.oracle.rows(table)?;
        rows.sort_by_cached_key(|row| format!("{row:?}"));
        Ok(rows.into_iter().map(read).collect())
    }

    /// The stream of a table, if it has one, with what changes from now on.
    pub(super) fn follow(&mut self, table: &str) -> Option<Stream> {
        let name = self.streaming.get(table)?.clone();
        Some(self.followed.entry(name).or_default().clone())
    }

    /// What the oracle and the tables in memory did not say alike.
    pub(super) fn disagreements(&self) -> &[String] {
        &self.disagreements
    }

    /// The answer to a call that is shown every table as it was at an earlier instant, and writes nothing.
    pub(super) fn answer_as_of(&mut self, then: UnixMs, operation: &str, body: &[u8]) -> Answered {
        let newer: Vec<(String, Newer)> =
            self.tables.iter_mut().map(|(name, table)| (name.clone(), table.rewind(then))).collect();
        let answered = self.answer(operation, body, then);
        for (name, newer) in newer {
            self.tables.get_mut(&name).into_iter().for_each(|table| table.replay(&newer));
        }
        answered
    }

    pub(super) fn answer(&mut self, operation: &str, body: &[u8], now: UnixMs) -> Answered {
        let (form, answered) = match operation {
            "UpdateItem" => self.update(body),
            "GetItem" => self.get(body),
            "BatchGetItem" => self.batch(body),
            "Query" => self.query(body),
            _ => None,
        }
        .unzip();
        match (form, answered.flatten()) {
            (Some(form), Some(answered)) if self.is_trusted(&form) => self.keep(answered, now),
            (form, answered) => self.consult((operation, body), form, answered, now),
        }
    }

    fn is_trusted(&self, form: &Form) -> bool {
        let is_enough = match self.trust {
            Trust::Known => true,
            Trust::Nothing => self.tables.values().any(|table| table.rows().len() > ROWS_MANY),
        };
        is_enough && self.proven.knows(form)
    }

    /// Takes over what an answer did.
    fn keep(&mut self, answered: Answered, now: UnixMs) -> Answered {
        if let Some(Write { table: name, key, outcome: Outcome::Made(row) }) = &answered.write
            && let Some(table) = self.tables.get_mut(name)
            && let Some(id) = table.key_of(key).map(str::to_owned)
        {
            if let Some(stream) = self.followed.get(name) {
                let keys = key.iter().filter(|(name, _)| *name == table.key());
                let keys = keys.map(|(name, value)| (name.clone(), value.clone())).collect();
                stream.write(keys, table.row(&id).map(Packed::row), row.clone(), now);
            }
            table.put(&id, row.as_ref(), now);
        }
        answered
    }

    /// Puts a call to the oracle, and takes its answer.
    fn consult(
        &mut self,
        (operation, body): (&str, &[u8]),
        form: Option<Form>,
        ours: Option<Answered>,
        now: UnixMs,
    ) -> Answered {
        let seen = match self.show(operation, body) {
            Ok(seen) => seen,
            Err(error) => return Answered { reply: refused(&error), write: None },
        };
        let Some(said) = self.oracle.answer(operation, body) else {
            return Answered { reply: unsupported(operation), write: None };
        };
        let theirs = match self.take_back(operation, seen, said) {
            Ok(theirs) => theirs,
            Err(error) => return Answered { reply: refused(&error), write: None },
        };
        if let Some(ours) = ours {
            if is_alike(&ours.reply, &theirs.reply) {
                self.proven.add(form);
            } else {
                let texts = [&ours.reply, &theirs.reply]
                    .map(|reply| String::from_utf8_lossy(&reply.body).into_owned());
                let call = String::from_utf8_lossy(body);
                self.disagreements
                    .push(format!("{operation} {call}: {} here, {} by dynoxide", texts[0], texts[1]));
            }
        }
        self.keep(theirs, now)
    }

    /// Shows the oracle the rows that a call can see. Of a call about one row of a table, that table and the key.
    fn show(&mut self, operation: &str, body: &[u8]) -> Result<Option<(String, Row)>, DynoxideError> {
        if let Ok(Batch { request_items }) = serde_json::from_slice(body) {
            for (name, call) in request_items {
                let Some(table) = self.tables.get(&name) else { continue };
                let ids = call.keys.iter().filter_map(|key| table.rows().get_key_value(table.key_of(key)?));
                self.oracle.hold(&name, table.key(), ids)?;
            }
        }
        let Some(name) = table_named(body) else { return Ok(None) };
        let Some(table) = self.tables.get(&name) else { return Ok(None) };
        match key_in(operation, body, table.key()) {
            Some((id, key)) => {
                self.oracle.hold(&name, table.key(), table.rows().get_key_value(&id))?;
                Ok(Some((name, key)))
            }
            None => self.oracle.hold(&name, table.key(), table.rows()).map(|()| None),
        }
    }

    /// What the oracle said, with what it made of the row.
    fn take_back(
        &mut self,
        operation: &str,
        seen: Option<(String, Row)>,
        said: Said,
    ) -> Result<Answered, DynoxideError> {
        let writes = matches!(operation, "UpdateItem" | "PutItem" | "DeleteItem");
        let Some((name, key)) = seen.filter(|_| writes) else {
            return Ok(Answered { reply: said.reply(), write: None });
        };
        let outcome = match &said {
            Said::Done(_) => {
                let rows = self.oracle.rows(&name)?;
                let table = &self.tables[&name];
                let held = rows.iter().filter_map(|row| Some((table.key_of(row)?.to_owned(), row)));
                self.oracle.holds_now(&name, held);
                Outcome::Made(rows.into_iter().next())
            }
            Said::Refused(_) => Outcome::Refused,
            Said::Wrong(_) => Outcome::Wrong,
        };
        Ok(Answered { reply: said.reply(), write: Some(Write { table: name, key, outcome }) })
    }

    fn update(&mut self, body: &[u8]) -> Option<Ours> {
        let call: Update = serde_json::from_slice(body).ok()?;
        let text = &call.update_expression;
        let actions = self
            .updates
            .entry(text.clone())
            .or_insert_with(|| Action::parse_all(text).map(Arc::from))
            .clone()?;
        let condition = match &call.condition_expression {
            Some(text) => Some(self.condition(text)?),
            None => None,
        };
        let table = self.tables.get(&call.table_name)?;
        Some((call.form(), updated(&call, condition.as_deref(), &actions, table)))
    }

    fn get(&self, body: &[u8]) -> Option<Ours> {
        let call: Get = serde_json::from_slice(body).ok()?;
        Some((call.form(), got(&call, self.tables.get(&call.table_name)?)))
    }

    fn batch(&self, body: &[u8]) -> Option<Ours> {
        let call: Batch = serde_json::from_slice(body).ok()?;
        let mut tables = call.request_items.iter();
        let ((name, of_table), None) = (tables.next()?, tables.next()) else { return None };
        Some((call.form(), got_many(name, of_table, self.tables.get(name)?)))
    }

    fn query(&mut self, body: &[u8]) -> Option<Ours> {
        let call: Query = serde_json::from_slice(body).ok()?;
        let condition = self.condition(&call.key_condition_expression)?;
        Some((call.form(), found(&call, &condition, self.tables.get(&call.table_name)?)))
    }

    fn condition(&mut self, text: &str) -> Option<Arc<Condition>> {
        self.conditions.entry(text.to_owned()).or_insert_with(|| Condition::parse(text).map(Arc::new)).clone()
    }
}

fn table_named(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        #[serde(rename = "TableName")]
        table: String,
    }
    serde_json::from_slice(body).ok().map(|Named { table }| table)
}

/// The key of a call about one row: its id, and as it stands in the call.
fn key_in(operation: &str, body: &[u8], attribute: &str) -> Option<(String, Row)> {
    let field = match operation {
        "GetItem" | "UpdateItem" | "DeleteItem" => "Key",
        "PutItem" => "Item",
        _ => return None,
    };
    let call: Value = serde_json::from_slice(body).ok()?;
    let key = Row::deserialize(&call[field]).ok()?;
    let AttributeValue::S(id) = key.get(attribute)? else { return None };
    Some((id.clone(), key))
}

/// Whether two replies say the same.
fn is_alike(one: &Reply, other: &Reply) -> bool {
    let read = |reply: &Reply| serde_json::from_slice::<Value>(&reply.body).ok();
    one.status == other.status && read(one) == read(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::fixtures::{START, ledger};

    fn engine(proven: &Proven, trust: Trust) -> Engine {
        Engine::new(&[ledger()], proven.clone(), Clock::starting_at(START), trust).expect("the table is good")
    }

    fn write(engine: &mut Engine, id: &str, state: &str) -> Option<Outcome> {
        let call = serde_json::json!({
            "TableName": "ledger",
            "Key": { "payment_id": { "S": id } },
            "UpdateExpression": "SET #state = :state",
            "ExpressionAttributeNames": { "#state": "state" },
            "ExpressionAttributeValues": { ":state": { "S": state } },
        });
        engine.answer("UpdateItem", call.to_string().as_bytes(), START).write.map(|write| write.outcome)
    }

    #[test]
    fn what_one_world_proved_of_its_tables_another_need_not_ask_again() {
        let proven = Proven::default();
        let mut first = engine(&proven, Trust::Known);
        assert!(first.oracle.is_made(), "what is wrong with a table is known at once");
        assert!(!proven.is_begun());
        write(&mut first, "order-1", "received");
        assert!(proven.is_begun());
        let mut second = engine(&proven, Trust::Known);
        let Some(Outcome::Made(Some(row))) = write(&mut second, "order-2", "succeeded") else {
            panic!("it is written")
        };
        assert_eq!(row.get("state"), Some(&AttributeValue::S("succeeded".to_owned())));
        assert!(!second.oracle.is_made(), "nobody asked it");
        let mut doubtful = engine(&proven, Trust::Nothing);
        write(&mut doubtful, "order-3", "received");
        assert!(doubtful.oracle.is_made(), "whoever trusts nothing asks it");
        let mut apart = engine(&Proven::default(), Trust::Known);
        write(&mut apart, "order-4", "received");
        assert!(apart.oracle.is_made());
    }

    #[tokio::test]
    async fn a_stream_keeps_what_changes_once_somebody_follows_it() {
        let streaming = TableConfig { streams: true, ..ledger() };
        let clock = Clock::starting_at(START);
        let mut engine =
            Engine::new(&[streaming], Proven::default(), clock, Trust::Known).expect("it is good");
        write(&mut engine, "order-1", "received");
        let stream = engine.follow("ledger").expect("it has one");
        write(&mut engine, "order-1", "succeeded");
        let mut kept = Vec::new();
        for shard in 0..super::super::stream::SHARDS {
            let soon = std::time::Duration::from_millis(10);
            kept.extend(tokio::time::timeout(soon, stream.read(shard, 10)).await.into_iter().flatten());
        }
        assert_eq!(
            kept.iter().map(|change| change.sequence).collect::<Vec<_>>(),
            [1],
            "the second write alone"
        );
        assert!(engine.follow("elsewhere").is_none());
    }

    #[test]
    fn a_form_that_nobody_proved_is_asked_of_the_oracle_and_a_wrong_table_is_refused_at_once() {
        let proven = Proven::default();
        write(&mut engine(&proven, Trust::Known), "order-1", "received");
        let mut second = engine(&proven, Trust::Known);
        let scan = serde_json::json!({ "TableName": "ledger" }).to_string();
        assert_eq!(second.answer("Scan", scan.as_bytes(), START).reply.status, 200);
        assert!(second.oracle.is_made());
        let mut wrong = ledger();
        wrong.create["KeySchema"] = serde_json::json!([]);
        let refused = Engine::new(&[wrong], Proven::default(), Clock::starting_at(START), Trust::Known);
        assert!(refused.is_err());
    }
}
