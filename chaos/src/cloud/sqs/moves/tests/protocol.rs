//! Move tasks in the JSON protocol: fields, words and codes.

use super::*;

#[test]
fn a_list_shows_the_newest_first_and_no_more_than_was_given() {
    let mut town = Town::with_dead_letters(1);
    let handle = town.start(TO_ORIGIN);
    let running = json!([{
        "ApproximateNumberOfMessagesMoved": 0,
        "ApproximateNumberOfMessagesToMove": 1,
        "MaxNumberOfMessagesPerSecond": 1,
        "SourceArn": DEAD,
        "StartedTimestamp": START.0,
        "Status": "RUNNING",
        "TaskHandle": handle,
    }]);
    assert_eq!(town.list(at_s(1)), running);
    town.run(end());
    let second = MoveOrder { destination: Some("elsewhere"), rate_per_s: None, ..TO_ORIGIN };
    town.sqs.start_move(second, end()).unwrap();
    town.run(at_s(7200));

    let elsewhere = "arn:aws:sqs:eu-central-1:123456789012:elsewhere";
    let newest = json!({
        "ApproximateNumberOfMessagesMoved": 0,
        "ApproximateNumberOfMessagesToMove": 0,
        "DestinationArn": elsewhere,
        "SourceArn": DEAD,
        "StartedTimestamp": end().0,
        "Status": "COMPLETED",
    });
    let (_, _, one) = town.call("ListMessageMoveTasks", json!({ "SourceArn": DEAD }), at_s(7200));
    assert_eq!(one["Results"], json!([newest]), "one unless asked for more");
    let started: Vec<Value> = town
        .list(at_s(7200))
        .as_array()
        .unwrap()
        .iter()
        .map(|task| task["StartedTimestamp"].clone())
        .collect();
    assert_eq!(started, [json!(end().0), json!(START.0)]);
}

#[test]
fn a_handle_is_base64_of_task_and_source() {
    let handle = Town::with_dead_letters(1).start(TO_ORIGIN);
    let text = aws_smithy_types::base64::decode(handle).unwrap();
    let handle: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(handle["sourceArn"], json!(DEAD));
    assert_eq!(handle["taskId"].as_str().map(str::len), Some(36));
}

#[test]
fn refusals_have_the_words_and_codes_of_aws() {
    let arn = |name: &str| format!("arn:aws:sqs:eu-central-1:123456789012:{name}");
    let handle = |task: &str, source: &str| {
        aws_smithy_types::base64::encode(json!({ "taskId": task, "sourceArn": arn(source) }).to_string())
    };
    let (start, list, cancel) = ("StartMessageMoveTask", "ListMessageMoveTasks", "CancelMessageMoveTask");
    let cases = [
        (
            start,
            json!({ "SourceArn": arn("payments") }),
            400,
            "Source queue must be configured as a Dead Letter Queue.",
        ),
        (
            start,
            json!({ "SourceArn": arn("nowhere") }),
            404,
            "The resource that you specified for the SourceArn parameter doesn't exist.",
        ),
        (
            start,
            json!({ "SourceArn": DEAD, "DestinationArn": arn("nowhere") }),
            404,
            "The resource that you specified for the DestinationArn parameter doesn't exist.",
        ),
        (
            start,
            json!({ "SourceArn": DEAD, "DestinationArn": DEAD }),
            400,
            "Source queue arn and destination queue arn cannot be the same.",
        ),
        (
            start,
            json!({ "SourceArn": DEAD, "DestinationArn": "" }),
            400,
            "You must use this format to specify the DestinationArn: arn:<partition>:<service>:<region>:<account-id>:<resource-id>",
        ),
        (
            start,
            json!({ "SourceArn": DEAD, "MaxNumberOfMessagesPerSecond": 501 }),
            400,
            "Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: You must enter a number that's between 1 and 500.",
        ),
        (
            start,
            json!({ "SourceArn": DEAD, "MaxNumberOfMessagesPerSecond": 0 }),
            400,
            "Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: You must enter a number that's between 1 and 500.",
        ),
        (start, json!({}), 400, "The request must contain the parameter SourceArn."),
        (
            list,
            json!({ "SourceArn": arn("nowhere") }),
            404,
            "The resource that you specified for the SourceArn parameter doesn't exist.",
        ),
        (
            list,
            json!({ "SourceArn": DEAD, "MaxResults": 11 }),
            400,
            "Value 11 for parameter MaxResults is invalid. Reason: Must be between 1 and 10.",
        ),
        (cancel, json!({ "TaskHandle": "foobared" }), 400, "Value for parameter TaskHandle is invalid."),
        (cancel, json!({ "TaskHandle": handle("no-task", "dead") }), 404, "Task does not exist."),
        (
            cancel,
            json!({ "TaskHandle": handle("no-task", "nowhere") }),
            404,
            "The resource that you specified for the SourceArn parameter doesn't exist.",
        ),
    ];
    let mut town = Town::new();
    for (operation, request, status, text) in cases {
        let (answered, code, body) = town.call(operation, request.clone(), START);
        assert_eq!((answered, &body["message"]), (status, &json!(text)), "{request}");
        let (expected_code, kind) = match text {
            "The request must contain the parameter SourceArn." => {
                ("MissingParameter", "MissingRequiredParameterException")
            }
            _ if status == 404 => ("ResourceNotFoundException", "ResourceNotFoundException"),
            _ => ("InvalidParameterValue", "InvalidParameterValueException"),
        };
        assert_eq!(code, Some(format!("{expected_code};Sender")));
        assert_eq!(body["__type"], json!(format!("com.amazonaws.sqs#{kind}")));
    }
    assert_eq!(town.sqs.next_move(), None);
}
