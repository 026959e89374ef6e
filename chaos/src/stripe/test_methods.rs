//! Stripe's test payment methods: their names, and what each does when it is charged.
//!
//! Source: <https://docs.stripe.com/testing> (payment methods by brand, by country, declines, fraud, disputes, 3D Secure,
//! ACH Direct Debit), read on 2026-08-07. What is said there to depend on an account's settings does what it does in an
//! account that changed none.
//! Invariant: a method's behaviour never changes; only a fault makes a good card decline.

use super::cards::{Bank, Behaviour, Decline, LATER};
use super::codes::Code;

/// What there is to know of a test payment method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TestMethod {
    /// `card` or another payment method type.
    pub(super) kind: &'static str,
    pub(super) brand: &'static str,
    pub(super) funding: &'static str,
    /// Of the issuer.
    pub(super) country: &'static str,
    pub(super) last4: &'static str,
    pub(super) behaviour: Behaviour,
}

/// The name of every test method.
pub fn names() -> impl Iterator<Item = String> {
    let of_countries = COUNTRIES.iter().map(|(country, _, _)| format!("{OF_A_COUNTRY}{country}"));
    TEST_METHODS.iter().map(|(name, _)| (*name).to_owned()).chain(of_countries)
}

impl TestMethod {
    /// A card that nobody has anything against.
    pub(super) const GOOD: Self = card("visa", "4242", Behaviour::Approves);

    /// Looks a test method up by name; `pm_card_visa_charge…` is the same method as `pm_card_charge…`.
    pub(super) fn named(name: &str) -> Option<Self> {
        let plain = name.replacen("pm_card_visa_charge", "pm_card_charge", 1);
        let listed = TEST_METHODS.iter().find(|(known, _)| *known == plain).map(|(_, method)| *method);
        listed.or_else(|| of_country(name))
    }

    /// Whether a name is made like those of the test methods, so that a real method has another.
    pub(super) fn resembles(name: &str) -> bool {
        ["pm_card_", "pm_usBankAccount_", "pm_sepaDebit_"].iter().any(|family| name.starts_with(family))
    }

    const fn with_funding(self, funding: &'static str) -> Self {
        Self { funding, ..self }
    }

    const fn from(self, country: &'static str) -> Self {
        Self { country, ..self }
    }
}

/// Whether a payment method is a good card because nothing else is known of it: it could be the id of one that somebody
/// attached (letters, digits and underscores), and is not made like the name of a test method, which would be misspelt.
#[must_use]
pub fn is_taken_for_a_good_card(name: &str) -> bool {
    let is_wordly = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let rest = name.strip_prefix("pm_").filter(|rest| !rest.is_empty() && rest.chars().all(is_wordly));
    rest.is_some() && !TestMethod::resembles(name)
}

const fn card(brand: &'static str, last4: &'static str, behaviour: Behaviour) -> TestMethod {
    TestMethod { kind: "card", brand, funding: "credit", country: "US", last4, behaviour }
}

const fn good(brand: &'static str, last4: &'static str) -> TestMethod {
    card(brand, last4, Behaviour::Approves)
}

const fn declining(last4: &'static str, decline: Decline) -> TestMethod {
    card("visa", last4, Behaviour::Declines(decline))
}

const fn authenticating(last4: &'static str) -> TestMethod {
    card("visa", last4, Behaviour::Authenticates)
}

const fn bank_account(last4: &'static str, bank: Bank) -> TestMethod {
    TestMethod { kind: "us_bank_account", ..card("", last4, Behaviour::Pends(bank)) }
}

const fn refusing(last4: &'static str, code: Code) -> TestMethod {
    bank_account(last4, Bank::Declines(Decline::plain(code, "", "The bank refused the debit.")))
}

const NEVER: &str = "do_not_try_again";
const CHECK: &str = "confirm_card_data";

const FRAUDULENT: Decline =
    Decline::card_declined("fraudulent", NEVER, "The payment was blocked as too risky.");

