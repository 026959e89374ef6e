//! The environment, parsed once.
//!
//! Invariant: a responder that runs has a complete configuration; a wrong one is refused at start with the name of
//! the variable and what it accepts.

use host::{ConfigError, Environment};
use payments::incident::{AutoRedrive, Policy};
use stripe::{ApiBase, Mode};

/// The alias of the function that the template gives it: what people invoke is what its events invoke, also after going
/// back to an older version.
pub const ALIAS: &str = "live";

/// What the template, and Lambda, tell the function.
#[derive(Clone, Debug)]
pub struct Config {
    /// `LEDGER_TABLE`.
    pub ledger_table: String,
    /// `INCIDENTS_TABLE`: where the two records live, by the key `record`.
    pub incidents_table: String,
    /// `SOURCE_QUEUE_URL`: where the consumer takes payments from.
    pub source_queue_url: String,
    /// `DEAD_LETTERS_QUEUE_URL`.
    pub dead_letters_queue_url: String,
    /// `DEAD_LETTERS_QUEUE_ARN`: move tasks are asked for by ARN.
    pub dead_letters_queue_arn: String,
    /// `QUARANTINE_QUEUE_URL`.
    pub quarantine_queue_url: String,
    /// `ALERTS_TOPIC_ARN`.
    pub alerts_topic: TopicArn,
    /// `PAGES_TOPIC_ARN`: the second channel.
    pub pages_topic: TopicArn,
    /// `STRIPE_SECRET_ARN`.
    pub stripe_secret_arn: String,
    /// `STRIPE_API_BASE`: https, or http on loopback.
    pub stripe_api_base: ApiBase,
    /// `STRIPE_MODE`: test or live, which the key must be of.
    pub stripe_mode: Mode,
    /// `AUTO_REDRIVE` and `REDRIVE_CYCLES_MAX`.
    pub policy: Policy,
    /// `REDRIVE_RATE_MAX`: messages a second that a move task moves at most, 1 to 500 (SQS's limit).
    pub redrive_rate_max: i32,
    /// `STRIPE_RATE_PER_SECOND`: Stripe calls a second that the consumer makes at most, at least 1.
    pub stripe_rate_per_s: u32,
    /// `METRICS_NAMESPACE`: CloudWatch namespace.
    pub metrics_namespace: String,
    /// `STACK_NAME`: subjects begin with it, and the dashboard has its name.
    pub stack: String,
    /// `CONSUMER_LOG_GROUP`: mails link to it.
    pub consumer_log_group: String,
    /// `RUNBOOK_URL`: where the runbooks are, without a slash at the end.
    pub runbook_url: String,
    /// `AWS_LAMBDA_FUNCTION_NAME`: stands in the commands that mails tell people.
    pub function_name: String,
    /// `AWS_REGION`: likewise.
    pub region: String,
}

impl Config {
    /// Reads the configuration through `get`.
    ///
    /// # Errors
    /// The first variable that is missing or not of its form.
    pub fn from_environment(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let environment = Environment::new(get);
        let text = |name, accepted| environment.text(name, accepted);
        Ok(Self {
            ledger_table: text("LEDGER_TABLE", "a DynamoDB table name")?,
            incidents_table: text("INCIDENTS_TABLE", "a DynamoDB table name")?,
            source_queue_url: text("SOURCE_QUEUE_URL", "an SQS queue URL")?,
            dead_letters_queue_url: text("DEAD_LETTERS_QUEUE_URL", "an SQS queue URL")?,
            dead_letters_queue_arn: text("DEAD_LETTERS_QUEUE_ARN", "an SQS queue ARN")?,
            quarantine_queue_url: text("QUARANTINE_QUEUE_URL", "an SQS queue URL")?,
            alerts_topic: environment.parsed("ALERTS_TOPIC_ARN", "an SNS topic ARN", TopicArn::parse)?,
            pages_topic: environment.parsed("PAGES_TOPIC_ARN", "an SNS topic ARN", TopicArn::parse)?,
            stripe_secret_arn: text("STRIPE_SECRET_ARN", "a Secrets Manager ARN")?,
            stripe_api_base: environment
                .parsed("STRIPE_API_BASE", ApiBase::FORM, |text| ApiBase::parse(text).ok())?,
            stripe_mode: environment.parsed("STRIPE_MODE", Mode::FORM, Mode::parse)?,
            policy: Policy {
                auto_redrive: environment.parsed("AUTO_REDRIVE", "on, off", auto_redrive)?,
                redrive_cycles_max: environment.number(
                    "REDRIVE_CYCLES_MAX",
                    "a whole number from 1",
                    1..=u32::MAX,
                )?,
            },
            redrive_rate_max: environment.number(
                "REDRIVE_RATE_MAX",
                "a whole number from 1 to 500",
                1..=500,
            )?,
            stripe_rate_per_s: environment.number(
                "STRIPE_RATE_PER_SECOND",
                "a whole number from 1",
                1..=u32::MAX,
            )?,
            metrics_namespace: text("METRICS_NAMESPACE", "a CloudWatch namespace")?,
            stack: text("STACK_NAME", "the stack's name")?,
            consumer_log_group: text("CONSUMER_LOG_GROUP", "a CloudWatch log group")?,
            runbook_url: text("RUNBOOK_URL", "an https address, or a path in the repository")?,
            function_name: text("AWS_LAMBDA_FUNCTION_NAME", "the function's name, set by Lambda")?,
            region: text("AWS_REGION", "the function's region, set by Lambda")?,
        })
    }

