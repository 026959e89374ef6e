//! SNS's query protocol: a form comes in, an XML document goes out.
//!
//! Invariant: the roots of an answer are `<Operation>Response` and in it `<Operation>Result`; the SDK insists on both.

use super::message::{Message, Structure};
use super::{Sns, SnsError, Subscription, SubscriptionState};
use crate::cloud::names;
use crate::cloud::reply::Reply;
use payments::UnixMs;
use std::collections::BTreeMap;

const NAMESPACE: &str = "http://sns.amazonaws.com/doc/2010-03-31/";

/// The action that a publisher must be granted.
pub const PUBLISH: &str = "sns:Publish";

type Form = BTreeMap<String, String>;

impl Sns {
    /// Carries out `operation`, the form's `Action`, for the invocation `request` (empty when no function is calling).
    pub fn answer(&mut self, operation: &str, form: &[u8], request: &str, now: UnixMs) -> Reply {
        let form: Form = form_urlencoded::parse(form).into_owned().collect();
        let result = match operation {
            "Publish" => self.answer_publish(&form, request, now),
            "ListSubscriptionsByTopic" => self.answer_subscriptions(&form),
            "GetTopicAttributes" => self.answer_attributes(&form),
            "Subscribe" => self.answer_subscribe(&form, now),
            "ConfirmSubscription" => self.answer_confirm(&form),
            other => Err(SnsError::UnsupportedOperation(other.to_owned())),
        };
        let request_id = self.ids.uuid();
        match result {
            Err(error) => error.reply(&request_id),
            Ok(result) => {
                let metadata = element("RequestId", &request_id);
                let content = format!(
                    "<{operation}Result>{result}</{operation}Result><ResponseMetadata>{metadata}</ResponseMetadata>"
                );
                Reply::xml(200, document(&format!("{operation}Response"), &content))
            }
        }
    }

    fn answer_publish(&mut self, form: &Form, request: &str, now: UnixMs) -> Result<String, SnsError> {
        let topic = topic_of(form)?;
        let structure = match form.get("MessageStructure").map(String::as_str) {
            None => Structure::Plain,
            Some("json") => Structure::PerProtocol,
            Some(_) => return Err(SnsError::invalid("MessageStructure")),
        };
        let body = form.get("Message").map(String::as_str).unwrap_or_default();
        let message = Message { subject: form.get("Subject").map(String::as_str), body, structure };
        let request = (!request.is_empty()).then_some(request);
        Ok(element("MessageId", &self.accept(topic, message, request, now)?))
    }

    fn answer_subscribe(&mut self, form: &Form, now: UnixMs) -> Result<String, SnsError> {
        let topic = topic_of(form)?;
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let arn = self.subscribe(topic, field("Protocol"), field("Endpoint"), now)?;
        Ok(element("SubscriptionArn", &arn.unwrap_or_else(|| "pending confirmation".to_owned())))
    }

    fn answer_confirm(&mut self, form: &Form) -> Result<String, SnsError> {
        let token = form
            .get("Token")
            .ok_or_else(|| SnsError::invalid("Token Reason: no value for required parameter"))?;
        Ok(element("SubscriptionArn", &self.confirm(topic_of(form)?, token)?))
    }

    /// All in one page: SNS would begin a second one after 100.
    fn answer_subscriptions(&self, form: &Form) -> Result<String, SnsError> {
        let topic = topic_of(form)?;
        let members =
            self.subscriptions(topic)?.iter().map(|subscription| rendered_member(topic, subscription));
        Ok(format!("<Subscriptions>{}</Subscriptions>", members.collect::<String>()))
    }

    fn answer_attributes(&self, form: &Form) -> Result<String, SnsError> {
        let topic = topic_of(form)?;
        let subscriptions = self.subscriptions(topic)?;
        let count = |states: &[SubscriptionState]| {
            subscriptions.iter().filter(|it| states.contains(&it.state)).count().to_string()
        };
        let attributes = [
            ("Owner", names::ACCOUNT.to_owned()),
            ("SubscriptionsConfirmed", count(&[SubscriptionState::Confirmed])),
            ("SubscriptionsDeleted", count(&[SubscriptionState::Deleted])),
            ("SubscriptionsPending", count(&[SubscriptionState::Pending, SubscriptionState::Disabled])),
            ("TopicArn", names::topic_arn(topic)),
        ];
        let entry = |(name, value): (&str, String)| {
            format!("<entry>{}{}</entry>", element("key", name), element("value", &value))
        };
        Ok(format!("<Attributes>{}</Attributes>", attributes.into_iter().map(entry).collect::<String>()))
    }
}

/// What a call needs permission for: the action, and the topic's ARN.
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsns.html>
#[must_use]
pub fn needs(operation: &str, form: &[u8]) -> Option<(&'static str, String)> {
    let action = match operation {
        "Publish" => PUBLISH,
        "ListSubscriptionsByTopic" => "sns:ListSubscriptionsByTopic",
        "GetTopicAttributes" => "sns:GetTopicAttributes",
        "Subscribe" => "sns:Subscribe",
        "ConfirmSubscription" => "sns:ConfirmSubscription",
        _ => return None,
    };
    let form: Form = form_urlencoded::parse(form).into_owned().collect();
    let topic = names::topic_arn(topic_of(&form).ok()?);
    Some((action, topic))
}

/// A document of SNS's namespace, `content` being XML.
pub(super) fn document(root: &str, content: &str) -> String {
    format!("<{root} xmlns=\"{NAMESPACE}\">{content}</{root}>")
}

/// An element that holds text.
pub(super) fn element(name: &str, text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<{name}>{text}</{name}>")
}

/// The topic a form is about, which it names by ARN.
fn topic_of(form: &Form) -> Result<&str, SnsError> {
    let arn = form.get("TopicArn").or_else(|| form.get("TargetArn"));
    let arn = arn
        .ok_or_else(|| SnsError::invalid("TopicArn or TargetArn Reason: no value for required parameter"))?;
    let elements = arn.split(':').count();
    if elements < 6 {
        let text = format!("TopicArn Reason: An ARN must have at least 6 elements, not {elements}");
        return Err(SnsError::InvalidParameter(text));
    }
    Ok(names::topic_in_arn(arn))
}

fn rendered_member(topic: &str, subscription: &Subscription) -> String {
    let arn = match subscription.state {
        SubscriptionState::Confirmed => subscription.arn.as_str(),
        // A disabled subscription has to be confirmed again, and until then is listed like a new one.
        SubscriptionState::Pending | SubscriptionState::Disabled => "PendingConfirmation",
        SubscriptionState::Deleted => "Deleted",
    };
    let fields = [
        ("TopicArn", names::topic_arn(topic).as_str()),
        ("Protocol", &subscription.protocol),
        ("SubscriptionArn", arn),
        ("Owner", names::ACCOUNT),
        ("Endpoint", &subscription.endpoint),
    ]
    .map(|(name, value)| element(name, value));
    format!("<member>{}</member>", fields.concat())
}
