//! The responder's own timeouts and caps, with their reasons.
//!
//! Invariant: relations between limits hold at compile time.

use host::limits::AWS_CALL_MS;
use ledger::limits::ENTRIES_MAX;
use payments::limits::{AUDIT_PAGE_INTENTS, CANARY_MAX, TURN_S_MAX};
use stripe::limits::CALL_TIMEOUT_MS;

/// Kept free at the end of an invocation, milliseconds: a turn that would run into the function's timeout ends with
/// an error of its own instead, which says so.
pub const DEADLINE_MARGIN_MS: i64 = 2_000;

/// How long all probes of a turn may take, milliseconds. A Stripe that needs longer for five small answers is not well.
pub const PROBING_MS_MAX: u64 = 15_000;

/// Messages of one SQS receive or batch (SQS's limit).
pub const SQS_BATCH: usize = 10;

/// Receives that one look through the dead letters makes at most. What is beyond is seen by a later turn.
pub const RECEIVES_MAX: usize = 5;

/// How long a received message stays invisible while it is looked at, seconds. Longer than a turn, so that nobody
/// else takes it meanwhile, and no longer: a turn that dies gives its messages back by this.
pub const HOLD_S: i32 = TURN_S_MAX as i32 + 5;

/// How long a receive waits for messages, seconds. Any long poll asks every server of the queue; a short one may
/// overlook the few messages there are.
pub const RECEIVE_WAIT_S: i32 = 1;

/// Attempts to take a published mail out of a record that others change.
pub const MARK_SENT_ATTEMPTS: usize = 3;

/// Between two looks at who listens while somebody does, milliseconds.
pub const LISTENERS_LOOK_MS: i64 = 600_000;

/// Pages of a topic's subscriptions that are read, 100 each.
pub const SUBSCRIPTION_PAGES_MAX: usize = 5;

/// Pages of the stack's alarms that a look at them reads, 50 each.
pub const ALARM_PAGES_MAX: usize = 2;

/// Active mute rules that are read of an alarm at most.
pub const MUTE_RULES_MAX: i32 = 10;

/// Between two looks whether the alarms can speak while they can, milliseconds: a day, for what is to be found is a silence
/// that nobody ended, and no maintenance of an hour. A container that starts looks at once.
pub const ALARMS_LOOK_MS: i64 = 24 * 3_600_000;

/// Until CloudWatch is asked about them again when it did not answer, milliseconds.
pub const ALARMS_RETRY_MS: i64 = 3_600_000;

/// Pages of intents that an audit asks Stripe for in a second at most. Lists have 25 calls a second of their own, but the
/// account's total, 25 in a sandbox, is shared with the consumer's `StripeRatePerSecond`, 20 unless somebody raised it:
/// with five probes beside it, two leave room for both. A day of 100,000 intents takes half an hour like this.
pub const AUDIT_PAGES_PER_S: u32 = 2;

/// No page of an audit is begun later than this after its turn began, milliseconds: one that meets the worst still ends
/// with the turn, and what is left is the next one's.
pub const AUDIT_MS_MAX: i64 = 25_000;

/// Receives that one look into the quarantine makes at most: ten messages each, and their bodies are not kept.
pub const QUARANTINE_RECEIVES_MAX: usize = 50;

/// No receive of such a look is begun later than this after it began, milliseconds.
pub const QUARANTINE_MS_MAX: i64 = 8_000;

/// Messages in quarantine that a few receives read: so many are looked into whenever their number changed.
pub const QUARANTINE_CHEAP: u64 = 50;

/// Between two looks into a quarantine that holds as many messages as before, or more than a few, milliseconds.
pub const QUARANTINE_LOOK_MS: i64 = 600_000;

/// Pages of intents that are counted to say what share of the traffic is in quarantine, 100 each. An hour at more than
/// five payments a minute is estimated from the newest.
pub const TRAFFIC_PAGES_MAX: usize = 3;

/// How long counting them may take, milliseconds: a mail goes without a share rather than late.
pub const TRAFFIC_MS_MAX: u64 = 8_000;

/// No release of an order for many is begun later than this after the turn began, milliseconds.
pub const RELEASE_MS_MAX: i64 = 20_000;

/// Receives that an order to release by reason makes at most. What is beyond is for the same order, given again.
pub const RELEASE_RECEIVES_MAX: usize = 200;

/// Payments that were set aside and are looked up in one turn, as long as Stripe knows them. Their square is how many are
/// read, to begin elsewhere every turn.
pub const TAKEN_UP_MAX: usize = 10;

/// Payments that the answer to such an order names one by one.
pub const RELEASE_NAMED_MAX: usize = 50;

/// Bytes of messages in one answer to `export`. Lambda's answers hold 6 MB (6,291,556 bytes,
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>); the rest is for whatever counts otherwise.
pub const EXPORT_BYTES_MAX: usize = 4_500_000;

/// No receive of an export is begun later than this after it began, milliseconds.
pub const EXPORT_MS_MAX: i64 = 20_000;

/// How long what was exported stays hidden when more remains, seconds: it is how the next order finds the rest. Long
/// enough to give it, short enough that nobody misses what is hidden.
pub const EXPORT_HOLD_S: i32 = 300;

const _: () = {
    assert!(
        RELEASE_MS_MAX + 2 * CALL_TIMEOUT_MS as i64 + 3 * AWS_CALL_MS as i64
            <= TURN_S_MAX as i64 * 1_000 - DEADLINE_MARGIN_MS,
        "an intent is looked up at most twice, then its row is changed, its copy deleted and its request sent"
    );
    assert!(EXPORT_MS_MAX + 2 * AWS_CALL_MS as i64 <= TURN_S_MAX as i64 * 1_000 - DEADLINE_MARGIN_MS);
    assert!(EXPORT_HOLD_S > 2 * TURN_S_MAX as i32, "the order can be given again before it is over");
    assert!(
        AUDIT_MS_MAX + 2 * CALL_TIMEOUT_MS as i64 + 2 * AWS_CALL_MS as i64
            <= TURN_S_MAX as i64 * 1_000 - DEADLINE_MARGIN_MS,
        "a page is asked for at most twice, its rows are read, and it is saved"
    );
    assert!(AUDIT_PAGE_INTENTS as usize <= ENTRIES_MAX, "the rows of a page are one call");
    assert!(DEADLINE_MARGIN_MS < AWS_CALL_MS as i64, "the margin is for ending, not for another call");
    assert!(PROBING_MS_MAX + 3 * AWS_CALL_MS < TURN_S_MAX as u64 * 1_000);
    assert!(HOLD_S > TURN_S_MAX as i32);
    assert!(CANARY_MAX <= SQS_BATCH);
    assert!(RECEIVE_WAIT_S >= 1 && RECEIVE_WAIT_S <= 20, "SQS waits 20 s at most");
};
