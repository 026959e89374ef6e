//! A pipe from a small ledger to a bus, in virtual time.

use super::*;
use crate::clock::Clock;
use crate::cloud::cloudwatch::Knobs;
use crate::cloud::cloudwatch::fixtures::alarm;
use crate::cloud::config::{MetricName, MetricStat, Statistic, TableConfig};
use crate::cloud::eventbridge::Pattern;
use crate::cloud::fixtures::{START, ledger, queue};
use crate::cloud::iam::{Access, Policies};
use crate::cloud::plans::Plans;
use crate::cloud::services::Caller;
use crate::cloud::{Alerting, Blueprint, Cloud, CloudError};
use crate::journal::Event;
use std::collections::BTreeMap;

/// The bus takes nothing until then, and nothing of this key ever.
#[derive(Default)]
struct Trouble {
    until: Option<UnixMs>,
    poison: &'static str,
    /// While it lasts the bus takes everything and does not say so.
    is_unheard: bool,
}

impl PipePlan for Trouble {
    fn put(&self, keys: &[&str], now: UnixMs) -> Put {
        let is_now = self.until.is_some_and(|until| now < until);
        match self.is_unheard {
            true if is_now => Put::AnswerLost,
            false if is_now || keys.contains(&self.poison) => Put::Failed,
            _ => Put::Taken,
        }
    }
}

struct World {
    cloud: Cloud,
    journal: Journal,
    clock: Clock,
}

fn pipe() -> PipeConfig {
    let became = serde_json::json!({ "dynamodb": { "NewImage": { "state": { "S": ["succeeded"] } } } });
    PipeConfig {
        name: "outcomes".to_owned(),
        role: "teller".to_owned(),
        table: "ledger".to_owned(),
        filters: vec![Pattern::parse(&became).unwrap()],
        batch_size: 10,
        age_s_max: Some(3_600),
        retries_max: None,
        bisects: true,
        dead_letter_queue: Some("undelivered".to_owned()),
        bus: "outcomes".to_owned(),
        source: "payments".to_owned(),
        detail_type: "Payment outcome".to_owned(),
        template: Template::parse(
            r#"{"payment_id":"<$.dynamodb.NewImage.payment_id.S>","n":"<$.dynamodb.NewImage.n.N>"}"#,
        )
        .unwrap(),
    }
}

fn started(pipe: PipeConfig, plan: Trouble, access: Access) -> Result<World, CloudError> {
    let (clock, journal) = (Clock::starting_at(START), Journal::default());
    let blueprint = Blueprint {
        queues: vec![queue("undelivered")],
        tables: vec![TableConfig { streams: true, ..ledger() }],
        pipes: vec![pipe],
        // With an alarm there are minutes, at whose ends metrics arrive.
        alerting: Alerting { alarms: vec![alarm()], knobs: Knobs::default(), ..Alerting::default() },
        plans: Plans { pipes: Arc::new(plan), ..Plans::default() },
        access,
        seed: 1,
        ..Blueprint::default()
    };
    let cloud = Cloud::start(blueprint, clock, &journal)?;
    cloud.services().cloudwatch().keep_everything(86_400_000);
    Ok(World { cloud, journal, clock })
}

fn world(plan: Trouble) -> World {
    started(pipe(), plan, Access::Open).unwrap()
}

impl World {
    fn write(&self, id: &str, state: &str, n: u32) {
        let item = json!({ "payment_id": { "S": id }, "state": { "S": state }, "n": { "N": n.to_string() } });
        let body = json!({ "TableName": "ledger", "Item": item }).to_string();
        let dynamodb = self.cloud.services().dynamodb();
        let reply = dynamodb.answer("PutItem", body.as_bytes(), Caller::default(), self.clock.now());
        assert_eq!(reply.status, 200);
    }

    async fn run_for_s(&self, seconds: i64) {
        self.clock.sleep_until(self.clock.now().plus_ms(1_000 * seconds)).await;
    }

    /// What was told: whose, and which.
    fn told(&self) -> Vec<(String, u32)> {
        let told = |event: &Event| {
            let Event::Pipe(PipeEvent::Told { detail, .. }) = event else { return None };
            let (id, n) = (detail["payment_id"].as_str()?, detail["n"].as_str()?);
            Some((id.to_owned(), n.parse().ok()?))
        };
        self.journal.records().iter().filter_map(|record| told(&record.event)).collect()
    }

