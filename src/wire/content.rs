//! [`Content`]: what a file holds, told by its BLAKE3.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Digits of the hash in the name of a version that is kept beside another of its size.
const SHORT_DIGITS: usize = 8;

/// The BLAKE3 of a file. Equal ones are one content, whatever it is called and whoever has it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Content([u8; 32]);

impl Content {
    /// Of these bytes of a hash.
    #[must_use]
    pub const fn new(blake3: [u8; 32]) -> Self {
        Self(blake3)
    }

    /// The bytes of the hash.
    #[must_use]
    pub fn blake3(&self) -> [u8; 32] {
        self.0
    }

    /// Reads 64 hex digits.
    #[must_use]
    pub fn parse(hex: &str) -> Option<Self> {
        if !hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return None;
        }
        blake3::Hash::from_hex(hex).ok().map(|hash| Self(hash.into()))
    }

    /// The bytes of the hash.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first eight hex digits.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string().chars().take(SHORT_DIGITS).collect()
    }
}

/// Whether a text has the form of [`Content::short`].
#[must_use]
pub fn is_short(text: &str) -> bool {
    text.len() == SHORT_DIGITS && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hex = String::deserialize(deserializer)?;
        Self::parse(&hex).ok_or_else(|| serde::de::Error::custom("no BLAKE3"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_is_written_as_hex_and_read_again() {
        let content = Content::new([0xab; 32]);
        let json = serde_json::to_string(&content).unwrap();
        assert_eq!(json, format!("\"{}\"", "ab".repeat(32)));
        assert_eq!(serde_json::from_str::<Content>(&json).unwrap(), content);
        assert_eq!(content.short(), "abababab");
        for bad in ["", "ab", &"AB".repeat(32), &"zz".repeat(32), &"ab".repeat(33)] {
            assert_eq!(Content::parse(bad), None, "{bad}");
        }
    }
}
