//! What names the content of files: MD5, by which Napster peers ask, and BLAKE3.
//!
//! A [`DigestTable`] stands beside an [`Index`]: ours as far as our files were read, a neighbour's
//! as far as its manifest tells. With each goes the time of the version that was read.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::index::Entry;
use super::napster::Md5;
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

/// What becomes of one file: its digests and time, or that they are void.
pub type Change = Option<(Digests, i64)>;

/// The digests of an index's files, as far as they are known. Immutable.
#[derive(Clone, Debug, Default)]
pub struct DigestTable {
    index: Arc<Index>,
    /// By position in the index; none at all while none is known.
    digests: Box<[Option<Digests>]>,
    /// When each was changed last, in whole seconds since 1970; none at all where nobody told.
    mtimes: Box<[i64]>,
    /// Positions of those that are known, sorted by MD5, then by name.
    by_md5: Box<[u32]>,
    /// The same, sorted by BLAKE3, then by name.
    by_blake3: Box<[u32]>,
}

impl DigestTable {
    /// Of an index and the digests of its files, in their order; missing ones are unknown.
    #[must_use]
    pub fn new(index: Arc<Index>, digests: Vec<Option<Digests>>) -> Self {
        let mut digests = digests;
        digests.resize(index.len(), None);
        let known = (0_u32..).zip(&digests).filter_map(|(position, digests)| Some((digests.as_ref()?.md5, position)));
        let mut by_md5: Vec<(Md5, u32)> = known.collect();
        by_md5.sort_unstable();
        let by_md5: Box<[u32]> = by_md5.into_iter().map(|(_, position)| position).collect();
        let by_blake3 = sorted_by_blake3(&digests);
        let digests = if by_md5.is_empty() { Box::default() } else { digests.into() };
        Self { index, digests, mtimes: Box::default(), by_md5, by_blake3 }
    }

    /// The same with the time of each file, by position: seconds since 1970.
    #[must_use]
    pub fn with_mtimes(self, mtimes: Vec<i64>) -> Self {
        let mut mtimes = mtimes;
        mtimes.resize(self.digests.len(), 0);
        Self { mtimes: mtimes.into(), ..self }
    }

    /// When the file at a position was changed last, as far as that is known: seconds since 1970.
    #[must_use]
    pub fn mtime(&self, position: usize) -> Option<i64> {
        self.get(position).and_then(|_| self.mtimes.get(position)).copied()
    }

    /// The index beside which it stands.
    #[must_use]
    pub fn index(&self) -> &Arc<Index> {
        &self.index
    }

    /// The digests of the file at a position of the index.
    #[must_use]
    pub fn get(&self, position: usize) -> Option<&Digests> {
        self.digests.get(position)?.as_ref()
    }

    /// How many are known.
    #[must_use]
    pub fn known(&self) -> usize {
        self.by_md5.len()
    }

