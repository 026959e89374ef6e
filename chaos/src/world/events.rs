//! Stripe's own events, on their way to the event bus that Stripe was given.
//!
//! <https://docs.stripe.com/event-destinations/eventbridge>. Stripe promises neither that an event comes, nor that it comes
//! once, nor an order, so all of that goes wrong here.
//! Invariant: where no rule listens nothing is told, asked or drawn; a forged event claims what was not so when it was made.

use crate::clock::Clock;
use crate::cloud::eventbridge::PartnerBus;
use crate::faults::{Faults, Kind, Subject};
use crate::journal::{Journal, StripeEvent};
use crate::random::Stream;
use crate::stripe::Provider;
use crate::stripe::events::{CANCELED, CREATED, Happened, PAYMENT_FAILED, SUCCEEDED};
use payments::UnixMs;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

/// From what happens until its event is on the bus, ms. Stripe gives no number; most are there within a second or two.
const USUAL_MS: (u64, u64) = (300, 1_500);
/// How much longer a late one takes, ms.
const LATE_MS: (u64, u64) = (60_000, 2_700_000);
/// How much longer one takes that others overtake, ms.
const OVERTAKEN_MS: (u64, u64) = (2_000, 120_000);
/// After how long one is told again, ms.
const AGAIN_MS: (u64, u64) = (0, 60_000);
/// How long after its intent was made a forged event comes, ms.
const FORGED_MS: (u64, u64) = (0, 600_000);

/// Puts on the bus what happens at Stripe. Never returns.
pub(super) async fn tell_events(
    faults: &Faults,
    provider: &Provider,
    bus: Option<Arc<PartnerBus>>,
    (clock, journal, seed): (Clock, &Journal, u64),
) -> Infallible {
    let Some(bus) = bus else { return std::future::pending().await };
    let mut relay =
        Relay { faults, delays: Stream::new(seed, "stripe/events"), due: BTreeMap::new(), noted: 0 };
    loop {
        for happened in provider.take_events() {
            relay.hear(happened);
        }
        while let Some((at, notice)) = relay.take(clock.now()) {
            journal.record(at, notice.told());
            bus.put(notice.what, &notice.event);
        }
        tokio::select! {
            biased;
            () = provider.something_happened() => {}
            () = sleep_until(clock, relay.next()) => {}
        }
    }
}

async fn sleep_until(clock: Clock, instant: Option<UnixMs>) {
    match instant {
        Some(instant) => clock.sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

/// Events that are not on the bus yet.
struct Relay<'a> {
    faults: &'a Faults,
    delays: Stream,
    due: BTreeMap<(UnixMs, u64), Notice>,
    noted: u64,
}

/// An event on its way.
#[derive(Clone, Debug)]
struct Notice {
    what: &'static str,
    intent: String,
    payment: Option<String>,
    event: Value,
    fault: Option<Kind>,
}

impl Notice {
    fn told(&self) -> StripeEvent {
        StripeEvent::Told {
            what: self.what.to_owned(),
            intent: self.intent.clone(),
            payment: self.payment.clone(),
            fault: self.fault,
        }
    }
}

impl Relay<'_> {
    fn hear(&mut self, happened: Happened) {
        let Happened { at, what, intent, payment, event } = happened;
        let subject = Subject { operation: what, payment: payment.as_deref(), id: &intent };
        let strikes = |kind| self.faults.fires(kind, at, &subject).is_some();
        if what == CREATED && strikes(Kind::EventsForged) {
            let delay_ms = self.between(Kind::EventsForged, FORGED_MS);
            let notice = self.forged(&intent, payment.as_deref(), &event);
            self.note(at.plus_ms(delay_ms), notice);
        }
        if what != CREATED && strikes(Kind::EventsLost) {
            return;
        }
        let usual_ms = i64::try_from(self.delays.between(USUAL_MS.0, USUAL_MS.1)).unwrap_or(0);
        let mut due = at.plus_ms(usual_ms);
        let mut notice =
            Notice { what, intent: intent.clone(), payment: payment.clone(), event, fault: None };
        if what == CREATED {
            return self.note(due, notice);
        }
        for (kind, longer_ms) in [(Kind::EventsLate, LATE_MS), (Kind::EventsReordered, OVERTAKEN_MS)] {
            if strikes(kind) {
                notice.fault = Some(kind);
                due = due.plus_ms(self.between(kind, longer_ms));
            }
        }
        if strikes(Kind::EventsTwice) {
            let again = due.plus_ms(self.between(Kind::EventsTwice, AGAIN_MS));
            self.note(again, Notice { fault: Some(Kind::EventsTwice), ..notice.clone() });
        }
        self.note(due, notice);
    }

    /// An event about an intent that was just made, as somebody would have it who wants it believed; now and then of
    /// other money and another account, of another intent, or of a payment that nobody knows.
    fn forged(&self, intent: &str, payment: Option<&str>, event: &Value) -> Notice {
        let (mut event, mut payment) = (event.clone(), payment.map(str::to_owned));
        let mut intent = intent.to_owned();
        let (what, status) = match self.between(Kind::EventsForged, (0, 2)) {
            0 => (SUCCEEDED, "succeeded"),
            1 => (PAYMENT_FAILED, "requires_payment_method"),
            _ => (CANCELED, "canceled"),
        };
        event["id"] = format!("evt_forged_{intent}").into();
        event["type"] = what.into();
        let object = &mut event["data"]["object"];
        object["status"] = status.into();
        if what == SUCCEEDED {
            object["amount_received"] = object["amount"].clone();
        } else {
            object["last_payment_error"] =
                json!({ "type": "card_error", "code": "card_declined", "decline_code": "stolen_card" });
        }
        match self.between(Kind::EventsForged, (0, 5)) {
            0 => {
                object["amount"] = (object["amount"].as_i64().unwrap_or(0) + 1).into();
                event["livemode"] = true.into();
                event["account"] = "acct_forged".into();
            }
            1 => {
                intent = format!("{intent}_forged");
                object["id"] = intent.as_str().into();
            }
            2 => {
                payment = payment.map(|payment| format!("{payment}-forged"));
                object["metadata"]["payment_id"] = json!(payment);
            }
            _ => {}
        }
        Notice { what, intent, payment, event, fault: Some(Kind::EventsForged) }
    }

    fn note(&mut self, due: UnixMs, notice: Notice) {
        self.noted += 1;
        self.due.insert((due, self.noted), notice);
    }

    /// Takes the oldest event that is due.
    fn take(&mut self, now: UnixMs) -> Option<(UnixMs, Notice)> {
        let first = self.due.first_entry()?;
        let (due, _) = *first.key();
        (due <= now).then(|| (now, first.remove()))
    }

    fn next(&self) -> Option<UnixMs> {
        self.due.keys().next().map(|(due, _)| *due)
    }

    fn between(&self, kind: Kind, (low, high): (u64, u64)) -> i64 {
        i64::try_from(self.faults.between(kind, low, high)).unwrap_or(i64::MAX)
    }
}
