//! Mutants in how the consumer talks to Stripe.

use crate::mutants::aws;
use crate::mutants::calls::{Heard, Line};
use crate::mutants::mutant::{Broken, Mutant};
use crate::mutants::weather::Weather;
use bytes::Bytes;
use chaos::cloud::container::BoxFuture;
use http::{HeaderValue, Request, Response, StatusCode};
use serde_json::{Value, json};

/// Tries of whoever tries until it works.
const TRIES: usize = 30;

pub(crate) const MUTANTS: [Mutant; 12] = [
    Mutant {
        name: "a new create key on every delivery",
        story: "`Idempotency-Key: uuid()`, as in the first example one finds",
        weather: Weather::Rough,
        caught_by: "one-intent-per-generation",
        broken: Broken::Stripe(new_create_key),
    },
    Mutant {
        name: "a key on confirm",
        story: "every POST should have one; then a stored 500 is all it hears for a day",
        weather: Weather::Stored,
        caught_by: "drained",
        broken: Broken::Stripe(key_on_confirm),
    },
    Mutant {
        name: "trusts a 200 that it cannot read",
        story: "the status says that it worked, so never mind the body",
        weather: Weather::Murky,
        caught_by: "ledger-agrees",
        broken: Broken::Stripe(trusts_any_200),
    },
    Mutant {
        name: "cancels without listening",
        story: "asks Stripe to cancel and takes it for done, though Stripe says that it is paid",
        weather: Weather::Deadly,
        caught_by: "ledger-agrees",
        broken: Broken::Stripe(cancels_without_listening),
    },
    Mutant {
        name: "keeps the key it started with",
        story: "reads the secret once, when the container starts, as every example does",
        weather: Weather::Rotated,
        caught_by: "dead-letters-as-expected",
        broken: Broken::Aws(keeps_its_key),
    },
    Mutant {
        name: "takes later for never",
        story: "429 and 409 are 4xx as well",
        weather: Weather::Limited,
        caught_by: "quarantined-for-cause",
        broken: Broken::Stripe(later_for_never),
    },
    Mutant {
        name: "has no breaker",
        story: "takes an outage for a busy minute, and every delivery asks again",
        weather: Weather::Outage,
        caught_by: "outage-spared",
        broken: Broken::Stripe(outage_for_a_limit),
    },
    Mutant {
        name: "starts over after an unknown answer",
        story: "wraps the whole charge in a retry instead of asking what became of it",
        weather: Weather::Rough,
        caught_by: "charged-at-most-once",
        broken: Broken::Stripe(starts_over),
    },
    Mutant {
        name: "tries until it works",
        story: "a retry loop around every call, inside the delivery, without a bound",
        weather: Weather::Outage,
        caught_by: "calls-bounded",
        broken: Broken::Stripe(tries_until_it_works),
    },
    Mutant {
        name: "takes minor units for major",
        story: "multiplies by a hundred what is in cents already",
        weather: Weather::Calm,
        caught_by: "no-strange-charge",
        broken: Broken::Stripe(minor_for_major),
    },
    Mutant {
        name: "charges in nobody's name",
        story: "leaves out the metadata that says which payment an intent is for",
        weather: Weather::Calm,
        caught_by: "no-strange-charge",
        broken: Broken::Stripe(nameless),
    },
    Mutant {
        name: "drops the create key",
        story: "a proxy that lets through only the headers it knows",
        weather: Weather::Rough,
        caught_by: "one-intent-per-generation",
        broken: Broken::Stripe(drops_the_key),
    },
];

fn new_create_key(line: Line, mut request: Request<Bytes>) -> BoxFuture<'static, Heard> {
    let key = request.headers().get("idempotency-key").and_then(|key| key.to_str().ok());
    if let Some(key) = key.map(|key| format!("{key}:{}", line.invocation)) {
        let key = HeaderValue::from_str(&key).expect("an id is visible ASCII");
        request.headers_mut().insert("idempotency-key", key);
    }
    Box::pin(async move { line.send(request).await })
}

fn drops_the_key(line: Line, mut request: Request<Bytes>) -> BoxFuture<'static, Heard> {
    request.headers_mut().remove("idempotency-key");
    Box::pin(async move { line.send(request).await })
}

