//! One row, as far as its customer may see it.
//!
//! Invariant: nothing else leaves the table; a row that cannot be read is an error, and never told as something else.

use crate::item::{BadItem, Item};
use crate::{LedgerError, Reader, Unreadable};
use aws_sdk_dynamodb::types::AttributeValue;
use payments::ledger::Unsound;
use payments::money::{AmountMinor, Currency};
use payments::status::{Status, Told};
use payments::{PaymentId, UnixMs};
use serde::Deserialize;

/// Only what is told, and what it is told by.
const FIELDS: [&str; 7] =
    ["state", "set_aside", "amount", "currency", "received_at", "settled_at", "version"];

#[derive(Deserialize)]
struct Stored {
    state: String,
    set_aside: Option<String>,
    amount: AmountMinor,
    currency: Currency,
    received_at: UnixMs,
    settled_at: Option<UnixMs>,
    version: u64,
}

impl Reader {
    /// How `payment_id` stands; `None` when there is no row.
    ///
    /// Eventually consistent: what comes back was once so, and may be a second old. That is never more than is known: no
    /// row leaves a final state, and of all others nothing is claimed that a later one takes back. A consistent read would
    /// cost twice as much, and fail when only one replica, the leader, does.
    ///
    /// # Errors
    /// [`LedgerError`] when DynamoDB cannot be asked, or holds something that is no row.
    pub async fn status(&self, payment_id: &PaymentId) -> Result<Option<Status>, LedgerError> {
        let key = AttributeValue::S(payment_id.as_str().to_owned());
        let mut look = self.client.get_item().table_name(&self.table).key("payment_id", key);
        for field in FIELDS {
            look = look.expression_attribute_names(format!("#{field}"), field);
        }
        let fields: Vec<String> = FIELDS.iter().map(|field| format!("#{field}")).collect();
        let answer = look.projection_expression(fields.join(", ")).send().await;
        let answer = answer.map_err(|error| LedgerError::of("GetItem", &error))?;
        let status = answer.item.map(|item| read(payment_id, item)).transpose();
        Ok(status.map_err(Unreadable)?)
    }
}

fn read(payment_id: &PaymentId, item: Item) -> Result<Status, BadItem> {
    let stored: Stored = serde_dynamo::from_item(item)?;
    let told = Told::of(&stored.state, stored.set_aside.is_some()).ok_or(Unsound::Unknown("state"))?;
    Ok(Status {
        payment_id: payment_id.clone(),
        told,
        amount: stored.amount,
        currency: stored.currency,
        received_at: stored.received_at,
        // A quarantined row has one as well, and is not settled.
        settled_at: stored.settled_at.filter(|_| told.is_final()),
        version: stored.version,
    })
}
