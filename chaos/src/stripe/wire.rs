//! The wire between a container and the fake Stripe: a tower service a Stripe client can be given as its transport.
//!
//! A call is: hop, way to Stripe's edge, arrival, work, effect, hop, answer; `trouble` says what strikes it where. The
//! order of effects is fixed, so hop *2n − 1* of an invocation that makes one call at a time lies before the effect
//! of its call *n* and hop *2n* after it, unless Stripe does late what was asked.
//! Invariant: a call the container does not live to finish has either its whole effect or none.

use super::answer::Facts;
use super::calls::Route;
use super::limits::{LATENCY_TO_EDGE_DIVISOR, ROLL_FORWARD_MS_MAX, SILENCE_MS};
use super::params::Form;
use super::provider::Provider;
use super::trouble::{Back, Ending, Failing, Keyed, Victim, Way};
use super::{Arrival, Fate, Instead, Reply, Ticket};
use crate::faults::{Kind, Placement, Subject};
use crate::journal::{Operation, StripeEvent};
use crate::link::Link;
use crate::turns::Effect;
use ::stripe::TransportError;
use bytes::Bytes;
use http::{Request, Response};
use payments::UnixMs;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// What a call touches.
const EFFECT: Effect = Effect("stripe");

/// One container's connection to Stripe. Cheap to clone.
#[derive(Clone)]
pub struct Wire {
    provider: Provider,
    link: Link,
    caller: Arc<dyn Fn() -> String + Send + Sync>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Wire").field("link", &self.link).finish_non_exhaustive()
    }
}

impl tower::Service<Request<Bytes>> for Wire {
    type Response = Response<Bytes>;
    type Error = TransportError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Bytes>, TransportError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        Box::pin(self.clone().carry(request))
    }
}

/// How many bytes the body of an answer was to have that was cut short, for whoever writes its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announced(pub usize);

/// What the client gets to see.
enum Outcome {
    Answered(Response<Bytes>),
    /// The same, so many ms later.
    Slowly(u64, Response<Bytes>),
    /// Nothing, for longer than any client waits, then a reset.
    Silence,
    /// A reset instead of the answer.
    Reset,
}

impl Wire {
    pub(super) fn new(provider: Provider, link: Link, caller: Arc<dyn Fn() -> String + Send + Sync>) -> Self {
        Self { provider, link, caller }
    }

    async fn carry(self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let away = self.link.leave(EFFECT).await;
        let route = Route::of(request.method(), request.uri().path());
        let usual_ms = self.provider.usual_ms(route.as_ref());
        let latency_ms = self.provider.passing_ms(usual_ms);
        let to_edge_ms = latency_ms / LATENCY_TO_EDGE_DIVISOR;
        sleep_ms(to_edge_ms).await;
        let call = Call::of(&self, route.as_ref(), &request, usual_ms);
        self.panic(&call, Placement::Before);
        let outcome = self.meet(&call, &request, latency_ms - to_edge_ms).await;
        away.back().await;
        self.panic(&call, Placement::After);
        match outcome {
            Outcome::Answered(response) => Ok(response),
            Outcome::Slowly(late_ms, response) => {
                sleep_ms(late_ms).await;
                Ok(response)
            }
            Outcome::Reset => Err(reset()),
            Outcome::Silence => {
                sleep_ms(SILENCE_MS).await;
                Err(reset())
            }
        }
    }

    /// The call is at Stripe's edge, if it gets that far.
    async fn meet(&self, call: &Call, request: &Request<Bytes>, work_ms: u64) -> Outcome {
        match self.victim(call).way(self.provider.now()) {
            Way::Open(ending) => {
                let outcome = self.reach(call, request, work_ms, ending).await;
                self.poison(call);
                outcome
            }
            Way::Answered(kind, instead) => self.answer_instead(call, request, kind, instead),
            Way::Reset => {
                self.journal(call, None, struck(Kind::StripeReset));
                Outcome::Reset
            }
            Way::Silence => {
                self.journal(call, None, struck(Kind::StripeTimeout));
                Outcome::Silence
            }
            Way::Late(after_ms) => {
                self.leave(request, after_ms);
                self.journal(call, None, struck(Kind::StripeTimeout));
                Outcome::Silence
            }
        }
    }

