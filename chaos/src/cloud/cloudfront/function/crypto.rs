//! The digests of the runtime's `crypto` module.
//!
//! Invariant: what is not one of its three algorithms never comes here.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::Digest;

/// Bytes that all three algorithms take at once.
const BLOCK_BYTES: usize = 64;

/// Of `text`, as HMAC when there is a key; `None` for an algorithm or an encoding that the runtime does not have.
pub(super) fn digest(algorithm: &str, key: Option<&str>, text: &str, encoding: &str) -> Option<String> {
    let hash = match algorithm {
        "md5" => md5,
        "sha1" => sha1,
        "sha256" => sha256,
        _ => return None,
    };
    let bytes = match key {
        None => hash(text.as_bytes()),
        Some(key) => hmac(hash, key.as_bytes(), text.as_bytes()),
    };
    match encoding {
        "hex" => Some(bytes.iter().flat_map(|byte| [byte >> 4, byte & 15].map(hex_digit)).collect()),
        "base64" => Some(STANDARD.encode(bytes)),
        "base64url" => Some(URL_SAFE_NO_PAD.encode(bytes)),
        _ => None,
    }
}

/// RFC 2104.
fn hmac(hash: fn(&[u8]) -> Vec<u8>, key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut block = if key.len() > BLOCK_BYTES { hash(key) } else { key.to_vec() };
    block.resize(BLOCK_BYTES, 0);
    let padded = |pad: u8, text: &[u8]| {
        let padding = block.iter().map(|byte| byte ^ pad);
        hash(&padding.chain(text.iter().copied()).collect::<Vec<u8>>())
    };
    padded(0x5c, &padded(0x36, text))
}

fn hex_digit(half: u8) -> char {
    char::from(b"0123456789abcdef"[usize::from(half)])
}

fn md5(bytes: &[u8]) -> Vec<u8> {
    md5::compute(bytes).to_vec()
}

fn sha1(bytes: &[u8]) -> Vec<u8> {
    sha1_smol::Sha1::from(bytes).digest().bytes().to_vec()
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    sha2::Sha256::digest(bytes).to_vec()
}

#[cfg(test)]
mod tests {
    use super::digest;

    /// RFC 1321, 3174, 6234; 2202 and 4231 for those with a key.
    #[test]
    fn digests_are_those_of_the_standards() {
        let of = |algorithm, key, text| digest(algorithm, key, text, "hex").expect("there is one");
        assert_eq!(of("md5", None, "abc"), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(of("sha1", None, "abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(
            of("sha256", None, "abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        let (key, text) = (Some("Jefe"), "what do ya want for nothing?");
        assert_eq!(of("md5", key, text), "750c783e6ab0b503eaa86e310a5db738");
        assert_eq!(of("sha1", key, text), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
        assert_eq!(
            of("sha256", key, text),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn a_key_longer_than_a_block_is_hashed_first() {
        let long = "k".repeat(65);
        let short = digest("sha256", None, &long, "hex").expect("there is one");
        assert_ne!(digest("sha256", Some(&long), "x", "hex"), digest("sha256", Some(&short), "x", "hex"));
        let expected = "75092ca3ee2b307470c227697b42b3e65376aa3bae98fb5a1f7b7536daa9588a";
        assert_eq!(digest("sha256", Some(&long), "x", "hex").as_deref(), Some(expected));
    }

    #[test]
    fn an_encoding_for_addresses_has_no_padding() {
        assert_eq!(digest("md5", None, "ab?", "base64").as_deref(), Some("46DGYMd+CKZucthtW26XdQ=="));
        assert_eq!(digest("md5", None, "ab?", "base64url").as_deref(), Some("46DGYMd-CKZucthtW26XdQ"));
        assert_eq!(digest("md5", None, "?", "latin1"), None);
    }
}
