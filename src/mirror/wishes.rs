//! Wishes: files that the operator asked for by name, one by one or a folder at once. They come in
//! shared mode too, before what the mirror wants by itself, and no rule of what it takes applies.
//!
//! A wish stays until the file is here, it failed for good, or the operator cancels it. Kept in the
//! state folder.

mod stored;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use uuid::Uuid;

use self::stored::Record;
use super::failure::Failure;
use crate::loot::stored_lines;
use crate::wire::{Content, DisplayText, LootPath};

/// Wishes at a time. A folder of more is to be mirrored, or asked for in parts.
pub const WISHES_MAX: usize = 10_000;

/// Which wish it is, of one run: never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WishId(pub u64);

/// Where a wished file comes to stand if another file has its name here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// Beside that one.
    #[default]
    Beside,
    /// In its place; that one is kept in the hidden folder.
    Instead,
}

/// A file that the operator asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Its name, there and here.
    pub path: LootPath,
    /// Its size when it was asked for.
    pub size_bytes: u64,
    /// What it held then, if that was told.
    pub content: Option<Content>,
    /// At whom it was seen. What that neighbour has under the name is wished, also when it changes.
    pub from: Uuid,
    /// What that neighbour called itself.
    pub from_name: DisplayText,
    /// Where it comes to stand.
    pub place: Place,
    /// When it was asked for: seconds since 1970.
    pub asked_at: u64,
    /// It failed for good; the operator may let it be tried again.
    pub failure: Option<Failure>,
}

impl Wish {
    /// What makes two wishes one.
    fn key(&self) -> (&LootPath, u64, Option<Content>, Place) {
        (&self.path, self.size_bytes, self.content, self.place)
    }
}

/// Why wishes were not added, or not for long.
#[derive(Debug, thiserror::Error)]
pub enum WishError {
    /// There would be more than are kept.
    #[error("that would be more than {WISHES_MAX} files that are wished for: let some come first, or choose fewer")]
    TooMany,
    /// They hold until the node ends.
    #[error("it holds for now, but it could not be stored, so a restart forgets it: {0}")]
    NotStored(#[source] io::Error),
}

#[derive(Debug, Default)]
struct List {
    wishes: BTreeMap<WishId, Arc<Wish>>,
    last: u64,
    /// Something changed that is not stored yet.
    is_unsaved: bool,
}

/// A handle to the wishes; cheap to clone. The default one stores nothing.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    list: Arc<Mutex<List>>,
    /// Locked while it is written, so that of two changes the later is stored last.
    file: Option<Arc<Mutex<PathBuf>>>,
    changed: Arc<watch::Sender<u64>>,
}

impl Wishes {
    /// Those in the state folder; none if there are none.
    ///
    /// # Errors
    /// When the list is there and cannot be read.
    pub fn open(state: &Path) -> io::Result<Self> {
        let file = state.join("wishes");
        let read = stored_lines::read::<Record>(&file, WISHES_MAX)?;
        let wishes: Self = Self { file: Some(Arc::new(Mutex::new(file))), ..Self::default() };
        let mut list = wishes.lock();
        read.into_iter().filter_map(Record::into_wish).for_each(|wish| list.insert(wish));
        drop(list);
        Ok(wishes)
    }

    /// Adds these, all or none; those that are there already are asked for again. Returns how many
    /// are new. Blocks.
    ///
    /// # Errors
    /// [`WishError`].
    pub fn add(&self, wishes: Vec<Wish>) -> Result<usize, WishError> {
        let file = self.lock_file();
        let mut list = self.lock();
        let known: HashMap<_, WishId> = list.wishes.iter().map(|(id, wish)| (wish.key(), *id)).collect();
        let again: Vec<Option<WishId>> = wishes.iter().map(|wish| known.get(&wish.key()).copied()).collect();
        let new = again.iter().filter(|known| known.is_none()).count();
        if list.wishes.len().saturating_add(new) > WISHES_MAX {
            return Err(WishError::TooMany);
        }
        for (wish, known) in wishes.into_iter().zip(again) {
            known.into_iter().for_each(|id| list.forgive(id));
            if known.is_none() {
                list.insert(wish);
            }
        }
        drop(list);
        self.note_changed();
        self.store(file.as_deref()).map_err(WishError::NotStored)?;
        Ok(new)
    }

