//! The calls.
//!
//! Each is sent once, waits at most [`CALL_TIMEOUT_MS`](crate::limits::CALL_TIMEOUT_MS), and comes back as a [`Reply`].
//! Invariant: only an intent that was read back from the ledger can be confirmed; the types see to it.

use crate::classify::{self, Call, Failure, Seen};
use crate::envelope::word;
use crate::limits::{CALL_TIMEOUT, CALL_TIMEOUT_MS, FAILURE_CHARS_MAX, WARM_TIMEOUT, WARM_TIMEOUT_MS};
use crate::list::{self, Ask, Listing};
use crate::transport::{Transport, TransportError};
use crate::{ApiBase, ApiKey, Mode, request};
use bytes::Bytes;
use http::Request;
use payments::Cause;
use payments::charge::Method;
use payments::ledger::RecordedIntent;
use payments::provider::Answer;
use payments::request::Request as Frozen;
use std::error::Error;
use std::iter::successors;
use tokio::time::timeout;
use tower::ServiceExt;

/// Speaks to Stripe. Clones share the transport and its connections.
#[derive(Clone, Debug)]
pub struct Client {
    transport: Transport,
    base: ApiBase,
    mode: Mode,
}

/// What a call came to, and what of it belongs in a log line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply<A = Answer> {
    /// What it means.
    pub answer: A,
    /// HTTP status, if anything was answered.
    pub status: Option<u16>,
    /// `Retry-After`, seconds, on whatever answer it came.
    pub retry_after_s: Option<u32>,
    /// `Request-Id` (`req_…`), under which Stripe's support finds the call.
    pub request_id: Option<String>,
    /// Why nothing was answered, for people.
    pub failure: Option<String>,
}

/// What a probe says about Stripe, as this account meets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// It answers, and takes our key.
    Well,
    /// It does not, and why. [`Cause::is_provider_failure`] and [`Cause::CredentialsRefused`] say whose outage
    /// it is.
    Unwell(Cause),
}

/// Why no connection is waiting after a warm-up. Nothing depends on one.
#[derive(Debug, thiserror::Error)]
pub enum NotWarm {
    /// Stripe is slow, or the way to it is blocked.
    #[error("Stripe did not answer the warm-up within {WARM_TIMEOUT_MS} ms")]
    TimedOut,
    /// The connection failed.
    #[error("the warm-up of the connection to Stripe failed")]
    Transport(#[from] TransportError),
}

impl Client {
    /// A client that sends through `transport` to `base`, and expects to be in `mode`.
    #[must_use]
    pub const fn new(transport: Transport, base: ApiBase, mode: Mode) -> Self {
        Self { transport, base, mode }
    }

    /// Opens a connection without doing anything, so that the first payment does not wait for a TLS handshake.
    /// Whatever Stripe answers will do.
    ///
    /// # Errors
    /// [`NotWarm`]: worth a line in the log, and no reason not to start.
    pub async fn warm(&self) -> Result<(), NotWarm> {
        let answered = self.transport.clone().oneshot(request::warm(&self.base));
        timeout(WARM_TIMEOUT, answered).await.map_err(|_| NotWarm::TimedOut)??;
        Ok(())
    }

    /// Makes an intent, unconfirmed, in the words and under the key of its ledger row.
    ///
    /// # Panics
    /// When the row's version or `idempotency_key` cannot stand in a header: both are ours, so that would be a bug.
    pub async fn create(&self, key: &ApiKey, frozen: &Frozen, idempotency_key: &str) -> Reply {
        let request = request::create(&self.base, key, frozen, idempotency_key);
        self.answered(Call::Create, key, request).await
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
        let request = request::confirm(&self.base, key, intent, method, frozen);
        self.answered(Call::OnIntent(intent.id()), key, request).await
    }

    /// Looks an intent up.
    pub async fn retrieve(&self, key: &ApiKey, intent: &RecordedIntent) -> Reply {
        let request = request::retrieve(&self.base, key, intent);
        self.answered(Call::OnIntent(intent.id()), key, request).await
    }

    /// Cancels an intent, so that it can never charge.
    pub async fn cancel(&self, key: &ApiKey, intent: &RecordedIntent) -> Reply {
        let request = request::cancel(&self.base, key, intent);
        self.answered(Call::OnIntent(intent.id()), key, request).await
    }

    /// Asks how Stripe is: reads the account's balance. A restricted key needs permission to.
    pub async fn probe(&self, key: &ApiKey) -> Reply<Probe> {
        let seen = self.send(key, request::probe(&self.base, key)).await;
        reply(&seen, classify::probe(self.mode, &seen))
    }

    /// Asks for a page of the account's intents.
    pub async fn list(&self, key: &ApiKey, ask: &Ask<'_>) -> Reply<Listing> {
        let seen = self.send(key, request::list(&self.base, key, ask)).await;
        reply(&seen, list::listing(self.mode, &seen))
    }

    async fn answered(&self, call: Call<'_>, key: &ApiKey, request: Request<Bytes>) -> Reply {
        let seen = self.send(key, request).await;
        reply(&seen, classify::answer(call, self.mode, &seen))
    }

    async fn send(&self, key: &ApiKey, request: Request<Bytes>) -> Seen {
        if key.contradicts(self.mode) {
            return Err(Failure::Unsent);
        }
        match timeout(CALL_TIMEOUT, self.transport.clone().oneshot(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(Failure::Transport(error)),
            Err(_) => Err(Failure::TimedOut),
        }
    }
}

fn reply<A>(seen: &Seen, answer: A) -> Reply<A> {
    let response = seen.as_ref().ok();
    let request_id = response.and_then(|response| response.headers().get("request-id")?.to_str().ok());
    Reply {
        answer,
        status: response.map(|response| response.status().as_u16()),
        retry_after_s: response.and_then(|response| classify::retry_after_s(response.headers())),
        request_id: request_id.map(word),
        failure: seen.as_ref().err().map(describe),
    }
}

/// The whole chain of errors: what says why a handshake failed is at its end.
fn describe(failure: &Failure) -> String {
    let error = match failure {
        Failure::TimedOut => return format!("no answer within {CALL_TIMEOUT_MS} ms"),
        Failure::Unsent => return "the key in the secret is of the other mode; nothing was sent".to_owned(),
        Failure::Transport(error) => error,
    };
    let chain: Vec<String> =
        successors(Some(error as &dyn Error), |error| (*error).source()).map(ToString::to_string).collect();
    chain.join(": ").chars().take(FAILURE_CHARS_MAX).collect()
}
