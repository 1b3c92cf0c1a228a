//! Header lines of the tus resumable upload protocol, version 1.0
//! (<https://tus.io/protocols/resumable-upload>).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The version that is spoken.
pub const VERSION: &str = "1.0.0";
/// What is understood beyond the core.
pub const EXTENSIONS: &str = "creation,creation-with-upload,expiration,checksum,termination";
/// The content type of bytes to be appended.
pub const CONTENT_TYPE: &str = "application/offset+octet-stream";
/// The algorithm of [`Checksum`].
pub const CHECKSUM_ALGORITHM: &str = "sha1";
/// Pairs that are read of `Upload-Metadata`.
const PAIRS_MAX: usize = 16;

/// `Upload-Metadata`: pairs of a key and a value in base64, separated by commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata(Vec<(String, Vec<u8>)>);

/// Why a header line cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TusError {
    /// Not pairs of a key and base64.
    #[error("Upload-Metadata must be pairs of a key and a value in base64")]
    Metadata,
    /// Not an algorithm and base64.
    #[error("Upload-Checksum must be an algorithm and a checksum in base64")]
    Checksum,
    /// Not the one we know.
    #[error("the only checksum that is understood here is sha1")]
    Algorithm,
}

impl Metadata {
    /// Reads the line. A key without a value has the empty one.
    ///
    /// # Errors
    /// [`TusError::Metadata`].
    pub fn parse(line: &str) -> Result<Self, TusError> {
        let mut pairs = Vec::new();
        for pair in line.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
            let value = STANDARD.decode(value.trim()).map_err(|_| TusError::Metadata)?;
            if pairs.len() >= PAIRS_MAX {
                return Err(TusError::Metadata);
            }
            pairs.push((key.to_owned(), value));
        }
        Ok(Self(pairs))
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&[u8]> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_slice())
    }
}

/// `Upload-Checksum`: the SHA-1 of the bytes of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checksum(pub [u8; 20]);

impl Checksum {
    /// Reads the line.
    ///
    /// # Errors
    /// [`TusError::Checksum`], [`TusError::Algorithm`].
    pub fn parse(line: &str) -> Result<Self, TusError> {
        let (algorithm, value) = line.trim().split_once(' ').ok_or(TusError::Checksum)?;
        if algorithm != CHECKSUM_ALGORITHM {
            return Err(TusError::Algorithm);
        }
        let value = STANDARD.decode(value.trim()).map_err(|_| TusError::Checksum)?;
        value.try_into().map(Self).map_err(|_| TusError::Checksum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_read_as_the_protocol_shows_it() {
        let metadata = Metadata::parse("filename d29ybGRfZG9taW5hdGlvbl9wbGFuLnBkZg==,is_confidential").unwrap();
        assert_eq!(metadata.get("filename"), Some(b"world_domination_plan.pdf".as_slice()));
        assert_eq!(metadata.get("is_confidential"), Some(b"".as_slice()));
        assert_eq!(metadata.get("folder"), None);
        assert_eq!(Metadata::parse(""), Ok(Metadata::default()));
        assert_eq!(Metadata::parse(" a YQ== , b Yg=="), Metadata::parse("a YQ==,b Yg=="));
        for line in ["filename essay.odt", "a YQ", "a YQ== YQ=="] {
            assert_eq!(Metadata::parse(line), Err(TusError::Metadata), "{line}");
        }
        assert!(Metadata::parse(&vec!["k"; PAIRS_MAX].join(",")).is_ok());
        assert!(Metadata::parse(&vec!["k"; PAIRS_MAX + 1].join(",")).is_err());
    }

    #[test]
    fn a_checksum_is_twenty_bytes_of_sha1() {
        assert!(Checksum::parse("sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=").is_ok());
        for (line, expected) in [
            ("md5 XUFAKrxLKna5cZ2REBfFkg==", TusError::Algorithm),
            ("sha1 YQ==", TusError::Checksum),
            ("sha1 ???", TusError::Checksum),
            ("sha1", TusError::Checksum),
            ("", TusError::Checksum),
        ] {
            assert_eq!(Checksum::parse(line), Err(expected), "{line}");
        }
    }
}
