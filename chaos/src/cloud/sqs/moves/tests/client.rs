//! What a function sees of move tasks: the real client, in virtual time.

use crate::cloud::fixtures::{World, sdk, world};
use crate::journal::{Event, QueueEvent};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::operation::cancel_message_move_task::CancelMessageMoveTaskError;
use aws_sdk_sqs::operation::start_message_move_task::StartMessageMoveTaskError;
use aws_sdk_sqs::types::{ListMessageMoveTasksResultEntry, MessageSystemAttributeName, QueueAttributeName};

const DEAD: &str = "arn:aws:sqs:eu-central-1:123456789012:dead";
const DEAD_URL: &str = "https://sqs.eu-central-1.amazonaws.com/123456789012/dead";
const PAYMENTS_URL: &str = "https://sqs.eu-central-1.amazonaws.com/123456789012/payments";

/// A world with `count` dead letters that are a minute old, and a client.
async fn world_with_dead_letters(count: usize) -> (World, Client) {
    let world = world(vec![]);
    for number in 0..count {
        world.send(&format!("{{\"payment_id\":\"order-{number}\"}}"));
    }
    for _ in 0..6 * count {
        let services = world.cloud.services();
        services.sqs().receive("payments", 10, Some(0), world.clock.now()).unwrap();
    }
    world.run_for_s(60).await;
    let client = Client::new(&sdk(&world).0);
    (world, client)
}

async fn newest(client: &Client) -> ListMessageMoveTasksResultEntry {
    let list = client.list_message_move_tasks().source_arn(DEAD).send().await.unwrap();
    list.results.unwrap().remove(0)
}

#[tokio::test(start_paused = true)]
async fn a_task_runs_by_itself_and_wakes_whoever_polls_the_destination() {
    let (world, sqs) = world_with_dead_letters(2).await;
    let poll = async {
        let receive = sqs.receive_message().queue_url(PAYMENTS_URL).wait_time_seconds(20);
        let received =
            receive.message_system_attribute_names(MessageSystemAttributeName::All).send().await.unwrap();
        (received.messages.unwrap().remove(0), world.clock.now())
    };
    let start = async {
        world.run_for_s(5).await;
        let start = sqs.start_message_move_task().source_arn(DEAD).max_number_of_messages_per_second(1);
        start.send().await.unwrap().task_handle.unwrap()
    };
    let ((message, polled_at), handle) = tokio::join!(poll, start);
    let redriven = world.events(|event| {
        let Event::Queue(QueueEvent::Redriven { as_message, .. }) = event else { return None };
        Some(as_message.clone())
    });
    assert_eq!(message.message_id.as_ref(), redriven.first());
    assert!(
        polled_at < world.clock.start().plus_ms(67_000),
        "polled at {polled_at:?}, not at the end of the poll"
    );
    let attributes = message.attributes.unwrap();
    assert_eq!(attributes[&MessageSystemAttributeName::ApproximateReceiveCount], "1");

    let task = newest(&sqs).await;
    assert_eq!((task.status.as_deref(), task.task_handle.as_ref()), (Some("RUNNING"), Some(&handle)));
    assert_eq!(task.approximate_number_of_messages_to_move, Some(2));
    world.run_for_s(10).await;
    let task = newest(&sqs).await;
    assert_eq!((task.status.as_deref(), task.task_handle), (Some("COMPLETED"), None));
    assert_eq!(task.approximate_number_of_messages_moved, 2);
    assert_eq!(task.source_arn.as_deref(), Some(DEAD));
    assert_eq!((task.destination_arn, task.max_number_of_messages_per_second), (None, Some(1)));
    world.cloud.stop().await;
}

