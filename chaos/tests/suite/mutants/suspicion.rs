//! Mutants of the suspicion: who is to blame when something is refused, or dies.

#![expect(clippy::wildcard_enum_match_arm, reason = "each names the one step it breaks")]

use crate::mutants::aws::{Answer, Call, Line, made_up};
use crate::mutants::mutant::{Broken, Mutant};
use crate::mutants::responder::AS_DEPLOYED;
use crate::mutants::weather::Weather;
use chaos::cloud::container::BoxFuture;
use consumer::Protocol;
use payments::Cause;
use payments::UnixMs;
use payments::charge::{Delivery, Event, Step};
use payments::incident::{self, Decision, Incident, Observation, Policy};
use payments::provider::{Answer as Said, Decline, DeclinedCharge};
use payments::suspicion::{Leave, Operation, Suspect, Suspicions};
use responder::Rules;
use serde_json::json;

pub(crate) const MUTANTS: [Mutant; 8] = [
    Mutant {
        name: "blames at first sight",
        story: "a 400 is final, so why wait for what others meet",
        weather: Weather::Misled,
        caught_by: "quarantined-for-cause",
        broken: next(blames_at_first_sight),
    },
    Mutant {
        name: "never suspects us",
        story: "the code is tested, so it must be the payments, however many",
        weather: Weather::Misled,
        caught_by: "quarantined-for-cause",
        broken: next(never_suspects_us),
    },
    Mutant {
        name: "never blames anybody",
        story: "keeps what is refused, because somebody will mend it",
        weather: Weather::Refused,
        caught_by: "drained",
        broken: next(never_blames_anybody),
    },
    Mutant {
        name: "takes an account's refusal for an issuer's",
        story: "402 means declined, as with every card that has no money",
        weather: Weather::Barred,
        caught_by: "declined-for-cause",
        broken: next(takes_an_accounts_refusal_for_an_issuers),
    },
    Mutant {
        name: "lets an accepted create end the suspicion of confirms",
        story: "one counter for Stripe: it answered well, so all is well",
        weather: Weather::Misled,
        caught_by: "suspicion-spared",
        broken: Broken::Protocol(Protocol { leave: for_whatever_it_does, ..Protocol::DEPLOYED }),
    },
    Mutant {
        name: "goes on asking what everybody is refused",
        story: "a retry costs nothing, and may be the one that works",
        weather: Weather::Misled,
        caught_by: "suspicion-spared",
        broken: Broken::Protocol(Protocol { leave: goes_on_asking, ..Protocol::DEPLOYED }),
    },
    Mutant {
        name: "does not look who else died",
        story: "four deaths are poison: others come through for all it knows, and the other rows are none of its business",
        weather: Weather::Crashing,
        caught_by: "quarantined-for-cause",
        broken: Broken::Aws(sees_nobody_else),
    },
    Mutant {
        name: "is blind to what payments share",
        story: "looks at the oldest payment alone, and Stripe answers every probe",
        weather: Weather::Crashing,
        caught_by: "told-when-ours",
        broken: Broken::Rules(Rules { decide: is_blind_to_what_is_shared, ..AS_DEPLOYED }),
    },
];

const fn next(next: fn(&mut Delivery, Event) -> Step) -> Broken {
    Broken::Protocol(Protocol { next, ..Protocol::DEPLOYED })
}

fn blames_at_first_sight(delivery: &mut Delivery, event: Event) -> Step {
    delivery.next(match event {
        Event::Judged(Suspect::Nobody) => Event::Judged(Suspect::Payment),
        event => event,
    })
}

fn never_suspects_us(delivery: &mut Delivery, event: Event) -> Step {
    delivery.next(match event {
        Event::Judged(Suspect::Us) => Event::Judged(Suspect::Payment),
        event => event,
    })
}

fn never_blames_anybody(delivery: &mut Delivery, event: Event) -> Step {
    delivery.next(match event {
        Event::Judged(_) => Event::Judged(Suspect::Nobody),
        event => event,
    })
}

fn takes_an_accounts_refusal_for_an_issuers(delivery: &mut Delivery, event: Event) -> Step {
    let code = "card_declined".to_owned();
    let declined = Decline { code, decline_code: None, advice_code: None };
    delivery.next(match event {
        Event::Answered(Said::NotDone { cause: Cause::AccountRefused }) => {
            Event::Answered(Said::Declined(DeclinedCharge { decline: declined, charge: None }))
        }
        event => event,
    })
}

fn for_whatever_it_does(suspicions: &mut Suspicions, _: Operation, now: UnixMs) -> Leave {
    suspicions.leave(Operation::Create, now)
}

const fn goes_on_asking(_: &mut Suspicions, _: Operation, _: UnixMs) -> Leave {
    Leave::Granted
}

fn sees_nobody_else(line: Line, call: Call) -> BoxFuture<'static, Answer> {
    Box::pin(async move {
        match call.operation.as_str() {
            "Query" => made_up(json!({ "Items": [], "Count": 0, "ScannedCount": 0 })),
            "GetItem" if call.body["Key"]["payment_id"]["S"] == "~pulse" => {
                let pulse = json!({
                    "first": 0, "last": i64::MAX / 2, "gaps": [],
                    "minutes": { "999999999": { "through": 1_000, "died": 0 } },
                });
                made_up(json!({ "Item": { "pulse": { "S": pulse.to_string() } } }))
            }
            _ => line.send(call).await,
        }
    })
}

fn is_blind_to_what_is_shared(seen: &Observation, incident: &Incident, policy: &Policy) -> Decision {
    incident::decide(&Observation { alike: None, ..seen.clone() }, incident, policy)
}
