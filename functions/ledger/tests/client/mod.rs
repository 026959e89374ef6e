//! A ledger whose table is whatever a test says.

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Region};
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use ledger::Ledger;
use serde_json::Value;

pub(crate) fn ledger(connector: impl HttpConnector + 'static) -> Ledger {
    let connector = SharedHttpConnector::new(connector);
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("AKIA", "secret", None, None, "test"))
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build();
    Ledger::new(Client::from_conf(config), "the-table".to_owned())
}

/// The operation, behind the version of the API, and what is asked.
pub(crate) fn asked(request: &HttpRequest) -> (String, Value) {
    let target = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
    (target, serde_json::from_slice(request.body().bytes().expect("it is in memory")).expect("JSON"))
}

pub(crate) fn answer(body: &Value) -> HttpResponse {
    let response = http::Response::new(SdkBody::from(body.to_string()));
    HttpResponse::try_from(response).expect("it is well formed")
}
