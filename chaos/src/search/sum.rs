//! What many seeds came to, as a file, and the files of several machines put together.
//!
//! Invariant: seeds that were run apart come to what they would have come to together.

use super::{Coverage, Found};
use crate::checks::Outcome;
use crate::report::Paint;
use crate::units::{count, counted, duration_ms};
use crate::violation::Violation;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the seeds of one or several ranges came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sum {
    /// Seeds that were run, in ranges that do not touch.
    pub seeds: Vec<Range>,
    /// Simulated time, ms.
    pub simulated_ms: u64,
    /// The gravest violation of each seed that has one, in the order of the seeds.
    pub violations: Vec<Violated>,
    /// What was hit, and in which state.
    pub coverage: Coverage,
}

/// Seeds, the last included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
}

/// A seed that violates something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Violated {
    /// The seed.
    pub seed: u64,
    /// The gravest check that failed.
    pub check: String,
    /// Whether it is about safety or about liveness.
    pub outcome: Outcome,
}

/// Why two sums are not put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("seed {0} is in two of them; accepted: summaries of different seeds")]
pub struct Twice(pub u64);

impl Sum {
    /// Adds what the next seed came to.
    pub fn add(&mut self, found: &Found) {
        let Found { seed, coverage, simulated_ms, violation } = found;
        self.append(Range { first: *seed, last: *seed });
        self.simulated_ms += simulated_ms;
        self.coverage.add(coverage);
        self.violations.extend(violation.as_ref().map(|Violation { check, outcome, .. }| Violated {
            seed: *seed,
            check: check.name().to_owned(),
            outcome: *outcome,
        }));
    }

    /// Puts another sum beside this one.
    ///
    /// # Errors
    /// A seed that both have run.
    pub fn merge(&mut self, other: &Self) -> Result<(), Twice> {
        let mut all: Vec<Range> = self.seeds.iter().chain(&other.seeds).copied().collect();
        all.sort_unstable();
        let twice = all.windows(2).find(|pair| pair[1].first <= pair[0].last);
        if let Some(pair) = twice {
            return Err(Twice(pair[1].first));
        }
        self.seeds.clear();
        all.into_iter().for_each(|range| self.append(range));
        self.simulated_ms += other.simulated_ms;
        self.coverage.add(&other.coverage);
        self.violations.extend(other.violations.iter().cloned());
        self.violations.sort_unstable();
        Ok(())
    }

    /// A range after those that are there, joined to the last if it touches it.
    fn append(&mut self, range: Range) {
        match self.seeds.last_mut() {
            Some(last) if last.last.checked_add(1) == Some(range.first) => last.last = range.last,
            Some(_) | None => self.seeds.push(range),
        }
    }

    /// How many seeds there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.seeds.iter().map(|range| (range.last - range.first).saturating_add(1)).sum()
    }

    /// Of safety and liveness, safety is the graver.
    #[must_use]
    pub fn worst(&self) -> Option<Outcome> {
        let outcomes = || self.violations.iter().map(|violated| violated.outcome);
        outcomes().find(|outcome| *outcome == Outcome::Unsafe).or_else(|| outcomes().next())
    }

    /// What was covered, how much was violated, and which checks.
    #[must_use]
    pub fn told(&self, paint: Paint) -> String {
        let violations = counted(self.violations.len() as u64, "violation");
        let verdict = paint.bold(&format!("{}, {violations}", counted(self.count(), "seed")));
        let mut checks: BTreeMap<&str, u64> = BTreeMap::new();
        for violated in &self.violations {
            *checks.entry(&violated.check).or_default() += 1;
        }
        let of = |(check, times): (&&str, &u64)| format!("  {check}: {}\n", counted(*times, "seed"));
        let checks: String = checks.iter().map(of).collect();
        let (table, simulated) = (self.coverage.table(paint), duration_ms(self.simulated_ms));
        format!("\n{table}\n{verdict}; {simulated} simulated\n{checks}")
    }

    /// The ranges, as one reads them.
    #[must_use]
    pub fn ranges(&self) -> String {
        let range = |Range { first, last }: &Range| format!("{} to {}", count(*first), count(*last));
        self.seeds.iter().map(range).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promises::Check;

    fn found(seed: u64, violates: Option<(Check, Outcome)>) -> Found {
        let violation = violates.map(|(check, outcome)| Violation { check, outcome, story: String::new() });
        Found { seed, coverage: Coverage::default(), simulated_ms: 1_000 + seed, violation }
    }

    fn sum(seeds: std::ops::RangeInclusive<u64>) -> Sum {
        let mut sum = Sum::default();
        for seed in seeds {
            let violates = match seed {
                3 => Some((Check::Drained, Outcome::Stuck)),
                7 => Some((Check::NothingLost, Outcome::Unsafe)),
                _ => None,
            };
            sum.add(&found(seed, violates));
        }
        sum
    }

    #[test]
    fn seeds_that_were_run_apart_come_to_what_they_come_to_together() {
        let mut apart = sum(5..=9);
        apart.merge(&sum(1..=4)).expect("other seeds");
        assert_eq!(apart, sum(1..=9));
        assert_eq!((apart.count(), apart.worst()), (9, Some(Outcome::Unsafe)));
        let text = serde_json::to_string(&apart).expect("it is JSON");
        assert_eq!(serde_json::from_str::<Sum>(&text).expect("it is its own"), apart);
    }

    #[test]
    fn a_gap_stays_one_and_an_overlap_is_refused() {
        let mut apart = sum(1..=2);
        apart.merge(&sum(8..=9)).expect("other seeds");
        assert_eq!((apart.ranges().as_str(), apart.count(), apart.worst()), ("1 to 2, 8 to 9", 4, None));
        assert_eq!(apart.merge(&sum(2..=3)), Err(Twice(2)));
        assert_eq!(apart.merge(&sum(3..=3)).map(|()| apart.worst()), Ok(Some(Outcome::Stuck)));
    }
}
