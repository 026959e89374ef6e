//! What an HTTP answer, or its absence, means.
//!
//! By status, `error.code` and headers; never by `error.type`, on which sources disagree (one exception, which can
//! do no harm: [`is_key_conflict`]). Status alone is believed where whoever sends it refused before doing anything
//! (401, 403, 429). Everything else that sounds final needs Stripe's own envelope: a proxy's error page is no
//! evidence, neither for a decline nor against a payment.
//! Sources: <https://docs.stripe.com/error-low-level>, <https://docs.stripe.com/rate-limits>,
//! <https://docs.stripe.com/error-codes>.
//!
//! Invariant: an answer whose effect is not certain is [`Answer::Unknown`] and nothing else.

use crate::codes;
use crate::envelope::{self, ErrorObject};
use crate::mode::Mode;
use crate::reader::Probe;
use crate::transport::TransportError;
use crate::words;
use bytes::Bytes;
use http::{HeaderMap, Response};
use jiff::fmt::rfc2822;
use payments::Cause;
use payments::provider::{Answer, Intent, IntentId, Refusal, Replay};

/// What came of a call, as far as HTTP goes.
pub(crate) type Seen = Result<Response<Bytes>, Failure>;

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The way to Stripe is broken.
    Transport(TransportError),
    /// Our time-out passed.
    TimedOut,
    /// The key is one of the other mode, so nothing was sent.
    Unsent,
}

/// Which call an answer belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Call<'id> {
    /// It makes an intent, under an idempotency key.
    Create,
    /// It is about this intent, which stands in its path; without a key.
    OnIntent(&'id IntentId),
}

impl Call<'_> {
    /// Whether it carries an idempotency key, which stands for one answer for a day.
    const fn is_keyed(self) -> bool {
        match self {
            Self::Create => true,
            Self::OnIntent(_) => false,
        }
    }

    /// An intent with another id than the one we asked about tells nothing about ours.
    fn concerns(self, intent: &Intent) -> bool {
        match self {
            Self::Create => true,
            Self::OnIntent(id) => intent.id == *id,
        }
    }
}

/// What a call on an intent came to, for who expects to be in `mode`.
pub(crate) fn answer(call: Call<'_>, mode: Mode, seen: &Seen) -> Answer {
    let response = match seen {
        Ok(response) => response,
        Err(failure) => return unanswered(failure),
    };
    match response.status().as_u16() {
        200..=299 => of_intent(call, mode, envelope::intent(response.body()), Answer::Intent),
        400..=499 if call.is_keyed() && is_replayed(response.headers()) => Answer::KeySpent,
        401 | 403 => not_done(Cause::CredentialsRefused),
        429 => not_done(throttled(response.body())),
        // 408: whoever timed out may have passed the request on. 424: something behind Stripe failed.
        408 | 424 | 500..=599 => {
            Answer::Unknown { cause: Cause::ProviderError, replay: replay(response.headers()) }
        }
        status @ 400..=499 => match envelope::error(response.body()) {
            Some(error) => refused(call, mode, status, response.headers(), error),
            None => unreadable(),
        },
        // Redirects are not followed: a POST would be repeated, and the key sent elsewhere.
        _ => unreadable(),
    }
}

/// What a probe came to. Only the object it asked for counts as well: what follows from it is a redrive.
pub(crate) fn probe(mode: Mode, seen: &Seen) -> Probe {
    match seen {
        Ok(response) if response.status().is_success() => match envelope::balance(response.body()) {
            Some(of_balance) if of_balance == mode => Probe::Well,
            Some(_) => Probe::Unwell(Cause::WrongMode),
            None => Probe::Unwell(Cause::ProviderUnreadable),
        },
        Ok(_) | Err(_) => match answer(Call::Create, mode, seen) {
            Answer::Unknown { cause, .. } | Answer::NotDone { cause } => Probe::Unwell(cause),
            Answer::Intent(_)
            | Answer::Declined(_)
            | Answer::UnexpectedState(_)
            | Answer::KeySpent
            | Answer::IntentMissing
            | Answer::Refused(_) => Probe::Unwell(Cause::ProviderUnreadable),
        },
    }
}

/// Why there is no page of intents. A refusal can only be about what we ask, or about what our key may do.
pub(crate) fn failed_listing(mode: Mode, seen: &Seen) -> Cause {
    match answer(Call::Create, mode, seen) {
        Answer::Unknown { cause, .. } | Answer::NotDone { cause } => cause,
        Answer::Refused(_) => Cause::RefusedInARow,
        Answer::Intent(_)
        | Answer::Declined(_)
        | Answer::UnexpectedState(_)
        | Answer::KeySpent
        | Answer::IntentMissing => Cause::ProviderUnreadable,
    }
}

/// Seconds that whoever answered asks us to wait, on whatever answer. A date counts from the answer's own `Date`: two
/// clocks of one machine, where ours might differ.
pub(crate) fn retry_after_s(headers: &HeaderMap) -> Option<u32> {
    let asked = header(headers, "retry-after")?;
    if let Ok(seconds) = asked.parse() {
        return Some(seconds);
    }
    let date = |text: &str| rfc2822::parse(text).ok().map(|date| date.timestamp());
    let left = date(asked)?.duration_since(date(header(headers, "date")?)?);
    u32::try_from(left.as_secs().max(0)).ok()
}

