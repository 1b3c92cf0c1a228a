//! The `b64e` form of a name in `/s/?g=…&f=b64e` (`docs/PROTOCOL.md`, section 3).
//!
//! Out: URL-safe alphabet, `=` written as `!`. In: both alphabets, `!` or `=` or no padding, and
//! a blank for `+` (goforban sends `+` unescaped, and a query decoder turns it into a blank).

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The text is not base64 in any of the accepted spellings.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the name is not valid base64")]
pub struct B64eError;

/// `name` as Forban writes it: URL-safe base64 with `!` for `=`. Safe in a query as it is.
#[must_use]
pub fn encode(name: &[u8]) -> String {
    BASE64_URL_SAFE.encode(name).replace('=', "!")
}

/// `name` as goforban expects it: the standard alphabet with `!` for `=`, percent-encoded where a
/// query needs it. goforban stops decoding at the first `-` or `_`.
#[must_use]
pub fn encode_standard(name: &[u8]) -> String {
    BASE64_STANDARD.encode(name).replace('=', "!").replace('+', "%2B").replace('/', "%2F")
}

/// Decodes every spelling the existing programs send.
///
/// # Errors
/// [`B64eError`] for anything else, an empty text included.
pub fn decode(text: &[u8]) -> Result<Vec<u8>, B64eError> {
    let body = text.iter().rposition(|b| !matches!(b, b'!' | b'=')).map_or(0, |last| last.saturating_add(1));
    let unified: Vec<u8> = text
        .iter()
        .take(body)
        .map(|b| match b {
            b'+' | b' ' => b'-',
            b'/' => b'_',
            other => *other,
        })
        .collect();
    if unified.is_empty() {
        return Err(B64eError);
    }
    LENIENT.decode(unified).map_err(|_| B64eError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_one_name_decodes_alike() {
        for text in ["Pz8_Pj4-fn4uYmlu", "Pz8/Pj4+fn4uYmlu", "Pz8/Pj4 fn4uYmlu"] {
            assert_eq!(decode(text.as_bytes()).unwrap(), b"???>>>~~.bin", "{text}");
        }
        for text in ["YWI!", "YWI=", "YWI", "YWI!!!"] {
            assert_eq!(decode(text.as_bytes()).unwrap(), b"ab", "{text}");
        }
    }

    #[test]
    fn what_is_not_base64_is_an_error() {
        for text in ["", "!", "!!!!", "abcde", "%", "é", "a b\u{0}c", "YWJj\n"] {
            assert_eq!(decode(text.as_bytes()), Err(B64eError), "{text:?}");
        }
    }

    #[test]
    fn the_standard_form_is_safe_in_a_query() {
        assert_eq!(encode_standard("???>>>~~.bin".as_bytes()), "Pz8%2FPj4%2Bfn4uYmlu");
        assert_eq!(encode_standard(b"a"), "YQ!!");
    }
}
