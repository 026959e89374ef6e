//! The responder's records, as the journal tells of them.
//!
//! Invariant: nothing is concluded here, and a record that cannot be read is in the journal as one whose mail nobody can
//! have sent.

use super::Row;
use crate::journal::{Letter, TableEvent};
use crate::records::{Mail, Outbox, Unreadable, outbox};
use dynoxide::AttributeValue;
use payments::UnixMs;

/// Key attribute of the records.
const KEY: &str = "record";

/// A save of one of the records; nothing for any other item.
pub(super) fn saved(item: &Row, request: &str) -> Option<TableEvent> {
    let text = |name: &str| match item.get(name) {
        Some(AttributeValue::S(text)) => Some(text.as_str()),
        _ => None,
    };
    let version = match item.get("version") {
        Some(AttributeValue::N(digits)) => digits.parse().ok()?,
        _ => return None,
    };
    let (record, body) = (text(KEY)?, text("body")?);
    let pending = outbox(record, body)?.map_or_else(unreadable, letters);
    Some(TableEvent::IncidentSaved {
        request: request.to_owned(),
        record: record.to_owned(),
        phase: text("phase").unwrap_or_default().to_owned(),
        version,
        pending,
    })
}

fn letters(outbox: Outbox) -> Vec<Letter> {
    let letter = |mail: Mail| Letter {
        number: mail.number,
        tells: mail.letter.tells(),
        claimed_at: mail.claimed_at,
        stands_for: mail.late.map(|late| late.mails),
    };
    outbox.pending.into_iter().map(letter).collect()
}

/// A mail that is never sent, so that no check passes over it.
fn unreadable(error: Unreadable) -> Vec<Letter> {
    vec![Letter { number: u64::MAX, tells: error.to_string(), claimed_at: UnixMs(0), stands_for: None }]
}
