//! Hints: the word that something changed, gathered until it is worth looking.
//!
//! Many hints come at once (a folder is copied in), and a file that is being written tells
//! nothing yet; so names are gathered for a moment, and files in writing rest first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

/// Hints that wait; what does not fit is found by a walk over everything.
const HINTS_MAX: usize = 8_192;
/// Hints are gathered until none came for so long …
const QUIET: Duration = Duration::from_millis(40);
/// … but no longer than this.
const GATHER: Duration = Duration::from_millis(200);
/// A file that is being written is listed once it rests for so long, should nobody close it.
const WRITING_REST: Duration = Duration::from_secs(3);
/// A walk that was asked for waits until so long after the last one.
const WALK_PAUSE: Duration = Duration::from_secs(1);

/// Where to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// Something is other than it was.
    Changed(Box<str>),
    /// A file was made or written, and may be written further.
    BeingWritten(Box<str>),
    /// A file is whole: its writer closed it, or we landed it.
    Whole(Box<str>),
    /// Walk everything.
    Rescan,
    /// End the keeper.
    Stop,
}

/// The letter box: never blocks, never grows beyond its bound.
#[derive(Clone, Debug)]
pub struct Hints {
    queue: SyncSender<Hint>,
    overflow: Arc<AtomicBool>,
}

impl Hints {
    /// Leaves a hint; if the box is full, a walk is due.
    pub fn send(&self, hint: Hint) {
        if let Err(TrySendError::Full(_)) = self.queue.try_send(hint) {
            self.overflow.store(true, Ordering::Relaxed);
        }
    }
}

/// What gathered hints come to.
#[derive(Debug, PartialEq, Eq)]
pub enum Gathered {
    /// Look at these names; none when only time passed.
    Look(BTreeSet<Box<str>>),
    /// Walk everything.
    Walk,
    /// End.
    Stop,
}

/// The other end of the letter box.
#[derive(Debug)]
pub struct Gatherer {
    inbox: Receiver<Hint>,
    overflow: Arc<AtomicBool>,
    /// Files that somebody is writing, with the time of the last word of it.
    writing: BTreeMap<Box<str>, Instant>,
    walk_asked: bool,
    walked_at: Instant,
}

/// A letter box, and its other end.
#[must_use]
pub fn hints() -> (Hints, Gatherer) {
    let (queue, inbox) = sync_channel(HINTS_MAX);
    let overflow = Arc::new(AtomicBool::new(false));
    let gatherer = Gatherer {
        inbox,
        overflow: overflow.clone(),
        writing: BTreeMap::new(),
        walk_asked: false,
        walked_at: Instant::now(),
    };
    (Hints { queue, overflow }, gatherer)
}

impl Gatherer {
    /// Waits for hints and gathers those that follow closely; ends at `wake` in any case, and
    /// with a walk when `next_walk` is reached.
    pub fn gather(&mut self, next_walk: Instant, wake: Option<Instant>) -> Gathered {
        let mut names = BTreeSet::new();
        let mut first = None;
        loop {
            let now = Instant::now();
            let until = match first {
                Some(first) => (now + QUIET).min(first + GATHER),
                None => self.next_wake(next_walk, wake),
            };
            match self.inbox.recv_timeout(until.saturating_duration_since(now)) {
                Ok(Hint::Stop) | Err(RecvTimeoutError::Disconnected) => return Gathered::Stop,
                Err(RecvTimeoutError::Timeout) => break,
                Ok(hint) => {
                    let Some(name) = self.note(hint) else { continue };
                    names.insert(name);
                }
            }
            if first.get_or_insert_with(Instant::now).elapsed() >= GATHER {
                break;
            }
        }
        self.walk_asked |= self.overflow.swap(false, Ordering::Relaxed);
        if Instant::now() >= self.due_walk(next_walk) {
            return Gathered::Walk;
        }
        names.extend(self.take_rested());
        Gathered::Look(names)
    }

    /// Takes a hint; the name to look at now, if it gives one.
    fn note(&mut self, hint: Hint) -> Option<Box<str>> {
        match hint {
            Hint::Rescan | Hint::Stop => self.walk_asked = true,
            Hint::BeingWritten(name) => {
                self.writing.insert(name, Instant::now());
            }
            Hint::Whole(name) => {
                self.writing.remove(&name);
                return Some(name);
            }
            Hint::Changed(name) => return Some(name),
        }
        None
    }

    /// Whether somebody is writing that file.
    #[must_use]
    pub fn is_being_written(&self, name: &str) -> bool {
        self.writing.contains_key(name)
    }

    /// A walk begins: the wish for one is fulfilled by it.
    pub fn walk_begins(&mut self) {
        self.walk_asked = false;
    }

    /// A walk ended.
    pub fn walk_ended(&mut self) {
        self.walked_at = Instant::now();
    }

    /// A walk that was asked for comes earlier, but not at once after another.
    fn due_walk(&self, next_walk: Instant) -> Instant {
        if self.walk_asked { next_walk.min(self.walked_at + WALK_PAUSE) } else { next_walk }
    }

    fn next_wake(&self, next_walk: Instant, wake: Option<Instant>) -> Instant {
        let rested = self.writing.values().min().map(|last| *last + WRITING_REST);
        [rested, wake].into_iter().flatten().fold(self.due_walk(next_walk), Instant::min)
    }

    /// Files that nobody wrote to for a while.
    fn take_rested(&mut self) -> Vec<Box<str>> {
        let is_rested = |last: &Instant| last.elapsed() >= WRITING_REST;
        let rested = self.writing.iter().filter(|(_, last)| is_rested(last)).map(|(name, _)| name.clone());
        let rested: Vec<Box<str>> = rested.collect();
        self.writing.retain(|_, last| !is_rested(last));
        rested
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATER: Duration = Duration::from_secs(3600);

    fn look(names: &[&str]) -> Gathered {
        Gathered::Look(names.iter().map(|name| (*name).into()).collect())
    }

    #[test]
    fn hints_that_follow_closely_are_looked_at_together() {
        let (hints, mut gatherer) = hints();
        for name in ["b", "a", "b"] {
            hints.send(Hint::Changed(name.into()));
        }
        assert_eq!(gatherer.gather(Instant::now() + LATER, None), look(&["a", "b"]));
    }

    #[test]
    fn a_file_in_writing_is_not_looked_at_until_it_is_whole() {
        let (hints, mut gatherer) = hints();
        hints.send(Hint::BeingWritten("a".into()));
        let soon = Some(Instant::now() + Duration::from_millis(50));
        assert_eq!(gatherer.gather(Instant::now() + LATER, soon), look(&[]));
        assert!(gatherer.is_being_written("a"));
        hints.send(Hint::Whole("a".into()));
        assert_eq!(gatherer.gather(Instant::now() + LATER, None), look(&["a"]));
        assert!(!gatherer.is_being_written("a"));
    }

    #[test]
    fn a_full_letter_box_asks_for_a_walk() {
        let (hints, mut gatherer) = hints();
        gatherer.walked_at = Instant::now().checked_sub(WALK_PAUSE).unwrap();
        for number in 0..=HINTS_MAX {
            hints.send(Hint::Changed(number.to_string().into()));
        }
        while gatherer.gather(Instant::now() + LATER, Some(Instant::now())) != Gathered::Walk {}
        gatherer.walk_begins();
        assert!(matches!(gatherer.gather(Instant::now() + LATER, Some(Instant::now())), Gathered::Look(_)));
    }
}
