//! The edge on a port: what a shop, a customer and a stranger are answered.
//!
//! The script stands for every function, so what the status function says is not looked at here: `ci/walkthrough` does.

use crate::{Up, asked, offer, template, wait_until};
use chaos::world::own_edge;
use std::collections::BTreeMap;

fn at_the_edge(test: &str) -> Up {
    let folder = template(test);
    let offer = offer(&folder, "bootstrap");
    let deployed = offer.deployed.with_edge(&own_edge(), &BTreeMap::new()).expect("it is good");
    Up::of(folder, chaos::up::Offer { deployed, edge_port: Some(0), ..offer })
}

#[test]
fn a_shop_hands_in_and_is_given_a_link() {
    let mut up = at_the_edge("edge");
    let edge = up.standing.edge.clone().expect("it is served");
    let payment =
        r#"{"payment_id":"order-7","amount":1999,"currency":"eur","payment_method":"pm_card_visa"}"#;
    let authorization = format!("Authorization: {}", edge.authorization);
    let handed_in = asked(&edge.base, "POST", "/payments", &[&authorization, "Payment-Id: order-7"], payment);
    assert_eq!(handed_in.status, 202, "{}", handed_in.body);
    let link = handed_in.value()["link"].as_str().expect("a link").to_owned();
    assert!(link.starts_with("/p/order-7."), "{link}");
    assert!(handed_in.head.contains("cache-control: no-store"), "{}", handed_in.head);
    wait_until("the consumer has it", || up.log().iter().any(|line| line.contains("platform.start")));

    let unauthorized = asked(&edge.base, "POST", "/payments", &["Payment-Id: order-8"], payment);
    assert_eq!(unauthorized.status, 401, "{}", unauthorized.body);
    let forged =
        asked(&edge.base, "GET", &link.replace("order-7", "order-8"), &["Accept: application/json"], "");
    assert_eq!((forged.status, forged.value()["state"].as_str()), (404, Some("no_link")));
    assert_eq!(asked(&edge.base, "GET", "/health", &[], "").status, 200);
    up.end();
}

#[test]
fn nobody_listens_for_an_edge_that_nobody_asked_for() {
    let mut up = Up::new("no-edge");
    assert_eq!(up.standing.edge, None);
    up.end();
}
