//! Stripe's events are never believed: an invocation that they lead to settles a row only after Stripe told it, in answer to
//! a call of its own, what it then writes; it writes nothing else, makes and confirms nothing, and asks no more than a
//! look-up and a fence for each event.
//!
//! True and forged events are held to the same: that one was true does not excuse whoever took its word.
//! Invariant: one pass over the journal in order; what is an invocation of that kind follows from the queue that its
//! messages were received from.

use super::evidence::Evidence;
use super::{Finding, Verdict};
use crate::journal::{Event, FunctionEvent, Operation, QueueEvent, StripeEvent, TableEvent};
use crate::units::counted;
use std::collections::{BTreeMap, BTreeSet};

/// Calls that one event may lead to: a look-up, and a cancel.
const CALLS_PER_EVENT_MAX: u64 = 2;

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let watch = watched(evidence);
    let (heard, settled) = (watch.heard.len() as u64, watch.settled);
    Verdict::from_findings(watch.findings, || match watch.queue {
        None => "nobody listens to any".to_owned(),
        Some(_) => {
            format!("{} heard, {} settled after a look-up", counted(heard, "event"), counted(settled, "row"))
        }
    })
}

/// Requests of invocations that events led to.
pub(super) fn requests<'h>(evidence: &Evidence<'h>) -> BTreeSet<&'h str> {
    watched(evidence).looks.into_keys().collect()
}

fn watched<'h>(evidence: &Evidence<'h>) -> Watch<'h> {
    let mut watch = Watch { queue: evidence.history.names.stripe_events.as_deref(), ..Watch::default() };
    for record in &evidence.history.records {
        match &record.event {
            Event::Queue(QueueEvent::Received { queue, message, .. }) if Some(&**queue) == watch.queue => {
                watch.heard.insert(message);
            }
            Event::Function(FunctionEvent::Invoked { request, messages, .. }) => {
                watch.invoked(request, messages)
            }
            Event::Stripe(StripeEvent::Called { request, operation, payment, said, .. }) => {
                watch.called(request, *operation, payment.as_deref(), said.as_deref());
            }
            Event::Table(TableEvent::LedgerWritten { request, payment, state, .. }) => {
                watch.written(request, payment, state);
            }
            Event::Queue(_)
            | Event::MoveTask(_)
            | Event::Topic(_)
            | Event::Function(_)
            | Event::Stripe(_)
            | Event::Table(_)
            | Event::Alarm(_)
            | Event::Bus(_)
            | Event::Pipe(_)
            | Event::Edge(_)
            | Event::Fault(_)
            | Event::Access(_) => {}
        }
    }
    watch
}

#[derive(Default)]
struct Watch<'h> {
    queue: Option<&'h str>,
    /// Events that were received, by the id of their message.
    heard: BTreeSet<&'h str>,
    /// Invocations that they led to.
    looks: BTreeMap<&'h str, Look<'h>>,
    settled: u64,
    findings: Vec<Finding>,
}

/// One invocation.
#[derive(Default)]
struct Look<'h> {
    events: u64,
    calls: u64,
    /// What Stripe said last of each payment.
    said: BTreeMap<&'h str, &'h str>,
}

impl<'h> Watch<'h> {
    fn invoked(&mut self, request: &'h str, messages: &'h [String]) {
        let events = messages.iter().filter(|message| self.heard.contains(message.as_str())).count() as u64;
        if events > 0 {
            self.looks.insert(request, Look { events, ..Look::default() });
        }
    }

    fn called(
        &mut self,
        request: &'h str,
        operation: Operation,
        payment: Option<&'h str>,
        said: Option<&'h str>,
    ) {
        let (Some(look), Some(payment)) = (self.looks.get_mut(request), payment) else { return };
        look.calls += 1;
        if !matches!(operation, Operation::Retrieve | Operation::Cancel) {
            let what = format!("an event led to a {operation}");
            self.findings.push(Finding::payment(payment, what));
        } else if look.calls > look.events * CALLS_PER_EVENT_MAX {
            let events = counted(look.events, "event");
            self.findings.push(Finding::payment(payment, format!("{events} led to {} calls", look.calls)));
        }
        look.said.extend(said.map(|said| (payment, said)));
    }

