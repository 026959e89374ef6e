use super::*;
use crate::cloud::fixtures::{sdk, sdk_under, world};
use crate::cloud::sqs::Standing;
use crate::journal::{Event, TableEvent};
use crate::link::CrashPoints;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{
    AttributeValue as Attribute, ReturnValue, ReturnValuesOnConditionCheckFailure,
};
use std::time::Duration;

const PAYMENTS: &str = "https://sqs.eu-central-1.amazonaws.com/123456789012/payments";

fn text(value: &str) -> Attribute {
    Attribute::S(value.to_owned())
}

#[tokio::test(start_paused = true)]
async fn messages_go_through_the_real_sqs_client() {
    let world = world(vec![]);
    let (config, link) = sdk(&world);
    let sqs = aws_sdk_sqs::Client::new(&config);
    let attribute = aws_sdk_sqs::types::MessageAttributeValue::builder()
        .data_type("String")
        .string_value("poison")
        .build()
        .unwrap();
    let sent =
        sqs.send_message().queue_url(PAYMENTS).message_body("one").message_attributes("reason", attribute);
    let id = sent.send().await.unwrap().message_id.unwrap();
    assert_eq!(link.hops(), 2, "one before the effect, one after it");

    let received = sqs
        .receive_message()
        .queue_url(PAYMENTS)
        .message_attribute_names("All")
        .message_system_attribute_names(aws_sdk_sqs::types::MessageSystemAttributeName::All);
    let message = received.send().await.unwrap().messages.unwrap().remove(0);
    assert_eq!(message.message_id.as_deref(), Some(id.as_str()));
    assert_eq!(message.message_attributes.unwrap()["reason"].string_value.as_deref(), Some("poison"));

    let handle = message.receipt_handle.unwrap();
    let change =
        sqs.change_message_visibility().queue_url(PAYMENTS).receipt_handle(&handle).visibility_timeout(5);
    change.send().await.unwrap();
    let held = world.cloud.services().sqs().messages("payments", world.clock.now()).unwrap();
    assert_eq!(held[0].standing, Standing::InFlight);
    sqs.delete_message().queue_url(PAYMENTS).receipt_handle(handle).send().await.unwrap();
    assert!(world.cloud.services().sqs().messages("payments", world.clock.now()).unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn sqs_errors_are_typed() {
    let world = world(vec![]);
    let sqs = aws_sdk_sqs::Client::new(&sdk(&world).0);
    let unknown =
        sqs.send_message().queue_url("https://sqs/1/nowhere").message_body("x").send().await.unwrap_err();
    assert!(unknown.into_service_error().is_queue_does_not_exist());
    let garbage =
        sqs.delete_message().queue_url(PAYMENTS).receipt_handle("garbage").send().await.unwrap_err();
    assert!(garbage.into_service_error().is_receipt_handle_is_invalid());
    let purge = sqs.purge_queue().queue_url(PAYMENTS).send().await.unwrap_err().into_service_error();
    let said = purge.message().unwrap();
    assert!(
        said.starts_with("The embedded SQS does not support PurgeQueue; it supports SendMessage"),
        "{said}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_returns_as_soon_as_there_is_a_message() {
    let world = world(vec![]);
    let sqs = aws_sdk_sqs::Client::new(&sdk(&world).0);
    let poll = sqs.receive_message().queue_url(PAYMENTS).wait_time_seconds(20).send();
    let send = async {
        world.run_for_s(7).await;
        world.send("late")
    };
    let (polled, id) = tokio::join!(poll, send);
    assert_eq!(polled.unwrap().messages.unwrap()[0].message_id.as_deref(), Some(id.as_str()));
    assert_eq!(world.clock.now(), world.clock.start().plus_ms(7000));

    let empty = sqs.receive_message().queue_url(PAYMENTS).wait_time_seconds(20).send().await.unwrap();
    assert_eq!(empty.messages, None);
    assert!(world.clock.now() >= world.clock.start().plus_ms(27_000));
}

#[tokio::test(start_paused = true)]
async fn the_ledger_goes_through_the_real_dynamodb_client_and_is_journaled() {
    let world = world(vec![]);
    let dynamodb = aws_sdk_dynamodb::Client::new(&sdk(&world).0);
    let update = || {
        dynamodb
            .update_item()
            .table_name("ledger")
            .key("payment_id", text("order-1"))
            .update_expression("SET #state = :state, version = if_not_exists(version, :zero) + :one")
            .condition_expression("attribute_not_exists(payment_id)")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":state", text("received"))
            .expression_attribute_values(":zero", Attribute::N("0".to_owned()))
            .expression_attribute_values(":one", Attribute::N("1".to_owned()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    };
    let first = update().return_values(ReturnValue::AllNew).send().await.unwrap();
    assert_eq!(first.attributes.unwrap()["version"], Attribute::N("1".to_owned()));

    let refused = update().send().await.unwrap_err().into_service_error();
    let aws_sdk_dynamodb::operation::update_item::UpdateItemError::ConditionalCheckFailedException(refused) =
        refused
    else {
        panic!("expected a failed condition, got {refused:?}");
    };
    assert_eq!(refused.item.unwrap()["state"], text("received"), "the failed condition returns the row");

    let get =
        dynamodb.get_item().table_name("ledger").key("payment_id", text("order-1")).consistent_read(true);
    assert_eq!(get.send().await.unwrap().item.unwrap()["payment_id"], text("order-1"));
    let (request, payment) = ("request-1".to_owned(), "order-1".to_owned());
    let written = TableEvent::LedgerWritten {
        request: request.clone(),
        payment: payment.clone(),
        state: "received".to_owned(),
        version: 1,
        intent: None,
    };
    let refused = TableEvent::LedgerRefused { request, payment };
    assert_eq!(world.events(|event| Some(event.clone())), [written, refused].map(Event::Table));
    assert_eq!(world.cloud.services().dynamodb().items("ledger").unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn every_item_operation_is_there_and_an_unknown_table_is_typed() {
    let world = world(vec![]);
    let dynamodb = aws_sdk_dynamodb::Client::new(&sdk(&world).0);
    for id in ["b", "a"] {
        let put = dynamodb.put_item().table_name("ledger").item("payment_id", text(id));
        put.send().await.unwrap();
    }
    let ids: Vec<_> = world.cloud.services().dynamodb().items("ledger").unwrap();
    let ids: Vec<_> = ids.iter().map(|item| item["payment_id"].clone()).collect();
    let expected = ["a", "b"].map(|id| crate::cloud::dynamodb::AttributeValue::S(id.to_owned()));
    assert_eq!(ids, expected, "ordered by key, not by insertion");
    let query = dynamodb
        .query()
        .table_name("ledger")
        .key_condition_expression("payment_id = :id")
        .expression_attribute_values(":id", text("a"));
    assert_eq!(query.send().await.unwrap().count, 1);
    assert_eq!(dynamodb.scan().table_name("ledger").send().await.unwrap().count, 2);
    dynamodb.delete_item().table_name("ledger").key("payment_id", text("a")).send().await.unwrap();
    let unknown = dynamodb.scan().table_name("nowhere").send().await.unwrap_err().into_service_error();
    assert!(unknown.is_resource_not_found_exception());
}

#[tokio::test(start_paused = true)]
async fn a_rotated_secret_is_seen_by_name_and_by_arn_and_an_unknown_one_is_typed() {
    let world = world(vec![]);
    let secrets = aws_sdk_secretsmanager::Client::new(&sdk(&world).0);
    let put = |value: &str| world.cloud.services().secrets().put("stripe", value, world.clock.now());
    put("sk_test_old");
    let old = secrets.get_secret_value().secret_id("stripe").send().await.unwrap();
    assert_eq!(old.secret_string(), Some("sk_test_old"));
    put("sk_test_new");
    let new = secrets.get_secret_value().secret_id(old.arn().unwrap()).send().await.unwrap();
    assert_eq!(new.secret_string(), Some("sk_test_new"));
    assert_ne!(new.version_id(), old.version_id());
    let unknown = secrets.get_secret_value().secret_id("nowhere").send().await.unwrap_err();
    assert!(unknown.into_service_error().is_resource_not_found_exception());
}

#[tokio::test(start_paused = true)]
async fn a_kill_before_the_effect_prevents_it_and_a_kill_after_it_loses_only_the_answer() {
    for (kill_at, effects) in [(1, 0), (2, 1)] {
        let world = world(vec![]);
        let (config, link) = sdk(&world);
        link.arm(Some(kill_at), CrashPoints::default());
        let sqs = aws_sdk_sqs::Client::new(&config);
        let send = sqs.send_message().queue_url(PAYMENTS).message_body("one").send();
        tokio::time::timeout(Duration::from_secs(60), send).await.expect_err("the dead get no answer");
        let held = world.cloud.services().sqs().messages("payments", world.clock.now()).unwrap();
        assert_eq!(held.len(), effects, "killed at hop {kill_at}");
    }
}

/// One fate for the first call of a service, and how often it was asked for.
struct FirstOf(Service, CallFate, Mutex<u32>);

impl FirstOf {
    fn new(service: Service, fate: CallFate) -> Arc<Self> {
        Arc::new(Self(service, fate, Mutex::default()))
    }

    fn calls(&self) -> u32 {
        *self.2.lock().unwrap()
    }
}

impl CallPlan for FirstOf {
    fn of_call(&self, call: &ServiceCall<'_>, _: UnixMs) -> CallFate {
        if call.service != self.0 {
            return CallFate::Answered;
        }
        let mut calls = self.2.lock().unwrap();
        *calls += 1;
        if *calls == 1 { self.1 } else { CallFate::Answered }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_call_has_no_effect_and_the_client_tries_again() {
    for (service, writes) in [(Service::DynamoDb, 1), (Service::Sqs, 0)] {
        let plan = FirstOf::new(service, CallFate::Refused);
        let world = world(vec![]);
        let ledger = aws_sdk_dynamodb::Client::new(&sdk_under(&world, plan.clone()).0);
        let add = ledger.update_item().table_name("ledger").key("payment_id", text("order-1"));
        let add = add.update_expression("ADD attempts :one").return_values(ReturnValue::AllNew);
        let add = add.expression_attribute_values(":one", Attribute::N("1".to_owned()));
        let row = add.send().await.unwrap().attributes.unwrap();
        assert_eq!(row["attempts"], Attribute::N("1".to_owned()));
        assert_eq!(plan.calls(), 2 * writes, "{service:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_answer_is_lost_has_its_effect_and_the_client_repeats_it() {
    let plan = FirstOf::new(Service::DynamoDb, CallFate::AnswerLost);
    let world = world(vec![]);
    let ledger = aws_sdk_dynamodb::Client::new(&sdk_under(&world, plan.clone()).0);
    let add = ledger.update_item().table_name("ledger").key("payment_id", text("order-1"));
    let add = add.update_expression("ADD attempts :one").return_values(ReturnValue::AllNew);
    let add = add.expression_attribute_values(":one", Attribute::N("1".to_owned()));
    let row = add.send().await.unwrap().attributes.unwrap();
    assert_eq!((row["attempts"].clone(), plan.calls()), (Attribute::N("2".to_owned()), 2));
}

#[tokio::test(start_paused = true)]
async fn every_service_refuses_in_a_way_its_client_takes_for_temporary() {
    let publish = |plan: Arc<FirstOf>| async move {
        let world = world(vec![]);
        let (config, _) = sdk_under(&world, plan);
        let sns = aws_sdk_sns::Client::new(&config).publish();
        sns.topic_arn("arn:aws:sns:eu-central-1:123456789012:alerts").message("m").send().await.unwrap();
        let sqs = aws_sdk_sqs::Client::new(&config);
        sqs.send_message().queue_url(PAYMENTS).message_body("one").send().await.unwrap();
        world.cloud.services().secrets().put("stripe", "sk_test", world.clock.now());
        let secrets = aws_sdk_secretsmanager::Client::new(&config);
        secrets.get_secret_value().secret_id("stripe").send().await.unwrap();
        let cloudwatch = aws_sdk_cloudwatch::Client::new(&config);
        cloudwatch.describe_alarms().send().await.unwrap();
    };
    for service in [Service::Sns, Service::Sqs, Service::Secrets, Service::CloudWatch] {
        let plan = FirstOf::new(service, CallFate::Refused);
        publish(plan.clone()).await;
        assert_eq!(plan.calls(), 2, "{service:?}");
    }
}
