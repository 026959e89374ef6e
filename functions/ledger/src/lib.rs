//! The ledger: one DynamoDB row a payment.
//!
//! A crate of its own, because every function needs it and none but the consumer may be able to reach what confirms.
//!
//! Invariant: what a change comes to is said by the model in [`payments::ledger`]; this adapter only carries it out, and the chaos
//! suite checks that the two agree.

mod entries;
mod item;
pub mod limits;
mod pulse;
mod status;
mod unsettled;
mod update;

pub use unsettled::{Extent, Page};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use host::aws;
use item::{BadItem, Item};
use payments::ledger::{Change, OpenDelivery, Row};
use payments::request::Request;
use payments::{Cause, Payment, PaymentId, UnixMs};
use std::error::Error;
use update::Update;

/// The ledger table, for whoever reads it: no payment changes by what holds only this.
#[derive(Clone, Debug)]
pub struct Reader {
    client: Client,
    table: String,
}

/// The ledger table, with the right to change it.
#[derive(Clone, Debug)]
pub struct Ledger {
    reader: Reader,
}

/// Whether step 1 adds the delivery to those that are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// Only if none is open: the payment's last delivery said how it ended.
    IfNoneIsOpen,
    /// Whoever else is open.
    Always,
}

/// What step 1 found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// The row of this very request.
    Row(Row),
    /// The row of this very request, in which other deliveries are open. This one was not added, nor counted.
    Occupied(Row),
    /// The row of another request under the same id. It was left as it was.
    OtherRequest,
}

/// What a conditional change came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It was made; this is the row now.
    Row(Row),
    /// Its condition failed; this is the row as it stands, if there is one.
    LostRace(Option<Row>),
}

/// The ledger could not be asked, or what it holds cannot be read. A change may or may not have been made.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// DynamoDB failed or throttled, after the SDK's retries.
    #[error("ledger cannot be asked: {0}")]
    Unavailable(String),
    /// What came back is no row.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

impl LedgerError {
    fn of<E: ProvideErrorMetadata, R>(operation: &str, error: &SdkError<E, R>) -> Self
    where
        SdkError<E, R>: Error,
    {
        Self::Unavailable(format!("{operation}: {}", aws::why(error)))
    }
}

/// What came back is no row.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Unreadable(BadItem);

impl Reader {
    /// The ledger in `table`.
    #[must_use]
    pub const fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// The row of `payment_id`, as the last write left it; `None` when there is none.
    ///
    /// # Errors
    /// [`LedgerError`] when DynamoDB cannot be asked, or holds something that is no row.
    pub async fn row(&self, payment_id: &PaymentId) -> Result<Option<Row>, LedgerError> {
        let key = AttributeValue::S(payment_id.as_str().to_owned());
        let look = self.client.get_item().table_name(&self.table).key("payment_id", key);
        // Consistent: a payment whose row is overlooked could be taken for one that was never begun.
        let answer =
            look.consistent_read(true).send().await.map_err(|error| LedgerError::of("GetItem", &error))?;
        Ok(answer.item.map(read).transpose()?)
    }
}

impl Ledger {
    /// The ledger in `table`.
    #[must_use]
    pub const fn new(client: Client, table: String) -> Self {
        Self { reader: Reader::new(client, table) }
    }

    /// What reads it.
    #[must_use]
    pub const fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Opens the connection by reading a row that is not there.
    pub async fn warm_up(&self) {
        let key = AttributeValue::S("warm-up".to_owned());
        let Reader { client, table } = &self.reader;
        // Whatever comes back, the connection is open or the first write will say why not.
        let _ = client.get_item().table_name(table).key("payment_id", key).send().await;
    }

