//! Chaos for the payment pipeline: one world built from `template.yaml`, in virtual time.

pub mod checks;
pub mod clock;
pub mod cloud;
pub mod commands;
pub mod consumer;
pub mod drills;
pub mod experiment;
pub mod faults;
pub mod journal;
pub mod link;
pub mod order;
mod parallel;
pub mod promises;
pub mod random;
pub mod report;
pub mod responder;
mod sdk;
pub mod search;
pub mod serve;
pub mod shrink;
pub mod stripe;
pub mod sweep;
pub mod template;
pub mod turns;
mod units;
pub mod workload;
pub mod world;
