//! Stripe's error envelope, `{"error":{…}}`, and every refusal the fake knows.
//!
//! Codes and statuses are Stripe's, the sentences are ours: a client that matches on `message` is wrong anyway.
//! Source: <https://docs.stripe.com/api/errors>, <https://docs.stripe.com/error-codes>.
//! Invariant: an error is built here or nowhere, so a code has one status.

use super::cards::Decline;
use super::codes::Code;
use super::limiter::Limiter;
use super::limits::KEY_CHARS_MAX;
use crate::faults::Refusal;
use http::StatusCode;
use serde_json::{Map, Value, json};

/// One refusal: status and the fields inside `error`.
#[derive(Clone, Debug)]
pub(super) struct ApiError {
    pub(super) status: StatusCode,
    /// For a 429: the limiter that sent it. Without one it is no limiter's.
    pub(super) limiter: Option<Limiter>,
    fields: Map<String, Value>,
}

impl ApiError {
    /// The fields of `error`, as they are also shown in `last_payment_error`.
    pub(super) fn body(&self) -> Value {
        json!({ "error": self.fields })
    }

    /// `error.code`, if it has one.
    pub(super) fn code(&self) -> Option<&str> {
        self.fields.get("code").and_then(Value::as_str)
    }

    /// Shows the intent the refusal is about, whole.
    pub(super) fn with_intent(self, intent: Value) -> Self {
        self.with("payment_intent", intent)
    }

    fn new(status: StatusCode, kind: &str, message: impl Into<String>) -> Self {
        let error = Self { status, limiter: None, fields: Map::new() };
        error.with("type", kind).with("message", message.into())
    }

    fn invalid(status: StatusCode, message: impl Into<String>) -> Self {
        Self::new(status, "invalid_request_error", message)
    }

    fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(field.to_owned(), value.into());
        self
    }

    fn with_code(self, code: Code) -> Self {
        let page = format!("https://stripe.com/docs/error-codes/{}", code.name().replace('_', "-"));
        self.with("code", code.name()).with("doc_url", page)
    }

    fn about(code: Code, param: &str, message: impl Into<String>) -> Self {
        Self::invalid(StatusCode::BAD_REQUEST, message).with_code(code).with("param", param)
    }
}

/// Refusals of the request itself: nothing has been looked at yet, nothing is stored under its key.
impl ApiError {
    pub(super) fn missing_key() -> Self {
        Self::invalid(StatusCode::UNAUTHORIZED, "No API key was sent; send `Authorization: Bearer <key>`.")
    }

    pub(super) fn wrong_key() -> Self {
        // The key is not repeated: an error body ends up in logs.
        Self::invalid(StatusCode::UNAUTHORIZED, "The API key that was sent is not valid.")
    }

    pub(super) fn unknown_url(method: &str, path: &str) -> Self {
        Self::invalid(StatusCode::NOT_FOUND, format!("There is no {method} {path}."))
    }

    pub(super) fn unknown_version() -> Self {
        Self::invalid(StatusCode::BAD_REQUEST, "The Stripe-Version header names no version of the API.")
    }

    pub(super) fn not_a_form() -> Self {
        Self::invalid(StatusCode::BAD_REQUEST, "A POST body must be application/x-www-form-urlencoded.")
    }

