//! The pulse: when a payment last came through, whichever container saw it.
//!
//! One item beside the rows, under a key that no payment can have. A container that dies takes what it saw along; this
//! stays, so that the next one can tell a payment that kills from a deployment that dies of all of them.
//! Invariant: no row, and in no index: nothing is charged or settled by it.

use crate::{Ledger, LedgerError};
use aws_sdk_dynamodb::types::AttributeValue;
use payments::UnixMs;

/// Its key. A `payment_id` holds no `~`.
pub const PULSE: &str = "~pulse";

const CAME_THROUGH: &str = "came_through";

impl Ledger {
    /// Says that a payment came through.
    ///
    /// # Errors
    /// [`LedgerError`] when DynamoDB cannot be asked.
    pub async fn beat(&self, now: UnixMs) -> Result<(), LedgerError> {
        self.client
            .update_item()
            .table_name(&self.table)
            .key("payment_id", AttributeValue::S(PULSE.to_owned()))
            .update_expression("SET #at = :at")
            .expression_attribute_names("#at", CAME_THROUGH)
            .expression_attribute_values(":at", AttributeValue::N(now.0.to_string()))
            .send()
            .await
            .map_err(|error| LedgerError::of("UpdateItem", &error))?;
        Ok(())
    }

    /// When one last did, as far as anybody said so; `None` where nobody ever did.
    ///
    /// # Errors
    /// [`LedgerError`] when DynamoDB cannot be asked.
    pub async fn last_beat(&self) -> Result<Option<UnixMs>, LedgerError> {
        let key = AttributeValue::S(PULSE.to_owned());
        let look =
            self.client.get_item().table_name(&self.table).key("payment_id", key).consistent_read(true);
        let answer = look.send().await.map_err(|error| LedgerError::of("GetItem", &error))?;
        let at = answer.item.and_then(|item| item.get(CAME_THROUGH)?.as_n().ok()?.parse().ok());
        Ok(at.map(UnixMs))
    }
}
