//! One event in a few words, for a reader who follows one payment.
//!
//! Invariant: the words name what happened to the message or payment followed, not to its neighbours in the batch.

use crate::journal::Event;
use crate::units::counted;

/// The words for `event`; `mine` tells which message ids are followed.
pub(super) fn words(event: &Event, mine: &dyn Fn(&str) -> bool) -> String {
    match event {
        Event::Sent { queue, message, .. } => format!("sent to {queue} as {message}"),
        Event::Received { queue, receives, .. } => format!("received from {queue}, receive {receives}"),
        Event::VisibilityChanged { seconds, .. } => format!("hidden for {seconds} s"),
        Event::Deleted { queue, .. } => format!("acknowledged: deleted from {queue}"),
        Event::DeadLettered { to, receives, .. } => {
            format!("moved to {to} after {}", counted(u64::from(*receives), "receive"))
        }
        Event::Expired { queue, .. } => format!("dropped by {queue} at the end of its retention"),
        Event::Purged { queue, .. } => format!("purged from {queue}"),
        Event::ContainerStarted { function, container } => {
            format!("container {container} of {function} started")
        }
        Event::ContainerFailed { function, container, detail } => {
            format!("container {container} of {function} did not start: {detail}")
        }
        Event::Invoked { function, container, messages, .. } => {
            let batch = counted(messages.len() as u64, "message");
            format!("{function} invoked with {batch}, container {container}")
        }
        Event::Answered { failed, malformed: None, .. } if failed.iter().any(|id| mine(id)) => {
            "handed back as failed".to_owned()
        }
        Event::Answered { malformed: None, .. } => "reported as done".to_owned(),
        Event::Answered { malformed: Some(why), .. } => format!("the function's answer is unreadable: {why}"),
        Event::Failed { how, hops, detail, .. } => {
            let detail = detail.as_deref().map(|detail| format!(": {detail}")).unwrap_or_default();
            format!("the invocation ended by {how} after {}{detail}", counted(*hops, "hop"))
        }
        Event::StripeCalled { operation, intent, status, said, fault, .. } => {
            let on = intent.as_deref().map(|intent| format!(" {intent}")).unwrap_or_default();
            let status = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
            let said = said.as_deref().map(|said| format!(" {said}")).unwrap_or_default();
            let fault = fault.map(|fault| format!(" ({fault})")).unwrap_or_default();
            format!("Stripe: {operation}{on}: {status}{said}{fault}")
        }
        Event::StripeActed { operation, intent, said, .. } => {
            let on = intent.as_deref().map(|intent| format!(" {intent}")).unwrap_or_default();
            let said = said.as_deref().map(|said| format!(": {said}")).unwrap_or_default();
            format!("Stripe, of its own accord: {operation}{on}{said}")
        }
        Event::Charged { intent, charge, amount, currency, .. } => {
            format!("CHARGED {amount} {currency} (minor units): {charge} of {intent}")
        }
        Event::LedgerWritten { state, version, .. } => format!("ledger: {state}, version {version}"),
        Event::LedgerRefused { .. } => "ledger: a write was refused, its condition did not hold".to_owned(),
        Event::FaultFired { fault, on, .. } => format!("fault {fault}: {on}"),
        Event::AlarmChanged { alarm, from, to, .. } => format!("alarm {alarm}: {from} -> {to}"),
        Event::EventMatched { rule, id } => format!("event {id} matched rule {rule}"),
        Event::EventDelivered { rule, id, .. } => format!("event {id} delivered by {rule}"),
        Event::EventUndelivered { rule, id, why, .. } => {
            format!("event {id} could not be delivered by {rule}: {why}")
        }
        Event::InvocationDropped { function, why, attempts, .. } => {
            let attempts = counted(u64::from(*attempts), "attempt");
            format!("Lambda gave up an event for {function} after {attempts}: {why}")
        }
        Event::IncidentSaved { record, phase, .. } => format!("the responder's {record} record: {phase}"),
        Event::MoveTaskStarted { source, to_move, .. } => {
            format!("a move task begins on {source}: {} to move", counted(*to_move, "message"))
        }
        Event::MoveTaskRefused { source } => format!("a second move task on {source} was refused"),
        Event::Redriven { to, as_message, .. } => format!("moved back to {to} as {as_message}"),
        Event::MoveTaskEnded { source, status, moved, reason, .. } => {
            let reason = reason.map(|reason| format!(", {reason}")).unwrap_or_default();
            format!("the move task on {source} ended: {status}, {} moved{reason}", counted(*moved, "message"))
        }
        Event::Published { topic, subject, .. } => {
            format!("published to {topic}: {}", subject.as_deref().unwrap_or("no subject"))
        }
        Event::Mailed { to, .. } => format!("mail to {to}"),
        Event::SubscriptionDisabled { endpoint, .. } => format!("SNS stopped to mail {endpoint}"),
        Event::AccessDenied { who, action, resource } => format!("{who} may not {action} on {resource}"),
        Event::Metrics { .. } => "metrics written".to_owned(),
    }
}
