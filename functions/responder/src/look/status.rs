//! How things stand, for a human who asks.
//!
//! Invariant: asking changes nothing.

use super::Look;
use crate::error::TurnError;
use crate::topic::{Channel, Subscribers};
use payments::audit::Audit;
use payments::incident::{AutoRedrive, Contents, Incident, Observation, Policy, Survey};
use serde_json::{Value, json};

impl Look {
    /// Everything that was seen, the records, and whether anybody is told.
    pub(crate) async fn status(
        &self,
        seen: &Observation,
        incident: &Incident,
        audit: &Audit,
        policy: &Policy,
    ) -> Result<Value, TurnError> {
        let mail = self.alerts.subscribers(Channel::Mail).await?;
        let pager = self.pages.subscribers(Channel::Pager).await?;
        let silenced = match self.alarms.silenced().await {
            Ok(silenced) => json!(silenced),
            // Whoever asks in an incident gets the rest all the same.
            Err(error) => json!({ "error": error.to_string() }),
        };
        let asked = Asked {
            mail,
            pager,
            silenced,
            survey: self.survey(seen.now).await,
            contents: self.contents(seen).await,
        };
        Ok(answer(seen, incident, audit, policy, &asked))
    }
}

/// What is asked for nobody else.
#[derive(Debug)]
struct Asked {
    mail: Subscribers,
    pager: Subscribers,
    silenced: Value,
    survey: Survey,
    contents: Option<Contents>,
}

fn answer(seen: &Observation, incident: &Incident, audit: &Audit, policy: &Policy, asked: &Asked) -> Value {
    json!({
        "at": crate::mail::utc(seen.now),
        "queues": {
            "source": seen.source,
            "dead_letters": seen.dead_letters,
            "quarantine": seen.quarantine,
        },
        "quarantined": asked.contents,
        "move_task": seen.task,
        "oldest_unsettled": seen.oldest,
        "at_risk": asked.survey,
        "provider": seen.probes,
        "canary": seen.canary.iter().map(|verdict| format!("{verdict:?}")).collect::<Vec<_>>(),
        "email": asked.mail,
        "pager": asked.pager,
        "silenced_alarms": asked.silenced,
        "auto_redrive": match policy.auto_redrive {
            AutoRedrive::On => "on",
            AutoRedrive::Off => "off",
        },
        "redrive_cycles_max": policy.redrive_cycles_max,
        "recovery": incident.recovery,
        "quarantine_notice": incident.notice,
        "audit": audit,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use payments::UnixMs;
    use payments::incident::{Depth, MoveTask, Notice, Probes, Recovery, TaskStatus, Verdict};

    #[test]
    fn each_thing_that_was_seen_is_told_under_its_own_name() {
        let depth = |visible| Depth { visible, in_flight: visible + 1, delayed: visible + 2 };
        let subscribers =
            |confirmed| Subscribers { confirmed, unconfirmed: confirmed + 1, meaning: "so many" };
        let task = MoveTask {
            started_at: UnixMs(1_767_609_720_001),
            status: TaskStatus::Failed("NonExistentQueue".to_owned()),
            moved: 31,
        };
        let seen = Observation {
            now: UnixMs(1_767_609_720_000),
            source: depth(2),
            dead_letters: depth(5),
            quarantine: depth(8),
            task: Some(task),
            probes: Some(Probes::Well),
            canary: vec![Verdict::Settled],
            ..Observation::default()
        };
        let incident = Incident {
            recovery: Recovery { version: 37, ..Recovery::default() },
            notice: Notice { version: 41, ..Notice::default() },
        };
        let asked = Asked {
            mail: subscribers(11),
            pager: subscribers(13),
            silenced: json!(["an alarm"]),
            survey: Survey { payments: 17, ..Survey::default() },
            contents: Some(Contents { read: 19, ..Contents::default() }),
        };
        let policy = Policy { auto_redrive: AutoRedrive::Off, redrive_cycles_max: 23 };
        let told = answer(&seen, &incident, &Audit::default(), &policy, &asked);
        for (name, value) in [
            ("at", json!("2026-01-05 10:42 UTC")),
            ("canary", json!(["Settled"])),
            ("auto_redrive", json!("off")),
            ("redrive_cycles_max", json!(23)),
            ("silenced_alarms", json!(["an alarm"])),
            ("provider", json!(Probes::Well)),
            ("move_task", json!(seen.task)),
            ("recovery", json!(incident.recovery)),
            ("quarantine_notice", json!(incident.notice)),
            ("audit", json!(Audit::default())),
            ("oldest_unsettled", json!(null)),
        ] {
            assert_eq!(told[name], value, "{name}");
        }
        let queue = |visible| json!({ "visible": visible, "in_flight": visible + 1, "delayed": visible + 2 });
        let queues = json!({ "source": queue(2), "dead_letters": queue(5), "quarantine": queue(8) });
        assert_eq!(told["queues"], queues);
        let counted =
            [&told["email"]["confirmed"], &told["email"]["unconfirmed"], &told["pager"]["confirmed"]];
        assert_eq!(counted, [&json!(11), &json!(12), &json!(13)]);
        assert_eq!((&told["at_risk"]["payments"], &told["quarantined"]["read"]), (&json!(17), &json!(19)));
        let on = Policy { auto_redrive: AutoRedrive::On, ..policy };
        assert_eq!(answer(&seen, &incident, &Audit::default(), &on, &asked)["auto_redrive"], "on");
    }
}
