//! How much of the ledger is read at once, with reasons.
//!
//! Invariant: relations between limits hold at compile time.

/// Unsettled rows that one survey reads at most. Six hours without Stripe at half a payment a second leave
/// 10,800; what lies beyond is said to be missing, not silently left out.
pub const UNSETTLED_ROWS_MAX: usize = 12_000;

/// Rows asked for in one page. Well below the megabyte at which DynamoDB ends a page by itself.
pub const PAGE_ROWS: usize = 500;

/// Rows asked for in one `BatchGetItem` (DynamoDB's limit).
pub const ENTRIES_MAX: usize = 100;

const _: () = assert!(PAGE_ROWS <= UNSETTLED_ROWS_MAX);
