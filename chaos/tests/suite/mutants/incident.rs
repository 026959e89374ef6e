//! Mutants of an incident's rules beyond the one outage that they were first made for: what takes time, what is long,
//! what comes and goes, and what is nobody's but ours.

use crate::mutants::mutant::{Broken, Mutant};
use crate::mutants::responder::{AS_DEPLOYED, decides};
use crate::mutants::weather::Weather;
use payments::incident::{
    self, Decision, Effect, Incident, Observation, Phase, Policy, Probes, Recovery, Sorted,
};
use payments::limits::DELAYED_MS;
use responder::Rules;
use serde_json::json;

pub(crate) const MUTANTS: [Mutant; 12] = [
    Mutant {
        name: "tells each time that it began",
        story: "every incident is new, and nobody remembers the three of this morning",
        weather: Weather::Flapping,
        caught_by: "one-mail-per-transition",
        broken: decides(forgets_how_often_it_began),
    },
    Mutant {
        name: "sees no backlog",
        story: "nothing fails, so nothing is wrong: the queue is there to be waited in",
        weather: Weather::Backlog,
        caught_by: "backlog-told",
        broken: decides(sees_no_backlog),
    },
    Mutant {
        name: "takes no notice of messages that nobody takes",
        story: "looks for failures, and a function that is not invoked has none",
        weather: Weather::Disabled,
        caught_by: "told-when-ours",
        broken: decides(knows_of_no_idle_function),
    },
    Mutant {
        name: "believes that a queue keeps messages for four days",
        story: "has read the template, and not the queue",
        weather: Weather::Disabled,
        caught_by: "warned-in-time",
        broken: decides(does_not_ask_how_long),
    },
    Mutant {
        name: "believes that messages do not vanish",
        story: "SQS does not lose messages, so whoever is unsettled has one",
        weather: Weather::Purged,
        caught_by: "stranded-told",
        broken: decides(believes_in_messages),
    },
    Mutant {
        name: "sends late mails as they were",
        story: "a mail that could not be sent is sent again until it is; six of them, six times",
        weather: Weather::Silence,
        caught_by: "one-mail-per-transition",
        broken: decides(sends_late_mails_as_they_were),
    },
    Mutant {
        name: "takes what it does not know for Stripe's",
        story: "it was Stripe the last ten times",
        weather: Weather::Crashing,
        caught_by: "told-when-ours",
        broken: decides(suspects_nobody_else),
    },
    Mutant {
        name: "moves again and again",
        story: "the pause is a constant: what is moved often is charged soon",
        weather: Weather::Headless,
        caught_by: "moves-spared",
        broken: Broken::Rules(Rules {
            decide: forgets_setbacks,
            sorted: forgets_setbacks_when_sorting,
            ..AS_DEPLOYED
        }),
    },
    Mutant {
        name: "lets a move go on into an outage",
        story: "checks before it moves, and a move is short",
        weather: Weather::Slow,
        caught_by: "moves-spared",
        broken: decides(never_cancels),
    },
    Mutant {
        name: "resolves although Stripe is gone again",
        story: "everything is charged, so it is over, whatever Stripe does by then",
        weather: Weather::Lull,
        caught_by: "resolved-when-over",
        broken: decides(resolves_whatever_stripe_does),
    },
    Mutant {
        name: "resolves over payments that wait for minutes",
        story: "what opens an incident is five minutes old, so whatever is younger is none",
        weather: Weather::Grind,
        caught_by: "resolved-when-over",
        broken: decides(waits_for_nobody_young),
    },
    Mutant {
        name: "asks after Stripe only while it waits",
        story: "Stripe was well when it began to move things back",
        weather: Weather::Lull,
        caught_by: "resolved-when-over",
        broken: decides(asks_only_while_it_waits),
    },
];

fn forgets_how_often_it_began(seen: &Observation, incident: &Incident, policy: &Policy) -> Decision {
    let mut forgetful = incident.clone();
    forgetful.recovery.beginnings.clear();
    incident::decide(seen, &forgetful, policy)
}

fn sees_no_backlog(seen: &Observation, incident: &Incident, policy: &Policy) -> Decision {
    incident::decide(&Observation { drain_ms: 0, waited_ms: 0, ..seen.clone() }, incident, policy)
}

fn knows_of_no_idle_function(seen: &Observation, incident: &Incident, policy: &Policy) -> Decision {
    let mut forgetful = incident.clone();
    forgetful.recovery.untouched_since = None;
    incident::decide(seen, &forgetful, policy)
}

fn does_not_ask_how_long(seen: &Observation, incident: &Incident, policy: &Policy) -> Decision {
    incident::decide(&Observation { source_retention_ms: None, ..seen.clone() }, incident, policy)
}

fn believes_in_messages(seen: &Observation, incident: &Incident, policy: &Policy) -> Decision {
    incident::decide(&Observation { is_stranded: false, ..seen.clone() }, incident, policy)
}

fn sends_late_mails_as_they_were(seen: &Observation, incident: &Incident, policy: &Policy) -> Decision {
    let mut fresh = incident.clone();
    let mut outbox = json!(fresh.recovery.outbox);
    for mail in outbox["pending"].as_array_mut().into_iter().flatten() {
        mail["written_at"] = json!(seen.now);
    }
    fresh.recovery.outbox = serde_json::from_value(outbox).expect("it is as it was, but for the time");
    incident::decide(seen, &fresh, policy)
}

fn suspects_nobody_else(seen: &Observation, incident: &Incident, policy: &Policy) -> Decision {
    incident::decide(&Observation { alike: None, unrecorded: None, ..seen.clone() }, incident, policy)
}

fn forgets_setbacks(seen: &Observation, incident: &Incident, policy: &Policy) -> Decision {
    let recovery = without_setbacks(&incident.recovery);
    incident::decide(seen, &Incident { recovery, ..incident.clone() }, policy)
}

fn forgets_setbacks_when_sorting(
    record: &Recovery,
    found: Sorted,
    seen: &Observation,
    policy: &Policy,
) -> (Recovery, Option<Effect>) {
    without_setbacks(record).sorted(found, seen, policy)
}

fn without_setbacks(record: &Recovery) -> Recovery {
    let mut forgetful = record.clone();
    forgetful.history.setbacks_in_a_row = 0;
    forgetful
}

fn never_cancels(seen: &Observation, incident: &Incident, policy: &Policy) -> Decision {
    let decision = incident::decide(seen, incident, policy);
    Decision { effect: decision.effect.filter(|effect| *effect != Effect::CancelMoveTask), ..decision }
}

fn resolves_whatever_stripe_does(seen: &Observation, incident: &Incident, policy: &Policy) -> Decision {
    let drains = matches!(incident.recovery.phase, Phase::Draining { .. });
    let probes = if drains { Some(Probes::Well) } else { seen.probes };
    incident::decide(&Observation { probes, ..seen.clone() }, incident, policy)
}

fn waits_for_nobody_young(seen: &Observation, incident: &Incident, policy: &Policy) -> Decision {
    let oldest = seen.oldest.clone().filter(|_| seen.oldest_ms() > DELAYED_MS);
    incident::decide(&Observation { oldest, ..seen.clone() }, incident, policy)
}

fn asks_only_while_it_waits(seen: &Observation, incident: &Incident, policy: &Policy) -> Decision {
    let waits = matches!(incident.recovery.phase, Phase::Open | Phase::Waiting { .. });
    let probes = seen.probes.map(|probes| if waits { probes } else { Probes::Well });
    incident::decide(&Observation { probes, ..seen.clone() }, incident, policy)
}
