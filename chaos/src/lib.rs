//! Chaos for the payment pipeline: one world built from `template.yaml`, in virtual time.
//!
//! The handlers of both functions, and the AWS SDK in them, are those that are deployed. What is around them is here: SQS,
//! Lambda, DynamoDB, CloudWatch, EventBridge, SNS and Secrets Manager as the template configures them ([`cloud`],
//! [`template`]), Stripe ([`stripe`]), and time, which stands still until nothing is left to do ([`clock`]).
//!
//! # From an experiment to a verdict
//!
//! 1. An [`experiment::Experiment`] says what is sent ([`workload`]), what goes wrong ([`faults`]), and what must come of it.
//! 2. [`world::run`] builds the stack and lets it happen. All that happens is noted in the [`journal`].
//! 3. What is left is a [`world::History`]: the journal, the ledger, Stripe's book, the queues, the mails.
//! 4. [`checks::judge`] holds it to every promise ([`promises`]); a run that proves nothing never passes.
//! 5. [`report`] tells the story.
//!
//! # Many runs, and other ground
//!
//! [`search`] draws faults for each seed, [`shrink`] leaves out of a failing run what can be left out, [`sweep`] kills at every
//! network hop, [`drills`] makes every alarm fire and clear. [`up`] is the same stack in real time with the functions as
//! processes, [`serve`] the fake Stripe over HTTP, [`deployed`] the same experiments on AWS, [`mod@bench`] what it costs beside others.
//! [`commands`] is the command line of all of it.
//!
//! # Invariant
//!
//! Same experiment and seed, same bytes: nothing in a simulated run reads a clock, opens a socket, iterates what has no order,
//! or draws from anything but its seed.

pub mod bench;
mod bucket;
pub mod checks;
pub mod clock;
pub mod cloud;
pub mod commands;
pub mod consumer;
pub mod deployed;
pub mod drills;
pub mod experiment;
pub mod faults;
pub mod journal;
pub mod link;
pub mod order;
mod parallel;
pub mod promises;
pub mod random;
pub mod records;
pub mod report;
pub mod responder;
mod sdk;
pub mod search;
pub mod serve;
pub mod shrink;
pub mod status;
pub mod stripe;
pub mod sweep;
pub mod template;
pub mod turns;
mod units;
pub mod up;
pub mod violation;
pub mod workload;
pub mod world;
