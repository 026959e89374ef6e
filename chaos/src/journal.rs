//! The journal: everything that happened in a run, in order, in virtual time.
//!
//! It holds parsed facts, never request bodies: bodies come out of hash maps and differ between processes.
//! Invariant: same experiment and seed, same bytes.

use payments::UnixMs;
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Record {
    /// When it happened, in virtual time.
    pub at: UnixMs,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What can happen. Each variant is named for the fact, in the past tense.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "snake_case")]
pub enum Event {
    /// The producer, or a function, sent a message to a queue.
    Sent {
        /// Queue name.
        queue: String,
        /// Id that SQS gave the message.
        message: String,
        /// `payment_id` in the body, if the body has one.
        #[serde(skip_serializing_if = "Option::is_none")]
        payment: Option<String>,
    },
    /// A consumer received a message.
    Received {
        /// Queue name.
        queue: String,
        /// Message id.
        message: String,
        /// `ApproximateReceiveCount` of this receive, from 1.
        receives: u32,
    },
    /// A message's visibility was changed by request.
    VisibilityChanged {
        /// Queue name.
        queue: String,
        /// Message id.
        message: String,
        /// Seconds until it is visible again.
        seconds: u32,
    },
    /// A message was deleted.
    Deleted {
        /// Queue name.
        queue: String,
        /// Message id.
        message: String,
    },
    /// SQS moved a message to its dead-letter queue.
    DeadLettered {
        /// Source queue name.
        from: String,
        /// Dead-letter queue name.
        to: String,
        /// Message id, which the move keeps.
        message: String,
        /// Receives so far.
        receives: u32,
    },
    /// A message reached the end of its queue's retention and was dropped.
    Expired {
        /// Queue name.
        queue: String,
        /// Message id.
        message: String,
    },
    /// Somebody took a message out of its queue for good.
    Purged {
        /// Queue name.
        queue: String,
        /// Message id.
        message: String,
    },
    /// A move task was started on a dead-letter queue.
    MoveTaskStarted {
        /// Task id.
        task: String,
        /// Dead-letter queue name.
        source: String,
        /// Queue name, if the caller chose one; otherwise every message goes back to its own queue.
        #[serde(skip_serializing_if = "Option::is_none")]
        destination: Option<String>,
        /// `ApproximateNumberOfMessagesToMove`.
        to_move: u64,
    },
    /// Another move task was asked for while one was active on the queue; SQS refused.
    MoveTaskRefused {
        /// Dead-letter queue name.
        source: String,
    },
    /// A move task copied a message to another queue and deleted it where it was.
    Redriven {
        /// Dead-letter queue name.
        from: String,
        /// Destination queue name.
        to: String,
        /// Message id until then.
        message: String,
        /// Message id from then on.
        as_message: String,
    },
    /// A move task ended.
    MoveTaskEnded {
        /// Task id.
        task: String,
        /// Dead-letter queue name.
        source: String,
        /// `COMPLETED`, `CANCELLED` or `FAILED`.
        status: &'static str,
        /// Messages moved.
        moved: u64,
        /// `FailureReason`, for `FAILED`.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'static str>,
    },
    /// A topic accepted a message.
    Published {
        /// Request id of the Lambda invocation that published; absent when a service did.
        #[serde(skip_serializing_if = "Option::is_none")]
        request: Option<String>,
        /// Topic name.
        topic: String,
        /// Id that SNS gave the message.
        message: String,
        /// Subject, if it has one.
        #[serde(skip_serializing_if = "Option::is_none")]
        subject: Option<String>,
    },
    /// An e-mail reached its reader.
    Mailed {
        /// Topic name.
        topic: String,
        /// Id that SNS gave the message.
        message: String,
        /// Address.
        to: String,
    },
    /// SNS had to send too many mails in one second, and silently stopped to serve a subscription.
    SubscriptionDisabled {
        /// Topic name.
        topic: String,
        /// Address that gets no more mail.
        endpoint: String,
    },
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
    /// A function called Stripe, and this is what came of it.
    StripeCalled {
        /// Request id of the Lambda invocation that called.
        request: String,
        /// `create`, `confirm`, `retrieve`, `cancel`, `list`, `search` or `probe`; `other` for a request that is none of
        /// them, such as the one that warms a connection.
        operation: &'static str,
        /// Intent id in the path, or in the answer to a create.
        #[serde(skip_serializing_if = "Option::is_none")]
        intent: Option<String>,
        /// `metadata[payment_id]` of the intent, when it is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        payment: Option<String>,
        /// HTTP status of the answer that was sent; absent when none was. A caller that is killed at the hop that
        /// follows never sees it.
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// `error.code` or, for a success, the intent's status.
        #[serde(skip_serializing_if = "Option::is_none")]
        said: Option<String>,
        /// Fault that was injected into this call.
        #[serde(skip_serializing_if = "Option::is_none")]
        fault: Option<&'static str>,
    },
    /// Stripe did something of its own accord: it carried out late what it had been asked, or a bank decided.
    StripeActed {
        /// `create`, `confirm`, `retrieve` or `cancel`; `bank` for the verdict of whoever an intent
        /// waited for: its bank, its customer, or whoever captures it.
        operation: &'static str,
        /// Intent id, unless there is none.
        #[serde(skip_serializing_if = "Option::is_none")]
        intent: Option<String>,
        /// `metadata[payment_id]` of the intent, when it is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        payment: Option<String>,
        /// What it would have answered: `error.code` or, for a success, the intent's status.
        #[serde(skip_serializing_if = "Option::is_none")]
        said: Option<String>,
        /// Fault that made it so.
        #[serde(skip_serializing_if = "Option::is_none")]
        fault: Option<&'static str>,
    },
    /// Money moved: an intent succeeded. Taken from the fake Stripe's book.
    Charged {
        /// `metadata[payment_id]`.
        payment: String,
        /// Intent id.
        intent: String,
        /// Charge id.
        charge: String,
        /// Amount in minor units.
        amount: i64,
        /// ISO currency, lower case.
        currency: String,
    },
    /// A function wrote an item of a table (after the condition held).
    LedgerWritten {
        /// Request id of the Lambda invocation that wrote.
        request: String,
        /// `payment_id` of the row.
        payment: String,
        /// Row's state after the write.
        state: String,
        /// Row's version after the write.
        version: u64,
        /// Id of the intent that the row names after the write, if it names one.
        #[serde(skip_serializing_if = "Option::is_none")]
        intent: Option<String>,
    },
    /// The responder saved one of its records.
    IncidentSaved {
        /// Request id of the Lambda invocation that saved.
        request: String,
        /// `recovery`, `quarantine` or `audit`.
        record: String,
        /// The record's phase after the save.
        phase: String,
        /// Its version after the save.
        version: u64,
        /// Mails that were written and are not known to be sent.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pending: Vec<Letter>,
    },
    /// A conditional write was refused.
    LedgerRefused {
        /// Request id of the Lambda invocation that tried.
        request: String,
        /// `payment_id` of the row.
        payment: String,
    },
    /// A configured fault took effect.
    FaultFired {
        /// Its name, as in `cargo chaos list faults`.
        fault: &'static str,
        /// `before`, `after` or `stored`; absent where a placement makes no sense.
        #[serde(skip_serializing_if = "Option::is_none")]
        placement: Option<&'static str>,
        /// What it hit: an operation, a message, an invocation.
        on: String,
    },
    /// An alarm changed its state.
    AlarmChanged {
        /// Its name.
        alarm: String,
        /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
        from: &'static str,
        /// The same.
        to: &'static str,
        /// Why, in CloudWatch's words.
        reason: String,
    },
    /// An event on the bus matched a rule. A rule matches an event once, however often its target hears of it.
    EventMatched {
        /// Rule name.
        rule: String,
        /// Event id.
        id: String,
    },
    /// Lambda accepted an event for the target of a rule or a schedule.
    EventDelivered {
        /// Rule name.
        rule: String,
        /// Event id.
        id: String,
        /// Request id of the invocation it becomes.
        request: String,
    },
    /// EventBridge gave up delivering an event.
    EventUndelivered {
        /// Rule name.
        rule: String,
        /// Event id.
        id: String,
        /// The error, or the part of the retry policy that was used up.
        why: &'static str,
        /// The queue that now holds it.
        #[serde(skip_serializing_if = "Option::is_none")]
        queue: Option<String>,
    },
    /// Lambda gave up an event that it had accepted.
    InvocationDropped {
        /// Function's logical id.
        function: String,
        /// Request id of its invocations.
        request: String,
        /// `RetriesExhausted` or `EventAgeExceeded`.
        why: &'static str,
        /// How often it was tried.
        attempts: u32,
    },
    /// Somebody asked for something that no policy grants; whoever was asked did nothing.
    AccessDenied {
        /// ARN of the function's session, or the service that asked.
        who: String,
        /// The action, for example `sqs:SendMessage`.
        action: String,
        /// ARN of what it was to be done to.
        resource: String,
    },
    /// A line of metrics in CloudWatch's embedded metric format that a function wrote.
    Metrics {
        /// The line.
        line: MetricLine,
    },
}

