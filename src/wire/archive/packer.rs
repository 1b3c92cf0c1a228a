//! An archive while it is made: who has the contents of the files hands them through here, and
//! gets what stands around them.
//!
//! It holds no content; what is kept of each file is its sum and its time, for the list at the end.

use super::contents::{Contents, packed_bytes};
use super::{Format, Member, Totals};
use crate::wire::index::Entry;

/// Makes one archive, file by file.
#[derive(Debug)]
pub struct Packer {
    format: Format,
    contents: Contents,
    /// Sum and time of each file that is whole.
    packed: Vec<(u32, u32)>,
    /// The file that is being packed.
    open: Option<Open>,
    listed: Listed,
}

/// A file half-way.
#[derive(Debug)]
struct Open {
    sum: crc32fast::Hasher,
    modified: u32,
    left_bytes: u64,
}

/// How far the list at the end is.
#[derive(Debug, Default)]
struct Listed {
    lines: usize,
    /// Where the file of the next line begins.
    offset: u64,
    bytes: u64,
    is_ended: bool,
}

/// A file has another length than the index says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a file is not as long as it is listed")]
pub struct OtherLength;

impl Packer {
    /// Of those files.
    #[must_use]
    pub fn new(format: Format, contents: Contents) -> Self {
        let packed = Vec::with_capacity(contents.len());
        Self { format, contents, packed, open: None, listed: Listed::default() }
    }

    /// The file that is to be packed now; none when all are.
    #[must_use]
    pub fn due(&self) -> Option<Entry<'_>> {
        self.contents.get(self.packed.len())
    }

    /// Begins with the file that is due, changed last at `modified` (seconds since 1970).
    pub fn begin(&mut self, modified: u32, out: &mut Vec<u8>) {
        let Some(left_bytes) = self.due().map(|entry| entry.size_bytes) else { return };
        let nth = self.packed.len();
        self.with(nth, modified, |format, member| format.head(member, out));
        self.open = Some(Open { sum: crc32fast::Hasher::new(), modified, left_bytes });
    }

    /// How many bytes of it are still to come.
    #[must_use]
    pub fn left_bytes(&self) -> u64 {
        self.open.as_ref().map_or(0, |open| open.left_bytes)
    }

    /// Some of its content, which is sent as it is.
    ///
    /// # Errors
    /// [`OtherLength`] when it is more than is left.
    pub fn content(&mut self, bytes: &[u8]) -> Result<(), OtherLength> {
        let open = self.open.as_mut().ok_or(OtherLength)?;
        open.left_bytes = open.left_bytes.checked_sub(bytes.len() as u64).ok_or(OtherLength)?;
        open.sum.update(bytes);
        Ok(())
    }

    /// It is whole.
    ///
    /// # Errors
    /// [`OtherLength`] when it is not.
    pub fn end_file(&mut self, out: &mut Vec<u8>) -> Result<(), OtherLength> {
        let Open { sum, modified, .. } = self.open.take().filter(|open| open.left_bytes == 0).ok_or(OtherLength)?;
        let (nth, sum) = (self.packed.len(), sum.finalize());
        self.with(nth, modified, |format, member| format.foot(member, sum, out));
        self.packed.push((sum, modified));
        Ok(())
    }

    /// What follows the files, about so many bytes at a time; false when there is nothing more.
    pub fn rest(&mut self, most: usize, out: &mut Vec<u8>) -> bool {
        if self.listed.is_ended || self.packed.len() < self.contents.len() {
            return false;
        }
        let (before, mut scratch) = (out.len(), Vec::new());
        while let Some((sum, modified)) = self.packed.get(self.listed.lines).copied() {
            let written = out.len().saturating_sub(before);
            if written >= most {
                return true;
            }
            let offset = self.listed.offset;
            let packed = self.with(self.listed.lines, modified, |format, member| {
                format.line(member, sum, offset, out);
                packed_bytes(format, member, &mut scratch)
            });
            let line_bytes = out.len().saturating_sub(before).saturating_sub(written) as u64;
            self.listed.bytes = self.listed.bytes.saturating_add(line_bytes);
            self.listed.offset = self.listed.offset.saturating_add(packed);
            self.listed.lines = self.listed.lines.saturating_add(1);
        }
        let Listed { offset, bytes, .. } = self.listed;
        self.format.end(&Totals { files: self.packed.len() as u64, list_offset: offset, list_bytes: bytes }, out);
        self.listed.is_ended = true;
        true
    }

    fn with<T>(&self, nth: usize, modified: u32, make: impl FnOnce(Format, &Member<'_>) -> T) -> T {
        let (name, size_bytes) = (self.contents.name(nth), self.contents.get(nth).map_or(0, |entry| entry.size_bytes));
        make(self.format, &Member { name: &name, size_bytes, modified })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::wire::Index;

    fn contents() -> Contents {
        let long = format!("d/{}", "long name ".repeat(24));
        let files = [("d/a", 3), ("d/empty", 0), (long.as_str(), 2_000), ("d/é", 513)];
        Contents::choose(Arc::new(Index::from_sorted(files.into_iter())), "d", &[], "d").unwrap()
    }

    #[test]
    fn an_archive_is_as_long_as_was_said_before() {
        for format in [Format::Zip, Format::Tar] {
            let mut packer = Packer::new(format, contents());
            let mut out = Vec::new();
            while let Some(size) = packer.due().map(|entry| entry.size_bytes) {
                packer.begin(1_795_334_400, &mut out);
                let content = vec![b'x'; usize::try_from(size).unwrap()];
                packer.content(&content).unwrap();
                out.extend(content);
                packer.end_file(&mut out).unwrap();
            }
            while packer.rest(10, &mut out) {}
            assert_eq!(out.len() as u64, contents().length(format), "{format:?}");
        }
    }

    #[test]
    fn a_content_of_another_length_is_noticed() {
        let begun = || {
            let mut packer = Packer::new(Format::Zip, contents());
            packer.begin(0, &mut Vec::new());
            packer
        };
        assert_eq!(begun().content(b"four"), Err(OtherLength));
        let mut short = begun();
        short.content(b"12").unwrap();
        assert_eq!(short.end_file(&mut Vec::new()), Err(OtherLength));
        assert!(!short.rest(10, &mut Vec::new()), "no end without all files");
    }
}
