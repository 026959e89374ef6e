//! Every request to SQS, field by field, and every answer of it that something is decided by.

use super::*;
use crate::config::tests::get;
use crate::recorder::Recorder;
use aws_credential_types::Credentials;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Config as SdkConfig, Region};
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{Message, MessageAttributeValue, MessageSystemAttributeName};
use host::quarantine::Label;
use payments::incident::{Depth, MoveTask, TaskStatus};
use payments::{Payment, UnixMs};
use serde_json::{Value, json};

fn writer(recorder: &Recorder) -> Writer {
    let sdk = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("AKIA", "secret", None, None, "test"))
        .http_client(recorder.http_client());
    let config = Config::from_environment(get).expect("complete");
    Writer::new(Client::from_conf(sdk.build()), &config)
}

fn attribute(data_type: &str, text: Option<&str>, bytes: Option<&[u8]>) -> MessageAttributeValue {
    MessageAttributeValue::builder()
        .data_type(data_type)
        .set_string_value(text.map(str::to_owned))
        .set_binary_value(bytes.map(Blob::new))
        .build()
        .expect("the data type is set")
}

/// With an attribute of each type, and what SQS says of it.
fn message() -> Message {
    Message::builder()
        .message_id("message-1")
        .receipt_handle("receipt-1")
        .body("the body")
        .message_attributes("count", attribute("Number.int", Some("7"), None))
        .message_attributes("seal", attribute("Binary.png", None, Some(&[0, 255])))
        .message_attributes("trace", attribute("String", Some("t-1"), None))
        .attributes(MessageSystemAttributeName::SentTimestamp, "1767609720000")
        .attributes(MessageSystemAttributeName::AwsTraceHeader, "Root=1-2-3")
        .build()
}

fn payment() -> Payment {
    let body = r#"{"payment_id":"order-1042","amount":1999,"currency":"eur","payment_method":"pm_card_visa",
        "customer":"cus_123","description":"2 CDs","metadata":{"k":"v"}}"#;
    Payment::parse(body).expect("valid")
}

fn tasks(status: &str, more: &[(&str, Value)]) -> Value {
    let mut task = json!({
        "Status": status,
        "StartedTimestamp": 1_767_609_720_003_i64,
        "ApproximateNumberOfMessagesMoved": 11,
        "ApproximateNumberOfMessagesToMove": 13,
    });
    for (name, value) in more {
        task[*name] = value.clone();
    }
    json!({ "Results": [task] })
}

const QUEUES: [Queue; 3] = [Queue::Source, Queue::DeadLetters, Queue::Quarantine];

#[tokio::test]
async fn every_look_is_what_it_was() {
    let recorder = Recorder::default();
    let writer = writer(&recorder);
    let reader = writer.reader();
    // Whatever comes of them: nothing is answered.
    for queue in QUEUES {
        let _ = reader.depth(queue).await;
        let _ = reader.receive(queue).await;
    }
    let _ = reader.receive_for(Queue::Quarantine, 123).await;
    let _ = reader.newest_task().await;
    let other = Message::builder().receipt_handle("receipt-2").build();
    let _ = reader.show(Queue::DeadLetters, &[message(), other]).await;
    insta::assert_snapshot!(recorder.told());
}

#[tokio::test]
async fn every_act_is_what_it_was() {
    let recorder = Recorder::answering([
        json!({}),
        tasks("RUNNING", &[("TaskHandle", json!("handle-1"))]),
        json!({ "ApproximateNumberOfMessagesMoved": 5 }),
    ]);
    let writer = writer(&recorder);
    writer.start_move_task().await.expect("it is answered");
    writer.cancel_move_task().await.expect("it is answered");
    writer.send_back(&message()).await.expect("it is answered");
    writer.send_payment(&payment()).await.expect("it is answered");
    let label = Label { reason: "stuck", detail: Some("intent_missing"), original: Some("message-0") };
    let _ = writer.quarantine_copy(&message(), label).await;
    writer.delete(Queue::Quarantine, &message()).await.expect("it is answered");
    insta::assert_snapshot!(recorder.told());
}

