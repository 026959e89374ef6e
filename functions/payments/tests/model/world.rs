//! The world around the protocol: a row, the provider's book, copies of one message, and what may go wrong.
//!
//! Invariant: every move of a world is one of [`World::successors`]; whatever costs a fault is counted.

use crate::book::{Book, Entry, Lag, hard_decline};
use crate::digest::Shared;
use crate::{NOW, Past, Rules, Scenario, Violation, Words};
use payments::cause::Cause;
use payments::charge::{Delivery, Event, Method, Outcome, Step};
use payments::ledger::{Change, Forget, HandedBack, OpenDelivery, RecordedIntent, Row, State};
use payments::limits::{CONFIRMS_MAX, POISON_DEATHS};
use payments::provider::{Answer, DeclinedCharge, Refusal, Replay};
use payments::request::{Request, Wording};
use payments::suspicion::Suspect;
use payments::witness::{self, Witness};
use payments::{Payment, UnixMs};
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct World {
    pub(crate) row: Option<Shared<Row>>,
    pub(crate) book: Book,
    pub(crate) copies: Vec<Copy>,
    pub(crate) starts: u8,
    pub(crate) faults: u8,
    /// Events of the provider's that may still come.
    pub(crate) events: u8,
    /// What one of them led to, at its step.
    pub(crate) look: Option<Shared<(Witness, witness::Step)>>,
    /// Declines that no delivery need have noted: it died, the confirm happened after it had gone, or a look-up that lags
    /// hid it. Where copies overlap they are not counted, since each may ask without the others' knowledge.
    pub(crate) unknowable: usize,
    /// A message was acknowledged that should not have been.
    pub(crate) acknowledged: Option<Violation>,
}

/// One copy of the message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Copy {
    Queued,
    Running(Shared<(Delivery, Step)>),
    Gone,
}

/// One delivery at its step.
#[derive(Clone, Copy)]
struct Turn<'world> {
    index: usize,
    delivery: &'world Delivery,
    scenario: Scenario,
}

/// What must hold in every state.
impl World {
    pub(crate) fn new(scenario: Scenario) -> Self {
        Self {
            row: None,
            book: Book::default(),
            copies: vec![Copy::Queued; usize::from(scenario.copies)],
            starts: scenario.starts,
            faults: scenario.faults,
            events: scenario.events,
            look: None,
            unknowable: 0,
            acknowledged: None,
        }
    }

    pub(crate) fn check(&self, scenario: Scenario) -> Result<(), Violation> {
        if let Some(violation) = self.acknowledged {
            return Err(violation);
        }
        let charges: u8 = self.book.entries.iter().map(|entry| entry.charges).sum();
        if charges > 1 {
            return Err("charged twice");
        }
        match self.row.as_ref().map(|row| &row.state) {
            Some(State::Declined(_)) if charges > 0 => return Err("declined, but money moved"),
            Some(State::Quarantined(_)) if charges > 0 => return Err("quarantined, but money moved"),
            Some(State::Succeeded) if !self.recorded().is_some_and(Entry::has_succeeded) => {
                return Err("succeeded, but no money moved");
            }
            // Whatever is still to happen by itself, a canceled intent stays canceled.
            Some(State::Declined(_) | State::Quarantined(_))
                if self.recorded().is_some_and(|entry| !entry.is_canceled()) =>
            {
                return Err("settled without a charge, but the intent may still charge");
            }
            Some(_) | None => {}
        }
        // So one that appears late, or that nobody recorded, never charges either.
        let is_harmless = |entry: &Entry| entry.is_untouched() || entry.is_canceled();
        let recorded = self.recorded_at();
        let others = self.book.entries.iter().enumerate().filter(|(at, _)| Some(*at) != recorded);
        if !others.map(|(_, entry)| entry).all(is_harmless) {
            return Err("asked for the money of an intent that is not recorded");
        }
        let asked = self.recorded().map_or(0, |entry| usize::from(entry.attempts()));
        if scenario.copies == 1 && asked > CONFIRMS_MAX + self.unknowable {
            return Err("the card was asked too often");
        }
        Ok(())
    }

