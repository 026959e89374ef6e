//! Mutants of the edge: each tells somebody something.
//!
//! Invariant: what is broken is the distribution, the text of its function, or what the status function answers.

use crate::mutants::mutant::{Broken, Mutant};
use crate::mutants::weather::Weather;
use chaos::cloud::cloudfront::config::DistributionConfig;
use chaos::cloud::container::{BoxFuture, Container, Function, Handler, InvocationContext};
use chaos::status::StatusFunction;
use serde_json::{Value, json};
use std::sync::Arc;

/// Makes another distribution of that of the template.
pub(crate) type Alter = fn(&mut DistributionConfig);
/// Makes another request of what the status function is asked, and another answer of what it says.
pub(crate) type Answers = (fn(&mut Value), fn(&mut Value));

const AS_DEPLOYED: Alter = |_| {};
const AS_ASKED: fn(&mut Value) = |_| {};
const AS_SAID: Answers = (AS_ASKED, AS_ASKED);

pub(crate) const MUTANTS: [Mutant; 24] = [
    Mutant {
        name: "a cache key without the payment",
        story: "the id travels in a header, as it does with many frameworks, and the header is not in the key",
        weather: Weather::Visited,
        caught_by: "looks-guarded",
        broken: Broken::Edge(key_without_payment, (payment_from_header, AS_ASKED)),
    },
    Mutant {
        name: "tells of a decline before the fence",
        story: "the issuer has said no, and why should the customer wait until we have canceled",
        weather: Weather::Visited,
        caught_by: "looks-true",
        broken: Broken::Edge(AS_DEPLOYED, (AS_ASKED, |answer| tells(answer, "declined", FINAL))),
    },
    Mutant {
        name: "tells that it is paid when it is confirmed",
        story: "the confirm is on its way, and it nearly always comes through",
        weather: Weather::Visited,
        caught_by: "looks-true",
        broken: Broken::Edge(AS_DEPLOYED, (AS_ASKED, |answer| tells(answer, "paid", FINAL))),
    },
    Mutant {
        name: "a page that says failed",
        story: "a payment that is still open after so long has failed, hasn't it",
        weather: Weather::Visited,
        caught_by: "looks-true",
        broken: Broken::Edge(AS_DEPLOYED, (AS_ASKED, says_failed)),
    },
    Mutant {
        name: "an answer in flight that is kept for an hour",
        story: "one cache-control for all answers, and the final ones may be kept",
        weather: Weather::Visited,
        caught_by: "looks-current",
        broken: Broken::Edge(AS_DEPLOYED, (AS_ASKED, |answer| keep(answer, "public, s-maxage=3600"))),
    },
    Mutant {
        name: "an error that is kept for an hour",
        story: "an origin in trouble is to be left in peace",
        weather: Weather::Unseen,
        caught_by: "looks-answered",
        broken: Broken::Edge(
            |edge| edge.errors.values_mut().for_each(|error| error.ttl_s_min = 3_600),
            AS_SAID,
        ),
    },
    Mutant {
        name: "stale answers only when the origin fails",
        story: "stale-if-error is there for this",
        weather: Weather::Unseen,
        caught_by: "looks-answered",
        broken: Broken::Edge(
            AS_DEPLOYED,
            (AS_ASKED, |answer| {
                let cache = answer["headers"]["cache-control"].as_str().unwrap_or_default();
                let without = cache.replace("stale-while-revalidate", "x-stale-while-revalidate");
                keep(answer, &without);
            }),
        ),
    },
    Mutant {
        name: "a token that is not looked at to its end",
        story: "a comparison that stops where the first characters agree is fast",
        weather: Weather::Visited,
        caught_by: "looks-guarded",
        broken: Broken::Edge(
            |edge| router(edge, "i < given.length; i++", "i < given.length - 1; i++"),
            AS_SAID,
        ),
    },
    Mutant {
        name: "a token that never expires",
        story: "the signature is good, and the cache forgets by itself",
        weather: Weather::Visited,
        caught_by: "looks-guarded",
        broken: Broken::Edge(|edge| router(edge, "Number(parts[2]) > Date.now() / 1000", "true"), AS_SAID),
    },
    Mutant {
        name: "a key that is gone when it changes",
        story: "a key that was changed is not to be trusted any more",
        weather: Weather::Visited,
        caught_by: "looks-answered",
        broken: Broken::Edge(
            |edge| router(edge, "same(parts[3], oldKey ? signature(oldKey, signed) : '')", "false"),
            AS_SAID,
        ),
    },
    Mutant {
        name: "no origin shield",
        story: "there is a regional cache already",
        weather: Weather::Visited,
        caught_by: "looks-spared",
        broken: Broken::Edge(
            |edge| edge.origins.values_mut().for_each(|origin| origin.shield = None),
            AS_SAID,
        ),
    },
    Mutant {
        name: "answers in flight that nobody keeps",
        story: "no-store is safe",
        weather: Weather::Visited,
        caught_by: "looks-spared",
        broken: Broken::Edge(
            AS_DEPLOYED,
            (AS_ASKED, |answer| {
                if is_in_flight(answer) {
                    keep(answer, "no-store");
                }
            }),
        ),
    },
    Mutant {
        name: "waits for an origin as long as CloudFront does by default",
        story: "a longer time-out cannot do harm",
        weather: Weather::Unseen,
        caught_by: "looks-answered",
        broken: Broken::Edge(|edge| edge.origins.values_mut().for_each(|origin| origin.read_s = 30), AS_SAID),
    },
    Mutant {
        name: "that there is no row is kept for an hour",
        story: "what is not there is not there, and crawlers ask for it",
        weather: Weather::Visited,
        caught_by: "looks-current",
        broken: Broken::Edge(
            AS_DEPLOYED,
            (AS_ASKED, |answer| {
                if answer["statusCode"] == json!(404) {
                    keep(answer, "public, s-maxage=3600");
                }
            }),
        ),
    },
    Mutant {
        name: "an answer that a browser keeps",
        story: "what is final may be kept at home, too",
        weather: Weather::Visited,
        caught_by: "looks-guarded",
        broken: Broken::Edge(
            |edge| {
                edge.behaviors
                    .iter_mut()
                    .for_each(|behavior| _ = behavior.headers.set.remove("cache-control"));
            },
            AS_SAID,
        ),
    },
    Mutant {
        name: "tells the reference at the provider",
        story: "support will ask for it",
        weather: Weather::Visited,
        caught_by: "looks-guarded",
        broken: Broken::Edge(
            AS_DEPLOYED,
            (AS_ASKED, |answer| {
                let body = answer["body"].as_str().unwrap_or_default();
                answer["body"] = json!(body.replace(r#"{"amount""#, r#"{"intent_id":"3Nabc","amount""#));
            }),
        ),
    },
    Mutant {
        name: "an error in the words of CloudFront",
        story: "an error page is for marketing",
        weather: Weather::Unseen,
        caught_by: "looks-answered",
        broken: Broken::Edge(|edge| edge.errors.values_mut().for_each(|error| error.page = None), AS_SAID),
    },
    Mutant {
        name: "who is tried is not known yet",
        story: "until it is settled there is nothing to tell",
        weather: Weather::Visited,
        caught_by: "looks-true",
        broken: Broken::Edge(
            AS_DEPLOYED,
            (AS_ASKED, |answer| tells(answer, "unknown", "public, s-maxage=1")),
        ),
    },
    Mutant {
        name: "connects three times, for ten seconds each",
        story: "the defaults of CloudFront are made by people who know",
        weather: Weather::Unseen,
        caught_by: "looks-answered",
        broken: Broken::Edge(
            |edge| {
                edge.origins.values_mut().for_each(|origin| (origin.attempts, origin.connect_s) = (3, 10));
            },
            AS_SAID,
        ),
    },
    Mutant {
        name: "nothing stale when the origin fails",
        story: "an old answer is a wrong answer",
        weather: Weather::Unseen,
        caught_by: "looks-answered",
        broken: Broken::Edge(
            AS_DEPLOYED,
            (AS_ASKED, |answer| keep(answer, "public, max-age=0, s-maxage=2, stale-if-error=0")),
        ),
    },
    Mutant {
        name: "hands in, and gives no link",
        story: "whoever wants one can sign it",
        weather: Weather::Visited,
        caught_by: "looks-guarded",
        broken: Broken::Edge(
            |edge| {
                router(
                    edge,
                    "if (key && id && PAYMENT_ID.test(id.value)) {",
                    "if (key && id && id.value === 'order-000001') {",
                )
            },
            AS_SAID,
        ),
    },
    Mutant {
        name: "a link for life",
        story: "a customer may come back",
        weather: Weather::Visited,
        caught_by: "looks-guarded",
        broken: Broken::Edge(
            |edge| router(edge, "RECEIPT_LIFE_S = 30 * 86400", "RECEIPT_LIFE_S = 30000 * 86400"),
            AS_SAID,
        ),
    },
    Mutant {
        name: "what has ended is read for ever",
        story: "two seconds are short enough for everything",
        weather: Weather::Visited,
        caught_by: "looks-spared",
        broken: Broken::Edge(
            AS_DEPLOYED,
            (AS_ASKED, |answer| {
                let cache = answer["headers"]["cache-control"].as_str().unwrap_or_default();
                let often = cache.replace("s-maxage=86400", "s-maxage=2");
                keep(answer, &often);
            }),
        ),
    },
    Mutant {
        name: "a page without a policy for its referrer",
        story: "browsers have a default",
        weather: Weather::Visited,
        caught_by: "looks-guarded",
        broken: Broken::Edge(
            |edge| {
                edge.behaviors
                    .iter_mut()
                    .for_each(|behavior| _ = behavior.headers.set.remove("referrer-policy"));
            },
            AS_SAID,
        ),
    },
];

const FINAL: &str = "public, max-age=0, s-maxage=86400";

/// Changes the text of the router.
fn router(edge: &mut DistributionConfig, from: &str, to: &str) {
    for function in edge.functions.values_mut() {
        assert!(function.code.contains(from), "the router does not say {from}");
        function.code = function.code.replace(from, to);
    }
}

fn key_without_payment(edge: &mut DistributionConfig) {
    router(
        edge,
        "request.uri = (isOfAPerson(request) ? '/page/' : '/json/') + parts[1];",
        "request.uri = isOfAPerson(request) ? '/page/any' : '/json/any'; \
         request.headers['payment-id'] = { value: parts[1] };",
    );
    router(edge, "'if-none-match'];", "'if-none-match', 'payment-id'];");
    edge.behaviors.iter_mut().for_each(|behavior| behavior.forwards_headers = true);
}

fn payment_from_header(event: &mut Value) {
    let payment = event["headers"]["payment-id"].as_str().unwrap_or("any");
    let path = event["rawPath"].as_str().unwrap_or_default().replace("any", payment);
    event["rawPath"] = json!(path);
}

fn is_in_flight(answer: &Value) -> bool {
    answer["body"].as_str().is_some_and(|body| body.contains("in_progress"))
}

/// Tells another state of what is in flight.
fn tells(answer: &mut Value, state: &str, cache: &str) {
    if is_in_flight(answer) {
        let body = answer["body"].as_str().unwrap_or_default().replace("in_progress", state);
        answer["body"] = json!(body);
        keep(answer, cache);
    }
}

fn says_failed(answer: &mut Value) {
    if is_in_flight(answer) {
        let body = answer["body"].as_str().unwrap_or_default();
        answer["body"] =
            json!(body.replace("We have it and are still trying", "The payment has failed so far"));
    }
}

fn keep(answer: &mut Value, cache: &str) {
    answer["headers"]["cache-control"] = json!(cache);
}

/// The status function, asked and heard by somebody who changes what is said.
pub(crate) struct Misheard(pub(crate) Answers);

impl Function for Misheard {
    fn start(&self, container: Container) -> BoxFuture<'static, Result<Box<dyn Handler>, String>> {
        let (start, answers) = (StatusFunction.start(container), self.0);
        Box::pin(async move {
            let between: Box<dyn Handler> = Box::new(Between { handler: start.await?, answers });
            Ok(between)
        })
    }
}

struct Between {
    handler: Box<dyn Handler>,
    answers: Answers,
}

impl Handler for Between {
    fn invoke(&self, payload: Vec<u8>, context: InvocationContext) -> BoxFuture<'_, Result<Vec<u8>, String>> {
        Box::pin(async move {
            let read = |bytes: &[u8]| serde_json::from_slice(bytes).map_err(|error| error.to_string());
            let write = |value: &Value| serde_json::to_vec(value).map_err(|error| error.to_string());
            let mut event: Value = read(&payload)?;
            (self.answers.0)(&mut event);
            let mut answer: Value = read(&self.handler.invoke(write(&event)?, context).await?)?;
            (self.answers.1)(&mut answer);
            write(&answer)
        })
    }
}

/// What makes one.
pub(crate) fn misheard(answers: Answers) -> impl Fn() -> Arc<dyn Function> + Sync {
    move || Arc::new(Misheard(answers))
}
