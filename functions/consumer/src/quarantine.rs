//! The quarantine queue: copies of messages that only a human can mend.
//!
//! Invariant: a copy holds the body and every attribute of its original, and says why it is there.

use aws_lambda_events::event::sqs::{SqsMessage, SqsMessageAttribute};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::MessageAttributeValue;
use host::aws;
use host::quarantine::Label;

/// Sends copies.
#[derive(Clone, Debug)]
pub(crate) struct Quarantine {
    client: Client,
    queue_url: String,
}

/// The queue did not take the copy, or did not say so.
#[derive(Debug, thiserror::Error)]
#[error("quarantine queue did not take the copy: {0}")]
pub(crate) struct NotQuarantined(String);

impl Quarantine {
    pub(crate) const fn new(client: Client, queue_url: String) -> Self {
        Self { client, queue_url }
    }

    /// Sends a copy of `message`; returns the copy's id.
    pub(crate) async fn send(
        &self,
        message: &SqsMessage,
        reason: &str,
        detail: Option<&str>,
    ) -> Result<String, NotQuarantined> {
        let originals = message.message_attributes.iter().map(|(name, value)| (name.clone(), copy(value)));
        let label = Label { reason, detail, original: message.message_id.as_deref() };
        let attributes = label.beside(originals.collect());
        let sent = self
            .client
            .send_message()
            .queue_url(&self.queue_url)
            .message_body(message.body.as_deref().unwrap_or_default())
            .set_message_attributes(Some(attributes.into_iter().collect()))
            .send()
            .await
            .map_err(|error| NotQuarantined(aws::why(&error)))?;
        sent.message_id.ok_or_else(|| NotQuarantined("no message id in the answer".to_owned()))
    }
}

fn copy(original: &SqsMessageAttribute) -> MessageAttributeValue {
    MessageAttributeValue::builder()
        .data_type(original.data_type.as_deref().unwrap_or("String"))
        .set_string_value(original.string_value.clone())
        .set_binary_value(original.binary_value.as_ref().map(|data| Blob::new(data.0.clone())))
        .build()
        .expect("the data type is set")
}
