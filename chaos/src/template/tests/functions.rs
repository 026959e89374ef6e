//! Intrinsic functions give what CloudFormation gives, in their short and their long form.

use super::{assembled, loaded};
use crate::template::Deployment;
use std::collections::BTreeMap;

const PAYMENTS: &str = "Resources:\n  Payments:\n    Type: AWS::SQS::Queue\n";

/// The output `It` of a template whose output has this value.
fn output(value: &str) -> String {
    output_with("", value)
}

fn output_with(sections: &str, value: &str) -> String {
    let text = format!("{sections}\n{PAYMENTS}Outputs:\n  It:\n    Value: {value}\n");
    loaded(&text).unwrap_or_else(|error| panic!("{error}")).outputs["It"].clone()
}

#[test]
fn a_queue_is_referred_to_by_url_arn_or_name() {
    let url = "https://sqs.eu-central-1.amazonaws.com/123456789012/payments-Payments";
    let arn = "arn:aws:sqs:eu-central-1:123456789012:payments-Payments";
    assert_eq!(output("!Ref Payments"), url);
    assert_eq!(output("{ Ref: Payments }"), url);
    assert_eq!(output("!GetAtt Payments.Arn"), arn);
    assert_eq!(output("{ Fn::GetAtt: [Payments, Arn] }"), arn);
    assert_eq!(output("!GetAtt Payments.QueueName"), "payments-Payments");
}

#[test]
fn sub_fills_in_references_attributes_and_names_of_its_own() {
    assert_eq!(
        output("!Sub '${AWS::StackName} ${Payments.QueueName} ${!kept}'"),
        "payments payments-Payments ${kept}"
    );
    assert_eq!(
        output("{ Fn::Sub: ['${A}-${AWS::Region}', { A: !Ref AWS::AccountId }] }"),
        "123456789012-eu-central-1"
    );
}

#[test]
fn join_leaves_out_what_has_no_value() {
    assert_eq!(output("!Join ['/', [a, !Ref AWS::NoValue, !Ref AWS::Partition]]"), "a/aws");
}

#[test]
fn find_in_map_follows_both_keys() {
    let mappings = "Mappings:\n  Rates: { live: { calls: 100 }, test: { calls: 25 } }";
    assert_eq!(output_with(mappings, "!FindInMap [Rates, test, calls]"), "25");
}

#[test]
fn conditions_choose_values() {
    let sections = "Parameters:\n  Mode: { Type: String, Default: live }\nConditions:\n  \
        Live: !Equals [!Ref Mode, live]\n  Quiet: !Not [Condition: Live]\n  \
        Both: !And [!Condition Live, !Condition Quiet]\n  Any: !Or [Condition: Live, Condition: Quiet]";
    for (condition, expected) in [("Live", "yes"), ("Quiet", "no"), ("Both", "no"), ("Any", "yes")] {
        assert_eq!(output_with(sections, &format!("!If [{condition}, yes, no]")), expected, "{condition}");
    }
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
