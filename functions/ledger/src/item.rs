//! A DynamoDB item, read as a ledger row.
//!
//! Invariant: an item either reads back as exactly one row or is refused with what is wrong with it.

use payments::Row;
use payments::ledger::{Stored, Unsound};
use std::collections::HashMap;

/// A DynamoDB item, as the SDK has it.
pub(crate) type Item = HashMap<String, aws_sdk_dynamodb::types::AttributeValue>;

/// An item that is no row.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadItem {
    /// An attribute is missing or of another type.
    #[error("ledger item cannot be read: {0}")]
    Attribute(#[from] serde_dynamo::Error),
    /// Its attributes make no row.
    #[error(transparent)]
    Unsound(#[from] Unsound),
}

/// Reads a row back.
pub(crate) fn read(item: Item) -> Result<Row, BadItem> {
    let stored: Stored = serde_dynamo::from_item(item)?;
    Ok(Row::read(stored)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_dynamodb::types::AttributeValue;
    use payments::ledger::{Reason, State};

    fn item(others: &[(&str, AttributeValue)]) -> Item {
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let number = |value: u32| AttributeValue::N(value.to_string());
        let item = [
            ("payment_id", text("order-1")),
            ("amount", number(1999)),
            ("currency", text("eur")),
            ("payment_method", text("pm_card_visa")),
            ("stripe_version", text("2026-08-26.dahlia")),
            ("create_form", text(r#"[["amount","1999"]]"#)),
            ("confirm_form", text("[]")),
            ("state", text("received")),
            ("create_generation", number(3)),
            ("attempts", number(5)),
            ("version", number(7)),
            ("received_at", number(11)),
            ("enqueued_at", number(13)),
        ];
        let item = item.into_iter().chain(others.iter().map(|(name, value)| (*name, value.clone())));
        item.map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn text(value: &str) -> AttributeValue {
        AttributeValue::S(value.to_owned())
    }

    #[test]
    fn what_only_a_newer_version_knows_does_not_keep_an_older_one_from_reading() {
        let open = AttributeValue::Ss(vec!["1000:message-1".to_owned(), "of the future".to_owned()]);
        let row =
            read(item(&[("last_error", text("a_cause_of_the_future")), ("open", open), ("more", text("x"))]));
        let row = row.expect("it is read");
        assert_eq!((row.last_error, row.open.len(), row.attempts), (None, 1, 5));
        let quarantined =
            [("state", text("quarantined")), ("reason", text("of_the_future")), ("detail", text("d"))];
        let row = read(item(&quarantined)).expect("it is read");
        assert_eq!(
            row.state,
            State::Quarantined(Reason::Other("of_the_future".to_owned(), Some("d".to_owned())))
        );
        let declined = AttributeValue::M(HashMap::from([
            ("code".to_owned(), text("card_declined")),
            ("since".to_owned(), text("later")),
        ]));
        let row = read(item(&[("state", text("declined")), ("decline", declined)])).expect("it is read");
        assert_eq!(row.state.name(), "declined");
    }

    #[test]
    fn what_decides_over_money_is_refused_where_it_is_not_understood() {
        for (field, value) in [("state", "halfway"), ("create_form", "amount=1999"), ("confirm_form", "{}")] {
            let error = read(item(&[(field, text(value))])).expect_err(field);
            assert!(error.to_string().contains(field), "{field}: {error}");
        }
    }
}
