//! Mails that are written and not yet known to be sent.
//!
//! A mail is saved together with the change it tells of, published, and then taken out. One that stays belongs to a
//! responder that died, or to a topic that took nothing: a later turn claims it and tries again.
//! Invariant: only who saved the claim publishes; a claim is older than a function can live before another takes over.

use super::letter::Letter;
use crate::limits::{OUTBOX_MAX, TURN_S_MAX};
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
}

impl Outbox {
    /// Writes a mail, claimed by the turn of `now`.
    pub(crate) fn write(&mut self, letter: Letter, now: UnixMs) {
        if self.pending.len() >= OUTBOX_MAX {
            self.pending.remove(0);
        }
        self.pending.push(Mail { number: self.written, written_at: now, claimed_at: now, letter });
        self.written += 1;
    }

    /// Claims the mails whose claim is older than a function can live.
    pub(crate) fn claim_overdue(&mut self, now: UnixMs) {
        for mail in &mut self.pending {
            if now.since_ms(mail.claimed_at) > i64::from(TURN_S_MAX) * 1_000 {
                mail.claimed_at = now;
            }
        }
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
