//! Sends payments, one JSON object a line on standard input, to the queue that `PAYMENTS_QUEUE_URL` names.
//!
//! ```sh
//! cargo run --package chaos --features payments/model --example producer < payments.ndjson
//! ```

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use aws_smithy_async::time::{SharedTimeSource, SystemTimeSource};
use serde_json::Value;
use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

const TRIES: u32 = 5;

/// Sends them, ten a call. Returns those that the queue did not take, each with why.
async fn send(
    sqs: &Client,
    queue_url: &str,
    payments: &[Value],
) -> Result<Vec<(Value, String)>, Box<dyn Error>> {
    let mut refused = Vec::new();
    for ten in payments.chunks(10) {
        let numbered = ten.iter().enumerate().map(|(number, payment)| (number.to_string(), payment));
        let mut waiting: BTreeMap<String, &Value> = numbered.collect();
        for tried in 0..TRIES {
            if waiting.is_empty() {
                break;
            }
            if tried > 0 {
                tokio::time::sleep(Duration::from_millis(100 << tried)).await;
            }
            let entries = waiting.iter().map(|(number, payment)| {
                SendMessageBatchRequestEntry::builder().id(number).message_body(payment.to_string()).build()
            });
            let entries = entries.collect::<Result<Vec<_>, _>>()?;
            let answer =
                sqs.send_message_batch().queue_url(queue_url).set_entries(Some(entries)).send().await?;
            // The call succeeds although some of it failed: whoever does not look at `failed` loses payments.
            // What is sent once more is the same message with the same payment_id, so it is charged once at most.
            let sent = std::mem::take(&mut waiting);
            for failed in answer.failed() {
                let payment = sent[failed.id()];
                if failed.sender_fault() {
                    refused.push((payment.clone(), failed.message().unwrap_or(failed.code()).to_owned()));
                } else {
                    waiting.insert(failed.id().to_owned(), payment);
                }
            }
        }
        let left = waiting.into_values();
        refused.extend(left.map(|payment| (payment.clone(), format!("not taken in {TRIES} tries"))));
    }
    Ok(refused)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    // Elsewhere: `let sdk = aws_config::load_defaults(BehaviorVersion::latest()).await;`. Here it would be compiled for this
    // example alone.
    let sdk = host::aws::on_lambda(variable, SharedTimeSource::new(SystemTimeSource::new()))?;
    let queue_url = variable("PAYMENTS_QUEUE_URL").ok_or("PAYMENTS_QUEUE_URL is missing")?;
    // Where payment_id was made does not matter, as long as it was once: with the order, not with the attempt to send it.
    let lines = io::stdin().lines().collect::<Result<Vec<_>, _>>()?;
    let payments = lines.iter().filter(|line| !line.trim().is_empty()).map(|line| serde_json::from_str(line));
    let payments = payments.collect::<Result<Vec<Value>, _>>()?;
    let refused = send(&Client::new(&sdk), &queue_url, &payments).await?;
    for (payment, why) in &refused {
        eprintln!("{} was not sent: {why}", payment["payment_id"]);
    }
    println!("{} sent", payments.len() - refused.len());
    Ok(if refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[expect(clippy::disallowed_methods, reason = "this is a main")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
