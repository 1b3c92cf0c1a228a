//! What is new on the network, and since when: files that a node did not offer before, gathered by
//! node and folder, and nodes that were met for the first time.
//!
//! The journal is knowledge: whoever writes into it says what time it is. The [gatherer] compares
//! what nodes offer with what they offered before. What goes, what is only called otherwise, and
//! what somebody else nearby had already is no news.

mod added;
pub mod gatherer;
mod grouping;
pub mod item;
mod journal;
mod stored;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::watch;
use uuid::Uuid;

pub use item::{NewFile, NewsItem, What, time as from_unix, unix as to_unix};

use self::journal::Journal;
use crate::wire::{DisplayText, Index};

/// Indexes of an earlier run that wait for the gatherer, which takes them within seconds.
const RECALLED_MAX: usize = 64;

/// A handle to what is new; cheap to clone. The default one stores nothing.
#[derive(Clone, Debug, Default)]
pub struct News {
    journal: Arc<Mutex<Journal>>,
    /// What neighbours offered when they were here before.
    recalled: Arc<Mutex<BTreeMap<Uuid, Arc<Index>>>>,
    /// Wakes whoever shows it.
    changed: Arc<watch::Sender<u64>>,
    /// Where it is stored, locked while it is, and which state of it was.
    file: Option<Arc<Mutex<Stored>>>,
}

#[derive(Debug)]
struct Stored {
    file: PathBuf,
    version: u64,
}

impl News {
    /// What the state folder keeps of it; nothing new if there is none, or it is damaged.
    #[must_use]
    pub fn open(state: &Path, now: SystemTime) -> Self {
        let file = state.join("news");
        let mut journal = stored::load(&file);
        journal.forget_old(now);
        Self {
            journal: Arc::new(Mutex::new(journal)),
            file: Some(Arc::new(Mutex::new(Stored { file, version: 0 }))),
            ..Self::default()
        }
    }

    /// So many of the newest, the newest first, after leaving out so many.
    #[must_use]
    pub fn latest(&self, skip: usize, most: usize) -> Vec<Arc<NewsItem>> {
        self.lock().latest().skip(skip).take(most).cloned().collect()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether nothing is new.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many came, or grew, after that time. Looks up a place, and counts nothing.
    #[must_use]
    pub fn count_since(&self, time: SystemTime) -> usize {
        self.lock().count_since(time)
    }

    /// A receiver that wakes when there is another.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// What a neighbour offered when it was here before, found in the state folder as it came back.
    pub fn recall(&self, node: Uuid, index: Arc<Index>) {
        let mut recalled = self.recalled.lock().unwrap_or_else(PoisonError::into_inner);
        if recalled.len() < RECALLED_MAX {
            recalled.insert(node, index);
        }
    }

    fn take_recalled(&self, node: Uuid) -> Option<Arc<Index>> {
        self.recalled.lock().unwrap_or_else(PoisonError::into_inner).remove(&node)
    }

    /// Writes into the journal, and wakes whoever shows it if that changed it.
    fn note(&self, write: impl FnOnce(&mut Journal)) {
        let mut journal = self.lock();
        let before = journal.version();
        write(&mut journal);
        let is_other = journal.version() != before;
        drop(journal);
        if is_other {
            self.changed.send_modify(|version| *version = version.wrapping_add(1));
        }
    }

    fn is_met(&self, node: Uuid) -> bool {
        self.lock().is_met(node)
    }

    fn is_met_by_name(&self, name: &DisplayText) -> Option<Uuid> {
        self.lock().is_met_by_name(name)
    }

    fn is_unsaved(&self) -> bool {
        let Some(stored) = &self.file else { return false };
        let stored = stored.lock().unwrap_or_else(PoisonError::into_inner).version;
        self.lock().version() != stored
    }

    /// Stores it, if it changed since it was stored last. Blocks.
    pub fn save(&self) {
        let Some(stored) = &self.file else { return };
        let mut stored = stored.lock().unwrap_or_else(PoisonError::into_inner);
        let journal = self.lock();
        let version = journal.version();
        if version == stored.version {
            return;
        }
        let text = stored::emit(&journal);
        drop(journal);
        match crate::loot::stored::write_whole(&stored.file, &text) {
            Ok(()) => stored.version = version,
            Err(error) => tracing::warn!(%error, "what is new cannot be stored for the next start"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
