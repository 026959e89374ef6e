//! What Stripe does, beyond an outage.

use crate::faults::{assert_passes, count, count_meanwhile, fired, run, run_text, survived};
use chaos::faults::Kind;
use chaos::journal::{Event, Operation, StripeEvent};
use chaos::world::History;
use std::collections::BTreeSet;

#[test]
fn a_slow_stripe_charges_everything_and_loses_nothing() {
    let history = run(&["kind = 'stripe-slow', times = 25, rate = 1.0"], 1);
    assert_passes(&history, "stripe-slow");
    assert_eq!(history.book.len(), 40);
    let looked_up = count(&history, |event| {
        matches!(event, Event::Stripe(StripeEvent::Called { operation: Operation::Retrieve, .. }))
    });
    assert!(looked_up > 0, "a confirm that takes longer than a client waits is looked up");
}

#[test]
fn a_stripe_that_refuses_everybody_charges_nobody() {
    let refused = "kind = 'stripe-refusing', status = 403, rate = 1.0";
    let history = run(&[refused], 1);
    let charged =
        count_meanwhile(&history, |event| matches!(event, Event::Stripe(StripeEvent::Charged { .. })));
    assert_eq!(charged, 0);
    assert_passes(&history, refused);
    assert_eq!(history.book.len(), 40);
}

#[test]
fn intents_that_the_key_does_not_open_wait_until_it_does() {
    // They are recorded while nothing can be confirmed; then comes another account's key, then the right one again.
    let text = "
        workload = { payments = 10, over = '1m' }
        fault = [
            { from = '0s', for = '5m', operations = ['confirm'] },
            { kind = 'stripe-other-account', from = '5m', for = '10m' },
        ]";
    let history = run_text(text, 1);
    assert!(fired(&history, Kind::StripeOtherAccount) > 0);
    // The key was the deployment's, so it is held against no payment: none is poison for it, however often it is tried.
    assert_eq!(count(&history, |event| matches!(event, Event::Stripe(StripeEvent::Charged { .. }))), 10);
    assert!(history.held(&history.names.quarantine).is_empty());
    let charged_early = history.records.iter().any(|record| {
        record.at < history.began.plus_ms(15 * 60_000)
            && matches!(record.event, Event::Stripe(StripeEvent::Charged { .. }))
    });
    assert!(!charged_early, "an intent that the key does not open was charged");
}

/// How often Stripe itself brought an intent to this.
fn acted(history: &History, what: &str) -> u64 {
    count(history, |event| {
        let Event::Stripe(StripeEvent::Acted { said, .. }) = event else { return false };
        said.as_deref() == Some(what)
    })
}

/// How often a call of this kind was told this of its intent.
fn said(history: &History, what: &str) -> u64 {
    count(history, |event| {
        let Event::Stripe(StripeEvent::Called { said, .. }) = event else { return false };
        said.as_deref() == Some(what)
    })
}

#[test]
fn a_customer_who_authenticates_after_all_is_too_late_for_what_was_declined() {
    let history = run(&["kind = 'authentication-required', rate = 1.0"], 1);
    assert_passes(&history, "authentication-required");
    assert!(said(&history, "requires_action") > 0);
    // They came, and what they came for was canceled.
    assert!(acted(&history, "canceled") > 0 && acted(&history, "succeeded") == 0);
}

#[test]
fn a_customer_who_authenticates_while_nobody_looks_has_paid() {
    // Confirms are heard of only once look-ups are answered again.
    let silent = "kind = 'stripe-lost-answer', operations = ['confirm', 'retrieve', 'cancel'], rate = 1.0";
    let history = run(&["kind = 'authentication-required', rate = 1.0", silent], 1);
    assert_passes(&history, "authentication-required");
    assert!(acted(&history, "succeeded") > 0);
}

#[test]
fn money_that_is_only_held_is_canceled_and_a_human_asked_or_it_was_captured_first() {
    let history = survived("kind = 'held', rate = 0.1");
    assert!(said(&history, "requires_capture") > 0);
    let held = history.ledger.iter().filter(|row| row.state == "quarantined").count();
    assert!(held > 0);
    let history = run(&["kind = 'held', rate = 0.1"], 3);
    assert_passes(&history, "held");
}

#[test]
fn a_look_up_that_lags_costs_calls_alone() {
    let lost = "kind = 'stripe-lost-answer', operations = ['confirm'], rate = 0.5";
    let silent = "kind = 'stripe-timeout', operations = ['confirm'], placement = 'before', rate = 0.5";
    for trouble in [lost, silent] {
        let history = run(&[trouble, "kind = 'stripe-stale', rate = 1.0"], 1);
        assert_passes(&history, "stripe-stale");
        assert!(fired(&history, Kind::StripeStale) > 0);
        let states: BTreeSet<&str> = history.ledger.iter().map(|row| row.state.as_str()).collect();
        assert_eq!((states, history.book.len()), (BTreeSet::from(["succeeded"]), 40));
    }
}

#[test]
fn a_confirm_that_is_refused_and_done_all_the_same_is_never_given_up_and_charged() {
    let refused = "kind = 'stripe-refusing', operations = ['confirm'], placement = 'after', status = 400, nth = [2, 9, 17, 25]";
    let history = survived(refused);
    let late = |event: &Event| {
        matches!(event, Event::Stripe(StripeEvent::Acted { operation: Operation::Confirm, .. }))
    };
    assert!(count(&history, late) > 0, "what was refused is tried all the same");
}
