//! Durable functions that charge: as AWS's guides show it, with more and more care, and at last as ours does.
//!
//! Invariant: nothing that one of them remembers is anywhere but in its log and in Stripe.

use super::context::{Context, Retry, Semantics, Stop, call};
use super::service::{Begun, Outcome, Said, Service};
use crate::mutants::article::intent;
use crate::mutants::calls::Line;
use aws_lambda_events::event::sqs::SqsEvent;
use chaos::cloud::container::{BoxFuture, Container, Function, Handler, InvocationContext};
use chaos::cloud::lambda::Pool;
use chaos::stripe::Provider;
use form_urlencoded::Serializer;
use payments::Payment;
use serde_json::{Value, json};
use std::io::Write;
use std::sync::Weak;

/// A durable function.
#[derive(Clone, Copy)]
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    pub(crate) start: Start,
    pub(crate) code: fn(Context, Payment) -> BoxFuture<'static, Result<(), Stop>>,
}

/// Who begins an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// The event source mapping, for each delivery, and waits for its end.
    Mapping,
    /// A function between the mapping and the durable one, under the payment's id, and waits for nothing.
    Dispatcher,
}

pub(crate) const CONTESTANTS: [Contestant; 6] = [
    Contestant {
        name: "a key made in a step",
        start: Start::Mapping,
        code: |context, payment| Box::pin(key_made_in_a_step(context, payment)),
    },
    Contestant {
        name: "at most once, no key",
        start: Start::Mapping,
        code: |context, payment| Box::pin(at_most_once(context, payment)),
    },
    Contestant {
        name: "the payment's id as key",
        start: Start::Mapping,
        code: |context, payment| Box::pin(keyed_by_the_payment(context, payment, Retry::DEFAULT)),
    },
    Contestant {
        name: "… and as name, retried for days",
        start: Start::Dispatcher,
        code: |context, payment| Box::pin(keyed_by_the_payment(context, payment, Retry::FOR_DAYS)),
    },
    Contestant {
        name: "… and a look before each try",
        start: Start::Dispatcher,
        code: |context, payment| Box::pin(looks_first(context, payment)),
    },
    Contestant {
        name: "our protocol, in steps",
        start: Start::Dispatcher,
        code: |context, payment| Box::pin(our_protocol(context, payment)),
    },
];

/// <https://aws.github.io/aws-durable-execution-docs/patterns/best-practices/idempotency>, "Idempotency tokens".
async fn key_made_in_a_step(context: Context, payment: Payment) -> Result<(), Stop> {
    let random = async { Ok(format!("{:016x}", context.service.draw(u64::MAX - 1))) };
    let key = context.step("idempotency-key", Semantics::AtLeastOnce, Retry::DEFAULT, random).await?;
    let charge = charged(&context.line, &payment, Some(&key));
    context.step("charge", Semantics::AtLeastOnce, Retry::DEFAULT, charge).await.map(drop)
}

/// The same page, "Match the semantic with the side effect".
async fn at_most_once(context: Context, payment: Payment) -> Result<(), Stop> {
    let charge = charged(&context.line, &payment, None);
    context.step("charge-payment", Semantics::AtMostOncePerRetry, Retry::NO_OTHER, charge).await.map(drop)
}

/// With no step for the key: it is the same in every execution.
async fn keyed_by_the_payment(context: Context, payment: Payment, retry: Retry) -> Result<(), Stop> {
    let charge = charged(&context.line, &payment, Some(payment.payment_id.as_str()));
    context.step("charge", Semantics::AtLeastOnce, retry, charge).await.map(drop)
}

/// The same, with a look in front of every try, because a key is forgotten.
async fn looks_first(context: Context, payment: Payment) -> Result<(), Stop> {
    let look_and_charge = async {
        match found(&context.line, &payment).await? {
            true => Ok("it was charged before".to_owned()),
            false => charged(&context.line, &payment, Some(payment.payment_id.as_str())).await,
        }
    };
    context.step("charge", Semantics::AtLeastOnce, Retry::FOR_DAYS, look_and_charge).await.map(drop)
}

/// The log names one intent for a payment, as our ledger does, and only that one is ever confirmed.
async fn our_protocol(context: Context, payment: Payment) -> Result<(), Stop> {
    let Context { line, .. } = &context;
    let create = async {
        let created =
            line.post("payment_intents", intent(&payment).finish(), Some(payment.payment_id.as_str()));
        read(&created.await?, "id")
    };
    let intent = context.step("create", Semantics::AtLeastOnce, Retry::FOR_DAYS, create).await?;
    let confirm = async {
        let path = format!("payment_intents/{intent}");
        match read(&line.get(&path).await?, "status")?.as_str() {
            "succeeded" => Ok(()),
            _ => line.post(&format!("{path}/confirm"), String::new(), None).await.map(drop),
        }
        .map(|()| "charged".to_owned())
    };
    context.step("confirm", Semantics::AtLeastOnce, Retry::FOR_DAYS, confirm).await.map(drop)
}

