//! The embedded AWS services: state machines over virtual time, called by the real SDK.
//!
//! Invariant: nothing outlives its `Cloud`; every task of a world is owned by it.

pub mod config;
pub mod container;
pub mod dynamodb;
pub mod event_source;
#[cfg(test)]
mod fixtures;
pub mod ids;
pub mod lambda;
pub mod names;
pub mod reply;
pub mod secrets;
pub mod services;
pub mod sqs;
pub mod wire;

use crate::clock::Clock;
use crate::journal::Journal;
use config::{FunctionConfig, QueueConfig, TableConfig};
use container::{CrashPlan, Function};
use dynamodb::DynamoDb;
use event_source::{EventSource, EventSourceError};
use lambda::{Pool, Surroundings};
use secrets::Secrets;
use services::Services;
use sqs::Sqs;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::JoinSet;
use wire::Latencies;

/// Everything a cloud is made of.
pub struct Blueprint {
    /// Queues, dead-letter queues included.
    pub queues: Vec<QueueConfig>,
    /// Tables.
    pub tables: Vec<TableConfig>,
    /// Functions, each with the code that runs in its containers.
    pub functions: Vec<(FunctionConfig, Arc<dyn Function>)>,
    /// Which invocations are killed.
    pub crashes: Arc<dyn CrashPlan>,
    /// Seed of every draw.
    pub seed: u64,
}

/// One account of embedded services, running.
pub struct Cloud {
    services: Services,
    functions: BTreeMap<String, Arc<Pool>>,
    tasks: JoinSet<()>,
}

/// Why a blueprint cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloudError {
    /// A redrive policy names a queue that is not in the blueprint.
    #[error("dead-letter queue {0} does not exist")]
    DeadLetterQueue(String),
    /// DynamoDB refuses a table; its name and why.
    #[error("{0}")]
    Table(String),
    /// Lambda refuses an event source.
    #[error("event source of {function}: {error}")]
    EventSource {
        /// The function's logical id.
        function: String,
        /// Why.
        error: EventSourceError,
    },
}

impl Cloud {
    /// Builds the services and starts to poll. Must be called inside the runtime whose time `clock` follows.
    ///
    /// # Errors
    /// What AWS, too, would refuse at deployment.
    pub fn start(blueprint: Blueprint, clock: Clock, journal: &Journal) -> Result<Self, CloudError> {
        let Blueprint { queues, tables, functions, crashes, seed } = blueprint;
        let sqs =
            Sqs::new(&queues, seed, clock.now(), journal.clone()).map_err(CloudError::DeadLetterQueue)?;
        let dynamodb = DynamoDb::new(&tables, clock, journal.clone()).map_err(CloudError::Table)?;
        let services = Services::new(sqs, dynamodb, Secrets::new(seed), clock);
        let latencies = Latencies::new(seed);
        let around =
            Surroundings { services: services.clone(), latencies, crashes, journal: journal.clone(), seed };
        let mut cloud = Self { services, functions: BTreeMap::new(), tasks: JoinSet::new() };
        for (config, function) in functions {
            cloud.deploy(config, function, around.clone())?;
        }
        Ok(cloud)
    }

    /// SQS, DynamoDB and Secrets Manager: for producers, faults and checks.
    #[must_use]
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// A function by its logical id, to invoke it directly.
    #[must_use]
    pub fn function(&self, logical_id: &str) -> Option<&Arc<Pool>> {
        self.functions.get(logical_id)
    }

    /// Returns only when a task of the cloud panicked, which is a fault of this harness, with what it said.
    pub async fn broken(&mut self) -> String {
        loop {
            match self.tasks.join_next().await {
                Some(Err(error)) => return error.to_string(),
                Some(Ok(())) => {}
                None => std::future::pending().await,
            }
        }
    }

    /// Stops polling, drops whatever functions are running, and waits until all of it is gone.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }

    fn deploy(
        &mut self,
        config: FunctionConfig,
        function: Arc<dyn Function>,
        around: Surroundings,
    ) -> Result<(), CloudError> {
        let (logical_id, sources) = (config.logical_id.clone(), config.sources.clone());
        let Surroundings { services, journal, seed, .. } = around.clone();
        let pool = Arc::new(Pool::new(config, function, around));
        for source in sources {
            let source = EventSource::new(source, Arc::clone(&pool), services.clone(), journal.clone(), seed);
            let refused = |error| CloudError::EventSource { function: logical_id.clone(), error };
            let source = Arc::new(source.map_err(refused)?);
            for _ in 0..source.pollers() {
                self.tasks.spawn(Arc::clone(&source).poll());
            }
        }
        self.functions.insert(logical_id, pool);
        Ok(())
    }
}
