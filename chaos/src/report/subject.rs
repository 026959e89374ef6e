//! The story of one payment or message: its events, in order.
//!
//! Invariant: an event is in it when it names the payment, one of its messages, or an invocation that had one.

use super::events;
use super::story::Told;
use crate::checks::{Evidence, Identities, Subject};
use crate::journal::{Event, FunctionEvent, PipeEvent, QueueEvent, Record, StripeEvent, TableEvent};
use crate::units::count;
use std::collections::{BTreeMap, BTreeSet};

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
    Stories::of(evidence, std::slice::from_ref(subject)).told(0)
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

/// The events of many subjects, found in one walk of the journal.
pub(super) struct Stories<'e> {
    followed: Followed<'e>,
    /// Of each subject, in order.
    records: Vec<Vec<&'e Record>>,
}

impl<'e> Stories<'e> {
    /// Those of `subjects`; a subject is known by its place among them.
    pub(super) fn of(evidence: &'e Evidence<'_>, subjects: &'e [Subject]) -> Self {
        let mut followed = Followed::of(evidence, subjects);
        let mut records: Vec<Vec<&Record>> = vec![Vec::new(); subjects.len()];
        for record in &evidence.history.records {
            for place in followed.concerned(&record.event) {
                records[place].push(record);
            }
        }
        Self { followed, records }
    }

    /// What happened to one of them.
    pub(super) fn records(&self, place: usize) -> &[&'e Record] {
        &self.records[place]
    }

    /// The same in words.
    pub(super) fn told(&self, place: usize) -> Vec<Told> {
        let mine = |id: &str| self.followed.of_message(id).contains(&place);
        let told = |record: &&Record| Told { at: record.at, text: events::words(&record.event, &mine) };
        self.records(place).iter().map(told).collect()
    }
}

/// Who is followed, by their places among the subjects.
struct Followed<'e> {
    identities: &'e Identities<'e>,
    payments: BTreeMap<&'e str, usize>,
    /// By the id that a message was sent with, and by those of its copies in quarantine.
    messages: BTreeMap<&'e str, BTreeSet<usize>>,
    /// Invocations that had one of the messages.
    requests: BTreeMap<&'e str, BTreeSet<usize>>,
}

impl<'e> Followed<'e> {
    fn of(evidence: &'e Evidence<'_>, subjects: &'e [Subject]) -> Self {
        let mut followed = Self {
            identities: &evidence.identities,
            payments: BTreeMap::new(),
            messages: BTreeMap::new(),
            requests: BTreeMap::new(),
        };
        for (place, subject) in subjects.iter().enumerate() {
            match subject {
                Subject::Run => {}
                Subject::Message(id) => followed.follow(evidence, id, place),
                Subject::Payment(id) => {
                    followed.payments.insert(id, place);
                    let messages = evidence.payments.get(id).map(|file| file.messages.as_slice());
                    messages.into_iter().flatten().for_each(|id| followed.follow(evidence, id, place));
                }
            }
        }
        followed
    }

    fn follow(&mut self, evidence: &'e Evidence<'_>, message: &'e str, place: usize) {
        let copies = evidence.messages.get(message).map(|message| message.copies.as_slice());
        let copies = copies.into_iter().flatten().map(|copy| copy.content.id.as_str());
        for id in copies.chain([message]) {
            self.messages.entry(id).or_default().insert(place);
        }
    }

    /// Whose a message is, whatever its id became.
    fn of_message(&self, id: &str) -> &BTreeSet<usize> {
        const NOBODY: &BTreeSet<usize> = &BTreeSet::new();
        self.messages.get(self.identities.first(id)).unwrap_or(NOBODY)
    }

    /// Whom an event concerns.
    fn concerned(&mut self, event: &'e Event) -> BTreeSet<usize> {
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
            ) => self.of_message(message).clone(),
            Event::Function(event) => self.working_on(event),
            Event::Stripe(
                StripeEvent::Called { payment: Some(payment), .. }
                | StripeEvent::Acted { payment: Some(payment), .. }
                | StripeEvent::Told { payment: Some(payment), .. }
                | StripeEvent::Charged { payment, .. },
            )
            | Event::Table(
                TableEvent::LedgerWritten { payment, .. } | TableEvent::LedgerRefused { payment, .. },
            )
            | Event::Pipe(PipeEvent::GivenUp { payment, .. }) => self.of_payment(payment),
            Event::Pipe(PipeEvent::Told { detail, .. }) => {
                detail["payment_id"].as_str().map(|payment| self.of_payment(payment)).unwrap_or_default()
            }
            // What a fault did to the payment shows in the event it hit; of those who look there are too many.
            Event::Edge(_)
            | Event::Fault(_)
            | Event::Stripe(
                StripeEvent::Called { payment: None, .. }
                | StripeEvent::Acted { payment: None, .. }
                | StripeEvent::Told { payment: None, .. },
            )
            | Event::Table(TableEvent::IncidentSaved { .. })
            | Event::MoveTask(_)
            | Event::Topic(_)
            | Event::Alarm(_)
            | Event::Bus(_)
            | Event::Access(_) => BTreeSet::new(),
        }
    }

    fn of_payment(&self, payment: &str) -> BTreeSet<usize> {
        self.payments.get(payment).copied().into_iter().collect()
    }

    fn working_on(&mut self, event: &'e FunctionEvent) -> BTreeSet<usize> {
        match event {
            FunctionEvent::Invoked { request, messages, .. } => {
                let whose: BTreeSet<usize> =
                    messages.iter().flat_map(|message| self.of_message(message)).copied().collect();
                if !whose.is_empty() {
                    self.requests.entry(request).or_default().extend(&whose);
                }
                whose
            }
            FunctionEvent::Answered { request, .. } | FunctionEvent::Failed { request, .. } => {
                self.requests.get(request.as_str()).cloned().unwrap_or_default()
            }
            FunctionEvent::ContainerStarted { .. }
            | FunctionEvent::ContainerFailed { .. }
            | FunctionEvent::Dropped { .. }
            | FunctionEvent::Metrics { .. } => BTreeSet::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::a_bad_day;

    #[test]
    fn a_story_is_the_same_however_many_are_told() {
        let history = a_bad_day().told();
        let evidence = Evidence::of(&history);
        let subjects = ["order-1", "order-2"].map(|id| Subject::Payment(id.to_owned()));
        let subjects =
            [subjects[0].clone(), Subject::Run, subjects[1].clone(), Subject::Message("m-3".to_owned())];
        let stories = Stories::of(&evidence, &subjects);
        let lengths: Vec<usize> = (0..subjects.len()).map(|place| stories.records(place).len()).collect();
        assert_eq!(lengths, [12, 0, 4, 3]);
        for (place, subject) in subjects.iter().enumerate() {
            assert_eq!(stories.told(place), story(&evidence, subject), "{subject:?}");
        }
    }
}
