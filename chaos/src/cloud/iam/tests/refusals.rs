//! What becomes of calls, and of services' work for one another, that nothing grants.

use super::*;
use crate::cloud::cloudwatch::fixtures::{alarm, number};
use crate::cloud::config::{AlarmActions, AlarmConfig, FunctionConfig, RuleConfig, TargetConfig};
use crate::cloud::container::{Container, Function};
use crate::cloud::event_source::EventSourceError;
use crate::cloud::eventbridge::{Attempt, DeliveryPlan, Pattern};
use crate::cloud::fixtures::{World, consumer, deployed, script, sdk_of};
use crate::cloud::plans::Plans;
use crate::cloud::services::{Caller, Service};
use crate::cloud::sqs::{MoveOrder, NewMessage};
use crate::cloud::{Alerting, CloudError};
use crate::journal::{BusEvent, Event, FunctionEvent, MoveFailure, MoveTaskEvent};
use aws_sdk_sns::error::ProvideErrorMetadata;
use serde_json::json;
use std::io::Write;

/// A running stack whose consumer works under these policies.
pub(super) fn world(policies: Policies) -> World {
    let config = FunctionConfig { sources: vec![], ..under_the_role() };
    let idle = script(async |_, payload, _| Ok(payload));
    deployed(vec![(config, idle)], (Plans::default(), Alerting::default()), policies).expect("it deploys")
}

fn under_the_role() -> FunctionConfig {
    FunctionConfig { role: Some("role".to_owned()), ..consumer() }
}

#[tokio::test(start_paused = true)]
async fn dynamodb_and_secrets_manager_refuse_as_the_sdk_expects() {
    let world = world(role(vec![]));
    let sdk = sdk_of(&world, function());
    let dynamodb = aws_sdk_dynamodb::Client::new(&sdk);
    let key = aws_sdk_dynamodb::types::AttributeValue::S("order-1".to_owned());
    let refused = dynamodb.get_item().table_name("ledger").key("payment_id", key).send().await.unwrap_err();
    assert_eq!(refused.code(), Some("AccessDeniedException"));
    assert!(refused.message().is_some_and(|text| text.contains("dynamodb:GetItem")), "{refused:?}");
    let secrets = aws_sdk_secretsmanager::Client::new(&sdk);
    let refused = secrets.get_secret_value().secret_id("stripe").send().await.unwrap_err();
    assert_eq!(refused.code(), Some("AccessDeniedException"), "asked before it is looked up");
}

