//! How the policies of an account answer a request.
//!
//! An explicit deny wins; otherwise one allow is enough, in the caller's own policy or in that of the resource; without
//! any the answer is no. A key is stricter: its own policy must name the caller, or leave it to the account.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>
//! <https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html>
//! Invariant: an answer is a function of the policies and the request alone, so it may be remembered.

use super::Principal;
use super::policy::{Effect, Grant, Policy, Request, Statement};
use std::collections::{BTreeMap, BTreeSet};

/// Every policy of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policies {
    /// What each role may do, by the role's name.
    pub roles: BTreeMap<String, Policy>,
    /// Who may do what to a queue, a topic, a key, a function or a bucket, and who may take on a role: by ARN.
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
    /// Of a queue, a topic, a key, a function, a bucket, or what a role trusts.
    Resource,
}

impl Decision {
    /// Why not, if not.
    pub(super) const fn refusal(&self) -> Option<Why> {
        match self {
            Self::Allowed(_) => None,
            Self::Denied(why) => Some(*why),
        }
    }

    /// The sets of grants of which one each was enough.
    pub(super) fn sets(&self) -> &[BTreeSet<Grant>] {
        match self {
            Self::Allowed(sets) => sets,
            Self::Denied(_) => &[],
        }
    }
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

    /// Adds those of a nested template, or of another stack of the account.
    pub fn extend(&mut self, nested: Self) {
        self.roles.extend(nested.roles);
        self.resources.extend(nested.resources);
        self.keys.extend(nested.keys);
    }

    /// Whether this may be done.
    pub(super) fn decide(&self, asked: Request<'_>) -> Decision {
        let Request { who, resource, .. } = asked;
        let guard = statements(self.resources.get(guarded(resource)));
        let grants = |statements: &[Statement], effect, speaks: Speaks| -> BTreeSet<Grant> {
            let said = statements.iter().filter(|it| it.effect == effect && speaks(it, who));
            said.flat_map(|statement| statement.matching(asked)).collect()
        };
        if !grants(self.own(who), Effect::Deny, Statement::names).is_empty() {
            return Decision::Denied(Why::Said(Kind::Identity));
        }
        if !grants(guard, Effect::Deny, Statement::concerns).is_empty() {
            return Decision::Denied(Why::Said(Kind::Resource));
        }
        let own = grants(self.own(who), Effect::Allow, Statement::names);
        let by_name = grants(guard, Effect::Allow, Statement::names);
        if is_key(resource) {
            return of_key(own, by_name, grants(guard, Effect::Allow, |it, _| it.names_the_account()));
        }
        let any: BTreeSet<Grant> = own.into_iter().chain(by_name).collect();
        if any.is_empty() { Decision::Denied(Why::Unsaid(who.kind())) } else { Decision::Allowed(vec![any]) }
    }

    fn own(&self, who: &Principal) -> &[Statement] {
        match who {
            Principal::Function { role, .. } => statements(self.roles.get(role)),
            Principal::Service { .. } => &[],
        }
    }
}

/// Whether a statement counts for somebody.
type Speaks = fn(&Statement, &Principal) -> bool;

/// What a caller's own policies allow counts only where the key's policy leaves it to the account.
fn of_key(own: BTreeSet<Grant>, by_name: BTreeSet<Grant>, delegated: BTreeSet<Grant>) -> Decision {
    if !by_name.is_empty() {
        Decision::Allowed(vec![by_name])
    } else if own.is_empty() || delegated.is_empty() {
        Decision::Denied(Why::Unsaid(Kind::Resource))
    } else {
        Decision::Allowed(vec![own, delegated])
    }
}

fn statements(policy: Option<&Policy>) -> &[Statement] {
    policy.map_or(&[], |policy| &policy.statements)
}

/// ARN of what has the policy: what is in a bucket has none of its own.
fn guarded(arn: &str) -> &str {
    match arn.split_once('/') {
        Some((bucket, _)) if arn.split(':').nth(2) == Some("s3") => bucket,
        Some(_) | None => arn,
    }
}

fn is_key(arn: &str) -> bool {
    arn.split(':').nth(2) == Some("kms")
}
