//! Create, record, confirm, settle: the protocol that charges a payment at most once.
//!
//! A [`Delivery`] is one attempt of one message. It is told what happened ([`Event`]) and says what to do next
//! ([`Step`]); it never does anything itself, so the same code runs on Lambda, in simulated time, and under the
//! exhaustive search of `tests/model`.
//!
//! Invariant: only an intent id read back from the ledger is ever confirmed. An intent succeeds at most once
//! (Stripe's promise) and a row names at most one intent (the ledger's), so a payment is charged at most once,
//! whatever crashes, repeats, or answers late.

#[cfg(test)]
mod tests;

use crate::cause::Cause;
use crate::ledger::{Change, OpenDelivery, Reason, RecordedIntent, Row, State};
use crate::limits::{CONFIRMS_MAX, CONFLICTS_MAX, POISON_DEATHS};
use crate::provider::{Answer, ChargeId, Decline, DeclinedCharge, Intent, IntentStatus, Refusal, Replay};
use crate::request::Wording;
use crate::suspicion::{Operation, Suspect};
use std::collections::BTreeSet;
use std::sync::Arc;

/// One attempt to bring a payment to its end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Delivery {
    row: Row,
    this: OpenDelivery,
    awaiting: Awaiting,
    /// How the payment would be put into words today; its row may hold older ones.
    wording: Arc<Wording>,
    /// What to write once the intent is certain never to charge. It stays known when that cannot be told: whoever finds
    /// the intent canceled later has nothing else to go by.
    goal: Option<Change>,
    /// Why the payment goes into quarantine, should it be the one to blame.
    accused_of: Option<Reason>,
    /// The issuer's last word, as far as this delivery heard it.
    known: Option<Decline>,
    /// The attempts that this delivery learned were declined for now.
    declined_charges: BTreeSet<ChargeId>,
    confirmed: bool,
    reconfirmed: bool,
    next_generation: bool,
    conflicts: u8,
}

/// What to do next. Every step but `Done` is answered by one [`Event`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Create an intent, unconfirmed, from the row's request, under [`Delivery::create_key`].
    Create,
    /// Confirm the recorded intent, without an idempotency key: a stored 500 would replay for a day, and an
    /// intent cannot be charged twice anyway.
    Confirm(RecordedIntent, Method),
    /// Look the recorded intent up.
    Retrieve(RecordedIntent),
    /// Cancel the recorded intent, so that it can never charge.
    Cancel(RecordedIntent),
    /// Change the row, on condition that it still has the version of [`Delivery::row`].
    Write(Change),
    /// Say whom to suspect for what the payment met at this operation, by what others met.
    Judge(Operation, String),
    /// Send a copy of the message to the quarantine queue.
    SendToQuarantine(Reason),
    /// Nothing is left to do.
    Done(Outcome),
}

/// Which payment method a confirmation names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// None: the intent holds the one it was created with.
    OfTheIntent,
    /// The request's: a decline took it off the intent.
    OfTheRequest,
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// The provider answered, or failed to.
    Answered(Answer),
    /// The row was changed; this is it now.
    Written(Row),
    /// The row's condition failed; this is the row as it stands, if there is one.
    LostRace(Option<Row>),
    /// The ledger could not be asked; the change may or may not have been made.
    LedgerFailed,
    /// Whom to suspect.
    Judged(Suspect),
    /// The quarantine queue holds the copy, under this message id.
    QuarantineSent(String),
    /// The quarantine queue did not take the copy, or did not say so.
    QuarantineFailed,
}

