//! The real consumer in a simulated container.
//!
//! Invariant: events and answers pass through JSON bytes, as on Lambda.

use crate::cloud::container::{BoxFuture, Container, Function, Handler, InvocationContext};
use crate::sdk::{self, Clients};
use crate::stripe::Provider;
use ::consumer::{Config, Consumer, Ports, Protocol};
use aws_smithy_async::time::SharedTimeSource;
use std::sync::Arc;

/// Starts the consumer in containers.
pub struct ConsumerFunction {
    provider: Provider,
    alter: Arc<dyn Fn(Ports) -> Ports + Send + Sync>,
}

impl ConsumerFunction {
    /// The consumer as it is deployed.
    #[must_use]
    pub fn new(provider: Provider) -> Self {
        Self::altered(provider, |ports| ports)
    }

    /// The consumer with other ports: a known-bad protocol or a way to Stripe that lies, in a test.
    #[must_use]
    pub fn altered(provider: Provider, alter: impl Fn(Ports) -> Ports + Send + Sync + 'static) -> Self {
        Self { provider, alter: Arc::new(alter) }
    }
}

impl Function for ConsumerFunction {
    fn start(&self, container: Container) -> BoxFuture<'static, Result<Box<dyn Handler>, String>> {
        let (provider, alter) = (self.provider.clone(), Arc::clone(&self.alter));
        Box::pin(async move {
            let config = Config::from_environment(|name| sdk::variable(&container, name));
            let config = config.map_err(|error| error.to_string())?;
            let ports = alter(ports(&container, &provider));
            Ok(Box::new(InContainer(Consumer::start(config, ports).await)) as Box<dyn Handler>)
        })
    }
}

struct InContainer(Consumer);

impl Handler for InContainer {
    fn invoke(&self, payload: Vec<u8>, context: InvocationContext) -> BoxFuture<'_, Result<Vec<u8>, String>> {
        Box::pin(async move {
            let event = serde_json::from_slice(&payload).map_err(|error| error.to_string())?;
            let answer = self.0.handle(event, sdk::invocation(&context)).await;
            serde_json::to_vec(&answer).map_err(|error| error.to_string())
        })
    }
}

fn ports(container: &Container, provider: &Provider) -> Ports {
    let clients = Clients::of(container);
    Ports {
        dynamodb: clients.dynamodb(),
        sqs: clients.sqs(),
        secrets: clients.secrets(),
        stripe: sdk::stripe(container, provider),
        time: SharedTimeSource::new(container.clock),
        seed: container.seed,
        metrics: Box::new(container.metrics.clone()),
        protocol: Protocol::default(),
    }
}
