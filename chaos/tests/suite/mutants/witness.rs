//! Mutants that take Stripe's events for more than a hint.

use crate::mutants::answers::{Answer, Batch};
use crate::mutants::mutant::{Broken, Mutant};
use crate::mutants::weather::Weather;
use aws_lambda_events::event::sqs::SqsMessage;
use chaos::cloud::container::BoxFuture;
use consumer::Protocol;
use payments::Row;
use payments::provider::{self, ChargeId, Decline, DeclinedCharge, Intent, IntentStatus};
use payments::witness::{Event, Step, Witness};
use serde_json::{Value, json};

pub(crate) const MUTANTS: [Mutant; 3] = [
    Mutant {
        name: "believes the event",
        story: "`case 'payment_intent.succeeded': markPaid(intent)`, as the guide to webhooks has it",
        weather: Weather::Gossip,
        caught_by: "ledger-agrees",
        broken: witness(believes),
    },
    Mutant {
        name: "declines on an event",
        story: "`case 'payment_intent.payment_failed'`: it failed, says Stripe, so it is declined",
        weather: Weather::Gossip,
        caught_by: "fenced-on-record",
        broken: witness(declines),
    },
    Mutant {
        name: "charges on an event",
        story: "the event has all that a payment needs, so what the ledger does not know is made up for",
        weather: Weather::Gossip,
        caught_by: "events-not-believed",
        broken: Broken::Batch(charges),
    },
];

const fn witness(witness: fn(Row) -> (Witness, Step)) -> Broken {
    Broken::Protocol(Protocol { witness, ..Protocol::DEPLOYED })
}

fn believes(row: Row) -> (Witness, Step) {
    told(row, IntentStatus::Succeeded, None)
}

fn declines(row: Row) -> (Witness, Step) {
    let decline = Decline { code: "card_declined".to_owned(), decline_code: None, advice_code: None };
    let charge = Some(ChargeId("ch_told".to_owned()));
    told(row, IntentStatus::Canceled, Some(DeclinedCharge { decline, charge }))
}

/// Takes this for the answer of a look-up that is not made.
fn told(row: Row, status: IntentStatus, last_decline: Option<DeclinedCharge>) -> (Witness, Step) {
    let (payment, id) = (row.payment().clone(), row.intent_id().cloned());
    let (mut witness, step) = Witness::begin(row);
    let (Step::Retrieve(_), Some(id)) = (&step, id) else { return (witness, step) };
    let intent = Intent {
        id,
        status,
        amount: payment.amount.get(),
        currency: payment.currency.as_str().to_owned(),
        payment_id: Some(payment.payment_id.to_string()),
        last_decline,
    };
    let step = witness.next(Event::Answered(provider::Answer::Intent(intent)));
    (witness, step)
}

/// Makes a message of a payment out of each event, as if its producer had sent it.
fn charges(mut batch: Batch) -> BoxFuture<'static, Answer> {
    let mut event = batch.event();
    event.records.iter_mut().for_each(|record| _ = become_a_payment(record));
    batch.take(&event);
    Box::pin(async move { batch.handle().await })
}

fn become_a_payment(record: &mut SqsMessage) -> Option<()> {
    let arn = record.event_source_arn.as_deref().filter(|arn| arn.ends_with("-stripe-events"))?;
    let arn = arn.replace("-stripe-events", "-payments");
    let told: Value = serde_json::from_str(record.body.as_deref()?).ok()?;
    let intent = told.pointer("/detail/data/object")?;
    let body = json!({
        "payment_id": intent["metadata"]["payment_id"],
        "amount": intent["amount"],
        "currency": intent["currency"],
        "payment_method": "pm_card_visa",
    });
    (record.event_source_arn, record.body) = (Some(arn), Some(body.to_string()));
    Some(())
}
