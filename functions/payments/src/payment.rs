//! A message body and what it asks for.
//!
//! Parsing happens once, here; whatever passes is a payment that can be sent to Stripe as it stands.
//! Invariant: errors name fields and limits, never values, because a body may hold what must not be logged.

use crate::json::{self, Unambiguous};
use crate::limits::{
    DESCRIPTION_CHARS_MAX, METADATA_ENTRIES_MAX, METADATA_KEY_CHARS_MAX, METADATA_VALUE_CHARS_MAX,
    PAYMENT_ID_CHARS_MAX, STRIPE_ID_CHARS_MAX,
};
use crate::money::{AmountMinor, Currency};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;

/// The fields a payment may have, in the order errors list them.
const FIELDS: &str = "payment_id, amount, currency, payment_method, customer, description, metadata";

/// Some serialisers write it before the first character of a text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Metadata key under which every intent carries its payment id.
pub const PAYMENT_ID_KEY: &str = "payment_id";

/// What a message body means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A payment to charge.
    Payment(Payment),
    /// `PYMT_SUCCEED` or `PYMT_FAILED`: a fire drill that never reaches Stripe or the ledger.
    Drill(Drill),
}

/// The two fire drills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drill {
    /// `PYMT_SUCCEED`: acknowledged at once.
    Succeed,
    /// `PYMT_FAILED`: fails until it is dead-lettered.
    Fail,
}

impl Body {
    /// Reads a message body; a byte order mark before it and white space around it are ignored.
    ///
    /// # Errors
    /// [`Malformed`] names the first thing that is wrong.
    pub fn parse(body: &str) -> Result<Self, Malformed> {
        match body.trim_matches(|char: char| char.is_whitespace() || char == BYTE_ORDER_MARK) {
            "PYMT_SUCCEED" => Ok(Self::Drill(Drill::Succeed)),
            "PYMT_FAILED" => Ok(Self::Drill(Drill::Fail)),
            json => Payment::parse(json).map(Self::Payment),
        }
    }
}

/// A payment as its producer asked for it. Its JSON is the message body.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Payment {
    /// The producer's id: the same id is the same payment, for ever.
    pub payment_id: PaymentId,
    /// How much, in minor units.
    pub amount: AmountMinor,
    /// In which currency.
    pub currency: Currency,
    /// Stripe's id of the card, for example `pm_card_visa`.
    pub payment_method: StripeId,
    /// Stripe's id of the customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<StripeId>,
    /// Shown to the customer by Stripe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Passed on to Stripe, together with the payment id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

impl Payment {
    /// Reads a payment from JSON.
    ///
    /// # Errors
    /// [`Malformed`] names the first field that is missing, unknown, repeated or not of its form.
    pub fn parse(json: &str) -> Result<Self, Malformed> {
        let mut fields = fields(json)?;
        let payment = Self {
            payment_id: required(&mut fields, "payment_id", PaymentId::FORM, PaymentId::new)?,
            amount: amount(&mut fields)?,
            currency: required(&mut fields, "currency", "three lower-case letters", Currency::new)?,
            payment_method: required(&mut fields, "payment_method", StripeId::FORM, |text| {
                StripeId::new(text)
            })?,
            customer: optional(&mut fields, "customer", StripeId::FORM, StripeId::new)?,
            description: optional(
                &mut fields,
                "description",
                "a text of at most 1000 characters",
                description,
            )?,
            metadata: metadata(&mut fields)?,
        };
        match fields.pop_first() {
            None => Ok(payment),
            Some(_) => Err(Malformed::UnknownField),
        }
    }

    /// A digest over every field: two messages with one `payment_id` ask for the same exactly when these agree.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        // Each part is preceded by its length, so no two different payments feed the same bytes.
        let mut hasher = Sha256::new();
        let mut part = |text: &str| {
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        part(self.payment_id.as_str());
        part(&self.amount.get().to_string());
        part(self.currency.as_str());
        part(self.payment_method.as_str());
        for optional in [self.customer.as_ref().map(StripeId::as_str), self.description.as_deref()] {
            part(if optional.is_some() { "some" } else { "none" });
            part(optional.unwrap_or_default());
        }
        for (key, value) in &self.metadata {
            part(key);
            part(value);
        }
        Fingerprint(hasher.finalize().into())
    }
}

/// The producer's id of a payment: 1–128 of `[A-Za-z0-9_-]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct PaymentId(String);

impl PaymentId {
    const FORM: &str = "1 to 128 of A-Z a-z 0-9 _ -";

