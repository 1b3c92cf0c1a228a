//! Which pieces of a content: a bit for each, and on the wire ranges (`0-4,7`), as
//! `docs/PROTOCOL.md`, section 6, has them.

use std::fmt;
use std::ops::{Range, RangeInclusive};

use super::pieces::PIECES_MAX;

const BITS: u64 = u64::BITS as u64;

/// Some of the pieces of a content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PieceSet {
    words: Vec<u64>,
    /// How many pieces the content has.
    pieces: u64,
    len: u64,
}

/// Why a text names no pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PieceSetError {
    /// Not `first-last` or `piece`, each behind the one before, divided by commas.
    #[error("pieces are named as ranges in order, like 0-4,7")]
    Syntax,
    /// There is no such piece.
    #[error("the content has no such piece")]
    Beyond,
}

impl PieceSet {
    /// None of so many pieces, of which there are at most [`PIECES_MAX`].
    #[must_use]
    pub fn none(pieces: u64) -> Self {
        let pieces = pieces.min(PIECES_MAX);
        let words = usize::try_from(pieces.div_ceil(BITS)).unwrap_or(0);
        Self { words: vec![0; words], pieces, len: 0 }
    }

    /// All of so many pieces.
    #[must_use]
    pub fn all(pieces: u64) -> Self {
        let mut set = Self::none(pieces);
        if let Some(last) = set.pieces.checked_sub(1) {
            set.insert_range(0..=last);
        }
        set
    }

    /// Reads ranges; no text, no pieces.
    ///
    /// # Errors
    /// [`PieceSetError`].
    pub fn parse(text: &str, pieces: u64) -> Result<Self, PieceSetError> {
        let mut set = Self::none(pieces);
        let mut behind = 0;
        for range in text.split(',').filter(|_| !text.is_empty()) {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let (first, last) = (number(first)?, number(last)?);
            // In order, so that reading costs no more than the content has pieces.
            if first < behind || first > last {
                return Err(PieceSetError::Syntax);
            }
            if last >= set.pieces {
                return Err(PieceSetError::Beyond);
            }
            set.insert_range(first..=last);
            behind = last.saturating_add(1);
        }
        Ok(set)
    }

    /// How many pieces the content has.
    #[must_use]
    pub fn pieces(&self) -> u64 {
        self.pieces
    }

    /// How many are in the set.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether all are.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.len == self.pieces
    }

    /// Whether that piece is.
    #[must_use]
    pub fn contains(&self, piece: u64) -> bool {
        self.word(piece).is_some_and(|word| word & bit(piece) != 0)
    }

    /// Puts a piece in; false if it was in, or there is no such piece.
    pub fn insert(&mut self, piece: u64) -> bool {
        if piece >= self.pieces || self.contains(piece) {
            return false;
        }
        if let Some(word) = self.word_mut(piece) {
            *word |= bit(piece);
            self.len = self.len.saturating_add(1);
        }
        true
    }

    /// Takes a piece out; false if it was not in.
    pub fn remove(&mut self, piece: u64) -> bool {
        if !self.contains(piece) {
            return false;
        }
        if let Some(word) = self.word_mut(piece) {
            *word &= !bit(piece);
            self.len = self.len.saturating_sub(1);
        }
        true
    }

    /// Puts all of another set of the same content in.
    pub fn insert_all(&mut self, other: &Self) {
        if self.pieces != other.pieces {
            return other.ranges().for_each(|range| self.insert_range(range));
        }
        for (word, theirs) in self.words.iter_mut().zip(&other.words) {
            self.len = self.len.saturating_add(u64::from((theirs & !*word).count_ones()));
            *word |= theirs;
        }
    }

    /// Takes out what is in another set of the same content.
    pub fn remove_all(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= !other);
        self.len = self.words.iter().map(|word| u64::from(word.count_ones())).sum();
    }

    /// Takes out what is not in another set of the same content.
    pub fn keep(&mut self, other: &Self) {
        let others = other.words.iter().chain(std::iter::repeat(&0));
        self.words.iter_mut().zip(others).for_each(|(word, other)| *word &= other);
        self.len = self.words.iter().map(|word| u64::from(word.count_ones())).sum();
    }

    /// The pieces in order.
    pub fn iter(&self) -> impl Iterator<Item = u64> {
        self.words.iter().zip(0_u64..).flat_map(|(word, at)| Bits { word: *word, first: at.saturating_mul(BITS) })
    }

    /// The pieces that are in another set too, in order from that one to the end, then from the
    /// first on to it: each once.
    pub fn shared_from(&self, other: &Self, first: u64) -> impl Iterator<Item = u64> {
        let (at, below) = (first / BITS, bit(first).wrapping_sub(1));
        // The word that holds the first is looked at twice: its upper part, at the end its lower.
        let behind = self.shared_words(other, at..u64::MAX).zip([!below].into_iter().chain(std::iter::repeat(!0)));
        let before = self.shared_words(other, 0..at).zip(std::iter::repeat(!0));
        let rest = self.shared_words(other, at..at.saturating_add(1)).zip(std::iter::once(below));
        behind.chain(before).chain(rest).flat_map(|((first, word), mask)| Bits { word: word & mask, first })
    }

    /// Words of both sets, and the first piece of each.
    fn shared_words(&self, other: &Self, at: Range<u64>) -> impl Iterator<Item = (u64, u64)> {
        let index = |at| usize::try_from(at).unwrap_or(usize::MAX).min(self.words.len());
        let (start, end) = (index(at.start), index(at.end));
        let both = self.words.get(start..end).unwrap_or_default().iter();
        let others = other.words.get(start..).unwrap_or_default().iter();
        both.zip(others).zip(at.start..).map(|((one, other), at)| (at.saturating_mul(BITS), one & other))
    }

    /// The pieces as ranges, in order.
    pub fn ranges(&self) -> impl Iterator<Item = RangeInclusive<u64>> {
        let mut rest = self.iter().peekable();
        std::iter::from_fn(move || {
            let first = rest.next()?;
            let mut last = first;
            while let Some(next) = rest.next_if_eq(&last.saturating_add(1)) {
                last = next;
            }
            Some(first..=last)
        })
    }

    /// Puts a run of pieces in; those that the content has.
    pub fn insert_range(&mut self, run: RangeInclusive<u64>) {
        let (mut first, last) = (*run.start(), (*run.end()).min(self.pieces.saturating_sub(1)));
        while first <= last && first < self.pieces {
            let end = (first | (BITS - 1)).min(last);
            let bits = (!0 >> (BITS - 1 - end % BITS)) & !bit(first).wrapping_sub(1);
            if let Some(word) = self.word_mut(first) {
                let added = bits & !*word;
                *word |= bits;
                self.len = self.len.saturating_add(added.count_ones().into());
            }
            first = end.saturating_add(1);
        }
    }

    fn word(&self, piece: u64) -> Option<u64> {
        self.words.get(usize::try_from(piece / BITS).ok()?).copied()
    }

    fn word_mut(&mut self, piece: u64) -> Option<&mut u64> {
        self.words.get_mut(usize::try_from(piece / BITS).ok()?)
    }
}

