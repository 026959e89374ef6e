//! Resolved values, each with its path and place, and the questions the loader asks of them.
//!
//! Invariant: a value that does not answer a question is an error that names path, place and what is accepted.

use super::error::{Place, Problem, TemplateError, listed};
use super::resolve::At;
use super::yaml::Scalar;
use crate::cloud::config::Finite;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// A value in which no function is left.
#[derive(Clone, Debug)]
pub(super) struct Value {
    /// Resource and property, for example `Payments.RedrivePolicy.maxReceiveCount`.
    pub(super) path: String,
    pub(super) place: Place,
    pub(super) data: Data,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Data {
    Scalar(Scalar),
    List(Vec<Value>),
    Map(BTreeMap<String, Value>),
}

/// Where a value stands does not make it another value.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.data == other.data
    }
}

impl Eq for Value {}

impl Value {
    /// Its text; numbers and truth values are written out, as CloudFormation does.
    pub(super) fn text(&self) -> Result<String, TemplateError> {
        match &self.data {
            Data::Scalar(Scalar::Text(text)) => Ok(text.clone()),
            Data::Scalar(Scalar::Integer(number)) => Ok(number.to_string()),
            Data::Scalar(Scalar::Bool(value)) => Ok(value.to_string()),
            Data::Scalar(Scalar::Null) | Data::List(_) | Data::Map(_) => Err(self.is_not("text or a number")),
        }
    }

