//! The world around the protocol: a row, intents, stored answers, copies of one message, and what may go wrong.
//!
//! Invariant: every move of a world is one of [`World::successors`]; whatever costs a fault is counted.

use crate::{Card, NOW, Past, Rules, Scenario, Violation};
use payments::cause::Cause;
use payments::charge::{Delivery, Event, Method, Outcome, Step};
use payments::ledger::{Change, Forget, HandedBack, OpenDelivery, Row, State};
use payments::limits::POISON_DEATHS;
use payments::provider::{Answer, ChargeId, Decline, DeclinedCharge, Intent, IntentId, IntentStatus, Replay};
use payments::request::{Request, Wording};
use payments::suspicion::Suspect;
use payments::{Payment, UnixMs};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct World {
    pub(crate) row: Option<Row>,
    intents: Vec<ModelIntent>,
    /// Stored answers of create keys: the intent, or a failure.
    keys: BTreeMap<String, Option<usize>>,
    pub(crate) copies: Vec<Copy>,
    pub(crate) starts: u8,
    pub(crate) faults: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ModelIntent {
    status: IntentStatus,
    last_decline: Option<Decline>,
    charges: u8,
    /// A confirmation was answered 500 and may still be rolled forward.
    may_roll_forward: bool,
}

/// What the issuer says to a confirmation.
#[derive(Clone, Debug)]
enum Says {
    Yes,
    No(Decline),
    /// The network takes its time.
    Later,
    /// The customer has to act.
    Ask,
}

/// One copy of the message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Copy {
    Queued,
    Running(Box<Delivery>, Step),
    Gone,
}

impl World {
    pub(crate) fn new(scenario: Scenario) -> Self {
        Self {
            row: None,
            intents: Vec::new(),
            keys: BTreeMap::new(),
            copies: vec![Copy::Queued; usize::from(scenario.copies)],
            starts: scenario.starts,
            faults: scenario.faults,
        }
    }

    fn charges(&self) -> u8 {
        self.intents.iter().map(|intent| intent.charges).sum()
    }

    pub(crate) fn check(&self) -> Result<(), Violation> {
        if self.charges() > 1 {
            return Err("charged twice");
        }
        match self.row.as_ref().map(|row| &row.state) {
            Some(State::Declined(_)) if self.charges() > 0 => Err("declined, but money moved"),
            Some(State::Quarantined(_)) if self.charges() > 0 => Err("quarantined, but money moved"),
            Some(State::Succeeded) if self.charges() == 0 => Err("succeeded, but no money moved"),
            Some(_) | None => Ok(()),
        }
    }

    pub(crate) fn is_at_rest(&self) -> bool {
        !self.copies.iter().any(|copy| matches!(copy, Copy::Running(..)))
    }

    fn intent(&self, index: usize) -> Intent {
        let model = &self.intents[index];
        Intent {
            id: IntentId(index.to_string()),
            status: model.status.clone(),
            amount: 1999,
            currency: "eur".to_owned(),
            payment_id: Some("order-1".to_owned()),
            last_decline: model
                .last_decline
                .clone()
                .map(|decline| DeclinedCharge { decline, charge: Some(ChargeId(index.to_string())) }),
        }
    }

    /// Every state that one move leads to.
    pub(crate) fn successors(&self, scenario: Scenario) -> Result<Vec<Self>, Violation> {
        let mut next = Vec::new();
        for index in 0..self.copies.len() {
            match &self.copies[index] {
                Copy::Queued if self.starts > 0 => self.start(index, scenario, &mut next),
                Copy::Running(delivery, step) => {
                    self.fault(&mut next, |world| world.copies[index] = Copy::Queued);
                    self.act(index, delivery, step, scenario, &mut next)?;
                }
                Copy::Queued | Copy::Gone => {}
            }
        }
        self.surroundings(scenario, &mut next);
        for world in &mut next {
            world.copies.sort();
        }
        Ok(next)
    }

    /// A move that costs one fault of the budget.
    fn fault(&self, next: &mut Vec<Self>, change: impl FnOnce(&mut Self)) {
        if self.faults > 0 {
            let mut world = self.clone();
            world.faults -= 1;
            change(&mut world);
            next.push(world);
        }
    }