fn key_on_confirm(line: Line, mut request: Request<Bytes>) -> BoxFuture<'static, Heard> {
    if let Some(intent) = on_intent(&request, "/confirm") {
        let key = HeaderValue::from_str(&format!("{intent}:confirm")).expect("an id is visible ASCII");
        request.headers_mut().insert("idempotency-key", key);
    }
    Box::pin(async move { line.send(request).await })
}

fn trusts_any_200(line: Line, request: Request<Bytes>) -> BoxFuture<'static, Heard> {
    Box::pin(async move {
        let heard = line.send(request.clone()).await?;
        let is_readable = serde_json::from_slice::<Value>(heard.body()).is_ok();
        match on_intent(&request, "/confirm") {
            Some(intent) if heard.status().is_success() && !is_readable => {
                // What it would have said, had it worked.
                let before =
                    line.send(to(&request, "GET", &format!("/v1/payment_intents/{intent}"), String::new()));
                Ok(with_intent(before.await?, |intent| intent["status"] = "succeeded".into()))
            }
            Some(_) | None => Ok(heard),
        }
    })
}

fn cancels_without_listening(line: Line, request: Request<Bytes>) -> BoxFuture<'static, Heard> {
    Box::pin(async move {
        let heard = line.send(request.clone()).await?;
        if heard.status().is_success() || on_intent(&request, "/cancel").is_none() {
            return Ok(heard);
        }
        let said: Value = serde_json::from_slice(heard.body()).unwrap_or_default();
        let mut intent = said["error"]["payment_intent"].clone();
        intent["status"] = "canceled".into();
        Ok(Response::new(intent.to_string().into()))
    })
}

fn keeps_its_key(line: aws::Line, call: aws::Call) -> BoxFuture<'static, aws::Answer> {
    Box::pin(async move {
        if call.operation != "GetSecretValue" {
            return line.send(call).await;
        }
        let secret = match line.remembered("secret") {
            Some(secret) => secret,
            None => line.ask(&call.operation, call.body).await?,
        };
        line.remember("secret", secret.clone());
        aws::made_up(secret)
    })
}

fn later_for_never(line: Line, request: Request<Bytes>) -> BoxFuture<'static, Heard> {
    Box::pin(async move { Ok(refused(line.send(request).await?, &[409, 429])) })
}

fn outage_for_a_limit(line: Line, request: Request<Bytes>) -> BoxFuture<'static, Heard> {
    Box::pin(async move {
        let mut heard = line.send(request).await?;
        if heard.status() == StatusCode::SERVICE_UNAVAILABLE {
            *heard.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        }
        Ok(heard)
    })
}

fn starts_over(line: Line, request: Request<Bytes>) -> BoxFuture<'static, Heard> {
    Box::pin(async move {
        let path = request.uri().path().to_owned();
        let heard = line.send(request.clone()).await;
        let is_unknown = heard.as_ref().map_or(true, |response| response.status().is_server_error());
        let Some(id) = path.strip_suffix("/confirm").filter(|_| is_unknown) else { return heard };
        // The same payment again: what the lost intent says of it goes into a new one.
        let intent = line.send(to(&request, "GET", id, String::new())).await?;
        let intent: Value = serde_json::from_slice(intent.body()).unwrap_or_default();
        let created = line.send(to(&request, "POST", "/v1/payment_intents", create_form(&intent))).await?;
        let created: Value = serde_json::from_slice(created.body()).unwrap_or_default();
        let confirm = format!("/v1/payment_intents/{}/confirm", created["id"].as_str().unwrap_or_default());
        let form = String::from_utf8_lossy(request.body()).into_owned();
        let confirmed = line.send(to(&request, "POST", &confirm, form)).await?;
        // Whoever asked is told that it was his own.
        let told = confirmed.map(|body| {
            let text = String::from_utf8_lossy(&body).into_owned();
            let (new, old) = (created["id"].as_str().unwrap_or("?"), intent["id"].as_str().unwrap_or("?"));
            Bytes::from(text.replace(new, old))
        });
        Ok(told)
    })
}

