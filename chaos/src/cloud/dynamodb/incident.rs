//! The responder's records, as the journal tells of them.
//!
//! Invariant: nothing is concluded here; what a record says is read with the responder's own types.

use super::Row;
use crate::journal::{Event, Letter};
use dynoxide::AttributeValue;
use payments::audit::{Audit, Story};
use payments::incident::{self, Mail, Notice, NoticeFacts, NoticeKind, Outbox, Recovery};
use serde_json::{Value, json};

/// Key attribute of the records.
const KEY: &str = "record";

/// A save of one of the records; nothing for any other item.
pub(super) fn saved(item: &Row, request: &str) -> Option<Event> {
    let text = |name: &str| match item.get(name) {
        Some(AttributeValue::S(text)) => Some(text.as_str()),
        _ => None,
    };
    let version = match item.get("version") {
        Some(AttributeValue::N(digits)) => digits.parse().ok()?,
        _ => return None,
    };
    let (record, body) = (text(KEY)?, text("body")?);
    let outbox = match record {
        "recovery" => serde_json::from_str::<Recovery>(body).ok()?.outbox,
        "quarantine" => serde_json::from_str::<Notice>(body).ok()?.outbox,
        "audit" => serde_json::from_str::<Audit>(body).ok()?.outbox,
        _ => return None,
    };
    Some(Event::IncidentSaved {
        request: request.to_owned(),
        record: record.to_owned(),
        phase: text("phase").unwrap_or_default().to_owned(),
        version,
        pending: letters(&outbox),
    })
}

fn letters(outbox: &Outbox) -> Vec<Letter> {
    let letter = |mail: &Mail| Letter {
        number: mail.number,
        tells: tells(&mail.letter),
        claimed_at: mail.claimed_at,
        stands_for: mail.late.map(|late| late.mails),
    };
    outbox.pending().iter().map(letter).collect()
}

/// When the audit began, so that two of them are told apart.
fn began(story: &Story) -> String {
    format!("of {}", story.round.began_at.0)
}

/// What a notice tells of, so that each tenfold and each reason is told once.
fn notice(kind: NoticeKind, facts: &NoticeFacts) -> serde_json::Result<Value> {
    let name = serde_json::to_value(kind)?;
    let of = match kind {
        NoticeKind::Grown => facts.told_size.to_string(),
        NoticeKind::NewReason => facts.new_causes.join(" and "),
        // What expires after that is told of again.
        NoticeKind::Expiring => facts.expires_at.map_or(0, |at| at.0).to_string(),
        NoticeKind::Opened | NoticeKind::Reminder | NoticeKind::Cleared => return Ok(name),
    };
    Ok(json!({ name.as_str().unwrap_or_default(): of }))
}

/// `opened`, or `escalated: redrive_is_yours`.
fn tells(letter: &incident::Letter) -> String {
    let kind = match letter {
        // Each tenfold is told once.
        incident::Letter::Recovery(kind @ incident::Kind::Grown, facts) => serde_json::to_value(kind)
            .map(|kind| json!({ kind.as_str().unwrap_or_default(): facts.waiting().to_string() })),
        incident::Letter::Recovery(kind, _) => serde_json::to_value(kind),
        incident::Letter::Quarantine(kind, facts) => notice(*kind, facts),
        // Every audit may tell the same, and each only once.
        incident::Letter::Audit(kind, story) => {
            serde_json::to_value(kind).map(|kind| json!({ kind.as_str().unwrap_or_default(): began(story) }))
        }
    };
    match kind {
        Ok(Value::String(name)) => name,
        Ok(Value::Object(fields)) => {
            let words =
                fields.iter().map(|(name, of)| format!("{name}: {}", of.as_str().unwrap_or_default()));
            words.collect()
        }
        Ok(_) | Err(_) => String::new(),
    }
}
