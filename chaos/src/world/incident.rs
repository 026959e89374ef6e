//! How an incident stands, as whoever waits for its end sees it.
//!
//! Invariant: an incident is over only when everybody was told so: its records, its mails and its alarms agree.

use super::Deployed;
use super::play::Left;
use crate::cloud::dynamodb::AttributeValue;
use crate::cloud::services::Services;
use crate::journal::StateValue;
use crate::records::{self, Notice, NoticePhase, Phase, Recovery, Unreadable};
use payments::UnixMs;
use serde::de::DeserializeOwned;

/// Alarms that dead letters keep in ALARM.
const OF_DEAD_LETTERS: [&str; 2] = ["DeadLettersWaiting", "PaymentsDelayed"];

/// Alarms that stay as they are while nobody calls Stripe: once nothing waits, that is until the next payment.
const OF_CALLS: [&str; 2] = ["ProviderFailing", "CredentialsRefused"];

/// The escalation by which a redrive is left to humans.
const REDRIVE_IS_YOURS: &str = "redrive_is_yours";

/// Who starts a redrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Redrives {
    ByItself,
    ByCommand,
}

/// What is still to come, if anything is. Without a responder nothing ever does.
///
/// A run asks every few seconds, so what costs least is asked first, and the records last.
pub(super) fn left(deployed: &Deployed, services: &Services, now: UnixMs) -> Option<Left> {
    let table = deployed.names.incidents.as_ref()?;
    let depth = |queue: &str| services.sqs().depth(queue, now).map_or(0, |depth| depth.total());
    let (dead_letters, quarantined) =
        (depth(&deployed.names.dead_letters), depth(&deployed.names.quarantine));
    let has_given_up = || {
        let mut queues = deployed.stack.pipes.values().filter_map(|pipe| pipe.dead_letter_queue.as_deref());
        queues.any(|queue| depth(queue) > 0)
    };
    let redrives = if deployed.redrives_by_itself() { Redrives::ByItself } else { Redrives::ByCommand };
    if dead_letters > 0 && redrives == Redrives::ByItself {
        return Some(Left::DeadLetters);
    }
    // What is in the queues keeps these in ALARM; they do not go back by themselves.
    let stays = |alarm: &str| {
        let is_one_of = |names: &[&str]| names.iter().any(|name| alarm.ends_with(name));
        let of_what_stays = is_one_of(&OF_DEAD_LETTERS) || is_one_of(&OF_CALLS);
        (quarantined > 0 && alarm.ends_with("QuarantineNotEmpty"))
            || (alarm.ends_with("OutcomesUndelivered") && has_given_up())
            || (is_one_of(&OF_CALLS) && services.cloudwatch().hears_nothing(alarm, now))
            || (dead_letters > 0 && redrives == Redrives::ByCommand && of_what_stays)
    };
    let sounds = |alarm: &str| {
        services.cloudwatch().state(alarm).is_some_and(|state| state.value == StateValue::Alarm)
    };
    let mut alarms = deployed.stack.alarms.values().map(|alarm| alarm.name.as_str());
    if let Some(alarm) = alarms.find(|alarm| !stays(alarm) && sounds(alarm)) {
        return Some(Left::Alarm(alarm.to_owned()));
    }
    // One that cannot be read is nothing that is over.
    let is_recovered = record::<Recovery>(services, table, "recovery").is_ok_and(|recovery| {
        let Some(recovery) = recovery else { return dead_letters == 0 };
        let is_left_to_humans = redrives == Redrives::ByCommand
            && recovery.phase == Phase::Waiting
            && recovery.outbox.is_empty()
            && recovery.history.escalations.contains(REDRIVE_IS_YOURS);
        is_left_to_humans || (dead_letters == 0 && recovery.is_quiet())
    });
    let is_noticed =
        || record(services, table, "quarantine").is_ok_and(|notice| is_noticed(notice, quarantined));
    if !is_recovered {
        Some(Left::Recovery)
    } else if !is_noticed() {
        Some(Left::Notice)
    } else {
        None
    }
}

fn is_noticed(notice: Option<Notice>, quarantined: usize) -> bool {
    let Some(notice) = notice else { return quarantined == 0 };
    let noticed = match notice.phase {
        NoticePhase::Clear => quarantined == 0,
        NoticePhase::Open => quarantined > 0,
    };
    noticed && notice.outbox.is_empty()
}

/// A record as it was last saved; nothing before that.
pub(super) fn record<R: DeserializeOwned>(
    services: &Services,
    table: &str,
    name: &str,
) -> Result<Option<R>, Unreadable> {
    let items = services.dynamodb().items(table).unwrap_or_default();
    let is_named =
        |value: Option<&AttributeValue>| matches!(value, Some(AttributeValue::S(text)) if text == name);
    let item = items.into_iter().find(|item| is_named(item.get("record")));
    match item.and_then(|mut item| item.remove("body")) {
        Some(AttributeValue::S(body)) => records::read(&body).map(Some),
        _ => Ok(None),
    }
}
