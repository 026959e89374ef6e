//! What can be asked of a served Stripe beside Stripe's own API: its faults, and its book.
//!
//! Invariant: nothing below `/v1/` knows of it, and what is typed wrong is answered in one line and changes nothing.

use super::sums::Sums;
use crate::clock::Clock;
use crate::experiment::WantedFault;
use crate::faults::{Faults, Placement, Tally};
use crate::stripe::Provider;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use bytes::Bytes;
use http::{Method, StatusCode, Uri, header};
use serde_json::{Value, json};

/// Where all of it lies.
pub(super) const BELOW: &str = "/chaos/";

/// What there is.
const PATHS: &str = "GET, POST, DELETE /chaos/faults, DELETE /chaos/faults/{id}, GET /chaos/book";

#[derive(Clone)]
struct Control {
    provider: Provider,
    faults: Faults,
    clock: Clock,
}

/// A status and what is said with it.
struct Said(StatusCode, Value);

impl IntoResponse for Said {
    fn into_response(self) -> Response {
        let Self(status, value) = self;
        (status, [(header::CONTENT_TYPE, "application/json")], format!("{value:#}\n")).into_response()
    }
}

pub(super) fn router(provider: Provider, faults: Faults, clock: Clock) -> Router {
    Router::new()
        .route("/chaos/faults", get(list).post(set).delete(clear_all))
        .route("/chaos/faults/{id}", delete(clear))
        .route("/chaos/book", get(book))
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .with_state(Control { provider, faults, clock })
}

async fn list(State(control): State<Control>) -> Said {
    let open = control.faults.open(control.clock.now());
    let shown: Vec<Value> = open.iter().map(|(id, tally)| control.shown(*id, tally)).collect();
    Said(StatusCode::OK, json!({ "faults": shown }))
}

async fn set(State(control): State<Control>, body: Bytes) -> Said {
    let read = serde_json::from_slice::<WantedFault>(&body).map_err(|error| {
        format!("not a fault: {error}; accepted: {{\"kind\":…,\"placement\":…,\"rate\":…,\"operations\":[…],\"ttl_s\":…}}")
    });
    match read.and_then(|wanted| wanted.meaning().map_err(|error| error.to_string())) {
        Err(line) => refused(StatusCode::BAD_REQUEST, line),
        Ok((fault, ttl_ms)) => {
            let id = control.faults.set(fault, Some(ttl_ms), control.clock.now());
            let tallies = control.faults.tally();
            Said(StatusCode::CREATED, control.shown(id, &tallies[id - 1]))
        }
    }
}

async fn clear_all(State(control): State<Control>) -> Said {
    let cleared = control.faults.clear_all(control.clock.now());
    Said(StatusCode::OK, json!({ "cleared": cleared }))
}

async fn clear(State(control): State<Control>, Path(id): Path<String>) -> Said {
    let number = id.parse().ok();
    if number.is_some_and(|number| control.faults.clear(number, control.clock.now())) {
        return Said(StatusCode::OK, json!({ "cleared": 1 }));
    }
    let line = format!("no open fault {id}; accepted: an id that GET /chaos/faults lists");
    refused(StatusCode::NOT_FOUND, line)
}

async fn book(State(control): State<Control>) -> Said {
    Said(StatusCode::OK, Sums::of(control.provider.stripe().book()).to_json())
}

async fn unknown(method: Method, uri: Uri) -> Said {
    refused(StatusCode::NOT_FOUND, format!("no {method} {}; accepted: {PATHS}", uri.path()))
}

fn refused(status: StatusCode, line: String) -> Said {
    Said(status, json!({ "error": { "message": line } }))
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