    /// Takes back a wish, or all of them.
    pub fn cancel(&self, which: Option<WishId>) {
        self.change(|list| match which {
            Some(id) => drop(list.wishes.remove(&id)),
            None => list.wishes.clear(),
        });
    }

    /// Lets a wish that failed for good, or all of them, be tried again.
    pub fn retry(&self, which: Option<WishId>) {
        self.change(|list| {
            let failed =
                list.wishes.iter().filter(|(id, wish)| wish.failure.is_some() && which.is_none_or(|it| it == **id));
            let failed: Vec<WishId> = failed.map(|(id, _)| *id).collect();
            failed.into_iter().for_each(|id| list.forgive(id));
        });
    }

    /// The file is here. Wakes nobody, for who says it knows it; stored a little later.
    pub fn came(&self, id: WishId) {
        let mut list = self.lock();
        list.is_unsaved |= list.wishes.remove(&id).is_some();
    }

    /// It does not come, whatever is tried; likewise.
    pub fn fail(&self, id: WishId, failure: Failure) {
        let mut list = self.lock();
        if let Some(wish) = list.wishes.get_mut(&id) {
            Arc::make_mut(wish).failure = Some(failure);
            list.is_unsaved = true;
        }
    }

    /// All of them, the oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<(WishId, Arc<Wish>)> {
        self.lock().wishes.iter().map(|(id, wish)| (*id, wish.clone())).collect()
    }

    /// One of them, if it still stands.
    #[must_use]
    pub fn get(&self, id: WishId) -> Option<Arc<Wish>> {
        self.lock().wishes.get(&id).cloned()
    }

    /// Whether it still stands.
    #[must_use]
    pub fn holds(&self, id: WishId) -> bool {
        self.lock().wishes.contains_key(&id)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().wishes.len()
    }

    /// True when none waits to come: there is none, or all failed for good.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().wishes.values().all(|wish| wish.failure.is_some())
    }

    /// A receiver that wakes when something changed.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Stores what changed since it was stored last: of many files that come one after another not
    /// each time. Blocks.
    ///
    /// # Errors
    /// When it cannot be written; it is tried again with the next change.
    pub fn save(&self) -> io::Result<()> {
        if !self.lock().is_unsaved {
            return Ok(());
        }
        let file = self.lock_file();
        self.store(file.as_deref())
    }

    fn lock_file(&self) -> Option<MutexGuard<'_, PathBuf>> {
        self.file.as_ref().map(|file| file.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn store(&self, file: Option<&PathBuf>) -> io::Result<()> {
        self.lock().is_unsaved = false;
        let Some(file) = file else { return Ok(()) };
        stored_lines::write(file, self.all().iter().map(|(_, wish)| Record::of(wish)))
    }

    fn change(&self, change: impl FnOnce(&mut List)) {
        let mut list = self.lock();
        change(&mut list);
        list.is_unsaved = true;
        drop(list);
        self.note_changed();
    }

    fn note_changed(&self) {
        self.changed.send_modify(|version| *version = version.wrapping_add(1));
    }

    fn lock(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl List {
    fn insert(&mut self, wish: Wish) {
        self.last = self.last.saturating_add(1);
        self.wishes.insert(WishId(self.last), Arc::new(wish));
    }

    fn forgive(&mut self, id: WishId) {
        if let Some(wish) = self.wishes.get_mut(&id).filter(|wish| wish.failure.is_some()) {
            Arc::make_mut(wish).failure = None;
        }
    }
}

#[cfg(test)]
mod tests;