    /// Payments a second that the consumer can charge: each takes two calls. At least 1.
    #[must_use]
    pub const fn payments_per_s(&self) -> u32 {
        let payments = self.stripe_rate_per_s / 2;
        if payments == 0 { 1 } else { payments }
    }
}

/// The topic's ARN, which tells the account as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicArn {
    /// All of it.
    pub arn: String,
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// Twelve digits.
    pub account: String,
}

impl TopicArn {
    /// Reads `arn:PARTITION:sns:REGION:ACCOUNT:NAME`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.split(':').collect::<Vec<_>>().as_slice() {
            ["arn", partition, "sns", _, account, _] => Some(Self {
                arn: text.to_owned(),
                partition: (*partition).to_owned(),
                account: (*account).to_owned(),
            }),
            _ => None,
        }
    }
}

fn auto_redrive(text: &str) -> Option<AutoRedrive> {
    match text {
        "on" => Some(AutoRedrive::On),
        "off" => Some(AutoRedrive::Off),
        _ => None,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// No two values are alike, or one could be read for another.
    pub(crate) fn get(name: &str) -> Option<String> {
        let value = match name {
            "LEDGER_TABLE" => "ledger",
            "INCIDENTS_TABLE" => "incidents",
            "SOURCE_QUEUE_URL" => "https://sqs/source",
            "DEAD_LETTERS_QUEUE_URL" => "https://sqs/dead-letters",
            "QUARANTINE_QUEUE_URL" => "https://sqs/quarantine",
            "DEAD_LETTERS_QUEUE_ARN" => "arn:aws:sqs:eu-central-1:123456789012:dead-letters",
            "ALERTS_TOPIC_ARN" => "arn:aws:sns:eu-central-1:123456789012:alerts",
            "PAGES_TOPIC_ARN" => "arn:aws:sns:eu-central-1:123456789012:pages",
            "STRIPE_SECRET_ARN" => "arn:aws:secretsmanager:eu-central-1:123456789012:secret:stripe",
            "STRIPE_API_BASE" => "https://api.stripe.com",
            "STRIPE_MODE" => "test",
            "AUTO_REDRIVE" => "on",
            "REDRIVE_RATE_MAX" => "50",
            "REDRIVE_CYCLES_MAX" => "3",
            "STRIPE_RATE_PER_SECOND" => "20",
            "METRICS_NAMESPACE" => "payments-metrics",
            "STACK_NAME" => "payments-stack",
            "CONSUMER_LOG_GROUP" => "/aws/lambda/payments-consumer",
            "RUNBOOK_URL" => "alarms/runbooks",
            "AWS_LAMBDA_FUNCTION_NAME" => "payments-responder",
            "AWS_REGION" => "eu-central-1",
            _ => return None,
        };
        Some(value.to_owned())
    }

    #[test]
    fn a_complete_environment_is_read() {
        let config = Config::from_environment(get).expect("complete");
        insta::assert_debug_snapshot!(config);
        assert_eq!(config.payments_per_s(), 10, "create and confirm");
        assert_eq!(Config { stripe_rate_per_s: 1, ..config }.payments_per_s(), 1);
    }

    #[test]
    fn each_missing_or_wrong_variable_is_named_with_what_it_accepts() {
        let cases = [
            ("AWS_REGION", None, "AWS_REGION is missing; accepted: the function's region, set by Lambda"),
            (
                "ALERTS_TOPIC_ARN",
                Some("arn:aws:sqs:eu-central-1:123456789012:alerts"),
                "ALERTS_TOPIC_ARN is not acceptable; accepted: an SNS topic ARN",
            ),
            ("AUTO_REDRIVE", Some("yes"), "AUTO_REDRIVE is not acceptable; accepted: on, off"),
            ("STRIPE_MODE", Some("prod"), "STRIPE_MODE is not acceptable; accepted: test, live"),
            (
                "REDRIVE_RATE_MAX",
                Some("501"),
                "REDRIVE_RATE_MAX is not acceptable; accepted: a whole number from 1 to 500",
            ),
            (
                "STRIPE_RATE_PER_SECOND",
                Some("fast"),
                "STRIPE_RATE_PER_SECOND is not acceptable; accepted: a whole number from 1",
            ),
            (
                "REDRIVE_CYCLES_MAX",
                Some("0"),
                "REDRIVE_CYCLES_MAX is not acceptable; accepted: a whole number from 1",
            ),
        ];
        for (name, value, expected) in cases {
            let with = |asked: &str| if asked == name { value.map(str::to_owned) } else { get(asked) };
            let error = Config::from_environment(with).expect_err(name).to_string();
            assert_eq!(error, format!("environment variable {expected}"));
        }
    }
}
