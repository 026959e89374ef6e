//! What can be asked of a served Stripe beside Stripe's own API: its faults, and its book.
//!
//! Invariant: nothing below `/v1/` knows of it, and what is typed wrong is answered in one line and changes nothing.

use super::said::{in_json, refused};
use super::sums::Sums;
use crate::clock::Clock;
use crate::experiment::{TTL_S, WantedFault, served};
use crate::faults::{Fault, Faults, Kind, Placement, Tally};
use crate::journal::{Event, Journal};
use crate::stripe::Provider;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::routing::{delete, get, put};
use bytes::Bytes;
use http::{Method, Response, StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Value, json};

/// Where all of it lies.
pub(super) const BELOW: &str = "/chaos/";

/// What there is.
const PATHS: &str = "GET, POST, DELETE /chaos/faults, DELETE /chaos/faults/{id}, PUT /chaos/failure-rate, \
                     GET /chaos/kinds, GET /chaos/book, GET /chaos/calls?from=NUMBER";

/// Records that one answer about calls looks through; whoever wants more asks again, from where it ended.
const RECORDS_MAX: usize = 10_000;

/// Faults and book of one Stripe. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Control {
    provider: Provider,
    faults: Faults,
    clock: Clock,
    journal: Journal,
}

/// What the share of calls is set to that are answered with 503.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FailureRate {
    rate: f64,
    ttl_s: Option<u64>,
}

impl Control {
    pub(super) const fn new(provider: Provider, faults: Faults, clock: Clock, journal: Journal) -> Self {
        Self { provider, faults, clock, journal }
    }

    /// Answers for all of it.
    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/chaos/faults", get(list).post(set).delete(clear_all))
            .route("/chaos/faults/{id}", delete(clear))
            .route("/chaos/failure-rate", put(set_failure_rate))
            .route("/chaos/kinds", get(kinds))
            .route("/chaos/book", get(book))
            .route("/chaos/calls", get(calls))
            .fallback(unknown)
            .method_not_allowed_fallback(unknown)
            .with_state(self)
    }

    /// Every fault that is open.
    pub(crate) fn open(&self) -> Vec<Value> {
        let open = self.faults.open(self.clock.now());
        open.iter().map(|(id, tally)| self.shown(*id, tally)).collect()
    }

    /// The share of all calls, whatever they are, that are answered with 503 by the newest such fault.
    pub(crate) fn failure_rate(&self) -> f64 {
        let elapsed_ms = self.faults.elapsed_ms(self.clock.now());
        let open = self.faults.open(self.clock.now());
        let newest = open.iter().rev().find(|(_, tally)| is_of_every_call(&tally.fault));
        newest.map_or(0.0, |(_, tally)| f64::from(tally.fault.ppm_at(elapsed_ms)) / 1_000_000.0)
    }
}

fn is_of_every_call(fault: &Fault) -> bool {
    fault.kind == Kind::StripeUnavailable && fault.scope.operations.is_empty()
}

async fn list(State(control): State<Control>) -> Response<Body> {
    in_json(StatusCode::OK, &json!({ "faults": control.open() }))
}

/// What can be set, in the words of `cargo chaos list faults`.
async fn kinds() -> Response<Body> {
    let of_stripe = Kind::ALL.into_iter().filter(|kind| served(*kind).is_ok()).map(Kind::describe);
    let kinds = of_stripe.map(|kind| {
        let placements: Vec<_> = kind.placements.iter().map(|placement| placement.name()).collect();
        json!({ "kind": kind.name, "does": kind.does, "cause": kind.cause, "heals": kind.heals,
                "rate": kind.default_share, "placements": placements, "operations": kind.operations })
    });
    in_json(StatusCode::OK, &json!({ "kinds": kinds.collect::<Vec<_>>(), "ttl_s": TTL_S }))
}

