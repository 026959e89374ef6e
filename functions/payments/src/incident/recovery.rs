//! The recovery record: what the responder remembers of a backlog from turn to turn.
//!
//! Its JSON is kept in a table and outlives deployments: fields are added with a default, never renamed.
//! Invariant: what a transition tells people is told at most once an incident, however often it is passed.

use super::observation::{Observation, Trigger};
use super::outbox::Outbox;
use super::rowless::Rowless;
use crate::limits::{
    AUDIT_CHARS_MAX, AUDIT_MAX, TURN_GAP_MS_MAX, TURN_SPACING_MS, UNRECORDED_MS, UNTOUCHED_MS,
};
use crate::payment::PaymentId;
use crate::time::UnixMs;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Recovery {
    /// Counts saves; whoever saves must have read the newest. Kept beside the JSON, not in it.
    #[serde(skip)]
    pub version: u64,
    /// Where the incident stands.
    pub phase: Phase,
    /// What happened in it so far; after it, in the last one.
    pub history: History,
    /// Dead letters that the ledger does not know, whatever the incident.
    pub rowless: Rowless,
    /// While set, nothing is redriven but by command.
    pub paused: Option<Paused>,
    /// When incidents, and relapses within them, began lately.
    pub beginnings: Vec<UnixMs>,
    /// Since when messages wait for the consumer, and none comes through.
    pub untouched_since: Option<UnixMs>,
    /// Since when messages are in hand of which nothing is written down.
    pub unrecorded_since: Option<UnixMs>,
    /// Mails on their way.
    pub outbox: Outbox,
    /// The last commands, oldest first.
    pub audit: Vec<Audit>,
}

/// Where an incident stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum Phase {
    /// No incident.
    #[default]
    Quiet,
    /// Opened by the last turn; the provider was not asked yet.
    Open,
    /// The provider must be well before anything is tried.
    Waiting {
        /// Turns on which it was.
        well: Streak,
        /// Nothing is tried before.
        next_try_at: UnixMs,
    },
    /// A few dead letters went first. Without members they are still being picked.
    Canary {
        /// When they were sent; while there are none, when the picking began.
        since: UnixMs,
        /// Who they are.
        members: Vec<Member>,
        /// Turns on which the provider was well.
        well: Streak,
    },
    /// A move task was started, or is about to be by whoever saved this.
    Redriving {
        /// When.
        since: UnixMs,
        /// The newest task before ours, by its start.
        after: Option<UnixMs>,
    },
    /// Nothing is left to move; what was moved is being settled.
    Draining {
        /// Since when.
        since: UnixMs,
        /// Turns on which everything was calm.
        calm: Streak,
    },
    /// Over. The next turn is quiet again, or opens a new incident.
    Resolved,
}

impl Phase {
    /// Its name, as stored and shown.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Open => "open",
            Self::Waiting { .. } => "waiting",
            Self::Canary { .. } => "canary",
            Self::Redriving { .. } => "redriving",
            Self::Draining { .. } => "draining",
            Self::Resolved => "resolved",
        }
    }

    /// Whether an incident is under way.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        match self {
            Self::Quiet | Self::Resolved => false,
            Self::Open
            | Self::Waiting { .. }
            | Self::Canary { .. }
            | Self::Redriving { .. }
            | Self::Draining { .. } => true,
        }
    }
}

/// Turns in a row on which something held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Streak {
    /// How many.
    pub turns: u32,
    /// The last one that was counted.
    pub last_at: UnixMs,
}

impl Streak {
    /// It did not hold.
    pub const NONE: Self = Self { turns: 0, last_at: UnixMs(0) };

    /// It held again at `now`. Not counted when the last turn is only moments ago; begun anew when one is missing
    /// in between, because its save may have failed and nobody knows what it saw.
    #[must_use]
    pub const fn extended(self, now: UnixMs) -> Self {
        let gap_ms = now.since_ms(self.last_at);
        if self.turns == 0 || gap_ms > TURN_GAP_MS_MAX {
            Self { turns: 1, last_at: now }
        } else if gap_ms < TURN_SPACING_MS {
            self
        } else {
            Self { turns: self.turns.saturating_add(1), last_at: now }
        }
    }
}

