//! Functions as processes: what Lambda promises them, and what it does to them.

use super::{Answer, Up, lives, wait_until};
use serde_json::{Value, json};

fn process(answer: &Answer) -> u64 {
    answer.value()["pid"].as_u64().unwrap_or_else(|| panic!("{}", answer.body))
}

fn function_error(answer: &Answer) -> (Value, String) {
    assert!(
        answer.status == 200 && answer.head.contains("x-amz-function-error: unhandled"),
        "{}",
        answer.head
    );
    let said = answer.value();
    (said["errorType"].clone(), said["errorMessage"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn a_function_is_told_who_it_is_and_when_it_dies_and_is_used_again_until_it_is_ended() {
    let mut up = Up::new("reuse");
    let (first, second) = (up.invoke(r#"{"do":"tell"}"#), up.invoke(r#"{"do":"tell"}"#));
    assert_eq!((first.status, process(&first)), (200, process(&second)));
    let said = first.value();
    assert!(first.head.contains(&format!("x-amzn-requestid: {}", said["request"].as_str().unwrap())));
    assert!(said["deadline"].as_i64().unwrap() > 1_767_603_600_000, "{said}");
    assert_eq!((&said["region"], &said["home"]), (&json!("eu-central-1"), &json!("")), "nothing of ours");
    assert!(lives(process(&first)));
    up.end();
    assert!(!lives(process(&first)), "what was started is gone");
}

#[test]
fn a_function_that_hangs_is_killed_at_its_deadline_and_the_next_start_is_cold() {
    let up = Up::new("hang");
    let before = process(&up.invoke("{}"));
    let (kind, said) = function_error(&up.invoke(r#"{"do":"hang"}"#));
    assert_eq!(kind, "Sandbox.Timedout");
    assert!(said.ends_with("Error: Task timed out after 2.00 seconds"), "{said}");
    assert!(!lives(before), "it was killed");
    assert_ne!(process(&up.invoke("{}")), before);
    wait_until("its report", || up.log().iter().any(|line| line.contains(r#""status":"timeout""#)));
}

#[test]
fn a_function_that_ends_itself_fails_its_invocation_and_the_next_start_is_cold() {
    let up = Up::new("exit");
    let before = process(&up.invoke("{}"));
    let (kind, said) = function_error(&up.invoke(r#"{"do":"exit"}"#));
    assert!(kind == "Runtime.ExitError" && said.contains("Runtime exited with error"), "{said}");
    assert_ne!(process(&up.invoke("{}")), before);
    let wanted = "Runtime exited with error: exit status 3";
    wait_until("its notice", || up.notices.lock().unwrap().iter().any(|notice| notice.contains(wanted)));
    wait_until("its last words", || up.log().contains(&"going down".to_owned()));
}

#[test]
fn a_process_that_was_killed_while_it_stood_idle_is_replaced() {
    let up = Up::new("idle");
    let before = process(&up.invoke("{}"));
    let killed = std::process::Command::new("kill").args(["-KILL", &before.to_string()]).status();
    assert!(killed.expect("kill is there").success());
    wait_until("its end", || !lives(before));
    assert_ne!(process(&up.invoke("{}")), before);
}

#[test]
fn an_error_that_a_function_posts_is_its_answer_and_it_lives_on() {
    let up = Up::new("error");
    let before = process(&up.invoke("{}"));
    assert_eq!(function_error(&up.invoke(r#"{"do":"error"}"#)).1, "no card");
    assert_eq!(process(&up.invoke("{}")), before);
}

#[test]
fn an_answer_for_another_invocation_is_refused_and_so_is_asking_for_a_second_event() {
    let up = Up::new("stray");
    let stray = up.invoke(r#"{"do":"stray"}"#).value();
    assert_eq!((&stray["status"], &stray["said"]["errorType"]), (&json!(400), &json!("InvalidRequestID")));
    let greedy = up.invoke(r#"{"do":"greedy"}"#).value();
    assert_eq!(
        (&greedy["status"], &greedy["said"]["errorType"]),
        (&json!(403), &json!("InvalidStateTransition"))
    );
}

#[test]
fn a_function_calls_aws_under_its_role() {
    let up = Up::new("role");
    let said = up.invoke(r#"{"do":"call"}"#).value();
    assert_eq!(said["status"], 403);
    let text = said["said"]["message"].as_str().expect("a text");
    assert!(text.contains("payments-consumer is not authorized to perform: sqs:sendmessage"), "{text}");
}

#[test]
fn an_init_that_fails_is_told_in_its_own_words_and_the_rest_stays_up() {
    let up = Up::with("init", "fails");
    let (kind, said) = function_error(&up.invoke("{}"));
    assert_eq!(kind, "Runtime.ExitError");
    let words = "exit status 1 (Runtime.ExitError); it says: environment variable LEDGER_TABLE is missing";
    assert!(said.contains(words), "{said}");
    let notices = up.notices.lock().unwrap().clone();
    assert!(
        notices.iter().any(|notice| notice.starts_with("payments-consumer: its init fails: ")),
        "{notices:?}"
    );
    assert_eq!(up.state()["queues"]["payments-payments"]["visible"], 0);
}

#[test]
fn whoever_names_the_alias_or_its_version_reaches_the_function_and_whoever_mistypes_one_does_not() {
    let up = Up::new("alias");
    let lambda =
        |method: &str, path: &str, body: &str| up.raw(method, &format!("/2015-03-31/{path}"), &[], body);
    let invoked = |name: &str| lambda("POST", &format!("functions/{name}/invocations"), "{}");
    for (name, version) in [
        ("payments-consumer", "$latest"),
        ("payments-consumer:live", "1"),
        ("payments-consumer%3Alive", "1"),
        ("arn:aws:lambda:eu-central-1:123456789012:function:payments-consumer:live", "1"),
        ("payments-consumer:1", "1"),
    ] {
        let head = invoked(name).head;
        assert!(head.contains(&format!("x-amz-executed-version: {version}")), "{name}: {head}");
    }
    for missing in ["payments-consumer:life", "payments-consumer:2"] {
        let answer = invoked(missing);
        let said = format!("Function not found: arn:aws:lambda:eu-central-1:123456789012:function:{missing}");
        assert_eq!((answer.status, &answer.value()["Message"]), (404, &json!(said)));
    }
    let asked = lambda("GET", "functions/payments-consumer/configuration?Qualifier=live", "").value();
    assert_eq!((&asked["Version"], &asked["FunctionName"]), (&json!("1"), &json!("payments-consumer")));
    let mappings = |name: &str| {
        let said = lambda("GET", &format!("event-source-mappings/?FunctionName={name}"), "").value();
        said["EventSourceMappings"].as_array().expect("a list").len()
    };
    assert_eq!(
        (mappings("payments-consumer:live"), mappings("payments-consumer")),
        (1, 0),
        "it is the alias's"
    );
    let policy = |name: &str| lambda("GET", &format!("functions/{name}/policy"), "").status;
    assert_eq!((policy("payments-responder:live"), policy("payments-responder")), (200, 404));
}

#[test]
fn the_alias_points_at_the_only_version_and_goes_back_to_no_other() {
    let up = Up::new("back");
    let lambda = |method: &str, path: &str, body: &str| {
        let answer = up.raw(method, &format!("/2015-03-31/functions/payments-consumer/{path}"), &[], body);
        (answer.status, answer.value())
    };
    let (_, said) = lambda("GET", "versions", "");
    let versions: Vec<&Value> =
        said["Versions"].as_array().expect("a list").iter().map(|it| &it["Version"]).collect();
    assert_eq!(versions, ["$LATEST", "1"]);
    let description = said["Versions"][1]["Description"].as_str().expect("a text");
    assert!(description.contains("20 a second"), "how it is configured: {description}");
    assert_eq!(lambda("GET", "aliases/live", "").1["FunctionVersion"], "1");
    assert_eq!(lambda("GET", "aliases/life", "").0, 404);
    let pointed = |version: &str, weights: Value| {
        let asked =
            json!({ "FunctionVersion": version, "RoutingConfig": { "AdditionalVersionWeights": weights } });
        lambda("PUT", "aliases/live", &asked.to_string()).0
    };
    assert_eq!(pointed("1", json!({})), 200);
    assert_eq!((pointed("2", json!({})), pointed("1", json!({ "2": 0.1 }))), (404, 404));
}

fn send(up: &Up, body: &str) {
    let url = format!("{}/123456789012/payments-payments", up.standing.aws);
    let sent = up.json("AmazonSQS.SendMessage", &json!({ "QueueUrl": url, "MessageBody": body }).to_string());
    assert_eq!(sent.status, 200, "{}", sent.body);
}

#[test]
fn a_message_is_handed_to_the_consumer_and_its_log_tells_of_it_from_start_to_report() {
    let up = Up::new("batch");
    send(&up, "anything");
    let has = |what: &str| up.log().iter().any(|line| line.contains(what));
    wait_until("a report", || has("platform.report"));
    let log = up.log();
    let at = |what: &str| log.iter().position(|line| line.contains(what)).unwrap_or_else(|| panic!("{what}"));
    assert!(at("platform.initStart") < at("platform.start"));
    assert!(at("platform.start") < at(r#""message":"event""#), "{log:?}");
    assert!(at(r#""message":"event""#) < at("platform.report"), "{log:?}");
    let report: Value = serde_json::from_str(&log[at("platform.report")]).expect("JSON");
    let line: Value = serde_json::from_str(&log[at(r#""message":"event""#)]).expect("JSON");
    assert_eq!(report["record"]["requestId"], line["requestId"]);
    assert!(report["record"]["metrics"]["initDurationMs"].is_i64(), "{report}");
    let queue = &up.state()["queues"]["payments-payments"];
    assert_eq!((&queue["visible"], &queue["in_flight"]), (&json!(0), &json!(0)), "it was deleted");
}

#[test]
fn an_answer_to_a_batch_that_cannot_be_read_deletes_nothing() {
    let up = Up::new("malformed");
    send(&up, "malformed");
    wait_until("a report", || up.log().iter().any(|line| line.contains("platform.report")));
    let queue = &up.state()["queues"]["payments-payments"];
    assert_eq!(
        (&queue["visible"], &queue["in_flight"]),
        (&json!(0), &json!(1)),
        "it comes back when it is visible again"
    );
}