    fn failures(&self) -> f64 {
        let dimensions = BTreeMap::from([("PipeName".to_owned(), "outcomes".to_owned())]);
        let (namespace, name) = ("AWS/EventBridge/Pipes".to_owned(), "ExecutionFailed".to_owned());
        let metric = MetricName { namespace, name, dimensions };
        let stat = MetricStat { metric, statistic: Statistic::Sum, period_s: 60 };
        let points = self.cloud.services().cloudwatch().statistics(&stat, START, self.clock.now());
        points.iter().map(|(_, value)| value).sum()
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_filter_is_for_is_told_once_within_a_second() {
    let world = world(Trouble::default());
    world.write("order-1", "received", 0);
    world.write("order-1", "succeeded", 1);
    world.run_for_s(1).await;
    assert_eq!(world.told(), [("order-1".to_owned(), 1)]);
    world.run_for_s(3_600).await;
    assert_eq!(world.told().len(), 1);
    assert!(world.failures().abs() < f64::EPSILON);
}

#[tokio::test(start_paused = true)]
async fn what_a_bus_did_not_take_is_told_when_it_does_in_the_order_of_its_changes() {
    let world = world(Trouble { until: Some(START.plus_ms(600_000)), ..Trouble::default() });
    for n in 0..60 {
        world.write(&format!("order-{}", n % 6), "succeeded", n);
        world.run_for_s(2).await;
    }
    world.run_for_s(300).await;
    assert_eq!(world.told(), []);
    assert!(world.failures() > 10.0);
    world.run_for_s(900).await;
    let told = world.told();
    assert_eq!(told.len(), 60, "each once");
    for order in (0..6).map(|n| format!("order-{n}")) {
        let of_it: Vec<u32> = told.iter().filter(|(id, _)| *id == order).map(|(_, n)| *n).collect();
        assert!(of_it.is_sorted() && of_it.len() == 10, "{order}: {of_it:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_bus_took_without_saying_so_is_told_again() {
    let trouble = Trouble { until: Some(START.plus_ms(1_000)), is_unheard: true, ..Trouble::default() };
    let world = world(trouble);
    world.write("order-1", "succeeded", 1);
    world.run_for_s(60).await;
    assert!(world.told().len() >= 2, "{:?}", world.told());
    assert!(world.told().iter().all(|told| *told == ("order-1".to_owned(), 1)));
}

#[tokio::test(start_paused = true)]
async fn one_that_no_bus_takes_is_given_up_alone_and_a_queue_keeps_its_place() {
    let world = world(Trouble { poison: "order-3", ..Trouble::default() });
    for n in 0..40 {
        world.write(&format!("order-{n}"), "succeeded", n);
    }
    world.run_for_s(3_500).await;
    assert!(world.told().len() < 39, "those behind it in its shard wait");
    world.run_for_s(600).await;
    let told: Vec<u32> = world.told().into_iter().map(|(_, n)| n).collect();
    assert_eq!(told.len(), 39);
    assert!(!told.contains(&3));
    let kept = world.cloud.services().sqs().messages("undelivered", world.clock.now()).unwrap();
    let [kept] = kept.as_slice() else { panic!("one letter: {kept:?}") };
    let letter: Value = serde_json::from_str(&kept.content.body).unwrap();
    assert_eq!(letter["DDBStreamBatchInfo"]["batchSize"], 1);
    assert!(letter["DDBStreamBatchInfo"]["startSequenceNumber"].is_string());
    assert!(!kept.content.body.contains("order-3"), "where it is, not what it is");
}

#[tokio::test(start_paused = true)]
async fn tries_are_counted_where_they_are_limited_and_a_batch_stays_whole_where_it_is_not_to_be_halved() {
    let pipe = PipeConfig { retries_max: Some(2), bisects: false, ..pipe() };
    let world = started(pipe, Trouble { poison: "order-3", ..Trouble::default() }, Access::Open).unwrap();
    for n in 0..40 {
        world.write(&format!("order-{n}"), "succeeded", n);
    }
    world.run_for_s(600).await;
    let lost = 40 - world.told().len();
    assert!((2..=10).contains(&lost), "its whole batch is given up: {lost}");
    assert!((world.failures() - 3.0).abs() < f64::EPSILON);
}

#[tokio::test(start_paused = true)]
async fn a_role_that_pipes_cannot_take_on_is_refused() {
    let refused = started(pipe(), Trouble::default(), Access::Under(Policies::default()));
    assert_eq!(refused.err(), Some(CloudError::PipeRole("outcomes".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn a_pipe_wants_a_stream_and_a_queue_that_are_there() {
    let refused = |pipe: PipeConfig| started(pipe, Trouble::default(), Access::Open).err();
    let queue = Some("elsewhere".to_owned());
    let missing = CloudError::DeadLetterQueue("elsewhere".to_owned());
    assert_eq!(refused(PipeConfig { dead_letter_queue: queue, ..pipe() }), Some(missing));
    let table = "no-table".to_owned();
    assert_eq!(refused(PipeConfig { table, ..pipe() }), Some(CloudError::NoStream("outcomes".to_owned())));
}
