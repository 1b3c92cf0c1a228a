//! The manifest: what names the content of the files in an index, a line a file
//! (`docs/PROTOCOL.md`, section 6).
//!
//! It stands beside an index and says nothing of files that are not in it. A header of keys and
//! values comes first; a reader skips keys that it does not know. Who has a state of it is told
//! what is otherwise since: the same lines of some files, and the names of those that went.

mod emit;
mod header;
mod version;

use std::sync::Arc;

pub use self::emit::{emit_changes, emit_row, emit_rows, row_bytes};
pub use self::header::{Header, Mirrors};
pub use self::version::ManifestVersion;
use super::digests::Row;
use super::napster::Md5;
use super::{DigestTable, Digests, Index};

/// The first line. Another number is another format.
const FIRST_LINE: &str = "boucan-manifest 2";
/// That of the first format: lines without times, and always the whole.
const FIRST_LINE_OF_1: &str = "boucan-manifest 1";
/// What a file takes beside its name: 19 digits of size, 20 of time, 32, 64, four blanks and a
/// newline.
const ENTRY_BYTES: usize = 140;
/// What the header may take.
const HEADER_BYTES: usize = 16 * 1024;
/// What names that went may take: twice what a node of ours keeps of them.
const GONE_BYTES: usize = 8 << 20;

/// A neighbour's, as it was read beside its index.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// What precedes the files.
    pub header: Header,
    /// What it says of them.
    pub digests: DigestTable,
    /// What was left out.
    pub skipped: Skipped,
}

/// Lines that were left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Those that are not what they should be.
    pub bad: usize,
    /// Those of files that are not in the index with that size: it is older, or newer.
    pub strange: usize,
}

/// A state of a manifest that a reader has.
#[derive(Clone, Debug)]
pub struct Before {
    /// How it is called.
    pub version: ManifestVersion,
    /// What it says, beside the index that is known now.
    pub digests: Arc<DigestTable>,
}

/// Why a text is no manifest at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Over what [`max_bytes`] allows.
    #[error("the manifest is larger than its index allows")]
    TooBig,
    /// It begins otherwise.
    #[error("the answer is not a manifest that we read")]
    NotAManifest,
    /// It tells what changed since a state that we do not have.
    #[error("the manifest goes on from a state that was not asked for")]
    NotSinceThen,
    /// With what it changes we do not come to what the whole is said to be.
    #[error("the changes of the manifest do not add up to the whole")]
    NotAll,
}

/// A manifest beside that index is not larger.
#[must_use]
pub fn max_bytes(beside: &Index) -> usize {
    beside.text().len().saturating_add(beside.len().saturating_mul(ENTRY_BYTES)).saturating_add(HEADER_BYTES)
}

/// What changed in one is not larger: it may tell of names that are in the index no more.
#[must_use]
pub fn max_bytes_since(beside: &Index) -> usize {
    max_bytes(beside).saturating_add(GONE_BYTES)
}

impl Manifest {
    /// Reads what a neighbour serves, beside its index. Bad lines are skipped and counted.
    ///
    /// # Errors
    /// [`ManifestError`].
    pub fn parse(body: &[u8], beside: &Arc<Index>) -> Result<Self, ManifestError> {
        if body.len() > max_bytes(beside) {
            return Err(ManifestError::TooBig);
        }
        let mut text = Text::begin(body)?;
        if text.header.since.is_some() {
            return Err(ManifestError::NotSinceThen);
        }
        let mut draft = DigestTable::unknown(beside.clone()).draft();
        // Of equal names the first counts.
        text.read_files(beside, |at, row| {
            let is_first = row.is_some() && draft.row(at).is_none();
            if is_first {
                draft.set(at, row);
            }
            is_first
        });
        let is_of_1 = text.is_of_1;
        let digests = draft.finish();
        let digests = if is_of_1 { digests.untimed() } else { digests };
        Ok(Self { header: text.header, digests, skipped: text.skipped })
    }

    /// Reads what a neighbour serves to one who has a state of it: what changed since, or the whole.
    ///
    /// # Errors
    /// [`ManifestError`].
    pub fn parse_since(body: &[u8], before: &Before) -> Result<Self, ManifestError> {
        let beside = before.digests.index();
        if body.len() > max_bytes_since(beside) {
            return Err(ManifestError::TooBig);
        }
        let mut text = Text::begin(body)?;
        match &text.header.since {
            None => return Self::parse(body, beside),
            Some(since) if *since != before.version || text.is_of_1 => return Err(ManifestError::NotSinceThen),
            Some(_) => {}
        }
        let mut draft = before.digests.draft();
        text.read_files(beside, |at, row| {
            let is_first = !draft.changed().contains(at);
            if is_first {
                draft.set(at, row);
            }
            is_first
        });
        let digests = draft.finish();
        Ok(Self { header: text.header, digests, skipped: text.skipped })
    }

    /// Whether it tells of as many files as the whole is said to.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        self.header.files.is_none_or(|files| files == self.digests.known() as u64)
    }
}

