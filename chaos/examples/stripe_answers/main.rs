//! Prints what the fake Stripe takes and every answer that it can give, as JSON lines: first the parameters of its calls,
//! then one answer a line, with its request and status.
//!
//! It is driven over its wire alone: every test method through the life of an intent, every fault of Stripe's in every
//! place on every operation, and every refusal. `ci/stripe-contract` holds the answers to the official SDK's types.
//! Invariant: a test method, a fault or an error code that the fake has is driven here, or this does not end well.

mod world;

use chaos::faults::{Family, Fault, Kind, Placement, Refusal, Window};
use chaos::random::Chance;
use chaos::stripe::limits::CONFIRMATIONS_MAX;
use chaos::stripe::{ERROR_CODES, Taken, taken, test_methods};
use form_urlencoded::Serializer;
use http::Method;
use payments::Payment;
use payments::request::Form;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::sleep;
use world::{Answers, INTENTS, World, with};

const TEST: &str = "sk_test_first";
const LIVE: &str = "sk_live_first";
const BANK: &str = "amount=1999&currency=usd&payment_method_types[]=us_bank_account";
const ANY_TYPE: &str = "amount=1999&currency=usd&automatic_payment_methods[enabled]=true\
                        &automatic_payment_methods[allow_redirects]=never";
/// Everything that an intent shows as it was sent.
const KEPT: &str = "&application_fee_amount=10&confirmation_method=manual&customer=cus_1&description=d&on_behalf_of=acct_1\
                    &receipt_email=a@b.example&setup_future_usage=off_session&shipping[name]=n\
                    &shipping[address][line1]=l&statement_descriptor=s&statement_descriptor_suffix=x\
                    &transfer_data[destination]=acct_2&transfer_group=g";

/// The calls by their operation, with a path that leads to each.
const CALLS: [(&str, &str, &str); 7] = [
    ("create", "POST", INTENTS),
    ("confirm", "POST", "/v1/payment_intents/pi_1/confirm"),
    ("retrieve", "GET", "/v1/payment_intents/pi_1"),
    ("cancel", "POST", "/v1/payment_intents/pi_1/cancel"),
    ("list", "GET", INTENTS),
    ("search", "GET", "/v1/payment_intents/search"),
    ("probe", "GET", "/v1/balance"),
];

/// Faults begin when an intent is there already: one of them strikes no other.
const TROUBLE_FROM_MS: u64 = 60_000;
const TROUBLE: Window = Window { from_ms: TROUBLE_FROM_MS, until_ms: u64::MAX };

/// Intents in a world with a fault: enough for everything that a fault draws to be drawn.
const INTENTS_UNDER_A_FAULT: usize = 8;

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let mut answers = Answers::default();
    without_trouble(&mut answers).await;
    in_every_trouble(&mut answers).await;
    refused(&mut answers).await;
    let missing = ERROR_CODES.iter().find(|code| !answers.codes.contains(**code));
    assert_eq!(missing, None, "an error code of the fake that no answer shows; drive it");
    println!("{}", json!(taken().map(|taken| parameter(&taken)).collect::<Vec<_>>()));
    answers.lines.iter().for_each(|line| println!("{line}"));
}

/// A payment in the words of the client, which are what has to work, as they travel.
struct Said {
    create: String,
    confirm: String,
}

fn said(method: &str) -> Said {
    let payment =
        json!({ "payment_id": "order-1", "amount": 1999, "currency": "eur", "payment_method": method });
    let wording = stripe::wording(&Payment::parse(&payment.to_string()).expect("it is a payment"));
    let encoded = |form: &Form| Serializer::new(String::new()).extend_pairs(form).finish();
    Said { create: encoded(&wording.create), confirm: encoded(&wording.confirm) }
}

fn parameter(taken: &Taken) -> Value {
    let call = CALLS.iter().find(|(operation, _, _)| *operation == taken.operation);
    let (_, method, path) = call.expect("an operation of the fake that is not driven; add it to CALLS");
    json!({
        "method": method,
        "path": path,
        "name": taken.parameter,
        "since": taken.since,
        "until": taken.until,
    })
}

/// The life of an intent with every method, in every way of confirming it.
async fn without_trouble(answers: &mut Answers) {
    for method in test_methods() {
        let Said { create, confirm } = said(&method);
        World::new(answers, TEST, None).live(&create, &confirm).await;
        for (create, confirm) in
            [(BANK, "off_session=true"), (ANY_TYPE, ""), (ANY_TYPE, "return_url=https://shop.example/done")]
        {
            let create = format!("{create}&payment_method={method}");
            World::new(answers, TEST, None).live(&create, confirm).await;
        }
    }
    let Said { create, confirm } = said("pm_card_visa");
    World::new(answers, LIVE, None).live(&create, &confirm).await;
    World::new(answers, TEST, None).live(&format!("{create}&capture_method=manual"), &confirm).await;
    for method in ["pm_card_visa", "pm_card_chargeDeclined"] {
        let create = format!("{}{KEPT}", said(method).create);
        World::new(answers, TEST, None).live(&create, &confirm).await;
    }
    for types in ["allowed_payment_method_types[]=link", "excluded_payment_method_types[]=klarna"] {
        let create = format!("amount=1999&currency=eur&{types}");
        World::new(answers, TEST, None).live(&create, "").await;
    }
    let mut world = World::new(answers, TEST, None);
    let id = world.create(&format!("{create}&customer=cus_1")).await;
    for _ in 0..=CONFIRMATIONS_MAX {
        world.confirm(&id, &format!("{confirm}&payment_method=pm_card_chargeDeclined")).await;
    }
    world.get(&format!("{INTENTS}/{id}")).await;
}

