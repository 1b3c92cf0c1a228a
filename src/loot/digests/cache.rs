//! The digests on disk, so that a restart reads nothing again: a table by name, each with the
//! stamp of the version that was read, and the [lists of pieces](super::lists).
//!
//! It is a cache: a damaged one is set aside and made anew, and where none can be kept the node
//! goes on without.

mod in_order;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use redb::{
    Builder, Database, DatabaseError, ReadOnlyTable, ReadableDatabase as _, ReadableTable as _,
    ReadableTableMetadata as _, StorageError, TableDefinition, WriteTransaction,
};

pub(super) use self::in_order::InOrder;
use super::Stamp;
use super::lists::{self, Lists};
use crate::wire::napster::Md5;
use crate::wire::{DigestTable, Digests, PieceList};

/// By name. The number is that of the form of a row: another form gets another.
const FILES: TableDefinition<'_, &str, &[u8; ROW_BYTES]> = TableDefinition::new("files-1");
/// Size, two times, inode, MD5, BLAKE3.
const ROW_BYTES: usize = 4 * 8 + 16 + 32;
/// The library's own default is a gibibyte.
const MEMORY_BYTES: usize = 8 << 20;
/// What was read is written at most so often …
const COMMIT_EVERY: Duration = Duration::from_secs(1);
/// … or when it is so many files.
const COMMIT_FILES: usize = 1_000;
/// Where none could be kept, for want of space perhaps, it is tried again after this.
const REOPEN_AFTER: Duration = Duration::from_secs(300);
/// Rows of files that are gone are borne up to so many, and one in four of all.
const GONE_MAX: u64 = 1_000;

/// One file's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Length in bytes.
    pub size_bytes: u64,
    /// The version that was read.
    pub stamp: Stamp,
    /// What came of it.
    pub digests: Digests,
}

/// The file, and what is to be written to it.
#[derive(Debug)]
pub struct Cache {
    path: PathBuf,
    /// None where it cannot be kept …
    database: Option<Arc<Database>>,
    /// … and when that is tried again.
    reopen_at: Option<Instant>,
    /// Those who read lists while we write.
    readers: Lists,
    pending: Vec<(Box<str>, Row)>,
    pending_lists: Vec<([u8; 32], PieceList)>,
    committed: Instant,
}

/// Reads what was written by then.
#[derive(Debug)]
pub struct Reader(ReadOnlyTable<&'static str, &'static [u8; ROW_BYTES]>);

impl Cache {
    /// Opens it, and verifies it as a whole. Takes a moment when it is large.
    #[must_use]
    pub fn open(path: &Path, readers: Lists) -> Self {
        let database = match open(path) {
            Err(error) if is_damage(&error) => {
                set_aside(path, &error.into());
                open(path)
            }
            other => other,
        };
        let (pending, pending_lists, committed) = (Vec::new(), Vec::new(), Instant::now());
        let path = path.to_owned();
        let mut cache = Self { path, database: None, reopen_at: None, readers, pending, pending_lists, committed };
        cache.use_opened(database);
        cache
    }

    /// For several look-ups; none while nothing was ever written.
    #[must_use]
    pub fn reader(&self) -> Option<Reader> {
        let reading = self.database.as_ref()?.begin_read().ok()?;
        reading.open_table(FILES).ok().map(Reader)
    }

    /// Keeps a row from the next commit on.
    pub fn put(&mut self, name: &str, row: Row) {
        if self.database.is_some() {
            self.pending.push((name.into(), row));
        }
    }

    /// Keeps the list of a content from the next commit on.
    pub fn put_list(&mut self, blake3: [u8; 32], list: PieceList) {
        if self.database.is_some() {
            self.pending_lists.push((blake3, list));
        }
    }

    /// Whether the list of a content can be kept, and is not.
    #[must_use]
    pub fn lacks_list(&self, blake3: &[u8; 32], size_bytes: u64) -> bool {
        lists::is_kept(size_bytes) && self.database.is_some() && self.readers.get(blake3, size_bytes).is_none()
    }

    /// Whether lists wait for a commit.
    #[must_use]
    pub fn has_pending_lists(&self) -> bool {
        !self.pending_lists.is_empty()
    }

    /// When there is something to commit, or to be tried again.
    #[must_use]
    pub fn commit_due(&self) -> Option<Instant> {
        let due = if self.pending.len() >= COMMIT_FILES { self.committed } else { self.committed + COMMIT_EVERY };
        let due = (!self.pending.is_empty() || self.has_pending_lists()).then_some(due);
        due.into_iter().chain(self.reopen_at).min()
    }

    /// Writes what waits.
    pub fn commit(&mut self) {
        self.committed = Instant::now();
        if self.reopen_at.is_some_and(|at| at <= self.committed) {
            self.use_opened(open(&self.path));
        }
        let (pending, lists) = (std::mem::take(&mut self.pending), std::mem::take(&mut self.pending_lists));
        if pending.is_empty() && lists.is_empty() {
            return;
        }
        self.write(|transaction| {
            let mut table = transaction.open_table(FILES)?;
            pending.iter().try_for_each(|(name, row)| table.insert(&**name, &row.emit()).map(|_| ()))?;
            lists::keep(transaction, &lists)
        });
    }

