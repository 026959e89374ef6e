//! One corpus of message bodies: what each means to the consumer. `chaos/tests/suite/consumer/bodies.rs` holds the suite's own
//! reader, and the whole consumer, to the same file.

use payments::payment::{Body, Drill};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    body: String,
    is: String,
    says: Option<String>,
}

const PLAIN: &str =
    r#"{"payment_id":"order-1","amount":1999,"currency":"eur","payment_method":"pm_card_visa"}"#;
const FULL: &str = r#"{"payment_id":"order-1","amount":1999,"currency":"eur","payment_method":"pm_card_visa","customer":"cus_1","description":"2 CDs","metadata":{"k":"v"}}"#;

#[test]
fn every_body_of_the_corpus_means_what_it_says_there() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("bodies.json")).expect("valid");
    for Case { body, is, says } in cases {
        let (meaning, error) = match Body::parse(&body) {
            Ok(Body::Payment(payment)) => match serde_json::to_string(&payment).expect("serialises").as_str()
            {
                PLAIN => ("plain", None),
                FULL => ("full", None),
                _ => ("another payment", None),
            },
            Ok(Body::Drill(Drill::Succeed)) => ("drill that succeeds", None),
            Ok(Body::Drill(Drill::Fail)) => ("drill that fails", None),
            Err(malformed) => ("malformed", Some(malformed.to_string())),
        };
        assert_eq!(meaning, is, "{body:?}: {error:?}");
        let begins = says.as_deref().unwrap_or_default();
        assert!(error.as_deref().unwrap_or_default().starts_with(begins), "{body:?}: {error:?}");
        assert_eq!(error.is_some(), says.is_some(), "{body:?}");
    }
}
