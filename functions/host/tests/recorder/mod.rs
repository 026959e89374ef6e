//! AWS as a test has it: what it is asked is kept, and what it answers was said before. For the tests of every crate
//! that asks it.
//!
//! Invariant: no request leaves the process.

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::{Arc, Mutex};

/// Cheap to clone; all clones keep the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorder {
    asked: Arc<Mutex<Vec<(String, Value)>>>,
    answers: Arc<Mutex<VecDeque<Value>>>,
}

impl Recorder {
    /// Gives these answers in their order, and then empty ones.
    pub(crate) fn answering(answers: impl IntoIterator<Item = Value>) -> Self {
        Self { answers: Arc::new(Mutex::new(answers.into_iter().collect())), ..Self::default() }
    }

    /// What a client of the SDK sends its requests by.
    pub(crate) fn http_client(&self) -> SharedHttpClient {
        let connector = SharedHttpConnector::new(self.clone());
        http_client_fn(move |_, _| connector.clone())
    }

    /// What was asked since this was last called: the operation, and its body. A form is an object of texts.
    pub(crate) fn taken(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut *self.asked.lock().expect("nobody panicked"))
    }

    /// The same, to be read.
    pub(crate) fn told(&self) -> String {
        let mut told = String::new();
        for (operation, body) in self.taken() {
            let body = serde_json::to_string_pretty(&body).expect("JSON");
            writeln!(told, "{operation}\n{body}\n").expect("a text");
        }
        told
    }
}

impl HttpConnector for Recorder {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.asked.lock().expect("nobody panicked").push(asked(&request));
        let answer = self.answers.lock().expect("nobody panicked").pop_front().unwrap_or_else(|| json!({}));
        let response = http::Response::new(SdkBody::from(answer.to_string()));
        HttpConnectorFuture::ready(Ok(HttpResponse::try_from(response).expect("it is well formed")))
    }
}

fn asked(request: &HttpRequest) -> (String, Value) {
    let body = request.body().bytes().expect("it is in memory");
    match request.headers().get("x-amz-target").and_then(|target| target.rsplit('.').next()) {
        // Requests come out of hash maps; a parsed object has its names in order, and can be compared.
        Some(operation) => (operation.to_owned(), serde_json::from_slice(body).expect("JSON")),
        None => ("form".to_owned(), Value::String(String::from_utf8_lossy(body).into_owned())),
    }
}
