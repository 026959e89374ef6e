//! What a human may order.
//!
//! Invariant: an order that is obeyed is in the record, with who and why; one that is refused changes nothing.

use super::observation::Observation;
use super::recovery::{Escalation, Paused, Phase, Recovery, cut};
use super::selection::{Rehearsal, Release};
use super::turn::{Turn, is_older_than_a_turn};
use super::{Effect, Policy};
use crate::audit::Span;
use crate::payment::PaymentId;

/// An order, with whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// What.
    pub command: Command,
    /// Who says so.
    pub who: String,
    /// Why.
    pub why: String,
}

/// What is ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Move the dead letters back now, whatever the probes say.
    Redrive,
    /// Redrive nothing but by command.
    Pause,
    /// Take a pause back.
    Resume,
    /// Try payments in quarantine again.
    Release(Release),
    /// Settle a payment by what the provider says of its intent, or a human where it does not know it.
    Reconcile(PaymentId, Option<Found>),
    /// Blame payments for what they met, and not ourselves.
    Blame(Accused),
    /// Write out what is in quarantine.
    Export,
    /// Hold the provider's books against the ledger, this far back.
    Audit(Span),
    /// Say how things stand.
    Status,
}

/// Which payments are blamed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accused {
    /// This one.
    Payment(PaymentId),
    /// Those that wait for having met this.
    Refused(String),
}

/// What a human found of an intent that our key does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It charged this payment.
    Charged,
    /// It did not, and never will.
    NotCharged,
}

impl Found {
    /// The word, as typed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Charged => "charged",
            Self::NotCharged => "not_charged",
        }
    }
}

impl Command {
    /// Its name, as typed.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Redrive => "redrive",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Release(_) => "release",
            Self::Reconcile(..) => "reconcile",
            Self::Blame(_) => "blame",
            Self::Export => "export",
            Self::Audit(_) => "audit",
            Self::Status => "status",
        }
    }

    /// Whether it changes nothing, so that nobody has to answer for it.
    #[must_use]
    pub fn only_asks(&self) -> bool {
        match self {
            Self::Status | Self::Export => true,
            Self::Release(release) => release.rehearsal == Rehearsal::DryRun,
            Self::Redrive
            | Self::Pause
            | Self::Resume
            | Self::Reconcile(..)
            | Self::Blame(_)
            | Self::Audit(_) => false,
        }
    }

    /// As the record remembers it.
    fn noted(&self) -> String {
        match self {
            Self::Release(release) => cut(&format!("release {}", release.selection)),
            Self::Reconcile(payment_id, None) => format!("reconcile {payment_id}"),
            Self::Reconcile(payment_id, Some(found)) => format!("reconcile {payment_id}: {}", found.name()),
            Self::Blame(Accused::Payment(payment_id)) => format!("blame {payment_id}"),
            Self::Blame(Accused::Refused(what)) => cut(&format!("blame {what}")),
            Self::Audit(span) => format!("audit {span}"),
            Self::Redrive | Self::Pause | Self::Resume | Self::Export | Self::Status => {
                self.name().to_owned()
            }
        }
    }
}

/// Why an order is not obeyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nothing to move.
    #[error("nothing was started: no message is dead-lettered")]
    NothingDeadLettered,
    /// SQS takes one task at a time.
    #[error("nothing was started: a move task is running already, see it with the command status")]
    TaskRuns,
    /// Another turn is about to start one.
    #[error(
        "nothing was started: a move task is being started at this moment, see it with the command status"
    )]
    TaskStarts,
    /// Nothing to take back.
    #[error("nothing was changed: redriving is not paused")]
    NotPaused,
}

impl Recovery {
    /// The record after `order`, and what to do once it is saved. To be applied to what [`decide`](super::decide)
    /// made of the record.
    ///
    /// # Errors
    /// [`Refused`] when it makes no sense as things stand.
    pub fn obey(
        &self,
        order: &Order,
        seen: &Observation,
        policy: &Policy,
    ) -> Result<(Self, Option<Effect>), Refused> {
        if order.command.only_asks() {
            return Ok((self.clone(), None));
        }
        let mut turn = Turn::new(seen, self, policy);
        turn.next.note(seen.now, order.command.noted(), &order.who, &order.why);
        match &order.command {
            Command::Redrive => {
                may_start(self, seen)?;
                turn.redrive_by_order();
            }
            Command::Pause => {
                turn.next.paused = Some(Paused { at: seen.now, who: cut(&order.who), why: cut(&order.why) });
            }
            Command::Resume => {
                turn.next.paused.take().ok_or(Refused::NotPaused)?;
                // Whoever pauses again, or cancels again, is told again.
                for told in [Escalation::RedriveIsYours, Escalation::TaskCanceled] {
                    turn.next.history.escalations.remove(&told);
                }
            }
            Command::Release(_)
            | Command::Reconcile(..)
            | Command::Blame(_)
            | Command::Audit(_)
            | Command::Export
            | Command::Status => {}
        }
        Ok((turn.next, turn.effect))
    }
}

fn may_start(record: &Recovery, seen: &Observation) -> Result<(), Refused> {
    if seen.a_task_runs() {
        return Err(Refused::TaskRuns);
    }
    if seen.dead_letters.total() == 0 {
        return Err(Refused::NothingDeadLettered);
    }
    match record.phase {
        Phase::Redriving { since, .. } if !is_older_than_a_turn(since, seen.now) => Err(Refused::TaskStarts),
        Phase::Quiet
        | Phase::Open
        | Phase::Waiting { .. }
        | Phase::Canary { .. }
        | Phase::Redriving { .. }
        | Phase::Draining { .. }
        | Phase::Resolved => Ok(()),
    }
}
