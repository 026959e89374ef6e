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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::Recorder;
    use crate::source::tests::sqs;
    use aws_lambda_events::encodings::Base64Data;
    use serde_json::json;

    /// What is sent on of an attribute that came like this: its type, its text, its bytes.
    fn copied(
        data_type: &str,
        text: Option<&str>,
        bytes: Option<&[u8]>,
    ) -> (String, Option<String>, Option<Vec<u8>>) {
        let mut came = SqsMessageAttribute::default();
        came.data_type = Some(data_type.to_owned());
        came.string_value = text.map(str::to_owned);
        came.binary_value = bytes.map(|bytes| {
            let mut data = Base64Data::default();
            data.0 = bytes.to_vec();
            data
        });
        let copy = copy(&came);
        let bytes = copy.binary_value().map(|blob| blob.as_ref().to_vec());
        (copy.data_type().to_owned(), copy.string_value().map(str::to_owned), bytes)
    }

    #[test]
    fn an_attribute_keeps_its_type_whatever_that_is_and_its_value() {
        for data_type in ["String", "Number", "Number.float", "String.json"] {
            let expected = (data_type.to_owned(), Some("1.50".to_owned()), None);
            assert_eq!(copied(data_type, Some("1.50"), None), expected);
        }
        for data_type in ["Binary", "Binary.png"] {
            let expected = (data_type.to_owned(), None, Some(vec![0, 255]));
            assert_eq!(copied(data_type, None, Some(&[0, 255])), expected);
        }
    }

    #[tokio::test]
    async fn a_copy_holds_all_of_its_original_and_why_it_is_there() {
        let recorder = Recorder::answering([json!({ "MessageId": "copy-1", "MD5OfMessageBody": "x" })]);
        let quarantine = Quarantine::new(sqs(&recorder), "https://sqs/quarantine".to_owned());
        let message: SqsMessage = serde_json::from_value(json!({
            "messageId": "message-1",
            "receiptHandle": "receipt-1",
            "body": "the body",
            "attributes": {},
            "messageAttributes": {
                "count": { "dataType": "Number.int", "stringValue": "7" },
                "seal": { "dataType": "Binary.png", "binaryValue": "AP8=" },
            },
        }))
        .expect("a message");
        let copy = quarantine.send(&message, "refused", Some("amount_too_small")).await;
        assert_eq!(copy.expect("it is answered"), "copy-1");
        let expected = json!({
            "QueueUrl": "https://sqs/quarantine",
            "MessageBody": "the body",
            "MessageAttributes": {
                "count": { "DataType": "Number.int", "StringValue": "7" },
                "seal": { "DataType": "Binary.png", "BinaryValue": "AP8=" },
                "quarantine_reason": { "DataType": "String", "StringValue": "refused" },
                "quarantine_detail": { "DataType": "String", "StringValue": "amount_too_small" },
                "original_message_id": { "DataType": "String", "StringValue": "message-1" },
            },
        });
        assert_eq!(recorder.taken(), [("SendMessage".to_owned(), expected)]);
        let unnamed = quarantine.send(&message, "refused", None).await;
        assert!(unnamed.is_err(), "a copy without an id cannot be found again");
    }
}
