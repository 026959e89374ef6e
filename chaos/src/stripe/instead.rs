//! Answers given in place of executing a request: by Stripe's edge, its limiters, a lock, or a proxy before it all.
//!
//! Invariant: nothing has been executed and nothing is stored, so the same request may be sent again.

use super::answer::Answer;
use super::errors::ApiError;
use super::limiter::Limiter;
use crate::faults::Refusal;

/// What answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instead {
    /// 503 in Stripe's envelope: nothing behind the edge works.
    Unavailable,
    /// 502 with a page of HTML: a proxy that does not reach Stripe.
    BadGateway,
    /// 429 of a rate limiter.
    Throttled {
        /// Which one.
        by: Limiter,
        /// `Retry-After`, seconds. No source says that Stripe sends it, so most answers should do without.
        retry_after_s: Option<u32>,
    },
    /// 429 `lock_timeout`: the object is in use, perhaps by a process of Stripe's own. Reads meet it, too.
    LockTimeout,
    /// 409: a request with the same idempotency key is said to be running.
    KeyInUse,
    /// 401, whatever key was sent.
    Unauthorized,
    /// A refusal of the account, whatever was asked.
    Refused(Refusal),
    /// 404: the account of this key has no such intent.
    NoSuchIntent,
}

impl From<Instead> for Answer {
    fn from(instead: Instead) -> Self {
        match instead {
            Instead::Unavailable => ApiError::unavailable().into(),
            Instead::BadGateway => Self::page_of_a_proxy(),
            Instead::Throttled { by, retry_after_s } => Self::throttled(by, retry_after_s),
            Instead::LockTimeout => ApiError::lock_timeout().into(),
            Instead::KeyInUse => ApiError::key_in_use().into(),
            Instead::Unauthorized => ApiError::wrong_key().into(),
            Instead::Refused(refusal) => ApiError::account_refused(refusal).into(),
            Instead::NoSuchIntent => ApiError::no_intent_for_key().into(),
        }
    }
}
