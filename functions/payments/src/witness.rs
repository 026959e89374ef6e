//! The provider's own events as a second witness: whoever heard one looks the payment up sooner than its next delivery.
//!
//! An event can be lost, late, doubled, out of order, or forged. So it is never believed: all that is taken from it is the
//! id of a payment ([`payment_named`]), and what settles the row is a look-up of the intent that the row itself names.
//! Whatever a witness leaves undone, the payment's message does, which is in its queue as if there were no events.
//!
//! Invariant: a witness cannot create, confirm or quarantine: its [`Step`] has no word for it. It writes success only of an
//! intent that was seen to have succeeded, and a decline only of one that was seen canceled.

#[cfg(test)]
mod tests;

use crate::cause::Cause;
use crate::json::Unambiguous;
use crate::ledger::{Change, RecordedIntent, Row, State};
use crate::payment::{PAYMENT_ID_KEY, PaymentId};
use crate::provider::{Answer, Decline, Intent, IntentStatus};
use serde_json::Value;

/// How `source` of an event begins that Stripe puts on a partner event bus. The id of the event destination follows.
/// <https://docs.stripe.com/event-destinations/eventbridge>
pub const SOURCE_PREFIX: &str = "aws.partner/stripe.com/";

/// `detail-type` of the events that are listened to: those after which an intent charges no more, or needs to be fenced.
pub const EVENT_TYPES: [&str; 3] =
    ["payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled"];

/// The payment that an event names, where `body` is an event of Stripe's about an intent, as EventBridge hands it to a
/// queue, with a snapshot of the intent. Nothing else in it is read.
#[must_use]
pub fn payment_named(body: &str) -> Option<PaymentId> {
    let Unambiguous(event) = serde_json::from_str(body).ok()?;
    let text = |field| event.get(field).and_then(Value::as_str);
    let is_from_stripe = text("source")?.starts_with(SOURCE_PREFIX);
    let is_listened_to = EVENT_TYPES.contains(&text("detail-type")?);
    let intent = event.pointer("/detail/data/object").filter(|_| is_from_stripe && is_listened_to)?;
    PaymentId::new(intent.get("metadata")?.get(PAYMENT_ID_KEY)?.as_str()?)
}

/// One look at a payment, because an event named it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Witness {
    row: Row,
    /// What the issuer said to an intent that is about to be canceled for it.
    goal: Option<Decline>,
    awaiting: Awaiting,
}

/// What to do next. Every step but `Done` is answered by one [`Event`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Look the recorded intent up.
    Retrieve(RecordedIntent),
    /// Cancel the recorded intent, which was declined for good: the fence.
    Cancel(RecordedIntent),
    /// Settle the row, on condition that it still has the version of [`Witness::row`].
    Settle(Verdict),
    /// Nothing is left to do.
    Done(Outcome),
}

/// What a look-up proved.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// The intent has succeeded.
    Succeeded,
    /// The intent is canceled, after the issuer said no.
    Declined(Decline),
}

impl From<Verdict> for Change {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Succeeded => Self::Succeed,
            Verdict::Declined(decline) => Self::Decline(decline),
        }
    }
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// The provider answered, or failed to.
    Answered(Answer),
    /// The row was settled; this is it now.
    Written(Row),
    /// The row's condition failed; this is the row as it stands, if there is one.
    LostRace(Option<Row>),
    /// The ledger could not be asked; the row may or may not have been settled.
    LedgerFailed,
}

