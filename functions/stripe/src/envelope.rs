//! The two shapes of an answer's body: a payment intent, or Stripe's error envelope `{"error":{…}}`.
//!
//! Only what the protocol needs is read; fields we do not know are ignored, those we need must have their type.
//! Sources: <https://docs.stripe.com/api/payment_intents/object>, <https://docs.stripe.com/api/errors>.
//! Invariant: no intent comes out of here without an id, and of a message only plain words do: it may repeat what a
//! customer typed.

use crate::limits::{BODY_BYTES_MAX, TEXT_CHARS_MAX, WORD_CHARS_MAX};
use crate::mode::{Livemode, Mode};
use crate::words;
use payments::UnixMs;
use payments::audit::Listed;
use payments::limits::STRIPE_ID_CHARS_MAX;
use payments::payment::PAYMENT_ID_KEY;
use payments::provider::{ChargeId, Decline, DeclinedCharge, Intent, IntentId, IntentStatus};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;

/// An intent, and the mode it lives in.
pub(crate) type Seen = (Intent, Mode);

/// The payment intent that `body` is, if it is one.
pub(crate) fn intent(body: &[u8]) -> Option<Seen> {
    read::<IntentObject>(body)?.into_intent()
}

/// The intents on the page that `body` is, each with its mode, and whether more follow; nothing unless all of it can be
/// read.
pub(crate) fn list(body: &[u8]) -> Option<(Vec<(Listed, Mode)>, bool)> {
    let page = read::<ListObject>(body).filter(|page| page.object == "list")?;
    let listed = page.data.into_iter().map(ListedObject::into_listed).collect::<Option<_>>()?;
    Some((listed, page.has_more))
}

/// What Stripe's error envelope says, if `body` is one.
pub(crate) fn error(body: &[u8]) -> Option<ErrorObject> {
    read::<Envelope>(body).map(|envelope| envelope.error)
}

/// The mode of the balance that `body` is, if it is one.
pub(crate) fn balance(body: &[u8]) -> Option<Mode> {
    let balance: Balance = read(body)?;
    (balance.object == "balance").then(|| Mode::of_object(balance.livemode))
}

/// At most [`WORD_CHARS_MAX`] characters of visible ASCII, others replaced: fit for a log, a ledger row and a
/// message attribute, where SQS refuses control characters.
pub(crate) fn word(text: &str) -> String {
    let visible = |char: char| if char.is_ascii_graphic() { char } else { '?' };
    text.chars().take(WORD_CHARS_MAX).map(visible).collect()
}

/// A word of Stripe's own; anything else as three dots.
fn plain_word(text: &str) -> &str {
    let letters = text.trim_end_matches(['.', ',', ';', ':', '!', '?', ')']).trim_start_matches('(');
    let is_plain = letters.chars().all(|char| char.is_ascii_alphabetic() || char == '-');
    if is_plain { text } else { "..." }
}

/// The fields of `error` that matter.
#[derive(Debug, Deserialize)]
pub(crate) struct ErrorObject {
    #[serde(rename = "type")]
    kind: Option<String>,
    code: Option<String>,
    decline_code: Option<String>,
    advice_code: Option<String>,
    param: Option<String>,
    message: Option<String>,
    charge: Option<Value>,
    /// Read only where it is needed: a strange intent must not hide a readable code.
    payment_intent: Option<Value>,
}

impl ErrorObject {
    /// `error.code`.
    pub(crate) fn code(&self) -> Option<&str> {
        present(self.code.as_deref())
    }

    /// `error.type`. Sources disagree on it for several errors, so it decides nothing but what has no code.
    pub(crate) fn kind(&self) -> Option<&str> {
        present(self.kind.as_deref())
    }

    /// `error.param`.
    pub(crate) fn param(&self) -> Option<&str> {
        present(self.param.as_deref())
    }

    /// The code, or else the type, as a [`word`]; `None` when the error says nothing at all.
    pub(crate) fn name(&self) -> Option<String> {
        self.code().or(self.kind()).map(word)
    }

