//! The three records, in a table of their own.
//!
//! An item is the record's name, its version, its phase for people who look, and its JSON.
//! Invariant: a save needs the version that was read, and adds one; so of two turns that read the same, one saves.

use crate::error::TurnError;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
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

type Item = HashMap<String, AttributeValue>;

impl Reader {
    pub(crate) const fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// All records, as the last saves left them.
    pub(crate) async fn read_all(&self) -> Result<(Incident, Audit), TurnError> {
        let (recovery, notice, audit) = tokio::try_join!(self.read(), self.read(), self.read())?;
        Ok((Incident { recovery, notice }, audit))
    }

    /// One record; the default one before the first save.
    pub(crate) async fn read<R: Record>(&self) -> Result<R, TurnError> {
        let look = self.client.get_item().table_name(&self.table).key("record", name::<R>());
        let answer = look.consistent_read(true).send().await.map_err(TurnError::of("reading a record"))?;
        answer.item.as_ref().map_or_else(|| Ok(R::default()), parse)
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
    use serde_json::{Value, json};

    fn reader(recorder: &Recorder) -> Reader {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(Credentials::new("AKIA", "secret", None, None, "test"))
            .http_client(recorder.http_client());
        Reader::new(Client::from_conf(config.build()), "the-table".to_owned())
    }

    /// A record in its table, with other versions inside and outside of its body.
    fn item() -> Value {
        let body = serde_json::to_string(&Recovery { version: 3, ..Recovery::default() }).expect("JSON");
        json!({ "Item": { "body": { "S": body }, "version": { "N": "5" }, "phase": { "S": "quiet" } } })
    }

    #[tokio::test]
    async fn a_record_is_read_as_the_last_save_left_it() {
        let recorder = Recorder::answering([item()]);
        let read: Recovery = reader(&recorder).read().await.expect("it is a record");
        assert_eq!(read.version, 5, "what a save goes by is beside the body");
        let asked = json!({
            "TableName": "the-table",
            "Key": { "record": { "S": "recovery" } },
            "ConsistentRead": true,
        });
        assert_eq!(recorder.taken(), [("GetItem".to_owned(), asked)]);
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
