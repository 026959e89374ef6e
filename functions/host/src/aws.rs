//! How AWS is called, the same in production and in simulation: time-outs and retries, and how a failure is told.
//!
//! Invariant: no AWS call outlasts [`AWS_CALL_MS`], so a hanging service cannot eat an invocation.

use crate::limits::{AWS_ATTEMPT_MS, AWS_ATTEMPTS, AWS_CALL_MS, WHY_CHARS_MAX};
use crate::{ConfigError, Environment};
use aws_credential_types::Credentials;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::SdkConfig;
use aws_types::region::Region;
use aws_types::sdk_config::{
    RetryConfig, SharedAsyncSleep, SharedCredentialsProvider, SharedTimeSource,
    StalledStreamProtectionConfig, TimeoutConfig,
};
use std::error::Error;
use std::iter::successors;
use std::time::Duration;

/// The configuration of every client on Lambda, from the variables that Lambda sets: region and credentials, which
/// last as long as the container. `AWS_ENDPOINT_URL` puts a stand-in in the place of AWS.
///
/// Not by `aws-config`: its chain of sources would look further in vain, and brings STS along, a tenth of a binary.
///
/// # Errors
/// The first variable that is missing.
pub fn on_lambda(
    get: impl Fn(&str) -> Option<String>,
    time: SharedTimeSource,
) -> Result<SdkConfig, ConfigError> {
    let environment = Environment::new(get);
    let credentials = Credentials::new(
        environment.text("AWS_ACCESS_KEY_ID", CREDENTIALS)?,
        environment.text("AWS_SECRET_ACCESS_KEY", CREDENTIALS)?,
        environment.given("AWS_SESSION_TOKEN"),
        None,
        "Environment",
    );
    let region = environment.text("AWS_REGION", "the function's region, set by Lambda")?;
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let mut sdk = common(SdkConfig::builder())
        .region(Region::new(region))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http)
        .time_source(time);
    sdk.set_endpoint_url(environment.given("AWS_ENDPOINT_URL"));
    Ok(sdk.build())
}

const CREDENTIALS: &str = "the function's credentials, set by Lambda";

/// What no world changes: behaviour, time-outs, retries. Attempts are bounded too: a lost answer is retried within the
/// call. All our calls may be repeated: ledger writes are conditional, the rest harmless.
#[must_use]
pub fn common(sdk: aws_types::sdk_config::Builder) -> aws_types::sdk_config::Builder {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_millis(AWS_ATTEMPT_MS))
        .operation_timeout(Duration::from_millis(AWS_CALL_MS));
    sdk.behavior_version(BehaviorVersion::latest())
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .timeout_config(timeouts.build())
        .retry_config(RetryConfig::standard().with_max_attempts(AWS_ATTEMPTS))
        // It watches for slow downloads, of which there are none here, and would cut an attempt short of its own
        // time-out.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
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
    use aws_smithy_async::time::StaticTimeSource;
    use aws_smithy_types::error::ErrorMetadata;

    fn on_lambda_with(variables: &[(&str, &str)]) -> Result<SdkConfig, ConfigError> {
        let get = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        on_lambda(get, SharedTimeSource::new(StaticTimeSource::from_secs(0)))
    }

    #[test]
    fn region_credentials_and_a_stand_in_come_from_the_environment() {
        let lambda = [
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "AKIA"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_SESSION_TOKEN", "token"),
        ];
        let sdk = on_lambda_with(&lambda).expect("complete");
        assert_eq!(sdk.region().map(Region::as_ref), Some("eu-central-1"));
        assert_eq!(sdk.endpoint_url(), None);
        assert_eq!(
            sdk.timeout_config().and_then(TimeoutConfig::operation_timeout),
            Some(Duration::from_secs(5))
        );
        let stand_in = [lambda.as_slice(), &[("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")]].concat();
        let sdk = on_lambda_with(&stand_in).expect("complete");
        assert_eq!(sdk.endpoint_url(), Some("http://127.0.0.1:4566"));
        for missing in 0..3 {
            let mut less = lambda.to_vec();
            let (name, _) = less.remove(missing);
            let error = on_lambda_with(&less).expect_err(name).to_string();
            assert!(error.starts_with(&format!("environment variable {name} is missing")), "{error}");
        }
    }

    type Failure = SdkError<ErrorMetadata, Vec<u8>>;

    fn refused(metadata: ErrorMetadata) -> Failure {
        SdkError::service_error(metadata, vec![0; 5_000])
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
