//! How a node calls a state of its manifest.

use std::fmt;

/// A longer one is none.
const MAX_BYTES: usize = 64;

/// A name that one run of a node gives to one state of its manifest. Only that run knows what it
/// means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestVersion(Box<str>);

impl ManifestVersion {
    /// Letters, digits, `.`, `-` and `_`: it stands in a line and in a query.
    #[must_use]
    pub fn parse(field: &[u8]) -> Option<Self> {
        let is_plain = |b: &u8| b.is_ascii_alphanumeric() || b".-_".contains(b);
        let is_one = !field.is_empty() && field.len() <= MAX_BYTES && field.iter().all(is_plain);
        is_one.then(|| std::str::from_utf8(field).ok().map(|text| Self(text.into())))?
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ManifestVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_plain_short_word() {
        assert_eq!(ManifestVersion::parse(b"1a.2-3_Z").unwrap().to_string(), "1a.2-3_Z");
        let long = "x".repeat(65);
        for text in ["", "a b", "a&b", "ä", "%41", "a\r", &long] {
            assert_eq!(ManifestVersion::parse(text.as_bytes()), None, "{text}");
        }
    }
}