pub(super) const TEST_METHODS: [(&str, TestMethod); 71] = [
    ("pm_card_visa", TestMethod::GOOD),
    ("pm_card_visa_debit", good("visa", "5556").with_funding("debit")),
    ("pm_card_mastercard", good("mastercard", "4444")),
    ("pm_card_mastercard_debit", good("mastercard", "8210").with_funding("debit")),
    ("pm_card_mastercard_prepaid", good("mastercard", "5100").with_funding("prepaid")),
    ("pm_card_amex", good("amex", "0005")),
    ("pm_card_discover", good("discover", "1117")),
    ("pm_card_diners", good("diners", "0004")),
    ("pm_card_jcb", good("jcb", "0505").from("JP")),
    ("pm_card_unionpay", good("unionpay", "0005").from("CN")),
    ("pm_card_visa_cartesBancaires", good("visa", "1001").from("FR")),
    ("pm_card_mastercard_cartesBancaires", good("mastercard", "1001").from("FR")),
    ("pm_card_visa_debit_eftposAuCoBranded", good("visa", "0001").with_funding("debit").from("AU")),
    (
        "pm_card_mastercard_debit_eftposAuCoBranded",
        good("mastercard", "0080").with_funding("debit").from("AU"),
    ),
    ("pm_card_ae_mastercard", good("mastercard", "0022").from("AE")),
    ("pm_card_gb_debit", good("visa", "0005").with_funding("debit").from("GB")),
    ("pm_card_gb_mastercard", good("mastercard", "4449").from("GB")),
    ("pm_card_th_credit", good("visa", "0003").from("TH")),
    ("pm_card_th_debit", good("visa", "0008").with_funding("debit").from("TH")),
    ("pm_card_debit_visaFsaProductCode", good("visa", "0072").with_funding("debit")),
    ("pm_card_debit_visaHsaProductCode", good("visa", "0072").with_funding("debit")),
    ("pm_card_mastercard_debit_mastercardFsaProductCode", good("mastercard", "8897").with_funding("debit")),
    ("pm_card_bypassPending", good("visa", "0077")),
    ("pm_card_bypassPendingInternational", good("visa", "0278").from("IE")),
    // Charged first, disputed or refunded in an odd way later.
    ("pm_card_createDispute", good("visa", "0259")),
    ("pm_card_createDisputeProductNotReceived", good("visa", "2685")),
    ("pm_card_createDisputeInquiry", good("visa", "1976")),
    ("pm_card_createIssuerFraudRecord", good("visa", "5423")),
    ("pm_card_createMultipleDisputes", good("visa", "0079")),
    ("pm_card_createCe3EligibleDispute", good("visa", "0038")),
    ("pm_card_createComplianceDispute", good("visa", "0779")),
    ("pm_card_createMastercardComplianceDispute", good("mastercard", "0002")),
    ("pm_card_createAutoRepresentmentEligibleDispute", good("visa", "0043")),
    ("pm_card_pendingRefund", good("visa", "7726")),
    ("pm_card_refundFail", good("visa", "5126")),
    // Checks that fail, or that nothing was sent for, block nothing by themselves.
    ("pm_card_riskLevelElevated", good("visa", "9235")),
    ("pm_card_cvcCheckFail", good("visa", "0101")),
    ("pm_card_cvcCheckFailElevatedRisk", good("visa", "7872")),
    ("pm_card_avsFail", good("visa", "0010")),
    ("pm_card_avsLine1Fail", good("visa", "0028")),
    ("pm_card_avsZipFail", good("visa", "0036")),
    ("pm_card_avsZipFailElevatedRisk", good("visa", "6072")),
    ("pm_card_avsUnchecked", good("visa", "0044")),
    // Radar blocks the highest risk unless it is told not to.
    ("pm_card_radarBlock", declining("0019", FRAUDULENT)),
    ("pm_card_riskLevelHighest", declining("4954", FRAUDULENT)),
    ("pm_card_chargeDeclined", declining("0002", Decline::GENERIC)),
    (
        "pm_card_chargeDeclinedInsufficientFunds",
        declining(
            "9995",
            Decline::card_declined("insufficient_funds", LATER, "The card has insufficient funds."),
        ),
    ),
    (
        "pm_card_chargeDeclinedLostCard",
        declining("9987", Decline::card_declined("lost_card", NEVER, "The card was declined.")),
    ),
    (
        "pm_card_chargeDeclinedStolenCard",
        declining("9979", Decline::card_declined("stolen_card", NEVER, "The card was declined.")),
    ),
    (
        "pm_card_chargeDeclinedExpiredCard",
        declining("0069", Decline::plain(Code::EXPIRED_CARD, CHECK, "The card has expired.")),
    ),
    (
        "pm_card_chargeDeclinedIncorrectCvc",
        declining(
            "0127",
            Decline::plain(Code::INCORRECT_CVC, CHECK, "The card's security code is incorrect."),
        ),
    ),
    ("pm_card_chargeDeclinedProcessingError", declining("0119", Decline::PROCESSING_ERROR)),
    (
        "pm_card_chargeDeclinedVelocityLimitExceeded",
        declining(
            "6975",
            Decline::card_declined("card_velocity_exceeded", LATER, "The card exceeded its limit."),
        ),
    ),
    // Attaching this one works, charging it does not.
    ("pm_card_chargeCustomerFail", declining("0341", Decline::GENERIC)),
    ("pm_card_authenticationRequired", authenticating("3184")),
    ("pm_card_authenticationRequiredOnSetup", authenticating("3155")),
    (
        "pm_card_authenticationRequiredSetupForOffSession",
        card("visa", "0446", Behaviour::AuthenticatesOnSession),
    ),
    ("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds", authenticating("3178")),
    ("pm_card_threeDSecure2Required", authenticating("3220")),
    ("pm_card_threeDSecureRequired", authenticating("3063")),
    ("pm_card_threeDSecureRequiredChargeDeclined", authenticating("1629")),
    ("pm_card_threeDSecureRequiredProcessingError", authenticating("1280")),
    ("pm_card_threeDSecureOptional", good("visa", "3055")),
    ("pm_card_amex_threeDSecureNotSupported", good("amex", "0005")),
    ("pm_usBankAccount_success", bank_account("6789", Bank::Approves)),
    ("pm_usBankAccount_dispute", bank_account("5559", Bank::Approves)),
    ("pm_usBankAccount_insufficientFunds", refusing("2227", Code::INSUFFICIENT_FUNDS)),
    ("pm_usBankAccount_accountClosed", refusing("1113", Code::ACCOUNT_CLOSED)),
    ("pm_usBankAccount_noAccount", refusing("1116", Code::NO_ACCOUNT)),
    ("pm_usBankAccount_debitNotAuthorized", refusing("3335", Code::DEBIT_NOT_AUTHORIZED)),
    ("pm_usBankAccount_processing", bank_account("0009", Bank::Silent)),
];

