//! What a download holds: hashed while it arrives, read back after a break, or copied from a file
//! that is here already.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use super::{Part, Validators};
use crate::loot::LootFile;
use crate::wire::Content;

/// Bytes read at once.
const BUFFER_BYTES: usize = 1 << 20;
/// Bytes that are read back or copied in one step: between two steps the work can end.
const PIECE_BYTES: u64 = 32 << 20;

/// The hash of what came so far.
#[derive(Debug, Default)]
pub(super) struct Hashed {
    hasher: blake3::Hasher,
    pub(super) bytes: u64,
    /// What the whole holds, where each piece of it was verified.
    pub(super) proven: Option<Content>,
}

impl Hashed {
    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
    }
}

impl Part {
    /// Hashes what came before this run, a piece at a time. True when all that is here is hashed.
    /// Blocks, as everything here.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn read_back(&mut self) -> io::Result<bool> {
        let mut buffer = vec![0; BUFFER_BYTES];
        let until = self.received_bytes.min(self.hashed.bytes.saturating_add(PIECE_BYTES));
        while self.hashed.bytes < until {
            let count = self.file.read_at(&mut buffer, self.hashed.bytes)?;
            let left = usize::try_from(until.saturating_sub(self.hashed.bytes)).unwrap_or(usize::MAX);
            match buffer.get(..count.min(left)).unwrap_or_default() {
                [] => return Err(io::ErrorKind::UnexpectedEof.into()),
                bytes => self.hashed.take(bytes),
            }
        }
        Ok(self.hashed.bytes >= self.received_bytes)
    }

    /// Begins to be a copy of one of our own files: a clone that shares its blocks, where the
    /// file system can. True when that was all; otherwise [`Part::copy_more`] copies.
    ///
    /// # Errors
    /// When the spool cannot be written.
    pub fn begin_copy(&mut self, own: &LootFile) -> io::Result<bool> {
        self.restart(Validators::default())?;
        if !clone_blocks(&self.file, &own.file) {
            return Ok(own.facts.size_bytes == 0);
        }
        self.received_bytes = self.file.metadata()?.len();
        Ok(true)
    }

    /// Copies the next piece. True when there is no more.
    ///
    /// # Errors
    /// When either cannot be read or written.
    pub fn copy_more(&mut self, own: &LootFile) -> io::Result<bool> {
        let mut buffer = vec![0; BUFFER_BYTES];
        let until = self.received_bytes.saturating_add(PIECE_BYTES);
        while self.received_bytes < until && self.received_bytes <= self.note.key.size_bytes {
            let count = own.file.read_at(&mut buffer, self.received_bytes)?;
            match buffer.get(..count).unwrap_or_default() {
                [] => return Ok(true),
                bytes => self.append(bytes)?,
            }
        }
        Ok(self.received_bytes > self.note.key.size_bytes)
    }

    /// What is here, all of it hashed.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn content(&mut self) -> io::Result<Content> {
        if let Some(proven) = self.hashed.proven {
            return Ok(proven);
        }
        while !self.read_back()? {}
        Ok(Content::new(self.hashed.hasher.finalize().into()))
    }
}

/// Two files of one content, and still two files: whoever changes one does not change the other.
#[cfg(target_os = "linux")]
fn clone_blocks(to: &File, from: &File) -> bool {
    rustix::fs::ioctl_ficlone(to, from).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn clone_blocks(_to: &File, _from: &File) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::super::PartKey;
    use super::super::tests::{key, spool};
    use super::*;

    #[test]
    fn what_came_before_a_restart_is_hashed_too() {
        let (_temp, spool) = spool();
        let bytes: Vec<u8> = (0..1_500_000_u32).map(|n| (n % 251) as u8).collect();
        let key = PartKey { content: Some(Content::new([1; 32])), ..key("a", bytes.len() as u64) };
        let mut part = spool.part(&key).unwrap();
        part.restart(Validators { etag: Some("\"x\"".into()), last_modified: None }).unwrap();
        part.append(&bytes[..1_200_000]).unwrap();
        drop(part);
        for reads_first in [true, false] {
            let mut again = spool.part(&key).unwrap();
            assert!(!reads_first || again.read_back().unwrap());
            again.append(&bytes[1_200_000..]).unwrap();
            assert_eq!(again.content().unwrap(), Content::new(blake3::hash(&bytes).into()));
            again.file.set_len(1_200_000).unwrap();
        }
    }
}
