//! Faults that cannot fire, or hardly, whatever the run comes to.
//!
//! Invariant: only what is known before the run is said here; what merely found nothing to hit is said after it.

use super::Experiment;
use crate::faults::{Family, Fault, Kind, When, Window};
use crate::random::Chance;

impl Experiment {
    /// Of each fault that cannot fire, why, in the order of the file.
    pub fn idle(&self) -> impl Iterator<Item = String> {
        self.faults.iter().filter_map(|fault| self.why_idle(fault))
    }

    fn why_idle(&self, fault: &Fault) -> Option<String> {
        let kind = fault.kind;
        if fault.window.length_ms() == 0 {
            return Some(format!("{kind} cannot fire: its time is over before it begins"));
        }
        if is_throughout(fault, Chance::from_ppm(0)) {
            return Some(format!("{kind} cannot fire: its rate is 0"));
        }
        let hider = self.faults.iter().find(|other| hides(other, fault))?.kind;
        // A call that is on its way when the other begins may still be hit.
        Some(format!("{kind} will hardly fire: {hider} prevents every call for as long as it lasts"))
    }
}

/// Whether a fault prevents every call that the other could hit. Kinds are asked in their order, and the first that
/// prevents a call ends the asking.
fn hides(hider: &Fault, hidden: &Fault) -> bool {
    // A poisonous payment kills whoever would call.
    let needs_a_call = hidden.kind.describe().family == Family::Stripe && hidden.kind != Kind::Poison;
    needs_a_call
        && hider.kind < hidden.kind
        && hider.prevents_calls()
        && is_throughout(hider, Chance::ALWAYS)
        && covers(hider.window, hidden.window)
}

/// Whether a fault has this chance and no other.
fn is_throughout(fault: &Fault, chance: Chance) -> bool {
    match &fault.when {
        When::Rate(rate) => rate.typed().iter().all(|typed| *typed == chance),
        When::Nth(_) => false,
    }
}

const fn covers(outer: Window, inner: Window) -> bool {
    outer.from_ms <= inner.from_ms && inner.until_ms <= outer.until_ms
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn idle(text: &str) -> Vec<String> {
        let experiment = Experiment::parse(Path::new("mine.toml"), text).expect("it is good");
        experiment.idle().collect()
    }

    fn beside_an_outage(fault: &str) -> Vec<String> {
        idle(&format!("[[fault]]\nfrom = '30m'\nfor = '30m'\n[[fault]]\n{fault}"))
    }

    #[test]
    fn a_fault_of_calls_inside_a_total_outage_will_hardly_fire() {
        let why = "will hardly fire: stripe-unavailable prevents every call for as long as it lasts";
        for kind in ["declined", "stripe-timeout", "stripe-slow", "processing"] {
            let found = beside_an_outage(&format!("kind = '{kind}'\nfrom = '35m'\nfor = '25m'"));
            assert_eq!(found, [format!("{kind} {why}")]);
        }
    }

    #[test]
    fn a_fault_that_outlasts_the_outage_or_needs_no_call_can_fire() {
        for fault in [
            "kind = 'declined'\nfrom = '35m'\nfor = '26m'",
            "kind = 'declined'\nfrom = '29m'\nfor = '10m'",
            "kind = 'crash'\nfrom = '35m'\nfor = '25m'",
            "kind = 'poison'\nfrom = '35m'\nfor = '25m'",
        ] {
            assert_eq!(beside_an_outage(fault), [""; 0], "{fault}");
        }
        let brownout = "[[fault]]\nrate = 0.99\n[[fault]]\nkind = 'declined'";
        assert_eq!(idle(brownout), [""; 0]);
    }

    #[test]
    fn a_rate_of_0_and_no_time_at_all_are_no_fault() {
        assert_eq!(idle("[[fault]]\nrate = 0"), ["stripe-unavailable cannot fire: its rate is 0"]);
        assert_eq!(
            idle("[[fault]]\nfor = '0s'"),
            ["stripe-unavailable cannot fire: its time is over before it begins"]
        );
        assert_eq!(idle("[[fault]]\nfor = '1m'\nrate = { ramp = [0, 0.1] }"), [""; 0]);
    }
}
