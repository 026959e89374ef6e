//! The pulse in the table: one item beside the rows, under a key that no payment can have.
//!
//! A container that dies takes what it saw along; this stays.
//! Invariant: no row, and in no index: nothing is charged or settled by it.

use crate::{Ledger, LedgerError};
use aws_sdk_dynamodb::types::AttributeValue;
use payments::UnixMs;
use payments::suspicion::Pulse;
use serde::Deserialize;

/// Its key. A `payment_id` holds no `~`.
const KEY: &str = "~pulse";

#[derive(Deserialize)]
struct Stored {
    last: UnixMs,
    since: UnixMs,
    before: Option<UnixMs>,
}

impl Ledger {
    /// Says that a payment came through. Two containers that say so at once overwrite one another, which loses nothing.
    ///
    /// # Errors
    /// [`LedgerError`] when DynamoDB cannot be asked.
    pub async fn beat(&self, now: UnixMs) -> Result<(), LedgerError> {
        let pulse = Pulse::beaten(self.pulse().await?, now);
        let number = |at: UnixMs| AttributeValue::N(at.0.to_string());
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("payment_id", AttributeValue::S(KEY.to_owned()))
            .update_expression("SET #last = :last, #since = :since, #before = :before")
            .expression_attribute_names("#last", "last")
            .expression_attribute_names("#since", "since")
            .expression_attribute_names("#before", "before")
            .expression_attribute_values(":last", number(pulse.last))
            .expression_attribute_values(":since", number(pulse.since))
            .expression_attribute_values(":before", pulse.before.map_or(AttributeValue::Null(true), number));
        update.send().await.map_err(|error| LedgerError::of("UpdateItem", &error))?;
        Ok(())
    }

    /// How payments came through lately, as far as anybody said so; `None` where nobody ever did.
    ///
    /// # Errors
    /// [`LedgerError`] when DynamoDB cannot be asked.
    pub async fn pulse(&self) -> Result<Option<Pulse>, LedgerError> {
        let key = AttributeValue::S(KEY.to_owned());
        let look =
            self.client.get_item().table_name(&self.table).key("payment_id", key).consistent_read(true);
        let answer = look.send().await.map_err(|error| LedgerError::of("GetItem", &error))?;
        let stored = answer.item.and_then(|item| serde_dynamo::from_item::<_, Stored>(item).ok());
        Ok(stored.map(|Stored { last, since, before }| Pulse { last, since, before }))
    }
}
