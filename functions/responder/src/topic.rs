//! The topics: one that people read, and one for what needs somebody at once.
//!
//! Invariant: nothing is published that SNS would refuse: see [`crate::mail`] for the subject's rules.

use crate::error::TurnError;
use crate::limits::SUBSCRIPTION_PAGES_MAX;
use crate::mail::Email;
use aws_sdk_sns::Client;
use serde::Serialize;

/// A topic, for whoever looks who is subscribed.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    client: Client,
    arn: String,
}

/// A topic, to tell people by.
#[derive(Clone, Debug)]
pub(crate) struct Topic {
    reader: Reader,
}

/// What a topic is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    /// People read it: e-mail addresses count, and nothing else.
    Mail,
    /// Whatever needs somebody at once; of any protocol.
    Pager,
}

/// Who is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Subscribers {
    /// Subscriptions that were confirmed.
    pub(crate) confirmed: u32,
    /// Those that were not, were given up, or that SNS turned off.
    pub(crate) unconfirmed: u32,
    /// What that means.
    pub(crate) meaning: &'static str,
}

impl Topic {
    pub(crate) const fn new(reader: Reader) -> Self {
        Self { reader }
    }

    pub(crate) async fn publish(&self, email: &Email) -> Result<(), TurnError> {
        let Reader { client, arn } = &self.reader;
        let publish = client.publish().topic_arn(arn).subject(&email.subject);
        publish.message(&email.body).send().await.map_err(TurnError::of("publishing a mail"))?;
        Ok(())
    }
}

impl Reader {
    pub(crate) const fn new(client: Client, arn: String) -> Self {
        Self { client, arn }
    }

    /// Counts those that matter to such a channel.
    pub(crate) async fn subscribers(&self, channel: Channel) -> Result<Subscribers, TurnError> {
        let mut subscribers = Subscribers::default();
        let mut next = None;
        for _ in 0..SUBSCRIPTION_PAGES_MAX {
            let ask = self.client.list_subscriptions_by_topic().topic_arn(&self.arn).set_next_token(next);
            let page = ask.send().await.map_err(TurnError::of("listing the topic's subscriptions"))?;
            for subscription in page.subscriptions() {
                let counts = channel.counts(subscription.protocol().unwrap_or_default());
                // Until the link in it is opened, SNS shows a word in the place of the ARN.
                let is_confirmed = subscription.subscription_arn().is_some_and(|arn| arn.starts_with("arn:"));
                subscribers.confirmed += u32::from(counts && is_confirmed);
                subscribers.unconfirmed += u32::from(counts && !is_confirmed);
            }
            next = page.next_token;
            if next.is_none() {
                break;
            }
        }
        subscribers.meaning = channel.meaning(subscribers.confirmed, subscribers.unconfirmed);
        Ok(subscribers)
    }
}

impl Channel {
    fn counts(self, protocol: &str) -> bool {
        match self {
            Self::Mail => protocol.starts_with("email"),
            Self::Pager => true,
        }
    }

    const fn meaning(self, confirmed: u32, unconfirmed: u32) -> &'static str {
        match (self, confirmed, unconfirmed) {
            (Self::Mail, 0, 0) => "NOBODY IS TOLD: the topic has no e-mail subscription",
            (Self::Mail, 0, _) => {
                "NOBODY IS TOLD: no e-mail subscription is confirmed; open the link in the mail from AWS"
            }
            (Self::Mail, _, 0) => "people are told",
            (Self::Mail, _, _) => {
                "people are told, but not everybody who should be: some subscriptions are not confirmed"
            }
            (Self::Pager, 0, 0) => "there is no second channel: PagerEndpoint is empty",
            (Self::Pager, 0, _) => "NO SECOND CHANNEL: its subscription is not confirmed",
            (Self::Pager, _, _) => "what needs somebody at once goes there too",
        }
    }
}
