//! An incident: payments that cannot settle, from the first sign to the all-clear.
//!
//! Each turn of the responder looks ([`Observation`]), asks [`decide`], and does what it says. Two records carry the
//! memory from turn to turn: [`Recovery`] is about the backlog, [`Notice`] about the quarantine, so that one hopeless
//! payment never holds up a recovery.
//!
//! Nothing is ever redriven merely because it is dead-lettered: the provider must be [well](Probes::Well) on two turns
//! running, and a canary of payments that use it must come through.
//!
//! Invariant: an effect or a mail follows from a change of a record, and the change must be saved, on condition of the
//! version that was read, before the effect or mail goes out. Whoever loses that race does nothing: so two responders
//! at once, an event twice, late or never, all come to the same.

mod alike;
mod command;
mod contents;
mod late;
mod letter;
mod notice;
mod observation;
mod outbox;
mod recovery;
mod rowless;
mod selection;
mod survey;
mod telling;
#[cfg(test)]
mod tests;
mod traffic;
mod turn;

pub use alike::{Alike, Trouble};
pub use command::{Accused, Command, Found, Order, Refused};
pub use contents::{Contents, Copied, Group};
pub use letter::{Facts, Kind, Letter, NoticeFacts, NoticeKind, RedriveMode, Urgency};
pub use notice::{Notice, NoticePhase};
pub use observation::{Credentials, Depth, MoveTask, Observation, Probes, TaskStatus, Trigger, Verdict};
pub use outbox::{Late, Mail, Outbox};
pub(crate) use recovery::cut as kept_text;
pub use recovery::{Audit, Escalation, History, Member, Paused, Phase, Recovery, Streak, Told};
pub use rowless::{BodyDigest, Rowless, Stray};
pub use selection::{BadSelection, Rehearsal, Release, Selection};
pub use survey::{Details, Quarantined, Reach, Survey, Unsettled};
pub use traffic::{Rest, Share, Traffic};
pub use turn::Sorted;

/// The two records of an incident, as they were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Incident {
    /// About the backlog.
    pub recovery: Recovery,
    /// About the quarantine.
    pub notice: Notice,
}

impl Incident {
    /// Whether there is nothing to follow up: then a turn may do with a glance.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.recovery.is_quiet() && self.notice.is_quiet()
    }
}

/// What the operator allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whether dead letters are redriven without being told to.
    pub auto_redrive: AutoRedrive,
    /// Move tasks after which a dead letter without a ledger row, if it came back after each, is quarantined.
    pub redrive_cycles_max: u32,
}

/// Whether dead letters are redriven without being told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoRedrive {
    /// Once the provider is well.
    On,
    /// Only by command.
    Off,
}

/// What to do. First save what is to be saved; then, where that held, the effect; then the mails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The recovery record, where it changes.
    pub recovery: Option<Recovery>,
    /// The notice, where it changes.
    pub notice: Option<Notice>,
    /// What to do once the recovery record is saved.
    pub effect: Option<Effect>,
}

/// Something done to the world. At most one a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Look through dead letters and pick a canary; [`Recovery::sorted`] takes what was found.
    SortDeadLetters,
    /// Start a move task on the dead-letter queue.
    StartMoveTask,
    /// Cancel the one that runs.
    CancelMoveTask,
}

/// Says what follows from what was seen.
#[must_use]
pub fn decide(seen: &Observation, incident: &Incident, policy: &Policy) -> Decision {
    let seen = &incident.recovery.believed(seen);
    let (recovery, effect) = turn::decide(seen, &incident.recovery, policy);
    let notice = notice::decide(seen, &incident.notice);
    Decision {
        recovery: Some(recovery).filter(|next| *next != incident.recovery),
        notice: Some(notice).filter(|next| *next != incident.notice),
        effect,
    }
}

impl Decision {
    /// Whether a mail is written on the way from `before` to this, so that its details are worth gathering.
    #[must_use]
    pub fn writes_a_mail(&self, before: &Incident) -> bool {
        let recovery = self.recovery.as_ref();
        recovery.is_some_and(|next| next.outbox.written() > before.recovery.outbox.written())
            || self.writes_a_notice(before)
    }

    /// Whether one of them is about the quarantine.
    #[must_use]
    pub fn writes_a_notice(&self, before: &Incident) -> bool {
        let notice = self.notice.as_ref();
        notice.is_some_and(|next| next.outbox.written() > before.notice.outbox.written())
    }
}
