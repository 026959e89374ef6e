//! Functions that take their batches, or answer for them, in another way.

use crate::mutants::calls::Line;
use aws_lambda_events::event::sqs::SqsEvent;
use chaos::cloud::container::{BoxFuture, Container, Function, Handler as InContainer, InvocationContext};
use chaos::consumer::ConsumerFunction;
use chaos::stripe::Provider;
use serde_json::Value;
use std::sync::Arc;

/// What a function answers: JSON, or the error that it throws.
pub(crate) type Answer = Result<Vec<u8>, String>;

/// Handles a batch with the help of our consumer.
pub(crate) type Alter = fn(Batch) -> BoxFuture<'static, Answer>;

/// Handles a batch without it.
pub(crate) type Handler = fn(Line, SqsEvent) -> BoxFuture<'static, Result<Value, String>>;

/// A batch, and the consumer it is meant for.
pub(crate) struct Batch {
    consumer: Arc<dyn InContainer>,
    payload: Vec<u8>,
    context: InvocationContext,
}

impl Batch {
    /// What our consumer answers.
    pub(crate) async fn handle(&self) -> Answer {
        self.consumer.invoke(self.payload.clone(), self.context.clone()).await
    }

    /// Other records in the place of those that came.
    pub(crate) fn take(&mut self, event: &SqsEvent) {
        self.payload = serde_json::to_vec(event).expect("it was JSON");
    }

    /// The records, as they came.
    pub(crate) fn event(&self) -> SqsEvent {
        serde_json::from_slice(&self.payload).expect("Lambda sends SQS events")
    }
}

/// Starts consumers whose batches are altered.
pub(crate) struct Altered {
    pub(crate) provider: Provider,
    pub(crate) alter: Alter,
}

impl Function for Altered {
    fn start(&self, container: Container) -> BoxFuture<'static, Result<Box<dyn InContainer>, String>> {
        let alter = self.alter;
        let started = ConsumerFunction::new(self.provider.clone()).start(container);
        Box::pin(async move {
            let consumer = Arc::from(started.await?);
            Ok(Box::new(AlteredInContainer { consumer, alter }) as Box<dyn InContainer>)
        })
    }
}

struct AlteredInContainer {
    consumer: Arc<dyn InContainer>,
    alter: Alter,
}

impl InContainer for AlteredInContainer {
    fn invoke(&self, payload: Vec<u8>, context: InvocationContext) -> BoxFuture<'_, Answer> {
        (self.alter)(Batch { consumer: Arc::clone(&self.consumer), payload, context })
    }
}

/// Starts another handler.
pub(crate) struct Other {
    pub(crate) provider: Provider,
    pub(crate) handler: Handler,
}

impl Function for Other {
    fn start(&self, container: Container) -> BoxFuture<'static, Result<Box<dyn InContainer>, String>> {
        let (provider, handler) = (self.provider.clone(), self.handler);
        Box::pin(async move {
            Ok(Box::new(OtherInContainer { provider, container, handler }) as Box<dyn InContainer>)
        })
    }
}

struct OtherInContainer {
    provider: Provider,
    container: Container,
    handler: Handler,
}

impl InContainer for OtherInContainer {
    fn invoke(&self, payload: Vec<u8>, _: InvocationContext) -> BoxFuture<'_, Answer> {
        let event = serde_json::from_slice(&payload).expect("Lambda sends SQS events");
        let answered = (self.handler)(Line::of(&self.container, &self.provider), event);
        Box::pin(async move { Ok(answered.await?.to_string().into_bytes()) })
    }
}
