//! The consumer's own timeouts and caps, with their reasons.
//!
//! Invariant: relations between limits hold at compile time.

use payments::limits::FUNCTION_TIMEOUT_S;

/// Kept free at the end of an invocation, milliseconds: unfinished records are handed back and made invisible,
/// and the answer travels, before Lambda kills the container.
pub const DEADLINE_MARGIN_MS: i64 = 8_000;

/// How long init waits for connections to warm up and for the secret, milliseconds. A dead Stripe or a missing
/// secret must not cost more: init is given 10 s by Lambda, and payments wait.
pub const WARM_UP_MS: u64 = 2_000;

/// One attempt of an AWS call, milliseconds. DynamoDB and SQS answer in tens of milliseconds or not at all.
pub const AWS_ATTEMPT_MS: u64 = 2_000;

/// One AWS call with its retries, milliseconds.
pub const AWS_CALL_MS: u64 = 5_000;

/// Attempts of an AWS call in all (the SDK's standard).
pub const AWS_ATTEMPTS: u32 = 3;

/// Between two fetches of the Stripe key after a refusal, milliseconds. While credentials are revoked, ten
/// refused payments a batch must not become ten fetches.
pub const SECRET_REFETCH_MS: i64 = 10_000;

/// Entries of one SQS batch call (SQS's limit).
pub const SQS_BATCH: usize = 10;

/// Message attributes SQS accepts.
pub const ATTRIBUTES_MAX: usize = 10;

const _: () = {
    assert!(DEADLINE_MARGIN_MS > AWS_CALL_MS as i64, "the visibility change must fit into the margin");
    assert!(DEADLINE_MARGIN_MS < FUNCTION_TIMEOUT_S as i64 * 1_000 / 2);
    assert!(WARM_UP_MS < 10_000, "Lambda ends init after 10 s");
    assert!(AWS_ATTEMPT_MS < AWS_CALL_MS);
};
