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

/// How long further faults outlast the outage they are added to, ms: a call that Stripe does not answer can meet nothing
/// else, a move task starts only when Stripe is back.
const AFTERMATH_MS: u64 = 1_800_000;

/// Changes to an experiment; what is `None` or empty stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Share of calls that fail while Stripe is unavailable.
    pub failure_rate: Option<Chance>,
    /// Ms each outage lasts.
    pub outage_ms: Option<u64>,
    /// Further faults, from the first outage on until half an hour after it: many can do nothing while Stripe is gone.
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
        if let Some(payments) = self.payments {
            experiment.workload = instead(&experiment.workload, payments);
            // Other payments may need other hands, and a handful may meet nothing at all.
            experiment.expect.alarms = None;
        }
        let window = window_of_more(&experiment);
        let further = self.faults.into_iter().map(|FaultArgument { kind, placement, chance }| Fault {
            placement,
            ..Fault::steady(kind, chance, window)
        });
        experiment.faults.extend(further);
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

/// When further faults happen: around the first outage, or in the second half hour, or, of a workload that does not last
/// so long, all the time.
fn window_of_more(experiment: &Experiment) -> Window {
    if let Some(outage) = experiment.faults.iter().find(is_outage) {
        let until_ms = outage.window.until_ms.saturating_add(AFTERMATH_MS);
        return Window { until_ms, ..outage.window };
    }
    let Workload { payments, pace } = &experiment.workload;
    // Of a file it is not known how many there are, only, perhaps, how long they take.
    let span_ms = payments.count().map_or(u64::MAX, |count| pace.span_ms(count));
    if span_ms < WINDOW.until_ms { Window { from_ms: 0, ..WINDOW } } else { WINDOW }
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
