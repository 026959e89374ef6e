//! What a service answers over HTTP, whatever carries it.
//!
//! Invariant: a reply is complete; nothing is streamed.

use serde::Serialize;

/// A status, a body of JSON, and the headers a client of that service reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers beyond the content type, lower case.
    pub headers: Vec<(&'static str, String)>,
    /// JSON.
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
        Self { status, headers: Vec::new(), body }
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
