//! What a delivery says to do next, where the exhaustive search of `tests/model` is kinder than Stripe.

use super::*;
use crate::ledger::HandedBack;
use crate::provider::IntentId;
use crate::request::Request;
use crate::{Payment, UnixMs};

fn opened(at_ms: i64) -> OpenDelivery {
    OpenDelivery { began_at: UnixMs(at_ms), message: "message-1".to_owned() }
}

fn wording() -> Arc<Wording> {
    Arc::new(Wording { version: "today".to_owned(), create: Vec::new(), confirm: Vec::new() })
}

/// A row that names an intent.
fn intended() -> Row {
    let body = r#"{"payment_id":"order-1","amount":1999,"currency":"eur","payment_method":"pm_card_visa"}"#;
    let request = Request::new(Payment::parse(body).expect("valid"), wording());
    let row = Row::received(Arc::new(request), opened(1_000), UnixMs(900));
    row.apply(&Change::Record(IntentId("pi_1".to_owned())), 0, UnixMs(2_000)).expect("it is allowed")
}

fn found(status: IntentStatus) -> Event {
    let payment = intended().payment().clone();
    Event::Answered(Answer::Intent(Intent {
        id: IntentId("pi_1".to_owned()),
        status,
        amount: payment.amount.get(),
        currency: payment.currency.as_str().to_owned(),
        payment_id: Some(payment.payment_id.to_string()),
        last_decline: None,
    }))
}

#[test]
fn what_was_concluded_stands_when_nobody_can_say_whether_the_intent_is_canceled() {
    let (mut delivery, _) = Delivery::begin(intended(), &opened(1_000), &wording());
    let canceling = delivery.next(found(IntentStatus::RequiresAction));
    assert!(matches!(canceling, Step::Cancel(_)), "{canceling:?}");
    let lost = Answer::Unknown { cause: Cause::ProviderTimeout, replay: Replay::Open };
    assert!(matches!(delivery.next(Event::Answered(lost)), Step::Retrieve(_)));
    // The cancel is still on its way.
    let handed_back = delivery.next(found(IntentStatus::RequiresAction));
    assert_eq!(handed_back, Step::Done(Outcome::HandBack { cause: Cause::OutcomeOpen }));
    let concluded = Decline::authentication_required();
    assert_eq!(delivery.concluded(), Some(concluded.clone()));

    let mut row = intended();
    row.concluded = Some(concluded.clone());
    let (mut next, canceling) = Delivery::begin(row, &opened(50_000), &wording());
    assert!(matches!(canceling, Step::Cancel(_)), "a look-up could lag: {canceling:?}");
    assert_eq!(next.next(found(IntentStatus::Canceled)), Step::Write(Change::Decline(concluded)));
}

/// A look-up that finds the last attempt declined for now.
fn found_declined(charge: &str) -> Event {
    let Event::Answered(Answer::Intent(intent)) = found(IntentStatus::RequiresPaymentMethod) else {
        panic!("it is found")
    };
    let decline = Decline { code: "processing_error".to_owned(), ..Decline::not_charged() };
    let last_decline = Some(DeclinedCharge { decline, charge: Some(ChargeId(charge.to_owned())) });
    Event::Answered(Answer::Intent(Intent { last_decline, ..intent }))
}

/// What the next delivery does that finds this, is not answered when it asks again, and then meets `after`.
fn asks_in_vain(row: &mut Row, n: i64, finds: &str, after: Event) -> Step {
    let this = opened(100_000 * n);
    *row = row.clone().received_again(this.clone(), UnixMs(900));
    let (mut delivery, _) = Delivery::begin(row.clone(), &this, &wording());
    let mut step = delivery.next(found_declined(finds));
    if matches!(step, Step::Confirm(..)) {
        assert!(matches!(delivery.next(lost()), Step::Retrieve(_)));
        step = delivery.next(after);
    }
    if let Step::Done(Outcome::HandBack { cause }) = step {
        let declined_charges = delivery.declined_charges().clone();
        let note = HandedBack { cause, delivery: this, refused: None, concluded: None, declined_charges };
        *row = row.apply(&Change::HandedBack(note), row.version, UnixMs(2_000)).expect("a note");
    }
    step
}

fn lost() -> Event {
    Event::Answered(Answer::Unknown { cause: Cause::ProviderTimeout, replay: Replay::Open })
}

#[test]
fn a_soft_decline_that_only_a_look_up_sees_is_counted_like_one_that_is_heard() {
    let mut row = intended();
    let timed_out = Step::Done(Outcome::HandBack { cause: Cause::ProviderTimeout });
    assert_eq!(asks_in_vain(&mut row, 1, "ch_1", lost()), timed_out);
    assert_eq!(asks_in_vain(&mut row, 2, "ch_2", lost()), timed_out);
    let third = asks_in_vain(&mut row, 3, "ch_3", lost());
    assert!(matches!(third, Step::Cancel(_)), "it is not asked a fourth time: {third:?}");
}

#[test]
fn a_confirm_that_reached_no_issuer_counts_no_decline_a_second_time() {
    let mut row = intended();
    for n in 1..6 {
        let handed_back = asks_in_vain(&mut row, n, "ch_1", found_declined("ch_1"));
        assert_eq!(handed_back, Step::Done(Outcome::HandBack { cause: Cause::DeclinedSoftly }));
    }
    assert_eq!(row.declined_charges.len(), 1);
}

#[test]
fn declines_without_an_id_are_counted_by_the_delivery_that_asked() {
    let mut row = intended();
    let Event::Answered(Answer::Intent(mut intent)) = found_declined("ch_1") else { panic!("it is found") };
    intent.last_decline.as_mut().expect("it was declined").charge = None;
    let nameless = Event::Answered(Answer::Intent(intent));
    let handed_back = asks_in_vain(&mut row, 1, "ch_1", nameless.clone());
    assert_eq!(handed_back, Step::Done(Outcome::HandBack { cause: Cause::DeclinedSoftly }));
    let second = asks_in_vain(&mut row, 2, "ch_1", nameless);
    assert!(matches!(second, Step::Cancel(_)), "it is the third in all: {second:?}");
}
