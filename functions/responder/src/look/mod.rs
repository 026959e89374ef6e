//! Looking: at everything, at a glance, into the quarantine, for whoever asks.
//!
//! Invariant: it holds readers only, so whatever it is asked for, no payment, message, record or mail changes by it. What it
//! receives it shows again.

mod everything;
mod export;
mod glance;
mod quarantine;
mod status;

pub(crate) use glance::{Glance, Glanced, Last, Memory};
pub(crate) use quarantine::{attribute, receipt, sent_at};

use crate::error::TurnError;
use crate::provider::Provider;
use crate::topic::{Channel, Subscribers};
use crate::{queues, records, topic};
use host::Clock;
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
}
