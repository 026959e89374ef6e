use super::*;
use crate::cloud::fixtures::{START, queue, queues};
use serde_json::{Value, json};

const URL: &str = "https://sqs.eu-central-1.amazonaws.com/123456789012/payments";

fn sqs(receives_max: u32) -> Sqs {
    Sqs::new(&queues(receives_max), 1, START, Journal::default()).unwrap()
}

fn at_s(seconds: i64) -> UnixMs {
    START.plus_ms(1000 * seconds)
}

fn receive(sqs: &mut Sqs, queue: &str, now: UnixMs) -> Vec<Delivery> {
    sqs.receive(queue, 10, None, now).unwrap()
}

fn receive_one(sqs: &mut Sqs, queue: &str, now: UnixMs) -> Delivery {
    receive(sqs, queue, now).pop().expect("a message is visible")
}

/// The answer of the JSON protocol: status, query code, body.
fn call(sqs: &mut Sqs, operation: &str, body: Value, now: UnixMs) -> (u16, Option<String>, Value) {
    let reply = match Call::read(operation, body.to_string().as_bytes()) {
        Ok(call) => sqs.answer(&call, now).into_reply(),
        Err(error) => error.reply(),
    };
    let code = reply.headers.iter().find(|(name, _)| *name == "x-amzn-query-error");
    (reply.status, code.map(|(_, value)| value.clone()), serde_json::from_slice(&reply.body).unwrap())
}

#[test]
fn a_received_message_is_hidden_until_its_visibility_ends() {
    let mut sqs = sqs(5);
    sqs.send("payments", NewMessage::text("one"), START).unwrap();
    assert_eq!(receive_one(&mut sqs, "payments", START).receives, 1);
    assert!(receive(&mut sqs, "payments", at_s(359)).is_empty());
    assert_eq!(sqs.next_receivable("payments"), Some(at_s(360)));
    let again = receive_one(&mut sqs, "payments", at_s(360));
    assert_eq!((again.receives, again.first_received_at), (2, START));
}

#[test]
fn a_visibility_given_with_a_receive_holds_for_that_receive_only() {
    let mut sqs = sqs(5);
    sqs.send("payments", NewMessage::text("one"), START).unwrap();
    sqs.receive("payments", 10, Some(10), START).unwrap();
    assert_eq!(sqs.next_receivable("payments"), Some(at_s(10)));
    receive_one(&mut sqs, "payments", at_s(10));
    assert_eq!(sqs.next_receivable("payments"), Some(at_s(370)));
}

#[test]
fn what_became_visible_first_is_received_first() {
    let mut sqs = sqs(5);
    for body in ["first", "second", "third"] {
        sqs.send("payments", NewMessage::text(body), START).unwrap();
    }
    sqs.receive("payments", 1, Some(5), START).unwrap();
    let bodies = |deliveries: Vec<Delivery>| -> Vec<String> {
        deliveries.into_iter().map(|delivery| delivery.content.body.clone()).collect()
    };
    assert_eq!(bodies(receive(&mut sqs, "payments", at_s(5))), ["second", "third", "first"]);
}

#[test]
fn a_delayed_message_is_counted_as_delayed_and_then_as_visible() {
    let mut sqs = sqs(5);
    let message = NewMessage { delay_s: Some(900), ..NewMessage::text("later") };
    sqs.send("payments", message, START).unwrap();
    assert_eq!(sqs.depth("payments", at_s(899)).unwrap(), Depth { delayed: 1, ..Depth::default() });
    assert_eq!(sqs.depth("payments", at_s(900)).unwrap(), Depth { visible: 1, ..Depth::default() });
    receive_one(&mut sqs, "payments", at_s(900));
    assert_eq!(sqs.depth("payments", at_s(900)).unwrap(), Depth { in_flight: 1, ..Depth::default() });
}

