//! Golden answers: what the fake says, byte for byte, in the folder that the tests of the functions' client read.
//!
//! A change of either side shows here or there. The client's reading of each is in
//! `functions/stripe/tests/behaviour/recorded.rs`.

use super::*;
use crate::faults::{Kind, Window};
use crate::random::Chance;
use crate::stripe::limits::{CONFIRMATIONS_MAX, ENDPOINT_CALLS_PER_S};
use crate::stripe::{Arrival, Fate, Limiter, Ticket};

const INTENTS: &str = "/v1/payment_intents";
const FORM: &str = "amount=1999&currency=eur&payment_method=pm_card_visa&payment_method_types[]=card\
                    &metadata[payment_id]=order-1042";

/// Status, headers in their order, and the body in a form that people can read.
fn text(got: &Got) -> String {
    let mut headers: Vec<String> =
        got.headers.iter().map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap())).collect();
    headers.sort();
    let body = serde_json::to_string_pretty(&got.body).unwrap();
    let body = if got.body.is_null() { std::str::from_utf8(&got.bytes).unwrap() } else { &body };
    format!("{}\n{}\n{body}", got.status, headers.concat())
}

fn record(name: &str, got: &Got) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../../../functions/stripe/tests/recorded");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text(got)));
}

fn fail(client: &mut Client, ticket: Ticket) -> Got {
    Got::from(client.stripe.perform_and_fail(ticket, Fate::RolledBack, client.now).response)
}

fn create(client: &mut Client) -> Got {
    client.post_with_key(INTENTS, FORM, "order-1042:create:0")
}

/// The answer to a confirm with this method.
fn confirm(client: &mut Client, method: &str) -> Got {
    let id = create(client).id();
    client.confirm(&id, &format!("{OFF_SESSION}&payment_method={method}"))
}

fn always(kind: Kind) -> Client {
    Client::under(&[Fault::steady(kind, Chance::ALWAYS, Window::ALWAYS)])
}

/// A confirm under this fault, and the id of its intent.
fn spoilt(kind: Kind, wanted: u16) -> (Client, String, Got) {
    let mut client = always(kind);
    loop {
        let id = client.post(INTENTS, FORM).id();
        let got = client.confirm(&id, OFF_SESSION);
        if got.status == wanted {
            return (client, id, got);
        }
    }
}

#[test]
fn answers_to_a_create() {
    let mut client = Client::new();
    record("create", &create(&mut client));
    record("create-replayed", &create(&mut client));
    let other = client.post_with_key(INTENTS, &FORM.replace("1999", "2000"), "order-1042:create:0");
    record("create-with-other-parameters", &other);
    record("create-too-small", &client.post(INTENTS, &FORM.replace("1999", "1")));
    record("create-with-unknown-parameter", &client.post(INTENTS, &format!("{FORM}&amuont=1")));
    let request = post(INTENTS, FORM, Some("order-1042:create:1"));
    let admitted = client.stripe.arrive(&request, client.now);
    record("create-in-flight", &client.send(&request));
    let Arrival::Admitted(ticket) = admitted else { panic!("it is admitted") };
    record("create-500", &fail(&mut client, ticket));
    record("create-500-replayed", &client.send(&request));
    let final_for_its_key = (2..100).find_map(|generation| {
        let request = post(INTENTS, FORM, Some(&format!("order-1042:create:{generation}")));
        let Arrival::Admitted(ticket) = client.stripe.arrive(&request, client.now) else { return None };
        Some(fail(&mut client, ticket)).filter(|got| got.header("stripe-should-retry") == Some("false"))
    });
    record("create-500-final", &final_for_its_key.expect("most say so"));
}

#[test]
fn answers_to_a_confirm() {
    for (name, method) in [
        ("confirm-succeeded", "pm_card_visa"),
        ("confirm-declined", "pm_card_chargeDeclined"),
        ("confirm-insufficient-funds", "pm_card_chargeDeclinedInsufficientFunds"),
        ("confirm-expired-card", "pm_card_chargeDeclinedExpiredCard"),
        ("confirm-processing-error", "pm_card_chargeDeclinedProcessingError"),
        ("confirm-authentication-required", "pm_card_authenticationRequired"),
    ] {
        record(name, &confirm(&mut Client::new(), method));
    }
    let (mut client, id, processing) = spoilt(Kind::Processing, 200);
    record("confirm-processing", &processing);
    record("confirm-again-while-processing", &client.confirm(&id, OFF_SESSION));
    record("cancel-while-processing", &client.cancel(&id));
    let (_, _, waiting) = spoilt(Kind::AuthenticationRequired, 200);
    record("confirm-requires-action", &waiting);
}