    fn recorded_at(&self) -> Option<usize> {
        self.row.as_ref()?.recorded_intent().as_ref().map(position)
    }

    fn recorded(&self) -> Option<&Entry> {
        self.book.entries.get(self.recorded_at()?)
    }

    pub(crate) fn is_at_rest(&self) -> bool {
        !self.copies.iter().any(|copy| matches!(copy, Copy::Running(_)))
    }
}

/// Moves.
impl World {
    /// Every state that one move leads to.
    pub(crate) fn successors(&self, scenario: Scenario) -> Vec<Self> {
        let mut next = self.by_deliveries(scenario);
        next.extend(self.by_events(scenario.rules));
        let by_itself = self.book.by_itself(scenario.card);
        next.extend(by_itself.into_iter().map(|book| Self { book, ..self.clone() }));
        if let Some(faulty) = self.faulty() {
            next.extend(self.book.by_others().into_iter().map(|book| Self { book, ..faulty.clone() }));
        }
        next.extend(self.released());
        for world in &mut next {
            world.tidy();
        }
        next
    }

    /// Those that a delivery makes. The first of each is the one without a fault.
    pub(crate) fn by_deliveries(&self, scenario: Scenario) -> Vec<Self> {
        let mut next = Vec::new();
        for (index, copy) in self.copies.iter().enumerate() {
            match copy {
                Copy::Queued if self.starts > 0 => self.start(index, scenario, &mut next),
                Copy::Running(running) => {
                    let (delivery, step) = &**running;
                    let turn = Turn { index, delivery, scenario };
                    self.act(turn, step, &mut next);
                    next.extend(self.without(index, scenario));
                }
                Copy::Queued | Copy::Gone => {}
            }
        }
        next
    }

    /// States that differ in nothing that can still matter become one.
    fn tidy(&mut self) {
        self.book.forget(if self.faults == 0 { Lag::IsOver } else { Lag::MayBe });
        self.copies.sort();
    }

    /// The same with one fault less to come, if any is left.
    pub(crate) fn faulty(&self) -> Option<Self> {
        let faults = self.faults.checked_sub(1)?;
        Some(Self { faults, ..self.clone() })
    }

    /// The delivery dies.
    fn without(&self, index: usize, scenario: Scenario) -> Option<Self> {
        let mut world = self.faulty()?;
        world.copies[index] = Copy::Queued;
        world.cannot_know(scenario, 1);
        Some(world)
    }

    fn cannot_know(&mut self, scenario: Scenario, declines: usize) {
        if scenario.copies == 1 {
            self.unknowable += declines;
        }
    }

    /// Step 1: one write that claims nothing and tells everything.
    fn start(&self, index: usize, scenario: Scenario, next: &mut Vec<Self>) {
        let row = match self.row.clone() {
            None => Row::received(request(), delivery_at(NOW), NOW),
            Some(row) => Row::clone(&row).received_again(delivery_at(NOW), NOW),
        };
        let row = without_past(row);
        let world = Self { row: Some(Shared::new(row.clone())), starts: self.starts - 1, ..self.clone() };
        let deaths: &[usize] = match scenario.past {
            Past::Explained => &[0],
            Past::MayBePoisonous => &[0, POISON_DEATHS],
        };
        for deaths in deaths {
            let mut row = row.clone();
            row.open = (0..*deaths).map(|n| delivery_at(UnixMs(i64::try_from(n).unwrap_or(0)))).collect();
            let (delivery, step) = Delivery::begin(row, &delivery_at(NOW), &todays(scenario.words));
            world.is_at(Turn { index, delivery: &delivery, scenario }, step, next);
        }
        next.extend(world.without(index, scenario));
    }

