//! How long AWS is waited for, and how much is told of a failure, with reasons.
//!
//! Invariant: relations between limits hold at compile time.

/// One attempt of an AWS call, milliseconds. DynamoDB and SQS answer in tens of milliseconds or not at all.
pub const AWS_ATTEMPT_MS: u64 = 2_000;

/// One AWS call with its retries, milliseconds.
pub const AWS_CALL_MS: u64 = 5_000;

/// Attempts of an AWS call in all (the SDK's standard).
pub const AWS_ATTEMPTS: u32 = 3;

/// How often DynamoDB is asked for keys that it did not get to. It leaves some out when a table is busy; whoever asks for many
/// comes back a minute later anyway.
pub const BATCH_ATTEMPTS: usize = 3;

/// Longest reason that is kept of an AWS call that failed, characters: a code and a sentence. Headers and bodies would
/// make kilobytes of every log line of an outage.
pub const WHY_CHARS_MAX: usize = 300;

const _: () = assert!(AWS_ATTEMPT_MS < AWS_CALL_MS);
