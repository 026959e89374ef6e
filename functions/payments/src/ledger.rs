//! The ledger row: everything the pipeline remembers of a payment, and the only ways it may change.
//!
//! The DynamoDB adapter turns a [`Change`] into one `UpdateItem`; its model (feature `model`) says what that must come to.
//! Invariants: a row is what was read ([`Row::read`]), never what somebody believes it to be, so an intent that was only
//! just created is not a recorded one; a change of state, intent or generation needs the version that was read and adds
//! one to it; a note needs a row and adds nothing; nothing but [`Change::Release`] removes an intent.

#[cfg(any(test, feature = "model"))]
pub mod model;
mod stored;

pub use stored::{Stored, Unsound};

use crate::cause::Cause;
use crate::limits::{FUNCTION_TIMEOUT_S, SETTLED_ROW_DAYS};
use crate::payment::Payment;
use crate::provider::{ChargeId, Decline, IntentId};
use crate::request::{Request, Wording};
use crate::suspicion::Refused;
use crate::time::UnixMs;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// One payment's row. `payment_id` is its key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row {
    /// What is asked for, frozen when it was first received; later deliveries must ask for the same.
    pub request: Arc<Request>,
    /// Where the payment stands.
    pub state: State,
    // Private, so that a row can be neither put together from parts nor given an intent: both would be a record of what
    // nobody recorded.
    intent_id: Option<IntentId>,
    /// Part of the create key; a new generation means a new intent.
    pub create_generation: u32,
    /// Deliveries that began work on this payment since it was received or released.
    pub attempts: u32,
    /// Deliveries that have not said how they ended: some are under way, some are dead. One that ends with a cause
    /// that [excuses](Cause::excuses) it is taken out.
    pub open: BTreeSet<OpenDelivery>,
    /// Why the last delivery that could still say so handed it back. `None` also for a cause that only a newer version
    /// knows: it is there for people, and nothing is decided by it.
    pub last_error: Option<Cause>,
    /// What it met that would be held against it.
    pub refused: Option<Refused>,
    /// Who is to blame for that, where a human has said so.
    pub blamed: Blamed,
    /// Why it was set aside: it settles with no delivery, and no incident counts it until one takes it up again.
    pub set_aside: Option<Cause>,
    /// Attempts that the issuer declined for now; after [`CONFIRMS_MAX`](crate::limits::CONFIRMS_MAX) it is for good. By
    /// their ids, since the same no may be heard in an answer, seen by a look-up, and noted twice.
    pub declined_charges: BTreeSet<ChargeId>,
    /// The decline that a delivery concluded, and could not write because nobody said whether its intent was canceled.
    pub concluded: Option<Decline>,
    /// Counts changes of state, intent and generation.
    pub version: u64,
    /// First delivery.
    pub received_at: UnixMs,
    /// `SentTimestamp` of the latest delivery's message; its retention counts from here.
    pub enqueued_at: UnixMs,
    /// When it reached a final state or quarantine.
    pub settled_at: Option<UnixMs>,
    /// Message id of the copy in the quarantine queue. A quarantined row without one is sent again.
    pub quarantine_message_id: Option<String>,
}

/// Where a payment stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum State {
    /// Known, no intent recorded.
    Received,
    /// An intent is recorded and may have been confirmed.
    Intended,
    /// Charged, exactly once.
    Succeeded,
    /// Never charged: the card was declined.
    Declined(Decline),
    /// Only a human can mend it.
    Quarantined(Reason),
}

impl State {
    /// The text under which it is stored.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Intended => "intended",
            Self::Succeeded => "succeeded",
            Self::Declined(_) => "declined",
            Self::Quarantined(_) => "quarantined",
        }
    }

    /// Why it is in quarantine, if it is.
    #[must_use]
    pub const fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Quarantined(reason) => Some(reason),
            Self::Received | Self::Intended | Self::Succeeded | Self::Declined(_) => None,
        }
    }

    /// Whether work remains: such rows are in the `unsettled` index.
    #[must_use]
    pub const fn is_unsettled(&self) -> bool {
        match self {
            Self::Received | Self::Intended => true,
            Self::Succeeded | Self::Declined(_) | Self::Quarantined(_) => false,
        }
    }

    /// When a row that got here at `settled_at` may be forgotten, in seconds since 1970; unsettled and quarantined rows
    /// never are.
    #[must_use]
    pub const fn expires_at_s(&self, settled_at: UnixMs) -> Option<i64> {
        match self {
            Self::Succeeded | Self::Declined(_) => Some(settled_at.0 / 1_000 + SETTLED_ROW_DAYS * 86_400),
            Self::Received | Self::Intended | Self::Quarantined(_) => None,
        }
    }
}

/// Why a payment or message is in quarantine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The body is not a payment.
    Malformed,
    /// Another message with this `payment_id` asked for something else. Concerns the message, never the row.
    ConflictingRequest,
    /// Stripe refused the request for good; its code and parameter.
    Refused(String),
    /// Every delivery died or ran out of time without a cause outside this payment.
    Poison,
    /// Somebody canceled the intent.
    CanceledElsewhere,
    /// The intent was authorised only, which we never ask for.
    RequiresCapture,
    /// The recorded intent is not for this payment's amount, currency or id.
    IntentMismatch,
    /// A reason that only a newer version knows, by its name and what else was stored: read, never written.
    Other(String, Option<String>),
}

