//! The history of a run: everything the checks and the report are made from.
//!
//! Invariant: it is complete and final; nothing looks back into the world it came from.

use super::edge::EdgeHistory;
use super::{Audited, Names};
use crate::cloud::iam::Grant;
use crate::cloud::sns::Mail;
use crate::cloud::sqs::Held;
use crate::experiment::{Experiment, Order};
use crate::faults::{Fault, Tally};
use crate::journal::Record;
use crate::promises::Check;
use crate::stripe::{Movement, Stage};
use crate::turns::Turn;
use payments::UnixMs;
use std::collections::{BTreeMap, BTreeSet};

/// One run, from its first event to its last.
#[derive(Clone, Debug)]
pub struct History {
    /// What was run.
    pub experiment: Experiment,
    /// Where.
    pub target: Target,
    /// Seed of every draw.
    pub seed: u64,
    /// What queues and table are called.
    pub names: Names,
    /// When it began, in virtual time.
    pub began: UnixMs,
    /// When it ended.
    pub ended: UnixMs,
    /// How it ended.
    pub ending: Ending,
    /// Every message the source queue accepted from the producer, in order.
    pub sent: Vec<Sent>,
    /// Messages that SQS would not take.
    pub refused: Vec<Refused>,
    /// The journal.
    pub records: Vec<Record>,
    /// Every movement of money.
    pub book: Vec<Movement>,
    /// Every status that an intent came to, oldest first.
    pub intents: Vec<Stage>,
    /// Every row of the ledger, by payment id.
    pub ledger: Vec<LedgerRow>,
    /// What each queue held at the end, by queue name.
    pub queues: BTreeMap<String, Vec<Held>>,
    /// Every mail that arrived, in order.
    pub mails: Vec<Mail>,
    /// What the audit at its end came to.
    pub audited: Audited,
    /// Orders that humans gave, each as often as it took until it was carried out.
    pub given: Vec<Order>,
    /// Calls that functions made to the services of AWS.
    pub sdk_calls: u64,
    /// The grants without any one of which the run would have gone otherwise.
    pub grants: BTreeSet<Grant>,
    /// What came of each configured fault.
    pub faults: Vec<Tally>,
    /// Every invocation, in the order in which they began.
    pub invocations: Vec<Invocation>,
    /// The turns that the first two invocations of the consumer took, if the experiment has an order for them.
    pub turns: Vec<Turn>,
    /// Who is told of what.
    pub alerted: Alerted,
    /// What was told at the edge, if there was one.
    pub edge: Option<EdgeHistory>,
    /// Checks that what was seen of the run says nothing about, and why; none where everything was seen.
    pub unseen: BTreeMap<Check, String>,
}

/// Where a run takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// In this process and in simulated time.
    Simulated,
    /// In real time, with the functions as processes of this machine.
    Local,
    /// On a stack that was deployed, in real time, seen from outside.
    Deployed,
}

impl Target {
    /// As it is typed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Simulated => "sim",
            Self::Local => "local",
            Self::Deployed => "aws",
        }
    }
}

/// An invocation, and where it could have died.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// `consumer` or `responder`.
    pub function: &'static str,
    /// When it began; its container may have started only then.
    pub began: UnixMs,
    /// Hops, from 1, at which its death can be told from one at the hop before.
    pub crash_points: Vec<u64>,
}

/// Who is told of what in a stack, as far as the checks must know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alerted {
    /// Logical id of the responder, if there is one.
    pub responder: Option<String>,
    /// Alarms: what they are called as deployed, and in the template.
    pub alarms: BTreeMap<String, String>,
    /// Topic that people read.
    pub alerts: Option<String>,
    /// Topic of what needs somebody at once.
    pub pages: Option<String>,
    /// Stripe calls a second that the stack permits itself.
    pub stripe_calls_per_s: Option<u64>,
    /// How long the payments queue keeps a message, ms.
    pub source_retention_ms: Option<i64>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Everything had been sent, no fault was left, the source queue was empty, and the incident was over.
    Drained,
    /// The time the experiment gives for that was up.
    TimeUp,
}

/// A message the producer sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// When.
    pub at: UnixMs,
    /// The id SQS gave it.
    pub message: String,
    /// Its body.
    pub body: String,
    /// Why it was sent.
    pub origin: Origin,
}

/// Why a message was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is part of the workload.
    Workload,
    /// A fault of the producer's: it is no payment, or one that was sent before, or contradicts one.
    Fault,
}

/// A message SQS would not take: the producer knows, so nothing is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// When it was sent.
    pub at: UnixMs,
    /// SQS's words.
    pub why: String,
}

/// What a ledger row says, as far as the checks look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerRow {
    /// `payment_id`.
    pub payment: String,
    /// `state`; empty when the row has none, which no check accepts.
    pub state: String,
    /// `version`.
    pub version: u64,
    /// `intent_id`.
    pub intent: Option<String>,
    /// `amount`, minor units.
    pub amount_minor: Option<i64>,
    /// `currency`.
    pub currency: Option<String>,
    /// `decline.code`.
    pub code: Option<String>,
    /// `decline.decline_code`.
    pub decline_code: Option<String>,
    /// `reason`: why it is in quarantine.
    pub reason: Option<String>,
    /// `received_at`: its first delivery.
    pub received_at: Option<UnixMs>,
    /// `fingerprint` of the request it is frozen to.
    pub fingerprint: Option<String>,
    /// `quarantine_message_id`.
    pub quarantine_message: Option<String>,
    /// `create_generation`: how often the key of its create was changed.
    pub create_generation: u64,
    /// Whether it is in the index of what is unsettled: the money at risk.
    pub is_at_risk: bool,
    /// `settled_at`: when it reached its final state, or quarantine.
    pub settled_at: Option<UnixMs>,
    /// `expires_at`, seconds since 1970: when DynamoDB may delete it.
    pub expires_at_s: Option<i64>,
}

impl History {
    /// What a queue held at the end; nothing for an unknown queue.
    #[must_use]
    pub fn held(&self, queue: &str) -> &[Held] {
        self.queues.get(queue).map_or(&[], Vec::as_slice)
    }

    /// From when until when a fault is at work.
    #[must_use]
    pub fn span(&self, fault: &Fault) -> (UnixMs, UnixMs) {
        (self.instant(fault.window.from_ms), self.instant(fault.window.until_ms))
    }

    /// The instant `ms` after the beginning.
    #[must_use]
    pub fn instant(&self, ms: u64) -> UnixMs {
        self.began.plus_ms(i64::try_from(ms).unwrap_or(i64::MAX))
    }
}