    /// Drops the rows of names that are not in the index, and the lists of contents that no row
    /// has, if there are many. The digests are those of the files of that index.
    pub fn forget_gone(&mut self, of: &DigestTable) {
        let index = of.index();
        let rows = self.reader().and_then(|reader| reader.0.len().ok()).unwrap_or(0);
        let files = index.len() as u64;
        let forget_rows = rows > files.saturating_add(files / 4).saturating_add(GONE_MAX);
        let forget_lists = self.readers.are_many_for(of);
        if !forget_rows && !forget_lists {
            return;
        }
        self.write(|transaction| {
            let mut table = transaction.open_table(FILES)?;
            table.retain(|name, _| index.position_of(name).is_some())?;
            let rows = table.iter()?.filter_map(|row| Row::parse(row.ok()?.1.value()));
            let wanted = rows.filter(|row| lists::is_kept(row.size_bytes)).map(|row| row.digests.blake3).collect();
            lists::retain(transaction, &wanted)
        });
    }

    fn write(&mut self, work: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>) {
        let Some(database) = &self.database else { return };
        let written = || -> Result<(), redb::Error> {
            let transaction = database.begin_write()?;
            work(&transaction)?;
            Ok(transaction.commit()?)
        };
        if let Err(error) = written() {
            self.use_database(None);
            if matches!(error, redb::Error::Corrupted(_)) {
                set_aside(&self.path, &error);
                self.use_opened(open(&self.path));
            } else {
                self.cannot_be_kept(&error);
            }
        }
    }

    fn use_opened(&mut self, opened: Result<Database, DatabaseError>) {
        self.reopen_at = None;
        match opened {
            Ok(database) => self.use_database(Some(database)),
            Err(error) => self.cannot_be_kept(&error.into()),
        }
    }

    /// What is read until it is tried again is not kept: who asks for its list has it made.
    fn cannot_be_kept(&mut self, error: &redb::Error) {
        tracing::warn!(%error, "digests cannot be kept for the next start; it is tried again in a while");
        self.reopen_at = Some(Instant::now() + REOPEN_AFTER);
    }

    fn use_database(&mut self, database: Option<Database>) {
        self.database = database.map(Arc::new);
        self.readers.read_from(self.database.clone());
    }
}

/// The file is closed with it, whoever else has the handle.
impl Drop for Cache {
    fn drop(&mut self) {
        self.use_database(None);
    }
}

impl Reader {
    /// The row of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Row> {
        Row::parse(self.0.get(name).ok()??.value())
    }

    /// For many names that rise: quicker than looking up each.
    pub(super) fn in_order(&self) -> InOrder<'_> {
        InOrder::of(self)
    }
}

impl Row {
    fn emit(&self) -> [u8; ROW_BYTES] {
        let Self { size_bytes, stamp, digests } = self;
        let mut row = [0; ROW_BYTES];
        let fields: [&[u8]; 6] = [
            &size_bytes.to_be_bytes(),
            &stamp.modified_ns.to_be_bytes(),
            &stamp.changed_ns.to_be_bytes(),
            &stamp.inode.to_be_bytes(),
            digests.md5.digest(),
            &digests.blake3,
        ];
        let bytes = fields.into_iter().flatten();
        row.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        row
    }

    fn parse(row: &[u8; ROW_BYTES]) -> Option<Self> {
        let (size_bytes, rest) = row.split_first_chunk()?;
        let (modified_ns, rest) = rest.split_first_chunk()?;
        let (changed_ns, rest) = rest.split_first_chunk()?;
        let (inode, rest) = rest.split_first_chunk()?;
        let (md5, rest) = rest.split_first_chunk()?;
        let stamp = Stamp {
            modified_ns: i64::from_be_bytes(*modified_ns),
            changed_ns: i64::from_be_bytes(*changed_ns),
            inode: u64::from_be_bytes(*inode),
        };
        let digests = Digests { md5: Md5::new(*md5), blake3: *rest.first_chunk()? };
        Some(Self { size_bytes: u64::from_be_bytes(*size_bytes), stamp, digests })
    }
}

fn open(path: &Path) -> Result<Database, DatabaseError> {
    Builder::new().set_cache_size(MEMORY_BYTES).set_check_integrity_on_open(true).create(path)
}

/// Whether the file is at fault, and not the disk or its owner.
fn is_damage(error: &DatabaseError) -> bool {
    match error {
        DatabaseError::Storage(StorageError::Io(error)) => {
            matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
        }
        DatabaseError::DatabaseAlreadyOpen => false,
        _ => true,
    }
}

fn set_aside(path: &Path, error: &redb::Error) {
    let aside = path.with_extension("redb.bad");
    tracing::warn!(file = %path.display(), aside = %aside.display(), %error, "the digests are damaged and made anew");
    if let Err(error) = std::fs::rename(path, &aside) {
        tracing::warn!(%error, "they cannot be set aside");
    }
}

#[cfg(test)]
mod tests;
