//! A block of rows: what is known of files that stand one behind another in an index.
//!
//! Columns, so that what nobody told takes no memory: a block of which nothing is known takes none
//! but its own few words. A row takes 60 bytes and a bit: both digests, the time in four bytes
//! beside one that the block's files share, and the mark of whoever reads the files.

use std::ops::Range;

use super::{Digests, Row};
use crate::wire::napster::Md5;

/// A block's times are counted from this much before the first of them that is told: 68 years.
const TIMES_FROM: i64 = 1 << 31;

/// Rows by place in the block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Block {
    len: usize,
    /// None at all while nothing is known; of an unknown file they mean nothing, nor do its time and
    /// mark.
    digests: Vec<Digests>,
    /// A bit for each file.
    known: Vec<u64>,
    times: Times,
    /// None at all while all are 0.
    marks: Vec<u64>,
}

/// Times in whole seconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Times {
    /// All are 0.
    #[default]
    Zero,
    /// Within 136 years.
    Near { base: i64, after: Vec<u32> },
    /// Anything.
    Far(Vec<i64>),
}

impl Block {
    /// So many files of which nothing is known.
    pub(super) fn unknown(len: usize) -> Self {
        Self { len, ..Self::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn digests(&self, place: usize) -> Option<&Digests> {
        self.digests.get(place).filter(|_| self.is_known(place))
    }

    pub(super) fn mtime(&self, place: usize) -> i64 {
        self.times.get(place)
    }

    pub(super) fn mark(&self, place: usize) -> u64 {
        self.marks.get(place).copied().unwrap_or_default()
    }

    pub(super) fn row(&self, place: usize) -> Option<Row> {
        let digests = *self.digests(place)?;
        Some(Row { digests, mtime: self.mtime(place), mark: self.mark(place) })
    }

    /// How many are known.
    #[cfg(test)]
    pub(super) fn known(&self) -> usize {
        self.known.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub(super) fn set(&mut self, place: usize, row: Option<Row>) {
        if place >= self.len {
            return;
        }
        if self.digests.is_empty() && row.is_some() {
            self.digests = vec![Digests { md5: Md5::new([0; 16]), blake3: [0; 32] }; self.len];
            self.known = vec![0; self.len.div_ceil(64)];
        }
        let Some(word) = self.known.get_mut(place / 64) else { return };
        let bit = 1_u64 << (place % 64);
        let Some(row) = row else {
            *word &= !bit;
            return;
        };
        *word |= bit;
        if let Some(digests) = self.digests.get_mut(place) {
            *digests = row.digests;
        }
        self.times.set(place, row.mtime, self.len);
        if self.marks.is_empty() && row.mark != 0 {
            self.marks = vec![0; self.len];
        }
        if let Some(mark) = self.marks.get_mut(place) {
            *mark = row.mark;
        }
    }

    /// Of pieces of blocks, one behind the other.
    pub(super) fn of(pieces: &[(&Self, Range<usize>)]) -> Self {
        let len = pieces.iter().map(|(_, places)| places.len()).sum();
        let mut whole = Self::unknown(len);
        let mut first = 0_usize;
        for (piece, places) in pieces {
            for (to, from) in (first..).zip(places.clone()) {
                if let Some(row) = piece.row(from) {
                    whole.set(to, Some(row));
                }
            }
            first = first.saturating_add(places.len());
        }
        whole
    }

    /// What it takes in memory.
    pub(super) fn memory_bytes(&self) -> usize {
        let columns = [size_of_val(&*self.digests), size_of_val(&*self.known), size_of_val(&*self.marks)];
        columns.into_iter().fold(self.times.memory_bytes(), usize::saturating_add)
    }

    fn is_known(&self, place: usize) -> bool {
        self.known.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
    }
}

impl Times {
    fn get(&self, place: usize) -> i64 {
        match self {
            Self::Zero => 0,
            Self::Near { base, after } => {
                base.saturating_add(after.get(place).copied().map(i64::from).unwrap_or_default())
            }
            Self::Far(times) => times.get(place).copied().unwrap_or_default(),
        }
    }

    fn set(&mut self, place: usize, time: i64, len: usize) {
        if matches!(self, Self::Zero) {
            if time == 0 {
                return;
            }
            let base = time.saturating_sub(TIMES_FROM);
            // What was told before was 0.
            *self = match after(base, 0) {
                Some(zero) => Self::Near { base, after: vec![zero; len] },
                None => Self::Far(vec![0; len]),
            };
        }
        if let Self::Near { base, after: times } = self {
            match after(*base, time) {
                Some(time) => return times.iter_mut().skip(place).take(1).for_each(|place| *place = time),
                None => *self = Self::Far((0..len).map(|place| self.get(place)).collect()),
            }
        }
        if let Self::Far(times) = self
            && let Some(place) = times.get_mut(place)
        {
            *place = time;
        }
    }

    fn memory_bytes(&self) -> usize {
        match self {
            Self::Zero => 0,
            Self::Near { after, .. } => size_of_val(&**after),
            Self::Far(times) => size_of_val(&**times),
        }
    }
}

/// How long after `base` a time is, if that fits.
fn after(base: i64, time: i64) -> Option<u32> {
    time.checked_sub(base).and_then(|after| u32::try_from(after).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(byte: u8, mtime: i64, mark: u64) -> Row {
        Row { digests: Digests { md5: Md5::new([byte; 16]), blake3: [byte; 32] }, mtime, mark }
    }

    #[test]
    fn any_time_is_kept_as_it_was_told() {
        const NOW: i64 = 1_800_000_000;
        for (times, bytes, why) in [
            (&[0, 0][..], 0, "none told"),
            (&[NOW, NOW + 100_000][..], 4, "of today"),
            (&[0, NOW, 0][..], 4, "some are told as 0"),
            (&[NOW, -NOW][..], 8, "another century"),
            (&[i64::MAX, i64::MIN, 0, NOW][..], 8, "anything"),
            (&[i64::MIN, 0][..], 8, "anything, the least first"),
        ] {
            let mut block = Block::unknown(times.len());
            for (place, time) in times.iter().enumerate() {
                block.set(place, Some(row(1, *time, 0)));
            }
            let kept: Vec<i64> = (0..times.len()).map(|place| block.mtime(place)).collect();
            assert_eq!((&*kept, block.times.memory_bytes()), (times, bytes * times.len()), "{why}");
        }
    }

    #[test]
    fn a_block_of_pieces_holds_their_rows() {
        let (mut one, mut other) = (Block::unknown(3), Block::unknown(2));
        one.set(1, Some(row(1, 5, 7)));
        one.set(2, Some(row(2, 6, 8)));
        one.set(2, None);
        other.set(0, Some(row(3, 7, 9)));
        other.set(9, Some(row(4, 1, 1)));
        let unknown = Block::unknown(100);
        let whole = Block::of(&[(&one, 1..3), (&unknown, 0..70), (&other, 0..1)]);
        assert_eq!((whole.len(), whole.known(), one.known()), (73, 2, 1));
        let rows: Vec<(usize, Row)> = (0..73).filter_map(|place| Some((place, whole.row(place)?))).collect();
        assert_eq!(rows, [(0, row(1, 5, 7)), (72, row(3, 7, 9))]);
        assert_eq!(Block::of(&[(&unknown, 0..100)]).memory_bytes(), 0);
    }
}
