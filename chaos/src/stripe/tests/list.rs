//! Listing intents: which, in what order, page by page.

use super::*;
use crate::stripe::limits::ENDPOINT_CALLS_PER_S;

const INTENTS: &str = "/v1/payment_intents";

/// A client whose account has these intents, one a second, oldest first; and their ids.
fn with_intents(forms: &[&str]) -> (Client, Vec<String>) {
    let mut client = Client::new();
    let ids = forms.iter().map(|form| {
        client.now = client.now.plus_ms(1_000);
        client.post(INTENTS, &format!("{VISA}{form}")).id()
    });
    let ids = ids.collect();
    (client, ids)
}

fn list(client: &mut Client, query: &str) -> Got {
    client.get(&format!("{INTENTS}?{query}"))
}

/// The ids on a page, and whether there are more.
fn page(client: &mut Client, query: &str) -> (Vec<String>, bool) {
    let got = list(client, query);
    assert_eq!(got.status, 200, "{query}: {}", got.body);
    let ids =
        got.body["data"].as_array().unwrap().iter().map(|intent| intent["id"].as_str().unwrap().to_owned());
    (ids.collect(), got.body["has_more"].as_bool().unwrap())
}

fn reversed(ids: &[String]) -> Vec<String> {
    ids.iter().rev().cloned().collect()
}

#[test]
fn a_list_shows_whole_intents_the_newest_first_and_ten_at_once() {
    let (mut client, ids) = with_intents(&[""; 11]);
    let got = list(&mut client, "");
    assert_eq!((&got.body["object"], &got.body["url"]), (&"list".into(), &INTENTS.into()));
    assert_eq!(got.body["data"][0], client.retrieve(&ids[10]));
    assert_eq!(page(&mut client, ""), (reversed(&ids[1..]), true));
    assert_eq!(page(&mut client, "limit=11"), (reversed(&ids), false));
    assert_eq!(page(&mut Client::new(), ""), (Vec::new(), false));
}

#[test]
fn pages_follow_each_other_in_either_direction_and_miss_nobody() {
    let (mut client, ids) = with_intents(&[""; 7]);
    let after = |at: usize| format!("limit=3&starting_after={}", ids[at]);
    assert_eq!(page(&mut client, "limit=3"), (reversed(&ids[4..]), true));
    assert_eq!(page(&mut client, &after(4)), (reversed(&ids[1..4]), true));
    assert_eq!(page(&mut client, &after(1)), (reversed(&ids[..1]), false));
    assert_eq!(page(&mut client, &after(0)), (Vec::new(), false));
    let before = |at: usize| format!("limit=3&ending_before={}", ids[at]);
    assert_eq!(page(&mut client, &before(0)), (reversed(&ids[1..4]), true));
    assert_eq!(page(&mut client, &before(3)), (reversed(&ids[4..]), false));
    assert_eq!(page(&mut client, &before(6)), (Vec::new(), false));
}

#[test]
fn what_is_created_between_two_pages_moves_neither() {
    let (mut client, ids) = with_intents(&[""; 4]);
    assert_eq!(page(&mut client, "limit=2").0, reversed(&ids[2..]));
    client.create("pm_card_visa");
    assert_eq!(
        page(&mut client, &format!("limit=2&starting_after={}", ids[2])),
        (reversed(&ids[..2]), false)
    );
}

#[test]
fn a_list_can_be_of_a_time_and_every_bound_means_what_it_says() {
    let (mut client, ids) = with_intents(&[""; 5]);
    let first_s = START.0 / 1_000 + 1;
    let at = |index: i64| first_s + index;
    for (query, wanted) in [
        (format!("created={}", at(2)), 2..3),
        (format!("created[gt]={}", at(2)), 3..5),
        (format!("created[gte]={}", at(2)), 2..5),
        (format!("created[lt]={}", at(2)), 0..2),
        (format!("created[lte]={}", at(2)), 0..3),
        (format!("created[gte]={}&created[lt]={}", at(1), at(3)), 1..3),
        (format!("created[gte]={}&created[lt]={}", at(3), at(1)), 0..0),
        (format!("created[gte]={}&starting_after={}", at(1), ids[3]), 1..3),
        (format!("created[lt]={}&ending_before={}", at(4), ids[1]), 2..4),
        (format!("created[lt]={}&starting_after={}", at(1), ids[3]), 0..1),
    ] {
        assert_eq!(page(&mut client, &query), (reversed(&ids[wanted]), false), "{query}");
    }
}

