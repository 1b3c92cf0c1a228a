//! What waits to be looked at, to be read, or for a better time: files by their position in the
//! index, each in one place.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::wire::Positions;
use crate::wire::index::Edit;

/// What rests is gone through at most so often.
const WAKE_EVERY: Duration = Duration::from_millis(50);
/// Files below this size are alike: to find one takes longer than to read it.
const ALIKE_BITS: u32 = 16;

/// The files whose digests are still to come.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// To be compared with what the first walk saw of them, as soon as it is over.
    unseen: Positions,
    /// To be compared with what is known of them.
    look: Positions,
    /// To be read: small ones first, so that most are there soon; those of about a size as they
    /// stand in the index, so that what comes of them lies together.
    read: BTreeMap<u32, Positions>,
    read_bytes: u64,
    /// To be looked at again from then on; and whether it is a fault that keeps them.
    later: BTreeMap<u32, (Instant, bool)>,
    woken: Option<Instant>,
}

impl Waiting {
    /// All of so many files are unseen, whatever was known of them.
    pub(super) fn see_all(&mut self, files: usize) {
        *self = Self { unseen: Positions::below(files), woken: self.woken, ..Self::default() };
    }

    /// Takes the first so many of those that the walk saw.
    pub(super) fn next_unseen(&mut self, most: usize) -> Vec<u32> {
        std::iter::from_fn(|| self.unseen.pop_first()).map(as_position).take(most).collect()
    }

    pub(super) fn has_unseen(&self) -> bool {
        !self.unseen.is_empty()
    }

    pub(super) fn look(&mut self, position: u32) {
        self.later.remove(&position);
        self.unseen.remove(position as usize);
        self.look.insert(position as usize);
    }

    pub(super) fn read(&mut self, position: u32, size_bytes: u64) {
        self.later.remove(&position);
        if self.read.entry(class_of(size_bytes)).or_default().insert(position as usize) {
            self.read_bytes = self.read_bytes.saturating_add(size_bytes);
        }
    }

    /// Looks again from `at` on. `at_fault`: it may well never come.
    pub(super) fn later(&mut self, position: u32, at: Instant, at_fault: bool) {
        self.later.insert(position, (at, at_fault));
    }

    /// It has its digests.
    pub(super) fn done(&mut self, position: u32, size_bytes: u64) {
        self.look.remove(position as usize);
        self.later.remove(&position);
        let class = class_of(size_bytes);
        if let Some(alike) = self.read.get_mut(&class)
            && alike.remove(position as usize)
        {
            self.read_bytes = self.read_bytes.saturating_sub(size_bytes);
            if alike.is_empty() {
                self.read.remove(&class);
            }
        }
    }

    /// What rested long enough is to be looked at.
    pub(super) fn wake(&mut self, now: Instant) {
        if self.later.is_empty() || self.woken.is_some_and(|at| now.saturating_duration_since(at) < WAKE_EVERY) {
            return;
        }
        self.woken = Some(now);
        let woken: Vec<u32> = self.later.iter().filter(|(_, (at, _))| *at <= now).map(|(at, _)| *at).collect();
        woken.into_iter().for_each(|position| self.look(position));
    }

    pub(super) fn next_look(&mut self) -> Option<u32> {
        self.look.pop_first().map(as_position)
    }

    /// One of the smallest of those to be read.
    pub(super) fn smallest(&self) -> Option<u32> {
        self.read.values().next()?.first().map(as_position)
    }

    pub(super) fn has_looks(&self) -> bool {
        !self.look.is_empty()
    }

    pub(super) fn has_reads(&self) -> bool {
        !self.read.is_empty()
    }

    /// Nothing to do before this; none if nothing waits.
    pub(super) fn next_wake(&self) -> Option<Instant> {
        let earliest = self.later.values().map(|(at, _)| *at).min()?;
        Some(self.woken.map_or(earliest, |woken| earliest.max(woken + WAKE_EVERY)))
    }

