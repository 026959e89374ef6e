//! Many items of a DynamoDB table at once.
//!
//! Invariant: an item that is not in the answer is not there; when a key was not read, there is no answer.

use crate::aws;
use crate::limits::BATCH_ATTEMPTS;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::builders::KeysAndAttributesBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use std::collections::HashMap;

/// An item, or the key of one, as the SDK has it.
pub type Item = HashMap<String, AttributeValue>;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// DynamoDB could not be asked, after the SDK's retries, and why.
    #[error("{0}")]
    Failed(String),
    /// It left so many keys out, however often it was asked for them.
    #[error("BatchGetItem left {0} unread")]
    Left(usize),
}

/// The items of these keys, 1 to 100, as the last writes left them; those that there are. `wanted` says what of them, all of
/// it where it says nothing.
///
/// # Errors
/// [`Unread`] when DynamoDB cannot be asked, or leaves some unread however often it is.
pub async fn read(
    client: &Client,
    table: &str,
    mut keys: Vec<Item>,
    wanted: &KeysAndAttributesBuilder,
) -> Result<Vec<Item>, Unread> {
    let mut items = Vec::new();
    for _ in 0..BATCH_ATTEMPTS {
        // Consistent: whoever asks for many takes one that is overlooked for one that was never written.
        let wanted = wanted.clone().set_keys(Some(keys)).consistent_read(true).build();
        let wanted: KeysAndAttributes = wanted.map_err(|error| Unread::Failed(error.to_string()))?;
        let answer = client.batch_get_item().request_items(table, wanted).send().await;
        let answer = answer.map_err(|error| Unread::Failed(aws::why(&error)))?;
        let found = answer.responses.and_then(|mut tables| tables.remove(table));
        items.extend(found.into_iter().flatten());
        let left = answer.unprocessed_keys.and_then(|mut tables| tables.remove(table));
        keys = left.map(|left| left.keys).unwrap_or_default();
        if keys.is_empty() {
            return Ok(items);
        }
    }
    Err(Unread::Left(keys.len()))
}
