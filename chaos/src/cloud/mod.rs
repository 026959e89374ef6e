//! The embedded AWS services: state machines over virtual time, called by the real SDK.
//!
//! Invariant: nothing outlives its `Cloud`; every task of a world is owned by it.

pub mod cloudfront;
pub mod cloudwatch;
pub mod config;
pub mod container;
pub(crate) mod crew;
pub mod dynamodb;
pub mod event_source;
pub mod eventbridge;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod iam;
pub mod ids;
pub mod lambda;
mod minute;
pub mod names;
mod pauses;
pub mod pipes;
pub mod plans;
pub mod reply;
pub mod secrets;
pub mod services;
pub mod sns;
pub mod sqs;
pub(crate) mod wildcard;
pub mod wire;

use crate::clock::Clock;
use crate::journal::Journal;
use cloudfront::config::DistributionConfig;
use cloudfront::{Around, CloudFront, DistributionError};
use cloudwatch::{CloudWatch, Knobs, Past};
use config::{
    AlarmConfig, FunctionConfig, PartnerRuleConfig, PipeConfig, QueueConfig, TableConfig, TopicConfig,
};
use container::Function;
use crew::Crew;
use dynamodb::{DynamoDb, Proven};
use event_source::{EventSource, EventSourceError};
use eventbridge::{Carrier, EventBridge, PartnerBus};
use iam::{Access, Iam, Principal};
use lambda::{Asynchronous, Pool, Surroundings};
use minute::Minutes;
use pipes::Pipe;
use plans::Plans;
use secrets::Secrets;
use services::Services;
use sns::Sns;
use sqs::Sqs;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::JoinSet;
use wire::Latencies;

const LAMBDA: &str = "lambda.amazonaws.com";
const PIPES: &str = "pipes.amazonaws.com";

/// Everything a cloud is made of; by default of nothing, where nothing goes wrong and everybody may do everything.
#[derive(Default)]
pub struct Blueprint {
    /// Queues, dead-letter queues included.
    pub queues: Vec<QueueConfig>,
    /// What others with these tables have proved of them.
    pub proven: Proven,
    /// Tables.
    pub tables: Vec<TableConfig>,
    /// Topics, each with its subscriptions.
    pub topics: Vec<TopicConfig>,
    /// Functions, each with the code that runs in its containers.
    pub functions: Vec<(FunctionConfig, Arc<dyn Function>)>,
    /// Pipes.
    pub pipes: Vec<PipeConfig>,
    /// What stands in front of it all, if anything does.
    pub edge: Option<DistributionConfig>,
    /// Rules of a partner's event bus.
    pub partner_rules: Vec<PartnerRuleConfig>,
    /// Who is told of what.
    pub alerting: Alerting,
    /// What goes wrong.
    pub plans: Plans,
    /// Who may do what.
    pub access: Access,
    /// Seed of every draw.
    pub seed: u64,
}

/// Alarms, and how they see. Rules and schedules are part of the functions they invoke.
#[derive(Default)]
pub struct Alerting {
    /// Alarms.
    pub alarms: Vec<AlarmConfig>,
    /// How late metrics are.
    pub knobs: Knobs,
    /// What the alarms have seen before.
    pub past: Past,
}

/// One account of embedded services, running.
pub struct Cloud {
    services: Services,
    functions: BTreeMap<String, Arc<Pool>>,
    sources: BTreeMap<String, Vec<Arc<EventSource>>>,
    asynchronous: BTreeMap<String, Arc<Asynchronous>>,
    edge: Option<CloudFront>,
    partner: Option<Arc<PartnerBus>>,
    crew: Crew,
    tasks: JoinSet<()>,
}

