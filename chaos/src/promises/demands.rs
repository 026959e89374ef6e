//! What is demanded of a run whatever was drawn for it.
//!
//! Safety always is. A promise about time is, unless a fault was drawn that takes its ground away: nobody is told in time
//! by a responder whose wake-ups are lost.
//! Invariant: every check of liveness has one row here; a test keeps it so.

use super::Check;
use crate::faults::{Fault, Kind, Placement};
use std::collections::BTreeSet;

/// When a check of liveness is demanded.
#[derive(Clone, Copy, Debug)]
pub struct Demand {
    /// Which.
    pub check: Check,
    /// What excuses a run from it.
    pub unless: Unless,
    /// Why.
    pub why: &'static str,
}

/// What excuses a run from a check.
#[derive(Clone, Copy, Debug)]
pub enum Unless {
    /// Nothing.
    Nothing,
    /// A fault of which this is true.
    Fault(fn(&Fault) -> bool),
    /// That nobody thought the experiment up.
    Drawn,
}

/// Every check of liveness.
pub const DEMANDS: [Demand; 23] = [
    Demand {
        check: Check::OneMoveTaskAtATime,
        unless: Unless::Fault(|fault| hits_responder(fault) || fault.kind == Kind::MoveTaskMisses),
        why: "a turn that dies after it asked for a task has not noted it, and two turns at once may both ask",
    },
    Demand {
        check: Check::AlarmsAsExpected,
        unless: Unless::Drawn,
        why: "which alarms sound depends on rates and lengths that nobody chose; drills prove each alarm",
    },
    Demand {
        check: Check::ToldInTime,
        unless: Unless::Fault(hits_responder),
        why: "a turn that is lost, dies or cannot publish tells a minute later, several of them later still",
    },
    Demand { check: Check::ToldWhenOurs, unless: Unless::Fault(hits_responder), why: "the same" },
    Demand { check: Check::BacklogTold, unless: Unless::Fault(hits_responder), why: "the same" },
    Demand { check: Check::StrandedTold, unless: Unless::Fault(hits_responder), why: "the same" },
    Demand { check: Check::WarnedInTime, unless: Unless::Fault(hits_responder), why: "the same" },
    Demand {
        check: Check::MovesSpared,
        unless: Unless::Fault(hits_responder),
        why: "whoever was not there to see it canceled nothing",
    },
    Demand {
        check: Check::ResolvedWhenOver,
        unless: Unless::Nothing,
        why: "whatever fails, a turn says so only after it looked",
    },
    Demand {
        check: Check::OneMailPerTransition,
        unless: Unless::Fault(|fault| {
            fault.kind == Kind::LedgerLostAnswer
                || fault.kind == Kind::LedgerThrottled
                || (fault.kind == Kind::SnsFailing && fault.placement == Some(Placement::After))
        }),
        why: "a mail whose sending could not be noted is sent again",
    },
    Demand {
        check: Check::OutcomesTold,
        unless: Unless::Nothing,
        why: "a pipe tries again, soon after the bus takes events again",
    },
    Demand {
        check: Check::LooksAnswered,
        unless: Unless::Nothing,
        why: "whoever has a copy gives it, and whoever has none says so when it has waited long enough",
    },
    Demand {
        check: Check::LooksCurrent,
        unless: Unless::Nothing,
        why: "what hides how it stands is in trouble, and that is taken into account",
    },
    Demand {
        check: Check::LooksSpared,
        unless: Unless::Nothing,
        why: "the caches in front of the ledger do not depend on it",
    },
    Demand {
        check: Check::CallsBounded,
        unless: Unless::Nothing,
        why: "what one delivery may call, no fault changes",
    },
    Demand {
        check: Check::OneIntentPerGeneration,
        unless: Unless::Nothing,
        why: "a key makes one intent, whatever becomes of the answer",
    },
    Demand { check: Check::NothingDenied, unless: Unless::Nothing, why: "no fault takes a permission away" },
    Demand {
        check: Check::OutageSpared,
        unless: Unless::Nothing,
        why: "a breaker counts what fails, whatever else does",
    },
    Demand {
        check: Check::SuspicionSpared,
        unless: Unless::Fault(|fault| fault.kind == Kind::Panic && fault.placement == Some(Placement::After)),
        why: "a delivery that panics at an answer remembers nothing of it; else a container remembers what it met",
    },
    Demand { check: Check::SteadyBefore, unless: Unless::Drawn, why: "a swarm may begin at once" },
    Demand {
        check: Check::FaultsFired,
        unless: Unless::Drawn,
        why: "a fault that is drawn may have nothing to hit",
    },
    Demand { check: Check::DeadLettersAsExpected, unless: Unless::Drawn, why: "nobody expects a number" },
    Demand {
        check: Check::Drained,
        unless: Unless::Nothing,
        why: "every fault ends, and everything must come to rest after it",
    },
];

