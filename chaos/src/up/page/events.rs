//! What happens, as a page is told of it: server-sent events.
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html>
//!
//! Invariant: the first event is the state, and a mail or a line is told once on each connection.

use super::super::outside::Outside;
use bytes::Bytes;
use hyper::body::{Body, Frame};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Sleep;

/// How often it is looked, at most: fast enough to look alive.
const LOOK: Duration = Duration::from_secs(1);

/// A pause is at least so many times as long as the look before it: a ledger of many thousands of rows is counted row by
/// row, and what is looked at should have its processor to itself.
const PAUSE_TO_LOOK: u32 = 10;

/// Lines of each group that are told at a time; of more, the newest.
const LINES_MAX: usize = 200;

/// A body that goes on for as long as somebody listens.
pub(super) struct Events {
    outside: Arc<Outside>,
    mails: usize,
    /// The last line told of each group, by number.
    lines: BTreeMap<String, u64>,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Events {
    pub(super) const fn new(outside: Arc<Outside>) -> Self {
        Self { outside, mails: 0, lines: BTreeMap::new(), pause: None }
    }

    /// What is told now.
    fn told(&mut self) -> String {
        let mut out = event("state", &self.outside.state());
        let mails = self.outside.mails_after(self.mails);
        self.mails += mails.len();
        for mail in &mails {
            out.push_str(&event("mail", mail));
        }
        let lines = self.new_lines();
        if !lines.is_empty() {
            out.push_str(&event("lines", &lines.into()));
        }
        out
    }

    fn new_lines(&mut self) -> Vec<Value> {
        let mut told = Vec::new();
        for name in self.outside.logs.names() {
            let seen = self.lines.entry(name.clone()).or_default();
            self.outside.logs.of(&name, |group| {
                let new = group.after(*seen);
                let left_out = new.len().saturating_sub(LINES_MAX);
                for line in new.skip(left_out) {
                    *seen = line.number;
                    let at = super::instant(line.at);
                    told.push((line.at, json!({ "at": at, "group": name, "text": line.text })));
                }
            });
        }
        told.sort_by_key(|(at, _)| *at);
        told.into_iter().map(|(_, line)| line).collect()
    }
}

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(pause) = self.pause.as_mut() {
            ready!(pause.as_mut().poll(context));
        }
        let clock = *self.outside.services.clock();
        let began = clock.now();
        let told = self.told();
        let took = Duration::from_millis(u64::try_from(clock.now().since_ms(began)).unwrap_or_default());
        self.pause = Some(Box::pin(tokio::time::sleep(LOOK.max(took * PAUSE_TO_LOOK))));
        Poll::Ready(Some(Ok(Frame::data(told.into()))))
    }
}

/// One event. JSON in one line has no line break that would end it early.
fn event(name: &str, data: &Value) -> String {
    let mut out = String::new();
    let _ = write!(out, "event: {name}\ndata: {data}\n\n");
    out
}
