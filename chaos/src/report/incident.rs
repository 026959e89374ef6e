//! The story of an incident: alarms, mails, canaries and move tasks, each at its instant.
//!
//! Invariant: an alarm that finds out for the first time that all is well is no news.

use super::story::Told;
use crate::checks::Evidence;
use crate::journal::{AlarmChanged, Event, MoveTaskEvent, QueueEvent, StateValue, TopicEvent};
use crate::units::counted;
use payments::UnixMs;

/// Dead letters that are sent back within so long of each other are one canary, ms.
const CANARY_MS: i64 = 5_000;

pub(super) fn lines(evidence: &Evidence<'_>) -> Vec<Told> {
    let mut lines: Vec<Told> = evidence
        .history
        .records
        .iter()
        .filter_map(|record| text(evidence, &record.event).map(|text| Told { at: record.at, text }))
        .collect();
    let mails = evidence.history.mails.iter();
    lines.extend(mails.map(|mail| Told { at: mail.at, text: format!("mail: {}", mail.subject) }));
    lines.extend(canaries(evidence));
    lines
}

fn text(evidence: &Evidence<'_>, event: &Event) -> Option<String> {
    if let Event::Alarm(AlarmChanged { alarm, from, to, .. }) = event {
        let name = evidence.history.alerted.alarms.get(alarm).unwrap_or(alarm);
        return ((*from, *to) != (StateValue::InsufficientData, StateValue::Ok))
            .then(|| format!("alarm {name}: {to}"));
    } else if let Event::MoveTask(MoveTaskEvent::Started { to_move, .. }) = event {
        return Some(format!("a move task starts: {} to send back", counted(*to_move, "dead letter")));
    } else if let Event::MoveTask(MoveTaskEvent::Ended { status, moved, .. }) = event {
        let how = status.name().to_ascii_lowercase();
        return Some(format!("the move task is {how}: {} sent back", counted(*moved, "dead letter")));
    } else if let Event::Topic(TopicEvent::SubscriptionDisabled { endpoint, .. }) = event {
        return Some(format!("SNS stops to mail {endpoint}: too many mails in one second"));
    }
    None
}

/// Dead letters that the responder sent back by hand.
fn canaries(evidence: &Evidence<'_>) -> Vec<Told> {
    let mut groups: Vec<(UnixMs, u64)> = Vec::new();
    for at in sent_back(evidence) {
        match groups.last_mut() {
            Some((first, letters)) if at.since_ms(*first) < CANARY_MS => *letters += 1,
            Some(_) | None => groups.push((at, 1)),
        }
    }
    let told = |(at, letters)| Told {
        at,
        text: format!("a canary: {} sent back first", counted(letters, "dead letter")),
    };
    groups.into_iter().map(told).collect()
}

/// When each of them was.
pub(super) fn sent_back<'e>(evidence: &'e Evidence<'_>) -> impl Iterator<Item = UnixMs> + 'e {
    evidence.history.records.iter().filter_map(|record| {
        if let Event::Queue(QueueEvent::Sent { queue, message, .. }) = &record.event
            && *queue == evidence.history.names.source
            && evidence.identities.before(message).is_some()
        {
            return Some(record.at);
        }
        None
    })
}
