//! Topics and mails, first as a state machine and then through the real client.

use super::*;
use crate::cloud::config::SubscriptionConfig;
use crate::cloud::fixtures::{START, World, alerts, sdk, world};
use crate::journal::Event;
use crate::link::CrashPoints;
use aws_sdk_sns::Client;
use aws_sdk_sns::error::ProvideErrorMetadata;
use aws_sdk_sns::operation::publish::PublishError;

const ALERTS: &str = "arn:aws:sns:eu-central-1:123456789012:alerts";
const OPS: &str = "ops@example.com";

fn sns() -> Sns {
    Sns::new(&[alerts()], 1, Journal::default()).unwrap()
}

fn client(world: &World) -> Client {
    Client::new(&sdk(world).0)
}

fn refused(subject: Option<&str>, body: &str) -> String {
    sns().publish(ALERTS, subject, body, START).unwrap_err().to_string()
}

#[test]
fn a_message_becomes_a_mail_to_everyone_confirmed() {
    let mut topic = alerts();
    for endpoint in ["pending@example.com", "second@example.com"] {
        topic
            .subscriptions
            .push(SubscriptionConfig { protocol: "email".to_owned(), endpoint: endpoint.to_owned() });
    }
    let mut sns = Sns::new(&[topic], 1, Journal::default()).unwrap();
    sns.set_state("alerts", "pending@example.com", SubscriptionState::Pending).unwrap();
    sns.publish(ALERTS, Some("[payments] waiting"), "37 payments", START).unwrap();
    let mail = |to: &str| Mail {
        at: START,
        topic: "alerts".to_owned(),
        to: to.to_owned(),
        subject: "[payments] waiting".to_owned(),
        body: "37 payments".to_owned(),
    };
    assert_eq!(sns.mailbox(), [mail(OPS), mail("second@example.com")]);
}

#[test]
fn a_message_without_a_subject_gets_the_one_of_sns() {
    let mut sns = sns();
    sns.publish("alerts", None, "body", START).unwrap();
    assert_eq!(sns.mailbox()[0].subject, "AWS Notification Message");
}

#[test]
fn a_subject_is_ascii_on_one_line_and_shorter_than_100_characters() {
    assert!(sns().publish(ALERTS, Some(&"x".repeat(99)), "body", START).is_ok());
    for subject in ["", &"x".repeat(100), "two\nlines", "tab\there", " leading", "37 € waiting"] {
        assert_eq!(refused(Some(subject), "body"), "Invalid parameter: Subject", "{subject:?}");
    }
}

#[test]
fn a_body_is_neither_empty_nor_longer_than_256_kib() {
    assert_eq!(refused(None, ""), "Invalid parameter: Empty message");
    assert!(sns().publish(ALERTS, None, &"x".repeat(262_144), START).is_ok());
    assert_eq!(refused(None, &"x".repeat(262_145)), "Invalid parameter: Message too long");
}

#[test]
fn the_eleventh_mail_of_a_second_silently_ends_the_subscription() {
    let mut sns = sns();
    for number in 0..11 {
        sns.publish(ALERTS, None, "body", START.plus_ms(number * 90)).unwrap();
    }
    assert_eq!(sns.mailbox().len(), 10);
    assert_eq!(sns.subscriptions("alerts").unwrap()[0].state, SubscriptionState::Disabled);
    sns.publish(ALERTS, None, "body", START.plus_ms(60_000)).unwrap();
    assert_eq!(sns.mailbox().len(), 10, "and nobody is told");
}

#[test]
fn ten_mails_a_second_are_carried_for_ever() {
    let mut sns = sns();
    for number in 0..100 {
        sns.publish(ALERTS, None, "body", START.plus_ms(number * 100)).unwrap();
    }
    assert_eq!(sns.mailbox().len(), 100);
}

#[test]
fn a_duplicated_mail_arrives_twice() {
    let mut sns = sns();
    sns.duplicate_mails(Chance::ALWAYS);
    sns.publish(ALERTS, None, "body", START).unwrap();
    assert_eq!(sns.mailbox().len(), 2);
}

#[test]
fn text_in_a_document_is_escaped() {
    assert_eq!(protocol::element("Endpoint", "a&<b>"), "<Endpoint>a&amp;&lt;b&gt;</Endpoint>");
}

