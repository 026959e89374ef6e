//! Mutants in how a batch is answered for.

use crate::mutants::answers::{Answer, Batch};
use crate::mutants::mutant::{Broken, Mutant};
use crate::mutants::weather::Weather;
use aws_lambda_events::event::sqs::SqsMessage;
use chaos::cloud::container::BoxFuture;
use serde_json::{Value, json};

pub(crate) const MUTANTS: [Mutant; 5] = [
    Mutant {
        name: "throws instead of naming what failed",
        story: "one record failed, so the function did",
        weather: Weather::Outage,
        caught_by: "alarms-as-expected",
        broken: Broken::Batch(throws),
    },
    Mutant {
        name: "misspells the names of what failed",
        story: "`failures` instead of `batchItemFailures`: Lambda takes that for a success",
        weather: Weather::Blip,
        caught_by: "acknowledged-on-record",
        broken: Broken::Batch(misspells),
    },
    Mutant {
        name: "names what is not in the batch",
        story: "receipt handles in the place of message ids: Lambda takes that for a failure of them all",
        weather: Weather::Calm,
        caught_by: "dead-letters-as-expected",
        broken: Broken::Batch(names_strangers),
    },
    Mutant {
        name: "works on after it answered",
        story: "spawns a task and answers at once, because the answer should be quick",
        weather: Weather::Calm,
        caught_by: "acknowledged-on-record",
        broken: Broken::Batch(detaches),
    },
    Mutant {
        name: "acknowledges the drill that must fail",
        story: "tests are not payments, so they are filtered out",
        weather: Weather::Drills,
        caught_by: "nothing-lost",
        broken: Broken::Batch(filters_drills),
    },
];

fn throws(batch: Batch) -> BoxFuture<'static, Answer> {
    Box::pin(async move {
        let failed = failures(&batch.handle().await?);
        if failed.is_empty() { answer(failed) } else { Err(format!("{} records failed", failed.len())) }
    })
}

fn misspells(batch: Batch) -> BoxFuture<'static, Answer> {
    Box::pin(async move {
        let failed = failures(&batch.handle().await?);
        Ok(json!({ "failures": failed }).to_string().into_bytes())
    })
}

fn names_strangers(batch: Batch) -> BoxFuture<'static, Answer> {
    Box::pin(async move {
        batch.handle().await?;
        let handles = batch.event().records.into_iter().filter_map(|record| record.receipt_handle);
        answer(handles.map(|handle| json!({ "itemIdentifier": handle })).collect())
    })
}

fn detaches(batch: Batch) -> BoxFuture<'static, Answer> {
    Box::pin(async move {
        #[expect(clippy::disallowed_methods, reason = "this is the mistake")]
        tokio::spawn(async move { batch.handle().await });
        answer(Vec::new())
    })
}

fn filters_drills(batch: Batch) -> BoxFuture<'static, Answer> {
    Box::pin(async move {
        let failed = failures(&batch.handle().await?);
        let records = batch.event().records;
        let is_drill = |failure: &Value| {
            let of = |record: &SqsMessage| record.message_id.as_deref() == failure["itemIdentifier"].as_str();
            let record = records.iter().find(|record| of(record));
            record.and_then(|record| record.body.as_deref()).is_some_and(|body| body.starts_with("PYMT_"))
        };
        answer(failed.into_iter().filter(|failure| !is_drill(failure)).collect())
    })
}

fn failures(answer: &[u8]) -> Vec<Value> {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    answer["batchItemFailures"].as_array().cloned().unwrap_or_default()
}

fn answer(failures: Vec<Value>) -> Answer {
    Ok(json!({ "batchItemFailures": failures }).to_string().into_bytes())
}
