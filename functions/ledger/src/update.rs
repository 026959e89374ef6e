//! One `UpdateItem` for every change a row may undergo.
//!
//! Invariant: an update sets only its own fields; nothing ever puts a whole item, because a whole item written
//! from an old reading is how a payment is charged twice.

use crate::Opening;
use aws_sdk_dynamodb::types::AttributeValue;
use payments::ledger::{Change, Forget, HandedBack, OpenDelivery, Row, State};
use payments::payment::Fingerprint;
use payments::provider::{ChargeId, Decline};
use payments::request::{Form, Request, Wording};
use payments::{Cause, UnixMs};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Value of the `unsettled` attribute: one partition of the sparse index holds all the money at risk.
pub(crate) const UNSETTLED: &str = "unsettled";

/// Its value in a row that was set aside: another partition of the same index.
pub(crate) const SET_ASIDE: &str = "set_aside";

/// An update expression under construction. Every name goes through a placeholder: some are reserved words.
#[derive(Debug, Default)]
pub(crate) struct Update {
    sets: Vec<String>,
    removes: Vec<&'static str>,
    /// `ADD` or `DELETE` of an open delivery.
    open: Option<&'static str>,
    /// Sets that grow.
    adds: Vec<&'static str>,
    condition: String,
    names: BTreeMap<String, String>,
    values: BTreeMap<String, AttributeValue>,
}

impl Update {
    /// Step 1: writes the request once, counts the delivery, and refuses settled rows and other requests.
    pub(crate) fn receive(
        request: &Request,
        delivery: &OpenDelivery,
        enqueued_at: UnixMs,
        opening: Opening,
    ) -> Self {
        let payment = &request.payment;
        let mut update = Self::default();
        update.set_once("fingerprint", text(request.fingerprint));
        update.set_once("stripe_version", text(&request.wording.version));
        update.set_once("create_form", form(&request.wording.create));
        update.set_once("confirm_form", form(&request.wording.confirm));
        update.set_once("amount", number(payment.amount.get()));
        update.set_once("currency", text(payment.currency));
        update.set_once("payment_method", text(payment.payment_method.as_str()));
        if let Some(customer) = &payment.customer {
            update.set_once("customer", text(customer.as_str()));
        }
        if let Some(description) = &payment.description {
            update.set_once("description", text(description));
        }
        if !payment.metadata.is_empty() {
            let map = payment.metadata.iter().map(|(key, value)| (key.clone(), text(value))).collect();
            update.set_once("metadata", AttributeValue::M(map));
        }
        update.set_once("state", text(State::Received.name()));
        update.set_once("create_generation", number(0));
        update.set_once("version", number(0));
        update.set_once("received_at", number(delivery.began_at.0));
        // Whoever was set aside is taken up again.
        update.set("unsettled", text(UNSETTLED));
        update.remove("set_aside");
        update.remove("quarantine_message_id");
        update.set("enqueued_at", number(enqueued_at.0));
        update.add_one("attempts");
        update.open("ADD", [delivery]);
        let may_open = match opening {
            // DynamoDB keeps no empty set: when the last delivery is taken out, the attribute is gone.
            Opening::IfNoneIsOpen => "attribute_not_exists(#open)",
            // Unless it is open already: then this is the SDK, repeating a write whose answer was lost.
            Opening::Always => "NOT contains(#open, :this)",
        };
        update.condition = format!(
            "attribute_not_exists(#payment_id) OR (#fingerprint = :fingerprint AND attribute_exists(#unsettled) AND {may_open})"
        );
        if opening == Opening::Always {
            update.values.insert(":this".to_owned(), text(delivery));
        }
        update.name("payment_id");
        update
    }

    /// Takes `delivery` of the request out of the open ones, if step 1 got it there without saying so.
    pub(crate) fn close(fingerprint: Fingerprint, delivery: &OpenDelivery, cause: Cause) -> Self {
        let mut update = Self::note(fingerprint, cause);
        update.open("DELETE", [delivery]);
        update
    }

    /// Leaves a cause on the row of the request, while it is unsettled.
    pub(crate) fn note(fingerprint: Fingerprint, cause: Cause) -> Self {
        let mut update = Self::default();
        update.set("last_error", text(cause));
        update.name("fingerprint");
        update.name("unsettled");
        update.values.insert(":fingerprint".to_owned(), text(fingerprint));
        update.condition = "#fingerprint = :fingerprint AND attribute_exists(#unsettled)".to_owned();
        update
    }