/// A dead letter that goes first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its payment.
    pub payment_id: PaymentId,
    /// Deliveries of it before: one more means that it was tried.
    pub attempts: u32,
}

/// What happened in an incident.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    /// Its number, counted from the first incident of this installation; mails about it carry it.
    pub number: u64,
    /// Why it was opened.
    pub trigger: Option<Trigger>,
    /// When.
    pub opened_at: UnixMs,
    /// Since when the oldest payment waits.
    pub since: UnixMs,
    /// Move tasks that ended.
    pub tasks: u32,
    /// Messages they moved, approximately.
    pub moved: u64,
    /// Move tasks of which it is known whether they held.
    pub judged: u32,
    /// Recoveries that did not hold.
    pub setbacks: u32,
    /// Those since one did.
    pub setbacks_in_a_row: u32,
    /// When the last of them was.
    pub setback_at: UnixMs,
    /// Turns on which the provider was not well.
    pub unwell: Streak,
    /// Turns on which more payments were unsettled than any queue held messages.
    pub stranded: Streak,
    /// How often it has begun within hours, once that is what people are told of; 0 before.
    pub flaps: u32,
    /// The move task that was canceled here, by its start: the provider failed while it ran.
    pub canceled: Option<UnixMs>,
    /// How many dead letters there were when they were last counted, and when; nothing once they were looked through.
    pub dead_letters: Option<(u64, UnixMs)>,
    /// Dead letters that are gone although nobody here moved them.
    pub gone: u64,
    /// Why the last move task failed.
    pub failure: Option<String>,
    /// Whether people were told that it recovers, and that it fell back.
    pub told: BTreeSet<Told>,
    /// Why only a human can help. Each reason is told once.
    pub escalations: BTreeSet<Escalation>,
    /// When people were last told anything.
    pub told_at: UnixMs,
    /// Messages that waited then.
    pub told_size: u64,
}

/// What people were told that may turn out wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// The backlog is being moved.
    Recovering,
}

/// Why only a human can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Escalation {
    /// Stripe refuses our key, or the secret cannot be read.
    CredentialsRefused,
    /// Stripe refuses several payments alike: a parameter, a restricted key, an account that may not, an API version.
    RefusedInARow,
    /// Stripe does not know the intents of several payments: the key is another account's.
    IntentsMissing,
    /// Our consumer dies on one payment after the other.
    ConsumerDies,
    /// Message after message is no payment, as far as our consumer can read.
    Unreadable,
    /// The provider is well, and redriving was left to humans: `AutoRedrive` is off, or it was paused.
    RedriveIsYours,
    /// A move task failed.
    TaskFailed,
    /// Somebody canceled a move task. That is taken for a pause.
    TaskCanceled,
    /// The provider looks well, and yet what is moved back comes back: payments, or so many messages without a row that
    /// the consumer must be to blame.
    KeepsComingBack,
    /// More payments are unsettled than any queue holds messages.
    Stranded,
    /// Messages wait, and no function takes them.
    NobodyTakes,
    /// Messages expire soon, or will before their turn.
    Expiring,
}

/// Nothing is redriven but by command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paused {
    /// Since when.
    pub at: UnixMs,
    /// By whom.
    pub who: String,
    /// Why.
    pub why: String,
}

/// A command that was obeyed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// When.
    pub at: UnixMs,
    /// Its name, with what it was about.
    pub command: String,
    /// Who gave it.
    pub who: String,
    /// Why.
    pub why: String,
}

