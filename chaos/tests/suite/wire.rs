//! Something between a function and AWS.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use chaos::cloud::container::{BoxFuture, Container, Function, Handler};
use std::fmt;
use std::sync::Arc;

/// What becomes of a call, with whoever would have sent it.
pub(crate) type OnCall = dyn Fn(&SharedHttpConnector, HttpRequest) -> HttpConnectorFuture + Send + Sync;

/// Puts something between a function and AWS. Each container has its own, which `start` makes.
pub(crate) fn between(
    function: Arc<dyn Function>,
    start: impl Fn() -> Arc<OnCall> + Send + Sync + 'static,
) -> Arc<dyn Function> {
    Arc::new(Between { function, start })
}

struct Between<S> {
    function: Arc<dyn Function>,
    start: S,
}

impl<S: Fn() -> Arc<OnCall> + Send + Sync> Function for Between<S> {
    fn start(&self, container: Container) -> BoxFuture<'static, Result<Box<dyn Handler>, String>> {
        let client = Client { inner: container.http, on_call: (self.start)() };
        self.function.start(Container { http: SharedHttpClient::new(client), ..container })
    }
}

struct Client {
    inner: SharedHttpClient,
    on_call: Arc<OnCall>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.inner).finish()
    }
}

impl HttpClient for Client {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Connector { inner, on_call: Arc::clone(&self.on_call) })
    }
}

struct Connector {
    inner: SharedHttpConnector,
    on_call: Arc<OnCall>,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Connector").field(&self.inner).finish()
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        (self.on_call)(&self.inner, request)
    }
}
