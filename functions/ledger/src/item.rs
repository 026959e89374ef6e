//! A ledger row as DynamoDB stores it.
//!
//! The attribute names are a format that outlives every deployment: unknown attributes are ignored, and so is what they
//! say beyond what decides over money, so an older version can read what a newer one wrote.
//! Invariant: an item either reads back as exactly one row or is refused with the attribute that is wrong.

use payments::ledger::{Blamed, OpenDelivery, Reason, Row, State};
use payments::provider::{Decline, IntentId};
use payments::request::{Form, Request, Wording};
use payments::suspicion::Refused;
use payments::{Cause, Payment, UnixMs};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// A DynamoDB item, as the SDK has it.
pub(crate) type Item = HashMap<String, aws_sdk_dynamodb::types::AttributeValue>;

/// An item that is no row. Somebody else wrote to the table, or a newer version did.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadItem {
    /// An attribute is missing or of another type.
    #[error("ledger item cannot be read: {0}")]
    Attribute(#[from] serde_dynamo::Error),
    /// The request in it is not a payment.
    #[error("ledger item holds no payment: {0}")]
    Payment(#[from] payments::payment::Malformed),
    /// A state or form that this version does not know.
    #[error("ledger item has an unknown {0}")]
    Unknown(&'static str),
}

#[derive(Deserialize)]
struct Stored {
    payment_id: String,
    amount: i64,
    currency: String,
    payment_method: String,
    customer: Option<String>,
    description: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    stripe_version: String,
    create_form: String,
    confirm_form: String,
    state: String,
    decline: Option<Decline>,
    reason: Option<String>,
    detail: Option<String>,
    intent_id: Option<IntentId>,
    create_generation: u32,
    attempts: u32,
    #[serde(default)]
    open: BTreeSet<String>,
    last_error: Option<String>,
    refused: Option<Refused>,
    blamed: Option<String>,
    set_aside: Option<String>,
    #[serde(default)]
    soft_declines: u32,
    version: u64,
    received_at: UnixMs,
    enqueued_at: UnixMs,
    settled_at: Option<UnixMs>,
    quarantine_message_id: Option<String>,
}

/// Reads a row back.
pub(crate) fn read(item: Item) -> Result<Row, BadItem> {
    let stored: Stored = serde_dynamo::from_item(item)?;
    Ok(Row {
        state: state(&stored)?,
        open: stored.open.iter().filter_map(|text| OpenDelivery::parse(text)).collect(),
        last_error: stored.last_error.as_deref().and_then(Cause::parse),
        blamed: match stored.blamed.as_deref() {
            Some("payment") => Blamed::Payment,
            Some(_) | None => Blamed::Nobody,
        },
        set_aside: stored.set_aside.as_deref().and_then(Cause::parse),
        soft_declines: stored.soft_declines,
        request: Arc::new(request(&stored)?),
        intent_id: stored.intent_id,
        refused: stored.refused,
        create_generation: stored.create_generation,
        attempts: stored.attempts,
        version: stored.version,
        received_at: stored.received_at,
        enqueued_at: stored.enqueued_at,
        settled_at: stored.settled_at,
        quarantine_message_id: stored.quarantine_message_id,
    })
}

fn request(stored: &Stored) -> Result<Request, BadItem> {
    // Through the same parser as a message, so that no row can hold what no message may.
    let mut body = serde_json::json!({
        "payment_id": stored.payment_id,
        "amount": stored.amount,
        "currency": stored.currency,
        "payment_method": stored.payment_method,
        "metadata": stored.metadata,
    });
    for (field, value) in [("customer", &stored.customer), ("description", &stored.description)] {
        if let Some(value) = value {
            body[field] = value.as_str().into();
        }
    }
    let wording = Wording {
        version: stored.stripe_version.clone(),
        create: form(&stored.create_form).ok_or(BadItem::Unknown("create_form"))?,
        confirm: form(&stored.confirm_form).ok_or(BadItem::Unknown("confirm_form"))?,
    };
    Ok(Request::new(Payment::parse(&body.to_string())?, Arc::new(wording)))
}

fn form(json: &str) -> Option<Form> {
    serde_json::from_str(json).ok()
}

fn state(stored: &Stored) -> Result<State, BadItem> {
    Ok(match stored.state.as_str() {
        "received" => State::Received,
        "intended" => State::Intended,
        "succeeded" => State::Succeeded,
        "declined" => State::Declined(stored.decline.clone().ok_or(BadItem::Unknown("decline"))?),
        "quarantined" => State::Quarantined(reason(stored).ok_or(BadItem::Unknown("reason"))?),
        _ => return Err(BadItem::Unknown("state")),
    })
}

fn reason(stored: &Stored) -> Option<Reason> {
    Some(match stored.reason.as_deref()? {
        "malformed" => Reason::Malformed,
        "conflicting_request" => Reason::ConflictingRequest,
        "refused" => Reason::Refused(stored.detail.clone()?),
        "poison" => Reason::Poison,
        "canceled_elsewhere" => Reason::CanceledElsewhere,
        "requires_capture" => Reason::RequiresCapture,
        "intent_mismatch" => Reason::IntentMismatch,
        other => Reason::Other(other.to_owned(), stored.detail.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_dynamodb::types::AttributeValue;

    fn item(others: &[(&str, AttributeValue)]) -> Item {
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let number = |value: u32| AttributeValue::N(value.to_string());
        let item = [
            ("payment_id", text("order-1")),
            ("amount", number(1999)),
            ("currency", text("eur")),
            ("payment_method", text("pm_card_visa")),
            ("stripe_version", text("2026-08-26.dahlia")),
            ("create_form", text(r#"[["amount","1999"]]"#)),
            ("confirm_form", text("[]")),
            ("state", text("received")),
            ("create_generation", number(3)),
            ("attempts", number(5)),
            ("version", number(7)),
            ("received_at", number(11)),
            ("enqueued_at", number(13)),
        ];
        let item = item.into_iter().chain(others.iter().map(|(name, value)| (*name, value.clone())));
        item.map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn text(value: &str) -> AttributeValue {
        AttributeValue::S(value.to_owned())
    }

    #[test]
    fn what_only_a_newer_version_knows_does_not_keep_an_older_one_from_reading() {
        let open = AttributeValue::Ss(vec!["1000:message-1".to_owned(), "of the future".to_owned()]);
        let row =
            read(item(&[("last_error", text("a_cause_of_the_future")), ("open", open), ("more", text("x"))]));
        let row = row.expect("it is read");
        assert_eq!((row.last_error, row.open.len(), row.attempts), (None, 1, 5));
        let quarantined =
            [("state", text("quarantined")), ("reason", text("of_the_future")), ("detail", text("d"))];
        let row = read(item(&quarantined)).expect("it is read");
        assert_eq!(
            row.state,
            State::Quarantined(Reason::Other("of_the_future".to_owned(), Some("d".to_owned())))
        );
        let declined = AttributeValue::M(HashMap::from([
            ("code".to_owned(), text("card_declined")),
            ("since".to_owned(), text("later")),
        ]));
        let row = read(item(&[("state", text("declined")), ("decline", declined)])).expect("it is read");
        assert_eq!(row.state.name(), "declined");
    }

    #[test]
    fn what_decides_over_money_is_refused_where_it_is_not_understood() {
        for (field, value) in [("state", "halfway"), ("create_form", "amount=1999"), ("confirm_form", "{}")] {
            let error = read(item(&[(field, text(value))])).expect_err(field);
            assert!(error.to_string().contains(field), "{field}: {error}");
        }
    }
}
