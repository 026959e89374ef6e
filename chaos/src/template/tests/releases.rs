//! How versions are released: the alias that events reach, what a version says of itself, and what brakes one.

use super::shipped::shipped_with;
use super::{loaded, refusal};
use crate::cloud::config::{AliasConfig, FIRST_VERSION, FunctionConfig, LATEST};
use crate::template::Stack;

const ALARM: &str = "  Failing:\n    Type: AWS::CloudWatch::Alarm\n    Properties: { AlarmName: failing, Namespace: AWS/Lambda, MetricName: Errors, Dimensions: [{ Name: FunctionName, Value: work }], \
                     Statistic: Sum, Period: 60, EvaluationPeriods: 1, ComparisonOperator: GreaterThanThreshold, Threshold: 0 }\n";

/// A template with an alarm, and a function that has these properties.
fn released(properties: &str) -> String {
    format!(
        "Resources:\n{ALARM}  Work:\n    Type: AWS::Serverless::Function\n    Properties: {{ FunctionName: work, {properties} }}\n"
    )
}

fn function(properties: &str) -> FunctionConfig {
    loaded(&released(properties)).unwrap_or_else(|error| panic!("{error}")).functions["Work"].clone()
}

#[test]
fn what_events_invoke_is_the_alias_and_runs_the_version_that_it_points_at() {
    let plain = function("Timeout: 3");
    assert_eq!(plain.alias, None);
    assert_eq!(plain.invoked_arn(), "arn:aws:lambda:eu-central-1:123456789012:function:work");
    assert_eq!(plain.version(), LATEST);
    let released = function(
        "AutoPublishAlias: live, AutoPublishAliasAllProperties: true, VersionDescription: !Sub 'of ${AWS::StackName}'",
    );
    let alias = AliasConfig { name: "live".to_owned(), description: "of payments".to_owned() };
    assert_eq!(released.alias, Some(alias));
    assert_eq!(released.invoked_arn(), "arn:aws:lambda:eu-central-1:123456789012:function:work:live");
    assert_eq!(released.version(), FIRST_VERSION);
}

#[test]
fn a_pace_and_alarms_of_the_stack_are_taken() {
    let preferred = |preference: &str| {
        function(&format!("AutoPublishAlias: live, DeploymentPreference: {{ {preference} }}"))
    };
    assert!(preferred("Type: AllAtOnce").alias.is_some());
    assert!(
        preferred("Enabled: 'false', Type: Linear10PercentEvery2Minutes, Alarms: [!Ref Failing]")
            .alias
            .is_some()
    );
}

