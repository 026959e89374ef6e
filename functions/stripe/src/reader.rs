//! The capability to look: what the responder holds.
//!
//! Invariant: nothing here creates, confirms or cancels, and nothing makes a [`Charger`](crate::Charger) of it.

use crate::list::{self, Ask, Listing};
use crate::sender::{Reply, Sender, reply};
use crate::transport::Transport;
use crate::{ApiBase, ApiKey, Mode, classify, request};
use payments::Cause;
use payments::ledger::RecordedIntent;

/// Asks Stripe, and changes nothing there. Clones share the transport and its connections.
#[derive(Clone, Debug)]
pub struct Reader(Sender);

/// What a probe says about Stripe, as this account meets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// It answers, and takes our key.
    Well,
    /// It does not, and why. [`Cause::is_provider_failure`] and [`Cause::CredentialsRefused`] say whose outage
    /// it is.
    Unwell(Cause),
}

impl Reader {
    /// A reader that asks through `transport` at `base`, and expects to be in `mode`.
    #[must_use]
    pub const fn new(transport: Transport, base: ApiBase, mode: Mode) -> Self {
        Self(Sender::new(transport, base, mode))
    }

    /// Looks an intent up.
    pub async fn retrieve(&self, key: &ApiKey, intent: &RecordedIntent) -> Reply {
        self.0.retrieve(key, intent).await
    }

    /// Asks how Stripe is: reads the account's balance. A restricted key needs permission to.
    pub async fn probe(&self, key: &ApiKey) -> Reply<Probe> {
        let seen = self.0.send(key, request::probe(&self.0.base, key)).await;
        reply(&seen, classify::probe(self.0.mode, &seen))
    }

    /// Asks for a page of the account's intents.
    pub async fn list(&self, key: &ApiKey, ask: &Ask<'_>) -> Reply<Listing> {
        let seen = self.0.send(key, request::list(&self.0.base, key, ask)).await;
        reply(&seen, list::listing(self.0.mode, &seen))
    }
}
