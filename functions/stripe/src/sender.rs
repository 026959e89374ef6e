//! What both capabilities share: one request out, one [`Reply`] back.
//!
//! Each is sent once and waits at most [`CALL_TIMEOUT_MS`](crate::limits::CALL_TIMEOUT_MS).
//! Invariant: this is no capability: it stays in this crate, and what may be sent is said by [`Reader`](crate::Reader)
//! and [`Charger`](crate::Charger).

use crate::classify::{self, Call, Failure, Seen};
use crate::envelope::word;
use crate::limits::{CALL_TIMEOUT, CALL_TIMEOUT_MS, FAILURE_CHARS_MAX, WARM_TIMEOUT, WARM_TIMEOUT_MS};
use crate::transport::{Transport, TransportError};
use crate::{ApiBase, ApiKey, Mode, request};
use bytes::Bytes;
use http::Request;
use payments::ledger::RecordedIntent;
use payments::provider::Answer;
use std::error::Error;
use std::iter::successors;
use tokio::time::timeout;
use tower::ServiceExt;

/// Sends requests. Clones share the transport and its connections.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    transport: Transport,
    pub(crate) base: ApiBase,
    pub(crate) mode: Mode,
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

impl Sender {
    pub(crate) const fn new(transport: Transport, base: ApiBase, mode: Mode) -> Self {
        Self { transport, base, mode }
    }

    pub(crate) async fn warm(&self) -> Result<(), NotWarm> {
        let answered = self.transport.clone().oneshot(request::warm(&self.base));
        timeout(WARM_TIMEOUT, answered).await.map_err(|_| NotWarm::TimedOut)??;
        Ok(())
    }

    pub(crate) async fn retrieve(&self, key: &ApiKey, intent: &RecordedIntent) -> Reply {
        let request = request::retrieve(&self.base, key, intent);
        self.answered(Call::OnIntent(intent.id()), key, request).await
    }

    pub(crate) async fn answered(&self, call: Call<'_>, key: &ApiKey, request: Request<Bytes>) -> Reply {
        let seen = self.send(key, request).await;
        reply(&seen, classify::answer(call, self.mode, &seen))
    }

    pub(crate) async fn send(&self, key: &ApiKey, request: Request<Bytes>) -> Seen {
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

pub(crate) fn reply<A>(seen: &Seen, answer: A) -> Reply<A> {
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
