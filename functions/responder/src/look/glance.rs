//! A quiet turn: three calls, none more, every ten minutes a fourth that asks who listens, and once a day a look at the
//! alarms.
//!
//! While the last look at everything found nothing wrong, each turn of the schedule asks for the depth of the
//! dead-letter queue (whose CloudWatch metrics that keeps awake), for the records, and, in turn, for one other thing:
//! every second time the oldest unsettled payment, else the quarantine or the source. Whatever it finds amiss makes the
//! same turn look at everything; so does every event, and the first turn of a container.
//!
//! The records are read each time because turns go from container to container: what one of them opened, only turns
//! that look at everything bring to its end, and they have to be in a row.
//! Invariant: a glance concludes nothing but "all quiet", from what it saw itself, and never while anything is under way.

use super::Look;
use crate::error::TurnError;
use crate::limits::{
    ALARMS_LOOK_MS, ALARMS_RETRY_MS, LISTENERS_LOOK_MS, QUARANTINE_CHEAP, QUARANTINE_LOOK_MS,
};
use crate::queues::Queue;
use payments::UnixMs;
use payments::incident::Observation;
use std::sync::{Mutex, PoisonError};

/// What a container remembers between turns. Only ever used to do less.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last: Last,
    glances: usize,
    /// How much was in quarantine when that was looked into, and when that was.
    looked: Option<(u64, UnixMs)>,
    /// How many listened when that was looked at, and when that was.
    listened: Option<(u32, UnixMs)>,
    /// How many alarms were silenced when that was looked at, and when that was.
    silenced: Option<(u64, UnixMs)>,
}

/// What the last look at everything came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Last {
    /// Something is under way, or there was none.
    #[default]
    Unknown,
    /// Nothing is wrong and nothing is under way.
    Quiet,
}

/// What a glance came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Glance {
    /// All quiet.
    Quiet,
    /// Look at everything.
    #[default]
    LookCloser,
}

/// What was seen at a glance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Glanced {
    pub(crate) glance: Glance,
    pub(crate) dead_letters: Option<u64>,
    pub(crate) quarantined: Option<u64>,
    pub(crate) oldest_ms: Option<i64>,
}

#[derive(Clone, Copy, Debug)]
enum Other {
    Unsettled,
    Source,
    Quarantine,
}

const ROUND: [Other; 4] = [Other::Unsettled, Other::Quarantine, Other::Unsettled, Other::Source];

impl Memory {
    pub(crate) fn remember(&self, last: Last) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).last = last;
    }

    /// Whether a quarantine of so many messages is worth a look, which is taken to follow: now and then, and while it holds
    /// so few that a look is cheap also when their number changed.
    pub(crate) fn wants_a_look(&self, quarantined: u64, now: UnixMs) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = state.looked.is_some_and(|(number, at)| {
            let is_same = number == quarantined || quarantined > QUARANTINE_CHEAP;
            is_same && now.since_ms(at) < QUARANTINE_LOOK_MS
        });
        if quarantined == 0 {
            state.looked = None;
        } else if !is_known {
            state.looked = Some((quarantined, now));
        }
        quarantined > 0 && !is_known
    }

    pub(crate) fn remember_listeners(&self, listeners: u32, now: UnixMs) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).listened = Some((listeners, now));
    }

    /// Whether it is time to see who listens: now and then, and all the time while nobody does.
    pub(crate) fn wants_to_know_who_listens(&self, now: UnixMs) -> bool {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.listened.is_none_or(|(listeners, at)| listeners == 0 || now.since_ms(at) >= LISTENERS_LOOK_MS)
    }

    pub(crate) fn remember_silenced_alarms(&self, silenced: u64, now: UnixMs) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).silenced = Some((silenced, now));
    }

    /// CloudWatch did not say; it is asked again before the day is over.
    pub(crate) fn remember_no_answer_about_alarms(&self, now: UnixMs) {
        self.remember_silenced_alarms(0, now.plus_ms(ALARMS_RETRY_MS - ALARMS_LOOK_MS));
    }

    /// Whether it is time to see if the alarms can speak: once a day, and all the time while one of them cannot.
    pub(crate) fn wants_to_know_which_alarms_are_silenced(&self, now: UnixMs) -> bool {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.silenced.is_none_or(|(silenced, at)| silenced > 0 || now.since_ms(at) >= ALARMS_LOOK_MS)
    }

    /// What to look at this time, if a glance will do.
    fn next(&self) -> Option<Other> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.last != Last::Quiet {
            return None;
        }
        let look = ROUND[state.glances % ROUND.len()];
        state.glances = state.glances.wrapping_add(1);
        Some(look)
    }
}

