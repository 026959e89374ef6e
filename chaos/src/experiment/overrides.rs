//! What the command line changes about an experiment.
//!
//! Invariant: an experiment that was changed is as complete as one that was read.

use super::typed::FaultArgument;
use super::{DeadLetters, Expect, Experiment};
use crate::faults::{Fault, Kind, Rate, When, Window};
use crate::random::Chance;
use crate::workload::{Pace, Payments, Workload};

/// The window of a fault when the experiment has no outage of its own: after half an hour that must be steady.
const WINDOW: Window = Window { from_ms: 1_800_000, until_ms: 3_600_000 };

/// Changes to an experiment; what is `None` or empty stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Share of calls that fail while Stripe is unavailable.
    pub failure_rate: Option<Chance>,
    /// Ms each outage lasts.
    pub outage_ms: Option<u64>,
    /// Further faults, during the first outage.
    pub faults: Vec<FaultArgument>,
    /// Other payments, sent over the same stretch of time.
    pub payments: Option<Payments>,
}

impl Overrides {
    /// The experiment with these changes. A rate or a length given for an outage makes the experiment one: it gets an
    /// outage if it has none, and must leave dead letters. What its author expected of it holds no longer.
    #[must_use]
    pub fn apply(self, mut experiment: Experiment) -> Experiment {
        if self.failure_rate.is_some() || self.outage_ms.is_some() {
            change_outages(&mut experiment.faults, self.failure_rate, self.outage_ms);
            let dead_letters = DeadLetters::Some;
            experiment.expect = Expect { dead_letters, ..Expect::default() };
        }
        // Whoever adds a fault asks what it does, and dead letters or an alarm may be the answer.
        if !self.faults.is_empty() {
            if experiment.expect.dead_letters == DeadLetters::None {
                experiment.expect.dead_letters = DeadLetters::Any;
            }
            experiment.expect.alarms = None;
        }
        let window = experiment.faults.iter().find(is_outage).map_or(WINDOW, |outage| outage.window);
        let further = self.faults.into_iter().map(|FaultArgument { kind, placement, chance }| Fault {
            placement,
            ..Fault::steady(kind, chance, window)
        });
        experiment.faults.extend(further);
        let changes_number_alone = matches!(self.payments, Some(Payments::Generated(_)));
        if let Some(payments) = self.payments {
            experiment.workload = instead(&experiment.workload, payments);
            // Other payments may need other hands.
            if !changes_number_alone {
                experiment.expect.alarms = None;
            }
        }
        experiment
    }
}

fn change_outages(faults: &mut Vec<Fault>, rate: Option<Chance>, length_ms: Option<u64>) {
    if !faults.iter().any(|fault| is_outage(&fault)) {
        let chance = Kind::StripeUnavailable.default_chance();
        faults.push(Fault::steady(Kind::StripeUnavailable, chance, WINDOW));
    }
    for outage in faults.iter_mut().filter(|fault| is_outage(&&**fault)) {
        if let Some(rate) = rate {
            outage.when = When::Rate(Rate::Steady(rate));
        }
        if let Some(length_ms) = length_ms {
            outage.window.until_ms = outage.window.from_ms.saturating_add(length_ms);
        }
    }
}

fn is_outage(fault: &&Fault) -> bool {
    fault.kind == Kind::StripeUnavailable
}

/// Other payments over the stretch of time that the experiment's own took, so that its faults still meet them.
fn instead(workload: &Workload, payments: Payments) -> Workload {
    let pace = match workload.payments.count() {
        Some(count) => Pace::Over { span_ms: workload.pace.span_ms(count) },
        None => workload.pace.clone(),
    };
    Workload { payments, pace }
}
