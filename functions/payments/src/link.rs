//! The token of a status link: who holds it may see how one payment stands, until it expires.
//!
//! `{payment id}.{expiry}.{signature}`: the expiry in seconds since 1970, ten digits; the signature HMAC-SHA256 in lower-case
//! hexadecimal, over a text that begins with [`PURPOSE`] so that a key which also signs something else signs no links by it.
//! No field can hold a full stop, and each has one spelling, so two tokens that differ are never the same token.
//!
//! Whoever hands in a payment signs: it knows the id before anybody else, and the link is good although the answer to the
//! hand-in is lost. `edge/router.js` verifies, and `edge/cases.json` holds the two together.
//!
//! Invariant: a token is made for at most [`LIFE_S_MAX`]; a key is long enough not to be guessed.

use crate::limits::SETTLED_ROW_DAYS;
use crate::payment::PaymentId;
use crate::time::UnixMs;
use sha2::{Digest, Sha256};
use std::fmt;

/// What a signed text begins with.
pub const PURPOSE: &str = "status-link-1";

/// The longest that a token may live, seconds: a year. A row that settled is kept for longer, so a link never outlives what
/// it shows.
pub const LIFE_S_MAX: i64 = 365 * 86_400;

/// The shortest key, characters: 256 bits in hexadecimal.
pub const KEY_CHARS_MIN: usize = 64;

/// The longest key, characters: a value of a CloudFront KeyValueStore has at most 1,024 bytes; this is ample.
pub const KEY_CHARS_MAX: usize = 256;

const _: () = assert!(LIFE_S_MAX < SETTLED_ROW_DAYS * 86_400);

/// Block of SHA-256, bytes (RFC 2104 calls it B).
const BLOCK: usize = 64;

/// A key that links are signed with: the text itself, as it lies in the KeyValueStore. Never shown.
#[derive(Clone)]
pub struct Key(Box<[u8]>);

impl Key {
    /// What makes a key, for messages.
    pub const FORM: &str = "64 to 256 of 0-9 a-f, as `openssl rand -hex 32` gives them";

    /// `None` unless `text` has the form.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let is_hexadecimal = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let has_length = (KEY_CHARS_MIN..=KEY_CHARS_MAX).contains(&text.len());
        (is_hexadecimal && has_length).then(|| Self(text.as_bytes().into()))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// The token for `payment`, good for `life_s` seconds from `now`: at least one, at most [`LIFE_S_MAX`].
#[must_use]
pub fn token(key: &Key, payment: &PaymentId, now: UnixMs, life_s: i64) -> String {
    let expires = now.0.div_euclid(1_000) + life_s.clamp(1, LIFE_S_MAX);
    let signed = format!("{payment}.{expires:010}");
    let signature = hmac(&key.0, format!("{PURPOSE}.{signed}").as_bytes());
    signature.iter().fold(format!("{signed}."), |token, byte| format!("{token}{byte:02x}"))
}

/// HMAC-SHA256 (RFC 2104). Written out, because this crate depends on nothing that could do anything, and it is one line
/// of mathematics: H(K ⊕ opad, H(K ⊕ ipad, text)).
fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut block = [0; BLOCK];
    match key.len() {
        ..=BLOCK => block[..key.len()].copy_from_slice(key),
        _ => block[..32].copy_from_slice(&Sha256::digest(key)),
    }
    let padded = |pad: u8| Sha256::new().chain_update(block.map(|byte| byte ^ pad));
    let inner = padded(0x36).chain_update(text).finalize();
    padded(0x5c).chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Test cases 1, 2, 3 and 6 of RFC 4231: keys shorter and longer than a block.
    #[test]
    fn it_signs_as_the_rfc_does() {
        let cases: [(&[u8], &[u8], &str); 4] = [
            (&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (&[0xaa; 20], &[0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ];
        for (key, text, expected) in cases {
            assert_eq!(hex(&hmac(key, text)), expected);
        }
    }

    #[test]
    fn a_token_lives_at_least_a_second_and_at_most_a_year() {
        let key = Key::new(&"0123456789abcdef".repeat(4)).expect("it has the form");
        let payment = PaymentId::new("order-1042").expect("it has the form");
        let expiry = |life_s| {
            let token = token(&key, &payment, UnixMs(1_767_603_603_999), life_s);
            token.split('.').nth(1).and_then(|expiry| expiry.parse::<i64>().ok())
        };
        assert_eq!(expiry(86_400), Some(1_767_603_603 + 86_400));
        assert_eq!(expiry(i64::MAX), Some(1_767_603_603 + LIFE_S_MAX));
        assert_eq!(expiry(-5), Some(1_767_603_604));
    }

    #[test]
    fn what_could_be_guessed_is_no_key_and_none_is_shown() {
        for no_key in ["", "secret", &"a".repeat(63), &"a".repeat(257), &"A".repeat(64), &" ".repeat(64)] {
            assert!(Key::new(no_key).is_none(), "{no_key}");
        }
        let key = Key::new(&"a1".repeat(32)).expect("it has the form");
        assert!(!format!("{key:?}").contains("a1"));
    }
}
