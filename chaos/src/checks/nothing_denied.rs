//! Nothing denied: whatever the stack does, its policies allow.
//!
//! On AWS a missing permission is found by the first outage that needs it. What was refused may have been retried, put
//! off or given up in silence, so the effects are other checks' business; that it was refused is enough here.
//! Invariant: every refusal counts, once for each permission that is missing.

use super::{Evidence, Finding, Verdict};
use crate::journal::{AccessDenied, Event};
use crate::units::counted;
use std::collections::BTreeMap;

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let mut missing: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
    for record in &evidence.history.records {
        if let Event::Access(AccessDenied { who, action, resource }) = &record.event {
            *missing.entry((who, action, resource)).or_default() += 1;
        }
    }
    let findings = missing.into_iter().map(|((who, action, resource), times)| {
        Finding::run(format!("{who} may not {action} on {resource}: refused {}", counted(times, "time")))
    });
    let needed = evidence.history.grants.len() as u64;
    Verdict::from_findings(findings.collect(), || {
        format!("{} needed, none missing", counted(needed, "grant"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::Tale;
    use super::*;

    #[test]
    fn a_service_that_is_refused_counts_like_a_function() {
        for who in ["a session of Consumer", "events.amazonaws.com"] {
            let mut tale = Tale::new();
            let (action, resource) = ("lambda:InvokeFunction".to_owned(), "Responder".to_owned());
            tale.happen(AccessDenied { who: who.to_owned(), action, resource });
            assert_eq!(tale.found_by(check).len(), 1, "{who}");
        }
    }

    #[test]
    fn a_refusal_is_found_and_counted_once_for_each_permission() {
        let mut tale = Tale::of_one_good_payment();
        for action in ["sqs:SendMessage", "sqs:SendMessage", "sns:Publish"] {
            let (who, resource) = ("a session".to_owned(), "a queue".to_owned());
            tale.happen(AccessDenied { who, action: action.to_owned(), resource });
        }
        let Verdict::Fail(findings) = check(&Evidence::of(&tale.told())) else { panic!("it must fail") };
        let said: Vec<&str> = findings.iter().map(|finding| finding.what.as_str()).collect();
        assert_eq!(
            said,
            [
                "a session may not sns:Publish on a queue: refused 1 time",
                "a session may not sqs:SendMessage on a queue: refused 2 times"
            ]
        );
    }
}
