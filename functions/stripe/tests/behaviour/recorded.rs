//! Whole answers, headers and all, as the suite's fake Stripe gives them, and what each means.
//!
//! The suite writes the files and this test reads them; nothing else is shared. `chaos/src/stripe/tests/golden.rs` says
//! how each came about.

use crate::support::{answered_with, charger, frozen, key, payment, reader, recorded};
use bytes::Bytes;
use http::Response;
use payments::charge::Method;
use payments::provider::{Answer, Decline, Intent, IntentStatus, Replay};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use stripe::{Probe, Transport};

/// An answer as it was recorded.
#[derive(Clone)]
struct Recorded {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Bytes,
}

#[derive(Clone, Copy)]
enum Call {
    Create,
    Confirm,
    Retrieve,
    Cancel,
}

use Call::{Cancel, Confirm, Create, Retrieve};

const MEANINGS: [(&str, Call, &str); 43] = [
    ("create", Create, "requires_confirmation"),
    ("create-replayed", Create, "requires_confirmation"),
    ("create-with-other-parameters", Create, "the key is spent"),
    ("create-in-flight", Create, "not done: in_flight"),
    ("create-too-small", Create, "refused: 400 amount_too_small (amount)"),
    ("create-with-unknown-parameter", Create, "refused: 400 parameter_unknown (amuont)"),
    (
        "create-with-a-removed-parameter",
        Create,
        "refused: 400 payment_method_types_no_longer_supported (payment_method_types)",
    ),
    (
        "create-under-no-version",
        Create,
        "refused: 400 invalid_request_error: The Stripe-Version header names no version of the API.",
    ),
    ("create-500", Create, "unknown: provider_error"),
    ("create-500-final", Create, "unknown: provider_error, the key is spent"),
    ("create-500-replayed", Create, "unknown: provider_error, the key is spent"),
    ("confirm-succeeded", Confirm, "succeeded"),
    ("confirm-declined", Confirm, "declined: card_declined, generic_decline"),
    ("confirm-insufficient-funds", Confirm, "declined: card_declined, insufficient_funds"),
    ("confirm-expired-card", Confirm, "declined: expired_card"),
    ("confirm-processing-error", Confirm, "declined: processing_error, for now"),
    (
        "confirm-authentication-required",
        Confirm,
        "declined: authentication_required, authentication_required",
    ),
    ("confirm-declined-once-too-often", Confirm, "declined: card_declined, generic_decline"),
    (
        "confirm-with-a-spent-method",
        Confirm,
        "refused: 400 invalid_request_error: This PaymentMethod was used before and belongs to no customer, so it cannot be used again.",
    ),
    ("confirm-processing", Confirm, "processing"),
    ("confirm-requires-action", Confirm, "requires_action"),
    ("confirm-requires-capture", Confirm, "requires_capture"),
    ("confirm-again-while-processing", Confirm, "unexpected: processing"),
    ("confirm-again-after-success", Confirm, "unexpected: succeeded"),
    ("confirm-after-cancel", Confirm, "unexpected: canceled"),
    ("cancel", Cancel, "canceled"),
    ("cancel-while-processing", Cancel, "unexpected: processing"),
    ("cancel-after-success", Cancel, "unexpected: succeeded"),
    (
        "retrieve-after-decline",
        Retrieve,
        "requires_payment_method after declined: card_declined, generic_decline",
    ),
    ("retrieve-after-too-many-declines", Retrieve, "canceled after declined: card_declined, generic_decline"),
    ("retrieve-expanded", Retrieve, "succeeded"),
    (
        "retrieve-expanded-after-decline",
        Retrieve,
        "requires_payment_method after declined: card_declined, generic_decline",
    ),
    ("retrieve-unknown", Retrieve, "missing"),
    ("retrieve-beyond-the-rate", Retrieve, "not done: rate_limited"),
    ("throttled", Retrieve, "not done: rate_limited"),
    ("lock-timeout", Retrieve, "not done: lock_timeout"),
    ("unauthorized", Retrieve, "not done: credentials_refused"),
    ("unavailable", Retrieve, "unknown: provider_error"),
    ("bad-gateway", Retrieve, "unknown: provider_error"),
    // Read by the probe alone.
    ("probe", Retrieve, "unknown: provider_unreadable"),
    // Of many intents, so of none.
    ("list", Retrieve, "unknown: provider_unreadable"),
    ("list-after-nobody", Retrieve, "refused: 400 resource_missing (starting_after)"),
    ("search", Retrieve, "unknown: provider_unreadable"),
];

#[tokio::test]
async fn every_recorded_answer_is_understood() {
    for (name, call, meaning) in MEANINGS {
        assert_eq!(told(&answer(&Recorded::read(name), call).await), meaning, "{name}");
    }
}

