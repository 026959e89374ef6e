//! The consumer and the suite's own reader, on the corpus of bodies that the rules are tested on.

use crate::consumer::town::{DEAD_LETTERS, Plan, QUARANTINE, SOURCE, in_town};
use chaos::cloud::sqs::payment_in;
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    body: String,
    is: String,
    says: Option<String>,
}

fn corpus() -> Vec<Case> {
    serde_json::from_str(include_str!("../../../../functions/payments/tests/bodies.json")).expect("valid")
}

#[test]
fn every_body_of_the_corpus_ends_where_its_meaning_belongs() {
    for Case { body, is, says } in corpus().into_iter().filter(|case| !case.body.is_empty()) {
        in_town(Plan::default(), async |town| {
            town.send(&body);
            town.pass_s(60).await;
            let waits = town.held(SOURCE).len() + town.held(DEAD_LETTERS).len();
            let ends = (town.charges().len(), town.held(QUARANTINE).len(), waits);
            let expected = match is.as_str() {
                "plain" | "full" => (1, 0, 0),
                "malformed" => (0, 1, 0),
                "drill that succeeds" => (0, 0, 0),
                "drill that fails" => (0, 0, 1),
                other => panic!("the corpus knows no {other}"),
            };
            assert_eq!(ends, expected, "{body:?}");
            if let Some(says) = says {
                let detail = &town.quarantined()[0]["quarantine_detail"];
                assert!(detail.starts_with(&says), "{body:?}: {detail}");
            }
        });
    }
}

#[test]
fn the_suites_reader_names_the_payment_that_the_consumer_charges() {
    for Case { body, is, .. } in corpus() {
        match is.as_str() {
            "plain" | "full" => assert_eq!(payment_in(&body).as_deref(), Some("order-1"), "{body:?}"),
            "drill that succeeds" | "drill that fails" => assert_eq!(payment_in(&body), None, "{body:?}"),
            // It may name the payment that a malformed body was about: plans and stories are told by it.
            _ => {}
        }
    }
}
