//! What a message says about a person is in no log line, no metric, no mail, and not in the journal.
//!
//! Invariant: a run in which everything that can go wrong with a payment does so says nothing of what it was for.

use crate::logs;
use chaos::experiment::Experiment;
use chaos::journal::{Event, FunctionEvent};
use chaos::world::{self, Code, History};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::OnceLock;

/// In description, metadata, names of metadata, customer, and in fields that are not known.
const PRIVATE: &str = "zimtschnecke";

fn says_it(text: &str) -> bool {
    text.to_lowercase().contains(PRIVATE)
}

fn payment(number: usize, method: &str) -> Value {
    json!({
        "payment_id": format!("order-{number:06}"),
        "amount": 1_000 + number,
        "currency": "eur",
        "payment_method": method,
        "customer": "cus_Zimtschnecke",
        "description": "Zimtschnecke für Zoë",
        "metadata": { "zimtschnecke": "mit Zucker", "an": "Zoë Zimtschnecke" },
    })
}

/// Payments that succeed and that are declined, refused, malformed, and in conflict with each other.
fn bodies() -> Vec<String> {
    let mut bodies: Vec<Value> = (0..60).map(|number| payment(number, "pm_card_visa")).collect();
    bodies.extend((60..66).map(|number| payment(number, "pm_card_chargeDeclinedInsufficientFunds")));
    for number in 70..72 {
        let mut refused = payment(number, "pm_card_visa");
        refused["currency"] = "zzz".into();
        bodies.push(refused);
    }
    for field in ["amount", "description", "zimtschnecke"] {
        let mut malformed = payment(80, "pm_card_visa");
        malformed[field] = json!({ "zimtschnecke": "Zimtschnecke" });
        bodies.push(malformed);
    }
    let mut conflicting = payment(1, "pm_card_visa");
    conflicting["description"] = "Zwei Zimtschnecken".into();
    bodies.push(conflicting);
    let mut bodies: Vec<String> = bodies.iter().map(Value::to_string).collect();
    bodies.push("Zimtschnecke, and no JSON".to_owned());
    // In the envelope of a topic.
    bodies.push(
        json!({ "Type": "Notification", "Message": payment(81, "pm_card_visa").to_string() }).to_string(),
    );
    bodies
}

const TROUBLE: &str = "
[[fault]]
from = '8m'
for = '12m'
rate = 1.0
[[fault]]
kind = 'stripe-500'
rate = 0.1
[[fault]]
kind = 'stripe-garbage'
rate = 0.05
[[fault]]
kind = 'declined-softly'
rate = 0.1
[[fault]]
kind = 'panic'
rate = 0.02
[[fault]]
kind = 'stripe-reset'
rate = 0.1
[[fault]]
kind = 'ledger-throttled'
from = '22m'
for = '2m'
rate = 1.0
[[fault]]
kind = 'visibility-refused'
rate = 0.2
[[fault]]
kind = 'sns-failing'
rate = 0.2
[[order]]
at = '50m'
command = 'export'
[[order]]
at = '55m'
command = 'status'
[expect]
dead_letters = 'any'
";

/// A run with all of that, and what was logged in it.
pub(crate) fn in_trouble() -> &'static (History, Vec<Value>) {
    static RUN: OnceLock<(History, Vec<Value>)> = OnceLock::new();
    RUN.get_or_init(|| {
        let listens = "parameters = { StripeEventBus = 'aws.partner/stripe.com/ed_test_1' }";
        let text =
            format!("{listens}\nworkload = {{ bodies = {}, over = '30m' }}\n{TROUBLE}", json!(bodies()));
        let experiment =
            Experiment::parse(Path::new("private.toml"), &text).unwrap_or_else(|error| panic!("{error}"));
        logs::of(|| world::run(experiment, 1, Code::DEPLOYED).unwrap_or_else(|error| panic!("{error}")))
    })
}

/// Values of this field of the lines.
fn logged<'a>(lines: &'a [Value], field: &str) -> BTreeSet<&'a str> {
    lines.iter().filter_map(|line| line["fields"][field].as_str()).collect()
}

#[test]
fn the_run_has_something_to_be_silent_about() {
    let (history, lines) = in_trouble();
    assert!(history.sent.iter().all(|sent| says_it(&sent.body)));
    let ends = logged(lines, "end");
    assert!(
        ["settled", "handed_back", "quarantined", "overheard"].iter().all(|end| ends.contains(end)),
        "{ends:?}"
    );
    let reasons = logged(lines, "reason");
    assert!(
        ["malformed", "conflicting_request", "refused"].iter().all(|it| reasons.contains(it)),
        "{reasons:?}"
    );
    assert!(logged(lines, "state").contains("declined"));
    assert!(logged(lines, "payment_id").contains("order-000001"));
    let causes = logged(lines, "cause");
    assert!(["breaker_open", "panicked"].iter().all(|cause| causes.contains(cause)), "{causes:?}");
    let held = history.queues.values().flatten();
    assert!(held.filter(|held| says_it(&held.content.body)).count() >= 5, "the quarantine has it");
    let told = |of: &str| history.mails.iter().any(|mail| mail.subject.contains(of));
    assert!(
        told("#Q1") && told("#1 "),
        "{:?}",
        history.mails.iter().map(|mail| &mail.subject).collect::<Vec<_>>()
    );
}

#[test]
fn no_log_line_says_what_a_payment_is_for() {
    let (_, lines) = in_trouble();
    let said: Vec<&Value> = lines.iter().filter(|line| says_it(&line.to_string())).collect();
    assert!(said.is_empty(), "{said:?}");
}

#[test]
fn no_mail_says_what_a_payment_is_for() {
    let (history, _) = in_trouble();
    let said = history.mails.iter().find(|mail| says_it(&mail.subject) || says_it(&mail.body));
    assert!(said.is_none(), "{said:?}");
}

#[test]
fn no_metric_and_nothing_of_the_journal_says_what_a_payment_is_for() {
    let (history, _) = in_trouble();
    let metrics = |event: &Event| matches!(event, Event::Function(FunctionEvent::Metrics { .. }));
    assert!(history.records.iter().any(|record| metrics(&record.event)));
    for record in &history.records {
        let said = serde_json::to_string(record).expect("it can be written");
        assert!(!says_it(&said), "{said}");
    }
}