    pub(super) fn bad_idempotency_key() -> Self {
        let message = format!("An Idempotency-Key has 1 to {KEY_CHARS_MAX} visible ASCII characters.");
        Self::invalid(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn key_reused(first_path: &str, path: &str) -> Self {
        let message = if first_path == path {
            "This Idempotency-Key was first used with other parameters.".to_owned()
        } else {
            format!("This Idempotency-Key was first used on {first_path}, now on {path}.")
        };
        Self::new(StatusCode::BAD_REQUEST, "idempotency_error", message)
    }

    /// Recorded answers carry this type, many descriptions `idempotency_error`: clients go by status and code.
    pub(super) fn key_in_use() -> Self {
        Self::invalid(StatusCode::CONFLICT, "A request with this Idempotency-Key is still being executed.")
            .with_code(Code::IDEMPOTENCY_KEY_IN_USE)
    }
}

/// Refusals of a parameter.
impl ApiError {
    pub(super) fn unknown_parameter(param: &str) -> Self {
        Self::about(Code::PARAMETER_UNKNOWN, param, format!("Received an unknown parameter: {param}"))
    }

    /// Gone since `version`, with a code that says so
    /// (<https://docs.stripe.com/changelog/endive/2026-09-30/removes-the-payment-method-types-parameter-from-payment-intents-and-setup-intents>).
    pub(super) fn removed_parameter(code: Code, param: &str, version: &str) -> Self {
        Self::about(code, param, format!("The parameter {param} is not supported since version {version}."))
    }

    pub(super) fn not_expandable(path: &str) -> Self {
        Self::invalid_parameter("expand", format!("This property cannot be expanded: {path}"))
    }

    pub(super) fn missing_parameter(param: &str) -> Self {
        Self::about(Code::PARAMETER_MISSING, param, format!("The parameter {param} is required."))
    }

    pub(super) fn empty_parameter(param: &str) -> Self {
        Self::about(Code::PARAMETER_INVALID_EMPTY, param, format!("The parameter {param} may not be empty."))
    }

    /// `accepted` follows the word integer.
    pub(super) fn not_an_integer(param: &str, accepted: &str) -> Self {
        Self::about(
            Code::PARAMETER_INVALID_INTEGER,
            param,
            format!("The parameter {param} must be an integer {accepted}."),
        )
    }

    pub(super) fn exclusive_parameters(one: &str, other: &str) -> Self {
        Self::about(Code::PARAMETERS_EXCLUSIVE, one, format!("Send {one} or {other}, not both."))
    }

    pub(super) fn amount_too_small(minimum: i64, currency: &str) -> Self {
        Self::about(
            Code::AMOUNT_TOO_SMALL,
            "amount",
            format!("The least amount in {currency} is {minimum} minor units."),
        )
    }

    pub(super) fn amount_too_large(maximum: i64) -> Self {
        Self::about(Code::AMOUNT_TOO_LARGE, "amount", format!("The largest amount is {maximum} minor units."))
    }

    /// A value outside what the parameter takes. Stripe gives most of these no code.
    pub(super) fn invalid_parameter(param: &str, message: impl Into<String>) -> Self {
        Self::invalid(StatusCode::BAD_REQUEST, message).with("param", param)
    }

    pub(super) fn unknown_word(param: &str, words: &[&str]) -> Self {
        Self::invalid_parameter(param, format!("{param} must be one of {}.", words.join(", ")))
    }

    pub(super) fn no_such(what: &str, param: &str, id: &str) -> Self {
        Self::about(Code::RESOURCE_MISSING, param, format!("There is no {what} '{id}'."))
    }
}

/// Refusals of the account, which everybody meets.
impl ApiError {
    pub(super) fn account_refused(refusal: Refusal) -> Self {
        let status = StatusCode::from_u16(refusal.status()).expect("a refusal's statuses are HTTP's");
        let error = Self::invalid(status, "This account may not do that.");
        match Code::of(refusal) {
            Some(code) => error.with_code(code),
            None => error,
        }
    }

    /// The account of the key that was sent does not have the intent, which another one may.
    pub(super) fn no_intent_for_key() -> Self {
        let mut error =
            Self::about(Code::RESOURCE_MISSING, "intent", "There is no such intent for this key.");
        error.status = StatusCode::NOT_FOUND;
        error
    }
}

/// Answers about an intent.
impl ApiError {
    /// The id in the path is unknown: the one `resource_missing` that is a 404.
    pub(super) fn no_such_intent(id: &str) -> Self {
        let mut error = Self::no_such("payment_intent", "intent", id);
        error.status = StatusCode::NOT_FOUND;
        error
    }

    /// A method that belongs to nobody pays once. Stripe gives this refusal no code.
    pub(super) fn spent_method() -> Self {
        let message =
            "This PaymentMethod was used before and belongs to no customer, so it cannot be used again.";
        Self::invalid(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn unexpected_state(verb: &str, status: &str) -> Self {
        let message = format!("This PaymentIntent cannot be {verb}: its status is {status}.");
        Self::invalid(StatusCode::BAD_REQUEST, message).with_code(Code::PAYMENT_INTENT_UNEXPECTED_STATE)
    }

    /// A decline: 402, with everything the issuer said.
    pub(super) fn declined(decline: &Decline, charge: Option<&str>, method: Value) -> Self {
        let error =
            Self::new(StatusCode::PAYMENT_REQUIRED, "card_error", decline.message).with_code(decline.code);
        let said = [
            ("decline_code", decline.decline_code),
            ("advice_code", decline.advice_code),
            ("network_decline_code", decline.network_decline_code),
        ];
        let error = said.into_iter().fold(error, |error, (field, code)| match code {
            Some(code) => error.with(field, code),
            None => error,
        });
        error.with("charge", charge).with("payment_method", method)
    }

    /// The fields of `error` alone: the shape of `last_payment_error`.
    pub(super) fn fields(&self) -> Value {
        Value::Object(self.fields.clone())
    }
}

/// Failures of Stripe's own.
impl ApiError {
    pub(super) fn unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "api_error",
            "An error inside Stripe; the request was not processed.",
        )
    }

    /// What happened is open: the endpoint had started.
    pub(super) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "api_error",
            "An error while communicating with one of Stripe's backends.",
        )
    }

    pub(super) fn rate_limited(by: Limiter) -> Self {
        let error = Self::invalid(StatusCode::TOO_MANY_REQUESTS, "Too many requests; slow down.");
        Self { limiter: Some(by), ..error.with_code(Code::RATE_LIMIT) }
    }

    /// No limiter sent this 429, so it names none.
    pub(super) fn lock_timeout() -> Self {
        Self::invalid(StatusCode::TOO_MANY_REQUESTS, "The object is being changed by another process.")
            .with_code(Code::LOCK_TIMEOUT)
    }
}
