//! What people were told at the edge, kept for the checks.
//!
//! Invariant: an answer is read once, however many it was given to.

use super::What;
use crate::cloud::cloudfront::{Answer, Response};
use crate::journal::Source;
use payments::UnixMs;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

/// Everything that was seen at the edge of a run.
#[derive(Clone, Debug, Default)]
pub struct EdgeHistory {
    /// Every look, in the order in which they were answered.
    pub looks: Vec<Look>,
    /// Every receipt for a payment that was handed in under its id.
    pub receipts: Vec<Receipt>,
}

/// What a shop was answered that handed a payment in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// When it was answered.
    pub at: UnixMs,
    /// The payment.
    pub payment: String,
    /// The link to it, if there is one.
    pub link: Option<String>,
}

/// Somebody looked.
#[derive(Clone, Debug)]
pub struct Look {
    /// When they asked.
    pub at: UnixMs,
    /// When they had the answer.
    pub answered: UnixMs,
    /// Number of the edge.
    pub edge: usize,
    /// The payment that the link is for, or says that it is for.
    pub payment: Arc<str>,
    /// What kind of link it was.
    pub link: Link,
    /// Whether a page was asked for, or data.
    pub is_page: bool,
    /// Status code.
    pub status: u16,
    /// Who answered.
    pub from: Source,
    /// Whether it was given although it had to be asked for anew.
    pub is_stale: bool,
    /// When its origin gave the answer; when it was answered, where none was asked.
    pub given_at: UnixMs,
    /// Whether whoever got it may keep it: a browser that others use, too.
    pub may_be_kept: bool,
    /// A header that guards whoever opens it, and that it does not have: the first of them.
    pub unguarded: Option<&'static str>,
    /// What it says.
    pub said: Arc<Said>,
}

/// A link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// One that was given out, and has not expired.
    Good {
        /// When it expires, seconds since 1970.
        until_s: i64,
    },
    /// One that nobody gave out.
    Forged,
}

/// What an answer says, to whoever reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Which payment it speaks of; none where it speaks of none.
    pub payment: Option<String>,
    /// `state`; empty where it says none.
    pub state: String,
    /// Whether it is a page; otherwise it is data, or a few words.
    pub is_page: bool,
    /// Minor units and currency, where it is data that has both.
    pub money: Option<(i64, String)>,
    /// The same as people write it, where it is a page.
    pub written: Option<String>,
    /// Whether it says that it stays so.
    pub is_final: bool,
    /// What it tells beside what a customer may know: the first of it.
    pub strange: Option<String>,
    /// All of it that is text, in lower case.
    pub text: String,
}

/// Headers of every answer, without which a link leaks, or a page does what it should not.
const GUARDS: [&str; 6] = [
    "content-security-policy",
    "referrer-policy",
    "strict-transport-security",
    "x-content-type-options",
    "x-frame-options",
    "x-robots-tag",
];

/// Everything that is told of a payment.
const TOLD: [&str; 10] = [
    "amount",
    "as_of",
    "certain",
    "currency",
    "final",
    "payment_id",
    "received_at",
    "settled_at",
    "state",
    "to_do",
];

/// An id of Stripe's in a text.
fn of_stripe(text: &str) -> Option<String> {
    let ids = ["pi_", "ch_", "pm_", "cus_", "req_", "sk_"];
    ids.into_iter().find(|id| text.contains(id)).map(str::to_owned)
}

/// Looks, and the answers that were read.
#[derive(Debug, Default)]
pub(super) struct Looks {
    looks: Vec<Look>,
    receipts: Vec<Receipt>,
    /// By where it is in memory: while it is known here, nothing else can be there.
    read: BTreeMap<usize, (Weak<Response>, Arc<Said>)>,
}

impl Looks {
    /// Notes an answer; its status, and what it says.
    pub(super) fn note(
        &mut self,
        (at, answered): (UnixMs, UnixMs),
        edge: usize,
        what: What,
        answer: &Answer,
    ) -> (u16, Arc<Said>) {
        let said = self.said(answer);
        let look = Look {
            at,
            answered,
            edge,
            payment: what.payment,
            link: what.link,
            is_page: what.is_page,
            status: answer.status(),
            from: answer.from,
            is_stale: answer.is_stale,
            given_at: answer.given_at.unwrap_or(answered),
            unguarded: GUARDS.into_iter().find(|name| answer.header(name).is_none()),
            may_be_kept: answer.header("cache-control") != Some("no-store"),
            said: Arc::clone(&said),
        };
        self.looks.push(look);
        (answer.status(), said)
    }

