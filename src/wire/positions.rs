//! A set of positions in an index: a bit for each file, so that a million of them take 125 kB.

/// Positions, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Positions {
    words: Vec<u64>,
    len: usize,
    /// Before this word there is none.
    first: usize,
}

impl Positions {
    /// All below `end`.
    #[must_use]
    pub fn below(end: usize) -> Self {
        let mut words = vec![u64::MAX; end.div_ceil(64)];
        if let (Some(last), 1..) = (words.last_mut(), end % 64) {
            *last = (1 << (end % 64)) - 1;
        }
        Self { words, len: end, first: 0 }
    }

    /// Adds one; false if it was there.
    pub fn insert(&mut self, position: usize) -> bool {
        let (at, bit) = place(position);
        if at >= self.words.len() {
            self.words.resize(at.saturating_add(1), 0);
        }
        let Some(word) = self.words.get_mut(at).filter(|word| **word & bit == 0) else { return false };
        *word |= bit;
        self.len = self.len.saturating_add(1);
        self.first = self.first.min(at);
        true
    }

    /// Takes one out; false if it was not there.
    pub fn remove(&mut self, position: usize) -> bool {
        let (at, bit) = place(position);
        let Some(word) = self.words.get_mut(at).filter(|word| **word & bit != 0) else { return false };
        *word &= !bit;
        self.len = self.len.saturating_sub(1);
        // Whoever takes one after the other finds each next one at once.
        while self.words.get(self.first).is_some_and(|word| *word == 0) {
            self.first = self.first.saturating_add(1);
        }
        true
    }

    /// Whether it is among them.
    #[must_use]
    pub fn contains(&self, position: usize) -> bool {
        let (at, bit) = place(position);
        self.words.get(at).is_some_and(|word| word & bit != 0)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The first.
    #[must_use]
    pub fn first(&self) -> Option<usize> {
        self.iter().next()
    }

    /// Takes the first out.
    pub fn pop_first(&mut self) -> Option<usize> {
        let first = self.first()?;
        self.remove(first);
        Some(first)
    }

    /// All of them, rising.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.words.iter().enumerate().skip(self.first).flat_map(|(at, word)| {
            let bits = std::iter::successors(Some(*word), |word| Some(word & word.saturating_sub(1)));
            let bits = bits.take_while(|word| *word != 0);
            bits.map(move |word| at.saturating_mul(64).saturating_add(word.trailing_zeros() as usize))
        })
    }
}

impl FromIterator<usize> for Positions {
    fn from_iter<I: IntoIterator<Item = usize>>(positions: I) -> Self {
        let mut all = Self::default();
        for position in positions {
            all.insert(position);
        }
        all
    }
}

/// The word of a position, and its bit there.
fn place(position: usize) -> (usize, u64) {
    (position / 64, 1 << (position % 64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn all_below_a_position_are_that_many() {
        for end in [0, 1, 63, 64, 65, 200] {
            let all = Positions::below(end);
            assert_eq!((all.len(), all.iter().count(), all.contains(end)), (end, end, false), "{end}");
            assert_eq!(all.iter().last(), end.checked_sub(1), "{end}");
        }
    }

    proptest! {
        #[test]
        fn positions_are_a_set_in_order(steps in proptest::collection::vec((0_u8..4, 0_usize..200), 0..100)) {
            let (mut bits, mut plain) = (Positions::default(), BTreeSet::new());
            for (step, position) in steps {
                match step {
                    0 | 1 => prop_assert_eq!(bits.insert(position), plain.insert(position)),
                    2 => prop_assert_eq!(bits.remove(position), plain.remove(&position)),
                    _ => prop_assert_eq!(bits.pop_first(), plain.pop_first()),
                }
                prop_assert_eq!((bits.len(), bits.first()), (plain.len(), plain.first().copied()));
                prop_assert_eq!(bits.contains(position), plain.contains(&position));
            }
            prop_assert!(bits.iter().eq(plain.iter().copied()));
            prop_assert!(bits.iter().eq(plain.into_iter().collect::<Positions>().iter()));
        }
    }
}
