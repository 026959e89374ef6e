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
use stripe::{ApiKey, Ask, Listing, Probe, Reader, Secret};

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
        let Some(mut key) = self.secret.key(self.clock.now()).await else {
            return Probes::Unwell(Cause::SecretUnavailable);
        };
        for _ in 0..PROBES {
            if let Probe::Unwell(cause) = self.probe_once(&mut key).await {
                return Probes::Unwell(cause);
            }
        }
        Probes::Well
    }

    async fn probe_once(&self, key: &mut ApiKey) -> Probe {
        let probe = self.reader.probe(key).await.answer;
        if !matches!(probe, Probe::Unwell(cause) if cause.is_refusal_of_credentials()) {
            return probe;
        }
        // The secret may have been rotated under us: once more with the new key, if there is one.
        match self.secret.other_than(key, self.clock.now()).await {
            Some(other) => {
                *key = other;
                self.reader.probe(key).await.answer
            }
            None => probe,
        }
    }

    /// Asks for a page of intents.
    pub(crate) async fn list(&self, ask: &Ask<'_>) -> Listing {
        let Some(key) = self.secret.key(self.clock.now()).await else {
            return Listing::Failed(Cause::SecretUnavailable);
        };
        let listing = self.reader.list(&key, ask).await.answer;
        if !matches!(listing, Listing::Failed(cause) if cause.is_refusal_of_credentials()) {
            return listing;
        }
        match self.secret.other_than(&key, self.clock.now()).await {
            Some(other) => self.reader.list(&other, ask).await.answer,
            None => listing,
        }
    }

    /// Looks an intent up.
    pub(crate) async fn retrieve(&self, intent: &RecordedIntent) -> Answer {
        let not_done = |cause| Answer::NotDone { cause };
        let Some(key) = self.secret.key(self.clock.now()).await else {
            return not_done(Cause::SecretUnavailable);
        };
        let answer = self.reader.retrieve(&key, intent).await.answer;
        if !matches!(answer, Answer::NotDone { cause } if cause.is_refusal_of_credentials()) {
            return answer;
        }
        match self.secret.other_than(&key, self.clock.now()).await {
            Some(other) => self.reader.retrieve(&other, intent).await.answer,
            None => answer,
        }
    }
}
