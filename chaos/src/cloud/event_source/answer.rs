//! How Lambda reads a function's answer to a batch.
//!
//! Invariant: when in doubt the whole batch failed; only an answer that says nothing at all is a success.

use serde_json::Value;
use std::collections::BTreeSet;

/// What an answer says about its batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// These messages failed; the others succeeded.
    Failed(BTreeSet<String>),
    /// The answer cannot be read, so every message failed; why.
    Malformed(String),
}

/// Reads the answer of a function whose mapping reports batch item failures.
///
/// `{}`, `null`, nothing, and an empty or null list mean success, and so (an inference, recorded nowhere) does an
/// object under another outer key. Bad JSON, an entry without a proper `itemIdentifier`, and an identifier that is
/// not in the batch fail the batch as a whole.
#[must_use]
pub fn read(answer: &[u8], batch: &BTreeSet<&str>) -> Verdict {
    if answer.is_empty() {
        return Verdict::Failed(BTreeSet::new());
    }
    match serde_json::from_slice::<Value>(answer) {
        Ok(answer) => failures(&answer, batch).map_or_else(Verdict::Malformed, Verdict::Failed),
        Err(error) => Verdict::Malformed(format!("not JSON: {error}")),
    }
}

fn failures(answer: &Value, batch: &BTreeSet<&str>) -> Result<BTreeSet<String>, String> {
    if answer.is_null() {
        return Ok(BTreeSet::new());
    }
    let answer = answer.as_object().ok_or_else(|| format!("neither an object nor null: {answer}"))?;
    let Some(list) = answer.get("batchItemFailures").filter(|list| !list.is_null()) else {
        return Ok(BTreeSet::new());
    };
    let list = list.as_array().ok_or_else(|| format!("batchItemFailures is no list: {list}"))?;
    list.iter().map(|entry| identifier(entry, batch)).collect()
}

fn identifier(entry: &Value, batch: &BTreeSet<&str>) -> Result<String, String> {
    match entry.get("itemIdentifier").and_then(Value::as_str) {
        Some(id) if batch.contains(id) => Ok(id.to_owned()),
        Some(id) => Err(format!("itemIdentifier is not in the batch: {id:?}")),
        None => Err(format!("no itemIdentifier in {entry}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_for_a_and_b(answer: &str) -> Verdict {
        read(answer.as_bytes(), &BTreeSet::from(["a", "b"]))
    }

    #[test]
    fn an_answer_that_says_nothing_is_a_success() {
        for answer in ["", "null", "{}", r#"{"batchItemFailures":null}"#, r#"{"batchItemFailures":[]}"#] {
            assert_eq!(read_for_a_and_b(answer), Verdict::Failed(BTreeSet::new()), "{answer}");
        }
    }

    #[test]
    fn a_wrong_outer_key_reads_like_an_empty_object() {
        let verdict = read_for_a_and_b(r#"{"failures":[{"itemIdentifier":"a"}]}"#);
        assert_eq!(verdict, Verdict::Failed(BTreeSet::new()));
    }

    #[test]
    fn named_messages_failed_and_the_others_did_not() {
        let verdict = read_for_a_and_b(r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#);
        assert_eq!(verdict, Verdict::Failed(BTreeSet::from(["b".to_owned()])));
    }

    #[test]
    fn a_malformed_answer_fails_the_whole_batch() {
        for answer in [
            "not json",
            r#""a string""#,
            r#"{"batchItemFailures":"a"}"#,
            r#"{"batchItemFailures":[{"foo":"notvalid"}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":"unknown"}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"unknown"}]}"#,
        ] {
            assert!(matches!(read_for_a_and_b(answer), Verdict::Malformed(_)), "{answer}");
        }
    }
}
