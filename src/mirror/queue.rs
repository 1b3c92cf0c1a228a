//! The wants that are not begun, in the order of the plan, and how many of them each neighbour
//! could give: who could give none need not be looked for in a long queue.

use std::collections::{HashMap, HashSet, VecDeque};

use uuid::Uuid;

use super::plan::Want;

/// Wants of others that are looked past for more of one neighbour.
const LOOKED_PAST_MAX: usize = 256;

/// Wants that wait.
#[derive(Debug, Default)]
pub struct Queue {
    wants: VecDeque<Want>,
    bytes: u64,
    by_source: HashMap<Uuid, usize>,
    /// Where the last one was taken.
    taken_at: usize,
}

impl Queue {
    /// Of these, in their order.
    #[must_use]
    pub fn of(wants: impl Iterator<Item = Want>) -> Self {
        let mut queue = Self { wants: wants.collect(), ..Self::default() };
        queue.count();
        queue
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.wants.len()
    }

    /// Their bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// All of them, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Want> {
        self.wants.iter()
    }

    /// True when none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.wants.is_empty()
    }

    /// Those of `neighbours` that could give something.
    #[must_use]
    pub fn able(&self, neighbours: impl Iterator<Item = Uuid>) -> HashSet<Uuid> {
        neighbours.filter(|uuid| self.by_source.get(uuid).is_some_and(|wants| *wants > 0)).collect()
    }

    /// Takes the first want for which `choose` names a neighbour, with that neighbour.
    pub fn take_first(&mut self, mut choose: impl FnMut(&Want) -> Option<Uuid>) -> Option<(Want, Uuid)> {
        let (position, uuid) =
            self.wants.iter().enumerate().find_map(|(position, want)| Some((position, choose(want)?)))?;
        let want = self.wants.remove(position)?;
        self.took(&want);
        self.taken_at = position;
        Some((want, uuid))
    }

    /// Takes up to so many more that fit, all from one neighbour, and so many bytes at most: of those
    /// behind the one that was taken last, for who could not give what stands before it seldom gives
    /// more of that.
    pub fn take_more(&mut self, most: usize, mut most_bytes: u64, fits: impl Fn(&Want) -> bool) -> Vec<Want> {
        let from = self.taken_at.min(self.wants.len());
        let (mut kept, mut end) = (from, from);
        // What is kept moves to the front of what was looked at; what is taken stays behind it.
        while let Some(want) = self.wants.get(end) {
            let (taken, passed) = (end.saturating_sub(kept), kept.saturating_sub(from));
            // Small ones come first: what follows is seldom one.
            if taken >= most || passed > LOOKED_PAST_MAX {
                break;
            }
            if want.size_bytes <= most_bytes && fits(want) {
                most_bytes = most_bytes.saturating_sub(want.size_bytes);
            } else {
                self.wants.swap(kept, end);
                kept = kept.saturating_add(1);
            }
            end = end.saturating_add(1);
        }
        let taken: Vec<Want> = self.wants.drain(kept..end).collect();
        taken.iter().for_each(|want| self.took(want));
        taken
    }

    /// Drops all that are at least so large; each is told.
    pub fn drop_from(&mut self, size_bytes: u64, mut dropped: impl FnMut(&Want)) {
        self.wants.retain(|want| {
            let stays = want.size_bytes < size_bytes;
            if !stays {
                dropped(want);
            }
            stays
        });
        self.count();
    }

    fn took(&mut self, want: &Want) {
        self.bytes = self.bytes.saturating_sub(want.size_bytes);
        for source in &want.sources {
            if let Some(wants) = self.by_source.get_mut(&source.uuid) {
                *wants = wants.saturating_sub(1);
            }
        }
    }

    fn count(&mut self) {
        self.bytes = self.wants.iter().fold(0, |sum, want| sum.saturating_add(want.size_bytes));
        self.by_source.clear();
        for source in self.wants.iter().flat_map(|want| &want.sources) {
            let wants = self.by_source.entry(source.uuid).or_default();
            *wants = wants.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::Source;
    use super::*;
    use crate::wire::LootPath;

    const A: Uuid = Uuid::from_u128(0xa);
    const B: Uuid = Uuid::from_u128(0xb);

    fn want(name: &str, size_bytes: u64, sources: &[Uuid]) -> Want {
        let source = |uuid: &Uuid| Source { uuid: *uuid, listed_name: name.into(), by_content: false };
        let path = LootPath::parse(name.as_bytes()).unwrap();
        Want {
            path,
            size_bytes,
            digests: None,
            mtime: None,
            sources: sources.iter().map(source).collect(),
            replaces: None,
            wish: None,
        }
    }

    #[test]
    fn who_can_give_nothing_is_not_able() {
        let mut queue = Queue::of([want("a", 1, &[A]), want("b", 2, &[A, B])].into_iter());
        assert_eq!(queue.able([A, B].into_iter()).len(), 2);
        let (taken, from) =
            queue.take_first(|want| want.sources.iter().map(|s| s.uuid).find(|uuid| *uuid == B)).unwrap();
        assert_eq!((taken.path.as_str(), from, queue.bytes()), ("b", B, 1));
        assert_eq!(queue.able([A, B].into_iter()), HashSet::from([A]));
        let mut dropped = Vec::new();
        queue.drop_from(1, |want| dropped.push(want.path.to_string()));
        assert_eq!((dropped.join(" "), queue.bytes()), ("a".into(), 0));
        assert!(queue.is_empty() && queue.able([A].into_iter()).is_empty());
    }

    #[test]
    fn more_of_one_neighbour_is_looked_for_behind_the_first_that_it_has() {
        let queue = || {
            // A has all; B has what stands from 1,000 on, but every tenth.
            let want = |n: usize| want(&format!("{n:04}"), 10, if n < 1_000 || n % 10 == 9 { &[A] } else { &[A, B] });
            Queue::of((0..2_000).map(want))
        };
        let has = |want: &Want, who: Uuid| want.sources.iter().any(|source| source.uuid == who);
        for (who, most, most_bytes, count, first, last, why) in [
            (A, 511, u64::MAX, 511, "0001", "0511", "from the front"),
            (A, 511, 55, 5, "0001", "0005", "no more bytes"),
            (A, 0, 55, 0, "", "", "no more files"),
            (B, 511, u64::MAX, 511, "1001", "1567", "far behind what only others have"),
            (B, 5_000, u64::MAX, 899, "1001", "1998", "past some that only others have, to the end"),
        ] {
            let mut queue = queue();
            let (_, from) = queue.take_first(|want| has(want, who).then_some(who)).unwrap();
            let taken = queue.take_more(most, most_bytes, |want| has(want, from));
            let mut names: Vec<&str> = taken.iter().map(|want| want.path.as_str()).collect();
            names.sort_unstable();
            let ends = (names.first().copied().unwrap_or(""), names.last().copied().unwrap_or(""));
            assert_eq!((names.len(), ends), (count, (first, last)), "{why}");
            assert!(taken.iter().all(|want| has(want, who)), "{why}");
            assert!(queue.iter().is_sorted_by_key(|want| &want.path), "{why}: the rest stands as it stood");
            assert_eq!((queue.len(), queue.bytes()), (1_999 - count, 10 * (1_999 - count as u64)), "{why}");
        }
    }

    #[test]
    fn no_more_is_looked_past_than_is_quick() {
        let only_a = (0..=LOOKED_PAST_MAX).map(|n| want(&format!("b{n}"), 1, &[A]));
        let mut queue = Queue::of([want("a", 1, &[B])].into_iter().chain(only_a).chain([want("c", 1, &[B])]));
        queue.take_first(|want| (want.path.as_str() == "a").then_some(B)).unwrap();
        assert!(queue.take_more(9, 9, |want| want.sources[0].uuid == B).is_empty());
        queue.take_first(|want| (want.path.as_str() == "b0").then_some(A)).unwrap();
        assert_eq!(queue.take_more(9, 9, |want| want.sources[0].uuid == B).len(), 1);
    }
}
