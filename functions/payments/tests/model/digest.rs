//! Two independent digests of a state in one pass: millions of states are told apart by them, so SipHash twice would be
//! most of the search.
//!
//! Invariant: equal states have equal digests, in every run; unequal ones share both by no better chance than one in 2^100.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::rc::Rc;

/// Folds every word into two states with two multipliers.
struct Digest(u64, u64);

const ONE: u64 = 0x9E37_79B9_7F4A_7C15;
const TWO: u64 = 0xD6E8_FEB8_6659_FD93;

impl Digest {
    fn word(&mut self, word: u64) {
        self.0 = fold(self.0 ^ word, ONE);
        self.1 = fold(self.1.rotate_left(23) ^ word, TWO).wrapping_add(word);
    }
}

/// The full product's halves, so that high bits reach low ones.
fn fold(word: u64, by: u64) -> u64 {
    let product = u128::from(word ^ by.rotate_left(31)) * u128::from(by);
    let half = |half: u128| u64::try_from(half & u128::from(u64::MAX)).unwrap_or_default();
    half(product) ^ half(product >> 64)
}

impl Hasher for Digest {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.word(u64::from_le_bytes(last));
        }
        self.word(bytes.len() as u64);
    }

    fn write_u8(&mut self, byte: u8) {
        self.word(u64::from(byte));
    }

    fn write_u64(&mut self, word: u64) {
        self.word(word);
    }

    fn write_usize(&mut self, word: usize) {
        self.word(word as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Both digests of `state`.
pub(crate) fn of(state: &impl Hash) -> (u64, u64) {
    let mut digest = Digest(ONE, TWO);
    state.hash(&mut digest);
    (fold(digest.0, TWO), fold(digest.1, ONE))
}

/// A part of a state that many states share. It is digested once, and told apart by that.
#[derive(Clone, Debug)]
pub(crate) struct Shared<T> {
    part: Rc<T>,
    digest: (u64, u64),
}

impl<T: Hash> Shared<T> {
    pub(crate) fn new(part: T) -> Self {
        Self { digest: of(&part), part: Rc::new(part) }
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.part
    }
}

impl<T> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl<T> Eq for Shared<T> {}

impl<T> PartialOrd for Shared<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Shared<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.digest.cmp(&other.digest)
    }
}

impl<T> Hash for Shared<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}
