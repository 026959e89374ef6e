//! What a run changes beside what it sends, and how each is undone.
//!
//! Invariant: whatever is made is on the list before it is asked for, and is undone in the opposite order, each whether or
//! not the others could be.

use super::DeployedError;
use super::cli::{Cli, CliError};
use super::mailbox::Mailbox;
use super::stripe::Stripe;

/// Something that was changed, or may have been: it is noted before it is asked for, because an answer may be lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// A queue was made.
    Queue {
        /// Its name.
        name: String,
        /// Its URL, once that was answered.
        url: Option<String>,
    },
    /// It was subscribed to the topic of the mails.
    Subscription {
        /// The topic's ARN.
        topic: String,
        /// The queue's ARN.
        queue: String,
        /// The subscription's ARN, once that was answered.
        arn: Option<String>,
    },
    /// Faults were set.
    Faults,
}

/// Everything that has not been undone yet, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Changes(Vec<Change>);

impl Changes {
    /// Puts it on the list, once.
    pub(super) fn note(&mut self, change: Change) {
        if !self.0.contains(&change) {
            self.0.push(change);
        }
    }

    /// The newest of them was answered, and is known as this now.
    pub(super) fn answered(&mut self, change: Change) {
        self.0.pop();
        self.0.push(change);
    }

    /// The command that undoes each, the newest first.
    pub(super) fn lines(&self, cli: &Cli, stripe: &Stripe) -> Vec<String> {
        self.0.iter().rev().map(|change| change.line(cli, stripe)).collect()
    }

    /// Undoes all of them, the newest first; a line about each that could not be.
    pub(super) fn undo_all(&mut self, cli: &Cli, stripe: &Stripe) -> Vec<String> {
        let newest_first = std::mem::take(&mut self.0).into_iter().rev();
        let failed = newest_first.filter_map(|change| {
            let error = change.undo(cli, stripe).err()?;
            Some(format!("not undone: {error}; by hand: {}", change.line(cli, stripe)))
        });
        failed.collect()
    }
}

impl Change {
    fn undo(&self, cli: &Cli, stripe: &Stripe) -> Result<(), DeployedError> {
        match self {
            Self::Queue { name, url } => {
                match url.clone().map_or_else(|| url_of(cli, name), |url| Ok(Some(url)))? {
                    Some(url) => Ok(cli.ask(&deletion(&url)).map(|_| ())?),
                    None => Ok(()),
                }
            }
            Self::Subscription { topic, queue, arn } => {
                let arns =
                    arn.clone().map_or_else(|| subscriptions(cli, topic, queue), |arn| Ok(vec![arn]))?;
                arns.iter().try_for_each(|arn| Ok(cli.ask(&unsubscription(arn)).map(|_| ())?))
            }
            Self::Faults => stripe.clear_all(),
        }
    }

    /// The command that undoes it.
    fn line(&self, cli: &Cli, stripe: &Stripe) -> String {
        match self {
            Self::Queue { url: Some(url), .. } => cli.line(&deletion(url)),
            Self::Queue { name, .. } => Mailbox::deleting(cli, name),
            Self::Subscription { arn: Some(arn), .. } => cli.line(&unsubscription(arn)),
            Self::Subscription { topic, queue, .. } => Mailbox::unsubscribing(cli, topic, queue),
            Self::Faults => stripe.clearing(),
        }
    }
}

fn deletion(url: &str) -> [&str; 4] {
    ["sqs", "delete-queue", "--queue-url", url]
}

fn unsubscription(arn: &str) -> [&str; 4] {
    ["sns", "unsubscribe", "--subscription-arn", arn]
}

/// Where the queue of this name is, if there is one. SQS says that there is none as `AWS.SimpleQueueService.NonExistentQueue`
/// or `QueueDoesNotExist`, by the protocol that is spoken.
fn url_of(cli: &Cli, name: &str) -> Result<Option<String>, CliError> {
    match cli.ask(&["sqs", "get-queue-url", "--queue-name", name]) {
        Ok(said) => Ok(said["QueueUrl"].as_str().map(str::to_owned)),
        Err(CliError::Failed { why, .. })
            if why.contains("NonExistentQueue") || why.contains("QueueDoesNotExist") =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The subscriptions of this queue to the topic.
fn subscriptions(cli: &Cli, topic: &str, queue: &str) -> Result<Vec<String>, CliError> {
    let said = cli.ask(&["sns", "list-subscriptions-by-topic", "--topic-arn", topic])?;
    let all = said["Subscriptions"].as_array().into_iter().flatten();
    let of_queue = all.filter(|subscription| subscription["Endpoint"] == queue);
    Ok(of_queue
        .filter_map(|subscription| Some(subscription["SubscriptionArn"].as_str()?.to_owned()))
        .collect())
}
