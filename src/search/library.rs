//! All shelves with their catalogues, ready to be searched, and who keeps them so.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::catalogue::Catalogue;
use super::copies::Copies;
use super::finder::Sample;
use crate::directory::registry::Names;
use crate::wire::index::Edit;
use crate::wire::napster::Md5;
use crate::wire::{DigestTable, Index};

/// Making catalogues takes at most one part in so many of the time: while what they are made of
/// changes all the time, searches see it so much later.
const MAKING_SHARE: u32 = 5;
/// What is made sooner than this is always that of now.
const LONG: Duration = Duration::from_millis(50);

/// An index to search.
#[derive(Clone, Debug, Default)]
pub struct Shelf {
    /// Whose it is.
    pub holder: Uuid,
    /// What stands on it.
    pub index: Arc<Index>,
    /// Its contents, as far as they are known; beside another index it says nothing.
    pub digests: Arc<DigestTable>,
    /// How its index came of earlier ones.
    pub edits: Edits,
}

/// Tells what became of an earlier index to make the one of now, if that is known.
#[derive(Clone, Default)]
pub struct Edits(Option<Arc<EditFrom>>);

type EditFrom = dyn Fn(&Arc<Index>) -> Option<Arc<Edit>> + Send + Sync;

impl Edits {
    /// By whoever knows.
    pub fn known_by(edit_from: impl Fn(&Arc<Index>) -> Option<Arc<Edit>> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(edit_from)))
    }

    fn from(&self, before: &Arc<Index>) -> Option<Arc<Edit>> {
        self.0.as_ref()?(before)
    }
}

impl fmt::Debug for Edits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Edits(known)" } else { "Edits(unknown)" })
    }
}

impl Shelf {
    /// What is known of its contents.
    pub(super) fn known_digests(&self) -> Option<&DigestTable> {
        Some(&*self.digests).filter(|digests| Arc::ptr_eq(digests.index(), &self.index) && digests.known() > 0)
    }

    /// Whether a search finds the same on both. A table that tells nothing is as good as another.
    fn is_same(&self, other: &Self) -> bool {
        let tells_same = match (self.known_digests(), other.known_digests()) {
            (Some(ours), Some(theirs)) => std::ptr::eq(ours, theirs),
            (ours, theirs) => ours.is_none() && theirs.is_none(),
        };
        self.holder == other.holder && Arc::ptr_eq(&self.index, &other.index) && tells_same
    }
}

/// A file that peers registered at the directory.
#[derive(Clone, Debug)]
pub struct Registered {
    /// What names its content.
    pub md5: Md5,
    /// Its name, lower-cased.
    pub name: Box<str>,
}

/// Shelves, what is registered, and all that makes a search fast. Immutable.
#[derive(Debug, Default)]
pub struct Library {
    shelves: Vec<Shelf>,
    catalogues: Vec<Arc<Catalogue>>,
    registered: Vec<Registered>,
    copies: Copies,
    /// The number of the first file of each catalogue.
    first_files: Vec<u32>,
    sample: Sample,
}

impl Library {
    /// Of shelves, and what is registered. Catalogues of indexes that are in an earlier one are
    /// taken from there, and those of the next states of such made of them.
    #[must_use]
    pub fn new(shelves: Vec<Shelf>, registered: Vec<Registered>, before: Option<&Self>) -> Self {
        let mut catalogues: Vec<Arc<Catalogue>> = shelves
            .iter()
            .map(|shelf| {
                let known = before.and_then(|before| before.catalogue_for(shelf));
                known.unwrap_or_else(|| Arc::new(Catalogue::of_index(&shelf.index)))
            })
            .collect();
        if !registered.is_empty() {
            catalogues.push(Arc::new(Catalogue::of_names(registered.iter().map(|file| &*file.name))));
        }
        let mut files = 0_usize;
        let mut first_files = Vec::with_capacity(catalogues.len());
        for catalogue in &catalogues {
            first_files.push(u32::try_from(files).unwrap_or(u32::MAX));
            files = files.saturating_add(catalogue.len());
        }
        let copies = Copies::of(&shelves, &registered, files);
        let sample = Sample::of(shelves.iter().map(|shelf| &**shelf.index.text()));
        Self { shelves, catalogues, registered, copies, first_files, sample }
    }

    /// That of the same index, or made of that of the one before.
    fn catalogue_for(&self, shelf: &Shelf) -> Option<Arc<Catalogue>> {
        if let Some(same) = self.shelves.iter().position(|known| Arc::ptr_eq(&known.index, &shelf.index)) {
            return self.catalogues.get(same).cloned();
        }
        let before = self.shelves.iter().position(|known| known.holder == shelf.holder)?;
        let edit = shelf.edits.from(&self.shelves.get(before)?.index)?;
        self.catalogues.get(before)?.followed(&shelf.index, &edit).map(Arc::new)
    }

    /// The shelves; hits name them by their place here.
    #[must_use]
    pub fn shelves(&self) -> &[Shelf] {
        &self.shelves
    }

