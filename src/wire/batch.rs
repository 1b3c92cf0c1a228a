//! Many small files in one answer (`docs/PROTOCOL.md`, section 6): the request names them, a line
//! each; the answer gives them in that order.

use bytes::{Bytes, BytesMut};

/// Files asked for at once.
pub const NAMES_MAX: usize = 1_024;
/// A request is not longer.
pub const REQUEST_MAX_BYTES: usize = 256 * 1024;
/// A larger file is asked for alone.
pub const FILE_MAX_BYTES: u64 = 64 * 1024;
/// Digits of a size, and the newline.
const HEAD_MAX_BYTES: usize = 6;

/// Why a request or an answer is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Not UTF-8.
    #[error("a name in the list is no text")]
    NotText,
    /// Over [`NAMES_MAX`], or nothing.
    #[error("ask for 1 to {NAMES_MAX} files at once")]
    Count,
    /// No size, or one that is too large.
    #[error("a file in the answer does not begin with its size")]
    BadSize,
}

/// What is given for one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// The file.
    File(Bytes),
    /// It is not here, or too large to be given so.
    Nothing,
}

/// The request for these files.
#[must_use]
pub fn emit_request<'n>(names: impl Iterator<Item = &'n str>) -> Vec<u8> {
    names.flat_map(|name| name.bytes().chain([b'\n'])).collect()
}

/// What a name takes of a request.
#[must_use]
pub fn request_bytes(name: &str) -> usize {
    name.len().saturating_add(1)
}

/// The names that are asked for.
///
/// # Errors
/// [`BatchError`].
pub fn parse_request(body: &[u8]) -> Result<Vec<&str>, BatchError> {
    let text = std::str::from_utf8(body).map_err(|_| BatchError::NotText)?;
    let names: Vec<&str> = text.split('\n').filter(|name| !name.is_empty()).take(NAMES_MAX.saturating_add(1)).collect();
    if names.is_empty() || names.len() > NAMES_MAX { Err(BatchError::Count) } else { Ok(names) }
}

/// Writes what is given for one name.
pub fn emit(given: Option<&[u8]>, into: &mut Vec<u8>) {
    match given {
        Some(content) => {
            into.extend_from_slice(format!("{}\n", content.len()).as_bytes());
            into.extend_from_slice(content);
        }
        None => into.extend_from_slice(b"-\n"),
    }
}

/// Reads an answer as it comes.
#[derive(Debug, Default)]
pub struct BatchReader {
    received: BytesMut,
}

impl BatchReader {
    /// More of it came.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.received.extend_from_slice(bytes);
    }

    /// What is given for the next name; none while it is not all here.
    ///
    /// # Errors
    /// [`BatchError::BadSize`].
    pub fn read(&mut self) -> Result<Option<Given>, BatchError> {
        let head = self.received.get(..HEAD_MAX_BYTES.min(self.received.len())).unwrap_or_default();
        let Some(end) = head.iter().position(|byte| *byte == b'\n') else {
            return if head.len() < HEAD_MAX_BYTES { Ok(None) } else { Err(BatchError::BadSize) };
        };
        let digits = head.get(..end).unwrap_or_default();
        let begin = end.saturating_add(1);
        if digits == b"-" {
            let _ = self.received.split_to(begin);
            return Ok(Some(Given::Nothing));
        }
        let size = parse_size(digits).ok_or(BatchError::BadSize)?;
        let whole = begin.saturating_add(size);
        if self.received.len() < whole {
            return Ok(None);
        }
        let mut file = self.received.split_to(whole);
        let content = file.split_off(begin);
        Ok(Some(Given::File(content.freeze())))
    }
}

fn parse_size(digits: &[u8]) -> Option<usize> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let size: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (size as u64 <= FILE_MAX_BYTES).then_some(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_asked_for_a_line_each() {
        let names = ["docs/a, b.txt", "ü"];
        assert_eq!(parse_request(&emit_request(names.into_iter())), Ok(names.to_vec()));
        assert_eq!(parse_request(b"\n\n"), Err(BatchError::Count));
        assert_eq!(parse_request(b"\xff\n"), Err(BatchError::NotText));
        assert_eq!(parse_request("x\n".repeat(NAMES_MAX + 1).as_bytes()), Err(BatchError::Count));
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for wrong in ["x\n", "+1\n", "\n", "65537\n", "1234567", " 1\n", "--\n"] {
            let mut reader = BatchReader::default();
            reader.feed(wrong.as_bytes());
            assert_eq!(reader.read(), Err(BatchError::BadSize), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_given_reads_back_in_any_pieces(
            files in proptest::collection::vec(proptest::option::of(proptest::collection::vec(any::<u8>(), 0..300)), 0..20),
            piece in 1..500_usize,
        ) {
            let mut answer = Vec::new();
            files.iter().for_each(|file| emit(file.as_deref(), &mut answer));
            let (mut reader, mut read) = (BatchReader::default(), Vec::new());
            for part in answer.chunks(piece) {
                reader.feed(part);
                while let Some(given) = reader.read().unwrap() {
                    read.push(match given {
                        Given::File(content) => Some(content.to_vec()),
                        Given::Nothing => None,
                    });
                }
            }
            prop_assert_eq!(read, files);
        }

        #[test]
        fn answers_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut reader = BatchReader::default();
            reader.feed(&bytes);
            while let Ok(Some(_)) = reader.read() {}
        }
    }
}
