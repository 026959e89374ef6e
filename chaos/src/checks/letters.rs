//! What people were told: each letter the responder decided to write, and when it was published.
//!
//! A letter is decided when the record that holds it is saved. It is published by the turn that saved it, or by a later
//! one if that turn died; those of one record in the order in which they were decided. Where nothing can be published for
//! long, a later letter stands for those that were not: they are told when it is.
//! Invariant: every publication of the responder belongs to one letter, repeats one for a reason, or is unaccounted for.

use crate::journal::{Event, Letter};
use crate::world::{Alerted, History};
use payments::UnixMs;
use std::collections::{BTreeMap, BTreeSet};

/// What the subject of a mail says that needs somebody at once.
pub(super) const ACTION_NEEDED: &str = "ACTION NEEDED";

/// All letters of a run.
#[derive(Clone, Debug, Default)]
pub struct Letters<'h> {
    /// In the order they were decided.
    pub told: Vec<Told<'h>>,
    /// When something was published that nobody had decided, and its subject.
    pub unaccounted: Vec<(UnixMs, &'h str)>,
    /// When a letter was decided that says of another number of transitions that it stands for them than it does, and what
    /// it tells.
    pub misfolded: Vec<(UnixMs, &'h str)>,
    /// Letters that were told by one that stands for them.
    pub folded: u64,
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
    /// Whether it only says once more how things stand, for letters that could not be published.
    pub restates: bool,
    /// Which of [`Letters::told`] it stands for.
    stands_for: Vec<usize>,
}

impl<'h> Letters<'h> {
    /// Reads the journal.
    #[must_use]
    pub fn of(history: &'h History) -> Self {
        let mut post = Post::default();
        for record in &history.records {
            post.read(&history.alerted, record.at, &record.event);
        }
        post.letters
    }

    /// The letters of one record.
    pub fn of_record(&self, record: &str) -> impl Iterator<Item = &Told<'h>> {
        self.told.iter().filter(move |told| told.record == record)
    }

    /// Letters that no other stood for: each was published as it was written.
    pub fn by_themselves(&self) -> impl Iterator<Item = &Told<'h>> {
        let folded: BTreeSet<usize> =
            self.told.iter().flat_map(|told| told.stands_for.iter().copied()).collect();
        self.told.iter().enumerate().filter(move |(index, _)| !folded.contains(index)).map(|(_, told)| told)
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
    seen: BTreeMap<(&'h str, u64), usize>,
    /// What each record last held, by number.
    held: BTreeMap<&'h str, Vec<u64>>,
    /// Letters not published yet, as indices.
    owed: Vec<usize>,
    /// The record that each request saved last: what it publishes then is that record's.
    saved: BTreeMap<&'h str, &'h str>,
    /// Requests of the responder, and the letters that each published and knows of.
    requests: BTreeMap<&'h str, Vec<usize>>,
    /// The request whose next publication SNS will not answer.
    unanswered: Option<&'h str>,
    /// Letters that may be published once more.
    excused: Vec<Excuse<'h>>,
}

/// A letter whose turn died after it was published, or never heard of that. It is published again only while its record
/// holds it.
struct Excuse<'h> {
    told: usize,
    /// The request that took it out of its record: others do not know of it any more.
    taken_out_by: Option<&'h str>,
}

impl<'h> Post<'h> {
    fn read(&mut self, alerted: &Alerted, at: UnixMs, event: &'h Event) {
        if let Event::Invoked { function, request, .. } = event
            && Some(function) == alerted.responder.as_ref()
        {
            self.requests.insert(request, Vec::new());
        } else if let Event::IncidentSaved { request, record, pending, .. } = event {
            // A save beside it that leaves nothing to send, of an audit that was ordered, changes nothing of that.
            if !pending.is_empty() || !self.saved.contains_key(request.as_str()) {
                self.saved.insert(request, record);
            }
            self.held_by(request, record, pending, at);
        } else if let Event::Published { request: Some(request), topic, subject, .. } = event
            && Some(topic) == alerted.alerts.as_ref()
        {
            self.published(at, request, subject.as_deref().unwrap_or_default());
        } else if let Event::FaultFired { fault: "sns-failing", placement: Some("after"), on } = event {
            self.unanswered = Some(on);
        } else if let Event::Failed { request, .. } = event {
            let published = self.requests.remove(request.as_str()).unwrap_or_default();
            let held = published.into_iter().filter(|told| self.is_held(*told));
            let excuses: Vec<Excuse<'_>> = held.map(Excuse::new).collect();
            self.excused.extend(excuses);
        }
    }

