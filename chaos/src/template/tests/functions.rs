//! Intrinsic functions give what CloudFormation gives, in their short and their long form.

use super::{assembled, loaded};
use crate::template::Deployment;
use std::collections::BTreeMap;

const PAYMENTS: &str = "Resources:\n  Payments:\n    Type: AWS::SQS::Queue\n";

/// The output `It` of a template whose output has this value.
fn output(value: &str) -> String {
    let text = format!("{PAYMENTS}Outputs:\n  It:\n    Value: {value}\n");
    loaded(&text).unwrap_or_else(|error| panic!("{error}")).outputs["It"].clone()
}

#[test]
fn a_queue_is_referred_to_by_url_arn_or_name() {
    let url = "https://sqs.eu-central-1.amazonaws.com/123456789012/payments-Payments";
    let arn = "arn:aws:sqs:eu-central-1:123456789012:payments-Payments";
    assert_eq!(output("!Ref Payments"), url);
    assert_eq!(output("{ Ref: Payments }"), url);
    assert_eq!(output("!GetAtt Payments.Arn"), arn);
    assert_eq!(output("{ Fn::GetAtt: Payments.Arn }"), arn);
    assert_eq!(output("!GetAtt Payments.QueueName"), "payments-Payments");
}

#[test]
fn sub_fills_in_references_and_attributes() {
    assert_eq!(output("!Sub '${AWS::StackName} ${Payments.QueueName}'"), "payments payments-Payments");
    assert_eq!(output("{ Fn::Sub: '${AWS::AccountId}-${AWS::Region}' }"), "123456789012-eu-central-1");
}

#[test]
fn a_condition_is_what_it_compares_or_the_contrary() {
    let exists = |condition: &str| {
        let text = format!("Conditions:\n  It: {condition}\n{PAYMENTS}    Condition: It\n");
        !loaded(&text).expect("it loads").queues.is_empty()
    };
    assert!(exists("!Equals [a, a]") && exists("!Not [!Equals [a, b]]"));
    assert!(!exists("!Equals [a, b]") && !exists("{ Fn::Not: [!Equals [a, a]] }"));
}

#[test]
fn a_resource_whose_condition_does_not_hold_is_not_there() {
    let text = "Conditions:\n  Never: !Equals [a, b]\nResources:\n  Spare:\n    Type: AWS::SQS::Queue\n    Condition: Never\n";
    assert!(loaded(text).expect("it loads").queues.is_empty());
}

#[test]
fn a_function_does_not_wait_for_its_events() {
    let text = "Resources:\n  Payments:\n    Type: AWS::SQS::Queue\n    Properties: { Tags: [!GetAtt Work.Arn] }\n  \
        Work:\n    Type: AWS::Serverless::Function\n    Properties:\n      Events:\n        Batch:\n          \
        Type: SQS\n          Properties: { Queue: !GetAtt Payments.Arn }\n";
    assert_eq!(loaded(text).expect("no circle").functions["Work"].sources[0].queue, "payments-Payments");
}

#[test]
fn globals_lie_beneath_every_function() {
    let text = "Globals:\n  Function:\n    Timeout: 20\n    Environment: { Variables: { A: global, B: global } }\nResources:\n  \
        Work:\n    Type: AWS::Serverless::Function\n    Properties:\n      Environment: { Variables: { B: own } }\n";
    let work = loaded(text).expect("it loads").functions["Work"].clone();
    assert_eq!(work.timeout_s, 20);
    assert_eq!((work.environment["A"].as_str(), work.environment["B"].as_str()), ("global", "own"));
}

#[test]
fn a_parameter_takes_the_value_of_the_deployment() {
    let text = format!("Parameters:\n  Mode: {{ Type: String, Default: live }}\n{PAYMENTS}");
    let deployment = Deployment {
        parameters: BTreeMap::from([("Mode".to_owned(), "test".to_owned())]),
        ..Deployment::default()
    };
    let stack = assembled(&[("template.yaml", &text)], &deployment).expect("it loads");
    assert_eq!(stack.parameters["Mode"], "test");
}

#[test]
fn a_nested_application_gets_parameters_and_gives_outputs() {
    let parent = "Resources:\n  Inner:\n    Type: AWS::Serverless::Application\n    Properties:\n      \
        Location: ./inner/template.yaml\n      Parameters: { Tail: queue }\nOutputs:\n  It: { Value: !GetAtt Inner.Outputs.Name }\n";
    let child = "Parameters:\n  Tail: { Type: String }\nResources:\n  Queue:\n    Type: AWS::SQS::Queue\n    \
        Properties: { QueueName: !Sub 'my-${Tail}' }\nOutputs:\n  Name: { Value: !GetAtt Queue.QueueName }\n";
    let files = [("template.yaml", parent), ("inner/template.yaml", child)];
    let stack = assembled(&files, &Deployment::default()).expect("it loads");
    assert_eq!(stack.outputs["It"], "my-queue");
    assert_eq!(stack.queues["Inner.Queue"].name, "my-queue");
}