const OF_A_COUNTRY: &str = "pm_card_";

/// `pm_card_<country>`: a good Visa card of each of these countries, with its last four digits.
const COUNTRIES: [(&str, &str, &str); 56] = [
    ("us", "US", "4242"),
    ("ar", "AR", "0021"),
    ("br", "BR", "0002"),
    ("ca", "CA", "0000"),
    ("cl", "CL", "0001"),
    ("co", "CO", "0003"),
    ("cr", "CR", "0005"),
    ("ec", "EC", "0000"),
    ("mx", "MX", "8001"),
    ("pa", "PA", "0000"),
    ("py", "PY", "0066"),
    ("pe", "PE", "0068"),
    ("uy", "UY", "0003"),
    ("ae", "AE", "0001"),
    ("at", "AT", "0008"),
    ("be", "BE", "0004"),
    ("bg", "BG", "0000"),
    ("by", "BY", "0005"),
    ("hr", "HR", "0009"),
    ("cy", "CY", "0008"),
    ("cz", "CZ", "0002"),
    ("dk", "DK", "0001"),
    ("ee", "EE", "0009"),
    ("fi", "FI", "0001"),
    ("fr", "FR", "0003"),
    ("de", "DE", "0016"),
    ("gi", "GI", "0005"),
    ("gr", "GR", "0030"),
    ("hu", "HU", "0005"),
    ("ie", "IE", "0005"),
    ("it", "IT", "0008"),
    ("lv", "LV", "0005"),
    ("li", "LI", "0004"),
    ("lt", "LT", "0000"),
    ("lu", "LU", "0006"),
    ("mt", "MT", "0007"),
    ("nl", "NL", "0002"),
    ("no", "NO", "0007"),
    ("pl", "PL", "0005"),
    ("pt", "PT", "0007"),
    ("ro", "RO", "0001"),
    ("si", "SI", "0006"),
    ("sk", "SK", "0001"),
    ("es", "ES", "0007"),
    ("se", "SE", "0008"),
    ("ch", "CH", "0009"),
    ("gb", "GB", "0000"),
    ("au", "AU", "0006"),
    ("cn", "CN", "0002"),
    ("hk", "HK", "0004"),
    ("in", "IN", "0008"),
    ("jp", "JP", "0003"),
    ("my", "MY", "0002"),
    ("nz", "NZ", "0008"),
    ("sg", "SG", "0003"),
    ("tw", "TW", "0008"),
];

fn of_country(name: &str) -> Option<TestMethod> {
    let wanted = name.strip_prefix(OF_A_COUNTRY)?;
    let listed = COUNTRIES.iter().find(|(code, _, _)| *code == wanted);
    listed.map(|(_, country, last4)| good("visa", last4).from(country))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_long_and_the_short_name_are_one_method() {
        assert_eq!(
            TestMethod::named("pm_card_visa_chargeDeclined"),
            TestMethod::named("pm_card_chargeDeclined")
        );
        assert!(TestMethod::named("pm_card_visa").is_some());
    }

    #[test]
    fn no_two_methods_share_a_name_and_every_name_is_found() {
        let names: Vec<String> = names().collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        assert!(names.iter().all(|name| TestMethod::named(name).is_some() && TestMethod::resembles(name)));
    }

    #[test]
    fn a_country_has_its_code_in_both_cases() {
        assert!(COUNTRIES.iter().all(|(code, country, _)| code.to_ascii_uppercase() == *country));
        assert_eq!(
            TestMethod::named("pm_card_de").map(|method| (method.country, method.last4)),
            Some(("DE", "0016"))
        );
    }

    #[test]
    fn a_method_that_is_not_in_the_table_is_unknown() {
        for name in ["pm_1PxVisa", "", "pm_card_", "pm_card_vissa", "pm_card_DE"] {
            assert_eq!(TestMethod::named(name), None, "{name}");
        }
    }
}
