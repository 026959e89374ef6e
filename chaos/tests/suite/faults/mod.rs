//! Faults, one at a time: each happens, is counted, and the deployed functions survive it, promises and all.

#![expect(clippy::wildcard_enum_match_arm, reason = "tests pick the events they look at")]

mod aws;
mod edge;
mod events;
mod input;
mod lambda;
mod ours;
mod stripe;

use chaos::checks::{Verdict, judge};
use chaos::experiment::Experiment;
use chaos::faults::Kind;
use chaos::journal::{Event, FailedBy, FaultFired, FunctionEvent, QueueEvent};
use chaos::world::{self, Code, History};
use std::collections::VecDeque;
use std::path::Path;

/// Forty payments in twenty minutes, while these faults, as in an experiment file, go wrong from the third minute on.
pub(crate) fn run(faults: &[&str], seed: u64) -> History {
    let window = "from = '2m', for = '30m'";
    let faults: Vec<String> = faults.iter().map(|fault| format!("{{ {window}, {fault} }}")).collect();
    let faults = faults.join(", ");
    run_text(&format!("workload = {{ payments = 40, over = '20m' }}\nfault = [{faults}]"), seed)
}

pub(crate) fn run_text(text: &str, seed: u64) -> History {
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

pub(crate) fn assert_passes(history: &History, fault: &str) {
    for (check, verdict) in judge(history).verdicts() {
        assert!(matches!(verdict, Verdict::Pass(_)), "{fault}: {check}: {verdict:?}");
    }
    for tally in &history.faults {
        let kind = tally.fault.kind;
        let journalled =
            count(history, |event| matches!(event, Event::Fault(FaultFired { fault, .. }) if *fault == kind));
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
            Event::Queue(QueueEvent::Sent { queue, message, .. }) if *queue == history.names.source => {
                waiting.push_back(message)
            }
            Event::Queue(QueueEvent::Received { queue, message, receives: 1 })
                if *queue == history.names.source =>
            {
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
    count_meanwhile(history, |event| is_invocation(event) && !takes_a_batch(event))
}

fn is_invocation(event: &Event) -> bool {
    matches!(event, Event::Function(FunctionEvent::Invoked { .. }))
}

/// Whether it is an invocation of the consumer.
fn takes_a_batch(event: &Event) -> bool {
    let Event::Function(FunctionEvent::Invoked { messages, .. }) = event else { return false };
    !messages.is_empty()
}

/// Whether it is a receive from the queue that payments are sent to.
fn is_delivery(event: &Event) -> bool {
    let Event::Queue(QueueEvent::Received { queue, .. }) = event else { return false };
    queue == "payments-payments"
}

/// How many invocations ended like this.
fn ended(history: &History, end: FailedBy) -> u64 {
    count(history, |event| matches!(event, Event::Function(FunctionEvent::Failed { how, .. }) if *how == end))
}
