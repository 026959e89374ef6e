//! Every fault that is not Stripe's: it happens, it is counted, and the deployed functions survive it, promises and all.

#![expect(clippy::wildcard_enum_match_arm, reason = "tests pick the events they look at")]

use chaos::checks::{MAIL_MS_MAX, Verdict, judge};
use chaos::experiment::Experiment;
use chaos::faults::Kind;
use chaos::journal::Event;
use chaos::world::{self, Code, History};
use payments::UnixMs;
use std::collections::{BTreeSet, VecDeque};
use std::path::Path;

/// Forty payments in twenty minutes, while these faults, as in an experiment file, go wrong from the third minute on.
fn run(faults: &[&str], seed: u64) -> History {
    let window = "from = '2m', for = '30m'";
    let faults: Vec<String> = faults.iter().map(|fault| format!("{{ {window}, {fault} }}")).collect();
    let faults = faults.join(", ");
    run_text(&format!("workload = {{ payments = 40, over = '20m' }}\nfault = [{faults}]"), seed)
}

fn run_text(text: &str, seed: u64) -> History {
    let text = format!("expect = {{ dead_letters = 'any' }}\n{text}");
    let experiment =
        Experiment::parse(Path::new("mine.toml"), &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    world::run(experiment, seed, Code::DEPLOYED).unwrap_or_else(|error| panic!("{error}"))
}

/// Long enough for dead letters, a mail and a redrive.
const OUTAGE: &str = "kind = 'stripe-unavailable', rate = { step = [1.0, 0.0] }";

/// Runs a fault by itself and in an outage, and holds both to every check. Returns the one with the outage.
fn survived(fault: &str) -> History {
    assert_passes(&run(&[fault], 1), fault);
    survived_in_outage(fault)
}

/// The same for a fault that nothing but an outage gives an occasion.
fn survived_in_outage(fault: &str) -> History {
    let history = run(&[OUTAGE, fault], 2);
    assert_passes(&history, fault);
    history
}

fn assert_passes(history: &History, fault: &str) {
    for (check, verdict) in judge(history).verdicts() {
        assert!(matches!(verdict, Verdict::Pass(_)), "{fault}: {}: {verdict:?}", check.name);
    }
    for tally in &history.faults {
        let named = tally.fault.kind.name();
        let journalled =
            count(history, |event| matches!(event, Event::FaultFired { fault, .. } if *fault == named));
        assert_eq!(tally.fired, journalled, "{fault}");
    }
}

fn count(history: &History, wanted: impl Fn(&Event) -> bool) -> u64 {
    history.records.iter().filter(|record| wanted(&record.event)).count() as u64
}

fn fired(history: &History, kind: Kind) -> u64 {
    history.faults.iter().filter(|tally| tally.fault.kind == kind).map(|tally| tally.fired).sum()
}

/// How often it happened while the faults of [`run`] were at work.
fn count_meanwhile(history: &History, wanted: impl Fn(&Event) -> bool) -> usize {
    let (from, until) = (history.began.plus_ms(2 * 60_000), history.began.plus_ms(32 * 60_000));
    let meanwhile = history.records.iter().filter(|record| from <= record.at && record.at < until);
    meanwhile.filter(|record| wanted(&record.event)).count()
}

/// Whether messages were received for the first time in the order in which they were sent.
fn is_in_order(history: &History) -> bool {
    let (mut waiting, mut is_in_order) = (VecDeque::new(), true);
    for record in &history.records {
        match &record.event {
            Event::Sent { queue, message, .. } if *queue == history.names.source => {
                waiting.push_back(message)
            }
            Event::Received { queue, message, receives: 1 } if *queue == history.names.source => {
                if let Some(at) = waiting.iter().position(|sent| *sent == message) {
                    is_in_order &= at == 0;
                    waiting.remove(at);
                }
            }
            _ => {}
        }
    }
    is_in_order
}

/// Invocations of the responder while the faults of [`run`] were at work.
fn turns(history: &History) -> usize {
    count_meanwhile(history, |event| matches!(event, Event::Invoked { messages, .. } if messages.is_empty()))
}

/// How many invocations ended like this.
fn ended(history: &History, end: &str) -> u64 {
    count(history, |event| matches!(event, Event::Failed { how, .. } if *how == end))
}

#[test]
fn a_throttled_ledger_costs_time_and_nothing_else() {
    let history = survived("kind = 'ledger-throttled', rate = 0.6");
    assert!(history.ledger.iter().all(|row| row.state == "succeeded"));
}

#[test]
fn a_ledger_that_takes_nothing_for_half_an_hour_loses_nothing_and_people_know() {
    let history = run(&["kind = 'ledger-throttled', rate = 1.0"], 1);
    assert_passes(&history, "ledger-throttled");
    assert_eq!(count_meanwhile(&history, |event| matches!(event, Event::LedgerWritten { .. })), 0);
}

#[test]
fn a_write_meets_its_own_first_try_and_knows_it() {
    let history = survived("kind = 'ledger-lost-answer', rate = 0.6");
    let refused = count(&history, |event| matches!(event, Event::LedgerRefused { .. }));
    assert!(refused > 0, "a repeated write fails its condition");
    // A delivery that was opened and never heard of it closes itself: nobody takes it for one that died.
    assert!(history.held(&history.names.quarantine).is_empty());
}

#[test]
fn one_payment_can_be_kept_from_the_ledger_alone() {
    let scoped =
        "kind = 'ledger-throttled', rate = 1.0, operations = ['UpdateItem'], payments = ['order-000020']";
    let history = run(&[scoped], 1);
    assert_passes(&history, scoped);
    let others = count(
        &history,
        |event| matches!(event, Event::FaultFired { on, .. } if on != "UpdateItem order-000020"),
    );
    assert_eq!(others, 0);
}

#[test]
fn deliveries_of_one_message_side_by_side_are_harmless() {
    let history = survived("kind = 'duplicate-delivery', rate = 1.0");
    assert_eq!(history.book.len(), 40);
    let deliveries = |history: &History| {
        count(
            history,
            |event| matches!(event, Event::Received { queue, .. } if *queue == history.names.source),
        )
    };
    assert_eq!(deliveries(&run(&["kind = 'declined', rate = 1.0"], 1)), 40);
    assert!(deliveries(&run(&["kind = 'duplicate-delivery', rate = 1.0"], 1)) > 40);
}

#[test]
fn order_does_not_matter() {
    survived_in_outage("kind = 'reordered-delivery', rate = 1.0");
    let crowd = "workload = { payments = 40, over = '1s' }";
    assert!(is_in_order(&run_text(crowd, 1)));
    let history = run_text(&format!("{crowd}\nfault = [{{ kind = 'reordered-delivery', rate = 1.0 }}]"), 1);
    assert_passes(&history, "reordered-delivery");
    assert!(!is_in_order(&history));
}

#[test]
fn a_message_that_comes_back_after_its_delete_is_acknowledged_again() {
    let history = survived("kind = 'redelivered', rate = 0.5");
    let deleted = count(
        &history,
        |event| matches!(event, Event::Deleted { queue, .. } if *queue == history.names.source),
    );
    assert!(deleted > 40, "{deleted}");
}

#[test]
fn a_visibility_that_cannot_be_changed_costs_time_alone() {
    let history = survived_in_outage("kind = 'visibility-refused', rate = 1.0");
    assert_eq!(count_meanwhile(&history, |event| matches!(event, Event::VisibilityChanged { .. })), 0);
}

#[test]
fn invocations_that_are_killed_are_resumed() {
    let history = survived("kind = 'crash', rate = 0.4");
    assert_eq!(ended(&history, "crash"), fired(&history, Kind::Crash));
}

#[test]
fn work_that_panics_costs_a_record_and_no_container() {
    for placement in ["before", "after"] {
        let panic = format!("kind = 'panic', placement = '{placement}', rate = 0.3");
        survived_in_outage(&panic);
        let history = run(&[&panic], 1);
        assert_passes(&history, &panic);
        let source =
            |event: &Event| matches!(event, Event::Received { queue, .. } if queue == "payments-payments");
        let (again, panics) = (count(&history, source) - 40, fired(&history, Kind::Panic));
        assert!(0 < panics && panics <= again, "{placement}: {panics} of {again}");
        let lost = count(&history, |event| matches!(event, Event::Failed { .. }));
        assert_eq!(lost, 0, "{placement}");
    }
}

#[test]
fn invocations_that_hang_until_lambda_kills_them_are_resumed() {
    let history = survived("kind = 'function-timeout', rate = 0.3");
    assert_eq!(ended(&history, "timeout"), fired(&history, Kind::FunctionTimeout));
}

#[test]
fn containers_that_run_out_of_memory_are_replaced() {
    let history = survived("kind = 'out-of-memory', rate = 0.5");
    let (killed, fired) = (ended(&history, "out-of-memory"), fired(&history, Kind::OutOfMemory));
    assert!(0 < killed && killed < fired, "{killed} of {fired} in an invocation, the others between two");
}

#[test]
fn payments_wait_for_a_container_that_starts_slowly() {
    let history = run(&["kind = 'out-of-memory', rate = 0.5", "kind = 'slow-start', rate = 1.0"], 1);
    assert_passes(&history, "slow-start");
    let few = "workload = { payments = 3, over = '1m' }";
    let first_waits_ms = |history: &History| {
        let at = |wanted: fn(&Event) -> bool| {
            let first = history.records.iter().find(|record| wanted(&record.event));
            first.expect("it happened").at
        };
        let sent_at = at(|event| matches!(event, Event::Sent { .. }));
        at(|event| matches!(event, Event::Invoked { messages, .. } if !messages.is_empty())).since_ms(sent_at)
    };
    let slow = run_text(&format!("{few}\nfault = [{{ kind = 'slow-start', rate = 1.0 }}]"), 1);
    assert!(first_waits_ms(&slow) > 3_000 && first_waits_ms(&run_text(few, 1)) < 3_000);
}

#[test]
fn a_rotated_key_is_fetched_and_nobody_notices() {
    let history = survived("kind = 'secret-rotated', rate = 0.3");
    // A container that starts opens its connection without a key; that is refused, too.
    let is_refused = |event: &Event| match event {
        Event::StripeCalled { status: Some(401), operation, .. } => *operation != "other",
        _ => false,
    };
    assert!(count(&history, is_refused) > 0, "somebody held the old key");
}

#[test]
fn lost_events_are_made_up_for_by_the_next() {
    let history = survived("kind = 'event-lost', rate = 0.5");
    let usual = turns(&run(&[OUTAGE], 2));
    assert!(4 * turns(&history) < 3 * usual, "{} of {usual}", turns(&history));
}

#[test]
fn two_turns_at_once_save_one_record() {
    let history = survived("kind = 'event-twice', rate = 1.0");
    let usual = turns(&run(&[OUTAGE], 2));
    assert!(2 * turns(&history) > 3 * usual, "{}, usually {usual}", turns(&history));
}

#[test]
fn a_move_task_that_misses_messages_is_followed_by_another() {
    let history = survived_in_outage("kind = 'move-task-misses', nth = [1, 2]");
    let tasks = count(&history, |event| matches!(event, Event::MoveTaskStarted { .. }));
    assert!(tasks >= 2, "{tasks}");
    let sum = |of: fn(&Event) -> Option<u64>| -> u64 {
        history.records.iter().filter_map(|record| of(&record.event)).sum()
    };
    let to_move = sum(|event| match event {
        Event::MoveTaskStarted { to_move, .. } => Some(*to_move),
        _ => None,
    });
    let moved = sum(|event| match event {
        Event::MoveTaskEnded { moved, .. } => Some(*moved),
        _ => None,
    });
    assert!(moved < to_move, "{moved} of {to_move}");
    assert!(history.held(&history.names.dead_letters).is_empty());
}

#[test]
fn a_mail_that_sns_does_not_take_is_sent_by_a_later_turn() {
    survived_in_outage("kind = 'sns-failing', rate = 0.7");
    let history = run(&[OUTAGE, "kind = 'sns-failing', placement = 'before', rate = 1.0"], 2);
    let by_responder = |event: &Event| matches!(event, Event::Published { request: Some(_), .. });
    assert!(fired(&history, Kind::SnsFailing) > 0);
    assert_eq!(count_meanwhile(&history, by_responder), 0);
    assert!(count(&history, by_responder) > 0);
}

#[test]
fn a_mail_whose_answer_is_lost_is_sent_twice_at_worst() {
    let history =
        survived_in_outage("kind = 'sns-failing', placement = 'after', operations = ['Publish'], nth = [1]");
    let opened = history.mails.iter().filter(|mail| mail.subject.contains(" waiting: ")).count();
    assert_eq!(opened, 2);
}

#[test]
fn a_message_that_fills_its_queue_is_quarantined_whole() {
    let history = survived("kind = 'oversized', rate = 0.3");
    let copies = history.held(&history.names.quarantine);
    assert_eq!(copies.len() as u64, fired(&history, Kind::Oversized));
    assert!(copies.iter().all(|copy| copy.content.body.len() == 262_144));
}

#[test]
fn a_repeated_message_is_one_payment() {
    let history = survived("kind = 'repeated', rate = 0.8");
    assert_eq!((history.book.len(), history.ledger.len()), (40, 40));
    assert_eq!(history.sent.len() as u64, 40 + fired(&history, Kind::Repeated));
}

#[test]
fn a_conflicting_message_is_quarantined_and_the_payment_is_charged_as_it_was() {
    let history = survived("kind = 'conflicting', rate = 0.8");
    assert_eq!(history.book.len(), 40);
    let copies = history.held(&history.names.quarantine).len() as u64;
    assert_eq!(copies, fired(&history, Kind::Conflicting));
}

/// Ms from the first dead letter to the first mail of an incident.
fn told_after_ms(history: &History) -> i64 {
    let at = |wanted: &dyn Fn(&Event) -> bool| -> UnixMs {
        let mut records = history.records.iter();
        records.find(|record| wanted(&record.event)).map(|record| record.at).expect("it happened")
    };
    let dead = at(&|event| matches!(event, Event::DeadLettered { .. }));
    at(&|event| matches!(event, Event::Mailed { .. })).since_ms(dead)
}

#[test]
fn alarms_that_are_muted_hold_up_no_mail_of_the_responder() {
    let history = survived("kind = 'alarm-muted', rate = 1.0");
    assert!(told_after_ms(&history) <= MAIL_MS_MAX);
}

#[test]
fn people_are_told_in_two_minutes_when_the_metrics_of_a_quiet_queue_wake_up_a_quarter_of_an_hour_late() {
    // A day without a single dead letter, and then half an hour without Stripe.
    let text = "
        workload = { payments = 120, over = '25h' }
        fault = [
            { from = '24h10m', for = '30m' },
            { kind = 'metrics-late', rate = 1.0, from = '24h', for = '2h' },
        ]";
    for seed in 1..=2 {
        let history = run_text(text, seed);
        assert_passes(&history, "metrics-late");
        assert!(told_after_ms(&history) <= MAIL_MS_MAX);
        let first = history.records.iter().find(|record| {
            matches!(&record.event, Event::AlarmChanged { alarm, to: "ALARM", .. } if alarm.ends_with("DeadLettersWaiting"))
        });
        let dead = history.records.iter().find(|record| matches!(record.event, Event::DeadLettered { .. }));
        let late_ms = first.zip(dead).map(|(first, dead)| first.at.since_ms(dead.at));
        assert!(late_ms.is_none_or(|late_ms| late_ms > 900_000), "{late_ms:?}");
    }
}

#[test]
fn people_are_told_in_two_minutes_when_every_event_of_an_alarm_is_lost() {
    for seed in 1..=2 {
        let history = run(&[OUTAGE, "kind = 'event-lost', rate = 1.0, operations = ['alarm']"], seed);
        assert_passes(&history, "event-lost");
        assert!(told_after_ms(&history) <= MAIL_MS_MAX);
    }
}

#[test]
fn a_slow_stripe_charges_everything_and_loses_nothing() {
    let history = run(&["kind = 'stripe-slow', times = 25, rate = 1.0"], 1);
    assert_passes(&history, "stripe-slow");
    assert_eq!(history.book.len(), 40);
    let calls = |operation: &str| {
        count(
            &history,
            |event| matches!(event, Event::StripeCalled { operation: it, .. } if *it == operation),
        )
    };
    assert!(calls("retrieve") > 0, "a confirm that takes longer than a client waits is looked up");
}

#[test]
fn a_stripe_that_refuses_everybody_charges_nobody() {
    let refused = "kind = 'stripe-refusing', status = 403, rate = 1.0";
    let history = run(&[refused], 1);
    let charged = count_meanwhile(&history, |event| matches!(event, Event::Charged { .. }));
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
    assert_eq!(count(&history, |event| matches!(event, Event::Charged { .. })), 10);
    assert!(history.held(&history.names.quarantine).is_empty());
    let charged_early = history.records.iter().any(|record| {
        record.at < history.began.plus_ms(15 * 60_000) && matches!(record.event, Event::Charged { .. })
    });
    assert!(!charged_early, "an intent that the key does not open was charged");
}

/// How often Stripe itself brought an intent to this.
fn acted(history: &History, what: &str) -> u64 {
    count(
        history,
        |event| matches!(event, Event::StripeActed { said: Some(said), .. } if said.as_str() == what),
    )
}

/// How often a call of this kind was told this of its intent.
fn said(history: &History, what: &str) -> u64 {
    count(
        history,
        |event| matches!(event, Event::StripeCalled { said: Some(said), .. } if said.as_str() == what),
    )
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
    let late = |event: &Event| matches!(event, Event::StripeActed { operation: "confirm", .. });
    assert!(count(&history, late) > 0, "what was refused is tried all the same");
}

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

/// How many calls of an operation the fault hit.
fn hit(history: &History, kind: &str, operation: &str) -> u64 {
    count(
        history,
        |event| matches!(event, Event::FaultFired { fault, on, .. } if *fault == kind && on.starts_with(operation)),
    )
}

#[test]
fn calls_that_sqs_fails_are_made_again_and_nothing_is_lost() {
    let history = survived("kind = 'sqs-failing', rate = 0.5");
    for operation in ["ChangeMessageVisibilityBatch", "GetQueueAttributes"] {
        assert!(hit(&history, "sqs-failing", operation) > 0, "{operation}");
    }
    assert!(history.ledger.iter().all(|row| row.state == "succeeded"));
}

#[test]
fn a_copy_whose_sending_was_not_answered_is_in_quarantine_at_least_once() {
    let lost = "kind = 'sqs-failing', placement = 'after', operations = ['SendMessage'], rate = 1.0";
    let history = run(&["kind = 'malformed', nth = [3]", lost], 1);
    assert_passes(&history, lost);
    let copies = history.held(&history.names.quarantine).len();
    assert!(hit(&history, "sqs-failing", "SendMessage") > 0 && copies >= 1, "{copies}");
}

#[test]
fn a_key_that_secrets_manager_does_not_tell_is_asked_for_until_it_does() {
    let failing = "kind = 'secrets-failing', rate = 1.0";
    let rotated = "kind = 'secret-rotated', nth = [1]";
    let history = run(&[rotated, failing], 1);
    assert_passes(&history, failing);
    assert!(fired(&history, Kind::SecretsFailing) > 0);
    let charged_meanwhile = count_meanwhile(
        &history,
        |event| matches!(event, Event::LedgerWritten { state, .. } if state == "succeeded"),
    );
    assert!(charged_meanwhile < 40 && history.ledger.iter().all(|row| row.state == "succeeded"));
}

#[test]
fn alarms_that_cannot_be_looked_at_hold_nothing_up() {
    let failing = "kind = 'cloudwatch-failing', rate = 1.0";
    let history = run(&[OUTAGE, failing], 2);
    assert_passes(&history, failing);
    assert!(fired(&history, Kind::CloudWatchFailing) > 0);
}

#[test]
fn what_an_alarm_says_is_lost_where_sns_takes_nothing() {
    let told = |fault: &[&str]| {
        let history = run(&[&["kind = 'crash', hop = 1, rate = 1.0"], fault].concat(), 1);
        let alarm = |mail: &&chaos::cloud::sns::Mail| mail.subject.starts_with("ALARM");
        history.mails.iter().filter(alarm).count()
    };
    assert!(told(&[]) > 0);
    assert_eq!(told(&["kind = 'sns-failing', placement = 'before', rate = 1.0"]), 0);
}

#[test]
fn an_index_that_is_behind_shows_what_was_and_nothing_is_done_twice_for_it() {
    let history = survived("kind = 'index-behind', rate = 1.0");
    assert!(fired(&history, Kind::IndexBehind) > 0);
}

#[test]
fn counts_that_are_a_minute_old_end_no_incident_too_soon() {
    let history = survived("kind = 'counts-behind', rate = 1.0");
    assert!(fired(&history, Kind::CountsBehind) > 0);
}

#[test]
fn receives_that_find_a_part_come_again_for_the_rest() {
    let batches = |faults: &[&str]| {
        let history = run(faults, 2);
        assert_passes(&history, "short-receive");
        count_meanwhile(
            &history,
            |event| matches!(event, Event::Invoked { messages, .. } if !messages.is_empty()),
        )
    };
    let outage = ["kind = 'stripe-unavailable', rate = { step = [1.0, 0.0] }"];
    let usual = batches(&outage);
    let short = batches(&[&outage[..], &["kind = 'short-receive', rate = 1.0"]].concat());
    assert!(short > usual, "{short} batches, {usual} without");
}

#[test]
fn invocations_that_are_throttled_are_made_later() {
    let history = survived("kind = 'function-throttled', rate = 0.6");
    assert!(fired(&history, Kind::FunctionThrottled) > 0);
    let throttled = "kind = 'function-throttled', operations = ['consumer'], rate = 1.0";
    let history = run(&[throttled], 1);
    assert_passes(&history, throttled);
    let worked = |event: &Event| matches!(event, Event::Invoked { messages, .. } if !messages.is_empty());
    assert_eq!(count_meanwhile(&history, worked), 0);
    assert!(history.ledger.iter().all(|row| row.state == "succeeded"));
}
