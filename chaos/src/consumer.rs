//! The real consumer in a simulated container.
//!
//! Does what the function's `main` does, with the container's network, clock and seed in the place of Lambda's.
//! Invariant: events and answers pass through JSON bytes, as on Lambda.

use crate::clock::Clock;
use crate::cloud::container::{BoxFuture, Container, Function, Handler, InvocationContext};
use crate::cloud::names;
use crate::journal::{Event, Journal};
use crate::stripe::Provider;
use ::consumer::{Config, Consumer, Ports, Protocol, aws};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sqs::config::retry::RetryPartition;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::SharedTimeSource;
use std::io::{self, Write};
use std::sync::Arc;
use tower::util::BoxCloneSyncService;

/// Starts the consumer in containers.
pub struct ConsumerFunction {
    provider: Provider,
    protocol: Protocol,
}

impl ConsumerFunction {
    /// The consumer as it is deployed.
    #[must_use]
    pub fn new(provider: Provider) -> Self {
        Self::with_protocol(provider, Protocol::default())
    }

    /// The consumer under another protocol: a known-bad one, in a test.
    #[must_use]
    pub const fn with_protocol(provider: Provider, protocol: Protocol) -> Self {
        Self { provider, protocol }
    }
}

impl Function for ConsumerFunction {
    fn start(&self, container: Container) -> BoxFuture<'static, Result<Box<dyn Handler>, String>> {
        let (provider, protocol) = (self.provider.clone(), self.protocol);
        Box::pin(async move {
            let environment = &container.function.environment;
            let config = Config::from_environment(|name| environment.get(name).cloned());
            let config = config.map_err(|error| error.to_string())?;
            let ports = ports(&container, &provider, protocol);
            Ok(Box::new(InContainer(Consumer::start(config, ports).await)) as Box<dyn Handler>)
        })
    }
}

struct InContainer(Consumer);

impl Handler for InContainer {
    fn invoke(&self, payload: Vec<u8>, context: InvocationContext) -> BoxFuture<'_, Result<Vec<u8>, String>> {
        Box::pin(async move {
            let event = serde_json::from_slice(&payload).map_err(|error| error.to_string())?;
            let answer = self.0.handle(event, context.deadline).await;
            serde_json::to_vec(&answer).map_err(|error| error.to_string())
        })
    }
}

fn ports(container: &Container, provider: &Provider, protocol: Protocol) -> Ports {
    let sdk = sdk(container);
    // The SDK keeps retry tokens in statics, one bucket a partition: without one of its own, a container would
    // feel the retries of worlds that ended before it.
    let partition = RetryPartition::custom(format!("{}/{}", container.seed, container.number)).build();
    let request = container.request.clone();
    let wire = provider.connect(container.link.clone(), Arc::new(move || request.get().to_string()));
    Ports {
        dynamodb: aws_sdk_dynamodb::Client::from_conf(
            aws_sdk_dynamodb::config::Builder::from(&sdk).retry_partition(partition.clone()).build(),
        ),
        sqs: aws_sdk_sqs::Client::from_conf(
            aws_sdk_sqs::config::Builder::from(&sdk).retry_partition(partition.clone()).build(),
        ),
        secrets: aws_sdk_secretsmanager::Client::from_conf(
            aws_sdk_secretsmanager::config::Builder::from(&sdk).retry_partition(partition).build(),
        ),
        stripe: BoxCloneSyncService::new(wire),
        time: SharedTimeSource::new(container.clock),
        seed: container.seed,
        metrics: Box::new(MetricsToJournal { journal: container.journal.clone(), clock: container.clock }),
        protocol,
    }
}

fn sdk(container: &Container) -> SdkConfig {
    let credentials = Credentials::new("AKIASIMULATED", "simulated", None, None, "simulated");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(names::REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(container.http.clone())
        .time_source(container.clock)
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .timeout_config(aws::timeouts())
        .retry_config(aws::retries())
        .stalled_stream_protection(aws::stalled_streams())
        .build()
}

/// Metrics written by the function, each line an event of the journal.
struct MetricsToJournal {
    journal: Journal,
    clock: Clock,
}

impl Write for MetricsToJournal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let line = serde_json::from_slice(line)?;
            self.journal.record(self.clock.now(), Event::Metrics { line });
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
