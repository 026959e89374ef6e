//! The consumer with something between it and Stripe.

use bytes::Bytes;
use chaos::cloud::container::{BoxFuture, Container, Function, Handler};
use chaos::consumer::ConsumerFunction;
use chaos::stripe::Provider;
use consumer::{Ports, Protocol};
use http::request::Builder;
use http::{Request, Response};
use std::io;
use std::sync::Arc;
use stripe::{Transport, TransportError};
use tower::ServiceExt;
use tower::service_fn;
use tower::util::BoxCloneSyncService;

/// What comes of a request.
pub(crate) type Heard = Result<Response<Bytes>, TransportError>;

/// Makes something else of a request than to send it and hear the answer.
pub(crate) type Alter = fn(Line, Request<Bytes>) -> BoxFuture<'static, Heard>;

/// A container's line to Stripe.
#[derive(Clone)]
pub(crate) struct Line {
    transport: Transport,
    /// Id of the invocation that calls.
    pub(crate) invocation: String,
}

impl Line {
    /// A line of its own, for a handler that is not our consumer.
    pub(crate) fn of(container: &Container, provider: &Provider) -> Self {
        let request = container.request.clone();
        let wire = provider.connect(container.link.clone(), Arc::new(move || request.get().to_string()));
        Self { transport: BoxCloneSyncService::new(wire), invocation: container.request.get().to_string() }
    }

    /// Sends a request and hears the answer.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Heard {
        self.transport.clone().oneshot(request).await
    }

    /// Posts a form, under this key or none; the body of the answer, if Stripe did it.
    pub(crate) async fn post(&self, path: &str, form: String, key: Option<&str>) -> Result<Bytes, String> {
        let mut request = Request::post(format!("https://api.stripe.com/v1/{path}"))
            .header("content-type", "application/x-www-form-urlencoded");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        self.ask(request, form).await
    }

    /// Looks something up; the body of the answer, if there was one.
    pub(crate) async fn get(&self, path: &str) -> Result<Bytes, String> {
        self.ask(Request::get(format!("https://api.stripe.com/v1/{path}")), String::new()).await
    }

    async fn ask(&self, request: Builder, body: String) -> Result<Bytes, String> {
        let request = request
            .header("authorization", "Bearer sk_test_simulated")
            .header("stripe-version", stripe::STRIPE_VERSION)
            .body(Bytes::from(body));
        let answer =
            self.send(request.expect("it is well formed")).await.map_err(|error| error.to_string())?;
        let status = answer.status();
        if status.is_success() { Ok(answer.into_body()) } else { Err(format!("Stripe says {status}")) }
    }
}

/// The consumer under another protocol.
pub(crate) fn with_protocol(provider: Provider, protocol: Protocol) -> Arc<dyn Function> {
    Arc::new(ConsumerFunction::altered(provider, move |ports| Ports { protocol, ..ports }))
}

/// Makes another line of one of metrics.
pub(crate) type Write = fn(&str) -> String;

/// The consumer with other lines of metrics.
pub(crate) fn with_metrics(provider: Provider, write: Write) -> Arc<dyn Function> {
    let altered = move |ports: Ports| Ports { metrics: Box::new(Rewritten(ports.metrics, write)), ..ports };
    Arc::new(ConsumerFunction::altered(provider, altered))
}

/// Lines on their way to somebody, each as another one.
struct Rewritten(Box<dyn io::Write + Send>, Write);

impl io::Write for Rewritten {
    /// Each line comes in one piece.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write_all((self.1)(&String::from_utf8_lossy(line)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Starts consumers whose requests and answers are altered.
pub(crate) struct Liar {
    pub(crate) provider: Provider,
    pub(crate) alter: Alter,
}

impl Function for Liar {
    fn start(&self, container: Container) -> BoxFuture<'static, Result<Box<dyn Handler>, String>> {
        let (alter, request) = (self.alter, container.request.clone());
        let altered = move |ports: Ports| {
            let (transport, request) = (ports.stripe, request.clone());
            let line = move || Line { transport: transport.clone(), invocation: request.get().to_string() };
            let stripe = BoxCloneSyncService::new(service_fn(move |request| alter(line(), request)));
            Ports { stripe, ..ports }
        };
        ConsumerFunction::altered(self.provider.clone(), altered).start(container)
    }
}
