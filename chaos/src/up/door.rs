//! A container's only doors: the Runtime API and AWS behind one port of its own, Stripe behind another.
//!
//! So whoever calls is known by where it calls: AWS holds it to its role, Stripe's calls are journaled under its
//! invocation, and a link that is cut cuts all of it.
//! Invariant: what enters here is of this container, and nothing of it gets past its link.

use super::runtime::{self, RuntimeApi};
use crate::cloud::container::Container;
use crate::cloud::reply::Reply;
use crate::cloud::wire::rpc_target;
use crate::serve::edge;
use crate::serve::said::{said, too_long, whole};
use crate::serve::socket::Reset;
use crate::stripe::Provider;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use std::str::FromStr;
use std::sync::Arc;

/// Largest request, bytes: above what any service or the Runtime API takes.
pub(super) const REQUEST_BYTES_MAX: usize = 16 << 20;

/// The header that names service and operation in AWS's JSON protocols.
pub(super) const TARGET: &str = "x-amz-target";

/// Whatever a container may call of AWS, and what calls it.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) container: Container,
    pub(super) runtime: Arc<RuntimeApi>,
}

impl Door {
    pub(super) async fn answer(self, request: Request<Incoming>) -> Result<Response<Body>, Reset> {
        match Arrived::at(&self.runtime, request).await {
            Arrived::Answered(response) => Ok(response),
            Arrived::Call { target, body } => {
                let reply = self.container.wire.carry(target.as_deref(), &body).await.map_err(|_| Reset)?;
                Ok(response(reply))
            }
        }
    }
}

/// What arrives at a function's door.
pub(crate) enum Arrived {
    /// Its Runtime API has answered, or it was too long.
    Answered(Response<Body>),
    /// A call to AWS.
    Call {
        /// Service and operation.
        target: Option<String>,
        body: Bytes,
    },
}

impl Arrived {
    pub(crate) async fn at(runtime: &RuntimeApi, request: Request<Incoming>) -> Self {
        let (head, body) = request.into_parts();
        let Some(body) = whole(body, REQUEST_BYTES_MAX).await else {
            return Self::Answered(too_long(REQUEST_BYTES_MAX));
        };
        let path = head.uri.path();
        if path.starts_with(runtime::BELOW) {
            return Self::Answered(runtime.answer(&head.method, path, body).await);
        }
        let target = head.headers.get(TARGET).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Self::Call { target: target.or_else(|| rpc_target(path)), body }
    }
}

/// The way of a container to Stripe.
#[derive(Clone)]
pub(super) struct StripeDoor {
    pub(super) container: Container,
    pub(super) stripe: Provider,
}

impl StripeDoor {
    pub(super) async fn answer(self, request: Request<Incoming>) -> Result<Response<Body>, Reset> {
        let Container { link, request: current, .. } = self.container;
        let caller = Arc::new(move || current.get().to_string());
        edge::carry(self.stripe.connect(link, caller), request).await
    }
}

/// A service's reply as it goes out.
pub(crate) fn response(reply: Reply) -> Response<Body> {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = said(status, reply.content_type, reply.body.into());
    let headers = response.headers_mut();
    for (name, value) in reply.headers {
        // What a header cannot carry is left out: the body says it, too.
        if let (Ok(name), Ok(value)) = (HeaderName::from_str(name), HeaderValue::from_str(&value)) {
            headers.insert(name, value);
        }
    }
    response
}
