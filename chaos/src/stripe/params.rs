//! Form parameters as Stripe's API v1 sends them: `a=1&metadata[k]=v&payment_method_types[]=card`.
//!
//! A reader takes what it knows out of the form; whatever is left when it is done is unknown and refused.
//! Invariant: no bytes make this panic, and no parameter is ever ignored.

use super::errors::ApiError;
use super::limits::{METADATA_KEY_CHARS_MAX, METADATA_KEYS_MAX, METADATA_VALUE_CHARS_MAX};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Decoded parameters that nobody has taken yet, in the order they were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Form(Vec<(String, String)>);

/// What two sets of parameters are the same by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint([u8; 32]);

impl Form {
    /// Decodes a body or a query string. Broken escapes and broken UTF-8 come out as replacement characters.
    pub(super) fn decode(bytes: &[u8]) -> Self {
        Self(form_urlencoded::parse(bytes).into_owned().collect())
    }

    /// A digest of the parameters, whatever order they were sent in: what an idempotency key is bound to.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        let mut fields: Vec<(&str, &str)> = self.fields().collect();
        fields.sort_unstable();
        let mut hasher = Sha256::new();
        for text in fields.into_iter().flat_map(|(name, value)| [name, value]) {
            hasher.update(text.len().to_le_bytes());
            hasher.update(text);
        }
        Fingerprint(hasher.finalize().into())
    }

    /// Every parameter as it was written, with its value.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Reads a parameter without taking it.
    pub(super) fn peek(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Takes one parameter; of several with one name the last counts.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        self.0.extract_if(.., |(key, _)| key == name).last().map(|(_, value)| value)
    }

    /// Takes a parameter that may not be empty.
    pub(super) fn take_text(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        let value = self.take(name);
        if value.as_deref() == Some("") { Err(ApiError::empty_parameter(name)) } else { Ok(value) }
    }

    /// Takes a parameter that must be there.
    pub(super) fn take_required(&mut self, name: &str) -> Result<String, ApiError> {
        self.take_text(name)?.ok_or_else(|| ApiError::missing_parameter(name))
    }

    /// Takes `true` or `false`; absent is `false`.
    pub(super) fn take_flag(&mut self, name: &str) -> Result<bool, ApiError> {
        match self.take(name).as_deref() {
            Some("true") => Ok(true),
            Some("false") | None => Ok(false),
            Some(other) => Err(ApiError::invalid_parameter(name, format!("Not true or false: {other}"))),
        }
    }

    /// Takes a whole number.
    pub(super) fn take_integer(&mut self, name: &str) -> Result<Option<i64>, ApiError> {
        let number = self.take(name).map(|text| text.parse());
        number.transpose().map_err(|_| ApiError::not_an_integer(name, "without a fraction"))
    }

    /// Takes one of a few words; absent is `None`.
    pub(super) fn take_word(
        &mut self,
        name: &str,
        words: &[&'static str],
    ) -> Result<Option<&'static str>, ApiError> {
        let Some(sent) = self.take(name) else { return Ok(None) };
        let word = words.iter().find(|word| **word == sent).copied();
        word.ok_or_else(|| ApiError::unknown_word(name, words)).map(Some)
    }

    /// Takes `name[]=a&name[]=b`, or `name[0]=a&name[1]=b`, in the order sent.
    pub(super) fn take_list(&mut self, name: &str) -> Vec<String> {
        let is_item = |key: &str| {
            subscript(key, name).is_some_and(|index| index.bytes().all(|byte| byte.is_ascii_digit()))
        };
        self.0.extract_if(.., |(key, _)| is_item(key)).map(|(_, value)| value).collect()
    }

    /// Takes a parameter with all that is nested in it, as an object shows it; empty is null.
    pub(super) fn take_tree(&mut self, name: &str) -> Result<Option<Value>, ApiError> {
        let is_of_it =
            |key: &str| key.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('['));
        let mut tree = None;
        for (key, text) in self.0.extract_if(.., |(key, _)| is_of_it(key)) {
            let value = leaf(&key, text)?;
            *branch(tree.get_or_insert(Value::Null), &key[name.len()..]) = value;
        }
        Ok(tree)
    }

    /// Takes `metadata[k]=v`; an empty value means no such entry.
    pub(super) fn take_metadata(&mut self) -> Result<BTreeMap<String, String>, ApiError> {
        let taken = self.0.extract_if(.., |(key, _)| subscript(key, "metadata").is_some());
        let entries: BTreeMap<String, String> =
            taken.filter_map(|(key, value)| Some((subscript(&key, "metadata")?.to_owned(), value))).collect();
        if let Some((key, _)) = entries.iter().find(|(key, value)| !fits(key, value)) {
            let message = format!(
                "A metadata key has 1 to {METADATA_KEY_CHARS_MAX} characters without brackets, a value at most \
                 {METADATA_VALUE_CHARS_MAX}."
            );
            return Err(ApiError::invalid_parameter(&format!("metadata[{key}]"), message));
        }
        let kept: BTreeMap<String, String> =
            entries.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        if kept.len() > METADATA_KEYS_MAX {
            let message = format!("An object has at most {METADATA_KEYS_MAX} metadata entries.");
            return Err(ApiError::invalid_parameter("metadata", message));
        }
        Ok(kept)
    }

    /// Refuses whatever nobody took, unless it was not meant to be.
    pub(super) fn finish(self, is_idle: impl Fn(&str, &str) -> bool) -> Result<(), ApiError> {
        match self.0.iter().find(|(key, value)| !is_idle(key, value)) {
            Some((key, _)) => Err(ApiError::unknown_parameter(key)),
            None => Ok(()),
        }
    }
}

