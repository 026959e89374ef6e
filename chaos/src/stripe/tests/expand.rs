//! What a request may say beyond what the functions say, and what an answer shows beyond ids.

use super::*;

const INTENTS: &str = "/v1/payment_intents";

fn paid(client: &mut Client) -> String {
    let id = client.post(INTENTS, &format!("{VISA}&customer=cus_1&transfer_group=g")).id();
    client.confirm(&id, OFF_SESSION);
    id
}

fn retrieve(client: &mut Client, id: &str, expand: &str) -> Got {
    client.get(&format!("{INTENTS}/{id}?{expand}"))
}

#[test]
fn an_expanded_id_is_the_object_it_names() {
    let mut client = Client::new();
    let id = paid(&mut client);
    let plain = client.retrieve(&id);
    let paths =
        "expand[]=latest_charge&expand[]=payment_method&expand[]=customer&expand[]=latest_charge.customer";
    let expanded = retrieve(&mut client, &id, paths).body;
    for (field, object) in
        [("latest_charge", "charge"), ("payment_method", "payment_method"), ("customer", "customer")]
    {
        assert_eq!((&expanded[field]["object"], &expanded[field]["id"]), (&object.into(), &plain[field]));
    }
    let charge = &expanded["latest_charge"];
    assert_eq!(
        (&charge["status"], &charge["paid"], &charge["captured"]),
        (&"succeeded".into(), &true.into(), &true.into())
    );
    assert_eq!((&charge["amount_captured"], &charge["transfer_group"]), (&1999.into(), &"g".into()));
    assert_eq!((&charge["customer"]["object"], &charge["payment_intent"]), (&"customer".into(), &id.into()));
}

#[test]
fn a_declined_intent_expands_to_a_failed_charge_and_keeps_its_null() {
    let mut client = Client::new();
    let id = client.create("pm_card_chargeDeclined");
    assert_eq!(retrieve(&mut client, &id, "expand[]=latest_charge").body["latest_charge"], Value::Null);
    client.confirm(&id, OFF_SESSION);
    let expanded = retrieve(&mut client, &id, "expand[]=latest_charge&expand[]=payment_method").body;
    let charge = &expanded["latest_charge"];
    assert_eq!((&charge["status"], &charge["failure_code"]), (&"failed".into(), &"card_declined".into()));
    assert_eq!((&charge["outcome"]["reason"], &charge["paid"]), (&"generic_decline".into(), &false.into()));
    assert_eq!(expanded["payment_method"], Value::Null);
}

#[test]
fn every_call_that_shows_an_intent_expands_it() {
    let mut client = Client::new();
    let created = client.post(INTENTS, &format!("{VISA}&expand[]=payment_method"));
    assert_eq!(created.body["payment_method"]["object"], "payment_method");
    let id = created.id();
    let confirmed = client.confirm(&id, &format!("{OFF_SESSION}&expand[0]=latest_charge")).body;
    assert_eq!(confirmed["latest_charge"]["object"], "charge");
    let listed = client.get(&format!("{INTENTS}?expand[]=data.latest_charge.payment_intent")).body;
    assert_eq!(listed["data"][0]["latest_charge"]["payment_intent"]["id"], id.as_str());
    client.now = client.now.plus_ms(60_000);
    let path = "search?query=amount%3E0&expand[]=data.latest_charge&expand[]=total_count";
    let found = client.get(&format!("{INTENTS}/{path}")).body;
    assert_eq!(
        (&found["total_count"], &found["data"][0]["latest_charge"]["object"]),
        (&1.into(), &"charge".into())
    );
    let other = client.create("pm_card_visa");
    let canceled = client.post(&format!("{INTENTS}/{other}/cancel"), "expand[]=payment_method").body;
    assert_eq!(canceled["payment_method"]["object"], "payment_method");
}

#[test]
fn what_cannot_be_expanded_is_refused() {
    let mut client = Client::new();
    let id = paid(&mut client);
    for path in [
        "amount",
        "latest_charge.amount",
        "data.latest_charge",
        "customer.subscriptions",
        "",
        "latest_charge.",
    ] {
        let refused = retrieve(&mut client, &id, &format!("expand[]={path}"));
        assert_eq!((refused.status, &refused.body["error"]["param"]), (400, &"expand".into()), "{path}");
    }
    assert_eq!(client.get(&format!("{INTENTS}?expand[]=latest_charge")).status, 400);
    assert_eq!(client.get("/v1/balance?expand[]=available").status, 400);
    let unknown_to_the_fake = retrieve(&mut client, &id, "expand[]=latest_charge.balance_transaction");
    assert_eq!(unknown_to_the_fake.body["latest_charge"]["balance_transaction"], Value::Null);
}

#[test]
fn documented_parameters_are_taken_and_shown_where_the_intent_has_a_field() {
    let mut client = Client::new();
    let form = format!(
        "{VISA}&receipt_email=a%40example.com&statement_descriptor=SHOP&statement_descriptor_suffix=ORDER\
         &setup_future_usage=off_session&transfer_group=g&application_fee_amount=10&on_behalf_of=acct_1\
         &transfer_data[destination]=acct_1&transfer_data[amount]=5&confirmation_method=manual\
         &shipping[name]=Ada&shipping[address][city]=Paris&mandate_data[customer_acceptance][type]=offline\
         &payment_method_options[card][request_three_d_secure]=any&radar_options[session]=rse_1"
    );
    let intent = client.post(INTENTS, &form).body;
    for (field, value) in [
        ("receipt_email", Value::from("a@example.com")),
        ("statement_descriptor", "SHOP".into()),
        ("statement_descriptor_suffix", "ORDER".into()),
        ("setup_future_usage", "off_session".into()),
        ("transfer_group", "g".into()),
        ("application_fee_amount", 10.into()),
        ("on_behalf_of", "acct_1".into()),
        ("transfer_data", serde_json::json!({ "destination": "acct_1", "amount": 5 })),
        ("confirmation_method", "manual".into()),
        ("shipping", serde_json::json!({ "name": "Ada", "address": { "city": "Paris" } })),
    ] {
        assert_eq!(intent[field], value, "{field}");
    }
    let id = intent["id"].as_str().unwrap().to_owned();
    let confirmed = client.confirm(&id, &format!("{OFF_SESSION}&receipt_email=&shipping[name]=Bob")).body;
    assert_eq!((&confirmed["receipt_email"], &confirmed["shipping"]["name"]), (&Value::Null, &"Bob".into()));
    assert_eq!(confirmed["transfer_group"], "g");
}

#[test]
fn a_parameter_of_another_call_or_shape_is_unknown() {
    let mut client = Client::new();
    let id = client.create("pm_card_visa");
    for form in ["transfer_group=g", "description=x", "confirm=true", "receipt_email[x]=y", "shipping=x"] {
        assert_eq!(client.confirm(&id, form).refusal().1, "parameter_unknown", "{form}");
    }
    for form in [
        "amount_to_confirm=1",
        "amount[x]=1",
        "refund=1",
        "payment_method_types[x]=card",
        "expand[x]=customer",
    ] {
        let refused = client.post(INTENTS, &format!("{VISA}&{form}"));
        assert_eq!(refused.refusal().1, "parameter_unknown", "{form}");
    }
    let deep = format!("{VISA}&shipping{}=1", "[a]".repeat(10_000));
    assert_eq!(client.post(INTENTS, &deep).refusal().1, "parameter_unknown");
    assert_eq!(
        client.post(INTENTS, &format!("{VISA}&application_fee_amount=x")).refusal().1,
        "parameter_invalid_integer"
    );
}
