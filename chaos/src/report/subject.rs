//! The story of one payment or message: its events, in order.
//!
//! Invariant: an event is in it when it names the payment, one of its messages, or an invocation that had one.

use super::events;
use super::story::Told;
use crate::checks::{Evidence, Subject};
use crate::journal::{Event, FunctionEvent, QueueEvent, StripeEvent, TableEvent};
use crate::units::count;
use std::collections::BTreeSet;

/// Longest story that is told whole; of a longer one the beginning and the end.
const LINES_MAX: usize = 60;

/// What a subject is called.
pub(super) fn name(subject: &Subject) -> &str {
    match subject {
        Subject::Payment(id) | Subject::Message(id) => id,
        Subject::Run => "the run",
    }
}

/// Every event of a subject; none for the run as a whole.
pub(super) fn story(evidence: &Evidence<'_>, subject: &Subject) -> Vec<Told> {
    let mut followed = match subject {
        Subject::Run => return Vec::new(),
        Subject::Payment(id) => Followed {
            payment: Some(id),
            messages: evidence
                .payments
                .get(id)
                .map(|file| file.messages.iter().copied().collect())
                .unwrap_or_default(),
            requests: BTreeSet::new(),
        },
        Subject::Message(id) => {
            Followed { payment: None, messages: BTreeSet::from([id.as_str()]), requests: BTreeSet::new() }
        }
    };
    let copies = followed.messages.iter().filter_map(|id| evidence.messages.get(id));
    let copies: Vec<&str> =
        copies.flat_map(|message| &message.copies).map(|copy| copy.content.id.as_str()).collect();
    followed.messages.extend(copies);
    let later: Vec<&str> = followed.messages.iter().flat_map(|id| evidence.identities.later(id)).collect();
    followed.messages.extend(later);
    let mut lines = Vec::new();
    for record in &evidence.history.records {
        if followed.concerns(&record.event) {
            let text = events::words(&record.event, &|id| followed.messages.contains(id));
            lines.push(Told { at: record.at, text });
        }
    }
    lines
}

/// At most [`LINES_MAX`] lines, with a note about those left out.
pub(super) fn shortened(mut lines: Vec<Told>) -> Vec<Told> {
    if lines.len() > LINES_MAX {
        let ending = lines.split_off(lines.len() - LINES_MAX / 2);
        let left_out = lines.split_off(LINES_MAX / 2);
        let text = format!("… {} more events, in the journal …", count(left_out.len() as u64));
        lines.push(Told { at: left_out[0].at, text });
        lines.extend(ending);
    }
    lines
}

struct Followed<'a> {
    payment: Option<&'a str>,
    messages: BTreeSet<&'a str>,
    /// Invocations that had one of the messages.
    requests: BTreeSet<&'a str>,
}

impl<'a> Followed<'a> {
    fn concerns(&mut self, event: &'a Event) -> bool {
        match event {
            Event::Queue(
                QueueEvent::Sent { message, .. }
                | QueueEvent::Received { message, .. }
                | QueueEvent::VisibilityChanged { message, .. }
                | QueueEvent::Deleted { message, .. }
                | QueueEvent::DeadLettered { message, .. }
                | QueueEvent::Expired { message, .. }
                | QueueEvent::Purged { message, .. }
                | QueueEvent::Redriven { message, .. },
            ) => self.messages.contains(message.as_str()),
            Event::Function(event) => self.works_on_it(event),
            Event::Stripe(StripeEvent::Called { payment, .. } | StripeEvent::Acted { payment, .. }) => {
                payment.is_some() && payment.as_deref() == self.payment
            }
            Event::Stripe(StripeEvent::Charged { payment, .. })
            | Event::Table(
                TableEvent::LedgerWritten { payment, .. } | TableEvent::LedgerRefused { payment, .. },
            ) => Some(payment.as_str()) == self.payment,
            // What a fault did to the payment shows in the event it hit.
            Event::Fault(_)
            | Event::Table(TableEvent::IncidentSaved { .. })
            | Event::MoveTask(_)
            | Event::Topic(_)
            | Event::Alarm(_)
            | Event::Bus(_)
            | Event::Access(_) => false,
        }
    }

    fn works_on_it(&mut self, event: &'a FunctionEvent) -> bool {
        match event {
            FunctionEvent::Invoked { request, messages, .. } => {
                let mine = messages.iter().any(|message| self.messages.contains(message.as_str()));
                if mine {
                    self.requests.insert(request);
                }
                mine
            }
            FunctionEvent::Answered { request, .. } | FunctionEvent::Failed { request, .. } => {
                self.requests.contains(request.as_str())
            }
            FunctionEvent::ContainerStarted { .. }
            | FunctionEvent::ContainerFailed { .. }
            | FunctionEvent::Dropped { .. }
            | FunctionEvent::Metrics { .. } => false,
        }
    }
}
