//! The system was well before the first fault: what arrived in good time before it was done before it.
//!
//! Without that, whatever the run shows later may have nothing to do with its faults, so the run is inconclusive.
//! Invariant: a run without faults, or with one from the start, has nothing to be judged here.

use super::{Evidence, Meaning, Message, Verdict};
use crate::units::counted;

/// Good time: what a cold start and a paced batch of ten payments take, several times over.
const GOOD_TIME_MS: i64 = 60_000;

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let first_ms = evidence.history.experiment.faults.iter().map(|fault| fault.window.from_ms).min();
    let Some(first_ms) = first_ms.filter(|first_ms| *first_ms > 0) else {
        return Verdict::Pass("no fault to be steady before".to_owned());
    };
    let first_fault = evidence.history.instant(first_ms);
    let in_time = first_fault.plus_ms(-GOOD_TIME_MS);
    // A drill that must fail is never done.
    let counts =
        |message: &&Message<'_>| message.sent.at <= in_time && !matches!(message.meaning, Meaning::Drill(_));
    let early: Vec<&Message<'_>> = evidence.messages.values().filter(counts).collect();
    let late =
        early.iter().filter(|message| message.deleted.is_none_or(|deleted| deleted > first_fault)).count();
    match (late, early.len()) {
        (0, all) => Verdict::Pass(format!("{} done before the first fault", counted(all as u64, "message"))),
        (late, all) => Verdict::Inconclusive(format!(
            "{late} of {all} messages were not done when the first fault began: something else was wrong before"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::Tale;
    use super::*;
    use crate::faults::{Kind, Window};

    #[test]
    fn a_system_that_was_slow_before_its_first_fault_proves_nothing() {
        let verdict = |from_ms| {
            let mut tale = Tale::of_one_good_payment();
            tale.history().sent[0].at = tale.history().began.plus_ms(-GOOD_TIME_MS);
            tale.fault(Kind::StripeUnavailable, Window { from_ms, until_ms: u64::MAX }, 1);
            check(&Evidence::of(&tale.told()))
        };
        assert!(matches!(verdict(5_000), Verdict::Inconclusive(_)));
        assert!(matches!(verdict(60_000), Verdict::Pass(_)));
        assert!(matches!(verdict(0), Verdict::Pass(_)));
    }
}
