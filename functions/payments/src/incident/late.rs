//! Mails that could not be sent for so long that they no longer say what is true.
//!
//! Invariant: whoever is told late is told how things stand, since when nobody could be told, and of how much; nothing
//! that only a human can mend is left out.

use super::Policy;
use super::letter::{Facts, Kind, Letter, NoticeKind};
use super::notice::{Notice, NoticePhase};
use super::observation::Observation;
use super::recovery::{Phase, Recovery};

impl Recovery {
    /// Claims the mails that nobody is sending. Once one has gone stale all are folded into one, as soon as nobody may be
    /// sending any of them.
    pub(super) fn catch_up(&mut self, before: &Self, seen: &Observation, policy: &Policy) {
        if !self.outbox.has_gone_stale(seen.now) {
            self.outbox.claim_overdue(seen.now);
        } else if self.outbox.is_at_rest(&before.outbox, seen.now) {
            let fresh = self.as_it_stands(before, seen, policy);
            if fresh.is_some() {
                self.history.told_at = seen.now;
                self.history.told_size = seen.messages();
            }
            self.outbox.fold(fresh, &before.outbox, seen.now);
        }
    }

    /// Nothing when it is over: then the last mail says how it ended.
    fn as_it_stands(&self, before: &Self, seen: &Observation, policy: &Policy) -> Option<Letter> {
        if !self.phase.is_open() {
            return None;
        }
        let facts = Facts::of(seen, self, policy);
        let moves =
            matches!(self.phase, Phase::Canary { .. } | Phase::Redriving { .. } | Phase::Draining { .. });
        let mut stale = self.outbox.letters_of(&before.outbox).filter_map(|letter| match letter {
            Letter::Recovery(kind, then) => Some((*kind, then.as_ref())),
            Letter::Quarantine(..) | Letter::Audit(..) => None,
        });
        let (kind, facts) = match stale.next_back() {
            // Who went first was told by the mail that nobody got.
            Some((Kind::Recovering, then)) if moves && facts.escalations.is_empty() => {
                let (went_first, ordered_by) = (then.went_first, then.ordered_by.clone());
                (Kind::Recovering, Facts { went_first, ordered_by, ..facts })
            }
            Some((Kind::Flapping, _)) => (Kind::Flapping, facts),
            newest => {
                let begins =
                    |(kind, then): (Kind, &Facts)| kind == Kind::Opened && then.number == facts.number;
                let is_news = newest.into_iter().chain(stale).any(begins);
                (if is_news { Kind::Opened } else { Kind::Reminder }, facts)
            }
        };
        Some(Letter::Recovery(kind, Box::new(facts)))
    }
}

impl Notice {
    /// The same for the quarantine.
    pub(super) fn catch_up(&mut self, before: &Self, seen: &Observation) {
        if !self.outbox.has_gone_stale(seen.now) {
            self.outbox.claim_overdue(seen.now);
        } else if self.outbox.is_at_rest(&before.outbox, seen.now) {
            let fresh = match self.phase {
                NoticePhase::Open { since, .. } => {
                    self.weightiest(before).map(|kind| self.letter(kind, since, seen))
                }
                NoticePhase::Clear => None,
            };
            self.outbox.fold(fresh, &before.outbox, seen.now);
        }
    }

    /// What expires cannot wait, and is told once; then, whoever does not know that the quarantine is open is told that.
    fn weightiest(&self, before: &Self) -> Option<NoticeKind> {
        let kinds = self.outbox.letters_of(&before.outbox).filter_map(|letter| match letter {
            Letter::Quarantine(kind, _) => Some(*kind),
            Letter::Recovery(..) | Letter::Audit(..) => None,
        });
        let kinds: Vec<NoticeKind> = kinds.collect();
        let heavy = [NoticeKind::Expiring, NoticeKind::Opened, NoticeKind::Grown];
        let heavy = heavy.into_iter().find(|heavy| kinds.contains(heavy));
        heavy.or_else(|| kinds.last().copied())
    }
}
