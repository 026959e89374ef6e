//! One event in a few words, for a reader who follows one payment.
//!
//! Invariant: the words name what happened to the message or payment followed, not to its neighbours in the batch.

use crate::journal::{
    AccessDenied, AlarmChanged, BusEvent, EdgeEvent, Event, FaultFired, FunctionEvent, MoveTaskEvent,
    PipeEvent, QueueEvent, StripeEvent, TableEvent, TopicEvent,
};
use crate::units::counted;

/// The words for `event`; `mine` tells which message ids are followed.
pub(super) fn words(event: &Event, mine: &dyn Fn(&str) -> bool) -> String {
    match event {
        Event::Queue(event) => of_message(event),
        Event::MoveTask(event) => of_move_task(event),
        Event::Topic(event) => of_topic(event),
        Event::Function(event) => of_function(event, mine),
        Event::Stripe(event) => of_stripe(event),
        Event::Table(event) => of_table(event),
        Event::Alarm(AlarmChanged { alarm, from, to, .. }) => format!("alarm {alarm}: {from} -> {to}"),
        Event::Bus(event) => of_bus(event),
        Event::Pipe(event) => of_pipe(event),
        Event::Edge(event) => of_edge(event),
        Event::Fault(FaultFired { fault, on, .. }) => format!("fault {fault}: {on}"),
        Event::Access(AccessDenied { who, action, resource }) => {
            format!("{who} may not {action} on {resource}")
        }
    }
}

fn of_pipe(event: &PipeEvent) -> String {
    match event {
        PipeEvent::Told { bus, detail, .. } => {
            format!("told on {bus}: {}", detail["state"].as_str().unwrap_or("nothing"))
        }
        PipeEvent::GivenUp { pipe, queue: Some(queue), .. } => format!("given up by {pipe}, kept in {queue}"),
        PipeEvent::GivenUp { pipe, queue: None, .. } => format!("given up by {pipe}"),
    }
}

fn of_edge(event: &EdgeEvent) -> String {
    match event {
        EdgeEvent::OriginAsked { origin, path, status, ms } => {
            format!("the edge asks {origin} for {path}: {status} after {ms} ms")
        }
        EdgeEvent::Served(served) => {
            format!("the edge answered {}", counted(served.requests, "request"))
        }
    }
}

fn of_message(event: &QueueEvent) -> String {
    match event {
        QueueEvent::Sent { queue, message, .. } => format!("sent to {queue} as {message}"),
        QueueEvent::Received { queue, receives, .. } => format!("received from {queue}, receive {receives}"),
        QueueEvent::VisibilityChanged { seconds, .. } => format!("hidden for {seconds} s"),
        QueueEvent::Deleted { queue, .. } => format!("acknowledged: deleted from {queue}"),
        QueueEvent::DeadLettered { to, receives, .. } => {
            format!("moved to {to} after {}", counted(u64::from(*receives), "receive"))
        }
        QueueEvent::Expired { queue, .. } => format!("dropped by {queue} at the end of its retention"),
        QueueEvent::Purged { queue, .. } => format!("purged from {queue}"),
        QueueEvent::Redriven { to, as_message, .. } => format!("moved back to {to} as {as_message}"),
    }
}

fn of_move_task(event: &MoveTaskEvent) -> String {
    match event {
        MoveTaskEvent::Started { source, to_move, .. } => {
            format!("a move task begins on {source}: {} to move", counted(*to_move, "message"))
        }
        MoveTaskEvent::Refused { source } => format!("a second move task on {source} was refused"),
        MoveTaskEvent::Ended { source, status, moved, reason, .. } => {
            let reason = reason.map(|reason| format!(", {reason}")).unwrap_or_default();
            format!("the move task on {source} ended: {status}, {} moved{reason}", counted(*moved, "message"))
        }
    }
}

