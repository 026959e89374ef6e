//! Ids in Stripe's shape, drawn from named streams.
//!
//! Invariant: each kind of id has its own stream, so an extra request never changes the id of an intent.

use crate::random::Stream;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The source of every id the fake gives out.
#[derive(Debug)]
pub(super) struct Ids {
    intents: Stream,
    secrets: Stream,
    charges: Stream,
    methods: Stream,
    requests: Stream,
}

impl Ids {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            intents: Stream::new(seed, "stripe/id/intent"),
            secrets: Stream::new(seed, "stripe/id/secret"),
            charges: Stream::new(seed, "stripe/id/charge"),
            methods: Stream::new(seed, "stripe/id/method"),
            requests: Stream::new(seed, "stripe/id/request"),
        }
    }

    pub(super) fn intent(&mut self) -> String {
        draw(&mut self.intents, "pi_", 24)
    }

    /// `client_secret` of the intent `id`.
    pub(super) fn secret(&mut self, id: &str) -> String {
        draw(&mut self.secrets, &format!("{id}_secret_"), 24)
    }

    pub(super) fn charge(&mut self) -> String {
        draw(&mut self.charges, "ch_", 24)
    }

    pub(super) fn method(&mut self) -> String {
        draw(&mut self.methods, "pm_", 24)
    }

    pub(super) fn request(&mut self) -> String {
        draw(&mut self.requests, "req_", 14)
    }
}

fn draw(stream: &mut Stream, prefix: &str, chars: usize) -> String {
    let mut id = String::with_capacity(prefix.len() + chars);
    id.push_str(prefix);
    // The alphabet has 62 letters, so the draw fits an index.
    id.extend((0..chars).map(|_| char::from(ALPHABET[stream.below(62) as usize])));
    id
}
