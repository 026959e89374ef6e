//! Behaviour of the real responder, beside the real consumer, in worlds built from the real template.

#![expect(clippy::wildcard_enum_match_arm, reason = "tests pick the events they look at")]

mod alarms;
mod aside;
mod audit;
mod audit_of_many;
mod behind;
mod export;
mod permissions;
mod purged;
mod quarantine;
mod quiet;
mod release;
mod releases;
mod town;
mod transitions;
mod untaken;
mod volume;
