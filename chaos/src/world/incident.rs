//! How an incident stands, as whoever waits for its end sees it.
//!
//! Invariant: an incident is over only when everybody was told so: its records, its mails and its alarms agree.

use super::Deployed;
use crate::cloud::cloudwatch::StateValue;
use crate::cloud::dynamodb::AttributeValue;
use crate::cloud::services::Services;
use payments::UnixMs;
use payments::incident::{Escalation, Notice, NoticePhase, Phase, Recovery};
use serde::de::DeserializeOwned;

/// What there is of an incident.
#[derive(Clone, Debug, Default)]
pub(super) struct Standing {
    responder: Option<Recorded>,
    dead_letters: usize,
    quarantined: usize,
    /// Alarms in ALARM that will not go back by themselves, given what is in the queues, left out.
    alarms: usize,
}

#[derive(Clone, Debug)]
struct Recorded {
    recovery: Recovery,
    notice: Notice,
    redrives: Redrives,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Redrives {
    ByItself,
    ByCommand,
}

impl Standing {
    pub(super) fn of(deployed: &Deployed, services: &Services, now: UnixMs) -> Self {
        let depth = |queue: &str| services.sqs().depth(queue, now).map_or(0, |depth| depth.total());
        let (dead_letters, quarantined) =
            (depth(&deployed.names.dead_letters), depth(&deployed.names.quarantine));
        let redrives = if deployed.redrives_by_itself() { Redrives::ByItself } else { Redrives::ByCommand };
        let responder = deployed.names.incidents.as_ref().map(|table| {
            let (recovery, notice) =
                (record(services, table, "recovery"), record(services, table, "quarantine"));
            Recorded { recovery, notice, redrives }
        });
        let stays = |alarm: &str| {
            let of_what_stays = alarm.ends_with("DeadLettersWaiting") || alarm.ends_with("PaymentsDelayed");
            (quarantined > 0 && alarm.ends_with("QuarantineNotEmpty"))
                || (dead_letters > 0 && redrives == Redrives::ByCommand && of_what_stays)
        };
        let cloudwatch = services.cloudwatch();
        let alarms = deployed.stack.alarms.values().map(|alarm| alarm.name.as_str());
        let sounding = alarms.filter(|alarm| {
            !stays(alarm) && cloudwatch.state(alarm).is_some_and(|state| state.value == StateValue::Alarm)
        });
        Self { responder, dead_letters, quarantined, alarms: sounding.count() }
    }

    /// Whether nothing more is to come. Without a responder nothing ever does.
    pub(super) fn is_over(&self) -> bool {
        let Some(Recorded { recovery, notice, redrives }) = &self.responder else { return true };
        let recovered = self.dead_letters == 0 && recovery.is_quiet();
        let left_to_humans = *redrives == Redrives::ByCommand
            && matches!(recovery.phase, Phase::Waiting { .. })
            && recovery.outbox.is_empty()
            && recovery.history.escalations.contains(&Escalation::RedriveIsYours);
        let noticed = match notice.phase {
            NoticePhase::Clear => self.quarantined == 0,
            NoticePhase::Open { .. } => self.quarantined > 0,
        };
        (recovered || left_to_humans) && noticed && notice.outbox.is_empty() && self.alarms == 0
    }
}

/// A record as it was last saved; the default one before that. One that cannot be read is the responder's trouble, and
/// shows in its failures.
fn record<R: Default + DeserializeOwned>(services: &Services, table: &str, name: &str) -> R {
    let items = services.dynamodb().items(table).unwrap_or_default();
    let is_named =
        |value: Option<&AttributeValue>| matches!(value, Some(AttributeValue::S(text)) if text == name);
    let item = items.into_iter().find(|item| is_named(item.get("record")));
    let body = item.and_then(|mut item| match item.remove("body") {
        Some(AttributeValue::S(body)) => serde_json::from_str(&body).ok(),
        _ => None,
    });
    body.unwrap_or_default()
}