/// Where `[a][b]` leads in a tree.
fn branch<'tree>(tree: &'tree mut Value, path: &str) -> &'tree mut Value {
    let fields = path.split(['[', ']']).filter(|field| !field.is_empty());
    fields.fold(tree, |at, field| {
        if !at.is_object() {
            *at = Value::Object(serde_json::Map::new());
        }
        &mut at[field]
    })
}

/// Forms know text alone; objects show amounts as numbers.
fn leaf(key: &str, text: String) -> Result<Value, ApiError> {
    let is_amount = key.ends_with("amount") || key.ends_with("amount]");
    match (text.is_empty(), is_amount) {
        (true, _) => Ok(Value::Null),
        (false, true) => {
            let number =
                text.parse::<i64>().map_err(|_| ApiError::not_an_integer(key, "without a fraction"))?;
            Ok(Value::from(number))
        }
        (false, false) => Ok(Value::String(text)),
    }
}

/// `k` of `name[k]`.
fn subscript<'key>(key: &'key str, name: &str) -> Option<&'key str> {
    key.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']')
}

fn fits(key: &str, value: &str) -> bool {
    (1..=METADATA_KEY_CHARS_MAX).contains(&key.chars().count())
        && !key.contains(['[', ']'])
        && value.chars().count() <= METADATA_VALUE_CHARS_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_and_lists_are_read_in_brackets_escaped_or_not() {
        let mut form = Form::decode(b"metadata%5Ba%20b%5D=1+2&metadata[c]=&types[]=card&types%5B1%5D=link");
        assert_eq!(form.take_metadata().unwrap(), BTreeMap::from([("a b".to_owned(), "1 2".to_owned())]));
        assert_eq!(form.take_list("types"), ["card", "link"]);
        assert!(form.finish(|_, _| false).is_ok());
    }

    #[test]
    fn what_nobody_took_is_refused_by_name() {
        let mut form = Form::decode(b"amount=1&amuont=2");
        form.take("amount");
        let error = form.finish(|_, _| false).unwrap_err();
        assert_eq!(error.code(), Some("parameter_unknown"));
        assert_eq!(error.fields()["param"], "amuont");
    }

    #[test]
    fn nested_parameters_become_the_tree_that_an_object_shows() {
        let form = b"shipping[name]=A&shipping[address][city]=B&shipping[address][line1]=&shippings=x&data[amount]=5";
        let mut form = Form::decode(form);
        let tree = serde_json::json!({ "name": "A", "address": { "city": "B", "line1": null } });
        assert_eq!(form.take_tree("shipping").unwrap(), Some(tree));
        assert_eq!(form.take_tree("data").unwrap(), Some(serde_json::json!({ "amount": 5 })));
        assert_eq!(form.take_tree("email").unwrap(), None);
        assert_eq!(Form::decode(b"email=").take_tree("email").unwrap(), Some(Value::Null));
        assert!(Form::decode(b"fee_amount=x").take_tree("fee_amount").is_err());
        assert_eq!(form.finish(|_, _| false).unwrap_err().fields()["param"], "shippings");
    }

    #[test]
    fn metadata_beyond_its_limits_is_refused() {
        let long = |key: usize, value: usize| format!("metadata[{}]={}", "k".repeat(key), "v".repeat(value));
        let many =
            |keys: usize| (0..keys).map(|key| format!("metadata[{key}]=v")).collect::<Vec<_>>().join("&");
        for within in [long(40, 500), many(50)] {
            assert!(Form::decode(within.as_bytes()).take_metadata().is_ok());
        }
        for beyond in [long(41, 1), long(1, 501), long(0, 1), many(51), "metadata[a[b]]=c".to_owned()] {
            assert!(Form::decode(beyond.as_bytes()).take_metadata().is_err(), "{beyond}");
        }
    }

    #[test]
    fn a_flag_is_true_or_false_and_nothing_else() {
        assert!(Form::decode(b"confirm=true").take_flag("confirm").unwrap());
        assert!(!Form::decode(b"").take_flag("confirm").unwrap());
        assert!(Form::decode(b"confirm=1").take_flag("confirm").is_err());
    }

    #[test]
    fn the_order_of_parameters_is_no_part_of_their_fingerprint() {
        assert_eq!(Form::decode(b"a=1&b=2").fingerprint(), Form::decode(b"b=2&a=1").fingerprint());
        for other in ["a=1&b=3", "a=1&b=", "a=1b2", "a=1", "a=1&b=2&b=2"] {
            assert_ne!(
                Form::decode(b"a=1&b=2").fingerprint(),
                Form::decode(other.as_bytes()).fingerprint(),
                "{other}"
            );
        }
    }
}
