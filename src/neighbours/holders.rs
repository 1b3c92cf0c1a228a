//! Which neighbours have a part of a content: they tell while it comes to them
//! (`docs/PROTOCOL.md`, section 6, the feed).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use uuid::Uuid;

use crate::wire::{Content, PieceSet};

/// Contents that one neighbour may tell of at once.
const PER_NEIGHBOUR_MAX: usize = 64;
/// Pieces of all contents of one neighbour together: its maps take 1 MiB at most.
const PIECES_PER_NEIGHBOUR_MAX: u64 = 8 << 20;

/// A handle to the table; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Holders {
    table: Arc<Mutex<BTreeMap<Uuid, BTreeMap<Content, PieceSet>>>>,
    changed: Arc<watch::Sender<u64>>,
}

impl Holders {
    /// A neighbour has these pieces of a content, and perhaps others told before. False when there
    /// is no room to remember it.
    pub fn has(&self, uuid: Uuid, content: Content, pieces: &PieceSet) -> bool {
        let mut table = self.lock();
        let contents = table.entry(uuid).or_default();
        match contents.get_mut(&content) {
            Some(known) if known.pieces() == pieces.pieces() => known.insert_all(pieces),
            _ => {
                let held = contents.iter().filter(|(of, _)| **of != content);
                let sum = held.fold(pieces.pieces(), |sum, (_, set)| sum.saturating_add(set.pieces()));
                let is_new = !contents.contains_key(&content);
                if sum > PIECES_PER_NEIGHBOUR_MAX || (is_new && contents.len() >= PER_NEIGHBOUR_MAX) {
                    return false;
                }
                contents.insert(content, pieces.clone());
            }
        }
        drop(table);
        self.note();
        true
    }

    /// How many pieces a content has of which that neighbour told.
    #[must_use]
    pub fn pieces_of(&self, uuid: Uuid, content: Content) -> Option<u64> {
        self.lock().get(&uuid)?.get(&content).map(PieceSet::pieces)
    }

    /// A neighbour does not give a content piece by piece any more.
    pub fn gone(&self, uuid: Uuid, content: Content) {
        if self.lock().get_mut(&uuid).is_some_and(|contents| contents.remove(&content).is_some()) {
            self.note();
        }
    }

    /// Nothing is heard of that neighbour any more.
    pub fn forget(&self, uuid: Uuid) {
        if self.lock().remove(&uuid).is_some() {
            self.note();
        }
    }

    /// Who has a part of a content, and which.
    #[must_use]
    pub fn of(&self, content: Content) -> Vec<(Uuid, PieceSet)> {
        let table = self.lock();
        table.iter().filter_map(|(uuid, contents)| Some((*uuid, contents.get(&content)?.clone()))).collect()
    }

    /// Who has another number of pieces of a content than `known` says, and which; `known` is told
    /// who tells, and answers with what is known of it. Cheap where little changed.
    #[must_use]
    pub fn news(&self, content: Content, known: impl Fn(Uuid) -> Option<u64>) -> Vec<(Uuid, PieceSet)> {
        let table = self.lock();
        let told = table.iter().filter_map(|(uuid, contents)| Some((*uuid, contents.get(&content)?)));
        let news = told.filter(|(uuid, pieces)| known(*uuid) != Some(pieces.len()));
        news.map(|(uuid, pieces)| (uuid, pieces.clone())).collect()
    }

    /// A receiver that wakes when somebody has more, or less.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn note(&self) {
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Uuid, BTreeMap<Content, PieceSet>>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Uuid = Uuid::from_u128(0xa);
    const ONE: Content = Content::new([1; 32]);

    #[test]
    fn what_a_neighbour_tells_adds_up_until_it_goes() {
        let holders = Holders::default();
        assert!(holders.has(A, ONE, &PieceSet::parse("0-1", 9).unwrap()));
        assert!(holders.has(A, ONE, &PieceSet::parse("4", 9).unwrap()));
        assert_eq!(holders.of(ONE), [(A, PieceSet::parse("0-1,4", 9).unwrap())]);
        holders.gone(A, ONE);
        assert!(holders.of(ONE).is_empty());
        assert!(holders.has(A, ONE, &PieceSet::none(9)));
        holders.forget(A);
        assert!(holders.of(ONE).is_empty() && holders.pieces_of(A, ONE).is_none());
    }

    #[test]
    fn what_a_neighbour_may_tell_is_bounded() {
        let holders = Holders::default();
        for number in 0..=255 {
            let took = holders.has(A, Content::new([number; 32]), &PieceSet::none(1 << 20));
            assert_eq!(took, number < 8, "{number}");
        }
        let small = |number| holders.has(A, Content::new([number; 32]), &PieceSet::none(0));
        let taken = (100..=255).filter(|number| small(*number)).count();
        assert_eq!(taken, PER_NEIGHBOUR_MAX - 8);
    }
}
