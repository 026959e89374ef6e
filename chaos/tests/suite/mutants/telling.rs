//! Mutants of what people are told of an incident, and of what a recovery goes by.

use crate::mutants::mutant::{Broken, Mutant};
use crate::mutants::responder::AS_DEPLOYED;
use crate::mutants::weather::Weather;
use payments::incident::{self, Decision, Incident, Kind, Letter, Observation, Policy};
use responder::Rules;

pub(crate) const MUTANTS: [Mutant; 1] = [Mutant {
    name: "does not tell that it fell back",
    story: "an incident is opened and resolved, and what is between them is for the logs",
    weather: Weather::Relapse,
    caught_by: "told-in-time",
    broken: Broken::Rules(Rules { decide: does_not_tell_of_a_relapse, ..AS_DEPLOYED }),
}];

fn does_not_tell_of_a_relapse(seen: &Observation, incident: &Incident, policy: &Policy) -> Decision {
    let mut decision = incident::decide(seen, incident, policy);
    if let Some(recovery) = &mut decision.recovery {
        let pending = recovery.outbox.pending().iter();
        let of_relapse =
            pending.filter(|mail| matches!(mail.letter, Letter::Recovery(Kind::BackToWaiting, _)));
        let numbers: Vec<u64> = of_relapse.map(|mail| mail.number).collect();
        numbers.into_iter().for_each(|number| recovery.outbox.sent(number));
    }
    decision
}