fn tries_until_it_works(line: Line, request: Request<Bytes>) -> BoxFuture<'static, Heard> {
    Box::pin(async move {
        let mut heard = line.send(request.clone()).await;
        for _ in 1..TRIES {
            if heard.as_ref().is_ok_and(|response| !response.status().is_server_error()) {
                break;
            }
            heard = line.send(request.clone()).await;
        }
        heard
    })
}

fn minor_for_major(line: Line, request: Request<Bytes>) -> BoxFuture<'static, Heard> {
    let times_100 = |amount: String| format!("{amount}00");
    let request = request.map(|body| with_field(&body, "amount", |amount| Some(times_100(amount))));
    Box::pin(async move {
        let over_100 = |intent: &mut Value| {
            intent["amount"] = (intent["amount"].as_i64().unwrap_or_default() / 100).into();
        };
        Ok(with_intent(line.send(request).await?, over_100))
    })
}

fn nameless(line: Line, request: Request<Bytes>) -> BoxFuture<'static, Heard> {
    let named = form(request.body()).into_iter().find(|(name, _)| name == "metadata[payment_id]");
    let request = request.map(|body| with_field(&body, "metadata[payment_id]", |_| None));
    Box::pin(async move {
        let heard = line.send(request).await?;
        // Its own variables still know.
        Ok(with_intent(heard, |intent| {
            if let Some((_, id)) = &named {
                intent["metadata"]["payment_id"] = id.as_str().into();
            }
        }))
    })
}

/// The id of the intent that the request asks to do this with.
fn on_intent(request: &Request<Bytes>, what: &str) -> Option<String> {
    let path = request.uri().path().strip_suffix(what)?;
    path.strip_prefix("/v1/payment_intents/").map(str::to_owned)
}

/// An answer with one of these statuses, taken for Stripe's last word on the payment.
fn refused(heard: Response<Bytes>, statuses: &[u16]) -> Response<Bytes> {
    if !statuses.contains(&heard.status().as_u16()) {
        return heard;
    }
    let error = json!({ "error": { "type": "invalid_request_error", "code": "refused", "message": "No." } });
    let mut refused = Response::new(Bytes::from(error.to_string()));
    *refused.status_mut() = StatusCode::BAD_REQUEST;
    refused
}

/// Another request of the same client, without a key.
fn to(like: &Request<Bytes>, method: &str, path: &str, form: String) -> Request<Bytes> {
    let mut request = like.clone().map(|_| Bytes::from(form));
    *request.method_mut() = method.parse().expect("a method");
    *request.uri_mut() = format!("https://api.stripe.com{path}").parse().expect("a path");
    request.headers_mut().remove("idempotency-key");
    request
}

fn create_form(intent: &Value) -> String {
    let text = |field: &Value| field.as_str().unwrap_or_default().to_owned();
    form_urlencoded::Serializer::new(String::new())
        .append_pair("amount", &intent["amount"].to_string())
        .append_pair("currency", &text(&intent["currency"]))
        .append_pair("payment_method", "pm_card_visa")
        .append_pair("payment_method_types[]", "card")
        .append_pair("metadata[payment_id]", &text(&intent["metadata"]["payment_id"]))
        .finish()
}

fn form(body: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(body).into_owned().collect()
}

/// The form with one field changed, or left out.
pub(crate) fn with_field(body: &[u8], name: &str, change: impl Fn(String) -> Option<String>) -> Bytes {
    let mut changed = form_urlencoded::Serializer::new(String::new());
    for (field, value) in form(body) {
        let value = if field == name { change(value) } else { Some(value) };
        if let Some(value) = value {
            changed.append_pair(&field, &value);
        }
    }
    changed.finish().into()
}

/// The answer with its intent changed; an answer without one as it is.
pub(crate) fn with_intent(response: Response<Bytes>, change: impl Fn(&mut Value)) -> Response<Bytes> {
    response.map(|body| match serde_json::from_slice::<Value>(&body) {
        Ok(mut intent) if intent["object"] == "payment_intent" => {
            change(&mut intent);
            intent.to_string().into()
        }
        Ok(_) | Err(_) => body,
    })
}
