//! Faults of everybody: they are held against no payment.

use crate::faults::{assert_passes, run_text};
use std::collections::BTreeSet;

/// A fault of everybody is nobody's: all is charged after it, nothing is quarantined, and people were asked for at once.
fn is_held_against_nobody(payments: u32, over: &str, faults: &[&str]) {
    let workload = format!("workload = {{ payments = {payments}, over = '{over}' }}");
    let history = run_text(&format!("{workload}\nfault = [{}]", faults.join(", ")), 1);
    assert_passes(&history, &faults.join(", "));
    assert!(history.held(&history.names.quarantine).is_empty());
    let states: BTreeSet<&str> = history.ledger.iter().map(|row| row.state.as_str()).collect();
    assert_eq!(states, BTreeSet::from(["succeeded"]));
    assert!(history.mails.iter().any(|mail| mail.subject.contains("ACTION NEEDED")));
}

const HOUR: &str = "from = '10m', for = '1h', rate = 1.0";

#[test]
fn what_stripe_refuses_everybody_is_held_against_nobody() {
    for refusal in [
        "operations = ['create'], status = 400",
        "operations = ['create'], placement = 'stored', status = 400",
        "operations = ['create'], status = 400, code = 'account_invalid'",
        "operations = ['confirm'], status = 400",
        "operations = ['confirm'], status = 404",
        "operations = ['confirm'], status = 402",
        "operations = ['confirm'], status = 402, code = 'testmode_charges_only'",
    ] {
        is_held_against_nobody(60, "90m", &[&format!("{{ kind = 'stripe-refusing', {refusal}, {HOUR} }}")]);
    }
}

#[test]
fn look_ups_that_are_refused_are_held_against_nobody() {
    let lost = "{ kind = 'stripe-lost-answer', operations = ['confirm'], for = '1h 10m', rate = 1.0 }";
    let refused = format!("{{ kind = 'stripe-refusing', operations = ['retrieve'], status = 400, {HOUR} }}");
    is_held_against_nobody(60, "90m", &[lost, &refused]);
}

#[test]
fn a_deployment_that_panics_makes_no_payment_poison() {
    is_held_against_nobody(40, "20m", &[&format!("{{ kind = 'panic', operations = ['create'], {HOUR} }}")]);
}

#[test]
fn a_deployment_that_crashes_makes_no_payment_poison() {
    let crash =
        "{ kind = 'crash', operations = ['consumer'], hop = 4, from = '10m', for = '1h', rate = 1.0 }";
    is_held_against_nobody(500, "2h", &[crash]);
}

#[test]
fn who_is_tried_first_hours_after_all_died_in_one_moment_is_not_taken_for_poison() {
    let history = run_text(
        "workload = { payments = 5, over = '1s' }
        fault = [
            { kind = 'crash', operations = ['consumer'], hop = 4, for = '30m', rate = 1.0 },
            { kind = 'stripe-unavailable', from = '20m', for = '2h' },
        ]",
        1,
    );
    assert_passes(&history, "a crash and an outage");
    assert!(history.held(&history.names.quarantine).is_empty());
}
