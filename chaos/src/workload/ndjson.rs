//! Payments from a file: newline-delimited JSON, <https://github.com/ndjson/ndjson-spec>.
//!
//! Lines may end in LF or CRLF, the last in neither; blank lines are skipped, as is a byte order mark.
//! Invariant: a body is the line, byte for byte. Only what could never be a message is refused here.

use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What SQS takes in one message, since August 2025.
const MESSAGE_BYTES_MAX: usize = 1_048_576;
/// As much of a bad line as its message shows.
const SHOWN_CHARS: usize = 40;
const ACCEPTED: &str = "one JSON object on each line";

/// Why a file cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum NdjsonError {
    /// The file cannot be read.
    #[error("cannot read payments from {}: {source}; accepted: a file with {ACCEPTED}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line is no JSON object.
    #[error("{}:{line}: {problem}; accepted: {ACCEPTED}", .file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A line is longer than any message.
    #[error("{}:{line}: {bytes} bytes; accepted: at most {MESSAGE_BYTES_MAX} bytes, which is what SQS takes", .file.display())]
    TooLong {
        /// The file.
        file: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Its length.
        bytes: usize,
    },
    /// No line holds anything.
    #[error("{}: no payments; accepted: {ACCEPTED}", .0.display())]
    Empty(PathBuf),
}

/// The lines of `file`.
pub(super) fn read(file: &Path) -> Result<Vec<String>, NdjsonError> {
    let bytes =
        std::fs::read(file).map_err(|source| NdjsonError::Unreadable { file: file.to_owned(), source })?;
    bodies(file, &bytes)
}

fn bodies(file: &Path, bytes: &[u8]) -> Result<Vec<String>, NdjsonError> {
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut bodies = Vec::new();
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if !line.trim_ascii().is_empty() {
            bodies.push(body(file, index + 1, line)?);
        }
    }
    if bodies.is_empty() { Err(NdjsonError::Empty(file.to_owned())) } else { Ok(bodies) }
}

fn body(file: &Path, line: usize, bytes: &[u8]) -> Result<String, NdjsonError> {
    let refused = |problem: String| NdjsonError::Line { file: file.to_owned(), line, problem };
    if bytes.len() > MESSAGE_BYTES_MAX {
        return Err(NdjsonError::TooLong { file: file.to_owned(), line, bytes: bytes.len() });
    }
    let text = str::from_utf8(bytes).map_err(|error| refused(format!("not UTF-8: {error}")))?;
    serde_json::from_str::<BTreeMap<String, IgnoredAny>>(text)
        .map_err(|error| refused(said(&error, text)))?;
    Ok(text.to_owned())
}

/// The parser counts lines within the one line it was given, which would contradict the file's own count.
fn said(error: &serde_json::Error, text: &str) -> String {
    let message = error.to_string();
    let what = message.split(" at line ").next().unwrap_or(&message);
    let shown: String = text.chars().take(SHOWN_CHARS).collect();
    match error.column() {
        0 => format!("not a JSON object: {what}: {shown}"),
        column => format!("not a JSON object: {what} at column {column}: {shown}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<String>, String> {
        bodies(Path::new("payments.ndjson"), text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_line_is_sent_byte_for_byte() {
        let line = r#" {"amount" : 0,"Amount":1e2, "payment_id":"ü"}"#;
        assert_eq!(read(line).as_deref(), Ok([line.to_owned()].as_slice()));
    }

    #[test]
    fn line_endings_blank_lines_and_a_byte_order_mark_are_not_part_of_a_message() {
        let bodies = read("\u{feff}{\"a\":1}\r\n\r\n{\"b\":2}\n  \n{\"c\":3}");
        assert_eq!(bodies, Ok([r#"{"a":1}"#, r#"{"b":2}"#, r#"{"c":3}"#].map(str::to_owned).to_vec()));
    }

    #[test]
    fn a_line_that_is_no_object_is_named_with_file_and_line() {
        let second = |line: &str| read(&format!("{{}}\n{line}\n")).expect_err("refused");
        insta::assert_snapshot!(second(r#"{"amount":1999"#), @r#"payments.ndjson:2: not a JSON object: EOF while parsing an object at column 14: {"amount":1999; accepted: one JSON object on each line"#);
        insta::assert_snapshot!(second("[1]"), @"payments.ndjson:2: not a JSON object: invalid type: sequence, expected a map: [1]; accepted: one JSON object on each line");
        insta::assert_snapshot!(second("PYMT_FAILED"), @"payments.ndjson:2: not a JSON object: expected value at column 1: PYMT_FAILED; accepted: one JSON object on each line");
        insta::assert_snapshot!(second("{} {}"), @"payments.ndjson:2: not a JSON object: trailing characters at column 4: {} {}; accepted: one JSON object on each line");
    }

    #[test]
    fn bytes_that_are_no_text_and_lines_sqs_would_refuse_are_named() {
        let refusal =
            |bytes: &[u8]| bodies(Path::new("payments.ndjson"), bytes).expect_err("refused").to_string();
        insta::assert_snapshot!(refusal(b"{}\n{\"a\":\"\xff\"}"), @"payments.ndjson:2: not UTF-8: invalid utf-8 sequence of 1 bytes from index 6; accepted: one JSON object on each line");
        insta::assert_snapshot!(refusal(&[b' ', b'x'].repeat(600_000)), @"payments.ndjson:1: 1200000 bytes; accepted: at most 1048576 bytes, which is what SQS takes");
    }

    #[test]
    fn a_file_without_payments_is_refused() {
        insta::assert_snapshot!(read("\n\n").expect_err("refused"), @"payments.ndjson: no payments; accepted: one JSON object on each line");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let refusal = super::read(Path::new("no/such/payments.ndjson")).expect_err("refused");
        insta::assert_snapshot!(refusal, @"cannot read payments from no/such/payments.ndjson: No such file or directory (os error 2); accepted: a file with one JSON object on each line");
    }
}