#[tokio::test]
async fn more_than_a_batch_is_shown_in_several_and_those_that_are_count() {
    let shown = |ids: &[&str]| {
        let entries = |ids: &[&str]| ids.iter().map(|id| json!({ "Id": id })).collect::<Vec<_>>();
        let failed = json!([{ "Id": "9", "Code": "ReceiptHandleIsInvalid", "SenderFault": true }]);
        json!({ "Successful": entries(ids), "Failed": failed })
    };
    let recorder = Recorder::answering([shown(&["0", "1", "2"]), shown(&["0"])]);
    let messages: Vec<Message> =
        (0..12).map(|n| Message::builder().receipt_handle(format!("receipt-{n}")).build()).collect();
    let writer = writer(&recorder);
    assert_eq!(writer.reader().show(Queue::Quarantine, &messages).await.expect("it is answered"), 4);
    let handles = |body: &Value| {
        let entries = body["Entries"].as_array().cloned().unwrap_or_default();
        entries
            .iter()
            .map(|entry| entry["ReceiptHandle"].as_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    let asked: Vec<Vec<String>> = recorder.taken().iter().map(|(_, body)| handles(body)).collect();
    let expected: Vec<String> = (0..12).map(|n| format!("receipt-{n}")).collect();
    assert_eq!(asked, [expected[..10].to_vec(), expected[10..].to_vec()]);
}

#[tokio::test]
async fn a_depth_is_read_number_by_number_and_one_that_is_missing_is_no_zero() {
    let attributes = json!({
        "ApproximateNumberOfMessages": "3",
        "ApproximateNumberOfMessagesNotVisible": "5",
        "ApproximateNumberOfMessagesDelayed": "7",
        "MessageRetentionPeriod": "345600",
    });
    let look = async |attributes: &Value| {
        let recorder = Recorder::answering([json!({ "Attributes": attributes })]);
        writer(&recorder).reader().depth_and_retention(Queue::Source).await
    };
    let depth = Depth { visible: 3, in_flight: 5, delayed: 7 };
    assert_eq!(look(&attributes).await.expect("complete"), (depth, Some(345_600_000)));
    for name in attributes.as_object().expect("an object").keys() {
        let mut less = attributes.clone();
        less.as_object_mut().expect("an object").remove(name);
        let seen = look(&less).await;
        if name == "MessageRetentionPeriod" {
            assert_eq!(seen.expect("the depth is there"), (depth, None));
        } else {
            assert!(seen.is_err_and(|error| error.to_string().contains(name.as_str())), "{name}");
        }
    }
}

#[tokio::test]
async fn a_move_task_is_read_number_by_number() {
    let newest = async |answer: Value| {
        writer(&Recorder::answering([answer])).reader().newest_task().await.expect("it is answered")
    };
    let failed = tasks("FAILED", &[("FailureReason", json!("NonExistentQueue"))]);
    let expected = MoveTask {
        started_at: UnixMs(1_767_609_720_003),
        status: TaskStatus::Failed("NonExistentQueue".to_owned()),
        moved: 11,
    };
    assert_eq!(newest(failed).await, Some(expected));
    for (text, status) in [
        ("RUNNING", TaskStatus::Running),
        ("COMPLETED", TaskStatus::Completed),
        ("CANCELLED", TaskStatus::Cancelled),
        ("CANCELLING", TaskStatus::Cancelling),
    ] {
        assert_eq!(newest(tasks(text, &[])).await.map(|task| task.status), Some(status), "{text}");
    }
    assert_eq!(newest(json!({ "Results": [] })).await, None);
}

#[tokio::test]
async fn a_copy_in_quarantine_is_known_by_the_id_that_sqs_gave_it() {
    let recorder = Recorder::answering([json!({ "MessageId": "copy-1", "MD5OfMessageBody": "x" })]);
    let label = Label { reason: "stuck", detail: None, original: None };
    let copy = writer(&recorder).quarantine_copy(&message(), label).await;
    assert_eq!(copy.expect("it is answered"), "copy-1");
    let unnamed = writer(&Recorder::default()).quarantine_copy(&message(), label).await;
    assert!(unnamed.is_err(), "a copy without an id cannot be found again");
}
