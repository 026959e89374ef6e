//! Where the protocol stood when a fault hit.
//!
//! A payment stands where its ledger row does, an incident where its record does. Both are followed through the journal.
//! Invariant: a state is that of the last write before the fault, never of one it may have lost.

use crate::journal::{Event, FunctionEvent, QueueEvent, StripeEvent, TableEvent};
use std::collections::BTreeMap;

/// A step of the charge protocol, or of the incident's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// The payment has no row.
    NoRow,
    /// Its row says received.
    Received,
    /// Intended: an intent is on record.
    Intended,
    /// Succeeded.
    Succeeded,
    /// Declined.
    Declined,
    /// Quarantined.
    Quarantined,
    /// There is no incident.
    Quiet,
    /// One was opened.
    Open,
    /// It waits for the provider.
    Waiting,
    /// Its canaries are out.
    Canary,
    /// A move task runs.
    Redriving,
    /// What was moved is being worked on.
    Draining,
    /// It is over, and somebody may not know yet.
    Resolved,
}

impl State {
    /// Every state, in the order they are listed in.
    pub const ALL: [Self; 13] = [
        Self::NoRow,
        Self::Received,
        Self::Intended,
        Self::Succeeded,
        Self::Declined,
        Self::Quarantined,
        Self::Quiet,
        Self::Open,
        Self::Waiting,
        Self::Canary,
        Self::Redriving,
        Self::Draining,
        Self::Resolved,
    ];

    /// Its name, as in the journal.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoRow => "no row",
            Self::Received => "received",
            Self::Intended => "intended",
            Self::Succeeded => "succeeded",
            Self::Declined => "declined",
            Self::Quarantined => "quarantined",
            Self::Quiet => "quiet",
            Self::Open => "open",
            Self::Waiting => "waiting",
            Self::Canary => "canary",
            Self::Redriving => "redriving",
            Self::Draining => "draining",
            Self::Resolved => "resolved",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// Follows a journal, and knows where everything stands.
#[derive(Debug, Default)]
pub(super) struct Follower<'h> {
    rows: BTreeMap<&'h str, State>,
    /// The payment that each message asks for.
    messages: BTreeMap<&'h str, &'h str>,
    /// What each invocation last dealt with: a payment, or none yet.
    requests: BTreeMap<&'h str, Option<&'h str>>,
    recovery: Option<State>,
}

impl<'h> Follower<'h> {
    /// Takes note of an event.
    pub(super) fn see(&mut self, event: &'h Event) {
        if let Event::Queue(QueueEvent::Sent { message, payment: Some(payment), .. }) = event {
            self.messages.insert(message, payment);
            self.rows.entry(payment).or_insert(State::NoRow);
        } else if let Event::Queue(QueueEvent::Redriven { message, as_message, .. }) = event {
            if let Some(payment) = self.messages.get(message.as_str()).copied() {
                self.messages.insert(as_message, payment);
            }
        } else if let Event::Function(FunctionEvent::Invoked { request, messages, .. }) = event {
            let first = messages.first().and_then(|message| self.messages.get(message.as_str()));
            self.requests.insert(request, first.copied());
        } else if let Event::Table(TableEvent::LedgerWritten { request, payment, state, .. }) = event {
            self.requests.insert(request, Some(payment));
            self.rows.insert(payment, State::named(state).unwrap_or(State::NoRow));
        } else if let Event::Stripe(StripeEvent::Called { request, payment: Some(payment), .. }) = event {
            self.requests.insert(request, Some(payment));
        } else if let Event::Table(TableEvent::IncidentSaved { record, phase, .. }) = event
            && record == "recovery"
        {
            self.recovery = State::named(phase);
        }
    }

    /// Where that stands which a fault hit, as the journal names it: `confirm order-1`, `consumer REQUEST at hop 3`.
    pub(super) fn of(&self, on: &str) -> State {
        let row = on.split(' ').find_map(|word| self.row(word));
        row.or(self.recovery).unwrap_or(State::Quiet)
    }

    /// The row of the payment that an invocation dealt with, a message asks for, or that has this id itself.
    fn row(&self, id: &str) -> Option<State> {
        let of_request = || self.requests.get(id).copied().flatten();
        let payment = of_request().or_else(|| self.messages.get(id).copied()).unwrap_or(id);
        self.rows.get(payment).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(message: &str, payment: &str) -> Event {
        let (queue, message, payment) = ("payments".into(), message.into(), Some(payment.into()));
        Event::Queue(QueueEvent::Sent { queue, message, payment })
    }

    #[test]
    fn a_fault_hits_a_payment_where_its_row_stands() {
        let written = |state: &str| {
            Event::Table(TableEvent::LedgerWritten {
                request: "r-1".into(),
                payment: "order-1".into(),
                state: state.into(),
                version: 1,
                intent: None,
            })
        };
        let events =
            [sent("m-1", "order-1"), sent("m-2", "order-2"), written("received"), written("intended")];
        let mut follower = Follower::default();
        events.iter().for_each(|event| follower.see(event));
        let hit = ["confirm order-1", "consumer r-1 at hop 3", "m-1", "create order-2", "schedule e-1"];
        let stands = hit.map(|on| follower.of(on));
        use State::{Intended, NoRow, Quiet};
        assert_eq!(stands, [Intended, Intended, Intended, NoRow, Quiet]);
    }

    #[test]
    fn what_belongs_to_no_payment_stands_where_the_incident_does() {
        let saved = Event::Table(TableEvent::IncidentSaved {
            request: "r-9".into(),
            record: "recovery".into(),
            phase: "canary".into(),
            version: 3,
            pending: vec![],
        });
        let mut follower = Follower::default();
        follower.see(&saved);
        assert_eq!(follower.of("responder r-9 at hop 2"), State::Canary);
    }
}