    /// How many files there are, equal ones as often as they are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.catalogues.iter().map(|catalogue| catalogue.len()).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What it takes in memory, the indexes and digests not counted.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let catalogues = self.catalogues.iter().map(|catalogue| catalogue.memory_bytes());
        catalogues.sum::<usize>().saturating_add(self.copies.memory_bytes())
    }

    /// The catalogues: of each shelf, and of what is registered.
    pub(super) fn catalogues(&self) -> &[Arc<Catalogue>] {
        &self.catalogues
    }

    pub(super) fn copies(&self) -> &Copies {
        &self.copies
    }

    /// The number of a file among all.
    pub(super) fn number(&self, catalogue: usize, position: u32) -> u32 {
        self.first_files.get(catalogue).map_or(u32::MAX, |first| first.saturating_add(position))
    }

    /// On which catalogue a file is, and where.
    pub(super) fn place(&self, file: u32) -> (usize, usize) {
        let catalogue = self.first_files.partition_point(|first| *first <= file).saturating_sub(1);
        let first = self.first_files.get(catalogue).copied().unwrap_or_default();
        (catalogue, file.saturating_sub(first) as usize)
    }

    /// The shelf of a file, and its position on it; none of what is only registered.
    pub(super) fn on_shelf(&self, file: u32) -> Option<(usize, &Shelf, usize)> {
        let (shelf, position) = self.place(file);
        Some((shelf, self.shelves.get(shelf)?, position))
    }

    pub(super) fn registered(&self, position: usize) -> Option<&Registered> {
        self.registered.get(position)
    }

    /// The name of a file in its folder, to be compared without regard to the case of ASCII letters.
    pub(super) fn file_name(&self, file: u32) -> &[u8] {
        let (catalogue, position) = self.place(file);
        self.catalogues.get(catalogue).map_or(&[], |catalogue| catalogue.file_name(position))
    }

    /// A sample of all that is searched.
    pub(super) fn sample(&self) -> &Sample {
        &self.sample
    }

    /// When a file was changed last, in seconds since 1970: as the first of its holders tells.
    pub(super) fn mtime(&self, file: u32) -> Option<i64> {
        let told = |file: u32| {
            let (_, shelf, position) = self.on_shelf(file)?;
            shelf.known_digests()?.mtime(position).filter(|mtime| *mtime != 0)
        };
        told(file).or_else(|| self.copies.members(file).find_map(told))
    }
}

/// Keeps the library of now. Shared by all who search.
#[derive(Debug, Default)]
pub struct Librarian {
    kept: Mutex<Option<Kept>>,
    /// Held by who makes another.
    making: Mutex<()>,
}

#[derive(Debug)]
struct Kept {
    library: Arc<Library>,
    names: Option<Arc<Names>>,
    made: Instant,
    used: Instant,
    took: Duration,
}

impl Librarian {
    /// The library of these shelves and names: the one before, if nothing changed, or if making
    /// another takes long and it is young, or somebody is at it. Blocks while it is made.
    #[must_use]
    pub fn library(&self, shelves: Vec<Shelf>, names: Option<Arc<Names>>, now: Instant) -> Arc<Library> {
        let usable = |may_be_old: bool| {
            let mut kept = self.lock();
            let kept = kept.as_mut().filter(|kept| {
                let is_young = now.saturating_duration_since(kept.made) < kept.took.saturating_mul(MAKING_SHARE);
                let may_be_old = kept.took >= LONG && (may_be_old || is_young);
                may_be_old || kept.is_of(&shelves, names.as_ref())
            })?;
            kept.used = now;
            Some(kept.library.clone())
        };
        if let Some(library) = usable(false) {
            return library;
        }
        let making = match self.making.try_lock() {
            Ok(making) => making,
            Err(TryLockError::Poisoned(making)) => making.into_inner(),
            Err(TryLockError::WouldBlock) => match usable(true) {
                Some(library) => return library,
                None => self.making.lock().unwrap_or_else(PoisonError::into_inner),
            },
        };
        // Somebody may just have made it.
        usable(false).unwrap_or_else(|| self.make(shelves, names, now, now, &making).0)
    }

    /// Makes it anew if anything changed, though nobody asks: how long that took.
    pub fn renew(&self, shelves: Vec<Shelf>, names: Option<Arc<Names>>, now: Instant) -> Duration {
        let making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let used = self.lock().as_ref().filter(|kept| !kept.is_of(&shelves, names.as_ref())).map(|kept| kept.used);
        used.map_or(Duration::ZERO, |used| self.make(shelves, names, now, used, &making).1)
    }

    /// Whether there is one.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.lock().is_some()
    }

    /// Whether somebody asked for it in this time.
    #[must_use]
    pub fn was_used_within(&self, time: Duration, now: Instant) -> bool {
        self.lock().as_ref().is_some_and(|kept| now.saturating_duration_since(kept.used) < time)
    }

    /// Lets it go if nobody asked for it in this time, and it takes more memory than so many bytes.
    pub fn rest(&self, unused_for: Duration, most_bytes: usize, now: Instant) {
        self.lock().take_if(|kept| {
            now.saturating_duration_since(kept.used) >= unused_for && kept.library.memory_bytes() > most_bytes
        });
    }

    fn make(
        &self,
        shelves: Vec<Shelf>,
        names: Option<Arc<Names>>,
        now: Instant,
        used: Instant,
        _making: &MutexGuard<'_, ()>,
    ) -> (Arc<Library>, Duration) {
        let begun = Instant::now();
        let before = self.lock().as_ref().map(|kept| kept.library.clone());
        let registered = names.iter().flat_map(|names| names.iter());
        let registered = registered.map(|(md5, name)| Registered { md5, name: name.into() }).collect();
        let library = Arc::new(Library::new(shelves, registered, before.as_deref()));
        let took = begun.elapsed();
        *self.lock() = Some(Kept { library: library.clone(), names, made: now, used, took });
        (library, took)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn is_of(&self, shelves: &[Shelf], names: Option<&Arc<Names>>) -> bool {
        let ours = self.library.shelves();
        ours.len() == shelves.len()
            && ours.iter().zip(shelves).all(|(ours, theirs)| ours.is_same(theirs))
            && match (&self.names, names) {
                (Some(ours), Some(theirs)) => Arc::ptr_eq(ours, theirs),
                (ours, theirs) => ours.is_none() && theirs.is_none(),
            }
    }
}
