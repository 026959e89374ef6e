//! The charge of an intent's last attempt.
//!
//! Source: <https://docs.stripe.com/api/charges/object>. It has no life of its own here: what it shows follows from its
//! intent.
//! Invariant: a charge is paid exactly if its issuer approved.

use super::intent::{Attempt, Intent};
use serde_json::{Value, json};

/// What a charge shows because its intent does.
const OF_THE_INTENT: [&str; 8] = [
    "application_fee_amount",
    "on_behalf_of",
    "receipt_email",
    "shipping",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
];

/// The intent's latest charge; null before the first attempt.
pub(super) fn to_json(intent: &Intent) -> Value {
    let Some(Attempt { charge, at_s, method, .. }) = intent.attempt() else { return Value::Null };
    let status = status(intent);
    let is_paid = status == "succeeded";
    let is_captured = intent.status() == "succeeded";
    // What was held and not captured goes back when the intent is canceled.
    let is_returned = is_paid && intent.status() == "canceled";
    let (amount, failure) = (intent.request.amount, intent.last_error());
    let when = |state: bool| if state { amount } else { 0 };
    let mut object = json!({
        "id": charge,
        "object": "charge",
        "amount": amount,
        "amount_captured": when(is_captured),
        "amount_refunded": when(is_returned),
        "application": null,
        "application_fee": null,
        "balance_transaction": null,
        "billing_details": { "address": null, "email": null, "name": null, "phone": null, "tax_id": null },
        "calculated_statement_descriptor": null,
        "captured": is_captured,
        "created": at_s,
        "currency": intent.request.currency,
        "customer": intent.request.customer,
        "description": intent.request.description,
        "disputed": false,
        "failure_balance_transaction": null,
        "failure_code": failure["code"],
        "failure_message": failure["message"],
        "fraud_details": {},
        "livemode": intent.mode().is_live(),
        "metadata": intent.request.metadata,
        "outcome": outcome(status, &failure),
        "paid": is_paid,
        "payment_intent": intent.id,
        "payment_method": method.id,
        "payment_method_details": method.details(),
        "receipt_number": null,
        "receipt_url": null,
        "refunded": is_returned,
        "review": null,
        "source": null,
        "source_transfer": null,
        "status": status,
    });
    for name in OF_THE_INTENT {
        object[name] = intent.shown(name);
    }
    object
}

fn status(intent: &Intent) -> &'static str {
    if !intent.last_error().is_null() {
        "failed"
    } else if intent.status() == "processing" {
        "pending"
    } else {
        "succeeded"
    }
}

fn outcome(status: &str, failure: &Value) -> Value {
    let (network_status, kind, message) = match status {
        "failed" => ("declined_by_network", "issuer_declined", "The issuer declined."),
        _ => ("approved_by_network", "authorized", "The payment is complete."),
    };
    json!({
        "advice_code": failure["advice_code"],
        "network_advice_code": null,
        "network_decline_code": failure["network_decline_code"],
        "network_status": network_status,
        "reason": failure["decline_code"],
        "risk_level": "normal",
        "seller_message": message,
        "type": kind,
    })
}
