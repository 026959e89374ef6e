//! Embedded SNS: topics whose messages become e-mails, and the mailbox they end in.
//!
//! Publishing says nothing about delivery: a subscription that is pending, or was dropped, gets no mail and nobody is
//! told.
//! Invariant: no second of virtual time holds more than ten mails.

mod error;
mod message;
mod protocol;
mod subscribe;
#[cfg(test)]
mod tests;

pub use error::SnsError;
pub use message::{MESSAGE_BYTES_MAX, SUBJECT_CHARS_MAX};
pub use protocol::{PUBLISH, needs};

use super::CloudError;
use super::config::TopicConfig;
use super::ids::Ids;
use super::names;
use crate::journal::{Journal, TopicEvent};
use crate::random::{Chance, Stream};
use message::{Message, Structure};
use payments::UnixMs;
use serde_json::json;
use std::collections::{BTreeMap, VecDeque};

const EMAIL: &str = "email";

/// Mails that SNS sends in one second for one account.
pub const MAILS_PER_SECOND_MAX: usize = 10;

/// All topics of the account, and every mail they sent.
#[derive(Debug)]
pub struct Sns {
    topics: BTreeMap<String, Vec<Subscription>>,
    mailbox: Vec<Mail>,
    /// When the mails of the last second were sent.
    recent: VecDeque<UnixMs>,
    ids: Ids,
    duplicates: Option<Chance>,
    draws: Stream,
    /// What was mailed to confirm a subscription with: the topic and the address, by token.
    tokens: BTreeMap<String, (String, String)>,
    journal: Journal,
}

/// An address that is subscribed to a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// `SubscriptionArn`, shown by SNS only while it is confirmed.
    pub arn: String,
    /// `email` or `https`.
    pub protocol: String,
    /// The address.
    pub endpoint: String,
    /// Whether it gets mail.
    pub state: SubscriptionState,
}

/// Whether a subscription gets mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriptionState {
    /// It does.
    Confirmed,
    /// Nobody has opened the link in the first mail.
    Pending,
    /// SNS dropped it for too many mails in one second.
    Disabled,
    /// Its reader, or a scanner that follows every link, gave it up.
    Deleted,
}

/// What arrived at an address: an e-mail, or a notification posted to an https endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// When.
    pub at: UnixMs,
    /// Topic name.
    pub topic: String,
    /// Address.
    pub to: String,
    /// Subject line.
    pub subject: String,
    /// Plain text.
    pub body: String,
}

impl Sns {
    /// The topics of `configs`, all of their subscriptions confirmed.
    ///
    /// # Errors
    /// A subscription of another protocol than `email` or `https`.
    pub fn new(configs: &[TopicConfig], seed: u64, journal: Journal) -> Result<Self, CloudError> {
        let mut ids = Ids::new(seed, "sns ids");
        let topics = configs.iter().map(|topic| Ok((topic.name.clone(), subscribed(topic, &mut ids)?)));
        Ok(Self {
            topics: topics.collect::<Result<_, CloudError>>()?,
            mailbox: Vec::new(),
            recent: VecDeque::new(),
            ids,
            duplicates: None,
            draws: Stream::new(seed, "sns duplicates"),
            tokens: BTreeMap::new(),
            journal,
        })
    }

    /// Publishes a plain message to a topic, given its name or its ARN, as a service of the account does. Returns the
    /// message's id.
    ///
    /// # Errors
    /// `TopicNotFound`, or `InvalidParameter` for a subject or body that SNS does not take.
    pub fn publish(
        &mut self,
        topic: &str,
        subject: Option<&str>,
        body: &str,
        now: UnixMs,
    ) -> Result<String, SnsError> {
        let message = Message { subject, body, structure: Structure::Plain };
        self.accept(names::topic_in_arn(topic), message, None, now)
    }

    /// Publishes a message that says one thing to programs and another to people, as CloudWatch does. Returns the message's
    /// id.
    ///
    /// # Errors
    /// As [`Sns::publish`].
    pub fn publish_to_each(
        &mut self,
        topic: &str,
        subject: Option<&str>,
        default: &str,
        email: &str,
        now: UnixMs,
    ) -> Result<String, SnsError> {
        let body = json!({ "default": default, EMAIL: email }).to_string();
        let message = Message { subject, body: &body, structure: Structure::PerProtocol };
        self.accept(names::topic_in_arn(topic), message, None, now)
    }

    /// Every mail that arrived, in order: for the checks.
    #[must_use]
    pub fn mailbox(&self) -> &[Mail] {
        &self.mailbox
    }

