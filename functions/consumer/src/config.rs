//! The environment, parsed once.
//!
//! Invariant: a consumer that runs has a complete configuration; a wrong one is refused at start with the name of
//! the variable and what it accepts.

use host::{ConfigError, Environment};
use stripe::{ApiBase, Mode};

/// What the template tells the function.
#[derive(Clone, Debug)]
pub struct Config {
    /// `LEDGER_TABLE`.
    pub ledger_table: String,
    /// `SOURCE_QUEUE_URL`: where messages come from.
    pub source_queue_url: String,
    /// `QUARANTINE_QUEUE_URL`.
    pub quarantine_queue_url: String,
    /// `STRIPE_EVENTS_QUEUE_URL`: where Stripe's own events come from; `None` where they are not listened to.
    pub stripe_events_queue_url: Option<String>,
    /// `STRIPE_SECRET_ARN`.
    pub stripe_secret_arn: String,
    /// `STRIPE_API_BASE`: https, or http on loopback.
    pub stripe_api_base: ApiBase,
    /// `STRIPE_MODE`: test or live, which the key must be of.
    pub stripe_mode: Mode,
    /// `STRIPE_RATE_PER_SECOND`: Stripe calls a second of all containers together, at least 1.
    pub stripe_rate_per_s: u32,
    /// `CONSUMER_CONCURRENCY`: containers that share that rate, at least 1.
    pub concurrency: u32,
    /// `DRILLS`.
    pub drills: Drills,
    /// `METRICS_NAMESPACE`: CloudWatch namespace.
    pub metrics_namespace: String,
}

/// Whether fire drills are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drills {
    /// `PYMT_SUCCEED` and `PYMT_FAILED` are drills.
    On,
    /// They are malformed payments.
    Off,
}

impl Config {
    /// Reads the configuration through `get`.
    ///
    /// # Errors
    /// The first variable that is missing or not of its form.
    pub fn from_environment(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let environment = Environment::new(get);
        let text = |name, accepted| environment.text(name, accepted);
        let number = |name| environment.number(name, "a whole number from 1", 1..=u32::MAX);
        Ok(Self {
            ledger_table: text("LEDGER_TABLE", "a DynamoDB table name")?,
            source_queue_url: text("SOURCE_QUEUE_URL", "an SQS queue URL")?,
            quarantine_queue_url: text("QUARANTINE_QUEUE_URL", "an SQS queue URL")?,
            stripe_events_queue_url: environment.given("STRIPE_EVENTS_QUEUE_URL"),
            stripe_secret_arn: text("STRIPE_SECRET_ARN", "a Secrets Manager ARN")?,
            stripe_api_base: environment
                .parsed("STRIPE_API_BASE", ApiBase::FORM, |text| ApiBase::parse(text).ok())?,
            stripe_mode: environment.parsed("STRIPE_MODE", Mode::FORM, Mode::parse)?,
            stripe_rate_per_s: number("STRIPE_RATE_PER_SECOND")?,
            concurrency: number("CONSUMER_CONCURRENCY")?,
            drills: environment.parsed("DRILLS", "on, off", drills)?,
            metrics_namespace: text("METRICS_NAMESPACE", "a CloudWatch namespace")?,
        })
    }
}

fn drills(text: &str) -> Option<Drills> {
    match text {
        "on" => Some(Drills::On),
        "off" => Some(Drills::Off),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No two values are alike, or one could be read for another.
    fn get(name: &str) -> Option<String> {
        let value = match name {
            "LEDGER_TABLE" => "ledger",
            "SOURCE_QUEUE_URL" => "https://sqs/source",
            "QUARANTINE_QUEUE_URL" => "https://sqs/quarantine",
            "STRIPE_SECRET_ARN" => "arn:aws:secretsmanager:eu-central-1:123456789012:secret:stripe",
            "STRIPE_API_BASE" => "https://api.stripe.com",
            "STRIPE_MODE" => "test",
            "STRIPE_RATE_PER_SECOND" => "20",
            "CONSUMER_CONCURRENCY" => "2",
            "DRILLS" => "on",
            "METRICS_NAMESPACE" => "payments",
            _ => return None,
        };
        Some(value.to_owned())
    }

    #[test]
    fn a_complete_environment_is_read() {
        let config = Config::from_environment(get).expect("complete");
        insta::assert_debug_snapshot!(config);
    }

    #[test]
    fn stripes_events_are_listened_to_where_their_queue_is_given() {
        let with = |name: &str| {
            if name == "STRIPE_EVENTS_QUEUE_URL" { Some("https://sqs/events".to_owned()) } else { get(name) }
        };
        let queue = |get: &dyn Fn(&str) -> Option<String>| {
            Config::from_environment(get).expect("complete").stripe_events_queue_url
        };
        assert_eq!(queue(&with).as_deref(), Some("https://sqs/events"));
        assert_eq!(queue(&get), None);
    }

    #[test]
    fn each_missing_or_wrong_variable_is_named_with_what_it_accepts() {
        let cases = [
            (
                "LEDGER_TABLE",
                None,
                "environment variable LEDGER_TABLE is missing; accepted: a DynamoDB table name",
            ),
            ("DRILLS", Some("yes"), "environment variable DRILLS is not acceptable; accepted: on, off"),
            ("STRIPE_MODE", None, "environment variable STRIPE_MODE is missing; accepted: test, live"),
            (
                "STRIPE_RATE_PER_SECOND",
                Some("0"),
                "environment variable STRIPE_RATE_PER_SECOND is not acceptable; accepted: a whole number from 1",
            ),
            (
                "STRIPE_API_BASE",
                Some("http://api.stripe.com"),
                "environment variable STRIPE_API_BASE is not acceptable; accepted: https://HOST[:PORT][/PATH], or http:// where HOST is 127.0.0.1, localhost or [::1]",
            ),
        ];
        for (name, value, expected) in cases {
            let with = |asked: &str| if asked == name { value.map(str::to_owned) } else { get(asked) };
            let error = Config::from_environment(with).expect_err(name).to_string();
            assert_eq!(error, expected);
        }
    }
}
