//! The three records, in a table of their own.
//!
//! An item is the record's name, its version, its phase for people who look, and its JSON.
//! Invariant: a save needs the version that was read, and adds one; so of two turns that read the same, one saves.

use crate::error::TurnError;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnValuesOnConditionCheckFailure};
use host::batch::{self, Item, Unread};
use payments::audit::Audit;
use payments::incident::{Incident, Notice, Outbox, Recovery};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;

/// The table, for whoever looks.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    client: Client,
    table: String,
}

/// The table, with the right to save.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    reader: Reader,
    condition: Condition,
}

/// On which condition a record is saved, by the version that was read; `#version` and `:read` stand for the item's and
/// that one.
pub type Condition = fn(u64) -> Option<&'static str>;

/// That nobody saved since that version was read; 0 is a record that was never saved.
#[must_use]
pub const fn unsaved_since(version: u64) -> Option<&'static str> {
    match version {
        0 => Some("attribute_not_exists(#version)"),
        _ => Some("#version = :read"),
    }
}

/// One of the three.
pub(crate) trait Record: Clone + Default + Serialize + DeserializeOwned {
    /// Its key.
    const NAME: &'static str;
    fn version(&self) -> u64;
    fn set_version(&mut self, version: u64);
    fn phase(&self) -> &'static str;
    fn outbox(&self) -> &Outbox;
    fn outbox_mut(&mut self) -> &mut Outbox;
}

/// All three keep what a save needs under the same names.
macro_rules! records {
    ($($name:literal: $record:ty),+ $(,)?) => {$(
        impl Record for $record {
            const NAME: &'static str = $name;

            fn version(&self) -> u64 {
                self.version
            }

            fn set_version(&mut self, version: u64) {
                self.version = version;
            }

            fn phase(&self) -> &'static str {
                self.phase.name()
            }

            fn outbox(&self) -> &Outbox {
                &self.outbox
            }

            fn outbox_mut(&mut self) -> &mut Outbox {
                &mut self.outbox
            }
        }
    )+};
}

records! { "recovery": Recovery, "quarantine": Notice, "audit": Audit }

/// What a save came to.
#[derive(Clone, Debug)]
pub(crate) enum Saved<R> {
    /// It is saved; this is the record with its new version.
    Yes(R),
    /// Another turn was first; this is what it left.
    Lost(R),
}

impl Reader {
    pub(crate) const fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// All records, as the last saves left them, in one call; a default one before its first save.
    pub(crate) async fn read_all(&self) -> Result<(Incident, Audit), TurnError> {
        let keys = vec![key::<Recovery>(), key::<Notice>(), key::<Audit>()];
        let items = batch::read(&self.client, &self.table, keys, &KeysAndAttributes::builder()).await;
        let items = items.map_err(|unread| TurnError::Service {
            what: "reading the records",
            why: match unread {
                Unread::Failed(why) => why,
                Unread::Left(keys) => format!("BatchGetItem left {keys} of them unread"),
            },
        })?;
        let incident = Incident { recovery: among(&items)?, notice: among(&items)? };
        Ok((incident, among(&items)?))
    }
}

impl Records {
    pub(crate) const fn new(reader: Reader, condition: Condition) -> Self {
        Self { reader, condition }
    }

    /// Saves `next`, on condition that nobody saved since its version was read.
    pub(crate) async fn save<R: Record>(&self, next: &R) -> Result<Saved<R>, TurnError> {
        let version = next.version() + 1;
        let body = serde_json::to_string(next)
            .map_err(|error| TurnError::Record { record: R::NAME, why: error.to_string() })?;
        let condition = (self.condition)(next.version());
        let mut update = self
            .reader
            .client
            .update_item()
            .table_name(&self.reader.table)
            .key("record", name::<R>())
            .update_expression("SET #version = :version, #phase = :phase, #body = :body")
            .set_condition_expression(condition.map(str::to_owned))
            .expression_attribute_names("#version", "version")
            .expression_attribute_names("#phase", "phase")
            .expression_attribute_names("#body", "body")
            .expression_attribute_values(":version", AttributeValue::N(version.to_string()))
            .expression_attribute_values(":phase", AttributeValue::S(next.phase().to_owned()))
            .expression_attribute_values(":body", AttributeValue::S(body))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        if condition.is_some_and(|condition| condition.contains(":read")) {
            update =
                update.expression_attribute_values(":read", AttributeValue::N(next.version().to_string()));
        }
        match update.send().await {
            Ok(_) => {
                let mut saved = next.clone();
                saved.set_version(version);
                Ok(Saved::Yes(saved))
            }
            // A retry inside the SDK may have met its own first write. That cannot be told from another turn that came
            // to the same at the same time, so it counts as lost: what follows is done by a later turn, never twice.
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(Saved::Lost(failed.item.as_ref().map_or_else(|| Ok(R::default()), parse)?))
                }
                Some(_) | None => Err(TurnError::of("saving a record")(error)),
            },
        }
    }
}

