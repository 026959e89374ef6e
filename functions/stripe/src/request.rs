//! The requests: one pure function per call.
//!
//! What a create and a confirm say is put into words once, by [`wording`], and kept in the payment's row: a repeat is
//! sent as it stands there, so its idempotency key finds the same parameters, whatever was deployed since. The other
//! calls say nothing, and go under the version of this build.
//! Invariant: only a create carries an `Idempotency-Key`.

use crate::STRIPE_VERSION;
use crate::base::ApiBase;
use crate::key::ApiKey;
use crate::list::Ask;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, USER_AGENT};
use http::{HeaderValue, Method, Request};
use payments::Payment;
use payments::charge::Method as PaymentMethod;
use payments::ledger::RecordedIntent;
use payments::payment::PAYMENT_ID_KEY;
use payments::request::{Form, Request as Frozen, Wording};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const VERSION: HeaderName = HeaderName::from_static("stripe-version");
const AGENT: HeaderValue = HeaderValue::from_static(concat!("payments/", env!("CARGO_PKG_VERSION")));
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

/// What is escaped in a path: everything but what Stripe's ids are made of, so that no id can leave its segment.
const NOT_IN_AN_ID: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-');

/// Puts `payment` into today's words.
#[must_use]
pub fn wording(payment: &Payment) -> Wording {
    Wording {
        version: STRIPE_VERSION.to_owned(),
        create: create_form(payment),
        // Nobody is there to authenticate: a card that asks for it is declined instead of left waiting.
        confirm: form(&[("off_session", "true"), ("error_on_requires_action", "true")]),
    }
}

/// Makes an intent and does not confirm it.
///
/// # Panics
/// When the row's version or `idempotency_key` cannot stand in a header: both are ours, so that would be a bug.
pub(crate) fn create(base: &ApiBase, key: &ApiKey, frozen: &Frozen, idempotency_key: &str) -> Request<Bytes> {
    let mut request = frozen_post(base, key, "/v1/payment_intents", &frozen.wording.create, frozen);
    request.headers_mut().insert(IDEMPOTENCY_KEY, our_header(idempotency_key));
    request
}

/// Confirms an intent that was read back from the ledger. Without a key: a stored 500 would be replayed for a day,
/// and an intent cannot be charged twice anyway.
pub(crate) fn confirm(
    base: &ApiBase,
    key: &ApiKey,
    intent: &RecordedIntent,
    method: PaymentMethod,
    frozen: &Frozen,
) -> Request<Bytes> {
    let mut parameters = frozen.wording.confirm.clone();
    match method {
        PaymentMethod::OfTheIntent => {}
        PaymentMethod::OfTheRequest => {
            parameters.extend(form(&[("payment_method", frozen.payment.payment_method.as_str())]));
        }
    }
    frozen_post(base, key, &format!("{}/confirm", path(intent)), &parameters, frozen)
}

/// Looks an intent up.
pub(crate) fn retrieve(base: &ApiBase, key: &ApiKey, intent: &RecordedIntent) -> Request<Bytes> {
    authorized(base, key, Method::GET, &path(intent), String::new())
}

/// Cancels an intent. Without a reason: the fewer parameters, the less can be refused, and a refused cancel leaves
/// a payment undecided.
pub(crate) fn cancel(base: &ApiBase, key: &ApiKey, intent: &RecordedIntent) -> Request<Bytes> {
    post(base, key, &format!("{}/cancel", path(intent)), String::new())
}

/// Asks for a page of intents. `created` is in whole seconds, as everything of Stripe's is.
pub(crate) fn list(base: &ApiBase, key: &ApiKey, ask: &Ask<'_>) -> Request<Bytes> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("limit", &ask.limit.to_string())
        .append_pair("created[gte]", &ask.window.since_s().to_string())
        .append_pair("created[lt]", &ask.window.until_s().to_string());
    if let Some(after) = ask.after {
        query.append_pair("starting_after", &after.0);
    }
    authorized(base, key, Method::GET, &format!("/v1/payment_intents?{}", query.finish()), String::new())
}

/// Reads the account's balance: one small object that every account has, authenticated, without a parameter, and
/// not on the rate budget that look-ups of intents share.
pub(crate) fn probe(base: &ApiBase, key: &ApiKey) -> Request<Bytes> {
    authorized(base, key, Method::GET, "/v1/balance", String::new())
}

/// Asks for nothing, as nobody: what counts is the connection it opens. `HEAD`, so that no body has to be read
/// before the connection is free again.
pub(crate) fn warm(base: &ApiBase) -> Request<Bytes> {
    unauthorized(base, Method::HEAD, "/", String::new())
}

fn create_form(payment: &Payment) -> Form {
    let amount = payment.amount.get().to_string();
    let mut parameters = form(&[
        ("amount", &amount),
        ("currency", payment.currency.as_str()),
        ("payment_method", payment.payment_method.as_str()),
        // Named, because what the account's dashboard enables may redirect, and then a confirm is refused.
        ("payment_method_types[]", "card"),
    ]);
    let customer = payment.customer.as_ref().map(|id| ("customer", id.as_str()));
    let description = payment.description.as_deref().map(|text| ("description", text));
    parameters.extend(customer.into_iter().chain(description).flat_map(|pair| form(&[pair])));
    let id = (PAYMENT_ID_KEY, payment.payment_id.as_str());
    let others = payment.metadata.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let metadata = std::iter::once(id).chain(others);
    parameters.extend(metadata.map(|(name, value)| (format!("metadata[{name}]"), value.to_owned())));
    parameters
}

fn form(pairs: &[(&str, &str)]) -> Form {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn path(intent: &RecordedIntent) -> String {
    format!("/v1/payment_intents/{}", utf8_percent_encode(&intent.id().0, NOT_IN_AN_ID))
}

fn post(base: &ApiBase, key: &ApiKey, path: &str, form: String) -> Request<Bytes> {
    let mut request = authorized(base, key, Method::POST, path, form);
    request.headers_mut().insert(CONTENT_TYPE, FORM);
    request
}

/// Under the version that the payment's words are of.
fn frozen_post(base: &ApiBase, key: &ApiKey, path: &str, form: &Form, frozen: &Frozen) -> Request<Bytes> {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let mut request = post(base, key, path, body);
    request.headers_mut().insert(VERSION, our_header(&frozen.wording.version));
    request
}

fn our_header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("versions and idempotency keys are made of visible ASCII characters")
}

fn authorized(base: &ApiBase, key: &ApiKey, method: Method, path: &str, form: String) -> Request<Bytes> {
    let mut request = unauthorized(base, method, path, form);
    request.headers_mut().insert(AUTHORIZATION, key.bearer());
    request.headers_mut().insert(VERSION, HeaderValue::from_static(STRIPE_VERSION));
    request
}

fn unauthorized(base: &ApiBase, method: Method, path: &str, form: String) -> Request<Bytes> {
    let mut request = Request::new(Bytes::from(form));
    *request.method_mut() = method;
    *request.uri_mut() = base.at(path);
    request.headers_mut().insert(USER_AGENT, AGENT);
    request
}