#[test]
fn the_receive_after_the_last_allowed_one_moves_the_message_and_returns_nothing() {
    let mut sqs = sqs(1);
    let mut message = NewMessage::text("poison");
    message.attributes.insert("origin".to_owned(), MessageAttribute::text("till 4"));
    let id = sqs.send("payments", message.clone(), START).unwrap().id;
    assert_eq!(receive_one(&mut sqs, "payments", START).receives, 1);
    assert_eq!(
        sqs.depth("dead", at_s(360)).unwrap().visible,
        0,
        "visible again, but not moved before a receive"
    );

    assert!(receive(&mut sqs, "payments", at_s(360)).is_empty());

    let dead = receive_one(&mut sqs, "dead", at_s(400));
    assert_eq!((dead.content.id.as_str(), dead.content.body.as_str()), (id.as_str(), "poison"));
    assert_eq!(dead.content.attributes, message.attributes);
    assert_eq!((dead.content.sent_at, dead.receives), (START, 2));
    let source = dead.system_attributes().remove("DeadLetterQueueSourceArn");
    assert_eq!(source.as_deref(), Some("arn:aws:sqs:eu-central-1:123456789012:payments"));
}

#[test]
fn exhausted_messages_do_not_take_the_place_of_others() {
    let mut sqs = sqs(1);
    for body in ["exhausted", "fresh"] {
        sqs.send("payments", NewMessage::text(body), START).unwrap();
    }
    sqs.receive("payments", 1, Some(0), START).unwrap();
    let delivered = sqs.receive("payments", 1, None, START).unwrap();
    assert_eq!(delivered[0].content.body, "fresh");
}

#[test]
fn a_dead_letter_expires_by_the_time_it_was_first_sent() {
    let mut sqs = sqs(1);
    sqs.send("payments", NewMessage::text("poison"), START).unwrap();
    receive_one(&mut sqs, "payments", at_s(300_000));
    receive(&mut sqs, "payments", at_s(300_360));
    assert_eq!(sqs.messages("dead", at_s(1_209_599)).unwrap().len(), 1);
    assert_eq!(sqs.messages("dead", at_s(1_209_600)).unwrap().len(), 0);
}

#[test]
fn a_message_is_dropped_at_the_end_of_the_retention() {
    let mut sqs = sqs(5);
    sqs.send("payments", NewMessage::text("old"), START).unwrap();
    assert!(receive(&mut sqs, "payments", at_s(345_600)).is_empty());
    assert_eq!(sqs.next_receivable("payments"), None);
}

#[test]
fn deleting_again_or_after_the_visibility_ran_out_succeeds() {
    let mut sqs = sqs(5);
    sqs.send("payments", NewMessage::text("one"), START).unwrap();
    let handle = receive_one(&mut sqs, "payments", START).receipt_handle;
    sqs.delete("payments", &handle, at_s(1000)).unwrap();
    sqs.delete("payments", &handle, at_s(1001)).unwrap();
    assert!(sqs.messages("payments", at_s(1001)).unwrap().is_empty());
}

#[test]
fn the_handle_of_an_earlier_receive_deletes_nothing() {
    let mut sqs = sqs(5);
    sqs.send("payments", NewMessage::text("one"), START).unwrap();
    let old = receive_one(&mut sqs, "payments", START).receipt_handle;
    receive_one(&mut sqs, "payments", at_s(360));
    sqs.delete("payments", &old, at_s(361)).unwrap();
    assert_eq!(sqs.messages("payments", at_s(361)).unwrap().len(), 1);
}

#[test]
fn garbage_is_no_receipt_handle() {
    let error = sqs(5).delete("payments", "garbage", START).unwrap_err();
    assert_eq!(error.to_string(), "The input receipt handle \"garbage\" is not a valid receipt handle.");
}

#[test]
fn a_change_of_visibility_counts_from_the_change() {
    let mut sqs = sqs(5);
    sqs.send("payments", NewMessage::text("one"), START).unwrap();
    let handle = receive_one(&mut sqs, "payments", START).receipt_handle;
    sqs.change_visibility("payments", &handle, 30, at_s(100)).unwrap();
    assert_eq!(sqs.next_receivable("payments"), Some(at_s(130)));
}

