//! What is left of a world when its time stops: queues and ledger, read once.
//!
//! Invariant: reading changes nothing that a check could see.

use super::{LedgerRow, WorldError};
use crate::cloud::config::QueueConfig;
use crate::cloud::dynamodb::AttributeValue;
use crate::cloud::services::Services;
use crate::cloud::sqs::Held;
use payments::UnixMs;
use std::collections::BTreeMap;

/// What every queue holds.
pub(super) fn queues<'a>(
    services: &Services,
    configs: impl Iterator<Item = &'a QueueConfig>,
    now: UnixMs,
) -> Result<BTreeMap<String, Vec<Held>>, WorldError> {
    let held = |config: &QueueConfig| Ok((config.name.clone(), services.sqs().messages(&config.name, now)?));
    configs.map(held).collect::<Result<_, _>>().map_err(|error: crate::cloud::sqs::SqsError| {
        WorldError::Harness(format!("a queue cannot be read: {error}"))
    })
}

/// The item beside the rows that says when a payment last came through.
const PULSE: &str = "~pulse";

/// Every row of the ledger, by payment id.
pub(super) fn ledger(services: &Services, table: &str) -> Result<Vec<LedgerRow>, WorldError> {
    let rows = services
        .dynamodb()
        .read(table, |item| ledger_row(&item))
        .map_err(|error| WorldError::Harness(format!("the ledger cannot be read: {error}")))?;
    Ok(rows.into_iter().flatten().collect())
}

/// A row of the ledger, out of its item; nothing of an item that is none.
pub(crate) fn ledger_row(item: &BTreeMap<String, AttributeValue>) -> Option<LedgerRow> {
    Some(row(item)).filter(|row| row.payment != PULSE)
}

fn row(item: &BTreeMap<String, AttributeValue>) -> LedgerRow {
    let text_in = |value: Option<&AttributeValue>| match value {
        Some(AttributeValue::S(text)) => Some(text.clone()),
        _ => None,
    };
    let text = |name: &str| text_in(item.get(name));
    let number = |name: &str| match item.get(name) {
        Some(AttributeValue::N(digits)) => digits.parse::<i64>().ok(),
        _ => None,
    };
    let of_decline = |name: &str| match item.get("decline") {
        Some(AttributeValue::M(decline)) => text_in(decline.get(name)),
        _ => None,
    };
    let counter = |name: &str| number(name).and_then(|count| u64::try_from(count).ok()).unwrap_or(0);
    LedgerRow {
        payment: text("payment_id").unwrap_or_default(),
        state: text("state").unwrap_or_default(),
        version: counter("version"),
        intent: text("intent_id"),
        amount_minor: number("amount"),
        currency: text("currency"),
        code: of_decline("code"),
        decline_code: of_decline("decline_code"),
        reason: text("reason"),
        received_at: number("received_at").map(UnixMs),
        fingerprint: text("fingerprint"),
        quarantine_message: text("quarantine_message_id"),
        create_generation: counter("create_generation"),
        is_at_risk: item.contains_key("unsettled"),
        settled_at: number("settled_at").map(UnixMs),
        expires_at_s: number("expires_at"),
    }
}
