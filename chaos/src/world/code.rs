//! The code of a stack's functions.
//!
//! Invariant: the world knows functions by this alone, so a test can put a known-bad one in the place of either; and
//! worlds side by side, each on a thread of its own, can be given the same.

use crate::cloud::container::Function;
use crate::consumer::ConsumerFunction;
use crate::responder::ResponderFunction;
use crate::status::StatusFunction;
use crate::stripe::Provider;
use std::sync::Arc;

/// Makes the code of a function, given the provider it is to call.
pub type Maker<'a> = &'a (dyn Fn(Provider) -> Arc<dyn Function> + Sync);

/// The code of every function a stack may have.
#[derive(Clone, Copy)]
pub struct Code<'a> {
    /// The function fed by the payments queue.
    pub consumer: Maker<'a>,
    /// The function with the schedule.
    pub responder: Maker<'a>,
    /// The function that stands behind the edge.
    pub status: &'a (dyn Fn() -> Arc<dyn Function> + Sync),
}

impl Code<'_> {
    /// The functions as they are deployed.
    pub const DEPLOYED: Self = Self {
        consumer: &|provider| Arc::new(ConsumerFunction::new(provider)),
        responder: &|provider| Arc::new(ResponderFunction::new(provider)),
        status: &|| Arc::new(StatusFunction),
    };
}
