//! The status function: tells the customer of a payment how it stands.
//!
//! It is asked through CloudFront alone, which has checked the link and asks for `/json/{payment id}` or
//! `/page/{payment id}`: the form is part of the path, because the path is all that tells one cached answer from another.
//! Whatever it needs from outside comes in through [`Ports`], so it can run in simulated time.
//!
//! Invariant: it reads one row and changes none; it depends on nothing that could: of the ledger it holds a
//! [`ledger::Reader`], and of Stripe it knows nothing.

mod answer;
#[cfg(doctest)]
mod cannot_change;
mod config;
pub mod limits;
mod page;
mod words;

pub use config::Config;

use answer::{Answer, Asked};
use aws_lambda_events::event::lambda_function_urls::{LambdaFunctionUrlRequest, LambdaFunctionUrlResponse};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_smithy_async::time::SharedTimeSource;
use aws_types::SdkConfig;
use host::Clock;
use ledger::Reader;
use limits::LEDGER_MS;
use std::time::Duration;

/// Everything the function needs from outside.
#[derive(Debug)]
pub struct Ports {
    /// DynamoDB, for the ledger: [`impatient`].
    pub dynamodb: Client,
    /// The time.
    pub time: SharedTimeSource,
}

/// DynamoDB as this function asks it: once, and for a second. Trying again would make a customer wait who can have what
/// was true a moment ago.
#[must_use]
pub fn impatient(sdk: &SdkConfig) -> Client {
    let limit = Duration::from_millis(LEDGER_MS);
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(limit).operation_timeout(limit);
    let config = aws_sdk_dynamodb::config::Builder::from(sdk)
        .timeout_config(timeouts.build())
        .retry_config(RetryConfig::disabled());
    Client::from_conf(config.build())
}

/// A status function in its container.
#[derive(Clone, Debug)]
pub struct Teller {
    ledger: Reader,
    clock: Clock,
}

impl Teller {
    /// Builds one. Nothing is asked of anybody yet.
    #[must_use]
    pub fn start(config: Config, ports: Ports) -> Self {
        let ledger = Reader::new(ports.dynamodb, config.ledger_table);
        Self { ledger, clock: Clock::new(ports.time) }
    }

    /// Answers one request. There is always an answer: that the ledger cannot be asked is one.
    pub async fn answer(&self, request: &LambdaFunctionUrlRequest) -> LambdaFunctionUrlResponse {
        let asked = match Asked::read(request) {
            Ok(asked) => asked,
            Err(refused) => return refused.response(),
        };
        // Before the row is read: what is told was so then, or later.
        let as_of = self.clock.now();
        let answer = match self.ledger.status(&asked.payment_id).await {
            Ok(Some(status)) => asked.found(&status, as_of),
            Ok(None) => asked.unknown(as_of),
            Err(error) => {
                tracing::warn!(%error, payment_id = %asked.payment_id, "a customer is not told how a payment stands");
                Answer::unavailable()
            }
        };
        answer.response()
    }
}
