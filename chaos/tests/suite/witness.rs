//! Stripe's own events as a second witness: how much sooner payments settle, and what is refused.

use crate::faults::assert_passes;
use chaos::experiment::Experiment;
use chaos::journal::{Event, StripeEvent, TableEvent};
use chaos::world::{self, Code, History};
use payments::UnixMs;
use std::collections::BTreeMap;
use std::path::Path;

const LISTENS: &str = "parameters = { StripeEventBus = 'aws.partner/stripe.com/ed_test_1' }";

/// Two hundred payments in forty minutes. Every third confirm is done and not answered, and most look-ups fail.
fn run(parameters: &str, more: &str) -> History {
    let text = format!(
        "{parameters}
         workload = {{ payments = 200, over = '40m' }}
         expect = {{ dead_letters = 'any' }}
         fault = [
             {{ kind = 'stripe-lost-answer', operations = ['confirm'], rate = 0.35, for = '40m' }},
             {{ kind = 'stripe-unavailable', operations = ['retrieve'], rate = 0.6, for = '40m' }},
             {{ kind = 'processing', rate = 0.1, for = '40m' }},
             {more}
         ]"
    );
    let experiment =
        Experiment::parse(Path::new("mine.toml"), &text).unwrap_or_else(|error| panic!("{error}"));
    let history = world::run(experiment, 1, Code::DEPLOYED).unwrap_or_else(|error| panic!("{error}"));
    assert_passes(&history, parameters);
    history
}

/// Seconds between a charge and the row that says so, of all payments together.
fn waited_s(history: &History) -> i64 {
    let mut charged: BTreeMap<&str, UnixMs> = BTreeMap::new();
    let mut waited_ms = 0;
    for record in &history.records {
        if let Event::Stripe(StripeEvent::Charged { payment, .. }) = &record.event {
            charged.insert(payment, record.at);
        } else if let Event::Table(TableEvent::LedgerWritten { payment, state, .. }) = &record.event
            && state == "succeeded"
        {
            waited_ms += charged.remove(payment.as_str()).map_or(0, |at| record.at.since_ms(at));
        }
    }
    assert!(charged.is_empty(), "each is settled in the end: {charged:?}");
    waited_ms / 1_000
}

#[test]
fn with_a_second_witness_payments_wait_less_than_half_as_long_for_what_was_not_answered() {
    let (alone, heard) = (waited_s(&run("", "")), waited_s(&run(LISTENS, "")));
    println!("{alone} s without, {heard} s with");
    assert!(2 * heard < alone, "{heard} s, and {alone} s without it");
}

#[test]
fn a_witness_that_says_nothing_true_costs_nobody_anything() {
    let mute = "{ kind = 'events-lost', rate = 1.0 }, { kind = 'events-forged', rate = 0.5, for = '40m' }";
    run(LISTENS, mute);
}

#[test]
fn what_befalls_stripes_events_is_refused_where_nobody_listens() {
    let text = "fault = [{ kind = 'events-late', rate = 0.5 }]";
    let experiment = Experiment::parse(Path::new("mine.toml"), text).expect("it can be read");
    let refused = world::run(experiment, 1, Code::DEPLOYED).expect_err("it cannot happen");
    insta::assert_snapshot!(refused, @"fault events-late happens to Stripe's own events, and nobody listens to them; accepted: the parameter StripeEventBus, or another fault");
}
