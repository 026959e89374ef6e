//! Roles and policies: what they become, and that nothing of them is passed over.

use super::{loaded, refusal};
use crate::cloud::iam::{ConditionKey, Effect, Grant, Named, Operator, Statement};
use crate::cloud::names;
use crate::template::Stack;

const TRUST: &str = "{ Version: '2012-10-17', Statement: { Effect: Allow, Principal: { Service: lambda.amazonaws.com }, Action: sts:AssumeRole } }";

/// A queue, and a role whose one policy has this statement.
fn role_text(statement: &str) -> String {
    format!(
        "Resources:\n  Payments:\n    Type: AWS::SQS::Queue\n  Worker:\n    Type: AWS::IAM::Role\n    Properties:\n      \
         AssumeRolePolicyDocument: {TRUST}\n      Policies:\n        - PolicyName: work\n          PolicyDocument:\n            \
         Version: '2012-10-17'\n            Statement:\n              - {statement}\n"
    )
}

/// The same, with a function under this role.
fn function_text(properties: &str) -> String {
    let role = role_text("{ Effect: Allow, Action: sqs:*, Resource: !GetAtt Payments.Arn }");
    format!("{role}  Work:\n    Type: AWS::Serverless::Function\n    Properties: {{ {properties} }}\n")
}

/// The queue, with a policy that has this statement.
fn guarded(statement: &str) -> String {
    format!(
        "Resources:\n  Payments:\n    Type: AWS::SQS::Queue\n  Guard:\n    Type: AWS::SQS::QueuePolicy\n    Properties:\n      \
         Queues: [!Ref Payments]\n      PolicyDocument: {{ Version: '2012-10-17', Statement: [{statement}] }}\n"
    )
}

fn stack(text: &str) -> Stack {
    loaded(text).unwrap_or_else(|error| panic!("{error}"))
}

fn guard(statement: &str) -> Statement {
    let policies = stack(&guarded(statement)).policies;
    policies.resources[&names::queue_arn("payments-Payments")].statements[0].clone()
}

#[test]
fn a_role_may_do_what_its_policies_say_on_resources_that_are_resolved() {
    let text = role_text(
        "{ Sid: Take, Effect: Allow, Action: [sqs:ReceiveMessage, sqs:DeleteMessage], Resource: !GetAtt Payments.Arn }",
    );
    let policies = stack(&text).policies;
    let grant = |action: &str| Grant {
        statement: "Worker.work.Take".to_owned(),
        action: action.to_owned(),
        resource: names::queue_arn("payments-Payments"),
    };
    let own: Vec<Grant> = policies.roles["payments-Worker"].statements[0].grants().collect();
    assert_eq!(own, [grant("sqs:ReceiveMessage"), grant("sqs:DeleteMessage")]);
    let trust = &policies.resources[&names::role_arn("payments-Worker")].statements[0];
    assert_eq!(trust.principals, [Named::Service("lambda.amazonaws.com".to_owned())]);
    assert_eq!(policies.grants().len(), 3);
}

#[test]
fn a_statement_without_a_name_is_called_by_its_number() {
    let text = role_text("{ Effect: Deny, Action: '*', Resource: '*' }");
    let statement = stack(&text).policies.roles["payments-Worker"].statements[0].clone();
    assert_eq!((statement.name.as_str(), statement.effect), ("Worker.work.1", Effect::Deny));
}