impl Recovery {
    /// Whether no incident is under way, no mail is on its way, and nothing is waited out.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        let nothing_lingers = self.untouched_since.is_none() && self.unrecorded_since.is_none();
        self.phase == Phase::Quiet && self.outbox.is_empty() && nothing_lingers
    }

    /// Whether the provider should be asked how it is: in every phase of an incident, since it may fail again in any.
    #[must_use]
    pub const fn wants_probes(&self) -> bool {
        self.phase.is_open()
    }

    /// Messages that nobody has in hand, while none comes through, are not taken by anybody.
    pub(super) fn watch_the_source(&mut self, seen: &Observation) {
        let since = self.untouched_since.unwrap_or(seen.now);
        let has_come_through = seen.came_through.is_some_and(|at| at > since);
        self.untouched_since = (seen.source.is_at_rest() && !has_come_through).then_some(since);
        let since = self.unrecorded_since.unwrap_or(seen.now);
        self.unrecorded_since = seen.unrecorded.is_some().then_some(since);
    }

    /// What is seen, with messages in hand that nobody has written anything down of for longer than a delivery takes.
    pub(super) fn believed(&self, seen: &Observation) -> Observation {
        let since = self.unrecorded_since.unwrap_or(seen.now);
        let unrecorded = seen.unrecorded.clone().filter(|_| seen.now.since_ms(since) >= UNRECORDED_MS);
        Observation { alike: seen.alike.clone().or(unrecorded), ..seen.clone() }
    }

    /// Whether that has gone on for longer than a poller can be busy elsewhere.
    pub(super) fn is_untouched(&self, now: UnixMs) -> bool {
        self.untouched_since.is_some_and(|since| now.since_ms(since) > UNTOUCHED_MS)
    }

    /// When the first message expires of those whose age is known: by their row, or because nobody has taken them since.
    pub(super) fn expires_at(&self, seen: &Observation) -> Option<UnixMs> {
        let untaken = self.untouched_since.filter(|_| self.is_untouched(seen.now));
        let untaken = untaken.map(|since| since.plus_ms(seen.retention_ms()));
        seen.expires_at().into_iter().chain(untaken).min()
    }

    /// Whether messages expire soon, or will before their turn.
    pub(super) fn expires_soon(&self, seen: &Observation) -> bool {
        self.expires_at(seen).is_some_and(|at| seen.is_soon(at)) || seen.expires_in_line()
    }

    /// Dead letters that vanish between two turns, and not into a move task, expired, or somebody took them. Counts may
    /// be wrong for a minute: whoever is back was not gone.
    pub(super) fn watch_the_dead_letters(&mut self, seen: &Observation) {
        let (there, history) = (seen.dead_letters.total(), &mut self.history);
        let moved =
            |since| seen.task.as_ref().is_some_and(|task| task.is_running() || task.started_at >= since);
        if let Some((before, at)) = history.dead_letters
            && there == 0
            && !moved(at)
        {
            history.gone = history.gone.max(before);
        }
        if there > 0 {
            history.gone = 0;
        }
        let waits = matches!(self.phase, Phase::Open | Phase::Waiting { .. });
        history.dead_letters = (waits && there > 0).then_some((there, seen.now));
    }

    /// The canary that is to be watched, and since when it is under way.
    #[must_use]
    pub fn canary(&self) -> Option<(&[Member], UnixMs)> {
        match &self.phase {
            Phase::Canary { since, members, .. } if !members.is_empty() => Some((members, *since)),
            Phase::Canary { .. }
            | Phase::Quiet
            | Phase::Open
            | Phase::Waiting { .. }
            | Phase::Redriving { .. }
            | Phase::Draining { .. }
            | Phase::Resolved => None,
        }
    }

    pub(super) fn note(&mut self, at: UnixMs, command: String, who: &str, why: &str) {
        self.audit.push(Audit { at, command, who: cut(who), why: cut(why) });
        let surplus = self.audit.len().saturating_sub(AUDIT_MAX);
        self.audit.drain(..surplus);
    }
}

impl History {
    pub(super) fn opened(trigger: Trigger, seen: &Observation) -> Self {
        let since = seen.oldest.as_ref().map_or(seen.now, |oldest| oldest.received_at.min(seen.now));
        Self { trigger: Some(trigger), opened_at: seen.now, since, ..Self::default() }
    }
}

pub(crate) fn cut(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).take(AUDIT_CHARS_MAX).collect()
}