#[test]
fn a_message_is_hidden_for_at_most_12_hours_after_its_receive() {
    let mut sqs = sqs(5);
    sqs.send("payments", NewMessage::text("one"), START).unwrap();
    let handle = receive_one(&mut sqs, "payments", START).receipt_handle;
    let error = sqs.change_visibility("payments", &handle, 43_200, at_s(1)).unwrap_err();
    assert!(matches!(error, SqsError::InvalidParameterValue(_)), "{error}");
    assert_eq!(sqs.next_receivable("payments"), Some(at_s(360)), "an error, not a shorter time");
    sqs.change_visibility("payments", &handle, 43_195, at_s(1)).unwrap();
}

#[test]
fn the_visibility_of_a_deleted_message_cannot_be_changed() {
    let mut sqs = sqs(5);
    sqs.send("payments", NewMessage::text("one"), START).unwrap();
    let handle = receive_one(&mut sqs, "payments", START).receipt_handle;
    sqs.delete("payments", &handle, START).unwrap();
    let error = sqs.change_visibility("payments", &handle, 0, START).unwrap_err();
    let expected = format!(
        "Value {handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change."
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_message_above_the_limit_is_refused_in_the_words_of_aws() {
    let body = "x".repeat(1_048_577);
    let error = sqs(5).send("payments", NewMessage::text(body), START).unwrap_err();
    let expected = "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn an_empty_receive_has_no_messages_key() {
    let (status, _, body) = call(&mut sqs(5), "ReceiveMessage", json!({ "QueueUrl": URL }), START);
    assert_eq!((status, body), (200, json!({})));
}

#[test]
fn an_unknown_queue_is_told_by_type_and_by_query_code() {
    let url = "https://sqs.eu-central-1.amazonaws.com/123456789012/nowhere";
    let (status, code, body) =
        call(&mut sqs(5), "SendMessage", json!({ "QueueUrl": url, "MessageBody": "x" }), START);
    assert_eq!((status, code.as_deref()), (400, Some("AWS.SimpleQueueService.NonExistentQueue;Sender")));
    assert_eq!(body["__type"], json!("com.amazonaws.sqs#QueueDoesNotExist"));
    assert_eq!(body["message"], json!("The specified queue does not exist."));
}

#[test]
fn a_failed_entry_of_a_batch_is_reported_inside_a_200() {
    let mut sqs = sqs(5);
    sqs.send("payments", NewMessage::text("one"), START).unwrap();
    let handle = receive_one(&mut sqs, "payments", START).receipt_handle;
    let entries = json!([
        { "Id": "good", "ReceiptHandle": handle, "VisibilityTimeout": 5 },
        { "Id": "bad", "ReceiptHandle": "garbage", "VisibilityTimeout": 5 },
    ]);
    let request = json!({ "QueueUrl": URL, "Entries": entries });
    let (status, _, body) = call(&mut sqs, "ChangeMessageVisibilityBatch", request, START);
    assert_eq!((status, &body["Successful"]), (200, &json!([{ "Id": "good" }])));
    assert_eq!(body["Failed"][0]["Code"], json!("ReceiptHandleIsInvalid"));
    assert_eq!(sqs.next_receivable("payments"), Some(at_s(5)));
}

#[test]
fn a_batch_is_refused_as_a_whole_for_its_envelope() {
    let entry = |id: &str, body: &str| json!({ "Id": id, "MessageBody": body });
    let numbered = |count: usize| (0..count).map(|n| entry(&n.to_string(), "x")).collect::<Vec<Value>>();
    let half = "x".repeat(524_288);
    let cases = [
        (vec![], "AWS.SimpleQueueService.EmptyBatchRequest;Sender"),
        (numbered(20), "AWS.SimpleQueueService.TooManyEntriesInBatchRequest;Sender"),
        (vec![entry("a", "x"), entry("a", "y")], "AWS.SimpleQueueService.BatchEntryIdsNotDistinct;Sender"),
        (vec![entry("no spaces", "x")], "AWS.SimpleQueueService.InvalidBatchEntryId;Sender"),
        (
            vec![entry("a", &half), entry("b", &format!("{half}x"))],
            "AWS.SimpleQueueService.BatchRequestTooLong;Sender",
        ),
    ];
    let mut sqs = sqs(5);
    for (entries, expected) in cases {
        let request = json!({ "QueueUrl": URL, "Entries": entries });
        let (status, code, _) = call(&mut sqs, "SendMessageBatch", request, START);
        assert_eq!((status, code.as_deref()), (400, Some(expected)));
    }
    assert!(sqs.messages("payments", START).unwrap().is_empty());
}

#[test]
fn a_receive_returns_the_attributes_it_was_asked_for() {
    let mut sqs = sqs(5);
    let mut message = NewMessage::text("one");
    for name in ["reason", "origin.queue", "origin.id"] {
        message.attributes.insert(name.to_owned(), MessageAttribute::text("value"));
    }
    sqs.send("payments", message, START).unwrap();
    let request = json!({
        "QueueUrl": URL, "MessageAttributeNames": ["origin.*"], "MessageSystemAttributeNames": ["SentTimestamp"],
    });
    let (_, _, body) = call(&mut sqs, "ReceiveMessage", request, START);
    let message = &body["Messages"][0];
    let names: Vec<&String> = message["MessageAttributes"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["origin.id", "origin.queue"]);
    assert_eq!(message["Attributes"], json!({ "SentTimestamp": START.0.to_string() }));
}

#[test]
fn a_parameter_out_of_range_is_refused_in_the_words_of_aws() {
    let request = json!({ "QueueUrl": URL, "WaitTimeSeconds": 21 });
    let (_, code, body) = call(&mut sqs(5), "ReceiveMessage", request, START);
    assert_eq!(code.as_deref(), Some("InvalidParameterValue;Sender"));
    let expected =
        "Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.";
    assert_eq!(body["message"], json!(expected));
    assert_eq!(body["__type"], json!("com.amazonaws.sqs#InvalidParameterValueException"));
}

#[test]
fn queue_attributes_hold_counts_arn_and_redrive_policy() {
    let request =
        json!({ "QueueUrl": URL, "AttributeNames": ["QueueArn", "RedrivePolicy", "VisibilityTimeout"] });
    let (_, _, body) = call(&mut sqs(5), "GetQueueAttributes", request, START);
    let policy: Value = serde_json::from_str(body["Attributes"]["RedrivePolicy"].as_str().unwrap()).unwrap();
    let dead = "arn:aws:sqs:eu-central-1:123456789012:dead";
    assert_eq!(policy, json!({ "deadLetterTargetArn": dead, "maxReceiveCount": 5 }));
    assert_eq!(body["Attributes"]["VisibilityTimeout"], json!("360"));
    let (_, code, _) =
        call(&mut sqs(5), "GetQueueAttributes", json!({ "QueueUrl": URL, "AttributeNames": ["X"] }), START);
    assert_eq!(code.as_deref(), Some("InvalidAttributeName;Sender"));
}

#[test]
fn an_operation_that_is_not_there_is_refused_by_name() {
    let (status, _, body) = call(&mut sqs(5), "PurgeQueue", json!({ "QueueUrl": URL }), START);
    let said = body["message"].as_str().unwrap();
    assert!(
        status == 400 && said.starts_with("The embedded SQS does not support PurgeQueue; it supports"),
        "{said}"
    );
}

#[test]
fn a_dead_letter_queue_must_exist() {
    let alone = &queues(5)[..1];
    assert_eq!(Sqs::new(alone, 1, START, Journal::default()).unwrap_err(), "dead");
    assert!(Sqs::new(&[queue("alone")], 1, START, Journal::default()).is_ok());
}

#[test]
fn a_number_out_of_its_range_is_an_invalid_value_and_not_an_unreadable_request() {
    let mut sqs = sqs(5);
    sqs.send("payments", NewMessage::text("one"), START).unwrap();
    let handle = receive_one(&mut sqs, "payments", START).receipt_handle;
    let mut code = |operation: &str, parameter: &str, value: i64| {
        let mut body = json!({ "QueueUrl": URL, "MessageBody": "two", "ReceiptHandle": handle });
        body[parameter] = json!(value);
        let (status, code, answer) = call(&mut sqs, operation, body, at_s(1));
        (status, code.unwrap_or_default(), answer["message"].as_str().unwrap_or_default().to_owned())
    };
    for (operation, parameter, values) in [
        ("SendMessage", "DelaySeconds", [-1, 901]),
        ("ReceiveMessage", "WaitTimeSeconds", [-1, 21]),
        ("ReceiveMessage", "MaxNumberOfMessages", [0, 11]),
        ("ReceiveMessage", "MaxNumberOfMessages", [-1, i64::MAX]),
        ("ReceiveMessage", "VisibilityTimeout", [-1, 43_201]),
        ("ChangeMessageVisibility", "VisibilityTimeout", [-1, 43_201]),
    ] {
        for value in values {
            let (status, code, text) = code(operation, parameter, value);
            assert_eq!(
                (status, code.as_str()),
                (400, "InvalidParameterValue;Sender"),
                "{operation} {parameter}"
            );
            assert!(
                text.starts_with(&format!("Value {value} for parameter {parameter} is invalid")),
                "{text}"
            );
        }
    }
}

#[test]
fn one_entry_with_a_number_out_of_its_range_fails_alone() {
    let mut sqs = sqs(5);
    let entry = |id: &str, delay_s: i64| json!({ "Id": id, "MessageBody": "one", "DelaySeconds": delay_s });
    let body = json!({ "QueueUrl": URL, "Entries": [entry("good", 0), entry("bad", -1)] });
    let (status, _, answer) = call(&mut sqs, "SendMessageBatch", body, START);
    assert_eq!((status, &answer["Successful"][0]["Id"]), (200, &json!("good")));
    assert_eq!(
        (&answer["Failed"][0]["Id"], &answer["Failed"][0]["Code"]),
        (&json!("bad"), &json!("InvalidParameterValue"))
    );
}

#[test]
fn an_attribute_that_aws_does_not_take_is_refused_in_its_words() {
    let mut sqs = sqs(5);
    let mut refusal = |name: &str, data_type: &str, value: &str| {
        let attribute = json!({ "DataType": data_type, "StringValue": value });
        let body = json!({ "QueueUrl": URL, "MessageBody": "one", "MessageAttributes": { name: attribute } });
        let (status, _, answer) = call(&mut sqs, "SendMessage", body, START);
        (status == 400).then(|| answer["message"].as_str().unwrap_or_default().to_owned())
    };
    for taken in [
        ("a-1_b.c", "String", "x"),
        ("n", "Number", "-1.5e3"),
        ("n", "Number.int", "7"),
        ("s", "String.date", "now"),
    ] {
        assert_eq!(refusal(taken.0, taken.1, taken.2), None, "{taken:?}");
    }
    let long = "n".repeat(257);
    for name in ["", ".a", "a.", "a..b", "AWS.x", "amazon.x", "ä", "a b", &long] {
        let text = refusal(name, "String", "x").expect("it is refused");
        assert!(text.contains("Attribute name can contain A-Z"), "{name}: {text}");
    }
    let text = refusal("a", "Text", "x").expect("it is refused");
    assert!(text.ends_with("the following supported type prefixes: Binary, Number, String."), "{text}");
    let text = refusal("a", "Number", "eleven").expect("it is refused");
    assert_eq!(text, "Can't cast the value of message (user) attribute 'a' to a number.");
    for (data_type, value) in [("String", ""), ("Binary", "x")] {
        let text = refusal("a", data_type, value).expect("it is refused");
        assert!(text.contains("must contain non-empty message attribute value"), "{text}");
    }
    assert!(refusal("a", "String", "\u{1}").expect("it is refused").starts_with("Invalid characters found."));
}
