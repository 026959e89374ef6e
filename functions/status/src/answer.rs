//! From a request to a question, and from what is known to an answer: status code, what caches may do with it, body.
//!
//! Invariant: an answer is kept for long only if it is final; one that is no news of a row, not at all or for a second.

use crate::limits::{FINAL_S, STALE_S, UNKNOWN_S, UNSETTLED_S};
use crate::page;
use crate::words::{self, UNAVAILABLE, UNKNOWN, Words};
use aws_lambda_events::event::lambda_function_urls::{LambdaFunctionUrlRequest, LambdaFunctionUrlResponse};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use payments::status::Status;
use payments::{PaymentId, UnixMs};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What is asked.
#[derive(Debug)]
pub(crate) struct Asked {
    /// About which payment.
    pub(crate) payment_id: PaymentId,
    form: Form,
    /// `If-None-Match`, as it came.
    known: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    Page,
}

/// An answer, before it is put as Lambda wants it.
#[derive(Debug)]
pub(crate) struct Answer {
    status: u16,
    cache: String,
    others: Vec<(HeaderName, String)>,
    content_type: &'static str,
    body: Option<String>,
}

impl Asked {
    /// Reads a request.
    ///
    /// # Errors
    /// The answer to one that asks for nothing we have. CloudFront lets none of these through.
    pub(crate) fn read(request: &LambdaFunctionUrlRequest) -> Result<Self, Answer> {
        let method = request.request_context.http.method.as_deref().unwrap_or_default();
        if !matches!(method, "GET" | "HEAD") {
            let others = vec![(ALLOW, "GET, HEAD".to_owned())];
            return Err(Answer { others, ..Answer::bare(405, &json!({ "error": "method not allowed" })) });
        }
        let path = request.raw_path.as_deref().unwrap_or_default();
        let asked = match path.split('/').collect::<Vec<_>>().as_slice() {
            ["", "json", id] => Some(Form::Json).zip(PaymentId::new(id)),
            ["", "page", id] => Some(Form::Page).zip(PaymentId::new(id)),
            _ => None,
        };
        let (form, payment_id) =
            asked.ok_or_else(|| Answer::bare(404, &json!({ "error": "there is nothing here" })))?;
        let known = request.headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        Ok(Self { payment_id, form, known: known.map(str::to_owned) })
    }

    /// There is a row, and this is what may be told of it.
    pub(crate) fn found(&self, status: &Status, as_of: UnixMs) -> Answer {
        let words = words::of(status.told);
        let tag = self.tag(&words, status);
        let fresh_s = if status.told.is_final() { FINAL_S } else { UNSETTLED_S };
        let cache = format!(
            "public, max-age=0, s-maxage={fresh_s}, stale-while-revalidate={STALE_S}, stale-if-error={STALE_S}"
        );
        let is_known = self.known.as_deref().is_some_and(|known| names(known, &tag));
        Answer {
            status: if is_known { 304 } else { 200 },
            cache,
            others: vec![(ETAG, tag)],
            content_type: self.form.content_type(),
            body: (!is_known).then(|| self.body(&words, status, as_of)),
        }
    }

    /// There is no row.
    pub(crate) fn unknown(&self, as_of: UnixMs) -> Answer {
        let body = match self.form {
            Form::Json => said(&UNKNOWN, as_of, json!({ "payment_id": self.payment_id.as_str() })),
            Form::Page => page::of_unknown(&UNKNOWN, &self.payment_id, as_of),
        };
        Answer {
            status: 404,
            cache: format!("public, max-age=0, s-maxage={UNKNOWN_S}"),
            others: Vec::new(),
            content_type: self.form.content_type(),
            body: Some(body),
        }
    }

    fn body(&self, words: &Words, status: &Status, as_of: UnixMs) -> String {
        match self.form {
            Form::Json => said(words, as_of, fields(status)),
            Form::Page => page::of_status(words, status, as_of),
        }
    }

    /// The row's version, and a digest of all that is said but for the time at which it was: what was set aside keeps its
    /// version, and a deployment may say the same in other words.
    fn tag(&self, words: &Words, status: &Status) -> String {
        let digest = Sha256::digest(self.body(words, status, UnixMs(0)));
        let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("\"{}-{digest}\"", status.version)
    }
}

impl Form {
    const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Page => "text/html; charset=utf-8",
        }
    }
}

impl Answer {
    /// The ledger cannot be asked. Kept by nobody: whoever asks next may be luckier, and who has an older answer gives that.
    pub(crate) fn unavailable() -> Self {
        let others = vec![(RETRY_AFTER, "1".to_owned())];
        let said =
            json!({ "state": UNAVAILABLE.state, "certain": UNAVAILABLE.certain, "to_do": UNAVAILABLE.to_do });
        Self { others, ..Self::bare(503, &said) }
    }

    fn bare(status: u16, body: &Value) -> Self {
        Self {
            status,
            cache: "no-store".to_owned(),
            others: Vec::new(),
            content_type: Form::Json.content_type(),
            body: Some(body.to_string()),
        }
    }

    /// As Lambda wants it. To a HEAD it sends no body.
    pub(crate) fn response(self) -> LambdaFunctionUrlResponse {
        let ours = [(CACHE_CONTROL, self.cache), (CONTENT_TYPE, self.content_type.to_owned())];
        let headers = ours.into_iter().chain(self.others).map(|(name, value)| {
            (name, HeaderValue::from_str(&value).expect("our headers are of our own making"))
        });
        let mut response = LambdaFunctionUrlResponse::default();
        response.status_code = i64::from(self.status);
        response.headers = HeaderMap::from_iter(headers);
        response.body = self.body;
        response
    }
}

/// What is said, beside `fields`, as JSON.
fn said(words: &Words, as_of: UnixMs, mut fields: Value) -> String {
    for (name, text) in [("state", words.state), ("certain", words.certain), ("to_do", words.to_do)] {
        fields[name] = text.into();
    }
    fields["as_of"] = time(as_of);
    fields.to_string()
}

fn fields(status: &Status) -> Value {
    json!({
        "payment_id": status.payment_id.as_str(),
        "final": status.told.is_final(),
        "amount": status.amount.get(),
        "currency": status.currency.as_str(),
        "received_at": time(status.received_at),
        "settled_at": status.settled_at.map(time),
    })
}

/// A time as RFC 3339 puts it; nothing for one beyond the calendar.
fn time(at: UnixMs) -> Value {
    Timestamp::from_millisecond(at.0).map_or(Value::Null, |time| format!("{time:.3}").into())
}

/// Whether `If-None-Match` names `tag` (RFC 9110, 13.1.2: a list of tags, weakly compared, or `*`).
fn names(known: &str, tag: &str) -> bool {
    known.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_in_what_a_cache_sends() {
        for known in ["\"7-ab\"", "W/\"7-ab\"", "\"6-ab\", W/\"7-ab\"", "*"] {
            assert!(names(known, "\"7-ab\""), "{known}");
        }
        for known in ["", "7-ab", "\"7-a\"", "\"17-ab\"", "\"7-ab"] {
            assert!(!names(known, "\"7-ab\""), "{known}");
        }
    }
}