    fn written(&mut self, request: &'h str, payment: &'h str, state: &'h str) {
        let Some(look) = self.looks.get(request) else { return };
        let said = look.said.get(payment).copied();
        // A cancel that is refused brings the intent along.
        let is_proved = match (state, said) {
            ("succeeded", Some(said)) => matches!(said, "succeeded" | "payment_intent_unexpected_state"),
            ("declined", Some(said)) => matches!(said, "canceled" | "payment_intent_unexpected_state"),
            _ => false,
        };
        if is_proved {
            self.settled += 1;
        } else {
            let said = said
                .map_or_else(|| "without a look-up".to_owned(), |said| format!("after Stripe said {said}"));
            self.findings
                .push(Finding::payment(payment, format!("an event led to a row that says {state}, {said}")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{EVENTS, ORDER, Tale, body};
    use super::*;

    /// `order-1` has an intent, and one of Stripe's events is taken by an invocation of its own.
    fn heard() -> Tale {
        let mut tale = Tale::new();
        let message = tale.send(&body(ORDER, 1999));
        tale.receive(&message);
        tale.write(ORDER, "received");
        tale.call(ORDER, Operation::Create, Some(200), None);
        tale.write(ORDER, "intended");
        tale.history().names.stripe_events = Some(EVENTS.to_owned());
        tale.hear("e-1");
        tale
    }

    fn wrong(tale: Tale) -> Vec<String> {
        tale.found_by(check)
    }

    #[test]
    fn what_was_looked_up_may_be_settled() {
        for (operation, said, state) in [
            (Operation::Retrieve, "succeeded", "succeeded"),
            (Operation::Cancel, "payment_intent_unexpected_state", "succeeded"),
            (Operation::Cancel, "canceled", "declined"),
        ] {
            let mut tale = heard();
            tale.call_saying(ORDER, operation, said);
            tale.write(ORDER, state);
            assert_eq!(wrong(tale), Vec::<String>::new(), "{state} after {said}");
        }
    }

    #[test]
    fn what_was_not_looked_up_or_seen_otherwise_may_not() {
        for state in ["succeeded", "declined", "quarantined"] {
            let mut tale = heard();
            tale.write(ORDER, state);
            assert_eq!(wrong(tale), [format!("an event led to a row that says {state}, without a look-up")]);
        }
        let mut tale = heard();
        tale.call_saying(ORDER, Operation::Retrieve, "processing");
        tale.write(ORDER, "succeeded");
        assert_eq!(wrong(tale), ["an event led to a row that says succeeded, after Stripe said processing"]);
        let mut tale = heard();
        tale.call_saying("order-2", Operation::Retrieve, "succeeded");
        tale.write(ORDER, "succeeded");
        assert_eq!(wrong(tale), ["an event led to a row that says succeeded, without a look-up"]);
    }

    #[test]
    fn an_event_neither_makes_nor_confirms_nor_asks_again_and_again() {
        for operation in [Operation::Create, Operation::Confirm] {
            let mut tale = heard();
            tale.call_saying(ORDER, operation, "succeeded");
            assert_eq!(wrong(tale), [format!("an event led to a {operation}")]);
        }
        let mut tale = heard();
        for _ in 0..3 {
            tale.call_saying(ORDER, Operation::Retrieve, "processing");
        }
        assert_eq!(wrong(tale), ["1 event led to 3 calls"]);
    }

    #[test]
    fn what_a_delivery_does_is_no_matter_of_events() {
        let mut tale = Tale::of_one_good_payment();
        tale.history().names.stripe_events = Some(EVENTS.to_owned());
        assert_eq!(wrong(tale), Vec::<String>::new());
    }
}