#[test]
fn a_subscription_that_this_world_cannot_deliver_to_is_refused_by_name() {
    let mut topic = alerts();
    topic.subscriptions[0].protocol = "sms".to_owned();
    let error = Sns::new(&[topic], 1, Journal::default()).unwrap_err();
    assert_eq!(error.to_string(), "topic alerts: the embedded SNS does not deliver to sms, only to email");
}

#[tokio::test(start_paused = true)]
async fn a_message_goes_through_the_real_client_and_is_journaled() {
    let world = world(vec![]);
    let publish = client(&world).publish().topic_arn(ALERTS).subject("[payments] 37 waiting: 1 < 2 & 3");
    let id =
        publish.message("Über 37 payments\nEUR 4,210.00 & more").send().await.unwrap().message_id.unwrap();
    let sns = world.cloud.services().sns();
    let mail = &sns.mailbox()[0];
    assert_eq!((mail.to.as_str(), mail.subject.as_str()), (OPS, "[payments] 37 waiting: 1 < 2 & 3"));
    assert_eq!(mail.body, "Über 37 payments\nEUR 4,210.00 & more");
    let published = TopicEvent::Published {
        request: Some("request-1".to_owned()),
        topic: "alerts".to_owned(),
        message: id.clone(),
        subject: Some("[payments] 37 waiting: 1 < 2 & 3".to_owned()),
    };
    let mailed = TopicEvent::Mailed { topic: "alerts".to_owned(), message: id, to: OPS.to_owned() };
    assert_eq!(world.events(|event| Some(event.clone())), [published, mailed].map(Event::Topic));
}

