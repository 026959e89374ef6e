//! Nothing is redriven into a dead provider: when a move task starts, fewer than half of the calls fail, or a human has
//! ordered it.
//!
//! Invariant: what counts is what the experiment did to Stripe at that instant, not what anybody could see of it.

use super::{Evidence, Finding, Verdict};
use crate::experiment::Order;
use crate::faults::Fault;
use crate::journal::{Event, MoveTaskEvent};
use crate::units::{counted, duration_ms};
use payments::limits::TURN_S_MAX;

/// Share of failing calls, parts per million, from which the provider counts as dead.
pub(super) const DEAD_PPM: u64 = 500_000;
/// How long an order may take to be carried out, ms.
const TURN_MS: u64 = TURN_S_MAX as u64 * 1_000;

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let history = evidence.history;
    let mut tasks = 0_u64;
    let mut findings = Vec::new();
    for record in &history.records {
        if let Event::MoveTask(MoveTaskEvent::Started { to_move, .. }) = &record.event {
            tasks += 1;
            let at_ms = u64::try_from(record.at.since_ms(history.began)).unwrap_or(0);
            let failing = failing_ppm(&history.experiment.faults, at_ms);
            if failing >= DEAD_PPM && !is_ordered(&history.given, at_ms) {
                findings.push(Finding::run(format!(
                    "{} were redriven {} after the beginning, while {} % of the calls to Stripe failed",
                    counted(*to_move, "message"),
                    duration_ms(at_ms),
                    failing / 10_000,
                )));
            }
        }
    }
    Verdict::from_findings(findings, || counted(tasks, "move task"))
}

/// Whether somebody ordered it a turn ago at most.
pub(super) fn is_ordered(orders: &[Order], at_ms: u64) -> bool {
    let mut redrives = orders.iter().filter(|order| order.command == "redrive");
    redrives.any(|order| (order.at_ms..=order.at_ms + TURN_MS).contains(&at_ms))
}

/// Share of calls that fail at this instant, parts per million: each fault takes its share of what the others leave.
pub(super) fn failing_ppm(faults: &[Fault], at_ms: u64) -> u64 {
    let preventing = faults.iter().filter(|fault| fault.prevents_calls());
    let left = preventing
        .fold(1_000_000, |left, fault| left * (1_000_000 - u64::from(fault.ppm_at(at_ms))) / 1_000_000);
    1_000_000 - left
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::Tale;
    use super::*;
    use crate::faults::{Kind, Rate, When, Window};
    use crate::random::Chance;

    fn redriven(share: f64) -> Verdict {
        let mut tale = Tale::of_one_dead_letter();
        tale.fault(Kind::StripeUnavailable, Window { from_ms: 0, until_ms: 60_000 }, 1);
        let chance = Chance::from_share(share).unwrap();
        tale.history().experiment.faults[0].when = When::Rate(Rate::Steady(chance));
        tale.start_move_task();
        check(&Evidence::of(&tale.told()))
    }

    #[test]
    fn a_task_that_starts_while_half_of_the_calls_fail_is_found() {
        assert!(matches!(redriven(0.5), Verdict::Fail(_)));
        assert!(matches!(redriven(0.49), Verdict::Pass(_)));
    }

    #[test]
    fn a_human_may_order_it_all_the_same_and_answers_for_that_one_alone() {
        let ordered = |wait_ms| {
            let mut tale = Tale::of_one_dead_letter();
            tale.fault(Kind::StripeUnavailable, Window { from_ms: 0, until_ms: 3_600_000 }, 1);
            tale.wait_ms(wait_ms);
            tale.start_move_task();
            let order = Order { at_ms: 5_000, command: "redrive".to_owned(), with: [].into() };
            tale.history().given.push(order);
            check(&Evidence::of(&tale.told()))
        };
        assert!(matches!(ordered(2_000), Verdict::Pass(_)));
        assert!(matches!(ordered(90_000), Verdict::Fail(_)));
    }

    #[test]
    fn two_faults_together_can_make_a_provider_dead() {
        let window = Window { from_ms: 0, until_ms: 10 };
        let fault = |kind, share| Fault::steady(kind, Chance::from_share(share).unwrap(), window);
        let both = [fault(Kind::StripeUnavailable, 0.5), fault(Kind::StripeTimeout, 0.34)];
        assert_eq!(failing_ppm(&both, 5), 670_000);
        assert_eq!(failing_ppm(&both, 10), 0);
    }
}
