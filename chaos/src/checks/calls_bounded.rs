//! Stripe calls per payment are bounded.
//!
//! Without faults a payment that succeeds takes exactly two calls, create and confirm. With faults the honest bound is
//! per delivery: how many deliveries a payment needs depends on how long Stripe is down, but what one of them may call
//! follows from the protocol. A tighter bound would be a guess about retries; a looser one would let a loop pass.
//! Probes and connection warm-ups belong to no payment and are left out.
//! Invariant: every call about a payment counts, answered or not.

use super::evidence::PaymentFile;
use super::{Evidence, Finding, Verdict};
use crate::units::counted;
use payments::limits::CONFLICTS_MAX;

/// Most calls of one delivery: two creates (one stored failure starts a new generation), four confirms (three by soft
/// declines, one after a look-up found the intent unconfirmed), a look-up after each of them, a cancel and its
/// look-up; and a look-up for each ledger race it may lose.
pub const CALLS_PER_DELIVERY_MAX: u64 = 2 + 4 + 4 + 1 + 1 + CONFLICTS_MAX as u64;

/// Create and confirm.
const CALLS_WITHOUT_FAULTS: u64 = 2;

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let findings = evidence.payments.iter().filter_map(|(id, file)| {
        let deliveries: u64 = file.messages.iter().map(|message| evidence.messages[message].receives).sum();
        let calls = file.calls;
        if must_be_exact(evidence, file) && calls != CALLS_WITHOUT_FAULTS {
            return Some(Finding::payment(id, format!("{calls} Stripe calls although nothing went wrong")));
        }
        let over = calls > deliveries * CALLS_PER_DELIVERY_MAX;
        over.then(|| {
            Finding::payment(
                id,
                format!("{calls} Stripe calls, and it was delivered {}", counted(deliveries, "time")),
            )
        })
    });
    Verdict::from_findings(findings.collect(), || most_calls(evidence))
}

/// Nothing was made to go wrong, and no second message of the same payment could get in the way.
fn must_be_exact(evidence: &Evidence<'_>, file: &PaymentFile<'_>) -> bool {
    let succeeded = file.row.is_some_and(|row| row.state == "succeeded");
    succeeded && evidence.history.experiment.faults.is_empty() && file.messages.len() == 1
}

fn most_calls(evidence: &Evidence<'_>) -> String {
    let most = evidence.payments.values().map(|file| file.calls).max().unwrap_or(0);
    format!("at most {} for one payment", counted(most, "call"))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{ORDER, Tale};
    use super::*;
    use crate::faults::{Kind, Window};
    use crate::journal::Operation;

    #[test]
    fn a_third_call_is_too_many_when_nothing_goes_wrong() {
        let mut tale = Tale::of_one_good_payment();
        tale.call(ORDER, Operation::Retrieve, Some(200), None);
        let finding = Finding::payment(ORDER, "3 Stripe calls although nothing went wrong");
        assert_eq!(check(&Evidence::of(&tale.told())), Verdict::Fail(vec![finding]));
    }

    #[test]
    fn a_delivery_that_loops_is_found_in_a_faulty_run_too() {
        let mut tale = Tale::of_one_good_payment();
        tale.fault(Kind::StripeUnavailable, Window::ALWAYS, 1);
        for _ in 2..CALLS_PER_DELIVERY_MAX {
            tale.call(ORDER, Operation::Confirm, Some(503), Some(Kind::StripeUnavailable));
        }
        let verdict = |tale: &mut Tale| check(&Evidence::of(tale.history()));
        assert!(matches!(verdict(&mut tale), Verdict::Pass(_)));
        tale.call(ORDER, Operation::Confirm, None, None);
        let finding = Finding::payment(ORDER, "17 Stripe calls, and it was delivered 1 time");
        assert_eq!(verdict(&mut tale), Verdict::Fail(vec![finding]));
    }

    #[test]
    fn probes_and_warm_ups_belong_to_no_payment() {
        let mut tale = Tale::of_one_good_payment();
        tale.call(ORDER, Operation::Probe, Some(200), None);
        tale.call(ORDER, Operation::Other, Some(404), None);
        assert!(matches!(check(&Evidence::of(&tale.told())), Verdict::Pass(_)));
    }
}
