//! Keeps an order for each payment, told by its outcomes.
//!
//! Outcomes come at least once, and a rule delivers them in any order: hence the version, which only ever grows. An order
//! takes over an outcome that is newer than what it knows, and leaves every other be.
//! Invariant: whatever comes, however often and in whatever order, an order ends at its payment's last outcome.

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::DisplayErrorContext;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::Deserialize;

/// What became of a payment: `detail` of an event, as `schemas/outcome.json` describes it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Outcome {
    /// The payment, by the id under which it was sent.
    pub payment_id: String,
    /// Which of its outcomes: the greater, the newer.
    pub version: String,
    /// `succeeded`, `declined` or `quarantined`.
    pub state: String,
    /// Minor units.
    pub amount: String,
    /// Three lower-case letters.
    pub currency: String,
}

/// The event that EventBridge puts around it.
#[derive(Deserialize)]
struct Event {
    detail: Outcome,
}

/// What an outcome was to its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The order stands as it says now.
    News,
    /// The order knew it, or something newer.
    Known,
}

/// Why an outcome could not be taken over: it comes again.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    /// It is no outcome.
    #[error("no outcome: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// Its version is no number, or its state is not one of the three.
    #[error("no outcome: {0} is none of its fields' values")]
    Unknown(String),
    /// The table could not be written to.
    #[error("the order could not be written: {0}")]
    Table(String),
}

/// The orders, in a table whose key is `order_id`.
#[derive(Clone, Debug)]
pub struct Orders {
    dynamodb: Client,
    table: String,
}

impl Orders {
    /// The orders in this table.
    #[must_use]
    pub fn new(dynamodb: Client, table: String) -> Self {
        Self { dynamodb, table }
    }

    /// Takes over a batch of events out of a queue. Those that could not be taken come again, and no others.
    pub async fn take_all(&self, batch: SqsEvent) -> SqsBatchResponse {
        let mut failed = Vec::new();
        for message in batch.records {
            if let Err(error) = self.take(message.body.as_deref().unwrap_or_default()).await {
                tracing::error!(%error, "an outcome could not be taken over");
                failed.extend(message.message_id.map(|item_identifier| {
                    let mut failure = BatchItemFailure::default();
                    failure.item_identifier = item_identifier;
                    failure
                }));
            }
        }
        let mut response = SqsBatchResponse::default();
        response.batch_item_failures = failed;
        response
    }

    /// Takes over one event.
    ///
    /// # Errors
    /// [`NotTaken`] when it is none, or the table does not answer.
    pub async fn take(&self, event: &str) -> Result<Taken, NotTaken> {
        let Event { detail: outcome } = serde_json::from_str(event)?;
        let version: u64 = outcome.version.parse().map_err(|_| NotTaken::Unknown(outcome.version.clone()))?;
        let status = status(&outcome.state).ok_or_else(|| NotTaken::Unknown(outcome.state.clone()))?;
        let number = |digits: &str| AttributeValue::N(digits.to_owned());
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let written = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .key("order_id", text(&outcome.payment_id))
            .update_expression(
                "SET #status = :status, #version = :version, #amount = :amount, #currency = :currency",
            )
            .condition_expression("attribute_not_exists(#version) OR #version < :version")
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#version", "version")
            .expression_attribute_names("#amount", "amount")
            .expression_attribute_names("#currency", "currency")
            .expression_attribute_values(":status", text(status))
            .expression_attribute_values(":version", number(&version.to_string()))
            .expression_attribute_values(":amount", number(&outcome.amount))
            .expression_attribute_values(":currency", text(&outcome.currency))
            .send()
            .await;
        match written {
            Ok(_) => Ok(Taken::News),
            Err(error)
                if error.as_service_error().is_some_and(|it| it.is_conditional_check_failed_exception()) =>
            {
                Ok(Taken::Known)
            }
            Err(error) => Err(NotTaken::Table(DisplayErrorContext(error).to_string())),
        }
    }
}

/// What an order is to its customer.
fn status(state: &str) -> Option<&'static str> {
    match state {
        "succeeded" => Some("paid"),
        "declined" => Some("declined"),
        // Not charged by then, and not given up either: a human looks into it.
        "quarantined" => Some("in_review"),
        _ => None,
    }
}
