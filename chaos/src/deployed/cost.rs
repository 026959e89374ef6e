//! What a run costs, roughly: enough to tell cents from dollars.
//!
//! Prices: us-east-1, lists of mid 2026, without free tiers and discounts. Other regions are up to a half dearer.
//! Invariant: it is rounded up, and never says that something costs nothing.

use super::LOOK_MS;

/// Of a million, in micro-dollars each: requests to SQS, writes and reads of DynamoDB, invocations of Lambda.
const SQS: u64 = 400_000;
const WRITES: u64 = 625_000;
const READS: u64 = 125_000;
const INVOCATIONS: u64 = 200_000;
/// A million seconds of Lambda with 256 MB on arm64: a quarter of 13,333,400 micro-dollars for a million GB-seconds.
const SECONDS: u64 = 3_333_350;
/// A million log lines of a kilobyte, at half a dollar a gigabyte.
const LINES: u64 = 500_000;

/// How often a payment is delivered at most before it is dead-lettered, and once after that.
const DELIVERIES: u64 = 6;

/// What it costs at most, in whole US cents.
pub(super) fn cents(messages: u64, lasts_ms: u64) -> u64 {
    let deliveries = messages * DELIVERIES;
    // Received, made invisible or deleted; counted, recorded and settled, each with its index; a second of an invocation.
    let of_a_delivery = 3 * SQS + 6 * WRITES + INVOCATIONS + SECONDS + LINES;
    let of_a_look = 8 * SQS + READS;
    let of_a_message = SQS + READS;
    let looks = lasts_ms / LOOK_MS + 1;
    // Of a million each: dividing by it leaves micro-dollars, ten thousand to the cent.
    (deliveries * of_a_delivery + looks * of_a_look + messages * of_a_message).div_ceil(1_000_000 * 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_run_costs_a_cent_and_a_large_one_its_dollars() {
        assert_eq!(cents(40, 600_000), 1);
        assert_eq!(cents(7_000, 7_200_000), 39);
        assert_eq!(cents(1_000_000, 86_400_000), 5_445);
    }
}
