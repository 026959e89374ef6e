//! The payment intent: its state machine and its JSON.
//!
//! Source: <https://docs.stripe.com/payments/paymentintents/lifecycle>, field list of the API reference.
//! Invariant: `Succeeded` and `Canceled` are final, so an intent succeeds at most once; every transition is here.

use super::calls::{Capture, Confirm, Create, IfAction, OnAction};
use super::cards::{Bank, Decline, Method};
use super::errors::ApiError;
use super::issuer::Verdict;
use super::limits::CONFIRMATIONS_MAX;
use super::methods::Methods;
use super::mode::Mode;
use super::parameters;
use payments::UnixMs;
use serde_json::{Value, json};
use std::sync::Arc;

/// One payment intent.
#[derive(Clone, Debug)]
pub(super) struct Intent {
    pub(super) id: String,
    client_secret: String,
    mode: Mode,
    made: UnixMs,
    pub(super) request: Create,
    method: Option<Arc<Method>>,
    state: State,
    /// The last one, failed or not.
    attempt: Option<Attempt>,
    last_error: Option<Value>,
    failed_confirmations: u32,
    return_url: Option<String>,
}

/// One attempt to charge a method.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    /// Id of the charge.
    pub(super) charge: String,
    /// When it was made, seconds.
    pub(super) at_s: i64,
    pub(super) method: Arc<Method>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    RequiresPaymentMethod,
    RequiresConfirmation,
    RequiresAction,
    Processing,
    RequiresCapture,
    Canceled { at_s: i64, reason: Option<&'static str> },
    Succeeded,
}

/// What came of a confirm that was not refused.
#[derive(Clone, Debug)]
pub(super) enum Confirmed {
    /// Money moved, by the intent's latest charge.
    Charged,
    /// The intent waits for something; no money moved.
    Waiting,
    /// The issuer declined; the answer is this error.
    Declined(ApiError),
}

impl Intent {
    pub(super) fn new(
        id: String,
        client_secret: String,
        mode: Mode,
        request: Create,
        method: Option<Arc<Method>>,
        now: UnixMs,
    ) -> Self {
        let state = if method.is_some() { State::RequiresConfirmation } else { State::RequiresPaymentMethod };
        Self {
            id,
            client_secret,
            mode,
            made: now,
            request,
            method,
            state,
            attempt: None,
            last_error: None,
            failed_confirmations: 0,
            return_url: None,
        }
    }

    /// `metadata[payment_id]`.
    pub(super) fn payment(&self) -> Option<&str> {
        self.request.metadata.get("payment_id")
    }

    /// Whether the intent takes this kind of method.
    pub(super) fn takes(&self, method: &Method) -> Result<(), ApiError> {
        takes(&self.request.methods, method)
    }

    /// The method a confirm would charge, if the intent may be confirmed at all. Changes nothing.
    ///
    /// # Errors
    /// `payment_intent_unexpected_state` in every state that cannot be confirmed and without a method;
    /// a refusal when a redirect could be needed and no `return_url` is known, or of what goes with listed methods alone.
    pub(super) fn to_confirm(
        &self,
        confirm: &Confirm,
        sent: Option<Arc<Method>>,
    ) -> Result<Arc<Method>, ApiError> {
        match self.state {
            State::RequiresPaymentMethod | State::RequiresConfirmation | State::RequiresAction => {}
            State::Processing | State::RequiresCapture | State::Canceled { .. } | State::Succeeded => {
                return Err(ApiError::unexpected_state("confirmed", self.status()));
            }
        }
        let method = sent.or_else(|| self.method.clone());
        let method = method.ok_or_else(|| ApiError::unexpected_state("confirmed", self.status()))?;
        let methods = confirm.methods.as_ref().unwrap_or(&self.request.methods);
        takes(methods, &method)?;
        if methods.filter().is_some() && confirm.on_action == OnAction::Error {
            let message = "error_on_requires_action goes with payment_method_types alone.";
            return Err(ApiError::invalid_parameter("error_on_requires_action", message));
        }
        let somebody_is_there = confirm.if_action != IfAction::OffSession;
        let has_url = confirm.return_url.is_some() || self.return_url.is_some();
        if somebody_is_there && methods.may_redirect() && !has_url {
            let message = "A payment method of this PaymentIntent could redirect the customer, so return_url is needed.";
            return Err(ApiError::invalid_parameter("return_url", message));
        }
        Ok(method)
    }

