//! Mutants of the template's permissions: each works until something goes wrong.

use crate::mutants::mutant::{Broken, Mutant};
use crate::mutants::weather::Weather;
use chaos::cloud::iam::{Effect, Policies, Statement};

/// Makes other permissions of those of the template.
pub(crate) type Alter = fn(&mut Policies);

pub(crate) const MUTANTS: [Mutant; 4] = [
    Mutant {
        name: "may not send what it quarantines",
        story: "a fresh stack handles every payment, so its role has what it needs",
        weather: Weather::Garbage,
        caught_by: "nothing-denied",
        broken: Broken::Permissions(|policies| {
            take(policies, "ConsumerRole.consume-payments.Quarantine", "sqs:SendMessage")
        }),
    },
    Mutant {
        name: "may start a move task and not empty the queue",
        story: "SQS moves the messages, so SQS needs the permissions",
        weather: Weather::Drills,
        caught_by: "nothing-denied",
        broken: Broken::Permissions(|policies| {
            take(policies, "ResponderRole.respond-to-incidents.RedriveDeadLetters", "sqs:DeleteMessage");
        }),
    },
    Mutant {
        name: "may publish and not use the key",
        story: "the topic was encrypted afterwards, and its test mail had come before",
        weather: Weather::Drills,
        caught_by: "nothing-denied",
        broken: Broken::Permissions(|policies| {
            take(
                policies,
                "ResponderRole.respond-to-incidents.EncryptWhatTheyAreTold",
                "kms:GenerateDataKey*",
            );
        }),
    },
    Mutant {
        name: "denies what nobody is known to do",
        story: "a guard rail for the whole account: nobody deletes messages by hand",
        weather: Weather::Drills,
        caught_by: "nothing-denied",
        broken: Broken::Permissions(denies_deletes),
    },
];

/// What mutants are permitted: whoever puts whole rows has had that granted.
pub(crate) fn of_mutants(policies: &mut Policies) {
    for statement in statements(policies) {
        if statement.actions.iter().any(|action| action == "dynamodb:UpdateItem") {
            statement.actions.push("dynamodb:PutItem".to_owned());
        }
    }
}

fn take(policies: &mut Policies, statement: &str, action: &str) {
    for found in statements(policies).filter(|it| it.name == statement) {
        found.actions.retain(|granted| granted != action);
    }
}

fn denies_deletes(policies: &mut Policies) {
    for policy in policies.roles.values_mut() {
        let denied = policy.statements.iter().map(|statement| Statement {
            effect: Effect::Deny,
            actions: vec!["SQS:Delete*".to_owned()],
            ..statement.clone()
        });
        let denied: Vec<Statement> = denied.filter(|it| it.name.ends_with("DeadLetters")).collect();
        policy.statements.extend(denied);
    }
}

fn statements(policies: &mut Policies) -> impl Iterator<Item = &mut Statement> {
    policies.roles.values_mut().flat_map(|policy| &mut policy.statements)
}
