//! Filter patterns of CloudWatch Logs: words, and conditions on the fields of a line of JSON.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html>
//!
//! Invariant: a pattern that is not understood is refused; none is taken for one that matches everything.

use serde_json::Value;
use std::iter::Peekable;
use std::str::Chars;

const ACCEPTED: &str = "accepted: words, \"phrases\", and { $.field = value } with =, !=, *, && and ||";

/// What a line must be like.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Pattern {
    /// All of these are in it.
    Words(Vec<String>),
    /// It is JSON, and one of these lists of conditions holds as a whole.
    Fields(Vec<Vec<Condition>>),
}

/// A condition on one field.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    path: Vec<String>,
    is: bool,
    /// A `*` in it stands for anything.
    value: String,
}

impl Pattern {
    /// Reads a pattern; an empty one matches every line.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        match text.strip_prefix('{').map(|inside| inside.strip_suffix('}')) {
            Some(Some(inside)) => {
                let all = inside.split("||").map(|part| part.split("&&").map(condition).collect());
                all.collect::<Result<_, _>>().map(Self::Fields).map_err(|part| refused(&part))
            }
            Some(None) => Err(refused(text)),
            None => words(text).map(Self::Words).ok_or_else(|| refused(text)),
        }
    }

    /// Whether a line is like that.
    pub(super) fn matches(&self, line: &str) -> bool {
        match self {
            Self::Words(words) => words.iter().all(|word| line.contains(word.as_str())),
            Self::Fields(alternatives) => {
                let Ok(line) = serde_json::from_str::<Value>(line) else { return false };
                alternatives.iter().any(|all| all.iter().all(|condition| condition.holds(&line)))
            }
        }
    }
}

impl Condition {
    /// A field that is not there is neither equal nor unequal to anything.
    fn holds(&self, line: &Value) -> bool {
        let field = self.path.iter().try_fold(line, |value, name| value.get(name));
        let text = match field {
            None | Some(Value::Null | Value::Object(_) | Value::Array(_)) => return false,
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        is_like(&text, &self.value) == self.is
    }
}

fn condition(part: &str) -> Result<Condition, String> {
    let part = part.trim();
    let (field, is, value) = match (part.split_once("!="), part.split_once('=')) {
        (Some((field, value)), _) => (field, false, value),
        (None, Some((field, value))) => (field, true, value),
        (None, None) => return Err(part.to_owned()),
    };
    let path = field.trim().strip_prefix("$.").ok_or(part)?;
    let value = value.trim().trim_matches('"').to_owned();
    Ok(Condition { path: path.split('.').map(str::to_owned).collect(), is, value })
}

/// Words and phrases; `None` for a phrase without an end and for the signs that are not understood.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(first) = chars.next() {
        match first {
            ' ' => {}
            '"' => words.push(phrase(&mut chars)?),
            '?' | '-' | '[' | '%' => return None,
            first => {
                let mut word = first.to_string();
                while let Some(char) = chars.next_if(|char| *char != ' ') {
                    word.push(char);
                }
                words.push(word);
            }
        }
    }
    Some(words)
}

fn phrase(chars: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut phrase = String::new();
    loop {
        match chars.next()? {
            '"' => return Some(phrase),
            char => phrase.push(char),
        }
    }
}

fn is_like(text: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

fn refused(part: &str) -> String {
    format!("Invalid filter pattern: {part}; {ACCEPTED}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str =
        r#"{"fields":{"payment":"order-1042","stripe_failure":"timeout","attempt":2},"level":"WARN"}"#;

    fn matches(pattern: &str) -> bool {
        Pattern::parse(pattern).expect("it can be read").matches(LINE)
    }

    #[test]
    fn every_pattern_of_the_runbooks_finds_what_it_is_for() {
        assert!(matches("") && matches("\"order-1042\"") && matches("order-1042 WARN"));
        assert!(!matches("\"order-1043\"") && !matches("order-1042 ERROR"));
        assert!(matches("{ $.fields.stripe_failure = * }") && !matches("{ $.fields.other = * }"));
        assert!(matches("{ $.level = \"WARN\" && $.fields.attempt != 1 }"));
        assert!(!matches("{ $.level = \"WARN\" && $.fields.attempt != 2 }"));
        assert!(matches("{ $.level = INFO || $.fields.payment = \"order-*\" }"));
        assert!(!matches("{ $.record.status != \"success\" }"), "a field that is not there");
        assert!(!matches("{ $.type = \"platform.report\" }"), "no line of the edge's function about itself");
    }

    #[test]
    fn a_pattern_that_is_not_understood_is_refused() {
        for pattern in ["{ $.level = 1", "{ level = 1 }", "{ $.level }", "?WARN", "\"open"] {
            let refused = Pattern::parse(pattern).expect_err(pattern);
            assert!(refused.contains("accepted: words"), "{refused}");
        }
    }
}
