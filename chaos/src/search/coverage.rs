//! Which faults fired, where in a call, and where the protocol stood when they did.
//!
//! Invariant: read from the journal, so what is counted is what took effect.

use super::draw::is_left_out;
use super::state::{Follower, State};
use crate::faults::{Kind, Placement};
use crate::journal::{Event, FaultFired};
use crate::report::Paint;
use crate::units::count;
use crate::world::History;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A kind of fault in one of its placements.
pub type Place = (Kind, Option<Placement>);

/// How often each place was hit in each state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Named", try_from = "Named")]
pub struct Coverage(BTreeMap<Place, BTreeMap<State, u64>>);

/// The same, with places and states by their names.
type Named = BTreeMap<String, BTreeMap<String, u64>>;

/// Width of the column with the fault's name.
const NAME_WIDTH: usize = 34;

impl Coverage {
    /// Reads a run.
    #[must_use]
    pub fn of(history: &History) -> Self {
        let (mut coverage, mut follower) = (Self::default(), Follower::default());
        for record in &history.records {
            follower.see(&record.event);
            if let Event::Fault(FaultFired { fault, placement, on }) = &record.event {
                let states = coverage.0.entry((*fault, *placement)).or_default();
                *states.entry(follower.of(on)).or_default() += 1;
            }
        }
        coverage
    }

    /// Adds what another run hit.
    pub fn add(&mut self, other: &Self) {
        for (place, states) in &other.0 {
            let own = self.0.entry(*place).or_default();
            for (state, times) in states {
                *own.entry(*state).or_default() += times;
            }
        }
    }

    /// How often a place was hit in a state.
    #[must_use]
    pub fn hits(&self, place: Place, state: State) -> u64 {
        self.0.get(&place).and_then(|states| states.get(&state)).copied().unwrap_or(0)
    }

    /// Every place there is, in the order of the kinds.
    pub fn places() -> impl Iterator<Item = Place> {
        Kind::ALL.into_iter().flat_map(|kind| match kind.describe().placements {
            [] => vec![(kind, None)],
            placements => placements.iter().map(|placement| (kind, Some(*placement))).collect(),
        })
    }

    /// Places that a swarm is to hit.
    pub fn wanted() -> impl Iterator<Item = Place> {
        Self::places().filter(|(kind, _)| !is_left_out(*kind))
    }

    /// Those of them that were never hit.
    pub fn missed(&self) -> impl Iterator<Item = Place> {
        Self::wanted().filter(|place| !self.0.contains_key(place))
    }

    /// A table: a row for each place, a column for each state; a dot where a fault never hit. And what never fired.
    #[must_use]
    pub fn table(&self, paint: Paint) -> String {
        let mut out = String::new();
        let heads: String = State::ALL.iter().map(|state| format!(" {:>11}", state.name())).collect();
        let _ =
            writeln!(out, "{}", paint.dim(&format!("  {:<NAME_WIDTH$}{heads}", "fault, hitting in state")));
        for place in Self::places().filter(|place| self.0.contains_key(place)) {
            let _ = write!(out, "  {:<NAME_WIDTH$}", name(place));
            for state in State::ALL {
                let hits = self.hits(place, state);
                let cell = if hits == 0 { ".".to_owned() } else { count(hits) };
                let _ = write!(out, " {cell:>11}");
            }
            out.push('\n');
        }
        let missed: Vec<String> = self.missed().map(name).collect();
        if !missed.is_empty() {
            let _ = writeln!(out, "  never fired: {}", missed.join(", "));
        }
        out
    }
}

impl From<Coverage> for Named {
    fn from(coverage: Coverage) -> Self {
        let states = |states: BTreeMap<State, u64>| {
            states.into_iter().map(|(state, times)| (state.name().to_owned(), times)).collect()
        };
        coverage.0.into_iter().map(|(place, of)| (name(place), states(of))).collect()
    }
}

impl TryFrom<Named> for Coverage {
    type Error = String;

    fn try_from(named: Named) -> Result<Self, String> {
        let place = |text: &str| {
            let known = Self::places().find(|place| name(*place) == text);
            known.ok_or_else(|| format!("{text} is no fault of this version"))
        };
        let state = |(text, times): (String, u64)| {
            let known = State::ALL.into_iter().find(|state| state.name() == text);
            known.map(|state| (state, times)).ok_or_else(|| format!("{text} is no state"))
        };
        let row = |(text, states): (String, BTreeMap<String, u64>)| {
            Ok((place(&text)?, states.into_iter().map(state).collect::<Result<_, String>>()?))
        };
        named.into_iter().map(row).collect::<Result<_, String>>().map(Self)
    }
}

/// `stripe-timeout/after`, as it is typed.
fn name((kind, placement): Place) -> String {
    placement.map_or_else(|| kind.to_string(), |placement| format!("{kind}/{}", placement.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_runs_hit_is_added_up_and_the_rest_is_named() {
        let place = (Kind::StripeTimeout, Some(Placement::After));
        let mut coverage = Coverage(BTreeMap::from([(place, BTreeMap::from([(State::Intended, 2)]))]));
        coverage.add(&coverage.clone());
        assert_eq!((coverage.hits(place, State::Intended), coverage.hits(place, State::Received)), (4, 0));
        let missed: Vec<Place> = coverage.missed().collect();
        assert!(!missed.contains(&place));
        assert!(missed.contains(&(Kind::StripeTimeout, Some(Placement::Before))));
        assert!(coverage.table(Paint::Plain).contains("never fired: stripe-unavailable/before"));
    }
}
