//! The figures of an edge: who answered those who looked, and what reached the ledger.
//!
//! Invariant: every look is counted once, under whoever answered it.

use crate::checks::Evidence;
use crate::journal::Event;
use crate::journal::Source;
use crate::units::{count, counted, duration_ms, percent};
use serde::Serialize;
use std::collections::BTreeMap;

/// What an edge did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// Looks at payments, good links and bad ones.
    pub looks: u64,
    /// By who answered them.
    pub answered_by: BTreeMap<&'static str, u64>,
    /// Answers that were given although they had to be asked for anew.
    pub stale: u64,
    /// Answers that say that we cannot look.
    pub unavailable: u64,
    /// Longest that anybody waited, ms.
    pub waited_ms_max: u64,
    /// Looks that came past the router: without caches each would have been an invocation and a read.
    pub passed: u64,
    /// Requests that the status function answered.
    pub reads: u64,
}

impl Edge {
    pub(super) fn of(evidence: &Evidence<'_>) -> Option<Self> {
        let seen = evidence.history.edge.as_ref()?;
        let mut edge = Self { looks: seen.looks.len() as u64, ..Self::default() };
        for look in &seen.looks {
            *edge.answered_by.entry(look.from.name()).or_default() += 1;
            edge.stale += u64::from(look.is_stale);
            edge.unavailable += u64::from(look.said.state == "unavailable");
            let waited_ms = u64::try_from(look.answered.since_ms(look.at)).unwrap_or(0);
            edge.waited_ms_max = edge.waited_ms_max.max(waited_ms);
            edge.passed += u64::from(look.from != Source::Function);
        }
        let reads = evidence.history.records.iter().filter(|record| {
            let Event::Edge(event) = &record.event else { return false };
            // What never got there, and what nobody took, was no read.
            event.asked_how_a_payment_stands(record.at).is_some_and(|(_, _, status)| status < 429)
        });
        edge.reads = reads.count() as u64;
        Some(edge)
    }

    /// Who answered.
    pub(super) fn answered(&self) -> String {
        let by = Source::ALL
            .into_iter()
            .filter_map(|source| Some((source, *self.answered_by.get(source.name())?)));
        let by: Vec<String> =
            by.map(|(source, number)| format!("{} by {}", count(number), told(source))).collect();
        format!("{}: {}", counted(self.looks, "look"), by.join(", "))
    }

    /// What that was worth.
    pub(super) fn spared(&self) -> String {
        let each = self.passed.checked_div(self.reads).unwrap_or(self.passed);
        format!(
            "{} answered by the function, for {} past the router: {} each; {} of all stale, {} at most",
            counted(self.reads, "look"),
            count(self.passed),
            counted(each, "look"),
            percent(self.stale, self.looks),
            duration_ms(self.waited_ms_max),
        )
    }
}

const fn told(source: Source) -> &'static str {
    match source {
        Source::Function => "the router",
        Source::Edge => "edges",
        Source::Regional => "regional caches",
        Source::Shield => "the shield",
        Source::Origin => "the function",
        Source::ErrorPage => "the page of trouble",
    }
}
