//! What lies directly in one folder, sorted.
//!
//! A folder is looked at once and kept while its index is the same one, if a hundred thousand files
//! are in it or below it: each of its pages is then a slice.

use std::cmp::Reverse;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::super::natural::{sort_by_then_naturally, sort_naturally};
use super::super::owner::Owner;
use super::super::playlist::is_playable;
use crate::wire::{DigestTable, Index, Kind};

/// Folders with fewer files in them and below them are quicker looked at than kept.
const KEPT_FROM_FILES: usize = 1_000;
/// Rows of all folders that are kept: four bytes a file, some forty a folder.
const KEPT_ROWS: usize = 1_000_000;
/// And how many those are.
const KEPT_FOLDERS: usize = 256;
/// So many files are looked at for whether there is something to play, or to look at.
const LOOKED_AT: usize = 500;

/// By what it is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::http) enum By {
    /// As people look for names.
    #[default]
    Name,
    /// The largest first.
    Size,
    /// The newest first.
    Age,
}

/// In which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::http) struct Sort {
    pub(in crate::http) by: By,
    /// The other way round.
    pub(in crate::http) is_reversed: bool,
}

/// A folder. Holds positions in its index, and not the index.
#[derive(Clone, Debug, Default)]
pub(in crate::http) struct Folder {
    pub(in crate::http) folders: Box<[Sub]>,
    pub(in crate::http) files: Box<[u32]>,
    /// How many files are in it and below it.
    pub(in crate::http) count: usize,
    pub(in crate::http) bytes: u64,
    pub(in crate::http) has_pictures: bool,
    pub(in crate::http) is_playable: bool,
}

/// A folder in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) struct Sub {
    /// Where its first file is in the index.
    pub(in crate::http) first: usize,
    pub(in crate::http) count: usize,
    pub(in crate::http) bytes: u64,
    /// When the newest of its files was changed last: seconds since 1970.
    pub(in crate::http) newest: Option<i64>,
}

impl Folder {
    /// Looks at a folder; `modified` tells when a file was changed last, by its position.
    fn of(index: &Index, folder: &str, sort: Sort, modified: &impl Fn(usize) -> Option<i64>) -> Self {
        let inside = index.positions_below(folder);
        let depth = if folder.is_empty() { 0 } else { folder.len().saturating_add(1) };
        let (mut folders, mut files, mut bytes) = (Vec::new(), Vec::new(), 0_u64);
        let mut at = inside.start;
        while let Some(name) = index.name_bytes_at(at).filter(|_| at < inside.end) {
            let rest = name.get(depth..).unwrap_or_default();
            if let Some(slash) = memchr::memchr(b'/', rest) {
                let below = index.beginning_alike(at, depth.saturating_add(slash).saturating_add(1));
                let sub = Sub::of(index, below.clone(), modified);
                bytes = bytes.saturating_add(sub.bytes);
                folders.push(sub);
                at = below.end.max(at.saturating_add(1));
            } else {
                bytes = bytes.saturating_add(index.size_at(at).unwrap_or_default());
                files.extend(u32::try_from(at));
                at = at.saturating_add(1);
            }
        }
        let looked_at = || inside.clone().take(LOOKED_AT).filter_map(|at| index.name_at(at));
        let mut made = Self {
            count: inside.len(),
            bytes,
            has_pictures: files.iter().take(LOOKED_AT).any(|at| is_picture(index, *at)),
            is_playable: looked_at().any(is_playable),
            folders: folders.into(),
            files: files.into(),
        };
        made.sort(index, depth, sort, modified);
        made
    }

