//! What a request may say, and what it means, under each version of the API.

use super::*;

const INTENTS: &str = "/v1/payment_intents";
const BARE: &str = "amount=1999&currency=eur&payment_method=pm_card_visa";
const LISTED: &str = "&payment_method_types[]=card";
const OF_THE_ACCOUNT: &str = "2026-10-28.endive";
const LAST_WITH_LISTED: &str = "2026-08-26.dahlia";
const FIRST_WITHOUT: &str = "2026-09-30.endive";

fn under(version: &str, mut request: Request<Bytes>) -> Request<Bytes> {
    request.headers_mut().insert("stripe-version", version.parse().unwrap());
    request
}

fn create(client: &mut Client, version: &str, form: &str) -> Got {
    client.send(&under(version, post(INTENTS, form, None)))
}

fn confirm(client: &mut Client, version: &str, id: &str, form: &str) -> Got {
    client.send(&under(version, post(&format!("{INTENTS}/{id}/confirm"), form, None)))
}

#[test]
fn a_version_that_does_not_exist_is_refused_and_nothing_is_stored() {
    let mut client = Client::new();
    for version in ["latest", "2026-08-26", "2026-08-27.dahlia", "2026-13-45", "2099-01-01.zinnia"] {
        let refused = client.send(&under(version, post(INTENTS, VISA, Some("k"))));
        assert_eq!(refused.refusal(), (400, "none", "none"), "{version}");
        assert_eq!(refused.body["error"]["type"], "invalid_request_error", "{version}");
        assert_eq!(refused.header("stripe-version"), Some(OF_THE_ACCOUNT), "{version}");
    }
    assert_eq!(client.post_with_key(INTENTS, VISA, "k").header("idempotent-replayed"), None);
}

#[test]
fn an_answer_names_the_version_it_was_given_under() {
    let mut client = Client::new();
    for version in ["2020-08-27", "2022-11-15", "2024-09-30.acacia", LAST_WITH_LISTED, "2026-10-28.endive"] {
        let created = create(&mut client, version, BARE);
        assert_eq!((created.status, created.header("stripe-version")), (200, Some(version)));
    }
}

#[test]
fn who_names_no_version_is_answered_under_the_accounts_which_may_be_newer_than_theirs() {
    let mut client = Client::new();
    let mut silent = |form: &str| {
        let mut request = post(INTENTS, form, None);
        request.headers_mut().remove("stripe-version");
        client.send(&request)
    };
    assert_eq!(silent(BARE).header("stripe-version"), Some(OF_THE_ACCOUNT));
    let listed = silent(&format!("{BARE}{LISTED}"));
    assert_eq!(listed.refusal(), (400, "payment_method_types_no_longer_supported", "none"));
}

#[test]
fn listed_types_are_gone_since_endive_wherever_they_were_taken() {
    let mut client = Client::new();
    let listed = format!("{BARE}{LISTED}");
    let id = create(&mut client, LAST_WITH_LISTED, &listed).id();
    for version in [FIRST_WITHOUT, "2026-10-28.endive"] {
        for refused in
            [create(&mut client, version, &listed), confirm(&mut client, version, &id, &LISTED[1..])]
        {
            assert_eq!(
                refused.refusal(),
                (400, "payment_method_types_no_longer_supported", "none"),
                "{version}"
            );
            assert_eq!(refused.body["error"]["param"], "payment_method_types");
        }
    }
    let retrieved = client.send(&under(FIRST_WITHOUT, get(&format!("{INTENTS}/{id}")))).body;
    assert_eq!(retrieved["payment_method_types"], serde_json::json!(["card"]), "the object still shows them");
    assert_eq!(confirm(&mut client, FIRST_WITHOUT, &id, OFF_SESSION).body["status"], "succeeded");
}

