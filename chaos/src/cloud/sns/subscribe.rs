//! How an address comes to a topic: it is subscribed, gets a mail with a token, and confirms with that.
//!
//! <https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html>,
//! <https://docs.aws.amazon.com/sns/latest/api/API_ConfirmSubscription.html>. Of a token's three days nothing is kept.
//! Invariant: an address gets no message of a topic before it was confirmed with a token that only its mail has.

use super::{EMAIL, Mail, Sns, SnsError, Subscription, SubscriptionState};
use crate::cloud::names;
use payments::UnixMs;

impl Sns {
    /// Subscribes an e-mail address; its ARN if it was confirmed before, else nothing, and a mail to confirm by.
    ///
    /// # Errors
    /// `TopicNotFound`, or `InvalidParameter` for another protocol or what is no address.
    pub fn subscribe(
        &mut self,
        topic: &str,
        protocol: &str,
        endpoint: &str,
        now: UnixMs,
    ) -> Result<Option<String>, SnsError> {
        let topic = names::topic_in_arn(topic).to_owned();
        if protocol != EMAIL {
            let text = format!("Amazon SNS does not support this protocol string: {protocol}");
            return Err(SnsError::InvalidParameter(text));
        }
        if !endpoint.contains('@') {
            return Err(SnsError::invalid("Email address"));
        }
        let arn = format!("{}:{}", names::topic_arn(&topic), self.ids.uuid());
        let token = self.ids.uuid();
        let subscriptions = self.topics.get_mut(&topic).ok_or(SnsError::TopicNotFound)?;
        match subscriptions.iter_mut().find(|it| it.endpoint == endpoint && it.protocol == protocol) {
            Some(found) if found.state == SubscriptionState::Confirmed => return Ok(Some(found.arn.clone())),
            Some(found) => found.state = SubscriptionState::Pending,
            None => subscriptions.push(Subscription {
                arn,
                protocol: protocol.to_owned(),
                endpoint: endpoint.to_owned(),
                state: SubscriptionState::Pending,
            }),
        }
        let body = invitation(&topic, endpoint, &token);
        self.tokens.insert(token, (topic.clone(), endpoint.to_owned()));
        let subject = "AWS Notification - Subscription Confirmation".to_owned();
        self.mailbox.push(Mail { at: now, topic, to: endpoint.to_owned(), subject, body });
        Ok(None)
    }

    /// Confirms a subscription with the token of its mail; its ARN.
    ///
    /// # Errors
    /// `TopicNotFound`, or `InvalidParameter` for a token that no mail of this topic holds.
    pub fn confirm(&mut self, topic: &str, token: &str) -> Result<String, SnsError> {
        let topic = names::topic_in_arn(topic);
        let subscriptions = self.topics.get_mut(topic).ok_or(SnsError::TopicNotFound)?;
        let invited = self.tokens.get(token).filter(|(of, _)| of == topic);
        let invited = invited.and_then(|(_, endpoint)| {
            subscriptions.iter_mut().find(|it| it.endpoint == *endpoint && it.protocol == EMAIL)
        });
        let subscription = invited.ok_or_else(|| SnsError::invalid("Token"))?;
        subscription.state = SubscriptionState::Confirmed;
        Ok(subscription.arn.clone())
    }
}

/// The mail that SNS sends first.
fn invitation(topic: &str, endpoint: &str, token: &str) -> String {
    let arn = names::topic_arn(topic);
    format!(
        "You have chosen to subscribe to the topic:\n{arn}\n\nTo confirm this subscription, click or visit the link \
         below (If this was in error no action is necessary):\n\
         https://sns.{}.amazonaws.com/confirmation.html?TopicArn={arn}&Token={token}&Endpoint={endpoint}\n",
        names::REGION
    )
}
