//! The ledger row: everything the pipeline remembers of a payment, and the only ways it may change.
//!
//! The DynamoDB adapter turns a [`Change`] into one `UpdateItem`; [`Row::apply`] says what that must come to.
//! Invariants: a change of state, intent or generation needs the version that was read and adds one to it;
//! a note needs a row and adds nothing; nothing but [`Change::Release`] removes an intent.

use crate::cause::Cause;
use crate::limits::{FUNCTION_TIMEOUT_S, SETTLED_ROW_DAYS};
use crate::payment::Payment;
use crate::provider::{Decline, IntentId};
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
    /// The one intent that may charge this payment.
    pub intent_id: Option<IntentId>,
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
    /// What it met that would be held against it, and whether a human said that it is to be.
    pub refused: Option<Refused>,
    /// Who is to blame for that, where a human has said so.
    pub blamed: Blamed,
    /// Why it was set aside: it settles with no delivery, and no incident counts it until one takes it up again.
    pub set_aside: Option<Cause>,
    /// Confirmations that the issuer declined for now; after [`CONFIRMS_MAX`](crate::limits::CONFIRMS_MAX) it is for good.
    pub soft_declines: u32,
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
    /// Note: a human says that the payment is to blame for what it met.
    Blame,
    /// Note: it settles with no delivery, for this reason.
    SetAside(Cause),
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
    /// The row that step 1 writes for a payment never seen before, already counting this delivery.
    #[must_use]
    pub fn received(request: Arc<Request>, delivery: OpenDelivery, enqueued_at: UnixMs) -> Self {
        Self {
            request,
            received_at: delivery.began_at,
            state: State::Received,
            intent_id: None,
            create_generation: 0,
            attempts: 1,
            open: BTreeSet::from([delivery]),
            last_error: None,
            refused: None,
            blamed: Blamed::Nobody,
            set_aside: None,
            soft_declines: 0,
            version: 0,
            enqueued_at,
            settled_at: None,
            quarantine_message_id: None,
        }
    }

    /// The row after one more delivery began: an unsettled row counts it, once, a settled one is left as it is.
    #[must_use]
    pub fn received_again(mut self, delivery: OpenDelivery, enqueued_at: UnixMs) -> Self {
        if self.state.is_unsettled() && self.open.insert(delivery) {
            self.attempts += 1;
            self.enqueued_at = enqueued_at;
            self.set_aside = None;
        }
        self
    }

    /// The payment this row is about.
    #[must_use]
    pub fn payment(&self) -> &Payment {
        &self.request.payment
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

    /// When the row may be forgotten, in seconds since 1970; unsettled and quarantined rows never are.
    #[must_use]
    pub fn expires_at_s(&self) -> Option<i64> {
        match self.state {
            State::Succeeded | State::Declined(_) => {
                self.settled_at.map(|at| at.0 / 1_000 + SETTLED_ROW_DAYS * 86_400)
            }
            State::Received | State::Intended | State::Quarantined(_) => None,
        }
    }

    /// The row after `change`, made by someone who read `version`; `None` when its condition fails.
    #[must_use]
    pub fn apply(&self, change: &Change, version: u64, now: UnixMs) -> Option<Self> {
        if !self.allows(change, version) {
            return None;
        }
        let mut row = self.clone();
        match change {
            Change::HandedBack(note) => {
                row.hand_back(note);
                return Some(row);
            }
            Change::Excuse(deliveries) => {
                row.open.retain(|delivery| !deliveries.contains(delivery));
                return Some(row);
            }
            Change::Blame => {
                row.blamed = Blamed::Payment;
                return Some(row);
            }
            Change::SetAside(cause) => {
                row.set_aside = Some(*cause);
                return Some(row);
            }
            Change::QuarantineSent(message_id) => {
                row.quarantine_message_id = Some(message_id.clone());
                return Some(row);
            }
            Change::Record(intent) => {
                row.intent_id = Some(intent.clone());
                row.state = State::Intended;
            }
            Change::NextGeneration(wording) => row.begin_generation(wording),
            Change::Succeed => row.settle(State::Succeeded, now),
            Change::Decline(decline) => row.settle(State::Declined(decline.clone()), now),
            Change::Quarantine(reason) => row.settle(State::Quarantined(reason.clone()), now),
            Change::Release(forget, wording) => row.release(*forget, wording),
        }
        row.version += 1;
        Some(row)
    }

    /// A settled row changes by a human's hand alone; everything but a note needs the version that was read.
    fn allows(&self, change: &Change, version: u64) -> bool {
        let is_quarantined = matches!(self.state, State::Quarantined(_));
        let is_unsettled = self.state.is_unsettled();
        match change {
            Change::HandedBack(_) | Change::Excuse(_) | Change::Blame | Change::SetAside(_) => is_unsettled,
            Change::Record(_) => self.version == version && is_unsettled && self.intent_id.is_none(),
            Change::NextGeneration(_) | Change::Decline(_) | Change::Quarantine(_) => {
                self.version == version && is_unsettled
            }
            // A released payment whose intent turns out to have succeeded is settled from quarantine.
            Change::Succeed => self.version == version && (is_unsettled || is_quarantined),
            Change::Release(..) | Change::QuarantineSent(_) => self.version == version && is_quarantined,
        }
    }

    fn hand_back(&mut self, note: &HandedBack) {
        self.last_error = Some(note.cause);
        self.soft_declines += u32::from(note.cause == Cause::DeclinedSoftly);
        if let Some(refused) = &note.refused {
            self.refused = Some(refused.clone());
        }
        if note.cause.excuses() {
            self.open.remove(&note.delivery);
        }
    }

    fn settle(&mut self, state: State, now: UnixMs) {
        self.state = state;
        self.settled_at = Some(now);
        self.set_aside = None;
        self.open.clear();
    }

    fn begin_generation(&mut self, wording: &Arc<Wording>) {
        self.create_generation += 1;
        let request = Request::clone(&self.request);
        self.request = Arc::new(Request { wording: Arc::clone(wording), ..request });
    }

    fn release(&mut self, forget: Forget, wording: &Arc<Wording>) {
        if forget == Forget::CanceledIntent {
            self.intent_id = None;
        }
        if self.intent_id.is_none() {
            self.begin_generation(wording);
        }
        self.state = if self.intent_id.is_some() { State::Intended } else { State::Received };
        self.settled_at = None;
        self.quarantine_message_id = None;
        self.attempts = 0;
        self.soft_declines = 0;
        self.refused = None;
        self.blamed = Blamed::Nobody;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::POISON_DEATHS;

    fn words(version: &str) -> Arc<Wording> {
        Arc::new(Wording { version: version.to_owned(), create: Vec::new(), confirm: Vec::new() })
    }

    fn received() -> Row {
        let body =
            r#"{"payment_id":"order-1","amount":1999,"currency":"eur","payment_method":"pm_card_visa"}"#;
        let request = Request::new(Payment::parse(body).expect("valid"), words("before"));
        let delivery = OpenDelivery { began_at: UnixMs(1_000), message: "message-1".to_owned() };
        Row::received(Arc::new(request), delivery, UnixMs(900))
    }

    fn after(row: &Row, change: &Change) -> Row {
        row.apply(change, row.version, UnixMs(2_000)).expect("it is allowed")
    }

    #[test]
    fn a_release_without_an_intent_begins_a_generation_in_todays_words() {
        let quarantined =
            after(&received(), &Change::Quarantine(Reason::Refused("parameter_unknown".to_owned())));
        let released = after(&quarantined, &Change::Release(Forget::Nothing, words("today")));
        assert_eq!((released.create_generation, released.request.wording.version.as_str()), (1, "today"));
        assert_eq!(released.request.fingerprint, quarantined.request.fingerprint);
    }

    #[test]
    fn a_release_that_keeps_its_intent_keeps_its_key_and_its_words() {
        let intended = after(&received(), &Change::Record(IntentId("pi_1".to_owned())));
        let quarantined = after(&intended, &Change::Quarantine(Reason::Poison));
        let kept = after(&quarantined, &Change::Release(Forget::Nothing, words("today")));
        assert_eq!((kept.create_generation, kept.request.wording.version.as_str()), (0, "before"));
        let dropped = after(&quarantined, &Change::Release(Forget::CanceledIntent, words("today")));
        assert_eq!((dropped.create_generation, dropped.request.wording.version.as_str()), (1, "today"));
        assert_eq!(dropped.intent_id, None);
    }

    #[test]
    fn a_cause_that_is_ours_is_no_death_however_often_it_is_met() {
        for cause in [Cause::IntentMissing, Cause::WrongMode, Cause::AccountRefused, Cause::DeclinedSoftly] {
            let mut row = received();
            for n in 0..=i64::try_from(POISON_DEATHS).expect("few") {
                let delivery =
                    OpenDelivery { began_at: UnixMs(100_000 * n), message: "message-1".to_owned() };
                row = row.received_again(delivery.clone(), UnixMs(900));
                row = after(&row, &Change::HandedBack(HandedBack { cause, delivery, refused: None }));
            }
            let now = OpenDelivery { began_at: UnixMs(90_000_000), message: "message-1".to_owned() };
            // The first delivery of all never said how it ended.
            assert_eq!(row.deaths(&now), 1, "{cause}");
        }
    }
}
