//! A served Stripe's controls from another process, for `cargo chaos fault`.
//!
//! Invariant: one request, one answer; what the server refuses is told in its own line.

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::time::Duration;

/// Longest that a server on this machine may take, far above what it needs.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// A Stripe served on a port of this machine.
#[derive(Clone, Copy, Debug)]
pub struct Remote {
    /// Its port.
    pub port: u16,
}

/// Why it did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// Nobody answers, or nobody who speaks like it.
    #[error(
        "no fake Stripe answers on 127.0.0.1:{port} ({why}); accepted: the port of a running `cargo chaos stripe`"
    )]
    Absent {
        /// Which port.
        port: u16,
        /// What went wrong.
        why: String,
    },
    /// It refused.
    #[error("{0}")]
    Refused(String),
}

impl Remote {
    /// Sends one request to a path below `/chaos/`.
    ///
    /// # Errors
    /// When nobody answers, or what was asked is refused.
    pub fn ask(self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, RemoteError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| self.absent(error))?;
        let call = async { tokio::time::timeout(ANSWER_WITHIN, self.call(method, path, body)).await };
        runtime.block_on(call).map_err(|error| self.absent(error))?
    }

    async fn call(self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, RemoteError> {
        let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        let request = Request::builder()
            .method(method)
            .uri(format!("http://127.0.0.1:{}{path}", self.port))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::from(body.map(Value::to_string).unwrap_or_default()));
        let request = request.map_err(|error| self.absent(error))?;
        let (head, body) = client.request(request).await.map_err(|error| self.absent(error))?.into_parts();
        let body = body.collect().await.map_err(|error| self.absent(error))?.to_bytes();
        let said: Value = serde_json::from_slice(&body).map_err(|error| self.absent(error))?;
        if head.status.is_success() {
            return Ok(said);
        }
        let line = said["error"]["message"].as_str().map(str::to_owned);
        Err(RemoteError::Refused(line.unwrap_or_else(|| format!("the server answers {}", head.status))))
    }

    fn absent(self, error: impl std::fmt::Display) -> RemoteError {
        RemoteError::Absent { port: self.port, why: error.to_string() }
    }
}
