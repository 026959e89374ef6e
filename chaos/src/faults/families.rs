//! Whose fault a fault is, and where in a call it takes effect.
//!
//! Invariant: each has a name, and lists show them in this order.

use serde::{Serialize, Serializer};

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Stripe, the way to it, and the issuers behind it.
    Stripe,
    /// The producer.
    Input,
    /// Lambda.
    Lambda,
    /// The other services of AWS.
    Aws,
    /// The edge, and the way to what stands behind it.
    Edge,
    /// The machine that functions run on as processes.
    Process,
}

/// Where in a call a fault takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Placement {
    /// Nothing has happened.
    Before,
    /// It has happened, or will, and the answer does not say so.
    After,
    /// An error is stored under the call's idempotency key and will be replayed.
    Stored,
}

impl Family {
    /// Every family, in the order they are listed in.
    pub const ALL: [Self; 6] =
        [Self::Stripe, Self::Input, Self::Lambda, Self::Aws, Self::Edge, Self::Process];

    /// Those that can be simulated; the others only processes can suffer.
    pub const SIMULATED: [Self; 5] = [Self::Stripe, Self::Input, Self::Lambda, Self::Aws, Self::Edge];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stripe => "Stripe",
            Self::Input => "input",
            Self::Lambda => "Lambda",
            Self::Aws => "AWS",
            Self::Edge => "edge",
            Self::Process => "process",
        }
    }
}

impl Placement {
    /// Every placement.
    pub const ALL: [Self; 3] = [Self::Before, Self::After, Self::Stored];

    /// The word for it, as in the journal.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
            Self::Stored => "stored",
        }
    }
}

impl Serialize for Placement {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}