#[test]
fn a_function_works_under_the_role_it_names_and_otherwise_under_one_that_sam_makes() {
    let role = |properties: &str| stack(&function_text(properties)).functions["Work"].role.clone();
    assert_eq!(role("Role: !GetAtt Worker.Arn").as_deref(), Some("payments-Worker"));
    assert_eq!(role("Timeout: 3").as_deref(), Some("payments-WorkRole"));
    let made = stack(&function_text("Timeout: 3")).policies.roles["payments-WorkRole"].clone();
    let actions: Vec<&str> = made.statements.iter().flat_map(|it| &it.actions).map(String::as_str).collect();
    assert!(actions.contains(&"sqs:ReceiveMessage") && !actions.contains(&"sqs:SendMessage"), "{actions:?}");
    insta::assert_snapshot!(refusal(&function_text("Role: !Ref Worker")), @r#"template.yaml:16: Work.Role is "payments-Worker"; accepted: arn:aws:iam::123456789012:role/payments-Worker"#);
    insta::assert_snapshot!(refusal(&function_text("Policies: [AmazonSQSFullAccess]")), @"template.yaml:16: Work: the simulated world cannot honour the property Policies; accepted: FunctionName, Role, Timeout, MemorySize, Environment, LoggingConfig, Events, EventInvokeConfig, FunctionUrlConfig, AutoPublishAlias, VersionDescription, DeploymentPreference, Architectures, CodeUri, Handler, Runtime, Tracing, AutoPublishAliasAllProperties, Description, Tags");
}

#[test]
fn lambda_writes_to_the_log_group_that_the_function_names() {
    let group = |properties: &str| stack(&function_text(properties)).functions["Work"].log_group.clone();
    assert_eq!(group("LoggingConfig: { LogGroup: mine }"), "mine");
    assert_eq!(group("FunctionName: work"), "/aws/lambda/work");
}

#[test]
fn a_queue_says_whom_it_lets_in_and_for_what() {
    let statement = guard(
        "{ Effect: Allow, Principal: { Service: events.amazonaws.com }, Action: sqs:SendMessage, Resource: !GetAtt Payments.Arn, \
         Condition: { ArnEquals: { aws:SourceArn: [a, b] }, StringEquals: { aws:SourceAccount: !Ref AWS::AccountId } } }",
    );
    let conditions: Vec<_> =
        statement.conditions.iter().map(|it| (it.operator, it.key, it.values.len())).collect();
    assert_eq!(
        conditions,
        [
            (Operator::ArnLike, ConditionKey::SourceArn, 2),
            (Operator::StringEquals, ConditionKey::SourceAccount, 1)
        ]
    );
    let named = |principal: &str| {
        guard(&format!("{{ Effect: Allow, Principal: {principal}, Action: sqs:*, Resource: '*' }}"))
            .principals
    };
    assert_eq!(named("'*'"), [Named::Anybody]);
    assert_eq!(named("{ AWS: !Ref AWS::AccountId }"), [Named::Account]);
    assert_eq!(named("{ AWS: 'arn:aws:iam::123456789012:root' }"), [Named::Account]);
    assert_eq!(named("{ AWS: 'arn:aws:iam::123456789012:role/r' }"), [Named::Role(names::role_arn("r"))]);
}

#[test]
fn a_topic_remembers_its_key() {
    let topic = |key: &str| {
        format!(
            "Resources:\n  Key:\n    Type: AWS::KMS::Key\n    Properties:\n      KeyPolicy: {{ Version: '2012-10-17', Statement: [] }}\n  \
             Alerts:\n    Type: AWS::SNS::Topic\n    Properties: {{ TopicName: alerts, KmsMasterKeyId: {key} }}\n"
        )
    };
    for key in ["!Ref Key", "!GetAtt Key.Arn"] {
        let keys = stack(&topic(key)).policies.keys;
        assert_eq!(keys[&names::topic_arn("alerts")], names::key_arn("payments-Key"));
    }
    insta::assert_snapshot!(refusal(&topic("alias/aws/sns")), @r#"template.yaml:8: Alerts.KmsMasterKeyId is "alias/aws/sns"; accepted: payments-Key"#);
}

#[test]
fn an_element_that_is_not_understood_is_refused_by_name() {
    let role = |statement: &str| refusal(&role_text(statement));
    insta::assert_snapshot!(role("{ Effect: Allow, NotAction: sqs:*, Resource: '*' }"), @"template.yaml:13: Worker.Policies[0].PolicyDocument.Statement[0]: the simulated world cannot honour the property NotAction; accepted: Sid, Effect, Action, Resource, Condition");
    insta::assert_snapshot!(role("{ Effect: Allow, Action: sqs:*, NotResource: '*' }"), @"template.yaml:13: Worker.Policies[0].PolicyDocument.Statement[0]: the simulated world cannot honour the property NotResource; accepted: Sid, Effect, Action, Resource, Condition");
    insta::assert_snapshot!(role("{ Effect: Allow, Principal: '*', Action: sqs:*, Resource: '*' }"), @"template.yaml:13: Worker.Policies[0].PolicyDocument.Statement[0]: the simulated world cannot honour the property Principal; accepted: Sid, Effect, Action, Resource, Condition");
    insta::assert_snapshot!(role("{ Effect: Perhaps, Action: sqs:*, Resource: '*' }"), @r#"template.yaml:13: Worker.Policies[0].PolicyDocument.Statement[0].Effect is "Perhaps"; accepted: Allow, Deny"#);
    insta::assert_snapshot!(role("{ Effect: Allow, Action: SendMessage, Resource: '*' }"), @r#"template.yaml:13: Worker.Policies[0].PolicyDocument.Statement[0].Action is "SendMessage"; accepted: service:Action, or *"#);
    insta::assert_snapshot!(role("{ Effect: Allow, Action: sqs:*, Resource: !Ref Payments }"), @r#"template.yaml:13: Worker.Policies[0].PolicyDocument.Statement[0].Resource is "https://sqs.eu-central-1.amazonaws.com/123456789012/payments-Payments"; accepted: ARNs of six parts, or *"#);
    insta::assert_snapshot!(role("{ Effect: Allow, Action: sqs:*, Resource: 'arn:aws:sqs:::${aws:username}' }"), @"template.yaml:13: Worker.Policies[0].PolicyDocument.Statement[0].Resource: the simulated world cannot honour a policy variable; accepted: ARNs of six parts, or *");
    insta::assert_snapshot!(role("{ Effect: Allow, Action: sqs:*, Resource: '*', Condition: { DateLessThan: { aws:CurrentTime: now } } }"), @"template.yaml:13: Worker.Policies[0].PolicyDocument.Statement[0].Condition.DateLessThan: the simulated world cannot honour the condition operator DateLessThan; accepted: ArnEquals, ArnLike, Bool, ForAllValues:StringEquals, Null, StringEquals");
    insta::assert_snapshot!(role("{ Effect: Allow, Action: sqs:*, Resource: '*', Condition: { StringEquals: { aws:SourceVpc: mine } } }"), @"template.yaml:13: Worker.Policies[0].PolicyDocument.Statement[0].Condition.StringEquals.aws:SourceVpc: the simulated world cannot honour the condition key aws:SourceVpc; accepted: aws:SecureTransport, aws:SourceArn, aws:SourceAccount, dynamodb:Attributes");
    insta::assert_snapshot!(refusal(&role_text("{ Effect: Allow, Action: sqs:*, Resource: '*' }").replace("            Version: '2012-10-17'", "            Version: '2008-10-17'")), @r#"template.yaml:11: Worker.Policies[0].PolicyDocument.Version is "2008-10-17"; accepted: 2012-10-17"#);
    insta::assert_snapshot!(refusal(&role_text("{ Effect: Allow, Action: sqs:*, Resource: '*' }").replace("Policies:", "ManagedPolicyArns:")), @"template.yaml:8: Worker: the simulated world cannot honour the property ManagedPolicyArns; accepted: RoleName, AssumeRolePolicyDocument, Policies, Description, MaxSessionDuration, Path, Tags");
    insta::assert_snapshot!(refusal(&guarded("{ Effect: Allow, NotPrincipal: '*', Action: sqs:*, Resource: '*' }")), @"template.yaml:8: Guard.PolicyDocument.Statement[0]: the simulated world cannot honour the property NotPrincipal; accepted: Sid, Effect, Principal, Action, Resource, Condition");
    insta::assert_snapshot!(refusal(&guarded("{ Effect: Allow, Principal: { AWS: 'arn:aws:iam::123456789012:user/ada' }, Action: sqs:*, Resource: '*' }")), @r#"template.yaml:8: Guard.PolicyDocument.Statement[0].Principal.AWS is "arn:aws:iam::123456789012:user/ada"; accepted: *, the account, its root, or a role of it"#);
}

#[test]
fn a_second_policy_of_one_queue_would_replace_the_first_and_is_refused() {
    let one = guarded("{ Effect: Allow, Principal: '*', Action: sqs:*, Resource: '*' }");
    let (_, guard) = one.split_once("  Guard:\n").expect("it is there");
    insta::assert_snapshot!(refusal(&format!("{one}  Second:\n{guard}")), @"template.yaml:13: Second.PolicyDocument is a second policy of arn:aws:sqs:eu-central-1:123456789012:payments-Payments; accepted: one policy with all statements");
}
