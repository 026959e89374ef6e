//! Dead letters that the ledger does not know, and how often each came back.
//!
//! They are drills, and messages whose every delivery died before the ledger was asked. A move task gives a message a
//! new id and a new age, so without a row it can be known again by its body alone; and its age tells one that was moved
//! from one that a task left behind.
//!
//! Invariant: this outlives an incident. A message that fails slowly is dead-lettered again when everything else has
//! long been settled, and must be known then, or it would be moved back for ever.

use crate::limits::{ROWLESS_MAX, ROWLESS_REMEMBERED_MS, ROWLESS_UNDER_WAY_MS};
use crate::time::UnixMs;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;

/// What is remembered of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rowless(BTreeMap<BodyDigest, Sighting>);

/// A message's body, by the first half of its SHA-256. Two drills are one: they have one body.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BodyDigest(String);

/// A dead letter without a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// By this it is known again.
    pub body: BodyDigest,
    /// When it was last sent: by its producer, or by whatever moved it. SQS keeps this when it dead-letters a message.
    /// `None` counts as just now: better one return too many than to move a message for ever.
    pub sent_at: Option<UnixMs>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sighting {
    /// Move tasks after which it was there again.
    returns: u32,
    /// When it was last seen.
    at: UnixMs,
    /// When the youngest message with this body was sent, of all that were seen.
    #[serde(default)]
    sent_at: UnixMs,
}

impl BodyDigest {
    /// The digest of `body`.
    #[must_use]
    pub fn of(body: &str) -> Self {
        let mut hex = String::new();
        for byte in &Sha256::digest(body)[..16] {
            // Writing to a string does not fail.
            let _ = write!(hex, "{byte:02x}");
        }
        Self(hex)
    }
}

impl Rowless {
    /// How often it came back, counting that it is seen now. `task` is when the newest move task was started. A task may
    /// leave a message behind, and be completed all the same: that is no return.
    #[must_use]
    pub fn returns(&self, stray: &Stray, task: Option<UnixMs>) -> u32 {
        self.0.get(&stray.body).map_or(0, |last| {
            let is_younger = stray.sent_at.is_none_or(|sent_at| sent_at > last.sent_at);
            let was_moved = is_younger && task.is_some_and(|started_at| started_at > last.at);
            last.returns.saturating_add(u32::from(was_moved))
        })
    }

    /// Those that came back and were seen within the time of two rounds.
    pub fn came_back_lately(&self, now: UnixMs) -> impl Iterator<Item = &BodyDigest> {
        let is_recent = move |last: &Sighting| now.since_ms(last.at) <= 2 * ROWLESS_UNDER_WAY_MS;
        self.0.iter().filter(move |(_, last)| last.returns > 0 && is_recent(last)).map(|(body, _)| body)
    }

    /// Whether there are none to look out for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one that was moved back may still be on its way to be dead-lettered again.
    pub(super) fn may_be_under_way(&self, now: UnixMs) -> bool {
        self.0.values().any(|last| now.since_ms(last.at) <= ROWLESS_UNDER_WAY_MS)
    }

