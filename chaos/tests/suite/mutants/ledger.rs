//! Mutants in how the ledger is written.

use crate::mutants::aws::{Answer, Call, Line, made_up};
use crate::mutants::item::{Item, updated};
use crate::mutants::mutant::{Broken, Mutant};
use crate::mutants::weather::Weather;
use chaos::cloud::container::BoxFuture;
use serde_json::{Value, json};

pub(crate) const MUTANTS: [Mutant; 12] = [
    Mutant {
        name: "writes without a condition",
        story: "an update is atomic, so what should the condition be for",
        weather: Weather::Twins,
        caught_by: "rows-are-sound",
        broken: Broken::Aws(writes_without_a_condition),
    },
    Mutant {
        name: "puts whole items",
        story: "reads the row, changes it, saves it: the way of every object mapper",
        weather: Weather::Twins,
        caught_by: "rows-never-go-back",
        broken: Broken::Aws(puts_whole_items),
    },
    Mutant {
        name: "writes when all is done",
        story: "the ledger is a list of results, and there is none before the end",
        weather: Weather::Rough,
        caught_by: "charged-on-record",
        broken: Broken::Aws(writes_when_all_is_done),
    },
    Mutant {
        name: "writes behind",
        story: "the answer is quicker when the write waits for the next call",
        weather: Weather::Calm,
        caught_by: "acknowledged-on-record",
        broken: Broken::Aws(writes_behind),
    },
    Mutant {
        name: "takes the amount of the message",
        story: "the latest message is the truth, and overwrites the row",
        weather: Weather::Conflicts,
        caught_by: "ledger-agrees",
        broken: Broken::Aws(takes_the_amount_of_the_message),
    },
    Mutant {
        name: "ignores the fingerprint",
        story: "the same id is the same payment, whatever it says",
        weather: Weather::Conflicts,
        caught_by: "acknowledged-on-record",
        broken: Broken::Aws(ignores_the_fingerprint),
    },
    Mutant {
        name: "forgets the intent when it hands back",
        story: "cleans up, so that the next attempt starts afresh",
        weather: Weather::Rough,
        caught_by: "charged-at-most-once",
        broken: Broken::Aws(forgets_the_intent),
    },
    Mutant {
        name: "gives up on an intent that is processing",
        story: "it takes too long, so a new one is made, and the bank approves both",
        weather: Weather::Murky,
        caught_by: "charged-at-most-once",
        broken: Broken::Aws(gives_up_on_processing),
    },
    Mutant {
        name: "keeps the latest of two intents",
        story: "each delivery makes its own, and the row has room for the last",
        weather: Weather::Twins,
        caught_by: "charged-at-most-once",
        broken: Broken::Aws(keeps_the_latest_intent),
    },
    Mutant {
        name: "lets every row expire",
        story: "sets the TTL where the row is made, because that is the one place that always runs",
        weather: Weather::Refused,
        caught_by: "rows-are-sound",
        broken: Broken::Aws(lets_every_row_expire),
    },
    Mutant {
        name: "takes a failed write for a made one",
        story: "logs that DynamoDB failed and goes on: it was only the bookkeeping",
        weather: Weather::Throttled,
        caught_by: "acknowledged-on-record",
        broken: Broken::Aws(takes_a_failed_write_for_a_made_one),
    },
    Mutant {
        name: "keeps a row for 400 hours",
        story: "3,600 seconds a day, and every test that writes and reads with the same code agrees",
        weather: Weather::Calm,
        caught_by: "rows-are-sound",
        broken: Broken::Aws(keeps_a_row_for_hours),
    },
];

/// Which write of the protocol an `UpdateItem` of the ledger is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Write {
    Receive,
    Record,
    Settle,
    HandBack,
}

impl Write {
    fn of(call: &Call) -> Option<Self> {
        if call.operation != "UpdateItem" || call.body["Key"]["payment_id"].is_null() {
            return None;
        }
        let sets = |field: &str| {
            let expression = call.body["UpdateExpression"].as_str().unwrap_or_default();
            expression.contains(&format!("#{field} = "))
        };
        match () {
            () if sets("attempts") => Some(Self::Receive),
            () if sets("settled_at") => Some(Self::Settle),
            () if sets("intent_id") => Some(Self::Record),
            () if sets("last_error") => Some(Self::HandBack),
            () => None,
        }
    }
}

