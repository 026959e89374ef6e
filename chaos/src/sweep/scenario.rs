//! What is swept: each kind of message the consumer can get, and each kind of turn the responder can take.
//!
//! Invariant: a scenario without a point added is one in which nothing fails but what it is about.

use crate::experiment::Experiment;
use crate::faults::Window;
use crate::workload::{Pace, Payments, Workload};
use std::path::Path;

/// One small run, to be disturbed at every point.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// Whose invocations are killed: `consumer` or `responder`.
    pub victim: &'static str,
    /// What is sent, one after the other; five good payments when there is nothing.
    bodies: &'static [&'static str],
    /// How they meet.
    pub(super) meeting: Meeting,
    /// The rest of its experiment.
    text: &'static str,
    /// When Stripe falls back, in one way after the other, while the victim is killed.
    pub(super) relapse: Option<Window>,
}

/// How two messages meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meeting {
    /// One is done when the other comes.
    Never,
    /// Two invocations at once, in every order of their effects.
    SideBySide,
}

/// From one message to the next, ms: far enough for the first to be done.
const APART_MS: u64 = 10_000;
/// Far enough for the two to be delivered one by one, and no further.
const BESIDE_MS: u64 = 100;

const GOOD: &str = r#"{"payment_id":"swept","amount":1999,"currency":"eur","payment_method":"pm_card_visa"}"#;
const DEARER: &str =
    r#"{"payment_id":"swept","amount":2999,"currency":"eur","payment_method":"pm_card_visa"}"#;
const DECLINED: &str =
    r#"{"payment_id":"swept","amount":1999,"currency":"eur","payment_method":"pm_card_chargeDeclined"}"#;
const SOFTLY: &str = r#"{"payment_id":"swept","amount":1999,"currency":"eur","payment_method":"pm_card_chargeDeclinedProcessingError"}"#;
const AUTHENTICATION: &str = r#"{"payment_id":"swept","amount":1999,"currency":"eur","payment_method":"pm_card_authenticationRequired"}"#;
const NO_METHOD: &str =
    r#"{"payment_id":"swept","amount":1999,"currency":"eur","payment_method":"pm_card_nobodys"}"#;

/// Long enough for five deliveries of everything.
const OUTAGE: &str = "fault = [{ kind = 'stripe-unavailable', for = '14m', rate = 1.0 }]";
/// A minute and a half after that outage: a canary is under way.
const RELAPSE: Window = Window { from_ms: 15 * 60_000 + 30_000, until_ms: 17 * 60_000 + 30_000 };
const COMMANDS: &str = "
    fault = [{ kind = 'stripe-unavailable', for = '14m', rate = 1.0 }]
    order = [
        { at = '12m', command = 'status' },
        { at = '13m', command = 'pause' },
        { at = '17m', command = 'resume' },
        { at = '18m', command = 'redrive' },
    ]";

/// Every scenario. A drill that succeeds is none: it makes no call, so there is no point to die at.
pub const ALL: [Scenario; 15] = [
    sent("good payment", &[GOOD]),
    sent("declined payment", &[DECLINED]),
    sent("softly declined payment", &[SOFTLY]),
    sent("payment that needs authentication", &[AUTHENTICATION]),
    sent("payment with an unknown method", &[NO_METHOD]),
    sent("repeated payment", &[GOOD, GOOD]),
    sent("conflicting payment", &[GOOD, DEARER]),
    sent("malformed message", &["{"]),
    sent("drill that fails", &["PYMT_FAILED"]),
    Scenario { meeting: Meeting::SideBySide, ..sent("two deliveries of a good payment", &[GOOD, GOOD]) },
    Scenario {
        meeting: Meeting::SideBySide,
        ..sent("two deliveries of a declined payment", &[DECLINED, DECLINED])
    },
    Scenario { meeting: Meeting::SideBySide, ..sent("two payments in conflict", &[GOOD, DEARER]) },
    Scenario { victim: "responder", ..sent("notice of quarantine", &[GOOD, "{"]) },
    Scenario {
        victim: "responder",
        text: OUTAGE,
        relapse: Some(RELAPSE),
        ..sent("outage and recovery", &[])
    },
    Scenario { victim: "responder", text: COMMANDS, ..sent("outage with commands", &[]) },
];

const fn sent(name: &'static str, bodies: &'static [&'static str]) -> Scenario {
    Scenario { name, victim: "consumer", bodies, meeting: Meeting::Never, text: "", relapse: None }
}

impl Scenario {
    /// The scenario undisturbed.
    ///
    /// # Panics
    /// Never: a test keeps every text well formed.
    #[must_use]
    pub fn experiment(&self) -> Experiment {
        let name = self.name.replace(' ', "-");
        let experiment = Experiment::parse(Path::new(&format!("{name}.toml")), self.text);
        let experiment = experiment.expect("every scenario's text is well formed");
        let bodies: Vec<String> = self.bodies.iter().map(ToString::to_string).collect();
        let apart_ms = match self.meeting {
            Meeting::Never => APART_MS,
            Meeting::SideBySide => BESIDE_MS,
        };
        let workload = match bodies.len() as u64 {
            0 => Workload { payments: Payments::Generated(5), pace: Pace::Over { span_ms: 12 * APART_MS } },
            sent => Workload {
                payments: Payments::Bodies(bodies),
                pace: Pace::At((0..sent).map(|number| number * apart_ms).collect()),
            },
        };
        Experiment { title: self.name.to_owned(), workload, ..experiment }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_scenario_is_an_experiment_with_a_name_of_its_own() {
        let names: BTreeSet<String> = ALL.iter().map(|scenario| scenario.experiment().name).collect();
        assert_eq!(names.len(), ALL.len());
    }
}
