//! The stack around a contestant: queue and dead-letter queue of the template, and the alarms that AWS's guides ask for.
//!
//! Invariant: what it has in common with the deployed stack is read from the template.

use super::contestants::{Contestant, Durable};
use super::service::Service;
use chaos::cloud::config::{
    AlarmActions, AlarmConfig, Measure, MetricName, MetricStat, MissingData, Statistic,
};
use chaos::cloud::names::topic_arn;
use chaos::experiment::Experiment;
use chaos::world::{Code, Deployed, History, World, own_template};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where the metric of failed executions is. On AWS that is `AWS/Lambda`.
pub(super) const NAMESPACE: &str = "durable";
/// What it is called: <https://docs.aws.amazon.com/lambda/latest/dg/durable-monitoring.html>.
pub(super) const FAILED: &str = "DurableExecutionFailed";

/// The longest that an execution may take behind a mapping, seconds, and a visibility that outlasts it.
/// <https://docs.aws.amazon.com/lambda/latest/dg/durable-invoking-esm.html>
const EXECUTION_S_MAX: u32 = 900;
const VISIBILITY_S: u32 = EXECUTION_S_MAX + 60;
/// Batches at once. Ours makes do with two, which wait for nobody; an execution that waits keeps a poller.
const POLLERS: u32 = 50;

const DEAD_LETTERS: &str = "DeadLettersWaiting";

/// Runs an experiment on the stack as it is deployed.
pub(super) fn run_ours(experiment: Experiment, seed: u64) -> History {
    run_on(deployed(), experiment, seed, Code::DEPLOYED)
}

/// Runs an experiment on a contestant's stack; with what its executions left.
pub(super) fn run(contestant: Contestant, experiment: Experiment, seed: u64) -> (History, Service) {
    let service = Service::new(seed);
    let consumer = |provider| {
        let service = service.clone();
        Arc::new(Durable { contestant, provider, service }) as Arc<dyn chaos::cloud::container::Function>
    };
    let code = Code { consumer: &consumer, ..Code::DEPLOYED };
    let history = run_on(durable(deployed()), experiment, seed, code);
    (history, service)
}

fn run_on(deployed: Deployed, experiment: Experiment, seed: u64, code: Code<'_>) -> History {
    let world = World::new(deployed, experiment, seed).expect("its payments are made up");
    world.run(code, &mut |_| {}).expect("the world runs")
}

fn deployed() -> Deployed {
    Deployed::load(&own_template(), &BTreeMap::new()).expect("the template is good")
}

/// Without ledger, quarantine and responder there is less to tell, and nobody else who would.
fn durable(mut deployed: Deployed) -> Deployed {
    (deployed.responder, deployed.names.incidents) = (None, None);
    deployed.consumer.timeout_s = EXECUTION_S_MAX;
    for source in &mut deployed.consumer.sources {
        (source.batch_size, source.concurrency_max) = (1, Some(POLLERS));
    }
    let source = deployed.stack.queues.values_mut().find(|queue| queue.name == deployed.names.source);
    source.expect("it has a source").visibility_s = VISIBILITY_S;

    let topic = deployed.stack.topics.values().find(|topic| topic.name.ends_with("-alerts"));
    let told = vec![topic_arn(&topic.expect("it has a topic").name)];
    let alarms = &mut deployed.stack.alarms;
    alarms.retain(|_, alarm| alarm.name.ends_with(DEAD_LETTERS));
    for alarm in alarms.values_mut() {
        alarm.actions = AlarmActions { alarm: told.clone(), ok: told.clone(), ..AlarmActions::default() };
    }
    let failed = alarms.values().next().map(of_failed_executions).expect("it has an alarm");
    alarms.insert(FAILED.to_owned(), failed);
    deployed
}

fn of_failed_executions(like: &AlarmConfig) -> AlarmConfig {
    let metric =
        MetricName { namespace: NAMESPACE.to_owned(), name: FAILED.to_owned(), dimensions: BTreeMap::new() };
    AlarmConfig {
        name: FAILED.to_owned(),
        measure: Measure::Metric(MetricStat { metric, statistic: Statistic::Sum, period_s: 60 }),
        periods: 1,
        breaches_min: None,
        missing: MissingData::NotBreaching,
        ..like.clone()
    }
}