    /// A file of that content, the first by name.
    #[must_use]
    pub fn find(&self, md5: Md5) -> Option<Entry<'_>> {
        self.holders(md5).next().map(|(_, entry)| entry)
    }

    /// All files of that content, by name, each with its position in the index.
    pub fn holders(&self, md5: Md5) -> impl Iterator<Item = (usize, Entry<'_>)> {
        let first = self.by_md5.partition_point(|position| self.md5_at(*position) < Some(md5));
        let from_there = self.by_md5.get(first..).unwrap_or_default().iter();
        let same = from_there.take_while(move |position| self.md5_at(**position) == Some(md5));
        same.filter_map(|position| Some((*position as usize, self.index.get(*position as usize)?)))
    }

    /// All files of that content, as its BLAKE3 names it, by name, each with its position.
    pub fn holders_of(&self, blake3: [u8; 32]) -> impl Iterator<Item = (usize, Entry<'_>)> {
        let first = self.by_blake3.partition_point(|position| self.blake3_at(*position) < Some(blake3));
        let from_there = self.by_blake3.get(first..).unwrap_or_default().iter();
        let same = from_there.take_while(move |position| self.blake3_at(**position) == Some(blake3));
        same.filter_map(|position| Some((*position as usize, self.index.get(*position as usize)?)))
    }

    /// The same beside another state of the index: what kept its name and size keeps its digests.
    #[must_use]
    pub fn carried_to(&self, index: Arc<Index>) -> Self {
        let (mut digests, mut mtimes) = (Vec::with_capacity(index.len()), Vec::new());
        for position in index.positions_in(&self.index) {
            digests.push(position.and_then(|position| self.get(position)).copied());
            if !self.mtimes.is_empty() {
                let mtime = position.and_then(|position| self.mtimes.get(position));
                mtimes.push(mtime.copied().unwrap_or_default());
            }
        }
        let carried = Self::new(index, digests);
        if self.mtimes.is_empty() { carried } else { carried.with_mtimes(mtimes) }
    }

    /// The same with other digests at some positions.
    #[must_use]
    pub fn changed_by(&self, changes: &BTreeMap<usize, Change>) -> Self {
        let (mut digests, mut mtimes) = (self.digests.to_vec(), self.mtimes.to_vec());
        digests.resize(self.index.len(), None);
        mtimes.resize(self.index.len(), 0);
        for (position, change) in changes {
            if let (Some(digests), Some(mtime)) = (digests.get_mut(*position), mtimes.get_mut(*position)) {
                *digests = change.map(|(digests, _)| digests);
                *mtime = change.map(|(_, mtime)| mtime).unwrap_or_default();
            }
        }
        let by_md5 = self.order_after(&self.by_md5, |digests| digests.md5, changes);
        if by_md5.is_empty() {
            return Self::new(self.index.clone(), Vec::new());
        }
        let by_blake3 = self.order_after(&self.by_blake3, |digests| digests.blake3, changes);
        Self { index: self.index.clone(), digests: digests.into(), mtimes: mtimes.into(), by_md5, by_blake3 }
    }

    /// One of the two orders, by that key, after some changes: what stays is copied between those
    /// places where something comes or goes. Sorting anew would cost what there is, not what changed.
    fn order_after<K: Copy + Ord>(
        &self,
        order: &[u32],
        key: impl Fn(&Digests) -> K,
        changes: &BTreeMap<usize, Change>,
    ) -> Box<[u32]> {
        let key_at = |at: u32| self.get(at as usize).map(&key);
        let rank = |key: K, at: u32| order.partition_point(|other| (key_at(*other), *other) < (Some(key), at));
        let inside = changes.iter().filter(|(at, _)| **at < self.index.len());
        let inside = inside.filter_map(|(at, change)| Some((u32::try_from(*at).ok()?, change)));
        let (mut come, mut go) = (Vec::new(), Vec::new());
        for (at, change) in inside {
            let came = change.map(|(digests, _)| key(&digests));
            come.extend(came.map(|key| (rank(key, at), key, at)));
            go.extend(key_at(at).map(|key| rank(key, at)));
        }
        come.sort_unstable();
        // What comes stands before what stood at that place.
        let mut edits: Vec<(usize, Option<u32>)> = come.into_iter().map(|(rank, _, at)| (rank, Some(at))).collect();
        edits.extend(go.into_iter().map(|rank| (rank, None)));
        edits.sort_by_key(|(rank, came)| (*rank, came.is_none()));
        let (mut merged, mut copied) = (Vec::with_capacity(order.len().saturating_add(edits.len())), 0);
        for (rank, came) in edits {
            merged.extend_from_slice(order.get(copied..rank).unwrap_or_default());
            merged.extend(came);
            copied = rank.saturating_add(usize::from(came.is_none()));
        }
        merged.extend_from_slice(order.get(copied..).unwrap_or_default());
        merged.into()
    }

    /// About what it takes in memory, its index not counted.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let tables = [size_of_val(&*self.digests), size_of_val(&*self.by_md5), size_of_val(&*self.by_blake3)];
        tables.into_iter().fold(size_of_val(&*self.mtimes), usize::saturating_add)
    }

    /// All whose digests are known, by name.
    pub fn iter(&self) -> impl Iterator<Item = (Entry<'_>, &Digests)> {
        (0..self.index.len()).filter_map(|at| Some((self.index.get(at)?, self.get(at)?)))
    }

    fn md5_at(&self, position: u32) -> Option<Md5> {
        self.get(position as usize).map(|digests| digests.md5)
    }

    fn blake3_at(&self, position: u32) -> Option<[u8; 32]> {
        self.get(position as usize).map(|digests| digests.blake3)
    }
}

