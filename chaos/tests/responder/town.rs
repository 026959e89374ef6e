//! A small world with both functions in it, built from the real template, whose operator invokes the responder and
//! looks at Stripe's dashboard.

use bytes::Bytes;
use chaos::clock::Clock;
use chaos::cloud::container::{End, Fate, FatePlan, Function};
use chaos::cloud::plans::Plans;
use chaos::cloud::services::Service;
use chaos::cloud::sqs::{Held, NewMessage};
use chaos::cloud::wire::{CallFate, CallPlan, ServiceCall};
use chaos::cloud::{Alerting, Blueprint, Cloud};
use chaos::consumer::ConsumerFunction;
use chaos::experiment::Experiment;
use chaos::faults::Faults;
use chaos::journal::{Event, Journal};
use chaos::responder::ResponderFunction;
use chaos::stripe::{FakeStripe, Provider};
use chaos::world::{Deployed, own_template};
use dynoxide::AttributeValue;
use payments::UnixMs;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const START: UnixMs = UnixMs(1_767_603_600_000);
const KEY: &str = "sk_test_simulated";

pub(crate) struct Town {
    pub(crate) journal: Journal,
    cloud: Cloud,
    provider: Provider,
    deployed: Deployed,
    clock: Clock,
    kill: Arc<KillNext>,
    hide: Arc<Hide>,
}

/// Runs `test` in a town with these faults, as an experiment file lists them, in virtual time.
pub(crate) fn in_town<T>(faults: &str, test: impl AsyncFnOnce(Town) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime without I/O starts");
    runtime.block_on(async { test(Town::new(faults)).await })
}

impl Town {
    fn new(faults: &str) -> Self {
        let experiment = Experiment::parse(Path::new("town.toml"), &format!("fault = {faults}"));
        let faults = experiment.expect("it is well formed").faults;
        let (clock, journal) = (Clock::starting_at(START), Journal::default());
        let faults = Faults::new(&faults, 7, START, 60, journal.clone());
        let stripe = FakeStripe::new(7, KEY, faults.clone());
        let provider = Provider::new(stripe, 7, faults, clock, journal.clone());
        let deployed = Deployed::load(&own_template(), &BTreeMap::new()).expect("the template loads");
        let consumer: Arc<dyn Function> = Arc::new(ConsumerFunction::new(provider.clone()));
        let responder: Arc<dyn Function> = Arc::new(ResponderFunction::new(provider.clone()));
        let kill =
            Arc::new(KillNext { function: deployed.consumer.logical_id.clone(), hop: Mutex::default() });
        let hide = Arc::new(Hide { queue: Mutex::default() });
        let stack = deployed.stack.clone();
        let blueprint = Blueprint {
            queues: stack.queues.into_values().collect(),
            tables: stack.tables.into_values().collect(),
            topics: stack.topics.into_values().collect(),
            functions: vec![
                (deployed.consumer.clone(), consumer),
                (deployed.responder.clone().expect("the stack has a responder"), responder),
            ],
            alerting: Alerting { alarms: stack.alarms.into_values().collect(), ..Alerting::default() },
            plans: Plans { fates: kill.clone(), calls: hide.clone(), ..Plans::default() },
            seed: 7,
        };
        let cloud = Cloud::start(blueprint, clock, &journal).expect("the template can be deployed");
        cloud.services().cloudwatch().settle(START);
        cloud.services().secrets().put(&deployed.secret, KEY, START);
        Self { journal, cloud, provider, deployed, clock, kill, hide }
    }

    pub(crate) fn send(&self, body: &str) {
        let message = NewMessage::text(body);
        let source = &self.deployed.names.source;
        self.cloud.services().sqs().send(source, message, self.clock.now()).expect("SQS accepts it");
    }

