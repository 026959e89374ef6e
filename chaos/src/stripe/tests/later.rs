//! Stored 500s, effects that come late, and banks that take their time.

use super::*;
use crate::faults::{Kind, Window};
use crate::journal::Operation;
use crate::random::Chance;
use crate::stripe::limits::PROCESSING_MS_MAX;
use crate::stripe::{Arrival, Fate, Ticket};

const INTENTS: &str = "/v1/payment_intents";
const BANK: &str = "amount=1999&currency=usd&payment_method_types[]=us_bank_account&metadata[payment_id]=order-1\
                    &payment_method=";

fn admitted(client: &mut Client, request: &Request<Bytes>) -> Ticket {
    match client.stripe.arrive(request, client.now) {
        Arrival::Admitted(ticket) => ticket,
        Arrival::Answered(reply) => panic!("answered at once: {:?}", reply.response),
    }
}

fn fail(client: &mut Client, request: &Request<Bytes>, fate: Fate) -> Got {
    let ticket = admitted(client, request);
    Got::from(client.stripe.perform_and_fail(ticket, fate, client.now).response)
}

fn confirm(id: &str) -> Request<Bytes> {
    post(&format!("{INTENTS}/{id}/confirm"), OFF_SESSION, None)
}

const LATER: Fate = Fate::RolledForward { at: UnixMs(START.0 + 5_000) };

#[test]
fn a_stored_500_is_replayed_for_a_day_whatever_became_of_the_request() {
    for fate in [Fate::RolledBack, LATER] {
        let mut client = Client::new();
        let request = post(INTENTS, VISA, Some("k"));
        let failed = fail(&mut client, &request, fate);
        assert_eq!((failed.status, &failed.body["error"]["type"]), (500, &"api_error".into()));
        client.now = START.plus_ms(23 * 3_600_000);
        let again = client.send(&request);
        assert_eq!((again.status, &again.bytes), (500, &failed.bytes), "{fate:?}");
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
        assert_eq!(again.header("original-request"), failed.header("request-id"));
        client.now = START.plus_ms(24 * 3_600_000);
        assert_eq!(client.send(&request).status, 200);
    }
}

#[test]
fn most_500s_say_that_a_repeat_is_pointless_and_none_says_the_opposite() {
    let mut client = Client::new();
    let mut hints = Vec::new();
    for number in 0..100_i64 {
        client.now = START.plus_ms(number * 1_000);
        let request = post(INTENTS, VISA, Some(&format!("k{number}")));
        let failed = fail(&mut client, &request, Fate::RolledBack);
        hints.push(failed.header("stripe-should-retry").map(str::to_owned));
    }
    let pointless = hints.iter().filter(|hint| hint.as_deref() == Some("false")).count();
    assert_eq!(hints.iter().filter(|hint| hint.is_none()).count(), 100 - pointless);
    assert!((60..90).contains(&pointless), "{pointless}");
}

#[test]
fn what_is_rolled_back_has_not_happened() {
    let mut client = Client::new();
    let id = client.create("pm_card_visa");
    fail(&mut client, &confirm(&id), Fate::RolledBack);
    client.stripe.finish();
    assert_eq!(client.retrieve(&id)["status"], "requires_confirmation");
    assert_eq!(client.movements(), 0);
}

#[test]
fn what_is_rolled_forward_happens_at_its_own_instant_though_nobody_looks() {
    let mut client = Client::new();
    let id = client.create("pm_card_visa");
    fail(&mut client, &confirm(&id), LATER);
    assert_eq!(client.retrieve(&id)["status"], "requires_confirmation");
    assert_eq!(client.stripe.next_due(), Some(START.plus_ms(5_000)));
    client.now = START.plus_ms(4_999);
    assert_eq!(client.retrieve(&id)["status"], "requires_confirmation");
    client.now = START.plus_ms(3_600_000);
    assert_eq!(client.retrieve(&id)["status"], "succeeded");
    assert_eq!(client.stripe.book().movements()[0].at, START.plus_ms(5_000));
    let [late] = &client.stripe.take_late()[..] else { panic!("one late effect") };
    assert_eq!((late.operation, late.facts.said.as_deref()), (Operation::Confirm, Some("succeeded")));
    assert_eq!(late.movement.as_ref(), client.stripe.book().movements().first());
    assert!(client.stripe.take_late().is_empty());
}

