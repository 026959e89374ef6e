//! The secret that holds the Stripe key: fetched once, fetched again when Stripe refuses the key.
//!
//! Invariant: a rotated secret is picked up without a deployment, and a revoked one costs one fetch every few
//! seconds, not one for each payment.

use crate::ApiKey;
use crate::limits::SECRET_REFETCH_MS;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use payments::UnixMs;
use tokio::sync::Mutex;

/// Keeps the key of one container.
#[derive(Debug)]
pub struct Secret {
    client: Client,
    arn: String,
    // An async mutex, so that ten payments that need the key wait for one fetch.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    key: Option<ApiKey>,
    fetched_at: Option<UnixMs>,
}

impl Secret {
    /// The secret under `arn`, not fetched yet.
    #[must_use]
    pub fn new(client: Client, arn: String) -> Self {
        Self { client, arn, state: Mutex::default() }
    }

    /// The key; `None` when it cannot be read now.
    pub async fn key(&self, now: UnixMs) -> Option<ApiKey> {
        let mut state = self.state.lock().await;
        if state.key.is_none() {
            self.fetch(&mut state, now).await;
        }
        state.key.clone()
    }

    /// A key other than `refused`, if the secret now holds one.
    pub async fn other_than(&self, refused: &ApiKey, now: UnixMs) -> Option<ApiKey> {
        let mut state = self.state.lock().await;
        if state.key.as_ref() == Some(refused) {
            self.fetch(&mut state, now).await;
        }
        state.key.clone().filter(|key| key != refused)
    }

    async fn fetch(&self, state: &mut State, now: UnixMs) {
        if state.fetched_at.is_some_and(|at| now.since_ms(at) < SECRET_REFETCH_MS) {
            return;
        }
        state.fetched_at = Some(now);
        match self.client.get_secret_value().secret_id(&self.arn).send().await {
            Ok(answer) => match ApiKey::parse(answer.secret_string().unwrap_or_default()) {
                Ok(key) => state.key = Some(key),
                Err(error) => tracing::error!(%error, "the Stripe secret holds no key"),
            },
            Err(error) => {
                let (code, message) = (error.code(), error.message());
                tracing::error!(%error, code, message, "the Stripe secret cannot be read");
            }
        }
    }
}
