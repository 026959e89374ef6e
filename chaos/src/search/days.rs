//! Days that a swarm of short faults does not make: an outage of hours, one that begins while the last is being cleared up,
//! a burst far beyond the permitted pace, a mapping that somebody disabled, a message that is gone, and humans who give
//! orders in the middle of it.
//!
//! Each is seldom, and is added to what was drawn without it, by a stream of its own.
//! Invariant: whatever a day needs a human for, a human does, once every fault has ended.

use super::draw::pick;
use crate::experiment::{Experiment, Order, Word};
use crate::faults::{Fault, Kind, When, Window};
use crate::random::{Chance, Stream};
use crate::workload::{Pace, Payments, Workload};

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;

const FORTIETH: Chance = Chance::from_ppm(25_000);
const TWENTIETH: Chance = Chance::from_ppm(50_000);
/// Two thousand payments cost as much as forty seeds.
const SELDOM: Chance = Chance::from_ppm(4_000);
const EIGHTH: Chance = Chance::from_ppm(125_000);

/// Kinds that are drawn here alone: each needs a human, or an occasion.
const KINDS: [Kind; 2] = [Kind::MappingDisabled, Kind::MessagePurged];

/// What a provider does that is gone.
const OUTAGES: [Kind; 3] = [Kind::StripeUnavailable, Kind::StripeTimeout, Kind::StripeReset];
/// How long an outage lasts that lasts long.
const LONG_MS: (u64, u64) = (2 * HOUR_MS, 5 * HOUR_MS);
/// How long each of two outages lasts that belong together.
const SHORT_MS: (u64, u64) = (15 * MINUTE_MS, 40 * MINUTE_MS);
/// From the end of the first to the second: while a canary is out, dead letters move, or what was moved is worked off.
const BETWEEN_MS: (u64, u64) = (2 * MINUTE_MS, 9 * MINUTE_MS);
/// Payments of a burst: more than go out in a quarter of an hour at the lowest rate that the template takes, two a second.
const BURST: (u64, u64) = (1_900, 2_400);
const RATE: (&str, &str) = ("StripeRatePerSecond", "4");
/// How long a mapping is disabled.
const DISABLED_MS: (u64, u64) = (10 * MINUTE_MS, 3 * HOUR_MS);
/// How long it takes until somebody resumes what they paused.
const PAUSED_MS: (u64, u64) = (5 * MINUTE_MS, HOUR_MS);
/// How long after the last fault somebody has sent again what has no message.
const MENDED_MS: u64 = 20 * MINUTE_MS;
/// Until how long after the last payment orders are given.
const ORDERS_MS: u64 = HOUR_MS;

/// Whether it is drawn here alone.
pub(super) fn draws(kind: Kind) -> bool {
    KINDS.contains(&kind)
}

/// Makes a day of an experiment whose payments take so long to arrive.
pub(super) fn add(experiment: &mut Experiment, span_ms: u64, stream: &mut Stream) {
    if stream.happens(FORTIETH) {
        let from_ms = stream.below(span_ms);
        let length_ms = stream.between(LONG_MS.0, LONG_MS.1);
        experiment.faults.push(outage(from_ms, length_ms, stream));
    }
    if stream.happens(TWENTIETH) {
        experiment.faults.extend(two_outages(span_ms, stream));
    }
    if stream.happens(SELDOM) {
        let payments =
            Payments::Generated(u32::try_from(stream.between(BURST.0, BURST.1)).unwrap_or(u32::MAX));
        experiment.workload = Workload { payments, pace: Pace::Over { span_ms } };
        experiment.parameters.insert(RATE.0.to_owned(), RATE.1.to_owned());
    }
    if stream.happens(TWENTIETH) {
        let (from_ms, length_ms) = (stream.below(span_ms), stream.between(DISABLED_MS.0, DISABLED_MS.1));
        experiment.faults.push(lasting(Kind::MappingDisabled, from_ms, length_ms));
    }
    if stream.happens(TWENTIETH) && !experiment.faults.iter().any(keeps_rows_from_being_written) {
        purge(experiment, span_ms, stream);
    }
    if stream.happens(EIGHTH) {
        for _ in 0..stream.between(1, 4) {
            let at_ms = stream.below(span_ms + ORDERS_MS);
            experiment.orders.extend(orders(at_ms, stream));
        }
    }
    experiment.orders.sort_by_key(|order| order.at_ms);
}

/// From its beginning to its end, each time it could happen.
fn lasting(kind: Kind, from_ms: u64, length_ms: u64) -> Fault {
    Fault::steady(kind, Chance::ALWAYS, Window { from_ms, until_ms: from_ms + length_ms })
}

fn outage(from_ms: u64, length_ms: u64, stream: &mut Stream) -> Fault {
    lasting(*pick(&OUTAGES, stream), from_ms, length_ms)
}

