//! A DynamoDB item, read as a ledger row.
//!
//! Invariant: an item either reads back as exactly one row or is refused with what is wrong with it.

use payments::Row;
use payments::ledger::{Stored, Unsound};

pub(crate) use host::batch::Item;

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
    use std::collections::HashMap;

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

    fn number(value: i64) -> AttributeValue {
        AttributeValue::N(value.to_string())
    }

    fn map(entries: &[(&str, AttributeValue)]) -> AttributeValue {
        AttributeValue::M(entries.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    }

    /// Every attribute that a row may have, with two values of it. No two are alike, whatever their names.
    fn attributes() -> Vec<(&'static str, AttributeValue, AttributeValue)> {
        let decline = |code: &str| map(&[("code", text(code)), ("decline_code", text("lost_card"))]);
        let refused =
            |since| map(&[("what", text("confirm: no")), ("since", number(since)), ("times", number(6))]);
        let open = |began: i64| AttributeValue::Ss(vec![format!("{began}:message-1")]);
        let charges = |id: &str| AttributeValue::Ss(vec![id.to_owned()]);
        let form = |word: &str| text(&format!(r#"[["{word}","{word}"]]"#));
        vec![
            ("payment_id", text("order-1"), text("order-2")),
            ("amount", number(1999), number(2001)),
            ("currency", text("eur"), text("usd")),
            ("payment_method", text("pm_card_visa"), text("pm_card_amex")),
            ("customer", text("cus_1"), text("cus_2")),
            ("description", text("2 CDs"), text("3 CDs")),
            ("metadata", map(&[("k", text("v"))]), map(&[("l", text("v"))])),
            ("stripe_version", text("2026-08-26"), text("2026-09-30")),
            ("create_form", form("a"), form("b")),
            ("confirm_form", form("c"), form("d")),
            ("state", text("intended"), text("received")),
            ("decline", decline("processing_error"), decline("expired_card")),
            ("intent_id", text("pi_1"), text("pi_2")),
            ("create_generation", number(3), number(4)),
            ("attempts", number(5), number(9)),
            ("open", open(1_001), open(1_002)),
            ("last_error", text("refused"), text("panicked")),
            ("refused", refused(1_003), refused(1_004)),
            ("blamed", text("payment"), text("nobody")),
            ("set_aside", text("intent_missing"), text("intent_mismatch")),
            ("declined_charges", charges("ch_1"), charges("ch_2")),
            ("version", number(7), number(8)),
            ("received_at", number(1_005), number(1_006)),
            ("enqueued_at", number(1_007), number(1_008)),
            ("settled_at", number(1_009), number(1_010)),
            ("quarantine_message_id", text("copy-1"), text("copy-2")),
        ]
    }

    #[test]
    fn every_attribute_is_read_and_a_row_differs_by_each() {
        let of = |item: Vec<(&str, AttributeValue)>| {
            read(item.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
                .expect("it is read")
        };
        let whole = || attributes().into_iter().map(|(name, value, _)| (name, value)).collect::<Vec<_>>();
        for (index, (name, _, other)) in attributes().into_iter().enumerate() {
            let mut changed = whole();
            changed[index].1 = other;
            assert_ne!(of(changed), of(whole()), "{name}");
        }
    }

    #[test]
    fn an_attribute_of_another_type_is_refused_or_read_as_what_it_says() {
        for (index, (name, value, _)) in attributes().into_iter().enumerate() {
            let is_text = value.as_s().is_ok();
            let other =
                if is_text { number(12) } else { text(value.as_n().map_or("another", String::as_str)) };
            let item = attributes().into_iter().map(|(name, value, _)| (name.to_owned(), value));
            let mut item: Vec<(String, AttributeValue)> = item.collect();
            item[index].1 = other;
            assert!(read(item.into_iter().collect()).is_err(), "{name}");
        }
    }

    #[test]
    fn the_reason_of_a_quarantine_and_its_detail_are_read() {
        let quarantined = |reason: &str, detail: &str| {
            let others = [("state", text("quarantined")), ("reason", text(reason)), ("detail", text(detail))];
            read(item(&others)).expect("it is read").state
        };
        let refused = quarantined("refused", "no (amount)");
        assert_eq!(refused, State::Quarantined(Reason::Refused("no (amount)".to_owned())));
        assert_ne!(quarantined("refused", "no (currency)"), refused);
        assert_eq!(quarantined("poison", "no (amount)"), State::Quarantined(Reason::Poison));
    }

    #[test]
    fn what_decides_over_money_is_refused_where_it_is_not_understood() {
        for (field, value) in [("state", "halfway"), ("create_form", "amount=1999"), ("confirm_form", "{}")] {
            let error = read(item(&[(field, text(value))])).expect_err(field);
            assert!(error.to_string().contains(field), "{field}: {error}");
        }
    }
}
