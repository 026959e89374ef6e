//! What the embedded services are configured with: the meaning of the template, free of its syntax.
//!
//! The template loader produces these, the services consume them. Every unit is in the name, as on AWS.
//! Invariant: values are inside the limits AWS documents; the loader refuses others before a world exists.

use std::collections::BTreeMap;

/// One `AWS::SQS::Queue`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueConfig {
    /// Queue name, unique in the account.
    pub name: String,
    /// `VisibilityTimeout`, 0–43,200 s.
    pub visibility_s: u32,
    /// `MessageRetentionPeriod`, 60–1,209,600 s.
    pub retention_s: u32,
    /// `DelaySeconds`, 0–900 s.
    pub delay_s: u32,
    /// `MaximumMessageSize`, 1,024–1,048,576 bytes.
    pub message_bytes_max: u32,
    /// `RedrivePolicy`, if the queue has one.
    pub redrive: Option<RedriveConfig>,
}

/// A `RedrivePolicy`: a message received more often than this moves to the dead-letter queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedriveConfig {
    /// Name of the dead-letter queue.
    pub dead_letter_queue: String,
    /// `maxReceiveCount`, 1–1,000.
    pub receives_max: u32,
}

/// One `AWS::DynamoDB::Table`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableConfig {
    /// Table name.
    pub name: String,
    /// The `CreateTable` request as DynamoDB's JSON protocol has it.
    pub create: serde_json::Value,
    /// TTL attribute, if enabled.
    pub ttl_attribute: Option<String>,
}

/// One `AWS::Serverless::Function`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionConfig {
    /// Logical id in the template, for example `Consumer`.
    pub logical_id: String,
    /// `FunctionName` as deployed.
    pub name: String,
    /// `Timeout`, 1–900 s.
    pub timeout_s: u32,
    /// `MemorySize`, MB.
    pub memory_mb: u32,
    /// Environment variables, resolved.
    pub environment: BTreeMap<String, String>,
    /// SQS event sources.
    pub sources: Vec<SqsSourceConfig>,
}

/// One SQS event of a function (an event source mapping).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqsSourceConfig {
    /// Name of the queue it polls.
    pub queue: String,
    /// `BatchSize`, 1–10,000.
    pub batch_size: u32,
    /// `MaximumBatchingWindowInSeconds`, 0–300.
    pub window_s: u32,
    /// `ScalingConfig.MaximumConcurrency`, 2–1,000; absent means Lambda's own scaling.
    pub concurrency_max: Option<u32>,
    /// Whether `FunctionResponseTypes` holds `ReportBatchItemFailures`.
    pub reports_item_failures: ItemFailures,
}

/// Whether Lambda reads the answer of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemFailures {
    /// `ReportBatchItemFailures`: the answer names the messages that failed.
    Reported,
    /// The answer is ignored: an error fails the batch, anything else deletes it.
    Ignored,
}