#[test]
fn a_release_that_the_world_cannot_honour_is_refused() {
    let refused = |properties: &str| refusal(&released(properties));
    let preferred = |preference: &str| {
        refused(&format!("AutoPublishAlias: live, DeploymentPreference: {{ {preference} }}"))
    };
    insta::assert_snapshot!(refused("AutoPublishAlias: '1'"), @r#"template.yaml:7: Work.AutoPublishAlias is "1"; accepted: letters, digits, - and _, and no number"#);
    insta::assert_snapshot!(refused("AutoPublishAlias: a:b"), @r#"template.yaml:7: Work.AutoPublishAlias is "a:b"; accepted: letters, digits, - and _, and no number"#);
    insta::assert_snapshot!(refused("VersionDescription: of no alias"), @"template.yaml:7: Work.VersionDescription is without an alias; accepted: together with AutoPublishAlias");
    insta::assert_snapshot!(refused("DeploymentPreference: { Type: AllAtOnce }"), @"template.yaml:7: Work.DeploymentPreference is without an alias; accepted: together with AutoPublishAlias");
    insta::assert_snapshot!(refused(&format!("AutoPublishAlias: live, VersionDescription: {}", "a".repeat(257))), @"template.yaml:7: Work.VersionDescription is 257 characters long; accepted: at most 256");
    insta::assert_snapshot!(preferred("Type: Linear10PercentEvery4Minutes"), @r#"template.yaml:7: Work.DeploymentPreference.Type is "Linear10PercentEvery4Minutes"; accepted: Canary10Percent5Minutes, Canary10Percent10Minutes, Canary10Percent15Minutes, Canary10Percent30Minutes, Linear10PercentEvery1Minute, Linear10PercentEvery2Minutes, Linear10PercentEvery3Minutes, Linear10PercentEvery10Minutes, AllAtOnce"#);
    insta::assert_snapshot!(preferred("Enabled: maybe, Type: AllAtOnce"), @r#"template.yaml:7: Work.DeploymentPreference.Enabled is "maybe"; accepted: true, false"#);
    insta::assert_snapshot!(preferred("Type: AllAtOnce, Alarms: [Failing]"), @r#"template.yaml:7: Work.DeploymentPreference.Alarms[0] is "Failing"; accepted: failing"#);
    insta::assert_snapshot!(preferred("Type: AllAtOnce, Hooks: { PreTraffic: work }"), @"template.yaml:7: Work.DeploymentPreference: the simulated world cannot honour the property Hooks; accepted: Enabled, Type, Alarms");
}

#[test]
fn whoever_reads_a_mail_invokes_what_the_events_do() {
    let stack = shipped_with(&[]);
    for function in ["Consumer", "Responder"] {
        let alias = stack.functions[function].alias.as_ref().expect("both are released");
        assert_eq!(alias.name, ::responder::config::ALIAS, "{function}");
    }
    let responder = &stack.functions["Responder"];
    assert!(responder.invoked_arn().ends_with(&format!(":{}", stack.outputs["ResponderFunction"])));
}

/// CloudFormation publishes a version where the description of one changes. SAM sees the template alone, in which a
/// parameter is its name: a value that is not in the description would be in the function, and in no version of it.
#[test]
fn a_parameter_publishes_a_version_of_the_functions_that_it_reaches_and_of_no_other() {
    let others = [
        ("AlertEmail", "boss@example.com"),
        ("AutoRedrive", "off"),
        ("Drills", "off"),
        ("GradualRollout", "false"),
        ("LogRetentionDays", "30"),
        ("Outcomes", "off"),
        ("PagerEndpoint", "https://pager.example.com/sns"),
        ("RedriveCyclesMax", "4"),
        ("RedriveRateMax", "40"),
        ("RolloutPace", "Canary10Percent5Minutes"),
        ("RunbookUrl", "https://example.com/runbooks"),
        ("StripeApiBase", "https://stripe.example.com"),
        ("StripeEventBus", "aws.partner/stripe.com/ed_test_1"),
        ("StripeMode", "live"),
        ("StripeRatePerSecond", "50"),
        ("StripeSecretArn", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:other-a1B2c3"),
    ];
    let before = shipped_with(&[]);
    let reaches_lambda_alone = "Tracing";
    let parameters =
        before.parameters.keys().map(String::as_str).filter(|name| *name != reaches_lambda_alone);
    assert_eq!(parameters.collect::<Vec<_>>(), others.map(|(name, _)| name), "each of them");
    for other in others {
        let after = shipped_with(&[other]);
        for (id, old) in &before.functions {
            let new = &after.functions[id];
            let is_reached = FunctionConfig { alias: None, ..old.clone() }
                != FunctionConfig { alias: None, ..new.clone() };
            assert_eq!(old.alias != new.alias, is_reached, "{} of {id}", other.0);
        }
    }
}

#[test]
fn tracing_publishes_versions_and_is_permitted_only_while_it_is_on() {
    let (off, on) = (shipped_with(&[]), shipped_with(&[("Tracing", "on")]));
    for (id, old) in &off.functions {
        assert_ne!(old.alias, on.functions[id].alias, "{id}");
        let role = old.role.as_ref().expect("each has one");
        let granted = |stack: &Stack| {
            let statements = stack.policies.roles[role].statements.iter();
            statements
                .flat_map(|it| it.actions.clone())
                .filter(|it| it.starts_with("xray:"))
                .collect::<Vec<_>>()
        };
        assert_eq!(granted(&off), Vec::<String>::new(), "{id}");
        assert_eq!(granted(&on), ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "{id}");
    }
}