/// Creates and confirms in a single call, under this key or none.
async fn charged(line: &Line, payment: &Payment, key: Option<&str>) -> Result<String, String> {
    let form = intent(payment).append_pair("confirm", "true").finish();
    line.post("payment_intents", form, key).await.map(|_| "charged".to_owned())
}

/// Whether Stripe's search finds a charge of this payment. Its index learns within a minute, and a key lasts for a day.
async fn found(line: &Line, payment: &Payment) -> Result<bool, String> {
    let query = format!("metadata['payment_id']:'{}' AND status:'succeeded'", payment.payment_id.as_str());
    let query = Serializer::new(String::new()).append_pair("query", &query).finish();
    let page = line.get(&format!("payment_intents/search?{query}")).await?;
    let page: Value = serde_json::from_slice(&page).map_err(|error| error.to_string())?;
    Ok(page["data"].as_array().is_some_and(|found| !found.is_empty()))
}

/// A field of an intent.
fn read(answer: &[u8], field: &str) -> Result<String, String> {
    let intent: Value = serde_json::from_slice(answer).map_err(|error| error.to_string())?;
    intent[field].as_str().map(str::to_owned).ok_or_else(|| format!("an intent without {field}"))
}

/// Starts a contestant in containers.
pub(crate) struct Durable {
    pub(crate) contestant: Contestant,
    pub(crate) provider: Provider,
    pub(crate) service: Service,
}

impl Function for Durable {
    fn start(&self, container: Container) -> BoxFuture<'static, Result<Box<dyn Handler>, String>> {
        let Self { contestant, provider, service } = self;
        let handler = InContainer {
            contestant: *contestant,
            provider: provider.clone(),
            service: service.clone(),
            container,
        };
        Box::pin(async move { Ok(Box::new(handler) as Box<dyn Handler>) })
    }

    fn deployed(&self, itself: Weak<Pool>) {
        self.service.serve(itself);
    }
}

struct InContainer {
    contestant: Contestant,
    provider: Provider,
    service: Service,
    container: Container,
}

impl Handler for InContainer {
    /// A batch of the mapping, or an execution that goes on.
    fn invoke(&self, payload: Vec<u8>, _: InvocationContext) -> BoxFuture<'_, Result<Vec<u8>, String>> {
        Box::pin(async move {
            let event: Value = serde_json::from_slice(&payload).map_err(|error| error.to_string())?;
            if let Some(execution) = event["execution"].as_str() {
                let said = self.go_on(execution).await;
                return serde_json::to_vec(&said).map_err(|error| error.to_string());
            }
            let batch: SqsEvent = serde_json::from_value(event).map_err(|error| error.to_string())?;
            let mut failed = Vec::new();
            for record in batch.records {
                if !self.begin(record.body.as_deref().unwrap_or_default()).await {
                    failed.push(json!({ "itemIdentifier": record.message_id }));
                }
            }
            Ok(json!({ "batchItemFailures": failed }).to_string().into_bytes())
        })
    }
}

impl InContainer {
    async fn go_on(&self, execution: &str) -> Said {
        let input = self.service.input(execution);
        let payment = match Payment::parse(&input) {
            Ok(payment) => payment,
            Err(malformed) => return Said::Failed(malformed.to_string()),
        };
        let context = Context {
            service: self.service.clone(),
            container: self.container.clone(),
            execution: execution.to_owned(),
            line: Line::of(&self.container, &self.provider),
        };
        match (self.contestant.code)(context, payment).await {
            Ok(()) => Said::Succeeded,
            Err(Stop::Until(until)) => Said::Pending(until.0),
            Err(Stop::Failed(why)) => Said::Failed(why),
        }
    }

    /// Whether a message is done with.
    async fn begin(&self, body: &str) -> bool {
        let clock = self.container.clock;
        match self.contestant.start {
            // This is what Lambda itself does, so nothing of it is a call that a container makes.
            Start::Mapping => {
                let outcome = self.service.run(&self.service.begin(body), clock).await;
                if outcome == Outcome::Failed {
                    self.count_a_failure();
                }
                outcome == Outcome::Succeeded
            }
            Start::Dispatcher => {
                let Ok(payment) = Payment::parse(body) else { return false };
                let name = payment.payment_id.as_str();
                let begun = call(&self.container, || {
                    let begun = self.service.begin_as(name, body);
                    if begun == Begun::New {
                        self.service.set_off(name.to_owned(), clock);
                    }
                    begun
                });
                begun.await != Begun::OfAnotherInput
            }
        }
    }

    /// Lambda's own metric of executions that failed.
    fn count_a_failure(&self) {
        let line = json!({
            "_aws": {
                "Timestamp": self.container.clock.now().0,
                "CloudWatchMetrics": [{
                    "Namespace": super::stack::NAMESPACE,
                    "Dimensions": [[]],
                    "Metrics": [{ "Name": super::stack::FAILED, "Unit": "Count" }],
                }],
            },
            super::stack::FAILED: 1,
        });
        writeln!(self.container.metrics.clone(), "{line}").expect("metrics are taken");
    }
}