    /// Where it stands.
    pub(super) fn at(&self) -> At<'_> {
        At { path: &self.path, place: &self.place }
    }

    /// A whole number inside `range`, whether written as a number or as text.
    pub(super) fn number(&self, range: RangeInclusive<u32>) -> Result<u32, TemplateError> {
        let accepted = || format!("{} to {}", range.start(), range.end());
        let number = match &self.data {
            Data::Scalar(Scalar::Integer(number)) => u32::try_from(*number).ok(),
            Data::Scalar(Scalar::Text(text)) => text.parse().ok(),
            Data::Scalar(Scalar::Null | Scalar::Bool(_)) | Data::List(_) | Data::Map(_) => None,
        };
        number.filter(|number| range.contains(number)).ok_or_else(|| self.is_not(&accepted()))
    }

    /// A truth value, whether written as one or as text.
    pub(super) fn truth(&self) -> Result<bool, TemplateError> {
        match self.text().as_deref() {
            Ok("true") => Ok(true),
            Ok("false") => Ok(false),
            Ok(_) | Err(_) => Err(self.is_not("true, false")),
        }
    }

    /// A number with a fraction, perhaps below zero.
    pub(super) fn real(&self) -> Result<Finite, TemplateError> {
        let number = self.text().ok().and_then(|text| text.parse().ok()).and_then(Finite::new);
        number.ok_or_else(|| self.is_not("a number"))
    }

    /// What one of a few words stands for.
    pub(super) fn word_of<T: Copy>(&self, known: &[(&str, T)]) -> Result<T, TemplateError> {
        let text = self.text().ok();
        let found = known.iter().find(|(word, _)| text.as_deref() == Some(*word));
        found
            .map(|(_, meaning)| *meaning)
            .ok_or_else(|| self.is_not(&listed(known.iter().map(|(word, _)| *word))))
    }

    /// The value as JSON.
    pub(super) fn json(&self) -> serde_json::Value {
        match &self.data {
            Data::Scalar(Scalar::Null) => serde_json::Value::Null,
            Data::Scalar(Scalar::Bool(value)) => serde_json::json!(value),
            Data::Scalar(Scalar::Integer(number)) => serde_json::json!(number),
            Data::Scalar(Scalar::Text(text)) => serde_json::json!(text),
            Data::List(items) => items.iter().map(Self::json).collect(),
            Data::Map(fields) => fields.iter().map(|(key, value)| (key.clone(), value.json())).collect(),
        }
    }

    /// One of a few words.
    pub(super) fn one_of(&self, words: &[&str]) -> Result<String, TemplateError> {
        self.text()
            .ok()
            .filter(|text| words.contains(&text.as_str()))
            .ok_or_else(|| self.is_not(&listed(words.iter().copied())))
    }

    /// Its items.
    pub(super) fn list(&self) -> Result<&[Self], TemplateError> {
        match &self.data {
            Data::List(items) => Ok(items),
            Data::Scalar(_) | Data::Map(_) => Err(self.is_not("a list")),
        }
    }

    /// Its fields, whatever they are called.
    pub(super) fn map(&self) -> Result<&BTreeMap<String, Self>, TemplateError> {
        match &self.data {
            Data::Map(map) => Ok(map),
            Data::Scalar(_) | Data::List(_) => Err(self.is_not("a map")),
        }
    }

    /// Its fields, when each is one the world honours or one that cannot matter.
    pub(super) fn fields(
        &self,
        honoured: &[&str],
        immaterial: &[(&str, &str)],
    ) -> Result<Fields<'_>, TemplateError> {
        let map = self.map()?;
        let known =
            |key: &str| honoured.contains(&key) || immaterial.iter().any(|(property, _)| *property == key);
        match map.iter().find(|(key, _)| !known(key)) {
            None => Ok(Fields { owner: self, map }),
            Some((key, value)) => Err(TemplateError {
                place: value.place.clone(),
                problem: Problem::Unsupported {
                    path: self.path.clone(),
                    what: format!("the property {key}"),
                    accepted: listed(
                        honoured.iter().copied().chain(immaterial.iter().map(|(property, _)| *property)),
                    ),
                },
            }),
        }
    }

    /// A field that may not be absent, of a map whose other fields are of no interest here.
    pub(super) fn require(&self, field: &str, accepted: &str) -> Result<&Self, TemplateError> {
        Fields { owner: self, map: self.map()? }.require(field, accepted)
    }

    /// This value is not what was asked for.
    pub(super) fn is_not(&self, accepted: &str) -> TemplateError {
        self.is(self.shown(), accepted)
    }

    /// This value is `found`, which will not do.
    pub(super) fn is(&self, found: String, accepted: &str) -> TemplateError {
        TemplateError {
            place: self.place.clone(),
            problem: Problem::Value { path: self.path.clone(), found, accepted: accepted.to_owned() },
        }
    }

    /// The world cannot honour `what` of this value.
    pub(super) fn unsupported(&self, what: impl Into<String>, accepted: impl Into<String>) -> TemplateError {
        let path = self.path.clone();
        self.at().problem(Problem::Unsupported { path, what: what.into(), accepted: accepted.into() })
    }

    fn shown(&self) -> String {
        match &self.data {
            Data::Scalar(Scalar::Null) => "empty".to_owned(),
            Data::Scalar(Scalar::Bool(value)) => value.to_string(),
            Data::Scalar(Scalar::Integer(number)) => number.to_string(),
            Data::Scalar(Scalar::Text(text)) => format!("{text:?}"),
            Data::List(_) => "a list".to_owned(),
            Data::Map(_) => "a map".to_owned(),
        }
    }
}

/// The fields of a map, all of them known.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    owner: &'a Value,
    map: &'a BTreeMap<String, Value>,
}

impl<'a> Fields<'a> {
    /// A field that may be absent.
    pub(super) fn get(&self, field: &str) -> Option<&'a Value> {
        self.map.get(field)
    }

    /// A field that may not be absent.
    pub(super) fn require(&self, field: &str, accepted: &str) -> Result<&'a Value, TemplateError> {
        self.get(field).ok_or_else(|| self.missing(field, accepted))
    }

    /// A number that has a default.
    pub(super) fn number_or(
        &self,
        field: &str,
        default: u32,
        range: RangeInclusive<u32>,
    ) -> Result<u32, TemplateError> {
        self.get(field).map_or(Ok(default), |value| value.number(range))
    }

    fn missing(&self, field: &str, accepted: &str) -> TemplateError {
        TemplateError {
            place: self.owner.place.clone(),
            problem: Problem::Missing {
                path: format!("{}.{field}", self.owner.path),
                accepted: accepted.to_owned(),
            },
        }
    }
}
