//! A quiet turn: two calls, and none more.
//!
//! While the last look at everything found nothing wrong, each turn of the schedule asks for the depth of the
//! dead-letter queue (whose CloudWatch metrics that keeps awake) and, in turn, for one other thing: every second time
//! the oldest unsettled payment, else the quarantine or a record. It remembers when the next audit is due. Whatever it finds amiss makes the same turn look at
//! everything; so does every event, and the first turn of a container.
//!
//! Invariant: a glance concludes nothing but "all quiet", from what it saw itself.

use crate::Inner;
use crate::error::TurnError;
use crate::limits::GLANCES;
use crate::tale::Tale;
use payments::UnixMs;
use payments::audit::Audit;
use payments::incident::{Notice, Observation, Recovery};
use std::sync::{Mutex, PoisonError};

/// What a container remembers between turns. Only ever used to do less.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last: Last,
    audit_due_at: UnixMs,
    glances: usize,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Glance {
    /// All quiet.
    Quiet,
    /// Look at everything.
    LookCloser,
}

#[derive(Clone, Copy, Debug)]
enum Look {
    Unsettled,
    Quarantine,
    Recovery,
    Notice,
    Audit,
}

const ROUND: [Look; GLANCES] = [
    Look::Unsettled,
    Look::Quarantine,
    Look::Unsettled,
    Look::Recovery,
    Look::Unsettled,
    Look::Quarantine,
    Look::Unsettled,
    Look::Notice,
    Look::Unsettled,
    Look::Quarantine,
    Look::Unsettled,
    Look::Audit,
];

impl Memory {
    pub(crate) fn remember(&self, last: Last) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).last = last;
    }

    pub(crate) fn remember_audit(&self, due_at: UnixMs) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).audit_due_at = due_at;
    }

    /// What to look at this time, if a glance will do.
    fn next(&self, now: UnixMs) -> Option<Look> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.last != Last::Quiet || now >= state.audit_due_at {
            return None;
        }
        let look = ROUND[state.glances % ROUND.len()];
        state.glances = state.glances.wrapping_add(1);
        Some(look)
    }
}

impl Inner {
    /// Looks at two things, if that may do.
    pub(crate) async fn glance(&self, now: UnixMs, tale: &mut Tale) -> Result<Glance, TurnError> {
        let Some(look) = self.memory.next(now) else { return Ok(Glance::LookCloser) };
        let mut seen = Observation { now, ..Observation::default() };
        seen.dead_letters = self.queues.depth(&self.queues.dead_letters).await?;
        tale.dead_letters = Some(seen.dead_letters.total());
        let is_quiet = match look {
            Look::Unsettled => {
                let waiting = self.waiting(now).await?;
                (seen.oldest, seen.alike) = (waiting.oldest, waiting.alike);
                tale.oldest_ms = Some(seen.oldest_ms());
                true
            }
            Look::Quarantine => {
                let quarantined = self.queues.depth(&self.queues.quarantine).await?.total();
                tale.quarantined = Some(quarantined);
                quarantined == 0
            }
            Look::Recovery => self.records.read::<Recovery>().await?.is_quiet(),
            Look::Notice => self.records.read::<Notice>().await?.is_quiet(),
            Look::Audit => self.records.read::<Audit>().await?.is_quiet(),
        };
        Ok(if is_quiet && seen.is_calm() { Glance::Quiet } else { Glance::LookCloser })
    }
}
