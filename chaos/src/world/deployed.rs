//! The stack as it is deployed for a run, and the parts of it that a run speaks of by name.
//!
//! The parts are found where an operator would look for them: in the template's outputs.
//! Invariant: whatever the world supplies to the template is here, and none of it is a number the run depends on.

use super::WorldError;
use crate::cloud::config::FunctionConfig;
use crate::cloud::names;
use crate::template::{Deployment, Stack};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const SECRET: &str = "payments/stripe";
const ALERT_EMAIL: &str = "on-call@example.com";
const OUTPUTS: &str = "outputs PaymentsQueueUrl, QuarantineQueueUrl and LedgerTable";

/// A template, deployed.
#[derive(Clone, Debug)]
pub struct Deployed {
    /// The template, as it was named.
    pub template: String,
    /// What it describes.
    pub stack: Stack,
    /// The one function: the world has code for no other.
    pub consumer: FunctionConfig,
    /// ARN of the secret that holds the Stripe key.
    pub secret: String,
    /// The parts a run speaks of.
    pub names: Names,
}

/// Names of queues and table, as deployed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// Queue that producers send to.
    pub source: String,
    /// Its dead-letter queue.
    pub dead_letters: String,
    /// Queue of what only a human can mend.
    pub quarantine: String,
    /// Table of payments.
    pub ledger: String,
}

/// The repository's own template.
#[must_use]
pub fn own_template() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).join("template.yaml")
}

impl Deployed {
    /// Deploys the template at `path`.
    ///
    /// # Errors
    /// When it cannot be honoured, or lacks what a run needs.
    pub fn load(path: &Path) -> Result<Self, WorldError> {
        let secret = names::secret_arn(SECRET);
        let given = [("StripeSecretArn", secret.as_str()), ("AlertEmail", ALERT_EMAIL)];
        let parameters = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let deployment = Deployment { parameters: BTreeMap::from(parameters), ..Deployment::default() };
        Self::of(path.display().to_string(), Stack::load(path, &deployment)?, secret)
    }

    pub(super) fn of(template: String, stack: Stack, secret: String) -> Result<Self, WorldError> {
        let lacks = |what: String, accepted| WorldError::Lacks { template: template.clone(), what, accepted };
        let output = |name: &str| {
            stack.outputs.get(name).cloned().ok_or_else(|| lacks(format!("output {name}"), OUTPUTS))
        };
        let source = names::queue_in_url(&output("PaymentsQueueUrl")?).to_owned();
        let queue = stack.queues.values().find(|queue| queue.name == source);
        let redrive = queue.and_then(|queue| queue.redrive.as_ref());
        let dead_letters = redrive.ok_or_else(|| {
            lacks(format!("the dead-letter queue of {source}"), "a source queue with a RedrivePolicy")
        })?;
        let names = Names {
            dead_letters: dead_letters.dead_letter_queue.clone(),
            quarantine: names::queue_in_url(&output("QuarantineQueueUrl")?).to_owned(),
            ledger: output("LedgerTable")?,
            source,
        };
        let consumer = consumer(&stack, &names.source).ok_or_else(|| {
            lacks("the consumer, and it alone".to_owned(), "one function, fed by the payments queue")
        })?;
        Ok(Self { consumer: consumer.clone(), template, stack, secret, names })
    }
}

/// The only function of the stack, if it is fed by `source`.
fn consumer<'a>(stack: &'a Stack, source: &str) -> Option<&'a FunctionConfig> {
    let mut functions = stack.functions.values();
    let only = functions.next().filter(|_| functions.next().is_none())?;
    only.sources.iter().any(|event| event.queue == source).then_some(only)
}
