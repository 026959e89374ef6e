//! Wildcards as AWS writes them, in policies and in paths: `*` for any characters, `?` for one.
//!
//! Invariant: every other character stands for itself.

/// Whether a text is of a pattern.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    are_of(pattern.as_bytes(), text.as_bytes())
}

fn are_of(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => {
            are_of(rest, text) || text.split_first().is_some_and(|(_, text)| are_of(pattern, text))
        }
        ([b'?', rest @ ..], [_, text @ ..]) => are_of(rest, text),
        ([one, rest @ ..], [other, text @ ..]) => one == other && are_of(rest, text),
        ([], [_, ..]) | ([_, ..], []) => false,
    }
}
