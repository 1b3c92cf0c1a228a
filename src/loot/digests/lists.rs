//! The lists of pieces of our contents, on disk beside the digests: the hasher writes them, whoever
//! is asked for one reads it. None stays in memory.
//!
//! A list is kept by its content's BLAKE3, for contents of more than one piece: of one the list is
//! that BLAKE3.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use redb::{
    Database, ReadOnlyTable, ReadableDatabase as _, ReadableTableMetadata as _, TableDefinition, WriteTransaction,
};

use crate::wire::DigestTable;
use crate::wire::pieces::{PIECE_BYTES, PieceList, piece_count};

/// By BLAKE3. The number is that of the form of a list: another form gets another.
const LISTS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("pieces-1");
/// Lists of contents that are gone are borne up to so many, and one in four of all.
const GONE_MAX: u64 = 64;

/// Reads lists. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    /// None while it is opened, and where none can be kept.
    database: Arc<Mutex<Option<Arc<Database>>>>,
}

/// Whether a content of that size has a list of its own.
pub(super) fn is_kept(size_bytes: u64) -> bool {
    size_bytes > PIECE_BYTES && piece_count(size_bytes).is_some()
}

impl Lists {
    pub(super) fn read_from(&self, database: Option<Arc<Database>>) {
        *self.database.lock().unwrap_or_else(PoisonError::into_inner) = database;
    }

    /// The list of a content. Blocks. None where it is not there as it should be.
    #[must_use]
    pub fn get(&self, blake3: &[u8; 32], size_bytes: u64) -> Option<PieceList> {
        let table = self.table()?;
        let list = table.get(blake3).ok()??;
        PieceList::parse(list.value(), size_bytes, blake3).ok()
    }

    /// Whether any are kept now.
    #[must_use]
    pub fn are_kept(&self) -> bool {
        self.database().is_some()
    }

    /// Whether there are many more than these files need.
    pub(super) fn are_many_for(&self, of: &DigestTable) -> bool {
        let sizes = of.known_rows().filter_map(|(position, _)| of.index().size_at(position));
        let needed = sizes.filter(|size_bytes| is_kept(*size_bytes)).count() as u64;
        let there = self.table().and_then(|table| table.len().ok()).unwrap_or(0);
        there > needed.saturating_add(needed / 4).saturating_add(GONE_MAX)
    }

    fn database(&self) -> Option<Arc<Database>> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn table(&self) -> Option<ReadOnlyTable<&'static [u8; 32], &'static [u8]>> {
        self.database()?.begin_read().ok()?.open_table(LISTS).ok()
    }
}

/// Writes some.
pub(super) fn keep(to: &WriteTransaction, lists: &[([u8; 32], PieceList)]) -> Result<(), redb::Error> {
    if lists.is_empty() {
        return Ok(());
    }
    let mut table = to.open_table(LISTS)?;
    lists.iter().try_for_each(|(blake3, list)| table.insert(blake3, list.emit()).map(|_| ()))?;
    Ok(())
}

/// Drops all but those of some contents.
pub(super) fn retain(of: &WriteTransaction, wanted: &HashSet<[u8; 32]>) -> Result<(), redb::Error> {
    Ok(of.open_table(LISTS)?.retain(|blake3, _| wanted.contains(blake3))?)
}

/// As an earlier version of this node left the file.
#[cfg(test)]
pub(super) fn drop_all(path: &std::path::Path) {
    let database = Database::create(path).unwrap();
    let transaction = database.begin_write().unwrap();
    assert!(transaction.delete_table(LISTS).unwrap());
    transaction.commit().unwrap();
}
