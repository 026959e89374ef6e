//! The topic that people listen to.
//!
//! Invariant: nothing is published that SNS would refuse: see [`crate::mail`] for the subject's rules.

use crate::error::TurnError;
use crate::limits::SUBSCRIPTION_PAGES_MAX;
use crate::mail::Email;
use aws_sdk_sns::Client;
use serde::Serialize;

/// The topic.
#[derive(Clone, Debug)]
pub(crate) struct Topic {
    client: Client,
    arn: String,
}

/// Who is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Subscribers {
    /// E-mail subscriptions whose link was opened.
    pub(crate) confirmed: u32,
    /// E-mail subscriptions whose link was not, or that SNS turned off.
    pub(crate) unconfirmed: u32,
    /// What that means.
    pub(crate) meaning: &'static str,
}

impl Topic {
    pub(crate) const fn new(client: Client, arn: String) -> Self {
        Self { client, arn }
    }

    pub(crate) async fn publish(&self, email: &Email) -> Result<(), TurnError> {
        let publish = self.client.publish().topic_arn(&self.arn).subject(&email.subject);
        publish.message(&email.body).send().await.map_err(TurnError::of("publishing a mail"))?;
        Ok(())
    }

    /// Counts the e-mail subscriptions.
    pub(crate) async fn subscribers(&self) -> Result<Subscribers, TurnError> {
        let mut subscribers = Subscribers::default();
        let mut next = None;
        for _ in 0..SUBSCRIPTION_PAGES_MAX {
            let ask = self.client.list_subscriptions_by_topic().topic_arn(&self.arn).set_next_token(next);
            let page = ask.send().await.map_err(TurnError::of("listing the topic's subscriptions"))?;
            for subscription in page.subscriptions() {
                let is_email = subscription.protocol().is_some_and(|protocol| protocol.starts_with("email"));
                // Until the link in it is opened, SNS shows a word in the place of the ARN.
                let is_confirmed = subscription.subscription_arn().is_some_and(|arn| arn.starts_with("arn:"));
                subscribers.confirmed += u32::from(is_email && is_confirmed);
                subscribers.unconfirmed += u32::from(is_email && !is_confirmed);
            }
            next = page.next_token;
            if next.is_none() {
                break;
            }
        }
        subscribers.meaning = match (subscribers.confirmed, subscribers.unconfirmed) {
            (0, 0) => "NOBODY IS TOLD: the topic has no e-mail subscription",
            (0, _) => {
                "NOBODY IS TOLD: no e-mail subscription is confirmed; open the link in the mail from AWS"
            }
            (_, 0) => "people are told",
            (_, _) => {
                "people are told, but not everybody who should be: some subscriptions are not confirmed"
            }
        };
        Ok(subscribers)
    }
}
