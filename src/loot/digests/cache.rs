//! The digests on disk, so that a restart reads nothing again: a table by name, each with the
//! stamp of the version that was read.
//!
//! It is a cache: a damaged one is set aside and made anew, and where none can be kept the node
//! goes on without.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use redb::{
    Builder, Database, DatabaseError, ReadOnlyTable, ReadableDatabase as _, ReadableTableMetadata as _, StorageError,
    TableDefinition,
};

use super::Stamp;
use crate::wire::napster::Md5;
use crate::wire::{Digests, Index};

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
    /// None where it cannot be kept.
    database: Option<Database>,
    pending: Vec<(Box<str>, Row)>,
    committed: Instant,
}

/// Reads what was written by then.
#[derive(Debug)]
pub struct Reader(ReadOnlyTable<&'static str, &'static [u8; ROW_BYTES]>);

impl Cache {
    /// Opens it, and verifies it as a whole. Takes a moment when it is large.
    #[must_use]
    pub fn open(path: &Path) -> Self {
        let database = match open(path) {
            Err(error) if is_damage(&error) => {
                set_aside(path, &error.into());
                open(path)
            }
            other => other,
        };
        let database = database.map_err(|error| cannot_be_kept(&error.into())).ok();
        Self { path: path.to_owned(), database, pending: Vec::new(), committed: Instant::now() }
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

    /// When there is something to commit.
    #[must_use]
    pub fn commit_due(&self) -> Option<Instant> {
        let due = if self.pending.len() >= COMMIT_FILES { self.committed } else { self.committed + COMMIT_EVERY };
        (!self.pending.is_empty()).then_some(due)
    }

    /// Writes what waits.
    pub fn commit(&mut self) {
        self.committed = Instant::now();
        let pending = std::mem::take(&mut self.pending);
        if !pending.is_empty() {
            self.write(|table| {
                pending.iter().try_for_each(|(name, row)| table.insert(&**name, &row.emit()).map(|_| ()))
            });
        }
    }

    /// Drops the rows of names that are not in the index, if there are many.
    pub fn forget_gone(&mut self, index: &Index) {
        let rows = self.reader().and_then(|reader| reader.0.len().ok()).unwrap_or(0);
        let files = index.len() as u64;
        if rows > files.saturating_add(files / 4).saturating_add(GONE_MAX) {
            self.write(|table| table.retain(|name, _| index.position_of(name).is_some()));
        }
    }

    fn write(&mut self, work: impl FnOnce(&mut redb::Table<'_, &str, &[u8; ROW_BYTES]>) -> Result<(), StorageError>) {
        let Some(database) = &self.database else { return };
        let written = || -> Result<(), redb::Error> {
            let transaction = database.begin_write()?;
            work(&mut transaction.open_table(FILES)?)?;
            Ok(transaction.commit()?)
        };
        if let Err(error) = written() {
            self.database = None;
            if matches!(error, redb::Error::Corrupted(_)) {
                set_aside(&self.path, &error);
                self.database = open(&self.path).ok();
            } else {
                cannot_be_kept(&error);
            }
        }
    }
}

impl Reader {
    /// The row of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Row> {
        Row::parse(self.0.get(name).ok()??.value())
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

fn cannot_be_kept(error: &redb::Error) {
    tracing::warn!(%error, "digests cannot be kept for the next start");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(byte: u8) -> Row {
        let stamp = Stamp { modified_ns: -i64::from(byte), changed_ns: 7, inode: u64::MAX };
        Row { size_bytes: 1 << 40, stamp, digests: Digests { md5: Md5::new([byte; 16]), blake3: [byte; 32] } }
    }

    fn index(names: impl Iterator<Item = String>) -> Index {
        let mut names: Vec<String> = names.collect();
        names.sort_unstable();
        Index::from_sorted(names.iter().map(|name| (name.as_str(), 1)))
    }

    #[test]
    fn rows_survive_a_restart() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("digests.redb");
        let mut cache = Cache::open(&path);
        assert!(cache.reader().is_none() && cache.commit_due().is_none());
        cache.put("a", row(1));
        cache.put("ü, b", row(2));
        assert!(cache.commit_due().is_some());
        cache.commit();
        drop(cache);
        let reader = Cache::open(&path).reader().unwrap();
        assert_eq!((reader.get("a"), reader.get("ü, b"), reader.get("c")), (Some(row(1)), Some(row(2)), None));
    }

    #[test]
    fn a_damaged_file_is_set_aside_and_made_anew() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("digests.redb");
        let mut cache = Cache::open(&path);
        (0..2_000).for_each(|number| cache.put(&format!("file {number}"), row(3)));
        cache.commit();
        drop(cache);
        let whole = std::fs::read(&path).unwrap();
        let flipped = |at: usize| {
            let mut bytes = whole.clone();
            bytes[at..at + 512].iter_mut().for_each(|b| *b ^= 0x55);
            bytes
        };
        let rows_at = whole.windows(7).position(|w| w == b"file 17").unwrap();
        for (damaged, what) in [
            (b"not what it should be".to_vec(), "another file"),
            (whole[..whole.len() / 2].to_vec(), "cut"),
            (flipped(0), "its head"),
            (flipped(rows_at), "its rows"),
        ] {
            std::fs::write(&path, damaged).unwrap();
            let mut cache = Cache::open(&path);
            assert!(cache.reader().is_none(), "{what}");
            assert!(temp.path().join("digests.redb.bad").exists(), "{what}");
            cache.put("a", row(4));
            cache.commit();
            assert_eq!(cache.reader().unwrap().get("a"), Some(row(4)), "{what}");
            std::fs::remove_file(temp.path().join("digests.redb.bad")).unwrap();
        }
    }

    #[test]
    fn names_that_are_gone_are_dropped_once_they_are_many() {
        let temp = tempfile::tempdir().unwrap();
        let mut cache = Cache::open(&temp.path().join("digests.redb"));
        (0..1_500).for_each(|number| cache.put(&number.to_string(), row(5)));
        cache.commit();
        let rows = |cache: &Cache| cache.reader().unwrap().0.len().unwrap();
        cache.forget_gone(&index((0..1_000).map(|number| number.to_string())));
        assert_eq!(rows(&cache), 1_500);
        cache.forget_gone(&index((0..10).map(|number| number.to_string())));
        assert_eq!(rows(&cache), 10);
    }

    #[test]
    fn where_nothing_can_be_kept_the_node_goes_on() {
        let temp = tempfile::tempdir().unwrap();
        let mut cache = Cache::open(&temp.path().join("no such folder/digests.redb"));
        cache.put("a", row(1));
        cache.commit();
        assert!(cache.reader().is_none());
    }
}
