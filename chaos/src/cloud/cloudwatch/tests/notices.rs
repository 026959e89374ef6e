use super::super::fixtures::alarm;
use super::*;

fn fired(config: AlarmConfig) -> Transition {
    let mut account = Account::new(&[config]);
    account.pass(5);
    account.send_two();
    account.pass(1);
    account.transitions().pop().unwrap()
}

#[test]
fn a_transition_makes_the_event_that_cloudwatch_sends() {
    let transition = fired(alarm());
    let event = transition.event();
    assert_eq!(
        (event.source.as_str(), event.detail_type.as_str()),
        ("aws.cloudwatch", "CloudWatch Alarm State Change")
    );
    assert_eq!(event.resources, ["arn:aws:cloudwatch:eu-central-1:123456789012:alarm:waiting"]);
    let mut detail = event.detail;
    let id = detail["configuration"]["metrics"][0]["id"].take();
    assert_eq!(id.as_str().unwrap().len(), 36, "CloudWatch makes an id up");
    for state in ["previousState", "state"] {
        let data = detail[state]["reasonData"].take();
        let data: serde_json::Value = serde_json::from_str(data.as_str().unwrap()).unwrap();
        assert_eq!(data["statistic"], "Maximum");
    }
    let expected = json!({
        "alarmName": "waiting",
        "configuration": {
            "description": "Payments wait.",
            "metrics": [{
                "id": null,
                "metricStat": {
                    "metric": {
                        "dimensions": { "QueueName": "dead" },
                        "name": "ApproximateNumberOfMessagesVisible",
                        "namespace": "AWS/SQS",
                    },
                    "period": 60,
                    "stat": "Maximum",
                },
                "returnData": true,
            }],
        },
        "previousState": {
            "reason": "Threshold Crossed: 1 datapoint [0.0 (10/07/19 16:35:00)] was not greater than the threshold (1.0).",
            "reasonData": null,
            "timestamp": "2019-07-10T16:37:00.000+0000",
            "value": "OK",
        },
        "state": {
            "reason": "Threshold Crossed: 1 datapoint [2.0 (10/07/19 16:40:00)] was greater than the threshold (1.0).",
            "reasonData": null,
            "timestamp": "2019-07-10T16:42:00.000+0000",
            "value": "ALARM",
        },
    });
    assert_eq!(detail, expected);
}

#[test]
fn the_first_event_of_an_alarm_has_a_previous_state_without_data() {
    let mut account = Account::new(&[alarm()]);
    account.pass(1);
    let event = account.transitions().pop().unwrap().event();
    let previous = &event.detail["previousState"];
    assert_eq!(previous["reason"], "Unchecked: Initial alarm creation");
    assert_eq!(previous["value"], "INSUFFICIENT_DATA");
    assert!(previous.get("reasonData").is_none());
}

#[test]
fn an_event_of_metric_math_shows_every_query_and_which_one_counts() {
    let mut account = Account::new(&[failing()]);
    let event = account.transitions().pop().unwrap().event();
    let metrics = event.detail["configuration"]["metrics"].as_array().unwrap().clone();
    let returned: Vec<_> = metrics.iter().map(|it| (it["id"].clone(), it["returnData"].clone())).collect();
    assert_eq!(returned[0], (json!("ratio"), json!(true)));
    assert!(returned[1..].iter().all(|(_, returned)| *returned == json!(false)));
    assert_eq!(metrics[0]["expression"], "FILL(share, 0)");
    assert_eq!(metrics[2]["metricStat"]["metric"]["name"], "StripeCalls");
    let data: serde_json::Value =
        serde_json::from_str(event.detail["state"]["reasonData"].as_str().unwrap()).unwrap();
    assert!(data.get("statistic").is_none(), "an expression has none");
}

#[test]
fn a_topic_is_told_of_the_state_it_was_named_for() {
    let topic = |name: &str| vec![crate::cloud::names::topic_arn(name)];
    let actions = AlarmActions { alarm: topic("on-call"), ok: topic("relief"), insufficient_data: vec![] };
    let transition = fired(AlarmConfig { actions, ..alarm() });
    let [publication] = transition.publications().try_into().unwrap();
    assert_eq!(publication.topic_arn, "arn:aws:sns:eu-central-1:123456789012:on-call");
    assert_eq!(publication.subject, r#"ALARM: "waiting" in EU (Frankfurt)"#);
    let message: serde_json::Value = serde_json::from_str(&publication.document).unwrap();
    let expected = json!({
        "AlarmName": "waiting",
        "AlarmDescription": "Payments wait.",
        "AWSAccountId": "123456789012",
        "AlarmConfigurationUpdatedTimestamp": "2019-07-10T16:35:00.000+0000",
        "NewStateValue": "ALARM",
        "NewStateReason": "Threshold Crossed: 1 datapoint [2.0 (10/07/19 16:40:00)] was greater than the threshold (1.0).",
        "StateChangeTime": "2019-07-10T16:42:00.000+0000",
        "Region": "EU (Frankfurt)",
        "AlarmArn": "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:waiting",
        "OldStateValue": "OK",
        "OKActions": ["arn:aws:sns:eu-central-1:123456789012:relief"],
        "AlarmActions": ["arn:aws:sns:eu-central-1:123456789012:on-call"],
        "InsufficientDataActions": [],
        "Trigger": {
            "MetricName": "ApproximateNumberOfMessagesVisible",
            "Namespace": "AWS/SQS",
            "StatisticType": "Statistic",
            "Statistic": "MAXIMUM",
            "Unit": null,
            "Dimensions": [{ "value": "dead", "name": "QueueName" }],
            "Period": 60,
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 1.0,
            "TreatMissingData": "missing",
            "EvaluateLowSampleCountPercentile": "",
        },
    });
    assert_eq!(message, expected);
}

/// The transition of an alarm that tells a topic.
fn told(config: AlarmConfig) -> String {
    let topic = vec![crate::cloud::names::topic_arn("on-call")];
    let actions = AlarmActions { alarm: topic.clone(), ok: topic.clone(), insufficient_data: topic };
    let config = AlarmConfig { actions, ..config };
    let transition = if config.name == "waiting" {
        fired(config)
    } else {
        Account::new(&[config]).transitions().pop().unwrap()
    };
    transition.publications().pop().unwrap().letter
}

#[test]
fn an_alarm_on_a_percentile_elsewhere_says_so() {
    let transition = super::edges::slow();
    let event = transition.event();
    let stat = &event.detail["configuration"]["metrics"][0]["metricStat"];
    assert_eq!(stat["stat"], "p90");
    assert_eq!(event.resources, ["arn:aws:cloudwatch:us-east-1:123456789012:alarm:slow"]);
    let [publication] = transition.publications().try_into().unwrap();
    assert_eq!(publication.subject, r#"ALARM: "slow" in US East (N. Virginia)"#);
    let document: serde_json::Value = serde_json::from_str(&publication.document).unwrap();
    let trigger = &document["Trigger"];
    assert_eq!(
        (&trigger["StatisticType"], &trigger["ExtendedStatistic"]),
        (&json!("ExtendedStatistic"), &json!("p90"))
    );
    assert!(trigger.get("Statistic").is_none(), "{trigger}");
    insta::assert_snapshot!("letter_about_a_percentile", publication.letter);
}

#[test]
fn people_get_the_mail_that_cloudwatch_writes() {
    insta::assert_snapshot!("letter_about_a_metric", told(alarm()));
    insta::assert_snapshot!("letter_about_an_expression", told(failing()));
}
