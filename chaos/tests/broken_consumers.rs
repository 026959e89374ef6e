//! Consumers that are broken on purpose, each in one step of the protocol. The suite must notice every one of them,
//! and the same experiment must pass with the protocol as it is.

#![expect(clippy::wildcard_enum_match_arm, reason = "each names the one step it breaks")]

use chaos::checks::{Outcome, Verdict, judge};
use chaos::cloud::container::Function;
use chaos::consumer::ConsumerFunction;
use chaos::experiment::Experiment;
use chaos::world::{Code, run};
use consumer::Protocol;
use payments::charge::{Delivery, Event, Outcome as Ended, Step};
use payments::ledger::{Change, State};
use payments::provider::{Answer, Decline, Intent, IntentStatus};
use std::path::Path;
use std::sync::Arc;

/// Lost answers and crashes, while two hundred payments arrive.
const ROUGH: &str = "
    title = 'Rough weather'
    workload = { payments = 200, over = '40m' }
    fault = [
        { kind = 'stripe-lost-answer', rate = 0.3, from = '5m' },
        { kind = 'crash', rate = 0.2, from = '5m' },
    ]";

/// A Stripe that often does not answer, and then has done nothing.
const SILENCE: &str = "
    title = 'Silence'
    workload = { payments = 200, over = '40m' }
    fault = [{ kind = 'stripe-timeout', rate = 0.2, from = '5m' }]";

/// One known-bad protocol, as its second function.
type Next = fn(&mut Delivery, Event) -> Step;

/// The outcome, and the names of the checks that failed.
fn judged(experiment: &str, next: Next) -> (Outcome, Vec<&'static str>) {
    let experiment = Experiment::parse(Path::new("test.toml"), experiment).expect("it is well formed");
    let protocol = Protocol { next, ..Protocol::default() };
    let consumer =
        |provider| Arc::new(ConsumerFunction::with_protocol(provider, protocol)) as Arc<dyn Function>;
    let code = Code { consumer: &consumer, ..Code::DEPLOYED };
    let judgement = judge(&run(experiment, 1, code).expect("the world runs"));
    let failed = judgement.verdicts().iter().filter(|(_, verdict)| matches!(verdict, Verdict::Fail(_)));
    (judgement.outcome(), failed.map(|(check, _)| check.name).collect())
}

fn is_caught(experiment: &str, next: Next, by: &str) {
    let (outcome, failed) = judged(experiment, next);
    assert_eq!(outcome, Outcome::Unsafe, "{failed:?}");
    assert!(failed.contains(&by), "{failed:?}");
}

#[test]
fn the_protocol_as_it_is_passes() {
    for experiment in [ROUGH, SILENCE] {
        assert_eq!(judged(experiment, Delivery::next), (Outcome::Passed, vec![]));
    }
}

#[test]
fn confirming_an_intent_that_was_not_read_back_is_caught() {
    fn next(delivery: &mut Delivery, event: Event) -> Step {
        match delivery.next(event) {
            Step::Write(Change::Record(intent)) => {
                let mut row = delivery.row().clone();
                row.intent_id = Some(intent);
                row.state = State::Intended;
                delivery.next(Event::Written(row))
            }
            step => step,
        }
    }
    is_caught(ROUGH, next, "ledger-agrees");
}

#[test]
fn acknowledging_on_an_error_is_caught() {
    fn next(delivery: &mut Delivery, event: Event) -> Step {
        match delivery.next(event) {
            Step::Done(Ended::HandBack { .. }) => Step::Done(Ended::Acknowledge),
            step => step,
        }
    }
    is_caught(ROUGH, next, "acknowledged-on-record");
}

#[test]
fn taking_a_lost_answer_for_a_decline_is_caught() {
    fn next(delivery: &mut Delivery, event: Event) -> Step {
        let has_intent = delivery.row().intent_id.is_some();
        let event = match event {
            Event::Answered(Answer::Unknown { .. }) if has_intent => {
                Event::Answered(Answer::Declined(Decline {
                    code: "card_declined".into(),
                    decline_code: None,
                }))
            }
            event => event,
        };
        match delivery.next(event) {
            // Without the fence: the intent is taken to be canceled.
            Step::Cancel(intent) => {
                let payment = delivery.row().payment();
                let canceled = Intent {
                    id: intent.id().clone(),
                    status: IntentStatus::Canceled,
                    amount: payment.amount.get(),
                    currency: payment.currency.to_string(),
                    payment_id: Some(payment.payment_id.to_string()),
                    last_decline: None,
                };
                delivery.next(Event::Answered(Answer::Intent(canceled)))
            }
            step => step,
        }
    }
    is_caught(ROUGH, next, "ledger-agrees");
}

#[test]
fn taking_a_lost_answer_for_a_success_is_caught() {
    fn next(delivery: &mut Delivery, event: Event) -> Step {
        let lost = matches!(event, Event::Answered(Answer::Unknown { .. }));
        match delivery.next(event) {
            Step::Retrieve(_) if lost => {
                let payment = delivery.row().payment();
                let succeeded = Intent {
                    id: delivery.row().intent_id.clone().expect("it was confirmed"),
                    status: IntentStatus::Succeeded,
                    amount: payment.amount.get(),
                    currency: payment.currency.to_string(),
                    payment_id: Some(payment.payment_id.to_string()),
                    last_decline: None,
                };
                delivery.next(Event::Answered(Answer::Intent(succeeded)))
            }
            step => step,
        }
    }
    // An answer that is lost after the effect hides the mistake: money did move.
    assert!(!judged(ROUGH, next).1.contains(&"ledger-agrees"));
    is_caught(SILENCE, next, "ledger-agrees");
}
