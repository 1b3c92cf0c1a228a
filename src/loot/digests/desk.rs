//! The hasher's desk: what the keeper and others leave there for it, and the bell that wakes it.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::loot::listing::Change;
use crate::wire::Index;

/// Names that wait; beyond, all files are looked at.
const NAMES_MAX: usize = 8_192;

/// Files whose lists wait to be made; others must be asked for again.
const LISTLESS_MAX: usize = 64;

/// Notes for the hasher.
#[derive(Debug, Default)]
pub struct Desk {
    notes: Mutex<Notes>,
    bell: Condvar,
}

/// What a walk saw of all files.
#[derive(Debug)]
pub struct Walked {
    /// The files.
    pub index: Arc<Index>,
    /// The mark of the version of each, by position.
    pub marks: Vec<u64>,
}

/// What was noted since the last look.
#[derive(Debug, Default)]
pub struct Notes {
    /// Files that may hold something else than before.
    pub touched: BTreeSet<Box<str>>,
    /// Files whose list of pieces is asked for, and not there.
    pub listless: BTreeSet<Box<str>>,
    /// Any file may.
    pub all: bool,
    /// What the first walk saw.
    pub walked: Option<Walked>,
    /// There is a new snapshot.
    pub index: bool,
    /// End.
    pub stop: bool,
}

impl Desk {
    /// What a scan found to be different. The index that says so follows, if it is one.
    pub fn changed<'n>(&self, changes: impl IntoIterator<Item = Change<'n>>) {
        let mut notes = self.lock();
        for change in changes {
            match change {
                Change::Touched(name) | Change::Altered(name, _) | Change::Appeared(name) => notes.touch(name),
                Change::Gone(_) => {}
            }
        }
        self.ring(notes);
    }

    /// A file is not what it was.
    pub fn touched(&self, name: &str) {
        let mut notes = self.lock();
        notes.touch(name);
        self.ring(notes);
    }

    /// Somebody asks for the list of pieces of a file, and there is none.
    pub fn wants_list(&self, name: &str) {
        let mut notes = self.lock();
        if notes.listless.len() < LISTLESS_MAX {
            notes.listless.insert(name.into());
        }
        self.ring(notes);
    }

    /// The first walk is over: whatever was known may be of before, and this is what is there.
    pub fn walked(&self, walked: Walked) {
        let mut notes = self.lock();
        notes.walked = Some(walked);
        self.ring(notes);
    }

    /// There is a new snapshot.
    pub fn index_changed(&self) {
        let mut notes = self.lock();
        notes.index = true;
        self.ring(notes);
    }

    /// The hasher is to end.
    pub fn stop(&self) {
        let mut notes = self.lock();
        notes.stop = true;
        self.ring(notes);
    }

    /// Takes all notes; if there are none, waits for one at most so long.
    pub fn take(&self, patience: Duration) -> Notes {
        let mut notes = self.lock();
        if notes.is_empty() && !patience.is_zero() {
            let waited = self.bell.wait_timeout_while(notes, patience, |notes| notes.is_empty());
            notes = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        std::mem::take(&mut notes)
    }

    fn ring(&self, notes: MutexGuard<'_, Notes>) {
        drop(notes);
        self.bell.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notes {
    fn touch(&mut self, name: &str) {
        if self.all || self.touched.len() >= NAMES_MAX {
            self.all = true;
            self.touched.clear();
        } else {
            self.touched.insert(name.into());
        }
    }

    fn is_empty(&self) -> bool {
        self.touched.is_empty()
            && self.listless.is_empty()
            && self.walked.is_none()
            && !self.all
            && !self.index
            && !self.stop
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_names_become_all() {
        let desk = Desk::default();
        desk.changed([Change::Touched("a"), Change::Gone("b"), Change::Altered("c", 1)]);
        let notes = desk.take(Duration::ZERO);
        assert_eq!(notes.touched.into_iter().collect::<Vec<_>>(), ["a".into(), "c".into()]);
        for number in 0..=NAMES_MAX {
            desk.touched(&number.to_string());
        }
        let notes = desk.take(Duration::ZERO);
        assert!(notes.all && notes.touched.is_empty());
        assert!(desk.take(Duration::ZERO).is_empty());
    }
}
