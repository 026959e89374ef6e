//! A small cloud for tests: a payments queue with its dead-letter queue, and a ledger.
//!
//! Invariant: it is configured like the deployed one wherever the number matters to a rule.

use super::config::{
    AliasConfig, AsyncConfig, FunctionConfig, ItemFailures, LoggingConfig, QueueConfig, RedriveConfig,
    SqsSourceConfig, SubscriptionConfig, TableConfig, TopicConfig,
};
use super::container::{BoxFuture, Container, Fate, FatePlan, Function, Handler, InvocationContext};
use super::iam::{Access, Policies, Principal};
use super::names;
use super::plans::{Faultless, Plans};
use super::wire::{CallPlan, CurrentRequest, Latencies, Wire};
use super::{Alerting, Blueprint, Cloud, CloudError};
use crate::clock::Clock;
use crate::journal::{Event, Journal};
use crate::link::Link;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::SdkConfig;
use aws_types::region::Region;
use aws_types::sdk_config::StalledStreamProtectionConfig;
use payments::UnixMs;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// 2019-07-10T16:35:00Z.
pub(crate) const START: UnixMs = UnixMs(1_562_776_500_000);

pub(crate) fn queue(name: &str) -> QueueConfig {
    QueueConfig {
        name: name.to_owned(),
        visibility_s: 360,
        retention_s: 345_600,
        delay_s: 0,
        message_bytes_max: 1_048_576,
        redrive: None,
    }
}

/// `payments`, which dead-letters to `dead` after `receives_max`, and `dead`.
pub(crate) fn queues(receives_max: u32) -> Vec<QueueConfig> {
    let redrive = Some(RedriveConfig { dead_letter_queue: "dead".to_owned(), receives_max });
    let dead = QueueConfig { retention_s: 1_209_600, ..queue("dead") };
    vec![QueueConfig { redrive, ..queue("payments") }, dead]
}

pub(crate) fn ledger() -> TableConfig {
    TableConfig {
        name: "ledger".to_owned(),
        create: json!({
            "TableName": "ledger",
            "AttributeDefinitions": [{ "AttributeName": "payment_id", "AttributeType": "S" }],
            "KeySchema": [{ "AttributeName": "payment_id", "KeyType": "HASH" }],
            "BillingMode": "PAY_PER_REQUEST",
        }),
        ttl_attribute: None,
        streams: false,
    }
}

/// `alerts`, with one e-mail address.
pub(crate) fn alerts() -> TopicConfig {
    let address = SubscriptionConfig { protocol: "email".to_owned(), endpoint: "ops@example.com".to_owned() };
    let publishers = BTreeSet::from(["cloudwatch.amazonaws.com".to_owned()]);
    TopicConfig {
        name: "alerts".to_owned(),
        region: names::Region::Home,
        publishers,
        subscriptions: vec![address],
    }
}

/// `Consumer`: 60 s, batches of 10 from `payments`, two at a time.
pub(crate) fn consumer() -> FunctionConfig {
    FunctionConfig {
        logical_id: "Consumer".to_owned(),
        has_url: false,
        name: "payments-consumer".to_owned(),
        alias: None,
        timeout_s: 60,
        role: None,
        log_group: "/aws/lambda/payments-consumer".to_owned(),
        logging: LoggingConfig::default(),
        memory_mb: 256,
        environment: BTreeMap::new(),
        sources: vec![SqsSourceConfig {
            queue: "payments".to_owned(),
            batch_size: 10,
            window_s: 0,
            concurrency_max: Some(2),
            reports_item_failures: ItemFailures::Reported,
        }],
        rules: vec![],
        schedules: vec![],
        asynchronous: AsyncConfig::default(),
    }
}

/// An alias as the template gives both functions one.
pub(crate) fn live() -> AliasConfig {
    AliasConfig { name: "live".to_owned(), description: "test, 20 a second".to_owned() }
}

/// A running cloud, its journal and its clock.
pub(crate) struct World {
    pub(crate) cloud: Cloud,
    pub(crate) journal: Journal,
    pub(crate) clock: Clock,
}

pub(crate) fn world(functions: Vec<(FunctionConfig, Arc<dyn Function>)>) -> World {
    world_with(functions, Plans::default(), 1)
}

pub(crate) fn world_with(
    functions: Vec<(FunctionConfig, Arc<dyn Function>)>,
    plans: Plans,
    seed: u64,
) -> World {
    alerted(functions, plans, Alerting::default(), seed)
}

pub(crate) fn alerted(
    functions: Vec<(FunctionConfig, Arc<dyn Function>)>,
    plans: Plans,
    alerting: Alerting,
    seed: u64,
) -> World {
    started(functions, (plans, alerting), Access::Open, seed).unwrap()
}

