//! A ledger row as it is stored.
//!
//! The attribute names are a format that outlives every deployment: unknown attributes are ignored, and so is what they
//! say beyond what decides over money, so an older version can read what a newer one wrote.
//! Invariant: what is stored either reads back as exactly one row or is refused with the attribute that is wrong.

use super::{Blamed, OpenDelivery, Reason, Row, State};
use crate::cause::Cause;
use crate::payment::{Malformed, Payment};
use crate::provider::{ChargeId, Decline, IntentId};
use crate::request::{Form, Request, Wording};
use crate::suspicion::Refused;
use crate::time::UnixMs;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the database holds under a `payment_id`. It can be deserialized and in no other way be made.
#[derive(Debug, Deserialize)]
pub struct Stored {
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
    declined_charges: BTreeSet<ChargeId>,
    version: u64,
    received_at: UnixMs,
    enqueued_at: UnixMs,
    settled_at: Option<UnixMs>,
    quarantine_message_id: Option<String>,
}

/// What is stored is no row. Somebody else wrote to the table, or a newer version did.
#[derive(Debug, thiserror::Error)]
pub enum Unsound {
    /// The request in it is not a payment.
    #[error("ledger item holds no payment: {0}")]
    Payment(#[from] Malformed),
    /// A state or form that this version does not know.
    #[error("ledger item has an unknown {0}")]
    Unknown(&'static str),
}

impl Row {
    /// Reads a row back: the only way to have one.
    ///
    /// # Errors
    /// [`Unsound`] when what is stored is no row, or none that this version understands.
    pub fn read(stored: Stored) -> Result<Self, Unsound> {
        Ok(Self {
            state: state(&stored)?,
            open: stored.open.iter().filter_map(|text| OpenDelivery::parse(text)).collect(),
            last_error: stored.last_error.as_deref().and_then(Cause::parse),
            blamed: match stored.blamed.as_deref() {
                Some("payment") => Blamed::Payment,
                Some(_) | None => Blamed::Nobody,
            },
            set_aside: stored.set_aside.as_deref().and_then(Cause::parse),
            concluded: concluded(&stored),
            request: Arc::new(request(&stored)?),
            declined_charges: stored.declined_charges,
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
}

/// Of a declined row the decline is its state, and no longer a conclusion that waits to be written.
fn concluded(stored: &Stored) -> Option<Decline> {
    stored.decline.clone().filter(|_| stored.state != "declined")
}

fn request(stored: &Stored) -> Result<Request, Unsound> {
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
        create: form(&stored.create_form).ok_or(Unsound::Unknown("create_form"))?,
        confirm: form(&stored.confirm_form).ok_or(Unsound::Unknown("confirm_form"))?,
    };
    Ok(Request::new(Payment::parse(&body.to_string())?, Arc::new(wording)))
}

fn form(json: &str) -> Option<Form> {
    serde_json::from_str(json).ok()
}

fn state(stored: &Stored) -> Result<State, Unsound> {
    Ok(match stored.state.as_str() {
        "received" => State::Received,
        "intended" => State::Intended,
        "succeeded" => State::Succeeded,
        "declined" => State::Declined(stored.decline.clone().ok_or(Unsound::Unknown("decline"))?),
        "quarantined" => State::Quarantined(reason(stored).ok_or(Unsound::Unknown("reason"))?),
        _ => return Err(Unsound::Unknown("state")),
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
