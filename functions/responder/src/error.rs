//! Why a turn failed.
//!
//! Invariant: a turn that could not do its work is an error of the invocation: then an alarm sees it that does not
//! need this function. What a human got wrong is an answer, not an error.

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use host::aws;
use ledger::LedgerError;
use std::error::Error;

/// Why a turn failed. The next one, a minute later, starts from what the records and the services say.
#[derive(Debug, thiserror::Error)]
pub enum TurnError {
    /// A service did not do what it was asked to.
    #[error("{what} failed: {why}")]
    Service {
        /// What was asked, for example `reading the depth of a queue`.
        what: &'static str,
        /// Its code and message, or what the SDK met on the way.
        why: String,
    },
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A record holds something that is none; nobody but this function should write there.
    #[error("the {record} record cannot be read: {why}")]
    Record {
        /// Which.
        record: &'static str,
        /// Why not.
        why: String,
    },
    /// The invocation's time was up.
    #[error("the turn did not end in time; what it began is taken up by the next one")]
    OutOfTime,
}

impl TurnError {
    /// For `map_err`: `what` failed, and why.
    pub(crate) fn of<E, R>(what: &'static str) -> impl FnOnce(SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata,
        SdkError<E, R>: Error,
    {
        move |error| Self::Service { what, why: aws::why(&error) }
    }
}
