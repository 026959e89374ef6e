//! What one turn of the responder sees.
//!
//! Invariant: it is taken from the services themselves (queue counts, move tasks, the ledger), never from the event
//! that woke the responder: events repeat, arrive late, and get lost.

use super::alike::Alike;
use super::contents::Contents;
use super::recovery::{Escalation, Member};
use super::survey::Unsettled;
use crate::cause::Cause;
use crate::ledger::Row;
use crate::limits::{
    BACKLOG_MS, DEAD_LETTERS_RETENTION_S, DELAYED_MS, EXPIRY_WARNING_MS, SOURCE_RETENTION_S,
};
use crate::time::UnixMs;
use serde::{Deserialize, Serialize};

/// What one turn saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observation {
    /// When.
    pub now: UnixMs,
    /// The queue that the consumer works on.
    pub source: Depth,
    /// The dead-letter queue.
    pub dead_letters: Depth,
    /// The quarantine queue.
    pub quarantine: Depth,
    /// The newest move task of the dead-letter queue, whoever started it.
    pub task: Option<MoveTask>,
    /// The oldest unsettled payment, whatever its age.
    pub oldest: Option<Unsettled>,
    /// Trouble that several of them share.
    pub alike: Option<Alike>,
    /// Messages in hand of which no row tells.
    pub unrecorded: Option<Alike>,
    /// Whether more payments are unsettled for long than the queues hold messages.
    pub is_stranded: bool,
    /// When a payment last came through, whichever; only asked while an incident is open, or messages wait.
    pub came_through: Option<UnixMs>,
    /// How long the last of those had waited for its first delivery, milliseconds.
    pub waited_ms: i64,
    /// How long what waits for the consumer takes at the pace that it is permitted, milliseconds.
    pub drain_ms: i64,
    /// How long the queue of the consumer keeps a message, milliseconds.
    pub source_retention_ms: Option<i64>,
    /// Whether an alarm says that our credentials are refused.
    pub credentials: Credentials,
    /// How the provider is; only asked while an incident is open.
    pub probes: Option<Probes>,
    /// How each member of the canary stands, in their order.
    pub canary: Vec<Verdict>,
    /// What is in quarantine; looked at when that changed.
    pub contents: Option<Contents>,
}

/// Messages in a queue, as SQS counts them: approximately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Depth {
    /// Waiting to be received.
    pub visible: u64,
    /// Received, neither deleted nor visible again.
    pub in_flight: u64,
    /// Sent with a delay.
    pub delayed: u64,
}

impl Depth {
    /// All of them.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.visible.saturating_add(self.in_flight).saturating_add(self.delayed)
    }

    /// Whether messages wait and nobody has one in hand.
    #[must_use]
    pub const fn is_at_rest(self) -> bool {
        self.visible > 0 && self.in_flight == 0
    }
}

/// A message move task of SQS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveTask {
    /// When it was started, by SQS's clock. Tells one task from the next.
    pub started_at: UnixMs,
    /// How it stands.
    pub status: TaskStatus,
    /// Messages moved so far, approximately.
    pub moved: u64,
}

impl MoveTask {
    /// Whether it still occupies the queue, which takes one task at a time.
    #[must_use]
    pub const fn is_running(&self) -> bool {
        match self.status {
            TaskStatus::Running | TaskStatus::Cancelling => true,
            TaskStatus::Completed | TaskStatus::Cancelled | TaskStatus::Failed(_) => false,
        }
    }
}

/// How a move task stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// It moves messages. Also what a status of the future counts as: nothing is started beside it.
    Running,
    /// It was told to stop and has not yet.
    Cancelling,
    /// It moved what was there when it started, perhaps not what came just before.
    Completed,
    /// Somebody stopped it.
    Cancelled,
    /// It gave up, and why.
    Failed(String),
}

/// Whether an alarm says that our credentials are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Credentials {
    /// No such alarm.
    #[default]
    NotSuspected,
    /// Stripe refuses our key.
    Refused,
}

/// What a turn's probes of the provider came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probes {
    /// Every one was answered.
    Well,
    /// One was not, for this reason.
    Unwell(Cause),
}

/// How a member of the canary stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its row is settled: the provider gave an answer that ends it.
    Settled,
    /// A delivery since the canary began met a provider that fails, or refuses us.
    Failed(Cause),
    /// A delivery since the canary began met trouble of the payment's own, which says nothing of the provider.
    Stuck(Cause),
    /// Nothing that decides.
    Open,
}

/// What opened an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// Our credentials are refused.
    CredentialsRefused,
    /// Several payments share trouble that is ours.
    Alike,
    /// Payments are dead-lettered.
    DeadLetters,
    /// A payment has been unsettled for too long.
    Delayed,
    /// More payments came in than can be charged soon.
    Backlog,
    /// Messages wait, and no function takes them.
    Untouched,
}

