//! A download that comes in pieces, in any order and from many: each is verified before it is
//! written, and found again after a restart by reading it, whatever became of the last notes.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use rustix::fs::SeekFrom;
use rustix::io::Errno;

use super::{Note, Part, PartKey, SYNC_EVERY_BYTES, Spool};
use crate::wire::pieces::PIECE_BYTES;
use crate::wire::{Content, PieceList, PieceSet};

/// Pieces that are read back in one step: between two steps the work can end.
const READ_BACK_AT_ONCE: u64 = 128;

/// Where pieces are written; cheap to clone, and used by many at once.
#[derive(Clone, Debug)]
pub struct PieceFile {
    file: Arc<File>,
    spool: Spool,
    /// How the file is named there.
    id: Arc<str>,
    list: Arc<PieceList>,
    /// All that was written here.
    written_bytes: Arc<AtomicU64>,
    /// Set once nothing may be written any more; locked for reading by who writes.
    closed: Arc<RwLock<bool>>,
}

/// Reads back what an earlier run left.
#[derive(Debug)]
pub struct ReadBack {
    pieces: PieceFile,
    next: u64,
    found: PieceSet,
}

impl Spool {
    /// The download of `key` in pieces: what an earlier run left of it, or a new one. Blocks, as
    /// everything here.
    ///
    /// # Errors
    /// When the spool cannot be written.
    pub fn part_in_pieces(&self, key: &PartKey) -> io::Result<Part> {
        let (id, file) = self.open_file(key)?;
        let is_known = self.read_note(&id).is_some_and(|note| note.key == *key && note.in_pieces);
        let part = Part::new(self, id, file, Note { in_pieces: true, ..Note::new(key) });
        if !is_known {
            part.file.set_len(0)?;
            part.write_note()?;
        }
        part.file.set_len(key.size_bytes)?;
        Ok(part)
    }
}

impl Part {
    /// Where its pieces are written.
    ///
    /// # Errors
    /// When there are no more file descriptors.
    pub fn pieces(&self, list: &Arc<PieceList>) -> io::Result<PieceFile> {
        let (file, list) = (Arc::new(self.file.try_clone()?), list.clone());
        let (spool, id) = (self.spool.clone(), self.id.as_str().into());
        Ok(PieceFile { file, spool, id, list, written_bytes: Arc::default(), closed: Arc::default() })
    }

    /// All its pieces are here and right: it holds the content of that list.
    pub fn note_whole(&mut self, list: &PieceList) {
        self.received_bytes = list.size_bytes();
        self.hashed.proven = Some(Content::new(list.root()));
    }
}

impl PieceFile {
    /// Where the pieces are, and which they must be.
    #[must_use]
    pub fn list(&self) -> &Arc<PieceList> {
        &self.list
    }

    /// The file itself, to serve from.
    ///
    /// # Errors
    /// When there are no more file descriptors.
    pub fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Writes a piece; false if its bytes are not what they must be. Each 64 MiB all is made
    /// durable.
    ///
    /// # Errors
    /// When the disk is full, for instance.
    pub fn write(&self, piece: u64, bytes: &[u8]) -> io::Result<bool> {
        if !self.list.verify(piece, bytes) {
            return Ok(false);
        }
        let closed = self.closed.read().unwrap_or_else(PoisonError::into_inner);
        if *closed {
            return Ok(true);
        }
        self.file.write_all_at(bytes, self.list.range(piece).start)?;
        let length = bytes.len() as u64;
        let before = self.written_bytes.fetch_add(length, Ordering::Relaxed);
        // Many write at once: the one that crosses the line makes durable.
        if before / SYNC_EVERY_BYTES != before.saturating_add(length) / SYNC_EVERY_BYTES {
            self.file.sync_data()?;
            // What has no note is swept at the next start.
            if before < SYNC_EVERY_BYTES {
                self.spool.sync_note(&self.id)?;
            }
        }
        Ok(true)
    }

    /// Waits for writes under way; later ones change nothing. A file that landed is the user's.
    pub fn close(&self) {
        *self.closed.write().unwrap_or_else(PoisonError::into_inner) = true;
    }

    /// What is here already.
    #[must_use]
    pub fn read_back(&self) -> ReadBack {
        let found = PieceSet::none(self.list.hashes().len() as u64);
        ReadBack { pieces: self.clone(), next: 0, found }
    }
}