/// Sorted by the first eight bytes, which nearly always tell: a million whole digests would take
/// long to move, and as long to look up again and again.
fn sorted_by_blake3(digests: &[Option<Digests>]) -> Box<[u32]> {
    let whole = |position: u32| digests.get(position as usize)?.as_ref().map(|digests| digests.blake3);
    let first = |digests: &Digests| digests.blake3.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    let known = (0_u32..).zip(digests).filter_map(|(position, digests)| Some((first(digests.as_ref()?), position)));
    let mut sorted: Vec<(u64, u32)> = known.collect();
    sorted.sort_unstable_by(|(one, at), (other, place)| {
        one.cmp(other).then_with(|| whole(*at).cmp(&whole(*place))).then_with(|| at.cmp(place))
    });
    sorted.into_iter().map(|(_, position)| position).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn digests(byte: u8) -> Option<Digests> {
        Some(Digests { md5: Md5::new([byte; 16]), blake3: [byte; 32] })
    }

    #[test]
    fn files_are_found_by_what_they_hold() {
        let index = Arc::new(Index::parse(b"a,1\nb,2\nc,3\nd,3\n").unwrap().0);
        let table = DigestTable::new(index, vec![digests(7), None, digests(3), digests(3)]);
        assert_eq!(table.find(Md5::new([3; 16])).unwrap().name, "c");
        assert_eq!(table.find(Md5::new([7; 16])).unwrap().name, "a");
        assert!(table.find(Md5::new([4; 16])).is_none() && table.find(Md5::new([9; 16])).is_none());
        assert_eq!((table.known(), table.get(1), table.get(0)), (3, None, digests(7).as_ref()));
        assert_eq!(table.holders(Md5::new([3; 16])).map(|(at, _)| at).collect::<Vec<_>>(), [2, 3]);
        let of = |blake3| table.holders_of(blake3).map(|(at, entry)| (at, entry.name)).collect::<Vec<_>>();
        assert_eq!((of([3; 32]), of([7; 32])), (vec![(2, "c"), (3, "d")], vec![(0, "a")]));
        assert_eq!((of([4; 32]), of([0; 32]), of([255; 32])), (vec![], vec![], vec![]));
        assert_eq!(table.iter().map(|(entry, _)| entry.name).collect::<Vec<_>>(), ["a", "c", "d"]);
    }

    #[test]
    fn contents_whose_names_begin_alike_are_told_apart() {
        let index = Arc::new(Index::parse(b"a,1\nb,2\nc,3\n").unwrap().0);
        let of = |last: u8| {
            let mut blake3 = [7; 32];
            blake3[31] = last;
            blake3
        };
        let digests = [3, 1, 2].map(|last| Some(Digests { md5: Md5::new([last; 16]), blake3: of(last) }));
        let table = DigestTable::new(index, digests.to_vec());
        for (last, at) in [(1, 1), (2, 2), (3, 0)] {
            assert_eq!(table.holders_of(of(last)).map(|(at, _)| at).collect::<Vec<_>>(), [at]);
        }
    }

    #[test]
    fn what_kept_its_name_and_size_keeps_its_digests() {
        let index = |text: &str| Arc::new(Index::parse(text.as_bytes()).unwrap().0);
        let table = DigestTable::new(index("a,1\nb,2\nc,3\n"), vec![digests(1), digests(2), digests(3)]);
        let table = table.with_mtimes(vec![10, 20, -30]);
        let carried = table.carried_to(index("0,9\na,1\nb,7\nc,3\n"));
        assert_eq!(carried.known(), 2);
        assert_eq!((carried.get(1), carried.get(2), carried.get(3)), (table.get(0), None, table.get(2)));
        assert_eq!((carried.mtime(1), carried.mtime(2), carried.mtime(3)), (Some(10), None, Some(-30)));
        assert_eq!(carried.find(Md5::new([3; 16])).unwrap().name, "c");
    }

    #[test]
    fn what_nobody_read_yet_is_unknown() {
        let index = Arc::new(Index::parse(b"a,1\n").unwrap().0);
        let table = DigestTable::new(index, Vec::new());
        assert_eq!((table.known(), table.get(0), table.iter().count(), table.memory_bytes()), (0, None, 0, 0));
    }

    proptest! {
        #[test]
        fn a_changed_table_is_the_one_that_is_made_anew(
            before in proptest::collection::vec(proptest::option::of((0_u8..6, any::<i64>())), 0..30),
            changes in proptest::collection::btree_map(0_usize..34, proptest::option::of((0_u8..6, any::<i64>())), 0..20),
        ) {
            let text: String = (0..before.len()).map(|at| format!("{at:02},1\n")).collect();
            let index = Arc::new(Index::parse(text.as_bytes()).unwrap().0);
            // The two orders are not alike.
            let digests = |byte: u8| digests(byte).map(|of| Digests { blake3: [byte * 5 % 7; 32], ..of });
            let table = |rows: &[Option<(u8, i64)>]| {
                let of = rows.iter().map(|row| row.and_then(|(byte, _)| digests(byte))).collect();
                DigestTable::new(index.clone(), of).with_mtimes(rows.iter().map(|row| row.map_or(0, |(_, mtime)| mtime)).collect())
            };
            let mut after = before.clone();
            for (at, change) in &changes {
                if let Some(row) = after.get_mut(*at) { *row = *change; }
            }
            let changes = changes.into_iter().map(|(at, row)| (at, row.map(|(byte, mtime)| (digests(byte).unwrap(), mtime))));
            let (changed, anew) = (table(&before).changed_by(&changes.collect()), table(&after));
            prop_assert_eq!(changed.by_md5, anew.by_md5);
            prop_assert_eq!(changed.by_blake3, anew.by_blake3);
            prop_assert_eq!(changed.digests, anew.digests);
            prop_assert_eq!(changed.mtimes, anew.mtimes);
        }
    }
}