/// An intent says something about ours if it is ours, in the mode we are in.
fn of_intent(call: Call<'_>, mode: Mode, seen: Option<envelope::Seen>, says: fn(Intent) -> Answer) -> Answer {
    match seen {
        Some((_, of_intent)) if of_intent != mode => not_done(Cause::WrongMode),
        Some((intent, _)) if call.concerns(&intent) => says(intent),
        Some(_) | None => unreadable(),
    }
}

fn unanswered(failure: &Failure) -> Answer {
    let cause = match failure {
        Failure::Unsent => return not_done(Cause::WrongMode),
        Failure::Transport(TransportError::Connect(_)) => return not_done(Cause::ProviderUnreachable),
        Failure::Transport(TransportError::Broken(_)) => Cause::ProviderUnreachable,
        Failure::TimedOut => Cause::ProviderTimeout,
    };
    Answer::Unknown { cause, replay: Replay::Open }
}

/// A 4xx in Stripe's own words.
fn refused(call: Call<'_>, mode: Mode, status: u16, headers: &HeaderMap, error: ErrorObject) -> Answer {
    if status == 402
        && let Some(declined) = error.declined_charge()
    {
        return Answer::Declined(declined);
    }
    match (status, error.code()) {
        (_, Some(code)) if words::is_about_the_account(code) => not_done(Cause::AccountRefused),
        (400, Some(codes::UNEXPECTED_STATE)) => {
            of_intent(call, mode, error.into_intent(), Answer::UnexpectedState)
        }
        (400, _) if is_key_conflict(call, &error) => Answer::KeySpent,
        // `idempotency_key_in_use`, or whatever else lost against a concurrent request: Stripe executes one of
        // the two, and it was not this one.
        (409, _) => not_done(Cause::InFlight),
        (404, Some(codes::RESOURCE_MISSING)) if is_about_the_path(call, &error) => Answer::IntentMissing,
        // Stripe itself says that this is not its last word.
        _ if header(headers, SHOULD_RETRY) == Some("true") => {
            Answer::Unknown { cause: Cause::ProviderError, replay: Replay::Open }
        }
        _ => match error.name() {
            Some(code) => Answer::Refused(Refusal {
                status,
                code,
                param: error.param().map(envelope::word),
                text: error.text().filter(|_| error.code().is_none()),
            }),
            None => unreadable(),
        },
    }
}

/// The key was used before, with other parameters or on another path.
///
/// Stripe sends this 400 with the type `idempotency_error` and no code, so here, and only here, the type decides.
/// Taken for a conflict by mistake, an error costs one more unconfirmed intent, which charges nothing; missed, the
/// create counts as refused and the payment is quarantined unpaid. A call without a key cannot conflict.
fn is_key_conflict(call: Call<'_>, error: &ErrorObject) -> bool {
    match call {
        Call::Create => error.code().or(error.kind()) == Some("idempotency_error"),
        Call::OnIntent(_) => false,
    }
}

/// Whether what is missing is the intent in the path, and not a card or customer that the request named.
fn is_about_the_path(call: Call<'_>, error: &ErrorObject) -> bool {
    match call {
        Call::Create => false,
        Call::OnIntent(_) => matches!(error.param(), None | Some("intent")),
    }
}

/// `lock_timeout` is about one object and passes; any other 429 says that we are too fast.
fn throttled(body: &[u8]) -> Cause {
    match envelope::error(body) {
        Some(error) if error.code() == Some(codes::LOCK_TIMEOUT) => Cause::LockTimeout,
        Some(_) | None => Cause::RateLimited,
    }
}

const fn not_done(cause: Cause) -> Answer {
    Answer::NotDone { cause }
}

fn unreadable() -> Answer {
    Answer::Unknown { cause: Cause::ProviderUnreadable, replay: Replay::Open }
}

const SHOULD_RETRY: &str = "stripe-should-retry";

fn replay(headers: &HeaderMap) -> Replay {
    let replayed = is_replayed(headers);
    let final_for_the_key = header(headers, SHOULD_RETRY) == Some("false");
    if replayed || final_for_the_key { Replay::Stored } else { Replay::Open }
}

fn is_replayed(headers: &HeaderMap) -> bool {
    header(headers, "idempotent-replayed") == Some("true")
}

