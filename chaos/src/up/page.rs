//! What can be asked of a running stack beside AWS's own: a page to see it by, how it stands, its mails, Stripe's faults; and
//! payments and drills to be sent.
//!
//! Invariant: asking changes nothing; what changes something is asked for by another method than GET.

mod breaker;
mod events;

pub(super) use breaker::Breakers;

use super::outside::Outside;
use crate::cloud::dynamodb::AttributeValue;
use crate::cloud::sns::Mail;
use crate::cloud::sqs::NewMessage;
use crate::random::Stream;
use crate::serve::Sums;
use crate::serve::said::{in_json, refused, said};
use crate::workload::generate;
use axum::body::Body;
use bytes::Bytes;
use events::Events;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use payments::UnixMs;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use tower::ServiceExt;

/// Below this path lies all of it, but the page.
pub(super) const BELOW: &str = "/chaos/";

/// Where the page is.
pub(super) const PAGE: &str = "/";

const PATHS: &str = "GET /, GET /chaos/state, GET /chaos/events, GET /chaos/mails, GET /chaos/mails/NUMBER, \
                     POST /chaos/payments, POST /chaos/drills";

/// In the hand of the page of a run.
const STYLE: &str = concat!(include_str!("../report/head.css"), "\n", include_str!("page/page.css"));

/// What the page consists of: path, type and text.
const FILES: [(&str, &str, &str); 3] = [
    (PAGE, "text/html; charset=utf-8", include_str!("page/page.html")),
    ("/chaos/page.css", "text/css; charset=utf-8", STYLE),
    ("/chaos/page.js", "text/javascript; charset=utf-8", include_str!("page/page.js")),
];

/// The page loads nothing from elsewhere, is shown inside of nothing else, and runs no script but its own. Its icon is empty.
const HEADERS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
];

/// Most payments that are sent at once: what the fake Stripe's rate lets through in a minute or two.
const PAYMENTS_MAX: u32 = 1_000;

