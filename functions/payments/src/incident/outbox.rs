//! Mails that are written and not yet known to be sent.
//!
//! A mail is saved together with the change it tells of, published, and then taken out. One that stays belongs to a
//! responder that died, or to a topic that took nothing: a later turn claims it and tries again. Once it has gone stale,
//! a newer one stands for it: whoever could not be told what happened is told what is so, and not six stories at once.
//! Invariant: only who saved the claim publishes; a claim is older than a function can live before another takes over.

use super::letter::Letter;
use crate::limits::{OUTBOX_MAX, STALE_MAIL_MS, TURN_S_MAX};
use crate::time::UnixMs;
use serde::{Deserialize, Serialize};

/// The mails of one record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outbox {
    /// Mails written so far; the next one's number.
    written: u64,
    pending: Vec<Mail>,
}

/// A mail that may not have been sent yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// Its number within its record.
    pub number: u64,
    /// When it was written.
    pub written_at: UnixMs,
    /// When the turn that is to publish it laid claim to it.
    pub claimed_at: UnixMs,
    /// What it says.
    pub letter: Letter,
    /// Set when it stands for others that could not be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late: Option<Late>,
}

/// Nobody could be told for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Late {
    /// When the first mail was written that could not be sent.
    pub since: UnixMs,
    /// How many transitions nobody was told of, with the one that this mail tells of.
    pub mails: u64,
}

impl Mail {
    fn is_overdue(&self, now: UnixMs) -> bool {
        now.since_ms(self.claimed_at) > i64::from(TURN_S_MAX) * 1_000
    }
}

impl Outbox {
    /// Writes a mail, claimed by the turn of `now`.
    pub(crate) fn write(&mut self, letter: Letter, now: UnixMs) {
        if self.pending.len() >= OUTBOX_MAX {
            self.pending.remove(0);
        }
        self.pending.push(Mail {
            number: self.written,
            written_at: now,
            claimed_at: now,
            letter,
            late: None,
        });
        self.written += 1;
    }

    /// Claims the mails whose claim is older than a function can live.
    pub(crate) fn claim_overdue(&mut self, now: UnixMs) {
        for mail in self.pending.iter_mut().filter(|mail| mail.is_overdue(now)) {
            mail.claimed_at = now;
        }
    }

    /// Whether one of them no longer says what is true.
    #[must_use]
    pub(super) fn has_gone_stale(&self, now: UnixMs) -> bool {
        self.pending.iter().any(|mail| now.since_ms(mail.written_at) >= STALE_MAIL_MS)
    }

    /// Whether nobody may be sending one of those that were there `before`.
    pub(super) fn is_at_rest(&self, before: &Self, now: UnixMs) -> bool {
        self.since_before(before).0.iter().all(|mail| mail.is_overdue(now))
    }

    /// The letters that were there `before`, oldest first.
    pub(super) fn letters_of(&self, before: &Self) -> impl DoubleEndedIterator<Item = &Letter> {
        self.since_before(before).0.iter().map(|mail| &mail.letter)
    }

    /// Folds those into one mail. `fresh` says how things stand now; without it the newest of them still does. What this
    /// turn wrote itself is newer than either.
    pub(super) fn fold(&mut self, fresh: Option<Letter>, before: &Self, now: UnixMs) {
        let (folded, own) = self.since_before(before);
        let (Some(first), Some(last)) = (folded.first(), folded.last()) else { return };
        let since = first.late.map_or(first.written_at, |late| late.since);
        let mails = folded.iter().map(|mail| mail.late.map_or(1, |late| late.mails)).sum::<u64>();
        let letter = fresh.unwrap_or_else(|| last.letter.clone());
        self.pending = own.to_vec();
        let mails = if self.pending.is_empty() {
            self.write(letter, now);
            mails
        } else {
            mails + 1
        };
        if let Some(newest) = self.pending.last_mut() {
            newest.late = Some(Late { since, mails });
        }
    }

    /// The letters that were written since it was as `before`.
    pub(super) fn written_since(&mut self, before: &Self) -> impl Iterator<Item = &mut Letter> {
        let own = self.pending.iter_mut().filter(|mail| mail.number >= before.written);
        own.map(|mail| &mut mail.letter)
    }

    /// What was there `before`, and what was written since.
    fn since_before(&self, before: &Self) -> (&[Mail], &[Mail]) {
        self.pending.split_at(self.pending.partition_point(|mail| mail.number < before.written))
    }

    /// The mails that whoever turned `before` into this has to publish, once this is saved: those it wrote or claimed.
    pub fn claimed_since<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = &'a Mail> {
        // By comparison, not by time: two turns may begin in the same millisecond.
        self.pending.iter().filter(|mail| !before.pending.contains(mail))
    }

    /// Takes a published mail out.
    pub fn sent(&mut self, number: u64) {
        self.pending.retain(|mail| mail.number != number);
    }

    /// Whether nothing is pending.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// The mails that are pending, oldest first.
    #[must_use]
    pub fn pending(&self) -> &[Mail] {
        &self.pending
    }

    /// Mails written so far.
    #[must_use]
    pub const fn written(&self) -> u64 {
        self.written
    }
}
