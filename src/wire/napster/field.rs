//! The fields of the directory's messages, each with its width in bytes.

use std::fmt;

/// A field that cannot be what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// 16 × `[A-Z0-9]`.
    #[error("a session has 16 capital letters or digits")]
    Session,
    /// 32 hex digits.
    #[error("an MD5 has 32 hex digits")]
    Md5,
    /// `ddd.ddd.ddd.ddd|xxxx:…×8`.
    #[error("an address is written as 172.016.001.001|fc00:0000:0000:0000:0000:0000:0001:0001")]
    Address,
    /// Five digits, 1 to 65535.
    #[error("a port has five digits")]
    Port,
    /// Not UTF-8, empty, or with control characters.
    #[error("a name is text without control characters")]
    Name,
    /// Not UTF-8, or with control characters.
    #[error("a query is text without control characters")]
    Query,
    /// Digits only.
    #[error("a count has digits only")]
    Count,
}

/// Who is logged in: 16 × `[A-Z0-9]`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId([u8; 16]);

impl SessionId {
    /// Width in bytes.
    pub const WIDTH: usize = 16;
    const ALPHABET: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

    /// Reads the field.
    ///
    /// # Errors
    /// [`FieldError::Session`].
    pub fn parse(field: &[u8]) -> Result<Self, FieldError> {
        let id: [u8; 16] = field.try_into().map_err(|_| FieldError::Session)?;
        if id.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()) {
            Ok(Self(id))
        } else {
            Err(FieldError::Session)
        }
    }

    /// Reads a session that somebody else's directory gave: some use small letters too. A row of
    /// zeros is how a login fails.
    ///
    /// # Errors
    /// [`FieldError::Session`].
    pub fn given(field: &[u8]) -> Result<Self, FieldError> {
        let id: [u8; 16] = field.try_into().map_err(|_| FieldError::Session)?;
        let is_session = id.iter().all(u8::is_ascii_alphanumeric) && id != [b'0'; 16];
        if is_session { Ok(Self(id)) } else { Err(FieldError::Session) }
    }

    /// A session of 16 random bytes from the system's random source: 82 bits. Bytes that would
    /// favour a letter count as none; `None` when too many of them did.
    #[must_use]
    pub fn from_random(bytes: &[u8]) -> Option<Self> {
        // 252 is the largest multiple of 36 in a byte.
        let fair = bytes.iter().filter(|b| **b < 252).map(|b| usize::from(*b) % Self::ALPHABET.len());
        let mut id = [0_u8; 16];
        let mut letters = fair.filter_map(|position| Self::ALPHABET.get(position));
        for letter in &mut id {
            *letter = *letters.next()?;
        }
        Some(Self(id))
    }

    /// The field.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.0).unwrap_or_default())
    }
}

impl fmt::Debug for SessionId {
    /// A session is a secret: whoever knows it acts for its peer.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(…)")
    }
}

/// What names a file's content: 32 hex digits on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Md5([u8; 16]);

impl Md5 {
    /// Width in bytes.
    pub const WIDTH: usize = 32;

    /// Of a digest.
    #[must_use]
    pub fn new(digest: [u8; 16]) -> Self {
        Self(digest)
    }

    /// The digest.
    #[must_use]
    pub fn digest(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads the field, in either case. Fapster takes any text; ours must be hex.
    ///
    /// # Errors
    /// [`FieldError::Md5`].
    pub fn parse(field: &[u8]) -> Result<Self, FieldError> {
        if field.len() != Self::WIDTH || !field.iter().all(u8::is_ascii_hexdigit) {
            return Err(FieldError::Md5);
        }
        let mut digest = [0_u8; 16];
        for (byte, pair) in digest.iter_mut().zip(field.chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| FieldError::Md5)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| FieldError::Md5)?;
        }
        Ok(Self(digest))
    }
}

