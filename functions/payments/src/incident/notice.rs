//! The quarantine notice: people are told when something needs their hand, and when nothing does any more.
//!
//! Invariant: one mail when quarantine fills, one when it is empty again, and between them one for each tenfold, for each
//! new reason, for each day and before something expires; never two in one turn.

use super::contents::{Contents, Group};
use super::letter::{Letter, NoticeFacts, NoticeKind};
use super::observation::Observation;
use super::outbox::Outbox;
use super::recovery::Streak;
use crate::limits::{
    CALM_TURNS, CONTENTS_REASONS_MAX, DEAD_LETTERS_RETENTION_S, EXPIRY_WARNING_MS, NEW_REASON_MS,
    REMINDER_MS, TENFOLD,
};
use crate::time::UnixMs;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notice {
    /// Counts saves; kept beside the JSON, not in it.
    #[serde(skip)]
    pub version: u64,
    /// Whether something is in quarantine.
    pub phase: NoticePhase,
    /// How often it has filled; mails about it carry this number until it is empty again.
    pub number: u64,
    /// How many messages people know of, counted in tenfolds of what the first mail said. Nothing while it is clear, and in
    /// a record that was opened before sizes were told.
    pub told_size: u64,
    /// What tells the causes apart that people know of.
    pub told_causes: BTreeSet<String>,
    /// When the oldest message there expires, as far as it was read; and whether people know that it is soon.
    pub expires_at: Option<UnixMs>,
    /// The expiry that people know of.
    pub told_expiry: Option<UnixMs>,
    /// When a mail last told of nothing but new causes.
    pub new_causes_at: UnixMs,
    /// Mails on their way.
    pub outbox: Outbox,
}

/// Whether something is in quarantine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum NoticePhase {
    /// Nothing is.
    #[default]
    Clear,
    /// Something is, and people know.
    Open {
        /// Since when.
        since: UnixMs,
        /// When people were last told.
        told_at: UnixMs,
        /// Turns on which it was empty.
        empty: Streak,
    },
}

impl NoticePhase {
    /// Its name, as stored and shown.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Open { .. } => "open",
        }
    }
}