fn writes_without_a_condition(line: Line, mut call: Call) -> BoxFuture<'static, Answer> {
    if Write::of(&call).is_some() {
        unconditional(&mut call.body);
    }
    Box::pin(async move { line.send(call).await })
}

/// The row is read when its payment is received, and kept.
fn puts_whole_items(line: Line, call: Call) -> BoxFuture<'static, Answer> {
    Box::pin(async move {
        let Some(write) = Write::of(&call) else { return line.send(call).await };
        let table = call.body["TableName"].clone();
        let known = line.remembered(id(&call)).filter(|_| write != Write::Receive);
        let known = match known {
            Some(known) => known,
            None => {
                line.ask("GetItem", json!({ "TableName": table, "Key": call.body["Key"] })).await?["Item"]
                    .clone()
            }
        };
        let item = updated(&item(&known), &call.body);
        line.remember(id(&call), json!(item));
        line.ask("PutItem", json!({ "TableName": table, "Item": item })).await?;
        made_up(json!({ "Attributes": item }))
    })
}

fn writes_when_all_is_done(line: Line, call: Call) -> BoxFuture<'static, Answer> {
    Box::pin(async move {
        let Some(write) = Write::of(&call) else { return line.send(call).await };
        let table = call.body["TableName"].clone();
        let known = match line.remembered(id(&call)) {
            Some(known) => known,
            None => {
                line.ask("GetItem", json!({ "TableName": table, "Key": call.body["Key"] })).await?["Item"]
                    .clone()
            }
        };
        let item = updated(&item(&known), &call.body);
        line.remember(id(&call), json!(item));
        if write == Write::Settle {
            line.ask("PutItem", json!({ "TableName": table, "Item": item })).await?;
        }
        made_up(json!({ "Attributes": item }))
    })
}

fn writes_behind(line: Line, call: Call) -> BoxFuture<'static, Answer> {
    Box::pin(async move {
        if let Some(waiting @ Value::Object(_)) = line.remembered("waiting") {
            line.remember("waiting", Value::Null);
            line.ask("UpdateItem", waiting).await?;
        }
        if Write::of(&call) != Some(Write::Settle) {
            return line.send(call).await;
        }
        let read = json!({ "TableName": call.body["TableName"], "Key": call.body["Key"] });
        let read = line.ask("GetItem", read).await?;
        let item = updated(&item(&read["Item"]), &call.body);
        line.remember("waiting", call.body);
        made_up(json!({ "Attributes": item }))
    })
}

fn takes_the_amount_of_the_message(line: Line, mut call: Call) -> BoxFuture<'static, Answer> {
    if Write::of(&call) == Some(Write::Receive) {
        for field in ["amount", "fingerprint"] {
            let once = format!("if_not_exists(#{field}, :{field})");
            edit_expression(&mut call.body, |text| text.replace(&once, &format!(":{field}")));
        }
        unconditional(&mut call.body);
    }
    Box::pin(async move { line.send(call).await })
}

fn ignores_the_fingerprint(line: Line, mut call: Call) -> BoxFuture<'static, Answer> {
    if Write::of(&call) != Some(Write::Receive) {
        return Box::pin(async move { line.send(call).await });
    }
    unconditional(&mut call.body);
    let values = call.body["ExpressionAttributeValues"].clone();
    Box::pin(async move {
        let mut answer = line.ask("UpdateItem", call.body).await?;
        for field in ["amount", "fingerprint"] {
            answer["Attributes"][field] = values[format!(":{field}")].clone();
        }
        made_up(answer)
    })
}

fn forgets_the_intent(line: Line, mut call: Call) -> BoxFuture<'static, Answer> {
    if Write::of(&call) == Some(Write::HandBack) {
        start_afresh(&mut call.body);
    }
    Box::pin(async move { line.send(call).await })
}

fn gives_up_on_processing(line: Line, mut call: Call) -> BoxFuture<'static, Answer> {
    let cause = &call.body["ExpressionAttributeValues"][":last_error"]["S"];
    if Write::of(&call) == Some(Write::HandBack) && cause == "processing" {
        start_afresh(&mut call.body);
    }
    Box::pin(async move { line.send(call).await })
}

