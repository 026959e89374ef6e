//! Payment methods of an account, and what their issuers say.
//!
//! A named test method is copied into the account at each use, so its name can be used for ever; any other well-formed
//! id is a good card that somebody attached. One that belongs to no customer pays once: its first attempt spends it,
//! whatever the issuer said. Recorded at <https://github.com/Automattic/woocommerce-payments/issues/323>.
//! Invariant: what spends a method has reached its issuer.

use super::codes::Code;
use super::mode::Mode;
use super::test_methods::TestMethod;
use serde_json::{Value, json};

/// `advice_code` of what may work later.
pub(super) const LATER: &str = "try_again_later";

/// Month and year in which every card expires.
const EXPIRES: (u32, u32) = (12, 2_034);

/// What happens when a method is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behaviour {
    /// The issuer approves.
    Approves,
    /// The issuer declines.
    Declines(Decline),
    /// The cardholder must authenticate first; nobody is there to do so in an off-session payment.
    Authenticates,
    /// The same, but it was set up for payments off session.
    AuthenticatesOnSession,
    /// The bank answers later, and until then the intent is `processing`.
    Pends(Bank),
}

/// What a bank says in the end, or a cardholder, or whoever captures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bank {
    /// Nothing, ever.
    Silent,
    /// The money moves.
    Approves,
    /// It does not.
    Declines(Decline),
}

/// What an issuer says when it declines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decline {
    pub(super) code: Code,
    pub(super) decline_code: Option<&'static str>,
    pub(super) advice_code: Option<&'static str>,
    pub(super) network_decline_code: Option<&'static str>,
    pub(super) message: &'static str,
}

impl Decline {
    /// The usual hard decline, with the codes recorded from the real service.
    pub(super) const GENERIC: Self = Self {
        network_decline_code: Some("01"),
        ..Self::card_declined("generic_decline", LATER, "The card was declined.")
    };

    /// Declines that a later attempt may overcome (<https://docs.stripe.com/declines/codes>).
    pub(super) const SOFT: [Self; 3] = [
        Self::card_declined("try_again_later", LATER, "The card was declined for an unknown reason."),
        Self::card_declined("issuer_not_available", LATER, "The issuer could not be reached."),
        Self::PROCESSING_ERROR,
    ];

    pub(super) const PROCESSING_ERROR: Self =
        Self::plain(Code::PROCESSING_ERROR, LATER, "An error while processing the card.");

    /// Nobody can authenticate an off-session payment.
    pub(super) const AUTHENTICATION_REQUIRED: Self = Self {
        decline_code: Some("authentication_required"),
        ..Self::plain(Code::AUTHENTICATION_REQUIRED, "", "The card needs authentication.")
    };

    pub(super) const fn card_declined(
        decline_code: &'static str,
        advice_code: &'static str,
        message: &'static str,
    ) -> Self {
        Self {
            code: Code::CARD_DECLINED,
            decline_code: Some(decline_code),
            advice_code: Some(advice_code),
            network_decline_code: None,
            message,
        }
    }

    /// A decline whose code says it all: Stripe sends no `decline_code` with it.
    pub(super) const fn plain(code: Code, advice_code: &'static str, message: &'static str) -> Self {
        let advice_code = if advice_code.is_empty() { None } else { Some(advice_code) };
        Self { code, decline_code: None, advice_code, network_decline_code: None, message }
    }
}

/// A payment method in an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Method {
    pub(super) id: String,
    pub(super) is: TestMethod,
    pub(super) mode: Mode,
    pub(super) created_s: i64,
}

impl Method {
    /// The object, with every field that the API calls non-null.
    pub(super) fn to_json(&self) -> Value {
        let mut object = json!({
            "id": self.id,
            "object": "payment_method",
            "allow_redisplay": "unspecified",
            "billing_details": { "address": null, "email": null, "name": null, "phone": null },
            "created": self.created_s,
            "customer": null,
            "livemode": self.mode.is_live(),
            "metadata": {},
            "type": self.is.kind,
        });
        object[self.is.kind] = match self.is.kind {
            "card" => self.card(),
            _ => self.account(),
        };
        object
    }

    /// `payment_method_details` of a charge.
    pub(super) fn details(&self) -> Value {
        let mut details = json!({ "type": self.is.kind });
        details[self.is.kind] = match self.is.kind {
            "card" => json!({
                "brand": self.is.brand,
                "checks": { "address_line1_check": null, "address_postal_code_check": null, "cvc_check": null },
                "country": self.is.country,
                "exp_month": EXPIRES.0,
                "exp_year": EXPIRES.1,
                "fingerprint": null,
                "funding": self.is.funding,
                "installments": null,
                "last4": self.is.last4,
                "mandate": null,
                "network": self.is.brand,
                "regulated_status": "unregulated",
                "three_d_secure": null,
                "wallet": null,
            }),
            _ => self.account(),
        };
        details
    }

    fn account(&self) -> Value {
        json!({
            "account_holder_type": "individual",
            "account_type": "checking",
            "bank_name": "STRIPE TEST BANK",
            "fingerprint": null,
            "last4": self.is.last4,
            "routing_number": "110000000",
        })
    }

    fn card(&self) -> Value {
        json!({
            "brand": self.is.brand,
            "checks": { "address_line1_check": null, "address_postal_code_check": null, "cvc_check": null },
            "country": self.is.country,
            "display_brand": self.is.brand,
            "exp_month": EXPIRES.0,
            "exp_year": EXPIRES.1,
            "fingerprint": null,
            "funding": self.is.funding,
            "generated_from": null,
            "last4": self.is.last4,
            "networks": { "available": [self.is.brand], "preferred": null },
            "regulated_status": "unregulated",
            "three_d_secure_usage": { "supported": true },
            "wallet": null,
        })
    }
}
