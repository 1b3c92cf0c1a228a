//! What waits to be looked at, to be read, or for a better time: files by their position in the
//! index, each in one place.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// What rests is gone through at most so often.
const WAKE_EVERY: Duration = Duration::from_millis(50);

/// The files whose digests are still to come.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// To be compared with what is known of them.
    look: BTreeSet<u32>,
    /// To be read: small ones first, so that most are there soon.
    read: BTreeSet<(u64, u32)>,
    /// To be looked at again from then on; and whether it is a fault that keeps them.
    later: BTreeMap<u32, (Instant, bool)>,
    woken: Option<Instant>,
}

impl Waiting {
    pub(super) fn look(&mut self, position: u32) {
        self.later.remove(&position);
        self.look.insert(position);
    }

    pub(super) fn read(&mut self, position: u32, size_bytes: u64) {
        self.later.remove(&position);
        self.read.insert((size_bytes, position));
    }

    /// Looks again from `at` on. `at_fault`: it may well never come.
    pub(super) fn later(&mut self, position: u32, at: Instant, at_fault: bool) {
        self.later.insert(position, (at, at_fault));
    }

    /// It has its digests.
    pub(super) fn done(&mut self, position: u32, size_bytes: u64) {
        self.look.remove(&position);
        self.read.remove(&(size_bytes, position));
        self.later.remove(&position);
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
        self.look.pop_first()
    }

    /// The smallest of those to be read.
    pub(super) fn smallest(&self) -> Option<(u64, u32)> {
        self.read.first().copied()
    }

    pub(super) fn has_looks(&self) -> bool {
        !self.look.is_empty()
    }

    /// Nothing to do before this; none if nothing waits.
    pub(super) fn next_wake(&self) -> Option<Instant> {
        let earliest = self.later.values().map(|(at, _)| *at).min()?;
        Some(self.woken.map_or(earliest, |woken| earliest.max(woken + WAKE_EVERY)))
    }

    /// How many wait, faults left out, and how many bytes of them are known to be read.
    pub(super) fn left(&self) -> (usize, u64) {
        let resting = self.later.values().filter(|(_, at_fault)| !at_fault).count();
        let files = self.look.len().saturating_add(self.read.len()).saturating_add(resting);
        (files, self.read.iter().fold(0_u64, |sum, (size_bytes, _)| sum.saturating_add(*size_bytes)))
    }

    /// The index changed: each file is where `moved` says, or no longer.
    pub(super) fn follow(&mut self, moved: impl Fn(u32) -> Option<u32>) {
        let moved = &moved;
        self.look = std::mem::take(&mut self.look).into_iter().filter_map(moved).collect();
        let read = std::mem::take(&mut self.read).into_iter();
        self.read = read.filter_map(|(size_bytes, position)| Some((size_bytes, moved(position)?))).collect();
        let later = std::mem::take(&mut self.later).into_iter();
        self.later = later.filter_map(|(position, until)| Some((moved(position)?, until))).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_files_come_first_and_faults_do_not_count() {
        let (mut waiting, start) = (Waiting::default(), Instant::now());
        for (position, size_bytes) in [(0, 900), (1, 5), (2, 70)] {
            waiting.read(position, size_bytes);
        }
        waiting.later(3, start + Duration::from_secs(1), false);
        waiting.later(4, start + Duration::from_secs(9), true);
        assert_eq!((waiting.smallest(), waiting.left()), (Some((5, 1)), (4, 975)));
        waiting.done(1, 5);
        assert_eq!((waiting.smallest(), waiting.left()), (Some((70, 2)), (3, 970)));
        waiting.wake(start + Duration::from_secs(1));
        assert_eq!((waiting.next_look(), waiting.next_look()), (Some(3), None));
    }

    #[test]
    fn what_waits_follows_the_index() {
        let (mut waiting, start) = (Waiting::default(), Instant::now());
        waiting.look(0);
        waiting.look(1);
        waiting.read(2, 7);
        waiting.later(3, start, false);
        waiting.follow(|position| (position != 1).then_some(position + 10));
        assert_eq!(waiting.left(), (3, 7));
        assert_eq!((waiting.next_look(), waiting.smallest()), (Some(10), Some((7, 12))));
        waiting.wake(start);
        assert_eq!(waiting.next_look(), Some(13));
    }
}
