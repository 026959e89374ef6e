//! The real status function in a simulated container.
//!
//! Invariant: events and answers pass through JSON bytes, as on Lambda.

use crate::cloud::container::{BoxFuture, Container, Function, Handler, InvocationContext};
use crate::sdk::{self, Clients};
use ::status::{Config, Ports, Teller};
use aws_smithy_async::time::SharedTimeSource;

/// Starts the status function in containers.
pub struct StatusFunction;

impl Function for StatusFunction {
    fn start(&self, container: Container) -> BoxFuture<'static, Result<Box<dyn Handler>, String>> {
        Box::pin(async move {
            let config = Config::from_environment(|name| sdk::variable(&container, name));
            let config = config.map_err(|error| error.to_string())?;
            let dynamodb = Clients::of(&container).impatient_dynamodb();
            let ports = Ports { dynamodb, time: SharedTimeSource::new(container.clock) };
            Ok(Box::new(InContainer(Teller::start(config, ports))) as Box<dyn Handler>)
        })
    }
}

struct InContainer(Teller);

impl Handler for InContainer {
    fn invoke(&self, payload: Vec<u8>, _: InvocationContext) -> BoxFuture<'_, Result<Vec<u8>, String>> {
        Box::pin(async move {
            let request = serde_json::from_slice(&payload).map_err(|error| error.to_string())?;
            serde_json::to_vec(&self.0.answer(&request).await).map_err(|error| error.to_string())
        })
    }
}
