//! Looking: at everything, at a glance, into the quarantine, for whoever asks.
//!
//! Invariant: it holds readers only, so whatever it is asked for, no payment, message, record or mail changes by it. What it
//! receives it shows again.

mod alarms;
mod everything;
mod export;
mod glance;
mod quarantine;
mod status;

pub(crate) use alarms::Alarms;
pub(crate) use glance::{Glance, Glanced, Last, Memory};
pub(crate) use quarantine::{attribute, receipt, sent_at};

use crate::error::TurnError;
use crate::provider::Provider;
use crate::topic::{Channel, Subscribers};
use crate::{queues, records, topic};
use alarms::Silenced;
use host::Clock;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What is looked at.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) ledger: ::ledger::Reader,
    pub(crate) records: records::Reader,
    pub(crate) queues: queues::Reader,
    pub(crate) provider: Arc<Provider>,
    pub(crate) alerts: topic::Reader,
    pub(crate) pages: topic::Reader,
    pub(crate) alarms: Alarms,
    pub(crate) memory: Memory,
    pub(crate) releases_per_s: u32,
    pub(crate) clock: Clock,
}

impl Look {
    /// Who reads the mails.
    pub(crate) async fn listeners(&self) -> Result<Subscribers, TurnError> {
        let listeners = self.alerts.subscribers(Channel::Mail).await?;
        if listeners.confirmed == 0 {
            tracing::warn!(unconfirmed = listeners.unconfirmed, "nobody listens: mails reach no one");
        }
        self.memory.remember_listeners(listeners.confirmed, self.clock.now());
        Ok(listeners)
    }

    /// How many of the alarms cannot speak; nothing if CloudWatch does not say, which is no reason to fail a turn that has
    /// done its work. Each is named in the log: of all that tell of it, this is what no mute rule reaches.
    pub(crate) async fn silenced_alarms(&self) -> Option<u64> {
        let silenced = match self.alarms.silenced().await {
            Ok(silenced) => silenced,
            Err(error) => {
                tracing::warn!(%error, "nobody knows whether the alarms can speak; asked again in an hour");
                self.memory.remember_no_answer_about_alarms(self.clock.now());
                return None;
            }
        };
        for Silenced { alarm, by } in &silenced {
            tracing::warn!(alarm, ?by, "an alarm is silenced: its actions do not run");
        }
        let alarms: BTreeSet<&str> = silenced.iter().map(|silenced| silenced.alarm.as_str()).collect();
        let number = alarms.len() as u64;
        self.memory.remember_silenced_alarms(number, self.clock.now());
        Some(number)
    }
}
