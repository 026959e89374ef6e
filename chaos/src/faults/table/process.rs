//! What can happen to a process, and is not simulated.
//!
//! Invariant: one row a kind, and nothing about a kind is said elsewhere.

use super::super::families::Family;
use super::super::kinds::Description;
use super::lambda::FUNCTIONS;

pub(in super::super) const PROCESS_STOPPED: Description = Description {
    name: "process-stopped",
    family: Family::Process,
    default_share: 0.1,
    placements: &[],
    operations: FUNCTIONS,
    prevents_calls: false,
    does: "stops the process of an invocation (SIGSTOP) for 1 to 20 s, then lets it go on (SIGCONT)",
    cause: "a host that is moved or out of memory, a frozen sandbox",
    heals: "the process goes on where it was, with answers and deadlines that are older than it thinks",
};

pub(in super::super) const OUTPUT_BLOCKED: Description = Description {
    name: "output-blocked",
    family: Family::Process,
    default_share: 0.1,
    placements: &[],
    operations: FUNCTIONS,
    prevents_calls: false,
    does: "reads nothing of what a process writes for 1 to 20 s: its pipe of 4 KiB fills, and it waits",
    cause: "a collector of logs that hangs",
    heals: "the pipe is read again",
};

pub(in super::super) const CONNECTION_REFUSED: Description = Description {
    name: "connection-refused",
    family: Family::Process,
    default_share: 0.1,
    placements: &[],
    operations: FUNCTIONS,
    prevents_calls: false,
    does: "closes the port at which a container reaches Stripe for 1 to 20 s: what is open is reset, what is new refused",
    cause: "a proxy that is restarted, an egress rule that is changed",
    heals: "the port listens again",
};