    fn go_on(&self, turn: Turn<'_>, event: Event, next: &mut Vec<Self>) {
        let mut delivery = turn.delivery.clone();
        let step = delivery.next(event);
        self.is_at(Turn { delivery: &delivery, ..turn }, step, next);
    }

    /// The delivery comes to a step. One that nobody else can see is taken at once, since it makes no difference when.
    fn is_at(&self, turn: Turn<'_>, step: Step, next: &mut Vec<Self>) {
        let (done, failed) = match step {
            // Whoever else is about decides. That they are in the same trouble counts as a fault.
            Step::Judge(..) => (Event::Judged(Suspect::Payment), Event::Judged(Suspect::Us)),
            Step::SendToQuarantine(_) => (Event::QuarantineSent("copy".to_owned()), Event::QuarantineFailed),
            Step::Done(outcome) if !leaves_word(turn.delivery) => {
                next.push(self.finish(turn, outcome));
                return next.extend(self.without(turn.index, turn.scenario));
            }
            Step::Done(_)
            | Step::Create
            | Step::Confirm(..)
            | Step::Retrieve(_)
            | Step::Cancel(_)
            | Step::Write(_) => {
                let mut world = self.clone();
                world.copies[turn.index] = Copy::Running(Shared::new((turn.delivery.clone(), step)));
                return next.push(world);
            }
        };
        self.go_on(turn, done, next);
        if let Some(faulty) = self.faulty() {
            faulty.go_on(turn, failed, next);
        }
        next.extend(self.without(turn.index, turn.scenario));
    }

    /// The step of one delivery, without and with each fault that can meet it.
    fn act(&self, turn: Turn<'_>, step: &Step, next: &mut Vec<Self>) {
        match step {
            Step::Create => self.create(turn, next),
            Step::Confirm(intent, method) => self.confirm(turn, position(intent), *method, next),
            Step::Retrieve(intent) => self.retrieve(turn, position(intent), next),
            Step::Cancel(intent) => self.cancel(turn, position(intent), next),
            Step::Write(change) => self.write(turn, change, next),
            Step::Done(outcome) => next.push(self.finish(turn, *outcome)),
            Step::Judge(..) | Step::SendToQuarantine(_) => unreachable!("taken at once"),
        }
    }

    fn create(&self, turn: Turn<'_>, next: &mut Vec<Self>) {
        let key = turn.delivery.create_key();
        let key =
            key.rsplit(':').next().and_then(|n| n.parse().ok()).expect("a key ends with its generation");
        let mut done = self.clone();
        let answer = done.book.create(key);
        done.go_on(turn, Event::Answered(answer), next);
        let Some(faulty) = self.faulty() else { return };
        Self { book: done.book.clone(), ..faulty.clone() }.go_on(turn, unknown(Replay::Open), next);
        for book in [&self.book, &done.book] {
            let book = book.with(|book| book.store_failure(key));
            Self { book, ..faulty.clone() }.go_on(turn, unknown(Replay::Stored), next);
        }
        let book = self.book.with(|book| book.create_later(key));
        Self { book, ..faulty.clone() }.go_on(turn, unknown(Replay::Open), next);
        let declined = DeclinedCharge { decline: hard_decline(), charge: None };
        faulty.go_on(turn, Event::Answered(Answer::Declined(declined)), next);
        faulty.call_fails(turn, next);
    }

    fn confirm(&self, turn: Turn<'_>, at: usize, method: Method, next: &mut Vec<Self>) {
        let faulty = self.faulty();
        for (book, answer) in self.book.confirm(at, method, turn.scenario.card) {
            Self { book: book.clone(), ..self.clone() }.go_on(turn, Event::Answered(answer), next);
            if let Some(faulty) = &faulty {
                Self { book, ..faulty.clone() }.go_on(turn, unknown(Replay::Open), next);
            }
        }
        let Some(faulty) = faulty else { return };
        let mut late = faulty.clone();
        late.book.confirm_later(at, method);
        late.cannot_know(turn.scenario, 1);
        late.go_on(turn, unknown(Replay::Open), next);
        faulty.call_fails(turn, next);
    }

