//! Idempotency keys as Stripe's API v1 keeps them.
//!
//! A key belongs to one path and one set of parameters. From the moment an endpoint starts until it answers the key
//! is in use; then its answer is stored, whatever it is, and replayed until the key is a day old. What is refused
//! before an endpoint starts never reaches this file. Source: <https://docs.stripe.com/api/idempotent_requests>.
//! Invariant: under one key, between two prunings, at most one request is executed.

use super::answer::Answer;
use super::errors::ApiError;
use super::limits::{KEY_CHARS_MAX, KEY_KEPT_MS};
use super::params::Fingerprint;
use http::HeaderValue;
use payments::UnixMs;
use std::collections::BTreeMap;

/// What a key was first used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Use {
    pub(super) path: String,
    pub(super) parameters: Fingerprint,
}

/// The answer a key stands for.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) answer: Answer,
    /// `Request-Id` of the request that was executed.
    pub(super) request_id: String,
}

/// All keys of one account.
#[derive(Debug, Default)]
pub(super) struct Keys(BTreeMap<String, Entry>);

#[derive(Debug)]
struct Entry {
    first_use: Use,
    first_at: UnixMs,
    /// Absent while the first request is still being executed.
    stored: Option<Box<Stored>>,
}

impl Keys {
    /// Reads the header: 1 to 255 visible characters.
    pub(super) fn read(header: &HeaderValue) -> Result<String, ApiError> {
        let key = header.to_str().map_err(|_| ApiError::bad_idempotency_key())?;
        if key.is_empty() || key.len() > KEY_CHARS_MAX {
            Err(ApiError::bad_idempotency_key())
        } else {
            Ok(key.to_owned())
        }
    }

    /// What the key stands for, `None` when the request may be executed.
    ///
    /// # Errors
    /// 409 while the first request runs, 400 `idempotency_error` for another path or other parameters.
    pub(super) fn look_up(
        &mut self,
        key: &str,
        wanted: &Use,
        now: UnixMs,
    ) -> Result<Option<Stored>, ApiError> {
        if self.0.get(key).is_some_and(|entry| now.since_ms(entry.first_at) >= KEY_KEPT_MS) {
            self.0.remove(key);
        }
        let Some(entry) = self.0.get(key) else { return Ok(None) };
        let Some(stored) = &entry.stored else { return Err(ApiError::key_in_use()) };
        if entry.first_use != *wanted {
            return Err(ApiError::key_reused(&entry.first_use.path, &wanted.path));
        }
        Ok(Some(Stored::clone(stored)))
    }

    /// Marks the key as in use; only after `look_up` found it free.
    pub(super) fn claim(&mut self, key: &str, first_use: Use, now: UnixMs) {
        self.0.insert(key.to_owned(), Entry { first_use, first_at: now, stored: None });
    }

    /// Stores the answer of the request that claimed the key.
    pub(super) fn store(&mut self, key: &str, stored: Stored) {
        if let Some(entry) = self.0.get_mut(key) {
            entry.stored = Some(Box::new(stored));
        }
    }

    /// Gives up a claim: the request was never executed, so the key is as good as new.
    pub(super) fn release(&mut self, key: &str) {
        if self.0.get(key).is_some_and(|entry| entry.stored.is_none()) {
            self.0.remove(key);
        }
    }
}
