//! What an `UpdateItem` of the ledger comes to, worked out by hand: for mutants that write in a way of their own.

use serde_json::{Map, Value, json};

/// An item of DynamoDB, as it goes over the wire.
pub(crate) type Item = Map<String, Value>;

/// What the body of an `UpdateItem` makes of an item, whatever its condition. Sets of open deliveries are left out.
pub(crate) fn updated(item: &Item, body: &Value) -> Item {
    let mut updated = item.clone();
    updated.extend(body["Key"].as_object().cloned().unwrap_or_default());
    for (verb, clauses) in sections(body["UpdateExpression"].as_str().unwrap_or_default()) {
        // Every clause begins with a name, and every name with a #; arguments of functions are values.
        for clause in clauses.trim().split(", #").map(|clause| clause.trim_start_matches('#')) {
            match (verb, clause.split_once(" = ")) {
                ("SET", Some((name, value))) => {
                    updated.insert(field(name, body), evaluated(value, item, body));
                }
                ("REMOVE", _) => {
                    updated.remove(&field(clause, body));
                }
                _ => {}
            }
        }
    }
    updated
}

/// Each verb, and what follows it.
fn sections(expression: &str) -> Vec<(&str, String)> {
    let mut sections = Vec::new();
    for word in expression.split(' ') {
        if matches!(word, "SET" | "REMOVE" | "ADD" | "DELETE") {
            sections.push((word, String::new()));
        } else if let Some((_, clauses)) = sections.last_mut() {
            clauses.push_str(word);
            clauses.push(' ');
        }
    }
    sections
}

fn evaluated(expression: &str, item: &Item, body: &Value) -> Value {
    if let Some((left, right)) = expression.split_once(" + ") {
        let sum = number(&evaluated(left, item, body)) + number(&evaluated(right, item, body));
        return json!({ "N": sum.to_string() });
    }
    let call = expression.strip_prefix("if_not_exists(#").and_then(|call| call.strip_suffix(')'));
    match call.and_then(|call| call.split_once(", ")) {
        Some((name, otherwise)) => {
            item.get(&field(name, body)).cloned().unwrap_or_else(|| evaluated(otherwise, item, body))
        }
        None => body["ExpressionAttributeValues"][expression].clone(),
    }
}

/// The attribute that `#name` stands for.
fn field(name: &str, body: &Value) -> String {
    let names = &body["ExpressionAttributeNames"];
    names[format!("#{name}")].as_str().unwrap_or(name).to_owned()
}

fn number(value: &Value) -> i64 {
    value["N"].as_str().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_sets_once_adds_and_removes() {
        let body = json!({
            "Key": { "payment_id": { "S": "order-1" } },
            "UpdateExpression": "SET #a = if_not_exists(#a, :a), #b = :b, #n = if_not_exists(#n, :none) + :one REMOVE #c, #d ADD #open :open",
            "ExpressionAttributeNames": { "#a": "amount", "#b": "b", "#n": "n", "#c": "c", "#d": "d" },
            "ExpressionAttributeValues": {
                ":a": { "N": "2" }, ":b": { "S": "new" }, ":none": { "N": "0" }, ":one": { "N": "1" },
            },
        });
        let item = json!({ "amount": { "N": "1" }, "n": { "N": "4" }, "c": { "S": "x" }, "d": { "S": "x" } });
        let after = updated(item.as_object().unwrap(), &body);
        let expected = json!({
            "payment_id": { "S": "order-1" }, "amount": { "N": "1" }, "b": { "S": "new" }, "n": { "N": "5" },
        });
        assert_eq!(Value::Object(after), expected);
    }
}