fn of_topic(event: &TopicEvent) -> String {
    match event {
        TopicEvent::Published { topic, subject, .. } => {
            format!("published to {topic}: {}", subject.as_deref().unwrap_or("no subject"))
        }
        TopicEvent::Mailed { to, .. } => format!("mail to {to}"),
        TopicEvent::SubscriptionDisabled { endpoint, .. } => format!("SNS stopped to mail {endpoint}"),
    }
}

fn of_function(event: &FunctionEvent, mine: &dyn Fn(&str) -> bool) -> String {
    match event {
        FunctionEvent::ContainerStarted { function, container } => {
            format!("container {container} of {function} started")
        }
        FunctionEvent::ContainerFailed { function, container, detail } => {
            format!("container {container} of {function} did not start: {detail}")
        }
        FunctionEvent::Invoked { function, container, messages, .. } => {
            let batch = counted(messages.len() as u64, "message");
            format!("{function} invoked with {batch}, container {container}")
        }
        FunctionEvent::Answered { malformed: Some(why), .. } => {
            format!("the function's answer is unreadable: {why}")
        }
        FunctionEvent::Answered { failed, .. } if failed.iter().any(|id| mine(id)) => {
            "handed back as failed".to_owned()
        }
        FunctionEvent::Answered { .. } => "reported as done".to_owned(),
        FunctionEvent::Failed { how, hops, detail, .. } => {
            let detail = detail.as_deref().map(|detail| format!(": {detail}")).unwrap_or_default();
            format!("the invocation ended by {how} after {}{detail}", counted(*hops, "hop"))
        }
        FunctionEvent::Dropped { function, why, attempts, .. } => {
            let attempts = counted(u64::from(*attempts), "attempt");
            format!("Lambda gave up an event for {function} after {attempts}: {why}")
        }
        FunctionEvent::Metrics { .. } => "metrics written".to_owned(),
    }
}

fn of_stripe(event: &StripeEvent) -> String {
    match event {
        StripeEvent::Called { operation, intent, status, said, fault, .. } => {
            let on = intent.as_deref().map(|intent| format!(" {intent}")).unwrap_or_default();
            let status = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
            let said = said.as_deref().map(|said| format!(" {said}")).unwrap_or_default();
            let fault = fault.map(|fault| format!(" ({fault})")).unwrap_or_default();
            format!("Stripe: {operation}{on}: {status}{said}{fault}")
        }
        StripeEvent::Acted { operation, intent, said, .. } => {
            let on = intent.as_deref().map(|intent| format!(" {intent}")).unwrap_or_default();
            let said = said.as_deref().map(|said| format!(": {said}")).unwrap_or_default();
            format!("Stripe, of its own accord: {operation}{on}{said}")
        }
        StripeEvent::Told { what, intent, fault, .. } => {
            let fault = fault.map(|fault| format!(" ({fault})")).unwrap_or_default();
            format!("Stripe tells: {what} {intent}{fault}")
        }
        StripeEvent::Charged { intent, charge, amount, currency, .. } => {
            format!("CHARGED {amount} {currency} (minor units): {charge} of {intent}")
        }
    }
}

fn of_table(event: &TableEvent) -> String {
    match event {
        TableEvent::LedgerWritten { state, version, .. } => format!("ledger: {state}, version {version}"),
        TableEvent::LedgerRefused { .. } => {
            "ledger: a write was refused, its condition did not hold".to_owned()
        }
        TableEvent::IncidentSaved { record, phase, .. } => {
            format!("the responder's {record} record: {phase}")
        }
    }
}

fn of_bus(event: &BusEvent) -> String {
    match event {
        BusEvent::Matched { rule, id } => format!("event {id} matched rule {rule}"),
        BusEvent::Delivered { rule, id, .. } => format!("event {id} delivered by {rule}"),
        BusEvent::Queued { rule, id, queue, .. } => format!("event {id} sent to {queue} by {rule}"),
        BusEvent::Undelivered { rule, id, why, .. } => {
            format!("event {id} could not be delivered by {rule}: {why}")
        }
    }
}
