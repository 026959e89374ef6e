//! A row that was emptied as `docs/personal-data.md` says: what is left of it, and what a repeat of its message comes to.

use crate::consumer::VISA;
use crate::consumer::town::{Plan, Town, in_town};
use chaos::cloud::services::Caller;
use chaos::world::own_template;
use serde_json::{Value, json};
use std::fs;

const PRIVATE: &str = "Zimtschnecke";

/// What follows an option of the page's command, between its quotes.
fn option(command: &str, name: &str) -> String {
    let (_, after) = command.split_once(name).unwrap_or_else(|| panic!("{name} is missing: {command}"));
    after.split('\'').nth(1).expect("it is quoted").to_owned()
}

/// The command, as DynamoDB gets it.
fn erasure() -> Value {
    let page = own_template().with_file_name("docs").join("personal-data.md");
    let page = fs::read_to_string(page).expect("the page is readable");
    let (_, command) = page.split_once("aws dynamodb update-item").expect("the command is there");
    let parsed = |name: &str| serde_json::from_str::<Value>(&option(command, name)).expect("JSON");
    json!({
        "TableName": "payments-ledger",
        "Key": parsed("--key "),
        "UpdateExpression": option(command, "--update-expression "),
        "ConditionExpression": option(command, "--condition-expression "),
        "ExpressionAttributeNames": parsed("--expression-attribute-names "),
        "ExpressionAttributeValues": parsed("--expression-attribute-values "),
    })
}

/// The status that it is answered with.
fn erase(town: &Town) -> u16 {
    let (services, caller) = (town.cloud.services(), Caller { who: None, request: "", behind_ms: 0 });
    let now = services.clock().now();
    services.dynamodb().answer("UpdateItem", erasure().to_string().as_bytes(), caller, now).status
}

fn message() -> String {
    let text = json!({
        "payment_id": "order-1042", "amount": 1999, "currency": "eur", "payment_method": VISA, "customer": "cus_Zimtschnecke",
        "description": PRIVATE, "metadata": { "an": PRIVATE },
    });
    text.to_string()
}

fn ledger(town: &Town) -> String {
    format!("{:?}", town.cloud.services().dynamodb().items("payments-ledger"))
}

#[test]
fn an_emptied_row_says_nothing_of_a_person_and_still_keeps_its_payment_from_being_charged_again() {
    in_town(Plan::default(), async |town| {
        assert_eq!(erase(&town), 400, "there is no row yet, and none may be made");
        town.send(&message());
        town.pass_s(60).await;
        assert!(ledger(&town).contains(PRIVATE));
        assert_eq!(erase(&town), 200);
        let left = ledger(&town);
        assert!(!left.contains(PRIVATE) && !left.contains(VISA) && left.contains("pi_"), "{left}");
        town.send(&message());
        town.pass_s(60).await;
        assert_eq!(town.charges(), [("order-1042".to_owned(), 1999)]);
        let reasons: Vec<_> =
            town.quarantined().iter().map(|copy| copy["quarantine_reason"].clone()).collect();
        assert_eq!(reasons, ["conflicting_request"]);
        assert_eq!(town.states()["order-1042"], "succeeded");
    });
}
