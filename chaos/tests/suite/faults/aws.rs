//! What AWS does to its callers: the ledger, queues, the key, events, metrics, alarms and mails.

use crate::faults::{
    OUTAGE, assert_passes, count, count_meanwhile, fired, is_delivery, is_in_order, run, run_text, survived,
    survived_in_outage, takes_a_batch, turns,
};
use chaos::checks::MAIL_MS_MAX;
use chaos::faults::Kind;
use chaos::journal::{
    AlarmChanged, Event, FaultFired, MoveTaskEvent, Operation, QueueEvent, StateValue, StripeEvent,
    TableEvent, TopicEvent,
};
use chaos::world::History;
use payments::UnixMs;

#[test]
fn a_throttled_ledger_costs_time_and_nothing_else() {
    let history = survived("kind = 'ledger-throttled', rate = 0.6");
    assert!(history.ledger.iter().all(|row| row.state == "succeeded"));
}

#[test]
fn a_ledger_that_takes_nothing_for_half_an_hour_loses_nothing_and_people_know() {
    let history = run(&["kind = 'ledger-throttled', rate = 1.0"], 1);
    assert_passes(&history, "ledger-throttled");
    assert_eq!(
        count_meanwhile(&history, |event| matches!(event, Event::Table(TableEvent::LedgerWritten { .. }))),
        0
    );
}

#[test]
fn a_write_meets_its_own_first_try_and_knows_it() {
    let history = survived("kind = 'ledger-lost-answer', rate = 0.6");
    let refused = count(&history, |event| matches!(event, Event::Table(TableEvent::LedgerRefused { .. })));
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
        |event| matches!(event, Event::Fault(FaultFired { on, .. }) if on != "UpdateItem order-000020"),
    );
    assert_eq!(others, 0);
}

#[test]
fn deliveries_of_one_message_side_by_side_are_harmless() {
    let history = survived("kind = 'duplicate-delivery', rate = 1.0");
    assert_eq!(history.book.len(), 40);
    let deliveries = |history: &History| count(history, is_delivery);
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
    let deleted = count(&history, |event| {
        let Event::Queue(QueueEvent::Deleted { queue, .. }) = event else { return false };
        *queue == history.names.source
    });
    assert!(deleted > 40, "{deleted}");
}

#[test]
fn a_visibility_that_cannot_be_changed_costs_time_alone() {
    let history = survived_in_outage("kind = 'visibility-refused', rate = 1.0");
    assert_eq!(
        count_meanwhile(&history, |event| matches!(
            event,
            Event::Queue(QueueEvent::VisibilityChanged { .. })
        )),
        0
    );
}

#[test]
fn a_rotated_key_is_fetched_and_nobody_notices() {
    let history = survived("kind = 'secret-rotated', rate = 0.3");
    // A container that starts opens its connection without a key; that is refused, too.
    let is_refused = |event: &Event| match event {
        Event::Stripe(StripeEvent::Called { status: Some(401), operation, .. }) => {
            *operation != Operation::Other
        }
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
    let tasks = count(&history, |event| matches!(event, Event::MoveTask(MoveTaskEvent::Started { .. })));
    assert!(tasks >= 2, "{tasks}");
    let sum = |of: fn(&Event) -> Option<u64>| -> u64 {
        history.records.iter().filter_map(|record| of(&record.event)).sum()
    };
    let to_move = sum(|event| match event {
        Event::MoveTask(MoveTaskEvent::Started { to_move, .. }) => Some(*to_move),
        _ => None,
    });
    let moved = sum(|event| match event {
        Event::MoveTask(MoveTaskEvent::Ended { moved, .. }) => Some(*moved),
        _ => None,
    });
    assert!(moved < to_move, "{moved} of {to_move}");
    assert!(history.held(&history.names.dead_letters).is_empty());
}

#[test]
fn a_mail_that_sns_does_not_take_is_sent_by_a_later_turn() {
    survived_in_outage("kind = 'sns-failing', rate = 0.7");
    let history = run(&[OUTAGE, "kind = 'sns-failing', placement = 'before', rate = 1.0"], 2);
    let by_responder =
        |event: &Event| matches!(event, Event::Topic(TopicEvent::Published { request: Some(_), .. }));
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

/// Ms from the first dead letter to the first mail of an incident.
fn told_after_ms(history: &History) -> i64 {
    let at = |wanted: &dyn Fn(&Event) -> bool| -> UnixMs {
        let mut records = history.records.iter();
        records.find(|record| wanted(&record.event)).map(|record| record.at).expect("it happened")
    };
    let dead = at(&|event| matches!(event, Event::Queue(QueueEvent::DeadLettered { .. })));
    at(&|event| matches!(event, Event::Topic(TopicEvent::Mailed { .. }))).since_ms(dead)
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
            let Event::Alarm(AlarmChanged { alarm, to, .. }) = &record.event else { return false };
            *to == StateValue::Alarm && alarm.ends_with("DeadLettersWaiting")
        });
        let dead = history
            .records
            .iter()
            .find(|record| matches!(record.event, Event::Queue(QueueEvent::DeadLettered { .. })));
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

/// How many calls of an operation the fault hit.
fn hit(history: &History, kind: Kind, operation: &str) -> u64 {
    count(history, |event| {
        let Event::Fault(FaultFired { fault, on, .. }) = event else { return false };
        *fault == kind && on.starts_with(operation)
    })
}

#[test]
fn calls_that_sqs_fails_are_made_again_and_nothing_is_lost() {
    let history = survived("kind = 'sqs-failing', rate = 0.5");
    for operation in ["ChangeMessageVisibilityBatch", "GetQueueAttributes"] {
        assert!(hit(&history, Kind::SqsFailing, operation) > 0, "{operation}");
    }
    assert!(history.ledger.iter().all(|row| row.state == "succeeded"));
}

#[test]
fn a_copy_whose_sending_was_not_answered_is_in_quarantine_at_least_once() {
    let lost = "kind = 'sqs-failing', placement = 'after', operations = ['SendMessage'], rate = 1.0";
    let history = run(&["kind = 'malformed', nth = [3]", lost], 1);
    assert_passes(&history, lost);
    let copies = history.held(&history.names.quarantine).len();
    assert!(hit(&history, Kind::SqsFailing, "SendMessage") > 0 && copies >= 1, "{copies}");
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
        |event| matches!(event, Event::Table(TableEvent::LedgerWritten { state, .. }) if state == "succeeded"),
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
        count_meanwhile(&history, takes_a_batch)
    };
    let outage = ["kind = 'stripe-unavailable', rate = { step = [1.0, 0.0] }"];
    let usual = batches(&outage);
    let short = batches(&[&outage[..], &["kind = 'short-receive', rate = 1.0"]].concat());
    assert!(short > usual, "{short} batches, {usual} without");
}
