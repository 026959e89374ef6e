//! What people were told: each letter the responder decided to write, and when it was published.
//!
//! A letter is decided when the record that holds it is saved. It is published by the turn that saved it, or by a later
//! one if that turn died; in the order in which they were decided.
//! Invariant: every publication of the responder belongs to one letter, repeats one for a reason, or is unaccounted for.

use crate::journal::Event;
use crate::world::History;
use payments::UnixMs;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// All letters of a run.
#[derive(Clone, Debug, Default)]
pub struct Letters<'h> {
    /// In the order they were decided.
    pub told: Vec<Told<'h>>,
    /// When something was published that nobody had decided, and its subject.
    pub unaccounted: Vec<(UnixMs, &'h str)>,
    /// Publications that repeated a letter, because the turn that had published it died before it noted that, or never
    /// heard of it.
    pub repeated: u64,
}

/// One letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told<'h> {
    /// `recovery` or `quarantine`.
    pub record: &'h str,
    /// The transition it tells of.
    pub tells: &'h str,
    /// When it was decided.
    pub decided: UnixMs,
    /// When it was published.
    pub published: Option<UnixMs>,
    /// Under which subject.
    pub subject: Option<&'h str>,
}

impl<'h> Letters<'h> {
    /// Reads the journal.
    #[must_use]
    pub fn of(history: &'h History) -> Self {
        let mut post = Post::default();
        for record in &history.records {
            post.read(&history.alerted.responder, record.at, &record.event);
        }
        post.letters
    }

    /// The letters of one record.
    pub fn of_record(&self, record: &str) -> impl Iterator<Item = &Told<'h>> {
        self.told.iter().filter(move |told| told.record == record)
    }

    /// From the mail that opened something to the one that closed it, if it was: `[from, until)`.
    #[must_use]
    pub fn open(&self, record: &str, closes: &str) -> Vec<(UnixMs, Option<UnixMs>)> {
        let mut spans: Vec<(UnixMs, Option<UnixMs>)> = Vec::new();
        for told in self.of_record(record) {
            if matches!(told.tells, "opened" | "flapping")
                && spans.last().is_none_or(|(_, until)| until.is_some())
            {
                spans.extend(told.published.map(|published| (published, None)));
            } else if told.tells == closes
                && let Some((_, until)) = spans.last_mut()
            {
                *until = Some(told.decided);
            }
        }
        spans
    }
}

#[derive(Default)]
struct Post<'h> {
    letters: Letters<'h>,
    /// Letters that were seen in an outbox, by record and number.
    seen: BTreeSet<(&'h str, u64)>,
    /// Letters not published yet, as indices.
    owed: VecDeque<usize>,
    /// Requests of the responder, and how often each published and knows that it did.
    requests: BTreeMap<&'h str, u64>,
    /// The request whose next publication SNS will not answer.
    unanswered: Option<&'h str>,
    /// Publications whose turn died afterwards, or never heard of them: they may be made once more.
    excused: u64,
}

impl<'h> Post<'h> {
    fn read(&mut self, responder: &Option<String>, at: UnixMs, event: &'h Event) {
        if let Event::Invoked { function, request, .. } = event
            && Some(function) == responder.as_ref()
        {
            self.requests.insert(request, 0);
        } else if let Event::IncidentSaved { record, pending, .. } = event {
            for letter in pending {
                if self.seen.insert((record, letter.number)) {
                    self.owed.push_back(self.letters.told.len());
                    let (tells, published, subject) = (&letter.tells, None, None);
                    self.letters.told.push(Told { record, tells, decided: at, published, subject });
                }
            }
        } else if let Event::Published { request: Some(request), subject, .. } = event {
            self.published(at, request, subject.as_deref().unwrap_or_default());
        } else if let Event::FaultFired { fault: "sns-failing", placement: Some("after"), on } = event {
            self.unanswered = Some(on);
        } else if let Event::Failed { request, .. } = event {
            self.excused += self.requests.get(request.as_str()).copied().unwrap_or(0);
        }
    }

    fn published(&mut self, at: UnixMs, request: &str, subject: &'h str) {
        let Some(by_request) = self.requests.get_mut(request) else { return };
        let was_answered = self.unanswered.take_if(|unanswered| *unanswered == request).is_none();
        *by_request += u64::from(was_answered);
        if let Some(told) = self.owed.pop_front() {
            let told = &mut self.letters.told[told];
            (told.published, told.subject) = (Some(at), Some(subject));
        } else if self.excused > 0 {
            self.excused -= 1;
            self.letters.repeated += 1;
        } else {
            self.letters.unaccounted.push((at, subject));
        }
        // It may be repeated; it excuses nothing that came before it.
        self.excused += u64::from(!was_answered);
    }
}
