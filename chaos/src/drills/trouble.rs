//! What can be in the way from an alarm to whoever reads of it.
//!
//! Invariant: a trouble begins with the cause of the drill, and stays.

use crate::experiment::Experiment;
use crate::faults::{Fault, Kind, Window};
use crate::promises::Check;
use crate::random::Chance;

/// One trouble on the way of an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// None.
    None,
    /// No event of an alarm reaches the responder.
    EventLost,
    /// Each does so twice.
    EventTwice,
    /// Metrics of a queue that held nothing come a quarter of an hour late.
    MetricsLate,
    /// Every second publish of the responder fails.
    SnsFailing,
}

impl Trouble {
    /// Every one, none first.
    pub const ALL: [Self; 5] =
        [Self::None, Self::EventLost, Self::EventTwice, Self::MetricsLate, Self::SnsFailing];

    /// Its fault's name; `-` for none.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.kind().map_or("-", |kind| kind.describe().name)
    }

    /// The fault it is.
    #[must_use]
    pub const fn kind(self) -> Option<Kind> {
        match self {
            Self::None => None,
            Self::EventLost => Some(Kind::EventLost),
            Self::EventTwice => Some(Kind::EventTwice),
            Self::MetricsLate => Some(Kind::MetricsLate),
            Self::SnsFailing => Some(Kind::SnsFailing),
        }
    }

    /// Alarms that it may raise by itself: turns that cannot publish fail.
    pub(super) const fn may_raise(self) -> &'static [&'static str] {
        match self {
            Self::SnsFailing => &["ResponderFailing"],
            Self::None | Self::EventLost | Self::EventTwice | Self::MetricsLate => &[],
        }
    }

    /// How much later an alarm may fire for it, ms.
    pub(super) const fn delays_ms(self) -> i64 {
        match self {
            Self::MetricsLate => 15 * 60_000,
            Self::None | Self::EventLost | Self::EventTwice | Self::SnsFailing => 0,
        }
    }

    /// What of the alarm's path it hits, of what its fault could hit; all of it, if none is named.
    const fn operations(self) -> &'static [&'static str] {
        match self {
            Self::EventLost | Self::EventTwice => &["alarm"],
            // An alarm says by itself what it has to say once: where SNS loses that, nobody could be told.
            Self::SnsFailing => &["Publish"],
            Self::None | Self::MetricsLate => &[],
        }
    }

    /// Lets it happen in an experiment, from its first fault on.
    pub(super) fn befall(self, experiment: &mut Experiment) {
        let Some(kind) = self.kind() else { return };
        let from_ms = experiment.faults.first().map_or(0, |fault| fault.window.from_ms);
        let chance = match self {
            Self::SnsFailing => kind.default_chance(),
            Self::None | Self::EventLost | Self::EventTwice | Self::MetricsLate => Chance::ALWAYS,
        };
        let mut fault = Fault::steady(kind, chance, Window { from_ms, until_ms: u64::MAX });
        fault.scope.operations = self.operations().iter().map(|operation| (*operation).to_owned()).collect();
        experiment.faults.push(fault);
        // A trouble may not come up, and that is said beside it.
        experiment.expect.excused.insert(Check::FaultsFired);
    }
}