    /// Step 1: one write that claims nothing and tells everything.
    fn start(&self, index: usize, scenario: Scenario, next: &mut Vec<Self>) {
        let row = match self.row.clone() {
            None => Row::received(request(), delivery_at(NOW), NOW),
            Some(row) => row.received_again(delivery_at(NOW), NOW),
        };
        let row = with_past(row, scenario.past);
        let mut world = Self { row: Some(row.clone()), ..self.clone() };
        world.starts -= 1;
        world.fault(next, |world| world.copies[index] = Copy::Queued);
        let (delivery, step) = Delivery::begin(row, &delivery_at(NOW), &request().wording);
        world.copies[index] = Copy::Running(Box::new(delivery), step);
        next.push(world);
    }

    /// The step of one delivery, with and without each fault that can meet it.
    fn act(
        &self,
        index: usize,
        delivery: &Delivery,
        step: &Step,
        scenario: Scenario,
        next: &mut Vec<Self>,
    ) -> Result<(), Violation> {
        let go_on = |mut world: Self, event: Event| {
            let mut delivery = delivery.clone();
            let step = delivery.next(event);
            world.copies[index] = Copy::Running(Box::new(delivery), step);
            world
        };
        let unknown = |replay| Event::Answered(Answer::Unknown { cause: Cause::ProviderTimeout, replay });
        match step {
            Step::Create => {
                let mut done = self.clone();
                let answer = done.create(&delivery.create_key());
                self.fault(next, |world| *world = go_on(world.clone(), unknown(Replay::Open)));
                done.fault(next, |world| *world = go_on(world.clone(), unknown(Replay::Open)));
                done.fault(next, |world| {
                    world.keys.insert(delivery.create_key(), None);
                    *world = go_on(world.clone(), unknown(Replay::Stored));
                });
                next.push(go_on(done, Event::Answered(answer)));
            }
            Step::Confirm(intent, method) => {
                let at: usize = intent.id().0.parse().expect("ids are indices");
                self.fault(next, |world| *world = go_on(world.clone(), unknown(Replay::Open)));
                self.fault(next, |world| {
                    world.intents[at].may_roll_forward = true;
                    *world = go_on(world.clone(), unknown(Replay::Open));
                });
                for says in self.issuer(at, scenario.card) {
                    let mut done = self.clone();
                    let answer = done.confirm(at, *method, says);
                    done.fault(next, |world| *world = go_on(world.clone(), unknown(Replay::Open)));
                    next.push(go_on(done, Event::Answered(answer)));
                }
            }
            Step::Retrieve(intent) => {
                let at: usize = intent.id().0.parse().expect("ids are indices");
                self.fault(next, |world| *world = go_on(world.clone(), unknown(Replay::Open)));
                next.push(go_on(self.clone(), Event::Answered(Answer::Intent(self.intent(at)))));
            }
            Step::Cancel(intent) => {
                let at: usize = intent.id().0.parse().expect("ids are indices");
                let mut done = self.clone();
                let answer = done.cancel(at, scenario.rules);
                self.fault(next, |world| *world = go_on(world.clone(), unknown(Replay::Open)));
                done.fault(next, |world| *world = go_on(world.clone(), unknown(Replay::Open)));
                next.push(go_on(done, Event::Answered(answer)));
            }
            Step::Write(change) => {
                let mut done = self.clone();
                let event = done.write(change, delivery.row(), scenario.rules);
                self.fault(next, |world| *world = go_on(world.clone(), Event::LedgerFailed));
                done.fault(next, |world| *world = go_on(world.clone(), Event::LedgerFailed));
                next.push(go_on(done, event));
            }
            // Whoever else is about decides. That they are in the same trouble counts as a fault.
            Step::Judge(..) => {
                self.fault(next, |world| *world = go_on(world.clone(), Event::Judged(Suspect::Us)));
                next.push(go_on(self.clone(), Event::Judged(Suspect::Payment)));
            }
            Step::SendToQuarantine(_) => {
                self.fault(next, |world| *world = go_on(world.clone(), Event::QuarantineFailed));
                next.push(go_on(self.clone(), Event::QuarantineSent("copy".to_owned())));
            }
            Step::Done(outcome) => {
                let mut world = self.clone();
                world.finish(index, delivery, *outcome, scenario)?;
                next.push(world);
            }
        }
        Ok(())
    }