/// The messages that are drills.
const DRILLS: [&str; 2] = ["PYMT_SUCCEED", "PYMT_FAILED"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Payments {
    count: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Drill {
    drill: String,
}

pub(super) async fn answer(outside: &Arc<Outside>, head: &Parts, body: Bytes) -> Response<Body> {
    let mut response = unguarded(outside, head, body).await;
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn unguarded(outside: &Arc<Outside>, head: &Parts, body: Bytes) -> Response<Body> {
    let path = head.uri.path();
    let mail = path.strip_prefix("/chaos/mails/").map(|number| number.parse::<usize>().ok());
    let file = FILES.into_iter().find(|(at, ..)| *at == path);
    match (&head.method, path, mail, file) {
        (&Method::GET, _, _, Some((_, kind, text))) => said(StatusCode::OK, kind, Body::from(text)),
        (&Method::GET, "/chaos/state", ..) => in_json(StatusCode::OK, &outside.state()),
        (&Method::GET, "/chaos/events", ..) => {
            said(StatusCode::OK, "text/event-stream", Body::new(Events::new(Arc::clone(outside))))
        }
        (&Method::GET, "/chaos/mails", ..) => {
            in_json(StatusCode::OK, &json!({ "mails": outside.mails_after(0) }))
        }
        (&Method::GET, _, Some(number), _) => match number.and_then(|number| outside.mail(number)) {
            Some(text) => said(StatusCode::OK, "text/plain; charset=utf-8", text.into()),
            None => {
                let arrived = outside.services.sns().mailbox().len();
                refused(
                    StatusCode::NOT_FOUND,
                    &format!("no such mail; {arrived} arrived, and are numbered from 1"),
                )
            }
        },
        (&Method::POST, "/chaos/payments", ..) => outside.send_payments(&body),
        (&Method::POST, "/chaos/drills", ..) => outside.send_drill(&body),
        _ if is_of_stripe(path) => {
            let request = Request::from_parts(head.clone(), Body::from(body));
            match outside.control.clone().router().oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        }
        (method, ..) => refused(
            StatusCode::NOT_FOUND,
            &format!("no {method} {path}; accepted: {PATHS}, and what the fake Stripe takes"),
        ),
    }
}

/// What is asked here as it is of the fake Stripe itself.
fn is_of_stripe(path: &str) -> bool {
    ["/chaos/faults", "/chaos/failure-rate", "/chaos/kinds", "/chaos/book"]
        .iter()
        .any(|below| path.starts_with(below))
}

impl Outside {
    /// The mails that arrived after the first `seen`, without their texts.
    fn mails_after(&self, seen: usize) -> Vec<Value> {
        let line = |(at, mail): (usize, &Mail)| {
            json!({ "number": at + 1, "at": instant(mail.at), "to": mail.to, "topic": mail.topic,
                    "subject": mail.subject, "read": self.mail_url(at + 1) })
        };
        self.services.sns().mailbox().iter().enumerate().skip(seen).map(line).collect()
    }

    /// Where a mail can be read; they are numbered from 1.
    pub(super) fn mail_url(&self, number: usize) -> String {
        format!("{}/chaos/mails/{number}", self.base)
    }

    fn mail(&self, number: usize) -> Option<String> {
        let sns = self.services.sns();
        let Mail { at, to, subject, body, .. } = sns.mailbox().get(number.checked_sub(1)?)?;
        Some(format!("Date: {}\nTo: {to}\nSubject: {subject}\n\n{body}\n", instant(*at)))
    }

    /// Queues, alarms, payments, incident, breakers, faults, mails and Stripe's book, as they are now.
    fn state(&self) -> Value {
        let now = self.services.clock().now();
        let mut queues = serde_json::Map::new();
        for queue in self.deployed.stack.queues.values() {
            if let Ok(depth) = self.services.sqs().depth(&queue.name, now) {
                let depth = json!({ "visible": depth.visible, "in_flight": depth.in_flight, "delayed": depth.delayed });
                queues.insert(queue.name.clone(), depth);
            }
        }
        let mut alarms = serde_json::Map::new();
        for alarm in self.deployed.stack.alarms.values() {
            if let Some(state) = self.services.cloudwatch().state(&alarm.name) {
                let state = json!({ "state": state.value.name(), "reason": state.reason, "since": instant(state.since) });
                alarms.insert(alarm.name.clone(), state);
            }
        }
        let names = &self.deployed.names;
        let breakers = {
            let mut breakers = self.breakers.lock().unwrap_or_else(PoisonError::into_inner);
            breakers.state(&self.logs, &self.deployed.consumer.log_group, now)
        };
        json!({
            "now": instant(now),
            "names": { "source": names.source, "dead_letters": names.dead_letters, "quarantine": names.quarantine },
            "queues": queues,
            "alarms": alarms,
            "payments": self.payments(),
            "incident": self.phase(),
            "breakers": breakers,
            "faults": self.control.open(),
            "failure_rate": self.control.failure_rate(),
            "mails": self.services.sns().mailbox().len(),
            "stripe": Sums::of(self.stripe.stripe().book()).totals_json(),
        })
    }

    /// How many payments are in which state, as the ledger says it.
    fn payments(&self) -> BTreeMap<String, u64> {
        let mut states = BTreeMap::new();
        let _ = self.services.dynamodb().read(&self.deployed.names.ledger, |mut row| {
            // What else the table holds is no payment.
            if let Some(AttributeValue::S(state)) = row.remove("state") {
                *states.entry(state).or_default() += 1;
            }
        });
        states
    }

    /// Where the incident stands; nothing before the responder's first turn.
    fn phase(&self) -> Option<String> {
        let table = self.deployed.names.incidents.as_ref()?;
        let rows = self.services.dynamodb().items(table).ok()?;
        let text = |value: Option<&AttributeValue>| match value {
            Some(AttributeValue::S(text)) => Some(text.clone()),
            _ => None,
        };
        // The quarantine and the audit have phases of their own.
        let recovery = rows.iter().find(|row| text(row.get("record")).as_deref() == Some("recovery"))?;
        text(recovery.get("phase"))
    }

    /// Sends made-up payments, each of them new.
    fn send_payments(&self, body: &[u8]) -> Response<Body> {
        let read = serde_json::from_slice::<Payments>(body).map(|Payments { count }| count);
        let count = match read {
            Ok(count @ 1..=PAYMENTS_MAX) => count,
            Ok(count) => return bad(&format!("count {count}; accepted: 1 to {PAYMENTS_MAX}")),
            Err(error) => {
                return bad(&format!("not a count: {error}; accepted: {{\"count\":1 to {PAYMENTS_MAX}}}"));
            }
        };
        let first = 1 + self.sent.fetch_add(count, Ordering::Relaxed);
        let mut stream = Stream::new(u64::from(first), "page/payments");
        self.send(generate::bodies(first..=first + count - 1, &mut stream))
    }

    fn send_drill(&self, body: &[u8]) -> Response<Body> {
        let accepted = DRILLS.join(" and ");
        match serde_json::from_slice::<Drill>(body).map(|Drill { drill }| drill) {
            Ok(drill) if DRILLS.contains(&drill.as_str()) => self.send(vec![drill]),
            Ok(drill) => bad(&format!("drill {drill}; accepted: {accepted}")),
            Err(error) => bad(&format!("not a drill: {error}; accepted: {{\"drill\":…}} with {accepted}")),
        }
    }

    fn send(&self, bodies: Vec<String>) -> Response<Body> {
        let now = self.services.clock().now();
        let count = bodies.len();
        for body in bodies {
            let sent = self.services.sqs().send(&self.deployed.names.source, NewMessage::text(body), now);
            if let Err(error) = sent {
                return refused(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string());
            }
        }
        in_json(StatusCode::ACCEPTED, &json!({ "sent": count }))
    }
}

fn instant(at: UnixMs) -> String {
    crate::units::instant(at).to_string()
}

fn bad(line: &str) -> Response<Body> {
    refused(StatusCode::BAD_REQUEST, line)
}
