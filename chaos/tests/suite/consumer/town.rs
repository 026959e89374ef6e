//! A small world with the real consumer in it, built from the real template, for tests that look at one behaviour.

use bytes::Bytes;
use chaos::clock::Clock;
use chaos::cloud::container::{End, Fate, FatePlan};
use chaos::cloud::lambda::Failure;
use chaos::cloud::plans::Plans;
use chaos::cloud::sqs::{Held, NewMessage, SqsError};
use chaos::cloud::wire::{CallFate, CallPlan, ServiceCall};
use chaos::cloud::{Blueprint, Cloud};
use chaos::consumer::ConsumerFunction;
use chaos::faults::{Fault, Faults, Kind, Window};
use chaos::journal::{Event, FunctionEvent, Journal, Operation, StripeEvent};
use chaos::random::Chance;
use chaos::stripe::{FakeStripe, Provider};
use chaos::template::{Deployment, Stack};
use consumer::{Ports, Protocol};
use http::{Request, Response};
use payments::UnixMs;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tower::ServiceExt;
use tower::service_fn;
use tower::util::BoxCloneSyncService;

const START: UnixMs = UnixMs(1_767_603_600_000);
const SECRET: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:stripe-a1B2c3";
const KEY: &str = "sk_test_simulated";

/// Names of the queues in the deployed stack.
pub(crate) const SOURCE: &str = "payments-payments";
pub(crate) const DEAD_LETTERS: &str = "payments-dead-letters";
pub(crate) const QUARANTINE: &str = "payments-quarantine";

/// How a town differs from a quiet one.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) faults: Vec<Fault>,
    pub(crate) protocol: Protocol,
    /// The protocol of the first container: a deployment replaced it since.
    pub(crate) protocol_before: Option<Protocol>,
    /// What is done to Stripe's answers on their way back.
    pub(crate) heard: Option<fn(Response<Bytes>) -> Response<Bytes>>,
    /// The first invocation is killed at this hop.
    pub(crate) kill_first_at: Option<u64>,
    /// The answer to the first write of the ledger is lost.
    pub(crate) first_write_unheard: bool,
    pub(crate) drills_off: bool,
    pub(crate) no_secret: bool,
}

/// Every request to Stripe, in order.
pub(crate) type Requests = Arc<Mutex<Vec<Request<Bytes>>>>;

pub(crate) struct Town {
    pub(crate) requests: Requests,
    pub(crate) cloud: Cloud,
    pub(crate) provider: Provider,
    pub(crate) journal: Journal,
    clock: Clock,
}

/// Runs `test` in a town, in virtual time.
pub(crate) fn in_town<T>(plan: Plan, test: impl AsyncFnOnce(Town) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without I/O starts").block_on(async { test(Town::new(plan)).await })
}

/// A fault that hits this share, 0 to 1, of what it could.
pub(crate) fn fault(kind: Kind, share: f64, window: Window) -> Fault {
    Fault::steady(kind, Chance::from_share(share).expect("a share lies between 0 and 1"), window)
}

/// A fault that always happens, at any time.
pub(crate) fn always(kind: Kind) -> Vec<Fault> {
    vec![Fault::steady(kind, Chance::ALWAYS, Window::ALWAYS)]
}

/// A fault that always happens until `ms` after the start.
pub(crate) fn until(kind: Kind, ms: u64) -> Vec<Fault> {
    vec![Fault::steady(kind, Chance::ALWAYS, Window { from_ms: 0, until_ms: ms })]
}

impl Town {
    fn new(plan: Plan) -> Self {
        let clock = Clock::starting_at(START);
        let journal = Journal::default();
        let faults = Faults::new(&plan.faults, 7, START, 60, journal.clone());
        let stripe = FakeStripe::new(7, KEY, faults.clone());
        let provider = Provider::new(stripe, 7, faults, clock, journal.clone());
        let stack = stack(plan.drills_off);
        let requests = Requests::default();
        let function = ConsumerFunction::altered(provider.clone(), altered(&plan, &requests));
        let function: Arc<dyn chaos::cloud::container::Function> = Arc::new(function);
        let consumers = stack.functions.into_values().filter(|config| !config.sources.is_empty());
        let blueprint = Blueprint {
            queues: stack.queues.into_values().collect(),
            tables: stack.tables.into_values().collect(),
            functions: consumers.map(|config| (config, Arc::clone(&function))).collect(),
            plans: Plans {
                fates: Arc::new(KillFirst(plan.kill_first_at)),
                calls: Arc::new(LoseFirstWrite(AtomicBool::new(plan.first_write_unheard))),
                ..Plans::default()
            },
            seed: 7,
            ..Blueprint::default()
        };
        let cloud = Cloud::start(blueprint, clock, &journal).expect("the template can be deployed");
        let town = Self { requests, cloud, provider, journal, clock };
        if !plan.no_secret {
            town.set_secret(KEY);
        }
        town
    }

    pub(crate) fn set_secret(&self, key: &str) {
        self.cloud.services().secrets().put(SECRET, key, self.clock.now());
    }

    pub(crate) fn send(&self, body: &str) {
        self.send_message(NewMessage::text(body));
    }

    pub(crate) fn send_message(&self, message: NewMessage) {
        self.try_send(message).expect("SQS accepts it");
    }

    /// The id of the message, unless SQS refuses it.
    pub(crate) fn try_send(&self, message: NewMessage) -> Result<String, SqsError> {
        let sent = self.cloud.services().sqs().send(SOURCE, message, self.clock.now());
        sent.map(|sent| sent.id)
    }

