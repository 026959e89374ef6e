//! What a service answers over HTTP, whatever carries it.
//!
//! Invariant: a reply is complete; nothing is streamed.

use serde::Serialize;

/// Content type of JSON, whatever version a client asked for: none of them looks.
const JSON: &str = "application/x-amz-json-1.0";

/// A status, a body, and the headers a client of that service reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Content type of the body.
    pub content_type: &'static str,
    /// Headers beyond the content type, lower case.
    pub headers: Vec<(&'static str, String)>,
    /// JSON, or what the content type says.
    pub body: Vec<u8>,
}

impl Reply {
    /// Status 200 with `answer` as its body.
    #[must_use]
    pub fn ok(answer: &impl Serialize) -> Self {
        Self::json(200, answer)
    }

    /// `answer` under a status of its own.
    #[must_use]
    pub fn json(status: u16, answer: &impl Serialize) -> Self {
        let body =
            serde_json::to_vec(answer).expect("answers are maps with string keys, and those serialise");
        Self::json_text(status, body)
    }

    /// A body that is JSON already.
    #[must_use]
    pub const fn json_text(status: u16, body: Vec<u8>) -> Self {
        Self { status, content_type: JSON, headers: Vec::new(), body }
    }

    /// `answer` in CBOR, of a service that speaks RPC v2.
    #[must_use]
    pub fn cbor(status: u16, answer: &impl Serialize) -> Self {
        let mut body = Vec::new();
        ciborium::into_writer(answer, &mut body).expect("a vector takes whatever is written");
        Self { status, content_type: "application/cbor", headers: Vec::new(), body }
            .with_header("smithy-protocol", "rpc-v2-cbor".to_owned())
    }

    /// A document of the query protocol.
    #[must_use]
    pub fn xml(status: u16, document: String) -> Self {
        Self { status, content_type: "text/xml", headers: Vec::new(), body: document.into_bytes() }
    }

    /// The error every AWS JSON protocol writes: a type and a message.
    #[must_use]
    pub fn error(status: u16, kind: &str, message: &str) -> Self {
        Self::json(status, &serde_json::json!({ "__type": kind, "message": message }))
    }

    /// The same reply with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}