#[test]
fn answers_to_a_method_that_is_spent_and_to_a_parameter_that_is_gone() {
    let mut client = Client::new();
    let form = FORM.replace("pm_card_visa", "pm_1QabcDEF2eZvKYlo");
    let id = client.post(INTENTS, &form).id();
    let again = client.post(INTENTS, &form).id();
    client.confirm(&id, OFF_SESSION);
    record("confirm-with-a-spent-method", &client.confirm(&again, OFF_SESSION));
    let mut newer = post(INTENTS, FORM, None);
    newer.headers_mut().insert("stripe-version", "2026-09-30.endive".parse().unwrap());
    record("create-with-a-removed-parameter", &client.send(&newer));
    newer.headers_mut().insert("stripe-version", "2026-09-31.endive".parse().unwrap());
    record("create-under-no-version", &client.send(&newer));
}

#[test]
fn answers_that_show_many_intents_or_much_of_one() {
    let mut client = Client::new();
    let id = client.post(INTENTS, &format!("{FORM}&customer=cus_1")).id();
    client.confirm(&id, OFF_SESSION);
    let paths = "expand[]=latest_charge&expand[]=payment_method&expand[]=customer";
    record("retrieve-expanded", &client.get(&format!("{INTENTS}/{id}?{paths}")));
    let declined = client.post(INTENTS, &FORM.replace("pm_card_visa", "pm_card_chargeDeclined")).id();
    client.confirm(&declined, OFF_SESSION);
    record(
        "retrieve-expanded-after-decline",
        &client.get(&format!("{INTENTS}/{declined}?expand[]=latest_charge")),
    );
    record("list", &client.get(&format!("{INTENTS}?limit=1")));
    client.now = client.now.plus_ms(60_000);
    record("search", &client.get(&format!("{INTENTS}/search?query=status:'succeeded'")));
    record("list-after-nobody", &client.get(&format!("{INTENTS}?starting_after=pi_nobody")));
}

#[test]
fn answers_about_an_intent_that_is_done() {
    let mut client = Client::new();
    let id = create(&mut client).id();
    client.confirm(&id, OFF_SESSION);
    record("confirm-again-after-success", &client.confirm(&id, OFF_SESSION));
    record("cancel-after-success", &client.cancel(&id));
    record("retrieve-unknown", &client.get(&format!("{INTENTS}/pi_unknown")));

    let mut client = Client::new();
    let id = create(&mut client).id();
    record("cancel", &client.cancel(&id));
    record("confirm-after-cancel", &client.confirm(&id, OFF_SESSION));
}

#[test]
fn answers_about_an_intent_that_was_declined() {
    let mut client = Client::new();
    let id = create(&mut client).id();
    let declining = format!("{OFF_SESSION}&payment_method=pm_card_chargeDeclined");
    client.confirm(&id, &declining);
    record("retrieve-after-decline", &client.get(&format!("{INTENTS}/{id}")));
    for _ in 2..CONFIRMATIONS_MAX {
        client.confirm(&id, &declining);
    }
    record("confirm-declined-once-too-often", &client.confirm(&id, &declining));
    record("retrieve-after-too-many-declines", &client.get(&format!("{INTENTS}/{id}")));
}

#[test]
fn an_intent_that_only_holds_money() {
    let mut client = Client::new();
    let id = client.post(INTENTS, &format!("{FORM}&capture_method=manual")).id();
    record("confirm-requires-capture", &client.confirm(&id, OFF_SESSION));
}

#[test]
fn answers_in_place_of_an_execution() {
    let mut client = Client::new();
    let id = create(&mut client).id();
    let retrieve = get(&format!("{INTENTS}/{id}"));
    for (name, instead) in [
        ("unavailable", Instead::Unavailable),
        ("bad-gateway", Instead::BadGateway),
        ("throttled", Instead::Throttled { by: Limiter::GlobalConcurrency, retry_after_s: Some(7) }),
        ("lock-timeout", Instead::LockTimeout),
        ("unauthorized", Instead::Unauthorized),
    ] {
        record(name, &client.instead(&retrieve, instead));
    }
    for _ in 0..ENDPOINT_CALLS_PER_S {
        client.send(&retrieve);
    }
    record("retrieve-beyond-the-rate", &client.send(&retrieve));
    record("probe", &client.get("/v1/balance"));
}
