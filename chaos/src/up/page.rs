//! What can be asked of a running stack beside AWS's own: its mails, and how it stands.
//!
//! Invariant: asking changes nothing.

use super::outside::Outside;
use crate::cloud::dynamodb::AttributeValue;
use crate::cloud::sns::Mail;
use crate::serve::Sums;
use axum::body::Body;
use http::request::Parts;
use http::{Method, Response, StatusCode, header};
use payments::UnixMs;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Below this path lies all of it.
pub(super) const BELOW: &str = "/chaos/";

const PATHS: &str = "GET /chaos/state, GET /chaos/mails, GET /chaos/mails/NUMBER";

pub(super) fn answer(outside: &Outside, head: &Parts) -> Response<Body> {
    let path = head.uri.path().trim_end_matches('/');
    let mail = path.strip_prefix("/chaos/mails/").map(|number| number.parse::<usize>().ok());
    match (&head.method, path, mail) {
        (&Method::GET, "/chaos/state", _) => in_json(StatusCode::OK, &outside.state()),
        (&Method::GET, "/chaos/mails", _) => in_json(StatusCode::OK, &outside.mails()),
        (&Method::GET, _, Some(number)) => match number.and_then(|number| outside.mail(number)) {
            Some(text) => said(StatusCode::OK, "text/plain; charset=utf-8", text),
            None => {
                let arrived = outside.services.sns().mailbox().len();
                refused(format!("no such mail; {arrived} arrived, and are numbered from 1"))
            }
        },
        (method, _, _) => refused(format!("no {method} {}; accepted: {PATHS}", head.uri.path())),
    }
}

impl Outside {
    /// Every mail that arrived, without its text.
    fn mails(&self) -> Value {
        let line = |(at, mail): (usize, &Mail)| {
            json!({ "number": at + 1, "at": instant(mail.at), "to": mail.to, "topic": mail.topic,
                    "subject": mail.subject, "read": self.mail_url(at + 1) })
        };
        json!({ "mails": self.services.sns().mailbox().iter().enumerate().map(line).collect::<Vec<_>>() })
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

    /// Queues, alarms, payments, incident, mails and Stripe's book, as they are now.
    pub(super) fn state(&self) -> Value {
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
                let state = json!({ "state": state.value.name(), "reason": state.reason });
                alarms.insert(alarm.name.clone(), state);
            }
        }
        json!({
            "now": instant(now),
            "queues": queues,
            "alarms": alarms,
            "payments": self.payments(),
            "incident": self.phase(),
            "mails": self.services.sns().mailbox().len(),
            "stripe": Sums::of(self.stripe.stripe().book()).totals_json(),
        })
    }

    /// How many payments are in which state, as the ledger says it.
    fn payments(&self) -> BTreeMap<String, u64> {
        let mut states = BTreeMap::new();
        for row in self.services.dynamodb().items(&self.deployed.names.ledger).unwrap_or_default() {
            // What else the table holds is no payment.
            if let Some(AttributeValue::S(state)) = row.get("state") {
                *states.entry(state.clone()).or_default() += 1;
            }
        }
        states
    }

    /// Where the incident stands; nothing before the responder's first turn.
    fn phase(&self) -> Option<String> {
        let table = self.deployed.names.incidents.as_ref()?;
        let rows = self.services.dynamodb().items(table).ok()?;
        let phase = rows.iter().find_map(|row| row.get("phase"));
        phase.and_then(|phase| if let AttributeValue::S(phase) = phase { Some(phase.clone()) } else { None })
    }
}

fn instant(at: UnixMs) -> String {
    crate::units::instant(at).to_string()
}

fn in_json(status: StatusCode, value: &Value) -> Response<Body> {
    said(status, "application/json", format!("{value:#}\n"))
}

fn refused(line: String) -> Response<Body> {
    in_json(StatusCode::NOT_FOUND, &json!({ "error": { "message": line } }))
}

fn said(status: StatusCode, kind: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}
