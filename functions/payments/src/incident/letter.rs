//! What a mail tells, as facts. How it is put into words is the responder's.
//!
//! The facts are saved with the transition, so a mail that is sent late still says what was true then.
//! Invariant: facts are taken from one observation and the record it led to.

use super::alike::Alike;
use super::contents::Contents;
use super::observation::{Depth, Observation, Probes, Trigger, Verdict};
use super::recovery::{Escalation, Phase, Recovery};
use super::survey::{Quarantined, Reach, Survey};
use super::traffic::{Share, Traffic};
use super::{AutoRedrive, Policy};
use crate::audit;
use crate::cause::Cause;
use crate::limits::{QUARANTINE_FEW, SHARE_NOW_PERCENT, SHARE_TODAY_PERCENT, UNEXPLAINED_MANY};
use crate::time::UnixMs;
use serde::{Deserialize, Serialize};

/// One mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Letter {
    /// About the backlog.
    Recovery(Kind, Box<Facts>),
    /// About the quarantine.
    Quarantine(NoticeKind, Box<NoticeFacts>),
    /// About an audit.
    Audit(audit::Kind, Box<audit::Story>),
}

/// Which transition of a recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Payments cannot settle.
    Opened,
    /// The provider is well and the backlog is being moved back.
    Recovering,
    /// What was moved back came back.
    BackToWaiting,
    /// It is over.
    Resolved,
    /// Only a human can help.
    Escalated(Escalation),
    /// Trouble of ours, and ten times as many wait as were told.
    Grown,
    /// It goes on, a day later.
    Reminder,
    /// The provider comes and goes: that is told instead of each time, and again every two hours.
    Flapping,
}

/// Which transition of a quarantine notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// Something is in quarantine.
    Opened,
    /// Nothing is any more.
    Cleared,
    /// It still is, a day later.
    Reminder,
    /// It holds ten times what was told.
    Grown,
    /// Something is there for a reason that no mail named.
    NewReason,
    /// Something there expires soon.
    Expiring,
}

/// What a mail about a recovery says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// When this was so.
    pub at: UnixMs,
    /// The incident's number; 0 in a mail that was written before they were counted.
    #[serde(default)]
    pub number: u64,
    /// When the incident was opened.
    pub opened_at: UnixMs,
    /// Since when the oldest payment waits.
    pub since: UnixMs,
    /// What opened it.
    pub trigger: Trigger,
    /// The queue that the consumer works on.
    pub source: Depth,
    /// The dead-letter queue.
    pub dead_letters: Depth,
    /// The payments at risk: unsettled for more than a moment.
    pub survey: Survey,
    /// How the provider was, if it was asked.
    pub probes: Option<Probes>,
    /// Whether dead letters are redriven without being told to.
    pub redrive: RedriveMode,
    /// Move tasks of this incident that ended.
    pub tasks: u32,
    /// Messages they moved, approximately.
    pub moved: u64,
    /// Recoveries that did not hold.
    pub setbacks: u32,
    /// Payments that went first and were settled, if this tells of the rest.
    #[serde(default)]
    pub went_first: u64,
    /// Nothing is tried before.
    pub next_try_at: Option<UnixMs>,
    /// Why the last move task failed.
    pub failure: Option<String>,
    /// Why only a human can help.
    pub escalations: Vec<Escalation>,
    /// Trouble that several payments share.
    #[serde(default)]
    pub alike: Option<Alike>,
    /// How often it has begun within hours, if that is what this tells of.
    #[serde(default)]
    pub flaps: u32,
    /// Dead letters that are gone although nobody here moved them.
    #[serde(default)]
    pub gone: u64,
    /// How long what waits for the consumer takes at the permitted pace, milliseconds.
    #[serde(default)]
    pub drain_ms: i64,
    /// How long the last to come through had waited, milliseconds.
    #[serde(default)]
    pub waited_ms: i64,
    /// When the first message expires of those whose age is known.
    #[serde(default)]
    pub expires_at: Option<UnixMs>,
    /// Who ordered what this mail tells of, if it was not decided here.
    pub ordered_by: Option<String>,
}