/// A line of metrics. Kept as text: parsed, it takes ten times the memory, and there is one for every invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricLine(Box<str>);

impl MetricLine {
    /// The line that says this.
    #[must_use]
    pub fn of(parsed: &Value) -> Self {
        Self(parsed.to_string().into())
    }

    /// The line, parsed.
    #[must_use]
    pub fn parsed(&self) -> Value {
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

impl Serialize for MetricLine {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.parsed().serialize(serializer)
    }
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

impl Serialize for FailedBy {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

impl fmt::Display for FailedBy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

/// A mail that a record of the responder holds until it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Letter {
    /// Its number within the record.
    pub number: u64,
    /// The transition it tells of.
    pub tells: String,
    /// When the turn that is to publish it laid claim to it.
    pub claimed_at: UnixMs,
    /// How many transitions it stands for that nobody could be told of, with its own; none when it was in time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stands_for: Option<u64>,
}

/// Where events go; cheap to clone, shared by everything in one world.
#[derive(Clone, Debug, Default)]
pub struct Journal(Arc<Mutex<Vec<Record>>>);

impl Journal {
    /// Appends one event.
    pub fn record(&self, at: UnixMs, event: Event) {
        self.lock().push(Record { at, event });
    }

    /// Everything recorded so far, in order.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.lock().clone()
    }

    /// How much was recorded so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// Everything recorded so far, in order; the journal is empty afterwards.
    #[must_use]
    pub fn take(&self) -> Vec<Record> {
        std::mem::take(&mut *self.lock())
    }

    /// Shows what was recorded from number `from` on, and says how many records there are now. For whoever follows a
    /// run: nothing is copied.
    pub fn follow(&self, from: usize, mut see: impl FnMut(&Record)) -> usize {
        let records = self.lock();
        records[from.min(records.len())..].iter().for_each(&mut see);
        records.len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Record>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
