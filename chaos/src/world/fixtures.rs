//! The simplest of bad consumers.

use crate::cloud::container::{BoxFuture, Container, Function, Handler, InvocationContext};

/// A consumer that gives every batch the same answer and does nothing else.
pub(crate) struct Answers(pub(crate) Result<&'static str, &'static str>);

impl Function for Answers {
    fn start(&self, _: Container) -> BoxFuture<'static, Result<Box<dyn Handler>, String>> {
        let answer = self.0;
        Box::pin(async move { Ok(Box::new(Self(answer)) as Box<dyn Handler>) })
    }
}

impl Handler for Answers {
    fn invoke(&self, _: Vec<u8>, _: InvocationContext) -> BoxFuture<'_, Result<Vec<u8>, String>> {
        let answer = self.0.map(|text| text.as_bytes().to_vec()).map_err(str::to_owned);
        Box::pin(async move { answer })
    }
}