    /// Remembers those that were seen and stay, and forgets those that are gone or have not been seen for long.
    pub(super) fn saw(&mut self, stay: &[Stray], gone: &[BodyDigest], task: Option<UnixMs>, now: UnixMs) {
        let before = self.clone();
        for stray in stay {
            // Of two with one body, one may have been left behind.
            let twin = self.0.get(&stray.body);
            let sighting = Sighting {
                returns: twin.map_or(0, |twin| twin.returns).max(before.returns(stray, task)),
                at: now,
                sent_at: twin.map(|twin| twin.sent_at).max(stray.sent_at).unwrap_or_default(),
            };
            if self.0.len() < ROWLESS_MAX || self.0.contains_key(&stray.body) {
                self.0.insert(stray.body.clone(), sighting);
            }
        }
        self.0.retain(|body, last| now.since_ms(last.at) <= ROWLESS_REMEMBERED_MS && !gone.contains(body));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: UnixMs = UnixMs(1_767_603_600_000);

    fn drill(sent_at: UnixMs) -> Stray {
        Stray { body: BodyDigest::of("PYMT_FAILED"), sent_at: Some(sent_at) }
    }

    /// What is remembered of a drill, seen at the beginning and then `tasks` times after it was moved, a minute apart.
    fn seen_after(tasks: i64) -> (Rowless, BodyDigest) {
        let mut rowless = Rowless::default();
        for cycle in 0..=tasks {
            let moved_at = START.plus_ms(cycle * 60_000 - 30_000);
            let task = Some(moved_at).filter(|_| cycle > 0);
            rowless.saw(&[drill(moved_at)], &[], task, START.plus_ms(cycle * 60_000));
        }
        (rowless, drill(START).body)
    }

    #[test]
    fn a_return_is_one_sight_after_a_move_task_however_often_it_is_looked_at() {
        let (mut rowless, _) = seen_after(2);
        let (moved_at, now) = (START.plus_ms(90_000), START.plus_ms(130_000));
        let moved = drill(moved_at);
        assert_eq!(rowless.returns(&moved, Some(moved_at)), 2);
        rowless.saw(std::slice::from_ref(&moved), &[], Some(moved_at), now);
        assert_eq!(rowless.returns(&moved, Some(moved_at)), 2, "no task ran in between");
        let later = now.plus_ms(1);
        assert_eq!(rowless.returns(&drill(later), Some(later)), 3);
        assert_eq!(rowless.returns(&moved, Some(later)), 2, "the task left it behind");
        assert_eq!(rowless.returns(&drill(later), Some(moved_at)), 2, "it is another drill");
        let unknown = Stray { sent_at: None, ..drill(START) };
        assert_eq!(rowless.returns(&unknown, Some(later)), 3);
        let another = Stray { body: BodyDigest::of("another"), ..drill(later) };
        assert_eq!(rowless.returns(&another, Some(later)), 0);
    }

    #[test]
    fn of_two_with_one_body_the_one_that_came_back_counts() {
        let (stays, moved_at) = (drill(START.plus_ms(-1)), START.plus_ms(90_000));
        for both in [[stays.clone(), drill(moved_at)], [drill(moved_at), stays]] {
            let (mut rowless, _) = seen_after(0);
            rowless.saw(&both, &[], Some(moved_at), START.plus_ms(130_000));
            assert_eq!(rowless.returns(&both[0], None), 1);
        }
    }

    #[test]
    fn two_with_one_body_that_take_turns_count_on_every_sight() {
        let (mut rowless, _) = seen_after(0);
        // The one that is seen was moved while the other was on its way, and so on.
        for round in 1..=4_u32 {
            let minutes = |n: u32| START.plus_ms(i64::from(n) * 60_000);
            let (sent_at, task, now) = (minutes(2 * round), minutes(2 * round + 2), minutes(2 * round + 3));
            rowless.saw(&[drill(sent_at)], &[], Some(task), now);
            assert_eq!(rowless.returns(&drill(sent_at), Some(task)), round);
        }
    }

    #[test]
    fn what_came_back_counts_for_two_rounds() {
        let (rowless, drill) = seen_after(1);
        let seen_at = START.plus_ms(60_000);
        let lately = |ms| rowless.came_back_lately(seen_at.plus_ms(ms)).collect::<Vec<_>>();
        assert_eq!(lately(2 * ROWLESS_UNDER_WAY_MS), [&drill]);
        assert!(lately(2 * ROWLESS_UNDER_WAY_MS + 1).is_empty());
        assert_eq!(seen_after(0).0.came_back_lately(START).count(), 0);
    }

    #[test]
    fn what_is_gone_or_was_not_seen_for_long_is_forgotten() {
        let (mut rowless, drill) = seen_after(2);
        rowless.saw(&[], &[], None, START.plus_ms(120_000 + ROWLESS_REMEMBERED_MS));
        assert!(!rowless.is_empty());
        rowless.saw(&[], &[], None, START.plus_ms(120_001 + ROWLESS_REMEMBERED_MS));
        assert!(rowless.is_empty());

        let (mut rowless, _) = seen_after(2);
        rowless.saw(&[], &[drill], None, START.plus_ms(130_000));
        assert!(rowless.is_empty());
    }

    #[test]
    fn no_more_are_remembered_than_the_record_should_hold() {
        let mut rowless = Rowless::default();
        let many = |sent_at| {
            let stray = |n: usize| Stray { body: BodyDigest::of(&n.to_string()), sent_at: Some(sent_at) };
            (0..2 * ROWLESS_MAX).map(stray).collect::<Vec<_>>()
        };
        let moved_at = START.plus_ms(1);
        rowless.saw(&many(START), &[], None, START);
        rowless.saw(&many(moved_at), &[], Some(moved_at), START.plus_ms(2));
        let returned = many(START).iter().filter(|stray| rowless.returns(stray, None) == 1).count();
        assert_eq!((rowless.0.len(), returned), (ROWLESS_MAX, ROWLESS_MAX));
    }
}