#[tokio::test(start_paused = true)]
async fn already_running_is_a_generic_error_that_only_its_text_tells_from_not_a_dead_letter_queue() {
    let (world, sqs) = world_with_dead_letters(5).await;
    let start =
        |arn: &str| sqs.start_message_move_task().source_arn(arn).max_number_of_messages_per_second(1).send();
    start(DEAD).await.unwrap();
    let running = start(DEAD).await.unwrap_err().into_service_error();
    let payments =
        start("arn:aws:sqs:eu-central-1:123456789012:payments").await.unwrap_err().into_service_error();
    let cases = [
        (
            running,
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
        ),
        (payments, "Source queue must be configured as a Dead Letter Queue."),
    ];
    for (error, text) in cases {
        assert_eq!((error.code(), error.message()), (Some("InvalidParameterValue"), Some(text)));
        let typed = error.is_invalid_address()
            || error.is_invalid_security()
            || error.is_request_throttled()
            || error.is_resource_not_found_exception()
            || error.is_unsupported_operation();
        assert!(!typed, "{error:?}");
    }
    let nowhere = start("arn:aws:sqs:eu-central-1:123456789012:nowhere").await.unwrap_err();
    let nowhere = nowhere.into_service_error();
    assert!(matches!(nowhere, StartMessageMoveTaskError::ResourceNotFoundException(_)), "{nowhere:?}");
    let list = sqs.list_message_move_tasks().source_arn("arn:aws:sqs:eu-central-1:123456789012:nowhere");
    assert!(list.send().await.unwrap_err().into_service_error().is_resource_not_found_exception());
    world.cloud.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_cancel_takes_effect_after_a_while() {
    let (world, sqs) = world_with_dead_letters(20).await;
    let start = sqs.start_message_move_task().source_arn(DEAD).max_number_of_messages_per_second(1);
    let handle = start.send().await.unwrap().task_handle.unwrap();
    world.run_for_s(3).await;
    let cancel = || sqs.cancel_message_move_task().task_handle(&handle).send();
    let answered = cancel().await.unwrap().approximate_number_of_messages_moved;
    let task = newest(&sqs).await;
    assert_eq!((task.status.as_deref(), task.task_handle), (Some("CANCELLING"), None));
    world.run_for_s(20).await;
    let task = newest(&sqs).await;
    assert_eq!(task.status.as_deref(), Some("CANCELLED"));
    assert!(task.approximate_number_of_messages_moved > answered, "more than the {answered} it said");

    let garbage = sqs.cancel_message_move_task().task_handle("garbage").send().await.unwrap_err();
    assert_eq!(garbage.into_service_error().message(), Some("Value for parameter TaskHandle is invalid."));
    let again = cancel().await.unwrap_err().into_service_error();
    assert!(!matches!(again, CancelMessageMoveTaskError::ResourceNotFoundException(_)));
    world.cloud.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_task_says_why() {
    let (world, sqs) = world_with_dead_letters(0).await;
    sqs.send_message().queue_url(DEAD_URL).message_body("sent here").send().await.unwrap();
    world.run_for_s(60).await;
    sqs.start_message_move_task().source_arn(DEAD).send().await.unwrap();
    world.run_for_s(60).await;
    let task = newest(&sqs).await;
    assert_eq!(task.status.as_deref(), Some("FAILED"));
    assert_eq!(task.failure_reason.as_deref(), Some("CouldNotDetermineMessageSource"));
    world.cloud.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_can_be_taken_by_hand_with_all_it_carries() {
    let (world, sqs) = world_with_dead_letters(3).await;
    let attributes = sqs.get_queue_attributes().queue_url(DEAD_URL).attribute_names(QueueAttributeName::All);
    let attributes = attributes.send().await.unwrap().attributes.unwrap();
    assert_eq!(attributes[&QueueAttributeName::ApproximateNumberOfMessages], "3");
    assert_eq!(attributes[&QueueAttributeName::ApproximateNumberOfMessagesNotVisible], "0");
    assert_eq!(attributes[&QueueAttributeName::ApproximateNumberOfMessagesDelayed], "0");
    assert_eq!(attributes[&QueueAttributeName::MessageRetentionPeriod], "1209600");
    assert_eq!(attributes[&QueueAttributeName::QueueArn], DEAD);
    let asked = sqs
        .get_queue_attributes()
        .queue_url(PAYMENTS_URL)
        .attribute_names(QueueAttributeName::RedrivePolicy)
        .attribute_names(QueueAttributeName::RedriveAllowPolicy);
    let asked = asked.send().await.unwrap().attributes.unwrap();
    assert_eq!(asked.len(), 1, "what a queue does not have is left out");
    assert!(asked[&QueueAttributeName::RedrivePolicy].contains(DEAD));

    let receive = sqs
        .receive_message()
        .queue_url(DEAD_URL)
        .max_number_of_messages(3)
        .visibility_timeout(60)
        .message_attribute_names("All")
        .message_system_attribute_names(MessageSystemAttributeName::All);
    let messages = receive.send().await.unwrap().messages.unwrap();
    let system = messages[0].attributes.as_ref().unwrap();
    let source = "arn:aws:sqs:eu-central-1:123456789012:payments";
    assert_eq!(system[&MessageSystemAttributeName::DeadLetterQueueSourceArn], source);
    let send = sqs.send_message().queue_url(PAYMENTS_URL).message_body(messages[0].body.as_ref().unwrap());
    send.set_message_attributes(messages[0].message_attributes.clone()).send().await.unwrap();
    let handle = messages[0].receipt_handle.as_ref().unwrap();
    sqs.delete_message().queue_url(DEAD_URL).receipt_handle(handle).send().await.unwrap();
    let (now, services) = (world.clock.now(), world.cloud.services());
    assert_eq!(services.sqs().messages("dead", now).unwrap().len(), 2);
    assert_eq!(services.sqs().messages("payments", now).unwrap().len(), 1);
    world.cloud.stop().await;
}