fn keeps_the_latest_intent(line: Line, mut call: Call) -> BoxFuture<'static, Answer> {
    Box::pin(async move {
        let write = Write::of(&call);
        if write == Some(Write::Record) {
            unconditional(&mut call.body);
        }
        let delivery = call.body["ExpressionAttributeValues"][":open"]["SS"][0].to_string();
        let answer = line.send(call).await?;
        if write != Some(Write::Receive) || !answer.status().is_success() {
            return Ok(answer);
        }
        // A generation of its own: the key of its create is nobody else's.
        let generation = delivery.bytes().fold(1_u32, |hash, byte| hash.wrapping_mul(31) ^ u32::from(byte));
        let mut row: Value =
            serde_json::from_slice(answer.body().bytes().unwrap_or_default()).unwrap_or_default();
        row["Attributes"]["create_generation"] = json!({ "N": generation.to_string() });
        made_up(row)
    })
}

/// No intent is recorded any more, and the next one is made under another key.
fn start_afresh(body: &mut Value) {
    let afresh = ", #generation = #generation + :one, #state = :received REMOVE #intent_id";
    edit_expression(body, |text| {
        let set_ends = text.find(" DELETE").unwrap_or(text.len());
        format!("{}{afresh}{}", &text[..set_ends], &text[set_ends..])
    });
    for (name, field) in
        [("#generation", "create_generation"), ("#state", "state"), ("#intent_id", "intent_id")]
    {
        body["ExpressionAttributeNames"][name] = field.into();
    }
    body["ExpressionAttributeValues"][":one"] = json!({ "N": "1" });
    body["ExpressionAttributeValues"][":received"] = json!({ "S": "received" });
}

fn lets_every_row_expire(line: Line, mut call: Call) -> BoxFuture<'static, Answer> {
    if Write::of(&call) == Some(Write::Receive) {
        edit_expression(&mut call.body, |text| {
            text.replacen("SET ", "SET #expires_at = if_not_exists(#expires_at, :expires_at), ", 1)
        });
        call.body["ExpressionAttributeNames"]["#expires_at"] = "expires_at".into();
        call.body["ExpressionAttributeValues"][":expires_at"] = json!({ "N": "1799999999" });
    }
    Box::pin(async move { line.send(call).await })
}

fn keeps_a_row_for_hours(line: Line, mut call: Call) -> BoxFuture<'static, Answer> {
    let values = &mut call.body["ExpressionAttributeValues"];
    let settled_ms = values[":settled_at"]["N"].as_str().and_then(|digits| digits.parse::<i64>().ok());
    if let Some(settled_ms) = settled_ms.filter(|_| !values[":expires_at"].is_null()) {
        values[":expires_at"]["N"] = (settled_ms / 1_000 + 400 * 3_600).to_string().into();
    }
    Box::pin(async move { line.send(call).await })
}

fn takes_a_failed_write_for_a_made_one(line: Line, call: Call) -> BoxFuture<'static, Answer> {
    Box::pin(async move {
        let write = Write::of(&call);
        let answer = line.send(call.clone()).await;
        let failed = answer.as_ref().map_or(true, |answer| !answer.status().is_success());
        if !failed || write != Some(Write::Settle) {
            return answer;
        }
        let read = json!({ "TableName": call.body["TableName"], "Key": call.body["Key"] });
        let read = line.ask("GetItem", read).await?;
        made_up(json!({ "Attributes": updated(&item(&read["Item"]), &call.body) }))
    })
}

fn id(call: &Call) -> &str {
    call.body["Key"]["payment_id"]["S"].as_str().unwrap_or_default()
}

fn item(value: &Value) -> Item {
    value.as_object().cloned().unwrap_or_default()
}

/// Drops the condition, and the placeholders that only it used: DynamoDB refuses those that are left over.
fn unconditional(body: &mut Value) {
    if let Some(body) = body.as_object_mut() {
        body.remove("ConditionExpression");
    }
    let expression = body["UpdateExpression"].as_str().unwrap_or_default().to_owned();
    for placeholders in ["ExpressionAttributeNames", "ExpressionAttributeValues"] {
        if let Some(placeholders) = body[placeholders].as_object_mut() {
            placeholders.retain(|placeholder, _| expression.contains(placeholder.as_str()));
        }
    }
}

fn edit_expression(body: &mut Value, edit: impl Fn(String) -> String) {
    let expression = body["UpdateExpression"].as_str().unwrap_or_default().to_owned();
    body["UpdateExpression"] = edit(expression).into();
}