impl Observation {
    /// The first reason there is to open an incident.
    #[must_use]
    pub fn trigger(&self) -> Option<Trigger> {
        let is_refused = self.last_error().is_some_and(Cause::is_refusal_of_credentials);
        if is_refused || self.credentials == Credentials::Refused {
            Some(Trigger::CredentialsRefused)
        } else if self.alike.is_some() {
            Some(Trigger::Alike)
        } else if self.dead_letters.total() > 0 {
            Some(Trigger::DeadLetters)
        } else if self.oldest_ms() > DELAYED_MS {
            Some(Trigger::Delayed)
        } else if self.waited_ms.max(self.drain_ms) > BACKLOG_MS {
            Some(Trigger::Backlog)
        } else {
            None
        }
    }

    /// What of this only a human can mend, whatever the phase.
    #[must_use]
    pub fn needs_a_hand(&self) -> Option<Escalation> {
        let probed = match self.probes {
            Some(Probes::Unwell(cause)) => Some(cause),
            Some(Probes::Well) | None => None,
        };
        let met = [probed, self.last_error()];
        let is_met = |cause| met.contains(&Some(cause));
        let is_refused = met.into_iter().flatten().any(Cause::is_refusal_of_credentials);
        if is_refused || is_met(Cause::SecretUnavailable) || self.credentials == Credentials::Refused {
            Some(Escalation::CredentialsRefused)
        } else {
            self.alike.as_ref().map(Alike::escalation)
        }
    }

    /// When the first message expires of those whose age is known.
    #[must_use]
    pub fn expires_at(&self) -> Option<UnixMs> {
        let retention_ms = if self.dead_letters.total() > 0 {
            DEAD_LETTERS_RETENTION_S * 1_000
        } else if self.source.total() > 0 {
            self.retention_ms()
        } else {
            return None; // There is no message that could.
        };
        Some(self.oldest.as_ref()?.enqueued_at.plus_ms(retention_ms))
    }

    /// Whether what expires then is to be told of now.
    #[must_use]
    pub fn is_soon(&self, expires_at: UnixMs) -> bool {
        expires_at.since_ms(self.now) < EXPIRY_WARNING_MS.min(self.retention_ms() / 2)
    }

    /// Whether the last in line will have expired when its turn comes. How old it is nobody knows; in a burst it is as old
    /// as the first.
    #[must_use]
    pub fn expires_in_line(&self) -> bool {
        self.drain_ms > 0 && self.waited_ms.saturating_add(self.drain_ms) > self.retention_ms()
    }

    /// How long the queue of the consumer keeps a message, milliseconds.
    #[must_use]
    pub fn retention_ms(&self) -> i64 {
        self.source_retention_ms.unwrap_or(SOURCE_RETENTION_S * 1_000)
    }

    fn last_error(&self) -> Option<Cause> {
        self.oldest.as_ref()?.last_error
    }

    /// Whether nothing is wrong and nothing is being mended.
    #[must_use]
    pub fn is_calm(&self) -> bool {
        self.trigger().is_none() && !self.a_task_runs()
    }

    /// Whether the dead-letter queue is occupied by a move task.
    #[must_use]
    pub fn a_task_runs(&self) -> bool {
        self.task.as_ref().is_some_and(MoveTask::is_running)
    }

    /// Messages that wait, whether they are dead-lettered or still being tried.
    #[must_use]
    pub const fn messages(&self) -> u64 {
        self.source.total().saturating_add(self.dead_letters.total())
    }

    /// Age of the oldest unsettled payment, milliseconds; 0 when there is none.
    #[must_use]
    pub fn oldest_ms(&self) -> i64 {
        self.oldest.as_ref().map_or(0, |oldest| self.now.since_ms(oldest.received_at).max(0))
    }
}

impl Member {
    /// How this member stands, by its row as it is now. `since` is when the canary began.
    #[must_use]
    pub fn verdict(&self, row: Option<&Row>, since: UnixMs) -> Verdict {
        let Some(row) = row else { return Verdict::Open };
        if !row.state.is_unsettled() {
            return Verdict::Settled;
        }
        // Only a delivery that began after the canary and has ended says anything: the note on the row may be hours
        // old. One that ended with a cause of the payment's own stays open on the row, and decides nothing.
        let began = row.attempts > self.attempts;
        let under_way = row.open.iter().any(|delivery| delivery.began_at >= since);
        match row.last_error {
            Some(cause) if began && !under_way && fails_a_canary(cause) => Verdict::Failed(cause),
            Some(cause) if began && !under_way && cause.sticks() => Verdict::Stuck(cause),
            Some(_) | None => Verdict::Open,
        }
    }
}

/// What the rest of the dead letters would meet as well. A spared call does not count: the breaker of a container
/// may stay open a little longer than the provider is down, and the payment comes back in half a minute.
const fn fails_a_canary(cause: Cause) -> bool {
    cause.is_provider_failure()
        || cause.is_refusal_of_credentials()
        || matches!(cause, Cause::SecretUnavailable | Cause::Refused | Cause::RefusedInARow)
}