/// What becomes of the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It may go: the row was settled by what was looked up.
    Settled,
    /// It may go: there is nothing to settle, or it is for the payment's own delivery to do.
    Left,
    /// Nobody could say how the payment stands: look again later.
    Again {
        /// Why.
        cause: Cause,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Awaiting {
    Lookup,
    Cancel,
    Write,
    Nothing,
}

impl Witness {
    /// Starts from the row as it was read. One that is settled, was set aside for a human, or has no intent yet is left.
    #[must_use]
    pub fn begin(row: Row) -> (Self, Step) {
        let mut witness = Self { row, goal: None, awaiting: Awaiting::Nothing };
        let is_open = witness.row.state.is_unsettled() && witness.row.set_aside.is_none();
        let step = match witness.row.recorded_intent().filter(|_| is_open) {
            Some(intent) => {
                witness.awaiting = Awaiting::Lookup;
                Step::Retrieve(intent)
            }
            None => witness.done(Outcome::Left),
        };
        (witness, step)
    }

    /// The row as it was last read.
    #[must_use]
    pub const fn row(&self) -> &Row {
        &self.row
    }

    /// Takes what came of the last step and says what to do next.
    ///
    /// # Panics
    /// When `event` does not answer the last step: a bug of the caller.
    pub fn next(&mut self, event: Event) -> Step {
        match (self.awaiting, event) {
            (Awaiting::Lookup | Awaiting::Cancel, Event::Answered(answer)) => self.answered(answer),
            (Awaiting::Write, Event::Written(row)) => {
                self.row = row;
                self.done(Outcome::Settled)
            }
            (Awaiting::Write, Event::LostRace(row)) => self.lost_race(row),
            (Awaiting::Write, Event::LedgerFailed) => self.again(Cause::LedgerUnavailable),
            (awaiting, event) => panic!("{event:?} does not answer {awaiting:?}"),
        }
    }

    fn answered(&mut self, answer: Answer) -> Step {
        match answer {
            Answer::Intent(intent) | Answer::UnexpectedState(intent) => self.seen(&intent),
            Answer::Unknown { cause, .. } | Answer::NotDone { cause } => self.again(cause),
            // Whom to suspect for a refusal is for the payment's own delivery to find out.
            Answer::Declined(_) | Answer::KeySpent | Answer::IntentMissing | Answer::Refused(_) => {
                self.done(Outcome::Left)
            }
        }
    }

    /// What the intent's status means. A no that is not for good, a customer who would have to act, money that is held, and
    /// an intent that is not this payment's any more are decided by the payment's own delivery.
    fn seen(&mut self, intent: &Intent) -> Step {
        if !intent.is_for(self.row.payment()) {
            return self.done(Outcome::Left);
        }
        match &intent.status {
            IntentStatus::Succeeded => self.settle(Verdict::Succeeded),
            IntentStatus::Canceled => match self.said(intent) {
                Some(decline) => self.settle(Verdict::Declined(decline)),
                None => self.done(Outcome::Left),
            },
            IntentStatus::RequiresPaymentMethod if self.awaiting == Awaiting::Lookup => {
                match (last_word(intent), self.row.recorded_intent()) {
                    (Some(decline), Some(recorded)) if !decline.is_soft() => {
                        self.goal = Some(decline);
                        self.awaiting = Awaiting::Cancel;
                        Step::Cancel(recorded)
                    }
                    _ => self.done(Outcome::Left),
                }
            }
            IntentStatus::RequiresPaymentMethod
            | IntentStatus::RequiresConfirmation
            | IntentStatus::RequiresAction
            | IntentStatus::RequiresCapture
            | IntentStatus::Processing
            | IntentStatus::Other(_) => self.done(Outcome::Left),
        }
    }

    /// For what no a canceled intent was canceled, as far as it, this look, or a delivery before knows.
    fn said(&self, intent: &Intent) -> Option<Decline> {
        last_word(intent).or_else(|| self.goal.clone()).or_else(|| self.row.concluded.clone())
    }

    /// Somebody else was first. What was seen is not written over what they found.
    fn lost_race(&mut self, row: Option<Row>) -> Step {
        let Some(row) = row else { return self.done(Outcome::Left) };
        self.row = row;
        match &self.row.state {
            State::Received | State::Intended => self.again(Cause::Contended),
            State::Succeeded | State::Declined(_) | State::Quarantined(_) => self.done(Outcome::Left),
        }
    }

    fn settle(&mut self, verdict: Verdict) -> Step {
        self.awaiting = Awaiting::Write;
        Step::Settle(verdict)
    }

    fn again(&mut self, cause: Cause) -> Step {
        self.done(Outcome::Again { cause })
    }

    fn done(&mut self, outcome: Outcome) -> Step {
        self.awaiting = Awaiting::Nothing;
        Step::Done(outcome)
    }
}

/// The issuer's last word, as the intent keeps it.
fn last_word(intent: &Intent) -> Option<Decline> {
    intent.last_decline.as_ref().map(|last| last.decline.clone())
}