impl Notice {
    /// Whether nothing is in quarantine and no mail is on its way.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.phase == NoticePhase::Clear && self.outbox.is_empty()
    }

    /// What has to be told of a quarantine that is open; the weightiest, if it is several things.
    fn due(&self, seen: &Observation, told_at: UnixMs) -> Option<NoticeKind> {
        let may_name = seen.now.since_ms(self.new_causes_at) >= NEW_REASON_MS;
        let expires_soon = self.expires_at.is_some_and(|at| at.since_ms(seen.now) < EXPIRY_WARNING_MS);
        if expires_soon && self.told_expiry.is_none() {
            Some(NoticeKind::Expiring)
        } else if size(seen) >= self.told_size.max(1).saturating_mul(TENFOLD) {
            Some(NoticeKind::Grown)
        } else if may_name && seen.contents.iter().any(|contents| !self.new_causes(contents).is_empty()) {
            Some(NoticeKind::NewReason)
        } else {
            (seen.now.since_ms(told_at) >= REMINDER_MS).then_some(NoticeKind::Reminder)
        }
    }

    /// The causes that no mail named. As many as are remembered are told; what comes beyond them is told by its number.
    pub(super) fn new_causes(&self, contents: &Contents) -> Vec<String> {
        let room = CONTENTS_REASONS_MAX.saturating_sub(self.told_causes.len());
        contents
            .groups
            .iter()
            .map(Group::cause)
            .filter(|cause| !self.told_causes.contains(cause))
            .take(room)
            .collect()
    }

    /// Once what people know of is gone, what expires next is news.
    pub(super) fn take_note_of_expiry(&mut self, contents: &Contents) {
        if let Some(sent_at) = contents.oldest_sent_at {
            self.expires_at = Some(sent_at.plus_ms(DEAD_LETTERS_RETENTION_S * 1_000));
        }
        let is_news = |told: UnixMs| self.expires_at.is_some_and(|at| at.since_ms(told) > EXPIRY_WARNING_MS);
        if self.told_expiry.is_some_and(is_news) {
            self.told_expiry = None;
        }
    }

    /// A record that was opened before causes were told: whatever is there was.
    fn adopt(&mut self, seen: &Observation) {
        if let Some(contents) = seen.contents.as_ref().filter(|_| self.told_size == 0) {
            self.told_causes.extend(self.new_causes(contents));
            self.told_size = 1;
        }
    }

    fn tell(&mut self, kind: NoticeKind, since: UnixMs, seen: &Observation) {
        let letter = self.letter(kind, since, seen);
        self.outbox.write(letter, seen.now);
    }

    pub(super) fn letter(&mut self, kind: NoticeKind, since: UnixMs, seen: &Observation) -> Letter {
        // What is known once it is read may be nothing any more.
        let new_causes = seen.contents.as_ref().map(|contents| self.new_causes(contents)).unwrap_or_default();
        let expires_at = self.expires_at;
        self.know(kind, &new_causes, seen);
        let facts = NoticeFacts {
            at: seen.now,
            number: self.number,
            since,
            messages: size(seen),
            samples: Vec::new(),
            contents: seen.contents.clone(),
            traffic: None,
            new_causes,
            expires_at,
            told_size: self.told_size,
        };
        Letter::Quarantine(kind, Box::new(facts))
    }

    /// What people know once this mail is read.
    fn know(&mut self, kind: NoticeKind, new_causes: &[String], seen: &Observation) {
        self.told_causes.extend(new_causes.iter().cloned());
        self.know_size(kind, size(seen));
        match kind {
            NoticeKind::Opened | NoticeKind::Grown | NoticeKind::Reminder => {}
            NoticeKind::NewReason => self.new_causes_at = seen.now,
            NoticeKind::Expiring => self.told_expiry = self.expires_at,
            NoticeKind::Cleared => {
                (self.expires_at, self.told_expiry) = (None, None);
                (self.told_causes, self.new_causes_at) = (BTreeSet::new(), UnixMs(0));
            }
        }
    }

    pub(super) fn know_size(&mut self, kind: NoticeKind, messages: u64) {
        self.told_size = match kind {
            NoticeKind::Opened => messages,
            NoticeKind::Grown => tenfolds(self.told_size.max(1), messages),
            // What shrank may grow again.
            NoticeKind::Reminder => self.told_size.min(messages).max(1),
            NoticeKind::NewReason | NoticeKind::Expiring => self.told_size,
            NoticeKind::Cleared => 0,
        };
    }
}

/// How much is in quarantine: SQS counts approximately, and what was read is there.
fn size(seen: &Observation) -> u64 {
    seen.quarantine.total().max(seen.contents.as_ref().map_or(0, |contents| contents.read))
}

/// `told`, times the power of ten that `messages` reach.
const fn tenfolds(mut told: u64, messages: u64) -> u64 {
    while told.saturating_mul(TENFOLD) <= messages {
        told *= TENFOLD;
    }
    told
}

pub(super) fn decide(seen: &Observation, record: &Notice) -> Notice {
    let (mut next, now) = (record.clone(), seen.now);
    if let Some(contents) = &seen.contents {
        next.take_note_of_expiry(contents);
    }
    let is_empty = seen.quarantine.total() == 0;
    match record.phase {
        NoticePhase::Clear if is_empty => {}
        NoticePhase::Clear => {
            next.number = next.number.saturating_add(1);
            next.phase = NoticePhase::Open { since: now, told_at: now, empty: Streak::NONE };
            next.tell(NoticeKind::Opened, now, seen);
        }
        NoticePhase::Open { since, told_at, empty } if is_empty => {
            let empty = empty.extended(now);
            next.phase = NoticePhase::Open { since, told_at, empty };
            if empty.turns >= CALM_TURNS {
                next.phase = NoticePhase::Clear;
                next.tell(NoticeKind::Cleared, since, seen);
            }
        }
        NoticePhase::Open { since, told_at, .. } => {
            next.adopt(seen);
            let due = next.due(seen, told_at);
            let told_at = if due.is_some() { now } else { told_at };
            next.phase = NoticePhase::Open { since, told_at, empty: Streak::NONE };
            if let Some(kind) = due {
                next.tell(kind, since, seen);
            }
        }
    }
    next.catch_up(record, seen);
    next
}
