//! Pipes: what they become, and what of them cannot be honoured.

use super::{loaded, refusal};
use crate::cloud::config::PipeConfig;
use crate::cloud::eventbridge::Pattern;
use crate::cloud::pipes::Template;
use serde_json::json;

/// A table with a stream, a bus, a queue, a role and a pipe, in which one thing is another.
fn pipe(this: &str, that: &str) -> String {
    let text = r#"Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{ AttributeName: id, AttributeType: S }]
      KeySchema: [{ AttributeName: id, KeyType: HASH }]
      StreamSpecification: { StreamViewType: NEW_AND_OLD_IMAGES }
  Bus:
    Type: AWS::Events::EventBus
    Properties: { Name: news }
  Lost:
    Type: AWS::SQS::Queue
  Teller:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: { Version: '2012-10-17', Statement: { Effect: Allow, Principal: { Service: pipes.amazonaws.com }, Action: sts:AssumeRole } }
  Pipe:
    Type: AWS::Pipes::Pipe
    Properties:
      RoleArn: !GetAtt Teller.Arn
      Source: !GetAtt Table.StreamArn
      SourceParameters:
        FilterCriteria: { Filters: [{ Pattern: '{"eventName":["INSERT"]}' }] }
        DynamoDBStreamParameters:
          StartingPosition: LATEST
          BatchSize: 7
          MaximumRetryAttempts: 11
          MaximumRecordAgeInSeconds: 13
          OnPartialBatchItemFailure: AUTOMATIC_BISECT
          DeadLetterConfig: { Arn: !GetAtt Lost.Arn }
      Target: !GetAtt Bus.Arn
      TargetParameters:
        EventBridgeEventBusParameters: { Source: shop, DetailType: A thing }
        InputTemplate: '{"id":"<$.dynamodb.Keys.id.S>"}'
"#;
    assert!(text.contains(this), "{this}");
    text.replace(this, that)
}

#[test]
fn a_pipe_has_all_that_its_template_says() {
    let stack = loaded(&pipe("", "")).unwrap_or_else(|error| panic!("{error}"));
    let wanted = PipeConfig {
        name: "payments-Pipe".to_owned(),
        role: "payments-Teller".to_owned(),
        table: "payments-Table".to_owned(),
        filters: vec![Pattern::parse(&json!({ "eventName": ["INSERT"] })).expect("a pattern")],
        batch_size: 7,
        age_s_max: Some(13),
        retries_max: Some(11),
        bisects: true,
        dead_letter_queue: Some("payments-Lost".to_owned()),
        bus: "news".to_owned(),
        source: "shop".to_owned(),
        detail_type: "A thing".to_owned(),
        template: Template::parse(r#"{"id":"<$.dynamodb.Keys.id.S>"}"#).expect("a template"),
    };
    assert_eq!(stack.pipes.into_iter().collect::<Vec<_>>(), [("Pipe".to_owned(), wanted)]);
    assert!(stack.tables["Table"].streams);
}

#[test]
fn what_is_not_said_is_as_aws_has_it() {
    let text = pipe(
        "          BatchSize: 7\n          MaximumRetryAttempts: 11\n          MaximumRecordAgeInSeconds: 13\n          OnPartialBatchItemFailure: AUTOMATIC_BISECT\n          DeadLetterConfig: { Arn: !GetAtt Lost.Arn }\n",
        "",
    );
    let stack = loaded(&text).unwrap_or_else(|error| panic!("{error}"));
    let pipe = &stack.pipes["Pipe"];
    assert_eq!((pipe.batch_size, pipe.retries_max, pipe.age_s_max, pipe.bisects), (1, None, None, false));
    assert_eq!(pipe.dead_letter_queue, None);
}

#[test]
fn what_a_pipe_cannot_do_or_the_world_cannot_honour_is_refused() {
    let said = |this: &str, that: &str| refusal(&pipe(this, that));
    insta::assert_snapshot!(said("BatchSize: 7", "BatchSize: 11"));
    insta::assert_snapshot!(said("StreamViewType: NEW_AND_OLD_IMAGES", "StreamViewType: KEYS_ONLY"));
    insta::assert_snapshot!(said("      StreamSpecification: { StreamViewType: NEW_AND_OLD_IMAGES }\n", ""));
    insta::assert_snapshot!(said("Source: !GetAtt Table.StreamArn", "Source: !GetAtt Lost.Arn"));
    insta::assert_snapshot!(said("Target: !GetAtt Bus.Arn", "Target: !GetAtt Lost.Arn"));
    insta::assert_snapshot!(said("RoleArn: !GetAtt Teller.Arn", "RoleArn: !GetAtt Lost.Arn"));
    insta::assert_snapshot!(said(
        r#"'{"id":"<$.dynamodb.Keys.id.S>"}'"#,
        r#"'{"id":<$.dynamodb.Keys.id.S>}'"#
    ));
    insta::assert_snapshot!(said(r#"'{"eventName":["INSERT"]}'"#, r#"'{"eventName":[{"wildcard":"I*"}]}'"#));
    insta::assert_snapshot!(said(r#"'{"eventName":["INSERT"]}'"#, "'eventName'"));
    insta::assert_snapshot!(said("StartingPosition: LATEST", "StartingPosition: AT_TIMESTAMP"));
    insta::assert_snapshot!(said("StartingPosition: LATEST", "ParallelizationFactor: 2"));
}