impl Look {
    /// Looks at three things, if that may do.
    pub(crate) async fn glance(&self, now: UnixMs) -> Result<Glanced, TurnError> {
        let Some(other) = self.memory.next() else { return Ok(Glanced::default()) };
        let (dead_letters, (incident, audit)) =
            tokio::try_join!(self.queues.depth(Queue::DeadLetters), self.records.read_all())?;
        let nothing_is_under_way = incident.is_quiet() && audit.is_quiet() && now < audit.due_at();
        let mut seen = Observation { now, dead_letters, ..Observation::default() };
        let mut glanced = Glanced { dead_letters: Some(dead_letters.total()), ..Glanced::default() };
        let it_is_quiet = match other {
            Other::Unsettled => {
                let waiting = self.waiting(now).await?;
                let pulse = if waiting.is_dying(now) { self.ledger.pulse().await? } else { None };
                (seen.oldest, seen.alike) = (waiting.oldest(), waiting.alike(pulse.as_ref(), now));
                glanced.oldest_ms = Some(seen.oldest_ms());
                true
            }
            // Whether they are taken, and written down, is seen at a closer look.
            Other::Source => {
                let source = self.queues.depth(Queue::Source).await?;
                seen.drain_ms = self.drain_ms(source);
                source.total() == 0
            }
            Other::Quarantine => {
                let quarantined = self.queues.depth(Queue::Quarantine).await?.total();
                glanced.quarantined = Some(quarantined);
                quarantined == 0
            }
        };
        let is_quiet = nothing_is_under_way && it_is_quiet && seen.is_calm();
        let glance = if is_quiet { Glance::Quiet } else { Glance::LookCloser };
        Ok(Glanced { glance, ..glanced })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_767_609_720_000);

    #[test]
    fn who_listens_is_looked_at_now_and_then_and_all_the_time_while_nobody_does() {
        let memory = Memory::default();
        let minutes = |n: i64| NOW.plus_ms(n * 60_000);
        let turns = [(0, 0), (1, 0), (2, 1), (3, 1), (11, 1), (12, 2), (13, 2)];
        let looks: Vec<i64> = turns
            .into_iter()
            .filter(|(at, _)| memory.wants_to_know_who_listens(minutes(*at)))
            .map(|(at, listeners)| {
                memory.remember_listeners(listeners, minutes(at));
                at
            })
            .collect();
        assert_eq!(looks, [0, 1, 2, 12]);
    }

    #[test]
    fn the_alarms_are_looked_at_once_a_day_and_all_the_time_while_one_is_silenced() {
        let memory = Memory::default();
        let hours = |n: i64| NOW.plus_ms(n * 3_600_000);
        let turns = [(0, 0), (1, 0), (23, 0), (24, 1), (25, 2), (26, 0), (27, 0), (49, 0), (50, 0)];
        let looks: Vec<i64> = turns
            .into_iter()
            .filter(|(at, _)| memory.wants_to_know_which_alarms_are_silenced(hours(*at)))
            .map(|(at, silenced)| {
                memory.remember_silenced_alarms(silenced, hours(at));
                at
            })
            .collect();
        assert_eq!(looks, [0, 24, 25, 26, 50]);
    }

    #[test]
    fn alarms_of_which_cloudwatch_said_nothing_are_asked_about_again_in_an_hour() {
        let memory = Memory::default();
        memory.remember_no_answer_about_alarms(NOW);
        let wants =
            |minutes: i64| memory.wants_to_know_which_alarms_are_silenced(NOW.plus_ms(minutes * 60_000));
        assert_eq!([1, 59, 60].map(wants), [false, false, true]);
    }

    #[test]
    fn a_quarantine_is_looked_into_when_few_became_others_and_now_and_then() {
        let memory = Memory::default();
        let minutes = |n: i64| NOW.plus_ms(n * 60_000);
        let turns =
            [(0, 0), (3, 1), (3, 2), (4, 3), (4, 13), (80, 14), (81, 15), (900, 23), (0, 24), (3, 25)];
        let looks: Vec<u64> = turns
            .into_iter()
            .filter(|(quarantined, at)| memory.wants_a_look(*quarantined, minutes(*at)))
            .map(|(quarantined, _)| quarantined)
            .collect();
        assert_eq!(looks, [3, 4, 4, 900, 3]);
    }
}