    pub(crate) async fn pass_s(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    /// The consumer's next invocation is killed at this hop.
    pub(crate) fn kill_the_next_delivery_at(&self, hop: u64) {
        *self.kill.hop.lock().unwrap_or_else(PoisonError::into_inner) = Some(hop);
    }

    /// From now on SQS refuses every call that would show dead letters again.
    pub(crate) fn refuse_to_show_dead_letters(&self) {
        let mut queue = self.hide.queue.lock().unwrap_or_else(PoisonError::into_inner);
        *queue = Some(self.deployed.names.dead_letters.clone());
    }

    pub(crate) fn dead_letters(&self) -> Vec<Held> {
        self.held(&self.deployed.names.dead_letters)
    }

    /// Invokes the responder as an operator does; its answer.
    pub(crate) async fn order(&self, order: Value) -> Value {
        let id = &self.deployed.responder.as_ref().expect("the stack has a responder").logical_id;
        let responder = self.cloud.function(id).expect("it is deployed");
        let ended = responder.invoke(order.to_string().into_bytes(), Vec::new()).await;
        serde_json::from_slice(&ended.outcome.expect("it answers")).expect("it answers in JSON")
    }

    /// What came of releasing a payment, in words.
    pub(crate) async fn release(&self, payment_id: &str) -> String {
        let order = json!({"command": "release", "payment_id": payment_id, "who": "ada", "why": "mended"});
        let answer = self.order(order).await;
        answer["done"].as_str().or(answer["error"].as_str()).expect("it says what was done").to_owned()
    }

    pub(crate) fn source(&self) -> Vec<Held> {
        self.held(&self.deployed.names.source)
    }

    /// The reason of each message in quarantine.
    pub(crate) fn quarantined(&self) -> Vec<String> {
        let reason = |held: &Held| held.content.attributes["quarantine_reason"].value.bytes().to_vec();
        let held = self.held(&self.deployed.names.quarantine);
        held.iter().map(|held| String::from_utf8_lossy(&reason(held)).into_owned()).collect()
    }

    /// One attribute of a payment's row; empty when it has none.
    pub(crate) fn row(&self, payment_id: &str, attribute: &str) -> String {
        let items = self.cloud.services().dynamodb().items(&self.deployed.names.ledger);
        let items = items.expect("the table exists");
        let row = items.iter().find(|item| text(item.get("payment_id")) == payment_id).expect("it has a row");
        text(row.get(attribute))
    }

    /// Changes a row as an operator does who thinks that a payment needs a human.
    pub(crate) async fn quarantine_by_hand(&self, payment_id: &str) {
        let update = json!({
            "TableName": self.deployed.names.ledger,
            "Key": {"payment_id": {"S": payment_id}},
            "UpdateExpression": "SET #state = :state, #reason = :reason ADD #version :one REMOVE #unsettled, #open",
            "ExpressionAttributeNames": {
                "#state": "state", "#reason": "reason", "#version": "version", "#unsettled": "unsettled",
                "#open": "open",
            },
            "ExpressionAttributeValues": {
                ":state": {"S": "quarantined"}, ":reason": {"S": "poison"}, ":one": {"N": "1"},
            },
        });
        let body = update.to_string();
        let reply = self.cloud.services().answer(Service::DynamoDb, "UpdateItem", body.as_bytes(), "").await;
        assert_eq!(reply.status, 200, "{reply:?}");
    }

    /// Cancels a payment's intent, as somebody does in Stripe's dashboard.
    pub(crate) fn cancel_at_stripe(&self, payment_id: &str) {
        let request =
            http::Request::post(format!("/v1/payment_intents/{}/cancel", self.row(payment_id, "intent_id")))
                .header("authorization", format!("Bearer {KEY}"))
                .header("content-type", "application/x-www-form-urlencoded")
                .body(Bytes::new());
        let request = request.expect("it is well formed");
        let response = self.provider.stripe().handle(&request, self.clock.now());
        assert_eq!(response.status(), 200, "{response:?}");
    }

    /// Charges in the book, by payment.
    pub(crate) fn charges(&self) -> Vec<String> {
        let stripe = self.provider.stripe();
        let movements = stripe.book().movements().iter();
        movements.map(|movement| movement.payment.clone().unwrap_or_default()).collect()
    }

    /// Subjects of the mails that arrived.
    pub(crate) fn mails(&self) -> Vec<String> {
        let sns = self.cloud.services().sns();
        sns.mailbox().iter().map(|mail| mail.subject.clone()).collect()
    }

    /// Hops of each answered invocation of the responder: two for each call it made.
    pub(crate) fn hops_of_turns(&self) -> Vec<u64> {
        let id = self.deployed.responder.as_ref().map(|responder| responder.logical_id.as_str());
        let records = self.journal.records();
        let turns: Vec<&str> = records
            .iter()
            .filter_map(|record| match &record.event {
                Event::Invoked { function, request, .. } if Some(function.as_str()) == id => {
                    Some(request.as_str())
                }
                _ => None,
            })
            .collect();
        let hops = records.iter().filter_map(|record| match &record.event {
            Event::Answered { request, hops, .. } if turns.contains(&request.as_str()) => Some(*hops),
            _ => None,
        });
        hops.collect()
    }

    fn held(&self, queue: &str) -> Vec<Held> {
        self.cloud.services().sqs().messages(queue, self.clock.now()).expect("the queue exists")
    }
}

/// A payment message.
pub(crate) fn payment(id: &str, amount: i64) -> String {
    format!(r#"{{"payment_id":"{id}","amount":{amount},"currency":"eur","payment_method":"pm_card_visa"}}"#)
}

struct KillNext {
    function: String,
    hop: Mutex<Option<u64>>,
}

impl FatePlan for KillNext {
    fn of_invocation(&self, function: &str, _: &str, _: UnixMs) -> Fate {
        let mut hop = self.hop.lock().unwrap_or_else(PoisonError::into_inner);
        let hop = if function == self.function { hop.take() } else { None };
        hop.map_or(Fate::Lives, |hop| Fate::Ends(End::Crash, hop))
    }
}

/// Refuses every change of visibility in a queue.
#[derive(Debug)]
struct Hide {
    queue: Mutex<Option<String>>,
}

impl CallPlan for Hide {
    fn of_call(&self, call: &ServiceCall<'_>, _: UnixMs) -> CallFate {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let is_there = queue.as_ref().is_some_and(|queue| String::from_utf8_lossy(call.body).contains(queue));
        if is_there && call.operation == "ChangeMessageVisibilityBatch" {
            CallFate::Refused
        } else {
            CallFate::Answered
        }
    }
}

fn text(value: Option<&AttributeValue>) -> String {
    match value {
        Some(AttributeValue::S(text) | AttributeValue::N(text)) => text.clone(),
        _ => String::new(),
    }
}
