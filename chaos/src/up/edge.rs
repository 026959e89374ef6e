//! The edge on a port: CloudFront in front of the stack, for `curl` and for browsers.
//!
//! Invariant: whoever comes is a viewer of one edge, and gets what a viewer would get; nothing here can do more than that.

use super::Answer;
use crate::cloud::cloudfront::{CloudFront, Headers, Request};
use crate::serve::said::{too_long, whole};
use axum::body::Body;
use http::HeaderName;
use hyper::body::Incoming;

/// The longest body that API Gateway takes, bytes.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
const BODY_BYTES_MAX: usize = 10 << 20;
/// The edge that everybody comes to.
const EDGE: usize = 0;

/// An edge that is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeStanding {
    /// Where it is: `http://127.0.0.1:PORT`.
    pub base: String,
    /// `Authorization` of a shop that hands in.
    pub authorization: String,
}

/// Answers viewers.
pub(super) fn answers(
    cloudfront: &CloudFront,
) -> impl Fn(http::Request<Incoming>) -> Answer + Clone + Send + 'static {
    let cloudfront = cloudfront.clone();
    move |request| {
        let cloudfront = cloudfront.clone();
        Box::pin(async move { Ok(answer(&cloudfront, request).await) })
    }
}

async fn answer(cloudfront: &CloudFront, request: http::Request<Incoming>) -> http::Response<Body> {
    let (head, body) = request.into_parts();
    let Some(body) = whole(body, BODY_BYTES_MAX).await else { return too_long(BODY_BYTES_MAX) };
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers: Headers = head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let is_head = head.method == http::Method::HEAD;
    let request = Request {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let answer = cloudfront.answer(EDGE, request).await.delivered();
    let mut response = http::Response::builder().status(answer.status);
    // How long it is, is for the socket to say.
    for (name, value) in answer.headers.iter().filter(|(name, _)| *name != "content-length") {
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
            response = response.header(name, value.as_str());
        }
    }
    let body = if is_head { String::new() } else { answer.body };
    response.body(Body::from(body)).unwrap_or_default()
}
