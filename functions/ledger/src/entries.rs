//! Many rows at once, as far as an audit looks at them.
//!
//! Invariant: a row that is not in the answer is not there; one that was not read is an error.

use crate::item::Item;
use crate::limits::ENTRIES_MAX;
use crate::{LedgerError, Reader};
use aws_sdk_dynamodb::types::builders::KeysAndAttributesBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use host::batch::{self, Unread};
use payments::audit::{Entry, Standing};
use payments::provider::IntentId;
use payments::{PaymentId, UnixMs};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Only what is compared.
const FIELDS: [&str; 8] =
    ["payment_id", "state", "intent_id", "amount", "currency", "received_at", "enqueued_at", "settled_at"];

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
        for some in ids.chunks(ENTRIES_MAX) {
            let key = |id: &&PaymentId| {
                HashMap::from([("payment_id".to_owned(), AttributeValue::S(id.as_str().to_owned()))])
            };
            let keys = some.iter().map(key).collect();
            let items = batch::read(&self.client, &self.table, keys, &wanted()).await;
            let items = items.map_err(|unread| {
                LedgerError::Unavailable(match unread {
                    Unread::Failed(why) => format!("BatchGetItem: {why}"),
                    Unread::Left(keys) => format!("BatchGetItem left {keys} keys unread"),
                })
            })?;
            entries.extend(items.iter().filter_map(read));
        }
        Ok(entries)
    }
}

fn wanted() -> KeysAndAttributesBuilder {
    let names = FIELDS.iter().map(|field| (format!("#{field}"), (*field).to_owned()));
    let fields: Vec<String> = FIELDS.iter().map(|field| format!("#{field}")).collect();
    KeysAndAttributes::builder()
        .projection_expression(fields.join(", "))
        .set_expression_attribute_names(Some(names.collect()))
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