    /// Confirms with `method`, as allowed by `to_confirm`; `charge` is the id of this attempt.
    pub(super) fn confirm(
        &mut self,
        confirm: Confirm,
        method: Arc<Method>,
        verdict: Verdict,
        charge: String,
        now: UnixMs,
    ) -> Confirmed {
        self.return_url = confirm.return_url.or_else(|| self.return_url.take());
        self.last_error = None;
        self.request.shown.extend(confirm.shown);
        self.request.methods = confirm.methods.unwrap_or_else(|| self.request.methods.clone());
        self.request.capture = confirm.capture.unwrap_or(self.request.capture);
        self.method = Some(method.clone());
        if verdict.is_attempt() {
            self.attempt = Some(Attempt { charge, at_s: seconds(now), method });
        }
        match verdict {
            Verdict::Declined(decline) => self.decline(&decline, now),
            Verdict::ActionNeeded(_) => {
                self.state = State::RequiresAction;
                Confirmed::Waiting
            }
            Verdict::Pending(_) => {
                self.state = State::Processing;
                Confirmed::Waiting
            }
            Verdict::Held(_) => {
                self.state = State::RequiresCapture;
                Confirmed::Waiting
            }
            Verdict::Approved => self.approve(),
        }
    }

    /// The bank of a processing intent decides, its customer authenticates, or what is held is captured. In any other
    /// state there is nothing left to decide. `charge` is the id of the attempt that a customer makes.
    pub(super) fn settle(&mut self, bank: Bank, charge: String, now: UnixMs) -> Confirmed {
        match (self.state, bank) {
            (State::Processing, Bank::Approves) => self.approve(),
            (State::RequiresAction, Bank::Approves) => {
                self.attempt =
                    self.method.clone().map(|method| Attempt { charge, at_s: seconds(now), method });
                self.approve()
            }
            (State::RequiresCapture, Bank::Approves) => {
                self.state = State::Succeeded;
                Confirmed::Charged
            }
            (State::Processing, Bank::Declines(decline)) => self.decline(&decline, now),
            (State::Processing | State::RequiresAction | State::RequiresCapture, Bank::Silent)
            | (State::RequiresAction | State::RequiresCapture, Bank::Declines(_))
            | (
                State::RequiresPaymentMethod
                | State::RequiresConfirmation
                | State::Canceled { .. }
                | State::Succeeded,
                _,
            ) => Confirmed::Waiting,
        }
    }

    /// Cancels.
    ///
    /// # Errors
    /// `payment_intent_unexpected_state` when it is final already, or with the bank.
    pub(super) fn cancel(&mut self, reason: Option<&'static str>, now: UnixMs) -> Result<(), ApiError> {
        match self.state {
            State::RequiresPaymentMethod
            | State::RequiresConfirmation
            | State::RequiresAction
            | State::RequiresCapture => {
                self.state = State::Canceled { at_s: seconds(now), reason };
                Ok(())
            }
            // Some bank debits can still be stopped while processing; a client must not count on it.
            State::Processing | State::Canceled { .. } | State::Succeeded => {
                Err(ApiError::unexpected_state("canceled", self.status()))
            }
        }
    }

    fn approve(&mut self) -> Confirmed {
        match self.request.capture {
            Capture::Automatic | Capture::AutomaticAsync => {
                self.state = State::Succeeded;
                Confirmed::Charged
            }
            Capture::Manual => {
                self.state = State::RequiresCapture;
                Confirmed::Waiting
            }
        }
    }

    /// A failed attempt takes the method off the intent; too many of them cancel it.
    fn decline(&mut self, decline: &Decline, now: UnixMs) -> Confirmed {
        let method = self.method.take().map_or(Value::Null, |method| method.to_json());
        let error = ApiError::declined(decline, self.latest_charge(), method);
        self.last_error = Some(error.fields());
        self.failed_confirmations += 1;
        self.state = if self.failed_confirmations >= CONFIRMATIONS_MAX {
            State::Canceled { at_s: seconds(now), reason: Some("automatic") }
        } else {
            State::RequiresPaymentMethod
        };
        Confirmed::Declined(error)
    }
}