    /// `error.message`, as far as it is Stripe's own words: what is quoted, or is more than letters, may be what a customer
    /// typed, or an id that makes two messages of one reason differ.
    pub(crate) fn text(&self) -> Option<String> {
        let message = present(self.message.as_deref())?;
        let words = message.split_whitespace().map(plain_word);
        Some(words.collect::<Vec<_>>().join(" ").chars().take(TEXT_CHARS_MAX).collect())
    }

    /// The decline this error is, if it is an issuer's.
    fn decline(&self) -> Option<Decline> {
        let decline_code = present(self.decline_code.as_deref());
        if !words::is_issuers(self.code(), decline_code) {
            return None;
        }
        let code = self.code().or(decline_code).map(word)?;
        let advice_code = present(self.advice_code.as_deref()).map(word);
        Some(Decline { code, decline_code: decline_code.map(word), advice_code })
    }

    /// The same, and the attempt it is about. An id that is none, or one too long to keep, is as good as none: what a decline
    /// says does not hang on it.
    pub(crate) fn declined_charge(&self) -> Option<DeclinedCharge> {
        let id = self.charge.as_ref().and_then(Value::as_str);
        let id = id.filter(|id| (1..=STRIPE_ID_CHARS_MAX).contains(&id.chars().count()));
        Some(DeclinedCharge { decline: self.decline()?, charge: id.map(|id| ChargeId(id.to_owned())) })
    }

    /// `error.payment_intent`: the intent as it stands.
    pub(crate) fn into_intent(self) -> Option<Seen> {
        serde_json::from_value::<IntentObject>(self.payment_intent?).ok()?.into_intent()
    }
}

#[derive(Deserialize)]
struct Envelope {
    error: ErrorObject,
}

#[derive(Deserialize)]
struct Balance {
    object: String,
    livemode: Livemode,
}

#[derive(Deserialize)]
struct ListObject {
    object: String,
    data: Vec<ListedObject>,
    has_more: bool,
}

#[derive(Deserialize)]
struct ListedObject {
    created: i64,
    #[serde(flatten)]
    intent: IntentObject,
}

impl ListedObject {
    fn into_listed(self) -> Option<(Listed, Mode)> {
        let (intent, mode) = self.intent.into_intent()?;
        Some((Listed { intent, created_at: UnixMs(self.created.saturating_mul(1_000)) }, mode))
    }
}

#[derive(Deserialize)]
struct IntentObject {
    object: String,
    id: String,
    status: String,
    amount: i64,
    currency: String,
    livemode: Livemode,
    metadata: Option<BTreeMap<String, String>>,
    last_payment_error: Option<ErrorObject>,
}

impl IntentObject {
    fn into_intent(self) -> Option<Seen> {
        let has_an_id = (1..=STRIPE_ID_CHARS_MAX).contains(&self.id.chars().count());
        let mode = Mode::of_object(self.livemode);
        (self.object == "payment_intent" && has_an_id).then(|| {
            let intent = Intent {
                id: IntentId(self.id),
                status: status(&self.status),
                amount: self.amount,
                currency: self.currency,
                payment_id: self.metadata.and_then(|mut metadata| metadata.remove(PAYMENT_ID_KEY)),
                last_decline: self.last_payment_error.as_ref().and_then(ErrorObject::declined_charge),
            };
            (intent, mode)
        })
    }
}

fn status(text: &str) -> IntentStatus {
    match text {
        "requires_payment_method" => IntentStatus::RequiresPaymentMethod,
        "requires_confirmation" => IntentStatus::RequiresConfirmation,
        "requires_action" => IntentStatus::RequiresAction,
        "processing" => IntentStatus::Processing,
        "requires_capture" => IntentStatus::RequiresCapture,
        "canceled" => IntentStatus::Canceled,
        "succeeded" => IntentStatus::Succeeded,
        other => IntentStatus::Other(word(other)),
    }
}

/// Larger bodies were cut by the transport, or ought to have been.
fn read<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    if body.len() > BODY_BYTES_MAX { None } else { serde_json::from_slice(body).ok() }
}

fn present(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}
