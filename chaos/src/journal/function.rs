//! What Lambda functions do, and what Lambda does with them.
//!
//! Invariant: an invocation is known by its request id, from when it was accepted or invoked.

use serde::{Serialize, Serializer};
use serde_json::Value;
use std::sync::Arc;

/// What can happen to a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "snake_case")]
pub enum FunctionEvent {
    /// A Lambda container was started and initialised.
    ContainerStarted {
        /// Function's logical id.
        function: String,
        /// Container number, from 1.
        container: u64,
    },
    /// A Lambda container could not be initialised and is gone.
    ContainerFailed {
        /// Function's logical id.
        function: String,
        /// Container number.
        container: u64,
        /// What the function said, or that its time was up.
        detail: String,
    },
    /// A function was invoked.
    Invoked {
        /// Function's logical id.
        function: String,
        /// Container number.
        container: u64,
        /// Request id of the invocation.
        request: String,
        /// Ids of the messages in the batch; empty for other events.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        messages: Vec<String>,
    },
    /// An invocation answered.
    Answered {
        /// Request id of the invocation.
        request: String,
        /// Ids of the messages handed back as failed.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        failed: Vec<String>,
        /// Why the answer to a batch could not be read; then all of its messages are in `failed`.
        #[serde(skip_serializing_if = "Option::is_none")]
        malformed: Option<String>,
        /// Network hops the invocation made.
        hops: u64,
    },
    /// An invocation ended with an error, a crash, at its timeout, or for want of a container that starts; its
    /// container is gone unless it was an error.
    Failed {
        /// Request id of the invocation.
        request: String,
        /// By what.
        how: FailedBy,
        /// Hops passed until then.
        hops: u64,
        /// What the function said, for an error or a failed init.
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    /// Lambda gave up an event that it had accepted.
    #[serde(rename = "invocation-dropped")]
    Dropped {
        /// Function's logical id.
        function: String,
        /// Request id of its invocations.
        request: String,
        /// What was used up.
        why: DroppedFor,
        /// How often it was tried.
        attempts: u32,
    },
    /// A line of metrics in CloudWatch's embedded metric format that a function wrote.
    Metrics {
        /// The line.
        line: MetricLine,
    },
}

/// How an invocation can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailedBy {
    /// The function returned an error or panicked; its container lives on.
    Error,
    /// The container was killed.
    Crash,
    /// The container was killed because its memory was used up.
    OutOfMemory,
    /// The deadline came first; the container was killed.
    Timeout,
    /// No container could be initialised, twice in a row.
    Init,
    /// There was no concurrency left, however often it was tried.
    Throttled,
}

impl FailedBy {
    /// The word for it, as in the journal.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Crash => "crash",
            Self::OutOfMemory => "out-of-memory",
            Self::Timeout => "timeout",
            Self::Init => "init",
            Self::Throttled => "throttled",
        }
    }
}

/// What made Lambda give up an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DroppedFor {
    /// Its retries.
    RetriesExhausted,
    /// Its age.
    EventAgeExceeded,
}

impl DroppedFor {
    /// The condition, as Lambda writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RetriesExhausted => "RetriesExhausted",
            Self::EventAgeExceeded => "EventAgeExceeded",
        }
    }
}

/// A line of metrics. Kept as text, because parsed it takes ten times the memory, and there is one for every invocation;
/// what a function declares in each of its lines, the names of its metrics, is kept once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricLine {
    /// The line without its directives.
    values: Box<str>,
    directives: Option<Arc<Value>>,
}

/// Where a line has its directives.
const DIRECTIVES: &str = "/_aws/CloudWatchMetrics";

impl MetricLine {
    /// The line that says this. Its directives are shared with `declared`, if those are the same; else they take its place.
    #[must_use]
    pub fn of(mut parsed: Value, declared: &mut Option<Arc<Value>>) -> Self {
        let own = parsed.pointer_mut(DIRECTIVES).map(Value::take);
        let directives = own.map(|own| match declared {
            Some(declared) if **declared == own => Arc::clone(declared),
            Some(_) | None => Arc::clone(declared.insert(Arc::new(own))),
        });
        Self { values: parsed.to_string().into(), directives }
    }

    /// Whether two lines share what they declare.
    #[cfg(test)]
    pub(super) fn declares_with(&self, other: &Self) -> bool {
        self.directives
            .as_ref()
            .zip(other.directives.as_ref())
            .is_some_and(|(one, other)| Arc::ptr_eq(one, other))
    }

    /// The line, parsed.
    #[must_use]
    pub fn parsed(&self) -> Value {
        let mut parsed: Value = serde_json::from_str(&self.values).unwrap_or_default();
        if let Some((place, directives)) = parsed.pointer_mut(DIRECTIVES).zip(self.directives.as_deref()) {
            *place = directives.clone();
        }
        parsed
    }
}

impl Serialize for MetricLine {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.parsed().serialize(to)
    }
}