/// What becomes of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// The row says where the payment ended: the message may go.
    Acknowledge,
    /// The message goes back to the queue.
    HandBack {
        /// Why.
        cause: Cause,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Awaiting {
    Create,
    Confirm,
    Lookup,
    Cancel,
    Write,
    Judgement,
    Quarantine,
    Nothing,
}

impl Delivery {
    /// Starts from the row as step 1 (receive) left it. `this` is the delivery as the row knows it, `wording` how the
    /// payment would be put into words today.
    #[must_use]
    pub fn begin(row: Row, this: &OpenDelivery, wording: &Arc<Wording>) -> (Self, Step) {
        let mut delivery = Self {
            row,
            this: this.clone(),
            awaiting: Awaiting::Nothing,
            wording: Arc::clone(wording),
            goal: None,
            accused_of: None,
            known: None,
            declined_charges: BTreeSet::new(),
            confirmed: false,
            reconfirmed: false,
            next_generation: false,
            conflicts: 0,
        };
        let step = if delivery.is_poison(this) {
            delivery.fence(Change::Quarantine(Reason::Poison))
        } else {
            delivery.resume()
        };
        (delivery, step)
    }

    /// The row as it was last read.
    #[must_use]
    pub const fn row(&self) -> &Row {
        &self.row
    }

    /// Whether the row holds other words than today's. Nothing but a refusal of them makes a delivery change them.
    #[must_use]
    pub fn speaks_as_before(&self) -> bool {
        self.row.request.wording != self.wording
    }

    /// The idempotency key of [`Step::Create`]: one payment and generation, one intent.
    #[must_use]
    pub fn create_key(&self) -> String {
        format!("{}:create:{}", self.row.payment().payment_id, self.row.create_generation)
    }

    /// Takes what came of the last step and says what to do next.
    ///
    /// # Panics
    /// When `event` does not answer the last step: a bug of the caller.
    pub fn next(&mut self, event: Event) -> Step {
        match (self.awaiting, event) {
            (Awaiting::Create, Event::Answered(answer)) => self.created(answer),
            (Awaiting::Confirm, Event::Answered(answer)) => self.confirmed(answer),
            (Awaiting::Lookup, Event::Answered(answer)) => self.looked_up(answer),
            (Awaiting::Cancel, Event::Answered(answer)) => self.canceled(answer),
            (Awaiting::Write, Event::Written(row)) => self.written(row),
            (Awaiting::Write, Event::LostRace(Some(row))) => self.lost_race(row),
            (Awaiting::Write, Event::LostRace(None)) => self.hand_back(Cause::RowMissing),
            (Awaiting::Write, Event::LedgerFailed) => self.hand_back(Cause::LedgerUnavailable),
            (Awaiting::Judgement, Event::Judged(suspect)) => self.judged(suspect),
            (Awaiting::Quarantine, Event::QuarantineSent(id)) => self.write(Change::QuarantineSent(id)),
            (Awaiting::Quarantine, Event::QuarantineFailed) => self.hand_back(Cause::QuarantineUnavailable),
            (awaiting, event) => panic!("{event:?} does not answer {awaiting:?}"),
        }
    }

    fn is_poison(&self, this: &OpenDelivery) -> bool {
        self.row.state.is_unsettled() && self.row.deaths(this) >= POISON_DEATHS
    }

    /// Goes on from where the row stands. Whatever another delivery may have done to the intent is looked up
    /// before anything is repeated; but what one concluded is carried out: a look-up may lag behind the no that it heard,
    /// and then the card would be asked again after it.
    fn resume(&mut self) -> Step {
        match (&self.row.state, self.row.recorded_intent()) {
            (State::Received | State::Intended, Some(intent)) => match self.row.concluded.clone() {
                Some(decline) => self.fence(Change::Decline(decline)),
                None => self.retrieve(intent),
            },
            (State::Received | State::Intended, None) => self.create(),
            (State::Quarantined(reason), _) if self.row.quarantine_message_id.is_none() => {
                self.awaiting = Awaiting::Quarantine;
                Step::SendToQuarantine(reason.clone())
            }
            (State::Succeeded | State::Declined(_) | State::Quarantined(_), _) => {
                self.done(Outcome::Acknowledge)
            }
        }
    }

    fn created(&mut self, answer: Answer) -> Step {
        match answer {
            Answer::Intent(intent) if intent.is_for(self.row.payment()) => {
                self.write(Change::Record(intent.id))
            }
            Answer::Intent(_) => self.hand_back(Cause::IntentMismatch),
            Answer::Declined(declined) => self.write(Change::Decline(declined.decline)),
            // The key answers this for a day. A new key is safe: an intent nobody confirms costs nothing. Once
            // a delivery, so that a provider that stores every failure does not make us burn generations.
            Answer::Unknown { replay: Replay::Stored, .. } | Answer::KeySpent if !self.next_generation => {
                self.begin_generation()
            }
            // What was refused are words of before; they may be what a deployment has mended.
            Answer::Refused(_) if self.speaks_as_before() && !self.next_generation => self.begin_generation(),
            Answer::Unknown { cause, .. } | Answer::NotDone { cause } => self.hand_back(cause),
            Answer::KeySpent => self.hand_back(Cause::InFlight),
            Answer::Refused(refusal) => self.accuse_as_refused(Operation::Create, &refusal),
            Answer::UnexpectedState(_) => self.accuse(Operation::Create, refused("unexpected_state")),
            Answer::IntentMissing => self.accuse(Operation::Create, refused("resource_missing")),
        }
    }

    fn confirmed(&mut self, answer: Answer) -> Step {
        match answer {
            Answer::Intent(intent) | Answer::UnexpectedState(intent) => {
                self.seen(Operation::Confirm, &intent)
            }
            Answer::Declined(declined) => self.declined(declined),
            Answer::Unknown { .. } => self.look_up(),
            Answer::NotDone { cause } => self.hand_back(cause),
            Answer::IntentMissing => self.hand_back(Cause::IntentMissing),
            Answer::KeySpent => self.refused_to_confirm(refused("idempotency_error")),
            Answer::Refused(refusal) => self.refused_to_confirm(Reason::Refused(refusal.to_string())),
        }
    }

    fn looked_up(&mut self, answer: Answer) -> Step {
        match answer {
            Answer::Intent(intent) | Answer::UnexpectedState(intent) => {
                self.found(Operation::Retrieve, &intent)
            }
            Answer::Unknown { cause, .. } | Answer::NotDone { cause } => self.hand_back(cause),
            // A look-up that is refused tells nothing about the money: never settle on it.
            Answer::Refused(refusal) => self.hand_back_as_refused(Operation::Retrieve, &refusal),
            Answer::IntentMissing | Answer::Declined(_) | Answer::KeySpent => {
                self.hand_back(Cause::IntentMissing)
            }
        }
    }

    fn canceled(&mut self, answer: Answer) -> Step {
        match answer {
            Answer::Intent(intent) | Answer::UnexpectedState(intent) => {
                self.found(Operation::Cancel, &intent)
            }
            Answer::Unknown { .. } => self.look_up(),
            Answer::NotDone { cause } => self.hand_back(cause),
            Answer::Refused(refusal) => self.hand_back_as_refused(Operation::Cancel, &refusal),
            Answer::IntentMissing | Answer::Declined(_) | Answer::KeySpent => {
                self.hand_back(Cause::IntentMissing)
            }
        }
    }

    /// The recorded intent, while it is to be made unable to charge, or while nothing is concluded yet.
    fn found(&mut self, operation: Operation, intent: &Intent) -> Step {
        match self.goal.clone() {
            Some(goal) => self.after_cancel(intent, goal),
            None => self.seen(operation, intent),
        }
    }

    /// What the recorded intent's status, as `operation` showed it, means for the payment.
    fn seen(&mut self, operation: Operation, intent: &Intent) -> Step {
        if !intent.is_for(self.row.payment()) {
            return self.mismatched(operation, intent);
        }
        match &intent.status {
            IntentStatus::Succeeded => self.write(Change::Succeed),
            IntentStatus::RequiresConfirmation if !self.reconfirmed => {
                self.reconfirmed = true;
                self.confirm(Method::OfTheIntent)
            }
            IntentStatus::RequiresConfirmation => self.hand_back(Cause::OutcomeOpen),
            IntentStatus::RequiresPaymentMethod => match intent.last_decline.clone() {
                Some(declined) => self.declined(declined),
                None => self.accuse(operation, refused("requires_payment_method")),
            },
            IntentStatus::RequiresAction => self.fence(Change::Decline(Decline::authentication_required())),
            IntentStatus::RequiresCapture => self.accuse(operation, Reason::RequiresCapture),
            IntentStatus::Processing => self.hand_back(Cause::Processing),
            IntentStatus::Canceled => self.is_canceled(operation, intent),
            IntentStatus::Other(_) => self.hand_back(Cause::UnknownStatus),
        }
    }

    /// Canceled by us, if a delivery was about to: then it is as that one had concluded. Of a customer who would have had
    /// to authenticate the intent itself keeps no word.
    fn is_canceled(&mut self, operation: Operation, intent: &Intent) -> Step {
        let said = intent.last_decline.as_ref().map(|last| last.decline.clone());
        let concluded = said.or_else(|| self.concluded());
        match (self.goal.take(), concluded) {
            (Some(goal @ Change::Quarantine(_)), None) => self.write(goal),
            (_, Some(decline)) => self.write(Change::Decline(decline)),
            (_, None) => self.accuse(operation, Reason::CanceledElsewhere),
        }
    }

    /// The decline that this delivery, or one before it, came to and could not write yet.
    #[must_use]
    pub fn concluded(&self) -> Option<Decline> {
        match &self.goal {
            Some(Change::Decline(decline)) => Some(decline.clone()),
            Some(_) | None => self.row.concluded.clone(),
        }
    }

    /// The recorded intent is not this payment's any more: somebody edited it. Money that moved is a human's
    /// to judge; an intent that has not charged is made unable to.
    fn mismatched(&mut self, operation: Operation, intent: &Intent) -> Step {
        match intent.status {
            IntentStatus::Succeeded => self.hand_back(Cause::IntentMismatch),
            IntentStatus::Processing => self.hand_back(Cause::Processing),
            IntentStatus::RequiresPaymentMethod
            | IntentStatus::RequiresConfirmation
            | IntentStatus::RequiresAction
            | IntentStatus::RequiresCapture
            | IntentStatus::Canceled
            | IntentStatus::Other(_) => self.accuse(operation, Reason::IntentMismatch),
        }
    }

    /// The attempts that this delivery learned were declined for now: by an answer to its own confirm, or by a look-up,
    /// since an earlier delivery may have died, or never have been answered, before it could note them. They are counted
    /// by id, so that a no which the row counts already stays one, and a confirm that reached no issuer is none.
    #[must_use]
    pub const fn declined_charges(&self) -> &BTreeSet<ChargeId> {
        &self.declined_charges
    }

    /// The issuer says no. For now only, it is asked again by a later delivery: an issuer in trouble is not well again
    /// within the same second.
    fn declined(&mut self, DeclinedCharge { decline, charge }: DeclinedCharge) -> Step {
        self.known = Some(decline.clone());
        if !decline.is_soft() {
            return self.fence(Change::Decline(decline));
        }
        // A no without an id that this delivery asked for is its own one; one that it found is taken for a counted one.
        let own = || self.confirmed.then(|| ChargeId(self.this.to_string()));
        self.declined_charges.extend(charge.or_else(own));
        let heard = self.row.declined_charges.union(&self.declined_charges).count();
        if heard >= CONFIRMS_MAX {
            self.fence(Change::Decline(decline))
        } else if self.confirmed {
            self.hand_back(Cause::DeclinedSoftly)
        } else {
            // An earlier delivery heard this one, and the pause is over.
            self.confirm(Method::OfTheRequest)
        }
    }

    /// A confirm that is refused for good is held against the payment, unless the issuer has spoken before: a repeat that
    /// is refused, because a payment method without a customer is spent by its first attempt, does not unsay that.
    fn refused_to_confirm(&mut self, reason: Reason) -> Step {
        match self.known.clone() {
            Some(decline) => self.fence(Change::Decline(decline)),
            None => self.accuse(Operation::Confirm, reason),
        }
    }

    fn accuse_as_refused(&mut self, operation: Operation, refusal: &Refusal) -> Step {
        self.accuse(operation, Reason::Refused(refusal.to_string()))
    }

    /// Something speaks against the payment. Whether it does, others say: they may have met the same.
    fn accuse(&mut self, operation: Operation, reason: Reason) -> Step {
        let what = format!("{}: {}", operation.name(), reason.detail().unwrap_or(reason.name()));
        self.accused_of = Some(reason);
        self.awaiting = Awaiting::Judgement;
        Step::Judge(operation, what)
    }

    /// Nothing can be concluded, whoever is to blame; others and the row are to know all the same.
    fn hand_back_as_refused(&mut self, operation: Operation, refusal: &Refusal) -> Step {
        self.accused_of = None;
        self.awaiting = Awaiting::Judgement;
        Step::Judge(operation, format!("{}: {refusal}", operation.name()))
    }

    fn judged(&mut self, suspect: Suspect) -> Step {
        match (suspect, self.accused_of.take()) {
            (Suspect::Payment, Some(reason)) => self.fence(Change::Quarantine(reason)),
            (Suspect::Payment | Suspect::Us | Suspect::Nobody, _) => self.hand_back(suspect.cause()),
        }
    }

    /// Makes sure the intent can never charge before the row says that it did not. Without it the ledger could
    /// say declined while money moved: another delivery may be confirming, or a failed confirmation may be
    /// rolled forward late.
    fn fence(&mut self, goal: Change) -> Step {
        match self.row.recorded_intent() {
            None => self.write(goal),
            Some(intent) => {
                self.goal = Some(goal);
                self.awaiting = Awaiting::Cancel;
                Step::Cancel(intent)
            }
        }
    }

    fn after_cancel(&mut self, intent: &Intent, goal: Change) -> Step {
        match intent.status {
            IntentStatus::Canceled => self.write(goal),
            IntentStatus::Succeeded if intent.is_for(self.row.payment()) => self.write(Change::Succeed),
            IntentStatus::Succeeded => self.hand_back(Cause::IntentMismatch),
            IntentStatus::Processing => self.hand_back(Cause::Processing),
            IntentStatus::RequiresPaymentMethod
            | IntentStatus::RequiresConfirmation
            | IntentStatus::RequiresAction
            | IntentStatus::RequiresCapture
            | IntentStatus::Other(_) => self.hand_back(Cause::OutcomeOpen),
        }
    }

    fn written(&mut self, row: Row) -> Step {
        let recorded_just_now = self.row.intent_id().is_none() && row.intent_id().is_some();
        self.row = row;
        if recorded_just_now { self.confirm(Method::OfTheIntent) } else { self.resume() }
    }

    /// Another delivery, or our own write whose answer was lost, was first. Whatever was concluded about the
    /// old row is void: settling it again could write declined over money.
    fn lost_race(&mut self, row: Row) -> Step {
        self.row = row;
        self.goal = None;
        self.conflicts += 1;
        if self.conflicts > CONFLICTS_MAX { self.hand_back(Cause::Contended) } else { self.resume() }
    }

    fn look_up(&mut self) -> Step {
        match self.row.recorded_intent() {
            Some(intent) => self.retrieve(intent),
            None => self.hand_back(Cause::IntentMissing),
        }
    }

    fn begin_generation(&mut self) -> Step {
        self.next_generation = true;
        self.write(Change::NextGeneration(Arc::clone(&self.wording)))
    }

    fn create(&mut self) -> Step {
        self.awaiting = Awaiting::Create;
        Step::Create
    }

    fn confirm(&mut self, method: Method) -> Step {
        let Some(intent) = self.row.recorded_intent() else {
            return self.hand_back(Cause::IntentMissing);
        };
        self.confirmed = true;
        self.awaiting = Awaiting::Confirm;
        Step::Confirm(intent, method)
    }

    fn retrieve(&mut self, intent: RecordedIntent) -> Step {
        self.awaiting = Awaiting::Lookup;
        Step::Retrieve(intent)
    }

    fn write(&mut self, change: Change) -> Step {
        self.awaiting = Awaiting::Write;
        Step::Write(change)
    }

    fn hand_back(&mut self, cause: Cause) -> Step {
        self.done(Outcome::HandBack { cause })
    }

    fn done(&mut self, outcome: Outcome) -> Step {
        self.awaiting = Awaiting::Nothing;
        Step::Done(outcome)
    }
}

fn refused(code: &str) -> Reason {
    Reason::Refused(code.to_owned())
}