    /// The subscriptions of a topic, given its name or its ARN.
    ///
    /// # Errors
    /// `TopicNotFound`.
    pub fn subscriptions(&self, topic: &str) -> Result<&[Subscription], SnsError> {
        let subscriptions = self.topics.get(names::topic_in_arn(topic)).ok_or(SnsError::TopicNotFound)?;
        Ok(subscriptions)
    }

    /// Gives every e-mail subscription to a topic another state, as its readers would.
    ///
    /// # Errors
    /// `TopicNotFound`.
    pub fn set_readers(&mut self, topic: &str, state: SubscriptionState) -> Result<(), SnsError> {
        let topic = self.topics.get_mut(names::topic_in_arn(topic)).ok_or(SnsError::TopicNotFound)?;
        for subscription in topic.iter_mut().filter(|it| it.protocol == EMAIL) {
            subscription.state = state;
        }
        Ok(())
    }

    /// Gives a subscription another state, as its reader or SNS itself would.
    ///
    /// # Errors
    /// `TopicNotFound`. An address that is not subscribed is left alone.
    pub fn set_state(
        &mut self,
        topic: &str,
        endpoint: &str,
        state: SubscriptionState,
    ) -> Result<(), SnsError> {
        let topic = self.topics.get_mut(names::topic_in_arn(topic)).ok_or(SnsError::TopicNotFound)?;
        for subscription in topic.iter_mut().filter(|it| it.endpoint == endpoint) {
            subscription.state = state;
        }
        Ok(())
    }

    /// From now on every mail is sent twice with this chance: SNS delivers at least once.
    pub fn duplicate_mails(&mut self, chance: Chance) {
        self.duplicates = Some(chance);
    }

    /// Takes a message for the invocation `request` and sends its mails.
    fn accept(
        &mut self,
        topic: &str,
        message: Message<'_>,
        request: Option<&str>,
        now: UnixMs,
    ) -> Result<String, SnsError> {
        message.check()?;
        message.body_for(EMAIL)?;
        let confirmed =
            self.subscriptions(topic)?.iter().filter(|it| it.state == SubscriptionState::Confirmed);
        let readers: Vec<Subscription> = confirmed.cloned().collect();
        let id = self.ids.uuid();
        let event = TopicEvent::Published {
            request: request.map(str::to_owned),
            topic: topic.to_owned(),
            message: id.clone(),
            subject: message.subject.map(str::to_owned),
        };
        self.journal.record(now, event);
        for Subscription { protocol, endpoint: to, .. } in readers {
            let (topic, subject) = (topic.to_owned(), message.mail_subject().to_owned());
            let mail = Mail { at: now, topic, to, subject, body: message.body_for(&protocol)? };
            if protocol == EMAIL {
                self.deliver(&id, &mail);
            } else {
                self.arrive(&id, mail);
            }
        }
        Ok(id)
    }

    /// Sends a mail, perhaps twice. The one that would be too many for its second is dropped, and with it the
    /// subscription: the account's limit is nothing a publisher ever hears of.
    fn deliver(&mut self, message: &str, mail: &Mail) {
        let twice = self.duplicates.is_some_and(|chance| self.draws.happens(chance));
        for _ in 0..=usize::from(twice) {
            let (topic, to) = (mail.topic.clone(), mail.to.clone());
            self.recent.retain(|sent_at| mail.at.since_ms(*sent_at) < 1000);
            if self.recent.len() >= MAILS_PER_SECOND_MAX {
                self.set_state(&topic, &to, SubscriptionState::Disabled).expect("the topic took the message");
                self.journal.record(mail.at, TopicEvent::SubscriptionDisabled { topic, endpoint: to });
                return;
            }
            self.recent.push_back(mail.at);
            self.arrive(message, mail.clone());
        }
    }

    fn arrive(&mut self, message: &str, mail: Mail) {
        let (topic, to) = (mail.topic.clone(), mail.to.clone());
        self.journal.record(mail.at, TopicEvent::Mailed { topic, message: message.to_owned(), to });
        self.mailbox.push(mail);
    }
}

fn subscribed(topic: &TopicConfig, ids: &mut Ids) -> Result<Vec<Subscription>, CloudError> {
    let arn = names::topic_arn_in(topic.region, &topic.name);
    let subscriptions = topic.subscriptions.iter().map(|config| {
        if ![EMAIL, "https"].contains(&config.protocol.as_str()) {
            let (topic, protocol) = (topic.name.clone(), config.protocol.clone());
            return Err(CloudError::Subscription { topic, protocol });
        }
        Ok(Subscription {
            arn: format!("{arn}:{}", ids.uuid()),
            protocol: config.protocol.clone(),
            endpoint: config.endpoint.clone(),
            state: SubscriptionState::Confirmed,
        })
    });
    subscriptions.collect()
}