impl ReadBack {
    /// Reads the next pieces. What is here, once all is read.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn step(&mut self) -> io::Result<Option<PieceSet>> {
        let mut buffer = vec![0; usize::try_from(PIECE_BYTES).map_err(io::Error::other)?];
        let until = self.next.saturating_add(READ_BACK_AT_ONCE);
        while self.next < until {
            let Some(piece) = self.next_written()? else { return Ok(Some(std::mem::take(&mut self.found))) };
            let range = self.pieces.list.range(piece);
            let length = usize::try_from(range.end.saturating_sub(range.start)).map_err(io::Error::other)?;
            let bytes = buffer.get_mut(..length).unwrap_or_default();
            self.pieces.file.read_exact_at(bytes, range.start)?;
            if self.pieces.list.verify(piece, bytes) {
                self.found.insert(piece);
            }
            self.next = piece.saturating_add(1);
        }
        Ok(None)
    }

    /// The next piece of which something was written: holes are passed over.
    fn next_written(&self) -> io::Result<Option<u64>> {
        if self.next >= self.found.pieces() {
            return Ok(None);
        }
        let offset = self.pieces.list.range(self.next).start;
        match rustix::fs::seek(&*self.pieces.file, SeekFrom::Data(offset)) {
            Ok(data) => Ok(Some(data / PIECE_BYTES)),
            Err(Errno::NXIO) => Ok(None),
            // A file system that knows no holes.
            Err(Errno::INVAL | Errno::NOTSUP) => Ok(Some(self.next)),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{key, spool};
    use super::*;
    use crate::wire::PieceHasher;

    fn content() -> (Vec<u8>, Arc<PieceList>) {
        let bytes: Vec<u8> = (0..10 * PIECE_BYTES as u32 - 5).map(|n| (n / 7 % 253) as u8).collect();
        let mut hasher = PieceHasher::new();
        hasher.update(&bytes);
        (bytes, Arc::new(hasher.finish().1.unwrap()))
    }

    fn key_of(list: &PieceList) -> PartKey {
        PartKey { content: Some(Content::new(list.root())), ..key("a", list.size_bytes()) }
    }

    fn piece<'b>(bytes: &'b [u8], list: &PieceList, piece: u64) -> &'b [u8] {
        let range = list.range(piece);
        &bytes[range.start as usize..range.end as usize]
    }

    fn found(part: &Part, list: &Arc<PieceList>) -> String {
        let mut reading = part.pieces(list).unwrap().read_back();
        loop {
            if let Some(found) = reading.step().unwrap() {
                return found.to_string();
            }
        }
    }

    #[test]
    fn what_was_written_is_found_again_and_what_was_damaged_is_not() {
        let (_temp, spool) = spool();
        let (bytes, list) = content();
        let part = spool.part_in_pieces(&key_of(&list)).unwrap();
        let pieces = part.pieces(&list).unwrap();
        for number in [2, 9, 5] {
            assert!(pieces.write(number, piece(&bytes, &list, number)).unwrap());
        }
        assert!(!pieces.write(3, piece(&bytes, &list, 2)).unwrap(), "another piece's bytes");
        spool.sync_note(&part.id).unwrap();
        drop(part);
        let part = Spool::open(spool.folder().clone()).unwrap().part_in_pieces(&key_of(&list)).unwrap();
        assert_eq!(found(&part, &list), "2,5,9");
        part.file.write_all_at(b"damage", list.range(5).start + 9).unwrap();
        assert_eq!(found(&part, &list), "2,9");
    }

    #[test]
    fn only_what_was_written_counts_as_here() {
        let (_temp, spool) = spool();
        let (bytes, list) = content();
        let part = spool.part_in_pieces(&key_of(&list)).unwrap();
        assert_eq!(spool.here_bytes(&key_of(&list)), 0);
        part.pieces(&list).unwrap().write(4, piece(&bytes, &list, 4)).unwrap();
        assert_eq!(spool.here_bytes(&key_of(&list)), PIECE_BYTES);
    }

    #[test]
    fn a_part_of_which_nothing_came_does_not_stay() {
        let (temp, spool) = spool();
        let (_, list) = content();
        drop(spool.part_in_pieces(&key_of(&list)).unwrap());
        assert_eq!(std::fs::read_dir(temp.path().join(".boucan/spool")).unwrap().count(), 0);
    }

    #[test]
    fn all_pieces_together_are_the_content() {
        let (temp, spool) = spool();
        let (bytes, list) = content();
        let mut part = spool.part_in_pieces(&key_of(&list)).unwrap();
        let pieces = part.pieces(&list).unwrap();
        (0..10).for_each(|number| assert!(pieces.write(number, piece(&bytes, &list, number)).unwrap()));
        part.note_whole(&list);
        let path = crate::wire::LootPath::parse(b"a").unwrap();
        let (_, landed) = part.land(&path, None).unwrap();
        assert_eq!((landed, std::fs::read(temp.path().join("a")).unwrap()), (Content::new(list.root()), bytes));
    }
}
