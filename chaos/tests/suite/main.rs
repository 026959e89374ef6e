//! The suite: the functions in the embedded services, everything that can go wrong with them, and the program as it is
//! typed.
//!
//! One binary: each more is another minute of compiling the AWS SDK's generics into it. What must be known before anything
//! else counts, `determinism`, is one of its own.

mod alarms;
mod calls;
mod command_line;
mod consumer;
mod costs;
mod dashboard;
mod deployment;
mod durable;
mod edge_runbooks;
mod faults;
mod incidents;
mod layout;
mod ledger;
mod limits;
mod links;
mod logs;
mod mutants;
mod outcomes;
mod personal_data;
mod poison;
mod queries;
mod readme;
mod responder;
mod search;
mod served;
mod shrink;
mod traces;
mod tree;
mod wire;
mod witness;
