//! Broken templates, each with the one line its author gets to see.

use super::{assembled, refusal};
use crate::template::{Deployment, Stack};
use std::collections::BTreeMap;
use std::path::Path;

/// A template with a queue that has these properties.
fn queue(properties: &str) -> String {
    format!("Resources:\n  Payments:\n    Type: AWS::SQS::Queue\n    Properties: {{ {properties} }}\n")
}

/// A template with a function fed by a queue, with these properties of queue, function and event.
fn consumer(queue: &str, function: &str, event: &str) -> String {
    format!(
        "Resources:\n  Payments:\n    Type: AWS::SQS::Queue\n    Properties: {{ {queue} }}\n  Consumer:\n    \
         Type: AWS::Serverless::Function\n    Properties:\n      {function}\n      Events:\n        Batch:\n          \
         Type: SQS\n          Properties: {{ Queue: !GetAtt Payments.Arn, {event} }}\n"
    )
}

#[test]
fn what_the_world_cannot_honour_is_named_with_its_line() {
    insta::assert_snapshot!(refusal(&queue("FifoQueue: true")), @"template.yaml:4: Payments: the simulated world cannot honour the property FifoQueue; accepted: QueueName, VisibilityTimeout, MessageRetentionPeriod, DelaySeconds, MaximumMessageSize, RedrivePolicy, RedriveAllowPolicy, SqsManagedSseEnabled, ReceiveMessageWaitTimeSeconds, Tags");
    insta::assert_snapshot!(refusal("Resources:\n  Jobs:\n    Type: AWS::Batch::JobQueue\n"), @"template.yaml:3: Jobs: the simulated world cannot honour the type AWS::Batch::JobQueue; accepted: AWS::SQS::Queue, AWS::DynamoDB::Table, AWS::Serverless::Function, AWS::Serverless::Application, AWS::CloudWatch::Alarm, AWS::SNS::Topic, AWS::SNS::Subscription, AWS::CloudWatch::Dashboard, AWS::Logs::QueryDefinition, AWS::Logs::LogGroup, AWS::KMS::Key, AWS::IAM::Role, AWS::SNS::TopicPolicy, AWS::SSM::Parameter, AWS::Events::EventBus, AWS::Pipes::Pipe, AWS::Events::Rule, AWS::Lambda::EventSourceMapping, AWS::SQS::QueuePolicy, AWS::CloudFront::Distribution, AWS::CloudFront::CachePolicy, AWS::CloudFront::ResponseHeadersPolicy, AWS::CloudFront::Function, AWS::CloudFront::KeyValueStore, AWS::CloudFront::OriginAccessControl, AWS::ApiGatewayV2::Api, AWS::ApiGatewayV2::Stage, AWS::ApiGatewayV2::Route, AWS::ApiGatewayV2::Integration, AWS::ApiGatewayV2::Authorizer, AWS::S3::Bucket, AWS::S3::BucketPolicy, AWS::Lambda::Permission, AWS::CloudFront::MonitoringSubscription, AWS::WAFv2::WebACL, AWS::Logs::DeliverySource, AWS::Logs::DeliveryDestination, AWS::Logs::Delivery");
    insta::assert_snapshot!(refusal("Resources:\n  Payments:\n    Type: AWS::SQS::Queue\n    CreationPolicy: {}\n"), @"template.yaml:4: Payments: the simulated world cannot honour CreationPolicy; accepted: Type, Properties, Condition, DependsOn, Metadata, DeletionPolicy, UpdateReplacePolicy");
    insta::assert_snapshot!(refusal("Mappings: {}\n"), @"template.yaml:1: the template: the simulated world cannot honour Mappings; accepted: Transform, Globals, Parameters, Rules, Conditions, Resources, Outputs, AWSTemplateFormatVersion, Description, Metadata");
    insta::assert_snapshot!(refusal("Globals:\n  Api: {}\n"), @"template.yaml:2: Globals: the simulated world cannot honour the section Api; accepted: Function");
    insta::assert_snapshot!(refusal("Transform: AWS::LanguageExtensions\n"), @r#"template.yaml:1: Transform is "AWS::LanguageExtensions"; accepted: AWS::Serverless-2016-10-31"#);
    insta::assert_snapshot!(refusal(&queue("QueueName: !Join ['-', [a, b]]")), @"template.yaml:4: !Join: the simulated world cannot honour this function; accepted: Ref, GetAtt, Sub, Equals, Not, If, Select, Split");
    insta::assert_snapshot!(refusal(&queue("QueueName: { Fn::Base64: a }")), @"template.yaml:4: Fn::Base64: the simulated world cannot honour this function; accepted: Ref, GetAtt, Sub, Equals, Not, If, Select, Split");
    insta::assert_snapshot!(refusal(&consumer("", "Timeout: 3", "FilterCriteria: {}")), @"template.yaml:12: Consumer.Events.Batch.Properties: the simulated world cannot honour the property FilterCriteria; accepted: Queue, BatchSize, MaximumBatchingWindowInSeconds, ScalingConfig, FunctionResponseTypes, Enabled");
    insta::assert_snapshot!(refusal(&consumer("", "ReservedConcurrentExecutions: 5", "")), @"template.yaml:8: Consumer: the simulated world cannot honour the property ReservedConcurrentExecutions; accepted: FunctionName, Role, Timeout, MemorySize, Environment, LoggingConfig, Events, EventInvokeConfig, FunctionUrlConfig, AutoPublishAlias, VersionDescription, DeploymentPreference, Architectures, CodeUri, Handler, Runtime, Tracing, AutoPublishAliasAllProperties, Description, Tags");
    insta::assert_snapshot!(refusal(&consumer("", "Environment: { Variables: { KEY: '{{resolve:ssm:key}}' } }", "")), @"template.yaml:8: Consumer.Environment.Variables.KEY: the simulated world cannot honour a dynamic reference; accepted: text, or the ARN of a secret that the function reads itself");
    insta::assert_snapshot!(refusal("Resources:\n  Tick:\n    Type: AWS::Serverless::Function\n    Properties:\n      Events:\n        Minute:\n          Type: ScheduleV2\n"), @r#"template.yaml:7: Tick.Events.Minute.Type is "ScheduleV2"; accepted: SQS, EventBridgeRule, Schedule"#);
}

#[test]
fn a_value_outside_the_limits_of_its_service_is_refused() {
    insta::assert_snapshot!(refusal(&queue("VisibilityTimeout: 43201")), @"template.yaml:4: Payments.VisibilityTimeout is 43201; accepted: 0 to 43200");
    insta::assert_snapshot!(refusal(&queue("MessageRetentionPeriod: 59")), @"template.yaml:4: Payments.MessageRetentionPeriod is 59; accepted: 60 to 1209600");
    insta::assert_snapshot!(refusal(&queue("VisibilityTimeout: [1]")), @"template.yaml:4: Payments.VisibilityTimeout is a list; accepted: 0 to 43200");
    insta::assert_snapshot!(refusal(&queue("DelaySeconds: soon")), @r#"template.yaml:4: Payments.DelaySeconds is "soon"; accepted: 0 to 900"#);
    insta::assert_snapshot!(refusal(&consumer("", "Timeout: 901", "")), @"template.yaml:8: Consumer.Timeout is 901; accepted: 1 to 900");
    insta::assert_snapshot!(refusal(&consumer("", "Timeout: 3", "BatchSize: 11")), @"template.yaml:12: Consumer.Events.Batch.Properties.BatchSize is 11; accepted: 1 to 10");
    insta::assert_snapshot!(refusal(&consumer("", "Timeout: 3", "ScalingConfig: { MaximumConcurrency: 1 }")), @"template.yaml:12: Consumer.Events.Batch.Properties.ScalingConfig.MaximumConcurrency is 1; accepted: 2 to 1000");
    insta::assert_snapshot!(refusal(&consumer("", "Timeout: 3", "FunctionResponseTypes: [ReportBatchFailures]")), @r#"template.yaml:12: Consumer.Events.Batch.Properties.FunctionResponseTypes[0] is "ReportBatchFailures"; accepted: ReportBatchItemFailures"#);
    insta::assert_snapshot!(refusal(&consumer("", "Timeout: 3", "Enabled: false")), @"template.yaml:12: Consumer.Events.Batch.Properties.Enabled is false; accepted: true");
    insta::assert_snapshot!(refusal(&consumer("VisibilityTimeout: 60", "Timeout: 120", "")), @"template.yaml:12: Consumer.Events.Batch.Properties.Queue is payments-Payments, whose visibility timeout of 60 s is less than the function's timeout of 120 s; accepted: a queue with a visibility timeout of at least the function's timeout");
}

#[test]
fn a_table_that_throttles_by_its_own_numbers_is_refused() {
    let table = |billing: &str| {
        format!(
            "Resources:\n  Ledger:\n    Type: AWS::DynamoDB::Table\n    Properties:\n      AttributeDefinitions: \
             [{{ AttributeName: id, AttributeType: S }}]\n      KeySchema: [{{ AttributeName: id, KeyType: HASH }}]\n{billing}"
        )
    };
    insta::assert_snapshot!(refusal(&table("      BillingMode: PROVISIONED\n")), @r#"template.yaml:7: Ledger.BillingMode is "PROVISIONED"; accepted: PAY_PER_REQUEST"#);
    insta::assert_snapshot!(refusal(&table("")), @"template.yaml:4: Ledger.BillingMode is missing; accepted: PAY_PER_REQUEST");
}

#[test]
fn a_dead_letter_queue_must_be_in_the_template_and_let_its_source_in() {
    let pair = |target: &str, allow: &str| {
        format!(
            "Resources:\n  Payments:\n    Type: AWS::SQS::Queue\n    Properties:\n      RedrivePolicy: {{ deadLetterTargetArn: {target}, maxReceiveCount: 5 }}\n  \
             Dead:\n    Type: AWS::SQS::Queue\n    Properties: {{ {allow} }}\n"
        )
    };
    insta::assert_snapshot!(refusal(&pair("!Ref Dead", "")), @r#"template.yaml:5: Payments.RedrivePolicy.deadLetterTargetArn is "https://sqs.eu-central-1.amazonaws.com/123456789012/payments-Dead"; accepted: arn:aws:sqs:eu-central-1:123456789012:payments-Dead, arn:aws:sqs:eu-central-1:123456789012:payments-Payments"#);
    insta::assert_snapshot!(refusal(&pair("!GetAtt Dead.Arn", "RedriveAllowPolicy: { redrivePermission: denyAll }")), @r#"template.yaml:8: Dead.RedriveAllowPolicy.redrivePermission is "denyAll"; accepted: a permission that admits payments-Payments"#);
    insta::assert_snapshot!(refusal(&pair("!GetAtt Dead.Arn", "RedriveAllowPolicy: { redrivePermission: byQueue, sourceQueueArns: [] }")), @"template.yaml:8: Dead.RedriveAllowPolicy.sourceQueueArns is nothing; accepted: at most ten ARNs, arn:aws:sqs:eu-central-1:123456789012:payments-Payments among them");
}

#[test]
fn a_reference_to_nothing_lists_what_there_is() {
    insta::assert_snapshot!(refusal(&queue("QueueName: !Ref Missing")), @"template.yaml:4: Payments.QueueName: there is no parameter or resource Missing; accepted: Payments");
    insta::assert_snapshot!(refusal(&queue("QueueName: !Sub '${Missing}'")), @"template.yaml:4: Payments.QueueName: there is no parameter or resource Missing; accepted: Payments");
    insta::assert_snapshot!(refusal(&queue("QueueName: !Sub '${Missing'")), @"template.yaml:4: Payments.QueueName is a malformed Sub; accepted: a } after every ${");
    insta::assert_snapshot!(refusal("Resources:\n  Payments:\n    Type: AWS::SQS::Queue\nOutputs:\n  It: { Value: !GetAtt Payments.Url }\n"), @"template.yaml:5: Outputs.It.Value: there is no attribute Url of Payments; accepted: Arn, QueueName, QueueUrl");
    insta::assert_snapshot!(refusal("Resources:\n  Log:\n    Type: AWS::Logs::LogGroup\n    DependsOn: Missing\n"), @"template.yaml:4: Log.DependsOn: there is no parameter or resource Missing; accepted: Log");
}

#[test]
fn a_condition_that_there_is_not_is_refused() {
    let text = "Resources:\n  Payments:\n    Type: AWS::SQS::Queue\n    Condition: Live\n";
    insta::assert_snapshot!(refusal(text), @"template.yaml:4: Payments.Condition: there is no condition Live; accepted: nothing");
}

#[test]
fn a_reference_to_a_resource_that_this_deployment_lacks_is_refused() {
    let text = "Conditions:\n  Never: !Equals [a, b]\nResources:\n  Spare:\n    Type: AWS::SQS::Queue\n    \
        Condition: Never\nOutputs:\n  It: { Value: !Ref Spare }\n";
    insta::assert_snapshot!(refusal(text), @"template.yaml:8: Outputs.It.Value: there is no resource Spare unless the condition Never holds; accepted: a reference under the same condition");
}

#[test]
fn resources_that_need_each_other_are_refused() {
    let text = "Resources:\n  A:\n    Type: AWS::SQS::Queue\n    Properties: { Tags: [!GetAtt B.Arn] }\n  \
        B:\n    Type: AWS::SQS::Queue\n    Properties: { Tags: [!GetAtt A.Arn] }\n";
    insta::assert_snapshot!(refusal(text), @"template.yaml: A → B → A need each other; accepted: an order in which CloudFormation can create them");
    insta::assert_snapshot!(refusal(&queue("QueueName: !Ref Payments")), @"template.yaml:4: Payments → Payments need each other; accepted: an order in which CloudFormation can create them");
}

#[test]
fn a_parameter_without_a_value_or_with_a_wrong_one_is_refused() {
    let text = "Parameters:\n  Mode:\n    Type: String\n    AllowedValues: [live, test]\n  Rate: { Type: Number, Default: 20, MaxValue: 100 }\nResources: {}\n";
    insta::assert_snapshot!(refusal(text), @"template.yaml:2: Parameters.Mode is missing; accepted: a value from the deployment, for it has no default");
    let given = |parameters: &[(&str, &str)]| {
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let deployment =
            Deployment { parameters: parameters.collect::<BTreeMap<_, _>>(), ..Deployment::default() };
        assembled(&[("template.yaml", text)], &deployment).expect_err("refused")
    };
    insta::assert_snapshot!(given(&[("Mode", "maybe")]), @r#"template.yaml:2: Parameters.Mode is "maybe"; accepted: live, test"#);
    insta::assert_snapshot!(given(&[("Mode", "live"), ("Rate", "101")]), @r#"template.yaml:5: Parameters.Rate is "101"; accepted: 0 to 100"#);
    insta::assert_snapshot!(given(&[("Mode", "live"), ("Rate", "4,5")]), @r#"template.yaml:5: Parameters.Rate is "4,5"; accepted: a number"#);
    insta::assert_snapshot!(given(&[("Mood", "live")]), @"template.yaml: Parameters: there is no parameter Mood; accepted: Mode, Rate");
}

#[test]
fn a_parameter_matches_its_pattern_from_its_first_character_to_its_last() {
    let asked = |constraint: &str| {
        format!(
            "Parameters:\n  Rate: {{ Type: String, AllowedPattern: '[0-9]|[1-9][0-9]'{constraint} }}\nResources: {{}}\n"
        )
    };
    let given = |text: &str, rate: &str| {
        let parameters = BTreeMap::from([("Rate".to_owned(), rate.to_owned())]);
        assembled(&[("template.yaml", text)], &Deployment { parameters, ..Deployment::default() })
    };
    assert!(given(&asked(""), "20").is_ok());
    insta::assert_snapshot!(given(&asked(""), "200").expect_err("refused"), @r#"template.yaml:2: Parameters.Rate is "200"; accepted: [0-9]|[1-9][0-9]"#);
    insta::assert_snapshot!(given(&asked(", ConstraintDescription: two digits"), "4.5").expect_err("refused"), @r#"template.yaml:2: Parameters.Rate is "4.5"; accepted: two digits"#);
}

#[test]
fn a_number_may_have_a_fraction_as_for_cloudformation() {
    let text =
        "Parameters:\n  Rate: { Type: Number, Default: 4.5, MinValue: 4, MaxValue: 5 }\nResources: {}\n";
    assert_eq!(super::loaded(text).expect("it is taken").parameters["Rate"], "4.5");
}

#[test]
fn a_parameter_of_systems_manager_holds_what_its_pattern_takes() {
    let held = |value: &str| {
        format!(
            "Resources:\n  Name:\n    Type: AWS::SSM::Parameter\n    Properties: {{ Type: String, Value: {value}, AllowedPattern: '^.{{1,9}}$' }}\n"
        )
    };
    assert!(super::loaded(&held("!Ref AWS::StackName")).is_ok());
    insta::assert_snapshot!(refusal(&held("more than nine")), @r#"template.yaml:4: Name.Value is "more than nine"; accepted: ^.{1,9}$"#);
}

#[test]
fn text_that_is_no_template_is_refused_at_its_line() {
    insta::assert_snapshot!(refusal("Resources:\n  A: [\n"), @"template.yaml:3: not YAML: while parsing a node, did not find expected node content");
    insta::assert_snapshot!(refusal("Resources:\n  A: 1\nResources: {}\n"), @"template.yaml:3: not YAML: duplicated key in mapping");
    insta::assert_snapshot!(refusal(""), @"template.yaml: not YAML: 0 documents; accepted: one");
    insta::assert_snapshot!(refusal("Resources: []\n"), @"template.yaml:1: Resources is not a map; accepted: a map");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let refusal = Stack::load(Path::new("no/such/template.yaml"), &Deployment::default());
    insta::assert_snapshot!(refusal.expect_err("there is no such file"), @"no/such/template.yaml: cannot read the template: No such file or directory (os error 2); accepted: a CloudFormation template in YAML");
    let nested = "Resources:\n  Inner:\n    Type: AWS::Serverless::Application\n    Properties: { Location: inner.yaml }\n";
    insta::assert_snapshot!(super::refusal(nested), @"inner.yaml: cannot read the template: entity not found; accepted: a CloudFormation template in YAML");
    let itself = "Resources:\n  Inner:\n    Type: AWS::Serverless::Application\n    Properties: { Location: template.yaml }\n";
    insta::assert_snapshot!(super::refusal(itself), @"template.yaml:4: Inner.Location → template.yaml need each other; accepted: an order in which CloudFormation can create them");
}
