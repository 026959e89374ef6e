//! The Stripe key: fetched once, fetched again when Stripe refuses it.
//!
//! Invariant: a rotated secret is picked up without a deployment, and a revoked one costs one fetch every few
//! seconds, not one for each payment.

use crate::clock::Clock;
use crate::limits::SECRET_REFETCH_MS;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::DisplayErrorContext;
use payments::UnixMs;
use stripe::ApiKey;
use tokio::sync::Mutex;

/// Keeps the key.
#[derive(Debug)]
pub(crate) struct StripeKey {
    client: Client,
    secret: String,
    clock: Clock,
    // An async mutex, so that ten payments that need the key wait for one fetch.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    key: Option<ApiKey>,
    fetched_at: Option<UnixMs>,
}

impl StripeKey {
    pub(crate) fn new(client: Client, secret: String, clock: Clock) -> Self {
        Self { client, secret, clock, state: Mutex::default() }
    }

    /// The key; `None` when it cannot be read now.
    pub(crate) async fn get(&self) -> Option<ApiKey> {
        let mut state = self.state.lock().await;
        if state.key.is_none() {
            self.fetch(&mut state).await;
        }
        state.key.clone()
    }

    /// A key other than `refused`, if the secret now holds one.
    pub(crate) async fn other_than(&self, refused: &ApiKey) -> Option<ApiKey> {
        let mut state = self.state.lock().await;
        if state.key.as_ref() == Some(refused) {
            self.fetch(&mut state).await;
        }
        state.key.clone().filter(|key| key != refused)
    }

    async fn fetch(&self, state: &mut State) {
        let now = self.clock.now();
        if state.fetched_at.is_some_and(|at| now.since_ms(at) < SECRET_REFETCH_MS) {
            return;
        }
        state.fetched_at = Some(now);
        match self.client.get_secret_value().secret_id(&self.secret).send().await {
            Ok(answer) => match ApiKey::parse(answer.secret_string().unwrap_or_default()) {
                Ok(key) => state.key = Some(key),
                Err(error) => tracing::error!(%error, "the Stripe secret holds no key"),
            },
            Err(error) => {
                tracing::error!(error = %DisplayErrorContext(error), "the Stripe secret cannot be read");
            }
        }
    }
}