    fn answer_instead(&self, call: &Call, request: &Request<Bytes>, kind: Kind, instead: Instead) -> Outcome {
        let Reply { response, facts, .. } = self.provider.stripe().answer_instead(request, instead);
        self.journal(call, Some(response.status().as_u16()), Facts { fault: Some(kind), ..facts });
        Outcome::Answered(response)
    }

    /// Stripe takes the request and does what it asks `after_ms` later, whoever still waits.
    fn leave(&self, request: &Request<Bytes>, after_ms: u64) {
        self.provider.change(|stripe, now| {
            let at = now.plus_ms(i64::try_from(after_ms).unwrap_or(i64::MAX));
            match stripe.arrive(request, now) {
                Arrival::Answered(_) => {}
                Arrival::Admitted(ticket) => stripe.perform_later(ticket, at),
            }
        });
    }

    /// The request reaches Stripe, which works on it for `work_ms` and answers.
    async fn reach(&self, call: &Call, request: &Request<Bytes>, work_ms: u64, ending: Ending) -> Outcome {
        let arrival = self.provider.change(|stripe, now| stripe.arrive(request, now));
        let reply = match arrival {
            Arrival::Answered(reply) => reply,
            Arrival::Admitted(ticket) => {
                let admitted = Admitted { provider: &self.provider, ticket: Some(ticket) };
                sleep_ms(work_ms).await;
                self.perform(call, admitted)
            }
        };
        self.bring_back(call, request, reply, ending)
    }

    /// The effect, or a 500 or a refusal in its place.
    fn perform(&self, call: &Call, mut admitted: Admitted<'_>) -> Reply {
        let ticket = admitted.ticket.take().expect("an admitted request is performed once");
        let Some(failing) = self.victim(call).fate(self.provider.now()) else {
            return self.provider.serve(|stripe, now| stripe.perform(ticket, now));
        };
        let mut reply = self.provider.serve(|stripe, now| match failing {
            Failing::RolledBack => stripe.perform_and_fail(ticket, Fate::RolledBack, now),
            Failing::RolledForward => {
                let at = stripe.some_time_after(now, ROLL_FORWARD_MS_MAX);
                stripe.perform_and_fail(ticket, Fate::RolledForward { at }, now)
            }
            Failing::Refused(refusal) => stripe.perform_and_refuse(ticket, refusal, Fate::RolledBack, now),
            Failing::RefusedAndRolledForward(refusal) => {
                let at = stripe.some_time_after(now, ROLL_FORWARD_MS_MAX);
                stripe.perform_and_refuse(ticket, refusal, Fate::RolledForward { at }, now)
            }
        });
        reply.facts.fault = Some(failing.fault());
        reply
    }

    /// The answer's way back. What nobody could read of it is left out of the journal, too.
    fn bring_back(&self, call: &Call, request: &Request<Bytes>, reply: Reply, ending: Ending) -> Outcome {
        let back = self.way_back(call, &reply, ending);
        let stale = if back == Back::Whole { self.stale(call, request, &reply) } else { None };
        let Reply { response, facts, .. } = stale.unwrap_or(reply);
        let status = Some(response.status().as_u16());
        match back {
            Back::Whole => {
                self.journal(call, status, facts);
                Outcome::Answered(response)
            }
            Back::CutShort => {
                let unread = Facts { said: None, fault: Some(Kind::StripeGarbage), ..facts };
                self.journal(call, status, unread);
                Outcome::Answered(self.cut_short(response))
            }
            Back::Lost => {
                let unheard = Facts { said: None, fault: Some(Kind::StripeLostAnswer), ..facts };
                self.journal(call, None, unheard);
                Outcome::Reset
            }
            Back::Slow(late_ms) => {
                self.journal(call, status, Facts { fault: Some(Kind::StripeSlow), ..facts });
                Outcome::Slowly(late_ms, response)
            }
        }
    }

    fn way_back(&self, call: &Call, reply: &Reply, ending: Ending) -> Back {
        match ending {
            Ending::CutShort => Back::CutShort,
            // One trouble is enough.
            Ending::Whole
                if [Some(Kind::StripeServerError), Some(Kind::StripeRefusing)]
                    .contains(&reply.facts.fault) =>
            {
                Back::Whole
            }
            Ending::Whole => self.victim(call).back(self.provider.now()),
        }
    }

