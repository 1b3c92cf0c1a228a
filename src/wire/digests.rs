//! What names the content of files: MD5, by which Napster peers ask, and BLAKE3.
//!
//! A [`DigestTable`] stands beside an [`Index`]: ours as far as our files were read, a neighbour's
//! as far as its manifest tells. With each goes the time of the version that was read. It takes 64
//! bytes a file, and is not copied when some of them change: its rows lie in blocks which the states
//! of a table share, so that a change costs what changed and a pass over the order by content.

mod block;
mod draft;
mod order;
mod rows;

use std::sync::{Arc, OnceLock};

pub use self::draft::Draft;
use self::order::{ByBlake3, ByMd5};
use self::rows::Rows;
use super::index::{Edit, Entry};
use super::napster::Md5;
use super::positions::Positions;
use super::{Content, Index};

/// Both digests of one content, made in one read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digests {
    /// How Napster peers ask for it.
    pub md5: Md5,
    /// What verifies it.
    pub blake3: [u8; 32],
}

impl Digests {
    /// The content that they name.
    #[must_use]
    pub fn content(&self) -> Content {
        Content::new(self.blake3)
    }
}

/// What is known of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// What names its content.
    pub digests: Digests,
    /// When it was changed last, in whole seconds since 1970.
    pub mtime: i64,
    /// By which whoever reads the files knows the version that was read; 0 of a neighbour's.
    pub mark: u64,
}

impl Row {
    /// As a neighbour tells it.
    #[must_use]
    pub fn told(digests: Digests, mtime: i64) -> Self {
        Self { digests, mtime, mark: 0 }
    }
}

/// The digests of an index's files, as far as they are known. Immutable; a clone shares what it has.
#[derive(Clone, Debug, Default)]
pub struct DigestTable {
    index: Arc<Index>,
    /// By position in the index.
    rows: Rows,
    /// False where nobody told any time.
    has_mtimes: bool,
    /// Positions of those that are known, sorted by BLAKE3, then by name.
    by_blake3: Arc<Vec<u32>>,
    /// The same, sorted by MD5: made when somebody asks by one, for most nodes never do; then also
    /// for the states that come of this one.
    by_md5: Arc<OnceLock<Arc<Vec<u32>>>>,
}

impl DigestTable {
    /// Of an index of whose files nothing is known.
    #[must_use]
    pub fn unknown(index: Arc<Index>) -> Self {
        let rows = Rows::unknown(index.len());
        Self { index, rows, has_mtimes: false, by_blake3: Arc::default(), by_md5: Arc::default() }
    }

    /// Of an index and the digests of its files, in their order; missing ones are unknown.
    #[must_use]
    pub fn new(index: Arc<Index>, digests: Vec<Option<Digests>>) -> Self {
        let mut draft = Self::unknown(index).draft();
        for (position, digests) in digests.into_iter().enumerate().filter(|(_, digests)| digests.is_some()) {
            draft.set(position, digests.map(|digests| Row::told(digests, 0)));
        }
        draft.finish().untimed()
    }

    /// The same with the time of each file, by position: seconds since 1970.
    #[must_use]
    pub fn with_mtimes(mut self, mtimes: Vec<i64>) -> Self {
        for (position, mtime) in mtimes.into_iter().enumerate() {
            let row = self.rows.row(position).map(|row| Row { mtime, ..row });
            self.rows.set(position, row);
        }
        Self { has_mtimes: true, ..self }
    }

    /// The same as if nobody had told any time.
    #[must_use]
    pub fn untimed(self) -> Self {
        Self { has_mtimes: false, ..self }
    }

    /// To change it: the next state, while it is made.
    #[must_use]
    pub fn draft(&self) -> Draft {
        Draft::of(self)
    }

    /// When the file at a position was changed last, as far as that is known: seconds since 1970.
    #[must_use]
    pub fn mtime(&self, position: usize) -> Option<i64> {
        self.get(position).filter(|_| self.has_mtimes).map(|_| self.rows.mtime(position))
    }

    /// All that is known of the file at a position.
    #[must_use]
    pub fn row(&self, position: usize) -> Option<Row> {
        self.rows.row(position)
    }

    /// The index beside which it stands.
    #[must_use]
    pub fn index(&self) -> &Arc<Index> {
        &self.index
    }

    /// The digests of the file at a position of the index.
    #[must_use]
    pub fn get(&self, position: usize) -> Option<&Digests> {
        self.rows.digests(position)
    }

    /// How many are known.
    #[must_use]
    pub fn known(&self) -> usize {
        self.by_blake3.len()
    }

    /// A file of that content, the first by name.
    #[must_use]
    pub fn find(&self, md5: Md5) -> Option<Entry<'_>> {
        self.holders(md5).next().map(|(_, entry)| entry)
    }

    /// All files of that content, by name, each with its position in the index. Whoever asks first
    /// waits until they are sorted so: a tenth of a second for a million.
    pub fn holders(&self, md5: Md5) -> impl Iterator<Item = (usize, Entry<'_>)> {
        let order = self.by_md5.get_or_init(|| order::sorted::<ByMd5>(&self.rows).into());
        let same = order::same::<ByMd5>(order, &self.rows, *md5.digest());
        same.filter_map(|position| Some((position, self.index.get(position)?)))
    }

    /// All files of that content, as its BLAKE3 names it, by name, each with its position.
    pub fn holders_of(&self, blake3: [u8; 32]) -> impl Iterator<Item = (usize, Entry<'_>)> {
        let same = order::same::<ByBlake3>(&self.by_blake3, &self.rows, blake3);
        same.filter_map(|position| Some((position, self.index.get(position)?)))
    }

    /// The same beside another state of the index: what kept its name and size keeps its digests.
    #[must_use]
    pub fn carried_to(&self, index: Arc<Index>) -> Self {
        let edit = Edit::between(&self.index, &index);
        self.carried_by(index, &edit)
    }

    /// The same by the edit that led to that state.
    #[must_use]
    pub fn carried_by(&self, index: Arc<Index>, edit: &Edit) -> Self {
        let moved = |order: &Arc<Vec<u32>>| Arc::new(order::moved(order, edit));
        let by_md5 = self.by_md5.get().map(moved).map(OnceLock::from).unwrap_or_default().into();
        let (rows, has_mtimes) = (self.rows.edited(edit), self.has_mtimes);
        Self { index, rows, has_mtimes, by_blake3: moved(&self.by_blake3), by_md5 }
    }

    /// About what it takes in memory, its index not counted; both orders, though one may be made
    /// only later.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.rows.memory_bytes().saturating_add(size_of_val(&**self.by_blake3).saturating_mul(2))
    }

    /// All whose digests are known, by name.
    pub fn iter(&self) -> impl Iterator<Item = (Entry<'_>, &Digests)> {
        self.rows.iter().filter_map(|(at, digests)| Some((self.index.get(at)?, digests)))
    }

    /// The same by position.
    pub fn known_rows(&self) -> impl Iterator<Item = (usize, &Digests)> {
        self.rows.iter()
    }
}

#[cfg(test)]
mod tests;
