//! How long the ledger is waited for and how long an answer is kept, with reasons.
//!
//! `edge/template.yaml` repeats some of them because CloudFront and Lambda enforce them; a test keeps them equal.
//! Invariant: relations between limits hold at compile time.

/// The one attempt to read the ledger, milliseconds. DynamoDB answers in single milliseconds or not at all, and whoever
/// waits has the last answer from the cache meanwhile.
pub const LEDGER_MS: u64 = 1_000;

/// CloudFront's patience with this function, seconds. What takes longer is answered from the cache, or by the page that
/// says that we cannot look.
pub const ANSWER_S: u64 = 2;

/// A final answer is kept for so long, seconds: a day. It could be kept for ever; a day is what a wrong one could last.
pub const FINAL_S: u64 = 86_400;

/// An answer that may change is fresh for so long, seconds. Whatever the number of those who reload, the ledger is read
/// once in so long a payment.
pub const UNSETTLED_S: u64 = 2;

/// An answer is given for so long after it was fresh, seconds: at once, while it is asked for anew behind it. Longer than
/// any outage that is to be survived. `stale-if-error` alone would make everybody wait until the origin timed out
/// (measured: <https://dev.classmethod.jp/articles/cloudfront-stale-if-error-origin-timeout-behavior/>).
pub const STALE_S: u64 = 86_400;

/// That there is no row yet is kept for so long, seconds: enough for a crowd, and soon over.
pub const UNKNOWN_S: u64 = 1;

const _: () = {
    assert!(LEDGER_MS < ANSWER_S * 1_000, "the answer has to travel, too");
    assert!(UNKNOWN_S <= UNSETTLED_S && UNSETTLED_S < FINAL_S);
    assert!(STALE_S > 6 * 3_600, "the longest outage that the suite knows");
};
