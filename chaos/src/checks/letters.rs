//! What people were told: each letter the responder decided to write, and when it was published.
//!
//! A letter is decided when the record that holds it is saved. It is published by the turn that saved it, or by a later
//! one that laid claim to it; each turn publishes what it claimed, in the order of the record. Where nothing can be
//! published for long, a later letter stands for those that were not: they are told when it is.
//! Invariant: every publication of the responder belongs to one letter, repeats one for a reason, or is unaccounted for.

mod subjects;

use crate::faults::{Kind, Placement};
use crate::journal::{Event, FaultFired, FunctionEvent, Letter, TableEvent, TopicEvent};
use crate::world::{Alerted, History, Target};
use payments::UnixMs;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

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
    /// Reads the journal; of a run that was seen from outside, the mails.
    #[must_use]
    pub fn of(history: &'h History) -> Self {
        if history.target == Target::Deployed {
            return subjects::read(&history.mails);
        }
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
    /// What each record last held.
    held: BTreeMap<&'h str, &'h [Letter]>,
    /// The letters that each request claimed and has not published yet.
    claimed: BTreeMap<&'h str, VecDeque<usize>>,
    /// Requests of the responder, and the letters that each published and knows of.
    requests: BTreeMap<&'h str, Vec<usize>>,
    /// The request whose next publication SNS will not answer.
    unanswered: Option<&'h str>,
    /// Letters that may be published once more, since whoever published them died before it noted that, or never heard.
    excused: Vec<usize>,
}

impl<'h> Post<'h> {
    fn read(&mut self, alerted: &Alerted, at: UnixMs, event: &'h Event) {
        if let Event::Function(FunctionEvent::Invoked { function, request, .. }) = event
            && Some(function) == alerted.responder.as_ref()
        {
            self.requests.insert(request, Vec::new());
        } else if let Event::Table(TableEvent::IncidentSaved { request, record, pending, .. }) = event {
            self.held_by(request, record, pending, at);
        } else if let Event::Topic(TopicEvent::Published { request: Some(request), topic, subject, .. }) =
            event
            && Some(topic) == alerted.alerts.as_ref()
        {
            self.published(at, request, subject.as_deref().unwrap_or_default());
        } else if let Event::Fault(FaultFired {
            fault: Kind::SnsFailing,
            placement: Some(Placement::After),
            on,
        }) = event
        {
            self.unanswered = on.strip_prefix("Publish ");
        } else if let Event::Function(FunctionEvent::Failed { request, .. }) = event {
            self.claimed.remove(request.as_str());
            let published = self.requests.remove(request.as_str()).unwrap_or_default();
            let held: Vec<usize> = published.into_iter().filter(|told| self.is_held(*told)).collect();
            self.excused.extend(held);
        }
    }

    /// A record was saved with these letters in it. What is gone from it was published, unless a new one stands for it;
    /// what is new or changed is claimed by whoever saved it.
    fn held_by(&mut self, request: &'h str, record: &'h str, pending: &'h [Letter], at: UnixMs) {
        let before = self.held.insert(record, pending).unwrap_or_default();
        let gone: Vec<usize> = before
            .iter()
            .filter(|letter| pending.iter().all(|held| held.number != letter.number))
            .filter_map(|letter| self.seen.get(&(record, letter.number)).copied())
            .collect();
        let mut claimed = VecDeque::new();
        for letter in pending.iter().filter(|letter| !before.contains(letter)) {
            let next = self.letters.told.len();
            let told = *self.seen.entry((record, letter.number)).or_insert(next);
            claimed.push_back(told);
            if told == next {
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
        // A save beside it that claims nothing, of an audit that was ordered, changes nothing of what is to be published.
        if !claimed.is_empty() {
            self.claimed.insert(request, claimed);
        }
    }

    /// What a new letter stands for, and whether it tells of nothing else.
    fn fold(&mut self, letter: &'h Letter, gone: &[usize], at: UnixMs) -> (bool, Vec<usize>) {
        let Some(says) = letter.stands_for else { return (false, Vec::new()) };
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
        let claimed = self.claimed.entry(request).or_default();
        // Whoever got no answer asks again.
        let told = if was_answered { claimed.pop_front() } else { claimed.front().copied() };
        let Some(told) = told else {
            self.letters.unaccounted.push((at, subject));
            return;
        };
        if self.letters.told[told].published.is_none() {
            self.is_told(told, at, subject);
        } else if let Some(place) = self.excused.iter().position(|excused| *excused == told) {
            self.excused.remove(place);
            self.letters.repeated += 1;
        } else {
            self.letters.unaccounted.push((at, subject));
        }
        if was_answered {
            self.requests.entry(request).or_default().push(told);
        } else {
            self.excused.push(told);
        }
    }

    /// Whether its record still holds a letter.
    fn is_held(&self, told: usize) -> bool {
        let is_in = |record, number| {
            self.held.get(record).is_some_and(|held| held.iter().any(|letter| letter.number == number))
        };
        self.seen.iter().any(|((record, number), index)| *index == told && is_in(record, *number))
    }
}
