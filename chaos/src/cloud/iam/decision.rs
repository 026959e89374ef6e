//! How the policies of an account answer a request.
//!
//! An explicit deny wins; otherwise one allow is enough, in the caller's own policy or in that of the resource; without
//! any the answer is no. A key is stricter: its own policy must name the caller, or leave it to the account.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>
//! <https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html>
//! Invariant: an answer is a function of the policies and the request alone, so it may be remembered.

use super::Principal;
use super::policy::{Effect, Grant, Policy, Statement};
use std::collections::{BTreeMap, BTreeSet};

/// Every policy of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policies {
    /// What each role may do, by the role's name.
    pub roles: BTreeMap<String, Policy>,
    /// Who may do what to a queue, a topic or a key, and who may take on a role: by ARN.
    pub resources: BTreeMap<String, Policy>,
    /// ARN of the key that a topic is encrypted under, by the topic's.
    pub keys: BTreeMap<String, String>,
}

/// What the policies say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Yes: of each of these sets, any grant is enough.
    Allowed(Vec<BTreeSet<Grant>>),
    /// No.
    Denied(Why),
}

/// Why a request is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// A statement says `Deny`.
    Said(Kind),
    /// None says `Allow`.
    Unsaid(Kind),
}

/// The kind of policy that decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Of a role.
    Identity,
    /// Of a queue, a topic, a key, or what a role trusts.
    Resource,
}

impl Kind {
    /// As AWS writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity-based",
            Self::Resource => "resource-based",
        }
    }
}

impl Policies {
    /// Everything that is allowed anywhere.
    #[must_use]
    pub fn grants(&self) -> BTreeSet<Grant> {
        let statements =
            self.roles.values().chain(self.resources.values()).flat_map(|policy| &policy.statements);
        statements.filter(|it| it.effect == Effect::Allow).flat_map(Statement::grants).collect()
    }

    /// Adds those of a nested template.
    pub fn extend(&mut self, nested: Self) {
        self.roles.extend(nested.roles);
        self.resources.extend(nested.resources);
        self.keys.extend(nested.keys);
    }

    /// Whether `who` may do this.
    pub(super) fn decide(&self, who: &Principal, action: &str, resource: &str) -> Decision {
        let (own, of_resource) = (self.own(who), statements(self.resources.get(resource)));
        let grants = |statements: &mut dyn Iterator<Item = &Statement>, effect| -> BTreeSet<Grant> {
            let said = statements.filter(|it| it.effect == effect);
            said.flat_map(|statement| statement.matching(who, action, resource)).collect()
        };
        if !grants(&mut own.iter(), Effect::Deny).is_empty() {
            return Decision::Denied(Why::Said(Kind::Identity));
        }
        let speaks = |it: &&Statement| it.names(who) || it.names_the_account() && who.is_of_the_account();
        if !grants(&mut of_resource.iter().filter(speaks), Effect::Deny).is_empty() {
            return Decision::Denied(Why::Said(Kind::Resource));
        }
        let mut allowed = grants(&mut own.iter(), Effect::Allow);
        let by_name = grants(&mut of_resource.iter().filter(|it| it.names(who)), Effect::Allow);
        let delegated = grants(&mut of_resource.iter().filter(|it| it.names_the_account()), Effect::Allow);
        match is_key(resource) {
            true if by_name.is_empty() && !allowed.is_empty() && !delegated.is_empty() => {
                Decision::Allowed(vec![allowed, delegated])
            }
            true if by_name.is_empty() => Decision::Denied(Why::Unsaid(Kind::Resource)),
            true => Decision::Allowed(vec![by_name]),
            false => {
                allowed.extend(by_name);
                if allowed.is_empty() {
                    Decision::Denied(Why::Unsaid(who.kind()))
                } else {
                    Decision::Allowed(vec![allowed])
                }
            }
        }
    }

    fn own(&self, who: &Principal) -> &[Statement] {
        match who {
            Principal::Function { role, .. } => statements(self.roles.get(role)),
            Principal::Service { .. } => &[],
        }
    }
}

fn statements(policy: Option<&Policy>) -> &[Statement] {
    policy.map_or(&[], |policy| &policy.statements)
}

fn is_key(arn: &str) -> bool {
    arn.split(':').nth(2) == Some("kms")
}
