//! How things stand, for a human who asks.
//!
//! Invariant: asking changes nothing.

use super::Look;
use crate::error::TurnError;
use crate::topic::Channel;
use payments::audit::Audit;
use payments::incident::{AutoRedrive, Incident, Observation, Policy};
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
        let survey = self.survey(seen.now).await;
        let contents = self.contents(seen).await;
        Ok(json!({
            "at": crate::mail::utc(seen.now),
            "queues": {
                "source": seen.source,
                "dead_letters": seen.dead_letters,
                "quarantine": seen.quarantine,
            },
            "quarantined": contents,
            "move_task": seen.task,
            "oldest_unsettled": seen.oldest,
            "at_risk": survey,
            "provider": seen.probes,
            "canary": seen.canary.iter().map(|verdict| format!("{verdict:?}")).collect::<Vec<_>>(),
            "email": mail,
            "pager": pager,
            "silenced_alarms": silenced,
            "auto_redrive": match policy.auto_redrive {
                AutoRedrive::On => "on",
                AutoRedrive::Off => "off",
            },
            "redrive_cycles_max": policy.redrive_cycles_max,
            "recovery": incident.recovery,
            "quarantine_notice": incident.notice,
            "audit": audit,
        }))
    }
}