    /// Step 1: one write that claims nothing and tells everything. `opening` may keep it from being made.
    ///
    /// # Errors
    /// [`LedgerError`] when DynamoDB cannot be asked; the delivery may have been counted.
    pub async fn receive(
        &self,
        request: &Request,
        delivery: &OpenDelivery,
        enqueued_at: UnixMs,
        opening: Opening,
    ) -> Result<Received, LedgerError> {
        let update = Update::receive(request, delivery, enqueued_at, opening);
        let is_ours = |row: &Row| row.request.fingerprint == request.fingerprint;
        Ok(match self.update(request.payment.payment_id.as_str(), update).await? {
            Changed::Row(row) => Received::Row(row),
            Changed::LostRace(Some(row)) if !is_ours(&row) => Received::OtherRequest,
            // The answer to our own write was lost, and the SDK repeated it: the delivery is open, and counted.
            Changed::LostRace(Some(row)) if row.open.contains(delivery) => Received::Row(row),
            Changed::LostRace(Some(row)) if row.state.is_unsettled() => Received::Occupied(row),
            Changed::LostRace(Some(row)) => Received::Row(row),
            // The condition holds for a missing row, so this is a table that contradicts itself.
            Changed::LostRace(None) => return Err(LedgerError::Unavailable("no row".to_owned())),
        })
    }

    /// Takes back a delivery whose step 1 was not answered: it may be counted all the same, and left open it would be
    /// taken for one that died. Nothing happens to a row that is settled or belongs to another request.
    ///
    /// # Errors
    /// [`LedgerError`] when DynamoDB cannot be asked; the delivery may have been taken back.
    pub async fn close(
        &self,
        request: &Request,
        delivery: &OpenDelivery,
        cause: Cause,
    ) -> Result<(), LedgerError> {
        let update = Update::close(request.fingerprint, delivery, cause);
        self.update(request.payment.payment_id.as_str(), update).await.map(|_| ())
    }

    /// Leaves `cause` on an unsettled row of this very payment, and nothing else.
    ///
    /// # Errors
    /// [`LedgerError`] when DynamoDB cannot be asked; the cause may have been noted.
    pub async fn note(&self, payment: &Payment, cause: Cause) -> Result<(), LedgerError> {
        self.update(payment.payment_id.as_str(), Update::note(payment.fingerprint(), cause)).await.map(|_| ())
    }

    /// Leaves a human's word on an unsettled row: the payment is to blame for what it met.
    ///
    /// # Errors
    /// [`LedgerError`] when DynamoDB cannot be asked; the word may have been noted.
    pub async fn blame(&self, payment_id: &PaymentId) -> Result<(), LedgerError> {
        self.update(payment_id.as_str(), Update::blame()).await.map(|_| ())
    }

    /// Makes `change`, on condition that the row still is as it was `read`.
    ///
    /// # Errors
    /// [`LedgerError`] when DynamoDB cannot be asked; the change may have been made.
    pub async fn change(&self, read: &Row, change: &Change, now: UnixMs) -> Result<Changed, LedgerError> {
        self.update(read.payment().payment_id.as_str(), Update::change(read, change, now)).await
    }

    async fn update(&self, payment_id: &str, update: Update) -> Result<Changed, LedgerError> {
        let Reader { client, table } = &self.reader;
        let request = client
            .update_item()
            .table_name(table)
            .key("payment_id", AttributeValue::S(payment_id.to_owned()))
            .update_expression(update.expression())
            .condition_expression(update.condition())
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let (names, values) = update.placeholders();
        let answer = request
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            .send()
            .await;
        match answer {
            Ok(output) => Ok(Changed::Row(read(output.attributes.unwrap_or_default())?)),
            Err(error) => lost_race(error),
        }
    }
}

fn lost_race(error: SdkError<UpdateItemError>) -> Result<Changed, LedgerError> {
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
            Ok(Changed::LostRace(failed.item.clone().map(read).transpose()?))
        }
        Some(_) | None => Err(LedgerError::of("UpdateItem", &error)),
    }
}

fn read(item: Item) -> Result<Row, Unreadable> {
    item::read(item).map_err(Unreadable)
}
