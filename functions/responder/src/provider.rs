//! Stripe, asked how it is, and about one intent.
//!
//! Invariant: nothing here creates, confirms or cancels; five questions about the balance, one about an intent, or one
//! page of intents.

use crate::limits::PROBING_MS_MAX;
use host::Clock;
use payments::Cause;
use payments::incident::Probes;
use payments::ledger::RecordedIntent;
use payments::limits::PROBES;
use payments::provider::Answer;
use std::time::Duration;
use stripe::{ApiKey, Ask, Listing, Probe, Reader, Refusable, Secret};

/// Stripe, as the responder may use it.
#[derive(Debug)]
pub(crate) struct Provider {
    reader: Reader,
    secret: Secret,
    clock: Clock,
}

impl Provider {
    pub(crate) const fn new(reader: Reader, secret: Secret, clock: Clock) -> Self {
        Self { reader, secret, clock }
    }

    /// Probes one after the other, up to the first that fails.
    pub(crate) async fn probe(&self) -> Probes {
        let all = tokio::time::timeout(Duration::from_millis(PROBING_MS_MAX), self.probe_all());
        all.await.unwrap_or(Probes::Unwell(Cause::ProviderTimeout))
    }

    async fn probe_all(&self) -> Probes {
        for _ in 0..PROBES {
            if let Probe::Unwell(cause) = self.probe_once().await {
                return Probes::Unwell(cause);
            }
        }
        Probes::Well
    }

    async fn probe_once(&self) -> Probe {
        let probe = |key| async move { self.reader.probe(&key).await.answer };
        self.asked(probe).await.unwrap_or(Probe::Unwell(Cause::SecretUnavailable))
    }

    /// Asks for a page of intents.
    pub(crate) async fn list(&self, ask: &Ask<'_>) -> Listing {
        let list = |key| async move { self.reader.list(&key, ask).await.answer };
        self.asked(list).await.unwrap_or(Listing::Failed(Cause::SecretUnavailable))
    }

    /// Looks an intent up.
    pub(crate) async fn retrieve(&self, intent: &RecordedIntent) -> Answer {
        let retrieve = |key| async move { self.reader.retrieve(&key, intent).await.answer };
        self.asked(retrieve).await.unwrap_or(Answer::NotDone { cause: Cause::SecretUnavailable })
    }

    /// What a question comes to; `None` without a key to ask it with.
    async fn asked<A: Refusable, F: Future<Output = A>>(&self, ask: impl Fn(ApiKey) -> F) -> Option<A> {
        let key = self.secret.key(self.clock.now()).await?;
        Some(self.secret.with_key(key, || self.clock.now(), ask).await.answer)
    }
}
