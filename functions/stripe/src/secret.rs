//! The secret that holds the Stripe key: fetched once, fetched again when Stripe refuses the key.
//!
//! Invariant: a rotated secret is picked up without a deployment, and a revoked one costs one fetch every few
//! seconds, not one for each payment.

use crate::limits::SECRET_REFETCH_MS;
use crate::{ApiKey, Listing, Probe, Reply};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use payments::UnixMs;
use payments::provider::Answer;
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

/// What a call came to, with as many keys as it took.
#[derive(Clone, Debug)]
pub struct Tried<A> {
    /// The refusal of the first key, if there was another one to try.
    pub refused: Option<A>,
    /// The answer that counts.
    pub answer: A,
}

/// An answer in which Stripe may say that it does not take the key.
pub trait Refusable {
    /// Whether it says so.
    fn is_refusal_of_credentials(&self) -> bool;
}

impl Refusable for Answer {
    fn is_refusal_of_credentials(&self) -> bool {
        matches!(self, Self::NotDone { cause } if cause.is_refusal_of_credentials())
    }
}

impl<A: Refusable> Refusable for Reply<A> {
    fn is_refusal_of_credentials(&self) -> bool {
        self.answer.is_refusal_of_credentials()
    }
}

impl Refusable for Probe {
    fn is_refusal_of_credentials(&self) -> bool {
        matches!(self, Self::Unwell(cause) if cause.is_refusal_of_credentials())
    }
}

impl Refusable for Listing {
    fn is_refusal_of_credentials(&self) -> bool {
        matches!(self, Self::Failed(cause) if cause.is_refusal_of_credentials())
    }
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

    /// Makes `call` with `key`, and once more with another one, if Stripe refuses it and the secret holds one by now: it may
    /// have been rotated under us.
    pub async fn with_key<A: Refusable, F: Future<Output = A>>(
        &self,
        key: ApiKey,
        now: impl Fn() -> UnixMs,
        call: impl Fn(ApiKey) -> F,
    ) -> Tried<A> {
        let answer = call(key.clone()).await;
        if !answer.is_refusal_of_credentials() {
            return Tried { refused: None, answer };
        }
        match self.other_than(&key, now()).await {
            Some(other) => Tried { refused: Some(answer), answer: call(other).await },
            None => Tried { refused: None, answer },
        }
    }

    async fn other_than(&self, refused: &ApiKey, now: UnixMs) -> Option<ApiKey> {
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
