//! A served Stripe's controls from another process, for `cargo chaos fault`.
//!
//! Invariant: one request, one answer; what the server refuses is told in its own line.

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::time::Duration;

/// Longest that a server on this machine may take, far above what it needs.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// How often one is asked that is busy: a deployed one serves one call at a time, and Lambda throttles the others.
const TRIES: u32 = 20;
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(500);

/// A Stripe that is served somewhere.
#[derive(Clone, Debug)]
pub struct Remote {
    base: String,
    /// Its key, where the controls are behind one: a deployed one's are.
    key: Option<String>,
    accepted: &'static str,
}

/// Why it did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// Nobody answers, or nobody who speaks like it.
    #[error("no fake Stripe answers on {at} ({why}); accepted: {accepted}")]
    Absent {
        /// Where.
        at: String,
        /// What went wrong.
        why: String,
        /// Where one would.
        accepted: &'static str,
    },
    /// It was busy, however often it was asked.
    #[error("the fake Stripe is busy (429), also after ten seconds; accepted: one that fewer call")]
    Busy,
    /// It refused.
    #[error("{0}")]
    Refused(String),
}

impl Remote {
    /// One on a port of this machine.
    #[must_use]
    pub fn on(port: u16) -> Self {
        let accepted = "the port of a running `cargo chaos stripe`";
        Self { base: format!("http://127.0.0.1:{port}"), key: None, accepted }
    }

    /// One at an address, `http://HOST:PORT` or `https://HOST`, whose controls may be behind a key.
    #[must_use]
    pub fn at(base: &str, key: Option<&str>) -> Self {
        let accepted = "the address of a running `cargo chaos stripe`, http://HOST:PORT, or of a deployed one, https://HOST with --stripe-key";
        Self { base: base.trim_end_matches('/').to_owned(), key: key.map(str::to_owned), accepted }
    }

    /// Sends one request to a path below `/chaos/`.
    ///
    /// # Errors
    /// When nobody answers, or what was asked is refused.
    pub fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, RemoteError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| self.absent(error))?;
        runtime.block_on(async {
            for _ in 1..TRIES {
                match self.once(&method, path, body).await {
                    Err(RemoteError::Busy) => tokio::time::sleep(PAUSE).await,
                    answered => return answered,
                }
            }
            self.once(&method, path, body).await
        })
    }

    async fn once(&self, method: &Method, path: &str, body: Option<&Value>) -> Result<Value, RemoteError> {
        let call = self.call(method.clone(), path, body);
        tokio::time::timeout(ANSWER_WITHIN, call).await.map_err(|error| self.absent(error))?
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, RemoteError> {
        let provider = rustls::crypto::ring::default_provider();
        let tls = HttpsConnectorBuilder::new().with_provider_and_webpki_roots(provider);
        let tls = tls.map_err(|error| self.absent(error))?.https_or_http().enable_http1().build();
        let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(tls);
        let request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let bearer = self.key.iter().map(|key| format!("Bearer {key}"));
        let request = bearer.fold(request, |request, bearer| request.header(header::AUTHORIZATION, bearer));
        let request = request.body(Full::from(body.map(Value::to_string).unwrap_or_default()));
        let request = request.map_err(|error| self.absent(error))?;
        let (head, body) = client.request(request).await.map_err(|error| self.absent(error))?.into_parts();
        let body = body.collect().await.map_err(|error| self.absent(error))?.to_bytes();
        if head.status == StatusCode::TOO_MANY_REQUESTS {
            return Err(RemoteError::Busy);
        }
        let said: Value = serde_json::from_slice(&body).map_err(|error| self.absent(error))?;
        if head.status.is_success() {
            return Ok(said);
        }
        let line = said["error"]["message"].as_str().map(str::to_owned);
        Err(RemoteError::Refused(line.unwrap_or_else(|| format!("the server answers {}", head.status))))
    }

    fn absent(&self, error: impl std::fmt::Display) -> RemoteError {
        let at = self.base.trim_start_matches("http://").to_owned();
        RemoteError::Absent { at, why: error.to_string(), accepted: self.accepted }
    }
}
