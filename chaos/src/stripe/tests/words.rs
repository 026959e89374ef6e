//! The words in which the fake's issuers decline are words that the client takes for an issuer's.

use super::super::cards::{Bank, Behaviour};
use super::super::test_methods::TEST_METHODS;
use ::stripe::words::{ISSUER_CODES, ISSUER_DECLINE_CODES};

#[test]
fn every_decline_is_in_words_that_the_client_takes_for_an_issuers() {
    for (name, method) in TEST_METHODS {
        if let Behaviour::Declines(decline) | Behaviour::Pends(Bank::Declines(decline)) = method.behaviour {
            let by_code = ISSUER_CODES.contains(&decline.code.name());
            let by_decline_code =
                decline.decline_code.is_some_and(|code| ISSUER_DECLINE_CODES.contains(&code));
            assert!(by_code || by_decline_code, "{name}: {decline:?}");
        }
    }
}
