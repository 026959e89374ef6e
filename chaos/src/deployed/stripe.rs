//! The fake Stripe that the stack was deployed against: its faults, its book, and what it was asked.
//!
//! Invariant: what was there before the run is not the run's.

use super::DeployedError;
use crate::experiment::WantedFault;
use crate::faults::{Fault, Kind, Placement, Rate, When};
use crate::journal::{Event, Operation, Record, StripeEvent};
use crate::serve::Remote;
use crate::stripe::Movement;
use http::Method;
use payments::UnixMs;
use serde_json::{Value, json};

const FAULTS: &str = "/chaos/faults";
const BOOK: &str = "/chaos/book";
/// By how much a fault outlives its window where nobody is left to clear it, s.
const MARGIN_S: u64 = 60;

/// A fake Stripe, from where a run began.
#[derive(Clone, Debug)]
pub(super) struct Stripe {
    remote: Remote,
    base: String,
    /// What `curl` is told beside, by hand: the key is not shown.
    login: &'static str,
    /// Movements that were in its book before.
    moved_before: usize,
    /// The record of its journal from which on to read.
    from: u64,
}

impl Stripe {
    /// Finds it, with nothing going wrong in it yet.
    pub(super) fn find(base: &str, key: Option<&str>) -> Result<Self, DeployedError> {
        // Behind https is Stripe itself, or a deployed one with a key.
        if !base.starts_with("http://") && key.is_none() {
            let line = format!(
                "the controls of {base} cannot be reached in clear; accepted: --stripe http://HOST:PORT, where the same `cargo chaos stripe` answers, or --stripe-key, the key of a deployed one"
            );
            return Err(DeployedError::Refused(line));
        }
        let remote = Remote::at(base, key);
        let open = listed(&remote.ask(Method::GET, FAULTS, None)?, "faults");
        if let Some(fault) = open.first() {
            let line = format!(
                "{} is set in the fake Stripe at {base} already; accepted: one without faults, as `cargo chaos fault clear` leaves it",
                fault["kind"].as_str().unwrap_or("a fault")
            );
            return Err(DeployedError::Refused(line));
        }
        let moved_before = listed(&remote.ask(Method::GET, BOOK, None)?, "movements").len();
        let login = if key.is_some() { " --header \"Authorization: Bearer $STRIPE_KEY\"" } else { "" };
        let mut stripe = Self { remote, base: base.to_owned(), login, moved_before, from: 0 };
        stripe.calls()?;
        Ok(stripe)
    }

    /// Sets a fault for as long as its window lasts; its number.
    pub(super) fn set(&self, fault: &Fault, lasts_ms: u64) -> Result<u64, DeployedError> {
        let said = self.remote.ask(Method::POST, FAULTS, Some(&json!(wanted(fault, lasts_ms))))?;
        Ok(said["id"].as_u64().unwrap_or_default())
    }

    /// How often a fault that is set could have fired, and did; nothing of one that is over.
    pub(super) fn told(&self, number: u64) -> Result<Option<(u64, u64)>, DeployedError> {
        let open = listed(&self.remote.ask(Method::GET, FAULTS, None)?, "faults");
        let fault = open.iter().find(|fault| fault["id"] == number);
        Ok(fault.map(|fault| (fault["asked"].as_u64().unwrap_or(0), fault["fired"].as_u64().unwrap_or(0))))
    }