    /// Notes what a shop was answered.
    pub(super) fn receipt(&mut self, receipt: Receipt) {
        self.receipts.push(receipt);
    }

    pub(super) fn history(&mut self) -> EdgeHistory {
        let (looks, receipts) = (std::mem::take(&mut self.looks), std::mem::take(&mut self.receipts));
        EdgeHistory { looks, receipts }
    }

    fn said(&mut self, answer: &Answer) -> Arc<Said> {
        let place = Arc::as_ptr(answer.shared()).addr();
        let known = self.read.entry(place);
        let (_, said) = known.or_insert_with(|| {
            let said = Arc::new(Said::read(answer.shared()));
            (Arc::downgrade(answer.shared()), said)
        });
        Arc::clone(said)
    }
}

impl Link {
    /// Whether it was good at this instant; at its last second it is not any more.
    #[must_use]
    pub const fn is_good(self, at: UnixMs) -> bool {
        match self {
            Self::Good { until_s } => at.0 < until_s.saturating_mul(1_000),
            Self::Forged => false,
        }
    }
}

impl Said {
    /// Reads an answer as a program or a person does.
    fn read(response: &Response) -> Self {
        let kind = response.headers.get("content-type").map_or("", String::as_str);
        if kind.starts_with("text/html") {
            Self::of_page(&response.body)
        } else if kind.starts_with("text/plain") {
            Self::of_text(response)
        } else {
            Self::of_json(&response.body)
        }
    }

    /// A few words, which a person takes for what its status says.
    fn of_text(response: &Response) -> Self {
        let state = match response.status {
            404 => "no_link",
            429 | 500.. => "unavailable",
            _ => "",
        };
        Self { state: state.to_owned(), text: response.body.to_lowercase(), ..Self::default() }
    }

    fn of_json(body: &str) -> Self {
        let said: Value = serde_json::from_str(body).unwrap_or_default();
        let text = |name: &str| said.get(name).and_then(Value::as_str).map(str::to_owned);
        let strange = said.as_object().and_then(|all| all.keys().find(|name| !TOLD.contains(&name.as_str())));
        Self {
            payment: text("payment_id"),
            state: text("state").unwrap_or_default(),
            money: said.get("amount").and_then(Value::as_i64).zip(text("currency")),
            is_final: said.get("final").and_then(Value::as_bool).unwrap_or(false),
            strange: strange.cloned().or_else(|| of_stripe(body)),
            text: body.to_lowercase(),
            ..Self::default()
        }
    }

    fn of_page(body: &str) -> Self {
        let between =
            |text: &str, from: &str, to: &str| Some(text.split_once(from)?.1.split_once(to)?.0.to_owned());
        // What a reader sees: neither style nor script.
        let shown = between(body, "<main", "</main>").unwrap_or_default();
        Self {
            payment: between(&shown, "<dt>Payment</dt><dd>", "</dd>"),
            state: between(&shown, "data-state=\"", "\"").unwrap_or_default(),
            is_page: true,
            written: between(&shown, "<dt>Amount</dt><dd>", "</dd>"),
            is_final: shown.split('>').next().is_some_and(|tag| tag.contains("data-final")),
            strange: of_stripe(&shown),
            text: shown.to_lowercase(),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What this is read as.
    fn read(status: u16, kind: &str, body: &str) -> (Option<String>, String) {
        let headers = [("content-type".to_owned(), kind.to_owned())].into();
        let Said { payment, state, .. } = Said::read(&Response { status, headers, body: body.to_owned() });
        (payment, state)
    }

    #[test]
    fn a_page_says_what_it_shows_and_not_what_its_style_speaks_of() {
        let page = r#"<style>main[data-state="paid"] { color: green }</style><main data-state="in_progress">
            <dl><div><dt>Payment</dt><dd>order-1</dd></div></dl></main>"#;
        assert_eq!(
            read(200, "text/html; charset=utf-8", page),
            (Some("order-1".to_owned()), "in_progress".to_owned())
        );
    }

    #[test]
    fn data_says_it_by_name_and_a_few_words_by_their_status() {
        let data = r#"{"payment_id":"order-1","state":"paid"}"#;
        assert_eq!(read(200, "application/json", data), (Some("order-1".to_owned()), "paid".to_owned()));
        assert_eq!(
            read(404, "text/plain; charset=utf-8", "There is nothing here."),
            (None, "no_link".to_owned())
        );
        assert_eq!(read(503, "text/plain; charset=utf-8", "Later."), (None, "unavailable".to_owned()));
    }
}