    /// How many wait, faults left out, and how many bytes of them are known to be read.
    pub(super) fn left(&self) -> (usize, u64) {
        let resting = self.later.values().filter(|(_, at_fault)| !at_fault).count();
        let read = self.read.values().map(Positions::len).sum::<usize>();
        let sets = [self.unseen.len(), self.look.len(), read];
        (sets.into_iter().fold(resting, usize::saturating_add), self.read_bytes)
    }

    /// The index changed: each file is where the edit says, or no longer. `size_of`: beside the
    /// index after.
    pub(super) fn follow(&mut self, edit: &Edit, size_of: impl Fn(usize) -> Option<u64>) {
        self.unseen = moved(&self.unseen, edit);
        self.look = moved(&self.look, edit);
        self.read.values_mut().for_each(|alike| *alike = moved(alike, edit));
        self.read.retain(|_, alike| !alike.is_empty());
        let sizes = self.read.values().flat_map(Positions::iter).filter_map(size_of);
        self.read_bytes = sizes.fold(0, u64::saturating_add);
        let later = std::mem::take(&mut self.later).into_iter();
        let place = |position: u32| edit.after_of(position as usize).map(as_position);
        self.later = later.filter_map(|(position, until)| Some((place(position)?, until))).collect();
    }
}

/// Where positions come to be. One pass: both rise.
fn moved(positions: &Positions, edit: &Edit) -> Positions {
    let mut runs = edit.stayed().peekable();
    let place = |position: usize| {
        while runs.next_if(|(before, _)| before.end <= position).is_some() {}
        let (before, after) = runs.peek()?;
        Some(after.start.saturating_add(position.checked_sub(before.start)?))
    };
    positions.iter().filter_map(place).collect()
}

/// Files of a class are about as long as each other.
fn class_of(size_bytes: u64) -> u32 {
    u64::BITS.saturating_sub((size_bytes >> ALIKE_BITS).leading_zeros())
}

/// An index has fewer files than a `u32` counts.
fn as_position(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Index;

    const KIB: u64 = 1 << 10;

    #[test]
    fn small_files_come_first_and_faults_do_not_count() {
        let (mut waiting, start) = (Waiting::default(), Instant::now());
        for (position, size_bytes) in [(0, 900 * KIB), (1, 70 * KIB), (2, 5), (3, 0)] {
            waiting.read(position, size_bytes);
            waiting.read(position, size_bytes);
        }
        waiting.later(4, start + Duration::from_secs(1), false);
        waiting.later(5, start + Duration::from_secs(9), true);
        assert_eq!((waiting.smallest(), waiting.left()), (Some(2), (5, 970 * KIB + 5)));
        waiting.done(2, 5);
        waiting.done(3, 0);
        assert_eq!((waiting.smallest(), waiting.left()), (Some(1), (3, 970 * KIB)));
        waiting.wake(start + Duration::from_secs(1));
        assert_eq!((waiting.next_look(), waiting.next_look()), (Some(4), None));
    }

    #[test]
    fn what_waits_follows_the_index() {
        let (mut waiting, start) = (Waiting::default(), Instant::now());
        waiting.see_all(3);
        assert_eq!(waiting.next_unseen(1), [0]);
        waiting.look(0);
        waiting.look(1);
        waiting.read(3, 7);
        waiting.read(4, 9);
        waiting.later(5, start, false);
        let before = Index::from_sorted([("a", 1), ("b", 1), ("c", 1), ("d", 7), ("e", 9), ("f", 1)].into_iter());
        let (after, edit) = before.edited([("0", Some(1)), ("b", None), ("e", None)]);
        waiting.follow(&edit, |position| after.size_at(position));
        assert_eq!(waiting.left(), (4, 7));
        assert_eq!((waiting.next_look(), waiting.next_look(), waiting.smallest()), (Some(1), None, Some(3)));
        assert_eq!((waiting.next_unseen(9), waiting.has_unseen()), (vec![2], false));
        waiting.wake(start);
        assert_eq!(waiting.next_look(), Some(4));
    }
}
