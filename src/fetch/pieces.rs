//! Pieces of a content from one neighbour, and the list that verifies them
//! (`docs/PROTOCOL.md`, section 6).

use std::ops::RangeInclusive;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_RANGE, RANGE};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::FetchError;
use super::client::{BodyReader, Connection, declared_length};
use crate::wire::pieces::{HASH_BYTES, PIECE_BYTES, piece_count, run_bytes};
use crate::wire::{Content, PieceList, PieceSet, url};

/// What is asked of a neighbour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Of these pieces those that it chooses, up to so many in a row.
    AnyOf(PieceSet, u64),
    /// These pieces.
    Run(RangeInclusive<u64>),
}

/// The pieces of an answer, one after another.
#[derive(Debug)]
pub struct PieceReader {
    reader: BodyReader,
    size_bytes: u64,
    run: RangeInclusive<u64>,
    gathered: BytesMut,
}

/// The list of a content's pieces, which folds to its hash.
///
/// # Errors
/// [`FetchError::Status`] with 404 where the neighbour has none; [`FetchError::Pieces`] when it is
/// another content's.
pub async fn fetch_list(
    connection: &mut Connection,
    content: Content,
    size_bytes: u64,
) -> Result<PieceList, FetchError> {
    let blake3 = content.blake3();
    let response = connection.get(&url::pieces_target(&blake3), &[]).await?;
    if response.status() != StatusCode::OK {
        return Err(FetchError::Status(response.status()));
    }
    let length = piece_count(size_bytes).unwrap_or(0).saturating_mul(HASH_BYTES);
    if let Some(got) = declared_length(response.headers()).filter(|got| *got != length) {
        return Err(FetchError::WrongLength { got, expected: length });
    }
    let most = usize::try_from(length).unwrap_or(0);
    let body = BodyReader::new(response.into_body()).whole(length, most).await?;
    let body = body.ok_or(FetchError::WrongLength { got: length.saturating_add(1), expected: length })?;
    let list = tokio::task::spawn_blocking(move || PieceList::parse(&body, size_bytes, &blake3));
    Ok(list.await.map_err(std::io::Error::other)??)
}

/// Asks for pieces of a content of that size.
///
/// # Errors
/// [`FetchError::Status`] with 404 or 416 where the neighbour has none of them, with 503 when it
/// has no time; [`FetchError::OtherPieces`].
pub async fn ask_pieces(
    connection: &mut Connection,
    content: Content,
    size_bytes: u64,
    asked: &Asked,
) -> Result<PieceReader, FetchError> {
    let blake3 = content.blake3();
    let (target, more) = match asked {
        Asked::AnyOf(wanted, most) => (url::wanted_target(&blake3, wanted, *most), None),
        Asked::Run(run) => {
            let (first, length) = run_bytes(run, size_bytes);
            let range = format!("bytes={first}-{}", first.saturating_add(length).saturating_sub(1));
            (url::content_target(&blake3), HeaderValue::try_from(range).ok())
        }
    };
    let more: Vec<_> = more.into_iter().map(|range| (RANGE, range)).collect();
    let response = connection.get(&target, &more).await?;
    if response.status() != StatusCode::PARTIAL_CONTENT {
        return Err(FetchError::Status(response.status()));
    }
    let run = told_run(response.headers(), size_bytes).ok_or(FetchError::OtherPieces)?;
    let is_asked = match asked {
        Asked::AnyOf(wanted, most) => {
            let count = run.end().saturating_sub(*run.start()).saturating_add(1);
            count <= *most && run.clone().all(|piece| wanted.contains(piece))
        }
        Asked::Run(asked) => *asked == run,
    };
    if !is_asked {
        return Err(FetchError::OtherPieces);
    }
    Ok(PieceReader { reader: BodyReader::new(response.into_body()), size_bytes, run, gathered: BytesMut::new() })
}

impl PieceReader {
    /// Which pieces are still to come; empty at the end.
    #[must_use]
    pub fn run(&self) -> RangeInclusive<u64> {
        self.run.clone()
    }

    /// The next piece; none after the last. `heard` is called as bytes come.
    ///
    /// # Errors
    /// As [`BodyReader::next`]; [`FetchError::WrongLength`] when it ends early or goes on.
    pub async fn next(&mut self, heard: impl Fn()) -> Result<Option<(u64, Bytes)>, FetchError> {
        if self.run.is_empty() {
            return match self.reader.next().await? {
                None if self.gathered.is_empty() => Ok(None),
                _ => Err(FetchError::OtherPieces),
            };
        }
        let piece = *self.run.start();
        let (_, length) = run_bytes(&(piece..=piece), self.size_bytes);
        let expected = usize::try_from(length).unwrap_or(0);
        while self.gathered.len() < expected {
            let bytes = self.reader.next().await?;
            let bytes = bytes.ok_or(FetchError::WrongLength { got: self.gathered.len() as u64, expected: length })?;
            if self.gathered.is_empty() {
                self.gathered.reserve(expected.saturating_add(bytes.len()));
            }
            self.gathered.extend_from_slice(&bytes);
            heard();
        }
        // An empty run is one whose start is behind its end.
        self.run = piece.saturating_add(1)..=*self.run.end();
        Ok(Some((piece, self.gathered.split_to(expected).freeze())))
    }
}

/// Which whole pieces a `Content-Range` tells.
fn told_run(headers: &HeaderMap, size_bytes: u64) -> Option<RangeInclusive<u64>> {
    let range = headers.get(CONTENT_RANGE)?.to_str().ok()?;
    let (range, total) = range.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    let end = last.checked_add(1)?;
    let is_whole = first.is_multiple_of(PIECE_BYTES) && (end.is_multiple_of(PIECE_BYTES) || end == size_bytes);
    if total.parse() != Ok(size_bytes) || !is_whole || first >= end || end > size_bytes {
        return None;
    }
    let run = first / PIECE_BYTES..=last / PIECE_BYTES;
    let (_, length) = run_bytes(&run, size_bytes);
    declared_length(headers).is_none_or(|told| told == length).then_some(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_pieces_of_that_content_are_a_run() {
        let size_bytes = 10 * PIECE_BYTES - 5;
        for (told, length, run) in [
            ("bytes 0-262143/2621435", Some("262144"), Some(0..=0)),
            ("bytes 262144-786431/2621435", None, Some(1..=2)),
            ("bytes 2359296-2621434/2621435", Some("262139"), Some(9..=9)),
            ("bytes 0-2621434/2621435", None, Some(0..=9)),
            ("bytes 0-262143/2621435", Some("262143"), None),
            ("bytes 0-262142/2621435", None, None),
            ("bytes 1-262143/2621435", None, None),
            ("bytes 0-262143/2621436", None, None),
            ("bytes 0-262143/*", None, None),
            ("bytes 0-2621439/2621435", None, None),
            ("bytes 262144-262143/2621435", None, None),
            ("bytes 0-18446744073709551615/2621435", None, None),
            ("bytes */2621435", None, None),
            ("", None, None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_RANGE, told.parse().unwrap());
            length.map(|length| headers.insert(http::header::CONTENT_LENGTH, length.parse().unwrap()));
            assert_eq!(told_run(&headers, size_bytes), run, "{told} {length:?}");
        }
    }
}
