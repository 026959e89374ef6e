//! Rules of a partner's bus and mappings that are resources of their own: what they become, and what cannot be honoured.

use super::shipped::shipped_with;
use super::{loaded, refusal};
use crate::cloud::config::{ItemFailures, PartnerRuleConfig, SqsSourceConfig, TargetConfig};
use crate::cloud::eventbridge::Pattern;
use crate::cloud::names;
use payments::limits;
use payments::witness::{EVENT_TYPES, SOURCE_PREFIX};
use serde_json::json;

const BUS: &str = "aws.partner/stripe.com/ed_test_1";

/// A queue, a rule that fills it, a function and a mapping that empties it, in which one thing is another.
fn listening(this: &str, that: &str) -> String {
    let text = r"Resources:
  News:
    Type: AWS::SQS::Queue
    Properties: { VisibilityTimeout: 60 }
  Rule:
    Type: AWS::Events::Rule
    Properties:
      Name: news
      EventBusName: aws.partner/example.com/1
      EventPattern: { detail-type: [sold] }
      Targets:
        - { Id: news, Arn: !GetAtt News.Arn, RetryPolicy: { MaximumRetryAttempts: 7, MaximumEventAgeInSeconds: 77 } }
  Work:
    Type: AWS::Serverless::Function
    Properties: { FunctionName: work, AutoPublishAlias: live, Environment: { Variables: { RULE: !GetAtt Rule.Arn, NAME: !Ref Rule } } }
  Feed:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      FunctionName: !Ref Work.Alias
      EventSourceArn: !GetAtt News.Arn
      BatchSize: 3
";
    assert!(text.contains(this), "{this}");
    text.replace(this, that)
}

#[test]
fn a_rule_and_a_mapping_have_all_that_their_template_says() {
    let stack = loaded(&listening("", "")).unwrap_or_else(|error| panic!("{error}"));
    let target = TargetConfig { retries_max: 7, age_s_max: 77, ..TargetConfig::default() };
    let rule = PartnerRuleConfig {
        name: "news".to_owned(),
        bus: "aws.partner/example.com/1".to_owned(),
        pattern: Pattern::parse(&json!({ "detail-type": ["sold"] })).expect("a pattern"),
        targets: vec![("payments-News".to_owned(), target)],
    };
    assert_eq!(stack.partner_rules["Rule"], rule);
    let source = SqsSourceConfig {
        queue: "payments-News".to_owned(),
        batch_size: 3,
        window_s: 0,
        concurrency_max: None,
        reports_item_failures: ItemFailures::Ignored,
    };
    let work = &stack.functions["Work"];
    assert_eq!(work.sources, [source]);
    assert_eq!(work.environment["RULE"], rule.arn());
    assert_eq!(work.environment["NAME"], "aws.partner/example.com/1|news");
    let arn = "arn:aws:events:eu-central-1:123456789012:rule/aws.partner/example.com/1/news";
    assert_eq!(rule.arn(), arn);
}

#[test]
fn what_the_world_cannot_honour_is_refused() {
    let said = |this: &str, that: &str| refusal(&listening(this, that));
    insta::assert_snapshot!(said("EventBusName: aws.partner/example.com/1", "EventBusName: default"));
    insta::assert_snapshot!(said(
        "Arn: !GetAtt News.Arn,",
        "Arn: 'arn:aws:sqs:eu-central-1:123456789012:other',"
    ));
    insta::assert_snapshot!(said("Id: news,", "Id: news, InputPath: $.detail,"));
    insta::assert_snapshot!(said(
        "      Name: news\n",
        "      Name: news\n      ScheduleExpression: rate(1 minute)\n"
    ));
    insta::assert_snapshot!(said("{ detail-type: [sold] }", "{ detail-type: [{ wildcard: s* }] }"));
    insta::assert_snapshot!(said("AutoPublishAlias: live, ", ""));
    insta::assert_snapshot!(said("!Ref Work.Alias", "!GetAtt Work.Arn"));
    insta::assert_snapshot!(said("EventSourceArn: !GetAtt News.Arn", "EventSourceArn: !GetAtt Work.Arn"));
    insta::assert_snapshot!(said("VisibilityTimeout: 60", "VisibilityTimeout: 1"));
    insta::assert_snapshot!(said("BatchSize: 3", "FilterCriteria: {}"));
}

#[test]
fn stripes_events_are_listened_to_where_their_bus_is_named_and_nowhere_else() {
    let off = shipped_with(&[]);
    assert!(off.partner_rules.is_empty() && !off.queues.contains_key("StripeEvents"));
    let consumer = &off.functions["Consumer"];
    assert_eq!((consumer.sources.len(), consumer.environment.get("STRIPE_EVENTS_QUEUE_URL")), (1, None));

    let on = shipped_with(&[("StripeEventBus", BUS)]);
    let (rule, queue) = (&on.partner_rules["StripeEventsRule"], &on.queues["StripeEvents"]);
    assert_eq!((rule.bus.as_str(), rule.targets.len(), &rule.targets[0].0), (BUS, 1, &queue.name));
    let consumer = &on.functions["Consumer"];
    assert_eq!(consumer.environment["STRIPE_EVENTS_QUEUE_URL"], names::queue_url(&queue.name));
    let [payments, events] = consumer.sources.as_slice() else { panic!("two queues feed it") };
    assert_eq!(events.queue, queue.name);
    assert_eq!(*events, SqsSourceConfig { queue: events.queue.clone(), ..payments.clone() });
    // Nobody is woken for a hint, and none is kept longer than it is worth.
    assert_eq!((queue.redrive.as_ref(), queue.retention_s), (None, 3_600));
    assert_eq!(queue.visibility_s, limits::VISIBILITY_TIMEOUT_S);
}

#[test]
fn the_rule_lets_through_what_the_consumer_listens_to_and_nothing_else() {
    let on = shipped_with(&[("StripeEventBus", BUS)]);
    let pattern = &on.partner_rules["StripeEventsRule"].pattern;
    let lets_through = |source: &str, detail_type: &str| {
        pattern.matches(&json!({ "source": source, "detail-type": detail_type, "detail": {} }))
    };
    assert!(BUS.starts_with(SOURCE_PREFIX));
    assert!(EVENT_TYPES.iter().all(|detail_type| lets_through(BUS, detail_type)));
    for other in ["payment_intent.created", "payment_intent.processing", "charge.succeeded"] {
        assert!(!lets_through(BUS, other), "{other}");
    }
    assert!(!lets_through("aws.partner/example.com/1", EVENT_TYPES[0]));
}
