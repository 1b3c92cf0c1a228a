//! How far a file is, and who gave how much of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use crate::wire::DisplayText;

/// What one neighbour gave of a file in this run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Who.
    pub uuid: Uuid,
    /// What it calls itself.
    pub name: DisplayText,
    /// How much.
    pub bytes: u64,
}

/// Counts for one file that is coming; cheap to clone, all clones count together.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    here_bytes: AtomicU64,
    given: Mutex<BTreeMap<Uuid, Given>>,
}

impl Progress {
    /// So much of it is here.
    pub fn note_here(&self, here_bytes: u64) {
        self.0.here_bytes.store(here_bytes, Ordering::Relaxed);
    }

    /// The same; returns what was here before.
    pub fn swap_here(&self, here_bytes: u64) -> u64 {
        self.0.here_bytes.swap(here_bytes, Ordering::Relaxed)
    }

    /// So much more of it is here.
    pub fn add_here(&self, bytes: u64) {
        self.0.here_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// How much of it is here.
    #[must_use]
    pub fn here_bytes(&self) -> u64 {
        self.0.here_bytes.load(Ordering::Relaxed)
    }

    /// A neighbour gave so much more.
    pub fn note_given(&self, uuid: Uuid, name: &DisplayText, bytes: u64) {
        let mut given = self.lock();
        let entry = given.entry(uuid).or_insert_with(|| Given { uuid, name: name.clone(), bytes: 0 });
        entry.bytes = entry.bytes.saturating_add(bytes);
    }

    /// Who gave, the most first.
    #[must_use]
    pub fn given(&self) -> Vec<Given> {
        let mut given: Vec<Given> = self.lock().values().cloned().collect();
        given.sort_by_key(|given| std::cmp::Reverse(given.bytes));
        given
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Uuid, Given>> {
        self.0.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