    /// Says that the payment is to blame for what it met, while it is unsettled.
    pub(crate) fn blame() -> Self {
        let mut update = Self::default();
        update.set("blamed", text("payment"));
        update.name("unsettled");
        update.condition = "attribute_exists(#unsettled)".to_owned();
        update
    }

    /// `change` of a row that was read as `read`.
    pub(crate) fn change(read: &Row, change: &Change, now: UnixMs) -> Self {
        let mut update = Self::default();
        match change {
            Change::HandedBack(note) => update.hand_back(note),
            Change::Excuse(deliveries) => update.open("DELETE", deliveries),
            Change::SetAside(cause, message_id) => {
                update.set("set_aside", text(cause));
                update.set("quarantine_message_id", text(message_id));
                update.set("unsettled", text(SET_ASIDE));
            }
            Change::QuarantineSent(message_id) => update.set("quarantine_message_id", text(message_id)),
            Change::Record(intent) => {
                update.set("intent_id", text(intent));
                update.set("state", text(State::Intended.name()));
            }
            Change::NextGeneration(wording) => update.begin_generation(read, wording),
            Change::Succeed => update.settle(State::Succeeded, now),
            Change::Decline(decline) => update.settle(State::Declined(decline.clone()), now),
            Change::Quarantine(reason) => update.settle(State::Quarantined(reason.clone()), now),
            Change::Release(forget, wording) => update.release(read, *forget, wording),
        }
        update.allow(read, change);
        update
    }

    /// The condition of a change, and its version. No condition holds for a row that is not there.
    fn allow(&mut self, read: &Row, change: &Change) {
        self.condition = match change {
            Change::HandedBack(_) | Change::Excuse(_) | Change::SetAside(..) => {
                "attribute_exists(#unsettled)"
            }
            Change::Record(_) => {
                "#version = :read AND attribute_exists(#unsettled) AND attribute_not_exists(#intent_id)"
            }
            Change::NextGeneration(_) | Change::Decline(_) | Change::Quarantine(_) => {
                "#version = :read AND attribute_exists(#unsettled)"
            }
            Change::Succeed => {
                "#version = :read AND (attribute_exists(#unsettled) OR attribute_exists(#reason))"
            }
            Change::Release(..) | Change::QuarantineSent(_) => {
                "#version = :read AND attribute_exists(#reason)"
            }
        }
        .to_owned();
        for field in ["unsettled", "reason", "version"] {
            if self.condition.contains(&format!("#{field}")) {
                self.name(field);
            }
        }
        match change {
            Change::HandedBack(_) | Change::Excuse(_) | Change::SetAside(..) => {}
            Change::QuarantineSent(_) => {
                self.values.insert(":read".to_owned(), number(read.version));
            }
            Change::Record(_)
            | Change::NextGeneration(_)
            | Change::Succeed
            | Change::Decline(_)
            | Change::Quarantine(_)
            | Change::Release(..) => {
                self.values.insert(":read".to_owned(), number(read.version));
                self.set("version", number(read.version + 1));
            }
        }
    }

    pub(crate) fn expression(&self) -> String {
        let mut clauses = Vec::new();
        if !self.sets.is_empty() {
            clauses.push(format!("SET {}", self.sets.join(", ")));
        }
        if !self.removes.is_empty() {
            clauses.push(format!("REMOVE #{}", self.removes.join(", #")));
        }
        clauses.extend(self.adds.iter().map(|field| format!("ADD #{field} :{field}")));
        clauses.extend(self.open.map(|verb| format!("{verb} #open :open")));
        clauses.join(" ")
    }

    pub(crate) fn condition(&self) -> &str {
        &self.condition
    }

    /// Placeholders of the names and values used.
    pub(crate) fn placeholders(self) -> (HashMap<String, String>, HashMap<String, AttributeValue>) {
        (self.names.into_iter().collect(), self.values.into_iter().collect())
    }

    fn hand_back(&mut self, note: &HandedBack) {
        self.set("last_error", text(note.cause));
        if !note.declined_charges.is_empty() {
            self.add("declined_charges", &note.declined_charges);
        }
        if let Some(refused) = &note.refused {
            let map = [
                ("what", text(&refused.what)),
                ("since", number(refused.since.0)),
                ("times", number(refused.times)),
            ];
            let map = map.map(|(name, value)| (name.to_owned(), value));
            self.set("refused", AttributeValue::M(HashMap::from(map)));
        }
        if let Some(decline) = &note.concluded {
            self.set("decline", said(decline));
        }
        if note.cause.excuses() {
            self.open("DELETE", [&note.delivery]);
        }
    }

