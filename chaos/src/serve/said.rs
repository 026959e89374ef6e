//! Requests as they are taken in, and answers as they are put together, wherever something is served.
//!
//! Invariant: what is refused is told in one line, always under the same name.

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};

/// What JSON is sent as.
pub(crate) const JSON: &str = "application/json";

/// All of a request's body; nothing of one that is longer than so many bytes, or breaks off.
pub(crate) async fn whole(body: Incoming, bytes_max: usize) -> Option<Bytes> {
    Limited::new(body, bytes_max).collect().await.map(|body| body.to_bytes()).ok()
}

/// The answer to a request that is longer.
pub(crate) fn too_long(bytes_max: usize) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("a request has at most {bytes_max} bytes\n")));
    *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
    response
}

/// An answer of this content type.
pub(crate) fn said(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// An answer in JSON, for people to read as well.
pub(crate) fn in_json(status: StatusCode, value: &Value) -> Response<Body> {
    said(status, JSON, format!("{value:#}\n").into())
}

/// A refusal, and why.
pub(crate) fn refused(status: StatusCode, line: &str) -> Response<Body> {
    in_json(status, &json!({ "error": { "message": line } }))
}
