//! The AWS SDK and the way to Stripe inside a simulated container.
//!
//! What a function's `main` sets up on Lambda, with the container's network, clock and seed in the place of Lambda's.
//! Invariant: no two containers share anything, not even what the SDK keeps in statics.

use crate::cloud::container::{Container, InvocationContext};
use crate::cloud::names;
use crate::stripe::Provider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sqs::config::retry::RetryPartition;
use aws_types::SdkConfig;
use aws_types::region::Region;
use host::{Invocation, TraceId, aws};
use std::sync::Arc;
use stripe::Transport;
use tower::util::BoxCloneSyncService;

/// The clients of one container.
pub(crate) struct Clients {
    sdk: SdkConfig,
    partition: RetryPartition,
}

impl Clients {
    pub(crate) fn of(container: &Container) -> Self {
        let function = &container.function.logical_id;
        // The SDK keeps retry tokens in statics, one bucket a partition: without one of its own, a container would
        // feel the retries of worlds that ended before it.
        let partition = format!("{}/{function}/{}", container.seed, container.number);
        Self { sdk: sdk(container), partition: RetryPartition::custom(partition).build() }
    }

    pub(crate) fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let config = aws_sdk_dynamodb::config::Builder::from(&self.sdk);
        aws_sdk_dynamodb::Client::from_conf(config.retry_partition(self.partition.clone()).build())
    }

    /// As the status function asks it.
    pub(crate) fn impatient_dynamodb(&self) -> aws_sdk_dynamodb::Client {
        ::status::impatient(&self.sdk)
    }

    pub(crate) fn sqs(&self) -> aws_sdk_sqs::Client {
        let config = aws_sdk_sqs::config::Builder::from(&self.sdk);
        aws_sdk_sqs::Client::from_conf(config.retry_partition(self.partition.clone()).build())
    }

    pub(crate) fn sns(&self) -> aws_sdk_sns::Client {
        let config = aws_sdk_sns::config::Builder::from(&self.sdk);
        aws_sdk_sns::Client::from_conf(config.retry_partition(self.partition.clone()).build())
    }

    pub(crate) fn cloudwatch(&self) -> aws_sdk_cloudwatch::Client {
        let config = aws_sdk_cloudwatch::config::Builder::from(&self.sdk);
        aws_sdk_cloudwatch::Client::from_conf(config.retry_partition(self.partition.clone()).build())
    }

    pub(crate) fn secrets(&self) -> aws_sdk_secretsmanager::Client {
        let config = aws_sdk_secretsmanager::config::Builder::from(&self.sdk);
        aws_sdk_secretsmanager::Client::from_conf(config.retry_partition(self.partition.clone()).build())
    }
}

/// An invocation, as a function takes it.
pub(crate) fn invocation(context: &InvocationContext) -> Invocation {
    let trace = context.xray_header.as_deref().and_then(TraceId::kept);
    Invocation { deadline: context.deadline, trace }
}

/// The way to Stripe from a container.
pub(crate) fn stripe(container: &Container, provider: &Provider) -> Transport {
    let request = container.request.clone();
    let wire = provider.connect(container.link.clone(), Arc::new(move || request.get().to_string()));
    BoxCloneSyncService::new(wire)
}

/// An environment variable of the function, or one that Lambda itself sets.
pub(crate) fn variable(container: &Container, name: &str) -> Option<String> {
    match name {
        "AWS_LAMBDA_FUNCTION_NAME" => Some(container.function.name.clone()),
        "AWS_REGION" => Some(names::REGION.to_owned()),
        _ => container.function.environment.get(name).cloned(),
    }
}

fn sdk(container: &Container) -> SdkConfig {
    let credentials = Credentials::new("AKIASIMULATED", "simulated", None, None, "simulated");
    aws::common(SdkConfig::builder())
        .region(Region::new(names::REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(container.http.clone())
        .time_source(container.clock)
        .build()
}
