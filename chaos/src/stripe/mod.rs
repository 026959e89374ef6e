//! A Stripe that exists only here: HTTP requests in, HTTP responses out, like Stripe.
//!
//! It shares no type with the functions' client, so each keeps the other honest. A request passes three stages:
//! *arrive* (key, route, idempotency key, parameters: what is refused here is never stored), *perform* (the endpoint
//! runs: whatever it answers is stored under the key) and the wire's answer. What the world does to a call, an outage
//! or a lost answer, happens between the stages (`wire`, `trouble`); what happens inside is what an issuer says.
//! Messages inside errors are not Stripe's own sentences.
//! Invariant: an intent succeeds at most once, and each success is one movement in the book.

mod account;
mod answer;
mod book;
mod calls;
mod cards;
mod charge;
mod codes;
mod currencies;
mod customer;
mod errors;
pub mod events;
mod expand;
mod idempotency;
mod ids;
mod instead;
mod intent;
mod issuer;
mod later;
mod limiter;
pub mod limits;
mod listing;
mod metadata;
mod methods;
mod mode;
mod parameters;
mod params;
mod perform;
mod provider;
mod query;
mod register;
mod search;
mod test_methods;
#[cfg(test)]
mod tests;
mod trouble;
mod versions;
mod wire;

pub use answer::Facts;
pub use book::{Book, Movement, Stage};
pub use codes::ERROR_CODES;
pub use instead::Instead;
pub use later::Late;
pub use limiter::Limiter;
pub use mode::Mode;
pub use parameters::{Taken, taken};
pub use perform::Fate;
pub use provider::{Latency, Provider};
pub use test_methods::{is_taken_for_a_good_card, names as test_methods};
pub use wire::{Announced, Wire};

use crate::faults::Faults;
use crate::random::Stream;
use account::Account;
use answer::{Answer, Envelope};
use aws_smithy_types::base64;
use bytes::Bytes;
use calls::{Call, Route};
use errors::ApiError;
use events::{Events, Happened};
use http::{HeaderMap, Method, Request, Response, header};
use idempotency::{Keys, Stored, Use};
use intent::Intent;
use limiter::Buckets;
use params::Form;
use payments::UnixMs;

/// One Stripe account behind its HTTP API. Synchronous: time is whatever the caller says it is.
#[derive(Debug)]
pub struct FakeStripe {
    keyhole: Keyhole,
    /// None for an account without limits.
    buckets: Option<Buckets>,
    keys: Keys,
    account: Account,
    /// Draws what a 500 says of trying again.
    hints: Stream,
    late: Vec<Late>,
}

/// Which keys open the account.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Keyhole {
    /// This one.
    One(String),
    /// Whatever looks like a key of this mode.
    Any(Mode),
}

/// A request that is being executed: admitted, not yet answered. Its idempotency key is in use until it is given
/// back: to `perform` or one of its kin, or to `abandon`.
#[derive(Debug)]
#[must_use = "an admitted request holds its idempotency key until it is performed or abandoned"]
pub struct Ticket {
    call: Call,
    key: Option<String>,
    envelope: Envelope,
}

/// What becomes of a request when it arrives.
#[derive(Debug)]
pub enum Arrival {
    /// It is answered without executing anything: refused, or replayed.
    Answered(Reply),
    /// It is executed next.
    Admitted(Ticket),
}

/// A response and what it says.
#[derive(Debug)]
pub struct Reply {
    /// What goes back to the client.
    pub response: Response<Bytes>,
    /// The same for the journal.
    pub facts: Facts,
    /// Money that moved before it was answered.
    pub movement: Option<Movement>,
}

impl FakeStripe {
    /// An empty account that accepts `secret_key`, and is live or not as its prefix says. `faults` decides which good
    /// cards are declined.
    #[must_use]
    pub fn new(seed: u64, secret_key: impl Into<String>, faults: Faults) -> Self {
        let secret_key = secret_key.into();
        let mode = Mode::of(&secret_key);
        Self::behind(Keyhole::One(secret_key), mode, seed, faults)
    }

    /// The same for every key of a mode: the account of whoever comes.
    #[must_use]
    pub fn open_to(seed: u64, mode: Mode, faults: Faults) -> Self {
        Self::behind(Keyhole::Any(mode), mode, seed, faults)
    }

    fn behind(keyhole: Keyhole, mode: Mode, seed: u64, faults: Faults) -> Self {
        Self {
            keyhole,
            buckets: Some(Buckets::default()),
            keys: Keys::default(),
            account: Account::new(seed, mode, faults),
            hints: Stream::new(seed, "stripe/should-retry"),
            late: Vec::new(),
        }
    }

    /// The same account, which tells of what happens to its intents.
    #[must_use]
    pub fn telling(mut self, seed: u64) -> Self {
        self.account.events = Some(Events::new(seed));
        self
    }

    /// What happened since this was last asked, oldest first; nothing where nobody listens.
    pub fn take_events(&mut self) -> Vec<Happened> {
        self.account.events.as_mut().map(Events::take).unwrap_or_default()
    }

    /// Whether there is any.
    fn has_events(&self) -> bool {
        self.account.events.as_ref().is_some_and(|events| !events.is_empty())
    }

    /// The same account with no limit of calls a second, for whoever measures its clients.
    #[must_use]
    pub fn without_limits(self) -> Self {
        Self { buckets: None, ..self }
    }

    /// From now on only this key is accepted. Objects and idempotency keys belong to the account and stay.
    pub fn rotate_key(&mut self, secret_key: impl Into<String>) {
        let secret_key = secret_key.into();
        self.account.enter(Mode::of(&secret_key));
        self.keyhole = Keyhole::One(secret_key);
    }

