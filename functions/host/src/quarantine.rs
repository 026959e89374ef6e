//! What a copy in quarantine carries beside its body. Both functions send copies; their names are
//! [`payments::quarantine`]'s.
//!
//! Invariant: a copy has every attribute of its original, in one form whoever sends it, and says why it is there.

use aws_sdk_sqs::types::MessageAttributeValue;
use aws_smithy_types::base64;
use payments::quarantine::{ATTRIBUTES, ATTRIBUTES_MAX, DETAIL, ORIGINAL, OURS, REASON};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Message attributes by name.
pub type Attributes = BTreeMap<String, MessageAttributeValue>;

/// Why a message is in quarantine, and of which one it is a copy.
#[derive(Clone, Copy, Debug)]
pub struct Label<'a> {
    /// The reason, by its name.
    pub reason: &'a str,
    /// What else is known.
    pub detail: Option<&'a str>,
    /// Id of the original.
    pub original: Option<&'a str>,
}

impl Label<'_> {
    /// The original's attributes and ours; the original's as JSON in one of them when there is no room for all.
    #[must_use]
    pub fn beside(self, originals: Attributes) -> Attributes {
        let mut attributes = if originals.len() + OURS > ATTRIBUTES_MAX {
            Attributes::from([(ATTRIBUTES.to_owned(), text(&packed(&originals).to_string()))])
        } else {
            originals
        };
        let detail = self.detail.filter(|detail| !detail.is_empty());
        let ours = [(REASON, Some(self.reason)), (DETAIL, detail), (ORIGINAL, self.original)];
        attributes.extend(ours.into_iter().filter_map(|(name, value)| Some((name.to_owned(), text(value?)))));
        attributes
    }
}

/// In the names that Lambda's events use.
fn packed(attributes: &Attributes) -> Value {
    let value = |value: &MessageAttributeValue| {
        json!({
            "dataType": value.data_type(),
            "stringValue": value.string_value(),
            "binaryValue": value.binary_value().map(base64::encode),
        })
    };
    attributes.iter().map(|(name, attribute)| (name.clone(), value(attribute))).collect()
}

fn text(value: &str) -> MessageAttributeValue {
    let attribute = MessageAttributeValue::builder().data_type("String").string_value(value).build();
    attribute.expect("the data type is set")
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_types::Blob;
    use payments::quarantine::NO_LEDGER_ROW;

    const LABEL: Label<'_> =
        Label { reason: NO_LEDGER_ROW, detail: Some("came back"), original: Some("m-1") };

    fn named(count: usize) -> Attributes {
        (0..count).map(|n| (format!("name{n}"), text("value"))).collect()
    }

    #[test]
    fn a_copy_keeps_every_attribute_and_says_why_it_is_there() {
        let kept = LABEL.beside(named(ATTRIBUTES_MAX - OURS));
        assert_eq!(kept.len(), ATTRIBUTES_MAX);
        assert_eq!(kept["name0"], text("value"));
        let ours = [REASON, DETAIL, ORIGINAL].map(|name| kept[name].string_value());
        assert_eq!(ours, [Some(NO_LEDGER_ROW), Some("came back"), Some("m-1")]);
    }

    #[test]
    fn what_there_is_no_room_for_is_packed_into_one_attribute_with_nothing_lost() {
        let mut originals = named(ATTRIBUTES_MAX - OURS);
        let bytes = MessageAttributeValue::builder().data_type("Binary").binary_value(Blob::new([0, 255]));
        originals.insert("bytes".to_owned(), bytes.build().expect("the data type is set"));
        let packed = LABEL.beside(originals);
        assert_eq!(packed.len(), 1 + OURS);
        let json = packed[ATTRIBUTES].string_value().expect("a text");
        for attribute in [
            r#""name6":{"binaryValue":null,"dataType":"String","stringValue":"value"}"#,
            r#""bytes":{"binaryValue":"AP8=","dataType":"Binary","stringValue":null}"#,
        ] {
            assert!(json.contains(attribute), "{json}");
        }
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let label = Label { detail: Some(""), original: None, ..LABEL };
        assert_eq!(label.beside(Attributes::new()).into_keys().collect::<Vec<_>>(), [REASON]);
    }
}
