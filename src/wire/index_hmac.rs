//! The HMAC of an index: what an announcement says of the loot (`docs/PROTOCOL.md`, section 2).
//!
//! It tells *whether* the list changed. It is no signature: without a pre-shared key everybody
//! knows the key, and it covers neither contents nor time.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

/// Lower-case hex of 20 bytes.
const HEX_LEN: usize = 40;

/// With which key an index HMAC is made.
#[derive(Clone, PartialEq, Eq)]
pub enum IndexKey {
    /// `Forban`, as the specification says.
    Specified,
    /// `forban`, as both existing programs do.
    Practised,
    /// A pre-shared key, which replaces both.
    PreShared(Box<[u8]>),
}

impl IndexKey {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Specified => b"Forban",
            Self::Practised => b"forban",
            Self::PreShared(key) => key,
        }
    }
}

impl fmt::Debug for IndexKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Specified => "Specified",
            Self::Practised => "Practised",
            Self::PreShared(_) => "PreShared(…)",
        })
    }
}

/// HMAC-SHA1 over the exact bytes of an index.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct IndexHmac([u8; 20]);

impl IndexHmac {
    /// The HMAC of `body`, the exact bytes served, under `key`.
    #[must_use]
    pub fn of(body: &[u8], key: &IndexKey) -> Self {
        let mut mac = Hmac::<Sha1>::new_from_slice(key.bytes()).expect("HMAC takes a key of any length");
        mac.update(body);
        Self(mac.finalize().into_bytes().into())
    }

    /// Reads 40 hex digits, in either case. `None` for anything else.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.len() != HEX_LEN {
            return None;
        }
        let mut bytes = [0_u8; 20];
        for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            let digits = std::str::from_utf8(pair).ok().filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
            *byte = u8::from_str_radix(digits, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// Which of `keys` makes this the HMAC of `body`.
    #[must_use]
    pub fn key_of<'k>(&self, body: &[u8], keys: &'k [IndexKey]) -> Option<&'k IndexKey> {
        keys.iter().find(|key| {
            let mut mac = Hmac::<Sha1>::new_from_slice(key.bytes()).expect("HMAC takes a key of any length");
            mac.update(body);
            mac.verify_slice(&self.0).is_ok()
        })
    }
}

impl fmt::Display for IndexHmac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for IndexHmac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_found_that_verifies() {
        let keys = [IndexKey::Specified, IndexKey::Practised];
        let hmac = IndexHmac::of(b"a.txt,2\n", &IndexKey::Practised);
        assert_eq!(hmac.key_of(b"a.txt,2\n", &keys), Some(&IndexKey::Practised));
        assert_eq!(hmac.key_of(b"a.txt,3\n", &keys), None);
    }

    #[test]
    fn only_forty_hex_digits_are_an_hmac() {
        let text = "c6e2a8d48d7a3a9341605415a36d807905aa2824";
        assert_eq!(IndexHmac::parse(text.as_bytes()).unwrap().to_string(), text);
        assert_eq!(IndexHmac::parse(text.to_uppercase().as_bytes()).unwrap().to_string(), text);
        for bad in ["", "ZZ", &"g".repeat(40), &"+1".repeat(20), &"a".repeat(5000)] {
            assert_eq!(IndexHmac::parse(bad.as_bytes()), None, "{bad:.40}");
        }
    }

    #[test]
    fn a_pre_shared_key_is_never_printed() {
        assert!(!format!("{:?}", IndexKey::PreShared(b"s3cret".as_slice().into())).contains("s3cret"));
    }
}
