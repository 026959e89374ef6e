//! Who comes to the edge: shops that hand payments in, customers who look, and strangers.
//!
//! Invariant: a share of nobody sends nobody.

use crate::random::Chance;

/// What comes to the edge beside the hand-ins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visits {
    /// Share of the customers who reload and reload; the others look once.
    pub impatient: Chance,
    /// How often a second these do.
    pub reloads_per_s: u32,
    /// For how long they do, each time they come, ms.
    pub reloading_ms: u64,
    /// From one time to the next, until they know how it ended, ms.
    pub again_ms: u64,
    /// How many links are passed on to people who have nothing to do with them.
    pub shared: u32,
    /// To how many each, all of whom look within the hour.
    pub shared_with: u32,
    /// Made-up tokens that strangers try, in millionths a second.
    pub forged_per_s_micros: u64,
    /// When the key that links are signed with changes, ms since the start; the one of before goes on to be good.
    pub keys_change_at_ms: Option<u64>,
}

impl Default for Visits {
    fn default() -> Self {
        Self {
            impatient: Chance::from_ppm(100_000),
            reloads_per_s: 10,
            reloading_ms: 20_000,
            again_ms: 1_800_000,
            shared: 0,
            shared_with: 1_000,
            forged_per_s_micros: 0,
            keys_change_at_ms: None,
        }
    }
}
