//! The feed: the lines by which a node tells at once what changed at it (`docs/PROTOCOL.md`,
//! section 6): another state of its manifest, and pieces of contents that are coming there.

use bytes::{Buf as _, Bytes, BytesMut};

use super::manifest::ManifestVersion;
use super::pieces::piece_count;
use super::{Content, PieceSet};

/// With which a feed begins.
pub const FIRST_LINE: &str = "forban/index.feed 1";
/// What is written when nothing else is.
pub const ALIVE_LINE: &str = "alive";
/// A line is not longer, its end left out. More pieces are told by more lines.
pub const LINE_MAX_BYTES: usize = 64 * 1024;

/// One line, as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedLine<'l> {
    /// How its manifest is called now.
    Manifest(ManifestVersion),
    /// A content is coming there, of which these pieces are there. What was told of it before is
    /// void.
    Has {
        /// Which content.
        content: Content,
        /// How long it is.
        size_bytes: u64,
        /// Which of its pieces.
        pieces: PieceSet,
    },
    /// More of it came.
    More {
        /// Which content.
        content: Content,
        /// As they stand: [`PieceSet::parse`] reads them by who knows how many pieces there are.
        ranges: &'l str,
    },
    /// It stands there as a whole, and nothing more is told of it.
    All(Content),
    /// It is not given any more.
    Gone(Content),
    /// Nothing new, but the node is there.
    Alive,
    /// A line of a later version: skipped.
    Unknown,
}

/// What is no feed, or no line of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// Over [`LINE_MAX_BYTES`].
    #[error("a line of the feed is longer than {LINE_MAX_BYTES} bytes")]
    TooLong,
    /// Not UTF-8, or a word we know with something else behind it than belongs there.
    #[error("a line of the feed cannot be read")]
    Malformed,
    /// It does not begin with [`FIRST_LINE`].
    #[error("the answer is no feed")]
    NoFeed,
}

impl<'l> FeedLine<'l> {
    /// Reads a line. Fields behind those that we know are left to later versions.
    ///
    /// # Errors
    /// [`FeedError::Malformed`].
    pub fn parse(line: &'l [u8]) -> Result<Self, FeedError> {
        Self::read(line).ok_or(FeedError::Malformed)
    }

    fn read(line: &'l [u8]) -> Option<Self> {
        let mut fields = std::str::from_utf8(line).ok()?.split(' ');
        let word = fields.next()?;
        let mut field = || fields.next();
        let read = match word {
            "manifest" => Self::Manifest(ManifestVersion::parse(field()?.as_bytes())?),
            "has" => {
                let (content, size_bytes) = (Content::parse(field()?)?, size(field()?)?);
                let pieces = PieceSet::parse(field().unwrap_or_default(), piece_count(size_bytes)?).ok()?;
                Self::Has { content, size_bytes, pieces }
            }
            "more" => Self::More { content: Content::parse(field()?)?, ranges: field()? },
            "all" => Self::All(Content::parse(field()?)?),
            "gone" => Self::Gone(Content::parse(field()?)?),
            ALIVE_LINE => Self::Alive,
            _ => Self::Unknown,
        };
        Some(read)
    }
}

/// Digits alone: no sign, no blank.
fn size(field: &str) -> Option<u64> {
    field.bytes().all(|byte| byte.is_ascii_digit()).then(|| field.parse().ok())?
}

/// Writes how the manifest is called now.
pub fn emit_manifest(version: &ManifestVersion, into: &mut String) {
    into.push_str(&format!("manifest {version}\n"));
}

/// Writes that a content is coming, and which of its pieces are here: each once, in any order.
pub fn emit_has(content: Content, size_bytes: u64, pieces: Vec<u32>, into: &mut String) {
    emit_pieces(&format!("has {content} {size_bytes}"), content, pieces, into);
}

/// Writes that more pieces are here: each once, in any order.
pub fn emit_more(content: Content, pieces: Vec<u32>, into: &mut String) {
    if !pieces.is_empty() {
        emit_pieces(&format!("more {content}"), content, pieces, into);
    }
}

/// Writes that a content stands here as a whole.
pub fn emit_all(content: Content, into: &mut String) {
    into.push_str(&format!("all {content}\n"));
}

/// Writes that a content is not given any more.
pub fn emit_gone(content: Content, into: &mut String) {
    into.push_str(&format!("gone {content}\n"));
}

/// As many lines as it takes.
fn emit_pieces(head: &str, content: Content, mut pieces: Vec<u32>, into: &mut String) {
    pieces.sort_unstable();
    into.push_str(head);
    let (mut length, mut divider) = (head.len(), ' ');
    for run in pieces.chunk_by(|one, next| one.checked_add(1) == Some(*next)) {
        let range = match run {
            [] => continue,
            [one] => one.to_string(),
            [first, .., last] => format!("{first}-{last}"),
        };
        if length.saturating_add(1).saturating_add(range.len()) > LINE_MAX_BYTES {
            let head = format!("more {content}");
            into.push('\n');
            into.push_str(&head);
            (length, divider) = (head.len(), ' ');
        }
        into.push(divider);
        into.push_str(&range);
        length = length.saturating_add(1).saturating_add(range.len());
        divider = ',';
    }
    into.push('\n');
}

/// Cuts what comes into lines. It holds a line that is not all here, and what was given last.
#[derive(Debug, Default)]
pub struct FeedLines {
    received: BytesMut,
    /// So much of it holds no end of a line.
    searched: usize,
    /// The first line came.
    is_begun: bool,
}

impl FeedLines {
    /// More of it came.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.received.extend_from_slice(bytes);
    }

    /// The next line without its end (LF, or CR and LF); none while it is not all here. The first
    /// one is checked and passed over.
    ///
    /// # Errors
    /// [`FeedError::TooLong`], [`FeedError::NoFeed`].
    pub fn read(&mut self) -> Result<Option<Bytes>, FeedError> {
        while let Some(line) = self.line()? {
            if self.is_begun {
                return Ok(Some(line));
            }
            if line != FIRST_LINE {
                return Err(FeedError::NoFeed);
            }
            self.is_begun = true;
        }
        Ok(None)
    }

    fn line(&mut self) -> Result<Option<Bytes>, FeedError> {
        let unsearched = self.received.get(self.searched..).unwrap_or_default();
        let end = memchr::memchr(b'\n', unsearched).map(|at| self.searched.saturating_add(at));
        if end.unwrap_or(self.received.len()) > LINE_MAX_BYTES.saturating_add(1) {
            return Err(FeedError::TooLong);
        }
        let Some(end) = end else {
            self.searched = self.received.len();
            return Ok(None);
        };
        let mut line = self.received.split_to(end);
        self.received.advance(1);
        self.searched = 0;
        if line.last() == Some(&b'\r') {
            line.truncate(line.len().saturating_sub(1));
        }
        if line.len() > LINE_MAX_BYTES { Err(FeedError::TooLong) } else { Ok(Some(line.freeze())) }
    }
}

#[cfg(test)]
mod tests;
