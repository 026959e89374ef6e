//! Mutants of the charge protocol: each goes wrong in one step of it.

#![expect(clippy::wildcard_enum_match_arm, reason = "each names the one step it breaks")]

use crate::mutants::mutant::{Broken, Mutant};
use crate::mutants::weather::Weather;
use consumer::Protocol;
use payments::charge::{Delivery, Event, Method, Outcome, Step};
use payments::ledger::{Change, OpenDelivery, Reason};
use payments::limits::POISON_DEATHS;
use payments::provider::{Answer, Decline, DeclinedCharge, Intent, IntentId, IntentStatus};
use payments::request::Wording;
use payments::{Cause, Row, UnixMs};
use std::sync::Arc;

pub(crate) const MUTANTS: [Mutant; 19] = [
    Mutant {
        name: "confirms without a record",
        story: "the id is at hand and the write can wait, says whoever never crashed in between",
        weather: Weather::Rough,
        caught_by: "charged-on-record",
        broken: next(confirms_without_a_record),
    },
    Mutant {
        name: "never confirms",
        story: "takes a 200 to the create for the charge, as with the older Charges API",
        weather: Weather::Calm,
        caught_by: "ledger-agrees",
        broken: next(never_confirms),
    },
    Mutant {
        name: "acknowledges what failed",
        story: "catches every error and logs it, so that nothing ever fails",
        weather: Weather::Rough,
        caught_by: "acknowledged-on-record",
        broken: next(acknowledges_what_failed),
    },
    Mutant {
        name: "takes a lost answer for a failure",
        story: "a time-out is an error, and a payment with an error is declined",
        weather: Weather::Rough,
        caught_by: "ledger-agrees",
        broken: next(takes_a_lost_answer_for_a_failure),
    },
    Mutant {
        name: "takes a lost answer for a success",
        story: "it was sent, so it will have worked",
        weather: Weather::Silent,
        caught_by: "ledger-agrees",
        broken: next(takes_a_lost_answer_for_a_success),
    },
    Mutant {
        name: "retries a decline",
        story: "402 is not 2xx, so back to the queue with it",
        weather: Weather::Declines,
        caught_by: "dead-letters-as-expected",
        broken: next(retries_a_decline),
    },
    Mutant {
        name: "declines without a fence",
        story: "the card was declined, and that is that; the other delivery is still asking",
        weather: Weather::Fickle,
        caught_by: "ledger-agrees",
        broken: next(declines_without_a_fence),
    },
    Mutant {
        name: "quarantines without a fence",
        story: "gives a payment up without making sure that it can never charge",
        weather: Weather::Deadly,
        caught_by: "ledger-agrees",
        broken: Broken::Protocol(Protocol { begin: gives_up_without_a_fence, ..Protocol::DEPLOYED }),
    },
    Mutant {
        name: "takes processing for paid",
        story: "the bank has it, so it is as good as done",
        weather: Weather::Murky,
        caught_by: "ledger-agrees",
        broken: next(takes_processing_for_paid),
    },
    Mutant {
        name: "takes canceled for paid",
        story: "knows one status that means failure, and this is another",
        weather: Weather::Declines,
        caught_by: "ledger-agrees",
        broken: next(takes_canceled_for_paid),
    },
    Mutant {
        name: "keeps what is settled",
        story: "answers `already processed` with an error, and errors go back to the queue",
        weather: Weather::Twins,
        caught_by: "drained",
        broken: Broken::Protocol(Protocol { begin: keeps_what_is_settled, ..Protocol::DEPLOYED }),
    },
    Mutant {
        name: "counts an outage as poison",
        story: "three strikes, whoever's fault they were",
        weather: Weather::Outage,
        caught_by: "quarantined-for-cause",
        broken: Broken::Protocol(Protocol { begin: counts_an_outage_as_poison, ..Protocol::DEPLOYED }),
    },
    Mutant {
        name: "never recognises poison",
        story: "retries for ever what kills it, because the queue will see to it",
        weather: Weather::Poison,
        caught_by: "drained",
        broken: Broken::Protocol(Protocol { begin: never_recognises_poison, ..Protocol::DEPLOYED }),
    },
    Mutant {
        name: "repeats what is refused for good",
        story: "a loop around the call that gives up only when it succeeds",
        weather: Weather::Refused,
        caught_by: "calls-bounded",
        broken: next(repeats_what_is_refused_for_good),
    },
    Mutant {
        name: "keeps the quarantine to itself",
        story: "marks the row, and leaves the message that a human would need to the queue",
        weather: Weather::Refused,
        caught_by: "nothing-lost",
        broken: next(keeps_the_quarantine_to_itself),
    },
    Mutant {
        name: "leaves an intent to its customer",
        story: "nobody is there to authenticate, so what should there be to cancel",
        weather: Weather::Absent,
        caught_by: "fenced-on-record",
        broken: next(leaves_an_intent_to_its_customer),
    },
    Mutant {
        name: "leaves what is held to whoever captures",
        story: "we never capture, so it lapses by itself in a week",
        weather: Weather::Held,
        caught_by: "fenced-on-record",
        broken: next(leaves_what_is_held),
    },
    Mutant {
        name: "takes a refusal for the end",
        story: "400 says that nothing was done, and nothing will be",
        weather: Weather::Contrary,
        caught_by: "fenced-on-record",
        broken: next(takes_a_refusal_for_the_end),
    },
    Mutant {
        name: "takes a 404 for nothing there",
        story: "what Stripe does not find cannot charge anybody",
        weather: Weather::Lagging,
        caught_by: "fenced-on-record",
        broken: next(takes_a_404_for_nothing_there),
    },
];