/// Every fault of Stripe's, in every place where it can strike, on every operation by itself.
async fn in_every_trouble(answers: &mut Answers) {
    let Said { create, confirm } = said("pm_card_visa");
    for fault in faults() {
        let mut world = World::new(answers, TEST, Some(fault.clone()));
        // Of another payment, because a payment that was not poison once never is.
        let earlier = world.create(&create.replace("order-1", "order-0")).await;
        sleep(Duration::from_millis(TROUBLE_FROM_MS)).await;
        world.end(&earlier, &confirm).await;
        for _ in 0..INTENTS_UNDER_A_FAULT {
            world.live(&create, &confirm).await;
        }
        assert!(world.was_struck(), "{} never strikes {:?}; drive it", fault.kind, fault.scope.operations);
    }
}

fn faults() -> Vec<Fault> {
    let kinds = Kind::ALL.into_iter().filter(|kind| kind.describe().family == Family::Stripe);
    let mut faults = Vec::new();
    for kind in kinds {
        let described = kind.describe();
        // A kind without places, or without operations to choose from, is one fault all the same.
        let placements: Vec<Option<Placement>> = described.placements.iter().copied().map(Some).collect();
        for placement in if placements.is_empty() { vec![None] } else { placements } {
            for operation in if described.operations.is_empty() { &[""] } else { described.operations } {
                let mut fault = Fault { placement, ..Fault::steady(kind, Chance::ALWAYS, TROUBLE) };
                fault.scope.operations.extend((!operation.is_empty()).then(|| (*operation).to_owned()));
                faults.push(fault);
            }
        }
    }
    // A refusal is drawn from the usual ones; each of the others has to be asked for.
    faults.extend(Refusal::CODES.map(|code| Fault {
        refusal: Refusal::of(400, Some(code)),
        ..Fault::steady(Kind::StripeRefusing, Chance::ALWAYS, TROUBLE)
    }));
    faults
}

/// What is refused, and what meets another request.
async fn refused(answers: &mut Answers) {
    let mut world = World::new(answers, TEST, None);
    let Said { create, .. } = said("pm_card_visa");
    for form in [
        "currency=eur",
        "amount=&currency=eur",
        "amount=19.99&currency=eur",
        "amount=1&currency=eur",
        "amount=9999999999999999&currency=eur",
        "amount=1999&currency=euro",
        "amount=1999&currency=eur&amuont=1",
        "amount=1999&currency=eur&payment_method=nobody",
        "amount=1999&currency=eur&customer=alice",
        "amount=1999&currency=eur&off_session=true",
        "amount=1999&currency=eur&payment_method_types[]=card&capture_method=later",
        "amount=1999&currency=eur&confirmation_method=sometimes",
        "amount=1999&currency=eur&setup_future_usage=never",
        "amount=1999&currency=eur&application_fee_amount=ten",
        "amount=1999&currency=eur&automatic_payment_methods[enabled]=true&automatic_payment_methods[nobody]=n",
        "amount=1999&currency=eur&excluded_payment_method_types[]=link",
        "amount=1999&currency=eur&payment_method=pm_card_visa&confirm=true",
    ] {
        world.post(INTENTS, form).await;
    }
    for path in [
        "/v1/payment_intents/pi_nobody",
        "/v1/payment_intents?starting_after=pi_1&ending_before=pi_2",
        "/v1/payment_intents?starting_after=pi_nobody",
        "/v1/payment_intents/search?query=color:red",
        "/v1/payment_intents?expand[]=data.color",
        "/v1/refunds",
    ] {
        world.get(path).await;
    }
    for (header, value) in [
        ("authorization", "Bearer sk_test_wrong"),
        ("stripe-version", "latest"),
        ("stripe-version", "2026-10-28.endive"),
        ("content-type", "application/json"),
        ("idempotency-key", ""),
    ] {
        world.send(with(header, value, world.request(Method::POST, INTENTS, &create))).await;
    }
    for form in [&create, &create, ANY_TYPE] {
        world.send(with("idempotency-key", "k", world.request(Method::POST, INTENTS, form))).await;
    }
    let keyed = with("idempotency-key", "in use", world.request(Method::POST, INTENTS, &create));
    world.send_twice_at_once(keyed).await;
    world.hurry();
}
