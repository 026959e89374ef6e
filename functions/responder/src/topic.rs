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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::Recorder;
    use aws_credential_types::Credentials;
    use aws_sdk_sns::config::{BehaviorVersion, Config, Region};

    #[tokio::test]
    async fn a_mail_goes_to_its_topic_subject_and_body_each_in_its_place() {
        let recorder = Recorder::default();
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(Credentials::new("AKIA", "secret", None, None, "test"))
            .http_client(recorder.http_client());
        let topic = Topic::new(Reader::new(Client::from_conf(config.build()), "arn:the-topic".to_owned()));
        let email = Email { subject: "the subject".to_owned(), body: "the body".to_owned() };
        // Whatever comes of it: nothing is answered.
        let _ = topic.publish(&email).await;
        let form = "Action=Publish&Version=2010-03-31&TopicArn=arn%3Athe-topic&Message=the%20body&Subject=the%20subject";
        assert_eq!(recorder.taken()[0].1, form);
    }

    #[test]
    fn what_a_channel_is_said_to_be_follows_from_who_listens() {
        for (channel, confirmed, unconfirmed, begins) in [
            (Channel::Mail, 0, 0, "NOBODY IS TOLD: the topic has no"),
            (Channel::Mail, 0, 2, "NOBODY IS TOLD: no e-mail subscription is confirmed"),
            (Channel::Mail, 3, 0, "people are told"),
            (Channel::Mail, 3, 2, "people are told, but"),
            (Channel::Pager, 0, 0, "there is no second channel"),
            (Channel::Pager, 0, 2, "NO SECOND CHANNEL"),
            (Channel::Pager, 3, 2, "what needs somebody at once"),
        ] {
            let meaning = channel.meaning(confirmed, unconfirmed);
            assert!(meaning.starts_with(begins), "{meaning}");
        }
        let counted =
            ["email", "email-json", "https", "sms", ""].map(|protocol| Channel::Mail.counts(protocol));
        assert_eq!(counted, [true, true, false, false, false]);
        assert!(Channel::Pager.counts("https"));
    }
}
