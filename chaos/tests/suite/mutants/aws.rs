//! A function with something between it and AWS.

use crate::wire;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use chaos::cloud::container::{BoxFuture, Function};
use chaos::stripe::Provider;
use chaos::world::Maker;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What comes of a call.
pub(crate) type Answer = Result<HttpResponse, ConnectorError>;

/// Makes something else of a call than to send it.
pub(crate) type Alter = fn(Line, Call) -> BoxFuture<'static, Answer>;

/// Puts `alter` between AWS and the functions that `maker` makes.
pub(crate) fn between(maker: Maker<'_>, provider: Provider, alter: Alter) -> Arc<dyn Function> {
    wire::between(maker(provider), move || {
        let memory = Memory::default();
        Arc::new(move |connector, request| {
            let (target, call) = read(&request);
            let line = Line { connector: connector.clone(), target, memory: Arc::clone(&memory) };
            HttpConnectorFuture::new(alter(line, call))
        })
    })
}

/// One call, as the SDK makes it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Its name, for example `UpdateItem`.
    pub(crate) operation: String,
    /// Its body. SNS is sent a form, which is a text here.
    pub(crate) body: Value,
}

/// A container's line to AWS.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    connector: SharedHttpConnector,
    target: Option<String>,
    memory: Memory,
}

/// What a container remembers between calls.
type Memory = Arc<Mutex<BTreeMap<String, Value>>>;

impl Line {
    /// Sends a call of the service that the SDK was calling.
    pub(crate) async fn send(&self, call: Call) -> Answer {
        let Call { operation, body } = call;
        let form = body.as_str().map(str::to_owned);
        let mut request = HttpRequest::new(SdkBody::from(form.unwrap_or_else(|| body.to_string())));
        if let Some((service, _)) = self.target.as_deref().and_then(|target| target.rsplit_once('.')) {
            request.headers_mut().insert("x-amz-target", format!("{service}.{operation}"));
        }
        self.connector.call(request).await
    }

    /// The same, for the body of the answer.
    pub(crate) async fn ask(&self, operation: &str, body: Value) -> Result<Value, ConnectorError> {
        let answer = self.send(Call { operation: operation.to_owned(), body }).await?;
        Ok(serde_json::from_slice(answer.body().bytes().unwrap_or_default()).unwrap_or_default())
    }

    /// What the container remembers under a name.
    pub(crate) fn remembered(&self, name: &str) -> Option<Value> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Remembers something under a name.
    pub(crate) fn remember(&self, name: &str, what: Value) {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), what);
    }
}

/// A success that never came from AWS.
pub(crate) fn made_up(body: Value) -> Answer {
    let response = http::Response::builder().status(200).body(SdkBody::from(body.to_string()));
    HttpResponse::try_from(response.expect("it has no headers"))
        .map_err(|error| ConnectorError::other(error.into(), None))
}

/// A call as the SDK makes it, and its `x-amz-target`, if it has one.
fn read(request: &HttpRequest) -> (Option<String>, Call) {
    let target = request.headers().get("x-amz-target").map(str::to_owned);
    let body = request.body().bytes().unwrap_or_default();
    let call = match &target {
        Some(target) => Call {
            operation: target.rsplit('.').next().unwrap_or_default().to_owned(),
            body: serde_json::from_slice(body).unwrap_or_default(),
        },
        None => {
            let form = String::from_utf8_lossy(body).into_owned();
            let action = form.split('&').find_map(|field| field.strip_prefix("Action="));
            Call { operation: action.unwrap_or_default().to_owned(), body: Value::String(form) }
        }
    };
    (target, call)
}