/// A manifest while it is read.
struct Text<'b> {
    header: Header,
    is_of_1: bool,
    skipped: Skipped,
    files: &'b [u8],
}

impl<'b> Text<'b> {
    /// Reads the header.
    fn begin(body: &'b [u8]) -> Result<Self, ManifestError> {
        let mut lines = lines_of(body);
        let first = lines.next();
        let is_of_1 = first == Some(FIRST_LINE_OF_1.as_bytes());
        if !is_of_1 && first != Some(FIRST_LINE.as_bytes()) {
            return Err(ManifestError::NotAManifest);
        }
        let (mut skipped, mut read_bytes) = (Skipped::default(), 0_usize);
        let mut split =
            body.split_inclusive(|b| *b == b'\n').inspect(|line| read_bytes = read_bytes.saturating_add(line.len()));
        split.next();
        let mut lines = split.map(|line| trimmed(line.strip_suffix(b"\n").unwrap_or(line)));
        let header = Header::parse(&mut lines, &mut skipped);
        drop(lines);
        Ok(Self { header, is_of_1, skipped, files: body.get(read_bytes..).unwrap_or_default() })
    }

    /// Gives what is said of each file to `put`, by its position in the index; false: it was told
    /// before, or it says nothing.
    fn read_files(&mut self, beside: &Index, mut put: impl FnMut(usize, Option<Row>) -> bool) {
        // They are sorted, mostly: the next name is often the next of the index.
        let mut next = 0_usize;
        let mut position_of = |name: &str| {
            let position =
                Some(next).filter(|at| beside.name_at(*at) == Some(name)).or_else(|| beside.position_of(name));
            next = position.map_or(next, |position| position.saturating_add(1));
            position
        };
        for line in lines_of(self.files).filter(|line| !line.is_empty()) {
            let is_since = self.header.since.is_some();
            let was_put = match parse_line(line, self.is_of_1) {
                Some(Line::Gone(name)) if is_since => position_of(name).is_none_or(|at| put(at, None)),
                Some(Line::File(file)) => match position_of(file.name) {
                    Some(at) if beside.size_at(at) == Some(file.size_bytes) => {
                        put(at, Some(Row::told(file.digests, file.mtime)))
                    }
                    other => {
                        self.skipped.strange = self.skipped.strange.saturating_add(1);
                        // What is known of the file is not what the node has now.
                        if let Some(at) = other.filter(|_| is_since) {
                            put(at, None);
                        }
                        true
                    }
                },
                _ => false,
            };
            if !was_put {
                self.skipped.bad = self.skipped.bad.saturating_add(1);
            }
        }
    }
}

fn lines_of(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|b| *b == b'\n').map(trimmed)
}

fn trimmed(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

enum Line<'b> {
    File(Listed<'b>),
    Gone(&'b str),
}

struct Listed<'b> {
    size_bytes: u64,
    mtime: i64,
    digests: Digests,
    name: &'b str,
}

/// `<size> <mtime> <md5> <blake3> <name>` or `- <name>`; the name may hold blanks. In the first
/// format there is no time.
fn parse_line(line: &[u8], is_of_1: bool) -> Option<Line<'_>> {
    let text = std::str::from_utf8(line).ok()?;
    if let Some(name) = text.strip_prefix("- ") {
        return Some(Line::Gone(plain(name)));
    }
    let (size, rest) = text.split_once(' ')?;
    let (mtime, rest) = if is_of_1 { ("0", rest) } else { rest.split_once(' ')? };
    let mut fields = rest.splitn(3, ' ');
    let md5 = Md5::parse(fields.next()?.as_bytes()).ok()?;
    let blake3 = parse_blake3(fields.next()?.as_bytes())?;
    let name = fields.next()?;
    let (size_bytes, mtime) = (decimal(size)?, signed(mtime)?);
    Some(Line::File(Listed { size_bytes, mtime, digests: Digests { md5, blake3 }, name: plain(name) }))
}

fn plain(name: &str) -> &str {
    name.strip_prefix('/').unwrap_or(name)
}

/// No sign: `parse` would take one.
fn decimal(digits: &str) -> Option<u64> {
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// A minus at most.
fn signed(digits: &str) -> Option<i64> {
    let is_one = digits.strip_prefix('-').unwrap_or(digits).bytes().all(|b| b.is_ascii_digit());
    is_one.then(|| digits.parse().ok())?
}

fn parse_blake3(field: &[u8]) -> Option<[u8; 32]> {
    // Two halves of the width of an MD5.
    let (first, second) = field.split_at_checked(Md5::WIDTH)?;
    let (first, second) = (Md5::parse(first).ok()?, Md5::parse(second).ok()?);
    let mut digest = [0; 32];
    digest.iter_mut().zip(first.digest().iter().chain(second.digest())).for_each(|(to, from)| *to = *from);
    Some(digest)
}

#[cfg(test)]
mod tests;
