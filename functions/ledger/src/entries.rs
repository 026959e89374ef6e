//! Many rows at once, as far as an audit looks at them.
//!
//! Invariant: a row that is not in the answer is not there; one that was not read is an error.

use crate::item::Item;
use crate::limits::{ENTRIES_ATTEMPTS, ENTRIES_MAX};
use crate::{LedgerError, Reader};
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use payments::audit::{Entry, Standing};
use payments::provider::IntentId;
use payments::{PaymentId, UnixMs};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Only what is compared.
const FIELDS: [&str; 8] =
    ["payment_id", "state", "intent_id", "amount", "currency", "received_at", "enqueued_at", "settled_at"];

type Keys = Vec<Item>;

impl Reader {
    /// The rows of these payments, as the last writes left them; those that there are.
    ///
    /// # Errors
    /// [`LedgerError`] when DynamoDB cannot be asked, or leaves some unread however often it is.
    pub async fn entries(
        &self,
        payments: &BTreeSet<PaymentId>,
    ) -> Result<BTreeMap<PaymentId, Entry>, LedgerError> {
        let ids: Vec<&PaymentId> = payments.iter().collect();
        let mut entries = BTreeMap::new();
        for batch in ids.chunks(ENTRIES_MAX) {
            let key = |id: &&PaymentId| {
                HashMap::from([("payment_id".to_owned(), AttributeValue::S(id.as_str().to_owned()))])
            };
            let mut keys: Keys = batch.iter().map(key).collect();
            for _ in 0..ENTRIES_ATTEMPTS {
                let (items, unread) = self.batch(keys).await?;
                entries.extend(items.iter().filter_map(read));
                keys = unread;
                if keys.is_empty() {
                    break;
                }
            }
            if !keys.is_empty() {
                return Err(LedgerError::Unavailable(format!(
                    "BatchGetItem left {} keys unread",
                    keys.len()
                )));
            }
        }
        Ok(entries)
    }

    /// The rows of these keys, and the keys that DynamoDB did not get to.
    async fn batch(&self, keys: Keys) -> Result<(Vec<Item>, Keys), LedgerError> {
        let names = FIELDS.iter().map(|field| (format!("#{field}"), (*field).to_owned()));
        let fields: Vec<String> = FIELDS.iter().map(|field| format!("#{field}")).collect();
        let wanted = KeysAndAttributes::builder()
            .set_keys(Some(keys))
            // Consistent: a row that is overlooked would make its charge one without a row.
            .consistent_read(true)
            .projection_expression(fields.join(", "))
            .set_expression_attribute_names(Some(names.collect()))
            .build()
            .map_err(|error| LedgerError::Unavailable(error.to_string()))?;
        let ask = self.client.batch_get_item().request_items(&self.table, wanted);
        let answer = ask.send().await.map_err(|error| LedgerError::of("BatchGetItem", &error))?;
        let items = answer.responses.and_then(|mut tables| tables.remove(&self.table)).unwrap_or_default();
        let unread = answer.unprocessed_keys.and_then(|mut tables| tables.remove(&self.table));
        Ok((items, unread.map(|unread| unread.keys).unwrap_or_default()))
    }
}

/// A row, as far as it can be read: what is missing in it, or strange, is for the audit to tell.
fn read(item: &Item) -> Option<(PaymentId, Entry)> {
    let text = |name: &str| item.get(name)?.as_s().ok().cloned();
    let number = |name: &str| item.get(name)?.as_n().ok()?.parse::<i64>().ok();
    let instant = |name: &str| number(name).map(UnixMs);
    let entry = Entry {
        standing: Standing::of(&text("state").unwrap_or_default()),
        intent_id: text("intent_id").map(IntentId),
        amount: number("amount"),
        currency: text("currency"),
        received_at: instant("received_at").unwrap_or_default(),
        enqueued_at: instant("enqueued_at").unwrap_or_default(),
        settled_at: instant("settled_at"),
    };
    Some((PaymentId::new(&text("payment_id")?)?, entry))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_credential_types::Credentials;
    use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Region};
    use aws_smithy_runtime_api::client::http::{
        HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
    };
    use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
    use aws_smithy_types::body::SdkBody;
    use serde_json::{Value, json};
    use std::sync::{Arc, Mutex};

    /// A table that is busy: of each call it gets to one key. It keeps what it was asked.
    #[derive(Clone, Debug, Default)]
    struct Busy(Arc<Mutex<Vec<Value>>>);

    impl HttpConnector for Busy {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            let asked: Value =
                serde_json::from_slice(request.body().bytes().expect("it is in memory")).expect("JSON");
            let wanted = asked["RequestItems"]["table"].clone();
            self.0.lock().expect("nobody panicked").push(wanted.clone());
            // https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html: what is left has the
            // form of what was asked, so that it can be asked again.
            let (first, rest) = wanted["Keys"].as_array().expect("keys").split_first().expect("there is one");
            let left = json!({ "table": { "Keys": rest, "ConsistentRead": true } });
            let left = if rest.is_empty() { json!({}) } else { left };
            let answer = json!({ "Responses": { "table": [first] }, "UnprocessedKeys": left });
            let response = http::Response::new(SdkBody::from(answer.to_string()));
            HttpConnectorFuture::ready(Ok(HttpResponse::try_from(response).expect("it is well formed")))
        }
    }

    /// What comes of asking a busy table for so many rows, and the calls that it took.
    async fn asked_for(rows: usize) -> (Result<usize, LedgerError>, Vec<Value>) {
        let busy = Busy::default();
        let connector = SharedHttpConnector::new(busy.clone());
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(Credentials::new("AKIA", "secret", None, None, "test"))
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build();
        let ledger = Reader::new(aws_sdk_dynamodb::Client::from_conf(config), "table".to_owned());
        let ids = (0..rows).filter_map(|n| PaymentId::new(&format!("order-{n}"))).collect();
        let found = ledger.entries(&ids).await.map(|entries| entries.len());
        let calls = busy.0.lock().expect("nobody panicked").clone();
        (found, calls)
    }

    #[tokio::test]
    async fn what_dynamodb_did_not_get_to_is_asked_for_again_and_missed_by_name() {
        let (found, calls) = asked_for(ENTRIES_ATTEMPTS).await;
        assert_eq!((found.ok(), calls.len()), (Some(ENTRIES_ATTEMPTS), ENTRIES_ATTEMPTS));
        let (found, calls) = asked_for(ENTRIES_ATTEMPTS + 2).await;
        let error = found.expect_err("a row that was not read is an error").to_string();
        assert!(error.contains("BatchGetItem left 2 keys unread"), "{error}");
        assert_eq!(calls.len(), ENTRIES_ATTEMPTS);
    }

    #[tokio::test]
    async fn every_call_asks_for_the_last_writes_and_for_as_many_keys_as_dynamodb_takes() {
        let (_, calls) = asked_for(ENTRIES_MAX + 1).await;
        assert_eq!(calls[0]["Keys"].as_array().map(Vec::len), Some(ENTRIES_MAX));
        assert!(calls.iter().all(|call| call["ConsistentRead"] == true), "{calls:?}");
    }
}
