//! An incident: payments that cannot settle, from the first sign to the all-clear.
//!
//! # What this is for
//!
//! A payment fails for a while and its message goes back to the queue; after five receives SQS dead-letters it. So an
//! outage of the provider leaves three heaps: messages that are still being tried, dead letters, and rows of the ledger
//! that say what each of them met last. Somebody has to notice, to tell people what it is worth and whether they are
//! needed, to find out when the provider is well again, and to bring the heaps back without making a second outage of
//! it. That is the responder's work, a minute at a time, and this module is its judgement: pure functions from what was
//! seen to what follows, with neither clock nor network.
//!
//! # Why it is not one line
//!
//! `StartMessageMoveTask` as soon as there are dead letters is how an outage is made longer: whatever is moved into a
//! provider that is still down uses up five receives, and comes back with a later date. Waiting for an alarm to say OK
//! does not do either: an alarm tells of the queue, not of the provider. And a provider that answers is not one that
//! charges. Hence three steps, each cheaper to get wrong than the next: *probes* that cannot charge, on two turns
//! running; a *canary* of up to three real payments; then one *move task*, which is canceled when the provider falls
//! back.
//!
//! Half of what looks like an outage is none. A key that was revoked, an account that may not charge, a consumer that
//! crashes, a mapping that was disabled, a backlog at the pace that we permit ourselves: all of these heap up messages
//! while the provider is perfectly well, and none is mended by waiting for it. So what waits is first asked for its
//! *cause* ([`Alike`], [`Trigger`]), and a cause that is not the provider's, an unknown one included, never makes a mail
//! say that nobody has to get up.
//!
//! # A turn
//!
//! 1. Look ([`Observation`]): the depths of three queues, the newest move task, the oldest unsettled rows and what they
//!    share, when a payment last came through, how the canary stands and, while an incident is open, the probes. The event
//!    that woke the responder says nothing that is not looked at: events repeat, come late, and get lost.
//! 2. Decide ([`decide`]): from the observation and the two records to the next records, and at most one [`Effect`].
//!    [`Recovery`] is about the backlog, [`Notice`] about the quarantine, so that one hopeless payment never holds up a
//!    recovery.
//! 3. Save each record, on condition of the version that was read; only then act, and only then mail. A mail that was
//!    decided lies in the record's [`Outbox`] until the topic took it, whoever comes to send it.
//!
//! # What moves an incident on
//!
//! It *opens* when something has waited for long, is dead-lettered, or will wait for long. It stays *waiting* until the
//! provider is well, sends a *canary*, *redrives*, *drains*, and is *resolved* only when the provider is well and nobody
//! has waited for longer than a minute. `turn` has the picture. A canary is judged by its members, or by anybody else who
//! comes through meanwhile, never by how long our own queue is. What fails half-way is a *setback*: the next try comes
//! after a pause that doubles. More than three incidents in six hours are one that *flaps*, which is told as such and
//! every two hours, instead of dozens of times.
//!
//! # What people are told
//!
//! Each change, once: that it opened, grew tenfold, recovers, fell back, is over; and what only they can do
//! ([`Escalation`]). A mail that could not be sent in time is not sent as it was: one that says what is so now stands
//! for it (`late`). An order is recommended only while it is true.
//!
//! # What may be believed
//!
//! SQS counts approximately and up to a minute late, so what follows from a count is waited for: an empty queue on
//! three turns running, rows without a message on four. The schedule may skip a turn or take two at once. Two turns may
//! run side by side, and a turn may die anywhere.
//!
//! Invariant: an effect or a mail follows from a change of a record, and the change must be saved, on condition of the
//! version that was read, before the effect or mail goes out. Whoever loses that race does nothing: so two responders
//! at once, an event twice, late or never, all come to the same.
//!
//! Nothing is ever redriven merely because it is dead-lettered.

mod alike;
mod command;
mod contents;
mod details;
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
pub use details::Details;
pub use letter::{Facts, Kind, Letter, NoticeFacts, NoticeKind, RedriveMode, Urgency};
pub use notice::{Notice, NoticePhase};
pub use observation::{Credentials, Depth, MoveTask, Observation, Probes, TaskStatus, Trigger, Verdict};
pub use outbox::{Late, Mail, Outbox};
pub(crate) use recovery::cut as kept_text;
pub use recovery::{Audit, Escalation, History, Member, Paused, Phase, Recovery, Streak, Told};
pub use rowless::{BodyDigest, Rowless, Stray};
pub use selection::{BadSelection, Rehearsal, Release, Selection};
pub use survey::{Quarantined, Reach, Survey, Unsettled};
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
