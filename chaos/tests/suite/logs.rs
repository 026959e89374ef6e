//! What the functions log, in the form in which Lambda gets it.
//!
//! Invariant: a line is one that production writes: the functions' own subscriber makes it, at the level of the template.

use aws_smithy_async::time::{SharedTimeSource, StaticTimeSource};
use chaos::world::own_template;
use host::Clock;
use serde_json::Value;
use std::fs;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no writer panics").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What comes of `run`, and every line that was logged meanwhile.
pub(crate) fn of<T>(run: impl FnOnce() -> T) -> (T, Vec<Value>) {
    let template = fs::read_to_string(own_template()).expect("the template is readable");
    assert_eq!(template.matches("ApplicationLogLevel: INFO").count(), 2, "of both functions");
    let environment = |name: &str| match name {
        "AWS_LAMBDA_LOG_FORMAT" => Some("JSON".to_owned()),
        "AWS_LAMBDA_LOG_LEVEL" => Some("INFO".to_owned()),
        _ => None,
    };
    let output = Output::default();
    let clock = Clock::new(SharedTimeSource::new(StaticTimeSource::from_secs(1_767_603_600)));
    let to = output.clone();
    let lines = host::logs::lines(environment, clock, move || to.clone());
    let come_to = tracing::dispatcher::with_default(&lines, run);
    let text =
        String::from_utf8(output.0.lock().expect("no writer panics").clone()).expect("lines are UTF-8");
    let lines = text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    (come_to, lines)
}