impl Reason {
    /// The text under which it is stored and counted.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Malformed => "malformed",
            Self::ConflictingRequest => "conflicting_request",
            Self::Refused(_) => "refused",
            Self::Poison => "poison",
            Self::CanceledElsewhere => "canceled_elsewhere",
            Self::RequiresCapture => "requires_capture",
            Self::IntentMismatch => "intent_mismatch",
            Self::Other(name, _) => name,
        }
    }

    /// What else is known: for a refusal, Stripe's code.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Refused(code) => Some(code),
            Self::Other(_, detail) => detail.as_deref(),
            Self::Malformed
            | Self::ConflictingRequest
            | Self::Poison
            | Self::CanceledElsewhere
            | Self::RequiresCapture
            | Self::IntentMismatch => None,
        }
    }
}

/// An intent id that was read back from the ledger: the only kind that is ever confirmed.
///
/// There is no other way to obtain one than from a row, so "confirm what was only just created" does not type-check.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordedIntent(IntentId);

impl RecordedIntent {
    /// The id.
    #[must_use]
    pub const fn id(&self) -> &IntentId {
        &self.0
    }
}

/// One allowed change of a row. `Record` to `Release` need the version that was read; the rest are notes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// Records the intent that was created. Also needs that none is recorded.
    Record(IntentId),
    /// Starts a new generation of the create key, in today's words: the old key replays a failure, or the old words are
    /// refused.
    NextGeneration(Arc<Wording>),
    /// Money moved.
    Succeed,
    /// The card was declined, and the intent, if any, is canceled.
    Decline(Decline),
    /// Only a human can mend it, and the intent, if any, is canceled.
    Quarantine(Reason),
    /// A human says: try again. What has no intent then begins a new generation, in today's words: the old key may
    /// replay for a day what was mended since.
    Release(Forget, Arc<Wording>),
    /// Note: the copy is in the quarantine queue. Needs the version, so that an old delivery cannot mark a
    /// later quarantine as sent, but adds nothing to it.
    QuarantineSent(String),
    /// Note: a delivery ended without settling, and why.
    HandedBack(HandedBack),
    /// Note: these deliveries died, and the payment is not to blame: others die as well.
    Excuse(BTreeSet<OpenDelivery>),
    /// Note: it settles with no delivery, for this reason; its message is in quarantine, under this id.
    SetAside(Cause, String),
}

/// How a delivery ended that did not settle.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HandedBack {
    /// Why.
    pub cause: Cause,
    /// Which delivery.
    pub delivery: OpenDelivery,
    /// What it met that would be held against the payment; without it, what was met before stands.
    pub refused: Option<Refused>,
    /// The decline it had come to when it could not tell whether the intent was canceled.
    pub concluded: Option<Decline>,
    /// Attempts that it learned were declined for now, however it learned of them and whatever it met afterwards.
    pub declined_charges: BTreeSet<ChargeId>,
}

/// Whom a human blames for what a payment met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Blamed {
    /// Nobody: what others meet decides.
    #[default]
    Nobody,
    /// The payment: refused once more, it goes into quarantine.
    Payment,
}

/// A delivery that began and has not said how it ended. Stored as `{began_at}:{message}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpenDelivery {
    /// When it began.
    pub began_at: UnixMs,
    /// Id of the message it works on.
    pub message: String,
}

impl OpenDelivery {
    /// Reads the stored form; `None` when it is something else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (began_at, message) = text.split_once(':')?;
        Some(Self { began_at: UnixMs(began_at.parse().ok()?), message: message.to_owned() })
    }
}

impl fmt::Display for OpenDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.began_at.0, self.message)
    }
}

/// What a release does with the recorded intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Forget {
    /// Keep it: it may still charge.
    Nothing,
    /// Stripe says it is canceled, so it never can: drop it and start a new generation.
    CanceledIntent,
}

impl Row {
    /// The payment this row is about.
    #[must_use]
    pub fn payment(&self) -> &Payment {
        &self.request.payment
    }

    /// Id of the one intent that may charge this payment.
    #[must_use]
    pub const fn intent_id(&self) -> Option<&IntentId> {
        self.intent_id.as_ref()
    }

    /// The recorded intent, as evidence that it was read back.
    #[must_use]
    pub fn recorded_intent(&self) -> Option<RecordedIntent> {
        self.intent_id.clone().map(RecordedIntent)
    }

    /// Deliveries that died without a word, as seen from `current`: earlier ones of the same message, and any that
    /// began longer ago than a function runs. Copies that are worked on at this moment do not count, however many.
    pub fn dead<'row>(&'row self, current: &OpenDelivery) -> impl Iterator<Item = &'row OpenDelivery> {
        let longest_ms = i64::from(FUNCTION_TIMEOUT_S) * 1_000;
        self.open.iter().filter(move |delivery| {
            let age_ms = current.began_at.since_ms(delivery.began_at);
            age_ms > longest_ms || (age_ms > 0 && delivery.message == current.message)
        })
    }

    /// How many they are.
    #[must_use]
    pub fn deaths(&self, current: &OpenDelivery) -> usize {
        self.dead(current).count()
    }
}