/// Whether dead letters are redriven without being told to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RedriveMode {
    /// They are.
    Automatic,
    /// `AutoRedrive` is off.
    Off,
    /// This person stopped it.
    PausedBy(String),
}

/// What a mail about the quarantine says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeFacts {
    /// When this was so.
    pub at: UnixMs,
    /// Counts the times that the quarantine filled; 0 in a mail that was written before they were counted.
    #[serde(default)]
    pub number: u64,
    /// Since when something is there.
    pub since: UnixMs,
    /// Messages in quarantine, approximately.
    pub messages: u64,
    /// Some of them, in a mail that was written before there were contents.
    #[serde(default)]
    pub samples: Vec<Quarantined>,
    /// What was read of them, if anything could be.
    #[serde(default)]
    pub contents: Option<Contents>,
    /// What they are a share of, if that could be counted.
    #[serde(default)]
    pub traffic: Option<Traffic>,
    /// What tells the causes apart that no mail named before.
    #[serde(default)]
    pub new_causes: Vec<String>,
    /// When the oldest of them expires, or has expired, as far as that was read.
    #[serde(default)]
    pub expires_at: Option<UnixMs>,
    /// The size that counts as told from here on: that at opening, times a power of ten.
    #[serde(default)]
    pub told_size: u64,
}

/// Whether a mail about the quarantine can wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// One or a few payments.
    OfficeHours,
    /// It grows, or is more than a tenth of all.
    Today,
    /// Most orders are not paid for.
    Now,
}

impl NoticeFacts {
    /// The part of the last hour's traffic that came to quarantine. Where not all was read, that of those that were stands
    /// for the rest.
    #[must_use]
    pub fn share(&self) -> Option<Share> {
        let (traffic, contents) = (self.traffic?, self.contents.as_ref()?);
        let quarantined = match contents.reach {
            Reach::All => contents.last_hour,
            Reach::Part => contents.last_hour.saturating_mul(self.messages) / contents.read.max(1),
        };
        let all = quarantined.saturating_add(traffic.passed);
        (all > 0).then_some(Share { quarantined, all })
    }

    /// Whether it can wait. A few can, whatever share of a quiet hour they are; and of a share that is one or two messages
    /// nobody has to get up.
    #[must_use]
    pub fn urgency(&self, kind: NoticeKind) -> Urgency {
        let share = self.share().filter(|_| self.messages >= QUARANTINE_FEW);
        let by_share = match share {
            Some(share) if share.percent() > SHARE_NOW_PERCENT && share.quarantined >= QUARANTINE_FEW => {
                Urgency::Now
            }
            Some(share) if share.percent() > SHARE_TODAY_PERCENT => Urgency::Today,
            Some(_) | None => Urgency::OfficeHours,
        };
        match kind {
            NoticeKind::Cleared => Urgency::OfficeHours,
            NoticeKind::Grown | NoticeKind::Expiring => by_share.max(Urgency::Today),
            NoticeKind::Opened | NoticeKind::NewReason | NoticeKind::Reminder => by_share,
        }
    }
}

