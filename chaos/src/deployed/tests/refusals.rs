//! What is not begun, and the one line about it.

use super::*;
use crate::faults::{Kind, Window};
use crate::random::Chance;

/// Refused before anything was changed.
fn refused(stand: &Stand, text: &str) -> String {
    let line = stand.plan(text).expect_err("it is refused");
    let changes = [" send", " create", " subscribe", " put", " delete", " update", " start", " invoke"];
    let changed = stand.called().into_iter().find(|call| changes.iter().any(|word| call.contains(word)));
    assert_eq!((changed, line.lines().count()), (None, 1), "{line}");
    line
}

#[test]
fn a_stack_in_which_money_moves_is_refused() {
    let stand = Stand::new("live", "http://127.0.0.1:9");
    stand.is_deployed("http://127.0.0.1:9", "live");
    insta::assert_snapshot!(refused(&stand, ""), @"StripeMode of stack payments is live; accepted: test, in which no money moves");
    stand.is_deployed("https://api.stripe.com", "test");
    insta::assert_snapshot!(refused(&stand, ""), @"StripeApiBase of stack payments is https://api.stripe.com, which is Stripe; accepted: a stack that was deployed with StripeApiBase of a running `cargo chaos stripe`");
}

#[test]
fn an_account_that_was_not_named_is_refused() {
    let stand = Stand::new("account", "http://127.0.0.1:9");
    stand.answers("sts.get-caller-identity", &json!({ "Account": "210987654321" }));
    insta::assert_snapshot!(refused(&stand, ""), @"the credentials are of account 210987654321; accepted: those of --account 123456789012");
}

#[test]
fn what_is_no_stack_of_this_template_is_refused() {
    let stand = Stand::new("stack", "http://127.0.0.1:9");
    stand.answers("cloudformation.describe-stacks", &json!({ "Stacks": [{ "Outputs": [] }] }));
    insta::assert_snapshot!(refused(&stand, ""), @"stack payments has no output PaymentsQueueUrl; accepted: a stack of this template");
    let words = "\nAn error occurred (ValidationError) when calling the DescribeStacks operation: Stack with id payments does not exist\n";
    stand.refuses("cloudformation.describe-stacks", words);
    insta::assert_snapshot!(refused(&stand, ""), @"aws cloudformation describe-stacks: An error occurred (ValidationError) when calling the DescribeStacks operation: Stack with id payments does not exist");
}

#[test]
fn without_an_aws_cli_nothing_is_begun() {
    let stand = Stand::new("missing", "http://127.0.0.1:9");
    let cli = Cli { program: "/nowhere/aws".into(), ..stand.cli() };
    let wanted = Wanted { stack: "payments", account: ACCOUNT, stripe: None, stripe_key: None };
    let line = Plan::make(&wanted, cli, experiment(""), 1, BEGAN).expect_err("it is refused").to_string();
    insta::assert_snapshot!(line, @"cannot start /nowhere/aws: No such file or directory (os error 2); accepted: --aws-cli PATH, or the AWS CLI as `aws` on the path");
}

#[test]
fn a_stripe_that_takes_no_faults_is_refused() {
    let stand = Stand::new("nobody", "http://127.0.0.1:9");
    insta::assert_snapshot!(refused(&stand, ""), @"no fake Stripe answers on 127.0.0.1:9 (client error (Connect)); accepted: the address of a running `cargo chaos stripe`, http://HOST:PORT, or of a deployed one, https://HOST with --stripe-key");
    stand.is_deployed("https://stripe.example.com", "test");
    insta::assert_snapshot!(refused(&stand, ""), @"the controls of https://stripe.example.com cannot be reached in clear; accepted: --stripe http://HOST:PORT, where the same `cargo chaos stripe` answers, or --stripe-key, the key of a deployed one");
    let fault = Fault::steady(Kind::StripeTimeout, Chance::ALWAYS, Window::ALWAYS);
    let served = Served::with(vec![fault]);
    stand.is_deployed(&served.base, "test");
    let line = refused(&stand, "").replace(&served.base, "http://127.0.0.1:PORT");
    insta::assert_snapshot!(line, @"stripe-timeout is set in the fake Stripe at http://127.0.0.1:PORT already; accepted: one without faults, as `cargo chaos fault clear` leaves it");
    served.ended();
}

