//! A ledger row as DynamoDB stores it.
//!
//! The attribute names are a format that outlives every deployment: unknown attributes are ignored, and so is what they
//! say beyond what decides over money, so an older version can read what a newer one wrote.
//! Invariant: an item either reads back as exactly one row or is refused with the attribute that is wrong.

use payments::ledger::{OpenDelivery, Reason, Row, State};
use payments::provider::{Decline, IntentId};
use payments::request::{Form, Request, Wording};
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
        soft_declines: stored.soft_declines,
        request: Arc::new(request(&stored)?),
        intent_id: stored.intent_id,
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
