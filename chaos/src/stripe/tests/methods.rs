//! Payment methods: which ids there are, and how often each can pay.

use super::*;
use crate::faults::{Kind, Window};
use crate::random::Chance;

const INTENTS: &str = "/v1/payment_intents";
const REAL: &str = "pm_1QabcDEF2eZvKYlo";

/// An intent of this method and customer.
fn create(client: &mut Client, method: &str, customer: Option<&str>) -> Got {
    client.now = client.now.plus_ms(1_000);
    let owner = customer.map_or(String::new(), |id| format!("&customer={id}"));
    client.post(INTENTS, &format!("{}{owner}", VISA.replace("pm_card_visa", method)))
}

fn confirm(client: &mut Client, id: &str, method: &str) -> Got {
    client.confirm(id, &format!("{OFF_SESSION}&payment_method={method}"))
}

#[test]
fn any_well_formed_id_is_a_good_card_and_keeps_its_id() {
    let mut client = Client::new();
    for method in [REAL, "pm_1", "pm_abc_DEF_9"] {
        let id = create(&mut client, method, None).id();
        let confirmed = client.confirm(&id, OFF_SESSION).body;
        assert_eq!(
            (&confirmed["status"], &confirmed["payment_method"]),
            (&"succeeded".into(), &method.into())
        );
    }
}

#[test]
fn what_is_no_id_and_what_misspells_a_test_method_is_missing() {
    let mut client = Client::new();
    for method in
        ["pm_", "pm_ 1", "pm_1-2", "visa", "card_1", "pm_card_vissa", "pm_card_", "pm_usBankAccount_x"]
    {
        let refused = create(&mut client, method, None);
        assert_eq!(refused.refusal(), (400, "resource_missing", "none"), "{method}");
        assert_eq!(refused.body["error"]["param"], "payment_method", "{method}");
    }
}

#[test]
fn a_method_that_belongs_to_nobody_pays_once() {
    let mut client = Client::new();
    let first = create(&mut client, REAL, None).id();
    let second = create(&mut client, REAL, None).id();
    assert_eq!(client.confirm(&first, OFF_SESSION).status, 200);
    for refused in [
        client.confirm(&second, OFF_SESSION),
        create(&mut client, REAL, None),
        create(&mut client, REAL, Some("cus_1")),
    ] {
        assert_eq!(refused.refusal(), (400, "none", "none"));
        assert_eq!(refused.body["error"]["type"], "invalid_request_error");
    }
    assert_eq!(client.retrieve(&second)["status"], "requires_confirmation");
    assert_eq!(client.movements(), 1);
}

#[test]
fn an_attempt_spends_a_method_whatever_the_issuer_says() {
    for kind in [Kind::Declined, Kind::DeclinedSoftly, Kind::Processing] {
        let mut client = Client::under(&[Fault::steady(kind, Chance::ALWAYS, Window::ALWAYS)]);
        let first = create(&mut client, REAL, None).id();
        client.confirm(&first, OFF_SESSION);
        let second = create(&mut client, REAL, None);
        assert_eq!(second.refusal(), (400, "none", "none"), "{kind}");
    }
}

#[test]
fn after_a_decline_the_same_method_is_refused_and_the_decline_stays_known() {
    let mut client = Client::under(&[Fault::steady(Kind::Declined, Chance::ALWAYS, Window::ALWAYS)]);
    let id = create(&mut client, REAL, None).id();
    assert_eq!(client.confirm(&id, OFF_SESSION).refusal().0, 402);
    assert_eq!(confirm(&mut client, &id, REAL).refusal(), (400, "none", "none"));
    let intent = client.retrieve(&id);
    assert_eq!(intent["status"], "requires_payment_method");
    assert_eq!(intent["last_payment_error"]["code"], "card_declined");
}

#[test]
fn a_method_of_a_customer_pays_again() {
    let mut client = Client::new();
    for _ in 0..3 {
        let id = create(&mut client, REAL, Some("cus_1")).id();
        assert_eq!(client.confirm(&id, OFF_SESSION).body["status"], "succeeded");
    }
    assert_eq!(client.movements(), 3);
}

#[test]
fn the_name_of_a_test_method_can_be_used_for_ever_but_each_copy_once() {
    let mut client = Client::new();
    let id = create(&mut client, "pm_card_chargeDeclinedProcessingError", None).id();
    for _ in 0..3 {
        let declined = confirm(&mut client, &id, "pm_card_chargeDeclinedProcessingError");
        assert_eq!(declined.refusal().1, "processing_error");
    }
    let paid = create(&mut client, "pm_card_visa", None);
    let copy = paid.body["payment_method"].as_str().unwrap().to_owned();
    assert_eq!(client.confirm(&paid.id(), OFF_SESSION).status, 200);
    assert_eq!(create(&mut client, &copy, None).refusal(), (400, "none", "none"));
    assert_eq!(create(&mut client, "pm_card_visa", None).status, 200);
}

#[test]
fn whoever_must_act_first_has_spent_nothing() {
    let mut client = Client::new();
    let created = create(&mut client, "pm_card_authenticationRequired", None);
    let copy = created.body["payment_method"].as_str().unwrap().to_owned();
    let id = created.id();
    assert_eq!(client.confirm(&id, "").body["status"], "requires_action");
    assert_eq!(confirm(&mut client, &id, &copy).refusal().1, "authentication_required");
    assert_eq!(confirm(&mut client, &id, &copy).refusal(), (400, "none", "none"));
}

#[test]
fn test_methods_do_what_is_documented() {
    for (method, status) in [
        ("pm_card_visa_debit", "succeeded"),
        ("pm_card_mastercard_prepaid", "succeeded"),
        ("pm_card_jcb", "succeeded"),
        ("pm_card_br", "succeeded"),
        ("pm_card_createDispute", "succeeded"),
        ("pm_card_riskLevelElevated", "succeeded"),
        ("pm_card_cvcCheckFail", "succeeded"),
        ("pm_card_bypassPending", "succeeded"),
        ("pm_card_authenticationRequiredSetupForOffSession", "succeeded"),
        ("pm_card_riskLevelHighest", "fraudulent"),
        ("pm_card_authenticationRequiredOnSetup", "authentication_required"),
        ("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds", "authentication_required"),
        ("pm_card_chargeCustomerFail", "generic_decline"),
    ] {
        let mut client = Client::new();
        let id = create(&mut client, method, None).id();
        let body = client.confirm(&id, OFF_SESSION).body;
        let said = body["status"].as_str().or(body["error"]["decline_code"].as_str());
        assert_eq!(said, Some(status), "{method}");
    }
    let mut client = Client::new();
    let id = create(&mut client, "pm_card_authenticationRequiredSetupForOffSession", None).id();
    assert_eq!(
        client.confirm(&id, "").body["status"],
        "requires_action",
        "somebody is there to authenticate"
    );
}
