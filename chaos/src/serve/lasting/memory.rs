//! Where requests are written down: numbered from 1, without a gap, each number once.
//!
//! Invariant: a number that was given is never given again, whoever writes beside us.

use super::account::Asked;
use crate::cloud::container::BoxFuture;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use std::collections::HashMap;

/// The table's partition: there is one account.
const ACCOUNT: &str = "account";
/// Its sort key.
const NUMBER: &str = "number";
const ID: &str = "id";
const ASKED: &str = "asked";
/// What the one account is called.
const ONLY: &str = "stripe";

/// Whether a number is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// It is: now, or since a try whose answer was lost.
    Ours,
    /// Somebody else wrote a request under it.
    Anothers,
}

/// Why nothing can be remembered; one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MemoryError(pub String);

/// A memory.
pub trait Memory: Send {
    /// Writes a request down under this number, if nobody has used it.
    ///
    /// # Errors
    /// When it is not known whether it was.
    fn note<'a>(
        &'a mut self,
        number: u64,
        id: &'a str,
        asked: &'a Asked,
    ) -> BoxFuture<'a, Result<Noted, MemoryError>>;

    /// Every request behind this number, in order.
    ///
    /// # Errors
    /// When they cannot be read.
    fn behind(&mut self, number: u64) -> BoxFuture<'_, Result<Vec<Asked>, MemoryError>>;
}

/// In a table of DynamoDB: `account` (S) and `number` (N).
#[derive(Clone, Debug)]
pub struct InTable {
    client: Client,
    table: String,
}

impl InTable {
    /// In this table.
    #[must_use]
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }
}

impl Memory for InTable {
    fn note<'a>(
        &'a mut self,
        number: u64,
        id: &'a str,
        asked: &'a Asked,
    ) -> BoxFuture<'a, Result<Noted, MemoryError>> {
        Box::pin(async move {
            let text = serde_json::to_string(asked).map_err(|error| MemoryError(error.to_string()))?;
            let put = self.client.put_item().table_name(&self.table);
            let put = put.item(ACCOUNT, AttributeValue::S(ONLY.to_owned()));
            let put = put.item(NUMBER, AttributeValue::N(number.to_string()));
            let put = put.item(ID, AttributeValue::S(id.to_owned())).item(ASKED, AttributeValue::S(text));
            let put = put.condition_expression("attribute_not_exists(#account)");
            let put = put.expression_attribute_names("#account", ACCOUNT);
            let all = ReturnValuesOnConditionCheckFailure::AllOld;
            match put.return_values_on_condition_check_failure(all).send().await {
                Ok(_) => Ok(Noted::Ours),
                Err(error) => taken(&error, id),
            }
        })
    }

    fn behind(&mut self, number: u64) -> BoxFuture<'_, Result<Vec<Asked>, MemoryError>> {
        Box::pin(async move {
            let query = self.client.query().table_name(&self.table).consistent_read(true);
            let query = query.key_condition_expression("#account = :account AND #number > :number");
            let query = query.expression_attribute_names("#account", ACCOUNT);
            let query = query.expression_attribute_names("#number", NUMBER);
            let query = query.expression_attribute_values(":account", AttributeValue::S(ONLY.to_owned()));
            let query = query.expression_attribute_values(":number", AttributeValue::N(number.to_string()));
            let items = query.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
            let items = items.map_err(|error| unreadable(&host::aws::why(&error)))?;
            items.iter().map(read).collect()
        })
    }
}

/// Whose it is, of a number that cannot be had.
fn taken(error: &SdkError<PutItemError>, id: &str) -> Result<Noted, MemoryError> {
    let why = host::aws::why(error);
    let Some(PutItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() else {
        return Err(MemoryError(format!("the request cannot be written down: {why}")));
    };
    let holder = failed.item().and_then(|item| item.get(ID)).and_then(|id| id.as_s().ok());
    Ok(if holder.is_some_and(|holder| holder == id) { Noted::Ours } else { Noted::Anothers })
}

fn read(item: &HashMap<String, AttributeValue>) -> Result<Asked, MemoryError> {
    let text = item.get(ASKED).and_then(|text| text.as_s().ok());
    let text = text.ok_or_else(|| unreadable("an item without a request"))?;
    serde_json::from_str(text).map_err(|error| unreadable(&error.to_string()))
}

fn unreadable(why: &str) -> MemoryError {
    MemoryError(format!("what was asked before cannot be read: {why}"))
}
