//! Stripe's published limits, and the few numbers the fake had to choose.
//!
//! Invariant: every number a rule compares with is here, with its unit and its source.

/// Longest `Idempotency-Key`, characters (<https://docs.stripe.com/api/idempotent_requests>).
pub const KEY_CHARS_MAX: usize = 255;

/// Age at which a key is forgotten. Stripe may prune keys once they are 24 h old; the fake does so at once,
/// because that is the worst a client has to survive.
pub const KEY_KEPT_MS: i64 = 24 * 60 * 60 * 1_000;

/// Most `metadata` entries of one object (<https://docs.stripe.com/api/metadata>).
pub const METADATA_KEYS_MAX: usize = 50;

/// Longest `metadata` key, characters.
pub const METADATA_KEY_CHARS_MAX: usize = 40;

/// Longest `metadata` value, characters.
pub const METADATA_VALUE_CHARS_MAX: usize = 500;

/// Largest amount of most payments, minor units: eight digits
/// (<https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>).
pub const AMOUNT_MINOR_MAX: i64 = 99_999_999;

/// Largest amount in Indonesian rupiah, and of an intent that takes cards alone, minor units: twelve digits. Older copies
/// of the page grant them to rupiah alone, newer ones to most card payments; the fake follows the newer.
pub const AMOUNT_MINOR_OF_CARDS_MAX: i64 = 999_999_999_999;

/// Failed confirmations after which an intent is canceled. Stripe has such a limit and does not publish it;
/// chosen far above what a careful client needs.
pub const CONFIRMATIONS_MAX: u32 = 25;

/// Calls a second of one account, in live mode (<https://docs.stripe.com/rate-limits>). A sandbox gets 25; the fake grants
/// as many to a test key, because what is proved with it is to hold in production.
pub const CALLS_PER_S: i64 = 100;

/// Calls a second of one endpoint, whatever id is in the path, in live mode and in a sandbox.
pub const ENDPOINT_CALLS_PER_S: i64 = 25;

/// Searches a second, in live mode and in a sandbox (<https://docs.stripe.com/search#rate-limits>).
pub const SEARCHES_PER_S: i64 = 20;

/// Intents on one page of a list or a search, unless `limit` says otherwise (<https://docs.stripe.com/api/pagination>).
pub const PAGE_INTENTS_DEFAULT: usize = 10;

/// The most that `limit` may say.
pub const PAGE_INTENTS_MAX: usize = 100;

/// The longest that a change stays hidden from search, ms: "searchable in under 1 minute"
/// (<https://docs.stripe.com/search#data-freshness>).
pub const SEARCHABLE_MS_MAX: u64 = 59_999;

/// Most steps of an `expand[]` path (<https://docs.stripe.com/api/expanding_objects>).
pub const EXPAND_DEPTH_MAX: usize = 4;

/// Most brackets in a parameter's name. The deepest that Stripe documents is less deep; a bound keeps trees small.
pub const NESTING_MAX: usize = 8;

/// Most clauses of one search query (<https://docs.stripe.com/search#search-query-language>).
pub const QUERY_CLAUSES_MAX: usize = 10;

/// How late something comes that Stripe does after its answer, ms: one of these is drawn, then a time up to it. Within a
/// call, within a delivery, before the next one, after several. Stripe publishes nothing.
pub const LATE_MS: [u64; 4] = [1_000, 10_000, ROLL_FORWARD_MS_MAX, PROCESSING_MS_MAX];

/// The latest that a request answered with a 500 is rolled forward, ms after the answer.
pub const ROLL_FORWARD_MS_MAX: u64 = 60_000;

/// The longest that an intent is processing, waits for a customer who comes, or holds money that is captured, ms.
pub const PROCESSING_MS_MAX: u64 = 600_000;

/// The longest that a look-up may not have heard of a change, ms. Stripe promises none for a look-up by id; searches may be
/// a minute behind, and so may the replica that a look-up is answered from while Stripe is unwell.
pub const STALE_MS_MAX: i64 = 60_000;

/// Of a hundred stored 500s, how many say `Stripe-Should-Retry: false`. The official libraries expect it on most.
pub const POINTLESS_SHARE_PERCENT: u64 = 75;

/// Part of a call's latency that passes before Stripe has the request: one over this.
pub const LATENCY_TO_EDGE_DIVISOR: u64 = 4;

/// The least and the most that a slow answer takes, ms: some come before a client of ten seconds gives up, most do not.
pub const SLOW_MS_MIN: u64 = 5_000;
/// See [`SLOW_MS_MIN`].
pub const SLOW_MS_MAX: u64 = 40_000;

/// How long a silent Stripe holds a connection before it is reset, ms. Longer than any client waits: the
/// official libraries give up after 80 s.
pub const SILENCE_MS: u64 = 80_000;
