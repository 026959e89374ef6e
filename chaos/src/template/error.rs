//! What can be wrong with a template, and where.
//!
//! Invariant: every message fits one line and says what stands where, and what is accepted instead.

use std::fmt;
use std::sync::Arc;

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file as it was named by whoever asked for it.
    pub file: Arc<str>,
    /// Line, from 1; 0 when the whole file is meant.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.file),
            line => write!(f, "{}:{line}", self.file),
        }
    }
}

/// Why a template cannot become a [`Stack`](super::Stack).
#[derive(Debug, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct TemplateError {
    /// Where it stands.
    pub place: Place,
    /// What it is.
    pub problem: Problem,
}

/// What is wrong with a template.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The file cannot be read.
    #[error("cannot read the template: {0}; accepted: a CloudFormation template in YAML")]
    Unreadable(#[source] std::io::Error),
    /// The text is not YAML.
    #[error("not YAML: {0}")]
    NotYaml(String),
    /// A value is of the wrong kind, outside its limits, or at odds with another one.
    #[error("{path} is {found}; accepted: {accepted}")]
    Value {
        /// Resource and property, for example `Payments.VisibilityTimeout`.
        path: String,
        /// What stands there.
        found: String,
        /// What may stand there.
        accepted: String,
    },
    /// Something that must be said is not.
    #[error("{path} is missing; accepted: {accepted}")]
    Missing {
        /// Resource and property.
        path: String,
        /// What may stand there.
        accepted: String,
    },
    /// A resource type, property or function that the simulated world cannot honour.
    #[error("{path}: the simulated world cannot honour {what}; accepted: {accepted}")]
    Unsupported {
        /// Resource, and property if it is one.
        path: String,
        /// The type, property or function.
        what: String,
        /// What it can honour in its place.
        accepted: String,
    },
    /// A reference to something that does not exist.
    #[error("{path}: there is no {what}; accepted: {accepted}")]
    Unknown {
        /// Where it is referred to.
        path: String,
        /// What was referred to.
        what: String,
        /// The names that exist.
        accepted: String,
    },
    /// The values that a deployment gives break a rule of the template.
    #[error("{path}: {said}")]
    Rule {
        /// The rule.
        path: String,
        /// What it says of it.
        said: String,
    },
    /// Things that need each other; CloudFormation cannot create them.
    #[error("{chain} need each other; accepted: an order in which CloudFormation can create them")]
    Circular {
        /// The circle, its first name repeated at the end.
        chain: String,
    },
}

/// Names as a message lists them: `A, B, C`, or `nothing`.
pub(super) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}
