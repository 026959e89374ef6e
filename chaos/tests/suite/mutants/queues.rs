//! Mutants in how SQS is used.

use crate::mutants::aws::{Answer, Call, Line, made_up};
use crate::mutants::mutant::{Broken, Mutant};
use crate::mutants::weather::Weather;
use chaos::cloud::container::BoxFuture;
use payments::quarantine::REASON;
use serde_json::{Value, json};

pub(crate) const MUTANTS: [Mutant; 6] = [
    Mutant {
        name: "sets no visibility",
        story: "leaves a failed message to the queue's own time-out, which is six minutes",
        weather: Weather::Blip,
        caught_by: "drained",
        broken: Broken::Aws(sets_no_visibility),
    },
    Mutant {
        name: "wants it back at once",
        story: "visibility 0, because a retry should be quick",
        weather: Weather::Blip,
        caught_by: "dead-letters-as-expected",
        broken: Broken::Aws(wants_it_back_at_once),
    },
    Mutant {
        name: "forgets the copy in quarantine",
        story: "the row says quarantined, so nobody needs the message any more",
        weather: Weather::Refused,
        caught_by: "nothing-lost",
        broken: Broken::Aws(forgets_the_copy),
    },
    Mutant {
        name: "gives no reason",
        story: "whoever looks at the message will see what is wrong with it",
        weather: Weather::Garbage,
        caught_by: "quarantine-explained",
        broken: Broken::Aws(gives_no_reason),
    },
    Mutant {
        name: "deletes what it cannot read",
        story: "a malformed message can never succeed, so away with it",
        weather: Weather::Garbage,
        caught_by: "acknowledged-on-record",
        broken: Broken::Aws(deletes_what_it_cannot_read),
    },
    Mutant {
        name: "acknowledges a conflict",
        story: "the id was seen before, so this is a duplicate",
        weather: Weather::Conflicts,
        caught_by: "acknowledged-on-record",
        broken: Broken::Aws(acknowledges_a_conflict),
    },
];

fn sets_no_visibility(line: Line, call: Call) -> BoxFuture<'static, Answer> {
    Box::pin(async move {
        if call.operation != "ChangeMessageVisibilityBatch" {
            return line.send(call).await;
        }
        let ids = call.body["Entries"].as_array().into_iter().flatten();
        let done: Vec<Value> = ids.map(|entry| json!({ "Id": entry["Id"] })).collect();
        made_up(json!({ "Successful": done, "Failed": [] }))
    })
}

fn wants_it_back_at_once(line: Line, mut call: Call) -> BoxFuture<'static, Answer> {
    if call.operation == "ChangeMessageVisibilityBatch" {
        for entry in call.body["Entries"].as_array_mut().into_iter().flatten() {
            entry["VisibilityTimeout"] = 0.into();
        }
    }
    Box::pin(async move { line.send(call).await })
}

fn forgets_the_copy(line: Line, call: Call) -> BoxFuture<'static, Answer> {
    without_copies(line, call, |reason| !matches!(reason, "malformed" | "conflicting_request"))
}

fn deletes_what_it_cannot_read(line: Line, call: Call) -> BoxFuture<'static, Answer> {
    without_copies(line, call, |reason| reason == "malformed")
}

fn acknowledges_a_conflict(line: Line, call: Call) -> BoxFuture<'static, Answer> {
    without_copies(line, call, |reason| reason == "conflicting_request")
}

fn gives_no_reason(line: Line, mut call: Call) -> BoxFuture<'static, Answer> {
    if let Some(attributes) = call.body["MessageAttributes"].as_object_mut() {
        attributes.remove(REASON);
    }
    Box::pin(async move { line.send(call).await })
}

/// Sends no copies of messages that are in quarantine for this reason.
fn without_copies(line: Line, call: Call, forgotten: fn(&str) -> bool) -> BoxFuture<'static, Answer> {
    Box::pin(async move {
        let reason = call.body["MessageAttributes"][REASON]["StringValue"].as_str();
        if call.operation == "SendMessage" && reason.is_some_and(forgotten) {
            let md5 = "00000000000000000000000000000000";
            return made_up(json!({ "MessageId": "nobody-sent-it", "MD5OfMessageBody": md5 }));
        }
        line.send(call).await
    })
}
