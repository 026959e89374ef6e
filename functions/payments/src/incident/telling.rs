//! What people are told in a recovery, and what not again.
//!
//! Told is what changes for them: that it began, that it recovers, that it does not after all, that it is over, and what
//! only they can mend. Whoever was told that it recovers is told when it does not; then it may be told again.
//!
//! Invariant: a provider that comes and goes is one incident: from its fourth beginning within hours on, mails are about
//! that, every two hours, and about what only a human can mend.

use super::letter::{Facts, Kind, Letter};
use super::recovery::{Escalation, Told};
use super::turn::Turn;
use crate::limits::{BEGINNINGS_MAX, BEGINNINGS_MS, FLAPPING_REMINDER_MS, REMINDER_MS, TENFOLD};

impl Turn<'_> {
    /// The mail that opens an incident says what needs a hand; a second one would say the same.
    pub(super) fn tell_of_the_beginning(&mut self) {
        if self.begins_again() {
            return;
        }
        self.next.history.escalations.extend(self.needs_a_hand());
        self.tell(Kind::Opened);
    }

    /// The provider failed again although people were told that it recovers, or that it is theirs to move things back.
    pub(super) fn tell_of_relapse(&mut self) {
        let history = &mut self.next.history;
        let was_recovering = history.told.remove(&Told::Recovering);
        let was_theirs = history.escalations.remove(&Escalation::RedriveIsYours);
        if (was_recovering || was_theirs) && !self.begins_again() {
            self.tell(Kind::BackToWaiting);
        }
    }

    /// Takes note of a beginning, and whether it is one of so many that they are told of together.
    fn begins_again(&mut self) -> bool {
        let now = self.seen.now;
        let beginnings = &mut self.next.beginnings;
        beginnings.retain(|at| now.since_ms(*at) < BEGINNINGS_MS);
        beginnings.push(now);
        let (many, before) = (beginnings.len(), self.next.history.flaps);
        if before == 0 && many <= BEGINNINGS_MAX {
            return false;
        }
        self.next.history.flaps = before + u32::try_from(if before == 0 { many } else { 1 }).unwrap_or(1);
        if before == 0 {
            self.tell(Kind::Flapping);
        }
        true
    }

    pub(super) fn tell_of_recovery(&mut self) {
        if self.next.history.told.insert(Told::Recovering) && self.next.history.flaps == 0 {
            self.tell(Kind::Recovering);
        }
    }

    pub(super) fn escalate(&mut self, escalation: Escalation) {
        let is_new = self.next.history.escalations.insert(escalation);
        let is_of_flapping = self.next.history.flaps > 0 && escalation == Escalation::RedriveIsYours;
        if is_new && !is_of_flapping {
            self.tell(Kind::Escalated(escalation));
        }
    }

    pub(super) fn remind(&mut self) {
        if !self.next.phase.is_open() {
            return;
        }
        let history = &self.next.history;
        let is_flapping = history.flaps > 0;
        let told_ms = self.seen.now.since_ms(history.told_at);
        let has_grown = self.seen.messages() / TENFOLD >= history.told_size.max(1);
        if self.next.expires_soon(self.seen) && !history.escalations.contains(&Escalation::Expiring) {
            self.escalate(Escalation::Expiring);
        } else if is_flapping && told_ms >= FLAPPING_REMINDER_MS {
            self.tell(Kind::Flapping);
        } else if told_ms >= REMINDER_MS {
            self.tell(Kind::Reminder);
        } else if has_grown && self.seen.alike.is_some() {
            self.tell(Kind::Grown);
        }
    }

    pub(super) fn tell(&mut self, kind: Kind) {
        self.next.history.told_at = self.seen.now;
        self.next.history.told_size = self.seen.messages();
        let facts = Facts::of(self.seen, &self.next, self.policy);
        self.next.outbox.write(Letter::Recovery(kind, Box::new(facts)), self.seen.now);
    }
}
