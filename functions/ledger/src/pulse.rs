//! The pulse in the table: one item beside the rows, under a key that no payment can have.
//!
//! A container that dies takes what it saw along; this stays.
//! Invariant: no row, and in no index: nothing is charged or settled by it.

use crate::{Ledger, LedgerError, Reader};
use aws_sdk_dynamodb::types::AttributeValue;
use payments::UnixMs;
use payments::pulse::{Beat, Pulse};

/// Its key. A `payment_id` holds no `~`.
const KEY: &str = "~pulse";

/// The attribute that holds it, as JSON.
const PULSE: &str = "pulse";

impl Ledger {
    /// Says that payments came through. Of two containers that say so at once one is overwritten, and what it counted is
    /// lost. `waited_ms` is how long the last of them had waited for its first delivery.
    ///
    /// # Errors
    /// [`LedgerError`] when DynamoDB cannot be asked.
    pub async fn beat(&self, beat: Beat, waited_ms: i64, now: UnixMs) -> Result<(), LedgerError> {
        let pulse = Pulse::beaten(self.reader.pulse().await?, beat, waited_ms, now);
        let json =
            serde_json::to_string(&pulse).map_err(|error| LedgerError::Unavailable(error.to_string()))?;
        let Reader { client, table } = &self.reader;
        let update = client
            .update_item()
            .table_name(table)
            .key("payment_id", AttributeValue::S(KEY.to_owned()))
            .update_expression("SET #pulse = :pulse")
            .expression_attribute_names("#pulse", PULSE)
            .expression_attribute_values(":pulse", AttributeValue::S(json));
        update.send().await.map_err(|error| LedgerError::of("UpdateItem", &error))?;
        Ok(())
    }
}

impl Reader {
    /// How payments came through lately, as far as anybody said so; `None` where nobody ever did.
    ///
    /// # Errors
    /// [`LedgerError`] when DynamoDB cannot be asked.
    pub async fn pulse(&self) -> Result<Option<Pulse>, LedgerError> {
        let key = AttributeValue::S(KEY.to_owned());
        let look =
            self.client.get_item().table_name(&self.table).key("payment_id", key).consistent_read(true);
        let answer = look.send().await.map_err(|error| LedgerError::of("GetItem", &error))?;
        let json = answer.item.as_ref().and_then(|item| item.get(PULSE)?.as_s().ok());
        Ok(json.and_then(|json| serde_json::from_str(json).ok()))
    }
}
