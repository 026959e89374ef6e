//! The quarantine notice: people are told when something needs their hand, and when nothing does any more.
//!
//! Invariant: one mail when quarantine fills, one when it is empty again, one a day between.

use super::letter::{Letter, NoticeFacts, NoticeKind};
use super::observation::Observation;
use super::outbox::Outbox;
use super::recovery::Streak;
use crate::limits::{CALM_TURNS, REMINDER_MS};
use crate::time::UnixMs;
use serde::{Deserialize, Serialize};

/// The record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notice {
    /// Counts saves; kept beside the JSON, not in it.
    #[serde(skip)]
    pub version: u64,
    /// Whether something is in quarantine.
    pub phase: NoticePhase,
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

    fn tell(&mut self, kind: NoticeKind, since: UnixMs, seen: &Observation) {
        let samples = seen.details.as_ref().map(|details| details.quarantined.clone()).unwrap_or_default();
        let facts = NoticeFacts { at: seen.now, since, messages: seen.quarantine.total(), samples };
        self.outbox.write(Letter::Quarantine(kind, facts), seen.now);
    }
}

pub(super) fn decide(seen: &Observation, record: &Notice) -> Notice {
    let (mut next, now) = (record.clone(), seen.now);
    let is_empty = seen.quarantine.total() == 0;
    match record.phase {
        NoticePhase::Clear if is_empty => {}
        NoticePhase::Clear => {
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
            let is_due = now.since_ms(told_at) >= REMINDER_MS;
            let told_at = if is_due { now } else { told_at };
            next.phase = NoticePhase::Open { since, told_at, empty: Streak::NONE };
            if is_due {
                next.tell(NoticeKind::Reminder, since, seen);
            }
        }
    }
    next.outbox.claim_overdue(now);
    next
}