impl fmt::Display for Md5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0_u8; Self::WIDTH];
        let digits = self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        for (letter, digit) in text.iter_mut().zip(digits) {
            *letter = DIGITS.get(usize::from(digit)).copied().unwrap_or_default();
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for Md5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A file's name: text without control characters, lower-cased, at most 100 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileName(Box<str>);

impl FileName {
    /// Width in bytes.
    pub const WIDTH: usize = 100;

    /// Lower-cases (Unicode) and cuts at a character boundary: `İ` grows by a byte, and in Fapster
    /// such a name breaks the frame.
    ///
    /// # Errors
    /// [`FieldError::Name`].
    pub fn new(name: &str) -> Result<Self, FieldError> {
        let lower = name.trim().to_lowercase();
        if lower.is_empty() || lower.chars().any(char::is_control) {
            return Err(FieldError::Name);
        }
        Ok(Self(cut(&lower, Self::WIDTH).trim_end().into()))
    }

    /// Reads the field; blanks around it are padding, and some pad with NULs.
    ///
    /// # Errors
    /// [`FieldError::Name`].
    pub fn parse(field: &[u8]) -> Result<Self, FieldError> {
        Self::new(unpadded(field).ok_or(FieldError::Name)?)
    }

    /// The name without padding.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The field: exactly 100 bytes.
    pub(super) fn emit(&self, into: &mut Vec<u8>) {
        pad(&self.0, Self::WIDTH, into);
    }
}

/// What is searched: everything, as by default, or a text that must occur in the name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(Box<str>);

impl Query {
    /// Width in bytes.
    pub const WIDTH: usize = 20;

    /// Lower-cased, cut at a character boundary.
    ///
    /// # Errors
    /// [`FieldError::Query`].
    pub fn new(text: &str) -> Result<Self, FieldError> {
        if text.chars().any(char::is_control) {
            return Err(FieldError::Query);
        }
        Ok(Self(cut(&text.trim().to_lowercase(), Self::WIDTH).into()))
    }

    /// Reads the field; blanks around it are padding, and some pad with NULs.
    ///
    /// # Errors
    /// [`FieldError::Query`].
    pub fn parse(field: &[u8]) -> Result<Self, FieldError> {
        Self::new(unpadded(field).ok_or(FieldError::Query)?)
    }

    /// The text that must occur in a lower-cased name; none when everything is found: `*` or blank.
    #[must_use]
    pub fn needle(&self) -> Option<&str> {
        (!self.0.is_empty() && &*self.0 != "*").then_some(&*self.0)
    }

    /// Whether a name is found; `%` and `_` stand for themselves.
    #[must_use]
    pub fn finds(&self, name: &FileName) -> bool {
        self.needle().is_none_or(|needle| name.0.contains(needle))
    }

    pub(super) fn emit(&self, into: &mut Vec<u8>) {
        pad(&self.0, Self::WIDTH, into);
    }
}

/// A number of so many digits; what does not fit is the largest that does (Fapster writes one
/// digit more, and nobody can read the answer).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counter<const WIDTH: usize>(u32);

impl<const WIDTH: usize> Counter<WIDTH> {
    /// The largest that fits.
    pub const MAX: u32 = 10_u32.pow(WIDTH as u32) - 1;

    /// Clamped.
    #[must_use]
    pub fn new(number: usize) -> Self {
        Self(u32::try_from(number).unwrap_or(u32::MAX).min(Self::MAX))
    }

    /// Reads the field.
    ///
    /// # Errors
    /// [`FieldError::Count`].
    pub fn parse(field: &[u8]) -> Result<Self, FieldError> {
        decimal(field, WIDTH).map(Self)
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }

    pub(super) fn emit(self, into: &mut Vec<u8>) {
        into.extend_from_slice(format!("{:0WIDTH$}", self.0).as_bytes());
    }
}

pub(super) fn decimal(field: &[u8], width: usize) -> Result<u32, FieldError> {
    if field.len() != width || !field.iter().all(u8::is_ascii_digit) {
        return Err(FieldError::Count);
    }
    std::str::from_utf8(field).ok().and_then(|digits| digits.parse().ok()).ok_or(FieldError::Count)
}

fn unpadded(field: &[u8]) -> Option<&str> {
    std::str::from_utf8(field).ok().map(|text| text.trim_end_matches('\0'))
}

/// The longest beginning of at most so many bytes that ends between two characters.
fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

fn pad(text: &str, width: usize, into: &mut Vec<u8>) {
    into.extend_from_slice(text.as_bytes());
    into.extend(std::iter::repeat_n(b' ', width.saturating_sub(text.len())));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_keep_their_width_whatever_lower_case_does_to_them() {
        for name in ["Live Brixton.JPG", &"İ".repeat(50), &"é".repeat(80), " left pad"] {
            let mut field = Vec::new();
            FileName::new(name).unwrap().emit(&mut field);
            assert_eq!(field.len(), 100, "{name}");
            assert!(FileName::parse(&field).is_ok(), "{name}");
        }
        for bad in [b"".as_slice(), b"   ", b"a\r\nb", b"nul\0pad", b"\xff"] {
            assert_eq!(FileName::parse(bad), Err(FieldError::Name));
        }
    }

    #[test]
    fn a_query_finds_text_anywhere_and_knows_one_wildcard() {
        let name = FileName::new("100%_Sure ÜNÏ.txt").unwrap();
        for (query, found) in [
            ("", true),
            ("*", true),
            (" * ", true),
            ("ünï", true),
            ("ÜNÏ", true),
            ("100%", true),
            ("a%t", false),
            ("__", false),
            ("**", false),
        ] {
            assert_eq!(Query::new(query).unwrap().finds(&name), found, "{query}");
        }
    }

    #[test]
    fn counters_keep_their_digits() {
        assert_eq!((Counter::<3>::new(1005).get(), Counter::<5>::new(123_456).get()), (999, 99_999));
        let mut field = Vec::new();
        Counter::<3>::new(7).emit(&mut field);
        assert_eq!(field, b"007");
        assert_eq!(Counter::<3>::parse(b"+07"), Err(FieldError::Count));
    }

    #[test]
    fn a_session_is_16_letters_and_digits_and_never_printed() {
        let id = SessionId::from_random(&[251; 40]).unwrap();
        assert_eq!(SessionId::parse(id.as_bytes()), Ok(id));
        assert_eq!(SessionId::from_random(&[255; 40]), None);
        assert!(!format!("{id:?}").contains(&id.to_string()));
        for bad in ["", "                ", "abcdefghijklmnop", "ABCDEFGHIJKLMNO%"] {
            assert_eq!(SessionId::parse(bad.as_bytes()), Err(FieldError::Session));
        }
        assert_eq!(SessionId::given(b"HvIBukBiLmn8AxjU").unwrap().to_string(), "HvIBukBiLmn8AxjU");
        assert!(SessionId::given(b"0000000000000000").is_err() && SessionId::given(b"ABCDEFGHIJKLMNO%").is_err());
    }

    proptest! {
        #[test]
        fn fields_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = (SessionId::parse(&bytes), Md5::parse(&bytes), FileName::parse(&bytes), Query::parse(&bytes), Counter::<3>::parse(&bytes));
        }
    }
}
