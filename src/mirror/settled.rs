//! Conflicts of which the operator said “keep ours”: those versions are neither taken nor shown.
//! Kept in the state folder.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::loot::stored_lines;
use crate::wire::{Content, LootPath};

/// Versions remembered; an operator decides by hand.
const REMEMBERED_MAX: usize = 10_000;

/// Of one name a size, and a content where it is told.
type Versions = BTreeMap<Box<str>, Vec<(u64, Option<Content>)>>;

/// Why a decision does not hold, or not for long.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// So many are remembered already.
    #[error("{REMEMBERED_MAX} decisions are remembered already: forget them first")]
    TooMany,
    /// It holds until the node ends.
    #[error("it holds for now, but it could not be stored, so a restart forgets it: {0}")]
    NotStored(#[source] io::Error),
}

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    path: Box<str>,
    size_bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content: Option<Content>,
}

/// A handle to the list; cheap to clone. The default one stores nothing.
#[derive(Clone, Debug, Default)]
pub struct Settled {
    versions: Arc<Mutex<Arc<Versions>>>,
    /// Locked while it is written, so that of two changes the later is stored last.
    file: Option<Arc<Mutex<PathBuf>>>,
    changed: Arc<watch::Sender<u64>>,
}

/// What was decided until a moment, for a plan.
#[derive(Clone, Debug, Default)]
pub struct Decided(Arc<Versions>);

impl Decided {
    /// Whether that version of the name is left. Where one of the two contents is not known, equal
    /// sizes count as equal.
    #[must_use]
    pub fn leaves(&self, name: &str, size_bytes: u64, content: Option<Content>) -> bool {
        let is_it = |(size, left): &(u64, Option<Content>)| {
            *size == size_bytes && (left.is_none() || content.is_none() || *left == content)
        };
        self.0.get(name).is_some_and(|versions| versions.iter().any(is_it))
    }

    /// How many versions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// True when there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Settled {
    /// The list in the state folder; an empty one if there is none.
    ///
    /// # Errors
    /// When there is one that cannot be read.
    pub fn open(state: &Path) -> io::Result<Self> {
        let file = state.join("settled");
        let mut versions = Versions::new();
        for Record { path, size_bytes, content } in stored_lines::read(&file, REMEMBERED_MAX)? {
            if LootPath::parse(path.as_bytes()).is_ok() {
                versions.entry(path).or_default().push((size_bytes, content));
            }
        }
        let (versions, file) = (Arc::new(Mutex::new(Arc::new(versions))), Some(Arc::new(Mutex::new(file))));
        Ok(Self { versions, file, changed: Arc::default() })
    }

    /// What was decided until now.
    #[must_use]
    pub fn decided(&self) -> Decided {
        Decided(self.lock().clone())
    }

    /// Leaves that version of the name from now on. Blocks.
    ///
    /// # Errors
    /// [`SettleError`].
    pub fn leave(&self, path: &LootPath, size_bytes: u64, content: Option<Content>) -> Result<(), SettleError> {
        self.change(|versions| {
            let known = versions.values().map(Vec::len).sum::<usize>();
            let of_name = versions.entry(path.as_str().into()).or_default();
            if !of_name.contains(&(size_bytes, content)) {
                if known >= REMEMBERED_MAX {
                    return Err(SettleError::TooMany);
                }
                of_name.push((size_bytes, content));
            }
            Ok(())
        })
    }

    /// Decides anew about all versions of a name. Blocks.
    ///
    /// # Errors
    /// [`SettleError::NotStored`].
    pub fn reopen(&self, path: &LootPath) -> Result<(), SettleError> {
        if !self.lock().contains_key(path.as_str()) {
            return Ok(());
        }
        self.change(|versions| {
            versions.remove(path.as_str());
            Ok(())
        })
    }

    /// Forgets all. Blocks.
    ///
    /// # Errors
    /// [`SettleError::NotStored`].
    pub fn forget(&self) -> Result<(), SettleError> {
        self.change(|versions| {
            versions.clear();
            Ok(())
        })
    }

    /// A receiver that wakes when something was decided.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn change(&self, change: impl FnOnce(&mut Versions) -> Result<(), SettleError>) -> Result<(), SettleError> {
        let file = self.file.as_ref().map(|file| file.lock().unwrap_or_else(PoisonError::into_inner));
        let mut versions = Versions::clone(&self.lock());
        change(&mut versions)?;
        let versions = Arc::new(versions);
        *self.lock() = versions.clone();
        self.changed.send_modify(|version| *version = version.wrapping_add(1));
        let Some(file) = file else { return Ok(()) };
        let all = versions.iter().flat_map(|(path, of_name)| of_name.iter().map(move |version| (path, *version)));
        let records = all.map(|(path, (size_bytes, content))| Record { path: path.clone(), size_bytes, content });
        stored_lines::write(&file, records).map_err(SettleError::NotStored)
    }

    fn lock(&self) -> MutexGuard<'_, Arc<Versions>> {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(name: &str) -> LootPath {
        LootPath::parse(name.as_bytes()).unwrap()
    }

    #[test]
    fn what_was_decided_holds_after_a_restart_until_it_is_forgotten() {
        let temp = tempfile::tempdir().unwrap();
        let content = |byte| Some(Content::new([byte; 32]));
        let settled = Settled::open(temp.path()).unwrap();
        settled.leave(&path("a"), 5, content(1)).unwrap();
        settled.leave(&path("a"), 6, None).unwrap();
        settled.leave(&path("b"), 7, None).unwrap();
        let again = Settled::open(temp.path()).unwrap();
        let decided = again.decided();
        for (name, size, content, leaves, why) in [
            ("a", 5, content(1), true, "that very version"),
            ("a", 5, None, true, "the same as far as is known"),
            ("a", 5, content(2), false, "another content of that size"),
            ("a", 6, content(9), true, "nothing was known of it then"),
            ("a", 7, None, false, "another size"),
            ("b", 7, None, true, "another name"),
            ("c", 7, None, false, "a name without decisions"),
        ] {
            assert_eq!(decided.leaves(name, size, content), leaves, "{why}");
        }
        again.reopen(&path("a")).unwrap();
        assert_eq!(again.decided().len(), 1);
        again.forget().unwrap();
        assert!(Settled::open(temp.path()).unwrap().decided().is_empty());
    }

    #[test]
    fn what_cannot_be_stored_holds_and_is_said() {
        let temp = tempfile::tempdir().unwrap();
        let settled = Settled::open(&temp.path().join("gone")).unwrap();
        assert!(matches!(settled.leave(&path("a"), 1, None), Err(SettleError::NotStored(_))));
        assert!(settled.decided().leaves("a", 1, None));
    }
}
