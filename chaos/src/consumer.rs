//! The real consumer in a simulated container.
//!
//! Invariant: events and answers pass through JSON bytes, as on Lambda.

use crate::cloud::container::{BoxFuture, Container, Function, Handler, InvocationContext};
use crate::sdk::{self, Clients};
use crate::stripe::Provider;
use ::consumer::{Config, Consumer, Ports, Protocol};
use aws_smithy_async::time::SharedTimeSource;

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
            let config = Config::from_environment(|name| sdk::variable(&container, name));
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
    let clients = Clients::of(container);
    Ports {
        dynamodb: clients.dynamodb(),
        sqs: clients.sqs(),
        secrets: clients.secrets(),
        stripe: sdk::stripe(container, provider),
        time: SharedTimeSource::new(container.clock),
        seed: container.seed,
        metrics: Box::new(container.metrics.clone()),
        protocol,
    }
}
