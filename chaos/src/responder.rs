//! The real responder in a simulated container.
//!
//! Invariant: events and answers pass through JSON bytes, as on Lambda.

use crate::cloud::container::{BoxFuture, Container, Function, Handler, InvocationContext};
use crate::sdk::{self, Clients};
use crate::stripe::Provider;
use ::responder::{Config, Ports, Responder, Rules};
use aws_smithy_async::time::SharedTimeSource;

/// Starts the responder in containers.
pub struct ResponderFunction {
    provider: Provider,
    rules: Rules,
}

impl ResponderFunction {
    /// The responder as it is deployed.
    #[must_use]
    pub fn new(provider: Provider) -> Self {
        Self::with_rules(provider, Rules::default())
    }

    /// The responder under other rules: known-bad ones, in a test.
    #[must_use]
    pub const fn with_rules(provider: Provider, rules: Rules) -> Self {
        Self { provider, rules }
    }
}

impl Function for ResponderFunction {
    fn start(&self, container: Container) -> BoxFuture<'static, Result<Box<dyn Handler>, String>> {
        let (provider, rules) = (self.provider.clone(), self.rules);
        Box::pin(async move {
            let config = Config::from_environment(|name| sdk::variable(&container, name));
            let config = config.map_err(|error| error.to_string())?;
            let ports = ports(&container, &provider, rules);
            Ok(Box::new(InContainer(Responder::start(config, ports))) as Box<dyn Handler>)
        })
    }
}

struct InContainer(Responder);

impl Handler for InContainer {
    fn invoke(&self, payload: Vec<u8>, context: InvocationContext) -> BoxFuture<'_, Result<Vec<u8>, String>> {
        Box::pin(async move {
            let event = serde_json::from_slice(&payload).map_err(|error| error.to_string())?;
            let answer =
                self.0.handle(event, sdk::invocation(&context)).await.map_err(|error| error.to_string())?;
            serde_json::to_vec(&answer).map_err(|error| error.to_string())
        })
    }
}

fn ports(container: &Container, provider: &Provider, rules: Rules) -> Ports {
    let clients = Clients::of(container);
    Ports {
        dynamodb: clients.dynamodb(),
        sqs: clients.sqs(),
        sns: clients.sns(),
        cloudwatch: clients.cloudwatch(),
        secrets: clients.secrets(),
        stripe: sdk::stripe(container, provider),
        time: SharedTimeSource::new(container.clock),
        metrics: Box::new(container.metrics.clone()),
        rules,
    }
}