fn header<'headers>(headers: &'headers HeaderMap, name: &str) -> Option<&'headers str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{TEXT_CHARS_MAX, WORD_CHARS_MAX};
    use http::StatusCode;
    use payments::provider::DeclinedCharge;
    use proptest::prelude::*;

    fn text() -> impl Strategy<Value = String> {
        let known = ["", "pi_1", "pi_2", "succeeded", "payment_intent", "lock_timeout", "resource_missing"];
        let codes = ["idempotency_error", "payment_intent_unexpected_state", "intent", "true", "false", "7"];
        prop_oneof![
            proptest::sample::select([&known[..], &codes].concat()).prop_map(str::to_owned),
            ".{0,200}"
        ]
    }

    fn value() -> impl Strategy<Value = serde_json::Value> {
        prop_oneof![
            8 => text().prop_map(serde_json::Value::from),
            1 => any::<i64>().prop_map(serde_json::Value::from),
            1 => Just(serde_json::Value::Null),
        ]
    }

    fn object(fields: &'static [&'static str]) -> impl Strategy<Value = serde_json::Value> {
        proptest::collection::btree_map(proptest::sample::select(fields), value(), 0..=fields.len())
            .prop_map(|fields| serde_json::json!(fields))
    }

    prop_compose! {
        fn intent()(
            id in text(), kind in prop_oneof![9 => Just("payment_intent".to_owned()), 1 => text()],
            fields in object(&["status", "metadata", "currency"]), error in error_fields(), live in any::<bool>(),
        ) -> serde_json::Value {
            let mut intent = serde_json::json!({
                "object": kind, "id": id, "status": "succeeded", "amount": 5, "currency": "eur", "livemode": live,
                "last_payment_error": error
            });
            for (name, value) in fields.as_object().unwrap() {
                intent[name] = value.clone();
            }
            intent
        }
    }

    fn error_fields() -> impl Strategy<Value = serde_json::Value> {
        object(&["type", "code", "decline_code", "param", "message"])
    }

    const CODES: [&str; 4] =
        ["payment_intent_unexpected_state", "idempotency_error", "resource_missing", "lock_timeout"];

    /// Half of them carry a code that matters, or the rules for it would hardly ever be met.
    fn error() -> impl Strategy<Value = serde_json::Value> {
        let code = proptest::option::of(proptest::sample::select(&CODES[..]));
        (error_fields(), code, proptest::option::of(intent())).prop_map(|(mut error, code, intent)| {
            if let Some(code) = code {
                error["code"] = code.into();
            }
            if let Some(intent) = intent {
                error["payment_intent"] = intent;
            }
            serde_json::json!({ "error": error })
        })
    }

    fn body() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            1 => any::<Vec<u8>>(),
            4 => intent().prop_map(|json| json.to_string().into_bytes()),
            4 => error().prop_map(|json| json.to_string().into_bytes()),
        ]
    }

    prop_compose! {
        fn response()(
            status in prop_oneof![
                1 => 100_u16..=999,
                3 => proptest::sample::select(&[200, 400, 402, 404, 409, 429, 500][..]),
            ],
            headers in proptest::collection::vec(
                (proptest::sample::select(&["retry-after", "stripe-should-retry", "idempotent-replayed"][..]), text()),
                0..4,
            ),
            body in body(),
        ) -> Response<Bytes> {
            let mut response = Response::new(Bytes::from(body));
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            for (name, value) in headers {
                if let Ok(value) = http::HeaderValue::from_bytes(value.as_bytes()) {
                    response.headers_mut().append(name, value);
                }
            }
            response
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_answer_makes_it_panic_and_no_intent_comes_without_the_id_that_was_asked_for(response in response()) {
            let asked = IntentId("pi_1".to_owned());
            let status = response.status().as_u16();
            let seen = Ok(response);
            let _ = probe(Mode::Test, &seen);
            for call in [Call::Create, Call::OnIntent(&asked)] {
                match answer(call, Mode::Test, &seen) {
                    Answer::Intent(intent) => {
                        prop_assert!((200..300).contains(&status) && !intent.id.0.is_empty());
                        prop_assert!(call.concerns(&intent));
                    }
                    Answer::UnexpectedState(intent) => {
                        prop_assert!(status == 400 && !intent.id.0.is_empty() && call.concerns(&intent));
                    }
                    Answer::Refused(Refusal { code, param, text, .. }) => {
                        prop_assert!((400..500).contains(&status) && !code.is_empty());
                        prop_assert!(text.is_none_or(|text| text.chars().count() <= TEXT_CHARS_MAX && text.is_ascii()));
                        for word in [Some(code), param].into_iter().flatten() {
                            prop_assert!(word.len() <= WORD_CHARS_MAX && word.bytes().all(|byte| byte.is_ascii_graphic()));
                        }
                    }
                    Answer::Declined(DeclinedCharge { decline, .. }) => {
                        let (code, decline_code) = (decline.code.as_str(), decline.decline_code.as_deref());
                        prop_assert!(status == 402 && words::is_issuers(Some(code), decline_code));
                    }
                    Answer::NotDone { cause: Cause::AccountRefused } => prop_assert!((400..500).contains(&status)),
                    Answer::NotDone { cause: Cause::WrongMode } => prop_assert!(status < 300 || status == 400),
                    Answer::NotDone { .. } => prop_assert!([401, 403, 409, 429].contains(&status)),
                    Answer::KeySpent => prop_assert!((400..500).contains(&status)),
                    Answer::IntentMissing => prop_assert!(status == 404),
                    Answer::Unknown { .. } => {}
                }
            }
        }
    }
}