    fn retrieve(&self, turn: Turn<'_>, at: usize, next: &mut Vec<Self>) {
        self.go_on(turn, Event::Answered(Answer::Intent(self.book.intent(at))), next);
        let Some(faulty) = self.faulty() else { return };
        if let Some(seen) = self.book.lagging(at) {
            let mut faulty = faulty.clone();
            let is_unsaid = self.row.as_ref().is_none_or(|row| row.concluded.is_none());
            let hides_a_no = is_unsaid && seen.last_decline != self.book.intent(at).last_decline;
            faulty.cannot_know(turn.scenario, usize::from(hides_a_no));
            faulty.go_on(turn, Event::Answered(Answer::Intent(seen)), next);
        }
        faulty.call_fails(turn, next);
    }

    fn cancel(&self, turn: Turn<'_>, at: usize, next: &mut Vec<Self>) {
        let mut done = self.clone();
        let answer = if turn.scenario.rules == Rules::NoFence {
            done.book.pretend_to_cancel(at)
        } else {
            done.book.cancel(at)
        };
        done.go_on(turn, Event::Answered(answer), next);
        let Some(faulty) = self.faulty() else { return };
        Self { book: done.book, ..faulty.clone() }.go_on(turn, unknown(Replay::Open), next);
        let book = self.book.with(|book| book.cancel_later(at));
        Self { book, ..faulty.clone() }.go_on(turn, unknown(Replay::Open), next);
        faulty.call_fails(turn, next);
    }

    /// What any call may meet without any effect.
    fn call_fails(&self, turn: Turn<'_>, next: &mut Vec<Self>) {
        let refusal = Refusal { status: 400, code: "parameter_unknown".to_owned(), param: None, text: None };
        for answer in [
            Answer::Unknown { cause: Cause::ProviderTimeout, replay: Replay::Open },
            Answer::NotDone { cause: Cause::RateLimited },
            Answer::Refused(refusal),
            Answer::KeySpent,
            Answer::IntentMissing,
        ] {
            self.go_on(turn, Event::Answered(answer), next);
        }
    }

    fn write(&self, turn: Turn<'_>, change: &Change, next: &mut Vec<Self>) {
        let read = turn.delivery.row();
        let Some(row) = &self.row else {
            return self.go_on(turn, Event::LostRace(None), next);
        };
        let written = match (turn.scenario.rules, change) {
            (Rules::WholeItemInStep3, Change::Record(_)) => read.apply(change, read.version, NOW),
            (Rules::NoVersion, _) => row.apply(change, row.version, NOW),
            (
                Rules::AsWritten
                | Rules::NoFence
                | Rules::AcknowledgeOnError
                | Rules::BelievesEvents
                | Rules::WholeItemInStep3,
                _,
            ) => row.apply(change, read.version, NOW),
        };
        let faulty = self.faulty();
        match written {
            None => self.go_on(turn, Event::LostRace(Some(Row::clone(row))), next),
            Some(written) => {
                let row = Some(Shared::new(written.clone()));
                Self { row: row.clone(), ..self.clone() }.go_on(turn, Event::Written(written.clone()), next);
                if let Some(faulty) = &faulty {
                    let done = Self { row, ..faulty.clone() };
                    done.go_on(turn, Event::LedgerFailed, next);
                    // The answer was lost and the write repeated beneath us: what was first is our own.
                    if written.version != read.version {
                        done.go_on(turn, Event::LostRace(Some(written)), next);
                    }
                }
            }
        }
        if let Some(faulty) = faulty {
            faulty.go_on(turn, Event::LedgerFailed, next);
        }
    }

