//! What happens to invocations and containers.

use crate::faults::{
    assert_passes, count, count_meanwhile, ended, fired, is_delivery, run, run_text, survived,
    survived_in_outage, takes_a_batch,
};
use chaos::faults::Kind;
use chaos::journal::{Event, FailedBy, FunctionEvent, QueueEvent};
use chaos::world::History;
use std::collections::BTreeMap;

#[test]
fn invocations_that_are_killed_are_resumed() {
    let history = survived("kind = 'crash', rate = 0.4");
    assert_eq!(ended(&history, FailedBy::Crash), fired(&history, Kind::Crash));
}

#[test]
fn work_that_panics_costs_a_record_and_no_container() {
    for placement in ["before", "after"] {
        let panic = format!("kind = 'panic', placement = '{placement}', rate = 0.3");
        survived_in_outage(&panic);
        let history = run(&[&panic], 1);
        assert_passes(&history, &panic);
        let (again, panics) = (count(&history, is_delivery) - 40, fired(&history, Kind::Panic));
        assert!(0 < panics && panics <= again, "{placement}: {panics} of {again}");
        let lost = count(&history, |event| matches!(event, Event::Function(FunctionEvent::Failed { .. })));
        assert_eq!(lost, 0, "{placement}");
    }
}

#[test]
fn invocations_that_hang_until_lambda_kills_them_are_resumed() {
    let history = survived("kind = 'function-timeout', rate = 0.3");
    assert_eq!(ended(&history, FailedBy::Timeout), fired(&history, Kind::FunctionTimeout));
}

#[test]
fn containers_that_run_out_of_memory_are_replaced() {
    let history = survived("kind = 'out-of-memory', rate = 0.5");
    let (killed, fired) = (ended(&history, FailedBy::OutOfMemory), fired(&history, Kind::OutOfMemory));
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
        let sent_at = at(|event| matches!(event, Event::Queue(QueueEvent::Sent { .. })));
        at(takes_a_batch).since_ms(sent_at)
    };
    let slow = run_text(&format!("{few}\nfault = [{{ kind = 'slow-start', rate = 1.0 }}]"), 1);
    assert!(first_waits_ms(&slow) > 3_000 && first_waits_ms(&run_text(few, 1)) < 3_000);
}

#[test]
fn batches_that_were_fetched_ahead_are_worked_on_with_less_of_their_visibility() {
    let waited_ms = |history: &History| {
        let mut received = BTreeMap::new();
        let mut longest_ms = 0;
        for record in &history.records {
            match &record.event {
                Event::Queue(QueueEvent::Received { queue, message, .. }) if queue == "payments-payments" => {
                    received.insert(message.clone(), record.at);
                }
                Event::Function(FunctionEvent::Invoked { messages, .. }) => {
                    let since = messages.iter().filter_map(|message| received.get(message));
                    longest_ms = since.fold(longest_ms, |longest, at| longest.max(record.at.since_ms(*at)));
                }
                _ => {}
            }
        }
        longest_ms
    };
    let history = survived("kind = 'prefetched', rate = 1.0");
    assert!(waited_ms(&history) > 100_000, "{} ms", waited_ms(&history));
    assert!(waited_ms(&run(&[], 1)) < 10_000);
}

#[test]
fn invocations_that_are_throttled_are_made_later() {
    let history = survived("kind = 'function-throttled', rate = 0.6");
    assert!(fired(&history, Kind::FunctionThrottled) > 0);
    let throttled = "kind = 'function-throttled', operations = ['consumer'], rate = 1.0";
    let history = run(&[throttled], 1);
    assert_passes(&history, throttled);
    assert_eq!(count_meanwhile(&history, takes_a_batch), 0);
    assert!(history.ledger.iter().all(|row| row.state == "succeeded"));
}