    /// Invokes the consumer with this event, past its queue.
    pub(crate) async fn invoke(&self, event: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let consumer = self.cloud.function("Consumer").expect("the template has it");
        consumer.invoke(event, Vec::new()).await.outcome
    }

    pub(crate) async fn pass_s(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    pub(crate) fn held(&self, queue: &str) -> Vec<Held> {
        self.cloud.services().sqs().messages(queue, self.clock.now()).expect("the queue exists")
    }

    /// Charges in the book, as `payment_id` and amount.
    pub(crate) fn charges(&self) -> Vec<(String, i64)> {
        let stripe = self.provider.stripe();
        let movements = stripe.book().movements().iter();
        movements
            .map(|movement| (movement.payment.clone().unwrap_or_default(), movement.amount_minor))
            .collect()
    }

    /// State of every row, by `payment_id`.
    pub(crate) fn states(&self) -> BTreeMap<String, String> {
        self.attributes("state")
    }

    /// One text attribute of every row that has it, by `payment_id`.
    pub(crate) fn attributes(&self, name: &str) -> BTreeMap<String, String> {
        let items = self.cloud.services().dynamodb().items("payments-ledger").expect("the table exists");
        items.iter().filter_map(|item| Some((text(item.get("payment_id"))?, text(item.get(name))?))).collect()
    }

    /// Attributes of each copy in quarantine.
    pub(crate) fn quarantined(&self) -> Vec<BTreeMap<String, String>> {
        let as_text = |held: &Held| {
            let attributes = held.content.attributes.iter();
            attributes
                .map(|(k, v)| (k.clone(), String::from_utf8_lossy(v.value.bytes()).into_owned()))
                .collect()
        };
        self.held(QUARANTINE).iter().map(as_text).collect()
    }

    /// Stripe operations in the order they were called.
    pub(crate) fn stripe_calls(&self) -> Vec<&'static str> {
        let operation = |event: &Event| match event {
            Event::Stripe(StripeEvent::Called { operation, .. }) if *operation != Operation::Other => {
                Some(operation.name())
            }
            _ => None,
        };
        self.journal.records().iter().filter_map(|record| operation(&record.event)).collect()
    }

    /// How often each metric was counted, over all lines.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let lines = self.journal.records();
        let value = |event: &Event| match event {
            Event::Function(FunctionEvent::Metrics { line }) => line.parsed()[name].as_u64(),
            _ => None,
        };
        lines.iter().filter_map(|record| value(&record.event)).sum()
    }
}

/// A payment message.
pub(crate) fn payment(id: &str, amount: i64, card: &str) -> String {
    format!(r#"{{"payment_id":"{id}","amount":{amount},"currency":"eur","payment_method":"{card}"}}"#)
}

/// The protocol of each container that starts, and an ear on its line to Stripe.
fn altered(plan: &Plan, requests: &Requests) -> impl Fn(Ports) -> Ports + Send + Sync + 'static {
    let (protocol, before, heard) = (plan.protocol, plan.protocol_before, plan.heard);
    let (started, requests) = (AtomicUsize::new(0), Arc::clone(requests));
    move |ports| {
        let is_first = started.fetch_add(1, Ordering::Relaxed) == 0;
        let protocol = before.filter(|_| is_first).unwrap_or(protocol);
        let (line, requests) = (ports.stripe, Arc::clone(&requests));
        let stripe = service_fn(move |request: Request<Bytes>| {
            requests.lock().expect("not poisoned").push(request.clone());
            let answer = line.clone().oneshot(request);
            async move {
                let answer = answer.await?;
                Ok(match heard {
                    Some(hear) => hear(answer),
                    None => answer,
                })
            }
        });
        Ports { protocol, stripe: BoxCloneSyncService::new(stripe), ..ports }
    }
}

struct KillFirst(Option<u64>);

impl FatePlan for KillFirst {
    fn of_invocation(&self, _: &str, _: &str, now: UnixMs) -> Fate {
        // The first invocation begins within seconds of the start; the next is at least a backoff away.
        let hop = self.0.filter(|_| now.since_ms(START) < 4_000);
        hop.map_or(Fate::Lives, |hop| Fate::Ends(End::Crash, hop))
    }
}

struct LoseFirstWrite(AtomicBool);

impl CallPlan for LoseFirstWrite {
    fn of_call(&self, call: &ServiceCall<'_>, _: UnixMs) -> CallFate {
        let is_lost = call.operation == "UpdateItem" && self.0.swap(false, Ordering::Relaxed);
        if is_lost { CallFate::AnswerLost } else { CallFate::Answered }
    }
}

fn stack(drills_off: bool) -> Stack {
    let mut parameters = BTreeMap::from([
        ("StripeSecretArn".to_owned(), SECRET.to_owned()),
        ("AlertEmail".to_owned(), "on-call@example.com".to_owned()),
        ("StripeMode".to_owned(), "test".to_owned()),
    ]);
    if drills_off {
        parameters.insert("Drills".to_owned(), "off".to_owned());
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml");
    Stack::load(&path, &Deployment { parameters, ..Deployment::default() }).expect("the template loads")
}

fn text(value: Option<&dynoxide::AttributeValue>) -> Option<String> {
    match value? {
        dynoxide::AttributeValue::S(text) | dynoxide::AttributeValue::N(text) => Some(text.clone()),
        _ => None,
    }
}
