//! The consumer's own timeouts and caps, with their reasons.
//!
//! Invariant: relations between limits hold at compile time.

use host::limits::AWS_CALL_MS;
use payments::limits::FUNCTION_TIMEOUT_S;
use stripe::limits::CALL_TIMEOUT_MS;

/// Kept free at the end of an invocation, milliseconds: unfinished records are handed back and made invisible,
/// and the answer travels, before Lambda kills the container.
pub const DEADLINE_MARGIN_MS: i64 = 8_000;

/// Time that must be left for a payment that is worked on alone, milliseconds: enough for the two calls that settle
/// one, however slow. Begun later it might be stopped at the deadline, which counts as a death, for being the last.
pub const ALONE_MS_MIN: i64 = 2 * CALL_TIMEOUT_MS as i64;

/// How often a delivery that hands its message back tries to say so in the ledger. While half of all calls fail, the
/// SDK's attempts included, one in five hundred is then still taken for a death; more tries would keep a batch from
/// ending in a ledger that is gone.
pub const NOTE_TRIES: u32 = 3;

/// How long init waits for connections to warm up and for the secret, milliseconds. A dead Stripe or a missing
/// secret must not cost more: init is given 10 s by Lambda, and payments wait.
pub const WARM_UP_MS: u64 = 2_000;

/// Entries of one SQS batch call (SQS's limit).
pub const SQS_BATCH: usize = 10;

/// Of so many calls to Stripe, [`EVENTS_PART`] are kept for look-ups that its own events lead to, where these are listened
/// to: a second event source has containers of its own, two at least, which share the one rate. A payment that goes well is
/// settled before its event is there, and takes none of them.
pub const EVENTS_WHOLE: u32 = 5;

/// The part of [`EVENTS_WHOLE`] that is kept for events.
pub const EVENTS_PART: u32 = 1;

/// How often a container says that payments come through, milliseconds: rarely beside the writes of the payments
/// themselves, often beside the minutes between two deliveries of one that dies.
pub const PULSE_MS: i64 = 60_000;

const _: () = {
    assert!(0 < EVENTS_PART && EVENTS_PART < EVENTS_WHOLE / 2, "payments come first");
    assert!(DEADLINE_MARGIN_MS > AWS_CALL_MS as i64, "the visibility change must fit into the margin");
    assert!(DEADLINE_MARGIN_MS < FUNCTION_TIMEOUT_S as i64 * 1_000 / 2);
    assert!(
        DEADLINE_MARGIN_MS + 2 * ALONE_MS_MIN < FUNCTION_TIMEOUT_S as i64 * 1_000,
        "even a slow batch has room"
    );
    assert!(WARM_UP_MS < 10_000, "Lambda ends init after 10 s");
};
