//! What is shrunk: messages with their instants, and faults of which each fires once.
//!
//! Invariant: leaving out a message moves no other, and leaves out the faults that were aimed at it alone.

use crate::experiment::Experiment;
use crate::faults::{Fault, When, Window};
use crate::workload::{Arrival, Pace, Payments, Workload};

#[derive(Clone, Debug)]
pub(super) struct Case {
    /// The experiment, but for workload and faults.
    pub(super) base: Experiment,
    pub(super) seed: u64,
    pub(super) arrivals: Vec<Arrival>,
    pub(super) parts: Vec<Fault>,
}

impl Case {
    /// The experiment, with faults joined that differ in their turn alone.
    pub(super) fn experiment(&self) -> Experiment {
        let bodies = self.arrivals.iter().map(|arrival| arrival.body.clone()).collect();
        let times = self.arrivals.iter().map(|arrival| arrival.at_ms).collect();
        Experiment {
            workload: Workload { payments: Payments::Bodies(bodies), pace: Pace::At(times) },
            faults: self.parts.iter().fold(Vec::new(), joined),
            seed: Some(self.seed),
            ..self.base.clone()
        }
    }

    pub(super) fn with(&self, parts: &[Fault]) -> Self {
        Self { parts: parts.to_vec(), ..self.clone() }
    }

    /// With these messages alone, and without the faults that were aimed at others.
    pub(super) fn sending(&self, arrivals: &[Arrival]) -> Self {
        let sent = |payment: &String| arrivals.iter().any(|arrival| asks_for(&arrival.body, payment));
        let aimed = |part: &&Fault| part.scope.payments.is_empty() || part.scope.payments.iter().any(sent);
        let parts = self.parts.iter().filter(aimed).cloned().collect();
        Self { arrivals: arrivals.to_vec(), parts, ..self.clone() }
    }

    pub(super) fn with_window(&self, part: usize, window: Window) -> Self {
        let mut case = self.clone();
        case.parts[part].window = window;
        case
    }

    /// Everything is sent as the run begins.
    pub(super) fn at_once(&self) -> Self {
        let arrivals = self.arrivals.iter().map(|arrival| Arrival { at_ms: 0, ..arrival.clone() });
        Self { arrivals: arrivals.collect(), ..self.clone() }
    }

    /// Excused from nothing.
    pub(super) fn held_to_everything(&self) -> Self {
        let mut case = self.clone();
        case.base.expect.excused.clear();
        case
    }
}

/// Whether a message speaks of a payment, be it a good message or not.
pub(super) fn asks_for(body: &str, payment: &str) -> bool {
    body.contains(&format!("\"{payment}\""))
}

/// Adds a fault to those in front of it: to the one that differs in its turn alone, if there is one.
fn joined(mut faults: Vec<Fault>, part: &Fault) -> Vec<Fault> {
    if let When::Nth(nth) = &part.when {
        let alike = |fault: &Fault| {
            matches!(fault.when, When::Nth(_)) && Fault { when: part.when.clone(), ..fault.clone() } == *part
        };
        if let Some(Fault { when: When::Nth(joined), .. }) = faults.iter_mut().find(|fault| alike(fault)) {
            joined.extend(nth);
            return faults;
        }
    }
    faults.push(part.clone());
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::Kind;
    use crate::random::Chance;
    use std::path::Path;

    fn counted(payment: &str, nth: u64) -> Fault {
        let mut fault = Fault::steady(Kind::StripeLostAnswer, Chance::ALWAYS, Window::ALWAYS);
        fault.when = When::Nth([nth].into());
        fault.scope.payments = [payment.to_owned()].into();
        fault
    }

    fn case() -> Case {
        let base = Experiment::parse(Path::new("case.toml"), "").expect("an empty file is an experiment");
        let arrival = |at_ms, id: &str| Arrival { at_ms, body: format!(r#"{{"payment_id":"{id}"}}"#) };
        let parts = vec![counted("a", 1), counted("b", 2), counted("a", 3)];
        Case { base, seed: 7, arrivals: vec![arrival(10, "a"), arrival(20, "b")], parts }
    }

    #[test]
    fn firings_of_one_fault_are_written_as_one() {
        let faults = case().experiment().faults;
        assert_eq!(faults.len(), 2);
        assert_eq!(faults[0].when, When::Nth([1, 3].into()));
    }

    #[test]
    fn a_message_that_is_left_out_takes_its_faults_with_it_and_moves_no_other() {
        let case = case();
        let without = case.sending(&case.arrivals[1..]).experiment();
        assert_eq!(without.faults, [counted("b", 2)]);
        assert_eq!(without.workload.pace, Pace::At(vec![20]));
    }
}
