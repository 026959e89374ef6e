//! The capability to charge: what the consumer holds.
//!
//! Invariants: only who has [`ToCharge`] can build one; only an intent that was read back from the ledger can be
//! confirmed. The types see to both.

use crate::classify::Call;
use crate::sender::{NotWarm, Reply, Sender};
use crate::transport::Transport;
use crate::{ApiBase, ApiKey, Mode, request};
use authority::ToCharge;
use payments::charge::Method;
use payments::ledger::RecordedIntent;
use payments::request::Request as Frozen;

/// Makes, confirms and cancels intents. Clones share the transport and its connections.
#[derive(Clone, Debug)]
pub struct Charger(Sender);

impl Charger {
    /// A charger that sends through `transport` to `base`, and expects to be in `mode`.
    #[must_use]
    pub fn new(transport: Transport, base: ApiBase, mode: Mode, _: ToCharge) -> Self {
        Self(Sender::new(transport, base, mode))
    }

    /// Opens a connection without doing anything, so that the first payment does not wait for a TLS handshake.
    /// Whatever Stripe answers will do.
    ///
    /// # Errors
    /// [`NotWarm`]: worth a line in the log, and no reason not to start.
    pub async fn warm(&self) -> Result<(), NotWarm> {
        self.0.warm().await
    }

    /// Makes an intent, unconfirmed, in the words and under the key of its ledger row.
    ///
    /// # Panics
    /// When the row's version or `idempotency_key` cannot stand in a header: both are ours, so that would be a bug.
    pub async fn create(&self, key: &ApiKey, frozen: &Frozen, idempotency_key: &str) -> Reply {
        let request = request::create(&self.0.base, key, frozen, idempotency_key);
        self.0.answered(Call::Create, key, request).await
    }

    /// Confirms an intent in the words of its row: the one call that moves money.
    ///
    /// # Panics
    /// As [`create`](Self::create) does.
    pub async fn confirm(
        &self,
        key: &ApiKey,
        intent: &RecordedIntent,
        method: Method,
        frozen: &Frozen,
    ) -> Reply {
        let request = request::confirm(&self.0.base, key, intent, method, frozen);
        self.0.answered(Call::OnIntent(intent.id()), key, request).await
    }

    /// Looks an intent up.
    pub async fn retrieve(&self, key: &ApiKey, intent: &RecordedIntent) -> Reply {
        self.0.retrieve(key, intent).await
    }

    /// Cancels an intent, so that it can never charge.
    pub async fn cancel(&self, key: &ApiKey, intent: &RecordedIntent) -> Reply {
        let request = request::cancel(&self.0.base, key, intent);
        self.0.answered(Call::OnIntent(intent.id()), key, request).await
    }
}
