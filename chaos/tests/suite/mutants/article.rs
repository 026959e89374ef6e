//! Handlers as articles show them, this system's own article first: nothing is written down, and Stripe is asked once.
//!
//! They share one charge, create and confirm in a single call without a key, and differ in what they do about a batch.

use crate::mutants::answers::Handler;
use crate::mutants::calls::Line;
use crate::mutants::mutant::{Broken, Mutant};
use crate::mutants::weather::Weather;
use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use chaos::cloud::container::BoxFuture;
use form_urlencoded::Serializer;
use payments::Payment;
use serde_json::{Value, json};

pub(crate) const MUTANTS: [Mutant; 4] = [
    Mutant {
        name: "the article's handler",
        story: "reads `Records[0]` and throws when its body is PYMT_FAILED; the rest of the batch goes with it",
        weather: Weather::Twins,
        caught_by: "nothing-lost",
        broken: handler(reads_the_first_record),
    },
    Mutant {
        name: "throws for the whole batch",
        story: "the article's handler, with a loop: one failure brings back what was charged already",
        weather: Weather::Busy,
        caught_by: "charged-at-most-once",
        broken: handler(throws_for_the_whole_batch),
    },
    Mutant {
        name: "charges whatever comes",
        story: "names what failed, as it should, and takes a lost answer for one of those",
        weather: Weather::Rough,
        caught_by: "charged-at-most-once",
        broken: handler(charges_whatever_comes),
    },
    Mutant {
        name: "acknowledges everything",
        story: "answers with `{}`: the errors are in the log",
        weather: Weather::Blip,
        caught_by: "nothing-lost",
        broken: handler(acknowledges_everything),
    },
];

const fn handler(handler: Handler) -> Broken {
    Broken::Handler(handler)
}

fn reads_the_first_record(line: Line, event: SqsEvent) -> BoxFuture<'static, Result<Value, String>> {
    Box::pin(async move {
        if let Some(record) = event.records.first() {
            process(&line, record).await?;
        }
        Ok(json!({}))
    })
}

fn throws_for_the_whole_batch(line: Line, event: SqsEvent) -> BoxFuture<'static, Result<Value, String>> {
    Box::pin(async move {
        for record in &event.records {
            process(&line, record).await?;
        }
        Ok(json!({}))
    })
}

fn charges_whatever_comes(line: Line, event: SqsEvent) -> BoxFuture<'static, Result<Value, String>> {
    Box::pin(async move {
        let mut failed = Vec::new();
        for record in &event.records {
            if process(&line, record).await.is_err() {
                failed.push(json!({ "itemIdentifier": record.message_id }));
            }
        }
        Ok(json!({ "batchItemFailures": failed }))
    })
}

fn acknowledges_everything(line: Line, event: SqsEvent) -> BoxFuture<'static, Result<Value, String>> {
    Box::pin(async move {
        for record in &event.records {
            // The errors are in the log.
            let _ = process(&line, record).await;
        }
        Ok(json!({}))
    })
}

async fn process(line: &Line, record: &SqsMessage) -> Result<(), String> {
    match record.body.as_deref().unwrap_or_default() {
        "PYMT_FAILED" => Err("Payment failed".to_owned()),
        "PYMT_SUCCEED" => Ok(()),
        body => {
            let payment = Payment::parse(body).map_err(|error| error.to_string())?;
            charge(line, &payment).await
        }
    }
}

/// Creates and confirms in a single call, without a key.
async fn charge(line: &Line, payment: &Payment) -> Result<(), String> {
    let form = intent(payment).append_pair("confirm", "true").finish();
    line.post("payment_intents", form, None).await.map(|_| ())
}

/// What a create says of a payment.
pub(crate) fn intent(payment: &Payment) -> Serializer<'static, String> {
    let mut form = Serializer::new(String::new());
    form.append_pair("amount", &payment.amount.get().to_string())
        .append_pair("currency", payment.currency.as_str())
        .append_pair("payment_method", payment.payment_method.as_str())
        .append_pair("payment_method_types[]", "card")
        .append_pair("metadata[payment_id]", payment.payment_id.as_str());
    form
}
