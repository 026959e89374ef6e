//! How requests travel: a `tower` service, so that simulation can answer in memory.
//!
//! [`over_tls`] is the real one: HTTP/1.1 over kept connections. HTTP/2 would put a whole batch on one connection,
//! and one reset would leave ten outcomes unknown instead of one.
//! Invariant: an error says whether anything was sent; when in doubt, it was.

use crate::base::{ApiBase, Encryption};
use crate::limits::{BODY_BYTES_MAX, CONNECT_TIMEOUT, IDLE_CONNECTION, IDLE_CONNECTIONS_MAX};
use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tower::service_fn;
use tower::util::BoxCloneSyncService;

/// Sends one request and brings its answer, or says why there is none.
pub type Transport = BoxCloneSyncService<Request<Bytes>, Response<Bytes>, TransportError>;

/// Any error, as the layer below gave it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// No connection: nothing was sent.
    #[error("could not connect to Stripe")]
    Connect(#[source] BoxError),
    /// The connection broke: the call may or may not have had its effect.
    #[error("the connection to Stripe broke")]
    Broken(#[source] BoxError),
}

type Pool = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// The real transport. Opens no connection before the first call.
///
/// The root certificates are compiled in (Mozilla's set): nothing to read and parse at a cold start, and the same
/// trust on every machine. A network that replaces certificates with its own is refused by this.
///
/// # Errors
/// When the cryptography that is compiled in supports none of the TLS versions asked for: a broken build.
pub fn over_tls(base: &ApiBase) -> Result<Transport, BoxError> {
    let pool = pool(base)?;
    Ok(BoxCloneSyncService::new(service_fn(move |request| send(pool.clone(), request))))
}

fn pool(base: &ApiBase) -> Result<Pool, BoxError> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    // Head and form may be two writes; Nagle's algorithm would hold the second back.
    tcp.set_nodelay(true);
    // Named, because another crate of the binary may compile in a second provider, and then rustls cannot choose.
    let provider = rustls::crypto::ring::default_provider();
    let tls = HttpsConnectorBuilder::new().with_provider_and_webpki_roots(provider)?;
    let tls = match base.encryption() {
        Encryption::Required => tls.https_only(),
        Encryption::None => tls.https_or_http(),
    };
    // The executor drives the connections, which outlive calls. What it detaches does nothing of its own accord:
    // a request that is dropped before it is written is never written.
    //
    // A request that was never written because its kept connection turned out to be dead goes out again over
    // another one, inside the pool: that is no retry, nothing had been sent. A container that thaws needs it.
    let pool = Client::builder(TokioExecutor::new())
        .pool_idle_timeout(IDLE_CONNECTION)
        .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
        .build(tls.enable_http1().wrap_connector(tcp));
    Ok(pool)
}

async fn send(pool: Pool, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
    let sent = pool.request(request.map(Full::new)).await;
    let response = sent.map_err(|error| {
        if error.is_connect() {
            TransportError::Connect(error.into())
        } else {
            TransportError::Broken(error.into())
        }
    })?;
    let (head, body) = response.into_parts();
    let body = collect(body).await.map_err(|error| TransportError::Broken(error.into()))?;
    Ok(Response::from_parts(head, body))
}

/// Reads up to the first bytes beyond the cap; a body that long counts as unreadable, and its connection is closed.
async fn collect(mut body: Incoming) -> Result<Bytes, hyper::Error> {
    let mut bytes = BytesMut::new();
    while bytes.len() <= BODY_BYTES_MAX
        && let Some(frame) = body.frame().await
    {
        if let Ok(data) = frame?.into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes.freeze())
}
