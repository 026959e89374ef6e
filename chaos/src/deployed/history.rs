//! A run's history, made of what was seen of it from outside.
//!
//! Invariant: every event in it was seen or said by somebody; none is made up to please a check. What is missing for a
//! check is in the list of what was not seen.

use super::ground::Ground;
use super::lines::Line;
use super::seen::{Letter, Seen};
use super::witness;
use crate::journal::{Event, QueueEvent, Record, TableEvent};
use crate::world::{Audited, History, LedgerRow, Names, Target};
use payments::payment::Body;
use payments::{Payment, UnixMs};
use std::collections::{BTreeMap, BTreeSet};

/// How a writer is called whom nobody saw.
const SOMEBODY: &str = "seen";
/// Receives after which SQS moves a message aside; as the template says it.
const RECEIVES: u32 = 5;

/// The payment that a body asks for.
pub(super) fn payment(body: &str) -> Option<Payment> {
    match Body::parse(body) {
        Ok(Body::Payment(payment)) => Some(payment),
        Ok(Body::Drill(_)) | Err(_) => None,
    }
}

/// The history of what was seen on this ground.
pub(super) fn made(seen: Seen, ground: &Ground) -> History {
    let names = ground.names.clone();
    let records = records(&seen, &names);
    let Seen { began, ended, ending, sent, refused, mails, book, faults, ledger, queues, gaps, .. } = seen;
    History {
        experiment: ground.experiment.clone(),
        target: Target::Deployed,
        seed: ground.seed,
        began,
        ended,
        ending,
        sent,
        refused,
        records,
        book,
        intents: Vec::new(),
        ledger: ledger.into_iter().map(|(row, _)| row).collect(),
        queues,
        mails,
        audited: Audited::ByNobody,
        given: Vec::new(),
        sdk_calls: 0,
        grants: BTreeSet::new(),
        faults,
        invocations: Vec::new(),
        turns: Vec::new(),
        alerted: ground.alerted.clone(),
        edge: None,
        unseen: witness::unseen(&gaps),
        names,
    }
}

/// The journal, in order of time.
fn records(seen: &Seen, names: &Names) -> Vec<Record> {
    let mut records: Vec<Record> = seen.records.iter().chain(&seen.calls).cloned().collect();
    let mut note = |at: UnixMs, event: Event| records.push(Record { at, event });
    for sent in &seen.sent {
        let payment = payment(&sent.body).map(|payment| payment.payment_id.to_string());
        let (queue, message) = (names.source.clone(), sent.message.clone());
        note(sent.at, QueueEvent::Sent { queue, message, payment }.into());
    }
    for (at, event) in deliveries(seen, names) {
        note(at, event.into());
    }
    for (at, letter) in &seen.letters {
        let (from, to) = (names.source.clone(), names.dead_letters.clone());
        let event = match letter {
            Letter::Came(message) => {
                QueueEvent::DeadLettered { from, to, message: message.clone(), receives: RECEIVES }
            }
            Letter::Went(message) => QueueEvent::Deleted { queue: to, message: message.clone() },
        };
        note(*at, event.into());
    }
    for copy in seen.queues.get(&names.quarantine).into_iter().flatten() {
        let (queue, message) = (names.quarantine.clone(), copy.content.id.clone());
        let payment = payment(&copy.content.body).map(|payment| payment.payment_id.to_string());
        note(copy.content.sent_at, QueueEvent::Sent { queue, message, payment }.into());
    }
    for (row, received_at) in &seen.ledger {
        for (at, event) in writes(row, *received_at, seen.ended) {
            note(at, event.into());
        }
    }
    for (at, phase, version) in &seen.phases {
        let (request, record) = (SOMEBODY.to_owned(), "recovery".to_owned());
        let (phase, version, pending) = (phase.clone(), *version, Vec::new());
        note(*at, TableEvent::IncidentSaved { request, record, phase, version, pending }.into());
    }
    records.sort_by_key(|record| record.at);
    records
}

/// Deliveries, from the consumer's log, each under the id that its message was sent with. A payment that is settled needs
/// its message no more, whether or not its line was written.
fn deliveries(seen: &Seen, names: &Names) -> Vec<(UnixMs, QueueEvent)> {
    let first = firsts(seen);
    let mut events = Vec::new();
    let mut acknowledged = BTreeSet::new();
    for line in &seen.lines {
        let Some(message) = of_run(line, seen, &first) else { continue };
        let (queue, message) = (names.source.clone(), message.to_owned());
        let received =
            QueueEvent::Received { queue: queue.clone(), message: message.clone(), receives: line.receives };
        events.push((line.at, received));
        if line.is_acknowledged {
            acknowledged.insert(message.clone());
            events.push((line.at, QueueEvent::Deleted { queue, message }));
        }
    }
    let settled =
        seen.ledger.iter().filter_map(|(row, _)| Some((row.settled_at?, first.get(row.payment.as_str())?)));
    for (at, messages) in settled {
        let silent = messages.iter().filter(|message| !acknowledged.contains(**message));
        let gone = silent.map(|message| {
            let (queue, message) = (names.source.clone(), (*message).to_owned());
            (at, QueueEvent::Deleted { queue, message })
        });
        events.extend(gone.collect::<Vec<_>>());
    }
    events
}

/// The messages of each payment, in the order they were sent.
pub(super) fn firsts(seen: &Seen) -> BTreeMap<String, Vec<&str>> {
    let mut firsts: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for sent in &seen.sent {
        if let Some(payment) = payment(&sent.body) {
            firsts.entry(payment.payment_id.to_string()).or_default().push(&sent.message);
        }
    }
    firsts
}

/// The message of this run that a line is about. One that was moved back has another id, and the same payment.
fn of_run<'s>(line: &'s Line, seen: &'s Seen, firsts: &BTreeMap<String, Vec<&'s str>>) -> Option<&'s str> {
    let by_id = seen.sent.iter().map(|sent| sent.message.as_str()).find(|id| *id == line.message);
    by_id.or_else(|| firsts.get(line.payment.as_deref()?)?.first().copied())
}

/// What a row says of its own past: when it was first written, and when it was settled.
fn writes(row: &LedgerRow, received_at: UnixMs, ended: UnixMs) -> Vec<(UnixMs, TableEvent)> {
    let written = |state: &str, version: u64, intent: Option<String>| TableEvent::LedgerWritten {
        request: SOMEBODY.to_owned(),
        payment: row.payment.clone(),
        state: state.to_owned(),
        version,
        intent,
    };
    let is_new = row.state == "received" && row.version == 0;
    let first = (received_at, written("received", 0, None));
    let last = (row.settled_at.unwrap_or(ended), written(&row.state, row.version, row.intent.clone()));
    if is_new { vec![first] } else { vec![first, last] }
}
