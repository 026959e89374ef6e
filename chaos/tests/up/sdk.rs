//! Every service over a real socket, asked by AWS's own SDK; and what it does not know.

use super::Up;
use aws_sdk_cloudwatch::types::StateValue;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};
use aws_smithy_async::time::{SharedTimeSource, StaticTimeSource};
use aws_types::SdkConfig;
use serde_json::json;

/// What the lines that `up` prints make of an SDK.
fn sdk(up: &Up) -> SdkConfig {
    let endpoint = up.standing.aws.clone();
    let environment = move |name: &str| match name {
        "AWS_ENDPOINT_URL" => Some(endpoint.clone()),
        "AWS_REGION" => Some("eu-central-1".to_owned()),
        "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("local".to_owned()),
        _ => None,
    };
    let time = SharedTimeSource::new(StaticTimeSource::from_secs(1_767_603_600));
    host::aws::on_lambda(environment, time).expect("everything is there")
}

/// Over one connection after the other, as the SDK keeps them.
fn with<T>(up: &Up, work: impl AsyncFnOnce(SdkConfig) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("there is a runtime").block_on(work(sdk(up)))
}

#[test]
fn sqs_speaks_to_the_sdk_and_its_errors_have_their_types() {
    let up = Up::new("sqs");
    with(&up, async |sdk| {
        let sqs = aws_sdk_sqs::Client::new(&sdk);
        let url = sqs.get_queue_url().queue_name("payments-quarantine").send().await.expect("it is there");
        let url = url.queue_url().expect("a URL").to_owned();
        assert!(url.starts_with(&up.standing.aws), "{url} leads here");
        let sent = sqs.send_message().queue_url(&url).message_body("held").send().await.expect("it is taken");
        let received = sqs.receive_message().queue_url(&url).wait_time_seconds(5);
        let received = received.message_system_attribute_names(MessageSystemAttributeName::All);
        let received = received.send().await.expect("it is handed out");
        let message = &received.messages()[0];
        assert_eq!((message.message_id(), message.body()), (sent.message_id(), Some("held")));
        let handle = message.receipt_handle().expect("a handle");
        sqs.delete_message().queue_url(&url).receipt_handle(handle).send().await.expect("it is deleted");
        let count = QueueAttributeName::ApproximateNumberOfMessagesNotVisible;
        let asked = sqs.get_queue_attributes().queue_url(&url).attribute_names(count.clone()).send().await;
        assert_eq!(asked.expect("they are there").attributes().expect("one")[&count], "0");
        let none = sqs.get_queue_url().queue_name("none").send().await.expect_err("there is none");
        assert!(none.into_service_error().is_queue_does_not_exist());
    });
}

#[test]
fn sns_dynamodb_cloudwatch_and_secrets_manager_speak_to_the_sdk() {
    let up = Up::new("services");
    with(&up, async |sdk| {
        let sns = aws_sdk_sns::Client::new(&sdk);
        let topic = up.standing.deployed.stack.outputs["AlertsTopicArn"].clone();
        let published = sns.publish().topic_arn(&topic).subject("hear, hear").message("a mail");
        published.send().await.expect("it is published");

        let dynamodb = aws_sdk_dynamodb::Client::new(&sdk);
        let key = AttributeValue::S("order-1".to_owned());
        let got = dynamodb.get_item().table_name("payments-ledger").key("payment_id", key).send().await;
        assert!(got.expect("the table is there").item().is_none());

        let cloudwatch = aws_sdk_cloudwatch::Client::new(&sdk);
        let alarms = cloudwatch.describe_alarms().alarm_names("payments-ConsumerFailing").send().await;
        let alarms = alarms.expect("they are told");
        assert_eq!(alarms.metric_alarms().len(), 1);
        assert_eq!(alarms.metric_alarms()[0].state_value(), Some(&StateValue::Ok));

        let secrets = aws_sdk_secretsmanager::Client::new(&sdk);
        let secret = secrets.get_secret_value().secret_id(&up.standing.deployed.secret).send().await;
        assert_eq!(secret.expect("it is there").secret_string(), Some("sk_test_up"));
    });
    let mails = up.raw("GET", "/chaos/mails", &[], "").value();
    assert_eq!(mails["mails"][0]["subject"], "hear, hear");
    let mail = up.raw("GET", "/chaos/mails/1", &[], "");
    assert!(
        mail.body.starts_with("Date: 2026-01-05T") && mail.body.ends_with("\n\na mail\n"),
        "{}",
        mail.body
    );
    assert!(up.raw("GET", "/chaos/mails/2", &[], "").body.contains("no such mail; 1 arrived"));
}

