//! Every timeout and cap of the Stripe client, with its reason.
//!
//! Invariant: the calls of the longest delivery fit into the function's timeout, checked at compile time.

use payments::limits::{BATCH_SIZE, FUNCTION_TIMEOUT_S};
use std::time::Duration;

/// How long one call may take, connecting included, milliseconds. The official libraries wait 80 s, longer than
/// the function lives.
pub const CALL_TIMEOUT_MS: u64 = 10_000;

/// How long a TCP connection may take to open, milliseconds. Shorter than a call, so that a dead network is told
/// apart from a silent Stripe: nothing was sent yet. The TLS handshake counts towards the call.
pub const CONNECT_TIMEOUT_MS: u64 = 3_000;

/// How long the warm-up may take, milliseconds. A cold start survives a dead Stripe within two seconds; the rest
/// of the initialisation runs beside it.
pub const WARM_TIMEOUT_MS: u64 = 1_900;

/// Calls in the longest delivery in which none is declined: create, confirm, look up, cancel, look up again.
pub const CALLS_MAX: u64 = 5;

/// How long an unused connection is kept, milliseconds. Below the 350 s after which a NAT gateway forgets it
/// without a word, and short enough that few are found dead after a freeze.
pub const IDLE_CONNECTION_MS: u64 = 60_000;

/// Unused connections kept: one per record of a batch.
pub const IDLE_CONNECTIONS_MAX: usize = BATCH_SIZE as usize;

/// Largest answer that is read, bytes. Stripe's limits on metadata keep an intent below half of it, however the
/// characters are escaped.
pub const BODY_BYTES_MAX: usize = 1_048_576;

/// Longest code or parameter name that is passed on, characters. Stripe's longest codes have about 60; what is longer is
/// cut, because these end up in the ledger, in message attributes and in logs.
pub const WORD_CHARS_MAX: usize = 100;

/// Longest text of an error that is kept where it has no code, characters: enough to tell two apart, and to read.
pub const TEXT_CHARS_MAX: usize = 120;

/// Longest description of a transport failure, characters.
pub const FAILURE_CHARS_MAX: usize = 300;

/// Between two fetches of the Stripe key after a refusal, milliseconds. While credentials are revoked, ten
/// refused payments a batch must not become ten fetches.
pub const SECRET_REFETCH_MS: i64 = 10_000;

pub(crate) const CALL_TIMEOUT: Duration = Duration::from_millis(CALL_TIMEOUT_MS);
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_millis(CONNECT_TIMEOUT_MS);
pub(crate) const WARM_TIMEOUT: Duration = Duration::from_millis(WARM_TIMEOUT_MS);
pub(crate) const IDLE_CONNECTION: Duration = Duration::from_millis(IDLE_CONNECTION_MS);

const _: () = {
    assert!(CALLS_MAX * CALL_TIMEOUT_MS < FUNCTION_TIMEOUT_S as u64 * 1_000);
    assert!(CONNECT_TIMEOUT_MS < CALL_TIMEOUT_MS);
    assert!(WARM_TIMEOUT_MS < 2_000);
    assert!(IDLE_CONNECTION_MS < 350_000, "a NAT gateway drops idle connections after 350 s");
};