    /// A record was saved with these letters in it. What is gone from it was published, unless a new one stands for it.
    fn held_by(&mut self, request: &'h str, record: &'h str, pending: &'h [Letter], at: UnixMs) {
        let holds: Vec<u64> = pending.iter().map(|letter| letter.number).collect();
        let before = self.held.insert(record, holds.clone()).unwrap_or_default();
        let gone: Vec<usize> = before
            .iter()
            .filter(|number| !holds.contains(number))
            .filter_map(|number| self.seen.get(&(record, *number)).copied())
            .collect();
        for excuse in self.excused.iter_mut().filter(|excuse| gone.contains(&excuse.told)) {
            excuse.taken_out_by.get_or_insert(request);
        }
        for letter in pending {
            if self.seen.contains_key(&(record, letter.number)) {
                continue;
            }
            let told = self.letters.told.len();
            self.seen.insert((record, letter.number), told);
            self.owed.push(told);
            let (restates, stands_for) = self.fold(letter, &gone, at);
            self.letters.told.push(Told {
                record,
                tells: &letter.tells,
                decided: at,
                published: None,
                subject: None,
                restates,
                stands_for,
            });
        }
    }

    /// What a new letter stands for, and whether it tells of nothing else.
    fn fold(&mut self, letter: &'h Letter, gone: &[usize], at: UnixMs) -> (bool, Vec<usize>) {
        let Some(says) = letter.stands_for else { return (false, Vec::new()) };
        self.owed.retain(|told| !gone.contains(told));
        let mut stands_for: Vec<usize> = Vec::new();
        for index in gone {
            let told = &self.letters.told[*index];
            stands_for.extend(told.stands_for.iter().copied().chain((!told.restates).then_some(*index)));
        }
        let others = stands_for.len() as u64;
        if others == 0 || !(says == others || says == others + 1) {
            self.letters.misfolded.push((at, &letter.tells));
        }
        (says != others + 1, stands_for)
    }

    fn is_told(&mut self, told: usize, at: UnixMs, subject: &'h str) {
        let stands_for = self.letters.told[told].stands_for.clone();
        for index in stands_for.into_iter().chain([told]) {
            let letter = &mut self.letters.told[index];
            if letter.published.is_none() {
                (letter.published, letter.subject) = (Some(at), Some(subject));
                self.letters.folded += u64::from(index != told);
            }
        }
    }

    fn published(&mut self, at: UnixMs, request: &'h str, subject: &'h str) {
        if !self.requests.contains_key(request) {
            return;
        }
        let was_answered = self.unanswered.take_if(|unanswered| *unanswered == request).is_none();
        let record = self.saved.get(request);
        let is_its = |told: &usize| record.is_none_or(|record| self.letters.told[*told].record == *record);
        let may_repeat = |excuse: &Excuse<'_>| excuse.taken_out_by.is_none_or(|by| by == request);
        let told = if let Some(place) = self.owed.iter().position(is_its) {
            let told = self.owed.remove(place);
            self.is_told(told, at, subject);
            told
        } else if let Some(place) = self.excused.iter().position(may_repeat) {
            self.letters.repeated += 1;
            self.excused.remove(place).told
        } else {
            self.letters.unaccounted.push((at, subject));
            return;
        };
        // It may be repeated; it excuses nothing that came before it.
        if was_answered {
            self.requests.entry(request).or_default().push(told);
        } else {
            self.excused.push(Excuse::new(told));
        }
    }

    /// Whether its record still holds a letter.
    fn is_held(&self, told: usize) -> bool {
        let mut seen = self.seen.iter().filter(|(_, index)| **index == told);
        seen.any(|((record, number), _)| self.held.get(record).is_some_and(|held| held.contains(number)))
    }
}

impl Excuse<'_> {
    const fn new(told: usize) -> Self {
        Self { told, taken_out_by: None }
    }
}