#[test]
fn a_parameter_is_unknown_before_the_version_that_brought_it() {
    for (param, before, since) in [
        ("allowed_payment_method_types[]=card", "2026-06-24.dahlia", "2026-07-29.dahlia"),
        ("excluded_payment_method_types[]=klarna", "2025-07-30.basil", "2025-08-27.basil"),
        ("hooks[inputs][tax][calculation]=x", "2025-10-29.clover", "2025-11-17.clover"),
        ("customer_account=x", "2025-11-17.clover", "2025-12-15.clover"),
        ("confirmation_token=x", "2023-10-16", "2024-04-10"),
    ] {
        let mut client = Client::new();
        let form = format!("{BARE}&{param}");
        assert_eq!(create(&mut client, before, &form).refusal().1, "parameter_unknown", "{param}");
        assert_eq!(create(&mut client, since, &form).status, 200, "{param}");
    }
    let mut client = Client::new();
    let id = create(&mut client, LAST_WITH_LISTED, BARE).id();
    let form = "amount_to_confirm=1999&off_session=true";
    assert_eq!(confirm(&mut client, "2026-03-25.dahlia", &id, form).refusal().1, "parameter_unknown");
    assert_eq!(confirm(&mut client, "2026-04-22.dahlia", &id, form).body["status"], "succeeded");
}

#[test]
fn allowed_types_filter_in_silence_and_go_with_no_other_choice() {
    let mut client = Client::new();
    let allowed = |types: &str| format!("{BARE}&allowed_payment_method_types[]={types}");
    let intent =
        create(&mut client, LAST_WITH_LISTED, &allowed("card&allowed_payment_method_types[]=ideal")).body;
    assert_eq!(intent["payment_method_types"], serde_json::json!(["card"]));
    assert_eq!(intent["allowed_payment_method_types"], serde_json::json!(["card", "ideal"]));
    for other in [
        "payment_method_types[]=card",
        "excluded_payment_method_types[]=klarna",
        "automatic_payment_methods[enabled]=true",
    ] {
        let refused = create(&mut client, LAST_WITH_LISTED, &format!("{}&{other}", allowed("card")));
        assert_eq!(refused.refusal(), (400, "parameters_exclusive", "none"), "{other}");
    }
    let excluded = format!("{BARE}&excluded_payment_method_types[]=klarna");
    let intent = create(&mut client, LAST_WITH_LISTED, &excluded).body;
    assert_eq!(intent["payment_method_types"], serde_json::json!(["card", "link"]));
}

#[test]
fn methods_that_the_account_chooses_need_a_return_url_unless_nobody_is_there() {
    let mut client = Client::new();
    let url = "return_url=https%3A%2F%2Fexample.com";
    for (form, param) in [
        ("", Some("return_url")),
        ("error_on_requires_action=true", Some("error_on_requires_action")),
        (OFF_SESSION, Some("error_on_requires_action")),
        (url, None),
        ("off_session=true", None),
        ("off_session=recurring", None),
    ] {
        let id = create(&mut client, FIRST_WITHOUT, BARE).id();
        let confirmed = confirm(&mut client, FIRST_WITHOUT, &id, form);
        assert_eq!(confirmed.body["error"]["param"].as_str(), param, "{form}");
        assert_eq!(confirmed.status == 200, param.is_none(), "{form}");
    }
}

#[test]
fn a_client_that_names_no_types_gets_cards_until_2023_08_16_and_then_what_the_account_enables() {
    let mut client = Client::new();
    let older = create(&mut client, "2022-11-15", BARE).body;
    assert_eq!(older["payment_method_types"], serde_json::json!(["card"]));
    assert_eq!(older["automatic_payment_methods"], Value::Null);
    let id = older["id"].as_str().unwrap().to_owned();
    assert_eq!(confirm(&mut client, "2022-11-15", &id, "error_on_requires_action=true").status, 200);
    let newer = create(&mut client, "2023-08-16", BARE).body;
    assert_eq!(newer["payment_method_types"], serde_json::json!(["card", "link", "klarna"]));
    assert_eq!(newer["automatic_payment_methods"]["enabled"], true);
}

#[test]
fn money_is_captured_asynchronously_since_2024_04_10_unless_the_client_says_otherwise() {
    let mut client = Client::new();
    for (version, form, capture) in [
        ("2023-10-16", BARE.to_owned(), "automatic"),
        ("2024-04-10", BARE.to_owned(), "automatic_async"),
        (LAST_WITH_LISTED, format!("{BARE}&capture_method=automatic"), "automatic"),
    ] {
        assert_eq!(create(&mut client, version, &form).body["capture_method"], capture, "{version}");
    }
}