    fn finish(&self, turn: Turn<'_>, outcome: Outcome) -> Self {
        let mut world = self.clone();
        match outcome {
            Outcome::HandBack { cause } if turn.scenario.rules != Rules::AcknowledgeOnError => {
                let note = Change::HandedBack(HandedBack {
                    cause,
                    delivery: delivery_at(NOW),
                    refused: None,
                    concluded: turn.delivery.concluded(),
                    declined_charges: turn.delivery.declined_charges().clone(),
                });
                if let Some(row) = self.row.as_ref().and_then(|row| row.apply(&note, row.version, NOW)) {
                    world.row = Some(Shared::new(without_past(row)));
                }
                world.copies[turn.index] = Copy::Queued;
            }
            Outcome::Acknowledge | Outcome::HandBack { .. } => {
                world.copies[turn.index] = Copy::Gone;
                let row = turn.delivery.row();
                world.acknowledged = match row.state {
                    State::Received | State::Intended => Some("acknowledged an open payment"),
                    State::Quarantined(_) if row.quarantine_message_id.is_none() => {
                        Some("acknowledged a quarantine that nobody was told of")
                    }
                    State::Succeeded | State::Declined(_) | State::Quarantined(_) => self.acknowledged,
                };
            }
        }
        world
    }

    /// A human releases a quarantined payment: the intent is looked up, the row set back, the request sent again.
    fn released(&self) -> Option<Self> {
        let row = self.row.as_ref().filter(|row| matches!(row.state, State::Quarantined(_)))?;
        let change = match self.recorded() {
            Some(entry) if entry.has_succeeded() => Change::Succeed,
            Some(entry) if entry.is_canceled() => {
                Change::Release(Forget::CanceledIntent, request().wording.clone())
            }
            Some(_) | None => Change::Release(Forget::Nothing, request().wording.clone()),
        };
        // The message that is sent takes the place of an acknowledged one, so that the search stays finite.
        let place = self.copies.iter().position(|copy| *copy == Copy::Gone)?;
        let mut world = self.faulty()?;
        world.row = Some(Shared::new(row.apply(&change, row.version, NOW)?));
        world.copies[place] = Copy::Queued;
        world.starts += 1;
        Some(world)
    }
}

/// Whether what it notes when it hands the message back can matter to others.
fn leaves_word(delivery: &Delivery) -> bool {
    delivery.concluded().is_some() || !delivery.declined_charges().is_empty()
}

/// Counting every delivery would make the search endless. Whether the past speaks against the payment is chosen anew for
/// each delivery.
fn without_past(mut row: Row) -> Row {
    row.attempts = 1;
    row.open.clear();
    row.last_error = None;
    row
}

fn unknown(replay: Replay) -> Event {
    Event::Answered(Answer::Unknown { cause: Cause::ProviderTimeout, replay })
}

pub(crate) fn position(intent: &RecordedIntent) -> usize {
    intent.id().0.parse().expect("ids are positions")
}

fn delivery_at(began_at: UnixMs) -> OpenDelivery {
    OpenDelivery { began_at, message: "message".to_owned() }
}

/// How a delivery would put the payment: as its row does, or as a deployment since then does.
fn todays(words: Words) -> Arc<Wording> {
    match words {
        Words::AsBefore => Arc::clone(&request().wording),
        Words::New => wording("2026-02-02"),
    }
}

fn wording(version: &str) -> Arc<Wording> {
    Arc::new(Wording { version: version.to_owned(), create: Vec::new(), confirm: Vec::new() })
}

fn request() -> Arc<Request> {
    thread_local! {
        static REQUEST: Arc<Request> = Arc::new(Request::new(
            Payment::parse(r#"{"payment_id":"order-1","amount":1999,"currency":"eur","payment_method":"pm_card_visa"}"#)
                .expect("valid"),
            wording("2026-01-01"),
        ));
    }
    REQUEST.with(Arc::clone)
}
