//! Mutants of the responder: some in its rules, some in what it asks of AWS.

use crate::mutants::aws::{Answer, Call, Line, made_up};
use crate::mutants::mutant::{Broken, Mutant};
use crate::mutants::weather::Weather;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use chaos::cloud::container::BoxFuture;
use payments::UnixMs;
use payments::audit;
use payments::incident::{
    self, Decision, Depth, Effect, Incident, MoveTask, Observation, Policy, Probes, Recovery, TaskStatus,
    Verdict,
};
use responder::Rules;
use serde_json::json;

pub(crate) const AS_DEPLOYED: Rules = Rules {
    decide: incident::decide,
    sorted: Recovery::sorted,
    compare: audit::compare,
    read: audit::Audit::read,
    condition: responder::unsaved_since,
};

pub(crate) const MUTANTS: [Mutant; 8] = [
    Mutant {
        name: "redrives without a probe",
        story: "dead letters are there, so back with them; the next round will do the same",
        weather: Weather::Outage,
        caught_by: "no-redrive-into-outage",
        broken: decides(redrives_without_a_probe),
    },
    Mutant {
        name: "mails on every turn",
        story: "mails while it is bad, instead of when it becomes bad",
        weather: Weather::Outage,
        caught_by: "one-mail-per-transition",
        broken: decides(mails_on_every_turn),
    },
    Mutant {
        name: "trusts COMPLETED",
        story: "the move task is completed, so everything is moved and charged",
        weather: Weather::Leaky,
        caught_by: "drained",
        broken: decides(trusts_completed),
    },
    Mutant {
        name: "starts a second move task",
        story: "does not look whether one runs: the second will be refused anyway",
        weather: Weather::Outage,
        caught_by: "one-move-task-at-a-time",
        broken: decides(starts_a_second_task),
    },
    Mutant {
        name: "saves without the version that was read",
        story: "there is only one responder, until there are two",
        weather: Weather::Echo,
        caught_by: "one-mail-per-transition",
        broken: Broken::Rules(Rules { condition: |_| None, ..AS_DEPLOYED }),
    },
    Mutant {
        name: "never mails",
        story: "publishes to a topic that nobody subscribed to",
        weather: Weather::Outage,
        caught_by: "told-in-time",
        broken: Broken::ResponderAws(never_mails),
    },
    Mutant {
        name: "takes a mail that SNS refused for sent",
        story: "publishing is best effort, and nobody looks whether it worked",
        weather: Weather::Mute,
        caught_by: "told-in-time",
        broken: Broken::ResponderAws(takes_refused_mails_for_sent),
    },
    Mutant {
        name: "deletes a dead letter before it is sent on",
        story: "takes it out of one queue, and then dies, or forgets, before it puts it into the other",
        weather: Weather::Outage,
        caught_by: "acknowledged-on-record",
        broken: Broken::ResponderAws(sends_nothing_on),
    },
];

pub(crate) const fn decides(decide: fn(&Observation, &Incident, &Policy) -> Decision) -> Broken {
    Broken::Rules(Rules { decide, ..AS_DEPLOYED })
}

fn redrives_without_a_probe(seen: &Observation, incident: &Incident, policy: &Policy) -> Decision {
    let canary = seen.canary.iter().map(|_| Verdict::Settled).collect();
    let hopeful = Observation { probes: Some(Probes::Well), canary, ..seen.clone() };
    incident::decide(&hopeful, incident, policy)
}

fn mails_on_every_turn(seen: &Observation, incident: &Incident, policy: &Policy) -> Decision {
    let mut forgetful = incident.clone();
    // Whoever does not remember when it last told anybody reminds them on every turn.
    forgetful.recovery.history.told_at = UnixMs(0);
    incident::decide(seen, &forgetful, policy)
}

fn trusts_completed(seen: &Observation, incident: &Incident, policy: &Policy) -> Decision {
    let of_this_incident = |task: &&MoveTask| task.started_at > incident.recovery.history.opened_at;
    let task = seen.task.as_ref().filter(of_this_incident);
    if task.is_none_or(|task| task.status != TaskStatus::Completed) {
        return incident::decide(seen, incident, policy);
    }
    // Everything must be back: nobody looks.
    let (dead_letters, source) = (Depth::default(), Depth::default());
    incident::decide(&Observation { dead_letters, source, oldest: None, ..seen.clone() }, incident, policy)
}

fn starts_a_second_task(seen: &Observation, incident: &Incident, policy: &Policy) -> Decision {
    // Whoever does not see that a task runs starts another as soon as anything is dead-lettered.
    let decision = incident::decide(&Observation { task: None, ..seen.clone() }, incident, policy);
    if incident.recovery.history.tasks == 0 && seen.task.is_none() {
        return decision;
    }
    Decision { effect: Some(Effect::StartMoveTask), ..decision }
}

fn never_mails(line: Line, call: Call) -> BoxFuture<'static, Answer> {
    Box::pin(async move { if call.operation == "Publish" { published() } else { line.send(call).await } })
}

fn takes_refused_mails_for_sent(line: Line, call: Call) -> BoxFuture<'static, Answer> {
    Box::pin(async move {
        let is_mail = call.operation == "Publish";
        let answer = line.send(call).await;
        let failed = answer.as_ref().map_or(true, |answer| !answer.status().is_success());
        if is_mail && failed { published() } else { answer }
    })
}

fn published() -> Answer {
    let result = "<PublishResult><MessageId>nobody-sent-it</MessageId></PublishResult>";
    let response = http::Response::new(SdkBody::from(format!("<PublishResponse>{result}</PublishResponse>")));
    HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
}

fn sends_nothing_on(line: Line, call: Call) -> BoxFuture<'static, Answer> {
    Box::pin(async move {
        match call.operation.as_str() {
            "SendMessage" => made_up(json!({ "MessageId": "nobody-sent-it", "MD5OfMessageBody": "" })),
            _ => line.send(call).await,
        }
    })
}