/// Puts one fault in the place of all that answer every call with 503; none for a share of 0.
async fn set_failure_rate(State(control): State<Control>, body: Bytes) -> Response<Body> {
    let read = serde_json::from_slice::<FailureRate>(&body)
        .map_err(|error| format!("not a share: {error}; accepted: {{\"rate\":0 to 1,\"ttl_s\":…}}"));
    let meant = read.and_then(|FailureRate { rate, ttl_s }| {
        let kind = Kind::StripeUnavailable.name().to_owned();
        let wanted = WantedFault { kind, rate: Some(rate), ttl_s, ..WantedFault::default() };
        wanted.meaning().map(|meaning| (rate, meaning)).map_err(|error| error.to_string())
    });
    let (rate, (fault, ttl_ms)) = match meant {
        Ok(meant) => meant,
        Err(line) => return refused(StatusCode::BAD_REQUEST, &line),
    };
    let now = control.clock.now();
    for (id, _) in control.faults.open(now).iter().filter(|(_, tally)| is_of_every_call(&tally.fault)) {
        control.faults.clear(*id, now);
    }
    if rate > 0.0 {
        control.faults.set(fault, Some(ttl_ms), now);
    }
    in_json(StatusCode::OK, &json!({ "failure_rate": control.failure_rate(), "faults": control.open() }))
}

async fn set(State(control): State<Control>, body: Bytes) -> Response<Body> {
    let read = serde_json::from_slice::<WantedFault>(&body).map_err(|error| {
        format!("not a fault: {error}; accepted: {{\"kind\":…,\"placement\":…,\"rate\":…,\"operations\":[…],\"ttl_s\":…}}")
    });
    match read.and_then(|wanted| wanted.meaning().map_err(|error| error.to_string())) {
        Err(line) => refused(StatusCode::BAD_REQUEST, &line),
        Ok((fault, ttl_ms)) => {
            let id = control.faults.set(fault, Some(ttl_ms), control.clock.now());
            let tallies = control.faults.tally();
            in_json(StatusCode::CREATED, &control.shown(id, &tallies[id - 1]))
        }
    }
}

async fn clear_all(State(control): State<Control>) -> Response<Body> {
    let cleared = control.faults.clear_all(control.clock.now());
    in_json(StatusCode::OK, &json!({ "cleared": cleared }))
}

async fn clear(State(control): State<Control>, Path(id): Path<String>) -> Response<Body> {
    let number = id.parse().ok();
    if number.is_some_and(|number| control.faults.clear(number, control.clock.now())) {
        return in_json(StatusCode::OK, &json!({ "cleared": 1 }));
    }
    let line = format!("no open fault {id}; accepted: an id that GET /chaos/faults lists");
    refused(StatusCode::NOT_FOUND, &line)
}

async fn book(State(control): State<Control>) -> Response<Body> {
    in_json(StatusCode::OK, &Sums::of(control.provider.stripe().book()).to_json())
}

/// What Stripe was asked and did, from a record of its journal on, and the number to ask from next.
async fn calls(State(control): State<Control>, uri: Uri) -> Response<Body> {
    let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let said = query.into_iter().find(|(name, _)| name == "from").map_or("0".into(), |(_, value)| value);
    let Ok(from) = said.parse::<usize>() else {
        return refused(
            StatusCode::BAD_REQUEST,
            &format!("from={said}; accepted: the number that an answer ends with"),
        );
    };
    let (mut next, mut calls) = (from, Vec::new());
    control.journal.follow(from, |record| {
        if next < from + RECORDS_MAX {
            next += 1;
            calls.extend(matches!(record.event, Event::Stripe(_)).then(|| json!(record)));
        }
    });
    in_json(StatusCode::OK, &json!({ "calls": calls, "next": next }))
}

async fn unknown(method: Method, uri: Uri) -> Response<Body> {
    refused(StatusCode::NOT_FOUND, &format!("no {method} {}; accepted: {PATHS}", uri.path()))
}

impl Control {
    fn shown(&self, id: usize, tally: &Tally) -> Value {
        let fault = &tally.fault;
        let elapsed_ms = self.faults.elapsed_ms(self.clock.now());
        let ends =
            (fault.window.until_ms < u64::MAX).then(|| fault.window.until_ms.saturating_sub(elapsed_ms));
        json!({
            "id": id,
            "kind": fault.kind.name(),
            "placement": fault.placement.map(Placement::name),
            "rate": f64::from(fault.ppm_at(elapsed_ms)) / 1_000_000.0,
            "operations": fault.scope.operations,
            "status": fault.refusal.map(crate::faults::Refusal::status),
            "code": fault.refusal.and_then(crate::faults::Refusal::code),
            "times": fault.times,
            "asked": tally.asked,
            "fired": tally.fired,
            "expires_in_s": ends.map(|ms| ms.div_ceil(1_000)),
        })
    }
}
