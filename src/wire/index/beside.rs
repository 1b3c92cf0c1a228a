//! One index beside another: which files are in both.
//!
//! Both are sorted. Whoever looks up the few files of one in the many of the other passes over what
//! lies between them by leaps, so that it costs what is few.

use super::{Entry, Index};

impl Index {
    /// The files that are not in the other index with the same size.
    pub fn absent_from<'i>(&'i self, other: &'i Self) -> impl Iterator<Item = Entry<'i>> {
        let absent = self.positions_in(other).enumerate().filter(|(_, there)| there.is_none());
        absent.filter_map(|(position, _)| self.get(position))
    }

    /// For each of its files, in order, where the other index has it with the same size.
    pub fn positions_in<'i>(&'i self, other: &'i Self) -> impl Iterator<Item = Option<usize>> + use<'i> {
        let mut from = 0;
        self.slots.iter().map(move |slot| {
            let found = other.position_behind(from, self.name_bytes(slot));
            from = found.unwrap_or_else(|at| at);
            found.ok().filter(|at| other.size_at(*at) == Some(slot.size_bytes))
        })
    }

    /// The same as a search among the names from a position on, quicker where it is near.
    pub(super) fn position_behind(&self, from: usize, name: &[u8]) -> Result<usize, usize> {
        let rest = self.slots.get(from..).unwrap_or_default();
        let is_before = |leap: usize| rest.get(leap).is_some_and(|slot| self.name_bytes(slot) < name);
        let (mut low, mut leap) = (0_usize, 1_usize);
        while is_before(low.saturating_add(leap).saturating_sub(1)) {
            low = low.saturating_add(leap);
            leap = leap.saturating_mul(2);
        }
        let near = rest.get(low..low.saturating_add(leap).min(rest.len())).unwrap_or_default();
        let found = near.binary_search_by(|slot| self.name_bytes(slot).cmp(name));
        let place = |at: usize| from.saturating_add(low).saturating_add(at);
        found.map(place).map_err(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    type Files = BTreeMap<String, u64>;

    fn index(files: &Files) -> Index {
        Index::from_sorted(files.iter().map(|(name, size)| (name.as_str(), *size)))
    }

    proptest! {
        #[test]
        fn few_files_are_found_among_many_and_many_among_few(
            few in proptest::collection::btree_map("[a-e]{1,3}", 0..3_u64, 0..9),
            many in proptest::collection::btree_map("[a-e]{1,3}", 0..3_u64, 0..200),
        ) {
            for (ours, theirs) in [(&few, &many), (&many, &few), (&many, &many)] {
                let (one, other) = (index(ours), index(theirs));
                let place = |(name, size): (&String, &u64)| {
                    theirs.iter().position(|(known, bytes)| known == name && bytes == size)
                };
                let places: Vec<Option<usize>> = ours.iter().map(place).collect();
                prop_assert_eq!(one.positions_in(&other).collect::<Vec<_>>(), places);
                let absent = ours.iter().filter(|(name, size)| theirs.get(*name) != Some(*size));
                let absent: Vec<&str> = absent.map(|(name, _)| name.as_str()).collect();
                prop_assert_eq!(one.absent_from(&other).map(|entry| entry.name).collect::<Vec<_>>(), absent);
            }
        }
    }
}