    fn create(&mut self, key: &str) -> Answer {
        match self.keys.get(key) {
            Some(None) => Answer::Unknown { cause: Cause::ProviderError, replay: Replay::Stored },
            Some(Some(index)) => {
                // The stored answer tells what the intent was like when it was made.
                let intent = Intent {
                    status: IntentStatus::RequiresConfirmation,
                    last_decline: None,
                    ..self.intent(*index)
                };
                Answer::Intent(intent)
            }
            None => {
                self.intents.push(ModelIntent {
                    status: IntentStatus::RequiresConfirmation,
                    last_decline: None,
                    charges: 0,
                    may_roll_forward: false,
                });
                self.keys.insert(key.to_owned(), Some(self.intents.len() - 1));
                Answer::Intent(self.intent(self.intents.len() - 1))
            }
        }
    }

    /// Everything that the issuer may say to a confirmation now.
    fn issuer(&self, at: usize, card: Card) -> Vec<Says> {
        match card {
            Card::Good => vec![Says::Yes],
            Card::Declined => vec![Says::No(hard_decline())],
            Card::Soft if self.intents[at].last_decline.is_none() => vec![Says::No(soft_decline())],
            Card::Soft => vec![Says::No(hard_decline()), Says::Yes],
            Card::Slow => vec![Says::Later],
            Card::WantsCustomer => vec![Says::Ask],
        }
    }

    fn confirm(&mut self, at: usize, method: Method, says: Says) -> Answer {
        let intent = &mut self.intents[at];
        let confirmable = match (&intent.status, method) {
            (IntentStatus::RequiresConfirmation, _)
            | (IntentStatus::RequiresPaymentMethod, Method::OfTheRequest) => true,
            (_, Method::OfTheIntent | Method::OfTheRequest) => false,
        };
        if !confirmable {
            return Answer::UnexpectedState(self.intent(at));
        }
        match says {
            Says::Yes => intent.charge(),
            Says::No(decline) => {
                intent.decline(decline.clone());
                return Answer::Declined(DeclinedCharge { decline, charge: Some(ChargeId(at.to_string())) });
            }
            Says::Later => intent.status = IntentStatus::Processing,
            Says::Ask => intent.status = IntentStatus::RequiresAction,
        }
        Answer::Intent(self.intent(at))
    }

    fn cancel(&mut self, at: usize, rules: Rules) -> Answer {
        let cancelable = !matches!(
            self.intents[at].status,
            IntentStatus::Succeeded | IntentStatus::Processing | IntentStatus::Canceled
        );
        if rules == Rules::NoFence {
            return Answer::Intent(Intent { status: IntentStatus::Canceled, ..self.intent(at) });
        }
        if cancelable {
            self.intents[at].status = IntentStatus::Canceled;
            Answer::Intent(self.intent(at))
        } else {
            Answer::UnexpectedState(self.intent(at))
        }
    }

    fn write(&mut self, change: &Change, read: &Row, rules: Rules) -> Event {
        let Some(row) = &self.row else {
            return Event::LostRace(None);
        };
        let written = match (rules, change) {
            (Rules::WholeItemInStep3, Change::Record(_)) => read.apply(change, read.version, NOW),
            (Rules::NoVersion, _) => row.apply(change, row.version, NOW),
            _ => row.apply(change, read.version, NOW),
        };
        match written {
            Some(row) => {
                self.row = Some(row.clone());
                Event::Written(row)
            }
            None => Event::LostRace(Some(row.clone())),
        }
    }

    fn finish(
        &mut self,
        index: usize,
        delivery: &Delivery,
        outcome: Outcome,
        scenario: Scenario,
    ) -> Result<(), Violation> {
        match outcome {
            Outcome::HandBack { cause } if scenario.rules != Rules::AcknowledgeOnError => {
                let note = HandedBack {
                    cause,
                    delivery: delivery_at(NOW),
                    refused: None,
                    concluded: delivery.concluded(),
                    declined_charges: delivery.declined_charges().clone(),
                };
                let note = Change::HandedBack(note);
                if let Some(row) = self.row.as_ref().and_then(|row| row.apply(&note, row.version, NOW)) {
                    self.row = Some(with_past(row, scenario.past));
                }
                self.copies[index] = Copy::Queued;
                Ok(())
            }
            Outcome::Acknowledge | Outcome::HandBack { .. } => {
                self.copies[index] = Copy::Gone;
                let settled = !delivery.row().state.is_unsettled();
                if settled { Ok(()) } else { Err("acknowledged an open payment") }
            }
        }
    }