    /// The answer of a replica that lags in the place of the one that is right, if it is struck so.
    fn stale(&self, call: &Call, request: &Request<Bytes>, reply: &Reply) -> Option<Reply> {
        let intent = call.intent.as_deref().filter(|_| reply.facts.fault.is_none())?;
        let mut stripe = self.provider.stripe();
        let now = self.provider.now();
        if !stripe.has_a_past(intent, now) || !self.victim(call).is_stale(now) {
            return None;
        }
        let Reply { response, facts, movement } = stripe.answer_from_the_past(request, intent, now)?;
        Some(Reply { response, facts: Facts { fault: Some(Kind::StripeStale), ..facts }, movement })
    }

    /// Keeps the beginning of the body, perhaps nothing of it, never all.
    fn cut_short(&self, mut response: Response<Bytes>) -> Response<Bytes> {
        let announced = Announced(response.body().len());
        response.extensions_mut().insert(announced);
        let last = (response.body().len() as u64).saturating_sub(1);
        let kept = self.provider.faults().between(Kind::StripeGarbage, 0, last);
        response.map(|body| body.slice(..usize::try_from(kept).unwrap_or(0).min(body.len())))
    }

    /// Kills whoever gets an answer about a payment that is poison.
    fn poison(&self, call: &Call) {
        let poisons = |payment: &String| self.provider.faults().poisons(payment, self.provider.now());
        if call.payment.as_ref().is_some_and(poisons) {
            self.link.trip();
        }
    }

    /// Lets whoever calls panic, if that is what is wrong with it. The panic was meant, so it is not announced: no hook
    /// runs.
    fn panic(&self, call: &Call, placement: Placement) {
        if self.victim(call).panics(placement, self.provider.now()) {
            std::panic::resume_unwind(Box::new("a fault named panic"));
        }
    }

    fn victim<'a>(&'a self, call: &'a Call) -> Victim<'a> {
        Victim {
            faults: self.provider.faults(),
            subject: call.subject(),
            keyed: call.keyed,
            made: call.made,
            usual_ms: call.usual_ms,
        }
    }

    fn journal(&self, call: &Call, status: Option<u16>, facts: Facts) {
        self.provider.record(StripeEvent::Called {
            request: (self.caller)(),
            operation: call.operation,
            intent: facts.intent.or_else(|| call.intent.clone()),
            payment: facts.payment.or_else(|| call.payment.clone()),
            status,
            said: facts.said,
            fault: facts.fault,
        });
    }
}

/// A request Stripe works on. Dropped unfinished, with its container, it leaves its idempotency key free: the request
/// was lost on the way.
struct Admitted<'wire> {
    provider: &'wire Provider,
    ticket: Option<Ticket>,
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.provider.stripe().abandon(ticket);
        }
    }
}

/// What a request is about, as far as the request itself and the account tell.
struct Call {
    operation: Operation,
    intent: Option<String>,
    payment: Option<String>,
    keyed: Keyed,
    /// When the intent was made.
    made: Option<UnixMs>,
    /// How long an answer takes when nothing is wrong, ms.
    usual_ms: u64,
}

impl Call {
    fn of(wire: &Wire, route: Option<&Route>, request: &Request<Bytes>, usual_ms: u64) -> Self {
        let intent = route.and_then(Route::intent);
        let payment = match intent {
            Some(id) => wire.provider.stripe().payment_of(id),
            None => Form::decode(request.body()).peek("metadata[payment_id]").map(str::to_owned),
        };
        Self {
            operation: route.map_or(Operation::Other, Route::operation),
            intent: intent.map(str::to_owned),
            payment,
            made: intent.and_then(|id| wire.provider.stripe().made(id)),
            usual_ms,
            keyed: if request.headers().contains_key("idempotency-key") { Keyed::Yes } else { Keyed::No },
        }
    }

    fn subject(&self) -> Subject<'_> {
        let (payment, id) = (self.payment.as_deref(), self.intent.as_deref().unwrap_or_default());
        Subject { operation: self.operation.name(), payment, id }
    }
}

/// What is known of a call that was struck before Stripe said anything.
fn struck(kind: Kind) -> Facts {
    Facts { fault: Some(kind), ..Facts::default() }
}

fn reset() -> TransportError {
    TransportError::Broken("connection reset by peer".into())
}

async fn sleep_ms(ms: u64) {
    // Even a sleep of nothing would last until the timer's next millisecond.
    if ms > 0 {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
}
