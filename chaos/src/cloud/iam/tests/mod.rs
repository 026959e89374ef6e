//! Decisions of the policies alone.

mod attributes;
mod refusals;

use super::*;
use payments::UnixMs;

const LEDGER: &str = "arn:aws:dynamodb:eu-central-1:123456789012:table/ledger";
const PAYMENTS: &str = "arn:aws:sqs:eu-central-1:123456789012:payments";
const DEAD: &str = "arn:aws:sqs:eu-central-1:123456789012:dead";
const ALERTS: &str = "arn:aws:sns:eu-central-1:123456789012:alerts";
const KEY: &str = "arn:aws:kms:eu-central-1:123456789012:key/alerts-key";
const SESSION: &str = "arn:aws:sts::123456789012:assumed-role/role/payments-consumer";

fn function() -> Principal {
    Principal::Function { role: "role".to_owned(), function: "payments-consumer".to_owned() }
}

fn service(name: &'static str, source: &str) -> Principal {
    Principal::Service { name, source: source.to_owned() }
}

/// A statement that lets `who` do these on this.
fn allow(name: &str, who: Named, actions: &[&str], resource: &str) -> Statement {
    Statement {
        name: name.to_owned(),
        effect: Effect::Allow,
        principals: vec![who],
        actions: actions.iter().map(|action| (*action).to_owned()).collect(),
        resources: vec![resource.to_owned()],
        conditions: vec![],
    }
}

/// What the role may do.
fn own(actions: &[&str], resource: &str) -> Statement {
    allow("own", Named::Bearer, actions, resource)
}

fn deny(statement: Statement) -> Statement {
    Statement { effect: Effect::Deny, ..statement }
}

/// The role with these statements, trusted to Lambda.
fn role(statements: Vec<Statement>) -> Policies {
    let lambda = Named::Service("lambda.amazonaws.com".to_owned());
    let trust = Policy { statements: vec![allow("trust", lambda, &["sts:AssumeRole"], "*")] };
    Policies {
        roles: BTreeMap::from([("role".to_owned(), Policy { statements })]),
        resources: BTreeMap::from([(names::role_arn("role"), trust)]),
        keys: BTreeMap::new(),
    }
}

/// The same, with a policy of a resource.
fn with(mut policies: Policies, arn: &str, statements: Vec<Statement>) -> Policies {
    policies.resources.insert(arn.to_owned(), Policy { statements });
    policies
}

fn iam(policies: Policies) -> Iam {
    Iam::new(Access::Under(policies), Clock::starting_at(UnixMs(0)), Journal::default())
}

fn refusal(policies: Policies, who: &Principal, action: &'static str, resource: &str) -> String {
    iam(policies).ask(who, action, resource).expect_err("nothing grants it").to_string()
}

#[test]
fn what_no_policy_allows_is_refused_in_the_words_of_aws() {
    assert_eq!(
        refusal(role(vec![own(&["dynamodb:UpdateItem"], LEDGER)]), &function(), "dynamodb:GetItem", LEDGER),
        format!(
            "User: {SESSION} is not authorized to perform: dynamodb:GetItem on resource: {LEDGER} because no identity-based policy allows the dynamodb:GetItem action"
        )
    );
    let index = format!("{LEDGER}/index/unsettled");
    let said = refusal(role(vec![own(&["dynamodb:Query"], LEDGER)]), &function(), "dynamodb:Query", &index);
    assert!(said.contains(&index), "an index is a resource of its own: {said}");
}

#[test]
fn a_deny_outweighs_every_allow_wherever_it_stands() {
    let allowed = || role(vec![own(&["sqs:*"], PAYMENTS)]);
    let denied = own(&["sqs:Delete*"], "*");
    let mut own_deny = allowed();
    own_deny.roles.get_mut("role").expect("it is there").statements.push(deny(denied));
    let said = refusal(own_deny.clone(), &function(), "sqs:DeleteMessage", PAYMENTS);
    assert!(said.ends_with("with an explicit deny in an identity-based policy"), "{said}");
    assert_eq!(iam(own_deny).ask(&function(), "sqs:SendMessage", PAYMENTS), Ok(()));
    for who in [Named::Anybody, Named::Account, Named::Role(names::role_arn("role"))] {
        let policy = vec![deny(allow("queue", who, &["sqs:DeleteMessage"], PAYMENTS))];
        let said = refusal(with(allowed(), PAYMENTS, policy), &function(), "sqs:DeleteMessage", PAYMENTS);
        assert!(said.ends_with("with an explicit deny in a resource-based policy"), "{said}");
    }
}