/// A cloud that holds everybody to these policies.
pub(crate) fn deployed(
    functions: Vec<(FunctionConfig, Arc<dyn Function>)>,
    around: (Plans, Alerting),
    policies: Policies,
) -> Result<World, CloudError> {
    started(functions, around, Access::Under(policies), 1)
}

fn started(
    functions: Vec<(FunctionConfig, Arc<dyn Function>)>,
    (plans, alerting): (Plans, Alerting),
    access: Access,
    seed: u64,
) -> Result<World, CloudError> {
    let (clock, journal) = (Clock::starting_at(START), Journal::default());
    let blueprint = Blueprint {
        queues: queues(5),
        tables: vec![ledger()],
        topics: vec![alerts()],
        functions,
        alerting,
        plans,
        access,
        seed,
        ..Blueprint::default()
    };
    let cloud = Cloud::start(blueprint, clock, &journal)?;
    Ok(World { cloud, journal, clock })
}

/// No concurrency is left for anybody, until then.
pub(crate) struct Crowded(pub(crate) UnixMs);

impl FatePlan for Crowded {
    fn of_invocation(&self, _: &str, _: &str, _: UnixMs) -> Fate {
        Fate::Lives
    }

    fn throttles(&self, _: &str, _: &str, now: UnixMs) -> bool {
        now < self.0
    }
}

/// Plans in which Lambda has no room for so long.
pub(crate) fn crowded_for_s(seconds: i64) -> Plans {
    Plans { fates: Arc::new(Crowded(START.plus_ms(1_000 * seconds))), ..Plans::default() }
}

impl World {
    pub(crate) async fn run_for_s(&self, seconds: i64) {
        self.clock.sleep_until(self.clock.now().plus_ms(1000 * seconds)).await;
    }

    pub(crate) fn send(&self, body: &str) -> String {
        let message = super::sqs::NewMessage::text(body);
        self.cloud.services().sqs().send("payments", message, self.clock.now()).unwrap().id
    }

    /// What `pick` makes of the events, in order.
    pub(crate) fn events<T>(&self, pick: impl Fn(&Event) -> Option<T>) -> Vec<T> {
        self.journal.records().iter().filter_map(|record| pick(&record.event)).collect()
    }
}

/// The configuration a function would use, over a wire of its own that works on `request-1`.
pub(crate) fn sdk(world: &World) -> (SdkConfig, Link) {
    sdk_under(world, Arc::new(Faultless))
}

/// The same, under a plan for its calls.
pub(crate) fn sdk_under(world: &World, plan: Arc<dyn CallPlan>) -> (SdkConfig, Link) {
    let (link, request) = (Link::default(), CurrentRequest::default());
    request.set("request-1");
    let wire = Wire::new(world.cloud.services().clone(), Latencies::new(1), link.clone(), request);
    (configured(world, wire.under(plan)), link)
}

/// The same, for somebody whose permissions count.
pub(crate) fn sdk_of(world: &World, who: Principal) -> SdkConfig {
    let services = world.cloud.services().clone();
    let wire = Wire::new(services, Latencies::new(1), Link::default(), CurrentRequest::default());
    configured(world, wire.of(Some(Arc::new(who))))
}

fn configured(world: &World, wire: Wire) -> SdkConfig {
    let credentials = Credentials::new("id", "secret", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(names::REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(SharedHttpClient::new(wire))
        .time_source(world.clock)
        .sleep_impl(TokioSleep::new())
        // It takes a silence of 5 s for a broken stream, and so aborts a long poll.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .build()
}

type Work = dyn Fn(Container, Vec<u8>, InvocationContext) -> BoxFuture<'static, Result<Vec<u8>, String>>
    + Send
    + Sync;

/// A function made of a closure, without an init of its own.
#[derive(Clone)]
pub(crate) struct Script(Arc<Work>);

/// Makes a function of an async closure from container, payload and context to an answer.
pub(crate) fn script<F>(
    work: impl Fn(Container, Vec<u8>, InvocationContext) -> F + Send + Sync + 'static,
) -> Arc<dyn Function>
where
    F: Future<Output = Result<Vec<u8>, String>> + Send + 'static,
{
    Arc::new(Script(Arc::new(move |container, payload, context| Box::pin(work(container, payload, context)))))
}

impl Function for Script {
    fn start(&self, container: Container) -> BoxFuture<'static, Result<Box<dyn Handler>, String>> {
        let script = self.clone();
        Box::pin(async move { Ok(Box::new(Started { script, container }) as Box<dyn Handler>) })
    }
}

struct Started {
    script: Script,
    container: Container,
}

impl Handler for Started {
    fn invoke(&self, payload: Vec<u8>, context: InvocationContext) -> BoxFuture<'_, Result<Vec<u8>, String>> {
        self.script.0(self.container.clone(), payload, context)
    }
}
