//! One connection: HTTP on one side, the wire on the other.
//!
//! Invariant: a reset is a reset of the connection, a body cut short ends before its `Content-Length`, and a silent
//! Stripe writes nothing.

use super::control::{self, Control};
use super::guard;
use super::said::{too_long, whole};
use super::socket::Reset;
use crate::link::Link;
use crate::stripe::{Announced, Provider, Wire};
use ::stripe::TransportError;
use axum::Router;
use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, header};
use hyper::body::{Frame, Incoming};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
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
    pub(super) fn new(provider: Provider, control: Control) -> Self {
        Self { provider, control: control.router() }
    }

    pub(super) async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, Reset> {
        if request.uri().path().starts_with(control::BELOW) {
            if let Some(foreign) = guard::refused(request.method(), request.headers()) {
                return Ok(foreign);
            }
            return match self.control.clone().oneshot(request.map(Body::new)).await {
                Ok(response) => Ok(response),
                Err(never) => match never {},
            };
        }
        carry(self.provider.connect(Link::default(), Arc::new(|| CALLER.to_owned())), request).await
    }
}

/// Carries a request to Stripe over somebody's wire.
pub(crate) async fn carry(wire: Wire, request: Request<Incoming>) -> Result<Response<Body>, Reset> {
    let (mut head, body) = request.into_parts();
    let Some(body) = whole(body, REQUEST_BYTES_MAX).await else { return Ok(too_long(REQUEST_BYTES_MAX)) };
    bear(&mut head.headers);
    let response = wire.oneshot(Request::from_parts(head, body)).await?;
    Ok(framed(response))
}

impl From<TransportError> for Reset {
    fn from(_: TransportError) -> Self {
        Self
    }
}

/// Stripe takes its key as a bearer or, as its documentation's `curl -u` sends it, as the name of a basic login.
pub(super) fn bear(headers: &mut HeaderMap) {
    let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let login = sent.and_then(|value| value.strip_prefix("Basic "));
    let login = login.and_then(|login| String::from_utf8(STANDARD.decode(login).ok()?).ok());
    let key = login.as_deref().and_then(|login| login.split(':').next());
    if let Some(bearer) = key.and_then(|key| HeaderValue::from_str(&format!("Bearer {key}")).ok()) {
        headers.insert(header::AUTHORIZATION, bearer);
    }
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