#[test]
fn a_resource_may_let_a_role_in_that_its_own_policies_do_not() {
    let policy =
        |who| with(role(vec![]), PAYMENTS, vec![allow("queue", who, &["sqs:SendMessage"], PAYMENTS)]);
    let ask = |who| iam(policy(who)).ask(&function(), "sqs:SendMessage", PAYMENTS).is_ok();
    assert!(ask(Named::Role(names::role_arn("role"))));
    assert!(!ask(Named::Role(names::role_arn("another"))));
    assert!(!ask(Named::Account), "the account leaves it to its roles' own policies");
}

#[test]
fn a_service_is_let_in_by_the_resource_alone() {
    let rule = names::rule_arn("alarms");
    let events = service("events.amazonaws.com", &rule);
    let policy = |source: &str| {
        let who = Named::Service("events.amazonaws.com".to_owned());
        let condition = Condition {
            operator: Operator::ArnLike,
            key: ConditionKey::SourceArn,
            values: vec![source.to_owned()],
        };
        let statement = allow("queue", who, &["sqs:SendMessage"], PAYMENTS);
        with(role(vec![]), PAYMENTS, vec![Statement { conditions: vec![condition], ..statement }])
    };
    let ask = |source: &str, who| iam(policy(source)).ask(who, "sqs:SendMessage", PAYMENTS).is_ok();
    assert!(ask(&rule, &events));
    assert!(!ask(&names::rule_arn("another"), &events), "for another rule");
    assert!(!ask(&rule, &service("sns.amazonaws.com", &rule)), "another service");
    let said = refusal(role(vec![own(&["*"], "*")]), &events, "sqs:SendMessage", PAYMENTS);
    assert!(said.ends_with("because no resource-based policy allows the sqs:SendMessage action"), "{said}");
}

#[test]
fn a_key_is_used_by_those_whom_its_own_policy_lets_or_leaves_to_the_account() {
    let (may, may_not) = (vec![own(&["kms:Decrypt"], KEY)], vec![]);
    let account = || vec![allow("key", Named::Account, &["kms:*"], "*")];
    let ask = |own: &[Statement], key| {
        iam(with(role(own.to_vec()), KEY, key)).ask(&function(), "kms:Decrypt", KEY).is_ok()
    };
    assert!(ask(&may, account()));
    assert!(!ask(&may_not, account()), "the account does not say that the role may");
    assert!(!ask(&may, vec![]), "nor does the role say that the key may be used");
    assert!(ask(&may_not, vec![allow("key", Named::Role(names::role_arn("role")), &["kms:Decrypt"], "*")]));
}

#[test]
fn a_grant_is_needed_when_nothing_else_would_have_done() {
    let needed = |statements: &[Statement]| {
        let iam = iam(role(statements.to_vec()));
        for action in ["sqs:SendMessage", "sqs:DeleteMessage", "sqs:SendMessage"] {
            iam.ask(&function(), action, PAYMENTS).expect("it is granted");
        }
        iam.needed()
            .into_iter()
            .map(|grant| format!("{}/{}", grant.statement, grant.action))
            .collect::<Vec<_>>()
    };
    let exact = own(&["sqs:SendMessage", "sqs:DeleteMessage", "sqs:PurgeQueue"], PAYMENTS);
    assert_eq!(needed(std::slice::from_ref(&exact)), ["own/sqs:DeleteMessage", "own/sqs:SendMessage"]);
    let broad = allow("broad", Named::Bearer, &["sqs:*"], "*");
    assert!(needed(&[exact, broad]).is_empty(), "either would have done without the other");
}
