//! Made-up payments.
//!
//! Invariant: every one of them is good: a healthy system charges them all, so whatever else becomes of one was
//! caused by a fault.

use crate::random::Stream;
use serde::Serialize;
use std::ops::RangeInclusive;

const CURRENCIES: [&str; 3] = ["eur", "usd", "gbp"];
/// Test payment methods that succeed, <https://docs.stripe.com/testing>.
const PAYMENT_METHODS: [&str; 3] = ["pm_card_visa", "pm_card_mastercard", "pm_card_amex"];
/// Items in a basket, and the price of one in major units less one cent.
const ITEMS: (u64, u64) = (1, 4);
const PRICE: (u64, u64) = (2, 80);

#[derive(Serialize)]
struct Body<'a> {
    payment_id: String,
    amount: u64,
    currency: &'a str,
    payment_method: &'a str,
    description: String,
}

/// The bodies of the payments of these numbers; that of 1 is `order-000001`.
pub(crate) fn bodies(numbers: RangeInclusive<u32>, stream: &mut Stream) -> Vec<String> {
    numbers.map(|number| body(number, stream)).collect()
}

fn body(number: u32, stream: &mut Stream) -> String {
    let items = stream.between(ITEMS.0, ITEMS.1);
    let body = Body {
        payment_id: format!("order-{number:06}"),
        amount: (0..items).map(|_| stream.between(PRICE.0, PRICE.1) * 100 - 1).sum(),
        currency: pick(&CURRENCIES, stream),
        payment_method: pick(&PAYMENT_METHODS, stream),
        description: format!("Order {number}, items: {items}"),
    };
    serde_json::to_string(&body).expect("text and numbers always have a JSON form")
}

fn pick<'a>(choices: &[&'a str], stream: &mut Stream) -> &'a str {
    choices[stream.below(choices.len() as u64) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_made_up_payment_is_one_the_consumer_accepts() {
        for body in bodies(1..=1_000, &mut Stream::new(1, "test")) {
            assert!(payments::Payment::parse(&body).is_ok(), "{body}");
        }
    }
}
