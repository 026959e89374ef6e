//! What may go wrong at an edge.
//!
//! Invariant: an edge knows its plan and nothing of why it is as it is; without one nothing goes wrong.

use payments::UnixMs;

/// How an origin takes a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginFate {
    /// It answers.
    Answers,
    /// It cannot be reached, or says that it failed.
    Fails,
    /// It does what it was asked, and the answer is lost: CloudFront waits until its patience is over.
    AnswerLost,
    /// No connection comes about, and nobody says so.
    Unreachable,
    /// It is connected, and nothing comes back, nor is anything done, until CloudFront's patience is over.
    Hangs,
    /// It takes no more requests.
    Throttles,
}

/// Decides what becomes of requests: where faults come in.
pub trait EdgePlan: Send + Sync {
    /// What becomes of a request for the function, by its path.
    fn of_look(&self, _path: &str, _now: UnixMs) -> OriginFate {
        OriginFate::Answers
    }

    /// What becomes of a request to the HTTP API, by the payment it names in its header.
    fn of_hand_in(&self, _payment: &str, _now: UnixMs) -> OriginFate {
        OriginFate::Answers
    }

    /// Whether a cache has made room just before it is asked for this path.
    fn evicts(&self, _path: &str, _now: UnixMs) -> bool {
        false
    }

    /// Whether functions can read the KeyValueStore for this path.
    fn reads_values(&self, _path: &str, _now: UnixMs) -> bool {
        true
    }
}
