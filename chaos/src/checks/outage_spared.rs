//! An outage is spared: while Stripe answers nothing at all, a container asks only as often as its breaker lets it.
//!
//! Without one every delivery of every payment asks, and a provider that comes back is met by all of them at once. The
//! bound is the breaker's: the failures that open it, with a batch in flight meanwhile; three probes while its pauses
//! grow, then one in each of the longest pauses.
//! Invariant: only stretches in which a fault takes every call of everybody count; the responder's probes do not, nor
//! does a call whose delivery died of the answer: no breaker was told of it.

use super::{Evidence, Finding, Verdict};
use crate::faults::{Fault, Kind, Window};
use crate::journal::{Event, FaultFired, FunctionEvent, StripeEvent};
use crate::units::counted;
use payments::limits::{BATCH_SIZE, BREAKER_FAILURES, BREAKER_OPEN_MS_MAX};
use std::collections::BTreeMap;

/// Probes until the breaker's pauses are at their longest.
const PROBES: u64 = 3;

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let history = evidence.history;
    let outages: Vec<Window> = history.experiment.faults.iter().filter_map(outage).collect();
    let mut containers: BTreeMap<&str, (&str, u64)> = BTreeMap::new();
    let mut calls: BTreeMap<(usize, &str, u64), u64> = BTreeMap::new();
    for (index, record) in history.records.iter().enumerate() {
        if let Event::Function(FunctionEvent::Invoked { function, container, request, .. }) = &record.event {
            containers.insert(request, (function, *container));
        } else if let Event::Stripe(StripeEvent::Called { request, fault: Some(fault), .. }) = &record.event
            && *fault == Kind::StripeUnavailable
            && !history.records.get(index + 1).is_some_and(|next| panicked(&next.event))
            && let Some((function, container)) = containers.get(request.as_str())
            && history.alerted.responder.as_deref() != Some(*function)
        {
            let at_ms = u64::try_from(record.at.since_ms(history.began)).unwrap_or(0);
            if let Some(outage) = outages.iter().position(|outage| outage.contains(at_ms)) {
                *calls.entry((outage, *function, *container)).or_default() += 1;
            }
        }
    }
    let over = calls.iter().filter_map(|((outage, _, container), calls)| {
        let bound = bound(outages[*outage]);
        (*calls > bound).then(|| {
            let what = format!(
                "container {container} asked a dead Stripe {calls} times; its breaker permits {bound}"
            );
            Finding::run(what)
        })
    });
    Verdict::from_findings(over.collect(), || match calls.values().max() {
        None => "Stripe was never gone altogether".to_owned(),
        Some(most) => format!("at most {} to a dead Stripe by one container", counted(*most, "call")),
    })
}

/// When this fault takes every call of everybody.
fn outage(fault: &Fault) -> Option<Window> {
    let is_total = fault.kind == Kind::StripeUnavailable
        && fault.prevents_calls()
        && fault.ppm_at(fault.window.from_ms) == 1_000_000
        && fault.ppm_at(fault.window.until_ms.saturating_sub(1)) == 1_000_000;
    is_total.then_some(fault.window)
}

/// Whether the answer that came just before was the delivery's death.
fn panicked(next: &Event) -> bool {
    matches!(next, Event::Fault(FaultFired { fault, .. }) if *fault == Kind::Panic)
}

fn bound(outage: Window) -> u64 {
    let longest_ms = BREAKER_OPEN_MS_MAX.unsigned_abs();
    u64::from(BREAKER_FAILURES + BATCH_SIZE) + PROBES + outage.length_ms() / longest_ms
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{ORDER, RESPONDER, Tale};
    use super::*;
    use crate::faults::Placement;
    use crate::journal::Operation;

    /// So many calls, two seconds apart, by one container of this function, in an outage of half an hour.
    fn asked(function: &str, times: usize) -> Verdict {
        check(&Evidence::of(&tale_of(function, times, false).told()))
    }

    fn tale_of(function: &str, times: usize, dies: bool) -> Tale {
        let mut tale = Tale::new();
        tale.fault(Kind::StripeUnavailable, Window { from_ms: 0, until_ms: 1_800_000 }, 1);
        tale.happen(FunctionEvent::Invoked {
            function: function.to_owned(),
            container: 3,
            request: "request-1".to_owned(),
            messages: vec![],
        });
        for _ in 0..times {
            tale.call(ORDER, Operation::Create, Some(503), Some(Kind::StripeUnavailable));
            if dies {
                let (fault, on) = (Kind::Panic, format!("create {ORDER}"));
                tale.happen(FaultFired { fault, placement: Some(Placement::After), on });
            }
        }
        tale
    }

    #[test]
    fn an_answer_that_its_delivery_died_of_reaches_no_breaker() {
        assert!(matches!(check(&Evidence::of(&tale_of("Consumer", 100, true).told())), Verdict::Pass(_)));
    }

    #[test]
    fn a_container_that_goes_on_asking_a_dead_stripe_is_found() {
        assert!(matches!(asked("Consumer", 33), Verdict::Pass(_)));
        let what = "container 3 asked a dead Stripe 34 times; its breaker permits 33";
        assert_eq!(asked("Consumer", 34), Verdict::Fail(vec![Finding::run(what)]));
    }

    #[test]
    fn the_responder_may_probe_as_it_likes() {
        assert!(matches!(asked(RESPONDER, 100), Verdict::Pass(_)));
    }

    #[test]
    fn an_outage_of_a_part_is_none() {
        let mut tale = Tale::new();
        tale.fault(Kind::StripeUnavailable, Window { from_ms: 0, until_ms: 1_800_000 }, 1);
        let fault = &mut tale.history().experiment.faults[0];
        assert!(outage(fault).is_some());
        fault.scope.operations.insert("confirm".to_owned());
        assert!(outage(fault).is_none());
    }
}