#[test]
fn a_list_can_be_of_one_customer() {
    let (one, two) = ("&customer=cus_1", "&customer=cus_2");
    let (mut client, ids) = with_intents(&[one, two, "", one, two, one]);
    let theirs = [&ids[5], &ids[3], &ids[0]].map(Clone::clone);
    assert_eq!(page(&mut client, "customer=cus_1"), (theirs.to_vec(), false));
    assert_eq!(page(&mut client, "customer=cus_1&limit=2"), (theirs[..2].to_vec(), true));
    let after = format!("customer=cus_1&limit=1&starting_after={}", ids[4]);
    assert_eq!(page(&mut client, &after), (theirs[1..2].to_vec(), true));
    let before = format!("customer=cus_1&limit=1&ending_before={}", ids[0]);
    assert_eq!(page(&mut client, &before), (theirs[1..2].to_vec(), true));
    assert_eq!(page(&mut client, "customer=cus_3"), (Vec::new(), false));
}

#[test]
fn a_list_never_lags_behind() {
    let mut client = Client::new();
    let id = client.create("pm_card_visa");
    client.confirm(&id, OFF_SESSION);
    assert_eq!(list(&mut client, "").body["data"][0]["status"], "succeeded");
}

#[test]
fn a_list_that_cannot_be_is_refused_by_parameter() {
    let (mut client, ids) = with_intents(&[""]);
    let both = format!("starting_after={0}&ending_before={0}", ids[0]);
    for (query, code, param) in [
        ("starting_after=pi_nobody", "resource_missing", "starting_after"),
        ("ending_before=pi_nobody", "resource_missing", "ending_before"),
        (&both, "parameters_exclusive", "starting_after"),
        ("limit=0", "parameter_invalid_integer", "limit"),
        ("limit=101", "parameter_invalid_integer", "limit"),
        ("limit=ten", "parameter_invalid_integer", "limit"),
        ("created[gte]=yesterday", "parameter_invalid_integer", "created[gte]"),
        ("customer=", "parameter_invalid_empty", "customer"),
        ("status=succeeded", "parameter_unknown", "status"),
    ] {
        let refused = list(&mut client, query);
        assert_eq!(refused.refusal(), (400, code, "none"), "{query}");
        assert_eq!(refused.body["error"]["param"], param, "{query}");
    }
}

#[test]
fn lists_have_a_budget_of_their_own() {
    let (mut client, ids) = with_intents(&[""]);
    for _ in 0..ENDPOINT_CALLS_PER_S {
        assert_eq!(list(&mut client, "").status, 200);
    }
    assert_eq!(list(&mut client, "").refusal().0, 429);
    assert_eq!(client.retrieve(&ids[0])["id"], ids[0].as_str());
}

#[test]
fn an_object_says_the_mode_of_the_key_it_was_created_with() {
    for (key, is_live) in
        [("sk_live_1", true), ("rk_live_1", true), ("sk_test_1", false), ("rk_test_1", false)]
    {
        let faults = Faults::new(&[], 1, START, CRASH_HOPS_DEFAULT, Journal::default());
        let mut client = Client { stripe: FakeStripe::new(1, key, faults), now: START };
        let mut authorized = |mut request: Request<Bytes>| {
            request.headers_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
            client.send(&request).body
        };
        let declining = VISA.replace("pm_card_visa", "pm_card_chargeDeclined");
        let declined = authorized(post(INTENTS, &format!("{declining}&confirm=true"), None));
        assert_eq!(declined["error"]["payment_method"]["livemode"], is_live, "{key}");
        assert_eq!(authorized(get(INTENTS))["data"][0]["livemode"], is_live, "{key}");
        assert_eq!(authorized(get("/v1/balance"))["livemode"], is_live, "{key}");
    }
}
