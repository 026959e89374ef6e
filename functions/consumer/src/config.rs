//! The environment, parsed once.
//!
//! Invariant: a consumer that runs has a complete configuration; a wrong one is refused at start with the name of
//! the variable and what it accepts.

use stripe::ApiBase;

/// What the template tells the function.
#[derive(Clone, Debug)]
pub struct Config {
    /// `LEDGER_TABLE`.
    pub ledger_table: String,
    /// `SOURCE_QUEUE_URL`: where messages come from.
    pub source_queue_url: String,
    /// `QUARANTINE_QUEUE_URL`.
    pub quarantine_queue_url: String,
    /// `STRIPE_SECRET_ARN`.
    pub stripe_secret_arn: String,
    /// `STRIPE_API_BASE`: https, or http on loopback.
    pub stripe_api_base: ApiBase,
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

/// A variable that is missing or not of its form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("environment variable {name} {problem}; accepted: {accepted}")]
pub struct ConfigError {
    name: &'static str,
    problem: &'static str,
    accepted: &'static str,
}

impl Config {
    /// Reads the configuration through `get`.
    ///
    /// # Errors
    /// The first variable that is missing or not of its form.
    pub fn from_environment(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let text = |name, accepted| {
            let value = get(name).filter(|value| !value.is_empty());
            value.ok_or(ConfigError { name, problem: "is missing", accepted })
        };
        let number = |name| {
            let accepted = "a whole number from 1";
            let value = text(name, accepted)?.parse().ok().filter(|number| *number >= 1);
            value.ok_or(ConfigError { name, problem: "is not acceptable", accepted })
        };
        Ok(Self {
            ledger_table: text("LEDGER_TABLE", "a DynamoDB table name")?,
            source_queue_url: text("SOURCE_QUEUE_URL", "an SQS queue URL")?,
            quarantine_queue_url: text("QUARANTINE_QUEUE_URL", "an SQS queue URL")?,
            stripe_secret_arn: text("STRIPE_SECRET_ARN", "a Secrets Manager ARN")?,
            stripe_api_base: api_base(&text("STRIPE_API_BASE", API_BASE)?)?,
            stripe_rate_per_s: number("STRIPE_RATE_PER_SECOND")?,
            concurrency: number("CONSUMER_CONCURRENCY")?,
            drills: drills(&text("DRILLS", DRILLS)?)?,
            metrics_namespace: text("METRICS_NAMESPACE", "a CloudWatch namespace")?,
        })
    }
}

const API_BASE: &str = "https://HOST, or http:// on a loopback host";
const DRILLS: &str = "on, off";

fn api_base(text: &str) -> Result<ApiBase, ConfigError> {
    let refused = ConfigError { name: "STRIPE_API_BASE", problem: "is not acceptable", accepted: API_BASE };
    ApiBase::parse(text).map_err(|_| refused)
}

fn drills(text: &str) -> Result<Drills, ConfigError> {
    match text {
        "on" => Ok(Drills::On),
        "off" => Ok(Drills::Off),
        _ => Err(ConfigError { name: "DRILLS", problem: "is not acceptable", accepted: DRILLS }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(name: &str) -> Option<String> {
        let value = match name {
            "LEDGER_TABLE" => "ledger",
            "SOURCE_QUEUE_URL" | "QUARANTINE_QUEUE_URL" => "https://sqs/queue",
            "STRIPE_SECRET_ARN" => "arn:aws:secretsmanager:eu-central-1:123456789012:secret:stripe",
            "STRIPE_API_BASE" => "https://api.stripe.com",
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
        assert_eq!((config.stripe_rate_per_s, config.concurrency, config.drills), (20, 2, Drills::On));
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
            (
                "STRIPE_RATE_PER_SECOND",
                Some("0"),
                "environment variable STRIPE_RATE_PER_SECOND is not acceptable; accepted: a whole number from 1",
            ),
            (
                "STRIPE_API_BASE",
                Some("http://api.stripe.com"),
                "environment variable STRIPE_API_BASE is not acceptable; accepted: https://HOST, or http:// on a loopback host",
            ),
        ];
        for (name, value, expected) in cases {
            let with = |asked: &str| if asked == name { value.map(str::to_owned) } else { get(asked) };
            let error = Config::from_environment(with).expect_err(name).to_string();
            assert_eq!(error, expected);
        }
    }
}
