//! Moves spare everybody: one that runs when Stripe fails again is canceled, and one after the other that comes to nothing
//! comes ever later.
//!
//! What is moved into a dead provider uses up its receives; and a queue that goes round and round mends nobody's consumer.
//! Invariant: what a human ordered is a human's to answer for.

use super::redrive_into_outage::{DEAD_PPM, failing_ppm, is_ordered};
use super::{Evidence, Finding, Verdict};
use crate::journal::{Event, MoveTaskEvent, QueueEvent, TableEvent};
use crate::units::{counted, duration_ms};
use payments::UnixMs;
use payments::limits::PAUSE_MS_MAX;

/// From the first call that fails to the last message that is moved, ms: two turns that find it so, one that cancels, and
/// what SQS takes to stop.
const CANCEL_MS_MAX: u64 = 180_000;
/// Moves in a row that come to nothing, before pauses are long: messages without a row come back for three rounds before
/// that is taken for one, and their stragglers are moved by themselves.
const IN_VAIN_MAX: usize = 12;
/// How far apart they are from then on, ms.
const APART_MS: i64 = 2 * PAUSE_MS_MAX;

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let (into_outage, in_vain) = (moved_into_outage(evidence), in_vain(evidence));
    let tasks = starts(evidence).count() as u64;
    Verdict::from_findings(into_outage.into_iter().chain(in_vain).collect(), || counted(tasks, "move task"))
}

fn starts<'e>(evidence: &'e Evidence<'_>) -> impl Iterator<Item = UnixMs> + 'e {
    let records = evidence.history.records.iter();
    records
        .filter(|record| matches!(record.event, Event::MoveTask(MoveTaskEvent::Started { .. })))
        .map(|record| record.at)
}

/// A message that was moved although Stripe had been dead for longer than it takes to cancel.
fn moved_into_outage(evidence: &Evidence<'_>) -> Option<Finding> {
    let (history, mut since, mut ordered) = (evidence.history, None, false);
    let elapsed_ms = |at: UnixMs| u64::try_from(at.since_ms(history.began)).unwrap_or(0);
    for record in &history.records {
        let at_ms = elapsed_ms(record.at);
        if let Event::MoveTask(MoveTaskEvent::Started { .. }) = &record.event {
            ordered = is_ordered(&history.given, at_ms);
        } else if let Event::Queue(QueueEvent::Redriven { .. }) = &record.event {
            let is_dead = |at_ms| failing_ppm(&history.experiment.faults, at_ms) >= DEAD_PPM;
            let was_dead = (0..=CANCEL_MS_MAX).step_by(1_000).all(|ms| ms <= at_ms && is_dead(at_ms - ms));
            since = since.or((was_dead && !ordered).then_some(at_ms));
        }
    }
    since.map(|at_ms| {
        Finding::run(format!(
            "a message was moved {} after the beginning, while Stripe had been dead for long",
            duration_ms(at_ms)
        ))
    })
}

/// A move that followed others that came to nothing, and too soon. One that moves nothing wears nothing out, and what is
/// acknowledged after it was moved did not come back.
fn in_vain(evidence: &Evidence<'_>) -> Option<Finding> {
    let (history, mut tasks, mut started) = (evidence.history, Vec::<UnixMs>::new(), None);
    for record in &history.records {
        if brings_something(&record.event, &history.names.source) {
            tasks.clear();
        } else if let Event::MoveTask(MoveTaskEvent::Started { .. }) = &record.event {
            started = Some(record.at);
        } else if let Event::Queue(QueueEvent::Redriven { .. }) = &record.event
            && let Some(at) = started.take()
        {
            let at_ms = u64::try_from(at.since_ms(history.began)).unwrap_or(0);
            let too_soon = tasks.last().is_some_and(|last| at.since_ms(*last) < APART_MS);
            if tasks.len() >= IN_VAIN_MAX && too_soon && !is_ordered(&history.given, at_ms) {
                let (nth, after) = (tasks.len() as u64 + 1, duration_ms(at_ms));
                return Some(Finding::run(format!(
                    "move {nth} in a row that came to nothing began {after} after the beginning, right after the last"
                )));
            }
            tasks.push(at);
        }
    }
    None
}

/// Whether a payment is settled by this, or a message of the queue at `source` acknowledged.
fn brings_something(event: &Event, source: &str) -> bool {
    if let Event::Table(TableEvent::LedgerWritten { state, .. }) = event {
        super::evidence::is_settled(state)
    } else {
        matches!(event, Event::Queue(QueueEvent::Deleted { queue, .. }) if queue == source)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{ORDER, Tale};
    use super::*;
    use crate::faults::{Kind, Window};

    fn moved_after(ms: i64) -> Verdict {
        let mut tale = Tale::of_one_dead_letter();
        tale.start_move_task();
        tale.fault(Kind::StripeUnavailable, Window { from_ms: 10_000, until_ms: 3_600_000 }, 1);
        tale.wait_ms(ms);
        tale.redrive("m-1", "m-1b");
        check(&Evidence::of(&tale.told()))
    }

    #[test]
    fn a_message_that_is_moved_while_stripe_has_been_dead_for_long_is_found() {
        assert!(matches!(moved_after(150_000), Verdict::Pass(_)));
        assert!(matches!(moved_after(200_000), Verdict::Fail(_)));
    }

    /// So many moves, so far apart, in the sixth of which this happens as well.
    fn moves(ms: i64, sixth: impl Fn(&mut Tale)) -> Verdict {
        let mut tale = Tale::of_one_dead_letter();
        let moved = |times: usize| if times == 0 { "m-1".to_owned() } else { format!("m-1-{times}") };
        for n in 0..15 {
            tale.wait_ms(ms);
            tale.start_move_task();
            tale.redrive(&moved(n), &moved(n + 1));
            if n == 5 {
                sixth(&mut tale);
            }
        }
        check(&Evidence::of(&tale.told()))
    }

    #[test]
    fn moves_that_come_to_nothing_one_right_after_the_other_are_found() {
        assert!(matches!(moves(120_000, |_| ()), Verdict::Fail(_)));
        assert!(matches!(moves(120_000, |tale| tale.write(ORDER, "succeeded")), Verdict::Pass(_)));
        assert!(matches!(moves(120_000, |tale| tale.delete("m-1")), Verdict::Pass(_)));
        assert!(matches!(moves(APART_MS, |_| ()), Verdict::Pass(_)));
    }

    #[test]
    fn moves_that_move_nothing_wear_nothing_out() {
        let mut tale = Tale::of_one_dead_letter();
        (0..15).for_each(|_| tale.start_move_task());
        assert!(matches!(check(&Evidence::of(&tale.told())), Verdict::Pass(_)));
    }
}