#[test]
fn at_the_end_everything_promised_has_happened() {
    let mut client = Client::new();
    let id = client.create("pm_card_visa");
    fail(&mut client, &confirm(&id), LATER);
    client.stripe.finish();
    assert_eq!((client.movements(), client.stripe.next_due()), (1, None));
}

#[test]
fn a_confirmation_that_was_repeated_is_not_charged_again_when_the_first_is_rolled_forward() {
    let mut client = Client::new();
    let id = client.create("pm_card_visa");
    fail(&mut client, &confirm(&id), LATER);
    assert_eq!(client.send(&confirm(&id)).body["status"], "succeeded");
    client.stripe.finish();
    assert_eq!(client.movements(), 1);
    let late = client.stripe.take_late();
    assert_eq!(late[0].facts.said.as_deref(), Some("payment_intent_unexpected_state"));
}

/// Forty intents, confirmed under a fault of this kind: how each stands then, and when all is over.
fn confirmed_under(kind: Kind) -> Vec<(String, String)> {
    let mut client = Client::under(&[Fault::steady(kind, Chance::ALWAYS, Window::ALWAYS)]);
    let ids: Vec<String> = (0..40)
        .map(|_| {
            client.now = client.now.plus_ms(100);
            client.create("pm_card_visa")
        })
        .collect();
    let stands = |client: &mut Client, id: &str| {
        client.now = client.now.plus_ms(1_000);
        client.retrieve(id)["status"].as_str().unwrap_or("none").to_owned()
    };
    let at_once: Vec<String> = ids
        .iter()
        .map(|id| {
            client.confirm(id, OFF_SESSION);
            stands(&mut client, id)
        })
        .collect();
    client.stripe.finish();
    client.now = client.now.plus_ms(PROCESSING_MS_MAX as i64);
    let in_the_end: Vec<String> = ids.iter().map(|id| stands(&mut client, id)).collect();
    at_once.into_iter().zip(in_the_end).collect()
}

#[test]
fn whoever_is_waited_for_may_come_and_money_moves_that_nobody_asked_for() {
    for (kind, waits) in [(Kind::AuthenticationRequired, "requires_action"), (Kind::Held, "requires_capture")]
    {
        let ends = confirmed_under(kind);
        let end = |end: &str| ends.contains(&(waits.to_owned(), end.to_owned()));
        assert!(end("succeeded") && end(waits), "{kind}: {ends:?}");
    }
}

#[test]
fn whoever_comes_to_a_canceled_intent_comes_too_late() {
    for kind in [Kind::AuthenticationRequired, Kind::Held] {
        let mut client = Client::under(&[Fault::steady(kind, Chance::ALWAYS, Window::ALWAYS)]);
        for _ in 0..40 {
            let id = client.create("pm_card_visa");
            client.confirm(&id, OFF_SESSION);
            client.cancel(&id);
            client.now = client.now.plus_ms(1_000);
        }
        let before = client.movements();
        client.stripe.finish();
        assert_eq!(client.movements(), before, "{kind}");
    }
}

#[test]
fn the_book_holds_every_status_of_an_intent_once_and_when_it_came_to_it() {
    let mut client = Client::new();
    let id = client.create("pm_card_visa");
    client.now = client.now.plus_ms(1_000);
    client.confirm(&id, OFF_SESSION);
    client.now = client.now.plus_ms(1_000);
    client.cancel(&id);
    let stages: Vec<(i64, &str)> =
        client.stripe.book().stages().iter().map(|stage| (stage.at.since_ms(START), stage.status)).collect();
    assert_eq!(stages, [(0, "requires_confirmation"), (1_000, "succeeded")]);
    let stage = &client.stripe.book().stages()[0];
    assert_eq!((&stage.intent, stage.payment.as_deref()), (&id, Some("order-1")));
}

