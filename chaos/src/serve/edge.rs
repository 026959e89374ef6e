//! One connection: HTTP on one side, the wire on the other.
//!
//! Invariant: a reset is a reset of the connection, a body cut short ends before its `Content-Length`, and a silent
//! Stripe writes nothing.

use super::control;
use crate::clock::Clock;
use crate::faults::Faults;
use crate::link::Link;
use crate::stripe::{Announced, Provider};
use ::stripe::TransportError;
use axum::Router;
use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::Sleep;
use tower::ServiceExt;

/// Longest request, bytes: far above what the API's parameters can hold.
const REQUEST_BYTES_MAX: usize = 1 << 20;

/// How long the beginning of a body has to leave before its connection is closed.
const CUT_AFTER: Duration = Duration::from_millis(20);

/// Where calls arrive.
pub(super) struct Edge {
    provider: Provider,
    control: Router,
}

/// Whoever calls from outside is no invocation.
const CALLER: &str = "http";

impl Edge {
    pub(super) fn new(provider: Provider, faults: Faults, clock: Clock) -> Self {
        let control = control::router(provider.clone(), faults, clock);
        Self { provider, control }
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, Reset> {
        if request.uri().path().starts_with(control::BELOW) {
            return match self.control.clone().oneshot(request.map(Body::new)).await {
                Ok(response) => Ok(response),
                Err(never) => match never {},
            };
        }
        let (mut head, body) = request.into_parts();
        let Ok(body) = Limited::new(body, REQUEST_BYTES_MAX).collect().await else {
            return Ok(too_long());
        };
        bear(&mut head.headers);
        let wire = self.provider.connect(Link::default(), Arc::new(|| CALLER.to_owned()));
        let response = wire.oneshot(Request::from_parts(head, body.to_bytes())).await?;
        Ok(framed(response))
    }
}

/// Serves one connection until either side ends it.
pub(super) async fn connection(stream: TcpStream, edge: Arc<Edge>) {
    let Ok((stream, twin)) = doubled(stream) else { return };
    let service = service_fn(move |request| {
        let edge = edge.clone();
        async move { edge.answer(request).await }
    });
    let ended = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    let is_reset = ended.is_err_and(|error| error.source().is_some_and(|source| source.is::<Reset>()));
    if is_reset {
        // With nothing to linger for, closing the last handle resets the connection instead of ending it politely.
        let _ = SockRef::from(&twin).set_linger(Some(Duration::ZERO));
    }
}

/// The stream, and a second handle on its socket.
fn doubled(stream: TcpStream) -> std::io::Result<(TcpStream, std::net::TcpStream)> {
    stream.set_nodelay(true)?;
    let stream = stream.into_std()?;
    let twin = stream.try_clone()?;
    Ok((TcpStream::from_std(stream)?, twin))
}

/// The connection is to be reset.
#[derive(Debug, thiserror::Error)]
#[error("the connection is reset")]
struct Reset;

impl From<TransportError> for Reset {
    fn from(_: TransportError) -> Self {
        Self
    }
}

/// Stripe takes its key as a bearer or, as its documentation's `curl -u` sends it, as the name of a basic login.
fn bear(headers: &mut HeaderMap) {
    let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let login = sent.and_then(|value| value.strip_prefix("Basic "));
    let login = login.and_then(|login| String::from_utf8(STANDARD.decode(login).ok()?).ok());
    let key = login.as_deref().and_then(|login| login.split(':').next());
    if let Some(bearer) = key.and_then(|key| HeaderValue::from_str(&format!("Bearer {key}")).ok()) {
        headers.insert(header::AUTHORIZATION, bearer);
    }
}

fn too_long() -> Response<Body> {
    let mut response =
        Response::new(Body::from(format!("a request has at most {REQUEST_BYTES_MAX} bytes\n")));
    *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
    response
}

/// An answer as it goes out: whole, or with a head that promises more than comes.
fn framed(mut response: Response<Bytes>) -> Response<Body> {
    let Some(Announced(length)) = response.extensions_mut().remove() else {
        return response.map(Body::from);
    };
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    response.map(|kept| Body::new(CutShort { kept: Some(kept), pause: None }))
}

/// A body that breaks off.
struct CutShort {
    kept: Option<Bytes>,
    pause: Option<Pin<Box<Sleep>>>,
}

impl hyper::body::Body for CutShort {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Some(kept) = self.kept.take().filter(|kept| !kept.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(kept))));
        }
        let pause = self.pause.get_or_insert_with(|| Box::pin(tokio::time::sleep(CUT_AFTER)));
        ready!(pause.as_mut().poll(context));
        Poll::Ready(Some(Err(std::io::Error::other("the body is cut short"))))
    }
}
