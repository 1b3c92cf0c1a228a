//! Lists come compressed, if a neighbour can do that (`docs/PROTOCOL.md`, section 6).
//!
//! What is unpacked is bounded as what comes is: a little that would become much ends at the
//! limit, not in memory.

use std::io::{self, Write};

use flate2::write::GzDecoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use http::{HeaderName, HeaderValue, Response};

use super::FetchError;
use super::client::{AnswerBody, BodyReader, Connection, declared_length};

/// Unpacked at once: it becomes about a thousand times as much at most.
const STEP_BYTES: usize = 1024;

/// Asks for a list.
pub(super) async fn get(
    connection: &mut Connection,
    target: &str,
    more: &[(HeaderName, HeaderValue)],
) -> Result<Response<AnswerBody>, FetchError> {
    let gzip = (ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    connection.get_encoded(target, &[more, &[gzip]].concat()).await
}

/// The length that a list is said to have as it is read; none if it is compressed.
pub(super) fn plain_length(response: &Response<AnswerBody>) -> Option<u64> {
    declared_length(response.headers()).filter(|_| !response.headers().contains_key(CONTENT_ENCODING))
}

/// All of it, as it was before it was compressed, unless that is more than `most`: `None` then.
pub(super) async fn whole(response: Response<AnswerBody>, most: usize) -> Result<Option<Vec<u8>>, FetchError> {
    let length = declared_length(response.headers()).unwrap_or(0);
    match response.headers().get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"identity") => return BodyReader::new(response.into_body()).whole(length, most).await,
        Some(encoding) if encoding.eq_ignore_ascii_case(b"gzip") => {}
        Some(_) => return Err(FetchError::Encoded),
    }
    let (mut body, mut unpacking) = (BodyReader::new(response.into_body()), Unpacking::new(most));
    while let Some(bytes) = body.next().await? {
        if !unpacking.take(&bytes)? {
            return Ok(None);
        }
    }
    unpacking.finish()
}

struct Unpacking(GzDecoder<Capped>);

impl Unpacking {
    fn new(most: usize) -> Self {
        Self(GzDecoder::new(Capped { bytes: Vec::new(), most, is_over: false }))
    }

    /// False: it is more than it may be.
    fn take(&mut self, bytes: &[u8]) -> Result<bool, FetchError> {
        for step in bytes.chunks(STEP_BYTES) {
            let written = self.0.write_all(step);
            if self.0.get_ref().is_over {
                return Ok(false);
            }
            written.map_err(FetchError::Gzip)?;
        }
        Ok(true)
    }

    fn finish(mut self) -> Result<Option<Vec<u8>>, FetchError> {
        let finished = self.0.try_finish();
        if self.0.get_ref().is_over {
            return Ok(None);
        }
        finished.map_err(FetchError::Gzip)?;
        Ok(Some(std::mem::take(&mut self.0.get_mut().bytes)))
    }
}

/// Takes so much and no more.
struct Capped {
    bytes: Vec<u8>,
    most: usize,
    is_over: bool,
}

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len().saturating_add(bytes.len()) > self.most {
            self.is_over = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn unpacked(packed: &[u8], most: usize) -> Result<Option<Vec<u8>>, FetchError> {
        let mut unpacking = Unpacking::new(most);
        for part in packed.chunks(7) {
            if !unpacking.take(part)? {
                return Ok(None);
            }
        }
        unpacking.finish()
    }

    #[test]
    fn what_was_packed_is_unpacked_up_to_the_limit() {
        for text in [&b""[..], b"a", &[7; 100_000]] {
            assert_eq!(unpacked(&packed(text), text.len()).unwrap().unwrap(), text);
            if !text.is_empty() {
                assert!(unpacked(&packed(text), text.len() - 1).unwrap().is_none());
            }
        }
    }

    #[test]
    fn a_bomb_is_left_at_the_limit() {
        let bomb = packed(&vec![0; 16 << 20]);
        assert!(bomb.len() < 100 << 10);
        let mut unpacking = Unpacking::new(10_000);
        assert!(!unpacking.take(&bomb).unwrap());
        assert!(unpacking.0.get_ref().bytes.capacity() <= 20_000);
    }

    #[test]
    fn what_is_broken_or_not_all_there_is_said_to_be() {
        let whole = packed(b"some text that is long enough");
        let mut wrong = whole.clone();
        let sum = wrong.len() - 6;
        wrong[sum] ^= 1;
        let more = [&*whole, b"more"].concat();
        for (text, why) in [
            (&b"evil,4\n"[..], "plain text"),
            (&whole[..whole.len() - 1], "cut"),
            (&whole[..5], "cut in its head"),
            (b"", "nothing"),
            (&wrong, "another sum"),
            (&more, "more behind it"),
        ] {
            assert!(matches!(unpacked(text, 1_000), Err(FetchError::Gzip(_))), "{why}");
        }
    }
}