#[tokio::test(start_paused = true)]
async fn refusals_are_typed_and_have_the_words_of_aws() {
    let world = world(vec![]);
    let sns = client(&world);
    let unknown = sns.publish().topic_arn(ALERTS.replace("alerts", "nowhere")).message("x").send().await;
    let unknown = unknown.unwrap_err();
    assert_eq!(unknown.raw_response().map(|response| response.status().as_u16()), Some(404));
    let unknown = unknown.into_service_error();
    assert!(matches!(unknown, PublishError::NotFoundException(_)), "{unknown:?}");
    assert_eq!(unknown.message(), Some("Topic does not exist"));
    let cases = [
        (
            sns.publish().topic_arn("alerts").message("x"),
            "TopicArn Reason: An ARN must have at least 6 elements, not 1",
        ),
        (sns.publish().topic_arn(ALERTS).message(""), "Empty message"),
        (sns.publish().topic_arn(ALERTS).message("x").subject(""), "Subject"),
        (
            sns.publish().topic_arn(ALERTS).message("{\"default\":1}").message_structure("json"),
            "Message Structure - No default entry in JSON message body",
        ),
        (
            sns.publish().topic_arn(ALERTS).message("x").message_structure("json"),
            "Message Structure - JSON message body failed to parse",
        ),
    ];
    for (publish, text) in cases {
        let error = publish.send().await.unwrap_err().into_service_error();
        assert!(error.is_invalid_parameter_exception(), "{error:?}");
        assert_eq!(error.message(), Some(format!("Invalid parameter: {text}").as_str()));
    }
    let create = sns.create_topic().name("another").send().await.unwrap_err().into_service_error();
    let said = create.message().unwrap();
    assert!(said.starts_with("The embedded SNS does not support CreateTopic; it supports Publish"), "{said}");
    assert!(world.cloud.services().sns().mailbox().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_structured_message_mails_what_is_meant_for_mail() {
    let world = world(vec![]);
    for body in ["{\"default\":\"all\",\"email\":\"mail\"}", "{\"default\":\"all\",\"sqs\":\"queue\"}"] {
        let publish = client(&world).publish().topic_arn(ALERTS).message(body).message_structure("json");
        publish.send().await.unwrap();
    }
    let sns = world.cloud.services().sns();
    let bodies: Vec<&str> = sns.mailbox().iter().map(|mail| mail.body.as_str()).collect();
    assert_eq!(bodies, ["mail", "all"]);
}

#[tokio::test(start_paused = true)]
async fn a_subscription_shows_its_arn_only_while_it_is_confirmed() {
    let world = world(vec![]);
    let sns = client(&world);
    let look = || async {
        let list = sns.list_subscriptions_by_topic().topic_arn(ALERTS).send().await.unwrap();
        let subscription = list.subscriptions.unwrap().remove(0);
        assert_eq!(
            (subscription.protocol.as_deref(), subscription.endpoint.as_deref()),
            (Some("email"), Some(OPS))
        );
        let attributes =
            sns.get_topic_attributes().topic_arn(ALERTS).send().await.unwrap().attributes.unwrap();
        let counts = ["SubscriptionsConfirmed", "SubscriptionsPending"].map(|name| attributes[name].clone());
        (subscription.subscription_arn.unwrap(), counts)
    };
    let (arn, counts) = look().await;
    assert!(arn.starts_with(&format!("{ALERTS}:")), "{arn}");
    assert_eq!(counts, ["1", "0"]);
    for state in [SubscriptionState::Pending, SubscriptionState::Disabled] {
        world.cloud.services().sns().set_state(ALERTS, OPS, state).unwrap();
        let (arn, counts) = look().await;
        assert_eq!((arn.as_str(), counts), ("PendingConfirmation", ["0".to_owned(), "1".to_owned()]));
    }
    let unknown = sns.list_subscriptions_by_topic().topic_arn(ALERTS.replace("alerts", "nowhere"));
    assert!(unknown.send().await.unwrap_err().into_service_error().is_not_found_exception());
}

#[tokio::test(start_paused = true)]
async fn a_publisher_killed_after_the_effect_has_sent_its_mail() {
    for (kill_at, mails) in [(1, 0), (2, 1)] {
        let world = world(vec![]);
        let (config, link) = sdk(&world);
        link.arm(Some(kill_at), CrashPoints::default());
        let publish = Client::new(&config).publish().topic_arn(ALERTS).message("body").send();
        tokio::time::timeout(std::time::Duration::from_secs(60), publish)
            .await
            .expect_err("the dead get no answer");
        assert_eq!(world.cloud.services().sns().mailbox().len(), mails, "killed at hop {kill_at}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_is_subscribed_once_it_confirms_with_the_token_of_its_mail() {
    let world = world(vec![]);
    let client = client(&world);
    let ada = "ada@example.com";
    let subscribe = async |protocol: &str, endpoint: &str| {
        let asked = client.subscribe().topic_arn(ALERTS).protocol(protocol).endpoint(endpoint);
        let said = asked.send().await.map_err(|error| error.message().unwrap_or_default().to_owned())?;
        Ok::<_, String>(said.subscription_arn.unwrap_or_default())
    };
    let confirm = async |token: &str| {
        let asked = client.confirm_subscription().topic_arn(ALERTS).token(token);
        let said = asked.send().await.map_err(|error| error.message().unwrap_or_default().to_owned())?;
        Ok::<_, String>(said.subscription_arn.unwrap_or_default())
    };
    let readers = async || {
        let listed =
            client.list_subscriptions_by_topic().topic_arn(ALERTS).send().await.expect("it is there");
        let arn_of = |it: &aws_sdk_sns::types::Subscription| {
            (it.endpoint() == Some(ada)).then(|| it.subscription_arn().unwrap_or_default().to_owned())
        };
        listed.subscriptions().iter().find_map(arn_of)
    };

    assert_eq!(subscribe("email", ada).await.as_deref(), Ok("pending confirmation"));
    assert_eq!(readers().await.as_deref(), Some("PendingConfirmation"));
    let (mail, body) = {
        let services = world.cloud.services();
        let sns = services.sns();
        let mail = sns.mailbox().last().expect("it was mailed");
        (format!("{} to {}", mail.subject, mail.to), mail.body.clone())
    };
    assert_eq!(mail, "AWS Notification - Subscription Confirmation to ada@example.com");
    let token = body.split("Token=").nth(1).and_then(|rest| rest.split('&').next()).expect("it has a token");

    assert_eq!(confirm("made-up").await, Err("Invalid parameter: Token".to_owned()));
    let arn = confirm(token).await.expect("it is the token of the mail");
    assert_eq!(readers().await, Some(arn.clone()));
    assert_eq!(subscribe("email", ada).await, Ok(arn), "once confirmed, nothing is asked again");
    assert_eq!(
        subscribe("pigeon", ada).await,
        Err("Invalid parameter: Amazon SNS does not support this protocol string: pigeon".to_owned())
    );
    assert_eq!(subscribe("email", "ada").await, Err("Invalid parameter: Email address".to_owned()));
}