fn name<R: Record>() -> AttributeValue {
    AttributeValue::S(R::NAME.to_owned())
}

fn key<R: Record>() -> Item {
    HashMap::from([("record".to_owned(), name::<R>())])
}

/// One record of those that were read; the default one if it is not among them.
fn among<R: Record>(items: &[Item]) -> Result<R, TurnError> {
    let item = items.iter().find(|item| item.get("record") == Some(&name::<R>()));
    item.map_or_else(|| Ok(R::default()), parse)
}

fn parse<R: Record>(item: &Item) -> Result<R, TurnError> {
    let bad = |why: &str| TurnError::Record { record: R::NAME, why: why.to_owned() };
    let body = item.get("body").and_then(|value| value.as_s().ok()).ok_or_else(|| bad("no body"))?;
    let version = item.get("version").and_then(|value| value.as_n().ok()?.parse().ok());
    let mut record: R = serde_json::from_str(body).map_err(|error| bad(&error.to_string()))?;
    record.set_version(version.ok_or_else(|| bad("no version"))?);
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::Recorder;
    use aws_credential_types::Credentials;
    use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Region};
    use host::limits::BATCH_ATTEMPTS;
    use serde_json::{Value, json};

    fn reader(recorder: &Recorder) -> Reader {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(Credentials::new("AKIA", "secret", None, None, "test"))
            .http_client(recorder.http_client());
        Reader::new(Client::from_conf(config.build()), "the-table".to_owned())
    }

    /// The table's answer: the quarantine's record, with other versions inside and outside of its body, and the keys of
    /// those that it did not get to.
    fn answer(unread: &[&str]) -> Value {
        let body = serde_json::to_string(&Notice { version: 3, ..Notice::default() }).expect("JSON");
        let item = json!({
            "record": { "S": "quarantine" }, "version": { "N": "5" }, "phase": { "S": "clear" },
            "body": { "S": body },
        });
        let keys: Vec<Value> = unread.iter().map(|name| json!({ "record": { "S": name } })).collect();
        // https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html: what is left has the
        // form of what was asked, and is empty when nothing is.
        let left = json!({ "the-table": { "Keys": keys, "ConsistentRead": true } });
        let left = if unread.is_empty() { json!({}) } else { left };
        json!({ "Responses": { "the-table": [item] }, "UnprocessedKeys": left })
    }

    fn asked(names: &[&str]) -> (String, Value) {
        let keys: Vec<Value> = names.iter().map(|name| json!({ "record": { "S": name } })).collect();
        let wanted = json!({ "the-table": { "Keys": keys, "ConsistentRead": true } });
        ("BatchGetItem".to_owned(), json!({ "RequestItems": wanted }))
    }

    const ALL: [&str; 3] = ["recovery", "quarantine", "audit"];

    #[tokio::test]
    async fn all_records_are_read_in_one_call_as_the_last_saves_left_them() {
        let recorder = Recorder::answering([answer(&[])]);
        let (incident, audit) = reader(&recorder).read_all().await.expect("they are records");
        let versions = (incident.recovery.version, incident.notice.version, audit.version);
        assert_eq!(
            versions,
            (0, 5, 0),
            "what a save goes by is beside the body, and nothing before the first"
        );
        assert_eq!(recorder.taken(), [asked(&ALL)]);
    }

    #[tokio::test]
    async fn a_record_that_dynamodb_did_not_get_to_is_asked_for_again_and_never_taken_for_none() {
        let recorder = Recorder::answering([answer(&["audit"]), answer(&[])]);
        reader(&recorder).read_all().await.expect("they are records");
        assert_eq!(recorder.taken(), [asked(&ALL), asked(&["audit"])]);
        let recorder = Recorder::answering((0..BATCH_ATTEMPTS).map(|_| answer(&["recovery"])));
        let error = reader(&recorder).read_all().await.expect_err("nobody knows what it says").to_string();
        assert_eq!(error, "reading the records failed: BatchGetItem left 1 of them unread");
    }

    #[tokio::test]
    async fn a_save_needs_the_version_that_was_read_and_adds_one() {
        let recorder = Recorder::default();
        let saved = async |version| {
            let records = Records::new(reader(&recorder), unsaved_since);
            let next = Recovery { version, ..Recovery::default() };
            match records.save(&next).await.expect("it is answered") {
                Saved::Yes(saved) => saved.version,
                Saved::Lost(_) => panic!("nobody else saved"),
            }
        };
        assert_eq!(saved(0).await, 1);
        assert_eq!(saved(7).await, 8);
        insta::assert_snapshot!(recorder.told());
    }
}