/// The checks that a run with these faults is excused from.
#[must_use]
pub fn excused(faults: &[Fault]) -> BTreeSet<Check> {
    let is_excused = |demand: &&Demand| match demand.unless {
        Unless::Nothing => false,
        Unless::Fault(excuses) => faults.iter().any(excuses),
        Unless::Drawn => true,
    };
    DEMANDS.iter().filter(is_excused).map(|demand| demand.check).collect()
}

/// Whether a turn of the responder may be lost, doubled, killed or hindered by it.
fn hits_responder(fault: &Fault) -> bool {
    let may =
        |operation: &str| fault.scope.operations.is_empty() || fault.scope.operations.contains(operation);
    match fault.kind {
        Kind::Crash | Kind::FunctionTimeout | Kind::OutOfMemory | Kind::SlowStart => may("responder"),
        Kind::FunctionThrottled | Kind::ProcessStopped | Kind::OutputBlocked => may("responder"),
        Kind::ConnectionRefused => may("responder"),
        Kind::LedgerThrottled
        | Kind::LedgerLostAnswer
        | Kind::EventLost
        | Kind::EventTwice
        | Kind::SnsFailing
        | Kind::SqsFailing
        | Kind::SecretsFailing
        | Kind::CloudWatchFailing => true,
        Kind::StripeUnavailable
        | Kind::StripeTimeout
        | Kind::StripeReset
        | Kind::StripeThrottled
        | Kind::StripeUnauthorized
        | Kind::StripeRefusing
        | Kind::StripeOtherAccount
        | Kind::StripeLockTimeout
        | Kind::StripeConflict
        | Kind::StripeServerError
        | Kind::StripeGarbage
        | Kind::StripeLostAnswer
        | Kind::StripeSlow
        | Kind::Declined
        | Kind::DeclinedSoftly
        | Kind::AuthenticationRequired
        | Kind::Processing
        | Kind::Prefetched
        | Kind::StripeStale
        | Kind::Held
        | Kind::Poison
        | Kind::Malformed
        | Kind::Oversized
        | Kind::Repeated
        | Kind::Conflicting
        | Kind::BusFailing
        | Kind::StatusUnavailable
        | Kind::StatusHanging
        | Kind::StatusThrottled
        | Kind::CopiesEvicted
        | Kind::GatewayFailing
        | Kind::KeysUnreadable
        | Kind::EventsLost
        | Kind::EventsLate
        | Kind::EventsTwice
        | Kind::EventsReordered
        | Kind::EventsForged
        | Kind::Panic
        | Kind::DuplicateDelivery
        | Kind::ReorderedDelivery
        | Kind::Redelivered
        | Kind::VisibilityRefused
        | Kind::SecretRotated
        | Kind::Unsubscribed
        | Kind::MappingDisabled
        | Kind::MessagePurged
        | Kind::MetricsLate
        | Kind::AlarmMuted
        | Kind::MoveTaskMisses
        | Kind::IndexBehind
        | Kind::CountsBehind
        | Kind::ShortReceive => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::Window;
    use crate::random::Chance;

    #[test]
    fn every_check_of_liveness_has_its_row() {
        let rows = DEMANDS.iter().map(|demand| demand.check);
        assert_eq!(rows.collect::<BTreeSet<_>>(), Check::of_liveness().collect());
    }

    #[test]
    fn a_crash_of_the_consumer_is_no_excuse_for_telling_late() {
        let mut crash = Fault::steady(Kind::Crash, Chance::ALWAYS, Window::ALWAYS);
        assert!(excused(&[crash.clone()]).contains(&Check::ToldInTime));
        crash.scope.operations = ["consumer".to_owned()].into();
        assert!(!excused(&[crash]).contains(&Check::ToldInTime));
    }
}
