//! What a run on a deployed stack refuses, does, undoes and sees, without any stack.
//!
//! Invariant: the AWS CLI is a shell script that answers from files; no time passes but what a test lets pass.

mod course;
mod doctored;
mod refusals;

use super::*;
use crate::experiment::Experiment;
use crate::faults::{Fault, Tally};
use crate::serve::{self, Offer};
use crate::stripe::{Latency, Mode};
use serde_json::{Value, json};
use std::cell::Cell;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use tokio::sync::Notify;

/// The script. What was just written cannot be run while another test starts a process, so it is linked to, and not made.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/deployed/tests/aws");

pub(super) const BEGAN: UnixMs = UnixMs(1_767_603_600_000);
const ACCOUNT: &str = "123456789012";

/// A folder with an `aws` in it, gone after the test.
pub(super) struct Stand(PathBuf);

impl Stand {
    /// One whose `aws` tells of a stack, empty and at rest, that was deployed against this Stripe.
    pub(super) fn new(test: &str, stripe: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("chaos-deployed-{}-{test}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("there is room");
        let stand = Self(folder);
        symlink(SCRIPT, stand.0.join("aws")).expect("there is room");
        stand.answers("sts.get-caller-identity", &json!({ "Account": ACCOUNT }));
        stand.is_deployed(stripe, "test");
        let attributes = json!({ "ApproximateNumberOfMessages": "0", "MessageRetentionPeriod": "345600",
                                 "QueueArn": "arn:aws:sqs:eu-central-1:123456789012:mailbox" });
        stand.answers("sqs.get-queue-attributes", &json!({ "Attributes": attributes }));
        let alarm = json!({ "AlarmName": "payments-DeadLettersWaiting" });
        stand.answers("cloudwatch.describe-alarms", &json!({ "MetricAlarms": [alarm] }));
        stand.answers("sqs.create-queue", &json!({ "QueueUrl": "https://sqs/1/mailbox" }));
        stand
            .answers("sns.subscribe", &json!({ "SubscriptionArn": "arn:aws:sns:eu-central-1:1:alerts:s-1" }));
        stand
    }

    /// What CloudFormation says of the stack.
    pub(super) fn is_deployed(&self, stripe: &str, mode: &str) {
        let parameters = [("StripeApiBase", stripe), ("StripeMode", mode), ("StripeRatePerSecond", "20")];
        let parameters =
            parameters.map(|(key, value)| json!({ "ParameterKey": key, "ParameterValue": value }));
        let outputs = [
            ("PaymentsQueueUrl", "https://sqs/1/payments-payments"),
            ("DeadLettersQueueUrl", "https://sqs/1/payments-dead-letters"),
            ("QuarantineQueueUrl", "https://sqs/1/payments-quarantine"),
            ("LedgerTable", "payments-ledger"),
            ("IncidentsTable", "payments-incidents"),
            ("AlertsTopicArn", "arn:aws:sns:eu-central-1:123456789012:payments-alerts"),
            ("PagesTopicArn", "arn:aws:sns:eu-central-1:123456789012:payments-pages"),
            ("ConsumerFunction", "payments-consumer"),
            ("ConsumerLogGroup", "/aws/lambda/payments-consumer"),
            ("ResponderFunction", "payments-responder:live"),
        ];
        let outputs = outputs.map(|(key, value)| json!({ "OutputKey": key, "OutputValue": value }));
        let stack = json!({ "Parameters": parameters, "Outputs": outputs });
        self.answers("cloudformation.describe-stacks", &json!({ "Stacks": [stack] }));
    }

    pub(super) fn answers(&self, call: &str, answer: &Value) {
        fs::write(self.0.join(format!("{call}.json")), answer.to_string()).expect("there is room");
    }

    pub(super) fn refuses(&self, call: &str, words: &str) {
        fs::write(self.0.join(format!("{call}.refused")), words).expect("there is room");
    }

    pub(super) fn cli(&self) -> Cli {
        Cli { program: self.0.join("aws").into(), region: "eu-central-1".to_owned(), endpoint_url: None }
    }

    /// Everything that was called, in order: service and operation, and what is undone by it.
    pub(super) fn called(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.0.join("calls")).unwrap_or_default();
        calls.lines().map(|line| line.split(' ').take(4).collect::<Vec<_>>().join(" ")).collect()
    }

    pub(super) fn plan(&self, text: &str) -> Result<Plan, String> {
        let wanted = Wanted { stack: "payments", account: ACCOUNT, stripe: None, stripe_key: None };
        Plan::make(&wanted, self.cli(), experiment(text), 1, BEGAN).map_err(|error| error.to_string())
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(super) fn experiment(text: &str) -> Experiment {
    Experiment::parse(Path::new("mine.toml"), text).expect("it is an experiment")
}

/// A fake Stripe that is served until it is dropped.
pub(super) struct Served {
    pub(super) base: String,
    stop: Arc<Notify>,
    server: Option<JoinHandle<Vec<Tally>>>,
}

impl Served {
    pub(super) fn with(faults: Vec<Fault>) -> Self {
        let (stop, (tell, told)) = (Arc::new(Notify::new()), mpsc::channel());
        let stopped = Arc::clone(&stop);
        let server = std::thread::spawn(move || {
            let (mode, latency) = (Mode::Test, Latency::None);
            let offer = Offer { port: 0, mode, latency, faults, seed: 1, now: BEGAN };
            let listens = |port| tell.send(port).expect("somebody waits");
            serve::serve(&offer, &stopped, listens).expect("a port is free").faults
        });
        let port = told.recv().expect("it listens");
        Self { base: format!("http://127.0.0.1:{port}"), stop, server: Some(server) }
    }

    /// What came of its faults, once it is ended.
    pub(super) fn ended(mut self) -> Vec<Tally> {
        self.stop.notify_one();
        self.server.take().expect("it runs").join().expect("it does not panic")
    }
}

/// A clock that goes on by what is waited, and by a tenth of a second whenever it is looked at.
pub(super) struct Hands(Cell<i64>);

impl Hands {
    pub(super) const fn new() -> Self {
        Self(Cell::new(0))
    }

    pub(super) fn now(&self) -> UnixMs {
        self.0.set(self.0.get() + 100);
        BEGAN.plus_ms(self.0.get())
    }

    pub(super) fn wait(&self, ms: u64) {
        self.0.set(self.0.get() + ms.cast_signed());
    }
}