    /// Clears it. One that is over already is cleared.
    pub(super) fn clear(&self, number: u64) -> Result<(), DeployedError> {
        match self.remote.ask(Method::DELETE, &format!("{FAULTS}/{number}"), None) {
            Ok(_) => Ok(()),
            Err(_) if self.told(number)?.is_none() => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Clears all of them; the run found none.
    pub(super) fn clear_all(&self) -> Result<(), DeployedError> {
        Ok(self.remote.ask(Method::DELETE, FAULTS, None).map(|_| ())?)
    }

    /// What sets a fault by hand.
    pub(super) fn setting(&self, fault: &Fault, lasts_ms: u64) -> String {
        let wanted = json!(wanted(fault, lasts_ms));
        format!("curl{} {}{FAULTS} --data '{wanted}'", self.login, self.base.trim_end_matches('/'))
    }

    /// What clears all of them by hand.
    pub(super) fn clearing(&self) -> String {
        format!("curl{} --request DELETE {}{FAULTS}", self.login, self.base.trim_end_matches('/'))
    }

    /// What money moved since the run began.
    pub(super) fn book(&self) -> Result<Vec<Movement>, DeployedError> {
        let all = listed(&self.remote.ask(Method::GET, BOOK, None)?, "movements");
        Ok(all.iter().skip(self.moved_before).map(movement).collect())
    }

    /// What it was asked and did since this was last read.
    pub(super) fn calls(&mut self) -> Result<Vec<Record>, DeployedError> {
        let mut calls = Vec::new();
        loop {
            let said = self.remote.ask(Method::GET, &format!("/chaos/calls?from={}", self.from), None)?;
            let next = said["next"].as_u64().unwrap_or(self.from);
            if next == self.from {
                return Ok(calls);
            }
            self.from = next;
            calls.extend(listed(&said, "calls").iter().filter_map(call));
        }
    }
}

/// A fault as the controls take it.
fn wanted(fault: &Fault, lasts_ms: u64) -> WantedFault {
    let rate = match &fault.when {
        When::Rate(Rate::Steady(chance)) => Some(f64::from(chance.ppm()) / 1_000_000.0),
        When::Rate(Rate::Ramp(..) | Rate::Step(_)) | When::Nth(_) => None,
    };
    WantedFault {
        kind: fault.kind.name().to_owned(),
        placement: fault.placement.map(|it| Placement::name(it).to_owned()),
        rate,
        operations: fault.scope.operations.clone(),
        ttl_s: Some(lasts_ms.div_ceil(1_000) + MARGIN_S),
        status: fault.refusal.map(crate::faults::Refusal::status),
        code: fault.refusal.and_then(crate::faults::Refusal::code).map(str::to_owned),
        times: fault.times,
    }
}

fn listed(said: &Value, name: &str) -> Vec<Value> {
    said[name].as_array().cloned().unwrap_or_default()
}

fn text(of: &Value, name: &str) -> Option<String> {
    of[name].as_str().map(str::to_owned)
}

fn movement(said: &Value) -> Movement {
    let instant = said["at"].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok());
    Movement {
        at: UnixMs(instant.map_or(0, jiff::Timestamp::as_millisecond)),
        intent: text(said, "intent").unwrap_or_default(),
        charge: text(said, "charge").unwrap_or_default(),
        payment: text(said, "payment"),
        amount_minor: said["amount"].as_i64().unwrap_or_default(),
        currency: text(said, "currency").unwrap_or_default(),
    }
}

/// What is in nobody's book here is another Stripe's, and left out.
fn call(said: &Value) -> Option<Record> {
    let operation = || Operation::ALL.into_iter().find(|it| Some(it.name()) == said["operation"].as_str());
    let (intent, payment, words) = (text(said, "intent"), text(said, "payment"), text(said, "said"));
    let fault = said["fault"].as_str().and_then(|kind| kind.parse::<Kind>().ok());
    let event = match said["event"].as_str()? {
        "stripe-called" => StripeEvent::Called {
            request: text(said, "request").unwrap_or_default(),
            operation: operation()?,
            intent,
            payment,
            status: said["status"].as_u64().and_then(|status| u16::try_from(status).ok()),
            said: words,
            fault,
        },
        "stripe-acted" => StripeEvent::Acted { operation: operation()?, intent, payment, said: words, fault },
        "charged" => StripeEvent::Charged {
            payment: payment.unwrap_or_default(),
            intent: intent.unwrap_or_default(),
            charge: text(said, "charge").unwrap_or_default(),
            amount: said["amount"].as_i64().unwrap_or_default(),
            currency: text(said, "currency").unwrap_or_default(),
        },
        _ => return None,
    };
    Some(Record { at: UnixMs(said["at"].as_i64()?), event: Event::Stripe(event) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::Window;
    use crate::random::Chance;

    #[test]
    fn what_a_served_stripe_tells_of_itself_is_read_back_as_it_was() {
        let told = |event: StripeEvent| Record { at: UnixMs(1_767_603_600_123), event: event.into() };
        let (intent, payment) = (Some("pi_1".to_owned()), Some("order-1".to_owned()));
        let records = [
            told(StripeEvent::Called {
                request: "http".to_owned(),
                operation: Operation::Confirm,
                intent: intent.clone(),
                payment: payment.clone(),
                status: Some(503),
                said: Some("api_error".to_owned()),
                fault: Some(Kind::StripeUnavailable),
            }),
            told(StripeEvent::Acted { operation: Operation::Bank, intent, payment, said: None, fault: None }),
            told(StripeEvent::Charged {
                payment: "order-1".to_owned(),
                intent: "pi_1".to_owned(),
                charge: "ch_1".to_owned(),
                amount: 1_999,
                currency: "eur".to_owned(),
            }),
        ];
        for record in records {
            assert_eq!(call(&json!(record)), Some(record));
        }
    }

    #[test]
    fn a_fault_that_nobody_clears_ends_by_itself() {
        let window = Window { from_ms: 60_000, until_ms: 300_000 };
        let fault = Fault::steady(Kind::StripeUnavailable, Chance::ALWAYS, window);
        let wanted = wanted(&fault, 240_000);
        assert_eq!(wanted.ttl_s, Some(300));
        assert_eq!(wanted.meaning().map(|(meant, _)| meant.when), Ok(fault.when));
    }
}
