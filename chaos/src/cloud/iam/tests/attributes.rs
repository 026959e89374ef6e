//! What a role may see of an item, as that of the status function of `edge/` is held to it.

use super::refusals::world;
use super::*;
use crate::cloud::services::{Caller, Service};
use crate::template::{Deployment, Stack};
use crate::world::own_template;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// The policies in `edge/template.yaml`, for a ledger that is called `ledger` here.
static EDGE: LazyLock<Policies> = LazyLock::new(|| {
    let given = [
        ("SystemName", "payments"),
        ("HandInAuthorization", "JWT"),
        ("JwtIssuer", "https://issuer.example"),
        ("JwtAudience", "payments"),
    ];
    let parameters = given.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let deployment = Deployment { parameters, ..Deployment::default() };
    let template = own_template().with_file_name("edge").join("template.yaml");
    let stack = Stack::load(&template, &deployment).unwrap_or_else(|error| panic!("{error}"));
    let mut policies = stack.policies;
    let statements = policies.roles.values_mut().flat_map(|role| &mut role.statements);
    for resource in statements.flat_map(|statement| &mut statement.resources) {
        *resource = resource.replace("payments-ledger", "ledger");
    }
    policies
});

fn of_the_edge() -> Policies {
    EDGE.clone()
}

fn status() -> Principal {
    Principal::Function {
        role: "payments-StatusRole".to_owned(),
        function: "payments-edge-status".to_owned(),
    }
}

/// Under the policies of the edge, a world with a ledger.
fn asked(policies: Policies, operation: &str, body: &Value) -> u16 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("there is a runtime").block_on(async {
        let mut all = role(vec![]);
        all.extend(policies);
        let world = world(all);
        let (body, who) = (body.to_string(), status());
        let caller = Caller { who: Some(&who), ..Caller::default() };
        world.cloud.services().answer(Service::DynamoDb, operation, body.as_bytes(), caller).await.status
    })
}

fn look(projection: Option<&str>) -> Value {
    let names = json!({ "#i": "intent_id", "#s": "state" });
    let mut body = json!({ "TableName": "ledger", "Key": { "payment_id": { "S": "order-1" } } });
    if let Some(projection) = projection {
        body["ProjectionExpression"] = projection.into();
        let used = names.as_object().into_iter().flatten().filter(|(name, _)| projection.contains(*name));
        let used: serde_json::Map<String, Value> =
            used.map(|(name, of)| (name.clone(), of.clone())).collect();
        if !used.is_empty() {
            body["ExpressionAttributeNames"] = used.into();
        }
    }
    body
}

#[test]
fn the_status_function_may_see_no_other_attribute_and_no_whole_row() {
    let status_of = |body: &Value| asked(of_the_edge(), "GetItem", body);
    assert_eq!(status_of(&look(Some("#s, amount"))), 200);
    for projection in ["#i", "#s, #i", "#s,intent_id", "#s, attempts[0].at", "description"] {
        assert_eq!(status_of(&look(Some(projection))), 400, "{projection}");
    }
    assert_eq!(status_of(&look(None)), 400, "whoever names none asks for all");
}

#[test]
fn the_status_function_may_read_one_row_at_a_time_and_write_none() {
    let key = json!({ "payment_id": { "S": "order-1" } });
    let calls = [
        (
            "BatchGetItem",
            json!({ "RequestItems": { "ledger": { "Keys": [key], "ProjectionExpression": "amount" } } }),
        ),
        ("Scan", json!({ "TableName": "ledger", "ProjectionExpression": "amount" })),
        ("Query", json!({ "TableName": "ledger", "ProjectionExpression": "amount" })),
        (
            "UpdateItem",
            json!({ "TableName": "ledger", "Key": key, "UpdateExpression": "SET amount = amount" }),
        ),
        ("PutItem", json!({ "TableName": "ledger", "Item": key })),
        ("DeleteItem", json!({ "TableName": "ledger", "Key": key })),
    ];
    for (operation, body) in calls {
        assert_eq!(asked(of_the_edge(), operation, &body), 400, "{operation}");
    }
    let elsewhere = json!({ "TableName": "incidents", "Key": key, "ProjectionExpression": "amount" });
    assert_eq!(asked(of_the_edge(), "GetItem", &elsewhere), 400);
}

/// Without the condition each of these would pass, so it is what refuses.
#[test]
fn without_its_condition_the_role_would_show_everything() {
    let mut policies = of_the_edge();
    for role in policies.roles.values_mut() {
        role.statements.iter_mut().for_each(|statement| statement.conditions.clear());
    }
    assert_eq!(asked(policies.clone(), "GetItem", &look(None)), 200);
    assert_eq!(asked(policies, "GetItem", &look(Some("#s, #i"))), 200);
}