#[tokio::test(start_paused = true)]
async fn every_table_of_a_batch_is_asked_about() {
    let world = world(role(vec![own(&["dynamodb:BatchGetItem"], LEDGER)]));
    let body = |tables: &[&str]| {
        let keys = json!({ "Keys": [{ "payment_id": { "S": "order-1" } }] });
        let tables = tables.iter().map(|table| ((*table).to_owned(), keys.clone()));
        json!({ "RequestItems": tables.collect::<serde_json::Map<_, _>>() }).to_string()
    };
    let services = world.cloud.services();
    let caller = Caller { who: Some(&function()), ..Caller::default() };
    for (tables, status) in [(["ledger"].as_slice(), 200), (["ledger", "secrets"].as_slice(), 400)] {
        let (service, body) = (Service::DynamoDb, body(tables));
        let reply = services.answer(service, "BatchGetItem", body.as_bytes(), caller).await;
        assert_eq!(reply.status, status, "{tables:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn sqs_refuses_with_a_query_code_and_a_batch_as_a_whole() {
    let world = world(role(vec![own(&["sqs:SendMessage"], PAYMENTS)]));
    let sqs = aws_sdk_sqs::Client::new(&sdk_of(&world, function()));
    let entry = || {
        let entry = aws_sdk_sqs::types::SendMessageBatchRequestEntry::builder();
        entry.id("a").message_body("a").build().unwrap()
    };
    sqs.send_message_batch().queue_url(names::queue_url("payments")).entries(entry()).send().await.unwrap();
    let batch = sqs.send_message_batch().queue_url(names::queue_url("dead")).entries(entry());
    let refused = batch.send().await.unwrap_err();
    assert_eq!(refused.raw_response().map(|response| response.status().as_u16()), Some(403));
    assert_eq!(refused.code(), Some("AccessDenied"));
    assert_eq!(
        refused.message(),
        Some(format!("User: {SESSION} is not authorized to perform: sqs:sendmessage on resource: {DEAD} because no identity-based policy allows the sqs:sendmessage action").as_str())
    );
}

#[tokio::test(start_paused = true)]
async fn a_publisher_needs_the_topic_and_its_key() {
    let topic = || own(&["sns:Publish"], ALERTS);
    let key = || own(&["kms:Decrypt", "kms:GenerateDataKey*"], KEY);
    let code = async |statements: Vec<Statement>| {
        let account = vec![allow("key", Named::Account, &["kms:*"], "*")];
        let mut policies = with(role(statements), KEY, account);
        policies.keys.insert(ALERTS.to_owned(), KEY.to_owned());
        let world = world(policies);
        let sns = aws_sdk_sns::Client::new(&sdk_of(&world, function()));
        let published = sns.publish().topic_arn(ALERTS).message("37 payments").send().await;
        published.err().map(|error| error.code().unwrap_or_default().to_owned())
    };
    assert_eq!(code(vec![topic(), key()]).await, None);
    assert_eq!(code(vec![key()]).await.as_deref(), Some("AuthorizationError"));
    assert_eq!(code(vec![topic()]).await.as_deref(), Some("KMSAccessDenied"));
    assert_eq!(code(vec![topic(), own(&["kms:Decrypt"], KEY)]).await.as_deref(), Some("KMSAccessDenied"));
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_may_not_publish_tells_nobody() {
    let mails = async |topic: Vec<Statement>, key: Vec<Statement>| {
        let mut policies = with(with(role(vec![]), ALERTS, topic), KEY, key);
        policies.keys.insert(ALERTS.to_owned(), KEY.to_owned());
        let actions = AlarmActions { alarm: vec![ALERTS.to_owned()], ..AlarmActions::default() };
        let waiting = AlarmConfig { threshold: number(0.0), actions, ..alarm() };
        let alerting = Alerting { alarms: vec![waiting], ..Alerting::default() };
        let world = deployed(vec![], (Plans::default(), alerting), policies).expect("it deploys");
        world.run_for_s(120).await;
        let text = NewMessage::text("dead");
        world.cloud.services().sqs().send("dead", text, world.clock.now()).unwrap();
        world.run_for_s(600).await;
        world.cloud.services().sns().mailbox().len()
    };
    let cloudwatch = || Named::Service("cloudwatch.amazonaws.com".to_owned());
    let topic = || vec![allow("topic", cloudwatch(), &["sns:Publish"], ALERTS)];
    let key = || vec![allow("key", cloudwatch(), &["kms:Decrypt", "kms:GenerateDataKey*"], "*")];
    assert_eq!(mails(topic(), key()).await, 1);
    assert_eq!(mails(vec![], key()).await, 0);
    assert_eq!(mails(topic(), vec![]).await, 0, "under a key that does not let CloudWatch in");
}

/// Lambda refuses every event.
struct Refusing;

impl DeliveryPlan for Refusing {
    fn attempt(&self, _: &str, _: &str, _: u32, _: UnixMs) -> Attempt {
        Attempt::Refused
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_its_queue_does_not_take_is_lost() {
    let kept = async |queue: Vec<Statement>| {
        let pattern = Pattern::parse(&json!({ "source": ["aws.cloudwatch"] })).unwrap();
        let target = TargetConfig { dead_letter_queue: Some("dead".to_owned()), ..TargetConfig::default() };
        let rule = RuleConfig { name: "alarms".to_owned(), pattern, target };
        let config = FunctionConfig { sources: vec![], rules: vec![rule], ..under_the_role() };
        let idle = script(async |_, payload, _| Ok(payload));
        let waiting = AlarmConfig { threshold: number(0.0), ..alarm() };
        let alerting = Alerting { alarms: vec![waiting], ..Alerting::default() };
        let plans = Plans { deliveries: Arc::new(Refusing), ..Plans::default() };
        let policies = with(role(vec![]), DEAD, queue);
        let world = deployed(vec![(config, idle)], (plans, alerting), policies).expect("it deploys");
        world.run_for_s(600).await;
        world.events(|event| {
            let Event::Bus(BusEvent::Undelivered { queue, .. }) = event else { return None };
            Some(queue.is_some())
        })
    };
    let events = Named::Service("events.amazonaws.com".to_owned());
    let letting = kept(vec![allow("queue", events, &["sqs:SendMessage"], DEAD)]).await;
    assert!(!letting.is_empty() && letting.iter().all(|kept| *kept));
    let closed = kept(vec![]).await;
    assert!(!closed.is_empty() && closed.iter().all(|kept| !kept));
}

#[tokio::test(start_paused = true)]
async fn a_mapping_whose_role_may_not_poll_cannot_be_created() {
    const POLLS: [&str; 3] = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
    let deploy = |actions: &[&str]| {
        let functions = vec![(under_the_role(), script(async |_, payload, _| Ok(payload)))];
        deployed(functions, (Plans::default(), Alerting::default()), role(vec![own(actions, PAYMENTS)]))
    };
    assert!(deploy(&POLLS).is_ok());
    for (left_out, operation) in [(0, "ReceiveMessage"), (1, "DeleteMessage"), (2, "GetQueueAttributes")] {
        let others: Vec<&str> = POLLS.into_iter().filter(|action| *action != POLLS[left_out]).collect();
        let refused = deploy(&others).err();
        let error = EventSourceError::NotPermitted(operation);
        assert_eq!(refused, Some(CloudError::EventSource { function: "Consumer".to_owned(), error }));
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_that_does_not_trust_lambda_cannot_be_a_functions() {
    let mut policies = role(vec![own(&["*"], "*")]);
    policies.resources.clear();
    let functions = vec![(under_the_role(), script(async |_, payload, _| Ok(payload)))];
    let refused = deployed(functions, (Plans::default(), Alerting::default()), policies).err();
    assert_eq!(refused, Some(CloudError::Role("Consumer".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn a_move_task_works_with_the_permissions_of_whoever_started_it() {
    let ended = async |taking: &[&str], sending: &[&str]| {
        let world = world(role(vec![own(taking, DEAD), own(sending, PAYMENTS)]));
        world.send("a payment");
        for _ in 0..6 {
            world.cloud.services().sqs().receive("payments", 1, Some(0), world.clock.now()).unwrap();
        }
        world.run_for_s(10).await;
        let order = MoveOrder { source: "dead", destination: None, rate_per_s: None };
        world.cloud.services().sqs().start_move_as(Some(&function()), order, world.clock.now()).unwrap();
        world.run_for_s(60).await;
        world.events(|event| {
            let Event::MoveTask(MoveTaskEvent::Ended { moved, reason, .. }) = event else { return None };
            Some((*moved, *reason))
        })
    };
    let takes = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
    assert_eq!(ended(&takes, &["sqs:SendMessage"]).await, [(1, None)]);
    assert_eq!(ended(&takes, &[]).await, [(0, Some(MoveFailure::AccessDenied))]);
    for left_out in 0..takes.len() {
        let others: Vec<&str> = takes.into_iter().filter(|action| *action != takes[left_out]).collect();
        assert_eq!(
            ended(&others, &["sqs:SendMessage"]).await,
            [(0, Some(MoveFailure::AccessDenied))],
            "{others:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn metrics_of_a_function_whose_log_lambda_may_not_write_are_lost() {
    let lines = async |statements: Vec<Statement>| {
        let writing: Arc<dyn Function> = script(async |container: Container, payload, _| {
            writeln!(container.metrics.clone(), "{{}}").map_err(|error| error.to_string())?;
            Ok(payload)
        });
        let config = FunctionConfig { sources: vec![], ..under_the_role() };
        let functions = vec![(config, writing)];
        let world = deployed(functions, (Plans::default(), Alerting::default()), role(statements));
        let world = world.expect("it deploys");
        world.cloud.function("Consumer").unwrap().invoke(b"{}".to_vec(), vec![]).await;
        world
            .events(|event| matches!(event, Event::Function(FunctionEvent::Metrics { .. })).then_some(()))
            .len()
    };
    let group = "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/payments-consumer:*";
    assert_eq!(lines(vec![own(&["logs:CreateLogStream", "logs:PutLogEvents"], group)]).await, 1);
    assert_eq!(lines(vec![own(&["logs:CreateLogStream"], group)]).await, 0);
    assert_eq!(lines(vec![own(&["logs:PutLogEvents"], group)]).await, 0);
}
