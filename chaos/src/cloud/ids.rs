//! Identifiers as AWS shapes them, drawn from a seed.
//!
//! Invariant: the n-th id of a stream is the same in every run of one seed.

use crate::random::Stream;

/// A stream of ids.
#[derive(Clone, Debug)]
pub struct Ids(Stream);

impl Ids {
    /// The ids that `name` draws from `seed`.
    #[must_use]
    pub fn new(seed: u64, name: &str) -> Self {
        Self(Stream::new(seed, name))
    }

    /// The next id: a version 4 UUID, lower case.
    pub fn uuid(&mut self) -> String {
        let high = self.0.seed();
        let low = self.0.seed();
        format!(
            "{:08x}-{:04x}-4{:03x}-{:x}{:03x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            8 + ((low >> 62) & 0b11),
            (low >> 48) & 0xfff,
            low & 0xffff_ffff_ffff,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_4_uuids_and_the_seed_decides_them() {
        let id = Ids::new(7, "messages").uuid();
        let lengths: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(&id[14..15], "4");
        assert!("89ab".contains(&id[19..20]), "variant of {id}");
        assert_eq!(id, Ids::new(7, "messages").uuid());
        assert_ne!(id, Ids::new(8, "messages").uuid());
    }
}