const fn next(next: fn(&mut Delivery, Event) -> Step) -> Broken {
    Broken::Protocol(Protocol { next, ..Protocol::DEPLOYED })
}

fn confirms_without_a_record(delivery: &mut Delivery, event: Event) -> Step {
    match delivery.next(event) {
        Step::Write(Change::Record(intent)) => {
            let row = forged(delivery.row(), intent);
            delivery.next(Event::Written(row))
        }
        step => step,
    }
}

/// A row that says what nobody wrote. Only a model of the ledger can make one.
fn forged(row: &Row, intent: IntentId) -> Row {
    let change = Change::Record(intent);
    let mut recorded = row.apply(&change, row.version, UnixMs(0)).expect("none is recorded");
    recorded.version = row.version;
    recorded
}

fn never_confirms(delivery: &mut Delivery, event: Event) -> Step {
    match delivery.next(event) {
        Step::Confirm(..) => delivery.next(seen(delivery, IntentStatus::Succeeded)),
        step => step,
    }
}

fn acknowledges_what_failed(delivery: &mut Delivery, event: Event) -> Step {
    match delivery.next(event) {
        Step::Done(Outcome::HandBack { .. }) => Step::Done(Outcome::Acknowledge),
        step => step,
    }
}

fn takes_a_lost_answer_for_a_failure(delivery: &mut Delivery, event: Event) -> Step {
    let confirmed = delivery.row().intent_id().is_some();
    let event = match event {
        Event::Answered(Answer::Unknown { .. }) if confirmed => {
            Event::Answered(Answer::Declined(DeclinedCharge { decline: declined(), charge: None }))
        }
        event => event,
    };
    declines_without_a_fence(delivery, event)
}

fn takes_a_lost_answer_for_a_success(delivery: &mut Delivery, event: Event) -> Step {
    let lost = matches!(event, Event::Answered(Answer::Unknown { .. }));
    match delivery.next(event) {
        Step::Retrieve(_) if lost => delivery.next(seen(delivery, IntentStatus::Succeeded)),
        step => step,
    }
}

fn retries_a_decline(delivery: &mut Delivery, event: Event) -> Step {
    let is_decline = match &event {
        Event::Answered(Answer::Declined(_)) => true,
        Event::Answered(Answer::Intent(intent) | Answer::UnexpectedState(intent)) => {
            intent.status == IntentStatus::RequiresPaymentMethod
        }
        _ => false,
    };
    let not_done = Answer::NotDone { cause: Cause::ProviderError };
    delivery.next(if is_decline { Event::Answered(not_done) } else { event })
}

fn gives_up_without_a_fence(row: Row, this: &OpenDelivery, wording: &Arc<Wording>) -> (Delivery, Step) {
    let (mut delivery, step) = Delivery::begin(row, this, wording);
    let step = without_a_fence(&mut delivery, step);
    (delivery, step)
}

fn declines_without_a_fence(delivery: &mut Delivery, event: Event) -> Step {
    let step = delivery.next(event);
    without_a_fence(delivery, step)
}

/// The intent is taken to be canceled.
fn without_a_fence(delivery: &mut Delivery, step: Step) -> Step {
    match step {
        Step::Cancel(_) => delivery.next(seen(delivery, IntentStatus::Canceled)),
        step => step,
    }
}

