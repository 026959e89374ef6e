//! Mutants at the adapters' edges: one value goes out, or comes in, as something else.

use crate::mutants::audit::dollars_for_euros;
use crate::mutants::aws;
use crate::mutants::calls::{Heard, Line};
use crate::mutants::mutant::{Broken, Mutant};
use crate::mutants::weather::Weather;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use chaos::cloud::container::BoxFuture;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};

pub(crate) const MUTANTS: [Mutant; 6] = [
    Mutant {
        name: "names no version",
        story: "the account's own will do, and does until somebody raises it in the dashboard",
        weather: Weather::Calm,
        caught_by: "drained",
        broken: Broken::Stripe(names_no_version),
    },
    Mutant {
        name: "takes a limit for a decline",
        story: "one branch for every 4xx that is not ours to mend, and 402 stands first in it",
        weather: Weather::Limited,
        caught_by: "declined-for-cause",
        broken: Broken::Stripe(takes_a_limit_for_a_decline),
    },
    Mutant {
        name: "takes a locked object for a decline",
        story: "reads `lock_timeout` as what the issuer answered, because it came on a confirm",
        weather: Weather::Grind,
        caught_by: "declined-for-cause",
        broken: Broken::Stripe(takes_a_lock_for_a_decline),
    },
    Mutant {
        name: "asks for dollars",
        story: "the currency is a constant of the client, and every price of the tests is in it",
        weather: Weather::Calm,
        caught_by: "no-strange-charge",
        broken: Broken::Stripe(dollars_for_euros),
    },
    Mutant {
        name: "forgets the names of metadata",
        story: "the fingerprint is over the values, for what do names say",
        weather: Weather::Labels,
        caught_by: "acknowledged-on-record",
        broken: Broken::Aws(forgets_the_names_of_metadata),
    },
    Mutant {
        name: "renames its metrics",
        story: "the fields were renamed with the code, and an alarm on what nobody writes is a calm one",
        weather: Weather::Outage,
        caught_by: "alarms-as-expected",
        broken: Broken::Metrics(renames_its_metrics),
    },
];

fn names_no_version(line: Line, mut request: Request<Bytes>) -> BoxFuture<'static, Heard> {
    request.headers_mut().remove("stripe-version");
    Box::pin(async move { line.send(request).await })
}

fn takes_a_limit_for_a_decline(line: Line, request: Request<Bytes>) -> BoxFuture<'static, Heard> {
    Box::pin(async move { Ok(declined(line.send(request).await?, |_| true)) })
}

fn takes_a_lock_for_a_decline(line: Line, request: Request<Bytes>) -> BoxFuture<'static, Heard> {
    Box::pin(async move { Ok(declined(line.send(request).await?, |code| code == "lock_timeout")) })
}

/// A 409 or 429 with such a code, taken for an issuer's no.
fn declined(heard: Response<Bytes>, is_meant: fn(&str) -> bool) -> Response<Bytes> {
    if ![StatusCode::CONFLICT, StatusCode::TOO_MANY_REQUESTS].contains(&heard.status())
        || !is_meant(&code(&heard))
    {
        return heard;
    }
    let mut said: Value = serde_json::from_slice(heard.body()).unwrap_or_default();
    said["error"]["code"] = json!("card_declined");
    let mut declined = heard.map(|_| Bytes::from(said.to_string()));
    *declined.status_mut() = StatusCode::PAYMENT_REQUIRED;
    declined
}

fn code(heard: &Response<Bytes>) -> String {
    let said: Value = serde_json::from_slice(heard.body()).unwrap_or_default();
    said["error"]["code"].as_str().unwrap_or_default().to_owned()
}

/// Whoever asks for the same amount under the same id, with the same values under other names, is taken for the one who came
/// first.
fn forgets_the_names_of_metadata(line: aws::Line, mut call: aws::Call) -> BoxFuture<'static, aws::Answer> {
    Box::pin(async move {
        let is_receive = call.operation == "UpdateItem"
            && call.body["ExpressionAttributeValues"][":fingerprint"].is_object();
        if !is_receive {
            return line.send(call).await;
        }
        let read = json!({ "TableName": call.body["TableName"], "Key": call.body["Key"] });
        let row = line.ask("GetItem", read).await?["Item"].clone();
        let values = call.body["ExpressionAttributeValues"].clone();
        let is_alike = ["amount", "currency", "payment_method"]
            .iter()
            .all(|field| row[*field] == values[format!(":{field}")]);
        if is_alike {
            // What it would have computed of either.
            call.body["ExpressionAttributeValues"][":fingerprint"] = row["fingerprint"].clone();
        }
        let mut answer = line.send(call).await?;
        if is_alike {
            let said = answer.body().bytes().unwrap_or_default();
            let mut said: Value = serde_json::from_slice(said).unwrap_or_default();
            for row in
                ["Attributes", "Item"].into_iter().filter(|row| said[*row].is_object()).collect::<Vec<_>>()
            {
                said[row]["metadata"] = values[":metadata"].clone();
            }
            *answer.body_mut() = SdkBody::from(said.to_string());
        }
        Ok(answer)
    })
}

fn renames_its_metrics(line: &str) -> String {
    line.replace("\"Stripe", "\"Provider")
}
