//! A customer, as far as the fake has one: an id that somebody named.
//!
//! Invariant: every field that Stripe's types call non-null is here.

use super::intent::Intent;
use serde_json::{Value, json};

/// The customer of an intent; null without one.
pub(super) fn to_json(intent: &Intent) -> Value {
    let Some(id) = &intent.request.customer else { return Value::Null };
    json!({
        "id": id,
        "object": "customer",
        "address": null,
        "balance": 0,
        // Nobody created it here, so it is as old as the first that is known of it.
        "created": intent.created_s(),
        "currency": null,
        "default_source": null,
        "delinquent": false,
        "description": null,
        "email": null,
        "invoice_prefix": null,
        "livemode": intent.mode().is_live(),
        "metadata": {},
        "name": null,
        "phone": null,
        "preferred_locales": [],
        "shipping": null,
        "tax_exempt": "none",
        "test_clock": null,
    })
}
