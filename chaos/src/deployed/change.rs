//! What a run changes beside what it sends, and how each is undone.
//!
//! Invariant: whatever was made is on the list before anything else is made, and is undone in the opposite order, each
//! whether or not the others could be.

use super::DeployedError;
use super::cli::Cli;
use super::stripe::Stripe;

/// Something that was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// A queue was made, by its URL.
    Queue(String),
    /// It was subscribed to the topic of the mails, by the subscription's ARN.
    Subscription(String),
    /// Faults were set, or may have been.
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
            Self::Queue(_) | Self::Subscription(_) => Ok(cli.ask(&self.words()).map(|_| ())?),
            Self::Faults => stripe.clear_all(),
        }
    }

    /// The command that undoes it.
    pub(super) fn line(&self, cli: &Cli, stripe: &Stripe) -> String {
        match self {
            Self::Queue(_) | Self::Subscription(_) => cli.line(&self.words()),
            Self::Faults => stripe.clearing(),
        }
    }

    fn words(&self) -> Vec<&str> {
        match self {
            Self::Queue(url) => vec!["sqs", "delete-queue", "--queue-url", url],
            Self::Subscription(arn) => vec!["sns", "unsubscribe", "--subscription-arn", arn],
            Self::Faults => Vec::new(),
        }
    }
}