#[test]
fn no_recorded_answer_is_left_unread() {
    let files = std::fs::read_dir(folder()).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let recorded: BTreeSet<String> = names.map(|name| name.trim_end_matches(".snap").to_owned()).collect();
    let read: BTreeSet<String> = MEANINGS.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(recorded, read);
}

#[tokio::test]
async fn an_answer_cut_short_anywhere_says_nothing_about_what_happened() {
    for name in ["confirm-succeeded", "confirm-declined", "confirm-again-after-success"] {
        let whole = Recorded::read(name);
        for length in 0..whole.body.len() {
            let cut = Recorded { body: whole.body.slice(..length), ..whole.clone() };
            assert_eq!(told(&answer(&cut, Confirm).await), "unknown: provider_unreadable", "{name} {length}");
        }
    }
}

#[tokio::test]
async fn every_intent_shown_is_the_payments_own() {
    for (name, call, _) in MEANINGS {
        if let Answer::Intent(intent) | Answer::UnexpectedState(intent) =
            answer(&Recorded::read(name), call).await
        {
            assert!(intent.is_for(&payment()), "{name}");
        }
    }
}

#[tokio::test]
async fn the_balance_says_that_stripe_is_well() {
    assert_eq!(reader(Recorded::read("probe").stripe()).probe(&key()).await.answer, Probe::Well);
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recorded"))
}

impl Recorded {
    fn read(name: &str) -> Self {
        let file = std::fs::read_to_string(folder().join(format!("{name}.snap"))).unwrap();
        // What stands above the second rule is the suite's note to itself.
        let answer = file.splitn(3, "---\n").nth(2).unwrap();
        let (head, body) = answer.split_once("\n\n").unwrap();
        let (status, headers) = head.split_once('\n').unwrap();
        let headers = headers.lines().map(|line| line.split_once(": ").unwrap());
        Self {
            status: status.parse().unwrap(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            body: Bytes::copy_from_slice(body.trim_end().as_bytes()),
        }
    }

    fn stripe(&self) -> Transport {
        let recorded = self.clone();
        answered_with(move |_| {
            let response = Response::builder().status(recorded.status);
            let response = recorded
                .headers
                .iter()
                .fold(response, |response, (name, value)| response.header(name, value));
            Ok(response.body(recorded.body.clone()).unwrap())
        })
    }

    /// The intent it is about; any id will do where it shows none.
    fn intent(&self) -> String {
        let body: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let shown = [&body["id"], &body["error"]["payment_intent"]["id"]];
        shown.iter().find_map(|id| id.as_str()).unwrap_or("pi_unknown").to_owned()
    }
}

async fn answer(answer: &Recorded, call: Call) -> Answer {
    let (charger, key, intent) = (charger(answer.stripe()), key(), recorded(&answer.intent()));
    let reply = match call {
        Create => charger.create(&key, &frozen(), "order-1042:create:0").await,
        Confirm => charger.confirm(&key, &intent, Method::OfTheIntent, &frozen()).await,
        Retrieve => charger.retrieve(&key, &intent).await,
        Cancel => charger.cancel(&key, &intent).await,
    };
    reply.answer
}

/// An answer's meaning in few words.
fn told(answer: &Answer) -> String {
    match answer {
        Answer::Intent(intent) => stands(intent),
        Answer::UnexpectedState(intent) => format!("unexpected: {}", stands(intent)),
        Answer::Declined(last) => declined(&last.decline),
        Answer::Unknown { cause, replay: Replay::Open } => format!("unknown: {cause}"),
        Answer::Unknown { cause, replay: Replay::Stored } => format!("unknown: {cause}, the key is spent"),
        Answer::NotDone { cause } => format!("not done: {cause}"),
        Answer::KeySpent => "the key is spent".to_owned(),
        Answer::IntentMissing => "missing".to_owned(),
        Answer::Refused(refusal) => format!("refused: {} {refusal}", refusal.status),
    }
}

fn stands(intent: &Intent) -> String {
    let after = intent.last_decline.as_ref().map(|last| format!(" after {}", declined(&last.decline)));
    format!("{}{}", status(&intent.status), after.unwrap_or_default())
}

fn status(status: &IntentStatus) -> &str {
    match status {
        IntentStatus::RequiresPaymentMethod => "requires_payment_method",
        IntentStatus::RequiresConfirmation => "requires_confirmation",
        IntentStatus::RequiresAction => "requires_action",
        IntentStatus::Processing => "processing",
        IntentStatus::RequiresCapture => "requires_capture",
        IntentStatus::Canceled => "canceled",
        IntentStatus::Succeeded => "succeeded",
        IntentStatus::Other(other) => other,
    }
}

fn declined(decline: &Decline) -> String {
    let why = decline.decline_code.as_deref().map(|why| format!(", {why}")).unwrap_or_default();
    let for_now = if decline.is_soft() { ", for now" } else { "" };
    format!("declined: {}{why}{for_now}", decline.code)
}
