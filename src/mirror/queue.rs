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
}

impl Queue {
    /// Of these, in their order.
    #[must_use]
    pub fn of(wants: impl Iterator<Item = Want>) -> Self {
        let mut queue = Self { wants: wants.collect(), bytes: 0, by_source: HashMap::new() };
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
        Some((want, uuid))
    }

    /// Takes up to so many more that fit, all from one neighbour, and so many bytes at most.
    pub fn take_more(&mut self, most: usize, most_bytes: u64, fits: impl Fn(&Want) -> bool) -> Vec<Want> {
        let (mut taken, mut left_bytes, mut rest) = (Vec::new(), most_bytes, VecDeque::new());
        while let Some(want) = self.wants.pop_front() {
            if taken.len() < most && want.size_bytes <= left_bytes && fits(&want) {
                left_bytes = left_bytes.saturating_sub(want.size_bytes);
                taken.push(want);
            } else {
                rest.push_back(want);
            }
            // Small ones come first: what follows is seldom one.
            if taken.len() >= most || rest.len() > LOOKED_PAST_MAX {
                break;
            }
        }
        while let Some(want) = rest.pop_back() {
            self.wants.push_front(want);
        }
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
}
