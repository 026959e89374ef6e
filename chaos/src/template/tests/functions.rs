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
fn a_part_of_a_text_is_split_off_and_put_in_under_a_name() {
    assert_eq!(output("!Select [1, !Split [':', 'a:b:c']]"), "b");
    assert_eq!(output("{ Fn::Select: ['2', { Fn::Split: ['::', 'a::b::c'] }] }"), "c");
    assert_eq!(
        output("!Sub ['${Name} of ${AWS::StackName}', { Name: !Select [0, [one, two]] }]"),
        "one of payments"
    );
    let beyond = format!("{PAYMENTS}Outputs:\n  It:\n    Value: !Select [2, [a, b]]\n");
    insta::assert_snapshot!(loaded(&beyond).expect_err("there are two"), @"template.yaml:6: Outputs.It.Value is 2; accepted: 0 to 1");
}

#[test]
fn a_choice_is_what_its_condition_says_and_no_value_leaves_nothing() {
    let named = |condition: &str, properties: &str| {
        format!(
            "Conditions:\n  It: {condition}\nResources:\n  Payments:\n    Type: AWS::SQS::Queue\n    Properties: {{ {properties} }}\n"
        )
    };
    let name = |condition: &str| {
        let text = named(condition, "QueueName: !If [It, yes, { Fn::If: [It, never, !Ref AWS::StackName] }]");
        loaded(&text).expect("it loads").queues["Payments"].name.clone()
    };
    assert_eq!((name("!Equals [a, a]").as_str(), name("!Equals [a, b]").as_str()), ("yes", "payments"));
    let absent = named(
        "!Equals [a, b]",
        "VisibilityTimeout: !If [It, 5, !Ref AWS::NoValue], Tags: [!If [It, a, !Ref AWS::NoValue]]",
    );
    assert_eq!(loaded(&absent).expect("it loads").queues["Payments"].visibility_s, 30, "SQS's default");
    let nothing = format!("{PAYMENTS}Outputs:\n  It:\n    Value: !Sub ['${{A}}', !Ref AWS::NoValue]\n");
    insta::assert_snapshot!(loaded(&nothing).expect_err("there is no value"), @"template.yaml:6: Outputs.It.Value: there is no parameter or resource AWS::NoValue; accepted: Payments");
    let short = named("!Equals [a, b]", "QueueName: !If [It, yes]");
    insta::assert_snapshot!(loaded(&short).expect_err("two are three"), @"template.yaml:6: Payments.QueueName is a malformed If; accepted: [condition, value, value]");
    let unknown = named("!Equals [a, b]", "QueueName: !If [Is, yes, no]");
    insta::assert_snapshot!(loaded(&unknown).expect_err("no such condition"), @"template.yaml:6: Payments.QueueName: there is no condition Is; accepted: It");
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