    /// `None` unless `id` has the form.
    #[must_use]
    pub fn new(id: &str) -> Option<Self> {
        is_word(id, PAYMENT_ID_CHARS_MAX).then(|| Self(id.to_owned()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PaymentId {
    type Error = String;

    fn try_from(id: String) -> Result<Self, Self::Error> {
        Self::new(&id).ok_or_else(|| format!("a payment id is {}", Self::FORM))
    }
}

impl fmt::Display for PaymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Stripe's id of an object that a message names (a payment method, a customer): up to 255 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct StripeId(String);

impl StripeId {
    const FORM: &str = "1 to 255 of A-Z a-z 0-9 _ -";

    /// `None` unless `id` has the form. Prefixes are not checked: Stripe does not promise them.
    #[must_use]
    pub fn new(id: &str) -> Option<Self> {
        is_word(id, STRIPE_ID_CHARS_MAX).then(|| Self(id.to_owned()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// SHA-256 over a payment's fields. Displayed, and stored, in hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Why a body is not a payment. Names fields and forms, never values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not JSON at all.
    #[error(
        "body is not JSON (line {line}, column {column}); accepted: a payment object, PYMT_SUCCEED, PYMT_FAILED"
    )]
    NotJson {
        /// Line of the body, from 1.
        line: usize,
        /// Column of that line.
        column: usize,
    },
    /// JSON, but not an object.
    #[error("body is not a JSON object; accepted: an object with {FIELDS}")]
    NotAnObject,
    /// One key twice in one object, at whatever depth.
    #[error("body repeats a field; each may appear once")]
    RepeatedField,
    /// A field we do not know. Its name is not repeated here: it could be anything.
    #[error("body has an unknown field; accepted: {FIELDS}")]
    UnknownField,
    /// A required field is absent.
    #[error("{field} is missing; accepted: {accepted}")]
    Missing {
        /// Field name.
        field: &'static str,
        /// Its form.
        accepted: &'static str,
    },
    /// A field is not of its form.
    #[error("{field} is not acceptable; accepted: {accepted}")]
    Form {
        /// Field name.
        field: &'static str,
        /// Its form.
        accepted: &'static str,
    },
    /// A fire drill arrived while drills are switched off.
    #[error("fire drills are switched off (parameter Drills)")]
    DrillsOff,
}

impl Malformed {
    /// What messages with the same mistake share: its text, without where in the body it is.
    #[must_use]
    pub fn kind(&self) -> String {
        match self {
            Self::NotJson { .. } => "body is not JSON".to_owned(),
            Self::NotAnObject
            | Self::RepeatedField
            | Self::UnknownField
            | Self::Missing { .. }
            | Self::Form { .. }
            | Self::DrillsOff => self.to_string(),
        }
    }

    fn from_json(error: &serde_json::Error) -> Self {
        match error.classify() {
            serde_json::error::Category::Data if error.to_string().starts_with(json::REPEATED) => {
                Self::RepeatedField
            }
            serde_json::error::Category::Data
            | serde_json::error::Category::Io
            | serde_json::error::Category::Syntax
            | serde_json::error::Category::Eof => {
                Self::NotJson { line: error.line(), column: error.column() }
            }
        }
    }
}

/// The object that `json` is.
fn fields(json: &str) -> Result<BTreeMap<String, Value>, Malformed> {
    match serde_json::from_str(json).map_err(|error| Malformed::from_json(&error))? {
        Unambiguous(Value::Object(fields)) => Ok(fields.into_iter().collect()),
        Unambiguous(_) => Err(Malformed::NotAnObject),
    }
}

/// What serialisers write for an optional field that is not there: no field, `null`, or an empty text. An empty list is
/// what some make of an empty map.
fn is_absent(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn required<T>(
    fields: &mut BTreeMap<String, Value>,
    field: &'static str,
    accepted: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, Malformed> {
    optional(fields, field, accepted, parse)?.ok_or(Malformed::Missing { field, accepted })
}

fn optional<T>(
    fields: &mut BTreeMap<String, Value>,
    field: &'static str,
    accepted: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, Malformed> {
    match fields.remove(field).filter(|value| !is_absent(value)) {
        None => Ok(None),
        Some(value) => value.as_str().and_then(parse).map(Some).ok_or(Malformed::Form { field, accepted }),
    }
}

fn amount(fields: &mut BTreeMap<String, Value>) -> Result<AmountMinor, Malformed> {
    let (field, accepted) = ("amount", "a positive integer, in minor units");
    let value = fields.remove(field).filter(|value| !value.is_null());
    let value = value.ok_or(Malformed::Missing { field, accepted })?;
    value.as_i64().and_then(AmountMinor::new).ok_or(Malformed::Form { field, accepted })
}

fn description(text: &str) -> Option<String> {
    (text.chars().count() <= DESCRIPTION_CHARS_MAX).then(|| text.to_owned())
}

fn metadata(fields: &mut BTreeMap<String, Value>) -> Result<BTreeMap<String, String>, Malformed> {
    const FORM: &str = "an object of at most 49 texts; keys 1 to 40 characters without [ ], not payment_id; values at most 500";
    let malformed = Malformed::Form { field: "metadata", accepted: FORM };
    let entries = match fields.remove("metadata").filter(|value| !is_absent(value)) {
        None => return Ok(BTreeMap::new()),
        Some(Value::Object(entries)) => entries,
        Some(_) => return Err(malformed),
    };
    let present = entries.into_iter().filter(|(_, value)| !value.is_null());
    let read = present.map(|(key, value)| match value.as_str() {
        Some(text) if is_metadata(&key, text) => Ok((key, text.to_owned())),
        Some(_) | None => Err(malformed.clone()),
    });
    let entries = read.collect::<Result<BTreeMap<_, _>, _>>()?;
    if entries.len() > METADATA_ENTRIES_MAX { Err(malformed) } else { Ok(entries) }
}

fn is_metadata(key: &str, value: &str) -> bool {
    let key_chars = key.chars().count();
    (1..=METADATA_KEY_CHARS_MAX).contains(&key_chars)
        && !key.contains(['[', ']'])
        && key != PAYMENT_ID_KEY
        && value.chars().count() <= METADATA_VALUE_CHARS_MAX
}

fn is_word(text: &str, chars_max: usize) -> bool {
    (1..=chars_max).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = r#"{"payment_id":"order-1042","amount":1999,"currency":"eur","payment_method":"pm_card_visa",
        "customer":"cus_123","description":"2 CDs","metadata":{"k":"v"}}"#;

    fn with(field: &str, value: Value) -> Result<Payment, Malformed> {
        let mut json: Value = serde_json::from_str(FULL).expect("valid");
        json[field] = value;
        Payment::parse(&json.to_string())
    }

    #[test]
    fn a_payment_is_read_and_written_without_loss() {
        let payment = Payment::parse(FULL).expect("valid");
        assert_eq!(payment.amount.get(), 1999);
        let written = serde_json::to_string(&payment).expect("serialises");
        assert_eq!(Payment::parse(&written), Ok(payment));
    }

    #[test]
    fn the_drills_of_old_are_understood_as_written() {
        assert_eq!(Body::parse("PYMT_FAILED\n"), Ok(Body::Drill(Drill::Fail)));
        assert_eq!(Body::parse("PYMT_SUCCEED"), Ok(Body::Drill(Drill::Succeed)));
    }

    #[test]
    fn each_wrong_body_gets_its_own_error() {
        let cases = [
            ("nonsense", "body is not JSON (line 1, column 2)"),
            ("[1]", "body is not a JSON object"),
            ("\"4242424242424242\"", "body is not a JSON object"),
            (r#"{"amount":1,"amount":2}"#, "body repeats a field"),
            (r#"{"amount":1}"#, "payment_id is missing"),
        ];
        for (body, expected) in cases {
            let error = Body::parse(body).expect_err(body).to_string();
            assert!(error.starts_with(expected), "{body}: {error}");
        }
    }

    #[test]
    fn each_field_is_held_to_its_form() {
        let cases = [
            ("payment_id", Value::from("a b")),
            ("payment_id", Value::from("x".repeat(129))),
            ("amount", Value::from(0)),
            ("amount", Value::from(-5)),
            ("amount", Value::from(19.5)),
            ("amount", Value::from("1999")),
            ("currency", Value::from("EUR")),
            ("currency", Value::from("euro")),
            ("customer", Value::from(5)),
            ("customer", Value::from(false)),
            ("description", Value::from("x".repeat(1001))),
            ("metadata", serde_json::json!({"payment_id": "other"})),
            ("metadata", serde_json::json!({"a[b]": "c"})),
            ("metadata", serde_json::json!({"n": 5})),
        ];
        for (field, value) in cases {
            let error = with(field, value.clone()).expect_err(field);
            assert!(
                matches!(error, Malformed::Form { field: named, .. } if named == field),
                "{field} = {value}: {error}"
            );
        }
        assert_eq!(with("surprise", Value::from(1)), Err(Malformed::UnknownField));
    }

    #[test]
    fn no_error_repeats_what_the_body_said() {
        for body in
            [r#"{"payment_id":"4242424242424242 "}"#, r#"{"4242424242424242":1}"#, "4242424242424242x"]
        {
            let error = Body::parse(body).expect_err(body).to_string();
            assert!(!error.contains("4242"), "{error}");
        }
    }

    #[test]
    fn every_field_counts_in_the_fingerprint() {
        let original = Payment::parse(FULL).expect("valid").fingerprint();
        let others = [
            ("payment_id", Value::from("order-1043")),
            ("amount", Value::from(2000)),
            ("currency", Value::from("usd")),
            ("payment_method", Value::from("pm_card_mastercard")),
            ("customer", Value::from("cus_124")),
            ("description", Value::from("3 CDs")),
            ("metadata", serde_json::json!({"k": "w"})),
            ("metadata", serde_json::json!({"l": "v"})),
            ("metadata", serde_json::json!({"k": "v", "l": ""})),
            ("metadata", serde_json::json!({})),
        ];
        for (field, value) in others {
            assert_ne!(with(field, value).expect("valid").fingerprint(), original, "{field}");
        }
    }
}
