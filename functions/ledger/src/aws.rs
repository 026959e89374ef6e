//! How AWS is called, the same in production and in simulation: time-outs and retries, and how a failure is told.
//!
//! Invariant: no AWS call outlasts [`AWS_CALL_MS`], so a hanging service cannot eat an invocation.

use crate::limits::{AWS_ATTEMPT_MS, AWS_ATTEMPTS, AWS_CALL_MS, WHY_CHARS_MAX};
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use std::error::Error;
use std::iter::successors;
use std::time::Duration;

/// Time-outs of every AWS call. Attempts are bounded too: a lost answer is retried within the call.
#[must_use]
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_millis(AWS_ATTEMPT_MS))
        .operation_timeout(Duration::from_millis(AWS_CALL_MS))
        .build()
}

/// Retries of every AWS call. All of ours may be repeated: ledger writes are conditional, the rest harmless.
#[must_use]
pub fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(AWS_ATTEMPTS)
}

/// Off: it watches for slow downloads, of which there are none here, and would cut an attempt short of its
/// own time-out.
#[must_use]
pub fn stalled_streams() -> StalledStreamProtectionConfig {
    StalledStreamProtectionConfig::disabled()
}

/// Why a call failed, in one line: the service's code and message; without an answer of the service, what the SDK met
/// on its way there. Nothing else: the SDK's own report holds whole responses, kilobytes each.
#[must_use]
pub fn why<E, R>(error: &SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata,
    SdkError<E, R>: Error,
{
    let text = match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        (None, _) => {
            let causes = successors(Some(error as &dyn Error), |error: &&dyn Error| (*error).source());
            causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
        }
    };
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).take(WHY_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_dynamodb::error::ErrorMetadata;
    use aws_sdk_dynamodb::operation::get_item::GetItemError;

    type Failure = SdkError<GetItemError, Vec<u8>>;

    fn refused(metadata: ErrorMetadata) -> Failure {
        SdkError::service_error(GetItemError::generic(metadata), vec![0; 5_000])
    }

    #[test]
    fn what_the_service_says_is_told_by_its_code_and_its_sentence() {
        let metadata = ErrorMetadata::builder().code("AccessDeniedException").message("not\nallowed").build();
        assert_eq!(why(&refused(metadata)), "AccessDeniedException: not allowed");
        assert_eq!(why(&refused(ErrorMetadata::builder().code("Odd").build())), "Odd");
    }

    #[test]
    fn a_call_without_an_answer_is_told_by_what_the_sdk_met() {
        let error: Failure = SdkError::timeout_error("operation took too long");
        assert_eq!(why(&error), "request has timed out: operation took too long");
    }

    #[test]
    fn no_reason_fills_a_log() {
        let metadata = ErrorMetadata::builder().code("Odd").message("x".repeat(9_000)).build();
        assert_eq!(why(&refused(metadata)).chars().count(), WHY_CHARS_MAX);
    }
}