    /// Every movement of money so far; `catch_up` first. For checks only: no answer is made from it.
    #[must_use]
    pub const fn book(&self) -> &Book {
        &self.account.book
    }

    /// The same, taken away: whatever the account does from now on is written into an empty one.
    pub fn take_book(&mut self) -> Book {
        std::mem::take(&mut self.account.book)
    }

    /// Handles a request whole, at one instant.
    pub fn handle(&mut self, request: &Request<Bytes>, now: UnixMs) -> Response<Bytes> {
        match self.arrive(request, now) {
            Arrival::Answered(reply) => reply.response,
            Arrival::Admitted(ticket) => self.perform(ticket, now).response,
        }
    }

    /// Takes a request in: authenticates it, looks its idempotency key up, reads its parameters.
    pub fn arrive(&mut self, request: &Request<Bytes>, now: UnixMs) -> Arrival {
        self.catch_up(now);
        let envelope = Envelope::of(request.headers(), self.account.ids.request());
        match self.admit(request, &envelope, now) {
            Ok(Admission::Fresh { call, key }) => Arrival::Admitted(Ticket { call: *call, key, envelope }),
            Ok(Admission::Known(stored)) => Arrival::Answered(Reply {
                // The fault, if any, took effect in the first request.
                facts: Facts { fault: None, ..stored.answer.facts.clone() },
                response: envelope.wrap_replay(stored.answer, &stored.request_id),
                movement: None,
            }),
            Err(error) => Arrival::Answered(reply(envelope, error.into())),
        }
    }

    /// Answers a request without executing it. Nothing is stored.
    pub fn answer_instead(&mut self, request: &Request<Bytes>, instead: Instead) -> Reply {
        let envelope = Envelope::of(request.headers(), self.account.ids.request());
        reply(envelope, instead.into())
    }

    /// Whether somebody may not have heard of the last change of an intent.
    #[must_use]
    pub fn has_a_past(&self, intent: &str, now: UnixMs) -> bool {
        self.account.past(intent, now).is_some()
    }

    /// Answers a look-up as one would be answered that was made before the intent's last change; `None` when that is too
    /// long ago.
    pub fn answer_from_the_past(
        &mut self,
        request: &Request<Bytes>,
        intent: &str,
        now: UnixMs,
    ) -> Option<Reply> {
        let answer = self.account.past(intent, now)?;
        Some(reply(Envelope::of(request.headers(), self.account.ids.request()), answer))
    }

    /// `metadata[payment_id]` of an intent.
    fn payment_of(&self, intent: &str) -> Option<String> {
        self.account.intent(intent)?.payment().map(str::to_owned)
    }

    /// When an intent was made.
    fn made(&self, intent: &str) -> Option<UnixMs> {
        self.account.intent(intent).map(Intent::made)
    }

    fn admit(
        &mut self,
        request: &Request<Bytes>,
        envelope: &Envelope,
        now: UnixMs,
    ) -> Result<Admission, ApiError> {
        self.authenticate(request.headers())?;
        let (method, path) = (request.method(), request.uri().path());
        let route = Route::of(method, path).ok_or_else(|| ApiError::unknown_url(method.as_str(), path))?;
        if let Some(buckets) = &mut self.buckets {
            buckets.admit(route.operation().name(), now).map_err(ApiError::rate_limited)?;
        }
        let version = envelope.version.ok_or_else(ApiError::unknown_version)?;
        let form = read_form(request)?;
        // Only a POST takes a key: on a GET the header has no effect.
        let header = envelope.key.as_ref().filter(|_| method == Method::POST);
        let Some(key) = header.map(Keys::read).transpose()? else {
            return Ok(Admission::Fresh { call: Box::new(Call::read(route, form, version)?), key: None });
        };
        let wanted = Use { path: path.to_owned(), parameters: form.fingerprint() };
        if let Some(stored) = self.keys.look_up(&key, &wanted, now)? {
            return Ok(Admission::Known(stored));
        }
        let call = Box::new(Call::read(route, form, version)?);
        self.keys.claim(&key, wanted, now);
        Ok(Admission::Fresh { call, key: Some(key) })
    }

    fn authenticate(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let key = sent.and_then(read_key).ok_or_else(ApiError::missing_key)?;
        let fits = match &self.keyhole {
            Keyhole::One(secret_key) => key == *secret_key,
            Keyhole::Any(mode) => mode.opens_to(&key),
        };
        if fits { Ok(()) } else { Err(ApiError::wrong_key()) }
    }
}

/// The key of `Bearer <key>`, or of HTTP Basic, which `curl -u <key>:` speaks: there it is the user, and nothing the
/// password (<https://docs.stripe.com/api/authentication>).
fn read_key(sent: &str) -> Option<String> {
    if let Some(key) = sent.strip_prefix("Bearer ") {
        return Some(key.to_owned());
    }
    let pair = base64::decode(sent.strip_prefix("Basic ")?).ok()?;
    String::from_utf8(pair).ok()?.strip_suffix(':').map(str::to_owned)
}

enum Admission {
    Fresh { call: Box<Call>, key: Option<String> },
    Known(Stored),
}

fn reply(envelope: Envelope, answer: Answer) -> Reply {
    Reply { facts: answer.facts.clone(), response: envelope.wrap(answer), movement: None }
}

/// Parameters come in the body of a POST and in the query of a GET.
fn read_form(request: &Request<Bytes>) -> Result<Form, ApiError> {
    if request.method() != Method::POST {
        return Ok(Form::decode(request.uri().query().unwrap_or_default().as_bytes()));
    }
    let kind =
        request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !request.body().is_empty() && !kind.starts_with("application/x-www-form-urlencoded") {
        return Err(ApiError::not_a_form());
    }
    Ok(Form::decode(request.body()))
}
