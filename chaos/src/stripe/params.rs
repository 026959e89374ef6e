//! Form parameters as Stripe's API v1 sends them: `a=1&metadata[k]=v&payment_method_types[]=card`.
//!
//! A reader takes what it knows out of the form; whatever is left when it is done is unknown and refused.
//! Invariant: no bytes make this panic, and no parameter is ever ignored.

use super::errors::ApiError;
use super::limits::{METADATA_KEY_CHARS_MAX, METADATA_KEYS_MAX, METADATA_VALUE_CHARS_MAX};
use std::collections::BTreeMap;

/// Decoded parameters that nobody has taken yet, in the order they were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Decodes a body or a query string. Broken escapes and broken UTF-8 come out as replacement characters.
    pub(super) fn decode(bytes: &[u8]) -> Self {
        Self(form_urlencoded::parse(bytes).into_owned().collect())
    }

    /// The same parameters whatever order they were sent in: what an idempotency key is bound to.
    pub(super) fn fingerprint(&self) -> Vec<(String, String)> {
        let mut fields = self.0.clone();
        fields.sort();
        fields
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
        let refusal =
            || ApiError::invalid_parameter(name, format!("{name} must be one of {}.", words.join(", ")));
        word.ok_or_else(refusal).map(Some)
    }

    /// Takes `name[]=a&name[]=b`, or `name[0]=a&name[1]=b`, in the order sent.
    pub(super) fn take_list(&mut self, name: &str) -> Vec<String> {
        let is_item = |key: &str| {
            subscript(key, name).is_some_and(|index| index.bytes().all(|byte| byte.is_ascii_digit()))
        };
        self.0.extract_if(.., |(key, _)| is_item(key)).map(|(_, value)| value).collect()
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

    /// Refuses whatever nobody took.
    pub(super) fn finish(self) -> Result<(), ApiError> {
        match self.0.first() {
            Some((key, _)) => Err(ApiError::unknown_parameter(key)),
            None => Ok(()),
        }
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
        assert!(form.finish().is_ok());
    }

    #[test]
    fn what_nobody_took_is_refused_by_name() {
        let mut form = Form::decode(b"amount=1&amuont=2");
        form.take("amount");
        let error = form.finish().unwrap_err();
        assert_eq!(error.code(), Some("parameter_unknown"));
        assert_eq!(error.fields()["param"], "amuont");
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
        assert_ne!(Form::decode(b"a=1&b=2").fingerprint(), Form::decode(b"a=1&b=3").fingerprint());
    }
}
