//! What a delivery says to do next, where the exhaustive search of `tests/model` is kinder than Stripe.

use super::*;
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
    let (mut next, _) = Delivery::begin(row, &opened(50_000), &wording());
    assert_eq!(next.next(found(IntentStatus::Canceled)), Step::Write(Change::Decline(concluded)));
}
