//! Randomness: named streams of one seed.
//!
//! A subsystem draws from its own stream, so an extra draw in one never shifts another.
//! Invariant: integer arithmetic only, so every platform and build profile draws the same bytes.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest, Sha256};

/// A chance in parts per million: `0.3` typed by a user is 300,000 here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chance(u32);

impl Chance {
    /// Something that always happens.
    pub const ALWAYS: Self = Self(1_000_000);

    /// Reads a share between 0 and 1; `None` when it is outside or not a number.
    #[must_use]
    pub fn from_share(share: f64) -> Option<Self> {
        // The one place where a float enters: typed once, rounded once.
        (0.0..=1.0).contains(&share).then(|| Self((share * 1_000_000.0).round() as u32))
    }

    /// So many parts per million; more than a million count as a million.
    #[must_use]
    pub const fn from_ppm(ppm: u32) -> Self {
        Self(if ppm < Self::ALWAYS.0 { ppm } else { Self::ALWAYS.0 })
    }

    /// Parts per million, 0 to 1,000,000.
    #[must_use]
    pub const fn ppm(self) -> u32 {
        self.0
    }
}

/// One named stream of a seed.
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream `name` of `seed`: the same name and seed give the same draws everywhere.
    #[must_use]
    pub fn new(seed: u64, name: &str) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(seed.to_le_bytes());
        hasher.update(name.as_bytes());
        Self(ChaCha8Rng::from_seed(hasher.finalize().into()))
    }

    /// A number below `bound`, uniformly; 0 when `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // Multiply-shift keeps the bias below 2^-64 × bound, far under what any run could notice.
        ((u128::from(self.0.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// A number in `low..=high`, uniformly.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low).saturating_add(1))
    }

    /// Whether something of this chance happens.
    pub fn happens(&mut self, chance: Chance) -> bool {
        self.below(1_000_000) < u64::from(chance.0)
    }

    /// A whole seed for something that keeps its own generator.
    pub fn seed(&mut self) -> u64 {
        self.0.next_u64()
    }
}
