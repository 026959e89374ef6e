//! Every configured fault fired. One that did not proved nothing, so the run is inconclusive, never a pass.
//!
//! Invariant: judged from the tallies, which count effects and not intentions.

use super::{Evidence, Verdict};
use crate::faults::Tally;
use crate::units::counted;

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let tallies = &evidence.history.faults;
    let silent: Vec<String> = tallies.iter().filter(|tally| tally.fired == 0).map(silent).collect();
    if !silent.is_empty() {
        return Verdict::Inconclusive(silent.join("; "));
    }
    let fired: Vec<String> = tallies
        .iter()
        .map(|tally| format!("{} {}", tally.fault.kind, counted(tally.fired, "time")))
        .collect();
    Verdict::Pass(if fired.is_empty() { "none configured".to_owned() } else { fired.join(", ") })
}

fn silent(tally: &Tally) -> String {
    match tally.asked {
        0 => format!("{} never fired: nothing happened that it could hit", tally.fault.kind),
        asked => format!("{} never fired, though it could have {asked} times", tally.fault.kind),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::Tale;
    use super::*;
    use crate::faults::{Kind, Window};

    #[test]
    fn a_fault_that_never_fired_leaves_the_run_inconclusive() {
        let mut tale = Tale::of_one_good_payment();
        tale.fault(Kind::StripeUnavailable, Window::ALWAYS, 3);
        tale.fault(Kind::Crash, Window::ALWAYS, 0);
        tale.history().faults[1].asked = 12;
        let why = "crash never fired, though it could have 12 times".to_owned();
        assert_eq!(check(&Evidence::of(&tale.told())), Verdict::Inconclusive(why));
    }
}
