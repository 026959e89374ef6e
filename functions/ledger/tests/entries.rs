//! Many rows at once, from a table that is busy.

mod client;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use host::limits::BATCH_ATTEMPTS;
use ledger::LedgerError;
use ledger::limits::ENTRIES_MAX;
use payments::PaymentId;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// A table that is busy: of each call it gets to one key. It keeps what it was asked.
#[derive(Clone, Debug, Default)]
struct Busy(Arc<Mutex<Vec<Value>>>);

impl HttpConnector for Busy {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (_, asked) = client::asked(&request);
        let wanted = asked["RequestItems"]["the-table"].clone();
        self.0.lock().expect("nobody panicked").push(wanted.clone());
        // https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html: what is left has the
        // form of what was asked, so that it can be asked again.
        let (first, rest) = wanted["Keys"].as_array().expect("keys").split_first().expect("there is one");
        let left = json!({ "the-table": { "Keys": rest, "ConsistentRead": true } });
        let left = if rest.is_empty() { json!({}) } else { left };
        let answer = json!({ "Responses": { "the-table": [first] }, "UnprocessedKeys": left });
        HttpConnectorFuture::ready(Ok(client::answer(&answer)))
    }
}

/// What comes of asking a busy table for so many rows, and the calls that it took.
async fn asked_for(rows: usize) -> (Result<usize, LedgerError>, Vec<Value>) {
    let busy = Busy::default();
    let ledger = client::ledger(busy.clone());
    let ids = (0..rows).filter_map(|n| PaymentId::new(&format!("order-{n}"))).collect();
    let found = ledger.reader().entries(&ids).await.map(|entries| entries.len());
    let calls = busy.0.lock().expect("nobody panicked").clone();
    (found, calls)
}

#[tokio::test]
async fn what_dynamodb_did_not_get_to_is_asked_for_again_and_missed_by_name() {
    let (found, calls) = asked_for(BATCH_ATTEMPTS).await;
    assert_eq!((found.ok(), calls.len()), (Some(BATCH_ATTEMPTS), BATCH_ATTEMPTS));
    let (found, calls) = asked_for(BATCH_ATTEMPTS + 2).await;
    let error = found.expect_err("a row that was not read is an error").to_string();
    assert!(error.contains("BatchGetItem left 2 keys unread"), "{error}");
    assert_eq!(calls.len(), BATCH_ATTEMPTS);
}

#[tokio::test]
async fn every_call_asks_for_the_last_writes_and_for_as_many_keys_as_dynamodb_takes() {
    let (_, calls) = asked_for(ENTRIES_MAX + 1).await;
    assert_eq!(calls[0]["Keys"].as_array().map(Vec::len), Some(ENTRIES_MAX));
    assert!(calls.iter().all(|call| call["ConsistentRead"] == true), "{calls:?}");
}
