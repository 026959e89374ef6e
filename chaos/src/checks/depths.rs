//! How many messages the queues held, and how many payments had been unsettled for long, as time went by.
//!
//! Invariant: counted from the journal, one by one. What SQS says of it is approximate, and later.

use super::{Evidence, evidence};
use crate::journal::{Event, QueueEvent, TableEvent};
use payments::UnixMs;
use payments::limits::DELAYED_MS;
use std::collections::{BTreeMap, BTreeSet};

/// What there was from an instant on, until the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Depths {
    pub(crate) at: UnixMs,
    /// Messages in the payments queue.
    pub(crate) source: u64,
    /// Messages in its dead-letter queue.
    pub(crate) dead_letters: u64,
    /// Messages in quarantine.
    pub(crate) quarantine: u64,
    /// Payments that had been unsettled for longer than is ordinary.
    pub(super) late: u64,
}

impl Depths {
    /// Everything that changed any of it, in order.
    pub(crate) fn of(evidence: &Evidence<'_>) -> Vec<Self> {
        let mut counted: BTreeMap<UnixMs, (u64, u64, u64)> = BTreeMap::new();
        let names = &evidence.history.names;
        let (mut source, mut dead, mut quarantine) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for record in &evidence.history.records {
            let Event::Queue(event) = &record.event else { continue };
            let of = |queue: &String| *queue == names.source;
            match event {
                QueueEvent::Sent { queue, message, .. } if *queue == names.quarantine => {
                    quarantine.insert(message.as_str());
                }
                QueueEvent::Sent { queue, message, .. } => {
                    _ = of(queue) && source.insert(message.as_str());
                }
                QueueEvent::DeadLettered { message, .. } => {
                    source.remove(message.as_str());
                    dead.insert(message.as_str());
                }
                QueueEvent::Redriven { message, as_message, .. } => {
                    dead.remove(message.as_str());
                    quarantine.remove(message.as_str());
                    source.insert(as_message.as_str());
                }
                QueueEvent::Deleted { queue, message }
                | QueueEvent::Expired { queue, message }
                | QueueEvent::Purged { queue, message } => {
                    let held = if of(queue) {
                        &mut source
                    } else if *queue == names.quarantine {
                        &mut quarantine
                    } else {
                        &mut dead
                    };
                    held.remove(message.as_str());
                }
                QueueEvent::Received { .. } | QueueEvent::VisibilityChanged { .. } => continue,
            }
            counted.insert(record.at, (source.len() as u64, dead.len() as u64, quarantine.len() as u64));
        }
        let late = late(evidence);
        let instants: BTreeSet<UnixMs> = counted.keys().chain(late.keys()).copied().collect();
        let (mut there, mut lateness) = ((0, 0, 0), 0_i64);
        let depths = instants.into_iter().map(|at| {
            there = counted.get(&at).copied().unwrap_or(there);
            lateness += late.get(&at).copied().unwrap_or(0);
            let (source, dead_letters, quarantine) = there;
            Self { at, source, dead_letters, quarantine, late: u64::try_from(lateness).unwrap_or(0) }
        });
        depths.collect()
    }

    /// How many stretches lasted for so long in which something held, and since when those did that nobody was told of by
    /// then. `told`: from each mail that told of it to the end of its incident, if that ended.
    pub(super) fn untold(
        evidence: &Evidence<'_>,
        tell_ms_max: i64,
        holds: impl Fn(&Self) -> bool,
        told: &[(UnixMs, Option<UnixMs>)],
    ) -> (u64, Vec<UnixMs>) {
        let stretches = Self::stretches(&Self::of(evidence), evidence.history.ended, holds);
        let lasting = stretches.into_iter().filter(|(from, until)| until.since_ms(*from) >= tell_ms_max);
        let lasting: Vec<UnixMs> = lasting.map(|(from, _)| from).collect();
        let number = lasting.len() as u64;
        let is_told = |from: &UnixMs| {
            let told_by = from.plus_ms(tell_ms_max);
            told.iter().any(|(at, until)| *at <= told_by && until.is_none_or(|until| until >= *from))
        };
        (number, lasting.into_iter().filter(|from| !is_told(from)).collect())
    }

    /// The stretches in which something held: `[from, until)`, the last until the end of the run.
    fn stretches(all: &[Self], ended: UnixMs, holds: impl Fn(&Self) -> bool) -> Vec<(UnixMs, UnixMs)> {
        let mut stretches = Vec::new();
        let mut since = None;
        for depths in all {
            match (since, holds(depths)) {
                (None, true) => since = Some(depths.at),
                (Some(from), false) => {
                    stretches.push((from, depths.at));
                    since = None;
                }
                (None, false) | (Some(_), true) => {}
            }
        }
        stretches.extend(since.map(|from| (from, ended)));
        stretches
    }
}

/// By how many more payments were late from each instant on.
fn late(evidence: &Evidence<'_>) -> BTreeMap<UnixMs, i64> {
    let mut rows: BTreeMap<&str, (UnixMs, bool)> = BTreeMap::new();
    let mut late: BTreeMap<UnixMs, i64> = BTreeMap::new();
    for record in &evidence.history.records {
        let Event::Table(TableEvent::LedgerWritten { payment, state, .. }) = &record.event else { continue };
        let is_settled = evidence::is_settled(state);
        let (first, was_settled) = rows.entry(payment).or_insert((record.at, true));
        if is_settled != *was_settled {
            let at = record.at.max(first.plus_ms(DELAYED_MS + 1));
            *late.entry(at).or_default() += if is_settled { -1 } else { 1 };
            *was_settled = is_settled;
        }
    }
    late
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{ORDER, Tale, body};
    use super::*;

    #[test]
    fn messages_are_counted_where_they_are_and_payments_once_they_are_late() {
        let mut tale = Tale::of_one_dead_letter();
        tale.send(&body("order-2", 1_999));
        tale.redrive("m-1", "m-1b");
        tale.wait_ms(DELAYED_MS);
        tale.charge_as_it_should(ORDER);
        tale.delete("m-1b");
        tale.quarantine("m-2", "malformed");
        let depths = Depths::of(&Evidence::of(&tale.told()));
        let counts = depths.iter().map(|it| (it.source, it.dead_letters, it.late)).collect::<Vec<_>>();
        assert_eq!(counts[..4], [(1, 0, 0), (0, 1, 0), (1, 1, 0), (2, 0, 0)]);
        assert!(counts.contains(&(2, 0, 1)), "{counts:?}");
        assert_eq!(counts.last(), Some(&(1, 0, 0)));
        assert_eq!(depths.last().map(|it| it.quarantine), Some(1));
    }
}
