//! The ledger as a model: what each write must come to, without a database.
//!
//! For tests: the exhaustive search of the charge protocol runs on it, and the adapter is held against it. Nothing that
//! is deployed contains it (feature `model`, which only dev-dependencies name): there a row is read, not made.
//! Invariant: a change that the model refuses is refused by the condition of its write, and the other way round.

use super::{Blamed, Change, Forget, HandedBack, OpenDelivery, Row, State};
use crate::request::{Request, Wording};
use crate::time::UnixMs;
use std::collections::BTreeSet;
use std::sync::Arc;

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
            declined_charges: BTreeSet::new(),
            concluded: None,
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
            self.quarantine_message_id = None;
        }
        self
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
            Change::SetAside(cause, message_id) => {
                row.set_aside = Some(*cause);
                row.quarantine_message_id = Some(message_id.clone());
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
            Change::HandedBack(_) | Change::Excuse(_) | Change::SetAside(..) => is_unsettled,
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
        self.declined_charges.extend(note.declined_charges.iter().cloned());
        if let Some(refused) = &note.refused {
            self.refused = Some(refused.clone());
        }
        if let Some(decline) = &note.concluded {
            self.concluded = Some(decline.clone());
        }
        if note.cause.excuses() {
            self.open.remove(&note.delivery);
        }
    }

    fn settle(&mut self, state: State, now: UnixMs) {
        if !matches!(state, State::Quarantined(_)) {
            self.concluded = None;
        }
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
        self.declined_charges.clear();
        self.concluded = None;
        self.refused = None;
        self.blamed = Blamed::Nobody;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Payment;
    use crate::cause::Cause;
    use crate::ledger::Reason;
    use crate::limits::POISON_DEATHS;
    use crate::provider::IntentId;

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
                let note = HandedBack {
                    cause,
                    delivery,
                    refused: None,
                    concluded: None,
                    declined_charges: BTreeSet::new(),
                };
                row = after(&row, &Change::HandedBack(note));
            }
            let now = OpenDelivery { began_at: UnixMs(90_000_000), message: "message-1".to_owned() };
            // The first delivery of all never said how it ended.
            assert_eq!(row.deaths(&now), 1, "{cause}");
        }
    }
}
