//! What the journal writes: other programs read it, so every word and the order of the fields stay what they are.

use super::*;
use crate::faults::{Kind, Placement};
use serde_json::json;

const AT: UnixMs = UnixMs(7);

fn text(text: &str) -> String {
    text.to_owned()
}

fn lines(events: impl IntoIterator<Item = impl Into<Event>>) -> String {
    let journal = Journal::default();
    events.into_iter().for_each(|event| journal.record(AT, event));
    let line = |record: &Record| serde_json::to_string(record).unwrap() + "\n";
    journal.records().iter().map(line).collect()
}

#[test]
fn what_happens_to_messages() {
    let (queue, message) = (text("q"), text("m"));
    let events = [
        QueueEvent::Sent { queue: queue.clone(), message: message.clone(), payment: Some(text("p")) },
        QueueEvent::Received { queue: queue.clone(), message: message.clone(), receives: 1 },
        QueueEvent::VisibilityChanged { queue: queue.clone(), message: message.clone(), seconds: 30 },
        QueueEvent::Deleted { queue: queue.clone(), message: message.clone() },
        QueueEvent::DeadLettered {
            from: queue.clone(),
            to: text("d"),
            message: message.clone(),
            receives: 5,
        },
        QueueEvent::Expired { queue: queue.clone(), message: message.clone() },
        QueueEvent::Purged { queue: queue.clone(), message: message.clone() },
        QueueEvent::Redriven { from: text("d"), to: queue, message, as_message: text("n") },
    ];
    insta::assert_snapshot!(lines(events), @r#"
    {"at":7,"event":"sent","queue":"q","message":"m","payment":"p"}
    {"at":7,"event":"received","queue":"q","message":"m","receives":1}
    {"at":7,"event":"visibility-changed","queue":"q","message":"m","seconds":30}
    {"at":7,"event":"deleted","queue":"q","message":"m"}
    {"at":7,"event":"dead-lettered","from":"q","to":"d","message":"m","receives":5}
    {"at":7,"event":"expired","queue":"q","message":"m"}
    {"at":7,"event":"purged","queue":"q","message":"m"}
    {"at":7,"event":"redriven","from":"d","to":"q","message":"m","as_message":"n"}
    "#);
}

#[test]
fn what_becomes_of_move_tasks() {
    let (task, source) = (text("t"), text("d"));
    let ended = |status: MoveEnd| MoveTaskEvent::Ended {
        task: text("t"),
        source: text("d"),
        status,
        moved: 3,
        reason: status.failure(),
    };
    let events = [
        MoveTaskEvent::Started { task, source, destination: None, to_move: 4 },
        MoveTaskEvent::Refused { source: text("d") },
        ended(MoveEnd::Completed),
        ended(MoveEnd::Cancelled),
        ended(MoveEnd::Failed(MoveFailure::CouldNotDetermineMessageSource)),
    ];
    insta::assert_snapshot!(lines(events), @r#"
    {"at":7,"event":"move-task-started","task":"t","source":"d","to_move":4}
    {"at":7,"event":"move-task-refused","source":"d"}
    {"at":7,"event":"move-task-ended","task":"t","source":"d","status":"COMPLETED","moved":3}
    {"at":7,"event":"move-task-ended","task":"t","source":"d","status":"CANCELLED","moved":3}
    {"at":7,"event":"move-task-ended","task":"t","source":"d","status":"FAILED","moved":3,"reason":"CouldNotDetermineMessageSource"}
    "#);
}

#[test]
fn what_topics_do() {
    let (topic, message) = (text("alerts"), text("s"));
    let events = [
        TopicEvent::Published {
            request: None,
            topic: topic.clone(),
            message: message.clone(),
            subject: None,
        },
        TopicEvent::Mailed { topic: topic.clone(), message, to: text("ops") },
        TopicEvent::SubscriptionDisabled { topic, endpoint: text("ops") },
    ];
    insta::assert_snapshot!(lines(events), @r#"
    {"at":7,"event":"published","topic":"alerts","message":"s"}
    {"at":7,"event":"mailed","topic":"alerts","message":"s","to":"ops"}
    {"at":7,"event":"subscription-disabled","topic":"alerts","endpoint":"ops"}
    "#);
}

#[test]
fn what_functions_do() {
    let (function, request) = (text("Consumer"), text("r"));
    let events = [
        FunctionEvent::ContainerStarted { function: function.clone(), container: 1 },
        FunctionEvent::ContainerFailed { function: function.clone(), container: 2, detail: text("no") },
        FunctionEvent::Invoked {
            function: function.clone(),
            container: 1,
            request: request.clone(),
            messages: vec![text("m")],
        },
        FunctionEvent::Answered { request: request.clone(), failed: vec![], malformed: None, hops: 9 },
        FunctionEvent::Failed { request: request.clone(), how: FailedBy::OutOfMemory, hops: 1, detail: None },
        FunctionEvent::Dropped { function, request, why: DroppedFor::EventAgeExceeded, attempts: 2 },
        FunctionEvent::Metrics { line: MetricLine::of(json!({ "Paid": 1 }), &mut None) },
    ];
    insta::assert_snapshot!(lines(events), @r#"
    {"at":7,"event":"container-started","function":"Consumer","container":1}
    {"at":7,"event":"container-failed","function":"Consumer","container":2,"detail":"no"}
    {"at":7,"event":"invoked","function":"Consumer","container":1,"request":"r","messages":["m"]}
    {"at":7,"event":"answered","request":"r","hops":9}
    {"at":7,"event":"failed","request":"r","how":"out-of-memory","hops":1}
    {"at":7,"event":"invocation-dropped","function":"Consumer","request":"r","why":"EventAgeExceeded","attempts":2}
    {"at":7,"event":"metrics","line":{"Paid":1}}
    "#);
}

#[test]
fn lines_of_metrics_are_kept_as_they_were_written_and_declare_their_metrics_once() {
    let line = |metric: &str, value: i64| json!({ "_aws": { "CloudWatchMetrics": [{ "Metrics": [{ "Name": metric }] }], "Timestamp": 7 }, metric: value });
    let written =
        [line("Paid", 1), line("Paid", 2), line("Failed", 3), json!({ "_aws": 4 }), line("Paid", 5)];
    let mut declared = None;
    let kept: Vec<MetricLine> =
        written.iter().map(|line| MetricLine::of(line.clone(), &mut declared)).collect();
    assert_eq!(kept.iter().map(MetricLine::parsed).collect::<Vec<_>>(), written);
    let shared: Vec<bool> = kept.windows(2).map(|lines| lines[1].declares_with(&lines[0])).collect();
    assert_eq!(shared, [true, false, false, false]);
}

#[test]
fn what_stripe_is_asked_and_does() {
    let (intent, payment) = (text("pi_1"), text("p"));
    let events = [
        StripeEvent::Called {
            request: text("r"),
            operation: Operation::Confirm,
            intent: Some(intent.clone()),
            payment: Some(payment.clone()),
            status: Some(402),
            said: Some(text("card_declined")),
            fault: Some(Kind::DeclinedSoftly),
        },
        StripeEvent::Acted {
            operation: Operation::Bank,
            intent: Some(intent.clone()),
            payment: None,
            said: Some(text("succeeded")),
            fault: None,
        },
        StripeEvent::Charged { payment, intent, charge: text("ch_1"), amount: 1999, currency: text("eur") },
    ];
    insta::assert_snapshot!(lines(events), @r#"
    {"at":7,"event":"stripe-called","request":"r","operation":"confirm","intent":"pi_1","payment":"p","status":402,"said":"card_declined","fault":"declined-softly"}
    {"at":7,"event":"stripe-acted","operation":"bank","intent":"pi_1","said":"succeeded"}
    {"at":7,"event":"charged","payment":"p","intent":"pi_1","charge":"ch_1","amount":1999,"currency":"eur"}
    "#);
}

#[test]
fn what_functions_write_to_their_tables() {
    let (request, payment) = (text("r"), text("p"));
    let letter = Letter { number: 1, tells: text("opened"), claimed_at: AT, stands_for: None };
    let events = [
        TableEvent::LedgerWritten {
            request: request.clone(),
            payment: payment.clone(),
            state: text("received"),
            version: 1,
            intent: None,
        },
        TableEvent::IncidentSaved {
            request: request.clone(),
            record: text("recovery"),
            phase: text("open"),
            version: 2,
            pending: vec![letter],
        },
        TableEvent::LedgerRefused { request, payment },
    ];
    insta::assert_snapshot!(lines(events), @r#"
    {"at":7,"event":"ledger-written","request":"r","payment":"p","state":"received","version":1}
    {"at":7,"event":"incident-saved","request":"r","record":"recovery","phase":"open","version":2,"pending":[{"number":1,"tells":"opened","claimed_at":7}]}
    {"at":7,"event":"ledger-refused","request":"r","payment":"p"}
    "#);
}

#[test]
fn what_else_happens() {
    let (rule, id) = (text("alarms"), text("e"));
    let why = UndeliveredFor::EventAge;
    let events: [Event; 7] = [
        AlarmChanged {
            alarm: text("Waiting"),
            from: StateValue::InsufficientData,
            to: StateValue::Alarm,
            reason: text("1 > 0"),
        }
        .into(),
        BusEvent::Matched { rule: rule.clone(), id: id.clone() }.into(),
        BusEvent::Delivered { rule: rule.clone(), id: id.clone(), request: text("r") }.into(),
        BusEvent::Queued { rule: rule.clone(), id: id.clone(), queue: text("q"), message: text("m") }.into(),
        BusEvent::Undelivered { rule, id, why, queue: Some(text("d")) }.into(),
        FaultFired { fault: Kind::Crash, placement: Some(Placement::After), on: text("consumer r") }.into(),
        AccessDenied { who: text("us"), action: text("sqs:SendMessage"), resource: text("q") }.into(),
    ];
    insta::assert_snapshot!(lines(events), @r#"
    {"at":7,"event":"alarm-changed","alarm":"Waiting","from":"INSUFFICIENT_DATA","to":"ALARM","reason":"1 > 0"}
    {"at":7,"event":"event-matched","rule":"alarms","id":"e"}
    {"at":7,"event":"event-delivered","rule":"alarms","id":"e","request":"r"}
    {"at":7,"event":"event-queued","rule":"alarms","id":"e","queue":"q","message":"m"}
    {"at":7,"event":"event-undelivered","rule":"alarms","id":"e","why":"MaximumEventAgeInSeconds","queue":"d"}
    {"at":7,"event":"fault-fired","fault":"crash","placement":"after","on":"consumer r"}
    {"at":7,"event":"access-denied","who":"us","action":"sqs:SendMessage","resource":"q"}
    "#);
}
