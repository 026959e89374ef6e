//! Who speaks in an error: the issuer of a card, Stripe of our account, or Stripe of the request.
//!
//! A 402 says only that a request failed. Whether that is a decline, which settles a payment, is told by its code and
//! decline code: issuers have their words, and whatever is not among them says nothing about the card.
//! Sources: <https://docs.stripe.com/declines/codes>, <https://docs.stripe.com/error-codes>.
//! Invariant: every error code here is one that the official SDK of the pinned version knows (`ci/stripe-contract`).

/// Error codes (`error.code`) with which an issuer, or what stands between Stripe and it, says no to one payment.
pub const ISSUER_CODES: [&str; 27] = [
    "account_closed",
    "authentication_required",
    "bank_account_declined",
    "bank_account_restricted",
    "card_decline_rate_limit_exceeded",
    "card_declined",
    "debit_not_authorized",
    "expired_card",
    "expired_payment_method",
    "incorrect_address",
    "incorrect_cvc",
    "incorrect_number",
    "incorrect_postal_code",
    "incorrect_zip",
    "india_recurring_payment_mandate_canceled",
    "insufficient_funds",
    "invalid_cvc",
    "invalid_expiry_month",
    "invalid_expiry_year",
    "invalid_number",
    "no_account",
    "payment_intent_authentication_failure",
    "payment_intent_payment_attempt_failed",
    "payment_method_customer_decline",
    "payment_method_provider_decline",
    "processing_error",
    "refer_to_customer",
];

/// Decline codes (`error.decline_code`), which issuers and card networks give as their reason.
pub const ISSUER_DECLINE_CODES: [&str; 48] = [
    "approve_with_id",
    "authentication_required",
    "call_issuer",
    "card_not_supported",
    "card_velocity_exceeded",
    "currency_not_supported",
    "do_not_honor",
    "do_not_try_again",
    "duplicate_transaction",
    "expired_card",
    "fraudulent",
    "generic_decline",
    "incorrect_address",
    "incorrect_cvc",
    "incorrect_number",
    "incorrect_pin",
    "incorrect_zip",
    "insufficient_funds",
    "invalid_account",
    "invalid_amount",
    "invalid_cvc",
    "invalid_expiry_month",
    "invalid_expiry_year",
    "invalid_number",
    "invalid_pin",
    "issuer_not_available",
    "lost_card",
    "merchant_blacklist",
    "mobile_device_authentication_required",
    "new_account_information_available",
    "no_action_taken",
    "not_permitted",
    "offline_pin_required",
    "online_or_offline_pin_required",
    "pickup_card",
    "pin_try_exceeded",
    "processing_error",
    "reenter_transaction",
    "restricted_card",
    "revocation_of_all_authorizations",
    "revocation_of_authorization",
    "security_violation",
    "service_not_allowed",
    "stolen_card",
    "stop_payment_order",
    "transaction_not_allowed",
    "try_again_later",
    "withdrawal_count_limit_exceeded",
];

/// Decline codes that no issuer gives, though they come with `card_declined`: the card is of the other mode. Said of
/// every card, they mean that our key is.
pub const MODE_DECLINE_CODES: [&str; 3] = ["live_mode_test_card", "test_mode_live_card", "testmode_decline"];

/// Error codes with which Stripe refuses the account or its key, whatever is asked.
pub const ACCOUNT_CODES: [&str; 8] = [
    "api_key_expired",
    "capability_not_active",
    "not_allowed_on_standard_account",
    "platform_account_required",
    "platform_api_key_expired",
    "secret_key_required",
    "testmode_charges_only",
    "tls_version_unsupported",
];

/// Whether an error with these codes is an issuer's no.
pub(crate) fn is_issuers(code: Option<&str>, decline_code: Option<&str>) -> bool {
    let is_in = |table: &[&str], word: Option<&str>| word.is_some_and(|word| table.contains(&word));
    !is_in(&MODE_DECLINE_CODES, decline_code)
        && (is_in(&ISSUER_CODES, code) || is_in(&ISSUER_DECLINE_CODES, decline_code))
}

/// Whether an error with this code is about our account.
pub(crate) fn is_about_the_account(code: &str) -> bool {
    ACCOUNT_CODES.contains(&code)
}
