//! Looking through dead letters: who goes first, who would not call Stripe, who came back too often.
//!
//! Invariant: whatever was received is sent on and then deleted, or shown again; nothing is kept.

use crate::Inner;
use crate::error::TurnError;
use crate::limits::RECEIVES_MAX;
use crate::records::Saved;
use aws_sdk_sqs::types::{Message, MessageAttributeValue};
use aws_smithy_types::base64;
use ledger::LedgerError;
use payments::incident::{Effect, Member, Observation, Recovery, Rowless, Sorted};
use payments::limits::CANARY_MAX;
use payments::payment::Body;
use payments::quarantine::{ATTRIBUTES, ATTRIBUTES_MAX, DETAIL, NO_LEDGER_ROW, ORIGINAL, OURS, REASON};
use std::collections::BTreeMap;

/// Dead letters in hand.
#[derive(Debug, Default)]
struct Sorting {
    found: Sorted,
    canary: Vec<Message>,
    rest: Vec<Message>,
}

/// What a dead letter is.
enum Kind {
    /// A payment that would call the provider.
    CallsProvider(Member),
    /// One that would be acknowledged at once, or whose row cannot be read.
    Settled,
    /// Nothing in the ledger knows it.
    Rowless,
}

impl Inner {
    /// Picks a canary and sends it, or goes on without one. `record` is the record that says so, as it was saved.
    pub(crate) async fn sort(
        &self,
        record: &Recovery,
        rowless: Rowless,
        seen: &mut Observation,
    ) -> Result<Recovery, TurnError> {
        let sorting = self.look_through(rowless, record.history.tasks).await?;
        // Before a task may start: it takes only what is visible.
        self.queues.show(&self.queues.dead_letters, &sorting.rest).await;
        let (mut next, mut effect) = (self.rules.sorted)(record, sorting.found.clone(), seen, &self.policy);
        if next.outbox.written() > record.outbox.written() {
            seen.details = Some(self.details(seen).await);
            (next, effect) = (self.rules.sorted)(record, sorting.found, seen, &self.policy);
        }
        match self.records.save(&next).await? {
            Saved::Lost(found) => {
                self.queues.show(&self.queues.dead_letters, &sorting.canary).await;
                Ok(found)
            }
            Saved::Yes(saved) => {
                for message in &sorting.canary {
                    self.queues.send_back(message).await?;
                    self.queues.delete(&self.queues.dead_letters, message).await?;
                }
                if effect == Some(Effect::StartMoveTask) {
                    self.queues.start_move_task().await?;
                }
                Ok(saved)
            }
        }
    }

    async fn look_through(&self, rowless: Rowless, tasks: u32) -> Result<Sorting, TurnError> {
        let mut sorting = Sorting::default();
        for _ in 0..RECEIVES_MAX {
            let messages = self.queues.receive(&self.queues.dead_letters).await?;
            if messages.is_empty() {
                break;
            }
            for message in messages {
                match (self.kind(&message).await?, rowless) {
                    (Kind::CallsProvider(member), _) if sorting.takes(&member) => {
                        sorting.found.members.push(member);
                        sorting.canary.push(message);
                    }
                    (Kind::Rowless, Rowless::Quarantine) => {
                        self.quarantine(&message, tasks).await?;
                        sorting.found.quarantined += 1;
                    }
                    (Kind::CallsProvider(_) | Kind::Settled, _) | (Kind::Rowless, Rowless::Keep) => {
                        sorting.found.others += 1;
                        sorting.rest.push(message);
                    }
                }
            }
            if sorting.canary.len() == CANARY_MAX && rowless == Rowless::Keep {
                break;
            }
        }
        Ok(sorting)
    }

    async fn kind(&self, message: &Message) -> Result<Kind, TurnError> {
        let Ok(Body::Payment(payment)) = Body::parse(message.body().unwrap_or_default()) else {
            return Ok(Kind::Rowless);
        };
        match self.ledger.row(&payment.payment_id).await {
            Ok(None) => Ok(Kind::Rowless),
            // Another request under the same id is quarantined by the consumer, without asking Stripe.
            Ok(Some(row)) if row.state.is_unsettled() && row.request.fingerprint == payment.fingerprint() => {
                Ok(Kind::CallsProvider(Member { payment_id: payment.payment_id, attempts: row.attempts }))
            }
            Ok(Some(_)) => Ok(Kind::Settled),
            Err(LedgerError::Unreadable(error)) => {
                tracing::error!(%error, payment_id = %payment.payment_id, "a row cannot be read");
                Ok(Kind::Settled)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Moves one dead letter to quarantine.
    async fn quarantine(&self, message: &Message, tasks: u32) -> Result<(), TurnError> {
        let detail = format!("no ledger row; came back after {tasks} redrives");
        let attributes = attributes(message, &detail);
        self.queues.send_to_quarantine(message.body().unwrap_or_default(), attributes).await?;
        self.queues.delete(&self.queues.dead_letters, message).await
    }
}

impl Sorting {
    fn takes(&self, member: &Member) -> bool {
        let is_new = |known: &Member| known.payment_id != member.payment_id;
        self.canary.len() < CANARY_MAX && self.found.members.iter().all(is_new)
    }
}

/// The original's attributes and ours; as JSON in one of them when there is no room for all.
fn attributes(message: &Message, detail: &str) -> BTreeMap<String, MessageAttributeValue> {
    let originals: BTreeMap<String, MessageAttributeValue> = message
        .message_attributes()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let mut attributes = if originals.len() + OURS > ATTRIBUTES_MAX {
        BTreeMap::from([(ATTRIBUTES.to_owned(), text(&json(&originals)))])
    } else {
        originals
    };
    attributes.insert(REASON.to_owned(), text(NO_LEDGER_ROW));
    attributes.insert(DETAIL.to_owned(), text(detail));
    if let Some(id) = message.message_id() {
        attributes.insert(ORIGINAL.to_owned(), text(id));
    }
    attributes
}

fn json(attributes: &BTreeMap<String, MessageAttributeValue>) -> String {
    let value = |value: &MessageAttributeValue| {
        serde_json::json!({
            "dataType": value.data_type(),
            "stringValue": value.string_value(),
            "binaryValue": value.binary_value().map(base64::encode),
        })
    };
    let all: BTreeMap<&String, serde_json::Value> =
        attributes.iter().map(|(name, attribute)| (name, value(attribute))).collect();
    serde_json::json!(all).to_string()
}

fn text(value: &str) -> MessageAttributeValue {
    let attribute = MessageAttributeValue::builder().data_type("String").string_value(value).build();
    attribute.expect("the data type is set")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(attributes: usize) -> Message {
        let named = |n| (format!("name{n}"), text("value"));
        let builder = Message::builder().message_id("m-1").body("PYMT_FAILED");
        builder.set_message_attributes(Some((0..attributes).map(named).collect())).build()
    }

    #[test]
    fn a_copy_keeps_every_attribute_and_says_why_it_is_there() {
        let kept = attributes(&message(7), "came back");
        assert_eq!(kept.len(), 10);
        assert_eq!(kept[REASON].string_value(), Some(NO_LEDGER_ROW));
        assert_eq!(kept[ORIGINAL].string_value(), Some("m-1"));
        let packed = attributes(&message(8), "came back");
        assert_eq!(packed.len(), 4);
        let json = packed[ATTRIBUTES].string_value().expect("a text");
        assert!(
            json.contains(r#""name7":{"binaryValue":null,"dataType":"String","stringValue":"value"}"#),
            "{json}"
        );
    }
}