impl fmt::Display for PieceSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, range) in self.ranges().enumerate() {
            let (first, last) = range.into_inner();
            let comma = if at == 0 { "" } else { "," };
            match first == last {
                true => write!(f, "{comma}{first}")?,
                false => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

/// The bits of one word as pieces.
struct Bits {
    word: u64,
    first: u64,
}

impl Iterator for Bits {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let lowest = (self.word != 0).then(|| u64::from(self.word.trailing_zeros()))?;
        self.word &= self.word.wrapping_sub(1);
        Some(self.first.saturating_add(lowest))
    }
}

fn bit(piece: u64) -> u64 {
    1 << (piece % BITS)
}

/// Digits alone: no sign, no blank.
fn number(text: &str) -> Result<u64, PieceSetError> {
    let is_number = !text.is_empty() && text.len() <= 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().map_err(|_| PieceSetError::Syntax) } else { Err(PieceSetError::Syntax) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_are_read_as_they_are_written() {
        for text in ["", "0", "0-4", "0-4,7", "1,3,5", "0-99", "63-64,99"] {
            assert_eq!(PieceSet::parse(text, 100).unwrap().to_string(), text);
        }
        assert_eq!(PieceSet::all(100).to_string(), "0-99");
        assert!(PieceSet::all(0).is_all() && PieceSet::all(0).is_empty());
    }

    #[test]
    fn what_names_no_pieces_is_refused() {
        for text in
            [",", "0,", "-", "1-", "-1", "4-3", "a", "+1", " 1", "1 ", "0-1-2", "18446744073709551616", "7,0", "0-3,3"]
        {
            assert_eq!(PieceSet::parse(text, 100), Err(PieceSetError::Syntax), "{text}");
        }
        for text in ["100", "0-100", "4294967295"] {
            assert_eq!(PieceSet::parse(text, 100), Err(PieceSetError::Beyond), "{text}");
        }
        assert_eq!(PieceSet::parse("0", 0), Err(PieceSetError::Beyond));
    }

    proptest! {
        #[test]
        fn a_set_is_what_was_put_in(pieces in proptest::collection::vec(0..300_u64, 0..400), removed in 0..300_u64) {
            let mut set = PieceSet::none(300);
            let mut expected = std::collections::BTreeSet::new();
            for piece in pieces {
                prop_assert_eq!(set.insert(piece), expected.insert(piece));
            }
            prop_assert_eq!(set.remove(removed), expected.remove(&removed));
            prop_assert!(set.iter().eq(expected.iter().copied()));
            prop_assert_eq!(set.len(), expected.len() as u64);
            let mut kept = set.clone();
            kept.keep(&PieceSet::parse("10-20,64-127", 300).unwrap());
            let expected = expected.iter().copied().filter(|piece| (10..=20).contains(piece) || (64..=127).contains(piece));
            prop_assert!(kept.iter().eq(expected.clone()) && kept.len() == expected.count() as u64);
            prop_assert_eq!(PieceSet::parse(&set.to_string(), 300).unwrap(), set);
        }

        #[test]
        fn a_run_is_put_in_as_its_pieces(start in 0..320_u64, length in 0..200_u64, before in 0..300_u64) {
            let (mut at_once, mut singly) = (PieceSet::none(300), PieceSet::none(300));
            for set in [&mut at_once, &mut singly] {
                set.insert(before);
            }
            at_once.insert_range(start..=start + length);
            (start..=start + length).for_each(|piece| _ = singly.insert(piece));
            prop_assert_eq!(at_once, singly);
        }

        #[test]
        fn what_two_sets_share_is_told_once_from_anywhere(
            one in proptest::collection::btree_set(0..300_u64, 0..200),
            other in proptest::collection::btree_set(0..300_u64, 0..200),
            first in 0..400_u64,
        ) {
            let set = |pieces: &std::collections::BTreeSet<u64>| {
                let mut set = PieceSet::none(300);
                pieces.iter().for_each(|piece| _ = set.insert(*piece));
                set
            };
            let shared: Vec<u64> = one.intersection(&other).copied().collect();
            let (before, behind): (Vec<_>, Vec<_>) = shared.into_iter().partition(|piece| *piece < first);
            let expected = [behind, before].concat();
            prop_assert_eq!(set(&one).shared_from(&set(&other), first).collect::<Vec<_>>(), expected);
        }
    }
}
