//! As many dead letters as the experiment expects. An outage that should leave some and leaves none tested nothing
//! of what follows one, so it is inconclusive; dead letters where there should be none are a failure.
//!
//! Invariant: a message counts when it was moved, whatever became of it afterwards.

use super::{Evidence, Finding, Verdict};
use crate::experiment::DeadLetters;
use crate::units::counted;

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let dead = evidence.messages.values().filter(|message| message.dead_lettered.is_some()).count();
    match (evidence.history.experiment.expect.dead_letters, dead) {
        (DeadLetters::Some, 0) => Verdict::Inconclusive("some were expected, and there were none".to_owned()),
        (DeadLetters::None, 1..) => Verdict::Fail(vec![Finding::run(format!(
            "none were expected, and there were {}",
            counted(dead as u64, "dead letter")
        ))]),
        (DeadLetters::Some | DeadLetters::None | DeadLetters::Any, _) => {
            Verdict::Pass(counted(dead as u64, "dead letter"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{Tale, body};
    use super::*;

    fn verdict(expected: DeadLetters, dead: u32) -> Verdict {
        let mut tale = Tale::new();
        tale.history().experiment.expect.dead_letters = expected;
        for number in 0..dead {
            let message = tale.send(&body(&format!("order-{number}"), 1999));
            tale.dead_letter(&message);
        }
        check(&Evidence::of(&tale.told()))
    }

    #[test]
    fn dead_letters_where_none_were_expected_fail() {
        assert!(matches!(verdict(DeadLetters::None, 1), Verdict::Fail(_)));
        assert!(matches!(verdict(DeadLetters::None, 0), Verdict::Pass(_)));
    }

    #[test]
    fn an_outage_that_dead_letters_nothing_is_inconclusive() {
        assert!(matches!(verdict(DeadLetters::Some, 0), Verdict::Inconclusive(_)));
        assert!(matches!(verdict(DeadLetters::Some, 2), Verdict::Pass(_)));
        assert!(matches!(verdict(DeadLetters::Any, 0), Verdict::Pass(_)));
    }
}
