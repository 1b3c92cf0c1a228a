//! One file that is being read for its digests, a piece at a time.

use std::io::{self, Read as _};

use md5::Digest as _;

use super::Stamp;
use crate::loot::folder::facts_of;
use crate::loot::{FileFacts, LootFile};
use crate::wire::napster::Md5;
use crate::wire::{Digests, PieceHasher, PieceList};

/// Bytes read at once; between two pieces other work may come first.
pub(super) const PIECE_BYTES: usize = 1 << 20;

/// A file half-way to its digests.
pub(super) struct Reading {
    /// Where it is in the index.
    pub(super) position: u32,
    /// As it was when opened.
    pub(super) facts: FileFacts,
    file: std::fs::File,
    read_bytes: u64,
    md5: md5::Md5,
    pieces: PieceHasher,
}

/// How far it got.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// There is more.
    More,
    /// All was read, and it did not change meanwhile. With its pieces, unless they are too many.
    Whole(Digests, Option<PieceList>),
    /// It changed meanwhile.
    Changed,
}

impl Reading {
    pub(super) fn new(position: u32, opened: LootFile) -> Self {
        let LootFile { file, facts, .. } = opened;
        Self { position, facts, file, read_bytes: 0, md5: md5::Md5::new(), pieces: PieceHasher::new() }
    }

    /// Reads the next piece. A change is noticed at once: some files never rest, and are large.
    pub(super) fn step(&mut self, buffer: &mut [u8]) -> io::Result<Step> {
        let count = match self.file.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(Step::More),
            read => read?,
        };
        self.read_bytes = self.read_bytes.saturating_add(count as u64);
        // Most files are one piece: they end in the same step, with one look at what they are now.
        let is_end = count == 0 || (self.left_bytes() == 0 && matches!(self.file.read(&mut [0]), Ok(0)));
        if facts_of(&rustix::fs::fstat(&self.file)?) != Some(self.facts) {
            return Ok(Step::Changed);
        }
        let piece = buffer.get(..count).unwrap_or_default();
        self.md5.update(piece);
        self.pieces.update(piece);
        Ok(match is_end {
            true if self.read_bytes == self.facts.size_bytes => self.whole(),
            true => Step::Changed,
            false => Step::More,
        })
    }

    /// Bytes still to be read.
    pub(super) fn left_bytes(&self) -> u64 {
        self.facts.size_bytes.saturating_sub(self.read_bytes)
    }

    pub(super) fn stamp(&self) -> Stamp {
        Stamp::of(&self.facts)
    }

    fn whole(&mut self) -> Step {
        let md5 = Md5::new(self.md5.finalize_reset().into());
        let (blake3, list) = std::mem::take(&mut self.pieces).finish();
        Step::Whole(Digests { md5, blake3 }, list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loot::LootFolder;
    use crate::wire::LootPath;

    fn open(folder: &std::path::Path, name: &str) -> Reading {
        let path = LootPath::parse(name.as_bytes()).unwrap();
        Reading::new(0, LootFolder::open(folder).unwrap().open_file(&path).unwrap())
    }

    #[test]
    fn both_digests_come_of_one_read() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::write(temp.path().join("a"), "abc").unwrap();
        std::fs::write(temp.path().join("empty"), "").unwrap();
        for (name, content, md5) in
            [("a", "abc", "900150983cd24fb0d6963f7d28e17f72"), ("empty", "", "d41d8cd98f00b204e9800998ecf8427e")]
        {
            let mut reading = open(temp.path(), name);
            let mut buffer = [0; 2];
            let digests = loop {
                match reading.step(&mut buffer).unwrap() {
                    Step::More => {}
                    Step::Whole(digests, list) => {
                        assert_eq!(list.unwrap().root(), digests.blake3);
                        break digests;
                    }
                    Step::Changed => panic!("nobody changed it"),
                }
            };
            assert_eq!(digests.md5.to_string(), md5);
            assert_eq!(digests.blake3, *blake3::hash(content.as_bytes()).as_bytes());
        }
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_has_no_digests() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("a");
        // Same size, more, less.
        for change in ["abX", "abcd", "ab"] {
            std::fs::write(&file, "abc").unwrap();
            let mut reading = open(temp.path(), "a");
            let mut buffer = [0; 2];
            assert_eq!(reading.step(&mut buffer).unwrap(), Step::More);
            // Some clocks tick slowly: an earlier time shows at once.
            std::fs::write(&file, change).unwrap();
            std::fs::File::options().write(true).open(&file).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
            assert_eq!(reading.step(&mut buffer).unwrap(), Step::Changed, "{change}");
        }
    }
}
