//! A suspicion costs a call a minute: while Stripe refuses everybody's call alike, a container asks once a minute, for
//! all of its payments together.
//!
//! Without it every delivery of every payment asks, for as long as nobody mends what is ours.
//! Invariant: only calls count that a fault of everybody refused; refusals of our credentials are the breaker's.

use super::{Evidence, Finding, Verdict};
use crate::faults::{Fault, Kind};
use crate::journal::{Event, FunctionEvent, Operation, StripeEvent};
use crate::units::counted;
use payments::limits::{ALIKE_MIN, BATCH_SIZE, SUSPICION_PROBE_MS};
use std::collections::BTreeMap;

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let history = evidence.history;
    let mut containers: BTreeMap<&str, (&str, u64)> = BTreeMap::new();
    let mut calls: BTreeMap<(usize, Operation, &str, u64), u64> = BTreeMap::new();
    for record in &history.records {
        let at_ms = u64::try_from(record.at.since_ms(history.began)).unwrap_or(0);
        if let Event::Function(FunctionEvent::Invoked { function, container, request, .. }) = &record.event {
            containers.insert(request, (function, *container));
        } else if let Event::Stripe(StripeEvent::Called { request, operation, status, fault, .. }) =
            &record.event
            && *fault == Some(Kind::StripeRefusing)
            && matches!(status, Some(400 | 402 | 404))
            && let Some((function, container)) = containers.get(request.as_str())
            && history.alerted.responder.as_deref() != Some(*function)
            && let Some(fault) =
                history.experiment.faults.iter().position(|fault| refuses(fault, *operation, at_ms))
        {
            *calls.entry((fault, *operation, *function, *container)).or_default() += 1;
        }
    }
    let over = calls.iter().filter_map(|((fault, operation, _, container), calls)| {
        let bound = bound(&history.experiment.faults[*fault]);
        (*calls > bound).then(|| {
            let what = format!(
                "container {container} had {calls} {operation}s refused; once a minute makes {bound}"
            );
            Finding::run(what)
        })
    });
    Verdict::from_findings(over.collect(), || match calls.values().max() {
        None => "nobody was refused for what is ours".to_owned(),
        Some(most) => format!("at most {} by one container while all were refused", counted(*most, "call")),
    })
}

/// Whether it refuses everybody's call of this kind at this instant.
fn refuses(fault: &Fault, operation: Operation, at_ms: u64) -> bool {
    let reaches = fault.scope.operations.is_empty() || fault.scope.operations.contains(operation.name());
    fault.kind == Kind::StripeRefusing
        && reaches
        && fault.scope.payments.is_empty()
        && fault.ppm_at(at_ms) == 1_000_000
}

/// Those under way when the suspicion arose, and one in each minute.
fn bound(fault: &Fault) -> u64 {
    let minutes = fault.window.length_ms() / SUSPICION_PROBE_MS.unsigned_abs();
    u64::from(BATCH_SIZE) + ALIKE_MIN as u64 + 1 + minutes
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{ORDER, RESPONDER, Tale};
    use super::*;
    use crate::faults::Window;

    /// So many confirms by one container of this function, refused with this status, in half an hour.
    fn refused(function: &str, status: u16, times: usize) -> Verdict {
        let mut tale = Tale::new();
        tale.fault(Kind::StripeRefusing, Window { from_ms: 0, until_ms: 1_800_000 }, 1);
        tale.happen(FunctionEvent::Invoked {
            function: function.to_owned(),
            container: 3,
            request: "request-1".to_owned(),
            messages: vec![],
        });
        for _ in 0..times {
            tale.call(ORDER, Operation::Confirm, Some(status), Some(Kind::StripeRefusing));
        }
        check(&Evidence::of(&tale.told()))
    }

    #[test]
    fn a_container_that_goes_on_asking_is_found() {
        assert!(matches!(refused("Consumer", 400, 44), Verdict::Pass(_)));
        let what = "container 3 had 45 confirms refused; once a minute makes 44";
        assert_eq!(refused("Consumer", 400, 45), Verdict::Fail(vec![Finding::run(what)]));
    }

    #[test]
    fn the_responder_and_refused_credentials_are_not_counted() {
        assert!(matches!(refused(RESPONDER, 400, 100), Verdict::Pass(_)));
        assert!(matches!(refused("Consumer", 403, 100), Verdict::Pass(_)));
    }
}
