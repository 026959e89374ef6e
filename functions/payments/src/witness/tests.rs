//! What is taken from an event, and what a look-up makes of it.

use super::*;
use crate::ledger::{OpenDelivery, Reason};
use crate::provider::{ChargeId, DeclinedCharge, IntentId, Refusal, Replay};
use crate::request::{Request, Wording};
use crate::{Payment, UnixMs};
use serde_json::json;
use std::sync::Arc;

fn event() -> Value {
    json!({
        "version": "0",
        "id": "17e8dff5-d6cd-3770-ace9-aeac02b6ac3f",
        "detail-type": "payment_intent.succeeded",
        "source": "aws.partner/stripe.com/ed_test_123",
        "account": "123456789012",
        "time": "2026-01-05T09:00:01Z",
        "region": "eu-central-1",
        "resources": [],
        "detail": {
            "id": "evt_1",
            "object": "event",
            "type": "payment_intent.succeeded",
            "data": { "object": {
                "id": "pi_other", "object": "payment_intent", "status": "succeeded", "amount": 1,
                "metadata": { "payment_id": "order-1" },
            }},
        },
    })
}

#[test]
fn an_event_of_stripes_about_an_intent_names_its_payment() {
    for detail_type in EVENT_TYPES {
        let mut event = event();
        event["detail-type"] = detail_type.into();
        let named = payment_named(&event.to_string()).expect("it is named");
        assert_eq!(named.as_str(), "order-1");
    }
}