/// What the intent shows.
impl Intent {
    /// `status`, in Stripe's words.
    pub(super) const fn status(&self) -> &'static str {
        match self.state {
            State::RequiresPaymentMethod => "requires_payment_method",
            State::RequiresConfirmation => "requires_confirmation",
            State::RequiresAction => "requires_action",
            State::Processing => "processing",
            State::RequiresCapture => "requires_capture",
            State::Canceled { .. } => "canceled",
            State::Succeeded => "succeeded",
        }
    }

    /// `created`, seconds.
    pub(super) const fn created_s(&self) -> i64 {
        seconds(self.made)
    }

    /// The same to the millisecond.
    pub(super) const fn made(&self) -> UnixMs {
        self.made
    }

    pub(super) const fn mode(&self) -> Mode {
        self.mode
    }

    /// The method that the next confirm would charge, or the last one charged.
    pub(super) fn method(&self) -> Option<&Method> {
        self.method.as_deref()
    }

    pub(super) const fn attempt(&self) -> Option<&Attempt> {
        self.attempt.as_ref()
    }

    pub(super) fn latest_charge(&self) -> Option<&str> {
        self.attempt.as_ref().map(|attempt| attempt.charge.as_str())
    }

    /// `last_payment_error`, or null.
    pub(super) fn last_error(&self) -> Value {
        self.last_error.clone().unwrap_or_default()
    }

    /// A parameter as it was sent, or null.
    pub(super) fn shown(&self, parameter: &str) -> Value {
        self.request.shown.get(parameter).cloned().unwrap_or_default()
    }

    /// The whole object. Every field the API calls non-null is here: typed clients fail on a 200 without one.
    pub(super) fn to_json(&self) -> Value {
        let Create { amount, currency, capture, methods, customer, description, metadata, .. } =
            &self.request;
        let when = |state: bool| if state { *amount } else { 0 };
        let (canceled_at, cancellation_reason) = match self.state {
            State::Canceled { at_s, reason } => (Some(at_s), reason),
            State::RequiresPaymentMethod
            | State::RequiresConfirmation
            | State::RequiresAction
            | State::Processing
            | State::RequiresCapture
            | State::Succeeded => (None, None),
        };
        let mut object = json!({
            "id": self.id,
            "object": "payment_intent",
            "allowed_payment_method_types": methods.filter().and_then(|filter| filter.allowed.as_ref()),
            "amount": amount,
            "amount_capturable": when(self.state == State::RequiresCapture),
            "amount_details": { "tip": {} },
            "amount_received": when(self.state == State::Succeeded),
            "application": null,
            "automatic_payment_methods": automatic(methods),
            "canceled_at": canceled_at,
            "cancellation_reason": cancellation_reason,
            "capture_method": capture.name(),
            "client_secret": self.client_secret,
            "created": self.created_s(),
            "currency": currency,
            "customer": customer,
            "description": description,
            "excluded_payment_method_types": methods.filter().map(|filter| &filter.excluded),
            "last_payment_error": self.last_error,
            "latest_charge": self.latest_charge(),
            "livemode": self.mode.is_live(),
            "metadata": metadata,
            "next_action": self.next_action(),
            "payment_method": self.method.as_ref().map(|method| &method.id),
            "payment_method_configuration_details": null,
            "payment_method_options": {},
            "payment_method_types": methods.types(),
            "processing": self.processing(),
            "review": null,
            "source": null,
            "status": self.status(),
        });
        for name in parameters::shown("create") {
            object[name] = self.request.shown.get(name).cloned().unwrap_or_else(|| unsent(name));
        }
        object
    }

    /// Only cards say more than that they are processing.
    fn processing(&self) -> Value {
        match (self.state, &self.method) {
            (State::Processing, Some(method)) if method.is.kind == "card" => {
                json!({ "type": "card", "card": { "customer_notification": null } })
            }
            _ => Value::Null,
        }
    }

    fn next_action(&self) -> Value {
        match (self.state == State::RequiresAction, &self.return_url) {
            (false, _) => Value::Null,
            (true, None) => json!({ "type": "use_stripe_sdk", "use_stripe_sdk": {} }),
            (true, Some(url)) => json!({
                "type": "redirect_to_url",
                "redirect_to_url": { "return_url": url, "url": format!("https://hooks.stripe.com/{}", self.id) },
            }),
        }
    }
}

/// What a field shows whose parameter nobody sent.
fn unsent(parameter: &str) -> Value {
    if parameter == "confirmation_method" { json!("automatic") } else { Value::Null }
}

fn takes(methods: &Methods, method: &Method) -> Result<(), ApiError> {
    if methods.types().contains(&method.is.kind) {
        return Ok(());
    }
    let message = format!("The PaymentIntent does not take payment methods of type {}.", method.is.kind);
    Err(ApiError::invalid_parameter("payment_method", message))
}

fn automatic(methods: &Methods) -> Value {
    methods
        .filter()
        .map_or(Value::Null, |filter| json!({ "enabled": true, "allow_redirects": filter.allow_redirects() }))
}

const fn seconds(now: UnixMs) -> i64 {
    now.0.div_euclid(1_000)
}