    fn sort(&mut self, index: &Index, depth: usize, sort: Sort, modified: &impl Fn(usize) -> Option<i64>) {
        let name = |at: usize| index.name_bytes_at(at).and_then(|name| name.get(depth..)).unwrap_or_default();
        // Of a folder only its own name counts.
        let folder = |sub: Sub| name(sub.first).split(|byte| *byte == b'/').next().unwrap_or_default();
        let file = |at: u32| name(at as usize);
        let size = |at: u32| index.size_at(at as usize);
        match sort.by {
            By::Name => {
                sort_naturally(&mut self.folders, folder);
                sort_naturally(&mut self.files, file);
            }
            By::Size => {
                sort_by_then_naturally(&mut self.folders, |sub| Reverse(sub.bytes), folder);
                sort_by_then_naturally(&mut self.files, |at| Reverse(size(at)), file);
            }
            By::Age => {
                sort_by_then_naturally(&mut self.folders, |sub| Reverse(sub.newest), folder);
                sort_by_then_naturally(&mut self.files, |at| Reverse(modified(at as usize)), file);
            }
        }
        if sort.is_reversed {
            self.folders.reverse();
            self.files.reverse();
        }
    }

    /// How many rows it has.
    pub(in crate::http) fn rows(&self) -> usize {
        self.folders.len().saturating_add(self.files.len())
    }
}

impl Sub {
    /// Of the files at some positions: all that are below one folder.
    fn of(index: &Index, below: Range<usize>, modified: &impl Fn(usize) -> Option<i64>) -> Self {
        let (first, count) = (below.start, below.len());
        let bytes = index.bytes_at(below.clone());
        Self { first, count, bytes, newest: below.filter_map(modified).max() }
    }
}

fn is_picture(index: &Index, at: u32) -> bool {
    index.name_at(at as usize).is_some_and(|name| Kind::of(name) == Kind::Picture)
}

/// Folders that were sorted lately; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Folders(Arc<Mutex<Vec<Kept>>>);

#[derive(Debug)]
struct Kept {
    index: Weak<Index>,
    digests: Weak<DigestTable>,
    name: String,
    sort: Sort,
    folder: Arc<Folder>,
}

impl Folders {
    /// A folder of a node, from among those that are kept if it is there. Blocks while it is sorted.
    pub(in crate::http) fn get(&self, owner: &Owner, name: &str, sort: Sort) -> Arc<Folder> {
        if let Some(known) = self.known(owner, name, sort) {
            return known;
        }
        let is_beside = Arc::ptr_eq(owner.digests.index(), &owner.index);
        let modified = |at: usize| match is_beside {
            true => owner.digests.mtime(at),
            // An older state is asked for names, which is only worth it for the order by age.
            false if sort.by == By::Age => owner.modified(&owner.index.get(at)?),
            false => None,
        };
        let folder = Arc::new(Folder::of(&owner.index, name, sort, &modified));
        if folder.count >= KEPT_FROM_FILES {
            self.keep(owner, name, sort, folder.clone());
        }
        folder
    }

    fn known(&self, owner: &Owner, name: &str, sort: Sort) -> Option<Arc<Folder>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|kept| kept.index.strong_count() > 0);
        let is_it = |kept: &Kept| {
            let of_it = Weak::ptr_eq(&kept.index, &Arc::downgrade(&owner.index));
            of_it && kept.name == name && kept.sort == sort
        };
        let at = kept.iter().position(is_it)?;
        let found = kept.remove(at);
        // What is known of times changes while files are read; that is worth another look.
        let is_current = Weak::ptr_eq(&found.digests, &Arc::downgrade(&owner.digests));
        let folder = is_current.then(|| found.folder.clone());
        if is_current {
            kept.push(found);
        }
        folder
    }

    /// The longest unused ones make room.
    fn keep(&self, owner: &Owner, name: &str, sort: Sort, folder: Arc<Folder>) {
        let (index, digests) = (Arc::downgrade(&owner.index), Arc::downgrade(&owner.digests));
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(Kept { index, digests, name: name.to_owned(), sort, folder });
        let rows = |kept: &[Kept]| kept.iter().map(|kept| kept.folder.rows()).sum::<usize>();
        while kept.len() > KEPT_FOLDERS || (kept.len() > 1 && rows(&kept) > KEPT_ROWS) {
            kept.remove(0);
        }
    }
}

#[cfg(test)]
mod tests;
