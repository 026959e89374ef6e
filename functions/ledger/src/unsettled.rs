//! The sparse index of unsettled rows: how much money waits, since when, why.
//!
//! Invariant: what was not read is said to be missing; a row that cannot be read is counted, never dropped.

use crate::item::Item;
use crate::limits::PAGE_ROWS;
use crate::update::UNSETTLED;
use crate::{Ledger, LedgerError};
use aws_sdk_dynamodb::types::AttributeValue;
use payments::incident::Unsettled;
use payments::money::{AmountMinor, Currency};
use payments::{Cause, PaymentId, UnixMs};
use serde::Deserialize;
use std::collections::HashMap;

/// Unsettled payments, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Those that could be read.
    pub rows: Vec<Unsettled>,
    /// Rows that are there and cannot be read by this version.
    pub unreadable: usize,
    /// Whether there are no more.
    pub extent: Extent,
}

/// How much of the index was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extent {
    /// All that was asked for.
    #[default]
    Complete,
    /// As many as were allowed; there are more.
    CutOff,
}

/// Only what is reported: a survey of thousands of rows should not carry their metadata.
const FIELDS: [&str; 6] = ["payment_id", "amount", "currency", "received_at", "enqueued_at", "last_error"];

#[derive(Deserialize)]
struct Stored {
    payment_id: String,
    amount: AmountMinor,
    currency: Currency,
    received_at: UnixMs,
    enqueued_at: UnixMs,
    last_error: Option<String>,
}

impl Ledger {
    /// Unsettled payments first received no later than `received_until`, oldest first, at most `rows_max`.
    /// Eventually consistent, as every index of DynamoDB is.
    ///
    /// # Errors
    /// [`LedgerError`] when DynamoDB cannot be asked.
    pub async fn unsettled(&self, received_until: UnixMs, rows_max: usize) -> Result<Page, LedgerError> {
        let mut page = Page::default();
        let mut start = None;
        loop {
            let wanted = rows_max - page.rows.len() - page.unreadable;
            let (items, next) = self.query(received_until, wanted.min(PAGE_ROWS), start).await?;
            for item in items {
                match read(item) {
                    Some(row) => page.rows.push(row),
                    None => page.unreadable += 1,
                }
            }
            match next {
                None => return Ok(page),
                Some(_) if page.rows.len() + page.unreadable >= rows_max => {
                    return Ok(Page { extent: Extent::CutOff, ..page });
                }
                Some(key) => start = Some(key),
            }
        }
    }

    async fn query(
        &self,
        received_until: UnixMs,
        limit: usize,
        start: Option<Item>,
    ) -> Result<(Vec<Item>, Option<Item>), LedgerError> {
        let names =
            FIELDS.iter().chain(&["unsettled"]).map(|field| (format!("#{field}"), (*field).to_owned()));
        let fields: Vec<String> = FIELDS.iter().map(|field| format!("#{field}")).collect();
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("unsettled")
            .key_condition_expression("#unsettled = :unsettled AND #received_at <= :until")
            .projection_expression(fields.join(", "))
            .set_expression_attribute_names(Some(names.collect::<HashMap<_, _>>()))
            .expression_attribute_values(":unsettled", AttributeValue::S(UNSETTLED.to_owned()))
            .expression_attribute_values(":until", AttributeValue::N(received_until.0.to_string()))
            .limit(i32::try_from(limit.max(1)).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| LedgerError::of("Query", &error))?;
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key.filter(|key| !key.is_empty())))
    }
}

fn read(item: Item) -> Option<Unsettled> {
    let stored: Stored = serde_dynamo::from_item(item).ok()?;
    Some(Unsettled {
        payment_id: PaymentId::new(&stored.payment_id)?,
        amount: stored.amount,
        currency: stored.currency,
        received_at: stored.received_at,
        enqueued_at: stored.enqueued_at,
        // A cause of a newer version does not make the money less.
        last_error: stored.last_error.and_then(|text| Cause::parse(&text)),
    })
}