fn leaves_an_intent_to_its_customer(delivery: &mut Delivery, event: Event) -> Step {
    let decline = Change::Decline(Decline::authentication_required());
    unfenced(delivery, event, |change| *change == decline)
}

fn leaves_what_is_held(delivery: &mut Delivery, event: Event) -> Step {
    unfenced(delivery, event, |change| *change == Change::Quarantine(Reason::RequiresCapture))
}

fn takes_a_refusal_for_the_end(delivery: &mut Delivery, event: Event) -> Step {
    unfenced(delivery, event, |change| matches!(change, Change::Quarantine(Reason::Refused(_))))
}

/// The next step, without the fence if this is what is to be written behind it.
fn unfenced(delivery: &mut Delivery, event: Event, is_it: impl Fn(&Change) -> bool) -> Step {
    let step = delivery.next(event);
    let mut ahead = delivery.clone();
    match without_a_fence(&mut ahead, step.clone()) {
        Step::Write(change) if matches!(step, Step::Cancel(_)) && is_it(&change) => {
            *delivery = ahead;
            Step::Write(change)
        }
        _ => step,
    }
}

fn takes_a_404_for_nothing_there(delivery: &mut Delivery, event: Event) -> Step {
    let event = match event {
        Event::Answered(Answer::IntentMissing) => match seen(delivery, IntentStatus::Canceled) {
            Event::Answered(Answer::Intent(intent)) => {
                let last_decline = Some(DeclinedCharge { decline: declined(), charge: None });
                Event::Answered(Answer::Intent(Intent { last_decline, ..intent }))
            }
            seen => seen,
        },
        event => event,
    };
    delivery.next(event)
}

fn takes_canceled_for_paid(delivery: &mut Delivery, event: Event) -> Step {
    taken_for_paid(IntentStatus::Canceled, delivery, event)
}

fn takes_processing_for_paid(delivery: &mut Delivery, event: Event) -> Step {
    taken_for_paid(IntentStatus::Processing, delivery, event)
}

fn taken_for_paid(status: IntentStatus, delivery: &mut Delivery, event: Event) -> Step {
    let event = match event {
        Event::Answered(Answer::Intent(intent)) if intent.status == status => {
            seen(delivery, IntentStatus::Succeeded)
        }
        event => event,
    };
    delivery.next(event)
}

fn keeps_what_is_settled(row: Row, this: &OpenDelivery, wording: &Arc<Wording>) -> (Delivery, Step) {
    match Delivery::begin(row, this, wording) {
        (delivery, Step::Done(Outcome::Acknowledge)) => {
            (delivery, Step::Done(Outcome::HandBack { cause: Cause::Contended }))
        }
        begun => begun,
    }
}

fn counts_an_outage_as_poison(mut row: Row, this: &OpenDelivery, wording: &Arc<Wording>) -> (Delivery, Step) {
    if row.attempts > 3 {
        let died = |n: usize| OpenDelivery { began_at: UnixMs(0), message: format!("strike {n}") };
        row.open.extend((0..POISON_DEATHS).map(died));
    }
    Delivery::begin(row, this, wording)
}

fn never_recognises_poison(mut row: Row, this: &OpenDelivery, wording: &Arc<Wording>) -> (Delivery, Step) {
    row.open.clear();
    Delivery::begin(row, this, wording)
}

fn repeats_what_is_refused_for_good(delivery: &mut Delivery, event: Event) -> Step {
    match event {
        Event::Answered(Answer::Refused(_)) => match delivery.row().recorded_intent() {
            None => Step::Create,
            Some(intent) => Step::Confirm(intent, Method::OfTheIntent),
        },
        event => delivery.next(event),
    }
}

fn keeps_the_quarantine_to_itself(delivery: &mut Delivery, event: Event) -> Step {
    match delivery.next(event) {
        Step::SendToQuarantine(_) => Step::Done(Outcome::Acknowledge),
        step => step,
    }
}

/// The payment's intent, as if Stripe had said so.
fn seen(delivery: &Delivery, status: IntentStatus) -> Event {
    let row = delivery.row();
    let payment = row.payment();
    Event::Answered(Answer::Intent(Intent {
        id: row.intent_id().cloned().expect("it was created"),
        status,
        amount: payment.amount.get(),
        currency: payment.currency.to_string(),
        payment_id: Some(payment.payment_id.to_string()),
        last_decline: None,
    }))
}

fn declined() -> Decline {
    Decline { code: "card_declined".to_owned(), decline_code: None, advice_code: None }
}
