//! A small world with both functions in it, built from the real template, whose operator invokes the responder and
//! looks at Stripe's dashboard.

use bytes::Bytes;
use chaos::clock::Clock;
use chaos::cloud::cloudwatch::AlarmPlan;
use chaos::cloud::container::{End, Fate, FatePlan, Function};
use chaos::cloud::iam::{Access, Grant};
use chaos::cloud::plans::Plans;
use chaos::cloud::services::{Caller, Service};
use chaos::cloud::sns::SubscriptionState;
use chaos::cloud::sqs::{Held, NewMessage};
use chaos::cloud::wire::{CallFate, CallPlan, ServiceCall};
use chaos::cloud::{Alerting, Blueprint, Cloud};
use chaos::consumer::ConsumerFunction;
use chaos::experiment::Experiment;
use chaos::faults::Faults;
use chaos::journal::{Event, FunctionEvent, Journal};
use chaos::responder::ResponderFunction;
use chaos::stripe::{FakeStripe, Provider};
use chaos::world::{Deployed, own_template};
use dynoxide::AttributeValue;
use payments::UnixMs;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub(crate) const START: UnixMs = UnixMs(1_767_603_600_000);
const PAGER: &str = "https://pager.example.com/payments";
const KEY: &str = "sk_test_simulated";