    fn settle(&mut self, state: State, now: UnixMs) {
        self.set("state", text(state.name()));
        self.set("settled_at", number(now.0));
        self.remove("unsettled");
        self.remove("set_aside");
        self.remove("open");
        match &state {
            State::Declined(decline) => self.set("decline", said(decline)),
            State::Quarantined(reason) => {
                self.set("reason", text(reason.name()));
                if let Some(detail) = reason.detail() {
                    self.set("detail", text(detail));
                }
            }
            // It may have been in quarantine.
            State::Succeeded => {
                self.remove("reason");
                self.remove("detail");
                self.remove("decline");
            }
            State::Received | State::Intended => {}
        }
        if let Some(seconds) = state.expires_at_s(now) {
            self.set("expires_at", number(seconds));
        }
    }

    fn begin_generation(&mut self, read: &Row, wording: &Wording) {
        self.set("create_generation", number(read.create_generation + 1));
        self.set("stripe_version", text(&wording.version));
        self.set("create_form", form(&wording.create));
        self.set("confirm_form", form(&wording.confirm));
    }

    fn release(&mut self, read: &Row, forget: Forget, wording: &Wording) {
        let keeps_intent = read.intent_id().is_some() && forget == Forget::Nothing;
        let state = if keeps_intent { State::Intended } else { State::Received };
        self.set("state", text(state.name()));
        self.set("unsettled", text(UNSETTLED));
        self.set("attempts", number(0));
        let of_before = ["settled_at", "quarantine_message_id", "reason", "detail"];
        for gone in of_before.into_iter().chain(["declined_charges", "refused", "blamed", "decline"]) {
            self.remove(gone);
        }
        if forget == Forget::CanceledIntent {
            self.remove("intent_id");
        }
        if !keeps_intent {
            self.begin_generation(read, wording);
        }
    }

    fn set(&mut self, field: &'static str, value: AttributeValue) {
        self.name(field);
        self.values.insert(format!(":{field}"), value);
        self.sets.push(format!("#{field} = :{field}"));
    }

    fn set_once(&mut self, field: &'static str, value: AttributeValue) {
        self.name(field);
        self.values.insert(format!(":{field}"), value);
        self.sets.push(format!("#{field} = if_not_exists(#{field}, :{field})"));
    }

    fn add_one(&mut self, field: &'static str) {
        self.name(field);
        self.values.insert(":none".to_owned(), number(0));
        self.values.insert(":one".to_owned(), number(1));
        self.sets.push(format!("#{field} = if_not_exists(#{field}, :none) + :one"));
    }

    /// Adds to a set what it does not hold yet: a note that is made twice says no more than one.
    fn add(&mut self, field: &'static str, these: &BTreeSet<ChargeId>) {
        self.name(field);
        let these = these.iter().map(ToString::to_string).collect();
        self.values.insert(format!(":{field}"), AttributeValue::Ss(these));
        self.adds.push(field);
    }

    fn open<'a>(&mut self, verb: &'static str, deliveries: impl IntoIterator<Item = &'a OpenDelivery>) {
        self.name("open");
        let deliveries = deliveries.into_iter().map(ToString::to_string).collect();
        self.values.insert(":open".to_owned(), AttributeValue::Ss(deliveries));
        self.open = Some(verb);
    }

    fn remove(&mut self, field: &'static str) {
        self.name(field);
        self.removes.push(field);
    }

    fn name(&mut self, field: &'static str) {
        self.names.insert(format!("#{field}"), field.to_owned());
    }
}

fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

fn form(parameters: &Form) -> AttributeValue {
    text(serde_json::json!(parameters))
}

fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
/// What the issuer said.
fn said(decline: &Decline) -> AttributeValue {
    let mut map = HashMap::from([("code".to_owned(), text(&decline.code))]);
    for (name, code) in [("decline_code", &decline.decline_code), ("advice_code", &decline.advice_code)] {
        map.extend(code.as_ref().map(|code| (name.to_owned(), text(code))));
    }
    AttributeValue::M(map)
}
