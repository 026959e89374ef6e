//! A mailbox: a queue that is subscribed to the topic of the mails for as long as a run lasts.
//!
//! Invariant: nobody but this topic may send to it, and what is in it expires by itself.

use super::change::{Change, Changes};
use super::cli::Cli;
use super::plan::RUN;
use super::stack::Stack;
use super::{CliError, DeployedError};
use crate::cloud::names;
use crate::cloud::sns::Mail;
use payments::UnixMs;
use serde_json::{Value, json};

/// How long a mail lies there, s: far longer than from one look to the next.
const RETENTION_S: u64 = 3_600;
/// How long one that was read stays away, s: until it is gone.
const VISIBILITY_S: u64 = 2 * RETENTION_S;
/// Tag of what a run makes.
const TAG: &str = "chaos-run";

/// A queue in the place of a human.
#[derive(Clone, Debug)]
pub(super) struct Mailbox {
    url: String,
    name: String,
}

impl Mailbox {
    /// Opens one for the run of this name.
    pub(super) fn open(
        cli: &Cli,
        stack: &Stack,
        run: &str,
        changes: &mut Changes,
    ) -> Result<Self, DeployedError> {
        let name = name(stack, run);
        changes.note(Change::Queue { name: name.clone(), url: None });
        let made = cli.ask_with(&["sqs", "create-queue"], &creation(stack, run))?;
        let url = made["QueueUrl"].as_str().unwrap_or_default().to_owned();
        changes.answered(Change::Queue { name: name.clone(), url: Some(url.clone()) });
        let asked = ["sqs", "get-queue-attributes", "--queue-url", &url, "--attribute-names", "QueueArn"];
        let queue = cli.ask(&asked)?["Attributes"]["QueueArn"].as_str().unwrap_or_default().to_owned();
        let topic = stack.output("AlertsTopicArn").to_owned();
        let subscribed = |arn| Change::Subscription { topic: topic.clone(), queue: queue.clone(), arn };
        changes.note(subscribed(None));
        let said = cli.ask(&subscription(stack, &queue))?;
        changes.answered(subscribed(said["SubscriptionArn"].as_str().map(str::to_owned)));
        Ok(Self { url, name })
    }

    /// What it is made with, in words.
    pub(super) fn told(cli: &Cli, stack: &Stack, run: &str) -> [String; 2] {
        let input = creation(stack, run).to_string();
        let arn = format!("arn:aws:sqs:{}:{}:{}", cli.region, stack.account, name(stack, run));
        [cli.line(&["sqs", "create-queue", "--cli-input-json", &input]), cli.line(&subscription(stack, &arn))]
    }

    /// Runs whose mailboxes are there although they are over: a queue does not go by itself.
    pub(super) fn left(cli: &Cli, stack: &Stack) -> Result<Vec<String>, CliError> {
        let said = cli.ask(&["sqs", "list-queues", "--queue-name-prefix", &name(stack, RUN)])?;
        let queues = said["QueueUrls"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let own = format!("{}-", stack.name);
        Ok(queues.filter_map(|url| Some(names::queue_in_url(url).strip_prefix(&own)?.to_owned())).collect())
    }

    /// What takes it away again, in words that need no more than its name.
    pub(super) fn undoing(cli: &Cli, stack: &Stack, run: &str) -> [String; 2] {
        let name = name(stack, run);
        let unsubscribing = Self::unsubscribing(cli, stack.output("AlertsTopicArn"), &format!(":{name}"));
        [unsubscribing, Self::deleting(cli, &name)]
    }

    /// What ends the subscription of a queue whose ARN ends like this, in words.
    pub(super) fn unsubscribing(cli: &Cli, topic: &str, queue: &str) -> String {
        let named = format!("Subscriptions[?ends_with(Endpoint, '{queue}')].SubscriptionArn");
        let listed = [
            "sns",
            "list-subscriptions-by-topic",
            "--topic-arn",
            topic,
            "--output",
            "text",
            "--query",
            &named,
        ];
        format!("{} --subscription-arn \"$({})\"", cli.line(&["sns", "unsubscribe"]), cli.line(&listed))
    }

    /// What deletes a queue of this name, in words.
    pub(super) fn deleting(cli: &Cli, name: &str) -> String {
        let found = ["sqs", "get-queue-url", "--queue-name", name, "--output", "text", "--query", "QueueUrl"];
        format!("{} --queue-url \"$({})\"", cli.line(&["sqs", "delete-queue"]), cli.line(&found))
    }

    /// The mails that came, oldest first.
    pub(super) fn empty(&self, cli: &Cli) -> Result<Vec<Mail>, CliError> {
        let mut mails = Vec::new();
        loop {
            let asked =
                ["sqs", "receive-message", "--queue-url", &self.url, "--max-number-of-messages", "10"];
            let said = cli.ask(&asked)?;
            let messages = said["Messages"].as_array().cloned().unwrap_or_default();
            if messages.is_empty() {
                mails.sort_by_key(|mail: &Mail| mail.at);
                return Ok(mails);
            }
            for message in &messages {
                mails.extend(message["Body"].as_str().and_then(|body| self.read(body)));
            }
        }
    }

    /// A mail, out of the envelope that SNS puts around it.
    fn read(&self, envelope: &str) -> Option<Mail> {
        let envelope: Value = serde_json::from_str(envelope).ok()?;
        let at = envelope["Timestamp"].as_str()?.parse::<jiff::Timestamp>().ok()?;
        Some(Mail {
            at: UnixMs(at.as_millisecond()),
            topic: names::topic_in_arn(envelope["TopicArn"].as_str()?).to_owned(),
            to: self.name.clone(),
            subject: envelope["Subject"].as_str().unwrap_or_default().to_owned(),
            body: envelope["Message"].as_str()?.to_owned(),
        })
    }
}

fn name(stack: &Stack, run: &str) -> String {
    format!("{}-{run}", stack.name)
}

fn creation(stack: &Stack, run: &str) -> Value {
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": "sns.amazonaws.com" },
            "Action": "sqs:SendMessage",
            "Resource": "*",
            "Condition": { "ArnEquals": { "aws:SourceArn": stack.output("AlertsTopicArn") } },
        }],
    });
    json!({
        "QueueName": name(stack, run),
        "Attributes": {
            "MessageRetentionPeriod": RETENTION_S.to_string(),
            "VisibilityTimeout": VISIBILITY_S.to_string(),
            "Policy": policy.to_string(),
        },
        "tags": { TAG: run },
    })
}

fn subscription<'a>(stack: &'a Stack, arn: &'a str) -> [&'a str; 8] {
    let topic = stack.output("AlertsTopicArn");
    ["sns", "subscribe", "--topic-arn", topic, "--protocol", "sqs", "--notification-endpoint", arn]
}
