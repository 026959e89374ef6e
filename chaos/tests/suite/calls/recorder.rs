//! Something that listens between the functions and everybody they call.

use crate::calls::shape::Shapes;
use crate::wire;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use bytes::Bytes;
use chaos::cloud::container::Function;
use http::Request;
use serde_json::{Map, Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use stripe::Transport;
use tower::ServiceExt;
use tower::service_fn;
use tower::util::BoxCloneSyncService;

/// Where calls are noted. Cheap to clone; all clones note the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorder(Arc<Mutex<Shapes>>);

impl Recorder {
    /// The function, listened to where it calls AWS.
    pub(crate) fn listening(&self, function: Arc<dyn Function>) -> Arc<dyn Function> {
        let recorder = self.clone();
        wire::between(function, move || {
            let recorder = recorder.clone();
            Arc::new(move |connector, request| {
                recorder.note_aws(&request);
                connector.call(request)
            })
        })
    }

    /// A way to Stripe that is listened to.
    pub(crate) fn on_the_way(&self, transport: Transport) -> Transport {
        let recorder = self.clone();
        BoxCloneSyncService::new(service_fn(move |request: Request<Bytes>| {
            recorder.note_stripe(&request);
            transport.clone().oneshot(request)
        }))
    }

    pub(crate) fn told(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).to_string()
    }

    fn note(&self, what: String, body: &Value) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).add(what, body);
    }

    fn note_aws(&self, request: &HttpRequest) {
        let body = request.body().bytes().unwrap_or_default();
        let target = request.headers().get("x-amz-target").and_then(|target| target.rsplit('.').next());
        let (operation, body) = if let Some(operation) = target {
            (operation.to_owned(), serde_json::from_slice(body).expect("it is JSON"))
        } else if let Some((_, operation)) = request.uri().rsplit_once("/operation/") {
            (operation.to_owned(), ciborium::from_reader(body).expect("it is CBOR"))
        } else {
            let body = fields(form_urlencoded::parse(body));
            (body["Action"].as_str().unwrap_or_default().to_owned(), body)
        };
        let on = ["QueueUrl", "TopicArn", "TableName", "IndexName", "UpdateExpression", "SourceArn"];
        let on = on.iter().filter_map(|name| body[*name].as_str());
        // What the ledger keeps that is no payment.
        let key = body["Key"]["payment_id"]["S"].as_str().filter(|key| !key.starts_with("order-"));
        let tables = body["RequestItems"].as_object().into_iter().flat_map(Map::keys).map(String::as_str);
        let on: Vec<&str> = on.chain(tables).chain(key).collect();
        self.note(format!("{operation} {}", on.join(" ")).trim_end().to_owned(), &body);
    }

    fn note_stripe(&self, request: &Request<Bytes>) {
        let uri = request.uri();
        let path = uri.path().split('/').map(|part| if part.starts_with("pi_") { "{id}" } else { part });
        let mut headers = Map::new();
        for (name, value) in request.headers() {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            headers.insert(name.to_string(), Value::String(value));
        }
        let body = json!({
            "headers": headers,
            "query": fields(form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())),
            "form": fields(form_urlencoded::parse(request.body())),
        });
        let path: Vec<&str> = path.collect();
        self.note(format!("{} {}", request.method(), path.join("/")), &body);
    }
}

fn fields(form: form_urlencoded::Parse<'_>) -> Value {
    Value::Object(form.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect())
}