#[test]
fn whatever_is_no_such_event_names_nobody() {
    let with = |pointer: &str, value: Value| {
        let mut event = event();
        *event.pointer_mut(pointer).expect("it is there") = value;
        event.to_string()
    };
    let payment = "/detail/data/object/metadata/payment_id";
    let repeated =
        event().to_string().replacen(r#""source":"#, r#""source":"aws.partner/stripe.com/x","source":"#, 1);
    for body in [
        String::new(),
        "[]".to_owned(),
        "PYMT_FAILED".to_owned(),
        r#"{"payment_id":"order-1","amount":1999,"currency":"eur","payment_method":"pm_card_visa"}"#
            .to_owned(),
        repeated,
        with("/source", "aws.partner/stripe.community/ed_1".into()),
        with("/source", "payments".into()),
        with("/detail-type", "payment_intent.created".into()),
        with("/detail-type", json!(["payment_intent.succeeded"])),
        with("/detail", "payment_intent.succeeded".into()),
        with("/detail/data/object/metadata", json!({})),
        with(payment, Value::Null),
        with(payment, json!(5)),
        with(payment, "order 1".into()),
        with(payment, "x".repeat(129).into()),
    ] {
        assert_eq!(payment_named(&body), None, "{body}");
    }
}

fn row(intent: Option<&str>) -> Row {
    let body = r#"{"payment_id":"order-1","amount":1999,"currency":"eur","payment_method":"pm_card_visa"}"#;
    let wording = Arc::new(Wording { version: "today".to_owned(), create: Vec::new(), confirm: Vec::new() });
    let request = Request::new(Payment::parse(body).expect("valid"), wording);
    let delivery = OpenDelivery { began_at: UnixMs(1_000), message: "message-1".to_owned() };
    let row = Row::received(Arc::new(request), delivery, UnixMs(900));
    match intent {
        Some(id) => {
            row.apply(&Change::Record(IntentId(id.to_owned())), 0, UnixMs(2_000)).expect("it is allowed")
        }
        None => row,
    }
}

fn intended() -> Row {
    row(Some("pi_1"))
}

fn no(code: &str) -> Decline {
    Decline { code: "card_declined".to_owned(), decline_code: Some(code.to_owned()), advice_code: None }
}

fn intent(status: IntentStatus, last: Option<Decline>) -> Intent {
    Intent {
        id: IntentId("pi_1".to_owned()),
        status,
        amount: 1999,
        currency: "eur".to_owned(),
        payment_id: Some("order-1".to_owned()),
        last_decline: last
            .map(|decline| DeclinedCharge { decline, charge: Some(ChargeId("ch_1".to_owned())) }),
    }
}

/// What is done once the intent of `row` is found like this.
fn after_look_up(row: Row, found: Answer) -> (Witness, Step) {
    let (mut witness, step) = Witness::begin(row);
    assert!(matches!(step, Step::Retrieve(_)), "{step:?}");
    let step = witness.next(Event::Answered(found));
    (witness, step)
}

fn after_finding(status: IntentStatus, last: Option<Decline>) -> Step {
    after_look_up(intended(), Answer::Intent(intent(status, last))).1
}

const LEFT: Step = Step::Done(Outcome::Left);

#[test]
fn a_row_without_an_intent_or_settled_or_set_aside_is_left() {
    let settled = |change| intended().apply(&change, 1, UnixMs(3_000)).expect("it is allowed");
    let set_aside = Change::SetAside(Cause::IntentMissing, "copy-1".to_owned());
    for row in [
        row(None),
        settled(Change::Succeed),
        settled(Change::Decline(no("lost_card"))),
        settled(Change::Quarantine(Reason::Poison)),
        settled(set_aside),
    ] {
        assert_eq!(Witness::begin(row.clone()).1, LEFT, "{row:?}");
    }
}

#[test]
fn what_has_succeeded_is_settled_on_the_version_that_was_read() {
    let succeeded = Answer::Intent(intent(IntentStatus::Succeeded, None));
    let (mut witness, step) = after_look_up(intended(), succeeded);
    assert_eq!(step, Step::Settle(Verdict::Succeeded));
    assert_eq!(witness.row(), &intended());
    let written =
        intended().apply(&Change::from(Verdict::Succeeded), 1, UnixMs(3_000)).expect("it is allowed");
    assert_eq!(witness.next(Event::Written(written)), Step::Done(Outcome::Settled));
}

#[test]
fn a_decline_for_good_is_written_only_once_its_intent_is_canceled() {
    let declined = intent(IntentStatus::RequiresPaymentMethod, Some(no("lost_card")));
    let canceling = || after_look_up(intended(), Answer::Intent(declined.clone()));
    let (mut witness, step) = canceling();
    assert!(matches!(step, Step::Cancel(_)), "{step:?}");
    let canceled = intent(IntentStatus::Canceled, None);
    let settled = witness.next(Event::Answered(Answer::Intent(canceled)));
    assert_eq!(settled, Step::Settle(Verdict::Declined(no("lost_card"))));

    let (mut witness, _) = canceling();
    let succeeded = Answer::UnexpectedState(intent(IntentStatus::Succeeded, None));
    assert_eq!(witness.next(Event::Answered(succeeded)), Step::Settle(Verdict::Succeeded));

    let (mut witness, _) = canceling();
    assert_eq!(witness.next(Event::Answered(Answer::Intent(declined.clone()))), LEFT, "it is asked once");

    let (mut witness, _) = canceling();
    let lost = Answer::Unknown { cause: Cause::ProviderTimeout, replay: Replay::Open };
    let again = Step::Done(Outcome::Again { cause: Cause::ProviderTimeout });
    assert_eq!(witness.next(Event::Answered(lost)), again);
}

#[test]
fn a_canceled_intent_is_a_decline_where_somebody_knows_of_which() {
    let canceled =
        |row: Row, last| after_look_up(row, Answer::Intent(intent(IntentStatus::Canceled, last))).1;
    assert_eq!(canceled(intended(), None), LEFT, "somebody else canceled it");
    assert_eq!(
        canceled(intended(), Some(no("try_again_later"))),
        Step::Settle(Verdict::Declined(no("try_again_later")))
    );
    let mut concluded = intended();
    concluded.concluded = Some(Decline::authentication_required());
    assert_eq!(
        canceled(concluded, None),
        Step::Settle(Verdict::Declined(Decline::authentication_required()))
    );
}

#[test]
fn what_takes_a_confirmation_a_pause_or_a_human_is_left_to_the_payments_own_delivery() {
    let other = IntentStatus::Other("requires_source".to_owned());
    for status in [
        IntentStatus::RequiresConfirmation,
        IntentStatus::RequiresAction,
        IntentStatus::RequiresCapture,
        IntentStatus::Processing,
        IntentStatus::RequiresPaymentMethod,
        other,
    ] {
        assert_eq!(after_finding(status.clone(), None), LEFT, "{status:?}");
    }
    assert_eq!(after_finding(IntentStatus::RequiresPaymentMethod, Some(no("try_again_later"))), LEFT);
}

#[test]
fn an_intent_that_is_not_this_payments_proves_nothing() {
    for status in [IntentStatus::Succeeded, IntentStatus::Canceled, IntentStatus::RequiresPaymentMethod] {
        let of_another = Intent { amount: 1998, ..intent(status, Some(no("lost_card"))) };
        assert_eq!(after_look_up(intended(), Answer::Intent(of_another)).1, LEFT);
    }
}

#[test]
fn a_look_up_that_could_not_be_made_is_made_again_and_a_refused_one_is_not() {
    let again = |cause| Step::Done(Outcome::Again { cause });
    let unknown = Answer::Unknown { cause: Cause::ProviderError, replay: Replay::Open };
    let spared = Answer::NotDone { cause: Cause::BreakerOpen };
    assert_eq!(after_look_up(intended(), unknown).1, again(Cause::ProviderError));
    assert_eq!(after_look_up(intended(), spared).1, again(Cause::BreakerOpen));
    let refusal = Refusal { status: 400, code: "parameter_unknown".to_owned(), param: None, text: None };
    for answer in [Answer::Refused(refusal), Answer::IntentMissing, Answer::KeySpent] {
        assert_eq!(after_look_up(intended(), answer).1, LEFT);
    }
}

#[test]
fn whoever_was_first_is_not_written_over() {
    let settling = || after_look_up(intended(), Answer::Intent(intent(IntentStatus::Succeeded, None))).0;
    let declined =
        intended().apply(&Change::Decline(no("lost_card")), 1, UnixMs(3_000)).expect("it is allowed");
    assert_eq!(settling().next(Event::LostRace(Some(declined))), LEFT);
    assert_eq!(settling().next(Event::LostRace(None)), LEFT);
    let contended = Step::Done(Outcome::Again { cause: Cause::Contended });
    assert_eq!(settling().next(Event::LostRace(Some(intended()))), contended);
    let unwritten = Step::Done(Outcome::Again { cause: Cause::LedgerUnavailable });
    assert_eq!(settling().next(Event::LedgerFailed), unwritten);
}
