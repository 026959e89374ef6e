//! What was seen of a run from outside: its raw observations, before anything is made of them.
//!
//! Invariant: an instant is when something was seen, unless who was asked said when it was.

use super::lines::Line;
use crate::cloud::sns::Mail;
use crate::cloud::sqs::Held;
use crate::faults::Tally;
use crate::journal::Record;
use crate::stripe::Movement;
use crate::world::{Ending, LedgerRow, Refused, Sent};
use payments::UnixMs;
use std::collections::{BTreeMap, BTreeSet};

/// All of it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) began: UnixMs,
    pub(super) ended: UnixMs,
    pub(super) ending: Ending,
    /// What SQS accepted, with the ids it gave, and what it did not.
    pub(super) sent: Vec<Sent>,
    pub(super) refused: Vec<Refused>,
    /// When each message, by the id under which it was sent, was seen among the dead letters, and no more.
    pub(super) letters: Vec<(UnixMs, Letter)>,
    /// Where the incident stood, whenever that had changed, and the version of its record.
    pub(super) phases: Vec<(UnixMs, String, u64)>,
    pub(super) mails: Vec<Mail>,
    /// The consumer's log.
    pub(super) lines: Vec<Line>,
    /// Changes of alarms, starts of move tasks: with their own instants.
    pub(super) records: Vec<Record>,
    /// What Stripe was asked and did.
    pub(super) calls: Vec<Record>,
    pub(super) book: Vec<Movement>,
    pub(super) faults: Vec<Tally>,
    /// Rows of the run's payments, and of any that appeared while it ran; with when they were first written.
    pub(super) ledger: Vec<(LedgerRow, UnixMs)>,
    /// What each queue held at the end, by its name.
    pub(super) queues: BTreeMap<String, Vec<Held>>,
    /// What of it is not whole.
    pub(super) gaps: BTreeSet<Gap>,
}

/// A dead letter comes into sight, or is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Letter {
    Came(String),
    Went(String),
}

/// What may be missing of what can usually be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gap {
    /// Not every message could be read that a queue held at the end: somebody has it in hand.
    Queues,
    /// The log does not have a line for every payment that was settled.
    Log,
    /// It is no AWS: what its alarms and its move tasks do proves nothing.
    Emulated,
}