/// Why a blueprint cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloudError {
    /// A redrive policy, a rule or a function names a queue that is not in the blueprint.
    #[error("dead-letter queue {0} does not exist")]
    DeadLetterQueue(String),
    /// DynamoDB refuses a table; its name and why.
    #[error("{0}")]
    Table(String),
    /// Lambda may not take on a function's role.
    #[error(
        "function {0}: InvalidParameterValueException: The role defined for the function cannot be assumed by Lambda."
    )]
    Role(String),
    /// Pipes may not take on a pipe's role.
    #[error("pipe {0}: ValidationException: The role defined for the pipe cannot be assumed by Pipes.")]
    PipeRole(String),
    /// CloudFront refuses the edge.
    #[error("distribution: {0}")]
    Distribution(#[from] DistributionError),
    /// A pipe follows a table that has no stream.
    #[error("pipe {0}: its table has no stream")]
    NoStream(String),
    /// A subscription has a protocol this world does not deliver.
    #[error("topic {topic}: the embedded SNS does not deliver to {protocol}, only to email")]
    Subscription {
        /// Topic name.
        topic: String,
        /// The protocol.
        protocol: String,
    },
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
        let Blueprint { queues, proven, tables, topics, functions, pipes, edge, .. } = blueprint;
        let Blueprint { partner_rules, alerting, plans, access, seed, .. } = blueprint;
        let now = clock.now();
        let iam = Iam::new(access, clock, journal.clone());
        let sqs = Sqs::new(&queues, seed, now, journal.clone()).map_err(CloudError::DeadLetterQueue)?;
        let sqs = sqs.under(Arc::clone(&plans.queues)).asking(iam.clone());
        let dynamodb =
            DynamoDb::new(&tables, proven, seed, clock, journal.clone()).map_err(CloudError::Table)?;
        let names: Vec<String> = queues.into_iter().map(|queue| queue.name).collect();
        let configs: Vec<&FunctionConfig> = functions.iter().map(|(config, _)| config).collect();
        check_last_resorts(&configs, (&pipes, &partner_rules), &names)?;
        let cloudwatch = CloudWatch::new(&alerting, &configs, &names, seed, now);
        let bus = EventBridge::new(&configs, seed, now, journal.clone());
        let sns = Sns::new(&topics, seed, journal.clone())?;
        let services = Services::new(sqs, dynamodb, Secrets::new(seed), sns, cloudwatch, iam, clock);
        let latencies = Latencies::new(seed);
        let around =
            Surroundings { services: services.clone(), latencies, plans, journal: journal.clone(), seed };
        let mut cloud = Self::empty(services.clone());
        cloud.tasks.spawn(services.move_messages());
        for (config, function) in functions {
            cloud.deploy(config, function, around.clone())?;
        }
        for config in pipes {
            cloud.lay(config, &around)?;
        }
        if let Some(edge) = edge {
            cloud.open(edge, &around)?;
        }
        if !partner_rules.is_empty() {
            cloud.listen(partner_rules, &around);
        }
        // Without any of these there is nothing to do by the minute.
        if !alerting.alarms.is_empty() || !bus.is_empty() {
            cloud.live_by_the_minute(bus, &around);
        }
        Ok(cloud)
    }

    /// The services: for producers, faults and checks.
    #[must_use]
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// A function by its logical id, to invoke it directly.
    #[must_use]
    pub fn function(&self, logical_id: &str) -> Option<&Arc<Pool>> {
        self.functions.get(logical_id)
    }

    /// What stands in front of it all, if anything does.
    #[must_use]
    pub const fn edge(&self) -> Option<&CloudFront> {
        self.edge.as_ref()
    }

    /// The event source mappings of a function; none when there is no such function.
    #[must_use]
    pub fn event_sources(&self, logical_id: &str) -> &[Arc<EventSource>] {
        self.sources.get(logical_id).map_or(&[], Vec::as_slice)
    }

    /// The partner's event bus; none where no rule listens to one.
    #[must_use]
    pub const fn partner_bus(&self) -> Option<&Arc<PartnerBus>> {
        self.partner.as_ref()
    }

    /// Gives a function an event without waiting for it, as `--invocation-type Event` does; the request id, or `None`
    /// when there is no such function.
    #[must_use]
    pub fn accept(&self, logical_id: &str, payload: Vec<u8>) -> Option<String> {
        Some(self.asynchronous.get(logical_id)?.accept(payload))
    }

    /// The same for somebody who outlives this borrow, given a function's logical id.
    pub(crate) fn acceptor(
        &self,
    ) -> impl Fn(&str, Vec<u8>) -> Option<String> + Clone + Send + Sync + 'static {
        let asynchronous = self.asynchronous.clone();
        move |logical_id, payload| Some(asynchronous.get(logical_id)?.accept(payload))
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

    fn empty(services: Services) -> Self {
        let mut tasks = JoinSet::new();
        let (crew, at_work) = Crew::new();
        tasks.spawn(at_work);
        let (functions, sources) = (BTreeMap::new(), BTreeMap::new());
        let (asynchronous, edge, partner) = (BTreeMap::new(), None, None);
        Self { services, functions, sources, asynchronous, edge, partner, crew, tasks }
    }

    fn live_by_the_minute(&mut self, bus: EventBridge, around: &Surroundings) {
        let Surroundings { services, journal, plans, seed, .. } = around.clone();
        let functions = self.asynchronous.clone();
        let carrier = Carrier::new(functions, plans.deliveries, services.clone(), journal.clone(), seed);
        let (carrier, crew) = (Arc::new(carrier), self.crew.clone());
        let (plan, held) = (plans.alarms, BTreeMap::new());
        self.tasks.spawn(Minutes { services, bus, carrier, crew, journal, plan, held }.pass());
    }

    fn listen(&mut self, rules: Vec<PartnerRuleConfig>, around: &Surroundings) {
        let Surroundings { services, journal, plans, seed, .. } = around.clone();
        let (clock, crew) = (*services.clock(), self.crew.clone());
        let carrier = Carrier::new(BTreeMap::new(), plans.deliveries, services, journal.clone(), seed);
        let bus = PartnerBus::new(rules, Arc::new(carrier), crew, clock, (journal, seed));
        self.partner = Some(Arc::new(bus));
    }

    fn lay(&mut self, config: PipeConfig, around: &Surroundings) -> Result<(), CloudError> {
        let Surroundings { services, journal, plans, seed, .. } = around.clone();
        let pipes = Principal::Service { name: PIPES, source: names::pipe_arn(&config.name) };
        let assumed = services.iam().ask(&pipes, "sts:AssumeRole", &names::role_arn(&config.role));
        assumed.map_err(|_| CloudError::PipeRole(config.name.clone()))?;
        let stream = services.dynamodb().follow(&config.table);
        let stream = stream.ok_or_else(|| CloudError::NoStream(config.name.clone()))?;
        Arc::new(Pipe::new(config, stream, services, plans.pipes, journal, seed)).follow(&mut self.tasks);
        Ok(())
    }

    fn open(&mut self, edge: DistributionConfig, around: &Surroundings) -> Result<(), CloudError> {
        let around = Around {
            services: around.services.clone(),
            plan: Arc::clone(&around.plans.edge),
            crew: self.crew.clone(),
            journal: around.journal.clone(),
            seed: around.seed,
        };
        self.edge = Some(CloudFront::new(edge, &self.functions, around)?);
        Ok(())
    }

    fn deploy(
        &mut self,
        config: FunctionConfig,
        function: Arc<dyn Function>,
        around: Surroundings,
    ) -> Result<(), CloudError> {
        let (logical_id, sources) = (config.logical_id.clone(), config.sources.clone());
        let Surroundings { services, journal, seed, .. } = around.clone();
        check_role(&config, services.iam())?;
        let pool = Arc::new(Pool::new(config, Arc::clone(&function), around));
        function.deployed(Arc::downgrade(&pool));
        for source in sources {
            let source = EventSource::new(source, Arc::clone(&pool), services.clone(), journal.clone(), seed);
            let refused = |error| CloudError::EventSource { function: logical_id.clone(), error };
            let source = Arc::new(source.map_err(refused)?);
            for _ in 0..source.pollers() {
                self.tasks.spawn(Arc::clone(&source).poll());
            }
            self.sources.entry(logical_id.clone()).or_default().push(source);
        }
        let crew = self.crew.clone();
        let asynchronous = Asynchronous::new(Arc::clone(&pool), services, journal, crew, seed);
        self.asynchronous.insert(logical_id.clone(), Arc::new(asynchronous));
        self.functions.insert(logical_id, pool);
        Ok(())
    }
}

