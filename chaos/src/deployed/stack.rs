//! A deployed stack: what it is made of, and why it may not be touched.
//!
//! Invariant: whoever holds one may work on it: it is in the account that was named, and its mode is `test`.

use super::cli::Cli;
use super::{DeployedError, DeployedError::Refused};
use crate::cloud::names;
use crate::world::Names;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a stack must say of itself, and is built from.
const OUTPUTS: [&str; 10] = [
    "PaymentsQueueUrl",
    "DeadLettersQueueUrl",
    "QuarantineQueueUrl",
    "LedgerTable",
    "IncidentsTable",
    "AlertsTopicArn",
    "PagesTopicArn",
    "ConsumerFunction",
    "ConsumerLogGroup",
    "ResponderFunction",
];

/// Where Stripe itself answers.
const STRIPE: &str = "api.stripe.com";

/// A stack, as CloudFormation describes it.
#[derive(Clone, Debug)]
pub(super) struct Stack {
    pub(super) name: String,
    pub(super) account: String,
    pub(super) parameters: BTreeMap<String, String>,
    outputs: BTreeMap<String, String>,
}

impl Stack {
    /// Reads the stack of this name in the account that was named.
    pub(super) fn find(cli: &Cli, name: &str, account: &str) -> Result<Self, DeployedError> {
        let whose = cli.ask(&["sts", "get-caller-identity"])?;
        let found = whose["Account"].as_str().unwrap_or("nobody's");
        if found != account {
            let line =
                format!("the credentials are of account {found}; accepted: those of --account {account}");
            return Err(Refused(line));
        }
        let said = cli.ask(&["cloudformation", "describe-stacks", "--stack-name", name])?;
        let pairs = |list: &str, key: &str, value: &str| {
            let entries = said["Stacks"][0][list].as_array().into_iter().flatten();
            let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
            entries.map(|entry| (text(entry, key), text(entry, value))).collect()
        };
        let stack = Self {
            name: name.to_owned(),
            account: account.to_owned(),
            parameters: pairs("Parameters", "ParameterKey", "ParameterValue"),
            outputs: pairs("Outputs", "OutputKey", "OutputValue"),
        };
        stack.refused().map_or(Ok(stack), |line| Err(Refused(line)))
    }

    /// Why nothing may be done to it, if something speaks against it.
    fn refused(&self) -> Option<String> {
        let name = &self.name;
        if let Some(missing) = OUTPUTS.iter().find(|output| !self.outputs.contains_key(**output)) {
            return Some(format!("stack {name} has no output {missing}; accepted: a stack of this template"));
        }
        let mode = self.parameter("StripeMode").unwrap_or("not said");
        if mode != "test" {
            return Some(format!(
                "StripeMode of stack {name} is {mode}; accepted: test, in which no money moves"
            ));
        }
        let base = self.stripe();
        let accepted = "a stack that was deployed with StripeApiBase of a running `cargo chaos stripe`";
        base.contains(STRIPE).then(|| {
            format!("StripeApiBase of stack {name} is {base}, which is Stripe; accepted: {accepted}")
        })
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// `StripeApiBase`.
    pub(super) fn stripe(&self) -> &str {
        self.parameter("StripeApiBase").unwrap_or(STRIPE)
    }

    /// An output; one of [`OUTPUTS`], which are all there.
    pub(super) fn output(&self, name: &str) -> &str {
        self.outputs.get(name).map_or("", String::as_str)
    }

    pub(super) fn source(&self) -> &str {
        self.output("PaymentsQueueUrl")
    }

    pub(super) fn dead_letters(&self) -> &str {
        self.output("DeadLettersQueueUrl")
    }

    pub(super) fn quarantine(&self) -> &str {
        self.output("QuarantineQueueUrl")
    }

    /// What a history calls them.
    pub(super) fn names(&self) -> Names {
        let queue = |url: &str| names::queue_in_url(url).to_owned();
        Names {
            source: queue(self.source()),
            dead_letters: queue(self.dead_letters()),
            quarantine: queue(self.quarantine()),
            ledger: self.output("LedgerTable").to_owned(),
            incidents: Some(self.output("IncidentsTable").to_owned()),
            outcomes: None,
            stripe_events: None,
        }
    }

    /// What its alarm is called in the template.
    pub(super) fn alarm<'a>(&self, deployed: &'a str) -> &'a str {
        deployed.strip_prefix(&self.name).map_or(deployed, |rest| rest.trim_start_matches('-'))
    }
}