#[test]
fn cloudwatch_speaks_json_to_the_command_line() {
    let up = Up::new("json");
    let described = |asked: &str| up.json("GraniteServiceVersion20100801.DescribeAlarms", asked).value();
    let names = |asked: &str| described(asked)["MetricAlarms"].as_array().expect("alarms").len();
    assert_eq!((names("{}"), names(r#"{"AlarmNames":["payments-ConsumerFailing"]}"#)), (11, 1));
    assert_eq!(names(r#"{"StateValue":"ALARM"}"#), 0);
    let enabled = || {
        described(r#"{"AlarmNames":["payments-ConsumerFailing"]}"#)["MetricAlarms"][0]["ActionsEnabled"]
            .clone()
    };
    for (operation, expected) in [("DisableAlarmActions", false), ("EnableAlarmActions", true)] {
        let target = format!("GraniteServiceVersion20100801.{operation}");
        assert_eq!(up.json(&target, r#"{"AlarmNames":["payments-ConsumerFailing"]}"#).status, 200);
        assert_eq!(enabled(), json!(expected));
    }
}

#[test]
fn what_is_not_there_is_answered_in_its_own_form_with_what_is() {
    let up = Up::new("unknown");
    for (target, accepted) in [
        ("AmazonSQS.PurgeQueue", "it supports SendMessage"),
        ("DynamoDB_20120810.ExportTableToPointInTime", "does not support"),
        ("secretsmanager.PutSecretValue", "it supports GetSecretValue"),
        ("GraniteServiceVersion20100801.PutMetricAlarm", "it supports DescribeAlarms"),
        ("Logs_20140328.CreateLogGroup", "it supports FilterLogEvents"),
        ("AWSEvents.PutRule", "it supports PutEvents"),
        ("Kinesis_20131202.PutRecord", "here are SQS"),
    ] {
        let answer = up.json(target, "{}");
        let said = answer.value();
        let said = said["message"].as_str().unwrap_or_else(|| panic!("{target}: {}", answer.body));
        assert!(answer.status == 400 && said.contains(accepted), "{target}: {said}");
    }
    for (form, code) in [
        ("Action=CreateTopic&Version=2010-03-31", "UnsupportedOperation"),
        ("Action=CreateStack&Version=2010-05-15", "<Code>InvalidAction</Code>"),
        ("Action=GetSessionToken&Version=2011-06-15", "it supports GetCallerIdentity"),
    ] {
        let answer = up.raw("POST", "/", &["Content-Type: application/x-www-form-urlencoded"], form);
        assert!(answer.status == 400 && answer.body.contains("<ErrorResponse"), "{}", answer.body);
        assert!(code == "UnsupportedOperation" || answer.body.contains(code), "{}", answer.body);
    }
    let answer = up.raw("POST", "/2015-03-31/functions", &[], "{}");
    assert!(answer.status == 404 && answer.body.contains("supports Invoke"), "{}", answer.body);
}

#[test]
fn nobody_outside_speaks_for_aws_on_the_bus() {
    let up = Up::new("bus");
    let put = |source: &str, detail: &str| {
        let entry = json!({ "Entries": [{ "Source": source, "DetailType": "t", "Detail": detail }] });
        up.json("AWSEvents.PutEvents", &entry.to_string()).value()
    };
    assert_eq!(put("aws.cloudwatch", "{}")["Entries"][0]["ErrorCode"], "NotAuthorizedForSourceException");
    assert_eq!(put("mine", "no JSON")["Entries"][0]["ErrorCode"], "MalformedDetail");
    assert_eq!(put("mine", "{}")["FailedEntryCount"], 0);
    let rule = up.json("AWSEvents.DescribeRule", r#"{"Name":"payments-turns"}"#).value();
    assert_eq!(rule["ScheduleExpression"], "rate(1 minute)");
}