#[test]
fn an_intent_canceled_in_time_is_not_charged_when_its_confirmation_is_rolled_forward() {
    let mut client = Client::new();
    let id = client.create("pm_card_visa");
    fail(&mut client, &confirm(&id), LATER);
    assert_eq!(client.cancel(&id).body["status"], "canceled");
    client.stripe.finish();
    assert_eq!(client.movements(), 0);
    assert_eq!(client.retrieve(&id)["status"], "canceled");
}

#[test]
fn a_create_that_is_rolled_forward_leaves_an_intent_nobody_confirms() {
    let mut client = Client::new();
    let request = post(INTENTS, VISA, Some("k"));
    assert_eq!(fail(&mut client, &request, LATER).status, 500);
    client.stripe.finish();
    let [late] = &client.stripe.take_late()[..] else { panic!("one late effect") };
    let orphan = client.retrieve(late.facts.intent.as_deref().unwrap());
    assert_eq!(
        (&orphan["status"], &orphan["metadata"]["payment_id"]),
        (&"requires_confirmation".into(), &"order-1".into())
    );
    assert_eq!(client.send(&request).status, 500);
}

#[test]
fn a_cancel_that_is_rolled_forward_cancels_late() {
    let mut client = Client::new();
    let id = client.create("pm_card_visa");
    fail(&mut client, &post(&format!("{INTENTS}/{id}/cancel"), "", None), LATER);
    assert_eq!(client.retrieve(&id)["status"], "requires_confirmation");
    client.now = START.plus_ms(5_000);
    let canceled = client.retrieve(&id);
    assert_eq!(
        (&canceled["status"], &canceled["canceled_at"]),
        (&"canceled".into(), &(START.0 / 1_000 + 5).into())
    );
}

#[test]
fn a_request_stripe_takes_its_time_for_keeps_its_key_in_use_and_then_answers_whoever_asks() {
    let mut client = Client::new();
    let request = post(INTENTS, VISA, Some("k"));
    let ticket = admitted(&mut client, &request);
    client.stripe.perform_later(ticket, START.plus_ms(30_000));
    client.now = START.plus_ms(29_999);
    assert_eq!(client.send(&request).refusal(), (409, "idempotency_key_in_use", "none"));
    client.now = START.plus_ms(30_000);
    let replayed = client.send(&request);
    assert_eq!((replayed.status, replayed.header("idempotent-replayed")), (200, Some("true")));
    assert_eq!(replayed.body["created"], START.0 / 1_000 + 30);
}

#[test]
fn a_bank_approves_or_declines_in_its_own_time_and_until_then_nothing_can_be_canceled() {
    let settled = |method: &str| {
        let mut client = Client::new();
        let id = client.post(INTENTS, &format!("{BANK}{method}")).id();
        assert_eq!(client.confirm(&id, OFF_SESSION).body["status"], "processing");
        assert_eq!(client.cancel(&id).refusal(), (400, "payment_intent_unexpected_state", "processing"));
        assert_eq!(client.movements(), 0);
        let due = client.stripe.next_due().unwrap();
        assert!((1..=PROCESSING_MS_MAX as i64).contains(&due.since_ms(START)));
        client.now = due;
        (client.retrieve(&id), client.stripe.book().movements().to_vec())
    };
    let (approved, movements) = settled("pm_usBankAccount_success");
    assert_eq!((&approved["status"], movements.len()), (&"succeeded".into(), 1));
    assert_eq!(approved["latest_charge"], movements[0].charge.as_str());
    let (declined, movements) = settled("pm_usBankAccount_insufficientFunds");
    assert_eq!((&declined["status"], movements.len()), (&"requires_payment_method".into(), 0));
    assert_eq!(declined["last_payment_error"]["code"], "insufficient_funds");
    assert_eq!(declined["last_payment_error"]["payment_method"]["type"], "us_bank_account");
}
