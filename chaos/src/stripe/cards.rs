//! Stripe's test payment methods: what each does when it is charged.
//!
//! Source: <https://docs.stripe.com/testing>. Names and numbers that are not in the table are refused, as Stripe does.
//! Invariant: a method's behaviour never changes; only a fault makes a good card decline.

use super::codes::Code;
use super::mode::Mode;
use serde_json::{Value, json};

/// What happens when a method is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behaviour {
    /// The issuer approves.
    Approves,
    /// The issuer declines.
    Declines(Decline),
    /// The cardholder must authenticate first; nobody is there to do so in an off-session payment.
    Authenticates,
    /// The bank answers later, and until then the intent is `processing`.
    Pends(Bank),
}

/// What a bank says in the end.
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

    const PROCESSING_ERROR: Self =
        Self::plain(Code::PROCESSING_ERROR, LATER, "An error while processing the card.");

    /// Nobody can authenticate an off-session payment.
    pub(super) const AUTHENTICATION_REQUIRED: Self = Self {
        decline_code: Some("authentication_required"),
        advice_code: None,
        ..Self::plain(Code::AUTHENTICATION_REQUIRED, "", "The card needs authentication.")
    };

    const fn card_declined(
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
    const fn plain(code: Code, advice_code: &'static str, message: &'static str) -> Self {
        Self { code, decline_code: None, advice_code: Some(advice_code), network_decline_code: None, message }
    }
}

/// One test payment method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TestMethod {
    name: &'static str,
    /// `card` or another payment method type.
    pub(super) kind: &'static str,
    brand: &'static str,
    last4: &'static str,
    pub(super) behaviour: Behaviour,
}

const fn card(
    name: &'static str,
    brand: &'static str,
    last4: &'static str,
    behaviour: Behaviour,
) -> TestMethod {
    TestMethod { name, kind: "card", brand, last4, behaviour }
}

const fn declining(name: &'static str, last4: &'static str, decline: Decline) -> TestMethod {
    card(name, "visa", last4, Behaviour::Declines(decline))
}

const fn bank_account(name: &'static str, last4: &'static str, bank: Bank) -> TestMethod {
    TestMethod { name, kind: "us_bank_account", brand: "", last4, behaviour: Behaviour::Pends(bank) }
}

const NEVER: &str = "do_not_try_again";
const LATER: &str = "try_again_later";
const CHECK: &str = "confirm_card_data";

const TEST_METHODS: [TestMethod; 18] = [
    card("pm_card_visa", "visa", "4242", Behaviour::Approves),
    card("pm_card_mastercard", "mastercard", "4444", Behaviour::Approves),
    card("pm_card_amex", "amex", "8431", Behaviour::Approves),
    declining("pm_card_chargeDeclined", "0002", Decline::GENERIC),
    declining(
        "pm_card_chargeDeclinedInsufficientFunds",
        "9995",
        Decline::card_declined("insufficient_funds", LATER, "The card has insufficient funds."),
    ),
    declining(
        "pm_card_chargeDeclinedLostCard",
        "9987",
        Decline::card_declined("lost_card", NEVER, "The card was declined."),
    ),
    declining(
        "pm_card_chargeDeclinedStolenCard",
        "9979",
        Decline::card_declined("stolen_card", NEVER, "The card was declined."),
    ),
    declining(
        "pm_card_chargeDeclinedExpiredCard",
        "0069",
        Decline::plain(Code::EXPIRED_CARD, CHECK, "The card has expired."),
    ),
    declining(
        "pm_card_chargeDeclinedIncorrectCvc",
        "0127",
        Decline::plain(Code::INCORRECT_CVC, CHECK, "The card's security code is incorrect."),
    ),
    declining("pm_card_chargeDeclinedProcessingError", "0119", Decline::PROCESSING_ERROR),
    declining(
        "pm_card_chargeDeclinedVelocityLimitExceeded",
        "6975",
        Decline::card_declined("card_velocity_exceeded", LATER, "The card exceeded its limit."),
    ),
    // Attaching this one works, charging it does not.
    declining("pm_card_chargeCustomerFail", "0341", Decline::GENERIC),
    declining(
        "pm_card_radarBlock",
        "0019",
        Decline::card_declined("fraudulent", NEVER, "The payment was blocked as too risky."),
    ),
    card("pm_card_authenticationRequired", "visa", "3184", Behaviour::Authenticates),
    card("pm_card_threeDSecure2Required", "visa", "3220", Behaviour::Authenticates),
    bank_account("pm_usBankAccount_success", "6789", Bank::Approves),
    bank_account(
        "pm_usBankAccount_insufficientFunds",
        "2227",
        Bank::Declines(Decline::plain(
            Code::INSUFFICIENT_FUNDS,
            LATER,
            "The account has insufficient funds.",
        )),
    ),
    bank_account("pm_usBankAccount_processing", "0009", Bank::Silent),
];

/// The name of every test method.
pub fn test_methods() -> impl Iterator<Item = &'static str> {
    TEST_METHODS.iter().map(|method| method.name)
}

impl TestMethod {
    /// Looks a test method up by name; `pm_card_visa_charge…` is the same method as `pm_card_charge…`.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        let plain = name.replacen("pm_card_visa_charge", "pm_card_charge", 1);
        TEST_METHODS.iter().find(|method| method.name == plain)
    }
}

/// A payment method in an account: a test method under an id of its own, as Stripe copies them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Method {
    pub(super) id: String,
    pub(super) is: &'static TestMethod,
    pub(super) mode: Mode,
    pub(super) created_s: i64,
}

impl Method {
    /// The object as it appears inside errors, with every field the API calls non-null.
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
            _ => json!({
                "account_holder_type": "individual",
                "account_type": "checking",
                "bank_name": "STRIPE TEST BANK",
                "financial_connections_account": null,
                "fingerprint": null,
                "last4": self.is.last4,
                "networks": null,
                "routing_number": "110000000",
                "status_details": null,
            }),
        };
        object
    }

    fn card(&self) -> Value {
        json!({
            "brand": self.is.brand,
            "checks": { "address_line1_check": null, "address_postal_code_check": null, "cvc_check": null },
            "country": "US",
            "display_brand": self.is.brand,
            "exp_month": 12,
            "exp_year": 2034,
            "fingerprint": null,
            "funding": "credit",
            "generated_from": null,
            "last4": self.is.last4,
            "networks": { "available": [self.is.brand], "preferred": null },
            "regulated_status": "unregulated",
            "three_d_secure_usage": { "supported": true },
            "wallet": null,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_long_and_the_short_name_are_one_method() {
        assert_eq!(
            TestMethod::named("pm_card_visa_chargeDeclined"),
            TestMethod::named("pm_card_chargeDeclined")
        );
        assert!(TestMethod::named("pm_card_visa").is_some());
    }

    #[test]
    fn no_two_methods_share_a_name() {
        for method in &TEST_METHODS {
            assert_eq!(TestMethod::named(method.name), Some(method));
        }
    }

    #[test]
    fn a_method_that_is_not_in_the_table_is_unknown() {
        assert_eq!(TestMethod::named("pm_1PxVisa"), None);
        assert_eq!(TestMethod::named(""), None);
    }
}