#[test]
fn what_cannot_be_made_from_outside_is_refused_by_name() {
    let stand = Stand::new("outside", "http://127.0.0.1:9");
    let fault = |rest: &str| refused(&stand, &format!("[[fault]]\n{rest}\n"));
    insta::assert_snapshot!(fault("kind = \"crash\"\nfrom = \"1m\"\nfor = \"1m\"\nrate = 0.5"), @"mine: crash cannot be had from outside a deployed stack; accepted: those of Stripe in `cargo chaos list faults`, but for poison");
    insta::assert_snapshot!(fault("kind = \"stripe-timeout\"\nfrom = \"1m\"\nfor = \"1m\"\nrate = { ramp = [0.1, 0.9] }"), @"mine: stripe-timeout cannot be had from outside a deployed stack; accepted: a fault at one rate");
    insta::assert_snapshot!(fault("kind = \"stripe-timeout\"\nfrom = \"1m\"\nrate = 1.0"), @"mine: stripe-timeout cannot be had from outside a deployed stack; accepted: a fault that ends");
    insta::assert_snapshot!(refused(&stand, "[[order]]\nat = \"1m\"\ncommand = \"redrive\""), @"mine: the order redrive cannot be had from outside a deployed stack; accepted: an experiment that orders nothing");
    assert!(stand.called().is_empty(), "nobody was asked: {:?}", stand.called());
}

#[test]
fn a_stack_that_is_at_work_is_refused() {
    let served = Served::with(Vec::new());
    let stand = Stand::new("busy", &served.base);
    insta::assert_snapshot!(refused(&stand, "[parameters]\nAutoRedrive = \"off\""), @"AutoRedrive of stack payments is not said; accepted: off, as mine asks for");
    let row = json!({ "payment_id": { "S": "order-1" }, "state": { "S": "succeeded" } });
    stand.answers("dynamodb.scan", &json!({ "Items": [row] }));
    let text = r#"[workload]
bodies = ['{"payment_id":"order-1","amount":1999,"currency":"eur","payment_method":"pm_card_visa"}']
at = ["0s"]"#;
    insta::assert_snapshot!(refused(&stand, text), @"order-1 is in the ledger of stack payments already; accepted: payments that it does not know");
    let expects = "[expect]\nalarms = [\"ProviderFailing\"]";
    insta::assert_snapshot!(refused(&stand, expects), @"mine: expect.alarms ProviderFailing; accepted: an alarm of stack payments");
    let item = json!({ "phase": { "S": "draining" }, "body": { "S": "{}" } });
    stand.answers("dynamodb.get-item", &json!({ "Item": item }));
    insta::assert_snapshot!(refused(&stand, ""), @"the incident of stack payments is draining; accepted: a stack whose last one is over, and quiet");
    stand.answers(
        "sqs.get-queue-attributes",
        &json!({ "Attributes": { "ApproximateNumberOfMessages": "3" } }),
    );
    insta::assert_snapshot!(refused(&stand, ""), @"3 messages in payments-payments; accepted: empty queues, else nobody knows whose they are");
    served.ended();
}

#[test]
fn a_plan_says_what_it_changes_undoes_and_costs() {
    let served = Served::with(Vec::new());
    let stand = Stand::new("plan", &served.base);
    let text = "[workload]\npayments = 40\nover = \"5m\"\n[[fault]]\nkind = \"stripe-unavailable\"\nfrom = \"1m\"\nfor = \"4m\"\nrate = 1.0\n";
    let left = json!({ "QueueUrls": ["https://sqs/1/payments-chaos-20260104t170000z"] });
    stand.answers("sqs.list-queues", &left);
    let plan = stand.plan(text).expect("nothing speaks against it");
    let said = plan.text().replace(&served.base, "http://127.0.0.1:PORT");
    insta::assert_snapshot!(said);
    assert!(!stand.called().iter().any(|call| call.contains("create") || call.contains("subscribe")));
    served.ended();
}
