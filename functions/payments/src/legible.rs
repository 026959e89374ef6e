//! What can be read in a message body, whether or not it is a payment of ours.
//!
//! A body that was refused as malformed is an order all the same, most of the time: with a text for an amount, or inside the
//! envelope of a topic (`{"Type":"Notification","Message":"{…}"}`), as JSON within a text within JSON.
//! Invariant: what is read here is shown to people and added up for them; nothing is charged or decided by it.

use crate::limits::{LEGIBLE_DEPTH_MAX, LEGIBLE_VALUES_MAX};
use crate::money::{AmountMinor, Currency};
use crate::payment::{Body, PaymentId};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What a body shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Legible {
    /// The producer's id of the first order in it.
    pub payment_id: Option<PaymentId>,
    /// What its orders ask for, minor units if they are what they should be.
    pub money: BTreeMap<Currency, i64>,
    /// How much of it could be read.
    pub form: Form,
}

/// How much of a body can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// It is a payment.
    Payment,
    /// It is an order that is no payment of ours.
    Order,
    /// Orders are inside something else.
    Wrapped,
    /// No order is found in it, or it is a drill.
    Illegible,
}

impl Legible {
    /// Reads what can be read.
    #[must_use]
    pub fn of(body: &str) -> Self {
        match Body::parse(body) {
            Ok(Body::Payment(payment)) => Self {
                money: BTreeMap::from([(payment.currency, payment.amount.get())]),
                payment_id: Some(payment.payment_id),
                form: Form::Payment,
            },
            Ok(Body::Drill(_)) => Self::illegible(),
            Err(_) => Self::searched(body),
        }
    }

    const fn illegible() -> Self {
        Self { payment_id: None, money: BTreeMap::new(), form: Form::Illegible }
    }

    fn searched(body: &str) -> Self {
        let mut search = Search { found: Self::illegible(), values_left: LEGIBLE_VALUES_MAX };
        search.text(body, 0);
        search.found
    }

    fn add(&mut self, order: &Map<String, Value>, depth: usize) {
        self.form = if depth == 0 { Form::Order } else { Form::Wrapped };
        if self.payment_id.is_none() {
            self.payment_id = payment_id(order);
        }
        if let Some((currency, amount)) = money(order) {
            let sum = self.money.entry(currency).or_default();
            *sum = sum.saturating_add(amount.get());
        }
    }
}

/// A search for orders, bounded in depth and in work: a body may be anything.
struct Search {
    found: Legible,
    values_left: usize,
}

impl Search {
    fn value(&mut self, value: &Value, depth: usize) {
        if depth > LEGIBLE_DEPTH_MAX || self.values_left == 0 {
            return;
        }
        self.values_left -= 1;
        match value {
            Value::Object(fields) if is_order(fields) => self.found.add(fields, depth),
            Value::Object(fields) => fields.values().for_each(|value| self.value(value, depth + 1)),
            Value::Array(values) => values.iter().for_each(|value| self.value(value, depth + 1)),
            Value::String(text) => self.text(text, depth + 1),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// A text is searched if it is JSON itself.
    fn text(&mut self, text: &str, depth: usize) {
        let text = text.trim_start_matches(|char: char| char.is_whitespace() || char == '\u{feff}');
        if text.starts_with(['{', '[', '"'])
            && let Ok(value) = serde_json::from_str(text.trim_end())
        {
            self.value(&value, depth);
        }
    }
}

fn is_order(fields: &Map<String, Value>) -> bool {
    payment_id(fields).is_some() || money(fields).is_some()
}

fn payment_id(fields: &Map<String, Value>) -> Option<PaymentId> {
    PaymentId::new(fields.get("payment_id")?.as_str()?)
}

/// Whole numbers only, also as a text: what a fraction is of, nobody can say.
fn money(fields: &Map<String, Value>) -> Option<(Currency, AmountMinor)> {
    let currency = Currency::new(&fields.get("currency")?.as_str()?.to_ascii_lowercase())?;
    let amount = fields.get("amount")?;
    let minor = amount.as_i64().or_else(|| amount.as_str()?.parse().ok())?;
    Some((currency, AmountMinor::new(minor)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(body: &str) -> (Option<String>, Vec<(String, i64)>, Form) {
        let Legible { payment_id, money, form } = Legible::of(body);
        let money = money.into_iter().map(|(currency, sum)| (currency.to_string(), sum)).collect();
        (payment_id.map(|id| id.as_str().to_owned()), money, form)
    }

    fn order(form: Form) -> (Option<String>, Vec<(String, i64)>, Form) {
        (Some("order-1".to_owned()), vec![("eur".to_owned(), 1_999)], form)
    }

    const PAYMENT: &str =
        r#"{"payment_id":"order-1","amount":1999,"currency":"eur","payment_method":"pm_1"}"#;

    #[test]
    fn a_payment_and_an_order_that_is_none_of_ours_show_id_and_money() {
        assert_eq!(seen(PAYMENT), order(Form::Payment));
        for body in [
            r#"{"payment_id":"order-1","amount":"1999","currency":"EUR"}"#,
            "\u{feff}{\"payment_id\":\"order-1\",\"amount\":1999,\"currency\":\"eur\",\"shop\":7}\n",
        ] {
            assert_eq!(seen(body), order(Form::Order), "{body}");
        }
    }

    #[test]
    fn an_order_is_found_inside_whatever_it_was_wrapped_in() {
        let text = Value::from(PAYMENT).to_string();
        let twice = Value::from(text.clone()).to_string();
        for body in [
            format!(r#"{{"Type":"Notification","MessageId":"m-1","Message":{text}}}"#),
            format!(r#"{{"version":"0","detail-type":"order","detail":{PAYMENT}}}"#),
            format!(r#"{{"Records":[{{"Sns":{{"Message":{text}}}}}]}}"#),
            format!("[{PAYMENT}]"),
            text,
            twice,
        ] {
            assert_eq!(seen(&body), order(Form::Wrapped), "{body}");
        }
    }

    #[test]
    fn the_money_of_several_orders_adds_up_and_the_first_names_them() {
        let other = r#"{"payment_id":"order-2","amount":1,"currency":"usd"}"#;
        let (id, money, form) = seen(&format!("[{PAYMENT},{other},{PAYMENT}]"));
        assert_eq!((id.as_deref(), form), (Some("order-1"), Form::Wrapped));
        assert_eq!(money, [("eur".to_owned(), 3_998), ("usd".to_owned(), 1)]);
    }

    #[test]
    fn what_is_no_order_shows_nothing_and_what_is_half_of_one_shows_half() {
        let deep = format!("{}{PAYMENT}{}", "[".repeat(100), "]".repeat(100));
        let wide = format!("[{}{PAYMENT}]", "0,".repeat(LEGIBLE_VALUES_MAX));
        for body in ["", "not json", "{", "{}", "7", "PYMT_FAILED", r#"{"a":["b"]}"#, &deep, &wide] {
            assert_eq!(seen(body), (None, Vec::new(), Form::Illegible), "{body:.40}");
        }
        let fraction = r#"{"payment_id":"order-1","amount":19.99,"currency":"eur"}"#;
        assert_eq!(seen(fraction), (Some("order-1".to_owned()), Vec::new(), Form::Order));
        let nameless = r#"{"payment_id":7,"amount":5,"currency":"eur"}"#;
        assert_eq!(seen(nameless), (None, vec![("eur".to_owned(), 5)], Form::Order));
    }
}
