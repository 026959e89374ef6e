//! Event patterns: which events a rule is for.
//!
//! Invariant: a pattern says yes only to what EventBridge would; an operator that is not here is refused by name.

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What a list in a pattern may hold, for messages.
pub const FILTERS: &str =
    "values, {prefix: …}, {anything-but: value, values or {prefix: …}}, {exists: true or false}";

/// A pattern, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Fields);

type Fields = BTreeMap<String, Wanted>;

/// What a pattern wants of one field: all fields of a pattern must be as wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    /// An object with these fields.
    Object(Fields),
    /// Any of these.
    AnyOf(Vec<Filter>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Filter {
    Value(Value),
    Prefix(String),
    AnythingBut(Vec<Value>),
    AnythingButPrefix(String),
    Exists,
    Absent,
}

/// Why something is no pattern that can be honoured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} in {field}")]
pub struct PatternError {
    /// Where, for example `detail.state.value`; empty for the pattern as a whole.
    pub field: String,
    /// What.
    pub what: String,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// An operator that is not understood, or something that is no pattern.
    pub fn parse(pattern: &Value) -> Result<Self, PatternError> {
        match pattern.as_object().filter(|object| !object.is_empty()) {
            Some(object) => fields(object, "").map(Self),
            None => Err(refused("", "something other than an object with fields")),
        }
    }

    /// Whether an event is one that the rule is for.
    #[must_use]
    pub fn matches(&self, event: &Value) -> bool {
        all_match(&self.0, event)
    }
}

fn fields(object: &Map<String, Value>, above: &str) -> Result<Fields, PatternError> {
    let wanted = |(name, value): (&String, &Value)| {
        let path = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
        if name.starts_with('$') {
            return Err(refused(above, &format!("the operator {name}")));
        }
        let wanted = if let Value::Object(object) = value {
            Wanted::Object(fields(object, &path)?)
        } else {
            let filters = value.as_array().filter(|filters| !filters.is_empty());
            let filters = filters.ok_or_else(|| refused(&path, "something other than a list of values"))?;
            Wanted::AnyOf(filters.iter().map(|it| filter(it, &path)).collect::<Result<_, _>>()?)
        };
        Ok((name.clone(), wanted))
    };
    object.iter().map(wanted).collect()
}

fn filter(filter: &Value, path: &str) -> Result<Filter, PatternError> {
    let Value::Object(object) = filter else {
        return if filter.is_array() {
            Err(refused(path, "a list in a list"))
        } else {
            Ok(Filter::Value(filter.clone()))
        };
    };
    let mut operators = object.iter();
    let (Some((operator, operand)), None) = (operators.next(), operators.next()) else {
        return Err(refused(path, "a filter of any but one operator"));
    };
    match (operator.as_str(), operand) {
        ("prefix", Value::String(prefix)) => Ok(Filter::Prefix(prefix.clone())),
        ("exists", Value::Bool(true)) => Ok(Filter::Exists),
        ("exists", Value::Bool(false)) => Ok(Filter::Absent),
        ("anything-but", Value::Array(values)) => Ok(Filter::AnythingBut(values.clone())),
        ("anything-but", Value::String(_) | Value::Number(_)) => {
            Ok(Filter::AnythingBut(vec![operand.clone()]))
        }
        ("anything-but", Value::Object(inner)) => match inner.get("prefix") {
            Some(Value::String(prefix)) if inner.len() == 1 => Ok(Filter::AnythingButPrefix(prefix.clone())),
            _ => Err(refused(path, &format!("the operator anything-but of {operand}"))),
        },
        ("prefix" | "exists" | "anything-but", _) => {
            Err(refused(path, &format!("the operator {operator} of {operand}")))
        }
        _ => Err(refused(path, &format!("the operator {operator}"))),
    }
}

fn refused(field: &str, what: &str) -> PatternError {
    let field = if field.is_empty() { "the pattern" } else { field };
    PatternError { field: field.to_owned(), what: what.to_owned() }
}

fn all_match(fields: &Fields, event: &Value) -> bool {
    fields.iter().all(|(name, wanted)| match (wanted, event.get(name)) {
        // Fields of an object that is not there are absent, which can be what is wanted.
        (Wanted::Object(fields), value) => all_match(fields, value.unwrap_or(&Value::Null)),
        (Wanted::AnyOf(filters), value) => filters.iter().any(|filter| filter.accepts(value)),
    })
}

impl Filter {
    fn accepts(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Self::Absent, value) => value.is_none(),
            (_, None) => false,
            // A list in the event matches when any of its items does.
            (filter, Some(Value::Array(items))) => items.iter().any(|item| filter.accepts_one(item)),
            (filter, Some(value)) => filter.accepts_one(value),
        }
    }

    fn accepts_one(&self, value: &Value) -> bool {
        // `exists` looks at leaves alone.
        if value.is_object() {
            return false;
        }
        let begins = |prefix: &str| value.as_str().is_some_and(|text| text.starts_with(prefix));
        match self {
            Self::Value(wanted) => wanted == value,
            Self::Prefix(prefix) => begins(prefix),
            Self::AnythingBut(values) => !values.contains(value),
            Self::AnythingButPrefix(prefix) => !begins(prefix),
            Self::Exists => true,
            Self::Absent => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn matches(pattern: &Value, event: &Value) -> bool {
        Pattern::parse(pattern).unwrap_or_else(|error| panic!("{error}")).matches(event)
    }

    fn refusal(pattern: &Value) -> String {
        Pattern::parse(pattern).expect_err("refused").to_string()
    }

    #[test]
    fn fields_are_joined_by_and_and_values_by_or() {
        let pattern =
            json!({ "source": ["aws.cloudwatch"], "detail": { "state": { "value": ["ALARM", "OK"] } } });
        let event = |source, value| json!({ "source": source, "detail": { "state": { "value": value } } });
        assert!(matches(&pattern, &event("aws.cloudwatch", "OK")));
        assert!(!matches(&pattern, &event("aws.cloudwatch", "INSUFFICIENT_DATA")));
        assert!(!matches(&pattern, &event("aws.sqs", "OK")));
    }

    #[test]
    fn an_absent_field_matches_nothing_but_its_absence() {
        let event = json!({ "a": { "b": null } });
        assert!(!matches(&json!({ "x": ["1"] }), &event));
        assert!(!matches(&json!({ "x": { "y": [{ "anything-but": "1" }] } }), &event));
        assert!(matches(&json!({ "x": { "y": [{ "exists": false }] } }), &event));
        assert!(matches(&json!({ "a": { "b": [null] } }), &event));
        assert!(!matches(&json!({ "a": { "b": [""] } }), &event), "null is not empty text");
    }

    #[test]
    fn a_list_in_the_event_matches_on_any_overlap() {
        let event = json!({ "resources": ["arn:one", "arn:two"] });
        assert!(matches(&json!({ "resources": ["arn:two", "arn:three"] }), &event));
        assert!(matches(&json!({ "resources": [{ "prefix": "arn:t" }] }), &event));
        assert!(!matches(&json!({ "resources": ["arn"] }), &event));
    }

    #[test]
    fn prefixes_are_exact_per_character_and_are_for_text_alone() {
        assert!(matches(&json!({ "a": [{ "prefix": "pay" }] }), &json!({ "a": "payments" })));
        assert!(!matches(&json!({ "a": [{ "prefix": "Pay" }] }), &json!({ "a": "payments" })));
        assert!(!matches(&json!({ "a": [{ "prefix": "1" }] }), &json!({ "a": 12 })));
    }

    #[test]
    fn anything_but_takes_a_value_values_or_a_prefix() {
        let event = json!({ "a": "payments-x" });
        assert!(matches(&json!({ "a": [{ "anything-but": "payments" }] }), &event));
        assert!(!matches(&json!({ "a": [{ "anything-but": ["b", "payments-x"] }] }), &event));
        assert!(!matches(&json!({ "a": [{ "anything-but": { "prefix": "payments" } }] }), &event));
    }

    #[test]
    fn exists_looks_at_leaves() {
        let event = json!({ "a": { "b": 1 } });
        assert!(matches(&json!({ "a": { "b": [{ "exists": true }] } }), &event));
        assert!(!matches(&json!({ "a": [{ "exists": true }] }), &event));
        assert!(!matches(&json!({ "a": { "b": [{ "exists": false }] } }), &event));
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        let under = |filter: Value| json!({ "detail": { "a": [filter] } });
        assert_eq!(refusal(&under(json!({ "numeric": [">", 1] }))), "the operator numeric in detail.a");
        assert_eq!(refusal(&under(json!({ "suffix": "x" }))), "the operator suffix in detail.a");
        assert_eq!(
            refusal(&under(json!({ "anything-but": { "suffix": "x" } }))),
            r#"the operator anything-but of {"suffix":"x"} in detail.a"#
        );
        assert_eq!(refusal(&json!({ "detail": { "$or": [] } })), "the operator $or in detail");
        assert_eq!(refusal(&json!({ "source": "aws" })), "something other than a list of values in source");
        assert_eq!(refusal(&json!({})), "something other than an object with fields in the pattern");
    }
}