impl Facts {
    pub(super) fn of(seen: &Observation, next: &Recovery, policy: &Policy) -> Self {
        let history = &next.history;
        let next_try_at = match next.phase {
            Phase::Waiting { next_try_at, .. } => Some(next_try_at).filter(|at| *at > seen.now),
            Phase::Quiet
            | Phase::Open
            | Phase::Canary { .. }
            | Phase::Redriving { .. }
            | Phase::Draining { .. }
            | Phase::Resolved => None,
        };
        Self {
            at: seen.now,
            number: history.number,
            opened_at: history.opened_at,
            since: history.since,
            trigger: history.trigger.unwrap_or(Trigger::DeadLetters),
            source: seen.source,
            dead_letters: seen.dead_letters,
            survey: Survey::default(),
            probes: seen.probes,
            redrive: RedriveMode::of(next, policy),
            tasks: history.tasks,
            moved: history.moved,
            setbacks: history.setbacks,
            went_first: seen.canary.iter().filter(|verdict| **verdict == Verdict::Settled).count() as u64,
            next_try_at,
            failure: history.failure.clone(),
            escalations: history
                .escalations
                .iter()
                .copied()
                .filter(|told| still_holds(*told, seen, next))
                .collect(),
            alike: seen.alike.clone(),
            flaps: history.flaps,
            gone: history.gone,
            drain_ms: seen.drain_ms,
            waited_ms: seen.waited_ms,
            expires_at: next.expires_at(seen),
            ordered_by: next.audit.last().filter(|audit| audit.at == seen.now).map(|audit| audit.who.clone()),
        }
    }

    /// Whether all that waits is dead-lettered and no payment of the ledger: a drill, what died before step 1, or a copy
    /// of a settled payment.
    #[must_use]
    pub fn is_rowless(&self) -> bool {
        self.trigger == Trigger::DeadLetters
            && self.dead_letters.total() > 0
            && self.survey.payments == 0
            && self.survey.reach == Reach::All
    }

    /// Whether most dead letters have no row. Each was tried until it was given up: so the consumer fails before it writes
    /// anything down, or cannot write. Messages that are still being tried say nothing, they may not have had their turn.
    #[must_use]
    pub fn is_mostly_unrecorded(&self) -> bool {
        let recorded_twice = self.survey.payments.saturating_mul(2);
        self.survey.reach == Reach::All && recorded_twice < self.dead_letters.total()
    }

    /// What most of what waits waits for; nothing when nobody knows. What a few rows say is no cause of the rest.
    #[must_use]
    pub fn main_cause(&self) -> Option<Cause> {
        self.survey.main_cause().filter(|_| !self.is_mostly_unrecorded())
    }

    /// Whether so many wait that their cause, if nobody knows it, has to be looked for at once.
    #[must_use]
    pub fn are_many(&self) -> bool {
        self.waiting() >= UNEXPLAINED_MANY
    }

    /// Payments that wait: messages as SQS counts them, unless the ledger knows of more.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.messages().max(self.survey.payments)
    }

    /// Whether the money in the ledger may be less than all that waits.
    #[must_use]
    pub fn money_reach(&self) -> Reach {
        if self.messages() > self.survey.payments { Reach::Part } else { self.survey.reach }
    }

    const fn messages(&self) -> u64 {
        self.source.total().saturating_add(self.dead_letters.total())
    }
}

/// What was told once may be mended by now; a reminder must not say it again.
fn still_holds(escalation: Escalation, seen: &Observation, next: &Recovery) -> bool {
    match escalation {
        Escalation::CredentialsRefused => seen.probes != Some(Probes::Well),
        Escalation::RefusedInARow
        | Escalation::IntentsMissing
        | Escalation::ConsumerDies
        | Escalation::Unreadable => seen.alike.as_ref().map(Alike::escalation) == Some(escalation),
        // Both say that the provider is well.
        Escalation::RedriveIsYours | Escalation::KeepsComingBack => {
            !matches!(seen.probes, Some(Probes::Unwell(_)))
        }
        Escalation::TaskCanceled => next.paused.is_some(),
        Escalation::TaskFailed | Escalation::Expiring => true,
        Escalation::Stranded => seen.is_stranded,
        Escalation::NobodyTakes => seen.source.is_at_rest(),
    }
}

impl RedriveMode {
    pub(super) fn of(recovery: &Recovery, policy: &Policy) -> Self {
        match (&recovery.paused, policy.auto_redrive) {
            (Some(paused), _) => Self::PausedBy(paused.who.clone()),
            (None, AutoRedrive::Off) => Self::Off,
            (None, AutoRedrive::On) => Self::Automatic,
        }
    }
}