/// Refuses a function whose role does not trust Lambda.
fn check_role(function: &FunctionConfig, iam: &Iam) -> Result<(), CloudError> {
    let Some(role) = &function.role else { return Ok(()) };
    let lambda = Principal::Service { name: LAMBDA, source: names::function_arn(&function.name) };
    let assumed = iam.ask(&lambda, "sts:AssumeRole", &names::role_arn(role));
    assumed.map_err(|_| CloudError::Role(function.logical_id.clone()))
}

/// Refuses a rule, a function or a pipe whose queue for events given up is not there.
fn check_last_resorts(
    functions: &[&FunctionConfig],
    (pipes, rules): (&[PipeConfig], &[PartnerRuleConfig]),
    queues: &[String],
) -> Result<(), CloudError> {
    let of_pipes = pipes.iter().filter_map(|pipe| pipe.dead_letter_queue.as_ref());
    let targets = rules.iter().flat_map(|rule| &rule.targets);
    let of_rules = targets.flat_map(|(queue, target)| [Some(queue), target.dead_letter_queue.as_ref()]);
    if let Some(missing) = of_pipes.chain(of_rules.flatten()).find(|queue| !queues.contains(queue)) {
        return Err(CloudError::DeadLetterQueue(missing.clone()));
    }
    for function in functions {
        let rules = function.rules.iter().map(|rule| &rule.target);
        let schedules = function.schedules.iter().map(|schedule| &schedule.target);
        let dead_letters = rules.chain(schedules).map(|target| &target.dead_letter_queue);
        let last_resorts = dead_letters.chain([&function.asynchronous.on_failure]).flatten();
        if let Some(missing) = last_resorts.into_iter().find(|queue| !queues.contains(queue)) {
            return Err(CloudError::DeadLetterQueue(missing.clone()));
        }
    }
    Ok(())
}
