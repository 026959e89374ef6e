//! The sparse index of unsettled rows: how much money waits, since when, why.
//!
//! Invariant: what was not read is said to be missing; a row that cannot be read is counted, never dropped.

use crate::item::Item;
use crate::limits::PAGE_ROWS;
use crate::update::{SET_ASIDE, UNSETTLED};
use crate::{LedgerError, Reader};
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Select};
use payments::incident::Unsettled;
use payments::ledger::OpenDelivery;
use payments::money::{AmountMinor, Currency};
use payments::suspicion::Refused;
use payments::{Cause, PaymentId, UnixMs};
use serde::Deserialize;
use std::collections::BTreeSet;

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
const FIELDS: [&str; 8] =
    ["payment_id", "amount", "currency", "received_at", "enqueued_at", "last_error", "refused", "open"];

#[derive(Deserialize)]
struct Stored {
    payment_id: String,
    amount: AmountMinor,
    currency: Currency,
    received_at: UnixMs,
    enqueued_at: UnixMs,
    last_error: Option<String>,
    refused: Option<Refused>,
    #[serde(default)]
    open: BTreeSet<String>,
}

/// From which end the index is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Oldest,
    Newest,
}

/// Which of the unsettled rows: each kind is a partition of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Waiting,
    SetAside,
}

impl Reader {
    /// Unsettled payments first received no later than `received_until`, oldest first, at most `rows_max`. Without those
    /// that were set aside. Eventually consistent, as every index of DynamoDB is.
    ///
    /// # Errors
    /// [`LedgerError`] when DynamoDB cannot be asked.
    pub async fn unsettled(&self, received_until: UnixMs, rows_max: usize) -> Result<Page, LedgerError> {
        self.page(Kind::Waiting, From::Oldest, received_until, rows_max).await
    }

    /// The same, newest first: what they met is what is met now.
    ///
    /// # Errors
    /// [`LedgerError`] when DynamoDB cannot be asked.
    pub async fn newest_unsettled(
        &self,
        received_until: UnixMs,
        rows_max: usize,
    ) -> Result<Page, LedgerError> {
        self.page(Kind::Waiting, From::Newest, received_until, rows_max).await
    }

    /// Payments that were set aside, oldest first.
    ///
    /// # Errors
    /// [`LedgerError`] when DynamoDB cannot be asked.
    pub async fn set_aside(&self, received_until: UnixMs, rows_max: usize) -> Result<Page, LedgerError> {
        self.page(Kind::SetAside, From::Oldest, received_until, rows_max).await
    }

    /// Whether more payments than `messages` are unsettled that were first received no later than `received_until`.
    ///
    /// # Errors
    /// [`LedgerError`] when DynamoDB cannot be asked.
    pub async fn more_unsettled_than(
        &self,
        messages: u64,
        received_until: UnixMs,
    ) -> Result<bool, LedgerError> {
        let (mut rows, mut start) = (0, None);
        loop {
            let count = self.keys(Kind::Waiting, received_until, PAGE_ROWS).select(Select::Count);
            let answer = count.set_exclusive_start_key(start).send().await;
            let answer = answer.map_err(|error| LedgerError::of("Query", &error))?;
            rows += u64::try_from(answer.count).unwrap_or(0);
            start = answer.last_evaluated_key.filter(|key| !key.is_empty());
            if rows > messages || start.is_none() {
                return Ok(rows > messages);
            }
        }
    }

    async fn page(
        &self,
        kind: Kind,
        from: From,
        received_until: UnixMs,
        rows_max: usize,
    ) -> Result<Page, LedgerError> {
        let mut page = Page::default();
        let mut start = None;
        loop {
            let wanted = rows_max - page.rows.len() - page.unreadable;
            let query =
                self.query(kind, from, received_until, wanted.min(PAGE_ROWS)).set_exclusive_start_key(start);
            let answer = query.send().await.map_err(|error| LedgerError::of("Query", &error))?;
            for item in answer.items.unwrap_or_default() {
                match read(item) {
                    Some(row) => page.rows.push(row),
                    None => page.unreadable += 1,
                }
            }
            match answer.last_evaluated_key.filter(|key| !key.is_empty()) {
                None => return Ok(page),
                Some(_) if page.rows.len() + page.unreadable >= rows_max => {
                    return Ok(Page { extent: Extent::CutOff, ..page });
                }
                Some(key) => start = Some(key),
            }
        }
    }

    fn query(&self, kind: Kind, from: From, received_until: UnixMs, limit: usize) -> QueryFluentBuilder {
        let mut query = self.keys(kind, received_until, limit).scan_index_forward(from == From::Oldest);
        for field in FIELDS {
            query = query.expression_attribute_names(format!("#{field}"), field);
        }
        let fields: Vec<String> = FIELDS.iter().map(|field| format!("#{field}")).collect();
        query.projection_expression(fields.join(", "))
    }

    /// Only which rows, not what of them.
    fn keys(&self, kind: Kind, received_until: UnixMs, limit: usize) -> QueryFluentBuilder {
        let partition = match kind {
            Kind::Waiting => UNSETTLED,
            Kind::SetAside => SET_ASIDE,
        };
        self.client
            .query()
            .table_name(&self.table)
            .index_name("unsettled")
            .key_condition_expression("#unsettled = :unsettled AND #received_at <= :until")
            .expression_attribute_names("#unsettled", "unsettled")
            .expression_attribute_names("#received_at", "received_at")
            .expression_attribute_values(":unsettled", AttributeValue::S(partition.to_owned()))
            .expression_attribute_values(":until", AttributeValue::N(received_until.0.to_string()))
            .limit(i32::try_from(limit.max(1)).unwrap_or(i32::MAX))
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
        refused: stored.refused.map(|refused| refused.what),
        open: stored.open.iter().filter_map(|text| Some(OpenDelivery::parse(text)?.began_at)).collect(),
    })
}