/// The second begins while the first is being cleared up.
fn two_outages(span_ms: u64, stream: &mut Stream) -> [Fault; 2] {
    let mut length_ms = || stream.between(SHORT_MS.0, SHORT_MS.1);
    let lengths_ms = [length_ms(), length_ms()];
    let from_ms = stream.below(span_ms);
    let again_ms = from_ms + lengths_ms[0] + stream.between(BETWEEN_MS.0, BETWEEN_MS.1);
    [outage(from_ms, lengths_ms[0], stream), outage(again_ms, lengths_ms[1], stream)]
}

/// One message is gone, of those that a short outage has handed back; and somebody has its request sent once more.
fn purge(experiment: &mut Experiment, span_ms: u64, stream: &mut Stream) {
    let (from_ms, length_ms) = (stream.below(span_ms), stream.between(MINUTE_MS, 5 * MINUTE_MS));
    let when = When::Nth([stream.between(1, 10)].into());
    experiment.faults.push(lasting(Kind::StripeUnavailable, from_ms, length_ms));
    experiment.faults.push(Fault { when, ..lasting(Kind::MessagePurged, from_ms, length_ms) });
    experiment.orders.push(stranded(experiment.faults_end_ms() + MENDED_MS));
}

/// Whether a message may be handed back of which nothing is written down.
fn keeps_rows_from_being_written(fault: &Fault) -> bool {
    matches!(fault.kind, Kind::LedgerThrottled | Kind::LedgerLostAnswer)
}

/// Something that a human orders, and what belongs to it.
fn orders(at_ms: u64, stream: &mut Stream) -> Vec<Order> {
    match stream.below(9) {
        0 => vec![order(at_ms, "status", &[])],
        1 => vec![order(at_ms, "export", &[])],
        2 => vec![order(at_ms, "audit", &[("since", "2h")])],
        3 => {
            let until_ms = at_ms + stream.between(PAUSED_MS.0, PAUSED_MS.1);
            vec![order(at_ms, "pause", &[]), order(until_ms, "resume", &[])]
        }
        4 => vec![order(at_ms, "resume", &[])],
        5 => vec![order(at_ms, "redrive", &[])],
        6 => vec![order(at_ms, "release", &[("reason", *pick(&["poison", "refused"], stream))])],
        7 => {
            let payment = format!("order-{:06}", stream.between(1, u64::from(super::PAYMENTS)));
            vec![order(at_ms, "release", &[("payment_id", &payment)])]
        }
        _ => vec![stranded(at_ms)],
    }
}

fn stranded(at_ms: u64) -> Order {
    let with = [("stranded".to_owned(), Word::Flag(true))].into();
    Order { at_ms, command: "release".to_owned(), with }
}

fn order(at_ms: u64, command: &str, with: &[(&str, &str)]) -> Order {
    let with = with.iter().map(|(name, value)| ((*name).to_owned(), Word::Text((*value).to_owned())));
    Order { at_ms, command: command.to_owned(), with: with.collect() }
}

#[cfg(test)]
mod tests {
    use super::super::experiment;
    use super::*;

    #[test]
    fn some_hundred_seeds_have_each_of_these_days() {
        let days: Vec<Experiment> = (0..1_000).map(experiment).collect();
        let with = |has: fn(&Experiment) -> bool| days.iter().filter(|day| has(day)).count();
        let lasts = |fault: &Fault| fault.window.until_ms - fault.window.from_ms;
        assert!(with(|day| day.parameters.contains_key(RATE.0)) > 0);
        assert!(with(|day| !day.orders.is_empty()) > 80);
        for kind in KINDS {
            assert!(days.iter().any(|day| day.faults.iter().any(|fault| fault.kind == kind)), "{kind}");
        }
        let long = |fault: &Fault| OUTAGES.contains(&fault.kind) && lasts(fault) >= LONG_MS.0;
        assert!(days.iter().any(|day| day.faults.iter().any(long)));
    }

    #[test]
    fn who_pauses_resumes_and_what_is_gone_is_sent_again_after_the_last_fault() {
        for day in (0..1_000).map(experiment) {
            let last = |command: &str| day.orders.iter().rev().find(|order| order.command == command);
            let (paused, resumed) = (last("pause"), last("resume"));
            assert!(paused.is_none_or(|pause| resumed.is_some_and(|resume| resume.at_ms > pause.at_ms)));
            let is_gone = day.faults.iter().any(|fault| fault.kind == Kind::MessagePurged);
            let is_mended = |order: &Order| {
                order.with.contains_key("stranded") && order.at_ms >= day.faults_end_ms() + MENDED_MS
            };
            assert!(!is_gone || day.orders.iter().any(is_mended), "{}", day.name);
        }
    }
}
