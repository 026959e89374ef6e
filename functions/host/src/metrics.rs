//! Metrics in CloudWatch's embedded metric format, a line each.
//!
//! Invariant: metrics that cannot be written are told of, and are no reason to fail anything.

use metrique_writer::Entry;
use metrique_writer::format::Format;
use metrique_writer_format_emf::Emf;
use payments::UnixMs;
use std::fmt;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// Where the lines go: on Lambda, standard output.
pub struct Metrics(Mutex<(Emf, Box<dyn Write + Send>)>);

/// Counts and their time.
#[derive(Entry)]
struct Line<T> {
    #[entry(timestamp)]
    at: SystemTime,
    #[entry(flatten)]
    counts: T,
}

impl Metrics {
    /// Metrics of a CloudWatch namespace, without dimensions: the namespace keeps stacks apart.
    #[must_use]
    pub fn new(namespace: String, output: Box<dyn Write + Send>) -> Self {
        Self(Mutex::new((Emf::all_validations(namespace, vec![vec![]]), output)))
    }

    /// Writes one line, each field of `counts` a metric.
    pub fn write(&self, counts: &impl Entry, now: UnixMs) {
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(now.0).unwrap_or(0));
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (emf, output) = &mut *guard;
        let mut line = Vec::new();
        let written = emf.format(&Line { at, counts }, &mut line).map_err(|error| error.to_string());
        if let Err(error) = written.and_then(|()| output.write_all(&line).map_err(|error| error.to_string()))
        {
            tracing::warn!(%error, "metrics not written");
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}