    /// What happens without any delivery: late roll-forwards, slow networks, pruned keys, people.
    fn surroundings(&self, scenario: Scenario, next: &mut Vec<Self>) {
        for at in 0..self.intents.len() {
            let intent = &self.intents[at];
            let is_open = matches!(
                intent.status,
                IntentStatus::RequiresConfirmation | IntentStatus::RequiresPaymentMethod
            );
            if intent.may_roll_forward && is_open && scenario.card == Card::Good {
                let mut world = self.clone();
                world.intents[at].charge();
                next.push(world);
            }
            if intent.status == IntentStatus::Processing {
                next.push(self.with_intent(at, ModelIntent::charge));
                next.push(self.with_intent(at, |intent| intent.decline(hard_decline())));
            }
            if is_open {
                self.fault(next, |world| world.intents[at].status = IntentStatus::Canceled);
            }
        }
        for key in self.keys.keys() {
            self.fault(next, |world| {
                world.keys.remove(key);
            });
        }
        self.release(next);
    }

    fn with_intent(&self, at: usize, change: impl FnOnce(&mut ModelIntent)) -> Self {
        let mut world = self.clone();
        change(&mut world.intents[at]);
        world
    }

    /// A human releases a quarantined payment: the intent is looked up, the row set back, the request sent again.
    fn release(&self, next: &mut Vec<Self>) {
        let Some(row) = &self.row else { return };
        let at: Option<usize> = row.intent_id().map(|id| id.0.parse().expect("ids are indices"));
        let change = match at.map(|at| &self.intents[at].status) {
            Some(IntentStatus::Succeeded) => Change::Succeed,
            Some(IntentStatus::Canceled) => {
                Change::Release(Forget::CanceledIntent, request().wording.clone())
            }
            Some(_) | None => Change::Release(Forget::Nothing, request().wording.clone()),
        };
        // The message that is sent takes the place of an acknowledged one, so that the search stays finite.
        let place = self.copies.iter().position(|copy| *copy == Copy::Gone);
        let released = row.apply(&change, row.version, NOW);
        if let (State::Quarantined(_), Some(place), Some(released)) = (&row.state, place, released) {
            self.fault(next, |world| {
                world.row = Some(released);
                world.copies[place] = Copy::Queued;
                world.starts += 1;
            });
        }
    }
}

impl ModelIntent {
    fn charge(&mut self) {
        self.status = IntentStatus::Succeeded;
        self.charges += 1;
    }

    fn decline(&mut self, decline: Decline) {
        self.status = IntentStatus::RequiresPaymentMethod;
        self.last_decline = Some(decline);
    }
}

/// Counting every delivery would make the search endless; the row remembers only what its past comes to.
fn with_past(mut row: Row, past: Past) -> Row {
    let deaths = match past {
        Past::Poisonous if row.intent_id().is_some() => POISON_DEATHS,
        Past::Poisonous | Past::Explained => 0,
    };
    row.attempts = 1;
    row.open = (0..deaths).map(|n| delivery_at(UnixMs(i64::try_from(n).unwrap_or(0)))).collect();
    row.last_error = None;
    row
}

fn delivery_at(began_at: UnixMs) -> OpenDelivery {
    OpenDelivery { began_at, message: "message".to_owned() }
}

fn request() -> Arc<Request> {
    thread_local! {
        static REQUEST: Arc<Request> = Arc::new(Request::new(
            Payment::parse(r#"{"payment_id":"order-1","amount":1999,"currency":"eur","payment_method":"pm_card_visa"}"#)
                .expect("valid"),
            Arc::new(Wording { version: "2026-01-01".to_owned(), create: Vec::new(), confirm: Vec::new() }),
        ));
    }
    REQUEST.with(Arc::clone)
}

fn hard_decline() -> Decline {
    Decline {
        code: "card_declined".to_owned(),
        decline_code: Some("generic_decline".to_owned()),
        advice_code: None,
    }
}

fn soft_decline() -> Decline {
    Decline {
        code: "card_declined".to_owned(),
        decline_code: Some("try_again_later".to_owned()),
        advice_code: None,
    }
}
