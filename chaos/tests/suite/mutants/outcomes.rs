//! Mutants of the pipe that tells outcomes: each tells something.

use crate::mutants::mutant::{Broken, Mutant};
use crate::mutants::weather::Weather;
use chaos::cloud::config::PipeConfig;
use chaos::cloud::eventbridge::Pattern;
use chaos::cloud::pipes::Template;
use serde_json::json;

/// Makes another pipe of that of the template.
pub(crate) type Alter = fn(&mut PipeConfig);

pub(crate) const MUTANTS: [Mutant; 6] = [
    Mutant {
        name: "tells of successes alone",
        story: "a shop waits for money, and who is declined knows it already",
        weather: Weather::Declines,
        caught_by: "outcomes-told",
        broken: Broken::Pipe(|pipe| pipe.filters.truncate(1)),
    },
    Mutant {
        name: "tells what the row was",
        story: "a stream's record has two images, and the first that one sees is the old one",
        weather: Weather::Calm,
        caught_by: "outcomes-true",
        broken: Broken::Pipe(|pipe| pipe.template = template("OldImage.state.S", "NewImage.version.N", "")),
    },
    Mutant {
        name: "tells under the version before",
        story: "the version that the write was made from is the one that was read",
        weather: Weather::Calm,
        caught_by: "outcomes-true",
        broken: Broken::Pipe(|pipe| pipe.template = template("NewImage.state.S", "OldImage.version.N", "")),
    },
    Mutant {
        name: "tells what is not over",
        story: "whoever waits wants to know how far it is",
        weather: Weather::Calm,
        caught_by: "outcomes-true",
        broken: Broken::Pipe(|pipe| pipe.filters = vec![any_state()]),
    },
    Mutant {
        name: "tells the intent's id",
        story: "somebody will want to look it up at Stripe",
        weather: Weather::Calm,
        caught_by: "outcomes-true",
        broken: Broken::Pipe(|pipe| {
            let intent = r#","intent_id":"<$.dynamodb.NewImage.intent_id.S>""#;
            pipe.template = template("NewImage.state.S", "NewImage.version.N", intent);
        }),
    },
    Mutant {
        name: "gives up what the bus did not take at once",
        story: "an event is a notice, and there is a dead-letter queue; which nobody made",
        weather: Weather::Deaf,
        caught_by: "outcomes-told",
        broken: Broken::Pipe(|pipe| {
            pipe.retries_max = Some(0);
            pipe.dead_letter_queue = None;
        }),
    },
];

fn any_state() -> Pattern {
    let pattern = json!({ "dynamodb": { "NewImage": { "state": { "S": [{ "exists": true }] } } } });
    Pattern::parse(&pattern).expect("it is a pattern")
}

/// The deployed template, with other paths to state and version, and with more at its end.
fn template(state: &str, version: &str, more: &str) -> Template {
    let text = format!(
        r#"{{"id":"<$.dynamodb.NewImage.payment_id.S>/<$.dynamodb.{version}>",
        "payment_id":"<$.dynamodb.NewImage.payment_id.S>",
        "version":"<$.dynamodb.{version}>",
        "state":"<$.dynamodb.{state}>",
        "amount":"<$.dynamodb.NewImage.amount.N>",
        "currency":"<$.dynamodb.NewImage.currency.S>",
        "code":"<$.dynamodb.NewImage.decline.M.code.S>",
        "decline_code":"<$.dynamodb.NewImage.decline.M.decline_code.S>",
        "reason":"<$.dynamodb.NewImage.reason.S>",
        "received_at":"<$.dynamodb.NewImage.received_at.N>",
        "settled_at":"<$.dynamodb.NewImage.settled_at.N>"{more}}}"#
    );
    Template::parse(&text).expect("it is a template")
}

#[test]
fn the_template_that_mutants_are_made_from_is_the_deployed_one() {
    let deployed = chaos::world::Deployed::load(&chaos::world::own_template(), &Default::default());
    let deployed = deployed.expect("the template is good");
    let [pipe] = deployed.stack.pipes.values().collect::<Vec<_>>()[..] else { panic!("there is one pipe") };
    let record =
        json!({ "dynamodb": { "NewImage": { "state": { "S": "succeeded" }, "version": { "N": "2" } } } });
    let like_it = template("NewImage.state.S", "NewImage.version.N", "");
    assert_eq!(like_it.render(&record), pipe.template.render(&record));
}
