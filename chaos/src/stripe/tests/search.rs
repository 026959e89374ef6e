//! Searching intents: the query language, pages, and an index that lags behind.

use super::*;
use crate::stripe::limits::{SEARCHABLE_MS_MAX, SEARCHES_PER_S};

const INTENTS: &str = "/v1/payment_intents";
const LATEST: i64 = SEARCHABLE_MS_MAX as i64;

fn search(client: &mut Client, query: &str, more: &str) -> Got {
    let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("query", query).finish();
    client.get(&format!("{INTENTS}/search?{query}{more}"))
}

/// How many intents a query finds.
fn found(client: &mut Client, query: &str) -> usize {
    client.now = client.now.plus_ms(1_000);
    let got = search(client, query, "");
    assert_eq!(got.status, 200, "{query}: {}", got.body);
    got.body["data"].as_array().unwrap().len()
}

/// Three intents that a search can tell apart, and have been there for long: `order-1` of 19.99 € is settled, `order-2`
/// of 500 ¥ is somebody's, and the third has no name.
fn account() -> Client {
    let mut client = Client::new();
    let first = client.create("pm_card_visa");
    client.confirm(&first, OFF_SESSION);
    client.now = client.now.plus_ms(10_000);
    let second = "amount=500&currency=jpy&customer=cus_Abc&metadata[payment_id]=order-2&metadata[it's]=a\"b";
    client.post(INTENTS, second).id();
    client.post(INTENTS, "amount=700&currency=usd").id();
    client.now = client.now.plus_ms(2 * LATEST);
    client
}

#[test]
fn every_clause_of_the_language_means_what_is_documented() {
    let mut client = account();
    let created = START.0 / 1_000 + 10;
    for (query, count) in [
        ("metadata['payment_id']:'order-1'", 1),
        (r#"metadata["payment_id"]:"order-2""#, 1),
        ("metadata['payment_id']:'ORDER-2'", 1),
        ("metadata['payment_id']:'order'", 0),
        ("-metadata['payment_id']:'order-1'", 2),
        ("metadata['payment_id']:null", 1),
        ("-metadata['payment_id']:NULL", 2),
        (r#"metadata["it's"]:"a\"b""#, 1),
        (r"metadata['it\'s']:'a\x22b'", 0),
        ("status:'succeeded'", 1),
        ("status:'requires_payment_method'", 2),
        ("currency:'JPY'", 1),
        ("customer:'cus_abc'", 1),
        ("customer:null", 2),
        ("amount:500", 1),
        ("amount>500", 2),
        ("amount>=\"500\"", 3),
        ("amount<700", 1),
        ("amount<=700", 2),
        ("-amount<=700", 1),
        (&format!("created:{created}"), 2),
        (&format!("created<{created}"), 1),
        ("status:'succeeded' AND currency:'eur'", 1),
        ("status:'succeeded' currency:'jpy'", 0),
        ("status:'succeeded' and currency:'jpy'", 0),
        ("status:'succeeded' OR currency:'jpy'", 2),
        ("amount:1999 or amount:500 or amount:700", 3),
    ] {
        assert_eq!(found(&mut client, query), count, "{query}");
    }
}

#[test]
fn a_query_that_cannot_be_read_is_refused() {
    let mut client = Client::new();
    let eleven = ["amount:1"; 11].join(" ");
    for query in [
        "order-1",
        "payment_id:'order-1'",
        "metadata:'order-1'",
        "metadata['payment_id']",
        "metadata['payment_id'",
        "metadata[payment_id]:'order-1'",
        "status:succeeded",
        "status:'succeeded",
        "status~'succ'",
        "status>'succeeded'",
        "amount:'ten'",
        "amount:",
        "amount",
        "amount:1 AND",
        "amount:1 AND currency:'eur' OR currency:'usd'",
        "(amount:1)",
        &eleven,
    ] {
        let refused = search(&mut client, query, "");
        assert_eq!((refused.status, &refused.body["error"]["param"]), (400, &"query".into()), "{query}");
        client.now = client.now.plus_ms(1_000);
    }
    let missing = client.get(&format!("{INTENTS}/search"));
    assert_eq!(missing.refusal(), (400, "parameter_missing", "none"));
    assert_eq!(search(&mut client, &["amount:1"; 10].join(" "), "").status, 200);
}

#[test]
fn a_search_lags_behind_by_less_than_a_minute() {
    let (mut client, mut soon) = (Client::new(), 0);
    for number in 0..50 {
        let query = format!("metadata['payment_id']:'order-{number}'");
        client.post(INTENTS, &VISA.replace("order-1", &format!("order-{number}"))).id();
        let mut found_after = |ms: i64| {
            client.now = client.now.plus_ms(ms);
            search(&mut client, &query, "").body["data"].as_array().unwrap().len()
        };
        assert_eq!(found_after(0), 0);
        soon += found_after(LATEST / 2);
        assert_eq!(found_after(LATEST - LATEST / 2), 1);
    }
    assert!((15..35).contains(&soon), "{soon}");
}

#[test]
fn a_state_is_found_late_but_shown_as_it_is() {
    let mut client = account();
    let waiting = "status:'requires_confirmation'";
    let id = client.create("pm_card_visa");
    client.now = client.now.plus_ms(LATEST);
    client.confirm(&id, OFF_SESSION);
    let got = search(&mut client, waiting, "");
    assert_eq!(
        (&got.body["data"][0]["id"], &got.body["data"][0]["status"]),
        (&id.into(), &"succeeded".into())
    );
    client.now = client.now.plus_ms(LATEST);
    assert_eq!(found(&mut client, waiting), 0);
    assert_eq!(found(&mut client, "status:'succeeded'"), 2);
}

#[test]
fn pages_of_a_search_follow_each_other_by_a_token() {
    let mut client = account();
    let everything = "amount>0";
    let first = search(&mut client, everything, "&limit=2").body;
    assert_eq!((&first["object"], &first["has_more"]), (&"search_result".into(), &true.into()));
    assert_eq!(first["url"], format!("{INTENTS}/search"));
    let next = first["next_page"].as_str().unwrap();
    let second = search(&mut client, everything, &format!("&limit=2&page={next}")).body;
    assert_eq!((&second["has_more"], &second["next_page"]), (&false.into(), &Value::Null));
    let amounts = |page: &Value| -> Vec<i64> {
        page["data"].as_array().unwrap().iter().map(|intent| intent["amount"].as_i64().unwrap()).collect()
    };
    assert_eq!((amounts(&first), amounts(&second)), (vec![700, 500], vec![1999]));
    let refused = search(&mut client, everything, "&page=nowhere");
    assert_eq!((refused.status, &refused.body["error"]["param"]), (400, &"page".into()));
}

#[test]
fn searches_have_a_smaller_budget_than_lists() {
    let mut client = Client::new();
    for _ in 0..SEARCHES_PER_S {
        assert_eq!(search(&mut client, "amount:1", "").status, 200);
    }
    assert_eq!(search(&mut client, "amount:1", "").refusal(), (429, "rate_limit", "none"));
    assert_eq!(client.get(INTENTS).status, 200);
}