pub(crate) struct Town {
    pub(crate) journal: Journal,
    cloud: Cloud,
    provider: Provider,
    deployed: Deployed,
    clock: Clock,
    kill: Arc<KillNext>,
    hide: Arc<Hide>,
    mute: Arc<Mute>,
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
        let deployed =
            Deployed::load(&own_template(), &[("PagerEndpoint".to_owned(), PAGER.to_owned())].into())
                .expect("the template loads");
        let consumer: Arc<dyn Function> = Arc::new(ConsumerFunction::new(provider.clone()));
        let responder: Arc<dyn Function> = Arc::new(ResponderFunction::new(provider.clone()));
        let kill = Arc::new(KillNext::default());
        let hide = Arc::new(Hide { queue: Mutex::default() });
        let mute = Arc::new(Mute::default());
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
            plans: Plans {
                fates: kill.clone(),
                calls: hide.clone(),
                alarms: mute.clone(),
                ..Plans::default()
            },
            access: Access::Under(stack.policies),
            seed: 7,
            ..Blueprint::default()
        };
        let cloud = Cloud::start(blueprint, clock, &journal).expect("the template can be deployed");
        cloud.services().cloudwatch().settle(START);
        cloud.services().secrets().put(&deployed.secret, KEY, START);
        Self { journal, cloud, provider, deployed, clock, kill, hide, mute }
    }

    pub(crate) fn send(&self, body: &str) {
        let message = NewMessage::text(body);
        let source = &self.deployed.names.source;
        self.cloud.services().sqs().send(source, message, self.clock.now()).expect("SQS accepts it");
    }

    pub(crate) async fn pass_s(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    pub(crate) async fn pass_ms(&self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    /// The consumer's next invocation is killed at this hop.
    pub(crate) fn kill_the_next_delivery_at(&self, hop: u64) {
        self.kill.set(&self.deployed.consumer.logical_id, hop);
    }

    /// The responder's next invocation is killed at this hop.
    pub(crate) fn kill_the_next_turn_at(&self, hop: u64) {
        self.kill.set(&self.deployed.responder.as_ref().expect("the stack has one").logical_id, hop);
    }

    /// From now on nobody reads the mails, or somebody does again.
    pub(crate) fn readers_are(&self, state: SubscriptionState) {
        let alerts = &self.deployed.stack.topics["Alerts"].name;
        self.cloud.services().sns().set_readers(alerts, state).expect("the topic is there");
    }

    /// From now on SQS refuses every call that would show dead letters again.
    pub(crate) fn refuse_to_show_dead_letters(&self) {
        let mut queue = self.hide.queue.lock().unwrap_or_else(PoisonError::into_inner);
        *queue = Some(self.deployed.names.dead_letters.clone());
    }

    /// From now on a mute rule holds back the actions of every alarm, or of none again.
    pub(crate) fn mute_alarms(&self, muted: Muted) {
        *self.mute.0.lock().unwrap_or_else(PoisonError::into_inner) = muted;
    }

    /// Disables an alarm's actions, as somebody does who does not want to be woken.
    pub(crate) fn disable_actions(&self, alarm: &str) {
        self.cloud.services().cloudwatch().disable_actions(alarm);
    }

    /// Every value of a metric that a function wrote.
    pub(crate) fn metric(&self, name: &str) -> Vec<u64> {
        let records = self.journal.records();
        let values = records.iter().filter_map(|record| match &record.event {
            Event::Function(FunctionEvent::Metrics { line }) => line.parsed()[name].as_u64(),
            _ => None,
        });
        values.collect()
    }

    /// The grants without any one of which things would have gone otherwise.
    pub(crate) fn needed(&self) -> BTreeSet<Grant> {
        self.cloud.services().iam().needed()
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

    /// Says that a payment is to blame for whatever it meets next.
    pub(crate) async fn blame(&self, payment_id: &str) {
        let order =
            json!({"command": "blame", "payment_id": payment_id, "who": "ada", "why": "it is its own"});
        let answer = self.order(order).await;
        assert!(
            answer["done"].as_str().is_some_and(|done| done.starts_with("payments marked: 1")),
            "{answer}"
        );
    }

    /// What came of releasing a payment, in words.
    pub(crate) async fn release(&self, payment_id: &str) -> String {
        let order = json!({"command": "release", "payment_id": payment_id, "who": "ada", "why": "mended"});
        let answer = self.order(order).await;
        answer["done"].as_str().or(answer["error"].as_str()).expect("it says what was done").to_owned()
    }

    /// Audits so far back, and what that came to once it is over.
    pub(crate) async fn audit(&self, since: &str) -> Value {
        let said = self.order_audit(since).await;
        assert!(said.contains("has begun"), "{said}");
        for _ in 0..30 {
            self.pass_s(60).await;
            let audit = self.status().await["audit"].clone();
            if audit["phase"]["name"] == "idle" {
                return audit["last"]["round"].clone();
            }
        }
        panic!("the audit is not over after half an hour")
    }

    /// What is said to the order of an audit.
    pub(crate) async fn order_audit(&self, since: &str) -> String {
        let order = json!({"command": "audit", "since": since, "who": "ada", "why": "month's end"});
        let answer = self.order(order).await;
        answer["done"].as_str().or(answer["error"].as_str()).expect("it says what was done").to_owned()
    }

    pub(crate) async fn status(&self) -> Value {
        self.order(json!({"command": "status"})).await
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
        let reply = self
            .cloud
            .services()
            .answer(Service::DynamoDb, "UpdateItem", body.as_bytes(), Caller::default())
            .await;
        assert_eq!(reply.status, 200, "{reply:?}");
    }

    /// Changes attributes of a row, as whoever has the rights and no idea does.
    pub(crate) async fn edit_row(&self, payment_id: &str, attributes: Value) {
        let named = attributes.as_object().expect("attributes by name");
        let sets: Vec<String> = named.keys().map(|name| format!("#{name} = :{name}")).collect();
        let names: Value = named.keys().map(|name| (format!("#{name}"), json!(name))).collect();
        let values: Value = named.iter().map(|(name, value)| (format!(":{name}"), value.clone())).collect();
        let update = json!({
            "TableName": self.deployed.names.ledger,
            "Key": {"payment_id": {"S": payment_id}},
            "UpdateExpression": format!("SET {}", sets.join(", ")),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
        });
        self.dynamodb("UpdateItem", update).await;
    }

    pub(crate) async fn delete_row(&self, payment_id: &str) {
        let key = json!({"payment_id": {"S": payment_id}});
        self.dynamodb("DeleteItem", json!({"TableName": self.deployed.names.ledger, "Key": key})).await;
    }

    /// Writes a row from nothing, in the place of whatever there was.
    pub(crate) async fn put_row(&self, item: Value) {
        self.dynamodb("PutItem", json!({"TableName": self.deployed.names.ledger, "Item": item})).await;
    }

    async fn dynamodb(&self, operation: &str, body: Value) {
        let body = body.to_string();
        let reply = self
            .cloud
            .services()
            .answer(Service::DynamoDb, operation, body.as_bytes(), Caller::default())
            .await;
        assert_eq!(reply.status, 200, "{reply:?}");
    }

    /// Makes an intent in a payment's name, as another program of the account may; its id.
    pub(crate) fn make_at_stripe(&self, form: &str) -> String {
        self.make_at_stripe_at(&format!("payment_method=pm_card_visa&{form}"), self.clock.now())
    }

    /// The same, at another time and of this form alone.
    pub(crate) fn make_at_stripe_at(&self, form: &str, at: UnixMs) -> String {
        self.post("/v1/payment_intents", form, at)
    }

    /// The same, and charges it.
    pub(crate) fn charge_at_stripe(&self, form: &str) -> String {
        self.charge_at_stripe_at(form, self.clock.now())
    }

    /// The same, at another time.
    pub(crate) fn charge_at_stripe_at(&self, form: &str, at: UnixMs) -> String {
        let form = format!("payment_method=pm_card_visa&confirm=true&off_session=true&{form}");
        self.post("/v1/payment_intents", &form, at)
    }

    /// Confirms an intent by hand.
    pub(crate) fn confirm_at_stripe(&self, intent: &str) {
        self.post(
            &format!("/v1/payment_intents/{intent}/confirm"),
            "off_session=true&payment_method=pm_card_visa",
            self.clock.now(),
        );
    }

    fn post(&self, path: &str, form: &str, at: UnixMs) -> String {
        let request = http::Request::post(path)
            .header("authorization", format!("Bearer {KEY}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("stripe-version", ::stripe::STRIPE_VERSION)
            .body(Bytes::from(form.to_owned()));
        let request = request.expect("it is well formed");
        let response = self.provider.stripe().handle(&request, at);
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        assert_eq!(response.status(), 200, "{body}");
        body["id"].as_str().expect("an intent").to_owned()
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
        sns.mailbox().iter().filter(|mail| mail.to != PAGER).map(|mail| mail.subject.clone()).collect()
    }

    /// Subjects of what arrived on the second channel.
    pub(crate) fn pages(&self) -> Vec<String> {
        let sns = self.cloud.services().sns();
        sns.mailbox().iter().filter(|mail| mail.to == PAGER).map(|mail| mail.subject.clone()).collect()
    }

    /// The mails about differences.
    pub(crate) fn mails_of_differences(&self) -> Vec<String> {
        let sns = self.cloud.services().sns();
        let told = sns.mailbox().iter().filter(|mail| mail.to != PAGER);
        let told = told.filter(|mail| mail.subject.contains("books and ledger differ"));
        told.map(|mail| format!("{}\n{}", mail.subject, mail.body)).collect()
    }

    /// Hops of each answered invocation of the responder: two for each call it made.
    pub(crate) fn hops_of_turns(&self) -> Vec<u64> {
        let id = self.deployed.responder.as_ref().map(|responder| responder.logical_id.as_str());
        let records = self.journal.records();
        let turns: Vec<&str> = records
            .iter()
            .filter_map(|record| match &record.event {
                Event::Function(FunctionEvent::Invoked { function, request, .. })
                    if Some(function.as_str()) == id =>
                {
                    Some(request.as_str())
                }
                _ => None,
            })
            .collect();
        let hops = records.iter().filter_map(|record| match &record.event {
            Event::Function(FunctionEvent::Answered { request, hops, .. })
                if turns.contains(&request.as_str()) =>
            {
                Some(*hops)
            }
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

/// The hop at which each function's next invocation is killed.
#[derive(Default)]
struct KillNext(Mutex<BTreeMap<String, u64>>);

impl KillNext {
    fn set(&self, function: &str, hop: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(function.to_owned(), hop);
    }
}

impl FatePlan for KillNext {
    fn of_invocation(&self, function: &str, _: &str, _: UnixMs) -> Fate {
        let hop = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(function);
        hop.map_or(Fate::Lives, |hop| Fate::Ends(End::Crash, hop))
    }
}

/// Which alarms a mute rule holds back.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Muted {
    #[default]
    None,
    All,
}

#[derive(Default)]
struct Mute(Mutex<Muted>);

impl AlarmPlan for Mute {
    fn mutes(&self, _: &str, _: UnixMs) -> bool {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) == Muted::All
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
